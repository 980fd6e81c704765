//! A board's times on the run's clock.

use parallax_board::now_ns;
use parallax_clock::{ClockExchange, DRIFT_PPM, Learnt, Offset, OffsetBound};
use parallax_lab::RunClock;
use parallax_record::Event;

/// How often host's and run's clock are read to find how far they are apart.
const READINGS: usize = 32;

/// When a run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zero {
    /// By the host's clock.
    pub(crate) host_ns: u64,
    /// How far that may be off: the machine may do something else between two readings.
    pub(crate) off_ns: u64,
}

impl Zero {
    /// Of the run with this clock.
    pub(crate) fn of(clock: RunClock) -> Self {
        let reading = |_| {
            let before = now_ns();
            let run_ns = clock.now().as_nanos();
            Self::between(before, run_ns, now_ns())
        };
        let best = (0..READINGS).map(reading).min_by_key(|zero| zero.off_ns);
        best.unwrap_or(Self { host_ns: now_ns(), off_ns: 0 })
    }

    /// If the run's clock was read between two readings of the host's.
    fn between(before: u64, run_ns: u64, after: u64) -> Self {
        let apart = after.saturating_sub(before);
        Self { host_ns: (before + apart / 2).saturating_sub(run_ns), off_ns: apart.div_ceil(2) }
    }
}

/// Follows the clock of a board, or of a browser, and says how far it may be off.
#[derive(Debug)]
pub(crate) struct BoardClock {
    offset: Offset,
    /// Board time minus host time, as it is taken: it stays the same as long as it can be right, so
    /// that what lies between two times of the board is not changed.
    taken_ns: Option<i64>,
    /// How far the truth was from it, at most, whenever a time was converted.
    worst_ns: u64,
    /// By how much it was taken anew since the first time was converted, in sum.
    moved_ns: u64,
    /// The host's time at the start of the run.
    zero: Zero,
}

impl BoardClock {
    /// For a run that began then.
    pub(crate) fn new(zero: Zero) -> Self {
        Self { offset: Offset::new(DRIFT_PPM), taken_ns: None, worst_ns: 0, moved_ns: 0, zero }
    }

    /// Takes a question and its answer. False: a clock jumped.
    pub(crate) fn take(&mut self, sent_ns: u64, board_ns: u64, received_ns: u64) -> bool {
        self.learn(ClockExchange {
            sent_ns: signed(sent_ns),
            board_ns: signed(board_ns),
            received_ns: signed(received_ns),
        })
    }

    /// Takes an exchange. False: a clock jumped.
    pub(crate) fn learn(&mut self, exchange: ClockExchange) -> bool {
        !matches!(self.offset.take(exchange), Learnt::Jumped { .. })
    }

    /// From now on times are converted by the middle of what is known.
    pub(crate) fn settle(&mut self, now_ns: u64) {
        let Some(bound) = self.offset.at(signed(now_ns)) else { return };
        let taken = bound.least_ns + bound.width_ns() / 2;
        if let Some(before) = self.taken_ns.replace(taken).filter(|_| self.worst_ns > 0) {
            self.moved_ns = self.moved_ns.saturating_add(before.abs_diff(taken));
        }
    }

    /// A time of the board on the run's clock, as far as is known at `now_ns` of the host.
    pub(crate) fn run_ns(&mut self, board_ns: u64, now_ns: u64) -> Option<u64> {
        let known = self.offset.at(signed(now_ns))?;
        if !self.taken_ns.is_some_and(|taken| (known.least_ns..=known.most_ns).contains(&taken)) {
            self.settle(now_ns);
        }
        let taken = self.taken_ns?;
        let bound = self.bound_then(signed(board_ns), signed(now_ns), known)?;
        let off = taken.abs_diff(bound.least_ns).max(taken.abs_diff(bound.most_ns));
        self.worst_ns = self.worst_ns.max(off);
        Some(self.on_run(board_ns, taken))
    }

