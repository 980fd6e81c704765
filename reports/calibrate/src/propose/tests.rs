//! Proposals from runs of which everything is known.

use super::*;
use crate::edited;
use parallax_record::ProfileUse;
use parallax_scenario::profile::parse;

const PROFILE: &str = r#"schema = 1
title = "A board" # mine

[boot_time]
distribution = "constant"
value = "2s"
provenance = "inferred"
source = "A guess."

[camera]
largest_picture = { value = "1280x720", provenance = "vendor", source = "Page 3." }
most_frames_per_second = { value = 15, provenance = "vendor", source = "Page 3." }
most_bit_rate = { value = "4Mbit/s", provenance = "vendor", source = "Page 3." }
capture = { distribution = "uniform", least = "1ms", most = "3ms", provenance = "inferred", source = "A guess." }

# The encoder is the second core's.
[camera.encode]
distribution = "normal"
# From the log of our first sample.
mean = "20ms"
deviation = "2ms" # a guess
per = "640x480"
provenance = "inferred" # as yet
# Ask the vendor.
source = "A guess."
"#;

const QVGA: Size = Size { width: 320, height: 240 };

fn profile() -> Profile {
    parse("board.toml", PROFILE).expect("it is sound")
}

/// A run of frames with these times of capture and encode by frame number.
fn run(seed: u64, count: i64, times: impl Fn(i64) -> (i64, i64)) -> MeasuredRun {
    let frame = |number| {
        let (capture_us, encode_us) = times(number);
        MeasuredFrame { capture_us, encode_us, key: number == 0 }
    };
    MeasuredRun {
        folder: "desk".to_owned(),
        scenario: "same-lan".parse().expect("a name"),
        seed,
        repeat: None,
        profile: ProfileUse { name: "board".to_owned(), sha256: String::new() },
        version: "0.1.0".to_owned(),
        bench: None,
        day: None,
        picture: QVGA,
        uncertainty: Uncertainty { below: 250, above: 250 },
        frames: (0..count).map(frame).collect(),
        boots_us: Vec::new(),
        tasks_us: BTreeMap::new(),
        timers_us: Vec::new(),
        starts_us: Vec::new(),
    }
}

fn figure<'c>(calibration: &'c Calibration, key: &str) -> &'c ProposedFigure {
    calibration.figures.iter().find(|figure| figure.key == key).expect("it is a figure")
}

fn proposed(figure: &ProposedFigure) -> (Measured, &StageTime) {
    match &figure.found {
        Proposal::Proposed { measured, after } => (*measured, after),
        Proposal::TooFew { has, needs } => panic!("{has} of {needs}"),
    }
}

fn told(stage: &StageTime) -> Vec<(u32, u128)> {
    let Distribution::Quantiles { quantiles, .. } = &stage.distribution else {
        panic!("{stage:?}")
    };
    let pair = |quantile: &Quantile| (quantile.percent_thousandths, quantile.time.as_micros());
    quantiles.iter().map(pair).collect()
}

#[test]
fn quantiles_are_times_that_occurred_and_only_those_that_the_sample_bears() {
    let calibration = calibrate(&profile(), &[run(1, 200, |n| (n + 1, 10_000))]);
    let (measured, after) = proposed(figure(&calibration, "camera.capture"));
    assert_eq!(
        (measured.count, measured.p50.measured_us, measured.p95.measured_us),
        (200, 100, 190)
    );
    assert_eq!(measured.p95.uncertainty, Uncertainty { below: 250, above: 250 });
    // Of 200 none lies beyond 99.9 percent.
    let all = [
        (0, 1),
        (1_000, 2),
        (5_000, 10),
        (10_000, 20),
        (25_000, 50),
        (50_000, 100),
        (75_000, 150),
        (90_000, 180),
        (95_000, 190),
        (99_000, 198),
        (99_500, 199),
        (100_000, 200),
    ];
    assert_eq!(told(after), all);
    let many = calibrate(&profile(), &[run(1, 5_000, |n| (n, 10_000))]);
    assert!(told(proposed(figure(&many, "camera.capture")).1).contains(&(99_900, 4_994)));
}

