//! Quoted words: lines that the system prints now, and lines that repeat older or typed text.
//!
//! What is decisive, in this order:
//! - The echo of a typed line is what was typed.
//! - A kernel's times never run backwards: a line with an earlier time is read back from a log (`dmesg`).
//! - The output of a typed line may be anything (`cat /var/log/messages`). An oops in a kernel's own line with a
//!   later time counts at once, since it may leave the shell alive. Any other death in it is in doubt until the
//!   prompt comes back: a board that has panicked or reset never shows that prompt. Without a prompt, by a reset
//!   or by silence, the death counts. A command with markers is waited for until its end or its limit.
//! - A banner in the output with a log behind that begins anew is a boot: no prompt after it takes it back.
//! - Words further on in a line of the system's own are in doubt, too: what wrote the line may go on to speak.

use super::step::{CommandPhase, ConsoleStep, StepKind};
use crate::{
    Console, DeathCause, Nanos, Noted, State,
    lines::Line,
    starts::{Stamp, Starts},
};

/// How long the reason of a reset is waited for after the banner.
pub(super) const REASON_NS: Nanos = 3_000_000_000;
/// Bytes of a line in which a prompt is looked for.
pub(super) const PROMPT_BYTES_MOST: usize = 160;

/// Microseconds by which times of a kernel's lines may run backwards: several processors write them.
const BACKWARDS_US: u64 = 1_000_000;
/// Bytes of an echo that are waited for, at most.
const ECHO_BYTES_MOST: usize = 4096;
/// A kernel's time that is this much later than the one before, beyond what has passed, in microseconds, may be
/// of an earlier boot.
const JUMP_US: u64 = 10_000_000;
/// How long a board that may have died may go on to speak without a line that proves that it lives.
const SPEAKS_NS: Nanos = 10 * REASON_NS;
/// The panic handler's own lines in ESP-IDF's form: it saves a core dump.
const CORE_DUMP: &[u8] = b"esp_core";
/// A Linux that says so has stopped.
const PANIC: &[u8] = b"Kernel panic - not syncing";

/// What is known of what was typed, and of the kernel's time.
#[derive(Clone, Default, Debug)]
pub(crate) struct Quotes {
    /// What is left of the echo of the typed line, without blanks.
    echo: Vec<u8>,
    /// Lines since a line was typed whose prompt has not come back; none: nothing runs.
    lines: Option<u32>,
    /// The kernel's last time.
    latest: Option<Stamp>,
    /// When it came.
    latest_ns: Nanos,
    /// The time before it jumped ahead of the clock.
    jumped_from: Option<Stamp>,
    /// The prompt that stood before the line was typed.
    prompt: Vec<u8>,
    /// A death, or an end in good order, that the output of a typed line may only quote.
    doubt: Option<Doubt>,
    /// The output of a typed line had the system's word of its restart.
    announced: bool,
}

#[derive(Clone, Debug)]
struct Doubt {
    until_ns: Nanos,
    cause: DeathCause,
    /// Words further on in a line, and no output of a typed one.
    further_on: Option<FurtherOn>,
}

/// Words further on in a line of the system's own.
#[derive(Clone, Debug)]
struct FurtherOn {
    /// Whose line it was.
    speaker: Option<Vec<u8>>,
    ends_ns: Nanos,
}

/// How a line counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Voice {
    /// The system says it now.
    Own,
    /// The output of a typed line: it may quote anything.
    Doubtful,
    /// It is read back from a log.
    Quoted,
    /// It is the echo of what was typed.
    Echo,
}

impl Console {
    /// A line was typed: its echo comes, then its output, then the prompt.
    pub(crate) fn echo_comes(&mut self, typed: &str) {
        let mut echo = visible(typed.as_bytes());
        echo.truncate(ECHO_BYTES_MOST);
        self.quotes.echo = echo;
        self.quotes.lines = Some(0);
    }

    /// The echo of the line that was typed last has come already.
    pub(crate) fn echo_came(&mut self) {
        self.quotes.echo.clear();
    }

    /// What runs talks by itself, and quotes nothing.
    pub(crate) fn output_is_own(&mut self) {
        self.quotes.lines = None;
        self.quotes.echo.clear();
    }

    /// Whether the output of a typed line comes.
    pub(crate) fn is_output(&self) -> bool {
        self.quotes.lines.is_some()
    }

