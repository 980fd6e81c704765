//! What a dying board says, and what one says that lives: lines of the forms that Linux, U-Boot and ESP-IDF
//! print, of our own making.

use crate::bench::{Bench, S, linux, pattern};
use parallax_console::{
    CommandId, CommandStyle, ConsoleInput, ConsoleOutput, ConsoleProfile, DeathCause, DeathKind,
    Noted, Request, State,
};

const PANIC: DeathKind = DeathKind::Panic;
const WATCHDOG: DeathKind = DeathKind::Watchdog;
const POWER: DeathKind = DeathKind::Power;

/// Of each system: what it says last, and of what it dies.
const DEATHS: &[(&str, DeathKind)] = &[
    // Linux on Arm, 3.x to 6.x.
    ("Unable to handle kernel NULL pointer dereference at virtual address 00000010", PANIC),
    ("[   61.1] Unable to handle kernel paging request at virtual address ffffffc0deadbeef", PANIC),
    (
        "8<--- cut here ---\r\nUnable to handle kernel NULL pointer dereference at virtual address 00000000 when read",
        PANIC,
    ),
    ("Internal error: Oops: 17 [#1] PREEMPT SMP ARM", PANIC),
    ("Internal error: Oops - BUG: 0 [#1] SMP ARM", PANIC),
    ("Internal error: : 1008 [#1] PREEMPT ARM", PANIC),
    (
        "[   42.144892] Internal error: synchronous external abort: 0000000096000010 [#1] PREEMPT SMP",
        PANIC,
    ),
    ("kernel BUG at drivers/media/vin.c:812!", PANIC),
    // On MIPS.
    (
        "CPU 0 Unable to handle kernel paging request at virtual address 00000008, epc == c02a8b2c, ra == 800d96d4",
        PANIC,
    ),
    ("Oops[#1]:", PANIC),
    ("[   81.7] Kernel bug detected[#1]:", PANIC),
    ("Unhandled kernel unaligned access[#1]:", PANIC),
    // On x86.
    ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000018", PANIC),
    ("BUG: unable to handle page fault for address: ffffc90000a1b000", PANIC),
    ("BUG: kernel NULL pointer dereference, address: 0000000000000018", PANIC),
    ("Oops: 0002 [#1] PREEMPT SMP NOPTI", PANIC),
    ("Oops: Oops: 0000 [#1] SMP NOPTI", PANIC),
    ("general protection fault: 0000 [#1] SMP", PANIC),
    (
        "general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1] SMP",
        PANIC,
    ),
    ("invalid opcode: 0000 [#1] SMP", PANIC),
    (
        "Oops: general protection fault, probably for non-canonical address 0xdead000000000108: 0000 [#1] PREEMPT SMP NOPTI",
        PANIC,
    ),
    ("Oops: general protection fault, kernel NULL pointer dereference 0x0: 0000 [#1] SMP", PANIC),
    ("control protection: 0000 [#1] SMP", PANIC),
    ("Reserved instruction in kernel code[#1]:", PANIC),
    ("Break instruction in kernel code[#1]:", PANIC),
    ("[1234568.104410] Kernel panic - not syncing: after two weeks", PANIC),
    ("[1234568.104410] words of a later kernel: 0000 [#1] SMP", PANIC),
    ("CPU halted.", PANIC),
    ("Entering gdb stub now.", PANIC),
    // Any.
    ("Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b", PANIC),
    ("[   12.3] Kernel panic - not syncing: softlockup: hung tasks", PANIC),
    ("Kernel panic - not syncing: hung_task: blocked tasks", PANIC),
    ("Kernel panic - not syncing: System is deadlocked on memory", PANIC),
    ("softdog: Initiating system reboot", WATCHDOG),
    // U-Boot.
    ("### ERROR ### Please RESET the board ###", PANIC),
    ("\"Synchronous Abort\" handler, esr 0x96000010, far 0x51000d8", PANIC),
    ("Resetting CPU ...", PANIC),
    // ESP-IDF.
    ("Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.", PANIC),
    ("Guru Meditation Error: Core  1 panic'ed (Interrupt wdt timeout on CPU1).", PANIC),
    (
        "Guru Meditation Error: Core  0 panic'ed (Cache disabled but cached memory region accessed).",
        PANIC,
    ),
    ("Guru Meditation Error: Core  0 panic'ed (Stack canary watchpoint triggered (venc)).", PANIC),
    (
        "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.",
        PANIC,
    ),
    ("abort() was called at PC 0x4200b730 on core 0", PANIC),
    ("assert failed: multi_heap_free multi_heap_poisoning.c:259 (head != NULL)", PANIC),
    ("assertion \"0 && \"no frame\"\" failed: file \"venc.c\", line 71, function: next", PANIC),
    ("***ERROR*** A stack overflow in task venc has been detected.", PANIC),
    ("Stack smashing protect failure!", PANIC),
    ("E (23337) task_wdt: Aborting.", WATCHDOG),
    ("Brownout detector was triggered", POWER),
    ("E BOD: Brownout detector was triggered", POWER),
    ("Panic handler entered multiple times. Abort panic handling. Rebooting ...", PANIC),
    ("Undefined behavior of type out_of_bounds", PANIC),
    ("assert failed: void camera::start(int) main.cpp:12 (ready)", PANIC),
    (
        "assertion \"0\" failed: file \"/home/build/project/components/camera/driver/private/source/sensor/venc_of_the_camera.c\", line 71, function: next",
        PANIC,
    ),
    // What runs below Linux.
    ("PANIC at PC : 0x0000000040012345", PANIC),
    ("PANIC in EL3.", PANIC),
    ("Unhandled Exception in EL3.", PANIC),
    ("E/TC:0 0 Panic at core/kernel/x.c:12 <foo>", PANIC),
    // `die()` with other words.
    ("[  105.1] Unhandled kernel unaligned access or invalid instruction[#1]:", PANIC),
    ("[  105.1] do_cpu invoked from kernel context![#1]:", PANIC),
    ("Integer overflow[#1]:", PANIC),
    ("[  105.1] int3: 0000 [#1] SMP PTI", PANIC),
    ("[  105.1] traps: PANIC: double fault, error_code: 0x0", PANIC),
    ("[  105.1] alignment check: 0000 [#1] SMP", PANIC),
    ("simd exception: 0000 [#1] SMP", PANIC),
    ("[  105.1] invalid TSS: 0000 [#1] SMP", PANIC),
    ("[  105.1][    T1] Bad pagetable: 0009 [#1] SMP", PANIC),
    ("[  105.1] BUG: TASK stack guard page was hit at 00000000a1b2 (stack is 00..)", PANIC),
    ("[  105.1] words of a later kernel: 0000 [#1] SMP", PANIC),
];

