//! Records are written and read back whole, or refused with the line and the cause.

use crate::support::*;
use parallax_record::*;

fn bytes() -> (Vec<u8>, String) {
    let mut run = Run::streaming(&[Way::Rendered; 2]);
    run.entries.sort_by_key(|entry| entry.run_ns);
    let mut writer = Writer::new(Vec::new(), &run.header).expect("memory takes all");
    for entry in &run.entries {
        writer.entry(entry).expect("memory takes all");
    }
    writer.finish("ab").expect("memory takes all")
}

fn refused(bytes: &[u8]) -> String {
    Record::read(bytes).expect_err("it is no whole record").to_string()
}

fn edited(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes().0).expect("JSON is UTF-8");
    assert!(text.contains(from), "{from} is not in the record");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn what_was_written_reads_back_with_the_same_digest() {
    let (bytes, sha256) = bytes();
    let record = Record::read(&bytes).expect("it is whole");
    assert_eq!(record.sha256, sha256);
    assert_eq!(record, Run::streaming(&[Way::Rendered; 2]).record());
    let text = String::from_utf8(bytes).expect("JSON is UTF-8");
    assert!(text.starts_with(r#"{"format":"parallax-record","schema":1,"#));
    assert!(text.contains(r#""seed":"18446744073709551615""#));
    assert!(text.ends_with("{\"end\":{\"entries\":24,\"packets_sha256\":\"ab\"}}\n"), "{text}");
}

#[test]
fn each_line_that_is_cut_off_is_noticed() {
    let (bytes, _) = bytes();
    for length in 0..bytes.len() {
        let message = refused(&bytes[..length]);
        let expected = match length {
            0 => "it is empty",
            1..27 => "line 1 is not the header",
            _ => "it is cut off in line",
        };
        assert!(message.contains(expected), "{length} bytes: {message}");
    }
}

#[test]
fn the_digest_is_that_of_the_bytes() {
    let (first, _) = bytes();
    let record = Record::read(&first).expect("it is whole");
    let other = Record::read(&edited("\"seed\":\"18", "\"seed\":\"17")).expect("it is whole");
    assert_ne!(record.sha256, other.sha256);
    assert_eq!(record.sha256.len(), 64);
}

#[test]
fn the_writer_refuses_time_that_goes_back() {
    let run = Run::streaming(&[]);
    let mut writer = Writer::new(Vec::new(), &run.header).expect("memory takes all");
    let note = |run_ns| entry(run_ns, "phone", Event::Note { text: "x".into() });
    writer.entry(&note(5)).expect("it is the first");
    writer.entry(&note(5)).expect("the same instant is in order");
    let error = writer.entry(&note(4)).expect_err("time goes back");
    assert_eq!(error.to_string(), "write the record: time goes back from 5 ns to 4 ns at phone");
}

#[test]
fn a_sink_that_is_full_is_told_of() {
    let run = Run::streaming(&[]);
    let mut room = [0_u8; 100];
    let error = Writer::new(&mut room[..], &run.header).expect_err("the disk is full");
    assert!(matches!(error, WriteError::Io(_)), "{error}");
}

#[test]
fn what_is_no_record_is_refused_with_line_and_cause() {
    let mut more = bytes().0;
    more.extend(b"{}\n");
    let seed = edited("\"seed\":\"18446744073709551615\"", "\"seed\":\"-1\"");
    let messages = [
        refused(b""),
        refused(b"{\"version\":3}\n"),
        refused(b"{\"format\":\"pcap\",\"schema\":1}\n"),
        refused(b"\xff\xfe\n"),
        refused(&edited("\"schema\":1", "\"schema\":2")),
        refused(&edited("\"live\"", "\"dead\"")),
        refused(&seed),
        refused(&edited("frame_captured", "frame_kaptured")),
        refused(&edited("\"run_ns\":1000000000", "\"run_ns\":1")),
        refused(&edited("\"entries\":24", "\"entries\":23")),
        refused(&more),
    ];
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn the_summary_is_integers_with_units_and_its_fields_stay() {
    let mut run = Run::streaming(&[Way::Rendered; 40]);
    run.entries.push(entry(
        9_999_000_000,
        "core",
        Event::Bytes { direct: 1_000, turn: 0, signalling: 200 },
    ));
    run.header.duration_us = 3_700_000;
    let mut summary = run.judged(vec![check(Predicate::CaptureToRender {
        percentile: Percentile::P95,
        below_us: 250_000,
    })]);
    summary.record_sha256 = Some("...".into());
    let text = Suite::new(vec![summary.clone()]).to_json().expect("JSON");
    assert_eq!(serde_json::from_str::<Suite>(&text).expect("it reads back").runs, [summary]);
    insta::assert_snapshot!(text);
}

#[test]
fn congestion_control_is_a_word_or_says_who_followed_within_what() {
    let cameras =
        vec![GccCamera { camera: "doorbell".to_owned(), floor_bps: 100_000, ceiling_bps: 800_000 }];
    for (control, text) in [
        (CongestionControl::None, r#""none""#),
        (
            CongestionControl::Gcc { cameras },
            r#"{"gcc":{"cameras":[{"camera":"doorbell","floor_bps":100000,"ceiling_bps":800000}]}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&control).expect("JSON"), text);
        assert_eq!(serde_json::from_str::<CongestionControl>(text).expect("JSON"), control);
    }
    assert!(serde_json::from_str::<CongestionControl>(r#"{"gcc":{"floor_bps":1}}"#).is_err());
}
