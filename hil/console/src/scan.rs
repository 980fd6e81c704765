//! Scanner for frames in a stream of bytes that others write into as well.

use crate::frame::{FRAME_BYTES_MOST, Frame, FrameError, MARK, Sender};

/// What was found at a byte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanItem {
    /// A sound frame.
    Frame(Frame),
    /// What began as a frame is none: it was cut, written into, or garbled on the way. What it told
    /// is lost; its number, missing later, says so.
    Damaged(Damage),
}

/// How a frame was seen to be damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// A line end or the next frame came before its end.
    Cut,
    /// It went on for longer than any frame.
    Long,
    /// It has two ends, and is none for this reason.
    Unsound(FrameError),
}

/// Finds frames byte by byte. What is no part of a sound frame comes out as text, in its order, so
/// that a board's last words are read even when they stand in the middle of a frame.
#[derive(Clone, Default, Debug)]
pub struct Scanner {
    place: Place,
    /// From the mark on; at most one frame long.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Place {
    #[default]
    Text,
    /// After `~`.
    Mark,
    /// After `~` and a sender.
    Frame,
    /// After a sound frame: its line end belongs to it.
    LineEnd,
}

impl Scanner {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a byte; appends what turned out to be text to `text`.
    pub fn push(&mut self, byte: u8, text: &mut Vec<u8>) -> Option<ScanItem> {
        match self.place {
            Place::LineEnd => {
                match byte {
                    b'\r' => {}
                    b'\n' => self.place = Place::Text,
                    _ => {
                        self.place = Place::Text;
                        return self.push(byte, text);
                    }
                }
                None
            }
            Place::Text if byte == MARK => {
                self.place = Place::Mark;
                self.held.push(byte);
                None
            }
            Place::Text => {
                text.push(byte);
                None
            }
            Place::Mark if Sender::of(byte).is_some() => {
                self.place = Place::Frame;
                self.held.push(byte);
                None
            }
            Place::Mark => {
                self.give_up(text);
                self.push(byte, text)
            }
            Place::Frame => self.within(byte, text),
        }
    }

    fn within(&mut self, byte: u8, text: &mut Vec<u8>) -> Option<ScanItem> {
        match byte {
            MARK => {
                let frame = Frame::decode(self.held.get(1..).unwrap_or_default());
                match frame {
                    Ok(frame) => {
                        self.held.clear();
                        self.place = Place::LineEnd;
                        Some(ScanItem::Frame(frame))
                    }
                    Err(error) => {
                        // This mark may be the first of a frame that is sound.
                        self.give_up(text);
                        self.place = Place::Mark;
                        self.held.push(byte);
                        Some(ScanItem::Damaged(Damage::Unsound(error)))
                    }
                }
            }
            b'\r' | b'\n' => {
                self.give_up(text);
                text.push(byte);
                Some(ScanItem::Damaged(Damage::Cut))
            }
            _ => {
                self.held.push(byte);
                if self.held.len() <= FRAME_BYTES_MOST {
                    return None;
                }
                self.give_up(text);
                Some(ScanItem::Damaged(Damage::Long))
            }
        }
    }

    /// What was held is text.
    fn give_up(&mut self, text: &mut Vec<u8>) {
        text.append(&mut self.held);
        self.place = Place::Text;
    }

    /// What may be a frame, and is not whole yet.
    pub fn held(&self) -> &[u8] {
        &self.held
    }

    /// The stream broke off: what follows does not belong to what is held. True if a frame was cut.
    pub fn cut(&mut self, text: &mut Vec<u8>) -> bool {
        let cut = self.place == Place::Frame;
        self.give_up(text);
        cut
    }
}
