//! Scenarios and device profiles: TOML in, a validated scenario out.
