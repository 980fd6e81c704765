//! `parallax-process-board --console PATH --baud N --parent PID`: its cable is its standard input.

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match parallax_process_board::main(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a reader, the exit code says it.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
