//! Late is not lost, stages overlap, and a boot takes its time: by the command.
#![cfg(target_os = "linux")]

mod support;

use support::{Place, REPORT, TOO_SOON, replaced, with_checks};

const LONGER: &str = include_str!("../../fixtures/cases/01-path-longer-for-good/path-longer.toml");
const SIXTY: &str = include_str!("../../fixtures/cases/07-sixty-frames/sixty-frames.toml");
const TOO_SHORT: &str =
    include_str!("../../fixtures/cases/09-too-short-for-the-boot/too-short.toml");
const BLIND: &str = include_str!("../../fixtures/cases/23-simulated-too-well/blind-3.toml");
const ROCK: &str = include_str!("../../device-profiles/rock-5b.toml");

/// The viewer of [`LONGER`], and as it is with a fixed jitter buffer.
const PHONE: &str = "viewer = { profile = \"phone\" }";
const FIXED: &str = "viewer = { profile = \"phone\", jitter_buffer = \"170ms\" }";

#[test]
fn a_path_that_becomes_longer_for_good_is_shown_later_and_loses_nothing() {
    for longer in ["262ms", "162ms", "512ms", "2s"] {
        let text = replaced(LONGER, "262ms", longer);
        let text = replaced(&text, PHONE, FIXED);
        let place = Place::with("longer.toml", &text);
        place.call(&["sim", "longer.toml", "--out", "out"]).ended(0);
        let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
        let lost = stream["frames"]["lost"].as_object().expect("counts");
        // The frame that was on its way when the path changed may be cut in two.
        let total: u64 = lost.values().map(|count| count.as_u64().expect("a count")).sum();
        assert!(total <= 10, "{longer}: {lost:?}");
        assert_eq!(lost["transport"], 0, "{longer}: no packet was dropped: {lost:?}");
        let freezes = &stream["freezes"];
        // A frame that was on its way may be shown in the middle of it: of 20 seeds, 7 or 8 show one, with 512 ms.
        assert!(freezes["count"].as_u64() <= Some(2), "{longer}: {freezes}");
        assert!(freezes["open_us"].is_null(), "{longer}: {freezes}");
    }
}

/// A key frame takes as long to leave the pacer as the viewer waits for it: a little more delay decides what is lost.
#[test]
fn a_result_at_a_cliff_is_told_and_one_that_is_none_is_not() {
    for (buffer, at_a_cliff) in [("80ms", true), ("400ms", false)] {
        let place = Place::with("blind.toml", &replaced(BLIND, "80ms", buffer));
        let shown = place.call(&["sim", "blind.toml", "--out", "out"]).ended(0).said;
        let told = shown.contains(" being given up: at a cliff, ");
        assert_eq!(told, at_a_cliff, "{buffer}: {shown}");
        let margin = &place.json("out/summary.json")["runs"][0]["streams"][0]["margin_us"];
        let us = |key: &str| margin[key].as_i64().expect("a number");
        assert!(us("least") <= us("p1") && us("p1") <= us("p5"), "{margin}");
        assert_eq!(us("near") * 100 >= us("count"), at_a_cliff, "{buffer}: {margin}");
        let page = place.read("out/report.html");
        assert!(page.contains("<dt>Margins</dt>"), "{buffer}");
        assert_eq!(page.contains("at a cliff"), at_a_cliff, "{buffer}");
    }
}

/// The same with the viewer that a scenario has which does not say.
#[test]
fn an_adaptive_jitter_buffer_loses_no_more_than_five_frames_where_a_path_becomes_longer() {
    for (longer, bound_us) in [("262ms", 600_000), ("162ms", 500_000), ("512ms", 850_000)] {
        let place = Place::with("longer.toml", &replaced(LONGER, "262ms", longer));
        place.call(&["sim", "longer.toml", "--out", "out"]).ended(0);
        let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
        let lost = stream["frames"]["lost"].as_object().expect("counts");
        let total: u64 = lost.values().map(|count| count.as_u64().expect("a count")).sum();
        assert!(total <= 5, "{longer}: {lost:?}");
        let p95 = stream["capture_to_render_us"]["p95"].as_u64();
        assert!(p95 < Some(bound_us) && p95.is_some(), "{longer}: {p95:?}");
        let record = place.read("out/longer/seed-1/record.jsonl");
        let header = record.lines().next().expect("a header");
        let buffer = r#""jitter_buffer":{"least_us":20000,"most_us":500000}"#;
        assert!(header.contains(buffer), "{header}");
        let targets = record.lines().filter(|line| line.contains("jitter_buffer_target")).count();
        assert!((1..40).contains(&targets), "{longer}: {targets}");
        let bounds = "jitter buffer 20 ms to 500 ms";
        assert!(place.read("out/report.html").contains(bounds), "{longer}");
    }
}

