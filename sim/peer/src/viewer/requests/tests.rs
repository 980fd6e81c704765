use super::*;
use proptest::prelude::*;
use std::time::Duration;

const MS: u64 = 1_000_000;

fn requests(tries: u16) -> Requests {
    Requests::new(Nack { interval: Duration::from_millis(20), tries })
}

#[test]
fn a_missing_packet_is_asked_for_once_in_a_round_trip() {
    let mut requests = requests(3);
    requests.handle(0, 65_534, 1);
    requests.handle(0, 1, 2);
    assert_eq!(requests.poll(4 * MS, 100 * MS), [] as [u16; 0]);
    assert_eq!(requests.next_deadline(100 * MS), Some(5 * MS));
    assert_eq!(requests.poll(5 * MS, 100 * MS), [65_535, 0]);
    assert_eq!(requests.poll(104 * MS, 100 * MS), [] as [u16; 0]);
    assert_eq!(requests.handle(104 * MS, 0, 2), Some(99 * MS));
    assert_eq!(requests.poll(105 * MS, 100 * MS), [65_535]);
    // Which request this one answers is not known.
    assert_eq!(requests.handle(120 * MS, 65_535, 1), None);
    assert_eq!(requests.next_deadline(100 * MS), None);
}

#[test]
fn the_last_try_is_waited_for_and_then_the_packet_is_given_up() {
    let mut requests = requests(2);
    requests.handle(0, 10, 1);
    requests.handle(0, 12, 2);
    assert_eq!(requests.poll(5 * MS, MS), [11]);
    assert_eq!(requests.poll(25 * MS, MS), [11]);
    // Two intervals after the second try.
    assert_eq!(requests.next_deadline(MS), Some(65 * MS));
    assert_eq!(requests.poll(65 * MS, MS), [] as [u16; 0]);
    assert_eq!(requests.next_deadline(MS), None);
}

/// A hundred packets wait in the camera's pacer for five round trips.
#[test]
fn answers_that_take_longer_than_a_round_trip_are_waited_for_longer_each_time() {
    let mut requests = requests(5);
    requests.handle(0, 10, 1);
    requests.handle(0, 12, 2);
    let asked_ms: Vec<u64> =
        (0..700).filter(|ms| !requests.poll(ms * MS, 100 * MS).is_empty()).collect();
    assert_eq!(asked_ms, [5, 105, 305, 605]);
}

#[test]
fn a_packet_out_of_order_is_not_asked_for_and_the_next_one_is_waited_for() {
    let mut requests = requests(5);
    requests.handle(0, 1, 1);
    requests.handle(0, 3, 1);
    assert_eq!(requests.handle(4 * MS, 2, 1), None);
    assert_eq!(requests.poll(100 * MS, MS), [] as [u16; 0]);
    // One that came 4 ms late waits for 5 ms still; one that comes 5 ms late and more makes it longer.
    requests.handle(200 * MS, 6, 1);
    assert_eq!(requests.next_deadline(MS), Some(205 * MS));
    requests.handle(208 * MS, 4, 1);
    assert_eq!(requests.next_deadline(MS), Some(210 * MS));
}

#[test]
fn frames_that_are_done_with_are_not_asked_for() {
    let mut requests = requests(5);
    let shown = u32::MAX - 1;
    requests.handle(0, 1, shown);
    requests.handle(0, 3, shown);
    requests.handle(0, 5, 4);
    requests.done(shown);
    assert_eq!(requests.poll(5 * MS, MS), [4]);
    requests.done(4);
    assert_eq!(requests.next_deadline(MS), None);
}

#[test]
fn a_jump_is_no_loss() {
    let mut requests = requests(5);
    requests.handle(0, 1, 1);
    requests.handle(0, 1 + MOST as u16 + 1, 2);
    assert_eq!(requests.next_deadline(MS), None);
    requests.handle(0, MOST as u16 + 4, 2);
    assert_eq!(requests.poll(5 * MS, MS).len(), 1);
}

/// What a path does to packets in their order: lost, or late by this number.
fn path() -> impl Strategy<Value = Vec<(Option<u8>, u8)>> {
    let fate = prop_oneof![3 => Just(Some(0)), 1 => Just(None), 1 => (1..40_u8).prop_map(Some)];
    prop::collection::vec((fate, 0..30_u8), 1..400)
}

proptest! {
    #[test]
    fn no_packet_is_asked_for_too_early_too_often_or_for_nothing(
        path in path(), first in any::<u16>(), tries in 1..6_u16, answer_ms in 1..300_u64,
    ) {
        let mut requests = requests(tries);
        let mut arrivals = Vec::new();
        let mut at_ms = 0;
        for (n, (late, gap)) in path.iter().enumerate() {
            at_ms += u64::from(*gap);
            if let Some(late) = late {
                arrivals.push((at_ms + u64::from(*late), first.wrapping_add(n as u16)));
            }
        }
        arrivals.sort();
        let mut asked: BTreeMap<u16, Vec<u64>> = BTreeMap::new();
        let mut came: BTreeMap<u16, u64> = BTreeMap::new();
        let mut arrivals = arrivals.into_iter().peekable();
        let answer_ns = answer_ms * MS;
        loop {
            let deadline = requests.next_deadline(answer_ns);
            let arrival = arrivals.peek().map(|(at, _)| at * MS);
            let Some(now) = deadline.into_iter().chain(arrival).min() else { break };
            if arrival == Some(now) {
                let (_, sequence) = arrivals.next().expect("it was seen");
                requests.handle(now, sequence, 0);
                came.entry(sequence).or_insert(now);
            }
            for sequence in requests.poll(now, answer_ns) {
                prop_assert!(!came.contains_key(&sequence), "{sequence} is here");
                asked.entry(sequence).or_default().push(now);
            }
            prop_assert!(requests.missing.len() <= MOST);
            prop_assert!(requests.next_deadline(answer_ns).is_none_or(|next| next > now));
        }
        for (sequence, times) in &asked {
            prop_assert!(times.len() <= usize::from(tries));
            prop_assert!(sequence.wrapping_sub(first) < path.len() as u16);
            for pair in times.windows(2) {
                prop_assert!(pair[1] - pair[0] >= answer_ns.max(20 * MS));
            }
        }
        // What was lost, and after which one came, was asked for as often as that may be.
        let newest = came.keys().map(|sequence| sequence.wrapping_sub(first)).max();
        let oldest = came.iter().min_by_key(|(_, at)| **at).map(|(sequence, _)| sequence.wrapping_sub(first));
        for (n, (late, _)) in path.iter().enumerate() {
            let n = n as u16;
            if late.is_none() && Some(n) < newest && Some(n) > oldest {
                let sequence = first.wrapping_add(n);
                prop_assert_eq!(asked.get(&sequence).map(Vec::len), Some(usize::from(tries)));
            }
        }
    }
}
