//! Whether peers and checks go together.

use super::{addresses::Placed, boot, check::CheckDraft, peer::PeerDraft};
use crate::{
    error::Rank,
    replacement::Boots,
    scenario::Peer,
    synonyms::{instead, quoted},
    table::{Place, Reader},
    units::{Size, format_duration, shown},
};
use core::time::Duration;
use parallax_record::{CandidateKind, Check, LossBound, Predicate, Route, Subject};
use parallax_spec::{Action, ScriptedEvent, Services, SignallingProtocol, Stream};

/// A gap between two frames that is no longer is no freeze, by the rule of webrtc-stats.
const SHORTEST_FREEZE_US: u64 = 150_000;

/// Refuses viewers of what is no camera or too much for them, and cameras that nobody views.
pub(super) fn peers(reader: &mut Reader, peers: &[Peer], drafts: &[PeerDraft]) -> Option<()> {
    let before = reader.problems.len();
    for draft in drafts {
        let Some(viewer) = &draft.viewer else { continue };
        for (name, place) in viewer.cameras.iter().zip(&draft.views) {
            view(reader, peers, draft, name, place);
        }
    }
    if reader.problems.len() > before {
        // A camera may lack a viewer because its name is misspelt there.
        return None;
    }
    let viewed = |name: &String| {
        let mut viewers = drafts.iter().filter_map(|draft| draft.viewer.as_ref());
        viewers.any(|viewer| viewer.cameras.contains(name))
    };
    for draft in drafts.iter().filter(|draft| draft.camera.is_some()) {
        if !viewed(&draft.name) {
            let help =
                format!("add `views = [\"{}\"]` to another peer, or remove this one", draft.name);
            reader.note(
                Rank::Whole,
                &draft.place,
                "nobody views this camera",
                "a camera without a viewer",
                help,
            );
        }
    }
    (reader.problems.len() == before).then_some(())
}

fn view(reader: &mut Reader, peers: &[Peer], draft: &PeerDraft, name: &str, place: &Place) {
    let cameras = || peers.iter().filter(|peer| peer.camera.is_some() && peer.name != draft.name);
    let names = || cameras().map(|peer| peer.name.as_str());
    let all = match quoted(names()) {
        none if none.is_empty() => "there is no other camera in this scenario".to_owned(),
        all => format!("cameras: {all}"),
    };
    let help = instead(name, names(), &all);
    let Some(peer) = peers.iter().find(|peer| peer.name == name) else {
        let message = format!("there is no peer {}", shown(name));
        return reader.note(Rank::Whole, place, &message, "no such peer", help);
    };
    if peer.name == draft.name {
        return reader.note(Rank::Whole, place, "a peer does not view itself", "itself", help);
    }
    let Some(camera) = &peer.camera else {
        let message = format!("`{name}` is not a camera");
        return reader.note(Rank::Whole, place, &message, "a viewer itself", help);
    };
    let Some(ability) = &draft.profile.viewer else { return };
    if let Some((_, asked, most)) = ability.decoder.exceeded(&camera.config).into_iter().next() {
        let message = format!("`{name}` sends {asked}, beyond the device `{}`", draft.profile.name);
        let help = format!(
            "its decoder takes up to {most}: let the camera send less, or name another profile"
        );
        reader.note(Rank::Whole, place, &message, "too much for this viewer", help);
    }
}

/// Refuses viewers that would first ask after the run's end.
pub(super) fn requests(
    reader: &mut Reader,
    drafts: &[PeerDraft],
    duration: Duration,
) -> Option<()> {
    let mut sound = Some(());
    for draft in drafts {
        let Some(viewer) = draft.viewer.as_ref().filter(|viewer| viewer.asks_at >= duration) else {
            continue;
        };
        sound = None;
        let message =
            format!("the viewer first asks at {}, after the run", format_duration(viewer.asks_at));
        let help =
            format!("ask before `{}`, or let the run take longer", format_duration(duration));
        reader.note(Rank::Whole, &draft.asks_at, &message, "not within the run", help);
    }
    sound
}

