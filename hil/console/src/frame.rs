//! One frame: a line that carries a numbered, checksummed piece of a message.
//!
//! ```text
//! ~B7f3a9c01.12.=offset 17.1a2b3c4d~
//!  |       |  | |          |
//!  |       |  | payload    CRC-32 of all between the first `~` and it
//!  |       |  part: `=` whole, `<` first, `-` middle, `>` last
//!  |       number, from 0
//!  sender (`B` board, `H` host) and nonce
//! ```
//! All of it is printable. `~` stands in a frame only at its ends: a frame that was cut short ends
//! where the next one starts, and what was written into it by others breaks its checksum.

use core::fmt::{self, Write as _};
use crc::{CRC_32_ISO_HDLC, Crc};

/// Bytes of payload in a frame, at most. Escaped, the frame still fits a terminal's line of 4095.
pub const PAYLOAD_BYTES_MOST: usize = 512;
/// Bytes in a message, at most: it travels in as many frames as it needs.
pub const MESSAGE_BYTES_MOST: usize = 64 * 1024;
/// Bytes from `~` to `~`, at most.
pub(crate) const FRAME_BYTES_MOST: usize = 3 * PAYLOAD_BYTES_MOST + 64;
/// What opens and closes a frame.
pub(crate) const MARK: u8 = b'~';

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// What tells one conversation from all earlier ones, whose output may still be in a buffer. Draw it
/// anew for each run and each stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Nonce(pub u32);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Who sent a frame. A terminal echoes what the host sends: this tells the echo apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// The board.
    Board,
    /// The host.
    Host,
}

impl Sender {
    pub(crate) fn letter(self) -> u8 {
        match self {
            Self::Board => b'B',
            Self::Host => b'H',
        }
    }

    pub(crate) fn of(letter: u8) -> Option<Self> {
        match letter {
            b'B' => Some(Self::Board),
            b'H' => Some(Self::Host),
            _ => None,
        }
    }
}

/// Which piece of its message a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All of it.
    Whole,
    /// The first piece of several.
    First,
    /// Neither first nor last.
    Middle,
    /// The last piece of several.
    Last,
}

impl Part {
    fn letter(self) -> u8 {
        match self {
            Self::Whole => b'=',
            Self::First => b'<',
            Self::Middle => b'-',
            Self::Last => b'>',
        }
    }

    fn of(letter: u8) -> Option<Self> {
        [Self::Whole, Self::First, Self::Middle, Self::Last]
            .into_iter()
            .find(|part| part.letter() == letter)
    }
}

/// A numbered piece of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Who sent it.
    pub sender: Sender,
    /// Which conversation it belongs to.
    pub nonce: Nonce,
    /// Its number: the first frame of a conversation has 0, each next one more.
    pub number: u64,
    /// Which piece it is.
    pub part: Part,
    /// The bytes; any values.
    pub payload: Vec<u8>,
}

/// Why a line is no frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// It does not have the fields of a frame.
    #[error("not of the form of a frame")]
    Form,
    /// The checksum is another.
    #[error("the checksum does not match")]
    Checksum,
    /// The payload has more bytes than [`PAYLOAD_BYTES_MOST`].
    #[error("more than {PAYLOAD_BYTES_MOST} bytes of payload")]
    Long,
}

impl Frame {
    /// Appends the frame, from `~` to `~`, to `line`; no line end.
    ///
    /// # Errors
    /// When the payload is longer than [`PAYLOAD_BYTES_MOST`].
    pub fn encode(&self, line: &mut Vec<u8>) -> Result<(), FrameError> {
        if self.payload.len() > PAYLOAD_BYTES_MOST {
            return Err(FrameError::Long);
        }
        let mut body = String::new();
        body.push(char::from(self.sender.letter()));
        // Writing to a string cannot fail.
        let _ = write!(body, "{}.{}.{}", self.nonce, self.number, char::from(self.part.letter()));
        for byte in &self.payload {
            match byte {
                b'%' | b'~' => {
                    let _ = write!(body, "%{byte:02X}");
                }
                b' '..=b'~' => body.push(char::from(*byte)),
                _ => {
                    let _ = write!(body, "%{byte:02X}");
                }
            }
        }
        let checksum = CHECKSUM.checksum(body.as_bytes());
        let _ = write!(body, ".{checksum:08x}");
        line.push(MARK);
        line.extend_from_slice(body.as_bytes());
        line.push(MARK);
        Ok(())
    }

