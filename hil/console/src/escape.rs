//! Filter for terminals' escape sequences.
//!
//! busybox's shell asks for the cursor's place (`ESC[6n`) after each prompt, and shells colour what
//! they print: neither must stand between a prompt and its pattern. A garbled sequence must not
//! swallow what follows: each is bounded, and a line end breaks it off.

const ESCAPE: u8 = 0x1b;
/// Bytes of a control sequence (ECMA-48), at most.
const CONTROL_BYTES_MOST: u32 = 32;
/// Bytes of a string (a window's title), at most.
const STRING_BYTES_MOST: u32 = 256;

/// Where in a sequence the stream is.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) enum Stripper {
    #[default]
    Text,
    Escape,
    /// `ESC (` and its like: one more byte.
    Charset,
    Control(u32),
    String(u32),
    /// An escape within a string: `ESC \` ends it.
    StringEscape(u32),
}

impl Stripper {
    /// Takes a byte, and gives it back unless it belongs to a sequence.
    pub(crate) fn push(&mut self, byte: u8) -> Option<u8> {
        let (next, out) = match (*self, byte) {
            (Self::Text, ESCAPE) => (Self::Escape, None),
            (Self::Text, _) => (Self::Text, Some(byte)),
            (_, b'\r' | b'\n') => (Self::Text, Some(byte)),
            (Self::Escape, b'[') => (Self::Control(0), None),
            (Self::Escape, b']' | b'P' | b'^' | b'_' | b'X') => (Self::String(0), None),
            (Self::Escape, b' '..=b'/') => (Self::Charset, None),
            (Self::Escape | Self::Control(_), ESCAPE) => (Self::Escape, None),
            (Self::Escape | Self::Charset, _) => (Self::Text, None),
            (Self::Control(_), b'@'..=b'~') => (Self::Text, None),
            (Self::Control(bytes), b' '..=b'?') if bytes < CONTROL_BYTES_MOST => {
                (Self::Control(bytes + 1), None)
            }
            // Not of a control sequence: it was garbled.
            (Self::Control(_), _) => (Self::Text, Some(byte)),
            (Self::String(_), 0x07) | (Self::StringEscape(_), b'\\') => (Self::Text, None),
            (Self::String(bytes), ESCAPE) => (Self::StringEscape(bytes), None),
            (Self::String(bytes) | Self::StringEscape(bytes), _) if bytes < STRING_BYTES_MOST => {
                (Self::String(bytes + 1), None)
            }
            (Self::String(_) | Self::StringEscape(_), _) => (Self::Text, Some(byte)),
        };
        *self = next;
        out
    }
}
