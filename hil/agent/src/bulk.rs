//! Bytes as text: base64 (RFC 4648 section 4), which costs a console less than escapes would.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A text that holds no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the bytes of a stream: no base64\nhelp: use the agent of this version")]
pub struct NotBulk;

/// `bytes` as text.
pub fn to_text(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes that `text` holds.
///
/// # Errors
/// If it is no base64.
pub fn from_text(text: &str) -> Result<Vec<u8>, NotBulk> {
    STANDARD.decode(text).map_err(|_| NotBulk)
}
