//! The rendezvous, by WebSocket clients over TCP through gateways.

mod common;

use common::{RENDEZVOUS, World};
use core::task::Poll;
use core::time::Duration;
use parallax_network::Time;
use parallax_services::NetworkService;
use parallax_signalling::{
    CloseReason, FromRendezvous, MAX_MESSAGE_BYTES, RefusedReason, ToRendezvous, Token,
    WhipRequest, WhipResponseReader,
};
use parallax_stack::TcpConnection;
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};
use tungstenite::{
    ClientHandshake, HandshakeError, Message, WebSocket, handshake::MidHandshake,
    protocol::frame::coding::CloseCode,
};

#[derive(Default)]
struct Wire {
    received: VecDeque<u8>,
    finished: bool,
    sent: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.received.is_empty() && !self.finished {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.received.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.sent.write(from)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Stage {
    Shaking(Box<MidHandshake<ClientHandshake<Wire>>>),
    Open(Box<WebSocket<Wire>>),
    Gone,
}

/// A WebSocket client on one of the hosts.
struct Client {
    host: usize,
    connection: TcpConnection,
    stage: Stage,
    said: Vec<FromRendezvous>,
    close: Option<CloseCode>,
}

impl Client {
    fn new(world: &mut World, host: usize) -> Self {
        let connection = world.stacks[host].connect(RENDEZVOUS).expect("a port is free");
        let stage = match tungstenite::client(format!("ws://{RENDEZVOUS}/"), Wire::default()) {
            Err(HandshakeError::Interrupted(handshake)) => Stage::Shaking(Box::new(handshake)),
            _ => panic!("nothing has come yet"),
        };
        Self { host, connection, stage, said: Vec::new(), close: None }
    }

    fn wire(&mut self) -> Option<&mut Wire> {
        match &mut self.stage {
            Stage::Shaking(handshake) => Some(handshake.get_mut().get_mut()),
            Stage::Open(socket) => Some(socket.get_mut()),
            Stage::Gone => None,
        }
    }

    fn pump(&mut self, world: &mut World) {
        let stack = &mut world.stacks[self.host];
        let connection = self.connection;
        let mut bytes = [0; 4096];
        let Some(wire) = self.wire() else { return };
        while let Poll::Ready(Ok(received)) = stack.receive(connection, &mut bytes) {
            wire.received.extend(&bytes[..received]);
            wire.finished |= received == 0;
            if received == 0 {
                break;
            }
        }
        self.stage = match core::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Shaking(handshake) => match handshake.handshake() {
                Ok((socket, _)) => Stage::Open(Box::new(socket)),
                Err(HandshakeError::Interrupted(handshake)) => Stage::Shaking(Box::new(handshake)),
                Err(HandshakeError::Failure(error)) => panic!("{error}"),
            },
            stage => stage,
        };
        if let Stage::Open(socket) = &mut self.stage {
            while let Ok(message) = socket.read() {
                match message {
                    Message::Text(text) => {
                        let message = FromRendezvous::from_text(&text).expect("a message");
                        self.said.push(message);
                    }
                    Message::Close(Some(close)) => self.close = Some(close.code),
                    _ => {}
                }
            }
            let _ = socket.flush();
        }
        let host = self.host;
        let Some(wire) = self.wire() else { return };
        while !wire.sent.is_empty()
            && let Poll::Ready(Ok(sent)) = world.stacks[host].send(connection, &wire.sent)
        {
            wire.sent.drain(..sent);
        }
    }

    fn say(&mut self, message: Message) {
        let Stage::Open(socket) = &mut self.stage else { panic!("not open") };
        socket.send(message).expect("it is open");
    }

    fn said(&mut self) -> Vec<FromRendezvous> {
        core::mem::take(&mut self.said)
    }
}

fn run(world: &mut World, clients: &mut [&mut Client], duration: Duration) {
    let until = world.now + duration;
    loop {
        clients.iter_mut().for_each(|client| client.pump(world));
        if !world.step(until) {
            return;
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn register() -> Message {
    let (camera, token) = ("doorbell".to_owned(), Token::new("secret"));
    Message::text(ToRendezvous::Register { camera, token, boot: 0 }.to_text())
}

fn view(token: &str) -> Message {
    let (camera, viewer) = ("doorbell".to_owned(), "phone".to_owned());
    Message::text(ToRendezvous::View { camera, viewer, token: Token::new(token) }.to_text())
}

/// A registered camera and an open viewer.
fn pair() -> (World, Client, Client) {
    let mut world = World::new(1);
    let mut camera = Client::new(&mut world, 0);
    let mut viewer = Client::new(&mut world, 1);
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    camera.say(register());
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    let said = camera.said();
    let [FromRendezvous::Registered { ice_servers, .. }] = &said[..] else { panic!("{said:?}") };
    assert_eq!(ice_servers[0].urls, ["stun:198.51.100.1:3478"]);
    assert_eq!(ice_servers[1].urls, ["turn:198.51.100.1:3478?transport=udp"]);
    assert_eq!(ice_servers[1].credential, "right");
    (world, camera, viewer)
}

#[test]
fn a_camera_and_a_viewer_meet_through_two_gateways() {
    let (mut world, mut camera, mut viewer) = pair();
    viewer.say(view("secret"));
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    let came = camera.said();
    let [FromRendezvous::ViewerCame { session, .. }] = came[..] else { panic!("{came:?}") };
    assert!(matches!(viewer.said()[..], [FromRendezvous::CameraFound { number: 1, .. }]));
    // An offer as long as they come.
    let sdp = "v=0\n".repeat(10_000);
    let offer = ToRendezvous::Description { session, sdp: sdp.clone() };
    camera.say(Message::text(offer.to_text()));
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    assert_eq!(viewer.said(), [FromRendezvous::Description { session, sdp }]);
}

#[test]
fn a_viewer_with_a_wrong_token_gets_no_offer() {
    let (mut world, mut camera, mut viewer) = pair();
    viewer.say(view("guess"));
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    assert!(matches!(
        viewer.said()[..],
        [FromRendezvous::Refused { why: RefusedReason::WrongToken, .. }]
    ));
    assert_eq!(camera.said(), []);
}

#[test]
fn a_message_too_large_is_refused_and_the_connection_closed() {
    let (mut world, mut camera, mut viewer) = pair();
    viewer.say(Message::text("x".repeat(MAX_MESSAGE_BYTES + 1)));
    run(&mut world, &mut [&mut camera, &mut viewer], 10 * SECOND);
    assert!(matches!(
        viewer.said()[..],
        [FromRendezvous::Refused { why: RefusedReason::TooLarge, .. }]
    ));
    assert_eq!(viewer.close, Some(CloseCode::Size));
    assert_eq!(world.services.rendezvous.connections(), 1);
}

#[test]
fn binary_and_nonsense_are_refused_and_the_connection_closed() {
    for message in [Message::binary(&b"x"[..]), Message::text("{}")] {
        let (mut world, mut camera, mut viewer) = pair();
        viewer.say(message);
        run(&mut world, &mut [&mut camera, &mut viewer], 10 * SECOND);
        assert!(matches!(
            viewer.said()[..],
            [FromRendezvous::Refused { why: RefusedReason::Malformed, .. }]
        ));
        assert_eq!(viewer.close, Some(CloseCode::Policy));
        assert_eq!(world.services.rendezvous.connections(), 1);
    }
}

#[test]
fn a_viewer_that_closes_is_gone_for_its_camera() {
    let (mut world, mut camera, mut viewer) = pair();
    viewer.say(view("secret"));
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    camera.said();
    let Stage::Open(socket) = &mut viewer.stage else { panic!("not open") };
    socket.close(None).expect("it is open");
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    assert!(matches!(
        camera.said()[..],
        [FromRendezvous::Closed { reason: CloseReason::Disconnected, .. }]
    ));
    assert_eq!(world.services.rendezvous.connections(), 1);
}

#[test]
fn a_silent_client_is_given_up_and_one_that_answers_pings_is_not() {
    let (mut world, mut camera, mut viewer) = pair();
    viewer.say(view("secret"));
    run(&mut world, &mut [&mut camera, &mut viewer], SECOND);
    camera.said();
    // The camera answers pings all the while; the viewer's power is gone.
    let (host, now) = (world.hosts[1], world.now);
    world.network.cut(now, host);
    run(&mut world, &mut [&mut camera], 58 * SECOND);
    assert_eq!(camera.said(), []);
    run(&mut world, &mut [&mut camera], 5 * SECOND);
    assert!(matches!(
        camera.said()[..],
        [FromRendezvous::Closed { reason: CloseReason::Disconnected, .. }]
    ));
    run(&mut world, &mut [&mut camera], 600 * SECOND);
    assert_eq!(world.services.rendezvous.connections(), 1);
}

#[test]
fn what_is_no_websocket_gets_400_and_nothing_hangs() {
    let mut world = World::new(1);
    let here = world.stacks[0].connect(RENDEZVOUS).expect("a port is free");
    let silent = world.stacks[1].connect(RENDEZVOUS).expect("a port is free");
    world.run(SECOND);
    let request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(world.stacks[0].send(here, request), Poll::Ready(Ok(request.len())));
    world.run(SECOND);
    let mut answer = [0; 200];
    let Poll::Ready(Ok(bytes)) = world.stacks[0].receive(here, &mut answer) else { panic!() };
    assert!(answer[..bytes].starts_with(b"HTTP/1.1 400 "));
    assert_eq!(world.stacks[0].receive(here, &mut answer), Poll::Ready(Ok(0)));
    assert_eq!(world.services.rendezvous.connections(), 1);
    world.run(10 * SECOND);
    assert_eq!(world.stacks[1].receive(silent, &mut answer), Poll::Ready(Ok(0)));
    assert_eq!(world.services.rendezvous.connections(), 0);
    assert!(world.now > Time::from_millis(10_000));
}

#[test]
fn a_camera_of_whip_and_a_viewer_meet_through_two_gateways() {
    let mut world = World::new(1);
    let camera = world.stacks[0].connect(RENDEZVOUS).expect("a port is free");
    let mut viewer = Client::new(&mut world, 1);
    run(&mut world, &mut [&mut viewer], SECOND);
    let offer = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\na=fingerprint:sha-256 00\r\n{}",
        "a=x:y\r\n".repeat(1_000)
    );
    let post = WhipRequest::Post { camera: "doorbell".to_owned(), offer: offer.clone() };
    let mut post = post.to_bytes("198.51.100.3", &Token::new("secret"));
    while !post.is_empty() {
        if let Poll::Ready(sent) = world.stacks[0].send(camera, &post) {
            post.drain(..sent.expect("open"));
        }
        run(&mut world, &mut [&mut viewer], SECOND / 10);
    }
    viewer.say(view("secret"));
    run(&mut world, &mut [&mut viewer], SECOND);
    let found = viewer.said();
    let [
        FromRendezvous::CameraFound { session, whole: true, .. },
        FromRendezvous::Description { sdp, .. },
    ] = &found[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!(*sdp, offer);
    let (session, answer) = (*session, offer.replace("abcd", "ijkl"));
    viewer.say(Message::text(ToRendezvous::Description { session, sdp: answer }.to_text()));
    let last =
        ToRendezvous::Candidate { session, candidate: None, sdp_mid: None, sdp_m_line_index: None };
    viewer.say(Message::text(last.to_text()));
    run(&mut world, &mut [&mut viewer], SECOND);
    let (mut reader, mut created, mut bytes) = (WhipResponseReader::default(), None, [0; 4096]);
    while let Poll::Ready(Ok(received @ 1..)) = world.stacks[0].receive(camera, &mut bytes) {
        created = reader.receive(&bytes[..received]).expect("a response");
    }
    let created = created.expect("it came");
    assert_eq!(created.status, 201);
    assert!(created.content.contains("a=ice-ufrag:ijkl\r\n"));
    assert_eq!(created.ice_servers[1].credential, "right");
}

#[test]
fn after_a_restart_clients_come_again() {
    let (mut world, mut camera, _) = pair();
    world.services.rendezvous.restart();
    assert_eq!(world.services.rendezvous.connections(), 0);
    let mut again = Client::new(&mut world, 0);
    run(&mut world, &mut [&mut again], SECOND);
    again.say(register());
    run(&mut world, &mut [&mut again], SECOND);
    assert!(matches!(again.said()[..], [FromRendezvous::Registered { .. }]));
    // The old connection is unknown to the new process: it is reset when it speaks.
    camera.say(register());
    run(&mut world, &mut [&mut camera, &mut again], SECOND);
    let old = world.stacks[0].receive(camera.connection, &mut [0]);
    assert_eq!(old, Poll::Ready(Err(parallax_stack::ConnectionError::Reset)));
}