/// What a board says that goes on.
const LIVES: &[&str] = &[
    "E (15793) task_wdt: Task watchdog got triggered. The following tasks/users did not reset the watchdog in time:",
    "[  140.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [kworker/1:1:25]",
    "BUG: soft lockup - CPU#0 stuck for 23s! [venc:812]",
    "NMI watchdog: Watchdog detected hard LOCKUP on cpu 1",
    "INFO: task kworker/0:1:25 blocked for more than 120 seconds.",
    "INFO: rcu_sched self-detected stall on CPU",
    "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "venc invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0",
    "Out of memory: Kill process 812 (venc) score 512 or sacrifice child",
    "Out of memory: Killed process 812 (venc) total-vm:51200kB",
    "BUG: scheduling while atomic: venc/812/0x00000002",
    "WARNING: CPU: 0 PID: 812 at drivers/media/vin.c:99 vin_isr+0x10/0x20",
    "WARNING: at kernel/timer.c:601 init_timer_key+0x10/0x20()",
    "hwmon hwmon1: Undervoltage detected!",
    "watchdog: watchdog0: watchdog did not stop!",
    "CORRUPT HEAP: Bad tail at 0x3ffb5a14. Expected 0xbaad5678 got 0x00005678",
];

/// What a board says that is nothing to note.
const NOTHING: &[&str] = &[
    "Backtrace: 0x40377CEE:0x3FC9E1D0 0x40377241:0x3FC9E1F0",
    "Call Trace:",
    "[   10.0] ---[ end trace 0000000000000000 ]---",
    "panic=5 console=ttyS0",
    "I (500) wifi:state: init -> auth (b0)",
    "I (900) heap: at 3FCA0A30 len 000455D0 (277 KiB): RAM",
    "softdog: initialized. soft_noboot=0 soft_margin=60 sec",
    "I (200) cpu_start: Pro cpu up.",
    "I (210) int_wdt: enabled",
    // Applications that number things, and one that fails a test of its own.
    "I (500) media: track [#1]: opened",
    "venc: 0214 [#3]",
    "assert failed: retry",
    "camera: Oops, retry [#3]",
    "app: parse error: 1234 [#1] of 3",
    "modprobe: unable to handle kernel version 5.10",
    // No last words, though they have some in them.
    "[   99.1] imx335 1-001a: Power down.",
    "camera-app: ISP Power down.",
    "[   99.1] codec: System halted.",
    "[   99.0] reboot: Power down sequence ready",
    "wifi: Restarting system.",
    "supervisor: Restarting system with command timeout 5",
];

