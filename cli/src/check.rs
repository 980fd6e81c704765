//! `parallax check`: validation of files, without a run. Each is read by the function that reads it for
//! a run, with all that it names: profiles, films, recordings.

use crate::{
    args::CheckArgs,
    exit::{Exit, Stop},
    hil, inputs,
    kind::{FileKind, kind},
    output,
};
use parallax_scenario::Replacements;
use std::path::Path;

/// Runs `parallax check`.
///
/// # Errors
/// [`Stop::BadInput`] if a folder cannot be read or holds nothing to check. A file that is not sound
/// is no error here: it is reported, and the exit code says so.
pub(crate) fn run(arguments: &CheckArgs) -> Result<Exit, Stop> {
    let files = inputs::files(&arguments.files)?;
    let mut bad = 0;
    for file in &files {
        let name = file.display();
        match inputs::text(file) {
            Err(stop) => {
                bad += 1;
                output::say(format!("bad  {name}\n"));
                output::error(format!("{stop}\n"));
            }
            Ok(text) => {
                let kind = kind(&text);
                let read = read(kind, file, &text);
                let word = if read.is_ok() { "ok " } else { "bad" };
                output::say(format!("{word}  {name}  {kind}\n"));
                if let Err(stop) = read {
                    bad += 1;
                    output::error(format!("{name}, taken for a {kind}:\n{stop}\n"));
                }
            }
        }
    }
    let ok = files.len() - bad;
    output::say(match bad {
        0 => format!("{ok} ok\n"),
        _ => format!("{bad} bad, {ok} ok\n"),
    });
    Ok(if bad == 0 { Exit::Pass } else { Exit::BadInput })
}

fn read(kind: FileKind, file: &Path, text: &str) -> Result<(), Stop> {
    match kind {
        FileKind::Scenario => inputs::scenario(file, text, &Replacements::default()).map(drop),
        FileKind::Clip => inputs::clip(file, text),
        FileKind::Profile => inputs::profile_file(file, text).map(drop),
        FileKind::Bench => bench(file),
    }
}

/// Its boards' profiles are read with it, and have to have a console that a bench can drive. What it needs of
/// this machine, passwords among it, `parallax boards` tells.
fn bench(file: &Path) -> Result<(), Stop> {
    let bench = hil::bench(file)?;
    let mut wrong = Vec::new();
    for (name, board) in &bench.boards {
        let checked = hil::profile(file, board)
            .and_then(|profile| hil::drivable_with(name, board, &profile, |_| Some(String::new())));
        if let Err(stop) = checked {
            wrong.push(hil::of_board(file, board, &stop));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Stop::BadInput(wrong.join("\n\n"))) }
}
