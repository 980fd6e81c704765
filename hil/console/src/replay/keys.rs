//! Typed lines of a recording, whatever the pieces they come in.

use crate::{
    Nonce, Scanner, Sender,
    command::marked,
    transcript::{ConsoleRecording, TranscriptKind},
};
use std::collections::BTreeSet;

/// What breaks off a command at a terminal.
const INTERRUPT: u8 = 0x03;

/// Something that was typed as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// A line that the recording does not show.
    Secret,
    /// Ctrl-C.
    Interrupt,
}

/// Puts typed bytes together.
#[derive(Clone, Default, Debug)]
pub(super) struct Keys {
    line: Vec<u8>,
    secret: bool,
    after_return: bool,
}

impl Keys {
    /// Whether no line was begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.line.is_empty()
    }

    pub(super) fn push(&mut self, byte: u8, kind: TranscriptKind) -> Option<Typed> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        // A line that is not shown comes as one entry, its end with it.
        if kind == TranscriptKind::Secret {
            self.secret = true;
            return None;
        }
        match byte {
            b'\n' if after_return => None,
            b'\r' | b'\n' => {
                let line = core::mem::take(&mut self.line);
                Some(Typed::Line(String::from_utf8_lossy(&line).into_owned()))
            }
            INTERRUPT => {
                self.line.clear();
                Some(Typed::Interrupt)
            }
            byte => {
                self.line.push(byte);
                None
            }
        }
    }

    /// What an entry that is not shown came to.
    pub(super) fn end(&mut self) -> Option<Typed> {
        core::mem::take(&mut self.secret).then_some(Typed::Secret)
    }
}

/// What is to be known of a recording before it is run.
#[derive(Clone, Default, Debug)]
pub(super) struct Ahead {
    /// The nonce of its markers.
    pub(super) nonce: Option<Nonce>,
    /// The entry of the last probe.
    pub(super) last_probe: Option<usize>,
    /// The last entry that was typed.
    pub(super) last_typed: Option<usize>,
    /// The nonces of the board's frames.
    pub(super) streams: BTreeSet<Nonce>,
}

impl Ahead {
    pub(super) fn of(recording: &ConsoleRecording) -> Self {
        let mut ahead = Self::default();
        let (mut keys, mut scanner, mut text) = (Keys::default(), Scanner::new(), Vec::new());
        for (index, entry) in recording.entries.iter().enumerate() {
            if matches!(entry.kind, TranscriptKind::Sent | TranscriptKind::Secret) {
                ahead.last_typed = Some(index);
            }
            for byte in &entry.bytes {
                match entry.kind {
                    TranscriptKind::Received => {
                        text.clear();
                        if let Some(crate::ScanItem::Frame(frame)) = scanner.push(*byte, &mut text)
                            && frame.sender == Sender::Board
                        {
                            ahead.streams.insert(frame.nonce);
                        }
                    }
                    TranscriptKind::Sent | TranscriptKind::Secret => {
                        if let Some(Typed::Line(line)) = keys.push(*byte, entry.kind)
                            && let Some((nonce, _, command)) = marked(&line)
                        {
                            ahead.nonce.get_or_insert(nonce);
                            if command.is_empty() {
                                ahead.last_probe = Some(index);
                            }
                        }
                    }
                    TranscriptKind::Event => {}
                }
            }
            keys.end();
        }
        ahead
    }

    /// The stream that a command starts: the command names the nonce of frames that come.
    pub(super) fn stream_of(&self, command: &str) -> Option<Nonce> {
        self.streams.iter().find(|nonce| command.contains(&nonce.to_string())).copied()
    }
}
