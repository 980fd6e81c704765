//! Scripted events: each happens at its time, at its node, in its order, and does what it says.
#![cfg(target_os = "linux")]

use parallax_record::{Action, Entry, Event};
use parallax_scenario::{Builtin, Scenario, parse};
use parallax_world::{Guards, Sinks, header, run};

const MS_NS: u64 = 1_000_000;

/// `two-homes` without its loss, cut to `seconds`, with events.
fn scenario(seconds: u32, events: &str) -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let text = text.replace("duration = \"30s\"", &format!("duration = \"{seconds}s\""));
    let text = text.replace("loss = { mean = \"1%\", burst = 3 }, ", "");
    let (world, _) = text.split_once("[[check]]").expect("checks");
    let check = "[[check]]\nconnects = { within = \"5s\" }\nwhy = \"A scenario has a check.\"\n";
    let text = format!("{world}{events}\n{check}");
    parse("script.toml", &text, &Builtin).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn entries(scenario: &Scenario) -> Vec<Entry> {
    let mut entries = Vec::new();
    let sinks = Sinks { entry: Box::new(|entry| entries.push(entry)), packet: None };
    run(scenario, 1, Guards::default(), sinks).expect("a run");
    entries
}

/// What was done, as the record tells it: when, where, which event, whether it began.
fn told(entries: &[Entry]) -> Vec<(u64, String, String, bool)> {
    let of = |entry: &Entry| {
        let (event, began) = match &entry.event {
            Event::ActionBegan { event } => (event, true),
            Event::ActionEnded { event } => (event, false),
            _ => return None,
        };
        Some((entry.run_ns / MS_NS, entry.node.clone(), event.clone(), began))
    };
    entries.iter().filter_map(of).collect()
}

/// When frames were rendered, milliseconds.
fn rendered_ms(entries: &[Entry]) -> Vec<u64> {
    let rendered = |entry: &&Entry| matches!(entry.event, Event::FrameRendered { .. });
    entries.iter().filter(rendered).map(|entry| entry.run_ns / MS_NS).collect()
}

#[test]
fn events_happen_at_their_time_and_node_and_what_lasts_ends_before_anything_begins() {
    let scenario = scenario(
        8,
        r#"
[event.second]
at = "6500ms"
change_link = { site = "house", direction = "up", one_way_delay = "40ms" }
[event.first]
at = "6s"
change_link = { site = "house", direction = "up", loss = "100%", lasts = "500ms" }
[event.unplugged]
at = "6500ms"
power_loss = { peer = "phone", lasts = "1001ms" }
[event.gone]
at = "1s"
kill = "turn"
[event.back]
at = "1001ms"
restart = "turn"
[event.forgets]
at = "1001ms"
reboot_gateway = "flat"
[event.late]
at = "7s"
change_link = { site = "flat", direction = "down", capacity = "1Mbit/s", lasts = "2s" }
"#,
    );
    let expected = [
        (1_000, "service/turn", "gone", true),
        (1_001, "service/turn", "back", true),
        (1_001, "gateway/flat", "forgets", true),
        (6_000, "link/house/up", "first", true),
        (6_500, "link/house/up", "first", false),
        (6_500, "link/house/up", "second", true),
        (6_500, "phone", "unplugged", true),
        (7_000, "link/flat/down", "late", true),
        (7_501, "phone", "unplugged", false),
    ];
    let expected: Vec<_> = expected
        .map(|(at, node, event, began)| (at, node.to_owned(), event.to_owned(), began))
        .into();
    assert_eq!(told(&entries(&scenario)), expected);
    // The header says what they are, in the same order.
    let header = header(&scenario, 1, "0");
    let names: Vec<_> = header.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["gone", "back", "forgets", "first", "second", "unplugged", "late"]);
    let unplugged = &header.events[5];
    assert_eq!((unplugged.at_us, unplugged.lasts_us), (6_500_000, Some(1_001_000)));
    assert_eq!(unplugged.action, Action::PowerLoss { peer: "phone".to_owned() });
}

