//! How far a measured duration may be from the truth.
//!
//! On the virtual clock each crossing of the network and each timer is late by at most one tick
//! and never early. A duration with `n` of them on its way, measured as `v`, truly lasts between
//! `v - n x tick` and `v`. On the real clock the header states a bound that holds both ways.
//! Counts have no uncertainty.
//!
//! | stage | crossings and timers | n |
//! |---|---|---|
//! | each stage of a device | the timer of its work | 1 |
//! | pacer | the pacer's timer | 1 |
//! | network | one crossing: a path is one computation, services on it answer at exact times | 1 |
//! | jitter buffer | see below | 5, and 4 more |
//! | capture-to-render | one for each stage | 7 |
//! | each round of resending | NACK timer, NACK crossing, crossing of the resent packet | 3 |
//!
//! A device that computes is a timer, too, for what its tasks do after that: an offer, each end's answer, the end of the
//! handshake, and the start of a camera. What leaves in the middle of it, such as a flight of DTLS, is exact.
//!
//! Rounds are counted by the packets resent for a frame, at most [`RESEND_ROUNDS`]. A frame held
//! back by an older one (the jitter buffer keeps the order) is as uncertain as that one.
//!
//! The jitter buffer lets a frame go at a time that the fastest frame so far sets, whenever the
//! frame itself came. That one may have come 4 ticks late (capture, encode, pacer, network), and
//! the timer adds 1: truly the stage is up to 5 ticks shorter. Or the frame itself came late and
//! the fastest did not: truly it is up to 4 ticks longer, and 3 more with each round of resending.
//! What one stage loses so the stages before have gained: the sum keeps to its 7.
//!
//! Left out: what waits for the frame before, back to back, for many frames in a row, at work, in
//! the pacer or in a bottleneck queue.
//!
//! Phases of setup at the viewer, from its request, which it tells of before it opens TCP to the
//! rendezvous. The request's own time is the zero, as recorded. What counts is the longest chain of
//! things that wait for each other:
//!
//! | phase | crossings and timers on top of | n | sum |
//! |---|---|---|---|
//! | signalling | the camera's boot timer, its TCP and its WebSocket handshake, word of the viewer at the camera, the offer that the camera computes, the offer at the viewer | 6 | 6 |
//! | checking | signalling: nothing, the answer starts it in the same step | 0 | 6 |
//! | gathering | signalling: the TURN server's 401 and its allocation; STUN's one answer runs beside | 2 | 8 |
//! | nominated | gathering: the viewer's last candidate at the camera, driver's wait, TURN permission, check, its answer, driver's wait, nomination, the viewer's triggered check, its answer; the description that each end computes | 11 | 19 |
//! | dtls | nominated: 6 flights (RFC 6347 section 4.2.4), the end of what the device computes for them | 7 | 26 |
//! | first RTP packet | dtls: the camera's start, exposure, capture, encode, pacer, crossing | 6 | 32 |
//! | first key frame | dtls: the same; one that was asked for is exposed at a time of the same row | 6 | 32 |
//! | first render | first key frame: jitter buffer, decode, render | 3 | 35 |
//!
//! If the camera was there before the viewer asked, the viewer's own two handshakes take the place
//! of the camera's and its boot: 5 instead of 6.
//!
//! Recovery after a scripted event is counted from when the event is over: on a whole tick, or when
//! the peer's software runs again, as recorded. If a new session had to be set up, the table of
//! phases up to the first render holds, once for each session begun since. If the old one went on,
//! the picture waits at most for a frame that was noticed as lost: its crossing, the jitter
//! buffer's timer, the crossing of the request for a key frame, and then that frame's own 7: 10.
//! What the old session's path itself needs to open again waits for packets that are sent at whole
//! ticks, and adds nothing.
//!
//! Only what reaches a task of a peer counts as a crossing. Services answer at exact times, and so
//! does a peer's TCP: its acknowledgements and what it sends again are never late.
//!
//! A timer of whole ticks that a peer sets is not late at all, for it is set at a whole tick: so
//! add nothing the retransmissions of STUN and TURN and those of DTLS after a second, the rounds of ICE checks and the waits
//! before another try. The driver's wait is that of `webrtc` 0.21.1, which handles at most one
//! expired deadline a millisecond: how much of the millisecond is left is known to one tick.
//!
//! The frame of the first key frame and of the first render adds its rounds of resending. A session
//! that had to be begun anew counts all of it again. Left out: a try to reach the rendezvous that
//! failed, and a repeated flight of DTLS, which add 1 each; and rounds, in which a tick decides: an ICE check, a frame's
//! exposure or a retransmission that the tick moved into another round is off by that round.

