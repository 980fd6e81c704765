//! Log lines that every board of a system prints alike: crashes, warnings, restarts, reset reasons.
//!
//! Written after the sources that print them: Linux 3.x to 6.x (`kernel/panic.c`, `kernel/reboot.c`,
//! `kernel/watchdog.c`, `kernel/hung_task.c`, `kernel/rcu/`, `mm/oom_kill.c`, `die()` of MIPS, Arm, Arm64
//! and x86), U-Boot (`lib/panic.c`, `lib/hang.c`, exceptions of Arm), ESP-IDF (its panic handler, FreeRTOS
//! hooks, task watchdog, brown-out detector, and the ROM's reset reasons).

use crate::{
    Pattern,
    lines::Line,
    starts::{IDF_LOG, KERNEL_LOG},
};
use std::sync::LazyLock;

/// Of what a board dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeathKind {
    /// Its system or firmware gave up.
    Panic,
    /// A watchdog reset it, or is about to.
    Watchdog,
    /// Its supply voltage fell too low.
    Power,
}

/// Lines after which the board does not work any more, by themselves. A watchdog that only warns is none.
/// Each is found only where a message begins ([`crate::starts`]): further on in a line it is quoted.
pub(crate) const DEATHS: &[(&str, DeathKind)] = &[
    // Linux.
    (r"(---\[ end )?Kernel panic - not syncing", DeathKind::Panic),
    (
        r"(BUG: |CPU \d{1,4} )?[Uu]nable to handle (page fault for address|kernel (NULL pointer|paging request|access to|exec|read from|write to))",
        DeathKind::Panic,
    ),
    (r"BUG: kernel NULL pointer dereference", DeathKind::Panic),
    (r"kernel BUG at ", DeathKind::Panic),
    // `die()`: `Internal error: Oops: 17 [#1] SMP ARM`, `invalid opcode: 0000 [#1]`, `Oops[#1]:` (MIPS).
    (r"Internal error: .{0,80}\[#\d{1,4}\]", DeathKind::Panic),
    (r"Oops((:| -) .{0,160})?\[#\d{1,4}\]", DeathKind::Panic),
    (
        r"(general protection fault|control protection|invalid opcode|int3|divide error|segment|stack segment|bounds|alignment check|simd exception|fpu exception|invalid TSS|Bad pagetable|Bad address).{0,80}: [0-9a-f]{4} \[#\d{1,4}\]",
        DeathKind::Panic,
    ),
    (
        r"(Kernel (BUG|bug detected)|Unhandled kernel unaligned|(Reserved|Break|Trap) instruction|do_cpu invoked|Integer overflow).{0,60}\[#\d{1,4}\]",
        DeathKind::Panic,
    ),
    // Whatever `die()` is given, behind the kernel's time.
    (
        r"\[ {0,5}\d{1,10}\.\d{1,9}\](\[ {0,5}[TC]\d{1,7}\])? [^\[]{1,120}(: [0-9a-f]{4} \[#\d{1,4}\]|\[#\d{1,4}\]:$)",
        DeathKind::Panic,
    ),
    (r"(traps: )?PANIC: double fault", DeathKind::Panic),
    (r"BUG: (TASK |IRQ )?stack guard page was hit at", DeathKind::Panic),
    (r"([Ss]oft[Dd]og: )Initiating system reboot", DeathKind::Watchdog),
    // What runs below Linux on Arm64: TF-A and OP-TEE.
    (r"PANIC at PC ?: 0x", DeathKind::Panic),
    (r"(PANIC|Unhandled Exception) in EL3", DeathKind::Panic),
    (r"E/TC:.{0,20} Panic ('.{0,80}' )?at ", DeathKind::Panic),
    // U-Boot.
    (r"### ERROR ### Please RESET the board ###", DeathKind::Panic),
    (r#""(Synchronous Abort|Error)" handler, esr 0x"#, DeathKind::Panic),
    (r"Resetting CPU \.\.\.", DeathKind::Panic),
    // ESP-IDF. The interrupt watchdog, a cache error and a stack's canary are `Guru Meditation`.
    (r"Guru Meditation Error", DeathKind::Panic),
    (r"abort\(\) was called at PC", DeathKind::Panic),
    (r"assert failed: .{1,180}\.[chS][a-z+]{0,2}:\d{1,5} ", DeathKind::Panic),
    (r#"assertion ".{1,180}" failed: file ""#, DeathKind::Panic),
    (r"Panic handler entered multiple times", DeathKind::Panic),
    // The panic handler's end where it is to halt, or to wait for a debugger.
    (r"CPU halted\. {0,4}$", DeathKind::Panic),
    (r"Entering gdb stub now\.", DeathKind::Panic),
    (r"Undefined behavior of type ", DeathKind::Panic),
    (r"\*\*\*ERROR\*\*\* A stack overflow in task", DeathKind::Panic),
    (r"Stack smashing protect failure!", DeathKind::Panic),
    // Rust on it: `esp-backtrace`.
    (r"={5,40} PANIC ={5,40}", DeathKind::Panic),
    (r"!! A panic occured in '", DeathKind::Panic),
    (r"task_wdt: Aborting\.", DeathKind::Watchdog),
    (r"(E BOD: )?Brownout detector was triggered", DeathKind::Power),
];

/// Lines that warn: the board goes on. If it does not, a line of [`DEATHS`] or a reset follows.
pub(crate) const WARNINGS: &[&str] = &[
    r"BUG: soft lockup - CPU#",
    r"[Hh]ard LOCKUP on cpu",
    r"blocked for more than \d{1,6} seconds",
    r"rcu.{0,40}(self-detected stall|detected (expedited )?stalls?) on ",
    r"invoked oom-killer",
    r"[Oo]ut of memory: [Kk]ill",
    r"BUG: (scheduling while atomic|sleeping function called|workqueue lockup|spinlock|KASAN|KFENCE)",
    r"BUG: (Bad page|Bad rss-counter|non-zero pgtables)",
    r"WARNING: (CPU: \d|at )",
    r"page allocation failure",
    r"watchdog did not stop!",
    r"[Uu]nder-?voltage detected",
    r"Task watchdog got triggered",
    r"CORRUPT HEAP: ",
];

/// Kernel's last words before it restarts or powers down: after them it is over. They are a whole message.
pub(crate) const RESTARTS: &[&str] = &[
    r"(reboot: )?Restarting system( with command '.{0,80}'|\.)? {0,4}$",
    r"reboot: (Power down|System halted)\.? {0,4}$",
    r"(Power down|System halted)\. {0,4}$",
    r"(kexec(_core)?: )?Starting new kernel {0,4}$",
];

/// Words of a system that is about to restart, as a whole message of its form: busybox and System V init,
/// systemd, OpenWrt, the kernel's SysRq, U-Boot's `reset`.
const ANNOUNCEMENTS: &[&str] = &[
    r"The system is going down (NOW|for (reboot|halt|power-?off|system halt))",
    r"The system will (reboot|power off|halt) now",
    r"Requesting system (reboot|poweroff|halt) {0,4}$",
    r"INIT: Switching to runlevel: [06] {0,4}$",
    r"procd: - shutdown - {0,4}$",
    r"(sysrq: )?SysRq ?: (Resetting|Power Off) {0,4}$",
    r"sysrq: (Resetting|Power Off) {0,4}$",
    r"(\[ {1,3}OK {1,3}\] |systemd\[1\]: )Reached target ([a-z-]{1,20}\.target - )?(System )?([Rr]eboot|[Pp]ower[ -]?[Oo]ff|[Ss]hutdown|[Hh]alt)\.? {0,4}$",
    r"systemd\[1\]: (Rebooting|Powering off|Shutting down|Halting)\. {0,4}$",
    r"systemd-shutdown\[1\]: ",
    r"resetting \.\.\. {0,4}$",
];

/// What an application may call what restarts, where it is the whole board.
const RESTARTING: &str = "([Rr]estarting|[Rr]ebooting)";
/// When it does, and the end of the line.
const RESTARTS_SOON: &str = r"( now| in \d{1,5} ?[a-z]{0,12})?[ .!]{0,6}$";
/// Words of an application that may be about to restart, and the object or the speaker that they need before
/// [`RESTARTS_SOON`]: believed if the reset was made by software. `wifi: restarting` is Wi-Fi's.
const CLAIMS: &[&str] = &[
    // The board is what restarts: said by anyone.
    r"(^|[:,.!;] )RESTARTING (the )?(system|device|board|chip|ESP32|esp32)SOON",
    // The application says it of itself, as the whole message or its end.
    r"^([EWIDV] \([0-9:.]{1,12}\) (app|app_main|main|main_task|system|cmd_system|cmd_system_common|[a-z_]{0,12}ota[a-z_]{0,12}): (.{0,80}[,.!;] )?)?RESTARTINGSOON",
    r"Prepare to (restart|reboot) system",
    r"\besp_restart(\(\))?[ .!]{0,6}$",
];

/// What ESP-IDF's panic handler prints, and the task watchdog's warning in part: a panic if a reset by
/// software follows.
const PANICS: &[&str] = &[
    r"Backtrace: ?0x",
    r"Core {1,2}\d register dump:",
    r"ELF file SHA256: ",
    r"Rebooting ?\.\.\. {0,4}$",
];

/// A supply that fails: what a reset was by that nothing else names.
const SUPPLIES: &[&str] = &[r"[Uu]nder-?voltage detected"];

/// The form of Espressif's ROM: it stands at the beginning of each boot, and nowhere else.
const ROM_REASON: &str = r"rst:0x[0-9a-f]{1,2} \([A-Z0-9_]{1,40}\)";
/// Why the last reset was, as the next boot of another system tells it.
const REASON: &str = r"[Rr]eset (cause|reason|status|source) ?[:=] {0,4}\(?[A-Za-z0-9_ ,-]{1,40}";

/// What shows that a system runs, and no boot loader any more.
const SYSTEMS: &[&str] = &[
    KERNEL_LOG,
    r"Linux version \d",
    r"Starting kernel \.\.\.",
    r"Freeing (unused|init) ",
    r"init started: ",
    r"INIT: (version|Entering)",
    r"systemd\[1\]",
];

/// What asks for a password, whatever the profile says of it.
const PASSWORDS: &[&str] = &[r"[Pp]ass(word|phrase|wd|code)[^:]{0,40}: {0,2}$"];

/// Patterns, read once.
pub(crate) struct Signs {
    pub(crate) deaths: Vec<(Pattern, DeathKind)>,
    pub(crate) warnings: Vec<Pattern>,
    pub(crate) restarts: Vec<Pattern>,
    announcements: Vec<Pattern>,
    claims: Vec<Pattern>,
    panics: Vec<Pattern>,
    supplies: Vec<Pattern>,
    pub(crate) reasons: Vec<Pattern>,
    systems: Vec<Pattern>,
    logs: Vec<Pattern>,
    passwords: Vec<Pattern>,
}

pub(crate) static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    // They are sound: a test reads each.
    let all = |texts: &[&str]| texts.iter().filter_map(|text| Pattern::new(text).ok()).collect();
    let begin = |texts: &[&str]| -> Vec<Pattern> {
        texts.iter().filter_map(|text| Pattern::message(text).ok()).collect()
    };
    let deaths =
        DEATHS.iter().filter_map(|(text, kind)| Some((Pattern::message(text).ok()?, *kind)));
    let claims = CLAIMS
        .iter()
        .map(|text| text.replace("RESTARTING", RESTARTING).replace("SOON", RESTARTS_SOON));
    let reasons = [Pattern::message(ROM_REASON), Pattern::new(REASON)];
    Signs {
        deaths: deaths.collect(),
        warnings: all(WARNINGS),
        restarts: begin(RESTARTS),
        announcements: begin(ANNOUNCEMENTS),
        claims: claims.filter_map(|text| Pattern::new(&text).ok()).collect(),
        panics: begin(PANICS),
        supplies: all(SUPPLIES),
        reasons: reasons.into_iter().filter_map(Result::ok).collect(),
        systems: all(SYSTEMS),
        logs: all(&[KERNEL_LOG, IDF_LOG]),
        passwords: all(PASSWORDS),
    }
});

