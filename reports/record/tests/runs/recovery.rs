//! Recovery after a scripted event: from when it is over to the first picture captured after that.

use crate::support::*;
use parallax_record::*;

/// When the event of these tests begins: between frames 29 and 30.
const AT_US: u64 = 3_000_000;

fn event(lasts_us: Option<u64>, action: Action) -> ScriptedEvent {
    ScriptedEvent { name: "reboot".into(), at_us: AT_US, lasts_us, action }
}

fn gateway() -> ScriptedEvent {
    event(None, Action::RebootGateway { site: "flat".into() })
}

fn power(lasts_us: Option<u64>) -> ScriptedEvent {
    event(lasts_us, Action::PowerLoss { peer: CAMERA.into() })
}

fn within(within_us: u64) -> Check {
    check(Predicate::Recovery { after: "reboot".into(), within_us })
}

/// 60 frames, of which `lost` are lost from frame 30 on, and an event. The run ends with them.
fn run(lost: usize, event: ScriptedEvent) -> Run {
    let mut ways = [Way::Rendered; 60];
    ways[30..30 + lost].fill(Way::NeverReceived);
    let mut run = Run::streaming(&ways);
    run.header.events = vec![event];
    run.header.duration_us = 5_100_000;
    run
}

/// When frame `frame` is shown, from the event on, microseconds.
fn shown_us(frame: u64) -> i64 {
    ((FIRST_NS + frame * PERIOD_NS + AFTER_NS[6]) / 1_000).cast_signed() - AT_US.cast_signed()
}

#[test]
fn it_lasts_from_the_event_to_the_first_picture_captured_after_it() {
    // Frame 29 is captured before the event and shown after it: it tells nothing.
    let result = run(0, gateway()).result(within(1_000_000));
    assert_eq!((result.measured, result.verdict), (Some(shown_us(30)), Verdict::Pass));
    assert_eq!(result.uncertainty, Uncertainty { below: 10_000, above: 0 });
    let result = run(6, gateway()).result(within(1_000_000));
    assert_eq!(result.measured, Some(shown_us(36)));
}

#[test]
fn it_passes_fails_and_is_inconclusive_by_its_interval() {
    let measured = u64::try_from(shown_us(36)).expect("after the event");
    let verdict = |within_us| run(6, gateway()).result(within(within_us)).verdict;
    assert_eq!(verdict(measured), Verdict::Pass);
    assert_eq!(verdict(measured - 1), Verdict::Inconclusive);
    assert_eq!(verdict(measured - 10_000), Verdict::Inconclusive);
    assert_eq!(verdict(measured - 10_001), Verdict::Fail);
}

#[test]
fn what_never_comes_back_fails() {
    let result = run(30, gateway()).result(within(1_000_000));
    assert_eq!((result.verdict, result.measured), (Verdict::Fail, None));
    assert_eq!(
        result.detail.as_deref(),
        Some("no picture captured after it was shown by the end of the window and went on")
    );
    // It came back, but not in the window.
    let mut early = within(100_000);
    early.window.to_us = Some(AT_US + 200_000);
    let result = run(6, gateway()).result(early);
    assert_eq!((result.verdict, result.measured), (Verdict::Fail, None));
}

#[test]
fn what_the_window_cuts_short_is_inconclusive() {
    let mut short = within(1_000_000);
    short.window.to_us = Some(AT_US + 300_000);
    let result = run(6, gateway()).result(short);
    assert_eq!((result.verdict, result.measured), (Verdict::Inconclusive, None));
    assert_eq!(
        result.detail.as_deref(),
        Some("the picture was not back, but only 300 ms of the time were watched")
    );
}

/// Two seconds and a frame of the pictures that come after the event, and then none for `still_ms`.
fn dies_later(still_ms: u64) -> Run {
    let mut run = Run::streaming(&[Way::Rendered; 60]);
    run.header.events = vec![gateway()];
    for frame in 60..120 {
        let at = FIRST_NS + u64::from(frame) * PERIOD_NS + still_ms * 1_000_000;
        run.frame(frame, Way::Rendered, at, &AFTER_NS);
    }
    run.header.duration_us = 12_500_000;
    run
}

#[test]
fn a_stream_that_stands_still_again_later_is_not_back_before_that_is_over() {
    // A frame's period and less than two seconds more: a freeze, not a stream that died.
    let result = dies_later(1_900).result(Check { window: to(11_000_000), ..within(9_000_000) });
    assert_eq!(result.measured, Some(shown_us(30)));
    let result = dies_later(2_500).result(Check { window: to(11_500_000), ..within(9_000_000) });
    assert_eq!(result.measured, Some(shown_us(60) + 2_500_000));
    assert_eq!(result.verdict, Verdict::Pass);
    // Still at the end of the window, it is not back at all.
    let result = dies_later(2_500).result(Check { window: to(7_200_000), ..within(1_000_000) });
    assert_eq!((result.verdict, result.measured), (Verdict::Fail, None));
}

