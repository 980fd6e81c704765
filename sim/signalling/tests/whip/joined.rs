//! A camera of WHIP and viewers of the rendezvous's own protocol: what becomes of one when the other goes.

use crate::bench::{
    ANSWER, Bench, FRAGMENT, HOST_CANDIDATE, OFFER, ROOM, Request, SECOND, TOKEN, Viewer,
};
use parallax_signalling::{
    CloseReason, FromRendezvous, ToRendezvous, Token, WhipRequest, WhipResponseReader, trickle,
};

#[test]
fn a_viewer_that_waits_is_served_by_the_post() {
    let mut bench = Bench::new();
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    assert_eq!(viewer.offer(&mut bench), OFFER);
}

#[test]
fn a_second_viewer_waits_for_its_turn() {
    let mut bench = Bench::new();
    let (created, mut first) = bench.established();
    let mut second = Viewer::new(&mut bench, "tablet");
    second.view(&mut bench);
    assert_eq!(second.said(&mut bench), []);
    // The first is through.
    let session = first.session.expect("a session");
    first.say(&mut bench, &ToRendezvous::Close { session, reason: CloseReason::Finished });
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 404);
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    assert_eq!(second.offer(&mut bench), OFFER);
}

#[test]
fn a_viewer_that_leaves_before_its_answer_frees_the_camera_to_post_again() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.offer(&mut bench);
    let (server, now) = (&mut bench.server, bench.now);
    server.gone(now, viewer.client);
    let response = bench.response(camera);
    assert_eq!((response.status, response.field("Retry-After")), (503, "1"));
}

#[test]
fn a_viewer_that_is_gone_ends_the_session() {
    let mut bench = Bench::new();
    let (created, viewer) = bench.established();
    let (server, now) = (&mut bench.server, bench.now);
    server.gone(now, viewer.client);
    let get = Request::new("GET", created.field("Location")).authorised();
    assert_eq!(bench.ask(&get).status, 404);
}

#[test]
fn a_camera_whose_connection_is_gone_before_its_answer_is_away() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.offer(&mut bench);
    bench.server.gone(bench.now, camera);
    assert!(matches!(
        viewer.said(&mut bench)[..],
        [FromRendezvous::Closed { reason: CloseReason::Failed, .. }]
    ));
    // And it hears of no camera until that posts again.
    viewer.view(&mut bench);
    assert_eq!(viewer.said(&mut bench), []);
}

#[test]
fn after_a_restart_of_the_server_the_session_is_unknown() {
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    bench.server.restart();
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 404);
    assert_eq!(bench.server.next_deadline().map(|at| at > bench.now), Some(true));
}

#[test]
fn a_name_that_a_camera_has_taken_with_another_token_is_refused() {
    let mut bench = Bench::new();
    let mut other = Viewer::new(&mut bench, "other");
    let (camera, token) = (ROOM.to_owned(), Token::new("another"));
    other.say(&mut bench, &ToRendezvous::Register { camera, token, boot: 0 });
    assert_eq!(bench.ask(&Request::post(OFFER)).status, 401);
}

#[test]
fn a_camera_of_the_other_protocol_takes_the_place_of_one_of_whip() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let mut camera = Viewer::new(&mut bench, "camera");
    let (name, token) = (ROOM.to_owned(), Token::new(TOKEN));
    camera.say(&mut bench, &ToRendezvous::Register { camera: name, token, boot: 1 });
    let said = viewer.said(&mut bench);
    assert!(matches!(said[0], FromRendezvous::CameraBack { .. }), "{said:?}");
    assert!(matches!(said[1], FromRendezvous::CameraFound { whole: false, .. }), "{said:?}");
    // Its candidates go nowhere, and with that the session is over.
    bench.ask(&Request::patch(&created, FRAGMENT));
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 404);
}

#[test]
fn the_client_reads_what_the_server_writes() {
    let mut bench = Bench::new();
    let token = Token::new(TOKEN);
    let post = WhipRequest::Post { camera: ROOM.to_owned(), offer: OFFER.to_owned() };
    let camera = bench.open();
    bench.send(camera, &post.to_bytes("192.0.2.80", &token));
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.answer(&mut bench, ANSWER);
    viewer.candidate(&mut bench, Some(HOST_CANDIDATE));
    viewer.candidate(&mut bench, None);
    let bytes = std::mem::take(bench.server.outgoing(camera).expect("it is there"));
    let mut reader = WhipResponseReader::default();
    let (most, last) = bytes.split_at(bytes.len() - 1);
    for byte in most {
        assert_eq!(reader.receive(&[*byte]), Ok(None));
    }
    let created = reader.receive(last).expect("a response").expect("whole");
    assert_eq!((created.status, created.session), (201, Some(("phone".to_owned(), 1))));
    assert!(created.content.contains(HOST_CANDIDATE));
    assert_eq!(created.ice_servers[0].urls, ["stun:198.51.100.1:3478"]);
    let turn = &created.ice_servers[1];
    assert_eq!((turn.username.as_str(), turn.credential.as_str()), ("user", "pass\"word"));

    viewer.said(&mut bench);
    let location = created.location.expect("a session");
    let entity_tag = created.entity_tag.expect("a tag");
    let fragment = trickle(OFFER, &[HOST_CANDIDATE.to_owned()], true).expect("a fragment");
    let patch = WhipRequest::Patch { location: location.clone(), entity_tag, fragment };
    let (get, delete) = (
        WhipRequest::Get { location: location.clone() },
        WhipRequest::Delete { location: location.clone() },
    );
    for (request, status) in [(patch, 204), (get, 204), (delete.clone(), 200), (delete, 404)] {
        bench.send(camera, &request.to_bytes("192.0.2.80", &token));
        let bytes = std::mem::take(bench.server.outgoing(camera).expect("it is there"));
        let response = reader.receive(&bytes).expect("a response").expect("whole");
        assert_eq!(response.status, status, "{request:?}");
    }
    let said = viewer.said(&mut bench);
    let [FromRendezvous::Candidate { candidate, .. }, ..] = &said[..] else { panic!("{said:?}") };
    assert_eq!(candidate.as_deref(), Some(HOST_CANDIDATE));
    assert!(WhipResponseReader::default().receive(b"nonsense\r\n\r\n").is_err());
    let endless = vec![b'a'; 17 * 1024];
    assert!(
        WhipResponseReader::default()
            .receive(&[b"HTTP/1.1 200 OK\r\nX: ", &endless[..]].concat())
            .is_err()
    );
}

#[test]
fn what_a_server_keeps_of_whip_is_bounded_in_time() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    bench.wait(600 * SECOND);
    assert!(bench.responses(camera).len() <= 1);
    assert!(bench.is_over(camera));
    assert_eq!(bench.server.next_deadline(), None);
}
