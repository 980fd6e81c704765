//! The file of what was said.

use parallax_console::transcript::{HEAD, TranscriptEntry, TranscriptError, TranscriptKind, read};
use proptest::prelude::*;

fn entry(at_ns: u64, kind: TranscriptKind, bytes: &[u8]) -> TranscriptEntry {
    TranscriptEntry { at_ns, kind, bytes: bytes.to_vec() }
}

#[test]
fn a_transcript_reads_as_documented() {
    let entries = [
        entry(1_520_000, TranscriptKind::Received, b"U-Boot\r\n\\"),
        entry(1_530_000, TranscriptKind::Sent, b"\r"),
        entry(1_540_000, TranscriptKind::Event, b"unplugged"),
    ];
    let lines: String = entries.iter().map(TranscriptEntry::to_line).collect();
    assert_eq!(lines, "1520000 < U-Boot\\x0d\\x0a\\x5c\n1530000 > \\x0d\n1540000 ! unplugged\n");
    assert_eq!(read(&format!("{HEAD}\n{lines}")), Ok(entries.to_vec()));
}

#[test]
fn a_secret_is_not_in_it() {
    assert_eq!(entry(1, TranscriptKind::Secret, b"hush\r").to_line(), "1 * *****\n");
}

#[test]
fn a_torn_end_is_left_out_and_anything_else_is_refused() {
    let whole = format!("{HEAD}\n1 < a\n");
    assert_eq!(read(&format!("{whole}2 < b\\x")).map(|entries| entries.len()), Ok(1));
    assert_eq!(read("1 < a\n"), Err(TranscriptError::Head));
    for line in ["x < a", "1 ? a", "1 <", "1 < \\q", "1 < \\x0"] {
        let error = read(&format!("{whole}{line}\n")).expect_err("refused");
        assert!(matches!(error, TranscriptError::Line { line: 3, .. }), "{line}: {error}");
    }
}

#[test]
fn two_hands_that_wrote_it_are_put_in_the_order_of_their_times() {
    let text = format!("{HEAD}\n5 < echo\n3 > echo\n5 ! b\n");
    let entries = read(&text).expect("sound");
    let order: Vec<(u64, TranscriptKind)> =
        entries.iter().map(|entry| (entry.at_ns, entry.kind)).collect();
    assert_eq!(
        order,
        [(3, TranscriptKind::Sent), (5, TranscriptKind::Received), (5, TranscriptKind::Event)]
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_back(bytes in prop::collection::vec(any::<u8>(), 0..300), at: u64) {
        let entry = entry(at, TranscriptKind::Received, &bytes);
        let read = read(&format!("{HEAD}\n{}", entry.to_line()));
        prop_assert_eq!(read, Ok(vec![entry]));
    }
}
