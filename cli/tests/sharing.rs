//! A bench that several share: leases, quarantine, two runners at once, and a board that is not healthy.

mod support;

use std::{
    fs,
    os::{fd::OwnedFd, unix::net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const VIRTUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches/virtual.toml");
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../device-profiles/process-board.toml");

/// A folder with a bench of its own, and a book that nobody else reads.
struct Desk {
    folder: TempDir,
    /// A console at whose other end nobody is.
    _mute: Option<serialport::TTYPort>,
    console: String,
}

impl Desk {
    /// With one board, `door`, that says nothing, whose relay clicks, and that may take this long to boot.
    fn mute(boot_timeout: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (held, console) = serialport::TTYPort::pair().expect("a PTY");
        let console = serialport::SerialPort::name(&console).expect("a name");
        let desk = Self { folder, _mute: Some(held), console };
        let profile = fs::read_to_string(PROFILE).expect("it ships");
        let mute = profile.replace("\"20s\"", &format!("{boot_timeout:?}"));
        assert_ne!(mute, profile);
        fs::write(desk.at("mute.toml"), mute).expect("written");
        desk.bench("bench.toml", &desk.console);
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bench(&self, name: &str, port: &str) {
        let clicks = self.at("clicks");
        let click = |way: &str| format!("echo {way} >> {}", clicks.display());
        self.wired(name, "mute.toml", port, [click("on"), click("off")]);
    }

    fn wired(&self, name: &str, profile: &str, port: &str, [on, off]: [String; 2]) {
        let [lab, board] = ["lab", "board"].map(|name| self.at(name));
        let text = format!(
            "schema = 1\ntitle = \"Shared\"\n[board.door]\nprofile = {profile:?}\nport = {port:?}\n\
             network = {{ socket = {lab:?}, board_socket = {board:?} }}\n\
             power = {{ on = [\"sh\", \"-c\", {on:?}], off = [\"sh\", \"-c\", {off:?}], pause = \"0s\" }}\n"
        );
        fs::write(self.at(name), text).expect("written");
    }

    /// With a process board on which this goes wrong: it has power while there is a file of that name.
    fn faulty() -> Self {
        let desk =
            Self { folder: TempDir::new().expect("a folder"), _mute: None, console: String::new() };
        let [console, power] = ["console", "power"].map(|name| desk.at(name).display().to_string());
        let on = format!("touch {power}; until [ -e {console} ]; do sleep 0.02; done");
        let off = format!("rm -f {power}; while [ -e {console} ]; do sleep 0.02; done");
        desk.wired("bench.toml", "process-board", &console, [on, off]);
        Self { console, ..desk }
    }

    /// Has the board live as its power is switched, until `done`.
    fn live(&self, fault: &str, done: &AtomicBool) {
        let mut board: Option<Child> = None;
        while !done.load(Ordering::Relaxed) {
            match (&mut board, self.at("power").exists()) {
                (None, true) => board = Some(self.board(fault)),
                (Some(child), false) => {
                    child.kill().expect("killed");
                    child.wait().expect("it ended");
                    board = None;
                    // Its cable and its console go with it.
                    fs::remove_file(self.at("board")).expect("it was there");
                    fs::remove_file(&self.console).expect("it was there");
                }
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
        assert!(board.is_none(), "it is off after the runs");
    }

    fn board(&self, fault: &str) -> Child {
        let cable = UnixDatagram::bind(self.at("board")).expect("a socket");
        cable.connect(self.at("lab")).expect("the lab is there before the power");
        Command::new(env!("CARGO_BIN_EXE_parallax"))
            .args([
                "process-board",
                "--console",
                &self.console,
                "--baud",
                "921600",
                "--fault",
                fault,
            ])
            .args(["--parent", &std::process::id().to_string()])
            .stdin(Stdio::from(OwnedFd::from(cable)))
            .spawn()
            .expect("it starts")
    }

    /// Three runs on a board on which this goes wrong.
    fn three(&self, fault: &str, more: &[&str]) -> (Option<i32>, String, String) {
        let scenario = format!("{}/same-lan.toml", support::SHIPPED);
        let run = ["hil", "--bench", "bench.toml", &scenario, "--seeds", "1..3", "--out", "out"];
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| self.live(fault, &done));
            let said = self.parallax("anna", &[&run, more].concat());
            done.store(true, Ordering::Relaxed);
            said
        })
    }

    /// How often the relay clicked.
    fn clicks(&self) -> usize {
        fs::read_to_string(self.at("clicks")).unwrap_or_default().lines().count()
    }

    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command
            .args(arguments)
            .env("PARALLAX_BOARDS", self.at("boards"))
            .env("PARALLAX_OWNER", who)
            .current_dir(self.folder.path());
        command
    }

    fn parallax(&self, who: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(&self.command(who, arguments).output().expect("it runs"))
    }

    fn boards(&self, who: &str, more: &[&str]) -> (Option<i32>, String, String) {
        self.parallax(who, &[&["boards", "--bench", "bench.toml"], more].concat())
    }

    /// A run of one scenario, as somebody starts it.
    fn runner(&self, who: &str, more: &[&str]) -> Child {
        let scenario = format!("{}/same-lan.toml", support::SHIPPED);
        let arguments = ["hil", "--bench", "bench.toml", &scenario, "--out", who];
        self.command(who, &[&arguments, more].concat())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.at(&format!("{who}.err"))).expect("a file"))
            .spawn()
            .expect("it runs")
    }

    fn wait_until_told(&self, who: &str, what: &str) {
        wait_for(what, || {
            fs::read_to_string(self.at(&format!("{who}.err"))).is_ok_and(|told| told.contains(what))
        });
    }
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(100), "{what}: nothing for 100 s");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Has it end as by Ctrl-C, and takes what it said.
fn interrupted(mut runner: Child) -> Option<i32> {
    let process = i32::try_from(runner.id()).expect("a process");
    let process = rustix::process::Pid::from_raw(process).expect("a process");
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("it is there");
    runner.wait().expect("it ended").code()
}

