//! Frames among what others write: a message is received as it was sent, or counted as missing.

use parallax_console::{
    Frame, FrameEncoder, FrameError, MESSAGE_BYTES_MOST, Nonce, PAYLOAD_BYTES_MOST, Part, Received,
    Receiver, ScanItem, Scanner, Sender,
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const NONCE: Nonce = Nonce(0x7f3a_9c01);

#[derive(Default, Debug, PartialEq, Eq)]
struct Heard {
    messages: Vec<Vec<u8>>,
    text: Vec<u8>,
    missing: u64,
    damaged: u64,
    orphans: u64,
    foreign: u64,
}

fn hear(bytes: &[u8], sent: u64) -> Heard {
    let (mut scanner, mut receiver) = (Scanner::new(), Receiver::new(Sender::Board, NONCE));
    let mut heard = Heard::default();
    for byte in bytes {
        match scanner.push(*byte, &mut heard.text) {
            Some(ScanItem::Frame(frame)) => match receiver.take(frame) {
                (_, Received::Message(message)) => heard.messages.push(message),
                (_, Received::Orphan) => heard.orphans += 1,
                (_, Received::Foreign(_)) => heard.foreign += 1,
                _ => {}
            },
            Some(ScanItem::Damaged(_)) => heard.damaged += 1,
            None => {}
        }
    }
    scanner.cut(&mut heard.text);
    receiver.end(sent);
    heard.missing = receiver.missing();
    heard
}

fn said(messages: &[&[u8]]) -> (Vec<u8>, u64) {
    let mut encoder = FrameEncoder::new(Sender::Board, NONCE);
    let mut lines = Vec::new();
    for message in messages {
        encoder.encode(message, b"\r\n", &mut lines).expect("short");
    }
    (lines, encoder.frames())
}

#[test]
fn a_log_line_written_into_a_frame_at_any_byte_costs_that_frame_and_no_other() {
    let messages: [&[u8]; 3] = [b"frame 1 at 20 ms", b"100% of ~\n", b"frame 3"];
    let log = b"[   12.34] usb 1-1: new device\r\n";
    let (line, _) = said(&messages[..1]);
    let (two, _) = said(&messages[..2]);
    let (all, frames) = said(&messages);
    for at in line.len()..=two.len() {
        let bytes = [&all[..at], log, &all[at..]].concat();
        let heard = hear(&bytes, frames);
        let whole: Vec<Vec<u8>> = messages.iter().map(|message| message.to_vec()).collect();
        // Before its first byte, or after its last: its line end is no part of it.
        if at == line.len() || at >= two.len() - 2 {
            assert_eq!((heard.messages, heard.missing), (whole, 0), "at {at}");
        } else {
            let kept = vec![whole[0].clone(), whole[2].clone()];
            assert_eq!((heard.messages, heard.missing), (kept, 1), "at {at}");
            // What the log said is not lost with the frame.
            let text = String::from_utf8(heard.text).expect("text");
            assert!(text.contains("[   12.34] usb 1-1: new device"), "at {at}: {text}");
        }
    }
}

#[test]
fn a_frame_written_into_a_log_line_leaves_the_line_whole() {
    let (line, frames) = said(&[b"hello"]);
    let log = b"Kernel panic - not syncing";
    for at in 0..=log.len() {
        let heard = hear(&[&log[..at], &line, &log[at..]].concat(), frames);
        assert_eq!((heard.text.as_slice(), heard.messages.len()), (&log[..], 1), "at {at}");
    }
}

/// Numbers of the stream `parallax-console/noise`, by seed.
fn noise(seed: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..22].copy_from_slice(b"parallax-console/noise");
    key[24..].copy_from_slice(&seed.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

#[test]
fn dropped_and_garbled_bytes_are_counted_gaps_and_never_guesses() {
    for per_mille in [1, 10, 100] {
        let (mut received, mut frames_sent) = (0, 0);
        for seed in 0..40 {
            let mut random = noise(seed);
            let messages: Vec<Vec<u8>> =
                (0..50).map(|n| format!("frame {n} seed {seed} at {}", n * 33).into()).collect();
            let borrowed: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            let (clean, frames) = said(&borrowed);
            let mut bytes = Vec::new();
            for byte in clean {
                match random.next_u32() % 2_000 {
                    hit if hit < per_mille => {}
                    hit if hit < 2 * per_mille => bytes.push(random.next_u32() as u8),
                    _ => bytes.push(byte),
                }
            }
            let heard = hear(&bytes, frames);
            // Each is one that was sent, in its order, once; the others are counted, each.
            let mut sent = messages.iter();
            for message in &heard.messages {
                assert!(sent.any(|known| known == message), "{message:?} was not sent then");
            }
            assert_eq!(heard.messages.len() as u64 + heard.missing, frames);
            received += heard.messages.len();
            frames_sent += frames;
        }
        // Frames have some 55 bytes: 5 % are hit at 0.1 %, 43 % at 1 %, nearly all at 10 %.
        let share = received as f64 / frames_sent as f64;
        let expected = (1.0 - f64::from(per_mille) / 1000.0).powi(55);
        assert!((share - expected).abs() < 0.06, "{per_mille}: {share} of {expected}");
    }
}

#[test]
fn an_earlier_runs_frames_count_for_nothing() {
    let mut earlier = FrameEncoder::new(Sender::Board, Nonce(1));
    let mut bytes = Vec::new();
    for _ in 0..5 {
        earlier.encode(b"old", b"\r\n", &mut bytes).expect("short");
    }
    let (line, frames) = said(&[b"new"]);
    bytes.extend(line);
    let heard = hear(&bytes, frames);
    assert_eq!(heard.messages, [b"new"]);
    assert_eq!((heard.foreign, heard.missing), (5, 0));
}

#[test]
fn a_message_of_several_frames_is_whole_or_lost() {
    let long: Vec<u8> = (0..PAYLOAD_BYTES_MOST * 3 + 7).map(|n| n as u8).collect();
    let (lines, frames) = said(&[&long, b"short"]);
    assert_eq!(frames, 5);
    assert_eq!(hear(&lines, frames).messages, [long.clone(), b"short".to_vec()]);
    let starts: Vec<usize> = lines
        .windows(2)
        .enumerate()
        .filter(|(_, window)| window == b"~B")
        .map(|(at, _)| at)
        .collect();
    for piece in 0..4 {
        let mut bytes = lines.clone();
        bytes.drain(starts[piece]..starts[piece + 1]);
        let heard = hear(&bytes, frames);
        assert_eq!((heard.messages, heard.missing), (vec![b"short".to_vec()], 1), "{piece}");
    }
}

#[test]
fn a_lost_end_is_missed_when_it_is_told_how_many_there_were() {
    let (lines, frames) = said(&[b"one", b"two"]);
    let heard = hear(&lines[..lines.len() - 8], frames);
    assert_eq!((heard.messages, heard.missing), (vec![b"one".to_vec()], 1));
}

#[test]
fn an_echo_of_what_the_host_says_is_no_message_of_the_board() {
    let mut lines = Vec::new();
    FrameEncoder::new(Sender::Host, NONCE).encode(b"stop", b"\r\n", &mut lines).expect("short");
    assert_eq!(hear(&lines, 0), Heard::default());
}

#[test]
fn a_frame_reads_as_documented() {
    let frame = Frame {
        sender: Sender::Board,
        nonce: NONCE,
        number: 12,
        part: Part::Whole,
        payload: b"50% ~\x00\xff".to_vec(),
    };
    let mut line = Vec::new();
    frame.encode(&mut line).expect("short");
    let text = String::from_utf8(line.clone()).expect("printable");
    assert!(text.starts_with("~B7f3a9c01.12.=50%25 %7E%00%FF."), "{text}");
    assert_eq!(Frame::decode(&line[1..line.len() - 1]), Ok(frame));
}

#[test]
fn what_does_not_travel_is_refused() {
    let payload = vec![0; PAYLOAD_BYTES_MOST + 1];
    let frame =
        Frame { sender: Sender::Board, nonce: NONCE, number: 0, part: Part::Whole, payload };
    assert_eq!(frame.encode(&mut Vec::new()), Err(FrameError::Long));
    let message = vec![0; MESSAGE_BYTES_MOST + 1];
    let mut lines = Vec::new();
    let error = FrameEncoder::new(Sender::Board, NONCE).encode(&message, b"\n", &mut lines);
    let shown = error.expect_err("too long").to_string();
    assert_eq!(shown, "failed to frame a message of 65537 bytes\nhelp: at most 65536 travel");
    assert!(lines.is_empty());
}

proptest! {
    #[test]
    fn messages_of_any_bytes_arrive_as_they_are(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..1200), 0..6)
    ) {
        let borrowed: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let (lines, frames) = said(&borrowed);
        let heard = hear(&lines, frames);
        prop_assert_eq!(&heard.messages, &messages);
        prop_assert_eq!((heard.missing, heard.damaged, heard.text.len()), (0, 0, 0));
    }

    #[test]
    fn no_text_is_lost_whatever_it_is(bytes in prop::collection::vec(any::<u8>(), 0..4000)) {
        let heard = hear(&bytes, 0);
        prop_assert!(heard.messages.is_empty());
        prop_assert_eq!(heard.text, bytes);
    }

    #[test]
    fn one_changed_byte_is_never_another_message(at in 0_usize..60, to in any::<u8>()) {
        let (mut lines, frames) = said(&[b"frame 17 at 560 ms, 1200 bytes"]);
        let at = at % lines.len();
        prop_assume!(lines[at] != to);
        lines[at] = to;
        for message in hear(&lines, frames).messages {
            prop_assert_eq!(message, b"frame 17 at 560 ms, 1200 bytes");
        }
    }
}
