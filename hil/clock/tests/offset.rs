//! The true offset is always in the bound, whatever the delays and the drift.

use parallax_clock::{ClockExchange, DRIFT_PPM, Learnt, Offset, OffsetBound};
use proptest::prelude::*;

const MS: i64 = 1_000_000;

/// A board whose clock was at `offset_ns` at the host's 0 and drifts by so many billionths.
#[derive(Clone, Copy, Debug)]
struct Board {
    offset_ns: i64,
    drift_ppb: i64,
}

impl Board {
    fn time_ns(self, host_ns: i64) -> i64 {
        host_ns + self.offset_ns_at(host_ns)
    }

    fn offset_ns_at(self, host_ns: i64) -> i64 {
        let drift = i128::from(host_ns) * i128::from(self.drift_ppb) / 1_000_000_000;
        self.offset_ns + i64::try_from(drift).expect("small")
    }

    fn exchange(self, sent_ns: i64, there_ns: i64, back_ns: i64) -> ClockExchange {
        let read = sent_ns + there_ns;
        ClockExchange { sent_ns, board_ns: self.time_ns(read), received_ns: read + back_ns }
    }
}

fn holds(bound: OffsetBound, truth: i64) -> bool {
    bound.least_ns <= truth && truth <= bound.most_ns
}

#[test]
fn one_exchange_bounds_the_offset_by_its_round_trip() {
    let board = Board { offset_ns: -7_000 * MS, drift_ppb: 0 };
    let mut offset = Offset::new(0);
    assert_eq!(offset.at(0), None);
    let learnt = offset.take(board.exchange(1_000 * MS, 3 * MS, 9 * MS));
    // One nanosecond for rounding.
    let bound = OffsetBound { least_ns: -7_009 * MS - 1, most_ns: -6_997 * MS + 1 };
    assert_eq!(learnt, Learnt::Bound(bound));
    let board_ns = board.time_ns(1_500 * MS);
    let (least, most) = bound.host_time_ns(board_ns);
    assert!(least <= 1_500 * MS && 1_500 * MS <= most && most - least == bound.width_ns());
}

#[test]
fn exchanges_that_are_slow_in_different_directions_bound_it_together() {
    let board = Board { offset_ns: 5 * MS, drift_ppb: 0 };
    let mut offset = Offset::new(DRIFT_PPM);
    offset.take(board.exchange(0, 100_000, 20 * MS));
    offset.take(board.exchange(30 * MS, 20 * MS, 100_000));
    let bound = offset.at(60 * MS).expect("known");
    assert!(holds(bound, 5 * MS));
    assert!(bound.width_ns() < 220_000, "{bound:?}");
}

#[test]
fn a_bound_widens_as_clocks_may_drift() {
    let mut offset = Offset::new(DRIFT_PPM);
    offset.take(Board { offset_ns: 0, drift_ppb: 0 }.exchange(0, 0, 0));
    let width = offset.at(10_000 * MS).expect("known").width_ns();
    assert!((2 * MS..2 * MS + 10).contains(&width), "{width}");
}

#[test]
fn a_jump_is_told_and_the_bound_starts_anew() {
    let board = Board { offset_ns: 0, drift_ppb: 40_000 };
    let mut offset = Offset::new(DRIFT_PPM);
    for second in 0..5 {
        let learnt = offset.take(board.exchange(second * 1_000 * MS, 2 * MS, 3 * MS));
        assert!(matches!(learnt, Learnt::Bound(_)));
    }
    let jumped = Board { offset_ns: 60_000 * MS, ..board };
    let learnt = offset.take(jumped.exchange(6_000 * MS, 2 * MS, 3 * MS));
    let Learnt::Jumped { before, after } = learnt else { panic!("{learnt:?}") };
    assert!(holds(before, board.offset_ns_at(6_005 * MS)));
    assert!(holds(after, jumped.offset_ns_at(6_005 * MS)));
    assert_eq!(offset.jumps(), 1);
    let learnt = offset.take(jumped.exchange(7_000 * MS, 2 * MS, 3 * MS));
    assert!(
        matches!(learnt, Learnt::Bound(bound) if holds(bound, jumped.offset_ns_at(7_005 * MS)))
    );
}

#[test]
fn an_answer_before_its_question_is_left_out() {
    let mut offset = Offset::new(DRIFT_PPM);
    let exchange = ClockExchange { sent_ns: 2, board_ns: 0, received_ns: 1 };
    assert_eq!((offset.take(exchange), offset.at(5)), (Learnt::Backwards, None));
}

/// A board whose clock drifts differently from one time to the next, as one that gets warm does: billionths,
/// and for how long. After the last, it stays so.
#[derive(Clone, Debug)]
struct Warming {
    offset_ns: i64,
    drifts: Vec<(i64, i64)>,
}

impl Warming {
    /// How far it is ahead at the host's `host_ns`.
    fn offset_ns_at(&self, host_ns: i64) -> i64 {
        let (mut left, mut gained) = (host_ns, 0_i128);
        for (at, (drift_ppb, lasts_ns)) in self.drifts.iter().enumerate() {
            let last = at + 1 == self.drifts.len();
            let part = if last { left } else { left.min(*lasts_ns) };
            gained += i128::from(part) * i128::from(*drift_ppb);
            left -= part;
        }
        self.offset_ns + i64::try_from(gained / 1_000_000_000).expect("small")
    }

    fn exchange(&self, sent_ns: i64, there_ns: i64, back_ns: i64) -> ClockExchange {
        let read = sent_ns + there_ns;
        let board_ns = read + self.offset_ns_at(read);
        ClockExchange { sent_ns, board_ns, received_ns: read + back_ns }
    }
}