    /// A line is over: how it counts.
    pub(crate) fn hear_line(&mut self, line: &Line) -> Voice {
        if let Some(lines) = &mut self.quotes.lines {
            *lines = lines.saturating_add(1);
        }
        if let Some(bytes) = self.echo_in(&line.bytes) {
            self.quotes.echo.drain(..bytes);
            return Voice::Echo;
        }
        let voice = self.voice(&line.starts);
        let read_back = |stamp: &Stamp| {
            stamp.levelled && self.quotes.latest.is_some_and(|latest| !latest.levelled)
        };
        if !self.is_output()
            && let Some(stamp) = line.starts.stamp.filter(|stamp| !read_back(stamp))
        {
            self.time_is(stamp);
        }
        voice
    }

    /// A kernel's time. One that jumps ahead of the clock, and back again, was read out.
    fn time_is(&mut self, stamp: Stamp) {
        let passed_us = self.now.saturating_sub(self.quotes.latest_ns) / 1_000;
        if let Some(latest) = self.quotes.latest {
            let most = latest.us.saturating_add(passed_us).saturating_add(JUMP_US);
            if stamp.us > most {
                self.quotes.jumped_from.get_or_insert(latest);
            } else if stamp.us.saturating_add(BACKWARDS_US) < latest.us {
                self.quotes.jumped_from = None;
            }
        }
        self.quotes.latest = Some(stamp);
        self.quotes.latest_ns = self.now;
    }

    /// Whether a time goes on where the times were before they jumped.
    fn jumps_back(&self, stamp: Stamp) -> bool {
        let before = self.quotes.jumped_from;
        before.is_some_and(|before| stamp.us.saturating_add(BACKWARDS_US) >= before.us)
    }

    /// How what stands at the end counts, which is no line yet.
    pub(crate) fn voice_of_end(&self, line: &Line) -> Voice {
        let keys = visible(&self.resets.keys);
        let typed = |echo: &[u8]| !echo.is_empty() && self.echo_of(echo, &line.bytes).is_some();
        if typed(&self.quotes.echo) || typed(&keys) {
            return Voice::Echo;
        }
        self.voice(&line.starts)
    }

    pub(crate) fn voice(&self, starts: &Starts) -> Voice {
        let Some(stamp) = starts.stamp else {
            return if self.is_output() { Voice::Doubtful } else { Voice::Own };
        };
        let Some(latest) = self.quotes.latest else {
            return if self.is_output() { Voice::Doubtful } else { Voice::Own };
        };
        let boots = stamp.us == 0 && !self.is_output();
        let earlier = stamp.us.saturating_add(BACKWARDS_US) < latest.us && !self.jumps_back(stamp);
        if !boots && (earlier || (stamp.levelled && !latest.levelled)) {
            Voice::Quoted
        } else if self.is_output() && (stamp.within || self.is_cut()) {
            Voice::Doubtful
        } else {
            Voice::Own
        }
    }

    /// Whether a line before it was cut by another, and may go on in it.
    fn is_cut(&self) -> bool {
        let held = &self.prompts.held;
        !held.is_empty() && !self.asks_in(held)
    }

    /// After a panic no prompt comes: in the output of a typed line it is in doubt whatever its time. An oops
    /// may leave the shell alive, and counts by its time.
    pub(crate) fn voice_of_death(&self, line: &Line, voice: Voice) -> Voice {
        let panics = || line.bytes.windows(PANIC.len()).any(|words| words == PANIC);
        if voice == Voice::Own && self.is_output() && panics() { Voice::Doubtful } else { voice }
    }

    /// The system's word of its restart came in the output of a typed line: it is quoted if the prompt comes.
    pub(crate) fn announced_in_output(&mut self) {
        self.quotes.announced = self.is_output();
    }

    /// How many bytes of the echo a line is; none: it is no part of it.
    fn echo_in(&self, line: &[u8]) -> Option<usize> {
        (!self.quotes.echo.is_empty()).then(|| self.echo_of(&self.quotes.echo, line)).flatten()
    }

    /// A terminal breaks a long line: each piece is what comes next of it, the first one behind a prompt.
    fn echo_of(&self, echo: &[u8], line: &[u8]) -> Option<usize> {
        let begins = |rest: &[u8]| {
            let shown = visible(rest);
            (!shown.is_empty() && echo.starts_with(&shown)).then_some(shown.len())
        };
        begins(line).or_else(|| {
            let most = line.len().min(PROMPT_BYTES_MOST);
            let end = (1..=most).find(|end| self.profile.prompt.ends(&line[..*end]))?;
            begins(line.get(end..)?)
        })
    }

    /// Until when a prompt is waited for that would prove a quotation.
    pub(crate) fn doubt_due(&self) -> Option<Nanos> {
        self.quotes.doubt.as_ref().map(|doubt| doubt.until_ns)
    }

