//! `parallax console` and `parallax replay`, on the process board and on files.
#![cfg(unix)]

mod support;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcsetattr,
};
use serialport::{SerialPort as _, TTYPort};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use support::Place;

const VIRTUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches/virtual.toml");
const TRANSCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles/transcripts");
/// Longer than anything here takes, on a machine however busy.
const LONG: Duration = Duration::from_secs(120);

fn shipped(name: &str) -> String {
    format!("{TRANSCRIPTS}/{name}.txt")
}

#[test]
fn lines_from_a_pipe_reach_the_board_and_the_transcript_replays() {
    let place = Place::new();
    let line = format!(
        "printf 'echo one\\nno-such' | {} console --bench {VIRTUAL} virtual --ready --transcript t.txt",
        env!("CARGO_BIN_EXE_parallax")
    );
    let called = place.shell(&line).ended(0);
    assert!(called.said.contains("\r\none\r\n"), "{}", called.said);
    assert!(called.said.contains("sh: no-such: not found"), "{}", called.said);
    for told in ["-- virtual, a process-board", "-- a boot began", "-- ready", "-- left; the trans"]
    {
        assert!(called.complained.contains(told), "{}", called.complained);
    }
    let replayed = place.call(&["replay", "t.txt", "--profile", "process-board"]).ended(0);
    assert!(replayed.said.contains("typed     `no-such`"), "{}", replayed.said);
    assert!(replayed.said.contains("came up   yes, "), "{}", replayed.said);
    assert!(!replayed.said.contains("NEVER"), "{}", replayed.said);
    // A transcript is never written over.
    let again = place.shell(&line).ended(2);
    assert!(again.complained.contains("failed to begin the transcript t.txt"));
}

/// A command on a terminal of its own.
struct Terminal {
    master: TTYPort,
    slave: File,
    child: Child,
    shown: String,
}

fn settings(terminal: &File) -> Termios {
    tcgetattr(terminal).expect("a terminal")
}

impl Terminal {
    fn start(place: &Place) -> (Self, Termios) {
        let (mut master, slave) = TTYPort::pair().expect("a PTY");
        master.set_timeout(Duration::from_millis(20)).expect("a timeout");
        let name = slave.name().expect("a name");
        let slave = OpenOptions::new().read(true).write(true).open(name).expect("its other end");
        // As a shell leaves it: lines, echo, and keys that are signals.
        let mut cooked = settings(&slave);
        cooked.local_modes |= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        cooked.input_modes |= InputModes::ICRNL;
        cooked.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        tcsetattr(&slave, OptionalActions::Now, &cooked).expect("a terminal");
        let before = settings(&slave);
        let mut command: Command =
            place.parallax(&["console", "--bench", VIRTUAL, "virtual", "--transcript", "t.txt"]);
        let end = || Stdio::from(slave.try_clone().expect("a clone"));
        command.stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().expect("it starts");
        (Self { master, slave, child, shown: String::new() }, before)
    }

    fn wait_for(&mut self, text: &str) {
        let begun = Instant::now();
        let mut bytes = [0; 1024];
        while !self.shown.contains(text) {
            assert!(begun.elapsed() < LONG, "no {text} in:\n{}", self.shown);
            if let Ok(count) = self.master.read(&mut bytes) {
                self.shown += &String::from_utf8_lossy(&bytes[..count]);
            }
        }
        let (_, after) = self.shown.split_once(text).expect("it is there");
        self.shown = after.to_owned();
    }

    fn press(&mut self, keys: &[u8]) {
        self.master.write_all(keys).expect("room");
    }

