//! Every range that the reader holds a number to stands in the key tables. The ranges are found by
//! putting extremes in the place of each value of sound files.

use miette::Diagnostic as _;
use parallax_scenario::{
    Builtin, ScenarioErrors, clip, parse, profile,
    reference::{self, Keys},
};
use std::collections::BTreeSet;

const SCENARIO: &str = r#"schema = 1
title = "Every key with a range"
why = "The tables have them."
duration = "30s"

[site.house]
gateway = { mapping = "endpoint-independent", filtering = "address-dependent", mapping_timeout = "300s", tcp_established_timeout = "2h", tcp_transitory_timeout = "4min" }
up = { capacity = "8Mbit/s", one_way_delay = "12ms", delay_variation = "1ms", loss = { mean = "1%", burst = 3 }, queue = "100ms" }
down = { capacity = "40Mbit/s", one_way_delay = "12ms" }

[site.flat]
gateway = "none"
up = { capacity = "8Mbit/s", one_way_delay = "9ms" }
down = { capacity = "40Mbit/s", one_way_delay = "9ms" }

[peer.doorbell]
site = "house"
camera = { profile = "esp32-p4", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s", key_frame_interval = "2s" }, pacer = "1Mbit/s", congestion_control = { kind = "gcc", floor = "100kbit/s", ceiling = "800kbit/s" } }

[peer.phone]
site = "flat"
views = ["doorbell"]
viewer = { jitter_buffer = "60ms", nack = { interval = "20ms", tries = 5 } }

[event.reboot]
at = "10s"
power_loss = { peer = "doorbell", lasts = "1s" }

[event.narrow]
at = "20s"
change_link = { site = "house", direction = "up", capacity = "1Mbit/s", one_way_delay = "1ms", delay_variation = "1ms", lasts = "1s" }

[[check]]
capture_to_render = { percentile = 95, below = "250ms", from = "5s", minimum_sample = 30 }
why = "A conversation breaks down."

[[check]]
freezes = { at_most = 3, total_below = "1s" }
why = "Few."

[[check]]
frames_lost = { at_most = 10 }
why = "Few."

[[check]]
ssim = { above = 0.9, percentile = 5 }
why = "Alike."

[[check]]
psnr = { above = "30dB" }
why = "True."

[[check]]
recovery = { after = "reboot", within = "5s" }
why = "Soon."
"#;

/// How long the run of the scenario is.
const RUN: &str = "30s";

/// What no range takes, or one end of it does not.
const EXTREMES: [&str; 11] = [
    "0",
    "4294967295",
    "4000000000",
    "0.0",
    "99999999.0",
    "\"0ns\"",
    "\"1ns\"",
    "\"5000h\"",
    "\"1bit/s\"",
    "\"9000Gbit/s\"",
    "\"65535x65535\"",
];

/// Where a value stands behind ` = ` or in a list: from its first byte to its last.
fn values(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = at > 0 && matches!(bytes[at - 1], b' ' | b'[');
        let end = match bytes[at] {
            b'"' if starts => text[at + 1..].find('"').map(|length| at + length + 2),
            b'0'..=b'9' if starts => {
                let number = |c: char| !(c.is_ascii_digit() || c == '.');
                text[at..].find(number).map(|length| at + length)
            }
            _ => None,
        };
        match end {
            Some(end) => {
                found.push((at, end));
                at = end;
            }
            None => at += 1,
        }
    }
    found
}

/// The two ends of a range that a help names.
fn range(help: &str) -> Option<(String, String)> {
    let (_, rest) = help.split_once(" from ")?;
    let (least, rest) = rest.split_once(" to ")?;
    let most = rest.split(|c: char| c.is_whitespace() || c == ':').next()?;
    let plain = |text: &str| text.replace('`', "");
    let is_value = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let (least, most) = (plain(least), plain(most));
    (is_value(&least) && is_value(&most)).then_some((least, most))
}

