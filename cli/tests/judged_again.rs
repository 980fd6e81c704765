//! `parallax report` believes no summary: records are judged again, and a summary that is gone is made of them.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use support::{EASY, Place, TOO_SOON, with_checks};

const SUMMARY: &str = "out/summary.json";

/// A place in which one run failed.
fn failed() -> Place {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    place.call(&["sim", "soon.toml", "--out", "out"]).ended(10);
    place
}

/// The page, its title, `summary.md` and the terminal say this word.
#[track_caller]
fn say(place: &Place, said: &str, word: &str) {
    let page = place.read("out/report.html");
    assert!(page.contains(&format!("<title>{word}: ")), "the title");
    assert!(page.contains(&format!("<header class=\"{}\">", word.to_lowercase())), "the page");
    assert!(place.read("out/summary.md").starts_with(&format!("## Parallax: {word}\n")));
    let last = said.lines().rfind(|line| {
        line.starts_with(|c: char| c.is_ascii_uppercase()) && !line.starts_with("Judged")
    });
    assert!(last.is_some_and(|line| line.starts_with(word)), "{said}");
}

#[test]
fn an_edited_summary_is_put_right_by_its_record() {
    let place = failed();
    let whole = place.read(SUMMARY);
    let edits = [
        (
            "a pass",
            whole.replace("\"fail\"", "\"pass\""),
            "by its record the verdict is fail, not pass",
        ),
        (
            "an error",
            whole.replace("\"fail\"", "\"error\""),
            "by its record the verdict is fail, not error",
        ),
        (
            "a looser bound",
            whole.replacen("\"bound\": ", "\"bound\": 9", 1),
            "the checks have other results",
        ),
        ("another count", whole.replacen("\"captured\": ", "\"captured\": 9", 1), "figures differ"),
    ];
    for (name, text, told) in edits {
        assert_ne!(text, whole, "{name}");
        place.write(SUMMARY, &text);
        let called = place.call(&["report", "out"]).ended(10);
        assert!(
            called.complained.contains("soon/seed-1: by its record"),
            "{name}: {}",
            called.complained
        );
        assert!(called.complained.contains(told), "{name}: {}", called.complained);
        say(&place, &called.said, "FAIL");
        assert!(place.read("out/report.html").contains("soon/seed-1: by its record"), "{name}");
        assert!(
            called.said.contains("Judged again from their records: 1 of 1 run."),
            "{}",
            called.said
        );
    }
}

#[test]
fn an_edited_verdict_over_all_runs_is_put_right() {
    let place = failed();
    let whole = place.read(SUMMARY);
    place.write(SUMMARY, &whole.replacen("\"fail\"", "\"pass\"", 1));
    let called = place.call(&["report", "out"]).ended(10);
    let told = "summary.json: the verdict over all runs is fail, not pass";
    assert!(called.complained.contains(told), "{}", called.complained);
    say(&place, &called.said, "FAIL");
}

#[test]
fn a_summary_that_contradicts_itself_is_refused_where_there_is_no_record() {
    let place = failed();
    let whole = place.read(SUMMARY);
    fs::remove_file(place.path("out/soon/seed-1/record.jsonl")).expect("remove it");
    let called = place.call(&["report", "out"]).ended(10);
    assert!(called.said.contains("0 of 1 run; the others, without a record"), "{}", called.said);
    // All verdicts, or the one of the run alone: its check has failed.
    let all = whole.replace("\"fail\"", "\"pass\"");
    for edited in [&all, &whole.replacen("\"fail\"", "\"pass\"", 2)] {
        place.write(SUMMARY, edited);
        let called = place.call(&["report", "out"]).ended(2);
        for told in
            ["failed to read out/summary.json: soon/seed-1: ", "`verdict`", "no record", "help: "]
        {
            assert!(called.complained.contains(told), "no {told}: {}", called.complained);
        }
    }
}

#[test]
fn what_is_no_file_in_a_records_place_does_not_count_as_no_record() {
    let place = failed();
    let passed = place.read(SUMMARY).replace("\"fail\"", "\"pass\"");
    let record = place.path("out/soon/seed-1/record.jsonl");
    for (what, with_summary) in
        [("a pipe", true), ("a folder", true), ("a link", true), ("a pipe", false)]
    {
        _ = fs::remove_file(&record);
        match what {
            "a pipe" => rustix::fs::mkfifoat(rustix::fs::CWD, &record, rustix::fs::Mode::RWXU)
                .expect("a pipe"),
            "a folder" => fs::create_dir(&record).expect("a folder"),
            _ => std::os::unix::fs::symlink("nowhere", &record).expect("a link"),
        }
        match with_summary {
            true => place.write(SUMMARY, &passed),
            false => fs::remove_file(place.path(SUMMARY)).expect("remove it"),
        }
        let called = place.call(&["report", "out"]);
        // Of a run without a summary that cannot be read the page tells, as of others.
        let code = if with_summary { 2 } else { 12 };
        let called = called.ended(code);
        if with_summary {
            assert!(called.complained.contains("record.jsonl"), "{what}: {}", called.complained);
        }
        if what == "a folder" {
            fs::remove_dir(&record).expect("remove it");
        }
    }
}

