//! Keys of checks.

use super::{Key, Keys, may, must, or};

/// Tables of checks, in the order in which they are documented.
pub(crate) const CHECK_TABLES: &[&Keys] = &[
    &CHECK,
    &CONNECTS,
    &PATH,
    &TIME_TO_FIRST_FRAME,
    &CAPTURE_TO_RENDER,
    &FREEZES,
    &LONGEST_FREEZE,
    &FRAMES_LOST,
    &PSNR,
    &SSIM,
    &RECOVERY,
];

const FROM: Key = or("from", "duration", "\"0s\"", "Start of the window, in the run's time.");
const TO: Key =
    may("to", "duration", "the end of the run", "End of the window, in the run's time.");
const SAMPLE: Key = may(
    "minimum_sample",
    "whole number, 1 up",
    "what its percentile needs (20 for 95), else 30",
    "Frames that a verdict needs: fewer are inconclusive, unless more could not mend a bound that is broken (`freezes`, `longest_freeze`, a count of `frames_lost`, a `minimum`).",
);
const PERCENTILE: &str = "whole number, 1 to 99";
const ONE_KIND: &str = "exactly one kind in each check";
const CANDIDATE: &str = "`\"host\"`, `\"server-reflexive\"`, `\"peer-reflexive\"`, `\"relayed\"`";

pub(crate) const CHECK: Keys = Keys {
    place: "[[check]]",
    keys: &[
        must("why", "text", "Why the bound is where it is: shown if the check does not pass."),
        may("camera", "name of a peer", "all cameras", "Only streams of this camera."),
        may("viewer", "name of a peer", "all viewers", "Only streams to this viewer."),
        may("connects", "table", ONE_KIND, "The stream connects in time."),
        may("path", "table, or `\"direct\"`, `\"relayed\"`", ONE_KIND, "The media take this path."),
        may("time_to_first_frame", "table", ONE_KIND, "How long the viewer waits for a picture."),
        may(
            "capture_to_render",
            "table",
            ONE_KIND,
            "The headline latency, of the frames that were shown: pair it with `frames_lost` and with `freezes` that has a `total_below`. A camera films only while somebody watches: of a stream that is dead for the rest of the run no more frames are captured, so none are lost and none are late, but its picture stands still.",
        ),
        may("freezes", "table", ONE_KIND, "Stops of the picture, as in webrtc-stats."),
        may("longest_freeze", "table", ONE_KIND, "How long the longest freeze lasts."),
        may("frames_lost", "table", ONE_KIND, "Frames that were captured and never rendered."),
        may("psnr", "table", ONE_KIND, "How true the picture is (luma, against the source)."),
        may("ssim", "table", ONE_KIND, "How alike its structure is (luma, against the source)."),
        may("recovery", "table", ONE_KIND, "How long the picture takes to be back after an event."),
    ],
    later: &[],
};

pub(crate) const CONNECTS: Keys = Keys {
    place: "connects",
    keys: &[
        must(
            "within",
            "duration",
            "From the viewer's request to the end of the DTLS handshake. All devices are switched on at 0 s: a camera's boot counts where it is slower than the viewer's.",
        ),
        FROM,
        TO,
    ],
    later: &[],
};

pub(crate) const PATH: Keys = Keys {
    place: "path",
    keys: &[
        may("relayed", "`true`, `false`", "either", "Whether it goes through a TURN server."),
        may("local", CANDIDATE, "any", "Type of the viewer's nominated candidate (RFC 8445)."),
        may("remote", CANDIDATE, "any", "Type of the camera's, as the viewer sees it."),
        FROM,
        TO,
        may(
            "minimum_sample",
            "whole number, 1 up",
            "1",
            "Rendered frames that a pass needs: fewer are inconclusive.",
        ),
    ],
    later: &[],
};

pub(crate) const TIME_TO_FIRST_FRAME: Keys = Keys {
    place: "time_to_first_frame",
    keys: &[
        must(
            "below",
            "duration",
            "From the viewer's request to its first rendered frame, boots as for `connects`.",
        ),
        FROM,
        TO,
    ],
    later: &[],
};

pub(crate) const CAPTURE_TO_RENDER: Keys = Keys {
    place: "capture_to_render",
    keys: &[
        must("percentile", PERCENTILE, "Which percentile of the latencies."),
        must("below", "duration", "Its bound."),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const FREEZES: Keys = Keys {
    place: "freezes",
    keys: &[
        must("at_most", "whole number", "How many of which a part is in the window."),
        may(
            "total_below",
            "duration",
            "any",
            "How long, all together; each counts whole. A picture that still stands at the run's end breaks the bound or is inconclusive.",
        ),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const LONGEST_FREEZE: Keys = Keys {
    place: "longest_freeze",
    keys: &[
        must(
            "below",
            "duration",
            "What each freeze must be shorter than of which a part is in the window; it counts whole. Without one the longest is 0. A picture that still stands at the run's end breaks the bound or is inconclusive.",
        ),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const FRAMES_LOST: Keys = Keys {
    place: "frames_lost",
    keys: &[
        must(
            "at_most",
            "share, or whole number of frames",
            "Of the frames captured in the window.",
        ),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const PSNR: Keys = Keys {
    place: "psnr",
    keys: &[
        must("above", "decibels, such as `\"30dB\"`", "The bound."),
        may(
            "percentile",
            PERCENTILE,
            "the mean",
            "Which percentile of the frames, from the worst: `5` is what 95 % of them reach.",
        ),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const SSIM: Keys = Keys {
    place: "ssim",
    keys: &[
        must("above", "number from 0 to 0.999, such as `0.9`", "The bound."),
        may(
            "percentile",
            PERCENTILE,
            "the mean",
            "Which percentile of the frames, from the worst: `5` is what 95 % of them reach.",
        ),
        FROM,
        TO,
        SAMPLE,
    ],
    later: &[],
};

pub(crate) const RECOVERY: Keys = Keys {
    place: "recovery",
    keys: &[
        must("after", "name of an event", "The event."),
        must(
            "within",
            "duration",
            "From when the event is over to the first rendered frame that was captured after that, and from which on the picture does not stand still for 2 s any more. What lasts is over at its end, a loss of power when the peer's software runs again, all else at once.",
        ),
        FROM,
        may(
            "to",
            "duration",
            "the next event that begins after it is over, or the end of the run",
            "End of the window, in the run's time.",
        ),
    ],
    later: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{SCENARIO, find};
    use parallax_record::CheckKind;

    #[test]
    fn each_kind_of_check_has_its_key_and_its_table() {
        for key in CheckKind::ALL.map(CheckKind::key) {
            assert!(find(&CHECK, key).is_some(), "{key}");
            assert!(SCENARIO.iter().any(|table| table.place == key), "{key}");
        }
    }
}
