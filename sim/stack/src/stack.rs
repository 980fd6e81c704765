//! One host's TCP as a pure core.

use crate::{
    connection::{ConnectionCause, ConnectionEntry, ConnectionError, StackError, socket},
    wire,
};
use core::{
    net::{Ipv4Addr, SocketAddrV4},
    task::Poll,
    time::Duration,
};
use parallax_network::{Packet, Time, Transport, random};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use smoltcp::{
    iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet},
    phy::{self, ChecksumCapabilities, DeviceCapabilities, Medium},
    socket::tcp::{Socket, State},
    time::Instant,
    wire::{HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpListenEndpoint},
};
use std::collections::{BTreeMap, VecDeque};

/// Largest IP packet, bytes.
const MAX_PACKET_BYTES: usize = 1500;
/// Ephemeral ports (RFC 6335 section 6).
const EPHEMERAL: core::ops::RangeInclusive<u16> = 49152..=65535;

/// A TCP connection of a [`Stack`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpConnection(u64);

/// A TCP listener of a [`Stack`]. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listener(u64);

/// TCP of one host with one address. UDP goes past it.
///
/// Initial sequence numbers and the first ephemeral port come from a named random stream; ports
/// count on from there.
pub struct Stack {
    address: Ipv4Addr,
    interface: Interface,
    device: Device,
    sockets: SocketSet<'static>,
    connections: BTreeMap<TcpConnection, ConnectionEntry>,
    listeners: BTreeMap<Listener, Backlog>,
    random: ChaCha8Rng,
    next_port: u16,
    last_id: u64,
}

/// Smoltcp has no backlog: each connection that opens takes a listening socket.
struct Backlog {
    port: u16,
    limit: usize,
    /// Listening or opening.
    sockets: Vec<SocketHandle>,
    /// Open, not yet accepted.
    ready: VecDeque<TcpConnection>,
}

#[derive(Default)]
struct Device {
    received: VecDeque<Vec<u8>>,
    sent: VecDeque<Packet>,
}

impl Stack {
    /// The TCP of the host at `address`, with the random stream `name` of the run `seed`.
    pub fn new(address: Ipv4Addr, seed: u64, name: &str) -> Self {
        let mut random = random::stream(seed, name);
        let ports = u32::from(EPHEMERAL.end() - EPHEMERAL.start()) + 1;
        // Below 2^14, so that it fits.
        let next_port = EPHEMERAL.start() + (random.next_u32() % ports) as u16;
        let mut device = Device::default();
        Self {
            address,
            interface: interface(address, &mut device, &mut random),
            device,
            sockets: SocketSet::new(Vec::new()),
            connections: BTreeMap::new(),
            listeners: BTreeMap::new(),
            random,
            next_port,
            last_id: 0,
        }
    }

    /// Loss and return of power: every connection and listener is gone without a word. The random
    /// stream and the count of ports go on, so that a new connection has not the address of an old
    /// one that the other end may still believe in.
    pub fn restart(&mut self) {
        self.device = Device::default();
        self.interface = interface(self.address, &mut self.device, &mut self.random);
        self.sockets = SocketSet::new(Vec::new());
        self.connections.clear();
        self.listeners.clear();
    }

    /// The host's address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// A packet came in. UDP, and what is for another address, is ignored.
    pub fn handle(&mut self, now: Time, packet: &Packet) {
        if !matches!(packet.transport, Transport::Tcp(_))
            || *packet.destination.ip() != self.address
        {
            return;
        }
        let Ok(bytes) = wire::to_bytes(packet) else { return };
        self.device.received.push_back(bytes);
        let now = instant(now);
        while self.interface.poll_ingress_single(now, &mut self.device, &mut self.sockets)
            != PollIngressSingleResult::None
        {}
        self.settle(ConnectionCause::Packet);
    }

    /// The next packet to send, if there is one. To be called until there is none.
    pub fn poll(&mut self, now: Time) -> Option<Packet> {
        if self.device.sent.is_empty() {
            let now = instant(now);
            while self.interface.poll_egress(now, &mut self.device, &mut self.sockets)
                != PollResult::None
            {}
            self.settle(ConnectionCause::Timer);
        }
        self.device.sent.pop_front()
    }

    /// When to call `poll` again. Right after it had nothing more, this is later than `now`.
    ///
    /// Smoltcp counts whole microseconds. It gets the time rounded down, and its deadlines are
    /// taken one microsecond later: a timer is at most 1 us late and never early.
    pub fn next_deadline(&mut self, now: Time) -> Option<Time> {
        if !self.device.sent.is_empty() {
            return Some(now);
        }
        let at = self.interface.poll_at(instant(now), &self.sockets)?;
        let micros = u64::try_from(at.total_micros()).unwrap_or(0);
        Some(if micros == 0 { now } else { Time::from_micros(micros + 1).max(now) })
    }

