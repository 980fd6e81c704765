//! The jitter buffer: fixed depth, whole frames in order, each at its time. A pure core.
//!
//! The `webrtc` crate has one too, which cannot be used here: in 0.21.1 its driver does not look
//! for packets that a timer has let go (`poll_media_read` does not go through the interceptors),
//! so that they wait for the next packet to come; and it takes a new time base each time it runs
//! dry, which with a depth below the distance of two frames is at each frame, so that one late
//! frame makes all later ones late.

use crate::{
    connection::VIDEO_CLOCK_HZ,
    frames::{Assembler, Piece, Whole},
};
use std::{collections::BTreeMap, time::Duration};

/// What the buffer lets go.
#[derive(Debug)]
pub(super) enum Release {
    /// A whole frame. `follows`: no packet is missing between it and the one before it.
    Frame {
        /// The frame.
        frame: Whole,
        /// No packet is missing between it and the frame released before it.
        follows: bool,
    },
    /// A frame that was not whole when its time had come. RTP timestamp.
    Lost(u32),
}

/// Holds frames until `depth` after the earliest that they could have come: the fastest packet so
/// far says when that is. What is not whole then is lost. Without depth a frame goes as soon as it
/// is whole, and what is not whole by then of those before it is lost.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    depth_ns: u64,
    assembler: Assembler,
    whole: BTreeMap<u64, Whole>,
    /// The least that arrival was behind the RTP timestamp, nanoseconds.
    offset_ns: Option<i128>,
    /// The sequence number that follows the last released frame, extended.
    next_sequence: Option<u64>,
}

impl JitterBuffer {
    pub(super) fn new(depth: Duration) -> Self {
        Self {
            depth_ns: u64::try_from(depth.as_nanos()).unwrap_or(u64::MAX),
            assembler: Assembler::default(),
            whole: BTreeMap::new(),
            offset_ns: None,
            next_sequence: None,
        }
    }

    /// Takes a packet, at the time it says.
    pub(super) fn handle(&mut self, piece: Piece) {
        let at_ns = piece.at_ns;
        let frame = self.assembler.push(piece);
        if let Some(newest) = self.assembler.newest_timestamp() {
            let offset = i128::from(at_ns) - media_ns(newest);
            self.offset_ns = Some(self.offset_ns.map_or(offset, |least| least.min(offset)));
        }
        if let Some(frame) = frame {
            self.whole.insert(frame.extended_timestamp, frame);
        }
    }

    /// The next frame whose time has come.
    pub(super) fn poll(&mut self, now_ns: u64) -> Option<Release> {
        let open = self.assembler.oldest_open();
        let first = self.first()?;
        let waits = match self.depth_ns {
            // Without depth, what is open waits until a later frame is whole.
            0 => self.whole.is_empty(),
            _ => self.due_ns(first)? > now_ns,
        };
        if waits {
            return None;
        }
        // What is older than a frame that is let go comes too late.
        self.assembler.give_up(first);
        if let Some((timestamp, lost)) = open
            && timestamp == first
        {
            return Some(Release::Lost(lost));
        }
        let frame = self.whole.remove(&first)?;
        let follows = self.next_sequence.is_none_or(|next| next == frame.first_sequence);
        self.next_sequence = Some(frame.next_sequence());
        Some(Release::Frame { frame, follows })
    }

    /// When the next frame's time comes, nanoseconds on the run's clock.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        if self.depth_ns == 0 {
            return None;
        }
        self.due_ns(self.first()?)
    }

    /// The oldest frame that is held, whole or not.
    fn first(&self) -> Option<u64> {
        let open = self.assembler.oldest_open().map(|(timestamp, _)| timestamp);
        let whole = self.whole.first_key_value().map(|(&timestamp, _)| timestamp);
        open.into_iter().chain(whole).min()
    }

    fn due_ns(&self, extended_timestamp: u64) -> Option<u64> {
        let due = self.offset_ns? + media_ns(extended_timestamp) + i128::from(self.depth_ns);
        Some(u64::try_from(due).unwrap_or(0))
    }
}

