//! Boots and resets: requested ones, bounces, and deaths with their cause.
//!
//! A boot tells why the reset before it was, some lines after its banner: that is waited for.

use super::{
    quotes::{Quotes, REASON_NS, Voice},
    step::{ConsoleStep, StepKind},
};
use crate::{
    Console, ConsoleOutput, DeathCause, DeathKind, Nanos, Noted, State,
    lines::Line,
    signs::{ResetReason, Restart, SIGNS, wants_restart},
};

const SECOND: Nanos = 1_000_000_000;
/// Banners within this time from a boot's first are one boot: a switch that bounces, a supply that rises.
const BOUNCE_NS: Nanos = 2 * SECOND;
/// How often it may bounce.
const BOUNCES_MOST: u32 = 2;
/// A kernel's log that begins anew begins before this time, in microseconds.
const ANEW_US: u64 = 1_000_000;
/// What a kernel calls itself, with its time or without.
const KERNEL: &[u8] = b"Linux version ";
/// How long a restart may take from the word that asks for it to the banner.
const RESTART_NS: Nanos = 120 * SECOND;
/// Lines after an application's word that it restarts, at most, in which its reset is taken for that.
const CLAIM_LINES: u32 = 10;
/// Lines after a panic handler's last, at most, in which a reset is of that panic.
const PANIC_LINES: u32 = 10;
/// How long after the supply failed a reset that nothing else explains is of that.
const SUPPLY_NS: Nanos = 10 * SECOND;
/// Notes of one boot, at most.
const NOTES_MOST: u32 = 32;
/// Bytes of a typed line that are kept, at most.
const TYPED_BYTES_MOST: usize = 256;

/// What is known of boots and resets.
#[derive(Clone, Default, Debug)]
pub(crate) struct Resets {
    /// Banners of this boot.
    pub(crate) banners: u32,
    /// When the first of them came.
    booted_ns: Nanos,
    /// Restarts in good order while it booted.
    restarts: u32,
    waiting: Option<Waiting>,
    /// A boot had begun already when it was known to be dead.
    pub(crate) rebooted: bool,
    /// What was typed that asks for a restart, and when.
    typed: Option<(Nanos, Vec<u8>)>,
    /// What the system said of its restart, and when.
    announced: Option<(Nanos, Vec<u8>)>,
    /// What an application said, and how many lines ago.
    claimed: Option<(u32, Vec<u8>)>,
    /// The first line of a panic handler's, and how many lines ago its last was.
    panicked: Option<(u32, Vec<u8>)>,
    /// That the supply failed, and when.
    supply: Option<(Nanos, Vec<u8>)>,
    /// It boots on request: unless the ROM says otherwise.
    excused: bool,
    notes: u32,
    /// What a person has typed of a line.
    pub(crate) keys: Vec<u8>,
}

/// A reset whose reason is waited for.
#[derive(Clone, Debug)]
struct Waiting {
    until_ns: Nanos,
    banner: Vec<u8>,
    banners: u32,
    /// It had not come up yet.
    booting: bool,
    /// The output of a typed line told of it, and may quote it.
    doubtful: bool,
    /// The banner is a kernel's: `dmesg` has it.
    of_kernel: bool,
    /// A kernel's log that begins anew came with it.
    logs: bool,
}

impl Resets {
    /// It is dead: of what is known.
    pub(crate) fn forget_reset(&mut self) {
        self.waiting = None;
    }

    /// Whether a boot has begun, for certain, whose reason is to come.
    pub(crate) fn waits_for_a_reason(&self) -> bool {
        self.waiting.as_ref().is_some_and(|waiting| !waiting.doubtful)
    }

    /// The boot that the output of a typed line told of: whether its banner is a kernel's, and whether a
    /// kernel's log began anew.
    pub(crate) fn told_boot(&self) -> Option<(bool, bool)> {
        let waiting = self.waiting.as_ref().filter(|waiting| waiting.doubtful)?;
        Some((waiting.of_kernel, waiting.logs))
    }

