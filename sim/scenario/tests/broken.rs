//! Broken scenarios and profiles, each with the message that a user reads.
//!
//! A case breaks the sound file by one replacement, so that the message is about that alone.

use miette::{GraphicalReportHandler, GraphicalTheme};
use parallax_scenario::{Builtin, MAX_BYTES, Profiles, ScenarioErrors, decode, parse, profile};
use std::fmt::Write as _;

const SOUND: &str = r#"schema = 1
title = "Two homes"
why = "They must connect."
duration = "30s"

[site.house]
gateway = { mapping = "endpoint-independent", filtering = "address-dependent" }
up = { capacity = "8Mbit/s", one_way_delay = "12ms", loss = { mean = "1%", burst = 3 } }
down = { capacity = "40Mbit/s", one_way_delay = "12ms", queue = "100ms" }

[site.flat]
gateway = "none"
up = { capacity = "8Mbit/s", one_way_delay = "9ms" }
down = { capacity = "40Mbit/s", one_way_delay = "9ms" }

[peer.doorbell]
site = "house"
camera = { profile = "esp32-p4", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" } }

[peer.phone]
site = "flat"
views = ["doorbell"]
viewer = { jitter_buffer = "60ms" }

[[check]]
capture_to_render = { percentile = 95, below = "250ms", from = "5s" }
why = "A conversation breaks down."
"#;

/// Name, what is replaced, and by what.
const SCENARIOS: &[(&str, &str, &str)] = &[
    (
        "unknown key",
        "capacity = \"8Mbit/s\", one_way_delay = \"12ms\"",
        "capacty = \"8Mbit/s\", one_way_delay = \"12ms\"",
    ),
    ("unknown key without a likely one", "queue = \"100ms\"", "bandwidth = \"1Mbit/s\""),
    ("unknown table", "[site.flat]", "[network]\n[site.flat]"),
    (
        "wrong unit",
        "\"40Mbit/s\", one_way_delay = \"12ms\"",
        "\"40Mbps\", one_way_delay = \"12ms\"",
    ),
    ("no unit", "duration = \"30s\"", "duration = 30"),
    (
        "unit of another quantity",
        "one_way_delay = \"9ms\" }\ndown",
        "one_way_delay = \"9Mbit/s\" }\ndown",
    ),
    ("negative", "jitter_buffer = \"60ms\"", "jitter_buffer = \"-60ms\""),
    ("least above most", "\"60ms\"", "{ least = \"80ms\", most = \"60ms\" }"),
    ("least above the default of most", "\"60ms\"", "{ least = \"600ms\" }"),
    ("negative bound", "\"60ms\"", "{ least = \"-5ms\" }"),
    ("bound beyond 10 s", "\"60ms\"", "{ most = \"11s\" }"),
    ("bound without unit", "\"60ms\"", "{ most = 300 }"),
    ("unknown bound", "\"60ms\"", "{ least = \"20ms\", max = \"300ms\" }"),
    ("depth of a wrong type", "\"60ms\"", "true"),
    ("queue without unit", "queue = \"100ms\"", "queue = \"100\""),
    ("impossible bursts", "{ mean = \"1%\", burst = 3 }", "{ mean = \"80%\", burst = 1 }"),
    ("loss above the whole", "{ mean = \"1%\", burst = 3 }", "\"150%\""),
    ("loss as a fraction", "{ mean = \"1%\", burst = 3 }", "0.02"),
    ("loss as a whole number", "{ mean = \"1%\", burst = 3 }", "2"),
    ("mean loss as a fraction", "mean = \"1%\"", "mean = 0.01"),
    ("queue as a number", "queue = \"100ms\"", "queue = 100"),
    (
        "capacity as a number",
        "\"40Mbit/s\", one_way_delay = \"12ms\"",
        "40.5, one_way_delay = \"12ms\"",
    ),
    (
        "lost frames as a fraction",
        "capture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }",
        "frames_lost = { at_most = 0.02 }",
    ),
    ("behaviour misspelt", "\"address-dependent\"", "\"address-dependant\""),
    ("missing key", "title = \"Two homes\"\n", ""),
    ("missing key of a table", "filtering = \"address-dependent\" ", ""),
    ("why missing in a check", "why = \"A conversation breaks down.\"\n", ""),
    ("why empty", "\"They must connect.\"", "\"  \""),
    ("schema of the future", "schema = 1", "schema = 2"),
    ("dangling site", "site = \"flat\"", "site = \"flats\""),
    (
        "one address twice",
        "[peer.phone]\nsite = \"flat\"",
        "[peer.gate]\nsite = \"house\"\naddress = \"192.168.1.20\"\nviews = [\"doorbell\"]\n\n[peer.phone]\naddress = \"192.168.1.20\"\nsite = \"house\"",
    ),
    ("address outside", "site = \"house\"", "site = \"house\"\naddress = \"10.0.0.7\""),
    ("one peer name twice", "[peer.phone]", "[peer.doorbell]"),
    ("peer with the name of a service", "[peer.phone]", "[peer.turn]"),
    ("peer with the name of the core", "[peer.phone]", "[peer.core]"),
    ("peer with the name of the lab", "[peer.phone]", "[peer.lab]"),
    ("peer with the name of the simulator", "[peer.phone]", "[peer.world]"),
    ("name with a slash", "[site.flat]", "[site.\"a/b\"]"),
    (
        "private external address",
        "gateway = { mapping",
        "external = \"10.1.2.3\"\ngateway = { mapping",
    ),
    (
        "network with host bits",
        "gateway = { mapping",
        "network = \"192.168.1.7/24\"\ngateway = { mapping",
    ),
    ("odd size", "320x240", "321x240"),
    ("size too small", "320x240", "64x48"),
    ("size is no size", "320x240", "QVGA"),
    ("size beyond the device", "320x240", "3840x2160"),
    ("frame rate beyond the device", "frames_per_second = 15", "frames_per_second = 120"),
    ("unknown profile", "esp32-p4", "esp32p4"),
    ("viewer device as a camera", "esp32-p4", "phone"),
    (
        "camera device as a viewer",
        "viewer = { jitter_buffer",
        "viewer = { profile = \"esp32-p4\", jitter_buffer",
    ),
    (
        "views of what is no camera",
        "views = [\"doorbell\"]",
        "views = [\"doorbell\", \"tablet\"]\n\n[peer.tablet]\nsite = \"flat\"\nviews = [\"doorbell\"]",
    ),
    ("views of nobody", "views = [\"doorbell\"]", "views = [\"dorbell\"]"),
    (
        "camera without a viewer",
        "[peer.phone]",
        "[peer.garden]\nsite = \"house\"\ncamera = { profile = \"esp32-p4\", video = { clip = \"bunny\", size = \"320x240\", frames_per_second = 15, bit_rate = \"400kbit/s\" } }\n\n[peer.phone]",
    ),
    (
        "neither camera nor viewer",
        "views = [\"doorbell\"]\nviewer = { jitter_buffer = \"60ms\" }\n",
        "",
    ),
    (
        "congestion control of another kind",
        "camera = { profile",
        "camera = { congestion_control = \"bbr\", profile",
    ),
    (
        "congestion control without a kind",
        "camera = { profile",
        "camera = { congestion_control = { floor = \"100kbit/s\" }, profile",
    ),
    (
        "table of no congestion control",
        "camera = { profile",
        "camera = { congestion_control = { kind = \"none\" }, profile",
    ),
    (
        "floor above the bit rate",
        "camera = { profile",
        "camera = { congestion_control = { kind = \"gcc\", floor = \"500kbit/s\" }, profile",
    ),
    (
        "ceiling below the bit rate",
        "camera = { profile",
        "camera = { congestion_control = { kind = \"gcc\", ceiling = \"300kbit/s\" }, profile",
    ),
    (
        "ceiling beyond the device",
        "camera = { profile",
        "camera = { congestion_control = { kind = \"gcc\", ceiling = \"1Gbit/s\" }, profile",
    ),
    (
        "no checks",
        "[[check]]\ncapture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }\nwhy = \"A conversation breaks down.\"\n",
        "",
    ),
    (
        "two kinds in one check",
        "why = \"A conversation",
        "connects = { within = \"5s\" }\nwhy = \"A conversation",
    ),
    (
        "check of a stream that is not there",
        "why = \"A conversation",
        "camera = \"garden\"\nwhy = \"A conversation",
    ),
    ("window outside the run", "from = \"5s\"", "from = \"40s\""),
    ("percentile out of range", "percentile = 95", "percentile = 100"),
    ("more samples than frames", "from = \"5s\"", "from = \"29s\", minimum_sample = 50"),
    (
        "relay without TURN",
        "capture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }",
        "path = \"relayed\"\nwhy = \"No way.\"\n[services]\nturn = false\n[[check]]\nconnects = { within = \"5s\" }",
    ),
    (
        "a window that ends while the camera boots",
        "percentile = 95, below = \"250ms\", from = \"5s\"",
        "percentile = 95, below = \"250ms\", to = \"1700ms\"",
    ),
    (
        "a bound that ends while the camera boots",
        "capture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }",
        "connects = { within = \"900ms\" }",
    ),
    (
        "a camera that boots too long for its viewer",
        "profile = \"esp32-p4\", video = { clip = \"bunny\", size = \"320x240\", frames_per_second = 15, bit_rate = \"400kbit/s\" } }",
        "profile = \"rock-5b\", video = { clip = \"bunny\", size = \"320x240\", frames_per_second = 15, bit_rate = \"400kbit/s\" } }\n\n[[check]]\ntime_to_first_frame = { below = \"11s\" }\nwhy = \"Somebody waits.\"",
    ),
    (
        "more samples than frames after the boot",
        "capture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }",
        "frames_lost = { at_most = 0, minimum_sample = 430 }",
    ),
    (
        "a camera without power for the whole window",
        "[[check]]",
        "[event.off]\nat = \"4s\"\npower_loss = { peer = \"doorbell\" }\n\n[[check]]",
    ),
    (
        "a viewer that has its power back too late for its boot",
        "[[check]]",
        "[event.off]\nat = \"4s\"\npower_loss = { peer = \"phone\", lasts = \"25800ms\" }\n\n[[check]]",
    ),
    (
        "an event that is over before the camera has booted",
        "[[check]]\ncapture_to_render = { percentile = 95, below = \"250ms\", from = \"5s\" }",
        "[event.outage]\nat = \"500ms\"\nrestart = \"rendezvous\"\n\n[[check]]\nrecovery = { after = \"outage\", within = \"1s\" }",
    ),
    ("not TOML", "schema = 1", "schema = one"),
    ("array where a table stands", "gateway = \"none\"", "gateway = [1]"),
    (
        "several problems",
        "one_way_delay = \"9ms\" }\ndown = { capacity = \"40Mbit/s\", one_way_delay = \"9ms\" }",
        "one_way_delay = \"9\" }\ndown = { capacity = \"40\", one_way_dely = \"9ms\" }",
    ),
    (
        "signalling of no kind",
        "bit_rate = \"400kbit/s\" } }",
        "bit_rate = \"400kbit/s\" }, signalling = \"wip\" }",
    ),
    (
        "pushing without a rendezvous",
        "[peer.doorbell]\nsite = \"house\"\ncamera = { profile = \"esp32-p4\",",
        "[services]\nrendezvous = false\n\n[peer.doorbell]\nsite = \"flat\"\ncamera = { profile = \"esp32-p4\", signalling = \"whip\",",
    ),
    (
        "pushing to two viewers",
        "[peer.doorbell]\nsite = \"house\"\ncamera = { profile = \"esp32-p4\",",
        "[peer.tablet]\nsite = \"flat\"\nviews = [\"doorbell\"]\n\n[peer.doorbell]\nsite = \"house\"\ncamera = { profile = \"esp32-p4\", signalling = \"whip\",",
    ),
];

const PROFILES: &[(&str, &str, &str)] = &[
    (
        "number without provenance",
        "provenance = \"vendor\", source = \"BCM2710: H.264 level 4.0, 1080p at 30 frames/s\" }",
        "}",
    ),
    ("provenance unknown", "provenance = \"vendor\"\n", "provenance = \"guessed\"\n"),
    ("mean without deviation", "mean = \"20ms\"\ndeviation = \"2ms\"\n", "mean = \"20ms\"\n"),
    (
        "median of a normal distribution",
        "mean = \"20ms\"\n",
        "mean = \"20ms\"\nmedian = \"19ms\"\n",
    ),
    ("least above mean", "least = \"15ms\"", "least = \"25ms\""),
    (
        "unknown distribution",
        "distribution = \"normal\"\nmean = \"20ms\"",
        "distribution = \"gaussian\"\nmean = \"20ms\"",
    ),
    ("stage missing", "[camera.capture]", "[camera.captured]"),
    ("quantiles that are none", UNIFORM, "distribution = \"quantiles\"\nquantiles = []\n"),
    ("no quantiles", UNIFORM, "distribution = \"quantiles\"\n"),
    ("one quantile", UNIFORM, "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"]]\n"),
    (
        "a quantile of three",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\", 1], [100, \"14ms\"]]\n",
    ),
    (
        "a percent in quotes",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[\"0%\", \"9ms\"], [100, \"14ms\"]]\n",
    ),
    (
        "a percent above the whole",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [101, \"14ms\"]]\n",
    ),
    (
        "a quantile without unit",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, 9], [100, \"14ms\"]]\n",
    ),
    (
        "quantiles from the middle",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[5, \"9ms\"], [100, \"14ms\"]]\n",
    ),
    (
        "quantiles without an end",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [95, \"14ms\"]]\n",
    ),
    (
        "quantiles out of order",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [95, \"10ms\"], [50, \"12ms\"], [100, \"14ms\"]]\n",
    ),
    (
        "quantiles that fall",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [50, \"8ms\"], [100, \"14ms\"]]\n",
    ),
    (
        "samples of nothing",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [100, \"14ms\"]]\nsamples = 0\n",
    ),
    (
        "quantiles with a mean",
        UNIFORM,
        "distribution = \"quantiles\"\nquantiles = [[0, \"9ms\"], [100, \"14ms\"]]\nmean = \"10ms\"\n",
    ),
    ("a stage too slow for the limits", "most = \"20ms\"", "most = \"40ms\""),
    ("a stage too slow for the largest picture", "occupancy = {", "# {"),
    ("an occupancy too long for the limits", "value = \"14.6ms\", per", "value = \"15ms\", per"),
    (
        "an occupancy without provenance",
        "value = \"14.6ms\", per = \"1280x720\", provenance = \"inferred\",",
        "value = \"14.6ms\",",
    ),
    ("an occupancy that is no table", "occupancy = {", "occupancy = \"14ms\" # {"),
    (
        "a boot with an occupancy",
        "[boot_time]\n",
        "[boot_time]\noccupancy = { value = \"1s\", provenance = \"inferred\", source = \"None.\" }\n",
    ),
    (
        "samples of a uniform distribution",
        UNIFORM,
        "distribution = \"uniform\"\nleast = \"8ms\"\nmost = \"20ms\"\nsamples = 7\n",
    ),
];

/// The distribution of its `capture`.
const UNIFORM: &str = "distribution = \"uniform\"\nleast = \"8ms\"\nmost = \"20ms\"\n";

/// As a terminal of 100 columns shows it, without colour.
fn shown(errors: &ScenarioErrors) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut text, errors)
        .expect("a text takes everything");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn broken(sound: &str, (name, from, to): (&str, &str, &str)) -> String {
    assert!(sound.contains(from), "{name}: the sound file lacks {from}");
    sound.replacen(from, to, 1)
}

#[test]
fn the_sound_file_is_sound() {
    if let Err(errors) = parse("case.toml", SOUND, &Builtin) {
        panic!("{}", shown(&errors));
    }
}

#[test]
fn broken_scenarios() {
    let mut page = String::new();
    for case in SCENARIOS {
        let errors = parse("case.toml", &broken(SOUND, *case), &Builtin).expect_err(case.0);
        assert_located(case.0, &errors);
        writeln!(page, "======== {}\n{}\n", case.0, shown(&errors))
            .expect("a text takes everything");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn broken_profiles() {
    let sound = parallax_scenario::builtin("raspberry-pi-zero-2-w").expect("there");
    let mut page = String::new();
    for case in PROFILES {
        let errors = profile::parse("board.toml", &broken(sound, *case)).expect_err(case.0);
        assert_located(case.0, &errors);
        writeln!(page, "======== {}\n{}\n", case.0, shown(&errors))
            .expect("a text takes everything");
    }
    insta::assert_snapshot!(page);
}

/// File, line, column and cure are there, and the line is one of the file.
fn assert_located(name: &str, errors: &ScenarioErrors) {
    for problem in errors.problems() {
        assert!(problem.file().is_some(), "{name}: {problem}");
        assert!(problem.line().is_some_and(|line| line >= 1), "{name}: {problem}");
        assert!(problem.column().is_some_and(|column| column >= 1), "{name}: {problem}");
        assert!(!problem.cure().is_empty(), "{name}: {problem}");
    }
}

#[test]
fn line_and_column_point_at_the_value() {
    let text = SOUND.replacen("\"30s\"", "\"30x\"", 1);
    let errors = parse("case.toml", &text, &Builtin).expect_err("30x is no duration");
    let first = errors.first();
    assert_eq!(
        (first.file(), first.line(), first.column()),
        (Some("case.toml"), Some(4), Some(12))
    );
    assert_eq!(first.key(), "duration");
    assert_eq!(errors.problems().len(), 1);
}

#[test]
fn what_is_no_text_to_show_is_told_without_showing_it() {
    let long = "#".repeat(MAX_BYTES + 1);
    let wide = format!("schema = 1 #{}", "x".repeat(2_000));
    let mut page = String::new();
    for errors in [
        parse("case.toml", &long, &Builtin).expect_err("too long"),
        parse("case.toml", &wide, &Builtin).expect_err("too wide"),
        parse("case.toml", "schema = 1\ntitle = \"\u{1b}[31m\"", &Builtin).expect_err("an escape"),
        decode("case.toml", b"schema = 1\ntitle = \"\xff\"").expect_err("not UTF-8"),
        decode("case.toml", long.as_bytes()).expect_err("too long"),
    ] {
        writeln!(page, "{}", shown(&errors)).expect("a text takes everything");
    }
    insta::assert_snapshot!(page);
}

/// A profile that is broken is told of in its own file.
#[test]
fn a_broken_profile_is_told_of_in_its_own_file() {
    struct Broken;
    impl Profiles for Broken {
        fn find(&self, _: &str) -> Option<Result<profile::Profile, ScenarioErrors>> {
            Some(profile::parse("mine/esp32-p4.toml", "schema = 1\ntitel = \"Mine\"\n"))
        }
        fn names(&self) -> Vec<String> {
            Vec::new()
        }
    }
    let errors = parse("case.toml", SOUND, &Broken).expect_err("the profile is broken");
    assert_eq!(errors.first().file(), Some("mine/esp32-p4.toml"));
    insta::assert_snapshot!(errors.to_string());
}
