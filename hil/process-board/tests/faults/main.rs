//! Faults on a process board, and in the lab around it: for each the class and the verdict that
//! `docs/bench-faults.md` states in its table, a row for each test here.

mod bench;
#[path = "../patient/mod.rs"]
mod patient;

use bench::{Bench, Left, Standing, all, bench};
use parallax_board::Recorder;
use parallax_scenario::ConsoleTraits;
use patient::patiently;
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::Duration,
};

// The device failed.

#[test]
fn a_board_that_falls_silent_in_mid_stream_has_failed() {
    patiently(|| {
        bench(&["silent@agent+1500"], 15).run().device(&["its agent has said nothing for 3 s"]);
    });
}

#[test]
fn a_board_that_boots_again_and_again_has_failed() {
    patiently(|| {
        bench(&["boot-loop"], 15).run().device(&["it boots again and again", "first stage"]);
    });
}

#[test]
fn a_board_that_panics_has_failed_while_it_boots_and_in_mid_stream() {
    patiently(|| {
        let boards = all([bench(&["panic@on+400"], 15), bench(&["panic@agent+1500"], 15)]);
        for left in boards {
            left.device(&["it panicked", "Kernel panic - not syncing: Fatal exception"]);
            left.transcript_has("Fatal exception in interrupt");
        }
    });
}

#[test]
fn a_board_whose_watchdog_bites_has_failed() {
    patiently(|| {
        let left = bench(&["watchdog@agent+1500"], 15).run();
        left.device(&["its watchdog bit", "Reset cause: WDOG"]);
    });
}

#[test]
fn a_board_that_resets_in_mid_stream_has_failed() {
    patiently(|| {
        let left = bench(&["reset@agent+1500"], 15).run();
        left.device(&[
            "a reset that was neither typed nor announced",
            "Parallax process board, first stage",
        ]);
    });
}

#[test]
fn a_board_that_ends_with_its_port_has_failed() {
    patiently(|| {
        let left = bench(&["exit=3@agent+1500"], 15).run();
        left.device(&["its process ended: exit status: 3"]).transcript_has("unplugged");
    });
}

#[test]
fn a_board_whose_agent_is_killed_has_failed() {
    patiently(|| {
        let [killed, memory] =
            all([bench(&["killed@agent+1500"], 15), bench(&["out-of-memory@agent+1500"], 15)]);
        killed.device(&["its agent was killed by signal 9", "it said last: Killed"]);
        memory.device(&["its agent was killed by signal 9"]).transcript_has("Out of memory");
    });
}

// The lab failed.

#[test]
fn a_port_that_another_program_holds_is_the_labs() {
    patiently(|| {
        let left = bench(&["locked"], 15).run();
        left.lab(&["failed to open", "another program holds it", "`fuser "]);
    });
}

#[test]
fn a_port_that_is_plugged_in_again_and_cannot_be_opened_is_the_labs() {
    patiently(|| {
        let left = bench(&["unplugged=200@agent+1000", "locked@agent"], 15).run();
        left.lab(&["its port is there again", "another program holds it"]);
        left.notes_that("its port is gone");
    });
}

#[test]
fn a_board_without_an_agent_is_the_labs() {
    patiently(|| {
        bench(&["no-agent"], 15)
            .run()
            .lab(&["there is no parallax-agent on the board", "help: install"]);
    });
}

#[test]
fn a_board_that_refuses_the_login_is_the_labs() {
    patiently(|| {
        bench(&["refused"], 15)
            .run()
            .lab(&["it refused the login", "help: look at user and password"]);
    });
}

#[test]
fn a_run_that_is_longer_than_its_profile_lets_it_be_is_the_labs() {
    patiently(|| {
        let run = bench(&[], 15);
        let profile = |console: &mut ConsoleTraits| {
            console.run_timeout = Duration::from_secs(10);
        };
        // Three tenths of it, as the factor says.
        let left = Bench { profile, ..run }.run();
        left.lab(&["its agent was broken off", "`run_timeout` of its profile"]);
        assert!(
            left.record.header.duration_us < 15_000_000,
            "it was to be longer, and ended before"
        );
    });
}

