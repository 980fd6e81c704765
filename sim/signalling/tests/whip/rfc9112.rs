//! RFC 9112, "HTTP/1.1", as far as WHIP needs it, and what bad clients can do.

use crate::bench::{ANSWER, Bench, OFFER, Request, SECOND, Viewer};
use parallax_signalling::{ConnectionId, MAX_SDP_BYTES};

const GET: &str = "GET /whip/doorbell HTTP/1.1\r\nHost: x\r\n\r\n";

/// A client on which this was sent.
fn sent(bench: &mut Bench, text: &str) -> ConnectionId {
    let client = bench.open();
    bench.send(client, text.as_bytes());
    client
}

fn status(bench: &mut Bench, text: &str) -> u16 {
    let client = sent(bench, text);
    bench.response(client).status
}

/// A POST's head with these fields, and this after it.
fn post(fields: &str, body: &str) -> String {
    format!(
        "POST /whip/doorbell HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nContent-Type: application/sdp\r\n{fields}\r\n{body}"
    )
}

/// Section 2.2: what is no HTTP gets 400, and the connection is closed.
#[test]
fn section_2_2_malformed_requests() {
    let mut bench = Bench::new();
    for text in [
        "GET /whip/doorbell HTTP/9.9\r\n\r\n",
        "GET /whip/doorbell\r\n\r\n",
        "GET /whip/door bell HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /whip/doorbell HTTP/1.1\r\nHost x\r\n\r\n",
        "GET /whip/doorbell HTTP/1.1\r\nHost: x\r\nA\u{0}: b\r\n\r\n",
    ] {
        let client = sent(&mut bench, text);
        let response = bench.response(client);
        assert_eq!((response.status, response.field("Connection")), (400, "close"), "{text}");
        bench.send(client, &[]);
        assert!(bench.is_over(client));
    }
}

/// Section 2.3: HTTP/1.0 is answered, and closed after it.
#[test]
fn section_2_3_http_1_0_is_closed_after_its_response() {
    let mut bench = Bench::new();
    let client = sent(&mut bench, "GET /whip/doorbell HTTP/1.0\r\n\r\n");
    let response = bench.response(client);
    assert_eq!((response.status, response.field("Connection")), (204, "close"));
    // It is the client that closes first, so that no reset overtakes the response; it has 5 s for that.
    assert!(!bench.is_over(client));
    bench.wait(5 * SECOND);
    assert!(bench.is_over(client));
}

/// Section 3.2: a request of HTTP/1.1 has one Host; a target that is nothing is 404.
#[test]
fn section_3_2_host_and_target() {
    let mut bench = Bench::new();
    assert_eq!(status(&mut bench, "GET /whip/doorbell HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(
        status(&mut bench, "GET /whip/doorbell HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"),
        400
    );
    for target in [
        "/whip/",
        "/whip/?",
        "/whip/door%20bell",
        "/whip/doorbell/",
        "/whip/doorbell/x",
        "/whip/doorbell/-1",
        "/whip/doorbell/+1",
        "/whip/doorbell/18446744073709551616",
        "/whip/doorbell/1/2",
        &format!("/whip/{}", "a".repeat(65)),
    ] {
        let text = format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(status(&mut bench, &text), 404, "{target}");
    }
    assert_eq!(status(&mut bench, &GET.replace("bell ", "bell?a=b/c ")), 204, "a query is ignored");
}

/// Section 5.1 and RFC 6585 section 5: the head is bounded.
#[test]
fn section_5_a_head_is_bounded() {
    let mut bench = Bench::new();
    let long = format!("X: {}\r\n", "a".repeat(8 * 1024));
    let many: String = (0..65).map(|n| format!("X{n}: a\r\n")).collect();
    for fields in [long, many] {
        let text = GET.replace("Host", &format!("{fields}Host"));
        assert_eq!(status(&mut bench, &text), 431);
    }
    // Nor does a head that never ends grow.
    let client = sent(&mut bench, "GET /whip/doorbell HTTP/1.1\r\nX: ");
    (0..10_000).for_each(|_| bench.send(client, b"aaaaaaaa"));
    assert_eq!(bench.response(client).status, 431);
}

/// Section 6: content by length, or chunked; what says neither or both, or more than allowed, is refused.
#[test]
fn section_6_content() {
    let mut bench = Bench::new();
    let most = MAX_SDP_BYTES;
    for (fields, body, expected) in [
        ("", "", 411),
        ("Content-Length: x\r\n", "", 400),
        ("Content-Length: -1\r\n", "", 400),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", "a", 400),
        ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", "a", 400),
        ("Transfer-Encoding: gzip\r\n", "", 501),
        ("Transfer-Encoding: chunked\r\n", "x\r\n", 400),
        ("Transfer-Encoding: chunked\r\n", "1\r\nabc", 400),
        ("Transfer-Encoding: chunked\r\n", "ffffffff\r\n", 413),
        (&format!("Content-Length: {}\r\n", most + 1), "", 413),
        ("Content-Length: 99999999999999999999999\r\n", "", 413),
        ("Content-Length: 0\r\nExpect: miracles\r\n", "", 417),
        ("Content-Length: 0\r\n", "", 400),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 400),
    ] {
        assert_eq!(status(&mut bench, &post(fields, body)), expected, "{fields}{body}");
    }
    // Chunks that never add up to too much, one after the other.
    let client = sent(&mut bench, &post("Transfer-Encoding: chunked\r\n", ""));
    let chunk = format!("400\r\n{}\r\n", "a".repeat(0x400));
    (0..100).for_each(|_| bench.send(client, chunk.as_bytes()));
    assert_eq!(bench.response(client).status, 413);
    // Trailers that never end.
    let client = sent(&mut bench, &post("Transfer-Encoding: chunked\r\n", "0\r\n"));
    (0..2_000).for_each(|_| bench.send(client, b"X: abc\r\n"));
    assert_eq!(bench.response(client).status, 400);
}

