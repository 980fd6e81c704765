//! Frames from RTP packets: which packets belong together, and when a frame is whole.

use crate::h264;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// One RTP packet, as far as frames are concerned.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// RTP sequence number.
    pub(crate) sequence: u16,
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// The marker bit: the last packet of its frame.
    pub(crate) marker: bool,
    /// The payload.
    pub(crate) payload: Bytes,
    /// When it came, nanoseconds on the run's clock.
    pub(crate) at_ns: u64,
}

/// A frame all packets of which are there.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// RTP timestamp that does not wrap around.
    pub(crate) extended_timestamp: u64,
    /// A key frame.
    pub(crate) key: bool,
    /// When its first packet came, nanoseconds on the run's clock.
    pub(crate) first_ns: u64,
    /// When it was whole, likewise.
    pub(crate) whole_ns: u64,
    /// Extended sequence number of its first packet.
    pub(crate) first_sequence: u64,
    /// RTP payloads in order of sequence.
    pub(crate) payloads: Vec<Bytes>,
}

impl Whole {
    /// Extended sequence number of the packet that follows it.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.first_sequence + self.payloads.len() as u64
    }
}

/// A frame of which some packets are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    /// RTP timestamp that does not wrap around.
    pub(crate) extended_timestamp: u64,
    /// RTP timestamp.
    pub(crate) timestamp: u32,
    /// When its first packet came, nanoseconds on the run's clock.
    pub(crate) first_ns: u64,
    /// It is a key frame, or its first packet is missing.
    pub(crate) may_be_key: bool,
}

#[derive(Debug)]
struct Open {
    timestamp: u32,
    key: bool,
    first_ns: u64,
    start: Option<u64>,
    end: Option<u64>,
    payloads: BTreeMap<u64, Bytes>,
}

/// Collects packets into frames. Packets may come in any order and more than once.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    newest: Option<(u64, u64)>,
    open: BTreeMap<u64, Open>,
    /// Extended timestamps of frames that have been whole, the latest of them.
    whole: BTreeSet<u64>,
    /// Extended timestamps up to this one are given up.
    given_up: Option<u64>,
}

/// Frames that may be open, or remembered as whole, at once: four seconds at 30 frames/s.
const MOST_FRAMES: usize = 120;

impl Assembler {
    /// Takes a packet; gives the frame that it made whole, if it did.
    pub(crate) fn push(&mut self, piece: Piece) -> Option<Whole> {
        let (sequence, timestamp) = match self.newest {
            None => (1 << 32 | u64::from(piece.sequence), 1 << 48 | u64::from(piece.timestamp)),
            Some((s, t)) => {
                (extend(s, piece.sequence.into(), 16), extend(t, piece.timestamp.into(), 32))
            }
        };
        let (s, t) = self.newest.unwrap_or((sequence, timestamp));
        self.newest = Some((s.max(sequence), t.max(timestamp)));
        if self.given_up.is_some_and(|last| timestamp <= last) || self.whole.contains(&timestamp) {
            return None;
        }
        let said = h264::inspect(&piece.payload);
        let frame = self.open.entry(timestamp).or_insert_with(|| Open {
            timestamp: piece.timestamp,
            key: false,
            first_ns: piece.at_ns,
            start: None,
            end: None,
            payloads: BTreeMap::new(),
        });
        frame.key |= said.key;
        if said.starts_frame && frame.start.is_none_or(|start| sequence < start) {
            frame.start = Some(sequence);
        }
        if piece.marker {
            frame.end = Some(sequence);
        }
        frame.payloads.insert(sequence, piece.payload);
        let whole_ns = piece.at_ns;
        let whole = matches!((frame.start, frame.end), (Some(start), Some(end))
            if start <= end && frame.payloads.len() as u64 == end - start + 1);
        if whole {
            let frame = self.open.remove(&timestamp)?;
            self.whole.insert(timestamp);
            if self.whole.len() > MOST_FRAMES {
                self.whole.pop_first();
            }
            return Some(Whole {
                timestamp: frame.timestamp,
                extended_timestamp: timestamp,
                key: frame.key,
                first_ns: frame.first_ns,
                whole_ns,
                first_sequence: frame.start?,
                payloads: frame.payloads.into_values().collect(),
            });
        }
        if self.open.len() > MOST_FRAMES {
            self.open.pop_first();
        }
        None
    }

    /// The oldest frame of which some packets are there.
    pub(crate) fn oldest_open(&self) -> Option<Opened> {
        self.open.first_key_value().map(|(&extended_timestamp, frame)| Opened {
            extended_timestamp,
            timestamp: frame.timestamp,
            first_ns: frame.first_ns,
            may_be_key: frame.key || frame.start.is_none(),
        })
    }