/// Refuses checks that judge no stream, or that could not be judged within the run.
pub(super) fn checks(
    reader: &mut Reader,
    drafts: Vec<CheckDraft>,
    (duration, boots): (Duration, Boots),
    events: &[ScriptedEvent],
    placed: &Placed,
) -> Option<Vec<Check>> {
    let before = reader.problems.len();
    let Placed { peers, services, .. } = placed;
    for draft in &drafts {
        let sound_so_far = reader.problems.len();
        let sound = stream(reader, draft, peers).and_then(|()| window(reader, draft, duration));
        if let Some(window) = sound {
            reachable(reader, draft, window, duration);
            countable(reader, draft, window, peers);
            sample(reader, draft, window, peers);
            relay(reader, draft, services);
            recovery(reader, draft, events, peers, duration);
            // Told once: what is wrong by itself is wrong before anything boots.
            if boots != Boots::Unknown && reader.problems.len() == sound_so_far {
                boot::could_pass(reader, draft, (peers, events, duration), boots);
            }
        }
    }
    (reader.problems.len() == before).then(|| drafts.into_iter().map(|draft| draft.check).collect())
}

fn streams(peers: &[Peer]) -> impl Iterator<Item = Stream> {
    peers.iter().flat_map(|peer| {
        let cameras = peer.viewer.iter().flat_map(|viewer| &viewer.cameras);
        cameras.map(|camera| Stream { camera: camera.clone(), viewer: peer.name.clone() })
    })
}

fn stream(reader: &mut Reader, draft: &CheckDraft, peers: &[Peer]) -> Option<()> {
    let selection = &draft.check.streams;
    let cameras: Vec<_> =
        peers.iter().filter(|peer| peer.camera.is_some()).map(|peer| peer.name.as_str()).collect();
    let viewers: Vec<_> =
        peers.iter().filter(|peer| peer.viewer.is_some()).map(|peer| peer.name.as_str()).collect();
    for (what, name, place, known) in [
        ("camera", &selection.camera, &draft.camera, &cameras),
        ("viewer", &selection.viewer, &draft.viewer, &viewers),
    ] {
        let Some(name) = name else { continue };
        if !known.contains(&name.as_str()) {
            return reader.refuse_name(place, what, name, known.iter().copied());
        }
    }
    if !streams(peers).any(|stream| selection.selects(&stream.camera, &stream.viewer)) {
        let all =
            streams(peers).map(|stream| format!("`{}` to `{}`", stream.camera, stream.viewer));
        let help = format!("streams: {}", all.collect::<Vec<_>>().join(", "));
        return reader.refuse(
            Rank::Whole,
            &draft.viewer,
            "this viewer does not view this camera",
            "no such stream",
            help,
        );
    }
    Some(())
}

/// The window's length, microseconds.
fn window(reader: &mut Reader, draft: &CheckDraft, duration: Duration) -> Option<u64> {
    let end = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let help = format!("the run goes from `0s` to `{}`", format_duration(duration));
    let from = draft.check.window.from_us.unwrap_or(0);
    let to = draft.check.window.to_us.unwrap_or(end);
    let (place, message, label, help) = if from >= end {
        (&draft.from, "the window begins when the run is over", "too late", help.as_str())
    } else if to > end {
        (&draft.to, "the window ends after the run", "too late", help.as_str())
    } else if to <= from {
        let help = "let `to` be after `from`";
        (&draft.to, "the window ends before it begins", "too early", help)
    } else {
        return Some(to - from);
    };
    reader.refuse(Rank::Whole, place, message, label, help)
}

/// Refuses a bound that no run can break: one that outlasts the window, or the run where freezes count whole.
fn reachable(reader: &mut Reader, draft: &CheckDraft, window_us: u64, duration: Duration) {
    let predicate = &draft.check.predicate;
    let window = Duration::from_micros(window_us);
    let (bound_us, of, most, help) = match predicate {
        Predicate::LongestFreeze { below_us }
        | Predicate::Freezes { total_below_us: Some(below_us), .. } => {
            let help = "lower the bound, or let the run take longer";
            (Some(*below_us), "run", duration, help)
        }
        _ => {
            let help = "lower the bound, widen the window, or let the run take longer";
            (predicate.bound_us(), "window", window, help)
        }
    };
    if bound_us.is_some_and(|bound| Duration::from_micros(bound) > most) {
        let message =
            format!("the bound is longer than the {of}, which is {}", format_duration(most));
        reader.note(Rank::Whole, &draft.demand, &message, "could never fail", help);
    }
}

