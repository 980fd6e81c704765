//! Power, console and cable of a board: a process, or a board on a port.

use crate::{
    attend::BoardPower,
    hold::Hold,
    place::{BoardPlace, NetworkPort, PortPlace},
    process::ProcessBoard,
    run::RunError,
    switched::Switched,
};
use parallax_board::{Board, PortLine, PortSettings, Power as _, Pulse, Recorder, now_ns};
use parallax_console::{Console, ConsoleInput, LinePolicy};
use parallax_lab::{Cable, CableError, Datagrams, Interface, Tap};
use parallax_scenario::{ConsoleTraits, ControlLine, ResetTraits};
use std::{
    ffi::OsString,
    mem,
    os::unix::net::UnixDatagram,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long a console that comes with the board's power may take to be there, at least.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks for it.
const LOOK: Duration = Duration::from_millis(10);

/// A board at its place. Dropped, it is switched off, where that is in the bench's power.
pub(crate) enum Stand<'a> {
    Process(ProcessBoard),
    Port {
        place: &'a PortPlace,
        hold: Option<&'a Hold>,
        reset: Option<ResetTraits>,
        /// Since it was asked last.
        switched: Vec<Switched>,
    },
}

/// Switches a board off that a run which was killed may have left on, and tells what was found. One that
/// its bench resets is left as it is. What cannot be switched, the run that follows says. The caller
/// holds the board ([`take`](crate::take)).
pub fn clear(place: &BoardPlace) -> Option<String> {
    let BoardPlace::Port(place) = place else { return None };
    let commands = &place.power.as_ref()?.commands;
    if commands.reset.is_some() {
        return None;
    }
    commands.clear().ok().filter(|said| !said.is_empty())
}

/// What a board's console is opened with.
pub(crate) struct Opening {
    pub(crate) console: Console,
    pub(crate) recorder: Recorder,
    /// Bits per second.
    pub(crate) baud: u32,
    pub(crate) lines: LinePolicy,
}

impl<'a> Stand<'a> {
    /// A board before its run, without power where that is in the bench's, and the lab's end of its
    /// cable.
    pub(crate) fn prepare(
        place: &'a BoardPlace,
        hold: Option<&'a Hold>,
        command: &[OsString],
        traits: &ConsoleTraits,
    ) -> Result<(Self, Box<dyn Cable>), RunError> {
        match place {
            BoardPlace::Process => {
                let what = "open the board's cable".to_owned();
                let (lab, board) =
                    UnixDatagram::pair().map_err(|cause| RunError::System { what, cause })?;
                let baud = traits.bauds.first().copied().unwrap_or(115_200);
                let process = ProcessBoard::new(command, board, baud).map_err(RunError::Power)?;
                Ok((Self::Process(process), Box::new(lab)))
            }
            BoardPlace::Program(_) => Err(RunError::NoConsole),
            BoardPlace::Port(place) => {
                let network = place.network.as_ref().ok_or(RunError::NoNetwork)?;
                let lab = cable(network)?;
                if let Some(switch) = &place.power
                    && switch.commands.reset.is_none()
                {
                    let mut power = switch.commands.clone();
                    power.set(false)?;
                    // Until its capacitors are empty.
                    thread::sleep(power.pause);
                }
                let (reset, switched) = (traits.reset, Vec::new());
                Ok((Self::Port { place, hold, reset, switched }, lab))
            }
        }
    }

    /// Switches it on and opens its console.
    pub(crate) fn on(&mut self, opening: Opening) -> Result<Board, RunError> {
        match self {
            Self::Process(process) => {
                process.on().map_err(RunError::Power)?;
                let mut board = open_dark(&process.console, opening)?;
                board.power(true);
                Ok(board)
            }
            Self::Port { place, hold, reset, switched } => {
                port_on(place, *hold, *reset, opening, switched)
            }
        }
    }
}

impl Stand<'_> {
    /// Switches it on again, in the middle of a run: the driver finds its console.
    pub(crate) fn again(&mut self, board: &mut Board) -> Result<(), RunError> {
        board.power(true);
        match self {
            Self::Process(process) => process.on().map_err(RunError::Power),
            Self::Port { place: PortPlace { power: Some(switch), .. }, switched, .. } => {
                switched.push(Switched::by(true, || switch.commands.clone().set(true))?);
                Ok(())
            }
            Self::Port { .. } => Err(RunError::NoPower),
        }
    }

    /// How it was switched since this was asked last.
    pub(crate) fn switched(&mut self) -> Vec<Switched> {
        match self {
            // That is done at once.
            Self::Process(_) => Vec::new(),
            Self::Port { switched, .. } => mem::take(switched),
        }
    }
}

