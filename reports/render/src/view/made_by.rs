//! What produced a figure: it stands beside every one of them.

use crate::{escape::tame, figure};
use parallax_record::{ClockKind, CongestionControl, MediaMode, Summary};

/// What produced the figures of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBy {
    /// The clock, and how exact it is.
    pub clock: String,
    /// Where the media came from.
    pub media: String,
    /// What adapted the bit rate.
    pub congestion_control: String,
    /// Each peer with its device profile, and its jitter buffer if it is a viewer.
    pub peers: Vec<String>,
}

impl MadeBy {
    /// Of a run.
    #[must_use]
    pub fn of(run: &Summary) -> Self {
        let us = |us: Option<u64>| figure::duration(us.unwrap_or(0).cast_signed());
        let clock = match run.clock {
            ClockKind::Virtual => {
                format!("simulated, virtual clock with a tick of {}", us(run.tick_us))
            }
            ClockKind::Real => format!("measured, real clock within {}", us(run.clock_bound_us)),
        };
        let media = match run.media_mode {
            MediaMode::Live => "live media",
            MediaMode::Prerecorded => "prerecorded media",
        };
        let congestion_control = match &run.congestion_control {
            CongestionControl::None => "no congestion control".to_owned(),
            CongestionControl::Gcc { cameras } => {
                let cameras: Vec<String> = cameras
                    .iter()
                    .map(|camera| {
                        let (floor, ceiling) = (camera.floor_bps, camera.ceiling_bps);
                        let [floor, ceiling] = [floor, ceiling].map(figure::bit_rate);
                        format!("{} {floor} to {ceiling}", tame(&camera.camera))
                    })
                    .collect();
                format!("congestion control gcc ({})", cameras.join(", "))
            }
        };
        let peers = run
            .profiles
            .iter()
            .map(|peer| {
                let digest: String = tame(&peer.sha256).chars().take(8).collect();
                let buffer =
                    figure::jitter_buffer(peer.jitter_buffer_us, peer.jitter_buffer_least_us);
                let digest = if digest.is_empty() { digest } else { format!(" {digest}") };
                format!("{}: {}{digest}{buffer}", tame(&peer.peer), tame(&peer.profile))
            })
            .collect();
        Self { clock, media: media.to_owned(), congestion_control, peers }
    }

    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let first = [&self.clock, &self.media, &self.congestion_control].map(String::as_str);
        let all = first.into_iter().chain(self.peers.iter().map(String::as_str));
        all.collect::<Vec<_>>().join(" · ")
    }
}
