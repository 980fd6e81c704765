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

pub use bound::{Bound, BoundKind};
pub use connection::{Connection, End, Step};
pub use latency::{Change, Heat, Pooled, Row, Table};
pub use made_by::MadeBy;
pub use missed::{Miss, Missed};
pub use network::{Drops, Link, Rate};
pub use not_judged::NotJudgedLine;
pub use overall::{Overall, Reason, Source};
pub use rerun::rerun;
pub use run::{Mark, MarkKind, Picture, Run};
pub use scenario::{Scenario, ScenarioStream};
pub use stream::{Lost, PacerLoad, Second, Shown, Stream};
pub use suite::{Cell, Counts, Report};
pub use topology::{Place, Route, Topology};
