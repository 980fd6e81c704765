//! The rendezvous over TCP.

use crate::NetworkService;
use core::{
    net::{Ipv4Addr, SocketAddrV4},
    task::Poll,
    time::Duration,
};
use parallax_network::{Packet, Time};
use parallax_signalling::{ConnectionId, IceServer, Limits, Server};
use parallax_stack::{Listener, Stack, StackError, TcpConnection};
use std::collections::BTreeMap;

/// How many connections wait to be accepted.
const BACKLOG: usize = 16;
/// Many viewers may share the address of a gateway.
const LIMITS: Limits = Limits { clients: 4096, clients_per_address: 4096 };

/// The [`Server`] of `signalling` at a TCP port.
pub struct RendezvousService {
    stack: Stack,
    port: u16,
    listener: Listener,
    server: Server,
    clients: BTreeMap<ConnectionId, TcpConnection>,
}

impl RendezvousService {
    /// A rendezvous at `listen` that tells its clients of `ice_servers`. Its TCP has the random
    /// stream `name` of the run `seed`.
    ///
    /// # Errors
    /// [`StackError`] if the port is 0 and there is none to take instead.
    pub fn new(
        listen: SocketAddrV4,
        ice_servers: Vec<IceServer>,
        seed: u64,
        name: &str,
    ) -> Result<Self, StackError> {
        let mut stack = Stack::new(*listen.ip(), seed, name);
        let listener = stack.listen(listen.port(), BACKLOG)?;
        Ok(Self {
            stack,
            port: listen.port(),
            listener,
            server: Server::new(ice_servers, LIMITS),
            clients: BTreeMap::new(),
        })
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.clients.len()
    }

    fn settle(&mut self, now: Time) {
        let since_start = since_start(now);
        while let Some(connection) = self.stack.accept(self.listener) {
            // Without an end it was reset before it was accepted.
            let from = self.stack.remote(connection);
            match from.and_then(|from| self.server.open(since_start, (*from.ip()).into())) {
                Some(id) => drop(self.clients.insert(id, connection)),
                None => {
                    self.stack.abort(connection);
                    self.stack.release(connection);
                }
            }
        }
        for (id, connection) in &self.clients {
            let mut bytes = [0; 4096];
            while let Poll::Ready(received) = self.stack.receive(*connection, &mut bytes) {
                // After a reset nothing is read there either.
                let Ok(received) = received else {
                    self.server.gone(since_start, *id);
                    break;
                };
                self.server.receive(since_start, *id, &bytes[..received]);
                if received == 0 {
                    break;
                }
            }
        }
        self.server.time(since_start);
        self.send(since_start);
    }

    /// Gives the stack what it has room for.
    fn send(&mut self, since_start: Duration) {
        let (stack, server) = (&mut self.stack, &mut self.server);
        self.clients.retain(|id, connection| {
            while let Some(waiting) = server.outgoing(*id) {
                if waiting.is_empty() {
                    return true;
                }
                match stack.send(*connection, waiting) {
                    Poll::Pending => return true,
                    Poll::Ready(Ok(sent)) => drop(waiting.drain(..sent)),
                    Poll::Ready(Err(_)) => waiting.clear(),
                }
            }
            stack.release(*connection);
            server.gone(since_start, *id);
            false
        });
    }
}

impl NetworkService for RendezvousService {
    fn address(&self) -> Ipv4Addr {
        self.stack.address()
    }

    fn handle(&mut self, now: Time, packet: &Packet) -> bool {
        // What is of no connection any more is answered with a reset.
        self.stack.handle(now, packet);
        self.settle(now);
        true
    }

    fn poll(&mut self, now: Time) -> Option<Packet> {
        let packet = self.stack.poll(now);
        let due = self.server.next_deadline().is_some_and(|at| at <= since_start(now));
        // The stack's own timers end connections too.
        if packet.is_none() && (due || self.clients.values().any(|c| self.stack.readable(*c))) {
            self.settle(now);
            return self.stack.poll(now);
        }
        packet
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        let server = self.server.next_deadline().map(|at| Time::ZERO + at);
        server.into_iter().chain(self.stack.next_deadline(now)).min()
    }

    fn restart(&mut self) {
        self.stack.restart();
        self.server.restart();
        self.clients.clear();
        // Nothing else listens on a stack that has just started.
        if let Ok(listener) = self.stack.listen(self.port, BACKLOG) {
            self.listener = listener;
        }
    }
}

fn since_start(now: Time) -> Duration {
    now.saturating_since(Time::ZERO)
}
