//! Datagrams between the `webrtc` crate and a host's UDP sockets.

use std::{
    io::{self, IoSliceMut},
    net::{SocketAddr, SocketAddrV4},
};
use webrtc::runtime::{RecvMeta, Transmit};

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
