//! A peer's host, simulated.

use crate::{
    busy::{Busy, Held, Leaving},
    failures::Failures,
    lock,
    runtime::SimRuntime,
    secrets,
};
use parallax_fabric::{Fabric, MemoryFlash, Pictures, Sleep, TcpListener, TcpStream, Timers};
use parallax_interpose::HostSlot;
use parallax_network::{HostId, Time, random};
use parallax_peer::{Flash, Host, Seen, Stage, Worked};
use parallax_record::{Entry, Event, SetupTask};
use rand_chacha::ChaCha8Rng;
use rand_core::Rng;
use rtc::crypto::RTCCryptoProvider;
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Context,
    time::Duration,
};
use webrtc::runtime::Runtime;

/// How long a device takes. Each time is drawn from a random stream of the peer's own.
pub trait Device: Send + Sync + 'static {
    /// From power on until the peer's software runs.
    fn boot_time(&self, random: &mut ChaCha8Rng) -> Duration;
    /// How long a frame is in a stage.
    fn stage_time(&self, stage: Stage, random: &mut ChaCha8Rng) -> Duration;
    /// How long after a frame a stage takes the next one; none: when the frame is through.
    fn occupancy(&self, _stage: Stage) -> Option<Duration> {
        None
    }
    /// How long a task of a session's set-up takes; none: no time, and it is not recorded.
    fn task_time(&self, _task: SetupTask, _random: &mut ChaCha8Rng) -> Option<Duration> {
        None
    }
    /// How late a timer goes off.
    fn timer_lateness(&self, _random: &mut ChaCha8Rng) -> Duration {
        Duration::ZERO
    }
}

/// A device that takes no time for anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Instantly;

impl Device for Instantly {
    fn boot_time(&self, _random: &mut ChaCha8Rng) -> Duration {
        Duration::ZERO
    }

    fn stage_time(&self, _stage: Stage, _random: &mut ChaCha8Rng) -> Duration {
        Duration::ZERO
    }
}

/// What a simulated host is: it outlives the host's reboots.
pub(crate) struct HostState {
    pub(crate) id: HostId,
    pub(crate) name: Arc<str>,
    pub(crate) address: Ipv4Addr,
    pub(crate) slot: HostSlot,
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) timers: Timers,
    pub(crate) failures: Failures,
    pub(crate) pictures: Pictures,
    pub(crate) flash: Arc<MemoryFlash>,
    /// What this boot has stored, which may still be on its way into the flash.
    stored: MemoryFlash,
    device: Arc<dyn Device>,
    streams: Mutex<Streams>,
    busy: Mutex<Busy>,
    held: Held,
}

struct Streams {
    own: ChaCha8Rng,
    boot: ChaCha8Rng,
    stages: BTreeMap<Stage, ChaCha8Rng>,
    tasks: BTreeMap<SetupTask, ChaCha8Rng>,
    timers: ChaCha8Rng,
}

impl HostState {
    pub(crate) fn new(
        seed: u64,
        (id, name, address): (HostId, &str, Ipv4Addr),
        fabric: Arc<Fabric>,
        timers: Timers,
        (failures, pictures, held): (Failures, Pictures, Held),
        device: Arc<dyn Device>,
    ) -> Self {
        let stage = |stage| {
            let stream = format!("peer/{name}/stage/{}", stage_name(stage));
            (stage, random::stream(seed, &stream))
        };
        let stages =
            [Stage::Start, Stage::Capture, Stage::Encode, Stage::Decode, Stage::Render].map(stage);
        let task = |task: SetupTask| {
            (task, random::stream(seed, &format!("peer/{name}/task/{}", task.name())))
        };
        Self {
            id,
            name: name.into(),
            address,
            slot: HostSlot::new(),
            fabric,
            timers,
            failures,
            pictures,
            flash: Arc::default(),
            stored: MemoryFlash::default(),
            device,
            streams: Mutex::new(Streams {
                own: random::stream(seed, &format!("peer/{name}")),
                boot: random::stream(seed, &format!("peer/{name}/boot")),
                stages: stages.into(),
                tasks: SetupTask::ALL.map(task).into(),
                timers: random::stream(seed, &format!("peer/{name}/timer")),
            }),
            busy: Mutex::default(),
            held,
        }
    }

