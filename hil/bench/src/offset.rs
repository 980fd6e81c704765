//! A board's times on the run's clock.

use parallax_board::now_ns;
use parallax_clock::{DRIFT_PPM, Exchange, Learnt, Offset};
use parallax_lab::Clock;
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
    pub(crate) fn of(clock: Clock) -> Self {
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

/// Follows the board's clock, and says how far it may be off.
#[derive(Debug)]
pub(crate) struct BoardClock {
    offset: Offset,
    /// Board time minus host time, as it is taken: it stays the same as long as it can be right, so
    /// that what lies between two times of the board is not changed.
    taken_ns: Option<i64>,
    /// How far the truth was from it, at most, whenever a time was told.
    worst_ns: u64,
    /// The host's time at the start of the run.
    zero: Zero,
}

impl BoardClock {
    /// For a run that began then.
    pub(crate) fn new(zero: Zero) -> Self {
        Self { offset: Offset::new(DRIFT_PPM), taken_ns: None, worst_ns: 0, zero }
    }

    /// Takes a question and its answer. False: a clock jumped.
    pub(crate) fn take(&mut self, sent_ns: u64, board_ns: u64, received_ns: u64) -> bool {
        let exchange = Exchange {
            sent_ns: signed(sent_ns),
            board_ns: signed(board_ns),
            received_ns: signed(received_ns),
        };
        !matches!(self.offset.take(exchange), Learnt::Jumped { .. })
    }

    /// From now on times are told by the middle of what is known.
    pub(crate) fn settle(&mut self, now_ns: u64) {
        let bound = self.offset.at(signed(now_ns));
        self.taken_ns = bound.map(|bound| bound.least_ns + bound.width_ns() / 2);
    }

    /// A time of the board on the run's clock, as far as is known at `now_ns` of the host.
    pub(crate) fn run_ns(&mut self, board_ns: u64, now_ns: u64) -> Option<u64> {
        let bound = self.offset.at(signed(now_ns))?;
        let taken = self.taken_ns.filter(|taken| (bound.least_ns..=bound.most_ns).contains(taken));
        if taken.is_none() {
            self.settle(now_ns);
        }
        let taken = taken.or(self.taken_ns)?;
        let off = taken.abs_diff(bound.least_ns).max(taken.abs_diff(bound.most_ns));
        self.worst_ns = self.worst_ns.max(off);
        Some(self.on_run(board_ns, taken))
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
        let taken = self.taken_ns?;
        let event = match event {
            Event::FrameEncoded { boot, frame, started_run_ns, rtp_timestamp, key, bytes, qp } => {
                let started_run_ns = self.on_run(started_run_ns, taken);
                Event::FrameEncoded { boot, frame, started_run_ns, rtp_timestamp, key, bytes, qp }
            }
            Event::FramePaced { session, rtp_timestamp, first_run_ns, packets } => {
                let first_run_ns = self.on_run(first_run_ns, taken);
                Event::FramePaced { session, rtp_timestamp, first_run_ns, packets }
            }
            Event::CheckAnswered { session, local, remote, attempt, sent_run_ns } => {
                let sent_run_ns = self.on_run(sent_run_ns, taken);
                Event::CheckAnswered { session, local, remote, attempt, sent_run_ns }
            }
            other => other,
        };
        Some((run_ns, event))
    }

    /// How far a time that was told may be from the truth, microseconds, rounded up.
    pub(crate) fn bound_us(&self) -> u64 {
        self.worst_ns.saturating_add(self.zero.off_ns).div_ceil(1_000)
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
