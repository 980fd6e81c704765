//! `parallax boards`: what stands on a bench, and in what state.

use crate::{
    args::BoardsArgs,
    exit::{Exit, Stop},
    hil::{bench, drivable, profile},
    output,
};
use parallax_bench::state;
use parallax_render::terminal;

/// Runs `parallax boards`.
///
/// # Errors
/// If the bench file is none.
pub(crate) fn run(arguments: &BoardsArgs) -> Result<Exit, Stop> {
    let bench = bench(&arguments.bench)?;
    output::say(&format!("{}\n", terminal::tame(&bench.title)));
    let mut trouble = false;
    for (name, board) in &bench.boards {
        let seen = state(&board.place);
        let health = match profile(&arguments.bench, board).and_then(|found| drivable(name, &found))
        {
            Ok(()) => seen.trouble.map_or_else(|| Ok("can be driven".to_owned()), Err),
            Err(stop) => Err(stop.to_string()),
        };
        trouble |= health.is_err();
        let health = health.unwrap_or_else(|trouble| trouble);
        let parts = seen.parts.join("  ");
        output::say(&format!("{name}  {}  {parts}  {health}\n", board.profile));
    }
    // On a board that cannot be driven nothing can be said.
    Ok(if trouble { Exit::Inconclusive } else { Exit::Pass })
}
