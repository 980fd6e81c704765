//! Recordings through the core, with a profile.

use parallax_console::{
    CommandStyle, ConsoleProfile, Firmware, FirmwareEvent, FrameEncoder, Login, Nonce, Pattern,
    Secret, Sender,
    replay::{CameUp, Replay, ReplayKind, replay},
    transcript::{ConsoleRecording, Form, TranscriptError},
};

fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap_or_else(|error| panic!("{error}"))
}

fn linux() -> ConsoleProfile {
    let login = Login {
        prompt: pattern("board login: $"),
        user: "root".into(),
        password: None,
        refused: None,
    };
    ConsoleProfile::new(pattern("# $")).with_banner(pattern(r"U-Boot SPL \d{4}")).with_login(login)
}

fn run(profile: ConsoleProfile, text: &str) -> Replay {
    let recording =
        ConsoleRecording::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    replay(profile, &recording)
}

/// A transcript of these lines, without its head.
fn transcript(lines: &[&str]) -> String {
    format!("parallax-transcript 1\n{}\n", lines.join("\n"))
}

/// What happened, each with its line.
fn told(replay: &Replay) -> Vec<(usize, ReplayKind)> {
    replay.steps.iter().map(|step| (step.line, step.kind)).collect()
}

fn kinds(replay: &Replay, kind: ReplayKind) -> Vec<&str> {
    let of_kind = replay.steps.iter().filter(|step| step.kind == kind);
    of_kind.map(|step| step.text.as_str()).collect()
}

const PROBE: &str = "echo 'plx:''0a0b0c0d:3:b.'; echo 'plx:''0a0b0c0d:3:e:'$?'.'";
const COMMAND: &str = "echo 'plx:''0a0b0c0d:4:b.'; uname; echo 'plx:''0a0b0c0d:4:e:'$?'.'";

