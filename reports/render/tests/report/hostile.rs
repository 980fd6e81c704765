//! Text from outside does nothing in the page and in its drawings.

use crate::support::{at, folder_of, header, record_of};
use parallax_record::{Event, Record, Suite, judge};
use parallax_render::{
    Report, escape, html,
    input::{Detail, Folder, FolderOrigin},
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const HOSTILE: &str = "</script><script>alert(1)</script>]]>\"'`--><svg onload=alert(2)>\u{202e}\u{0}\u{1b}[31m&amp;{{7*7}}";

#[test]
fn scripts_in_names_and_titles_are_text() {
    let mut header = header(2);
    header.title = HOSTILE.into();
    header.why = HOSTILE.into();
    header.events[0].name = HOSTILE.into();
    header.checks[0].why = HOSTILE.into();
    header.peers[0].profile.name = HOSTILE.into();
    header.sites[0].name = HOSTILE.into();
    header.services[0].name = HOSTILE.into();
    let mut folder = folder_of(vec![header]);
    folder.name = HOSTILE.into();
    folder.suite.runs[0].faults.push(HOSTILE.into());
    let page = html::report(&Report::new(&[folder]));
    assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
    // The only scripts are ours: the data of the plots, and the one at the end.
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("<script type=\"application/json\">").count() + 1);
    assert_eq!(scripts, page.matches("</script>").count());
    assert!(!page.contains("<svg onload"));
    assert!(!page.contains("]]>\""));
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!page.chars().any(steers));
}

proptest! {
    #[test]
    fn escaped_text_has_no_character_that_xml_knows_or_forbids(text in any::<String>()) {
        let escaped = escape::xml(&text);
        prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        prop_assert!(escaped.chars().all(|c| !c.is_control()));
        let back = escaped
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&");
        prop_assert_eq!(back, escape::tame(&text));
    }
}

/// A record with an event of each kind that has figures of its own.
fn record() -> Record {
    let record = record_of(header(1));
    let mut entries = record.entries;
    entries.push(at(
        9_999_000,
        "link/house/up",
        Event::LinkLoad {
            from_run_ns: 9_799_000_000,
            offered_packets: 6,
            offered_bytes: 511,
            carried_packets: 6,
            carried_bytes: 511,
            lost_packets: 0,
            dropped_packets: 0,
            waited_mean_ns: Some(5_945),
            waited_longest_ns: Some(35_672),
            transmission_mean_ns: Some(68_133),
            propagation_mean_ns: Some(10_065_482),
        },
    ));
    Record::new(record.header, entries, "ab").expect("entries are in order")
}

/// The places of the numbers in a line, those of strings left out.
fn numbers(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'0'..=b'9' if !in_text => match found.last_mut() {
                Some(last) if last.end == index => last.end += 1,
                _ => found.push(index..index + 1),
            },
            _ => {}
        }
    }
    found
}

#[test]
fn a_number_of_a_record_that_is_too_great_ends_no_report() {
    let bytes = record().to_bytes().expect("it can be written");
    let text = String::from_utf8(bytes).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    let mut kinds = BTreeSet::new();
    let mut judged = 0;
    for (index, line) in lines.iter().enumerate() {
        // Of a kind of event the last: what comes after it is then in order, whatever its time.
        let kind = line.split("\"kind\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let again = lines[index + 1..]
            .iter()
            .any(|later| kind.is_some_and(|kind| later.contains(&format!("\"kind\":\"{kind}\""))));
        if index > 0 && (again || kind.is_none()) {
            continue;
        }
        kinds.extend(kind);
        for place in numbers(line) {
            for number in [u64::MAX, 1_000_000_000_000_000, 999_999_999_999_999] {
                let edited = format!("{}{number}{}", &line[..place.start], &line[place.end..]);
                let mut all: Vec<&str> = lines.clone();
                all[index] = &edited;
                let record = Record::read(format!("{}\n", all.join("\n")).as_bytes());
                let Ok(record) = record else { continue };
                assert!(number < 1_000_000_000_000_000, "{edited}");
                judged += 1;
                let suite = Suite::new(vec![judge(&record)]);
                let details = vec![Detail { run: 0, record, pictures: BTreeMap::new() }];
                let (name, environment) = (String::new(), None);
                let folder =
                    Folder { name, suite, environment, details, origin: FolderOrigin::default() };
                let page = html::report(&Report::new(&[folder]));
                assert!(page.contains("</html>"), "{edited}");
            }
        }
    }
    assert!(kinds.len() > 10 && judged > 70, "{kinds:?}: {judged} read");
}
