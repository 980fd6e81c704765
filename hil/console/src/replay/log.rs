//! Logs: what was typed stands in the lines of the board, as its echo.

use super::drive::Driver;
use crate::{State, signs::SIGNS, transcript::Form};

/// Bytes of a line in which a prompt is looked for.
const PROMPT_BYTES_MOST: usize = 160;

impl Driver<'_> {
    /// What was typed in a line of a log: what stands behind the prompt of a board that is ready.
    pub(super) fn typed_in(&self, line: &[u8]) -> Option<String> {
        if self.recording.form != Form::Log || self.state != State::Ready {
            return None;
        }
        let prompt = &self.console.profile().prompt;
        let most = line.len().min(PROMPT_BYTES_MOST);
        let end = (1..=most).find(|end| prompt.ends(&line[..*end]))?;
        let typed = &line[end..];
        // Or a log line was written over the prompt.
        let is_log = SIGNS.log_in(typed, 0) == Some(0);
        (!is_log).then(|| String::from_utf8_lossy(typed).into_owned())
    }

    /// Where in a line a prompt ends that more follows: in a log what was typed, for the board echoes it;
    /// else, or there as well, what was written over it.
    pub(super) fn prompt_in(&self, piece: &[u8]) -> Option<usize> {
        if !self.waits() {
            return None;
        }
        let profile = self.console.profile();
        let mut prompts = Vec::new();
        match &profile.login {
            // Before the login no shell takes commands, and much of a boot looks like a short prompt.
            Some(login) if !self.logged_in => prompts.push((&login.prompt, true)),
            Some(login) => {
                prompts.extend(login.password.as_ref().map(|(prompt, _)| (prompt, true)));
                prompts.push((&profile.prompt, true));
                // A board that has reset asks for its user.
                let resets = self.console.reason_due().is_some();
                prompts.extend(resets.then_some((&login.prompt, true)));
            }
            None => prompts.push((&profile.prompt, false)),
        }
        let tail = self.console.tail().0;
        let end = piece.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let text = [&tail, piece.get(..end.unwrap_or(piece.len()))?].concat();
        let most = text.len().min(PROMPT_BYTES_MOST);
        let is_prompt = |end: usize| {
            let mut starts = prompts.iter().map(|(prompt, anywhere)| {
                prompt.end_starts_at(&text[..end]).filter(|start| *anywhere || *start == 0)
            });
            starts.any(|start| start.is_some())
        };
        // Prompts end in something else than a word.
        let ends = (tail.len().max(1)..=most).filter(|end| !text[end - 1].is_ascii_alphanumeric());
        ends.into_iter().find(|end| is_prompt(*end)).map(|end| end - tail.len())
    }
}
