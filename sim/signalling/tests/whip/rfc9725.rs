//! RFC 9725, "WebRTC-HTTP Ingestion Protocol (WHIP)", clause by clause.

use crate::bench::{
    ANSWER, Bench, FRAGMENT, HOST_CANDIDATE, OFFER, RESTART, ROOM, Request, SECOND, Viewer,
};
use parallax_signalling::{CloseReason, FromRendezvous};

const ENDPOINT: &str = "/whip/doorbell";

/// The camera's offer with one line changed.
fn offer_with(line: &str, instead: &str) -> String {
    let changed = OFFER.replace(&format!("{line}\r\n"), instead);
    assert_ne!(changed, OFFER);
    changed
}

fn candidates(said: &[FromRendezvous]) -> Vec<Option<&str>> {
    said.iter()
        .filter_map(|message| match message {
            FromRendezvous::Candidate { candidate, .. } => Some(candidate.as_deref()),
            _ => None,
        })
        .collect()
}

/// Section 4.1: endpoints and sessions have no representation: a GET is answered with 2xx and no content.
#[test]
fn section_4_1_get_is_answered_without_content() {
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    for method in ["GET", "HEAD"] {
        for target in [ENDPOINT, created.field("Location")] {
            let response = bench.ask(&Request::new(method, target).authorised());
            assert_eq!((response.status, response.body.as_str()), (204, ""), "{method} {target}");
        }
    }
}

/// Section 4.1: error codes are HTTP's own, with a problem statement (RFC 9457) as the finer-grained information.
#[test]
fn section_4_1_errors_are_problem_statements() {
    let response = Bench::new().ask(&Request::new("PUT", ENDPOINT));
    assert_eq!((response.status, response.field("Allow")), (405, "POST, GET, HEAD, OPTIONS"));
    assert_eq!(response.field("Content-Type"), "application/problem+json");
    assert!(response.body.contains("\"status\":405"), "{}", response.body);
}

/// Section 4.2: the POST of an offer is answered with 201, the SDP answer, and a Location that points to the session.
#[test]
fn section_4_2_a_post_is_answered_with_201_answer_and_location() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    assert_eq!(created.field("Content-Type"), "application/sdp");
    assert!(created.field("Location").starts_with("/whip/doorbell/"));
    assert!(created.body.starts_with("v=0\r\n") && created.body.contains("a=setup:passive\r\n"));
    // And the viewer had the camera's offer as it was.
    viewer.view(&mut bench);
    let again = bench.open();
    bench.send(again, Request::post(OFFER).text().as_bytes());
    assert_eq!(viewer.offer(&mut bench), OFFER);
}

/// Section 4.2: a POST of another content type than application/sdp is rejected with a 4xx.
#[test]
fn section_4_2_another_content_type_is_rejected() {
    let mut bench = Bench::new();
    for media_type in ["application/json", "text/plain", "application/sdpx", ""] {
        let post = Request::post(OFFER).without("Content-Type").with("Content-Type", media_type);
        let response = bench.ask(&post);
        assert_eq!((response.status, response.field("Accept-Post")), (415, "application/sdp"));
    }
    assert_eq!(bench.ask(&Request::post(OFFER).without("Content-Type")).status, 415);
    // Parameters and case change nothing (RFC 9110 section 8.3.1): this one waits for its viewer.
    let post = Request::post(OFFER).without("Content-Type");
    let post = post.with("content-type", "Application/SDP; charset=utf-8");
    let client = bench.open();
    bench.send(client, post.text().as_bytes());
    assert_eq!(bench.responses(client).len(), 0);
}

/// Section 4.2: a POST of a malformed description is rejected with a 4xx.
#[test]
fn section_4_2_a_malformed_offer_is_rejected() {
    let mut bench = Bench::new();
    let malformed = [
        String::new(),
        "hello".to_owned(),
        "v=0\r\n".to_owned(),
        "v=1\r\no=- 1 1 IN IP4 0.0.0.0\r\n".to_owned(),
        offer_with("s=-", "not a line\r\n"),
        offer_with("s=-", "s=\u{1}\r\n"),
        offer_with("o=- 7 2 IN IP4 127.0.0.1", ""),
        offer_with("a=ice-ufrag:EsAw", ""),
        offer_with("a=fingerprint:sha-256 DA:7B", ""),
        offer_with("m=video 9 UDP/TLS/RTP/SAVPF 102", "m=application 9 UDP/DTLS/SCTP x\r\n"),
    ];
    for offer in malformed {
        let response = bench.ask(&Request::post(&offer));
        assert_eq!(response.status, 400, "{offer}: {response:?}");
    }
    let mut bytes =
        Request::post("").without("Content-Length").with("Content-Length", "2").text().into_bytes();
    bytes.extend([0xff, 0xfe]);
    let client = bench.open();
    bench.send(client, &bytes);
    assert_eq!(bench.response(client).status, 400);
}

