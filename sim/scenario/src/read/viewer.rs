//! Viewers of peers.

use crate::{
    error::Rank,
    from_value::{FromValue, fill},
    key::{FOREVER, S, keys, said, time, whole, whole_ms},
    table::{Place, Reader, Table, Value},
    units,
};
use core::time::Duration;
use parallax_spec::{JitterBuffer, Nack};

keys! {
    VIEWER: "viewer" {
        /// The device it is.
        profile: said("name of a device profile, or a file such as `\"my-own.toml\"` beside the scenario"), absent "`\"phone\"`; of a peer that is a camera too, the camera's";
        /// How long frames are held, from the least delay of the last 10 s: adaptive within these bounds, or fixed,
        /// such as `"170ms"`. With a fixed one a frame that is not whole by then is lost: a key frame must leave
        /// the pacer and the up link in less, or no picture is ever shown (at 640x360 some 35 kB). `"0ms"` holds
        /// none.
        jitter_buffer: time(0, 10 * S).of("table, or "), default { least = "20ms", most = "500ms" };
        /// How it asks for lost packets (RFC 4585).
        nack: said("table, or `\"none\"`"), default { interval = "20ms", tries = 5 };
        /// When it first asks for its cameras. At `0s` the devices boot while it asks, and the camera's boot is in
        /// the time to first frame; later, the set-up is measured by itself.
        asks_at: whole_ms(0, FOREVER).and(", before the run's end"), default "0s";
    }
}

keys! {
    JITTER_BUFFER: "jitter_buffer" {
        /// Its target depth never falls below this. 20 ms cover what receivers themselves vary by: libwebrtc adds
        /// 10 ms for the system and 10 ms for rendering.
        least: time(0, 10 * S).and(", at most `most`"), default "20ms";
        /// Its target depth never exceeds this, and so long it waits for what is missing of a frame. Later
        /// than half a second a picture is of no use in a conversation, and a new key frame is quicker.
        most: time(0, 10 * S), default "500ms";
    }
}

keys! {
    NACK: "nack" {
        /// The least time between two requests for one packet: it is not asked for again before the answer can have
        /// come.
        interval: time(1, S), default "20ms";
        /// How often it asks for one packet.
        tries: whole(1, 100), default 5;
    }
}

/// A viewer before its device is known.
pub(super) struct ViewerDraft {
    pub(super) profile: Option<(String, Place)>,
    pub(super) jitter_buffer: JitterBuffer,
    pub(super) nack: Option<Nack>,
    pub(super) asks_at: (Duration, Place),
}

pub(super) fn read(reader: &mut Reader, peer: &Table<'_>) -> Option<ViewerDraft> {
    let table = peer.inner(reader, "viewer", &VIEWER)?;
    fill!(reader, table => ViewerDraft { profile, jitter_buffer, nack, asks_at })
}

/// A duration, the fixed depth, or the bounds of one that adapts.
impl FromValue for JitterBuffer {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if !value.is_table() {
            let depth = u64::from_value(reader, value)?;
            return Some(Self { least_us: depth, most_us: depth });
        }
        let table = value.table(reader, &JITTER_BUFFER)?;
        let (least, most) = (table.read(reader, "least"), table.read(reader, "most"));
        let ((least_us, place), most_us) = (least?, most?);
        if least_us > most_us {
            let ms = |us| units::format_duration(Duration::from_micros(us));
            let message = format!("`{}` is more than `most`, `{}`", ms(least_us), ms(most_us));
            let help = "give bounds such as `{ least = \"20ms\", most = \"500ms\" }`, or one duration if the depth is fixed";
            return reader.refuse(Rank::Value, &place, &message, "beyond `most`", help);
        }
        Some(Self { least_us, most_us })
    }
}

/// None: it asks for no lost packet again.
impl FromValue for Option<Nack> {
    fn from_value(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if value.as_text().is_some() {
            return value.one_of(reader, &["none"]).map(|_| None);
        }
        let table = value.table(reader, &NACK)?;
        fill!(reader, table => Nack { interval, tries }).map(Some)
    }
}
