//! Requests for lost packets (NACK, RFC 4585 section 6.2.1): what to ask for, and when. A pure core.
//!
//! A packet is missing when a later one has come. It is asked for when it is not just out of order, and again when the
//! answer to the last request should have come: after a round trip, then after two, three and so on. Answers that wait in the
//! camera's pacer take longer than round trips do, and of a packet that was asked for more than once no round trip is known
//! (as in Karn's algorithm for TCP, RFC 6298 section 3). It is given up after the last try, and when its frame is no longer
//! waited for.
//!
//! The `webrtc` crate has one too, which cannot be used here: in 0.21.1 it knows no round trip, and asks for every
//! missing packet at each tick of its timer, also while the answers are under way (`nack/generator.rs`,
//! `generate_nacks`).

use parallax_spec::Nack;
use std::collections::BTreeMap;

/// Time for which a gap may be a packet out of order, nanoseconds, until the path has shown more.
const REORDER_NS: u64 = 5_000_000;
/// It is never taken for longer, nanoseconds: later requests would be of no use.
const REORDER_MOST_NS: u64 = 50_000_000;
/// Missing packets that are kept, at most: libwebrtc's number. After a greater gap the stream begins anew.
const MOST: usize = 1_000;

/// Which packets to ask for.
#[derive(Debug)]
pub(super) struct Requests {
    interval_ns: u64,
    tries: u16,
    /// The newest sequence number, extended.
    newest: Option<u64>,
    missing: BTreeMap<u64, Missing>,
    /// How long a gap may be a packet out of order.
    reorder_ns: u64,
}

#[derive(Debug)]
struct Missing {
    /// RTP timestamp of the packet that came after it: that of its own frame, or of a later one.
    before: u32,
    since_ns: u64,
    tries: u16,
    /// When it was asked for, first and last.
    asked_ns: Option<(u64, u64)>,
}

impl Requests {
    pub(super) fn new(nack: Nack) -> Self {
        Self {
            interval_ns: u64::try_from(nack.interval.as_nanos()).unwrap_or(u64::MAX),
            tries: nack.tries,
            newest: None,
            missing: BTreeMap::new(),
            reorder_ns: REORDER_NS,
        }
    }

    /// Takes a packet. Says how long after the request it came, if it was asked for once: a round trip.
    pub(super) fn handle(&mut self, now_ns: u64, sequence: u16, timestamp: u32) -> Option<u64> {
        let Some(newest) = self.newest else {
            // Numbers before the first one are above 0, too.
            self.newest = Some(0x1_0000 + u64::from(sequence));
            return None;
        };
        let ahead = sequence.wrapping_sub(newest as u16).cast_signed();
        let extended = newest.checked_add_signed(ahead.into())?;
        if ahead <= 0 {
            return self.came(now_ns, extended);
        }
        self.newest = Some(extended);
        if usize::from(ahead.unsigned_abs()) > MOST {
            self.missing.clear();
            return None;
        }
        for number in newest + 1..extended {
            let gap = Missing { before: timestamp, since_ns: now_ns, tries: 0, asked_ns: None };
            self.missing.insert(number, gap);
        }
        while self.missing.len() > MOST {
            self.missing.pop_first();
        }
        None
    }

    /// A packet came that was missing.
    fn came(&mut self, now_ns: u64, extended: u64) -> Option<u64> {
        let missing = self.missing.remove(&extended)?;
        match missing.asked_ns {
            // Which request it answers is not known if there were more.
            Some((asked, last)) => (asked == last).then(|| now_ns.saturating_sub(asked)),
            None => {
                let late_ns = now_ns.saturating_sub(missing.since_ns);
                let known = self.reorder_ns;
                self.reorder_ns = known.max(late_ns + late_ns / 4).min(REORDER_MOST_NS);
                None
            }
        }
    }

    /// The jitter buffer is done with the frame of this RTP timestamp, and with all before.
    pub(super) fn done(&mut self, timestamp: u32) {
        self.missing.retain(|_, missing| missing.before.wrapping_sub(timestamp).cast_signed() > 0);
    }

    /// The packets to ask for now, in order, where an answer takes `answer_ns`.
    pub(super) fn poll(&mut self, now_ns: u64, answer_ns: u64) -> Vec<u16> {
        let (interval_ns, reorder_ns, tries) = (self.interval_ns, self.reorder_ns, self.tries);
        let mut asked = Vec::new();
        self.missing.retain(|number, missing| {
            if missing.due_ns(interval_ns.max(answer_ns), reorder_ns) > now_ns {
                return true;
            }
            if missing.tries >= tries {
                return false;
            }
            missing.tries += 1;
            let first_ns = missing.asked_ns.map_or(now_ns, |(first, _)| first);
            missing.asked_ns = Some((first_ns, now_ns));
            asked.push(*number as u16);
            true
        });
        asked
    }

    /// When [`poll`](Self::poll) has something to do, nanoseconds on the run's clock.
    pub(super) fn next_deadline(&self, answer_ns: u64) -> Option<u64> {
        let again_ns = self.interval_ns.max(answer_ns);
        self.missing.values().map(|missing| missing.due_ns(again_ns, self.reorder_ns)).min()
    }
}

impl Missing {
    /// When it is asked for, or given up after the last try.
    fn due_ns(&self, again_ns: u64, reorder_ns: u64) -> u64 {
        match self.asked_ns {
            Some((_, last)) => last.saturating_add(again_ns.saturating_mul(self.tries.into())),
            None => self.since_ns.saturating_add(reorder_ns),
        }
    }
}

#[cfg(test)]
mod tests;
