//! Reading sites, gateways, links and services.

use crate::{
    error::Rank,
    from_value::{FromValue, fill},
    key::{H, Keys, Kind, S, flag, keys, said, thousandths, time, whole_ms, words},
    table::{Place, Reader, Table, Value},
    units::{self, shown},
};
use core::{net::Ipv4Addr, time::Duration};
use parallax_spec::{Access, Capacity, GatewayConfig, Ipv4Network, LinkConfig, Loss, QueueLimit};

/// Tables of networks and services, in the order in which they are documented.
pub(crate) const TABLES: &[&Keys] = &[&SITE, &GATEWAY, &LINK, &LOSS, &SERVICES];

keys! {
    SITE: "[site.NAME]" {
        /// Whether it is joined to the core; without, its peers reach each other alone.
        internet: flag(), default true;
        /// The gateway; without one the peers have public addresses.
        gateway: said("table, or `\"none\"`"), absent "**refused**, unless `internet = false`";
        /// The link from the site to the core.
        up: said("table"), absent "**refused**, unless `internet = false`";
        /// The link from the core to the site.
        down: said("table"), absent "**refused**, unless `internet = false`";
        /// The addresses inside. Sites behind gateways may share them.
        network: said("IPv4 network with a prefix of 24 to 29, such as `\"192.168.1.0/24\"`"), absent "`192.168.1.0/24`; with `gateway = \"none\"` `203.0.113.N/28`, in order";
        /// The address of the gateway on the core's side.
        external: said("IPv4 address"), absent "`198.51.100.N`, in order";
    }
}

const BEHAVIOUR: Kind =
    words(&["endpoint-independent", "address-dependent", "address-and-port-dependent"]);

keys! {
    GATEWAY: "gateway" {
        /// When a mapping is used again (RFC 4787 section 4.1).
        mapping: BEHAVIOUR;
        /// Which packets from outside pass (RFC 4787 section 5).
        filtering: BEHAVIOUR;
        /// Which external port a mapping gets.
        ports: words(&["preserving", "random"]), default "preserving";
        /// How long an idle UDP mapping lives (RFC 4787 REQ-5).
        mapping_timeout: time(S, 168 * H), default "300s";
        /// Whether what was sent through one mapping opens the others of its internal endpoint too (RFC 4787
        /// section 5), or that one alone (Linux).
        filter_scope: words(&["internal-endpoint", "mapping"]), default "internal-endpoint";
        /// Whether UDP packets that are let in keep a mapping alive (RFC 4787 REQ-6).
        refresh_inbound: flag(), default false;
        /// Whether hosts inside reach each other by their external addresses (RFC 4787 REQ-9).
        hairpinning: flag(), default true;
        /// How long an established TCP connection may be idle (RFC 5382 REQ-5).
        tcp_established_timeout: time(S, 168 * H), default "124min";
        /// How long a TCP connection that opens or closes may be idle (RFC 5382 REQ-5).
        tcp_transitory_timeout: time(S, 168 * H), default "4min";
    }
}

const CAPACITY: Kind = said("rate, or `\"unlimited\"`");
const DELAY: Kind = time(0, 10 * S);
const LOSSES: Kind = said("share, or table");
const QUEUE: Kind = time(0, 60 * S).and(", bytes, packets, or `\"unlimited\"`");

keys! {
    LINK: "up, down" {
        /// What the link carries; IP and transport headers count. At `"0bit/s"` it stands still: what comes waits,
        /// as far as `queue` lets; one in time is as long as at the capacity before.
        capacity: CAPACITY;
        /// Propagation, in this direction alone.
        one_way_delay: DELAY;
        /// Standard deviation of the delay that is drawn for each packet (normal, up to 4 deviations). What comes
        /// out depends on `reorder`; `links` in `summary.json` and the report state it.
        delay_variation: DELAY, default "0ms";
        /// Whether a packet with a shorter delay overtakes others. With `false` each packet waits for the slowest
        /// before it: where packets are closer together than delays vary, the mean that comes out is greater than
        /// `one_way_delay`. With `true` a draw below zero becomes 0, which raises the mean where `one_way_delay` is
        /// less than about 3 deviations.
        reorder: flag(), default false;
        /// Packets lost on the way: each by itself, or in bursts.
        loss: LOSSES, default "0%";
        /// What may wait for the transmitter: `"200ms"`, `"64KiB"`, `"50 packets"`.
        queue: QUEUE, default "200ms";
    }
}

const AS_IT_WAS: &str = "as it was";

keys! {
    CHANGE_LINK: "change_link" {
        /// Whose link.
        site: said("name of a site");
        /// Which of its links.
        direction: words(&["up", "down"]);
        /// Then the link is as it was before.
        lasts: whole_ms(1, H), absent "to the end";
        /// What is half sent goes on at the new one.
        capacity: CAPACITY, absent AS_IT_WAS;
        /// Of packets sent from now on.
        one_way_delay: DELAY, absent AS_IT_WAS;
        /// Of packets sent from now on.
        delay_variation: DELAY, absent AS_IT_WAS;
        /// Of packets sent from now on.
        reorder: flag(), absent AS_IT_WAS;
        /// `"100%"`: the link is down.
        loss: LOSSES, absent AS_IT_WAS;
        /// What waits already waits on, beyond it or not.
        queue: QUEUE, absent AS_IT_WAS;
    }
}

