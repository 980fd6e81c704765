//! Interceptors that only look: where in the chain a packet was, and when.
//!
//! Slots count from the wire. At [`WIRE`] a packet to send has left the pacer, and a received one
//! has not been touched. The statistics of the `webrtc` crate say nothing per frame; these do.

use crate::{
    frames::{Assembler, Piece},
    h264,
    host::Host,
    name::SessionName,
};
use parallax_record::{Event, Phase, Session};
use rtc::{
    interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::{
        payload_feedbacks::{
            full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
        },
        transport_feedbacks::transport_layer_nack::TransportLayerNack,
    },
    rtp,
    sansio::Protocol,
    shared::{error::Error, marshal::MarshalSize},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

/// Nearest to the wire.
pub(crate) const WIRE: usize = 500;

/// Sees the packets that pass a place, in both directions.
pub(crate) trait PacketObserver: Send + Sync + 'static {
    /// An RTP packet on its way in.
    fn rtp_in(&mut self, _packet: &rtp::Packet) {}
    /// An RTP packet on its way out. `again`: it was asked for by a NACK.
    fn rtp_out(&mut self, _packet: &rtp::Packet, _again: bool) {}
    /// RTCP on its way in.
    fn rtcp_in(&mut self, _packets: &[Box<dyn rtc::rtcp::Packet>]) {}
    /// RTCP on its way out.
    fn rtcp_out(&mut self, _packets: &[Box<dyn rtc::rtcp::Packet>]) {}
}

/// The interceptor around a [`PacketObserver`]: passes everything on, unchanged.
pub(crate) struct Probe<W> {
    watch: W,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl<W: PacketObserver> Probe<W> {
    pub(crate) fn new(watch: W) -> Self {
        Self { watch, inward: VecDeque::new(), outward: VecDeque::new() }
    }
}

impl<W: PacketObserver> Protocol<TaggedPacket, TaggedPacket, ()> for Probe<W> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        match &packet.message.packet {
            Packet::Rtp(rtp) => self.watch.rtp_in(rtp),
            Packet::Rtcp(rtcp) => self.watch.rtcp_in(rtcp),
            _ => {}
        }
        self.inward.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        match &packet.message.packet {
            Packet::Rtp(rtp) => {
                self.watch.rtp_out(rtp, packet.message.has(&Attribute::Retransmission));
            }
            Packet::Rtcp(rtcp) => self.watch.rtcp_out(rtcp),
            _ => {}
        }
        self.outward.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }
}

impl<W: PacketObserver> Interceptor for Probe<W> {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// At a camera's wire: frames that leave, packets sent again, requests for a key frame.
pub(crate) struct Departures<H> {
    pub(crate) host: H,
    pub(crate) name: SessionName,
    /// Counts bytes of RTP, headers and resends included.
    sent: Arc<AtomicU64>,
    /// Called when the viewer wants a key frame.
    pub(crate) key_frame_wanted: Box<dyn Fn() + Send + Sync>,
    current: Option<Departing>,
    any_rtp: bool,
    any_key_frame: bool,
}

struct Departing {
    timestamp: u32,
    first_ns: u64,
    packets: u32,
    key: bool,
}

impl<H: Host> Departures<H> {
    pub(crate) fn new(
        host: H,
        name: SessionName,
        sent: Arc<AtomicU64>,
        key_frame_wanted: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let key_frame_wanted = Box::new(key_frame_wanted);
        Self {
            host,
            name,
            sent,
            key_frame_wanted,
            current: None,
            any_rtp: false,
            any_key_frame: false,
        }
    }

    fn phase(&self, phase: Phase) {
        self.observe(|session| Event::Phase { session, phase });
    }

    fn observe(&self, of: impl FnOnce(Session) -> Event) {
        if let Some(event) = self.name.event(of) {
            self.host.observe(event);
        }
    }
}

impl<H: Host> PacketObserver for Departures<H> {
    fn rtp_out(&mut self, packet: &rtp::Packet, again: bool) {
        let rtp_timestamp = packet.header.timestamp;
        self.sent.fetch_add(packet.marshal_size() as u64, Ordering::Relaxed);
        if again {
            self.observe(|session| Event::Resent { session, rtp_timestamp });
            return;
        }
        if !std::mem::replace(&mut self.any_rtp, true) {
            self.phase(Phase::FirstRtp);
        }
        let now = self.host.now_ns();
        let frame = match &mut self.current {
            Some(frame) if frame.timestamp == rtp_timestamp => frame,
            other => other.insert(Departing {
                timestamp: rtp_timestamp,
                first_ns: now,
                packets: 0,
                key: false,
            }),
        };
        frame.packets += 1;
        frame.key |= h264::inspect(&packet.payload).key;
        if packet.header.marker {
            let (first_run_ns, packets, key) = (frame.first_ns, frame.packets, frame.key);
            self.current = None;
            self.observe(|session| Event::FramePaced {
                session,
                rtp_timestamp,
                first_run_ns,
                packets,
            });
            if key && !std::mem::replace(&mut self.any_key_frame, true) {
                self.phase(Phase::FirstKeyFrame);
            }
        }
    }