// Nothing can be said.

#[test]
fn a_board_that_is_silent_from_power_on_may_have_no_power_or_no_wire() {
    patiently(|| {
        let left = bench(&["silent"], 15).run();
        left.inconclusive(&["not a byte came", "`boot_timeout`", "help: see whether it has power"]);
    });
}

/// Of a wire that is noisy once the agent runs: what was damaged is counted, or the first word of the agent
/// was lost, which is told as well.
fn noisy(left: &Left) {
    left.inconclusive(&[]);
    let counted = left.notes().iter().any(|note| note.contains("its console came damaged"));
    let unheard = left.summary.doubts.iter().any(|doubt| doubt.contains("has said nothing in 3 s"));
    assert!(counted || unheard, "{:?} {:?}", left.summary.doubts, left.notes());
}

#[test]
fn garbage_on_the_wire_is_counted_and_neither_passes_nor_fails() {
    patiently(|| {
        let faults = [["garbage=1@agent"], ["garbage=10@agent"], ["garbage=100@agent"]];
        all(faults.each_ref().map(|fault| bench(fault, 6))).iter().for_each(noisy);
    });
}

#[test]
fn bytes_that_are_lost_on_the_wire_are_counted_and_neither_pass_nor_fail() {
    patiently(|| {
        let faults = [["dropped=1@agent"], ["dropped=10@agent"], ["dropped=100@agent"]];
        all(faults.each_ref().map(|fault| bench(fault, 6))).iter().for_each(noisy);
    });
}

#[test]
fn a_board_that_cannot_be_understood_while_it_boots_did_not_come_up_for_whatever_reason() {
    patiently(|| {
        bench(&["garbage=200"], 15)
            .run()
            .inconclusive(&["it did not come up", "`parallax replay`"]);
    });
}

#[test]
fn logs_within_the_lines_of_the_agent_are_counted_gaps_and_no_guesses() {
    patiently(|| {
        let left = bench(&["interleaved=7@agent+2500"], 7).run();
        left.inconclusive(&["of what doorbell said was lost on its console"]);
        left.notes_that("of its console came damaged").transcript_has("usb 1-1: new device");
        assert!(left.captured().count() > 0, "what came whole is told");
    });
}

#[test]
fn a_console_that_takes_nothing_any_more_is_told_and_the_run_ends() {
    patiently(|| {
        let left = bench(&["deaf@agent+1500"], 6).run();
        left.inconclusive(&["1 of what doorbell said was lost"]).notes_that("not taken in time");
        left.notes_that("the agent did not end when it was told to");
    });
}

#[test]
fn what_is_typed_faster_than_a_board_takes_it_is_lost_and_its_profile_is_the_cure() {
    patiently(|| {
        let profile = |console: &mut ConsoleTraits| {
            console.transmit_chunk_bytes = 4;
            console.transmit_delay = Duration::from_millis(5);
        };
        let slow = Bench { profile, ..bench(&["overrun=48"], 8) };
        let [lost, slow] = all([bench(&["overrun=48"], 15), slow]);
        lost.inconclusive(&["`transmit_delay`"]);
        assert!(slow.starts(), "{:?} {:?}", slow.summary, slow.notes());
    });
}

#[test]
fn a_port_that_is_gone_for_good_may_be_the_cables_or_the_boards() {
    patiently(|| {
        let boards = all([bench(&["unplugged@agent+1000"], 15), bench(&["unplugged@on+400"], 15)]);
        for left in boards {
            left.inconclusive(&["its port was gone, and did not come back"])
                .transcript_has("unplugged");
        }
    });
}

