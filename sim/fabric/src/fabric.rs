//! Everything below the peers: the network core, the services in it, and the hosts' ends of it.

use crate::{loads, lock, packets::Direction};
use outside::OutsideConnections;
use parallax_capture::DtlsSecret;
use parallax_network::{
    Flow, HostId, Ledger, Network, NetworkOutput, Packet, Point, Protocol, Time,
};
use parallax_record::{Entry, Event};
use parallax_scenario::PeerCondition;
use parallax_stack::{SharedStack, Stack};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt, io, mem,
    sync::{Arc, Mutex, MutexGuard, Weak},
    task::{Context, Poll, Waker},
};

mod events;
mod outside;

/// Why a service drops a packet: it was for an allocation that the service had before it started over.
const FORGOTTEN: &str = "allocation-forgotten";

/// What answers at the core of the network, as a pure core: packets and time in, packets and the
/// next deadline out. It hears of a packet at the exact time of its delivery.
pub trait NetworkServices {
    /// A packet reached the service at `host`. False if it is dropped there, since it is for what a restart has made the
    /// service forget.
    fn handle(&mut self, now: Time, host: HostId, packet: &Packet) -> bool;
    /// The next packet to send, and the service that sends it. To be called until there is none.
    fn poll(&mut self, now: Time) -> Option<(HostId, Packet)>;
    /// When to call `poll` again. Right after it had nothing more, this is later than its `now`.
    fn next_deadline(&mut self, now: Time) -> Option<Time>;
    /// The service at `host` is gone, without a word: it hears and sends nothing, and its timers
    /// stop.
    fn kill(&mut self, host: HostId);
    /// The service at `host` starts over, killed or not: what it knew is lost.
    fn restart(&mut self, host: HostId);
}

/// What stands below all peers of a run.
///
/// Its lock is never held while a stack is stepped or a task is woken: both may come back here.
pub struct Fabric {
    seed: u64,
    me: Weak<Self>,
    live: Option<Live>,
    inner: Mutex<Inner>,
}

/// What a fabric asks of its driver in real time. Both may be called from any thread.
pub struct Live {
    /// The run's time.
    pub now: Box<dyn Fn() -> Time + Send + Sync>,
    /// Something was sent: the next deadline may be an earlier one.
    pub changed: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Fabric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fabric").field("seed", &self.seed).finish_non_exhaustive()
    }
}

struct Inner {
    network: Network,
    services: Box<dyn NetworkServices + Send>,
    services_deadline: Option<Time>,
    now: Time,
    ends: BTreeMap<HostId, End>,
    /// TCP connections of devices that have an end here, too.
    outside: OutsideConnections,
    /// When the TCP of which peer has something to do: the deadlines of `ends`, in order.
    tcp_due: BTreeSet<(Time, HostId)>,
    /// Something was done at a peer's end that its tasks may have waited for.
    stirred: bool,
    told: Observations,
    /// A capture is on.
    tapped: bool,
}

/// What happened since it was asked last.
#[derive(Debug, Default)]
pub struct Observations {
    /// Events of the network, and of peers, in order.
    pub entries: Vec<Entry>,
    /// Packets sent and delivered, in order.
    pub packets: Vec<(Time, Direction, HostId, Packet)>,
    /// What a capture holds, in order; nothing while none is on.
    pub captured: Vec<Captured>,
}

/// What a capture holds.
#[derive(Debug)]
pub enum Captured {
    /// A packet passed a point of the network.
    Passed {
        /// When.
        at: Time,
        /// Where.
        point: Point,
        /// Which way.
        flow: Flow,
        /// As it is there.
        packet: Packet,
        /// How many have forwarded it.
        gateways: u8,
    },
    /// A packet was dropped. The comment says where and why.
    Dropped {
        /// When.
        at: Time,
        /// Where and why.
        comment: String,
        /// As it was there.
        packet: Packet,
        /// How many had forwarded it.
        gateways: u8,
    },
    /// What decrypts a connection.
    Secret(DtlsSecret),
}

/// A peer's end of the network.
struct End {
    udp: BTreeMap<u16, Inbox>,
    tcp: SharedStack,
    tcp_deadline: Option<Time>,
    /// Without power nothing leaves it, and its events are dropped.
    conditions: BTreeSet<PeerCondition>,
}

impl End {
    fn powered(&self) -> bool {
        !self.conditions.contains(&PeerCondition::NoPower)
    }
}

