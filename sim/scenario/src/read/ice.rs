//! Reading the settings of a peer's ICE agent.

use crate::{
    reference,
    table::{Place, Reader, Table},
    units,
};
use core::time::Duration;
use parallax_spec::Ice;

/// The `ice` table of a peer; where it is not given, its defaults.
pub(super) fn read(reader: &mut Reader, peer: &Table<'_>) -> Option<Ice> {
    let table = match peer.get(reader, "ice") {
        Some(value) => value.table(reader, &reference::ICE)?,
        None => {
            let place = Place { path: peer.path("ice"), span: peer.place.span.clone() };
            Table::open(reader, &reference::ICE, place, toml::de::DeTable::new())
        }
    };
    let mut time = |key, least| {
        let range = (Duration::from_millis(least), Duration::from_secs(10));
        let value = table.get(reader, key)?;
        let time =
            value.unit_between(reader, units::whole_micros, range, units::format_duration)?;
        u64::try_from(time.as_micros()).ok()
    };
    let check_interval_us = time("check_interval", 20);
    let server_reflexive_wait_us = time("server_reflexive_wait", 0);
    let peer_reflexive_wait_us = time("peer_reflexive_wait", 0);
    let relayed_wait_us = time("relayed_wait", 0);
    Some(Ice {
        check_interval_us: check_interval_us?,
        server_reflexive_wait_us: server_reflexive_wait_us?,
        peer_reflexive_wait_us: peer_reflexive_wait_us?,
        relayed_wait_us: relayed_wait_us?,
    })
}