fn esp() -> ConsoleProfile {
    ConsoleProfile::new(pattern("esp> $"))
        .with_banner(pattern("ESP-ROM:esp32s3"))
        .with_style(CommandStyle::Plain)
}

fn ready(profile: ConsoleProfile) -> Bench {
    let mut bench = Bench::new(profile);
    bench.ask(Request::Ready(CommandId(0)));
    bench.hear(b"\r\nesp> ");
    bench.wait(S);
    assert_eq!(bench.console.state(), &State::Ready);
    bench.hear(b"\r\n");
    bench.all.clear();
    bench
}

fn type_keys(bench: &mut Bench, keys: &str) {
    for key in keys.bytes() {
        bench.ask(Request::Raw(vec![key]));
    }
}

fn deaths(bench: &Bench) -> Vec<&DeathCause> {
    let mut all = Vec::new();
    for output in &bench.all {
        if let ConsoleOutput::Changed(State::Dead(cause)) = output {
            all.push(cause);
        }
    }
    all
}

fn notes(bench: &Bench) -> Vec<Noted> {
    let note = |output: &ConsoleOutput| match output {
        ConsoleOutput::Noted(noted, _) => Some(*noted),
        _ => None,
    };
    bench.all.iter().filter_map(note).collect()
}

#[test]
fn what_each_system_says_when_it_dies_is_one_death() {
    for (said, kind) in DEATHS {
        let mut bench = ready(esp());
        bench.hear(format!("{said}\r\nBacktrace: 0x4:0x3\r\nRebooting...\r\n").as_bytes());
        bench.hear(b"ESP-ROM:esp32s3-20210327\r\nrst:0x7 (TG0WDT_SYS_RST),boot:0x28 (X)\r\n");
        bench.wait(10 * S);
        let all = deaths(&bench);
        let last = said.rsplit("\r\n").next().expect("a line").as_bytes().to_vec();
        assert_eq!(all, [&DeathCause::Said(*kind, last)], "{said}");
    }
}

