//! The `parallax` command: it reads arguments and files, starts workers, and writes what they
//! find. What a run does and what it comes to is decided elsewhere.

mod args;
mod environment;
mod exit;
mod inputs;
mod output;
mod sim;
mod verify;
mod worker;

use exit::Exit;
pub use worker::Guards;

use args::{Command, Parallax};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// Runs the command. `guards` is what keeps runs repeatable; every command but the test build's
/// has them all on.
pub fn main(guards: Guards) -> ExitCode {
    let parsed = match Parallax::try_parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no errors: clap prints them to the standard output.
            let code = if error.use_stderr() { Exit::BadInput } else { Exit::Pass };
            // Nobody may be there to read it.
            let _ = error.print();
            return code.into();
        }
    };
    let exit = match parsed.command {
        Some(Command::Sim(arguments)) => sim::run(&arguments, guards),
        Some(Command::Worker(arguments)) => worker::run(&arguments, guards).or_else(|fault| {
            // On the standard output, which is the worker's alone: libraries write to the other.
            output::say(&fault.to_string());
            Ok(fault.exit())
        }),
        None => {
            output::error(&Parallax::command().render_long_help().to_string());
            Ok(Exit::BadInput)
        }
    };
    exit.unwrap_or_else(|fault| {
        output::error(&fault.to_string());
        fault.exit()
    })
    .into()
}
