//! Messages as a board's agent sends them, from one end to the other: framed, found among bytes, put
//! together again. Bytes are those on the wire.

use core::hint::black_box;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parallax_console::{FrameEncoder, Nonce, Received, Receiver, ScanItem, Scanner, Sender};

const NONCE: Nonce = Nonce(0x7f3a_9c01);
const MESSAGES: usize = 200;

/// A batch of an agent's events is JSON of some such length: one frame, or many.
const LENGTHS: [usize; 2] = [200, 8_000];

fn encoded(message: &[u8]) -> (Vec<u8>, u64) {
    let (mut encoder, mut lines) = (FrameEncoder::new(Sender::Board, NONCE), Vec::new());
    for _ in 0..MESSAGES {
        encoder.encode(message, b"\r\n", &mut lines).expect("it is short enough");
    }
    (lines, encoder.frames())
}

fn heard(lines: &[u8]) -> usize {
    let (mut scanner, mut receiver) = (Scanner::new(), Receiver::new(Sender::Board, NONCE));
    let (mut text, mut messages) = (Vec::new(), 0);
    for byte in lines {
        let Some(ScanItem::Frame(frame)) = scanner.push(*byte, &mut text) else { continue };
        messages += usize::from(matches!(receiver.take(frame), (0, Received::Message(_))));
    }
    messages
}

fn bench(criterion: &mut Criterion) {
    for length in LENGTHS {
        let message: Vec<u8> =
            b"{\"kind\":\"events\"} ".iter().copied().cycle().take(length).collect();
        let (lines, frames) = encoded(&message);
        assert_eq!(heard(&lines), MESSAGES);
        let mut group = criterion.benchmark_group(format!("messages of {length} bytes"));
        let bytes = lines.len() as u64;
        group.throughput(Throughput::ElementsAndBytes { elements: frames, bytes });
        group.bench_function("encode", |bencher| bencher.iter(|| encoded(black_box(&message))));
        group.bench_function("scan and receive", |bencher| {
            bencher.iter(|| heard(black_box(&lines)));
        });
        group.bench_function("encode, scan and receive", |bencher| {
            bencher.iter(|| heard(&encoded(black_box(&message)).0));
        });
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
