//! Words of a death that are quoted, and deaths that come while a command runs.

use crate::bench::{Bench, S, linux, pattern, sent, shell};
use parallax_console::{
    CommandId, CommandStyle, ConsoleInput, ConsoleOutput, ConsoleProfile, DeathCause, DeathKind,
    Limit, Login, Noted, Request, State, StepOutcome,
};

const UNSTAMPED: &str = "Kernel panic - not syncing: Fatal exception";

fn with_login() -> ConsoleProfile {
    let prompt = pattern("board login: $");
    linux().with_login(Login { prompt, user: "root".into(), password: None, refused: None })
}

/// A board with a login, at its shell's prompt.
fn ready() -> Bench {
    let mut bench = Bench::new(with_login());
    bench.ready();
    bench
}

fn type_line(bench: &mut Bench, line: &str) {
    bench.wait(S);
    bench.ask(Request::Raw(format!("{line}\r").into_bytes()));
}

fn command(bench: &mut Bench, text: &str) -> Vec<u8> {
    let request = Request::Command { id: CommandId(7), text: text.into(), timeout_ns: None };
    let typed = sent(&bench.ask(request));
    typed.strip_suffix(b"\r").unwrap_or(&typed).to_vec()
}

fn is_quoted(bench: &Bench) -> bool {
    bench.all.iter().any(|output| matches!(output, ConsoleOutput::Noted(Noted::Quoted, _)))
}

fn is_said(bench: &Bench, words: &str) -> bool {
    matches!(bench.console.state(), State::Dead(DeathCause::Said(DeathKind::Panic, line))
        if String::from_utf8_lossy(line).contains(words))
}

/// Whatever a command prints, its end proves that the board lives.
#[test]
fn what_a_command_prints_before_its_end_is_quoted() {
    for said in [
        UNSTAMPED,
        "44:[   33.1] Kernel panic - not syncing: x",
        "<0>[   33.1] Kernel panic - not syncing: x",
        "Oops[#1]:",
        "U-Boot SPL 2024.04",
        "Restarting system.",
        "reboot: Power down",
        "[  912.1] Kernel panic - not syncing: later than any time so far",
        "[  912.1] reboot: Restarting system",
        "### ERROR ### Please RESET the board ###",
        "Restarting system.\r\nU-Boot SPL 2024.04\r\nKernel panic - not syncing: x",
    ] {
        // By a bench, and by a person.
        let mut bench = ready();
        let typed = command(&mut bench, "cat log");
        let output = shell(&typed, &format!("{said}\r\n"), 0);
        bench.hear(&output);
        bench.hear(b"# ");
        bench.wait(10 * S);
        assert_eq!(bench.console.state(), &State::Ready, "{said}");
        assert!(is_quoted(&bench), "{said}");
        let mut bench = ready();
        type_line(&mut bench, "cat log");
        bench.hear(format!("cat log\r\n{said}\r\n# ").as_bytes());
        bench.wait(10 * S);
        assert_eq!(bench.console.state(), &State::Ready, "{said}");
        assert!(is_quoted(&bench), "{said}");
        // What was quoted excuses no reset; nor does an announcement.
        type_line(&mut bench, "cat notes");
        bench.hear(b"cat notes\r\nThe system is going down NOW!\r\n# ");
        bench.wait(S);
        bench.hear(b"U-Boot SPL 2024\r\n");
        bench.wait(10 * S);
        assert!(matches!(bench.console.state(), State::Dead(DeathCause::Reset(_))), "{said}");
    }
}

