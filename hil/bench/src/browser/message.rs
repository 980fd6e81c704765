//! Messages of the page. Times are milliseconds of its clock.

use parallax_media::{Picture, Size};
use parallax_record::{Candidate, CandidateKind};
use serde::Deserialize;
use std::net::IpAddr;

/// Whose message of the page's it is.
#[derive(Debug, Deserialize)]
pub(super) struct Of {
    /// When it was said.
    pub(super) at_ms: f64,
    /// By which session.
    pub(super) session: String,
}

/// What it says.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum FromPage {
    /// It is loaded.
    Ready {
        /// Whether its clock is fine (cross-origin isolation).
        isolated: bool,
    },
    /// A candidate of its own.
    Candidate {
        text: String,
        sdp_mid: Option<String>,
        sdp_m_line_index: Option<u16>,
        candidate: PageCandidate,
    },
    /// No further candidate comes.
    Gathered,
    /// `iceConnectionState` changed.
    Ice { state: String },
    /// `connectionState` changed.
    State { state: String },
    /// Another pair is selected.
    Pair { local: PageCandidate, remote: PageCandidate },
    /// Its description.
    Answer { sdp: String },
    /// A frame was handed to the compositor.
    Shown {
        rtp_timestamp: u32,
        /// Counts the frames that were, this one included.
        presented: u64,
        presented_ms: f64,
    },
    /// A frame came out of the decoder, then or before.
    Decoded { rtp_timestamp: u32, decoded_ms: f64, picture: Option<PagePicture> },
    /// Of its statistics, once a second.
    Stats(PageStats),
    /// The answer to a ping.
    RoundTrip { round_trip_us: i64 },
    /// The camera's counters.
    Telemetry { camera_us: u64, captured: u32, encoded: u32, dropped: u32 },
    /// The session cannot go on.
    Failed { text: String },
}

impl FromPage {
    /// Reads what the page said.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("its page said {text:.200}: {error}"))
    }
}

/// An `RTCIceCandidate`. Of a remote one that it was not told of nothing may be known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageCandidate {
    #[serde(rename = "type")]
    kind: Option<String>,
    address: Option<String>,
    port: Option<u16>,
}

impl PageCandidate {
    pub(super) fn candidate(&self) -> Candidate {
        let kind = match self.kind.as_deref() {
            Some("srflx") => CandidateKind::ServerReflexive,
            Some("prflx") => CandidateKind::PeerReflexive,
            Some("relay") => CandidateKind::Relayed,
            // There is but `host` left.
            _ => CandidateKind::Host,
        };
        // Chromium does not tell a page the address of a peer-reflexive candidate: `redacted-ip.invalid`.
        let is_address = |text: &&str| text.parse::<IpAddr>().is_ok();
        let address = self.address.as_deref().filter(is_address).unwrap_or("?");
        Candidate { kind, address: format!("{address}:{}", self.port.unwrap_or(0)) }
    }
}

/// A frame as it was decoded: I420.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagePicture {
    width: u16,
    height: u16,
    planes: Vec<Plane>,
    i420: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plane {
    offset: usize,
    stride: usize,
}

impl PagePicture {
    pub(super) fn picture(&self) -> Option<Picture> {
        let bytes = parallax_agent::from_text(&self.i420).ok()?;
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let plane = |at: usize, width: usize, height: usize| {
            let Plane { offset, stride } = self.planes.get(at)?;
            let row = |row: usize| bytes.get(offset + row * stride..)?.get(..width);
            Some((0..height).map(row).collect::<Option<Vec<_>>>()?.concat())
        };
        let (y, [u, v]) =
            (plane(0, width, height)?, [1, 2].map(|at| plane(at, width / 2, height / 2)));
        let size = Size { width: self.width, height: self.height };
        Picture::from_planes(size, y, u?, v?)
    }
}

/// Of `RTCInboundRtpStreamStats`, all since the session began.
#[derive(Debug, Deserialize)]
pub(super) struct PageStats {
    pub(super) packets_received: u64,
    pub(super) packets_lost: i64,
    pub(super) nacks: u64,
    pub(super) key_frames_asked: u64,
    pub(super) frames_received: u64,
    pub(super) frames_decoded: u64,
    pub(super) key_frames_decoded: u64,
    pub(super) frames_dropped: u64,
    pub(super) freezes: u64,
    /// Seconds, in sum.
    pub(super) jitter_buffer_s: f64,
    /// Number of frames.
    pub(super) jitter_buffer_frames: u64,
    /// Seconds, in sum.
    pub(super) decode_s: f64,
}

/// The mean of a sum in seconds, microseconds; none of none.
pub(super) fn mean_us(sum_s: f64, count: u64) -> Option<u64> {
    (count > 0).then(|| (sum_s * 1e6 / count as f64).round().max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_of_which_session_and_when_and_what() {
        let text = r#"{"kind":"ice","at_ms":12.5,"session":"doorbell/1","state":"checking"}"#;
        let of: Of = serde_json::from_str(text).expect("it says whose it is");
        assert_eq!((of.at_ms, of.session.as_str()), (12.5, "doorbell/1"));
        assert!(matches!(FromPage::read(text), Ok(FromPage::Ice { state }) if state == "checking"));
        assert!(FromPage::read(r#"{"kind":"song"}"#).is_err());
    }

    #[test]
    fn a_candidate_is_of_a_kind_and_one_of_which_nothing_is_known_has_no_address() {
        let read = |text: &str| -> Candidate {
            serde_json::from_str::<PageCandidate>(text).expect("a candidate").candidate()
        };
        let relayed = read(r#"{"type":"relay","address":"198.51.100.7","port":49152}"#);
        assert_eq!(relayed.kind, CandidateKind::Relayed);
        assert_eq!(relayed.address, "198.51.100.7:49152");
        let unknown = read(r#"{"type":"prflx","address":"redacted-ip.invalid","port":2753}"#);
        assert_eq!(unknown.kind, CandidateKind::PeerReflexive);
        assert_eq!(unknown.address, "?:2753");
        assert_eq!(read(r#"{"type":"host","address":null,"port":null}"#).address, "?:0");
    }

    #[test]
    fn a_picture_is_read_from_its_planes_whatever_lies_between_them() {
        // 16x16: rows of luma are 18 bytes apart, and a byte lies before each plane of chroma.
        let luma = (0..16).flat_map(|row: u8| [[row; 16].to_vec(), vec![99; 2]].concat());
        let bytes = [luma.collect(), vec![99], vec![5; 64], vec![99], vec![7; 64]].concat();
        let picture = PagePicture {
            width: 16,
            height: 16,
            planes: [(0, 18), (289, 8), (354, 8)]
                .map(|(offset, stride)| Plane { offset, stride })
                .into(),
            i420: parallax_agent::to_text(&bytes),
        };
        let read = picture.picture().expect("it is whole");
        let rows: Vec<u8> = read.y().chunks(16).map(|row| row[0]).collect();
        assert_eq!(rows, (0..16).collect::<Vec<u8>>());
        assert!(!read.y().contains(&99));
        assert_eq!((read.u(), read.v()), (&[5; 64][..], &[7; 64][..]));
        let cut = PagePicture { i420: parallax_agent::to_text(&bytes[..417]), ..picture };
        assert_eq!(cut.picture(), None);
    }
}
