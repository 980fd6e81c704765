//! Outcomes of console steps as messages, with the blame.

use parallax_console::{DeathCause, DeathKind, Limit, State, StepOutcome};
use parallax_record::Event;

/// What stands before the agent's status when it has ended.
pub(crate) const AGENT_STATUS: &str = "parallax-agent ended with ";

/// Blame for a step that was not done or for a board that cannot run, with the reason and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The device under test.
    Device(String),
    /// The bench, or how it was set up.
    Lab(String),
    /// Unknown: it was cut short.
    Unknown(String),
}

impl Blame {
    /// The reason.
    pub fn why(&self) -> &str {
        let (Self::Device(why) | Self::Lab(why) | Self::Unknown(why)) = self;
        why
    }

    /// As an event of the record.
    pub(crate) fn event(&self) -> Event {
        let text = in_one_line(&self.why());
        match self {
            Self::Device(_) => Event::DeviceFailed { text },
            Self::Lab(_) => Event::Fault { text },
            Self::Unknown(_) => Event::CutShort { text },
        }
    }

    /// The blame that an event of the record tells.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::DeviceFailed { text } => Some(Self::Device(text.clone())),
            Event::Fault { text } => Some(Self::Lab(text.clone())),
            Event::CutShort { text } => Some(Self::Unknown(text.clone())),
            _ => None,
        }
    }
}

/// The lines of a text, such as an error message with its help, joined by `; `. The reason of a verdict is one line in the
/// terminal and in the record.
pub fn in_one_line(text: &impl std::fmt::Display) -> String {
    let text = text.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

/// Of a board that did not become ready, and is in this state now.
pub(crate) fn not_ready(outcome: &StepOutcome, state: &State) -> Blame {
    match outcome {
        StepOutcome::Died(DeathCause::LoginRefused) => Blame::Lab(
            "it refused the login: help: look at user and password of its profile".to_owned(),
        ),
        StepOutcome::Died(cause) => died("it did not come up: ", cause),
        StepOutcome::TimedOut(Limit::Run) => {
            Blame::Lab(format!("it was not up: {}", over(Limit::Run, true)))
        }
        StepOutcome::TimedOut(limit) => late(*limit, state),
        StepOutcome::Interrupted | StepOutcome::PowerCut => {
            Blame::Unknown("it was broken off before it was up".to_owned())
        }
        StepOutcome::Done { .. } => {
            Blame::Lab("internal error: ready, but no step followed".to_owned())
        }
    }
}

/// Of a board whose time to become ready is over.
fn late(limit: Limit, state: &State) -> Blame {
    let over = over(limit, true);
    match state {
        // No power, a wire that is off, another rate, a dead board: from here that looks the same.
        State::Dead(cause @ DeathCause::Silent) => Blame::Unknown(format!(
            "it did not come up: {}: {over}: help: see whether it has power, whether its console's wires \
             are on and crossed, and whether its profile has its rate",
            death(cause)
        )),
        // Either it hangs, or its profile does not know its prompt: that looks the same, too.
        State::Dead(cause) => Blame::Unknown(format!(
            "it did not come up: {}: {over}: help: if that is its prompt, its profile's `prompt` is \
             wrong, and if what is typed is lost, its `transmit_delay`; `parallax replay` on its \
             transcript tells",
            death(cause)
        )),
        _ => Blame::Unknown(format!("it did not come up: {over}")),
    }
}

/// Of a command of its profile's setup that was not done.
pub(crate) fn not_set_up(text: &str, outcome: &StepOutcome) -> Blame {
    match outcome {
        StepOutcome::Died(cause) => died(&format!("in its setup `{text}`: "), cause),
        StepOutcome::Done { status: Some(status), said, .. } => {
            Blame::Lab(format!("its setup `{text}` ended with status {status}{}", last_words(said)))
        }
        StepOutcome::TimedOut(limit) => {
            Blame::Lab(format!("its setup `{text}` did not end: {}", over(*limit, false)))
        }
        StepOutcome::PowerCut | StepOutcome::Interrupted | StepOutcome::Done { .. } => {
            Blame::Unknown(format!("its setup `{text}` was broken off"))
        }
    }
}

/// Of an agent that ended before `Stop`.
pub(crate) fn agent_ended(outcome: &StepOutcome) -> Blame {
    match outcome {
        StepOutcome::Died(cause) => died("", cause),
        StepOutcome::Done { said, .. } => ended(said),
        StepOutcome::TimedOut(Limit::Run) => {
            Blame::Lab(format!("its agent was broken off: {}", over(Limit::Run, false)))
        }
        // What was typed was lost on its way, or what it said: no frame of its agent came, either.
        StepOutcome::TimedOut(limit) => Blame::Unknown(format!(
            "its agent did not begin: {}: help: if what is typed is lost, its profile's \
             `transmit_delay` is wrong; `parallax replay` on its transcript tells",
            over(*limit, false)
        )),
        StepOutcome::PowerCut | StepOutcome::Interrupted => {
            Blame::Unknown("its agent was broken off".to_owned())
        }
    }
}

/// Of an agent that ended by itself, after it had said this.
fn ended(said: &[u8]) -> Blame {
    let said = String::from_utf8_lossy(said);
    let status = said.lines().rev().find_map(|line| line.trim().strip_prefix(AGENT_STATUS));
    let last = said.lines().rev().find(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(AGENT_STATUS)
    });
    let last = last.map(|line| format!("; it said last: {}", text(line.as_bytes())));
    let last = last.unwrap_or_default();
    match status.and_then(|status| status.parse::<u32>().ok()) {
        Some(127) => Blame::Lab(
            "there is no parallax-agent on the board: help: install the one of this version \
             (hil/agent/README.md)"
                .to_owned(),
        ),
        // A shell's word for "by a signal": nothing else kills there.
        Some(status @ 129..) => {
            Blame::Device(format!("its agent was killed by signal {}{last}", status - 128))
        }
        Some(status) => {
            Blame::Lab(format!("its agent ended by itself, with status {status}{last}"))
        }
        // It was said, and did not come whole.
        None => Blame::Unknown(format!("its agent ended by itself, with no status{last}")),
    }
}

