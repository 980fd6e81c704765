//! How far a measured duration may be from the truth.
//!
//! On the virtual clock each crossing of the network and each timer is late by at most one tick
//! and never early. A duration with `n` of them on its way, measured as `v`, truly lasts between
//! `v - n x tick` and `v`. On the real clock the header states a bound that holds both ways.
//! Counts have no uncertainty.
//!
//! | stage | crossings and timers | n |
//! |---|---|---|
//! | capture | the capture work's timer | 1 |
//! | encode | the encode work's timer | 1 |
//! | pacer | the pacer's timer | 1 |
//! | network | one crossing: a path is one computation, services on it answer at exact times | 1 |
//! | jitter buffer | see below | 5, and 4 more |
//! | decode | the decode work's timer | 1 |
//! | render | the render work's timer | 1 |
//! | capture-to-render | all of them | 7 |
//! | each round of resending | NACK timer, NACK crossing, crossing of the resent packet | 3 |
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
//! Phases of setup, from the viewer's request, each on top of the one before:
//!
//! | phase | crossings and timers | n | sum |
//! |---|---|---|---|
//! | signalling | TCP 2, WebSocket upgrade 2, hello and answer 2, request by way of the rendezvous 2, offer back 2, camera's gathering of a STUN and a TURN candidate 6 (401 and retry), 2 timers | 18 | 18 |
//! | gathering | the viewer's own 6 | 6 | 24 |
//! | checking | answer by way of the rendezvous 2, check timer 1 | 3 | 27 |
//! | nominated | TURN permission or channel on both sides 4, check 2 and its triggered one 2, nomination 2, 2 timers | 12 | 39 |
//! | dtls | 6 flights (RFC 6347 section 4.2.4), 2 timers | 8 | 47 |
//! | first RTP packet | capture, encode, pacer, crossing | 4 | 51 |
//! | first key frame | a request for it: timer, crossing; then as above | 6 | 57 |
//! | first render | jitter buffer, decode, render | 3 | 60 |
//!
//! A message that is lost and sent again adds its retransmission timer: [`SETUP_RETRIES`] of them
//! are allowed for in each phase sum. A session that had to be begun anew counts all of it again.

use serde::{Deserialize, Serialize};

use crate::event::Phase;
use crate::header::Clock;

/// Crossings and timers in one stage of a frame's way, jitter buffer apart: see the table of this
/// module.
pub(crate) const STAGE_TICKS: u64 = 1;

/// Crossings and timers before the jitter buffer.
const ARRIVAL_TICKS: u64 = 4;

/// Crossings and timers from capture to render of a frame that needed no resending.
pub(crate) const FRAME_TICKS: u64 = 7;

/// Crossings and timers that one round of resending adds.
pub(crate) const RESEND_TICKS: u64 = 3;

/// Rounds of resending that a frame gets, at most: a NACK is tried five times.
pub(crate) const RESEND_ROUNDS: u64 = 5;

/// Retransmissions during setup that are allowed for.
pub(crate) const SETUP_RETRIES: u64 = 8;

/// Where the truth lies: between `measured - below` and `measured + above`, in the unit of what
/// was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uncertainty {
    /// So much less, at most.
    pub below: u64,
    /// So much more, at most.
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

/// What resending adds.
fn resending_ticks(resent: u64) -> u64 {
    RESEND_TICKS * resent.min(RESEND_ROUNDS)
}

/// Crossings and timers from the viewer's request to a phase, when `sessions` had to be begun.
pub(crate) fn setup_ticks(phase: Phase, sessions: u64) -> u64 {
    let sum = match phase {
        Phase::Requested => return 0,
        Phase::Signalling => 18,
        Phase::Gathering => 24,
        Phase::Checking => 27,
        Phase::Nominated => 39,
        Phase::Dtls => 47,
        Phase::FirstRtp => 51,
        Phase::FirstKeyFrame => 57,
        Phase::FirstRender => 60,
    };
    (sum + SETUP_RETRIES) * sessions.max(1)
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
            Phase::Gathering,
            Phase::Checking,
            Phase::Nominated,
            Phase::Dtls,
            Phase::FirstRtp,
            Phase::FirstKeyFrame,
            Phase::FirstRender,
        ];
        let ticks: Vec<_> = phases.iter().map(|phase| setup_ticks(*phase, 1)).collect();
        assert!(ticks.is_sorted());
        assert_eq!(setup_ticks(Phase::Dtls, 2), 2 * setup_ticks(Phase::Dtls, 1));
    }

    #[test]
    fn resending_adds_its_crossings_and_timers_up_to_the_last_try() {
        assert_eq!(frame_ticks(0), 7);
        assert_eq!(frame_ticks(2), 13);
        assert_eq!(frame_ticks(50), 22);
    }
}