/// The links that both viewers are held side by side on (`docs/measurements.md`).
#[test]
fn an_adaptive_jitter_buffer_suits_every_link() {
    let links = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/links");
    let place = Place::new();
    let called = place.call(&["sim", links, "--no-report", "--out", "out"]).ended(0);
    assert!(called.said.contains("10 passed"), "{}", called.said);
}

/// Single frames that come after later ones were shown: the network reorders.
#[test]
fn what_came_whole_and_too_late_is_lost_to_late_everywhere() {
    let reorder = "one_way_delay = \"12ms\", delay_variation = \"120ms\", reorder = true }\ndown = { capacity = \"40Mbit/s\"";
    let text =
        replaced(LONGER, "one_way_delay = \"12ms\" }\ndown = { capacity = \"40Mbit/s\"", reorder);
    let text = replaced(&text, PHONE, FIXED);
    let (world, rest) = text.split_once("[event.longer]").expect("an event");
    let (_, check) = rest.split_once("[[check]]").expect("a check");
    let check = replaced(check, "frames_lost = { at_most = \"10%\"", "frames_lost = { at_most = 0");
    let place = Place::with("jittery.toml", &format!("{world}[[check]]{check}"));
    let called = place.call(&["sim", "jittery.toml", "--out", "out"]).ended(10);
    let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
    let lost = &stream["frames"]["lost"];
    assert!(lost["late"].as_u64() > Some(0), "{lost}");
    // A frame of which one packet came in time and another did not is not late as a whole.
    assert!(lost["transport"].as_u64() < Some(3), "{lost}");
    let late = format!("late {}", lost["late"]);
    assert!(called.said.contains(&late), "{}", called.said);
    assert!(called.said.contains("not in it)"), "{}", called.said);
    assert!(place.read("out/report.html").contains("not in it)"));
    assert!(place.read("out/summary.md").contains("| Frames | Lost |"));
    assert!(place.read("out/jittery/seed-1/record.jsonl").contains("\"late\""));
}

/// What is done to a run at 15 s, and the first words of what is said of its session's end.
const ENDS: [(&str, &str); 5] = [
    (
        "change_link = { site = \"house\", direction = \"up\", one_way_delay = \"5s\" }",
        "session 1 was ended by phone at 18.022 s (nothing came from the camera any more)",
    ),
    // A few packets are lost, too: whatever was, none of these frames could have come in time.
    (
        "change_link = { site = \"house\", direction = \"up\", one_way_delay = \"10s\", loss = \"2%\" }",
        "session 1 was ended by phone at 18.022 s (nothing came from the camera any more)",
    ),
    // The path is short again when the viewer's session is over.
    (
        "change_link = { site = \"house\", direction = \"up\", one_way_delay = \"5s\", lasts = \"8s\" }",
        "session 1 was ended by phone at 18.022 s (nothing came from the camera any more)",
    ),
    (
        "power_loss = { peer = \"phone\", lasts = \"1s\" }",
        "session 1 was ended by phone at 15 s (it lost its power)",
    ),
    (
        "power_loss = { peer = \"camera\", lasts = \"1s\" }",
        "session 1 was ended by camera at 15 s (it lost its power)",
    ),
];

