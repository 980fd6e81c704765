//! Planned faults of a board, with their times: the bench's findings are compared with the plan.
//! A pure core; nothing here is drawn by the system.

use std::{collections::BTreeMap, time::Duration};

/// What comes in between the bytes of a framed line: another thread of the board logs.
const LOG: &[u8] = b"[   12.345678] usb 1-1: new device\r\n";

/// How far a board has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BoardStage {
    /// Its power came on.
    On,
    /// It asks who logs in.
    Login,
    /// Its agent runs.
    Agent,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoardFaultKind {
    /// It stops, and says nothing any more.
    Silent,
    /// Its kernel panics: it says so, and stops.
    Panic,
    /// Its processor hangs: its kernel says so, and a watchdog resets it.
    Watchdog,
    /// It resets: the banner of a boot.
    Reset,
    /// It never comes further than its banner.
    BootLoop,
    /// This many of a thousand bytes of its output become others.
    Garbage(u32),
    /// This many of a thousand bytes of its output are lost.
    Dropped(u32),
    /// Something is logged within each such line that it says, one byte further each time.
    Interleaved(u32),
    /// What an earlier run said still comes, before the boot.
    Earlier,
    /// It does not read its console any more, and takes nothing.
    Deaf,
    /// It takes this many typed bytes in a millisecond, and loses the rest.
    Overrun(u32),
    /// Its console is unplugged, for this many milliseconds, or for ever.
    Unplugged(Option<u64>),
    /// Another program holds its console, from the next time on that it is plugged in.
    Locked,
    /// Its process ends with this status.
    Exit(u8),
    /// Its agent is killed.
    Killed,
    /// Its memory is used up: its kernel says so, and kills the agent.
    OutOfMemory,
    /// There is no agent on it.
    NoAgent,
    /// It refuses each login.
    Refused,
    /// It speaks at this many bits per second, whatever the bench takes for its rate.
    Rate(u32),
}

/// A planned fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardFault {
    /// What.
    pub kind: BoardFaultKind,
    /// From this stage on,
    pub stage: BoardStage,
    /// and this long after it began.
    pub after: Duration,
}

impl BoardFault {
    /// Reads `NAME[=VALUE][@STAGE[+MS]]`, as in `garbage=10@agent+500`; the stage is `on`, `login` or
    /// `agent`, and `on` if none is given. None if it is anything else.
    pub fn read(text: &str) -> Option<Self> {
        let (what, when) = text.split_once('@').unwrap_or((text, "on"));
        let (stage, after) = when.split_once('+').unwrap_or((when, "0"));
        let stage = match stage {
            "on" => BoardStage::On,
            "login" => BoardStage::Login,
            "agent" => BoardStage::Agent,
            _ => return None,
        };
        let after = Duration::from_millis(after.parse().ok()?);
        let kind = match what.split_once('=') {
            None => BoardFaultKind::named(what)?,
            Some(("garbage", value)) => BoardFaultKind::Garbage(value.parse().ok()?),
            Some(("dropped", value)) => BoardFaultKind::Dropped(value.parse().ok()?),
            Some(("interleaved", value)) => BoardFaultKind::Interleaved(value.parse().ok()?),
            Some(("overrun", value)) => BoardFaultKind::Overrun(value.parse().ok()?),
            Some(("unplugged", value)) => BoardFaultKind::Unplugged(Some(value.parse().ok()?)),
            Some(("exit", value)) => BoardFaultKind::Exit(value.parse().ok()?),
            Some(("rate", value)) => BoardFaultKind::Rate(value.parse().ok()?),
            Some(_) => return None,
        };
        Some(Self { kind, stage, after })
    }
}

impl BoardFaultKind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "silent" => Self::Silent,
            "panic" => Self::Panic,
            "watchdog" => Self::Watchdog,
            "reset" => Self::Reset,
            "boot-loop" => Self::BootLoop,
            "earlier" => Self::Earlier,
            "deaf" => Self::Deaf,
            "unplugged" => Self::Unplugged(None),
            "locked" => Self::Locked,
            "killed" => Self::Killed,
            "out-of-memory" => Self::OutOfMemory,
            "no-agent" => Self::NoAgent,
            "refused" => Self::Refused,
            _ => return None,
        })
    }
}

