//! Place of a board: its console, its network, its power.

use parallax_board::CommandPower;
use parallax_program::{PLACEHOLDERS, unknown_placeholder};
use parallax_scenario::units;
use serde::Deserialize;
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::Spanned;

/// Where a board is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoardPlace {
    /// It is a process, started for each run.
    Process,
    /// On a serial port.
    Port(Box<PortPlace>),
    /// It is a program, started with its power.
    Program(ProgramPlace),
}

/// A program as the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramPlace {
    /// Program and arguments, with placeholders.
    pub command: Vec<String>,
    /// Its working folder: the bench file's.
    pub folder: PathBuf,
}

/// A board on a serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortPlace {
    /// Its console.
    pub port: PathBuf,
    /// Where its network is; none: no scenario runs on it.
    pub network: Option<NetworkPort>,
    /// What switches it; none: it is on, or is switched by hand.
    pub power: Option<Switch>,
    /// Has the number of the process that the board is, if it is one of the bench's machine.
    pub pid_file: Option<PathBuf>,
}

/// Where a board's network comes out on the bench's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkPort {
    /// A network interface that its cable is plugged into.
    Interface(String),
    /// A TAP interface.
    Tap(String),
    /// Two unix datagram sockets.
    Sockets {
        /// The lab's.
        own: PathBuf,
        /// The board's.
        board: PathBuf,
    },
}

/// What switches a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// How it is done.
    pub commands: CommandPower,
    /// The USB hub and its port, if it is one.
    pub hub: Option<(String, u8)>,
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hub {
            Some((hub, port)) => write!(f, "power by port {port} of USB hub {hub}"),
            None => write!(f, "power by `{}`", self.commands.on.join(" ")),
        }
    }
}

/// `network`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, `{ ... }`")]
pub(crate) struct WrittenNetwork {
    interface: Option<String>,
    tap: Option<String>,
    socket: Option<PathBuf>,
    board_socket: Option<PathBuf>,
}

/// `power`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, `{ ... }`")]
pub(crate) struct WrittenPower {
    on: Option<Vec<String>>,
    off: Option<Vec<String>>,
    reset: Option<Vec<String>>,
    pause: Option<Spanned<String>>,
    limit: Option<Spanned<String>>,
    hub: Option<String>,
    port: Option<u8>,
}

/// What is wrong: where, the key and what, and the cure.
pub(crate) struct Wrong {
    /// Byte of the text.
    pub(crate) at: usize,
    pub(crate) cause: String,
    pub(crate) help: &'static str,
}

const NETWORK_HELP: &str = "write one of `network = { interface = \"eth1\" }`, \
    `network = { tap = \"tap0\" }`, `network = { socket = \"/run/lab.sock\", board_socket = \
    \"/run/board.sock\" }`";
const POWER_HELP: &str = "write `power = { on = [\"program\", \"argument\"], off = [\"program\"] }`, \
    or `power = { hub = \"1-1.4\", port = 2 }`; docs/bench.md tells all of its keys";
/// `IFNAMSIZ` of Linux, without the end.
const NAME_BYTES_MOST: usize = 15;

/// `folder` is the bench file's: sockets are looked for from there.
pub(crate) fn network(
    written: Spanned<WrittenNetwork>,
    folder: &Path,
) -> Result<NetworkPort, Wrong> {
    let at = written.span().start;
    let wrong = |cause: String| Wrong { at, cause, help: NETWORK_HELP };
    let name = |key: &str, name: String| {
        let strange = |c: char| c == '/' || c.is_whitespace() || c.is_control();
        if name.is_empty() || name.len() > NAME_BYTES_MOST || name.contains(strange) {
            return Err(wrong(format!("`network.{key}`: no interface can be called {name:?}")));
        }
        Ok(name)
    };
    let WrittenNetwork { interface, tap, socket, board_socket } = written.into_inner();
    match (interface, tap, socket, board_socket) {
        (Some(interface), None, None, None) => {
            name("interface", interface).map(NetworkPort::Interface)
        }
        (None, Some(tap), None, None) => name("tap", tap).map(NetworkPort::Tap),
        (None, None, Some(own), Some(board)) if own != board => {
            let (own, board) = (folder.join(own), folder.join(board));
            Ok(NetworkPort::Sockets { own, board })
        }
        (None, None, Some(_), Some(_)) => {
            Err(wrong("`network`: `socket` and `board_socket` are the same".to_owned()))
        }
        (None, None, Some(_), None) => {
            Err(wrong("`network` has `socket` and no `board_socket`".to_owned()))
        }
        (None, None, None, Some(_)) => {
            Err(wrong("`network` has `board_socket` and no `socket`".to_owned()))
        }
        (None, None, None, None) => Err(wrong("`network` says nothing".to_owned())),
        _ => Err(wrong("`network` names more than one port".to_owned())),
    }
}