    fn end(&mut self) -> Option<i32> {
        let begun = Instant::now();
        let mut bytes = [0; 1024];
        loop {
            // What is not read would hold it up.
            let _ = self.master.read(&mut bytes);
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(begun.elapsed() < LONG, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn same(one: &Termios, other: &Termios) -> bool {
    let flags = |of: &Termios| (of.input_modes, of.output_modes, of.control_modes, of.local_modes);
    flags(one) == flags(other)
}

#[test]
fn keys_reach_the_board_and_the_terminal_is_given_back() {
    let place = Place::new();
    let (mut terminal, before) = Terminal::start(&place);
    terminal.wait_for("Ctrl-] leaves");
    terminal.wait_for("process-board login: ");
    assert!(!same(&before, &settings(&terminal.slave)), "its keys are the board's");
    terminal.press(b"root\r");
    terminal.wait_for("# ");
    // Ctrl-C is the board's too.
    terminal.press(b"ech\x03");
    terminal.wait_for("^C");
    terminal.press(b"echo here\r");
    terminal.wait_for("\r\nhere\r\n");
    terminal.press(b"\x1d");
    assert_eq!(terminal.end(), Some(0));
    assert!(same(&before, &settings(&terminal.slave)), "the terminal is as it was");
    assert!(place.read("t.txt").contains(r"here\x0d\x0a"));
}

#[test]
fn a_signal_gives_the_terminal_back_as_well() {
    let place = Place::new();
    let (mut terminal, before) = Terminal::start(&place);
    terminal.wait_for("process-board login: ");
    let id = terminal.child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().expect("kill");
    assert_eq!(terminal.end(), Some(130));
    assert!(same(&before, &settings(&terminal.slave)), "the terminal is as it was");
}

#[test]
fn a_board_that_cannot_be_talked_to_is_told_with_the_cure() {
    let place = Place::new();
    let none = place.call(&["console", "--bench", VIRTUAL, "other"]).ended(2);
    assert!(none.complained.contains("there is no such board"), "{}", none.complained);
    place.write(
        "desk.toml",
        "schema = 1\ntitle = \"Mine\"\n\n[board.a]\nprofile = \"rock-5b\"\nport = \"/dev/no-such\"\n\n\
         [board.b]\nprofile = \"imx8mp-evk\"\nport = \"/dev/no-such\"\n\n\
         [board.c]\nprofile = \"esp32-p4\"\nport = \"/dev/no-such\"\n",
    );
    for (board, told) in [
        ("a", "set the environment variable PARALLAX_PASSWORD_A"),
        ("b", "failed to open /dev/no-such: it is not there"),
        ("c", "the profile esp32-p4: it has no [console]"),
    ] {
        let file = format!("{board}.txt");
        let call = ["console", "--bench", "desk.toml", board, "--ready", "--transcript", &file];
        let called = place.call(&call).ended(2);
        assert!(called.complained.contains(told), "{}", called.complained);
        assert!(called.complained.contains("help: "), "{}", called.complained);
    }
    // Who logs in by hand needs no password there.
    let by_hand = place.call(&["console", "--bench", "desk.toml", "a", "--transcript", "h.txt"]);
    assert!(by_hand.ended(2).complained.contains("/dev/no-such: it is not there"));
}

#[test]
fn a_board_that_does_not_come_up_ends_with_10() {
    let place = Place::new();
    let (_master, slave) = TTYPort::pair().expect("a PTY");
    let quick = "prompt_timeout = \"200ms\"\nboot_timeout = \"2s\"\nsettle";
    let profile = include_str!("../../device-profiles/process-board.toml");
    let profile = support::replaced(profile, "boot_timeout = \"20s\"\n", "");
    place.write("mute.toml", &support::replaced(&profile, "settle", quick));
    let port = slave.name().expect("a name");
    let bench = format!(
        "schema = 1\ntitle = \"Mine\"\n\n[board.mute]\nprofile = \"mute.toml\"\nport = {port:?}\n"
    );
    place.write("desk.toml", &bench);
    let mut command = place.parallax(&[
        "console",
        "--bench",
        "desk.toml",
        "mute",
        "--ready",
        "--transcript",
        "t.txt",
    ]);
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(10), "{told}");
    assert!(told.contains("-- dead: not a byte came"), "{told}");
}

/// A board that answers once it has power: its switch makes a file.
#[test]
fn a_board_that_is_off_is_switched_on_to_be_ready_and_off_afterwards() {
    let place = Place::new();
    let (mut master, slave) = TTYPort::pair().expect("a PTY");
    master.set_timeout(Duration::from_millis(20)).expect("a timeout");
    let profile = include_str!("../../device-profiles/esp32-s3-korvo-2.toml");
    let quick = "prompt_timeout = \"200ms\"\nboot_timeout";
    place.write("own.toml", &support::replaced(profile, "boot_timeout", quick));
    let (port, flag) = (slave.name().expect("a name"), place.path("power"));
    place.write(
        "desk.toml",
        &format!(
            "schema = 1\ntitle = \"Mine\"\n\n[board.cam]\nprofile = \"own.toml\"\nport = {port:?}\n\
             power = {{ on = [\"touch\", {flag:?}], off = [\"rm\", \"-f\", {flag:?}], pause = \"0ms\" }}\n"
        ),
    );
    let call = ["console", "--bench", "desk.toml", "cam", "--ready", "--transcript", "t.txt"];
    let mut command = place.parallax(&call);
    let output = Stdio::piped();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .expect("it starts");
    let (begun, mut boots, mut bytes) = (Instant::now(), 0, [0; 64]);
    while child.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < LONG, "it does not end");
        let read = master.read(&mut bytes).unwrap_or(0);
        if flag.exists() && boots == 0 {
            boots += 1;
            let boot = b"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x28 (X)\r\n\
                         esp> I (1869) pp: pp rom version: e7ae62f\r\n";
            master.write_all(boot).expect("room");
        } else if boots > 0 && bytes[..read].contains(&b'\r') {
            // The prompt was written over: an empty line brings it again.
            master.write_all(b"\r\nesp> ").expect("room");
        }
    }
    let output = child.wait_with_output().expect("it ended");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    for what in
        ["its power is switched off and on", "a log line was written over its prompt", "-- ready"]
    {
        assert!(told.contains(what), "{what}: {told}");
    }
    assert!(!flag.exists(), "it is off again");
}

#[test]
fn a_replay_ends_as_the_board_did() {
    let place = Place::new();
    let up = shipped("rock-5b");
    let called = place.call(&["replay", &up, "--profile", "rock-5b"]).ended(0);
    assert!(called.said.contains("login     `rock-5b login: ` matches login_prompt"));
    place.write("early.log", "U-Boot SPL 2017.09\r\n[ 0.0] Linux\r\n");
    let early = place.call(&["replay", "early.log", "--profile", "rock-5b"]).ended(11);
    assert!(early.said.contains("not known: this is a log"), "{}", early.said);
    let profile = fs::read_to_string(format!("{TRANSCRIPTS}/../rock-5b.toml")).expect("it ships");
    place.write("wrong.toml", &profile.replace("rock-5b login", "rock-6c login"));
    let wrong = place.call(&["replay", &up, "--profile", "wrong.toml"]).ended(10);
    assert!(wrong.said.contains("came up   no; line "), "{}", wrong.said);
    assert!(wrong.said.contains("`login_prompt` matched nothing"), "{}", wrong.said);
    place.write("dead.log", "U-Boot SPL 2017.09\r\nKernel panic - not syncing: VFS\r\n");
    let dead = place.call(&["replay", "dead.log", "--profile", "rock-5b"]).ended(10);
    assert!(dead.said.contains("came up   no; line 2: panic: "), "{}", dead.said);
}

#[test]
fn what_cannot_be_replayed_is_told_with_file_line_and_cure() {
    let place = Place::new();
    place.write("cut.txt", "parallax-transcript 1\n1 < a\nsoon < b\n");
    place.write("empty.txt", "");
    let profile = include_str!("../../device-profiles/luckfox-pico.toml");
    place.write("mine.toml", &support::replaced(profile, r"U-Boot SPL 2017\.09", "U-Boot.*"));
    let good = shipped("luckfox-pico");
    for (file, profile, told) in [
        ("cut.txt", "rock-5b", "failed to read cut.txt: line 3: its first word is no time"),
        ("empty.txt", "rock-5b", "failed to read empty.txt: it is empty"),
        ("none.txt", "rock-5b", "failed to read none.txt: "),
        (&good, "rock-5c", "--profile rock-5c: there is no device profile `rock-5c`"),
        (&good, "none.toml", "--profile none.toml: failed to read none.toml: "),
        (&good, "esp32-p4", "failed to read the profile esp32-p4: it has no [console]"),
        (&good, "mine.toml", "console.banners[1]: failed to take the pattern `U-Boot.*`: it may"),
    ] {
        let called = place.call(&["replay", file, "--profile", profile]).ended(2);
        assert_eq!(called.said, "");
        assert!(called.complained.contains(told), "{file} {profile}: {}", called.complained);
        assert!(called.complained.contains("help: "), "{}", called.complained);
    }
    // `check` finds it as well.
    let checked = place.call(&["check", "mine.toml"]).ended(2);
    assert!(checked.complained.contains("console.banners[1]: failed to take the pattern"));
    let mine = place.read("mine.toml");
    let line = mine.lines().position(|line| line.starts_with("banners = ")).expect("a line") + 1;
    let at = format!("mine.toml:{line}:12");
    assert!(checked.complained.contains(&at), "{at}: {}", checked.complained);
}
