//! Name of the user or CI job on a shared bench.

use parallax_render::escape::tame;
use std::{env, fs, os::unix::fs::MetadataExt as _};

/// Overrides the name, for a CI job for example.
const VARIABLE: &str = "PARALLAX_OWNER";

/// What `PARALLAX_OWNER` says, or else `user@host`. Who became root to run on a board stays who it was.
pub(crate) fn owner() -> String {
    let told = |name: &str| env::var(name).ok().filter(|text| !text.trim().is_empty());
    let told = |name: &str| told(name).map(|text| tame(&text));
    told(VARIABLE).unwrap_or_else(|| {
        let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| told(name));
        let number = || fs::metadata("/proc/self").map(|own| format!("uid{}", own.uid())).ok();
        let user = user.or_else(number).unwrap_or_else(|| "somebody".to_owned());
        match fs::read_to_string("/proc/sys/kernel/hostname") {
            Ok(host) => format!("{user}@{}", host.trim()),
            Err(_) => user,
        }
    })
}
