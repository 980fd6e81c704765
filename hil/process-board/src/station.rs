//! The board's IP stack: Ethernet, ARP, a DHCP client and UDP, by smoltcp.

use crate::{cable::BoardCable, lock};
use smoltcp::{
    iface::{Config, Interface, SocketHandle, SocketSet},
    socket::{dhcpv4, udp},
    time::{Duration as StackDuration, Instant},
    wire::{EthernetAddress, HardwareAddress, IpCidr, IpEndpoint},
};
use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    os::unix::net::UnixDatagram,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

/// The board's, locally administered.
const ADDRESS: EthernetAddress = EthernetAddress([0x02, 0, 0, 0, 0, 0x42]);
/// Packets and bytes that wait in a socket, each way.
const PACKETS: usize = 256;
const BYTES: usize = 512 << 10;
/// A jumbo frame.
const LONGEST_FRAME: usize = 9_216;
/// The longest wait for a frame: timers of the stack are seen to as often.
const PATIENCE: Duration = Duration::from_millis(20);

/// A datagram and where it came from.
pub(crate) type Datagram = (Vec<u8>, SocketAddr);

struct Stack {
    cable: BoardCable,
    interface: Interface,
    sockets: SocketSet<'static>,
    dhcp: SocketHandle,
    address: Option<Ipv4Addr>,
    open: BTreeMap<u16, Inbox>,
}

struct Inbox {
    handle: SocketHandle,
    came: VecDeque<Datagram>,
    waker: Option<Waker>,
}

/// The board's end of its network. Clones are the same.
#[derive(Clone)]
pub(crate) struct Station(Arc<Shared>);

struct Shared {
    stack: Mutex<Stack>,
    over: AtomicBool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Station {
    /// Plugs the cable in: asks for an address at once.
    pub(crate) fn plug(socket: UnixDatagram) -> io::Result<Self> {
        let listening = socket.try_clone()?;
        listening.set_read_timeout(Some(PATIENCE))?;
        let mut cable = BoardCable::new(socket);
        let mut config = Config::new(HardwareAddress::Ethernet(ADDRESS));
        // Ports and transaction numbers: no other host is on this wire.
        config.random_seed = u64::from(std::process::id());
        let interface = Interface::new(config, &mut cable, Instant::now());
        let mut sockets = SocketSet::new(Vec::new());
        let dhcp = sockets.add(dhcpv4::Socket::new());
        let open = BTreeMap::new();
        let stack = Stack { cable, interface, sockets, dhcp, address: None, open };
        let shared = Arc::new(Shared { stack: Mutex::new(stack), over: AtomicBool::new(false) });
        let weak = Arc::downgrade(&shared);
        thread::Builder::new().name("ethernet".into()).spawn(move || listen(&weak, &listening))?;
        Ok(Self(shared))
    }

    /// The address that the network gave, once it did.
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        lock(&self.0.stack).address
    }

    pub(crate) fn open(&self, port: u16) -> io::Result<()> {
        let mut stack = lock(&self.0.stack);
        if stack.open.contains_key(&port) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let buffer =
            || udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; PACKETS], vec![0; BYTES]);
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).map_err(|error| io::Error::other(error.to_string()))?;
        let handle = stack.sockets.add(socket);
        stack.open.insert(port, Inbox { handle, came: VecDeque::new(), waker: None });
        Ok(())
    }

    pub(crate) fn close(&self, port: u16) {
        let mut stack = lock(&self.0.stack);
        if let Some(inbox) = stack.open.remove(&port) {
            stack.sockets.remove(inbox.handle);
        }
    }

    /// Sends at once; what there is no room for is dropped, as on a wire.
    pub(crate) fn send(&self, port: u16, to: SocketAddrV4, payload: &[u8]) {
        let wakers = {
            let mut stack = lock(&self.0.stack);
            // Two homes may have the same addresses inside. No host answers ARP for the board's own, and
            // smoltcp holds back all that is behind such a packet in its socket.
            if stack.address == Some(*to.ip()) {
                return;
            }
            let Some(handle) = stack.open.get(&port).map(|inbox| inbox.handle) else { return };
            let socket = stack.sockets.get_mut::<udp::Socket<'_>>(handle);
            let _ = socket.send_slice(payload, IpEndpoint::from(to));
            stack.poll()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn receive(
        &self,
        port: u16,
        room: usize,
        context: &Context<'_>,
    ) -> Poll<io::Result<Vec<Datagram>>> {
        let mut stack = lock(&self.0.stack);
        let Some(inbox) = stack.open.get_mut(&port) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        if inbox.came.is_empty() {
            inbox.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(inbox.came.len());
        Poll::Ready(Ok(inbox.came.drain(..count).collect()))
    }
}

impl Stack {
    /// Brings the stack to now. Gives whom to wake, outside of the lock.
    fn poll(&mut self) -> Vec<Waker> {
        self.interface.poll(Instant::now(), &mut self.cable, &mut self.sockets);
        let event = self.sockets.get_mut::<dhcpv4::Socket<'_>>(self.dhcp).poll();
        match event {
            Some(dhcpv4::Event::Configured(config)) => {
                let own = IpCidr::Ipv4(config.address);
                self.interface.update_ip_addrs(|all| {
                    all.clear();
                    // There is room for one: it was cleared.
                    let _ = all.push(own);
                });
                if let Some(gateway) = config.router {
                    // Likewise: one default route replaces another.
                    let _ = self.interface.routes_mut().add_default_ipv4_route(gateway);
                }
                self.address = Some(config.address.address());
            }
            Some(dhcpv4::Event::Deconfigured) => {
                self.interface.update_ip_addrs(|all| all.clear());
                self.address = None;
            }
            None => {}
        }
        let mut wakers = Vec::new();
        for inbox in self.open.values_mut() {
            let socket = self.sockets.get_mut::<udp::Socket<'_>>(inbox.handle);
            while let Ok((payload, from)) = socket.recv() {
                let IpAddr::V4(address) = IpAddr::from(from.endpoint.addr) else { continue };
                let from = SocketAddrV4::new(address, from.endpoint.port).into();
                inbox.came.push_back((payload.to_vec(), from));
            }
            if !inbox.came.is_empty() {
                wakers.extend(inbox.waker.take());
            }
        }
        wakers
    }

    fn patience(&mut self) -> Duration {
        let delay = self.interface.poll_delay(Instant::now(), &self.sockets);
        let delay = delay.unwrap_or(StackDuration::from_micros(PATIENCE.as_micros() as u64));
        Duration::from(delay).clamp(Duration::from_millis(1), PATIENCE)
    }
}

/// Takes frames until the board is gone.
fn listen(shared: &Weak<Shared>, socket: &UnixDatagram) {
    let mut frame = vec![0; LONGEST_FRAME];
    loop {
        let came = socket.recv(&mut frame).ok();
        let Some(shared) = shared.upgrade() else { return };
        if shared.over.load(Ordering::Relaxed) {
            return;
        }
        let (wakers, patience) = {
            let mut stack = lock(&shared.stack);
            if let Some(frame) = came.and_then(|length| frame.get(..length)) {
                stack.cable.put(frame.to_vec());
            }
            (stack.poll(), stack.patience())
        };
        wakers.into_iter().for_each(Waker::wake);
        // A wait that cannot be set is the one before.
        let _ = socket.set_read_timeout(Some(patience));
    }
}
