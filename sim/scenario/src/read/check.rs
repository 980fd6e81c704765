//! Reading checks into the types of the record.

use crate::{
    error::Rank,
    from_value::{FromValue, fill},
    key::{
        FOREVER, Key, Keys, Kind, bound, flag, key, keys, said, sentence, thousandths, time, whole,
        words,
    },
    table::{Place, Reader, Table, Value},
    units,
};
use parallax_record::{
    CandidateKind, Check, CheckKind, LossBound, Predicate, Route, Statistic, StreamSelection,
    Window,
};

/// Tables of checks, in the order in which they are documented.
pub(crate) const TABLES: &[&Keys] = &[
    &CHECK,
    &CONNECTS,
    &PATH,
    &TIME_TO_FIRST_FRAME,
    &CAPTURE_TO_RENDER,
    &FREEZES,
    &LONGEST_FREEZE,
    &FRAMES_LOST,
    &PSNR,
    &SSIM,
    &RECOVERY,
];

const FROM: Key = key! {
    /// Start of the window, in the run's time.
    from: time(0, FOREVER), default "0s"
};

const TO: Key = key! {
    /// End of the window, in the run's time.
    to: time(0, FOREVER), absent "the end of the run"
};

const SAMPLE: Key = key! {
    /// Frames that a verdict needs: fewer are inconclusive, unless more could not mend a bound that is broken
    /// (`freezes`, `longest_freeze`, a count of `frames_lost`, a `minimum`).
    minimum_sample: whole(1, u32::MAX), absent "what its percentile needs (20 for 95), else 30"
};

const PATH_SAMPLE: Key = key! {
    /// Rendered frames that a pass needs: fewer are inconclusive.
    minimum_sample: whole(1, u32::MAX), absent "1"
};

const RECOVERY_TO: Key = key! {
    /// End of the window, in the run's time.
    to: time(0, FOREVER), absent "the next event that begins after it is over, or the end of the run"
};

const PERCENTILE: Kind = whole(1, 99);
const ONE_KIND: &str = "exactly one kind in each check";
const CANDIDATE: Kind = words(&["host", "server-reflexive", "peer-reflexive", "relayed"]);

keys! {
    CHECK: "[[check]]" {
        /// Why the bound is where it is: shown if the check does not pass.
        why: sentence("text");
        /// Only streams of this camera.
        camera: said("name of a peer"), absent "all cameras";
        /// Only streams to this viewer.
        viewer: said("name of a peer"), absent "all viewers";
        /// The stream connects in time.
        connects: said("table"), absent ONE_KIND;
        /// The media take this path.
        path: said("table, or `\"direct\"`, `\"relayed\"`"), absent ONE_KIND;
        /// How long the viewer waits for a picture.
        time_to_first_frame: said("table"), absent ONE_KIND;
        /// The headline latency, of the frames that were shown: pair it with `frames_lost` and with `freezes` that
        /// has a `total_below`. A camera films only while it has a viewer: of a stream that is dead for the rest
        /// of the run no more frames are captured, so none are lost and none are late, but its picture stands
        /// still.
        capture_to_render: said("table"), absent ONE_KIND;
        /// Stops of the picture, as in webrtc-stats.
        freezes: said("table"), absent ONE_KIND;
        /// How long the longest freeze lasts.
        longest_freeze: said("table"), absent ONE_KIND;
        /// Frames that were captured and never rendered.
        frames_lost: said("table"), absent ONE_KIND;
        /// How true the picture is (luma, against the source).
        psnr: said("table"), absent ONE_KIND;
        /// How alike its structure is (luma, against the source).
        ssim: said("table"), absent ONE_KIND;
        /// How long the picture takes to be back after an event.
        recovery: said("table"), absent ONE_KIND;
    }
}

keys! {
    CONNECTS: "connects" {
        /// From the viewer's request to the end of the DTLS handshake. All devices are switched on at 0 s: a
        /// camera's boot counts where it is slower than the viewer's.
        within: bound();
        ..FROM;
        ..TO;
    }
}

