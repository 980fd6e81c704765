//! `parallax hil` and `parallax boards`, as far as nothing runs: a run in real time is tested in
//! `hil/process-board`.

mod support;

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const VIRTUAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/benches/virtual.toml");

fn parallax(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parallax")).args(arguments).output().expect("it runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn a_dry_run_tells_what_a_bench_can_do_and_why_not_the_rest() {
    let (code, out, _) =
        said(&parallax(&["hil", "--bench", VIRTUAL, "--dry-run", support::SHIPPED]));
    assert_eq!(code, Some(0));
    assert!(out.contains("two-homes  runs on virtual"), "{out}");
    assert!(out.contains("camera-reboot  runs on virtual"), "{out}");
}

#[test]
fn a_scenario_that_is_named_and_cannot_run_is_inconclusive_one_of_a_folder_is_not_run() {
    let folder = TempDir::new().expect("a folder");
    let scenarios = folder.path().join("scenarios");
    fs::create_dir(&scenarios).expect("a folder");
    let file = scenarios.join("recorded.toml");
    let text_of = fs::read_to_string(format!("{}/two-homes.toml", support::SHIPPED));
    let text_of =
        text_of.expect("it ships").replace("schema = 1\n", "schema = 1\nmedia = \"prerecorded\"\n");
    fs::write(&file, text_of).expect("written");
    let out = folder.path().join("out");
    let call = |what: &Path| {
        said(&parallax(&["hil", "--bench", VIRTUAL, text(what), "--out", text(&out)]))
    };
    let (code, named, _) = call(&file);
    assert_eq!(code, Some(11), "{named}");
    assert!(named.contains("INCONCLUSIVE") && named.contains("unclear"), "{named}");
    assert!(named.contains("its media are prerecorded"), "{named}");
    assert!(!named.contains("no checks"), "it has some: {named}");
    let (code, found, _) = call(&scenarios);
    assert_eq!(code, Some(4), "{found}");
    assert!(found.contains("not run         recorded: its media are prerecorded"), "{found}");
}

#[test]
fn an_event_that_a_board_is_not_told_of_keeps_its_scenario_from_running() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("paused.toml");
    let text_of = fs::read_to_string(format!("{}/two-homes.toml", support::SHIPPED));
    let event = "[event.still]\nat = \"6s\"\npause_camera = { peer = \"doorbell\" }\n\n[[check]]";
    fs::write(&file, text_of.expect("it ships").replacen("[[check]]", event, 1)).expect("written");
    let (code, out, _) = said(&parallax(&["hil", "--bench", VIRTUAL, "--dry-run", text(&file)]));
    assert_eq!(code, Some(0));
    let why = "doorbell pauses its capture, and no event reaches a board but a loss of power";
    assert!(out.contains(why), "{out}");
}

#[test]
fn a_browser_that_is_not_there_keeps_a_scenario_from_running_and_is_named() {
    let folder = TempDir::new().expect("a folder");
    let scenario = format!("{}/two-homes.toml", support::SHIPPED);
    let call = |more: &[&str]| {
        let out = folder.path().join("out");
        let mut command = Command::new(env!("CARGO_BIN_EXE_parallax"));
        command.args(["hil", "--bench", VIRTUAL, "--viewer", "chromium", "--out", text(&out)]);
        // Where no program is.
        said(&command.args(more).env("PATH", folder.path()).output().expect("it runs"))
    };
    let why = "a browser as the viewer needs chromium, iproute2";
    let (code, out, _) = call(&["--dry-run", &scenario]);
    assert_eq!(code, Some(0));
    assert!(out.contains(&format!("two-homes  does not run on virtual: {why}")), "{out}");
    let (code, named, _) = call(&[&scenario]);
    assert_eq!(code, Some(11), "{named}");
    assert!(named.contains("INCONCLUSIVE") && named.contains(why), "{named}");
    let (code, of_folder, _) = call(&[support::SHIPPED]);
    assert_eq!(code, Some(4), "{of_folder}");
    assert!(of_folder.contains(&format!("not run         two-homes: {why}")), "{of_folder}");
}

