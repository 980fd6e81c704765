//! From power on to a stream, and all the ways in which it goes wrong.

use crate::bench::{Bench, MS, NONCE, S, linux, messages, outcome, pattern, sent, shell};
use parallax_console::{
    CommandId, CommandStyle, ConsoleInput, ConsoleOutput, ConsoleProfile, DeathCause, DeathKind,
    FrameEncoder, Limit, Login, Nonce, Request, RequestRefusal, Secret, Sender, State, StepOutcome,
    Timeouts,
};

fn command(text: &str) -> Request {
    Request::Command { id: CommandId(7), text: text.into(), timeout_ns: None }
}

const AGENT: Nonce = Nonce(0x1111_2222);

fn stream(bench: &mut Bench) -> Vec<u8> {
    let text = "agent --nonce 11112222".into();
    let typed = sent(&bench.ask(Request::Stream { id: CommandId(8), text, nonce: AGENT }));
    let shell = shell(&typed, "|", 0);
    let cut = shell.iter().rposition(|byte| *byte == b'|').expect("a place");
    bench.hear(&shell[..cut]);
    assert_eq!(bench.console.state(), &State::Streaming);
    shell[cut + 1..].to_vec()
}

#[test]
fn a_board_boots_logs_in_and_proves_its_prompt() {
    let login = Login {
        prompt: pattern("login: $"),
        user: "root".into(),
        password: Some((pattern("Password: $"), Secret::new("hush"))),
        refused: Some(pattern("Login incorrect")),
    };
    let mut bench = Bench::new(linux().with_login(login));
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.now += S;
    bench.hear(b"U-Boot SPL 2024\r\n[ 0.1] Linux\r\n\x1b[1mboard login: \x1b[0m\x1b[6n");
    assert_eq!(sent(&bench.wait(S)), b"root\r");
    bench.hear(b"root\r\nPassword: ");
    let out = bench.wait(S);
    let hidden =
        |output: &ConsoleOutput| matches!(output, ConsoleOutput::Transmit(sent) if sent.secret);
    assert!(out.iter().any(hidden) && sent(&out) == b"hush\r");
    bench.hear(b"\r\n# ");
    let typed = sent(&bench.wait(S));
    assert!(typed.starts_with(b"echo 'plx:''abcd0123:0:b.'"), "{typed:?}");
    // The echo alone proves nothing.
    bench.hear(&typed);
    assert_eq!(bench.console.state(), &State::Booting);
    bench.hear(&shell(&typed, "", 0)[typed.len() - 1..]);
    assert_eq!(bench.console.state(), &State::Ready);
    assert!(matches!(outcome(&bench.all), Some(StepOutcome::Done { .. })));
}

#[test]
fn a_wrong_password_is_a_refused_login() {
    let login = Login {
        prompt: pattern("login: $"),
        user: "root".into(),
        password: None,
        refused: Some(pattern("Login incorrect")),
    };
    let mut bench = Bench::new(linux().with_login(login));
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"login: ");
    bench.wait(S);
    bench.hear(b"root\r\nLogin incorrect\r\n");
    assert_eq!(bench.console.state(), &State::Dead(DeathCause::LoginRefused));
}

#[test]
fn a_command_ends_with_its_status_and_what_it_said() {
    let mut bench = Bench::new(linux());
    bench.ready();
    let typed = sent(&bench.ask(command("uname -r; false")));
    let out = bench.hear(&shell(&typed, "6.1.0\r\nno line end", 1));
    let said = b"6.1.0\nno line end\n".to_vec();
    let done = StepOutcome::Done { status: Some(1), said, unkept_bytes: 0 };
    assert_eq!(outcome(&out), Some(&done));
}

#[test]
fn an_earlier_runs_markers_and_echo_end_no_command() {
    let mut bench = Bench::new(linux());
    bench.ready();
    let typed = sent(&bench.ask(command("true")));
    bench.hear(b"plx:00000001:1:b.\r\nplx:00000001:1:e:0.\r\n# ");
    bench.hear(&typed);
    assert_eq!(outcome(&bench.wait(S)), None);
    let out = bench.hear(&shell(&typed, "", 0));
    assert!(matches!(outcome(&out), Some(StepOutcome::Done { status: Some(0), .. })));
}

