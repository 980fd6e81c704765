//! Quantisation parameter from slice headers, because OpenH264 does not tell it.
//! Progressive I and P slices without weighted prediction are understood; others give no number.

use crate::{
    bits::{Bits, unescape},
    nal,
    sequence::{self, Order, Sequence},
};

/// The parameter sets seen so far, as far as slice headers need them.
#[derive(Default)]
pub(crate) struct Headers {
    sequence: Option<Sequence>,
    picture: Option<PictureSet>,
}

/// From the picture parameter set (ITU-T H.264 section 7.3.2.2).
struct PictureSet {
    /// Entropy coding is CABAC.
    cabac: bool,
    order_count_present: bool,
    /// Slices have a table of weights.
    weighted: bool,
    initial_qp: i32,
}

impl Headers {
    /// The quantisation parameter of the first slice of an access unit (`SliceQPY`, equation
    /// 7-30), parameter sets on the way taken in.
    pub(crate) fn first_qp(&mut self, annex_b: &[u8]) -> Option<u8> {
        for unit in nal::units(annex_b) {
            // Slice headers are over long before 64 bytes; the rest need not be unescaped.
            let payload = unescape(&unit[..unit.len().min(64)]);
            match nal::unit_type(unit)? {
                7 => self.sequence = sequence::read(unit).ok(),
                8 => self.picture = picture_set(&payload),
                1 | 5 => return self.slice_qp(unit[0], &payload),
                _ => {}
            }
        }
        None
    }

    /// Section 7.3.3.
    fn slice_qp(&self, header: u8, payload: &[u8]) -> Option<u8> {
        let (sequence, set) = (self.sequence.as_ref()?, self.picture.as_ref()?);
        let (idr, reference) = (header & 0x1f == 5, header & 0x60 != 0);
        let mut bits = Bits::new(payload);
        bits.unsigned()?; // first_mb_in_slice
        let inter = match bits.unsigned()? % 5 {
            0 => true,
            2 => false,
            _ => return None, // B and switching slices
        };
        bits.unsigned()?; // pic_parameter_set_id
        bits.take(sequence.frame_number_bits)?;
        if idr {
            bits.unsigned()?; // idr_pic_id
        }
        let deltas = 1 + usize::from(set.order_count_present);
        let deltas = match sequence.order {
            Order::Bits(count) => {
                bits.take(count)?;
                deltas - 1
            }
            Order::Deltas { always_zero: false } => deltas,
            Order::Deltas { always_zero: true } | Order::AsDecoded => 0,
        };
        for _ in 0..deltas {
            bits.signed()?; // delta_pic_order_cnt
        }
        if inter {
            if bits.flag()? {
                bits.unsigned()?; // num_ref_idx_l0_active_minus1
            }
            if bits.flag()? {
                while bits.unsigned()? != 3 {
                    bits.unsigned()?; // one modification of the reference list
                }
            }
            if set.weighted {
                return None; // a table of weights follows
            }
        }
        if reference {
            marking(&mut bits, idr)?;
        }
        if inter && set.cabac {
            bits.unsigned()?; // cabac_init_idc
        }
        let qp = set.initial_qp.checked_add(bits.signed()?)?;
        u8::try_from(qp).ok().filter(|qp| *qp <= 51)
    }
}

/// Skips `dec_ref_pic_marking` (section 7.3.3.3).
fn marking(bits: &mut Bits<'_>, idr: bool) -> Option<()> {
    if idr {
        bits.take(2)?;
    } else if bits.flag()? {
        loop {
            match bits.unsigned()? {
                0 => break,
                3 => {
                    bits.unsigned()?;
                    bits.unsigned()?;
                }
                1 | 2 | 4 | 6 => {
                    bits.unsigned()?;
                }
                5 => {}
                _ => return None,
            }
        }
    }
    Some(())
}

/// Whether a NAL unit is a slice that may refer to later pictures: a B slice (section 7.4.3).
pub(crate) fn is_bidirectional(unit: &[u8]) -> bool {
    let kind = || {
        let payload = unescape(&unit[..unit.len().min(16)]);
        let mut bits = Bits::new(&payload);
        bits.unsigned()?; // first_mb_in_slice
        bits.unsigned()
    };
    // Of data partitions the first has the header.
    matches!(nal::unit_type(unit), Some(1 | 2)) && kind().is_some_and(|kind| kind % 5 == 1)
}

