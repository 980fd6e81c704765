//! Why a lab cannot be.

/// Why a run in the lab ended without a record. None of these is a verdict.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The scenario cannot be set up, or its script not be followed.
    #[error(transparent)]
    Setup(#[from] parallax_fabric::SetupError),
    /// A socket, a thread or a runtime could not be had.
    #[error(
        "failed to {what}: {source}\n  help: see what limits threads and sockets here (`ulimit -a`)"
    )]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A peer was named that the scenario does not have.
    #[error(
        "failed to place `{name}` outside: there is no such peer; help: name a peer of the scenario"
    )]
    NoSuchPeer {
        /// Its name.
        name: String,
    },
    /// The network core lost count of its packets.
    #[error("failed to account for every packet: {ledger}")]
    Unbalanced {
        /// The counts.
        ledger: String,
    },
}

impl LabError {
    /// As the cause of something that failed.
    pub(crate) fn system(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { what, source }
    }
}
