//! One board with a planted fault through one run, and what its record and its transcript tell.

use parallax_bench::{BoardPlace, BoardRun, NetworkPort, PortPlace, run_writing};
use parallax_board::{Recorder, RecorderError};
use parallax_console::transcript::{self, TranscriptKind};
use parallax_record::{Entry, Event, Phase, Record, Summary, Verdict};
use parallax_scenario::{
    Boots, Builtin, ConsoleTraits, Profiles, Replacement, Replacements, Scenario, parse_with,
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    panic::resume_unwind,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// What the profile's timeouts are multiplied by here, in thousandths: a boot has 6 s, an agent that is
/// silent and a port that is gone have 3 s.
const FACTOR_PER_MILLE: u32 = 300;

/// A run to be.
pub(crate) struct Bench<'a> {
    pub(crate) faults: &'a [&'a str],
    /// At most: a run that breaks ends before.
    pub(crate) duration: Duration,
    /// How the board's profile differs from what ships.
    pub(crate) profile: fn(&mut ConsoleTraits),
    /// What the 99th percentile of the lateness of packets may be; none: the lab's default.
    pub(crate) lateness_budget: Option<Duration>,
    pub(crate) transcript: fn(&Path) -> Result<Recorder, RecorderError>,
    pub(crate) place: BoardPlace,
}

/// A process board that somebody has switched on: on a port, without power of the bench's.
pub(crate) struct Standing {
    process: Child,
    folder: TempDir,
}

impl Standing {
    /// With this going wrong on it. Its cable is plugged in nowhere.
    pub(crate) fn with(faults: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (cable, _) = UnixDatagram::pair().expect("a cable");
        let process = Command::new(env!("CARGO_BIN_EXE_parallax-process-board"))
            .arg("--console")
            .arg(folder.path().join("console"))
            .args(["--baud", "921600", "--parent", &std::process::id().to_string()])
            .args(faults.iter().flat_map(|fault| ["--fault", fault]))
            .stdin(Stdio::from(OwnedFd::from(cable)))
            .spawn()
            .expect("it starts");
        let standing = Self { process, folder };
        while !standing.folder.path().join("console").exists() {
            thread::sleep(Duration::from_millis(5));
        }
        standing
    }

