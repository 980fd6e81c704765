//! The way of a packet, event by event.

use super::{Control, Network, PlaceId};
use crate::{
    DropCause, Flow, HostId, LinkId, NetworkOutput, Point, SiteId, Time,
    agenda::AgendaItem,
    gateway::{Gateway, MappingChange, Notes},
    link::{Crossing, Offer},
    topology::{Reach, is_host_address, is_on_link, is_public},
};

/// The longest IPv4 packet, bytes.
const LONGEST: u32 = 65_535;

/// A way that a gateway translates.
type Translate =
    fn(&mut Gateway, crate::Time, &mut crate::Packet, &mut Notes) -> Result<(), DropCause>;

impl Network {
    pub(super) fn happen(&mut self, event: AgendaItem) {
        match event {
            AgendaItem::Enter { flight } => self.enter(flight),
            AgendaItem::Sent { link, epoch } => self.sent(link, epoch),
            AgendaItem::Arrive { link, flight } => self.arrive(link, flight),
            AgendaItem::Timer { site, timer } => {
                if let Some(gateway) = &mut self.topology.sites[site.index()].gateway {
                    gateway.timer(self.clock, timer, &mut self.notes);
                    self.tell_notes(site);
                }
            }
            AgendaItem::Control { control } => {
                let control = self.controls.remove(control);
                self.obey(control);
            }
        }
    }

    /// A host hands over a packet.
    fn enter(&mut self, number: u32) {
        if self.tapped {
            self.pass_sender(number);
        }
        let flight = &self.flights[number];
        let from = flight.from;
        let host = self.topology.host(from);
        let to = *flight.packet.destination.ip();
        let refused = if host.cut {
            Some(DropCause::HostCut)
        } else if *flight.packet.source.ip() != host.address {
            Some(DropCause::WrongSource)
        } else if flight.wire_length > LONGEST {
            Some(DropCause::TooLong)
        } else if !is_host_address(to) {
            Some(DropCause::NotAHost)
        } else {
            None
        };
        match (refused, host.lan) {
            (Some(cause), _) => self.lose(number, PlaceId::Host(from), cause),
            (None, _) if to == host.address => self.deliver(number, from),
            (None, Some(lan)) => self.offer(number, lan.outbound),
            (None, None) => match host.trunk {
                Some(trunk) => self.offer(number, trunk.outbound),
                None => self.at_core(number),
            },
        }
    }

    /// A packet comes to a link.
    fn offer(&mut self, number: u32, link: LinkId) {
        let bytes = self.flights[number].wire_length;
        let segment = &mut self.links[link.index()];
        let place = segment.place;
        let offer = segment.link.offer(self.clock, number, bytes);
        self.stir_load(place);
        match offer {
            Offer::Waits => {}
            Offer::Refused => self.lose(number, place, DropCause::QueueFull),
            Offer::Starts(end, epoch) => self.will_be_sent(link, end, epoch),
            Offer::Sent(crossing) => self.cross(number, link, crossing),
        }
    }

    /// A link's transmitter is done with a packet.
    fn sent(&mut self, link: LinkId, epoch: u32) {
        let segment = &mut self.links[link.index()];
        let place = segment.place;
        let Some(done) = segment.link.sent(self.clock, epoch) else {
            return;
        };
        self.stir_load(place);
        if let Some((end, epoch)) = done.next {
            self.will_be_sent(link, end, epoch);
        }
        self.cross(done.flight, link, done.crossing);
    }

    /// A link's transmitter will be done with a packet at `end`; never, if the link stands still.
    fn will_be_sent(&mut self, link: LinkId, end: Time, epoch: u32) {
        if end < Time::NEVER {
            self.agenda.schedule(end, AgendaItem::Sent { link, epoch });
        }
    }

    /// A packet is on a link.
    fn cross(&mut self, number: u32, link: LinkId, crossing: Crossing) {
        match crossing {
            Crossing::Lost => self.lose(number, self.links[link.index()].place, DropCause::Loss),
            Crossing::Arrives(at) => {
                self.agenda.schedule(at, AgendaItem::Arrive { link, flight: number });
            }
        }
    }

    /// A packet is at the end of a link.
    fn arrive(&mut self, link: LinkId, number: u32) {
        match self.links[link.index()].place {
            PlaceId::LanOut(host) => self.on_lan(number, host),
            PlaceId::LanIn(host) => self.at_host(number, host),
            PlaceId::Up(_) => self.at_core(number),
            PlaceId::Down(site) => self.enter_site(number, site),
            PlaceId::Host(_) | PlaceId::Gateway(_) | PlaceId::Core => {
                unreachable!("no link is there")
            }
        }
    }

    /// A packet from a host is on its site's LAN, or one from a service at the core.
    fn on_lan(&mut self, number: u32, from: HostId) {
        let host = self.topology.host(from);
        // A service has no LAN: its link ends at the core.
        let Some(lan) = host.lan else { return self.at_core(number) };
        let to = *self.flights[number].packet.destination.ip();
        if let Some(neighbour) = self.topology.site(lan.site).hosts.get(&to) {
            self.at_host(number, *neighbour);
        } else if is_on_link(host.address, to) {
            self.lose(number, PlaceId::LanOut(from), DropCause::NoSuchHost);
        } else {
            self.leave_site(number, lan.site);
        }
    }

