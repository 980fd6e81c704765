//! Jitter buffer: whole frames in order, each at its time. A pure core.
//!
//! A frame's time is its media time, plus the base delay ([`Base`]), plus the depth ([`Target`]). At its time
//! - a frame that is whole and that no packet is missing before is released;
//! - one that is not whole, or before which packets are missing, is waited for as long as a resend may mend that: to the
//!   greatest depth, but no longer than to the time of a later key frame that is whole, with which all goes on. Then it is
//!   given up, if a later one has begun to come: packets of it are missing;
//! - if no later one has begun to come, it is waited for: nothing is held up. It is released as soon as it is whole, late.
//!
//! What depends on a frame that was given up is not waited for, and where lost packets are not asked for again, nothing is.
//! A fixed depth is its own greatest, so that a frame has until its time.
//!
//! Where [`LATE_RUN`] frames in a row come too late, the path has become longer: the base is taken anew from their
//! packets alone, and by as much as it rises the target depth falls, as far as frames need no more than that: while a queue
//! grows, pictures are as late as the queue, not later.
//!
//! libwebrtc differs in three things: it estimates the depth by a Kalman filter of how a frame's delay grows with its size,
//! it waits for a frame for 3 s, and its playout delay falls by 100 ms a second.
//!
//! The `webrtc` crate has a jitter buffer too, which cannot be used here: in 0.21.1 its driver does not look
//! for packets that a timer has let go (`poll_media_read` does not go through the interceptors),
//! so that they wait for the next packet to come; and it takes a new time base each time it runs
//! dry, which with a depth below the distance of two frames is at each frame, so that one late
//! frame makes all later ones late.

use super::{base::Base, target::Target};
use crate::{
    connection::VIDEO_CLOCK_HZ,
    frames::{Assembler, Opened, Piece, Whole},
};
use parallax_record::JitterBuffer;
use std::collections::BTreeMap;

/// Number of frames in a row that were whole after their time, or had not begun to come by then, after which the base is
/// taken anew. One may be an accident; three at 15 frames/s are a fifth of a second.
const LATE_RUN: u32 = 3;

/// What the buffer lets go.
#[derive(Debug)]
pub(super) enum Release {
    /// A whole frame. `follows`: no packet is missing between it and the one before it.
    Frame {
        /// The frame.
        frame: Whole,
        /// No packet is missing between it and the frame released before it.
        follows: bool,
        /// From its being whole to when it would have been given up for a later frame, nanoseconds; none without depth.
        margin_ns: Option<i128>,
    },
    /// A frame that was given up because it was not whole at its time.
    Lost {
        /// Its RTP timestamp.
        timestamp: u32,
        /// No packet of it was there at its time.
        late: bool,
    },
}

/// Holds frames until their time. Without depth a frame goes as soon as it is whole, and what is not
/// whole by then of those before it is given up.
#[derive(Debug)]
pub(super) struct Playout {
    base: Base,
    /// How long after the base delay a frame is released.
    target: Target,
    /// Lost packets are asked for again.
    repairs: bool,
    assembler: Assembler,
    whole: BTreeMap<u64, Whole>,
    /// Of the frames that came late in a row: when the first packet of the first one came, and how many.
    late_run: Option<(u64, u32)>,
    /// The sequence number that follows the last released frame, extended.
    next_sequence: Option<u64>,
    /// Nothing can be decoded before the next key frame.
    broken: bool,
}

impl Playout {
    /// Of such a depth. `repairs`: lost packets are asked for again.
    pub(super) fn new(depth: JitterBuffer, repairs: bool) -> Self {
        Self {
            base: Base::default(),
            target: Target::new(depth),
            repairs,
            assembler: Assembler::default(),
            whole: BTreeMap::new(),
            late_run: None,
            next_sequence: None,
            broken: true,
        }
    }

    /// Takes a packet, at the time it says.
    pub(super) fn handle(&mut self, piece: Piece) {
        let at_ns = piece.at_ns;
        let frame = self.assembler.push(piece);
        if let Some(newest) = self.assembler.newest_timestamp() {
            self.base.take(at_ns, i128::from(at_ns) - media_ns(newest));
        }
        if let Some(frame) = frame {
            self.sample(&frame);
            self.whole.insert(frame.extended_timestamp, frame);
        }
    }

