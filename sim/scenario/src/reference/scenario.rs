//! The keys of a scenario.

use super::{Keys, may, must, or};

/// Tables of a scenario but for those of checks, in the order in which they are documented.
pub(crate) const SCENARIO_TABLES: &[&Keys] = &[
    &TOP,
    &SITE,
    &GATEWAY,
    &LINK,
    &LOSS,
    &SERVICES,
    &PEER,
    &CAMERA,
    &CONGESTION_CONTROL,
    &VIDEO,
    &VIEWER,
    &JITTER_BUFFER,
    &NACK,
    &ICE,
    &EVENT,
    &POWER_LOSS,
    &PAUSE_CAMERA,
    &CHANGE_LINK,
];

pub(crate) const TOP: Keys = Keys {
    place: "(top)",
    keys: &[
        must("schema", "`1`", "The version of this format."),
        must("title", "text, not empty", "What the scenario is, in a few words."),
        must("why", "text, not empty", "Why it matters: what a pass tells."),
        must("duration", "duration, 1 s to 1 h", "How long the run takes, in its own time."),
        may(
            "seed",
            "text of digits, `\"0\"` to `\"18446744073709551615\"`",
            "the command's `--seed`",
            "The seed of the run, unless the command names another.",
        ),
        or(
            "media",
            "`\"live\"`, `\"prerecorded\"`",
            "\"live\"",
            "Whether frames are encoded and decoded during the run, or a recording is sent as it is.",
        ),
        must("site", "table `[site.NAME]`, 1 to 256", "Homes and offices."),
        must("peer", "table `[peer.NAME]`, 1 to 256", "Cameras and viewers, in their sites."),
        may(
            "services",
            "table `[services]`",
            "all of them run",
            "What stands in the core of the network.",
        ),
        may(
            "event",
            "table `[event.NAME]`, up to 4096",
            "nothing happens",
            "What is done to the run while it goes: faults, and changes of the network.",
        ),
        must("check", "array `[[check]]`", "What is judged, one or more."),
    ],
    later: &[],
};

pub(crate) const SITE: Keys = Keys {
    place: "[site.NAME]",
    keys: &[
        or(
            "internet",
            "`true`, `false`",
            "true",
            "Whether it is joined to the core; without, its peers reach each other alone.",
        ),
        may(
            "gateway",
            "table, or `\"none\"`",
            "**refused**, unless `internet = false`",
            "The gateway; without one the peers have public addresses.",
        ),
        may(
            "up",
            "table",
            "**refused**, unless `internet = false`",
            "The link from the site to the core.",
        ),
        may(
            "down",
            "table",
            "**refused**, unless `internet = false`",
            "The link from the core to the site.",
        ),
        may(
            "network",
            "IPv4 network with a prefix of 24 to 29, such as `\"192.168.1.0/24\"`",
            "`192.168.1.0/24`; with `gateway = \"none\"` `203.0.113.N/28`, in order",
            "The addresses inside. Sites behind gateways may share them.",
        ),
        may(
            "external",
            "IPv4 address",
            "`198.51.100.N`, in order",
            "The address of the gateway on the core's side.",
        ),
    ],
    later: &[],
};

pub(crate) const GATEWAY: Keys = Keys {
    place: "gateway",
    keys: &[
        must(
            "mapping",
            "`\"endpoint-independent\"`, `\"address-dependent\"`, `\"address-and-port-dependent\"`",
            "When a mapping is used again (RFC 4787 section 4.1).",
        ),
        must("filtering", "as `mapping`", "Which packets from outside pass (RFC 4787 section 5)."),
        or(
            "ports",
            "`\"preserving\"`, `\"random\"`",
            "\"preserving\"",
            "Which external port a mapping gets.",
        ),
        or(
            "mapping_timeout",
            "duration, 1 s to 168 h",
            "\"300s\"",
            "How long an idle UDP mapping lives (RFC 4787 REQ-5).",
        ),
        or(
            "filter_scope",
            "`\"internal-endpoint\"`, `\"mapping\"`",
            "\"internal-endpoint\"",
            "Whether what was sent through one mapping opens the others of its internal endpoint too (RFC 4787 section 5), or that one alone (Linux).",
        ),
        or(
            "refresh_inbound",
            "`true`, `false`",
            "false",
            "Whether UDP packets that are let in keep a mapping alive (RFC 4787 REQ-6).",
        ),
        or(
            "hairpinning",
            "`true`, `false`",
            "true",
            "Whether hosts inside reach each other by their external addresses (RFC 4787 REQ-9).",
        ),
        or(
            "tcp_established_timeout",
            "duration, 1 s to 168 h",
            "\"124min\"",
            "How long an established TCP connection may be idle (RFC 5382 REQ-5).",
        ),
        or(
            "tcp_transitory_timeout",
            "duration, 1 s to 168 h",
            "\"4min\"",
            "How long a TCP connection that opens or closes may be idle (RFC 5382 REQ-5).",
        ),
    ],
    later: &[],
};

