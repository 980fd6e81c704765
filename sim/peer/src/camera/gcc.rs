//! Google congestion control: what a path carries, from the feedback on each packet. A pure core.
//!
//! Composed as in libwebrtc and draft-ietf-rmcat-gcc-02: the growth of the one-way delay says whether a queue grows, and
//! is compared with a threshold that adapts; the estimate falls below what arrives when it does, falls with heavy losses,
//! and climbs otherwise. Groups of packets, threshold and states are the `rtc` crate's. Its own composition
//! ([`rtc::interceptor::Gcc`]) is not used: `sim/peer/README.md` has what it does wrong.

use rtc::interceptor::{
    ArrivalGroupAccumulator, InterGroupDelay, OveruseDetector, PacketReport, RateControlState,
};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// The estimate falls to this share of what arrives.
const BACK_OFF: f64 = 0.85;
/// It falls for growing delay once in this time at most: what arrives must have followed before.
const BACK_OFF_INTERVAL: Duration = Duration::from_millis(600);
/// By this share it climbs in a second while nothing is known of the path's capacity.
const CLIMB: f64 = 0.15;
/// Climb in a second near the capacity, bits: half a packet of 1,100 bytes in two response times of 150 ms. Equal steps are
/// what makes shares of a link equal.
const CLIMB_NEAR_BPS: f64 = 16_000.0;
/// The capacity that was last seen is forgotten when more than this many times of it arrives.
const CAPACITY_GREW: f64 = 1.2;
/// Below this share of the capacity that was last seen the estimate climbs as if none had been.
const NEAR_CAPACITY: f64 = 0.7;
/// It climbs up to this many times what arrives, and [`AHEAD_BPS`], at most: what was never sent says nothing.
const AHEAD: f64 = 1.5;
const AHEAD_BPS: f64 = 10_000.0;
/// Up to this share of lost packets the path is not full.
const FEW_LOST: f64 = 0.02;
/// From this share on the estimate falls, by half the share.
const MANY_LOST: f64 = 0.1;
/// While a queue holds packets back for this time, milliseconds, it does not climb, but falls by [`EBB`] a second, so that the
/// queue is empty when a key frame comes.
const CALM_MS: f64 = 30.0;
const EBB: f64 = 0.02;
/// Losses are counted over this time and number of packets at least.
const LOSS_WINDOW: Duration = Duration::from_millis(500);
const LOSS_PACKETS: u32 = 20;
/// Arrivals are counted over this time, on the receiver's clock.
const RECEIVED_WINDOW: Duration = Duration::from_millis(500);

/// An estimate of what a path carries.
pub(super) struct Gcc {
    groups: ArrivalGroupAccumulator,
    trend: Trend,
    detector: OveruseDetector,
    state: RateControlState,
    received: Received,
    losses: Losses,
    /// What arrived when the delay last grew, bits per second.
    capacity_bps: Option<f64>,
    backed_off: Option<Instant>,
    updated: Option<Instant>,
    floor_bps: f64,
    ceiling_bps: f64,
    target_bps: f64,
}

impl Gcc {
    /// An estimate that begins at `start_bps`.
    pub(super) fn new(start_bps: f64, floor_bps: f64, ceiling_bps: f64) -> Self {
        Self {
            groups: ArrivalGroupAccumulator::default(),
            trend: Trend::default(),
            detector: OveruseDetector::new(),
            state: RateControlState::default(),
            received: Received::default(),
            losses: Losses::default(),
            capacity_bps: None,
            backed_off: None,
            updated: None,
            floor_bps,
            ceiling_bps,
            target_bps: start_bps.clamp(floor_bps, ceiling_bps),
        }
    }

    /// The estimate, bits per second.
    pub(super) fn target_bps(&self) -> f64 {
        self.target_bps
    }