keys! {
    PATH: "path" {
        /// Whether it goes through a TURN server.
        relayed: flag(), absent "either";
        /// Type of the viewer's nominated candidate (RFC 8445).
        local: CANDIDATE, absent "any";
        /// Type of the camera's, as the viewer sees it.
        remote: CANDIDATE, absent "any";
        ..FROM;
        ..TO;
        ..PATH_SAMPLE;
    }
}

keys! {
    TIME_TO_FIRST_FRAME: "time_to_first_frame" {
        /// From the viewer's request to its first rendered frame, boots as for `connects`.
        below: bound();
        ..FROM;
        ..TO;
    }
}

keys! {
    CAPTURE_TO_RENDER: "capture_to_render" {
        /// Which percentile of the latencies.
        percentile: PERCENTILE;
        /// Its bound.
        below: bound();
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    FREEZES: "freezes" {
        /// How many of which a part is in the window.
        at_most: whole(0, u32::MAX);
        /// How long, all together; each counts whole. A picture that still stands at the run's end breaks the bound
        /// or is inconclusive.
        total_below: bound(), absent "any";
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    LONGEST_FREEZE: "longest_freeze" {
        /// What each freeze must be shorter than of which a part is in the window; it counts whole. Without one the
        /// longest is 0. A picture that still stands at the run's end breaks the bound or is inconclusive.
        below: bound();
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    FRAMES_LOST: "frames_lost" {
        /// Of the frames captured in the window.
        at_most: said("share, or whole number of frames");
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    PSNR: "psnr" {
        /// The bound.
        above: said("decibels, such as `\"30dB\"`");
        /// Which percentile of the frames, from the worst: `5` is what 95 % of them reach.
        percentile: PERCENTILE, absent "the mean";
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    SSIM: "ssim" {
        /// The bound.
        above: thousandths(0, 999).and(", such as `0.9`");
        /// Which percentile of the frames, from the worst: `5` is what 95 % of them reach.
        percentile: PERCENTILE, absent "the mean";
        ..FROM;
        ..TO;
        ..SAMPLE;
    }
}

keys! {
    RECOVERY: "recovery" {
        /// The event.
        after: said("name of an event");
        /// From when the event is over to the first rendered frame that was captured after that, and from which on
        /// the picture does not stand still for 2 s any more. What lasts is over at its end, a loss of power when
        /// the peer's software runs again, all else at once.
        within: bound();
        ..FROM;
        ..RECOVERY_TO;
    }
}

/// A check as the file gives it, not yet held against the scenario.
pub(super) struct CheckDraft {
    pub(super) check: Check,
    /// What it demands.
    pub(super) demand: Place,
    /// Its start, end and minimum sample, where the file gives them, and else the demand.
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) sample: Place,
    /// Its camera and viewer, where the file gives them, and else the check.
    pub(super) camera: Place,
    pub(super) viewer: Place,
}

/// Reads what a check of one kind demands.
type Read = fn(&mut Reader, &Table<'_>) -> Option<Predicate>;

/// The keys of a kind's table, and how to read it.
fn table_of(kind: CheckKind) -> (&'static Keys, Read) {
    match kind {
        CheckKind::Connects => (
            &CONNECTS,
            |reader, table| fill!(reader, table => Predicate::Connects { within_us: "within" }),
        ),
        CheckKind::Path => (&PATH, path),
        CheckKind::TimeToFirstFrame => (
            &TIME_TO_FIRST_FRAME,
            |reader, table| fill!(reader, table => Predicate::TimeToFirstFrame { below_us: "below" }),
        ),
        CheckKind::CaptureToRender => (
            &CAPTURE_TO_RENDER,
            |reader, table| fill!(reader, table => Predicate::CaptureToRender { percentile, below_us: "below" }),
        ),
        CheckKind::Freezes => (&FREEZES, |reader, table| {
            fill!(reader, table => Predicate::Freezes {
                count_at_most: "at_most", total_below_us: "total_below"
            })
        }),
        CheckKind::LongestFreeze => (
            &LONGEST_FREEZE,
            |reader, table| fill!(reader, table => Predicate::LongestFreeze { below_us: "below" }),
        ),
        CheckKind::FramesLost => (&FRAMES_LOST, frames_lost),
        CheckKind::Psnr => (&PSNR, |reader, table| {
            let above = table.get(reader, "above").and_then(|value| psnr(reader, &value));
            fill!(reader, table => Predicate::Psnr { statistic: "percentile"; above_millidb: above? })
        }),
        CheckKind::Ssim => (&SSIM, |reader, table| {
            let above: Option<u32> = table.read(reader, "above");
            fill!(reader, table => Predicate::Ssim { statistic: "percentile"; above_ppm: above? * 1_000 })
        }),
        CheckKind::Recovery => (
            &RECOVERY,
            |reader, table| fill!(reader, table => Predicate::Recovery { after, within_us: "within" }),
        ),
    }
}

pub(super) fn read(reader: &mut Reader, checks: Vec<Value<'_>>) -> Vec<CheckDraft> {
    if checks.is_empty() {
        let place = Place { path: "check".into(), span: 0..0 };
        let help = "add `[[check]]`, such as `connects = { within = \"5s\" }` with a `why`";
        reader.note(
            Rank::Missing,
            &place,
            "a scenario without checks judges nothing",
            "empty",
            help,
        );
    }
    checks.into_iter().filter_map(|value| check(reader, value)).collect()
}

fn check(reader: &mut Reader, value: Value<'_>) -> Option<CheckDraft> {
    let table = value.table(reader, &CHECK)?;
    let why = table.read(reader, "why");
    let streams = fill!(reader, table => StreamSelection { camera, viewer });
    let kind = kind(reader, &table)?;
    let (keys, read) = table_of(kind);
    let demand = table.get(reader, kind.key())?;
    let place = demand.place.clone();
    let (predicate, inner) = match (kind, demand.as_text()) {
        (CheckKind::Path, Some(_)) => (named_path(reader, &demand)?, None),
        _ => {
            let inner = demand.table(reader, keys)?;
            (read(reader, &inner)?, Some(inner))
        }
    };
    let (window, sample) = match &inner {
        Some(inner) => limits(reader, inner, &predicate)?,
        None => (Window::WHOLE, predicate.default_minimum_sample()),
    };
    let inside = |key: &str| {
        inner.as_ref().and_then(|inner| inner.place_of(key)).unwrap_or_else(|| place.clone())
    };
    let beside = |key: &str| table.place_of(key).unwrap_or_else(|| table.place.clone());
    Some(CheckDraft {
        check: Check { predicate, streams: streams?, window, minimum_sample: sample, why: why? },
        from: inside("from"),
        to: inside("to"),
        sample: inside("minimum_sample"),
        camera: beside("camera"),
        viewer: beside("viewer"),
        demand: place,
    })
}

/// The one kind of a check.
fn kind(reader: &mut Reader, table: &Table<'_>) -> Option<CheckKind> {
    let mut given: Vec<_> =
        CheckKind::ALL.into_iter().filter(|kind| table.has(kind.key())).collect();
    given.sort_by_key(|kind| table.place_of(kind.key()).map(|place| place.span.start));
    let mut given = given.into_iter();
    let all = || CheckKind::ALL.map(CheckKind::key).join(", ");
    let Some(first) = given.next() else {
        let help = format!("add one of: {}", all());
        return reader.refuse(
            Rank::Missing,
            &table.place,
            "it checks nothing",
            "nothing is demanded",
            help,
        );
    };
    if let Some(second) = given.next() {
        let place = table.place_of(second.key())?;
        let message = format!("this check has `{}` already", first.key());
        return reader.refuse(
            Rank::Value,
            &place,
            &message,
            "a second kind",
            "write a `[[check]]` for each, with its own `why`",
        );
    }
    Some(first)
}

/// Window and minimum sample.
fn limits(reader: &mut Reader, table: &Table<'_>, predicate: &Predicate) -> Option<(Window, u64)> {
    let (from, to) = (table.read(reader, "from"), table.read(reader, "to"));
    let sample = match table.keys().find("minimum_sample") {
        Some(key) => table.read::<Option<u32>>(reader, key.name),
        None => Some(None),
    };
    let window = Window { from_us: Some(from?).filter(|from| *from > 0), to_us: to? };
    Some((window, sample?.map_or_else(|| predicate.default_minimum_sample(), u64::from)))
}

impl FromValue for Statistic {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        FromValue::from_value(reader, value).map(|percentile| Self::Percentile { percentile })
    }

    fn absent() -> Option<Self> {
        Some(Self::Mean)
    }
}

fn path(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let relayed: Option<Option<bool>> = table.read(reader, "relayed");
    let mut candidate = |key| table.read::<Option<CandidateKind>>(reader, key);
    let (local, remote) = (candidate("local")?, candidate("remote")?);
    let route = relayed?.map(|relayed| if relayed { Route::Relayed } else { Route::Direct });
    if route.is_none() && local.is_none() && remote.is_none() {
        let help = "add `relayed`, `local` or `remote`, or write `path = \"direct\"`";
        let label = "nothing is demanded";
        return reader.refuse(Rank::Missing, &table.place, "any path would do", label, help);
    }
    if route == Some(Route::Direct) {
        for (key, kind) in [("local", local), ("remote", remote)] {
            if kind == Some(CandidateKind::Relayed) {
                let place = table.place_of(key)?;
                let help = "write `relayed = true`, or another type of candidate";
                let message = "a direct path has no relayed candidate";
                return reader.refuse(Rank::Value, &place, message, "goes over TURN", help);
            }
        }
    }
    Some(Predicate::Path { route, local, remote })
}

/// What identical pictures count as: `PSNR_CAP_MILLIDB` of `parallax-media`.
const PSNR_CAP_MILLIDB: u32 = 99_000;

fn psnr(reader: &mut Reader, value: &Value<'_>) -> Option<u32> {
    let above = value.unit(reader, units::millidb)?;
    if above < PSNR_CAP_MILLIDB {
        return Some(above);
    }
    let message = "identical pictures count as 99dB, and none as more";
    let help = "write a bound below `99dB`; video of cameras has some 25dB to 45dB";
    value.refuse(reader, message, "could never pass", help)
}

fn named_path(reader: &mut Reader, value: &Value<'_>) -> Option<Predicate> {
    let route = match value.one_of(reader, &["direct", "relayed"])? {
        "direct" => Route::Direct,
        _ => Route::Relayed,
    };
    Some(Predicate::Path { route: Some(route), local: None, remote: None })
}

fn frames_lost(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let value = table.get(reader, "at_most")?;
    let at_most = if value.as_text().is_some() || value.is_float() {
        let ppb = value.unit(reader, share_in_ppm)?;
        if ppb >= 1_000_000_000 {
            let help = "write a share below `100%`";
            return value.refuse(reader, "no run loses more", "could never fail", help);
        }
        LossBound::Share { ppm: u64::from(ppb / 1_000) }
    } else {
        LossBound::Count { frames: u64::from_value(reader, value)? }
    };
    Some(Predicate::FramesLost { at_most })
}

/// A share in parts per 10^9 that is a whole number of parts in a million.
fn share_in_ppm(text: &str) -> Result<u32, units::UnitError> {
    let share = units::share_ppb(text)?;
    if share % 1_000 == 0 {
        return Ok(share);
    }
    Err(units::UnitError {
        wrong: format!("{} is finer than 0.0001%", units::shown(text)),
        cure: "write up to four decimals".into(),
    })
}
