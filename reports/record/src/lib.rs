//! The waist of Parallax: events, measurements, checks, verdicts and the judge.

mod absence;
mod account;
mod again;
mod baseline;
pub mod beside;
mod browser;
mod by_kind;
mod checks;
mod compare;
mod control;
mod counted;
mod delays;
mod distribution;
mod ends;
mod environment;
mod event;
mod finding;
mod flaky;
pub mod foreign;
mod header;
mod join;
mod json;
mod judge;
mod links;
mod margin;
mod measure;
mod name;
mod not_judged;
mod phase;
mod record;
mod recovery;
mod regression;
#[cfg(feature = "schema")]
pub mod schema;
mod scripted;
mod seed;
mod session;
mod setup;
mod split;
mod stage;
mod summarise;
mod summary;
mod timeline;
mod uncertainty;
mod verdict;
mod way;
mod within;
mod worst;

pub use again::{JudgedAgain, contradiction, judge_again};
pub use baseline::{
    BASELINE_FORMAT, Baseline, BaselineError, BaselineFigure, BaselinePool, BaselineRun,
    BaselineStream,
};
pub use browser::BrowserStats;
pub use checks::{Attempt, CheckedPair, checked_pairs};
pub use compare::{RecordDifference, first_difference};
pub use control::{RatePoint, Repair, RepairKind, rates, repairs};
pub use counted::counted;
pub use delays::{ConfiguredDelay, DelaySummary, LinkSummary};
pub use distribution::{
    BUCKETS_PER_OCTAVE, DelaysOfPackets, Histogram, Interval, OverTime, median_interval,
    nearest_rank,
};
pub use environment::Environment;
pub use event::{Entry, Event, LossPhase, Marker, Phase, Session};
pub use flaky::{Flaky, flaky};
pub use header::{
    Action, Behaviour, CameraHeader, Capacity, Clock, ClockKind, CongestionControl, FORMAT,
    GatewayConfig, GccCamera, Header, Ice, JitterBuffer, LinkConfig, LinkDirection, Loss,
    MediaMode, PeerHeader, PortAssignment, ProfileUse, QueueLimit, SCHEMA, ScenarioFile,
    ScriptedEvent, ServiceAddress, ServiceKind, Site, Stream, Viewer,
};
pub use join::{CameraFrame, Passage};
pub use judge::judge;
pub use links::{LinkInterval, LinkSpan, LinkTimeline, links};
pub use margin::{MarginSummary, NEAR_US};
pub use measure::{
    Freeze, Span, Spans, bit_rate_bps, capture_to_render, freezes, mean, paths, psnr_millidb,
    rendered_us, ssim_ppm, stages, time_to,
};
pub use name::{Name, NameError};
pub use not_judged::NotJudged;
pub use parallax_spec::{
    Candidate, CandidateKind, Check, CheckKind, LossBound, Percentile, PercentileError, Predicate,
    Route, SetupTask, Statistic, StreamSelection, Subject, Window, micros,
};
pub use phase::PerPhase;
pub use record::{End, ReadError, Record, WriteError, Writer};
pub use recovery::{over_ns, span as recovery};
pub use regression::{
    BaselineChange, BaselineResult, RunName, Thresholds, compare as compare_with_baseline,
};
pub use session::{CandidatePair, EndedSession, PathUse, SessionEnd, SessionTimeline};
pub use split::{Causes, Split, SplitPart, SplitSummary};
pub use stage::{ConfiguredTime, DeviceRole, PerStage, Stage, StageTimes};
pub use summary::{
    BytesSummary, CheckResult, Comparison, FramesSummary, FreezesSummary, LatencySummary,
    LostSummary, PeerProfile, RateSummary, RatesSummary, StageSummary, StreamSummary, Suite,
    Summary, Unit, run_folder,
};
pub use timeline::{Fate, FrameHistory, PATIENCE_US, StreamTimeline, Timeline};
pub use uncertainty::Uncertainty;
pub use verdict::Verdict;
pub use worst::{WORST_FRAMES, Worst, WorstFrame};
