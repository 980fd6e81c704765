//! Paths that die in mid-stream: how long the picture stands still, and what comes after.

use crate::{
    by_hand::{Faults, Hand, run_by_hand},
    street::{Kept, MS_NS, ORDINARY, RANDOM, S_NS, STRICT, Street},
};
use parallax_network::{LinkConfig, Loss, Time};
use parallax_record::LinkDirection;
use parallax_record::{Event, Phase};
use parallax_world::World;

/// When it happens.
const AT: u64 = 8 * S_NS;

/// Runs a street of `seconds`; at [`AT`] `happen` does something to it.
fn shaken(gateway: &'static str, seconds: u64, happen: impl FnOnce(&mut World<'_>) + Send) -> Kept {
    let street = Street { gateway, seconds, ..Street::default() };
    let script = |Hand { world, .. }: Hand<'_, '_>| {
        world.run_until(Time::from_nanos(AT))?;
        happen(world);
        world.run_until(Time::from_millis(seconds * 1_000))
    };
    let (kept, _) = run_by_hand(&street, &Faults::default(), script);
    kept.assert_sound();
    kept
}

/// Runs a street with such gateways, of which that of `site` reboots.
fn rebooted(gateway: &'static str, site: &'static str) -> Kept {
    shaken(gateway, 30, move |world| {
        let site = world.site_named(site).expect("a site");
        world.reboot_gateway(site);
    })
}

/// The longest time between two pictures from shortly before [`AT`] on, or to the run's end.
fn stood_still(kept: &Kept) -> u64 {
    let end = kept.entries.last().expect("entries").run_ns;
    let shown = kept.rendered("phone").into_iter().map(|frame| frame.at_ns);
    let shown: Vec<u64> = shown.filter(|at| *at > AT - S_NS).chain([end]).collect();
    assert!(shown.len() > 10, "{}", kept.story());
    shown.windows(2).map(|pair| pair[1] - pair[0]).max().expect("two pictures")
}

/// Sessions that were connected at the viewer, by number.
fn connected(kept: &Kept) -> Vec<u32> {
    kept.phases("phone", Phase::Dtls).into_iter().map(|(_, number)| number).collect()
}

#[test]
fn when_an_ordinary_gateway_reboots_the_next_packet_out_opens_the_old_mapping_again() {
    // A viewer sends a report or a ping a second, a camera a picture every 67 ms.
    for (site, most_ms) in [("flat", 1_500), ("house", 200)] {
        let kept = rebooted(ORDINARY, site);
        let still = stood_still(&kept) / MS_NS;
        assert!(still < most_ms, "{site}: {still} ms\n{}", kept.story());
        assert_eq!(connected(&kept), [1], "{site}\n{}", kept.story());
    }
}

#[test]
fn when_a_gateway_of_random_ports_reboots_a_new_session_comes_within_seconds() {
    for site in ["flat", "house"] {
        let kept = rebooted(RANDOM, site);
        let still = stood_still(&kept) / MS_NS;
        // 3 s until the path is given up, 1 s until the rendezvous is reached anew, and a setup.
        assert!((2_500..6_500).contains(&still), "{site}: {still} ms\n{}", kept.story());
        assert_eq!(connected(&kept).len(), 2, "{site}\n{}", kept.story());
        // Both ends have let go of the old one.
        for peer in ["phone", "doorbell"] {
            let closed = kept.of(peer, |_, event| match event {
                Event::Closed { session, .. } => Some(session.number),
                _ => None,
            });
            assert!(closed.contains(&1), "{site} {peer}\n{}", kept.story());
        }
    }
}

#[test]
fn when_a_strict_gateway_reboots_a_relayed_stream_goes_on_or_comes_again_within_seconds() {
    for site in ["flat", "house"] {
        let kept = rebooted(STRICT, site);
        let still = stood_still(&kept) / MS_NS;
        // The setup of a relayed session takes some 3 s.
        assert!(still < 9_500, "{site}: {still} ms\n{}", kept.story());
        let last = kept.rendered("phone").last().expect("pictures").at_ns;
        assert!(last > 29 * S_NS, "{site}\n{}", kept.story());
    }
}

/// The flat's link loses everything for so long.
fn cut_off(away: u64) -> Kept {
    let site = Street::default().scenario().site("flat").cloned().expect("a site");
    let ways = [(LinkDirection::Up, site.up), (LinkDirection::Down, site.down)];
    let ways = ways.map(|(way, link)| (way, link.expect("a link")));
    shaken(ORDINARY, 30, move |world| {
        let flat = world.site_named("flat").expect("a site");
        for (way, config) in &ways {
            let dead =
                LinkConfig { loss: Loss::Independent { probability: 1.0 }, ..config.clone() };
            world.set_link(flat, *way, dead).expect("a link");
        }
        world.run_until(Time::from_nanos(AT + away)).expect("a run");
        for (way, config) in ways {
            world.set_link(flat, way, config).expect("a link");
        }
    })
}

