//! Peers that are other devices than their scenario says.

use parallax_scenario::{Builtin, Profiles, Replacement, Replacements, parse, parse_with, profile};

const TWO_HOMES: &str = include_str!("../../../fixtures/scenarios/two-homes.toml");

fn replacement(peer: &str, name: &str) -> Replacements {
    let profile = Builtin.find(name).expect("there").expect("sound");
    let by = format!("--profile {peer}={name}");
    let devices = [(peer.to_owned(), Replacement { profile, by })].into();
    Replacements { devices, ..Replacements::default() }
}

#[test]
fn a_device_takes_the_place_of_the_one_that_is_named_and_nothing_else_changes() {
    let named = parse("two-homes.toml", TWO_HOMES, &Builtin).expect("sound");
    let devices = replacement("doorbell", "esp32-p4-eye");
    let mut replaced = parse_with("two-homes.toml", TWO_HOMES, &Builtin, &devices).expect("sound");
    assert_eq!(
        replaced.peer("doorbell").expect("there").profile,
        devices.devices["doorbell"].profile
    );
    replaced.peers[0].profile = named.peers[0].profile.clone();
    assert_eq!(replaced, named);
}

#[test]
fn a_device_for_a_peer_that_is_not_there_changes_nothing() {
    let named = parse("two-homes.toml", TWO_HOMES, &Builtin);
    let devices = replacement("gate", "phone");
    assert_eq!(parse_with("two-homes.toml", TWO_HOMES, &Builtin, &devices), named);
}

#[test]
fn what_the_scenario_names_is_a_default_and_need_not_be_there() {
    let text = TWO_HOMES.replace("\"esp32-p4\"", "\"not-on-this-shelf\"");
    assert!(parse("two-homes.toml", &text, &Builtin).is_err());
    let devices = replacement("doorbell", "esp32-p4");
    assert!(parse_with("two-homes.toml", &text, &Builtin, &devices).is_ok());
}

#[test]
fn a_device_that_is_not_up_to_it_is_refused_and_who_put_it_there_is_told() {
    let refused = |devices: &Replacements| {
        let errors = parse_with("two-homes.toml", TWO_HOMES, &Builtin, devices);
        errors.expect_err("it is not up to it").first().to_string()
    };
    assert_eq!(
        refused(&replacement("doorbell", "phone")),
        "peer.doorbell.camera.profile: the device `phone` cannot be a camera, put here by \
         `--profile doorbell=phone`"
    );
    assert_eq!(
        refused(&replacement("phone", "esp32-p4")),
        "peer.phone.viewer.profile: the device `esp32-p4` cannot be a viewer, put here by \
         `--profile phone=esp32-p4`"
    );
    let mut weak = replacement("doorbell", "esp32-p4");
    let text =
        parallax_scenario::builtin("esp32-p4").expect("there").replace("20Mbit/s", "300kbit/s");
    weak.devices.get_mut("doorbell").expect("there").profile =
        profile::parse("weak.toml", &text).expect("sound");
    assert_eq!(
        refused(&weak),
        "peer.doorbell.camera.video.bit_rate: 400kbit/s is beyond the device `weak`, put here by \
         `--profile doorbell=esp32-p4`"
    );
}
