//! Scenarios that a bench's board can run.

use crate::{file::BenchBoard, place::BoardPlace};
use parallax_record::MediaMode;
use parallax_scenario::{ClipUse, Peer, PeerCondition, Profile, Scenario};

/// The peer that a board takes the place of: the camera.
pub(crate) fn camera(scenario: &Scenario) -> Option<&Peer> {
    scenario.peers.iter().find(|peer| peer.camera.is_some())
}

/// Why a scenario cannot run on a board of this profile; none: it can.
pub fn why_not(scenario: &Scenario, board: &BenchBoard, profile: &Profile) -> Option<String> {
    if let BoardPlace::Port(place) = &board.place
        && place.network.is_none()
    {
        let text = "the bench does not say where its network is: add `network = { interface = \
                    \"...\" }` to the board";
        return Some(text.to_owned());
    }
    let cameras = scenario.peers.iter().filter(|peer| peer.camera.is_some()).count();
    let Some(peer) = camera(scenario).filter(|_| cameras == 1) else {
        return Some(format!("it has {cameras} cameras, and the board is one"));
    };
    let Some(camera) = &peer.camera else { return Some("it has no camera".to_owned()) };
    if peer.viewer.is_some() {
        return Some(format!(
            "`{}` is a viewer as well, and the board is a camera alone",
            peer.name
        ));
    }
    if let BoardPlace::Program(_) = &board.place
        && scenario.services.rendezvous.is_none()
    {
        return Some("it has no rendezvous, and the program signals there".to_owned());
    }
    if profile.console.as_ref().is_some_and(|console| !console.has_shell) {
        return Some(format!(
            "a {} has no shell (`commands = \"plain\"`), and the agent is a program for one",
            profile.name
        ));
    }
    if let Some(console) = &profile.console {
        let most = console.run_timeout * console.timeout_factor_per_mille / 1_000;
        if most < scenario.duration {
            return Some(format!(
                "it lasts longer than a run on a {} may: `run_timeout` of its profile",
                profile.name
            ));
        }
    }
    if scenario.media == MediaMode::Prerecorded {
        return Some("its media are prerecorded, and a board films and encodes".to_owned());
    }
    let films_itself = matches!(board.place, BoardPlace::Program(_));
    if !matches!(camera.clip, ClipUse::Builtin(_)) && !films_itself {
        return Some(format!("the board does not have the clip {}", camera.clip.name()));
    }
    for action in scenario.events.iter().map(|event| &event.action) {
        let condition = action.condition().filter(|(of, _)| *of == peer.name);
        match (condition, &board.place) {
            (None, _) => {}
            (Some((_, PeerCondition::NoPower)), BoardPlace::Port(place))
                if place.power.is_none() =>
            {
                return Some(format!(
                    "`{}` loses its power, and the bench does not say what switches the board: add `power = {{ on \
                     = [...], off = [...] }}` to it",
                    peer.name
                ));
            }
            (Some((_, PeerCondition::NoPower)), _) => {}
            (Some(_), _) => {
                return Some(format!("{action}, and no event reaches a board but a loss of power"));
            }
        }
    }
    None
}