    /// It still speaks: the prompt may come.
    pub(crate) fn doubt_goes_on(&mut self) {
        if let Some(doubt) = &mut self.quotes.doubt {
            let ends_ns = doubt.further_on.as_ref().map_or(Nanos::MAX, |further| further.ends_ns);
            doubt.until_ns = self.now.saturating_add(REASON_NS).min(ends_ns);
        }
    }

    /// Words of a death further on in a line: an application quotes them, or they break it off.
    pub(crate) fn may_end_by(&mut self, cause: DeathCause, line: &Line) {
        if self.is_output() {
            return self.ends_by(cause, Voice::Doubtful);
        }
        if self.quotes.doubt.is_none() {
            let speaker = line.starts.speaker(&line.bytes).map(<[u8]>::to_vec);
            let ends_ns = self.now.saturating_add(SPEAKS_NS);
            let until_ns = self.now.saturating_add(REASON_NS);
            let further_on = Some(FurtherOn { speaker, ends_ns });
            self.quotes.doubt = Some(Doubt { until_ns, cause, further_on });
        }
    }

    /// Whether words further on in a line are in doubt.
    pub(crate) fn doubts_words(&self) -> bool {
        self.quotes.doubt.as_ref().is_some_and(|doubt| doubt.further_on.is_some())
    }

    /// Who wrote such a line goes on to speak: it quoted.
    pub(crate) fn hear_speaker(&mut self, line: &Line) {
        let doubt = self.quotes.doubt.as_ref();
        let Some(further_on) = doubt.and_then(|doubt| doubt.further_on.as_ref()) else { return };
        let Some(speaker) = line.starts.speaker(&line.bytes) else { return };
        let logs = line.starts.idf && !speaker.starts_with(CORE_DUMP);
        if logs || further_on.speaker.as_deref() == Some(speaker) {
            self.words_were_quoted();
        }
    }

    /// The board lives: words further on in a line were quoted, unless it has booted since.
    pub(crate) fn words_were_quoted(&mut self) {
        if self.doubts_words() && !self.resets.waits_for_a_reason() {
            self.doubt_was_quoted();
        }
    }

    fn doubt_was_quoted(&mut self) {
        if let Some(Doubt {
            cause: DeathCause::Said(_, line) | DeathCause::Restarted(line), ..
        }) = self.quotes.doubt.take()
        {
            self.note(Noted::Quoted, &line);
        }
    }

    /// Whether a command with markers still runs and its end marker may come: no boot has been seen since it was typed,
    /// and no restart was typed.
    pub(crate) fn waits_for_an_end(&self) -> bool {
        let boots = self.quotes.doubt.is_some() && self.resets.told_boot().is_some();
        let boots = boots || self.resets.was_typed_for() || self.has_booted(None);
        self.is_output() && self.is_marked() && !boots
    }

    fn is_marked(&self) -> bool {
        let kind = self.step.as_ref().map(|step| &step.kind);
        matches!(kind, Some(StepKind::Command { phase: CommandPhase::Marked(_), .. }))
    }

    /// Whether what the output of a typed line tells of a boot is one, whatever prompt comes. `dmesg` has the
    /// kernel's banner and a log that begins anew; a boot loader's banner is nothing that a log has.
    fn has_booted(&self, prompt: Option<&[u8]>) -> bool {
        let Some((of_kernel, logs)) = self.resets.told_boot() else { return false };
        let before = &self.quotes.prompt;
        let other = prompt.is_some_and(|prompt| !before.is_empty() && prompt != before);
        let doubt = self.quotes.doubt.as_ref().map(|doubt| &doubt.cause);
        let dies = matches!(doubt, Some(DeathCause::Said(..)));
        if of_kernel { logs && (dies || other) } else { logs || other }
    }

    /// Words of an end in a line that counts so.
    pub(crate) fn ends_by(&mut self, cause: DeathCause, voice: Voice) {
        match voice {
            // What broke a line off was its beginning.
            Voice::Own if self.doubts_words() => drop(self.doubt_is_true(false)),
            Voice::Own => self.die(cause),
            Voice::Doubtful if self.quotes.doubt.is_none() => {
                let until_ns = self.now.saturating_add(REASON_NS);
                self.quotes.doubt = Some(Doubt { until_ns, cause, further_on: None });
            }
            Voice::Quoted => {
                if let DeathCause::Said(_, line) = cause {
                    self.note(Noted::Quoted, &line);
                }
            }
            Voice::Doubtful | Voice::Echo => {}
        }
    }

