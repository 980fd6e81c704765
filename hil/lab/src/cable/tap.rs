//! A TAP interface of Linux as a cable: the lab is what is plugged into it.

use super::{Cable, CableError, drain, readable, state};
use std::{io, sync::Mutex, time::Duration};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// A jumbo frame.
const LONGEST_FRAME: usize = 9_216;

/// A TAP interface: for a board that is bridged to it, or a virtual machine or a container on the
/// machine's side of it. The kernel computes the checksums of what it sends there.
pub struct Tap {
    device: SyncDevice,
    buffer: Mutex<Box<[u8]>>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Tap {
    /// Opens the TAP interface `name`, and makes it, for as long as it is open, if it is not there.
    ///
    /// # Errors
    /// If it may not be opened, is held by another program, or is down and may not be switched on.
    pub fn open(name: &str) -> Result<Self, CableError> {
        let fail = |source: io::Error| match source.raw_os_error() {
            Some(libc::EBUSY | libc::EINVAL) => CableError::Held { name: name.to_owned() },
            _ => CableError::of(name, source),
        };
        let builder = DeviceBuilder::new().name(name).layer(Layer::L2).inherit_enable_state();
        let device = builder.build_sync().map_err(fail)?;
        device.set_nonblocking(true).map_err(fail)?;
        // The owner of an interface may open it, and not switch it on.
        if state::look(name).map_err(fail)?.link == state::LinkState::Down
            && device.enabled(true).is_err()
        {
            return Err(CableError::Down { name: name.to_owned() });
        }
        Ok(Self { device, buffer: Mutex::new(vec![0; LONGEST_FRAME].into()) })
    }
}

impl Cable for Tap {
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if !readable(&self.device, patience)? {
            return Ok(());
        }
        let mut buffer = crate::lock(&self.buffer);
        drain(|| {
            let length = self.device.recv(&mut buffer)?;
            take(&buffer[..length]);
            Ok(())
        })
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.device.send(frame).map(drop)
    }
}
