//! Two hosts and a pipe between them that delays and loses.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use core::{net::Ipv4Addr, time::Duration};
use parallax_network::{Packet, Time, random};
use parallax_stack::Stack;
use rand_core::Rng;
use std::collections::BTreeMap;

pub const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// What a pipe steps: a stack, or one that tasks share.
pub trait Host {
    fn handle(&mut self, now: Time, packet: &Packet);
    fn poll(&mut self, now: Time) -> Option<Packet>;
    fn next_deadline(&mut self, now: Time) -> Option<Time>;
}

impl Host for Stack {
    fn handle(&mut self, now: Time, packet: &Packet) {
        Stack::handle(self, now, packet);
    }
    fn poll(&mut self, now: Time) -> Option<Packet> {
        Stack::poll(self, now)
    }
    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        Stack::next_deadline(self, now)
    }
}

impl Host for parallax_stack::SharedStack {
    fn handle(&mut self, now: Time, packet: &Packet) {
        parallax_stack::SharedStack::handle(self, now, packet);
    }
    fn poll(&mut self, now: Time) -> Option<Packet> {
        parallax_stack::SharedStack::poll(self, now)
    }
    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        parallax_stack::SharedStack::next_deadline(self, now)
    }
}

pub struct Pipe<H> {
    pub now: Time,
    pub a: H,
    pub b: H,
    pub delay: Duration,
    /// Of 100 packets so many are lost.
    pub loss: u32,
    /// Every packet that was sent, lost or not.
    pub trace: Vec<(Time, Packet)>,
    flying: BTreeMap<(Time, usize), Packet>,
    luck: rand_chacha::ChaCha8Rng,
}

pub fn stack(address: Ipv4Addr, seed: u64) -> Stack {
    Stack::new(address, seed, &format!("host/{address}/tcp"))
}

impl<H: Host> Pipe<H> {
    pub fn new(a: H, b: H, seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            a,
            b,
            delay: Duration::from_millis(20),
            loss: 0,
            trace: Vec::new(),
            flying: BTreeMap::new(),
            luck: random::stream(seed, "pipe"),
        }
    }

    pub fn flush(&mut self) {
        loop {
            let Some(packet) = self.a.poll(self.now).or_else(|| self.b.poll(self.now)) else {
                break;
            };
            self.trace.push((self.now, packet.clone()));
            if self.luck.next_u32() % 100 >= self.loss {
                self.flying.insert((self.now + self.delay, self.trace.len()), packet);
            }
        }
    }

    /// Goes on to the next thing that happens; false if nothing ever does.
    pub fn step(&mut self) -> bool {
        self.flush();
        let flying = self.flying.first_key_value().map(|((at, _), _)| *at);
        let a = self.a.next_deadline(self.now);
        let b = self.b.next_deadline(self.now);
        for deadline in [a, b].into_iter().flatten() {
            assert!(deadline > self.now, "the deadline {deadline} is not after {}", self.now);
        }
        let Some(next) = [flying, a, b].into_iter().flatten().min() else { return false };
        self.now = next;
        while let Some(first) = self.flying.first_entry() {
            if first.key().0 > next {
                break;
            }
            let packet = first.remove();
            if *packet.destination.ip() == A {
                self.a.handle(next, &packet);
            } else {
                self.b.handle(next, &packet);
            }
        }
        self.flush();
        true
    }
}
