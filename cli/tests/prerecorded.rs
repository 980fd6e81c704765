//! Prerecorded media, as a user runs them.
#![cfg(target_os = "linux")]

mod support;

use support::{EASY, Place, replaced, shipped, with_checks};

const CLIP: &[u8] = include_bytes!("../../fixtures/recordings/bunny-320x240.h264");
const MANIFEST: &str = include_str!("../../fixtures/recordings/bunny-320x240.toml");

#[test]
fn a_scenario_that_asks_for_nothing_of_pictures_passes() {
    let scenario = with_checks("two-homes", 8, EASY);
    let scenario = replaced(&scenario, "duration =", "media = \"prerecorded\"\nduration =");
    let place = Place::with("two-homes.toml", &scenario);
    place.call(&["sim", "two-homes.toml", "--out", "out"]).ended(0);
    let run = &place.json("out/summary.json")["runs"][0];
    assert_eq!(run["media_mode"], "prerecorded");
    assert_eq!(run["streams"][0]["markers_unreadable"], 0);
    assert!(run["streams"][0]["frames"]["rendered"].as_u64() > Some(20), "{run}");
}

/// What the mode cannot judge is listed and counted everywhere, and changes no verdict.
#[test]
fn a_check_of_pictures_is_not_judged_and_the_run_passes() {
    let text = shipped("two-homes", 10);
    let lossless = text.replace("loss = { mean = \"1%\", burst = 3 }, ", "");
    let place = Place::with("two-homes.toml", &lossless);
    let run = |seeds: &str, code| {
        let arguments = ["sim", "two-homes.toml", "--media", "prerecorded", "--out", "out"];
        place.call(&[&arguments[..], &["--seeds", seeds]].concat()).ended(code).said
    };
    let said = run("1..1", 0);
    assert!(said.contains("  not judged    PSNR"), "{said}");
    assert!(said.contains("1 run: 1 passed; 1 check not judged\n"), "{said}");
    let said = run("1..3", 0);
    assert!(said.contains("3 runs: 3 passed; 3 checks not judged\n"), "{said}");
    let summary = place.json("out/summary.json");
    assert_eq!((&summary["verdict"], &summary["not_judged"]), (&"pass".into(), &3.into()));
    let of_run = &summary["runs"][0]["not_judged"][0];
    assert!(of_run["reason"].as_str().is_some_and(|reason| reason.contains("prerecorded")));
    let page = place.read("out/report.html");
    assert!(page.contains("<p>3 checks <a href=\"#not-judged\">not judged</a></p>"));
    let markdown = place.read("out/summary.md");
    assert!(markdown.contains("| 3 | 3 | 0 | 0 | 0 | 3 |"), "{markdown}");
    assert!(markdown.contains("### Not judged"), "{markdown}");
    let junit = place.read("out/junit.xml");
    assert_eq!(junit.matches("<testcase ").count(), 6, "{junit}");
    assert_eq!(junit.matches("<skipped ").count(), 3, "{junit}");
    assert!(junit.contains("failures=\"0\" errors=\"0\""), "{junit}");
    // As Jenkins and GitLab read it.
    assert!(
        junit.contains("tests=\"6\" disabled=\"0\" errors=\"0\" failures=\"0\" skipped=\"3\""),
        "{junit}"
    );
}

/// A run of which nothing was judged proves nothing, and the line that runs it again says how it ran.
#[test]
fn a_run_with_no_other_check_is_inconclusive_and_says_why() {
    let psnr = "[[check]]\npsnr = { above = \"30dB\", from = \"5s\" }\nwhy = \"Faces.\"\n";
    let place = Place::with("two-homes.toml", &with_checks("two-homes", 10, psnr));
    let arguments = ["sim", "two-homes.toml", "--media", "prerecorded", "--out", "out"];
    let said = place.call(&arguments).ended(11).said;
    assert!(said.contains("the mode of the run can judge none of its checks"), "{said}");
    let again = "run again     parallax sim two-homes.toml --seed 1 --media prerecorded\n";
    assert!(said.contains(again), "{said}");
}

