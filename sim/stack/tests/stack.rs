//! The stack by itself, over a pipe.

mod common;

use common::{A, B, Pipe, stack};
use core::{net::SocketAddrV4, task::Poll, time::Duration};
use parallax_network::{Time, Transport};
use parallax_stack::{ConnectionError, Listener, Stack, StackError, State, TcpConnection};

const PORT: u16 = 80;

fn pipe(seed: u64) -> (Pipe<Stack>, Listener) {
    let (a, mut b) = (stack(A, seed), stack(B, seed));
    let listener = b.listen(PORT, 4).expect("port 80 is free");
    (Pipe::new(a, b, seed), listener)
}

fn connect(pipe: &mut Pipe<Stack>) -> TcpConnection {
    pipe.a.connect(SocketAddrV4::new(B, PORT)).expect("a port is free")
}

/// A connection, both ends.
fn connected(pipe: &mut Pipe<Stack>, listener: Listener) -> (TcpConnection, TcpConnection) {
    let here = connect(pipe);
    loop {
        assert!(pipe.step(), "nothing more happens");
        if let Some(there) = pipe.b.accept(listener) {
            return (here, there);
        }
    }
}

/// Steps until a host has nothing more to do, at most to `until`.
fn run(pipe: &mut Pipe<Stack>, until: Time) {
    while pipe.now < until && pipe.step() {}
}

/// Sends `data` from a to b, and returns what b received to the end.
fn transfer(pipe: &mut Pipe<Stack>, listener: Listener, data: &[u8]) -> Vec<u8> {
    let (here, there) = connected(pipe, listener);
    let (mut sent, mut received) = (0, Vec::new());
    let mut queue = vec![0; 10_000];
    loop {
        while sent < data.len() {
            match pipe.a.send(here, &data[sent..]) {
                Poll::Ready(bytes) => sent += bytes.expect("the connection lives"),
                Poll::Pending => break,
            }
            if sent == data.len() {
                pipe.a.close(here);
            }
        }
        while let Poll::Ready(bytes) = pipe.b.receive(there, &mut queue) {
            match bytes.expect("the connection lives") {
                0 => return received,
                bytes => received.extend_from_slice(&queue[..bytes]),
            }
        }
        assert!(pipe.step(), "nothing more happens after {} bytes", received.len());
        assert!(pipe.now < Time::from_millis(600_000), "{} bytes in ten minutes", received.len());
    }
}

fn mebibyte() -> Vec<u8> {
    (0..1 << 20).map(|n: u32| (n * 7 + n / 251) as u8).collect()
}

#[test]
fn a_mebibyte_arrives_whole_over_a_pipe_that_loses_five_percent() {
    let (mut pipe, listener) = pipe(1);
    pipe.loss = 5;
    let data = mebibyte();
    assert!(transfer(&mut pipe, listener, &data) == data);
    assert!(pipe.trace.len() > (1 << 20) / 1460);
}

#[test]
fn a_window_per_round_trip_is_what_a_clean_pipe_carries() {
    let (mut pipe, listener) = pipe(1);
    let data = mebibyte();
    assert!(transfer(&mut pipe, listener, &data) == data);
    // 64 KiB per 40 ms are 16 windows. An acknowledgement may wait 10 ms, and the congestion window
    // takes a few round trips to open.
    let took = pipe.now;
    assert!(took > Time::from_millis(16 * 40) && took < Time::from_millis(40 * 50), "took {took}");
}

#[test]
fn the_same_seed_sends_the_same_packets_and_another_seed_others() {
    let trace = |seed| {
        let (mut pipe, listener) = pipe(seed);
        pipe.loss = 5;
        transfer(&mut pipe, listener, &mebibyte()[..100_000]);
        pipe.trace
    };
    let (one, again, other) = (trace(1), trace(1), trace(2));
    assert!(one == again);
    let first = |trace: &[(Time, parallax_network::Packet)]| trace[0].1.clone();
    let (one, other) = (first(&one), first(&other));
    assert_ne!(one.source.port(), other.source.port());
    let (Transport::Tcp(one), Transport::Tcp(other)) = (one.transport, other.transport) else {
        panic!("no TCP")
    };
    assert_ne!(one.sequence, other.sequence);
}

