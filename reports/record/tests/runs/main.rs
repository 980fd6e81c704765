//! Runs made by hand, judged.

mod account;
mod checked;
mod checks;
mod links;
mod measures;
mod records;
mod recovery;
mod support;
mod timelines;