    /// A line's time, after a banner: a log may begin anew.
    pub(crate) fn hear_time(&mut self, line: &Line) {
        let anew = line.starts.stamp.is_some_and(|stamp| stamp.us < ANEW_US);
        if let Some(waiting) = &mut self.waiting {
            waiting.logs |= anew;
        }
    }

    /// The banner that the output of a typed line quoted.
    pub(crate) fn take_back_reset(&mut self) -> Option<Vec<u8>> {
        self.waiting.take_if(|waiting| waiting.doubtful).map(|waiting| waiting.banner)
    }

    /// Whether what was typed asks for a restart.
    pub(crate) fn was_typed_for(&self) -> bool {
        self.typed.is_some()
    }

    /// The system says that it restarts.
    pub(crate) fn announce(&mut self, now: Nanos, said: Vec<u8>) {
        self.announced = Some((now, said));
    }

    /// It was quoted.
    pub(crate) fn take_back_announcement(&mut self) {
        self.announced = None;
    }
}

impl Console {
    /// Until when a reset's reason is waited for.
    pub(crate) fn reason_due(&self) -> Option<Nanos> {
        if self.waits_for_an_end() {
            return None;
        }
        let reset = self.resets.waiting.as_ref().map(|waiting| waiting.until_ns);
        [reset, self.doubt_due()].into_iter().flatten().min()
    }

    /// Bytes came: what is in doubt stays so.
    pub(crate) fn wait_on(&mut self) {
        let until_ns = self.now.saturating_add(REASON_NS);
        if let Some(waiting) = self.resets.waiting.as_mut().filter(|waiting| waiting.doubtful) {
            waiting.until_ns = until_ns;
        }
        self.doubt_goes_on();
    }

    /// A note, unless there were too many in this boot.
    pub(crate) fn note(&mut self, noted: Noted, line: &[u8]) {
        self.resets.notes = self.resets.notes.saturating_add(1);
        if self.resets.notes <= NOTES_MOST {
            let line = self.kept(line);
            self.output(ConsoleOutput::Noted(noted, line));
        }
    }

    /// Nothing is known of a boot: it was switched, or is asked anew.
    pub(crate) fn forget_boots(&mut self) {
        let keys = core::mem::take(&mut self.resets.keys);
        self.resets = Resets { keys, ..Resets::default() };
        self.quotes = Quotes::default();
        self.prompts.forget();
    }

    /// A boot has begun with a banner.
    pub(crate) fn boot_began(&mut self) {
        let restarts = self.resets.restarts;
        self.forget_boots();
        self.resets.banners = 1;
        self.resets.booted_ns = self.now;
        self.resets.restarts = restarts;
        self.change(State::Booting);
        // What was typed before is gone.
        if let Some(ConsoleStep { kind: StepKind::Ready { probe, .. }, .. }) = &mut self.step {
            *probe = None;
        }
        self.arm_knock();
    }

    pub(crate) fn watch_for_boot(&mut self, line: &Line) {
        let mut banners = self.profile.banners.iter();
        if !banners.any(|banner| banner.is_new_in(line)) {
            return;
        }
        let said = self.kept(&line.bytes);
        let doubtful = self.is_output() && matches!(self.state, State::Ready | State::Booting);
        if !doubtful {
            self.output(ConsoleOutput::Banner(said.clone()));
        }
        let most = self.profile.banners_per_boot.max(1);
        let with_bounces = most.saturating_mul(1 + BOUNCES_MOST);
        if let Some(waiting) = &mut self.resets.waiting {
            waiting.banners += 1;
            if waiting.banners > with_bounces {
                self.reason_is(None);
            }
            return;
        }
        match self.state {
            State::Unknown => self.boot_began(),
            State::Booting if self.doubts_words() => self.reset(said, true),
            State::Booting if self.resets.banners == 0 => self.boot_began(),
            State::Booting => {
                self.resets.banners += 1;
                let banners = self.resets.banners;
                if banners <= most {
                    return;
                }
                let soon = self.now.saturating_sub(self.resets.booted_ns) <= BOUNCE_NS;
                if soon && !self.prompts.system && banners <= with_bounces {
                    self.note(Noted::Bounce, &said);
                } else {
                    self.reset(said, true);
                }
            }
            State::Ready | State::Streaming => self.reset(said, false),
            State::Off | State::Dead(_) => {}
        }
    }

