//! Log lines that every board of a system prints alike: crashes, warnings, restarts, reset reasons.
//!
//! Written after the sources that print them: Linux 3.x to 6.x (`kernel/panic.c`, `kernel/reboot.c`,
//! `kernel/watchdog.c`, `kernel/hung_task.c`, `kernel/rcu/`, `mm/oom_kill.c`, `die()` of MIPS, Arm, Arm64
//! and x86), U-Boot (`lib/panic.c`, `lib/hang.c`, exceptions of Arm), ESP-IDF (its panic handler, FreeRTOS
//! hooks, task watchdog, brown-out detector, and the ROM's reset reasons).

use crate::{DeathKind, Pattern};
use std::sync::LazyLock;

/// Lines after which the board does not work any more, by themselves. A watchdog that only warns is none.
pub(crate) const DEATHS: &[(&str, DeathKind)] = &[
    // Linux.
    (r"Kernel panic - not syncing", DeathKind::Panic),
    (r"[Uu]nable to handle (kernel|page fault for address)", DeathKind::Panic),
    (r"BUG: kernel NULL pointer dereference", DeathKind::Panic),
    (r"kernel BUG at ", DeathKind::Panic),
    // `die()`: `Internal error: Oops: 17 [#1] SMP ARM`, `invalid opcode: 0000 [#1]`, `Oops[#1]:` (MIPS).
    (r"Internal error: .{0,80}\[#\d{1,4}\]", DeathKind::Panic),
    (r"Oops.{0,80}\[#\d{1,4}\]", DeathKind::Panic),
    (
        r"(fault|opcode|error|segment|bounds|address 0x[0-9a-f]{1,16}|\)): [0-9a-f]{4} \[#\d{1,4}\]",
        DeathKind::Panic,
    ),
    (
        r"(Kernel (BUG|bug detected)|unaligned (instruction )?access|kernel code) ?\[#\d{1,4}\]",
        DeathKind::Panic,
    ),
    (r"softdog: Initiating system reboot", DeathKind::Watchdog),
    // U-Boot.
    (r"### ERROR ### Please RESET the board ###", DeathKind::Panic),
    (r#""(Synchronous Abort|Error)" handler, esr 0x"#, DeathKind::Panic),
    (r"Resetting CPU \.\.\.", DeathKind::Panic),
    // ESP-IDF. The interrupt watchdog, a cache error and a stack's canary are `Guru Meditation`.
    (r"Guru Meditation Error", DeathKind::Panic),
    (r"abort\(\) was called at PC", DeathKind::Panic),
    (r"assert failed: [^ ]{1,100} [^ ]{1,80}:\d{1,5} ", DeathKind::Panic),
    (r#"assertion ".{1,120}" failed: file ".{1,80}", line \d"#, DeathKind::Panic),
    (r"\*\*\*ERROR\*\*\* A stack overflow in task", DeathKind::Panic),
    (r"Stack smashing protect failure!", DeathKind::Panic),
    (r"={5,40} PANIC ={5,40}", DeathKind::Panic),
    (r"task_wdt: Aborting\.", DeathKind::Watchdog),
    (r"Brownout detector was triggered", DeathKind::Power),
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

/// Kernel's last words before it restarts or powers down: after them it is over.
pub(crate) const RESTARTS: &[&str] = &[
    r"Restarting system( with command|\.|$)",
    r"reboot: (Power down|System halted)",
    r"(Power down|System halted)\.$",
];

/// Words of a system that is about to restart.
const ANNOUNCEMENTS: &[&str] = &[
    r"The system is going down",
    r"Requesting system (reboot|poweroff|halt)",
    r"[Ss]ys[Rr]q ?: (Resetting|Power Off)",
    r"Reached target .{0,30}([Rr]eboot|[Pp]ower-?[Oo]ff|[Ss]hutdown|[Hh]alt)",
    r"systemd-shutdown",
    // U-Boot's `reset`.
    r"resetting \.\.\.",
];

/// Words of an application that may be about to restart: believed if the reset was made by software.
const CLAIMS: &[&str] = &[r"\b([Rr]estart|[Rr]eboot)(ing)?\b", r"esp_restart"];

/// Why the last reset was, as the next boot tells it.
const REASONS: &[&str] =
    &[ROM_REASON, r"[Rr]eset (cause|reason|status|source) ?[:=] {0,4}\(?[A-Za-z0-9_ ,-]{1,40}"];
/// The form of Espressif's ROM: it stands at the beginning of each boot, and nowhere else.
const ROM_REASON: &str = r"rst:0x[0-9a-f]{1,2} \([A-Z0-9_]{1,40}\)";

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
/// How a line of a kernel's log begins.
const KERNEL_LOG: &str = r"(<\d>)?\[ {0,5}\d{1,6}\.\d{1,9}\](\[ {0,5}[TC]\d{1,6}\])? ";
/// How a line of ESP-IDF's log begins.
const IDF_LOG: &str = r"[EWIDV] \((\d{1,10}|\d\d:\d\d:\d\d\.\d{3})\) ";

/// What asks for a password, whatever the profile says of it.
const PASSWORDS: &[&str] = &[r"[Pp]ass(word|phrase|wd|code)[^:]{0,40}: {0,2}$"];

/// Patterns, read once.
pub(crate) struct Signs {
    pub(crate) deaths: Vec<(Pattern, DeathKind)>,
    pub(crate) warnings: Vec<Pattern>,
    pub(crate) restarts: Vec<Pattern>,
    announcements: Vec<Pattern>,
    claims: Vec<Pattern>,
    pub(crate) reasons: Vec<Pattern>,
    systems: Vec<Pattern>,
    logs: Vec<Pattern>,
    passwords: Vec<Pattern>,
}

pub(crate) static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    // They are sound: a test reads each.
    let all = |texts: &[&str]| texts.iter().filter_map(|text| Pattern::new(text).ok()).collect();
    let deaths = DEATHS.iter().filter_map(|(text, kind)| Some((Pattern::new(text).ok()?, *kind)));
    Signs {
        deaths: deaths.collect(),
        warnings: all(WARNINGS),
        restarts: all(RESTARTS),
        announcements: all(ANNOUNCEMENTS),
        claims: all(CLAIMS),
        reasons: all(REASONS),
        systems: all(SYSTEMS),
        logs: all(&[KERNEL_LOG, IDF_LOG]),
        passwords: all(PASSWORDS),
    }
});

/// What a restart was told by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Restart {
    /// The kernel's last words.
    Certain,
    /// The system's.
    Announced,
    /// An application's.
    Claimed,
}

