//! The name of a session, which may be given when its connection is there already.

use parallax_record::{Event, Session};
use std::sync::{Arc, OnceLock};

/// A session's name. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionName(Arc<OnceLock<Session>>);

impl SessionName {
    /// Gives the name. The first one stays.
    pub(crate) fn give(&self, name: Session) {
        let _ = self.0.set(name);
    }

    /// An event of the session; none while it has no name.
    pub(crate) fn event(&self, of: impl FnOnce(Session) -> Event) -> Option<Event> {
        self.0.get().cloned().map(of)
    }
}

impl From<Session> for SessionName {
    fn from(name: Session) -> Self {
        let given = Self::default();
        given.give(name);
        given
    }
}