#[derive(Default)]
struct Inbox {
    packets: VecDeque<Packet>,
    waker: Option<Waker>,
}

/// What is to be done without the lock.
enum Next {
    Nothing,
    Wake(Waker),
    Tcp(SharedStack, HostId, Packet),
}

impl Fabric {
    /// A fabric whose time is that of its steps: between two calls of `advance` it stands still.
    pub fn new(
        seed: u64,
        network: Network,
        services: Box<dyn NetworkServices + Send>,
    ) -> Arc<Self> {
        Self::driven(seed, network, services, None)
    }

    /// A fabric whose time goes on by itself: what a host sends is sent when the clock says.
    pub fn live(
        seed: u64,
        network: Network,
        services: Box<dyn NetworkServices + Send>,
        live: Live,
    ) -> Arc<Self> {
        Self::driven(seed, network, services, Some(live))
    }

    fn driven(
        seed: u64,
        mut network: Network,
        services: Box<dyn NetworkServices + Send>,
        live: Option<Live>,
    ) -> Arc<Self> {
        network.tell_loads(loads::INTERVAL);
        Arc::new_cyclic(|me| {
            let inner = Inner {
                network,
                services,
                services_deadline: Some(Time::ZERO),
                now: Time::ZERO,
                ends: BTreeMap::new(),
                outside: OutsideConnections::default(),
                tcp_due: BTreeSet::new(),
                stirred: false,
                told: Observations::default(),
                tapped: false,
            };
            Self { seed, me: Weak::clone(me), live, inner: Mutex::new(inner) }
        })
    }

    /// Gives a peer's host its end.
    pub fn add_peer(&self, host: HostId) {
        let mut inner = self.lock();
        let name = format!("peer/{}/tcp", inner.network.host_name(host));
        let tcp = SharedStack::new(Stack::new(inner.network.host_address(host), self.seed, &name));
        let me = Weak::clone(&self.me);
        tcp.on_dirty(move || {
            if let Some(fabric) = me.upgrade() {
                let now = fabric.present(&fabric.lock());
                fabric.pump(now, host);
                fabric.changed();
            }
        });
        let end =
            End { udp: BTreeMap::new(), tcp, tcp_deadline: None, conditions: BTreeSet::new() };
        inner.ends.insert(host, end);
    }

    /// From now on, captured packets and secrets are handed out. Gives all points of the network, and what they
    /// are called.
    pub fn tap(&self) -> Vec<(Point, String)> {
        let mut inner = self.lock();
        inner.tapped = true;
        inner.network.tap();
        let network = &inner.network;
        network.points().into_iter().map(|point| (point, network.point_name(point))).collect()
    }

    /// Whether a capture is on.
    pub fn tapped(&self) -> bool {
        self.lock().tapped
    }

    /// Notes what decrypts a connection of a peer.
    pub fn tell_secret(&self, secret: DtlsSecret) {
        self.lock().told.captured.push(Captured::Secret(secret));
    }

    /// Ends what links tell of their loads at the time of the step, and tells how long the packets
    /// took that each has carried.
    pub fn end_loads(&self) {
        let now = {
            let mut inner = self.lock();
            let now = inner.now;
            inner.network.end_loads(now);
            now
        };
        self.advance_network(now);
        let mut inner = self.lock();
        let delays: Vec<_> = inner
            .network
            .delays()
            .filter_map(|(place, delays)| Some((place.to_string(), loads::delays(delays)?)))
            .collect();
        for (node, event) in delays {
            inner.tell(now, node, event);
        }
    }

    /// What has become of the packets so far.
    pub fn ledger(&self) -> Ledger {
        lock(&self.inner).network.ledger()
    }

    /// A host or service of the network: name and own address.
    pub fn host(&self, host: HostId) -> (Arc<str>, std::net::Ipv4Addr) {
        let inner = self.lock();
        (inner.network.host_name(host).into(), inner.network.host_address(host))
    }

    /// A peer's TCP.
    pub fn tcp(&self, host: HostId) -> io::Result<SharedStack> {
        self.lock().end(host).map(|end| end.tcp.clone())
    }

    /// Moves everything below the peers to `now`, event by event in the order of time, and wakes
    /// the tasks that have something to read.
    pub fn advance(&self, now: Time) {
        while let Some(next) = self.next_deadline().filter(|next| *next <= now) {
            self.advance_network(next);
            self.advance_services(next);
            for host in self.due(next) {
                self.pump(next, host);
            }
        }
        let mut inner = self.lock();
        inner.now = inner.now.max(now);
    }

