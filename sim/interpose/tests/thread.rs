//! What a simulating thread sees, and what every other thread goes on to see.
#![cfg(target_os = "linux")]

use parallax_interpose::{
    EPOCH_UNIX_S, EnterError, HostSlot, Settings, enter, forget, in_host, refusals, set_elapsed,
};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    hash::{BuildHasher, RandomState},
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::AsRawFd,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

fn all(seed: u8) -> Settings {
    Settings::simulation([seed; 32])
}

/// Runs on a fresh thread, as a run does.
fn fresh<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(code).join().expect("the thread of the test panicked")
}

/// A draw of everything that this project's dependencies draw randomness with.
fn draws() -> Vec<u64> {
    let mut bytes = [[0; 8]; 4];
    getrandom_0_2::getrandom(&mut bytes[0]).expect("getrandom 0.2");
    getrandom_0_3::fill(&mut bytes[1]).expect("getrandom 0.3");
    getrandom_0_4::fill(&mut bytes[2]).expect("getrandom 0.4");
    SystemRandom::new().fill(&mut bytes[3]).expect("ring");
    let mut draws: Vec<u64> = bytes.into_iter().map(u64::from_ne_bytes).collect();
    draws.push(RandomState::new().hash_one(1));
    draws
}

#[test]
fn clocks_follow_elapsed_time() {
    fresh(|| {
        let real = SystemTime::now();
        let guard = enter(all(1)).expect("enter");
        let start = Instant::now();
        set_elapsed(1_500_000_000);
        assert_eq!(start.elapsed(), Duration::from_millis(1_500));
        let epoch = UNIX_EPOCH + Duration::from_secs(EPOCH_UNIX_S);
        assert_eq!(SystemTime::now(), epoch + Duration::from_millis(1_500));
        thread::yield_now();
        assert_eq!(start.elapsed(), Duration::from_millis(1_500), "time stands until it is told");
        drop(guard);
        let after = SystemTime::now().duration_since(real).expect("the real clock is back");
        assert!(after < Duration::from_secs(3_600));
    });
}

#[test]
fn entropy_comes_from_the_seed() {
    let draw = |seed| {
        fresh(move || {
            let _guard = enter(all(seed)).expect("enter");
            draws()
        })
    };
    assert_eq!(draw(1), draw(1));
    for (one, other) in draw(1).into_iter().zip(draw(2)) {
        assert_ne!(one, other, "each source follows the seed");
    }
}

#[test]
fn every_source_of_entropy_is_caught() {
    let first = fresh(|| {
        let _guard = enter(all(3)).expect("enter");
        draws()
    });
    let second = fresh(draws);
    let third = fresh(draws);
    for ((first, second), third) in first.into_iter().zip(second).zip(third) {
        assert_ne!(first, second);
        assert_ne!(second, third, "a thread that does not simulate has real entropy");
    }
}

#[test]
fn a_foreign_address_binds_without_privilege_and_hosts_count_their_own_ports() {
    fresh(|| {
        let _guard = enter(all(4)).expect("enter");
        let (house, flat) = (HostSlot::new(), HostSlot::new());
        let bind = |host: &HostSlot| {
            let socket = in_host(host, || UdpSocket::bind("192.168.1.10:0")).expect("bind");
            (socket.local_addr().expect("local address"), socket)
        };
        let (first, one) = bind(&house);
        let (second, _two) = bind(&house);
        let (other, _three) = bind(&flat);
        assert_eq!(first, "192.168.1.10:49152".parse::<SocketAddr>().expect("an address"));
        assert_eq!(second.port(), 49153);
        assert_eq!(first, other, "two hosts may have one address");

        forget(one.as_raw_fd());
        assert_ne!(one.local_addr().ok(), Some(first), "a forgotten descriptor has no address");

        let fixed = in_host(&house, || UdpSocket::bind("192.168.1.10:4000")).expect("bind");
        assert_eq!(fixed.local_addr().expect("local address").port(), 4000);
        assert_eq!(refusals(), Vec::<String>::new());
    });
}

