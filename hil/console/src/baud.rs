//! Choice of a baud rate by the bytes that arrive at each.

/// How readable `bytes` are, in thousandths: the share that is printable or of a terminal's
/// controls. At a wrong rate most bytes have their high bit set, or are zero.
pub fn score(bytes: &[u8]) -> u32 {
    let readable = |byte: &&u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t' | 0x1b | 0x08);
    let count = bytes.iter().filter(readable).count();
    let share = (count * 1000).checked_div(bytes.len()).unwrap_or(0);
    u32::try_from(share).unwrap_or(1000)
}

/// The rate at which what arrived is most readable, and its score; the first of the list among
/// equals. None if nowhere anything arrived that is readable by half.
pub fn best<'a>(heard: impl IntoIterator<Item = (u32, &'a [u8])>) -> Option<(u32, u32)> {
    let mut best = None;
    for (baud, bytes) in heard {
        let score = score(bytes);
        if score >= 500 && best.is_none_or(|(_, most)| score > most) {
            best = Some((baud, score));
        }
    }
    best
}
