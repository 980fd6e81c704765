//! What may stand where: names, addresses, and the errors of adding.

use alloc::string::String;
use core::net::Ipv4Addr;

use crate::LossError;

/// Why a site, host or service cannot be added.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TopologyError {
    /// A name is part of places and of random streams.
    #[error("failed to add `{name}`: a name is not empty and has no `/` in it")]
    Name {
        /// The name.
        name: String,
    },
    /// Sites have names of their own, and so have hosts and services together.
    #[error("failed to add `{name}`: the name is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No host of its own may have this address: unspecified, loopback, multicast, broadcast.
    #[error("failed to add `{name}`: {address} is no address of a host")]
    NotAHost {
        /// What was to be added.
        name: String,
        /// Its address.
        address: Ipv4Addr,
    },
    /// The core routes public addresses only.
    #[error("failed to add `{name}`: {address} is not public, and no gateway translates it")]
    NotPublic {
        /// What was to be added.
        name: String,
        /// Its address.
        address: Ipv4Addr,
    },
    /// Two with one address, at the core or at one site.
    #[error("failed to add `{name}`: `{holder}` has the address {address}")]
    AddressTaken {
        /// What was to be added.
        name: String,
        /// The address.
        address: Ipv4Addr,
        /// Who has it.
        holder: String,
    },
    /// A link loses what cannot be lost.
    #[error("failed to add `{name}`")]
    Loss {
        /// The site.
        name: String,
        /// What is wrong with the loss.
        source: LossError,
    },
}
