//! Values of arguments that take more than a number.

use parallax_record::{MediaMode, beside::Within};
use parallax_scenario::units::{self, UnitError};
use std::{num::NonZeroUsize, ops::RangeInclusive, time::Duration};

/// `A..B`: the seeds from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    /// One seed.
    pub(crate) fn one(seed: u64) -> Self {
        Self { first: seed, last: seed }
    }

    /// All of them, in order.
    pub(crate) fn all(self) -> RangeInclusive<u64> {
        self.first..=self.last
    }

    /// How many they are.
    pub(crate) fn count(self) -> u128 {
        u128::from(self.last - self.first) + 1
    }
}

impl std::fmt::Display for Seeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.count() {
            1 => write!(f, "seed {}", self.first),
            _ => write!(f, "seeds {} to {}", self.first, self.last),
        }
    }
}

/// Reads `A..B`.
pub(crate) fn seeds(text: &str) -> Result<Seeds, String> {
    const CURE: &str = "\n  help: write the first and the last seed, both run: `1..200`";
    let Some((first, last)) = text.split_once("..") else {
        return Err(format!("it is not a range of seeds{CURE}"));
    };
    let seed = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).ok_or_else(|| {
            let most = u64::MAX;
            format!("`{text}` is not a seed, a whole number from 0 to {most}{CURE}")
        })
    };
    let (first, last) = (seed(first)?, seed(last)?);
    if first > last {
        return Err(format!("the range is empty\n  help: write `{last}..{first}`"));
    }
    Ok(Seeds { first, last })
}

/// Reads how many runs go on at once.
pub(crate) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let help = "it is not a number of runs\n  help: write a whole number from 1 up";
    text.parse().map_err(|_| help.to_owned())
}

/// `PEER=NAME`: another device for a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceChoice {
    /// The peer.
    pub(crate) peer: String,
    /// The profile's name, or its file.
    pub(crate) profile: String,
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.peer, self.profile)
    }
}

/// Reads `PEER=NAME`.
pub(crate) fn device(text: &str) -> Result<DeviceChoice, String> {
    match text.split_once('=') {
        Some((peer, profile)) if !peer.is_empty() && !profile.is_empty() => {
            Ok(DeviceChoice { peer: peer.to_owned(), profile: profile.to_owned() })
        }
        _ => Err("it does not say which peer gets which profile\n  help: write the peer's name, \
                  `=`, and a profile or a file that ends in .toml: `doorbell=esp32-p4`"
            .to_owned()),
    }
}

/// A browser that may be the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum BrowserChoice {
    /// The one that this machine has as `chromium`.
    Chromium,
}

/// Where media come from, in place of what scenarios say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MediaChoice {
    /// Frames are encoded and decoded during the run.
    Live,
    /// A recording is sent as it is: fast, and of pictures nothing is known.
    Prerecorded,
}

impl MediaChoice {
    /// What scenarios and records call it.
    pub(crate) fn mode(self) -> MediaMode {
        match self {
            Self::Live => MediaMode::Live,
            Self::Prerecorded => MediaMode::Prerecorded,
        }
    }

    /// What the command line calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Prerecorded => "prerecorded",
        }
    }
}

/// Reads how long a run may stand still.
pub(crate) fn patience(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_millis(100);
    let patience = units::duration(text).map_err(told)?;
    if patience < LEAST {
        return Err("no run can be that quick\n  help: write 100ms or more".to_owned());
    }
    Ok(patience)
}

/// Reads how long a board is leased or waited for.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    const MOST: Duration = Duration::from_secs(90 * 24 * 3_600);
    let span = units::duration(text).map_err(told)?;
    if span.is_zero() || span > MOST {
        return Err("a lease cannot last that long\n  help: write more than nothing, and 2160h (90 days) at \
                    most: `2h`"
            .to_owned());
    }
    Ok(span)
}

