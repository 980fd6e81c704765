//! Power by commands.

use parallax_board::{CommandPower, Power, PowerError};
use std::{fs, time::Duration};
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

fn sh(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn power(on: &str, off: &str) -> CommandPower {
    CommandPower { on: sh(on), off: sh(off), reset: None, pause: Duration::ZERO, limit: LONG }
}

#[test]
fn a_reset_is_off_and_on_unless_it_has_a_command() {
    let folder = TempDir::new().expect("a folder");
    let log = folder.path().join("log");
    let say = |what: &str| format!("echo {what} >> '{}'", log.display());
    let mut power = power(&say("on"), &say("off"));
    power.reset().expect("reset");
    power.reset = Some(sh(&say("reset")));
    power.reset().expect("reset");
    assert_eq!(fs::read_to_string(&log).expect("a log"), "off\non\nreset\n");
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let error =
        power("echo no such hub >&2; echo ask >&2; exit 4", "true").set(true).expect_err("failed");
    let shown = error.to_string();
    assert!(
        shown.contains("exit status: 4") && shown.contains("it said: no such hub; ask"),
        "{shown}"
    );
}

#[test]
fn what_was_left_on_is_told_when_it_is_cleared() {
    assert_eq!(power("false", "echo it was on >&2").clear().expect("it is off"), "it was on");
    assert_eq!(power("false", "true").clear().expect("it is off"), "");
    let error = power("true", "echo no relay >&2; exit 1").clear().expect_err("failed");
    assert!(error.to_string().contains("no relay"), "{error}");
}

#[test]
fn a_command_that_is_not_there_is_told() {
    let mut power = power("true", "true");
    power.on = vec!["parallax-has-no-such-program".into()];
    let error = power.set(true).expect_err("not there");
    assert!(matches!(error, PowerError::NotRun { .. }), "{error}");
    power.on.clear();
    assert!(matches!(power.set(true), Err(PowerError::NotRun { .. })));
}

#[test]
fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let folder = TempDir::new().expect("a folder");
    let pid = folder.path().join("pid");
    let mut power = power(&format!("sleep 1000 & echo $! > '{}'; wait", pid.display()), "true");
    power.limit = Duration::from_secs(2);
    let error = power.set(true).expect_err("too long");
    assert!(matches!(error, PowerError::TimedOut { .. }), "{error}");
    let pid = fs::read_to_string(&pid).expect("it was started");
    // A killed process whose parent is gone may stay as a zombie until it is reaped.
    let alive = |stat: String| !stat.contains(") Z ");
    while fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(alive) {
        std::thread::yield_now();
    }
}

#[test]
fn a_hubs_port_is_switched_by_uhubctl() {
    let power = CommandPower::uhubctl("1-1.4", 2);
    assert_eq!(power.on.join(" "), "uhubctl -l 1-1.4 -p 2 -a on");
    assert_eq!(power.off.join(" "), "uhubctl -l 1-1.4 -p 2 -a off");
}
