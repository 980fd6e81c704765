//! Which of a profile's rates a board speaks at.

use crate::{now_ns, port::Port, port::passes, transcript::Recorder};
use core::time::Duration;
use parallax_console::{best, score, transcript::Kind};
use std::time::Instant;

/// How long a board may take to answer at each rate.
const LISTEN: Duration = Duration::from_millis(500);
/// How long a knock may take to go out.
const KNOCK: Duration = Duration::from_millis(500);
/// What is readable to so many thousandths is the board's rate, and no other is tried.
const SURE_PERMILLE: u32 = 950;
/// Of fewer bytes than this nothing is sure.
const SURE_BYTES: usize = 4;
/// Bytes that are kept of each rate, at most.
const HEARD_BYTES_MOST: usize = 64 * 1024;

/// A rate that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// Bits per second.
    pub baud: u32,
    /// How much of what was heard at it can be read, in thousandths.
    pub readable_permille: u32,
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
    port: &mut Port,
    recorder: &mut Recorder,
    bauds: &[u32],
    knock: &[u8],
) -> Option<(Rate, Pieces)> {
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
        recorder.event(&format!("{baud} bit/s: {count} bytes, {} % readable", readable / 10));
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
    Some((Rate { baud, readable_permille }, pieces.unwrap_or_default()))
}

fn listen(port: &mut Port, recorder: &mut Recorder, baud: u32, knock: &[u8]) -> Heard {
    let mut heard = Heard { baud, pieces: Vec::new(), bytes: Vec::new() };
    // What came at another rate tells nothing of this one.
    port.drop_heard();
    let at_ns = now_ns();
    if port.write(knock, KNOCK).is_ok() {
        recorder.record(at_ns, Kind::Sent, knock);
    }
    let begun = Instant::now();
    let mut buffer = [0; 4096];
    while begun.elapsed() < LISTEN && heard.bytes.len() < HEARD_BYTES_MOST {
        match port.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let (at_ns, bytes) = (now_ns(), buffer[..count].to_vec());
                recorder.record(at_ns, Kind::Received, &bytes);
                heard.bytes.extend_from_slice(&bytes);
                heard.pieces.push((at_ns, bytes));
            }
            Err(error) if passes(&error) => {}
            // It is gone: whoever reads it next sees that.
            Err(_) => break,
        }
    }
    heard
}
