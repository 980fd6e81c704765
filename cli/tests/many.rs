//! Many runs of one command: which ones, how many at once, and that what they come to is the same
//! however they are spread.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use support::{Called, EASY, Place, TOO_SOON, with_checks, without_times};

/// A place with three scenarios of a second each, in which nobody connects.
fn three() -> Place {
    let text = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::new();
    fs::create_dir(place.path("all")).expect("make a folder");
    for name in ["homes", "offices", "two-homes"] {
        place.write(&format!("all/{name}.toml"), &text);
    }
    place
}

#[test]
fn the_results_are_the_same_bytes_whatever_the_jobs() {
    let place = three();
    // One that takes longer comes first, so that others finish before it.
    place.write("all/a-long-one.toml", &with_checks("two-homes", 8, EASY));
    let [one, eight] = ["1", "8"].map(|jobs| {
        let called = place
            .call(&["sim", "all", "--seeds", "1..3", "--jobs", jobs, "--out", "out"])
            .ended(10);
        assert_eq!(called.complained, "");
        let files = place.files("out");
        // The page says where it ran, and JUnit how long it took.
        let junit = without_times(&place.read("out/junit.xml"));
        let same = |file: &&String| {
            !["environment.json", "report.html", "junit.xml"].contains(&file.as_str())
        };
        let contents: Vec<_> = files
            .iter()
            .filter(same)
            .map(|file| {
                let content = fs::read(place.path(&format!("out/{file}"))).expect("a file");
                (file.clone(), content)
            })
            .collect();
        fs::remove_dir_all(place.path("out")).expect("remove it");
        ((called.said, junit), contents)
    });
    assert_eq!(one.0, eight.0);
    let pictures = one.1.iter().filter(|(file, _)| file.contains("/frames/")).count();
    let records = one.1.iter().filter(|(file, _)| file.ends_with("/record.jsonl")).count();
    assert_eq!(records, 12);
    assert!(one.1.iter().any(|(file, _)| file == "summary.json"), "no summary was compared");
    assert!(one.1.iter().any(|(file, _)| file == "report/grid.png"), "no report was compared");
    assert!(pictures > 0, "no pictures were compared");
    for (one, eight) in one.1.iter().zip(&eight.1) {
        assert!(one == eight, "{} and {} differ", one.0, eight.0);
    }
}

#[test]
fn runs_are_in_the_order_of_scenarios_and_seeds() {
    let place = three();
    let called = place.call(&["sim", "all", "--seeds", "9..11", "--out", "out"]).ended(10);
    let summary = place.json("out/summary.json");
    assert_eq!(summary["planned"], 9);
    let runs = summary["runs"].as_array().expect("runs").iter().map(|run| {
        let text = |name: &str| run[name].as_str().expect("a text").to_owned();
        (text("scenario"), text("seed"))
    });
    let order: Vec<_> = ["homes", "offices", "two-homes"]
        .into_iter()
        .flat_map(|name| ["9", "10", "11"].map(|seed| (name.to_owned(), seed.to_owned())))
        .collect();
    assert_eq!(runs.collect::<Vec<_>>(), order);
    let shown = called.said.lines().filter(|line| line.starts_with("FAIL")).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[1].to_owned(), words[3].trim_end_matches(',').to_owned())
    });
    assert_eq!(shown.take(9).collect::<Vec<_>>(), order);
    for line in
        ["homes      3 runs: 3 failed (seeds 9, 10, 11)", "FAIL            9 runs: 9 failed"]
    {
        assert!(called.said.lines().any(|said| said == line), "no {line}:\n{}", called.said);
    }
}

#[test]
fn a_run_is_the_same_as_the_first_or_tenth_of_its_parent() {
    let place = Place::with("first.toml", &with_checks("two-homes", 8, EASY));
    let alone = place.parallax(&["sim", "first.toml", "--seed", "10", "--out", "alone"]);
    assert_whole(alone);
    let many = ["sim", "first.toml", "--seeds", "1..10", "--jobs", "1", "--out", "many"];
    assert_whole(place.parallax(&many));
    let [alone, tenth] =
        ["alone", "many"].map(|out| place.read(&format!("{out}/first/seed-10/record.jsonl")));
    assert_eq!(parallax_record::first_difference(alone.as_bytes(), tenth.as_bytes()), None);
}

/// Runs it; what the verdict is is none of the test's business.
#[track_caller]
fn assert_whole(mut command: std::process::Command) {
    let called = Called::from(command.output().expect("call the command"));
    assert!(matches!(called.code, Some(0 | 10 | 11)), "{}{}", called.said, called.complained);
}

