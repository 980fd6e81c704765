//! Users' films: what can be filmed decodes to what ffmpeg makes of it, and what cannot is refused
//! with its reason. `films/make.sh` has made all of them.

use core::time::Duration;
use parallax_media::{Clip, Container, FilmError, Size};
use sha2::{Digest, Sha256};

const SIZE: Size = Size { width: 64, height: 48 };
const MANY: u64 = 1000;

fn film(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/films/{name}", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a test reads files; the crate reads none")]
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn container(name: &str) -> Container {
    if name.ends_with(".y4m") { Container::Y4m } else { Container::Mp4 }
}

/// Why a file of this kind is refused.
fn refused(container: Container, bytes: &[u8]) -> String {
    let checked = Clip::check_film(container, bytes, MANY).expect_err("refused").to_string();
    let opened = Clip::from_film(container, bytes, SIZE, MANY).expect_err("refused").to_string();
    assert_eq!(checked, opened);
    checked
}

/// The first of a film's own `mark` and what follows it.
fn behind<'b>(bytes: &'b mut [u8], mark: &[u8]) -> &'b mut [u8] {
    let at = bytes.windows(mark.len()).position(|window| window == mark).expect("the mark");
    &mut bytes[at + mark.len()..]
}

#[test]
fn what_can_be_filmed_decodes_to_what_ffmpeg_makes_of_it() {
    let decoded = String::from_utf8(film("decoded.txt")).expect("text");
    assert_eq!(decoded.lines().count(), 8);
    for line in decoded.lines() {
        let (digest, name) = line.split_once(' ').expect("a digest and a name");
        let size = if name == "plain.y4m" { Size { width: 32, height: 32 } } else { SIZE };
        let film = film(name);
        let clip = Clip::from_film(container(name), &film, size, MANY)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            Clip::check_film(container(name), &film, clip.len().expect("it loops") as u64).is_ok(),
            "{name}"
        );
        let mut found = Sha256::new();
        for frame in 0..clip.len().expect("it loops") as u64 {
            let picture = clip.frame(frame);
            found.update([picture.y(), picture.u(), picture.v()].concat());
        }
        assert_eq!(hex::encode(found.finalize()), digest, "{name}");
        let rate = match name {
            "ntsc.mp4" => (30_000, 1001),
            "thirty.mp4" => (30, 1),
            _ => (25, 1),
        };
        assert_eq!(clip.rate().ratio(), rate, "{name}");
    }
}

#[test]
fn a_rate_that_is_no_whole_number_picks_the_frame_that_is_on() {
    let clip = Clip::from_film(Container::Mp4, &film("ntsc.mp4"), SIZE, MANY).expect("a film");
    // Frame n begins at n * 1001 / 30000 s: the last of an hour, and the one before.
    let begins = Duration::from_nanos(107_892 * 1001 * 1_000_000_000 / 30_000 + 1);
    assert_eq!(clip.index_at(begins), 107_892);
    assert_eq!(clip.index_at(begins - Duration::from_nanos(2)), 107_891);
}

#[test]
fn what_cannot_be_filmed_is_refused_with_its_reason() {
    let cases = [
        ("ten-bit.mp4", "its samples have 10 bits, and must have 8"),
        ("422.mp4", "its chroma is 4:2:2, and must be 4:2:0"),
        ("444.mp4", "its chroma is 4:4:4, and must be 4:2:0"),
        ("interlaced.mp4", "it is interlaced, and must be progressive"),
        ("varying.mp4", "its frame rate varies: its frames last 40 to 80 ms, and must be constant"),
        (
            "b-frames.mp4",
            "it has frames that refer to later ones (B-frames), which do not decode exactly",
        ),
        ("hevc.mp4", "its video is HEVC, and must be H.264"),
        ("av1.mp4", "its video is AV1, and must be H.264"),
        ("vp9.mp4", "its video is VP9, and must be H.264"),
        ("sound-only.mp4", "it has no video track"),
        ("edited.mp4", "its edit list begins at another frame than the first"),
        ("turned.mp4", "it is to be turned or mirrored when it is shown"),
    ];
    for (name, reason) in cases {
        assert_eq!(refused(Container::Mp4, &film(name)), reason, "{name}");
    }
}

