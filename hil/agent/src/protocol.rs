//! Protocol of bench and agent: JSON texts, each a message in the frames of
//! `parallax_console`.
//!
//! The bench starts the agent as a command that tells a nonce. The agent says [`FromBoard::Hello`]
//! and waits for [`ToBoard::Order`]. Clock questions may come at any time.
//!
//! TCP is not the board's: a stream is opened on its behalf at its place in the network, and the
//! stream's bytes travel here. So a board needs no server that it can reach, and gateways and
//! services see what they would see of a camera that has TCP itself.

use parallax_console::Nonce;
use parallax_record::{Event, Ice};
use parallax_signalling::Token;
use parallax_spec::Camera;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, net::SocketAddr};

/// The version of what is said here: both ends must have the same.
pub const PROTOCOL: u32 = 5;
/// Streams with this bit in their number were opened from outside, the others by the board.
pub const FROM_OUTSIDE: u32 = 1 << 31;
/// Bytes of a stream in one message, at most.
pub const CHUNK_BYTES: usize = 2_048;

/// What the bench says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToBoard {
    /// What time is it?
    Clock {
        /// Comes back as it is.
        number: u32,
    },
    /// Listen for clock questions over the network, too.
    ClockSocket {
        /// What is in the network that counts.
        towards: Option<SocketAddr>,
    },
    /// Be this camera. It may be said again, and counts once.
    Order(Box<CameraOrder>),
    /// A stream that the board asked for is open.
    Opened {
        /// Its number.
        stream: u32,
    },
    /// A stream, or a place to listen, could not be had.
    Refused {
        /// Its number.
        stream: u32,
    },
    /// A viewer opened a stream to where the board listens.
    Accepted {
        /// The number of the place.
        listener: u32,
        /// The stream's number.
        stream: u32,
        /// Who.
        from: SocketAddr,
    },
    /// Bytes came on a stream.
    Bytes {
        /// Its number.
        stream: u32,
        /// The bytes, as `to_text` writes them.
        base64: String,
    },
    /// A stream is over.
    Closed {
        /// Its number.
        stream: u32,
    },
    /// Something said here was lost: no stream can be trusted any more.
    Broken,
    /// End.
    Stop,
}

/// What the board says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromBoard {
    /// The agent runs.
    Hello {
        /// [`PROTOCOL`] of the agent.
        protocol: u32,
        /// The agent's version.
        version: String,
    },
    /// The answer to a clock question.
    Clock {
        /// Of the question.
        number: u32,
        /// The board's clock between question and answer, nanoseconds.
        board_ns: u64,
    },
    /// Where clock questions over the network are heard, at the board's address.
    ClockAt {
        /// UDP port.
        port: u16,
    },
    /// Open a TCP connection.
    Open {
        /// What it is to be called.
        stream: u32,
        /// To where.
        to: SocketAddr,
    },
    /// Listen for TCP connections.
    Listen {
        /// What the place is to be called.
        listener: u32,
        /// Where.
        at: SocketAddr,
    },
    /// Bytes for a stream.
    Bytes {
        /// Its number.
        stream: u32,
        /// The bytes, as `to_text` writes them.
        base64: String,
    },
    /// A stream, or a place to listen, is over.
    Closed {
        /// Its number.
        stream: u32,
    },
    /// What happened, in its order. Times in it are of the board's clock.
    Events {
        /// Each with its time.
        events: Vec<BoardTimedEvent>,
    },
    /// What the agent takes of the board.
    Load {
        /// When, on the board's clock, nanoseconds.
        board_ns: u64,
        /// Processor time since it started, all threads, microseconds.
        cpu_us: u64,
        /// Memory resident, bytes.
        memory_bytes: u64,
    },
    /// Something said here was lost: no stream can be trusted any more.
    Broken,
    /// Remember this for the board: it comes back with the next order, after a loss of power.
    Stored {
        /// What it is called.
        name: String,
        /// What it is, as `to_text` writes it.
        base64: String,
    },
    /// The order cannot be followed.
    CannotBe {
        /// Why.
        text: String,
    },
    /// The last word.
    Bye,
}

/// An event, on the board's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardTimedEvent {
    /// When, nanoseconds.
    pub board_ns: u64,
    /// What.
    pub event: Event,
}