#[test]
fn a_bench_that_is_killed_leaves_what_it_measured_and_no_board() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let scenario = format!("{}/two-homes.toml", support::SHIPPED);
    let mut bench = Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["hil", "--bench", VIRTUAL, &scenario, "--out", text(&out)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let run = out.join("two-homes/seed-1");
    // Until the board has told of its frames.
    wait_for("the board's frames", || {
        fs::read_to_string(run.join("journal.jsonl"))
            .is_ok_and(|told| told.contains("frame_encoded"))
    });
    let board = child_of(bench.id());
    bench.kill().expect("killed");
    bench.wait().expect("it ended");
    wait_for("the end of its board", || !is_alive(board));
    let report = folder.path().join("report");
    let (code, shown, error) = said(&parallax(&["report", text(&out), "--out", text(&report)]));
    assert_eq!(code, Some(11), "{error}");
    assert!(shown.contains("1 run: 1 inconclusive"), "{shown}");
    assert!(run.join("record.jsonl").exists() && !run.join("journal.jsonl").exists());
    let page = fs::read_to_string(report.join("report.html")).expect("a page");
    assert!(page.contains("what ran it was killed"), "it says why");
}

/// A scenario that no board can run.
fn recorded(folder: &Path) -> PathBuf {
    let file = folder.join("recorded.toml");
    let text = fs::read_to_string(format!("{}/two-homes.toml", support::SHIPPED));
    let text =
        text.expect("it ships").replace("schema = 1\n", "schema = 1\nmedia = \"prerecorded\"\n");
    fs::write(&file, text).expect("written");
    file
}

fn wait_for(what: &str, there: impl Fn() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(100), "{what}: nothing for 100 s");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The first child of a process, by what the kernel says.
fn child_of(process: u32) -> u32 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("it runs");
    let children = threads.flatten().filter_map(|thread| {
        let told = fs::read_to_string(thread.path().join("children")).ok()?;
        told.split_whitespace().next()?.parse().ok()
    });
    let children: Vec<u32> = children.collect();
    *children.first().expect("its board is its child")
}

