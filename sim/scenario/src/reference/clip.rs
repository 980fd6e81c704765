//! The keys of a clip's manifest.

use super::{Keys, may, must};

pub(crate) const CLIP_TOP: Keys = Keys {
    place: "(top)",
    keys: &[
        must("schema", "`1`", "The version of this format."),
        must(
            "file",
            "name of a file beside the manifest",
            "The clip: H.264 in Annex B, of any profile; 8 bits, 4:2:0, progressive, without B-frames.",
        ),
        must("size", "pixels, such as `\"640x360\"`, both even", "The size of its pictures."),
        must("frames_per_second", "whole number, 1 to 1000", "How fast it is shown."),
        must("frames", "whole number, 1 to 10000000", "How many pictures it has."),
        must("bytes", "whole number, 1 to 67108864", "How long the file is."),
        must("sha256", "64 hexadecimal digits", "SHA-256 of the file, as `sha256sum` prints it."),
        may("title", "text", "not told", "What is seen."),
        may("author", "text", "not told", "Who made it."),
        may("licence", "text", "not told", "What may be done with it."),
        may("changes", "text", "not told", "What was changed of the original."),
        may("origin", "text", "not told", "Where the original is from."),
        may("origin_sha256", "64 hexadecimal digits", "not told", "SHA-256 of the original."),
        may("command", "text", "not told", "The command that made the file."),
        may("command_version", "text", "not told", "The versions of what made it."),
    ],
    later: &[],
};
