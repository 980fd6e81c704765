//! Cable to a program: the TAP interface in its namespace.

use crate::channel::is_readable;
use parallax_lab::Cable;
use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A jumbo frame.
const LONGEST_FRAME: usize = 9_216;
/// Frames that are taken at a time.
const FRAMES_MOST: usize = 64;

/// The cable, whose other end is pulled while the program has no power. Clones are the same cable.
#[derive(Clone, Debug, Default)]
pub struct ProgramCable(Arc<Mutex<Option<Arc<File>>>>);

impl ProgramCable {
    /// Plugs it into a TAP interface, which never waits.
    pub(crate) fn plug(&self, tap: OwnedFd) {
        *self.end() = Some(Arc::new(File::from(tap)));
    }

    pub(crate) fn pull(&self) {
        *self.end() = None;
    }

    fn end(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn plugged(&self) -> Option<Arc<File>> {
        self.end().clone()
    }
}

impl Cable for ProgramCable {
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let Some(tap) = self.plugged() else {
            thread::sleep(patience);
            return Ok(());
        };
        if !is_readable(&tap, patience)? {
            return Ok(());
        }
        let mut frame = vec![0; LONGEST_FRAME];
        for _ in 0..FRAMES_MOST {
            match (&*tap).read(&mut frame) {
                Ok(length) => take(&frame[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Its namespace is gone, with all of its processes: nothing comes any more.
                Err(_) => {
                    thread::sleep(patience);
                    break;
                }
            }
        }
        Ok(())
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        let tap = self.plugged().ok_or(io::ErrorKind::NotConnected)?;
        (&*tap).write(frame).map(drop)
    }
}
