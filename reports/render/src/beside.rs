//! Simulation and measurement, side by side, as text.

use crate::{
    escape::tame,
    figure,
    shown::{Shown, Style},
    view::budget,
};
use parallax_record::{
    MediaMode, Verdict,
    beside::{Compared, Pair, RANGE_RUNS, Scale, Side, SideBySide, Within},
};

/// A few lines for each stream that both sides have: where it comes from, then its figures in a table.
#[must_use]
pub fn text(beside: &SideBySide, style: Style) -> Shown {
    let mut out = Shown::default();
    for (_, pair) in worst_first(beside).into_iter().take(budget::PAIRS) {
        let word =
            pair.verdict.map_or_else(|| "SIDE BY SIDE".into(), |verdict| style.word(verdict));
        out.push(word);
        out.push(format!("    {}\n", headline(pair, beside.within)));
        let [ours, theirs] = sides(pair);
        out.push(format!("  simulated     {ours}\n  measured      {theirs}\n"));
        if let Some(within) = beside.within {
            out.push(format!("  held to it    {}\n", held(within)));
        }
        if let Some(text) = left_out_of_it(pair) {
            out.push(format!("  left out      {text}\n"));
        }
        for warning in warnings(pair) {
            out.push(format!("  unlike        {warning}\n"));
        }
        let head = ["", "simulated", "measured", "difference", "uncertainty"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(pair.figures.iter().map(|compared| row(compared, beside.within)));
        let widest =
            |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [name, one, two, three] = [0, 1, 2, 3].map(widest);
        for (at, [a, b, c, d, e]) in rows.iter().enumerate() {
            let verdict = at.checked_sub(1).and_then(|at| pair.figures.get(at)?.verdict);
            let verdict = verdict.map_or(String::new(), |verdict| format!("  {verdict}"));
            out.push(format!("  {a:<name$}  {b:>one$}  {c:>two$}  {d:>three$}  {e}{verdict}"));
            out.end_line();
        }
    }
    if let Some(more) = left_out(beside) {
        out.push(format!("  {more}\n"));
    }
    for alone in beside.alone.iter().take(budget::STREAM_ROWS) {
        out.push(format!("NOT COMPARED    {}\n", tame(alone)));
    }
    out
}

/// The pairs with their places, those that are not near enough first.
pub(crate) fn worst_first(beside: &SideBySide) -> Vec<(usize, &Pair)> {
    let mut pairs: Vec<_> = beside.pairs.iter().enumerate().collect();
    pairs.sort_by_key(|(_, pair)| std::cmp::Reverse(pair.verdict));
    pairs
}

/// What is said of the pairs that are not shown, if there are any.
pub(crate) fn left_out(beside: &SideBySide) -> Option<String> {
    let more = beside.pairs.len().saturating_sub(budget::PAIRS);
    (more > 0).then(|| {
        format!(
            "{} more, the nearer ones: report/parallax.json has all",
            figure::counted(more as u64, "stream")
        )
    })
}

/// Why the bound was not kept by all streams, in one line.
pub(crate) fn verdict_text(beside: &SideBySide, verdict: Verdict) -> String {
    let bound = beside.within.map_or(String::new(), told);
    let count =
        |verdict| beside.pairs.iter().filter(|pair| pair.verdict == Some(verdict)).count() as u64;
    let total = figure::counted(beside.pairs.len() as u64, "stream");
    let mut parts = Vec::new();
    for (verdict, what) in
        [(Verdict::Fail, "farther apart than allowed"), (Verdict::Inconclusive, "inconclusive")]
    {
        let count = count(verdict);
        if count > 0 {
            parts.push(format!("{count} of {total} {what}"));
        }
    }
    if !beside.alone.is_empty() {
        parts.push(format!("{} not compared", beside.alone.len()));
    }
    if parts.is_empty() {
        parts.push(verdict.to_string());
    }
    format!("simulation and measurement{bound}: {}", parts.join(", "))
}

/// A bound, after what it is for.
fn told(within: Within) -> String {
    match within {
        Within::Medians { percent, us } => {
            let time = figure::duration(i64::try_from(us).unwrap_or(i64::MAX));
            format!(", within {percent} % or {time}")
        }
        Within::Range { percent } => {
            format!(", within the range of the simulated runs and {percent} %")
        }
    }
}

/// What the bound is for.
pub(crate) fn held(within: Within) -> String {
    match within {
        Within::Medians { .. } => {
            "the set-up from the offer on in three steps, capture-to-render, the medians of its stages, and the path"
                .to_owned()
        }
        Within::Range { .. } => format!(
            "set-up from the offer on, capture-to-render p50 and p95, frames lost, time frozen, and the path; \
             {RANGE_RUNS} simulated runs at least"
        ),
    }
}

/// What both sides were configured to take alike, if there is any.
pub(crate) fn left_out_of_it(pair: &Pair) -> Option<String> {
    let each = pair.alike.iter();
    let each = each.map(|one| format!("{} {}", one.stage, figure::to_ms(one.us)));
    let stages: Vec<String> = each.collect();
    let text = || format!("{}: configured alike; percentages are of the rest", stages.join(", "));
    (!stages.is_empty()).then(text)
}

/// Such as `simulation and measurement of two-homes, doorbell to phone, within 10 % or 5 ms`.
pub(crate) fn headline(pair: &Pair, within: Option<Within>) -> String {
    let [scenario, camera, viewer] =
        [&pair.scenario, &pair.camera, &pair.viewer].map(|name| tame(name));
    let within = within.map_or(String::new(), told);
    format!("simulation and measurement of {scenario}, {camera} to {viewer}{within}")
}

/// Where either side comes from: simulated, measured.
pub(crate) fn sides(pair: &Pair) -> [String; 2] {
    let all = |names: &std::collections::BTreeSet<String>, none: &str| match names.is_empty() {
        true => none.to_owned(),
        false => names.iter().map(|name| tame(name)).collect::<Vec<_>>().join(" or "),
    };
    let side = |side: &Side| {
        let left_out = match side.left_out {
            0 => String::new(),
            more => format!(" ({more} of which nothing is said left out)"),
        };
        let runs = figure::counted(side.runs, "run");
        let profile = all(&side.profiles, "of no profile");
        let path = all(&side.paths, "no pair was nominated");
        let viewer = all(&side.viewers, "of no profile");
        format!("{runs}{left_out}, camera {profile}, viewer {viewer}; {path}")
    };
    [side(&pair.simulated), side(&pair.measured)]
}

/// What makes the two sides unlike each other beside the place that they are seen from.
pub(crate) fn warnings(pair: &Pair) -> Vec<String> {
    let (ours, theirs) = (&pair.simulated, &pair.measured);
    let mut all = Vec::new();
    if !ours.profiles.is_empty()
        && !theirs.profiles.is_empty()
        && ours.profile_digests != theirs.profile_digests
    {
        all.push(
            "the cameras have other profiles: `parallax sim --profile CAMERA=FILE` takes the board's".to_owned(),
        );
    }
    if !ours.media.is_empty() && !theirs.media.is_empty() && ours.media != theirs.media {
        let told = |media: &std::collections::BTreeSet<MediaMode>| {
            media.iter().map(MediaMode::to_string).collect::<Vec<_>>().join(" and ")
        };
        all.push(format!(
            "the media are {} simulated, {} measured: simulate with the same `--media`",
            told(&ours.media),
            told(&theirs.media)
        ));
    }
    if !ours.durations_us.is_empty()
        && !theirs.durations_us.is_empty()
        && ours.durations_us != theirs.durations_us
    {
        all.push("the runs did not last equally long".to_owned());
    }
    if !ours.seeds.is_empty() && ours.seeds.is_disjoint(&theirs.seeds) && !theirs.seeds.is_empty() {
        all.push("no seed is on both sides: the network dealt either its own luck".to_owned());
    }
    match pair.same_path {
        Some(Verdict::Fail) => all.push("media went another way".to_owned()),
        Some(Verdict::Inconclusive) if ours.paths.is_empty() || theirs.paths.is_empty() => {
            all.push("which way media went is not known on both sides".to_owned());
        }
        Some(Verdict::Inconclusive) => {
            let only: Vec<String> =
                ours.paths.difference(&theirs.paths).map(|path| tame(path)).collect();
            let (simulated, measured) =
                (figure::counted(ours.runs, "run"), figure::counted(theirs.runs, "run"));
            all.push(format!(
                "simulated runs also went {}, and no measured one did ({simulated} simulated, {measured} measured): \
                 measure more runs (--repeat, --seeds)",
                only.join(" and ")
            ));
        }
        _ => {}
    }
    all
}

/// Name, simulated (its range, where that is demanded), measured, difference, and how far the truth may be from it.
pub(crate) fn row(compared: &Compared, within: Option<Within>) -> [String; 5] {
    let scale = compared.scale;
    let none = || "\u{2013}".to_owned();
    let (below, above) = compared.difference.map_or((0, 0), |difference| {
        (difference.by.abs_diff(difference.least), difference.most.abs_diff(difference.by))
    });
    let value = |us: i64| match scale {
        Scale::Us => figure::rounded(us, below.max(above)),
        _ => value(us, scale),
    };
    let over = |side: Option<parallax_record::beside::OverRuns>| {
        side.map_or_else(none, |side| value(side.median))
    };
    let difference = compared.difference.map_or_else(none, |difference| {
        let by = difference.by;
        let size = value(i64::try_from(by.unsigned_abs()).unwrap_or(i64::MAX));
        let sign = if size.starts_with("0 ") { "" } else { sign(by) };
        let simulated = compared.simulated.map_or(0, |side| side.median);
        let rest = simulated.saturating_sub(compared.alike).max(0);
        // A share of what may be no difference says nothing.
        let is_one = difference.least > 0 || difference.most < 0;
        let permille = (i128::from(by.unsigned_abs()) * 1_000)
            .checked_div(i128::from(rest))
            .filter(|_| is_one);
        let of = match compared.alike {
            0 => String::new(),
            _ => format!(" of {}", value(rest)),
        };
        let percent = permille.map_or(String::new(), |permille| match permille {
            0..100 => format!(" ({sign}{}.{} %{of})", permille / 10, permille % 10),
            _ => format!(" ({sign}{} %{of})", (permille + 5) / 10),
        });
        format!("{sign}{size}{percent}")
    });
    let open = figure::uncertainty(below, above);
    let range = compared.simulated.filter(|_| matches!(within, Some(Within::Range { .. })));
    let simulated = match range {
        Some(side) => format!("{} to {}", value(side.least), value(side.greatest)),
        None => over(compared.simulated),
    };
    [compared.name.clone(), simulated, over(compared.measured), difference, open]
}

fn value(value: i64, scale: Scale) -> String {
    let whole = value.unsigned_abs();
    match scale {
        Scale::Us => figure::duration(value),
        Scale::Ppm => figure::share(value),
        Scale::Count => value.to_string(),
        Scale::Bps => figure::bit_rate(whole),
    }
}

fn sign(by: i64) -> &'static str {
    match by {
        0 => "",
        1.. => "+",
        _ => "-",
    }
}
