//! The rendezvous, by what it says on which connection.

use parallax_signalling::*;

const CAMERA: ConnectionId = ConnectionId(1);
const VIEWER: ConnectionId = ConnectionId(2);
const OTHER: ConnectionId = ConnectionId(3);

fn turn() -> IceServer {
    IceServer {
        urls: vec!["turn:198.51.100.1:3478".to_owned()],
        username: "run".to_owned(),
        credential: "pass-of-turn".to_owned(),
    }
}

fn rendezvous() -> Rendezvous {
    let mut rendezvous = Rendezvous::new(vec![turn()]);
    for connection in [CAMERA, VIEWER, OTHER] {
        rendezvous.connected(connection);
    }
    rendezvous
}

fn register(camera: &str, token: &str, boot: u32) -> ToRendezvous {
    ToRendezvous::Register { camera: camera.to_owned(), token: Token::new(token), boot }
}

fn view(viewer: &str, token: &str) -> ToRendezvous {
    let (camera, viewer) = ("doorbell".to_owned(), viewer.to_owned());
    ToRendezvous::View { camera, viewer, token: Token::new(token) }
}

fn description(session: SessionId, sdp: &str) -> ToRendezvous {
    ToRendezvous::Description { session, sdp: sdp.to_owned() }
}

/// Says a message and returns all that is said thereupon.
fn say(
    rendezvous: &mut Rendezvous,
    at: ConnectionId,
    message: &ToRendezvous,
) -> Vec<(ConnectionId, FromRendezvous)> {
    rendezvous.handle(at, &message.to_text());
    said(rendezvous)
}

fn said(rendezvous: &mut Rendezvous) -> Vec<(ConnectionId, FromRendezvous)> {
    core::iter::from_fn(|| rendezvous.poll())
        .map(|output| match output {
            RendezvousOutput::Send(to, text) => {
                (to, FromRendezvous::from_text(&text).expect("a message"))
            }
            RendezvousOutput::Close(of) => panic!("{of:?} was closed"),
        })
        .collect()
}

fn refused(
    to: ConnectionId,
    why: RefusedReason,
    session: Option<SessionId>,
) -> Vec<(ConnectionId, FromRendezvous)> {
    let camera = session.is_none().then(|| "doorbell".to_owned());
    vec![(to, FromRendezvous::Refused { why, camera, session })]
}

/// A camera and a viewer with a session.
fn session() -> (Rendezvous, SessionId) {
    let mut rendezvous = rendezvous();
    say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 0));
    let said = say(&mut rendezvous, VIEWER, &view("phone", "secret"));
    let [(VIEWER, FromRendezvous::CameraFound { session, boot: 0, number: 1, .. }), came] =
        &said[..]
    else {
        panic!("{said:?}");
    };
    let expected = FromRendezvous::ViewerCame {
        session: *session,
        camera: "doorbell".to_owned(),
        viewer: "phone".to_owned(),
        number: 1,
        ice_servers: vec![turn()],
    };
    assert_eq!(*came, (CAMERA, expected));
    (rendezvous, *session)
}

#[test]
fn offer_answer_and_candidates_reach_the_other_end() {
    let (mut rendezvous, id) = session();
    let said = say(&mut rendezvous, CAMERA, &description(id, "offer"));
    let offer = FromRendezvous::Description { session: id, sdp: "offer".to_owned() };
    assert_eq!(said, [(VIEWER, offer)]);
    let said = say(&mut rendezvous, VIEWER, &description(id, "answer"));
    let answer = FromRendezvous::Description { session: id, sdp: "answer".to_owned() };
    assert_eq!(said, [(CAMERA, answer)]);
    for (from, to) in [(CAMERA, VIEWER), (VIEWER, CAMERA)] {
        for candidate in [Some("candidate:1 1 udp 1 192.0.2.1 9 typ host".to_owned()), None] {
            let message = ToRendezvous::Candidate {
                session: id,
                candidate: candidate.clone(),
                sdp_mid: Some("0".to_owned()),
                sdp_m_line_index: Some(0),
            };
            let passed = FromRendezvous::Candidate {
                session: id,
                candidate,
                sdp_mid: Some("0".to_owned()),
                sdp_m_line_index: Some(0),
            };
            assert_eq!(say(&mut rendezvous, from, &message), [(to, passed)]);
        }
    }
    // Renegotiation: the camera offers again.
    assert_eq!(say(&mut rendezvous, CAMERA, &description(id, "again")).len(), 1);
}

