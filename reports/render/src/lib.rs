//! Records for people to read. Everything here is rendered from the types of `parallax-record`
//! alone: an old run, or one from another machine, reads the same.

pub mod baseline;
pub mod beside;
mod check_text;
mod draw;
pub mod escape;
pub mod figure;
pub mod hgrm;
pub mod html;
pub mod input;
pub mod junit;
mod margin;
pub mod markdown;
mod plot;
pub mod png;
pub mod pooled;
mod shown;
mod split;
pub mod terminal;
pub mod view;

pub use plot::Plot;
pub use shown::Shown;
pub use view::Report;
