//! A report of very many streams costs what it shows.
#![cfg(target_os = "linux")]

mod support;

use support::Place;

#[test]
fn of_960_streams_a_few_are_drawn_and_the_others_counted() {
    let mesh = include_str!("../../fixtures/cases/20-names-and-files/mesh-16x60.toml");
    let place = Place::with("mesh.toml", mesh);
    let called = place.call(&["sim", "mesh.toml", "--out", "out"]).ended(10);
    assert!(called.said.lines().count() < 120, "{}", called.said);
    assert!(called.said.contains("952 streams: summary.json has all"), "{}", called.said);
    let page = place.read("out/report.html");
    assert!(page.contains("952 more streams are not drawn"));
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    let pictures = place.files("out/report").iter().filter(|name| name.ends_with(".png")).count();
    assert!(pictures <= 40, "{pictures} pictures");
}
