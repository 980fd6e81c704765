//! Clock answers over the network: finer than over a console.

use crate::{
    host::{AgentClock, Net},
    protocol::{self, FromBoard},
    say::MessageWriter,
};
use parallax_console::Nonce;
use std::{
    future::poll_fn,
    io::{self, IoSliceMut},
    net::SocketAddr,
    sync::Arc,
};
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// A socket for questions; says where it is, and answers for ever. Where none is to be had the console
/// must do.
pub(crate) async fn answer<N: Net>(
    net: N,
    towards: SocketAddr,
    nonce: Nonce,
    clock: AgentClock,
    voice: Arc<MessageWriter>,
) {
    let Ok(socket) = open(&net, towards) else { return };
    let Ok(at) = socket.local_addr() else { return };
    voice.say(&FromBoard::ClockAt { port: at.port() });
    let mut buffer = [0; 64];
    loop {
        let Ok((length, from)) = receive(&*socket, &mut buffer).await else { return };
        let answer = protocol::clock_answer(nonce, &buffer[..length], || clock.now_ns());
        if let Some(answer) = answer {
            // One that is not sent is one less: another is asked for.
            let _ = send(&*socket, from, &answer).await;
        }
    }
}

fn open<N: Net>(net: &N, towards: SocketAddr) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    let none = || io::Error::from(io::ErrorKind::AddrNotAvailable);
    let address = net.addresses(towards).into_iter().next().ok_or_else(none)?;
    let socket = std::net::UdpSocket::bind((address, 0))?;
    socket.set_nonblocking(true)?;
    net.runtime().wrap_udp_socket(socket)
}

async fn receive(
    socket: &dyn AsyncUdpSocket,
    buffer: &mut [u8],
) -> io::Result<(usize, SocketAddr)> {
    let mut metas = [RecvMeta::default()];
    poll_fn(|context| {
        let mut buffers = [IoSliceMut::new(buffer)];
        socket.poll_recv(context, &mut buffers, &mut metas)
    })
    .await?;
    Ok((metas[0].len.min(buffer.len()), metas[0].addr))
}

async fn send(socket: &dyn AsyncUdpSocket, to: SocketAddr, payload: &[u8]) -> io::Result<usize> {
    let transmit = Transmit {
        destination: to,
        ecn: None,
        contents: payload,
        segment_size: None,
        src_ip: None,
    };
    poll_fn(|context| socket.poll_send(context, &transmit)).await
}