#[test]
fn a_link_is_what_the_event_says_while_it_lasts_and_as_before_afterwards() {
    let entries = entries(&scenario(
        10,
        r#"
[event.cut]
at = "6s"
change_link = { site = "house", direction = "up", loss = "100%", lasts = "1s" }
"#,
    ));
    let lost = entries.iter().filter(|entry| match &entry.event {
        Event::PacketDropped { cause, .. } => cause == "loss" && entry.node == "link/house/up",
        _ => false,
    });
    let lost: Vec<u64> = lost.map(|entry| entry.run_ns / MS_NS).collect();
    // 15 frames a second, a packet or more each; what is lost is lost where its last bit is sent.
    assert!(lost.len() >= 15, "{lost:?}");
    assert!(lost.iter().all(|at| (6_000..7_001).contains(at)), "{lost:?}");
    let shown = rendered_ms(&entries);
    let in_the_cut = shown.iter().filter(|at| (6_300..7_000).contains(*at)).count();
    assert_eq!(in_the_cut, 0, "nothing crosses: {shown:?}");
    assert!(shown.iter().filter(|at| **at > 7_500).count() > 20, "{shown:?}");
}

#[test]
fn a_reboot_loses_every_mapping_of_that_gateway_and_of_no_other() {
    let entries = entries(&scenario(7, "[event.reboot]\nat = \"5s\"\nreboot_gateway = \"flat\"\n"));
    let expired = |site: &str| {
        let node = format!("gateway/{site}");
        let of = |entry: &&Entry| {
            entry.node == node && matches!(entry.event, Event::MappingExpired { .. })
        };
        entries.iter().filter(of).map(|entry| entry.run_ns / MS_NS).collect::<Vec<_>>()
    };
    let flat = expired("flat");
    assert!(flat.len() >= 2 && flat.iter().all(|at| *at == 5_000), "UDP and TCP: {flat:?}");
    assert_eq!(expired("house"), Vec::<u64>::new());
}

#[test]
fn without_power_nothing_is_shown_and_afterwards_the_peer_boots_again() {
    let entries = entries(&scenario(
        14,
        "[event.unplugged]\nat = \"6s\"\npower_loss = { peer = \"phone\", lasts = \"1s\" }\n",
    ));
    let boots = entries.iter().filter_map(|entry| match entry.event {
        Event::Started { boot } if entry.node == "phone" => Some((boot, entry.run_ns / MS_NS)),
        _ => None,
    });
    let boots: Vec<_> = boots.collect();
    let [(0, _), (1, again)] = boots[..] else { panic!("{boots:?}") };
    // It boots for 0.3 to 0.8 s.
    assert!((7_300..7_802).contains(&again), "{boots:?}");
    let of_phone = entries.iter().filter(|entry| entry.node == "phone");
    let dark = of_phone.filter(|entry| (6_000..again).contains(&(entry.run_ns / MS_NS)));
    let dark: Vec<_> = dark.map(|entry| &entry.event).collect();
    assert!(
        matches!(dark[..], [Event::ActionBegan { .. }, Event::ActionEnded { .. }]),
        "it has no power: {dark:?}"
    );
    assert!(rendered_ms(&entries).iter().any(|at| *at > again), "it sees nothing any more");
}

#[test]
fn a_paused_camera_captures_nothing_loses_nothing_and_keeps_its_session() {
    let entries = entries(&scenario(
        9,
        "[event.still]\nat = \"6s\"\npause_camera = { peer = \"doorbell\", lasts = \"1s\" }\n",
    ));
    let captured = entries.iter().filter_map(|entry| match entry.event {
        Event::FrameCaptured { frame, .. } => Some((frame, entry.run_ns / MS_NS)),
        _ => None,
    });
    let captured: Vec<_> = captured.collect();
    let before = captured.iter().filter(|(_, at)| *at < 6_000).count();
    let after = captured.iter().filter(|(_, at)| *at >= 7_000).count();
    assert!(before > 30 && after > 25, "{captured:?}");
    assert_eq!(before + after, captured.len(), "during the pause: {captured:?}");
    let numbers: Vec<u32> = captured.iter().map(|(frame, _)| *frame).collect();
    assert_eq!(numbers, (0..).take(numbers.len()).collect::<Vec<_>>());
    assert!(!entries.iter().any(|entry| matches!(entry.event, Event::FrameDropped { .. })));
    assert!(rendered_ms(&entries).iter().filter(|at| **at > 7_300).count() > 15);
    let offers = entries.iter().filter(|entry| matches!(entry.event, Event::Started { .. }));
    assert_eq!(offers.count(), 2, "no peer boots again");
}
