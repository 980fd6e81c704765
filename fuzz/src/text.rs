//! Files that a user writes.

use parallax_console::Pattern;
use parallax_scenario::{Builtin, ScenarioErrors, parse, profile as profiles};

/// The message that a user would get; each problem has a cure, and a place where it has a file.
fn told(errors: ScenarioErrors) -> String {
    for problem in errors.problems() {
        assert!(!problem.cure().is_empty(), "{problem}: no cure");
        assert!(problem.file().is_none() || problem.line().is_some(), "{problem}: no place");
    }
    let first = errors.to_string();
    format!("{first}\n{:?}", miette::Report::new(errors))
}

/// A scenario.
pub fn scenario(data: &[u8]) {
    let read = || match parallax_scenario::decode("case.toml", data) {
        Err(errors) => told(errors),
        Ok(text) => match parse("case.toml", text, &Builtin) {
            Ok(scenario) => format!("{scenario:?}"),
            Err(errors) => told(errors),
        },
    };
    assert_eq!(read(), read());
}

/// A device profile, and the patterns in it.
pub fn profile(data: &[u8]) {
    let Ok(text) = parallax_scenario::decode("own.toml", data) else { return };
    let read = match profiles::parse("own.toml", text) {
        Ok(read) => read,
        Err(errors) => {
            told(errors);
            return;
        }
    };
    let Some(console) = &read.console else { return };
    let firmware = read.firmware.iter().flat_map(|firmware| {
        [&firmware.started, &firmware.joined, &firmware.connected, &firmware.failed]
    });
    let lists = [&console.banners, &console.panics, &console.watchdogs].into_iter().chain(firmware);
    for text in lists.flatten().chain([&console.prompt]) {
        match Pattern::new(text) {
            // A match is bounded, whatever it is looked for in.
            Ok(pattern) => drop(pattern.is_in(&[b'a'; 4096])),
            Err(error) => assert!(!error.what().is_empty() && !error.help().is_empty()),
        }
    }
}