#[test]
fn a_board_that_warns_goes_on_and_the_warning_is_noted() {
    for said in LIVES {
        let mut bench = ready(esp());
        bench.hear(format!("{said}\r\nesp> ").as_bytes());
        bench.wait(10 * S);
        assert_eq!(notes(&bench), [Noted::Warning], "{said}");
        assert_eq!(bench.console.state(), &State::Ready, "{said}");
    }
    for said in NOTHING {
        let mut bench = ready(esp());
        bench.hear(format!("{said}\r\n").as_bytes());
        bench.wait(10 * S);
        assert_eq!((notes(&bench), deaths(&bench)), (vec![], vec![]), "{said}");
    }
}

#[test]
fn warnings_without_end_are_noted_a_bounded_number_of_times() {
    let mut bench = ready(esp());
    for _ in 0..1_000 {
        bench.hear(b"BUG: soft lockup - CPU#0 stuck for 23s! [venc:812]\r\n");
    }
    assert_eq!(notes(&bench).len(), 32);
}

#[test]
fn the_reason_after_a_banner_is_waited_for_and_is_the_one_death() {
    for (reason, cause) in [
        ("rst:0x7 (TG0WDT_SYS_RST),boot:0x28 (X)", Some(WATCHDOG)),
        ("rst:0x9 (RTCWDT_SYS_RST),boot:0x28 (X)", Some(WATCHDOG)),
        ("Reset cause: WDOG", Some(WATCHDOG)),
        ("rst:0xf (RTCWDT_BROWN_OUT_RST),boot:0x28 (X)", Some(POWER)),
        ("rst:0xf (BROWNOUT_RST),boot:0x28 (X)", Some(POWER)),
        ("rst:0xc (RTC_SW_CPU_RST),boot:0x28 (X)", None),
        ("rst:0x1 (POWERON),boot:0x28 (X)", None),
    ] {
        let mut bench = ready(esp());
        bench.hear(b"ESP-ROM:esp32s3-20210327\r\n");
        assert_eq!(bench.console.state(), &State::Ready);
        bench.wait(S);
        bench.hear(format!("Build:Mar 27 2021\r\n{reason}\r\n").as_bytes());
        let said = reason.as_bytes().to_vec();
        let expected =
            cause.map_or(DeathCause::Reset(said.clone()), |kind| DeathCause::Said(kind, said));
        bench.wait(10 * S);
        assert_eq!(deaths(&bench), [&expected], "{reason}");
    }
    // One that tells none.
    let mut bench = ready(esp());
    bench.hear(b"ESP-ROM:esp32s3-20210327\r\n");
    bench.wait(10 * S);
    let banner = b"ESP-ROM:esp32s3-20210327".to_vec();
    assert_eq!(deaths(&bench), [&DeathCause::Reset(banner)]);
}

#[test]
fn the_reason_of_the_first_boot_is_of_an_earlier_run() {
    let mut bench = Bench::new(esp());
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"ESP-ROM:esp32s3-20210327\r\nrst:0x10 (RTCWDT_RTC_RST),boot:0x28 (X)\r\nesp> ");
    bench.wait(S);
    assert_eq!(bench.console.state(), &State::Ready);
    assert_eq!(notes(&bench), [Noted::ResetReason]);
}

