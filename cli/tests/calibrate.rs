//! `parallax calibrate`. What a bench measures is known here beforehand: its records are simulated ones
//! that say they are a bench's.

mod support;

use parallax_record::{Clock, Entry, Event, ReadError, Record, Stage};
use parallax_scenario::{Distribution, Profile, profile::parse};
use std::{fs, path::Path, time::Duration};
use support::{EASY, Place, replaced, with_checks};

/// A device: how long it boots, captures and encodes.
fn device(boot: &str, capture: &str, encode: &str) -> String {
    let origin = "provenance = \"inferred\"\nsource = \"For a test.\"\n";
    let figure = |value: &str| {
        format!("{{ value = {value}, provenance = \"inferred\", source = \"For a test.\" }}")
    };
    format!(
        "schema = 1\ntitle = \"A board\"\n\n[boot_time]\n{boot}\n{origin}\n[camera]\nlargest_picture = {}\n\
         most_frames_per_second = {}\nmost_bit_rate = {}\n\n# As the vendor says.\n[camera.capture]\n{capture}\n{origin}\n\
         [camera.encode]\n{encode}\n{origin}",
        figure("\"1280x720\""),
        figure("30"),
        figure("\"4Mbit/s\"")
    )
}

/// What the board truly is.
fn truth() -> String {
    device(
        "distribution = \"uniform\"\nleast = \"1.5s\"\nmost = \"1.9s\"",
        "distribution = \"normal\"\nmean = \"6ms\"\ndeviation = \"1ms\"",
        "distribution = \"log-normal\"\nmedian = \"20ms\"\np95 = \"30ms\"",
    )
}

/// What its profile says.
fn guess() -> String {
    device(
        "distribution = \"constant\"\nvalue = \"1s\"",
        "distribution = \"constant\"\nvalue = \"1ms\"",
        "distribution = \"constant\"\nvalue = \"135ms\"\nper = \"640x360\"\noccupancy = { value = \"30ms\", \
         provenance = \"inferred\", source = \"A pipeline.\" }",
    )
}

/// Two homes for so long, with a jitter buffer that does not adapt to the device, and the profiles of a board:
/// as it truly is, and as it was guessed.
fn place(seconds: u32) -> Place {
    let text = with_checks("two-homes", seconds, EASY);
    let phone = "viewer = { profile = \"phone\", jitter_buffer = \"170ms\" }";
    let text = replaced(&text, "viewer = { profile = \"phone\" }", phone);
    let place = Place::with("homes.toml", &text);
    for (folder, text) in [("true", truth()), ("guessed", guess())] {
        fs::create_dir(place.path(folder)).expect("a folder");
        place.write(&format!("{folder}/board.toml"), &text);
    }
    place
}

/// Simulates with a profile in the camera's place.
fn simulate(place: &Place, scenario: &str, profile: &str, seeds: &str, out: &str) {
    let device = format!("doorbell={profile}");
    let arguments =
        ["sim", scenario, "--profile", &device, "--seeds", seeds, "--out", out, "--no-report"];
    let called = place.call(&arguments);
    assert_eq!(called.code, Some(0), "{}{}", called.said, called.complained);
}

/// Simulates with the true profile, and says that a bench did.
fn measure(place: &Place, scenario: &str, seeds: &str, out: &str) {
    simulate(place, scenario, "true/board.toml", seeds, out);
    each_record(&place.path(out), |record| as_measured(&record));
}

/// Calibrates the guessed profile by those runs, into this file.
fn calibrated(place: &Place, out: &str) -> support::Called {
    place.call(&["calibrate", "train", "--profile", "guessed/board.toml", "--out", out])
}

fn as_measured(record: &Record) -> Record {
    with(record, Clock::Real { bound_us: 300 }, record.entries.clone())
}

