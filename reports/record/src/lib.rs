//! The waist of Parallax: events, measurements, checks, verdicts and the judge.

mod check;
mod environment;
mod event;
mod header;
mod seed;

pub use check::{
    Check, LossBound, Percentile, PercentileError, Predicate, Route, Statistic, StreamSelection,
    Window,
};
pub use environment::Environment;
pub use event::{Candidate, CandidateKind, Entry, Event, LossPhase, Marker, Phase, Session};
pub use header::{
    CameraHeader, Clock, CongestionControl, FORMAT, GatewayHeader, Header, LinkHeader, MediaMode,
    PeerHeader, ProfileUse, QueueLimit, SCHEMA, ServiceHeader, SiteHeader, Stream,
};