#[test]
fn an_earlier_runs_prompt_and_panic_in_the_buffer_prove_nothing() {
    let mut bench = Bench::new(linux());
    bench.hear(b"Kernel panic - not syncing: old\r\n# ");
    bench.ask(Request::Ready(CommandId(1)));
    bench.wait(100 * MS);
    assert_eq!(bench.console.state(), &State::Unknown);
    let out = bench.wait(60 * S);
    assert_eq!(outcome(&out), Some(&StepOutcome::TimedOut(Limit::Prompt)));
    assert_eq!(bench.console.state(), &State::Dead(DeathCause::NoPrompt(b"# ".to_vec())));
}

#[test]
fn a_silent_board_is_knocked_at_as_often_as_told_and_then_dead() {
    let mut bench = Bench::new(linux());
    bench.ask(Request::Ready(CommandId(1)));
    let out = bench.wait(60 * S);
    assert_eq!(sent(&bench.all), b"\r\r\r");
    assert_eq!(outcome(&out), Some(&StepOutcome::TimedOut(Limit::Prompt)));
    assert_eq!(bench.console.state(), &State::Dead(DeathCause::Silent));
}

#[test]
fn a_board_that_boots_without_a_prompt_is_dead_after_its_boot_time_times_the_factor() {
    let timeouts = Timeouts { boot_ns: 10 * S, factor_percent: 250, ..Timeouts::default() };
    let mut bench = Bench::new(ConsoleProfile { timeouts, ..linux() });
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"U-Boot SPL 2024\r\n");
    assert_eq!(outcome(&bench.wait(25 * S - 1)), None);
    assert_eq!(outcome(&bench.wait(1)), Some(&StepOutcome::TimedOut(Limit::Step)));
    let last = DeathCause::NoPrompt(b"U-Boot SPL 2024".to_vec());
    assert_eq!(bench.console.state(), &State::Dead(last));
    // Nobody stopped its boot loader by a knock.
    assert_eq!(sent(&bench.all), b"");
}

#[test]
fn a_boot_loop_is_told_from_a_boot() {
    let mut bench = Bench::new(linux());
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"U-Boot SPL 2024\r\nLoading\r\n");
    assert_eq!(bench.console.state(), &State::Booting);
    bench.wait(3 * S);
    // It reset in the middle of a line, and tells no reason.
    bench.hear(b"Load\xffU-Boot SPL 2024\r\n");
    let out = bench.wait(3 * S);
    assert!(matches!(outcome(&out), Some(StepOutcome::Died(DeathCause::BootLoop(_)))));
}

#[test]
fn a_panic_in_mid_stream_is_seen_even_inside_a_frame() {
    let mut bench = Bench::new(linux());
    bench.ready();
    stream(&mut bench);
    let mut line = Vec::new();
    FrameEncoder::new(Sender::Board, AGENT).encode(b"frame 1", b"\r\n", &mut line).expect("short");
    bench.hear(&line[..12]);
    bench.hear(b"Kernel panic - not syncing: Attempted to kill init");
    // Without a line end it is read when all is quiet.
    let out = bench.wait(S);
    let Some(StepOutcome::Died(DeathCause::Said(DeathKind::Panic, line))) = outcome(&out) else {
        panic!("{out:?}");
    };
    assert!(line.ends_with(b"Attempted to kill init"));
}

#[test]
fn an_unexpected_banner_and_a_watchdog_are_deaths() {
    let mut bench = Bench::new(linux());
    bench.ready();
    bench.hear(b"U-Boot SPL 2024\r\n");
    bench.wait(3 * S);
    assert!(matches!(bench.console.state(), State::Dead(DeathCause::Reset(_))));
    let mut bench = Bench::new(linux());
    bench.ready();
    bench.hear(b"rst:0x8 (TG1WDT_SYS_RST),boot:0x8\r\n");
    let dead =
        matches!(bench.console.state(), State::Dead(DeathCause::Said(DeathKind::Watchdog, _)));
    assert!(dead, "{:?}", bench.console.state());
}

