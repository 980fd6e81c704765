//! The rendezvous over WebSocket over TCP.

use crate::{
    Service,
    websocket::{Event, ServerSocket},
};
use core::{
    net::{Ipv4Addr, SocketAddrV4},
    task::Poll,
};
use parallax_network::{Packet, Time};
use parallax_signalling::{ConnectionId, IceServer, Output, RefusedReason, Rendezvous};
use parallax_stack::{Connection, Listener, Stack, StackError};
use std::collections::{BTreeMap, BTreeSet};

/// How many connections wait to be accepted.
const BACKLOG: usize = 16;

struct Client {
    connection: Connection,
    socket: ServerSocket,
    /// The rendezvous knows it.
    known: bool,
    /// It is over, and goes when what it has sent is with the stack.
    over: bool,
}

/// The rendezvous of [`parallax_signalling`] at a TCP port, in plain WebSocket.
pub struct RendezvousService {
    stack: Stack,
    port: u16,
    listener: Listener,
    rendezvous: Rendezvous,
    clients: BTreeMap<ConnectionId, Client>,
    last_id: u64,
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
            rendezvous: Rendezvous::new(ice_servers),
            clients: BTreeMap::new(),
            last_id: 0,
        })
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.clients.len()
    }

    fn settle(&mut self, now: Time) {
        while let Some(connection) = self.stack.accept(self.listener) {
            self.last_id += 1;
            let socket = ServerSocket::new(now);
            let client = Client { connection, socket, known: false, over: false };
            self.clients.insert(ConnectionId(self.last_id), client);
        }
        let mut all: BTreeSet<ConnectionId> = self.clients.keys().copied().collect();
        while let Some(id) = all.pop_first() {
            self.receive(now, id);
            // What one says makes others speak.
            while let Some(output) = self.rendezvous.poll() {
                match output {
                    Output::Send(to, text) => {
                        if let Some(client) = self.clients.get_mut(&to) {
                            client.socket.send(text);
                            all.insert(to);
                        }
                    }
                    Output::Close(of) => {
                        if let Some(client) = self.clients.get_mut(&of) {
                            client.known = false;
                            client.socket.close(now);
                            all.insert(of);
                        }
                    }
                }
            }
            self.send(id);
        }
    }

    fn receive(&mut self, now: Time, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let mut bytes = [0; 4096];
        while !client.over
            && let Poll::Ready(received) = self.stack.receive(client.connection, &mut bytes)
        {
            // An error is an end like another: nothing more comes.
            let received = received.unwrap_or(0);
            client.socket.receive(now, &bytes[..received]);
            if received == 0 {
                break;
            }
        }
        while let Some(event) = client.socket.poll(now) {
            match event {
                Event::Opened => {
                    client.known = true;
                    self.rendezvous.connected(id);
                }
                Event::Text(text) => self.rendezvous.handle(id, &text),
                Event::TooLarge => self.rendezvous.hang_up(id, RefusedReason::TooLarge),
                Event::NoText => self.rendezvous.hang_up(id, RefusedReason::Malformed),
                Event::Over => {
                    client.over = true;
                    if core::mem::take(&mut client.known) {
                        self.rendezvous.disconnected(id);
                    }
                }
            }
        }
    }

    /// Gives the stack what it has room for.
    fn send(&mut self, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let waiting = client.socket.outgoing();
        while !waiting.is_empty() {
            match self.stack.send(client.connection, waiting) {
                Poll::Pending => return,
                Poll::Ready(Ok(sent)) => drop(waiting.drain(..sent)),
                Poll::Ready(Err(_)) => waiting.clear(),
            }
        }
        if client.over {
            self.stack.release(client.connection);
            self.clients.remove(&id);
        }
    }
}

impl Service for RendezvousService {
    fn address(&self) -> Ipv4Addr {
        self.stack.address()
    }

    fn handle(&mut self, now: Time, packet: &Packet) {
        self.stack.handle(now, packet);
        self.settle(now);
    }

    fn poll(&mut self, now: Time) -> Option<Packet> {
        let due = |client: &Client| client.socket.next_deadline().is_some_and(|at| at <= now);
        let packet = self.stack.poll(now);
        // The stack's own timers end connections too.
        if packet.is_none()
            && (self.clients.values().any(due)
                || self.clients.values().any(|c| !c.over && self.stack.readable(c.connection)))
        {
            self.settle(now);
            return self.stack.poll(now);
        }
        packet
    }

    fn next_deadline(&mut self, now: Time) -> Option<Time> {
        let clients = self.clients.values().filter_map(|client| client.socket.next_deadline());
        clients.chain(self.stack.next_deadline(now)).min()
    }

    fn restart(&mut self) {
        self.stack.restart();
        self.rendezvous.restart();
        self.clients.clear();
        // Nobody else listens on a stack that has just started.
        if let Ok(listener) = self.stack.listen(self.port, BACKLOG) {
            self.listener = listener;
        }
    }
}
