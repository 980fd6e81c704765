//! The scenarios and profiles that come with Parallax.

use parallax_network::{Behaviour, Capacity, GatewayConfig, Loss, PortAssignment, QueueLimit};
use parallax_record::{Ice, JitterBuffer, Predicate, Route, Stage};
use parallax_scenario::{
    Builtin, Profiles, Scenario, clip, parse, profile, reference, units::Size,
};
use std::{net::Ipv4Addr, time::Duration};

const TWO_HOMES: &str = include_str!("../../../fixtures/scenarios/two-homes.toml");
const STRICT_HOMES: &str = include_str!("../../../fixtures/scenarios/strict-homes.toml");

fn read(name: &str, text: &str) -> Scenario {
    parse(name, text, &Builtin).unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)))
}

#[test]
fn two_homes_says_what_the_simulator_needs() {
    let scenario = read("fixtures/scenarios/two-homes.toml", TWO_HOMES);
    assert_eq!(scenario.id, "two-homes");
    assert_eq!(scenario.duration, Duration::from_secs(30));
    assert_eq!(scenario.seed, None);
    let names: Vec<_> = scenario.sites.iter().map(|site| site.name.as_str()).collect();
    assert_eq!(names, ["house", "flat"], "the order of the file, not of the alphabet");
    let house = scenario.site("house").expect("there");
    let gateway = house.gateway.as_ref().expect("there");
    assert_eq!(gateway.mapping, Behaviour::EndpointIndependent);
    assert_eq!(gateway.filtering, Behaviour::AddressAndPortDependent);
    assert_eq!(gateway.mapping_timeout, Duration::from_secs(120));
    let up = house.up.as_ref().expect("there");
    assert_eq!(up.capacity, Capacity::from_bits_per_second(8_000_000));
    assert_eq!(up.one_way_delay, Duration::from_millis(12));
    assert_eq!(up.loss, Loss::Burst { mean: 0.01, burst: 3.0 });
    assert_eq!(up.queue, QueueLimit::Time { limit: Duration::from_millis(200) });
    let doorbell = scenario.peer("doorbell").expect("there");
    assert_eq!(doorbell.profile.name, "esp32-p4");
    let camera = doorbell.camera.as_ref().expect("there");
    assert_eq!(camera.config.size(), Size { width: 320, height: 240 });
    assert_eq!(camera.config.bit_rate_bps, 400_000);
    assert_eq!(camera.config.pacer_bps, Some(2_000_000));
    let viewer = scenario.peer("phone").and_then(|peer| peer.viewer.as_ref()).expect("there");
    assert_eq!(viewer.cameras, ["doorbell"]);
    assert_eq!(viewer.jitter_buffer, JitterBuffer::default());
    let nack = viewer.nack.expect("by default");
    assert_eq!((nack.interval, nack.tries), (Duration::from_millis(20), 5));
    assert_eq!(viewer.asks_at, Duration::ZERO);
    assert_eq!(doorbell.ice, Ice::default());
    assert_eq!(scenario.streams().len(), 1);
}

#[test]
fn homes_share_a_private_range_and_nothing_else() {
    let scenario = read("two-homes.toml", TWO_HOMES);
    let networks: Vec<_> = scenario.sites.iter().map(|site| site.network.to_string()).collect();
    assert_eq!(networks, ["192.168.1.0/24", "192.168.1.0/24"]);
    let gateways = scenario.sites.iter().filter_map(|site| site.gateway.as_ref());
    let external: Vec<_> = gateways.map(|gateway| gateway.external).collect();
    assert_eq!(external, [Ipv4Addr::new(198, 51, 100, 1), Ipv4Addr::new(198, 51, 100, 2)]);
    for peer in &scenario.peers {
        assert_eq!(peer.address, Ipv4Addr::new(192, 168, 1, 10));
    }
    let services = scenario.services;
    assert!(services.stun.is_some() && services.turn.is_some() && services.rendezvous.is_some());
}

#[test]
fn strict_homes_are_strict_and_must_relay() {
    let scenario = read("strict-homes.toml", STRICT_HOMES);
    for site in &scenario.sites {
        let gateway = site.gateway.as_ref().expect("there");
        assert_eq!(gateway.mapping, Behaviour::AddressAndPortDependent);
        assert_eq!(gateway.filtering, Behaviour::AddressAndPortDependent);
        assert_eq!(gateway.ports, PortAssignment::Random);
    }
    let demands_relay = |check: &parallax_record::Check| {
        matches!(check.predicate, Predicate::Path { route: Some(Route::Relayed), .. })
    };
    assert!(scenario.checks.iter().any(demands_relay));
}