    /// Has the target learn from a frame: from the base delay to its last packet.
    fn sample(&mut self, frame: &Whole) {
        let Some(base_ns) = self.base.ns() else { return };
        let needed = i128::from(frame.whole_ns) - media_ns(frame.extended_timestamp) - base_ns;
        self.target.take(frame.whole_ns, u64::try_from(needed).unwrap_or(0));
    }

    /// The target depth, nanoseconds, if it adapts and has moved since this was last said.
    pub(super) fn moved(&mut self) -> Option<u64> {
        self.target.moved()
    }

    /// The next frame whose time has come.
    pub(super) fn poll(&mut self, now_ns: u64) -> Option<Release> {
        let held = self.first()?;
        if self.due_ns(&held)? > now_ns {
            return None;
        }
        let first = held.extended_timestamp;
        // What is older than a frame that is let go comes too late.
        self.assembler.give_up(first);
        if let Some(Opened { timestamp, first_ns, .. }) = held.open {
            let late = self.note(first, (first_ns, first_ns));
            self.broken = true;
            return Some(Release::Lost { timestamp, late });
        }
        let frame = self.whole.remove(&first)?;
        self.note(first, (frame.first_ns, frame.whole_ns));
        let follows = self.follows(&frame);
        let margin_ns = self.margin_ns(&frame);
        self.broken = !frame.key && (self.broken || !follows);
        self.next_sequence = Some(frame.next_sequence());
        Some(Release::Frame { frame, follows, margin_ns })
    }

    /// A key frame is held, or has begun to come: what is lost before it needs none.
    pub(super) fn holds_key(&self) -> bool {
        self.assembler.opens_key() || self.whole.values().any(|frame| frame.key)
    }

    /// When the next frame's time comes, nanoseconds on the run's clock; none if only a packet brings it on.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.due_ns(&self.first()?).filter(|&due| due < u64::MAX)
    }

    /// The oldest frame that is held, whole or not.
    fn first(&self) -> Option<Held> {
        let open = self.assembler.oldest_open();
        let whole = self.whole.first_key_value().map(|(&timestamp, _)| timestamp);
        let opened = open.map(|open| open.extended_timestamp);
        let extended_timestamp = opened.into_iter().chain(whole).min()?;
        let open = open.filter(|_| opened == Some(extended_timestamp));
        Some(Held { extended_timestamp, open })
    }

    /// No packet is missing between a frame and the one that was released last.
    fn follows(&self, frame: &Whole) -> bool {
        self.next_sequence.is_none_or(|next| next == frame.first_sequence)
    }

    /// When the oldest frame is let go, or given up; `u64::MAX`: only a packet brings that on.
    fn due_ns(&self, held: &Held) -> Option<u64> {
        let first = held.extended_timestamp;
        let is_overtaken = self.assembler.newest_timestamp().is_some_and(|newest| newest > first);
        if held.open.is_some() && !is_overtaken {
            return Some(u64::MAX);
        }
        if self.target.most_ns() == 0 {
            // Without depth, what is open waits until a later frame is whole.
            let waits = held.open.is_some() && self.whole.is_empty();
            return Some(if waits { u64::MAX } else { 0 });
        }
        let due = self.at_depth_ns(first, self.target.ns())?;
        if !self.repairs || !self.may_be_mended(held) {
            return Some(due);
        }
        let later = self.whole.range(first + 1..).find(|(_, frame)| frame.key);
        let key = later.and_then(|(&key, _)| self.at_depth_ns(key, self.target.ns()));
        let last = self.at_depth_ns(first, self.target.most_ns())?;
        Some(key.map_or(last, |key| key.clamp(due, last)))
    }

    /// How much later a frame could have been whole.
    fn margin_ns(&self, frame: &Whole) -> Option<i128> {
        let most_ns = self.target.most_ns();
        let depth_ns = if self.repairs { most_ns } else { self.target.ns() };
        let last_ns = self.at_depth_ns(frame.extended_timestamp, depth_ns)?;
        (most_ns > 0).then(|| i128::from(last_ns) - i128::from(frame.whole_ns))
    }

    /// Whether packets are missing of a frame, or before it, with which it could be decoded.
    fn may_be_mended(&self, held: &Held) -> bool {
        match held.open {
            Some(open) => open.may_be_key || !self.broken,
            None => self
                .whole
                .get(&held.extended_timestamp)
                .is_some_and(|frame| !frame.key && !self.broken && !self.follows(frame)),
        }
    }

    /// When the time of a frame comes with such a depth.
    fn at_depth_ns(&self, extended_timestamp: u64, depth_ns: u64) -> Option<u64> {
        let due = self.base.ns()? + media_ns(extended_timestamp) + i128::from(depth_ns);
        Some(u64::try_from(due).unwrap_or(0))
    }

    /// Whether a frame was late whose first packet came at `first_ns`, and what counts of it at `came_ns`; takes
    /// the base anew after enough of them.
    fn note(&mut self, extended_timestamp: u64, (first_ns, came_ns): (u64, u64)) -> bool {
        let due_ns = self.at_depth_ns(extended_timestamp, self.target.ns());
        let due_ns = due_ns.filter(|_| self.target.most_ns() > 0);
        let late = due_ns.is_some_and(|due| came_ns > due);
        self.late_run = late.then(|| {
            let (since_ns, frames) = self.late_run.unwrap_or((first_ns, 0));
            (since_ns.min(first_ns), frames + 1)
        });
        if let Some((since_ns, LATE_RUN..)) = self.late_run {
            let before_ns = self.base.ns();
            self.base.forget_before(since_ns);
            let risen_ns = self.base.ns().zip(before_ns).map_or(0, |(now, before)| now - before);
            self.target.rebase(u64::try_from(risen_ns).unwrap_or(0));
            self.late_run = None;
        }
        late
    }
}

