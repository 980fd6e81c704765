//! Where an axis has its ticks.

/// Ticks at multiples of 1, 2 or 5 times a power of ten within `from..=to`, about `count` of them.
pub(crate) fn ticks(from: f64, to: f64, count: usize) -> Vec<f64> {
    let span = to - from;
    if span.is_nan() || span <= 0.0 {
        return vec![from];
    }
    let raw = span / count.max(1) as f64;
    let power = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|s| *s >= raw * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let first = libm::ceil(from / step - 1e-9) as i64;
    let last = libm::floor(to / step + 1e-9) as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// The least round number that is not below `value`: where an axis ends.
pub(crate) fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || value.is_nan() {
        return 1.0;
    }
    let power = libm::pow(10.0, libm::floor(libm::log10(value)));
    let factors = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    factors
        .map(|factor| factor * power)
        .into_iter()
        .find(|end| *end >= value)
        .unwrap_or(10.0 * power)
}

/// A number with no more decimals than it needs, three at most.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 30.0, 6), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(ticks(2.3, 3.1, 4), [2.4, 2.6, 2.8, 3.0].map(|t: f64| (t * 5.0).round() * 0.2));
        assert_eq!(number(0.200_000_01), "0.2");
        assert_eq!(ceiling(216.3), 250.0);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_their_axis(from in -1e6_f64..1e6, span in 1e-3_f64..1e6) {
            let to = from + span;
            let found = ticks(from, to, 6);
            prop_assert!(found.len() <= 16);
            let slack = span * 1e-6;
            prop_assert!(found.iter().all(|t| *t >= from - slack && *t <= to + slack));
        }
    }
}
