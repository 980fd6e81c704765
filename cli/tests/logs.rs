//! `--log`: what libraries have to say, without a secret, and without a change to the run.
#![cfg(target_os = "linux")]

mod support;

use rand_core::Rng;
use support::{EASY, Place, TOO_SOON, with_checks};

/// A secret of the run as it is drawn, from its own stream.
fn secret(seed: u64, stream: &str) -> String {
    let mut bytes = [0; 16];
    parallax_network::random::stream(seed, stream).fill_bytes(&mut bytes);
    hex::encode(bytes)
}

/// The ways in which bytes are shown: as they are, in hexadecimal, as numbers.
fn ways(text: &str) -> [String; 4] {
    let bytes = text.as_bytes();
    let of =
        |show: fn(&u8) -> String, between| bytes.iter().map(show).collect::<Vec<_>>().join(between);
    [
        text.to_owned(),
        hex::encode(bytes),
        of(u8::to_string, ", "),
        of(|byte| format!("{byte:02x}"), " "),
    ]
}

#[test]
fn a_log_has_no_secret_and_changes_nothing() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    let quiet = place.call(&["sim", "easy.toml", "--seed", "7", "--out", "quiet"]).ended(0);
    let loud = ["sim", "easy.toml", "--seed", "7", "--out", "loud", "--log", "trace"];
    let loud = place.call(&loud).ended(0);
    assert_eq!(quiet.said.replace("quiet", "loud"), loud.said);
    let files = ["easy/seed-7/record.jsonl", "summary.json"];
    for file in files {
        let [quiet, loud] = ["quiet", "loud"].map(|out| place.read(&format!("{out}/{file}")));
        assert!(quiet == loud, "{file} differs");
    }

    // There is a lot of it, of both kinds of loggers, each line with run and time.
    let lines: Vec<&str> = loud.complained.lines().collect();
    assert!(lines.len() > 1_000, "{} lines", lines.len());
    for line in &lines {
        let rest = line.strip_prefix("easy seed 7  ").unwrap_or_else(|| panic!("{line}"));
        let (seconds, rest) = rest.split_once(" s  ").expect("a time");
        let seconds: f64 = seconds.parse().expect("seconds");
        assert!((0.0..=8.0).contains(&seconds), "{line}");
        let level = rest.split(' ').next().expect("a level");
        assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level), "{line}");
    }
    let of = |library: &str| lines.iter().filter(|line| line.contains(library)).count();
    // By `log`, and by `tracing`; and the one whose bytes on the wire would be secrets.
    assert!(of(" rtc_ice::") > 0 && of(" turn_server_proto::") > 0 && of(" tungstenite::") > 0);
    assert!(lines.iter().any(|line| !line.contains("  0.000000 s  ")), "time stands still");

    for stream in ["peer/doorbell/token", "service/turn/password", "service/stun/password"] {
        for way in ways(&secret(7, stream)) {
            assert!(!loud.complained.contains(&way), "a log line has {stream}");
            for file in files {
                assert!(!place.read(&format!("loud/{file}")).contains(&way), "{file}: {stream}");
            }
        }
    }
    // DER and PEM of certificates and keys: ECDSA, P-256 as bytes of an object identifier.
    for key in ["BEGIN ", "06082a8648ce3d030107", "6, 8, 42, 134, 72, 206, 61, 3, 1, 7"] {
        assert!(!loud.complained.contains(key), "a log line has a certificate or key");
    }
}

#[test]
fn nothing_of_the_libraries_is_said_unless_asked_for() {
    let place = Place::with("easy.toml", &with_checks("two-homes", 8, EASY));
    let mut command = place.parallax(&["sim", "easy.toml", "--out", "out"]);
    command.env("RUST_LOG", "trace");
    let called = support::Called::from(command.output().expect("call the command")).ended(0);
    assert_eq!(called.complained, "");
}

#[test]
fn a_filter_takes_levels_and_libraries_and_the_flag_alone_is_info() {
    let place = Place::with("soon.toml", &with_checks("two-homes", 1, TOO_SOON));
    let lines = |log: &[&str]| -> Vec<String> {
        let mut all = vec!["sim", "soon.toml", "--out", "out"];
        all.extend(log);
        let called = place.call(&all).ended(10);
        called.complained.lines().map(str::to_owned).collect()
    };
    let info = lines(&["--log"]);
    assert!(info.iter().any(|line| line.contains("  INFO turmoil")), "{info:?}");
    assert!(!info.iter().any(|line| line.contains("DEBUG") || line.contains("TRACE")));
    assert_eq!(lines(&["--log=info"]), info);
    let one = lines(&["--log", "off,turn_server_proto=trace,stun_proto=debug"]);
    assert!(!one.is_empty());
    assert!(
        one.iter().all(|line| line.contains(" turn_server_proto") || line.contains(" stun_proto"))
    );
    assert!(lines(&["--log", "off"]).is_empty());
}
