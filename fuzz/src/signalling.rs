//! Messages of peers to the rendezvous.

use core::{net::IpAddr, time::Duration};
use parallax_signalling::{
    ConnectionId, FromRendezvous, Limits, Rendezvous, RendezvousOutput, Server, ToRendezvous,
    WhipResponseReader,
};

const CONNECTIONS: [ConnectionId; 3] = [ConnectionId(1), ConnectionId(2), ConnectionId(3)];
/// Where the pieces of a stream end.
const CUT: &[u8] = b"\n--\n";

/// Messages, one a line, on three connections in turn: what is read is written again as it is, and
/// what is answered is a message.
pub fn signalling(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut rendezvous = Rendezvous::new(Vec::new());
    for connection in CONNECTIONS {
        rendezvous.connected(connection);
    }
    for (number, line) in text.lines().enumerate() {
        if let Ok(message) = ToRendezvous::from_text(line) {
            let written = message.to_text();
            let read = ToRendezvous::from_text(&written).map(|message| message.to_text());
            assert_eq!(read, Ok(written));
        }
        if let Ok(message) = FromRendezvous::from_text(line) {
            assert_eq!(FromRendezvous::from_text(&message.to_text()), Ok(message));
        }
        let connection = CONNECTIONS[number % CONNECTIONS.len()];
        rendezvous.handle(connection, line);
        while let Some(output) = rendezvous.poll() {
            let (RendezvousOutput::Send(to, _) | RendezvousOutput::Close(to)) = &output;
            assert!(CONNECTIONS.contains(to), "{output:?}");
            if let RendezvousOutput::Send(_, said) = output {
                let read = FromRendezvous::from_text(&said);
                assert!(read.is_ok(), "{said}: {read:?}");
                // Only clients with the token get it.
                assert!(!said.contains("\"token\""), "{said}");
            }
        }
    }
}

/// A client's byte stream, in pieces.
pub fn websocket(data: &[u8]) {
    let limits = Limits { clients: 2, clients_per_address: 2 };
    let mut server = Server::new(Vec::new(), limits);
    let here = IpAddr::from([192, 0, 2, 1]);
    let mut now = Duration::ZERO;
    let Some(id) = server.open(now, here) else { return };
    let mut rest = data;
    while !rest.is_empty() {
        let cut = rest.windows(CUT.len()).position(|window| window == CUT);
        let (piece, after) = match cut {
            Some(at) => (&rest[..at], &rest[at + CUT.len()..]),
            None => (rest, &[][..]),
        };
        rest = after;
        server.receive(now, id, piece);
        now += Duration::from_millis(500);
        server.time(now);
        if let Some(bytes) = server.outgoing(id) {
            assert!(bytes.len() <= 2 << 20, "{} bytes wait", bytes.len());
        }
    }
    server.receive(now, id, &[]);
    server.gone(now, id);
    assert_eq!(server.clients(), 0);
}

/// What a viewer's WebSocket says first.
const HANDSHAKE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A text on a WebSocket, in one frame: by a key of zeros the mask changes nothing.
fn frame(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let text = &text[..usize::from(length)];
    [&[0x81, 0x80 | 126], &length.to_be_bytes()[..], &[0; 4], text].concat()
}

/// A camera's byte stream of WHIP in pieces; those that begin with `{` are said by a viewer. What comes back is a response,
/// and in the end nothing of it is kept.
pub fn whip(data: &[u8]) {
    let limits = Limits { clients: 2, clients_per_address: 2 };
    let mut server = Server::new(Vec::new(), limits);
    let here = IpAddr::from([192, 0, 2, 1]);
    let mut now = Duration::ZERO;
    let (Some(camera), Some(viewer)) = (server.open(now, here), server.open(now, here)) else {
        return;
    };
    server.receive(now, viewer, HANDSHAKE);
    let mut rest = data;
    while !rest.is_empty() {
        let cut = rest.windows(CUT.len()).position(|window| window == CUT);
        let (piece, after) = match cut {
            Some(at) => (&rest[..at], &rest[at + CUT.len()..]),
            None => (rest, &[][..]),
        };
        rest = after;
        match piece.first() {
            Some(b'{') => server.receive(now, viewer, &frame(piece)),
            Some(_) => server.receive(now, camera, piece),
            None => {}
        }
        now += Duration::from_millis(500);
        server.time(now);
        for client in [camera, viewer] {
            let Some(bytes) = server.outgoing(client) else { continue };
            assert!(bytes.len() <= 2 << 20, "{} bytes wait", bytes.len());
            if client == camera && !bytes.is_empty() {
                assert!(bytes.starts_with(b"HTTP/1.1 "), "no response");
                let mut reader = WhipResponseReader::default();
                // The bytes may be those of a bad WebSocket handshake, which have no length.
                let _ = reader.receive(&std::mem::take(bytes));
            }
        }
    }
    server.gone(now, camera);
    server.gone(now, viewer);
    assert_eq!(server.clients(), 0);
    assert_eq!(server.next_deadline(), None);
    // Nor does a client stumble over it.
    let _ = WhipResponseReader::default().receive(data);
}
