//! The bench file: the boards of a bench. The traits of a type of board are in its device profile.

use crate::place::{
    BoardPlace, PortPlace, WrittenNetwork, WrittenPower, Wrong, duration, network, power, program,
};
use parallax_record::{
    Name,
    foreign::{inline, is_steering},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The browser that a viewer may be.
const BROWSER: &str = "chromium";
/// The profile of a program that names none.
const PROGRAM: &str = "program";

/// A file that is no bench.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the bench {file}: {}\n  help: {help}", inline(cause))]
pub struct FileError {
    file: String,
    cause: String,
    help: &'static str,
}

/// A bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// What it is, in a few words.
    pub title: String,
    /// What the 99th percentile of the lateness of packets may be; none: the lab's default.
    pub lateness_budget: Option<Duration>,
    /// Whether a browser is the viewer.
    pub browser: bool,
    /// Its boards, by name.
    pub boards: BTreeMap<Name, BenchBoard>,
}

/// A board of a bench.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BenchBoard {
    /// The device profile of its type: a shipped one by its name, or a file beside the bench file.
    pub profile: String,
    /// The line of the bench file that names the profile, from 1.
    pub profile_line: usize,
    /// Where it is.
    pub place: BoardPlace,
    /// What it is known by to all who share it: its port. A process board is its bench file's.
    pub known_as: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a bench file")]
struct Written {
    schema: u32,
    title: String,
    lateness_budget: Option<Spanned<String>>,
    viewer: Option<Spanned<String>>,
    board: BTreeMap<String, WrittenBoard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table, `[board.NAME]`")]
struct WrittenBoard {
    profile: Option<Spanned<String>>,
    command: Option<Spanned<Vec<String>>>,
    signalling: Option<Spanned<String>>,
    #[serde(default)]
    process: bool,
    port: Option<PathBuf>,
    network: Option<Spanned<WrittenNetwork>>,
    power: Option<Spanned<WrittenPower>>,
    pid_file: Option<Spanned<PathBuf>>,
}

/// Reads the text of a bench file called `file`.
///
/// # Errors
/// The first thing that is wrong, with its line and key.
pub fn read(file: &str, text: &str) -> Result<Bench, FileError> {
    let wrong = |cause: String, help| FileError { file: file.to_owned(), cause, help };
    if let Some((at, text_there)) =
        DeTable::parse(text).ok().and_then(|table| steering(table.get_ref()))
    {
        let cause =
            format!("line {}: a control character in {}", line_of(text, at), inline(&text_there));
        return Err(wrong(
            cause,
            "leave it out: names, paths and commands stand in lines of messages",
        ));
    }
    let written: Written = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_of(text, span.start));
        let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        // What is of another type or out of bounds: the others name their key themselves.
        let span = error.span().filter(|_| error.message().starts_with("invalid "));
        let key = span.and_then(|span| key_before(text, span.start));
        let key = key.map(|key| format!("`{key}`: ")).unwrap_or_default();
        let cause = format!("{at}{key}{}", error.message());
        wrong(cause, "docs/bench.md shows a whole bench file and tells its keys")
    })?;
    if written.schema != 1 {
        let cause = format!("{}`schema` is {}", at_key(text, "schema"), written.schema);
        return Err(wrong(cause, "this version reads `schema = 1`"));
    }
    if written.board.is_empty() {
        return Err(wrong("it has no board".to_owned(), "add a table [board.NAME]"));
    }
    let at =
        |Wrong { at, cause, help }| wrong(format!("line {}: {cause}", line_of(text, at)), help);
    let budget = written.lateness_budget.as_ref().map(|budget| {
        let (least, most) = (Duration::from_millis(1), Duration::from_secs(10));
        duration("lateness_budget", budget, least, most)
    });
    let lateness_budget = budget.transpose().map_err(at)?;
    let viewer = written.viewer.as_ref();
    if let Some(viewer) = viewer.filter(|viewer| viewer.get_ref() != BROWSER) {
        let cause = format!("`viewer`: there is no viewer {:?}", viewer.get_ref());
        let help = "write \"chromium\", or leave it out: the viewer is Parallax's own";
        return Err(at(Wrong { at: viewer.span().start, cause, help }));
    }
    let browser = viewer.is_some();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let mut boards = BTreeMap::new();
    for (name, board) in written.board {
        let name = Name::new(&name).map_err(|error| {
            // Shown quoted: a key may hold anything.
            let cause =
                format!("{}the board {name:?}: {error}", at_key(text, &format!("[board.{name}]")));
            wrong(cause, "its transcripts are files of that name: write `[board.my-board]`, say")
        })?;
        let table = at_key(text, &format!("[board.{name}]"));
        let (profile, profile_line) = match &board.profile {
            Some(profile) => (profile.get_ref().clone(), line_of(text, profile.span().start)),
            None => match &board.command {
                Some(command) => (PROGRAM.to_owned(), line_of(text, command.span().start)),
                None => {
                    let cause = format!("{table}the board `{name}` has no `profile`");
                    return Err(wrong(cause, "name a device profile, such as \"process-board\""));
                }
            },
        };
        let place = place(board, folder);
        let place = place.map_err(|error| match error {
            Misplaced::Table(what) => {
                let cause = format!("{table}the board `{name}` has {what}");
                wrong(cause, "write one of `process = true`, `port = \"/dev/...\"`, `command = [\"./my-camera\"]`")
            }
            Misplaced::Key(wrong) => at(wrong),
        })?;
        let known_as = match &place {
            BoardPlace::Process | BoardPlace::Program(_) => PathBuf::from(format!("{file}#{name}")),
            BoardPlace::Port(place) => place.port.clone(),
        };
        boards.insert(name, BenchBoard { profile, profile_line, place, known_as });
    }
    Ok(Bench { title: written.title, lateness_budget, browser, boards })
}

