//! What cameras and viewers do, over whole runs.
//!
//! The runs of one process differ in the order in which `select!` takes its branches: nothing here
//! holds for one order alone.
#![cfg(target_os = "linux")]

mod both;
mod by_hand;
mod camera;
mod congestion;
mod lan;
mod media;
mod paths;
mod sessions;
mod street;
