//! Tasks of simulated hosts.

use crate::failures::Failures;
use parallax_interpose::{HostSlot, in_host};
use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// A future that runs as code of one host: sockets bind as its own, and a panic ends the run.
pub(crate) struct InHost<F> {
    host: HostSlot,
    name: Arc<str>,
    failures: Failures,
    inner: Option<F>,
}

impl<F> InHost<F> {
    pub(crate) fn new(host: HostSlot, name: Arc<str>, failures: Failures, inner: F) -> Self {
        Self { host, name, failures, inner: Some(inner) }
    }
}

impl<F: Future + Unpin> Future for InHost<F> {
    /// None if it panicked.
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        let code = || in_host(&this.host, || Pin::new(inner).poll(context));
        // What the future has broken is never touched again: it is dropped, and the run ends.
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(poll) => poll.map(Some),
            Err(panic) => {
                this.inner = None;
                this.failures.add(&this.name, format!("its code panicked: {}", said(&*panic)));
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
