//! Runs made by hand, judged.

mod account;
mod again;
mod checked;
mod checks;
mod ends;
mod links;
mod margins;
mod measures;
mod not_judged;
mod program;
mod records;
mod recovery;
mod scripted;
mod split;
mod support;
mod timelines;
