//! Host of a peer that runs inside the lab.

use crate::{clock::RunClock, lock};
use futures::FutureExt;
use parallax_fabric::{
    Fabric, MemoryFlash, Pictures, ProfiledDevice, TcpListener, TcpStream, UdpSocket,
};
use parallax_network::{HostId, random};
use parallax_peer::{
    BoxedTask, Flash, Host, HostRuntime, RenderedPicture, UdpRuntime, Work, Worked,
};
use parallax_record::{Entry, Event};
use parallax_scenario::PeerCondition;
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};
use webrtc::runtime::{AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime};

/// What a host is: it outlives its reboots.
pub(crate) struct LabHostState {
    pub(crate) id: HostId,
    name: String,
    address: Ipv4Addr,
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) clock: RunClock,
    flash: MemoryFlash,
    device: ProfiledDevice,
    pictures: Pictures,
    streams: Mutex<Streams>,
}

struct Streams {
    own: ChaCha8Rng,
    device: ChaCha8Rng,
}

impl LabHostState {
    pub(crate) fn new(
        seed: u64,
        id: HostId,
        fabric: Arc<Fabric>,
        clock: RunClock,
        device: ProfiledDevice,
        pictures: Pictures,
    ) -> Self {
        let (name, address) = fabric.host(id);
        let streams = Streams {
            own: random::stream(seed, &format!("peer/{name}")),
            device: random::stream(seed, &format!("peer/{name}/boot")),
        };
        let (name, flash) = (name.to_string(), MemoryFlash::default());
        Self {
            id,
            name,
            address,
            fabric,
            clock,
            flash,
            device,
            pictures,
            streams: Mutex::new(streams),
        }
    }

    pub(crate) fn boot_time(&self) -> Duration {
        self.device.time_to_boot(&mut lock(&self.streams).device)
    }

    pub(crate) fn tell(&self, event: Event) {
        self.tell_at(self.clock.now().as_nanos(), event);
    }

    pub(crate) fn tell_at(&self, run_ns: u64, event: Event) {
        self.fabric.tell_of(self.id, Entry { run_ns, node: self.name.clone(), event });
    }

    /// Runs code of this host. Of a panic the record tells.
    pub(crate) async fn guard(self: Arc<Self>, code: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(code).catch_unwind().await {
            let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
            let said = said.unwrap_or_else(|| "(no message)".to_owned());
            self.tell(Event::Fault { text: format!("its code panicked: {said}") });
        }
    }
}

/// A host inside the lab. Clones are the same host.
#[derive(Clone)]
pub struct LabHost(pub(crate) Arc<LabHostState>);

impl Host for LabHost {
    type Stream = TcpStream;
    type Listener = TcpListener;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(UdpRuntime(self.clone()))
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.0.fabric.connect(self.0.id, to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        self.0.fabric.listen(self.0.id, at)
    }

    /// The `webrtc` crate binds a socket of the kernel at it, for its port alone: nothing is sent
    /// there. See [`Host::outward`].
    fn addresses(&self) -> Vec<IpAddr> {
        vec![Ipv4Addr::LOCALHOST.into()]
    }

    fn outward(&self, bound: SocketAddr) -> SocketAddr {
        let own = bound.ip().is_loopback();
        if own { SocketAddr::new(self.0.address.into(), bound.port()) } else { bound }
    }

    /// Takes as long as the device profile says, or longer if the job itself does.
    async fn work<T: Send>(
        &self,
        work: Work,
        begins_ns: u64,
        job: impl FnOnce() -> T + Send,
    ) -> Worked<T> {
        let begun_ns = self.now_ns();
        let done = job();
        let delay = self.0.device.time_of(work, &mut lock(&self.0.streams).device);
        let occupied = self.0.device.occupancy_of(work).unwrap_or(delay);
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Worked {
            done,
            through_ns: begun_ns.saturating_add(ns(delay)),
            free_ns: begins_ns.saturating_add(ns(occupied)),
        }
    }

    fn in_condition(&self, condition: PeerCondition) -> bool {
        self.0.fabric.in_condition(self.0.id, condition)
    }

    fn flash(&self) -> &dyn Flash {
        &self.0.flash
    }

    fn random(&self) -> u64 {
        lock(&self.0.streams).own.next_u64()
    }

    fn now_ns(&self) -> u64 {
        self.0.clock.now().as_nanos()
    }

    fn observe(&self, event: Event) {
        self.0.tell(event);
    }

    fn show(&self, seen: &RenderedPicture<'_>) {
        self.0.pictures.take(seen);
    }
}

impl HostRuntime for LabHost {
    /// The socket stays bound as long as the lab's own is open: so no other gets its port.
    fn open_udp(&self, bound: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let at = bound.local_addr()?;
        let local = SocketAddr::new(self.0.address.into(), at.port());
        let open = UdpSocket::open(Arc::clone(&self.0.fabric), self.0.id, at, local)?;
        Ok(Arc::new(open.with_reserved(bound)))
    }

    fn spawn(&self, task: BoxedTask) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(Box::pin(Arc::clone(&self.0).guard(task)))
    }
}

impl fmt::Debug for LabHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabHost").field("name", &self.0.name).finish()
    }
}
