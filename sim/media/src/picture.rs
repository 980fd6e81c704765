//! Pictures in memory.

use core::fmt;

/// Width and height of a picture, luma samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size {
    /// Luma samples per row; even.
    pub width: u16,
    /// Rows of luma samples; even.
    pub height: u16,
}

/// A size that no picture can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// 4:2:0 halves both dimensions.
    #[error("failed to use the size {0}: width and height must be even")]
    Odd(Size),
    /// OpenH264 refuses less than 16 by 16.
    #[error("failed to use the size {0}: width and height must be at least 16")]
    TooSmall(Size),
    /// OpenH264 refuses more than 3840 by 2160, either way up.
    #[error("failed to use the size {0}: at most 3840x2160 or 2160x3840")]
    TooLarge(Size),
}

impl Size {
    /// Luma samples of a picture.
    pub fn area(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// Says whether a picture can have this size: even, at least 16 by 16, at most 3840x2160
    /// either way up (what OpenH264 takes).
    ///
    /// # Errors
    /// Names the rule that is broken.
    pub fn check(self) -> Result<(), SizeError> {
        let (long, short) = (self.width.max(self.height), self.width.min(self.height));
        if !self.width.is_multiple_of(2) || !self.height.is_multiple_of(2) {
            Err(SizeError::Odd(self))
        } else if short < 16 {
            Err(SizeError::TooSmall(self))
        } else if long > 3840 || short > 2160 {
            Err(SizeError::TooLarge(self))
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

/// An I420 picture: 8-bit luma, and chroma at half the width and height, rows without padding.
///
/// The planes are private because the encoder, C++ code behind a safe trait, reads as many bytes
/// as the size says: the lengths always agree with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Picture({})", self.size)
    }
}

/// Luma, blue and red, each with the distance of its rows.
pub(crate) type Planes<'p> = [(&'p [u8], usize); 3];