/// Section 7.1: a chunked offer, byte by byte, is the offer.
#[test]
fn section_7_1_a_chunked_offer() {
    let mut bench = Bench::new();
    let (first, second) = OFFER.split_at(100);
    let chunks =
        format!("64;ext=1\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nX: y\r\n\r\n", second.len());
    let client = bench.open();
    for byte in post("Transfer-Encoding: Chunked\r\n", &chunks).bytes() {
        bench.send(client, &[byte]);
    }
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    assert_eq!(viewer.offer(&mut bench), OFFER);
}

/// RFC 9110 section 10.1.1: a client that waits to be told sends its content after 100.
#[test]
fn expect_100_continue() {
    let mut bench = Bench::new();
    let fields = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", OFFER.len());
    let client = sent(&mut bench, &post(&fields, ""));
    assert_eq!(bench.response(client).status, 100);
    bench.send(client, OFFER.as_bytes());
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    assert_eq!(viewer.offer(&mut bench), OFFER);
    // One whose content is too long is told that at once.
    let fields = "Content-Length: 999999\r\nExpect: 100-continue\r\n";
    assert_eq!(status(&mut bench, &post(fields, "")), 413);
}

/// Section 9.3: a connection serves several requests, one after the other, also when they come at once.
#[test]
fn section_9_3_a_connection_persists() {
    let mut bench = Bench::new();
    let client = sent(&mut bench, &format!("{GET}{GET}{}", GET.replace("GET", "HEAD")));
    let statuses: Vec<u16> = bench.responses(client).iter().map(|it| it.status).collect();
    assert_eq!(statuses, [204, 204, 204]);
    bench.wait(59 * SECOND);
    bench.send(client, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes());
    assert_eq!(bench.response(client).field("Connection"), "close");
    // What comes after that is not read.
    bench.send(client, GET.as_bytes());
    assert_eq!(bench.responses(client).len(), 0);
    bench.send(client, &[]);
    assert!(bench.is_over(client));
}

/// Section 9.6: a client may close its half after its last request, and still gets the response.
#[test]
fn section_9_6_a_half_closed_client_is_answered() {
    let mut bench = Bench::new();
    let client = bench.open();
    bench.send(client, Request::post(OFFER).text().as_bytes());
    bench.send(client, &[]);
    let mut viewer = Viewer::new(&mut bench, "phone");
    viewer.view(&mut bench);
    viewer.answer(&mut bench, ANSWER);
    viewer.candidate(&mut bench, None);
    let response = bench.response(client);
    assert_eq!((response.status, response.field("Connection")), (201, "close"));
    assert!(bench.is_over(client));
    // Requests that came before that are all answered, and what is none is not.
    let client = sent(&mut bench, &format!("{GET}{GET}GET"));
    bench.send(client, &[]);
    assert_eq!(bench.responses(client).len(), 2);
    assert!(bench.is_over(client));
    // Without a viewer it is told so in time, and nothing is left.
    let client = bench.open();
    bench.send(client, Request::post(OFFER).text().as_bytes());
    bench.send(client, &[]);
    bench.wait(11 * SECOND);
    assert_eq!(bench.response(client).status, 503);
    assert!(bench.is_over(client));
}

