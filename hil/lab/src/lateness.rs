//! How late packets were delivered, against the core's exact time.

use parallax_record::Event;
use std::time::Duration;

/// What the 99th percentile may be unless a bench says otherwise: a crossing of a home's network
/// takes some 20 ms, and a machine with two busy cores delivers 99 of 100 packets within about 6 ms.
pub const DEFAULT_BUDGET: Duration = Duration::from_millis(20);

/// Each power of two is cut into this many buckets: a figure is at most 1/16 too high.
const PARTS: u32 = 16;

/// A histogram of lateness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    buckets: Vec<u64>,
    packets: u64,
    max: Duration,
}

impl Default for Lateness {
    fn default() -> Self {
        Self { buckets: vec![0; (64 * PARTS) as usize], packets: 0, max: Duration::ZERO }
    }
}

impl Lateness {
    /// A packet was this late.
    pub fn add(&mut self, late: Duration) {
        let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanos)] += 1;
        self.packets += 1;
        self.max = self.max.max(late);
    }

    /// How many packets.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The latest.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// What `percent` of the packets were not later than, by nearest rank, at most 1/16 too high;
    /// zero without packets.
    pub fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.packets * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_nanos(last_of(index)).min(self.max);
            }
        }
        Duration::ZERO
    }

    /// As an event of the record, beside what was allowed.
    pub fn event(&self, budget: Duration) -> Event {
        let us =
            |time: Duration| u64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
        Event::Lateness {
            packets: self.packets,
            p50_us: us(self.percentile(50)),
            p99_us: us(self.percentile(99)),
            max_us: us(self.max),
            budget_us: us(budget),
        }
    }
}

/// Below 16 each number has its own; above, the four bits below the highest tell the part.
fn bucket(nanos: u64) -> usize {
    let high = nanos.max(1).ilog2();
    if high < 4 {
        return nanos as usize;
    }
    ((high - 3) * PARTS) as usize + ((nanos >> (high - 4)) as usize & 15)
}

/// The largest number of a bucket.
fn last_of(index: usize) -> u64 {
    if index < PARTS as usize {
        return index as u64;
    }
    let (octave, part) = (index as u32 / PARTS - 1, index as u64 % u64::from(PARTS));
    let first = (u64::from(PARTS) + part) << octave;
    first + ((1_u64 << octave) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_up_to_its_last() {
        for shift in 0..62 {
            for nanos in [1_u64 << shift, (1 << shift) + 1, (1 << shift) * 3 / 2] {
                let last = last_of(bucket(nanos));
                assert!(last >= nanos, "{nanos} in a bucket up to {last}");
                assert!(last - nanos <= nanos / 16, "{nanos} in a bucket up to {last}");
            }
        }
    }

    #[test]
    fn percentiles_are_those_of_the_packets() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.percentile(99), Duration::ZERO);
        for micros in 1..=1_000 {
            lateness.add(Duration::from_micros(micros));
        }
        let near = |figure: Duration, micros: u64| {
            let exact = Duration::from_micros(micros);
            assert!(figure >= exact && figure <= exact + exact / 16, "{figure:?}");
        };
        near(lateness.percentile(50), 500);
        near(lateness.percentile(99), 990);
        assert_eq!(lateness.percentile(100), Duration::from_millis(1));
        assert_eq!((lateness.packets(), lateness.max()), (1_000, Duration::from_millis(1)));
    }
}
