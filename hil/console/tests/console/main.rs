//! The console core in a test's hands: its steps, and the bytes it is given.

mod bench;
mod bytes;
mod deaths;
mod prompts;
mod quotes;
mod recordings;
mod steps;
