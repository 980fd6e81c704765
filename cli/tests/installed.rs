//! An installed program: what is built in, files to start from, completions, help. `digests.rs` runs all scenarios so.
#![cfg(target_os = "linux")]

mod support;

use std::{fs, os::unix::fs::symlink, process::Command};
use support::{Called, Place, SHIPPED, codes};

/// Calls the command in an empty environment.
fn call(place: &Place, arguments: &[&str]) -> Called {
    Called::from(place.parallax(arguments).env_clear().output().expect("call it"))
}

/// The names of the shipped scenarios, by their files.
fn names() -> Vec<String> {
    let files = fs::read_dir(SHIPPED).expect("the shipped scenarios").map(|file| {
        file.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned()
    });
    let mut names: Vec<String> = files.collect();
    names.sort();
    names
}

#[test]
fn scenarios_are_listed_and_checked_where_no_file_is() {
    let place = Place::new();
    let listed = call(&place, &["sim", "--list"]).ended(0);
    let first = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let found: Vec<String> = listed.said.lines().map(first).collect();
    assert_eq!(found[..found.len() - 1], names(), "{}", listed.said);
    let checked = call(&place, &["check"]).ended(0);
    assert_eq!(checked.said.matches("ok   ").count(), names().len(), "{}", checked.said);
    assert!(place.files("").is_empty());
}

#[test]
fn a_shipped_scenario_is_found_by_its_name_and_a_path_wins() {
    let place = Place::new();
    let run =
        ["sim", "two-homes", "--media", "prerecorded", "--no-report", "--profile", "phone=phone"];
    let called = call(&place, &run).ended(0);
    assert!(called.complained.contains("built into this parallax"), "{}", called.complained);
    let built_in = place.json("target/parallax/summary.json");
    // The record is that of the file.
    let file = format!("{SHIPPED}/two-homes.toml");
    call(
        &place,
        &["sim", &file, "--media", "prerecorded", "--no-report", "--profile", "phone=phone"],
    )
    .ended(0);
    assert_eq!(built_in, place.json("target/parallax/summary.json"));
    let record = place.read("target/parallax/two-homes/seed-1/record.jsonl");
    for path in
        [SHIPPED, "fixtures", env!("CARGO_MANIFEST_DIR"), &place.path("").display().to_string()]
    {
        assert!(!record.contains(path), "the record has {path}");
    }
    let unknown = call(&place, &["sim", "two-home"]).ended(2);
    assert!(unknown.complained.contains("did you mean `two-homes`"), "{}", unknown.complained);
    let unknown = call(&place, &["sim", "nothing-like-it"]).ended(2);
    for name in names() {
        assert!(unknown.complained.contains(&name), "no {name}: {}", unknown.complained);
    }
    place.write("two-homes", "a user's own file of this name");
    let own = call(&place, &["check", "two-homes"]).ended(2);
    assert!(own.said.contains("bad  two-homes"), "{}", own.said);
}

#[test]
fn the_folder_of_scenarios_comes_before_those_that_are_built_in() {
    let place = Place::new();
    fs::create_dir_all(place.path("fixtures/scenarios")).expect("a folder");
    fs::copy(format!("{SHIPPED}/same-lan.toml"), place.path("fixtures/scenarios/mine.toml"))
        .expect("a file");
    let listed = call(&place, &["sim", "--list"]).ended(0);
    assert!(
        listed.said.starts_with("mine ") && listed.said.ends_with("\n1 run\n"),
        "{}",
        listed.said
    );
    for (name, file) in [("mine", "fixtures/scenarios/mine.toml"), ("two-homes", "two-homes")] {
        let checked = call(&place, &["check", name]).ended(0);
        assert_eq!(checked.said, format!("ok   {file}  scenario\n1 ok\n"));
    }
    for outside in ["../scenarios/mine", "./mine", "fixtures/scenarios/mine"] {
        call(&place, &["check", outside]).ended(2);
    }
}

