//! Files of a user: one way to read them, and to make new ones without touching others.
//!
//! Input ([`read`], [`text`]) is a regular file of bounded length: nothing here waits for a pipe, reads a
//! device or fills the memory. Output ([`create`], [`create_folder`], [`rename_new`]) is new: an existing file
//! is not overwritten, and a link is not followed. Who may be replaced is decided elsewhere.

mod input;
mod output;

pub use input::{open, read, read_into, text};
pub use output::{PathKind, create, create_folder, kind, put_new, rename_new};

/// The most bytes of a file that a person writes: TOML, and what stands beside it.
pub const WRITTEN_MOST: u64 = 1 << 20;

/// The most bytes of a record, a journal or a packet list.
pub const RECORD_MOST: u64 = 2 << 30;

/// The most bytes of a summary, a baseline or an environment.
pub const SUMMARY_MOST: u64 = 1 << 30;