    /// Takes what the receiver said of packets that were sent, in the order in which they were.
    pub(super) fn on_reports(&mut self, now: Instant, reports: &[PacketReport]) {
        if reports.is_empty() {
            return;
        }
        for report in reports {
            self.received.add(report);
            if let Some(delay) = self.groups.accumulate(report)
                && let Some(trend) = self.trend.add(&delay)
            {
                self.detector.update(delay.at, trend);
            }
        }
        self.state = self.state.next(self.detector.usage());
        let many_lost = self.losses.add(now, reports);
        let elapsed = self.updated.replace(now).map_or(Duration::ZERO, |last| now - last);
        let seconds = elapsed.as_secs_f64().min(1.0);
        let bps = match (self.state, self.received.bps()) {
            (RateControlState::Decrease, Some(received_bps)) => self.back_off(now, received_bps),
            (_, received_bps) if many_lost => self.yield_to_losses(received_bps),
            (RateControlState::Increase, _) if self.trend.queue_ms() > CALM_MS => {
                self.target_bps * (1.0 - EBB * seconds)
            }
            (RateControlState::Increase, received_bps) if self.losses.are_few() => {
                self.climb(seconds, received_bps)
            }
            _ => self.target_bps,
        };
        self.target_bps = bps.clamp(self.floor_bps, self.ceiling_bps);
    }

    /// What the estimate falls to when a queue grows.
    fn back_off(&mut self, now: Instant, received_bps: f64) -> f64 {
        if self.backed_off.is_some_and(|last| now - last < BACK_OFF_INTERVAL) {
            return self.target_bps;
        }
        self.backed_off = Some(now);
        self.capacity_bps = Some(received_bps);
        self.target_bps.min(BACK_OFF * received_bps)
    }

    /// What the estimate falls to when many packets are lost: not below what it falls to when a queue grows.
    fn yield_to_losses(&self, received_bps: Option<f64>) -> f64 {
        let less_bps = self.target_bps * (1.0 - self.losses.share.unwrap_or(0.0) / 2.0);
        less_bps.max(self.target_bps.min(BACK_OFF * received_bps.unwrap_or(0.0)))
    }

    /// The estimate after `seconds` of climbing.
    fn climb(&mut self, seconds: f64, received_bps: Option<f64>) -> f64 {
        let target_bps = self.target_bps;
        let Some(received_bps) = received_bps else { return target_bps };
        self.capacity_bps = self.capacity_bps.filter(|bps| received_bps <= CAPACITY_GREW * bps);
        let near = self.capacity_bps.is_some_and(|bps| target_bps > NEAR_CAPACITY * bps);
        let step_bps = if near { CLIMB_NEAR_BPS } else { CLIMB * target_bps };
        let most_bps = AHEAD * received_bps + AHEAD_BPS;
        (target_bps + step_bps * seconds).min(most_bps.max(target_bps))
    }
}

/// The growth of the one-way delay: the slope of a straight line through the last groups' smoothed delays, which jitter
/// moves little. The crate has a Kalman filter, which takes each group for itself: on a path with jitter it says little.
#[derive(Default)]
struct Trend {
    groups: u32,
    delay_ms: f64,
    smoothed_ms: f64,
    first: Option<Instant>,
    /// When each of the last groups left, and its smoothed delay, milliseconds.
    points: VecDeque<(f64, f64)>,
    /// When groups left whose smoothed delays are each less than the one that follows, of the last [`BASE_MS`](Self::BASE_MS).
    least: VecDeque<(f64, f64)>,
}

impl Trend {
    const POINTS: usize = 20;
    const SMOOTHING: f64 = 0.9;
    /// The slope is multiplied by this, and by the number of groups up to the most: libwebrtc's numbers, that the
    /// threshold of 6 ms and more is for.
    const GAIN_MS: f64 = 4.0;
    const MOST_GROUPS: u32 = 60;
    /// How long a path must be longer to be taken for one that is, milliseconds.
    const BASE_MS: f64 = 10_000.0;

