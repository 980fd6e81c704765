//! Simulated host of a peer.

use crate::{busy::Leaving, lock, runtime::SimRuntime, secrets, state::HostState};
use parallax_fabric::{TcpListener, TcpStream};
use parallax_peer::{Flash, Host, RenderedPicture, UdpRuntime, Work, Worked};
use parallax_record::{Entry, Event, SetupTask};
use parallax_scenario::PeerCondition;
use rand_core::Rng;
use rtc::crypto::RTCCryptoProvider;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use webrtc::runtime::Runtime;

/// A peer's host in a simulated world. Clones are the same host.
#[derive(Clone)]
pub struct SimHost {
    state: Arc<HostState>,
    runtime: Arc<UdpRuntime<SimRuntime>>,
}

impl SimHost {
    pub(crate) fn new(state: Arc<HostState>) -> Self {
        Self { runtime: Arc::new(UdpRuntime(SimRuntime::new(Arc::clone(&state)))), state }
    }

    /// The peer's name.
    pub fn name(&self) -> &str {
        &self.state.name
    }
}

impl Host for SimHost {
    type Stream = TcpStream;
    type Listener = TcpListener;

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime) as Arc<dyn Runtime>
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        self.state.fabric.connect(self.state.id, to).await
    }

    async fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        self.state.fabric.listen(self.state.id, at)
    }

    fn addresses(&self) -> Vec<IpAddr> {
        vec![self.state.address.into()]
    }

    /// The job itself takes no time of the run; its delay is drawn from the peer's own stream for
    /// this work.
    async fn work<T: Send>(
        &self,
        work: Work,
        begins_ns: u64,
        job: impl FnOnce() -> T + Send,
    ) -> Worked<T> {
        let done = job();
        let delay = self.state.work_time(work);
        let occupied = self.state.device.occupancy(work).unwrap_or(delay);
        let after = |from_ns: u64, time: Duration| {
            from_ns.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
        };
        let through_ns = after(self.now_ns(), delay);
        Worked { done, through_ns, free_ns: after(begins_ns, occupied) }
    }

    fn in_condition(&self, condition: PeerCondition) -> bool {
        self.state.fabric.in_condition(self.state.id, condition)
    }

    fn flash(&self) -> &dyn Flash {
        &*self.state
    }

    fn crypto(&self) -> Option<Arc<dyn RTCCryptoProvider>> {
        let fabric = &self.state.fabric;
        if fabric.tapped() { secrets::watched(fabric) } else { None }
    }

    fn random(&self) -> u64 {
        lock(&self.state.streams).own.next_u64()
    }

    fn now_ns(&self) -> u64 {
        self.state.now().as_nanos()
    }

    /// The job itself took no time of the run; what the device takes is drawn from the peer's own stream for this task.
    fn spend(&self, task: SetupTask, _since_ns: u64) {
        let state = &self.state;
        let takes = {
            let mut streams = lock(&state.streams);
            let draw = |random| state.device.task_time(task, random);
            streams.tasks.get_mut(&task).and_then(draw)
        };
        let Some(takes) = takes else { return };
        state.busy.add(state.timers.now(), takes);
        let took_ns = u64::try_from(takes.as_nanos()).unwrap_or(u64::MAX);
        self.observe(Event::SetupTaskDone { task, took_ns });
    }

    fn timer_lateness(&self) -> Duration {
        self.state.device.timer_lateness(&mut lock(&self.state.streams).timers)
    }

    fn observe(&self, event: Event) {
        if let Some(at) = self.state.busy_until() {
            return self.state.hold(at, Leaving::Event(Arc::clone(&self.state.name), event));
        }
        let node = self.state.name.to_string();
        let entry = Entry { run_ns: self.now_ns(), node, event };
        self.state.fabric.tell_of(self.state.id, entry);
    }

    fn show(&self, seen: &RenderedPicture<'_>) {
        self.state.pictures.take(seen);
    }
}
