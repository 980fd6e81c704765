//! A scenario with a board in the place of its camera.

mod error;
mod program;

pub(crate) use self::error::system;
use crate::{
    able::camera,
    attend::{Attendance, AttendanceEnd, Attended, attend},
    browser::{Browser, Plugged},
    hold::Hold,
    journal::{Journal, put},
    offset::{BoardClock, Zero},
    place::{BoardPlace, ProgramPlace},
    profile, proxy,
    stand::{Opening, Stand},
    switched::Switched,
    words::in_one_line,
};
use parallax_agent::protocol::{CameraOrder, FromBoard, ToBoard};
use parallax_board::{Board, Recorder, RecorderError, now_ns};
use parallax_console::{Console, ConsoleProfile, Nonce, Request, transcript::TranscriptKind};
use parallax_fabric::{KeptPicture, RENDEZVOUS_PORT, header, secrets};
use parallax_lab::{
    BoardProxy, BoardSite, Cable, Config, DEFAULT_BUDGET, ExternalPeer, LabOutcome, SideChannel,
    SideDatagram, StopSignal,
};
use parallax_record::{Clock, Entry, Event, Header, PeerHeader, Record, Summary, judge};
use parallax_scenario::{ConsoleTraits, Peer, Scenario, SignallingProtocol};
use parallax_signalling::Token;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io, mem,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use self::error::RunError;

/// A run to be.
#[derive(Debug)]
pub struct BoardRun<'a> {
    /// The scenario; its camera's profile is the board's.
    pub scenario: &'a Scenario,
    /// Of the network's randomness.
    pub seed: u64,
    /// Which of several of the same it is, from 1; none: it is one.
    pub repeat: Option<u32>,
    /// The board's name.
    pub board: &'a str,
    /// Where it is. The caller holds it ([`take`](crate::take)).
    pub place: &'a BoardPlace,
    /// That it is held: a port that comes with its power has more names then.
    pub hold: Option<&'a Hold>,
    /// What the 99th percentile of the lateness of packets may be; none: the lab's default.
    pub lateness_budget: Option<Duration>,
    /// Whether a browser is the viewer.
    pub browser: bool,
    /// What starts a process board.
    pub command: &'a [OsString],
    /// What came of earlier attempts at this run.
    pub earlier: &'a [String],
    /// Where record and transcript go; it is there.
    pub folder: &'a Path,
    /// Parallax's.
    pub version: &'a str,
    /// Ends the run early: what was measured so far is its record.
    pub stop: StopSignal,
}

