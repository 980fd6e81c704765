//! Bounds on an agent's requests, so that one that asks without end takes nothing else down.

use super::Session;
use parallax_agent::protocol::{FromBoard, ToBoard};
use std::collections::{BTreeMap, BTreeSet};

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

impl Budget {
    /// The stream or listener that is refused, if one is.
    fn refuses(&mut self, said: &FromBoard) -> Option<u32> {
        match said {
            FromBoard::Open { stream, .. } | FromBoard::Listen { listener: stream, .. } => {
                if self.streams.len() >= STREAMS_MOST && !self.streams.contains(stream) {
                    return Some(*stream);
                }
                self.streams.insert(*stream);
            }
            FromBoard::Closed { stream } => drop(self.streams.remove(stream)),
            FromBoard::Broken => self.streams.clear(),
            _ => {}
        }
        None
    }
}

/// Whether a value can be stored beside the others.
fn fits(stored: &BTreeMap<String, String>, name: &str, value: &str) -> bool {
    let others = stored.iter().filter(|(other, _)| *other != name);
    let bytes: usize = others.clone().map(|(name, value)| name.len() + value.len()).sum();
    others.count() < VALUES_MOST && bytes + name.len() + value.len() <= VALUE_BYTES_MOST
}

impl Session<'_> {
    /// Passes on what the board says about streams, within bounds.
    pub(super) fn pass_on(&mut self, said: FromBoard) {
        if let Some(stream) = self.budget.refuses(&said) {
            if !std::mem::replace(&mut self.budget.refused, true) {
                self.note(&format!(
                    "its agent asked for more than {STREAMS_MOST} streams and listeners at a time: the \
                     others are refused"
                ));
            }
            return self.say(&ToBoard::Refused { stream });
        }
        // After the run there is no receiver.
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
        if fits(&self.heard.flash, &name, &value) {
            self.heard.flash.insert(name, value);
        } else if !std::mem::replace(&mut self.budget.unstored, true) {
            self.note(&format!(
                "its agent stores more than {VALUES_MOST} values or {} KiB: the others are not kept",
                VALUE_BYTES_MOST >> 10
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_listeners_without_end_are_refused_and_those_that_end_make_room() {
        let mut budget = Budget::default();
        let to = ([10, 0, 0, 1], 80).into();
        let opens = |stream| FromBoard::Open { stream, to };
        let listens = |listener| FromBoard::Listen { listener, at: to };
        for number in 0..1_000 {
            let said = if number % 2 == 0 { opens(number) } else { listens(number) };
            assert_eq!(budget.refuses(&said).is_some(), number >= 64, "{number}");
        }
        assert_eq!(budget.refuses(&FromBoard::Closed { stream: 7 }), None);
        assert_eq!(budget.refuses(&opens(2_000)), None);
        assert_eq!(budget.refuses(&opens(2_001)), Some(2_001));
        assert_eq!(budget.refuses(&FromBoard::Broken), None);
        assert_eq!(budget.refuses(&opens(2_002)), None);
    }

    #[test]
    fn values_are_bounded_in_number_and_size_and_can_be_replaced() {
        let mut stored = BTreeMap::new();
        for number in 0..1_000 {
            let (name, value) = (format!("value {number}"), "x".repeat(100));
            let fit = fits(&stored, &name, &value);
            assert_eq!(fit, number < 64, "{number}");
            if fit {
                stored.insert(name, value);
            }
        }
        assert!(fits(&stored, "value 3", "another"));
        assert!(!fits(&stored, "value 3", &"x".repeat(256 << 10)));
    }
}