/// The oldest frame that is held.
#[derive(Debug)]
struct Held {
    extended_timestamp: u64,
    /// What of it is there, if it is not whole.
    open: Option<Opened>,
}

/// An extended RTP timestamp as nanoseconds of media.
fn media_ns(extended_timestamp: u64) -> i128 {
    i128::from(extended_timestamp) * 1_000_000_000 / i128::from(VIDEO_CLOCK_HZ)
}

#[cfg(test)]
mod adaptive;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;
    /// 15 frames/s.
    const TICKS: u32 = 6_000;

    fn fixed(ms: u64) -> JitterBuffer {
        JitterBuffer { least_us: ms * 1_000, most_us: ms * 1_000 }
    }

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
        let mut buffer = Playout::new(fixed(depth), true);
        let mut released = Vec::new();
        let frame = |timestamp: u32| (timestamp - 90_000) / TICKS;
        let mut drain = |buffer: &mut Playout, now: u64| {
            while let Some(release) = buffer.poll(now) {
                released.push(match release {
                    Release::Frame { frame: f, follows, .. } => {
                        (frame(f.timestamp), now / MS, Some(follows))
                    }
                    Release::Lost { timestamp, .. } => (frame(timestamp), now / MS, None),
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

    /// A path that keeps the order of packets and loses none: `delays` are those of its frames, milliseconds.
    fn ordered_path(delays: &[u64]) -> (Vec<Piece>, Vec<u64>) {
        let (mut packets, mut whole, mut last) = (Vec::new(), Vec::new(), 0);
        for (frame, delay) in (0..).zip(delays) {
            for n in 0..3 {
                last = last.max(1_000 + u64::from(frame) * 200 / 3 + u64::from(n) * 2 + delay);
                packets.push(packet(frame, n, last));
            }
            whole.push(last);
        }
        (packets, whole)
    }

    #[test]
    fn a_path_that_becomes_longer_for_good_costs_no_frame_and_gets_its_depth_back() {
        for longer in [0, 100, 150, 250, 1_000, 5_000] {
            let delays: Vec<u64> =
                (0..400).map(|n| if n < 100 { 20 } else { 20 + longer }).collect();
            let (packets, whole) = ordered_path(&delays);
            let released = run(170, packets);
            assert_eq!(released.len(), 400, "{longer} ms");
            for (n, (frame, at, follows)) in (0..).zip(&released) {
                assert_eq!((*frame, *follows), (n, Some(true)), "{longer} ms");
                let first = whole[n as usize] - 4;
                // The last ones of all, and soon after the step if it is longer than the depth.
                if !(100..260).contains(&n) || (longer > 170 && n >= 100 + LATE_RUN) {
                    assert!(
                        (169..=170).contains(&(at - first)),
                        "{longer} ms: frame {n} after {}",
                        at - first
                    );
                }
                assert!(
                    *at >= whole[n as usize] && *at <= whole[n as usize] + 170,
                    "{longer} ms: {n}"
                );
            }
        }
    }

    #[test]
    fn a_frame_that_a_later_one_overtook_is_late_if_nothing_of_it_came_in_time() {
        let lost = |straggler: Vec<Piece>| {
            let mut buffer = Playout::new(fixed(60), true);
            let packets = [0, 1, 3].into_iter().flat_map(|frame| {
                (0..3).map(move |n| packet(frame, n, 1_000 + u64::from(frame) * 200 / 3))
            });
            let mut packets: Vec<Piece> = packets.chain(straggler).collect();
            packets.sort_by_key(|piece| piece.at_ns);
            let mut found = Vec::new();
            for piece in packets {
                let now = piece.at_ns;
                buffer.handle(piece);
                while let Some(release) = buffer.poll(now) {
                    if let Release::Lost { timestamp, late } = release {
                        found.push(((timestamp - 90_000) / TICKS, late));
                    }
                }
            }
            found
        };
        // Frame 2 has its time at 1193 ms; frame 3 has begun to come at 1200 ms, and is released at 1260 ms.
        assert_eq!(lost((0..3).map(|n| packet(2, n, 1_210)).collect()), [(2, true)]);
        assert_eq!(lost(vec![packet(2, 0, 1_150), packet(2, 1, 1_210)]), [(2, false)]);
    }

    proptest! {
        /// Steps of any size up and down: nothing is lost, nothing comes early, and what was late by more
        /// than the depth is so for [`LATE_RUN`] frames at most before the depth is whole again.
        #[test]
        fn a_path_that_keeps_order_and_loses_nothing_costs_no_frame(
            steps in prop::collection::vec((5_usize..60, 0_u64..15), 1..8),
            depth in 0_u64..6,
        ) {
            // Delays of whole frame times and a depth half a frame time beside them: no frame is whole just at its
            // time, where rounding decides whether it is late.
            let depth = 33 + depth * 200 / 3;
            let delays: Vec<u64> =
                steps.iter().flat_map(|(frames, delay)| vec![*delay * 200; *frames]).collect();
            let (packets, whole) = ordered_path(&delays);
            let released = run(depth, packets);
            prop_assert_eq!(released.len(), delays.len());
            let mut late_in_a_row = 0;
            for (n, (frame, at, follows)) in released.iter().enumerate() {
                prop_assert_eq!((*frame as usize, *follows), (n, Some(true)));
                prop_assert!(*at >= whole[n]);
                // What comes ever faster is the end of a queue.
                let delay = |n: usize| whole[n] as i64 - n as i64 * 200 / 3;
                let is_late = *at == whole[n] && n > 0 && delay(n) + 1 >= delay(n - 1);
                late_in_a_row = if is_late { late_in_a_row + 1 } else { 0 };
                prop_assert!(late_in_a_row <= LATE_RUN, "{} late up to frame {}", late_in_a_row, n);
            }
        }

        /// Whatever the network does: frames come out in order, each once.
        #[test]
        fn nothing_is_shown_out_of_order_or_twice(
            fates in prop::collection::vec((0_u64..600, 0_u8..12), 30..240),
            depth in 0_u64..300,
        ) {
            let mut packets = Vec::new();
            for (frame, fates) in (0..).zip(fates.chunks(3)) {
                for (n, (delay, fate)) in (0..).zip(fates) {
                    let at = 1_000 + u64::from(frame) * 200 / 3 + delay;
                    // One in twelve is lost, one in twelve comes twice.
                    let copies = match fate { 0 => 0, 1 => 2, _ => 1 };
                    packets.extend((0..copies).map(|copy| packet(frame, n, at + copy * 30)));
                }
            }
            let released = run(depth, packets);
            prop_assert!(released.is_sorted_by(|one, next| one.0 < next.0), "{:?}", released);
        }
    }
}
