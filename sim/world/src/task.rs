//! Tasks of simulated hosts.

use crate::state::HostState;
use parallax_fabric::Sleep;
use parallax_interpose::in_host;
use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A future that runs as code of one host: it waits while the host computes, sockets bind as the host's own, and a panic
/// ends the run.
pub(crate) struct InHost<F> {
    host: Arc<HostState>,
    inner: Option<F>,
    /// Until the host is free.
    waiting: Option<Sleep>,
}

impl<F> InHost<F> {
    pub(crate) fn new(host: Arc<HostState>, inner: F) -> Self {
        Self { host, inner: Some(inner), waiting: None }
    }
}

impl<F: Future + Unpin> Future for InHost<F> {
    /// None if it panicked.
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if this.host.waits(&mut this.waiting, context) {
            return Poll::Pending;
        }
        let code = || in_host(&this.host.slot, || Pin::new(inner).poll(context));
        // What the future has broken is never touched again: it is dropped, and the run ends.
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(poll) => poll.map(Some),
            Err(panic) => {
                this.inner = None;
                this.host
                    .failures
                    .add(&this.host.name, format!("its code panicked: {}", said(&*panic)));
                Poll::Ready(None)
            }
        }
    }
}

/// What a panic says.
pub(crate) fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
