//! Logs of libraries in a worker: taken from `tracing` and `log` alike, with the run's time.
//!
//! Nothing here draws randomness, makes a hash map or starts a thread: a run is the same whether
//! there is a subscriber or not.

use crate::{output, protocol::WorkerMessage};
use std::{fmt, fmt::Write, str::FromStr, time::Duration};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};
use tracing_subscriber::filter::Targets;

/// Which logs are shown.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// As the user wrote it.
    pub(crate) text: String,
    targets: Targets,
}

/// Reads a filter.
pub(crate) fn filter(text: &str) -> Result<Filter, String> {
    const CURE: &str = "\n  help: write levels (error, warn, info, debug, trace, off), for all \
                        or for one library: `debug`, `warn,rtc_ice=trace`";
    // A library's name has neither: a file was written after the flag.
    if text.contains('/') || text.ends_with(".toml") {
        return Err(
            "it looks like a file\n  help: write `--log=info FILE`, or --log last".to_owned()
        );
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || "_:=-,".contains(c);
    let empty = text.split(',').any(|part| part.is_empty() || part.starts_with('='));
    if empty || !text.chars().all(letters) {
        return Err(format!("it is not a filter{CURE}"));
    }
    let targets = Targets::from_str(text).map_err(|error| format!("{error}{CURE}"))?;
    let names = text.split(',').map(|part| part.split(['=', ':']).next().unwrap_or(part));
    let is_known = |name: &str| LevelFilter::from_str(name).is_ok() || is_library(name);
    if let Some(strange) = names.into_iter().find(|name| !is_known(name)) {
        return Err(format!(
            "`{strange}` is no level, and no library of this program{CURE}; libraries: webrtc, rtc, rtc_ice, \
             rtc_dtls, rtc_turn, turn_server_proto, turmoil, ..."
        ));
    }
    Ok(Filter { text: text.to_owned(), targets })
}

/// All packages that this program is built from.
const PACKAGES: &str = include_str!("../../Cargo.lock");

/// Whether a library that may log is called so.
fn is_library(name: &str) -> bool {
    let names =
        PACKAGES.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.into_iter().any(|package| package.replace('-', "_") == name)
}

impl Filter {
    fn lets(&self, target: &str, level: Level) -> bool {
        level <= most_of(target) && self.targets.would_enable(target, &level)
    }
}

/// The most that a library may tell, whatever the filter. What goes over a WebSocket is tokens and
/// passwords, and `tungstenite` writes it out at `trace`, byte by byte.
fn most_of(target: &str) -> LevelFilter {
    let library = target.split("::").next().unwrap_or(target);
    match library {
        "tungstenite" | "tokio_tungstenite" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// Tells from now on what `filter` lets through, in this process. `secrets` are blacked out.
///
/// # Errors
/// If there is a subscriber already.
pub(crate) fn listen(filter: Filter, secrets: Vec<String>) -> Result<(), String> {
    let taken = |error: &dyn fmt::Display| format!("failed to listen to logs: {error}");
    let listener = Listener { filter, secrets };
    let logger = Box::leak(Box::new(listener.clone()));
    log::set_logger(logger).map_err(|error| taken(&error))?;
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(listener).map_err(|error| taken(&error))
}

#[derive(Clone, Debug)]
struct Listener {
    filter: Filter,
    secrets: Vec<String>,
}

impl Listener {
    fn tell(&self, level: Level, target: &str, message: &str) {
        let text = self.blacked_out(format!("{level} {target}: {message}"));
        let at = parallax_world::elapsed().unwrap_or(Duration::ZERO);
        output::say(WorkerMessage::Log { at, text }.line());
    }

    fn blacked_out(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[secret]");
            }
        }
        text
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.lets(metadata.target(), *metadata.level())
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let metadata = event.metadata();
        self.tell(*metadata.level(), metadata.target(), &message.whole());
    }

    // Spans are not told.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The fields of an event, its message first.
#[derive(Debug, Default)]
struct Message {
    message: String,
    fields: String,
}

impl Message {
    fn whole(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A text takes what is written to it.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl log::Log for Listener {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        self.filter.lets(metadata.target(), level(metadata.level()))
    }

    fn log(&self, record: &log::Record<'_>) {
        if log::Log::enabled(self, record.metadata()) {
            self.tell(level(record.level()), record.target(), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_has_levels_for_all_or_for_one_library() {
        let read = filter("warn,rtc_ice=trace").expect("a filter");
        assert!(read.lets("rtc_ice::agent", Level::TRACE) && read.lets("rtc", Level::WARN));
        assert!(!read.lets("rtc", Level::INFO));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_a_cure() {
        for text in ["", "rtc_ice=loud", "=info", "info,,debug", "info debug", "rtc[span]=info"] {
            assert!(filter(text).expect_err(text).contains("help: write"), "{text}");
        }
        for misspelt in
            ["debgu", "rtc-ice=trace", "rtc_icy=trace", "warn,webrct", "rtc_icy::agent=debug"]
        {
            let said = filter(misspelt).expect_err(misspelt);
            assert!(said.contains("no library") && said.contains("rtc_ice"), "{misspelt}: {said}");
        }
        for sound in
            ["rtc_ice::agent=debug", "DEBUG", "off,turn_server_proto=trace", "parallax_world=info"]
        {
            assert!(filter(sound).is_ok(), "{sound}");
        }
        for file in ["two-homes.toml", "fixtures/scenarios"] {
            assert!(filter(file).expect_err(file).contains("--log=info FILE"));
        }
    }

    #[test]
    fn bytes_on_the_wire_of_signalling_are_told_to_nobody() {
        let all = filter("trace").expect("a filter");
        assert!(!all.lets("tungstenite::protocol::frame", Level::TRACE));
        assert!(!all.lets("tokio_tungstenite", Level::TRACE));
        assert!(all.lets("tungstenite::protocol::frame", Level::DEBUG));
        let one = filter("tungstenite::protocol=trace").expect("a filter");
        assert!(!one.lets("tungstenite::protocol", Level::TRACE));
    }

    #[test]
    fn secrets_are_blacked_out() {
        let filter = filter("trace").expect("a filter");
        let listener = Listener { filter, secrets: vec!["5ec7e7".to_owned()] };
        let text = listener.blacked_out("token=5ec7e7, again \"5ec7e7\"".to_owned());
        assert_eq!(text, "token=[secret], again \"[secret]\"");
    }
}
