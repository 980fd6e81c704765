//! Cameras that are their own rendezvous: one LAN, no Internet, no server, and bad neighbours.

use crate::{
    by_hand::{Faults, Hand, Neighbour, run_by_hand},
    street::{Kept, S_NS, Street, in_one_lan, run_scenario},
};
use futures::{SinkExt, StreamExt};
use parallax_network::Time;
use parallax_peer::Host;
use parallax_record::{CandidateKind, Event, Phase};
use parallax_signalling::{FromRendezvous, MAX_MESSAGE_BYTES, RefusedReason, ToRendezvous, Token};
use parallax_world::{SimHost, TcpStream, header};
use std::{net::SocketAddr, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

#[test]
fn a_camera_in_the_same_lan_streams_without_internet_and_without_a_server() {
    let mut scenario = Street::default().scenario();
    in_one_lan(&mut scenario);
    let header = header(&scenario, 1, "0.0.0");
    assert_eq!((header.services.len(), header.sites.len()), (0, 1));
    let (kept, outcome) = run_scenario(&scenario, 1);
    kept.assert_sound();
    assert!(kept.rendered("phone").len() > 80, "{}", kept.story());
    let first = kept.rendered("phone")[0].at_ns;
    assert!(first < 2 * S_NS, "{}", kept.story());
    let candidates = kept.of("phone", |_, event| match event {
        Event::Candidate { candidate, .. } => Some(candidate.kind),
        _ => None,
    });
    assert_eq!(candidates, [CandidateKind::Host]);
    assert!(kept.packets.iter().all(|seen| ["doorbell", "phone"].contains(&seen.host.as_str())));
    // The signalling is the TCP between the two, and the media is their UDP.
    let bytes = |tcp: bool| -> u64 {
        kept.packets.iter().filter(|seen| seen.tcp == tcp).map(|seen| seen.bytes).sum()
    };
    assert_eq!((outcome.bytes.signalling, outcome.bytes.direct), (bytes(true), bytes(false)));
    assert!(bytes(true) > 2_000 && bytes(false) > 10 * bytes(true), "{outcome:?}");
    assert_eq!(outcome.bytes.turn, 0);
}

/// A camera and its viewer in one LAN with a neighbour.
fn beside(neighbour: Neighbour, faults: Faults) -> Kept {
    let street = Street { viewers: &["phone", "tablet"], seconds: 20, ..Street::default() };
    let faults = Faults { lan: true, neighbour: Some(neighbour), ..faults };
    let (kept, _) = run_by_hand(&street, &faults, |Hand { world, .. }: Hand<'_, '_>| {
        world.run_until(Time::from_millis(20_000))
    });
    kept.assert_sound();
    // Whatever the neighbour does, the phone has its stream to the end.
    let rendered = kept.rendered("phone");
    assert!(rendered.len() > 270, "{} frames\n{}", rendered.len(), kept.story());
    assert!(rendered.windows(2).all(|pair| pair[1].at_ns - pair[0].at_ns < S_NS / 5));
    kept
}

fn note(host: &SimHost, text: impl Into<String>) {
    host.observe(Event::Note { text: text.into() });
}

async fn open(host: &SimHost, camera: SocketAddr) -> WebSocketStream<TcpStream> {
    // The camera takes 0.1 s to boot.
    host.runtime().sleep(Duration::from_secs(2)).await;
    let stream = host.connect(camera).await.expect("a connection");
    client_async(format!("ws://{camera}/"), stream).await.expect("a WebSocket").0
}

/// Says a message and gives what comes next.
async fn ask(socket: &mut WebSocketStream<TcpStream>, message: &ToRendezvous) -> FromRendezvous {
    socket.send(Message::text(message.to_text())).await.expect("sent");
    hear(socket).await.expect("an answer")
}

async fn hear(socket: &mut WebSocketStream<TcpStream>) -> Option<FromRendezvous> {
    loop {
        match socket.next().await?.ok()? {
            Message::Text(text) => return FromRendezvous::from_text(&text).ok(),
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

fn view(token: &str) -> ToRendezvous {
    let (camera, viewer) = ("doorbell".to_owned(), "neighbour".to_owned());
    ToRendezvous::View { camera, viewer, token: Token::new(token) }
}

fn refusal(heard: FromRendezvous) -> RefusedReason {
    let FromRendezvous::Refused { why, .. } = heard else { panic!("{heard:?}") };
    why
}

#[test]
fn a_wrong_token_is_refused_at_the_camera_itself() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            let mut socket = open(&host, camera).await;
            let why = refusal(ask(&mut socket, &view("guess")).await);
            note(&host, format!("{why:?}"));
            // Nor is it the camera, though it knew the token.
            let register = ToRendezvous::Register {
                camera: "doorbell".to_owned(),
                token: Token::new("token-of-the-doorbell"),
                boot: 9,
            };
            let why = refusal(ask(&mut socket, &register).await);
            note(&host, format!("{why:?}"));
            std::future::pending().await
        })
    };
    // Nor does a viewer of ours get anything with the token of another.
    let faults = Faults { wrong_token: Some(("tablet", "garden")), ..Faults::default() };
    let kept = beside(neighbour, faults);
    assert_eq!(kept.notes("neighbour"), ["WrongToken", "Full"]);
    let refused = |note: &String| note.contains("refused the view: WrongToken");
    assert!(kept.notes("tablet").iter().any(refused), "{}", kept.story());
    let heard = kept.of("doorbell", |_, event| event.session().map(|s| s.viewer.clone()));
    assert!(heard.iter().all(|viewer| viewer == "phone"), "{}", kept.story());
}