fn with(record: &Record, clock: Clock, entries: Vec<Entry>) -> Record {
    let mut header = record.header.clone();
    header.clock = clock;
    Record::new(header, entries, &record.end.packets_sha256).expect("a record")
}

/// Changes all records of an output folder.
fn each_record(out: &Path, change: impl Fn(Record) -> Record) {
    let mut changed = 0;
    for scenario in
        fs::read_dir(out).expect("a folder").map(|entry| entry.expect("an entry").path())
    {
        for run in fs::read_dir(scenario).into_iter().flatten() {
            change_record(&run.expect("an entry").path(), &change);
            changed += 1;
        }
    }
    assert!(changed > 0, "no record in {}", out.display());
}

fn change_record(run: &Path, change: impl Fn(Record) -> Record) {
    let file = run.join("record.jsonl");
    let record: Result<Record, ReadError> = Record::read(&fs::read(&file).expect("a record"));
    let bytes = change(record.expect("a record")).to_bytes().expect("bytes");
    fs::write(file, bytes).expect("written");
}

fn profile(place: &Place, file: &str) -> Profile {
    parse(file, &place.read(file)).expect("it is sound")
}

/// Least, median, 95th percentile and greatest, and how many there were.
fn told(distribution: &Distribution) -> (Duration, Duration, Duration, Duration, u32) {
    let Distribution::Quantiles { quantiles, samples } = distribution else {
        panic!("{distribution:?}")
    };
    let (least, most) = (quantiles[0].time, distribution.longest());
    (least, distribution.typical(), distribution.p95(), most, samples.expect("it is told"))
}

const MS: Duration = Duration::from_millis(1);

/// A simulated stage is late by at most a tick of 1 ms; 500 frames leave the rest open.
fn near(found: Duration, truth: Duration, open: Duration) {
    assert!(found >= truth.saturating_sub(open), "{found:?} is below {truth:?}");
    assert!(found <= truth + MS + open, "{found:?} is above {truth:?}");
}