#[test]
fn where_nobody_listens_the_connection_is_refused() {
    let (mut pipe, _) = pipe(1);
    let here = pipe.a.connect(SocketAddrV4::new(B, 81)).expect("a port is free");
    assert_eq!(pipe.a.send(here, b"x"), Poll::Pending);
    assert!(pipe.step());
    assert!(pipe.step());
    assert_eq!(pipe.now, Time::from_millis(40));
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::Refused)));
    assert_eq!(pipe.a.receive(here, &mut [0]), Poll::Ready(Err(ConnectionError::Refused)));
}

#[test]
fn where_nobody_answers_the_connection_times_out_after_three_minutes() {
    let (mut pipe, _) = pipe(1);
    pipe.loss = 100;
    let here = connect(&mut pipe);
    while pipe.a.send(here, b"x").is_pending() {
        assert!(pipe.step(), "nothing more happens");
    }
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::TimedOut)));
    // RFC 9293 MUST-23: "R2 for a SYN segment MUST be set large enough to provide retransmission
    // of the segment for at least 3 minutes."
    assert!(pipe.now >= Time::from_millis(180_000), "{}", pipe.now);
    assert!(pipe.trace.len() >= 7, "{} tries", pipe.trace.len());
}

#[test]
fn data_that_nobody_acknowledges_times_out_and_an_idle_connection_does_not() {
    let (mut pipe, listener) = pipe(1);
    let (here, _) = connected(&mut pipe, listener);
    pipe.flush();
    run(&mut pipe, Time::from_millis(1_000));
    pipe.now = Time::from_millis(3_600_000);
    run(&mut pipe, Time::from_millis(3_700_000));
    assert_eq!(pipe.a.state(here), Some(State::Established));
    pipe.loss = 100;
    let sent = pipe.now;
    assert_eq!(pipe.a.send(here, b"anyone?"), Poll::Ready(Ok(7)));
    while pipe.a.state(here) != Some(State::Closed) {
        assert!(pipe.step(), "nothing more happens");
    }
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::TimedOut)));
    // RFC 9293 SHLD-11: "The value of R2 SHOULD correspond to at least 100 seconds."
    assert!(pipe.now.saturating_since(sent) >= Duration::from_secs(100), "{}", pipe.now);
}

#[test]
fn a_reset_is_seen_as_one_after_what_came_before_it() {
    let (mut pipe, listener) = pipe(1);
    let (here, there) = connected(&mut pipe, listener);
    assert_eq!(pipe.a.send(here, b"last"), Poll::Ready(Ok(4)));
    pipe.flush();
    pipe.a.abort(here);
    run(&mut pipe, Time::from_millis(1_000));
    let mut queue = [0; 10];
    assert_eq!(pipe.b.receive(there, &mut queue), Poll::Ready(Ok(4)));
    assert_eq!(pipe.b.receive(there, &mut queue), Poll::Ready(Err(ConnectionError::Reset)));
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::Closed)));
}

#[test]
fn one_end_may_go_on_sending_after_the_other_has_closed() {
    let (mut pipe, listener) = pipe(1);
    let (here, there) = connected(&mut pipe, listener);
    pipe.a.close(here);
    run(&mut pipe, Time::from_millis(500));
    let mut queue = [0; 10];
    assert_eq!(pipe.b.receive(there, &mut queue), Poll::Ready(Ok(0)));
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::Closed)));
    assert_eq!(pipe.b.send(there, b"still here"), Poll::Ready(Ok(10)));
    run(&mut pipe, Time::from_millis(1_000));
    assert_eq!(pipe.a.receive(here, &mut queue), Poll::Ready(Ok(10)));
    assert_eq!(&queue, b"still here");
    pipe.b.close(there);
    run(&mut pipe, Time::from_millis(60_000));
    assert_eq!(pipe.a.receive(here, &mut queue), Poll::Ready(Ok(0)));
    assert_eq!(pipe.a.state(here), Some(State::Closed));
    // Held, it can still be asked; let go, it is gone.
    pipe.a.release(here);
    assert_eq!(pipe.a.state(here), None);
}

