//! One direction of a link: bottleneck queue, transmitter, and what happens on the way.
//!
//! A packet waits for the transmitter, is sent at the capacity, is lost or not, and propagates.
//! Only the transmitter's work and the order of arrival are kept here; what propagates is in the
//! network's agenda.

mod delay;
mod delays;
mod load;
mod loss;

use alloc::collections::VecDeque;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::{Capacity, LinkConfig, QueueLimit, Time};
pub use delays::{Durations, LinkDelays};
pub use load::LinkLoad;
use loss::LossState;

/// Billionths of a bit in a byte: work is counted in them, so that a nanosecond at a capacity of
/// one bit per second is exactly one.
const WORK_PER_BYTE: u64 = 8 * 1_000_000_000;

/// A link and its state.
#[derive(Debug)]
pub(crate) struct LinkQueue {
    config: LinkConfig,
    /// Its last capacity that was not zero: what a queue in time is as long as while the link stands still.
    moving: Option<Capacity>,
    random: ChaCha8Rng,
    loss: LossState,
    waiting: VecDeque<Waiting>,
    waiting_bytes: u64,
    sending: Option<Sending>,
    /// Changes when the transmitter's plan does, so that an outdated `Sent` is known as such.
    epoch: u32,
    last_arrival: Time,
    /// Since it was asked last; none if loads are off.
    load: Option<LinkLoad>,
    /// Since its load is kept.
    delays: LinkDelays,
}

#[derive(Debug)]
struct Waiting {
    flight: u32,
    bytes: u32,
    since: Time,
}

#[derive(Debug)]
struct Sending {
    flight: u32,
    bytes: u32,
    /// When it came.
    came: Time,
    /// When its first bit was sent.
    began: Time,
    /// Work left at `since`.
    work: u64,
    since: Time,
    /// What the transmitter could have sent beyond this packet in its last nanosecond: the next
    /// packet has it, so that rounding to nanoseconds does not add up in a row of packets.
    spare: u64,
}

/// What became of a packet that was offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// The queue was full.
    Refused,
    /// It waits.
    Waits,
    /// It is being sent until then, in this epoch.
    Starts(Time, u32),
    /// It was sent in no time.
    Sent(Crossing),
}

/// What becomes of a packet that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// It is lost.
    Lost,
    /// It arrives then.
    Arrives(Time),
}

/// A transmission that ended.
#[derive(Debug)]
pub(crate) struct Transmitted {
    pub(crate) flight: u32,
    pub(crate) crossing: Crossing,
    /// When the next one ends, and its epoch.
    pub(crate) next: Option<(Time, u32)>,
}

