//! Replay of a recording through the console core, step by step: a profile is written and tested without
//! its board.
//!
//! The recording takes the place of the board and of its driver: bytes, times and typed lines
//! are the recording's; what they mean is the profile's. Typed lines with markers are commands again.

mod count;
mod drive;
mod ends;
mod keys;
mod log;
mod text;
mod typed;

pub use count::Use;

use crate::{ConsoleProfile, Nanos, transcript::ConsoleRecording, transcript::Form};
use core::fmt;

/// What a recording came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// How much the recording tells.
    pub form: Form,
    /// What happened, in its order.
    pub steps: Vec<ReplayStep>,
    /// What it came to.
    pub summary: ReplaySummary,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplayStep {
    /// The line of the recording at which it did.
    pub line: usize,
    /// When, in nanoseconds from the recording's first entry; none: not known.
    pub at_ns: Option<Nanos>,
    /// What.
    pub kind: ReplayKind,
    /// What about it, for people.
    pub text: String,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ReplayKind {
    /// The recorder noted something.
    Note,
    /// The board was switched or reset.
    Power,
    /// The port was gone or there again.
    Port,
    /// The board is in another state.
    State,
    /// A boot began.
    Banner,
    /// It asks who logs in.
    Login,
    /// It asks for a password.
    Password,
    /// It takes commands, or seems to.
    Prompt,
    /// All was quiet, and no pattern matched what stood there.
    Quiet,
    /// A line was typed.
    Typed,
    /// A command began.
    Command,
    /// A command ended by itself.
    Done,
    /// A step ended otherwise.
    Ended,
    /// The firmware's log told something.
    Firmware,
    /// Messages came in frames.
    Frames,
    /// Frames are missing.
    Gap,
    /// A message is lost.
    Lost,
    /// Frames were damaged.
    Damaged,
    /// Frames of another conversation came.
    Foreign,
    /// The board died.
    Death,
    /// A death pattern matched, and did not count.
    Ignored,
    /// The recording does what this profile would not.
    Unfit,
}

impl fmt::Display for ReplayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Power => "power",
            Self::Port => "port",
            Self::State => "state",
            Self::Banner => "banner",
            Self::Login => "login",
            Self::Password => "password",
            Self::Prompt => "prompt",
            Self::Quiet => "quiet",
            Self::Typed => "typed",
            Self::Command => "command",
            Self::Done => "done",
            Self::Ended => "ended",
            Self::Firmware => "firmware",
            Self::Frames => "frames",
            Self::Gap => "gap",
            Self::Lost => "lost",
            Self::Damaged => "damaged",
            Self::Foreign => "foreign",
            Self::Death => "death",
            Self::Ignored => "ignored",
            Self::Unfit => "unfit",
        })
    }
}

/// What a recording came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplaySummary {
    /// Whether the board came up.
    pub came_up: CameUp,
    /// Boots that began.
    pub boots: u64,
    /// Deaths.
    pub deaths: u64,
    /// Lines that are no frames.
    pub lines: u64,
    /// Messages in frames.
    pub messages: u64,
    /// Frames that are missing.
    pub missing_frames: u64,
    /// Frames that were damaged.
    pub damaged: u64,
    /// Whether the recording's last line was left out.
    pub torn: bool,
    /// What the board said last, with its line: where it waits, a prompt that matches nothing.
    pub last: Option<(usize, String)>,
    /// The profile's patterns, and those for every board that matched.
    pub patterns: Vec<Use>,
}

/// Whether a board came up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CameUp {
    /// It did, as a bench demands it.
    Yes {
        /// The line of the recording.
        line: usize,
    },
    /// Its prompt came, and nothing in the recording proves that a command line stood behind it.
    Prompt {
        /// The line of the recording.
        line: usize,
    },
    /// Its login prompt came, and the recording has no login.
    Login {
        /// The line of the recording.
        line: usize,
    },
    /// It did not: it died before, and of this; or the profile has no login.
    No(String),
    /// The recording ends before it can be said.
    Open,
}

impl CameUp {
    /// Whether it did; none: nothing can be said.
    pub fn known(&self) -> Option<bool> {
        match self {
            Self::Yes { .. } | Self::Prompt { .. } | Self::Login { .. } => Some(true),
            Self::No(_) => Some(false),
            Self::Open => None,
        }
    }
}

impl Replay {
    /// The profile's own patterns that matched nowhere.
    pub fn unmatched(&self) -> impl Iterator<Item = &Use> {
        self.summary.patterns.iter().filter(|used| used.own && used.matches == 0)
    }
}

/// Runs a recording through the console core with this profile.
pub fn replay(profile: ConsoleProfile, recording: &ConsoleRecording) -> Replay {
    drive::Driver::new(profile, recording).run()
}
