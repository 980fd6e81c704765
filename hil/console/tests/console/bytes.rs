//! Whatever arrives, in whatever pieces.

use crate::bench::{Bench, MS, S, linux, pattern, sent, shell};
use parallax_console::{
    CommandId, Console, ConsoleInput, ConsoleOutput, FrameEncoder, MATCH_BYTES_MOST, Nonce,
    Pattern, PatternError, Request, Sender, State, best, score,
};
use proptest::prelude::*;

/// A whole conversation with a stream in it: what the board says after the command was typed.
fn conversation() -> (Bench, Vec<u8>) {
    let mut bench = Bench::new(linux());
    bench.ready();
    let nonce = Nonce(9);
    let text = "agent".into();
    let typed = sent(&bench.ask(Request::Stream { id: CommandId(1), text, nonce }));
    let mut says = Vec::new();
    let mut board = FrameEncoder::new(Sender::Board, nonce);
    for number in 0..4 {
        let message = [number; 300].repeat(usize::from(number));
        board.encode(&message, b"\r\n", &mut says).expect("short");
        says.extend_from_slice(b"\x1b[32m[ 1.0] log\x1b[0m\r\n\x1b]0;title\x07\x1b[6n");
    }
    says.extend_from_slice(b"~B torn\r\nWARN: no line end");
    let says = String::from_utf8(says).expect("text");
    let bytes = [shell(&typed, &says, 3), b"U-Boot SPL 2024\r\n# ".to_vec()].concat();
    (bench, bytes)
}

fn pieces(console: &Console, bytes: &[u8], cuts: &[usize]) -> (Vec<ConsoleOutput>, State) {
    let mut console = console.clone();
    let now = 5 * S;
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        console.handle(now, ConsoleInput::Received(&bytes[from..to]));
        from = to;
    }
    console.handle(now + 4 * S, ConsoleInput::Time);
    (std::iter::from_fn(|| console.poll()).collect(), console.state().clone())
}

#[test]
fn reads_split_at_any_byte_change_nothing() {
    let (bench, bytes) = conversation();
    let whole = pieces(&bench.console, &bytes, &[]);
    assert_eq!(whole.0.iter().filter(|out| matches!(out, ConsoleOutput::Message(_))).count(), 4);
    assert!(matches!(whole.1, State::Dead(_)), "{whole:?}");
    for at in 0..=bytes.len() {
        assert_eq!(pieces(&bench.console, &bytes, &[at]), whole, "at {at}");
    }
    let every: Vec<usize> = (0..bytes.len()).collect();
    assert_eq!(pieces(&bench.console, &bytes, &every), whole);
}

#[test]
fn escape_sequences_are_gone_and_a_garbled_one_swallows_little() {
    let mut bench = Bench::new(linux());
    let out = bench.hear(b"\x1b[31mred\x1b[0m \x1b(Bplain\x1b7\x1b]0;t\x1b\\ end\x1b[6n\r\n");
    assert_eq!(out, [ConsoleOutput::Line(b"red plain end".to_vec())]);
    let title = [b"\x1b]".as_slice(), &[b'x'; 300], b"kept\r\n"].concat();
    let out = bench.hear(&title);
    let [ConsoleOutput::Line(line)] = &out[..] else { panic!("{out:?}") };
    assert!(line.ends_with(b"kept") && line.len() < 60, "{}", line.len());
    assert_eq!(bench.hear(b"\x1b[12\r\nnext\r\n"), [ConsoleOutput::Line(b"next".to_vec())]);
}

#[test]
fn a_line_without_end_comes_in_bounded_pieces_and_hides_no_pattern() {
    for before in 3700..4200 {
        let mut bench = Bench::new(linux());
        bench.ready();
        bench.hear(&vec![b'x'; before]);
        bench.hear(b"[   61.100000] Kernel panic - not syncing");
        bench.hear(&[b'y'; 9000]);
        assert!(matches!(bench.console.state(), State::Dead(_)), "after {before}");
        let line = |output: &ConsoleOutput| {
            if let ConsoleOutput::Line(line) = output { line.len() } else { 0 }
        };
        assert!(bench.all.iter().all(|output| line(output) <= 4096));
        let told: usize = bench.all.iter().map(line).sum();
        assert!(told > before + 9000 - 4096, "{told}");
    }
}

#[test]
fn patterns_are_bounded_and_match_something() {
    let refused = |text: &str| Pattern::new(text).expect_err("refused");
    assert!(matches!(refused("login:.*"), PatternError::Unbounded { .. }));
    assert!(matches!(refused("a{257}"), PatternError::Unbounded { .. }));
    assert!(matches!(refused("$"), PatternError::Empty { .. }));
    assert!(matches!(refused("x?"), PatternError::Empty { .. }));
    assert!(matches!(refused("(open"), PatternError::Syntax { .. }));
    assert!(pattern(&format!("a{{{MATCH_BYTES_MOST}}}")).is_in(&[b'a'; 256]));
    assert!(pattern(r"\xff\x00").is_in(b"\xfe\xff\x00"));
    let shown = refused(r"rst:0x[0-9a-f]+").to_string();
    assert!(shown.contains("help: bound each repetition"), "{shown}");
    let shown = refused("(open").to_string();
    assert!(shown.contains("unclosed group"), "{shown}");
}

#[test]
fn the_rate_is_the_one_at_which_it_is_readable() {
    let right = b"U-Boot SPL 2024.01 (Jan 08 2024)\r\n";
    let wrong: Vec<u8> = right.iter().map(|byte| byte.wrapping_mul(37) | 0x80).collect();
    let heard = [(1_500_000, wrong.as_slice()), (115_200, right), (9_600, b"")];
    assert_eq!(best(heard), Some((115_200, 1000)));
    assert_eq!(best([(1_500_000, wrong.as_slice())]), None);
    assert_eq!(score(b""), 0);
}

proptest! {
    #[test]
    fn chunking_never_changes_the_result(mut cuts in prop::collection::vec(0_usize..1500, 0..40)) {
        let (bench, bytes) = conversation();
        cuts.retain(|cut| *cut <= bytes.len());
        cuts.sort_unstable();
        let whole = pieces(&bench.console, &bytes, &[]);
        prop_assert_eq!(pieces(&bench.console, &bytes, &cuts), whole);
    }

    #[test]
    fn nothing_that_arrives_breaks_it(
        reads in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<u8>(), Just(0x1b), Just(b'~'), Just(b'B'), Just(b'['), Just(b'\n')],
            0..200,
        ), 0..40),
        waits in prop::collection::vec(0_u64..3_000, 40),
        asks in prop::collection::vec(0_u8..8, 40),
    ) {
        let mut bench = Bench::new(linux());
        for ((read, wait), ask) in reads.iter().zip(waits).zip(asks) {
            match ask {
                0 => { bench.ask(Request::Ready(CommandId(1))); }
                1 => { bench.ask(Request::Command {
                    id: CommandId(2), text: "true".into(), timeout_ns: None }); }
                2 => { bench.input(ConsoleInput::Power(true)); }
                3 => { bench.input(ConsoleInput::Unplugged); }
                4 => { bench.ask(Request::Interrupt); }
                _ => {}
            }
            bench.hear(read);
            bench.wait(wait * MS);
        }
        // What was asked for has ended, or ends at a deadline.
        bench.wait(1_000 * S);
        prop_assert_eq!(bench.console.next_deadline(), None);
    }
}
