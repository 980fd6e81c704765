//! Two peers that watch each other, each a camera and a viewer at once.

use crate::street::{Kept, Street, in_one_lan, run_scenario};
use parallax_record::{Record, Summary, Verdict, judge};
use parallax_scenario::{Scenario, Viewer};
use parallax_world::{SimOutcome, header};

/// A street whose camera views its viewer, which films, too.
fn both() -> Scenario {
    let mut scenario = Street { seconds: 12, ..Street::default() }.scenario();
    let [doorbell, phone] = &mut scenario.peers[..] else { panic!("two peers") };
    phone.camera = doorbell.camera.clone();
    phone.profile.camera = doorbell.profile.camera.clone();
    let viewer = phone.viewer.clone().expect("a viewer");
    doorbell.viewer = Some(Viewer { cameras: vec!["phone".to_owned()], ..viewer });
    doorbell.profile.viewer = phone.profile.viewer.clone();
    scenario
}

/// Judges the run, and holds both of its streams.
fn assert_both_stream(scenario: &Scenario) -> (Kept, SimOutcome, Summary) {
    let (kept, outcome) = run_scenario(scenario, 1);
    kept.assert_sound();
    let header = header(scenario, 1, "0.0.0");
    let record = Record::new(header, kept.entries.clone(), &outcome.packets_sha256);
    let summary = judge(&record.expect("entries in order"));
    assert_eq!((summary.verdict, &summary.faults[..]), (Verdict::Pass, &[][..]), "{summary:#?}");
    let streams: Vec<_> =
        summary.streams.iter().map(|s| (s.camera.as_str(), s.viewer.as_str())).collect();
    assert_eq!(streams, [("phone", "doorbell"), ("doorbell", "phone")]);
    assert_eq!(summary.checks.len(), 2, "the check is of each stream");
    for stream in &summary.streams {
        let frames = &stream.frames;
        let lost = frames.lost.total();
        assert_eq!(frames.captured, frames.rendered + frames.under_way + lost, "{stream:#?}");
        assert!(frames.rendered > 100 && lost < 5, "{stream:#?}\n{}", kept.story());
        assert_eq!(stream.sessions, 1);
        assert_eq!(stream.markers_unreadable, 0);
        // A source is told from the other: the clip is the same, and the marker is not.
        assert!(stream.psnr_millidb.is_some_and(|psnr| psnr > 25_000), "{stream:#?}");
    }
    (kept, outcome, summary)
}

#[test]
fn two_peers_in_two_homes_watch_each_other() {
    let (_, outcome, summary) = assert_both_stream(&both());
    assert!(summary.streams.iter().all(|stream| stream.relayed == Some(false)));
    assert!(outcome.bytes.direct > outcome.bytes.signalling && outcome.bytes.signalling > 0);
}

#[test]
fn two_peers_in_one_lan_watch_each_other_without_a_server() {
    let mut scenario = both();
    in_one_lan(&mut scenario);
    let (_, outcome, summary) = assert_both_stream(&scenario);
    assert!(summary.streams.iter().all(|stream| stream.relayed == Some(false)));
    assert!(outcome.bytes.turn == 0 && outcome.bytes.signalling > 0, "{outcome:?}");
}
