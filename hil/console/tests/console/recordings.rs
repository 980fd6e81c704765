//! Whole recordings in the form in which each system prints them, written by us (`tests/recordings`): boot,
//! work, and an end or none. Each comes to the same as a log, as a transcript with times and without, and
//! wherever a line of another program is written into it.

use crate::bench::{MS, pattern};
use parallax_console::{
    CommandStyle, ConsoleProfile, Login,
    replay::{Replay, ReplayKind, replay},
    transcript::ConsoleRecording,
};
use std::{fs, path::PathBuf};

struct Case {
    file: &'static str,
    /// What is told of each death, and how often a boot began.
    deaths: &'static [&'static str],
    boots: u64,
    /// What is noted, in this order, among others.
    notes: &'static [&'static str],
}

const fn case(
    file: &'static str,
    boots: u64,
    deaths: &'static [&'static str],
    notes: &'static [&'static str],
) -> Case {
    Case { file, deaths, boots, notes }
}

const WARNS: &str = "it warns, and goes on: ";
const RESTARTS: &str = "it restarts or powers down, as it ";
const QUOTED: &str = "quoted from a log or by a command, and the board goes on: ";

const CASES: &[Case] = &[
    case(
        "esp-idf-4-watchdogs",
        3,
        &[
            "panic: `Guru Meditation Error: Core  1",
            "power: its supply voltage fell too low: `Brown",
        ],
        &[WARNS],
    ),
    case("esp-idf-5-load-prohibited", 2, &["panic: `Guru Meditation Error: Core  0"], &[]),
    case("esp-idf-5-risc-v-load-fault", 2, &["panic: `Guru Meditation Error: Core  1"], &[]),
    case("esp-idf-5-quotes-and-restart", 2, &[], &[QUOTED, RESTARTS]),
    case(
        "linux-3.10-mips-oops-and-panic",
        2,
        &["panic: `[   81.693210] CPU 0 Unable to handle kernel paging request"],
        &[],
    ),
    case("linux-3.10-mips-reboot", 2, &[], &[RESTARTS]),
    case(
        "linux-4.9-arm-oops-goes-on",
        1,
        &["panic: `[   33.518820] Unable to handle kernel NULL pointer"],
        &[],
    ),
    case(
        "linux-4.9-arm-syslog",
        1,
        &["panic: `Jan  1 00:01:40 board kern.alert kernel: [   99.518820] Unable to handle"],
        &[],
    ),
    case(
        "linux-5.10-arm-init-killed",
        1,
        &["panic: `[    2.951200] Kernel panic - not syncing: Attempted to kill init!"],
        &[],
    ),
    case(
        "linux-5.10-arm-quotes",
        1,
        &[],
        // `dmesg`, `/proc/version`, an old oops, two of pstore, `/var/log`, a file, a boot loader.
        &[QUOTED, QUOTED, QUOTED, QUOTED, QUOTED],
    ),
    case("linux-6.1-x86-oops", 1, &["panic: `[   61.310220] BUG: kernel NULL pointer"], &[]),
    case("linux-6.6-arm64-goes-on", 1, &[], &[WARNS, WARNS, WARNS, WARNS, WARNS, WARNS]),
    case(
        "linux-6.6-arm64-paging-request",
        1,
        &["panic: `[  105.104410] Unable to handle kernel paging request"],
        &[],
    ),
    case("linux-6.6-arm64-systemd-restarts", 2, &[], &[RESTARTS]),
    case("linux-6.6-arm64-watchdog-resets", 2, &["watchdog: `Reset cause: WDOG`"], &[WARNS, WARNS]),
    case("u-boot-data-abort", 2, &["panic: `Resetting CPU ...`"], &[]),
];

const SHELL: &str = "root@board:~# ";
const ESP: &str = "esp> ";
const LOGIN: &str = "board login: ";