/// The faults of a board, and how far it has come.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    all: Vec<BoardFault>,
    /// When each stage began first, since any one moment.
    began: BTreeMap<BoardStage, Duration>,
    /// How many were handed out by [`due`](Self::due), by their place in `all`.
    done: Vec<bool>,
}

impl FaultPlan {
    pub(crate) fn new(all: Vec<BoardFault>) -> Self {
        let done = vec![false; all.len()];
        Self { all, began: BTreeMap::new(), done }
    }

    /// A stage began.
    pub(crate) fn reached(&mut self, stage: BoardStage, now: Duration) {
        self.began.entry(stage).or_insert(now);
    }

    fn is_due(&self, fault: &BoardFault, now: Duration) -> bool {
        self.began.get(&fault.stage).is_some_and(|began| now >= *began + fault.after)
    }

    /// What is wrong now.
    pub(crate) fn now(&self, now: Duration) -> impl Iterator<Item = BoardFaultKind> {
        self.all.iter().filter(move |fault| self.is_due(fault, now)).map(|fault| fault.kind)
    }

    /// What has begun to be wrong, each once.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<BoardFaultKind> {
        let mut due = Vec::new();
        for place in 0..self.all.len() {
            if !self.done[place] && self.is_due(&self.all[place], now) {
                self.done[place] = true;
                due.push(self.all[place].kind);
            }
        }
        due
    }
}

/// What becomes of bytes on a wire. The same each time the program runs.
#[derive(Debug)]
pub(crate) struct Noise {
    state: u64,
    /// Lines that passed, and bytes of this one.
    lines: u32,
    column: usize,
    /// Where the next line is written into.
    place: usize,
    chosen: bool,
}

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, lines: 0, column: 0, place: 0, chosen: false }
    }

    /// Marsaglia's xorshift: it has to be uneven, nothing more.
    fn draw(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// A draw of `per_mille` in a thousand.
    fn strikes(&mut self, per_mille: u32) -> bool {
        self.draw() % 1_000 < u64::from(per_mille)
    }

    /// What is heard of what is said while this is wrong.
    pub(crate) fn pass(&mut self, bytes: &[u8], wrong: &[BoardFaultKind]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for wrong in wrong {
            bytes = match wrong {
                BoardFaultKind::Garbage(per_mille) => {
                    let other = |noise: &mut Self, byte: u8| {
                        let struck = noise.strikes(*per_mille);
                        // Never the same byte.
                        if struck { byte ^ (1 << (noise.draw() % 8)) } else { byte }
                    };
                    bytes.into_iter().map(|byte| other(self, byte)).collect()
                }
                BoardFaultKind::Dropped(per_mille) => {
                    bytes.into_iter().filter(|_| !self.strikes(*per_mille)).collect()
                }
                BoardFaultKind::Interleaved(every) => self.interleave(&bytes, (*every).max(1)),
                _ => bytes,
            };
        }
        bytes
    }

    fn interleave(&mut self, bytes: &[u8], every: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + LOG.len());
        for byte in bytes {
            if self.chosen && self.column == self.place {
                out.extend_from_slice(LOG);
                self.chosen = false;
                self.place += 1;
            }
            out.push(*byte);
            self.column += 1;
            if *byte == b'\n' {
                if self.chosen {
                    // It is shorter than that: from its beginning again.
                    self.place = 0;
                }
                self.lines = self.lines.wrapping_add(1);
                self.column = 0;
                self.chosen = self.lines.is_multiple_of(every);
            }
        }
        out
    }
}

/// What is heard at a wrong rate: the high bit of each byte is set.
pub(crate) fn at_a_wrong_rate(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.rotate_left(3) | 0x80).collect()
}

/// A receiver of limited size, emptied each millisecond.
#[derive(Debug, Default)]
pub(crate) struct Fifo {
    millis: u128,
    held: u32,
}

