//! Reading sites, gateways, links and services.

use crate::{
    error::Rank,
    reference,
    table::{Place, Reader, Table, Value, optional},
    units::{self, shown},
};
use core::{net::Ipv4Addr, time::Duration};
use parallax_spec::{
    Access, Behaviour, Capacity, FilterScope, GatewayConfig, Ipv4Network, LinkConfig, Loss,
    PortAssignment, QueueLimit,
};

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
    let table = value.table(reader, &reference::SITE)?;
    let internet = table.get(reader, "internet").and_then(|value| value.boolean(reader))?;
    let joined = if internet { Some(joined(reader, &table)?) } else { alone(reader, &table)? };
    let network = optional(reader, &table, "network", |reader, value| {
        network(reader, value).map(|network| (network, value.place.clone()))
    });
    let external = optional(reader, &table, "external", |reader, value| {
        address(reader, value).map(|address| (address, value.place.clone()))
    });
    let (gateway, access) = joined.unzip();
    Some(SiteDraft {
        name,
        place: table.place.clone(),
        gateway: gateway.flatten(),
        access,
        network: network?,
        external: external?,
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
    let gateway = table.get(reader, "gateway").and_then(|value| gateway(reader, value));
    let up = table.get(reader, "up").and_then(|value| link(reader, value));
    let down = table.get(reader, "down").and_then(|value| link(reader, value));
    Some((gateway?, Access { up: up?, down: down? }))
}

/// Refuses what would join a site to the core that is to have no Internet.
fn alone(reader: &mut Reader, table: &Table<'_>) -> Option<Option<Joined>> {
    for key in ["gateway", "up", "down", "external"] {
        let Some(span) = table.key_span(key) else { continue };
        let place = Place { path: table.path(key), span };
        let help = format!("remove `{key}`, or `internet = false`");
        let message = "a site without Internet has nothing that joins it to the core";
        reader.refuse(Rank::Whole, &place, message, "means nothing here", help);
        return None;
    }
    Some(None)
}

const BEHAVIOURS: [(&str, Behaviour); 3] = [
    ("endpoint-independent", Behaviour::EndpointIndependent),
    ("address-dependent", Behaviour::AddressDependent),
    ("address-and-port-dependent", Behaviour::AddressAndPortDependent),
];

fn gateway(reader: &mut Reader, value: Value<'_>) -> Option<Option<GatewayConfig>> {
    if value.as_text().is_some() {
        return value.one_of(reader, &[("none", ())]).map(|()| None);
    }
    let table = value.table(reader, &reference::GATEWAY)?;
    let mapping = table.get(reader, "mapping").and_then(|value| value.one_of(reader, &BEHAVIOURS));
    let filtering =
        table.get(reader, "filtering").and_then(|value| value.one_of(reader, &BEHAVIOURS));
    let ports = [("preserving", PortAssignment::Preserving), ("random", PortAssignment::Random)];
    let ports = table.get(reader, "ports").and_then(|value| value.one_of(reader, &ports));
    let scopes =
        [("internal-endpoint", FilterScope::InternalEndpoint), ("mapping", FilterScope::Mapping)];
    let scope = table.get(reader, "filter_scope").and_then(|value| value.one_of(reader, &scopes));
    let mut flag = |key| table.get(reader, key).and_then(|value| value.boolean(reader));
    let (refresh_inbound, hairpinning) = (flag("refresh_inbound"), flag("hairpinning"));
    let mut timeout = |key| {
        let range = (Duration::from_secs(1), LONGEST_TIMEOUT);
        table.get(reader, key).and_then(|value| {
            value.unit_between(reader, units::whole_micros, range, units::format_duration)
        })
    };
    let mapping_timeout = timeout("mapping_timeout");
    let tcp_established_timeout = timeout("tcp_established_timeout");
    let tcp_transitory_timeout = timeout("tcp_transitory_timeout");
    Some(Some(GatewayConfig {
        // Assigned with the addresses of all sites.
        external: Ipv4Addr::UNSPECIFIED,
        mapping: mapping?,
        filtering: filtering?,
        filter_scope: scope?,
        ports: ports?,
        mapping_timeout: mapping_timeout?,
        refresh_inbound: refresh_inbound?,
        hairpinning: hairpinning?,
        tcp_established_timeout: tcp_established_timeout?,
        tcp_transitory_timeout: tcp_transitory_timeout?,
    }))
}

/// The longest timeout of a gateway: Linux keeps an established TCP connection for 5 days.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// The one-way delay between the core and a TURN server if the scenario has none: a server in another city.
const TURN_ONE_WAY_DELAY: Duration = Duration::from_millis(10);

/// The longest delay that is believed.
const LONGEST: Duration = Duration::from_secs(10);

fn link(reader: &mut Reader, value: Value<'_>) -> Option<LinkConfig> {
    let table = value.table(reader, &reference::LINK)?;
    let capacity = table.get(reader, "capacity").and_then(|value| capacity(reader, &value));
    let mut delay = |key| table.get(reader, key).and_then(|value| delay(reader, &value));
    let (one_way_delay, delay_variation) = (delay("one_way_delay"), delay("delay_variation"));
    let reorder = table.get(reader, "reorder").and_then(|value| value.boolean(reader));
    let loss = table.get(reader, "loss").and_then(|value| loss(reader, value));
    let queue = table.get(reader, "queue").and_then(|value| queue(reader, &value));
    Some(LinkConfig {
        capacity: capacity?,
        one_way_delay: one_way_delay?,
        delay_variation: delay_variation?,
        reorder: reorder?,
        loss: loss?,
        queue: queue?,
    })
}

/// What changes of a link: what is given.
#[derive(Clone)]
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
        let change = Self {
            capacity: optional(reader, table, "capacity", capacity)?,
            one_way_delay: optional(reader, table, "one_way_delay", delay)?,
            delay_variation: optional(reader, table, "delay_variation", delay)?,
            reorder: optional(reader, table, "reorder", |reader, value| value.boolean(reader))?,
            loss: optional(reader, table, "loss", |reader, value| loss(reader, value.clone()))?,
            queue: optional(reader, table, "queue", queue)?,
        };
        let Self { capacity, one_way_delay, delay_variation, reorder, loss, queue } = &change;
        let something = capacity.is_some()
            || one_way_delay.is_some()
            || delay_variation.is_some()
            || reorder.is_some()
            || loss.is_some()
            || queue.is_some();
        if !something {
            let help = "add what the link becomes, such as `capacity = \"1Mbit/s\"`";
            reader.refuse(
                Rank::Missing,
                &table.place,
                "the link stays as it is",
                "no change",
                help,
            );
        }
        something.then_some(change)
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

fn delay(reader: &mut Reader, value: &Value<'_>) -> Option<Duration> {
    let range = (Duration::ZERO, LONGEST);
    value.unit_between(reader, units::whole_micros, range, units::format_duration)
}

fn capacity(reader: &mut Reader, value: &Value<'_>) -> Option<Option<Capacity>> {
    if value.as_text() == Some("unlimited") {
        return Some(None);
    }
    let rate = value.unit(reader, units::bits_per_second)?;
    Some(Some(Capacity::from_bits_per_second(rate).unwrap_or(Capacity::STANDSTILL)))
}

fn loss(reader: &mut Reader, value: Value<'_>) -> Option<Loss> {
    let place = value.place.clone();
    let share = |ppb: u32| f64::from(ppb) / 1e9;
    if value.as_text().is_some() || value.bare_number().is_some() {
        return match value.unit(reader, units::share_ppb)? {
            0 => Some(Loss::None),
            ppb => Loss::independent(share(ppb)).ok(),
        };
    }
    let table = value.table(reader, &reference::LOSS)?;
    let mean = table.get(reader, "mean").and_then(|value| value.unit(reader, units::share_ppb));
    let burst =
        table.get(reader, "burst").and_then(|value| value.thousandths(reader, 1_000..=1_000_000));
    let burst = f64::from(burst?) / 1e3;
    let loss = Loss::burst(share(mean?), burst);
    if loss.is_err() {
        let highest = libm::floor(burst / (burst + 1.0) * 1000.0) / 10.0;
        let help = format!(
            "between two bursts at least one packet arrives: with bursts of {burst}, lose up to \
             {highest}%, or make them longer"
        );
        reader.refuse(
            Rank::Value,
            &place,
            "no such bursts lose so much",
            "`mean` is too high for `burst`",
            help,
        );
    }
    loss.ok()
}

fn queue(reader: &mut Reader, value: &Value<'_>) -> Option<QueueLimit> {
    let text = match value.bare_number() {
        Some(number) => number,
        None => value.text(reader)?,
    };
    if text == "unlimited" {
        return Some(QueueLimit::Unlimited);
    }
    match units::queue_kind(&text) {
        Some("duration") => {
            let range = (Duration::ZERO, Duration::from_secs(60));
            let time =
                value.unit_between(reader, units::whole_micros, range, units::format_duration);
            time.map(|limit| QueueLimit::Time { limit })
        }
        Some("bytes") => value.unit(reader, units::bytes).map(|bytes| QueueLimit::Bytes { bytes }),
        Some("packets") => {
            let range = (0, u64::from(u32::MAX));
            let packets =
                value.unit_between(reader, units::packets, range, |n| format!("{n} packets"))?;
            u32::try_from(packets).ok().map(|packets| QueueLimit::Packets { packets })
        }
        _ => {
            let message = format!("{} is not the limit of a queue", shown(&text));
            let help =
                "write a time (`200ms`), bytes (`64KiB`), packets (`50 packets`) or `unlimited`";
            reader.refuse(Rank::Value, &value.place, &message, "in what unit?", help);
            None
        }
    }
}

pub(super) fn address(reader: &mut Reader, value: &Value<'_>) -> Option<Ipv4Addr> {
    let text = value.text(reader)?;
    let address = text.parse().ok();
    if address.is_none() {
        let message = format!("{} is not an IPv4 address", shown(&text));
        reader.refuse(
            Rank::Value,
            &value.place,
            &message,
            "not an address",
            "write four numbers, such as `192.168.1.20`",
        );
    }
    address
}

fn network(reader: &mut Reader, value: &Value<'_>) -> Option<Ipv4Network> {
    let text = value.text(reader)?;
    let network = text.parse().ok();
    if network.is_none() {
        let message = format!("{} is not an IPv4 network", shown(&text));
        let help = "write its first address and its prefix, 24 to 29, such as `192.168.1.0/24`";
        reader.refuse(Rank::Value, &value.place, &message, "not a network", help);
    }
    network
}

pub(super) fn services(reader: &mut Reader, top: &Table<'_>) -> Option<ServicesDraft> {
    let Some(value) = top.get(reader, "services") else {
        let turn_one_way_delay = TURN_ONE_WAY_DELAY;
        return Some(ServicesDraft {
            stun: true,
            turn: true,
            turn_one_way_delay,
            rendezvous: true,
        });
    };
    let table = value.table(reader, &reference::SERVICES)?;
    let mut given = |key| optional(reader, &table, key, |reader, value| value.boolean(reader));
    let (stun, turn) = (given("stun"), given("turn"));
    let rendezvous = table.get(reader, "rendezvous").and_then(|value| value.boolean(reader))?;
    let (stun, turn) = (stun?, turn?);
    if !rendezvous {
        for (key, runs) in [("stun", stun), ("turn", turn)] {
            if runs != Some(true) {
                continue;
            }
            let value = table.get(reader, key)?;
            let help = format!("remove `{key} = true`, or let the rendezvous run");
            let message = "it is the rendezvous that tells peers of it, and that does not run";
            reader.refuse(Rank::Whole, &value.place, message, "nobody would use it", help);
            return None;
        }
    }
    let (stun, turn) = (stun.unwrap_or(rendezvous), turn.unwrap_or(rendezvous));
    let turn_one_way_delay = optional(reader, &table, "turn_one_way_delay", delay)?;
    if let (Some(_), false) = (turn_one_way_delay, turn) {
        let value = table.get(reader, "turn_one_way_delay")?;
        let help = "remove `turn_one_way_delay`, or let `turn` run";
        let message = "there is no TURN server";
        reader.refuse(Rank::Whole, &value.place, message, "nothing is that far away", help);
        return None;
    }
    let turn_one_way_delay = turn_one_way_delay.unwrap_or(TURN_ONE_WAY_DELAY);
    Some(ServicesDraft { stun, turn, turn_one_way_delay, rendezvous })
}