keys! {
    LOSS: "loss" {
        /// Packets lost over the long run.
        mean: said("share, below 100 %");
        /// Mean length of a burst, packets (Gilbert-Elliott).
        burst: thousandths(1_000, 1_000_000);
    }
}

keys! {
    SERVICES: "[services]" {
        /// A STUN server: server-reflexive candidates.
        stun: flag(), absent "`true`; without a rendezvous `false`";
        /// A TURN server: relayed candidates.
        turn: flag(), absent "`true`; without a rendezvous `false`";
        /// Propagation between the core and the TURN server, each way: how far away it stands. A relayed packet
        /// takes it twice.
        turn_one_way_delay: time(0, 10 * S), absent "`\"10ms\"`";
        /// The signalling server, where cameras register and viewers ask, and which tells them of STUN and TURN.
        /// Without one viewers ask the camera itself, at port 80 of its own address.
        rendezvous: flag(), default true;
    }
}

/// The one-way delay between the core and a TURN server if the scenario has none: a server in another city.
const TURN_ONE_WAY_DELAY: Duration = Duration::from_millis(10);

/// A site as the file gives it, its addresses perhaps still open.
pub(super) struct SiteDraft {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) gateway: Option<GatewayConfig>,
    /// None: it has no Internet.
    pub(super) access: Option<Access>,
    pub(super) network: Option<(Ipv4Network, Place)>,
    pub(super) external: Option<(Ipv4Addr, Place)>,
}

/// Which services run.
#[derive(Clone, Copy)]
pub(super) struct ServicesDraft {
    pub(super) stun: bool,
    pub(super) turn: bool,
    pub(super) turn_one_way_delay: Duration,
    pub(super) rendezvous: bool,
}

pub(super) fn read(reader: &mut Reader, sites: Vec<(String, Value<'_>)>) -> Vec<SiteDraft> {
    sites.into_iter().filter_map(|(name, value)| site(reader, name, value)).collect()
}

fn site(reader: &mut Reader, name: String, value: Value<'_>) -> Option<SiteDraft> {
    let table = value.table(reader, &SITE)?;
    let internet: bool = table.read(reader, "internet")?;
    let joined = if internet { Some(joined(reader, &table)?) } else { alone(reader, &table)? };
    let (gateway, access) = joined.unzip();
    fill!(reader, table => SiteDraft {
        network, external;
        name,
        place: table.place,
        gateway: gateway.flatten(),
        access,
    })
}

/// What joins a site to the core.
type Joined = (Option<GatewayConfig>, Access);

fn joined(reader: &mut Reader, table: &Table<'_>) -> Option<Joined> {
    for key in ["gateway", "up", "down"] {
        if !table.has(key) {
            table.refuse_absence(reader, key);
        }
    }
    let gateway = table.read(reader, "gateway");
    let access = fill!(reader, table => Access { up, down });
    Some((gateway?, access?))
}

/// Refuses what would join a site to the core that is to have no Internet.
fn alone(reader: &mut Reader, table: &Table<'_>) -> Option<Option<Joined>> {
    for key in ["gateway", "up", "down", "external"] {
        let Some(place) = table.place_of(key) else { continue };
        let help = format!("remove `{key}`, or `internet = false`");
        let message = "a site without Internet has nothing that joins it to the core";
        return reader.refuse(Rank::Whole, &place, message, "means nothing here", help);
    }
    Some(None)
}

/// None: the site has none.
impl FromValue for Option<GatewayConfig> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if value.as_text().is_some() {
            return value.one_of(reader, &["none"]).map(|_| None);
        }
        let table = value.table(reader, &GATEWAY)?;
        let gateway = fill!(reader, table => GatewayConfig {
            mapping, filtering, filter_scope, ports, mapping_timeout, refresh_inbound, hairpinning,
            tcp_established_timeout, tcp_transitory_timeout;
            // Assigned with the addresses of all sites.
            external: Ipv4Addr::UNSPECIFIED,
        });
        gateway.map(Some)
    }
}

impl FromValue for LinkConfig {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let table = value.table(reader, &LINK)?;
        fill!(reader, table => Self {
            capacity, one_way_delay, delay_variation, reorder, loss, queue
        })
    }
}

/// What changes of a link: what is given.
#[derive(Clone, Default, PartialEq)]
pub(super) struct LinkChange {
    capacity: Option<Option<Capacity>>,
    one_way_delay: Option<Duration>,
    delay_variation: Option<Duration>,
    reorder: Option<bool>,
    loss: Option<Loss>,
    queue: Option<QueueLimit>,
}

