//! What adapts a camera's bit rate, as a scenario says it.

use parallax_scenario::{Builtin, GccBounds, Profiles, parse, units};

const TWO_HOMES: &str = include_str!("../../../fixtures/scenarios/two-homes.toml");

/// What `two-homes`, whose doorbell films at `bit_rate`, comes to with this key.
fn read(bit_rate: &str, key: &str) -> Option<GccBounds> {
    let (own, given) = ("bit_rate = \"400kbit/s\"", format!("bit_rate = \"{bit_rate}\""));
    let camera = "profile = \"esp32-p4\"";
    assert!(TWO_HOMES.contains(own) && TWO_HOMES.contains(camera));
    let text = TWO_HOMES.replace(own, &given).replace(camera, &format!("{key}{camera}"));
    let scenario = parse("gcc.toml", &text, &Builtin)
        .unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)));
    let camera = scenario.peer("doorbell").and_then(|peer| peer.camera.as_ref());
    camera.expect("a camera").config.congestion_control
}

fn gcc(floor_bps: u64, ceiling_bps: u64) -> Option<GccBounds> {
    Some(GccBounds { floor_bps, ceiling_bps })
}

/// The key, before another one of the camera's table.
fn key(value: &str) -> String {
    format!("congestion_control = {value}, ")
}

#[test]
fn nothing_adapts_the_bit_rate_unless_asked_for() {
    assert_eq!(read("400kbit/s", ""), None);
    assert_eq!(read("400kbit/s", &key("\"none\"")), None);
}

#[test]
fn bounds_that_are_left_out_lie_around_the_bit_rate() {
    assert_eq!(read("400kbit/s", &key("\"gcc\"")), gcc(100_000, 800_000));
    assert_eq!(read("400kbit/s", &key("{ kind = \"gcc\" }")), gcc(100_000, 800_000));
    let floor = key("{ kind = \"gcc\", floor = \"50kbit/s\" }");
    assert_eq!(read("400kbit/s", &floor), gcc(50_000, 800_000));
    let ceiling = key("{ kind = \"gcc\", ceiling = \"3Mbit/s\" }");
    assert_eq!(read("400kbit/s", &ceiling), gcc(100_000, 3_000_000));
}

#[test]
fn bounds_may_be_the_bit_rate_itself() {
    let both = key("{ kind = \"gcc\", floor = \"400kbit/s\", ceiling = \"400kbit/s\" }");
    assert_eq!(read("400kbit/s", &both), gcc(400_000, 400_000));
}

#[test]
fn bounds_that_are_left_out_stay_within_what_there_is() {
    let profile = Builtin.find("esp32-p4").expect("there").expect("sound");
    let most = profile.camera.expect("a camera").encoder.most_bit_rate.value;
    let near = units::format_bits_per_second(most);
    assert_eq!(read(&near, &key("\"gcc\"")), gcc(most / 4, most));
    assert_eq!(read("1kbit/s", &key("\"gcc\"")), gcc(1_000, 2_000));
}
