//! What a report shows, computed once from what was read: plain data, which every sink (HTML, PNG and
//! others) draws in its own way. Times are microseconds on the run's clock.

mod bound;
pub(crate) mod budget;
mod connection;
mod latency;
mod made_by;
mod missed;
mod network;
mod not_judged;
mod overall;
mod rerun;
mod run;
mod scenario;
mod stream;
mod suite;
mod topology;

pub use bound::{BoundKind, MissedBound};
pub use connection::{SessionSetup, SetupEnd, SetupStep};
pub use latency::{Heat, LatencyTable, PercentileRow, Pooled, RowChange};
pub use made_by::MadeBy;
pub use missed::{Miss, Missed};
pub use network::{Drops, LinkCapacity, RateSample};
pub use not_judged::NotJudgedLine;
pub use overall::{Overall, Reason, ReasonSource, VerdictCounts};
pub use rerun::rerun;
pub use run::{Mark, MarkKind, Run, ShownPicture};
pub use scenario::{ScenarioStream, ScenarioView};
pub use stream::{Lost, PacerLoad, Second, ShownFrame, StreamView};
pub use suite::{Cell, Report};
pub use topology::{NodePlace, Topology, TopologyRoute};
