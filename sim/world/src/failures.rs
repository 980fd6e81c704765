//! Failures of peers' code, which end a run as an error.

use crate::lock;
use std::sync::{Arc, Mutex};

/// A failure of a peer's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The peer's name.
    pub(crate) peer: String,
    /// What happened, to follow "failed to run NAME: ".
    pub(crate) what: String,
}

/// Failures so far, oldest first. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failures {
    list: Arc<Mutex<Vec<Failure>>>,
}

impl Failures {
    pub(crate) fn add(&self, peer: &str, what: String) {
        lock(&self.list).push(Failure { peer: peer.to_owned(), what });
    }

    pub(crate) fn first(&self) -> Option<Failure> {
        lock(&self.list).first().cloned()
    }
}
