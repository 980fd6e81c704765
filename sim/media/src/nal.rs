//! NAL units and access units of an Annex B byte stream (ITU-T H.264 annex B).

use memchr::memmem;

/// The NAL units of a stream, without start codes and without the zero bytes that may follow a
/// unit. Bytes before the first start code are no unit.
pub fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    ranges(stream).map(|unit| &stream[unit.start..unit.end])
}

/// The type of a NAL unit (`nal_unit_type`, table 7-1): 1 a slice of a P picture here, 5 of an
/// IDR picture, 7 SPS, 8 PPS. `None` for an empty unit.
pub fn unit_type(unit: &[u8]) -> Option<u8> {
    unit.first().map(|header| header & 0x1f)
}

/// The access units of a stream, start codes included: what a decoder takes at a time, one
/// picture each. A unit begins with what may only stand before a picture (SPS, PPS, SEI,
/// delimiter, prefix) or with a slice whose first macroblock is 0 (section 7.4.1.2.3, as far as streams
/// of one slice group without redundant pictures need it).
pub fn access_units(stream: &[u8]) -> Vec<&[u8]> {
    let mut begins = Vec::new();
    let mut has_slice = true;
    for unit in ranges(stream) {
        let bytes = &stream[unit.start..unit.end];
        let is_slice = matches!(unit_type(bytes), Some(1..=5));
        // first_mb_in_slice is an Exp-Golomb code: a leading 1 is the number 0.
        let first_slice = is_slice && bytes.get(1).is_some_and(|byte| byte & 0x80 != 0);
        // Filler and the ends of sequence and stream belong to the picture before them.
        let leads = first_slice || matches!(unit_type(bytes), Some(6..=9 | 14..=18));
        if has_slice && leads {
            begins.push(unit.code);
            has_slice = false;
        }
        has_slice |= is_slice;
    }
    let ends = begins.iter().skip(1).copied().chain([stream.len()]);
    begins.iter().zip(ends).map(|(&begin, end)| &stream[begin..end]).collect()
}

/// Where a NAL unit is: its start code, its first byte, behind its last byte.
struct Unit {
    code: usize,
    start: usize,
    end: usize,
}

fn ranges(stream: &[u8]) -> impl Iterator<Item = Unit> {
    let mut next = start_code(stream, 0);
    core::iter::from_fn(move || {
        let code = next?;
        let start = code + 3;
        next = start_code(stream, start);
        let limit = next.unwrap_or(stream.len());
        let zeros = stream[start..limit].iter().rev().take_while(|&&byte| byte == 0).count();
        // The zero byte of a four-byte start code belongs to the unit behind it.
        let long = code > 0 && stream[code - 1] == 0;
        Some(Unit { code: code - usize::from(long), start, end: limit - zeros })
    })
}

/// Where the next three-byte start code is, at or behind `from`.
fn start_code(stream: &[u8], from: usize) -> Option<usize> {
    memmem::find(stream.get(from..)?, &[0, 0, 1]).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = &[
        0, 0, 0, 1, 0x67, 0x42, // SPS, four-byte start code
        0, 0, 1, 0x68, 0xce, 0, 0, // PPS, then trailing zeros
        0, 0, 1, 0x65, 0x88, // IDR slice, first macroblock 0
        0, 0, 1, 0x65, 0x28, // its second slice
        0, 0, 0, 1, 0x61, 0x9a, // P slice, first macroblock 0
    ];

    #[test]
    fn units_come_without_start_codes_and_trailing_zeros() {
        let units: Vec<_> = units(STREAM).collect();
        let expected: [&[u8]; 5] =
            [&[0x67, 0x42], &[0x68, 0xce], &[0x65, 0x88], &[0x65, 0x28], &[0x61, 0x9a]];
        assert_eq!(units, expected);
        assert_eq!(unit_type(units[0]), Some(7));
    }

    #[test]
    fn an_access_unit_has_its_parameter_sets_and_all_its_slices() {
        let units = access_units(STREAM);
        assert_eq!(units.len(), 2);
        assert_eq!(units[1], [0, 0, 0, 1, 0x61, 0x9a]);
        assert_eq!(units.concat(), STREAM);
    }

    /// A constant bit rate is made with filler behind the slices.
    #[test]
    fn filler_and_the_end_of_a_stream_belong_to_the_picture_before_them() {
        let behind = [0, 0, 1, 12, 0xff, 0x80, 0, 0, 1, 10, 0, 0, 1, 11];
        let stream = [STREAM, &behind].concat();
        let units = access_units(&stream);
        assert_eq!(units.len(), 2);
        assert_eq!(units[1], [&[0, 0, 0, 1, 0x61, 0x9a][..], &behind].concat());
    }

    #[test]
    fn nothing_and_noise_have_no_units() {
        assert_eq!(units(&[]).count(), 0);
        assert_eq!(units(&[7, 0, 0, 2]).count(), 0);
        assert!(access_units(&[0, 0]).is_empty());
        assert_eq!(units(&[0, 0, 1]).collect::<Vec<_>>(), [&[] as &[u8]]);
    }
}
