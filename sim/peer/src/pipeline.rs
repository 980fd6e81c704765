//! Pipeline: a stage that takes the next frame when it is free, and lets frames through in order.
//!
//! Each frame has a delay, from its beginning until it is through, and occupies the stage for a time, until
//! that takes the next one. A stage that works on one frame at a time is occupied as long as it delays.

use crate::host::{Host, Worked};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// Frame times are rounded, and so are occupancies that are meant to be as long: no more than this apart
/// they are the same, nanoseconds.
const ROUNDING_NS: u64 = 1_000;
/// A timer may be late by this, nanoseconds: a frame that waited for the stage began when it was free.
const TIMER_NS: u64 = 1_000_000;

/// A stage, with the frames in it.
pub(crate) struct Pipeline<H, T> {
    host: H,
    /// Until when each is in it, in their order.
    inside: VecDeque<(u64, T)>,
    /// When it takes the next one.
    free_ns: u64,
    busy: Arc<AtomicBool>,
}

/// What a stage does next.
pub(crate) enum Next<I, T> {
    /// It takes a frame.
    Take(I),
    /// A frame is through.
    Through(T),
}

impl<H: Host, T: Send> Pipeline<H, T> {
    pub(crate) fn new(host: &H) -> Self {
        let busy = Arc::new(AtomicBool::new(false));
        Self { host: host.clone(), inside: VecDeque::new(), free_ns: 0, busy }
    }

    /// Whether it is occupied, for those who hand frames to it.
    pub(crate) fn busy(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.busy)
    }

    /// Whether it takes a frame at a time.
    pub(crate) fn takes_at(&self, at_ns: u64) -> bool {
        self.free_ns <= at_ns.saturating_add(ROUNDING_NS)
    }

    /// When the work begins on a frame that is taken now.
    pub(crate) fn begins_ns(&self) -> u64 {
        let now_ns = self.host.now_ns();
        if now_ns.saturating_sub(self.free_ns) < TIMER_NS { self.free_ns } else { now_ns }
    }

    /// Puts a frame in.
    pub(crate) fn put(&mut self, worked: Worked<T>) {
        let before = self.inside.back().map_or(0, |(through, _)| *through);
        self.inside.push_back((worked.through_ns.max(before), worked.done));
        self.free_ns = worked.free_ns;
        self.busy.store(true, Ordering::Release);
    }

    /// The next frame that is through. Waits for ever if none is in it.
    pub(crate) async fn through(&mut self) -> T {
        loop {
            match self.inside.front() {
                None => std::future::pending().await,
                Some((through, _)) => until(&self.host, *through).await,
            }
            if let Some((_, frame)) = self.inside.pop_front() {
                return frame;
            }
        }
    }

    /// What it does next, with frames from `queue`; none when that has ended and all are through.
    pub(crate) async fn next<I>(&mut self, queue: &mut mpsc::Receiver<I>) -> Option<Next<I, T>> {
        let mut open = true;
        loop {
            let (busy, empty) = (self.busy.load(Ordering::Acquire), self.inside.is_empty());
            let (host, free_ns) = (self.host.clone(), self.free_ns);
            tokio::select! {
                biased;
                frame = self.through(), if !empty => return Some(Next::Through(frame)),
                () = until(&host, free_ns), if busy => self.busy.store(false, Ordering::Release),
                taken = queue.recv(), if !busy && open => match taken {
                    Some(taken) => return Some(Next::Take(taken)),
                    None => open = false,
                },
                else => return None,
            }
        }
    }

    /// Whether no frame is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }
}

/// Waits until a time on the run's clock.
pub(crate) async fn until<H: Host>(host: &H, at_ns: u64) {
    let wait = at_ns.saturating_sub(host.now_ns());
    if wait > 0 {
        host.runtime().sleep(Duration::from_nanos(wait)).await;
    }
}