/// The medians over the runs of p50 and p95: of capture to render, and of the stage of encoding.
fn figures(place: &Place, out: &str) -> [i64; 4] {
    let suite = place.json(&format!("{out}/summary.json"));
    let runs = suite["runs"].as_array().expect("runs");
    let median = |at: &str| {
        let mut all: Vec<i64> = runs
            .iter()
            .map(|run| run["streams"][0].pointer(at).and_then(|us| us.as_i64()).expect(at))
            .collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    [
        median("/capture_to_render_us/p50"),
        median("/capture_to_render_us/p95"),
        median("/stages_us/encode/p50"),
        median("/stages_us/encode/p95"),
    ]
}

#[test]
fn a_calibrated_profile_is_closer_to_runs_that_it_has_not_seen() {
    let place = place(15);
    measure(&place, "homes.toml", "1..3", "train");
    let called = calibrated(&place, "calibrated/board.toml");
    assert_eq!(called.code, Some(0), "{}", called.complained);
    let camera = profile(&place, "calibrated/board.toml").camera.expect("it is one");
    let (least, p50, p95, _, samples) = told(&camera.stages[&Stage::Capture].distribution);
    near(p50, 6 * MS, MS / 2);
    near(p95, 7 * MS + MS * 64 / 100, MS / 2);
    assert!(least > 2 * MS && samples > 400, "{least:?}, {samples}");
    let (_, p50, p95, most, _) = told(&camera.stages[&Stage::Encode].distribution);
    near(p50, 20 * MS, MS);
    near(p95, 30 * MS, 3 * MS);
    assert!(most < 66 * MS, "{most:?}");
    let source = &camera.stages[&Stage::Encode].origin.source;
    assert!(source.contains(&format!("{samples} frames of 320x240 in 3 runs")), "{source}");
    assert!(source.contains("train homes seeds 1..3), each time within 300us"), "{source}");
    for (what, out) in [("true", "others"), ("guessed", "before"), ("calibrated", "after")] {
        simulate(&place, "homes.toml", &format!("{what}/board.toml"), "4..6", out);
    }
    let truth = figures(&place, "others");
    let distance = |out: &str| {
        let of = figures(&place, out);
        let all: [u64; 4] = std::array::from_fn(|at| of[at].abs_diff(truth[at]));
        all
    };
    let (before, after) = (distance("before"), distance("after"));
    for (at, (before, after)) in before.iter().zip(after).enumerate() {
        // What is simulated again is late again, by a tick at each of two stages; the rest is luck.
        assert!(after <= 3_500, "{at}: {after} us from the truth, {before} us before");
        assert!(*before >= 10_000, "{at}: {before} us from the truth before");
    }
}

#[test]
fn the_difference_is_one_that_git_applies_and_all_else_stays() {
    let place = place(12);
    measure(&place, "homes.toml", "1..1", "train");
    let called = place.call(&["calibrate", "train", "--profile", "guessed/board.toml"]);
    assert_eq!(called.code, Some(0), "{}", called.complained);
    assert!(called.said.starts_with("--- a/guessed/board.toml\n+++ b/guessed/board.toml\n@@ "));
    assert!(
        called.complained.contains("boot_time       p50 1 s, p95 1 s"),
        "{}",
        called.complained
    );
    assert!(called.complained.contains("too few samples (0 of 5)"), "{}", called.complained);
    assert!(
        called.complained.contains("left as they are: largest_picture"),
        "{}",
        called.complained
    );
    assert_eq!(place.read("guessed/board.toml"), guess(), "nobody asked to write");
    let apply = place.shell(&format!(
        "{} calibrate train --profile guessed/board.toml 2>/dev/null | git apply",
        env!("CARGO_BIN_EXE_parallax")
    ));
    assert_eq!(apply.code, Some(0), "{}", apply.complained);
    let applied = place.read("guessed/board.toml");
    let unchanged = |text: &str| text.split("[camera.capture]").next().map(str::to_owned);
    assert_eq!(unchanged(&applied), unchanged(&guess()));
    assert!(applied.contains("provenance = \"measured\"") && applied.contains("per = \"320x240\""));
    let written = place.call(&["calibrate", "train", "--profile", "guessed/board.toml", "--write"]);
    // It is calibrated already.
    assert_eq!((written.code, written.said.as_str()), (Some(0), ""), "{}", written.complained);
    assert_eq!(place.read("guessed/board.toml"), applied);
    place.write("guessed/board.toml", &guess());
    let written = place.call(&["calibrate", "train", "--profile", "guessed/board.toml", "--write"]);
    assert_eq!(written.code, Some(0), "{}", written.complained);
    assert_eq!(place.read("guessed/board.toml"), applied);
    // The folder of one run is named as what it is in.
    let lone = place.call(&["calibrate", "train/homes/seed-1", "--profile", "guessed/board.toml"]);
    assert_eq!((lone.code, lone.said.as_str()), (Some(0), ""), "{}", lone.complained);
    let twice = ["calibrate", "train", "train/homes/seed-1", "--profile", "guessed/board.toml"];
    let twice = place.call(&twice);
    assert_eq!((twice.code, twice.said.as_str()), (Some(0), ""), "{}", twice.complained);
    let told = "left out: train/homes/seed-1: its record is that of train/homes/seed-1";
    assert!(twice.complained.contains(told), "{}", twice.complained);
}

#[test]
fn a_boot_is_measured_where_the_scenario_gives_the_power_back() {
    let place = place(1);
    place.write("reboot.toml", &reboot());
    measure(&place, "reboot.toml", "1..5", "train");
    let arguments =
        ["calibrate", "train", "--profile", "guessed/board.toml", "--out", "after/board.toml"];
    let called = place.call(&arguments);
    assert_eq!(called.code, Some(0), "{}", called.complained);
    assert!(called.complained.contains(", most 1."), "{}", called.complained);
    let boot = profile(&place, "after/board.toml").boot_time;
    let (least, p50, _, most, samples) = told(&boot.distribution);
    assert_eq!(samples, 5);
    assert!(least >= 1_500 * MS && p50 > least && most > p50 && most <= 1_901 * MS, "{boot:?}");
    assert!(boot.origin.source.contains("5 boots in 5 runs"), "{boot:?}");
}

/// Two homes whose camera loses its power for a second.
fn reboot() -> String {
    let text = with_checks("two-homes", 12, EASY);
    let power =
        "[event.unplugged]\nat = \"8s\"\npower_loss = { peer = \"doorbell\", lasts = \"1s\" }\n";
    replaced(&text, "\n[[check]]", &format!("\n{power}\n[[check]]"))
}

#[test]
fn too_few_samples_leave_all_as_it_is_and_say_so() {
    let place = place(8);
    measure(&place, "homes.toml", "1..1", "train");
    let called = calibrated(&place, "after.toml");
    assert_eq!((called.code, called.said.as_str()), (Some(11), ""), "{}", called.complained);
    assert!(called.complained.contains(" of 100)"), "{}", called.complained);
    assert_eq!(place.read("after.toml"), guess());
}

#[test]
fn runs_that_tell_nothing_are_left_out_and_named() {
    let place = place(12);
    measure(&place, "homes.toml", "1..6", "train");
    let run = |seed: u32| place.path(&format!("train/homes/seed-{seed}"));
    let said = |seed: u32, event: fn() -> Event| {
        change_record(&run(seed), |record| {
            let mut entries = record.entries.clone();
            let last = entries.last().expect("entries");
            let (run_ns, node) = (last.run_ns, "doorbell".to_owned());
            entries.push(Entry { run_ns, node, event: event() });
            with(&record, record.header.clock, entries)
        });
    };
    said(1, || Event::Fault { text: "the lab fell over".to_owned() });
    said(2, || Event::DeviceFailed { text: "it panicked: Oops".to_owned() });
    said(3, || Event::CutShort { text: "it was interrupted".to_owned() });
    fs::rename(run(4).join("record.jsonl"), run(4).join("journal.jsonl")).expect("renamed");
    change_record(&run(5), |mut record| {
        for peer in &mut record.header.peers {
            peer.profile.name = "luckfox-pico".to_owned();
        }
        with(&record, record.header.clock, record.entries.clone())
    });
    let called = place.call(&["calibrate", "train", "--profile", "guessed/board.toml"]);
    assert_eq!(called.code, Some(0), "{}", called.complained);
    for (seed, why) in [
        (1, "it is an error: doorbell: the lab fell over"),
        (2, "its device failed: doorbell: it panicked: Oops"),
        (3, "nothing can be said of it: it was interrupted"),
        (4, "it has no record: what ran it was killed"),
        (5, "its camera is `luckfox-pico`, not `board`"),
    ] {
        let line = format!("left out: train/homes/seed-{seed}: {why}");
        assert!(called.complained.contains(&line), "{line} is not in\n{}", called.complained);
    }
    assert!(called.said.contains("in 1 run on a bench (train homes seed 6)"), "{}", called.said);
    // Of a bench whose every run was left out nothing is in the figures, and the profile does not name it.
    for (folder, bench) in [("train", "used.toml"), ("other", "unused.toml")] {
        if folder == "other" {
            measure(&place, "homes.toml", "7..7", folder);
            change_record(&place.path("other/homes/seed-7"), |record| {
                let fault = Event::Fault { text: "the lab fell over".to_owned() };
                let entry = Entry { run_ns: 0, node: "doorbell".to_owned(), event: fault };
                with(&record, record.header.clock, [vec![entry], record.entries.clone()].concat())
            });
        }
        let environment = place.read(&format!("{folder}/environment.json"));
        let ran_on = format!("\"sim\", \"--bench\", \"{bench}\",");
        let told =
            replaced(&environment.replace("\"sim\",\n    ", "\"sim\", "), "\"sim\",", &ran_on);
        place.write(&format!("{folder}/environment.json"), &told);
    }
    let both = place.call(&["calibrate", "train", "other", "--profile", "guessed/board.toml"]);
    assert!(both.said.contains("; bench used.toml; "), "{}{}", both.said, both.complained);
    assert!(!both.said.contains("unused.toml"), "{}", both.said);
    let several = place.call(&["calibrate", "train"]);
    assert_eq!(several.code, Some(2), "{}", several.complained);
    assert!(
        several.complained.contains("of several devices: board, luckfox-pico"),
        "{}",
        several.complained
    );
    fs::remove_dir_all(run(6)).expect("removed");
    let none = place.call(&["calibrate", "train", "--profile", "guessed/board.toml"]);
    assert_eq!((none.code, none.said.as_str()), (Some(11), ""), "{}", none.complained);
    assert!(
        none.complained.contains("nothing was calibrated: no run is of `board`"),
        "{}",
        none.complained
    );
    fs::remove_dir_all(run(5)).expect("removed");
    let none = place.call(&["calibrate", "train"]);
    assert_eq!(none.code, Some(11), "{}", none.complained);
    assert!(
        none.complained.contains("nothing was calibrated: no run is left"),
        "{}",
        none.complained
    );
}

#[test]
fn what_cannot_be_calibrated_from_or_written_to_is_refused() {
    let place = place(8);
    simulate(&place, "homes.toml", "true/board.toml", "1..1", "simulated");
    measure(&place, "homes.toml", "1..1", "train");
    fs::create_dir(place.path("empty")).expect("a folder");
    let own = ["--profile", "guessed/board.toml"];
    let cases: [(&[&str], &str, &str); 8] = [
        (&["simulated"], "simulated/homes/seed-1: it was simulated", "`parallax hil` has written"),
        (
            &["train"],
            "the runs' camera is `board`, a profile that does not come",
            "--profile board.toml",
        ),
        (
            &["nowhere"],
            "failed to read nowhere: there is no such folder",
            "`parallax hil --out FOLDER`",
        ),
        (&["empty"], "failed to read empty: there is no run in it", "`parallax hil --out FOLDER`"),
        (
            &["train", "--profile", "bord"],
            "--profile bord: there is no device profile",
            "there are:",
        ),
        (&["train", own[0], own[1], "--out", own[1]], "that is the profile itself", "--write puts"),
        (
            &["train", "--profile", "process-board", "--write"],
            "device-profiles/process-board.toml is not there as this Parallax has it",
            "--out FILE",
        ),
        (&["train", own[0], own[1], "--write", "--out", "x.toml"], "cannot be used with", "--help"),
    ];
    for (arguments, wrong, help) in cases {
        let called = place.call(&[&["calibrate"], arguments].concat());
        assert_eq!(
            (called.code, called.said.as_str()),
            (Some(2), ""),
            "{arguments:?}: {}",
            called.complained
        );
        assert!(
            called.complained.contains(wrong) && called.complained.contains(help),
            "{arguments:?}: {}",
            called.complained
        );
    }
    assert_eq!(place.read("guessed/board.toml"), guess());
    change_record(&place.path("train/homes/seed-1"), |record| record);
    let file = place.path("train/homes/seed-1/record.jsonl");
    let text = fs::read_to_string(&file).expect("a record");
    fs::write(&file, &text[..text.len() / 2]).expect("written");
    let cut = place.call(&["calibrate", "train", "--profile", "guessed/board.toml"]);
    assert_eq!(cut.code, Some(2), "{}", cut.complained);
    assert!(
        cut.complained.contains("seed-1/record.jsonl") && cut.complained.contains("cut off"),
        "{}",
        cut.complained
    );
}