impl<'a> BoardRun<'a> {
    /// The run of a scenario on the board that is at `place`, started by `command` if it is a process, into
    /// `folder`: with seed 1, once, with the lab's own viewer and budget, not ended early.
    pub fn new(
        scenario: &'a Scenario,
        place: &'a BoardPlace,
        command: &'a [OsString],
        folder: &'a Path,
    ) -> Self {
        Self {
            scenario,
            seed: 1,
            repeat: None,
            board: "board",
            place,
            hold: None,
            lateness_budget: None,
            browser: false,
            command,
            earlier: &[],
            folder,
            version: env!("CARGO_PKG_VERSION"),
            stop: StopSignal::default(),
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Verdict and figures.
    pub summary: Summary,
    /// The record's file.
    pub record: PathBuf,
    /// Why the browser had no sandbox, if one took part and had none.
    pub unconfined: Option<String>,
    /// Of each stream, the pictures of the rendered frames with the lowest PSNR: received and source.
    pub pictures: Vec<KeptPicture>,
}

/// Runs a scenario with a board in the place of its camera, in real time. Whatever breaks once it has
/// begun is in the record: that run is an error.
///
/// # Errors
/// If it could not begin, or there is no record. What the board does wrong is in the record.
pub fn run(run: &BoardRun<'_>) -> Result<Ran, RunError> {
    run_writing(run, Recorder::create)
}

/// As [`run`], with the transcript written as `begin` says, which gets the file's name.
///
/// # Errors
/// As [`run`].
pub fn run_writing(
    run: &BoardRun<'_>,
    begin: impl FnOnce(&Path) -> Result<Recorder, RecorderError>,
) -> Result<Ran, RunError> {
    let peer = camera(run.scenario).ok_or_else(|| unfit(run, "it has no camera"))?;
    let prepared = Prepared::of(run, peer)?;
    for old in ["record.jsonl", "console.txt"] {
        // What is there of an earlier run goes; what is not there need not.
        let _ = fs::remove_file(run.folder.join(old));
    }
    let recorder = begin(&run.folder.join("console.txt"))?;
    let mut browser = run.browser.then(|| Browser::start(run.scenario, run.seed)).transpose()?;
    let header = header_of(run, browser.as_ref(), Clock::Real { bound_us: whole_us(run) });
    let journal = Journal::begin(run.folder, header)
        .map_err(system(format!("write to {}", run.folder.display())))?;
    let earlier = earlier(run, peer);
    let _ = journal.sink().send(earlier.clone());
    let played = match prepared {
        Prepared::Program(place) => program::play(run, &journal, peer, place, recorder),
        Prepared::Console(traits, console, order) => {
            let (console, order) = (*console, *order);
            let setup = Setup { peer, traits, console, order, recorder, is_checkup: false };
            play(run, &journal, setup, browser.as_mut())
        }
    };
    let journal = journal.end();
    let (record, pictures) = match played {
        Ok((mut outcome, heard)) => {
            let pictures = mem::take(&mut outcome.pictures);
            (recorded(run, earlier, outcome, heard, browser.as_ref())?, pictures)
        }
        Err(error) => (broken(&journal, &error)?, Vec::new()),
    };
    let path = run.folder.join("record.jsonl");
    put(&path, &record).map_err(system(format!("write {}", path.display())))?;
    // Everything that is in it is in the record.
    let _ = fs::remove_file(&journal);
    let unconfined = browser.as_ref().and_then(|it| it.unconfined()).map(str::to_owned);
    Ok(Ran { summary: judge(&record), record: path, unconfined, pictures })
}

/// The board of a run, with what is needed to attend to it.
enum Prepared<'a> {
    /// A program, by its output and its end.
    Program(&'a ProgramPlace),
    /// A board on a console, with what its agent is ordered to do.
    Console(&'a ConsoleTraits, Box<ConsoleProfile>, Box<CameraOrder>),
}

impl<'a> Prepared<'a> {
    fn of(run: &BoardRun<'a>, peer: &'a Peer) -> Result<Self, RunError> {
        if let BoardPlace::Program(place) = run.place {
            return Ok(Self::Program(place));
        }
        let traits = peer.profile.console.as_ref();
        let traits = traits.ok_or_else(|| unfit(run, "its camera's profile has no [console]"))?;
        let console = profile::console(run.board, &peer.profile, |name| std::env::var(name).ok())?;
        let order = order(run).ok_or_else(|| unfit(run, "a number of its camera is too large"))?;
        Ok(Self::Console(traits, Box::new(console), Box::new(order)))
    }
}

/// Why a scenario cannot run on the board.
pub(crate) fn unfit(run: &BoardRun<'_>, why: &str) -> RunError {
    RunError::Unfit { scenario: run.scenario.id.to_string(), why: why.to_owned() }
}

/// What a run needs of its board.
pub(crate) struct Setup<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) traits: &'a ConsoleTraits,
    pub(crate) console: ConsoleProfile,
    pub(crate) order: CameraOrder,
    pub(crate) recorder: Recorder,
    /// The board is only looked at, and never ordered.
    pub(crate) is_checkup: bool,
}

/// How long a run is to last, microseconds.
fn whole_us(run: &BoardRun<'_>) -> u64 {
    u64::try_from(run.scenario.duration.as_micros()).unwrap_or(u64::MAX)
}

fn header_of(run: &BoardRun<'_>, browser: Option<&Browser>, clock: Clock) -> Header {
    let header = header(run.scenario, run.seed, run.version, clock);
    let mut header = Header { repeat: run.repeat, ..header };
    // The board takes its own time for its work, whatever its profile says.
    let board = camera(run.scenario).map(|peer| peer.name.as_str());
    for peer in header.peers.iter_mut().filter(|peer| Some(peer.name.as_str()) == board) {
        peer.stages = None;
        if let BoardPlace::Program(place) = run.place {
            peer.program = Some(place.command.clone());
            if let Some(camera) = &mut peer.camera {
                camera.camera.signalling = SignallingProtocol::Whip;
            }
        }
    }
    if let Some(browser) = browser {
        let own = |peer: &&mut PeerHeader| peer.name == browser.peer;
        if let Some(peer) = header.peers.iter_mut().find(own) {
            peer.browser = Some(browser.version());
            peer.stages = None;
        }
    }
    header
}

/// The lab, the board at its place in it, and the browser at its own.
pub(crate) fn play(
    run: &BoardRun<'_>,
    journal: &Journal,
    setup: Setup<'_>,
    browser: Option<&mut Browser>,
) -> Result<(LabOutcome, Attendance), RunError> {
    let (mut stand, cable) = Stand::prepare(run.place, run.hold, run.command, setup.traits)?;
    let name = &setup.peer.name;
    let mut config = lab_config(run, journal, name, cable);
    let (tell, boots) = mpsc::channel();
    let line = SideChannel::new(now_ns);
    let proxy = BoardProxy::new(move |place: BoardSite| {
        let (to_proxy, from_board) = unbounded_channel();
        let (to_board, from_proxy) = mpsc::channel();
        // The thread that attends to the board may have failed already.
        let _ = tell.send(Boot { place: place.clone(), to_proxy, from_proxy });
        proxy::serve(place, from_board, to_board)
    });
    config.proxies.insert(name.clone(), proxy);
    config.lines.insert(name.clone(), line.0.clone());
    if let Some(browser) = browser {
        let Plugged { cable, proxy, watch } =
            browser.plug(&run.stop, Arc::clone(&journal.bounds().browser))?;
        let name = &browser.peer;
        config.outside.insert(name.clone(), ExternalPeer::Board(Box::new(cable)));
        config.proxies.insert(name.clone(), proxy);
        config.watch = Some(watch);
    }
    in_lab(run, config, || {
        let heard = through(run, journal, setup, &mut stand, &boots, &line);
        // The output of a boot is not waited for any more.
        drop(boots);
        heard
    })
}

/// The lab of a run, with `peer` at the other end of `cable`.
pub(crate) fn lab_config(
    run: &BoardRun<'_>,
    journal: &Journal,
    peer: &str,
    cable: Box<dyn Cable>,
) -> Config {
    Config {
        outside: BTreeMap::from([(peer.to_owned(), ExternalPeer::Board(cable))]),
        budget: run.lateness_budget.unwrap_or(DEFAULT_BUDGET),
        told: Some(journal.sink()),
        stop: run.stop.clone(),
        ..Config::new(run.seed)
    }
}

/// Runs the lab, and `attend` beside it. If that ends before the run does, it ends the run.
pub(crate) fn in_lab(
    run: &BoardRun<'_>,
    config: Config,
    attend: impl FnOnce() -> Result<Attendance, RunError>,
) -> Result<(LabOutcome, Attendance), RunError> {
    let (outcome, heard) = thread::scope(|scope| {
        let lab = scope.spawn(|| parallax_lab::run(run.scenario, config));
        let heard = attend();
        if !matches!(heard, Ok(Attendance { end: AttendanceEnd::Over, .. })) {
            run.stop.now();
        }
        (lab.join(), heard)
    });
    let outcome = outcome.map_err(|_| RunError::Panicked)??;
    Ok((outcome, heard?))
}

/// A boot of the board, as its place in the network tells of it.
struct Boot {
    place: BoardSite,
    to_proxy: UnboundedSender<FromBoard>,
    from_proxy: mpsc::Receiver<ToBoard>,
}

/// Goes through the boots of a run's board. Its power comes on with the run.
fn through(
    run: &BoardRun<'_>,
    journal: &Journal,
    setup: Setup<'_>,
    stand: &mut Stand<'_>,
    boots: &mpsc::Receiver<Boot>,
    line: &(SideChannel, mpsc::Receiver<SideDatagram>),
) -> Result<Attendance, RunError> {
    let Setup { peer, traits, console, mut order, recorder, is_checkup } = setup;
    let baud = traits.bauds.first().copied().unwrap_or(115_200);
    let lines = console.lines;
    let mut opening =
        Some(Opening { console: Console::new(console, nonce()), recorder, baud, lines });
    let mut board: Option<Board> = None;
    let mut all = Attendance::default();
    while let Ok(Boot { place, to_proxy, from_proxy }) = boots.recv() {
        let zero = Zero::of(place.clock());
        let first = board.is_none();
        match (&mut board, opening.take()) {
            (Some(board), _) => stand.again(board)?,
            (none, Some(mut opening)) => {
                // Times of the transcript are the host's: this is where those of the run begin.
                opening.recorder.record(zero.host_ns, TranscriptKind::Event, b"the run begins");
                none.insert(stand.on(opening)?).request(Request::Start);
            }
            (None, None) => {}
        }
        let Some(board) = &mut board else { continue };
        let on = power_told(&stand.switched(), zero, &peer.name, !first);
        let heard = attend(Attended {
            board,
            power: stand,
            setup: &traits.setup,
            nonce: nonce(),
            order: order.clone(),
            is_checkup,
            peer: &peer.name,
            clock: BoardClock::new(zero),
            place,
            to_proxy,
            from_proxy,
            line: &line.0,
            came: &line.1,
            stop: &run.stop,
            sink: journal.sink(),
            bound_us: Arc::clone(&journal.bounds().board),
        });
        all.end = heard.end;
        all.answers += heard.answers;
        all.jumped |= heard.jumped;
        all.bound_us = all.bound_us.max(heard.bound_us);
        all.entries.extend(heard.entries);
        let off = power_told(&stand.switched(), zero, &peer.name, true);
        for entries in [on, off] {
            // Without a receiver, it is among the entries all the same.
            let _ = journal.sink().send(entries.clone());
            all.entries.extend(entries);
        }
        order.flash = heard.flash;
        if heard.end != AttendanceEnd::PowerCut {
            break;
        }
    }
    Ok(all)
}

/// How its power was switched, as entries; `scripted`: the scenario says when.
fn power_told(all: &[Switched], zero: Zero, peer: &str, scripted: bool) -> Vec<Entry> {
    let entries = |switched: &Switched| {
        let run_ns = switched.host_ns.saturating_sub(zero.host_ns);
        let entry = |event| Entry { run_ns, node: peer.to_owned(), event };
        switched.events(peer, scripted).into_iter().map(entry).collect::<Vec<_>>()
    };
    all.iter().flat_map(entries).collect()
}

/// What came of earlier attempts, as entries of this one.
fn earlier(run: &BoardRun<'_>, peer: &Peer) -> Vec<Entry> {
    let entry = |text: &String| Entry {
        run_ns: 0,
        node: peer.name.clone(),
        event: Event::EarlierAttempt { text: text.clone() },
    };
    run.earlier.iter().map(entry).collect()
}

/// Never the same twice: from the keys that the standard library draws for each process and call.
pub(crate) fn nonce() -> Nonce {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(now_ns());
    Nonce((hasher.finish() >> 32) as u32)
}

pub(crate) fn order(run: &BoardRun<'_>) -> Option<CameraOrder> {
    let peer = camera(run.scenario)?;
    let camera = &peer.camera.as_ref()?.config;
    let token = secrets(run.scenario, run.seed).into_iter().next()?;
    let rendezvous = run.scenario.services.rendezvous;
    Some(CameraOrder {
        name: peer.name.clone(),
        token: Token::new(token),
        rendezvous: rendezvous.map(|at| (at, RENDEZVOUS_PORT).into()),
        own: (peer.address, RENDEZVOUS_PORT).into(),
        camera: camera.clone(),
        ice: peer.ice,
        flash: BTreeMap::new(),
    })
}

/// What is said after the end, of the run as a whole, belongs to its last moment. What a camera did after
/// the end, before it heard of that, is no part of the run, as it is none of a peer's in the lab.
fn by_the_end(mut entry: Entry, end_ns: u64) -> Option<Entry> {
    let of_the_run = matches!(
        entry.event,
        Event::Note { .. }
            | Event::Fault { .. }
            | Event::DeviceFailed { .. }
            | Event::CutShort { .. }
            | Event::Unheard { .. }
            | Event::ClockJumped
    );
    if entry.run_ns > end_ns && !of_the_run {
        return None;
    }
    entry.run_ns = entry.run_ns.min(end_ns);
    Some(entry)
}

/// Puts together what lab and board told.
fn recorded(
    run: &BoardRun<'_>,
    earlier: Vec<Entry>,
    outcome: LabOutcome,
    heard: Attendance,
    browser: Option<&Browser>,
) -> Result<Record, RunError> {
    let end_ns = u64::try_from(outcome.duration.as_nanos()).unwrap_or(u64::MAX);
    let mut entries = earlier;
    entries.extend(outcome.entries);
    entries.extend(heard.entries.into_iter().filter_map(|entry| by_the_end(entry, end_ns)));
    // Stable: what happened at one time stays in its order.
    entries.sort_by_key(|entry| entry.run_ns);
    if let Some(text) = browser.and_then(|browser| browser.word.fell_short()) {
        let node = "lab".to_owned();
        entries.push(Entry { run_ns: end_ns, node, event: Event::LabFellShort { text } });
    }
    let is_known_why =
        heard.end == AttendanceEnd::Broken || browser.is_some_and(|browser| browser.word.is_gone());
    if outcome.duration < run.scenario.duration && !is_known_why {
        let event = Event::CutShort { text: "it was interrupted".to_owned() };
        entries.push(Entry { run_ns: end_ns, node: "lab".to_owned(), event });
    }
    let whole_us = whole_us(run);
    // A packet that reached a peer late is late in every figure that it is part of.
    let late_us = outcome.lateness.percentile(99).as_micros();
    let late_us = u64::try_from(late_us).unwrap_or(whole_us);
    // So is how far either clock of two may be off.
    let browser_us = browser.map_or(Some(0), |browser| browser.word.bound_us());
    let bound_us = match browser_us.filter(|_| !heard.jumped) {
        Some(browser_us) => {
            heard.bound_us.saturating_add(browser_us).saturating_add(late_us).max(1)
        }
        None => whole_us,
    };
    let mut header = header_of(run, browser, Clock::Real { bound_us });
    header.duration_us = header.duration_us.min(end_ns / 1_000);
    Ok(Record::new(header, entries, &outcome.packets_sha256)?)
}

/// What a run has told before its bench broke.
fn broken(journal: &Path, error: &RunError) -> Result<Record, RunError> {
    let read = || -> io::Result<Record> {
        let journal = parallax_files::read(journal, parallax_files::RECORD_MOST)?;
        Record::recover(&journal).map_err(io::Error::other)
    };
    let mut record = read().map_err(system(format!("read {}", journal.display())))?;
    for entry in &mut record.entries {
        // Not killed: it broke, and is known why.
        if let Event::CutShort { .. } = entry.event {
            entry.event = Event::Fault { text: in_one_line(error) };
        }
    }
    Ok(Record::new(record.header, record.entries, &record.end.packets_sha256)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_board::{BoardError, OpenError};
    use parallax_record::Verdict;
    use parallax_scenario::{Builtin, parse};

    #[test]
    fn what_a_camera_does_after_the_end_is_no_part_of_the_run_and_what_is_said_of_it_is() {
        let entry = |event| Entry { run_ns: 9, node: "doorbell".to_owned(), event };
        let captured = || Event::FrameCaptured { boot: 0, frame: 1, camera_us: 2 };
        assert_eq!(by_the_end(entry(captured()), 8), None);
        assert_eq!(by_the_end(entry(captured()), 9), Some(entry(captured())));
        let note = || Event::Note { text: "its agent took little".to_owned() };
        let last = Entry { run_ns: 8, ..entry(note()) };
        assert_eq!(by_the_end(entry(note()), 8), Some(last));
    }

    /// A test is root in many labs, and root may open every port: what the system says is given here.
    #[test]
    fn a_port_that_cannot_be_opened_makes_a_run_an_error_with_the_cure() {
        let text = include_str!("../../../fixtures/scenarios/same-lan.toml");
        let scenario = parse("same-lan.toml", text, &Builtin).expect("it ships");
        let path = PathBuf::from("/dev/ttyUSB7");
        for (error, cure) in [
            (OpenError::Locked { path: path.clone() }, "end that program; `fuser /dev/ttyUSB7`"),
            (OpenError::Missing { path: path.clone() }, "plug the board in"),
            (OpenError::NotPermitted { path }, "usermod -aG dialout"),
        ] {
            let folder = tempfile::TempDir::new().expect("a folder");
            let header = header(&scenario, 1, "0.0.0", Clock::Real { bound_us: 1 });
            let journal = Journal::begin(folder.path(), header).expect("a journal").end();
            let record = broken(&journal, &BoardError::Open(error).into()).expect("a record");
            let summary = judge(&record);
            assert_eq!((summary.verdict, summary.failures.len()), (Verdict::Error, 0));
            let said = |text: &String| text.contains("/dev/ttyUSB7") && text.contains(cure);
            assert!(summary.faults.iter().any(said), "{:?}", summary.faults);
        }
    }
}
