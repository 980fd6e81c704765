//! TCP for the hosts of the network core, by smoltcp.
//!
//! [`Stack`] is one host's TCP as a pure core: packets and time in, packets and the next deadline
//! out. [`SharedStack`] wraps one for tasks: [`TcpStream`] and [`SharedListener`] wait by wakers and
//! need no runtime.

mod connection;
mod shared;
mod stack;
pub mod wire;

pub use connection::{ConnectionError, StackError};
pub use shared::{SharedListener, SharedStack, TcpStream};
pub use smoltcp::socket::tcp::State;
pub use stack::{Listener, Stack, TcpConnection};
