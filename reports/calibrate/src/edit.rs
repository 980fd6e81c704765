//! The profile's file with the proposed times in it: all else of its text stays as it is.

use crate::propose::{Calibration, Proposal, task_key};
use parallax_record::{SetupTask, Stage};
use parallax_scenario::{
    Distribution, Provenance, StageTime,
    profile::{self, Profile},
    units::format_duration,
};
use std::cmp::Ordering;
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// Why a file could not be changed. Unless the times contradict its limits, it is a fault of Parallax.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// Its text is no TOML.
    #[error("put the times into the profile: {0}")]
    Toml(#[from] toml_edit::TomlError),
    /// A table is not there.
    #[error("put the times into the profile: there is no table `{0}`")]
    NoTable(&'static str),
    /// What came out is refused: the times contradict its limits.
    #[error("put the times into the profile: it would be refused.\n{0}")]
    Refused(String),
    /// What came out says something else.
    #[error("put the times into the profile: what came out has another `{0}`")]
    Differs(&'static str),
}

/// The text of `profile` with the times of `calibration` that are proposed.
///
/// # Errors
/// If the profile's limits promise more than the times allow.
pub fn edited(profile: &Profile, calibration: &Calibration) -> Result<String, EditError> {
    let mut document: DocumentMut = profile.text.parse()?;
    let proposed = || {
        calibration.figures.iter().filter_map(|figure| match &figure.found {
            Proposal::Proposed { after, .. } => Some((figure.key, after)),
            Proposal::TooFew { .. } => None,
        })
    };
    for (key, after) in proposed() {
        let item = at(document.as_item_mut(), key).ok_or(EditError::NoTable(key))?;
        put(item, after).ok_or(EditError::NoTable(key))?;
    }
    let text = document.to_string();
    let read = profile::parse(&profile.name, &text);
    let read = read.map_err(|errors| {
        EditError::Refused(format!("{}\n  help: {}", errors.first(), errors.first().cure()))
    })?;
    for (key, after) in proposed() {
        let found = stage(&read, key);
        if found != Some(after) {
            return Err(EditError::Differs(key));
        }
    }
    Ok(text)
}

/// The item of this key; what is not there yet is made.
fn at<'d>(document: &'d mut Item, key: &str) -> Option<&'d mut Item> {
    key.split('.').try_fold(document, |item, part| {
        let table = item.as_table_like_mut()?;
        if !table.contains_key(part) {
            let mut made = Table::new();
            // A table of tables has no header of its own.
            made.set_implicit(true);
            table.insert(part, Item::Table(made));
        }
        table.get_mut(part)
    })
}

/// The stage time of this key.
fn stage<'p>(profile: &'p Profile, key: &str) -> Option<&'p StageTime> {
    match key {
        "boot_time" => Some(&profile.boot_time),
        "timer" => profile.timer.as_ref(),
        "camera.start" => profile.camera.as_ref()?.start.as_ref(),
        "camera.capture" => profile.camera.as_ref()?.stages.get(&Stage::Capture),
        "camera.encode" => profile.camera.as_ref()?.stages.get(&Stage::Encode),
        _ => {
            let task = SetupTask::ALL.into_iter().find(|task| task_key(*task) == key)?;
            profile.set_up.get(&task)
        }
    }
}

/// The keys of a stage, in the order in which they stand.
const ORDER: [&str; 12] = [
    "distribution",
    "value",
    "mean",
    "deviation",
    "median",
    "p95",
    "quantiles",
    "samples",
    "least",
    "most",
    "per",
    "provenance",
];

/// By [`ORDER`]; what is not in it comes last.
fn in_order(one: &str, other: &str) -> Ordering {
    let at = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    at(one).cmp(&at(other))
}

/// Puts a stage time in the place of the one that is there.
fn put(item: &mut Item, stage: &StageTime) -> Option<()> {
    fill(item.as_table_like_mut()?, stage)?;
    match item {
        Item::Table(table) => table.sort_values_by(|one, _, other, _| in_order(one, other)),
        Item::Value(Value::InlineTable(table)) => {
            table.sort_values_by(|one, _, other, _| in_order(one, other));
            table.fmt();
        }
        _ => {}
    }
    Some(())
}

fn fill(table: &mut dyn TableLike, stage: &StageTime) -> Option<()> {
    let Distribution::Quantiles { quantiles, samples } = &stage.distribution else { return None };
    let mut comments = String::new();
    for key in &ORDER[1..10] {
        if let Some(prefix) = table.key(key).and_then(|key| key.leaf_decor().prefix()?.as_str())
            && *key != "quantiles"
            && prefix.contains('#')
        {
            comments.push_str(prefix);
        }
        if *key != "quantiles" {
            table.remove(key);
        }
    }
    let pairs = quantiles.iter().map(|quantile| {
        let percent = quantile.percent_thousandths;
        let percent: Value = match percent % 1_000 {
            0 => i64::from(percent / 1_000).into(),
            _ => (f64::from(percent) / 1_000.0).into(),
        };
        Value::from_iter([percent, format_duration(quantile.time).into()])
    });
    set(table, "distribution", "quantiles".into());
    set(table, "quantiles", Value::Array(Array::from_iter(pairs)));
    if let Some(samples) = samples {
        set(table, "samples", i64::from(*samples).into());
    }
    if let Some(per) = stage.per {
        set(table, "per", per.to_string().into());
    }
    let provenance = match stage.origin.provenance {
        Provenance::Measured => "measured",
        Provenance::Vendor => "vendor",
        Provenance::Inferred => "inferred",
    };
    set(table, "provenance", provenance.into());
    set(table, "source", stage.origin.source.as_str().into());
    if !comments.is_empty()
        && let Some(mut key) = table.key_mut("quantiles")
    {
        // What was said above a time that is gone is said above the new one.
        key.leaf_decor_mut().set_prefix(comments);
    }
    Some(())
}

/// Sets a value; what stands around one that is there stays.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}
