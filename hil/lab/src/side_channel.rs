//! Datagrams between the lab and a board over its cable, past the network: to and from the gateway of its
//! LAN. No link delays them, so clocks are compared by them. What they say is the caller's.

use crate::{lock, wire::BoardWire};
use parallax_network::Packet;
use std::{
    net::SocketAddrV4,
    sync::{
        Arc, Mutex, Weak,
        mpsc::{Receiver, Sender, channel},
    },
};

/// The gateway's port for them. Nothing else answers there.
const PORT: u16 = 7_373;

/// What came from a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideDatagram {
    /// When it was taken from the cable, or later, by the caller's clock.
    pub at_ns: u64,
    /// The datagram's payload.
    pub payload: Vec<u8>,
}

/// A line to a board. Clones are the same line.
#[derive(Clone)]
pub struct SideChannel(Arc<Inner>);

struct Inner {
    now_ns: fn() -> u64,
    wire: Mutex<Weak<BoardWire>>,
    came: Mutex<Sender<SideDatagram>>,
}

impl SideChannel {
    /// A channel for a run to come, with the clock of its times; and what comes on it.
    pub fn new(now_ns: fn() -> u64) -> (Self, Receiver<SideDatagram>) {
        let (came, receiver) = channel();
        let inner = Inner { now_ns, wire: Mutex::default(), came: Mutex::new(came) };
        (Self(Arc::new(inner)), receiver)
    }

    /// Sends a datagram to a UDP port of the board. Says when that was begun; none: the run has not, or the
    /// board was not heard of yet.
    pub fn send(&self, port: u16, payload: &[u8]) -> Option<u64> {
        let wire = lock(&self.0.wire).upgrade()?;
        let frame = {
            let mut board = lock(&wire.port);
            let from = SocketAddrV4::new(board.gateway(), PORT);
            let to = SocketAddrV4::new(board.address(), port);
            board.frame(&Packet::udp(from, to, payload.to_vec().into()))?
        };
        let at_ns = (self.0.now_ns)();
        wire.send(&frame);
        Some(at_ns)
    }

    pub(crate) fn plug(&self, wire: &Arc<BoardWire>) {
        *lock(&self.0.wire) = Arc::downgrade(wire);
    }

    pub(crate) fn now_ns(&self) -> u64 {
        (self.0.now_ns)()
    }

    /// Takes a packet from the board if it is for the line.
    pub(crate) fn takes(&self, gateway: std::net::Ipv4Addr, at_ns: u64, packet: &Packet) -> bool {
        let is_own = packet.destination == SocketAddrV4::new(gateway, PORT);
        if is_own {
            // Without a receiver it is dropped.
            let _ =
                lock(&self.0.came).send(SideDatagram { at_ns, payload: packet.payload.to_vec() });
        }
        is_own
    }
}
