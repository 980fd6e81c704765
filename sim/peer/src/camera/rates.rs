//! The bit rate of a camera that follows its path: what its sessions' estimates come to, and how feedback gets to an
//! estimate out of the `rtc` crate.
//!
//! One encoder serves all viewers, so it aims at the lowest estimate of the sessions that stream.

use super::{Shared, gcc::Gcc, narrow};
use crate::host::Host;
use parallax_record::{Event, Session};
use parallax_signalling::SessionId;
use parallax_spec::GccBounds;
use rtc::interceptor::{BandwidthEstimator, PacketReport};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Between what is recorded of a session's rates.
const REPORT: Duration = Duration::from_secs(1);

/// What a camera's encoder is to aim at.
pub(super) struct Rates {
    start_bps: u32,
    estimates: BTreeMap<SessionId, u32>,
}

impl Rates {
    /// There is no viewer. A session begins at `start_bps`.
    pub(super) fn new(start_bps: u32) -> Self {
        Self { start_bps, estimates: BTreeMap::new() }
    }

    /// A session streams from now on.
    pub(super) fn join(&mut self, id: SessionId) {
        self.estimates.insert(id, self.start_bps);
    }

    /// A session streams no more.
    pub(super) fn leave(&mut self, id: &SessionId) {
        self.estimates.remove(id);
    }

    /// A session's path is estimated anew. One that does not stream has no say.
    pub(super) fn estimate(&mut self, id: &SessionId, bps: u32) {
        if let Some(estimate) = self.estimates.get_mut(id) {
            *estimate = bps;
        }
    }

    /// What a session's path is estimated to carry, if it streams.
    pub(super) fn of(&self, id: &SessionId) -> Option<u32> {
        self.estimates.get(id).copied()
    }

    /// What the encoder is to aim at.
    pub(super) fn target_bps(&self) -> u32 {
        self.estimates.values().copied().min().unwrap_or(self.start_bps)
    }
}

/// Google congestion control of one session, as `rtc` drives it.
pub(super) struct Estimator {
    gcc: Gcc,
    bounds: GccBounds,
    estimate_bps: u32,
    /// Of the pacer's rate to the estimate.
    ratio: (u32, u32),
    /// Called when the estimate has changed, bits per second.
    tell: Box<dyn Fn(u32) + Send + Sync>,
}

impl Estimator {
    /// An estimator that begins at `start_bps`, where the pacer lets `pacer_bps` go.
    pub(super) fn new(
        bounds: GccBounds,
        start_bps: u32,
        pacer_bps: u32,
        tell: impl Fn(u32) + Send + Sync + 'static,
    ) -> Self {
        let [start, floor, ceiling] =
            [start_bps, narrow(bounds.floor_bps), narrow(bounds.ceiling_bps)].map(f64::from);
        Self {
            gcc: Gcc::new(start, floor, ceiling),
            bounds,
            estimate_bps: start_bps,
            ratio: (pacer_bps, start_bps.max(1)),
            tell: Box::new(tell),
        }
    }
}

impl BandwidthEstimator for Estimator {
    fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        self.gcc.on_reports(now, reports);
        let estimate_bps = whole_kbits(self.gcc.target_bps(), self.bounds);
        if std::mem::replace(&mut self.estimate_bps, estimate_bps) != estimate_bps {
            (self.tell)(estimate_bps);
        }
    }

    /// The rate of the pacer, which the crate sets from this: it keeps its ratio to the bit rate, so
    /// that a key frame leaves in the same number of frame times whatever the estimate.
    fn target_bitrate(&self) -> f64 {
        let (pacer, start) = self.ratio;
        f64::from(self.estimate_bps) * f64::from(pacer) / f64::from(start)
    }
}

/// Rounds an estimate down to whole kbit/s, within its bounds: the encoder is not told of each bit.
fn whole_kbits(bps: f64, bounds: GccBounds) -> u32 {
    // Saturates, and it is clamped by GCC already.
    let whole = (bps / 1_000.0) as u32;
    whole.saturating_mul(1_000).clamp(narrow(bounds.floor_bps), narrow(bounds.ceiling_bps))
}

