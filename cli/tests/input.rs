//! Input that is no regular file, over the real command: refused at once.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    process::Stdio,
};
use support::{Place, ended_soon, pipe};

/// A scenario of a second.
const MINIMAL: &str = include_str!("../../fixtures/cases/20-names-and-files/min.toml");

/// Makes something at a path, and gives what has to live as long.
type Make = fn(&Path) -> Option<UnixListener>;

/// What is no file of a user's, made at a path; the socket lives as long as what is given back.
fn no_files() -> [(&'static str, Make); 6] {
    [
        ("pipe", |at| {
            pipe(at);
            None
        }),
        ("zeroes", |at| {
            symlink("/dev/zero", at).expect("a link");
            None
        }),
        ("terminal", |at| {
            symlink("/dev/tty", at).expect("a link");
            None
        }),
        ("folder", |at| {
            fs::create_dir(at).expect("a folder");
            None
        }),
        ("socket", |at| Some(UnixListener::bind(at).expect("a socket"))),
        ("sparse", |at| {
            fs::File::create(at).and_then(|file| file.set_len(1 << 42)).expect("a file");
            None
        }),
    ]
}

#[test]
fn input_that_is_no_regular_file_is_refused_and_not_waited_for() {
    const CLIP: &str = "clip = \"film.toml\"";
    // Where it stands, and what is called.
    let cases: &[(&str, &[&str])] = &[
        ("x.toml", &["sim", "x.toml", "--out", "new"]),
        ("x.toml", &["check", "x.toml"]),
        ("x.toml", &["sim", "min.toml", "--profile", "ph=x.toml", "--out", "new"]),
        ("x.toml", &["hil", "--bench", "x.toml", "min.toml"]),
        ("x.toml", &["boards", "--bench", "x.toml"]),
        ("x.txt", &["replay", "x.txt", "--profile", "esp32-p4"]),
        ("out/summary.json", &["report", "out", "--out", "new"]),
        ("out/environment.json", &["report", "out", "--out", "new"]),
        ("out/min/seed-1/record.jsonl", &["report", "out/min/seed-1", "--out", "new"]),
        ("out/min/seed-1/journal.jsonl", &["report", "out/min/seed-1", "--out", "new"]),
        ("out/parallax.manifest", &["report", "out"]),
        ("x.json", &["report", "out", "--baseline", "x.json", "--out", "new"]),
        ("film.toml", &["check", "filmed.toml"]),
        ("boards/%dev%no-such-1.toml", &["boards", "--bench", "bench.toml", "--lease", "door"]),
    ];
    for (kind, make) in no_files() {
        for (at, arguments) in cases {
            let place = Place::with("min.toml", MINIMAL);
            place.write("filmed.toml", &support::replaced(MINIMAL, "clip = \"bunny\"", CLIP));
            place.write("bench.toml", "schema = 1\ntitle = \"One\"\n[board.door]\nprofile = \"process-board\"\nport = \"/dev/no-such-1\"\n");
            fs::create_dir(place.path("boards")).expect("a folder");
            if at.starts_with("out") || arguments.contains(&"out") {
                place.call(&[
                    "sim",
                    "min.toml",
                    "--media",
                    "prerecorded",
                    "--no-report",
                    "--out",
                    "out",
                ]);
                if at.ends_with("journal.jsonl") {
                    fs::remove_file(place.path("out/min/seed-1/record.jsonl")).expect("removed");
                }
                let _ = fs::remove_file(place.path(at));
            }
            let _kept = make(&place.path(at));
            let mut command = place.parallax(arguments);
            command.env("PARALLAX_BOARDS", place.path("boards")).stdin(Stdio::null());
            let called = ended_soon(
                command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"),
            );
            assert_eq!(
                called.code,
                Some(2),
                "{kind} as {at} of {arguments:?}: {}{}",
                called.said,
                called.complained
            );
            assert!(!called.complained.contains("panicked"), "{}", called.complained);
        }
    }
}
