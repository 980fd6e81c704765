//! A run whose board is a program: started with its power, ended with it, its output the transcript.

mod frames;

use self::frames::SentFrames;
use crate::{
    attend::{Attendance, AttendanceEnd},
    journal::Journal,
    left,
    place::ProgramPlace,
    rtp::Rtp,
    run::{BoardRun, RunError, in_lab, lab_config, system, unfit},
    words::{Blame, in_one_line},
};
use parallax_board::{Recorder, now_ns};
use parallax_console::transcript::TranscriptKind;
use parallax_fabric::{Direction, RENDEZVOUS_PORT, secrets};
use parallax_lab::{LabOutcome, PacketWatch, PowerChange};
use parallax_network::Protocol;
use parallax_program::{Program, ProgramNews, ProgramSettings, Values, fill, told};
use parallax_record::{Entry, Event};
use parallax_scenario::Peer;
use std::{
    env, fs,
    net::SocketAddrV4,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    time::Duration,
};
use tempfile::TempDir;

/// Between two looks at the program.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of its output that are kept for the message about its end.
const LAST_BYTES: usize = 1_024;

/// What a program printed: all of it in the transcript, its end for messages.
struct Output {
    recorder: Recorder,
    last: Vec<u8>,
}

impl Output {
    fn hear(&mut self, bytes: &[u8]) {
        self.recorder.record(now_ns(), TranscriptKind::Received, bytes);
        self.last.extend(bytes);
        let more = self.last.len().saturating_sub(LAST_BYTES);
        self.last.drain(..more);
    }

    fn note(&mut self, text: &str) {
        self.recorder.record(now_ns(), TranscriptKind::Event, text.as_bytes());
    }
}

/// What the lab sees of it.
#[derive(Default)]
struct Seen {
    /// Whether it has sent something to its rendezvous.
    asked: bool,
    frames: SentFrames,
}

/// A program at its place, through one run.
struct Attending<'a> {
    program: Program,
    output: Arc<Mutex<Output>>,
    peer: &'a str,
    journal: &'a Journal,
    heard: Attendance,
    /// How many boots there were.
    boots: u32,
    seen: Arc<Mutex<Seen>>,
    url: &'a str,
}

/// The lab, and the program at its place in it.
pub(crate) fn play(
    run: &BoardRun<'_>,
    journal: &Journal,
    peer: &Peer,
    place: &ProgramPlace,
    recorder: Recorder,
) -> Result<(LabOutcome, Attendance), RunError> {
    let rendezvous = run.scenario.services.rendezvous;
    let rendezvous = rendezvous.ok_or_else(|| unfit(run, "it has no rendezvous"))?;
    let site =
        run.scenario.site(&peer.site).ok_or_else(|| unfit(run, "its camera stands nowhere"))?;
    let token = secrets(run.scenario, run.seed).into_iter().next();
    let token = token.ok_or_else(|| unfit(run, "it has no camera"))?;
    let folder = left::folder("program").map_err(system("make a folder"))?;
    let values = Values {
        url: format!("http://{rendezvous}:{RENDEZVOUS_PORT}/whip/{}", peer.name),
        room: peer.name.clone(),
        token,
    };
    let settings = ProgramSettings {
        command: command(place, &values).map_err(system("find its folder"))?,
        // The bench file's may have no name.
        folder: env::current_dir().map_err(system("find its folder"))?.join(&place.folder),
        address: peer.address,
        prefix: site.network.prefix(),
        gateway: site.network.gateway(),
        resolv_conf: Some(resolv_conf(&folder, site.network.gateway())?),
    };
    let output = Arc::new(Mutex::new(Output { recorder, last: Vec::new() }));
    let hears = Arc::clone(&output);
    let hear = Arc::new(move |bytes: &[u8]| lock(&hears).hear(bytes));
    let program = Program::new(run.command, settings, hear);
    let (power, changes) = mpsc::channel();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let mut config = lab_config(run, journal, &peer.name, Box::new(program.cable()));
    config.power = Some(power);
    let to = SocketAddrV4::new(rendezvous, RENDEZVOUS_PORT);
    config.watch = Some(watch(peer.name.clone(), to, Arc::clone(&seen)));
    let frames = Arc::clone(&seen);
    // A journal does not have what the lab saw of its frames.
    let unheard = Event::Unheard { messages: 1, since_run_ns: None };
    let unheard = Entry { run_ns: 0, node: peer.name.clone(), event: unheard };
    let _ = journal.sink().send(vec![unheard]);
    let (outcome, mut heard) = in_lab(run, config, || {
        let attending = Attending {
            program,
            output,
            peer: &peer.name,
            journal,
            heard: Attendance::default(),
            boots: 0,
            seen,
            url: &values.url,
        };
        Ok(attending.through(&changes, run))
    })?;
    let mut told = outcome.entries.clone();
    told.extend(heard.entries.iter().cloned());
    told.sort_by_key(|entry| entry.run_ns);
    heard.entries.extend(lock(&frames).frames.events(&peer.name, &told));
    Ok((outcome, heard))
}

