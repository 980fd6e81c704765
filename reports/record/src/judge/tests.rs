//! Decisions about intervals.

use proptest::prelude::*;

use super::*;
use crate::measure::Span;
use crate::summary::Unit;

fn finding(measured_us: i64, below: u64, above: u64, comparison: Comparison) -> Finding {
    Finding {
        of: None,
        measured: Ok(Span { measured_us, uncertainty: Uncertainty { below, above } }),
        comparison,
        bound: 1_000,
        unit: Unit::Us,
        sample: 10,
        detail: None,
    }
}

fn holds(value: i64, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Below => value < 1_000,
        Comparison::AtMost => value <= 1_000,
        Comparison::Above => value > 1_000,
    }
}

proptest! {
    /// The verdict is that of every value that may be true, and open if they disagree.
    #[test]
    fn an_interval_is_judged_by_all_that_may_be_true(
        measured in 900_i64..1_100,
        below in 0_u64..60,
        above in 0_u64..60,
        comparison in prop::sample::select(
            vec![Comparison::Below, Comparison::AtMost, Comparison::Above]
        ),
    ) {
        let finding = finding(measured, below, above, comparison);
        let mut may_be = measured - below.cast_signed()..=measured + above.cast_signed();
        let held = may_be.clone().all(|value| holds(value, comparison));
        let broken = !may_be.any(|value| holds(value, comparison));
        let expected = match (held, broken) {
            (true, _) => Verdict::Pass,
            (_, true) => Verdict::Fail,
            _ => Verdict::Inconclusive,
        };
        prop_assert_eq!(decide(&finding, 10, false), expected);
        prop_assert_eq!(decide(&finding, 11, false), Verdict::Inconclusive);
        let few = if broken { Verdict::Fail } else { Verdict::Inconclusive };
        prop_assert_eq!(decide(&finding, 11, true), few);
    }
}
