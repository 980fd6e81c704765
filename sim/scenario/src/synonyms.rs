//! Words that people write for keys and values that have another name here. The one list: messages suggest
//! from it, and nothing reads it.

use crate::key::{Key, Keys};

/// What people write for a key, and what is meant: the first that the table has. Lists of words.
const KEYS: &[(&str, &str)] = &[
    ("under less_than lower_than smaller_than", "below at_most within"),
    ("max maximum limit bound not_more_than up_to", "at_most below within"),
    ("below in before", "at_most within to"),
    ("within at_most", "below at_most within"),
    ("over more_than greater_than higher_than min minimum at_least", "above minimum_sample"),
    ("p pct quantile percent", "percentile mean"),
    ("samples min_sample min_samples minimum_samples frames", "minimum_sample"),
    ("bandwidth speed throughput data_rate rate bitrate", "capacity bit_rate"),
    ("bitrate target_bitrate target_bit_rate capacity", "bit_rate"),
    (
        "latency delay ping propagation propagation_delay rtt round_trip one_way_latency",
        "one_way_delay capture_to_render",
    ),
    ("jitter delay_jitter jitter_ms variation", "delay_variation jitter_buffer"),
    ("packet_loss loss_rate packets_lost drop drops drop_rate", "loss"),
    ("average rate probability ratio share", "mean"),
    ("burst_length mean_burst burst_size", "burst"),
    ("buffer queue_size queue_limit queue_length buffer_size bufferbloat", "queue jitter_buffer"),
    ("reordering out_of_order", "reorder"),
    ("router nat firewall cpe modem", "gateway site"),
    ("nat_type type kind behaviour behavior nat_mapping", "mapping kind"),
    ("filter nat_filtering", "filtering"),
    ("timeout nat_timeout binding_timeout udp_timeout mapping_lifetime", "mapping_timeout"),
    ("upload uplink upstream", "up"),
    ("download downlink downstream", "down"),
    ("link access wan_link", "up"),
    ("subnet lan cidr", "network"),
    ("public_ip wan external_ip public_address wan_ip", "external"),
    ("ip ip_address addr", "address"),
    ("online connected", "internet connects"),
    ("fps frame_rate framerate frames_per_sec", "frames_per_second"),
    ("resolution dimensions picture_size frame_size", "size"),
    ("film source file video_file input footage", "clip file"),
    ("device model board hardware", "profile"),
    ("gop keyframe_interval key_interval idr_interval keyframes gop_size", "key_frame_interval"),
    ("cc congestion bandwidth_estimation abr adaptive", "congestion_control"),
    ("min_bit_rate min_bitrate min", "floor"),
    ("max_bit_rate max_bitrate max", "ceiling"),
    ("jitterbuffer playout_delay playout_buffer", "jitter_buffer"),
    ("retransmission retransmissions rtx", "nack"),
    ("retries attempts", "tries"),
    ("watches viewer_of streams view", "views"),
    ("location home place", "site"),
    ("length runtime run_time time run_for", "duration at"),
    ("name description summary", "title"),
    ("reason rationale because comment purpose", "why"),
    ("random_seed rng rng_seed", "seed"),
    ("version schema_version format", "schema"),
    ("node host device camera viewer", "peer"),
    ("fault faults failure action timeline", "event"),
    ("assert expect test assertion require criteria", "check"),
    ("server servers infrastructure", "services"),
    ("signalling signaling", "rendezvous"),
    ("start when begin starts time", "at from"),
    ("since begin_at start_at", "from"),
    ("until end till stop", "to"),
    ("for lasting duration length", "lasts"),
    ("reboot power_cycle power_off crash blackout outage", "power_loss"),
    ("gateway_reboot router_reboot reboot_router", "reboot_gateway"),
    ("link_change set_link squeeze degrade", "change_link"),
    ("stop_server shutdown stop", "kill"),
    ("startup first_frame ttff time_to_first_picture", "time_to_first_frame"),
    ("end_to_end e2e latency delay", "capture_to_render"),
    ("lost frame_loss lost_frames dropped_frames", "frames_lost"),
    ("freeze stalls stutter freeze_count", "freezes"),
    ("connect connection connection_time", "connects"),
    ("recover recovers recovery_time", "recovery"),
    ("route candidate candidates", "path"),
    ("event of", "after"),
];

const ANY: &str = "{ mapping = \"endpoint-independent\", filtering = \"endpoint-independent\" }";
const BY_ADDRESS: &str =
    "{ mapping = \"endpoint-independent\", filtering = \"address-dependent\" }";
const BY_PORT: &str =
    "{ mapping = \"endpoint-independent\", filtering = \"address-and-port-dependent\" }";
const STRICT: &str =
    "{ mapping = \"address-and-port-dependent\", filtering = \"address-and-port-dependent\" }";

/// Types of NAT as RFC 3489 called them, and what they are by RFC 4787.
const GATEWAYS: &[(&str, &str)] = &[
    ("full full-cone cone open nat1", ANY),
    ("restricted restricted-cone address-restricted address-restricted-cone nat2", BY_ADDRESS),
    ("port-restricted port-restricted-cone moderate nat3", BY_PORT),
    ("symmetric strict carrier-grade cgnat nat4", STRICT),
];