/// The command as it is called: a program with a `/` in its name by its whole path.
fn command(place: &ProgramPlace, values: &Values) -> std::io::Result<Vec<String>> {
    let mut command = fill(&place.command, values);
    if let Some(program) = command.first_mut().filter(|program| program.contains('/')) {
        *program = std::path::absolute(&*program)?.display().to_string();
    }
    Ok(command)
}

/// The program asks its gateway for names.
fn resolv_conf(folder: &TempDir, gateway: std::net::Ipv4Addr) -> Result<PathBuf, RunError> {
    let file = folder.path().join("resolv.conf");
    let text = format!("nameserver {gateway}\n");
    fs::write(&file, text).map_err(system(format!("write {}", file.display())))?;
    Ok(file)
}

/// Sees what a peer sends to its rendezvous, and its media.
fn watch(peer: String, rendezvous: SocketAddrV4, seen: Arc<Mutex<Seen>>) -> PacketWatch {
    PacketWatch::new(move |sees| {
        if sees.host != peer || sees.direction != Direction::Sent {
            return;
        }
        let packet = sees.packet;
        match packet.transport.protocol() {
            Protocol::Tcp => lock(&seen).asked |= packet.destination == rendezvous,
            Protocol::Udp => {
                if let Some(rtp) = Rtp::read(&packet.payload) {
                    lock(&seen).frames.take(sees.at.as_nanos(), rtp, packet.payload.len());
                }
            }
        }
    })
}

impl Attending<'_> {
    /// Until the run is over, or the program has ended by itself.
    fn through(mut self, changes: &Receiver<PowerChange>, run: &BoardRun<'_>) -> Attendance {
        let mut clock = None;
        let mut on = false;
        while self.heard.end == AttendanceEnd::Over {
            match changes.recv_timeout(LOOK) {
                Ok(change) if change.peer != self.peer => {}
                Ok(change) => {
                    clock = Some(change.clock);
                    on = change.on;
                    let run_ns = change.clock.now().as_nanos();
                    if on { self.on(run_ns) } else { self.off(run_ns) }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(clock) = clock.filter(|_| on) {
                        self.look(clock.now().as_nanos());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.over(clock.map_or(0, |clock| clock.now().as_nanos()), run);
                    break;
                }
            }
        }
        self.program.off();
        self.heard
    }

    fn on(&mut self, run_ns: u64) {
        lock(&self.output).note("power on");
        let boot = self.boots;
        self.boots += 1;
        match self.program.on() {
            Ok(()) => {
                self.tell(run_ns, Event::Started { boot });
                self.tell(run_ns, Event::Ready { boot });
            }
            Err(error) => self.blame(run_ns, &Blame::Lab(in_one_line(&error))),
        }
    }

    fn off(&mut self, run_ns: u64) {
        self.program.off();
        lock(&self.output).note("power off");
        // What was on its way to the transcript is there; what it would have said is not known.
        self.tell(run_ns, Event::Unheard { messages: 0, since_run_ns: None });
    }

    fn look(&mut self, run_ns: u64) {
        let news = match self.program.news() {
            Ok(None) => return,
            Ok(Some(news)) => news,
            Err(error) => return self.blame(run_ns, &Blame::Lab(in_one_line(&error))),
        };
        let age = self.program.age();
        match news {
            ProgramNews::Ended { end, others } => {
                // Its last words are in the output once all of its processes are gone.
                if !others {
                    self.program.off();
                }
                let text = told(end, others, age, &self.last());
                if others {
                    self.tell(run_ns, Event::Note { text });
                } else {
                    self.blame(run_ns, &Blame::Device(text));
                }
            }
            ProgramNews::Empty => {
                let text =
                    "its program had ended, and the processes that it left behind have ended, too";
                self.blame(run_ns, &Blame::Device(text.to_owned()));
            }
        }
    }

    fn over(&mut self, run_ns: u64, run: &BoardRun<'_>) {
        self.look(run_ns);
        if !lock(&self.seen).asked && !run.stop.asked() {
            let text = format!(
                "its program sent nothing to {}: help: see console.txt, and whether its command passes {{url}} on",
                self.url
            );
            self.blame(run_ns, &Blame::Device(text));
        }
        self.heard.end = AttendanceEnd::Over;
    }

    fn last(&self) -> String {
        String::from_utf8_lossy(&lock(&self.output).last).into_owned()
    }

    fn blame(&mut self, run_ns: u64, blame: &Blame) {
        lock(&self.output).note(blame.why());
        self.tell(run_ns, blame.event());
        self.heard.end = AttendanceEnd::Broken;
    }

    fn tell(&mut self, run_ns: u64, event: Event) {
        let entry = Entry { run_ns, node: self.peer.to_owned(), event };
        // Without a receiver, it is among the entries all the same.
        let _ = self.journal.sink().send(vec![entry.clone()]);
        self.heard.entries.push(entry);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