#[test]
fn a_bench_without_hardware_is_built_in() {
    let place = Place::new();
    let listed = call(&place, &["hil", "--bench", "virtual", "--dry-run"]).ended(0);
    assert!(listed.said.contains("two-homes  runs on virtual\n"), "{}", listed.said);
    for name in names() {
        assert!(listed.said.contains(&format!("{name}  ")), "no {name}: {}", listed.said);
    }
    let unknown = call(&place, &["boards", "--bench", "virtaul"]).ended(2);
    assert!(unknown.complained.contains("built in is: virtual"), "{}", unknown.complained);
    place.write("virtual", "schema = 1\n");
    call(&place, &["hil", "--bench", "virtual", "--dry-run"]).ended(2);
}

const STARTS: [&str; 5] = [
    ".github/workflows/parallax.yml",
    "parallax/bench.toml",
    "parallax/front-door.toml",
    "parallax/gitlab-ci.yml",
    "parallax/scenario.schema.json",
];

#[test]
fn what_init_writes_is_sound_and_passes_at_once() {
    let place = Place::new();
    let called = call(&place, &["init"]).ended(0);
    assert_eq!(place.files(""), STARTS);
    for file in STARTS {
        assert!(called.said.contains(&format!("wrote {file}\n")), "no {file}: {}", called.said);
    }
    assert!(called.said.ends_with("run it: parallax sim parallax\n"), "{}", called.said);
    let checked = call(&place, &["check", "parallax"]).ended(0);
    assert_eq!(
        checked.said,
        "ok   parallax/bench.toml  bench\nok   parallax/front-door.toml  scenario\n2 ok\n"
    );
    let dry = ["hil", "--bench", "parallax/bench.toml", "parallax", "--dry-run"];
    assert_eq!(call(&place, &dry).ended(0).said, "front-door  runs on virtual\n");
    // The first line leads editors to the schema, which the scenario keeps to.
    let scenario = place.read("parallax/front-door.toml");
    let named = scenario.lines().next().and_then(|line| line.strip_prefix("#:schema "));
    let schema = place.json(&format!("parallax/{}", named.expect("a schema")));
    let scenario: toml::Table = scenario.parse().expect("TOML");
    let scenario = serde_json::to_value(scenario).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    validator.validate(&scenario).expect("it keeps to the schema");
    for (job, made) in [
        ("parallax/gitlab-ci.yml", "target/parallax/junit.xml"),
        (".github/workflows/parallax.yml", "target/parallax/summary.md"),
    ] {
        let job = place.read(job);
        let calls = job.lines().filter_map(|line| {
            line.split_once("- parallax ").or(line.split_once("run: parallax "))
        });
        let calls: Vec<Vec<&str>> = calls.map(|(_, call)| call.split(' ').collect()).collect();
        assert_eq!(calls.iter().map(|call| call[0]).collect::<Vec<_>>(), ["check", "sim"]);
        for words in calls {
            call(&place, &words).ended(0);
        }
        assert!(job.contains(made) && place.path(made).is_file(), "{made}");
        fs::remove_dir_all(place.path("target")).expect("made anew by the next job");
    }
}