/// The sign of a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Restart {
    /// The kernel's last words.
    Certain,
    /// The system's.
    Announced,
    /// An application's.
    Claimed,
    /// None: a panic handler's.
    Panic,
    /// None: the supply fails.
    Supply,
}

/// What a reset reason names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ResetReason {
    Watchdog,
    Power,
    Software,
    /// It slept, and woke up.
    Sleep,
    /// Its host's: over USB, by the lines of a serial port.
    Host,
    Other,
}

impl Signs {
    /// The warning in a line.
    pub(crate) fn warns(&self, line: &Line) -> bool {
        self.warnings.iter().any(|pattern| pattern.is_new_in(line))
    }

    /// The restart that a line tells of.
    pub(crate) fn restart(&self, line: &Line) -> Option<Restart> {
        let kinds = [
            (&self.restarts, Restart::Certain),
            (&self.announcements, Restart::Announced),
            (&self.panics, Restart::Panic),
            (&self.claims, Restart::Claimed),
            (&self.supplies, Restart::Supply),
        ];
        let is_in = |patterns: &[Pattern]| patterns.iter().any(|one| one.is_new_in(line));
        kinds.into_iter().find(|(patterns, _)| is_in(patterns)).map(|(_, kind)| kind)
    }

    /// The reset reason in a line, and whether the ROM told it.
    pub(crate) fn reason(&self, line: &Line) -> Option<(ResetReason, bool)> {
        let place = self.reasons.iter().position(|one| one.is_new_in(line))?;
        let text = self.reasons.get(place)?.find_new_in(line)?;
        let text = String::from_utf8_lossy(text).to_ascii_uppercase();
        // What stands before is `rst:` or `reset cause`.
        let name = text.split_once(['(', ':', '=']).map_or(text.as_str(), |(_, name)| name);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let reason = if has(&["BROWN", "BOD", "GLITCH", "UNDERVOLT", "UNDER-VOLT", "UNDER VOLT"]) {
            ResetReason::Power
        } else if has(&["WDT", "WDOG", "WATCHDOG", "WATCH DOG"]) {
            ResetReason::Watchdog
        } else if has(&["USB_", "JTAG"]) {
            ResetReason::Host
        } else if has(&["SLEEP"]) {
            ResetReason::Sleep
        } else if has(&["SW_", "SW ", "_SW", "SOFT", "(SW"]) {
            ResetReason::Software
        } else {
            ResetReason::Other
        };
        Some((reason, place == 0))
    }