/// A board that died has failed; but a supply that is too weak may be the bench's as well as the board's.
fn died(when: &str, cause: &DeathCause) -> Blame {
    let text = format!("{when}{}", death(cause));
    match cause {
        DeathCause::Said(DeathKind::Power, _) => Blame::Unknown(format!(
            "{text}: help: measure its supply, and try a shorter cable or a stronger supply"
        )),
        _ => Blame::Device(text),
    }
}

fn death(cause: &DeathCause) -> String {
    match cause {
        DeathCause::Said(DeathKind::Power, line) => {
            format!("its supply voltage fell too low (brown-out): {}", text(line))
        }
        DeathCause::Restarted(line) => {
            format!("it restarted or powered down in good order: {}", text(line))
        }
        DeathCause::Said(DeathKind::Panic, line) => format!("it panicked: {}", text(line)),
        DeathCause::Said(DeathKind::Watchdog, line) => format!("its watchdog bit: {}", text(line)),
        DeathCause::Reset(line) => {
            format!("a reset that was neither typed nor announced: {}", text(line))
        }
        DeathCause::BootLoop(line) => format!("it boots again and again: {}", text(line)),
        DeathCause::Silent => "it was silent: not a byte came".to_owned(),
        DeathCause::NoPrompt(line) if line.is_empty() => "it showed no prompt".to_owned(),
        DeathCause::NoPrompt(line) => {
            format!("it showed no prompt; the last that came: {}", text(line))
        }
        DeathCause::LoginRefused => "it refused the login".to_owned(),
    }
}

/// A limit that is over, and where it stands; `boots`: while it boots, a step is a boot.
fn over(limit: Limit, boots: bool) -> String {
    let (what, key) = match limit {
        Limit::Run => ("a run", "run_timeout"),
        Limit::Step if boots => ("a boot", "boot_timeout"),
        Limit::Step => ("a step", "step_timeout"),
        Limit::Prompt => ("a prompt", "prompt_timeout"),
    };
    format!("that took longer than {what} may (`{key}` of its profile, times its `timeout_factor`)")
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

    fn done(said: &str) -> StepOutcome {
        StepOutcome::Done { status: Some(0), said: said.into(), unkept_bytes: 0 }
    }

    #[test]
    fn a_board_that_dies_has_failed_and_what_is_set_up_wrong_is_the_benchs() {
        let panic = DeathCause::Said(DeathKind::Panic, b"Kernel panic - not syncing: x\r".to_vec());
        let said = "it panicked: Kernel panic - not syncing: x".to_owned();
        assert_eq!(agent_ended(&StepOutcome::Died(panic)), Blame::Device(said));
        let booting = |outcome: &StepOutcome| not_ready(outcome, &State::Booting);
        let reset = StepOutcome::Died(DeathCause::BootLoop(b"ROM".to_vec()));
        assert!(matches!(booting(&reset), Blame::Device(_)));
        assert!(matches!(booting(&StepOutcome::Died(DeathCause::LoginRefused)), Blame::Lab(_)));
        assert!(matches!(
            agent_ended(&done("sh: not found\nparallax-agent ended with 127\n")),
            Blame::Lab(_)
        ));
        let killed = agent_ended(&done("\nKilled\n\nparallax-agent ended with 137\n"));
        let text = "its agent was killed by signal 9; it said last: Killed".to_owned();
        assert_eq!(killed, Blame::Device(text));
        assert!(matches!(agent_ended(&done("parallax-agent ended w")), Blame::Unknown(_)));
        assert!(matches!(agent_ended(&StepOutcome::PowerCut), Blame::Unknown(_)));
    }
    #[test]
    fn a_reason_is_one_line_wherever_its_help_stands() {
        let one = in_one_line(
            &"failed to open it: no such port\r\n  help: see its cable\nhelp: or buy one\n",
        );
        assert_eq!(one, "failed to open it: no such port; help: see its cable; help: or buy one");
    }

    #[test]
    fn each_limit_is_named_with_its_key_and_what_came_last() {
        let of = |limit, state: &State| not_ready(&StepOutcome::TimedOut(limit), state);
        let silent = of(Limit::Step, &State::Dead(DeathCause::Silent));
        let Blame::Unknown(text) = silent else { panic!("{silent:?}") };
        assert!(text.contains("not a byte came") && text.contains("`boot_timeout`"), "{text}");
        let prompt = of(Limit::Prompt, &State::Dead(DeathCause::NoPrompt(b"$ ".to_vec())));
        let Blame::Unknown(text) = prompt else { panic!("{prompt:?}") };
        assert!(text.contains("came: $") && text.contains("`prompt_timeout`"), "{text}");
        let run = of(Limit::Run, &State::Unknown);
        let Blame::Lab(text) = run else { panic!("{run:?}") };
        assert!(text.contains("`run_timeout`"), "{text}");
        let step = agent_ended(&StepOutcome::TimedOut(Limit::Step));
        let Blame::Unknown(text) = step else { panic!("{step:?}") };
        assert!(text.contains("`step_timeout`"), "{text}");
    }
}
