//! Loads of access links, reported interval by interval.

use core::time::Duration;

use super::{Network, PlaceId};
use crate::{LinkDelays, LinkLoad, NetworkOutput, PacketPlace, Time};

/// Times of reports on links' loads.
#[derive(Debug, Default)]
pub(super) struct Loads {
    /// Length of an interval, nanoseconds; none: loads are not reported.
    interval_ns: Option<u64>,
    /// When the interval that goes on began.
    from: Time,
    /// When it ends; none while there is nothing to tell.
    until: Option<Time>,
}

impl Loads {
    /// When there is something to tell.
    pub(super) const fn due(&self) -> Option<Time> {
        self.until
    }

    /// Whether what is at `place` has a load to tell.
    pub(super) const fn concern(&self, place: PlaceId) -> bool {
        self.interval_ns.is_some() && matches!(place, PlaceId::Up(_) | PlaceId::Down(_))
    }

    /// Something happens on a link whose load is reported.
    fn stir(&mut self, now: Time) {
        if self.until.is_none()
            && let Some(interval) = self.interval_ns
        {
            self.from = Time::from_nanos(now.as_nanos() / interval * interval);
            self.until = Some(self.from + Duration::from_nanos(interval));
        }
    }
}

impl Network {
    /// From now on, loads of the access links are reported ([`NetworkOutput::Loaded`]): at the end of each
    /// `interval` of the run's clock, links in the order of their adding, those left out on which
    /// nothing happened. What happens at the very end of an interval is in the next one. It
    /// changes nothing of what becomes of packets.
    pub fn tell_loads(&mut self, interval: Duration) {
        let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
        self.loads.interval_ns = Some(nanos.max(1));
        for segment in &mut self.links {
            if self.loads.concern(segment.place) {
                segment.link.keep_load();
            }
        }
    }

    /// Ends the interval that goes on, if one does, at `now`: for a run that ends within one. To be
    /// polled afterwards.
    ///
    /// What happened at the very start of an interval that ends with it is not told: it took no
    /// time.
    pub fn end_loads(&mut self, now: Time) {
        let now = now.max(self.clock);
        self.loads.until = self.loads.until.map(|until| until.min(now));
    }

    /// How long the packets took that each access link has carried since
    /// [`tell_loads`](Self::tell_loads), links in the order of their adding.
    pub fn delays(&self) -> impl Iterator<Item = (PacketPlace, &LinkDelays)> {
        let told = self.links.iter().filter(|segment| self.loads.concern(segment.place));
        told.map(|segment| (self.place(segment.place), segment.link.delays()))
    }

    /// Something happens on a link.
    pub(super) fn stir_load(&mut self, place: PlaceId) {
        if let PlaceId::Up(_) | PlaceId::Down(_) = place {
            self.loads.stir(self.clock);
        }
    }

    /// Tells what links did in the interval that is over.
    pub(super) fn tell_interval(&mut self, at: Time) {
        let from = self.loads.from;
        self.loads.until = None;
        self.clock = at;
        for n in 0..self.links.len() {
            let segment = &mut self.links[n];
            let (place, load) = (segment.place, segment.link.take_load());
            if load != LinkLoad::default() && from < at {
                let place = self.place(place);
                self.outputs.push_back(NetworkOutput::Loaded { at, from, place, load });
            }
        }
    }
}
