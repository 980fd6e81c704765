//! Observation of packets as they pass.

use parallax_fabric::PacketSeen;

/// Observes each packet that a host sends or gets, as soon as the lab comes to it, on the thread that
/// called [`run`](crate::run()). What a board sends and what the core delivers come each in the order of
/// their times; one may come after what is later of the other.
pub struct PacketWatch(Box<dyn FnMut(&PacketSeen<'_>) + Send>);

impl PacketWatch {
    /// Tells `watch`. It must not wait for anything: the network stands still meanwhile.
    pub fn new(watch: impl FnMut(&PacketSeen<'_>) + Send + 'static) -> Self {
        Self(Box::new(watch))
    }

    pub(crate) fn see(&mut self, seen: &PacketSeen<'_>) {
        (self.0)(seen);
    }
}
