//! Tests of an adaptive depth.

use super::*;
use bytes::Bytes;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const FRAME_NS: u64 = 200 * MS / 3;
const BOUNDS: JitterBuffer = JitterBuffer { least_us: 20_000, most_us: 500_000 };

/// Where a stream begins: RTP sequence number and timestamp, and the clock.
#[derive(Clone, Copy)]
struct Origin {
    sequence: u16,
    timestamp: u32,
    ns: u64,
}

const ORIGIN: Origin = Origin { sequence: 0, timestamp: 90_000, ns: 1_000 * MS };

/// Packet `n` of 3 of frame `frame`, of 15 frames/s. Frame 0 is a key frame, and each 100th.
fn packet(origin: Origin, frame: u64, n: u16, at_ns: u64) -> Piece {
    let head: &[u8] = match (frame.is_multiple_of(100), n) {
        (true, 0) => &[0x67, 0x42],
        (false, 0) => &[0x7c, 0x81, 0x9a],
        _ => &[0x7c, 0x01, 0x9a],
    };
    Piece {
        sequence: origin.sequence.wrapping_add((frame * 3) as u16 + n),
        timestamp: origin.timestamp.wrapping_add(frame as u32 * 6_000),
        marker: n == 2,
        payload: Bytes::copy_from_slice(head),
        at_ns: origin.ns + at_ns,
    }
}

/// What was released of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Out {
    frame: u64,
    /// After the stream's beginning, nanoseconds.
    at_ns: u64,
    /// Whether it follows the one before; none: it was lost.
    follows: Option<bool>,
}

/// Runs packets through a buffer, to the end.
fn run(origin: Origin, playout: &mut Playout, mut packets: Vec<Piece>) -> Vec<Out> {
    packets.sort_by_key(|piece| piece.at_ns);
    let mut out = Vec::new();
    let number = |timestamp: u32| u64::from(timestamp.wrapping_sub(origin.timestamp) / 6_000);
    let mut drain = |playout: &mut Playout, now: u64| {
        while let Some(release) = playout.poll(now) {
            let (timestamp, follows) = match release {
                Release::Frame { frame, follows, .. } => (frame.timestamp, Some(follows)),
                Release::Lost { timestamp, .. } => (timestamp, None),
            };
            out.push(Out { frame: number(timestamp), at_ns: now - origin.ns, follows });
        }
    };
    for piece in packets {
        while let Some(due) = playout.next_deadline().filter(|&due| due < piece.at_ns) {
            drain(playout, due);
        }
        let now = piece.at_ns;
        playout.handle(piece);
        drain(playout, now);
    }
    while let Some(due) = playout.next_deadline() {
        drain(playout, due);
    }
    out
}

/// Frames of three packets 2 ms apart, each frame delayed by the given milliseconds. Nothing overtakes.
fn path(origin: Origin, delays: impl IntoIterator<Item = u64>) -> Vec<Piece> {
    let mut last = 0;
    let mut packets = Vec::new();
    for (frame, delay) in (0..).zip(delays) {
        for n in 0..3 {
            last = last.max(frame * FRAME_NS + (u64::from(n) * 2 + delay) * MS);
            packets.push(packet(origin, frame, n, last));
        }
    }
    packets
}

/// A steady path of frames whose packets come when `moved` says: not at all, or by milliseconds later.
fn with_losses(frames: usize, moved: impl Fn(u64, u16) -> Option<u64>) -> Vec<Piece> {
    let steady = path(ORIGIN, vec![10; frames]);
    let each = steady.into_iter().enumerate().filter_map(|(index, mut piece)| {
        piece.at_ns += moved(index as u64 / 3, index as u16 % 3)? * MS;
        Some(piece)
    });
    each.collect()
}

fn lost(out: &[Out]) -> Vec<u64> {
    out.iter().filter(|it| it.follows != Some(true)).map(|it| it.frame).collect()
}

#[test]
fn frames_are_shown_at_the_least_depth_where_delays_are_constant() {
    let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), path(ORIGIN, vec![40; 300]));
    assert_eq!(out.len(), 300);
    for it in out {
        let depth = it.at_ns - it.frame * FRAME_NS - 40 * MS;
        assert!(it.follows == Some(true) && (19 * MS..=20 * MS).contains(&depth), "{it:?}");
    }
}

