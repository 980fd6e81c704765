//! Where two records part, for runs that should have been the same.

/// The first line in which two records differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDifference {
    /// Which line, from 1: the header is line 1.
    pub line: usize,
    /// The line in the first record, without its end; none if that record is shorter.
    pub first: Option<String>,
    /// The line in the second.
    pub second: Option<String>,
    /// When the earlier of the two happened, nanoseconds on the run's clock, if they are entries.
    pub run_ns: Option<u64>,
}

/// Compares two records byte by byte; none if they are the same. They need not be whole or even
/// readable: bytes that are not UTF-8 are shown as replacement characters.
#[must_use]
pub fn first_difference(first: &[u8], second: &[u8]) -> Option<RecordDifference> {
    if first == second {
        return None;
    }
    let mut lines_of_first = first.split_inclusive(|byte| *byte == b'\n');
    let mut lines_of_second = second.split_inclusive(|byte| *byte == b'\n');
    let mut line = 1;
    loop {
        match (lines_of_first.next(), lines_of_second.next()) {
            (Some(one), Some(other)) if one == other => line += 1,
            (one, other) => {
                let run_ns = [one, other].into_iter().flatten().filter_map(time).min();
                return Some(RecordDifference {
                    line,
                    first: one.map(text),
                    second: other.map(text),
                    run_ns,
                });
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    String::from_utf8_lossy(line).into_owned()
}

fn time(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line).ok()?.get("run_ns")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = b"{\"format\":1}\n{\"run_ns\":5,\"node\":\"a\"}\n{\"run_ns\":9}\n";

    #[test]
    fn the_same_bytes_do_not_differ() {
        assert_eq!(first_difference(RECORD, RECORD), None);
        assert_eq!(first_difference(b"", b""), None);
    }

    #[test]
    fn the_first_line_that_differs_is_named_with_its_time() {
        let other = b"{\"format\":1}\n{\"run_ns\":4,\"node\":\"a\"}\n{\"run_ns\":8}\n";
        let difference = first_difference(RECORD, other);
        assert_eq!(
            difference,
            Some(RecordDifference {
                line: 2,
                first: Some("{\"run_ns\":5,\"node\":\"a\"}".into()),
                second: Some("{\"run_ns\":4,\"node\":\"a\"}".into()),
                run_ns: Some(4),
            })
        );
    }

    #[test]
    fn a_record_that_stops_earlier_differs_where_it_stops() {
        let difference = first_difference(&RECORD[..RECORD.len() - 13], RECORD);
        assert_eq!(
            difference,
            Some(RecordDifference {
                line: 3,
                first: None,
                second: Some("{\"run_ns\":9}".into()),
                run_ns: Some(9),
            })
        );
    }

    #[test]
    fn a_missing_line_end_is_a_difference_too() {
        assert!(first_difference(&RECORD[..RECORD.len() - 1], RECORD).is_some());
    }
}
