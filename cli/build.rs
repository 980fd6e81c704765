//! Names the compilers that built the command: digests are held against them, and
//! `environment.json` tells them.

use std::{env, process::Command};

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let cxx = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    println!("cargo:rustc-env=PARALLAX_RUSTC={}", first_line(&rustc, "--version"));
    println!("cargo:rustc-env=PARALLAX_CXX={}", first_line(&cxx, "--version"));
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=PARALLAX_TARGET={target}");
    println!("cargo:rerun-if-env-changed=CXX");
    println!("cargo:rerun-if-changed=build.rs");
}

fn first_line(command: &str, flag: &str) -> String {
    let output = Command::new(command).arg(flag).output().ok();
    output
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .and_then(|text| text.lines().next().map(|line| line.trim().to_owned()))
        .filter(|line| !line.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