    /// Where a line of a log begins in this one, from its byte `from` on.
    pub(crate) fn log_in(&self, line: &[u8], from: usize) -> Option<usize> {
        let rest = line.get(from..)?;
        self.logs.iter().filter_map(|pattern| pattern.start_in(rest)).min().map(|at| from + at)
    }

    /// Whether a line shows that a system runs. ESP-IDF's own boot loader logs as `boot`.
    pub(crate) fn is_of_a_system(&self, line: &[u8]) -> bool {
        let idf = self.logs.last().and_then(|pattern| pattern.end_in(line));
        let application = idf.and_then(|end| line.get(end..)).is_some_and(|tag| {
            !["boot", "esp_image", "qio_mode"].iter().any(|own| tag.starts_with(own.as_bytes()))
        });
        application || self.systems.iter().any(|pattern| pattern.is_in(line))
    }

    /// Whether a text ends with what asks for a password.
    pub(crate) fn asks_for_password(&self, text: &[u8]) -> bool {
        self.passwords.iter().any(|pattern| pattern.is_in(text))
    }
}

/// Whether who types this wants a restart, or the power off: by the first word of each command.
pub(crate) fn wants_restart(typed: &str) -> bool {
    let plain: String = typed.chars().filter(|letter| !"'\"(){}".contains(*letter)).collect();
    plain.split([';', '|', '&', '\n']).any(|command| command_restarts(command, typed))
}

