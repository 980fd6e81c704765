//! Sessions: how they come to be, end, and are begun anew.

use crate::{
    by_hand::{Faults, Hand, run_by_hand},
    street::{Kept, ORDINARY, Rendered, S_NS, STRICT, Seen, Street},
};
use parallax_network::Time;
use parallax_record::{Event, Phase};
use parallax_world::Direction;
use std::{collections::BTreeSet, time::Duration};

/// Why a node's sessions ended: when, number and reason.
fn closed(kept: &Kept, node: &str) -> Vec<(u64, u32, String)> {
    kept.of(node, |at, event| match event {
        Event::Closed { session, reason } => Some((at, session.number, reason.clone())),
        _ => None,
    })
}

/// TCP mappings that a gateway forgot, and when.
fn forgotten(kept: &Kept, site: &str) -> Vec<u64> {
    kept.of(&format!("gateway/{site}"), |at, event| match event {
        Event::MappingExpired { transport, .. } if transport == "tcp" => Some(at),
        _ => None,
    })
}

/// The viewer's gateway forgets its idle connection to the rendezvous, so that nobody can tell it
/// that the camera has come.
fn silent_death(gateway: &'static str) -> Kept {
    let street = Street {
        gateway,
        flat_gateway: r#", tcp_established_timeout = "5s""#,
        boot: Duration::from_secs(8),
        seconds: 27,
        ..Street::default()
    };
    let kept = street.run(1);
    kept.assert_sound();
    let died = forgotten(&kept, "flat");
    let died = died.first().unwrap_or_else(|| panic!("never forgotten\n{}", kept.story()));
    assert!(*died < 8 * S_NS, "{died} is after the camera came\n{}", kept.story());
    let rendered = kept.rendered("phone");
    assert!(rendered.len() > 20, "{}", kept.story());
    // Not before its own sign of life, at 20 s, went out on the connection.
    assert!(rendered[0].at_ns > 20 * S_NS, "{}", kept.story());
    kept
}

/// Connections that the viewer lost, as it says.
fn lost_links(kept: &Kept) -> usize {
    let notes = kept.notes("phone");
    notes.iter().filter(|note| note.starts_with("lost the rendezvous")).count()
}

#[test]
fn a_viewer_whose_signalling_died_silently_connects_anew_and_gets_its_picture() {
    // The next mapping has another port: to the rendezvous that is nobody's.
    let kept = silent_death(STRICT);
    assert_eq!(lost_links(&kept), 1, "{}", kept.story());
}

#[test]
fn a_sign_of_life_wakes_a_connection_whose_mapping_comes_back_with_its_port() {
    let kept = silent_death(ORDINARY);
    assert_eq!(lost_links(&kept), 0, "{}", kept.story());
}

#[test]
fn a_session_that_cannot_connect_is_given_up_and_begun_anew() {
    let street = Street { gateway: STRICT, seconds: 20, ..Street::default() };
    let faults = Faults { relay_silent_until: Duration::from_secs(7), ..Faults::default() };
    let to_end = |Hand { world, .. }: Hand<'_, '_>| world.run_until(Time::from_millis(20_000));
    let (kept, _) = run_by_hand(&street, &faults, to_end);
    kept.assert_sound();
    for peer in ["phone", "doorbell"] {
        let closed = closed(&kept, peer);
        let [(at, 1, _)] = &closed[..] else { panic!("{closed:?}\n{}", kept.story()) };
        assert!((7 * S_NS..12 * S_NS).contains(at), "{closed:?}\n{}", kept.story());
        let connected = kept.phases(peer, Phase::Dtls);
        assert!(matches!(connected[..], [(_, 2)]), "{connected:?}\n{}", kept.story());
    }
    let rendered = kept.rendered("phone");
    assert!(
        rendered.len() > 20 && rendered.iter().all(|frame| frame.session.number == 2),
        "{}",
        kept.story()
    );
    // Without the fault the first one does.
    let (kept, _) = run_by_hand(&street, &Faults::default(), |Hand { world, .. }| {
        world.run_until(Time::from_millis(12_000))
    });
    let connected = kept.phases("phone", Phase::Dtls);
    assert!(matches!(connected[..], [(_, 1)]), "{connected:?}\n{}", kept.story());
}

/// How many frames of which camera a viewer rendered.
fn shown(kept: &Kept, viewer: &str, camera: &str) -> usize {
    let of = |frame: &&Rendered| frame.session.camera == camera && frame.session.viewer == viewer;
    kept.rendered(viewer).iter().filter(of).count()
}

