//! `--pcap`: a capture beside the record, as Wireshark reads it, which changes nothing of the run.
//!
//! Its packets are held against those of the run in `sim/world/tests/capture.rs`.
#![cfg(target_os = "linux")]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::{fs, process::Command};
use support::{Called, EASY, Place, endless, shipped, with_checks, worker_of};

const GUESSES: [&str; 3] = ["rtp_udp", "rtp_stun", "dtls_stun"];
const CHECKSUMS: [&str; 3] =
    ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE", "tcp.check_checksum:TRUE"];
const PAGE: &str = include_str!("../../docs/capture.md");

#[test]
fn a_capture_changes_nothing_of_a_run_and_is_the_same_each_time() {
    let place = Place::with("homes.toml", &with_checks("two-homes", 8, EASY));
    let sim = |out, more: &[&str]| {
        let arguments = [&["sim", "homes.toml", "--out", out], more].concat();
        place.call(&arguments).ended(0)
    };
    sim("plain", &[]);
    sim("one", &["--pcap"]);
    sim("other", &["--pcap", "--verify"]);
    let file = |out: &str, name: &str| {
        fs::read(place.path(&format!("{out}/homes/seed-1/{name}"))).expect("a file")
    };
    let record = file("plain", "record.jsonl");
    let capture = file("one", "capture.pcapng");
    for out in ["one", "other"] {
        assert_eq!(parallax_record::first_difference(&record, &file(out, "record.jsonl")), None);
        assert!(file(out, "record.jsonl") == record && file(out, "capture.pcapng") == capture);
        assert_eq!(place.read(&format!("{out}/summary.json")), place.read("plain/summary.json"));
    }
    assert!(capture.len() > 1_000_000, "{} bytes", capture.len());
    let captured = |out: &str| {
        let of_all = ["environment.json", "homes/seed-1/record.jsonl", "summary.json"];
        let (all, others): (Vec<_>, Vec<_>) =
            place.files_but_pictures(out).into_iter().partition(|file| of_all.contains(&&**file));
        assert_eq!(all, of_all);
        others
    };
    assert_eq!(captured("plain"), [""; 0]);
    assert_eq!(captured("other"), ["homes/seed-1/capture.pcapng"]);

    // One of an earlier call does not stand beside a newer record.
    sim("one", &[]);
    assert_eq!(captured("one"), [""; 0]);
}

#[test]
fn a_worker_that_dies_leaves_no_capture() {
    let place = Place::with("breaks.toml", &shipped("two-homes", 8));
    // The system refuses a file longer than this, in blocks of 512 or 1024 bytes: a capture is longer.
    let line = format!(
        "ulimit -f 256; exec '{}' sim breaks.toml --pcap --out out",
        env!("CARGO_BIN_EXE_parallax")
    );
    let called = place.shell(&line).ended(12);
    assert!(called.said.contains("File too large"), "{}", called.said);
    assert_eq!(
        place.files_but_pictures("out"),
        ["environment.json", "summary.json"],
        "half a capture is left"
    );
}

#[test]
fn a_run_that_is_interrupted_leaves_no_capture() {
    let place = Place::with("endless.toml", &endless());
    let parent = place.start(&["sim", "endless.toml", "--pcap", "--out", "out"]);
    worker_of(&parent, "endless.toml", &place.path("out/endless/seed-1/record.jsonl"));
    let process = i32::try_from(parent.id()).ok().and_then(Pid::from_raw).expect("a process");
    kill_process(process, Signal::INT).expect("send a signal");
    Called::from(parent.wait_with_output().expect("wait for the command")).ended(130);
    assert_eq!(place.files_but_pictures("out"), ["environment.json", "summary.json"]);
}

/// Whether there is a `tshark`. In CI there has to be.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn tshark_is_there() -> bool {
    let there = Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success());
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(there || !ci, "there is no tshark: in CI there has to be\n  help: install tshark");
    if !there {
        eprintln!("not run: needs tshark");
    }
    there
}

/// What `tshark` finds in a capture.
struct Found<'a> {
    place: &'a Place,
    file: &'a str,
}

impl Found<'_> {
    /// A field of all packets that pass a filter.
    fn fields(&self, filter: &str, field: &str) -> Vec<String> {
        let mut command = Command::new("tshark");
        command.current_dir(self.place.path("")).args(["-r", self.file, "-Y", filter]);
        command.args(["-T", "fields", "-e", field]);
        command.args(CHECKSUMS.iter().flat_map(|option| ["-o", *option]));
        command.args(GUESSES.iter().flat_map(|guess| ["--enable-heuristic", *guess]));
        let output = command.output().expect("call tshark");
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{filter}: {complained}");
        let said = String::from_utf8(output.stdout).expect("text");
        said.lines().map(str::to_owned).collect()
    }

    fn count(&self, filter: &str) -> usize {
        self.fields(filter, "frame.number").len()
    }

    #[track_caller]
    fn has(&self, filter: &str) {
        assert_ne!(self.count(filter), 0, "nothing is {filter}");
    }

    #[track_caller]
    fn has_no(&self, filter: &str) {
        assert_eq!(self.count(filter), 0, "something is {filter}");
    }
}

/// The filters of the page: the first cells of its second table's lines.
fn filters() -> Vec<String> {
    let (_, table) = PAGE.split_once("| Filter |").expect("the table");
    let cells = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(filter, _)| filter.replace(r"\|", "|")).collect()
}