/// Records a session's rates once a second. `sent` counts the bytes that have left for the wire.
pub(super) async fn report<H: Host>(
    shared: Arc<Shared<H>>,
    (id, session): (SessionId, Session),
    sent: Arc<AtomicU64>,
) {
    let host = &shared.host;
    let (mut last_ns, mut last_bytes) = (host.now_ns(), sent.load(Ordering::Relaxed));
    loop {
        host.runtime().sleep(REPORT).await;
        let Some((Some(estimate_bps), target_bps)) =
            shared.with_rates(|rates| (rates.of(&id), rates.target_bps()))
        else {
            return;
        };
        let (now_ns, bytes) = (host.now_ns(), sent.load(Ordering::Relaxed));
        let bits = u128::from(bytes.saturating_sub(last_bytes)) * 8;
        let elapsed_ns = u128::from(now_ns.saturating_sub(last_ns)).max(1);
        (last_ns, last_bytes) = (now_ns, bytes);
        host.observe(Event::Rates {
            session: session.clone(),
            estimate_bps: estimate_bps.into(),
            target_bps: target_bps.into(),
            sent_bps: u64::try_from(bits * 1_000_000_000 / elapsed_ns).unwrap_or(u64::MAX),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const BOUNDS: GccBounds = GccBounds { floor_bps: 100_500, ceiling_bps: 900_700 };

    fn session(number: u64) -> SessionId {
        serde_json::from_value(serde_json::json!(number)).expect("a number")
    }

    #[test]
    fn the_encoder_follows_the_lowest_of_the_sessions_that_stream() {
        let (one, other, late) = (session(1), session(2), session(3));
        let mut rates = Rates::new(400_000);
        assert_eq!(rates.target_bps(), 400_000);
        rates.join(one);
        rates.estimate(&one, 700_000);
        assert_eq!(rates.target_bps(), 700_000);
        // Who comes begins at the start, and says so to all.
        rates.join(other);
        assert_eq!(rates.target_bps(), 400_000);
        rates.estimate(&other, 800_000);
        assert_eq!((rates.target_bps(), rates.of(&other)), (700_000, Some(800_000)));
        rates.estimate(&one, 200_000);
        assert_eq!(rates.target_bps(), 200_000);
        rates.leave(&one);
        assert_eq!(rates.target_bps(), 800_000);
        // Who is gone, or has not begun, has no say.
        rates.estimate(&one, 100_000);
        rates.estimate(&late, 100_000);
        assert_eq!((rates.target_bps(), rates.of(&one)), (800_000, None));
        rates.leave(&other);
        assert_eq!(rates.target_bps(), 400_000);
    }

    #[test]
    fn estimates_are_whole_kilobits_within_their_bounds() {
        assert_eq!(whole_kbits(400_999.999, BOUNDS), 400_000);
        assert_eq!(whole_kbits(100_900.0, BOUNDS), 100_500);
        assert_eq!(whole_kbits(f64::INFINITY, BOUNDS), 900_700);
        assert_eq!(whole_kbits(f64::NAN, BOUNDS), 100_500);
    }

    #[test]
    fn the_pacer_keeps_its_ratio_and_a_change_is_told_once() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let told = told.clone();
            move |bps| told.lock().expect("nobody panics").push(bps)
        };
        let mut estimator = Estimator::new(BOUNDS, 400_000, 1_000_000, tell);
        assert_eq!(estimator.target_bitrate(), 1_000_000.0);
        // Every packet of some seconds is lost: the estimate falls to the floor.
        let start = a_time();
        for batch in 0..100_u64 {
            let now = start + Duration::from_millis(200 * batch);
            let report = |id| PacketReport {
                ssrc: 1,
                id,
                rtp_sequence_number: id as u16,
                is_twcc: true,
                twcc_sequence_number: id as u16,
                size: 1_000,
                arrived: false,
                departure: now,
                arrival: None,
                ecn: rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn::default(),
            };
            let reports: Vec<_> = (10 * batch..10 * batch + 10).map(report).collect();
            estimator.on_reports(now, &reports);
        }
        assert_eq!(estimator.target_bitrate(), 251_250.0);
        let told = told.lock().expect("nobody panics");
        assert!(told.len() > 1 && told.is_sorted_by(|one, next| one > next), "{told:?}");
        assert_eq!(told.last(), Some(&100_500));
    }

    /// Where time begins does not matter to an estimator.
    #[expect(clippy::disallowed_methods, reason = "there is no other way to an `Instant`")]
    fn a_time() -> Instant {
        Instant::now()
    }
}