    /// A packet is at its site's gateway, to be translated before it takes the up link.
    fn leave_site(&mut self, number: u32, id: SiteId) {
        if self.tapped && self.topology.site(id).gateway.is_some() {
            self.pass(number, Point::Inside(id), Flow::Inbound);
        }
        let site = self.topology.site(id);
        let Some(access) = site.access else {
            return self.lose(number, PlaceId::Gateway(id), DropCause::NoInternet);
        };
        let to = *self.flights[number].packet.destination.ip();
        match &site.gateway {
            Some(gateway) if gateway.external() == to => {
                if self.translate(number, id, Gateway::hairpin) {
                    self.onto_lan(number, id);
                }
            }
            Some(_) => {
                if self.translate(number, id, Gateway::outbound) {
                    if self.tapped {
                        self.pass(number, Point::Outside(id), Flow::Outbound);
                    }
                    self.offer(number, access.up);
                }
            }
            None => self.offer(number, access.up),
        }
    }

    /// A packet from the down link is at a site's gateway.
    fn enter_site(&mut self, number: u32, id: SiteId) {
        if self.tapped && self.topology.site(id).gateway.is_some() {
            self.pass(number, Point::Outside(id), Flow::Inbound);
        }
        if self.topology.site(id).gateway.is_none() || self.translate(number, id, Gateway::inbound)
        {
            self.onto_lan(number, id);
        }
    }

    /// A packet goes from the gateway to the host that it is for.
    fn onto_lan(&mut self, number: u32, site: SiteId) {
        let to = *self.flights[number].packet.destination.ip();
        let host = self.topology.site(site).hosts.get(&to).copied();
        match host.and_then(|host| self.topology.host(host).lan) {
            Some(lan) => {
                if self.tapped && self.topology.site(site).gateway.is_some() {
                    self.pass(number, Point::Inside(site), Flow::Outbound);
                }
                self.offer(number, lan.inbound);
            }
            None => self.lose(number, PlaceId::Gateway(site), DropCause::NoSuchHost),
        }
    }

    /// A packet is at the core.
    fn at_core(&mut self, number: u32) {
        let to = *self.flights[number].packet.destination.ip();
        match self.topology.core.get(&to).copied() {
            Some(Reach::Service(host)) => match self.topology.host(host).trunk {
                Some(trunk) => self.offer(number, trunk.inbound),
                None => self.at_host(number, host),
            },
            Some(Reach::Site(site)) => match self.topology.site(site).access {
                Some(access) => self.offer(number, access.down),
                None => self.lose(number, PlaceId::Core, DropCause::NoRoute),
            },
            None if is_public(to) => self.lose(number, PlaceId::Core, DropCause::NoRoute),
            None => self.lose(number, PlaceId::Core, DropCause::PrivateDestination),
        }
    }

    /// A packet reaches a host.
    fn at_host(&mut self, number: u32, host: HostId) {
        if self.topology.host(host).cut {
            self.lose(number, PlaceId::Host(host), DropCause::HostCut);
        } else {
            self.deliver(number, host);
        }
    }

    fn deliver(&mut self, number: u32, to: HostId) {
        if self.tapped {
            self.pass(number, Point::Host(to), Flow::Inbound);
        }
        let flight = self.flights.remove(number);
        self.counts.delivered += 1;
        self.outputs.push_back(NetworkOutput::Delivered {
            at: self.clock,
            sent_at: flight.sent_at,
            from: flight.from,
            to,
            packet: flight.packet,
            gateways: flight.gateways,
        });
    }

    fn lose(&mut self, number: u32, place: PlaceId, cause: DropCause) {
        let flight = self.flights.remove(number);
        *self.counts.dropped.entry((place, cause)).or_default() += 1;
        self.outputs.push_back(NetworkOutput::Dropped {
            at: self.clock,
            place: self.place(place),
            cause,
            from: flight.from,
            packet: flight.packet,
            gateways: flight.gateways,
        });
    }

    /// Lets a site's gateway translate a packet; if it does not, the packet is gone.
    fn translate(&mut self, number: u32, id: SiteId, how: Translate) -> bool {
        let Some(gateway) = &mut self.topology.sites[id.index()].gateway else {
            return true;
        };
        let flight = &mut self.flights[number];
        let fate = how(gateway, self.clock, &mut flight.packet, &mut self.notes);
        flight.gateways = flight.gateways.saturating_add(u8::from(fate.is_ok()));
        self.tell_notes(id);
        if let Err(cause) = fate {
            self.lose(number, PlaceId::Gateway(id), cause);
        }
        fate.is_ok()
    }

    /// Passes on what a gateway said.
    fn tell_notes(&mut self, site: SiteId) {
        for (at, timer) in self.notes.timers.drain(..) {
            self.agenda.schedule(at, AgendaItem::Timer { site, timer });
        }
        let (at, gateway) = (self.clock, site);
        for change in self.notes.changes.drain(..) {
            let MappingChange { created, protocol: transport, internal, external } = change;
            self.outputs.push_back(if created {
                NetworkOutput::MappingCreated { at, gateway, transport, internal, external }
            } else {
                NetworkOutput::MappingExpired { at, gateway, transport, internal, external }
            });
        }
    }

    fn obey(&mut self, control: Control) {
        match control {
            Control::SetLink(link, config) => {
                let segment = &mut self.links[link.index()];
                if let Some((end, epoch)) = segment.link.set(self.clock, config) {
                    self.will_be_sent(link, end, epoch);
                }
            }
            Control::Reboot(site) => {
                if let Some(gateway) = &mut self.topology.sites[site.index()].gateway {
                    gateway.reboot(&mut self.notes);
                    self.tell_notes(site);
                }
            }
            Control::Cut(host) => self.topology.hosts[host.index()].cut = true,
            Control::Restore(host) => self.topology.hosts[host.index()].cut = false,
        }
    }
}