#[test]
fn wireshark_reads_a_capture_of_a_call_over_turn() {
    if !tshark_is_there() {
        return;
    }
    let text = with_checks(
        "strict-homes",
        12,
        "[[check]]\nconnects = { within = \"8s\" }\nwhy = \"Over TURN.\"\n",
    );
    let place = Place::with("strict-homes.toml", &text);
    place.call(&["sim", "strict-homes.toml", "--pcap", "--out", "out"]).ended(0);
    let file = "out/strict-homes/seed-1/capture.pcapng";
    let found = Found { place: &place, file };

    // Every packet has right checksums, the time of the run, and a flow if it has one.
    let all = found.count("frame");
    assert!(all > 3_000, "{all} packets");
    let good = "ip.checksum.status == 1 && (udp.checksum.status == 1 || tcp.checksum.status == 1)";
    assert_eq!(found.count(good), all);
    let in_time = "frame.time_epoch >= 1767225600 && frame.time_epoch <= 1767225612";
    assert_eq!(found.count(in_time), all);
    let flow = "frame.packet_flags_direction == 1 || frame.packet_flags_direction == 2";
    assert_eq!(found.count(flow) + found.count("frame.interface_name == \"dropped\""), all);
    // What is encrypted in RTCP is taken for more RTCP.
    found.has_no("_ws.malformed && !rtcp && !srtcp");

    // The way to a picture.
    found.has("stun.type == 0x0001 && ip.dst == 192.0.2.20");
    found.has("stun.type == 0x0101 && ip.src == 192.0.2.20");
    found.has("stun.type == 0x0003 && !stun.att.realm");
    found.has("stun.type == 0x0113 && stun.att.error.class == 4 && stun.att.error == 1");
    found.has("stun.type == 0x0003 && stun.att.realm");
    found.has("stun.type == 0x0103");
    found.has("stun.type == 0x0108");
    found.has("stun.type == 0x0109");
    for message in [1, 2, 3, 11, 12, 13, 14, 15, 16, 20] {
        found.has(&format!("dtls.handshake.type == {message}"));
    }
    found.has("rtp.p_type == 102 && rtp.marker == 1");
    found.has("tcp.port == 80 && http.request.method == \"GET\"");
    found.has("tcp.port == 80 && http.response.code == 101");
    found.has("websocket.opcode == 1");

    let filters = filters();
    assert!(filters.len() > 10, "{filters:?}");
    for filter in &filters {
        found.has(filter);
        if filter.contains("rtp.p_type") {
            // Wireshark takes whatever comes through a channel for RTP at first.
            found.has_no(&format!("({filter}) && (dtls || rtcp)"));
        }
    }
}

/// When the scripted event began, and when it was over, seconds of the capture's time.
fn action(place: &Place, scenario: &str) -> [f64; 2] {
    let record = place.read(&format!("out/{scenario}/seed-1/record.jsonl"));
    ["action_began", "action_ended"].map(|kind| {
        let line = record.lines().find(|line| line.contains(&format!("\"kind\":\"{kind}\"")));
        let entry: serde_json::Value =
            line.map_or(serde_json::Value::Null, |line| serde_json::from_str(line).expect("JSON"));
        1_767_225_600.0 + entry["run_ns"].as_f64().unwrap_or(f64::MAX) / 1e9
    })
}

#[test]
fn a_capture_shows_a_device_without_power_and_a_service_that_is_gone() {
    if !tshark_is_there() {
        return;
    }
    for (scenario, silent) in
        [("camera-reboot", "host/doorbell"), ("signalling-lost", "service/rendezvous")]
    {
        let name = format!("{scenario}.toml");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/scenarios");
        let text = fs::read_to_string(format!("{folder}/{name}")).expect("a shipped scenario");
        let place = Place::with(&name, &text);
        // PSNR is unknown with prerecorded media: inconclusive at best.
        let called =
            place.call(&["sim", &name, "--media", "prerecorded", "--pcap", "--out", "out"]);
        assert!([Some(0), Some(11)].contains(&called.code), "{}{}", called.said, called.complained);
        let file = format!("out/{scenario}/seed-1/capture.pcapng");
        let found = Found { place: &place, file: &file };
        let [began, ended] = action(&place, scenario);
        assert!(began < 1_767_225_660.0, "{scenario} has no event");
        let at = format!("frame.interface_name == \"{silent}\"");
        found.has(&format!("{at} && frame.time_epoch < {began:.9}"));
        let until = ended.min(1_767_225_660.0);
        found.has_no(&format!(
            "{at} && frame.time_epoch > {began:.9} && frame.time_epoch < {until:.9}"
        ));
        found.has("frame.interface_name == \"dropped\" && frame.comment contains \"host-cut\"");
        found.has_no("_ws.malformed && !rtcp && !srtcp");
    }
}

#[test]
fn wireshark_decrypts_the_dtls_of_a_capture() {
    if !tshark_is_there() {
        return;
    }
    let place = Place::with("homes.toml", &with_checks("two-homes", 8, EASY));
    place.call(&["sim", "homes.toml", "--pcap", "--out", "out"]).ended(0);
    let found = Found { place: &place, file: "out/homes/seed-1/capture.pcapng" };
    // Every record of the data channels, and below it SCTP from port 5000 to port 5000.
    let records = found.count("dtls.record.content_type == 23");
    let plain = found.fields("dtls.record.content_type == 23", "data.data");
    assert!(records > 20, "{records}");
    let sctp = plain.iter().filter(|data| data.starts_with("13881388")).count();
    assert_eq!(sctp, records, "{plain:#?}");
}