/// `folder` is the bench file's: a program with a `/` in its name is looked for from there.
pub(crate) fn power(written: Spanned<WrittenPower>, folder: &Path) -> Result<Switch, Wrong> {
    let at = written.span().start;
    let wrong = |cause: &str| Wrong { at, cause: format!("`power` {cause}"), help: POWER_HELP };
    let WrittenPower { on, off, reset, pause, limit, hub, port } = written.into_inner();
    let (mut commands, hub) = match (hub, port, on, off) {
        (Some(hub), Some(port), None, None) if reset.is_none() => {
            (CommandPower::uhubctl(&hub, port), Some((hub, port)))
        }
        (Some(_), _, None, None) if reset.is_some() => {
            return Err(wrong("has both `hub` and `reset`"));
        }
        (Some(_), None, None, None) => return Err(wrong("has `hub` and no `port` of it")),
        (None, Some(_), _, _) => return Err(wrong("has `port` and no `hub`")),
        (Some(_), _, _, _) => return Err(wrong("has both `hub` and commands")),
        (None, None, Some(on), Some(off)) => {
            let (pause, limit) = (Duration::from_secs(2), Duration::from_secs(20));
            (CommandPower { on, off, reset, pause, limit }, None)
        }
        (None, None, None, _) => return Err(wrong("has no `on`")),
        (None, None, Some(_), None) => return Err(wrong("has no `off`")),
    };
    let words = [Some(&mut commands.on), Some(&mut commands.off), commands.reset.as_mut()];
    for (key, words) in ["on", "off", "reset"].into_iter().zip(words) {
        let Some(words) = words else { continue };
        let Some(program) = words.first_mut().filter(|program| !program.trim().is_empty()) else {
            return Err(wrong(&format!("has an `{key}` that names no program")));
        };
        if program.contains('/') {
            *program = folder.join(&*program).display().to_string();
        }
    }
    let hour = Duration::from_secs(3_600);
    if let Some(pause) = pause {
        commands.pause = duration("power.pause", &pause, Duration::ZERO, hour)?;
    }
    if let Some(limit) = limit {
        commands.limit = duration("power.limit", &limit, Duration::from_millis(1), hour)?;
    }
    Ok(Switch { commands, hub })
}

const COMMAND_HELP: &str = "write `command = [\"./my-camera\", \"--whip\", \"{url}\", \"--token\", \
    \"{token}\"]`; docs/your-camera.md lists the placeholders";

/// `folder` is the bench file's: the program runs there.
pub(crate) fn program(
    command: Spanned<Vec<String>>,
    signalling: Option<Spanned<String>>,
    folder: &Path,
) -> Result<ProgramPlace, Wrong> {
    let at = command.span().start;
    let wrong = |cause: String| Wrong { at, cause, help: COMMAND_HELP };
    let mut command = command.into_inner();
    let Some(program) = command.first_mut().filter(|program| !program.trim().is_empty()) else {
        return Err(wrong("`command` names no program".to_owned()));
    };
    if program.contains('/') {
        *program = folder.join(&*program).display().to_string();
    }
    if let Some(word) = unknown_placeholder(&command) {
        return Err(wrong(format!("`command`: {word} is none of {}", PLACEHOLDERS.join(", "))));
    }
    match signalling {
        Some(signalling) if signalling.get_ref() == "whip" => {
            Ok(ProgramPlace { command, folder: folder.to_owned() })
        }
        Some(other) => Err(Wrong {
            at: other.span().start,
            cause: format!("`signalling`: no program can speak {:?} here", other.get_ref()),
            help: "write `signalling = \"whip\"`: the program pushes its stream to {url} (RFC 9725)",
        }),
        None => Err(Wrong {
            at,
            cause: "`command` is there without `signalling`".to_owned(),
            help: "add `signalling = \"whip\"`: the program pushes its stream to {url} (RFC 9725)",
        }),
    }
}

/// A duration from `least` to `most`.
pub(crate) fn duration(
    key: &str,
    text: &Spanned<String>,
    least: Duration,
    most: Duration,
) -> Result<Duration, Wrong> {
    let help = "write a duration such as \"500ms\", \"2s\"";
    let wrong = |cause| Wrong { at: text.span().start, cause, help };
    let value = units::duration(text.get_ref())
        .map_err(|_| wrong(format!("`{key}`: {:?} is no duration", text.get_ref())))?;
    if !(least..=most).contains(&value) {
        let (least, most) = (units::format_duration(least), units::format_duration(most));
        return Err(wrong(format!("`{key}` is not within {least} and {most}")));
    }
    Ok(value)
}
