//! RFC 7857, "Updates to NAT Behavioral Requirements", section 2: TCP, where the model reaches.

use core::time::Duration;

use parallax_network::{GatewayConfig, NetworkOutput, Protocol};

use crate::support::{Bench, endpoint};

const HOST: &str = "192.168.1.10:5000";
const SERVICE: &str = "198.51.100.1:443";
const MINUTE: Duration = Duration::from_secs(60);

fn expired(outputs: &[NetworkOutput]) -> bool {
    outputs
        .iter()
        .any(|it| matches!(it, NetworkOutput::MappingExpired { transport: Protocol::Tcp, .. }))
}

/// A connection; `true` sends from the host, `false` from the service. Each segment arrives.
fn connection(segments: &[(bool, &str)]) -> Bench {
    let (mut bench, host, [service, _]) = Bench::house(GatewayConfig::default());
    let external = bench.tcp(host, HOST, endpoint(SERVICE), "S").source();
    for (from_host, flags) in segments {
        let fate = match from_host {
            true => bench.tcp(host, HOST, endpoint(SERVICE), flags),
            false => bench.tcp(service, SERVICE, external, flags),
        };
        assert!(fate.arrived(), "{flags}");
    }
    bench
}

/// How long the mapping lives when nothing else comes.
fn lives(mut bench: Bench) -> Duration {
    let mut minutes = 0;
    while !expired(&bench.wait(MINUTE)) {
        minutes += 1;
        assert!(minutes < 200, "it never ends");
    }
    // `Bench::tcp` waits for the fate of its segment, for some milliseconds.
    minutes * MINUTE + MINUTE
}

/// "Concretely, when the NAT receives a TCP RST matching an existing mapping, it MUST translate the
/// packet according to the NAT mapping entry. Moreover, the NAT SHOULD wait for 4 minutes before
/// deleting the session and removing any state associated with it if no packets are received during
/// that 4-minute timeout."
#[test]
fn a_reset_from_either_end_is_translated_and_leaves_4_minutes() {
    for from_host in [true, false] {
        let reset = [(false, "SA"), (true, "A"), (from_host, "R")];
        assert_eq!(lives(connection(&reset)), 4 * MINUTE, "{from_host}");
        let with_acknowledgement = [(false, "SA"), (true, "A"), (from_host, "RA")];
        assert_eq!(lives(connection(&with_acknowledgement)), 4 * MINUTE, "{from_host}");
    }
    assert_eq!(lives(connection(&[(false, "RA")])), 4 * MINUTE, "a connection that is refused");
}

/// "[...] if no packets are received": figure 1 leads from TRANS back to ESTABLISHED by a packet of
/// the connection that is no RST. So a RST that neither end believes does not end a session.
#[test]
fn a_connection_that_goes_on_after_a_reset_is_established() {
    for from_host in [true, false] {
        let goes_on = [(false, "SA"), (true, "A"), (false, "R"), (from_host, "A")];
        assert_eq!(lives(connection(&goes_on)), 124 * MINUTE, "{from_host}");
        let ends = [(false, "SA"), (true, "A"), (false, "R"), (from_host, "A"), (true, "R")];
        assert_eq!(lives(connection(&ends)), 4 * MINUTE, "{from_host}");
    }
    let refused = [(false, "RA"), (true, "A")];
    assert_eq!(lives(connection(&refused)), 4 * MINUTE, "it never was established");
    let tried_again = [(false, "RA"), (true, "S")];
    assert_eq!(lives(connection(&tried_again)), 4 * MINUTE);
}

/// Figure 1: from INIT to ESTABLISHED by the SYN of the other end, and from there to the transitory
/// timer by the FINs of both, in either order.
#[test]
fn each_state_of_figure_1_has_its_timer() {
    let state = |segments: &[(bool, &str)]| lives(connection(segments));
    assert_eq!(state(&[]), 4 * MINUTE);
    assert_eq!(state(&[(false, "SA")]), 124 * MINUTE);
    assert_eq!(state(&[(false, "S")]), 124 * MINUTE, "a simultaneous open");
    assert_eq!(state(&[(false, "SA"), (true, "A"), (true, "FA")]), 124 * MINUTE);
    assert_eq!(state(&[(false, "SA"), (true, "A"), (false, "FA")]), 124 * MINUTE);
    for first in [true, false] {
        let closing = [(false, "SA"), (true, "A"), (first, "FA"), (!first, "FA"), (first, "A")];
        assert_eq!(state(&closing), 4 * MINUTE, "{first}");
    }
}
