//! Duration of switching a board: when within that time it got or lost its power, is not known.

use parallax_record::Event;
use std::time::{Duration, Instant};

/// In the middle of a run the scenario says when the power goes and comes: later than this is not when.
const LATE: Duration = Duration::from_millis(500);

/// A board was switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Switched {
    /// On, or off.
    pub(crate) on: bool,
    /// When what switches it was started, by the host's clock.
    pub(crate) host_ns: u64,
    /// Until it had ended.
    pub(crate) took: Duration,
}

impl Switched {
    /// Switches, and says how long that took.
    pub(crate) fn by<E>(on: bool, switch: impl FnOnce() -> Result<(), E>) -> Result<Self, E> {
        let (host_ns, begun) = (parallax_board::now_ns(), Instant::now());
        switch()?;
        Ok(Self { on, host_ns, took: begun.elapsed() })
    }

    /// The note on it; `scripted`: the scenario says when.
    pub(crate) fn events(&self, peer: &str, scripted: bool) -> Vec<Event> {
        let way = if self.on { "on" } else { "off" };
        let (took, late) = (self.took.as_millis(), LATE.as_millis());
        let mut events =
            vec![Event::Note { text: format!("its power was switched {way} within {took} ms") }];
        if scripted && self.took > LATE {
            events.push(Event::LabFellShort {
                text: format!(
                    "the power of {peer} was switched {way} within {took} ms, and more than {late} ms is not \
                     when the scenario has it"
                ),
            });
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_took_is_told_and_in_doubt_where_the_scenario_says_when() {
        let switched = |millis| {
            let took = Duration::from_millis(millis);
            Switched { on: false, host_ns: 0, took }
        };
        let note =
            |millis| Event::Note { text: format!("its power was switched off within {millis} ms") };
        assert_eq!(switched(500).events("door", true), [note(500)]);
        assert_eq!(switched(2_345).events("door", false), [note(2_345)]);
        let late = switched(2_345).events("door", true);
        let [told, Event::LabFellShort { text }] = &late[..] else { panic!("{late:?}") };
        assert_eq!(*told, note(2_345));
        assert!(text.contains("door was switched off within 2345 ms"), "{text}");
    }

    #[test]
    fn what_was_not_switched_took_no_time() {
        assert_eq!(Switched::by(true, || Err("no relay")), Err("no relay"));
        assert!(Switched::by(true, || Ok::<_, &str>(())).is_ok_and(|switched| switched.on));
    }
}