#[test]
fn one_frame_that_is_far_out_stays_one() {
    let stalled = run(1, 400, |n| (1_000, if n == 77 { 570_000 } else { 20_000 + n }));
    let calibration = calibrate(&profile(), &[stalled]);
    let encode = proposed(figure(&calibration, "camera.encode")).1;
    let last = told(encode);
    assert_eq!(last[last.len() - 2..], [(99_500, 20_398), (100_000, 570_000)]);
}

#[test]
fn a_time_below_zero_is_none() {
    let calibration = calibrate(&profile(), &[run(1, 100, |n| (n - 50, 10_000))]);
    assert_eq!(told(proposed(figure(&calibration, "camera.capture")).1)[0], (0, 0));
}

#[test]
fn few_samples_leave_a_figure_as_it_is() {
    let runs = [run(1, 50, |_| (1, 1)), run(2, 49, |_| (1, 1))];
    let calibration = calibrate(&profile(), &runs);
    for key in ["camera.capture", "camera.encode"] {
        assert!(
            matches!(figure(&calibration, key).found, Proposal::TooFew { has: 99, needs: 100 }),
            "{key}"
        );
    }
    assert_eq!(edited(&profile(), &calibration).expect("text"), PROFILE);
}

#[test]
fn boots_need_fewer_and_have_a_spread_of_their_own() {
    let boot = |seed, us| MeasuredRun { boots_us: vec![us], ..run(seed, 0, |_| (0, 0)) };
    let all: Vec<MeasuredRun> =
        (1..=5).zip([3_000, 3_100, 3_050, 3_700, 3_020]).map(|(s, u)| boot(s, u)).collect();
    let four = calibrate(&profile(), &all[..4]);
    assert!(matches!(figure(&four, "boot_time").found, Proposal::TooFew { has: 4, needs: 5 }));
    let five = calibrate(&profile(), &all);
    let (_, after) = proposed(figure(&five, "boot_time"));
    assert_eq!(
        told(after),
        [(0, 3_000), (25_000, 3_020), (50_000, 3_050), (75_000, 3_100), (100_000, 3_700)]
    );
    assert!(after.origin.source.contains("5 boots in 5 runs"), "{}", after.origin.source);
}

#[test]
fn a_source_names_runs_frames_and_what_is_uncertain() {
    let runs = [4, 5, 1, 2, 3].map(|seed| run(seed, 100, |n| (n, n)));
    let (here, day) = (|bench: &str| Some(bench.to_owned()), Some("2026-11-28".to_owned()));
    let mut runs =
        runs.map(|run| MeasuredRun { bench: here("desk.toml"), day: day.clone(), ..run });
    // Of another device: where that was measured is no source of these figures.
    runs[0].profile.name = "luckfox-pico".to_owned();
    runs[0].bench = here("unused.toml");
    let calibration = calibrate(&profile(), &runs);
    let (_, after) = proposed(figure(&calibration, "camera.encode"));
    assert_eq!(after.origin.provenance, Provenance::Measured);
    assert_eq!(
        after.origin.source,
        "parallax calibrate: 400 frames of 320x240 in 4 runs on a bench (desk same-lan seeds 1..3, 5), each \
         time within 250us of the truth; Parallax 0.1.0; bench desk.toml; 2026-11-28"
    );
    // It was for another size; what does not scale still does not.
    assert_eq!(after.per, Some(QVGA));
    assert_eq!(proposed(figure(&calibration, "camera.capture")).1.per, None);
}

#[test]
fn of_many_runs_a_source_names_some() {
    let of = |seeds: &[u64]| {
        let runs: Vec<MeasuredRun> = seeds.iter().map(|seed| run(*seed, 100, |_| (1, 1))).collect();
        let runs: Vec<&MeasuredRun> = runs.iter().collect();
        named(&runs)
    };
    assert_eq!(of(&[7]), "desk same-lan seed 7");
    assert_eq!(of(&[1, 3, 5, 7, 9, 11]), "desk same-lan seeds 1, 3, 5, 7, 9, 11");
    assert_eq!(
        of(&[1, 3, 5, 7, 9, 11, 13, 15, u64::MAX]),
        "desk same-lan seeds 1, 3, 5, 7, 9, 11, 3 more"
    );
}

