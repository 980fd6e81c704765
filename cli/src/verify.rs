//! `--verify`: the same run again, elsewhere, and what differs.

use crate::{
    child::{self, Ended, WorkerWatch},
    runs::PlannedRun,
    worker::CommandGuards,
};
use parallax_record::first_difference;
use std::{
    fs, io,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Runs `run` a second time: later, in another environment and folder, beside busy threads. Its
/// record and packets must be those of the first, byte for byte.
///
/// What [`Ended::Broken`] says is the first record and the first packet that differ, or why it could
/// not run.
pub(crate) fn again(run: &PlannedRun<'_>, guards: CommandGuards, watch: WorkerWatch<'_>) -> Ended {
    let folder = run.folder.join("verify");
    let refused = |what: &Path, error| {
        Ended::Broken(format!("failed to verify: {}: {error}", what.display()))
    };
    if let Err(error) = parallax_files::create_folder(&folder) {
        return refused(&folder, error);
    }
    match second_run(run, guards, &folder, watch) {
        Ended::Whole => {}
        Ended::Broken(cause) => {
            let text = format!("the second run did not end as the first did: {cause}");
            return Ended::Broken(text);
        }
        Ended::Interrupted => return Ended::Interrupted,
    }
    if let Err(difference) = compare(run, &folder) {
        return Ended::Broken(difference);
    }
    // Packets are large, and of no use where nothing differs.
    match forget(run) {
        Ok(()) => Ended::Whole,
        Err(error) => refused(&folder, error),
    }
}

/// Removes what an earlier run that differed has left.
pub(crate) fn forget(run: &PlannedRun<'_>) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    gone(fs::remove_dir_all(run.folder.join("verify")))?;
    gone(fs::remove_file(run.packets()))
}

fn second_run(
    run: &PlannedRun<'_>,
    guards: CommandGuards,
    folder: &Path,
    watch: WorkerWatch<'_>,
) -> Ended {
    let folder = match fs::canonicalize(folder) {
        Ok(folder) => folder,
        Err(error) => return Ended::Broken(format!("failed to verify: {error}")),
    };
    let mut arguments = run.worker();
    arguments.record = folder.join("record.jsonl");
    arguments.packets = Some(folder.join("packets.txt"));
    arguments.runs_before = u32::from(guards.shared_process);
    arguments.log = None;
    arguments.frames = None;
    // The first run wrote one, the second does not: that it changes nothing is held by that.
    arguments.capture = None;
    // The worker stands in another folder: what it needs is named from the root.
    arguments.file = fs::canonicalize(&arguments.file).unwrap_or(arguments.file);
    for device in &mut arguments.profiles {
        if device.profile.ends_with(".toml")
            && let Ok(file) = fs::canonicalize(&device.profile)
        {
            device.profile = file.display().to_string();
        }
    }
    let mut command = match child::command(&arguments) {
        Ok(command) => command,
        Err(error) => return Ended::Broken(error),
    };
    command
        .current_dir(&folder)
        .env("TZ", "Pacific/Kiritimati")
        .env("LANG", "tr_TR.UTF-8")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("HOME", &folder)
        .env("PARALLAX_VERIFY_PADDING", "x".repeat(4_321))
        .env_remove("USER");
    // Another second of the wall clock, at least.
    thread::sleep(Duration::from_millis(1_100));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..run.share_of_cores() {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let ended = child::wait(command, &run.input.text, watch);
        done.store(true, Ordering::Relaxed);
        ended
    })
}

fn compare(run: &PlannedRun<'_>, folder: &Path) -> Result<(), String> {
    let both = |first: &Path, name: &str| -> Result<_, String> {
        let read = |file: &Path| {
            parallax_files::read(file, parallax_files::RECORD_MOST)
                .map_err(|error| format!("failed to verify: {}: {error}", file.display()))
        };
        Ok(first_difference(&read(first)?, &read(&folder.join(name))?))
    };
    let record = both(&run.record(), "record.jsonl")?;
    let packet = both(&run.packets(), "packets.txt")?;
    if record.is_none() && packet.is_none() {
        return Ok(());
    }
    let mut text = String::from("a second run with the same seed differs");
    for (what, difference) in [("record", record), ("packet", packet)] {
        let Some(difference) = difference else {
            text += &format!("; no {what} differs");
            continue;
        };
        let shown = |line: &Option<String>| match line {
            Some(line) => cut(line),
            None => "nothing".to_owned(),
        };
        text += &format!(
            "; first {what} that differs, line {}: {} / {}",
            difference.line,
            shown(&difference.first),
            shown(&difference.second)
        );
    }
    text += &format!("; both runs are kept in {}", run.folder.display());
    Err(text)
}

/// The beginning of a long line.
fn cut(line: &str) -> String {
    const MOST: usize = 240;
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}
