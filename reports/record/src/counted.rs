//! Counts in words.

/// A count and its noun: `1 frame`, `2 frames`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A time on the run's clock, microseconds, in seconds: `18.037 s`. Rounded down to a millisecond.
pub(crate) fn seconds(us: u64) -> String {
    let text = format!("{}.{:03}", us / 1_000_000, us / 1_000 % 1_000);
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}