#[test]
fn a_restart_that_was_typed_or_announced_is_no_death() {
    for (typed, said) in [
        ("reboot\r", ""),
        ("", "[   45.1] reboot: Restarting system\r\n"),
        ("", "Restarting system.\r\n"),
        ("restart\r", ""),
        ("", "The system is going down NOW!\r\nRequesting system reboot\r\n"),
    ] {
        // Many a Linux restarts by its watchdog, and U-Boot says so.
        for reason in ["POR", "WDOG"] {
            let mut bench = Bench::new(linux());
            bench.ready();
            type_keys(&mut bench, typed);
            bench.hear(said.as_bytes());
            bench.wait(5 * S);
            bench.hear(format!("U-Boot SPL 2024\r\nReset cause: {reason}\r\n").as_bytes());
            bench.wait(5 * S);
            assert_eq!(deaths(&bench), [] as [&DeathCause; 0], "{typed}{said}");
            assert!(notes(&bench).contains(&Noted::Restart), "{typed}{said}");
            assert_eq!(bench.console.state(), &State::Booting, "{typed}{said}");
        }
    }
    // ESP-IDF restarts by software: a watchdog there bit a shutdown that hung.
    for (reason, dies) in [
        ("0xc (RTC_SW_CPU_RST)", None),
        ("0x3 (SW_RESET)", None),
        ("0x7 (TG0WDT_SYS_RST)", Some(WATCHDOG)),
        ("0x10 (RTCWDT_RTC_RST)", Some(WATCHDOG)),
        ("0xf (BROWNOUT_RST)", Some(POWER)),
    ] {
        let mut bench = ready(esp());
        type_keys(&mut bench, "restart\r");
        bench.hear(b"restart\r\nI (5000) cmd_system: Restarting\r\n");
        let reason = format!("rst:{reason},boot:0x28 (X)");
        bench.hear(format!("ESP-ROM:esp32s3-20210327\r\n{reason}\r\n").as_bytes());
        bench.wait(5 * S);
        let cause = dies.map(|kind| DeathCause::Said(kind, reason.clone().into_bytes()));
        assert_eq!(deaths(&bench), cause.iter().collect::<Vec<_>>(), "{reason}");
        assert!(notes(&bench).contains(&Noted::Restart), "{reason}");
    }
    // An application's word is believed if software made the reset.
    for (reason, dies) in [("rst:0xc (RTC_SW_CPU_RST)", false), ("rst:0x7 (TG0WDT_SYS_RST)", true)]
    {
        let mut bench = ready(esp());
        bench.hear(b"I (5000) ota: done, restarting\r\n");
        bench.hear(format!("ESP-ROM:esp32s3-20210327\r\n{reason},boot:0x28 (X)\r\n").as_bytes());
        bench.wait(5 * S);
        assert_eq!(!deaths(&bench).is_empty(), dies, "{reason}");
    }
}

#[test]
fn a_stream_that_ends_with_a_restart_has_its_last_words() {
    for last in ["[   45.1] reboot: Restarting system", "[   45.1] reboot: Power down"] {
        let mut bench = Bench::new(linux());
        bench.ready();
        bench.ask(Request::Command { id: CommandId(3), text: "agent".into(), timeout_ns: None });
        bench.hear(format!("\r\n{last}\r\nU-Boot SPL 2024\r\n").as_bytes());
        bench.wait(5 * S);
        assert_eq!(deaths(&bench), [&DeathCause::Restarted(last.into())]);
    }
}

#[test]
fn banners_within_the_time_of_a_bounce_are_one_boot() {
    for banners in [2, 3] {
        let mut bench = Bench::new(esp());
        bench.input(ConsoleInput::Power(true));
        bench.ask(Request::Ready(CommandId(1)));
        for _ in 0..banners {
            bench.hear(b"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x28 (X)\r\n");
            bench.wait(S / 10);
        }
        bench.hear(b"I (1450) main_task: Calling app_main()\r\nesp> ");
        bench.wait(S);
        assert_eq!(bench.console.state(), &State::Ready, "{banners}");
        assert!(notes(&bench).contains(&Noted::Bounce));
    }
    // Later, or without end, or once a system ran, it is a loop.
    for (times, pause, between) in [(2, 3 * S, ""), (9, S / 10, ""), (2, S / 10, "[    0.1] x\r\n")]
    {
        let mut bench = Bench::new(esp());
        bench.input(ConsoleInput::Power(true));
        bench.ask(Request::Ready(CommandId(1)));
        for _ in 0..times {
            bench.hear(format!("ESP-ROM:esp32s3-20210327\r\n{between}").as_bytes());
            bench.wait(pause);
        }
        bench.wait(5 * S);
        assert!(
            matches!(deaths(&bench)[..], [DeathCause::BootLoop(_)]),
            "{times} {pause} {between}"
        );
    }
}