#[test]
fn however_long_the_names_a_profile_stays_one_that_can_be_read() {
    let folder = "far/".repeat(60);
    let named = |seed| MeasuredRun {
        folder: format!("{folder}{seed}"),
        bench: Some(folder.clone()),
        ..run(seed, 2_000, |n| (n * 17, n * 13))
    };
    let runs: Vec<MeasuredRun> = (1..9).map(named).collect();
    let calibration = calibrate(&profile(), &runs);
    let (_, after) = proposed(figure(&calibration, "camera.capture"));
    assert!(after.origin.source.contains(" ...), each time within"), "{}", after.origin.source);
    let text = edited(&profile(), &calibration).expect("text");
    let longest = text.lines().map(str::len).max();
    assert!(longest.is_some_and(|bytes| bytes <= parallax_scenario::MAX_LINE_BYTES), "{longest:?}");
}

#[test]
fn other_devices_and_other_pictures_are_left_out_and_named() {
    let other = ProfileUse { name: "other".to_owned(), sha256: String::new() };
    let other = MeasuredRun { profile: other, ..run(2, 100, |_| (1, 900)) };
    let larger = Size { width: 640, height: 480 };
    let larger = MeasuredRun { picture: larger, repeat: Some(2), ..run(3, 100, |_| (1, 900)) };
    let calibration = calibrate(&profile(), &[run(1, 150, |_| (1, 100)), other, larger]);
    let said =
        |at: usize| (calibration.left_out[at].0.as_str(), calibration.left_out[at].1.as_str());
    assert_eq!(said(0), ("desk/same-lan/seed-2", "its camera is `other`, not `board`"));
    assert_eq!(
        said(1),
        ("desk/same-lan/seed-3-repeat-2", "its pictures are 640x480, those of most frames 320x240")
    );
    assert_eq!(proposed(figure(&calibration, "camera.encode")).0.count, 150);
    assert!(calibrate(&profile(), &[]).figures.is_empty());
}

#[test]
fn runs_that_are_further_apart_than_their_frames_are_told_of() {
    let slow = |by: i64| move |n: i64| (1_000 + n % 20, 10_000 + n % 20 + by);
    let alike = calibrate(&profile(), &[run(1, 100, slow(0)), run(2, 100, slow(5))]);
    assert!(figure(&alike, "camera.encode").notes.is_empty());
    let apart = calibrate(&profile(), &[run(1, 100, slow(0)), run(2, 100, slow(500))]);
    let notes = &figure(&apart, "camera.encode").notes;
    assert!(notes[0].contains("the median of desk/same-lan/seed-1 is 10.009ms"), "{notes:?}");
    assert!(notes[0].contains("desk/same-lan/seed-2 10.509ms"), "{notes:?}");
    assert!(figure(&apart, "camera.capture").notes.is_empty());
}

#[test]
fn key_frames_that_take_longer_are_told_of() {
    let mut with_keys = run(1, 200, |n| (1, 10_000 + n % 20));
    let told = |run: &MeasuredRun| {
        figure(&calibrate(&profile(), std::slice::from_ref(run)), "camera.encode").notes.clone()
    };
    assert!(told(&with_keys).is_empty());
    for frame in with_keys.frames.iter_mut().step_by(40) {
        (frame.key, frame.encode_us) = (true, 25_000);
    }
    let notes = told(&with_keys);
    assert!(
        notes[0].contains("the median of 5 is 25ms, that of the 195 others 10.01ms"),
        "{notes:?}"
    );
}

#[test]
fn the_rest_of_the_file_stays_as_it_is() {
    let calibration = calibrate(&profile(), &[run(1, 100, |n| (1_000, 10_000 + n))]);
    let text = edited(&profile(), &calibration).expect("text");
    let encode = text
        .split("# The encoder is the second core's.\n[camera.encode]\n")
        .nth(1)
        .expect("it is there");
    let source = "parallax calibrate: 100 frames of 320x240 in 1 run on a bench (desk same-lan seed 1), each time \
                  within 250us of the truth; Parallax 0.1.0";
    assert_eq!(
        encode,
        format!(
            "distribution = \"quantiles\"\n\
             # From the log of our first sample.\n\
             quantiles = [[0, \"10ms\"], [1, \"10ms\"], [5, \"10.004ms\"], [10, \"10.009ms\"], [25, \"10.024ms\"], [50, \
             \"10.049ms\"], [75, \"10.074ms\"], [90, \"10.089ms\"], [95, \"10.094ms\"], [99, \"10.098ms\"], [100, \"10.099ms\"]]\n\
             samples = 100\n\
             per = \"320x240\"\n\
             provenance = \"measured\" # as yet\n\
             # Ask the vendor.\n\
             source = \"{source}\"\n"
        )
    );
    let (before, after) = (PROFILE.split("capture = ").next(), text.split("capture = ").next());
    assert_eq!(before, after);
    assert!(
        text.contains("capture = { distribution = \"quantiles\", quantiles = [[0, \"1ms\"],"),
        "{text}"
    );
}

