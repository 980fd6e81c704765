//! A network interface of Linux as a cable: a packet socket (`packet(7)`).

use super::{
    Cable, CableError, drain,
    offload::{HEADER_BYTES, NOTHING, frames},
    readable, state,
};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, getsockopt, recv,
    send, setsockopt, socket, sockopt,
};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The longest that a kernel hands over at once: many datagrams in one, 64 KiB and its headers.
const LONGEST: usize = HEADER_BYTES + 14 + 65_536;
/// What may wait to be read, bytes: a burst of key frames while the machine is busy elsewhere.
const WAITING_BYTES: usize = 4 << 20;
/// `PACKET_IGNORE_OUTGOING` of `linux/if_packet.h`.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// `ARPHRD_ETHER` of `linux/if_arp.h`.
const ETHERNET: u16 = 1;

// Each frame is to come, and goes, behind a header about what hardware is to do.
nix::setsockopt_impl!(Headers, libc::SOL_PACKET, libc::PACKET_VNET_HDR, bool, sockopt::SetBool);
nix::setsockopt_impl!(
    IgnoreOutgoing,
    libc::SOL_PACKET,
    PACKET_IGNORE_OUTGOING,
    bool,
    sockopt::SetBool
);
nix::setsockopt_impl!(
    Membership,
    libc::SOL_PACKET,
    libc::PACKET_ADD_MEMBERSHIP,
    libc::packet_mreq,
    sockopt::SetStruct<'_, libc::packet_mreq>
);
// What the kernel took and what it had no room for, since it was asked last (`PACKET_STATISTICS`).
nix::getsockopt_impl!(
    Statistics,
    libc::SOL_PACKET,
    libc::PACKET_STATISTICS,
    libc::tpacket_stats,
    sockopt::GetStruct<libc::tpacket_stats>
);

#[derive(Clone, Copy, Debug)]
struct Statistics;
#[derive(Clone, Copy, Debug)]
struct Headers;
#[derive(Clone, Copy, Debug)]
struct IgnoreOutgoing;
#[derive(Clone, Copy, Debug)]
struct Membership;

/// A network interface: what is plugged into it is the board.
///
/// It takes all frames, whatever their destination: the lab's gateway has an address of its own there. So the
/// machine's own network takes no notice of them, and its own frames are not seen.
#[derive(Debug)]
pub struct Interface {
    socket: OwnedFd,
    buffer: Mutex<Box<[u8]>>,
    lost: AtomicU64,
}

impl Interface {
    /// Opens the interface `name`.
    ///
    /// # Errors
    /// If it is not there, is down, is no Ethernet, or may not be opened.
    pub fn open(name: &str) -> Result<Self, CableError> {
        let fail = |source: io::Error| CableError::of(name, source);
        let address = match state::address(name).map_err(fail)? {
            Ok(address) => address,
            Err(there) => return Err(CableError::Missing { name: name.to_owned(), there }),
        };
        if address.hatype() != ETHERNET {
            return Err(CableError::NotEthernet { name: name.to_owned() });
        }
        if state::look(name).map_err(fail)?.link == state::LinkState::Down {
            return Err(CableError::Down { name: name.to_owned() });
        }
        let socket = open(&address).map_err(|error| fail(error.into()))?;
        let cable =
            Self { socket, buffer: Mutex::new(vec![0; LONGEST].into()), lost: AtomicU64::new(0) };
        // Until it was bound it heard every interface.
        cable.receive(Duration::ZERO, &mut |_| {}).map_err(fail)?;
        cable.lost();
        cable.lost.store(0, Ordering::Relaxed);
        Ok(cable)
    }
}

fn open(address: &LinkAddr) -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
    setsockopt(&socket, Headers, &true)?;
    setsockopt(&socket, IgnoreOutgoing, &true)?;
    // The system may allow less.
    let _ = setsockopt(&socket, sockopt::RcvBuf, &WAITING_BYTES);
    let everyone = libc::packet_mreq {
        mr_ifindex: i32::try_from(address.ifindex()).unwrap_or_default(),
        mr_type: libc::PACKET_MR_PROMISC as libc::c_ushort,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    setsockopt(&socket, Membership, &everyone)?;
    bind(socket.as_raw_fd(), address)?;
    Ok(socket)
}

impl Cable for Interface {
    fn receive(&self, patience: Duration, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        if !readable(&self.socket, patience)? {
            return Ok(());
        }
        let mut buffer = crate::lock(&self.buffer);
        drain(|| {
            let length = match recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => length,
                // A kernel before 6.2 has no header for many datagrams in one: they are lost. How many
                // they were it does not say.
                Err(nix::errno::Errno::EINVAL) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(bytes) = buffer.get_mut(..length) {
                frames(bytes, take);
            }
            Ok(())
        })
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        let bytes = [&NOTHING[..], frame].concat();
        send(self.socket.as_raw_fd(), &bytes, MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }
    fn lost(&self) -> u64 {
        // The kernel counts anew from each question. If it does not tell, nothing is added.
        if let Ok(since) = getsockopt(&self.socket, Statistics) {
            self.lost.fetch_add(since.tp_drops.into(), Ordering::Relaxed);
        }
        self.lost.load(Ordering::Relaxed)
    }
}