    /// What the offset lay in when the board's clock showed `board_ns`. That may be long ago: what it
    /// told may have waited for its console, and clocks drift meanwhile.
    fn bound_then(&self, board_ns: i64, now_ns: i64, known: OffsetBound) -> Option<OffsetBound> {
        // As early as it may have been; once more with what is known of that time, since the offset was
        // another then.
        let earliest = known.host_time_ns(board_ns).0.min(now_ns);
        let then = self.offset.at(earliest)?;
        let earliest = then.host_time_ns(board_ns).0.min(now_ns);
        let latest = then.host_time_ns(board_ns).1.min(now_ns);
        let (first, last) = (self.offset.at(earliest)?, self.offset.at(latest)?);
        Some(OffsetBound {
            least_ns: first.least_ns.min(last.least_ns),
            most_ns: first.most_ns.max(last.most_ns),
        })
    }

    fn on_run(&self, board_ns: u64, taken_ns: i64) -> u64 {
        let host_ns = signed(board_ns).saturating_sub(taken_ns);
        u64::try_from(host_ns.saturating_sub(signed(self.zero.host_ns))).unwrap_or(0)
    }

    /// A time of the host on the run's clock.
    pub(crate) fn host_on_run(&self, host_ns: u64) -> u64 {
        self.on_run(host_ns, 0)
    }

    /// An event as the board told it, with all its times on the run's clock.
    pub(crate) fn event(
        &mut self,
        board_ns: u64,
        event: Event,
        now_ns: u64,
    ) -> Option<(u64, Event)> {
        let run_ns = self.run_ns(board_ns, now_ns)?;
        // The times inside are older, and what is known of them is less: they count for the bound.
        let mut inside = |board_ns| self.run_ns(board_ns, now_ns);
        let event = match event {
            Event::FrameEncoded { boot, frame, started_run_ns, rtp_timestamp, key, bytes, qp } => {
                let started_run_ns = inside(started_run_ns)?;
                Event::FrameEncoded { boot, frame, started_run_ns, rtp_timestamp, key, bytes, qp }
            }
            Event::FramePaced { session, rtp_timestamp, first_run_ns, packets } => {
                let first_run_ns = inside(first_run_ns)?;
                Event::FramePaced { session, rtp_timestamp, first_run_ns, packets }
            }
            Event::CheckAnswered { session, local, remote, attempt, sent_run_ns } => {
                let sent_run_ns = inside(sent_run_ns)?;
                Event::CheckAnswered { session, local, remote, attempt, sent_run_ns }
            }
            other => other,
        };
        Some((run_ns, event))
    }

