//! Progress display: a line on the standard error of a terminal, gone at the end.

use crate::{output, schedule::News};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parallax_record::Verdict;
use parallax_render::{Shown, escape::tame};
use std::time::Duration;

/// Most running runs that are named.
const NAMED: usize = 4;

/// The line. Where the standard error is no terminal, it shows nothing.
#[derive(Debug)]
pub(crate) struct Display {
    bar: ProgressBar,
    running: Vec<String>,
    missed: usize,
}

impl Display {
    /// A display of `runs` runs. `quiet`: others write to the standard error while they go on.
    pub(crate) fn new(runs: usize, quiet: bool) -> Self {
        let noun = if runs == 1 { "run" } else { "runs" };
        let bar = bar(
            runs as u64,
            quiet,
            &format!("{{pos}} of {{len}} {noun}  {{elapsed}}  {{wide_msg}}"),
        );
        Self { bar, running: Vec::new(), missed: 0 }
    }

    /// Takes in what has happened.
    pub(crate) fn hear(&mut self, news: &News<'_>) {
        match news {
            News::Began(run) => self.running.push(run.name()),
            News::Ended(run, done) => {
                let name = run.name();
                self.running.retain(|running| *running != name);
                if let Some(done) = done {
                    self.bar.inc(1);
                    self.missed += usize::from(done.summary.verdict != Verdict::Pass);
                }
            }
        }
        self.bar.set_message(tame(&message(self.missed, &self.running)));
    }

    /// Says something on the standard output, above the line.
    pub(crate) fn say(&self, text: &Shown) {
        self.bar.suspend(|| output::say(text));
    }

    /// Takes the line away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn bar(whole: u64, quiet: bool, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(whole);
    bar.set_draw_target(match quiet || !output::drawn() {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    });
    // Without colours, `NO_COLOR` needs no care.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(500));
    bar
}

/// A run in real time: how long it has gone on, beside how long it is to. Gone with what it gives.
pub(crate) fn while_it_goes<T>(what: &str, whole: Duration, run: impl FnOnce() -> T) -> T {
    let bar = bar(1, false, "{elapsed} {wide_msg}");
    bar.set_message(tame(&format!("of {} s  {what}", whole.as_secs())));
    let ran = run();
    bar.finish_and_clear();
    ran
}

fn message(missed: usize, running: &[String]) -> String {
    let mut text = match missed {
        0 => String::new(),
        missed => format!("{missed} not passed  "),
    };
    if !running.is_empty() {
        text += "running: ";
        text += &running.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    }
    if running.len() > NAMED {
        text += &format!(" and {} more", running.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_goes_on_and_what_went_wrong() {
        let names = |seeds: std::ops::Range<u32>| {
            seeds.map(|seed| format!("two-homes seed {seed}")).collect::<Vec<_>>()
        };
        assert_eq!(message(0, &[]), "");
        assert_eq!(message(0, &names(1..2)), "running: two-homes seed 1");
        assert_eq!(
            message(2, &names(1..8)),
            "2 not passed  running: two-homes seed 1, two-homes seed 2, two-homes seed 3, \
             two-homes seed 4 and 3 more"
        );
    }
}
