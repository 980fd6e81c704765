//! Scenarios, device profiles and manifests of clips: TOML in, a validated scenario out.
//!
//! [`parse`] reads a scenario, [`parse_with`] one in which some peers are other devices: a
//! [`Scenario`] is complete, with every default taken and every address assigned, and makes sense
//! as a whole. What is wrong with a file is told by [`ScenarioErrors`], with file, line, column and cure; `miette` shows it. The crate reads no
//! files: a shell hands it text ([`decode`] makes it from bytes), device profiles and the files
//! beside the scenario through [`Profiles`].
//!
//! Every key is declared once, beside its reader, with kind, range, default and meaning; [`mod@reference`] lists
//! them.

pub mod clip;
mod console;
mod distribution;
mod document;
mod error;
mod files;
mod film;
mod firmware;
mod from_value;
mod key;
mod origin;
pub mod profile;
mod read;
mod recording;
pub mod reference;
mod replacement;
mod scenario;
mod source;
mod stage;
mod synonyms;
mod table;
mod text;
pub mod units;

pub use clip::{BUILTIN_CLIPS, ClipUse, OwnClip};
pub use console::{ConsoleTraits, ControlLine, Level, LoginTraits, ResetTraits};
pub use distribution::{Distribution, Quantile};
pub use error::{Problem, ScenarioErrors};
pub use files::{Builtin, FileRead, Profiles, Unreadable, builtin};
pub use film::{Film, FilmCure, FilmKind, MAX_CLIP_BYTES};
pub use firmware::FirmwareTraits;
pub use origin::{Figure, Origin, Provenance};
pub use parallax_spec::{
    Action, Camera, GccBounds, Ipv4Network, Nack, PeerCondition, ScriptedEvent, ServiceKind,
    Services, SignallingProtocol, Site, Viewer,
};
pub use profile::Profile;
pub use read::{parse, parse_with};
pub use recording::{KnownRecording, RECORDINGS};
pub use replacement::{Boots, Replacement, Replacements};
pub use scenario::{CameraUse, Peer, Scenario};
pub use stage::{Occupancy, StageTime};
pub use synonyms::nearest;
pub use table::PatternRule;
pub use text::{MAX_BYTES, MAX_LINE_BYTES, decode, within_length};
