//! Device profiles: what a device can do and how long its stages take. Every number says where it
//! comes from.

use crate::{
    console::{self, ConsoleTraits, PatternRule},
    distribution::Distribution,
    error::{Problem, Rank, ScenarioErrors},
    files::Profiles,
    firmware::{self, FirmwareTraits},
    reference,
    stage::{keeps_up, lateness, stage, unscaled},
    table::{Place, Reader, Table, Value},
    text::Source,
    units::{self, Size},
};
use core::time::Duration;
use parallax_record::{DeviceRole, SetupTask, Stage};
use rand_core::Rng;
use std::{collections::BTreeMap, sync::Arc};
use toml::de::DeTable;

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

/// A number, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure<T> {
    /// The number.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How it was found.
    pub provenance: Provenance,
    /// The document, the measurement, or the reasoning.
    pub source: String,
}

/// How a number was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Measured on such a device.
    Measured,
    /// Told by whoever makes or supports it.
    Vendor,
    /// Concluded from something else.
    Inferred,
}

/// How long a stage takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageTime {
    /// The time, for a picture of the size `per` if there is one.
    pub distribution: Distribution,
    /// The size of picture that the time is for: others take longer or shorter by their pixels.
    /// None: the size makes no difference.
    pub per: Option<Size>,
    /// How long after a picture the stage takes the next one; none: when the picture is through.
    pub occupancy: Option<Box<Occupancy>>,
    /// Where the numbers come from.
    pub origin: Origin,
}

/// How long a picture occupies a stage: the interval of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// The time, for a picture of the size `per` if there is one.
    pub value: Duration,
    /// As of [`StageTime`].
    pub per: Option<Size>,
    /// Where the number comes from.
    pub origin: Origin,
}

impl StageTime {
    /// How long after a picture of `size` the stage takes the next one; none: when that is through.
    pub fn occupancy(&self, size: Size) -> Option<Duration> {
        self.occupancy.as_ref().map(|occupancy| scaled(occupancy.value, occupancy.per, size))
    }

    /// Draws the time for a picture of `size`.
    pub fn sample(&self, size: Size, random: &mut impl Rng) -> Duration {
        self.scaled(self.distribution.sample(random), size)
    }

    /// The time in the middle, for a picture of `size`.
    pub fn typical(&self, size: Size) -> Duration {
        self.scaled(self.distribution.typical(), size)
    }

    /// What 95 of 100 take at most, for a picture of `size`.
    pub fn p95(&self, size: Size) -> Duration {
        self.scaled(self.distribution.p95(), size)
    }

    /// What it is at least, for a picture of `size`.
    pub fn shortest(&self, size: Size) -> Duration {
        self.scaled(self.distribution.shortest(), size)
    }

    /// What it hardly ever exceeds, for a picture of `size`.
    pub fn longest(&self, size: Size) -> Duration {
        self.scaled(self.distribution.longest(), size)
    }

    fn scaled(&self, time: Duration, size: Size) -> Duration {
        scaled(time, self.per, size)
    }
}

/// A time for pictures of the size `per`, for one of `size`: exact to the nanosecond, rounded down.
fn scaled(time: Duration, per: Option<Size>, size: Size) -> Duration {
    let Some(per) = per else { return time };
    let nanos = time.as_nanos() * u128::from(size.pixels()) / u128::from(per.pixels());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// The profiles that come with Parallax (`device-profiles/`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Builtin;

/// The text of a profile that comes with Parallax, beside its name.
macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../device-profiles/", $name, ".toml")))),+]
    };
}

const BUILTIN: &[(&str, &str)] = shipped![
    "esp32-p4",
    "esp32-p4-eye",
    "esp32-p4-function-ev",
    "esp32-s3-korvo-2",
    "gk7205v300",
    "imx8mp-evk",
    "ingenic-t31",
    "luckfox-pico",
    "phone",
    "process-board",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "raspberry-pi-zero-2-w",
    "rock-5b",
];

/// The text of the profile called `name` that comes with Parallax.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

impl Profiles for Builtin {
    fn find(&self, name: &str) -> Option<Result<Profile, ScenarioErrors>> {
        builtin(name).map(|text| parse(&format!("device-profiles/{name}.toml"), text))
    }

    fn names(&self) -> Vec<String> {
        BUILTIN.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
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
    let source = Source::new(name, text)?;
    let text = source.text().to_owned();
    let document = DeTable::parse(&text).map_err(|error| crate::read::syntax(&source, &error))?;
    let mut reader = Reader { patterns, ..Reader::new(source) };
    let profile = read(&mut reader, name, &text, document.into_inner());
    match ScenarioErrors::new(reader.problems) {
        Some(errors) => Err(errors),
        // A reader that yields nothing has said why; this is its own fault if not.
        None => profile.ok_or_else(|| {
            Problem::of_file(format!("{name}: not read"), "report this as a fault of Parallax")
                .into()
        }),
    }
}

fn read(reader: &mut Reader, name: &str, text: &str, entries: DeTable<'_>) -> Option<Profile> {
    let place = Place { path: String::new(), span: 0..0 };
    let top = Table::open(reader, &reference::PROFILE_TOP, place, entries);
    let schema = crate::read::schema(reader, &top);
    let title = top.get(reader, "title").and_then(|value| value.words(reader));
    let boot_time =
        top.get(reader, "boot_time").and_then(|value| unscaled(reader, value, "a boot"));
    let set_up = crate::read::optional(reader, &top, "set_up", |reader, value| {
        set_up(reader, value.clone())
    });
    let timer = crate::read::optional(reader, &top, "timer", |reader, value| {
        lateness(reader, value.clone())
    });
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
        name: crate::read::stem(name),
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
        let time = crate::read::optional(reader, &table, task.name(), |reader, value| {
            unscaled(reader, value.clone(), "a task of a set-up")
        });
        times.extend(time?.map(|time| (task, time)));
    }
    Some(times)
}

fn camera_ability(reader: &mut Reader, table: &Table<'_>) -> Option<CameraAbility> {
    let encoder = limits(reader, table);
    let start = crate::read::optional(reader, table, "start", |reader, value| {
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

fn figure<'a, T>(
    reader: &mut Reader,
    table: &Table<'a>,
    key: &str,
    read: impl FnOnce(&mut Reader, &Value<'a>) -> Option<T>,
) -> Option<Figure<T>> {
    let table = table.get(reader, key)?.table(reader, &reference::FIGURE)?;
    let value = table.get(reader, "value").and_then(|value| read(reader, &value));
    let origin = origin(reader, &table);
    Some(Figure { value: value?, origin: origin? })
}

pub(crate) fn origin(reader: &mut Reader, table: &Table<'_>) -> Option<Origin> {
    let words = [
        ("measured", Provenance::Measured),
        ("vendor", Provenance::Vendor),
        ("inferred", Provenance::Inferred),
    ];
    let provenance = table.get(reader, "provenance").and_then(|value| value.one_of(reader, &words));
    let source = table.get(reader, "source").and_then(|value| value.words(reader));
    Some(Origin { provenance: provenance?, source: source? })
}