    /// Opens a connection from the next ephemeral port.
    ///
    /// # Errors
    /// [`StackError`] if there is no port, or no such destination.
    pub fn connect(&mut self, remote: SocketAddrV4) -> Result<TcpConnection, StackError> {
        let port = self.ephemeral_port()?;
        let local = IpEndpoint::new(IpAddress::Ipv4(self.address), port);
        let mut socket = socket();
        let context = self.interface.context();
        let remote = IpEndpoint::new(IpAddress::Ipv4(*remote.ip()), remote.port());
        socket.connect(context, remote, local).map_err(|_| StackError::Unaddressable)?;
        let handle = self.sockets.add(socket);
        let connection = self.add(handle, State::SynSent);
        self.settle(ConnectionCause::Timer);
        Ok(connection)
    }

    /// Listens on a port; 0 takes the next ephemeral one. Up to `backlog` connections open or wait
    /// to be accepted; more are refused.
    ///
    /// # Errors
    /// [`StackError`] if the port is in use, or the backlog is none.
    pub fn listen(&mut self, port: u16, backlog: usize) -> Result<Listener, StackError> {
        if backlog == 0 {
            return Err(StackError::Unaddressable);
        }
        let port = if port == 0 { self.ephemeral_port()? } else { port };
        if self.listeners.values().any(|listener| listener.port == port) {
            return Err(StackError::PortInUse);
        }
        self.last_id += 1;
        let listener = Listener(self.last_id);
        let (sockets, ready) = (Vec::new(), VecDeque::new());
        self.listeners.insert(listener, Backlog { port, limit: backlog, sockets, ready });
        self.settle(ConnectionCause::Timer);
        Ok(listener)
    }

    /// The port a listener listens on.
    pub fn port(&self, listener: Listener) -> Option<u16> {
        self.listeners.get(&listener).map(|backlog| backlog.port)
    }

    /// The next connection that came in, if there is one.
    pub fn accept(&mut self, listener: Listener) -> Option<TcpConnection> {
        let connection = self.listeners.get_mut(&listener)?.ready.pop_front();
        self.settle(ConnectionCause::Timer);
        connection
    }

    /// Whether [`Stack::accept`] has a connection.
    pub fn acceptable(&self, listener: Listener) -> bool {
        self.listeners.get(&listener).is_some_and(|backlog| !backlog.ready.is_empty())
    }

    /// Listens no more. Connections that were not accepted are reset.
    pub fn close_listener(&mut self, listener: Listener) {
        let Some(backlog) = self.listeners.remove(&listener) else { return };
        let opening: Vec<TcpConnection> =
            backlog.sockets.into_iter().map(|handle| self.add(handle, State::Listen)).collect();
        for connection in opening.into_iter().chain(backlog.ready) {
            self.abort(connection);
            self.release(connection);
        }
    }

    /// This end of a connection.
    pub fn local(&self, connection: TcpConnection) -> Option<SocketAddrV4> {
        self.socket(connection)?.local_endpoint().map(address)
    }

    /// The other end of a connection.
    pub fn remote(&self, connection: TcpConnection) -> Option<SocketAddrV4> {
        self.socket(connection)?.remote_endpoint().map(address)
    }

    /// The state of a connection (RFC 9293 section 3.3.2); none if it is gone.
    pub fn state(&self, connection: TcpConnection) -> Option<State> {
        self.socket(connection).map(Socket::state)
    }