#[test]
fn a_boot_that_its_supply_ends_is_a_matter_of_power() {
    let mut bench = Bench::new(esp());
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    for _ in 0..4 {
        bench.hear(b"ESP-ROM:esp32s3-20210327\r\nrst:0x1 (POWERON),boot:0x28 (X)\r\n");
        bench.wait(S / 2);
        bench.hear(b"\r\nBrownout detector was triggered\r\n\r\n");
    }
    bench.wait(5 * S);
    assert!(matches!(deaths(&bench)[..], [DeathCause::Said(DeathKind::Power, _)]));
}

/// Cut by a log line at each byte, with each line end, coloured or not.
#[test]
fn a_death_that_a_log_line_is_written_into_is_seen() {
    let logs = [
        ("", "[   45.200000] usb 1-1: new device", ""),
        ("", "I (45200) wifi:bcn_timeout", ""),
        ("\x1b[0;32m", "I (45200) net80211: x", "\x1b[0m"),
    ];
    for (said, kind) in [
        ("[   45.100000] Kernel panic - not syncing: Fatal exception", PANIC),
        ("***ERROR*** A stack overflow in task venc has been detected.", PANIC),
        ("Brownout detector was triggered", POWER),
    ] {
        for (cut, (before, log, after)) in
            (0..said.len()).flat_map(|cut| logs.map(|log| (cut, log)))
        {
            for end in ["\r\n", "\n", "\r\r\n"] {
                let (head, tail) = said.split_at(cut);
                let mut bench = ready(esp());
                let text = format!("{head}{before}{log}{after}{end}{tail}{end}");
                for byte in text.bytes() {
                    bench.hear(&[byte]);
                }
                bench.wait(10 * S);
                let [DeathCause::Said(of, _)] = deaths(&bench)[..] else {
                    panic!("{cut}: {text:?}")
                };
                assert_eq!(of, &kind, "{cut}: {text:?}");
            }
        }
    }
}

#[test]
fn a_reset_by_software_is_what_was_said_before_it() {
    const SOFTWARE: &str = "rst:0xc (RTC_SW_CPU_RST)";
    let panic = |line: &str| Some(DeathCause::Said(PANIC, line.into()));
    let reset = || Some(DeathCause::Reset(format!("{SOFTWARE},boot:0x28 (X)").into_bytes()));
    for (said, cause) in [
        (
            "Backtrace: 0x40375b7e:0x3fc98a90\r\n\r\nRebooting...",
            panic("Backtrace: 0x40375b7e:0x3fc98a90"),
        ),
        (
            "Guru Med tation Error: x\r\nCore  0 register dump:\r\nRebooting...",
            panic("Core  0 register dump:"),
        ),
        ("ELF file SHA256: abc", panic("ELF file SHA256: abc")),
        ("Rebooting...", panic("Rebooting...")),
        ("I (9) wifi: connection lost, restarting scan", reset()),
        ("E (9) esp_netif: something, restart needed", reset()),
        ("I (9) app: rebooted 3 times", reset()),
        ("I (9) wifi: restarting", reset()),
        ("W (9) wifi: connection lost, restarting", reset()),
        ("E (9) cam: frame lost, restarting camera", reset()),
        ("I (9) modem: rebooting", reset()),
        ("wifi: restarting", reset()),
        ("I (9) app: last time it was restarting the system at noon", reset()),
        ("I (9) wifi: cannot go on, restarting the system", None),
        ("I (9) cmd_system: Restarting", None),
        // The backtrace is a warning's, unless it comes last.
        ("Backtrace: 0x42:0x3f\r\nI (5100) app: fps 10\r\nI (7100) app: Restarting now.", None),
        ("I (7100) app: Restarting now.\r\nBacktrace: 0x42:0x3f", panic("Backtrace: 0x42:0x3f")),
        ("I (9) simple_ota_example: Prepare to restart system!", None),
        ("Restarting in 3 seconds...", None),
        ("E (9) app: camera lost, restarting in 3 s", None),
        ("I (9) ota: OTA Succeed, Rebooting...", None),
        ("Restarting now.", None),
    ] {
        let mut bench = ready(esp());
        bench.hear(format!("{said}\r\n").as_bytes());
        bench.hear(format!("ESP-ROM:esp32s3-20210327\r\n{SOFTWARE},boot:0x28 (X)\r\n").as_bytes());
        bench.wait(5 * S);
        assert_eq!(deaths(&bench), cause.iter().collect::<Vec<_>>(), "{said}");
    }
}