#[test]
fn an_edit_list_that_begins_later_or_shows_less_is_refused() {
    let cases: [(usize, &[u8], &str); 4] = [
        // Behind version, flags and count: duration, first time, speed.
        (8, &[0, 0, 0, 100], "its edit list ends before the last frame"),
        (12, &[0, 0, 2, 0], "its edit list begins at another frame than the first"),
        (12, &[0xff; 4], "its edit list begins with nothing to be seen"),
        (16, &[0, 2], "its edit list shows it at another speed"),
    ];
    for (at, bytes, reason) in cases {
        let mut film = film("plain.mp4");
        behind(&mut film, b"elst")[at..][..bytes.len()].copy_from_slice(bytes);
        assert_eq!(refused(Container::Mp4, &film), reason);
    }
}

#[test]
fn an_mp4_that_ends_anywhere_before_its_end_is_refused() {
    for name in ["plain.mp4", "half-fragmented.mp4"] {
        let film = film(name);
        let ends = (0..film.len()).step_by(37).chain([film.len() - 1]);
        for end in ends {
            let found = Clip::check_film(Container::Mp4, &film[..end], MANY);
            // A film that is written as it goes may end behind any fragment.
            let whole = name != "plain.mp4" && film[end..].starts_with(b"\0\0\0");
            assert!(found.is_err() || whole, "{name} up to {end}");
        }
    }
    assert_eq!(refused(Container::Mp4, &[]), "the file is empty");
    let film = film("plain.mp4");
    let cut = "it ends in the midst of a box: is it cut off?";
    assert_eq!(refused(Container::Mp4, &film[..film.len() - 1]), cut);
    assert_eq!(refused(Container::Mp4, &film[..1000]), cut);
}

#[test]
fn what_is_no_mp4_at_all_is_told_so() {
    let other = "it is no MP4, whatever its name says";
    for bytes in [&b"plain text of some length"[..], &[0, 0, 0, 1, 0x67, 66], &[0xff; 300]] {
        assert_eq!(refused(Container::Mp4, bytes), other);
    }
    assert_eq!(refused(Container::Mp4, &film("plain.y4m")), other);
    let other = "it is no Y4M, which begins with YUV4MPEG2, whatever its name says";
    assert_eq!(refused(Container::Y4m, &film("plain.mp4")), other);
}

#[test]
fn a_y4m_is_refused_for_what_its_first_line_says() {
    let sound = film("plain.y4m");
    let end = sound.iter().position(|&byte| byte == b'\n').expect("a line");
    let line = String::from_utf8(sound[..end].to_vec()).expect("text");
    let cases = [
        ("W32", "W33", "failed to use the size 33x32: width and height must be even"),
        ("H32", "H8", "failed to use the size 32x8: width and height must be at least 16"),
        ("W32", "W70000", "it is damaged: its first line tells no size of up to 65535"),
        ("W32 ", "", "it is damaged: its first line tells no size of up to 65535"),
        ("F25:1 ", "", "it is damaged: its first line tells no frame rate"),
        ("F25:1", "F0:0", "its frame rate is 0/0, and must be above 0 and at most 1000 frames/s"),
        (
            "F25:1",
            "F2000:1",
            "its frame rate is 2000/1, and must be above 0 and at most 1000 frames/s",
        ),
        ("F25:1", "F25", "it is damaged: its first line tells a frame rate that is no ratio"),
        ("Ip", "It", "it is interlaced, and must be progressive"),
        ("Ip", "Im", "it is interlaced, and must be progressive"),
        ("C420jpeg", "C420p10", "its samples have 10 bits, and must have 8"),
        ("C420jpeg", "C444p12", "its samples have 12 bits, and must have 8"),
        ("C420jpeg", "C422", "its chroma is 4:2:2, and must be 4:2:0"),
        ("C420jpeg", "C444", "its chroma is 4:4:4, and must be 4:2:0"),
        ("C420jpeg", "Cmono", "its chroma is missing, and must be 4:2:0"),
        ("H32", "H64", "it is damaged: a picture does not begin with FRAME"),
    ];
    for (from, to, reason) in cases {
        assert!(line.contains(from), "{line} lacks {from}");
        let film = [line.replace(from, to).as_bytes(), &sound[end..]].concat();
        assert_eq!(refused(Container::Y4m, &film), reason, "{to}");
    }
    for colours in ["C420", "C420mpeg2", "C420paldv"] {
        let film = [line.replace("C420jpeg", colours).as_bytes(), &sound[end..]].concat();
        assert!(Clip::check_film(Container::Y4m, &film, MANY).is_ok(), "{colours}");
    }
}

