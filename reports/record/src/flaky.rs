//! The same run, several times, with different ends.

use crate::{Summary, Verdict};

/// A run that passed sometimes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaky {
    /// Its seed.
    pub seed: u64,
    /// How often it passed.
    pub passed: u64,
    /// How often it failed. Of an error, and of what is inconclusive, the device is not to blame.
    pub failed: u64,
    /// The first that failed, as [`Summary::which`] has it.
    pub first_failed: String,
}

/// Of the runs of one scenario those that passed and failed, in the order of their first run. Runs with different
/// seeds are different runs.
#[must_use]
pub fn flaky<'a>(runs: impl IntoIterator<Item = &'a Summary>) -> Vec<Flaky> {
    let mut all: Vec<(u64, Vec<&Summary>)> = Vec::new();
    for run in runs {
        match all.iter_mut().find(|(seed, _)| *seed == run.seed) {
            Some((_, same)) => same.push(run),
            None => all.push((run.seed, vec![run])),
        }
    }
    let flaky = |(seed, runs): (u64, Vec<&Summary>)| {
        let with = |verdict| runs.iter().filter(move |run| run.verdict == verdict);
        let first = with(Verdict::Fail).next()?;
        let (passed, failed) =
            (with(Verdict::Pass).count() as u64, with(Verdict::Fail).count() as u64);
        (passed > 0).then(|| Flaky { seed, passed, failed, first_failed: first.which() })
    };
    all.into_iter().filter_map(flaky).collect()
}

impl std::fmt::Display for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { passed, failed, first_failed, .. } = self;
        write!(f, "flaky: {passed} passed and {failed} failed, first seed {first_failed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, FORMAT, Header, MediaMode, SCHEMA};

    fn run(seed: u64, repeat: u32, verdict: Verdict) -> Summary {
        let header = Header {
            format: FORMAT.to_owned(),
            schema: SCHEMA,
            parallax_version: String::new(),
            scenario: "two-homes".parse().expect("a name"),
            scenario_file: None,
            title: String::new(),
            why: String::new(),
            seed,
            repeat: Some(repeat),
            clock: Clock::Real { bound_us: 1 },
            duration_us: 1,
            media_mode: MediaMode::Live,
            sites: Vec::new(),
            services: Vec::new(),
            peers: Vec::new(),
            streams: Vec::new(),
            events: Vec::new(),
            checks: Vec::new(),
        };
        Summary { verdict, ..Summary::broken(&header, String::new()) }
    }

    #[test]
    fn a_run_that_passed_sometimes_is_flaky_and_its_first_failure_is_named() {
        let runs = [
            run(1, 1, Verdict::Pass),
            run(1, 2, Verdict::Fail),
            run(1, 3, Verdict::Error),
            run(2, 1, Verdict::Fail),
            run(2, 2, Verdict::Fail),
            run(3, 1, Verdict::Pass),
            // The lab's fault is not the board's.
            run(3, 2, Verdict::Inconclusive),
            run(3, 3, Verdict::Error),
        ];
        let flaky = flaky(&runs);
        assert_eq!(flaky.len(), 1, "never and always are not flaky: {flaky:?}");
        assert_eq!(flaky[0].to_string(), "flaky: 1 passed and 1 failed, first seed 1, repeat 2");
        assert_eq!(runs[1].folder(), "seed-1-repeat-2");
    }
}