/// A boot as a bench records it, up to a command.
fn boot() -> Vec<String> {
    [
        "1000000000 ! power on",
        r"1200000000 < U-Boot SPL 2024.01\x0d\x0a",
        "9000000000 < board login: ",
        r"9100000000 > root\x0d",
        r"9101000000 < root\x0d\x0a# ",
        &format!(r"9200000000 > {PROBE}\x0d"),
        &format!(r"9201000000 < {PROBE}\x0d\x0aplx:0a0b0c0d:3:b.\x0d\x0a"),
        r"9202000000 < plx:0a0b0c0d:3:e:0.\x0d\x0a# ",
        &format!(r"9300000000 > {COMMAND}\x0d"),
        &format!(r"9301000000 < {COMMAND}\x0d\x0aplx:0a0b0c0d:4:b.\x0d\x0aLinux\x0d\x0a"),
        r"9302000000 < plx:0a0b0c0d:4:e:7.\x0d\x0a# ",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn booted(more: &[&str]) -> String {
    let boot = boot();
    let lines: Vec<&str> = boot.iter().map(String::as_str).chain(more.iter().copied()).collect();
    transcript(&lines)
}

#[test]
fn a_recorded_run_is_followed_with_lines_and_times() {
    let replay = run(linux(), &booted(&[]));
    assert_eq!(replay.form, Form::Timed);
    assert_eq!(replay.summary.came_up, CameUp::Yes { line: 9 });
    let expected = [
        (2, ReplayKind::Power),
        (2, ReplayKind::State),
        (3, ReplayKind::Banner),
        (5, ReplayKind::Login),
        (5, ReplayKind::Typed),
        (7, ReplayKind::Prompt),
        (9, ReplayKind::State),
        (10, ReplayKind::Command),
        (12, ReplayKind::Done),
    ];
    assert_eq!(told(&replay), expected, "{replay}");
    assert_eq!(kinds(&replay, ReplayKind::Done), ["status 7, 1 line"]);
    let login = replay.steps.iter().find(|step| step.kind == ReplayKind::Login).expect("a login");
    // Quiet for 60 ms after what came at 9 s, 8 s after the power.
    assert_eq!(login.at_ns, Some(8_060_000_000));
    assert_eq!(replay.unmatched().count(), 0, "{replay}");
}

#[test]
fn a_wrong_prompt_is_told_with_what_stands_there_instead() {
    let profile = ConsoleProfile { prompt: pattern(r"\$ $"), ..linux() };
    let replay = run(profile, &booted(&[]));
    assert_eq!(replay.summary.came_up, CameUp::Open, "{replay}");
    assert_eq!(kinds(&replay, ReplayKind::Quiet), ["`# ` matches no prompt"; 3]);
    let unfit = kinds(&replay, ReplayKind::Unfit);
    assert!(unfit[0].contains("`prompt` does not match `# `"), "{unfit:?}");
    assert!(unfit[1].contains("`uname`: not followed"), "{unfit:?}");
    let keys: Vec<&str> = replay.unmatched().map(|used| used.key.as_str()).collect();
    assert_eq!(keys, ["prompt"]);
}

#[test]
fn a_boot_that_takes_longer_than_the_profile_allows_is_no_boot() {
    let mut profile = linux();
    profile.timeouts.boot_ns = 5_000_000_000;
    let replay = run(profile, &booted(&[]));
    assert!(matches!(&replay.summary.came_up, CameUp::No(_)), "{replay}");
    assert_eq!(kinds(&replay, ReplayKind::Ended), ["no prompt within boot_timeout"]);
    let died = replay.steps.iter().find(|step| step.kind == ReplayKind::Death).expect("dead");
    assert_eq!(died.at_ns, Some(5_000_000_000));
}

#[test]
fn deaths_are_told_and_what_boots_again_is_followed() {
    let more = [
        r"20000000000 < [ 9.0] Kernel panic - not syncing: old\x0d\x0a",
        r"25000000000 < U-Boot SPL 2024.01\x0d\x0a",
        "26000000000 < board login: ",
    ];
    let replay = run(linux(), &booted(&more));
    assert_eq!((replay.summary.boots, replay.summary.deaths), (2, 1));
    let death = kinds(&replay, ReplayKind::Death)[0];
    assert!(death.contains("panic: ") && death.contains("matches common.panic"), "{death}");
    assert_eq!(kinds(&replay, ReplayKind::Login).len(), 2, "{replay}");
    // It had come up before.
    assert_eq!(replay.summary.came_up.known(), Some(true));
}

#[test]
fn a_stream_is_known_by_the_nonce_of_its_frames_and_gaps_are_counted() {
    let mut frames = vec![Vec::new(); 4];
    let mut encoder = FrameEncoder::new(Sender::Board, Nonce(0x1111_2222));
    for frame in &mut frames {
        encoder.encode(b"frame", b"", frame).expect("short");
    }
    let frame = |number: usize| String::from_utf8(frames[number].clone()).expect("text");
    let command =
        "echo 'plx:''0a0b0c0d:5:b.'; agent 11112222; echo 'plx:''0a0b0c0d:5:e:'$?'.'".to_owned();
    let more = [
        format!(r"10000000000 > {command}\x0d"),
        format!(r"10001000000 < {command}\x0d\x0aplx:0a0b0c0d:5:b.\x0d\x0a"),
        format!(r"10100000000 < {}\x0d\x0a{}\x0d\x0a", frame(0), frame(1)),
        // The third one is cut by a log line.
        format!(r"10200000000 < {}[ 1.0] usb\x0d\x0a{}\x0d\x0a", &frame(2)[..15], frame(3)),
    ];
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let replay = run(linux(), &booted(&more));
    assert_eq!(kinds(&replay, ReplayKind::Frames), ["2 messages, 10 bytes", "1 message, 5 bytes"]);
    assert_eq!(kinds(&replay, ReplayKind::Gap), ["missing: 1 frame, from number 2 on"]);
    let summary = &replay.summary;
    assert_eq!((summary.messages, summary.missing_frames, summary.damaged), (3, 1, 1));
}

#[test]
fn what_somebody_wrote_has_an_order_and_no_times() {
    let text = transcript(&[
        "- ! power on",
        r"- < U-Boot SPL 2024.01\x0d\x0aboard login:\x20",
        r"- > root\x0d",
        r"- < root\x0d\x0a# ",
    ]);
    let replay = run(linux(), &text);
    assert_eq!(replay.form, Form::Untimed);
    assert_eq!(replay.summary.came_up, CameUp::Prompt { line: 5 }, "{replay}");
    assert!(replay.steps.iter().all(|step| step.at_ns.is_none()));
}

#[test]
fn a_log_is_read_by_what_stands_before_the_echo() {
    let log = "U-Boot SPL 2024.01\r\n## Booting kernel\r\n[ 0.1] Linux\r\nboard login: root\r\n\
               # uname\r\nLinux\r\n# ";
    let replay = run(linux(), log);
    assert_eq!(replay.form, Form::Log);
    // `## ` looks like the prompt, and before the login it is none.
    assert_eq!(replay.summary.came_up, CameUp::Prompt { line: 5 }, "{replay}");
    assert_eq!(kinds(&replay, ReplayKind::Login).len(), 1);
    let again = run(linux(), &log.replace('\r', ""));
    assert_eq!(again.summary, replay.summary);
}

#[test]
fn a_log_whose_login_no_pattern_matches_is_told() {
    let log = "U-Boot SPL 2024.01\r\n[ 0.1] Linux\r\nmybox login: root\r\nroot@mybox:~# ";
    let replay = run(linux(), log);
    let CameUp::No(why) = &replay.summary.came_up else { panic!("{replay}") };
    assert!(why.contains("line 4") && why.contains("`login_prompt` matched nothing"), "{why}");
    let unfit = kinds(&replay, ReplayKind::Unfit);
    assert!(unfit[0].contains("`login_prompt` matched nothing on the way"), "{unfit:?}");
}

#[test]
fn a_recording_that_ends_in_a_boot_says_nothing() {
    let replay = run(linux(), "U-Boot SPL 2024.01\r\n[ 0.1] Linux\r\n");
    let told = replay.to_string();
    assert!(told.contains("the recording ends before, with `[ 0.1] Linux` in line 2"), "{told}");
    assert!(told.contains("what matches NEVER is wrong"), "{told}");
    assert_eq!(replay.summary.came_up.known(), None, "{replay}");
    let looped = run(linux(), &"U-Boot SPL 2024.01\r\n".repeat(9));
    assert_eq!(looped.summary.came_up.known(), Some(false), "{looped}");
    assert_eq!(looped.summary.deaths, 1);
}

#[test]
fn an_old_panic_before_anything_is_known_is_shown_and_does_not_count() {
    let replay = run(linux(), "Kernel panic - not syncing: old\r\nU-Boot SPL 2024.01\r\n");
    assert_eq!(kinds(&replay, ReplayKind::Ignored).len(), 1, "{replay}");
    assert_eq!(replay.summary.deaths, 0);
}

#[test]
fn a_firmware_that_is_not_ours_is_followed_by_commands_and_log() {
    let firmware = Firmware {
        name: "a demo".into(),
        start: None,
        join: Some("join {room}".into()),
        stop: Some("leave".into()),
        events: vec![
            (FirmwareEvent::Connected, pattern("DTLS: connected")),
            (FirmwareEvent::FirstFrame, pattern("sent frame 1 ")),
        ],
    };
    let profile = ConsoleProfile {
        style: CommandStyle::Plain,
        banners: vec![pattern("ESP-ROM:")],
        firmware: Some(firmware),
        ..ConsoleProfile::new(pattern("esp> $"))
    };
    let text = transcript(&[
        r"- < ESP-ROM:esp32p4\x0d\x0aesp> ",
        r"- > join lobby\x0d",
        r"- < join lobby\x0d\x0aesp> I (9) DTLS: connected\x0d\x0aI (10) VID: sent frame 1 of 9\x0d\x0aesp> ",
        r"- > leave\x0d",
        r"- < leave\x0d\x0aesp> ",
    ]);
    let replay = run(profile, &text);
    let commands = kinds(&replay, ReplayKind::Command);
    assert_eq!(commands, ["`join lobby` is firmware.join", "`leave` is firmware.stop"]);
    let told = kinds(&replay, ReplayKind::Firmware);
    assert!(told[0].starts_with("connected: ") && told[1].starts_with("first_frame: "), "{told:?}");
    assert_eq!(replay.summary.came_up, CameUp::Yes { line: 3 }, "{replay}");
    assert_eq!(kinds(&replay, ReplayKind::Done).len(), 2, "{replay}");
}

#[test]
fn a_password_is_neither_needed_nor_shown() {
    let mut profile = linux();
    let login = profile.login.as_mut().expect("it has one");
    login.password = Some((pattern("Password: $"), Secret::new("")));
    let text = transcript(&[
        r"- < U-Boot SPL 2024.01\x0d\x0aboard login: ",
        r"- > root\x0d",
        r"- < root\x0d\x0aPassword: ",
        r"- * *****",
        r"- < \x0d\x0a# ",
    ]);
    let replay = run(profile, &text);
    assert_eq!(kinds(&replay, ReplayKind::Typed), ["`root`", "a line that is not shown"]);
    assert_eq!(replay.summary.came_up.known(), Some(true), "{replay}");
}

#[test]
fn what_is_no_recording_is_refused_with_line_and_cure() {
    let refused =
        |text: &str| ConsoleRecording::read(text.as_bytes()).expect_err("refused").to_string();
    assert_eq!(ConsoleRecording::read(b""), Err(TranscriptError::Empty));
    assert!(refused("parallax-transcript 2\n").contains("line 1 is `parallax-transcript 1`"));
    for (line, what) in [
        ("soon < a", "line 3: its first word is no time in nanoseconds"),
        ("2 ? a", "line 3: its kind is none of"),
        ("2 < \\q", "line 3: a `\\` is not followed by"),
        ("2 <", "line 3: no space stands behind its kind"),
        ("2", "line 3: it is one word"),
        ("- < a", "line 3: it has no time, and lines above do"),
    ] {
        let told = refused(&transcript(&["1 < a", line]));
        assert!(told.starts_with(what) && told.contains("help: "), "{line}: {told}");
    }
}

#[test]
fn a_recording_without_an_end_says_what_is_left_out() {
    let mut text = booted(&[]);
    text.push_str("99 < half");
    let replay = run(linux(), &text);
    assert!(replay.summary.torn && replay.to_string().contains("cut       the last line"));
}

#[test]
fn a_password_that_no_pattern_asks_for_is_told() {
    let text = transcript(&[
        "- ! power on",
        r"- < U-Boot SPL 2024.01\x0d\x0a",
        "- < board login: ",
        r"- > root\x0d",
        r"- < root\x0d\x0aPassword: ",
        "- * ******",
        r"- < \x0d\x0a# ",
    ]);
    let replay = run(linux(), &text);
    let CameUp::No(why) = &replay.summary.came_up else { panic!("{replay}") };
    assert!(why.contains("`password_prompt` matched nothing"), "{why}");
    // With the pattern a bench logs in.
    let password = Some((pattern("Password: $"), Secret::new("hidden")));
    let login =
        Login { prompt: pattern("board login: $"), user: "root".into(), password, refused: None };
    let replay = run(linux().with_login(login), &text);
    assert!(matches!(replay.summary.came_up, CameUp::Prompt { .. }), "{replay}");
}

#[test]
fn a_restart_that_was_typed_in_a_log_is_no_death() {
    let log = "U-Boot SPL 2024.01\r\nboard login: root\r\n# reboot\r\nbye\r\nU-Boot SPL 2024.01\r\n\
               board login: root\r\n# ";
    let replay = run(linux(), log);
    assert_eq!((replay.summary.boots, replay.summary.deaths), (2, 0), "{replay}");
    assert!(replay.to_string().contains("as it was told to: `> reboot`"), "{replay}");
    let silent = run(linux(), &log.replace("reboot", "uptime"));
    assert_eq!((silent.summary.boots, silent.summary.deaths), (2, 1), "{silent}");
}

/// It came up, and then it died: with times, without, and as a log.
#[test]
fn a_death_in_the_line_of_a_prompt_does_not_undo_that_it_came_up() {
    let timed = [
        "0 ! power on",
        r"50000000 < U-Boot SPL 2024.01\x0d\x0a",
        "9000000000 < board login: ",
        r"9100000000 > root\x0d",
        r"9101000000 < root\x0d\x0a# ",
        r"19000000000 < Unable to handle kernel NULL pointer dereference\x0d\x0a",
        r"24000000000 < U-Boot SPL 2024.01\x0d\x0a",
    ];
    let untimed: Vec<String> = timed
        .iter()
        .map(|line| format!("-{}", line.find(' ').map_or("", |at| &line[at..])))
        .collect();
    let untimed: Vec<&str> = untimed.iter().map(String::as_str).collect();
    let log = "U-Boot SPL 2024.01\r\nboard login: root\r\n# Unable to handle kernel NULL\r\n\
               U-Boot SPL 2024.01\r\n";
    for text in [transcript(&timed), transcript(&untimed), log.to_owned()] {
        let replay = run(linux(), &text);
        assert!(matches!(replay.summary.came_up, CameUp::Prompt { .. }), "{replay}");
        assert_eq!((replay.summary.boots, replay.summary.deaths), (2, 1), "{replay}");
    }
}

/// A terminal program's time before each line changes nothing of what the lines are.
#[test]
fn times_before_each_line_are_not_the_boards() {
    let lines =
        ["U-Boot SPL 2024.01", "[    0.000000] Booting Linux", "", "board login: root", "# "];
    let log = |time: &str| lines.map(|line| format!("{time}{line}\n")).concat();
    let plain = run(linux(), &log(""));
    assert!(plain.summary.came_up.known() == Some(true), "{:?}", plain.summary);
    for time in [
        "[2026-11-30 15:00:01.123] ",
        "[2026-11-30 15:00:01] ",
        "[2026-11-30T15:00:01.123Z] ",
        "[15:00:01.123] ",
        "2026-11-30 15:00:01 ",
        "2026-11-30T15:00:01.123456+01:00 ",
        "Nov 30 15:00:01 ",
        "00:00:01 ",
        "[1.123456 0.000123] ",
    ] {
        assert_eq!(run(linux(), &log(time)), plain, "{time}");
        let cut = log(time).replacen(time, "", 1);
        assert_eq!(run(linux(), &cut), plain, "{time}, cut off before the first line");
    }
    // The board's own: of some lines alone, and of its system logger.
    let own = "[15:00:01] camera: up\n[15:00:02] camera: on\nready\n";
    for log in [own, "Jan  1 00:00:12 board kern.emerg kernel: a\nJan  1 00:00:13 board app: b\n"] {
        let recording = ConsoleRecording::read(log.as_bytes()).expect("a log");
        let bytes: Vec<u8> = recording.entries.into_iter().flat_map(|entry| entry.bytes).collect();
        assert_eq!(String::from_utf8(bytes).expect("text"), log);
    }
}

#[test]
fn utf_16_is_named_with_its_cure_and_a_mark_before_utf_8_is_no_text() {
    let wide = |swap: bool| -> Vec<u8> {
        let units = "\u{feff}U-Boot\n".encode_utf16();
        units.flat_map(|unit| if swap { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    for swap in [false, true] {
        let error = ConsoleRecording::read(&wide(swap)).expect_err("it is UTF-16");
        assert!(error.to_string().contains("`iconv -f UTF-16 -t UTF-8"), "{error}");
    }
    // Noise of a wrong baud rate.
    assert!(ConsoleRecording::read(b"\xff\xfeU-Boot\n").is_ok());
    let marked = ConsoleRecording::read("\u{feff}U-Boot\n".as_bytes()).expect("a log");
    assert_eq!(marked.entries[0].bytes, b"U-Boot\n");
}
