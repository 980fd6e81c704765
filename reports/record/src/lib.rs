//! The waist of Parallax: events, measurements, checks, verdicts and the judge.

mod event;

pub use event::{Candidate, CandidateKind, Entry, Event, LossPhase, Marker, Phase, Session};
