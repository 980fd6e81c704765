//! Events, sites without Internet and signalling without a rendezvous: what is read, and what is
//! refused, with the message that a user reads.

use miette::{GraphicalReportHandler, GraphicalTheme};
use parallax_network::Capacity;
use parallax_record::LinkDirection;
use parallax_scenario::{
    Action, Builtin, Scenario, ScenarioErrors, ScriptedEvent, ServiceKind, parse,
};
use std::fmt::Write as _;

const SOUND: &str = r#"schema = 1
title = "Two homes"
why = "They must come back."
duration = "30s"

[site.house]
gateway = { mapping = "endpoint-independent", filtering = "address-dependent" }
up = { capacity = "8Mbit/s", one_way_delay = "12ms" }
down = { capacity = "40Mbit/s", one_way_delay = "12ms" }

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

[event.squeeze]
at = "12s"
change_link = { site = "house", direction = "up", capacity = "1Mbit/s", lasts = "3s" }

[event.reboot]
at = "8s"
power_loss = { peer = "doorbell", lasts = "1s" }

[event.outage]
at = "20s"
kill = "rendezvous"

[event.back]
at = "22s"
restart = "rendezvous"

[event.gateway]
at = "20s"
reboot_gateway = "house"

[[check]]
recovery = { after = "reboot", within = "10s" }
why = "Nobody waits longer."
"#;

const LAN: &str = r#"schema = 1
title = "One home"
why = "They meet on the LAN."
duration = "10s"

[site.home]
internet = false

[services]
rendezvous = false