/// Delays of the two ways of an exchange over a console: usually short, sometimes long, and one way may
/// always be the slower.
fn ways(there_least: i64, back_least: i64) -> impl Strategy<Value = (i64, i64)> {
    let jitter = || prop_oneof![4 => 0..2 * MS, 1 => 0..300 * MS];
    (jitter(), jitter()).prop_map(move |(there, back)| (there_least + there, back_least + back))
}

proptest! {
    #[test]
    fn a_drift_that_changes_and_ways_that_are_never_alike_leave_the_truth_in_the_bound(
        offset_ns in -1_000_000_000_000_i64..1_000_000_000_000,
        drifts in prop::collection::vec((-100_000_i64..=100_000, 1..20_000 * MS), 1..12),
        (exchanges, looks) in (0_i64..100 * MS, 0_i64..100 * MS).prop_flat_map(|(there, back)| (
            prop::collection::vec((0_i64..3_000 * MS, ways(there, back)), 1..80),
            prop::collection::vec(0_i64..5_000 * MS, 80),
        )),
    ) {
        let board = Warming { offset_ns, drifts };
        let mut offset = Offset::new(DRIFT_PPM);
        let mut now = 0;
        for ((pause, (there, back)), look_ns) in exchanges.into_iter().zip(looks) {
            now += pause;
            let exchange = board.exchange(now, there, back);
            now = exchange.received_ns;
            let learnt = offset.take(exchange);
            let Learnt::Bound(bound) = learnt else { panic!("{learnt:?}") };
            prop_assert!(holds(bound, board.offset_ns_at(now)), "{bound:?}");
            // As long as nobody asks again.
            let bound = offset.at(now + look_ns).expect("known");
            prop_assert!(holds(bound, board.offset_ns_at(now + look_ns)), "{bound:?}");
        }
        prop_assert_eq!(offset.jumps(), 0);
    }

    #[test]
    fn a_jump_beyond_what_is_open_is_seen_and_the_truth_is_in_the_bound_after_it(
        drift_ppb in -100_000_i64..=100_000,
        before in prop::collection::vec((0_i64..2_000 * MS, ways(0, 0)), 1..20),
        (there, back) in ways(0, 0),
        ahead in any::<bool>(),
        more_ns in 1_i64..10_000 * MS,
    ) {
        let board = Board { offset_ns: 0, drift_ppb };
        let mut offset = Offset::new(DRIFT_PPM);
        let mut now = 0;
        for (pause, (there, back)) in before {
            now += pause;
            let exchange = board.exchange(now, there, back);
            now = exchange.received_ns;
            offset.take(exchange);
        }
        let asked = now + 500 * MS;
        let had = asked + there + back;
        // What is open of the offset, by all before and by this exchange alone.
        let open = offset.at(had).expect("known").width_ns() + there + back;
        let open = open + open / 5_000 + 4;
        let by = if ahead { open + more_ns } else { -open - more_ns };
        let jumped = Board { offset_ns: by, drift_ppb };
        let learnt = offset.take(jumped.exchange(asked, there, back));
        prop_assert!(matches!(learnt, Learnt::Jumped { .. }), "{learnt:?}");
        prop_assert!(holds(offset.at(had).expect("known"), jumped.offset_ns_at(had)));
        prop_assert_eq!(offset.jumps(), 1);
    }

    #[test]
    fn the_true_offset_is_always_in_the_bound(
        offset_ns in -1_000_000_000_000_i64..1_000_000_000_000,
        drift_ppb in -100_000_i64..=100_000,
        exchanges in prop::collection::vec(
            (0_i64..10_000 * MS, 0_i64..200 * MS, 0_i64..200 * MS), 1..60),
        look_ns in -5_000 * MS..20_000 * MS,
    ) {
        let board = Board { offset_ns, drift_ppb };
        let mut offset = Offset::new(DRIFT_PPM);
        let mut now = 0;
        for (pause, there, back) in exchanges {
            now += pause;
            let exchange = board.exchange(now, there, back);
            now = exchange.received_ns;
            let learnt = offset.take(exchange);
            let Learnt::Bound(bound) = learnt else { panic!("{learnt:?}") };
            prop_assert!(holds(bound, board.offset_ns_at(now)));
            // No exchange alone tells less.
            prop_assert!(bound.width_ns() <= there + back + (there + back) / 5_000 + 4);
            let at = now + look_ns;
            let bound = offset.at(at).expect("known");
            prop_assert!(holds(bound, board.offset_ns_at(at)));
        }
        prop_assert_eq!(offset.jumps(), 0);
    }

    #[test]
    fn answers_out_of_their_order_do_no_harm(
        drift_ppb in -100_000_i64..=100_000,
        exchanges in prop::collection::vec((0_i64..60_000 * MS, 0..9 * MS, 0..9 * MS), 1..30),
    ) {
        let board = Board { offset_ns: 12_345, drift_ppb };
        let mut offset = Offset::new(DRIFT_PPM);
        for (sent, there, back) in exchanges {
            let exchange = board.exchange(sent, there, back);
            offset.take(exchange);
            let bound = offset.at(exchange.received_ns).expect("known");
            prop_assert!(holds(bound, board.offset_ns_at(exchange.received_ns)));
        }
        prop_assert_eq!(offset.jumps(), 0);
    }

    #[test]
    fn no_times_break_it(
        times in prop::collection::vec((any::<i64>(), any::<i64>(), any::<i64>()), 1..20)
    ) {
        let mut offset = Offset::new(u32::MAX);
        for (sent_ns, board_ns, received_ns) in times {
            offset.take(ClockExchange { sent_ns, board_ns, received_ns });
            offset.at(sent_ns);
        }
    }
}