/// Whether it is there and has not ended.
fn is_alive(process: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

#[test]
fn a_bench_that_is_wrong_is_told_with_file_line_and_key() {
    let folder = TempDir::new().expect("a folder");
    let bench = folder.path().join("bench.toml");
    let sound = fs::read_to_string(VIRTUAL).expect("it ships");
    fs::write(&bench, format!("{sound}buad = 9600\n")).expect("written");
    let (code, _, error) = said(&parallax(&["boards", "--bench", text(&bench)]));
    assert_eq!(code, Some(2));
    assert!(error.contains("bench.toml: line 7") && error.contains("`buad`"), "{error}");
    let (code, _, error) =
        said(&parallax(&["hil", "--bench", VIRTUAL, "--board", "other", "--dry-run"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("--board other") && error.contains("virtual"), "{error}");
}

#[test]
fn a_profile_that_is_not_there_is_told_where_the_bench_names_it() {
    let folder = TempDir::new().expect("a folder");
    let bench = folder.path().join("bench.toml");
    let sound = fs::read_to_string(VIRTUAL).expect("it ships");
    let text_of = sound.replace("\"process-board\"", "\"no-such\"");
    assert_ne!(text_of, sound);
    fs::write(&bench, text_of).expect("written");
    let (code, _, error) =
        said(&parallax(&["hil", "--bench", text(&bench), "--dry-run", support::SHIPPED]));
    assert_eq!(code, Some(2));
    assert!(
        error.contains("bench.toml: line 5: `profile`: there is no device profile `no-such`"),
        "{error}"
    );
    assert!(!error.contains("--profile"), "nobody gave that flag: {error}");
}

#[test]
fn a_board_whose_port_is_not_there_cannot_be_driven() {
    let folder = TempDir::new().expect("a folder");
    let bench = folder.path().join("bench.toml");
    let port = folder.path().join("ttyUSB9");
    let sound = fs::read_to_string(VIRTUAL).expect("it ships");
    let text_of = sound.replace("process = true", &format!("port = {:?}", text(&port)));
    fs::write(&bench, text_of).expect("written");
    let (code, out, _) = said(&parallax(&["boards", "--bench", text(&bench)]));
    assert_eq!(code, Some(11));
    let (code, dry, _) =
        said(&parallax(&["hil", "--bench", text(&bench), "--dry-run", support::SHIPPED]));
    assert_eq!(code, Some(0));
    assert!(
        dry.contains("two-homes  does not run on virtual: ") && dry.contains("add `network"),
        "{dry}"
    );
    assert!(
        out.contains("ttyUSB9, missing  no network  power by hand  cannot be driven before"),
        "{out}"
    );
}

#[test]
fn boards_are_shown_with_their_state() {
    let (code, out, _) = said(&parallax(&["boards", "--bench", VIRTUAL]));
    assert_eq!(code, Some(0));
    assert!(
        out.contains("virtual  process-board  process") && out.contains("can be driven"),
        "{out}"
    );
}

#[test]
fn a_board_on_a_port_is_shown_with_its_network_and_its_power() {
    let folder = TempDir::new().expect("a folder");
    let bench = folder.path().join("bench.toml");
    let board = |network: &str, power: &str| {
        let text_of = format!(
            "schema = 1\ntitle = \"Mine\"\n[board.one]\nprofile = \"process-board\"\nport = {:?}\n\
             network = {{ {network} }}\npower = {{ {power} }}\n",
            text(&folder.path().join("ttyUSB9"))
        );
        fs::write(&bench, text_of).expect("written");
        let (code, out, _) = said(&parallax(&["boards", "--bench", text(&bench)]));
        let healthy = out.trim_end().ends_with("can be driven");
        assert_eq!(code, Some(if healthy { 0 } else { 11 }), "{out}");
        out
    };
    let commands = "on = [\"true\"], off = [\"true\"]";
    let missing = board("interface = \"no-such0\"", commands);
    assert!(missing.contains("ttyUSB9, missing  interface no-such0, missing"), "{missing}");
    assert!(missing.contains("power by `true`  failed to open the network interface"), "{missing}");
    let no_tool = board("tap = \"no-such1\"", "on = [\"./relay\"], off = [\"./relay\"]");
    assert!(no_tool.contains("tap no-such1, made for each run"), "{no_tool}");
    assert!(no_tool.contains("cannot be switched: there is no `"), "{no_tool}");
    let sound = board("socket = \"/nowhere/a\", board_socket = \"/nowhere/b\"", commands);
    assert!(sound.contains("/nowhere/b, which is not there yet"), "{sound}");
    assert!(sound.trim_end().ends_with("can be driven"), "{sound}");
}

/// A bench on the virtual board.
fn streaming(out: &Path) -> std::process::Child {
    let scenario = format!("{}/two-homes.toml", support::SHIPPED);
    Command::new(env!("CARGO_BIN_EXE_parallax"))
        .args(["hil", "--bench", VIRTUAL, &scenario, "--out", text(out)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // As a terminal's foreground: a Ctrl-C there reaches all that is in the group.
        .process_group(0)
        .spawn()
        .expect("it runs")
}

#[test]
fn a_bench_that_is_interrupted_ends_its_run_and_has_its_record() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let mut bench = streaming(&out);
    let run = out.join("two-homes/seed-1");
    wait_for("the board's frames", || {
        fs::read_to_string(run.join("journal.jsonl"))
            .is_ok_and(|told| told.contains("frame_encoded"))
    });
    let board = child_of(bench.id());
    let process = i32::try_from(bench.id()).expect("a process");
    rustix::process::kill_process_group(
        rustix::process::Pid::from_raw(process).expect("a process"),
        rustix::process::Signal::INT,
    )
    .expect("it is there");
    assert_eq!(bench.wait().expect("it ended").code(), Some(130));
    assert!(!is_alive(board), "its board has ended");
    assert!(run.join("record.jsonl").exists() && !run.join("journal.jsonl").exists());
    let summary = fs::read_to_string(out.join("summary.json")).expect("a summary");
    assert!(summary.contains("it was interrupted"), "{summary}");
    assert!(summary.contains("\"verdict\": \"inconclusive\""), "{summary}");
}

#[test]
fn what_a_killed_bench_told_is_put_aside_by_the_next_and_told_by_the_report() {
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("out");
    let run = out.join("two-homes/seed-1");
    let mut bench = streaming(&out);
    wait_for("the board's frames", || {
        fs::read_to_string(run.join("journal.jsonl"))
            .is_ok_and(|told| told.contains("frame_encoded"))
    });
    bench.kill().expect("killed");
    bench.wait().expect("it ended");
    // The next one cannot run here, and puts aside what it finds all the same.
    let (code, _, error) = said(&parallax(&[
        "hil",
        "--bench",
        VIRTUAL,
        text(&recorded(folder.path())),
        "--out",
        text(&out),
    ]));
    assert_eq!(code, Some(11), "{error}");
    assert!(error.contains("a run was killed here") && error.contains("killed-1"), "{error}");
    let aside = run.join("killed-1");
    assert!(aside.join("record.jsonl").exists() && aside.join("console.txt").exists());
    let (code, shown, _) = said(&parallax(&["report", text(&aside)]));
    assert_eq!(code, Some(11));
    assert!(shown.contains("1 run: 1 inconclusive"), "{shown}");
}

#[test]
fn a_run_of_which_nothing_can_be_said_is_tried_again_and_that_is_told() {
    let folder = TempDir::new().expect("a folder");
    // A console at whose other end nobody is.
    let (_held, console) = serialport::TTYPort::pair().expect("a PTY");
    let console = serialport::SerialPort::name(&console).expect("a name");
    let profile = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../device-profiles/process-board.toml"
    ))
    .expect("it ships")
    .replace("boot_timeout = \"20s\"", "boot_timeout = \"1s\"");
    fs::write(folder.path().join("mute.toml"), profile).expect("written");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let bench = folder.path().join("bench.toml");
    let text_of = format!(
        "schema = 1\ntitle = \"Mute\"\n[board.mute]\nprofile = \"mute.toml\"\nport = \"{console}\"\nnetwork = \
         {{ socket = \"{}\", board_socket = \"{}\" }}\n",
        place("lab"),
        place("board")
    );
    fs::write(&bench, text_of).expect("written");
    let out = folder.path().join("out");
    let scenario = format!("{}/two-homes.toml", support::SHIPPED);
    let (code, shown, error) = said(&parallax(&[
        "hil",
        "--bench",
        text(&bench),
        &scenario,
        "--no-check",
        "--retries",
        "1",
        "--out",
        text(&out),
    ]));
    assert_eq!(code, Some(11), "{shown}{error}");
    assert!(shown.contains("tried before"), "{shown}");
    assert!(shown.contains("attempt 1: inconclusive: "), "{shown}");
    let run = out.join("two-homes/seed-1");
    assert!(run.join("attempt-1/record.jsonl").exists() && run.join("record.jsonl").exists());
    let junit = fs::read_to_string(out.join("junit.xml")).expect("a report");
    assert!(junit.contains("rerunError") || junit.contains("flakyError"), "{junit}");
}

#[test]
fn a_run_that_is_repeated_has_a_record_each_and_a_report_of_all() {
    let folder = TempDir::new().expect("a folder");
    let shipped = fs::read_to_string(format!("{}/same-lan.toml", support::SHIPPED));
    // Short, and with one check that a run of any length may be held to.
    let (network, _) =
        shipped.as_deref().expect("it ships").split_once("[[check]]").expect("it checks");
    let network: Vec<String> = network
        .lines()
        .map(|line| match line.starts_with("duration = ") {
            true => "duration = \"5s\"".to_owned(),
            false => line.to_owned(),
        })
        .collect();
    let check = "[[check]]\npath = { local = \"host\", remote = \"host\" }\nwhy = \"A LAN.\"\n";
    let scenario = folder.path().join("short.toml");
    fs::write(&scenario, format!("{}\n{check}", network.join("\n"))).expect("written");
    let out = folder.path().join("out");
    let arguments =
        ["hil", "--bench", VIRTUAL, text(&scenario), "--repeat", "2", "--out", text(&out)];
    let (code, shown, error) = said(&parallax(&arguments));
    // A busy machine may leave it in doubt, and then it says so.
    assert!(matches!(code, Some(0 | 11)), "{shown} {error}");
    assert!(
        shown.contains("seed 1, repeat 1, ") && shown.contains("seed 1, repeat 2, "),
        "{shown}"
    );
    assert!(error.contains("2/2  short seed 1, repeat 2 on virtual"), "{error}");
    for repeat in [1, 2] {
        let run = out.join(format!("short/seed-1-repeat-{repeat}"));
        assert!(run.join("record.jsonl").exists() && run.join("console.txt").exists());
    }
    let page = fs::read_to_string(out.join("report.html")).expect("a page");
    assert!(page.contains("seed 1, repeat 2"), "each is in full");
    let junit = fs::read_to_string(out.join("junit.xml")).expect("a file");
    assert!(junit.contains("name=\"seed 1, repeat 2\""), "{junit}");
    beside_simulation(&scenario, &out, folder.path());
}

/// The same simulated with the board's profile, and both side by side.
fn beside_simulation(scenario: &Path, measured: &Path, folder: &Path) {
    let (simulated, both) = (folder.join("sim"), folder.join("both"));
    let profile = ["--profile", "doorbell=process-board", "--no-report", "--out", text(&simulated)];
    let (code, shown, error) = said(&parallax(&[&["sim", text(scenario)], &profile[..]].concat()));
    assert_eq!(code, Some(0), "{shown} {error}");
    let report = |within: &[&str]| {
        let folders = ["report", text(&simulated), text(measured), "--out", text(&both)];
        said(&parallax(&[&folders, within].concat()))
    };
    let (code, shown, error) = report(&[]);
    // On a busy machine a measured run may be in doubt.
    assert!(matches!(code, Some(0 | 11)), "nothing more is demanded: {shown} {error}");
    assert!(shown.contains("simulation and measurement of short, doorbell to phone"), "{shown}");
    assert!(
        shown.contains(
            "simulated     1 run, camera process-board, viewer phone; host to host, direct"
        ),
        "{shown}"
    );
    assert!(shown.contains("capture-to-render p50"), "{shown}");
    let told = fs::read_to_string(both.join("report/parallax.json")).expect("a file");
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["pairs"][0]["simulated"]["runs"], 1);
    // A board takes its own time: what its profile says is configured for no more than the simulated one.
    let alike = told["pairs"][0]["alike"].as_array().expect("a list");
    let of_camera = |stage: &serde_json::Value| stage == "capture" || stage == "encode";
    assert!(!alike.iter().any(|one| of_camera(&one["stage"])), "{alike:?}");
    // Nothing is so near, and the clocks are good enough to say so; runs that were in doubt do not count.
    let (code, shown, _) = report(&["--within", "0%,1us"]);
    assert!(matches!(code, Some(10 | 11)), "{shown}");
    // One simulated run is no range.
    let (code, shown, _) = report(&["--within", "range,10%"]);
    assert_eq!(code, Some(11), "{shown}");
    assert!(shown.contains("within the range of the simulated runs and 10 %"), "{shown}");
    assert!(shown.contains("10 simulated runs at least"), "{shown}");
    let (code, _, error) = report(&["--within", "range"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("there is no comma in it") && error.contains("`range,10%`"), "{error}");
    let (code, _, error) = report(&["--within", "range,5ms"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("its second part has no %"), "{error}");
    for (wrong, told) in [("range,10%,5ms", "a percent alone"), ("range,100%", "has no lower end")]
    {
        let (code, _, error) = report(&["--within", wrong]);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(told), "{error}");
    }
    let (code, _, error) = report(&["--within", "5ms"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("--within") && error.contains("`10%,5ms`"), "{error}");
    let (code, _, error) =
        said(&parallax(&["report", text(&simulated), "--out", text(&both), "--within", "10%,5ms"]));
    assert_eq!(code, Some(2));
    assert!(error.contains("there are not runs of both"), "{error}");
}
