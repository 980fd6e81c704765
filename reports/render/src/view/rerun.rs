//! The line that runs a run again.

use crate::escape::tame;
use parallax_record::{Environment, MediaMode, Summary};

/// Flags of `parallax sim` that take their value as the next word.
const WITH_VALUE: [&str; 8] =
    ["--seed", "--seeds", "--only", "--profile", "--media", "--out", "--jobs", "--patience"];

/// The command that runs a run again. A summary knows its scenario by name: where the file was, or that it
/// was named as one that is built in, and which devices were replaced, the command that ran it tells, if `environment` has one that does.
/// Else the reader puts the folder before it.
#[must_use]
pub fn rerun(run: &Summary, environment: Option<&Environment>) -> String {
    if let Some([_, hil, rest @ ..]) = environment.map(|environment| &environment.command_line[..])
        && hil == "hil"
    {
        // What a board did is not in a seed: the command as it was.
        let words: Vec<String> = rest.iter().map(|word| quoted(&tame(word))).collect();
        return format!("parallax hil {}", words.join(" "));
    }
    let file = format!("{}.toml", tame(&run.scenario));
    let Called { file, profiles } = environment
        .and_then(|environment| called(&environment.command_line, &file))
        .unwrap_or_else(|| Called { file: file.clone(), profiles: Vec::new() });
    let media = match run.media_mode {
        MediaMode::Live => "",
        MediaMode::Prerecorded => " --media prerecorded",
    };
    let profiles: String =
        profiles.iter().map(|profile| format!(" --profile {}", quoted(&tame(profile)))).collect();
    format!("parallax sim {} --seed {}{media}{profiles}", quoted(&tame(&file)), run.seed)
}

/// What a command says of how a scenario ran.
#[derive(Debug, PartialEq, Eq)]
struct Called {
    /// The scenario's file, from where the command was called, or its mere name, as the user gave it.
    file: String,
    /// Which devices were replaced, each `PEER=NAME`.
    profiles: Vec<String>,
}

/// None if it was no `parallax sim`, or does not tell where the file was.
fn called(command: &[String], file: &str) -> Option<Called> {
    let mut words = command.iter().skip(1).map(String::as_str);
    (words.next()? == "sim").then_some(())?;
    let (mut places, mut profiles) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        if let Some(profile) = word.strip_prefix("--profile=") {
            profiles.push(profile.to_owned());
        } else if word == "--profile" {
            profiles.push(words.next()?.to_owned());
        } else if WITH_VALUE.contains(&word) || word == "--memory" {
            words.next()?;
        } else if !word.starts_with('-') {
            places.push(word);
        }
    }
    // A scenario that is built in is named without an ending.
    let is_file = |place: &&&str| place.rsplit('/').next() == Some(file);
    let is_name = |place: &&&str| file.strip_suffix(".toml") == Some(**place);
    let named = places.iter().find(is_file).or_else(|| places.iter().find(is_name));
    let file = match (named, &places[..]) {
        (Some(named), _) => (*named).to_owned(),
        // Its name, which is found in `fixtures/scenarios` or is built in.
        (None, []) => file.trim_end_matches(".toml").to_owned(),
        // A folder is looked into, not what is below it.
        (None, [folder]) if !folder.ends_with(".toml") => {
            format!("{}/{file}", folder.trim_end_matches('/'))
        }
        _ => return None,
    };
    Some(Called { file, profiles })
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=".contains(c);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(command: &str) -> Option<String> {
        let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
        called(&words, "two-homes.toml").map(|called| {
            let profiles: Vec<_> = called.profiles.iter().map(|one| format!(" {one}")).collect();
            format!("{}{}", called.file, profiles.concat())
        })
    }

    #[test]
    fn the_command_tells_where_the_scenario_was_and_which_devices_were_replaced() {
        for (command, told) in [
            ("parallax sim", Some("two-homes")),
            ("parallax sim --seeds 1..3 --out sc", Some("two-homes")),
            ("parallax sim sc/ --jobs 2 --verify", Some("sc/two-homes.toml")),
            ("/x/parallax sim a.toml b/two-homes.toml", Some("b/two-homes.toml")),
            ("parallax sim two-homes.toml --profile a=b --log", Some("two-homes.toml a=b")),
            ("parallax sim --profile=a=b.toml sc", Some("sc/two-homes.toml a=b.toml")),
            ("parallax sim two-homes --seed 40 --media prerecorded", Some("two-homes")),
            ("parallax sim same-lan two-homes --profile a=b", Some("two-homes a=b")),
            ("parallax sim two-homes sc/two-homes.toml", Some("sc/two-homes.toml")),
            ("parallax sim sc/two-homes", Some("sc/two-homes/two-homes.toml")),
            ("parallax sim one two", None),
            ("parallax sim other.toml", None),
            ("parallax hil --bench b.toml", None),
            ("parallax", None),
        ] {
            assert_eq!(file(command).as_deref(), told, "{command}");
        }
    }
}