/// A command may as well be what kills the board.
#[test]
fn a_board_that_dies_of_a_command_shows_no_prompt() {
    let panics = |what: &str, after: &str, time| {
        let mut bench = ready();
        let mut text = command(&mut bench, "insmod isp.ko");
        text.extend_from_slice(b"\r\nplx:abcd0123:1:b.\r\n");
        bench.hear(&text);
        bench.hear(format!("{what}\r\n{after}").as_bytes());
        bench.wait(time);
        assert!(is_said(&bench, "Kernel panic"), "{what} {after}: {:?}", bench.console.state());
        let of_it = |output: &ConsoleOutput| {
            matches!(
                output,
                ConsoleOutput::Finished(CommandId(7), StepOutcome::Died(DeathCause::Said(..)))
            )
        };
        assert!(bench.all.iter().any(of_it), "{what} {after}");
    };
    // Its limit, a boot, its reason; an oops in the kernel's own line with its time at once.
    panics(UNSTAMPED, "", 20 * S);
    panics("make: x: Kernel panic - not syncing: cut", "", 20 * S);
    panics(UNSTAMPED, "U-Boot SPL 2024\r\nReset cause: WDOG\r\n", 1);
    panics(UNSTAMPED, "U-Boot SPL 2024\r\n\r\nboard login: ", S);
    let mut bench = ready();
    bench.hear(b"[   12.1] usb 1-1: new device\r\n");
    command(&mut bench, "insmod isp.ko");
    bench.hear(b"[   33.1] Internal error: Oops: 17 [#1] SMP ARM\r\n");
    assert!(is_said(&bench, "33.1"), "{:?}", bench.console.state());
    panics(
        "[   33.1] Kernel panic - not syncing: x",
        "[   33.2] Rebooting in 3 seconds..\r\n",
        20 * S,
    );
}

#[test]
fn a_board_that_died_and_goes_on_to_speak_is_dead_when_its_step_is_over() {
    let mut bench = ready();
    command(&mut bench, "insmod isp.ko");
    bench.hear(format!("{UNSTAMPED}\r\n").as_bytes());
    for _ in 0..2_000 {
        bench.hear(b"noise\r\n");
        bench.wait(S);
    }
    assert!(is_said(&bench, UNSTAMPED), "{:?}", bench.console.state());
    let timed_out = |output: &ConsoleOutput| {
        matches!(output, ConsoleOutput::Finished(_, StepOutcome::TimedOut(Limit::Step)))
    };
    assert!(!bench.all.iter().any(timed_out));
}

/// A terminal breaks a long line: with bash, with busybox, with a line end.
#[test]
fn an_echo_is_known_however_it_is_broken() {
    let typed = "dmesg | grep 'U-Boot SPL 2024' | grep -c 'Kernel panic - not syncing'";
    for (at, broken) in
        (1..typed.len()).flat_map(|at| [" \r", "\r\n", "\x08"].map(|broken| (at, broken)))
    {
        let (head, tail) = typed.split_at(at);
        let first = &tail[..1];
        let echo = match broken {
            "\x08" => format!("{head}{first}\x08{tail}"),
            broken => format!("{head}{broken}{tail}"),
        };
        // It is not even a quotation.
        let mut bench = ready();
        type_line(&mut bench, typed);
        bench.hear(format!("{echo}\r\n0\r\n# ").as_bytes());
        bench.wait(10 * S);
        assert_eq!(bench.console.state(), &State::Ready, "{at} {broken:?}");
        assert!(!is_quoted(&bench), "{at} {broken:?}");
    }
}

/// `dmesg`, typed or run by a script of the boot: a kernel's times do not run backwards.
#[test]
fn an_earlier_time_is_read_back_and_a_new_boot_is_not() {
    let mut bench = ready();
    bench.hear(b"\r\n[  200.1] usb 1-1: new device\r\n");
    bench.hear(b"[   33.1] Internal error: Oops: 17 [#1] SMP ARM\r\n# ");
    bench.wait(S);
    assert_eq!(bench.console.state(), &State::Ready);
    assert!(is_quoted(&bench));
    // Processors write theirs out of order by little.
    let mut bench = ready();
    bench.hear(b"\r\n[  200.100000] usb 1-1: new device\r\n");
    bench.hear(b"[  200.099000] Internal error: Oops: 17 [#1] SMP ARM\r\n");
    assert!(is_said(&bench, "Internal error"));
    // The next boot begins at 0.
    let mut bench = Bench::new(linux());
    for _ in 0..2 {
        bench.input(ConsoleInput::Power(true));
        bench.hear(b"U-Boot SPL 2024\r\n[    0.000000] Linux version 6.6\r\n[  200.1] x\r\n");
    }
    bench.hear(b"[    0.000000] Linux version 6.6\r\n");
    bench.hear(b"[    2.1] Kernel panic - not syncing: No working init found\r\n");
    assert!(is_said(&bench, "No working init"));
}