    /// Whether a death is in doubt, or an end in good order that was not typed.
    pub(crate) fn doubts_an_end(&self) -> bool {
        self.quotes.doubt.as_ref().is_some_and(|doubt| {
            matches!(doubt.cause, DeathCause::Said(..)) || !self.resets.was_typed_for()
        })
    }

    /// No prompt came: what was in doubt is true, and after it a boot has begun or not. False if nothing was.
    pub(crate) fn doubt_is_true(&mut self, boots: bool) -> bool {
        let Some(Doubt { cause, .. }) = self.quotes.doubt.take() else { return false };
        match cause {
            DeathCause::Restarted(said) if boots => {
                self.resets.take_back_announcement();
                self.restart_is_true(said);
            }
            DeathCause::Restarted(said) => self.went_down(said),
            cause => {
                self.resets.rebooted |= boots;
                self.die(cause);
            }
        }
        true
    }

    /// A prompt for a command stands there. If it is that of a typed line, what that line's output told of a
    /// death or a reset was quoted; that of a command with markers comes after its end marker.
    pub(crate) fn prompt_stands(&mut self, prompt: &[u8]) {
        self.words_were_quoted();
        self.prompt_came(Some(prompt));
        if !self.is_output() {
            self.quotes.prompt = prompt.to_vec();
        }
    }

    /// A prompt stood before what was typed in a line of a recording that does not tell what was typed.
    pub(crate) fn prompt_stood(&mut self, line: &[u8]) {
        let doubt = self.quotes.doubt.as_ref().map(|doubt| &doubt.cause);
        // The line's own words may be a death that broke off what was typed.
        if !matches!(doubt, Some(DeathCause::Said(_, said)) if *said == self.kept(line)) {
            self.words_were_quoted();
            self.prompt_came(None);
        }
    }

    fn prompt_came(&mut self, prompt: Option<&[u8]>) {
        if self.is_output() && self.is_marked() {
            return;
        }
        if self.quotes.lines.is_some_and(|lines| lines > 0) {
            if self.has_booted(prompt) {
                self.reason_is(None);
                return self.output_is_own();
            }
            self.output_ends(self.profile.login.is_some());
        }
        self.reason_is(None);
    }

    /// The command's own end marker came, or the prompt behind its output.
    pub(crate) fn command_ends(&mut self, marked: bool) {
        if marked {
            self.output_ends(true);
        }
        self.reason_is(None);
    }

    /// What the output of a typed line told was quoted. A board that asks for no user shows the same prompt
    /// after a boot: `resets` says whether a reset was quoted, too.
    fn output_ends(&mut self, resets: bool) {
        self.output_is_own();
        if core::mem::take(&mut self.quotes.announced) {
            self.resets.take_back_announcement();
        }
        self.doubt_was_quoted();
        if resets && let Some(banner) = self.resets.take_back_reset() {
            self.note(Noted::Quoted, &banner);
        }
    }

    /// The kernel has said its last words.
    pub(crate) fn went_down(&mut self, said: Vec<u8>) {
        let runs = matches!(self.step, Some(ConsoleStep { kind: StepKind::Command { .. }, .. }));
        let down = [b"down".as_slice(), b"halted"];
        let is_off = down.iter().any(|word| said.windows(word.len()).any(|at| at == *word));
        if runs {
            self.note(Noted::Restart, &said);
            self.die(DeathCause::Restarted(said));
        } else if is_off && self.state != State::Booting {
            self.note(Noted::Restart, &said);
            self.change(State::Unknown);
        } else {
            self.resets.announce(self.now, said);
        }
    }
}

/// What a terminal shows of a text, without blanks.
fn visible(text: &[u8]) -> Vec<u8> {
    let (mut cells, mut cursor) = (Vec::new(), 0_usize);
    for byte in text {
        match byte {
            0x08 => cursor = cursor.saturating_sub(1),
            b' '..=b'~' | 0x80.. => {
                if cursor < cells.len() {
                    cells[cursor] = *byte;
                } else {
                    cells.push(*byte);
                }
                cursor += 1;
            }
            _ => {}
        }
    }
    cells.retain(|byte| *byte != b' ');
    cells
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn a_terminal_shows_what_was_not_taken_back() {
        assert_eq!(visible(b"dm\x08 \x08mesg -c"), b"dmesg-c");
        // busybox at the right margin.
        assert_eq!(visible(b"Kernel p\x08panic"), b"Kernelpanic");
        assert_eq!(visible(b"\r\x07 \x1b"), b"");
    }
}
