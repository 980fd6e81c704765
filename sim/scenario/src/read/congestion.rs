//! Reading what adapts a camera's bit rate to the path.

use crate::{
    error::Rank,
    from_value::fill,
    key::{LEAST_RATE, keys, rate, words},
    table::{Place, Reader, Value},
    units::format_bits_per_second as format,
};
use parallax_spec::GccBounds;

keys! {
    CONGESTION_CONTROL: "congestion_control" {
        /// Google congestion control, by feedback on each packet.
        kind: words(&["gcc"]);
        /// The encoder never aims lower.
        floor: rate().and(", at most the bit rate"), absent "a quarter of the bit rate";
        /// The encoder never aims higher.
        ceiling: rate().and(", from the bit rate to what the device takes"), absent "twice the bit rate, or what the device takes";
    }
}

/// What a camera's `congestion_control` says, before its bit rate is known.
pub(super) struct Draft(Option<Bounds>);

/// Floor and ceiling of Google congestion control, where they are given.
#[derive(Default)]
struct Bounds {
    floor: Option<(u64, Place)>,
    ceiling: Option<(u64, Place)>,
}

impl Draft {
    pub(super) fn read(reader: &mut Reader, value: Value<'_>) -> Option<Self> {
        if value.as_text().is_some() {
            let word = value.one_of(reader, &["none", "gcc"])?;
            return Some(Self((word == "gcc").then(Bounds::default)));
        }
        let table = value.table(reader, &CONGESTION_CONTROL)?;
        let kind = table.get(reader, "kind").and_then(|kind| kind_of(reader, &kind));
        let bounds = fill!(reader, table => Bounds { floor, ceiling });
        kind?;
        Some(Self(Some(bounds?)))
    }

    /// What it comes to around `bit_rate`, and where the ceiling is given.
    pub(super) fn around(
        self,
        reader: &mut Reader,
        bit_rate: u64,
    ) -> Option<(Option<GccBounds>, Option<Place>)> {
        let Self(Some(Bounds { floor, ceiling })) = self else {
            return Some((None, None));
        };
        let mut sound = Some(());
        let mut refuse = |place: &Place, side: &str, limit: &str| {
            sound = None;
            let own = format(bit_rate);
            let message = format!("the camera's bit rate of {own} is {side} it");
            let help = format!("write `{own}` or {limit}, or another `bit_rate`: it is the start");
            reader.note(Rank::Whole, place, &message, "leaves the bit rate out", help);
        };
        if let Some((floor, place)) = &floor
            && *floor > bit_rate
        {
            refuse(place, "below", "less");
        }
        if let Some((ceiling, place)) = &ceiling
            && *ceiling < bit_rate
        {
            refuse(place, "above", "more");
        }
        sound?;
        // No rate in a scenario is below the least that there is, and none so large as to overflow.
        let (ceiling, place) = ceiling.map_or((bit_rate * 2, None), |(c, place)| (c, Some(place)));
        let bounds = GccBounds {
            floor_bps: floor.map_or((bit_rate / 4).max(LEAST_RATE), |(floor, _)| floor),
            ceiling_bps: ceiling,
        };
        Some((Some(bounds), place))
    }
}

fn kind_of(reader: &mut Reader, value: &Value<'_>) -> Option<()> {
    if value.as_text() == Some("none") {
        let help = "write `congestion_control = \"none\"`, without a table";
        return value.refuse(reader, "without it nothing is to be told", "alone", help);
    }
    value.one_of(reader, &["gcc"]).map(drop)
}
