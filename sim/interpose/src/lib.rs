//! Clock, entropy, bind and thread creation of a simulating thread.
//!
//! A binary that links this crate has its own `getrandom`, `getentropy`, `syscall` (of
//! `SYS_getrandom` alone), `clock_gettime`, `gettimeofday`, `time`, `bind`, `getsockname` and
//! `pthread_create`. On a thread that has not called [`enter()`] each falls through to the C
//! library's. On a thread that has, each of the four [`Settings`] decides about its own.
//!
//! How they get in: Rust's standard library and every crate call these functions by name, and the
//! linker takes a definition in the executable before the C library's. `rustc` keeps the
//! `no_mangle` functions of every linked crate, so it is enough that the binary depends on this
//! crate and calls [`enter()`]; crates that look a function up with `dlsym` (`getrandom` 0.3 and
//! later) find it too, because a linker exports what shadows a shared library's symbol. `enter`
//! proves both before it says yes.
//!
//! All `unsafe` code of the project is in this crate, but for `sim/codec-raw`.

mod enter;
#[cfg(target_os = "linux")]
mod hooks;
#[cfg(target_os = "linux")]
mod real;
mod state;

pub use enter::{EnterError, Guard, enter};
pub use state::{HostSlot, Settings, elapsed, forget, in_host, refusals, set_elapsed, simulating};

/// What `CLOCK_REALTIME` says at the start of a run: 2026-01-01T00:00:00Z, seconds since the Unix
/// epoch.
pub const EPOCH_UNIX_S: u64 = 1_767_225_600;

/// What `CLOCK_MONOTONIC` says at the start of a run, seconds. Arbitrary, and large enough that a
/// peer may go back from it.
pub const MONOTONIC_BASE_S: u64 = 1_000_000;
