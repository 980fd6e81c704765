//! Frames of a camera that tells nothing, from the RTP packets that leave it. A pure core.
//!
//! RTP headers are in the clear (RFC 3711 section 3.1). A frame is the packets of one timestamp; which of a camera's streams
//! is the video, the timestamps say that its viewer tells of.

use crate::rtp::Rtp;
use parallax_record::{Entry, Event, Session};
use std::collections::{BTreeMap, BTreeSet};

/// Frames that are remembered, at most, and packets that were sent again: more than nine hours of 30 in a second.
const FRAMES_MOST: usize = 1 << 20;

/// The packets of one timestamp.
#[derive(Clone, Copy, Debug)]
struct Left {
    first_ns: u64,
    last_ns: u64,
    packets: u32,
    bytes: u32,
}

/// All that left a camera.
#[derive(Clone, Debug, Default)]
pub(super) struct SentFrames {
    /// By source and timestamp.
    frames: BTreeMap<(u32, u32), Left>,
    /// Packets that were sent again: by which source, when, and of which timestamp.
    resent: Vec<(u32, u64, u32)>,
    /// The newest number of each source.
    newest: BTreeMap<u32, u16>,
}

impl SentFrames {
    /// Takes a packet of this many bytes that left at a time.
    pub(super) fn take(&mut self, at_ns: u64, packet: Rtp, bytes: usize) {
        // A source beyond these has frames beyond them.
        if self.newest.len() >= FRAMES_MOST && !self.newest.contains_key(&packet.ssrc) {
            return;
        }
        let newest = self.newest.entry(packet.ssrc).or_insert(packet.sequence.wrapping_sub(1));
        if packet.sequence.wrapping_sub(*newest).cast_signed() <= 0 {
            if self.resent.len() < FRAMES_MOST {
                self.resent.push((packet.ssrc, at_ns, packet.timestamp));
            }
            return;
        }
        *newest = packet.sequence;
        let key = (packet.ssrc, packet.timestamp);
        if self.frames.len() >= FRAMES_MOST && !self.frames.contains_key(&key) {
            return;
        }
        let left = Left { first_ns: at_ns, last_ns: at_ns, packets: 0, bytes: 0 };
        let frame = self.frames.entry(key).or_insert(left);
        frame.last_ns = at_ns;
        frame.packets += 1;
        frame.bytes = frame.bytes.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// What the camera would have told: each frame that left, captured and encoded at the latest then. `told` is all that
    /// others told.
    pub(super) fn events(&self, camera: &str, told: &[Entry]) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut frames = Vec::new();
        for (session, sources) in self.sources(camera, told) {
            let Some((video, others)) = sources.split_first() else { continue };
            let of_video = self.frames.range((*video, 0)..=(*video, u32::MAX));
            frames.extend(of_video.map(|((_, timestamp), left)| (*left, *timestamp, session)));
            let again = self.resent.iter().filter(|(source, ..)| source == video);
            let again = again.map(|(_, at_ns, timestamp)| (*at_ns, *timestamp));
            let beside = others.iter().flat_map(|source| self.sent(*source));
            for (run_ns, rtp_timestamp) in again.chain(beside) {
                if self.frames.contains_key(&(*video, rtp_timestamp)) {
                    let event = Event::Resent { session: session.clone(), rtp_timestamp };
                    entries.push(Entry { run_ns, node: camera.to_owned(), event });
                }
            }
        }
        // Frames have the order in which they left, whatever their session.
        frames.sort_by_key(|(left, ..)| left.first_ns);
        let boots: Vec<(u64, u32)> = told.iter().filter_map(|entry| boot(camera, entry)).collect();
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        for (left, rtp_timestamp, session) in frames {
            let Left { first_ns, last_ns, packets, bytes } = left;
            let boot = boots.iter().rev().find(|(at_ns, _)| *at_ns <= first_ns);
            let boot = boot.map_or(0, |(_, boot)| *boot);
            let number = numbers.entry(boot).or_default();
            let frame = std::mem::replace(number, *number + 1);
            let (started_run_ns, camera_us) = (first_ns, first_ns / 1_000);
            let (key, qp, first_run_ns, session) = (false, None, first_ns, session.clone());
            let captured = Event::FrameCaptured { boot, frame, camera_us };
            let encoded =
                Event::FrameEncoded { boot, frame, started_run_ns, rtp_timestamp, key, bytes, qp };
            let paced = Event::FramePaced { session, rtp_timestamp, first_run_ns, packets };
            for (run_ns, event) in [(first_ns, captured), (first_ns, encoded), (last_ns, paced)] {
                entries.push(Entry { run_ns, node: camera.to_owned(), event });
            }
        }
        entries.sort_by_key(|entry| entry.run_ns);
        entries
    }

