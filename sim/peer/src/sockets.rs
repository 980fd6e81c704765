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

/// Puts datagrams that came to `bound`, each with its sender, where the crate reads them; what does not fit in a
/// buffer is cut off. Returns their number.
pub fn receive<P: AsRef<[u8]>>(
    received: impl IntoIterator<Item = (P, SocketAddr)>,
    bound: SocketAddr,
    buffers: &mut [IoSliceMut<'_>],
    metas: &mut [RecvMeta],
) -> usize {
    let places = buffers.iter_mut().zip(metas);
    let each = received.into_iter().zip(places).map(|((payload, from), (buffer, meta))| {
        let length = payload.as_ref().len().min(buffer.len());
        buffer[..length].copy_from_slice(&payload.as_ref()[..length]);
        *meta = RecvMeta::default();
        meta.addr = from;
        meta.len = length;
        // The crate divides by it.
        meta.stride = length.max(1);
        meta.dst_ip = Some(bound.ip());
    });
    each.count()
}
