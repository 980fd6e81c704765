use super::*;

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn home() -> SocketAddr {
    at("192.168.1.10:50000")
}

fn there() -> SocketAddr {
    at("203.0.113.2:50001")
}

fn turn() -> SocketAddr {
    at("198.51.100.3:3478")
}

fn relayed() -> SocketAddr {
    at("198.51.100.3:49152")
}

fn message(kind: u16, id: u8, attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, value) in attributes {
        body.extend(kind.to_be_bytes());
        body.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut message = kind.to_be_bytes().to_vec();
    message.extend(u16::try_from(body.len()).expect("short").to_be_bytes());
    message.extend(COOKIE);
    message.extend([id; 12]);
    message.extend(body);
    message
}

fn request(id: u8) -> Vec<u8> {
    message(BINDING_REQUEST, id, &[(USERNAME, b"abc:d".to_vec())])
}

fn nominating(id: u8) -> Vec<u8> {
    let attributes = [(USERNAME, b"abc:d".to_vec()), (USE_CANDIDATE, Vec::new())];
    message(BINDING_REQUEST, id, &attributes)
}

fn response(id: u8) -> Vec<u8> {
    message(BINDING_SUCCESS, id, &[])
}

fn address(address: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(address) = address else { panic!("IPv4") };
    let mut value = vec![0, 1];
    value.extend((address.port() ^ 0x2112).to_be_bytes());
    value.extend(address.ip().octets().iter().zip(COOKIE).map(|(octet, mask)| octet ^ mask));
    value
}

fn channel(number: u16, data: &[u8]) -> Vec<u8> {
    let mut message = number.to_be_bytes().to_vec();
    message.extend(u16::try_from(data.len()).expect("short").to_be_bytes());
    message.extend(data);
    message
}

#[test]
fn checks_are_told_up_to_the_first_answer_and_nominations_up_to_theirs() {
    let mut checks = Checks::default();
    let pair = (home(), there());
    let sent = |attempt, nominates| Some(PairCheck::Sent { pair, attempt, nominates });
    assert_eq!(checks.sent(10, home(), there(), &request(1)), sent(1, false));
    assert_eq!(checks.sent(20, home(), there(), &request(2)), sent(2, false));
    // The first one's answer is late, and it is that one's.
    let answered = Some(PairCheck::Answered { pair, attempt: 1, sent_ns: 10 });
    assert_eq!(checks.received(there(), home(), &response(1)), answered);
    assert_eq!(checks.received(there(), home(), &response(2)), None, "it was answered before");
    assert_eq!(checks.sent(30, home(), there(), &request(3)), None, "it keeps the pair alive");
    assert_eq!(checks.sent(40, home(), there(), &nominating(4)), sent(3, true));
    assert_eq!(checks.sent(50, home(), there(), &nominating(5)), sent(4, true));
    let answered = Some(PairCheck::Answered { pair, attempt: 4, sent_ns: 50 });
    assert_eq!(checks.received(there(), home(), &response(5)), answered);
    assert_eq!(checks.sent(60, home(), there(), &nominating(6)), None);
    // Another pair is another matter.
    let other = at("192.168.7.7:9");
    let told = Some(PairCheck::Sent { pair: (home(), other), attempt: 1, nominates: false });
    assert_eq!(checks.sent(70, home(), other, &request(7)), told);
    assert_eq!(checks.received(other, home(), &response(99)), None, "nobody asked");
}

#[test]
fn a_question_to_a_stun_server_and_media_are_no_checks() {
    let mut checks = Checks::default();
    let plain = message(BINDING_REQUEST, 1, &[]);
    assert_eq!(checks.sent(0, home(), turn(), &plain), None);
    assert_eq!(checks.received(turn(), home(), &response(1)), None);
    for datagram in [&[0x80; 60][..], &[0; 60], &[], &[0x40], &request(1)[..19], &request(1)[..25]]
    {
        assert_eq!(checks.sent(0, home(), there(), datagram), None);
        assert_eq!(checks.received(there(), home(), datagram), None);
    }
}

#[test]
fn a_relayed_check_is_seen_in_indications_and_in_channels() {
    let mut checks = Checks::default();
    let allocated = message(ALLOCATE_SUCCESS, 9, &[(XOR_RELAYED_ADDRESS, address(relayed()))]);
    assert_eq!(checks.received(turn(), home(), &allocated), None);
    let pair = (relayed(), there());
    let wrapped = [(XOR_PEER_ADDRESS, address(there())), (DATA, request(1))];
    let indication = message(SEND_INDICATION, 8, &wrapped);
    let told = Some(PairCheck::Sent { pair, attempt: 1, nominates: false });
    assert_eq!(checks.sent(10, home(), turn(), &indication), told);
    let back = message(DATA_INDICATION, 7, &[(DATA, response(1))]);
    let told = Some(PairCheck::Answered { pair, attempt: 1, sent_ns: 10 });
    assert_eq!(checks.received(turn(), home(), &back), told);

    let bound = [(CHANNEL_NUMBER, vec![0x40, 0x01, 0, 0]), (XOR_PEER_ADDRESS, address(there()))];
    assert_eq!(checks.sent(20, home(), turn(), &message(CHANNEL_BIND_REQUEST, 6, &bound)), None);
    let told = Some(PairCheck::Sent { pair, attempt: 2, nominates: true });
    assert_eq!(checks.sent(30, home(), turn(), &channel(0x4001, &nominating(2))), told);
    assert_eq!(checks.sent(30, home(), turn(), &channel(0x4002, &nominating(3))), None);
    let told = Some(PairCheck::Answered { pair, attempt: 2, sent_ns: 30 });
    assert_eq!(checks.received(turn(), home(), &channel(0x4001, &response(2))), told);
}

#[test]
fn a_check_that_keeps_a_pair_alive_is_not_told_and_its_answer_is_a_round_trip() {
    let mut checks = Checks::default();
    checks.sent(10, home(), there(), &nominating(1));
    assert_eq!(checks.take_answered(), None);
    checks.received(there(), home(), &response(1));
    assert_eq!((checks.take_answered(), checks.take_answered()), (Some(10), None));
    assert_eq!(checks.sent(20, home(), there(), &nominating(2)), None);
    assert_eq!(checks.sent(30, home(), there(), &nominating(3)), None);
    assert_eq!(checks.received(there(), home(), &response(3)), None);
    assert_eq!(checks.take_answered(), Some(30));
    // Of what is never answered no more is kept than of the last 10 s.
    for n in 0..200_u8 {
        checks.sent(u64::from(n) * 1_000_000_000, home(), there(), &nominating(n));
        assert!(checks.pending.len() <= 12);
    }
}