    /// Takes as much of `data` as there is room for, at least one byte. Pending: the connection
    /// is opening or there is no room.
    pub fn send(
        &mut self,
        connection: TcpConnection,
        data: &[u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        match self.connections.get(&connection) {
            Some(entry) => entry.send(self.sockets.get_mut(entry.handle), data),
            None => Poll::Ready(Err(ConnectionError::Closed)),
        }
    }

    /// Gives out what has come, at least one byte. Zero bytes: the other end has finished.
    /// Pending: nothing has come yet.
    pub fn receive(
        &mut self,
        connection: TcpConnection,
        data: &mut [u8],
    ) -> Poll<Result<usize, ConnectionError>> {
        match self.connections.get(&connection) {
            Some(entry) => entry.receive(self.sockets.get_mut(entry.handle), data),
            None => Poll::Ready(Err(ConnectionError::Closed)),
        }
    }

    /// Whether [`Stack::receive`] has an answer.
    pub fn readable(&self, connection: TcpConnection) -> bool {
        self.socket(connection).is_none_or(ConnectionEntry::readable)
    }

    /// Whether [`Stack::send`] has an answer.
    pub fn writable(&self, connection: TcpConnection) -> bool {
        self.socket(connection).is_none_or(ConnectionEntry::writable)
    }

    /// Sends no more: the other end reads to the end. It may go on sending.
    pub fn close(&mut self, connection: TcpConnection) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            let socket = self.sockets.get_mut::<Socket<'_>>(entry.handle);
            socket.close();
            if socket.state() == State::Closed {
                entry.fail(ConnectionError::Closed);
            }
        }
        self.settle(ConnectionCause::Timer);
    }

    /// Resets the connection.
    pub fn abort(&mut self, connection: TcpConnection) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.fail(ConnectionError::Closed);
            self.sockets.get_mut::<Socket<'_>>(entry.handle).abort();
        }
    }

    /// Lets go of a connection: what was sent still arrives, then it closes. Data that comes and
    /// that will not be read resets it.
    pub fn release(&mut self, connection: TcpConnection) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.released = true;
            self.sockets.get_mut::<Socket<'_>>(entry.handle).close();
        }
        self.settle(ConnectionCause::Timer);
    }

    fn socket(&self, connection: TcpConnection) -> Option<&Socket<'static>> {
        self.connections.get(&connection).map(|entry| self.sockets.get(entry.handle))
    }

    fn add(&mut self, handle: SocketHandle, state: State) -> TcpConnection {
        self.last_id += 1;
        let connection = TcpConnection(self.last_id);
        self.connections.insert(connection, ConnectionEntry::new(handle, state));
        connection
    }

    fn ephemeral_port(&mut self) -> Result<u16, StackError> {
        for _ in EPHEMERAL {
            let port = self.next_port;
            self.next_port = if port == *EPHEMERAL.end() { *EPHEMERAL.start() } else { port + 1 };
            let here = |end: Option<IpEndpoint>| end.is_some_and(|end| end.port == port);
            let taken = self.listeners.values().any(|listener| listener.port == port)
                || self.connections.keys().any(|connection| {
                    here(self.socket(*connection).and_then(Socket::local_endpoint))
                });
            if !taken {
                return Ok(port);
            }
        }
        Err(StackError::NoPort)
    }

    /// Notes what became of connections, fills backlogs, removes what is over.
    fn settle(&mut self, cause: ConnectionCause) {
        let mut opened = Vec::new();
        for (listener, backlog) in &mut self.listeners {
            backlog.sockets.retain(|handle| {
                let socket = self.sockets.get_mut::<Socket<'_>>(*handle);
                match socket.state() {
                    State::Listen => socket.set_timeout(None),
                    State::SynReceived => {
                        socket.set_timeout(Some(crate::connection::OPENING_TIMEOUT));
                    }
                    _ => {
                        opened.push((*listener, *handle));
                        return false;
                    }
                }
                true
            });
        }
        for (listener, handle) in opened {
            let state = self.sockets.get::<Socket<'_>>(handle).state();
            let connection = self.add(handle, state);
            if state == State::Closed {
                // It never opened: the other end is silent.
                self.release_entry(connection);
            } else if let Some(backlog) = self.listeners.get_mut(&listener) {
                backlog.ready.push_back(connection);
            }
        }
        for entry in self.connections.values_mut() {
            entry.settle(self.sockets.get_mut(entry.handle), cause);
        }
        for backlog in self.listeners.values_mut() {
            while backlog.sockets.len() + backlog.ready.len() < backlog.limit {
                let mut socket = socket();
                let at = IpListenEndpoint { addr: None, port: backlog.port };
                // Fails only for port 0 and an open socket.
                if socket.listen(at).is_err() {
                    break;
                }
                backlog.sockets.push(self.sockets.add(socket));
            }
        }
        let sockets = &mut self.sockets;
        self.connections.retain(|_, entry| {
            let socket = sockets.get::<Socket<'_>>(entry.handle);
            // A closed socket that still knows its ends has a reset to send.
            let over = entry.released
                && socket.state() == State::Closed
                && socket.remote_endpoint().is_none();
            if over {
                sockets.remove(entry.handle);
            }
            !over
        });
    }

    fn release_entry(&mut self, connection: TcpConnection) {
        if let Some(entry) = self.connections.get_mut(&connection) {
            entry.released = true;
        }
    }
}

fn interface(address: Ipv4Addr, device: &mut Device, random: &mut ChaCha8Rng) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = random.next_u64();
    let mut interface = Interface::new(config, device, Instant::ZERO);
    interface.update_ip_addrs(|addresses| {
        // Room for two, and there is one.
        let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(address), 32));
    });
    interface
}

fn address(end: IpEndpoint) -> SocketAddrV4 {
    let IpAddress::Ipv4(address) = end.addr;
    SocketAddrV4::new(address, end.port)
}

/// Rounded down: see [`Stack::next_deadline`].
fn instant(time: Time) -> Instant {
    let micros = Duration::from_nanos(time.as_nanos()).as_micros();
    Instant::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

struct Received(Vec<u8>);
struct Send<'a>(&'a mut VecDeque<Packet>);

impl phy::Device for Device {
    type RxToken<'a> = Received;
    type TxToken<'a> = Send<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Send<'_>)> {
        Some((Received(self.received.pop_front()?), Send(&mut self.sent)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Send<'_>> {
        Some(Send(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MAX_PACKET_BYTES;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for Send<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut bytes = vec![0; length];
        let result = write(&mut bytes);
        // Smoltcp also answers with ICMP, which the network does not carry.
        if let Ok(packet) = wire::from_bytes(&bytes) {
            self.0.push_back(packet);
        }
        result
    }
}
