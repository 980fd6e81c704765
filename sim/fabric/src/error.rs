//! Errors of a scenario's set-up.

use parallax_peer::TooLarge;

/// Why a scenario cannot be set up, or its script not be followed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
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
    #[error("failed to make a world: `{}` of {} is too large", .0.key, .0.value)]
    TooLarge(TooLarge),
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
}

impl From<TooLarge> for SetupError {
    fn from(number: TooLarge) -> Self {
        Self::TooLarge(number)
    }
}
