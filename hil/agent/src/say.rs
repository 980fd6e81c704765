//! Messages to the console: one thread writes, the others do not wait for it.

use crate::{lock, protocol::FromBoard, protocol::write};
use parallax_console::{FrameEncoder, MESSAGE_BYTES_MOST, Nonce, Sender as Party};
use std::{
    io::{self, Write},
    sync::{Mutex, mpsc},
    thread::{self, JoinHandle},
};

/// Says messages. What it says waits, as long as the console takes.
pub(crate) struct MessageWriter {
    inner: Mutex<Inner>,
}

struct Inner {
    encoder: FrameEncoder,
    lines: Option<mpsc::Sender<Vec<u8>>>,
}

impl MessageWriter {
    /// One that speaks in the conversation `nonce`; the thread that writes ends with it.
    pub(crate) fn new(
        nonce: Nonce,
        mut output: impl Write + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (lines, waiting) = mpsc::channel::<Vec<u8>>();
        let write = move || {
            for line in waiting {
                // A console that is gone takes nothing: its reader has ended, too.
                if output.write_all(&line).and_then(|()| output.flush()).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("console writer".into()).spawn(write)?;
        let inner = Inner { encoder: FrameEncoder::new(Party::Board, nonce), lines: Some(lines) };
        Ok((Self { inner: Mutex::new(inner) }, thread))
    }

    /// Says a message.
    pub(crate) fn say(&self, message: &FromBoard) {
        let bytes = write(message);
        debug_assert!(bytes.len() <= MESSAGE_BYTES_MOST, "it is split before");
        let mut lines = Vec::new();
        let mut inner = lock(&self.inner);
        if inner.encoder.encode(&bytes, b"\n", &mut lines).is_ok()
            && let Some(waiting) = &inner.lines
        {
            let _ = waiting.send(lines);
        }
    }

    /// Nothing more is said: the thread ends when all is written.
    pub(crate) fn end(&self) {
        lock(&self.inner).lines = None;
    }
}