#[test]
fn a_leased_board_is_its_owners_in_whatever_bench_file_it_stands() {
    let desk = Desk::mute("1s");
    let (code, out, _) = desk.boards("anna", &["--lease", "door", "--for", "2h"]);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("door is leased to anna until 2") && out.contains("120 min left"),
        "{out}"
    );
    let link = desk.at("by-path");
    std::os::unix::fs::symlink(&desk.console, &link).expect("a link");
    desk.bench("other.toml", link.to_str().expect("text"));
    // Two scenarios: each of them is to be told.
    let scenarios = ["same-lan", "two-homes"].map(|n| format!("{}/{n}.toml", support::SHIPPED));
    let run = ["hil", "--bench", "other.toml", &scenarios[0], &scenarios[1]];
    let (code, out, _) = desk.parallax("ben", &run);
    assert_eq!(code, Some(12), "it is the lab's error: {out}");
    assert_eq!(out.matches("it is leased to anna until").count(), 2, "{out}");
    assert!(out.contains("your own name is ben") && out.contains("2 errors"), "{out}");
    let (code, out, _) = desk.boards("ben", &[]);
    assert_eq!(code, Some(0));
    assert!(out.contains("120 min left  can be driven by whose lease it is"), "{out}");
    let dry = ["hil", "--bench", "other.toml", "--dry-run", &scenarios[0]];
    let (_, out, _) = desk.parallax("ben", &dry);
    assert!(out.contains("as it is now nothing of yours runs"), "{out}");
    let console = ["console", "--bench", "bench.toml", "door", "--transcript", "t.txt"];
    let (code, _, error) = desk.parallax("ben", &console);
    assert_eq!(code, Some(2));
    assert!(error.contains("leased to anna"), "{error}");
    assert_eq!(desk.clicks(), 0, "it was left alone");
    let (code, out, _) = desk.parallax("anna", &run);
    assert_eq!(code, Some(11), "her own run goes on, and nobody is at the console: {out}");
    assert!(desk.clicks() > 0 && out.contains("not a byte came"), "{out}");
}

