//! The helper: a process that moves into a namespace of its own and starts the program's first process there.

use crate::{
    channel::Channel,
    error::ProgramError,
    init,
    message::{HelperReport, NamespacePlan},
    namespace,
};
use nix::sched::{CloneFlags, unshare};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, set_parent_process_death_signal};
use std::{
    ffi::OsString,
    io,
    os::fd::AsFd,
    process::{Command, Stdio},
};

/// The argument of the helper's child.
const INIT: &str = "init";

/// Runs the helper, whose standard input is a socket of its bench. It has to be called before any thread is
/// started: a process with threads may not change its user namespace.
///
/// # Errors
/// If it is started otherwise, or its bench is gone. Its bench gets a message about anything that is missing.
pub fn main(arguments: &[OsString]) -> Result<(), ProgramError> {
    let channel = Channel::of_input()?;
    match arguments {
        [] => helper(&channel),
        [one] if one == INIT => init::run(channel),
        _ => Err(ProgramError::Arguments),
    }
}

fn helper(channel: &Channel) -> Result<(), ProgramError> {
    // A program whose bench is gone has no power any more: its first process hears that from its socket.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    let (plan, _) = channel.receive::<NamespacePlan>()?.ok_or(ProgramError::Arguments)?;
    match start(&plan, channel) {
        Ok(mut child) => {
            child.wait()?;
            Ok(())
        }
        Err(error) => Ok(channel.send(&HelperReport::Failed(error.to_string()), None)?),
    }
}

fn start(plan: &NamespacePlan, channel: &Channel) -> Result<std::process::Child, ProgramError> {
    let program = std::env::current_exe()?;
    let tap = namespace::make(plan)?;
    channel.send(&HelperReport::Plugged, Some(tap.as_fd()))?;
    // The next child is the first process of a namespace for processes: with it ends all that it starts.
    unshare(CloneFlags::CLONE_NEWPID).map_err(|error| ProgramError::NoNamespace(error.into()))?;
    let subcommand = std::env::args_os().skip(1);
    let child = Command::new(program)
        .args(subcommand)
        .arg(INIT)
        .stdin(Stdio::from(channel.for_child()?))
        .spawn()?;
    let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let number = number.ok_or_else(|| io::Error::other("a process without a number"))?;
    let init = pidfd_open(number, PidfdFlags::empty()).map_err(io::Error::from)?;
    channel.send(&HelperReport::Init, Some(init.as_fd()))?;
    Ok(child)
}
