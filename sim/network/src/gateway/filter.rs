//! Filtering of inbound packets: RFC 4787 section 5.

use core::net::SocketAddrV4;

use super::session::{Owner, Sessions};
use crate::{Behaviour, Time};

/// The three filtering behaviours: whether a packet from `remote` may reach a mapping. What was
/// sent through which mapping counts is decided by [`FilterScope`](crate::FilterScope), in
/// [`Sessions`].
pub(super) fn lets_in(
    filtering: Behaviour,
    sessions: &Sessions,
    owner: Owner,
    remote: SocketAddrV4,
    now: Time,
) -> bool {
    match filtering {
        Behaviour::EndpointIndependent => true,
        Behaviour::AddressDependent => sessions.sent_to_address(owner, *remote.ip(), now),
        Behaviour::AddressAndPortDependent => sessions.sent_to(owner, remote, now),
    }
}
