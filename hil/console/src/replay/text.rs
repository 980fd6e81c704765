//! A replay as lines for people.

use super::{CameUp, Replay, ReplayKind, ReplayStep, ReplaySummary, Use};
use crate::{tell::counted, transcript::Form};
use core::fmt::{self, Write as _};

/// A text that cannot do anything to a terminal, whatever its origin.
fn tame(text: &str) -> String {
    let tame =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(tame).collect()
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = self.steps.iter().map(|step| step.line).max().unwrap_or(1).to_string().len();
        let wide = wide.max("line".len());
        writeln!(f, "{:>wide$}  {:>10}  {:<8}  what", "line", "time", "")?;
        for ReplayStep { line, at_ns, kind, text } in &self.steps {
            let time = at_ns.map_or("-".to_owned(), |at_ns| {
                format!("{}.{:03} s", at_ns / 1_000_000_000, at_ns / 1_000_000 % 1_000)
            });
            let text = tame(text);
            let text = if *kind == ReplayKind::Death { format!("dead: {text}") } else { text };
            writeln!(f, "{line:>wide$}  {time:>10}  {kind:<8}  {text}")?;
        }
        f.write_char('\n')?;
        summary(f, self.form, &self.summary)
    }
}

fn summary(f: &mut fmt::Formatter<'_>, form: Form, summary: &ReplaySummary) -> fmt::Result {
    let came_up = match &summary.came_up {
        CameUp::Yes { line } => format!("yes, line {line}"),
        CameUp::Prompt { line } => {
            format!("its prompt came, line {line}; a bench has it answer a probe besides")
        }
        CameUp::Login { line } => {
            format!("its login prompt came, line {line}; nobody logs in here, and a bench does")
        }
        CameUp::No(why) => format!("no; {}", tame(why)),
        CameUp::Open => {
            let last = summary.last.as_ref().map_or(String::new(), |(line, text)| {
                format!(", with {} in line {line}", tame(text))
            });
            format!(
                "not known: the recording ends before{last}, or no prompt of the profile matches what is in it"
            )
        }
    };
    writeln!(f, "came up   {came_up}")?;
    let times = match form {
        Form::Timed => "as recorded",
        Form::Untimed => "not known: somebody wrote this; no timeout counts",
        Form::Log => {
            "not known: this is a log; no timeout counts, and what was typed is not told from an echo"
        }
    };
    writeln!(f, "times     {times}")?;
    let ReplaySummary { boots, deaths, lines, messages, missing_frames, damaged, .. } = summary;
    writeln!(f, "boots     {boots}, deaths {deaths}")?;
    let (lines, messages) = (counted(*lines, "line"), counted(*messages, "message"));
    writeln!(f, "console   {lines} without a frame, {messages} in frames")?;
    writeln!(f, "frames    {missing_frames} missing, {damaged} damaged")?;
    if summary.torn {
        writeln!(f, "cut       the last line has no end, and is left out")?;
    }
    let wide = summary.patterns.iter().map(|used| used.key.len()).max().unwrap_or(0);
    f.write_str("patterns\n")?;
    for Use { key, pattern, matches, first_line, .. } in &summary.patterns {
        let found = match first_line {
            Some(line) => format!("{}, first line {line}", counted(*matches, "time")),
            None => "NEVER".into(),
        };
        writeln!(f, "  {key:<wide$}  {found:<26}  {}", tame(pattern))?;
    }
    if summary.patterns.iter().any(|used| used.own && used.matches == 0) {
        f.write_str(
            "help      what matches NEVER is wrong, or this recording lacks what it is for: hold it against what the board \
             says there;\n          docs/devices.md tells what to do\n",
        )?;
    }
    if let CameUp::No(why) = &summary.came_up
        && why.contains("boots in a loop")
    {
        f.write_str(
            "help      if a boot is meant to show several of `banners`, set `banners_per_boot`\n",
        )?;
    }
    Ok(())
}