/// The first key or text with a steering character in it, and where it stands.
fn steering(table: &DeTable<'_>) -> Option<(usize, String)> {
    let in_text = |text: &str, at| text.contains(is_steering).then(|| (at, text.to_owned()));
    table.iter().find_map(|(key, value)| {
        in_text(key.get_ref(), key.span().start).or_else(|| in_value(value, &in_text))
    })
}

fn in_value(
    value: &Spanned<DeValue<'_>>,
    in_text: &impl Fn(&str, usize) -> Option<(usize, String)>,
) -> Option<(usize, String)> {
    match value.get_ref() {
        DeValue::String(text) => in_text(text, value.span().start),
        DeValue::Array(values) => values.iter().find_map(|value| in_value(value, in_text)),
        DeValue::Table(table) => steering(table),
        _ => None,
    }
}

/// Why a board is nowhere.
enum Misplaced {
    /// What its table has, or has not.
    Table(&'static str),
    /// A key of it is wrong.
    Key(Wrong),
}

fn place(board: WrittenBoard, folder: &Path) -> Result<BoardPlace, Misplaced> {
    let WrittenBoard {
        process,
        port,
        network: cable,
        power: switch,
        pid_file,
        command,
        signalling,
        ..
    } = board;
    let of_a_port = || {
        let spans = [
            cable.as_ref().map(|cable| ("network", cable.span())),
            switch.as_ref().map(|switch| ("power", switch.span())),
            pid_file.as_ref().map(|file| ("pid_file", file.span())),
        ];
        spans.into_iter().flatten().next()
    };
    let beside = |(key, span): (&str, Range<usize>), other: &str, help| {
        let cause = format!("`{key}` is there beside `{other}`");
        Misplaced::Key(Wrong { at: span.start, cause, help })
    };
    let own =
        "leave it out: a process board and a program have network, power and number of their own";
    if let (Some(signalling), None) = (&signalling, &command) {
        let cause = "`signalling` is there without `command`".to_owned();
        let help =
            "leave it out: Parallax's agent is the camera, and the scenario says what it speaks";
        return Err(Misplaced::Key(Wrong { at: signalling.span().start, cause, help }));
    }
    match (process, port, command) {
        (true, None, None) => match of_a_port() {
            None => Ok(BoardPlace::Process),
            Some(key) => Err(beside(key, "process", own)),
        },
        (false, None, Some(command)) => match of_a_port() {
            None => program(command, signalling, folder)
                .map(BoardPlace::Program)
                .map_err(Misplaced::Key),
            Some(key) => Err(beside(key, "command", own)),
        },
        (false, Some(port), None) => {
            let network =
                cable.map(|cable| network(cable, folder)).transpose().map_err(Misplaced::Key)?;
            let power =
                switch.map(|switch| power(switch, folder)).transpose().map_err(Misplaced::Key)?;
            let pid_file = pid_file.map(|file| folder.join(file.into_inner()));
            let port = folder.join(port);
            Ok(BoardPlace::Port(PortPlace { port, network, power, pid_file }.into()))
        }
        (true, Some(_), _) => Err(Misplaced::Table("both `process` and `port`")),
        (true, None, Some(_)) => Err(Misplaced::Table("both `process` and `command`")),
        (false, Some(_), Some(_)) => Err(Misplaced::Table("both `port` and `command`")),
        (false, None, None) => Err(Misplaced::Table("no `port`")),
    }
}

/// Lines are counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The key whose value is there, if it stands in the same line.
fn key_before(text: &str, at: usize) -> Option<&str> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let key = line.rsplit_once('=')?.0.trim_end();
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let key = key.rsplit(|letter| !bare(letter)).next();
    key.filter(|key| !key.is_empty())
}

