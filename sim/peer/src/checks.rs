//! ICE connectivity checks of a session (RFC 8445 section 7.2), sent and answered: read
//! off the datagrams of its sockets, also those that go by way of a TURN server (RFC 8656).
//!
//! The statistics of the `webrtc` crate do not tell: 0.21.1 fills in the selected pair alone, and
//! no times.

use parallax_record::{Event, Session};
use std::{collections::BTreeMap, net::SocketAddr};

const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const ALLOCATE_SUCCESS: u16 = 0x0103;
const CHANNEL_BIND_REQUEST: u16 = 0x0009;
const SEND_INDICATION: u16 = 0x0016;
const DATA_INDICATION: u16 = 0x0017;

const USERNAME: u16 = 0x0006;
const CHANNEL_NUMBER: u16 = 0x000C;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const USE_CANDIDATE: u16 = 0x0025;

/// Whether a first byte may be that of a STUN or ChannelData message, and not of media or DTLS
/// (RFC 7983).
pub fn may_be_a_check(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| matches!(first, 0..=3 | 64..=79))
}

/// A local and a remote address; of a relayed candidate, the address at the TURN server.
pub type Addresses = (SocketAddr, SocketAddr);

/// Something to tell of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairCheck {
    /// A check was sent.
    Sent {
        /// Between these.
        pair: Addresses,
        /// Counts the told checks of this pair, from 1.
        attempt: u32,
        /// It nominates the pair (USE-CANDIDATE).
        nominates: bool,
    },
    /// One was answered.
    Answered {
        /// Between these.
        pair: Addresses,
        /// Which one.
        attempt: u32,
        /// When it was sent, nanoseconds.
        sent_ns: u64,
    },
}

impl PairCheck {
    /// In the words of the record.
    pub fn event(self, session: Session) -> Event {
        match self {
            Self::Sent { pair: (local, remote), attempt, nominates } => Event::CheckSent {
                session,
                local: local.to_string(),
                remote: remote.to_string(),
                attempt,
                nominates,
            },
            Self::Answered { pair: (local, remote), attempt, sent_ns } => Event::CheckAnswered {
                session,
                local: local.to_string(),
                remote: remote.to_string(),
                attempt,
                sent_run_ns: sent_ns,
            },
        }
    }
}

/// The checks of a session. Of each pair, all are reported up to the first that is answered, and those
/// that nominate it up to the first of them that is: what follows only keeps the pair alive.
#[derive(Debug, Default)]
pub struct Checks {
    pairs: BTreeMap<Addresses, Pair>,
    pending: BTreeMap<[u8; 12], Pending>,
    /// The address that a TURN server relays for a socket.
    relayed: BTreeMap<Addresses, SocketAddr>,
    /// The peer of a channel, by socket and server.
    channels: BTreeMap<(Addresses, u16), SocketAddr>,
    /// When the request was sent that was answered last, nanoseconds.
    answered_ns: Option<u64>,
    /// A pair without a relay has answered.
    direct: bool,
}

#[derive(Debug, Default)]
struct Pair {
    attempts: u32,
    answered: bool,
    nominated: bool,
}

#[derive(Debug)]
struct Pending {
    pair: Addresses,
    attempt: u32,
    nominates: bool,
    sent_ns: u64,
    /// It only keeps the pair alive.
    keeps_alive: bool,
}

/// Longest wait for an answer, nanoseconds.
const PENDING_NS: u64 = 10_000_000_000;