#[test]
fn a_lease_ends_by_its_owner_by_force_and_by_itself() {
    let desk = Desk::mute("1s");
    desk.boards("anna", &["--lease", "door"]);
    for act in ["--lease", "--release"] {
        let (code, _, error) = desk.boards("ben", &[act, "door"]);
        assert_eq!(code, Some(11));
        assert!(error.contains("leased to anna") && error.contains("--force"), "{error}");
    }
    let (code, out, _) = desk.boards("ben", &["--release", "door", "--force"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("door: the lease of anna until 2"), "whose it was: {out}");
    let (_, out, _) = desk.boards("ben", &["--release", "door"]);
    assert!(out.contains("not leased"), "{out}");
    desk.boards("anna", &["--lease", "door"]);
    let (_, out, _) = desk.boards("anna", &["--lease", "door", "--for", "1ms"]);
    assert!(out.contains("; before: the lease of anna until 2"), "it was longer: {out}");
    let (code, out, error) = desk.boards("ben", &[]);
    assert_eq!(code, Some(0));
    assert!(error.contains("door: the lease of anna until 2"), "{error}");
    assert!(error.contains("is over, and is taken off") && !out.contains("leased"), "{out}{error}");
    let (code, _, error) = desk.boards("ben", &["--lease", "window"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no such board"), "{error}");
}

#[test]
fn nothing_runs_on_a_quarantined_board_until_it_is_readmitted() {
    let desk = Desk::mute("1s");
    let (code, _, error) = desk.boards("anna", &["--quarantine", "door"]);
    assert_eq!(code, Some(2), "why, everybody asks: {error}");
    let (code, ..) = desk.boards("anna", &["--quarantine", "door", "--comment", "relay sticks"]);
    assert_eq!(code, Some(0));
    let (code, out, _) = desk.boards("ben", &[]);
    assert_eq!(code, Some(11));
    assert!(out.contains("quarantined by anna since 2") && out.contains("relay sticks"), "{out}");
    let scenario = format!("{}/same-lan.toml", support::SHIPPED);
    let hil =
        |more: &[&str]| desk.parallax("ben", &[&["hil", "--bench", "bench.toml"], more].concat());
    let (code, out, _) = hil(&[&scenario]);
    assert_eq!(code, Some(11), "it is named: {out}");
    assert!(out.contains("unclear") && out.contains("quarantined by anna"), "{out}");
    let (code, out, _) = hil(&[support::SHIPPED]);
    assert_eq!(code, Some(4), "{out}");
    assert!(out.contains("not run         two-homes: quarantined by anna since 2"), "{out}");
    let (code, out, _) = hil(&[support::SHIPPED, "--dry-run"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("two-homes  does not run on door: quarantined by anna"), "{out}");
    assert_eq!(desk.clicks(), 0, "it was left alone");
    let (code, out, error) = desk.boards("ben", &["--quarantine", "door", "--comment", "mine"]);
    assert_eq!(
        (code, out.as_str()),
        (Some(11), ""),
        "hers is not replaced without a word: {error}"
    );
    assert!(
        error.contains("quarantined by anna since 2") && error.contains("`--force`"),
        "{error}"
    );
    let mine = ["--quarantine", "door", "--comment", "mine", "--force"];
    let (code, out, _) = desk.boards("ben", &mine);
    assert_eq!(code, Some(0));
    assert!(out.contains(": mine; before it was quarantined by anna since 2"), "{out}");
    let (code, out, _) = desk.boards("ben", &["--readmit", "door"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("door is readmitted; it was quarantined by ben"), "{out}");
    let (code, out, _) = desk.boards("carol", &["--history", "door"]);
    assert_eq!(code, Some(0));
    let told: Vec<_> = out.lines().map(|line| &line[line.find("Z  ").expect("a time")..]).collect();
    assert_eq!(told[0], "Z  anna  quarantined it: relay sticks");
    assert_eq!(told[1], "Z  ben  quarantined it: mine");
    assert!(told[2].starts_with("Z  ben  readmitted it; it was quarantined by ben"), "{out}");
    let (code, _, error) = desk.boards("ben", &["--force"]);
    assert_eq!(code, Some(2), "{error}");
    let (code, out, _) = desk.boards("ben", &[]);
    assert_eq!(code, Some(0));
    assert!(out.trim_end().ends_with("can be driven"), "{out}");
}

#[test]
fn a_lease_page_that_cannot_be_read_blocks_its_own_board_until_it_is_mended() {
    let desk = Desk::mute("1s");
    let two = fs::read_to_string(desk.at("bench.toml")).expect("it is there");
    let board = |name: &str, port: &str| {
        format!("[board.{name}]\nprofile = \"mute.toml\"\nport = \"/dev/no-such-{port}\"\n")
    };
    let two = format!("{two}{}{}", board("gate", "1"), board("shed", "2"));
    fs::write(desk.at("bench.toml"), two).expect("written");
    desk.boards("anna", &["--lease", "gate"]);
    let page = desk.at("boards/%dev%no-such-1.toml");
    fs::remove_file(&page).expect("it was there");
    let made = Command::new("mkfifo").arg(&page).status().expect("it runs");
    assert!(made.success());
    let (code, out, _) = desk.boards("anna", &[]);
    assert_eq!(code, Some(11));
    let line = |name: &str| out.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    assert!(line("door").ends_with("can be driven"), "{out}");
    assert!(
        line("gate").contains("%dev%no-such-1.toml: it is a pipe, not a regular file"),
        "{out}"
    );
    assert!(line("shed").ends_with("cannot be driven before its port is there"), "{out}");
    for act in ["--lease", "--release", "--readmit", "--history"] {
        let (code, _, error) = desk.boards("anna", &[act, "gate"]);
        assert_eq!(code, Some(2), "{act}: {error}");
        assert!(error.contains("--mend NAME"), "{act}: {error}");
        let (code, _, error) = desk.boards("anna", &[act, "shed"]);
        assert_eq!(code, Some(0), "{act}: {error}");
    }
    let scenario = format!("{}/same-lan.toml", support::SHIPPED);
    let dry = |name: &str| {
        let run = ["hil", "--bench", "bench.toml", "--board", name, "--dry-run", &scenario];
        desk.parallax("anna", &run)
    };
    let (code, _, error) = dry("gate");
    assert_eq!(code, Some(2), "{error}");
    assert_eq!(dry("door").0, Some(0));
    let (code, out, _) = desk.boards("anna", &["--mend", "gate"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("%dev%no-such-1.broken-1") && out.contains("not leased"), "{out}");
    let (_, out, _) = desk.boards("anna", &["--mend", "gate"]);
    assert!(out.contains("gate: its lease page can be read, and stays as it is"), "{out}");
    let (code, out, _) = desk.boards("anna", &["--lease", "gate"]);
    assert_eq!(code, Some(0), "{out}");
}

#[test]
fn a_board_whose_port_comes_with_its_power_is_one_runners_by_whatever_name() {
    let desk = Desk::mute("1000s");
    // Neither name is there before the power: nobody knows that both are one board.
    for name in ["by-id", "by-path"] {
        let link = desk.at(name).display().to_string();
        let on = format!("ln -sfn {} {link}", desk.console);
        let [lab, board] = ["lab", "board"].map(|end| desk.at(&format!("{name}-{end}")));
        let text = format!(
            "schema = 1\ntitle = \"Shared\"\n[board.door]\nprofile = \"mute.toml\"\nport = {link:?}\n\
             network = {{ socket = {lab:?}, board_socket = {board:?} }}\n\
             power = {{ on = [\"sh\", \"-c\", {on:?}], off = [\"rm\", \"-f\", {link:?}], pause = \"0s\" }}\n"
        );
        fs::write(desk.at(&format!("{name}.toml")), text).expect("written");
    }
    let scenario = format!("{}/same-lan.toml", support::SHIPPED);
    let run = |bench: &'static str, who: &'static str| {
        let run = ["hil", "--bench", bench, &scenario, "--out", who];
        let mut command = desk.command(who, &run);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    let anna = run("by-id.toml", "anna").spawn().expect("it runs");
    let lock = format!("boards/{}.lock", desk.console.replace('/', "%"));
    wait_for("anna's name in the lock", || {
        fs::read_to_string(desk.at(&lock)).is_ok_and(|told| told.contains("anna"))
    });
    let (code, out, _) = said(&run("by-path.toml", "ben").output().expect("it runs"));
    assert_eq!(code, Some(12), "it is the lab's error: {out}");
    assert!(out.contains("another parallax has it (anna, process "), "{out}");
    assert_eq!(interrupted(anna), Some(130));
}

#[test]
fn of_two_runners_that_start_at_once_one_has_the_board_and_the_other_leaves_it_alone() {
    // Nobody answers there, and no run ends by itself.
    let desk = Desk::mute("1000s");
    let mut runners = [desk.runner("anna", &[]), desk.runner("ben", &[])];
    let mut ended = None;
    wait_for("the end of one of two runners", || {
        ended = runners.iter_mut().position(|one| one.try_wait().expect("a child").is_some());
        ended.is_some()
    });
    let refused = ended.expect("one has ended");
    let [anna, ben] = runners;
    let (refused, has, who) = if refused == 0 { (anna, ben, "ben") } else { (ben, anna, "anna") };
    let holder = format!("{who}, process {}", has.id());
    let (code, out, _) = said(&refused.wait_with_output().expect("it ended"));
    assert_eq!(code, Some(12), "it is the lab's error: {out}");
    assert!(out.contains(&format!("another parallax has it ({holder}, since 2")), "{out}");
    // It is switched on, and may take its time.
    desk.wait_until_told(who, "checking door");
    let (code, out, _) = desk.boards("carol", &[]);
    assert!(out.contains(&format!("in use ({holder}")), "{code:?} {out}");
    let (_, out, _) = desk.boards("carol", &["--lease", "door"]);
    assert!(out.contains("what runs on it goes on to its end"), "{out}");
    assert_eq!(interrupted(has), Some(130));
    let (_, out, _) = desk.boards("carol", &[]);
    assert!(!out.contains("in use"), "it was let go: {out}");
}

#[test]
fn a_runner_waits_for_a_board_if_it_is_told_to_even_if_whoever_has_it_is_killed() {
    let desk = Desk::mute("1000s");
    let mut anna = desk.runner("anna", &[]);
    desk.wait_until_told("anna", "checking door");
    let ben = desk.runner("ben", &["--wait", "1h"]);
    desk.wait_until_told("ben", "waiting for door: ");
    desk.wait_until_told("ben", "another parallax has it (anna, process ");
    anna.kill().expect("killed");
    anna.wait().expect("it ended");
    desk.wait_until_told("ben", "checking door");
    let (_, out, _) = desk.boards("carol", &[]);
    assert!(out.contains(&format!("in use (ben, process {}", ben.id())), "{out}");
    assert_eq!(interrupted(ben), Some(130));
}

#[test]
fn a_board_that_is_not_healthy_is_told_once_and_takes_no_time_of_its_other_runs() {
    let desk = Desk::mute("1s");
    let (code, out, error) = desk.boards("anna", &["--check", "--out", "checks"]);
    assert_eq!(code, Some(11), "{out}{error}");
    assert!(out.contains("not healthy: ") && out.contains("not a byte came"), "{out}");
    assert!(desk.at("checks/door-health.txt").exists());
    let clicks = desk.clicks();
    let scenarios =
        ["same-lan", "two-homes", "strict-homes"].map(|n| format!("{}/{n}.toml", support::SHIPPED));
    let [one, two, three] = &scenarios;
    let run = ["hil", "--bench", "bench.toml", one, two, three, "--out", "out"];
    let (code, out, error) = desk.parallax("anna", &run);
    assert_eq!(code, Some(11), "nobody knows whose doing it is: {out}");
    assert_eq!(out.matches("not run: the board is not healthy: ").count(), 3, "{out}");
    assert_eq!(error.matches("checking door").count(), 1, "{error}");
    let transcript = fs::read_to_string(desk.at("out/health.txt")).expect("it is kept");
    assert!(transcript.contains("power on"), "{transcript}");
    assert!(!has_console(&desk.at("out")), "no run was begun");
    // Off before, on, off; and off for what another may have left.
    assert!(desk.clicks() <= clicks + 4, "it was switched for one checkup alone");
    let junit = fs::read_to_string(desk.at("out/summary.json")).expect("a summary");
    assert_eq!(junit.matches("the board is not healthy").count(), 3, "each run is told");
}

#[test]
fn a_board_that_dies_in_its_checkup_fails_one_run_and_the_others_are_told_as_not_run() {
    let (code, out, error) = Desk::faulty().three("panic@on+400", &[]);
    assert_eq!(code, Some(10), "the device has failed, and the lab has not: {out}{error}");
    assert!(out.contains("3 runs: 1 failed, 2 inconclusive"), "{out}");
    assert!(out.contains("the checkup before: the board is not healthy: "), "{out}");
    let not_run = "not run: the board is not healthy: it did not come up: it panicked";
    assert_eq!(out.matches(not_run).count(), 2, "{out}");
    assert_eq!(error.matches("checking door").count(), 2, "before it, and after: {error}");
}

#[test]
fn after_two_runs_that_came_to_nothing_for_one_reason_the_rest_is_not_run() {
    let (code, out, error) = Desk::faulty().three("no-agent", &["--no-check"]);
    assert_eq!(code, Some(12), "it is the lab's error: {out}{error}");
    assert!(!error.contains("checking"), "{error}");
    assert_eq!(out.matches("there is no parallax-agent on the board").count(), 3, "{out}");
    assert_eq!(out.matches("not run: 2 runs in a row came to nothing: ").count(), 1, "{out}");
}

fn has_console(folder: &Path) -> bool {
    let all = fs::read_dir(folder).expect("a folder").flatten();
    all.into_iter().any(|one| {
        one.file_name() == "console.txt" || (one.path().is_dir() && has_console(&one.path()))
    })
}

#[test]
fn a_healthy_board_is_told_so() {
    let folder = TempDir::new().expect("a folder");
    let checked = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["boards", "--bench", VIRTUAL, "--check", "virtual"])
        .env("PARALLAX_BOARDS", folder.path().join("boards"))
        .current_dir(folder.path())
        .output();
    let (code, out, error) = said(&checked.expect("it runs"));
    assert_eq!(code, Some(0), "{out}{error}");
    assert_eq!(out, "virtual  process-board  healthy\n");
    let transcript = folder.path().join("target/parallax-boards/virtual-health.txt");
    let transcript = fs::read_to_string(transcript).expect("it is kept");
    assert!(transcript.contains("parallax-agent --nonce"), "{transcript}");
}
