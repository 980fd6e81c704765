//! Assignment of external ports to new mappings: RFC 4787 section 4.2.

use alloc::collections::BTreeMap;
use core::ops::RangeInclusive;

use rand_chacha::ChaCha8Rng;

use crate::{PortAssignment, random::below};

/// RFC 4787 REQ-3a: the "well-known" ports stay among themselves.
const LOW: RangeInclusive<u16> = 1..=1023;
/// RFC 4787 REQ-3b: and so do all others.
const HIGH: RangeInclusive<u16> = 1024..=65535;

/// The external ports of one protocol that are in use, and by which mapping.
#[derive(Debug, Default)]
pub(super) struct Ports {
    used: BTreeMap<u16, u32>,
    used_low: u32,
}

impl Ports {
    pub(super) fn holder(&self, port: u16) -> Option<u32> {
        self.used.get(&port).copied()
    }

    pub(super) fn take(&mut self, port: u16, mapping: u32) {
        let holder = self.used.insert(port, mapping);
        debug_assert!(holder.is_none(), "port {port} is overloaded");
        self.used_low += u32::from(LOW.contains(&port));
    }

    pub(super) fn free(&mut self, port: u16) {
        self.used.remove(&port);
        self.used_low -= u32::from(LOW.contains(&port));
    }

    /// How many ports of a range are free.
    fn free_in(&self, range: &RangeInclusive<u16>) -> u32 {
        let size = u32::from(range.end() - range.start()) + 1;
        let used_low = self.used_low;
        let used = if *range == LOW { used_low } else { self.used.len() as u32 - used_low };
        size - used
    }
}

/// A free external port for a mapping of an internal endpoint on port `internal`; `None` if there
/// is none.
pub(super) fn choose(
    assignment: PortAssignment,
    ports: &Ports,
    internal: u16,
    random: &mut ChaCha8Rng,
) -> Option<u16> {
    let range = match assignment {
        PortAssignment::Preserving if internal < *HIGH.start() => LOW,
        PortAssignment::Preserving | PortAssignment::Random => HIGH,
    };
    let free = ports.free_in(&range);
    if free == 0 {
        return None;
    }
    match assignment {
        PortAssignment::Preserving => from_preferred(ports, internal, &range),
        PortAssignment::Random => Some(nth_free(ports, &range, below(random, free))),
    }
}

/// The first free port at or after `preferred`: those of its parity first (RFC 4787 REQ-4), around
/// the end of the range.
fn from_preferred(ports: &Ports, preferred: u16, range: &RangeInclusive<u16>) -> Option<u16> {
    let (start, end) = (*range.start(), *range.end());
    let preferred = preferred.max(start);
    let upwards = (preferred..=end).chain(start..preferred);
    let free = |port: &u16| ports.holder(*port).is_none();
    let same = |port: &u16| port % 2 == preferred % 2;
    upwards.clone().filter(same).find(free).or_else(|| upwards.filter(|it| !same(it)).find(free))
}

/// The free port that has `n` free ones before it in the range.
fn nth_free(ports: &Ports, range: &RangeInclusive<u16>, n: u32) -> u16 {
    let mut port = u32::from(*range.start()) + n;
    for used in ports.used.range(range.clone()).map(|(used, _)| u32::from(*used)) {
        if used > port {
            break;
        }
        port += 1;
    }
    u16::try_from(port).expect("fewer than `free_in` ports are before it")
}

#[cfg(test)]
mod tests {
    use super::{HIGH, Ports, choose, nth_free};
    use crate::{PortAssignment, random::stream};

    fn ports(used: &[u16]) -> Ports {
        let mut ports = Ports::default();
        used.iter().for_each(|port| ports.take(*port, 0));
        ports
    }

    fn preserving(used: &[u16], internal: u16) -> Option<u16> {
        choose(PortAssignment::Preserving, &ports(used), internal, &mut stream(1, "gateway/x"))
    }

    #[test]
    fn preserving_takes_the_internal_port_then_the_next_of_its_parity() {
        assert_eq!(preserving(&[], 5000), Some(5000));
        assert_eq!(preserving(&[5000], 5000), Some(5002));
        assert_eq!(preserving(&[5000, 5002], 5000), Some(5004));
        assert_eq!(preserving(&[65535], 65535), Some(1025));
        assert_eq!(preserving(&[], 0), Some(1));
    }

    /// RFC 4787 REQ-3: "a) If the host's source port was in the range 0-1023, it is RECOMMENDED
    /// the NAT's source port be in the same range. If the host's source port was in the range
    /// 1024-65535, it is RECOMMENDED that the NAT's source port be in that range."
    #[test]
    fn ports_stay_in_their_range() {
        assert_eq!(preserving(&[1023], 1023), Some(1));
        let odd: Vec<u16> = (1..=1023).step_by(2).collect();
        assert_eq!(preserving(&odd, 1023), Some(2));
        let low: Vec<u16> = (1..=1023).collect();
        assert_eq!(preserving(&low, 80), None);
        assert_eq!(preserving(&low, 8080), Some(8080));
    }

    #[test]
    fn a_random_port_is_any_free_one_and_none_when_all_are_used() {
        let mut random = stream(7, "gateway/x");
        let all_but =
            |free: &[u16]| ports(&HIGH.filter(|port| !free.contains(port)).collect::<Vec<_>>());
        let two = all_but(&[2000, 60000]);
        let mut seen = [0, 0];
        for _ in 0..100 {
            match choose(PortAssignment::Random, &two, 5, &mut random) {
                Some(2000) => seen[0] += 1,
                Some(60000) => seen[1] += 1,
                other => panic!("{other:?} is not free"),
            }
        }
        assert!(seen[0] > 20 && seen[1] > 20, "{seen:?}");
        assert_eq!(choose(PortAssignment::Random, &all_but(&[]), 5, &mut random), None);
    }

    #[test]
    fn the_nth_free_port_skips_used_ones() {
        let some = ports(&[1024, 1026, 65535]);
        assert_eq!(nth_free(&some, &HIGH, 0), 1025);
        assert_eq!(nth_free(&some, &HIGH, 1), 1027);
        assert_eq!(nth_free(&some, &HIGH, some.free_in(&HIGH) - 1), 65534);
    }
}
