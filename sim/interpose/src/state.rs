//! State of a simulating thread.
#![cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "the hooks are Linux's"))]

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// First port that a host gives out by itself (RFC 6335 section 6).
const FIRST_DYNAMIC_PORT: u16 = 49_152;

/// Which functions answer for the simulation on this thread. Each is separate: a viewer inside a
/// real-time laboratory takes `bind` alone.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Randomness of the operating system comes from this seed.
    pub entropy: Option<[u8; 32]>,
    /// Clocks say what [`set_elapsed`] told them. CPU-time clocks stay real.
    pub clock: bool,
    /// `bind` of an IPv4 UDP socket is remembered, not done.
    pub bind: bool,
    /// Starting a thread is refused, since the new one would not simulate.
    pub threads: bool,
    /// Switches a guard off: the keys of `HashMap` differ from process to process.
    ///
    /// With `entropy` on, the order of a `HashMap` is the same in every run, so that running twice
    /// cannot show that a result depends on it. With this salt it can: the process id is mixed
    /// into the keys of the standard library's `RandomState`, and into nothing else. They are distinguished
    /// from other draws by their flag: only the standard library asks for 16 bytes with
    /// `GRND_INSECURE`. It asks once per thread.
    #[cfg(feature = "guards-off")]
    pub salt_map_order: bool,
}

impl Settings {
    /// Everything on, with all guards.
    pub fn simulation(entropy: [u8; 32]) -> Self {
        Self {
            entropy: Some(entropy),
            clock: true,
            bind: true,
            threads: true,
            #[cfg(feature = "guards-off")]
            salt_map_order: false,
        }
    }
}

/// A simulated host, as far as this crate must tell hosts apart. Clones are the same host.
///
/// It outlives reboots of its host, so that a reboot does not give out the ports of the boot
/// before. After 16,384 ports it starts over.
#[derive(Clone, Debug, Default)]
pub struct HostSlot {
    given: Arc<AtomicU32>,
}

impl HostSlot {
    /// A host that has given out no port yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next port for a bind to port 0, also for connections that this crate never sees.
    pub fn next_port(&self) -> u16 {
        let count = u32::from(u16::MAX - FIRST_DYNAMIC_PORT) + 1;
        let given = self.given.fetch_add(1, Ordering::Relaxed) % count;
        FIRST_DYNAMIC_PORT + u16::try_from(given).unwrap_or(0)
    }
}

/// Bits of `ON`.
pub(crate) const ENTROPY: u8 = 1;
pub(crate) const CLOCK: u8 = 2;
pub(crate) const BIND: u8 = 4;
pub(crate) const THREADS: u8 = 8;
const SIMULATING: u8 = 16;

struct State {
    generator: Option<ChaCha8Rng>,
    salt: u32,
    bound: BTreeMap<i32, SocketAddrV4>,
    slot: Option<HostSlot>,
    refusals: Vec<String>,
}

thread_local! {
    // Without destructors, so that the hooks may read them at any time of a thread's life.
    static ON: Cell<u8> = const { Cell::new(0) };
    static ELAPSED_NS: Cell<u64> = const { Cell::new(0) };
    static STATE: RefCell<State> = const {
        RefCell::new(State {
            generator: None,
            salt: 0,
            bound: BTreeMap::new(),
            slot: None,
            refusals: Vec::new(),
        })
    };
}

/// Whether this thread is between [`enter()`](crate::enter()) and the drop of its guard.
pub fn simulating() -> bool {
    is_on(SIMULATING)
}

pub(crate) fn is_on(switch: u8) -> bool {
    ON.with(Cell::get) & switch != 0
}

/// Switches on; false if the thread is simulating already.
pub(crate) fn switch_on(settings: &Settings) -> bool {
    if simulating() {
        return false;
    }
    #[cfg(feature = "guards-off")]
    let salt = if settings.salt_map_order { std::process::id() } else { 0 };
    #[cfg(not(feature = "guards-off"))]
    let salt = 0;
    STATE.with_borrow_mut(|state| {
        state.generator = settings.entropy.map(ChaCha8Rng::from_seed);
        state.salt = salt;
        state.bound.clear();
        state.slot = None;
        state.refusals.clear();
    });
    ELAPSED_NS.set(0);
    let bit = |on: bool, bit: u8| if on { bit } else { 0 };
    ON.set(
        SIMULATING
            | bit(settings.entropy.is_some(), ENTROPY)
            | bit(settings.clock, CLOCK)
            | bit(settings.bind, BIND)
            | bit(settings.threads, THREADS),
    );
    true
}

pub(crate) fn switch_off() {
    ON.set(0);
}

/// Tells the clocks of this thread how long the run has lasted, nanoseconds.
pub fn set_elapsed(nanos: u64) {
    ELAPSED_NS.set(nanos);
}

/// How long the run of this thread has lasted, in its own time; none if the thread does not
/// simulate.
pub fn elapsed() -> Option<Duration> {
    simulating().then(|| Duration::from_nanos(ELAPSED_NS.get()))
}

pub(crate) fn elapsed_ns() -> u64 {
    ELAPSED_NS.get()
}

/// Fills `bytes` from the run's entropy. `map_keys`: they become keys of a hash map.
pub(crate) fn fill(bytes: &mut [u8], map_keys: bool) {
    STATE.with_borrow_mut(|state| {
        let Some(generator) = &mut state.generator else { return };
        generator.fill_bytes(bytes);
        if map_keys && state.salt != 0 {
            for (byte, salt) in bytes.iter_mut().zip(state.salt.to_le_bytes()) {
                *byte ^= salt;
            }
        }
    });
}

/// Runs `code` as the code of `host`: port 0 becomes the next port of this host.
pub fn in_host<T>(host: &HostSlot, code: impl FnOnce() -> T) -> T {
    struct Restore(Option<HostSlot>);
    impl Drop for Restore {
        fn drop(&mut self) {
            STATE.with_borrow_mut(|state| state.slot = self.0.take());
        }
    }
    let _restore = Restore(STATE.with_borrow_mut(|state| state.slot.replace(host.clone())));
    code()
}

/// Remembers that `socket` is bound; none if the port is 0 and no host's code is running.
pub(crate) fn bind(socket: i32, address: Ipv4Addr, port: u16) -> Option<SocketAddrV4> {
    STATE.with_borrow_mut(|state| {
        let port = if port == 0 { state.slot.as_ref()?.next_port() } else { port };
        let bound = SocketAddrV4::new(address, port);
        state.bound.insert(socket, bound);
        Some(bound)
    })
}

pub(crate) fn bound(socket: i32) -> Option<SocketAddrV4> {
    STATE.with_borrow(|state| state.bound.get(&socket).copied())
}

/// Forgets the address of a file descriptor that is about to be closed, so that the next socket
/// with the same number starts without one.
pub fn forget(socket: i32) {
    STATE.with_borrow_mut(|state| state.bound.remove(&socket));
}

/// What this thread was refused since it entered, oldest first: each ends the run as an error.
pub fn refusals() -> Vec<String> {
    STATE.with_borrow(|state| state.refusals.clone())
}

pub(crate) fn refuse(what: String) {
    STATE.with_borrow_mut(|state| state.refusals.push(what));
}
