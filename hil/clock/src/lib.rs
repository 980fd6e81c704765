//! Bounded offset of two clocks, from round trips.
//!
//! An *exchange*: the host asks, the board answers with its time, and the host notes when it asked and
//! when it had the answer. The board read its clock somewhere between, so that the offset (board time
//! minus host time) lies in `[board - received, board - sent]`, however long each way took. Every
//! exchange gives such an interval, and the offset lies in all of them: in their intersection. Clocks
//! drift, so an old interval is widened by as much as the two may have drifted apart since. When
//! nothing is left of the intersection, a clock jumped, or drifts more than it may.

/// Time of a clock, in nanoseconds from an origin of its own.
pub type ClockNanos = i64;

/// Millionths by which two clocks may drift apart: two crystals of 50 ppm each. A board that drifts more
/// looks like one whose clock jumps.
pub const DRIFT_PPM: u32 = 100;

/// One question and its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockExchange {
    /// When the host asked, by its clock: not after the first byte left.
    pub sent_ns: ClockNanos,
    /// The board's time between question and answer, by its clock.
    pub board_ns: ClockNanos,
    /// When the host had the answer, by its clock: not before the last byte arrived.
    pub received_ns: ClockNanos,
}

/// What the offset lies in: board time minus host time, in nanoseconds, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OffsetBound {
    /// It is not less.
    pub least_ns: ClockNanos,
    /// It is not more.
    pub most_ns: ClockNanos,
}

impl OffsetBound {
    /// How far apart the ends are, in nanoseconds.
    pub fn width_ns(&self) -> ClockNanos {
        self.most_ns.saturating_sub(self.least_ns)
    }

    /// The host's time, at the least and at the most, when the board's clock showed `board_ns`.
    pub fn host_time_ns(&self, board_ns: ClockNanos) -> (ClockNanos, ClockNanos) {
        (board_ns.saturating_sub(self.most_ns), board_ns.saturating_sub(self.least_ns))
    }

    fn and(self, other: Self) -> Option<Self> {
        let least_ns = self.least_ns.max(other.least_ns);
        let most_ns = self.most_ns.min(other.most_ns);
        (least_ns <= most_ns).then_some(Self { least_ns, most_ns })
    }

    fn widened(self, by_ns: ClockNanos) -> Self {
        Self {
            least_ns: self.least_ns.saturating_sub(by_ns),
            most_ns: self.most_ns.saturating_add(by_ns),
        }
    }
}

/// What an exchange told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learnt {
    /// The offset, at the time of the answer.
    Bound(OffsetBound),
    /// It does not agree with what was known: a clock jumped, or drifts more than it may. What depends
    /// on both clocks between the last exchange and this one cannot be said. It starts anew from this
    /// exchange.
    Jumped {
        /// What the offset would have to lie in, by all exchanges before.
        before: OffsetBound,
        /// What it lies in, by this exchange alone.
        after: OffsetBound,
    },
    /// The answer came before the question: it is left out.
    Backwards,
}

/// The offset between the clocks of a board and its host.
#[derive(Clone, Debug)]
pub struct Offset {
    drift_ppm: u32,
    /// At this time of the host.
    known: Option<(ClockNanos, OffsetBound)>,
    jumps: u32,
}

impl Offset {
    /// Between clocks that drift apart by at most `drift_ppm` millionths.
    pub fn new(drift_ppm: u32) -> Self {
        Self { drift_ppm, known: None, jumps: 0 }
    }

    /// Takes an exchange. They come in the order of their answers.
    pub fn take(&mut self, exchange: ClockExchange) -> Learnt {
        let ClockExchange { sent_ns, board_ns, received_ns } = exchange;
        if received_ns < sent_ns {
            return Learnt::Backwards;
        }
        // The board read its clock at some time of the host between. From then to the answer the
        // two drifted apart by no more than in all the time between.
        let read = OffsetBound {
            least_ns: board_ns.saturating_sub(received_ns),
            most_ns: board_ns.saturating_sub(sent_ns),
        };
        let after = read.widened(self.drift_ns(received_ns.saturating_sub(sent_ns)));
        let before = self.at(received_ns);
        let learnt = match before.map(|before| (before, before.and(after))) {
            None => Learnt::Bound(after),
            Some((_, Some(both))) => Learnt::Bound(both),
            Some((before, None)) => {
                self.jumps += 1;
                Learnt::Jumped { before, after }
            }
        };
        let bound = match learnt {
            Learnt::Bound(bound) => bound,
            _ => after,
        };
        // An answer out of its order is brought to the time of the latest.
        let at = self.known.map_or(received_ns, |(at, _)| at.max(received_ns));
        let late = at.saturating_sub(received_ns);
        self.known = Some((at, bound.widened(self.drift_ns(late))));
        learnt
    }

    /// What the offset lies in at `host_ns`, before or after the last answer; none before the first
    /// exchange. It does not see a jump that no exchange has shown yet.
    pub fn at(&self, host_ns: ClockNanos) -> Option<OffsetBound> {
        let (at, bound) = self.known?;
        let apart = at.abs_diff(host_ns);
        Some(bound.widened(self.drift_ns(ClockNanos::try_from(apart).unwrap_or(ClockNanos::MAX))))
    }

    /// How often a clock was seen to jump.
    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    /// How far the clocks drift apart in `time_ns` of the host, at most; rounded up.
    fn drift_ns(&self, time_ns: ClockNanos) -> ClockNanos {
        let drift = (i128::from(time_ns) * i128::from(self.drift_ppm)).div_euclid(1_000_000) + 1;
        ClockNanos::try_from(drift).unwrap_or(ClockNanos::MAX)
    }
}
