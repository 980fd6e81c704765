//! Every kind of check, in a run of the command: it fails, and it is inconclusive; the terminal says
//! what a human needs to see why.
#![cfg(target_os = "linux")]

mod support;

use parallax_record::CheckKind;
use serde_json::Value;
use support::{Place, shipped};

/// Every kind of check: as its results are called, and as the scenario writes it.
const KINDS: [&str; CheckKind::ALL.len()] = [
    "connects",
    "path",
    "time_to_first_frame",
    "capture_to_render",
    "freezes",
    "longest_freeze",
    "frames_lost",
    "psnr",
    "ssim",
    "recovery",
];

/// `two-homes`, cut to 10 s, whose up link at the house is dead from 7 s to 8 s: frames are lost,
/// the picture freezes and comes back.
fn outage(checks: &str) -> String {
    let text = shipped("two-homes", 10);
    let (world, _) = text.split_once("[[check]]").expect("checks");
    format!(
        "{world}[event.outage]\nat = \"7s\"\nchange_link = {{ site = \"house\", direction = \"up\", \
         loss = \"100%\", lasts = \"1s\" }}\n{checks}"
    )
}

/// One check of each kind, with its `why`.
fn checks(demands: &[(&str, String)]) -> String {
    let named: Vec<&str> = demands.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(named, KINDS, "a kind is missing");
    let check = |(kind, demand): &(&str, String)| {
        format!("\n[[check]]\n{kind} = {demand}\nwhy = \"This is why {kind} is checked.\"\n")
    };
    demands.iter().map(check).collect()
}

/// The results of each kind, by the kind.
fn results(place: &Place) -> Vec<(&'static str, Vec<Value>)> {
    let summary = place.json("out/summary.json");
    let all = summary["runs"][0]["checks"].as_array().expect("checks").clone();
    let of = |kind: &str| {
        let named = |check: &&Value| {
            let name = check["name"].as_str().expect("a name");
            name == kind || name.starts_with(&format!("{kind} "))
        };
        all.iter().filter(named).cloned().collect::<Vec<_>>()
    };
    KINDS.iter().map(|kind| (*kind, of(kind))).collect()
}

/// Each kind came to `verdict`, and the terminal shows the check with all of its rows.
fn assert_all(place: &Place, said: &str, verdict: &str, rows: &[&str]) {
    for (kind, results) in results(place) {
        assert!(!results.is_empty(), "{kind} is not in the summary");
        for check in &results {
            assert_eq!(check["verdict"], verdict, "{check}");
        }
        let why = format!("This is why {kind} is checked.");
        let lines: Vec<&str> = said.lines().collect();
        let at = lines.iter().position(|line| line.contains(&why));
        let at = at.unwrap_or_else(|| panic!("{kind} is not shown:\n{said}"));
        let above = (0..at).rev().find(|line| lines[*line].trim().starts_with(verdict));
        let shown = lines[above.expect("a head")..=at].join("\n");
        for row in rows {
            let row = |line: &str| line.trim().starts_with(row);
            assert!(shown.lines().any(row), "{kind} has no such row:\n{shown}");
        }
    }
}

/// Figures depend on the codec, and so on the compiler: a page that people read without them.
fn without_figures(said: &str) -> String {
    let mut page = String::new();
    for c in said.chars() {
        match c {
            '0'..='9' if page.ends_with('#') => {}
            '0'..='9' => page.push('#'),
            '.' if page.ends_with('#') => {}
            c => page.push(c),
        }
    }
    // Nor does the page tell one freeze from two, or whether frames were lost in one more way.
    let page = page.replace("# freezes", "# freeze");
    let kept = page.lines().filter(|line| !line.trim().starts_with("picture"));
    kept.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_kind_of_check_can_fail() {
    let demands = [
        ("connects", "{ within = \"1200ms\" }".to_owned()),
        ("path", "{ relayed = true }".to_owned()),
        ("time_to_first_frame", "{ below = \"1200ms\" }".to_owned()),
        ("capture_to_render", "{ percentile = 50, below = \"5ms\" }".to_owned()),
        ("freezes", "{ at_most = 0, total_below = \"1ms\" }".to_owned()),
        ("longest_freeze", "{ below = \"1ms\" }".to_owned()),
        ("frames_lost", "{ at_most = 0 }".to_owned()),
        ("psnr", "{ above = \"90dB\" }".to_owned()),
        ("ssim", "{ above = 0.999, percentile = 5 }".to_owned()),
        ("recovery", "{ after = \"outage\", within = \"10ms\" }".to_owned()),
    ];
    let place = Place::with("bad.toml", &outage(&checks(&demands)));
    let called = place.call(&["sim", "bad.toml", "--out", "out"]).ended(10);
    assert_all(&place, &called.said, "fail", &["fail", "measured", "bound", "why"]);
    insta::assert_snapshot!(without_figures(&called.said));
}

#[test]
fn every_kind_of_check_can_be_inconclusive() {
    // 123 frames are in the time in which the camera may run, and nobody streams as soon as it does.
    let too_many = "minimum_sample = 120";
    let lenient = |within: [u64; 3]| {
        let [connects, first, recovery] = within.map(|us| format!("\"{us}us\""));
        [
            ("connects", format!("{{ within = {connects} }}")),
            ("path", format!("{{ relayed = false, {too_many} }}")),
            ("time_to_first_frame", format!("{{ below = {first} }}")),
            ("capture_to_render", format!("{{ percentile = 50, below = \"2s\", {too_many} }}")),
            ("freezes", format!("{{ at_most = 99, total_below = \"9s\", {too_many} }}")),
            ("longest_freeze", format!("{{ below = \"9s\", {too_many} }}")),
            ("frames_lost", format!("{{ at_most = \"99%\", {too_many} }}")),
            ("psnr", format!("{{ above = \"1dB\", {too_many} }}")),
            ("ssim", format!("{{ above = 0, {too_many} }}")),
            ("recovery", format!("{{ after = \"outage\", within = {recovery} }}")),
        ]
    };
    let place =
        Place::with("vague.toml", &outage(&checks(&lenient([7_000_000, 7_000_000, 2_000_000]))));
    place.call(&["sim", "vague.toml", "--out", "out"]).ended(11);
    // What happens once is measured, and then bounded so that the truth may lie on either side.
    let measured = |kind: &str| {
        let results = results(&place);
        let (_, found) = results.iter().find(|(name, _)| *name == kind).expect("a kind");
        assert_eq!(found[0]["verdict"], "pass", "{}", found[0]);
        found[0]["measured"].as_u64().expect("measured")
    };
    let astride =
        ["connects", "time_to_first_frame", "recovery"].map(|kind| measured(kind) - 1_000);
    place.write("vague.toml", &outage(&checks(&lenient(astride))));
    let called = place.call(&["sim", "vague.toml", "--out", "out"]).ended(11);
    let rows = ["inconclusive", "measured", "bound", "unclear", "why"];
    assert_all(&place, &called.said, "inconclusive", &rows);
}