/// Refuses a number that nothing in the window can exceed.
fn countable(reader: &mut Reader, draft: &CheckDraft, window_us: u64, peers: &[Peer]) {
    let Check { predicate, streams: selection, .. } = &draft.check;
    let (bound, most, what) = match predicate {
        Predicate::FramesLost { at_most: LossBound::Count { frames } } => {
            let selected = streams(peers).filter(|one| selection.selects(&one.camera, &one.viewer));
            let captured = selected.filter_map(|one| frames_in(window_us, &one.camera, peers));
            (*frames, captured.max().map_or(0, |frames| frames + 1), "frames")
        }
        // With a bound on their sum, any number may be right.
        Predicate::Freezes { count_at_most, total_below_us: None } => {
            (*count_at_most, window_us / SHORTEST_FREEZE_US + 2, "freezes")
        }
        _ => return,
    };
    if bound >= most {
        let message = format!("the window holds at most {most} {what}");
        let help = "lower the bound: a check that cannot fail says nothing";
        reader.note(Rank::Whole, &draft.demand, &message, "could never fail", help);
    }
}

/// How many frames of a camera a window holds.
fn frames_in(window_us: u64, camera: &str, peers: &[Peer]) -> Option<u64> {
    let camera = peers.iter().find(|peer| peer.name == camera)?.camera.as_ref()?;
    let frames = u128::from(window_us) * u128::from(camera.config.frames_per_second) / 1_000_000;
    u64::try_from(frames).ok()
}

/// Refuses a minimum sample that the window does not hold.
fn sample(reader: &mut Reader, draft: &CheckDraft, window_us: u64, peers: &[Peer]) {
    let Check { predicate, streams: selection, minimum_sample, .. } = &draft.check;
    if matches!(predicate.kind().subject(), Subject::Request | Subject::Event) {
        return;
    }
    for stream in streams(peers).filter(|stream| selection.selects(&stream.camera, &stream.viewer))
    {
        let Some(frames) = frames_in(window_us, &stream.camera, peers) else { continue };
        if *minimum_sample > frames {
            let message = format!(
                "it needs {minimum_sample} frames, and the window holds {frames} of `{}`",
                stream.camera
            );
            let help = "widen the window, or ask for a smaller `minimum_sample`";
            return reader.note(Rank::Whole, &draft.sample, &message, "always inconclusive", help);
        }
    }
}

/// Refuses to wait for the end of an event that there is not, or that comes too late.
fn recovery(
    reader: &mut Reader,
    draft: &CheckDraft,
    events: &[ScriptedEvent],
    peers: &[Peer],
    duration: Duration,
) {
    let Predicate::Recovery { after, within_us } = &draft.check.predicate else { return };
    let Some(event) = events.iter().find(|event| event.name == *after) else {
        let names = events.iter().map(|event| event.name.as_str());
        let _: Option<()> = reader.refuse_name(&draft.demand, "event", after, names);
        return;
    };
    if event.lasts_us.is_none() && event.action.condition().is_some() {
        let message = format!("`{after}` goes on to the end: nothing recovers");
        let help = format!("let `{after}` last for a time: `lasts = \"1s\"`");
        return reader.note(Rank::Whole, &draft.demand, &message, "could never pass", help);
    }
    let ends = event.at() + event.lasts().unwrap_or_default();
    if draft.check.window.from_us.is_some_and(|from| Duration::from_micros(from) > ends) {
        let message = format!("`{after}` ends at {}, before the window", format_duration(ends));
        let help = "remove `from`: recovery is counted from when the event is over";
        return reader.note(Rank::Whole, &draft.from, &message, "too late", help);
    }
    let boots = match &event.action {
        Action::PowerLoss { peer } => {
            let peer = peers.iter().find(|candidate| candidate.name == *peer);
            peer.map_or(Duration::ZERO, |peer| {
                peer.profile.boot_time.longest(Size { width: 1, height: 1 })
            })
        }
        _ => Duration::ZERO,
    };
    let over = ends + boots;
    let end = draft.check.window.to_us.map_or(duration, Duration::from_micros);
    if over + Duration::from_micros(*within_us) > end {
        let message = format!(
            "`{after}` is over at {} at the latest, and the window ends at {}",
            format_duration(over),
            format_duration(end)
        );
        let help = "lower the bound, let the event be earlier, or let the run take longer";
        reader.note(Rank::Whole, &draft.demand, &message, "could never fail", help);
    }
}