/// No link dropped anything that could have come: the session was over, and its end is named.
#[test]
fn frames_on_their_way_when_their_session_ends_are_lost_to_its_end() {
    for (done, told) in ENDS {
        let change =
            "change_link = { site = \"house\", direction = \"up\", one_way_delay = \"262ms\" }";
        let text = replaced(LONGER, change, done);
        let mut text = replaced(&text, "at_most = \"10%\", from = \"20s\"", "at_most = 0");
        if done.contains("power_loss") {
            // Longer than the 67 ms between two frames: there is always one on its way.
            text = replaced(
                &text,
                "up = { capacity = \"8Mbit/s\", one_way_delay = \"12ms\" }",
                "up = { capacity = \"8Mbit/s\", one_way_delay = \"100ms\" }",
            );
        }
        let place = Place::with("ends.toml", &text);
        let called = place.call(&["sim", "ends.toml", "--out", "out"]).ended(10);
        let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
        let lost = &stream["frames"]["lost"];
        assert!(lost["session"].as_u64() > Some(0), "{done}: {lost}");
        assert_eq!(
            (&lost["transport"], &lost["receive"]),
            (&0.into(), &0.into()),
            "{done}: {lost}"
        );
        assert_eq!(stream["ended"][0]["session"], 1, "{stream}");
        let counted = format!("(session {})", lost["session"]);
        assert!(called.said.contains(&counted), "{done}: {}", called.said);
        let row = |line: &&str| line.starts_with("  sessions ") && line.contains(told);
        assert_eq!(called.said.lines().filter(row).count(), 1, "{done}: {}", called.said);
        let page = place.read("out/report.html");
        assert!(page.contains(told), "{done}");
        // The check says it, unless it says when there was no power.
        if !done.contains("power_loss") {
            let measured = |line: &&str| line.starts_with("  measured ") && line.ends_with(told);
            assert_eq!(called.said.lines().filter(measured).count(), 1, "{done}: {}", called.said);
            // Markdown has other signs for some characters.
            let (told, _) = told.split_once(" (").expect("a reason");
            for file in REPORT.iter().filter(|file| !file.ends_with(".png")) {
                assert!(place.read(&format!("out/{file}")).contains(told), "{done}: {file}");
            }
        }
    }
}

/// A TURN server that has started over drops what is for the allocation that it had: nothing of it is late.
#[test]
fn what_a_restarted_turn_server_has_forgotten_is_lost_in_transport() {
    let end = "[event.over]\nat = \"15s\"\nrestart = \"turn\"\n\n[[check]]\nframes_lost = { at_most = 0 }\nwhy = \"All.\"\n";
    let place = Place::with("forgets.toml", &with_checks("strict-homes", 30, end));
    let called = place.call(&["sim", "forgets.toml", "--out", "out"]).ended(10);
    let lost = &place.json("out/summary.json")["runs"][0]["streams"][0]["frames"]["lost"];
    assert!(lost["transport"].as_u64() > Some(20), "{lost}");
    assert_eq!((&lost["late"], &lost["session"]), (&0.into(), &0.into()), "{lost}");
    assert!(called.said.contains("the scenario restarted turn at 15 s"), "{}", called.said);
}

/// What is on its way for too long when the run ends is late: no link dropped anything.
#[test]
fn a_run_that_ends_before_its_frames_can_come_loses_none_in_transport() {
    let text = replaced(LONGER, "262ms", "10s");
    let text = replaced(&text, "duration = \"40s\"", "duration = \"17900ms\"");
    let text = replaced(&text, "at_most = \"10%\", from = \"20s\"", "at_most = 0");
    let place = Place::with("short.toml", &text);
    place.call(&["sim", "short.toml", "--out", "out"]).ended(10);
    let lost = &place.json("out/summary.json")["runs"][0]["streams"][0]["frames"]["lost"];
    assert!(lost["late"].as_u64() > Some(5) && lost["transport"] == 0, "{lost}");
}

/// The camera's link is dead from 20 s to the end.
#[test]
fn a_picture_that_stands_still_to_the_end_is_a_freeze() {
    let text = replaced(LONGER, "at = \"15s\"", "at = \"20s\"");
    let text = replaced(&text, "one_way_delay = \"262ms\" }", "loss = \"100%\" }");
    let (world, _) = text.split_once("[[check]]").expect("a check");
    let check =
        "[[check]]\nfreezes = { at_most = 0, total_below = \"5s\" }\nwhy = \"It goes on.\"\n";
    let place = Place::with("dead.toml", &format!("{world}{check}"));
    let called = place.call(&["sim", "dead.toml", "--out", "out"]).ended(10);
    let stream = &place.json("out/summary.json")["runs"][0]["streams"][0];
    assert_eq!(stream["freezes"]["count"], 1, "{}", stream["freezes"]);
    assert_eq!(stream["freezes"]["total_us"], stream["freezes"]["open_us"]);
    assert!(called.said.contains("1 freeze of "), "{}", called.said);
    assert!(called.said.contains(", still for the last "), "{}", called.said);
    let lost = &stream["frames"]["lost"];
    assert!(lost["transport"].as_u64() > Some(20) && lost["late"] == 0, "{lost}");
    assert!(called.said.contains("session 1 was ended by phone at 23.029 s"), "{}", called.said);
}

