//! Why a run cannot be, or cannot go on.

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
    /// A peer in a site that the scenario does not have.
    #[error("failed to add `{peer}`: there is no site `{site}`")]
    NoSuchSite {
        /// The peer.
        peer: String,
        /// Its site.
        site: String,
    },
    /// A link of a site that has none.
    #[error("failed to set a link of `{site}`: it has no Internet")]
    NoInternet {
        /// The site.
        site: String,
    },
    /// A link that loses what cannot be lost.
    #[error("failed to set a link")]
    Loss(#[from] parallax_network::LossError),
    /// A view of what is no camera.
    #[error("failed to make a world: there is no camera `{camera}`")]
    NoSuchCamera {
        /// Its name.
        camera: String,
    },
    /// A clip that is to be sent as it was recorded, and was not.
    #[error("failed to make a world: there is no recording of `{clip}` at {size}")]
    NotRecorded {
        /// The clip.
        clip: String,
        /// Its size.
        size: String,
    },
    /// A number that a peer cannot take.
    #[error("failed to make a world: `{key}` of {value} is too large")]
    TooLarge {
        /// What it is.
        key: &'static str,
        /// The number.
        value: String,
    },
    /// An event is done to a node that is not in the world.
    #[error("failed to act on `{name}`: there is no such node")]
    NoSuchNode {
        /// The name.
        name: String,
    },
    /// A camera's clip does not open.
    #[error(transparent)]
    Clip(#[from] parallax_media::ClipError),
    /// A camera's film does not open: it has changed since it was looked at.
    #[error("failed to open the film")]
    Film(#[from] parallax_media::FilmError),
    /// The rendezvous cannot listen.
    #[error("failed to start the rendezvous")]
    Rendezvous(#[from] parallax_stack::StackError),
    /// A peer cannot stand where it is to stand.
    #[error("failed to add a peer or a service")]
    Topology(#[from] parallax_network::TopologyError),
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
