//! A real program in a real namespace. Skipped, with the reason, where the machine permits none.

use parallax_lab::Cable as _;
use parallax_program::{Program, ProgramEnd, ProgramError, ProgramNews, ProgramSettings, why_not};
use std::{
    ffi::OsString,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 10);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 1);

fn helper() -> [OsString; 1] {
    [OsString::from(env!("CARGO_BIN_EXE_parallax-program"))]
}

/// Whether this machine permits a program as a board.
#[expect(clippy::print_stderr, reason = "a test says why it is skipped")]
fn is_permitted() -> bool {
    let why = why_not(&helper());
    if let Some(why) = &why {
        eprintln!("skipped: {why}");
    }
    why.is_none()
}

struct Started {
    program: Program,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Started {
    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().expect("no panic")).into_owned()
    }

    fn waits_for(&mut self, mut what: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !what(self) {
            assert!(Instant::now() < end, "it did not happen; printed: {}", self.printed());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn news(&mut self) -> ProgramNews {
        let mut news = None;
        let end = Instant::now() + PATIENCE;
        while news.is_none() && Instant::now() < end {
            news = self.program.news().expect("the helper works");
            thread::sleep(Duration::from_millis(10));
        }
        news.expect("there are news")
    }
}

fn program(command: &[&str]) -> Started {
    let printed = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&printed);
    let settings = ProgramSettings {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        folder: PathBuf::from("/"),
        address: ADDRESS,
        prefix: 24,
        gateway: GATEWAY,
        resolv_conf: None,
    };
    let hear = move |bytes: &[u8]| heard.lock().expect("no panic").extend(bytes);
    Started { program: Program::new(&helper(), settings, Arc::new(hear)), printed }
}

/// Processes of this machine that were called with this argument.
fn called_with(argument: &str) -> usize {
    let all = fs::read_dir("/proc").expect("there are processes").flatten();
    let has = |file: PathBuf| {
        let words = fs::read(file.join("cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    };
    all.filter(|one| has(one.path())).count()
}

#[test]
fn power_off_ends_all_that_a_program_has_started_and_power_on_starts_it_again() {
    if !is_permitted() {
        return;
    }
    let mark = format!("3{}.25", std::process::id());
    // It forks away, into a session of its own.
    let script = format!("(setsid sleep {mark} &) ; sleep {mark} & echo up; wait");
    let mut started = program(&["sh", "-c", &script]);
    for _ in 0..2 {
        started.program.on().expect("it starts");
        started.waits_for(|it| it.printed().contains("up"));
        started.waits_for(|_| called_with(&mark) == 2);
        started.program.off();
        assert_eq!(called_with(&mark), 0);
        started.printed.lock().expect("no panic").clear();
    }
    started.program.on().expect("it starts");
    started.waits_for(|_| called_with(&mark) == 2);
    drop(started);
    assert_eq!(called_with(&mark), 0, "dropped, it has no power");
}

#[test]
fn a_program_has_the_address_and_the_gateway_that_it_is_given_and_answers_over_its_cable() {
    if !is_permitted() {
        return;
    }
    let mut started = program(&["sh", "-c", "cat /proc/net/route; exec sleep 60"]);
    started.program.on().expect("it starts");
    // 192.168.7.1, as the kernel writes it.
    started.waits_for(|it| it.printed().contains("eth0\t00000000\t0107A8C0"));
    let asks = arp_request();
    let cable = started.program.cable();
    let mut answered = false;
    started.waits_for(|_| {
        cable.send(&asks).expect("it is plugged in");
        let take = &mut |frame: &[u8]| {
            let is_reply = frame.get(12..14) == Some(&[0x08, 0x06]) && frame.get(21) == Some(&2);
            answered |= is_reply && frame.get(28..32) == Some(&ADDRESS.octets());
        };
        cable.receive(Duration::from_millis(100), take).expect("it can be read");
        answered
    });
    started.program.off();
    assert!(cable.send(&asks).is_err(), "its cable is pulled");
}

fn arp_request() -> Vec<u8> {
    let (all, gateway) = ([0xFF; 6], [0x02, 0, 0, 0, 0, 0x01]);
    let head = [&all[..], &gateway, &[0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]].concat();
    [&head[..], &gateway, &GATEWAY.octets(), &[0; 6], &ADDRESS.octets()].concat()
}

#[test]
fn how_a_program_ends_is_reported() {
    if !is_permitted() {
        return;
    }
    for (script, end) in
        [("exit 3", ProgramEnd::Code(3)), ("kill -SEGV $$", ProgramEnd::Signal(11))]
    {
        let mut started = program(&["sh", "-c", script]);
        started.program.on().expect("it starts");
        assert_eq!(started.news(), ProgramNews::Ended { end, others: false }, "{script}");
    }
    let mut daemon = program(&["sh", "-c", "setsid sleep 0.5 & exit 0"]);
    daemon.program.on().expect("it starts");
    let end = ProgramEnd::Code(0);
    assert_eq!(daemon.news(), ProgramNews::Ended { end, others: true });
    assert_eq!(daemon.news(), ProgramNews::Empty);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    if !is_permitted() {
        return;
    }
    let mut started = program(&["/nowhere/camera"]);
    match started.program.on() {
        Err(ProgramError::Helper(text)) => {
            assert!(text.contains("failed to start /nowhere/camera"), "{text}");
        }
        other => panic!("{other:?}"),
    }
}
