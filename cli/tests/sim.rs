//! `parallax sim` as a user calls it: verdicts, files, exit codes, messages.
#![cfg(target_os = "linux")]

mod support;

use serde_json::Value;
use std::process::Command;
use support::{Called, EASY, Place, SHIPPED, TOO_SOON, shipped, with_checks, without_times};

/// Every way from the root to a leaf or to an empty array, `[]` for each element.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let dot = if at.is_empty() { "" } else { "." };
                paths(value, &format!("{at}{dot}{name}"), found);
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                paths(value, &format!("{at}[]"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// What a summary must hold of each run, by name; `{}` stands for several.
const FIELDS: &[(&str, &str)] = &[
    ("", "scenario seed verdict record_sha256 packets_sha256 duration_us media_mode"),
    ("", "clock tick_us clock_bound_us"),
    ("profiles[].", "peer profile sha256"),
    ("checks[].", "name verdict measured uncertainty.below uncertainty.above bound unit why"),
    ("streams[].", "camera viewer local_candidate remote_candidate relayed"),
    ("streams[].", "time_to_first_frame_us psnr_millidb ssim_ppm bit_rate_bps"),
    ("streams[].time_to_first_frame_uncertainty_us.", "below above"),
    ("streams[].setup_us.", "signalling gathering checking nominated dtls"),
    ("streams[].setup_us.", "first_rtp first_key_frame first_render"),
    ("streams[].capture_to_render_us.", "count p50 p90 p95 p99 max"),
    ("streams[].", "capture_to_render_histogram_us[][]"),
    ("streams[].capture_to_render_over_time_us.", "interval_us interval[] count[] p50[] max[]"),
    ("streams[].capture_to_render_us.uncertainty.", "below above"),
    ("streams[].stages_us.capture.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.encode.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.pacer.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.network.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.jitter_buffer.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.decode.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].stages_us.render.", "p50 p95 uncertainty.below uncertainty.above"),
    ("streams[].split_us.", "count configured.p50 configured.p95 chosen.p50 chosen.p95"),
    ("streams[].split_us.", "suffered.p50 suffered.p95"),
    ("streams[].configured_us.", "capture encode pacer network jitter_buffer decode render"),
    ("streams[].frames.", "captured encoded rendered under_way"),
    ("streams[].frames.lost.", "capture encode send transport late receive decode session"),
    ("streams[].freezes.", "count total_us"),
    ("bytes.", "direct turn signalling"),
];

/// Where the value at a path may be `null` in a run that streams.
const MAY_BE_NULL: &[&str] = &[
    "clock_bound_us",
    "streams[].freezes.open_us",
    "streams[].rates",
    // The pacer and an adaptive jitter buffer decide by themselves.
    "streams[].configured_us.pacer",
    "streams[].configured_us.jitter_buffer",
];

/// What is shipped.
const NAMES: [&str; 7] = [
    "camera-reboot",
    "gateway-reboot",
    "same-lan",
    "signalling-lost",
    "strict-homes",
    "two-homes",
    "uplink-squeezed",
];

#[test]
fn the_shipped_scenarios_pass_and_tell_everything() {
    let place = Place::new();
    let called = place.call(&["sim", SHIPPED, "--out", "out"]).ended(0);
    assert_eq!(called.complained, "");
    let suite = place.json("out/summary.json");
    assert_eq!(suite["verdict"], "pass");
    let runs = suite["runs"].as_array().expect("runs");
    let names: Vec<&Value> = runs.iter().map(|run| &run["scenario"]).collect();
    assert_eq!(names, NAMES);
    for run in runs {
        assert_eq!((&run["verdict"], &run["seed"]), (&"pass".into(), &"1".into()), "{run}");
        assert_eq!(run["faults"], Value::Array(Vec::new()));
        holds_every_field(run);
        makes_sense(run);
    }
    for (name, run) in NAMES.iter().zip(runs) {
        match *name {
            "strict-homes" => goes_over_turn(run),
            _ => goes_directly(run),
        }
        // Without the Internet nothing stands between the two; else a gateway does.
        let found = run["streams"][0]["remote_candidate"] == "host";
        assert_eq!(found, *name == "same-lan", "{run}");
        the_digest_is_the_records(&place, run);
    }

    // What is written, and nothing else.
    let records = NAMES.map(|name| format!("{name}/seed-1/record.jsonl"));
    let mut files: Vec<String> = records.into();
    files.extend(["environment.json", "summary.json"].map(str::to_owned));
    files.sort();
    assert_eq!(place.files_but_pictures("out"), files);
    let all = place.files("out");
    let pictures = all.iter().filter(|file| file.contains("/frames/")).count();
    // Three frames of each run, received and source.
    assert_eq!(pictures, NAMES.len() * 6);
    assert_eq!(place.files("").len(), all.len(), "something was written outside of the folder");
    shows_what_a_reader_needs(&called, runs);
}

fn holds_every_field(run: &Value) {
    let mut found = Vec::new();
    paths(run, "", &mut found);
    for (place, names) in FIELDS {
        for name in names.split(' ') {
            let path = format!("{place}{name}");
            assert!(found.contains(&path), "the summary has no {path}: {found:#?}");
        }
    }
    for path in found.iter().filter(|path| path.starts_with("streams") || !path.contains('[')) {
        let value = path.split('.').fold(run, |value, name| {
            let field = name.trim_end_matches("[]");
            let lists = (name.len() - field.len()) / 2;
            (0..lists).fold(&value[field], |value, _| &value[0])
        });
        assert!(!value.is_null() || MAY_BE_NULL.contains(&path.as_str()), "{path} is null");
        let fraction = value.as_f64().is_some() && !value.is_i64() && !value.is_u64();
        assert!(!fraction, "{path} is {value}: numbers are integers");
    }
}

/// What must hold between the figures of a run that passed.
fn makes_sense(run: &Value) {
    let number = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{value} in {run}"));
    assert_eq!(run["clock"], "virtual");
    let seconds = if run["scenario"] == "camera-reboot" { 60 } else { 30 };
    assert_eq!(number(&run["duration_us"]), seconds * 1_000_000);
    for check in run["checks"].as_array().expect("checks") {
        assert_eq!(check["verdict"], "pass");
        assert!(!check["why"].as_str().expect("a text").is_empty());
    }
    let stream = &run["streams"][0];
    assert_eq!((&stream["camera"], &stream["viewer"]), (&"doorbell".into(), &"phone".into()));
    let setup = &stream["setup_us"];
    let phases = ["signalling", "nominated", "dtls", "first_rtp", "first_key_frame"];
    assert!(phases.map(|phase| number(&setup[phase])).is_sorted(), "{setup}");
    assert!(number(&setup["checking"]) <= number(&setup["nominated"]), "{setup}");
    assert_eq!(setup["first_render"], stream["time_to_first_frame_us"]);
    assert!(number(&setup["first_key_frame"]) < number(&setup["first_render"]), "{setup}");
    let latency = &stream["capture_to_render_us"];
    assert!(["p50", "p95", "p99", "max"].map(|p| number(&latency[p])).is_sorted(), "{latency}");
    let frames = &stream["frames"];
    let lost = frames["lost"].as_object().expect("causes").values().map(number).sum::<i64>();
    let [captured, encoded, rendered, under_way] =
        ["captured", "encoded", "rendered", "under_way"].map(|name| number(&frames[name]));
    assert_eq!(captured, rendered + lost + under_way, "{frames}");
    assert!(rendered <= encoded && encoded <= captured, "{frames}");
    assert_eq!(number(&latency["count"]), rendered);
    let split = &stream["split_us"];
    assert_eq!(number(&split["count"]), rendered);
    for cause in ["configured", "chosen", "suffered"] {
        let [p50, p95] = ["p50", "p95"].map(|p| number(&split[cause][p]));
        assert!((0..=p95).contains(&p50) && p95 <= number(&latency["max"]), "{split}");
    }
    // What is measured cannot be far from what the camera is to send.
    let kbit_s = match run["scenario"].as_str() {
        Some("strict-homes") => 250,
        Some("same-lan") => 500,
        Some("gateway-reboot") => 650,
        _ => 400,
    };
    let measured = number(&stream["bit_rate_bps"]) / 1_000;
    assert!((kbit_s * 3 / 4..kbit_s * 5 / 4).contains(&measured), "{stream}");
}

fn goes_directly(run: &Value) {
    let stream = &run["streams"][0];
    assert_eq!(stream["relayed"], false);
    for end in ["local_candidate", "remote_candidate"] {
        let kind = stream[end].as_str().expect("a kind");
        assert!(["host", "server-reflexive", "peer-reflexive"].contains(&kind), "{end}: {kind}");
    }
    let [direct, turn] = ["direct", "turn"].map(|way| run["bytes"][way].as_i64().expect("bytes"));
    assert!(direct > 1_000_000 && turn < direct / 20, "{}", run["bytes"]);
}

fn goes_over_turn(run: &Value) {
    let stream = &run["streams"][0];
    assert_eq!(stream["relayed"], true);
    let ends = [&stream["local_candidate"], &stream["remote_candidate"]];
    assert!(ends.contains(&&Value::from("relayed")), "{ends:?}");
    let [direct, turn] = ["direct", "turn"].map(|way| run["bytes"][way].as_i64().expect("bytes"));
    assert!(turn > 700_000 && direct < turn / 20, "{}", run["bytes"]);
}

fn the_digest_is_the_records(place: &Place, run: &Value) {
    let name = run["scenario"].as_str().expect("a name");
    let record = place.read(&format!("out/{name}/seed-1/record.jsonl"));
    let read = parallax_record::Record::read(record.as_bytes()).expect("a whole record");
    let judged = parallax_record::judge(&read);
    assert_eq!(serde_json::to_value(&judged).expect("JSON"), *run, "the record tells otherwise");
    let last: Value = serde_json::from_str(record.lines().last().expect("lines")).expect("JSON");
    assert_eq!(last["end"]["packets_sha256"], run["packets_sha256"]);
    let sums = Command::new("sha256sum")
        .arg(place.path(&format!("out/{name}/seed-1/record.jsonl")))
        .output()
        .expect("call sha256sum");
    let sum = String::from_utf8(sums.stdout).expect("text");
    assert_eq!(sum.split(' ').next(), run["record_sha256"].as_str());
}

fn shows_what_a_reader_needs(called: &Called, runs: &[Value]) {
    for run in runs {
        let shown = |text: &str| assert!(called.said.contains(text), "no {text}:\n{}", called.said);
        shown(&format!("PASS            {}  seed 1", run["scenario"].as_str().expect("a name")));
        let milliseconds = |value: &Value| value.as_f64().expect("a number") / 1e3;
        let stream = &run["streams"][0];
        let seconds = milliseconds(&stream["time_to_first_frame_us"]) / 1e3;
        shown(&format!("first frame   after {} s", seconds));
        let latency = &stream["capture_to_render_us"];
        let [p50, p95, p99] = ["p50", "p95", "p99"].map(|p| milliseconds(&latency[p]).round());
        shown(&format!("capture-to-render p50 {p50} ms, p95 {p95} ms, p99 {p99} ms"));
        let decibels = stream["psnr_millidb"].as_f64().expect("a number") / 1e3;
        let frames = &stream["frames"];
        let lost = frames["lost"].as_object().expect("causes").values();
        let lost: u64 = lost.map(|count| count.as_u64().expect("a count")).sum();
        shown(&format!(", {lost} of {} frames lost", frames["captured"]));
        let freezes = stream["freezes"]["count"].as_u64().expect("a count");
        let end = if freezes == 0 { ", " } else { " of " };
        shown(&format!("{freezes} freeze{}{end}", if freezes == 1 { "" } else { "s" }));
        shown(&format!("PSNR {decibels:.2} dB"));
        shown(if stream["relayed"] == true { ", relayed" } else { ", direct" });
    }
    assert!(
        called
            .said
            .ends_with("7 runs: 7 passed\nrecords are in out\nthe report is out/report.html\n"),
        "{}",
        called.said
    );
    assert!(!called.said.contains('\x1b'), "colours, and nobody there to see them");
}

#[test]
fn environment_json_and_the_page_that_shows_it_are_the_files_that_differ() {
    let scenario = shipped("two-homes", 8);
    let [one, other] = ["one", "the other"].map(|folder| {
        let place = Place::with("brief.toml", &scenario);
        let mut command = place.parallax(&["sim", "brief.toml", "--out", folder]);
        // Another call, to the letter and to the second.
        command.env("TZ", if folder == "one" { "UTC" } else { "Asia/Kathmandu" });
        Called::from(command.output().expect("call the command")).ended(0);
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        (place, folder)
    });
    let files = one.0.files(one.1);
    let pictures = files.iter().filter(|file| file.starts_with("brief/seed-1/frames/"));
    assert_eq!(pictures.count(), 6);
    assert_eq!(
        one.0.files_but_pictures(one.1),
        ["brief/seed-1/record.jsonl", "environment.json", "summary.json"]
    );
    assert_eq!(files, other.0.files(other.1));
    let differs = |file: &&String| {
        let read = |(place, folder): &(Place, &str)| {
            std::fs::read(place.path(&format!("{folder}/{file}"))).expect("a file")
        };
        read(&one) != read(&other)
    };
    let differing = files.iter().filter(differs).filter(|file| *file != "junit.xml");
    assert_eq!(differing.collect::<Vec<_>>(), ["environment.json", "report.html"]);
    let junit = |(place, folder): &(Place, &str)| {
        without_times(&place.read(&format!("{folder}/junit.xml")))
    };
    assert_eq!(junit(&one), junit(&other));

    let environment = one.0.json("one/environment.json");
    let text = |field: &str| environment[field].as_str().expect("a text").to_owned();
    assert_eq!(text("rustc"), env!("PARALLAX_RUSTC"));
    assert_eq!(text("cxx"), env!("PARALLAX_CXX"));
    assert_eq!(environment["optimised"], !cfg!(debug_assertions));
    let called: Vec<_> = environment["command_line"].as_array().expect("words")[1..].to_vec();
    assert_eq!(called, ["sim", "brief.toml", "--out", "one"]);
    // RFC 3339, UTC, whatever the time zone.
    assert!(text("started_at").ends_with('Z') && text("started_at").len() == 20);
    // Nothing of it is anywhere else.
    let telling = [text("started_at"), text("os"), text("rustc"), text("cxx")];
    for file in ["summary.json", "brief/seed-1/record.jsonl"] {
        let content = one.0.read(&format!("one/{file}"));
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let folder = one.0.path("").display().to_string();
        for told in telling.iter().map(String::as_str).chain([host.trim(), folder.as_str()]) {
            assert!(told.is_empty() || !content.contains(told), "{file} tells {told}");
        }
    }
}

const HOPELESS: &str = r#"
[[check]]
capture_to_render = { percentile = 95, below = "1ms" }
why = "Nobody encodes, sends and decodes within a millisecond."
"#;

const NOT_THAT_MANY: &str = r#"
[[check]]
capture_to_render = { percentile = 95, below = "2s", minimum_sample = 90 }
why = "A scenario of 8 s has 120 frames, and two seconds of them go by before anybody connects."
"#;

#[test]
fn a_bound_that_cannot_hold_fails() {
    let place = Place::with("hopeless.toml", &with_checks("two-homes", 8, HOPELESS));
    let called = place.call(&["sim", "hopeless.toml", "--seed", "3", "--out", "out"]).ended(10);
    let run = &place.json("out/summary.json")["runs"][0];
    let check = &run["checks"][0];
    assert_eq!((&run["verdict"], &check["verdict"]), (&"fail".into(), &"fail".into()));
    assert_eq!((&check["bound"], &check["unit"]), (&1_000.into(), &"us".into()));
    assert!(check["measured"].as_i64() > Some(1_000), "{check}");
    // The reader is told what was measured, what was demanded, why, and how to see it again.
    let row = |name: &str| {
        let lines = called.said.lines().filter_map(|line| line.trim().strip_prefix(name));
        lines
            .map(str::trim)
            .next()
            .unwrap_or_else(|| panic!("no {name}:\n{}", called.said))
            .to_owned()
    };
    assert!(called.said.starts_with("FAIL            hopeless  seed 3, "), "{}", called.said);
    assert!(row("measured").contains(" ms"), "{}", called.said);
    assert_eq!(row("bound"), "below 1 ms");
    assert_eq!(row("why"), "Nobody encodes, sends and decodes within a millisecond.");
    assert_eq!(row("run again"), "parallax sim hopeless.toml --seed 3");
}

#[test]
fn the_line_that_runs_it_again_runs_the_same_again() {
    let place = Place::new();
    std::fs::create_dir(place.path("it's")).expect("a folder");
    place.write("it's/hopeless.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called =
        place.call(&["sim", "it's/hopeless.toml", "--seed", "3", "--out", "out"]).ended(10);
    let line = called.said.lines().find_map(|line| line.trim().strip_prefix("run again"));
    let program = concat!("'", env!("CARGO_BIN_EXE_parallax"), "'");
    let line = line.expect("a line").trim().replacen("parallax", program, 1);
    place.shell(&line).ended(10);
    let [first, again] =
        ["out", "target/parallax"].map(|folder| place.read(&format!("{folder}/summary.json")));
    assert_eq!(first, again);

    // Whom cargo has run it for may have no other.
    let mut by_cargo = place.parallax(&["sim", "it's/hopeless.toml", "--seed", "3"]);
    by_cargo.env("CARGO_MANIFEST_DIR", place.path(""));
    let called = Called::from(by_cargo.output().expect("call the command")).ended(10);
    let line = r"run again     cargo run --release -- sim 'it'\''s/hopeless.toml' --seed 3";
    assert!(called.said.contains(line), "{}", called.said);
}

#[test]
fn too_few_frames_are_inconclusive() {
    let place = Place::with("few.toml", &with_checks("two-homes", 8, NOT_THAT_MANY));
    place.call(&["sim", "few.toml", "--out", "out"]).ended(11);
    let check = &place.json("out/summary.json")["runs"][0]["checks"][0];
    assert_eq!(check["verdict"], "inconclusive");
    assert!(check["sample"].as_u64() < Some(90), "{check}");
}

#[test]
fn the_worst_run_decides_and_the_others_count() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    place.write("few.toml", &with_checks("two-homes", 8, NOT_THAT_MANY));
    place.write("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called =
        place.call(&["sim", "easy.toml", "few.toml", "soon.toml", "--out", "out"]).ended(10);
    assert!(called.said.contains("3 runs: 1 failed, 1 inconclusive, 1 passed"), "{}", called.said);
    assert_eq!(place.json("out/summary.json")["verdict"], "fail");
    let called = place.call(&["sim", "easy.toml", "few.toml", "--out", "out"]).ended(11);
    assert!(called.said.contains("2 runs: 1 inconclusive, 1 passed"), "{}", called.said);
}

#[test]
fn the_terminal_shows_a_run_in_which_nobody_connects() {
    // Nothing of it depends on a codec, and so on a compiler.
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let called = place.call(&["sim", "soon.toml", "--out", "out"]).ended(10);
    insta::assert_snapshot!(called.said);
    assert_eq!(called.complained, "");
}

#[test]
fn the_seed_is_the_commands_or_else_the_scenarios_or_else_1() {
    let text = with_checks("two-homes", 1, TOO_SOON);
    let place = Place::with("plain.toml", &text);
    place.write("insists.toml", &format!("seed = \"18446744073709551615\"\n{text}"));
    place.call(&["sim", "plain.toml", "insists.toml", "--out", "own"]).ended(10);
    place.call(&["sim", "plain.toml", "insists.toml", "--seed", "5", "--out", "5"]).ended(10);
    let seeds = |folder: &str| {
        let summary = place.json(&format!("{folder}/summary.json"));
        [0, 1].map(|run| summary["runs"][run]["seed"].as_str().expect("a text").to_owned())
    };
    assert_eq!(seeds("own"), ["1", "18446744073709551615"]);
    assert_eq!(seeds("5"), ["5", "5"]);
    assert!(place.path("own/insists/seed-18446744073709551615/record.jsonl").exists());
    assert!(place.path("5/plain/seed-5/record.jsonl").exists());
}