#[test]
fn a_viewer_with_a_wrong_token_is_refused_and_the_camera_hears_nothing() {
    let mut rendezvous = rendezvous();
    say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 0));
    for wrong in ["secreT", "secre", "secret1"] {
        let said = say(&mut rendezvous, VIEWER, &view("phone", wrong));
        assert_eq!(said, refused(VIEWER, RefusedReason::WrongToken, None));
    }
    // Refused is not banned.
    assert_eq!(say(&mut rendezvous, VIEWER, &view("phone", "secret")).len(), 2);
}

#[test]
fn a_viewer_that_waits_with_a_wrong_token_is_refused_when_the_camera_registers() {
    let mut rendezvous = rendezvous();
    assert_eq!(say(&mut rendezvous, VIEWER, &view("phone", "guess")), []);
    let said = say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 0));
    assert!(matches!(said[0], (CAMERA, FromRendezvous::Registered { .. })), "{said:?}");
    assert_eq!(said[1..], refused(VIEWER, RefusedReason::WrongToken, None));
}

#[test]
fn viewers_that_came_first_are_served_in_their_order_when_the_camera_registers() {
    let mut rendezvous = rendezvous();
    assert_eq!(say(&mut rendezvous, OTHER, &view("tablet", "secret")), []);
    assert_eq!(say(&mut rendezvous, VIEWER, &view("phone", "secret")), []);
    let said = say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 0));
    let found: Vec<_> = said
        .iter()
        .filter(|(_, message)| matches!(message, FromRendezvous::CameraFound { .. }))
        .map(|(to, _)| *to)
        .collect();
    assert_eq!(found, [OTHER, VIEWER]);
}

#[test]
fn nobody_takes_a_cameras_name_without_its_token_even_while_it_is_away() {
    let (mut rendezvous, _) = session();
    let said = say(&mut rendezvous, OTHER, &register("doorbell", "mine", 0));
    assert_eq!(said, refused(OTHER, RefusedReason::WrongToken, None));
    rendezvous.disconnected(CAMERA);
    said_nothing_but_closed(&mut rendezvous);
    let said = say(&mut rendezvous, OTHER, &register("doorbell", "mine", 0));
    assert_eq!(said, refused(OTHER, RefusedReason::WrongToken, None));
}

fn said_nothing_but_closed(rendezvous: &mut Rendezvous) {
    let said = said(rendezvous);
    let closed = |m: &FromRendezvous| {
        matches!(m, FromRendezvous::Closed { reason: CloseReason::Disconnected, .. })
    };
    assert!(!said.is_empty() && said.iter().all(|(_, message)| closed(message)), "{said:?}");
}

#[test]
fn a_description_for_a_session_of_another_connection_is_refused() {
    let (mut rendezvous, id) = session();
    let said = say(&mut rendezvous, OTHER, &description(id, "evil"));
    assert_eq!(said, refused(OTHER, RefusedReason::UnknownSession, Some(id)));
    let candidate = ToRendezvous::Candidate {
        session: id,
        candidate: None,
        sdp_mid: None,
        sdp_m_line_index: None,
    };
    let said = say(&mut rendezvous, OTHER, &candidate);
    assert_eq!(said, refused(OTHER, RefusedReason::UnknownSession, Some(id)));
    let close = ToRendezvous::Close { session: id, reason: CloseReason::Finished };
    let said = say(&mut rendezvous, OTHER, &close);
    assert_eq!(said, refused(OTHER, RefusedReason::UnknownSession, Some(id)));
    assert_eq!(say(&mut rendezvous, CAMERA, &description(id, "offer")).len(), 1);
}

#[test]
fn descriptions_take_turns_so_that_a_replay_is_refused() {
    let (mut rendezvous, id) = session();
    let out_of_turn = |to| refused(to, RefusedReason::OutOfTurn, Some(id));
    assert_eq!(say(&mut rendezvous, VIEWER, &description(id, "x")), out_of_turn(VIEWER));
    say(&mut rendezvous, CAMERA, &description(id, "offer"));
    assert_eq!(say(&mut rendezvous, CAMERA, &description(id, "offer")), out_of_turn(CAMERA));
    say(&mut rendezvous, VIEWER, &description(id, "answer"));
    assert_eq!(say(&mut rendezvous, VIEWER, &description(id, "answer")), out_of_turn(VIEWER));
}