impl Checks {
    /// The socket at `from` sends a datagram at `now_ns`.
    pub fn sent(
        &mut self,
        now_ns: u64,
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Option<PairCheck> {
        if let Some((number, data)) = channel_data(datagram) {
            let peer = *self.channels.get(&((from, to), number))?;
            let pair = (self.relayed_by(from, to), peer);
            return self.request(now_ns, pair, &Stun::read(data)?);
        }
        let message = Stun::read(datagram)?;
        match message.kind {
            BINDING_REQUEST => self.request(now_ns, (from, to), &message),
            SEND_INDICATION => {
                let peer = message.address(XOR_PEER_ADDRESS)?;
                let pair = (self.relayed_by(from, to), peer);
                self.request(now_ns, pair, &Stun::read(message.attribute(DATA)?)?)
            }
            CHANNEL_BIND_REQUEST => {
                let number = message.attribute(CHANNEL_NUMBER)?.first_chunk::<2>()?;
                let peer = message.address(XOR_PEER_ADDRESS)?;
                self.channels.insert(((from, to), u16::from_be_bytes(*number)), peer);
                None
            }
            _ => None,
        }
    }

    /// A datagram comes to the socket at `to`.
    pub fn received(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Option<PairCheck> {
        if let Some((_, data)) = channel_data(datagram) {
            return self.response(&Stun::read(data)?);
        }
        let message = Stun::read(datagram)?;
        match message.kind {
            BINDING_SUCCESS => self.response(&message),
            DATA_INDICATION => self.response(&Stun::read(message.attribute(DATA)?)?),
            ALLOCATE_SUCCESS => {
                self.relayed.insert((to, from), message.address(XOR_RELAYED_ADDRESS)?);
                None
            }
            _ => None,
        }
    }

    /// When the check was sent that was answered since the last call, nanoseconds; those count, too, that only keep
    /// a pair alive, but none that took the way over a relay where there is a direct one.
    pub fn take_answered(&mut self) -> Option<u64> {
        self.answered_ns.take()
    }

    /// What `server` relays for a socket; before the server has said so, the socket itself.
    fn relayed_by(&self, socket: SocketAddr, server: SocketAddr) -> SocketAddr {
        self.relayed.get(&(socket, server)).copied().unwrap_or(socket)
    }

    /// Whether a pair goes over a TURN server of this end.
    fn is_relayed(&self, (local, remote): Addresses) -> bool {
        let by = |((_, server), relayed): (&Addresses, &SocketAddr)| {
            *relayed == local || server.ip() == remote.ip()
        };
        self.relayed.iter().any(by)
    }

    fn request(&mut self, sent_ns: u64, pair: Addresses, message: &Stun<'_>) -> Option<PairCheck> {
        // Without a user it is a question to a STUN server.
        if message.kind != BINDING_REQUEST || message.attribute(USERNAME).is_none() {
            return None;
        }
        let nominates = message.attribute(USE_CANDIDATE).is_some();
        let state = self.pairs.entry(pair).or_default();
        let keeps_alive = state.answered && (!nominates || state.nominated);
        if !keeps_alive {
            state.attempts += 1;
        }
        let attempt = state.attempts;
        self.pending.retain(|_, pending| sent_ns.saturating_sub(pending.sent_ns) < PENDING_NS);
        self.pending.insert(message.id, Pending { pair, attempt, nominates, sent_ns, keeps_alive });
        if keeps_alive {
            return None;
        }
        Some(PairCheck::Sent { pair, attempt, nominates })
    }

    fn response(&mut self, message: &Stun<'_>) -> Option<PairCheck> {
        if message.kind != BINDING_SUCCESS {
            return None;
        }
        let Pending { pair, attempt, nominates, sent_ns, keeps_alive } =
            self.pending.remove(&message.id)?;
        let relayed = self.is_relayed(pair);
        self.direct |= !relayed;
        if !(relayed && self.direct) {
            self.answered_ns = Some(sent_ns);
        }
        if keeps_alive {
            return None;
        }
        let state = self.pairs.get_mut(&pair)?;
        let news = !state.answered || (nominates && !state.nominated);
        state.answered = true;
        state.nominated |= nominates;
        news.then_some(PairCheck::Answered { pair, attempt, sent_ns })
    }
}

/// A STUN message (RFC 8489 section 5).
struct Stun<'d> {
    kind: u16,
    id: [u8; 12],
    attributes: &'d [u8],
}

impl<'d> Stun<'d> {
    /// None if it is something else, such as media.
    fn read(datagram: &'d [u8]) -> Option<Self> {
        let (head, rest) = datagram.split_first_chunk::<20>()?;
        if head[0] & 0xC0 != 0 || head[4..8] != COOKIE {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let mut id = [0; 12];
        id.copy_from_slice(&head[8..]);
        let kind = u16::from_be_bytes([head[0], head[1]]);
        Some(Self { kind, id, attributes: rest.get(..length)? })
    }

    /// The first attribute of a type.
    fn attribute(&self, wanted: u16) -> Option<&'d [u8]> {
        let mut rest = self.attributes;
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = after.get(..length)?;
            if kind == wanted {
                return Some(value);
            }
            rest = after.get(length.next_multiple_of(4)..)?;
        }
        None
    }

    /// An attribute that holds an address (RFC 8489 section 14.2).
    fn address(&self, wanted: u16) -> Option<SocketAddr> {
        let (head, ip) = self.attribute(wanted)?.split_first_chunk::<4>()?;
        let port = u16::from_be_bytes([head[2] ^ COOKIE[0], head[3] ^ COOKIE[1]]);
        let mask = COOKIE.iter().chain(&self.id);
        if head[1] == 1 {
            let mut octets = *ip.first_chunk::<4>()?;
            octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
            Some((octets, port).into())
        } else {
            let mut octets = *ip.first_chunk::<16>()?;
            octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
            Some((octets, port).into())
        }
    }
}

/// Number and contents of a ChannelData message (RFC 8656 section 12.4).
fn channel_data(datagram: &[u8]) -> Option<(u16, &[u8])> {
    let (head, rest) = datagram.split_first_chunk::<4>()?;
    let number = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    (0x4000..0x5000).contains(&number).then_some((number, rest.get(..length)?))
}

#[cfg(test)]
mod tests;