/// A copy of a recording that comes with Parallax, as a clip of the user's own, gives the same run.
#[test]
fn a_clip_of_ones_own_is_sent_as_it_is() {
    let scenario = with_checks("two-homes", 4, &replaced(EASY, "7s", "3.5s"));
    let place = Place::with("built-in.toml", &scenario);
    place.write("own.toml", &replaced(&scenario, "\"bunny\"", "\"mine.toml\""));
    place.write("mine.toml", MANIFEST);
    std::fs::write(place.path("bunny-320x240.h264"), CLIP).expect("write the clip");
    let both = ["sim", "own.toml", "built-in.toml", "--media", "prerecorded", "--out", "out"];
    place.call(&both).ended(0);
    let events = |run: &str| {
        let record = place.read(&format!("out/{run}/seed-1/record.jsonl"));
        record.split_once('\n').expect("a header").1.to_owned()
    };
    assert!(events("own").contains("\"frame_encoded\""), "nothing was sent");
    assert_eq!(events("own"), events("built-in"));
}

/// A stream of High profile, as most cameras send, is sent as it is, and offered as what it is; with
/// live media the same clip is filmed.
#[test]
fn a_recording_of_high_profile_is_sent_and_filmed() {
    let case = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/14-high-profile-recording");
    let text = |name: &str| std::fs::read_to_string(format!("{case}/{name}")).expect("a case");
    let place = Place::with("high.toml", &text("high.toml"));
    place.write("high-m.toml", &text("high-m.toml"));
    let clip = std::fs::read(format!("{case}/high.h264")).expect("a clip");
    std::fs::write(place.path("high.h264"), clip).expect("write the clip");
    place.call(&["sim", "high.toml", "--out", "out", "--pcap"]).ended(0);
    let run = &place.json("out/summary.json")["runs"][0];
    assert!(run["streams"][0]["frames"]["rendered"].as_u64() > Some(300), "{run}");
    let capture = std::fs::read(place.path("out/high/seed-1/capture.pcapng")).expect("a capture");
    // High, level 1.2, from the stream's own parameter set; in offer and answer.
    let said = b"profile-level-id=64000c";
    assert!(capture.windows(said.len()).filter(|bytes| bytes == said).count() >= 2);
    let live = replaced(&text("high.toml"), "duration = \"40s\"", "duration = \"15s\"");
    let live = replaced(&live, "from = \"20s\"", "from = \"8s\"");
    place.write("live.toml", &replaced(&live, "media = \"prerecorded\"", "media = \"live\""));
    place.call(&["sim", "live.toml", "--out", "live"]).ended(0);
    let stream = &place.json("live/summary.json")["runs"][0]["streams"][0];
    assert!(stream["psnr_millidb"].as_u64() > Some(25_000), "{stream}");
}

/// The page says a scenario's own name where that was called, and a baseline of other media is none for it.
#[test]
fn other_media_do_not_compare_and_a_built_in_scenario_is_run_again_by_its_name() {
    let place = Place::with("two-homes.toml", &with_checks("two-homes", 8, EASY));
    place.call(&["sim", "two-homes.toml", "--out", "live"]).ended(0);
    place.call(&["report", "live", "--accept"]).ended(0);
    let prerecorded =
        ["sim", "two-homes", "--media", "prerecorded", "--seed", "1", "--out", "sent"];
    place.call(&prerecorded).ended(0);
    let page = place.read("sent/report.html");
    assert!(page.contains("parallax sim two-homes --seed 1 --media prerecorded"), "{page}");
    let said = place.call(&["report", "sent", "--baseline", "baseline.json"]).ended(11).said;
    let unlike =
        "  unlike        two-homes seed 1: its media were live, now prerecorded: not compared\n";
    assert!(said.contains(unlike) && !said.contains("regression"), "{said}");
}
