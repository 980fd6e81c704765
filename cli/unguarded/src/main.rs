//! The `parallax` command with a guard off, or none: `PARALLAX_GUARD_OFF` names it.
//!
//! It is there for the tests beside it, which show that `parallax sim --verify` sees what happens
//! without each guard. Nobody runs it for its results.

use parallax::Guards;
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let mut guards = Guards::default();
    match env::var("PARALLAX_GUARD_OFF").as_deref() {
        Ok("clock") => guards.world.clock = false,
        Ok("entropy") => guards.world.entropy = false,
        Ok("map-order") => guards.world.map_order = false,
        Ok("isolation") => guards.shared_process = true,
        Err(env::VarError::NotPresent) => {}
        // A misspelt guard would leave all of them on, and a test would show nothing.
        _ => return ExitCode::FAILURE,
    }
    parallax::main(guards)
}