/// What a reset reason names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reason {
    Watchdog,
    Power,
    Software,
    /// It slept, and woke up.
    Sleep,
    Other,
}

impl Signs {
    /// The warning in a line.
    pub(crate) fn warns(&self, line: &[u8], seen: usize) -> bool {
        self.warnings.iter().any(|pattern| pattern.is_new_in(line, seen))
    }

    /// The restart that a line tells of.
    pub(crate) fn restart(&self, line: &[u8], seen: usize) -> Option<Restart> {
        let kinds = [
            (&self.restarts, Restart::Certain),
            (&self.announcements, Restart::Announced),
            (&self.claims, Restart::Claimed),
        ];
        let is_in = |patterns: &[Pattern]| patterns.iter().any(|one| one.is_new_in(line, seen));
        kinds.into_iter().find(|(patterns, _)| is_in(patterns)).map(|(_, kind)| kind)
    }

    /// The reset reason in a line, and whether the ROM told it.
    pub(crate) fn reason(&self, line: &[u8], seen: usize) -> Option<(Reason, bool)> {
        let place = self.reasons.iter().position(|pattern| pattern.is_new_in(line, seen))?;
        let text = self.reasons.get(place)?.find_in(line)?;
        let text = String::from_utf8_lossy(text).to_ascii_uppercase();
        // What stands before is `rst:` or `reset cause`.
        let name = text.split_once(['(', ':', '=']).map_or(text.as_str(), |(_, name)| name);
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let reason = if has(&["BROWN", "BOD", "GLITCH", "UNDERVOLT", "UNDER-VOLT", "UNDER VOLT"]) {
            Reason::Power
        } else if has(&["WDT", "WDOG", "WATCHDOG", "WATCH DOG"]) {
            Reason::Watchdog
        } else if has(&["SLEEP"]) {
            Reason::Sleep
        } else if has(&["SW_", "SW ", "_SW", "SOFT", "(SW"]) {
            Reason::Software
        } else {
            Reason::Other
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

/// Whether who types this wants a restart, or the power off.
pub(crate) fn wants_restart(typed: &str) -> bool {
    const ANYWHERE: [&str; 7] =
        ["reboot", "poweroff", "halt", "shutdown", "sysupgrade", "sysrq-trigger", "kexec"];
    let typed = typed.trim();
    let mut words = typed.split(|letter: char| letter.is_whitespace() || ";&|/".contains(letter));
    let alone = matches!(typed, "restart" | "reset" | "init 0" | "init 6" | "telinit 6");
    alone || words.any(|word| ANYWHERE.contains(&word))
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
        of(&signs.reasons, REASONS);
        of(&signs.systems, SYSTEMS);
        of(&signs.passwords, PASSWORDS);
        assert_eq!(signs.logs.len(), 2);
    }

    #[test]
    fn reset_reasons_of_each_chip_are_told_apart() {
        for (line, reason) in [
            ("rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Other),
            ("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Other),
            ("rst:0x3 (SW_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Software),
            ("rst:0x3 (LP_SW_HPSYS),boot:0x1e (SPI_FAST_FLASH_BOOT)", Reason::Software),
            ("rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Software),
            ("rst:0xc (RTC_SW_CPU_RST),boot:0x28 (SPI_FAST_FLASH_BOOT)", Reason::Software),
            ("rst:0xc (SW_CPU),boot:0x7f (SPI_FAST_FLASH_BOOT)", Reason::Software),
            ("rst:0x5 (DEEPSLEEP_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Sleep),
            ("rst:0x5 (DSLEEP),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Sleep),
            ("rst:0x4 (OWDT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0x7 (TG0WDT_SYS_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0x7 (TG0_WDT_HPSYS),boot:0x18 (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0x7 (HP_SYS_HP_WDT_RESET),boot:0x30f (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0x10 (RTCWDT_RTC_RST),boot:0x2b (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0x12 (SUPER_WDT_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Watchdog),
            ("rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", Reason::Power),
            ("rst:0xf (BROWNOUT_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Power),
            ("rst:0x17 (POWER_GLITCH_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Power),
            ("rst:0x15 (USB_UART_CHIP_RESET),boot:0x8 (SPI_FAST_FLASH_BOOT)", Reason::Other),
            ("Reset cause: POR", Reason::Other),
            ("Reset cause: WDOG", Reason::Watchdog),
            ("CPU: reset reason: watchdog", Reason::Watchdog),
        ] {
            let found = SIGNS.reason(line.as_bytes(), 0).map(|(reason, _)| reason);
            assert_eq!(found, Some(reason), "{line}");
        }
        assert_eq!(SIGNS.reason(b"I (5) wdt: reset the counter", 0), None);
    }

    #[test]
    fn who_types_a_restart_wants_one() {
        for typed in
            ["reboot", "sudo reboot", "sync; reboot -f", "/sbin/poweroff", "restart", "reset"]
        {
            assert!(wants_restart(typed), "{typed}");
        }
        for typed in ["", "systemctl restart camera", "cat reboot.log", "echo rebooted", "start"] {
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