#[test]
fn a_y4m_that_ends_anywhere_but_behind_a_picture_is_refused() {
    let film = film("plain.y4m");
    let picture = "FRAME\n".len() + 32 * 32 * 3 / 2;
    let header = film.len() - 4 * picture;
    let ends_whole = |end: usize| end > header && (end - header).is_multiple_of(picture);
    for end in (0..film.len()).step_by(13).chain([header, header + picture, film.len() - 1]) {
        let found = Clip::check_film(Container::Y4m, &film[..end], MANY);
        assert_eq!(found.is_ok(), ends_whole(end), "up to {end}");
    }
    assert_eq!(refused(Container::Y4m, &film[..header]), "it has no video track");
    let cut = "it ends in the midst of a picture: is it cut off?";
    assert_eq!(refused(Container::Y4m, &film[..header + 100]), cut);
}

#[test]
fn a_film_of_more_frames_than_memory_holds_is_refused_before_it_is_decoded() {
    for (name, exact, text) in [
        ("plain.mp4", true, "it has 10 frames, too many to hold in memory"),
        ("fragmented.mp4", false, "it has more than 5 frames, too many to hold in memory"),
        ("plain.y4m", true, "it has 4 frames, too many to hold in memory"),
    ] {
        let most = if exact { 3 } else { 5 };
        let error = Clip::check_film(container(name), &film(name), most).expect_err("too long");
        assert!(matches!(error, FilmError::TooLong { most: found, .. } if found == most));
        assert_eq!(error.to_string(), text);
    }
}

/// Tables that ask for more than there is, or contradict one another: refused, and nothing is
/// reserved for them.
#[test]
fn tables_that_lie_are_refused() {
    let lies: [(&[u8], usize, &[u8], &str); 7] = [
        (b"stsz", 8, &[0x7f; 4], "it has 2139062143 frames, too many to hold in memory"),
        (b"stsz", 8, &[0, 0, 0, 200], "it is damaged: its table of sizes ends before its time"),
        (b"stsz", 12, &[0x7f; 4], "it ends in the midst of its pictures: is it cut off?"),
        (b"stts", 8, &[0, 0, 0, 2], "it is damaged: its table of times does not fit its frames"),
        (b"stsc", 8, &[0, 0, 0, 2], "it is damaged: its table of places does not fit its frames"),
        (b"stsc", 12, &[0; 4], "it is damaged: its table of places does not fit its frames"),
        (b"stco", 8, &[0xff; 4], "it ends in the midst of its pictures: is it cut off?"),
    ];
    for (table, at, bytes, reason) in lies {
        let mut film = film("plain.mp4");
        behind(&mut film, table)[at..][..bytes.len()].copy_from_slice(bytes);
        assert_eq!(refused(Container::Mp4, &film), reason);
    }
}

/// A reader that calls itself for each box within a box runs out of stack, which nothing catches.
#[test]
fn boxes_within_boxes_are_refused_whatever_their_number() {
    const DEPTH: usize = 100_000;
    let nested = |kinds: [&[u8; 4]; 2]| {
        let header = |depth: usize| {
            let length = 8 * (DEPTH - depth) as u32;
            [&length.to_be_bytes()[..], kinds[depth.min(1)]].concat()
        };
        [b"\0\0\0\x08ftyp".to_vec(), (0..DEPTH).flat_map(header).collect()].concat()
    };
    let films =
        [nested([b"moov", b"moov"]), nested([b"moov", b"trak"]), nested([b"moof", b"traf"])];
    let reasons = [
        "it has no video track",
        "it is damaged: a track is empty",
        "it ends in the midst of the film: its index is missing: is it cut off?",
    ];
    for (film, reason) in films.iter().zip(reasons) {
        assert_eq!(refused(Container::Mp4, film), reason);
    }
}
