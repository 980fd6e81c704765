//! State of a board's port, network and power before a run. No port is opened: that
//! would reset many boards.

use crate::{
    place::{BoardPlace, NetworkPort, PortPlace, ProgramPlace},
    words::in_one_line,
};
use parallax_board::{PortState, look as look_at_port};
use parallax_lab::{Interface, LinkState, look as look_at_link};
use std::{ffi::OsString, path::Path};

/// What was seen of a board's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceState {
    /// Its console, network and power, each with its state.
    pub parts: Vec<String>,
    /// What keeps it from being driven now, if anything does.
    pub trouble: Option<String>,
}

/// Looks at a board's place.
///
/// `program_helper` starts the helper of a program: whether there can be one is tried.
pub fn state(place: &BoardPlace, program_helper: &[OsString]) -> PlaceState {
    match place {
        BoardPlace::Program(place) => PlaceState {
            parts: vec![format!("program, `{}`, starts with each run", place.command.join(" "))],
            trouble: of_program(place, program_helper),
        },
        BoardPlace::Process => {
            PlaceState { parts: vec!["process, starts with each run".to_owned()], trouble: None }
        }
        BoardPlace::Port(place) => of_port(place),
    }
}

fn of_program(place: &ProgramPlace, helper: &[OsString]) -> Option<String> {
    let program = place.command.first().map(String::as_str).unwrap_or_default();
    if !is_program(program) {
        return Some(format!("cannot be started: there is no program `{program}`"));
    }
    let why = parallax_program::why_not(helper)?;
    Some(format!("cannot be started: {}", in_one_line(&why)))
}

fn of_port(place: &PortPlace) -> PlaceState {
    let port = look_at_port(&place.port);
    let mut parts = vec![format!("{}, {port}", place.port.display())];
    let mut trouble = match port {
        PortState::There | PortState::Open(_) => None,
        // It may be the board's own.
        PortState::Missing if place.power.is_some() => None,
        PortState::Missing => Some("cannot be driven before its port is there".to_owned()),
        other => Some(format!("cannot be driven: its port is {other}")),
    };
    let (network, wrong) = match &place.network {
        Some(network) => of_network(network),
        None => {
            ("no network".to_owned(), Some("no scenario runs on it without a network".to_owned()))
        }
    };
    parts.push(network);
    trouble = trouble.or(wrong);
    parts.push(place.power.as_ref().map_or("power by hand".to_owned(), ToString::to_string));
    if let Some(switch) = &place.power
        && let Some(program) = switch.commands.on.first()
        && !is_program(program)
    {
        trouble = trouble.or_else(|| Some(format!("cannot be switched: there is no `{program}`")));
    }
    PlaceState { parts, trouble }
}

fn of_network(network: &NetworkPort) -> (String, Option<String>) {
    match network {
        NetworkPort::Interface(name) => {
            let seen = match look_at_link(name) {
                Ok(seen) => seen.to_string(),
                Err(error) => format!("not told ({error})"),
            };
            // One more listener is not noticed.
            let trouble = Interface::open(name).err().map(|error| error.to_string());
            (format!("interface {name}, {seen}"), trouble)
        }
        NetworkPort::Tap(name) => match look_at_link(name) {
            Ok(seen) if seen.link == LinkState::Missing => {
                (format!("tap {name}, made for each run"), None)
            }
            Ok(seen) => (format!("tap {name}, {seen}"), None),
            Err(error) => (format!("tap {name}, not told ({error})"), None),
        },
        NetworkPort::Sockets { own, board } => {
            let there = if board.exists() { "there" } else { "not there yet" };
            (format!("sockets {} and {}, which is {there}", own.display(), board.display()), None)
        }
    }
}

/// Whether there is such a program, in the `PATH` or where its name says.
pub(crate) fn is_program(name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).is_file();
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}
