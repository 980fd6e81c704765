//! Send queue, as slow as the board needs.

use crate::{ConsoleProfile, Nanos, Transmit};
use std::collections::VecDeque;

/// Bytes that may wait, at most.
const WAITING_BYTES_MOST: usize = 256 * 1024;

/// Bytes that wait to be sent.
#[derive(Clone, Default, Debug)]
pub(crate) struct Transmitter {
    waiting: VecDeque<(Vec<u8>, bool)>,
    bytes: usize,
    /// Not before.
    free_ns: Nanos,
}

impl Transmitter {
    /// False if too much waits already.
    pub(crate) fn add(&mut self, now: Nanos, bytes: Vec<u8>, secret: bool) -> bool {
        let fits = self.bytes + bytes.len() <= WAITING_BYTES_MOST;
        if fits && !bytes.is_empty() {
            if self.bytes == 0 {
                self.free_ns = self.free_ns.max(now);
            }
            self.bytes += bytes.len();
            self.waiting.push_back((bytes, secret));
        }
        fits
    }

    /// Drops what waits; tells how many bytes.
    pub(crate) fn clear(&mut self) -> usize {
        self.waiting.clear();
        core::mem::take(&mut self.bytes)
    }

    pub(crate) fn due(&self) -> Option<Nanos> {
        (self.bytes > 0).then_some(self.free_ns)
    }

    /// The next chunk, if it is due. A late one puts the later ones off: the gap between them is
    /// what the board needs.
    pub(crate) fn take(&mut self, now: Nanos, profile: &ConsoleProfile) -> Option<Transmit> {
        if self.free_ns > now {
            return None;
        }
        let (bytes, secret) = self.waiting.front_mut()?;
        let secret = *secret;
        let slow = profile.transmit_delay_ns > 0 && profile.transmit_chunk_bytes > 0;
        let most = if slow { profile.transmit_chunk_bytes } else { bytes.len() };
        let rest = bytes.split_off(most.min(bytes.len()));
        let chunk = core::mem::replace(bytes, rest);
        if bytes.is_empty() {
            self.waiting.pop_front();
        }
        self.bytes -= chunk.len();
        let due_ns = self.free_ns;
        if slow {
            self.free_ns = now.saturating_add(profile.transmit_delay_ns);
        }
        Some(Transmit { due_ns, bytes: chunk, secret })
    }
}
