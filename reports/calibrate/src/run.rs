//! Measurements of one run on its camera's device.

use parallax_record::{
    Action, Event, MediaMode, Percentile, ProfileUse, Record, SetupTask, Uncertainty, judge,
    nearest_rank, run_folder,
};
use parallax_scenario::units::Size;
use std::collections::{BTreeMap, BTreeSet};

/// One run, as far as it tells of its camera's device.
#[derive(Clone, Debug)]
pub struct MeasuredRun {
    /// The output folder that it is in, as the user named it.
    pub folder: String,
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Which of several runs of the same, if there were to be several.
    pub repeat: Option<u32>,
    /// What the record says that the device is.
    pub profile: ProfileUse,
    /// The version of Parallax that ran it.
    pub version: String,
    /// The bench that it ran on, and the board there, as the command named them; none: not known.
    pub bench: Option<String>,
    /// The day on which it ran, likewise.
    pub day: Option<String>,
    /// The size of its pictures.
    pub picture: Size,
    /// How far each time may be from the truth.
    pub uncertainty: Uncertainty,
    /// The frames that were encoded.
    pub(crate) frames: Vec<MeasuredFrame>,
    /// From power on until its software ran, microseconds, where the run knows when its power came.
    pub(crate) boots_us: Vec<i64>,
    /// What tasks of set-ups took, microseconds.
    pub(crate) tasks_us: BTreeMap<SetupTask, Vec<i64>>,
    /// How late timers went off, microseconds.
    pub(crate) timers_us: Vec<i64>,
    /// From a viewer's coming to the first picture of a boot, without what a picture takes, microseconds.
    pub(crate) starts_us: Vec<i64>,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeasuredFrame {
    /// From the end of the exposure to the encoder's beginning, microseconds.
    pub(crate) capture_us: i64,
    /// From there until it was encoded, microseconds.
    pub(crate) encode_us: i64,
    /// A key frame.
    pub(crate) key: bool,
}

/// Why a run tells nothing of a device.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// Something of the run broke.
    #[error("it is an error: {0}")]
    Broken(String),
    /// The device died.
    #[error("its device failed: {0}")]
    Failed(String),
    /// Nothing can be said of it.
    #[error("nothing can be said of it: {0}")]
    Doubtful(String),
    /// There was nothing to encode.
    #[error("its media were prerecorded: nothing was encoded")]
    Prerecorded,
    /// It is not known which peer the device was.
    #[error("it has {0} cameras: which of them the device was is not known")]
    NotOneCamera(usize),
}

impl MeasuredRun {
    /// What `record` tells, of a run below `folder`. Whether what it tells was measured on a device
    /// or simulated makes no difference here.
    ///
    /// # Errors
    /// If what it tells is not to be believed, or is not of one camera.
    pub fn of(folder: &str, record: &Record) -> Result<Self, Unfit> {
        let header = &record.header;
        let summary = judge(record);
        // A check that failed says nothing against a time: without such runs the slow ones were left out.
        match (summary.faults.first(), summary.failures.first(), summary.doubts.first()) {
            (Some(text), _, _) => return Err(Unfit::Broken(text.clone())),
            (_, Some(text), _) => return Err(Unfit::Failed(text.clone())),
            (_, _, Some(text)) => return Err(Unfit::Doubtful(text.clone())),
            (None, None, None) => {}
        }
        if header.media_mode == MediaMode::Prerecorded {
            return Err(Unfit::Prerecorded);
        }
        let cameras = header.peers.iter().filter_map(|peer| Some((peer, peer.camera.as_ref()?)));
        let cameras: Vec<_> = cameras.collect();
        let [(peer, camera)] = cameras[..] else {
            return Err(Unfit::NotOneCamera(cameras.len()));
        };
        let frames = frames(record, &peer.name);
        Ok(Self {
            folder: folder.to_owned(),
            scenario: header.scenario.to_string(),
            seed: header.seed,
            repeat: header.repeat,
            profile: peer.profile.clone(),
            version: header.parallax_version.clone(),
            bench: None,
            day: None,
            picture: camera.camera.size(),
            uncertainty: Uncertainty::of_stage(header.clock),
            boots_us: boots_us(record, &peer.name),
            tasks_us: tasks_us(record, &peer.name),
            timers_us: timers_us(record, &peer.name),
            starts_us: starts_us(record, &peer.name, &frames),
            frames,
        })
    }

    /// Its name, as its folder has it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.scenario, run_folder(self.seed, self.repeat))
    }
}