impl Fifo {
    /// What it takes of what comes.
    pub(crate) fn take(&mut self, bytes: &[u8], most: u32, now: Duration) -> Vec<u8> {
        if self.millis != now.as_millis() {
            *self = Self { millis: now.as_millis(), held: 0 };
        }
        let room = usize::try_from(most.saturating_sub(self.held)).unwrap_or(usize::MAX);
        let taken = bytes.get(..room.min(bytes.len())).unwrap_or_default().to_vec();
        self.held = self.held.saturating_add(u32::try_from(taken.len()).unwrap_or(u32::MAX));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_fault_is_told_by_name_value_stage_and_time() {
        let read =
            |text| BoardFault::read(text).map(|fault| (fault.kind, fault.stage, fault.after));
        assert_eq!(read("silent"), Some((BoardFaultKind::Silent, BoardStage::On, Duration::ZERO)));
        assert_eq!(
            read("garbage=10@agent+500"),
            Some((BoardFaultKind::Garbage(10), BoardStage::Agent, 500 * MS))
        );
        assert_eq!(
            read("unplugged=800@login"),
            Some((BoardFaultKind::Unplugged(Some(800)), BoardStage::Login, Duration::ZERO))
        );
        assert_eq!(
            read("unplugged@agent"),
            Some((BoardFaultKind::Unplugged(None), BoardStage::Agent, Duration::ZERO))
        );
        for wrong in ["", "silence", "silent=1", "garbage", "exit=300", "panic@noon", "panic@on+x"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_fault_begins_once_when_its_stage_has_lasted_so_long() {
        let text = ["panic@agent+5", "garbage=1@login"];
        let mut faults = FaultPlan::new(text.into_iter().filter_map(BoardFault::read).collect());
        faults.reached(BoardStage::Login, 10 * MS);
        assert_eq!(faults.due(12 * MS), [BoardFaultKind::Garbage(1)]);
        faults.reached(BoardStage::Agent, 20 * MS);
        // A stage begins once.
        faults.reached(BoardStage::Agent, 90 * MS);
        assert_eq!(faults.due(24 * MS), []);
        assert_eq!(faults.due(25 * MS), [BoardFaultKind::Panic]);
        assert_eq!(faults.due(26 * MS), []);
        let now: Vec<BoardFaultKind> = faults.now(26 * MS).collect();
        assert_eq!(now, [BoardFaultKind::Panic, BoardFaultKind::Garbage(1)]);
    }

    #[test]
    fn noise_strikes_as_often_as_it_is_told_and_the_same_each_time() {
        let said = vec![b'x'; 100_000];
        let run = |wrong| Noise::new(7).pass(&said, &[wrong]);
        let other = run(BoardFaultKind::Garbage(10)).iter().filter(|byte| **byte != b'x').count();
        assert!((800..1_200).contains(&other), "{other}");
        let lost = said.len() - run(BoardFaultKind::Dropped(100)).len();
        assert!((9_000..11_000).contains(&lost), "{lost}");
        assert_eq!(run(BoardFaultKind::Garbage(1)), run(BoardFaultKind::Garbage(1)));
        assert_eq!(run(BoardFaultKind::Panic), said);
    }

    #[test]
    fn a_log_line_comes_in_at_each_byte_of_a_line_in_turn() {
        let mut noise = Noise::new(1);
        let heard = noise.pass(&b"abc\n".repeat(7), &[BoardFaultKind::Interleaved(1)]);
        let heard = String::from_utf8(heard).expect("text");
        let log = String::from_utf8_lossy(LOG);
        // The first line has begun before anything strikes.
        let lines = ["abc\n", "*abc\n", "a*bc\n", "ab*c\n", "abc*\n", "abc\n", "*abc\n"];
        assert_eq!(heard, lines.concat().replace('*', &log));
    }

    #[test]
    fn a_receiver_loses_what_it_has_no_room_for() {
        let mut fifo = Fifo::default();
        assert_eq!(fifo.take(b"abcdef", 4, 7 * MS), b"abcd");
        assert_eq!(fifo.take(b"gh", 4, 7 * MS), b"");
        assert_eq!(fifo.take(b"ij", 4, 8 * MS), b"ij");
        assert!(at_a_wrong_rate(b"login: ").iter().all(|byte| *byte >= 0x80));
    }
}
