//! Device profiles: what a device can do and how long its stages take. Every number says where it
//! comes from.

use crate::{
    console::{self, ConsoleTraits},
    document,
    error::{Problem, Rank, ScenarioErrors},
    firmware::{self, FirmwareTraits},
    origin::{Figure, Provenance, figure},
    reference,
    stage::{StageTime, lateness, stage, unscaled},
    table::{PatternRule, Place, Reader, Table, Value, optional},
    units::{self, Size},
};
use core::time::Duration;
use parallax_record::{DeviceRole, SetupTask, Stage};
use std::{collections::BTreeMap, sync::Arc};

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
    document::read((name, text), patterns, &reference::PROFILE_TOP, |reader, top| {
        read(reader, name, text, &top)
    })
}

fn read(reader: &mut Reader, name: &str, text: &str, top: &Table<'_>) -> Option<Profile> {
    let schema = document::schema(reader, top);
    let title = top.get(reader, "title").and_then(|value| value.words(reader));
    let boot_time =
        top.get(reader, "boot_time").and_then(|value| unscaled(reader, value, "a boot"));
    let set_up = optional(reader, top, "set_up", |reader, value| set_up(reader, value.clone()));
    let timer = optional(reader, top, "timer", |reader, value| lateness(reader, value.clone()));
    let mut ability = |key: &str, keys| {
        top.has(key).then(|| top.get(reader, key).and_then(|value| value.table(reader, keys)))
    };
    let camera = ability("camera", &reference::ABILITY_CAMERA);
    let viewer = ability("viewer", &reference::ABILITY_VIEWER);
    let console = ability("console", &reference::CONSOLE);
    let firmware = ability("firmware", &reference::FIRMWARE);
    if let (true, false, Some(span)) =
        (top.has("firmware"), top.has("console"), top.key_span("firmware"))
    {
        let place = Place { path: "firmware".into(), span };
        let help = "add `[console]`: a firmware is driven and heard by it";
        reader.refuse(Rank::Whole, &place, "there is no `[console]`", "without `[console]`", help);
    }
    if camera.is_none() && viewer.is_none() {
        let message = "the device can be neither camera nor viewer";
        let help = "add `[camera]`, `[viewer]`, or both";
        let at = (0..0, "no `[camera]`, no `[viewer]`");
        reader.problems.push(Problem::new(Rank::Missing, &reader.source, "", message, at, help));
    }
    let camera = camera.map(|table| table.and_then(|table| camera_ability(reader, &table)));
    let viewer = viewer.map(|table| table.and_then(|table| viewer_ability(reader, &table)));
    let console = console.map(|table| table.and_then(|table| console::read(reader, &table)));
    let firmware = firmware.map(|table| table.and_then(|table| firmware::read(reader, &table)));
    Some(Profile {
        schema: schema?,
        name: document::stem(name),
        title: title?,
        boot_time: boot_time?,
        set_up: set_up?.unwrap_or_default(),
        timer: timer?,
        camera: match camera {
            Some(camera) => Some(camera?),
            None => None,
        },
        viewer: match viewer {
            Some(viewer) => Some(viewer?),
            None => None,
        },
        console: match console {
            Some(console) => Some(console?),
            None => None,
        },
        firmware: match firmware {
            Some(firmware) => Some(firmware?),
            None => None,
        },
        text: text.into(),
    })
}

fn set_up(reader: &mut Reader, value: Value<'_>) -> Option<BTreeMap<SetupTask, StageTime>> {
    let table = value.table(reader, &reference::SET_UP)?;
    let mut times = BTreeMap::new();
    for task in SetupTask::ALL {
        let time = optional(reader, &table, task.name(), |reader, value| {
            unscaled(reader, value.clone(), "a task of a set-up")
        });
        times.extend(time?.map(|time| (task, time)));
    }
    Some(times)
}

fn camera_ability(reader: &mut Reader, table: &Table<'_>) -> Option<CameraAbility> {
    let encoder = limits(reader, table);
    let start = optional(reader, table, "start", |reader, value| {
        unscaled(reader, value.clone(), "a start")
    });
    let stages = stages(reader, table, DeviceRole::Camera);
    let (encoder, stages) = (encoder?, stages?);
    keeps_up(reader, table, &encoder, &stages)?;
    Some(CameraAbility { encoder, start: start?, stages })
}

fn viewer_ability(reader: &mut Reader, table: &Table<'_>) -> Option<ViewerAbility> {
    let decoder = limits(reader, table);
    let stages = stages(reader, table, DeviceRole::Viewer);
    let (decoder, stages) = (decoder?, stages?);
    keeps_up(reader, table, &decoder, &stages)?;
    Some(ViewerAbility { decoder, stages })
}

/// The times of all stages in one role. Which may be left out is in the reference.
fn stages(
    reader: &mut Reader,
    table: &Table<'_>,
    role: DeviceRole,
) -> Option<BTreeMap<Stage, StageTime>> {
    let problems = reader.problems.len();
    let mut times = BTreeMap::new();
    for own in Stage::ALL.into_iter().filter(|stage| stage.role() == Some(role)) {
        let time = table.get(reader, own.key()).and_then(|value| stage(reader, value));
        times.extend(time.map(|time| (own, time)));
    }
    (reader.problems.len() == problems).then_some(times)
}

fn limits(reader: &mut Reader, table: &Table<'_>) -> Option<CodecLimits> {
    let largest_picture =
        figure(reader, table, "largest_picture", |reader, value| value.unit(reader, units::size));
    let most_frames_per_second =
        figure(reader, table, "most_frames_per_second", |reader, value| {
            value.whole(reader, 1..=1_000)
        });
    let most_bit_rate = figure(reader, table, "most_bit_rate", |reader, value| {
        let range = (1_000, 10_000_000_000);
        value.unit_between(reader, units::bits_per_second, range, units::format_bits_per_second)
    });
    Some(CodecLimits {
        largest_picture: largest_picture?,
        most_frames_per_second: most_frames_per_second?,
        most_bit_rate: most_bit_rate?,
    })
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
        let place = table.key_span(key).map(|span| Place { path: table.path(key), span })?;
        let message = format!(
            "`{key}` cannot take {rate} pictures per second of {size}, as its limits promise: {what} {}",
            units::format_duration(time)
        );
        let help = format!(
            "a frame has {}: write `occupancy` if it takes the next picture before one is through, or lower \
             `most_frames_per_second` or `largest_picture`",
            units::format_duration(frame)
        );
        reader.refuse(Rank::Whole, &place, &message, "contradicts its limits", help);
        sound = None;
    }
    sound
}
