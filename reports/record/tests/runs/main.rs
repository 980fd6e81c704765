//! Runs made by hand, judged.

mod checks;
mod measures;
mod records;
mod support;
mod timelines;
