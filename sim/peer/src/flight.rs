//! Repeats of DTLS flights that were answered.
//!
//! An end of `rtc-dtls` 0.21.1 stops its retransmission timer at any handshake message, and starts it again only if that
//! message completes a flight (`handshaker.rs`, `wait`). A repeat of the flight that it has answered completes nothing
//! (RFC 6347 section 4.2.4 would have the answer sent again). So once a server's flight 4 is lost, the repeated ClientHello
//! ends the handshake for good; and so does a repeated flight 4 at a client whose flight 5 is lost. Dropped before they
//! reach the stack, repeats leave the timer running, and the answer is sent again after a second.
//!
//! The retransmission timer of `rtc-dtls` is one second, and `rtc` has no setting for it: each lost flight would delay the first
//! picture by that second. libwebrtc repeats after twice the round trip of ICE, 50 ms at least, and then after twice as long each time
//! (`DtlsTransport::ConfigureHandshakeTimeout`). The sockets here do so three times ([`Repeats`]): the very datagrams leave again.
//! What has come before is a replay to the other end (RFC 6347 section 4.1.2.6), and dropped.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

/// The first repeat of a flight comes no sooner.
const REPEAT_LEAST: Duration = Duration::from_millis(50);
/// How often a flight is repeated before the stack's own timer is left to it. What that sends is repeated likewise.
pub(crate) const REPEATS: u32 = 3;

/// How long after a flight its first repeat leaves, by the round trip of ICE.
pub(crate) fn repeat_after(round_trip_ns: u64) -> Duration {
    Duration::from_nanos(round_trip_ns.saturating_mul(2)).max(REPEAT_LEAST)
}

/// The flight that an end sent last, until the other end answers.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    number: u64,
    answered: bool,
    /// Epoch and sequence number of the newest record that came.
    newest: Option<u64>,
    /// Those of the handshake's records that came.
    seen: BTreeSet<u64>,
    flight: Vec<(Vec<u8>, SocketAddr)>,
}

impl Repeats {
    /// Notes a datagram that leaves. If a flight begins with it, gives the number of that.
    pub(crate) fn sent(&mut self, datagram: &[u8], to: SocketAddr) -> Option<u64> {
        if !is_handshake(datagram) {
            return None;
        }
        let begins = self.answered || self.flight.is_empty();
        if begins {
            self.flight.clear();
            self.number += 1;
            self.answered = false;
        }
        self.flight.push((datagram.to_vec(), to));
        begins.then_some(self.number)
    }

    /// Notes a datagram that came: any of DTLS answers that is newer than what came before. Says whether it is to be
    /// dropped: the stack has had that very record, and would drop it too, but a device spends no time on it.
    pub(crate) fn came(&mut self, datagram: &[u8]) -> bool {
        let Some([kind, _, _, number @ ..]) = record(datagram).and_then(<[u8]>::first_chunk::<11>)
        else {
            return false;
        };
        let number = u64::from_be_bytes(*number);
        if !(CHANGE_CIPHER_SPEC..=APPLICATION_DATA).contains(kind) {
            return false;
        }
        if is_handshake(datagram) && !self.seen.insert(number) {
            return true;
        }
        if self.newest < Some(number) {
            self.newest = Some(number);
            self.answered = true;
            self.flight.clear();
        }
        false
    }

    /// A flight has been repeated often enough. What the stack's own timer sends after that begins another one.
    pub(crate) fn given_up(&mut self, number: u64) {
        if number == self.number {
            self.answered = true;
        }
    }

    /// What is to leave again of a flight; nothing once it is answered, or another one has begun.
    pub(crate) fn of(&self, number: u64) -> &[(Vec<u8>, SocketAddr)] {
        if number == self.number { &self.flight } else { &[] }
    }
}

/// DTLS record types (RFC 6347 section 4.1, RFC 5246 section 6.2.1): ChangeCipherSpec, application data.
const CHANGE_CIPHER_SPEC: u8 = 20;
const APPLICATION_DATA: u8 = 23;
/// DTLS record type of handshake messages (RFC 6347 section 4.1, RFC 5246 section 6.2.1).
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
    fn a_flight_is_repeated_until_it_is_answered() {
        let to = SocketAddr::from(([192, 0, 2, 1], 9));
        for wrap in [|it: &[u8]| it.to_vec(), by_turn] {
            let mut repeats = Repeats::default();
            let (first, second) =
                (wrap(&handshake(CERTIFICATE, 0)), wrap(&handshake(CLIENT_KEY_EXCHANGE, 0)));
            assert_eq!(repeats.sent(&wrap(&[0x80; 20]), to), None, "media are no flight");
            assert_eq!(repeats.sent(&first, to), Some(1));
            assert_eq!(repeats.sent(&second, to), None);
            assert_eq!(repeats.of(1), [(first.clone(), to), (second, to)]);
            assert!(!repeats.came(&wrap(&[0x80; 20])));
            assert_eq!(repeats.of(1).len(), 2);
            assert!(!repeats.came(&wrap(&handshake(FINISHED, 1))));
            assert!(repeats.of(1).is_empty());
            assert_eq!(repeats.sent(&first, to), Some(2));
            assert!(repeats.of(1).is_empty() && repeats.of(2).len() == 1);
            assert!(repeats.came(&wrap(&handshake(FINISHED, 1))), "it is dropped");
            assert_eq!(repeats.of(2).len(), 1, "a repeat is no answer");
        }
        // All three repeats were lost, too: what the stack sends after its second is a flight of its own.
        let mut repeats = Repeats::default();
        assert_eq!(repeats.sent(&handshake(CERTIFICATE, 0), to), Some(1));
        assert_eq!(repeats.sent(&handshake(CERTIFICATE, 0), to), None);
        repeats.given_up(7);
        assert_eq!(repeats.sent(&handshake(CERTIFICATE, 0), to), None, "another flight was");
        repeats.given_up(1);
        assert_eq!(repeats.sent(&handshake(CERTIFICATE, 0), to), Some(2));
        assert_eq!((repeats.of(1).len(), repeats.of(2).len()), (0, 1));
        assert_eq!(repeat_after(10_000_000), REPEAT_LEAST);
        assert_eq!(repeat_after(80_000_000), Duration::from_millis(160));
    }

    #[test]
    fn short_datagrams_are_no_handshake() {
        let hello = by_turn(&handshake(CLIENT_HELLO, 0));
        for length in 0..=CHANNEL_DATA_HEADER + RECORD_HEADER {
            assert_eq!(handshake_type(&hello[..length]), None);
        }
    }
}