#[test]
fn a_run_that_stands_twice_in_a_summary_is_refused() {
    let place = failed();
    let mut summary = place.json(SUMMARY);
    let runs = summary["runs"].as_array_mut().expect("runs");
    runs.push(runs[0].clone());
    place.write(SUMMARY, &summary.to_string());
    let called = place.call(&["report", "out"]).ended(2);
    assert!(
        called.complained.contains("the run soon/seed-1 is in it twice"),
        "{}",
        called.complained
    );
}

#[test]
fn a_run_that_was_taken_out_of_a_summary_is_judged_by_its_record() {
    let place = failed();
    place.write("easy.toml", &with_checks("two-homes", 8, EASY));
    place.call(&["sim", "soon.toml", "easy.toml", "--out", "out"]).ended(10);
    let mut summary = place.json(SUMMARY);
    summary["runs"].as_array_mut().expect("runs").retain(|run| run["scenario"] != "soon");
    assert_eq!(summary["runs"].as_array().map(Vec::len), Some(1));
    summary["verdict"] = "pass".into();
    // Once it says that no more was planned, once that the command was interrupted.
    for planned in [1, 2] {
        summary["planned"] = planned.into();
        place.write(SUMMARY, &summary.to_string());
        let called = place.call(&["report", "out"]).ended(10);
        let told = "soon/seed-1: summary.json does not have this run";
        assert!(called.complained.contains(told), "{}", called.complained);
        assert!(place.read("out/report.html").contains(told));
        say(&place, &called.said, "FAIL");
        assert!(called.said.contains("2 of 2 runs"), "{}", called.said);
    }
}

#[test]
fn another_runs_record_is_refused_even_with_its_digest() {
    let place = failed();
    place.write("easy.toml", &with_checks("two-homes", 8, EASY));
    place.call(&["sim", "soon.toml", "easy.toml", "--out", "out"]).ended(10);
    let summary = place.json(SUMMARY);
    let digest = |at: usize| summary["runs"][at]["record_sha256"].as_str().expect("one").to_owned();
    fs::copy(
        place.path("out/easy/seed-1/record.jsonl"),
        place.path("out/soon/seed-1/record.jsonl"),
    )
    .expect("copy");
    place.write(SUMMARY, &place.read(SUMMARY).replace(&digest(0), &digest(1)));
    let called = place.call(&["report", "out"]).ended(2);
    assert!(called.complained.contains("it is the record of easy seed 1"), "{}", called.complained);
}

#[test]
fn what_was_killed_is_reported_from_its_records() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    let killed = format!(
        "'{}' sim easy.toml --seeds 1..500 --jobs 1 --out out & pid=$!; \
         while [ ! -e out/easy/seed-2/record.jsonl ]; do sleep 0.05; done; kill -9 $pid; wait $pid; \
         test ! -e out/summary.json",
        env!("CARGO_BIN_EXE_parallax")
    );
    place.shell(&killed).ended(0);
    let called = place.call(&["report", "out"]).ended(11);
    assert!(called.said.contains("how many were planned is unknown"), "{}", called.said);
    say(&place, &called.said, "INCONCLUSIVE");
    let junit = place.read("out/junit.xml");
    assert!(junit.contains("every planned run has finished"), "{junit}");
    assert!(place.read("out/summary.md").contains("easy"));
}

#[test]
fn a_broken_record_without_a_summary_is_an_error_and_the_others_are_shown() {
    let place = failed();
    place.write("easy.toml", &with_checks("two-homes", 8, EASY));
    place.call(&["sim", "soon.toml", "easy.toml", "--out", "out"]).ended(10);
    fs::remove_file(place.path(SUMMARY)).expect("remove it");
    let record = "out/soon/seed-1/record.jsonl";
    let whole = place.read(record);
    let cuts = ["", &whole[..40], &whole[..whole.len() / 2], "{}\n", "\u{0}\u{0}\u{0}"];
    for cut in cuts {
        place.write(record, cut);
        let called = place.call(&["report", "out"]).ended(12);
        assert!(
            called.complained.contains(&format!("failed to read {record}: ")),
            "{}",
            called.complained
        );
        say(&place, &called.said, "ERROR");
        assert!(place.read("out/junit.xml").contains("every record can be read"));
        assert!(place.read("out/summary.md").contains("| easy |"), "the other run is not shown");
    }
    fs::remove_dir_all(place.path("out/easy")).expect("remove it");
    place.call(&["report", "out"]).ended(12);
    fs::remove_file(place.path(record)).expect("remove it");
    let called = place.call(&["report", "out"]).ended(2);
    assert!(
        called.complained.contains("neither a summary.json nor a record.jsonl"),
        "{}",
        called.complained
    );
}
