//! Prerecorded media: what a scenario asks for must be what there is.

use parallax_record::MediaMode;
use parallax_scenario::{
    Builtin, FileRead, Profile, Profiles, Replacements, Scenario, ScenarioErrors, Unreadable,
    parse, parse_with,
};

const TWO_HOMES: &str = include_str!("../../../fixtures/scenarios/two-homes.toml");
const CLIP: &[u8] = include_bytes!("../../../fixtures/clips/bunny-320x240.h264");
const MANIFEST: &str = include_str!("../../../fixtures/clips/bunny-320x240.toml");

/// A folder with a clip in it.
struct Folder;

impl Profiles for Folder {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        Builtin.find(name)
    }

    fn names(&self) -> Vec<String> {
        Builtin.names()
    }

    fn beside(&self, path: &str, _most: u64) -> Result<FileRead, Unreadable> {
        let bytes = if path.ends_with(".toml") { MANIFEST.as_bytes() } else { CLIP }.to_vec();
        Ok(FileRead { name: path.to_owned(), length: bytes.len() as u64, bytes })
    }
}

fn prerecorded(changes: &[(&str, &str)]) -> String {
    let mut text = TWO_HOMES.replace("duration =", "media = \"prerecorded\"\nduration =");
    for (from, to) in changes {
        assert!(text.contains(from), "there is no {from}");
        text = text.replace(from, to);
    }
    text
}

fn read(text: &str) -> Scenario {
    parse("s.toml", text, &Folder)
        .unwrap_or_else(|errors| panic!("{:?}", miette::Report::new(errors)))
}

fn refused(changes: &[(&str, &str)]) -> String {
    let errors = parse("s.toml", &prerecorded(changes), &Folder).expect_err("it must not do");
    let problem = errors.first();
    let help = miette::Diagnostic::help(problem).expect("a cure").to_string();
    format!("{problem}; {help}")
}

fn recorded(scenario: &Scenario) -> Option<u64> {
    scenario.peers[0].camera.as_ref().expect("a camera").recorded_bits_per_second()
}

#[test]
fn the_mode_is_the_files_or_stands_in_its_place() {
    assert_eq!(read(TWO_HOMES).media, MediaMode::Live);
    let scenario = read(&prerecorded(&[]));
    assert_eq!(scenario.media, MediaMode::Prerecorded);
    assert_eq!(recorded(&scenario), Some(393_059));
    let with = |media, text: &str| {
        let replaced = Replacements { media: Some(media), ..Replacements::default() };
        parse_with("s.toml", text, &Folder, &replaced).expect("sound")
    };
    let file = scenario.file.clone();
    assert_eq!(Scenario { file, ..with(MediaMode::Prerecorded, TWO_HOMES) }, scenario);
    assert_eq!(with(MediaMode::Live, &prerecorded(&[])).media, MediaMode::Live);
}

#[test]
fn a_clip_of_ones_own_is_its_own_recording_at_the_cameras_rate() {
    let own = [("\"bunny\"", "\"own.toml\""), ("400kbit/s", "240kbit/s")];
    // 249211 bytes in 125 frames.
    assert_eq!(recorded(&read(&prerecorded(&own))), Some(239_242));
}

#[test]
fn what_is_not_recorded_is_refused() {
    assert_eq!(
        refused(&[("320x240", "640x360"), ("400kbit/s", "1Mbit/s")]),
        "peer.doorbell.camera.video.size: there is no recording of `bunny` at 640x360; write \
         `320x240`, name a clip of your own of this size, or run it with live media"
    );
    assert_eq!(
        refused(&[("\"bunny\"", "\"own.toml\""), ("320x240", "640x360")]),
        "peer.doorbell.camera.video.size: the clip has pictures of 320x240, and is sent as it is; \
         write `320x240`, or run it with live media"
    );
}

#[test]
fn a_rate_that_is_not_the_recordings_is_refused() {
    assert_eq!(
        refused(&[("400kbit/s", "500kbit/s")]),
        "peer.doorbell.camera.video.bit_rate: the recording comes to 394kbit/s at 15 frames per \
         second; write `bit_rate = \"394kbit/s\"`: a recording is sent as it is, and its rate may \
         be 20 % off; or run it with live media"
    );
    assert!(refused(&[("400kbit/s", "300kbit/s")]).contains("394kbit/s"));
    // At another frame rate it is another one.
    assert!(refused(&[("= 15,", "= 30,")]).contains("787kbit/s at 30 frames per second"));
    read(&prerecorded(&[("= 15,", "= 30,"), ("400kbit/s", "790kbit/s")]));
}
