//! The `parallax` command: it reads arguments and files, starts workers, and writes what they
//! find. What a run does and what it comes to is decided elsewhere.

mod args;
mod boards;
mod calibrate;
mod check;
mod child;
mod closing;
mod console;
mod display;
mod environment;
mod execute;
mod exit;
mod folder;
mod frames;
mod heard;
mod help;
mod hil;
mod init;
mod inputs;
mod interrupt;
mod keyboard;
mod kind;
mod log;
mod output;
mod owner;
mod progress;
mod protocol;
mod replay;
mod report;
mod runs;
mod schedule;
mod shipped;
mod sim;
mod values;
mod verify;
mod worker;
mod written;

use exit::{Exit, Stop};
pub use worker::CommandGuards;

use args::{Command, CompletionsArgs, Parallax};
use clap::{CommandFactory, Parser};
use parallax_render::escape::tame;
use std::{ffi::OsString, panic, process::ExitCode};

/// Runs the command. `guards` is what keeps runs repeatable; every command but the test build's
/// has them all on.
pub fn main(guards: CommandGuards) -> ExitCode {
    if let Err(stop) = one_line_arguments() {
        output::error(stop.to_string());
        return stop.exit().into();
    }
    let parsed = match Parallax::try_parse_from(arguments()) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Plain text, not clap's own colours: what it quotes of the arguments is foreign.
            let text = error.render().to_string();
            // Help and version are no errors.
            return match error.use_stderr() {
                true => {
                    output::error(text.trim_end());
                    Exit::BadInput
                }
                false => {
                    output::say(text);
                    output::unless_lost(Exit::Pass)
                }
            }
            .into();
        }
    };
    if let Err(stop) = interrupt::outlive_long_files() {
        output::error(stop.to_string());
        return stop.exit().into();
    }
    let exit = match parsed.command {
        Some(Command::Worker(arguments)) => {
            worker::run(&arguments, guards).unwrap_or_else(|stop| {
                output::say(protocol::WorkerMessage::Failed(stop.to_string()).line());
                stop.exit()
            })
        }
        Some(Command::ProcessBoard(board)) => {
            panic::set_hook(Box::new(|panic| output::error(panic.to_string())));
            a_board(parallax_process_board::main(&board.arguments))
        }
        Some(Command::ProgramBoard(board)) => a_board(parallax_program::main(&board.arguments)),
        command => {
            ask_to_report_panics();
            parent(command, guards).unwrap_or_else(|stop| {
                output::error(stop.to_string());
                stop.exit()
            })
        }
    };
    output::unless_lost(exit).into()
}

/// The arguments. To clap, what follows `help` is a command's name, even `--help`.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|first| first == "help") {
        arguments.retain(|argument| argument != "--help" && argument != "-h");
    }
    arguments
}

/// Refuses arguments with control characters: names and comments stand in lines of messages and files.
fn one_line_arguments() -> Result<(), Stop> {
    let with_controls = |text: &str| text.contains(char::is_control);
    let mut arguments = std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned());
    match arguments.find(|text| with_controls(text)) {
        None => Ok(()),
        Some(text) => Err(Stop::BadInput(format!(
            "an argument has a control character in it: {}\n  help: leave it out; a file with such a name has to be \
             renamed",
            tame(&text)
        ))),
    }
}

fn parent(command: Option<Command>, guards: CommandGuards) -> Result<Exit, Stop> {
    match command {
        Some(Command::Sim(arguments)) => sim::run(&arguments, guards),
        Some(Command::Check(arguments)) => check::run(&arguments),
        Some(Command::Report(arguments)) => report::run(&arguments),
        Some(Command::Hil(arguments)) => hil::run(&arguments),
        Some(Command::Boards(arguments)) => boards::run(&arguments),
        Some(Command::Console(arguments)) => console::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Calibrate(arguments)) => calibrate::run(&arguments),
        Some(Command::Init(arguments)) => init::run(&arguments),
        Some(Command::Completions(arguments)) => Ok(completions(&arguments)),
        // A child is none of a parent's.
        Some(Command::Worker(_) | Command::ProcessBoard(_) | Command::ProgramBoard(_)) | None => {
            output::error(Parallax::command().render_long_help().to_string());
            Ok(Exit::BadInput)
        }
    }
}

/// Prints completions: of every command that help lists.
fn completions(arguments: &CompletionsArgs) -> Exit {
    let all = Parallax::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut command =
        clap::Command::new("parallax").version(environment::VERSION).subcommands(shown);
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "parallax", &mut text);
    output::for_programs(&String::from_utf8_lossy(&text));
    Exit::Pass
}

/// A board of a bench: it has power until its bench takes it away.
fn a_board(ended: Result<(), impl std::fmt::Display>) -> Exit {
    match ended {
        Ok(()) => Exit::Pass,
        Err(error) => {
            output::error(error.to_string());
            Exit::Fault
        }
    }
}

/// A panic, on whatever thread, is a fault of Parallax, and says so. Its workers end with it.
fn ask_to_report_panics() {
    panic::set_hook(Box::new(move |panic| {
        // The message is for a terminal that begins its lines anew.
        keyboard::give_back();
        let trace = std::backtrace::Backtrace::capture();
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            output::error(trace.to_string());
        }
        output::error(panic.to_string());
        output::error(
            "this is a fault of Parallax, not of your input\n  help: please report it, with the \
             lines above and the command that you called",
        );
        std::process::exit(Exit::Fault.code().into());
    }));
}