#[test]
fn a_path_that_becomes_longer_for_good_costs_nothing_and_the_depth_stays() {
    for longer in [50, 150, 250, 1_000, 5_000] {
        let delays = (0..400).map(|n| if n < 100 { 20 } else { 20 + longer });
        let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), path(ORIGIN, delays));
        assert_eq!((out.len(), lost(&out)), (400, vec![]), "{longer}");
        // Where the step is longer than a frame takes, the ones after it come in a row.
        for it in out.iter().filter(|it| it.frame > 103 + longer / 66) {
            let depth = it.at_ns - it.frame * FRAME_NS - (20 + longer) * MS;
            assert!((19 * MS..=30 * MS).contains(&depth), "{longer}: {it:?}");
        }
    }
}

#[test]
fn a_resend_is_in_the_target_while_more_than_one_frame_in_twenty_needs_one() {
    // A packet of each such frame comes later by this.
    let depth = |one_in: u64, late: u64| {
        let resent = |frame: u64, n: u16| frame % one_in == 3 && n == 1;
        let packets = with_losses(300, |frame, n| Some(if resent(frame, n) { late } else { 0 }));
        let mut playout = Playout::new(BOUNDS, true);
        assert!(lost(&run(ORIGIN, &mut playout, packets)).is_empty());
        playout.target.ns() / MS
    };
    // From the first packet on: the second at 2 ms, the third at 4 ms.
    assert_eq!((depth(1, 0), depth(10, 62), depth(10, 90), depth(30, 62)), (20, 64, 92, 20));
}

#[test]
fn a_resend_is_waited_for_to_the_greatest_depth() {
    for (late, is_lost) in [(0, false), (100, false), (485, false), (520, true)] {
        let packets =
            with_losses(60, |frame, n| Some(if (frame, n) == (20, 1) { late } else { 0 }));
        let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), packets);
        assert_eq!(out.len(), 60, "{late}");
        assert_eq!(lost(&out), if is_lost { vec![20, 21] } else { vec![] }, "{late}");
        let at = |frame: u64| (out[frame as usize].at_ns - frame * FRAME_NS - 10 * MS) / MS;
        // The frame itself, the one that waited for it, and one long after.
        let held = [20, 2 + late, 500][usize::from(late > 20) + usize::from(is_lost)];
        assert!(at(20).abs_diff(held) <= 1, "{late}: {}", at(20));
        assert!(at(21) <= 20.max((2 + late).min(500).saturating_sub(65)), "{late}");
        assert!((19..=20).contains(&at(40)), "{late}: {}", at(40));
    }
}

#[test]
fn a_frame_of_which_nothing_came_is_waited_for_too_and_what_depends_on_a_lost_one_is_not() {
    let again = with_losses(60, |frame, n| Some(if frame == 20 { 90 + u64::from(n) } else { 0 }));
    let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), again);
    assert_eq!((out.len(), lost(&out)), (60, vec![]));
    // Two in a row never come: 22 is held until it is given up that they do, then nothing is.
    let gone = with_losses(60, |frame, _| (!matches!(frame, 20 | 21 | 30)).then_some(0));
    let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), gone);
    assert_eq!((out.len(), lost(&out)), (57, vec![22, 31]));
    for it in out {
        let depth = (it.at_ns - it.frame * FRAME_NS - 10 * MS) / MS;
        let held = match it.frame {
            22 => 500,
            23..=29 => 500 - (it.frame - 22) * 200 / 3,
            _ => 20,
        };
        assert!(depth.abs_diff(held) <= 1, "{it:?}: {depth}");
    }
}

#[test]
fn a_key_frame_ends_the_wait_and_without_requests_nothing_is_waited_for() {
    // Frame 98 lacks a packet, 100 is a key frame.
    let packets = || with_losses(140, |frame, n| ((frame, n) != (98, 1)).then_some(0));
    let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), packets());
    assert_eq!((out.len(), lost(&out)), (140, vec![98, 99]));
    let at = |frame: usize| out[frame].at_ns;
    assert_eq!((at(98), at(99)), (at(100), at(100)));
    assert!(at(100) - 100 * FRAME_NS <= 31 * MS);
    let out = run(ORIGIN, &mut Playout::new(BOUNDS, false), packets());
    // That a frame lacks a packet is known when the next one comes.
    let mut others = out.iter().filter(|it| it.frame != 98);
    assert!(others.all(|it| it.at_ns - it.frame * FRAME_NS <= 31 * MS));
}