#[test]
fn a_link_that_is_away_for_some_seconds_costs_no_session_since_the_rendezvous_is_away_too() {
    for away in [S_NS, 3 * S_NS, 5 * S_NS, 8 * S_NS] {
        let kept = cut_off(away);
        let still = stood_still(&kept);
        assert!(still >= away && still < away + S_NS / 2, "{still} ns\n{}", kept.story());
        assert_eq!(connected(&kept), [1], "{}", kept.story());
    }
}

#[test]
fn a_link_that_is_away_for_long_costs_a_session() {
    let kept = cut_off(13 * S_NS);
    assert!(stood_still(&kept) < 20 * S_NS, "{}", kept.story());
    assert!(kept.rendered("phone").last().expect("pictures").at_ns > 29 * S_NS);
}

/// In one LAN, without a server, the camera loses its power, for so long or for good.
fn dark(seconds: u64, back_after: Option<u64>) -> Kept {
    let street = Street { seconds, ..Street::default() };
    let faults = Faults { lan: true, ..Faults::default() };
    let (kept, _) = run_by_hand(&street, &faults, |Hand { world, peers }: Hand<'_, '_>| {
        world.run_until(Time::from_nanos(AT))?;
        world.power_off(peers["doorbell"]);
        if let Some(after) = back_after {
            world.run_until(Time::from_nanos(AT + after))?;
            world.power_on(peers["doorbell"]);
        }
        world.run_until(Time::from_millis(seconds * 1_000))
    });
    kept.assert_sound();
    kept
}

#[test]
fn a_camera_that_is_its_own_rendezvous_is_seen_again_soon_after_its_power_came_back() {
    for (away, most_ms) in [(S_NS, 6_000), (20 * S_NS, 27_500)] {
        let kept = dark(45, Some(away));
        let still = stood_still(&kept) / MS_NS;
        assert!(still > away / MS_NS && still < most_ms, "{still} ms\n{}", kept.story());
        // The number goes on, though all that the old rendezvous knew is lost.
        assert_eq!(connected(&kept), [1, 2], "{}", kept.story());
        let rendered = kept.rendered("phone");
        assert!(rendered.iter().all(|frame| frame.boot + 1 == frame.session.number));
    }
}

#[test]
fn a_viewer_whose_camera_is_gone_for_good_lets_go_of_the_session_and_asks_on() {
    let kept = dark(45, None);
    let closed = kept.of("phone", |at, event| match event {
        Event::Closed { session, .. } => Some((at, session.number)),
        _ => None,
    });
    let [(at, 1)] = closed[..] else { panic!("{closed:?}\n{}", kept.story()) };
    assert!(at < AT + 16 * S_NS, "{}", kept.story());
    let asked = kept.notes("phone");
    let asked = asked.iter().filter(|note| note.contains("failed to reach the rendezvous"));
    assert!(asked.count() > 3, "{}", kept.story());
}

/// The rendezvous dies, for so long or for good.
fn without_rendezvous(back_after: Option<u64>) -> Kept {
    shaken(ORDINARY, 60, move |world| {
        let rendezvous = world.host_named("rendezvous").expect("a rendezvous");
        world.kill_service(rendezvous);
        if let Some(after) = back_after {
            world.run_until(Time::from_nanos(AT + after)).expect("a run");
            world.restart_service(rendezvous);
        }
    })
}

#[test]
fn a_stream_goes_on_to_the_end_without_its_rendezvous() {
    let kept = without_rendezvous(None);
    let still = stood_still(&kept) / MS_NS;
    assert!(still < 200, "{still} ms\n{}", kept.story());
    for peer in ["phone", "doorbell"] {
        let lost = kept.notes(peer);
        assert!(lost.iter().any(|note| note.contains("lost the rendezvous")), "{lost:?}");
    }
    // It says nothing more, not even a reset.
    let said = kept.packets.iter().filter(|seen| seen.host == "rendezvous" && seen.at_ns > AT);
    assert_eq!(said.count(), 0);
}

#[test]
fn a_rendezvous_that_comes_back_is_found_again_and_disturbs_no_stream() {
    let kept = without_rendezvous(Some(5 * S_NS));
    let still = stood_still(&kept) / MS_NS;
    assert!(still < 200, "{still} ms\n{}", kept.story());
    assert_eq!(connected(&kept), [1], "{}", kept.story());
    for peer in ["phone", "doorbell"] {
        // What it says on its old connection is answered with a reset; the next one holds.
        let notes = kept.notes(peer);
        assert!(
            matches!(&notes[..], [lost] if lost.contains("reset by the other end")),
            "{peer}: {notes:?}"
        );
    }
}

/// Both lose sight of each other, and of a rendezvous that is new: one asks, the other registers.
#[test]
fn after_both_rendezvous_and_path_have_died_the_two_find_each_other_again() {
    let kept = shaken(RANDOM, 30, |world| {
        let rendezvous = world.host_named("rendezvous").expect("a rendezvous");
        let flat = world.site_named("flat").expect("a site");
        world.kill_service(rendezvous);
        world.reboot_gateway(flat);
        world.run_until(Time::from_nanos(AT + S_NS)).expect("a run");
        world.restart_service(rendezvous);
    });
    let still = stood_still(&kept) / MS_NS;
    assert!(still < 9_500, "{still} ms\n{}", kept.story());
    assert_eq!(connected(&kept).len(), 2, "{}", kept.story());
}
