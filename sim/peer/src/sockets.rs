//! What every host of Parallax's own answers alike when the `webrtc` crate asks for sockets: in
//! simulation, in a lab, and on a process board.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, SocketAddrV4},
};
use webrtc::runtime::{RecvMeta, Transmit};

/// The answer to whoever wants ICE over TCP: none of these hosts has it.
pub fn no_ice_tcp() -> io::Error {
    let message = "failed to open a TCP socket for ICE: this host has UDP candidates only";
    io::Error::new(io::ErrorKind::Unsupported, message)
}

/// Resolves what is an address with a port already: none of these hosts has DNS.
///
/// # Errors
/// If it is a name.
pub fn resolve(host: &str) -> io::Result<Vec<SocketAddr>> {
    host.parse().map(|address| vec![address]).map_err(|_| {
        let message = format!(
            "failed to resolve `{host}`: this host takes addresses such as 198.51.100.1:3478 only"
        );
        io::Error::new(io::ErrorKind::NotFound, message)
    })
}

/// Sends each datagram of a transmit, in order; says how many bytes that were.
///
/// # Errors
/// If it goes to an address that is not IPv4.
pub fn send(
    transmit: &Transmit<'_>,
    mut each: impl FnMut(SocketAddrV4, &[u8]),
) -> io::Result<usize> {
    let SocketAddr::V4(to) = transmit.destination else {
        return Err(io::ErrorKind::NetworkUnreachable.into());
    };
    let whole = transmit.contents.len();
    let segment = transmit.segment_size.filter(|size| *size > 0).unwrap_or(whole).max(1);
    if whole == 0 {
        each(to, &[]);
    }
    transmit.contents.chunks(segment).for_each(|datagram| each(to, datagram));
    Ok(whole)
}

/// Puts a datagram that came to `bound` where the crate reads it; what does not fit is cut off.
pub fn receive(
    payload: &[u8],
    from: SocketAddr,
    bound: SocketAddr,
    buffer: &mut IoSliceMut<'_>,
    meta: &mut RecvMeta,
) {
    let length = payload.len().min(buffer.len());
    buffer[..length].copy_from_slice(&payload[..length]);
    *meta = RecvMeta::default();
    meta.addr = from;
    meta.len = length;
    // The crate divides by it.
    meta.stride = length.max(1);
    meta.dst_ip = Some(bound.ip());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_resolved_and_names_are_not() {
        let address: SocketAddr = ([198, 51, 100, 1], 3478).into();
        assert_eq!(resolve("198.51.100.1:3478").expect("an address"), [address]);
        assert_eq!(resolve("stun.example").expect_err("a name").kind(), io::ErrorKind::NotFound);
    }
}