/// The encoded frames of `camera`, each time between two readings of its own clock.
fn frames(record: &Record, camera: &str) -> Vec<MeasuredFrame> {
    let mut captured_ns = BTreeMap::new();
    let mut frames = Vec::new();
    for entry in record.entries.iter().filter(|entry| entry.node == camera) {
        match entry.event {
            Event::FrameCaptured { boot, frame, .. } => {
                captured_ns.insert((boot, frame), entry.run_ns);
            }
            Event::FrameEncoded { boot, frame, started_run_ns, key, .. } => {
                // Of one whose capture was not heard the record tells; it is left out.
                if let Some(captured_ns) = captured_ns.remove(&(boot, frame)) {
                    frames.push(MeasuredFrame {
                        capture_us: between_us(captured_ns, started_run_ns),
                        encode_us: between_us(started_run_ns, entry.run_ns),
                        key,
                    });
                }
            }
            _ => {}
        }
    }
    frames
}

/// How long `camera` took to boot after each time the scenario gave its power back. What it did before the
/// run it is not known: a board may have been on already.
fn boots_us(record: &Record, camera: &str) -> Vec<i64> {
    let of_camera =
        |action: &Action| matches!(action, Action::PowerLoss { peer } if peer == camera);
    let losses: BTreeSet<&str> = record
        .header
        .events
        .iter()
        .filter(|event| of_camera(&event.action))
        .map(|event| event.name.as_str())
        .collect();
    let mut on_ns = None;
    let mut boots = Vec::new();
    for entry in record.entries.iter().filter(|entry| entry.node == camera) {
        match &entry.event {
            Event::ActionBegan { event } if losses.contains(event.as_str()) => on_ns = None,
            Event::ActionEnded { event } if losses.contains(event.as_str()) => {
                on_ns = Some(entry.run_ns);
            }
            Event::Started { .. } => {
                boots.extend(on_ns.take().map(|on_ns| between_us(on_ns, entry.run_ns)));
            }
            _ => {}
        }
    }
    boots
}

/// What the tasks of a set-up took, each by the camera's own clock.
fn tasks_us(record: &Record, camera: &str) -> BTreeMap<SetupTask, Vec<i64>> {
    let mut tasks: BTreeMap<SetupTask, Vec<i64>> = BTreeMap::new();
    for entry in record.entries.iter().filter(|entry| entry.node == camera) {
        if let Event::SetupTaskDone { task, took_ns } = entry.event {
            tasks.entry(task).or_default().push((took_ns / 1_000).cast_signed());
        }
    }
    tasks
}

/// How late the timers of its sessions went off, likewise.
fn timers_us(record: &Record, camera: &str) -> Vec<i64> {
    let of_camera = record.entries.iter().filter(|entry| entry.node == camera);
    let late = of_camera.filter_map(|entry| match entry.event {
        Event::TimerLate { late_ns, .. } => Some((late_ns / 1_000).cast_signed()),
        _ => None,
    });
    late.collect()
}

/// From the end of the DTLS handshake to the first encoded picture of each boot, without what a picture takes in the
/// middle.
fn starts_us(record: &Record, camera: &str, frames: &[MeasuredFrame]) -> Vec<i64> {
    let mut usual: Vec<i64> =
        frames.iter().map(|frame| frame.capture_us + frame.encode_us).collect();
    usual.sort_unstable();
    let Some(usual_us) = nearest_rank(&usual, Percentile::P50) else { return Vec::new() };
    let (mut connected_ns, mut began_ns) = (None, None);
    let mut starts = Vec::new();
    for entry in record.entries.iter().filter(|entry| entry.node == camera) {
        match entry.event {
            // The last one: what then passes until the session knows of it is the device's time, too.
            Event::SetupTaskDone { task: SetupTask::Handshake, .. } => {
                connected_ns = Some(entry.run_ns);
            }
            Event::FrameCaptured { frame: 0, .. } => began_ns = connected_ns,
            Event::FrameEncoded { frame: 0, .. } => {
                let first = began_ns.take().map(|from_ns| between_us(from_ns, entry.run_ns));
                starts.extend(first.map(|first_us| (first_us - usual_us).max(0)));
            }
            _ => {}
        }
    }
    starts
}

/// Microseconds. Negative only on a clock that is not exact.
fn between_us(from_ns: u64, to_ns: u64) -> i64 {
    (to_ns / 1_000).cast_signed() - (from_ns / 1_000).cast_signed()
}
