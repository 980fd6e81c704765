//! A board with a kernel's own network: TCP to the rendezvous through the network core, names and time at its gateway.

mod support;

use parallax_fabric::RENDEZVOUS_PORT;
use parallax_lab::{BoardProxy, Config, ExternalPeer, Interface, LabOutcome, StopSignal, run};
use parallax_record::Event;
use parallax_scenario::{Builtin, Scenario, parse};
use std::{
    collections::BTreeMap,
    future,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream, UdpSocket},
    sync::mpsc,
    thread,
    time::{Duration, SystemTime},
};
use support::{inside, ip};

/// Nothing here takes as long, on whatever machine.
const LONG: Duration = Duration::from_secs(60);

fn scenario() -> Scenario {
    let text = include_str!("../../../fixtures/scenarios/two-homes.toml");
    let mut scenario = parse("two-homes.toml", text, &Builtin).expect("a scenario");
    // It ends when the board has done its work; this is for one that never does.
    scenario.duration = Duration::from_secs(120);
    scenario
}

fn rendezvous(scenario: &Scenario) -> SocketAddrV4 {
    let address = scenario.services.rendezvous.expect("it has one");
    SocketAddrV4::new(address, RENDEZVOUS_PORT)
}

/// The answer to an HTTP request over the kernel's TCP.
fn ask(to: SocketAddrV4, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).expect("the rendezvous answers");
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    let length = body.len();
    let head =
        format!("{head}\r\nHost: lab\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).expect("it is sent");
    stream.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it comes, and ends");
    answer
}

/// The board's gateway.
fn gateway() -> Ipv4Addr {
    let scenario = scenario();
    let doorbell = scenario.peer("doorbell").expect("it has one");
    scenario.site(&doorbell.site).expect("it has one").network.gateway()
}

/// The gateway's answer to a datagram of the kernel's.
fn ask_gateway(port: u16, question: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.set_read_timeout(Some(LONG)).expect("a socket");
    socket.connect((gateway(), port)).expect("there is a way");
    socket.send(question).expect("it is sent");
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).expect("it comes");
    answer[..length].to_vec()
}

/// The address of a name; none: there is no such name (RFC 1035 section 4.1).
fn look_up(name: &str) -> Option<[u8; 4]> {
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("it is short"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    let answer = ask_gateway(53, &query);
    match answer[3] & 0xf {
        0 => answer.last_chunk().copied(),
        3 => None,
        code => panic!("code {code}"),
    }
}

/// How far the gateway's time is from the machine's (RFC 5905).
fn time_off() -> Duration {
    let mut question = [0; 48];
    question[0] = 0x23;
    let answer = ask_gateway(123, &question);
    let seconds = u32::from_be_bytes(*answer[40..].first_chunk().expect("it is long enough"));
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("it is past 1970").as_secs();
    Duration::from_secs(now.abs_diff(u64::from(seconds) - 2_208_988_800))
}

/// Runs a lab whose doorbell is this namespace's kernel, and whose proxy opens a connection beside it.
fn with_kernel<T: Send>(work: impl FnOnce(SocketAddrV4) -> T + Send) -> (T, LabOutcome) {
    let scenario = scenario();
    let doorbell = scenario.peer("doorbell").expect("it has one");
    let lan = scenario.site(&doorbell.site).expect("it has one").network;
    let to = rendezvous(&scenario);
    ip("link add lab type veth peer name board");
    ip("link set board up");
    ip("link set lab up");
    ip(&format!("address add {}/{} dev board", doorbell.address, lan.prefix()));
    ip(&format!("route add default via {} dev board", lan.gateway()));
    let cable = Interface::open("lab").expect("it is up");
    let stop = StopSignal::default();
    let outside = BTreeMap::from([
        ("doorbell".to_owned(), ExternalPeer::Board(Box::new(cable))),
        ("phone".to_owned(), ExternalPeer::Nothing),
    ]);
    let (connected, proxy_connected) = mpsc::channel();
    let proxy = BoardProxy::new(move |site| {
        let connected = connected.clone();
        async move {
            let stream = site.connect(SocketAddr::V4(to)).await.expect("the rendezvous answers");
            connected.send(()).expect("the test waits");
            future::pending::<()>().await;
            drop(stream);
        }
    });
    let proxies = BTreeMap::from([("doorbell".to_owned(), proxy)]);
    let config = Config { outside, proxies, stop: stop.clone(), ..Config::new(7) };
    thread::scope(|scope| {
        let run = scope.spawn(|| run(&scenario, config));
        proxy_connected.recv_timeout(LONG).expect("the proxy has TCP, too");
        let done = work(to);
        stop.now();
        (done, run.join().expect("no panic").expect("it runs"))
    })
}

#[test]
fn a_kernel_finds_the_rendezvous_by_name_and_talks_to_it() {
    if !inside("a_kernel_finds_the_rendezvous_by_name_and_talks_to_it") {
        return;
    }
    let ((options, wrong, found, time_off), outcome) = with_kernel(|to| {
        let found = ["rendezvous.test", "time.vendor.example"].map(look_up);
        let time_off = time_off();
        let options = ask(to, "OPTIONS /whip/doorbell HTTP/1.1", b"");
        // More than a segment: the kernel hands it over as one, and the cable cuts it.
        let head = "POST /whip/doorbell HTTP/1.1\r\nAuthorization: Bearer none\r\nContent-Type: application/sdp";
        (options, ask(to, head, &[b'x'; 30_000]), found, time_off)
    });
    assert_eq!(found, [Some(rendezvous(&scenario()).ip().octets()), None]);
    assert!(time_off <= LONG, "{time_off:?}");
    assert!(options.starts_with("HTTP/1.1 20") && options.contains("POST"), "{options}");
    assert!(wrong.starts_with("HTTP/1.1 4"), "{wrong}");
    let counts = &outcome.ports["doorbell"];
    assert!(counts.entered > 20, "30,000 bytes are more than 20 segments: {counts:?}");
    let mapped = outcome.entries.iter().filter(
        |entry| matches!(&entry.event, Event::MappingCreated { transport, .. } if transport == "tcp"),
    );
    assert_eq!(mapped.count(), 3, "two connections of the kernel's, one of the proxy's");
}