pub(crate) const LINK: Keys = Keys {
    place: "up, down",
    keys: &[
        must(
            "capacity",
            "rate, or `\"unlimited\"`",
            "What the link carries; IP and transport headers count. At `\"0bit/s\"` it stands still: what comes waits, as far as `queue` lets; one in time is as long as at the capacity before.",
        ),
        must("one_way_delay", "duration, to 10 s", "Propagation, in this direction alone."),
        or(
            "delay_variation",
            "duration, to 10 s",
            "\"0ms\"",
            "Standard deviation of the delay that is drawn for each packet (normal, up to 4 deviations). What comes out depends on `reorder`; `links` in `summary.json` and the report state it.",
        ),
        or(
            "reorder",
            "`true`, `false`",
            "false",
            "Whether a packet with a shorter delay overtakes others. With `false` each packet waits for the slowest before it: where packets are closer together than delays vary, the mean that comes out is greater than `one_way_delay`. With `true` a draw below zero becomes 0, which raises the mean where `one_way_delay` is less than about 3 deviations.",
        ),
        or(
            "loss",
            "share, or table",
            "\"0%\"",
            "Packets lost on the way: each by itself, or in bursts.",
        ),
        or(
            "queue",
            "duration, to 1 min, bytes, packets, or `\"unlimited\"`",
            "\"200ms\"",
            "What may wait for the transmitter: `\"200ms\"`, `\"64KiB\"`, `\"50 packets\"`.",
        ),
    ],
    later: &[],
};

pub(crate) const LOSS: Keys = Keys {
    place: "loss",
    keys: &[
        must("mean", "share, below 100 %", "Packets lost over the long run."),
        must("burst", "number, 1 to 1000", "Mean length of a burst, packets (Gilbert-Elliott)."),
    ],
    later: &[],
};

pub(crate) const SERVICES: Keys = Keys {
    place: "[services]",
    keys: &[
        may(
            "stun",
            "`true`, `false`",
            "`true`; without a rendezvous `false`",
            "A STUN server: server-reflexive candidates.",
        ),
        may(
            "turn",
            "`true`, `false`",
            "`true`; without a rendezvous `false`",
            "A TURN server: relayed candidates.",
        ),
        may(
            "turn_one_way_delay",
            "duration, to 10 s",
            "`\"10ms\"`",
            "Propagation between the core and the TURN server, each way: how far away it stands. A relayed packet takes it twice.",
        ),
        or(
            "rendezvous",
            "`true`, `false`",
            "true",
            "The signalling server, where cameras register and viewers ask, and which tells them of STUN and TURN. Without one viewers ask the camera itself, at port 80 of its own address.",
        ),
    ],
    later: &[],
};

pub(crate) const PEER: Keys = Keys {
    place: "[peer.NAME]",
    keys: &[
        must("site", "name of a site", "Where it stands."),
        may("camera", "table", "no camera", "It is a camera."),
        may("views", "array of names of cameras", "no viewer", "It is a viewer of these."),
        may("viewer", "table", "its defaults", "How it views."),
        may("address", "IPv4 address", "the next free one of its site's network", "Its address."),
        may("ice", "table", "its defaults", "Settings of its ICE agent (RFC 8445)."),
    ],
    later: &[],
};

pub(crate) const ICE: Keys = Keys {
    place: "ice",
    keys: &[
        or(
            "check_interval",
            "duration, 20 ms to 10 s",
            "\"50ms\"",
            "The time between two connectivity checks of one pair. 50 ms is what RFC 8445 paces new checks at (section 14.2); the `webrtc` crate's own 200 ms cost a fifth of a second for each step of a set-up.",
        ),
        or(
            "server_reflexive_wait",
            "duration, to 10 s",
            "\"0ms\"",
            "How long the camera waits for a pair of host candidates before it nominates one with a server-reflexive candidate, from its first check. A pair in one LAN answers in milliseconds, before any answer of a server-reflexive one.",
        ),
        or(
            "peer_reflexive_wait",
            "duration, to 10 s",
            "\"0ms\"",
            "The same before it nominates a pair with a peer-reflexive candidate: one that a check discovered, which is as direct as a server-reflexive one.",
        ),
        or(
            "relayed_wait",
            "duration, to 10 s",
            "\"500ms\"",
            "The same before it nominates a pair with a relayed candidate. The stack never leaves a pair that it has nominated: too short a wait relays what could be direct, where the path's round trip is longer than half of it.",
        ),
    ],
    later: &[],
};