/// Section 4.2: a client offers sendonly or sendrecv, and must not offer recvonly or inactive.
#[test]
fn section_4_2_an_offer_sends() {
    let mut bench = Bench::new();
    for direction in ["a=recvonly\r\n", "a=inactive\r\n"] {
        assert_eq!(bench.ask(&Request::post(&offer_with("a=sendonly", direction))).status, 422);
    }
    let client = bench.open();
    bench
        .send(client, Request::post(&offer_with("a=sendonly", "a=sendrecv\r\n")).text().as_bytes());
    assert_eq!(bench.responses(client).len(), 0, "it waits for a viewer");
}

/// Section 4.2: the answer uses recvonly.
#[test]
fn section_4_2_the_answer_receives_only() {
    let (created, _viewer) = Bench::new().established();
    assert!(ANSWER.contains("a=sendrecv\r\n"));
    assert!(created.body.contains("a=recvonly\r\n") && !created.body.contains("a=sendrecv"));
}

/// Section 4.2: a DELETE on the session's URL ends the session.
#[test]
fn section_4_2_delete_ends_the_session() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let delete = Request::new("DELETE", created.field("Location")).authorised();
    assert_eq!(bench.ask(&delete).status, 200);
    assert!(matches!(
        viewer.said(&mut bench)[..],
        [FromRendezvous::Closed { reason: CloseReason::Finished, .. }]
    ));
    assert_eq!(bench.ask(&delete).status, 404);
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 404);
}

/// Section 4.2: OPTIONS is answered for CORS (Fetch), with 200 and Accept-Post.
#[test]
fn section_4_2_options_answers_a_preflight() {
    let mut bench = Bench::new();
    let preflight = Request::new("OPTIONS", ENDPOINT)
        .with("Origin", "https://example.com")
        .with("Access-Control-Request-Method", "POST")
        .with("Access-Control-Request-Headers", "authorization, content-type");
    let response = bench.ask(&preflight);
    assert_eq!((response.status, response.field("Accept-Post")), (200, "application/sdp"));
    assert_eq!(response.field("Access-Control-Allow-Origin"), "*");
    assert!(response.field("Access-Control-Allow-Methods").contains("POST"));
    assert!(response.field("Access-Control-Allow-Headers").contains("Authorization"));
    let (created, _viewer) = bench.established();
    let session = bench.ask(&Request::new("OPTIONS", created.field("Location")));
    assert_eq!(session.field("Accept-Patch"), "application/trickle-ice-sdpfrag");
    let methods = session.field("Access-Control-Allow-Methods");
    assert!(methods.contains("PATCH") && methods.contains("DELETE"), "{methods}");
    assert!(session.field("Access-Control-Allow-Headers").contains("If-Match"));
    // A page may read what it needs.
    let exposed = created.field("Access-Control-Expose-Headers");
    assert!(["Location", "ETag", "Link"].iter().all(|name| exposed.contains(name)), "{exposed}");
}

/// Section 4.3.1: a PATCH of another content type than application/trickle-ice-sdpfrag is rejected with a 4xx.
#[test]
fn section_4_3_1_a_patch_of_another_content_type_is_rejected() {
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    let patch = Request::patch(&created, FRAGMENT).without("Content-Type");
    let response = bench.ask(&patch.with("Content-Type", "application/sdp"));
    assert_eq!(response.status, 415);
    assert_eq!(response.field("Accept-Patch"), "application/trickle-ice-sdpfrag");
}

/// Section 4.3.1: a PATCH of a malformed fragment is rejected with a 4xx.
#[test]
fn section_4_3_1_a_malformed_fragment_is_rejected() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    for fragment in [
        "",
        "hello",
        "a=mid:0\r\n",
        "a=candidate:1 1 udp\r\n",
        "a=candidate:1 1 udp 1 192.0.2.1 70000 typ host\r\n",
        "a=ice-ufrag:only\r\n",
    ] {
        assert_eq!(bench.ask(&Request::patch(&created, fragment)).status, 400, "{fragment}");
    }
    let many = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n".repeat(65);
    assert_eq!(bench.ask(&Request::patch(&created, &many)).status, 400);
    assert_eq!(viewer.said(&mut bench), []);
}

