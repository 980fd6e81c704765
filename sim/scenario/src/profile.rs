//! Device profiles: what a device can do and how long its stages take. Every number says where it
//! comes from.

use crate::{
    console::ConsoleTraits,
    document,
    error::{Problem, Rank, ScenarioErrors},
    firmware::FirmwareTraits,
    from_value::{FromValue, fill},
    key::{keys, rate, said, sentence, size, whole},
    origin::{Figure, Provenance},
    stage::{StageTime, lateness, unscaled},
    table::{PatternRule, Reader, Table, Value},
    units::{self, Size},
};
use core::time::Duration;
use parallax_record::{DeviceRole, SetupTask, Stage};
use parallax_spec::Camera;
use std::{collections::BTreeMap, sync::Arc};

keys! {
    PROFILE_TOP: "(top)" {
        /// The version of this format.
        schema: said("`1`");
        /// The device, in a few words.
        title: sentence("text");
        /// From power on to ready: its software runs.
        boot_time: said("table, as a stage");
        /// How long the tasks of a session's set-up take.
        set_up: said("table `[set_up]`"), absent "a set-up takes its processor no time";
        /// How late a timer of a session goes off, by which its pacer and its ICE agent send; 95 of 100 by 50ms at
        /// most.
        timer: said("table, as a stage"), absent "its timers are not late";
        /// What it can do as a camera.
        camera: said("table `[camera]`"), absent "it cannot be a camera";
        /// What it can do as a viewer.
        viewer: said("table `[viewer]`"), absent "it cannot be a viewer";
        /// How it behaves on its console.
        console: said("table `[console]`"), absent "no bench can drive it";
        /// What is typed to its firmware, where that is not Parallax's own, and what it says.
        firmware: said("table `[firmware]`"), absent "its firmware is not driven";
    }
}

keys! {
    SET_UP: "[set_up]" {
        /// The key pair of its certificate, before its first session: it is kept in flash.
        key_generation: said("table, as a stage"), absent "no time";
        /// Of a camera: a connection and its offer, key generation not in it.
        offer: said("table, as a stage"), absent "no time";
        /// Of a viewer: to take an offer and make the answer; of a camera: to take the answer.
        answer: said("table, as a stage"), absent "no time";
        /// To take the first datagram of ICE in a session. Later ones are taken in no time.
        first_check: said("table, as a stage"), absent "no time";
        /// To take a datagram of the DTLS handshake, the next three not in it.
        handshake: said("table, as a stage"), absent "no time";
        /// Half of an ephemeral key exchange (ECDHE, P-256); each end of a session does both halves.
        key_exchange: said("table, as a stage"), absent "no time";
        /// To sign (ECDSA, P-256): each end of a session does so once.
        signature: said("table, as a stage"), absent "no time";
        /// To verify a signature (ECDSA, P-256): a viewer does so once in a session, a camera twice.
        verification: said("table, as a stage"), absent "no time";
    }
}

keys! {
    ABILITY_CAMERA: "[camera]" {
        /// What its H.264 encoder takes, across and down.
        largest_picture: size().of("figure, ");
        /// At any size of picture: what its stages keep up with at the largest.
        most_frames_per_second: whole(1, 1_000).of("figure, ");
        /// What its encoder can aim at.
        most_bit_rate: rate().of("figure, ");
        /// From the first viewer's coming to the first exposure: sensor and encoder start.
        start: said("table, as a stage"), absent "no time";
        /// From the end of the exposure to a picture in memory.
        capture: said("stage");
        /// From a picture to an elementary stream.
        encode: said("stage");
    }
}