    /// Takes a group's delay. Says what to compare with the threshold, once there are enough of them.
    fn add(&mut self, delay: &InterGroupDelay) -> Option<f64> {
        self.groups = (self.groups + 1).min(Self::MOST_GROUPS);
        self.delay_ms += delay.delta_ms;
        self.smoothed_ms =
            Self::SMOOTHING * self.smoothed_ms + (1.0 - Self::SMOOTHING) * self.delay_ms;
        let first = *self.first.get_or_insert(delay.at);
        let at_ms = delay.at.saturating_duration_since(first).as_secs_f64() * 1_000.0;
        self.points.push_back((at_ms, self.smoothed_ms));
        if self.points.len() > Self::POINTS {
            self.points.pop_front();
        }
        let smoothed_ms = self.smoothed_ms;
        while self.least.pop_back_if(|(_, delay_ms)| *delay_ms >= smoothed_ms).is_some() {}
        self.least.push_back((at_ms, smoothed_ms));
        while self.least.pop_front_if(|(left_ms, _)| *left_ms + Self::BASE_MS < at_ms).is_some() {}
        let slope = (self.points.len() == Self::POINTS).then(|| slope(&self.points))??;
        Some(slope * f64::from(self.groups) * Self::GAIN_MS)
    }
}

impl Trend {
    /// How much longer packets take than at the least of late.
    fn queue_ms(&self) -> f64 {
        self.least.front().map_or(0.0, |(_, least_ms)| self.smoothed_ms - least_ms)
    }
}

/// Slope of the line of least squares.
fn slope(points: &VecDeque<(f64, f64)>) -> Option<f64> {
    let count = points.len() as f64;
    let (sum_x, sum_y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (over, under) = points.iter().fold((0.0, 0.0), |(over, under), (x, y)| {
        let x = x - mean_x;
        (over + x * (y - mean_y), under + x * x)
    });
    (under > 0.0).then(|| over / under)
}

/// What arrives, bits per second on the receiver's clock.
#[derive(Default)]
struct Received {
    first: Option<Duration>,
    packets: VecDeque<(Duration, u64)>,
    bits: u64,
}

impl Received {
    fn add(&mut self, report: &PacketReport) {
        let Some(arrival) = report.arrival.filter(|_| report.arrived) else { return };
        let bits = 8 * report.size as u64;
        self.first.get_or_insert(arrival);
        self.packets.push_back((arrival, bits));
        self.bits += bits;
        while let Some((at, bits)) = self.packets.front()
            && *at + RECEIVED_WINDOW <= arrival
        {
            self.bits -= bits;
            self.packets.pop_front();
        }
    }

    /// None until a window is over.
    fn bps(&self) -> Option<f64> {
        let (last, _) = self.packets.back()?;
        let whole = *last >= self.first? + RECEIVED_WINDOW;
        whole.then(|| self.bits as f64 / RECEIVED_WINDOW.as_secs_f64())
    }
}

/// Share of packets that were lost.
#[derive(Default)]
struct Losses {
    since: Option<Instant>,
    packets: u32,
    lost: u32,
    /// Of the last window.
    share: Option<f64>,
}

impl Losses {
    /// Says whether a window has ended in which many were lost.
    fn add(&mut self, now: Instant, reports: &[PacketReport]) -> bool {
        let since = *self.since.get_or_insert(now);
        self.packets += reports.len() as u32;
        self.lost += reports.iter().filter(|report| !report.arrived).count() as u32;
        if self.packets < LOSS_PACKETS || now.saturating_duration_since(since) < LOSS_WINDOW {
            return false;
        }
        let share = f64::from(self.lost) / f64::from(self.packets);
        *self = Self { since: Some(now), packets: 0, lost: 0, share: Some(share) };
        share > MANY_LOST
    }

    fn are_few(&self) -> bool {
        self.share.is_none_or(|share| share <= FEW_LOST)
    }
}

#[cfg(test)]
mod tests;