#[test]
fn data_that_nobody_will_read_resets_the_connection() {
    let (mut pipe, listener) = pipe(1);
    let (here, there) = connected(&mut pipe, listener);
    pipe.b.release(there);
    assert_eq!(pipe.a.send(here, b"hello?"), Poll::Ready(Ok(6)));
    run(&mut pipe, Time::from_millis(1_000));
    assert_eq!(pipe.b.state(there), None);
    assert_eq!(pipe.a.receive(here, &mut [0]), Poll::Ready(Ok(0)));
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::Reset)));
}

#[test]
fn more_than_the_backlog_is_refused_until_some_are_accepted() {
    let (mut pipe, listener) = pipe(1);
    let all: Vec<TcpConnection> = (0..6).map(|_| connect(&mut pipe)).collect();
    run(&mut pipe, Time::from_millis(500));
    let open =
        |pipe: &Pipe<Stack>, one: &TcpConnection| pipe.a.state(*one) == Some(State::Established);
    assert_eq!(all.iter().filter(|one| open(&pipe, one)).count(), 4);
    let accepted: Vec<TcpConnection> = core::iter::from_fn(|| pipe.b.accept(listener)).collect();
    assert_eq!(accepted.len(), 4);
    let later = connect(&mut pipe);
    run(&mut pipe, Time::from_millis(1_000));
    assert!(open(&pipe, &later));
}

#[test]
fn a_listener_that_closes_resets_who_was_not_accepted_and_frees_the_port() {
    let (mut pipe, listener) = pipe(1);
    assert_eq!(pipe.b.listen(PORT, 1), Err(StackError::PortInUse));
    let here = connect(&mut pipe);
    run(&mut pipe, Time::from_millis(500));
    pipe.b.close_listener(listener);
    run(&mut pipe, Time::from_millis(1_000));
    assert_eq!(pipe.a.receive(here, &mut [0]), Poll::Ready(Err(ConnectionError::Reset)));
    assert!(pipe.b.listen(PORT, 1).is_ok());
}

#[test]
fn after_a_restart_ports_and_sequence_numbers_go_on() {
    let (mut pipe, listener) = pipe(1);
    let (here, there) = connected(&mut pipe, listener);
    let before = pipe.a.local(here).expect("it is open").port();
    pipe.a.restart();
    assert_eq!(pipe.a.send(here, b"x"), Poll::Ready(Err(ConnectionError::Closed)));
    let sent = pipe.trace.len();
    run(&mut pipe, Time::from_millis(1_000));
    // Power loss is silent.
    assert_eq!(pipe.trace[sent..].iter().filter(|(_, p)| *p.source.ip() == A).count(), 0);
    assert_eq!(pipe.b.state(there), Some(State::Established));
    let (again, _) = connected(&mut pipe, listener);
    let after = pipe.a.local(again).expect("it is open").port();
    assert_eq!(after, if before == 65535 { 49152 } else { before + 1 });
    // The other end learns of it when it speaks.
    assert_eq!(pipe.b.send(there, b"hello?"), Poll::Ready(Ok(6)));
    run(&mut pipe, Time::from_millis(2_000));
    assert_eq!(pipe.b.receive(there, &mut [0]), Poll::Ready(Err(ConnectionError::Reset)));
}

#[test]
fn a_retransmission_is_never_early_and_less_than_two_microseconds_late() {
    let (mut pipe, _) = pipe(1);
    pipe.loss = 100;
    pipe.now = Time::from_nanos(1_999);
    connect(&mut pipe);
    run(&mut pipe, Time::from_millis(2_000));
    let waited = pipe.trace[1].0.saturating_since(pipe.trace[0].0);
    let timeout = Duration::from_secs(1);
    assert!(waited >= timeout && waited < timeout + Duration::from_micros(2), "{waited:?}");
}