/// None if it is too short or has slice groups.
fn picture_set(payload: &[u8]) -> Option<PictureSet> {
    let mut bits = Bits::new(payload);
    bits.unsigned()?; // pic_parameter_set_id
    bits.unsigned()?; // seq_parameter_set_id
    let cabac = bits.flag()?;
    let order_count_present = bits.flag()?;
    if bits.unsigned()? != 0 {
        return None; // slice groups
    }
    bits.unsigned()?; // num_ref_idx_l0_default_active_minus1
    bits.unsigned()?; // num_ref_idx_l1_default_active_minus1
    let weighted = bits.flag()?;
    bits.take(2)?; // weighted_bipred_idc
    Some(PictureSet { cabac, order_count_present, weighted, initial_qp: 26 + bits.signed()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the range of the parameter closed to one number, that number must be read, in key
    /// frames and in those between.
    #[test]
    fn the_parameter_that_openh264_was_set_to_is_read() {
        use crate::picture::{Picture, Size};
        use openh264::encoder::{Encoder, EncoderConfig, QpRange, RateControlMode};
        use openh264::formats::YUVBuffer;

        for qp in [14, 26, 35, 51] {
            let settings = EncoderConfig::new()
                .rate_control_mode(RateControlMode::Bitrate)
                .qp(QpRange::new(qp, qp))
                .num_threads(1);
            let api = openh264::OpenH264API::from_source();
            let mut encoder = Encoder::with_api_config(api, settings).unwrap();
            let mut headers = Headers::default();
            for n in 0..20 {
                let size = Size { width: 160, height: 96 };
                let picture = Picture::test_pattern(size, n).unwrap();
                let planes = [picture.y(), picture.u(), picture.v()].concat();
                if n == 12 {
                    encoder.force_intra_frame();
                }
                let bytes = encoder.encode(&YUVBuffer::from_vec(planes, 160, 96)).unwrap().to_vec();
                let expected = if bytes.is_empty() { None } else { Some(qp) };
                assert_eq!(headers.first_qp(&bytes), expected, "frame {n}");
            }
        }
    }

    #[test]
    fn an_end_of_data_gives_no_number() {
        assert_eq!(Bits::new(&[0]).unsigned(), None);
        assert_eq!(Headers::default().first_qp(&[0, 0, 1, 0x65, 0x88]), None);
    }

    /// A NAL unit of these bits, with emulation prevention bytes.
    fn unit(header: u8, bits: &str) -> Vec<u8> {
        let byte = |bits: &[u8]| {
            let bit = |n| u8::from(bits.get(n) == Some(&b'1'));
            (0..8).fold(0, |byte, n| byte << 1 | bit(n))
        };
        let mut unit = vec![0, 0, 1, header];
        for byte in bits.as_bytes().chunks(8).map(byte) {
            if unit.ends_with(&[0, 0]) && byte <= 3 {
                unit.push(3);
            }
            unit.push(byte);
        }
        unit
    }

    /// Sums of numbers that the code can hold are more than 32 bits hold.
    #[test]
    fn a_parameter_out_of_range_gives_no_number() {
        let sequence = || Sequence {
            profile_level_id: [66, 0, 30],
            size: crate::picture::Size { width: 160, height: 96 },
            frame_number_bits: 4,
            order: Order::AsDecoded,
        };
        let qp = |set: &str, slice: &str| {
            let mut headers = Headers { sequence: Some(sequence()), picture: None };
            let set = unit(0x68, &format!("1100111000{set}1"));
            // A slice of a key frame: its first macroblock, its kind, the numbers of parameter set,
            // frame and key frame, and the marking of references.
            let slice = unit(0x65, &format!("101110000100{slice}1"));
            headers.first_qp(&[set, slice].concat())
        };
        let largest = format!("{0}1{0}", "0".repeat(31));
        // Table 9-3: 010 is 1, and 00111 is -3.
        assert_eq!(qp("010", "00111"), Some(24));
        assert_eq!(qp(&largest, "1"), None);
        assert_eq!(qp(&largest, &largest), None);
        assert_eq!(qp("010", &format!("{}1{}0", "0".repeat(31), "1".repeat(30))), None);
    }
}
