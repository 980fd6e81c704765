//! Runs made by hand, judged.

mod checks;
mod measures;
mod records;
mod recovery;
mod support;
mod timelines;
