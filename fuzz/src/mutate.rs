//! Inputs made from a corpus: the same from the same seed.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Bytes of an input, at most.
const BYTES_MOST: usize = 64 * 1024;
/// Changes of one input, at most.
const CHANGES_MOST: usize = 8;
/// Bytes that stand at an edge of something.
const EDGES: &[u8] =
    &[0, 1, 9, 10, 13, 27, 32, 34, 37, 39, 92, 126, 127, 128, 191, 192, 224, 254, 255];

/// Makes inputs.
#[derive(Debug)]
pub struct Mutator<'c> {
    random: ChaCha8Rng,
    corpus: &'c [Vec<u8>],
    words: &'static [&'static str],
}

impl<'c> Mutator<'c> {
    /// From this corpus and these words. Each seed is one input, whatever came before.
    pub fn new(seed: u64, corpus: &'c [Vec<u8>], words: &'static [&'static str]) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), corpus, words }
    }

    /// The input.
    pub fn input(mut self) -> Vec<u8> {
        let mut input = self.entry();
        for _ in 0..=self.below(CHANGES_MOST) {
            self.change(&mut input);
            input.truncate(BYTES_MOST);
        }
        input
    }

    /// A number below `most`; 0 if there is none.
    fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.random.next_u64() % most).unwrap_or(0)
    }

    fn entry(&mut self) -> Vec<u8> {
        let chosen = self.below(self.corpus.len());
        self.corpus.get(chosen).cloned().unwrap_or_default()
    }

    /// A part of `bytes`, more often short than long.
    fn part(&mut self, bytes: &[u8]) -> core::ops::Range<usize> {
        let from = self.below(bytes.len() + 1);
        let most = 1 << self.below(12);
        let to = bytes.len().min(from + self.below(most));
        from..to
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.below(9) {
            0 => {
                let bit = self.below(8);
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            1 => {
                let edge = EDGES[self.below(EDGES.len())];
                match input.get_mut(at) {
                    Some(byte) => *byte = edge,
                    None => input.push(edge),
                }
            }
            2 => drop(input.drain(self.part(&input.clone()))),
            3 => {
                let part = input[self.part(&input.clone())].to_vec();
                input.splice(at..at, part);
            }
            4 => {
                let word = self.words[self.below(self.words.len())].as_bytes().to_vec();
                input.splice(at..at, word);
            }
            5 => {
                // In the place of what stands there.
                let word = self.words[self.below(self.words.len())].as_bytes().to_vec();
                let to = input.len().min(at + word.len());
                input.splice(at..to, word);
            }
            6 => {
                let other = self.entry();
                let part = other[self.part(&other)].to_vec();
                input.splice(at..at, part);
            }
            7 => {
                // A line of another in the place of a line.
                let other = self.entry();
                let lines: Vec<&[u8]> = other.split_inclusive(|byte| *byte == b'\n').collect();
                let line = lines.get(self.below(lines.len())).map(|line| line.to_vec());
                let from =
                    input[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                input.splice(from..at, line.unwrap_or_default());
            }
            _ => input.truncate(at),
        }
    }
}