impl Case {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test reads its recordings, the core reads nothing"
    )]
    fn text(&self) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings");
        let file = PathBuf::from(folder).join(format!("{}.log", self.file));
        let text = fs::read_to_string(&file).unwrap_or_else(|why| panic!("{file:?}: {why}"));
        let ends = [SHELL, ESP, LOGIN].iter().any(|prompt| text.ends_with(&format!("{prompt}\n")));
        // A prompt stands there; nobody has typed at it.
        let text = if ends { text.trim_end_matches('\n') } else { &text };
        text.replace('\n', "\r\n")
    }

    fn profile(&self) -> ConsoleProfile {
        if self.file.starts_with("esp") {
            return ConsoleProfile::new(pattern("esp> $"))
                .with_banner(pattern("ESP-ROM:esp32"))
                .with_banner(pattern("ets Jul 29 2019"))
                .with_style(CommandStyle::Plain);
        }
        let login = Login {
            prompt: pattern("board login: $"),
            user: "root".into(),
            password: None,
            refused: None,
        };
        let banner = if self.file.contains("x86") { "Linux version 6.1" } else { "U-Boot SPL 20" };
        ConsoleProfile::new(pattern("root@board:~# $"))
            .with_banner(pattern(banner))
            .with_login(login)
    }

    /// The recording comes to what it should: `exactly` with the words of each death, or by their kinds.
    fn judge(&self, recording: &str, exactly: bool, how: &str) -> Replay {
        let recording = ConsoleRecording::read(recording.as_bytes()).expect("a recording");
        let replay = replay(self.profile(), &recording);
        let of = |kind: ReplayKind| replay.steps.iter().filter(move |step| step.kind == kind);
        let deaths: Vec<&str> = of(ReplayKind::Death).map(|step| step.text.as_str()).collect();
        let kind = |wanted: &'static str| wanted.split('`').next().unwrap_or_default();
        let wanted = self.deaths.iter().map(|one| if exactly { one } else { kind(one) });
        let fits = deaths.len() == self.deaths.len()
            && deaths.iter().zip(wanted).all(|(told, wanted)| told.starts_with(wanted));
        assert!(fits, "{} {how}: {deaths:?}\n{replay}", self.file);
        assert_eq!(replay.summary.boots, self.boots, "{} {how}\n{replay}", self.file);
        replay
    }

    /// The entries of the log: what stands behind a prompt was typed, and its echo came.
    fn entries(text: &str) -> Vec<Entry> {
        let mut entries = vec![('!', "power on".to_owned())];
        for line in text.split_inclusive("\r\n") {
            let prompt = [SHELL, ESP, LOGIN].into_iter().find(|prompt| line.starts_with(prompt));
            let typed = prompt.and_then(|prompt| line.strip_prefix(prompt)).map(str::trim_end);
            match (prompt, typed.filter(|typed| is_typed(typed))) {
                (Some(prompt), Some(typed)) => entries.extend([
                    ('<', prompt.to_owned()),
                    ('>', format!("{typed}\r")),
                    ('<', format!("{typed}\r\n")),
                ]),
                _ => entries.push(('<', line.to_owned())),
            }
        }
        entries
    }
}

/// What a transcript's line tells: its kind, and its bytes.
type Entry = (char, String);

/// A transcript, its entries 20 ms apart or without times.
fn transcript(entries: &[Entry], timed: bool) -> String {
    let mut out = String::from("parallax-transcript 1\n");
    for ((kind, bytes), at) in entries.iter().zip(0..) {
        let time = if timed { (at * 20 * MS).to_string() } else { "-".into() };
        let escaped: String = bytes.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        let told = if *kind == '!' { bytes } else { &escaped };
        out += &format!("{time} {kind} {told}\n");
    }
    out
}

/// What stands behind a prompt was typed, unless it is a message.
fn is_typed(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('[') && !text.starts_with("The system is going down")
}

#[test]
fn whole_recordings_come_to_what_happened_with_times_and_without() {
    for case in CASES {
        let text = case.text();
        for (recording, how) in [
            (text.clone(), "as a log"),
            (text.replace("\r\n", "\n"), "as a log of bare line ends"),
            (transcript(&Case::entries(&text), false), "without times"),
            (transcript(&Case::entries(&text), true), "with times"),
        ] {
            let replay = case.judge(&recording, true, how);
            let notes = replay.steps.iter().filter(|step| step.kind == ReplayKind::Note);
            let mut notes = notes.map(|step| step.text.as_str());
            for wanted in case.notes {
                let found = notes.any(|note| note.starts_with(wanted));
                assert!(found, "{} {how}: {wanted}\n{replay}", case.file);
            }
        }
    }
}

/// Each line that ends a board or seems to, cut at each byte: by the pieces of a read, and by a line of the log
/// that is written into it.
#[test]
fn whole_recordings_come_to_the_same_wherever_they_are_cut() {
    let words = ["panic", "Oops", "to handle", "estarting", "Guru", "Brown", "RESET"];
    for case in CASES {
        let entries = Case::entries(&case.text());
        let mut log = None;
        for (index, (kind, text)) in entries.iter().enumerate() {
            let line = text.trim_end();
            // A line of the log comes at the same time as the one before.
            let esp = case.file.starts_with("esp");
            let stamp = line.find("] ").filter(|_| line.starts_with("[ ") && !line.contains("OK"));
            match stamp {
                Some(end) => log = Some(format!("{} usb 1-1: new device", &line[..=end])),
                None if esp && line.contains("cpu_start") => {
                    log = Some("I (4200) wifi:bcn_timeout".to_owned());
                }
                None => {}
            }
            let ends = *kind == '<' && words.iter().any(|word| line.contains(word));
            let Some(log) = log.as_ref().filter(|_| ends) else { continue };
            for cut in 0..line.len() {
                let timed = cut % 2 == 0;
                let (head, tail) = text.split_at(cut);
                let how = format!("`{head}|{tail}` {timed}");
                let mut all = entries.clone();
                all.splice(index..=index, [('<', head.to_owned()), ('<', tail.to_owned())]);
                if cut % 8 < 2 {
                    case.judge(&transcript(&all, timed), false, &how);
                }
                // What an application quotes in its line, and is cut off from it to the byte, is no quotation to
                // anyone; and no line is written into a kernel's.
                let quotes = ["last words: ", "reason "];
                let quotes = quotes.iter().any(|lead| head.ends_with(lead));
                if quotes || line.contains("ramoops: last: ") {
                    continue;
                }
                let written = format!("{head}{log}\r\n{tail}");
                all.splice(index..=index + 1, [('<', written)]);
                case.judge(&transcript(&all, timed), false, &format!("{how}, with `{log}`"));
            }
        }
    }
}