#[test]
fn sixty_frames_a_second_are_not_lost_by_a_pipeline_of_twenty_milliseconds() {
    for profile in ["rock-5b", "imx8mp-evk"] {
        let place = Place::with("sixty.toml", &replaced(SIXTY, "rock-5b", profile));
        place.call(&["sim", "sixty.toml", "--out", "out"]).ended(0);
        let summary = place.json("out/summary.json");
        let stream = &summary["runs"][0]["streams"][0];
        assert_eq!(stream["frames"]["lost"]["capture"], 0, "{profile}: {}", stream["frames"]);
        let record = place.read("out/sixty/seed-1/record.jsonl");
        let captured: Vec<u64> = record
            .lines()
            .filter(|line| line.contains("\"frame_captured\""))
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
                entry["event"]["camera_us"].as_u64().expect("a time")
            })
            .collect();
        assert!(captured.len() > 1_000, "{profile}: {} captured", captured.len());
        // Each at its time, to the tick.
        let even = |pair: &[u64]| pair[1].abs_diff(pair[0] + 16_667) <= 1_000;
        assert!(captured.windows(2).all(even), "{profile}");
    }
}

#[test]
fn a_profile_that_contradicts_its_limits_is_refused_by_check_and_by_a_run() {
    let line = ROCK.lines().find(|line| line.starts_with("occupancy")).expect("a pipeline");
    let place = Place::with("own.toml", &replaced(ROCK, line, ""));
    place.write("sixty.toml", &replaced(SIXTY, "rock-5b", "own.toml"));
    for arguments in [&["check", "own.toml"][..], &["check", "sixty.toml"], &["sim", "sixty.toml"]]
    {
        let called = place.call(arguments).ended(2);
        for text in
            ["own.toml", "`capture` cannot take 60 pictures per second", "help: a frame has"]
        {
            assert!(called.complained.contains(text), "{text}: {}", called.complained);
        }
    }
    assert!(!place.path("target").exists(), "nothing ran");
}

#[test]
fn a_run_shorter_than_the_boot_is_refused_by_check_and_by_a_run() {
    let place = Place::with("short.toml", TOO_SHORT);
    for command in ["check", "sim"] {
        let called = place.call(&[command, "short.toml"]).ended(2);
        for text in
            ["short.toml:22", "`camera` (`rock-5b`) boots for 12s at least", "the run ends at"]
        {
            assert!(called.complained.contains(text), "{text}: {}", called.complained);
        }
    }
}

/// The stream runs and is measured: only `check` says beforehand that it cannot pass.
#[test]
fn a_bound_that_no_boot_leaves_time_for_is_refused_by_check_and_missed_by_a_run() {
    let text = with_checks("two-homes", 4, TOO_SOON).replace("1200ms", "800ms");
    let place = Place::with("soon.toml", &text);
    let called = place.call(&["check", "soon.toml"]).ended(2);
    assert!(called.complained.contains("could never pass"), "{}", called.complained);
    let called = place.call(&["sim", "soon.toml", "--out", "out"]).ended(10);
    assert!(called.said.contains("doorbell was still booting"), "{}", called.said);
}

/// The least boot fits into the run, the one that is drawn does not.
#[test]
fn a_camera_that_still_boots_when_the_run_ends_is_named_in_every_place() {
    let text = replaced(TOO_SHORT, "\"8s\"", "\"13s\"");
    let text = replaced(&text, "\"5s\"", "\"12500ms\"");
    let place = Place::with("short.toml", &text);
    let called = place.call(&["sim", "short.toml", "--out", "out"]).ended(10);
    const CAUSE: &str = "the camera camera was still booting when the run ended at 13 s";
    assert!(called.said.contains(CAUSE), "{}", called.said);
    for file in REPORT.iter().filter(|file| !file.ends_with(".png")) {
        assert!(place.read(&format!("out/{file}")).contains(CAUSE), "{file}");
    }
}
