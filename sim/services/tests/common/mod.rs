//! Two homes behind gateways, and the services.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

mod services;

use bytes::Bytes;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use parallax_network::{
    Access, Behaviour, GatewayConfig, HostId, LinkConfig, Network, NetworkOutput, Packet,
    SiteConfig, Time, Transport,
};
use parallax_stack::Stack;
use services::{Services, ServicesConfig};
use std::collections::BTreeMap;

pub const STUN_TURN: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1), 3478);
pub const RENDEZVOUS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 2), 80);
/// The public addresses of the two gateways.
pub const EXTERNAL: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::new(203, 0, 113, 2)];
/// Both homes use the same range, and both hosts the same address.
pub const LAN: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);

/// The network of a run and all that is on it.
pub struct World {
    pub now: Time,
    pub services: Services,
    pub network: Network,
    pub hosts: [HostId; 2],
    pub stacks: [Stack; 2],
    /// UDP that came and was not taken.
    pub inbox: [Vec<Packet>; 2],
    services_at: BTreeMap<Ipv4Addr, HostId>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut network = Network::new(seed);
        let link = LinkConfig { one_way_delay: Duration::from_millis(10), ..LinkConfig::default() };
        let hosts = [0, 1].map(|n| {
            let gateway = GatewayConfig {
                mapping: Behaviour::AddressAndPortDependent,
                filtering: Behaviour::AddressAndPortDependent,
                ..GatewayConfig::default()
            };
            let config = SiteConfig {
                gateway: Some(GatewayConfig { external: EXTERNAL[n], ..gateway }),
                internet: Some(Access { up: link.clone(), down: link.clone() }),
            };
            let site = network.add_site(["house", "flat"][n], config).expect("a site");
            network.add_host(["doorbell", "phone"][n], site, LAN).expect("a host")
        });
        let config = ServicesConfig {
            stun_turn: *STUN_TURN.ip(),
            rendezvous: *RENDEZVOUS.ip(),
            realm: "parallax".to_owned(),
            username: "run".to_owned(),
            password: "right".to_owned(),
        };
        let services_at = [(STUN_TURN, "stun_turn"), (RENDEZVOUS, "rendezvous")]
            .map(|(at, name)| (*at.ip(), network.add_service(name, *at.ip()).expect("a service")))
            .into();
        Self {
            now: Time::ZERO,
            services: Services::new(config, seed).expect("port 80 is free"),
            network,
            hosts,
            stacks: [0, 1].map(|n| Stack::new(LAN, seed, ["doorbell", "phone"][n])),
            inbox: [Vec::new(), Vec::new()],
            services_at,
        }
    }

    /// A host sends UDP.
    pub fn send(&mut self, host: usize, port: u16, to: SocketAddrV4, payload: impl Into<Bytes>) {
        let packet = Packet::udp(SocketAddrV4::new(LAN, port), to, payload.into());
        self.network.handle(self.now, self.hosts[host], packet);
    }

    pub fn flush(&mut self) {
        while let Some(packet) = self.services.poll(self.now) {
            let from = self.services_at[packet.source.ip()];
            self.network.handle(self.now, from, packet);
        }
        for n in 0..2 {
            while let Some(packet) = self.stacks[n].poll(self.now) {
                self.network.handle(self.now, self.hosts[n], packet);
            }
        }
    }

    /// Goes on to the next thing that happens, but not beyond `until`; false if nothing does.
    pub fn step(&mut self, until: Time) -> bool {
        self.flush();
        let own = [
            self.services.next_deadline(self.now),
            self.stacks[0].next_deadline(self.now),
            self.stacks[1].next_deadline(self.now),
        ];
        for deadline in own.into_iter().flatten() {
            assert!(deadline > self.now, "the deadline {deadline} is not after {}", self.now);
        }
        let next = own.into_iter().chain([self.network.next_deadline()]).flatten().min();
        let Some(next) = next.filter(|next| *next <= until) else {
            self.now = until.max(self.now);
            return false;
        };
        self.now = next.max(self.now);
        while let Some(output) = self.network.poll(self.now) {
            let NetworkOutput::Delivered { at, to, packet, .. } = output else { continue };
            if self.services_at.values().any(|service| *service == to) {
                self.services.handle(at, &packet);
            } else {
                let n = usize::from(to == self.hosts[1]);
                match packet.transport {
                    Transport::Tcp(_) => self.stacks[n].handle(at, &packet),
                    Transport::Udp => self.inbox[n].push(packet),
                }
            }
            self.flush();
        }
        self.flush();
        true
    }

    /// Steps for so long.
    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
    }
}
