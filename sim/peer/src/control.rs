//! The data channel: control from the viewer, telemetry from the camera. JSON texts, one a message.

use serde::{Deserialize, Serialize};

/// The channel's label.
pub(crate) const LABEL: &str = "control";

/// What a viewer sends.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ToCamera {
    /// Answer at once.
    Ping {
        /// The viewer's clock, microseconds: comes back as it is.
        viewer_us: u64,
    },
}

/// What a camera sends.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ToViewer {
    /// The answer to a ping.
    Pong {
        /// From the ping.
        viewer_us: u64,
        /// The camera's clock, microseconds since it booted.
        camera_us: u64,
    },
    /// The camera's counters, once a second.
    Telemetry {
        /// The camera's clock, microseconds since it booted.
        camera_us: u64,
        /// Frames captured since boot.
        captured: u32,
        /// Frames encoded since boot.
        encoded: u32,
        /// Frames given up before they were sent, since boot.
        dropped: u32,
    },
}

/// A message as it goes over the channel.
pub(crate) fn write(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("integers and words have a JSON form")
}

/// A message as it came; `None` if it is none of ours.
pub(crate) fn read<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Option<T> {
    serde_json::from_slice(data).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_channel_and_others_are_none() {
        let ping = ToCamera::Ping { viewer_us: 7 };
        assert_eq!(read(write(&ping).as_bytes()), Some(ping));
        assert_eq!(read::<ToCamera>(b"{\"kind\":\"ping\"}"), None);
        assert_eq!(read::<ToViewer>(&[0xff, 0x00]), None);
    }
}