    /// A key frame has begun to come that is not whole yet.
    pub(crate) fn opens_key(&self) -> bool {
        self.open.values().any(|frame| frame.key)
    }

    /// The newest packet's extended timestamp.
    pub(crate) fn newest_timestamp(&self) -> Option<u64> {
        self.newest.map(|(_, timestamp)| timestamp)
    }

    /// Gives up what is not whole of the frames up to an extended timestamp.
    pub(crate) fn give_up(&mut self, to: u64) {
        self.open = self.open.split_off(&(to + 1));
        self.given_up = self.given_up.max(Some(to));
    }
}

/// The value nearest to `near` that ends in the `bits` low bits of `low` (RFC 3550 appendix A.1).
fn extend(near: u64, low: u64, bits: u32) -> u64 {
    let cycle = 1_u64 << bits;
    let candidate = (near & !(cycle - 1)) | low;
    if candidate + cycle / 2 < near {
        candidate + cycle
    } else if candidate > near + cycle / 2 {
        candidate - cycle
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of a frame: a first slice in as many FU-A fragments.
    fn frame(sequence: u16, timestamp: u32, packets: u16) -> Vec<Piece> {
        (0..packets)
            .map(|n| Piece {
                sequence: sequence.wrapping_add(n),
                timestamp,
                marker: n + 1 == packets,
                payload: Bytes::from(vec![0x7c, if n == 0 { 0x81 } else { 0x01 }, 0x9a, n as u8]),
                at_ns: u64::from(n),
            })
            .collect()
    }

    fn push_all(assembler: &mut Assembler, pieces: &[Piece]) -> Vec<Whole> {
        pieces.iter().filter_map(|piece| assembler.push(piece.clone())).collect()
    }

    #[test]
    fn a_frame_is_whole_with_its_last_missing_packet_in_any_order() {
        let pieces = frame(10, 3000, 4);
        let mut assembler = Assembler::default();
        for order in [[0, 1, 3], [3, 0, 1], [1, 3, 0]] {
            let mut assembler = Assembler::default();
            let got = order.map(|n: usize| pieces[n].clone());
            assert!(push_all(&mut assembler, &got).is_empty());
            assert_eq!(assembler.push(pieces[2].clone()).unwrap().payloads.len(), 4);
        }
        assert_eq!(push_all(&mut assembler, &pieces).len(), 1);
    }

    #[test]
    fn a_frame_without_its_head_is_not_whole() {
        let mut assembler = Assembler::default();
        assert!(push_all(&mut assembler, &frame(10, 3000, 3)[1..]).is_empty());
    }

    #[test]
    fn a_packet_that_comes_twice_counts_once() {
        let pieces = frame(10, 3000, 3);
        let mut assembler = Assembler::default();
        let twice = [pieces[0].clone(), pieces[0].clone(), pieces[2].clone()];
        assert!(push_all(&mut assembler, &twice).is_empty());
        assert!(assembler.push(pieces[1].clone()).is_some());
        assert!(assembler.push(pieces[1].clone()).is_none(), "the frame is over");
    }

    #[test]
    fn numbers_wrap_around() {
        let mut assembler = Assembler::default();
        let first = push_all(&mut assembler, &frame(65_530, u32::MAX - 100, 8));
        let second = push_all(&mut assembler, &frame(2, 5_900, 3));
        assert_eq!(first[0].next_sequence(), second[0].first_sequence);
    }

    #[test]
    fn a_frame_all_packets_of_which_were_lost_can_still_come_after_a_newer_one() {
        let mut assembler = Assembler::default();
        assert_eq!(push_all(&mut assembler, &frame(3, 9000, 3)).len(), 1);
        assert_eq!(push_all(&mut assembler, &frame(0, 3000, 3)).len(), 1);
    }

    #[test]
    fn what_is_given_up_does_not_come_back() {
        let mut assembler = Assembler::default();
        push_all(&mut assembler, &frame(0, 3000, 3)[..2]);
        push_all(&mut assembler, &frame(3, 9000, 3)[..1]);
        let oldest = assembler.oldest_open().unwrap();
        assert_eq!(oldest.timestamp, 3000);
        assembler.give_up(oldest.extended_timestamp);
        assert!(assembler.push(frame(0, 3000, 3)[2].clone()).is_none());
        assert_eq!(push_all(&mut assembler, &frame(3, 9000, 3)[1..]).len(), 1);
    }
}
