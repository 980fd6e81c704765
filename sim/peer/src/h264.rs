//! H.264 payloads of RTP (RFC 6184), as far as they tell of their frame.

use rtc::rtp::codec::h264::{
    FU_START_BITMASK, FUA_HEADER_SIZE, FUA_NALU_TYPE, NALU_TYPE_BITMASK, PPS_NALU_TYPE,
    SPS_NALU_TYPE, STAPA_HEADER_SIZE, STAPA_NALU_LENGTH_SIZE, STAPA_NALU_TYPE,
};

/// NAL unit type of a slice of a picture that refers to others (H.264 table 7-1).
const SLICE: u8 = 1;
/// NAL unit type of a slice of a key frame (IDR).
const IDR_SLICE: u8 = 5;

/// What one payload says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Payload {
    /// A frame begins with it: it carries parameter sets, or the slice with the picture's first
    /// macroblock. A camera sends parameter sets only in front of a key frame, in one packet.
    pub(crate) starts_frame: bool,
    /// It belongs to a key frame.
    pub(crate) key: bool,
}

/// Reads the head of an RTP payload. An empty or unknown one says nothing.
pub(crate) fn inspect(payload: &[u8]) -> Payload {
    let Some(&head) = payload.first() else { return Payload::default() };
    match head & NALU_TYPE_BITMASK {
        STAPA_NALU_TYPE => {
            let first = STAPA_HEADER_SIZE + STAPA_NALU_LENGTH_SIZE;
            payload.get(first..).map(nal_unit).unwrap_or_default()
        }
        FUA_NALU_TYPE => fragment(payload),
        _ => nal_unit(payload),
    }
}

fn nal_unit(unit: &[u8]) -> Payload {
    let Some(&head) = unit.first() else { return Payload::default() };
    match head & NALU_TYPE_BITMASK {
        SPS_NALU_TYPE | PPS_NALU_TYPE => Payload { starts_frame: true, key: true },
        // An IDR slice is never the first of its frame on the wire: parameter sets come first.
        IDR_SLICE => Payload { starts_frame: false, key: true },
        SLICE => Payload { starts_frame: first_macroblock(&unit[1..]), key: false },
        _ => Payload::default(),
    }
}

fn fragment(payload: &[u8]) -> Payload {
    let Some(&header) = payload.get(1) else { return Payload::default() };
    let kind = header & NALU_TYPE_BITMASK;
    let first = header & FU_START_BITMASK != 0
        && kind == SLICE
        && payload.get(FUA_HEADER_SIZE..).is_some_and(first_macroblock);
    Payload { starts_frame: first, key: kind == IDR_SLICE }
}

/// Whether a slice begins at macroblock 0: `first_mb_in_slice` is `ue(v)`, and zero is one bit set
/// (H.264 sections 7.3.3 and 9.1).
fn first_macroblock(slice_header: &[u8]) -> bool {
    slice_header.first().is_some_and(|byte| byte & 0x80 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_slice_starts_a_frame_and_a_later_one_does_not() {
        assert_eq!(inspect(&[0x61, 0x9a]), Payload { starts_frame: true, key: false });
        assert_eq!(inspect(&[0x61, 0x4a]), Payload { starts_frame: false, key: false });
    }

    #[test]
    fn parameter_sets_start_a_key_frame() {
        let aggregate = [0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68];
        assert_eq!(inspect(&aggregate), Payload { starts_frame: true, key: true });
        assert_eq!(inspect(&[0x65, 0x88]), Payload { starts_frame: false, key: true });
    }

    #[test]
    fn only_the_first_fragment_of_a_first_slice_starts_a_frame() {
        assert!(inspect(&[0x7c, 0x81, 0x9a]).starts_frame);
        assert!(!inspect(&[0x7c, 0x01, 0x9a]).starts_frame);
        assert!(!inspect(&[0x7c, 0x81, 0x1a]).starts_frame);
        assert!(inspect(&[0x7c, 0x85, 0x88]).key);
    }

    #[test]
    fn cut_off_payloads_say_nothing() {
        for payload in [&[][..], &[0x7c], &[0x78, 0], &[0x61]] {
            assert_eq!(inspect(payload), Payload::default());
        }
    }
}
