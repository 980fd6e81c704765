//! The run's clock for peers, and the timers on it.

use crate::lock;
use parallax_network::Time;
use std::{
    collections::BTreeMap,
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// The time that peers see, and what they wait for. Clones are the same timers.
///
/// Time stands still while peers run. A timer goes off in the first step whose time is not before
/// its deadline: less than one tick late, never early. Timers that go off in one step do so in the
/// order of their deadlines, and of their creation if those are equal.
#[derive(Clone, Debug)]
pub struct Timers {
    base: Instant,
    /// Nanoseconds. Beside the lock: it is read for each poll of each task.
    now: Arc<AtomicU64>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    created: u64,
    waiting: BTreeMap<(Time, u64), Option<Waker>>,
}

impl Timers {
    /// At the start of a run.
    #[expect(clippy::disallowed_methods, reason = "on a run's thread it is the run's")]
    pub fn start() -> Self {
        Self { base: Instant::now(), now: Arc::default(), state: Arc::default() }
    }

    /// Now, as an instant of the standard library. Reckoned from elapsed time, so that it is the
    /// run's even with the guard of the clock off.
    pub fn instant(&self) -> Instant {
        self.base + self.now().saturating_since(Time::ZERO)
    }

    /// The time that peers see.
    pub fn now(&self) -> Time {
        Time::from_nanos(self.now.load(Ordering::Relaxed))
    }

    /// Moves the clock.
    pub fn set(&self, now: Time) {
        self.now.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// The deadline of the first timer.
    pub fn next(&self) -> Option<Time> {
        lock(&self.state).waiting.first_key_value().map(|((first, _), _)| *first)
    }

    /// Wakes the tasks whose time has come; says whether there are any.
    pub fn fire(&self) -> bool {
        let due = {
            let now = self.now();
            let mut state = lock(&self.state);
            if state.waiting.first_key_value().is_none_or(|((first, _), _)| *first > now) {
                return false;
            }
            let after = (now + Duration::from_nanos(1), 0);
            let later = state.waiting.split_off(&after);
            mem::replace(&mut state.waiting, later)
        };
        // Outside of the lock: waking may drop a task, and with it other timers.
        due.into_values().flatten().for_each(Waker::wake);
        true
    }

    /// Completes when `duration` from now has passed.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// Completes at `deadline`.
    pub fn sleep_until(&self, deadline: Time) -> Sleep {
        let mut state = lock(&self.state);
        let key = (deadline, state.created);
        state.created += 1;
        if deadline > self.now() {
            state.waiting.insert(key, None);
        }
        Sleep { timers: self.clone(), key }
    }
}

/// Waits for a deadline.
#[derive(Debug)]
pub struct Sleep {
    timers: Timers,
    key: (Time, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let before = {
            if self.timers.now() >= self.key.0 {
                return Poll::Ready(());
            }
            let mut state = lock(&self.timers.state);
            state.waiting.insert(self.key, Some(context.waker().clone()))
        };
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let waker = lock(&self.timers.state).waiting.remove(&self.key);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::atomic::AtomicUsize, task::Wake};

    struct Log {
        name: u8,
        woken: Arc<Mutex<Vec<u8>>>,
    }

    impl Wake for Log {
        fn wake(self: Arc<Self>) {
            lock(&self.woken).push(self.name);
        }
    }

    fn poll(sleep: &mut Sleep, waker: &Waker) -> Poll<()> {
        Pin::new(sleep).poll(&mut Context::from_waker(waker))
    }

    fn advance(timers: &Timers, now: Time) {
        timers.set(now);
        timers.fire();
    }

    #[test]
    fn timers_go_off_in_the_order_of_deadline_and_creation() {
        let timers = Timers::start();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let mut sleeps: Vec<Sleep> = [700, 300, 700, 100, 1_001]
            .into_iter()
            .map(|micros| timers.sleep(Duration::from_micros(micros)))
            .collect();
        for (name, sleep) in (0..).zip(&mut sleeps) {
            let waker = Waker::from(Arc::new(Log { name, woken: Arc::clone(&woken) }));
            assert_eq!(poll(sleep, &waker), Poll::Pending);
        }
        advance(&timers, Time::from_millis(1));
        assert_eq!(*lock(&woken), [3, 1, 0, 2]);
        advance(&timers, Time::from_millis(2));
        assert_eq!(*lock(&woken), [3, 1, 0, 2, 4]);
    }

    #[test]
    fn a_timer_is_never_early_and_less_than_a_tick_late() {
        let timers = Timers::start();
        for micros in [0, 1, 999, 1_000, 1_001, 2_500] {
            let start = timers.now();
            let mut sleep = timers.sleep(Duration::from_micros(micros));
            let mut step = start;
            while poll(&mut sleep, Waker::noop()).is_pending() {
                step += Duration::from_millis(1);
                advance(&timers, step);
            }
            let waited = step.saturating_since(start);
            assert!(waited >= Duration::from_micros(micros));
            assert!(waited < Duration::from_micros(micros + 1_000));
        }
    }

    #[test]
    fn a_dropped_timer_wakes_nobody() {
        static WOKEN: AtomicUsize = AtomicUsize::new(0);
        struct Count;
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                WOKEN.fetch_add(1, Ordering::Relaxed);
            }
        }
        let timers = Timers::start();
        let mut sleep = timers.sleep(Duration::from_millis(1));
        assert!(poll(&mut sleep, &Waker::from(Arc::new(Count))).is_pending());
        drop(sleep);
        advance(&timers, Time::from_millis(5));
        assert_eq!(WOKEN.load(Ordering::Relaxed), 0);
        assert!(lock(&timers.state).waiting.is_empty());
    }
}
