//! Where the numbers of a profile come from.

use crate::{
    reference,
    table::{Reader, Table, Value},
};

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

/// A number of a profile, read by `read`.
pub(crate) fn figure<'a, T>(
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