impl BoardPower for Stand<'_> {
    fn off(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => {
                process.off();
                Ok(())
            }
            Self::Port { place: PortPlace { power: Some(switch), .. }, switched, .. } => {
                let off = Switched::by(false, || switch.commands.clone().set(false));
                switched.push(off.map_err(|error| error.to_string())?);
                Ok(())
            }
            Self::Port { .. } => Err(RunError::NoPower.to_string()),
        }
    }

    fn ended(&mut self) -> Option<String> {
        match self {
            Self::Process(process) => process.ended().map(|status| status.to_string()),
            Self::Port { .. } => None,
        }
    }

    fn process(&self) -> Option<u32> {
        match self {
            Self::Process(process) => process.process(),
            Self::Port { place, .. } => {
                let file = place.pid_file.as_ref()?;
                let number = parallax_files::text(file, parallax_files::WRITTEN_MOST).ok()?;
                number.trim().parse().ok()
            }
        }
    }
}

impl Drop for Stand<'_> {
    fn drop(&mut self) {
        if let Self::Port { place, .. } = self
            && let Some(switch) = &place.power
        {
            // The next run begins with it, and says so if it cannot be.
            let _ = switch.commands.clone().set(false);
        }
    }
}

fn open(port: &Path, opening: Opening) -> Result<Board, RunError> {
    let Opening { console, recorder, baud, lines } = opening;
    let settings = PortSettings { path: port.to_owned(), baud, lines };
    Ok(Board::open(settings, console, recorder)?)
}

/// Opens the console of a board that has no power yet, or is to be reset: what comes before is an earlier
/// run's. Its rate is looked for when it speaks.
fn open_dark(port: &Path, mut opening: Opening) -> Result<Board, RunError> {
    opening.console.handle(now_ns(), ConsoleInput::Power(false));
    let mut board = open(port, opening)?;
    board.hear_earlier();
    Ok(board)
}

fn port_on(
    place: &PortPlace,
    hold: Option<&Hold>,
    reset: Option<ResetTraits>,
    opening: Opening,
    switched: &mut Vec<Switched>,
) -> Result<Board, RunError> {
    let Some(switch) = &place.power else {
        let mut board = open(&place.port, opening)?;
        if let Some(reset) = reset {
            board.pulse(&pulse(reset)).map_err(RunError::Reset)?;
        }
        // Else it is as it is: whether it is ready, its console tells.
        return Ok(board);
    };
    let mut power = switch.commands.clone();
    let mut switch_on = || {
        let on = Switched::by(true, || match power.reset {
            Some(_) => power.reset(),
            None => power.set(true),
        })?;
        switched.push(on);
        Ok::<(), RunError>(())
    };
    if place.port.exists() {
        // It hears the first word of the boot.
        let mut board = open_dark(&place.port, opening)?;
        board.power(true);
        switch_on()?;
        return Ok(board);
    }
    // A console that the board itself brings, as on USB: it comes with the power.
    switch_on()?;
    let end = Instant::now() + PATIENCE.max(switch.commands.limit);
    while !place.port.exists() && Instant::now() < end {
        thread::sleep(LOOK);
    }
    // Now it is known what else it is called.
    hold.map_or(Ok(()), |hold| hold.take_names(&place.port))?;
    let mut board = open(&place.port, opening)?;
    board.power(true);
    Ok(board)
}

fn pulse(reset: ResetTraits) -> Pulse {
    let line = match reset.line {
        ControlLine::Dtr => PortLine::Dtr,
        ControlLine::Rts => PortLine::Rts,
    };
    Pulse { line, active: reset.asserted, hold: reset.hold }
}