/// RFC 9110 section 9.3.2: a response to HEAD has no content.
#[test]
fn head_has_no_content() {
    let mut bench = Bench::new();
    let client = sent(&mut bench, "HEAD /whip/ HTTP/1.1\r\nHost: x\r\n\r\n");
    let text = String::from_utf8(bench.server.outgoing(client).expect("it").clone()).expect("text");
    assert!(text.starts_with("HTTP/1.1 404 Not Found\r\n") && text.ends_with("\r\n\r\n"), "{text}");
}

/// Section 9.5: times are bounded: of a request, however often a byte of it comes, and of idleness.
#[test]
fn section_9_5_timeouts() {
    let mut bench = Bench::new();
    let client = sent(&mut bench, "POST /whip/doorbell HTTP/1.1\r\n");
    for _ in 0..9 {
        bench.wait(SECOND);
        bench.send(client, b"X");
    }
    assert_eq!(bench.responses(client).len(), 0);
    bench.wait(SECOND);
    assert_eq!(bench.response(client).status, 408);
    let body = sent(&mut bench, &post("Content-Length: 5\r\n", "v=0"));
    bench.wait(10 * SECOND);
    assert_eq!(bench.response(body).status, 408);
    let idle = sent(&mut bench, GET);
    bench.response(idle);
    bench.wait(60 * SECOND);
    assert!(bench.is_over(idle), "without a word");
    // A client that does not read its response keeps it for 5 s after that.
    let deaf = sent(&mut bench, GET);
    bench.wait(64 * SECOND);
    assert!(!bench.is_over(deaf));
    bench.wait(SECOND);
    assert!(bench.is_over(deaf));
}

/// What is sent ahead while a POST waits for its viewer is bounded.
#[test]
fn what_comes_ahead_of_a_response_is_bounded() {
    let mut bench = Bench::new();
    let client = sent(&mut bench, &Request::post(OFFER).text());
    (0..100).for_each(|_| bench.send(client, &[b'a'; 4096]));
    bench.wait(10 * SECOND);
    let response = bench.response(client);
    assert_eq!((response.status, response.field("Connection")), (503, "close"));
}

/// A client that reads no response gets no more of them, and the connection ends.
#[test]
fn responses_that_are_not_read_are_bounded() {
    let mut bench = Bench::new();
    let client = bench.open();
    for _ in 0..1_000 {
        bench.send(client, GET.repeat(100).as_bytes());
    }
    let waiting = bench.server.outgoing(client).expect("responses").clone();
    assert!(waiting.len() < 300_000, "{} bytes", waiting.len());
    let last = String::from_utf8_lossy(&waiting);
    let (_, last) = last.rsplit_once("HTTP/1.1 ").expect("a response");
    assert!(last.contains("Connection: close"), "{last}");
}

/// The same port serves WebSockets: what is not below the path of WHIP is theirs, in whatever pieces it comes.
#[test]
fn what_is_not_whip_is_a_websockets() {
    let mut bench = Bench::new();
    for text in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /whi HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\n",
        "GET /whip HTTP/1.1\r\n\r\n",
        "aaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
    ] {
        let client = bench.open();
        for byte in text.bytes() {
            bench.send(client, &[byte]);
        }
        let bytes = bench.server.outgoing(client).expect("an answer").clone();
        assert_eq!(bytes, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", "{text}");
    }
    // Byte by byte, WHIP is WHIP.
    let client = bench.open();
    GET.bytes().for_each(|byte| bench.send(client, &[byte]));
    assert_eq!(bench.response(client).status, 204);
    // Undecided until the end of a handshake's time.
    let client = sent(&mut bench, "POST /wh");
    bench.wait(10 * SECOND);
    assert!(bench.is_over(client));
    let client = sent(&mut bench, "POST /wh");
    bench.send(client, &[]);
    bench.wait(6 * SECOND);
    assert!(bench.is_over(client));
}
