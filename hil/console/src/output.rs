//! Inputs and outputs of the console core.

use crate::{Damage, DeathKind, FirmwareEvent, Nanos, Nonce};

/// The name that the caller gives a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CommandId(pub u32);

/// What happens to the console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsoleInput<'a> {
    /// Nothing but time.
    Time,
    /// Bytes came from the port.
    Received(&'a [u8]),
    /// The board was switched on (true) or off.
    Power(bool),
    /// The board was reset by the holder of its reset line.
    Reset,
    /// The port is gone.
    Unplugged,
    /// The port is there again.
    Plugged,
    /// What it said just now may not have been understood, a prompt among it.
    Missed,
    /// A request of the caller.
    Request(Request),
}

/// What can be asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// A run starts: its deadline counts from now.
    Start,
    /// The run is over: its deadline is off.
    Finish,
    /// The board be ready: wait for its boot, log in, and see that its command line answers.
    Ready(CommandId),
    /// Run a command, and tell what it says and how it ends.
    Command {
        /// The step's name.
        id: CommandId,
        /// The command: one line, printable.
        text: String,
        /// How long it may take, in nanoseconds, times the factor; none: the profile's step.
        timeout_ns: Option<Nanos>,
    },
    /// Run a command that talks in frames until it ends.
    Stream {
        /// The step's name.
        id: CommandId,
        /// The command: one line, printable.
        text: String,
        /// The nonce that its frames carry. The command must name it, and it is never used twice.
        nonce: Nonce,
    },
    /// Send a message to what is streaming.
    Say(Vec<u8>),
    /// The stream's sender has said how many frames it sent: count those that are missing.
    Sent(u64),
    /// Break off what runs, as a person would (Ctrl-C).
    Interrupt,
    /// Send these bytes as they are: a person types.
    Raw(Vec<u8>),
}

/// What the board is doing, as far as is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Nothing is known.
    Unknown,
    /// It has no power.
    Off,
    /// It has power, and does not take commands yet.
    Booting,
    /// It takes commands.
    Ready,
    /// A command runs that talks in frames.
    Streaming,
    /// It does not work any more.
    Dead(DeathCause),
}

/// Why a board counts as dead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeathCause {
    /// It said so; with the line, as much of it as is kept.
    Said(DeathKind, Vec<u8>),
    /// A reset that was neither typed nor announced; with the reason's line, or else the banner's.
    Reset(Vec<u8>),
    /// It restarted or powered down in good order; with its last words, or what was typed.
    Restarted(Vec<u8>),
    /// It began to boot more often than a boot does; with the banner's line.
    BootLoop(Vec<u8>),
    /// Not a byte came.
    Silent,
    /// Bytes came, but no prompt did; with the last of them.
    NoPrompt(Vec<u8>),
    /// It refused the login.
    LoginRefused,
}

/// Which limit of time was exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// The run's.
    Run,
    /// The step's.
    Step,
    /// The prompt's, after all knocks.
    Prompt,
}

/// How a step ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StepOutcome {
    /// It was done.
    Done {
        /// The command's exit status; none where the command line tells none.
        status: Option<u32>,
        /// What it said, line by line, logs of others included; as much as is kept.
        said: Vec<u8>,
        /// How many bytes of it were not kept.
        unkept_bytes: u64,
    },
    /// It took too long.
    TimedOut(Limit),
    /// The board died.
    Died(DeathCause),
    /// The board was switched off or reset by the holder of its power.
    PowerCut,
    /// It was broken off on request.
    Interrupted,
}

/// Why a request was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestRefusal {
    /// A step is going on.
    #[error("failed to start a step: another is going on\nhelp: wait for its end, or interrupt it")]
    Busy,
    /// The board is not ready.
    #[error("failed to run a command: the board is not ready\nhelp: ask for `Ready` first")]
    NotReady,
    /// The board has no power.
    #[error("failed to make the board ready: it is off\nhelp: switch it on first")]
    Off,
    /// Nothing is streaming.
    #[error("failed to reach the agent: nothing is streaming\nhelp: ask for `Stream` first")]
    NotStreaming,
    /// The command is no line that can be typed.
    #[error("failed to type the command\nhelp: one line of printable ASCII, at most 2048 bytes")]
    NotALine,
    /// The message is too long.
    #[error("failed to send the message: it is too long\nhelp: at most 65536 bytes travel")]
    TooLong,
    /// What was sent before still waits.
    #[error("failed to send: too much waits already\nhelp: send when less waits")]
    Full,
}

/// What is worth a note, and no death.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noted {
    /// It warns, and goes on.
    Warning,
    /// The boot tells that a watchdog or the supply made the reset before it.
    ResetReason,
    /// A boot began once more at once, as when the switch of the power bounces.
    Bounce,
    /// It restarts or powers down in good order: that was typed, or the system says so.
    Restart,
    /// A log line was written over a prompt.
    WrittenOver,
    /// Words of a death, a reset or a restart that were read back from a log, or that the output of a command
    /// had: the prompt came back.
    Quoted,
}

/// Bytes for the port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmit {
    /// When they were due, in nanoseconds: not after now.
    pub due_ns: Nanos,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether no transcript may show them.
    pub secret: bool,
}

/// What comes out, in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsoleOutput {
    /// Write this to the port.
    Transmit(Transmit),
    /// The board is in another state.
    Changed(State),
    /// A line that is no frame, without its end and without escape sequences. A line of more than
    /// 4096 bytes comes in several.
    Line(Vec<u8>),
    /// A boot began.
    Banner(Vec<u8>),
    /// Something that is no death; with the line, as much of it as is kept.
    Noted(Noted, Vec<u8>),
    /// The firmware's log tells this; with the line, as much of it as is kept.
    Firmware(FirmwareEvent, Vec<u8>),
    /// What is streaming has said this.
    Message(Vec<u8>),
    /// Frames are missing.
    Gap {
        /// The number of the first.
        from: u64,
        /// How many.
        frames: u64,
    },
    /// A message is lost, because one of its frames is.
    Lost,
    /// What began as a frame is none. Whether one is missing, its number says later.
    Damaged(Damage),
    /// A frame with another nonce: an earlier run's output. It counts for nothing.
    Foreign(Nonce),
    /// A frame came again.
    Repeated(u64),
    /// The port is gone (true) or there again; with the bytes that waited to be sent and were
    /// dropped.
    Outage(bool, u64),
    /// A step has ended.
    Finished(CommandId, StepOutcome),
    /// The run's time is over.
    RunOver,
    /// A request was refused.
    Refused(RequestRefusal),
}