#[test]
fn what_an_application_says_of_the_last_crash_is_no_death() {
    let esp = || {
        ConsoleProfile::new(pattern("esp> $"))
            .with_banner(pattern("ESP-ROM:esp32s3"))
            .with_style(CommandStyle::Plain)
    };
    // Where nothing writes its lines whole, whoever quotes goes on to speak, or the prompt comes.
    for (said, next) in [
        ("log: task_wdt: Aborting.", "log: end\r\n"),
        ("bootargs=console=ttyS0 note=### ERROR ### Please RESET the board ###", "bootargs=x\r\n"),
        ("crash-reporter: Kernel panic - not syncing: x", "\r\nboard login: "),
        ("app says: Guru Meditation Error: Core  0", "I (900) app: fps 15\r\n"),
    ] {
        let mut bench = Bench::new(with_login());
        bench.input(ConsoleInput::Power(true));
        bench.hear(format!("U-Boot SPL 2024\r\n{said}\r\n").as_bytes());
        bench.wait(S);
        bench.hear(next.as_bytes());
        bench.wait(10 * S);
        assert_eq!(bench.console.state(), &State::Booting, "{said}");
        assert!(is_quoted(&bench), "{said}");
    }
    for said in [
        "I (1234) app: last reset: Guru Meditation Error: Core  0 panic'ed (LoadProhibited)",
        "I (1234) coredump: Found core dump: reason abort() was called at PC 0x4200b730",
        "app: the last boot was rst:0x7 (TG0WDT_SYS_RST)",
        "W (9) app: Brownout detector was triggered before",
        "[    1.1] ramoops: last: [   33.1] Kernel panic - not syncing: x",
        "[    1.1] Kernel command line: console=ttyS0 note=Kernel panic - not syncing",
        "app: last words were: reboot: Restarting system",
    ] {
        for profile in [esp(), linux()] {
            let mut bench = Bench::new(profile);
            bench.input(ConsoleInput::Power(true));
            bench.hear(format!("ESP-ROM:esp32s3\r\nU-Boot SPL 2024\r\n{said}\r\n").as_bytes());
            bench.wait(10 * S);
            assert_eq!(bench.console.state(), &State::Booting, "{said}");
        }
    }
}

/// Whatever stands before a death's words in its line, the death is seen: silence or a boot follow.
#[test]
fn a_death_that_breaks_into_a_line_is_seen() {
    for lead in [
        " ",
        "\t",
        "\0\0",
        "\x07",
        "\u{ff}",
        "~",
        "~B",
        "~B7f3a9c01.12.=off",
        "board lo",
        "root@board:~#",
        "mysql> select ",
        "app: fps 15 que",
        "login[312]: root login on 'console'",
        "Starting camera: ",
        ".........",
        "[   33.1] app[312]: starting",
        "[   33.104410]",
        "[   331] ",
        "I (5000) app: fps",
    ] {
        let trace = "CPU: 0 PID: 1 Comm: init\r\n[<c0108>] (unwind_backtrace) from [<c010>]\r\n";
        for after in
            [trace, "U-Boot SPL 2024\r\nReset cause: POR\r\n", "U-Boot SPL 2024\r\nboard login: "]
        {
            let mut bench = ready();
            bench.hear(format!("\r\n{lead}{UNSTAMPED}\r\n").as_bytes());
            bench.wait(S);
            bench.hear(after.as_bytes());
            bench.wait(10 * S);
            assert!(
                is_said(&bench, "Kernel panic"),
                "{lead:?} {after}: {:?}",
                bench.console.state()
            );
        }
    }
    // A kernel that goes on to speak of its stalls is dead all the same.
    let mut bench = ready();
    bench.hear(format!("\r\n  {UNSTAMPED}\r\n").as_bytes());
    for _ in 0..40 {
        bench.hear(b"rcu: INFO: x\r\n");
        bench.wait(S);
    }
    assert!(is_said(&bench, "Kernel panic"));
    // ESP-IDF that halts, with its head behind what an application said.
    for lead in ["I (5000) app: fps", "\u{ff}\u{fe}", "noise "] {
        let mut bench = ready();
        bench
            .hear(format!("\r\n{lead}Guru Meditation Error: Core  1 panic'ed (X).\r\n").as_bytes());
        bench.hear(b"Core  1 register dump:\r\nBacktrace: 0x4:0x3\r\nCPU halted.\r\n");
        bench.wait(4 * S);
        assert!(is_said(&bench, "Guru"), "{lead}: {:?}", bench.console.state());
    }
}