#[test]
fn the_rom_s_watchdog_and_brown_out_are_believed_before_what_was_said() {
    for (reason, kind) in [("0x7 (TG0WDT_SYS_RST)", WATCHDOG), ("0xf (BROWNOUT_RST)", POWER)] {
        let bus = "W (9) i2c: bus stuck, resetting ...";
        let down = "The system is going down NOW!";
        // Many a restart in good order ends in a watchdog.
        let all = if kind == POWER { vec![bus, down] } else { vec![bus, "I (9) app: restarting"] };
        for said in all {
            let mut bench = ready(esp());
            let line = format!("rst:{reason},boot:0x28 (X)");
            bench.hear(format!("{said}\r\nESP-ROM:esp32s3\r\n{line}\r\n").as_bytes());
            bench.wait(5 * S);
            assert_eq!(deaths(&bench), [&DeathCause::Said(kind, line.into_bytes())], "{said}");
        }
    }
    // Its host's reset is none.
    let mut bench = ready(esp());
    bench.hear(b"ESP-ROM:esp32s3\r\nrst:0x15 (USB_UART_CHIP_RESET),boot:0x8 (X)\r\n");
    bench.wait(5 * S);
    assert_eq!(deaths(&bench), Vec::<&DeathCause>::new());
}

#[test]
fn words_that_announce_no_restart_excuse_no_reset() {
    for said in [
        "ntpd: Restarting system clock.",
        "systemd-shutdown-helper enabled",
        "cron: mail: The system is going down at 03:00 for update, see wiki",
        "[  OK  ] Reached target Prepare for Reboot Watchdog.",
        "[   99.1] usb 1-1: device descriptor read error, resetting ...",
        "syslogd: Restarting system",
    ] {
        let mut bench = Bench::new(linux());
        bench.ready();
        bench.hear(format!("\r\n{said}\r\nU-Boot SPL 2024\r\n").as_bytes());
        bench.wait(5 * S);
        assert!(matches!(deaths(&bench)[..], [DeathCause::Reset(_)]), "{said}");
    }
    // A supply that failed just before is what it died of.
    let mut bench = Bench::new(linux());
    bench.ready();
    let said = "[  140.1] hwmon hwmon1: Undervoltage detected!";
    bench.hear(format!("\r\n{said}\r\nU-Boot SPL 2024\r\n").as_bytes());
    bench.wait(5 * S);
    assert_eq!(deaths(&bench), [&DeathCause::Said(POWER, said.into())]);
}

#[test]
fn restarts_by_software_without_end_are_a_loop() {
    let mut bench = Bench::new(esp());
    bench.input(ConsoleInput::Power(true));
    bench.ask(Request::Ready(CommandId(1)));
    bench.hear(b"ESP-ROM:esp32s3\r\nrst:0x1 (POWERON),boot:0x28 (X)\r\n");
    for _ in 0..5 {
        bench.wait(3 * S);
        bench.hear(b"E (900) cam: sensor not found, restarting\r\n");
        bench.hear(b"ESP-ROM:esp32s3\r\nrst:0xc (RTC_SW_CPU_RST),boot:0x28 (X)\r\n");
    }
    bench.wait(5 * S);
    assert!(matches!(deaths(&bench)[..], [DeathCause::BootLoop(_)]));
}
