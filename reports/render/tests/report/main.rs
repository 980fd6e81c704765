//! The report: its view model as data, its page by structure and text.

mod beside;
mod budget;
mod hostile;
mod overall;
mod page;
mod sinks;
mod support;
mod view;
