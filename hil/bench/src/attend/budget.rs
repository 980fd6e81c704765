//! What an agent may ask for: bounds, so that one that asks without end takes nothing else down.

use super::Session;
use parallax_agent::protocol::{FromBoard, ToBoard};
use std::collections::BTreeSet;

/// Streams and places to listen that a board may have at a time.
const STREAMS_MOST: usize = 64;
/// Values that a board may store, and bytes of all of them together.
const VALUES_MOST: usize = 64;
const VALUE_BYTES_MOST: usize = 256 << 10;
/// Events that a board may tell in a run.
pub(super) const EVENTS_MOST: usize = 2_000_000;

/// What a board has asked for.
#[derive(Debug, Default)]
pub(super) struct Budget {
    streams: BTreeSet<u32>,
    refused: bool,
    unstored: bool,
}

impl Session<'_> {
    /// Passes on what the board says about streams, within bounds.
    pub(super) fn pass_on(&mut self, said: FromBoard) {
        match said {
            FromBoard::Open { stream, .. } | FromBoard::Listen { listener: stream, .. } => {
                let streams = &mut self.budget.streams;
                if streams.len() >= STREAMS_MOST && !streams.contains(&stream) {
                    if !std::mem::replace(&mut self.budget.refused, true) {
                        self.note(&format!(
                            "its agent asked for more than {STREAMS_MOST} streams and listeners at a time: \
                             the others are refused"
                        ));
                    }
                    return self.say(&ToBoard::Refused { stream });
                }
                streams.insert(stream);
            }
            FromBoard::Closed { stream } => drop(self.budget.streams.remove(&stream)),
            FromBoard::Broken => self.budget.streams.clear(),
            _ => {}
        }
        // When the run is over nobody takes it.
        let _ = self.attended.to_proxy.send(said);
    }

    /// A stream of the board is over.
    pub(super) fn budget_hears(&mut self, said: &ToBoard) {
        if let ToBoard::Refused { stream } | ToBoard::Closed { stream } = said {
            self.budget.streams.remove(stream);
        }
    }

    /// Keeps a value for the board, within bounds.
    pub(super) fn store(&mut self, name: String, value: String) {
        let flash = &self.heard.flash;
        let others = flash.iter().filter(|(other, _)| **other != name);
        let bytes: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        let values = flash.len() + usize::from(!flash.contains_key(&name));
        if values <= VALUES_MOST && bytes + name.len() + value.len() <= VALUE_BYTES_MOST {
            self.heard.flash.insert(name, value);
        } else if !std::mem::replace(&mut self.budget.unstored, true) {
            self.note(&format!(
                "its agent stores more than {VALUES_MOST} values or {} KiB: the others are not kept",
                VALUE_BYTES_MOST >> 10
            ));
        }
    }
}
