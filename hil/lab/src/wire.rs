//! A board's port on the lab's side, with the cable behind it.

use crate::{cable::Cable, lock, port::Port};
use parallax_record::counted;
use std::sync::Mutex;

/// A port and the cable that carries its frames.
pub(crate) struct BoardWire {
    pub(crate) port: Mutex<Port>,
    pub(crate) cable: Box<dyn Cable>,
    life: Mutex<Life>,
}

/// Frames that count as lost. A board without power, or that has sent no frame since its power came on, need not take
/// any.
#[derive(Debug)]
struct Life {
    has_power: bool,
    is_up: bool,
    /// Frames that it should have been given, and was not.
    lost: u64,
}

impl Life {
    /// As the run begins.
    fn new() -> Self {
        Self { has_power: true, is_up: false, lost: 0 }
    }

    fn power(&mut self, on: bool) {
        (self.has_power, self.is_up) = (on, false);
    }

    fn heard(&mut self) {
        // What comes while it is off was on its way, or its power is slow to go.
        self.is_up = self.has_power;
    }

    fn not_taken(&mut self) {
        self.lost += u64::from(self.is_up);
    }
}

impl BoardWire {
    /// As the run begins.
    pub(crate) fn new(port: Port, cable: Box<dyn Cable>) -> Self {
        Self { port: port.into(), cable, life: Life::new().into() }
    }

    /// The board sent a frame.
    pub(crate) fn heard(&self) {
        lock(&self.life).heard();
    }

    /// The script switches the board on or off.
    pub(crate) fn power(&self, on: bool) {
        lock(&self.life).power(on);
    }

    /// Frames that the lab lost on the cable, as text; none: none that counts.
    pub(crate) fn lost_text(&self, name: &str) -> Option<String> {
        let mut all = Vec::new();
        let (to, from) = (lock(&self.life).lost, self.cable.lost());
        if to > 0 {
            all.push(format!("not taken from its cable: {} to {name}", counted(to, "frame")));
        }
        if from > 0 {
            let frames = counted(from, "frame");
            all.push(format!("lost before the lab had them: {frames} from {name}, or more"));
        }
        (!all.is_empty()).then(|| all.join(", and "))
    }

    /// Sends a frame. One that the cable does not take is lost, as on a cable that is not plugged in: a board that
    /// hangs does not hold up the run.
    pub(crate) fn send(&self, frame: &[u8]) {
        if self.cable.send(frame).is_err() {
            lock(&self.port).not_taken();
            lock(&self.life).not_taken();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_held_to_what_it_takes_from_its_first_frame_to_the_end_of_its_power() {
        let mut life = Life::new();
        life.not_taken();
        assert_eq!(life.lost, 0, "it boots");
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 1);
        life.power(false);
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 1, "it is off, whatever was on its way");
        life.power(true);
        life.not_taken();
        assert_eq!(life.lost, 1, "it boots again");
        life.heard();
        life.not_taken();
        assert_eq!(life.lost, 2);
    }
}
