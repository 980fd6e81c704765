//! The one gate to the terminal: hostile text in every place that is not ours, over the real command. Neither
//! output has a character in it that steers a terminal, and no text forges a line.
#![cfg(target_os = "linux")]

mod support;

use parallax_record::foreign::is_steering;
use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};
use support::{Called, Place, TOO_SOON, with_checks};

const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles");

/// What steers, each by itself.
const STEERS: [&str; 22] = [
    "\u{1b}[31m",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{1b}]0;title\u{1b}\\",
    "\u{1b}Pq\u{1b}\\",
    "\u{9b}31m",
    "\u{9d}52;c;x\u{9c}",
    "\r",
    "\nFORGED",
    "\u{8}\u{8}",
    "\u{7f}",
    "\u{85}",
    "\u{202e}",
    "\u{2066}",
    "\u{2069}",
    "\u{200f}",
    "\u{61c}",
    "\u{200b}",
    "\u{2028}FORGED",
    "\u{2029}FORGED",
    "\u{feff}",
    "\u{e0041}",
    "\u{fffe}",
];

/// Hostile texts: words, and what steers between them; each of [`STEERS`] is in one of them.
fn hostile() -> impl Iterator<Item = String> {
    STEERS.chunks(8).map(|some| format!("a{}z'\"`", some.join("b")))
}