impl Picture {
    /// Its planes.
    pub(crate) fn planes(&self) -> Planes<'_> {
        let width = usize::from(self.size().width);
        [(self.y(), width), (self.u(), width / 2), (self.v(), width / 2)]
    }

    /// A picture of one grey, `luma`, with neutral chroma.
    ///
    /// # Errors
    /// Fails for a size that no picture can have.
    pub fn grey(size: Size, luma: u8) -> Result<Self, SizeError> {
        size.check()?;
        let chroma = size.area() / 4;
        Ok(Self { size, y: vec![luma; size.area()], u: vec![128; chroma], v: vec![128; chroma] })
    }

    /// Picture `n` of a moving test pattern: slanted gradients that drift, and a square of 32
    /// samples that crosses them. The same arguments give the same picture everywhere.
    ///
    /// # Errors
    /// Fails for a size that no picture can have.
    pub fn test_pattern(size: Size, n: u32) -> Result<Self, SizeError> {
        let mut picture = Self::grey(size, 0)?;
        let (width, height) = (usize::from(size.width), usize::from(size.height));
        let step = n as usize;
        let left = (step * 5) % width;
        let top = (step * 3) % height;
        for (row, line) in picture.y.chunks_exact_mut(width).enumerate() {
            for (column, luma) in line.iter_mut().enumerate() {
                let inside = (left..left + 32).contains(&column) && (top..top + 32).contains(&row);
                let gradient = (column + 2 * row + 3 * step) % 200;
                *luma = if inside { 230 } else { 20 + gradient as u8 };
            }
        }
        for (row, (u, v)) in picture
            .u
            .chunks_exact_mut(width / 2)
            .zip(picture.v.chunks_exact_mut(width / 2))
            .enumerate()
        {
            for (column, (u, v)) in u.iter_mut().zip(v.iter_mut()).enumerate() {
                *u = 90 + ((column + step) % 76) as u8;
                *v = 90 + ((row + 2 * step) % 76) as u8;
            }
        }
        Ok(picture)
    }

    /// A picture from its planes, `width * height` luma samples and a quarter as many of each
    /// chroma. `None` if the size is impossible or a length does not agree with it.
    pub fn from_planes(size: Size, y: Vec<u8>, u: Vec<u8>, v: Vec<u8>) -> Option<Self> {
        size.check().ok()?;
        let chroma = size.area() / 4;
        (y.len() == size.area() && u.len() == chroma && v.len() == chroma).then_some(Self {
            size,
            y,
            u,
            v,
        })
    }

    /// A picture from planes whose lengths are right by how they were made.
    pub(crate) fn of_planes(size: Size, y: Vec<u8>, u: Vec<u8>, v: Vec<u8>) -> Self {
        let chroma = size.area() / 4;
        assert!(y.len() == size.area() && u.len() == chroma && v.len() == chroma);
        Self { size, y, u, v }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The picture as red, green and blue, 8 bits each, row by row: BT.601, limited range, in whole
    /// numbers. Each chroma sample colours four pixels.
    pub fn rgb(&self) -> Vec<u8> {
        let width = usize::from(self.size.width);
        let mut rgb = Vec::with_capacity(self.size.area() * 3);
        for (index, &luma) in self.y.iter().enumerate() {
            let at = index / width / 2 * (width / 2) + index % width / 2;
            let luma = 298 * (i32::from(luma) - 16) + 128;
            let (u, v) = (i32::from(self.u[at]) - 128, i32::from(self.v[at]) - 128);
            let (red, green, blue) = (409 * v, -100 * u - 208 * v, 516 * u);
            rgb.extend([red, green, blue].map(|c| ((luma + c) >> 8).clamp(0, 255) as u8));
        }
        rgb
    }

    /// Luma, row by row, `width` samples each.
    pub fn y(&self) -> &[u8] {
        &self.y
    }

    /// Blue difference, row by row, `width / 2` samples each.
    pub fn u(&self) -> &[u8] {
        &self.u
    }

    /// Red difference, row by row, `width / 2` samples each.
    pub fn v(&self) -> &[u8] {
        &self.v
    }

    /// Luma, to write.
    pub fn y_mut(&mut self) -> &mut [u8] {
        &mut self.y
    }

    /// Blue and red difference, to write.
    pub fn chroma_mut(&mut self) -> (&mut [u8], &mut [u8]) {
        (&mut self.u, &mut self.v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u16, height: u16) -> Size {
        Size { width, height }
    }

    #[test]
    fn impossible_sizes_are_refused_with_their_reason() {
        assert_eq!(
            Picture::grey(size(321, 240), 0).unwrap_err().to_string(),
            "failed to use the size 321x240: width and height must be even"
        );
        assert_eq!(size(320, 14).check(), Err(SizeError::TooSmall(size(320, 14))));
        assert_eq!(size(4096, 2160).check(), Err(SizeError::TooLarge(size(4096, 2160))));
        assert_eq!(size(2160, 3840).check(), Ok(()));
        assert_eq!(size(16, 16).check(), Ok(()));
    }

    #[test]
    fn planes_must_agree_with_the_size() {
        let planes =
            |y, u, v| Picture::from_planes(size(32, 16), vec![0; y], vec![0; u], vec![0; v]);
        assert!(planes(512, 128, 128).is_some());
        assert!(planes(511, 128, 128).is_none());
        assert!(planes(512, 129, 128).is_none());
        assert!(planes(512, 128, 0).is_none());
    }

    #[test]
    fn black_white_and_the_primary_colours_are_what_they_are_in_bt_601() {
        let of = |y, u, v| {
            let mut picture = Picture::grey(size(16, 16), y).unwrap();
            let (blue, red) = picture.chroma_mut();
            blue.fill(u);
            red.fill(v);
            picture.rgb()[..3].to_vec()
        };
        assert_eq!(of(16, 128, 128), [0, 0, 0]);
        assert_eq!(of(235, 128, 128), [255, 255, 255]);
        assert_eq!(of(81, 90, 240), [255, 0, 0]);
        assert_eq!(of(145, 54, 34), [0, 255, 1]);
        assert_eq!(of(41, 240, 110), [0, 0, 255]);
    }

    #[test]
    fn the_test_pattern_moves_and_repeats_itself_exactly() {
        let at = |n| Picture::test_pattern(size(320, 240), n).unwrap();
        assert_eq!(at(7), at(7));
        assert_ne!(at(7), at(8));
    }
}
