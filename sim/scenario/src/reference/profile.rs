//! The keys of a device profile.

use super::{Key, Keys, may, must, or};

pub(crate) const PROFILE_TOP: Keys = Keys {
    place: "(top)",
    keys: &[
        must("schema", "`1`", "The version of this format."),
        must("title", "text", "The device, in a few words."),
        must("boot_time", "table, as a stage", "From power on to ready: its software runs."),
        may(
            "set_up",
            "table `[set_up]`",
            "a set-up takes its processor no time",
            "How long the tasks of a session's set-up take.",
        ),
        may(
            "timer",
            "table, as a stage",
            "its timers are not late",
            "How late a timer of a session goes off, by which its pacer and its ICE agent send; 95 of 100 by 50ms at most.",
        ),
        may("camera", "table `[camera]`", "it cannot be a camera", "What it can do as a camera."),
        may("viewer", "table `[viewer]`", "it cannot be a viewer", "What it can do as a viewer."),
        may(
            "console",
            "table `[console]`",
            "no bench can drive it",
            "How it behaves on its console.",
        ),
        may(
            "firmware",
            "table `[firmware]`",
            "its firmware is not driven",
            "What is typed to its firmware, where that is not Parallax's own, and what it says.",
        ),
    ],
    later: &[],
};

pub(crate) const SET_UP: Keys = Keys {
    place: "[set_up]",
    keys: &[
        may(
            "key_generation",
            "table, as a stage",
            "no time",
            "The key pair of its certificate, before its first session: it is kept in flash.",
        ),
        may(
            "offer",
            "table, as a stage",
            "no time",
            "Of a camera: a connection and its offer, key generation not in it.",
        ),
        may(
            "answer",
            "table, as a stage",
            "no time",
            "Of a viewer: to take an offer and make the answer; of a camera: to take the answer.",
        ),
        may(
            "first_check",
            "table, as a stage",
            "no time",
            "To take the first datagram of ICE in a session. Later ones are taken in no time.",
        ),
        may(
            "handshake",
            "table, as a stage",
            "no time",
            "To take a datagram of the DTLS handshake, the next three not in it.",
        ),
        may(
            "key_exchange",
            "table, as a stage",
            "no time",
            "Half of an ephemeral key exchange (ECDHE, P-256); each end of a session does both halves.",
        ),
        may(
            "signature",
            "table, as a stage",
            "no time",
            "To sign (ECDSA, P-256): each end of a session does so once.",
        ),
        may(
            "verification",
            "table, as a stage",
            "no time",
            "To verify a signature (ECDSA, P-256): a viewer does so once in a session, a camera twice.",
        ),
    ],
    later: &[],
};

pub(crate) const ABILITY_CAMERA: Keys = Keys {
    place: "[camera]",
    keys: &[
        must("largest_picture", "figure, pixels", "What its H.264 encoder takes, across and down."),
        must(
            "most_frames_per_second",
            "figure, whole number, 1 to 1000",
            "At any size of picture: what its stages keep up with at the largest.",
        ),
        must(
            "most_bit_rate",
            "figure, rate, 1 kbit/s to 10 Gbit/s",
            "What its encoder can aim at.",
        ),
        may(
            "start",
            "table, as a stage",
            "no time",
            "From the first viewer's coming to the first exposure: sensor and encoder start.",
        ),
        must("capture", "stage", "From the end of the exposure to a picture in memory."),
        must("encode", "stage", "From a picture to an elementary stream."),
    ],
    later: &[],
};

pub(crate) const ABILITY_VIEWER: Keys = Keys {
    place: "[viewer]",
    keys: &[
        must("largest_picture", "figure, pixels", "What its H.264 decoder takes, across and down."),
        must(
            "most_frames_per_second",
            "figure, whole number, 1 to 1000",
            "At any size of picture: what its stages keep up with at the largest.",
        ),
        must(
            "most_bit_rate",
            "figure, rate, 1 kbit/s to 10 Gbit/s",
            "What its decoder can follow.",
        ),
        must("decode", "stage", "From an elementary stream to a picture."),
        must("render", "stage", "From a picture to the display."),
    ],
    later: &[],
};

const PROVENANCE: Key = must(
    "provenance",
    "`\"measured\"`, `\"vendor\"`, `\"inferred\"`",
    "Where the numbers come from.",
);
const SOURCE: Key = must("source", "text", "The document, the measurement, or the reasoning.");

pub(crate) const FIGURE: Keys = Keys {
    place: "a figure",
    keys: &[must("value", "as the key says", "The number."), PROVENANCE, SOURCE],
    later: &[],
};

pub(crate) const STAGE: Keys = Keys {
    place: "a stage",
    keys: &[
        must(
            "distribution",
            "`\"constant\"`, `\"uniform\"`, `\"normal\"`, `\"log-normal\"`, `\"quantiles\"`",
            "How its time is distributed.",
        ),
        may("value", "duration, to 10 min", "for `constant` only", "The time."),
        may("mean", "duration, to 10 min", "for `normal` only", "Mean, before it is cut off."),
        may(
            "deviation",
            "duration, to 10 min",
            "for `normal` only",
            "Standard deviation, before it is cut off.",
        ),
        may(
            "median",
            "duration, to 10 min",
            "for `log-normal` only",
            "Half of the times are below.",
        ),
        may("p95", "duration, to 10 min", "for `log-normal` only", "95 % of the times are below."),
        may(
            "quantiles",
            "array of 2 to 100 `[percent, duration]`",
            "for `quantiles` only",
            "So many of 100 times are at most this: from 0 to 100, and between two of them on a line.",
        ),
        may(
            "samples",
            "whole number",
            "not told",
            "For `quantiles`: how many times were measured.",
        ),
        may(
            "least",
            "duration, to 10 min",
            "`\"0ms\"`",
            "No time is below; `uniform` starts here.",
        ),
        may(
            "most",
            "duration, to 10 min",
            "no limit; `uniform` must have one",
            "No time is above; `uniform` ends here.",
        ),
        may(
            "per",
            "pixels, such as `\"1280x720\"`",
            "it does not scale",
            "The times are for a picture of this size; others scale with their pixels. Of `capture`, `encode`, `decode` and `render` alone.",
        ),
        may(
            "occupancy",
            "table `occupancy`",
            "until the picture is through",
            "How long after a picture the stage takes the next one. Of `capture`, `encode`, `decode` and `render` alone.",
        ),
        PROVENANCE,
        SOURCE,
    ],
    later: &[],
};

