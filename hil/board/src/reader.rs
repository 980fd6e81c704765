//! The one thread that reads a port.

use crate::{
    now_ns,
    port::{ConsolePort, passes},
    transcript::Recorder,
};
use parallax_console::transcript::TranscriptKind;
use std::{
    io::{self, Read as _},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, sync_channel},
    },
    thread::{self, JoinHandle},
};

/// Reads in the queue, at most: then the port waits too.
const READS_MOST: usize = 1024;

/// What was read, and when; none: the port is gone.
pub(crate) struct Reading {
    pub(crate) at_ns: u64,
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Reads until it is dropped or the port is gone. What it reads is in the transcript first.
pub(crate) struct PortReader {
    heard: Option<Receiver<Reading>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PortReader {
    pub(crate) fn start(port: &ConsolePort, recorder: &Arc<Mutex<Recorder>>) -> io::Result<Self> {
        let mut tty = port.reading_half()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, heard) = sync_channel(READS_MOST);
        let (stopped, recorder) = (Arc::clone(&stop), Arc::clone(recorder));
        let read = move || {
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                let read = tty.read(&mut buffer);
                let at_ns = now_ns();
                let bytes = match read {
                    Ok(count) if count > 0 => buffer.get(..count).map(<[u8]>::to_vec),
                    Err(error) if passes(&error) => continue,
                    // No bytes without an error: the other end has hung up.
                    Ok(_) | Err(_) => None,
                };
                let gone = bytes.is_none();
                if let Some(bytes) = &bytes {
                    lock(&recorder).record(at_ns, TranscriptKind::Received, bytes);
                }
                if sender.send(Reading { at_ns, bytes }).is_err() || gone {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("console reader".into()).spawn(read)?;
        Ok(Self { heard: Some(heard), stop, thread: Some(thread) })
    }

    pub(crate) fn heard(&self) -> Option<&Receiver<Reading>> {
        self.heard.as_ref()
    }
}

impl Drop for PortReader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The reader waits for no place in the queue any more.
        self.heard = None;
        if let Some(thread) = self.thread.take() {
            // It ends within one slice; if it panicked, what it read is in the transcript.
            let _ = thread.join();
        }
    }
}

/// A recorder whose user panicked writes on.
pub(crate) fn lock(recorder: &Mutex<Recorder>) -> MutexGuard<'_, Recorder> {
    recorder.lock().unwrap_or_else(PoisonError::into_inner)
}