    pub(crate) fn place(&self) -> BoardPlace {
        let at = |name: &str| self.folder.path().join(name);
        let network = Some(NetworkPort::Sockets { own: at("lab"), board: at("board") });
        let (port, power, pid_file) = (at("console"), None, None);
        BoardPlace::Port(PortPlace { port, network, power, pid_file }.into())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A run of so many seconds on a board of which this goes wrong.
pub(crate) fn bench<'a>(faults: &'a [&'a str], seconds: u64) -> Bench<'a> {
    let duration = Duration::from_secs(seconds);
    let transcript = Recorder::create;
    let place = BoardPlace::Process;
    Bench { faults, duration, profile: |_| {}, lateness_budget: None, transcript, place }
}

/// Several at once: they wait for most of their time.
pub(crate) fn all<const N: usize>(benches: [Bench<'_>; N]) -> [Left; N] {
    thread::scope(|scope| {
        let runs = benches.map(|bench| scope.spawn(move || bench.run()));
        runs.map(|run| run.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// What is left of it.
pub(crate) struct Left {
    pub(crate) summary: Summary,
    pub(crate) record: Record,
    pub(crate) transcript: String,
}

impl Bench<'_> {
    fn scenario(&self) -> Scenario {
        let text = include_str!("../../../../fixtures/scenarios/same-lan.toml");
        let mut profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
        let console = profile.console.as_mut().expect("it has one");
        console.timeout_factor_per_mille = FACTOR_PER_MILLE;
        (self.profile)(console);
        let by = "the bench".to_owned();
        let devices = BTreeMap::from([("doorbell".to_owned(), Replacement { profile, by })]);
        let replaced = Replacements { devices, boots: Boots::Unknown, ..Replacements::default() };
        let scenario = parse_with("same-lan.toml", text, &Builtin, &replaced);
        Scenario { duration: self.duration, ..scenario.expect("a scenario") }
    }

    /// Goes through it. Whatever goes wrong there is a whole record, and its header is a run's.
    pub(crate) fn run(&self) -> Left {
        let folder = TempDir::new().expect("a folder");
        let mut command = vec![OsString::from(env!("CARGO_BIN_EXE_parallax-process-board"))];
        command.extend(self.faults.iter().flat_map(|fault| ["--fault".into(), fault.into()]));
        let scenario = self.scenario();
        let run = BoardRun {
            lateness_budget: self.lateness_budget,
            ..BoardRun::new(&scenario, &self.place, &command, folder.path())
        };
        let ran = run_writing(&run, self.transcript).unwrap_or_else(|error| panic!("{error}"));
        let left = |name: &str| folder.path().join(name).exists();
        assert!(!left("journal.jsonl"), "what is in the journal is in the record");
        let record = fs::read(&ran.record).expect("a record");
        let record = Record::read(&record).expect("a whole one");
        assert_eq!(record.header.peers[0].profile.name, "process-board");
        let transcript = fs::read_to_string(folder.path().join("console.txt")).unwrap_or_default();
        Left { summary: ran.summary, record, transcript }
    }
}

impl Left {
    /// All that it tells, for whoever reads why a test failed.
    fn all(&self) -> String {
        let Summary { verdict, faults, failures, doubts, .. } = &self.summary;
        let notes = self.notes();
        let from = self.transcript.len().saturating_sub(4_000);
        let transcript = self.transcript.get(from..).unwrap_or_default();
        format!("{verdict:?} {faults:?} {failures:?} {doubts:?}\n{notes:#?}\n{transcript}")
    }

    fn says(&self, verdict: Verdict, texts: &[String], parts: &[&str]) {
        assert_eq!(self.summary.verdict, verdict, "{}", self.all());
        let whole = |text: &String| parts.iter().all(|part| text.contains(part));
        assert!(texts.iter().any(whole), "{parts:?}\n{}", self.all());
        self.is_kept();
    }

    /// The device failed: the run has failed, whatever its checks say, and nobody calls it the lab's.
    pub(crate) fn device(&self, parts: &[&str]) -> &Self {
        self.says(Verdict::Fail, &self.summary.failures, parts);
        self
    }

    /// The lab failed: the run is an error, and nothing is said of the device.
    pub(crate) fn lab(&self, parts: &[&str]) -> &Self {
        self.says(Verdict::Error, &self.summary.faults, parts);
        assert!(self.summary.failures.is_empty(), "{}", self.all());
        self
    }

    /// The run is inconclusive, for reasons with these words, and no check has another verdict.
    pub(crate) fn inconclusive(&self, parts: &[&str]) -> &Self {
        self.says(Verdict::Inconclusive, &self.summary.doubts, parts);
        let Summary { faults, failures, checks, .. } = &self.summary;
        assert!(faults.is_empty() && failures.is_empty(), "{}", self.all());
        let not = checks.iter().find(|check| check.verdict != Verdict::Inconclusive);
        assert!(not.is_none(), "{not:?}\n{}", self.all());
        self
    }

    /// Nothing went wrong that counts: the camera streams, the run went on to its end, and nothing is
    /// doubted but a machine that was late, which the run says itself.
    pub(crate) fn goes_on(&self) -> &Self {
        let Summary { faults, failures, doubts, .. } = &self.summary;
        assert!(faults.is_empty() && failures.is_empty(), "{}", self.all());
        let busy = |text: &String| {
            text.contains("the lab was late") || text.contains("waited for a processor")
        };
        assert!(doubts.iter().all(busy), "{}", self.all());
        assert!(self.captured().count() > 0, "{}", self.all());
        if doubts.is_empty() {
            assert!(self.renders(), "{}", self.all());
        }
        self
    }

    /// The transcript is whole: it can be read, begins with the run, and has what the board said.
    fn is_kept(&self) {
        let all = transcript::read(&self.transcript).expect("it can be read");
        let of = |kind| all.iter().filter(move |entry| entry.kind == kind);
        let begins = of(TranscriptKind::Event).any(|entry| entry.bytes == b"the run begins");
        // A console that cannot be opened has none.
        let opened =
            of(TranscriptKind::Received).count() > 0 || self.transcript.contains("power on");
        assert!(begins || !opened, "{}", self.all());
    }

    pub(crate) fn notes(&self) -> Vec<&str> {
        let all = self.record.entries.iter();
        all.filter_map(|entry| match &entry.event {
            Event::Note { text } => Some(text.as_str()),
            _ => None,
        })
        .collect()
    }

    /// The record has a note with this in it.
    pub(crate) fn notes_that(&self, part: &str) -> &Self {
        let has = self.notes().iter().any(|note| note.contains(part));
        assert!(has, "{part}\n{}", self.all());
        self
    }

    /// The transcript has this in it.
    pub(crate) fn transcript_has(&self, part: &str) -> &Self {
        assert!(self.transcript.contains(part), "{part}\n{}", self.all());
        self
    }

    /// When the board told of frames that it captured, nanoseconds of the run.
    pub(crate) fn captured(&self) -> impl Iterator<Item = u64> {
        self.record
            .entries
            .iter()
            .filter(|entry| {
                entry.node == "doorbell" && matches!(entry.event, Event::FrameCaptured { .. })
            })
            .map(|entry| entry.run_ns)
    }

    /// When the camera on the board did what it told of, nanoseconds of the run.
    pub(crate) fn heard(&self) -> impl Iterator<Item = u64> {
        let of_the_board =
            |entry: &&Entry| entry.node == "doorbell" && !matches!(entry.event, Event::Note { .. });
        self.record.entries.iter().filter(of_the_board).map(|entry| entry.run_ns)
    }

    /// Whether the camera on the board has begun.
    pub(crate) fn starts(&self) -> bool {
        let started = |entry: &Entry| {
            entry.node == "doorbell" && matches!(entry.event, Event::Started { .. })
        };
        self.record.entries.iter().any(started)
    }

    /// When this was noted first.
    pub(crate) fn noted_at(&self, part: &str) -> u64 {
        let of =
            |entry: &&Entry| matches!(&entry.event, Event::Note { text } if text.contains(part));
        let found = self.record.entries.iter().find(of);
        found.unwrap_or_else(|| panic!("{part}\n{}", self.all())).run_ns
    }

    fn renders(&self) -> bool {
        let shown = |entry: &Entry| {
            let phase =
                matches!(&entry.event, Event::Phase { phase, .. } if *phase == Phase::FirstRender);
            entry.node == "phone" && phase
        };
        self.record.entries.iter().any(shown)
    }
}
