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

fn find(line: &[u8], half: &str) -> Option<(usize, usize)> {
    let marker = [HALF.as_bytes(), half.as_bytes()].concat();
    let start = line.windows(marker.len()).position(|window| window == marker)?;
    Some((start, start + marker.len()))
}
