//! Checkups of process boards: a healthy one, and what keeps others from runs, each with whose doing it is.

mod patient;

use parallax_bench::{Blame, BoardPlace, Checkup, check};
use parallax_scenario::{Builtin, Profiles as _};
use patient::patiently;
use std::{ffi::OsString, fs, thread};
use tempfile::TempDir;

/// What a checkup of a board on which these go wrong came to, and its transcript.
fn checkup(faults: &[&str]) -> (Option<Blame>, String) {
    let mut profile = Builtin.find("process-board").expect("it ships").expect("it is sound");
    // A boot has 6 s.
    profile.console.as_mut().expect("it has one").timeout_factor_per_mille = 300;
    let folder = TempDir::new().expect("a folder");
    let transcript = folder.path().join("health.txt");
    let mut command = vec![OsString::from(env!("CARGO_BIN_EXE_parallax-process-board"))];
    command.extend(faults.iter().flat_map(|fault| ["--fault".into(), fault.into()]));
    let blame = check(&Checkup {
        board: "virtual",
        place: &BoardPlace::Process,
        hold: None,
        profile: &profile,
        command: &command,
        transcript: &transcript,
        stop: Default::default(),
    });
    (blame.expect("it can be looked at"), fs::read_to_string(transcript).expect("it is kept"))
}

#[test]
fn a_checkup_tells_a_healthy_board_and_whose_doing_it_is_that_another_is_not() {
    patiently(|| {
        let boards = [&[][..], &["panic@on+400"], &["no-agent"], &["refused"], &["silent"]];
        // They wait for most of their time.
        let all = thread::scope(|scope| {
            let all = boards.map(|faults| scope.spawn(move || checkup(faults)));
            all.map(|one| one.join().expect("it ends"))
        });
        let [(healthy, transcript), (panics, _), (bare, _), (refuses, _), (silent, _)] = all;
        assert_eq!(healthy, None, "{transcript}");
        assert!(transcript.contains("bye") && !transcript.contains("order"), "{transcript}");
        let Some(Blame::Device(why)) = panics else { panic!("{panics:?}") };
        assert!(why.contains("it panicked"), "{why}");
        let Some(Blame::Lab(why)) = bare else { panic!("{bare:?}") };
        assert!(why.contains("there is no parallax-agent") && why.contains("help: "), "{why}");
        let Some(Blame::Lab(why)) = refuses else { panic!("{refuses:?}") };
        assert!(why.contains("it refused the login"), "{why}");
        let Some(Blame::Unknown(why)) = silent else { panic!("{silent:?}") };
        assert!(why.contains("not a byte came") && why.contains("help: "), "{why}");
    });
}
