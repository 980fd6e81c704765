//! Tasks that end with what started them, and timers that may not run.

use crate::host::Host;
use std::{future::Future, pin::Pin};
use webrtc::runtime::JoinHandle;

/// Tasks that are aborted when this is dropped: a session's tasks end with the session.
#[derive(Default)]
pub(crate) struct Tasks(Vec<Box<dyn JoinHandle>>);

impl Tasks {
    /// Starts a task on the host's runtime.
    pub(crate) fn spawn<H: Host>(
        &mut self,
        host: &H,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.0.retain(|task| !task.is_finished());
        self.0.push(host.runtime().spawn(Box::pin(task)));
    }
}

/// A timer of the host's runtime, if it runs.
pub(crate) type Timer = Option<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// Completes when `timer` does; without one, never.
pub(crate) async fn due(timer: &mut Timer) {
    match timer {
        Some(timer) => timer.await,
        None => std::future::pending().await,
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