/// A camera to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraOrder {
    /// Its name at the rendezvous.
    pub name: String,
    /// What a viewer has to show.
    pub token: Token,
    /// Where the rendezvous is; none: it is its own.
    pub rendezvous: Option<SocketAddr>,
    /// The address that its network gives it.
    pub own: SocketAddr,
    /// How it films, encodes and sends. Its clip comes with Parallax.
    pub camera: Camera,
    /// How its ICE agent is set.
    pub ice: Ice,
    /// What the camera has stored earlier in the run, as `to_text` writes it: nothing is kept on the
    /// board's own disk, and each run begins with a new camera.
    pub flash: BTreeMap<String, String>,
}

/// What a clock question over the network begins with.
const CLOCK: &[u8; 4] = b"plxc";

/// A clock question over the network: `plxc`, the nonce, its number, both big-endian.
pub fn clock_question(nonce: Nonce, number: u32) -> [u8; 12] {
    let mut question = [0; 12];
    question[..4].copy_from_slice(CLOCK);
    question[4..8].copy_from_slice(&nonce.0.to_be_bytes());
    question[8..].copy_from_slice(&number.to_be_bytes());
    question
}

/// The answer to what came, if that is a question of this nonce: the question, and the board's clock in
/// nanoseconds, big-endian.
pub fn clock_answer(nonce: Nonce, came: &[u8], now_ns: impl FnOnce() -> u64) -> Option<[u8; 20]> {
    let number = u32::from_be_bytes(came.get(8..12)?.try_into().ok()?);
    (came == clock_question(nonce, number)).then(|| {
        let mut answer = [0; 20];
        answer[..12].copy_from_slice(came);
        answer[12..].copy_from_slice(&now_ns().to_be_bytes());
        answer
    })
}

/// Number and board's clock of an answer, if it is one of this nonce.
pub fn read_clock_answer(nonce: Nonce, came: &[u8]) -> Option<(u32, u64)> {
    let (question, clock) = came.split_at_checked(12)?;
    let number = u32::from_be_bytes(question[8..].try_into().ok()?);
    let board_ns = u64::from_be_bytes(clock.try_into().ok()?);
    (question == clock_question(nonce, number)).then_some((number, board_ns))
}

/// A message as it travels.
pub fn write(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("words, numbers and texts have a JSON form")
}

/// A message as it came; none if it is none of ours.
pub fn read<T: DeserializeOwned>(message: &[u8]) -> Option<T> {
    serde_json::from_slice(message).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use parallax_spec::SignallingProtocol;

    #[test]
    fn messages_survive_the_console_and_others_are_none() {
        let opened = write(&ToBoard::Opened { stream: 7 });
        assert!(matches!(read(&opened), Some(ToBoard::Opened { stream: 7 })));
        let told = BoardTimedEvent { board_ns: 1, event: Event::Ready { boot: 0 } };
        let events = write(&FromBoard::Events { events: vec![told.clone()] });
        assert!(matches!(read(&events), Some(FromBoard::Events { events }) if events == [told]));
        assert!(read::<ToBoard>(&write(&FromBoard::Bye)).is_none());
        assert!(read::<FromBoard>(b"{\"kind\":\"closed\",\"stream\":1,\"more\":1}").is_none());
    }

    #[test]
    fn a_clock_is_asked_and_answers_over_the_network() {
        let nonce = Nonce(0x7f3a_9c01);
        let question = clock_question(nonce, 12);
        let answer = clock_answer(nonce, &question, || 77).expect("it is one");
        assert_eq!(read_clock_answer(nonce, &answer), Some((12, 77)));
        // Another run's, one cut short, one too long, and no question at all.
        assert_eq!(clock_answer(Nonce(1), &question, || 77), None);
        assert_eq!(read_clock_answer(Nonce(1), &answer), None);
        assert_eq!(read_clock_answer(nonce, &answer[..19]), None);
        assert_eq!(clock_answer(nonce, &answer, || 77), None);
        assert_eq!(clock_answer(nonce, b"plxc", || 77), None);
    }

    #[test]
    fn no_token_shows_in_the_debug_output_of_an_order() {
        let order = CameraOrder {
            name: "doorbell".to_owned(),
            token: Token::new("secret"),
            rendezvous: None,
            own: ([192, 168, 1, 2], 0).into(),
            camera: Camera {
                clip: "bunny".to_owned(),
                width_px: 320,
                height_px: 240,
                frames_per_second: 15,
                bit_rate_bps: 400_000,
                key_frame_interval_frames: None,
                skip_frames: false,
                pacer_bps: None,
                congestion_control: None,
                signalling: SignallingProtocol::WebSocket,
            },
            ice: Ice::default(),
            flash: BTreeMap::new(),
        };
        let text = format!("{:?}", ToBoard::Order(Box::new(order)));
        assert!(text.contains("redacted") && !text.contains("secret"), "{text}");
    }
}