/// Section 4.3.1: a strong entity-tag of its own identifies each ICE session, and the 201 has the first.
#[test]
fn section_4_3_1_each_ice_session_has_an_entity_tag_of_its_own() {
    let mut bench = Bench::new();
    let (first, _viewer) = bench.established();
    bench.ask(&Request::new("DELETE", first.field("Location")).authorised());
    let (second, _other) = bench.established();
    let (first, second) = (first.field("ETag"), second.field("ETag"));
    assert!(first.starts_with('"') && first.ends_with('"'), "{first} is strong");
    assert_ne!(first, second);
}

/// Section 4.3.1: an entity-tag in a request that needs none, as DELETE, is ignored.
#[test]
fn section_4_3_1_delete_ignores_an_entity_tag() {
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    let delete = Request::new("DELETE", created.field("Location")).authorised();
    assert_eq!(bench.ask(&delete.with("If-Match", "\"other\"")).status, 200);
}

/// Section 4.3.1: a PATCH without an entity-tag is answered with 428 (RFC 6585), one with another with 412 (RFC 9110).
#[test]
fn section_4_3_1_missing_and_outdated_entity_tags() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let bare = Request::patch(&created, FRAGMENT).without("If-Match");
    assert_eq!(bench.ask(&bare).status, 428);
    let weak = format!("W/{}", created.field("ETag"));
    for other in ["\"other\"", &weak, "other", ""] {
        assert_eq!(bench.ask(&bare.clone().with("If-Match", other)).status, 412, "{other}");
    }
    assert_eq!(viewer.said(&mut bench), []);
    // A list in which it stands, and the asterisk, match (RFC 9110 section 13.1.1).
    let list = format!("\"other\", {}", created.field("ETag"));
    for matching in [list.as_str(), "*"] {
        assert_eq!(bench.ask(&bare.clone().with("If-Match", matching)).status, 204, "{matching}");
    }
}

/// Section 4.3.2: the answer has all candidates of the viewer: the response waits for the last of them.
#[test]
fn section_4_3_2_the_answer_has_all_candidates() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    let found = viewer.said(&mut bench);
    assert!(matches!(found[0], FromRendezvous::CameraFound { whole: true, .. }), "{found:?}");
    viewer.candidate(&mut bench, Some(HOST_CANDIDATE));
    viewer.answer(&mut bench, ANSWER);
    let relayed = HOST_CANDIDATE.replace("host", "relay");
    viewer.candidate(&mut bench, Some(&relayed));
    assert_eq!(bench.responses(camera).len(), 0);
    viewer.candidate(&mut bench, None);
    let body = bench.response(camera).body;
    let (_, media) = body.split_once("m=video").expect("a media section");
    for line in [HOST_CANDIDATE, &relayed].map(|it| format!("a={it}\r\n")) {
        assert!(media.contains(&line), "{body}");
    }
    assert!(media.ends_with("a=end-of-candidates\r\n"), "{body}");
}

/// Section 4.3.2: a viewer that does not get to its last candidate holds the answer up for 3 s at most.
#[test]
fn section_4_3_2_gathering_is_waited_for_at_most_three_seconds() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.answer(&mut bench, ANSWER);
    viewer.candidate(&mut bench, Some(HOST_CANDIDATE));
    bench.wait(3 * SECOND - SECOND / 1_000);
    assert_eq!(bench.responses(camera).len(), 0);
    bench.wait(SECOND / 1_000);
    let response = bench.response(camera);
    assert!(response.status == 201 && response.body.contains(HOST_CANDIDATE), "{response:?}");
    // One more comes too late: there is no way to tell the camera.
    viewer.candidate(&mut bench, Some(HOST_CANDIDATE));
    assert_eq!(bench.responses(camera).len(), 0);
}

/// Section 4.3.2: a PATCH with candidates is answered with 204, without content and without an ETag, and they reach the
/// viewer.
#[test]
fn section_4_3_2_candidates_are_trickled() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let response = bench.ask(&Request::patch(&created, FRAGMENT));
    assert_eq!((response.status, response.body.as_str()), (204, ""));
    assert!(response.all("ETag").is_empty());
    let said = viewer.said(&mut bench);
    let text = "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host";
    assert_eq!(candidates(&said), [Some(text), None]);
    let FromRendezvous::Candidate { sdp_mid, .. } = &said[0] else { panic!("{said:?}") };
    assert_eq!(sdp_mid.as_deref(), Some("0"));
}

