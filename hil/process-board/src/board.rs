//! The board: it boots, asks who logs in, and runs what is typed.

use crate::{
    shell::{Command, commands, said},
    skew::Skew,
    station::Station,
    tty::Tty,
};
use parallax_agent as agent;
use parallax_console::Nonce;
use rustix::time::{ClockId, clock_gettime};
use serialport::{SerialPort as _, TTYPort};
use std::{
    fs, io,
    os::unix::{fs::symlink, net::UnixDatagram},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

/// What a boot's first stage says; the profile `process-board` knows it.
const BANNER: &str = "Parallax process board, first stage";
const USER: &str = "root";
const PROMPT: &str = "# ";
/// So long a boot waits for an address; without one the board is up all the same.
const LEASE: Duration = Duration::from_secs(5);

/// What a process board is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name under which its console is found: a link to the PTY.
    pub console: PathBuf,
    /// What its console carries, bits per second.
    pub bits_per_second: u32,
    /// From power on to its login.
    pub boot: Duration,
    /// How wrong its clock is.
    pub clock: Skew,
    /// By how much the console holds back what passes, at most, each way and each time anew. Nothing
    /// overtakes.
    pub jitter: Duration,
}

/// Why a process board cannot be, or ended.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// It is started in another way.
    #[error(
        "failed to start: help: --console PATH --baud N --parent PID, and how wrong it is: --clock-offset MS, --clock-drift-ppm N, --clock-jump AT_MS BY_MS, --console-jitter MS; a bench does so"
    )]
    Arguments,
    /// No PTY.
    #[error("failed to open a pseudo-terminal: {0}\nhelp: see whether /dev/ptmx is there")]
    NoPty(String),
    /// The console's name cannot be made.
    #[error("failed to name the console {}: {cause}\nhelp: name a folder that can be written", console.display())]
    NoName {
        /// The name.
        console: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A thread, a socket or the console.
    #[error("failed to run the board: {0}\nhelp: see whether the bench is still there")]
    Broken(#[from] io::Error),
}

/// Runs a board from power on, for ever: power off is the end of its process. `cable` is connected to
/// the lab's.
///
/// # Errors
/// If it cannot be, or its console is gone.
pub fn run(settings: &Settings, cable: UnixDatagram) -> Result<(), BoardError> {
    let (on, on_ns, skew) = (Instant::now(), machine_ns(), settings.clock);
    let clock = agent::Clock::new(move || skew.board_ns(machine_ns(), on_ns));
    let no_pty = |error: serialport::Error| BoardError::NoPty(error.to_string());
    // The slave stays open: so the PTY stays while nobody else has it open.
    let (master, slave) = TTYPort::pair().map_err(no_pty)?;
    let device = slave.name().ok_or_else(|| BoardError::NoPty("it has no name".to_owned()))?;
    name(&settings.console, &device)?;
    let mut tty = Tty::new(master, settings.bits_per_second, settings.jitter)?;
    let station = Station::plug(cable)?;
    boot(settings, on, &mut tty, &station)?;
    login(&mut tty)?;
    loop {
        tty.say(PROMPT)?;
        let line = tty.line()?;
        let mut status = 0;
        for command in commands(&line) {
            status = execute(&command, status, &mut tty, &station, &clock)?;
        }
    }
}

/// Nanoseconds of the machine's monotonic clock, the same for all processes.
fn machine_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// A board that was killed leaves its name behind: the next one takes it over at once.
fn name(console: &PathBuf, device: &str) -> Result<(), BoardError> {
    let aside = console.with_extension("new");
    let _ = fs::remove_file(&aside);
    symlink(device, &aside)
        .and_then(|()| fs::rename(&aside, console))
        .map_err(|cause| BoardError::NoName { console: console.clone(), cause })
}

fn boot(settings: &Settings, on: Instant, tty: &mut Tty, station: &Station) -> io::Result<()> {
    tty.say(&format!("\n{BANNER}\n"))?;
    let rest = settings.boot.saturating_sub(on.elapsed());
    thread::sleep(rest / 2);
    tty.say("[    0.000000] Booting a process\n")?;
    thread::sleep(rest / 2);
    while station.address().is_none() && on.elapsed() < settings.boot + LEASE {
        thread::sleep(Duration::from_millis(5));
    }
    match station.address() {
        Some(address) => tty.say(&format!("eth0: leased {address}\n")),
        None => tty.say("eth0: no lease\n"),
    }
}

fn login(tty: &mut Tty) -> io::Result<()> {
    tty.forget();
    loop {
        tty.say("\nprocess-board login: ")?;
        match tty.line()?.as_str() {
            USER => return tty.say("\n"),
            "" => {}
            _ => tty.say("Login incorrect\n")?,
        }
    }
}

/// Does a command, after one that ended with this status; gives its own.
fn execute(
    command: &Command,
    before: u8,
    tty: &mut Tty,
    station: &Station,
    clock: &agent::Clock,
) -> io::Result<u8> {
    let words = match command {
        Command::Echo(words) => {
            tty.say(&format!("{}\n", said(words, before)))?;
            return Ok(0);
        }
        Command::Other(words) => words,
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["true"] => Ok(0),
        ["false"] => Ok(1),
        ["stty", "echo"] => {
            tty.echo(true);
            Ok(0)
        }
        ["stty", "-echo"] => {
            tty.echo(false);
            Ok(0)
        }
        ["parallax-agent", "--nonce", hex] => {
            match u32::from_str_radix(hex, 16) {
                Ok(nonce) => run_agent(Nonce(nonce), tty, station, clock),
                Err(_) => {
                    tty.say("parallax-agent: failed to read the nonce: help: eight hexadecimal digits\n")?;
                    Ok(2)
                }
            }
        }
        _ => {
            let name = words.first().copied().unwrap_or_default();
            tty.say(&format!("sh: {name}: not found\n"))?;
            Ok(127)
        }
    }
}

fn run_agent(
    nonce: Nonce,
    tty: &mut Tty,
    station: &Station,
    clock: &agent::Clock,
) -> io::Result<u8> {
    let wire = tty.wire();
    match agent::run(station.clone(), clock.clone(), nonce, &mut *tty, wire) {
        Ok(()) => Ok(0),
        Err(error) => {
            tty.say(&format!("parallax-agent: {error}\n"))?;
            Ok(1)
        }
    }
}