fn to(us: u64) -> Window {
    Window { from_us: None, to_us: Some(us) }
}

#[test]
fn what_lasts_is_over_at_its_end() {
    let squeeze = event(Some(500_000), Action::Kill { service: ServiceKind::Turn });
    let result = run(0, squeeze).result(within(1_000_000));
    // Frame 38 is the first that is captured after 3.5 s.
    assert_eq!(result.measured, Some(shown_us(38) - 500_000));
}

#[test]
fn a_loss_of_power_is_over_when_the_software_runs_again() {
    let mut run = run(0, power(Some(500_000)));
    run.entries.push(entry(3_600_000_000, CAMERA, Event::Ready { boot: 1 }));
    let mut other = within(1_000_000);
    other.window.from_us = Some(3_000_000);
    run.entries.push(entry(3_550_000_000, VIEWER, Event::Ready { boot: 1 }));
    let result = run.result(other);
    // Frame 39 is captured at exactly 3.600013 s.
    assert_eq!(result.measured, Some(shown_us(39) - 600_000));
}

#[test]
fn the_boot_before_it_begins_is_not_its_cause() {
    let mut run = run(0, power(Some(500_000)));
    run.entries.push(entry(3_600_000_000, CAMERA, Event::Ready { boot: 1 }));
    let result = run.result(within(1));
    assert_eq!(result.verdict, Verdict::Fail);
    let detail = result.detail.unwrap_or_default();
    assert!(!detail.contains("booting"), "{detail}");
}

#[test]
fn a_peer_that_is_not_ready_again_never_recovers() {
    let result = run(0, power(Some(500_000))).result(within(1_000_000));
    assert_eq!((result.verdict, result.measured, result.sample), (Verdict::Fail, None, 0));
    let cause = "the camera doorbell was still booting when the run ended at 5.1 s";
    assert_eq!(
        result.detail,
        Some(format!("the event was not over by the end of the run: {cause}"))
    );
    let result = run(0, power(None)).result(within(1_000_000));
    assert_eq!(result.verdict, Verdict::Fail);
}

#[test]
fn a_peer_that_loses_its_power_again_before_it_is_ready_has_not_recovered() {
    let mut run = run(0, power(Some(100_000)));
    let again = ScriptedEvent { name: "again".into(), at_us: 3_200_000, ..power(Some(100_000)) };
    run.header.events.push(again);
    run.entries.push(entry(3_600_000_000, CAMERA, Event::Ready { boot: 1 }));
    let mut after_the_other = within(1_000_000);
    after_the_other.predicate = Predicate::Recovery { after: "again".into(), within_us: 1_000_000 };
    let checks = run.judged(vec![within(1_000_000), after_the_other]).checks;
    assert_eq!(checks[0].verdict, Verdict::Fail);
    let detail = checks[0].detail.as_deref().expect("a detail");
    assert!(
        detail.starts_with("again began before the software of its peer ran again"),
        "{detail}"
    );
    assert_eq!(checks[1].measured, Some(shown_us(39) - 600_000));
}

#[test]
fn a_session_begun_since_makes_it_as_uncertain_as_a_setup() {
    let mut run = run(0, gateway());
    // The frames of these runs are those of session 1, which is asked for after the event here.
    for entry in &mut run.entries {
        if let Event::Phase { .. } = entry.event {
            entry.run_ns = AT_US * 1_000 + 1;
        }
    }
    let result = run.result(within(1_000_000));
    assert_eq!(result.uncertainty, Uncertainty { below: 35_000, above: 0 });
}

#[test]
fn a_check_of_an_event_that_is_not_there_is_an_error() {
    let mut run = run(0, gateway());
    run.header.events.clear();
    let summary = run.judged(vec![within(1_000_000)]);
    assert_eq!(summary.verdict, Verdict::Error);
    assert_eq!(
        summary.faults,
        ["a check asks for recovery after reboot, and no event is called so"]
    );
}

#[test]
fn what_a_later_event_does_is_not_this_ones() {
    // The next event begins while the picture stands still for good: this one had recovered.
    let mut run = dies_later(2_500);
    let later = ScriptedEvent { name: "later".into(), at_us: 5_100_000, ..gateway() };
    run.header.events.push(later.clone());
    run.header.events[1].action = Action::Kill { service: ServiceKind::Turn };
    let result = run.result(within(1_000_000));
    assert_eq!((result.measured, result.verdict), (Some(shown_us(30)), Verdict::Pass));
    // One that names the window's end takes the other into account.
    let mut run = dies_later(2_500);
    run.header.events.push(later);
    let result = run.result(Check { window: to(11_500_000), ..within(9_000_000) });
    assert_eq!(result.measured, Some(shown_us(60) + 2_500_000));
}