impl LinkQueue {
    pub(crate) fn new(config: LinkConfig, random: ChaCha8Rng) -> Self {
        Self {
            moving: config.capacity.filter(|capacity| *capacity != Capacity::STANDSTILL),
            config,
            random,
            loss: LossState::default(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            sending: None,
            epoch: 0,
            last_arrival: Time::ZERO,
            load: None,
            delays: LinkDelays::default(),
        }
    }

    /// From now on, its load is kept.
    pub(crate) fn keep_load(&mut self) {
        self.load = Some(LinkLoad::default());
    }

    /// What it did since it was asked last; nothing unless its load is kept.
    pub(crate) fn take_load(&mut self) -> LinkLoad {
        self.load.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// How long the packets took that it has carried since its load is kept.
    pub(crate) fn delays(&self) -> &LinkDelays {
        &self.delays
    }

    /// Packets waiting or in transmission.
    pub(crate) fn queued(&self) -> u64 {
        self.waiting.len() as u64 + u64::from(self.sending.is_some())
    }

    /// A packet of `bytes` on the wire wants to cross.
    pub(crate) fn offer(&mut self, now: Time, flight: u32, bytes: u32) -> Offer {
        if let Some(load) = &mut self.load {
            load.offer(bytes);
        }
        if self.sending.is_some() {
            if !self.has_room(now, bytes) {
                if let Some(load) = &mut self.load {
                    load.dropped_packets += 1;
                }
                return Offer::Refused;
            }
            self.waiting.push_back(Waiting { flight, bytes, since: now });
            self.waiting_bytes += u64::from(bytes);
            return Offer::Waits;
        }
        if self.config.capacity.is_none() {
            let crossing = self.cross(now);
            self.note([now; 3], bytes, crossing);
            return Offer::Sent(crossing);
        }
        let waiting = Waiting { flight, bytes, since: now };
        let (end, epoch) = self.begin(now, waiting, 0);
        Offer::Starts(end, epoch)
    }

    /// The transmission of `epoch` ends; `None` if it was planned anew since.
    pub(crate) fn sent(&mut self, now: Time, epoch: u32) -> Option<Transmitted> {
        if epoch != self.epoch {
            return None;
        }
        let Sending { flight, bytes, came, began, spare, .. } = self.sending.take()?;
        let crossing = self.cross(now);
        self.note([came, began, now], bytes, crossing);
        let next = self.waiting.pop_front().map(|waiting| {
            self.waiting_bytes -= u64::from(waiting.bytes);
            self.begin(now, waiting, spare)
        });
        Some(Transmitted { flight, crossing, next })
    }

    /// Takes another configuration. What is half sent stays half sent, what waits waits on even
    /// if it is beyond a new limit, what propagates arrives as it would have. Gives the new end of
    /// the transmission that goes on, if one does.
    pub(crate) fn set(&mut self, now: Time, config: LinkConfig) -> Option<(Time, u32)> {
        let left = self.work_left(now);
        if config.loss != self.config.loss {
            self.loss = LossState::default();
        }
        if config.capacity != Some(Capacity::STANDSTILL) {
            self.moving = config.capacity;
        }
        self.config = config;
        let sending = self.sending.take()?;
        Some(self.send(now, Sending { work: left, ..sending }))
    }

    /// Gives the transmitter to a packet. `spare` work of it is done.
    fn begin(&mut self, now: Time, waiting: Waiting, spare: u64) -> (Time, u32) {
        let Waiting { flight, bytes, since: came } = waiting;
        let work = (u64::from(bytes) * WORK_PER_BYTE).saturating_sub(spare);
        self.send(now, Sending { flight, bytes, came, began: now, work, since: now, spare: 0 })
    }

    /// Sends what is left of a packet, at the capacity of now.
    fn send(&mut self, now: Time, sending: Sending) -> (Time, u32) {
        let work = sending.work;
        let (end, spare) = match self.config.capacity {
            None => (now, 0),
            Some(Capacity::STANDSTILL) => (Time::NEVER, 0),
            Some(capacity) => {
                let nanos = work.div_ceil(capacity.bits_per_second());
                // At most one nanosecond's work above `work`: no overflow.
                let spare = capacity.bits_per_second() * nanos - work;
                (now + Duration::from_nanos(nanos), spare)
            }
        };
        self.sending = Some(Sending { since: now, spare, ..sending });
        self.epoch = self.epoch.wrapping_add(1);
        (end, self.epoch)
    }

    /// Work left of the packet in transmission.
    fn work_left(&self, now: Time) -> u64 {
        let (Some(sending), Some(capacity)) = (&self.sending, self.config.capacity) else {
            return 0;
        };
        let done =
            now.saturating_since(sending.since).as_nanos() * u128::from(capacity.bits_per_second());
        u64::try_from(u128::from(sending.work).saturating_sub(done)).unwrap_or(0)
    }

    fn has_room(&self, now: Time, bytes: u32) -> bool {
        match self.config.queue {
            QueueLimit::Unlimited => true,
            QueueLimit::Bytes { bytes: limit } => self.waiting_bytes + u64::from(bytes) <= limit,
            QueueLimit::Packets { packets: limit } => self.waiting.len() < limit as usize,
            QueueLimit::Time { limit } => {
                self.moving.or(self.config.capacity).is_none_or(|capacity| {
                    let ahead = u128::from(self.work_left(now))
                        + u128::from(self.waiting_bytes) * u128::from(WORK_PER_BYTE);
                    ahead <= limit.as_nanos().saturating_mul(u128::from(capacity.bits_per_second()))
                })
            }
        }
    }

    /// Takes a packet that was sent into account: when it came, began to be sent, and was sent.
    fn note(&mut self, [came, began, sent]: [Time; 3], bytes: u32, crossing: Crossing) {
        if let Some(load) = &mut self.load {
            let between = |from: Time, to: Time| to.as_nanos().saturating_sub(from.as_nanos());
            let propagation_ns = match crossing {
                Crossing::Lost => None,
                Crossing::Arrives(at) => {
                    self.delays.count(between(sent, at), between(came, at));
                    Some(between(sent, at))
                }
            };
            load.send(bytes, between(came, began), between(began, sent), propagation_ns);
        }
    }

    /// What becomes of a packet whose last bit is sent now.
    fn cross(&mut self, now: Time) -> Crossing {
        if self.loss.loses(now, self.config.loss, &mut self.random) {
            return Crossing::Lost;
        }
        let mut at = now + delay::draw(&self.config, &mut self.random);
        if !self.config.reorder {
            at = at.max(self.last_arrival);
        }
        self.last_arrival = self.last_arrival.max(at);
        Crossing::Arrives(at)
    }
}
