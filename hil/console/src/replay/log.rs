//! Logs: what was typed stands in the lines of the board, as its echo.

use super::drive::Driver;
use crate::transcript::Form;

/// Bytes of a line in which a prompt is looked for.
const PROMPT_BYTES_MOST: usize = 160;

impl Driver<'_> {
    /// Where in a line of a log a prompt ends: what was typed behind it stands there as well, for the
    /// board echoes it.
    pub(super) fn prompt_in(&self, piece: &[u8]) -> Option<usize> {
        if self.recording.form != Form::Log || !self.waits() || !self.console.tail().0.is_empty() {
            return None;
        }
        let profile = self.console.profile();
        let mut prompts = Vec::new();
        match &profile.login {
            // Before the login no shell takes commands, and much of a boot looks like a short prompt.
            Some(login) if !self.logged_in => prompts.push(&login.prompt),
            Some(login) => {
                prompts.extend(login.password.as_ref().map(|(prompt, _)| prompt));
                prompts.push(&profile.prompt);
            }
            None => prompts.push(&profile.prompt),
        }
        let end = piece.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let most = end.unwrap_or(piece.len()).min(PROMPT_BYTES_MOST);
        // Prompts end in something else than a word.
        let ends = (1..=most).filter(|end| !piece[end - 1].is_ascii_alphanumeric());
        ends.into_iter().find(|end| prompts.iter().any(|prompt| prompt.ends(&piece[..*end])))
    }
}