/// Refuses viewers that could not ask their cameras: who has no Internet reaches no rendezvous, and
/// without a rendezvous a camera must have an address that its viewer reaches.
pub(super) fn signalling(reader: &mut Reader, placed: &Placed, drafts: &[PeerDraft]) -> Option<()> {
    for draft in drafts {
        whip(reader, placed, draft)?;
    }
    let joined = |name: &str| {
        let site = placed.sites.iter().find(|site| site.name == name);
        site.map(|site| (site.up.is_some(), site.gateway.is_some()))
    };
    for draft in drafts {
        let (internet, _) = joined(&draft.site.0)?;
        if placed.services.rendezvous.is_some() && !internet {
            let message =
                format!("its site `{}` has no Internet, and the rendezvous is there", draft.site.0);
            let help = "write `[services]` with `rendezvous = false`: then viewers ask the camera \
                        itself";
            return reader.refuse(
                Rank::Whole,
                &draft.site.1,
                &message,
                "no way to the rendezvous",
                help,
            );
        }
        let Some(viewer) = draft.viewer.as_ref().filter(|_| placed.services.rendezvous.is_none())
        else {
            continue;
        };
        for (name, place) in viewer.cameras.iter().zip(&draft.views) {
            let camera = placed.peers.iter().find(|peer| peer.name == *name)?;
            let (camera_internet, camera_gateway) = joined(&camera.site)?;
            let public = internet && camera_internet && !camera_gateway;
            if camera.site != draft.site.0 && !public {
                let message = format!(
                    "without a rendezvous it has to reach `{name}` itself, whose address is \
                     private to the site `{}`",
                    camera.site
                );
                let help = "put both in one site, or let the rendezvous run";
                return reader.refuse(Rank::Whole, place, &message, "out of reach", help);
            }
        }
    }
    Some(())
}

/// Refuses a camera that pushes by WHIP without a rendezvous, or to several viewers.
fn whip(reader: &mut Reader, placed: &Placed, draft: &PeerDraft) -> Option<()> {
    if draft
        .camera
        .as_ref()
        .is_none_or(|camera| camera.config.signalling != SignallingProtocol::Whip)
    {
        return Some(());
    }
    let views = |peer: &&Peer| peer.viewer.iter().any(|it| it.cameras.contains(&draft.name));
    let viewers: Vec<&str> = placed.peers.iter().filter(views).map(|it| it.name.as_str()).collect();
    let (message, what, help) = if placed.services.rendezvous.is_none() {
        let message = "a camera pushes by WHIP to the rendezvous, and there is none".to_owned();
        let help = "let the rendezvous run, or write `signalling = \"websocket\"`";
        (message, "no rendezvous", help)
    } else if let [first, second, ..] = viewers[..] {
        let message = format!(
            "a camera pushes by WHIP to one viewer, and both `{first}` and `{second}` view it"
        );
        (message, "several viewers", "leave it one viewer, or write `signalling = \"websocket\"`")
    } else {
        return Some(());
    };
    reader.refuse(Rank::Whole, &draft.signalling, &message, what, help)
}

/// Refuses to demand a relay where there is none.
fn relay(reader: &mut Reader, draft: &CheckDraft, services: &Services) {
    let Predicate::Path { route, local, remote } = draft.check.predicate else { return };
    let relayed = Some(CandidateKind::Relayed);
    if services.turn.is_none()
        && (route == Some(Route::Relayed) || local == relayed || remote == relayed)
    {
        let help = "let `turn` run in `[services]`, or demand another path";
        reader.note(
            Rank::Whole,
            &draft.demand,
            "no TURN server runs in this scenario",
            "could never pass",
            help,
        );
    }
}
