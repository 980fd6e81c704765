//! How steps of a console end, in words; and whose doing that is.

use parallax_console::{Cause, DeathKind, Limit, Outcome};

/// Who is to blame for a step that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The device under test.
    Device(String),
    /// The bench, or how it was set up.
    Lab(String),
    /// Somebody cut it short: nothing can be said.
    Nobody(String),
}

/// Of a board that did not become ready.
pub(crate) fn not_ready(outcome: &Outcome) -> Blame {
    match outcome {
        Outcome::Died(Cause::LoginRefused) => Blame::Lab(
            "it refused the login: help: look at user and password of its profile".to_owned(),
        ),
        // Either it hangs, or its profile does not know its prompt: from here that looks the same.
        Outcome::Died(cause @ Cause::NoPrompt(_)) => Blame::Nobody(format!(
            "it did not come up: {}: help: if that is its prompt, its profile's `prompt` is wrong; \
             `parallax replay` on its transcript tells",
            death(cause)
        )),
        Outcome::Died(cause) => Blame::Device(format!("it did not come up: {}", death(cause))),
        Outcome::TimedOut(limit) => Blame::Device(format!("it did not come up: {}", over(*limit))),
        Outcome::Interrupted | Outcome::PowerCut => {
            Blame::Nobody("it was broken off before it was up".to_owned())
        }
        Outcome::Done { .. } => Blame::Lab("it was up, and nobody went on".to_owned()),
    }
}

/// Of a command of its profile's setup that was not done.
pub(crate) fn not_set_up(text: &str, outcome: &Outcome) -> Blame {
    match outcome {
        Outcome::Died(cause) => Blame::Device(format!("in its setup `{text}`: {}", death(cause))),
        Outcome::Done { status: Some(status), said, .. } => {
            Blame::Lab(format!("its setup `{text}` ended with status {status}{}", last_words(said)))
        }
        Outcome::TimedOut(limit) => {
            Blame::Lab(format!("its setup `{text}` did not end: {}", over(*limit)))
        }
        Outcome::PowerCut | Outcome::Interrupted | Outcome::Done { .. } => {
            Blame::Nobody(format!("its setup `{text}` was broken off"))
        }
    }
}

/// Of an agent that ended before it was told to.
pub(crate) fn agent_ended(outcome: &Outcome) -> Blame {
    match outcome {
        Outcome::Died(cause) => Blame::Device(death(cause)),
        Outcome::Done { status: Some(127), .. } => Blame::Lab(
            "there is no parallax-agent on the board: help: install the one of this version \
             (hil/agent/README.md)"
                .to_owned(),
        ),
        // A shell's word for "by a signal": nobody else kills there.
        Outcome::Done { status: Some(status @ 129..), said, .. } => Blame::Device(format!(
            "its agent was killed by signal {}{}",
            status - 128,
            last_words(said)
        )),
        Outcome::Done { status, said, .. } => {
            let status = status.map_or("no status".to_owned(), |status| format!("status {status}"));
            Blame::Lab(format!("its agent ended by itself, with {status}{}", last_words(said)))
        }
        Outcome::TimedOut(limit) => {
            Blame::Lab(format!("its agent was broken off: {}", over(*limit)))
        }
        Outcome::PowerCut | Outcome::Interrupted => {
            Blame::Nobody("its agent was broken off".to_owned())
        }
    }
}

fn death(cause: &Cause) -> String {
    match cause {
        Cause::Said(DeathKind::Panic, line) => format!("it panicked: {}", text(line)),
        Cause::Said(DeathKind::Watchdog, line) => format!("its watchdog bit: {}", text(line)),
        Cause::Reset(line) => format!("it reset when nobody asked: {}", text(line)),
        Cause::BootLoop(line) => format!("it boots again and again: {}", text(line)),
        Cause::Silent => "it was silent: not a byte came".to_owned(),
        Cause::NoPrompt(line) if line.is_empty() => "it showed no prompt".to_owned(),
        Cause::NoPrompt(line) => format!("it showed no prompt; the last that came: {}", text(line)),
        Cause::LoginRefused => "it refused the login".to_owned(),
    }
}

fn over(limit: Limit) -> String {
    let (what, key) = match limit {
        Limit::Run => ("a run", "run_timeout"),
        Limit::Step => ("a step", "step_timeout"),
        Limit::Prompt => ("a prompt", "prompt_timeout"),
    };
    format!("that took longer than {what} may ({key} of its profile)")
}

fn last_words(said: &[u8]) -> String {
    let lines = String::from_utf8_lossy(said);
    let last = lines.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!("; it said last: {}", text(line.as_bytes())))
}

/// As much of a line as a message bears.
fn text(line: &[u8]) -> String {
    const MOST: usize = 160;
    let line = String::from_utf8_lossy(line);
    line.trim().chars().filter(|letter| !letter.is_control()).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(status: u32, said: &str) -> Outcome {
        Outcome::Done { status: Some(status), said: said.into(), unkept_bytes: 0 }
    }

    #[test]
    fn a_board_that_dies_has_failed_and_what_is_set_up_wrong_is_the_benchs() {
        let panic = Cause::Said(DeathKind::Panic, b"Kernel panic - not syncing: x\r".to_vec());
        let said = "it panicked: Kernel panic - not syncing: x".to_owned();
        assert_eq!(agent_ended(&Outcome::Died(panic)), Blame::Device(said));
        assert!(matches!(not_ready(&Outcome::Died(Cause::Silent)), Blame::Device(_)));
        assert!(matches!(not_ready(&Outcome::Died(Cause::LoginRefused)), Blame::Lab(_)));
        assert!(matches!(not_ready(&Outcome::TimedOut(Limit::Step)), Blame::Device(_)));
        assert!(matches!(agent_ended(&done(127, "sh: not found")), Blame::Lab(_)));
        let killed = agent_ended(&done(137, "\nKilled\n\n"));
        let text = "its agent was killed by signal 9; it said last: Killed".to_owned();
        assert_eq!(killed, Blame::Device(text));
        assert!(matches!(agent_ended(&Outcome::PowerCut), Blame::Nobody(_)));
    }
}
