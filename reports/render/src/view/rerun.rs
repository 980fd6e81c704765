//! The line that runs a run again.

use crate::escape::tame;
use parallax_record::{MediaMode, Summary};

/// The command that runs a run again. A summary knows its scenario by name, not the file's folder: the
/// reader puts that before it.
#[must_use]
pub fn rerun(run: &Summary) -> String {
    let file = quoted(&format!("{}.toml", tame(&run.scenario)));
    let media = match run.media_mode {
        MediaMode::Live => "",
        MediaMode::Prerecorded => " --media prerecorded",
    };
    format!("parallax sim {file} --seed {}{media}", run.seed)
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
