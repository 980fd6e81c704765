//! Whether any run could pass a check: peers boot, and may be without power.

use super::check::CheckDraft;
use crate::{
    error::Rank,
    replacement::Boots,
    scenario::Peer,
    table::Reader,
    units::{Size, format_duration},
};
use core::time::Duration;
use parallax_record::Predicate;
use parallax_spec::{Action, ScriptedEvent};

/// A boot takes the same time whatever is filmed.
const ANY: Size = Size { width: 1, height: 1 };

/// A part of the run, `from` included, `to` not.
type Part = (Duration, Duration);

/// What a stream needs to run.
struct Stream<'a> {
    camera: &'a Peer,
    viewer: &'a Peer,
    events: &'a [ScriptedEvent],
}

/// Refuses a check that no run could pass, since camera or viewer does not run in time.
pub(super) fn could_pass(
    reader: &mut Reader,
    draft: &CheckDraft,
    (peers, events, duration): (&[Peer], &[ScriptedEvent], Duration),
    boots: Boots,
) {
    let check = &draft.check;
    for (camera, viewer) in streams(peers) {
        if !check.streams.selects(&camera.name, &viewer.name) {
            continue;
        }
        let stream = Stream { camera, viewer, events };
        let from = check.window.from_us.map_or(Duration::ZERO, Duration::from_micros);
        let to = check.window.to_us.map_or(duration, Duration::from_micros);
        if let Some(problem) = stream.problem(draft, (from, to), to == duration, boots) {
            let help = "let the run take longer, widen the bound or the window, or name a device that boots \
                        faster";
            reader.note(Rank::Whole, &draft.demand, &problem, "could never pass", help);
            return;
        }
    }
}

fn streams(peers: &[Peer]) -> impl Iterator<Item = (&Peer, &Peer)> {
    let find = |name: &String| peers.iter().find(|peer| peer.name == *name);
    peers.iter().flat_map(move |viewer| {
        let cameras = viewer.viewer.iter().flat_map(|viewer| &viewer.cameras);
        cameras.filter_map(find).map(move |camera| (camera, viewer))
    })
}