#[test]
fn close_tells_the_other_end_and_ends_the_session() {
    let (mut rendezvous, id) = session();
    let reason = CloseReason::FingerprintMismatch;
    let said = say(&mut rendezvous, VIEWER, &ToRendezvous::Close { session: id, reason });
    assert_eq!(said, [(CAMERA, FromRendezvous::Closed { session: id, reason })]);
    let said = say(&mut rendezvous, CAMERA, &description(id, "late"));
    assert_eq!(said, refused(CAMERA, RefusedReason::UnknownSession, Some(id)));
    // The wish ended with it: the camera that comes again finds nobody.
    assert_eq!(say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 1)).len(), 1);
}

#[test]
fn a_viewer_that_asks_again_gets_a_new_session_with_the_next_number() {
    let (mut rendezvous, old) = session();
    let said = say(&mut rendezvous, VIEWER, &view("phone", "secret"));
    let reason = CloseReason::Replaced;
    assert_eq!(said[0], (CAMERA, FromRendezvous::Closed { session: old, reason }));
    assert!(
        matches!(&said[1], (VIEWER, FromRendezvous::CameraFound { session, number: 2, .. }) if *session != old),
        "{said:?}"
    );
    // On another connection, because the first one died unnoticed: both ends are told.
    let said = say(&mut rendezvous, OTHER, &view("phone", "secret"));
    let closed: Vec<_> = said
        .iter()
        .filter(|(_, message)| matches!(message, FromRendezvous::Closed { .. }))
        .map(|(to, _)| *to)
        .collect();
    assert_eq!(closed, [CAMERA, VIEWER]);
    assert!(matches!(&said[2], (OTHER, FromRendezvous::CameraFound { number: 3, .. })));
}

#[test]
fn a_camera_that_registers_again_takes_its_viewers_along() {
    let (mut rendezvous, old) = session();
    let said = say(&mut rendezvous, OTHER, &register("doorbell", "secret", 1));
    let back = FromRendezvous::CameraBack { session: old, camera: "doorbell".to_owned(), boot: 1 };
    assert_eq!(said[1], (VIEWER, back));
    assert!(
        matches!(&said[2], (VIEWER, FromRendezvous::CameraFound { boot: 1, number: 2, .. })),
        "{said:?}"
    );
    assert!(matches!(&said[3], (OTHER, FromRendezvous::ViewerCame { number: 2, .. })));
    // The old connection is not the camera any more, and its end is nobody's.
    rendezvous.disconnected(CAMERA);
    assert_eq!(rendezvous.poll(), None);
}

#[test]
fn a_camera_that_registers_again_in_the_same_boot_keeps_the_sessions_it_has_offered() {
    let (mut rendezvous, id) = session();
    say(&mut rendezvous, CAMERA, &description(id, "offer"));
    let again = register("doorbell", "secret", 0);
    let said = say(&mut rendezvous, OTHER, &again);
    assert!(matches!(said[..], [(OTHER, FromRendezvous::Registered { .. })]), "{said:?}");
    // From now on its end is the new connection.
    let unknown = refused(CAMERA, RefusedReason::UnknownSession, Some(id));
    assert_eq!(say(&mut rendezvous, CAMERA, &description(id, "offer")), unknown);
    let said = say(&mut rendezvous, VIEWER, &description(id, "answer"));
    assert!(matches!(said[..], [(OTHER, FromRendezvous::Description { .. })]), "{said:?}");
    rendezvous.disconnected(CAMERA);
    assert_eq!(rendezvous.poll(), None);
    // One that it has not offered it may never have heard of.
    let said = say(&mut rendezvous, VIEWER, &view("phone", "secret"));
    assert_eq!(said.len(), 3, "{said:?}");
    rendezvous.connected(ConnectionId(9));
    let said = say(&mut rendezvous, ConnectionId(9), &again);
    assert!(matches!(&said[1], (VIEWER, FromRendezvous::CameraBack { boot: 0, .. })), "{said:?}");
    assert!(matches!(&said[2], (VIEWER, FromRendezvous::CameraFound { number: 3, .. })));
}

/// The rendezvous of one camera, which registers on connection 1.
fn of_camera() -> Rendezvous {
    let counted = [("phone".to_owned(), 4)].into();
    let mut rendezvous = Rendezvous::of_camera(CAMERA, SessionId(70), counted);
    for connection in [CAMERA, VIEWER, OTHER] {
        rendezvous.connected(connection);
    }
    let said = say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 1));
    let [(CAMERA, FromRendezvous::Registered { ice_servers, .. })] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(*ice_servers, []);
    rendezvous
}

