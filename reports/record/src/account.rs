//! What is said of a run as a whole, beside its checks.

use crate::event::Event;
use crate::record::Record;
use std::collections::{BTreeMap, BTreeSet};

/// Why no check is believed: packets came later than the run allows, and then good and bad may both be
/// the machine's doing; the run was cut short; the lab lost
/// frames or switched too late; or a clock jumped.
pub(crate) fn doubts(record: &Record) -> Vec<String> {
    let doubt = |event: &Event| match event {
        Event::Lateness { packets, p99_us, max_us, budget_us, .. } if p99_us > budget_us => {
            Some(format!(
                "the lab was late: 99 % of {packets} packets within {p99_us} us, the latest {max_us} us, \
                 {budget_us} us allowed"
            ))
        }
        // One stall may cost many frames, and is one of a hundred packets.
        Event::Lateness { max_us, budget_us, .. } if *max_us > budget_us.saturating_mul(10) => {
            Some(format!(
                "the lab stood still: a packet was {max_us} us late, ten times what 99 % of them may \
                 be ({budget_us} us)"
            ))
        }
        Event::CutShort { text } | Event::LabFellShort { text } => Some(text.clone()),
        _ => None,
    };
    let mut doubts: Vec<String> =
        record.entries.iter().filter_map(|entry| doubt(&entry.event)).collect();
    let jumped = record.entries.iter().filter(|entry| entry.event == Event::ClockJumped);
    let jumped: BTreeSet<&str> = jumped.map(|entry| entry.node.as_str()).collect();
    for node in jumped {
        doubts.push(format!("the clock of {node} jumped, or drifts more than a clock may"));
    }
    for (node, messages) in unheard(record) {
        doubts.push(format!("{messages} of what {node} said was lost on its console"));
    }
    doubts
}

/// How many messages of each node are missing, of those where some are.
fn unheard(record: &Record) -> BTreeMap<&str, u64> {
    let mut missing = BTreeMap::new();
    for entry in &record.entries {
        if let Event::Unheard { messages: messages @ 1.., .. } = entry.event {
            *missing.entry(entry.node.as_str()).or_default() += messages;
        }
    }
    missing
}

/// The texts of events of one kind, with the node that each is about.
pub(crate) fn texts(record: &Record, of: impl Fn(&Event) -> Option<&String>) -> Vec<String> {
    let told = |(node, text): (&String, &String)| format!("{node}: {text}");
    let all = record.entries.iter();
    all.filter_map(|entry| Some((&entry.node, of(&entry.event)?))).map(told).collect()
}
