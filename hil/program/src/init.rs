//! The first process of a program's namespace: starts the program, and reports how it ends.

use crate::{
    channel::Channel,
    end::ProgramEnd,
    error::ProgramError,
    message::{HelperReport, ProgramStart},
};
use rustix::{
    io::Errno,
    mount::{MountFlags, mount},
    process::{Pid, WaitOptions, WaitStatus, wait},
};
use std::{
    io,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
};

/// Runs until the program and all that it has started have ended, or the bench is gone.
pub(crate) fn run(channel: Channel) -> Result<(), ProgramError> {
    let (start, _) = channel.receive::<ProgramStart>()?.ok_or(ProgramError::Arguments)?;
    // Numbers of processes are those of this namespace. Containers may forbid it, and nothing here needs it.
    let _ = mount("proc", "/proc", "proc", MountFlags::empty(), None);
    let program = match spawn(&start) {
        Ok(child) => child,
        Err(error) => return Ok(channel.send(&HelperReport::Failed(error.to_string()), None)?),
    };
    channel.send(&HelperReport::Started, None)?;
    let channel = Arc::new(channel);
    let bench = Arc::clone(&channel);
    thread::spawn(move || {
        // The bench says nothing more: its end is waited for. All processes here end with this one.
        while let Ok(Some(_)) = bench.receive::<()>() {}
        std::process::exit(0);
    });
    reap(&channel, program.id())
}

fn spawn(start: &ProgramStart) -> Result<Child, ProgramError> {
    let (program, arguments) = start.command.split_first().ok_or(ProgramError::Arguments)?;
    Command::new(program)
        .args(arguments)
        .current_dir(&start.folder)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|cause| ProgramError::NoProgram { program: program.clone(), cause })
}

/// Waits for all processes of the namespace; orphans are this process's, too.
fn reap(channel: &Channel, program: u32) -> Result<(), ProgramError> {
    let program = i32::try_from(program).ok().and_then(Pid::from_raw);
    let mut ended = None;
    loop {
        // The program's end is reported when it is known whether others go on.
        let options = if ended.is_some() { WaitOptions::NOHANG } else { WaitOptions::empty() };
        match wait(options) {
            Ok(Some((process, status))) if Some(process) == program => ended = Some(end(status)),
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => {
                if let Some(end) = ended.take() {
                    channel.send(&HelperReport::Ended { end, others: true }, None)?;
                }
            }
            Err(Errno::CHILD) => {
                let report = match ended {
                    Some(end) => HelperReport::Ended { end, others: false },
                    None => HelperReport::Empty,
                };
                return Ok(channel.send(&report, None)?);
            }
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

fn end(status: WaitStatus) -> ProgramEnd {
    match status.terminating_signal() {
        Some(signal) => ProgramEnd::Signal(signal),
        None => ProgramEnd::Code(status.exit_status().unwrap_or(0)),
    }
}
