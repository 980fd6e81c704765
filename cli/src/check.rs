//! `parallax check`: whether files are sound, and nothing is run.

use crate::{
    args::CheckArgs,
    exit::{Exit, Stop},
    hil, inputs,
    kind::{Kind, kind},
    output,
};
use parallax_scenario::{Replacements, clip};
use std::path::Path;

/// Runs `parallax check`.
///
/// # Errors
/// [`Stop::BadInput`] if a folder cannot be read or holds nothing to check. A file that is not sound
/// is no error here: it is told, and the exit says so.
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

fn read(kind: Kind, file: &Path, text: &str) -> Result<(), Stop> {
    match kind {
        Kind::Scenario => inputs::scenario(file, text, &Replacements::default()).map(drop),
        // Its film is looked at with a scenario that names it.
        Kind::Clip => clip::parse(&file.display().to_string(), text)
            .map(drop)
            .map_err(|errors| inputs::bad(&errors)),
        Kind::Profile => inputs::profile_file(file, text).map(drop),
        Kind::Bench => bench(file),
    }
}

/// Its boards' profiles are read with it. What it needs of this machine, `parallax boards` tells.
fn bench(file: &Path) -> Result<(), Stop> {
    let bench = hil::bench(file)?;
    bench.boards.values().try_for_each(|board| hil::profile(file, board).map(drop))
}