keys! {
    ABILITY_VIEWER: "[viewer]" {
        /// What its H.264 decoder takes, across and down.
        largest_picture: size().of("figure, ");
        /// At any size of picture: what its stages keep up with at the largest.
        most_frames_per_second: whole(1, 1_000).of("figure, ");
        /// What its decoder can follow.
        most_bit_rate: rate().of("figure, ");
        /// From an elementary stream to a picture.
        decode: said("stage");
        /// From a picture to the display.
        render: said("stage");
    }
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Version of the format: 1.
    pub schema: u32,
    /// The name of the file without folder and ending: `esp32-p4`.
    pub name: String,
    /// The device, in a few words.
    pub title: String,
    /// From power on to ready.
    pub boot_time: StageTime,
    /// How long the tasks of a session's set-up take; one that is not here takes no time.
    pub set_up: BTreeMap<SetupTask, StageTime>,
    /// How late its timers go off; none: not at all.
    pub timer: Option<StageTime>,
    /// What it can do as a camera; none: it cannot be one.
    pub camera: Option<CameraAbility>,
    /// What it can do as a viewer; none: it cannot be one.
    pub viewer: Option<ViewerAbility>,
    /// How it behaves on its console; none: no bench can drive it.
    pub console: Option<ConsoleTraits>,
    /// The firmware that it runs, where it is not Parallax's own.
    pub firmware: Option<FirmwareTraits>,
    /// The text of the file, for its digest.
    pub text: Arc<str>,
}

/// What a device can do as a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameraAbility {
    /// What its encoder takes.
    pub encoder: CodecLimits,
    /// From the first viewer's coming to the first exposure; none: no time.
    pub start: Option<StageTime>,
    /// How long its stages take; one that is not here takes no time.
    pub stages: BTreeMap<Stage, StageTime>,
}

/// What a device can do as a viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerAbility {
    /// What its decoder takes.
    pub decoder: CodecLimits,
    /// How long its stages take; one that is not here takes no time.
    pub stages: BTreeMap<Stage, StageTime>,
}

/// What an H.264 encoder or decoder takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecLimits {
    /// The largest picture, across and down.
    pub largest_picture: Figure<Size>,
    /// Frames per second, at most, whatever the size.
    pub most_frames_per_second: Figure<u32>,
    /// Bits per second, at most.
    pub most_bit_rate: Figure<u64>,
}

/// Reads a profile. `name` is the file as messages show it; the profile is named after its stem.
///
/// # Errors
/// With everything that is wrong with it, most helpful first.
pub fn parse(name: &str, text: &str) -> Result<Profile, ScenarioErrors> {
    parse_by(name, text, None)
}

/// As [`parse`], and `patterns` says which texts are patterns of a console.
///
/// # Errors
/// As [`parse`]; and for each pattern that is none.
pub fn parse_with(
    name: &str,
    text: &str,
    patterns: PatternRule,
) -> Result<Profile, ScenarioErrors> {
    parse_by(name, text, Some(patterns))
}

fn parse_by(
    name: &str,
    text: &str,
    patterns: Option<PatternRule>,
) -> Result<Profile, ScenarioErrors> {
    document::read((name, text), patterns, &PROFILE_TOP, |reader, top| {
        read(reader, name, text, &top)
    })
}

fn read(reader: &mut Reader, name: &str, text: &str, top: &Table<'_>) -> Option<Profile> {
    let schema = document::schema(reader, top);
    let boot_time =
        top.read_by(reader, "boot_time", |reader, value| unscaled(reader, value, "a boot"));
    let (set_up, timer) =
        (top.read_by(reader, "set_up", set_up), top.read_by(reader, "timer", lateness));
    if let (Some(place), false) = (top.place_of("firmware"), top.has("console")) {
        let help = "add `[console]`: a firmware is driven and heard by it";
        reader.note(Rank::Whole, &place, "there is no `[console]`", "without `[console]`", help);
    }
    if !top.has("camera") && !top.has("viewer") {
        let message = "the device can be neither camera nor viewer";
        let help = "add `[camera]`, `[viewer]`, or both";
        let at = (0..0, "no `[camera]`, no `[viewer]`");
        reader.problems.push(Problem::new(Rank::Missing, &reader.source, "", message, at, help));
    }
    fill!(reader, top => Profile {
        title, camera, viewer, console, firmware;
        schema: schema?,
        name: document::stem(name),
        boot_time: boot_time??,
        set_up: set_up?.unwrap_or_default(),
        timer: timer?,
        text: text.into(),
    })
}

fn set_up(reader: &mut Reader, value: Value<'_>) -> Option<BTreeMap<SetupTask, StageTime>> {
    let table = value.table(reader, &SET_UP)?;
    let mut times = BTreeMap::new();
    for task in SetupTask::ALL {
        let time = table.read_by(reader, task.name(), |reader, value| {
            unscaled(reader, value, "a task of a set-up")
        });
        times.extend(time?.map(|time| (task, time)));
    }
    Some(times)
}

