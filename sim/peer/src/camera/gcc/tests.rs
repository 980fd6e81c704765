use super::*;
use rtc::rtcp::transport_feedbacks::cc_feedback_report::Ecn;

const MS: Duration = Duration::from_millis(1);
const PACKET_BYTES: usize = 1_100;

/// A path with a bottleneck whose queue drops what would wait for too long, and a sender of 15 frames/s.
struct Path {
    capacity_bps: f64,
    queue: Duration,
    delay: Duration,
    /// One packet in this number is lost besides; 0: none.
    loses_one_in: u64,
    /// The sender never sends more, whatever the estimate.
    most_bps: f64,
}

impl Default for Path {
    fn default() -> Self {
        let (queue, delay) = (200 * MS, 30 * MS);
        Self { capacity_bps: 8e6, queue, delay, loses_one_in: 0, most_bps: f64::MAX }
    }
}

struct Run {
    gcc: Gcc,
    start: Instant,
    now: Duration,
    id: u64,
    /// When the bottleneck is idle again.
    idle: Duration,
    reports: Vec<PacketReport>,
    waited: Duration,
    dropped: u32,
}

/// Where time begins does not matter to an estimator.
#[expect(clippy::disallowed_methods, reason = "there is no other way to an `Instant`")]
fn run() -> Run {
    Run {
        gcc: Gcc::new(400e3, 100e3, 800e3),
        start: Instant::now(),
        now: Duration::ZERO,
        id: 0,
        idle: Duration::ZERO,
        reports: Vec::new(),
        waited: Duration::ZERO,
        dropped: 0,
    }
}

impl Run {
    /// Runs for a time over a path; gives the estimate of each frame.
    fn over(&mut self, path: &Path, seconds: u64) -> Vec<f64> {
        (self.waited, self.dropped) = (Duration::ZERO, 0);
        (0..15 * seconds).map(|_| self.frame(path)).collect()
    }

    fn frame(&mut self, path: &Path) -> f64 {
        let bps = self.gcc.target_bps().min(path.most_bps);
        let packets = (bps / 15.0 / 8.0 / PACKET_BYTES as f64).ceil() as u32;
        let size = (bps / 15.0 / 8.0 / f64::from(packets)) as usize;
        for n in 0..packets {
            self.packet(path, self.now + 4 * MS * n, size);
        }
        self.now += Duration::from_secs(1) / 15;
        // Feedback comes every second frame, and is a round trip old.
        if (self.now.as_millis() / 66).is_multiple_of(2) {
            let heard = self.now.saturating_sub(path.delay);
            let until = |report: &PacketReport| report.arrival.is_none_or(|at| at <= heard);
            let count = self.reports.iter().take_while(|report| until(report)).count();
            let reports: Vec<_> = self.reports.drain(..count).collect();
            self.gcc.on_reports(self.start + self.now, &reports);
        }
        self.gcc.target_bps()
    }

    fn packet(&mut self, path: &Path, left: Duration, size: usize) {
        let wait = self.idle.saturating_sub(left);
        let is_full = wait > path.queue;
        self.dropped += u32::from(is_full);
        let arrived = !is_full
            && (path.loses_one_in == 0 || self.id % path.loses_one_in + 1 != path.loses_one_in);
        if !is_full {
            let takes = Duration::from_secs_f64(size as f64 * 8.0 / path.capacity_bps);
            self.idle = self.idle.max(left) + takes;
        }
        self.waited = self.waited.max(wait);
        self.reports.push(PacketReport {
            ssrc: 1,
            id: self.id,
            rtp_sequence_number: self.id as u16,
            is_twcc: true,
            twcc_sequence_number: self.id as u16,
            size,
            arrived,
            departure: self.start + left,
            arrival: arrived.then(|| self.idle.max(left) + path.delay),
            ecn: Ecn::default(),
        });
        self.id += 1;
    }
}

fn least(estimates: &[f64]) -> f64 {
    estimates.iter().copied().fold(f64::INFINITY, f64::min)
}

fn mean(estimates: &[f64]) -> f64 {
    estimates.iter().sum::<f64>() / estimates.len() as f64
}

#[test]
fn on_a_wide_path_it_climbs_to_its_ceiling_and_stays() {
    let estimates = run().over(&Path::default(), 20);
    assert!(estimates.is_sorted());
    assert!(estimates[15] < 500e3);
    assert_eq!(estimates.last(), Some(&800e3));
}

#[test]
fn on_a_narrow_path_it_stays_near_the_capacity_and_drops_nothing() {
    for capacity_bps in [300e3, 500e3, 650e3] {
        let mut run = run();
        run.over(&Path::default(), 10);
        let narrow = Path { capacity_bps, ..Path::default() };
        run.over(&narrow, 5);
        let estimates = run.over(&narrow, 30);
        let share = mean(&estimates) / capacity_bps;
        assert!((0.8..1.0).contains(&share), "{share} of {capacity_bps}");
        assert!(least(&estimates) > 0.6 * capacity_bps, "{}", least(&estimates));
        assert_eq!(run.dropped, 0, "{:?} waited of {capacity_bps}", run.waited);
    }
}

#[test]
fn when_the_path_is_wide_again_it_comes_back() {
    let mut run = run();
    run.over(&Path::default(), 10);
    run.over(&Path { capacity_bps: 200e3, ..Path::default() }, 10);
    assert!(run.gcc.target_bps() < 210e3);
    assert_eq!(run.over(&Path::default(), 20).last(), Some(&800e3));
}

#[test]
fn what_was_never_sent_does_not_count() {
    let mut run = run();
    let estimates = run.over(&Path { most_bps: 300e3, ..Path::default() }, 30);
    let most = estimates.iter().copied().fold(0.0, f64::max);
    // A window has up to a frame more than the mean.
    assert!((450e3..560e3).contains(&most), "{most}");
    assert_eq!(least(&estimates), 400e3);
}

#[test]
fn few_losses_do_not_matter_and_many_do() {
    let loses = |loses_one_in| Path { loses_one_in, ..Path::default() };
    let few = run().over(&loses(100), 30);
    assert!(few.is_sorted() && few.last() == Some(&800e3));
    let some = run().over(&loses(20), 30);
    assert!(least(&some) == 400e3, "{}", least(&some));
    let mut run = run();
    assert_eq!(run.over(&loses(4), 60).last(), Some(&100e3));
    assert!(run.gcc.losses.share.is_some_and(|share| (0.2..0.3).contains(&share)));
}

#[test]
fn a_path_that_becomes_longer_is_not_a_narrow_one() {
    let mut run = run();
    run.over(&Path::default(), 20);
    let estimates = run.over(&Path { delay: 280 * MS, ..Path::default() }, 35);
    assert!(least(&estimates) > 300e3, "{}", least(&estimates));
    assert_eq!(estimates.last(), Some(&800e3));
}

#[test]
fn a_full_queue_is_noticed_by_its_losses() {
    let mut run = run();
    // The queue is too short for delays to grow.
    let short = Path { capacity_bps: 250e3, queue: 10 * MS, ..Path::default() };
    let estimates = run.over(&short, 30);
    assert!(mean(&estimates[150..]) < 300e3, "{}", mean(&estimates[150..]));
}
