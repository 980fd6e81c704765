//! Headers of RTP packets, as the lab sees them on a cable: they are in the clear (RFC 3711 section 3.1). A pure core.

/// An RTP header, as far as frames are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rtp {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    /// The last packet of its frame.
    pub(crate) marker: bool,
}

impl Rtp {
    /// Reads the header of what a datagram carries, by way of a TURN server or not; none if it carries
    /// something else.
    pub(crate) fn read(datagram: &[u8]) -> Option<Self> {
        let packet = relayed(datagram).unwrap_or(datagram);
        let (head, _) = packet.split_first_chunk::<12>()?;
        // RTCP has types of its own (RFC 5761 section 4).
        if head[0] >> 6 != 2 || (192..=223).contains(&head[1]) {
            return None;
        }
        let [_, second, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0] = *head;
        Some(Self {
            ssrc: u32::from_be_bytes([i3, i2, i1, i0]),
            sequence: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            marker: second & 0x80 != 0,
        })
    }
}

/// What goes by way of a TURN server: ChannelData (RFC 8656 section 12.4), a Send or a Data indication (sections 11.1 and 11.4).
fn relayed(datagram: &[u8]) -> Option<&[u8]> {
    const INDICATIONS: [u16; 2] = [0x0016, 0x0017];
    const DATA: u16 = 0x0013;
    let (head, rest) = datagram.split_first_chunk::<4>()?;
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if (0x4000..0x5000).contains(&kind) {
        return rest.get(..length);
    }
    if !INDICATIONS.contains(&kind) {
        return None;
    }
    // Behind the cookie and the transaction.
    let mut attributes = rest.get(16..)?;
    while let Some((head, after)) = attributes.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if u16::from_be_bytes([head[0], head[1]]) == DATA {
            return after.get(..length);
        }
        attributes = after.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u16, timestamp: u32, marker: bool) -> Rtp {
        Rtp { ssrc: 7, sequence, timestamp, marker }
    }

    #[test]
    fn a_header_is_read_bare_or_as_a_turn_server_passes_it_on() {
        let rtp = [0x90, 0xE6, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3];
        let read = Some(packet(0x1234, 9, true));
        assert_eq!(Rtp::read(&rtp), read);
        let channel = [&[0x40, 0x01, 0, 15][..], &rtp, &[0]].concat();
        assert_eq!(Rtp::read(&channel), read);
        let attributes = [&[0, 0x12, 0, 1, 9, 0, 0, 0, 0, 0x13, 0, 15][..], &rtp, &[0]].concat();
        let data = [&[0, 0x17, 0, 28, 0x21, 0x12, 0xA4, 0x42][..], &[5; 12], &attributes].concat();
        assert_eq!(Rtp::read(&data), read);
        let send = [&[0, 0x16][..], &data[2..]].concat();
        assert_eq!(Rtp::read(&send), read);
        let report = [0x80, 200, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0];
        assert_eq!(Rtp::read(&report), None, "a sender report");
        let binding = [0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0];
        assert_eq!(Rtp::read(&binding), None, "STUN");
        assert_eq!(Rtp::read(&rtp[..11]), None);
    }
}