impl FromValue for CameraAbility {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &ABILITY_CAMERA)?;
        let start =
            table.read_by(reader, "start", |reader, value| unscaled(reader, value, "a start"));
        let (encoder, stages) = codec(reader, &table, DeviceRole::Camera)?;
        Some(Self { encoder, start: start?, stages })
    }
}

impl FromValue for ViewerAbility {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &ABILITY_VIEWER)?;
        let (decoder, stages) = codec(reader, &table, DeviceRole::Viewer)?;
        Some(Self { decoder, stages })
    }
}

/// Limits and times of all stages in one role. Which stages may be left out is in the keys.
fn codec(
    reader: &mut Reader,
    table: &Table<'_>,
    role: DeviceRole,
) -> Option<(CodecLimits, BTreeMap<Stage, StageTime>)> {
    let limits = fill!(reader, table => CodecLimits {
        largest_picture, most_frames_per_second, most_bit_rate
    });
    let problems = reader.problems.len();
    let mut times = BTreeMap::new();
    for own in Stage::ALL.into_iter().filter(|stage| stage.role() == Some(role)) {
        times.extend(table.read(reader, own.key()).map(|time| (own, time)));
    }
    let limits = limits.filter(|_| reader.problems.len() == problems)?;
    keeps_up(reader, table, &limits, &times)?;
    Some((limits, times))
}

impl CodecLimits {
    /// What of a camera's video is beyond them: the key, what is asked, and what they take.
    pub(crate) fn exceeded(&self, camera: &Camera) -> Vec<(&'static str, String, String)> {
        let (size, largest) = (camera.size(), self.largest_picture.value);
        let (frames, most_frames) = (camera.frames_per_second, self.most_frames_per_second.value);
        let (rate, most_rate) = (camera.bit_rate_bps, self.most_bit_rate.value);
        let per_second = |frames| format!("{frames} frames per second");
        let mut found = Vec::new();
        if size.width > largest.width || size.height > largest.height {
            found.push(("size", format!("a picture of {size}"), largest.to_string()));
        }
        if frames > most_frames {
            found.push(("frames_per_second", per_second(frames), per_second(most_frames)));
        }
        if rate > most_rate {
            let format = units::format_bits_per_second;
            found.push(("bit_rate", format(rate), format(most_rate)));
        }
        found
    }
}

/// Refuses stages that cannot take as many pictures per second as the limits promise.
///
/// An occupancy must fit into the time of a frame at the largest picture. Where there is none, the delay must: of
/// 95 pictures in 100 at the size that it is for, and in the middle at the largest picture. What was measured,
/// maybe beside other work, must fit in the middle, at its own size.
fn keeps_up(
    reader: &mut Reader,
    table: &Table<'_>,
    limits: &CodecLimits,
    stages: &BTreeMap<Stage, StageTime>,
) -> Option<()> {
    let rate = limits.most_frames_per_second.value;
    let largest = limits.largest_picture.value;
    // To the microsecond above: what people write is rounded.
    let frame = Duration::from_micros(1_000_000_u64.div_ceil(u64::from(rate)));
    let mut sound = Some(());
    for (key, stage) in stages.iter().map(|(stage, time)| (stage.key(), time)) {
        let own = stage.per.unwrap_or(largest);
        let measured = stage.origin.provenance == Provenance::Measured;
        let held = match stage.occupancy(largest) {
            Some(occupancy) => vec![("its `occupancy` is", occupancy, largest)],
            None if measured => vec![("half of its times are above", stage.typical(own), own)],
            None => vec![
                ("5 of 100 times are above", stage.p95(own).min(stage.longest(own)), own),
                ("half of its times are above", stage.typical(largest), largest),
            ],
        };
        let Some((what, time, size)) = held.into_iter().find(|(_, time, _)| *time > frame) else {
            continue;
        };
        let place = table.place_of(key)?;
        let message = format!(
            "`{key}` cannot take {rate} pictures per second of {size}, as its limits promise: {what} {}",
            units::format_duration(time)
        );
        let help = format!(
            "a frame has {}: write `occupancy` if it takes the next picture before one is through, or lower \
             `most_frames_per_second` or `largest_picture`",
            units::format_duration(frame)
        );
        reader.note(Rank::Whole, &place, &message, "contradicts its limits", help);
        sound = None;
    }
    sound
}
