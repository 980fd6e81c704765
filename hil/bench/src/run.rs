//! A scenario with a board in the place of its camera.

use crate::{
    able::camera,
    attend::{Attended, Heard, attend},
    offset::BoardClock,
    place::Place as BoardPlace,
    profile::{self, ProfileError},
    proxy,
    stand::{Opening, Stand},
};
use parallax_agent::protocol::{CameraOrder, FromBoard, ToBoard};
use parallax_board::{
    BoardError, PowerError, Recorder, RecorderError, WriteError as PortError, now_ns,
};
use parallax_console::{Console, Nonce};
use parallax_fabric::{RENDEZVOUS_PORT, header, secrets};
use parallax_lab::{
    Beside, CableError, Config, DEFAULT_BUDGET, LabError, Outcome, Outside, Place, Stop,
};
use parallax_record::{Clock, Entry, Record, Summary, WriteError, Writer, judge};
use parallax_scenario::{CongestionControl, Scenario};
use parallax_signalling::Token;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::mpsc,
    thread,
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A run to be.
#[derive(Debug)]
pub struct Run<'a> {
    /// The scenario; its camera's profile is the board's.
    pub scenario: &'a Scenario,
    /// Of the network's randomness.
    pub seed: u64,
    /// The board's name.
    pub board: &'a str,
    /// Where it is.
    pub place: &'a BoardPlace,
    /// What the 99th percentile of the lateness of packets may be; none: the lab's default.
    pub lateness_budget: Option<Duration>,
    /// What starts a process board.
    pub command: &'a [OsString],
    /// Where record and transcript go; it is there.
    pub folder: &'a Path,
    /// Parallax's.
    pub version: &'a str,
    /// Ends the run early: what was measured so far is its record.
    pub stop: Stop,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Verdict and figures.
    pub summary: Summary,
    /// The record's file.
    pub record: PathBuf,
}

