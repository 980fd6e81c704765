//! Who has which address. What the file leaves open is assigned in its order, so that the same
//! file gives the same addresses.

use super::{
    peer::PeerDraft,
    site::{ServicesDraft, SiteDraft},
};
use crate::{
    error::Rank,
    scenario::Peer,
    table::{Place, Reader},
};
use core::net::Ipv4Addr;
use parallax_spec::{GatewayConfig, Ipv4Network, Services, Site};

/// Services stand in TEST-NET-1 (RFC 5737).
const SERVICES: (Ipv4Addr, u8) = (Ipv4Addr::new(192, 0, 2, 0), 24);
const RENDEZVOUS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const STUN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
const TURN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);

/// Gateways get their external addresses from TEST-NET-2.
const EXTERNAL: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 0);

/// Sites without a gateway get parts of TEST-NET-3.
const PUBLIC: (Ipv4Addr, u8) = (Ipv4Addr::new(203, 0, 113, 0), 24);
const PUBLIC_PREFIX: u8 = 28;

/// Behind a gateway, every home is the same.
const HOME: (Ipv4Addr, u8) = (Ipv4Addr::new(192, 168, 1, 0), 24);

/// Everything in its place.
pub(super) struct Placed {
    pub(super) sites: Vec<Site>,
    pub(super) peers: Vec<Peer>,
    pub(super) services: Services,
}

pub(super) fn assign(
    reader: &mut Reader,
    sites: Vec<SiteDraft>,
    peers: &[PeerDraft],
    services: ServicesDraft,
) -> Option<Placed> {
    let sites = place_sites(reader, &sites)?;
    let peers = place_peers(reader, &sites, peers)?;
    let services = Services {
        stun: services.stun.then_some(STUN),
        turn: services.turn.then_some(TURN),
        turn_one_way_delay: services.turn_one_way_delay,
        rendezvous: services.rendezvous.then_some(RENDEZVOUS),
    };
    Some(Placed { sites, peers, services })
}

/// Something that stands on the core's side: a range of one address or more, and where it is told.
struct Public {
    range: (u32, u32),
    owner: String,
    place: Option<Place>,
}

fn range(network: Ipv4Network) -> (u32, u32) {
    let first = network.address().to_bits();
    (first, first | (u32::MAX >> network.prefix()))
}

fn place_sites(reader: &mut Reader, drafts: &[SiteDraft]) -> Option<Vec<Site>> {
    let services = Ipv4Network::new(SERVICES.0, SERVICES.1)?;
    let mut taken =
        vec![Public { range: range(services), owner: "the services".into(), place: None }];
    for draft in drafts {
        claim(reader, &mut taken, draft)?;
    }
    let mut placed = Vec::new();
    for draft in drafts {
        let network = match (&draft.network, &draft.gateway) {
            (Some((network, _)), _) => *network,
            (None, Some(_)) => Ipv4Network::new(HOME.0, HOME.1)?,
            (None, None) if draft.access.is_none() => Ipv4Network::new(HOME.0, HOME.1)?,
            (None, None) => free_network(reader, &mut taken, draft)?,
        };
        let gateway = match &draft.gateway {
            Some(gateway) => {
                let external = match &draft.external {
                    Some((address, _)) => *address,
                    None => free_external(&mut taken, draft)?,
                };
                Some(GatewayConfig { external, ..gateway.clone() })
            }
            None => None,
        };
        let (up, down) = draft.access.clone().map(|links| (links.up, links.down)).unzip();
        placed.push(Site { name: draft.name.clone(), network, gateway, up, down });
    }
    Some(placed)
}

/// Takes the public addresses that a site asks for.
fn claim(reader: &mut Reader, taken: &mut Vec<Public>, draft: &SiteDraft) -> Option<()> {
    if let Some((network, place)) = &draft.network {
        let private = private(network.address()) && private(Ipv4Addr::from_bits(range(*network).1));
        let inside = draft.gateway.is_some() || draft.access.is_none();
        if inside && !private {
            let help =
                "use 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918), or 100.64.0.0/10";
            let message = if draft.gateway.is_some() {
                "the addresses behind a gateway are private ones"
            } else {
                "the addresses of a site without Internet are private ones"
            };
            return reader.refuse(Rank::Whole, place, message, "public", help);
        }
        if !inside {
            public(reader, place, *network)?;
            take(reader, taken, range(*network), draft, place)?;
        }
    }
    let Some((address, place)) = &draft.external else { return Some(()) };
    if draft.gateway.is_none() {
        let help = "remove it: the peers of this site have public addresses themselves";
        return reader.refuse(
            Rank::Whole,
            place,
            "a site without a gateway has no external address",
            "means nothing here",
            help,
        );
    }
    if !routed(*address) {
        let help = "write a public address, such as `198.51.100.7`";
        return reader.refuse(
            Rank::Whole,
            place,
            "the external address of a gateway is a public one",
            "not public",
            help,
        );
    }
    take(reader, taken, (address.to_bits(), address.to_bits()), draft, place)
}

fn public(reader: &mut Reader, place: &Place, network: Ipv4Network) -> Option<()> {
    let (first, last) = range(network);
    if routed(Ipv4Addr::from_bits(first)) && routed(Ipv4Addr::from_bits(last)) {
        return Some(());
    }
    let help = "write public addresses, such as `203.0.113.0/28`, or give the site a gateway";
    reader.refuse(
        Rank::Whole,
        place,
        "without a gateway, the addresses are public ones",
        "not public",
        help,
    )
}

