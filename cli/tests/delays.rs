//! The delay of each link: what was configured, and what came out.
#![cfg(target_os = "linux")]

mod support;

use support::Place;

#[test]
fn a_run_states_the_delay_that_came_out_beside_what_was_configured() {
    let case = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/cases/17-delay-variation-shifts-the-mean/jitter.toml"
    );
    let place = Place::with("jitter.toml", &std::fs::read_to_string(case).expect("a case"));
    place.call(&["sim", "jitter.toml", "--out", "out"]).ended(0);
    let links = &place.json("out/summary.json")["runs"][0]["links"];
    let name = |link: &serde_json::Value| [link["site"].clone(), link["direction"].clone()];
    let names: Vec<_> = links.as_array().expect("links").iter().map(name).collect();
    assert_eq!(names, [["house", "up"], ["house", "down"], ["flat", "up"], ["flat", "down"]]);
    let up = &links[0];
    let configured = &up["configured"][0];
    assert_eq!(configured["one_way_delay_us"], 57_000);
    assert_eq!(configured["delay_variation_us"], 50_000);
    assert_eq!(configured["reorder"], false);
    // From a capture of the same links: 101 and 102 ms. Which packets they carry moves each by a ms or two.
    let figure = |name: &str| up["propagation_us"][name].as_i64().expect("a figure");
    assert!((100_000..102_500).contains(&figure("mean")), "{up}");
    assert!((100_000..104_000).contains(&figure("p50")), "{up}");
    assert!(figure("p50") <= figure("p95") && figure("p95") <= figure("max"), "{up}");
    // Without variation a delay comes out as it is.
    for field in ["mean", "p50", "p95", "max"] {
        assert_eq!(links[1]["propagation_us"][field], 12_000, "{}", links[1]);
    }
    let page = place.read("out/report.html");
    assert!(page.contains("57 ms ± 50 ms, in order"), "the page has no configured delay");
}