/// Section 4.3.2: a candidate of an unsupported transport, or with an address that does not resolve, is dropped without a
/// word, and the rest processed.
#[test]
fn section_4_3_2_candidates_that_are_of_no_use_are_dropped_silently() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let fragment = FRAGMENT.replace(
        "a=end",
        "a=candidate:2 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n\
         a=candidate:3 1 udp 1 f2a1.local 61765 typ host\r\na=end",
    );
    assert_eq!(bench.ask(&Request::patch(&created, &fragment)).status, 204);
    assert_eq!(candidates(&viewer.said(&mut bench)).len(), 2);
    // Likewise in an offer.
    let offer = format!("{OFFER}a=candidate:3 1 udp 1 f2a1.local 61765 typ host\r\n");
    let camera = bench.open();
    bench.send(camera, Request::post(&offer).text().as_bytes());
    assert_eq!(viewer.offer(&mut bench), OFFER);
}

/// Section 4.3.3: new credentials are an ICE restart: 200 with the viewer's new credentials and candidates, and a new ETag.
#[test]
fn section_4_3_3_ice_is_restarted() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    // The field's value is an asterisk; the examples of the RFC quote it.
    for (asterisk, version, ufrag) in [("*", 3, "ysXw"), ("\"*\"", 4, "zzXw")] {
        let restart = RESTART.replace("ysXw", ufrag);
        let patch = Request::patch(&created, &restart).without("If-Match");
        let client = bench.open();
        bench.send(client, patch.with("If-Match", asterisk).text().as_bytes());
        let offer = viewer.offer(&mut bench);
        for line in [
            &format!("a=ice-ufrag:{ufrag}"),
            "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k",
            "a=candidate:9 1 udp 2122260223 192.0.2.9 61999 typ host",
            &format!("o=- 7 {version} IN IP4 127.0.0.1"),
            "a=fingerprint:sha-256 DA:7B",
        ] {
            assert!(offer.contains(&format!("{line}\r\n")), "{line} in {offer}");
        }
        assert!(!offer.contains("EsAw"));
        assert_eq!(bench.responses(client).len(), 0, "the viewer has not answered");
        viewer.answer(&mut bench, &ANSWER.replace("38sd", "new1"));
        viewer.candidate(&mut bench, Some(HOST_CANDIDATE));
        viewer.candidate(&mut bench, None);
        let response = bench.response(client);
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.field("Content-Type"), "application/trickle-ice-sdpfrag");
        assert_eq!(
            response.body,
            format!(
                "a=ice-options:trickle ice2\r\na=group:BUNDLE 0\r\n\
                 m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:0\r\na=ice-ufrag:new1\r\n\
                 a=ice-pwd:2e13dde17c1cb009202f627fab90cbec\r\na={HOST_CANDIDATE}\r\n\
                 a=end-of-candidates\r\n"
            )
        );
        assert_ne!(response.field("ETag"), created.field("ETag"));
        // What was known of the session before is outdated.
        assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 412);
        let trickle = Request::patch(&created, &restart).without("If-Match");
        let trickle = trickle.with("If-Match", response.field("ETag"));
        assert_eq!(bench.ask(&trickle).status, 204, "these are the credentials it has");
    }
}

/// Section 4.3.3: a session that gets new credentials considers that a restart, whatever entity-tag matched.
#[test]
fn section_4_3_3_new_credentials_are_a_restart() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let client = bench.open();
    bench.send(client, Request::patch(&created, RESTART).text().as_bytes());
    assert!(viewer.offer(&mut bench).contains("a=ice-ufrag:ysXw\r\n"));
}

