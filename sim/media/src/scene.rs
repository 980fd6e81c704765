//! A scene that is drawn, so that a run needs no clip: a textured wall that the camera pans over,
//! light that wanders, four balls before it, and the noise of a sensor.
//!
//! Whole numbers alone, so that it is the same picture everywhere. It has as much to encode as a
//! film: detail that moves, edges that uncover what is behind them, and brightness that changes.

use crate::picture::{Picture, Size, SizeError};

/// Period of the wall, samples, both ways.
const TILE: usize = 512;

/// Samples in which the light goes round once.
const LIGHT: usize = 1024;

/// Period of the sensor's noise, samples; each row of each frame begins elsewhere.
const NOISE: usize = 4096;

/// What is drawn anew for no frame: made once for a size.
#[derive(Debug)]
pub(crate) struct Scene {
    size: Size,
    /// Luma, blue and red of the wall: rows of a tile, and of a picture's width behind it, so that a
    /// row that begins anywhere in the tile is one piece.
    wall: [Plane; 3],
    /// What the light adds, once round and as much as a picture needs behind that.
    light: Vec<i8>,
    /// What the sensor adds, likewise.
    noise: Vec<i8>,
}

#[derive(Debug)]
struct Plane {
    samples: Vec<u8>,
    /// Samples of a row.
    stride: usize,
    /// The tile's side.
    tile: usize,
}

impl Plane {
    /// As many samples of a row as `width`, from this place of the tile on.
    fn row(&self, left: usize, row: usize, width: usize) -> &[u8] {
        &self.samples[row % self.tile * self.stride + left % self.tile..][..width]
    }
}

/// A ball: it swings between the sides in one time and between top and bottom in another.
struct Ball {
    /// Its radius, in 64ths of the picture's shorter side.
    radius: usize,
    across_ms: u64,
    down_ms: u64,
    /// How far it is on its way when the scene begins.
    ahead_ms: u64,
    luma: i32,
    /// How many rings it has.
    rings: i32,
    chroma: (u8, u8),
}

/// Times are prime: the whole does not repeat in the life of a bench.
const BALLS: [Ball; 4] = [
    Ball {
        radius: 9,
        across_ms: 7019,
        down_ms: 4013,
        ahead_ms: 2000,
        luma: 190,
        rings: 3,
        chroma: (90, 190),
    },
    Ball {
        radius: 6,
        across_ms: 3511,
        down_ms: 5009,
        ahead_ms: 3000,
        luma: 70,
        rings: 5,
        chroma: (180, 100),
    },
    Ball {
        radius: 12,
        across_ms: 11_003,
        down_ms: 9001,
        ahead_ms: 5000,
        luma: 120,
        rings: 2,
        chroma: (100, 90),
    },
    Ball {
        radius: 4,
        across_ms: 2003,
        down_ms: 2503,
        ahead_ms: 900,
        luma: 220,
        rings: 0,
        chroma: (60, 140),
    },
];

impl Scene {
    /// A scene in pictures of this size.
    ///
    /// # Errors
    /// Fails for a size that no picture can have.
    pub(crate) fn new(size: Size) -> Result<Self, SizeError> {
        size.check()?;
        let width = usize::from(size.width);
        // Coarse to fine; what is fine is faint, as on a wall.
        let luma = wall(TILE, width, 1, &[(128, 70), (32, 44), (8, 30), (2, 14)]);
        let blue = wall(TILE / 2, width / 2, 2, &[(64, 30), (16, 10)]);
        let red = wall(TILE / 2, width / 2, 3, &[(64, 30), (16, 10)]);
        let once = (0..LIGHT as u64).map(|at| swing(at, LIGHT as u64 / 2, 64) as i8 - 32);
        let light = once.cycle().take(LIGHT + width).collect();
        let once = (0..NOISE).map(|at| (noise(4, 1, at, 0) % 7) as i8 - 3);
        let noise = once.cycle().take(NOISE + width).collect();
        Ok(Self { size, wall: [luma, blue, red], light, noise })
    }