/// A path without the numbers of items: those of a list have the key of their list.
fn without_numbers(path: &str) -> String {
    path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

/// The ranges that `read` holds the values of a sound text to: of which key, from where to where.
fn ranges(
    text: &str,
    read: impl Fn(&str) -> Result<(), ScenarioErrors>,
) -> BTreeSet<(String, String, String)> {
    if let Err(errors) = read(text) {
        panic!("not sound: {errors:?}");
    }
    let mut found = BTreeSet::new();
    for (from, to) in values(text) {
        for extreme in EXTREMES {
            let Err(errors) = read(&[&text[..from], extreme, &text[to..]].concat()) else {
                continue;
            };
            for problem in errors.problems() {
                let help = problem.help().map(|help| help.to_string()).unwrap_or_default();
                let Some((least, most)) = range(&help) else { continue };
                let message = problem.to_string();
                let path = message.split(':').next().unwrap_or_default();
                // What ends with the run is told in words.
                if most != RUN {
                    found.insert((without_numbers(path), least, most));
                }
            }
        }
    }
    found
}

/// A range whose ends the tables do not name, of the key at the end of a path.
fn untold(tables: &[&Keys], (path, least, most): &(String, String, String)) -> bool {
    let names: Vec<&str> = path.rsplit('.').take(2).collect();
    // The range of a figure stands with the figure's own key.
    let names = if names[0] == "value" { &names[..] } else { &names[..1] };
    let unbounded = ["0", "0ns", "0s", "4294967295"];
    let told = |text: &str| {
        let text = text.replace(' ', "");
        [least, most].iter().all(|end| unbounded.contains(&end.as_str()) || text.contains(*end))
    };
    let mut keys = tables.iter().flat_map(|table| table.keys);
    !keys.any(|key| names.contains(&key.name) && told(&key.kind.to_string()))
}

fn held(tables: &[&Keys], found: &BTreeSet<(String, String, String)>, at_least: usize) {
    assert!(found.len() >= at_least, "only {} ranges were found: {found:#?}", found.len());
    let untold: Vec<_> = found.iter().filter(|range| untold(tables, range)).collect();
    assert!(untold.is_empty(), "no table says so: {untold:#?}");
}

#[test]
fn ranges_of_scenarios_stand_in_their_table() {
    let found = ranges(SCENARIO, |text| parse("case.toml", text, &Builtin).map(drop));
    held(reference::SCENARIO, &found, 25);
}

#[test]
fn ranges_of_profiles_stand_in_their_table() {
    for name in ["esp32-p4", "phone"] {
        let text = parallax_scenario::builtin(name).expect("a profile");
        let found = ranges(text, |text| profile::parse("case.toml", text).map(drop));
        held(reference::PROFILE, &found, 4);
    }
}

#[test]
fn ranges_of_manifests_stand_in_their_table() {
    let text = include_str!("../../../fixtures/clips/bunny-320x240.toml");
    let found = ranges(text, |text| clip::parse("case.toml", text).map(drop));
    held(reference::CLIP, &found, 3);
}

/// A link's capacity, measured each 200 ms for a minute, and as many events as there may be.
#[test]
fn a_measured_trace_is_a_scenario() {
    let (world, checks) = SCENARIO.split_once("[event.reboot]").expect("events");
    let (_, checks) = checks.split_once("[[check]]").expect("checks");
    let (checks, _) = checks.rsplit_once("[[check]]").expect("the last needs the reboot");
    let with = |events: usize| {
        let mut text = world.replace("duration = \"30s\"", "duration = \"1h\"");
        for n in 0..events {
            let (at, rate) = (5_000 + 200 * n, n * 37 % 1_200);
            text.push_str(&format!(
                "[event.e{n}]\nat = \"{at}ms\"\nchange_link = {{ site = \"house\", direction = \"up\", \
                 capacity = \"{rate}kbit/s\" }}\n"
            ));
        }
        parse("trace.toml", &format!("{text}[[check]]{checks}"), &Builtin)
    };
    let measured = include_str!("../../../fixtures/cases/18-measured-trace/trace.toml");
    let scenario = parse("trace.toml", measured, &Builtin);
    assert_eq!(scenario.map(|scenario| scenario.events.len()), Ok(300));
    for events in [300, 4_096] {
        let scenario = with(events).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(scenario.events.len(), events);
    }
    let errors = with(4_097).expect_err("one too many");
    let help = errors.first().help().expect("a cure").to_string();
    assert_eq!(help, "a scenario has up to 4096 events");
}