/// What people write for a word, and what is meant.
const WORDS: &[(&str, &str)] = &[
    ("srflx reflexive stun", "server-reflexive"),
    ("prflx", "peer-reflexive"),
    ("relay turn relays", "relayed"),
    ("p2p peer-to-peer not-relayed", "direct"),
    ("upload uplink upstream out", "up"),
    ("download downlink downstream in", "down"),
    ("recorded recording offline pre-recorded", "prerecorded"),
    ("real encoded online", "live"),
    ("google goog-cc webrtc remb transport-cc twcc", "gcc"),
    ("signalling signaling", "rendezvous"),
    ("no false off public disabled", "none"),
    ("preserve preserved sequential", "preserving"),
    ("endpoint eim eif independent", "endpoint-independent"),
    ("adm adf address", "address-dependent"),
    ("apdm apdf address-and-port port-dependent", "address-and-port-dependent"),
];

/// The key of a table that was meant by `name`.
pub(crate) fn key(keys: &'static Keys, name: &str) -> Option<&'static Key> {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    let meant = KEYS.iter().filter(|(written, _)| lists(written, &name));
    meant.flat_map(|(_, meant)| meant.split(' ')).find_map(|meant| keys.find(meant))
}

/// The table of a gateway that was meant by `word`.
pub(crate) fn gateway(word: &str) -> Option<&'static str> {
    let word = plain(word);
    let word = word.trim_end_matches("-nat");
    GATEWAYS.iter().find(|(written, _)| lists(written, word)).map(|(_, table)| *table)
}

/// Which of `words` was meant by `word`.
pub(crate) fn word<'w>(word: &str, mut words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let word = plain(word);
    let (_, meant) = WORDS.iter().find(|(written, _)| lists(written, &word))?;
    words.find(|word| word == meant)
}

/// Whether a list of words, with a space between two, has this one.
fn lists(words: &str, word: &str) -> bool {
    words.split(' ').any(|listed| listed == word)
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace(['_', ' '], "-")
}

/// Names as messages list them.
pub(crate) fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What would be right in place of `name`: the one of `known` that was probably meant, and what there is.
pub(crate) fn instead<'n>(name: &str, known: impl Iterator<Item = &'n str>, all: &str) -> String {
    match nearest(name, known) {
        Some(meant) => {
            let (first, rest) = all.split_at_checked(1).unwrap_or_default();
            format!("did you mean `{meant}`? {}{rest}", first.to_ascii_uppercase())
        }
        None => all.to_owned(),
    }
}

/// The word that `text` was probably meant to be.
pub fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |text: &str| text.to_lowercase().replace([' ', '_'], "-");
    let text = plain(&text.chars().take(64).collect::<String>());
    words
        .map(|word| (strsim::levenshtein(&text, &plain(word)), word))
        .filter(|(distance, word)| *distance <= 1.max(word.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{CLIP, PROFILE, SCENARIO};

    #[test]
    fn every_key_that_is_meant_exists_and_each_word_is_written_for_one_thing() {
        let tables = || SCENARIO.iter().chain(PROFILE).chain(CLIP);
        for meant in KEYS.iter().flat_map(|(_, meant)| meant.split(' ')) {
            assert!(tables().any(|keys| keys.find(meant).is_some()), "{meant}");
        }
        let mut words: Vec<&str> =
            WORDS.iter().flat_map(|(written, _)| written.split(' ')).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }

    #[test]
    fn what_people_write_is_found_in_its_table() {
        let found = |keys, name| key(keys, name).map(|key| key.name);
        use crate::read::camera::VIDEO;
        use crate::read::check::{CAPTURE_TO_RENDER, FRAMES_LOST};
        use crate::read::site::{CHANGE_LINK, LINK, SITE};
        assert_eq!(found(&CAPTURE_TO_RENDER, "under"), Some("below"));
        assert_eq!(found(&FRAMES_LOST, "under"), Some("at_most"));
        assert_eq!(found(&LINK, "Bandwidth"), Some("capacity"));
        assert_eq!(found(&VIDEO, "bitrate"), Some("bit_rate"));
        assert_eq!(found(&LINK, "latency"), Some("one_way_delay"));
        assert_eq!(found(&CHANGE_LINK, "jitter"), Some("delay_variation"));
        assert_eq!(found(&SITE, "nat"), Some("gateway"));
        assert_eq!(found(&SITE, "colour"), None);
        assert_eq!(gateway("Full Cone NAT"), Some(ANY));
        assert_eq!(gateway("port_restricted"), Some(BY_PORT));
        assert_eq!(gateway("symmetric"), Some(STRICT));
        assert_eq!(
            word("SRFLX", ["host", "server-reflexive"].into_iter()),
            Some("server-reflexive")
        );
        assert_eq!(word("relay", ["direct"].into_iter()), None);
    }

    #[test]
    fn the_nearest_word_is_what_was_meant() {
        let words = ["capacity", "one_way_delay", "queue"];
        assert_eq!(nearest("capacty", words.into_iter()), Some("capacity"));
        assert_eq!(nearest("one-way-delay", words.into_iter()), Some("one_way_delay"));
        assert_eq!(nearest("bandwidth", words.into_iter()), None);
    }
}
