//! Films: a user's own clip as cameras and players keep it, named by the scenario itself. What is in
//! it is for whoever decodes it to find out, who comes back here to tell what is wrong, at the place
//! in the scenario.

use crate::{
    error::{Problem, Rank, ScenarioErrors},
    files::{FileRead, Profiles},
    source::Source,
    table::{Place, Reader},
    units::{Size, shown},
};
use core::{fmt, ops::Range};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Longest file of a clip, bytes.
pub const MAX_CLIP_BYTES: u32 = 64 << 20;

/// The most that the pictures of one clip may take in memory, bytes: a run decodes all of them
/// before it begins.
pub(crate) const MAX_PICTURE_BYTES: u64 = 1 << 30;

/// What a film is kept in, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilmKind {
    /// `.mp4`: H.264 in MP4.
    Mp4,
    /// `.y4m`: YUV4MPEG2.
    Y4m,
}

impl FilmKind {
    /// By the ending of a name, in whatever letters; none for the name of something else.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "mp4" => Some(Self::Mp4),
            "y4m" => Some(Self::Y4m),
            _ => None,
        }
    }
}

/// Endings of films that have to be converted before they can be clips.
const OTHER_FILMS: [&str; 12] =
    ["264", "avi", "gif", "h264", "h265", "m4v", "mkv", "mov", "mpg", "ts", "webm", "yuv"];

/// A film that a camera is to film. Clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Film {
    /// The name of its file, without folder and ending.
    pub name: String,
    /// What it is kept in.
    pub kind: FilmKind,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    bytes: Arc<[u8]>,
    /// The path that the scenario says.
    path: String,
    /// Where it says so.
    source: Source,
    key: String,
    span: Range<usize>,
}

impl fmt::Debug for Film {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Film({}, {})", self.path, self.sha256)
    }
}

/// What has to be done with a film that cannot be a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilmCure {
    /// It has to be encoded anew, at a constant rate, from its beginning on.
    Convert,
    /// The rows of both fields have to be made one picture.
    Deinterlace,
    /// Sides have to be made even.
    Even,
    /// The size has to be changed to one that can be.
    Scale,
    /// It has to be cut.
    Cut {
        /// To so many frames.
        most: u64,
    },
    /// It is damaged, or encoded as nobody here decodes it.
    Anew,
    /// The right or the whole file has to be brought.
    Bring,
}

impl Film {
    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many frames there may be, where they are filmed at this size: memory holds all of them.
    pub fn most_frames(size: Size) -> u64 {
        // 4:2:0: half as many samples of chroma as of luma.
        MAX_PICTURE_BYTES / (size.pixels() * 3 / 2).max(1)
    }

    /// Tells, at its place in the scenario, why the film cannot be a clip.
    pub fn refused(&self, why: &str, cure: FilmCure) -> ScenarioErrors {
        let message = format!("{}: {}: {why}", self.key, shown(&self.path));
        let help = cure.help(&self.path, self.kind);
        let label = (self.source.clip(self.span.clone()), "this film");
        Problem::new(Rank::Whole, &self.source, &self.key, message, label, help).into()
    }
}

impl FilmCure {
    fn help(self, path: &str, kind: FilmKind) -> String {
        match self {
            Self::Convert => format!("convert it:\n{}", ffmpeg(path, kind, "-vf fps=25")),
            Self::Deinterlace => {
                format!("make it progressive:\n{}", ffmpeg(path, kind, "-vf yadif,fps=25"))
            }
            Self::Even => {
                let crop = "-vf 'fps=25,crop=trunc(iw/2)*2:trunc(ih/2)*2'";
                format!("cut off the odd row or column:\n{}", ffmpeg(path, kind, crop))
            }
            Self::Scale => {
                format!("scale it:\n{}", ffmpeg(path, kind, "-vf fps=25,scale=640:-2"))
            }
            Self::Cut { most } => {
                let frames = format!("-vf fps=25 -frames:v {most}");
                format!(
                    "cut it to {most} frames, or film it at a smaller size: its pictures may take \
                     {} MiB:\n{}",
                    MAX_PICTURE_BYTES >> 20,
                    ffmpeg(path, kind, &frames)
                )
            }
            Self::Bring => {
                let line = ffmpeg("FILM", kind, "-vf fps=25");
                format!("bring the whole file, or make it anew from its original:\n{line}")
            }
            Self::Anew => format!(
                "if players show all of it, convert it, else bring the whole file:\n{}",
                ffmpeg(path, kind, "-vf fps=25")
            ),
        }
    }
}

/// The line that makes a film which can be a clip from one that cannot, beside it.
fn ffmpeg(path: &str, kind: FilmKind, filter: &str) -> String {
    let (folder, file) = path.split_at(path.rfind('/').map_or(0, |end| end + 1));
    // A film may be called so itself.
    let to = if file.starts_with("clip.") { "converted" } else { "clip" };
    let from = quoted(path);
    match kind {
        FilmKind::Mp4 => format!(
            "ffmpeg -i {from} -an {filter} -c:v libx264 -profile:v baseline -bf 0 -pix_fmt \
             yuv420p {}",
            quoted(&format!("{folder}{to}.mp4"))
        ),
        FilmKind::Y4m => {
            let to = quoted(&format!("{folder}{to}.y4m"));
            format!("ffmpeg -i {from} {filter} -pix_fmt yuv420p {to}")
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// How to get a film that Parallax does not read into one that it does; none for what is no film by
/// its name.
pub(crate) fn conversion(path: &str) -> Option<String> {
    let (_, ending) = path.rsplit_once('.')?;
    let film = OTHER_FILMS.contains(&ending.to_ascii_lowercase().as_str());
    film.then(|| format!("convert it:\n{}", ffmpeg(path, FilmKind::Mp4, "-vf fps=25")))
}

/// Reads the film that is named at `place`.
pub(crate) fn read(
    reader: &mut Reader,
    profiles: &dyn Profiles,
    (path, kind): (&str, FilmKind),
    place: &Place,
) -> Option<Film> {
    let file = match profiles.beside(path, u64::from(MAX_CLIP_BYTES)) {
        Ok(file) => file,
        Err(unreadable) => {
            let help = "write the path of a film from the folder of this file";
            return reader.refuse(Rank::Value, place, &unreadable.to_string(), "named here", help);
        }
    };
    let FileRead { length, bytes, .. } = file;
    if length > u64::from(MAX_CLIP_BYTES) {
        let name = shown(path);
        let message = format!("{name}: the file has {length} bytes, and may have {MAX_CLIP_BYTES}");
        let line = match kind {
            FilmKind::Mp4 => ffmpeg(path, kind, "-vf fps=25 -t 10"),
            // Of raw pictures there is never room for many.
            FilmKind::Y4m => ffmpeg(path, FilmKind::Mp4, "-vf fps=25"),
        };
        let cure = match kind {
            FilmKind::Mp4 => "cut it",
            FilmKind::Y4m => "encode it, and name that",
        };
        let help = format!("{cure}: {line}");
        return reader.refuse(Rank::Value, place, &message, "too long a film", help);
    }
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    Some(Film {
        name: file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned(),
        kind,
        sha256: hex::encode(Sha256::digest(&bytes)),
        bytes: bytes.into(),
        path: path.to_owned(),
        source: reader.source.clone(),
        key: place.path.clone(),
        span: place.span.clone(),
    })
}