/// Reads how far simulation and measurement may be apart: `10%,5ms`, or `range,10%`.
pub(crate) fn within(text: &str) -> Result<Within, String> {
    let wrong = |what: &str| {
        format!(
            "{what}\n  help: write percent and a time: `10%,5ms`, or `range,10%` for that of the simulated runs"
        )
    };
    let (first, second) = text.split_once(',').ok_or_else(|| wrong("there is no comma in it"))?;
    let range = first.trim() == "range";
    if range && second.contains(',') {
        return Err(wrong("a range takes a percent alone"));
    }
    let (percent, time) = if range { (second, "") } else { (first, second) };
    let percent = percent.trim().strip_suffix('%').ok_or_else(|| match range {
        true => wrong("its second part has no %"),
        false => wrong("its first part has no %"),
    })?;
    let percent = percent.trim().parse::<u32>().ok().filter(|percent| *percent <= 1_000);
    let percent = percent.ok_or_else(|| wrong("its percent is no whole number up to 1000"))?;
    if range && percent >= 100 {
        return Err(wrong("a range that is widened by 100 % has no lower end"));
    }
    if range {
        return Ok(Within::Range { percent });
    }
    let time = units::duration(time.trim()).map_err(told)?;
    let us = u64::try_from(time.as_micros()).map_err(|_| wrong("its time is too long"))?;
    Ok(Within::Medians { percent, us })
}

/// Reads an owner's name.
pub(crate) fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an owner needs a name\n  help: write a name: `anna`, `ci-job-17`".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// Reads how much memory a worker may have, bytes.
pub(crate) fn memory(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 64 << 20;
    let memory = units::memory(text).map_err(told)?;
    if memory < LEAST {
        return Err("no run can do with that little\n  help: write 64MiB or more".to_owned());
    }
    Ok(memory)
}

fn told(UnitError { wrong, cure }: UnitError) -> String {
    format!("{wrong}\n  help: {cure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_seeds_has_both_its_ends() {
        let range = seeds("7..9").expect("a range");
        assert_eq!(range.all().collect::<Vec<_>>(), [7, 8, 9]);
        assert_eq!((range.count(), range.to_string().as_str()), (3, "seeds 7 to 9"));
        assert_eq!(seeds("4..4").expect("a range"), Seeds::one(4));
        assert_eq!(Seeds::one(4).to_string(), "seed 4");
        let whole = seeds("0..18446744073709551615").expect("a range");
        assert_eq!(whole.count(), 1 << 64);
    }

    #[test]
    fn what_is_no_range_of_seeds_is_refused_with_a_cure() {
        for (text, wrong) in [
            ("5", "not a range"),
            ("", "not a range"),
            ("1..", "`` is not a seed"),
            ("..5", "`` is not a seed"),
            ("1..=5", "`=5` is not a seed"),
            ("-1..5", "`-1` is not a seed"),
            ("+1..5", "`+1` is not a seed"),
            ("1..18446744073709551616", "`18446744073709551616` is not a seed"),
            ("9..7", "the range is empty"),
        ] {
            let error = seeds(text).expect_err(text);
            assert!(error.contains(wrong) && error.contains("help: write"), "{text}: {error}");
        }
    }

    #[test]
    fn values_have_units_and_are_not_absurd() {
        assert_eq!(patience("1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(memory("4GiB"), Ok(4 << 30));
        assert_eq!(span("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(name(" anna "), Ok("anna".to_owned()));
        for error in [
            span("0s").expect_err("nothing"),
            span("2161h").expect_err("too long"),
            name(" ").expect_err("nobody"),
            patience("60").expect_err("no unit"),
            patience("1ms").expect_err("too short"),
            memory("4GB").expect_err("no such unit"),
            memory("1KiB").expect_err("too little"),
        ] {
            assert!(error.contains("help: "), "{error}");
        }
    }

    #[test]
    fn a_device_is_for_a_peer() {
        let read = device("doorbell=my/own=1.toml").expect("a device");
        assert_eq!((&*read.peer, &*read.profile), ("doorbell", "my/own=1.toml"));
        for text in ["doorbell", "=phone", "doorbell=", ""] {
            assert!(device(text).expect_err(text).contains("help: write"));
        }
    }
}
