//! The current step: readiness or a command.

use crate::{CommandId, Nanos, command::Markers};

/// What goes on.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleStep {
    pub(crate) id: CommandId,
    pub(crate) ends_ns: Option<Nanos>,
    pub(crate) knocks_ns: Option<Nanos>,
    pub(crate) kind: StepKind,
}

#[derive(Clone, Debug)]
pub(crate) enum StepKind {
    Ready {
        knocks: u32,
        logins: u32,
        /// The port was gone: what it asked then was not heard.
        missed: bool,
        /// The markers that prove that a prompt is one.
        probe: Option<Markers>,
        /// What was typed last.
        spoken: Spoken,
        /// A prompt came, and was written over.
        buried: bool,
        /// Empty lines that were typed after a user: a password may have been asked for.
        empties: u32,
    },
    Command {
        phase: CommandPhase,
        begun: bool,
        streams: bool,
        said: Vec<u8>,
        unkept_bytes: u64,
    },
}

/// How a command is found in the output.
#[derive(Clone, Debug)]
pub(crate) enum CommandPhase {
    Marked(Markers),
    /// By its echo.
    Plain(String),
}

/// What was typed last while the board becomes ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spoken {
    Nothing,
    /// An empty line.
    Line,
    User,
    Password,
}

/// What a prompt asks for while the board becomes ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    User,
    Password,
    Command,
}
