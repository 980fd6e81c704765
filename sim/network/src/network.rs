//! The whole: hosts, links and gateways joined at the core, and the way of a packet through them.

mod build;
mod loads;
mod route;
mod tap;

use alloc::{collections::VecDeque, vec::Vec};
use core::net::Ipv4Addr;

use crate::{
    HostId, Ledger, LinkConfig, LinkId, LossError, NetworkOutput, Packet, PacketPlace, SiteId,
    Time,
    agenda::{Agenda, AgendaItem},
    gateway::Notes,
    ledger::PacketCounts,
    link::LinkQueue,
    slab::Slab,
    topology::HostTable,
};
use loads::Loads;

/// The network of a run.
///
/// A packet goes: host, LAN link, gateway (translates), up link, core, down link, gateway
/// (translates and filters), LAN link, host. Between two hosts of a site it crosses the sender's
/// LAN link alone. Services are at the core, which has no delay, or at a link of their own to it.
///
/// The driver hands over packets with [`handle`](Self::handle), takes what happened with
/// [`poll`](Self::poll), and comes back at [`next_deadline`](Self::next_deadline). Nothing
/// happens before it is polled; all that happens, happens in the order of its time, and at one
/// time in the order in which it was caused.
#[derive(Debug)]
pub struct Network {
    seed: u64,
    topology: HostTable,
    links: Vec<Segment>,
    /// Packets that are somewhere.
    flights: Slab<Flight>,
    controls: Slab<Control>,
    agenda: Agenda,
    /// The time of what happened last.
    clock: Time,
    /// What happened and was not yet told.
    outputs: VecDeque<NetworkOutput>,
    notes: Notes,
    counts: PacketCounts<PlaceId>,
    /// Whether passes of packets are reported.
    tapped: bool,
    loads: Loads,
}

/// A packet on its way.
#[derive(Debug)]
struct Flight {
    packet: Packet,
    from: HostId,
    sent_at: Time,
    wire_length: u32,
    /// How many have forwarded it.
    gateways: u8,
}

/// A link and what it joins.
#[derive(Debug)]
struct Segment {
    link: LinkQueue,
    place: PlaceId,
}

/// A place with hosts and sites by number.
type PlaceId = PacketPlace<HostId, SiteId>;

/// A change of the network, due at its time.
#[derive(Debug)]
enum Control {
    SetLink(LinkId, LinkConfig),
    Reboot(SiteId),
    Cut(HostId),
    Restore(HostId),
}

/// What a host or a control does takes effect in [`Network::poll`], at the time `now` of the call:
/// not before what is due earlier. A `now` before what was polled last counts as that.
///
/// An id of another network panics or names something else.
impl Network {
    /// A host sends a packet.
    pub fn handle(&mut self, now: Time, from: HostId, packet: Packet) {
        let sent_at = now.max(self.clock);
        let wire_length = u32::try_from(packet.wire_length()).unwrap_or(u32::MAX);
        let flight =
            self.flights.insert(Flight { packet, from, sent_at, wire_length, gateways: 0 });
        self.counts.entered += 1;
        self.agenda.schedule(sent_at, AgendaItem::Enter { flight });
    }

    /// The next thing that happened, up to and including `now`; `None` once that is all.
    ///
    /// Nothing after it has happened yet: a packet handed over at the time of an output comes
    /// before all that is later. So a service answers at the very time of a delivery.
    pub fn poll(&mut self, now: Time) -> Option<NetworkOutput> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            // What ends an interval comes before what happens at its end.
            if let Some(due) = self.loads.due()
                && due <= now
                && self.agenda.next().is_none_or(|at| due <= at)
            {
                self.tell_interval(due);
                continue;
            }
            let (at, event) = self.agenda.pop_due(now)?;
            self.clock = at;
            self.happen(event);
        }
    }

    /// When to poll again: at once (a time that has come) if there is more to tell.
    ///
    /// Gateways ask for a time now and then to look after a mapping; there may be nothing to tell
    /// at it.
    pub fn next_deadline(&self) -> Option<Time> {
        if !self.outputs.is_empty() {
            return Some(self.clock);
        }
        self.agenda.next().into_iter().chain(self.loads.due()).min()
    }

    /// The books, at the moment of the last output.
    pub fn ledger(&self) -> Ledger {
        let queued = self.links.iter().map(|segment| segment.link.queued()).sum();
        self.counts.ledger((queued, self.agenda.packets()), |place| self.place(place))
    }

    /// Gives a link another configuration. What is half sent stays half sent: the rest goes at the
    /// new capacity. What waits or propagates is not dropped; a lower delay does not let a packet
    /// overtake, unless the link reorders.
    ///
    /// # Errors
    /// If the loss cannot be; then nothing changes.
    pub fn set_link(
        &mut self,
        now: Time,
        link: LinkId,
        config: LinkConfig,
    ) -> Result<(), LossError> {
        config.loss.checked()?;
        self.control(now, Control::SetLink(link, config));
        Ok(())
    }

    /// Power off and on of a site's gateway, in no time: all mappings are lost, each with an
    /// [`NetworkOutput::MappingExpired`]. Does nothing at a site without one.
    pub fn reboot_gateway(&mut self, now: Time, site: SiteId) {
        self.control(now, Control::Reboot(site));
    }

    /// Cuts a host from the network, silently: from now on it neither sends nor receives. What it
    /// has sent goes on.
    pub fn cut(&mut self, now: Time, host: HostId) {
        self.control(now, Control::Cut(host));
    }

    /// Takes a [`cut`](Self::cut) back.
    pub fn restore(&mut self, now: Time, host: HostId) {
        self.control(now, Control::Restore(host));
    }

    /// The host or service of that name.
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        self.topology.host_named(name)
    }

    /// The site of that name.
    pub fn site_named(&self, name: &str) -> Option<SiteId> {
        self.topology.site_named(name)
    }

    /// The name of a host or service.
    pub fn host_name(&self, host: HostId) -> &str {
        &self.topology.host(host).name
    }

    /// The own address of a host or service.
    pub fn host_address(&self, host: HostId) -> Ipv4Addr {
        self.topology.host(host).address
    }

    /// The name of a site.
    pub fn site_name(&self, site: SiteId) -> &str {
        &self.topology.site(site).name
    }

    /// The link from a site to the core, unless it has no Internet.
    pub fn up_link(&self, site: SiteId) -> Option<LinkId> {
        self.topology.site(site).access.map(|access| access.up)
    }

    /// The link from the core to a site, unless it has no Internet.
    pub fn down_link(&self, site: SiteId) -> Option<LinkId> {
        self.topology.site(site).access.map(|access| access.down)
    }

    fn control(&mut self, now: Time, control: Control) {
        let control = self.controls.insert(control);
        self.agenda.schedule(now.max(self.clock), AgendaItem::Control { control });
    }

    fn place(&self, place: PlaceId) -> PacketPlace {
        let site = |id| self.topology.site(id).name.clone();
        let host = |id| self.topology.host(id).name.clone();
        match place {
            PlaceId::Host(id) => PacketPlace::Host(host(id)),
            PlaceId::LanOut(id) => PacketPlace::LanOut(host(id)),
            PlaceId::LanIn(id) => PacketPlace::LanIn(host(id)),
            PlaceId::Gateway(id) => PacketPlace::Gateway(site(id)),
            PlaceId::Up(id) => PacketPlace::Up(site(id)),
            PlaceId::Down(id) => PacketPlace::Down(site(id)),
            PlaceId::Core => PacketPlace::Core,
        }
    }
}
