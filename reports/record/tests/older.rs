//! Headers of older versions are read.

use parallax_record::{Capacity, GatewayConfig, Header, JitterBuffer, LinkDirection};

/// As the version before the header had every key wrote it.
const OLDER: &str = include_str!("older/uplink-squeezed.json");

#[test]
fn what_an_older_header_leaves_out_is_not_told_or_the_default() {
    let header = Header::from_json(OLDER.as_bytes()).expect("a header");
    assert_eq!(header.scenario_file, None);
    let gateway = header.sites[0].gateway.as_ref().expect("a gateway");
    let default = GatewayConfig::default();
    assert_eq!(gateway.filter_scope, default.filter_scope);
    assert_eq!(gateway.refresh_inbound, default.refresh_inbound);
    assert_eq!(gateway.tcp_established_timeout, default.tcp_established_timeout);
    assert_eq!(gateway.tcp_transitory_timeout, default.tcp_transitory_timeout);
    let up = header.sites[0].link(LinkDirection::Up).expect("a link");
    assert_eq!(up.capacity, Capacity::from_bits_per_second(1_300_000));
    let [doorbell, phone] = &header.peers[..] else { panic!("two peers") };
    let camera = doorbell.camera.as_ref().expect("a camera");
    assert_eq!((camera.camera.bit_rate_bps, camera.recorded_bps), (400_000, None));
    assert_eq!((camera.camera.pacer_bps, camera.camera.congestion_control), (None, None));
    assert_eq!((doorbell.address, &doorbell.viewer), (None, &None));
    // What stood in places of its own is the viewer's and the camera's.
    let buffer = Some(JitterBuffer { least_us: 20_000, most_us: 500_000 });
    assert_eq!((phone.jitter_buffer(), doorbell.jitter_buffer()), (buffer, None));
    let fixed = OLDER.replace(r#""jitter_buffer_least_us":20000,"#, "");
    let fixed = Header::from_json(fixed.as_bytes()).expect("a header").peers[1].jitter_buffer();
    assert_eq!(fixed, Some(JitterBuffer { least_us: 500_000, most_us: 500_000 }));
    let gcc = r#"{"gcc":{"cameras":[{"camera":"doorbell","floor_bps":1,"ceiling_bps":2}]}}"#;
    let gcc =
        OLDER.replace(r#""congestion_control":"none""#, &format!("\"congestion_control\":{gcc}"));
    let gcc = Header::from_json(gcc.as_bytes()).expect("a header");
    let camera = gcc.peers[0].camera.as_ref().expect("a camera");
    let bounds = camera.camera.congestion_control.expect("it followed its path");
    assert_eq!((bounds.floor_bps, bounds.ceiling_bps), (1, 2));
    // Written again, it has what was left out.
    let again = serde_json::to_string(&header).expect("JSON");
    assert!(again.contains(r#""tcp_transitory_timeout_us":240000000"#), "{again}");
    assert_eq!(serde_json::from_str::<Header>(&again).ok(), Some(header));
}

#[test]
fn a_header_with_a_key_that_nobody_knows_is_refused() {
    for known in ["\"capacity_bps\"", "\"hairpinning\"", "\"width_px\"", "\"check_interval_us\""] {
        let strange = OLDER.replacen(known, &format!("\"colour\":1,{known}"), 1);
        assert_ne!(strange, OLDER);
        assert!(Header::from_json(strange.as_bytes()).is_err(), "beside {known}");
    }
}
