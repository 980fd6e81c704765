//! No text makes the parsers panic, and the same text gives the same result.

use parallax_scenario::{Builtin, parse, profile};
use proptest::prelude::*;

const SOUND: &str = include_str!("../../../fixtures/scenarios/two-homes.toml");

/// Values that a key may meet.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,25}(\\.[0-9]{1,12})?",
        "\"[0-9]{0,24}(\\.[0-9]{0,4})? ?(ms|s|ns|h|Mbit/s|B|KiB|%|dB|packets|x240)?\"",
        "\"\\PC{0,12}\"".prop_map(|text| text.replace('\\', "/")),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[[{}], {}]".to_owned()),
        Just("{ mean = \"99.9%\", burst = 1000 }".to_owned()),
        Just("nan".to_owned()),
        Just("2020-01-01".to_owned()),
        Just("0xffff_ffff_ffff".to_owned()),
    ]
}

/// Where a value stands in the sound file: after each ` = `.
fn mutated() -> impl Strategy<Value = String> {
    let places: Vec<usize> = SOUND.match_indices(" = ").map(|(at, _)| at + 3).collect();
    (prop::sample::select(places), value()).prop_map(|(at, value)| {
        let rest = &SOUND[at..];
        let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
        format!("{}{value}{}", &SOUND[..at], &rest[end..])
    })
}

fn shown(text: &str) -> String {
    match parse("case.toml", text, &Builtin) {
        Ok(scenario) => format!("{scenario:?}"),
        Err(errors) => format!("{:?}", miette::Report::new(errors)),
    }
}

proptest! {
    #[test]
    fn any_text(text in "\\PC*") {
        let _ = shown(&text);
        let _ = profile::parse("case.toml", &text);
    }

    #[test]
    fn any_value_in_the_place_of_another(text in mutated()) {
        prop_assert_eq!(shown(&text), shown(&text));
    }

    #[test]
    fn any_part_cut_out(from in 0..SOUND.len(), length in 0..200_usize) {
        let to = (from + length).min(SOUND.len());
        if let (Some(head), Some(tail)) = (SOUND.get(..from), SOUND.get(to..)) {
            let _ = shown(&format!("{head}{tail}"));
        }
    }
}
