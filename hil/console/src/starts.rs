//! Beginnings of system messages in a line of the console.
//!
//! A kernel, a boot loader and a panic handler begin their messages at the start of a line, behind the
//! kernel's time, behind the head of a system logger's line, or behind a prompt that stood there. The same
//! words further on in a line are quoted: an application tells of the last crash, `printenv` of an argument.

use crate::Pattern;
use std::sync::LazyLock;

/// How a line of a kernel's log begins: its time, and what may stand around it.
pub(crate) const KERNEL_LOG: &str = r"(<\d>)?\[ {0,5}\d{1,10}\.\d{1,9}\](\[ {0,5}[TC]\d{1,7}\])? ";
/// How a line of ESP-IDF's log begins.
pub(crate) const IDF_LOG: &str = r"[EWIDV] \((\d{1,10}|\d\d:\d\d:\d\d\.\d{3})\) ";
/// How a line of a system logger begins: `Jan  1 00:00:12 board kern.emerg kernel: `.
const LOGGER: &str = r"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ([^ ]{1,40} ){0,2}kernel: ";
/// A prompt that a message is written over: of a command line, of a login.
const PROMPT: &str = r"^([^ ]{0,60}( [^ ]{0,40})?[#$>] {1,4}|.{0,60}([Ll]ogin|[Pp]assword): {1,2})";
/// A frame of an agent that broke off: what breaks it off begins anywhere.
const FRAME: &str = r"~[BH][0-9a-f]{1,8}";
/// A kernel's line that another one breaks off comes so soon after it, in microseconds.
const CUT_BY_US: u64 = 1_000_000;

struct Heads {
    kernel: Pattern,
    /// These stand at the beginning.
    all: Vec<Pattern>,
    logger: Pattern,
    idf: Pattern,
    prompt: Pattern,
    frame: Pattern,
}

static HEADS: LazyLock<Option<Heads>> = LazyLock::new(|| {
    // They are sound: a test reads each.
    let read = |text: &str| Pattern::new(text).ok();
    let at_start = |text: &str| read(&format!("^(?:{text})"));
    Some(Heads {
        kernel: read(KERNEL_LOG)?,
        all: vec![at_start(KERNEL_LOG)?, at_start(IDF_LOG)?, read(LOGGER)?],
        logger: read(LOGGER)?,
        idf: at_start(IDF_LOG)?,
        prompt: read(PROMPT)?,
        frame: read(FRAME)?,
    })
});

/// Whether a system logger wrote a line of the kernel.
pub(crate) fn is_logged(line: &[u8]) -> bool {
    HEADS.as_ref().is_some_and(|heads| heads.logger.is_in(line))
}

/// The time in a kernel's line, and the form that it has there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    pub(crate) us: u64,
    /// The level stands before it, as in what is read back from a log.
    pub(crate) levelled: bool,
    /// A system logger wrote it, or it stands within a line: `grep -n` prints such.
    pub(crate) within: bool,
}

/// Where messages begin in a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Starts {
    at: Vec<usize>,
    anywhere: bool,
    /// The end of the heads of the line's first message.
    behind: usize,
    /// The first of them is one of ESP-IDF's log.
    pub(crate) idf: bool,
    /// The time of the last message that has one.
    pub(crate) stamp: Option<Stamp>,
}

impl Starts {
    pub(crate) fn of(line: &[u8]) -> Self {
        let mut starts =
            Self { at: Vec::new(), anywhere: false, behind: 0, idf: false, stamp: None };
        let Some(heads) = &*HEADS else { return starts };
        starts.anywhere = heads.frame.is_in(line);
        starts.idf = heads.idf.is_in(line);
        let prompt = heads.prompt.end_in(line);
        // Noise of the line prints nothing.
        let noise = line.iter().take_while(|byte| !matches!(byte, b' '..=b'~')).count();
        for base in [Some(0), Some(noise).filter(|bytes| *bytes > 0), prompt].into_iter().flatten()
        {
            starts.add_heads(heads, line, base);
        }
        starts.add_cut(heads, line, prompt.unwrap_or(0));
        starts
    }

    /// The places in a line.
    pub(crate) fn within(&self, line: &[u8]) -> impl Iterator<Item = usize> {
        let all = if self.anywhere { 0..line.len() } else { 0..0 };
        all.chain(self.at.iter().copied())
    }

    /// A place, and those behind the heads that stand there.
    fn add_heads(&mut self, heads: &Heads, line: &[u8], base: usize) {
        let mut at = base;
        self.at.push(at);
        for _ in 0..heads.all.len() {
            let rest = line.get(at..).unwrap_or_default();
            let Some(end) = heads.all.iter().find_map(|head| head.end_in(rest)) else { break };
            let within = line.get(base..at).is_some_and(|head| heads.logger.is_in(head));
            self.stamp = stamp_in(rest.get(..end).unwrap_or_default(), within).or(self.stamp);
            at += end;
            self.at.push(at);
            if Some(&base) == self.at.first() {
                self.behind = at;
            }
        }
    }