/// A shell that asks for no user: of an initramfs, of an autologin, of a boot loader.
#[test]
fn a_boot_is_one_whatever_prompt_comes_after_it() {
    const LOG: &str = "Starting kernel ...\r\n[    0.000000] Linux version 6.6\r\n[    1.5] x\r\n";
    let boots = |marked: bool, words: &str, boot: &str, prompt: &str| {
        let mut bench = ready();
        bench.wait(S);
        let mut typed = b"./app".to_vec();
        if marked {
            typed = command(&mut bench, "./app");
        } else {
            type_line(&mut bench, "./app");
        }
        bench.hear(&[&typed[..], b"\r\n"].concat());
        if marked {
            bench.hear(b"plx:abcd0123:1:b.\r\n");
        }
        bench.hear(format!("fps 15\r\n{words}").as_bytes());
        bench.wait(S);
        bench.hear(boot.as_bytes());
        bench.wait(S);
        bench.hear(prompt.as_bytes());
        bench.wait(21 * S);
        bench
    };
    let spl = format!("U-Boot SPL 2024.04\r\n{LOG}");
    for marked in [false, true] {
        for (boot, prompt) in [
            (&*spl, "/ # "),
            (&*spl, "# "),
            (&*spl, "(initramfs) # "),
            ("U-Boot SPL 2024.04\r\nU-Boot 2024.04\r\n", "luckfox# "),
        ] {
            let silent = boots(marked, "", boot, prompt);
            let state = silent.console.state();
            assert!(
                matches!(state, State::Dead(DeathCause::Reset(_))),
                "{boot} {prompt}: {state:?}"
            );
            for words in [UNSTAMPED, "[   33.1] Kernel panic - not syncing: Fatal"] {
                let bench = boots(marked, &format!("{words}\r\n"), boot, prompt);
                assert!(is_said(&bench, "Kernel panic"), "{marked} {boot} {prompt}");
            }
        }
    }
}

/// A script of the boot reads a log out: its times are later, and the kernel's go on where they were.
#[test]
fn a_later_time_that_was_read_out_hides_no_death() {
    for read_out in ["[  811.9] wlan0: down\r\n[  812.1] wlan0: gone", "[  812.1] x"] {
        for panic in [
            "[   33.1] Kernel panic - not syncing: x",
            "[   33.1] Internal error: Oops: 17 [#1] SMP ARM",
        ] {
            let mut bench = ready();
            bench.hear(format!("[    2.1] jffs2: x\r\n{read_out}\r\n").as_bytes());
            bench.wait(3 * S);
            bench.hear(format!("{panic}\r\n").as_bytes());
            bench.wait(S);
            assert!(is_said(&bench, "33.1"), "{read_out} {panic}");
        }
    }
    // A kernel that was quiet for long jumps by no clock.
    let mut bench = ready();
    bench.hear(b"\r\n[    2.1] jffs2: x\r\n");
    bench.wait(200 * S);
    bench.hear(b"[  202.1] usb 1-1: x\r\n[   33.1] Kernel panic - not syncing: x\r\n");
    bench.wait(10 * S);
    assert_eq!(bench.console.state(), &State::Ready);
}

/// What is silent after it has quoted: until its end, whatever time that takes.
#[test]
fn a_command_that_quotes_and_waits_is_waited_for() {
    for said in [UNSTAMPED, "U-Boot SPL 2024.04", "Linux version 6.6"] {
        let mut bench = ready();
        let typed = command(&mut bench, "cat log; sleep 10");
        let output = shell(&typed, &format!("{said}\r\n"), 0);
        let end = output.windows(4).rposition(|at| at == b"plx:").expect("an end");
        bench.hear(&output[..end]);
        bench.wait(10 * S);
        bench.hear(&output[end..]);
        bench.hear(b"# ");
        bench.wait(10 * S);
        assert_eq!(bench.console.state(), &State::Ready, "{said}");
    }
}