#[test]
fn a_board_that_is_on_and_shows_no_prompt_however_often_it_is_asked_is_told_with_the_limit() {
    patiently(|| {
        // Nobody switches it: it is on, and its state unknown.
        let standing = Standing::with(&["silent@on"]);
        let left = Bench { place: standing.place(), ..bench(&[], 15) }.run();
        left.inconclusive(&[
            "not a byte came",
            "a prompt may (`prompt_timeout` of its profile, times its",
        ]);
    });
}

#[test]
fn a_step_that_takes_too_long_is_named() {
    patiently(|| {
        let profile = |console: &mut ConsoleTraits| {
            console.step_timeout = Duration::from_millis(1);
        };
        let left = Bench { profile, ..bench(&[], 15) }.run();
        left.inconclusive(&["its agent did not begin", "`step_timeout` of its profile"]);
    });
}

#[test]
fn a_lab_without_a_processor_is_told_with_the_figure() {
    patiently(|| {
        // No machine is as fast as this: each packet is late.
        let left = Bench { lateness_budget: Some(Duration::ZERO), ..bench(&[], 6) }.run();
        left.inconclusive(&["the lab was late: 99 % of", "packets within", "0 us allowed"]);
    });
}

// The run goes on.

#[test]
fn a_port_that_comes_back_in_any_state_is_found_and_the_outage_is_an_event() {
    patiently(|| {
        let boards = all([bench(&["unplugged=900@on+400"], 9), bench(&["unplugged=500@login"], 9)]);
        for left in boards {
            left.goes_on().notes_that("its port is there again");
            left.transcript_has("unplugged").transcript_has("plugged in");
        }
    });
}

#[test]
fn what_a_board_said_while_its_port_was_gone_is_counted_and_what_it_says_after_is_heard() {
    patiently(|| {
        let left = bench(&["unplugged=500@agent+3000"], 12).run();
        left.inconclusive(&["of what doorbell said was lost on its console"]);
        let [gone, back] =
            ["its port is gone", "its port is there again"].map(|note| left.noted_at(note));
        assert!(left.heard().any(|at| at < gone), "{:?}", left.notes());
        assert!(left.captured().any(|at| at > back), "{:?}", left.notes());
    });
}

#[test]
fn what_an_earlier_run_left_in_the_buffer_is_of_no_account() {
    patiently(|| {
        let left = bench(&["earlier"], 8).run();
        left.goes_on().transcript_has("not syncing: an earlier one");
    });
}

#[test]
fn a_board_at_another_of_its_profiles_rates_is_found() {
    patiently(|| {
        let profile = |console: &mut ConsoleTraits| {
            console.bauds = vec![921_600, 57_600, 115_200];
        };
        let left = Bench { profile, ..bench(&["rate=115200"], 8) }.run();
        left.goes_on().notes_that("its console speaks at 115200 bit/s");
        left.transcript_has("57600 bit/s: tried next");
    });
}

#[test]
fn a_full_disk_costs_the_transcript_and_not_the_verdict() {
    patiently(|| {
        let transcript = |_: &Path| {
            Ok(Recorder::new(Box::new(
                File::options().write(true).open("/dev/full").expect("Linux"),
            )))
        };
        let full = Bench { transcript, ..bench(&[], 7) };
        // Full when the run has begun.
        let transcript = |path: &Path| {
            let file = File::create_new(path).expect("a file");
            Ok(Recorder::new(Box::new(Disk { file, room: 2_000 })))
        };
        let [full, filled] = all([full, Bench { transcript, ..bench(&[], 7) }]);
        full.goes_on().notes_that("the transcript takes no more");
        filled.goes_on().notes_that("the transcript takes no more");
        filled.transcript_has("process-board login: ");
    });
}

/// A disk with room for so many bytes.
struct Disk {
    file: File,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write(bytes.get(..self.room.min(bytes.len())).unwrap_or_default())?;
        self.room -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