    /// How far a converted time, or what lies between two of them, may be from the truth,
    /// microseconds, rounded up. Two times of which one was converted before the offset was taken anew, and one
    /// after, are further from each other by as much as it moved, and never by more than each is off.
    pub(crate) fn bound_us(&self) -> u64 {
        let apart_ns = self.moved_ns.min(self.worst_ns);
        self.worst_ns.saturating_add(apart_ns).saturating_add(self.zero.off_ns).div_ceil(1_000)
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn the_truth_is_never_further_away_than_the_bound_says() {
        // The board's clock is 7 s ahead of the host's and gains 80 ppm; the run began at 2 s.
        let board = |host_ns: u64| host_ns + 7_000 * MS + host_ns / 12_500;
        let mut clock = BoardClock::new(Zero { host_ns: 2_000 * MS, off_ns: 0 });
        for second in 2..40_u64 {
            // The console takes its time, now on the one way, now on the other.
            let (there, back) = (1 + second * 7 % 11, 1 + second * 5 % 13);
            let asked = second * 1_000 * MS;
            let (read, had) = (asked + there * MS, asked + (there + back) * MS);
            assert!(clock.take(asked, board(read), had), "no clock jumped");
            if second == 4 {
                clock.settle(had);
            }
            let run_ns = clock.run_ns(board(had), had).expect("it is known");
            let truth = had - 2_000 * MS;
            assert!(run_ns.abs_diff(truth) <= clock.bound_us() * 1_000, "{run_ns} is not {truth}");
        }
        assert!(clock.bound_us() < 20_000, "{}", clock.bound_us());
    }

    #[test]
    fn what_waited_long_for_its_console_is_within_the_bound_as_well() {
        // The board's clock gains as much as it may, and each answer comes at once: all is known but that.
        let board = |host_ns: u64| 500 * MS + host_ns + host_ns / 10_000;
        for waited in [1_000, 10_000, 60_000_u64] {
            let mut clock = BoardClock::new(Zero { host_ns: 0, off_ns: 0 });
            let now = 100_000 * MS;
            assert!(clock.take(now, board(now), now));
            let truth = now - waited * MS;
            let run_ns = clock.run_ns(board(truth), now).expect("it is known");
            let off = run_ns.abs_diff(truth);
            assert!(off <= clock.bound_us() * 1_000, "{waited} ms: {off} ns");
            // Hardly more than the clocks may drift apart meanwhile.
            assert!(clock.bound_us() <= waited / 10 + 2, "{waited} ms: {} us", clock.bound_us());
        }
    }

    #[test]
    fn a_time_inside_an_event_counts_for_the_bound() {
        let mut clock = BoardClock::new(Zero { host_ns: 0, off_ns: 0 });
        assert!(clock.take(10_000 * MS, 10_500 * MS, 10_000 * MS));
        let (camera, viewer) = ("doorbell".to_owned(), "phone".to_owned());
        let session = parallax_record::Session { camera, viewer, number: 1 };
        let (rtp_timestamp, packets) = (0, 1);
        let paced = Event::FramePaced { session, rtp_timestamp, first_run_ns: 500 * MS, packets };
        clock.event(10_500 * MS, paced, 10_000 * MS).expect("it is known");
        assert!(clock.bound_us() >= 1_000, "10 s of drift: {} us", clock.bound_us());
    }

    #[test]
    fn what_lies_between_two_times_is_within_the_bound_though_the_offset_was_taken_anew() {
        // The first answer took its time on the one way, the later ones on the other: of what the first
        // left open, the truth is at one end.
        let board = |host_ns: u64| 500 * MS + host_ns;
        let mut clock = BoardClock::new(Zero { host_ns: 0, off_ns: 0 });
        assert!(clock.take(0, board(20 * MS), 20 * MS));
        let before = clock.run_ns(board(25 * MS), 25 * MS).expect("it is known");
        let told = clock.bound_us();
        assert!(clock.take(30 * MS, board(30 * MS), 31 * MS));
        let after = clock.run_ns(board(35 * MS), 35 * MS).expect("it is known");
        let (between, bound_ns) = (after - before, clock.bound_us() * 1_000);
        assert_ne!(between, 10 * MS, "it was taken anew");
        assert!(between.abs_diff(10 * MS) <= bound_ns, "{between} ns, within {bound_ns} ns");
        assert!(clock.bound_us() > told, "by as much as it moved");
    }

    #[test]
    fn a_run_began_between_two_readings_and_what_is_between_is_in_the_bound() {
        // Read at 5 and 9 ms, and the run's clock, at 2 ms, somewhere between.
        let zero = Zero::between(5 * MS, 2 * MS, 9 * MS);
        assert_eq!(zero, Zero { host_ns: 5 * MS, off_ns: 2 * MS });
        let clock = BoardClock::new(zero);
        assert_eq!((clock.bound_us(), clock.host_on_run(6 * MS)), (2_000, MS));
    }

    #[test]
    fn a_clock_that_jumps_is_seen() {
        let mut clock = BoardClock::new(Zero { host_ns: 0, off_ns: 0 });
        assert!(clock.take(0, 500 * MS, MS));
        assert!(!clock.take(1_000 * MS, 1_900 * MS, 1_001 * MS));
    }

    #[test]
    fn times_inside_an_event_move_with_it() {
        let mut clock = BoardClock::new(Zero { host_ns: 0, off_ns: 0 });
        assert!(clock.take(0, 500 * MS, 0));
        let encoded = Event::FrameEncoded {
            boot: 0,
            frame: 0,
            started_run_ns: 600 * MS,
            rtp_timestamp: 0,
            key: true,
            bytes: 1,
            qp: None,
        };
        let (at, event) = clock.event(620 * MS, encoded, 0).expect("it is known");
        let Event::FrameEncoded { started_run_ns, .. } = event else { panic!("{event:?}") };
        assert_eq!((at - started_run_ns, at.div_ceil(MS)), (20 * MS, 120));
    }
}
