//! A replay as lines for people.

use super::{CameUp, Kind, Replay, Step, Summary, Use};
use crate::{Cause, DeathKind, Limit, Outcome, State, transcript::Form};
use core::fmt::{self, Write as _};

/// Letters of what a board said that are shown, at most.
const SHOWN_MOST: usize = 100;

/// What a board said: printable, bounded.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'");
    let text = text.trim_start_matches("\\r").replace("\\\\", "\\");
    match text.char_indices().nth(SHOWN_MOST) {
        Some((cut, _)) => format!("`{}`...", &text[..cut]),
        None => format!("`{text}`"),
    }
}

pub(super) fn state(state: &State) -> &'static str {
    match state {
        State::Unknown => "unknown",
        State::Off => "off",
        State::Booting => "booting",
        State::Ready => "ready",
        State::Streaming => "streaming",
        State::Dead(_) => "dead",
    }
}

pub(super) fn cause(cause: &Cause) -> String {
    match cause {
        Cause::Said(DeathKind::Panic, said) => format!("panic: {}", shown(said)),
        Cause::Said(DeathKind::Watchdog, said) => format!("watchdog: {}", shown(said)),
        Cause::Reset(said) => format!("it reset when nobody asked: {}", shown(said)),
        Cause::BootLoop(said) => format!("it boots in a loop: {}", shown(said)),
        Cause::Silent => "not a byte came".into(),
        Cause::NoPrompt(said) => format!("no prompt came; last it said {}", shown(said)),
        Cause::LoginRefused => "it refused the login".into(),
    }
}

pub(super) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { status, said, .. } => {
            let lines = said.iter().filter(|byte| **byte == b'\n').count();
            let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
            match status {
                Some(status) => format!("status {status}, {lines}"),
                None => format!("{lines}; its command line tells no status"),
            }
        }
        Outcome::TimedOut(Limit::Run) => "it took longer than run_timeout".into(),
        Outcome::TimedOut(Limit::Step) => "it took longer than step_timeout".into(),
        Outcome::TimedOut(Limit::Prompt) => "no prompt within prompt_timeout".into(),
        Outcome::Died(why) => cause(why),
        Outcome::PowerCut => "the board was switched or reset".into(),
        Outcome::Interrupted => "it was broken off".into(),
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.steps.iter().map(|step| step.line).max().unwrap_or(1).to_string().len();
        let wide = wide.max("line".len());
        writeln!(f, "{:>wide$}  {:>10}  {:<8}  what", "line", "time", "")?;
        for Step { line, at_ns, kind, text } in &self.steps {
            let time = at_ns.map_or("-".to_owned(), |at_ns| {
                format!("{}.{:03} s", at_ns / 1_000_000_000, at_ns / 1_000_000 % 1_000)
            });
            let text = if *kind == Kind::Death { format!("dead: {text}") } else { text.clone() };
            writeln!(f, "{line:>wide$}  {time:>10}  {kind:<8}  {text}")?;
        }
        f.write_char('\n')?;
        summary(f, self.form, &self.summary)
    }
}

fn summary(f: &mut fmt::Formatter<'_>, form: Form, summary: &Summary) -> fmt::Result {
    let came_up = match &summary.came_up {
        CameUp::Yes { line } => format!("yes, line {line}"),
        CameUp::Prompt { line } => {
            format!("its prompt came, line {line}; a bench has it answer a probe besides")
        }
        CameUp::No(why) => format!("no; {why}"),
        CameUp::Open => "not known: the recording ends before".into(),
    };
    writeln!(f, "came up   {came_up}")?;
    let times = match form {
        Form::Timed => "as recorded",
        Form::Untimed => "not known: somebody wrote this; no timeout counts",
        Form::Log => {
            "not known: this is a log; no timeout counts, and what was typed is not told from an echo"
        }
    };
    writeln!(f, "times     {times}")?;
    let Summary { boots, deaths, lines, messages, missing_frames, damaged, .. } = summary;
    writeln!(f, "boots     {boots}, deaths {deaths}")?;
    writeln!(f, "console   {lines} lines without a frame, {messages} messages in frames")?;
    writeln!(f, "frames    {missing_frames} missing, {damaged} damaged")?;
    if summary.torn {
        writeln!(f, "cut       the last line has no end, and is left out")?;
    }
    let wide = summary.patterns.iter().map(|used| used.key.len()).max().unwrap_or(0);
    f.write_str("patterns\n")?;
    for Use { key, pattern, matches, first_line, .. } in &summary.patterns {
        let found = match first_line {
            Some(line) => format!("{matches} times, first line {line}"),
            None => "NEVER".into(),
        };
        writeln!(f, "  {key:<wide$}  {found:<26}  {pattern}")?;
    }
    Ok(())
}
