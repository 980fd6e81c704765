//! A board's end of the network: frames from its wire become packets, packets to it become frames.

use crate::{
    lock,
    port::PortOutput,
    realtime,
    side_channel::SideChannel,
    stop::{PATIENCE, StopSignal},
    wire::BoardWire,
};
use parallax_fabric::Fabric;
use parallax_network::{HostId, Packet, Protocol};
use parallax_record::Event;
use std::{
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

/// The machine's time since 1970.
fn utc() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// A board in the network.
pub(crate) struct BoardEnd {
    pub(crate) host: HostId,
    pub(crate) wire: Arc<BoardWire>,
    /// Datagrams of the caller's, past the network.
    pub(crate) line: Option<SideChannel>,
}

impl BoardEnd {
    /// Takes frames until `stop`. An error of the cable is reported once, until another one follows.
    pub(crate) fn listen(&self, fabric: &Fabric, stop: &StopSignal) {
        // The driver reports whether it is permitted.
        let _ = realtime::raise();
        let mut reported = None;
        while !stop.asked() {
            let received = self.wire.cable.receive(PATIENCE, &mut |frame| self.hear(fabric, frame));
            let Err(error) = received else { continue };
            let text = format!("the cable of {}: {error}", fabric.host(self.host).0);
            if reported.as_ref() != Some(&text) {
                fabric.tell("lab", Event::Fault { text: text.clone() });
                reported = Some(text);
            }
            thread::sleep(PATIENCE);
        }
    }

    fn hear(&self, fabric: &Fabric, frame: &[u8]) {
        let at_ns = self.line.as_ref().map(SideChannel::now_ns);
        self.wire.heard();
        let (heard, gateway) = {
            let mut port = lock(&self.wire.port);
            (port.handle(frame, utc()), port.gateway())
        };
        match heard {
            PortOutput::Packet(packet)
                if self
                    .line
                    .as_ref()
                    .zip(at_ns)
                    .is_some_and(|(line, at_ns)| line.takes(gateway, at_ns, &packet)) => {}
            PortOutput::Packet(packet) => fabric.inject(self.host, packet),
            PortOutput::Nothing => {}
            PortOutput::Frame(frame) => self.wire.send(&frame),
        }
    }

    /// Sends a packet of the network to the board, unless it is TCP of the board's proxy.
    pub(crate) fn deliver(&self, fabric: &Fabric, packet: &Packet) {
        let of_proxy =
            packet.transport.protocol() == Protocol::Tcp && !fabric.is_outside(self.host, packet);
        if of_proxy {
            return;
        }
        let frame = lock(&self.wire.port).frame(packet);
        if let Some(frame) = frame {
            self.wire.send(&frame);
        }
    }
}