#[test]
fn two_viewers_of_one_camera_see_the_same_frames() {
    let kept = Street { viewers: &["phone", "tablet"], ..Street::default() }.run(1);
    kept.assert_sound();
    let frames = |viewer| -> Vec<u32> {
        let last = kept.encoded("doorbell").len() as u32 - 10;
        let frames = kept.rendered(viewer).into_iter().map(|frame| frame.frame);
        frames.filter(|frame| *frame < last).collect()
    };
    let (phone, tablet) = (frames("phone"), frames("tablet"));
    let both = phone.iter().filter(|frame| tablet.contains(frame)).count();
    assert!(both > 30, "{phone:?} {tablet:?}\n{}", kept.story());
    // Whoever comes later misses the beginning, and no more.
    assert_eq!(both, phone.len().min(tablet.len()), "{phone:?} {tablet:?}");
}

#[test]
fn a_viewer_of_two_cameras_sees_both() {
    let kept = Street { cameras: &["doorbell", "garden"], ..Street::default() }.run(1);
    kept.assert_sound();
    for camera in ["doorbell", "garden"] {
        let shown = shown(&kept, "phone", camera);
        assert!(shown > 30, "{shown} of {camera}\n{}", kept.story());
    }
}

#[test]
fn a_viewer_with_the_token_of_another_camera_gets_nothing() {
    let street = Street {
        cameras: &["doorbell", "garden"],
        viewers: &["phone", "tablet"],
        ..Street::default()
    };
    let faults = Faults { wrong_token: Some(("tablet", "garden")), ..Faults::default() };
    let (kept, _) = run_by_hand(&street, &faults, |Hand { world, .. }| {
        world.run_until(Time::from_millis(8_000))
    });
    kept.assert_sound();
    let refused = |note: &String| note.starts_with("the rendezvous refused the view");
    assert!(kept.notes("tablet").iter().any(refused), "{}", kept.story());
    assert_eq!(shown(&kept, "tablet", "doorbell"), 0, "{}", kept.story());
    // Nor does the camera hear of it.
    let heard = kept.of("doorbell", |_, event| {
        event.session().filter(|session| session.viewer == "tablet").cloned()
    });
    assert_eq!(heard, [], "{}", kept.story());
    // The token that it has opens what it belongs to, and others see what they may.
    for (viewer, camera) in [("tablet", "garden"), ("phone", "doorbell"), ("phone", "garden")] {
        assert!(shown(&kept, viewer, camera) > 20, "{viewer} {camera}\n{}", kept.story());
    }
}

#[test]
fn a_camera_that_boots_again_is_seen_in_a_new_session_with_its_old_certificate() {
    let (off, on) = (6 * S_NS, 7 * S_NS);
    let street = Street { seconds: 14, ..Street::default() };
    let (kept, certificates) =
        run_by_hand(&street, &Faults::default(), |Hand { world, peers }: Hand<'_, '_>| {
            world.run_until(Time::from_nanos(off))?;
            world.power_off(peers["doorbell"]);
            world.run_until(Time::from_nanos(on))?;
            world.power_on(peers["doorbell"]);
            world.run_until(Time::from_millis(14_000))
        });
    kept.assert_sound();
    let boots = kept.of("doorbell", |at, event| match *event {
        Event::Started { boot } => Some((at, boot)),
        _ => None,
    });
    assert!(
        matches!(boots[..], [(first, 0), (second, 1)] if first < off && second > on),
        "{boots:?}"
    );
    let closed = closed(&kept, "phone");
    let [(dropped, 1, reason)] = &closed[..] else { panic!("{closed:?}\n{}", kept.story()) };
    // The boot, 0.1 s, and four crossings of 12 ms: TCP, WebSocket, `register`; then 10 ms more.
    assert!((on..on + S_NS / 4).contains(dropped), "{closed:?}\n{}", kept.story());
    assert_eq!(reason, "a newer session took its place");
    let connected = kept.phases("phone", Phase::Dtls);
    assert!(matches!(connected[..], [(_, 1), (_, 2)]), "{connected:?}\n{}", kept.story());
    let rendered = kept.rendered("phone");
    let of_session = |number| rendered.iter().filter(move |frame| frame.session.number == number);
    assert!(of_session(1).count() > 20 && of_session(2).count() > 20, "{}", kept.story());
    assert!(of_session(1).all(|frame| frame.boot == 0 && frame.at_ns < *dropped));
    assert!(of_session(2).all(|frame| frame.boot == 1 && frame.at_ns > *dropped));
    // Made in the first boot, there as the second one began, and still the same.
    let [None, Some(kept_in_flash), Some(last)] = &certificates[..] else {
        panic!("{certificates:?}")
    };
    assert!(!last.is_empty() && kept_in_flash == last, "another certificate");
}

