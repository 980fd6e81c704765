//! Frames on a unix datagram socket, as smoltcp's device.

use smoltcp::{
    phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken},
    time::Instant,
};
use std::{collections::VecDeque, os::unix::net::UnixDatagram};

/// An Ethernet frame without its checksum, bytes.
const FRAME_BYTES: usize = 1_514;

/// The board's end of the cable. The reader of the socket puts in what came.
pub(crate) struct BoardCable {
    socket: UnixDatagram,
    came: VecDeque<Vec<u8>>,
}

impl BoardCable {
    pub(crate) fn new(socket: UnixDatagram) -> Self {
        Self { socket, came: VecDeque::new() }
    }

    pub(crate) fn put(&mut self, frame: Vec<u8>) {
        self.came.push_back(frame);
    }
}

pub(crate) struct CableFrame(Vec<u8>);

impl RxToken for CableFrame {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

pub(crate) struct CableSender<'c>(&'c UnixDatagram);

impl TxToken for CableSender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame = vec![0; length];
        let filled = fill(&mut frame);
        // A frame that is not taken is lost, as on a cable that is not plugged in.
        let _ = self.0.send(&frame);
        filled
    }
}

impl Device for BoardCable {
    type RxToken<'a> = CableFrame;
    type TxToken<'a> = CableSender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(CableFrame, CableSender<'_>)> {
        Some((CableFrame(self.came.pop_front()?), CableSender(&self.socket)))
    }

    fn transmit(&mut self, _: Instant) -> Option<CableSender<'_>> {
        Some(CableSender(&self.socket))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES;
        capabilities
    }
}