#[test]
fn of_many_runs_one_that_passed_is_one_line() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    place.write("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called = place.call(&["sim", "easy.toml", "soon.toml", "--seeds", "1..11", "--out", "out"]);
    let Called { said, .. } = called.ended(10);
    let lines: Vec<&str> = said.lines().collect();
    let passed = "PASS            easy  seed 1, Two homes, ordinary gateways";
    assert_eq!(lines[0], passed);
    assert!(lines[1].starts_with("PASS            easy  seed 2, "), "{said}");
    // The others are told whole, with how to see them again.
    assert!(said.contains("  run again     parallax sim soon.toml --seed 11"), "{said}");
    let seeds = "seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 1 more";
    assert!(lines.contains(&"easy  11 runs: 11 passed"), "{said}");
    assert!(lines.contains(&format!("soon  11 runs: 11 failed ({seeds})").as_str()), "{said}");
    assert!(
        said.ends_with(
            "22 runs: 11 failed, 11 passed\nrecords are in out\nthe report is out/report.html\n"
        ),
        "{said}"
    );
}

#[test]
fn a_list_says_what_would_run_and_runs_nothing() {
    let place = three();
    place.write("all/insists.toml", &format!("seed = \"7\"\n{}", place.read("all/homes.toml")));
    let before = place.files("");
    let called = place.call(&["sim", "all", "--list", "--out", "out"]).ended(0);
    let title = "Two homes, ordinary gateways";
    assert_eq!(
        called.said,
        format!(
            "homes      seed 1  {title}\ninsists    seed 7  {title}\noffices    seed 1  \
             {title}\ntwo-homes  seed 1  {title}\n4 runs\n"
        )
    );
    let only = ["sim", "all", "--list", "--seeds", "1..200", "--only", "ices"];
    let called = place.call(&only).ended(0);
    assert_eq!(called.said, format!("offices  seeds 1 to 200  {title}\n200 runs\n"));
    assert_eq!(place.files(""), before, "it has left something");
    assert!(!place.path("out").exists() && !place.path("target").exists());
}

#[test]
fn only_scenarios_whose_name_contains_the_text_run() {
    let place = three();
    // What is not selected may be as broken as it likes.
    place.write("all/broken.toml", "schema = 1\ntitle = ");
    let ran = |arguments: &[&str]| {
        let mut all = vec!["sim", "all", "--out", "out"];
        all.extend(arguments);
        place.call(&all).ended(10);
        let summary = place.json("out/summary.json");
        let runs = summary["runs"].as_array().expect("runs").iter();
        runs.map(|run| run["scenario"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ran(&["--only", "homes"]), ["homes", "two-homes"]);
    assert_eq!(ran(&["--only", "two", "--only", "off"]), ["offices", "two-homes"]);
    let called = place.call(&["sim", "all", "--only", "castle", "--out", "none"]).ended(4);
    for text in ["nothing selected", "`castle`", "help: there are: broken, homes, offices, two-h"] {
        assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
    }
    assert!(!place.path("none").exists());
}

#[test]
fn arguments_that_make_no_sense_are_bad_input_with_a_cure() {
    let place = three();
    for (arguments, telling) in [
        (&["--seeds", "9..7"][..], &["--seeds", "the range is empty", "help: write `7..9`"][..]),
        (&["--seeds", "5"], &["not a range", "help: write the first and the last seed"]),
        (&["--seeds", "-1..5"], &["`-1` is not a seed", "help: "]),
        (&["--seeds", "1..5", "--seed", "3"], &["--seeds", "cannot be used with", "--seed"]),
        (&["--seeds", "0..18446744073709551615"], &["55340232221128654848 runs", "help: "]),
        (&["--jobs", "0"], &["--jobs", "help: write a whole number from 1 up"]),
        (&["--jobs", "-2"], &["--jobs", "help: write a whole number from 1 up"]),
        (&["--patience", "60"], &["--patience", "`60` lacks a unit", "help: "]),
        (&["--patience", "1us"], &["help: write 100ms or more"]),
        (&["--memory", "4GB"], &["`GB` is not a unit", "did you mean `4GiB`?"]),
        (&["--memory", "1MiB"], &["help: write 64MiB or more"]),
        (&["--log", "rtc=loud"], &["--log", "help: write levels"]),
        (&["--log", "all/homes.toml"], &["it looks like a file", "--log=info FILE"]),
    ] {
        let mut all = vec!["sim", "all", "--out", "out"];
        all.extend(arguments);
        let called = place.call(&all).ended(2);
        for text in telling {
            assert!(called.complained.contains(text), "no {text}:\n{}", called.complained);
        }
        assert_eq!(called.said, "");
        assert!(!place.path("out").exists(), "{arguments:?}");
    }
}

#[test]
fn verify_holds_for_several_runs_at_once() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called = place
        .call(&["sim", "soon.toml", "--seeds", "1..4", "--jobs", "4", "--verify", "--out", "out"])
        .ended(10);
    let verified = called.said.matches("  verified      a second run has the same record").count();
    assert_eq!(verified, 4, "{}", called.said);
    let files = place.files_but_pictures("out");
    assert_eq!(files.len(), 6, "{files:?}");
}
