//! DNS at a board's gateway (RFC 1035): the names of the lab, and none else.

use core::net::Ipv4Addr;
use parallax_record::ServiceAddress;
use simple_dns::{
    CLASS, OPCODE, Packet, PacketFlag, QCLASS, QTYPE, RCODE, ResourceRecord, TYPE,
    rdata::{A, RData},
};
use std::collections::BTreeMap;

/// Seconds for which an answer may be kept.
const TTL_S: u32 = 60;
/// The domain of the lab's names, which no host on the Internet has (RFC 6761 section 6.2).
pub(super) const DOMAIN: &str = "test";

/// Names that the lab answers for, in small letters, without a dot at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabNames(BTreeMap<String, Ipv4Addr>);

/// What comes of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DnsAnswer {
    /// The response.
    pub(super) response: Vec<u8>,
    /// The name that was asked for, if the lab does not know it.
    pub(super) unknown: Option<String>,
}

impl LabNames {
    /// The services of a scenario: `rendezvous.test`, `stun.test`, `turn.test`, as far as it has them; the board's
    /// gateway as `gateway.test` and `ntp.test`.
    pub fn of(services: &[ServiceAddress], gateway: Ipv4Addr) -> Self {
        let named = |it: &ServiceAddress| (format!("{}.{DOMAIN}", it.kind), *it.address.ip());
        let own = ["gateway", "ntp"].map(|name| (format!("{name}.{DOMAIN}"), gateway));
        Self(services.iter().map(named).chain(own).collect())
    }

    /// Whether a name leads to the address.
    pub(super) fn lead_to(&self, address: Ipv4Addr) -> bool {
        self.0.values().any(|named| *named == address)
    }

    /// The response to a query, whatever its bytes are; none: it is no query with one question.
    pub(super) fn answer(&self, query: &[u8]) -> Option<DnsAnswer> {
        // One question, and at most one more record (EDNS): a header may announce 65,535, and room is made for them.
        let [0, 1, 0, 0, 0, 0, 0, 0 | 1] = *query.get(4..12)? else { return None };
        let query = Packet::parse(query).ok()?;
        let [question] = query.questions.as_slice() else { return None };
        if query.has_flags(PacketFlag::RESPONSE) {
            return None;
        }
        let name = question.qname.to_string().trim_end_matches('.').to_ascii_lowercase();
        let address = self.0.get(&name).copied();
        let mut response = Packet::new_reply(query.id());
        response.questions.push(question.clone());
        response.set_flags(PacketFlag::RECURSION_AVAILABLE | PacketFlag::AUTHORITATIVE_ANSWER);
        if query.has_flags(PacketFlag::RECURSION_DESIRED) {
            response.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        let is_of_internet = matches!(question.qclass, QCLASS::CLASS(CLASS::IN) | QCLASS::ANY);
        let wants_address = matches!(question.qtype, QTYPE::TYPE(TYPE::A) | QTYPE::ANY);
        *response.rcode_mut() = match address {
            _ if query.opcode() != OPCODE::StandardQuery => RCODE::NotImplemented,
            _ if !is_of_internet => RCODE::NotImplemented,
            None => RCODE::NameError,
            Some(_) => RCODE::NoError,
        };
        if let (Some(address), RCODE::NoError, true) = (address, response.rcode(), wants_address) {
            let data = RData::A(A::from(address));
            response.answers.push(ResourceRecord::new(
                question.qname.clone(),
                CLASS::IN,
                TTL_S,
                data,
            ));
        }
        // A name may have any bytes, and is shown.
        let shown = |name: &str| name.replace(|c: char| !c.is_ascii_graphic(), "?");
        let unknown = (response.rcode() == RCODE::NameError).then(|| shown(&name));
        Some(DnsAnswer { response: response.build_bytes_vec().ok()?, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::{Name, Question};

    fn names() -> LabNames {
        LabNames([("rendezvous.test".to_owned(), Ipv4Addr::new(203, 0, 113, 9))].into())
    }

    fn query(name: &str, kind: TYPE) -> Vec<u8> {
        let mut query = Packet::new_query(0x1234);
        query.set_flags(PacketFlag::RECURSION_DESIRED);
        let name = Name::new(name).expect("a name").into_owned();
        query.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), false));
        query.build_bytes_vec().expect("short")
    }

    /// The code, the addresses and the unknown name of the response.
    fn asked(query: &[u8]) -> (RCODE, Vec<Ipv4Addr>, Option<String>) {
        let answer = names().answer(query).expect("a query");
        let response = Packet::parse(&answer.response).expect("a response");
        assert_eq!(response.id(), 0x1234);
        assert!(response.has_flags(PacketFlag::RESPONSE));
        let address = |record: &ResourceRecord<'_>| match &record.rdata {
            RData::A(A { address }) => Ipv4Addr::from(*address),
            other => panic!("no address: {other:?}"),
        };
        (response.rcode(), response.answers.iter().map(address).collect(), answer.unknown)
    }

    #[test]
    fn rfc1035_4_1_a_name_of_the_lab_has_its_address_in_any_case_of_letters() {
        let expected = (RCODE::NoError, vec![Ipv4Addr::new(203, 0, 113, 9)], None);
        assert_eq!(asked(&query("Rendezvous.TEST", TYPE::A)), expected);
    }

    /// Else a device takes the name itself for one that is not there (RFC 8020).
    #[test]
    fn rfc2308_2_2_a_name_without_an_ipv6_address_is_a_name_all_the_same() {
        assert_eq!(asked(&query("rendezvous.test", TYPE::AAAA)), (RCODE::NoError, vec![], None));
    }

    #[test]
    fn rfc1035_4_1_1_another_name_is_not_there_and_is_told() {
        let name = Some("time.vendor.example".to_owned());
        assert_eq!(asked(&query("time.vendor.example", TYPE::A)), (RCODE::NameError, vec![], name));
    }

    #[test]
    fn what_is_no_query_gets_no_response() {
        let query = query("rendezvous.test", TYPE::A);
        for length in 0..query.len() {
            assert_eq!(names().answer(&query[..length]), None, "{length} bytes");
        }
        let mut many = query.clone();
        many[4..12].fill(0xff);
        assert_eq!(names().answer(&many), None);
        let mut response = query;
        response[2] |= 0x80;
        assert_eq!(
            names().answer(&response),
            None,
            "two resolvers would answer each other for ever"
        );
    }
}
