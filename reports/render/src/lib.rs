//! Records for people to read. Everything here is rendered from the types of `parallax-record`
//! alone: an old run, or one from another machine, reads the same.

pub mod figure;
pub mod input;
pub mod terminal;
