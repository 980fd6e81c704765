//! No text makes the parsers panic, and the same text gives the same result.

use parallax_scenario::{
    Builtin, FileRead, Profile, Profiles, ScenarioErrors, Unreadable, clip, parse, profile,
};
use proptest::prelude::*;

const MANIFEST: &str = include_str!("../../../fixtures/clips/bunny-320x240.toml");
const CLIP: &[u8] = include_bytes!("../../../fixtures/clips/bunny-320x240.h264");
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

/// Where a value stands in a sound file: after each ` = `.
fn mutated(sound: &'static str) -> impl Strategy<Value = String> {
    let places: Vec<usize> = sound.match_indices(" = ").map(|(at, _)| at + 3).collect();
    (prop::sample::select(places), value()).prop_map(move |(at, value)| {
        let rest = &sound[at..];
        let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
        format!("{}{value}{}", &sound[..at], &rest[end..])
    })
}

/// A scenario's folder in which every file is one of these two.
struct Folder<'a> {
    manifest: &'a [u8],
    clip: &'a [u8],
}

impl Profiles for Folder<'_> {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        Builtin.find(name)
    }

    fn names(&self) -> Vec<String> {
        Builtin.names()
    }

    fn beside(&self, path: &str, _: u64) -> Result<FileRead, Unreadable> {
        let bytes = if path.ends_with(".toml") { self.manifest } else { self.clip }.to_vec();
        Ok(FileRead { name: path.to_owned(), length: bytes.len() as u64, bytes })
    }
}

/// What comes of the sound scenario, where it films a clip of its own.
fn filmed(manifest: &[u8], clip: &[u8]) -> String {
    let text = SOUND.replace("\"bunny\"", "\"films/my-film.toml\"");
    match parse("case.toml", &text, &Folder { manifest, clip }) {
        Ok(scenario) => format!("{scenario:?}"),
        Err(errors) => format!("{errors}\n{:?}", miette::Report::new(errors.clone())),
    }
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
        let _ = clip::parse("case.toml", &text);
    }

    #[test]
    fn any_bytes_as_manifest_and_clip(
        manifest in prop::collection::vec(any::<u8>(), 0..300),
        clip in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        prop_assert!(filmed(&manifest, CLIP).contains("films/my-film.toml"));
        prop_assert!(filmed(MANIFEST.as_bytes(), &clip).contains("is it cut off?"));
    }

    #[test]
    fn any_value_in_a_manifest(text in mutated(MANIFEST)) {
        prop_assert_eq!(filmed(text.as_bytes(), CLIP), filmed(text.as_bytes(), CLIP));
    }

    #[test]
    fn any_value_in_the_place_of_another(text in mutated(SOUND)) {
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

#[test]
fn the_sound_manifest_is_sound() {
    let shown = filmed(MANIFEST.as_bytes(), CLIP);
    assert!(shown.contains("OwnClip(my-film, bc278e8b"), "{shown}");
}
