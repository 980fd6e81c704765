//! A summary is not believed where its record is there, nor where it contradicts itself.

use crate::support::*;
use parallax_record::*;

/// What is done to a summary, and what is said of that.
type Edit = (fn(&mut Summary), &'static str);

fn checked(predicate: Predicate) -> Record {
    let mut run = Run::streaming(&[Way::Rendered; 60]);
    run.header.checks = vec![check(predicate)];
    run.record()
}

fn fails() -> Record {
    checked(Predicate::CaptureToRender { percentile: Percentile::P95, below_us: 50_000 })
}

#[test]
fn the_record_counts_and_not_what_was_stored() {
    let record = fails();
    let stored = judge(&record);
    assert_eq!(stored.verdict, Verdict::Fail);
    let again = judge_again(&record, &stored);
    assert_eq!((&again.summary, again.correction), (&stored, None));
    let edits: [Edit; 4] = [
        (|run| run.verdict = Verdict::Pass, "the verdict is fail, not pass"),
        (|run| run.checks[0].verdict = Verdict::Pass, "the checks have other results"),
        (|run| run.checks.clear(), "the checks have other results"),
        (|run| run.streams[0].frames.rendered += 1, "figures differ"),
    ];
    for (edit, told) in edits {
        let mut edited = stored.clone();
        edit(&mut edited);
        let again = judge_again(&record, &edited);
        assert_eq!((&again.summary, again.correction.as_deref()), (&stored, Some(told)));
    }
}

/// `--verify` finds that a second run differs: no record says that.
#[test]
fn a_fault_that_no_record_has_is_kept() {
    let record = checked(Predicate::Connects { within_us: 5_000_000 });
    let mut stored = judge(&record);
    assert_eq!(stored.verdict, Verdict::Pass);
    stored.faults.push("the second run differs".to_owned());
    stored.verdict = Verdict::Error;
    let again = judge_again(&record, &stored);
    assert_eq!((again.summary, again.correction), (stored.clone(), None));
    // Told as a pass all the same, it is none.
    stored.verdict = Verdict::Pass;
    assert_eq!(judge_again(&record, &stored).summary.verdict, Verdict::Error);
}

#[test]
fn a_summary_without_a_record_must_agree_with_itself() {
    let stored = judge(&fails());
    assert_eq!(contradiction(&stored), None);
    let edits: [Edit; 5] = [
        (|run| run.verdict = Verdict::Pass, "`verdict` is pass, but the rest says fail"),
        (|run| run.checks.clear(), "`verdict` is fail, but the rest says inconclusive"),
        (|run| run.faults.push("it broke".to_owned()), "the rest says error"),
        (
            |run| {
                run.checks[0].verdict = Verdict::Pass;
                run.verdict = Verdict::Pass;
            },
            "the check capture_to_render p95 has `verdict` pass, but `measured` 100000",
        ),
        (|run| run.checks[0].bound = 5_000_000, "has `verdict` fail, but"),
    ];
    for (edit, told) in edits {
        let mut edited = stored.clone();
        edit(&mut edited);
        let found = contradiction(&edited).unwrap_or_default();
        assert!(found.contains(told), "{found}");
    }
}
