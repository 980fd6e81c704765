//! Labels: how wide a text is, and where it stands without overprinting another.

/// Advance widths of the letters from space to tilde in DejaVu Sans, hundredths of the font size, rounded up. It is
/// the font of the PNGs, and wider than those that systems use for pages.
const WIDTHS: [u8; 95] = [
    32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75,
    79, 61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50, 50, 62, 64, 55, 64, 62, 36,
    64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84,
];

/// Width of a bold text to that of a plain one.
pub(crate) const BOLD: f64 = 1.13;

/// The height of a line, of its font size.
const LINE: f64 = 1.2;

/// How far labels stay apart, pixels.
const APART: f64 = 2.0;

/// What stands for the rest of a text that is cut.
const REST: char = '…';

/// Fewer letters than these say nothing.
const FEWEST: usize = 4;

/// How wide a text is, pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let letter = |letter: char| {
        let place = usize::try_from(u32::from(letter)).ok().and_then(|at| at.checked_sub(32));
        match place.and_then(|at| WIDTHS.get(at)) {
            Some(hundredths) => f64::from(*hundredths) / 100.0,
            // As wide as any that is common.
            None => 1.1,
        }
    };
    text.chars().map(letter).sum::<f64>() * size
}

/// A text cut so that it is no wider than `room`; empty if hardly anything is left of it.
pub(crate) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if width(&kept, size) + width("…", size) > room {
            kept.pop();
            break;
        }
    }
    if kept.chars().count() < FEWEST {
        return String::new();
    }
    kept.push(REST);
    kept
}

/// What a label covers, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Extent {
    /// Of a line whose middle is at `y`.
    pub(crate) fn line(left: f64, y: f64, wide: f64, size: f64) -> Self {
        let half = size * LINE / 2.0;
        Self { left, right: left + wide, top: y - half, bottom: y + half }
    }

    fn beside(&self, other: &Self) -> bool {
        self.top < other.bottom && other.top < self.bottom
    }

    fn meets(&self, other: &Self) -> bool {
        self.beside(other) && self.left < other.right + APART && other.left < self.right + APART
    }
}

/// The labels of a plot that have their places.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    taken: Vec<Extent>,
}

impl Labels {
    /// Takes a place if no other label is there; whether it did.
    pub(crate) fn take(&mut self, extent: Extent) -> bool {
        let free = !self.taken.iter().any(|other| other.meets(&extent));
        if free {
            self.taken.push(extent);
        }
        free
    }

    /// How far a line at `y` is free from `x` on, to the left and to the right, within `area`.
    pub(crate) fn room(&self, x: f64, y: f64, size: f64, area: (f64, f64)) -> (f64, f64) {
        let line = Extent::line(x, y, 0.0, size);
        let (mut left, mut right) = area;
        for other in self.taken.iter().filter(|other| other.beside(&line)) {
            if other.left - APART <= x && x <= other.right + APART {
                return (0.0, 0.0);
            }
            if other.right < x {
                left = left.max(other.right + APART);
            } else {
                right = right.min(other.left - APART);
            }
        }
        ((x - left - 0.1).max(0.0), (right - x - 0.1).max(0.0))
    }
}
