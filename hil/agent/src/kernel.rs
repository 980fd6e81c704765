//! The board's own network: the kernel's sockets.

use crate::host::Net;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
};
use webrtc::runtime::{Runtime, TokioRuntime};

/// The kernel's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel;

impl Net for Kernel {
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime)
    }

    /// The one address that packets to `towards` leave from: the kernel says which when a socket is
    /// connected, and nothing is sent for that.
    fn addresses(&self, towards: SocketAddr) -> Vec<IpAddr> {
        let local = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
            .and_then(|socket| socket.connect(towards).and_then(|()| socket.local_addr()));
        local.map(|local| local.ip()).ok().into_iter().collect()
    }
}
