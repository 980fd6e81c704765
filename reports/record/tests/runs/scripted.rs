//! What the scenario did while a check was not kept.

use crate::support::*;
use parallax_record::*;

fn event(at_us: u64, lasts_us: Option<u64>, action: Action) -> ScriptedEvent {
    ScriptedEvent { name: "change".into(), at_us, lasts_us, action }
}

fn kill(at_us: u64) -> ScriptedEvent {
    event(at_us, None, Action::Kill { service: ServiceKind::Turn })
}

/// 120 frames from 1 s to 9 s, of which those from 7 s to 7.9 s are lost. The run ends with them.
fn run(event: ScriptedEvent) -> Run {
    let mut ways = [Way::Rendered; 120];
    ways[90..105].fill(Way::NeverReceived);
    let mut run = Run::streaming(&ways);
    run.header.events = vec![event];
    run.header.duration_us = 9_100_000;
    run
}

fn lost() -> Check {
    check(Predicate::FramesLost { at_most: LossBound::Count { frames: 0 } })
}

fn freezes() -> Check {
    check(Predicate::Freezes { count_at_most: 0, total_below_us: None })
}

/// When the frames are lost, microseconds.
fn lost_us() -> (u64, u64) {
    let at = |frame: u64| (FIRST_NS + frame * PERIOD_NS) / 1_000;
    (at(90), at(104))
}

fn detail(event: ScriptedEvent, check: Check) -> String {
    let result = run(event).result(check);
    assert_eq!(result.verdict, Verdict::Fail);
    result.detail.unwrap_or_default()
}

#[test]
fn an_event_is_named_if_most_of_what_was_lost_was_captured_in_its_time() {
    let (from, to) = lost_us();
    let told = "the scenario killed turn at ";
    for (at, named) in [
        (from - 1_000_000, false),
        (from, true),
        ((from + to) / 2, true),
        (to - 100_000, false),
        (to + 300_000, false),
    ] {
        let detail = detail(kill(at), lost());
        assert_eq!(detail.contains(told), named, "{at}: {detail}");
    }
    // What was over before, with pictures since, took nothing.
    let link = |lasts| {
        let link = LinkConfig { loss: Loss::Independent { probability: 1.0 }, ..link(10_000) };
        let action =
            Action::ChangeLink { site: "house".into(), direction: LinkDirection::Up, link };
        event(500_000, Some(lasts), action)
    };
    let told = detail(link(from - 500_000), lost());
    let link_changed = "the scenario changed the up link of house from 0.5 s to 7 s";
    assert!(told.ends_with(link_changed), "{told}");
    assert!(!detail(link(from - 800_000), lost()).contains("the scenario"));
}

#[test]
fn an_event_is_named_where_the_picture_stood_still_in_its_time() {
    let (from, to) = lost_us();
    assert!(detail(kill(from + 100_000), freezes()).contains("the scenario killed turn at"));
    assert!(!detail(kill(to + 1_000_000), freezes()).contains("the scenario"));
    let reboot = |at| event(at, None, Action::RebootGateway { site: "flat".into() });
    let told = detail(reboot(from), freezes());
    assert!(told.contains("the scenario rebooted the gateway of flat at "), "{told}");
    assert!(!detail(reboot(from - 200_000), freezes()).contains("the scenario"));
    // A pause, too; one without an end goes on to the run's.
    let pause = |lasts| event(from, lasts, Action::PauseCamera { peer: CAMERA.into() });
    let told = detail(pause(Some(500_000)), freezes());
    assert!(told.contains("the scenario paused the capture of doorbell from "), "{told}");
    assert!(detail(pause(None), freezes()).contains(" s on"));
}

#[test]
fn a_loss_of_power_is_told_with_the_boot_that_follows_it() {
    let loss = event(7_000_000, Some(500_000), Action::PowerLoss { peer: VIEWER.into() });
    let mut run = run(loss);
    run.entries.push(entry(8_000_000_000, VIEWER, Event::Ready { boot: 0 }));
    let detail = run.result(freezes()).detail.unwrap_or_default();
    let told = "the viewer phone had no power from 7 s to 7.5 s, and was still booting until 8 s";
    assert!(detail.contains(told), "{detail}");
}
