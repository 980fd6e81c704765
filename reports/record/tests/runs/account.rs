//! What is said of a run as a whole, beside its checks.

use crate::support::{CAMERA, FIRST_NS, PERIOD_NS, Run, Way, check, entry};
use parallax_record::*;

fn streaming() -> Run {
    let mut run = Run::streaming(&[Way::Rendered; 60]);
    run.header.checks = vec![check(Predicate::Connects { within_us: 5_000_000 })];
    run
}

fn judged(run: &Run) -> Summary {
    let mut entries = run.entries.clone();
    entries.sort_by_key(|entry| entry.run_ns);
    judge(&Record::new(run.header.clone(), entries, "00").expect("in order"))
}

#[test]
fn a_device_that_failed_has_failed_whatever_its_checks_say() {
    let mut run = streaming();
    assert_eq!(judged(&run).verdict, Verdict::Pass);
    run.entries.push(entry(FIRST_NS, CAMERA, Event::DeviceFailed { text: "it panicked".into() }));
    let summary = judged(&run);
    assert_eq!(summary.verdict, Verdict::Fail);
    assert_eq!(summary.failures, ["doorbell: it panicked"]);
    assert_eq!(summary.checks[0].verdict, Verdict::Pass, "what was measured stays");
    // The bench broke as well: then the run is an error.
    run.entries.push(entry(FIRST_NS, "lab", Event::Fault { text: "no port".into() }));
    assert_eq!(judged(&run).verdict, Verdict::Error);
}

#[test]
fn of_a_run_that_was_cut_short_nothing_is_said() {
    let mut run = streaming();
    run.entries.push(entry(9_000_000_000, "lab", Event::CutShort { text: "somebody".into() }));
    let summary = judged(&run);
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    assert_eq!(summary.doubts, ["somebody"]);
    assert_eq!(summary.checks[0].verdict, Verdict::Inconclusive);
    assert_eq!(summary.checks[0].detail.as_deref(), Some("somebody"));
}

#[test]
fn where_the_lab_fell_short_nothing_is_said_of_the_device() {
    let mut run = streaming();
    let text = "3 frames to doorbell were not taken from its cable".to_owned();
    run.entries.push(entry(9_000_000_000, CAMERA, Event::LabFellShort { text: text.clone() }));
    let summary = judged(&run);
    assert_eq!((summary.verdict, &summary.doubts[..]), (Verdict::Inconclusive, &[text][..]));
    assert_eq!(summary.checks[0].verdict, Verdict::Inconclusive);
}

#[test]
fn what_was_not_heard_contradicts_nothing_and_is_in_doubt_if_it_was_lost() {
    let mut run = streaming();
    // The camera's word of one frame is missing.
    run.entries.retain(|entry| !matches!(entry.event, Event::FrameEncoded { frame: 7, .. }));
    assert_eq!(judged(&run).verdict, Verdict::Error, "a whole record would contradict itself");
    let unheard = |messages| {
        let event = Event::Unheard { messages, since_run_ns: None };
        entry(FIRST_NS + 8 * PERIOD_NS, CAMERA, event)
    };
    // Its power was cut: nobody expects its last words.
    run.entries.push(unheard(0));
    let summary = judged(&run);
    assert_eq!((summary.verdict, &summary.faults[..]), (Verdict::Pass, &[][..]));
    run.entries.push(unheard(2));
    run.entries.push(unheard(1));
    let summary = judged(&run);
    assert_eq!(summary.verdict, Verdict::Inconclusive);
    assert_eq!(summary.doubts, ["3 of what doorbell said was lost on its console"]);
}

