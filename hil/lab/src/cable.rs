//! Cables between the lab and boards.

mod error;
mod interface;
mod offload;
mod socket;
mod state;
mod tap;

pub use error::CableError;
pub use interface::Interface;
pub use socket::Datagrams;
pub use state::{InterfaceState, LinkState, look};
pub use tap::Tap;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{fmt, io, os::fd::AsFd, time::Duration};

/// Frames that are taken before it is looked whether to stop.
const FRAMES_MOST: usize = 64;

/// A cable to a board: Ethernet frames, without their check sequence.
pub trait Cable: fmt::Debug + Send + Sync {
    /// Waits until frames come, at most for `patience`, and hands each to `take`. That none comes, or
    /// that there is no other end yet, is no error.
    ///
    /// # Errors
    /// If the cable cannot be read: its interface is down, or gone.
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()>;

    /// Sends a frame.
    ///
    /// # Errors
    /// If it is not taken: then it is lost, as on a cable that is not plugged in.
    fn send(&self, frame: &[u8]) -> io::Result<()>;

    /// How many frames came from the board so far and were lost on this machine, before the lab could
    /// take them.
    fn lost(&self) -> u64 {
        0
    }
}

/// Waits until `source` can be read, at most for `patience`.
fn readable(source: &impl AsFd, patience: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Reads until nothing is left; `read` never waits.
fn drain(mut read: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for _ in 0..FRAMES_MOST {
        match read() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
