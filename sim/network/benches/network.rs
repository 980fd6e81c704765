//! Packets per second of wall time.
fn main() {}
