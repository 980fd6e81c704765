//! Errors that prevent or end a run.

use parallax_interpose::EnterError;
use std::time::Duration;

/// Why a run ended as an error. None of these is a verdict: nothing is known about the peers.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The system, or how the process was linked, does not allow it.
    #[error(transparent)]
    Enter(#[from] EnterError),
    /// The run's thread could not be started.
    #[error("failed to start the thread of a run")]
    Thread(#[source] std::io::Error),
    /// A world was made outside of [`simulate`](crate::simulate()).
    #[error("failed to make a world: this thread is not simulating")]
    NotSimulating,
    /// A clip does not open.
    #[error(transparent)]
    Clip(#[from] parallax_media::ClipError),
    /// A service cannot listen.
    #[error("failed to start the rendezvous")]
    Rendezvous(#[from] parallax_stack::StackError),
    /// A peer or a service cannot stand where it is to stand.
    #[error("failed to add a peer or a service")]
    Topology(#[from] parallax_network::TopologyError),
    /// A link that loses what cannot be lost.
    #[error("failed to set a link")]
    Loss(#[from] parallax_network::LossError),
    /// The scenario cannot be set up, or acted on.
    #[error(transparent)]
    Setup(#[from] parallax_fabric::SetupError),
    /// A peer's code panicked or ended.
    #[error("failed to run `{peer}` at {at:?}: {what}")]
    Peer {
        /// The peer's name.
        peer: String,
        /// When, in the run's time.
        at: Duration,
        /// What happened.
        what: String,
    },
    /// Code of a peer asked the operating system for what a simulation refuses.
    #[error("failed to run at {at:?}: refused {what}")]
    Refused {
        /// When, in the run's time.
        at: Duration,
        /// What was refused.
        what: String,
    },
    /// What the capture is written to does not take it.
    #[error(transparent)]
    Capture(#[from] parallax_capture::CaptureError),
    /// The network core lost count of its packets.
    #[error("failed to account for every packet: {ledger}")]
    Unbalanced {
        /// The counts.
        ledger: String,
    },
    /// The scheduler of hosts gave up.
    #[error("failed to step: {0}")]
    Scheduler(String),
    /// The code of the simulator panicked.
    #[error("failed to simulate: the simulator panicked: {0}")]
    Panicked(String),
}
