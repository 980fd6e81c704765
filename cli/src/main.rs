//! The `parallax` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    parallax_cli::main(parallax_cli::CommandGuards::default())
}