fn command_restarts(command: &str, typed: &str) -> bool {
    const BEFORE: [&str; 12] = [
        "sudo", "nohup", "exec", "sh", "bash", "ash", "su", "root", "busybox", "time", "then", "do",
    ];
    // `echo b > /proc/sysrq-trigger`
    if command.split_once('>').is_some_and(|(_, file)| file.trim() == "/proc/sysrq-trigger") {
        return true;
    }
    let name = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let words = command.split_whitespace();
    let mut words = words.skip_while(|word| {
        BEFORE.contains(&name(word).as_str()) || word.starts_with('-') || word.contains('=')
    });
    let first = words.next().map(name).unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    match first.as_str() {
        "reboot" | "poweroff" | "halt" | "shutdown" | "sysupgrade" | "kexec" => true,
        "init" | "telinit" => matches!(rest[..], ["0" | "6"]),
        "systemctl" => {
            let verb = rest.iter().find(|word| !word.starts_with('-'));
            verb.is_some_and(|verb| matches!(*verb, "reboot" | "poweroff" | "halt" | "kexec"))
        }
        "kill" => rest.last() == Some(&"1"),
        // Of a command line without a shell; as part of a line they are something else.
        "restart" | "reset" => rest.is_empty() && typed.trim() == first,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_sound() {
        let signs = &*SIGNS;
        assert_eq!(signs.deaths.len(), DEATHS.len());
        let of = |patterns: &[Pattern], texts: &[&str]| assert_eq!(patterns.len(), texts.len());
        of(&signs.warnings, WARNINGS);
        of(&signs.restarts, RESTARTS);
        of(&signs.announcements, ANNOUNCEMENTS);
        of(&signs.claims, CLAIMS);
        of(&signs.panics, PANICS);
        of(&signs.supplies, SUPPLIES);
        assert_eq!(signs.reasons.len(), 2);
        of(&signs.systems, SYSTEMS);
        of(&signs.passwords, PASSWORDS);
        assert_eq!(signs.logs.len(), 2);
    }

    #[test]
    fn reset_reasons_of_each_chip_are_told_apart() {
        for (line, reason) in [
            ("rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Other),
            ("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Other),
            ("rst:0x3 (SW_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Software),
            ("rst:0x3 (LP_SW_HPSYS),boot:0x1e (SPI_FAST_FLASH_BOOT)", ResetReason::Software),
            ("rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Software),
            ("rst:0xc (RTC_SW_CPU_RST),boot:0x28 (SPI_FAST_FLASH_BOOT)", ResetReason::Software),
            ("rst:0xc (SW_CPU),boot:0x7f (SPI_FAST_FLASH_BOOT)", ResetReason::Software),
            ("rst:0x5 (DEEPSLEEP_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Sleep),
            ("rst:0x5 (DSLEEP),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Sleep),
            ("rst:0x4 (OWDT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Watchdog),
            ("rst:0x7 (TG0WDT_SYS_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", ResetReason::Watchdog),
            ("rst:0x7 (TG0_WDT_HPSYS),boot:0x18 (SPI_FAST_FLASH_BOOT)", ResetReason::Watchdog),
            (
                "rst:0x7 (HP_SYS_HP_WDT_RESET),boot:0x30f (SPI_FAST_FLASH_BOOT)",
                ResetReason::Watchdog,
            ),
            ("rst:0x10 (RTCWDT_RTC_RST),boot:0x2b (SPI_FAST_FLASH_BOOT)", ResetReason::Watchdog),
            ("rst:0x12 (SUPER_WDT_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Watchdog),
            (
                "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)",
                ResetReason::Power,
            ),
            ("rst:0xf (BROWNOUT_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Power),
            ("rst:0x17 (POWER_GLITCH_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Power),
            ("rst:0x15 (USB_UART_CHIP_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", ResetReason::Host),
            ("Reset cause: POR", ResetReason::Other),
            ("Reset cause: WDOG", ResetReason::Watchdog),
            ("CPU: reset reason: watchdog", ResetReason::Watchdog),
        ] {
            let found = SIGNS.reason(&Line::new(line.into(), 0)).map(|(reason, _)| reason);
            assert_eq!(found, Some(reason), "{line}");
        }
        for line in
            ["I (5) wdt: reset the counter", "I (5) app: last boot rst:0x7 (TG0WDT_SYS_RST)"]
        {
            assert_eq!(SIGNS.reason(&Line::new(line.into(), 0)), None);
        }
    }

    #[test]
    fn who_types_a_restart_wants_one() {
        for typed in
            ["reboot", "sudo reboot", "sync; reboot -f", "/sbin/poweroff", "restart", "reset"]
                .into_iter()
                .chain(["(sleep 1; reboot)&", "sh -c 'reboot -f'", "sudo init 6", "/sbin/init 6"])
                .chain(["kill -TERM 1", "systemctl --force reboot", "echo b > /proc/sysrq-trigger"])
        {
            assert!(wants_restart(typed), "{typed}");
        }
        for typed in ["", "systemctl restart camera", "cat reboot.log", "echo rebooted", "start"]
            .into_iter()
            .chain(["dmesg | grep reboot", "cat /var/log/reboot", "which reboot", "last reboot"])
            .chain(["grep -r halt /etc/init.d", "echo 1 > /sys/kernel/reboot/mode", "kill 412"])
        {
            assert!(!wants_restart(typed), "{typed}");
        }
    }

    #[test]
    fn a_system_is_told_from_its_boot_loader() {
        let of = |line: &str| SIGNS.is_of_a_system(line.as_bytes());
        assert!(
            of("[    0.000000] Linux version 6.6.36")
                && of("I (1450) main_task: Calling app_main()")
        );
        assert!(of("Starting kernel ...") && of("init started: BusyBox v1.31"));
        assert!(!of("U-Boot SPL 2013.07") && !of("Hit any key to stop autoboot:  0"));
        assert!(
            !of("I (27) boot: ESP-IDF v5.4.1 2nd stage bootloader") && !of("## Booting kernel")
        );
    }
}
