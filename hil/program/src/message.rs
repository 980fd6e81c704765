//! Messages between a bench and its helper.

use crate::end::ProgramEnd;
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::PathBuf};

/// The namespace that the helper is to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NamespacePlan {
    /// Address of the program.
    pub(crate) address: Ipv4Addr,
    /// Bits of the network's part of it.
    pub(crate) prefix: u8,
    /// Address of the gateway of its default route.
    pub(crate) gateway: Ipv4Addr,
    /// What `/etc/resolv.conf` is in there.
    pub(crate) resolv_conf: Option<PathBuf>,
}

/// The program that runs in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProgramStart {
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Its working folder.
    pub(crate) folder: PathBuf,
}

/// What the helper reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum HelperReport {
    /// The namespace is there. With the descriptor of its TAP interface.
    Plugged,
    /// Its first process is there. With a descriptor of that process.
    Init,
    /// The program runs.
    Started,
    /// The program ended by itself.
    Ended {
        /// Exit code or signal.
        end: ProgramEnd,
        /// Whether processes that it has started go on.
        others: bool,
    },
    /// The processes that the program had left behind have ended.
    Empty,
    /// Something is missing: an error message.
    Failed(String),
}
