//! The report: its view model as data, its page by structure and text.

mod hostile;
mod page;
mod support;
mod view;
