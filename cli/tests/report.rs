//! `parallax report`: the files that it writes, from folders alone; what it refuses; baselines.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use support::{Called, EASY, Place, TOO_SOON, with_checks, without_times};

/// A place in which a run passed and one failed, without a report.
fn place() -> Place {
    let place = Place::new();
    place.write("easy.toml", &with_checks("two-homes", 8, EASY));
    place.write("soon.toml", &with_checks("two-homes", 8, TOO_SOON));
    let said = place.call(&["sim", "easy.toml", "soon.toml", "--no-report", "--out", "out"]);
    assert!(said.ended(10).said.ends_with("records are in out\n"));
    assert!(!place.path("out/report.html").exists(), "--no-report has written one");
    place
}

/// A run that is over in no time: what is done to its files is done to all alike.
fn brief() -> Place {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "soon.toml", "--no-report", "--out", "out"]).ended(10);
    place
}

#[test]
fn a_copied_folder_has_the_same_report() {
    let place = place();
    place.shell("mkdir elsewhere && cp -r out elsewhere/copy").ended(0);
    let first = place.call(&["report", "out"]).ended(10);
    assert_eq!(first.complained, "");
    assert!(first.said.ends_with("the report is out/report.html\n"), "{}", first.said);
    place.call(&["report", "elsewhere/copy"]).ended(10);
    let files = place.files("out");
    assert_eq!(files, place.files("elsewhere/copy"));
    for name in ["junit.xml", "report.html", "summary.md", "report/grid.png"] {
        assert!(files.iter().any(|file| file == name), "no {name} in {files:?}");
    }
    let of = |ending: &str| files.iter().filter(|file| file.ends_with(ending)).count();
    assert_eq!(of(".hgrm"), 2, "{files:?}");
    for what in ["timeline", "percentiles", "heat", "connection"] {
        assert_eq!(of(&format!("_doorbell_phone_{what}.png")), 2, "{what} in {files:?}");
    }
    for file in files {
        let read =
            |folder: &str| fs::read(place.path(&format!("{folder}/{file}"))).expect("a file");
        assert!(read("out") == read("elsewhere/copy"), "{file} differs");
    }
}

#[test]
fn the_same_is_written_again_and_elsewhere_and_for_one_run() {
    let place = place();
    place.call(&["report", "out"]).ended(10);
    let page = place.read("out/report.html");
    place.call(&["report", "out"]).ended(10);
    assert!(place.read("out/report.html") == page, "a second report differs");
    // Another folder keeps that of the runs as it is.
    let before = place.files("out");
    place.call(&["report", "out", "--out", "new/one"]).ended(10);
    assert_eq!(place.files("out"), before);
    assert!(place.read("new/one/report.html") == page, "it differs elsewhere");
    // The folder of one run, and several folders.
    place.call(&["report", "out/soon/seed-1", "--out", "alone"]).ended(10);
    assert!(place.read("alone/junit.xml").contains("tests=\"1\" failures=\"1\""));
    place.call(&["report", "out", "out/easy/seed-1", "--out", "both"]).ended(10);
    let both = place.read("both/junit.xml");
    assert!(both.contains("tests=\"3\"") && both.contains("soon in out\""), "{both}");
}

#[test]
fn junit_has_wall_time_and_none_where_it_is_not_known() {
    let place = brief();
    place.call(&["report", "out"]).ended(10);
    let known = place.read("out/junit.xml");
    assert!(known.contains(" time=\"") && known.contains("run_duration_s"), "{known}");
    fs::remove_file(place.path("out/environment.json")).expect("remove it");
    place.call(&["report", "out"]).ended(10);
    let unknown = place.read("out/junit.xml");
    assert!(!unknown.contains(" time=\""), "{unknown}");
    assert!(unknown.contains("name=\"run_duration_s\" value=\"2.000\""), "{unknown}");
}

