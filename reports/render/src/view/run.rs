//! A run in full, from its record.

use super::{
    BoundKind, Drops, LinkCapacity, MadeBy, MissedBound, StreamView, bound, budget, network,
};
use crate::{escape::tame, input::Detail};
use parallax_record::{BytesSummary, Event, Record, Summary, Timeline};
use std::collections::BTreeMap;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// What the scenario did to the run.
    Event,
    /// A gateway made a mapping.
    MappingCreated,
    /// A gateway forgot a mapping.
    MappingExpired,
}

/// Something that happened to the run, beside its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What kind.
    pub kind: MarkKind,
    /// When it began, microseconds.
    pub from_us: u64,
    /// When it was over, if it lasted.
    pub to_us: Option<u64>,
    /// At which node.
    pub node: String,
    /// What, in a few words.
    pub text: String,
}

/// A frame that the viewer showed, beside what the camera saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPicture {
    /// Which stream.
    pub camera: String,
    /// Which stream.
    pub viewer: String,
    /// The camera's boot.
    pub boot: u32,
    /// The frame's number.
    pub frame: u32,
    /// Its luma PSNR.
    pub psnr_millidb: u32,
    /// As the viewer showed it, PNG; none if it was not kept.
    pub received: Option<Vec<u8>>,
    /// As the camera saw it, PNG; none if it was not kept.
    pub source: Option<Vec<u8>>,
}

/// A run in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Which run of the report, from 0.
    pub run: usize,
    /// How long it lasted.
    pub duration_us: u64,
    /// What produced its figures.
    pub made_by: MadeBy,
    /// What happened to it, in the order of time.
    pub marks: Vec<Mark>,
    /// How many mappings of gateways are not among the marks.
    pub mappings_left_out: usize,
    /// Its streams, as many as are shown with their plots.
    pub streams: Vec<StreamView>,
    /// How many streams it has beside these.
    pub streams_left_out: usize,
    /// The bounds of its checks that did not pass.
    pub bounds: Vec<MissedBound>,
    /// Its links.
    pub links: Vec<LinkCapacity>,
    /// What its links did, every 200 ms; empty in records that do not tell.
    pub loads: Vec<parallax_record::LinkTimeline>,
    /// Packets dropped, by node and cause, in the intervals of the streams.
    pub drops: BTreeMap<String, Drops>,
    /// Bytes by the kind of node at the other end.
    pub bytes: BytesSummary,
    /// Its worst frames.
    pub pictures: Vec<ShownPicture>,
    /// Where each peer stands: the site's name by the peer's.
    pub sites: BTreeMap<String, String>,
}

impl Run {
    /// From its record.
    #[must_use]
    pub fn of(run: usize, summary: &Summary, detail: &Detail) -> Self {
        let record = &detail.record;
        let timeline = Timeline::of(record);
        let chosen = budget::streams(summary);
        let streams: Vec<StreamView> = chosen
            .iter()
            .filter_map(|at| Some(StreamView::of(timeline.streams.get(*at)?, record)))
            .collect();
        let (marks, mappings_left_out) = marks(record);
        Self {
            run,
            duration_us: record.header.duration_us,
            made_by: MadeBy::of(summary),
            marks,
            mappings_left_out,
            streams_left_out: timeline.streams.len() - streams.len(),
            streams,
            bounds: bound::bounds(summary, record, &timeline),
            links: network::links(&record.header),
            loads: parallax_record::links(record),
            drops: network::drops(record),
            bytes: summary.bytes,
            pictures: pictures(summary, detail),
            sites: record
                .header
                .peers
                .iter()
                .map(|peer| (peer.name.clone(), peer.site.clone()))
                .collect(),
        }
    }

    /// The bounds of a stream's checks that did not pass, of one kind.
    pub(crate) fn bounds<'a>(
        &'a self,
        stream: &'a StreamView,
        kind: BoundKind,
    ) -> impl Iterator<Item = &'a MissedBound> {
        let own = move |bound: &&MissedBound| {
            bound.camera == stream.camera && bound.viewer == stream.viewer
        };
        self.bounds.iter().filter(move |bound| bound.kind == kind).filter(own)
    }

    /// The link that a peer's site sends on, if it has one.
    #[must_use]
    pub fn up_link(&self, peer: &str) -> Option<&LinkCapacity> {
        let node = format!("link/{}/up", self.sites.get(peer)?);
        self.links.iter().find(|link| link.node == node)
    }
}

/// The marks of a run, and how many mappings are not among them.
fn marks(record: &Record) -> (Vec<Mark>, usize) {
    let mut marks = Vec::new();
    for event in &record.header.events {
        marks.push(Mark {
            kind: MarkKind::Event,
            from_us: event.at_us,
            to_us: event.lasts_us.map(|lasts| event.at_us.saturating_add(lasts)),
            node: event.action.node(),
            text: tame(&format!("{}: {}", event.name, event.action)),
        });
    }
    let mut mappings = 0;
    for entry in &record.entries {
        let (kind, verb, transport, internal, external) = match &entry.event {
            Event::MappingCreated { transport, internal, external } => {
                (MarkKind::MappingCreated, "mapped", transport, internal, external)
            }
            Event::MappingExpired { transport, internal, external } => {
                (MarkKind::MappingExpired, "forgot", transport, internal, external)
            }
            _ => continue,
        };
        mappings += 1;
        if mappings > budget::MAPPINGS {
            continue;
        }
        marks.push(Mark {
            kind,
            from_us: entry.run_ns / 1_000,
            to_us: None,
            node: entry.node.clone(),
            text: tame(&format!("{} {verb} {transport} {internal} = {external}", entry.node)),
        });
    }
    marks.sort_by_key(|mark| mark.from_us);
    (marks, mappings.saturating_sub(budget::MAPPINGS))
}

fn pictures(summary: &Summary, detail: &Detail) -> Vec<ShownPicture> {
    let mut pictures = Vec::new();
    for stream in &summary.streams {
        for worst in &stream.worst_frames {
            let [received, source] = worst
                .files(&stream.camera, &stream.viewer)
                .map(|file| detail.pictures.get(&file).cloned());
            pictures.push(ShownPicture {
                camera: stream.camera.clone(),
                viewer: stream.viewer.clone(),
                boot: worst.boot,
                frame: worst.frame,
                psnr_millidb: worst.psnr_millidb,
                received,
                source,
            });
        }
    }
    pictures
}
