//! Plotted data, as data.

use crate::support::{FRAMES, folder, late_us};
use parallax_record::{PerStage, Verdict};
use parallax_render::{
    Report,
    view::{MarkKind, SetupEnd},
};

fn sum(stages_us: &PerStage<i64>) -> i64 {
    stages_us.iter().map(|(_, us)| us).sum()
}

#[test]
fn frames_lie_where_they_were_captured_and_as_late_as_they_were() {
    let report = Report::new(&[folder(&[1])]);
    let stream = &report.details[0].streams[0];
    let expected: Vec<(u64, i64)> = (0..FRAMES)
        .filter(|frame| *frame != 30)
        .map(|frame| (1_000_000 + u64::from(frame) * 100_000, late_us(frame).cast_signed()))
        .collect();
    let shown: Vec<_> = stream.shown.iter().map(|f| (f.captured_us, f.latency_us)).collect();
    assert_eq!(shown, expected);
    assert_eq!(stream.lost.iter().map(|lost| lost.captured_us).collect::<Vec<_>>(), [4_000_000]);
    for frame in &stream.shown {
        assert_eq!(sum(&frame.stages_us.expect("all are told")), frame.latency_us);
    }
}

#[test]
fn intervals_hold_what_happened_in_them() {
    let report = Report::new(&[folder(&[1])]);
    let run = &report.details[0];
    let stream = &run.streams[0];
    assert_eq!((stream.second_us, stream.seconds.len()), (1_000_000, 10));
    assert_eq!(
        stream.seconds.iter().map(|s| s.shown).collect::<Vec<_>>(),
        [0, 10, 10, 10, 9, 10, 10, 10, 10, 0]
    );
    let fourth = &stream.seconds[4];
    assert_eq!((fourth.lost, fourth.nacked, fourth.encoded_bytes), (1, 3, 50_000));
    assert_eq!(run.drops["link/house/up"]["loss"], [0, 0, 0, 0, 2, 0, 0, 1, 0, 0]);
    let sums = stream.seconds.iter().map(|s| sum(&s.stages_us)).sum::<i64>();
    assert_eq!(sums, stream.latencies_us().iter().sum::<i64>());
}

#[test]
fn capacity_follows_scripted_events() {
    let report = Report::new(&[folder(&[1])]);
    let link = report.details[0].up_link("doorbell").expect("a link");
    let steps = [(0, Some(8_000_000)), (4_000_000, Some(500_000)), (6_000_000, Some(8_000_000))];
    assert_eq!(link.capacity_bps, steps);
    let kinds: Vec<_> = report.details[0].marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, [MarkKind::MappingCreated, MarkKind::Event]);
}

#[test]
fn steps_of_a_connection_wait_for_those_before_them() {
    let report = Report::new(&[folder(&[1])]);
    let connection = &report.details[0].streams[0].connections[0];
    let steps: Vec<_> = connection
        .steps
        .iter()
        .filter(|step| step.end == SetupEnd::Viewer)
        .map(|step| (step.name.as_str(), step.from_us / 1_000, step.to_us / 1_000))
        .collect();
    assert_eq!(
        steps,
        [
            ("signalling", 0, 100),
            ("gathering", 100, 150),
            ("until checks", 100, 110),
            ("host to peer-reflexive", 120, 200),
            ("host to peer-reflexive", 120, 120),
            ("ICE checks", 110, 500),
            ("DTLS", 500, 600),
        ]
    );
    let unanswered: Vec<_> = connection.steps.iter().map(|step| step.unanswered).collect();
    assert_eq!(unanswered.iter().filter(|one| **one).count(), 1);
    assert!(unanswered[4], "the second pair");
    let camera = connection.steps.iter().find(|step| step.end == SetupEnd::Camera).expect("a step");
    assert_eq!((camera.from_us, camera.to_us), (20_000, 120_000));
}

#[test]
fn what_did_not_pass_comes_first_with_what_was_measured_and_how_to_run_it_again() {
    let report = Report::new(&[folder(&[1, 2, 3])]);
    assert_eq!(report.overall.verdict, Some(Verdict::Fail));
    assert_eq!((report.counts.pass, report.counts.fail), (2, 1));
    let [missed] = &report.missed[..] else { panic!("{:?}", report.missed) };
    assert_eq!((missed.run, missed.rerun.as_str()), (1, "parallax sim two-homes.toml --seed 2"));
    let check = &missed.checks[0];
    assert_eq!(check.bound, "below 50 ms");
    assert!(check.measured.starts_with("106 ms (+0 / -7 ms)"), "{}", check.measured);
}

#[test]
fn a_scenario_pools_the_frames_of_all_its_runs_by_their_histograms_if_not_all_are_in_full() {
    let mut folder = folder(&[1, 2, 3]);
    let whole = Report::new(std::slice::from_ref(&folder));
    let table = &whole.scenarios[0].streams[0].latency;
    assert_eq!((table.frames, table.runs), (3 * 79, 3));
    assert_eq!(table.rows[0].pooled_us, Some(103_000));
    // One run has 79 frames: its own p99 is not borne, that of all together is.
    assert_eq!((table.rows[3].pooled_us, table.rows[3].runs), (Some(106_000), 0));
    folder.details.pop();
    let part = Report::new(&[folder]);
    let table = &part.scenarios[0].streams[0].latency;
    // A bucket is 512 us wide there, and 106 ms the greatest of all.
    assert_eq!(table.rows[0].pooled_us, Some(103_423));
    assert_eq!(table.rows[0].over_runs_us, Some([103_000; 3]));
    assert_eq!(table.rows[3].pooled_us, Some(106_000));
    let heat = part.scenarios[0].streams[0].heat.as_ref().expect("a heat map");
    assert_eq!((heat.runs, heat.by_medians, heat.cells.values().sum()), (3, true, 3 * 79_u64));
}
