//! Permission for a board's next run, by the outcomes of checkups and runs.

use parallax_bench::Blame;
use parallax_record::{Header, Summary, Verdict};

/// Failed runs in a row, for one reason, after which no further one is tried.
const ENOUGH: u32 = 2;

/// How it goes with a board through the runs of a command.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// It is looked at before its next run.
    due: bool,
    /// Nothing more runs on it.
    aside: Option<Aside>,
    /// The last run saw it die.
    died: bool,
    /// Why the last runs came to nothing, and how many these are.
    reason: Option<(String, u32)>,
}

/// Why nothing runs on a board any more.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Aside {
    /// The lab has failed.
    Lab(String),
    /// Of what does not run nothing can be said.
    Nobody(String),
}

impl Course {
    /// Of a board that nothing is known of.
    pub(super) fn new() -> Self {
        Self { due: true, ..Self::default() }
    }

    /// Of a board that cannot be had.
    pub(super) fn without(why: String) -> Self {
        Self { aside: Some(Aside::Lab(why)), ..Self::default() }
    }

    /// Whether it is to be looked at before its next run.
    pub(super) fn is_due(&self) -> bool {
        self.due && self.aside.is_none()
    }

    /// A checkup came to this. What the run that follows is to tell of it, if it is to be: one that was seen
    /// to die is run, so that a record tells how, unless one has just done so.
    pub(super) fn checked(&mut self, blame: Option<Blame>) -> Option<String> {
        self.due = false;
        let unhealthy = |why: &str| format!("the board is not healthy: {why}");
        match blame {
            None => None,
            Some(Blame::Device(why)) if !self.died => {
                Some(format!("the checkup before: {}", unhealthy(&why)))
            }
            // The run that saw it die has failed: more of that is nothing new.
            Some(Blame::Device(why) | Blame::Unknown(why)) => {
                self.aside = Some(Aside::Nobody(unhealthy(&why)));
                None
            }
            Some(Blame::Lab(why)) => {
                self.aside = Some(Aside::Lab(unhealthy(&why)));
                None
            }
        }
    }

    /// A run came to this; `whole`: it lasted as long as it was to.
    pub(super) fn ran(&mut self, summary: &Summary, whole: bool) {
        self.died = !summary.failures.is_empty();
        let nothing = match summary.verdict {
            Verdict::Error => summary.faults.first(),
            Verdict::Inconclusive if !whole => summary.doubts.last(),
            _ => None,
        };
        self.due = self.died || nothing.is_some();
        self.reason = nothing.map(|why| match self.reason.take() {
            Some((last, runs)) if like(&last) == like(why) => (last, runs + 1),
            _ => (why.clone(), 1),
        });
        if let Some((why, runs)) = &self.reason
            && *runs >= ENOUGH
        {
            let why = format!("{runs} runs in a row came to nothing: {why}");
            self.aside = Some(match summary.verdict {
                Verdict::Error => Aside::Lab(why),
                _ => Aside::Nobody(why),
            });
        }
    }

    /// The summary of a planned run that is not run, if it is to be reported.
    pub(super) fn not_run(&self, header: &Header) -> Option<Summary> {
        self.aside.as_ref().map(|aside| match aside {
            Aside::Lab(why) => Summary::broken(header, format!("not run: {why}")),
            Aside::Nobody(why) => Summary::unclear(header, format!("not run: {why}")),
        })
    }
}

/// A reason without its numbers: times and process numbers differ where the reason is the same.
fn like(why: &str) -> String {
    why.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_record::Clock;
    use parallax_scenario::{Builtin, parse};

    fn header() -> Header {
        let text = include_str!("../../../fixtures/scenarios/same-lan.toml");
        let scenario = parse("same-lan.toml", text, &Builtin).expect("it ships");
        parallax_fabric::header(&scenario, 1, "0.0.0", Clock::Real { bound_us: 1 })
    }

    fn broken(why: &str) -> Summary {
        Summary::broken(&header(), why.to_owned())
    }

    fn verdict(course: &Course) -> Option<Verdict> {
        course.not_run(&header()).map(|summary| summary.verdict)
    }

    #[test]
    fn a_board_is_looked_at_before_its_first_run_and_after_one_that_broke() {
        let mut course = Course::new();
        assert!(course.is_due());
        assert_eq!(course.checked(None), None);
        assert!(!course.is_due());
        let mut passed = Summary::unclear(&header(), "the lab was late".to_owned());
        course.ran(&passed, true);
        assert!(!course.is_due(), "it lasted as long as it was to");
        course.ran(&passed, false);
        assert!(course.is_due());
        course.checked(None);
        passed.verdict = Verdict::Fail;
        course.ran(&passed, true);
        assert!(!course.is_due(), "its checks failed, and the board did not");
        passed.failures.push("it panicked".to_owned());
        course.ran(&passed, false);
        assert!(course.is_due());
        assert_eq!(verdict(&course), None);
    }

    #[test]
    fn nothing_runs_on_a_sick_board_and_whose_doing_that_is_decides_what_it_comes_to() {
        let mut course = Course::new();
        assert_eq!(course.checked(Some(Blame::Lab("no agent".to_owned()))), None);
        let told = course.not_run(&header()).expect("nothing runs");
        assert_eq!(told.faults, ["not run: the board is not healthy: no agent"]);
        assert_eq!(verdict(&course), Some(Verdict::Error));
        let mut course = Course::new();
        course.checked(Some(Blame::Unknown("not a byte came".to_owned())));
        assert_eq!(verdict(&course), Some(Verdict::Inconclusive));
        assert_eq!(verdict(&Course::without("leased".to_owned())), Some(Verdict::Error));
        assert!(!Course::without("leased".to_owned()).is_due());
    }

    #[test]
    fn a_board_that_dies_in_its_checkup_is_run_once_so_that_a_record_tells_how() {
        let mut course = Course::new();
        let dies = || Some(Blame::Device("it panicked".to_owned()));
        let told = course.checked(dies()).expect("it is told");
        assert!(told.contains("the checkup before: the board is not healthy: it panicked"));
        assert_eq!(verdict(&course), None);
        let mut failed = broken("");
        (failed.verdict, failed.failures) = (Verdict::Fail, vec!["it panicked".to_owned()]);
        course.ran(&failed, false);
        assert!(course.is_due());
        assert_eq!(course.checked(dies()), None);
        assert_eq!(verdict(&course), Some(Verdict::Inconclusive), "that run has failed already");
    }

    #[test]
    fn after_two_runs_that_came_to_nothing_for_one_reason_the_rest_is_not_run() {
        let mut course = Course::new();
        course.ran(&broken("no relay after 20 s"), true);
        course.ran(&broken("another reason"), true);
        course.ran(&broken("no relay after 20 s"), true);
        assert_eq!(verdict(&course), None, "each had another reason");
        course.ran(&broken("no relay after 21 s"), true);
        let told = course.not_run(&header()).expect("nothing runs");
        assert_eq!(told.faults, ["not run: 2 runs in a row came to nothing: no relay after 20 s"]);
    }
}
