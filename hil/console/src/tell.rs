//! Texts for people of the core's outputs.

use crate::{ConsoleOutput, DeathCause, DeathKind, Limit, Noted, State, StepOutcome};

/// Letters of what a board said that are shown, at most.
const SHOWN_MOST: usize = 100;

/// A count and its noun: `1 frame`, `2 frames`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What a board said: printable, bounded.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'");
    let text = text.trim_start_matches("\\r").replace("\\\\", "\\");
    match text.char_indices().nth(SHOWN_MOST) {
        Some((cut, _)) => format!("`{}`...", &text[..cut]),
        None => format!("`{text}`"),
    }
}

pub(crate) fn state(state: &State) -> &'static str {
    match state {
        State::Unknown => "unknown",
        State::Off => "off",
        State::Booting => "booting",
        State::Ready => "ready",
        State::Streaming => "streaming",
        State::Dead(_) => "dead",
    }
}

pub(crate) fn cause(cause: &DeathCause) -> String {
    match cause {
        DeathCause::Said(DeathKind::Panic, said) => format!("panic: {}", shown(said)),
        DeathCause::Said(DeathKind::Watchdog, said) => format!("watchdog: {}", shown(said)),
        DeathCause::Said(DeathKind::Power, said) => {
            format!("power: its supply voltage fell too low: {}", shown(said))
        }
        DeathCause::Restarted(said) => format!("it restarted in good order: {}", shown(said)),
        DeathCause::Reset(said) => {
            format!("a reset that was neither typed nor announced: {}", shown(said))
        }
        DeathCause::BootLoop(said) => format!("it boots in a loop: {}", shown(said)),
        DeathCause::Silent => "not a byte came".into(),
        DeathCause::NoPrompt(said) => format!("no prompt came; last it said {}", shown(said)),
        DeathCause::LoginRefused => "it refused the login".into(),
    }
}

pub(crate) fn outcome(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::Done { status, said, .. } => {
            let lines = said.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum();
            let lines = counted(lines, "line");
            match status {
                Some(status) => format!("status {status}, {lines}"),
                None => format!("{lines}; its command line tells no status"),
            }
        }
        StepOutcome::TimedOut(Limit::Run) => "it took longer than run_timeout".into(),
        StepOutcome::TimedOut(Limit::Step) => "it took longer than step_timeout".into(),
        StepOutcome::TimedOut(Limit::Prompt) => "no prompt within prompt_timeout".into(),
        StepOutcome::Died(why) => cause(why),
        StepOutcome::PowerCut => "the board was switched or reset".into(),
        StepOutcome::Interrupted => "it was broken off".into(),
    }
}

pub(crate) fn noted(noted: Noted, said: &[u8]) -> String {
    let what = match noted {
        Noted::Warning => "it warns, and goes on",
        Noted::ResetReason => "the reset before this boot was no ordinary one",
        Noted::Bounce => "it began to boot again at once, as when a power switch bounces",
        Noted::Restart if said.starts_with(b"> ") => {
            "it restarts or powers down, as it was told to"
        }
        Noted::Restart => "it restarts or powers down, as it announced",
        Noted::WrittenOver => "a log line was written over its prompt",
        Noted::Quoted => "quoted from a log or by a command, and the board goes on",
    };
    format!("{what}: {}", shown(said))
}

impl ConsoleOutput {
    /// What a person at the console does not see in what the board says; none: nothing.
    pub fn told(&self) -> Option<String> {
        match self {
            Self::Changed(State::Dead(why)) => Some(format!("dead: {}", cause(why))),
            Self::Changed(new) => Some(state(new).to_owned()),
            Self::Banner(_) => Some("a boot began".into()),
            Self::Noted(what, said) => Some(noted(*what, said)),
            Self::Firmware(event, _) => Some(format!("firmware: {}", event.key())),
            Self::Gap { frames, .. } => Some(format!("missing: {}", counted(*frames, "frame"))),
            Self::Outage(true, _) => Some("the port is gone: it is looked for".into()),
            Self::Outage(false, _) => Some("the port is there again".into()),
            Self::Refused(refusal) => Some(refusal.to_string()),
            Self::Finished(_, StepOutcome::Done { .. } | StepOutcome::Died(_)) => None,
            Self::Finished(_, how) => Some(outcome(how)),
            _ => None,
        }
    }
}