    /// When something happens next below the peers.
    pub fn next_deadline(&self) -> Option<Time> {
        let inner = self.lock();
        let tcp = inner.tcp_due.first().map(|(at, _)| *at);
        [tcp, inner.network.next_deadline(), inner.services_deadline].into_iter().flatten().min()
    }

    /// Peers whose TCP has something to do at `now`, in their order.
    fn due(&self, now: Time) -> BTreeSet<HostId> {
        let inner = self.lock();
        let due = inner.tcp_due.iter().take_while(|(at, _)| *at <= now);
        due.map(|(_, host)| *host).collect()
    }

    fn advance_network(&self, at: Time) {
        loop {
            let next = {
                let mut inner = self.lock();
                let Some(output) = inner.network.poll(at) else { return };
                inner.take(output)
            };
            match next {
                Next::Nothing => {}
                Next::Wake(waker) => waker.wake(),
                Next::Tcp(stack, host, packet) => {
                    stack.handle(at, &packet);
                    self.pump(at, host);
                }
            }
        }
    }

    fn advance_services(&self, at: Time) {
        let mut inner = self.lock();
        if inner.services_deadline.is_some_and(|due| due <= at) {
            inner.pump_services(at);
        }
    }

    /// Sends what a peer's TCP has to send.
    fn pump(&self, at: Time, host: HostId) {
        let stack = {
            let mut inner = self.lock();
            let Ok(end) = inner.end(host) else { return };
            if !end.powered() {
                return;
            }
            let stack = end.tcp.clone();
            inner.stirred = true;
            stack
        };
        while let Some(packet) = stack.poll(at) {
            self.lock().send(at, host, packet);
        }
        let deadline = stack.next_deadline(at);
        self.lock().set_tcp_deadline(host, deadline);
    }

    /// Whether, since it was asked last, anything was done at a peer's end that one of its tasks
    /// may have waited for.
    pub fn take_stirred(&self) -> bool {
        mem::take(&mut self.lock().stirred)
    }

    /// What happened since it was asked last.
    pub fn take_told(&self) -> Observations {
        mem::take(&mut self.lock().told)
    }

    /// Notes an event of a peer, unless its power is gone.
    pub fn tell_of(&self, host: HostId, entry: Entry) {
        let mut inner = self.lock();
        if inner.end(host).is_ok_and(|end| end.powered()) {
            inner.told.entries.push(entry);
        }
    }

    /// Notes an event of the world itself, at the time of the step.
    pub fn tell(&self, node: &str, event: Event) {
        let mut inner = self.lock();
        let now = inner.now;
        inner.tell(now, node.to_owned(), event);
    }

    /// Sends a packet of a peer, at the time of the step, unless its power is gone.
    pub fn send(&self, from: HostId, packet: Packet) {
        let mut inner = self.lock();
        let now = self.present(&inner);
        if inner.end(from).is_ok_and(|end| end.powered()) {
            inner.send(now, from, packet);
        }
        drop(inner);
        self.changed();
    }

    /// Now: never before what the network was brought to.
    fn present(&self, inner: &Inner) -> Time {
        self.live.as_ref().map_or(inner.now, |live| (live.now)().max(inner.now))
    }

    fn changed(&self) {
        if let Some(live) = &self.live {
            (live.changed)();
        }
    }

