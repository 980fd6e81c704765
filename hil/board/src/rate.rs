//! Search for a board's baud rate among those of its profile.

use crate::{now_ns, port::ConsolePort, port::passes, transcript::Recorder};
use core::time::Duration;
use parallax_console::{best, score, transcript::TranscriptKind};
use std::time::Instant;

/// How long a board may take to answer at each rate.
const LISTEN: Duration = Duration::from_millis(500);
/// How long a knock may take to go out.
const KNOCK: Duration = Duration::from_millis(500);
/// Readable share of the bytes, in thousandths, from which a rate is the board's and no other is tried.
const SURE_PERMILLE: u32 = 950;
/// Of fewer bytes than this nothing is sure.
const SURE_BYTES: usize = 4;
/// Bytes that are kept of each rate, at most.
const HEARD_BYTES_MOST: usize = 64 * 1024;

/// A rate that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BaudRate {
    /// Bits per second.
    pub baud: u32,
    /// How much of what was heard at it can be read, in thousandths.
    pub readable_permille: u32,
}

/// Of a board that has just been switched on: it speaks by itself, and is not knocked. A pure core.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Hunt {
    bauds: Vec<u32>,
    place: usize,
    heard: Vec<u8>,
}

/// What a hunt comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HuntStep {
    /// It speaks at this rate.
    Found(BaudRate),
    /// At the present one it does not: this one is next.
    Try(u32),
}

/// Bytes that tell a rate at which nothing can be read from one at which all can.
const HUNT_BYTES: usize = 24;
/// Bytes that tell a noisy wire from a wrong rate.
const HUNT_BYTES_MOST: usize = 256;
/// What is readable to fewer thousandths is at a wrong rate.
const WRONG_PERMILLE: u32 = 500;

impl Hunt {
    /// Among these rates, of which `baud` is set.
    pub(crate) fn new(bauds: Vec<u32>, baud: u32) -> Self {
        let place = bauds.iter().position(|other| *other == baud).unwrap_or(0);
        Self { bauds, place, heard: Vec::new() }
    }

    /// Takes what came at the present rate.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Option<HuntStep> {
        self.heard.extend_from_slice(bytes);
        let (count, readable) = (self.heard.len(), score(&self.heard));
        let baud = *self.bauds.get(self.place)?;
        if count < HUNT_BYTES {
            return None;
        }
        // What was under way when the rate was set is of the one before: the newest counts.
        let newest = score(self.heard.get(count - HUNT_BYTES..).unwrap_or_default());
        if newest >= SURE_PERMILLE {
            return Some(HuntStep::Found(BaudRate { baud, readable_permille: newest }));
        }
        if readable >= SURE_PERMILLE || (count >= HUNT_BYTES_MOST && readable >= WRONG_PERMILLE) {
            return Some(HuntStep::Found(BaudRate { baud, readable_permille: readable }));
        }
        if readable >= WRONG_PERMILLE {
            return None;
        }
        self.heard.clear();
        self.place = (self.place + 1) % self.bauds.len();
        self.bauds.get(self.place).copied().map(HuntStep::Try)
    }
}

/// What was heard, each piece with its time.
pub(crate) type Pieces = Vec<(u64, Vec<u8>)>;

/// What was heard at a rate.
struct Heard {
    baud: u32,
    pieces: Pieces,
    bytes: Vec<u8>,
}

/// Knocks and listens at each of `bauds` in turn, until one is sure. What is heard goes into the
/// transcript; what was heard at the rate that is found, with its times, comes back. None: nothing
/// readable came at any, and the port is at the first rate again.
pub(crate) fn find(
    port: &mut ConsolePort,
    recorder: &mut Recorder,
    bauds: &[u32],
    knock: &[u8],
) -> Option<(BaudRate, Pieces)> {
    let mut all: Vec<Heard> = Vec::new();
    for baud in bauds {
        // A rate that the port cannot be set to is none of the board's on this bench.
        if !port.set_baud(*baud) {
            recorder.event(&format!("{baud} bit/s: the port cannot be set to it"));
            continue;
        }
        let heard = listen(port, recorder, *baud, knock);
        let readable = score(&heard.bytes);
        let count = heard.bytes.len();
        let bytes = crate::port::bytes_in_words(count);
        recorder.event(&format!("{baud} bit/s: {bytes}, {} % readable", readable / 10));
        all.push(heard);
        if count >= SURE_BYTES && readable >= SURE_PERMILLE {
            break;
        }
    }
    let found = best(all.iter().map(|heard| (heard.baud, heard.bytes.as_slice())));
    let Some((baud, readable_permille)) = found else {
        if let Some(first) = bauds.first() {
            port.set_baud(*first);
        }
        return None;
    };
    port.set_baud(baud);
    let pieces = all.into_iter().find(|heard| heard.baud == baud).map(|heard| heard.pieces);
    Some((BaudRate { baud, readable_permille }, pieces.unwrap_or_default()))
}

fn listen(port: &mut ConsolePort, recorder: &mut Recorder, baud: u32, knock: &[u8]) -> Heard {
    let mut heard = Heard { baud, pieces: Vec::new(), bytes: Vec::new() };
    // What came at another rate tells nothing of this one.
    port.drop_heard();
    let at_ns = now_ns();
    if port.write(knock, KNOCK).is_ok() {
        recorder.record(at_ns, TranscriptKind::Sent, knock);
    }
    let begun = Instant::now();
    let mut buffer = [0; 4096];
    while begun.elapsed() < LISTEN && heard.bytes.len() < HEARD_BYTES_MOST {
        match port.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let (at_ns, bytes) = (now_ns(), buffer[..count].to_vec());
                recorder.record(at_ns, TranscriptKind::Received, &bytes);
                heard.bytes.extend_from_slice(&bytes);
                heard.pieces.push((at_ns, bytes));
            }
            Err(error) if passes(&error) => {}
            // It is gone: the next read reports that.
            Err(_) => break,
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_tried_in_turn_until_what_comes_can_be_read() {
        let mut hunt = Hunt::new(vec![1, 2, 3], 3);
        assert_eq!(hunt.hear(&[0xff; 10]), None);
        assert_eq!(hunt.hear(&[0xff; 20]), Some(HuntStep::Try(1)));
        // Of what came at a rate before, nothing counts.
        assert_eq!(hunt.hear(b"U-Boot SPL "), None);
        let found = BaudRate { baud: 1, readable_permille: 1_000 };
        assert_eq!(hunt.hear(b"2024.01 (Jan 08 2024)"), Some(HuntStep::Found(found)));
    }

    #[test]
    fn what_was_under_way_at_the_rate_before_hides_no_right_one() {
        let mut hunt = Hunt::new(vec![1, 2], 2);
        assert_eq!(hunt.hear(&[0xff; 24]), Some(HuntStep::Try(1)));
        assert_eq!(hunt.hear(&[0xff; 20]), None);
        let found = BaudRate { baud: 1, readable_permille: 1_000 };
        assert_eq!(hunt.hear(b"\r\n\r\nprocess-board login: "), Some(HuntStep::Found(found)));
    }

    #[test]
    fn a_noisy_wire_is_no_wrong_rate() {
        let mut hunt = Hunt::new(vec![1, 2], 1);
        let noisy: Vec<u8> = b"abc\xff".repeat(20);
        assert_eq!((hunt.hear(&noisy), hunt.hear(&noisy), hunt.hear(&noisy)), (None, None, None));
        let found = BaudRate { baud: 1, readable_permille: 750 };
        assert_eq!(hunt.hear(&noisy), Some(HuntStep::Found(found)));
    }
}
