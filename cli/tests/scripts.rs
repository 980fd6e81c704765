//! The scripts that make boards without hardware: they end what they have started, and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const BENCHES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches");

/// Something that runs, and that is nobody's board.
struct Bystander(Child);

impl Bystander {
    fn new(words: &[&str]) -> Self {
        let mut command = Command::new(words[0]);
        Self(command.args(&words[1..]).stdin(Stdio::piped()).spawn().expect("it runs"))
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_has_got_the_number_of_a_dead_one_is_left_alone() {
    let mut bystander = Bystander::new(&["sleep", "1000"]);
    let number = bystander.0.id().to_string();
    let sourced = |more: &str| {
        let script = format!(". {BENCHES}/process.sh; {more}");
        let output = Command::new("sh").args(["-euc", &script, "sh", &number]).output();
        let output = output.expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (_, born) = sourced("born \"$1\"");
    assert!(born.parse::<u64>().is_ok_and(|ticks| ticks > 0), "{born}");
    for other in ["1", "", &format!("{born}0")] {
        assert!(!sourced(&format!("end \"$1\" '{other}'")).0, "{other:?}");
        assert!(bystander.lives(), "{other:?}");
    }
    assert!(sourced(&format!("end \"$1\" {born}")).0);
    bystander.0.wait().expect("it ended");
    assert!(!sourced("born 4194305").0, "no process has that number");
}

/// A copy of QEMU's script, whose folder nobody else uses.
#[test]
fn qemus_script_ends_no_qemu_of_another_folder_and_no_process_of_an_old_number() {
    let root = TempDir::new().expect("a folder");
    let [benches, boards] =
        ["fixtures/benches", "target/boards/qemu"].map(|it| root.path().join(it));
    for folder in [&benches, &boards] {
        fs::create_dir_all(folder).expect("a folder");
    }
    for name in ["qemu.sh", "process.sh"] {
        fs::copy(Path::new(BENCHES).join(name), benches.join(name)).expect("a copy");
    }
    // It calls itself as a board does.
    let words = ["sh", "-c", "read line", "-name parallax-board"];
    let mut other = Bystander::new(&words);
    fs::write(boards.join("pid"), other.0.id().to_string()).expect("written");
    for born in [None, Some(""), Some("1")] {
        if let Some(born) = born {
            fs::write(boards.join("born"), born).expect("written");
        }
        let off = Command::new(benches.join("qemu.sh")).arg("off").output().expect("it runs");
        assert!(off.status.success() && off.stderr.is_empty(), "{off:?}");
        assert!(other.lives(), "{born:?}");
        fs::write(boards.join("pid"), other.0.id().to_string()).expect("written");
    }
}

/// A namespace board of a name of its own.
struct Board {
    name: String,
    folder: PathBuf,
}

impl Board {
    /// If the machine has what it needs; in CI it must.
    #[expect(clippy::print_stderr, reason = "a test that does not run says so")]
    fn new(name: &str) -> Option<Self> {
        let here = |program: &str| {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
        };
        let root = Command::new("id").arg("-u").output().is_ok_and(|it| it.stdout == b"0\n");
        if !(root && ["ip", "socat", "udhcpc", "unshare"].into_iter().all(here)) {
            eprintln!("not run: needs root, iproute2, socat, udhcpc");
            assert!(std::env::var("CI").as_deref() != Ok("true"), "in CI it has to be there");
            return None;
        }
        // Two of one name would be in each other's way; a name has eleven letters at most.
        let name = format!("{name}{}", std::process::id() % 1_000_000);
        let folder = PathBuf::from(format!("/run/parallax-{name}"));
        Some(Self { name, folder })
    }

    fn call(&self, what: &str) -> Output {
        let script = Path::new(BENCHES).join("namespace.sh");
        let mut command = Command::new(script);
        command.arg(what).env("PARALLAX_NAMESPACE", &self.name).env("PARALLAX_AGENT", "/bin/true");
        command.output().expect("it runs")
    }

    fn network(&self) -> String {
        format!("parallax-{}", self.name)
    }

    fn read(&self, name: &str) -> u32 {
        let text = fs::read_to_string(self.folder.join(name)).expect("it is there");
        text.trim().parse().expect("a number")
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.call("down");
        let _ = Command::new("ip").args(["netns", "delete", &self.network()]).output();
    }
}

fn ok(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn gone(process: u32) {
    let begun = Instant::now();
    let stat = || fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Nobody may have waited for it yet.
    while !stat().is_empty() && !stat().contains(") Z ") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{process} lives");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_namespace_boards_power_takes_what_the_board_has_started_and_nobody_elses() {
    let Some(board) = Board::new("own") else { return };
    ok(&board.call("up"));
    // Somebody listens on the board's cable.
    let mut listener = Bystander::new(&["ip", "netns", "exec", &board.network(), "sleep", "1000"]);
    ok(&board.call("on"));
    let process = board.read("pid");
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    let socat: u32 = children.expect("it is there").trim().parse().expect("one");
    ok(&board.call("off"));
    gone(socat);
    assert!(listener.lives(), "it is not the board's");
    // The number is another's by now.
    let mut bystander = Bystander::new(&["sleep", "1000"]);
    fs::write(board.folder.join("pid"), bystander.0.id().to_string()).expect("written");
    fs::write(board.folder.join("born"), "1").expect("written");
    ok(&board.call("off"));
    assert!(bystander.lives());
    ok(&board.call("down"));
    assert!(bystander.lives() && listener.lives());
    assert!(!board.folder.exists(), "nothing is left");
}

#[test]
fn a_network_namespace_that_another_has_made_stays() {
    let Some(board) = Board::new("foe") else { return };
    let network = board.network();
    ok(&Command::new("ip").args(["netns", "add", &network]).output().expect("it runs"));
    let mut other = Bystander::new(&["ip", "netns", "exec", &network, "sleep", "1000"]);
    let up = board.call("up");
    let said = String::from_utf8_lossy(&up.stderr).into_owned();
    assert!(!up.status.success() && said.contains("which this script has not made"), "{said}");
    for what in ["on", "off", "down"] {
        board.call(what);
        assert!(Path::new("/run/netns").join(&network).exists() && other.lives(), "{what}");
    }
}