    /// It began to boot. If that was asked for it is no death; else its reason is waited for.
    fn reset(&mut self, banner: Vec<u8>, booting: bool) {
        let asked = if self.doubts_an_end() { None } else { self.asked_for() };
        if let Some(words) = asked {
            self.banner_counts(&banner);
            return self.restart_is_true(words);
        }
        let until_ns = self.now.saturating_add(REASON_NS);
        let doubtful = self.is_output();
        let stamped = Line::new(banner.clone(), 0).starts.stamp.is_some();
        let of_kernel = stamped || banner.windows(KERNEL.len()).any(|words| words == KERNEL);
        let logs = false;
        self.resets.waiting =
            Some(Waiting { until_ns, banner, banners: 1, booting, doubtful, of_kernel, logs });
    }

    /// It boots on request, or announced it.
    pub(crate) fn restart_is_true(&mut self, words: Vec<u8>) {
        self.restarted(words);
        self.resets.excused = true;
    }

    /// A banner in the output of a typed line is one.
    fn banner_counts(&mut self, banner: &[u8]) {
        if self.is_output() {
            self.output(ConsoleOutput::Banner(banner.to_vec()));
        }
    }

    /// What asked for the reset: the system's last words, or else what was typed.
    fn asked_for(&mut self) -> Option<Vec<u8>> {
        let since = self.now.saturating_sub(RESTART_NS);
        let fresh = |words: Option<(Nanos, Vec<u8>)>| {
            words.filter(|(at, _)| *at >= since).map(|(_, words)| words)
        };
        let announced = fresh(self.resets.announced.take());
        let typed = fresh(self.resets.typed.take());
        announced.or(typed).filter(|_| !self.loops())
    }

    /// A board that restarts again and again while it boots is in a loop, whatever it says.
    fn loops(&self) -> bool {
        self.state == State::Booting && self.resets.restarts > 0
    }

    /// It restarted in good order: a step that waits for its boot waits on, a command on it is over.
    fn restarted(&mut self, words: Vec<u8>) {
        self.note(Noted::Restart, &words);
        if self.state == State::Booting {
            self.resets.restarts += 1;
        }
        match self.step.as_ref().map(|step| &step.kind) {
            Some(StepKind::Command { .. }) => {
                self.resets.rebooted = true;
                self.die(DeathCause::Restarted(words));
            }
            Some(StepKind::Ready { .. }) | None => self.boot_began(),
        }
    }

    /// The reason of the reset came, or will not come.
    pub(crate) fn reason_is(&mut self, reason: Option<(ResetReason, &[u8])>) {
        let waiting = self.resets.waiting.take();
        if let Some(Waiting { banner, doubtful: true, .. }) = &waiting {
            self.banner_counts(banner);
        }
        if self.doubt_is_true(waiting.is_some()) {
            return;
        }
        let Some(Waiting { banner, booting, .. }) = waiting else { return };
        let said = reason.map_or(banner, |(_, line)| self.kept(line));
        let claimed = self.resets.claimed.take().map(|(_, words)| words);
        let panicked = self.resets.panicked.take().map(|(_, words)| words);
        let since = self.now.saturating_sub(SUPPLY_NS);
        let supply = self.resets.supply.take().filter(|(at, _)| *at >= since);
        let loops = self.loops();
        self.resets.rebooted = true;
        let reason = reason.map(|(reason, _)| reason);
        let by_software = reason == Some(ResetReason::Software);
        let cause = match (reason, claimed) {
            (Some(ResetReason::Watchdog), _) => DeathCause::Said(DeathKind::Watchdog, said),
            (Some(ResetReason::Power), _) => DeathCause::Said(DeathKind::Power, said),
            (Some(ResetReason::Sleep), _) => return self.restarted(said),
            (Some(ResetReason::Host), _) if !loops => return self.restarted(said),
            (Some(ResetReason::Software), Some(words)) if !loops && panicked.is_none() => {
                return self.restarted(words);
            }
            _ if by_software && panicked.is_some() => {
                DeathCause::Said(DeathKind::Panic, panicked.unwrap_or_default())
            }
            (None | Some(ResetReason::Other), _) if supply.is_some() => DeathCause::Said(
                DeathKind::Power,
                supply.map(|(_, words)| words).unwrap_or_default(),
            ),
            _ if booting => DeathCause::BootLoop(said),
            _ => DeathCause::Reset(said),
        };
        self.die(cause);
    }