#[test]
fn while_a_camera_was_silent_what_it_did_contradicts_nothing() {
    let silent = |since_ns| {
        let mut run = streaming();
        let (missing, end_ns) = (FIRST_NS + 7 * PERIOD_NS, FIRST_NS + 10_000_000_000);
        run.entries.retain(|entry| !matches!(entry.event, Event::FrameEncoded { frame: 7, .. }));
        let event = Event::Unheard { messages: 0, since_run_ns: Some(since_ns) };
        run.entries.push(entry(end_ns, CAMERA, event));
        let failed = Event::DeviceFailed { text: "it has said nothing for 10 s".to_owned() };
        run.entries.push(entry(end_ns, CAMERA, failed));
        assert!(missing < end_ns);
        judged(&run).verdict
    };
    assert_eq!(silent(FIRST_NS), Verdict::Fail, "of the device alone");
    // What it told before it fell silent is whole, but for its last words.
    assert_eq!(silent(FIRST_NS + 9_000_000_000), Verdict::Error);
}

#[test]
fn of_a_run_whose_clock_jumped_nothing_is_said_and_no_order_contradicts() {
    let mut run = streaming();
    // What the camera says of some frames seems to come two seconds later than it does.
    for entry in &mut run.entries {
        if matches!(entry.event, Event::FrameCaptured { frame: 20..30, .. }) {
            entry.run_ns += 2_000_000_000;
        }
    }
    assert_eq!(
        judged(&run).verdict,
        Verdict::Error,
        "a record of one clock would contradict itself"
    );
    run.entries.push(entry(FIRST_NS + 31 * PERIOD_NS, CAMERA, Event::ClockJumped));
    let summary = judged(&run);
    assert_eq!((summary.verdict, &summary.faults[..]), (Verdict::Inconclusive, &[][..]));
    assert_eq!(summary.doubts, ["the clock of doorbell jumped, or drifts more than a clock may"]);
}

#[test]
fn earlier_attempts_are_told_in_their_order() {
    let mut run = streaming();
    for text in ["attempt 1: late", "attempt 2: late"] {
        run.entries.insert(0, entry(0, CAMERA, Event::EarlierAttempt { text: text.to_owned() }));
    }
    let summary = judged(&run);
    assert_eq!(summary.verdict, Verdict::Pass);
    assert_eq!(
        summary.earlier_attempts,
        ["doorbell: attempt 2: late", "doorbell: attempt 1: late"]
    );
}

#[test]
fn the_journal_of_a_run_that_was_killed_becomes_a_record_that_is_cut_short() {
    let run = streaming();
    let mut journal = serde_json::to_vec(&run.header).expect("JSON");
    journal.push(b'\n');
    let mut later = run.header.clone();
    later.clock = Clock::Real { bound_us: 700 };
    // What is told late comes late.
    for (at, entry) in run.entries.iter().rev().enumerate() {
        if at == 20 {
            serde_json::to_writer(&mut journal, &later).expect("JSON");
            journal.push(b'\n');
        }
        serde_json::to_writer(&mut journal, entry).expect("JSON");
        journal.push(b'\n');
    }
    let whole = journal.len();
    journal.extend_from_slice(b"{\"run_ns\":12,\"no");
    let record = Record::recover(&journal).expect("a record");
    assert_eq!(record.header.clock, later.clock, "the last word on the clock counts");
    assert_eq!(record.entries.len(), run.entries.len() + 1);
    let bytes = record.to_bytes().expect("bytes");
    assert_eq!(Record::read(&bytes).expect("a whole record"), record);
    let summary = judge(&record);
    assert_eq!((summary.verdict, summary.packets_sha256), (Verdict::Inconclusive, None));
    assert_eq!(summary.doubts, ["what ran it was killed"]);
    // A line that is whole and wrong is no last line.
    journal.truncate(whole);
    journal.extend_from_slice(b"{}\n");
    let error = Record::recover(&journal).expect_err("corrupt").to_string();
    let line = run.entries.len() + 3;
    assert!(error.contains(&format!("line {line}")), "{error}");
    assert!(matches!(Record::recover(b""), Err(ReadError::Empty)));
    assert!(matches!(Record::recover(b"{\"format\":\"parallax"), Err(ReadError::Empty)));
}