/// What `doorbell` sent before and after a time.
fn sent<T: Ord>(kept: &Kept, at_ns: u64, of: impl Fn(&Seen) -> Option<T>) -> [BTreeSet<T>; 2] {
    let mut sets = [BTreeSet::new(), BTreeSet::new()];
    let sent = |seen: &&Seen| seen.host == "doorbell" && seen.direction == Direction::Sent;
    for seen in kept.packets.iter().filter(sent) {
        sets[usize::from(seen.at_ns > at_ns)].extend(of(seen));
    }
    sets
}

#[test]
fn what_a_boot_draws_does_not_come_again_after_a_loss_of_power() {
    let (off, on) = (6 * S_NS, 6 * S_NS + S_NS / 2);
    let (kept, _) = run_by_hand(
        &Street { seconds: 12, ..Street::default() },
        &Faults::default(),
        |Hand { world, peers }: Hand<'_, '_>| {
            world.run_until(Time::from_nanos(off))?;
            world.power_off(peers["doorbell"]);
            world.run_until(Time::from_nanos(on))?;
            world.power_on(peers["doorbell"]);
            world.run_until(Time::from_millis(12_000))
        },
    );
    kept.assert_sound();
    // In between it says nothing: no FIN, no close of DTLS, no event.
    let silent = kept.packets.iter().filter(|seen| seen.host == "doorbell");
    let silent = silent.filter(|seen| (off..on).contains(&seen.at_ns)).count();
    let said = kept.of("doorbell", |at, _| (off..on).contains(&at).then_some(()));
    assert_eq!((silent, said.len()), (0, 0), "{}", kept.story());
    let udp = |seen: &Seen| (!seen.tcp).then_some(seen.source.port());
    let tcp = |seen: &Seen| seen.tcp.then_some(seen.source.port());
    let ssrc =
        |seen: &Seen| seen.video.map(|video| u16::try_from(video.ssrc >> 16).expect("16 bits"));
    for [before, after] in [sent(&kept, off, udp), sent(&kept, off, tcp), sent(&kept, off, ssrc)] {
        assert!(!before.is_empty() && !after.is_empty(), "{}", kept.story());
        assert!(before.is_disjoint(&after), "{before:?} and {after:?}");
    }
    let [before, after] = sent(&kept, off, |seen| seen.ufrag.clone());
    assert!(!before.is_empty() && !after.is_empty(), "{}", kept.story());
    assert!(before.is_disjoint(&after), "{before:?} and {after:?}");
}

/// Its old session is still open at the rendezvous and at the camera: nobody was told.
#[test]
fn a_viewer_that_boots_again_goes_on_with_the_next_number_and_ends_its_old_session() {
    let (off, on) = (6 * S_NS, 6 * S_NS + S_NS / 2);
    let street = Street { seconds: 12, ..Street::default() };
    let (kept, _) =
        run_by_hand(&street, &Faults::default(), |Hand { world, peers }: Hand<'_, '_>| {
            world.run_until(Time::from_nanos(off))?;
            world.power_off(peers["phone"]);
            world.run_until(Time::from_nanos(on))?;
            world.power_on(peers["phone"]);
            world.run_until(Time::from_millis(12_000))
        });
    kept.assert_sound();
    let requested = kept.phases("phone", Phase::Requested);
    let [(_, 1), (again, 2)] = requested[..] else { panic!("{requested:?}\n{}", kept.story()) };
    // It knows the number by itself: the rendezvous is a round trip away.
    assert!((on..on + 10_000_000).contains(&again), "{requested:?}\n{}", kept.story());
    let closed = closed(&kept, "doorbell");
    let [(ended, 1, reason)] = &closed[..] else { panic!("{closed:?}\n{}", kept.story()) };
    assert!((on..on + S_NS).contains(ended), "{closed:?}\n{}", kept.story());
    assert_eq!(reason, "a newer session took its place");
    let rendered = kept.rendered("phone");
    let of_session = |number| rendered.iter().filter(move |frame| frame.session.number == number);
    assert!(of_session(1).count() > 20 && of_session(2).count() > 20, "{}", kept.story());
    assert!(of_session(1).all(|frame| frame.at_ns < off));
    // The camera went on all the time: it counts its frames.
    assert!(rendered.iter().all(|frame| frame.boot == 0));
}