#[test]
fn junit_and_markdown_say_what_failed_and_how_to_see_it_again() {
    let place = place();
    place.call(&["report", "out"]).ended(10);
    insta::assert_snapshot!("junit", without_times(&place.read("out/junit.xml")));
    insta::assert_snapshot!("markdown", place.read("out/summary.md"));
}

#[test]
fn sim_writes_the_same_report_and_takes_an_earlier_one_away() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "soon.toml", "--out", "out"]).ended(10);
    let markdown = place.read("out/summary.md");
    place.call(&["report", "out", "--out", "again"]).ended(10);
    assert_eq!(place.read("again/summary.md"), markdown);
    place.write("out/report/notes.txt", "somebody's own");
    place.call(&["sim", "soon.toml", "--no-report", "--out", "out"]).ended(10);
    let left = ["environment.json", "report/notes.txt", "soon/seed-1/record.jsonl", "summary.json"];
    assert_eq!(place.files("out"), left);
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_is_no_success() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    let sim = place.start(&["sim", "easy.toml", "--out", "out"]);
    // It has looked what is in its way, and runs.
    while !place.path("out/easy/seed-1").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    place.write("out/report.html", "in the way");
    let called = Called::from(sim.wait_with_output().expect("it ended")).ended(1);
    assert!(
        called.complained.contains("failed to write the report to out"),
        "{}",
        called.complained
    );
    assert_eq!(place.json("out/summary.json")["verdict"], "pass");
    assert_eq!(place.read("out/report.html"), "in the way");
}

#[test]
fn a_run_that_is_asked_for_must_be_there() {
    let place = brief();
    place.call(&["report", "out", "--select", "soon/seed-1"]).ended(10);
    let called = place.call(&["report", "out", "--select", "soon/seed-2"]).ended(2);
    assert!(called.complained.contains("failed to select soon/seed-2"), "{}", called.complained);
}

