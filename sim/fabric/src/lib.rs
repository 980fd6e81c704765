//! Everything below the peers of a run: network, services and the hosts' ends of them; how a
//! scenario becomes that, and what of it is in a record. No clock, thread or socket is in it: a
//! simulator drives it in virtual time, a lab in real time.

mod assembly;
mod clips;
mod error;
mod fabric;
mod flash;
mod header;
mod loads;
mod packets;
mod pictures;
mod plan;
mod script;
mod services;
mod tcp;
mod timers;
mod udp;

pub use assembly::{Assembly, assemble};
pub use clips::{check, check_clip};
pub use error::SetupError;
pub use fabric::{Captured, Fabric, Live, NetworkServices, Observations};
pub use flash::MemoryFlash;
pub use header::header;
pub use packets::{BytesByKind, Direction, EndKind, PacketSeen, Packets};
pub use parallax_spec::RENDEZVOUS_PORT;
pub use pictures::{KeptPicture, Pictures};
pub use plan::{ProfiledDevice, Setting, Software, films, place_peers};
pub use script::{ScriptStep, act, steps};
pub use services::{Hosted, Placed, place, secrets};
pub use tcp::{TcpListener, TcpStream};
pub use timers::{Sleep, Timers};
pub use udp::UdpSocket;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a panic left half done ends the run, and is not read again.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
