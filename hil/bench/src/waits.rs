//! Time for which a board that is a process of this machine waited for a processor: what it left out meanwhile is not
//! its own doing.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(500);
/// Between two looks no thread of it may have waited longer: two fifths of the time. A virtual machine that had
/// waited for 116 ms streamed as ever.
const LIMIT: Duration = Duration::from_millis(200);

/// Threads by process and number, each with how long it has waited since it began.
type Threads = BTreeMap<(u32, u32), Duration>;

/// The longest that any thread waited between two looks, and how often it was more than [`LIMIT`].
#[derive(Debug, Default)]
pub(crate) struct Waits {
    last: Threads,
    looked: Option<Instant>,
    looks: u32,
    too_long: u32,
    longest: Duration,
}

impl Waits {
    /// Looks, if it is time to: `process` is the board's, what it has started is part of it.
    pub(crate) fn look(&mut self, process: impl FnOnce() -> Option<u32>) {
        let apart = self.looked.map(|looked| looked.elapsed());
        if apart.is_some_and(|apart| apart < LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        if let Some(process) = process() {
            let mut now = Threads::new();
            threads(process, &mut now);
            self.take(now, apart.unwrap_or(LOOK));
        }
    }

    /// `apart`: since the look before. One that came late saw more waiting.
    fn take(&mut self, now: Threads, apart: Duration) {
        // What a process waited before it was looked at first is not of this run.
        if self.last.is_empty() {
            self.last = now;
            return;
        }
        let waited = |(thread, waited): (&(u32, u32), &Duration)| {
            waited.saturating_sub(self.last.get(thread).copied().unwrap_or_default())
        };
        let longest = now.iter().map(waited).max().unwrap_or_default();
        let longest = longest.mul_f64(LOOK.as_secs_f64() / apart.max(LOOK).as_secs_f64());
        self.looks += u32::from(!now.is_empty());
        self.too_long += u32::from(longest > LIMIT);
        self.longest = self.longest.max(longest);
        self.last = now;
    }

    /// The note on `board`, if it was looked at; and whether it waited too long.
    pub(crate) fn told(&self, board: &str) -> Option<(String, bool)> {
        let (longest, limit) = (self.longest.as_millis(), LIMIT.as_millis());
        let (looks, often, apart) = (self.looks, self.too_long, LOOK.as_millis());
        (looks > 0).then(|| match often {
            0 => (format!("{board} waited for a processor for at most {longest} ms of {apart} ms"), false),
            _ => {
                let text = format!(
                    "{board} is a process of this machine and waited for a processor for up to {longest} ms of \
                     {apart} ms, {limit} ms allowed, {often} of {looks} times: what it left out or was late with may \
                     be the machine's doing"
                );
                (text, true)
            }
        })
    }
}

/// The threads of a process and of those that it has started. What ends meanwhile is left out; where the system
/// tells nothing there are none.
fn threads(process: u32, all: &mut Threads) {
    let Ok(folder) = fs::read_dir(format!("/proc/{process}/task")) else { return };
    for thread in folder.flatten() {
        let Some(number) = thread.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if all.contains_key(&(process, number)) {
            continue;
        }
        let waited = fs::read_to_string(thread.path().join("schedstat"));
        if let Some(waited) = waited.ok().as_deref().and_then(waited_in) {
            all.insert((process, number), waited);
        }
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children
            .split_whitespace()
            .filter_map(|child| child.parse().ok())
            .for_each(|child| threads(child, all));
    }
}

/// `schedstat` has nanoseconds on a processor, nanoseconds of waiting for one, and how often it had one (Linux,
/// `Documentation/scheduler/sched-stats.rst`).
fn waited_in(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_whitespace().nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{process::Command, thread};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_longest_wait_of_one_thread_between_two_looks_counts() {
        let mut waits = Waits::default();
        assert_eq!(waits.told("door"), None);
        waits.take(Threads::from([((7, 7), ms(6_000)), ((7, 8), ms(7_000))]), LOOK);
        assert_eq!(waits.told("door"), None, "that was before");
        waits
            .take(Threads::from([((7, 7), ms(6_070)), ((7, 8), ms(7_020)), ((9, 9), ms(5))]), LOOK);
        let (text, too_long) = waits.told("door").expect("it was looked at");
        assert!(text.contains("at most 70 ms of 500 ms") && !too_long, "{text}");
        // A look that came after twice the time counts by halves.
        waits.take(Threads::from([((7, 7), ms(6_190)), ((9, 9), ms(10))]), 2 * LOOK);
        assert!(waits.told("door").is_some_and(|(_, too_long)| !too_long));
        waits.take(Threads::from([((7, 7), ms(6_410)), ((9, 9), ms(10))]), LOOK);
        let (text, too_long) = waits.told("door").expect("it was looked at");
        assert!(
            text.contains("up to 220 ms") && text.contains("1 of 3 times") && too_long,
            "{text}"
        );
    }

    #[test]
    fn what_linux_says_is_read() {
        assert_eq!(waited_in("184168160 38998097 681\n"), Some(Duration::from_nanos(38_998_097)));
        assert_eq!(waited_in("184168160"), None);
        assert_eq!(waited_in(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_threads_and_those_of_what_it_started() {
        let of = |process| {
            let mut all = Threads::new();
            threads(process, &mut all);
            all
        };
        // The last command of a shell may take its place: so it has something left to do.
        let mut shell = Command::new("sh").args(["-c", "sleep 60; true"]).spawn().expect("a shell");
        while of(shell.id()).len() < 2 {
            assert_eq!(shell.try_wait().expect("a process"), None, "it ended");
            thread::yield_now();
        }
        let both: Vec<u32> = of(shell.id()).into_keys().map(|(process, _)| process).collect();
        assert!(both.contains(&shell.id()), "{both:?}");
        for process in both.into_iter().rev() {
            let _ = Command::new("kill").args(["-9", &process.to_string()]).status();
        }
        shell.wait().expect("it ends");
        assert!(of(shell.id()).is_empty(), "it is gone");
    }
}
