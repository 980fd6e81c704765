//! A board's output, as `parallax console` passes it on.
//!
//! A person's terminal gets what a shell draws its lines with: plain text, cursor movement, colours. What
//! reaches beyond the screen (OSC with its clipboard and titles, DCS, C1 controls, printers, window
//! operations) is written out instead. A pipe or a file gets text alone. `--raw` passes on every byte. The
//! transcript has every byte in any case.

use parallax_record::foreign::{inline, is_steering};

/// Where what a board says goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// A terminal.
    Terminal,
    /// Anything else: escape sequences are written out.
    Pipe,
    /// Whatever it is, it gets every byte.
    Raw,
}

/// Bytes of a control sequence, at most: longer ones are none.
const SEQUENCE_MOST: usize = 48;

/// A stream of bytes that is passed on.
#[derive(Debug)]
pub(crate) struct RelayedText {
    to: To,
    /// Bytes of a character that has not come whole.
    rest: Vec<u8>,
    /// An escape sequence, or a carriage return, whose next character has not come.
    begun: String,
}

impl RelayedText {
    /// Nothing was heard yet.
    pub(crate) fn new(to: To) -> Self {
        Self { to, rest: Vec::new(), begun: String::new() }
    }

    /// What of it may be passed on now.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        if self.to == To::Raw {
            return bytes.to_vec();
        }
        let mut all = core::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut out = String::new();
        let mut chunks = all.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|character| self.take(character, &mut out));
            let invalid = chunk.invalid();
            // The last one may go on with the next bytes.
            let error = std::str::from_utf8(invalid).err();
            if chunks.peek().is_none() && error.is_some_and(|error| error.error_len().is_none()) {
                self.rest = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.write_out(&mut out);
                out.extend(invalid.iter().map(|byte| format!("\\x{byte:02x}")));
            }
        }
        out.into_bytes()
    }

    fn take(&mut self, character: char, out: &mut String) {
        if !self.begun.is_empty() {
            self.begun.push(character);
            match verdict(&self.begun, self.to) {
                Sequence::GoesOn => return,
                Sequence::Harmless => {
                    out.push_str(&core::mem::take(&mut self.begun));
                    return;
                }
                // Its last character may begin something itself.
                Sequence::Refused => {
                    self.begun.pop();
                    self.write_out(out);
                }
            }
        }
        match (character, self.to) {
            ('\r', To::Pipe) | ('\u{1b}', To::Terminal) => self.begun.push(character),
            ('\n' | '\t', _) | ('\r' | '\u{7}' | '\u{8}', To::Terminal) => out.push(character),
            // Boards send it while they have no power; a terminal passes over it.
            ('\0', To::Terminal) => {}
            _ if is_steering(character) => out.extend(character.escape_default()),
            _ => out.push(character),
        }
    }

    /// Shows what was held back.
    fn write_out(&mut self, out: &mut String) {
        out.push_str(&inline(&core::mem::take(&mut self.begun)));
    }
}

enum Sequence {
    GoesOn,
    Harmless,
    Refused,
}

/// What something is that has begun; at least its second character is there.
fn verdict(begun: &str, to: To) -> Sequence {
    if to == To::Pipe {
        return if begun == "\r\n" { Sequence::Harmless } else { Sequence::Refused };
    }
    let mut rest = begun[1..].chars();
    match (rest.next(), rest.next_back()) {
        (Some('['), None) => Sequence::GoesOn,
        (Some('['), Some('0'..='9' | ';' | ':' | '?')) if begun.len() < SEQUENCE_MOST => {
            Sequence::GoesOn
        }
        // Cursor, erasing, scrolling, colours, modes, and where the cursor is.
        (
            Some('['),
            Some(
                '@'
                | 'A'..='M'
                | 'P'
                | 'S'
                | 'T'
                | 'X'
                | 'Z'
                | '`'
                | 'a'..='h'
                | 'l'..='n'
                | 'r'
                | 's'
                | 'u',
            ),
        ) => Sequence::Harmless,
        // Save and restore the cursor, index, tabs, keypad, reset.
        (Some('7' | '8' | 'D' | 'E' | 'H' | 'M' | '=' | '>' | 'c'), None) => Sequence::Harmless,
        (Some('(' | ')'), None) => Sequence::GoesOn,
        (Some('(' | ')'), Some('0' | 'A' | 'B')) => Sequence::Harmless,
        _ => Sequence::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(to: To, bytes: &[u8]) -> String {
        let whole = RelayedText::new(to).hear(bytes);
        // It does not matter how the bytes come.
        let mut heard = RelayedText::new(to);
        let single: Vec<u8> = bytes.iter().flat_map(|byte| heard.hear(&[*byte])).collect();
        assert_eq!(single, whole);
        String::from_utf8(whole).expect("text")
    }

    #[test]
    fn a_terminal_gets_what_draws_lines_and_nothing_that_reaches_beyond_them() {
        for drawn in [
            "# ls\r\n",
            "\u{1b}[1;31mred\u{1b}[0m",
            "\u{1b}[6n\u{1b}[2K\r\u{8} \u{8}",
            "\u{1b}7\u{1b}(B",
            "\u{1b}[?25l",
        ] {
            assert_eq!(passed(To::Terminal, drawn.as_bytes()), drawn);
        }
        assert_eq!(passed(To::Terminal, b"\x1b]52;c;ZXZpbA==\x07"), "\\u{1b}]52;c;ZXZpbA==\u{7}");
        assert_eq!(passed(To::Terminal, b"\x1bPq\x1b\\x"), "\\u{1b}Pq\\u{1b}\\x");
        assert_eq!(passed(To::Terminal, b"\x1b[5i\x1b[21t"), "\\u{1b}[5i\\u{1b}[21t");
        assert_eq!(passed(To::Terminal, b"\x1b\x1b[1mx"), "\\u{1b}\u{1b}[1mx");
        assert_eq!(
            passed(To::Terminal, "\u{9d}52;c;x\u{9c}\u{202e}".as_bytes()),
            "\\u{9d}52;c;x\\u{9c}\\u{202e}"
        );
        assert_eq!(passed(To::Terminal, b"\xff\xc3\xa9\xe2\x28"), "\\xff\u{e9}\\xe2(");
    }

    #[test]
    fn a_pipe_gets_text_and_raw_is_raw() {
        assert_eq!(
            passed(To::Pipe, b"a\r\nb\rc\r\r\n\x1b[31m\x07\0"),
            "a\r\nb\\rc\\r\r\n\\u{1b}[31m\\u{7}\\u{0}"
        );
        assert_eq!(RelayedText::new(To::Raw).hear(b"\x1b]0;x\x07\xff"), b"\x1b]0;x\x07\xff");
    }

    #[test]
    fn no_byte_makes_a_sequence_that_is_not_let_through() {
        for intro in [&b"\x1b"[..], b"\x1b[", b"\x1b[?1", b"\xc2", b"\xe2\x80", b""] {
            for byte in 0..=255_u8 {
                let text = passed(To::Pipe, &[intro, &[byte], b"x\n"].concat());
                let steers = |c: char| is_steering(c) && !matches!(c, '\n' | '\t');
                assert!(!text.replace("\r\n", "").chars().any(steers), "{text:?}");
                let text = passed(To::Terminal, &[intro, &[byte], b"x\n"].concat());
                assert!(!text.contains("\u{1b}]") && !text.contains("\u{1b}P"), "{text:?}");
                assert!(!text.chars().any(|c| ('\u{80}'..='\u{9f}').contains(&c)), "{text:?}");
            }
        }
    }
}
