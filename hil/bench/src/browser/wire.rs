//! Packets on a browser's cable, as the lab sees them. RTP headers are in the clear (RFC 3711 section 3.1),
//! payloads are not; ICE checks are. A pure core.

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

/// An RTP header, as far as frames are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rtp {
    pub(super) ssrc: u32,
    sequence: u16,
    timestamp: u32,
    /// The last packet of its frame.
    marker: bool,
}

impl Rtp {
    /// Reads the header of what a datagram carries, by way of a TURN server or not; none if it carries
    /// something else.
    pub(super) fn read(datagram: &[u8]) -> Option<Self> {
        let packet = relayed(datagram).unwrap_or(datagram);
        let (head, _) = packet.split_first_chunk::<12>()?;
        // RTCP has types of its own (RFC 5761 section 4).
        if head[0] >> 6 != 2 || (192..=223).contains(&head[1]) {
            return None;
        }
        let [_, second, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0] = *head;
        Some(Self {
            ssrc: u32::from_be_bytes([i3, i2, i1, i0]),
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            marker: second & 0x80 != 0,
        })
    }
}

/// What a TURN server passes on: ChannelData (RFC 8656 section 12.4) or a Data indication (section 11.4).
fn relayed(datagram: &[u8]) -> Option<&[u8]> {
    const DATA_INDICATION: u16 = 0x0017;
    const DATA: u16 = 0x0013;
    let (head, rest) = datagram.split_first_chunk::<4>()?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if (0x4000..0x5000).contains(&kind) {
        return rest.get(..length);
    }
    if kind != DATA_INDICATION {
        return None;
    }
    // Behind the cookie and the transaction.
    let mut attributes = rest.get(16..)?;
    while let Some((head, after)) = attributes.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) == DATA {
            return after.get(..length);
        }
        attributes = after.get(length.next_multiple_of(4)..)?;
    }
    None
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
    fn a_header_is_read_bare_or_as_a_turn_server_passes_it_on() {
        let rtp = [0x90, 0xE6, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3];
        let read = Some(packet(0x1234, 9, true));
        assert_eq!(Rtp::read(&rtp), read);
        let channel = [&[0x40, 0x01, 0, 15][..], &rtp, &[0]].concat();
        assert_eq!(Rtp::read(&channel), read);
        let attributes = [&[0, 0x12, 0, 1, 9, 0, 0, 0, 0, 0x13, 0, 15][..], &rtp, &[0]].concat();
        let data = [&[0, 0x17, 0, 28, 0x21, 0x12, 0xA4, 0x42][..], &[5; 12], &attributes].concat();
        assert_eq!(Rtp::read(&data), read);
        let report = [0x80, 200, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0];
        assert_eq!(Rtp::read(&report), None, "a sender report");
        let binding = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0];
        assert_eq!(Rtp::read(&binding), None, "STUN");
        assert_eq!(Rtp::read(&rtp[..11]), None);
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
