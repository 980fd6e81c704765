//! The secret of a camera.

use core::fmt;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// The longest token, bytes.
pub const MAX_TOKEN_BYTES: usize = 128;

/// The secret that a camera registers with and that its viewers show. It is compared in constant
/// time and appears in no debug output; there is no `PartialEq`, so that no code compares it
/// otherwise by accident.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(String);

impl Token {
    /// The token whose text is `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether both are the same secret. The time this takes depends on the lengths alone, never
    /// on where the first difference is.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it can be a token: not empty, at most [`MAX_TOKEN_BYTES`], visible ASCII.
    pub fn is_valid(&self) -> bool {
        (1..=MAX_TOKEN_BYTES).contains(&self.0.len())
            && self.0.bytes().all(|b| b.is_ascii_graphic())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}
