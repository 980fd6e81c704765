//! Foreign firmware: its commands, and the events in its log.

use crate::Pattern;

/// Where they meet stands in a command in the place of this: a room, a channel.
const ROOM: &str = "{room}";

/// Commands of a firmware's command line, and events of its log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Firmware {
    /// Which it is.
    pub name: String,
    /// What starts it; none: it starts with the board.
    pub start: Option<String>,
    /// What has it join where its viewer waits; none: its start does.
    pub join: Option<String>,
    /// What ends it; none: only the board's power does. `^C` is the key.
    pub stop: Option<String>,
    /// What its log says, and what happened then.
    pub events: Vec<(FirmwareEvent, Pattern)>,
}

/// A step that a firmware is taken through by a command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FirmwareStep {
    /// It is to start.
    Start,
    /// It is to join where its viewer waits.
    Join,
    /// It is to end.
    Stop,
}

/// What a firmware's log tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FirmwareEvent {
    /// It runs, and takes commands or viewers.
    Started,
    /// It is where its viewer finds it.
    Joined,
    /// Its peer connection is up.
    Connected,
    /// It has sent its first frame.
    FirstFrame,
    /// Its peer connection is over.
    Disconnected,
    /// Something went wrong.
    Failed,
}

impl FirmwareStep {
    /// Its key in a profile.
    pub fn key(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Join => "join",
            Self::Stop => "stop",
        }
    }
}

impl FirmwareEvent {
    /// All there are, in the order in which they happen.
    pub const ALL: [Self; 6] = [
        Self::Started,
        Self::Joined,
        Self::Connected,
        Self::FirstFrame,
        Self::Disconnected,
        Self::Failed,
    ];

    /// Its key in a profile.
    pub fn key(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Joined => "joined",
            Self::Connected => "connected",
            Self::FirstFrame => "first_frame",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
        }
    }
}

impl Firmware {
    /// What is typed for a step, with `room` where they meet; none: it has no command for that.
    pub fn command(&self, step: FirmwareStep, room: &str) -> Option<String> {
        self.template(step).map(|command| command.replace(ROOM, room))
    }

    /// The step that a typed line takes it through.
    pub fn step_of(&self, typed: &str) -> Option<FirmwareStep> {
        [FirmwareStep::Start, FirmwareStep::Join, FirmwareStep::Stop]
            .into_iter()
            .find(|step| self.template(*step).is_some_and(|command| is_of(typed.trim(), command)))
    }

    fn template(&self, step: FirmwareStep) -> Option<&str> {
        match step {
            FirmwareStep::Start => self.start.as_deref(),
            FirmwareStep::Join => self.join.as_deref(),
            FirmwareStep::Stop => self.stop.as_deref(),
        }
    }
}

/// Whether `typed` is `command` with one word in the place of each room.
fn is_of(typed: &str, command: &str) -> bool {
    let Some((before, after)) = command.split_once(ROOM) else { return typed == command };
    let Some(rest) = typed.strip_prefix(before) else { return false };
    let room = rest.find(char::is_whitespace).unwrap_or(rest.len());
    // A room may be followed by more of its word: try each end.
    (1..=room).any(|end| rest.get(end..).is_some_and(|rest| is_of(rest, after)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firmware() -> Firmware {
        Firmware {
            name: "a demo".into(),
            start: Some("./master {room} 1".into()),
            join: Some("join {room}".into()),
            stop: Some("^C".into()),
            events: Vec::new(),
        }
    }

    #[test]
    fn a_typed_line_is_known_by_its_command_whatever_the_room() {
        let firmware = firmware();
        assert_eq!(firmware.step_of("join lobby"), Some(FirmwareStep::Join));
        assert_eq!(firmware.step_of("./master front-door 1"), Some(FirmwareStep::Start));
        assert_eq!(firmware.step_of("^C"), Some(FirmwareStep::Stop));
        for other in ["join", "join ", "join a b", "./master 1", "joint x", ""] {
            assert_eq!(firmware.step_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_command_is_typed_with_its_room() {
        let firmware = firmware();
        assert_eq!(firmware.command(FirmwareStep::Join, "lobby").as_deref(), Some("join lobby"));
        let without = Firmware { join: None, ..firmware };
        assert_eq!(without.command(FirmwareStep::Join, "lobby"), None);
    }
}
