//! Passwords in what a board says: `*` stands in their place in a transcript.
//!
//! A password that was sent is starred as the echo of its own line, byte by byte, and wherever it stands as
//! a word later: `sh: hush: not found`. What may be the beginning of one is held back until more comes.

use std::collections::VecDeque;

/// Passwords that are known, at most: older ones are forgotten.
const SECRETS_MOST: usize = 16;

/// What came, and when.
type Piece = (u64, Vec<u8>);

/// Stars passwords in a stream of bytes, whatever its pieces.
#[derive(Debug, Default)]
pub(crate) struct Stars {
    secrets: VecDeque<Vec<u8>>,
    /// What was sent of one whose line is not over.
    typing: Vec<u8>,
    /// What may still be echoed of it.
    echo: VecDeque<u8>,
    /// Its line was sent whole: the board's next line end is the end of the echo.
    whole: bool,
    held: Vec<Piece>,
    /// The byte before what is held.
    before: Option<u8>,
}

impl Stars {
    /// Number of bytes of a password that are sent now.
    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if !matches!(byte, b'\r' | b'\n') {
                self.typing.push(*byte);
                self.echo.push_back(*byte);
                continue;
            }
            self.whole = true;
            let secret = std::mem::take(&mut self.typing);
            if !secret.is_empty() && !self.secrets.contains(&secret) {
                self.secrets.push_back(secret);
            }
            if self.secrets.len() > SECRETS_MOST {
                self.secrets.pop_front();
            }
        }
    }

    /// This came: what can be shown by now, starred.
    pub(crate) fn received(&mut self, at_ns: u64, bytes: &[u8]) -> Vec<Piece> {
        if self.secrets.is_empty() && self.echo.is_empty() {
            self.before = bytes.last().copied().or(self.before);
            return vec![(at_ns, bytes.to_vec())];
        }
        let bytes = bytes.iter().map(|byte| self.echoed(*byte)).collect();
        let mut pieces = std::mem::take(&mut self.held);
        pieces.push((at_ns, bytes));
        let mut all: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        let shown = self.star(&mut all);
        self.before = shown.checked_sub(1).and_then(|last| all.get(last)).copied().or(self.before);
        let mut out = Vec::new();
        let mut from = 0;
        for (at_ns, bytes) in pieces {
            let to = from + bytes.len();
            let cut = shown.clamp(from, to);
            out.push((at_ns, all[from..cut].to_vec()));
            self.held.push((at_ns, all[cut..to].to_vec()));
            from = to;
        }
        self.held.retain(|(_, bytes)| !bytes.is_empty());
        out.retain(|(_, bytes)| !bytes.is_empty());
        out
    }

    /// Nothing follows: what is held back may be the beginning of a password.
    pub(crate) fn end(&mut self) -> Vec<Piece> {
        let mut held = std::mem::take(&mut self.held);
        for (_, bytes) in &mut held {
            bytes.fill(b'*');
        }
        held
    }

    fn echoed(&mut self, byte: u8) -> u8 {
        if self.echo.front() == Some(&byte) {
            self.echo.pop_front();
            return b'*';
        }
        if self.whole && matches!(byte, b'\r' | b'\n') {
            self.echo.clear();
            self.whole = false;
        }
        byte
    }

    /// Stars whole passwords; how many bytes can be shown.
    fn star(&self, all: &mut [u8]) -> usize {
        let mut at = 0;
        while at < all.len() {
            let before = at.checked_sub(1).map_or(self.before, |before| all.get(before).copied());
            let mut length = None;
            for secret in self.secrets.iter().filter(|_| !before.is_some_and(is_of_a_word)) {
                let rest = &all[at..];
                if rest.len() <= secret.len() && secret.starts_with(rest) {
                    return at;
                }
                if rest.starts_with(secret)
                    && !rest.get(secret.len()).copied().is_some_and(is_of_a_word)
                {
                    length = length.max(Some(secret.len()));
                }
            }
            let to = at + length.unwrap_or(0);
            all[at..to].fill(b'*');
            at = to.max(at + 1);
        }
        all.len()
    }
}

/// Whether a byte goes on with a word: `raspberrypi` is no `raspberry`, and `root@board` no `root`.
fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(stars: &mut Stars, pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            out.extend(stars.received(at as u64, piece));
        }
        out.extend(stars.end());
        assert!(out.is_sorted_by_key(|(at, _)| *at));
        String::from_utf8(out.into_iter().flat_map(|(_, bytes)| bytes).collect()).expect("text")
    }

    #[test]
    fn a_password_that_is_echoed_is_starred_however_it_is_cut() {
        let said = b"hush\r\nsh: hush: not found\r\nhushed, root@hush-1 hush";
        let expected = "****\r\nsh: ****: not found\r\nhushed, root@hush-1 ****";
        for first in 0..=said.len() {
            for second in first..=said.len() {
                let mut stars = Stars::default();
                stars.sent(b"hu");
                stars.sent(b"sh\r");
                let pieces = [&said[..first], &said[first..second], &said[second..]];
                assert_eq!(shown(&mut stars, &pieces), expected, "{first} {second}");
            }
        }
    }

    #[test]
    fn each_key_of_a_password_that_is_echoed_at_once_is_starred() {
        let (mut stars, mut told) = (Stars::default(), Vec::new());
        for key in b"hush" {
            stars.sent(&[*key]);
            // The line begins with no blank, and a log may come between.
            told.extend(stars.received(1, &[*key]));
            told.extend(stars.received(2, b"|"));
        }
        stars.sent(b"\r");
        told.extend(stars.received(3, b"\r\nhush"));
        told.extend(stars.end());
        let told: Vec<u8> = told.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert_eq!(told, b"*|*|*|*|\r\n****");
    }

    #[test]
    fn what_comes_before_any_password_is_as_it_is() {
        let mut stars = Stars::default();
        assert_eq!(stars.received(7, b"hush"), [(7, b"hush".to_vec())]);
        stars.sent(b"\r");
        assert_eq!(stars.received(8, b"hush\r\n"), [(8, b"hush\r\n".to_vec())]);
    }
}