/// An extended RTP timestamp as nanoseconds of media.
fn media_ns(extended_timestamp: u64) -> i128 {
    i128::from(extended_timestamp) * 1_000_000_000 / i128::from(VIDEO_CLOCK_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const MS: u64 = 1_000_000;
    /// 15 frames/s.
    const TICKS: u32 = 6_000;

    /// Packet `n` of 3 of frame `frame`, `at` milliseconds.
    fn packet(frame: u32, n: u16, at: u64) -> Piece {
        Piece {
            sequence: (frame * 3) as u16 + n,
            timestamp: 90_000 + frame * TICKS,
            marker: n == 2,
            payload: Bytes::from(vec![0x7c, if n == 0 { 0x81 } else { 0x01 }, 0x9a]),
            at_ns: at * MS,
        }
    }

    /// Runs to the end; gives what was released, by frame number: at which millisecond, and
    /// whether it follows the one before (`None`: it was lost).
    fn run(depth: u64, mut packets: Vec<Piece>) -> Vec<(u32, u64, Option<bool>)> {
        packets.sort_by_key(|piece| piece.at_ns);
        let mut buffer = JitterBuffer::new(Duration::from_millis(depth));
        let mut released = Vec::new();
        let frame = |timestamp: u32| (timestamp - 90_000) / TICKS;
        let mut drain = |buffer: &mut JitterBuffer, now: u64| {
            while let Some(release) = buffer.poll(now) {
                released.push(match release {
                    Release::Frame { frame: f, follows } => {
                        (frame(f.timestamp), now / MS, Some(follows))
                    }
                    Release::Lost(timestamp) => (frame(timestamp), now / MS, None),
                });
            }
        };
        for piece in packets {
            while let Some(due) = buffer.next_deadline().filter(|&due| due < piece.at_ns) {
                drain(&mut buffer, due);
            }
            let now = piece.at_ns;
            buffer.handle(piece);
            drain(&mut buffer, now);
        }
        while let Some(due) = buffer.next_deadline() {
            drain(&mut buffer, due);
        }
        released
    }

    #[test]
    fn frames_come_out_a_depth_after_the_fastest_and_at_the_rate_they_were_taken() {
        // The second frame is 20 ms late, the third 5 ms.
        let late = [0, 20, 5];
        let packets = (0..3).flat_map(|frame| {
            (0..3).map(move |n| {
                packet(frame, n, 1000 + u64::from(frame) * 200 / 3 + late[frame as usize])
            })
        });
        assert_eq!(
            run(60, packets.collect()),
            [(0, 1060, Some(true)), (1, 1126, Some(true)), (2, 1193, Some(true))]
        );
    }

    #[test]
    fn a_faster_frame_moves_all_later_ones_forward() {
        let mut packets: Vec<_> = (0..3).map(|n| packet(0, n, 1010)).collect();
        packets.extend((0..3).map(|n| packet(3, n, 1200)));
        packets.extend((0..3).map(|n| packet(6, n, 1410)));
        let released = run(50, packets);
        assert_eq!(
            released.iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
            [(0, 1060), (3, 1250), (6, 1450)]
        );
    }

    #[test]
    fn a_resend_in_time_completes_a_frame_and_one_too_late_does_not() {
        let with_resend = |at| {
            let mut packets = vec![packet(0, 0, 1000), packet(0, 2, 1000), packet(0, 1, at)];
            packets.extend((0..3).map(|n| packet(1, n, 1067)));
            run(100, packets)
        };
        assert_eq!(with_resend(1099), [(0, 1100, Some(true)), (1, 1166, Some(true))]);
        assert_eq!(with_resend(1101), [(0, 1100, None), (1, 1166, Some(true))]);
    }

    #[test]
    fn a_frame_after_a_lost_one_does_not_follow() {
        let mut packets: Vec<_> = (0..3).map(|n| packet(0, n, 1000)).collect();
        packets.extend((0..3).map(|n| packet(2, n, 1134)));
        let follows: Vec<_> = run(50, packets).into_iter().map(|r| (r.0, r.2)).collect();
        assert_eq!(follows, [(0, Some(true)), (2, Some(false))]);
    }

    #[test]
    fn without_depth_a_frame_is_let_go_as_it_comes_whole() {
        let mut packets = vec![packet(0, 0, 1000), packet(0, 1, 1007), packet(0, 2, 1009)];
        packets.extend([packet(1, 0, 1067), packet(1, 2, 1068)]);
        packets.extend((0..3).map(|n| packet(2, n, 1134)));
        let released = [(0, 1009, Some(true)), (1, 1134, None), (2, 1134, Some(false))];
        assert_eq!(run(0, packets), released);
    }
}
