//! Mapping, which packets share an external port: RFC 4787 section 4.1.

use alloc::collections::BTreeMap;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::ops::{Index, IndexMut};

use super::{MappingChange, ports::Ports};
use crate::{Behaviour, Protocol, Time, slab::Slab};

/// An internal endpoint and its external port.
#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) protocol: Protocol,
    pub(super) internal: SocketAddrV4,
    pub(super) port: u16,
    /// It is gone from this time on.
    pub(super) expires: Time,
    /// When its live timer rings.
    pub(super) timer: Time,
    key: Key,
}

/// What decides the mapping of a packet: protocol, internal endpoint, and of the remote endpoint
/// as much as the behaviour looks at.
type Key = (Protocol, SocketAddrV4, Ipv4Addr, u16);

impl Mapping {
    pub(super) fn change(&self, external: Ipv4Addr, created: bool) -> MappingChange {
        MappingChange {
            created,
            protocol: self.protocol,
            internal: self.internal,
            external: SocketAddrV4::new(external, self.port),
        }
    }
}

/// All mappings of a gateway.
#[derive(Debug)]
pub(super) struct Mappings {
    behaviour: Behaviour,
    slots: Slab<Mapping>,
    by_key: BTreeMap<Key, u32>,
    udp: Ports,
    tcp: Ports,
}

impl Mappings {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            slots: Slab::default(),
            by_key: BTreeMap::new(),
            udp: Ports::default(),
            tcp: Ports::default(),
        }
    }

    /// The three mapping behaviours: what of the remote endpoint a mapping belongs to.
    fn key(&self, protocol: Protocol, internal: SocketAddrV4, remote: SocketAddrV4) -> Key {
        let (address, port) = match self.behaviour {
            Behaviour::EndpointIndependent => (Ipv4Addr::UNSPECIFIED, 0),
            Behaviour::AddressDependent => (*remote.ip(), 0),
            Behaviour::AddressAndPortDependent => (*remote.ip(), remote.port()),
        };
        (protocol, internal, address, port)
    }

    /// The mapping for packets from `internal` to `remote`.
    pub(super) fn by_internal(
        &self,
        protocol: Protocol,
        internal: SocketAddrV4,
        remote: SocketAddrV4,
    ) -> Option<u32> {
        self.by_key.get(&self.key(protocol, internal, remote)).copied()
    }

    /// The mapping that has an external port.
    pub(super) fn by_port(&self, protocol: Protocol, port: u16) -> Option<u32> {
        self.ports(protocol).holder(port)
    }

    /// The external ports in use.
    pub(super) fn ports(&self, protocol: Protocol) -> &Ports {
        match protocol {
            Protocol::Udp => &self.udp,
            Protocol::Tcp => &self.tcp,
        }
    }

    fn ports_mut(&mut self, protocol: Protocol) -> &mut Ports {
        match protocol {
            Protocol::Udp => &mut self.udp,
            Protocol::Tcp => &mut self.tcp,
        }
    }

    /// A new mapping on a free `port`. It is to be extended at once: it has no life of its own.
    pub(super) fn begin(
        &mut self,
        protocol: Protocol,
        internal: SocketAddrV4,
        remote: SocketAddrV4,
        port: u16,
    ) -> u32 {
        let key = self.key(protocol, internal, remote);
        let number = self.slots.insert(Mapping {
            protocol,
            internal,
            port,
            expires: Time::ZERO,
            timer: Time::NEVER,
            key,
        });
        self.by_key.insert(key, number);
        self.ports_mut(protocol).take(port, number);
        number
    }

    /// Takes a mapping away.
    pub(super) fn end(&mut self, number: u32) -> Mapping {
        let mapping = self.slots.remove(number);
        self.by_key.remove(&mapping.key);
        self.ports_mut(mapping.protocol).free(mapping.port);
        mapping
    }

    /// Lets a mapping live until `expires` at least.
    pub(super) fn extend(&mut self, number: u32, expires: Time) {
        let mapping = &mut self.slots[number];
        mapping.expires = mapping.expires.max(expires);
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Mapping> {
        self.slots.get_mut(number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Mapping> {
        self.slots.iter()
    }
}

impl Index<u32> for Mappings {
    type Output = Mapping;

    fn index(&self, number: u32) -> &Mapping {
        &self.slots[number]
    }
}

impl IndexMut<u32> for Mappings {
    fn index_mut(&mut self, number: u32) -> &mut Mapping {
        &mut self.slots[number]
    }
}