#[test]
fn ports_are_not_given_out_again_after_a_reboot() {
    let host = HostSlot::new();
    let first = host.next_port();
    let rebooted = host.clone();
    assert_ne!(rebooted.next_port(), first);
    let all: std::collections::BTreeSet<u16> = (0..16_384).map(|_| host.next_port()).collect();
    assert_eq!(all.len(), 16_384);
    assert_eq!(all.first(), Some(&49_152));
}

#[test]
fn what_is_no_udp_socket_of_a_host_is_refused() {
    fresh(|| {
        let _guard = enter(all(5)).expect("enter");
        let host = HostSlot::new();
        in_host(&host, || {
            assert!(TcpListener::bind("192.168.1.10:80").is_err());
            assert!(UdpSocket::bind("[::1]:0").is_err());
        });
        assert!(UdpSocket::bind("192.168.1.10:0").is_err(), "no host runs: whose port?");
        assert_eq!(refusals().len(), 3);
    });
}

#[test]
fn starting_a_thread_is_refused_and_said() {
    fresh(|| {
        let guard = enter(all(6)).expect("enter");
        assert!(thread::Builder::new().spawn(|| ()).is_err());
        let refused = refusals();
        assert_eq!(refused.len(), 1);
        assert!(refused[0].starts_with("starting a thread, from:"), "{refused:?}");
        drop(guard);
        thread::spawn(|| ()).join().expect("threads are back");
    });
}

#[test]
fn other_threads_see_the_real_world_meanwhile() {
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let simulating = thread::spawn(move || {
        let _guard = enter(all(7)).expect("enter");
        done.send(()).expect("the test waits");
        told.recv().expect("the test tells");
        let epoch = UNIX_EPOCH + Duration::from_secs(EPOCH_UNIX_S);
        assert_eq!(SystemTime::now(), epoch);
    });
    wait.recv().expect("the thread simulates");
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2) {
        std::hint::spin_loop();
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a real socket");
    assert_ne!(socket.local_addr().expect("its address").port(), 0);
    assert!(UdpSocket::bind("192.0.2.1:0").is_err(), "nobody has this address for real");
    thread::spawn(|| ()).join().expect("a real thread");
    assert_ne!(draws(), draws());
    tell.send(()).expect("the thread listens");
    simulating.join().expect("the simulating thread panicked");
}

#[test]
fn switches_are_separate() {
    fresh(|| {
        let before = Instant::now();
        let _guard = enter(Settings { bind: true, ..Settings::default() }).expect("enter");
        let host = HostSlot::new();
        in_host(&host, || UdpSocket::bind("192.168.1.10:0")).expect("bind is simulated");
        assert!(before.elapsed() < Duration::from_secs(3_600), "the clock is not");
        thread::spawn(|| ()).join().expect("threads are not");
    });
    let draw = || {
        fresh(|| {
            let _guard = enter(Settings { bind: true, ..Settings::default() }).expect("enter");
            draws()
        })
    };
    assert_ne!(draw(), draw(), "entropy is not");
}

#[test]
fn a_thread_enters_once_at_a_time() {
    fresh(|| {
        let guard = enter(all(8)).expect("enter");
        assert_eq!(enter(all(8)).err(), Some(EnterError::AlreadySimulating));
        drop(guard);
        let _again = enter(all(8)).expect("enter again");
    });
}

#[cfg(feature = "guards-off")]
#[test]
fn a_salt_changes_map_order_alone() {
    let draw = |salt| {
        fresh(move || {
            let _guard = enter(Settings { salt_map_order: salt, ..all(10) }).expect("enter");
            draws()
        })
    };
    let (plain, salted) = (draw(false), draw(true));
    assert_eq!(plain[..4], salted[..4]);
    assert_ne!(plain[4], salted[4]);
}