pub(crate) const OCCUPANCY: Keys = Keys {
    place: "occupancy",
    keys: &[
        must("value", "duration", "The time: the interval of a pipeline."),
        may(
            "per",
            "pixels, such as `\"1280x720\"`",
            "it does not scale",
            "The time is for a picture of this size; others scale with their pixels.",
        ),
        PROVENANCE,
        SOURCE,
    ],
    later: &[],
};

pub(crate) const CONSOLE: Keys = Keys {
    place: "[console]",
    keys: &[
        or(
            "bauds",
            "array of 1 to 64 whole numbers, 50 to 12000000",
            "[115200]",
            "Bits per second, the likeliest first.",
        ),
        or("dtr", LEVELS, "\"untouched\"", "What DTR is held at."),
        or("rts", LEVELS, "\"untouched\"", "What RTS is held at."),
        or("banners", "array of up to 64 patterns", "[]", "What the first stage of a boot says."),
        or(
            "banners_per_boot",
            "whole number, 1 to 100",
            "1",
            "More of them in a boot are a boot loop.",
        ),
        must("prompt", "pattern", "What stands at the end of the output when it takes a command."),
        or(
            "commands",
            "`\"markers\"`, `\"plain\"`",
            "\"markers\"",
            "`markers` for a shell with `echo`, quotes and `$?`; `plain` for any other command line.",
        ),
        may("login_prompt", "pattern", "it asks for nobody", "What asks for the user."),
        may("user", "text", "needed with `login_prompt`", "Who logs in."),
        may("password_prompt", "pattern", "it asks for none", "What asks for the password."),
        or(
            "setup",
            "array of up to 64 command lines, of up to 1024 bytes each",
            "[]",
            "Run after the login, before the agent starts, such as `\"udhcpc -i eth0 -n -q\"`; each must end with status 0.",
        ),
        may(
            "reset_line",
            "`\"dtr\"`, `\"rts\"`",
            "no line resets it",
            "Which control line resets it. Used where a bench names no power.",
        ),
        or(
            "reset_level",
            "`\"high\"`, `\"low\"`",
            "\"high\"",
            "What holds it in reset: `high` is asserted.",
        ),
        or("reset_hold", "duration, 1 ms to 10 s", "\"100ms\"", "How long it is held there."),
        or("wakes_by_line", "boolean", "false", "Whether an empty line wakes it while it boots."),
        or("powered_by_port", "boolean", "false", "Whether unplugged is switched off."),
        or(
            "transmit_chunk",
            "whole number, 1 to 4096",
            "1",
            "Bytes sent at once, where there is a delay.",
        ),
        or("transmit_delay", "duration, to 1 s", "\"0ms\"", "From one chunk to the next."),
        or(
            "settle",
            "duration, 1 ms to 10 s",
            "\"60ms\"",
            "How long it is quiet before a prompt counts.",
        ),
        or("run_timeout", "duration, 1 ms to 24 h", "\"600s\"", "How long a run may take."),
        or("boot_timeout", "duration, 1 ms to 24 h", "\"60s\"", "How long a boot may take."),
        or(
            "step_timeout",
            "duration, 1 ms to 24 h",
            "\"20s\"",
            "How long any other step may take.",
        ),
        or("prompt_timeout", "duration, 1 ms to 24 h", "\"2s\"", "From an empty line to a prompt."),
        or("timeout_factor", "number, 0.1 to 100", "1", "What all timeouts are multiplied by."),
        or(
            "panics",
            "array of up to 64 patterns",
            "[]",
            "What it says when it gives up, beside what all say.",
        ),
        or(
            "watchdogs",
            "array of up to 64 patterns",
            "[]",
            "What it says when a watchdog resets it, likewise; one that only warns is none.",
        ),
        PROVENANCE,
        SOURCE,
    ],
    later: &[],
};

pub(crate) const FIRMWARE: Keys = Keys {
    place: "[firmware]",
    keys: &[
        must("name", "text", "Which it is, with its version."),
        may("start", "command", "it starts with the device", "What starts it."),
        may("join", "command", "its start does", "What has it join where its viewer waits."),
        may("stop", "command, or `\"^C\"`", "only the power ends it", "What ends it."),
        or("started", PATTERNS, "[]", "What it says when it runs."),
        or("joined", PATTERNS, "[]", "What it says when it is where its viewer finds it."),
        or("connected", PATTERNS, "[]", "What it says when its peer connection is up."),
        or("first_frame", PATTERNS, "[]", "What it says when it has sent its first frame."),
        or("disconnected", PATTERNS, "[]", "What it says when its peer connection is over."),
        or("failed", PATTERNS, "[]", "What it says when something went wrong."),
        PROVENANCE,
        SOURCE,
    ],
    later: &[],
};

const PATTERNS: &str = "array of up to 64 patterns";
const LEVELS: &str = "`\"untouched\"`, `\"high\"`, `\"low\"`";