    /// Whether a line tells the reason of a reset, and is nothing else.
    pub(crate) fn watch_for_reason(&mut self, line: &Line) -> bool {
        let Some((reason, by_rom)) = SIGNS.reason(line) else { return false };
        let runs = matches!(self.state, State::Ready | State::Streaming);
        if self.resets.waiting.is_none() && runs && by_rom {
            // The banner before it was lost, or is none of the profile's.
            self.reset(self.kept(&line.bytes), false);
            if self.resets.waiting.is_none() {
                return true;
            }
        }
        if self.resets.waiting.is_some() {
            self.reason_is(Some((reason, &line.bytes)));
            return true;
        }
        let is_death = matches!(reason, ResetReason::Watchdog | ResetReason::Power);
        // Many a Linux restarts by its watchdog. Espressif's chips restart by software, and their ROM says so:
        // a watchdog there has bitten a shutdown that hung.
        if by_rom && core::mem::take(&mut self.resets.excused) && is_death {
            let power = reason == ResetReason::Power;
            let kind = if power { DeathKind::Power } else { DeathKind::Watchdog };
            self.resets.rebooted = true;
            self.die(DeathCause::Said(kind, self.kept(&line.bytes)));
            return true;
        }
        if self.state == State::Booting && is_death {
            self.note(Noted::ResetReason, &line.bytes);
        }
        by_rom || self.state == State::Booting
    }

    /// Words of a restart in a line.
    pub(crate) fn watch_for_restart(&mut self, line: &Line) {
        let older = |words: Option<(u32, Vec<u8>)>, most: u32| {
            words.map(|(lines, words)| (lines + 1, words)).filter(|(lines, _)| *lines <= most)
        };
        self.resets.claimed = older(self.resets.claimed.take(), CLAIM_LINES);
        self.resets.panicked = older(self.resets.panicked.take(), PANIC_LINES);
        let Some(restart) = SIGNS.restart(line) else { return };
        let said = self.kept(&line.bytes);
        match restart {
            Restart::Claimed => {
                // After a panic it would say no more: the backtrace before was a warning's.
                self.resets.panicked = None;
                self.resets.claimed = Some((0, said));
            }
            Restart::Panic => {
                let first = self.resets.panicked.take().map_or(said, |(_, words)| words);
                self.resets.panicked = Some((0, first));
            }
            Restart::Supply => self.resets.supply = Some((self.now, said)),
            Restart::Announced => {
                self.resets.announced = Some((self.now, said));
                self.announced_in_output();
            }
            // Neither shows the prompt of what was typed.
            Restart::Certain if self.is_output() => {
                self.resets.announced = Some((self.now, said.clone()));
                self.announced_in_output();
                self.ends_by(DeathCause::Restarted(said), Voice::Doubtful);
            }
            Restart::Certain => self.went_down(said),
        }
    }

    /// A line was typed: `reboot` asks for a restart.
    pub(crate) fn was_typed(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.echo_comes(line);
        let words = || format!("> {}", line.trim()).into_bytes();
        self.resets.typed = wants_restart(line).then(|| (self.now, words()));
    }

    /// Keys of a person, none of them of a password.
    pub(crate) fn keys_typed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    let line = core::mem::take(&mut self.resets.keys);
                    self.was_typed(&String::from_utf8_lossy(&line));
                }
                0x08 | 0x7f => drop(self.resets.keys.pop()),
                0x03 | 0x15 => self.resets.keys.clear(),
                byte if self.resets.keys.len() < TYPED_BYTES_MOST => self.resets.keys.push(*byte),
                _ => {}
            }
        }
    }
}
