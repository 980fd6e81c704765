//! A run's packets as a capture, for Wireshark.

use crate::error::WorldError;
use parallax_capture::{Capture, CaptureInterface, CapturedPacket, DtlsSecret};
use parallax_fabric::{Captured, Fabric};
use parallax_interpose::EPOCH_UNIX_S;
use parallax_network::Point;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::Duration,
};

/// Takes the bytes of a capture.
pub type CaptureSink<'a> = Box<dyn Write + Send + 'a>;

/// The interface at which packets are seen that are dropped.
const DROPPED: &str = "dropped";

/// A capture of a run.
pub(crate) struct Capturing<'a> {
    capture: Capture<CaptureSink<'a>>,
    interfaces: BTreeMap<Point, u32>,
    dropped: u32,
    /// Both ends of a connection have its secret; it is written once.
    secrets: BTreeSet<DtlsSecret>,
}

impl<'a> Capturing<'a> {
    /// Begins a capture of all that passes from now on.
    ///
    /// # Errors
    /// If `to` does not take it.
    pub(crate) fn begin(fabric: &Fabric, to: CaptureSink<'a>) -> Result<Self, WorldError> {
        let points = fabric.tap();
        let mut interfaces: Vec<CaptureInterface> = points
            .iter()
            .map(|(point, name)| CaptureInterface {
                name: name.clone(),
                description: description(*point).to_owned(),
            })
            .collect();
        interfaces.push(CaptureInterface {
            name: DROPPED.to_owned(),
            description: "each packet that is dropped, as it was there".to_owned(),
        });
        let capture = Capture::new(to, Duration::from_secs(EPOCH_UNIX_S), &interfaces)?;
        let numbers = 0_u32..;
        let interfaces: BTreeMap<Point, u32> =
            points.iter().map(|(point, _)| *point).zip(numbers).collect();
        let dropped = points.len() as u32;
        Ok(Self { capture, interfaces, dropped, secrets: BTreeSet::new() })
    }

    /// Writes what was captured.
    ///
    /// # Errors
    /// If it is not taken.
    pub(crate) fn write(&mut self, captured: &Captured) -> Result<(), WorldError> {
        match captured {
            Captured::Passed { at, point, flow, packet, gateways } => {
                // Points are those there were at the beginning: nothing is added to a run later.
                let Some(interface) = self.interfaces.get(point).copied() else { return Ok(()) };
                let (flow, gateways) = (Some(*flow), *gateways);
                let seen =
                    CapturedPacket { at: *at, interface, flow, packet, gateways, comment: None };
                self.capture.packet(&seen)?;
            }
            Captured::Dropped { at, comment, packet, gateways } => {
                let (interface, gateways) = (self.dropped, *gateways);
                let comment = Some(comment.as_str());
                let seen =
                    CapturedPacket { at: *at, interface, flow: None, packet, gateways, comment };
                self.capture.packet(&seen)?;
            }
            Captured::Secret(secret) => {
                if self.secrets.insert(secret.clone()) {
                    self.capture.secret(secret)?;
                }
            }
        }
        Ok(())
    }

    /// Hands on what is held back.
    ///
    /// # Errors
    /// If it is not taken.
    pub(crate) fn flush(&mut self) -> Result<(), WorldError> {
        Ok(self.capture.flush()?)
    }
}

fn description(point: Point) -> &'static str {
    match point {
        Point::Host(_) => "what it sends and gets",
        Point::Inside(_) => "the gateway on its LAN: out before translation, in after it",
        Point::Outside(_) => "the gateway to the core: out after translation, in before it",
    }
}
