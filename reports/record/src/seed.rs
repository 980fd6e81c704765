//! Seeds are strings in JSON: many readers keep numbers as doubles, and change them above 2^53.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` calls it so")]
pub(crate) fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(seed)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom(format!("the seed {text:?} is no whole number below 2^64")))
}

/// A whole number below 2^64, in decimal digits.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[schemars(transparent)]
pub(crate) struct Seed(
    #[schemars(regex(pattern = "^[0-9]{1,20}$"))]
    #[expect(dead_code, reason = "the schema alone")]
    String,
);