#[test]
fn what_a_gateway_leaves_out_is_the_networks_default() {
    let text = TWO_HOMES.replace(", ports = \"preserving\", mapping_timeout = \"120s\"", "");
    let scenario = read("two-homes.toml", &text);
    let default = GatewayConfig {
        mapping: Behaviour::EndpointIndependent,
        filtering: Behaviour::AddressAndPortDependent,
        ..GatewayConfig::default()
    };
    assert_eq!(scenario.sites[0].gateway, Some(default));
}

#[test]
fn a_peer_may_hold_both_roles() {
    let text = TWO_HOMES
        .replace("esp32-p4", "tablet")
        .replace("[peer.phone]", "[peer.other]\ncamera = { profile = \"tablet\", video = { clip = \"bunny\", size = \"320x240\", frames_per_second = 15, bit_rate = \"400kbit/s\" } }")
        .replace("viewer = { profile = \"phone\" }", "viewer = {}")
        .replace("site = \"house\"\n", "site = \"house\"\nviews = [\"other\"]\n");
    struct Tablet;
    impl Profiles for Tablet {
        fn find(
            &self,
            name: &str,
        ) -> Option<Result<profile::Profile, parallax_scenario::ScenarioErrors>> {
            let camera = Builtin.find("esp32-p4")?;
            let viewer = Builtin.find("phone")?.ok()?.viewer;
            Some(camera.map(|camera| profile::Profile { name: name.into(), viewer, ..camera }))
        }
        fn names(&self) -> Vec<String> {
            vec!["tablet".into()]
        }
    }
    let scenario = parse("both.toml", &text, &Tablet)
        .unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)));
    assert!(scenario.peers.iter().all(|peer| peer.camera.is_some() && peer.viewer.is_some()));
    let streams: Vec<_> = scenario.streams().into_iter().map(|s| (s.camera, s.viewer)).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(streams, [pair("other", "doorbell"), pair("doorbell", "other")]);
}

#[test]
fn a_site_without_a_gateway_has_public_addresses() {
    let gateway = TWO_HOMES.lines().find(|line| line.starts_with("gateway")).expect("there");
    let scenario = read("open.toml", &TWO_HOMES.replace(gateway, "gateway = \"none\""));
    let addresses: Vec<_> = scenario.peers.iter().map(|peer| peer.address.to_string()).collect();
    assert_eq!(addresses, ["203.0.113.10", "203.0.113.26"]);
}

#[test]
fn every_profile_reads_and_is_named_after_its_file() {
    let names = Builtin.names();
    for known in ["esp32-p4", "phone", "process-board", "raspberry-pi-zero-2-w"] {
        assert!(names.iter().any(|name| name == known), "{known} in {names:?}");
    }
    assert!(names.is_sorted(), "{names:?}");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../device-profiles");
    let files = std::fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file"));
    let files = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "toml"));
    assert_eq!(files.count(), names.len(), "each file of the folder is shipped");
    for name in names {
        let profile = Builtin.find(&name).expect("there");
        let profile = profile.unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)));
        assert_eq!(profile.name, name);
        assert_eq!(Some(&*profile.text), parallax_scenario::builtin(&name));
    }
}

#[test]
fn stages_scale_with_pixels_where_the_profile_says_so() {
    let board = Builtin.find("raspberry-pi-zero-2-w").expect("there").expect("sound");
    let camera = board.camera.expect("it is a camera");
    let small = Size { width: 320, height: 240 };
    let hd = Size { width: 1280, height: 720 };
    let [capture, encode] = [Stage::Capture, Stage::Encode].map(|stage| &camera.stages[&stage]);
    assert_eq!(encode.typical(hd), Duration::from_millis(20));
    // 76800 of 921600 pixels: a twelfth.
    assert_eq!(encode.typical(small), Duration::from_millis(20) / 12);
    assert_eq!(capture.typical(small), capture.typical(hd));
}

#[test]
fn manifests_of_shipped_clips_leave_no_key_out() {
    for (name, text) in [
        ("bunny", include_str!("../../../fixtures/clips/bunny.toml")),
        ("bunny-320x240", include_str!("../../../fixtures/clips/bunny-320x240.toml")),
    ] {
        let manifest = clip::parse(&format!("fixtures/clips/{name}.toml"), text)
            .unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)));
        assert_eq!((manifest.name.as_str(), manifest.frames), (name, 125));
        assert_eq!(manifest.file, format!("{name}.h264"));
        for key in reference::CLIP.iter().flat_map(|table| table.keys) {
            assert!(text.contains(&format!("\n{} = ", key.name)), "{name} lacks {}", key.name);
        }
    }
}
