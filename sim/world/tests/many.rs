//! Many peers in one world.

#[path = "../benches/many/street.rs"]
mod street;

use parallax_record::{Entry, Event};
use parallax_world::{Guards, Sinks, run};
use std::collections::BTreeMap;

#[test]
fn a_hundred_peers_see_or_send_their_pictures() {
    let mut rendered: BTreeMap<(String, String), u32> = BTreeMap::new();
    let entry = |Entry { node, event, .. }: Entry| {
        if let Event::FrameRendered { session, .. } = event {
            assert_eq!(node, session.viewer);
            *rendered.entry((session.camera, session.viewer)).or_default() += 1;
        }
    };
    let sinks = Sinks { entry: Box::new(entry), packet: None };
    run(&street::street(100, 12), 1, Guards::default(), sinks).expect("a run");
    assert_eq!(rendered.len(), 50);
    for ((camera, viewer), frames) in rendered {
        assert_eq!(camera.strip_prefix("doorbell"), viewer.strip_prefix("phone"));
        // 180 are filmed. Booting and setting up takes some 3 s, and twice that with bad luck.
        assert!(frames > 60, "{viewer} shows {frames} frames");
    }
}
