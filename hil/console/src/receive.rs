//! Reassembly of frames to messages, with a count of missing ones.

use crate::frame::{Frame, MESSAGE_BYTES_MOST, Nonce, Part, Sender};

/// What a frame turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Received {
    /// A message is complete.
    Message(Vec<u8>),
    /// It carries a piece of a message that is not complete yet.
    Piece,
    /// It carries a piece of a message of which another piece is missing: the message is lost.
    Orphan,
    /// It is an echo of what this end sent.
    Echo,
    /// It belongs to another conversation: an earlier run's output, as a rule.
    Foreign(Nonce),
    /// Its number was received already.
    Repeated(u64),
}

/// Receives what the other end says in one conversation.
#[derive(Clone, Debug)]
pub struct Receiver {
    from: Sender,
    nonce: Nonce,
    next: u64,
    missing: u64,
    /// Pieces of a message, from its first on.
    pieces: Option<Vec<u8>>,
}

impl Receiver {
    /// For what `from` says in the conversation `nonce`.
    pub fn new(from: Sender, nonce: Nonce) -> Self {
        Self { from, nonce, next: 0, missing: 0, pieces: None }
    }

    /// The number of the frame that comes next.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// How many frames are missing so far.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Takes a sound frame: how many are missing just before it, and what it is.
    pub fn take(&mut self, frame: Frame) -> (u64, Received) {
        if frame.sender != self.from {
            return (0, Received::Echo);
        }
        if frame.nonce != self.nonce {
            return (0, Received::Foreign(frame.nonce));
        }
        let Some(gap) = frame.number.checked_sub(self.next) else {
            return (0, Received::Repeated(frame.number));
        };
        self.skip(gap);
        self.next = frame.number.saturating_add(1);
        (gap, self.assemble(frame.part, frame.payload))
    }

    /// The other end has told that it sent `frames` in all: how many are missing at the end.
    pub fn end(&mut self, frames: u64) -> u64 {
        let gap = frames.saturating_sub(self.next);
        self.skip(gap);
        self.next = self.next.max(frames);
        gap
    }

    fn skip(&mut self, gap: u64) {
        self.missing = self.missing.saturating_add(gap);
        if gap > 0 {
            self.pieces = None;
        }
    }

    fn assemble(&mut self, part: Part, payload: Vec<u8>) -> Received {
        match part {
            Part::Whole => {
                self.pieces = None;
                Received::Message(payload)
            }
            Part::First => {
                self.pieces = Some(payload);
                Received::Piece
            }
            Part::Middle | Part::Last => {
                let Some(mut message) = self.pieces.take() else { return Received::Orphan };
                if message.len() + payload.len() > MESSAGE_BYTES_MOST {
                    return Received::Orphan;
                }
                message.extend(payload);
                if part == Part::Last {
                    Received::Message(message)
                } else {
                    self.pieces = Some(message);
                    Received::Piece
                }
            }
        }
    }
}
