//! `parallax-agent --nonce 7f3a9c01`, on a board's console: a bench starts it.

use parallax_agent::{AgentClock, Kernel, run};
use parallax_console::Nonce;
use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

const USAGE: &str = "failed to start: no nonce\nhelp: parallax-agent --nonce HEX, eight digits, on \
                     the board's console; a bench does so";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let nonce = match &arguments[..] {
        [flag, hex] if flag == "--nonce" => u32::from_str_radix(hex, 16).ok().map(Nonce),
        _ => None,
    };
    let ended = match nonce {
        Some(nonce) => run(Kernel, AgentClock::start(), nonce, io::stdin(), io::stdout())
            .map_err(|e| (1, e.to_string())),
        None => Err((2, USAGE.to_owned())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, text)) => {
            // Without a reader, the exit code says it.
            let _ = writeln!(io::stderr(), "{text}");
            ExitCode::from(code)
        }
    }
}