/// The lab's end of a board's cable.
fn cable(network: &NetworkPort) -> Result<Box<dyn Cable>, CableError> {
    Ok(match network {
        NetworkPort::Interface(name) => Box::new(Interface::open(name)?),
        NetworkPort::Tap(name) => Box::new(Tap::open(name)?),
        NetworkPort::Sockets { own, board } => Box::new(Datagrams::open(own, board)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Switch;
    use parallax_board::CommandPower;
    use parallax_console::{Nonce, Pattern, State};
    use parallax_scenario::{Builtin, Profiles as _};
    use serialport::{SerialPort as _, TTYPort};
    use tempfile::TempDir;

    fn opening() -> Opening {
        let prompt = Pattern::new("# $").expect("a pattern");
        let console = Console::new(parallax_console::ConsoleProfile::new(prompt), Nonce(1));
        let (recorder, lines) = (Recorder::none(), LinePolicy::default());
        Opening { console, recorder, baud: 115_200, lines }
    }

    fn traits() -> ConsoleTraits {
        let profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
        profile.console.expect("it has one")
    }

    fn place(folder: &TempDir, port: &Path, power: Option<Switch>) -> BoardPlace {
        let (own, board) = (folder.path().join("lab"), folder.path().join("board"));
        let network = Some(NetworkPort::Sockets { own, board });
        BoardPlace::Port(PortPlace { port: port.to_owned(), network, power, pid_file: None }.into())
    }

    fn switch(on: &[&str], off: &[&str], reset: Option<&[&str]>) -> Switch {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let limit = Duration::from_secs(20);
        let (on, off, reset) = (words(on), words(off), reset.map(words));
        let commands = CommandPower { on, off, reset, pause: Duration::ZERO, limit };
        Switch { commands, hub: None }
    }

    #[test]
    fn a_console_that_comes_with_the_power_is_waited_for_and_gone_afterwards() {
        let folder = TempDir::new().expect("a folder");
        let (_master, slave) = TTYPort::pair().expect("a PTY");
        let console = folder.path().join("console");
        let (device, name) = (slave.name().expect("a name"), console.display().to_string());
        let switch = switch(&["ln", "-s", &device, &name], &["rm", "-f", &name], None);
        let place = place(&folder, &console, Some(switch));
        // An earlier run left it on.
        std::os::unix::fs::symlink(&device, &console).expect("a link");
        let (mut stand, cable) = Stand::prepare(&place, None, &[], &traits()).expect("it can be");
        assert!(!console.exists(), "it is off before the run");
        let board = stand.on(opening()).expect("it comes");
        assert!(board.is_plugged() && *board.console().state() == State::Booting);
        drop((board, stand, cable));
        assert!(!console.exists(), "it is off after the run");
    }

    #[test]
    fn what_a_killed_run_left_is_told_unless_it_will_be_reset() {
        let folder = TempDir::new().expect("a folder");
        let of = |reset| {
            let off = ["sh", "-c", "echo it was on >&2"];
            clear(&place(&folder, Path::new("console"), Some(switch(&["true"], &off, reset))))
        };
        assert_eq!(of(None).as_deref(), Some("it was on"));
        assert_eq!(of(Some(&["true"])), None);
        assert_eq!(clear(&place(&folder, Path::new("console"), None)), None);
        assert_eq!(clear(&BoardPlace::Process), None);
    }

    #[test]
    fn a_board_that_is_reset_by_a_command_is_not_switched_off_before() {
        let folder = TempDir::new().expect("a folder");
        let (_master, slave) = TTYPort::pair().expect("a PTY");
        let console = slave.name().expect("a name");
        let done = folder.path().join("reset").display().to_string();
        let switch = switch(&["false"], &["false"], Some(&["touch", &done]));
        let place = place(&folder, Path::new(&console), Some(switch));
        let (mut stand, _cable) = Stand::prepare(&place, None, &[], &traits()).expect("it can be");
        assert!(!Path::new(&done).exists());
        let board = stand.on(opening()).expect("it is there");
        assert!(Path::new(&done).exists());
        assert_eq!(*board.console().state(), State::Booting);
    }

    #[test]
    fn a_board_without_power_is_taken_as_it_is() {
        let folder = TempDir::new().expect("a folder");
        let (_master, slave) = TTYPort::pair().expect("a PTY");
        let place = place(&folder, Path::new(&slave.name().expect("a name")), None);
        let (mut stand, _cable) = Stand::prepare(&place, None, &[], &traits()).expect("it can be");
        let board = stand.on(opening()).expect("it is there");
        assert_eq!(*board.console().state(), State::Unknown);
    }

    #[test]
    fn each_switch_of_a_board_is_told_once_and_it_is_off_afterwards() {
        let folder = TempDir::new().expect("a folder");
        let (_master, slave) = TTYPort::pair().expect("a PTY");
        let relay = folder.path().join("relay");
        let click = format!("echo >> {}", relay.display());
        let switch = switch(&["true"], &["sh", "-c", &click], None);
        let place = place(&folder, Path::new(&slave.name().expect("a name")), Some(switch));
        let clicks = || std::fs::read(&relay).expect("it clicked").len();
        let (mut stand, cable) = Stand::prepare(&place, None, &[], &traits()).expect("it can be");
        let mut board = stand.on(opening()).expect("it is there");
        assert_eq!(clicks(), 1);
        stand.off().expect("it clicks");
        stand.again(&mut board).expect("it is on");
        let ways: Vec<_> = stand.switched().into_iter().map(|switched| switched.on).collect();
        assert_eq!((ways, stand.switched()), (vec![true, false, true], Vec::new()));
        assert_eq!(clicks(), 2);
        drop((stand, cable));
        assert_eq!(clicks(), 3);
    }

    #[test]
    fn what_cannot_be_switched_or_plugged_in_is_told() {
        let folder = TempDir::new().expect("a folder");
        let nowhere = folder.path().join("console");
        let switch = switch(&["true"], &["sh", "-c", "echo no relay >&2; exit 3"], None);
        let place = place(&folder, &nowhere, Some(switch));
        let error =
            Stand::prepare(&place, None, &[], &traits()).err().expect("it fails").to_string();
        assert!(error.contains("no relay") && error.contains("exit status: 3"), "{error}");
        let none = PortPlace { port: nowhere, network: None, power: None, pid_file: None };
        let none = BoardPlace::Port(none.into());
        let error =
            Stand::prepare(&none, None, &[], &traits()).err().expect("it fails").to_string();
        assert!(error.contains("add `network = { interface"), "{error}");
    }
}