use serde::{Deserialize, Serialize};

use crate::event::Phase;
use crate::header::Clock;
use crate::stage::Stage;

/// Crossings and timers in one stage of a frame's way, jitter buffer apart: see the table of this
/// module.
pub(crate) const STAGE_TICKS: u64 = 1;

/// Crossings and timers before the jitter buffer.
const ARRIVAL_TICKS: u64 = STAGE_TICKS * Stage::JitterBuffer as u64;

/// Crossings and timers from capture to render of a frame that needed no resending.
pub(crate) const FRAME_TICKS: u64 = STAGE_TICKS * Stage::ALL.len() as u64;

/// Crossings and timers that one round of resending adds.
pub(crate) const RESEND_TICKS: u64 = 3;

/// Crossings and timers from the end of an event to the first render in a session that went on.
pub(crate) const RECOVERY_TICKS: u64 = FRAME_TICKS + 3;

/// Rounds of resending that a frame gets, at most: a NACK is tried five times.
pub(crate) const RESEND_ROUNDS: u64 = 5;

/// Where the truth lies: between `measured - below` and `measured + above`, in the unit of what
/// was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Uncertainty {
    /// The truth is less by this at most.
    pub below: u64,
    /// The truth is more by this at most.
    pub above: u64,
}

impl Uncertainty {
    /// Of what is counted.
    pub const NONE: Self = Self { below: 0, above: 0 };

    /// Of the time in the jitter buffer, microseconds, of a frame of which `resent` packets were
    /// sent again.
    #[must_use]
    pub(crate) fn of_jitter_buffer(clock: Clock, resent: u64) -> Self {
        match clock {
            Clock::Virtual { tick_us } => Self {
                below: (ARRIVAL_TICKS + STAGE_TICKS).saturating_mul(tick_us),
                above: (ARRIVAL_TICKS + resending_ticks(resent)).saturating_mul(tick_us),
            },
            Clock::Real { bound_us } => Self { below: bound_us, above: bound_us },
        }
    }

    /// Of the time in one stage of a camera or of a viewer, jitter buffer apart, microseconds.
    #[must_use]
    pub fn of_stage(clock: Clock) -> Self {
        Self::of_duration(clock, STAGE_TICKS)
    }

    /// Of a duration in microseconds with `ticks` crossings and timers on its way.
    #[must_use]
    pub(crate) fn of_duration(clock: Clock, ticks: u64) -> Self {
        match clock {
            Clock::Virtual { tick_us } => Self { below: ticks.saturating_mul(tick_us), above: 0 },
            Clock::Real { bound_us } => Self { below: bound_us, above: bound_us },
        }
    }

    /// The interval around a measured value.
    #[must_use]
    pub(crate) fn interval(self, measured: i64) -> (i64, i64) {
        (measured.saturating_sub_unsigned(self.below), measured.saturating_add_unsigned(self.above))
    }
}

/// Crossings and timers on the way of a frame, given how many packets of it were resent.
pub(crate) fn frame_ticks(resent: u64) -> u64 {
    FRAME_TICKS + resending_ticks(resent)
}

/// Crossings and timers in the network stage of a frame.
pub(crate) fn network_ticks(resent: u64) -> u64 {
    STAGE_TICKS + resending_ticks(resent)
}

