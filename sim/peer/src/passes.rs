//! Extra passes of the connection's driver after each wake.
//!
//! The driver of `webrtc` 0.21.1 sends what its core has, then handles events and input, then sleeps. Three kinds of
//! output arise after the sending and wait for the next wake, whatever it is:
//! - a ClientHello: `connect()` queues it, and only `handle_timeout` takes it out (`rtc` `handler/dtls.rs`), so that it
//!   leaves with ICE's next tick, up to 0.2 s later;
//! - the answer to what came by a TURN server: the core is given it after the sending (`driver.rs`, `poll_reads`);
//! - what leaves by a TURN server: it is put into the TURN client after that was emptied (`driver.rs`, `poll_writes`).
//!
//! A timer that expires at once makes the driver go round again. Two rounds empty all three.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

/// How many rounds empty what a wake leaves behind.
const ROUNDS: u8 = 2;

/// The driver's extra passes. Clones share their state.
#[derive(Clone, Debug)]
pub(crate) struct Passes(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// After each wake.
    each: AtomicU8,
    /// Still to come before the next real sleep.
    left: AtomicU8,
}

impl Default for Passes {
    /// As a session that is set up needs them.
    fn default() -> Self {
        Self(Arc::new(Counts { each: AtomicU8::new(ROUNDS), left: AtomicU8::new(0) }))
    }
}

impl Passes {
    /// DTLS is done. A direct path then needs no extra pass: what comes is answered in the pass that
    /// follows it.
    pub(crate) fn connected(&self, relayed: bool) {
        self.set(if relayed { ROUNDS } else { 0 });
    }

    /// The connection is about to be closed: its timeouts are to last as long as they say.
    pub(crate) fn closing(&self) {
        self.set(0);
    }

    fn set(&self, each: u8) {
        self.0.each.store(each, Ordering::Relaxed);
        self.0.left.store(0, Ordering::Relaxed);
    }

    /// The driver's sleep: at once if a pass is due, otherwise `real`.
    pub(crate) fn sleep(
        &self,
        real: impl FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let Counts { each, left } = &*self.0;
        match left.load(Ordering::Relaxed) {
            0 => {
                left.store(each.load(Ordering::Relaxed), Ordering::Relaxed);
                real()
            }
            due => {
                left.store(due - 1, Ordering::Relaxed);
                Box::pin(std::future::ready(()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    /// Which of the driver's next sleeps are real.
    fn real(passes: &Passes, sleeps: usize) -> Vec<bool> {
        let sleep = |_| passes.sleep(|| Box::pin(std::future::pending())).now_or_never().is_none();
        (0..sleeps).map(sleep).collect()
    }

    #[test]
    fn each_wake_is_followed_by_two_passes_until_a_direct_path_is_connected() {
        let passes = Passes::default();
        assert_eq!(real(&passes, 6), [true, false, false, true, false, false]);
        passes.connected(true);
        assert_eq!(real(&passes, 4), [true, false, false, true]);
        passes.connected(false);
        assert_eq!(real(&passes, 3), [true, true, true]);
    }

    #[test]
    fn a_connection_that_closes_sleeps_as_it_says() {
        let passes = Passes::default();
        assert_eq!(real(&passes, 2), [true, false]);
        passes.closing();
        assert_eq!(real(&passes, 2), [true, true]);
    }
}