pub(crate) const CAMERA: Keys = Keys {
    place: "camera",
    keys: &[
        must(
            "profile",
            "name of a device profile, or a file such as `\"my-own.toml\"` beside the scenario",
            "The device it is.",
        ),
        must("video", "table", "What it films and how it encodes."),
        may(
            "pacer",
            "rate, 1 kbit/s to 10 Gbit/s, or `\"none\"`",
            "2.5 times the bit rate",
            "How fast the packets of a frame leave, and resends in turn with them. A frame that would wait for more than 1 s is dropped. Under congestion control at the start; each session's keeps its ratio to the bit rate.",
        ),
        or(
            "congestion_control",
            "`\"none\"`, `\"gcc\"`, or table",
            "\"none\"",
            "What adapts the bit rate to the path: nothing, or Google congestion control. One encoder serves all viewers: it follows the lowest estimate.",
        ),
        or(
            "signalling",
            "`\"websocket\"`, `\"whip\"`",
            "\"websocket\"",
            "What it speaks with the rendezvous: Parallax's own messages, or WHIP (RFC 9725), by which it pushes to one viewer.",
        ),
    ],
    later: &[],
};

pub(crate) const CONGESTION_CONTROL: Keys = Keys {
    place: "congestion_control",
    keys: &[
        must("kind", "`\"gcc\"`", "Google congestion control, by feedback on each packet."),
        may(
            "floor",
            "rate, 1 kbit/s to 10 Gbit/s, at most the bit rate",
            "a quarter of the bit rate",
            "The encoder never aims lower.",
        ),
        may(
            "ceiling",
            "rate, 1 kbit/s to 10 Gbit/s, from the bit rate to what the device takes",
            "twice the bit rate, or what the device takes",
            "The encoder never aims higher.",
        ),
    ],
    later: &[],
};

pub(crate) const VIDEO: Keys = Keys {
    place: "video",
    keys: &[
        must(
            "clip",
            "name of a clip, or a film of your own beside the scenario, such as `\"my-film.mp4\"` or `\"my-film.y4m\"`, or its manifest, `\"my-film.toml\"`",
            "What it films, looping: a clip of `fixtures/clips`, whose page tells how to make one. `\"scene\"` is drawn, at any size and frame rate.",
        ),
        must(
            "size",
            "pixels, such as `\"320x240\"`, both even, from `\"160x96\"`",
            "The size of the picture.",
        ),
        must("frames_per_second", "whole number, 1 to 1000", "How often it films."),
        must(
            "bit_rate",
            "rate, 1 kbit/s to 10 Gbit/s",
            "What the encoder aims at; under congestion control at the start of each session. Prerecorded media must be near it.",
        ),
        may(
            "key_frame_interval",
            "duration, or `\"none\"`",
            "`\"none\"`: on request, and where the scene changes",
            "A key frame at least this often.",
        ),
        or(
            "skip_frames",
            "`true`, `false`",
            "false",
            "Whether the encoder may skip frames to hold its bit rate.",
        ),
    ],
    later: &[],
};

pub(crate) const VIEWER: Keys = Keys {
    place: "viewer",
    keys: &[
        may(
            "profile",
            "name of a device profile, or a file such as `\"my-own.toml\"` beside the scenario",
            "`\"phone\"`; of a peer that is a camera too, the camera's",
            "The device it is.",
        ),
        or(
            "jitter_buffer",
            "table, or duration, to 10 s",
            "{ least = \"20ms\", most = \"500ms\" }",
            "How long frames are held, from the least delay of the last 10 s: adaptive within these bounds, or fixed, such as `\"170ms\"`. With a fixed one a frame that is not whole by then is lost: a key frame must leave the pacer and the up link in less, or no picture is ever shown (at 640x360 some 35 kB). `\"0ms\"` holds none.",
        ),
        or(
            "nack",
            "table, or `\"none\"`",
            "{ interval = \"20ms\", tries = 5 }",
            "How it asks for lost packets (RFC 4585).",
        ),
        or(
            "asks_at",
            "duration, before the run's end",
            "\"0s\"",
            "When it first asks for its cameras. At `0s` the devices boot while it asks, and the camera's boot is in the time to first frame; later, the set-up is measured by itself.",
        ),
    ],
    later: &[],
};