/// Crossings and timers from the end of an event to the first render, when `sessions` had to be
/// begun since and `resent` packets of the frame were sent again.
pub(crate) fn recovery_ticks(sessions: u64, resent: u64) -> u64 {
    match sessions {
        0 => RECOVERY_TICKS + resending_ticks(resent),
        _ => setup_ticks(Phase::FirstRender, sessions, resent),
    }
}

/// What resending adds.
fn resending_ticks(resent: u64) -> u64 {
    RESEND_TICKS * resent.min(RESEND_ROUNDS)
}

/// Crossings and timers from the viewer's request to a phase, when `sessions` had to be begun and
/// `resent` packets of the frame that completed the phase were sent again.
pub(crate) fn setup_ticks(phase: Phase, sessions: u64, resent: u64) -> u64 {
    let sum = match phase {
        Phase::Requested => return 0,
        Phase::Signalling | Phase::Checking => 6,
        Phase::Gathering => 8,
        Phase::Nominated => 19,
        Phase::Dtls => 26,
        // The camera's start and its exposure come on top of a frame's own.
        Phase::FirstRtp | Phase::FirstKeyFrame => 28 + ARRIVAL_TICKS,
        Phase::FirstRender => 28 + FRAME_TICKS,
    };
    sum * sessions.max(1) + resending_ticks(resent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_is_late_and_never_early() {
        let uncertainty = Uncertainty::of_duration(Clock::Virtual { tick_us: 1_000 }, FRAME_TICKS);
        assert_eq!(uncertainty.interval(100_000), (93_000, 100_000));
    }

    #[test]
    fn real_time_is_uncertain_both_ways_by_its_bound_whatever_lies_on_the_way() {
        let uncertainty = Uncertainty::of_duration(Clock::Real { bound_us: 250 }, 60);
        assert_eq!(uncertainty.interval(100_000), (99_750, 100_250));
    }

    #[test]
    fn the_jitter_buffer_may_truly_hold_a_frame_for_longer_too() {
        let clock = Clock::Virtual { tick_us: 1_000 };
        let uncertainty = Uncertainty::of_jitter_buffer(clock, 0);
        assert_eq!(uncertainty.interval(60_000), (55_000, 64_000));
        assert_eq!(Uncertainty::of_jitter_buffer(clock, 2).interval(60_000), (55_000, 70_000));
        let real = Uncertainty::of_jitter_buffer(Clock::Real { bound_us: 250 }, 2);
        assert_eq!(real.interval(60_000), (59_750, 60_250));
    }

    #[test]
    fn later_phases_of_setup_are_no_more_certain() {
        let phases = [
            Phase::Requested,
            Phase::Signalling,
            // Gathering runs beside it.
            Phase::Checking,
            Phase::Gathering,
            Phase::Nominated,
            Phase::Dtls,
            Phase::FirstRtp,
            Phase::FirstKeyFrame,
            Phase::FirstRender,
        ];
        let ticks: Vec<_> = phases.iter().map(|phase| setup_ticks(*phase, 1, 0)).collect();
        assert!(ticks.is_sorted());
        assert_eq!(setup_ticks(Phase::Dtls, 2, 0), 2 * setup_ticks(Phase::Dtls, 1, 0));
        assert_eq!(setup_ticks(Phase::FirstRender, 1, 2), 41);
    }

    #[test]
    fn recovery_counts_the_sessions_begun_since() {
        assert_eq!(recovery_ticks(0, 0), 10);
        assert_eq!(recovery_ticks(0, 1), 13);
        assert_eq!(recovery_ticks(2, 0), 70);
    }

    #[test]
    fn resending_adds_its_crossings_and_timers_up_to_the_last_try() {
        assert_eq!(frame_ticks(0), 7);
        assert_eq!(frame_ticks(2), 13);
        assert_eq!(frame_ticks(50), 22);
    }
}
