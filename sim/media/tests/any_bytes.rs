//! No bytes make a clip panic: a user may name any file as one.

use parallax_media::{Clip, Container, Size, nal};
use proptest::prelude::*;

const SMALL: Size = Size { width: 320, height: 240 };
const FRAMES: usize = 8;

/// The beginning of a sound clip.
fn sound() -> Vec<u8> {
    let clip = Clip::builtin("bunny", SMALL).expect("there").annex_b;
    nal::access_units(clip)[..FRAMES].concat()
}

fn opened(bytes: &[u8]) {
    // It may be a clip of another length: then it is decoded as that.
    let frames = nal::access_units(bytes).len();
    let checked = Clip::check(bytes, SMALL, frames);
    let opened = Clip::from_annex_b(bytes, 25, Size { width: 160, height: 96 });
    if checked.is_ok() {
        assert_eq!(opened.expect("it was checked").len(), Some(frames));
    }
    assert!(Clip::check(bytes, SMALL, frames + 1).is_err());
}

const FILMS: [(&[u8], Container); 5] = [
    (include_bytes!("films/plain.mp4"), Container::Mp4),
    (include_bytes!("films/fragmented.mp4"), Container::Mp4),
    (include_bytes!("films/half-fragmented.mp4"), Container::Mp4),
    (include_bytes!("films/sound.mp4"), Container::Mp4),
    (include_bytes!("films/plain.y4m"), Container::Y4m),
];

fn filmed(container: Container, film: &[u8]) {
    let most = 1000;
    let checked = Clip::check_film(container, film, most);
    let opened = Clip::from_film(container, film, Size { width: 160, height: 96 }, most);
    match (checked, opened) {
        (Ok(()), Ok(_)) => {}
        (Err(checked), Err(opened)) => assert_eq!(checked.to_string(), opened.to_string()),
        (checked, opened) => panic!("checked {checked:?}, opened {opened:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        opened(&bytes);
        opened(&[&[0, 0, 1], &bytes[..]].concat());
    }

    #[test]
    fn any_bytes_behind_parameter_sets(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        // SPS, PPS and the start code of the key frame.
        opened(&[&sound()[..34], &[0, 0, 1, 0x65], &bytes[..]].concat());
    }

    #[test]
    fn any_damage(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = sound();
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        opened(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        opened(&bytes);
    }

    /// Where the sizes and counts of a stream are told.
    #[test]
    fn any_parameter_sets(changes in prop::collection::vec((7..35_usize, any::<u8>()), 1..6)) {
        let mut bytes = sound();
        for (at, to) in changes {
            bytes[at] = to;
        }
        opened(&bytes);
    }

    #[test]
    fn any_bytes_as_a_film(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        filmed(Container::Mp4, &bytes);
        filmed(Container::Mp4, &[b"\0\0\0\x08ftyp", &bytes[..]].concat());
        filmed(Container::Y4m, &[b"YUV4MPEG2 ", &bytes[..]].concat());
    }

    #[test]
    fn any_damage_to_a_film(
        which in 0..FILMS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let (film, container) = FILMS[which];
        let mut film = film.to_vec();
        for (at, to) in changes {
            let at = at.index(film.len());
            film[at] = to;
        }
        filmed(container, &film);
        film.truncate(cut.index(film.len()));
        filmed(container, &film);
    }

    /// Where lengths, numbers and places are told: in boxes, which make most of the last bytes.
    #[test]
    fn any_tables_of_a_film(
        which in 0..4_usize,
        changes in prop::collection::vec((0..1_000_usize, any::<u8>()), 1..4),
    ) {
        let (film, container) = FILMS[which];
        let mut film = film.to_vec();
        for (at, to) in changes {
            // Plain films have their tables last, others first.
            let at = if which == 0 { film.len() - 1 - at } else { at };
            film[at] = to;
        }
        filmed(container, &film);
    }
}
