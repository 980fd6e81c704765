//! Scripted events: faults, and changes of the network.

use crate::{LinkConfig, ServiceKind};
use core::{fmt, time::Duration};
use serde::{Deserialize, Serialize};

/// A fault or a change of the network at a time of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScriptedEvent {
    /// Its name, by which checks know it.
    pub name: String,
    /// When it begins, microseconds on the run's clock; whole milliseconds, before the run's end.
    pub at_us: u64,
    /// How long it lasts, microseconds; none if it happens in no time, or stays so to the end.
    pub lasts_us: Option<u64>,
    /// What is done.
    pub action: Action,
}

impl ScriptedEvent {
    /// When it begins, in the run's time.
    pub fn at(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }

    /// How long it lasts, if it ends by itself.
    pub fn lasts(&self) -> Option<Duration> {
        self.lasts_us.map(Duration::from_micros)
    }
}

/// What a scripted event does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// A service is gone without a word: packets to it vanish.
    Kill {
        /// Which.
        service: ServiceKind,
    },
    /// A service starts over, and has forgotten everything.
    Restart {
        /// Which.
        service: ServiceKind,
    },
    /// A peer has no power, without a word; when it is back the peer boots.
    PowerLoss {
        /// The peer's name.
        peer: String,
    },
    /// A camera captures no frame; its sessions go on.
    PauseCamera {
        /// The camera's name.
        peer: String,
    },
    /// A link is another one.
    ChangeLink {
        /// The site whose link it is.
        site: String,
        /// Which of its two links.
        direction: LinkDirection,
        /// What it is while the event lasts. Then it is again what it was before.
        link: LinkConfig,
    },
    /// A gateway starts over in no time: all its mappings are lost.
    RebootGateway {
        /// The gateway's site.
        site: String,
    },
}

impl Action {
    /// The node that it is done to, as entries name nodes.
    #[must_use]
    pub fn node(&self) -> String {
        match self {
            Self::Kill { service } | Self::Restart { service } => format!("service/{service}"),
            Self::PowerLoss { peer } | Self::PauseCamera { peer } => peer.clone(),
            Self::ChangeLink { site, direction, .. } => direction.node(site),
            Self::RebootGateway { site } => format!("gateway/{site}"),
        }
    }

    /// The peer that it keeps in a condition, and the condition: while the event lasts, or to the run's end.
    #[must_use]
    pub fn condition(&self) -> Option<(&str, PeerCondition)> {
        match self {
            Self::PowerLoss { peer } => Some((peer, PeerCondition::NoPower)),
            Self::PauseCamera { peer } => Some((peer, PeerCondition::CapturePaused)),
            Self::Kill { .. }
            | Self::Restart { .. }
            | Self::ChangeLink { .. }
            | Self::RebootGateway { .. } => None,
        }
    }

    /// What the scenario did, in words: `killed turn`.
    #[must_use]
    pub fn past(&self) -> String {
        match self {
            Self::Kill { service } => format!("killed {service}"),
            Self::Restart { service } => format!("restarted {service}"),
            Self::PowerLoss { peer } => format!("cut the power of {peer}"),
            Self::PauseCamera { peer } => format!("paused the capture of {peer}"),
            Self::ChangeLink { site, direction, .. } => {
                format!("changed the {} link of {site}", direction.word())
            }
            Self::RebootGateway { site } => format!("rebooted the gateway of {site}"),
        }
    }

    /// Whether it goes on to the run's end if the event does not say how long it lasts.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::ChangeLink { .. }) || self.condition().is_some()
    }
}

/// Condition in which a scripted event keeps a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeerCondition {
    /// It has no power. Then it boots.
    NoPower,
    /// A camera captures no frame.
    CapturePaused,
}

impl fmt::Display for PeerCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPower => "it has no power",
            Self::CapturePaused => "its capture is paused",
        })
    }
}

/// In words: `turn server is gone`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { service } => write!(f, "{service} server is gone"),
            Self::Restart { service } => write!(f, "{service} server starts over"),
            Self::PowerLoss { peer } => write!(f, "{peer} loses its power"),
            Self::PauseCamera { peer } => write!(f, "{peer} pauses its capture"),
            Self::ChangeLink { site, direction, .. } => {
                write!(f, "{} link of {site} changes", direction.word())
            }
            Self::RebootGateway { site } => write!(f, "gateway of {site} reboots"),
        }
    }
}

/// Which of a site's two links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkDirection {
    /// From the site to the core.
    Up,
    /// From the core to the site.
    Down,
}

impl LinkDirection {
    /// Its word in scenarios, records and reports: `up`, `down`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The node of such a link of a site, as entries name nodes.
    #[must_use]
    pub fn node(self, site: &str) -> String {
        format!("link/{site}/{}", self.word())
    }
}