    /// The picture at this time, milliseconds from the scene's beginning.
    pub(crate) fn at(&self, ms: u64) -> Picture {
        let (width, height) = (usize::from(self.size.width), usize::from(self.size.height));
        // Even steps, so that chroma goes with luma.
        let pan = |period_ms, reach| 2 * swing(ms, period_ms, reach) as usize;
        let (left, top) = (pan(17_011, width as u64), pan(23_003, height as u64 / 2));
        let light = (ms / 13) as usize % LIGHT;
        let mut y = Vec::with_capacity(width * height);
        for row in 0..height {
            let wall = self.wall[0].row(left, top + row, width);
            let light = &self.light[(light + 2 * row) % LIGHT..][..width];
            let begin = noise(5, 1, (ms % 0xffff_ffff) as usize, row) as usize * (NOISE / 256);
            let noise = &self.noise[begin..][..width];
            let added = light.iter().zip(noise).map(|(light, noise)| light + noise);
            y.extend(wall.iter().zip(added).map(|(wall, added)| wall.saturating_add_signed(added)));
        }
        let chroma = |plane: &Plane| {
            let mut samples = Vec::with_capacity(width * height / 4);
            for row in 0..height / 2 {
                samples.extend_from_slice(plane.row(left / 2, top / 2 + row, width / 2));
            }
            samples
        };
        let (mut u, mut v) = (chroma(&self.wall[1]), chroma(&self.wall[2]));
        for ball in &BALLS {
            ball.draw(self.size, ms, [&mut y, &mut u, &mut v]);
        }
        Picture::of_planes(self.size, y, u, v)
    }
}

impl Ball {
    fn draw(&self, size: Size, ms: u64, [y, u, v]: [&mut [u8]; 3]) {
        let ms = ms.saturating_add(self.ahead_ms);
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let radius = (width.min(height) * self.radius / 64).max(2) & !1;
        let side = |period_ms, length: usize| {
            let reach = (length - 2 * radius) as u64 / 2;
            2 * swing(ms, period_ms, reach) as usize
        };
        let (left, top) = (side(self.across_ms, width), side(self.down_ms, height));
        let square = (radius * radius) as i32;
        for row in 0..2 * radius {
            let down = row as i32 - radius as i32;
            let line = &mut y[(top + row) * width + left..][..2 * radius];
            for (column, luma) in line.iter_mut().enumerate() {
                let across = column as i32 - radius as i32;
                let distance = across * across + down * down;
                if distance < square {
                    let ring = distance * 2 * self.rings / square % 2 * 24;
                    let shade = (across + down) * 40 / radius as i32;
                    *luma = (self.luma - ring - shade).clamp(16, 235) as u8;
                }
            }
        }
        let (radius, square) = (radius / 2, square / 4);
        for row in 0..2 * radius {
            let down = row as i32 - radius as i32;
            let begin = (top / 2 + row) * (width / 2) + left / 2;
            for column in 0..2 * radius {
                let across = column as i32 - radius as i32;
                if across * across + down * down < square {
                    (u[begin + column], v[begin + column]) = self.chroma;
                }
            }
        }
    }
}

/// There in `period_ms` and back in another: from 0 to `reach`.
fn swing(ms: u64, period_ms: u64, reach: u64) -> u64 {
    let phase = ms % (2 * period_ms);
    phase.min(2 * period_ms - phase) * reach / period_ms
}

/// Noise of several grains, each with its side and its range, around the middle of all samples.
fn wall(tile: usize, width: usize, seed: u32, grains: &[(usize, i32)]) -> Plane {
    let mut sums = vec![128_i32; tile * tile];
    for &(side, range) in grains {
        let corners = tile / side;
        let corner = |column: usize, row: usize| {
            noise(seed, side, column % corners, row % corners) * range / 256 - range / 2
        };
        let scale = (side * side) as i32;
        for (row, line) in sums.chunks_exact_mut(tile).enumerate() {
            let (cell, below) = (row / side, (row % side) as i32);
            let above = side as i32 - below;
            for (column, cells) in line.chunks_exact_mut(side).enumerate() {
                let between =
                    |column| corner(column, cell) * above + corner(column, cell + 1) * below;
                let (mut value, next) = (between(column) * side as i32, between(column + 1));
                let step = next - value / side as i32;
                for sum in cells {
                    *sum += value.div_euclid(scale);
                    value += step;
                }
            }
        }
    }
    let stride = tile + width;
    let mut samples = Vec::with_capacity(stride * tile);
    for line in sums.chunks_exact(tile) {
        let row = line.iter().map(|sum| (*sum).clamp(16, 235) as u8);
        samples.extend(row.cycle().take(stride));
    }
    Plane { samples, stride, tile }
}

/// A number from 0 to 255, for a corner of a grain.
fn noise(seed: u32, side: usize, column: usize, row: usize) -> i32 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b1) ^ (side as u32).wrapping_mul(0x85eb_ca6b);
    for number in [column as u32, row as u32] {
        mixed = (mixed ^ number).wrapping_mul(0xc2b2_ae35);
        mixed ^= mixed >> 15;
    }
    mixed = mixed.wrapping_mul(0x27d4_eb2f);
    (mixed >> 24) as i32
}
