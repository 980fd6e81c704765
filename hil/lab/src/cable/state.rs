//! State of a network interface. It needs no privilege to read.

use nix::{
    ifaddrs::getifaddrs,
    net::if_::InterfaceFlags,
    sys::socket::{LinkAddr, SockaddrStorage},
};
use std::{fmt, io, net::Ipv4Addr};

/// Whether frames get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// There is no such interface.
    Missing,
    /// It is switched off.
    Down,
    /// It is switched on, and nothing is at the other end.
    NoCarrier,
    /// It works.
    Up,
}

/// What was seen of a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceState {
    /// Whether frames get through.
    pub link: LinkState,
    /// IPv4 addresses that this machine has on it: a lab's interface had better have none.
    pub own: Vec<Ipv4Addr>,
}

impl fmt::Display for InterfaceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.link {
            LinkState::Missing => "missing",
            LinkState::Down => "down",
            LinkState::NoCarrier => "up, nothing plugged in",
            LinkState::Up => "up",
        })?;
        for own in &self.own {
            write!(f, ", has an address of its own: {own}")?;
        }
        Ok(())
    }
}

/// Looks at an interface.
///
/// # Errors
/// If the system does not tell.
pub fn look(name: &str) -> io::Result<InterfaceState> {
    let mut seen = InterfaceState { link: LinkState::Missing, own: Vec::new() };
    for one in getifaddrs()?.filter(|one| one.interface_name == name) {
        let on = |flag| one.flags.contains(flag);
        seen.link = match (on(InterfaceFlags::IFF_UP), on(InterfaceFlags::IFF_RUNNING)) {
            (false, _) => LinkState::Down,
            (true, false) => LinkState::NoCarrier,
            (true, true) => LinkState::Up,
        };
        let address = one.address.as_ref().and_then(SockaddrStorage::as_sockaddr_in);
        seen.own.extend(address.map(|address| address.ip()));
    }
    Ok(seen)
}

/// An interface's address of the link layer, if there is such an interface; else the names of all.
pub(super) fn address(name: &str) -> io::Result<Result<LinkAddr, Vec<String>>> {
    let mut there = Vec::new();
    for one in getifaddrs()? {
        let Some(address) = one.address.as_ref().and_then(SockaddrStorage::as_link_addr) else {
            continue;
        };
        if one.interface_name == name {
            return Ok(Ok(*address));
        }
        there.push(one.interface_name);
    }
    Ok(Err(there))
}
