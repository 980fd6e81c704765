//! The board: it boots, asks who logs in, and runs what is typed.

use crate::{
    error::ProcessBoardError,
    fault::{BoardFault, BoardFaultKind, BoardStage},
    faults::ActiveFaults,
    inject::Injector,
    plug::Plug,
    shell::{BANNER, ShellCommand, commands, said},
    skew::Skew,
    station::Station,
    tty::Tty,
};
use parallax_agent as agent;
use parallax_console::{FrameEncoder, Nonce, Sender};
use rustix::time::{ClockId, clock_gettime};
use std::{
    io,
    os::unix::net::UnixDatagram,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

const USER: &str = "root";
const PROMPT: &str = "# ";
/// Longest wait of a boot for an address; without one the board is up all the same.
const LEASE: Duration = Duration::from_secs(5);
/// From one boot of a boot loop to the next.
const BOOT_LOOP: Duration = Duration::from_millis(250);
/// Time for which output of an earlier run comes after the console was plugged in, and its interval.
const EARLIER: (Duration, Duration) = (Duration::from_millis(300), Duration::from_millis(10));
/// From then to the boot.
const BEFORE_POWER: Duration = Duration::from_millis(500);
/// What a shell says of a program that a signal ended.
const KILLED: u8 = 137;

/// What a process board is.
#[derive(Clone, Debug)]
pub struct BoardSettings {
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
    /// What goes wrong on it.
    pub faults: Vec<BoardFault>,
}

/// Runs a board from power on, for ever: power off is the end of its process. `cable` is connected to
/// the lab's.
///
/// # Errors
/// If it cannot be, or its console is gone.
pub fn run(settings: &BoardSettings, cable: UnixDatagram) -> Result<(), ProcessBoardError> {
    let (on, on_ns, skew) = (Instant::now(), machine_ns(), settings.clock);
    let clock = agent::AgentClock::new(move || skew.board_ns(machine_ns(), on_ns));
    let faults = ActiveFaults::new(on, settings.faults.clone());
    let plug = Arc::new(Plug::new(settings.console.clone())?);
    if faults.is(BoardFaultKind::Earlier) {
        leave(&plug)?;
    }
    plug.show(faults.is(BoardFaultKind::Locked))?;
    if faults.is(BoardFaultKind::Earlier) {
        leave_more(&plug)?;
    }
    let mut tty = Tty::new(&plug, settings.bits_per_second, settings.jitter, &faults)?;
    let injector = Injector { faults: faults.clone(), wire: tty.wire(), plug, typed: tty.typed() };
    // A fault of the first moment shows before the first byte.
    injector.inject_due()?;
    injector.start()?;
    let station = Station::plug(cable)?;
    boot(settings, on, &mut tty, &station, &faults)?;
    login(&mut tty, &faults)?;
    loop {
        tty.say(PROMPT)?;
        let line = tty.line()?;
        let mut status = 0;
        for command in commands(&line) {
            status = execute(&command, status, &mut tty, &station, &clock, &faults)?;
        }
    }
}

/// Nanoseconds of the machine's monotonic clock, the same for all processes.
fn machine_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// What an earlier run said: a frame of its agent, its prompt, its end.
fn leave(plug: &Plug) -> io::Result<()> {
    let mut said = format!("\r\n{BANNER}\r\nprocess-board login: root\r\n# ").into_bytes();
    // A short message: it fits a frame.
    let _ = FrameEncoder::new(Sender::Board, Nonce(0x0bad_cafe)).encode(
        br#"{"kind":"bye"}"#,
        b"\r\n",
        &mut said,
    );
    said.extend_from_slice(b"[   99.000000] Kernel panic - not syncing: an earlier one\r\n# ");
    let mut rest = said.as_slice();
    while !rest.is_empty() {
        match plug.write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            // There is no reader yet, and no room for more.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whenever it is opened, an adapter still has some of it.
fn leave_more(plug: &Plug) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < EARLIER.0 {
        leave(plug)?;
        thread::sleep(EARLIER.1);
    }
    thread::sleep(BEFORE_POWER);
    Ok(())
}

fn boot(
    settings: &BoardSettings,
    on: Instant,
    tty: &mut Tty,
    station: &Station,
    faults: &ActiveFaults,
) -> io::Result<()> {
    tty.say(&format!("\n{BANNER}\n"))?;
    while faults.is(BoardFaultKind::BootLoop) {
        thread::sleep(BOOT_LOOP);
        tty.say(&format!("\n{BANNER}\n"))?;
    }
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

fn login(tty: &mut Tty, faults: &ActiveFaults) -> io::Result<()> {
    tty.forget();
    faults.reached(BoardStage::Login);
    loop {
        tty.say("\nprocess-board login: ")?;
        match tty.line()?.as_str() {
            USER if !faults.is(BoardFaultKind::Refused) => return tty.say("\n"),
            "" => {}
            _ => tty.say("Login incorrect\n")?,
        }
    }
}

/// Does a command, after one that ended with this status; gives its own.
fn execute(
    command: &ShellCommand,
    before: u8,
    tty: &mut Tty,
    station: &Station,
    clock: &agent::AgentClock,
    faults: &ActiveFaults,
) -> io::Result<u8> {
    let words = match command {
        ShellCommand::Echo(words) => {
            tty.say(&format!("{}\n", said(words, before)))?;
            return Ok(0);
        }
        ShellCommand::Other(words) => words,
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
        ["parallax-agent", "--nonce", hex] if !faults.is(BoardFaultKind::NoAgent) => {
            match u32::from_str_radix(hex, 16) {
                Ok(nonce) => run_agent(Nonce(nonce), tty, station, clock, faults),
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
    clock: &agent::AgentClock,
    faults: &ActiveFaults,
) -> io::Result<u8> {
    let wire = tty.wire_of_agent();
    faults.reached(BoardStage::Agent);
    match agent::run(station.clone(), clock.clone(), nonce, &mut *tty, wire) {
        Ok(()) if faults.agent_killed() => {
            tty.say("Killed\n")?;
            Ok(KILLED)
        }
        Ok(()) => Ok(0),
        Err(error) => {
            tty.say(&format!("parallax-agent: {error}\n"))?;
            Ok(1)
        }
    }
}
