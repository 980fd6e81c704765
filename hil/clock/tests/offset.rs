//! The true offset is always in the bound, whatever the delays and the drift.

use parallax_clock::{Bound, DRIFT_PPM, Exchange, Learnt, Offset};
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

    fn exchange(self, sent_ns: i64, there_ns: i64, back_ns: i64) -> Exchange {
        let read = sent_ns + there_ns;
        Exchange { sent_ns, board_ns: self.time_ns(read), received_ns: read + back_ns }
    }
}

fn holds(bound: Bound, truth: i64) -> bool {
    bound.least_ns <= truth && truth <= bound.most_ns
}

#[test]
fn one_exchange_bounds_the_offset_by_its_round_trip() {
    let board = Board { offset_ns: -7_000 * MS, drift_ppb: 0 };
    let mut offset = Offset::new(0);
    assert_eq!(offset.at(0), None);
    let learnt = offset.take(board.exchange(1_000 * MS, 3 * MS, 9 * MS));
    // One nanosecond for rounding.
    let bound = Bound { least_ns: -7_009 * MS - 1, most_ns: -6_997 * MS + 1 };
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
    let exchange = Exchange { sent_ns: 2, board_ns: 0, received_ns: 1 };
    assert_eq!((offset.take(exchange), offset.at(5)), (Learnt::Backwards, None));
}

proptest! {
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
            offset.take(Exchange { sent_ns, board_ns, received_ns });
            offset.at(sent_ns);
        }
    }
}