/// The first line that begins so, if there is one.
fn at_key(text: &str, key: &str) -> String {
    let at = text.lines().position(|line| line.trim_start().starts_with(key));
    at.map(|at| format!("line {}: ", at + 1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::NetworkPort;

    const SOUND: &str =
        "schema = 1\ntitle = \"Mine\"\n\n[board.one]\nprofile = \"process-board\"\n";

    fn said(more: &str) -> String {
        read("mine.toml", &format!("{SOUND}{more}")).expect_err("it is wrong").to_string()
    }

    #[test]
    fn a_bench_has_boards_that_are_processes_or_on_ports() {
        let text = format!(
            "{SOUND}process = true\n[board.two]\nprofile = \"two.toml\"\nport = \"/dev/ttyUSB0\"\n"
        );
        let bench = read("mine.toml", &text).expect("it is sound");
        assert_eq!(bench.title, "Mine");
        assert_eq!(bench.boards["one"].place, BoardPlace::Process);
        let BoardPlace::Port(place) = &bench.boards["two"].place else { panic!("{bench:?}") };
        assert_eq!(place.port.to_str(), Some("/dev/ttyUSB0"));
        assert_eq!((&place.network, &place.power), (&None, &None));
        assert_eq!(bench.lateness_budget, None);
        assert_eq!(bench.boards["two"].profile, "two.toml");
        assert_eq!(bench.boards["two"].profile_line, 8);
    }

    #[test]
    fn a_board_may_be_a_program_that_runs_beside_the_bench_file() {
        let text =
            "schema = 1\ntitle = \"Mine\"\n[board.one]\ncommand = [\"./camera\", \"{url}\"]\n";
        let with = |more: &str| read("desk/mine.toml", &format!("{text}{more}"));
        let bench = with("signalling = \"whip\"\n").expect("it is sound");
        let BoardPlace::Program(place) = &bench.boards["one"].place else { panic!("{bench:?}") };
        assert_eq!(place.command, ["desk/./camera", "{url}"]);
        assert_eq!(place.folder, Path::new("desk"));
        assert_eq!(bench.boards["one"].profile, "program");
        for (more, message) in [
            ("", "line 4: `command` is there without `signalling`"),
            ("signalling = \"mqtt\"", "line 5: `signalling`: no program can speak \"mqtt\" here"),
            ("process = true", "line 3: the board `one` has both `process` and `command`"),
            ("port = \"/dev/x\"", "line 3: the board `one` has both `port` and `command`"),
            ("pid_file = \"pid\"", "line 5: `pid_file` is there beside `command`"),
        ] {
            let said = with(more).expect_err("it is wrong").to_string();
            assert!(said.contains(message) && said.contains("help: "), "{more}: {said}");
        }
        let none = said("process = true\nsignalling = \"whip\"\n");
        assert!(none.contains("line 7: `signalling` is there without `command`"), "{none}");
        let empty = read("mine.toml", "schema = 1\ntitle = \"x\"\n[board.one]\ncommand = []\n");
        let empty = empty.expect_err("it is wrong").to_string();
        assert!(empty.contains("line 4: `command` names no program"), "{empty}");
        let bare = read("mine.toml", "schema = 1\ntitle = \"x\"\n[board.one]\nport = \"/x\"\n");
        let bare = bare.expect_err("it is wrong").to_string();
        assert!(bare.contains("line 3: the board `one` has no `profile`"), "{bare}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_key() {
        let text = said("process = true\nbuad = 9600\n");
        assert!(
            text.contains("mine.toml") && text.contains("line 7") && text.contains("`buad`"),
            "{text}"
        );
    }

    #[test]
    fn a_value_of_another_type_is_refused_with_its_key() {
        for (more, message) in [
            ("process = \"yes\"", "line 6: `process`: invalid type: string \"yes\""),
            ("port = 7", "line 6: `port`: invalid type: integer `7`"),
            ("port = \"/dev/x\"\nnetwork = { tap = 7 }", "line 7: `tap`: invalid type"),
            ("power = { on = [\"a\", 7] }", "line 6: `on`: invalid type"),
            ("power = { hub = \"1\", port = 300 }", "line 6: `port`: invalid value"),
        ] {
            let said = said(more);
            assert!(said.contains(message), "{more}: {said}");
        }
    }

    #[test]
    fn a_board_is_in_one_place() {
        let nowhere = said("");
        assert!(nowhere.contains("line 4") && nowhere.contains("`one` has no `port`"), "{nowhere}");
        let twice = said("process = true\nport = \"/dev/x\"\n");
        assert!(twice.contains("both `process` and `port`"), "{twice}");
    }

    #[test]
    fn another_schema_no_board_and_no_toml_are_refused() {
        let other = read("b.toml", &SOUND.replace("schema = 1", "schema = 2"));
        assert!(other.expect_err("another").to_string().contains("line 1: `schema` is 2"));
        let none = read("b.toml", "schema = 1\ntitle = \"x\"\n[board]\n");
        assert!(none.expect_err("none").to_string().contains("no board"));
        let broken = read("b.toml", "schema = 1\ntitle = \n").expect_err("broken").to_string();
        assert!(broken.contains("line 2"), "{broken}");
    }

    const ON_A_PORT: &str = "port = \"/dev/ttyUSB0\"\n";

    #[test]
    fn a_board_on_a_port_has_a_network_and_power() {
        let of = |more: &str| {
            let bench = read("benches/mine.toml", &format!("{SOUND}{ON_A_PORT}{more}"));
            match &bench.expect("it is sound").boards["one"].place {
                BoardPlace::Port(place) => (**place).clone(),
                BoardPlace::Process | BoardPlace::Program(_) => panic!("it is on a port"),
            }
        };
        let relay =
            of("network = { interface = \"eth1\" }\npower = { on = [\"./relay.sh\", \"on\"], \
                        off = [\"relay\", \"off\"], pause = \"500ms\", limit = \"1min\" }\n");
        assert_eq!(relay.network, Some(NetworkPort::Interface("eth1".to_owned())));
        let switch = relay.power.expect("it has power");
        assert_eq!(switch.commands.on, ["benches/./relay.sh", "on"], "beside the bench file");
        assert_eq!(switch.commands.off, ["relay", "off"], "looked for in the PATH");
        assert_eq!(switch.commands.pause, Duration::from_millis(500));
        assert_eq!(switch.commands.limit, Duration::from_secs(60));
        assert_eq!(switch.to_string(), "power by `benches/./relay.sh on`");
        let hub = of("network = { tap = \"tap0\" }\npower = { hub = \"1-1.4\", port = 2 }\n");
        assert_eq!(hub.network, Some(NetworkPort::Tap("tap0".to_owned())));
        let switch = hub.power.expect("it has power");
        assert_eq!(switch.commands.on[0], "uhubctl");
        assert_eq!(switch.to_string(), "power by port 2 of USB hub 1-1.4");
        let process = of("pid_file = \"board.pid\"\n");
        assert_eq!(process.pid_file, Some("benches/board.pid".into()), "beside the bench file");
        let sockets = of("network = { socket = \"/run/a\", board_socket = \"/run/b\" }\n");
        let (own, board) = ("/run/a".into(), "/run/b".into());
        assert_eq!(sockets.network, Some(NetworkPort::Sockets { own, board }));
    }

    #[test]
    fn what_is_wrong_with_network_and_power_is_told_with_line_and_key() {
        for (more, message) in [
            ("network = {}", "line 7: `network` says nothing"),
            ("network = { interface = \"a/b\" }", "line 7: `network.interface`: no interface"),
            (
                "network = { tap = \"a-name-too-long-for-it\" }",
                "line 7: `network.tap`: no interface",
            ),
            (
                "network = { interface = \"a\", tap = \"b\" }",
                "line 7: `network` names more than one",
            ),
            (
                "network = { socket = \"/a\" }",
                "line 7: `network` has `socket` and no `board_socket`",
            ),
            ("network = { board_socket = \"/a\" }", "`network` has `board_socket` and no `socket`"),
            ("network = { socket = \"/a\", board_socket = \"/a\" }", "are the same"),
            ("network = { card = \"eth1\" }", "line 7: unknown field `card`"),
            ("\npower = {}", "line 8: `power` has no `on`"),
            ("power = { on = [\"a\"] }", "line 7: `power` has no `off`"),
            ("power = { on = [], off = [\"a\"] }", "`power` has an `on` that names no program"),
            ("power = { on = [\"a\"], off = [\" \"] }", "has an `off` that names no program"),
            ("power = { on = [\"a\"], off = [\"b\"], reset = [] }", "has an `reset` that names no"),
            ("power = { hub = \"1-1\" }", "line 7: `power` has `hub` and no `port`"),
            ("power = { port = 2 }", "line 7: `power` has `port` and no `hub`"),
            ("power = { hub = \"1-1\", port = 2, on = [\"a\"] }", "has both `hub` and commands"),
            ("power = { hub = \"1-1\", port = 2, reset = [\"a\"] }", "has both `hub` and `reset`"),
            (
                "power = { hub = \"1-1\", port = 2, pause = \"2\" }",
                "line 7: `power.pause`: \"2\" is no",
            ),
            ("power = { hub = \"1-1\", port = 2, limit = \"0s\" }", "`power.limit` is not within"),
            ("power = \"manual\"", "line 7: "),
        ] {
            let said = said(&format!("{ON_A_PORT}{more}\n"));
            assert!(said.contains(message) && said.contains("mine.toml"), "{more}: {said}");
            assert!(said.contains("help: "), "{said}");
        }
        let own = said("process = true\nnetwork = { tap = \"tap0\" }\n");
        assert!(own.contains("line 7: `network` is there beside `process`"), "{own}");
        let own = said("process = true\npid_file = \"pid\"\n");
        assert!(own.contains("line 7: `pid_file` is there beside `process`"), "{own}");
        let own = said("process = true\npower = { hub = \"1-1\", port = 2 }\n");
        assert!(own.contains("line 7: `power` is there beside `process`"), "{own}");
    }

    #[test]
    fn a_bench_may_have_a_browser_as_the_viewer_and_no_other() {
        let with = |viewer: &str| {
            let text = SOUND.replace("\n\n", &format!("\nviewer = \"{viewer}\"\n\n"));
            read("mine.toml", &format!("{text}process = true\n"))
        };
        assert!(with("chromium").expect("sound").browser);
        let wrong = with("lynx").expect_err("it is none").to_string();
        assert!(wrong.contains("line 3: `viewer`: there is no viewer \"lynx\""), "{wrong}");
        assert!(!read("mine.toml", &format!("{SOUND}process = true\n")).expect("sound").browser);
    }

    #[test]
    fn a_bench_has_a_budget_of_its_own_for_lateness() {
        let with = |budget: &str| {
            let text = SOUND.replace("\n\n", &format!("\nlateness_budget = \"{budget}\"\n\n"));
            read("mine.toml", &format!("{text}process = true\n"))
        };
        assert_eq!(with("35ms").expect("sound").lateness_budget, Some(Duration::from_millis(35)));
        let wrong = with("fast").expect_err("it is none").to_string();
        assert!(wrong.contains("line 3: `lateness_budget`: \"fast\" is no duration"), "{wrong}");
        let far = with("1min").expect_err("too much").to_string();
        assert!(far.contains("line 3: `lateness_budget` is not within 1ms and 10s"), "{far}");
    }
}
