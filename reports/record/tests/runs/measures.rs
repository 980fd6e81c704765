//! Figures against naive references.

use parallax_record::*;
use proptest::prelude::*;

proptest! {
    /// The definition: the smallest value such that at least p of 100 are no greater.
    #[test]
    fn nearest_rank_is_its_definition(
        mut values in prop::collection::vec(0_u32..50, 1..200),
        percentile in 1_u8..=99,
    ) {
        let naive = values
            .iter()
            .copied()
            .filter(|value| {
                let no_greater = values.iter().filter(|other| *other <= value).count();
                no_greater * 100 >= usize::from(percentile) * values.len()
            })
            .min();
        values.sort_unstable();
        let percentile = Percentile::try_from(percentile).expect("1 to 99");
        prop_assert_eq!(nearest_rank(&values, percentile), naive);
    }

    /// Freezes lie apart, in order, and never cover more than the time observed.
    #[test]
    fn freezes_are_gaps(
        gaps in prop::collection::vec(1_u64..2_000_000, 0..100),
        tail in 0_u64..2_000_000,
    ) {
        let mut at = 0;
        let times: Vec<u64> = gaps.iter().map(|gap| { at += gap; at }).collect();
        let found = freezes(&times, at + tail);
        for freeze in &found {
            prop_assert!(freeze.duration_us() >= 150_000);
            prop_assert!(freeze.open == (freeze.from_us == at));
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].to_us <= pair[1].from_us));
    }
}

#[test]
fn an_empty_sample_has_no_percentile_and_no_mean() {
    assert_eq!(nearest_rank::<u32>(&[], Percentile::P50), None);
    assert_eq!(mean::<u32>(&[]), None);
    assert_eq!(mean(&[1, 2, 2]), Some(1));
}

#[test]
fn p99_of_99_is_the_greatest_and_of_100_the_last_but_one() {
    let values: Vec<u32> = (1..=100).collect();
    assert_eq!(nearest_rank(&values[..99], Percentile::P99), Some(99));
    assert_eq!(nearest_rank(&values, Percentile::P99), Some(99));
    assert_eq!(nearest_rank(&values, Percentile::P95), Some(95));
}

/// Frames every 100 ms, then a gap.
fn gap_after(frames: u64, gap_us: u64) -> Vec<u64> {
    let mut times: Vec<u64> = (0..frames).map(|frame| frame * 100_000).collect();
    times.push((frames - 1) * 100_000 + gap_us);
    times
}

#[test]
fn a_freeze_is_at_least_three_mean_gaps_and_150_ms_more_than_one() {
    // max(3 x 100 ms, 100 ms + 150 ms) = 300 ms.
    let found = |gap| freezes(&gap_after(40, gap), 39 * 100_000 + gap).len();
    assert_eq!(found(299_999), 0);
    assert_eq!(found(300_000), 1);
    // At 50 ms a frame: max(150 ms, 200 ms) = 200 ms.
    let halved = |gap: u64| {
        let mut times: Vec<u64> = (0..40).map(|frame| frame * 50_000).collect();
        times.push(39 * 50_000 + gap);
        freezes(&times, 39 * 50_000 + gap).len()
    };
    assert_eq!(halved(199_999), 0);
    assert_eq!(halved(200_000), 1);
}

#[test]
fn before_five_gaps_are_known_nothing_is_a_freeze() {
    assert_eq!(freezes(&gap_after(5, 9_000_000), 9_400_000).len(), 0);
    assert_eq!(freezes(&gap_after(6, 9_000_000), 9_500_000).len(), 1);
}

#[test]
fn a_picture_that_stands_still_for_a_second_is_frozen_however_few_came_before() {
    let times = [6_050_000, 6_140_000, 6_240_000];
    assert_eq!(freezes(&times, 7_239_999), []);
    let found = freezes(&times, 30_000_000);
    assert_eq!(found, [Freeze { from_us: 6_240_000, to_us: 30_000_000, open: true }]);
    assert_eq!(freezes(&[], 30_000_000), [], "where nothing was shown nothing stands still");
}

#[test]
fn the_mean_forgets_what_is_more_than_30_gaps_ago() {
    // Slow frames, then 31 fast ones: only the fast gaps count.
    let mut times: Vec<u64> = (0..20).map(|frame| frame * 1_000_000).collect();
    let last = *times.last().expect("20 frames");
    times.extend((1..=30).map(|frame| last + frame * 50_000));
    let end = last + 30 * 50_000;
    times.push(end + 200_000);
    let found = freezes(&times, end + 200_000);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].from_us, found[0].open), (end, false));
}

#[test]
fn a_gap_still_open_at_the_end_is_marked_so() {
    let times: Vec<u64> = (0..40).map(|frame| frame * 100_000).collect();
    assert_eq!(freezes(&times, 4_199_999), []);
    let found = freezes(&times, 4_200_000);
    assert_eq!(found, [Freeze { from_us: 3_900_000, to_us: 4_200_000, open: true }]);
}

#[test]
fn a_percentile_is_as_uncertain_as_the_values_around_it() {
    let span =
        |measured_us, below| Span { measured_us, uncertainty: Uncertainty { below, above: 0 } };
    // The median measured is 20; the least it can be is the median of 0, 19 and 30.
    let spans = Spans::of([span(10, 10), span(20, 1), span(30, 0)]);
    let median = spans.percentile(Percentile::P50).expect("three values");
    assert_eq!(median, span(20, 1));
    // One very uncertain value moves the median by its neighbour's distance, not by its own.
    let spans = Spans::of([span(10, 0), span(20, 0), span(30, 30)]);
    let median = spans.percentile(Percentile::P50).expect("three values");
    assert_eq!(median, span(20, 10));
    assert_eq!(spans.widest().below, 30);
}
