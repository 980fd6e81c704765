//! Where the numbers of a profile come from.

use crate::{
    from_value::{FromValue, by_word, fill},
    key::{Key, key, keys, said, sentence, words},
    table::{Reader, Table, Value},
};
use serde::Deserialize;

pub(crate) const PROVENANCE: Key = key! {
    /// Where the numbers come from.
    provenance: words(&["measured", "vendor", "inferred"])
};

pub(crate) const SOURCE: Key = key! {
    /// The document, the measurement, or the reasoning.
    source: sentence("text")
};

keys! {
    FIGURE: "a figure" {
        /// The number.
        value: said("as the key says");
        ..PROVENANCE;
        ..SOURCE;
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Measured on such a device.
    Measured,
    /// From the documents or the support of the manufacturer.
    Vendor,
    /// Concluded from something else.
    Inferred,
}

impl<T: FromValue> FromValue for Figure<T> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let shape = value.shape;
        let table = value.table(reader, &FIGURE)?;
        let number = table.get(reader, "value").and_then(|mut number| {
            // The key of the figure says what its number is.
            number.shape = shape;
            T::from_value(reader, number)
        });
        let origin = origin(reader, &table);
        Some(Self { value: number?, origin: origin? })
    }
}

pub(crate) fn origin(reader: &mut Reader, table: &Table<'_>) -> Option<Origin> {
    fill!(reader, table => Origin { provenance, source })
}

by_word!(Provenance);
