//! What a report shows of many streams is bounded, and it says what it leaves out.

use crate::support::{folder_of, header};
use parallax_record::{LossPhase, Stream};
use parallax_render::{
    Report, html, junit, markdown, png,
    terminal::{self, Style},
    view::Lost,
};

/// A run with so many streams: only the first has frames, so the checks of all others fail.
fn report(streams: usize) -> Report {
    let mut header = header(1);
    let phone = header.peers[1].clone();
    for number in 2..=streams {
        let mut other = phone.clone();
        other.name = format!("phone-{number}");
        let (camera, viewer) = ("doorbell".to_owned(), other.name.clone());
        header.streams.push(Stream { camera, viewer });
        header.peers.push(other);
    }
    Report::new(&[folder_of(vec![header])])
}

#[test]
fn the_cost_of_a_page_grows_with_what_it_shows() {
    let (some, many) = (report(20), report(400));
    let pages = [&some, &many].map(html::report);
    let plots = |page: &String| page.matches("<svg class=\"plot\"").count();
    assert_eq!(plots(&pages[0]), plots(&pages[1]));
    assert!(pages[1].contains("392 more streams are not drawn"));
    assert!(pages[1].contains("292 more streams: <code>summary.json</code> has all"));
    assert!(pages[1].contains("387 more checks of this run did not pass"));
    assert_eq!(png::run(&some, &some.details[0]).len(), png::run(&many, &many.details[0]).len());
    let run = &many.runs[0].summary;
    assert_eq!(run.checks.len(), 400);
    let said = terminal::run(run, "parallax sim", Style::Plain);
    assert!(said.lines().count() < 100, "{said}");
    for told in ["387 checks: summary.json has all", "392 streams: summary.json has all"] {
        assert!(said.contains(told), "no {told}: {said}");
    }
    for text in [markdown::summary(&many, None), junit::report(&many, None).expect("a text")] {
        assert!(text.len() < 40_000, "{} bytes", text.len());
    }
}

#[test]
fn streams_with_a_check_that_did_not_pass_are_shown_first() {
    let many = report(20);
    let shown: Vec<&str> =
        many.details[0].streams.iter().map(|stream| stream.viewer.as_str()).collect();
    assert_eq!(shown.len(), 8);
    assert!(!shown.contains(&"phone"), "it passed: {shown:?}");
    // With fewer streams than that all are shown.
    assert_eq!(report(8).details[0].streams.len(), 8);
}

#[test]
fn what_is_drawn_as_one_is_counted_whole() {
    let mut many = report(1);
    let lost = |n: u64| Lost { captured_us: 1_000_000 + n * 100, phase: LossPhase::Transport };
    many.details[0].streams[0].lost = (0..50_000).map(lost).collect();
    many.details[0].mappings_left_out = 7;
    let page = html::report(&many);
    assert!(page.contains("frame lost: 50000"), "another count of lost frames");
    assert!(page.contains("; 50000 lost; "), "another count beside the latency");
    assert!(page.contains("mappings that are not drawn: 7"));
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}