    /// Its time: while it computes, when that is done.
    pub(crate) fn now(&self) -> Time {
        self.busy_until().unwrap_or_else(|| self.timers.now())
    }

    /// Until when it computes; none if it does not.
    pub(crate) fn busy_until(&self) -> Option<Time> {
        lock(&self.busy).until(self.timers.now())
    }

    /// Whether it computes. If so, the task of `context` is woken by `waiting` when the host is free.
    pub(crate) fn waits(&self, waiting: &mut Option<Sleep>, context: &mut Context<'_>) -> bool {
        let Some(at) = self.busy_until() else {
            *waiting = None;
            return false;
        };
        let sleep = waiting.insert(self.timers.sleep_until(at));
        Pin::new(sleep).poll(context).is_pending()
    }

    /// Holds what leaves it until `at`.
    pub(crate) fn hold(&self, at: Time, leaving: Leaving) {
        self.held.hold(at, self.id, leaving);
    }

    /// A boot begins: nothing is computed any more.
    pub(crate) fn reset(&self) {
        *lock(&self.busy) = Busy::default();
        self.stored.clear();
    }

    /// How long the boot takes that begins now.
    pub(crate) fn boot_time(&self) -> Duration {
        self.device.boot_time(&mut lock(&self.streams).boot)
    }

    fn stage_time(&self, stage: Stage) -> Duration {
        let mut streams = lock(&self.streams);
        let draw = |random| self.device.stage_time(stage, random);
        streams.stages.get_mut(&stage).map_or(Duration::ZERO, draw)
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Start => "start",
        Stage::Capture => "capture",
        Stage::Encode => "encode",
        Stage::Decode => "decode",
        Stage::Render => "render",
    }
}

/// A peer's host in a simulated world. Clones are the same host.
#[derive(Clone)]
pub struct SimHost {
    state: Arc<HostState>,
    runtime: Arc<SimRuntime>,
}

impl SimHost {
    pub(crate) fn new(state: Arc<HostState>) -> Self {
        Self { runtime: Arc::new(SimRuntime::new(Arc::clone(&state))), state }
    }

    /// The peer's name.
    pub fn name(&self) -> &str {
        &self.state.name
    }
}

impl fmt::Debug for SimHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHost").field("name", &self.state.name).finish_non_exhaustive()
    }
}

/// While a host computes, what it stores is in its flash when that is done, and not if its power is lost before.
impl Flash for HostState {
    fn load(&self, name: &str) -> Option<Vec<u8>> {
        self.stored.load(name).or_else(|| self.flash.load(name))
    }

    fn store(&self, name: &str, value: &[u8]) {
        self.stored.store(name, value);
        match self.busy_until() {
            Some(at) => self.hold(at, Leaving::Value(name.to_owned(), value.to_vec())),
            None => self.flash.store(name, value),
        }
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

    /// The job itself takes no time of the run; the stage's delay is drawn from the peer's own
    /// stream for this stage.
    async fn work<T: Send>(
        &self,
        stage: Stage,
        begins_ns: u64,
        job: impl FnOnce() -> T + Send,
    ) -> Worked<T> {
        let done = job();
        let delay = self.state.stage_time(stage);
        let occupied = self.state.device.occupancy(stage).unwrap_or(delay);
        let after = |from_ns: u64, time: Duration| {
            from_ns.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
        };
        let through_ns = after(self.now_ns(), delay);
        Worked { done, through_ns, free_ns: after(begins_ns, occupied) }
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
        lock(&state.busy).add(state.timers.now(), takes);
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

    fn show(&self, seen: &Seen<'_>) {
        self.state.pictures.take(seen);
    }
}
