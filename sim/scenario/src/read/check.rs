//! Reading checks into the types of the record.

use crate::{
    error::Rank,
    reference::{self, Keys},
    table::{Place, Reader, Table, Value, optional},
    units,
};
use parallax_record::{
    CandidateKind, Check, CheckKind, LossBound, Percentile, Predicate, Route, Statistic,
    StreamSelection, Window,
};

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
        CheckKind::Connects => (&reference::CONNECTS, connects),
        CheckKind::Path => (&reference::PATH, path),
        CheckKind::TimeToFirstFrame => (&reference::TIME_TO_FIRST_FRAME, time_to_first_frame),
        CheckKind::CaptureToRender => (&reference::CAPTURE_TO_RENDER, capture_to_render),
        CheckKind::Freezes => (&reference::FREEZES, freezes),
        CheckKind::LongestFreeze => (&reference::LONGEST_FREEZE, longest_freeze),
        CheckKind::FramesLost => (&reference::FRAMES_LOST, frames_lost),
        CheckKind::Psnr => (&reference::PSNR, psnr),
        CheckKind::Ssim => (&reference::SSIM, ssim),
        CheckKind::Recovery => (&reference::RECOVERY, recovery),
    }
}

pub(super) fn read(reader: &mut Reader, checks: Vec<Value<'_>>) -> Vec<CheckDraft> {
    if checks.is_empty() {
        let place = Place { path: "check".into(), span: 0..0 };
        let help = "add `[[check]]`, such as `connects = { within = \"5s\" }` with a `why`";
        reader.refuse(
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
    let table = value.table(reader, &reference::CHECK)?;
    let why = table.get(reader, "why").and_then(|value| value.words(reader));
    let mut name = |key: &str| optional(reader, &table, key, |reader, value| value.text(reader));
    let (camera, viewer) = (name("camera"), name("viewer"));
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
    let inside = |key: &str| place_of(inner.as_ref(), key).unwrap_or_else(|| place.clone());
    let beside = |key: &str| place_of(Some(&table), key).unwrap_or_else(|| table.place.clone());
    Some(CheckDraft {
        check: Check {
            predicate,
            streams: StreamSelection { camera: camera?, viewer: viewer? },
            window,
            minimum_sample: sample,
            why: why?,
        },
        from: inside("from"),
        to: inside("to"),
        sample: inside("minimum_sample"),
        camera: beside("camera"),
        viewer: beside("viewer"),
        demand: place,
    })
}

fn place_of(table: Option<&Table<'_>>, key: &str) -> Option<Place> {
    let table = table?;
    table.key_span(key).map(|span| Place { path: table.path(key), span })
}

/// The one kind of a check.
fn kind(reader: &mut Reader, table: &Table<'_>) -> Option<CheckKind> {
    let mut given: Vec<_> =
        CheckKind::ALL.into_iter().filter(|kind| table.has(kind.key())).collect();
    given.sort_by_key(|kind| table.key_span(kind.key()).map(|span| span.start));
    let mut given = given.into_iter();
    let all = || CheckKind::ALL.map(CheckKind::key).join(", ");
    let Some(first) = given.next() else {
        let help = format!("add one of: {}", all());
        reader.refuse(
            Rank::Missing,
            &table.place,
            "it checks nothing",
            "nothing is demanded",
            help,
        );
        return None;
    };
    if let Some(second) = given.next() {
        let place = place_of(Some(table), second.key())?;
        let message = format!("this check has `{}` already", first.key());
        reader.refuse(
            Rank::Value,
            &place,
            &message,
            "a second kind",
            "write a `[[check]]` for each, with its own `why`",
        );
        return None;
    }
    Some(first)
}

/// Window and minimum sample.
fn limits(reader: &mut Reader, table: &Table<'_>, predicate: &Predicate) -> Option<(Window, u64)> {
    let micros = |reader: &mut Reader, value: &Value<'_>| value.unit(reader, micros);
    let from = table.get(reader, "from").and_then(|value| micros(reader, &value));
    let to = optional(reader, table, "to", micros);
    let sample = if reference::find(table.keys(), "minimum_sample").is_some() {
        optional(reader, table, "minimum_sample", |reader, value| value.whole(reader, 1..=u32::MAX))
    } else {
        Some(None)
    };
    let window = Window { from_us: Some(from?).filter(|from| *from > 0), to_us: to? };
    Some((window, sample?.map_or_else(|| predicate.default_minimum_sample(), u64::from)))
}

fn micros(text: &str) -> Result<u64, units::UnitError> {
    // At most 2^64 ns, so that microseconds fit.
    units::whole_micros(text).map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// A bound in time: above zero, or nothing would be inside it.
fn bound(reader: &mut Reader, table: &Table<'_>, key: &str) -> Option<u64> {
    let value = table.get(reader, key)?;
    nonzero_bound(reader, &value)
}

fn nonzero_bound(reader: &mut Reader, value: &Value<'_>) -> Option<u64> {
    let bound = value.unit(reader, micros)?;
    if bound == 0 {
        reader.refuse(
            Rank::Value,
            &value.place,
            "nothing takes no time",
            "zero",
            "write a bound above zero",
        );
        return None;
    }
    Some(bound)
}

fn percentile(reader: &mut Reader, value: &Value<'_>) -> Option<Percentile> {
    let number = value.whole(reader, 1..=99)?;
    Percentile::try_from(u8::try_from(number).ok()?).ok()
}

fn connects(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    Some(Predicate::Connects { within_us: bound(reader, table, "within")? })
}

const CANDIDATES: [(&str, CandidateKind); 4] = [
    ("host", CandidateKind::Host),
    ("server-reflexive", CandidateKind::ServerReflexive),
    ("peer-reflexive", CandidateKind::PeerReflexive),
    ("relayed", CandidateKind::Relayed),
];

fn path(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let relayed = optional(reader, table, "relayed", |reader, value| value.boolean(reader));
    let mut candidate =
        |key| optional(reader, table, key, |reader, value| value.one_of(reader, &CANDIDATES));
    let (local, remote) = (candidate("local")?, candidate("remote")?);
    let route = relayed?.map(|relayed| if relayed { Route::Relayed } else { Route::Direct });
    if route.is_none() && local.is_none() && remote.is_none() {
        let help = "add `relayed`, `local` or `remote`, or write `path = \"direct\"`";
        reader.refuse(
            Rank::Missing,
            &table.place,
            "any path would do",
            "nothing is demanded",
            help,
        );
        return None;
    }
    if route == Some(Route::Direct) {
        for (key, kind) in [("local", local), ("remote", remote)] {
            if kind == Some(CandidateKind::Relayed) {
                let place = place_of(Some(table), key)?;
                let help = "write `relayed = true`, or another type of candidate";
                reader.refuse(
                    Rank::Value,
                    &place,
                    "a direct path has no relayed candidate",
                    "goes over TURN",
                    help,
                );
                return None;
            }
        }
    }
    Some(Predicate::Path { route, local, remote })
}

fn named_path(reader: &mut Reader, value: &Value<'_>) -> Option<Predicate> {
    let words = [("direct", Route::Direct), ("relayed", Route::Relayed)];
    let route = value.one_of(reader, &words)?;
    Some(Predicate::Path { route: Some(route), local: None, remote: None })
}

fn time_to_first_frame(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    Some(Predicate::TimeToFirstFrame { below_us: bound(reader, table, "below")? })
}

fn capture_to_render(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let percentile = table.get(reader, "percentile").and_then(|value| percentile(reader, &value));
    let below_us = bound(reader, table, "below");
    Some(Predicate::CaptureToRender { percentile: percentile?, below_us: below_us? })
}

fn freezes(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let count = table.get(reader, "at_most").and_then(|value| value.whole(reader, 0..=u32::MAX));
    let total = optional(reader, table, "total_below", nonzero_bound);
    Some(Predicate::Freezes { count_at_most: count?.into(), total_below_us: total? })
}

fn longest_freeze(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    Some(Predicate::LongestFreeze { below_us: bound(reader, table, "below")? })
}

fn frames_lost(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let value = table.get(reader, "at_most")?;
    let at_most = if value.as_text().is_some() || value.is_float() {
        let ppb = value.unit(reader, share_in_ppm)?;
        if ppb >= 1_000_000_000 {
            let help = "write a share below `100%`";
            reader.refuse(Rank::Value, &value.place, "no run loses more", "could never fail", help);
            return None;
        }
        LossBound::Share { ppm: u64::from(ppb / 1_000) }
    } else {
        LossBound::Count { frames: value.whole(reader, 0..=u32::MAX)?.into() }
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

/// What identical pictures count as: `PSNR_CAP_MILLIDB` of `parallax-media`.
const PSNR_CAP_MILLIDB: u32 = 99_000;

fn psnr(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let above = table.get(reader, "above").and_then(|value| {
        let above = value.unit(reader, units::millidb)?;
        if above < PSNR_CAP_MILLIDB {
            return Some(above);
        }
        let message = "identical pictures count as 99dB, and none as more";
        let help = "write a bound below `99dB`; video of cameras has some 25dB to 45dB";
        reader.refuse(Rank::Value, &value.place, message, "could never pass", help);
        None
    });
    let percentile = optional(reader, table, "percentile", percentile);
    let statistic =
        percentile?.map_or(Statistic::Mean, |percentile| Statistic::Percentile { percentile });
    Some(Predicate::Psnr { statistic, above_millidb: above? })
}

fn ssim(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let above = table.get(reader, "above").and_then(|value| value.thousandths(reader, 0..=999));
    let percentile = optional(reader, table, "percentile", percentile);
    let statistic =
        percentile?.map_or(Statistic::Mean, |percentile| Statistic::Percentile { percentile });
    Some(Predicate::Ssim { statistic, above_ppm: above? * 1_000 })
}

fn recovery(reader: &mut Reader, table: &Table<'_>) -> Option<Predicate> {
    let after = table.get(reader, "after").and_then(|value| value.text(reader));
    let within_us = bound(reader, table, "within");
    Some(Predicate::Recovery { after: after?, within_us: within_us? })
}
