//! The rendezvous over byte streams: what bad clients can do to it.

use parallax_signalling::{Limits, Server};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 21));
const SECOND: Duration = Duration::from_secs(1);

fn server() -> Server {
    Server::new(Vec::new(), Limits { clients: 3, clients_per_address: 2 })
}

/// What a WebSocket client says first (RFC 6455 section 1.2).
const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn clients_are_counted_in_all_and_by_address() {
    let mut server = server();
    let first = server.open(SECOND, HERE).expect("room");
    assert!(server.open(SECOND, HERE).is_some());
    assert!(server.open(SECOND, HERE).is_none(), "one address has its share");
    assert!(server.open(SECOND, THERE).is_some());
    assert!(server.open(SECOND, THERE).is_none(), "full");
    server.gone(SECOND, first);
    assert!(server.open(SECOND, HERE).is_some());
}

#[test]
fn a_handshake_has_ten_seconds_however_often_a_byte_of_it_comes() {
    let mut server = server();
    let id = server.open(Duration::ZERO, HERE).expect("room");
    for (second, byte) in HANDSHAKE.iter().enumerate().take(11) {
        let now = second as u32 * SECOND;
        server.time(now);
        assert_eq!(server.outgoing(id).is_none(), second == 10, "after {second} s");
        server.receive(now, id, &[*byte]);
    }
}

#[test]
fn a_client_that_never_reads_is_over_at_a_bound_and_what_waits_for_it_is_dropped() {
    let mut server = server();
    let id = server.open(Duration::ZERO, HERE).expect("room");
    server.receive(Duration::ZERO, id, HANDSHAKE);
    assert!(server.outgoing(id).expect("an answer").starts_with(b"HTTP/1.1 101 "));
    // A masked ping of 100 bytes, which is answered: by a key of zeros the mask changes nothing.
    let mut ping = vec![0x89, 0x80 | 100, 0, 0, 0, 0];
    ping.extend([7; 100]);
    let mut most = 0;
    for _ in 0..100_000 {
        server.receive(Duration::ZERO, id, &ping);
        most = most.max(server.outgoing(id).map_or(0, |bytes| bytes.len()));
    }
    assert!(most > 1 << 20 && most < (1 << 20) + 1_000, "{most} bytes waited");
    assert!(server.next_deadline().is_some());
    server.time(5 * SECOND);
    assert!(server.outgoing(id).is_none());
}

#[test]
fn garbage_gets_an_answer_and_is_over() {
    let mut server = server();
    let id = server.open(Duration::ZERO, HERE).expect("room");
    server.receive(Duration::ZERO, id, b"\x00\xff\x16\x03\x01 no HTTP at all\r\n\r\n");
    let answer = server.outgoing(id).expect("an answer");
    assert!(answer.starts_with(b"HTTP/1.1 400 "));
    answer.clear();
    assert!(server.outgoing(id).is_none());
}