/// Section 4.3.3: a restart that cannot be satisfied gets an error, and the session and its ICE stay.
#[test]
fn section_4_3_3_a_failed_restart_keeps_the_session() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let client = bench.open();
    bench.send(client, Request::patch(&created, RESTART).text().as_bytes());
    // A second one meanwhile.
    let second = RESTART.replace("ysXw", "abcd");
    assert_eq!(bench.ask(&Request::patch(&created, &second)).status, 409);
    bench.wait(10 * SECOND);
    let response = bench.response(client);
    assert_eq!((response.status, response.field("Retry-After")), (503, "1"));
    viewer.said(&mut bench);
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 204);
    assert_eq!(candidates(&viewer.said(&mut bench)).len(), 2);
    // As long as the viewer answers none, another fails likewise; its late answer is that of no restart.
    for _ in 0..2 {
        assert_eq!(bench.ask(&Request::patch(&created, &second)).status, 503);
        assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 204);
    }
    viewer.answer(&mut bench, ANSWER);
    // An answer without credentials fails it, too.
    let client = bench.open();
    bench.send(client, Request::patch(&created, &second).text().as_bytes());
    viewer.answer(&mut bench, &ANSWER.replace("a=ice-ufrag", "a=ice-none"));
    bench.wait(10 * SECOND);
    assert_eq!(bench.response(client).status, 503);
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 204);
    let client = bench.open();
    bench.send(client, Request::patch(&created, &second).text().as_bytes());
    viewer.answer(&mut bench, ANSWER);
    bench.wait(10 * SECOND);
    assert_eq!(bench.response(client).status, 200);
}

/// Section 4.4.1: both ends say rtcp-mux-only in each bundled media section.
#[test]
fn section_4_4_1_the_answer_multiplexes_only() {
    let (created, _viewer) = Bench::new().established();
    assert!(!ANSWER.contains("rtcp-mux-only"));
    assert!(created.body.contains("a=rtcp-mux\r\na=rtcp-mux-only\r\n"), "{}", created.body);
}

/// Section 4.4.2: one MediaStream, and one track of a kind: others are rejected with 422 or 400.
#[test]
fn section_4_4_2_one_stream_with_one_track_of_a_kind() {
    let mut bench = Bench::new();
    let media = &OFFER[OFFER.find("m=video").expect("video")..];
    let two_videos = format!("{OFFER}{}", media.replace("a=mid:0", "a=mid:1"));
    let other_stream = media.replace("m=video", "m=audio").replace("msid:stream", "msid:other");
    for offer in [two_videos, format!("{OFFER}{other_stream}")] {
        assert_eq!(bench.ask(&Request::post(&offer)).status, 422, "{offer}");
    }
}

/// Section 4.4.3: rather than a session of which the video was rejected, there is none, and a 422.
#[test]
fn section_4_4_3_no_session_without_its_video() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    let rejects = ANSWER.replace("m=video 9", "m=video 0").replace("BUNDLE 0", "BUNDLE");
    viewer.answer(&mut bench, &rejects);
    viewer.candidate(&mut bench, None);
    assert_eq!(bench.response(camera).status, 422);
    assert!(matches!(
        viewer.said(&mut bench)[..],
        [FromRendezvous::Closed { reason: CloseReason::Failed, .. }]
    ));
}

/// Section 4.4.4: a client may offer setup:active: the offer goes to the viewer as it is.
#[test]
fn section_4_4_4_an_active_client_is_taken() {
    let mut bench = Bench::new();
    let active = offer_with("a=setup:actpass", "a=setup:active\r\n");
    let camera = bench.open();
    bench.send(camera, Request::post(&active).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    assert_eq!(viewer.offer(&mut bench), active);
}

/// Section 4.5: what cannot be served now gets 503 with Retry-After: here, a camera without a viewer, after 10 s.
#[test]
fn section_4_5_without_a_viewer_there_is_503_after_ten_seconds() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    bench.wait(10 * SECOND - SECOND / 1_000);
    assert_eq!(bench.responses(camera).len(), 0);
    bench.wait(SECOND / 1_000);
    let response = bench.response(camera);
    assert_eq!((response.status, response.field("Retry-After")), (503, "1"));
    // The camera is away: a viewer that comes now waits, and the next POST on the same connection serves it.
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    assert_eq!(viewer.said(&mut bench), []);
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    viewer.offer(&mut bench);
}

