//! Packets on a browser's cable, as the lab sees them. RTP headers are in the clear (RFC 3711 section 3.1),
//! payloads are not; ICE checks are. A pure core.

use crate::rtp::Rtp;
use parallax_peer::checks::may_be_a_check;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::{SocketAddr, SocketAddrV4},
};

/// Frames that are remembered at a time, of each stream: some seconds.
const MOST_FRAMES: usize = 120;

/// Something that went over a browser's cable, as far as it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// A packet of media came.
    Media(Rtp),
    /// What may be an ICE check, or the answer to one, was sent.
    Sent { from: SocketAddr, to: SocketAddr, datagram: Vec<u8> },
    /// Or came.
    Came { from: SocketAddr, to: SocketAddr, datagram: Vec<u8> },
}

impl Passed {
    /// Reads a datagram; `sent` by the browser, or to it.
    pub(super) fn read(
        sent: bool,
        from: SocketAddrV4,
        to: SocketAddrV4,
        datagram: &[u8],
    ) -> Option<Self> {
        if !sent && let Some(rtp) = Rtp::read(datagram) {
            return Some(Self::Media(rtp));
        }
        let (from, to, bytes) = (from.into(), to.into(), datagram.to_vec());
        may_be_a_check(datagram).then_some(match sent {
            true => Self::Sent { from, to, datagram: bytes },
            false => Self::Came { from, to, datagram: bytes },
        })
    }
}

/// A frame all packets of which have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) timestamp: u32,
    /// When its first packet came, nanoseconds.
    pub(super) first_ns: u64,
    /// When the last that was missing came.
    pub(super) whole_ns: u64,
    pub(super) packets: u32,
}

/// One stream. What a packet is of a frame, its payload would say; here a frame begins after the last packet of
/// another.
#[derive(Debug, Default)]
pub(super) struct Frames {
    newest: Option<u64>,
    /// By the extended number of their first packet so far.
    open: BTreeMap<u32, Open>,
    /// Extended numbers of the last packets of frames.
    ends: BTreeSet<u64>,
    /// Timestamps of frames that have been whole, the latest of them.
    done: VecDeque<u32>,
}

#[derive(Debug)]
struct Open {
    first_ns: u64,
    numbers: BTreeSet<u64>,
    end: Option<u64>,
}

impl Frames {
    /// Takes a packet that came at a time; gives the frames that it made whole: its own, and the one after it,
    /// which it may show the beginning of.
    pub(super) fn take(&mut self, at_ns: u64, packet: Rtp) -> Vec<Whole> {
        let first_of_all = self.newest.is_none();
        let number = extend(self.newest.unwrap_or(1 << 32), packet.sequence);
        self.newest = Some(self.newest.unwrap_or(0).max(number));
        if first_of_all {
            // Nothing was sent before it.
            self.ends.insert(number - 1);
        }
        if packet.marker {
            self.ends.insert(number);
        }
        if !self.done.contains(&packet.timestamp) {
            let open = || Open { first_ns: at_ns, numbers: BTreeSet::new(), end: None };
            let frame = self.open.entry(packet.timestamp).or_insert_with(open);
            frame.numbers.insert(number);
            frame.end = frame.end.or(packet.marker.then_some(number));
        }
        let whole: Vec<u32> =
            self.open.iter().filter(|(_, frame)| self.is_whole(frame)).map(|(at, _)| *at).collect();
        let whole = whole.into_iter().filter_map(|timestamp| {
            let frame = self.open.remove(&timestamp)?;
            self.done.push_back(timestamp);
            let packets = u32::try_from(frame.numbers.len()).unwrap_or(u32::MAX);
            Some(Whole { timestamp, first_ns: frame.first_ns, whole_ns: at_ns, packets })
        });
        let whole: Vec<Whole> = whole.collect();
        self.forget();
        whole
    }

    fn is_whole(&self, frame: &Open) -> bool {
        let (Some(first), Some(end)) = (frame.numbers.first(), frame.end) else { return false };
        self.ends.contains(&(first - 1)) && end + 1 - first == frame.numbers.len() as u64
    }

    fn forget(&mut self) {
        let oldest = |frame: &Open| frame.numbers.first().copied().unwrap_or(0);
        while self.open.len() > MOST_FRAMES {
            let found = self.open.iter().min_by_key(|(_, frame)| oldest(frame)).map(|(at, _)| *at);
            found.map(|at| self.open.remove(&at));
        }
        while self.done.len() > MOST_FRAMES {
            self.done.pop_front();
        }
        while self.ends.len() > 2 * MOST_FRAMES {
            self.ends.pop_first();
        }
    }
}

/// The number nearest to `near` that ends in `low` (RFC 3550 appendix A.1).
fn extend(near: u64, low: u16) -> u64 {
    let [.., n1, n0] = near.to_be_bytes();
    let apart = low.wrapping_sub(u16::from_be_bytes([n1, n0])).cast_signed();
    near.saturating_add_signed(apart.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, timestamp: u32, marker: bool) -> Rtp {
        Rtp { ssrc: 7, sequence, timestamp, marker }
    }

    fn timestamps(whole: &[Whole]) -> Vec<(u32, u64, u64, u32)> {
        whole.iter().map(|it| (it.timestamp, it.first_ns, it.whole_ns, it.packets)).collect()
    }

    #[test]
    fn a_frame_is_whole_with_the_last_packet_that_was_missing() {
        let mut frames = Frames::default();
        assert!(frames.take(1, packet(65_534, 10, false)).is_empty());
        assert!(frames.take(2, packet(0, 10, true)).is_empty());
        // The next frame's beginning is known by the end before it.
        assert!(frames.take(3, packet(1, 20, false)).is_empty());
        assert_eq!(timestamps(&frames.take(4, packet(2, 20, true))), [(20, 3, 4, 2)]);
        assert_eq!(timestamps(&frames.take(5, packet(65_535, 10, false))), [(10, 1, 5, 3)]);
        assert!(frames.take(6, packet(65_535, 10, false)).is_empty(), "it came again");
    }

    #[test]
    fn a_frame_whose_beginning_nobody_saw_is_whole_once_the_end_before_it_came() {
        let mut frames = Frames::default();
        assert_eq!(frames.take(1, packet(5, 10, true)).len(), 1);
        // 6, the end of the frame 20, is missing: whether 7 begins 30 cannot be said.
        assert!(frames.take(2, packet(7, 30, true)).is_empty());
        let both = timestamps(&frames.take(3, packet(6, 20, true)));
        assert_eq!(both, [(20, 3, 3, 1), (30, 2, 3, 1)]);
    }
}
