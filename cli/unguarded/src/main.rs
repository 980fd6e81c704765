//! The `parallax` command with a guard off, or none: `PARALLAX_GUARD_OFF` names it. Or with a fault
//! planted in the runs of one seed, or in the parent: `PARALLAX_PLANT=panic:7`, `memory:7`,
//! `hang:7`, `parent`.
//!
//! It is there for the tests beside it, which show that `parallax sim --verify` sees what happens
//! without each guard, and that a run that breaks costs that run alone. It is not run for its
//! results.

use parallax_cli::CommandGuards;
use parallax_world::{Fault, Plant};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let mut guards = CommandGuards::default();
    match env::var("PARALLAX_GUARD_OFF").as_deref() {
        Ok("clock") => guards.world.clock = false,
        Ok("entropy") => guards.world.entropy = false,
        Ok("map-order") => guards.world.map_order = false,
        Ok("isolation") => guards.shared_process = true,
        Err(env::VarError::NotPresent) => {}
        // A misspelt guard would leave all of them on, and a test would show nothing.
        _ => return ExitCode::FAILURE,
    }
    match env::var("PARALLAX_PLANT").as_deref() {
        Ok("parent") => guards.parent_panics = true,
        Ok(text) => match plant(text) {
            Some(plant) => guards.world.plant = Some(plant),
            None => return ExitCode::FAILURE,
        },
        Err(env::VarError::NotPresent) => {}
        Err(_) => return ExitCode::FAILURE,
    }
    parallax_cli::main(guards)
}

fn plant(text: &str) -> Option<Plant> {
    let (fault, seed) = text.split_once(':')?;
    let fault = match fault {
        "panic" => Fault::Panic,
        "memory" => Fault::Memory,
        "hang" => Fault::Hang,
        _ => return None,
    };
    Some(Plant { fault, seed: seed.parse().ok()? })
}
