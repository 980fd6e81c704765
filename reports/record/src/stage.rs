//! Stages of a frame's way, from the end of its exposure until it is shown.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::event::{Event, LossPhase};

/// Defines the stages in the order of a frame's way, one row for each: its meaning and its variant; its key in profiles,
/// records and summaries (with attributes of the field, such as `#[serde(default)]` for one that older summaries lack);
/// its name in texts; its colours on a light and on a dark ground; how a frame is lost that is stuck there. `device`: a
/// device spends the time, in this role, and its profile may say how long; attributes of the header's field follow.
macro_rules! stages {
    ($(
        $(#[$meaning:meta])*
        $stage:ident, $(#[$field:meta])* $key:ident, $name:literal, $light:literal, $dark:literal, $lost:ident
        $(, device $role:ident $(#[$time:meta])*)?;
    )*) => {
        /// Stage of a frame's way.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Stage {
            $($(#[$meaning])* $stage,)*
        }

        impl Stage {
            /// All stages, in the order of a frame's way.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$stage),*];

            /// Its key in profiles, records and summaries, such as `jitter_buffer`.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$stage => stringify!($key),)* }
            }

            /// Its name in texts, such as `jitter buffer`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$stage => $name,)* }
            }

            /// Its colours, on a light and on a dark ground.
            #[must_use]
            pub fn colours(self) -> [&'static str; 2] {
                match self { $(Self::$stage => [$light, $dark],)* }
            }

            /// How a frame is lost that is stuck there.
            pub(crate) fn lost(self) -> LossPhase {
                match self { $(Self::$stage => LossPhase::$lost,)* }
            }

            /// The role in which a device spends its time; none: no device does.
            #[must_use]
            pub fn role(self) -> Option<DeviceRole> {
                match self {
                    $($(Self::$stage => Some(DeviceRole::$role),)?)*
                    _ => None,
                }
            }
        }

        /// Something for each stage of a frame's way.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de> + Default"))]
        #[cfg_attr(feature = "schema", schemars(bound = "T: schemars::JsonSchema + Serialize + Default"))]
        pub struct PerStage<T> {
            $($(#[$meaning])* $(#[$field])* pub $key: T,)*
        }

        impl<T> PerStage<T> {
            /// What a function gives for each stage.
            #[must_use]
            pub fn from_fn(mut of: impl FnMut(Stage) -> T) -> Self {
                Self { $($key: of(Stage::$stage),)* }
            }
        }

        impl<T> Index<Stage> for PerStage<T> {
            type Output = T;

            fn index(&self, stage: Stage) -> &T {
                match stage { $(Stage::$stage => &self.$key,)* }
            }
        }

        impl<T> IndexMut<Stage> for PerStage<T> {
            fn index_mut(&mut self, stage: Stage) -> &mut T {
                match stage { $(Stage::$stage => &mut self.$key,)* }
            }
        }

        /// How long the stages of a device take by its profile, for the pictures that it works on.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct StageTimes {
            $($($(#[$time])* pub $key: Option<ConfiguredTime>,)?)*
        }

        impl StageTimes {
            /// What a function gives for each stage of a device, with the role that it is spent in.
            #[must_use]
            pub fn from_fn(of: impl Fn(Stage, DeviceRole) -> Option<ConfiguredTime>) -> Self {
                Self { $($($key: of(Stage::$stage, DeviceRole::$role),)?)* }
            }

            /// The time of a stage.
            #[must_use]
            pub fn get(&self, stage: Stage) -> Option<ConfiguredTime> {
                match (stage, stage.role()) {
                    $($((Stage::$stage, Some(DeviceRole::$role)) => self.$key,)?)*
                    _ => None,
                }
            }
        }
    };
}

stages! {
    /// From the end of exposure to the encoder's beginning.
    Capture, capture, "capture", "#8c96a1", "#707a85", Encode, device Camera
        /// From the end of the exposure to a picture in memory, if it is a camera.
        ;
    /// Encoding.
    Encode, encode, "encode", "#e0a100", "#c48f0c", Encode, device Camera
        /// From a picture to an elementary stream, if it is a camera.
        ;
    /// From the encoder's end until the last packet has left for the wire.
    Pacer, pacer, "pacer", "#7a3e9d", "#a66fca", Send;
    /// From there until all packets have come, resent ones included.
    Network, network, "network", "#0b6fc2", "#3f93dd", Transport;
    /// From there until the jitter buffer let the last packet go.
    JitterBuffer, jitter_buffer, "jitter buffer", "#66b8d9", "#8fd0ea", Receive;
    /// From there until the frame was decoded, waiting for the decoder included.
    Decode, decode, "decode", "#00755c", "#1f9e80", Decode, device Viewer
        /// From an elementary stream to a picture, if it is a viewer.
        ;
    /// From there until it was shown.
    Render, render, "render", "#c2557f", "#dd7aa1", Decode, device Viewer
        /// From a picture to the display, if it is a viewer.
        ;
}

impl Stage {
    /// The stage that ends with an event. Capture ends when the encoder begins, which the event of its end tells.
    pub(crate) fn ended_by(event: &Event) -> Option<Self> {
        Some(match event {
            Event::FrameEncoded { .. } => Self::Encode,
            Event::FramePaced { .. } => Self::Pacer,
            Event::FrameReceived { .. } => Self::Network,
            Event::FrameReleased { .. } => Self::JitterBuffer,
            Event::FrameDecoded { .. } => Self::Decode,
            Event::FrameRendered { .. } => Self::Render,
            _ => return None,
        })
    }

    /// The stage before it; none before the first.
    pub(crate) fn before(self) -> Option<Self> {
        Self::ALL.into_iter().rfind(|other| *other < self)
    }
}

impl<T> PerStage<T> {
    /// Each stage with what there is for it, in the order of a frame's way.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, &T)> {
        Stage::ALL.into_iter().map(|stage| (stage, &self[stage]))
    }

    /// What a function makes of what there is for each stage.
    #[must_use]
    pub fn map<U>(&self, to: impl Fn(&T) -> U) -> PerStage<U> {
        PerStage::from_fn(|stage| to(&self[stage]))
    }
}

/// Role in which a device spends time on a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceRole {
    /// It films.
    Camera,
    /// It shows.
    Viewer,
}

/// How long one stage takes by a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(rename = "StageTime"))]
pub struct ConfiguredTime {
    /// In the middle, microseconds.
    pub typical_us: u64,
    /// At most, microseconds; where the profile has no limit, what it hardly ever exceeds.
    pub longest_us: u64,
}