/// As TOML's text in quotes, nothing in it raw.
fn toml(text: &str) -> String {
    let escaped: String =
        text.chars().map(|letter| format!("\\U{:08x}", u32::from(letter))).collect();
    format!("\"{escaped}\"")
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

/// Nothing that came out steers, whatever code it ended with; a panic is none of the codes.
#[track_caller]
fn harmless(called: &Called) {
    assert!([0, 2, 4, 10, 11, 12].contains(&called.code.expect("a code")), "{}", called.complained);
    for text in [&called.said, &called.complained] {
        let strange = text.chars().find(|letter| is_steering(*letter) && *letter != '\n');
        assert_eq!(strange, None, "{text}");
        assert!(!text.lines().any(|line| line.starts_with("FORGED")), "a line is forged:\n{text}");
    }
}

/// A file in which `place` is put for each hostile text, looked at by `parallax check` and others.
fn each(arguments: &[&str], file: &str, text: impl Fn(&str) -> String) {
    for hostile in hostile() {
        let place = Place::with(file, &text(&hostile));
        let called = place.call(arguments);
        harmless(&called);
        let shown = format!("{}{}", called.said, called.complained);
        assert!(shown.contains(file), "nothing is said of {file}:\n{shown}");
    }
}

#[test]
fn in_a_scenario() {
    let sound = with_checks("two-homes", 1, TOO_SOON);
    let check = ["check", "case.toml"];
    let title = |text: &str| {
        sound.replacen(
            "title = \"Two homes, ordinary gateways\"",
            &format!("title = {}", toml(text)),
            1,
        )
    };
    assert_ne!(title("x"), sound);
    each(&check, "case.toml", title);
    for (from, to) in [
        ("[site.", "SOMETHING = 1\n[site."),
        ("[site.", "[site.SOMETHING]\n[site."),
        ("[peer.", "[peer.SOMETHING]\n[peer."),
        ("[peer.phone]", "[event.SOMETHING]\nat = \"1s\"\n[peer.phone]"),
        ("\"40Mbit/s\"", "SOMETHING"),
        ("\"esp32-p4\"", "SOMETHING"),
        ("\"bunny\"", "SOMETHING"),
        ("\"house\"", "SOMETHING"),
        ("\"2s\"", "SOMETHING"),
        ("\"1200ms\"", "SOMETHING"),
    ] {
        assert!(sound.contains(from), "{from}");
        each(&check, "case.toml", |text| {
            sound.replacen(from, &to.replace("SOMETHING", &toml(text)), 1)
        });
    }
    // Raw, where TOML and an editor allow it.
    each(&check, "case.toml", |text| format!("# {text}\n{sound}"));
    each(&check, "case.toml", |text| sound.replacen("title = \"", &format!("title = \"{text}"), 1));
}

#[test]
fn in_a_device_profile() {
    let sound = fs::read_to_string(format!("{PROFILES}/process-board.toml")).expect("a profile");
    for (from, to) in [
        ("prompt = '# $'", "prompt = SOMETHING"),
        ("prompt = '# $'", "prompt = '(# $'\nSOMETHING = 1"),
        ("[console]", "[SOMETHING]\n[console]"),
    ] {
        assert!(sound.contains(from), "{from}");
        each(&["check", "case.toml"], "case.toml", |text| {
            sound.replacen(from, &to.replace("SOMETHING", &toml(text)), 1)
        });
    }
}

#[test]
fn in_a_bench() {
    let sound =
        "schema = 1\ntitle = \"b\"\n[board.v]\nprofile = \"process-board\"\nprocess = true\n";
    for (from, to) in [
        ("\"b\"", "SOMETHING"),
        ("board.v", "board.SOMETHING"),
        ("\"process-board\"", "SOMETHING"),
        ("\"b\"", "\"b\"\nviewer = SOMETHING"),
        ("\"b\"", "\"b\"\nlateness_budget = SOMETHING"),
        ("process = true", "port = SOMETHING"),
        ("process = true", "process = true\nSOMETHING = 1"),
        ("process = true", "port = \"/dev/null\"\npower = { on = [SOMETHING], off = [\"false\"] }"),
    ] {
        for command in [&["check", "case.toml"][..], &["boards", "--bench", "case.toml"]] {
            each(command, "case.toml", |text| {
                sound.replacen(from, &to.replace("SOMETHING", &toml(text)), 1)
            });
        }
    }
}

#[test]
fn in_a_clips_manifest() {
    let sound =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/clips/bunny.toml"));
    let sound = sound.expect("it ships");
    for (from, to) in [
        ("\"bunny.h264\"", "SOMETHING"),
        ("\"640x360\"", "SOMETHING"),
        ("frames = 125", "frames = 125\nSOMETHING = 1"),
    ] {
        assert!(sound.contains(from), "{from}");
        each(&["check", "case.toml"], "case.toml", |text| {
            sound.replacen(from, &to.replace("SOMETHING", &toml(text)), 1)
        });
    }
}

#[test]
fn in_names_arguments_and_the_environment() {
    for steers in hostile() {
        let place = Place::with("case.toml", &with_checks("two-homes", 1, TOO_SOON));
        let name = format!("{}.toml", steers.replace(['/', '\0'], ""));
        place.write(&name, "title = 1");
        for arguments in [
            &["check", &name][..],
            &["check", "."],
            &["sim", "."],
            &["sim", "case.toml", "--only", &steers],
            &["sim", "case.toml", "--profile", &format!("{steers}=phone")],
            &["sim", "case.toml", "--profile", &format!("phone={steers}")],
            &["sim", "case.toml", "--seed", &steers],
            &["sim", &format!("--{steers}")],
            &[&steers],
            &["report", ".", "--select", &steers],
            &["boards", "--bench", &name],
        ] {
            harmless(&place.call(arguments));
        }
        // The name by which it was called is its user's, too.
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        let called = command.arg0(&steers).arg("--help").stdin(Stdio::null()).output();
        harmless(&called.expect("it starts").into());
    }
}

#[test]
fn in_a_lease_page_and_an_owner() {
    let bench =
        "schema = 1\ntitle = \"b\"\n[board.v]\nprofile = \"process-board\"\nport = \"/dev/null\"\n";
    for steers in hostile() {
        let place = Place::with("case.toml", bench);
        let book = place.path("book");
        let call = |arguments: &[&str], owner: &str| {
            let mut command = place.parallax(arguments);
            command.env("PARALLAX_BOARDS", &book).env("PARALLAX_OWNER", owner);
            Called::from(command.output().expect("it starts"))
        };
        harmless(&call(&["boards", "--bench", "case.toml", "--lease", "v"], &steers));
        harmless(&call(&["boards", "--bench", "case.toml"], "anna"));
        harmless(&call(&["boards", "--bench", "case.toml", "--lease", "v"], "anna"));
        harmless(&call(&["hil", "--bench", "case.toml", "--dry-run", "case.toml"], "anna"));
        harmless(&call(
            &["boards", "--bench", "case.toml", "--quarantine", "v", "--comment", "relay"],
            &steers,
        ));
        let pages = fs::read_dir(&book).expect("a folder").filter_map(|entry| {
            let path = entry.expect("an entry").path();
            path.extension().is_some_and(|ending| ending == "toml").then_some(path)
        });
        for page in pages {
            let text = fs::read_to_string(&page).expect("a page");
            for edited in [
                text.replace("relay", "SOMETHING").replace("\"SOMETHING\"", &toml(&steers)),
                format!("{} = 1\n{text}", toml(&steers)),
                format!("{steers}{text}"),
            ] {
                fs::write(&page, edited).expect("it is there");
                harmless(&call(&["boards", "--bench", "case.toml"], "anna"));
            }
        }
    }
}

#[test]
fn in_what_a_report_reads() {
    let ran = Place::with("two-homes.toml", &with_checks("two-homes", 1, TOO_SOON));
    ran.call(&["sim", "two-homes.toml", "--media", "prerecorded", "--no-report", "--out", "out"])
        .ended(10);
    ran.call(&["report", "out", "--accept=baseline.json"]).ended(10);
    let files = [
        "out/summary.json",
        "out/environment.json",
        "out/two-homes/seed-1/record.jsonl",
        "baseline.json",
    ];
    for file in files {
        let sound = ran.read(file);
        for steers in hostile() {
            let text = json(&steers);
            for edited in [
                sound.replacen("\"schema\"", &format!("{text}:1,\"schema\""), 1),
                sound.replace("\"two-homes\"", &text),
                sound.replace("\"phone\"", &text),
                sound.replace("\"host\"", &text),
                sound.replacen("\"fail\"", &text, 1),
                steers.clone(),
            ] {
                ran.write(file, &edited);
                harmless(&ran.call(&["report", "out", "--baseline", "baseline.json"]));
            }
        }
        ran.write(file, &sound);
    }
}

#[test]
fn in_what_a_board_says() {
    let said: String = hostile().collect();
    let place = Place::with("log.txt", &format!("root login: {said}\n# \n"));
    harmless(&place.call(&["replay", "log.txt", "--profile", "process-board"]));
    let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches/virtual.toml");
    place.write("typed", &format!("echo {}\n", said.replace('\n', " ")));
    let line = |raw: &str| {
        let own = env!("CARGO_BIN_EXE_parallax");
        place.shell(&format!(
            "{own} console --bench {bench} virtual --ready {raw} --transcript t{raw}.txt < typed"
        ))
    };
    let called = line("").ended(0);
    assert!(called.said.contains(r"\u{1b}]52;c;ZXZpbA=="), "{}", called.said);
    harmless(&Called { said: called.said.replace("\r\n", "\n"), ..called });
    let raw = line("--raw").ended(0);
    assert!(raw.said.contains("\u{1b}]52;c;ZXZpbA=="), "{}", raw.said);
}

#[test]
fn in_the_handed_files() {
    let place = Place::new();
    for name in ["bench-name-esc", "scenario-unknown-key-esc", "profile-pattern-osc52"] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/cases/20-names-and-files");
        let file = format!("{folder}/{name}.toml");
        let called = place.call(&["check", &file]);
        harmless(&called);
        assert!(format!("{}{}", called.said, called.complained).contains(name));
    }
}