fn take(
    reader: &mut Reader,
    taken: &mut Vec<Public>,
    range: (u32, u32),
    draft: &SiteDraft,
    place: &Place,
) -> Option<()> {
    if let Some(other) =
        taken.iter().find(|other| other.range.0 <= range.1 && range.0 <= other.range.1)
    {
        let message = format!("{} stands there already", other.owner);
        return reader.refuse_again(place, &message, "taken", other.place.as_ref());
    }
    let owner = format!("the site `{}`", draft.name);
    taken.push(Public { range, owner, place: Some(place.clone()) });
    Some(())
}

fn free(taken: &[Public], range: (u32, u32)) -> bool {
    taken.iter().all(|other| range.1 < other.range.0 || other.range.1 < range.0)
}

fn free_network(
    reader: &mut Reader,
    taken: &mut Vec<Public>,
    draft: &SiteDraft,
) -> Option<Ipv4Network> {
    let step = 1 << (32 - PUBLIC_PREFIX);
    let (first, last) = range(Ipv4Network::new(PUBLIC.0, PUBLIC.1)?);
    let networks = (first..=last).step_by(step);
    let mut networks =
        networks.filter_map(|first| Ipv4Network::new(Ipv4Addr::from_bits(first), PUBLIC_PREFIX));
    let Some(network) = networks.find(|network| free(taken, range(*network))) else {
        let help = "give this site its `network`";
        return reader.refuse(
            Rank::Whole,
            &draft.place,
            "there are no public addresses left to assign",
            "none left",
            help,
        );
    };
    taken.push(Public {
        range: range(network),
        owner: format!("the site `{}`", draft.name),
        place: None,
    });
    Some(network)
}

fn free_external(taken: &mut Vec<Public>, draft: &SiteDraft) -> Option<Ipv4Addr> {
    // There are more of them than a scenario has sites, so one is free unless a site without a
    // gateway took the whole range; then the ranges above it are as good.
    let mut addresses = EXTERNAL.to_bits() + 1..=u32::MAX;
    let address = addresses.find(|address| free(taken, (*address, *address)))?;
    taken.push(Public {
        range: (address, address),
        owner: format!("the site `{}`", draft.name),
        place: None,
    });
    Some(Ipv4Addr::from_bits(address))
}

fn place_peers(reader: &mut Reader, sites: &[Site], drafts: &[PeerDraft]) -> Option<Vec<Peer>> {
    let mut taken: Vec<(&str, Ipv4Addr, &Place)> = Vec::new();
    for draft in drafts {
        let site = find_site(reader, sites, draft)?;
        let Some((address, place)) = &draft.address else { continue };
        inside(reader, site, *address, place)?;
        let same = taken.iter().find(|(name, other, _)| *name == site.name && other == address);
        if let Some((_, _, first)) = same {
            let message =
                format!("two peers of the site `{}` have the address {address}", site.name);
            return reader.refuse_again(place, &message, "the same again", Some(first));
        }
        taken.push((&site.name, *address, place));
    }
    let mut placed = Vec::new();
    for draft in drafts {
        let site = find_site(reader, sites, draft)?;
        let is_free = |address: &Ipv4Addr| {
            !taken.iter().any(|(name, other, _)| *name == site.name && other == address)
        };
        let address = draft.address.as_ref().map(|(address, _)| *address);
        let Some(address) = address.or_else(|| site.network.hosts().find(is_free)) else {
            let message = format!("the site `{}` has no address left", site.name);
            return reader.refuse(
                Rank::Whole,
                &draft.place,
                &message,
                "no address",
                "give the site a larger `network`",
            );
        };
        taken.push((&site.name, address, &draft.place));
        placed.push(Peer {
            name: draft.name.clone(),
            site: site.name.clone(),
            address,
            profile: draft.profile.clone(),
            ice: draft.ice,
            camera: draft.camera.clone(),
            viewer: draft.viewer.clone(),
        });
    }
    Some(placed)
}

fn find_site<'s>(reader: &mut Reader, sites: &'s [Site], draft: &PeerDraft) -> Option<&'s Site> {
    let (name, place) = &draft.site;
    let names = sites.iter().map(|site| site.name.as_str());
    let found = sites.iter().find(|site| site.name == *name);
    found.or_else(|| reader.refuse_name(place, "site", name, names))
}

fn inside(reader: &mut Reader, site: &Site, address: Ipv4Addr, place: &Place) -> Option<()> {
    let network = site.network;
    if network.has_host(address) {
        return Some(());
    }
    let first = network.hosts().next()?;
    let help = format!("write one such as `{first}`, or none: it is assigned then");
    let message = if address == network.gateway() && network.contains(address) {
        format!("{address} is the gateway's address")
    } else if network.contains(address) {
        format!("{address} is no address of a host in {network}")
    } else {
        format!("{address} is outside {network}, the network of the site `{}`", site.name)
    };
    reader.refuse(Rank::Whole, place, &message, "not for a peer", help)
}

/// Private (RFC 1918) or shared by a carrier's subscribers (RFC 6598).
fn private(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private() || (first == 100 && (64..128).contains(&second))
}

/// Whether the core carries packets to it.
fn routed(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    !(private(address)
        || address.is_loopback()
        || address.is_link_local()
        || first == 0
        || first >= 224)
}