#[test]
fn who_calibrates_again_changes_nothing() {
    let runs = [run(1, 2_000, |n| (n % 700, 10_000 + n % 977))];
    let once = edited(&profile(), &calibrate(&profile(), &runs)).expect("text");
    let calibrated = parse("board.toml", &once).expect("it is sound");
    assert_eq!(edited(&calibrated, &calibrate(&calibrated, &runs)).expect("text"), once);
}

#[test]
fn times_that_contradict_the_limits_are_told_with_a_cure() {
    // 15 frames/s leave 66.7 ms a frame.
    let slow = calibrate(&profile(), &[run(1, 400, |_| (2_000, 90_000))]);
    let error = edited(&profile(), &slow).expect_err("it cannot keep up").to_string();
    for text in
        ["`encode` cannot take 15 pictures per second of 320x240", "lower `most_frames_per_second`"]
    {
        assert!(error.contains(text), "{error}");
    }
}

#[test]
fn an_occupancy_stays_as_it_is() {
    let text = PROFILE.replace(
        "per = \"640x480\"\n",
        "per = \"640x480\"\noccupancy = { value = \"12ms\", per = \"640x480\", provenance = \"vendor\", source = \"Page 4.\" }\n",
    );
    let profile = parse("board.toml", &text).expect("it is sound");
    let found = calibrate(&profile, &[run(1, 400, |_| (2_000, 90_000))]);
    let read =
        parse("board.toml", &edited(&profile, &found).expect("it is sound")).expect("it is sound");
    let encode =
        |profile: Profile| profile.camera.expect("a camera").stages[&Stage::Encode].clone();
    let [before, after] = [profile, read].map(encode);
    assert_eq!(after.occupancy, before.occupancy);
    assert_eq!(after.typical(QVGA), Duration::from_millis(90));
}

#[test]
fn what_a_profile_lacks_is_put_in_where_runs_measured_it() {
    let with = |signatures: Vec<i64>| {
        let tasks_us = BTreeMap::from([(SetupTask::Signature, signatures)]);
        let starts_us = vec![40_000; FEWEST_TASKS];
        calibrate(
            &profile(),
            &[MeasuredRun { tasks_us, starts_us, ..run(1, 10, |_| (1_000, 10_000)) }],
        )
    };
    let few = with(vec![500; FEWEST_TASKS - 1]);
    assert!(matches!(
        figure(&few, "set_up.signature").found,
        Proposal::TooFew { has: 4, needs: 5 }
    ));
    assert!(few.figures.iter().all(|figure| figure.key != "set_up.offer"), "no run has it");
    let found = with(vec![700, 500, 900, 600, 800]);
    assert!(figure(&found, "set_up.signature").before.is_none());
    let text = edited(&profile(), &found).expect("text");
    let read = parse("board.toml", &text).expect("it is sound");
    let after = [
        told(&read.set_up[&SetupTask::Signature]),
        told(read.camera.as_ref().expect("a camera").start.as_ref().expect("a start")),
    ];
    assert_eq!(after[0], [(0, 500), (25_000, 600), (50_000, 700), (75_000, 800), (100_000, 900)]);
    assert!(after[1].iter().all(|(_, us)| *us == 40_000), "{:?}", after[1]);
    assert!(text.contains("\n[set_up.signature]\n") && !text.contains("[set_up]"), "{text}");
    assert!(text.starts_with(PROFILE.split("[camera]").next().expect("a beginning")), "{text}");
    assert_eq!(edited(&read, &calibrate(&read, &[])).expect("text"), text);
}
