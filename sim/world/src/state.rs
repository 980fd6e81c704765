//! State of a simulated host, which outlives its reboots.

use crate::{
    busy::{Busy, HeldBack, Leaving},
    failures::Failures,
    lock,
};
use parallax_fabric::{Fabric, MemoryFlash, Pictures, Sleep, Timers};
use parallax_interpose::HostSlot;
use parallax_network::{HostId, Time, random};
use parallax_peer::{Flash, Work};
use parallax_record::SetupTask;
use rand_chacha::ChaCha8Rng;
use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::Context,
    time::Duration,
};

/// How long a device takes. Each time is drawn from a random stream of the peer's own.
pub trait Device: Send + Sync + 'static {
    /// From power on until the peer's software runs.
    fn boot_time(&self, random: &mut ChaCha8Rng) -> Duration;
    /// How long work takes, such as a frame in a stage.
    fn work_time(&self, work: Work, random: &mut ChaCha8Rng) -> Duration;
    /// How long after a frame a stage takes the next one; none: when the frame is through.
    fn occupancy(&self, _work: Work) -> Option<Duration> {
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

    fn work_time(&self, _work: Work, _random: &mut ChaCha8Rng) -> Duration {
        Duration::ZERO
    }
}

/// Where all hosts of a world put failures, pictures and what leaves them later. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Collectors {
    pub(crate) failures: Failures,
    pub(crate) pictures: Pictures,
    pub(crate) held: HeldBack,
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
    pub(crate) device: Arc<dyn Device>,
    pub(crate) streams: Mutex<Streams>,
    pub(crate) busy: Busy,
    held: HeldBack,
}

pub(crate) struct Streams {
    pub(crate) own: ChaCha8Rng,
    boot: ChaCha8Rng,
    works: BTreeMap<Work, ChaCha8Rng>,
    pub(crate) tasks: BTreeMap<SetupTask, ChaCha8Rng>,
    pub(crate) timers: ChaCha8Rng,
}

impl HostState {
    pub(crate) fn new(
        seed: u64,
        id: HostId,
        fabric: Arc<Fabric>,
        timers: Timers,
        collectors: Collectors,
        device: Arc<dyn Device>,
    ) -> Self {
        let (name, address) = fabric.host(id);
        let Collectors { failures, pictures, held } = collectors;
        let work =
            |work: Work| (work, random::stream(seed, &format!("peer/{name}/stage/{}", work.key())));
        let task = |task: SetupTask| {
            (task, random::stream(seed, &format!("peer/{name}/task/{}", task.name())))
        };
        let streams = Streams {
            own: random::stream(seed, &format!("peer/{name}")),
            boot: random::stream(seed, &format!("peer/{name}/boot")),
            works: Work::all().map(work).collect(),
            tasks: SetupTask::ALL.map(task).into(),
            timers: random::stream(seed, &format!("peer/{name}/timer")),
        };
        Self {
            id,
            name,
            address,
            slot: HostSlot::new(),
            fabric,
            timers,
            failures,
            pictures,
            flash: Arc::default(),
            stored: MemoryFlash::default(),
            device,
            streams: Mutex::new(streams),
            busy: Busy::default(),
            held,
        }
    }

    /// Its time: while it computes, when that is done.
    pub(crate) fn now(&self) -> Time {
        self.busy_until().unwrap_or_else(|| self.timers.now())
    }

    /// Until when it computes; none if it does not.
    pub(crate) fn busy_until(&self) -> Option<Time> {
        self.busy.until(self.timers.now())
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
        self.busy.reset();
        self.stored.clear();
    }

    /// How long the boot takes that begins now.
    pub(crate) fn boot_time(&self) -> Duration {
        self.device.boot_time(&mut lock(&self.streams).boot)
    }

    pub(crate) fn work_time(&self, work: Work) -> Duration {
        let mut streams = lock(&self.streams);
        let draw = |random| self.device.work_time(work, random);
        streams.works.get_mut(&work).map_or(Duration::ZERO, draw)
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
