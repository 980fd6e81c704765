//! Commands in split markers.

use crate::Nonce;

/// Bytes of a command, at most: a terminal's line takes 4095.
const COMMAND_BYTES_MOST: usize = 2048;

/// Whether `text` can be typed as one line.
pub(crate) fn is_a_line(text: &str) -> bool {
    text.len() <= COMMAND_BYTES_MOST && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The two markers of one command. Typed, each stands in two halves with quotes between, so that the
/// echo of the command line holds neither.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Markers {
    begin: String,
    end: String,
}

const HALF: &str = "plx:";

impl Markers {
    pub(crate) fn new(nonce: Nonce, number: u32) -> Self {
        Self { begin: format!("{nonce}:{number}:b."), end: format!("{nonce}:{number}:e:") }
    }

    /// The command line, without its end.
    pub(crate) fn around(&self, command: &str) -> String {
        let Self { begin, end } = self;
        let between = if command.is_empty() { "" } else { "; " };
        format!("echo '{HALF}''{begin}'{between}{command}; echo '{HALF}''{end}'$?'.'")
    }

    /// Where the begin marker ends in `line`.
    pub(crate) fn begin_in(&self, line: &[u8]) -> Option<usize> {
        find(line, &self.begin).map(|(_, end)| end)
    }

    /// Where the end marker starts in `line`, and the exit status.
    pub(crate) fn end_in(&self, line: &[u8]) -> Option<(usize, u32)> {
        let (start, end) = find(line, &self.end)?;
        let rest = line.get(end..)?;
        let dot = rest.iter().take(11).position(|byte| *byte == b'.')?;
        let status = core::str::from_utf8(rest.get(..dot)?).ok()?;
        Some((start, status.parse().ok()?))
    }
}

/// A command line as [`Markers::around`] makes it: of which conversation, which one, and the command.
pub(crate) fn marked(line: &str) -> Option<(Nonce, u32, &str)> {
    let rest = line.strip_prefix("echo 'plx:''")?;
    let (nonce, rest) = rest.split_at_checked(8)?;
    let nonce = Nonce(u32::from_str_radix(nonce, 16).ok()?);
    let (number, _) = rest.strip_prefix(':')?.split_once(':')?;
    let number: u32 = number.parse().ok()?;
    let markers = Markers::new(nonce, number);
    let (whole, empty) = (markers.around("\0"), markers.around(""));
    if line == empty {
        return Some((nonce, number, ""));
    }
    let (before, after) = whole.split_once('\0')?;
    Some((nonce, number, line.strip_prefix(before)?.strip_suffix(after)?))
}

fn find(line: &[u8], half: &str) -> Option<(usize, usize)> {
    let marker = [HALF.as_bytes(), half.as_bytes()].concat();
    let start = line.windows(marker.len()).position(|window| window == marker)?;
    Some((start, start + marker.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marked_line_is_taken_apart_again() {
        let markers = Markers::new(Nonce(0x0a0b_0c0d), 7);
        for command in ["", "uname -r; false", "echo 'x'"] {
            let line = markers.around(command);
            assert_eq!(marked(&line), Some((Nonce(0x0a0b_0c0d), 7, command)), "{line}");
        }
        let whole = markers.around("true");
        for other in ["", "true", "echo 'plx:''0a0b0c0d:7:b.'", &whole[1..], "echo 'plx:''\u{e9}"] {
            assert_eq!(marked(other), None, "{other}");
        }
    }
}