#[test]
fn a_stream_talks_both_ways_and_counts_what_is_missing() {
    let mut bench = Bench::new(linux());
    bench.ready();
    let rest = stream(&mut bench);
    let mut board = FrameEncoder::new(Sender::Board, AGENT);
    let mut lines = vec![Vec::new(); 4];
    for (number, line) in lines.iter_mut().enumerate() {
        board.encode(format!("message {number}").as_bytes(), b"\r\n", line).expect("short");
    }
    bench.hear(&lines[0]);
    let out = bench.hear(&lines[2]);
    assert!(out.contains(&ConsoleOutput::Gap { from: 1, frames: 1 }));
    let said = sent(&bench.ask(Request::Say(b"stop".to_vec())));
    assert!(said.starts_with(b"~H11112222.0.=stop."));
    // The terminal echoes it.
    bench.hear(&said);
    let out = bench.ask(Request::Sent(4));
    assert_eq!(out, [ConsoleOutput::Gap { from: 3, frames: 1 }]);
    let out = bench.hear(&rest);
    assert!(matches!(outcome(&out), Some(StepOutcome::Done { status: Some(0), .. })));
    assert_eq!(messages(&bench.all), [b"message 0", b"message 2"]);
    assert_eq!(bench.console.state(), &State::Ready);
}

#[test]
fn a_command_that_hangs_is_broken_off_and_nothing_is_taken_for_known() {
    let mut bench = Bench::new(linux());
    bench.ready();
    bench.ask(command("sleep 1000"));
    let out = bench.wait(21 * S);
    assert_eq!(outcome(&out), Some(&StepOutcome::TimedOut(Limit::Step)));
    assert_eq!(sent(&out), b"\x03");
    assert_eq!(bench.console.state(), &State::Unknown);
    assert_eq!(bench.ask(command("true")), [ConsoleOutput::Refused(RequestRefusal::NotReady)]);
}

#[test]
fn a_run_that_takes_too_long_ends_its_stream() {
    let timeouts = Timeouts { run_ns: 30 * S, ..Timeouts::default() };
    let mut bench = Bench::new(ConsoleProfile { timeouts, ..linux() });
    bench.ready();
    bench.ask(Request::Start);
    stream(&mut bench);
    let out = bench.wait(30 * S);
    assert!(out.contains(&ConsoleOutput::RunOver));
    assert_eq!(outcome(&out), Some(&StepOutcome::TimedOut(Limit::Run)));
    assert_eq!(bench.console.next_deadline(), None);
}

#[test]
fn power_and_plug_are_followed() {
    let mut bench = Bench::new(ConsoleProfile { powered_by_port: true, ..linux() });
    bench.ready();
    bench.ask(command("sleep 5"));
    let out = bench.input(ConsoleInput::Unplugged);
    assert_eq!(outcome(&out), Some(&StepOutcome::PowerCut));
    assert_eq!(bench.console.state(), &State::Off);
    assert_eq!(
        bench.ask(Request::Ready(CommandId(1))),
        [ConsoleOutput::Refused(RequestRefusal::Off)]
    );
    bench.input(ConsoleInput::Plugged);
    assert_eq!(bench.console.state(), &State::Booting);
}

#[test]
fn a_stream_outlives_an_outage_of_the_port_alone() {
    let mut bench = Bench::new(linux());
    bench.ready();
    stream(&mut bench);
    let mut board = FrameEncoder::new(Sender::Board, AGENT);
    let mut lines = vec![Vec::new(); 3];
    for line in &mut lines {
        board.encode(b"frame", b"\r\n", line).expect("short");
    }
    bench.hear(&lines[0]);
    bench.hear(&lines[1][..10]);
    let out = bench.input(ConsoleInput::Unplugged);
    assert!(out.contains(&ConsoleOutput::Outage(true, 0)));
    bench.input(ConsoleInput::Plugged);
    let out = bench.hear(&lines[2]);
    assert!(out.contains(&ConsoleOutput::Gap { from: 1, frames: 1 }));
    assert_eq!(bench.console.state(), &State::Streaming);
}

#[test]
fn a_plain_command_line_is_followed_from_echo_to_prompt() {
    let profile = ConsoleProfile::new(pattern("esp> $")).with_style(CommandStyle::Plain);
    let mut bench = Bench::new(profile);
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"\r\nesp> ");
    bench.wait(S);
    assert_eq!(sent(&bench.ask(command("version"))), b"version\r");
    // A prompt that was there already ends nothing.
    assert_eq!(outcome(&bench.wait(S)), None);
    bench.hear(b"version\r\nv5.4\r\nI (12) wifi: up\r\nesp> ");
    let said = b"v5.4\nI (12) wifi: up\n".to_vec();
    let done = StepOutcome::Done { status: None, said, unkept_bytes: 0 };
    assert_eq!(outcome(&bench.wait(S)), Some(&done));
}