impl Stream<'_> {
    /// Why no run could pass the check; none if one might.
    fn problem(
        &self,
        draft: &CheckDraft,
        window: Part,
        whole: bool,
        boots: Boots,
    ) -> Option<String> {
        let window = match &draft.check.predicate {
            Predicate::Recovery { after, .. } => (self.end_of(after)?.0, window.1),
            _ => window,
        };
        let both = overlaps(&self.runs(self.camera), &self.runs(self.viewer));
        let both = overlaps(&both, &[window]);
        let Some((first, _)) = both.first().copied() else {
            return Some(self.never(window, whole));
        };
        let bounds = boots == Boots::Unpassable;
        match &draft.check.predicate {
            // `within` takes its bound in, `below` leaves it out.
            Predicate::Connects { within_us: bound } if bounds => {
                self.too_late(Duration::from_micros(*bound), window.0, first, true)
            }
            Predicate::TimeToFirstFrame { below_us: bound } if bounds => {
                self.too_late(Duration::from_micros(*bound), window.0, first, false)
            }
            Predicate::Connects { .. } | Predicate::TimeToFirstFrame { .. } => None,
            Predicate::Recovery { after, within_us } => {
                let (end, over) = self.end_of(after)?;
                let bound = Duration::from_micros(*within_us);
                (bounds && first > end && first > over + bound).then(|| {
                    format!(
                        "`{after}` is over at {} at the latest, and `{}` and `{}` both run from {} on at the \
                         earliest: later than {}",
                        format_duration(over),
                        self.camera.name,
                        self.viewer.name,
                        format_duration(first),
                        format_duration(bound)
                    )
                })
            }
            _ => self.too_few(draft.check.minimum_sample, &both),
        }
    }

    /// When a peer may run: a boot takes its least time. A viewer is of no use before it asks.
    fn runs(&self, peer: &Peer) -> Vec<Part> {
        let boot = peer.profile.boot_time.shortest(ANY);
        let mut runs = Vec::new();
        let mut powered = Some(Duration::ZERO);
        for event in self.events.iter().filter(|event| takes_power(event, peer)) {
            runs.extend(powered.map(|since| (since + boot, event.at())));
            powered = event.lasts().map(|lasts| event.at() + lasts);
        }
        runs.extend(powered.map(|since| (since + boot, Duration::MAX)));
        overlaps(&runs, &[(asks_at(peer), Duration::MAX)])
    }

    /// When an event ends, and when it is over at the latest: a peer that lost its power boots first.
    fn end_of(&self, name: &str) -> Option<Part> {
        let event = self.events.iter().find(|event| event.name == *name)?;
        let end = event.at() + event.lasts().unwrap_or_default();
        let booting = [self.camera, self.viewer].into_iter().find(|peer| takes_power(event, peer));
        let boot = booting.map_or(Duration::ZERO, |peer| peer.profile.boot_time.longest(ANY));
        Some((end, end + boot))
    }

    fn never(&self, window: Part, whole: bool) -> String {
        let ends = if whole { "the run" } else { "its window" };
        for peer in [self.camera, self.viewer] {
            if overlaps(&self.runs(peer), &[window]).is_empty() {
                let before =
                    |event: &&ScriptedEvent| takes_power(event, peer) && event.at() < window.1;
                let (name, device) = (&peer.name, &peer.profile.name);
                let boot = format_duration(peer.profile.boot_time.shortest(ANY));
                let end = format_duration(window.1);
                if asks_at(peer) >= window.1 {
                    let asks = format_duration(asks_at(peer));
                    return format!("`{name}` first asks at {asks}, and {ends} ends at {end}");
                }
                return match self.events.iter().rfind(before) {
                    None => format!(
                        "`{name}` (`{device}`) boots for {boot} at least, and {ends} ends at {end}"
                    ),
                    Some(event) if event.lasts_us.is_none() => {
                        format!("`{name}` has no power after `{}`", event.name)
                    }
                    Some(event) => format!(
                        "`{name}` boots for {boot} at least after `{}`, and {ends} ends at {end}",
                        event.name
                    ),
                };
            }
        }
        let (camera, viewer) = (&self.camera.name, &self.viewer.name);
        format!("`{camera}` and `{viewer}` never run at the same time before {ends} ends")
    }

    /// From the viewer's request to what must happen: both run at `first` at the earliest.
    fn too_late(
        &self,
        bound: Duration,
        from: Duration,
        first: Duration,
        bound_included: bool,
    ) -> Option<String> {
        let boot = &self.viewer.profile.boot_time;
        let asks_at = asks_at(self.viewer);
        // Only the viewer's first request comes at a time that is known.
        if from > boot.shortest(ANY).max(asks_at)
            || self.events.iter().any(|event| takes_power(event, self.viewer))
        {
            return None;
        }
        let asked = boot.longest(ANY).max(asks_at);
        (first > asked + bound || !bound_included && first == asked + bound).then(|| {
            format!(
                "`{}` asks for `{}` at {} at the latest, and both run from {} on at the earliest: later than {}",
                self.viewer.name,
                self.camera.name,
                format_duration(asked),
                format_duration(first),
                format_duration(bound)
            )
        })
    }

    /// A sample that is too small whatever happens.
    fn too_few(&self, needed: u64, both: &[Part]) -> Option<String> {
        let rate = self.camera.camera.as_ref()?.config.frames_per_second;
        let time: Duration = both.iter().map(|(from, to)| *to - *from).sum();
        let frames = time.as_nanos() * u128::from(rate) / 1_000_000_000;
        (frames < u128::from(needed)).then(|| {
            format!(
                "it needs {needed} frames, and `{}` and `{}` both run for {} of its window at most: {frames} frames",
                self.camera.name,
                self.viewer.name,
                format_duration(time)
            )
        })
    }
}

/// When a viewer first asks; of a camera, the beginning of the run.
fn asks_at(peer: &Peer) -> Duration {
    peer.viewer.as_ref().map_or(Duration::ZERO, |viewer| viewer.asks_at)
}

fn takes_power(event: &ScriptedEvent, peer: &Peer) -> bool {
    matches!(&event.action, Action::PowerLoss { peer: of } if *of == peer.name)
}

/// What two lists of parts have in common; each is in the order of time.
fn overlaps(one: &[Part], other: &[Part]) -> Vec<Part> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1))));
    pairs.filter(|(from, to)| from < to).collect()
}