pub(crate) const JITTER_BUFFER: Keys = Keys {
    place: "jitter_buffer",
    keys: &[
        or(
            "least",
            "duration, to `most`",
            "\"20ms\"",
            "Its target depth never falls below this. 20 ms cover what receivers themselves vary by: libwebrtc adds 10 ms for the system and 10 ms for rendering.",
        ),
        or(
            "most",
            "duration, to 10 s",
            "\"500ms\"",
            "Its target depth never exceeds this, and so long it waits for what is missing of a frame. Beyond half a second nobody talks through a door, and a new key frame is quicker.",
        ),
    ],
    later: &[],
};

pub(crate) const NACK: Keys = Keys {
    place: "nack",
    keys: &[
        or(
            "interval",
            "duration, 1 ms to 1 s",
            "\"20ms\"",
            "The least time between two requests for one packet: it is not asked for again before the answer can have come.",
        ),
        or("tries", "whole number, 1 to 100", "5", "How often it asks for one packet."),
    ],
    later: &[],
};

const ONE_ACTION: &str = "exactly one of these in each event";
const AS_IT_WAS: &str = "as it was";

pub(crate) const EVENT: Keys = Keys {
    place: "[event.NAME]",
    keys: &[
        must(
            "at",
            "duration, whole ms, within the run",
            "When it begins, in the run's time; before what peers do at that time.",
        ),
        may(
            "kill",
            "`\"stun\"`, `\"turn\"`, `\"rendezvous\"`",
            ONE_ACTION,
            "The server is gone without a word: what is sent to it vanishes.",
        ),
        may(
            "restart",
            "as `kill`",
            ONE_ACTION,
            "The server starts over, killed before or not; it has forgotten everything but how many sessions it has numbered.",
        ),
        may("power_loss", "table", ONE_ACTION, "A peer loses its power, without a word."),
        may("pause_camera", "table", ONE_ACTION, "A camera captures no frame; its sessions go on."),
        may("change_link", "table", ONE_ACTION, "A link of a site becomes another one."),
        may(
            "reboot_gateway",
            "name of a site",
            ONE_ACTION,
            "Its gateway starts over, in no time; it has forgotten its mappings.",
        ),
    ],
    later: &[
        ("change_address", "changes of a peer's address"),
        ("handover", "changes of a peer's site"),
        ("change_gateway", "changes of a gateway's behaviour"),
    ],
};

pub(crate) const POWER_LOSS: Keys = Keys {
    place: "power_loss",
    keys: &[
        must(
            "peer",
            "name of a peer",
            "It keeps what is in flash: certificate, token, counts. All else is lost.",
        ),
        may(
            "lasts",
            "duration, whole ms, 1 ms to 1 h",
            "it stays off",
            "How long it is off; then it boots, for as long as its profile says.",
        ),
    ],
    later: &[],
};

pub(crate) const PAUSE_CAMERA: Keys = Keys {
    place: "pause_camera",
    keys: &[
        must("peer", "name of a camera", "Simulated or in the lab: a board is not told of events."),
        may(
            "lasts",
            "duration, whole ms, 1 ms to 1 h",
            "to the end",
            "Then it captures again; its frames are numbered on.",
        ),
    ],
    later: &[],
};

pub(crate) const CHANGE_LINK: Keys = Keys {
    place: "change_link",
    keys: &[
        must("site", "name of a site", "Whose link."),
        must("direction", "`\"up\"`, `\"down\"`", "Which of its links."),
        may(
            "lasts",
            "duration, whole ms, 1 ms to 1 h",
            "to the end",
            "Then the link is as it was before.",
        ),
        may("capacity", "as for `up`", AS_IT_WAS, "What is half sent goes on at the new one."),
        may("one_way_delay", "as for `up`", AS_IT_WAS, "Of packets sent from now on."),
        may("delay_variation", "as for `up`", AS_IT_WAS, "Of packets sent from now on."),
        may("reorder", "as for `up`", AS_IT_WAS, "Of packets sent from now on."),
        may("loss", "as for `up`", AS_IT_WAS, "`\"100%\"`: the link is down."),
        may("queue", "as for `up`", AS_IT_WAS, "What waits already waits on, beyond it or not."),
    ],
    later: &[],
};
