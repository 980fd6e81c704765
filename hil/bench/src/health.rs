//! Checkup of a board before a run: it comes up, logs in, is set up, and has an agent of this version that
//! answers over console and network. It goes the way of a run, and ends where the camera would be ordered.

use crate::{
    able::camera,
    attend::Attendance,
    hold::Hold,
    journal::Journal,
    place::BoardPlace,
    profile,
    run::{BoardRun, RunError, Setup, order, play, system},
    words::{Blame, in_one_line},
};
use parallax_board::Recorder;
use parallax_fabric::header;
use parallax_lab::StopSignal;
use parallax_record::Clock;
use parallax_scenario::{Builtin, ConsoleTraits, Profile, parse};
use std::{ffi::OsString, fs, io, path::Path, time::Duration};
use tempfile::TempDir;

/// A network that any board can be in: nothing is judged.
const SCENARIO: &str = r#"
schema = 1
title = "A checkup"
why = "A board has to be somewhere while it is looked at."
duration = "1min"

[site.bench]
internet = false

[services]
rendezvous = false

[peer.board]
site = "bench"
camera = { profile = "process-board", video = { clip = "bunny", size = "320x240", frames_per_second = 15, bit_rate = "400kbit/s" } }

[peer.viewer]
site = "bench"
views = ["board"]
viewer = { profile = "phone", jitter_buffer = "80ms" }

[[check]]
connects = { within = "1min" }
why = "A scenario demands something."
"#;
/// Beside boot and steps: agent, clock and network have their own limits, all below.
const MARGIN: Duration = Duration::from_secs(40);

/// A look at a board.
#[derive(Debug)]
pub struct Checkup<'a> {
    /// The board's name.
    pub board: &'a str,
    /// Where it is. The caller holds it ([`take`](crate::take)).
    pub place: &'a BoardPlace,
    /// That it is held.
    pub hold: Option<&'a Hold>,
    /// Its type.
    pub profile: &'a Profile,
    /// What starts a process board.
    pub command: &'a [OsString],
    /// Where the transcript goes, in the place of what is there.
    pub transcript: &'a Path,
    /// Ends it early: then nothing is known.
    pub stop: StopSignal,
}

/// Looks whether a board is fit for a run; none: it is. It takes a boot, where the bench switches the board.
///
/// # Errors
/// If the check itself failed: files, threads.
pub fn check(checkup: &Checkup<'_>) -> Result<Option<Blame>, RunError> {
    let unfit = |why: String| RunError::Unfit { scenario: "a checkup".to_owned(), why };
    let traits = checkup.profile.console.as_ref();
    let traits = traits.ok_or_else(|| unfit("its profile has no [console]".to_owned()))?;
    let console =
        profile::console(checkup.board, checkup.profile, |name| std::env::var(name).ok())?;
    let mut scenario =
        parse("checkup.toml", SCENARIO, &Builtin).map_err(|errors| unfit(errors.to_string()))?;
    scenario.duration = most(traits);
    for peer in scenario.peers.iter_mut().filter(|peer| peer.camera.is_some()) {
        peer.profile = checkup.profile.clone();
    }
    match fs::remove_file(checkup.transcript) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(system(format!("replace {}", checkup.transcript.display()))(cause));
        }
        _ => {}
    }
    let recorder = Recorder::create(checkup.transcript)?;
    let folder = TempDir::new().map_err(system("make a folder"))?;
    let run = BoardRun {
        board: checkup.board,
        hold: checkup.hold,
        stop: checkup.stop.clone(),
        ..BoardRun::new(&scenario, checkup.place, checkup.command, folder.path())
    };
    let header = header(&scenario, run.seed, run.version, Clock::Real { bound_us: 1 });
    let journal = Journal::begin(folder.path(), header).map_err(system("begin a journal"))?;
    let peer = camera(&scenario).ok_or_else(|| unfit("it has no camera".to_owned()))?;
    let order = order(&run).ok_or_else(|| unfit("it has no order".to_owned()))?;
    let setup = Setup { peer, traits, console, order, recorder, is_checkup: true };
    let played = play(&run, &journal, setup, None);
    journal.end();
    Ok(match played {
        Ok((_, heard)) => blame(&heard),
        Err(error) => Some(Blame::Lab(in_one_line(&error))),
    })
}

/// Longer than all that has a limit of its own.
fn most(traits: &ConsoleTraits) -> Duration {
    let steps = u32::try_from(traits.setup.len() + 2).unwrap_or(u32::MAX);
    let all = traits.boot_timeout.saturating_add(traits.step_timeout.saturating_mul(steps));
    all.saturating_add(MARGIN) * traits.timeout_factor_per_mille.max(1_000) / 1_000
}

fn blame(heard: &Attendance) -> Option<Blame> {
    let silent = || {
        Blame::Unknown(
            "its agent runs, and nothing of it came over its network: help: see its cable, and whether its \
             profile's `setup` has it get an address"
                .to_owned(),
        )
    };
    let told = heard.entries.iter().find_map(|entry| Blame::of(&entry.event));
    told.or_else(|| (heard.answers == 0).then(silent))
}
