//! Switching on and off.

use crate::state::{self, Settings};
use std::marker::PhantomData;

/// Why a thread cannot simulate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    /// Only Linux has been taught.
    #[error(
        "failed to simulate: clock, entropy and bind cannot be replaced on this system, only on Linux"
    )]
    Unsupported,
    /// The thread simulates already.
    #[error("failed to simulate: this thread is simulating already")]
    AlreadySimulating,
    /// The linker did not take this crate's function.
    #[error(
        "failed to simulate: `{function}` of this process is the C library's, not the simulator's"
    )]
    NotLinked {
        /// Which.
        function: &'static str,
    },
}

/// As long as this lives, its thread simulates.
#[derive(Debug)]
#[must_use = "the thread simulates only as long as the guard lives"]
pub struct Guard {
    /// The switches are of this thread: the guard must not leave it.
    stays: PhantomData<*const ()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        state::switch_off();
    }
}

/// Makes this thread a simulating one, with elapsed time zero.
///
/// Call it first on a fresh thread: keys of hash maps and generators that a thread has drawn
/// before stay as they are.
///
/// # Errors
/// If the system is not supported, the thread simulates already, or the process was linked such
/// that the replaced functions are not in effect.
pub fn enter(settings: Settings) -> Result<Guard, EnterError> {
    if cfg!(not(target_os = "linux")) {
        return Err(EnterError::Unsupported);
    }
    #[cfg(target_os = "linux")]
    crate::hooks::check_linked().map_err(|function| EnterError::NotLinked { function })?;
    if !state::switch_on(&settings) {
        return Err(EnterError::AlreadySimulating);
    }
    let guard = Guard { stays: PhantomData };
    #[cfg(target_os = "linux")]
    if settings.clock {
        check_clock()?;
    }
    Ok(guard)
}

/// The standard library was compiled long before this crate: does it read our clock?
#[cfg(target_os = "linux")]
fn check_clock() -> Result<(), EnterError> {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};
    let epoch = UNIX_EPOCH + Duration::from_secs(crate::EPOCH_UNIX_S);
    if SystemTime::now() == epoch {
        Ok(())
    } else {
        Err(EnterError::NotLinked { function: "clock_gettime" })
    }
}