    /// Whether a message may break in at a place of the line. A logger writes its lines whole: in them a
    /// message breaks a word off, or is quoted.
    pub(crate) fn may_break_in(&self, line: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| line.get(before));
        self.behind == 0
            || before
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || !matches!(byte, b' '..=b'~'))
    }

    /// Who speaks in a line: the first word behind its heads; none: it is no word.
    pub(crate) fn speaker<'l>(&self, line: &'l [u8]) -> Option<&'l [u8]> {
        let text = line.get(self.behind..)?;
        let word = text.split(|byte| b" :[(=,;'\"".contains(byte)).next()?;
        (word.len() > 1 && word.first()?.is_ascii_alphabetic()).then_some(word)
    }

    /// A kernel's message within a line: it broke off what an application said, or one of its own
    /// messages just before.
    fn add_cut(&mut self, heads: &Heads, line: &[u8], from: usize) {
        let rest = line.get(from..).unwrap_or_default();
        let head = heads.all.iter().find_map(|head| head.end_in(rest)).unwrap_or(0);
        let is_own = heads.idf.is_in(rest);
        let behind = rest.get(head..).unwrap_or_default();
        let known = |start: usize| self.at.contains(&(from + head + start));
        let Some(start) = heads.kernel.start_in(behind).filter(|start| !known(*start)) else {
            return;
        };
        let Some(cut) = behind.get(start..) else { return };
        let end = heads.kernel.end_in(cut).unwrap_or(0);
        let Some(stamp) = stamp_in(cut.get(..end).unwrap_or_default(), true) else { return };
        let soon = |before: Stamp| (before.us..=before.us + CUT_BY_US).contains(&stamp.us);
        let cuts = if head == 0 { !stamp.levelled } else { self.stamp.is_some_and(soon) };
        if cuts && !is_own {
            self.at.extend([from + head + start, from + head + start + end]);
            self.stamp = Some(stamp);
        }
    }
}

/// The time in the head of a kernel's line.
fn stamp_in(head: &[u8], within: bool) -> Option<Stamp> {
    let levelled = head.first() == Some(&b'<');
    let open = head.iter().position(|byte| *byte == b'[')?;
    let close = head.iter().position(|byte| *byte == b']')?;
    let time = core::str::from_utf8(head.get(open + 1..close)?).ok()?;
    let (seconds, fraction) = time.trim_start().split_once('.')?;
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let us = seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?;
    Some(Stamp { us, levelled, within })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(line: &str) -> Vec<&str> {
        let starts = Starts::of(line.as_bytes());
        let mut at: Vec<usize> = starts.within(line.as_bytes()).collect();
        at.sort_unstable();
        at.dedup();
        at.into_iter().map(|at| &line[at..]).collect()
    }

    #[test]
    fn a_message_begins_behind_each_head_of_its_line_and_behind_a_prompt() {
        assert!(HEADS.is_some());
        for lead in [
            "",
            "\0\u{7}",
            "\u{7f}[   12.345678] ",
            "[   12.345678] ",
            "[1234567890.345678] ",
            "[   12.345678][  T123] ",
            "[   12.345678][    C0] ",
            "<0>[   12.345678] ",
            "# ",
            "root@openipc-t31:~# ",
            "[root@luckfox root]# ",
            "pi@raspberrypi:~ $ ",
            "esp> ",
            "luckfox login: ",
            "Password: ",
            "[root@luckfox root]# [   12.345678] ",
            "Jan  1 00:00:12 luckfox kern.emerg kernel: [   33.1] ",
            "Jan  1 00:00:12 luckfox kernel: ",
            "E (5000) ",
            // What an application said is broken off.
            "Starting network: [   12.345678] ",
            "[   12.300000] usb 1-1: new hi[   12.345678] ",
        ] {
            let line = format!("{lead}words");
            assert!(messages(&line).contains(&"words"), "{lead}: {:?}", messages(&line));
        }
    }

    #[test]
    fn what_stands_further_on_is_quoted() {
        for lead in [
            "dmesg | grep -c '",
            "I (5000) app: last reset: ",
            "[    1.1] pstore: last: <0>[   33.1] ",
            "[    1.1] pstore: last: [   33.1] ",
            "app: last: <0>[   33.1] ",
            "/var/log/messages:Jan  1 00:00:12 luckfox kernel: ",
            "bootargs=console=ttyS0 note=",
            "I (5000) log: [   33.1] ",
            "Starting network: ",
        ] {
            let line = format!("{lead}words");
            assert!(!messages(&line).contains(&"words"), "{lead}: {:?}", messages(&line));
        }
    }

    #[test]
    fn a_time_is_read_with_its_form() {
        let stamp = |line: &str| Starts::of(line.as_bytes()).stamp;
        let of = |us, levelled, within| Some(Stamp { us, levelled, within });
        assert_eq!(stamp("[   12.345678] x"), of(12_345_678, false, false));
        assert_eq!(stamp("# [   12.3] x"), of(12_300_000, false, false));
        assert_eq!(stamp("<6>[   12.3][    T1] x"), of(12_300_000, true, false));
        let logged = "Jan  1 00:00:12 luckfox kern.emerg kernel: [   33.1] x";
        assert_eq!(stamp(logged), of(33_100_000, false, true));
        assert_eq!(stamp("44:[   33.1] x"), of(33_100_000, false, true));
        assert_eq!(stamp("I (5000) app: x"), None);
    }
}