#[test]
fn a_replayed_message_is_refused_at_the_camera_itself() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            let mut socket = open(&host, camera).await;
            let found = ask(&mut socket, &view("token-of-the-doorbell")).await;
            let FromRendezvous::CameraFound { session, number: 1, ice_servers, .. } = found else {
                panic!("{found:?}")
            };
            assert_eq!(ice_servers, []);
            while !matches!(hear(&mut socket).await, Some(FromRendezvous::Description { .. })) {}
            let sdp = "no description".to_owned();
            let answer = ToRendezvous::Description { session, sdp };
            socket.send(Message::text(answer.to_text())).await.expect("sent");
            let text = answer.to_text();
            socket.send(Message::text(text.clone())).await.expect("sent");
            let why = loop {
                if let Some(FromRendezvous::Refused { why, .. }) = hear(&mut socket).await {
                    break why;
                }
            };
            note(&host, format!("{why:?}"));
            // On another connection it belongs to nobody.
            let mut other = open(&host, camera).await;
            other.send(Message::text(text)).await.expect("sent");
            let why = refusal(hear(&mut other).await.expect("an answer"));
            note(&host, format!("{why:?}"));
            std::future::pending().await
        })
    };
    let kept = beside(neighbour, Faults::default());
    let notes = kept.notes("neighbour");
    assert!(
        matches!(&notes[..], [first, second]
            if ["OutOfTurn", "UnknownSession"].contains(&first.as_str()) && second == "UnknownSession"),
        "{notes:?}"
    );
}

#[test]
fn a_message_too_long_is_refused_at_the_camera_itself_and_its_connection_closed() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            let mut socket = open(&host, camera).await;
            let long = Message::text("x".repeat(MAX_MESSAGE_BYTES + 1));
            socket.send(long).await.expect("sent");
            let why = refusal(hear(&mut socket).await.expect("an answer"));
            note(&host, format!("{why:?}"));
            assert_eq!(hear(&mut socket).await, None);
            note(&host, "closed");
            std::future::pending().await
        })
    };
    let kept = beside(neighbour, Faults::default());
    assert_eq!(kept.notes("neighbour"), ["TooLarge", "closed"]);
}

#[test]
fn garbage_and_a_handshake_that_never_ends_are_let_go_of() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            host.runtime().sleep(Duration::from_secs(2)).await;
            let mut garbage = host.connect(camera).await.expect("a connection");
            garbage.write_all(b"\x16\x03\x01 no HTTP\r\n\r\n").await.expect("sent");
            let mut answer = Vec::new();
            garbage.read_to_end(&mut answer).await.expect("an end");
            note(&host, String::from_utf8_lossy(&answer[..12]));
            let mut silent = host.connect(camera).await.expect("a connection");
            silent.write_all(b"GET / HTTP/1.1\r\nHost:").await.expect("sent");
            let start = host.now_ns();
            silent.read_to_end(&mut answer).await.expect("an end");
            note(&host, format!("{} s", (host.now_ns() - start) / S_NS));
            std::future::pending().await
        })
    };
    let kept = beside(neighbour, Faults::default());
    assert_eq!(kept.notes("neighbour"), ["HTTP/1.1 400", "10 s"]);
}

#[test]
fn one_address_takes_no_more_than_its_share_of_the_connections() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            let mut open = Vec::new();
            host.runtime().sleep(Duration::from_millis(300)).await;
            loop {
                let mut stream = host.connect(camera).await.expect("a connection");
                host.runtime().sleep(Duration::from_millis(20)).await;
                // Whoever is one too many is closed at once.
                let closed = tokio::select! {
                    biased;
                    _ = stream.read_u8() => true,
                    () = host.runtime().sleep(Duration::from_millis(20)) => false,
                };
                if closed {
                    break;
                }
                open.push(stream);
            }
            note(&host, format!("{} open", open.len()));
            std::future::pending().await
        })
    };
    let kept = beside(neighbour, Faults::default());
    assert_eq!(kept.notes("neighbour"), ["8 open"]);
}

#[test]
fn a_client_that_asks_and_never_reads_is_let_go_of() {
    let neighbour: Neighbour = |host, camera| {
        Box::pin(async move {
            let mut socket = open(&host, camera).await;
            let guess = view("guess").to_text();
            let mut asked = 0_u32;
            while socket.send(Message::text(guess.clone())).await.is_ok() {
                asked += 1;
                if asked.is_multiple_of(100) {
                    host.runtime().sleep(Duration::from_millis(2)).await;
                }
            }
            note(&host, format!("over after {}", asked > 5_000));
            std::future::pending().await
        })
    };
    let kept = beside(neighbour, Faults::default());
    assert_eq!(kept.notes("neighbour"), ["over after true"]);
}

#[test]
fn no_token_appears_in_a_record_or_in_debug_output() {
    let neighbour: Neighbour = |_, _| Box::pin(std::future::pending());
    let kept =
        beside(neighbour, Faults { wrong_token: Some(("tablet", "garden")), ..Faults::default() });
    assert!(kept.phases("phone", Phase::Dtls).len() == 1);
    let record = format!("{:?}", kept.entries);
    assert!(record.len() > 10_000 && !record.contains("token-of-the"));
}
