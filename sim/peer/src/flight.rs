//! Repeats of DTLS flights that were answered.
//!
//! An end of `rtc-dtls` 0.21.1 stops its retransmission timer at any handshake message, and starts it again only if that
//! message completes a flight (`handshaker.rs`, `wait`). A repeat of the flight that it has answered completes nothing
//! (RFC 6347 section 4.2.4 would have the answer sent again). So once a server's flight 4 is lost, the repeated ClientHello
//! ends the handshake for good; and so does a repeated flight 4 at a client whose flight 5 is lost. Dropped before they
//! reach the stack, repeats leave the timer running, and the answer is sent again after a second.

/// DTLS record types (RFC 6347 section 4.1, RFC 5246 section 6.2.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
/// Handshake types (RFC 5246 section 7.4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const CLIENT_KEY_EXCHANGE: u8 = 16;
/// Bytes of a record's header, before its handshake message.
const RECORD_HEADER: usize = 13;
/// Bytes of a ChannelData message's header (RFC 8656 section 12.4).
const CHANNEL_DATA_HEADER: usize = 4;

/// How far an end has come, by what its sockets sent.
#[derive(Debug, Default)]
pub(crate) enum Flights {
    /// Its role is open.
    #[default]
    Open,
    /// A client: it sent a ClientHello.
    Client,
    /// A client that sent flight 5, since it has flight 4 whole.
    ClientAnswered,
    /// A server that sent flight 4, since it has the ClientHello.
    ServerAnswered,
}

impl Flights {
    /// Notes a datagram that leaves.
    pub(crate) fn sent(&mut self, datagram: &[u8]) {
        match (&self, handshake_type(datagram)) {
            (Self::Open, Some(CLIENT_HELLO)) => *self = Self::Client,
            (Self::Client, Some(CERTIFICATE | CLIENT_KEY_EXCHANGE)) => *self = Self::ClientAnswered,
            (Self::Open, Some(SERVER_HELLO)) => *self = Self::ServerAnswered,
            _ => {}
        }
    }

    /// Whether a datagram that came is to be dropped: the repeat of a flight that was answered.
    pub(crate) fn drops(&self, datagram: &[u8]) -> bool {
        match self {
            Self::Open | Self::Client => false,
            // Flight 6 is no handshake message in the clear.
            Self::ClientAnswered => handshake_type(datagram).is_some(),
            Self::ServerAnswered => handshake_type(datagram) == Some(CLIENT_HELLO),
        }
    }
}

/// Whether a datagram is one of the handshake, by itself or in a TURN server's ChannelData.
pub(crate) fn is_handshake(datagram: &[u8]) -> bool {
    let kind = record(datagram).and_then(|record| record.first());
    matches!(kind, Some(&(HANDSHAKE | CHANGE_CIPHER_SPEC)))
}

/// The type of the first handshake message of a datagram in the clear (epoch 0), by itself or in a TURN
/// server's ChannelData.
fn handshake_type(datagram: &[u8]) -> Option<u8> {
    let record = record(datagram)?;
    let clear = record.get(3..5)? == [0, 0];
    (*record.first()? == HANDSHAKE && clear).then(|| record.get(RECORD_HEADER).copied()).flatten()
}

/// A datagram without the header of ChannelData, if it has one.
fn record(datagram: &[u8]) -> Option<&[u8]> {
    match datagram.first()? {
        0x40..=0x4f => datagram.get(CHANNEL_DATA_HEADER..),
        _ => Some(datagram),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO_VERIFY_REQUEST: u8 = 3;
    const SERVER_HELLO_DONE: u8 = 14;
    const FINISHED: u8 = 20;

    fn handshake(kind: u8, epoch: u8) -> Vec<u8> {
        let mut record = vec![HANDSHAKE, 0xfe, 0xfd, 0, epoch];
        record.extend([0; 8]);
        record.extend([kind, 0, 0, 0]);
        record
    }

    fn by_turn(payload: &[u8]) -> Vec<u8> {
        [&[0x40, 0x01, 0, 16], payload].concat()
    }

    #[test]
    fn a_server_that_sent_flight_4_takes_no_client_hello() {
        for wrap in [|it: &[u8]| it.to_vec(), by_turn] {
            let mut flights = Flights::default();
            let hello = wrap(&handshake(CLIENT_HELLO, 0));
            assert!(!flights.drops(&hello));
            flights.sent(&wrap(&handshake(HELLO_VERIFY_REQUEST, 0)));
            assert!(!flights.drops(&hello));
            flights.sent(&wrap(&handshake(SERVER_HELLO, 0)));
            assert!(flights.drops(&hello));
            // Flight 5 goes through.
            assert!(!flights.drops(&wrap(&handshake(CERTIFICATE, 0))));
            assert!(!flights.drops(&wrap(&handshake(CLIENT_KEY_EXCHANGE, 0))));
            assert!(!flights.drops(&wrap(&handshake(FINISHED, 1))));
        }
    }

    #[test]
    fn a_client_that_sent_flight_5_takes_no_flight_4() {
        for wrap in [|it: &[u8]| it.to_vec(), by_turn] {
            let mut flights = Flights::default();
            let (hello, done) = (handshake(SERVER_HELLO, 0), handshake(SERVER_HELLO_DONE, 0));
            flights.sent(&wrap(&handshake(CLIENT_HELLO, 0)));
            assert!(!flights.drops(&wrap(&hello)) && !flights.drops(&wrap(&done)));
            flights.sent(&wrap(&handshake(CERTIFICATE, 0)));
            assert!(flights.drops(&wrap(&hello)) && flights.drops(&wrap(&done)));
            // Flight 6: ChangeCipherSpec, and Finished under the new keys.
            assert!(!flights.drops(&wrap(&[20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])));
            assert!(!flights.drops(&wrap(&handshake(FINISHED, 1))));
        }
    }

    #[test]
    fn media_and_checks_are_no_handshake() {
        for wrap in [|it: &[u8]| it.to_vec(), by_turn] {
            assert!(is_handshake(&wrap(&handshake(CERTIFICATE, 0))));
            assert!(is_handshake(&wrap(&handshake(FINISHED, 1))));
            assert!(is_handshake(&wrap(&[CHANGE_CIPHER_SPEC, 0xfe, 0xfd])));
            // Application data, RTP, STUN.
            for first in [23, 0x80, 0] {
                assert!(!is_handshake(&wrap(&[first, 0xfe, 0xfd])));
            }
        }
        assert!(!is_handshake(&[]));
    }

    #[test]
    fn short_datagrams_are_no_handshake() {
        let hello = by_turn(&handshake(CLIENT_HELLO, 0));
        for length in 0..=CHANNEL_DATA_HEADER + RECORD_HEADER {
            assert_eq!(handshake_type(&hello[..length]), None);
        }
    }
}
