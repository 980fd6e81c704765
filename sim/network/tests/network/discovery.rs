//! A behaviour discovery client as in RFC 5780 finds exactly what was configured.

use core::net::SocketAddrV4;

use parallax_network::{Behaviour, FilterScope, GatewayConfig, HostId, PortAssignment};

use crate::support::{Bench, Fate, endpoint};

/// A STUN server with two addresses and two ports (RFC 5780 section 6), and a client at home.
struct Discovery {
    bench: Bench,
    client: HostId,
    servers: [HostId; 2],
}

/// Which of the server's endpoints: alternate address or not, alternate port or not.
type Which = (bool, bool);

fn server((address, port): Which) -> SocketAddrV4 {
    endpoint(&format!("198.51.100.{}:{}", 1 + u8::from(address), 3478 + u16::from(port)))
}

impl Discovery {
    /// A binding request from a local port to one endpoint, to be answered from another
    /// (CHANGE-REQUEST). Gives the mapped address, if the answer arrives.
    fn ask(&mut self, port: u16, to: Which, from: Which) -> Option<SocketAddrV4> {
        let local = format!("192.168.1.10:{port}");
        let mapped = self.bench.udp(self.client, &local, server(to)).source();
        let answerer = self.servers[usize::from(from.0)];
        let fate = self.bench.udp(answerer, &server(from).to_string(), mapped);
        if let Fate::Arrived { to, destination, .. } = &fate {
            assert_eq!((*to, *destination), (self.client, endpoint(&local)));
        }
        fate.arrived().then_some(mapped)
    }

    /// RFC 5780 section 4.3.
    fn mapping(&mut self) -> Behaviour {
        let port = 5000;
        let first = self.ask(port, (false, false), (false, false));
        let second = self.ask(port, (true, false), (true, false));
        if first == second {
            return Behaviour::EndpointIndependent;
        }
        let third = self.ask(port, (true, true), (true, true));
        if second == third {
            Behaviour::AddressDependent
        } else {
            Behaviour::AddressAndPortDependent
        }
    }

    /// RFC 5780 section 4.4, each test from a port that nothing was sent from before.
    fn filtering(&mut self) -> Behaviour {
        let primary = (false, false);
        assert!(self.ask(6000, primary, primary).is_some());
        if self.ask(6001, primary, (true, true)).is_some() {
            Behaviour::EndpointIndependent
        } else if self.ask(6002, primary, (false, true)).is_some() {
            Behaviour::AddressDependent
        } else {
            Behaviour::AddressAndPortDependent
        }
    }
}

#[test]
fn discovery_finds_what_was_configured() {
    for mapping in Behaviour::ALL {
        for filtering in Behaviour::ALL {
            for ports in [PortAssignment::Preserving, PortAssignment::Random] {
                for filter_scope in [FilterScope::InternalEndpoint, FilterScope::Mapping] {
                    let config = GatewayConfig {
                        mapping,
                        filtering,
                        filter_scope,
                        ports,
                        ..GatewayConfig::default()
                    };
                    let (bench, client, servers) = Bench::house(config);
                    let mut discovery = Discovery { bench, client, servers };
                    assert_eq!((discovery.mapping(), discovery.filtering()), (mapping, filtering));
                }
            }
        }
    }
}
