//! NTP at a board's gateway (RFC 5905): the time of the lab's machine.

use core::time::Duration;

const MESSAGE_BYTES: usize = 48;
const CLIENT: u8 = 3;
const SERVER: u8 = 4;
/// From 1900 to 1970, seconds.
const TO_UNIX_S: u64 = 2_208_988_800;
/// Far from a reference clock: the lab does not know how well its machine's clock is set.
const STRATUM: u8 = 10;
/// A microsecond, as a power of two.
const PRECISION: u8 = 0xec;
/// One second, in 16 and 16 bits: what the time is said to be worth.
const ROOT_DISPERSION: [u8; 4] = [0, 1, 0, 0];

/// The response to a client's message at `utc`, the time since 1970; none: it is no client's.
pub(super) fn answer(message: &[u8], utc: Duration) -> Option<Vec<u8>> {
    let message = message.first_chunk::<MESSAGE_BYTES>()?;
    let (version, mode) = (message[0] >> 3 & 7, message[0] & 7);
    if mode != CLIENT || !(1..=4).contains(&version) {
        return None;
    }
    let seconds = utc.as_secs().wrapping_add(TO_UNIX_S) << 32;
    let fraction = (u64::from(utc.subsec_nanos()) << 32) / 1_000_000_000;
    let now = (seconds | fraction).to_be_bytes();
    let mut response = vec![version << 3 | SERVER, STRATUM, message[2], PRECISION];
    // No delay to a reference clock, since there is none: the machine's clock is the reference.
    response.extend([0; 4]);
    response.extend(ROOT_DISPERSION);
    response.extend(b"LOCL");
    response.extend(now);
    // The client's time of sending, by which it knows its response.
    response.extend(&message[40..]);
    response.extend(now);
    response.extend(now);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5905_7_3_a_client_gets_the_time_and_what_it_is_worth() {
        let mut message = [0; MESSAGE_BYTES];
        message[0] = 4 << 3 | CLIENT;
        message[2] = 6;
        message[40..].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let utc = Duration::new(1_700_000_000, 500_000_000);
        let response = answer(&message, utc).expect("a client's");
        assert_eq!(response.len(), MESSAGE_BYTES);
        assert_eq!(response[..4], [4 << 3 | SERVER, STRATUM, 6, PRECISION]);
        assert_eq!(response[24..32], message[40..]);
        let time = u64::from_be_bytes(*response.last_chunk().expect("it is long enough"));
        assert_eq!(((time >> 32) - TO_UNIX_S, time & 0xffff_ffff), (1_700_000_000, 1 << 31));
    }

    #[test]
    fn a_servers_message_or_a_short_one_gets_no_response() {
        let mut message = [0; MESSAGE_BYTES];
        message[0] = 4 << 3 | SERVER;
        assert_eq!(answer(&message, Duration::ZERO), None, "two servers would answer for ever");
        message[0] = 4 << 3 | CLIENT;
        assert_eq!(answer(&message[..MESSAGE_BYTES - 1], Duration::ZERO), None);
    }
}
