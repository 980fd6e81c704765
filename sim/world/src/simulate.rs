//! The thread of a run.

use crate::error::WorldError;
use parallax_interpose::{Settings, enter};
use parallax_network::random;
use rand_core::Rng;
use std::thread;

/// Stack of a run's thread, bytes: futures of a peer are deep in a build without optimisation.
const STACK: usize = 32 << 20;

/// What keeps a run from depending on anything but its scenario and seed.
///
/// All are on, and stay so in every build but one with the feature `guards-off`, which is there to
/// show what happens without each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guards {
    /// Clocks of the operating system say the run's time.
    pub clock: bool,
    /// Entropy of the operating system comes from the run's seed.
    pub entropy: bool,
    /// The order of hash maps is the same in every process. Off, it depends on the process id, and
    /// [`run`](crate::run()) has a use of a hash map planted whose order shows.
    pub map_order: bool,
    /// A fault that is planted in a run, if any: for tests of who has to survive it.
    #[cfg(feature = "guards-off")]
    pub plant: Option<crate::plant::Plant>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            clock: true,
            entropy: true,
            map_order: true,
            #[cfg(feature = "guards-off")]
            plant: None,
        }
    }
}

impl Guards {
    fn settings(self, seed: u64) -> Settings {
        let mut entropy = [0; 32];
        random::stream(seed, "process").fill_bytes(&mut entropy);
        let mut settings = Settings::simulation(entropy);
        if cfg!(feature = "guards-off") {
            settings.clock = self.clock;
            settings.entropy = settings.entropy.filter(|_| self.entropy);
        }
        #[cfg(feature = "guards-off")]
        {
            settings.salt_map_order = !self.map_order;
        }
        settings
    }
}

/// Runs `code` on a fresh thread that simulates, and waits for it.
///
/// One process serves one run: `tokio::select!` and `futures::select!` draw from counters of the
/// process, so that a second run in it takes another order.
///
/// # Errors
/// If the thread cannot simulate, or `code` panics.
pub fn simulate<T: Send>(
    seed: u64,
    guards: Guards,
    code: impl FnOnce() -> T + Send,
) -> Result<T, WorldError> {
    thread::scope(|scope| {
        let run = || -> Result<T, WorldError> {
            let _simulating = enter(guards.settings(seed))?;
            Ok(code())
        };
        let builder = thread::Builder::new().name("run".to_owned()).stack_size(STACK);
        #[expect(clippy::disallowed_methods, reason = "the one thread of a run")]
        let thread = builder.spawn_scoped(scope, run).map_err(WorldError::Thread)?;
        thread.join().unwrap_or_else(|panic| {
            Err(WorldError::Panicked(crate::task::said(&*panic).to_owned()))
        })
    })
}
