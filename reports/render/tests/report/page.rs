//! The page: its structure, its texts, its size.

use crate::support::{folder, folder_of, header};
use parallax_record::{MediaMode, Suite};
use parallax_render::{
    Report, html,
    input::{Folder, FolderOrigin},
    png,
};
use std::fmt::Write;

/// Headings and landmarks, in their order.
fn outline(page: &str) -> String {
    let mut out = String::new();
    for line in page.lines() {
        let tags = ["<header", "<nav", "<main", "<footer", "<h1", "<h2", "<h3", "<h4", "<h5"];
        let Some(tag) = tags.iter().find(|tag| line.trim_start().starts_with(**tag)) else {
            continue;
        };
        let _ = writeln!(out, "{} {}", &tag[1..], text(line));
    }
    out
}

/// A line without its tags.
fn text(line: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in line.chars() {
        match character {
            '<' => inside = true,
            '>' => inside = false,
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page without styles, script and drawings.
fn words(page: &str) -> String {
    let mut out = page.to_owned();
    for (begin, end) in [("<style", "</style>"), ("<script", "</script>"), ("<svg", "</svg>")] {
        while let Some(from) = out.find(begin) {
            let to = from + out[from..].find(end).expect("it ends") + end.len();
            out.replace_range(from..to, "");
        }
    }
    out.lines().map(text).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn landmarks_and_headings_are_in_order() {
    let page = html::report(&Report::new(&[folder(&[1, 2])]));
    insta::assert_snapshot!(outline(&page));
}

#[test]
fn the_page_says_what_failed_and_what_each_figure_means() {
    let page = html::report(&Report::new(&[folder(&[1, 2])]));
    insta::assert_snapshot!(words(&page));
}

#[test]
fn a_report_of_nothing_is_still_a_page() {
    let nothing = Folder {
        name: "out".into(),
        suite: Suite::new(vec![]),
        environment: None,
        details: vec![],
        origin: FolderOrigin::default(),
    };
    let page = html::report(&Report::new(&[nothing]));
    assert!(page.contains("Nothing ran"));
    assert!(page.ends_with("</html>"));
}

#[test]
fn the_same_records_make_the_same_bytes() {
    let folders = [folder(&[1, 2])];
    let once = Report::new(&folders);
    let again = Report::new(&folders);
    assert_eq!(html::report(&once), html::report(&again));
    assert_eq!(png::run(&once, &once.details[0]), png::run(&again, &again.details[0]));
}

#[test]
fn nothing_of_the_page_asks_the_network() {
    let page = html::report(&Report::new(&[folder(&[1])]));
    assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    let without_names = page.replace("http://www.w3.org/2000/svg", "");
    for word in ["http://", "https://", "src=\"//", "@import", "url(http", "<link rel=\"stylesheet"]
    {
        assert!(!without_names.contains(word), "{word}");
    }
}

#[test]
fn prerecorded_runs_say_so_and_have_no_picture_quality() {
    let mut header = header(1);
    header.media_mode = MediaMode::Prerecorded;
    let page = html::report(&Report::new(&[folder_of(vec![header])]));
    assert!(page.contains("prerecorded media"));
    assert!(page.contains("--seed 1 --media prerecorded"));
}

#[test]
fn every_identifier_is_there_once_and_every_link_leads_somewhere() {
    let page = html::report(&Report::new(&[folder(&[1, 2])]));
    let of = |before: &str| {
        let found = page.match_indices(before).map(|(at, _)| {
            let rest = &page[at + before.len()..];
            rest[..rest.find('"').expect("it ends")].to_owned()
        });
        found.collect::<Vec<_>>()
    };
    let mut ids = of(" id=\"");
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    let links = of("href=\"#");
    assert!(links.len() > 10);
    for link in links {
        assert!(ids.binary_search(&link).is_ok(), "{link}");
    }
}

#[test]
fn five_thousand_runs_stay_below_twenty_megabytes() {
    let mut few = folder(&[1, 2, 3]);
    let runs = &few.suite.runs;
    let of = |seed: u64| {
        let mut run = runs[(seed % 3) as usize].clone();
        run.seed = seed;
        run
    };
    let all = (0..3).map(|at| runs[at].clone()).chain((4..=5_000).map(of)).collect();
    few.suite = Suite::new(all);
    let report = Report::new(&[few]);
    assert_eq!(report.runs.len(), 5_000);
    let page = html::report(&report);
    assert!(page.len() < 20_000_000, "{} bytes", page.len());
    assert!(page.contains("id=\"row-4999\""));
}

#[test]
fn pictures_are_png_with_something_in_them() {
    let report = Report::new(&[folder(&[1, 2])]);
    let mut all = png::run(&report, &report.details[0]);
    all.push(("grid.png".into(), png::grid(&report)));
    let names: Vec<_> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "doorbell_phone_timeline.png",
            "doorbell_phone_percentiles.png",
            "doorbell_phone_heat.png",
            "doorbell_phone_connection.png",
            "grid.png"
        ]
    );
    for (name, bytes) in all {
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        assert!(bytes.len() > 3_000, "{name}: {} bytes", bytes.len());
    }
}