#[test]
fn bytes_go_out_as_slowly_as_the_board_needs_even_when_the_host_is_late() {
    let mut bench = Bench::new(ConsoleProfile {
        transmit_chunk_bytes: 1,
        transmit_delay_ns: 10 * MS,
        ..linux()
    });
    let mut times = Vec::new();
    let mut take = |out: Vec<ConsoleOutput>, now| {
        for output in out {
            let ConsoleOutput::Transmit(transmit) = output else { panic!("{output:?}") };
            assert!(transmit.due_ns <= now);
            times.push((now, transmit.bytes));
        }
    };
    take(bench.ask(Request::Raw(b"abcd".to_vec())), bench.now);
    take(bench.next(), bench.now);
    bench.now += 55 * MS;
    take(bench.input(ConsoleInput::Time), bench.now);
    take(bench.next(), bench.now);
    let expected = [(0, b"a"), (10, b"b"), (65, b"c"), (75, b"d")];
    assert_eq!(times, expected.map(|(at, byte)| (S + at * MS, byte.to_vec())));
    assert_eq!(bench.console.next_deadline(), None);
}

#[test]
fn what_cannot_be_typed_is_refused() {
    let mut bench = Bench::new(linux());
    bench.ready();
    for text in ["two\nlines", "caf\u{e9}", &"x".repeat(2049)] {
        assert_eq!(bench.ask(command(text)), [ConsoleOutput::Refused(RequestRefusal::NotALine)]);
    }
    bench.ask(command("true"));
    assert_eq!(bench.ask(command("true")), [ConsoleOutput::Refused(RequestRefusal::Busy)]);
    assert_eq!(
        bench.ask(Request::Say(vec![])),
        [ConsoleOutput::Refused(RequestRefusal::NotStreaming)]
    );
    let out = bench.ask(Request::Interrupt);
    assert_eq!(outcome(&out), Some(&StepOutcome::Interrupted));
    assert_eq!(NONCE.to_string(), "abcd0123");
}

fn login() -> Login {
    Login { prompt: pattern("login: $"), user: "root".into(), password: None, refused: None }
}

#[test]
fn a_login_that_was_asked_for_while_the_port_was_gone_is_asked_for_again() {
    let mut bench = Bench::new(linux().with_login(login()));
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"U-Boot SPL 2024\r\n");
    // A boot is not knocked: that would stop its boot loader.
    assert_eq!(sent(&bench.wait(5 * S)), b"");
    bench.input(ConsoleInput::Unplugged);
    bench.input(ConsoleInput::Plugged);
    // Nor is a boot loader that counts.
    for count in [b"2".as_slice(), b"\x081", b"\x080"] {
        bench.hear(count);
        assert_eq!(sent(&bench.wait(S)), b"");
    }
    assert_eq!(sent(&bench.wait(S + 100 * MS)), b"\r");
    bench.hear(b"\r\nboard login: ");
    assert_eq!(sent(&bench.wait(S / 10)), b"root\r");
    assert_eq!(bench.console.state(), &State::Booting);
}

#[test]
fn a_login_that_stands_there_before_the_board_is_to_be_ready_is_answered() {
    let mut bench = Bench::new(linux().with_login(login()));
    bench.input(ConsoleInput::Power(true));
    bench.hear(b"U-Boot SPL 2024\r\nboard login: ");
    assert_eq!(sent(&bench.wait(S)), b"");
    bench.ask(Request::Ready(CommandId(1)));
    assert_eq!(sent(&bench.wait(S / 10)), b"root\r");
}

#[test]
fn a_stream_whose_marker_was_garbled_has_begun_with_its_first_frame() {
    let mut bench = Bench::new(linux());
    bench.ready();
    bench.ask(Request::Stream { id: CommandId(3), text: "agent".into(), nonce: AGENT });
    bench.hear(b"plx:garbled\r\n");
    assert_ne!(bench.console.state(), &State::Streaming);
    // An earlier run's frame begins nothing.
    let mut foreign = Vec::new();
    FrameEncoder::new(Sender::Board, Nonce(7))
        .encode(b"old", b"\r\n", &mut foreign)
        .expect("short");
    bench.hear(&foreign);
    assert_ne!(bench.console.state(), &State::Streaming);
    let mut line = Vec::new();
    FrameEncoder::new(Sender::Board, AGENT).encode(b"frame", b"\r\n", &mut line).expect("short");
    assert_eq!(messages(&bench.hear(&line)), [b"frame".to_vec()]);
    assert_eq!(bench.console.state(), &State::Streaming);
    assert_eq!(outcome(&bench.wait(30 * S)), None, "it lasts as long as the run lets it");
}
