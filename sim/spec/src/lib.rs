//! Description of a run: what stands where, how it is set, what is done to it, and what is demanded of it.
//!
//! Each type is at once what a scenario is parsed into, what the network, the peers and a board's agent are
//! configured by, and what the record's header holds. A new key of a link, a gateway, a camera or a
//! viewer is one field here; in JSON it has a default, so that older records are still read.

mod camera;
mod candidate;
mod check;
mod event;
mod gateway;
mod ice;
mod link;
mod loss;
mod micros;
mod service;
mod site;
mod task;
mod viewer;

pub use camera::{Camera, GccBounds, MediaMode, SignallingProtocol, Size};
pub use candidate::{Candidate, CandidateKind};
pub use check::{
    Check, CheckKind, LossBound, Percentile, PercentileError, Predicate, Route, Statistic,
    StreamSelection, Subject, Window,
};
pub use event::{Action, LinkDirection, PeerCondition, ScriptedEvent};
pub use gateway::{Behaviour, FilterScope, GatewayConfig, PortAssignment};
pub use ice::Ice;
pub use link::{Capacity, LinkConfig, QueueLimit};
pub use loss::{Loss, LossError};
pub use micros::micros;
pub use service::{RENDEZVOUS_PORT, STUN_PORT, ServiceAddress, ServiceKind, Services};
pub use site::{Access, Ipv4Network, NotANetwork, Site, SiteConfig};
pub use task::SetupTask;
pub use viewer::{JitterBuffer, Nack, Stream, Viewer};
