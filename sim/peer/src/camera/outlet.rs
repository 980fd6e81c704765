//! The camera's interceptor in front of the wire: paces packets and answers NACKs. A thin one, around [`Pacer`] and
//! [`History`].

use super::{
    history::History,
    pacer::{Load, Pacer},
};
use crate::{epoch::Epoch, probe::wants_key_frame, round_trip::SharedRoundTrip};
use rtc::{
    interceptor::{Attribute, AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::{
        receiver_report::ReceiverReport,
        transport_feedbacks::transport_layer_nack::TransportLayerNack,
    },
    rtp,
    sansio::Protocol,
    shared::{TransportContext, error::Error, marshal::MarshalSize},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A path that loses more than this, of 256 packets, is full: a tenth, as for congestion control.
const MANY_LOST: u8 = 26;

/// What leaves a camera for one viewer, as its session and the interceptor know it.
#[derive(Clone)]
pub(super) struct Outlet(Arc<Mutex<State>>);

struct State {
    pacer: Pacer<TaggedPacket>,
    history: History<rtp::Packet>,
    /// Of the stream.
    ssrc: Option<u32>,
    epoch: Epoch,
    round_trip: SharedRoundTrip,
    /// A key frame can be made on request.
    live: bool,
    /// The viewer shows nothing until a key frame comes.
    broken: bool,
    /// Share of packets that the viewer's last receiver report says are lost, of 256.
    lost: u8,
}

impl Outlet {
    /// An outlet whose pacer lets `pacer_bps` go; none: no pacer.
    pub(super) fn new(pacer_bps: Option<u32>, live: bool, round_trip: SharedRoundTrip) -> Self {
        Self(Arc::new(Mutex::new(State {
            pacer: Pacer::new(pacer_bps.map(u64::from)),
            history: History::new(),
            ssrc: None,
            epoch: Epoch::default(),
            round_trip,
            live,
            broken: false,
            lost: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a frame that comes now leaves in time.
    pub(super) fn admits(&self) -> bool {
        self.state().pacer.admits()
    }

    /// Whether the viewer has asked for a key frame since the last call, and can show nothing before it.
    pub(super) fn take_broken(&self) -> bool {
        std::mem::take(&mut self.state().broken)
    }

    /// Whether the viewer's last receiver report says that many packets are lost.
    pub(super) fn loses_many(&self) -> bool {
        self.state().lost > MANY_LOST
    }

    /// What left since the last call, and how long it waited.
    pub(super) fn take_load(&self) -> Load {
        self.state().pacer.take_load()
    }

    /// The interceptor, for [`Slot::Pacer`](rtc::interceptor::Slot::Pacer).
    pub(super) fn interceptor(&self) -> impl Interceptor + 'static {
        Paces { outlet: self.clone(), inward: VecDeque::new(), outward: VecDeque::new() }
    }
}

impl State {
    fn send(&mut self, packet: TaggedPacket) {
        let Packet::Rtp(rtp) = &packet.message.packet else { return };
        let (now_ns, bits) = (self.epoch.ns(packet.now), bits(rtp));
        self.ssrc = Some(rtp.header.ssrc);
        self.history.push(now_ns, rtp.header.sequence_number, rtp.clone());
        self.pacer.push(now_ns, bits, packet);
    }

    fn answer(&mut self, now: Instant, nack: &TransportLayerNack) {
        if Some(nack.media_ssrc) != self.ssrc {
            return;
        }
        let (now_ns, round_trip_ns) = (self.epoch.ns(now), self.round_trip.get().mean_ns());
        for sequence in nack.nacks.iter().flat_map(|pair| pair.packet_list()) {
            let Some(rtp) = self.history.ask(now_ns, sequence, round_trip_ns) else { continue };
            let bits = bits(&rtp);
            let message = AttributedPacket::new(Packet::Rtp(rtp)).with(Attribute::Retransmission);
            let packet = TaggedPacket { now, transport: TransportContext::default(), message };
            if self.pacer.push_again(now_ns, bits, packet) {
                self.history.waits(sequence);
            }
        }
    }

    fn hear(&mut self, report: &ReceiverReport) {
        let of_stream = report.reports.iter().find(|block| Some(block.ssrc) == self.ssrc);
        self.lost = of_stream.map_or(self.lost, |block| block.fraction_lost);
    }

    /// The viewer asks for a key frame: what was sent before is of no use to it. A recording has its next key frame
    /// where it has it, and until then repairs may help.
    fn give_up(&mut self) {
        if self.live {
            self.broken = true;
            self.history.clear();
            self.pacer.clear_again();
        }
    }

    /// The next packet that may leave.
    fn poll(&mut self, now: Instant) -> Option<TaggedPacket> {
        let now_ns = self.epoch.ns(now);
        let mut packet = self.pacer.poll(now_ns)?;
        // Congestion control counts from here on.
        packet.now = now;
        if let Packet::Rtp(rtp) = &packet.message.packet {
            self.history.left(now_ns, rtp.header.sequence_number);
        }
        Some(packet)
    }
}

fn bits(packet: &rtp::Packet) -> u64 {
    8 * packet.marshal_size() as u64
}

struct Paces {
    outlet: Outlet,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl Paces {
    fn release(&mut self, now: Instant) {
        let mut state = self.outlet.state();
        self.outward.extend(std::iter::from_fn(|| state.poll(now)));
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Paces {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        let mut state = self.outlet.state();
        let rate = Attribute::TargetBitrateChanged { bits_per_second: 0.0 };
        if let Some(Attribute::TargetBitrateChanged { bits_per_second }) = packet.message.get(&rate)
        {
            let now_ns = state.epoch.ns(packet.now);
            // Saturates: an estimate is neither negative nor that large.
            state.pacer.set_rate(now_ns, *bits_per_second as u64);
        }
        if let Packet::Rtcp(packets) = &packet.message.packet {
            for nack in packets.iter().filter_map(|packet| packet.as_any().downcast_ref()) {
                state.answer(packet.now, nack);
            }
            for report in packets.iter().filter_map(|packet| packet.as_any().downcast_ref()) {
                state.hear(report);
            }
            if wants_key_frame(packets) {
                state.give_up();
            }
        }
        drop(state);
        self.release(packet.now);
        self.inward.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        // Feedback is of use while it is fresh: it does not wait.
        if matches!(packet.message.packet, Packet::Rtp(_)) {
            let now = packet.now;
            self.outlet.state().send(packet);
            self.release(now);
        } else {
            self.outward.push_back(packet);
        }
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.release(now);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let state = self.outlet.state();
        let due_ns = state.pacer.next_deadline()?;
        state.epoch.instant(due_ns)
    }
}

impl Interceptor for Paces {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
