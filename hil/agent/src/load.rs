//! Processor time and memory of this process (`proc(5)`).

use std::fs;

/// Microseconds of a tick of `/proc`: `USER_HZ` is 100 on every Linux that has it.
const TICK_US: u64 = 10_000;
/// Bytes of a page where nothing else is said.
const PAGE_BYTES: u64 = 4_096;

/// Processor time since the start, microseconds, and memory resident, bytes; none where the system
/// does not tell.
pub(crate) fn of_this_process() -> Option<(u64, u64)> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let memory = fs::read_to_string("/proc/self/statm").ok()?;
    Some((cpu_us(&stat)?, resident_bytes(&memory)?))
}

/// Fields 14 and 15, user and system time; the name, field 2, may have blanks in it.
fn cpu_us(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) * TICK_US)
}

fn resident_bytes(statm: &str) -> Option<u64> {
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_blanks_and_brackets() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 90 0 0 0 12 30 0 0 20 0 1 0 5 6 7";
        assert_eq!(cpu_us(stat), Some(420_000));
        assert_eq!(resident_bytes("900 25 3 1 0 5 0"), Some(102_400));
        assert_eq!(cpu_us("nothing"), None);
    }
}