    /// Opens a UDP port of a peer.
    pub fn open_udp(&self, host: HostId, port: u16) -> io::Result<()> {
        let mut inner = self.lock();
        let end = inner.end(host)?;
        if end.udp.contains_key(&port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        end.udp.insert(port, Inbox::default());
        Ok(())
    }

    /// Closes a UDP port of a peer, and forgets what waits there.
    pub fn close_udp(&self, host: HostId, port: u16) {
        let closed = self.lock().end(host).ok().and_then(|end| end.udp.remove(&port));
        // Its waker is dropped outside of the lock.
        drop(closed);
    }

    /// Takes up to `room` packets that wait at a UDP port, at least one.
    pub fn receive_udp(
        &self,
        host: HostId,
        port: u16,
        room: usize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Vec<Packet>>> {
        let before = {
            let mut inner = self.lock();
            let Some(inbox) = inner.end(host)?.udp.get_mut(&port) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            if !inbox.packets.is_empty() {
                let count = room.min(inbox.packets.len());
                return Poll::Ready(Ok(inbox.packets.drain(..count).collect()));
            }
            inbox.waker.replace(context.waker().clone())
        };
        drop(before);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Inner {
    fn end(&mut self, host: HostId) -> io::Result<&mut End> {
        // A host gets its end before its code runs: without one it is no peer of this world.
        self.ends.get_mut(&host).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn set_tcp_deadline(&mut self, host: HostId, deadline: Option<Time>) {
        let Some(end) = self.ends.get_mut(&host) else { return };
        let before = mem::replace(&mut end.tcp_deadline, deadline);
        if before != deadline {
            if let Some(at) = before {
                self.tcp_due.remove(&(at, host));
            }
            if let Some(at) = deadline {
                self.tcp_due.insert((at, host));
            }
        }
    }

    fn send(&mut self, at: Time, from: HostId, packet: Packet) {
        self.told.packets.push((at, Direction::Sent, from, packet.clone()));
        self.network.handle(at, from, packet);
    }

    fn pump_services(&mut self, at: Time) {
        while let Some((host, packet)) = self.services.poll(at) {
            self.send(at, host, packet);
        }
        self.services_deadline = self.services.next_deadline(at);
    }

    fn take(&mut self, output: NetworkOutput) -> Next {
        match output {
            NetworkOutput::Delivered { at, to, packet, gateways, .. } => {
                self.told.packets.push((at, Direction::Delivered, to, packet.clone()));
                return self.deliver(at, to, packet, gateways);
            }
            NetworkOutput::Dropped { at, place, cause, packet, gateways, .. } => {
                self.dropped(at, &place.to_string(), &cause.to_string(), packet, gateways);
            }
            NetworkOutput::Loaded { at, from, place, load } => {
                self.tell(at, place.to_string(), loads::event(from, &load));
            }
            NetworkOutput::Passed { at, point, flow, packet, gateways } => {
                let passed = Captured::Passed { at, point, flow, packet, gateways };
                self.told.captured.push(passed);
            }
            NetworkOutput::MappingCreated { at, gateway, transport, internal, external } => {
                let node = format!("gateway/{}", self.network.site_name(gateway));
                let transport = transport_name(transport);
                let (internal, external) = (internal.to_string(), external.to_string());
                self.tell(at, node, Event::MappingCreated { transport, internal, external });
            }
            NetworkOutput::MappingExpired { at, gateway, transport, internal, external } => {
                let node = format!("gateway/{}", self.network.site_name(gateway));
                let transport = transport_name(transport);
                let (internal, external) = (internal.to_string(), external.to_string());
                self.tell(at, node, Event::MappingExpired { transport, internal, external });
            }
        }
        Next::Nothing
    }

    fn dropped(&mut self, at: Time, place: &str, cause: &str, packet: Packet, gateways: u8) {
        let event = Event::PacketDropped {
            cause: cause.to_owned(),
            source: packet.source.to_string(),
            destination: packet.destination.to_string(),
            bytes: u32::try_from(packet.wire_length()).unwrap_or(u32::MAX),
        };
        self.tell(at, place.to_owned(), event);
        if self.tapped {
            let comment = format!("dropped at {place}: {cause}");
            self.told.captured.push(Captured::Dropped { at, comment, packet, gateways });
        }
    }

    fn tell(&mut self, at: Time, node: String, event: Event) {
        self.told.entries.push(Entry { run_ns: at.as_nanos(), node, event });
    }

    /// Hands a packet to the host that it reached.
    fn deliver(&mut self, at: Time, to: HostId, packet: Packet, gateways: u8) -> Next {
        let Some(end) = self.ends.get_mut(&to) else {
            if !self.services.handle(at, to, &packet) {
                let place = format!("host/{}", self.network.host_name(to));
                self.dropped(at, &place, FORGOTTEN, packet, gateways);
            }
            self.pump_services(at);
            return Next::Nothing;
        };
        self.stirred = true;
        match packet.transport.protocol() {
            // To a closed port: gone, as at a host that answers no such packet.
            Protocol::Udp => match end.udp.get_mut(&packet.destination.port()) {
                Some(inbox) => {
                    inbox.packets.push_back(packet);
                    inbox.waker.take().map_or(Next::Nothing, Next::Wake)
                }
                None => Next::Nothing,
            },
            Protocol::Tcp if self.outside.holds(to, &packet) => Next::Nothing,
            Protocol::Tcp => Next::Tcp(end.tcp.clone(), to, packet),
        }
    }
}

fn transport_name(protocol: Protocol) -> String {
    match protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
    }
    .to_owned()
}
