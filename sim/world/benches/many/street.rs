//! A street: pairs of cameras and viewers as in `two-homes`, each in a home of its own.

use parallax_record::MediaMode;
use parallax_scenario::{Builtin, Replacements, Scenario, parse_with};
use std::fmt::Write as _;

/// `peers / 2` pairs, with prerecorded media.
pub(crate) fn street(peers: usize, seconds: u32) -> Scenario {
    let mut text = format!(
        "schema = 1\ntitle = \"A street\"\nwhy = \"What does a peer cost?\"\n\
         duration = \"{seconds}s\"\n"
    );
    for pair in 0..peers / 2 {
        for (home, up, down, delay) in [("house", 8, 40, 12), ("flat", 10, 50, 9)] {
            write!(
                text,
                r#"
[site.{home}-{pair}]
gateway = {{ mapping = "endpoint-independent", filtering = "address-and-port-dependent", ports = "preserving", mapping_timeout = "120s" }}
up = {{ capacity = "{up}Mbit/s", one_way_delay = "{delay}ms", delay_variation = "2ms", loss = {{ mean = "1%", burst = 3 }}, queue = "200ms" }}
down = {{ capacity = "{down}Mbit/s", one_way_delay = "{delay}ms", delay_variation = "1ms", queue = "100ms" }}
"#
            )
            .expect("text");
        }
        write!(
            text,
            r#"
[peer.doorbell-{pair}]
site = "house-{pair}"
camera = {{ profile = "esp32-p4", video = {{ clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" }}, pacer = "2Mbit/s" }}

[peer.phone-{pair}]
site = "flat-{pair}"
views = ["doorbell-{pair}"]
viewer = {{ profile = "phone", jitter_buffer = "170ms" }}
"#
        )
        .expect("text");
    }
    text += "\n[[check]]\nconnects = { within = \"8s\" }\nwhy = \"A street has to be seen.\"\n";
    let replaced = Replacements { media: Some(MediaMode::Prerecorded), ..Replacements::default() };
    parse_with("street.toml", &text, &Builtin, &replaced).expect("a valid scenario")
}
