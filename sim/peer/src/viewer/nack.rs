//! The viewer's interceptor that sends NACKs: a thin one, around [`Requests`].

use super::requests::Requests;
use crate::{epoch::Epoch, round_trip::SharedRoundTrip};
use parallax_spec::Nack;
use rtc::{
    interceptor::{AttributedPacket, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::transport_feedbacks::transport_layer_nack::{
        TransportLayerNack, nack_pairs_from_sequence_numbers,
    },
    sansio::Protocol,
    shared::{TransportContext, error::Error},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A session's requests, as the session and the interceptor know them.
#[derive(Clone)]
pub(super) struct Repairs(Arc<Mutex<State>>);

struct State {
    requests: Requests,
    /// Of the stream.
    ssrc: Option<u32>,
    epoch: Epoch,
    round_trip: SharedRoundTrip,
}

impl Repairs {
    pub(super) fn new(nack: Nack, round_trip: SharedRoundTrip) -> Self {
        let requests = Requests::new(nack);
        Self(Arc::new(Mutex::new(State {
            requests,
            ssrc: None,
            epoch: Epoch::default(),
            round_trip,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The jitter buffer is done with the frame of this RTP timestamp.
    pub(super) fn done(&self, timestamp: u32) {
        self.state().requests.done(timestamp);
    }

    /// The interceptor, for [`Slot::NackGenerator`](rtc::interceptor::Slot::NackGenerator).
    pub(super) fn interceptor(&self) -> impl Interceptor + 'static {
        Asks { repairs: self.clone(), inward: VecDeque::new(), outward: VecDeque::new() }
    }
}

impl State {
    /// What to send now.
    fn poll(&mut self, now: Instant) -> Option<TaggedPacket> {
        let (now_ns, answer_ns) = (self.epoch.ns(now), self.round_trip.get().answer_ns());
        let asked = self.requests.poll(now_ns, answer_ns);
        let media_ssrc = self.ssrc.filter(|_| !asked.is_empty())?;
        let nacks = nack_pairs_from_sequence_numbers(&asked);
        let nack = TransportLayerNack { sender_ssrc: 0, media_ssrc, nacks };
        let message = AttributedPacket::new(Packet::Rtcp(vec![Box::new(nack)]));
        Some(TaggedPacket { now, transport: TransportContext::default(), message })
    }
}

struct Asks {
    repairs: Repairs,
    inward: VecDeque<TaggedPacket>,
    outward: VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Asks {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtp(rtp) = &packet.message.packet {
            let mut state = self.repairs.state();
            let now_ns = state.epoch.ns(packet.now);
            let header = &rtp.header;
            state.ssrc = Some(header.ssrc);
            let answered = state.requests.handle(now_ns, header.sequence_number, header.timestamp);
            if let Some(round_trip_ns) = answered {
                state.round_trip.sample(round_trip_ns);
            }
        }
        self.inward.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inward.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outward.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outward.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        let nack = self.repairs.state().poll(now);
        self.outward.extend(nack);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let state = self.repairs.state();
        let due_ns = state.requests.next_deadline(state.round_trip.get().answer_ns())?;
        state.epoch.instant(due_ns)
    }
}

impl Interceptor for Asks {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}