#[test]
fn a_cameras_own_rendezvous_names_no_session_twice() {
    let mut rendezvous = of_camera();
    let said = say(&mut rendezvous, VIEWER, &view("phone", "secret"));
    let found = FromRendezvous::CameraFound {
        session: SessionId(71),
        camera: "doorbell".to_owned(),
        boot: 1,
        number: 5,
        ice_servers: Vec::new(),
        whole: false,
    };
    assert_eq!(said[0], (VIEWER, found));
    let said = say(&mut rendezvous, OTHER, &view("tablet", "secret"));
    assert!(matches!(said[0], (OTHER, FromRendezvous::CameraFound { number: 1, .. })));
}

#[test]
fn at_a_cameras_own_rendezvous_nobody_else_registers_even_with_its_token() {
    let mut rendezvous = of_camera();
    for camera in ["doorbell", "garden"] {
        let said = say(&mut rendezvous, OTHER, &register(camera, "secret", 2));
        let full = FromRendezvous::Refused {
            why: RefusedReason::Full,
            camera: Some(camera.to_owned()),
            session: None,
        };
        assert_eq!(said, [(OTHER, full)]);
    }
    let said = say(&mut rendezvous, VIEWER, &view("phone", "secret"));
    assert!(matches!(said[1], (CAMERA, FromRendezvous::ViewerCame { .. })), "{said:?}");
}

#[test]
fn a_viewer_waits_on_when_its_camera_goes_away() {
    let (mut rendezvous, _) = session();
    rendezvous.disconnected(CAMERA);
    said_nothing_but_closed(&mut rendezvous);
    rendezvous.connected(ConnectionId(4));
    let said = say(&mut rendezvous, ConnectionId(4), &register("doorbell", "secret", 1));
    assert!(matches!(&said[1], (VIEWER, FromRendezvous::CameraFound { boot: 1, .. })), "{said:?}");
}

#[test]
fn a_camera_hears_when_its_viewer_goes_away() {
    let (mut rendezvous, id) = session();
    rendezvous.disconnected(VIEWER);
    let closed = FromRendezvous::Closed { session: id, reason: CloseReason::Disconnected };
    assert_eq!(said(&mut rendezvous), [(CAMERA, closed)]);
}

#[test]
fn a_peer_holds_both_roles_on_one_connection() {
    let mut rendezvous = rendezvous();
    for (at, camera) in [(CAMERA, "doorbell"), (VIEWER, "porch")] {
        say(&mut rendezvous, at, &register(camera, camera, 0));
    }
    let (camera, viewer) = ("porch".to_owned(), "doorbell".to_owned());
    let there = ToRendezvous::View { camera, viewer, token: Token::new("porch") };
    assert_eq!(say(&mut rendezvous, CAMERA, &there).len(), 2);
    assert_eq!(say(&mut rendezvous, VIEWER, &view("porch", "doorbell")).len(), 2);
}

#[test]
fn a_restart_forgets_all_but_the_counts() {
    let (mut rendezvous, old) = session();
    rendezvous.restart();
    rendezvous.handle(CAMERA, &description(old, "offer").to_text());
    assert_eq!(said(&mut rendezvous), []);
    for connection in [CAMERA, VIEWER] {
        rendezvous.connected(connection);
    }
    // Tokens are forgotten too: the viewer waits until the camera has said its own again.
    assert_eq!(say(&mut rendezvous, VIEWER, &view("phone", "secret")), []);
    let said = say(&mut rendezvous, CAMERA, &register("doorbell", "secret", 0));
    assert!(
        matches!(&said[1], (VIEWER, FromRendezvous::CameraFound { session, number: 2, .. }) if *session > old),
        "{said:?}"
    );
}