    /// Reads a frame from what stands between its two `~`.
    ///
    /// # Errors
    /// When it is not of the form, too long, or its checksum is another.
    pub fn decode(body: &[u8]) -> Result<Self, FrameError> {
        let split = body.len().checked_sub(9).ok_or(FrameError::Form)?;
        let (told, checksum) = body.split_at(split);
        let checksum = checksum.strip_prefix(b".").ok_or(FrameError::Form)?;
        if hexadecimal(checksum) != Some(CHECKSUM.checksum(told)) {
            return Err(FrameError::Checksum);
        }
        let (letter, rest) = told.split_first().ok_or(FrameError::Form)?;
        let sender = Sender::of(*letter).ok_or(FrameError::Form)?;
        let (nonce, rest) = rest.split_at_checked(8).ok_or(FrameError::Form)?;
        let nonce = Nonce(hexadecimal(nonce).ok_or(FrameError::Form)?);
        let rest = rest.strip_prefix(b".").ok_or(FrameError::Form)?;
        let dot = rest.iter().position(|byte| *byte == b'.').ok_or(FrameError::Form)?;
        let (number, rest) = rest.split_at(dot);
        let number = decimal(number).ok_or(FrameError::Form)?;
        let (part, text) = rest.get(1..).and_then(<[u8]>::split_first).ok_or(FrameError::Form)?;
        let part = Part::of(*part).ok_or(FrameError::Form)?;
        let payload = unescape(text).ok_or(FrameError::Form)?;
        if payload.len() > PAYLOAD_BYTES_MOST {
            return Err(FrameError::Long);
        }
        Ok(Self { sender, nonce, number, part, payload })
    }
}

/// Eight digits, small letters: one way to write a number, so that a changed byte is not the same.
fn hexadecimal(digits: &[u8]) -> Option<u32> {
    if digits.len() != 8 {
        return None;
    }
    digits.iter().try_fold(0, |value: u32, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((value << 4) | u32::from(digit))
    })
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte == b'%' {
            let digits = [*rest.next()?, *rest.next()?];
            let digits = core::str::from_utf8(&digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(*byte);
        }
    }
    Some(bytes)
}

/// A message has more bytes than [`MESSAGE_BYTES_MOST`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("failed to frame a message of {bytes} bytes\nhelp: at most {MESSAGE_BYTES_MOST} travel")]
pub struct TooLong {
    /// What it has.
    pub bytes: usize,
}

/// Numbers messages and writes them as lines. Board and host each have one for what they send.
#[derive(Clone, Debug)]
pub struct FrameEncoder {
    sender: Sender,
    nonce: Nonce,
    next: u64,
}

impl FrameEncoder {
    /// For what `sender` says in the conversation `nonce`.
    pub fn new(sender: Sender, nonce: Nonce) -> Self {
        Self { sender, nonce, next: 0 }
    }

    /// How many frames were written: tell it at the end, so that a lost end is missed.
    pub fn frames(&self) -> u64 {
        self.next
    }

    /// Appends the lines that carry `message` to `lines`, each with `end` behind it.
    ///
    /// # Errors
    /// When it has more bytes than [`MESSAGE_BYTES_MOST`]: nothing is written then.
    pub fn encode(
        &mut self,
        message: &[u8],
        end: &[u8],
        lines: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        if message.len() > MESSAGE_BYTES_MOST {
            return Err(TooLong { bytes: message.len() });
        }
        let last = message.len().div_ceil(PAYLOAD_BYTES_MOST).saturating_sub(1);
        for piece in 0..=last {
            let from = piece * PAYLOAD_BYTES_MOST;
            let to = message.len().min(from + PAYLOAD_BYTES_MOST);
            let part = match (piece == 0, piece == last) {
                (true, true) => Part::Whole,
                (true, false) => Part::First,
                (false, false) => Part::Middle,
                (false, true) => Part::Last,
            };
            let payload = message.get(from..to).unwrap_or_default().to_vec();
            let frame =
                Frame { sender: self.sender, nonce: self.nonce, number: self.next, part, payload };
            // It has no more than a frame takes.
            if frame.encode(lines).is_ok() {
                self.next += 1;
                lines.extend_from_slice(end);
            }
        }
        Ok(())
    }
}