impl LinkChange {
    pub(super) fn read(reader: &mut Reader, table: &Table<'_>) -> Option<Self> {
        let change = fill!(reader, table => Self {
            capacity, one_way_delay, delay_variation, reorder, loss, queue
        })?;
        if change != Self::default() {
            return Some(change);
        }
        let help = "add what the link becomes, such as `capacity = \"1Mbit/s\"`";
        let message = "the link stays as it is";
        reader.refuse(Rank::Missing, &table.place, message, "no change", help)
    }

    /// The link that `before` becomes.
    pub(super) fn of(&self, before: &LinkConfig) -> LinkConfig {
        LinkConfig {
            capacity: self.capacity.unwrap_or(before.capacity),
            one_way_delay: self.one_way_delay.unwrap_or(before.one_way_delay),
            delay_variation: self.delay_variation.unwrap_or(before.delay_variation),
            reorder: self.reorder.unwrap_or(before.reorder),
            loss: self.loss.unwrap_or(before.loss),
            queue: self.queue.unwrap_or(before.queue),
        }
    }
}

/// None: it is unlimited.
impl FromValue for Option<Capacity> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if value.as_text() == Some("unlimited") {
            return Some(None);
        }
        let rate = value.unit(reader, units::bits_per_second)?;
        Some(Some(Capacity::from_bits_per_second(rate).unwrap_or(Capacity::STANDSTILL)))
    }
}

impl FromValue for Loss {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if value.as_text().is_some() || value.bare_number().is_some() {
            return match value.unit(reader, units::share_ppb)? {
                0 => Some(Self::None),
                ppb => Self::independent(share(ppb)).ok(),
            };
        }
        bursts(reader, value)
    }
}

fn share(ppb: u32) -> f64 {
    f64::from(ppb) / 1e9
}

fn bursts(reader: &mut Reader, value: Value<'_>) -> Option<Loss> {
    let table = value.table(reader, &LOSS)?;
    let mean = table.get(reader, "mean").and_then(|value| value.unit(reader, units::share_ppb));
    let burst: Option<u32> = table.read(reader, "burst");
    let burst = f64::from(burst?) / 1e3;
    let loss = Loss::burst(share(mean?), burst);
    if loss.is_err() {
        let highest = libm::floor(burst / (burst + 1.0) * 1000.0) / 10.0;
        let help = format!(
            "between two bursts at least one packet arrives: with bursts of {burst}, lose up to \
             {highest}%, or make them longer"
        );
        reader.note(
            Rank::Value,
            &table.place,
            "no such bursts lose so much",
            "`mean` is too high for `burst`",
            help,
        );
    }
    loss.ok()
}

impl FromValue for QueueLimit {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        let text = match value.bare_number() {
            Some(number) => number,
            None => value.text(reader)?,
        };
        if text == "unlimited" {
            return Some(Self::Unlimited);
        }
        match units::queue_kind(&text) {
            Some("duration") => {
                Duration::from_value(reader, value).map(|limit| Self::Time { limit })
            }
            Some("bytes") => value.unit(reader, units::bytes).map(|bytes| Self::Bytes { bytes }),
            Some("packets") => {
                let range = (0, u64::from(u32::MAX));
                let packets = value
                    .unit_between(reader, units::packets, range, |n| format!("{n} packets"))?;
                u32::try_from(packets).ok().map(|packets| Self::Packets { packets })
            }
            _ => {
                let message = format!("{} is not the limit of a queue", shown(&text));
                let help = "write a time (`200ms`), bytes (`64KiB`), packets (`50 packets`) or `unlimited`";
                value.refuse(reader, &message, "in what unit?", help)
            }
        }
    }
}

pub(super) fn services(reader: &mut Reader, top: &Table<'_>) -> Option<ServicesDraft> {
    let table = top.inner(reader, "services", &SERVICES)?;
    let mut given = |key| table.read::<Option<bool>>(reader, key);
    let (stun, turn) = (given("stun"), given("turn"));
    let rendezvous: bool = table.read(reader, "rendezvous")?;
    let (stun, turn) = (stun?, turn?);
    if !rendezvous {
        for (key, runs) in [("stun", stun), ("turn", turn)] {
            if runs != Some(true) {
                continue;
            }
            let value = table.get(reader, key)?;
            let help = format!("remove `{key} = true`, or let the rendezvous run");
            let message = "it is the rendezvous that tells peers of it, and that does not run";
            return reader.refuse(Rank::Whole, &value.place, message, "no peer would use it", help);
        }
    }
    let (stun, turn) = (stun.unwrap_or(rendezvous), turn.unwrap_or(rendezvous));
    let turn_one_way_delay: Option<Duration> = table.read(reader, "turn_one_way_delay")?;
    if let (Some(_), false) = (turn_one_way_delay, turn) {
        let value = table.get(reader, "turn_one_way_delay")?;
        let help = "remove `turn_one_way_delay`, or let `turn` run";
        let message = "there is no TURN server";
        return reader.refuse(Rank::Whole, &value.place, message, "nothing is that far away", help);
    }
    let turn_one_way_delay = turn_one_way_delay.unwrap_or(TURN_ONE_WAY_DELAY);
    Some(ServicesDraft { stun, turn, turn_one_way_delay, rendezvous })
}