/// A file with what is commented out in it taken as it stands.
fn uncommented(text: &str) -> String {
    let code = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let is_code = rest.starts_with('[')
            || rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        is_code.then(|| rest.to_owned())
    };
    text.lines().map(|line| code(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn what_init_comments_out_is_sound_too() {
    let place = Place::new();
    call(&place, &["init", "new/project"]).ended(0);
    for (file, has) in
        [("bench.toml", "\n[board.front-door]\n"), ("front-door.toml", "\nrestart = ")]
    {
        let file = format!("new/project/parallax/{file}");
        let text = uncommented(&place.read(&file));
        assert!(text.contains(has), "{text}");
        place.write(&file, &text);
    }
    call(&place, &["check", "new/project/parallax"]).ended(0);
}

#[test]
fn init_overwrites_nothing_and_leaves_nothing_half_done() {
    for (at, file) in STARTS.iter().enumerate() {
        let place = Place::new();
        let path = place.path(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        match at % 2 {
            0 => fs::write(&path, "mine").expect("a file"),
            _ => symlink("nowhere", &path).expect("a link"),
        }
        let refused = call(&place, &["init"]).ended(2);
        assert!(
            refused.complained.contains(&format!("{file}: it is there already")),
            "{}",
            refused.complained
        );
        assert_eq!(place.files(""), [*file]);
    }
    let place = Place::with("parallax", "mine");
    let refused = call(&place, &["init"]).ended(2);
    assert!(refused.complained.contains("parallax: it is not a folder"), "{}", refused.complained);
    let refused = call(&place, &["init", "parallax"]).ended(2);
    assert!(refused.complained.contains("parallax: it is not a folder"), "{}", refused.complained);
    assert_eq!(
        (place.files(""), place.read("parallax").as_str()),
        (vec!["parallax".into()], "mine")
    );
}

#[test]
fn init_takes_back_what_it_wrote_where_a_file_cannot_be_written() {
    let place = Place::new();
    fs::create_dir_all(place.path("new/.github")).expect("a folder");
    // Files of up to 4 KiB: the schema is longer.
    let line = format!("ulimit -f 8; {} init new", env!("CARGO_BIN_EXE_parallax"));
    let refused = place.shell(&line).ended(1);
    assert!(refused.complained.contains("failed to write new/"), "{}", refused.complained);
    assert!(place.files("").is_empty() && !place.path("new/parallax").exists());
    assert!(place.path("new/.github").is_dir(), "what was there stays");
}

#[test]
fn completions_of_every_shell_know_every_command() {
    let place = Place::new();
    for (shell, mark) in
        [("bash", "complete -F"), ("zsh", "#compdef parallax"), ("fish", "complete -c parallax")]
    {
        let said = call(&place, &["completions", shell]).ended(0).said;
        assert!(said.contains(mark), "{shell}: {said}");
        for word in ["sim", "hil", "report", "init", "completions", "seeds", "bench"] {
            assert!(said.contains(word), "{shell} does not know {word}");
        }
        assert!(
            !said.contains("process-board") && !said.contains("worker"),
            "{shell}: hidden commands"
        );
        place.write(shell, &said);
    }
    place.shell("bash -n bash").ended(0);
    let typed = "source ./bash; COMP_WORDS=(parallax si); COMP_CWORD=1; _parallax parallax si parallax; echo ${COMPREPLY[@]}";
    let completed =
        Command::new("bash").args(["--norc", "-c", typed]).current_dir(place.path("")).output();
    let completed = Called::from(completed.expect("call bash")).ended(0);
    assert_eq!(completed.said, "sim\n", "{}", completed.complained);
    call(&place, &["completions", "tcsh"]).ended(2);
}

#[test]
fn help_of_help_is_help() {
    let place = Place::new();
    let help = call(&place, &["help"]).ended(0).said;
    assert!(help.contains("Usage: parallax [COMMAND]"), "{help}");
    for arguments in [&["help", "--help"], &["help", "-h"]] {
        assert_eq!(call(&place, arguments).ended(0).said, help);
    }
    assert_eq!(
        call(&place, &["help", "sim", "--help"]).ended(0).said,
        call(&place, &["help", "sim"]).ended(0).said
    );
}

#[test]
fn help_of_a_command_lists_its_own_exit_codes() {
    let all = [0, 1, 2, 4, 10, 11, 12, 130];
    for (command, own) in [
        ("--help", &all[..]),
        ("sim", &all[..]),
        ("hil", &all[..]),
        ("check", &[0, 1, 2]),
        ("report", &[0, 1, 2, 4, 10, 11, 12]),
        ("boards", &[0, 1, 2, 11, 130]),
        ("console", &[0, 1, 2, 10, 130]),
        ("replay", &[0, 1, 2, 10, 11]),
        ("calibrate", &[0, 1, 2, 11]),
        ("init", &[0, 1, 2]),
        ("completions", &[0, 1, 2]),
    ] {
        assert_eq!(codes(command), own, "{command}");
    }
}
