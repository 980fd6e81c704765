//! All parsers of foreign bytes, on mutated input: a console's output, frames,
//! recordings, signalling messages, HTTP requests, scenarios, device profiles.
//!
//! It runs on stable Rust in `cargo test`: the committed corpus first, then a fixed number of
//! mutations of it with a fixed seed. There is no guidance by coverage: the corpus has to lead into
//! each corner, and mutations know the words of each format. Each target is a plain function of
//! bytes, which `cargo-fuzz` can call as it is.

mod console;
mod mutate;
mod signalling;
mod text;

pub use console::{console, frames, recording};
pub use mutate::Mutator;
pub use signalling::{signalling, websocket, whip};
pub use text::{profile, scenario};

/// Something that reads bytes, and panics if it reads them wrongly.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: the corpus's folder.
    pub name: &'static str,
    /// Reads.
    pub run: fn(&[u8]),
    /// Words of its format.
    pub words: &'static [&'static str],
    /// Mutations in `cargo test`.
    pub iterations: u64,
    /// Files of the project that belong to its corpus: a folder, and how their names end.
    pub shipped: &'static [(&'static str, &'static str)],
}

/// All there are.
pub const TARGETS: &[Target] = &[
    Target {
        name: "console",
        run: console,
        words: &[
            "U-Boot SPL 2024.01\r\n",
            "login: ",
            "# ",
            "\r",
            "Kernel panic",
            "\u{1b}[6n",
            "~B",
        ],
        iterations: 10_000,
        shipped: &[],
    },
    Target {
        name: "frames",
        run: frames,
        words: &[
            "~",
            "~B",
            "~H",
            ".0.=",
            ".18446744073709551615.<",
            "%7E",
            "%",
            "\r\n",
            "00000000",
        ],
        iterations: 40_000,
        shipped: &[],
    },
    Target {
        name: "recording",
        run: recording,
        words: &[
            "parallax-transcript 1\n",
            " < ",
            " > ",
            " ! power on\n",
            " * **\n",
            "- ",
            "\\x0d\\x0a",
            "echo 'plx:''",
            ":b.'",
            "\\x03",
            "18446744073709551615 ",
            "~B",
            "login: ",
            "# ",
        ],
        iterations: 6_000,
        shipped: &[("device-profiles/transcripts", ".txt")],
    },
    Target {
        name: "signalling",
        run: signalling,
        words: &[
            "\"kind\":",
            "\"register\"",
            "\"view\"",
            "\"close\"",
            "\"session\":1",
            "null",
            "{",
            "}",
            "\\u0000",
            "18446744073709551616",
            "-1",
            "\n",
            "doorbell",
            "\"token\":\"secret\"",
        ],
        iterations: 30_000,
        shipped: &[],
    },
    Target {
        name: "websocket",
        run: websocket,
        words: &[
            "GET / HTTP/1.1\r\n",
            "\r\n\r\n",
            "Upgrade: websocket",
            "\u{1}",
            "\u{0}\u{0}\u{0}\u{0}",
        ],
        iterations: 10_000,
        shipped: &[],
    },
    Target {
        name: "whip",
        run: whip,
        words: &[
            "POST /whip/doorbell HTTP/1.1\r\n",
            "\r\n\r\n",
            "\n--\n",
            "Content-Length: 18446744073709551615\r\n",
            "Transfer-Encoding: chunked\r\n",
            "ffffffffffffffff\r\n",
            "If-Match: *\r\n",
            "m=video 0 x 1\r\n",
            "a=mid:\r\n",
            "a=candidate:1 1 udp 1 ::1 9 typ host\r\n",
            "a=ice-ufrag:x\r\na=ice-pwd:y\r\n",
            "a=group:BUNDLE 0\r\n",
            "{\"kind\":\"description\",\"session\":1,\"sdp\":\"v=0\"}",
            "\u{e9}",
        ],
        iterations: 10_000,
        shipped: &[],
    },
    Target {
        name: "scenario",
        run: scenario,
        words: &[
            "[site.a]\n",
            "[peer.b]\n",
            "[[check]]\n",
            " = ",
            "\"1ms\"",
            "{",
            "}",
            "[",
            "]",
            "\"\"",
            "9223372036854775807",
            "-0.0",
            "nan",
            "\"100%\"",
            "\"0bit/s\"",
            "1970-01-01",
            "\u{e9}",
        ],
        iterations: 2_000,
        shipped: &[("fixtures/scenarios", ".toml")],
    },
    Target {
        name: "profile",
        run: profile,
        words: &[
            "[console]\n",
            "[firmware]\n",
            "[camera]\n",
            " = ",
            "['.*']",
            "'a{0,255}'",
            "'(a|b)+'",
            "'\\xff'",
            "[]",
            "{}",
            "\"24h\"",
            "'(((((a{9}){9}){9})))'",
            "\u{e9}",
        ],
        iterations: 6_000,
        shipped: &[("device-profiles", ".toml")],
    },
];