[peer.doorbell]
site = "home"
camera = { profile = "esp32-p4", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" } }

[peer.phone]
site = "home"
views = ["doorbell"]

[[check]]
path = { local = "host", remote = "host" }
why = "There is nothing else."
"#;

/// Of [`SOUND`]: name, what is replaced, and by what.
const BROKEN: &[(&str, &str, &str)] = &[
    ("events without names", "[event.squeeze]", "[[event]]"),
    ("event without a time", "at = \"8s\"\n", ""),
    ("time finer than a step", "at = \"8s\"", "at = \"8000.5ms\""),
    ("event after the run", "at = \"8s\"", "at = \"30s\""),
    ("no action", "kill = \"rendezvous\"\n", ""),
    ("two actions", "kill = \"rendezvous\"\n", "kill = \"rendezvous\"\nrestart = \"stun\"\n"),
    ("an action that there is not", "kill = \"rendezvous\"\n", "explode = \"house\"\n"),
    ("an action not supported yet", "kill = \"rendezvous\"\n", "change_address = \"phone\"\n"),
    ("a service that there is not", "kill = \"rendezvous\"", "kill = \"dns\""),
    (
        "a service that does not run",
        "kill = \"rendezvous\"",
        "kill = \"turn\"\n[services]\nturn = false",
    ),
    ("killed twice", "restart = \"rendezvous\"", "kill = \"rendezvous\""),
    ("power loss of nobody", "peer = \"doorbell\", lasts", "peer = \"dorbell\", lasts"),
    ("power loss that lasts no time", "lasts = \"1s\"", "lasts = \"0s\""),
    (
        "power loss of one without power",
        "[event.outage]\nat = \"20s\"\nkill = \"rendezvous\"\n\n[event.back]\nat = \"22s\"\nrestart = \"rendezvous\"",
        "[event.again]\nat = \"8500ms\"\npower_loss = { peer = \"doorbell\" }",
    ),
    (
        "pause of a viewer",
        "power_loss = { peer = \"doorbell\", lasts",
        "pause_camera = { peer = \"phone\", lasts",
    ),
    (
        "pause of a paused camera",
        "[event.outage]\nat = \"20s\"\nkill = \"rendezvous\"\n\n[event.back]\nat = \"22s\"\nrestart = \"rendezvous\"",
        "[event.still]\nat = \"20s\"\npause_camera = { peer = \"doorbell\", lasts = \"2s\" }\n\n[event.again]\nat = \"21s\"\npause_camera = { peer = \"doorbell\" }",
    ),
    (
        "recovery without an end",
        "power_loss = { peer = \"doorbell\", lasts = \"1s\" }",
        "pause_camera = { peer = \"doorbell\" }",
    ),
    ("link of no site", "site = \"house\", direction", "site = \"hose\", direction"),
    ("link in no direction", "direction = \"up\"", "direction = \"both\""),
    ("link that stays", "capacity = \"1Mbit/s\", lasts", "lasts"),
    (
        "link that another event changes",
        "[event.reboot]\nat = \"8s\"\npower_loss = { peer = \"doorbell\", lasts = \"1s\" }",
        "[event.reboot]\nat = \"14s\"\nchange_link = { site = \"house\", direction = \"up\", loss = \"100%\", lasts = \"1s\" }",
    ),
    ("gateway of no site", "reboot_gateway = \"house\"", "reboot_gateway = \"garden\""),
    ("gateway that there is not", "reboot_gateway = \"house\"", "reboot_gateway = \"flat\""),
    ("recovery after nothing", "after = \"reboot\"", "after = \"rebot\""),
    ("recovery that takes no time", "within = \"10s\"", "within = \"0s\""),
    ("recovery beyond the run", "within = \"10s\"", "within = \"25s\""),
    ("recovery without power", ", lasts = \"1s\" }\n\n[event.outage]", " }\n\n[event.outage]"),
    ("site without a gateway", "gateway = \"none\"\n", ""),
    (
        "a site without Internet that has a link",
        "[site.flat]\ngateway = \"none\"",
        "[site.flat]\ninternet = false",
    ),
    (
        "a rendezvous out of reach",
        "[site.flat]\ngateway = \"none\"\nup = { capacity = \"8Mbit/s\", one_way_delay = \"9ms\" }\ndown = { capacity = \"40Mbit/s\", one_way_delay = \"9ms\" }",
        "[site.flat]\ninternet = false",
    ),
    (
        "a camera out of reach",
        "kill = \"rendezvous\"\n\n[event.back]\nat = \"22s\"\nrestart = \"rendezvous\"",
        "reboot_gateway = \"house\"\n\n[services]\nrendezvous = false",
    ),
    (
        "a server that nobody is told of",
        "kill = \"rendezvous\"\n\n[event.back]\nat = \"22s\"\nrestart = \"rendezvous\"",
        "reboot_gateway = \"house\"\n\n[services]\nrendezvous = false\nstun = true",
    ),
    (
        "the place of a relay that does not run",
        "kill = \"rendezvous\"\n\n[event.back]\nat = \"22s\"\nrestart = \"rendezvous\"",
        "reboot_gateway = \"house\"\n\n[services]\nturn = false\nturn_one_way_delay = \"20ms\"",
    ),
    ("recovery that looks away first", "within = \"10s\" }", "within = \"10s\", from = \"10s\" }"),
    ("recovery before it can be ready", "within = \"10s\"", "within = \"17s\""),
    (
        "SSIM that no picture has",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "ssim = { above = 1 }",
    ),
    (
        "a loss that is never more",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "frames_lost = { at_most = \"100%\" }",
    ),
    (
        "a freeze that outlasts the run",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "longest_freeze = { below = \"100s\" }",
    ),
    (
        "freezes that outlast the run",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "freezes = { at_most = 9, total_below = \"100s\" }",
    ),
    ("a seed without quotes", "schema = 1\n", "schema = 1\nseed = 5\n"),
    (
        "more lost frames than the run films",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "frames_lost = { at_most = 451 }",
    ),
    (
        "more freezes than fit into the window",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "freezes = { at_most = 9, from = \"20s\", to = \"21s\", minimum_sample = 1 }",
    ),
    (
        "PSNR that no picture has",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "psnr = { above = \"99dB\" }",
    ),
    (
        "SSIM above the whole",
        "recovery = { after = \"reboot\", within = \"10s\" }",
        "ssim = { above = 1.5 }",
    ),
];

/// As a terminal of 100 columns shows it, without colour.
fn shown(errors: &ScenarioErrors) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut text, errors)
        .expect("a text takes everything");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn sound(text: &str) -> Scenario {
    parse("case.toml", text, &Builtin).unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut page = String::new();
    for (name, from, to) in BROKEN {
        assert!(SOUND.contains(from), "{name}: the sound file lacks {from}");
        let text = SOUND.replacen(from, to, 1);
        let errors = parse("case.toml", &text, &Builtin).expect_err(name);
        let first = errors.first();
        assert!(first.line().is_some() && !first.cure().is_empty(), "{name}: {first}");
        writeln!(page, "======== {name}\n{}\n", shown(&errors)).expect("a text takes everything");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn events_come_in_the_order_of_time_and_at_one_time_in_that_of_the_file() {
    let scenario = sound(SOUND);
    let names: Vec<_> = scenario.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["reboot", "squeeze", "outage", "gateway", "back"]);
    let [reboot, squeeze, outage, gateway, back] = &scenario.events[..] else { panic!() };
    let peer = || "doorbell".to_owned();
    assert_eq!(
        *reboot,
        ScriptedEvent {
            name: "reboot".into(),
            at_us: 8_000_000,
            lasts_us: Some(1_000_000),
            action: Action::PowerLoss { peer: peer() },
        }
    );
    assert_eq!(outage.action, Action::Kill { service: ServiceKind::Rendezvous });
    assert_eq!(back.action, Action::Restart { service: ServiceKind::Rendezvous });
    assert_eq!(gateway.action, Action::RebootGateway { site: "house".into() });
    let up = scenario.sites[0].up.as_ref().expect("joined");
    let Action::ChangeLink { site, direction, link } = &squeeze.action else { panic!() };
    assert_eq!((site.as_str(), *direction), ("house", LinkDirection::Up));
    // What is not named stays.
    let changed = parallax_network::LinkConfig {
        capacity: Capacity::from_bits_per_second(1_000_000),
        ..up.clone()
    };
    assert_eq!(*link, changed);
}

#[test]
fn a_change_of_a_link_begins_with_what_the_one_before_has_left() {
    let more = r#"
[event.for-good]
at = "1s"
change_link = { site = "house", direction = "up", loss = "1%" }

[event.later]
at = "16s"
change_link = { site = "house", direction = "up", one_way_delay = "50ms" }

[[check]]"#;
    let scenario = sound(&SOUND.replace("\n[[check]]", more));
    let changes = scenario.events.iter().filter_map(|event| match &event.action {
        Action::ChangeLink { link, .. } => Some(link.clone()),
        _ => None,
    });
    let changes: Vec<_> = changes.collect();
    let [for_good, squeeze, later] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!(squeeze.loss, for_good.loss, "what does not end stays");
    assert_eq!(later.loss, for_good.loss, "what does not end stays");
    assert_ne!(squeeze.capacity, for_good.capacity);
    assert_eq!(later.capacity, for_good.capacity, "what has ended is undone");
}

#[test]
fn without_a_rendezvous_there_is_no_server_at_all() {
    let scenario = sound(LAN);
    let services = scenario.services;
    let none = [services.stun, services.turn, services.rendezvous];
    assert_eq!(none, [None; 3]);
    let site = &scenario.sites[0];
    assert!(site.up.is_none() && site.down.is_none() && site.gateway.is_none());
    let addresses: Vec<_> = scenario.peers.iter().map(|peer| peer.address.to_string()).collect();
    assert_eq!(addresses, ["192.168.1.10", "192.168.1.11"]);
}

#[test]
fn a_camera_with_a_public_address_needs_no_rendezvous_to_be_asked_from_elsewhere() {
    let text = SOUND.replace(
        "gateway = { mapping = \"endpoint-independent\", filtering = \"address-dependent\" }",
        "gateway = \"none\"",
    );
    let (world, _) = text.split_once("[event.squeeze]").expect("events");
    let text = format!(
        "{world}[services]\nrendezvous = false\n[[check]]\nconnects = {{ within = \"5s\" }}\nwhy = \"It is there.\"\n"
    );
    assert_eq!(sound(&text).services.rendezvous, None);
}

/// A link's capacity, measured each 200 ms for a minute, and as many events as there may be.
#[test]
fn a_measured_trace_is_a_scenario() {
    let measured = include_str!("../../../fixtures/cases/18-measured-trace/trace.toml");
    let (network, checks) = measured.split_once("[[check]]").expect("a check");
    let with = |events: usize| {
        let mut text = network.replace("duration = \"66s\"", "duration = \"1h\"");
        for n in 300..events {
            let (at, rate) = (5_000 + 200 * n, n * 37 % 1_200);
            text.push_str(&format!(
                "[event.e{n}]\nat = \"{at}ms\"\nchange_link = {{ site = \"house\", direction = \"up\", \
                 capacity = \"{rate}kbit/s\" }}\n"
            ));
        }
        parse("trace.toml", &format!("{text}[[check]]{checks}"), &Builtin)
    };
    for events in [300, 4_096] {
        assert_eq!(with(events).map(|scenario| scenario.events.len()), Ok(events));
    }
    let errors = with(4_097).expect_err("one too many");
    assert_eq!(errors.first().cure(), "a scenario has up to 4096 events");
}