#[test]
fn what_is_not_whole_or_not_ours_is_refused_and_nothing_is_written() {
    let place = brief();
    let (record, summary) = ("out/soon/seed-1/record.jsonl", "out/summary.json");
    let (whole, all) = (place.read(record), place.read(summary));
    let first_line = whole.lines().next().expect("a header");
    let cases = [
        ("empty record", record, String::new()),
        ("record cut off", record, whole[..whole.len() / 2].to_owned()),
        ("record without its end", record, format!("{first_line}\n")),
        ("newer record", record, whole.replacen("\"schema\":1", "\"schema\":999", 1)),
        ("corrupt record", record, whole.replacen("\"run_ns\":", "\"run_ns\":x", 1)),
        ("another program's record", record, "{\"level\":\"info\"}\n".to_owned()),
        ("another run's record", record, whole.replacen("Two homes", "Two houses", 1)),
        ("empty summary", summary, String::new()),
        ("summary cut off", summary, all[..all.len() / 2].to_owned()),
        ("newer summary", summary, all.replacen("\"schema\": 1", "\"schema\": 999", 1)),
        ("corrupt summary", summary, all.replacen("\"planned\": 1", "\"planned\": true", 1)),
        ("fewer planned than ran", summary, all.replacen("\"planned\": 1", "\"planned\": 0", 1)),
        ("another program's summary", summary, "{\"tests\": 3}\n".to_owned()),
        ("no JSON", summary, "<html>".to_owned()),
        ("a scenario elsewhere", summary, all.replacen("\"soon\"", "\"../soon\"", 1)),
    ];
    let mut told = String::new();
    for (name, file, text) in cases {
        place.write(file, &text);
        let before = place.files("");
        let called = place.call(&["report", "out"]).ended(2);
        assert_eq!(place.files(""), before, "{name} has left something");
        assert!(called.complained.contains(file), "{name}: {}", called.complained);
        let digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let line = |line: &str| {
            let words = line.split(' ').map(|word| if digest(word) { "DIGEST" } else { word });
            words.collect::<Vec<_>>().join(" ")
        };
        let lines: Vec<_> = called.complained.lines().map(line).collect();
        told += &format!("{name}:\n{}\n\n", lines.join("\n"));
        place.write(record, &whole);
        place.write(summary, &all);
    }
    for (name, folder) in
        [("no folder", "nowhere"), ("a scenario's folder", "out/soon"), ("a file", "soon.toml")]
    {
        let called = place.call(&["report", folder]).ended(2);
        told += &format!("{name}:\n{}\n", called.complained);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn records_that_are_not_there_are_told_and_the_rest_is_shown() {
    let place = brief();
    fs::remove_file(place.path("out/soon/seed-1/record.jsonl")).expect("remove it");
    let called = place.call(&["report", "out"]).ended(10);
    assert!(called.complained.starts_with("1 record is not in out"), "{}", called.complained);
    assert!(place.read("out/summary.md").contains("soon seed 1"));
}

#[test]
fn runs_are_held_against_a_baseline() {
    let place = place();
    let accepted = place.call(&["report", "out", "--accept"]).ended(10);
    assert!(accepted.said.ends_with("the baseline is baseline.json\n"), "{}", accepted.said);
    assert!(place.read("baseline.json").len() < 4_000, "too large for git");
    // What failed before fails still: no regression.
    let same = place.call(&["report", "out", "--baseline", "baseline.json"]).ended(10);
    assert!(same.said.contains("baseline: no regression in 2 runs; 2 have the very same record"));

    // A slower network: the pictures are later.
    let slow =
        with_checks("two-homes", 8, EASY).replace("one_way_delay = \"", "one_way_delay = \"1");
    place.write("easy.toml", &slow);
    place.call(&["sim", "easy.toml", "--no-report", "--out", "slow"]).ended(0);
    let worse = place.call(&["report", "slow", "--baseline", "baseline.json"]).ended(10);
    assert!(worse.said.contains("regression    easy, doorbell to phone: time to first frame"));
    assert!(worse.said.contains("not run now   soon seed 1"), "{}", worse.said);
    assert!(place.read("slow/junit.xml").contains("type=\"regression\""));
    assert!(place.read("slow/summary.md").contains("### Against the baseline"));
    let page = place.read("slow/report.html");
    assert!(page.contains("<title>FAIL: "), "the run itself passed: {page}");
    assert!(
        page.contains("id=\"baseline\"") && page.contains(", a regression)"),
        "not on the page"
    );
    assert!(!place.read("out/report.html").contains("a regression"));
    // Thresholds are the user's.
    let loose = ["report", "slow", "--baseline", "baseline.json", "--threshold", "100000"];
    let loose = place.call(&[&loose[..], &["--threshold-psnr", "5000"]].concat()).ended(10);
    for moved in ["time to first frame", "capture-to-render p95", "PSNR"] {
        let line = format!("  moved         easy, doorbell to phone: {moved}");
        assert!(loose.said.contains(&line), "{}", loose.said);
    }

    // Nothing to compare with.
    let accept = ["report", "out/soon/seed-1", "--out", "new", "--accept=other.json"];
    place.call(&accept).ended(10);
    place
        .call(&["report", "out/easy/seed-1", "--out", "new", "--baseline", "other.json"])
        .ended(11);
    assert!(place.read("new/report.html").contains("<title>INCONCLUSIVE: "));
    for (text, cause) in [
        ("", "it is empty"),
        ("{}", "it is not a baseline of Parallax"),
        ("{\"format\":\"parallax-baseline\",\"schema\":99}", "it has schema 99"),
        ("{\"format\":\"parallax-baseline\",\"schema\":1}", "missing field `pooled`"),
    ] {
        place.write("other.json", text);
        let called = place.call(&["report", "slow", "--baseline", "other.json"]).ended(2);
        assert!(called.complained.contains(cause), "{}", called.complained);
    }
}