/// Why there is no record of a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario is none for a board.
    #[error("failed to run {scenario} on a board: {why}")]
    Unfit {
        /// The scenario.
        scenario: String,
        /// Why.
        why: String,
    },
    /// The profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The lab.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The board's console.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The transcript.
    #[error(transparent)]
    Transcript(#[from] RecorderError),
    /// The process.
    #[error("failed to switch the board on: {0}")]
    Power(io::Error),
    /// Its power is switched by the bench, and was not.
    #[error(transparent)]
    Switch(#[from] PowerError),
    /// A control line resets it, and did not.
    #[error("failed to reset the board: {0}")]
    Reset(PortError),
    /// The bench does not say where its network is.
    #[error(
        "failed to plug the board's cable in: the bench does not say where it is\n  help: add \
         `network = {{ interface = \"...\" }}` to the board"
    )]
    NoNetwork,
    /// Its cable.
    #[error(transparent)]
    Cable(#[from] CableError),
    /// Files, sockets, threads.
    #[error("failed to {what}: {cause}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The record.
    #[error("failed to {0}")]
    Record(#[from] WriteError),
    /// A thread of the run panicked.
    #[error("failed to run: a thread panicked")]
    Panicked,
}

fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> RunError {
    let what = what.into();
    move |cause| RunError::System { what, cause }
}

/// What is said between the board's console and its place in the network.
struct Ends {
    to_proxy: UnboundedSender<FromBoard>,
    from_proxy: mpsc::Receiver<ToBoard>,
    begun: mpsc::Receiver<Place>,
}

/// Runs a scenario with a board in the place of its camera, in real time.
///
/// # Errors
/// If there is no record. What the board does wrong is in the record.
pub fn run(run: &Run<'_>) -> Result<Ran, RunError> {
    let unfit =
        |why: &str| RunError::Unfit { scenario: run.scenario.id.clone(), why: why.to_owned() };
    let peer = camera(run.scenario).ok_or_else(|| unfit("it has no camera"))?;
    let traits = peer.profile.console.as_ref();
    let traits = traits.ok_or_else(|| unfit("its camera's profile has no [console]"))?;
    let profile = profile::console(run.board, traits, |name| std::env::var(name).ok())?;
    let order = order(run).ok_or_else(|| unfit("a number of its camera is too large"))?;
    let (mut stand, cable) = Stand::prepare(run.place, run.command, traits)?;
    let (beside, ends) = beside();
    let config = Config {
        outside: BTreeMap::from([(peer.name.clone(), Outside::Board(cable))]),
        budget: run.lateness_budget.unwrap_or(DEFAULT_BUDGET),
        beside: BTreeMap::from([(peer.name.clone(), beside)]),
        stop: run.stop.clone(),
        ..Config::new(run.seed)
    };
    let transcript = run.folder.join("console.txt");
    // One of an earlier run goes with its record.
    let _ = fs::remove_file(&transcript);
    let recorder = Recorder::create(&transcript)?;
    let (outcome, heard) = thread::scope(|scope| {
        let lab = scope.spawn(|| parallax_lab::run(run.scenario, config));
        let heard = ends.begun.recv().ok().map(|place| {
            let nonce = nonce();
            let baud = traits.bauds.first().copied().unwrap_or(115_200);
            // Its power comes on with the run.
            let lines = profile.lines;
            let console = Console::new(profile, nonce);
            let mut board = stand.on(Opening { console, recorder, baud, lines })?;
            let clock = BoardClock::new(now_ns().saturating_sub(place.clock().now().as_nanos()));
            let Ends { to_proxy, from_proxy, .. } = ends;
            let (peer, board) = (peer.name.as_str(), &mut board);
            drop(place);
            let (nonce, setup) = (self::nonce(), traits.setup.as_slice());
            Ok(attend(Attended { board, nonce, order, setup, peer, clock, to_proxy, from_proxy }))
        });
        if !matches!(heard, Some(Ok(_))) {
            run.stop.now();
        }
        (lab.join(), heard)
    });
    // It is switched off.
    drop(stand);
    let outcome = outcome.map_err(|_| RunError::Panicked)??;
    let heard = heard.unwrap_or(Err(RunError::Panicked))?;
    write(run, outcome, heard)
}

/// What speaks TCP for the board, and the other ends of what it speaks by.
fn beside() -> (Beside, Ends) {
    let (to_proxy, from_board): (_, UnboundedReceiver<FromBoard>) = unbounded_channel();
    let (to_board, from_proxy) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let beside = Beside::new(move |place: Place| {
        // Whoever attends to the board may have failed already.
        let _ = begin.send(place.clone());
        proxy::serve(place, from_board, to_board)
    });
    (beside, Ends { to_proxy, from_proxy, begun })
}

/// Never the same twice: from the keys that the standard library draws for each process and call.
fn nonce() -> Nonce {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(now_ns());
    Nonce((hasher.finish() >> 32) as u32)
}

fn order(run: &Run<'_>) -> Option<CameraOrder> {
    let peer = camera(run.scenario)?;
    let camera = peer.camera.as_ref()?;
    let video = &camera.video;
    let token = secrets(run.scenario, run.seed).into_iter().next()?;
    let rendezvous = run.scenario.services.rendezvous;
    let gcc_bps = match camera.congestion_control {
        CongestionControl::None => None,
        CongestionControl::Gcc { floor_bits_per_second, ceiling_bits_per_second } => {
            Some((floor_bits_per_second.try_into().ok()?, ceiling_bits_per_second.try_into().ok()?))
        }
    };
    Some(CameraOrder {
        name: peer.name.clone(),
        token: Token::new(token),
        rendezvous: rendezvous.map(|at| (at, RENDEZVOUS_PORT).into()),
        own: (peer.address, RENDEZVOUS_PORT).into(),
        clip: video.clip.name().to_owned(),
        width: video.size.width.try_into().ok()?,
        height: video.size.height.try_into().ok()?,
        frames_per_second: video.frames_per_second.try_into().ok()?,
        bit_rate_bps: video.bit_rate_bits_per_second.try_into().ok()?,
        key_frame_interval: video.key_frame_interval_frames,
        skip_frames: video.skip_frames,
        pacer_bps: camera.pacer_bits_per_second.map(u32::try_from).transpose().ok()?,
        gcc_bps,
    })
}

/// Puts together what lab and board told.
fn write(run: &Run<'_>, outcome: Outcome, heard: Heard) -> Result<Ran, RunError> {
    let end_ns = u64::try_from(outcome.duration.as_nanos()).unwrap_or(u64::MAX);
    let mut entries = outcome.entries;
    entries.extend(heard.entries.into_iter().map(|mut entry: Entry| {
        // What is said after the end, of the run as a whole, belongs to its last moment.
        entry.run_ns = entry.run_ns.min(end_ns);
        entry
    }));
    // Stable: what happened at one time stays in its order.
    entries.sort_by_key(|entry| entry.run_ns);
    let whole_us = u64::try_from(run.scenario.duration.as_micros()).unwrap_or(u64::MAX);
    let bound_us = if heard.jumped { whole_us } else { heard.bound_us.max(1) };
    let header = header(run.scenario, run.seed, run.version, Clock::Real { bound_us });
    let record = run.folder.join("record.jsonl");
    let file = File::create(&record).map_err(system(format!("write {}", record.display())))?;
    let mut writer = Writer::new(BufWriter::new(file), &header)?;
    for entry in &entries {
        writer.entry(entry)?;
    }
    let (file, _) = writer.finish(&outcome.packets_sha256)?;
    file.into_inner()
        .map_err(|error| system(format!("write {}", record.display()))(error.into_error()))?;
    let bytes = fs::read(&record).map_err(system(format!("read {}", record.display())))?;
    let read = Record::read(&bytes).map_err(|error| {
        system(format!("read {}", record.display()))(io::Error::other(error.to_string()))
    })?;
    Ok(Ran { summary: judge(&read), record })
}