    fn rtcp_in(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        if wants_key_frame(packets) {
            (self.key_frame_wanted)();
        }
    }
}

/// Packets that came before the viewer had the track to read them from. Clones are the same.
///
/// The driver of `webrtc` 0.21.1 drops packets of a track that it has not told its handler of. What comes by a TURN server
/// it reads before it handles the event that the packet causes (`driver.rs`, `poll_reads`): over a relay, the first packet
/// of the first key frame is always lost, and with it some 70 ms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Early(Arc<Mutex<Option<Vec<Piece>>>>);

/// The most packets that are kept: of a track that is never told.
const MOST_EARLY: usize = 1_000;

impl Early {
    /// Keeps what comes from now on.
    pub(crate) fn keeping() -> Self {
        Self(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// What came so far; nothing more is kept.
    pub(crate) fn take(&self) -> Vec<Piece> {
        self.kept().take().unwrap_or_default()
    }

    fn keep(&self, piece: &Piece) {
        if let Some(kept) = self.kept().as_mut().filter(|kept| kept.len() < MOST_EARLY) {
            kept.push(piece.clone());
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Vec<Piece>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// At a viewer's wire: frames that have come whole, packets asked for again.
pub(crate) struct Arrivals<H> {
    host: H,
    session: Session,
    early: Early,
    assembler: Assembler,
    any_rtp: bool,
    any_key_frame: bool,
}

impl<H: Host> Arrivals<H> {
    pub(crate) fn new(host: H, session: Session, early: Early) -> Self {
        Self {
            host,
            session,
            early,
            assembler: Assembler::default(),
            any_rtp: false,
            any_key_frame: false,
        }
    }

    fn phase(&self, phase: Phase) {
        self.host.observe(Event::Phase { session: self.session.clone(), phase });
    }
}

impl<H: Host> PacketObserver for Arrivals<H> {
    fn rtp_in(&mut self, packet: &rtp::Packet) {
        if !std::mem::replace(&mut self.any_rtp, true) {
            self.phase(Phase::FirstRtp);
        }
        let piece = piece(packet, self.host.now_ns());
        self.early.keep(&piece);
        if let Some(frame) = self.assembler.push(piece) {
            self.host.observe(Event::FrameReceived {
                session: self.session.clone(),
                rtp_timestamp: frame.timestamp,
                first_run_ns: frame.first_ns,
                packets: u32::try_from(frame.payloads.len()).unwrap_or(u32::MAX),
            });
            if frame.key && !std::mem::replace(&mut self.any_key_frame, true) {
                self.phase(Phase::FirstKeyFrame);
            }
        }
    }

    fn rtcp_out(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let asked: usize = packets
            .iter()
            .filter_map(|packet| packet.as_any().downcast_ref::<TransportLayerNack>())
            .flat_map(|nack| &nack.nacks)
            .map(|pair| pair.packet_list().len())
            .sum();
        if asked > 0 {
            let packets = u32::try_from(asked).unwrap_or(u32::MAX);
            self.host.observe(Event::Nack { session: self.session.clone(), packets });
        }
    }
}

/// Whether RTCP asks for a key frame.
pub(crate) fn wants_key_frame(packets: &[Box<dyn rtc::rtcp::Packet>]) -> bool {
    packets
        .iter()
        .map(|packet| packet.as_any())
        .any(|packet| packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>())
}

/// What the frame assembler wants of an RTP packet.
pub(crate) fn piece(packet: &rtp::Packet, at_ns: u64) -> Piece {
    Piece {
        sequence: packet.header.sequence_number,
        timestamp: packet.header.timestamp,
        marker: packet.header.marker,
        payload: packet.payload.clone(),
        at_ns,
    }
}
