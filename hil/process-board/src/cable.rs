//! Frames on a unix datagram socket, as smoltcp's device.

use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    time::Instant,
};
use std::{collections::VecDeque, os::unix::net::UnixDatagram};

/// An Ethernet frame without its checksum, bytes.
const FRAME_BYTES: usize = 1_514;

/// The board's end of the cable. Whoever reads the socket puts in what came.
pub(crate) struct Cable {
    socket: UnixDatagram,
    came: VecDeque<Vec<u8>>,
}

impl Cable {
    pub(crate) fn new(socket: UnixDatagram) -> Self {
        Self { socket, came: VecDeque::new() }
    }

    pub(crate) fn put(&mut self, frame: Vec<u8>) {
        self.came.push_back(frame);
    }
}

pub(crate) struct Frame(Vec<u8>);

impl RxToken for Frame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

pub(crate) struct Sender<'c>(&'c UnixDatagram);

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let filled = fill(&mut frame);
        // A frame that nobody takes is lost, as on a cable that is not plugged in.
        let _ = self.0.send(&frame);
        filled
    }
}

impl Device for Cable {
    type RxToken<'a> = Frame;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Frame, Sender<'_>)> {
        Some((Frame(self.came.pop_front()?), Sender(&self.socket)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(Sender(&self.socket))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES;
        capabilities
    }
}
