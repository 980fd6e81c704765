//! What a stream's two ends said about its rate and its repair, over time.

use crate::event::Event;
use crate::header::Stream;
use crate::record::Record;
use crate::summary::{RateSummary, RatesSummary};

/// How a session under congestion control went at a time: [`Event::Rates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePoint {
    /// When, nanoseconds on the run's clock.
    pub run_ns: u64,
    /// The session's number.
    pub session: u32,
    /// What its path was estimated to carry, bits per second.
    pub estimate_bps: u64,
    /// What the encoder was to aim at, bits per second.
    pub target_bps: u64,
    /// What had left for the wire in the second before, bits per second.
    pub sent_bps: u64,
}

/// The rates of a stream's sessions, in the order of time; none without congestion control.
#[must_use]
pub fn rates(record: &Record, stream: &Stream) -> Vec<RatePoint> {
    let entries = record.entries.iter();
    entries
        .filter_map(|entry| match &entry.event {
            Event::Rates { session, estimate_bps, target_bps, sent_bps }
                if session.camera == stream.camera && session.viewer == stream.viewer =>
            {
                Some(RatePoint {
                    run_ns: entry.run_ns,
                    session: session.number,
                    estimate_bps: *estimate_bps,
                    target_bps: *target_bps,
                    sent_bps: *sent_bps,
                })
            }
            _ => None,
        })
        .collect()
}

/// What is asked for, or done, to mend a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairKind {
    /// The viewer requested this number of packets again (NACK).
    Nack {
        /// How many.
        packets: u32,
    },
    /// The camera sent a packet again.
    Resent,
    /// The viewer asked for a key frame.
    KeyFrameRequested,
}

/// A repair at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repair {
    /// When, nanoseconds on the run's clock.
    pub run_ns: u64,
    /// The session's number.
    pub session: u32,
    /// What.
    pub kind: RepairKind,
}

/// The repairs of a stream's sessions, in the order of time.
#[must_use]
pub fn repairs(record: &Record, stream: &Stream) -> Vec<Repair> {
    let entries = record.entries.iter();
    entries
        .filter_map(|entry| {
            let kind = match &entry.event {
                Event::Nack { packets, .. } => RepairKind::Nack { packets: *packets },
                Event::Resent { .. } => RepairKind::Resent,
                Event::KeyFrameRequested { .. } => RepairKind::KeyFrameRequested,
                _ => return None,
            };
            let session = entry.event.session()?;
            (session.camera == stream.camera && session.viewer == stream.viewer).then_some(Repair {
                run_ns: entry.run_ns,
                session: session.number,
                kind,
            })
        })
        .collect()
}

/// What the rates of a stream come to; none without any.
pub(crate) fn summary(rates: &[RatePoint]) -> Option<RatesSummary> {
    let of = |value: fn(&RatePoint) -> u64| {
        let sum: u128 = rates.iter().map(|rate| u128::from(value(rate))).sum();
        let mean = sum.checked_div(rates.len() as u128)?;
        Some(RateSummary {
            mean: u64::try_from(mean).unwrap_or(u64::MAX),
            last: value(rates.last()?),
        })
    };
    Some(RatesSummary {
        estimate_bps: of(|rate| rate.estimate_bps)?,
        target_bps: of(|rate| rate.target_bps)?,
        sent_bps: of(|rate| rate.sent_bps)?,
    })
}
