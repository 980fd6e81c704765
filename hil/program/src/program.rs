//! A program that is started with its board's power, and ended with it.

use crate::{
    cable::ProgramCable,
    channel::Channel,
    end::ProgramEnd,
    error::ProgramError,
    message::{HelperReport, NamespacePlan, ProgramStart},
};
use rustix::process::{Signal, pidfd_send_signal};
use std::{
    ffi::OsString,
    io::{self, PipeReader, Read as _},
    net::Ipv4Addr,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a namespace and a program may take to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks whether the helper has ended.
const LOOK: Duration = Duration::from_millis(5);

/// A program, and where it stands in the network.
#[derive(Clone, Debug)]
pub struct ProgramSettings {
    /// Program and arguments, placeholders filled in.
    pub command: Vec<String>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Its address.
    pub address: Ipv4Addr,
    /// Bits of the network's part of it.
    pub prefix: u8,
    /// Address of the gateway of its default route.
    pub gateway: Ipv4Addr,
    /// What `/etc/resolv.conf` is for it.
    pub resolv_conf: Option<PathBuf>,
}

/// News of a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramNews {
    /// The program ended by itself.
    Ended {
        /// Exit code or signal.
        end: ProgramEnd,
        /// Whether processes that it has started go on.
        others: bool,
    },
    /// The processes that the program had left behind have ended.
    Empty,
}

/// Hears what a program prints, as it comes.
pub type Hear = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// A program as a board. Dropped, it has no power.
pub struct Program {
    helper: Vec<OsString>,
    settings: ProgramSettings,
    cable: ProgramCable,
    hear: Hear,
    running: Option<Running>,
}

/// The helper process and the channel of one boot.
struct Running {
    helper: Child,
    channel: Channel,
    /// The first process of the namespace.
    init: Option<OwnedFd>,
    printed: Option<JoinHandle<()>>,
    since: Instant,
}

impl Program {
    /// A program without power. `helper` starts [`main`](crate::main()); `hear` gets what it prints.
    pub fn new(helper: &[OsString], settings: ProgramSettings, hear: Hear) -> Self {
        let (helper, cable) = (helper.to_vec(), ProgramCable::default());
        Self { helper, settings, cable, hear, running: None }
    }

    /// The cable to it.
    pub fn cable(&self) -> ProgramCable {
        self.cable.clone()
    }

    /// How long it has run.
    pub fn age(&self) -> Duration {
        self.running.as_ref().map_or(Duration::ZERO, |running| running.since.elapsed())
    }

    /// Switches it on: a new namespace, and the program in it.
    ///
    /// # Errors
    /// If there is no namespace, no Ethernet port or no such program: the message says what is missing.
    pub fn on(&mut self) -> Result<(), ProgramError> {
        self.off();
        let (channel, theirs) = Channel::pair()?;
        let (output, writer) = io::pipe()?;
        let (program, arguments) = self.helper.split_first().ok_or(ProgramError::Arguments)?;
        let helper = Command::new(program)
            .args(arguments)
            .stdin(Stdio::from(theirs))
            .stdout(writer.try_clone()?)
            .stderr(writer)
            // A person's Ctrl-C is for the bench.
            .process_group(0)
            .spawn()?;
        let hear = Arc::clone(&self.hear);
        let printed = Some(thread::spawn(move || listen(output, &hear)));
        let since = Instant::now();
        let running = self.running.insert(Running { helper, channel, init: None, printed, since });
        let started = running.start(&self.settings, &self.cable);
        if started.is_err() {
            self.off();
        }
        started
    }

    /// Switches it off: the program, and all that it has started, are killed.
    pub fn off(&mut self) {
        self.cable.pull();
        if let Some(running) = self.running.take() {
            running.end();
        }
    }

    /// What has become of it since this was asked last.
    ///
    /// # Errors
    /// If the helper is broken.
    pub fn news(&mut self) -> Result<Option<ProgramNews>, ProgramError> {
        let Some(running) = &mut self.running else { return Ok(None) };
        if !running.channel.is_ready(Duration::ZERO)? {
            return Ok(None);
        }
        match running.channel.receive()? {
            Some((HelperReport::Ended { end, others }, _)) => {
                Ok(Some(ProgramNews::Ended { end, others }))
            }
            Some((HelperReport::Empty, _)) => Ok(Some(ProgramNews::Empty)),
            Some((HelperReport::Failed(why), _)) => Err(ProgramError::Helper(why)),
            Some(_) | None => Ok(None),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.off();
    }
}

impl Running {
    fn start(
        &mut self,
        settings: &ProgramSettings,
        cable: &ProgramCable,
    ) -> Result<(), ProgramError> {
        let ProgramSettings { address, prefix, gateway, resolv_conf, .. } = settings.clone();
        self.channel.send(&NamespacePlan { address, prefix, gateway, resolv_conf }, None)?;
        let ProgramSettings { command, folder, .. } = settings.clone();
        self.channel.send(&ProgramStart { command, folder }, None)?;
        let end = Instant::now() + PATIENCE;
        let mut runs = false;
        while !runs || self.init.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::Error::other("it has not started the program").into());
            }
            if !self.channel.is_ready(left)? {
                continue;
            }
            match self.channel.receive()? {
                Some((HelperReport::Plugged, Some(tap))) => cable.plug(tap),
                Some((HelperReport::Init, Some(init))) => self.init = Some(init),
                Some((HelperReport::Started, _)) => runs = true,
                Some((HelperReport::Failed(why), _)) => return Err(ProgramError::Helper(why)),
                Some(_) => {}
                None => return Err(io::Error::other("it ended before the program ran").into()),
            }
        }
        self.since = Instant::now();
        Ok(())
    }

    /// Kills the first process: the kernel kills all others of the namespace, whatever they have become, and the
    /// helper ends when they have.
    fn end(mut self) {
        if let Some(init) = &self.init {
            // It may have ended by itself.
            let _ = pidfd_send_signal(init, Signal::KILL);
        }
        // Without a bench, a first process that is not known yet ends as well.
        drop(self.channel);
        let end = Instant::now() + PATIENCE;
        let waits = self.init.is_some();
        while waits && Instant::now() < end && matches!(self.helper.try_wait(), Ok(None)) {
            thread::sleep(LOOK);
        }
        let _ = self.helper.kill();
        let _ = self.helper.wait();
        if let Some(printed) = self.printed.take().filter(|_| waits) {
            let _ = printed.join();
        }
    }
}

/// Passes on what is printed, until no process is left that prints.
fn listen(mut output: PipeReader, hear: &Hear) {
    let mut bytes = [0; 4_096];
    loop {
        match output.read(&mut bytes) {
            Ok(0) => return,
            Ok(length) => hear(&bytes[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Why no program can be a board here, if none can: tried with one that does nothing.
pub fn why_not(helper: &[OsString]) -> Option<ProgramError> {
    let settings = ProgramSettings {
        command: vec!["true".to_owned()],
        folder: PathBuf::from("/"),
        address: Ipv4Addr::new(192, 0, 2, 2),
        prefix: 24,
        gateway: Ipv4Addr::new(192, 0, 2, 1),
        resolv_conf: None,
    };
    Program::new(helper, settings, Arc::new(|_| {})).on().err()
}