    /// The sources of each session that its viewer tells of, that with the most packets first: the others repair it.
    fn sources<'a>(&self, camera: &str, told: &'a [Entry]) -> Vec<(&'a Session, Vec<u32>)> {
        let mut heard: BTreeMap<&Session, BTreeSet<u32>> = BTreeMap::new();
        for entry in told {
            if let (Some(session), Some(timestamp)) =
                (entry.event.session(), entry.event.rtp_timestamp())
                && session.camera == camera
            {
                heard.entry(session).or_default().insert(timestamp);
            }
        }
        let mut packets: BTreeMap<u32, u64> = BTreeMap::new();
        for ((source, _), left) in &self.frames {
            *packets.entry(*source).or_default() += u64::from(left.packets);
        }
        let of = |(session, timestamps): (&'a Session, BTreeSet<u32>)| {
            let tells = |source: u32| {
                timestamps.iter().any(|timestamp| self.frames.contains_key(&(source, *timestamp)))
            };
            let mut sources: Vec<u32> =
                packets.keys().copied().filter(|source| tells(*source)).collect();
            sources.sort_by_key(|source| std::cmp::Reverse(packets.get(source)));
            (session, sources)
        };
        heard.into_iter().map(of).collect()
    }

    /// All packets of a source that repairs another, by their frames.
    fn sent(&self, source: u32) -> impl Iterator<Item = (u64, u32)> {
        let frames = self.frames.range((source, 0)..=(source, u32::MAX));
        frames.flat_map(|((_, timestamp), left)| {
            (0..left.packets).map(|_| (left.last_ns, *timestamp))
        })
    }
}

/// When a camera's software began to run, and which boot that was.
fn boot(camera: &str, entry: &Entry) -> Option<(u64, u32)> {
    match entry.event {
        Event::Started { boot } if entry.node == camera => Some((entry.run_ns, boot)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> Rtp {
        Rtp { ssrc, sequence, timestamp, marker: false }
    }

    fn session(number: u32) -> Session {
        Session { camera: "doorbell".to_owned(), viewer: "phone".to_owned(), number }
    }

    fn received(session: &Session, rtp_timestamp: u32) -> Entry {
        let (session, first_run_ns, packets) = (session.clone(), 0, 1);
        let event = Event::FrameReceived { session, rtp_timestamp, first_run_ns, packets };
        Entry { run_ns: 100, node: "phone".to_owned(), event }
    }

    fn texts(entries: &[Entry]) -> Vec<String> {
        let text = |entry: &Entry| match &entry.event {
            Event::FrameCaptured { boot, frame, .. } => {
                format!("{} captured {boot}/{frame}", entry.run_ns)
            }
            Event::FrameEncoded { frame, rtp_timestamp, bytes, .. } => {
                format!("{} encoded {frame} as {rtp_timestamp}, {bytes} bytes", entry.run_ns)
            }
            Event::FramePaced { session, rtp_timestamp, packets, .. } => {
                let number = session.number;
                format!("{} paced {rtp_timestamp} in {number}, {packets} packets", entry.run_ns)
            }
            Event::Resent { rtp_timestamp, .. } => {
                format!("{} resent {rtp_timestamp}", entry.run_ns)
            }
            other => panic!("{other:?}"),
        };
        entries.iter().map(text).collect()
    }

    #[test]
    fn packets_of_one_timestamp_are_a_frame_and_packets_that_come_again_are_resent() {
        let mut sent = SentFrames::default();
        sent.take(10, packet(7, u16::MAX, 1_000), 100);
        sent.take(12, packet(7, 0, 1_000), 50);
        sent.take(20, packet(7, 1, 4_000), 60);
        sent.take(25, packet(7, 0, 1_000), 50);
        // Repair of its own source, and sound, which no viewer tells of.
        sent.take(27, packet(8, 5, 4_000), 62);
        sent.take(28, packet(9, 5, 77), 20);
        let told = [received(&session(1), 1_000), received(&session(1), 4_000)];
        assert_eq!(
            texts(&sent.events("doorbell", &told)),
            [
                "10 captured 0/0",
                "10 encoded 0 as 1000, 150 bytes",
                "12 paced 1000 in 1, 2 packets",
                "20 captured 0/1",
                "20 encoded 1 as 4000, 60 bytes",
                "20 paced 4000 in 1, 1 packets",
                "25 resent 1000",
                "27 resent 4000",
            ]
        );
    }

    #[test]
    fn frames_are_counted_by_boot_and_belong_to_the_session_that_tells_of_them() {
        let mut sent = SentFrames::default();
        sent.take(10, packet(7, 1, 1_000), 100);
        sent.take(30, packet(8, 1, 2_000), 100);
        let started = |run_ns, boot| {
            let event = Event::Started { boot };
            Entry { run_ns, node: "doorbell".to_owned(), event }
        };
        let told = [
            started(0, 0),
            started(20, 1),
            received(&session(1), 1_000),
            received(&session(2), 2_000),
        ];
        let texts = texts(&sent.events("doorbell", &told));
        assert_eq!(texts[0], "10 captured 0/0");
        assert_eq!(texts[2], "10 paced 1000 in 1, 1 packets");
        assert_eq!(texts[3], "30 captured 1/0");
        assert_eq!(texts[5], "30 paced 2000 in 2, 1 packets");
    }

    #[test]
    fn a_camera_of_which_no_viewer_tells_has_no_frames() {
        let mut sent = SentFrames::default();
        sent.take(10, packet(7, 1, 1_000), 100);
        assert!(sent.events("doorbell", &[]).is_empty());
    }
}