#[test]
fn what_is_no_message_is_refused_and_the_connection_closed() {
    let long = "x".repeat(MAX_MESSAGE_BYTES + 1);
    let name = "x".repeat(MAX_NAME_BYTES + 1);
    let long_name = register(&name, "secret", 0).to_text();
    let cases: [(&str, RefusedReason); 12] = [
        ("", RefusedReason::Malformed),
        ("hello", RefusedReason::Malformed),
        ("[]", RefusedReason::Malformed),
        (r#"{"kind":"dance"}"#, RefusedReason::Malformed),
        (r#"{"kind":"register","camera":"a","token":"t"}"#, RefusedReason::Malformed),
        (r#"{"kind":"register","camera":"a","token":"t","boot":-1}"#, RefusedReason::Malformed),
        (
            r#"{"kind":"register","camera":"a","token":"t","boot":0,"more":1}"#,
            RefusedReason::Malformed,
        ),
        (r#"{"kind":"register","camera":"a b","token":"t","boot":0}"#, RefusedReason::Malformed),
        (r#"{"kind":"register","camera":"a","token":"","boot":0}"#, RefusedReason::Malformed),
        (r#"{"kind":"close","session":1,"reason":"replaced"}"#, RefusedReason::Malformed),
        (&long_name, RefusedReason::Malformed),
        (&long, RefusedReason::TooLarge),
    ];
    for (text, why) in cases {
        let (mut rendezvous, id) = session();
        rendezvous.handle(VIEWER, text);
        let Some(RendezvousOutput::Send(VIEWER, said)) = rendezvous.poll() else {
            panic!("{text}")
        };
        let expected = FromRendezvous::Refused { why, camera: None, session: None };
        assert_eq!(FromRendezvous::from_text(&said), Ok(expected), "{text}");
        assert_eq!(rendezvous.poll(), Some(RendezvousOutput::Close(VIEWER)), "{text}");
        // The camera is told that its viewer is gone, and nothing that the viewer still says counts.
        let Some(RendezvousOutput::Send(CAMERA, said)) = rendezvous.poll() else {
            panic!("{text}")
        };
        let expected = FromRendezvous::Closed { session: id, reason: CloseReason::Disconnected };
        assert_eq!(FromRendezvous::from_text(&said), Ok(expected), "{text}");
        rendezvous.handle(VIEWER, &view("phone", "secret").to_text());
        assert_eq!(rendezvous.poll(), None, "{text}");
    }
}

#[test]
fn sessions_views_waiting_and_cameras_are_bounded() {
    let (mut rendezvous, _) = session();
    let (mut served, mut full) = (0, 0);
    for n in 0..MAX_VIEWERS_PER_CAMERA as u64 {
        let connection = ConnectionId(100 + n);
        rendezvous.connected(connection);
        let said = say(&mut rendezvous, connection, &view(&format!("v{n}"), "secret"));
        if said == refused(connection, RefusedReason::Full, None) { full += 1 } else { served += 1 }
    }
    assert_eq!((served, full), (MAX_VIEWERS_PER_CAMERA - 1, 1));

    let view_of = |n: usize| ToRendezvous::View {
        camera: format!("c{n}"),
        viewer: "phone".to_owned(),
        token: Token::new("t"),
    };
    let mut taken = 0;
    for n in 0..=MAX_VIEWS_PER_CONNECTION {
        taken += usize::from(say(&mut rendezvous, OTHER, &view_of(n)).is_empty());
    }
    assert_eq!(taken, MAX_VIEWS_PER_CONNECTION);
    for n in 0..2 * MAX_WAITING {
        let connection = ConnectionId(10_000 + n as u64);
        rendezvous.connected(connection);
        taken += usize::from(say(&mut rendezvous, connection, &view_of(1000 + n)).is_empty());
    }
    assert_eq!(taken, MAX_WAITING);

    let mut registered = 1;
    for n in 0..2 * MAX_CAMERAS {
        let said = say(&mut rendezvous, OTHER, &register(&format!("d{n}"), "t", 0));
        registered += usize::from(matches!(said[0].1, FromRendezvous::Registered { .. }));
    }
    assert_eq!(registered, MAX_CAMERAS);
}

#[test]
fn secrets_appear_in_no_debug_output_and_no_error() {
    let mut rendezvous = rendezvous();
    say(&mut rendezvous, VIEWER, &view("phone", "hidden-token"));
    say(&mut rendezvous, CAMERA, &register("porch", "hidden-token", 0));
    let debug = format!("{rendezvous:?} {:?}", register("porch", "hidden-token", 0));
    assert!(!debug.contains("hidden-token") && !debug.contains("pass-of-turn"), "{debug}");
    assert!(debug.contains("redacted"));
    let text = r#"{"kind":"register","camera":"a","token":"t","boot":"hidden-token"}"#;
    let error = ToRendezvous::from_text(text).expect_err("boot is no text");
    assert!(!format!("{error} {error:?}").contains("hidden-token"));
}

#[test]
fn messages_read_as_documented() {
    let text = register("doorbell", "secret", 3).to_text();
    assert_eq!(text, r#"{"kind":"register","camera":"doorbell","token":"secret","boot":3}"#);
    let text = ToRendezvous::Candidate {
        session: SessionId(7),
        candidate: None,
        sdp_mid: None,
        sdp_m_line_index: None,
    }
    .to_text();
    assert_eq!(
        text,
        r#"{"kind":"candidate","session":7,"candidate":null,"sdp_mid":null,"sdp_m_line_index":null}"#
    );
    assert!(matches!(
        ToRendezvous::from_text(&text),
        Ok(ToRendezvous::Candidate { session: SessionId(7), candidate: None, .. })
    ));
}