#[test]
fn a_drift_of_clocks_of_100_ppm_moves_nothing_for_ten_minutes() {
    for ppm in [-100_i64, 100] {
        let frames = 15 * 600;
        let drifted = |at_ns: u64| (at_ns as i64 + at_ns as i64 / 1_000_000 * ppm) as u64;
        let mut packets = path(ORIGIN, vec![40; frames]);
        for piece in &mut packets {
            piece.at_ns = ORIGIN.ns + drifted(piece.at_ns - ORIGIN.ns);
        }
        let mut playout = Playout::new(BOUNDS, true);
        let out = run(ORIGIN, &mut playout, packets);
        assert_eq!((out.len(), lost(&out)), (frames, vec![]));
        for it in out {
            let depth = it.at_ns - drifted(it.frame * FRAME_NS + 40 * MS);
            // In the window of 10 s the clocks part by 1 ms.
            assert!((18 * MS..=21 * MS).contains(&depth), "{ppm}: {it:?} {depth}");
        }
        assert_eq!((playout.moved(), playout.moved()), (Some(20 * MS), None));
    }
}

proptest! {
    /// Whatever the network does: frames come out in order, each once, and the same where numbers wrap and the clock is
    /// another one. RTP timestamps of whole 100 us: all else is rounded.
    #[test]
    fn order_is_kept_and_no_clock_or_number_is_special(
        fates in prop::collection::vec((0_u64..600, 0_u8..12), 30..240),
        (least, more) in (0_u64..200_000, 1_u64..500_000),
        repairs in any::<bool>(),
        (sequence, back, ns) in (any::<u16>(), 0_u32..60, 0_u64..1 << 50),
    ) {
        // It wraps within the first 40 frames or so; 2^32 - 4 is a multiple of 9, as 90,000 is.
        let timestamp = 0_u32.wrapping_sub(4 + 9 * back * 444);
        let other = Origin { sequence, timestamp, ns };
        let [one, two] = [ORIGIN, other].map(|origin| {
            let mut packets = Vec::new();
            for (frame, fates) in (0..).zip(fates.chunks(3)) {
                for (n, (delay, fate)) in (0..).zip(fates) {
                    // One in twelve is lost, one in twelve comes twice. The first frame comes first: where numbers begin,
                    // the first packet says.
                    let (delay, fate) = if frame == 0 { (0, 2) } else { (*delay, *fate) };
                    let copies = match fate { 0 => 0, 1 => 2, _ => 1 };
                    for copy in 0..copies {
                        let at_ns = frame * FRAME_NS + (delay + copy * 30) * MS;
                        packets.push(packet(origin, frame, n, at_ns));
                    }
                }
            }
            let bounds = JitterBuffer { least_us: least, most_us: least + more };
            run(origin, &mut Playout::new(bounds, repairs), packets)
        });
        prop_assert!(one.is_sorted_by(|one, next| one.frame < next.frame), "{:?}", one);
        prop_assert_eq!(one, two);
    }

    /// What comes at last, comes in time: nothing is lost where no packet takes longer than the greatest depth.
    #[test]
    fn nothing_is_lost_that_comes_within_the_greatest_depth(
        delays in prop::collection::vec(0_u64..400, 9..300),
    ) {
        let mut packets = Vec::new();
        for (frame, delays) in (0..).zip(delays.chunks_exact(3)) {
            for (n, delay) in (0..).zip(delays) {
                // The first comes as fast as any: what is before the first cannot be known.
                let delay = if frame == 0 { 0 } else { *delay };
                packets.push(packet(ORIGIN, frame, n, frame * FRAME_NS + delay * MS));
            }
        }
        let count = packets.len() / 3;
        let out = run(ORIGIN, &mut Playout::new(BOUNDS, true), packets);
        prop_assert_eq!((out.len(), lost(&out)), (count, vec![]));
    }
}