/// Section 4.5: a viewer that does not answer within 10 s is one that cannot serve, too.
#[test]
fn section_4_5_a_viewer_that_does_not_answer_is_503() {
    let mut bench = Bench::new();
    let camera = bench.open();
    bench.send(camera, Request::post(OFFER).text().as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.offer(&mut bench);
    bench.wait(10 * SECOND);
    assert_eq!(bench.response(camera).status, 503);
    assert!(matches!(
        viewer.said(&mut bench)[..],
        [FromRendezvous::Closed { reason: CloseReason::Failed, .. }]
    ));
}

/// Section 4.6: a Link of rel "ice-server" for each STUN and TURN server, with credentials for TURN.
#[test]
fn section_4_6_ice_servers_are_links() {
    const STUN: &str = "<stun:198.51.100.1:3478>; rel=\"ice-server\"";
    const TURN: &str = "<turn:198.51.100.2:3478?transport=udp>; rel=\"ice-server\"; \
username=\"user\"; credential=\"pass\\\"word\"; credential-type=\"password\"";
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    assert_eq!(created.all("Link"), [STUN, TURN]);
    // For stacks that cannot take them later: OPTIONS, with the token. A preflight has none.
    let options = Request::new("OPTIONS", ENDPOINT);
    assert_eq!(bench.ask(&options.clone().authorised()).all("Link"), [STUN, TURN]);
    let preflight = options.clone().with("Access-Control-Request-Method", "POST").authorised();
    for bare in [preflight, options.clone(), options.with("Authorization", "Bearer guess")] {
        let response = bench.ask(&bare);
        assert_eq!((response.status, response.all("Link").len()), (200, 0), "{bare:?}");
    }
}

/// Section 4.7.1: bearer tokens (RFC 6750 section 2.1): without the camera's there is 401 (RFC 6750 section 3).
#[test]
fn section_4_7_1_bearer_tokens() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let patch = Request::patch(&created, FRAGMENT);
    let delete = Request::new("DELETE", created.field("Location")).authorised();
    let get = Request::new("GET", created.field("Location")).authorised();
    for request in [Request::post(OFFER), patch, delete, get] {
        let bare = request.without("Authorization");
        let response = bench.ask(&bare);
        assert_eq!(response.status, 401, "{bare:?}");
        assert_eq!(response.field("WWW-Authenticate"), "Bearer realm=\"parallax\"");
        let tokens = ["Bearer guess", "Basic c2VjcmV0", "Bearer", "secret", "Bearer secret x"];
        for token in tokens {
            let response = bench.ask(&bare.clone().with("Authorization", token));
            assert_eq!(response.status, 401, "{token}");
            assert!(response.field("WWW-Authenticate").contains("invalid_token"), "{token}");
        }
    }
    assert_eq!(viewer.said(&mut bench), [], "nobody heard of it");
    // The scheme's case does not count (RFC 9110 section 11.1).
    let get = Request::new("GET", created.field("Location"));
    assert_eq!(bench.ask(&get.with("Authorization", "bearer secret")).status, 204);
}

/// Section 4.9: extensions are optional: none is offered, and a Link of a client's is ignored.
#[test]
fn section_4_9_no_extension_is_required() {
    let mut bench = Bench::new();
    let (created, _viewer) = bench.established();
    assert!(created.all("Link").iter().all(|link| link.contains("rel=\"ice-server\"")));
}

/// Section 5: knowing or guessing a session's URL gives no right to it.
#[test]
fn section_5_a_guessed_url_gives_no_right() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let number = created.field("Location").rsplit('/').next().expect("a number").to_owned();
    // Whoever has a camera of its own, with its own token.
    let delete = |room: &str| Request::new("DELETE", &format!("/whip/{room}/{number}"));
    let own = |room| delete(room).with("Authorization", "Bearer own");
    assert_eq!(bench.ask(&own(ROOM)).status, 401);
    assert_eq!(bench.ask(&own("garden")).status, 404);
    assert_eq!(viewer.said(&mut bench), []);
}

/// Section 5: POST flooding: a camera has one session, and its newest POST takes the place of the one before.
#[test]
fn section_5_a_camera_has_one_session() {
    let mut bench = Bench::new();
    let (created, mut viewer) = bench.established();
    let second = bench.open();
    bench.send(second, Request::post(OFFER).text().as_bytes());
    assert_eq!(bench.ask(&Request::patch(&created, FRAGMENT)).status, 404);
    let said = viewer.said(&mut bench);
    assert!(matches!(said[0], FromRendezvous::CameraBack { .. }), "{said:?}");
    assert!(matches!(said[1], FromRendezvous::CameraFound { number: 2, .. }), "{said:?}");
    let third = bench.open();
    bench.send(third, Request::post(OFFER).text().as_bytes());
    assert_eq!(bench.response(second).status, 409);
    // Not one with another token.
    assert_eq!(
        bench
            .ask(
                &Request::post(OFFER)
                    .without("Authorization")
                    .with("Authorization", "Bearer guess")
            )
            .status,
        401
    );
    assert_eq!(bench.responses(third).len(), 0);
}
