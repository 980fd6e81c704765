//! Clips: those that come with Parallax, by name; a user's own, as a film, or by a manifest that says
//! what is in the raw stream beside it.

use crate::{
    document,
    error::{Problem, Rank, ScenarioErrors},
    files::{self, FileRead, Profiles},
    film::{self, Film, FilmKind, MAX_CLIP_BYTES, MAX_PICTURE_BYTES},
    from_value::fill,
    key::{keys, said, sentence, size, whole},
    source::Source,
    synonyms::{instead, quoted},
    table::{Place, Reader, Table, Value},
    units::{Size, shown},
};
use core::{fmt, ops::Range};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};

keys! {
    CLIP_TOP: "(top)" {
        /// The version of this format.
        schema: said("`1`");
        /// The clip: H.264 in Annex B, of any profile; 8 bits, 4:2:0, progressive, without B-frames.
        file: said("name of a file beside the manifest");
        /// The size of its pictures.
        size: size().and(", such as `\"640x360\"`, both even");
        /// How fast it is shown.
        frames_per_second: whole(1, 1_000);
        /// How many pictures it has.
        frames: whole(1, 10_000_000);
        /// How long the file is.
        bytes: whole(1, MAX_CLIP_BYTES);
        /// SHA-256 of the file, as `sha256sum` prints it.
        sha256: said("64 hexadecimal digits");
        /// What is seen.
        title: sentence("text"), absent "not told";
        /// Who made it.
        author: sentence("text"), absent "not told";
        /// What may be done with it.
        licence: sentence("text"), absent "not told";
        /// What was changed of the original.
        changes: sentence("text"), absent "not told";
        /// Where the original is from.
        origin: sentence("text"), absent "not told";
        /// SHA-256 of the original.
        origin_sha256: said("64 hexadecimal digits"), absent "not told";
        /// The command that made the file.
        command: sentence("text"), absent "not told";
        /// The versions of what made it.
        command_version: sentence("text"), absent "not told";
    }
}

/// The clips that come with Parallax (`fixtures/clips/`). A test holds them against the media.
pub const BUILTIN_CLIPS: &[&str] = &["bunny", "scene"];

/// The clip that a camera films.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipUse {
    /// One that comes with Parallax, by its name.
    Builtin(String),
    /// A user's own, raw, with its manifest.
    Own(OwnClip),
    /// A user's own film.
    Film(Film),
}

impl ClipUse {
    /// Its name; of a user's own, that of the manifest or the film without folder and ending.
    pub fn name(&self) -> &str {
        match self {
            Self::Builtin(name) => name,
            Self::Own(clip) => &clip.manifest.name,
            Self::Film(film) => &film.name,
        }
    }
}

/// A user's own clip: the manifest, and the file that it names, whose length and digest are right.
/// Clones share both.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnClip {
    manifest: Arc<Manifest>,
    annex_b: Arc<[u8]>,
}

impl OwnClip {
    /// What the clip is said to be.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of the file.
    pub fn annex_b(&self) -> &[u8] {
        &self.annex_b
    }
}

impl fmt::Debug for OwnClip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnClip({}, {})", self.manifest.name, self.manifest.sha256)
    }
}

/// What a clip is said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The name of the manifest without folder and ending.
    pub name: String,
    /// The name of the clip's file, which stands beside the manifest.
    pub file: String,
    /// The size of its pictures.
    pub size: Size,
    /// Its frame rate; not 0.
    pub frames_per_second: u16,
    /// How many pictures it has; not 0.
    pub frames: u32,
    /// How long the file is.
    pub bytes: u32,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    source: Source,
    /// Where the values of keys stand.
    places: BTreeMap<&'static str, Range<usize>>,
}

/// What is wrong with a clip's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is no stream that can be shown; why.
    Stream(String),
    /// Its frames do not decode, but could be sent as they are; why.
    NotDecoded(String),
    /// It is interlaced.
    Interlaced,
    /// It has frames that refer to later ones.
    Bidirectional {
        /// The first of them, from 0.
        frame: usize,
    },
    /// The size that the manifest says is none that a picture can have; why.
    ImpossibleSize(String),
    /// A picture has another size than the manifest says.
    Size {
        /// Which frame, from 0.
        frame: usize,
        /// Its size.
        found: Size,
    },
    /// It has another number of frames than the manifest says: this one.
    Frames(usize),
}

impl Manifest {
    /// Takes the clip's file.
    ///
    /// # Errors
    /// If its length or its digest is not what the manifest says.
    pub fn with(self, file: FileRead) -> Result<OwnClip, ScenarioErrors> {
        let name = &file.name;
        if file.length != u64::from(self.bytes) {
            let (found, told) = (file.length, self.bytes);
            let short = if found < u64::from(told) { ": is it cut off?" } else { "" };
            let message = format!("{name} has {found} bytes, the manifest says {told}{short}");
            let help = match found {
                0 => "bring the right file: this one is empty".to_owned(),
                _ if found > u64::from(MAX_CLIP_BYTES) => {
                    format!("cut the clip: its file may have up to {MAX_CLIP_BYTES} bytes")
                }
                _ => format!("bring the right file, or write `bytes = {found}` and its SHA-256"),
            };
            return Err(self.refuse("bytes", &message, "not the length of the file", help));
        }
        let found = hex::encode(Sha256::digest(&file.bytes));
        if found != self.sha256 {
            let message = format!("{name} is not the file that the manifest means");
            let help = format!("bring the right file, or write `sha256 = \"{found}\"`");
            return Err(self.refuse("sha256", &message, "not the SHA-256 of the file", help));
        }
        Ok(OwnClip { manifest: Arc::new(self), annex_b: file.bytes.into() })
    }

    /// Tells, at its place in the manifest, what whoever decoded the file has found wrong with it.
    pub fn flawed(&self, flaw: &Flaw) -> ScenarioErrors {
        let file = &self.file;
        let again = |filter: &str| {
            format!(
                "ffmpeg -i FILM -an {filter}-c:v libx264 -profile:v baseline -bf 0 \
                 -pix_fmt yuv420p -f h264 {file}"
            )
        };
        match flaw {
            Flaw::Stream(cause) => {
                self.refuse("file", cause, "this clip", format!("make it again: {}", again("")))
            }
            Flaw::NotDecoded(cause) => {
                let help = format!(
                    "make it again: {}; or run it with prerecorded media, which are not decoded",
                    again("")
                );
                self.refuse("file", cause, "this clip", help)
            }
            Flaw::Interlaced => {
                let cause = "failed to open the clip: it is interlaced, and must be progressive";
                let help = format!(
                    "set the camera to progressive pictures, or make it again: {}",
                    again("-vf yadif ")
                );
                self.refuse("file", cause, "this clip", help)
            }
            Flaw::Bidirectional { frame } => {
                let cause = format!(
                    "failed to open the clip: frame {frame} refers to a later one (a B-frame): \
                     OpenH264 does not decode such exactly, and each costs a live stream the time \
                     until the later one"
                );
                let help =
                    format!("set the camera to no B-frames, or make it again: {}", again(""));
                self.refuse("file", &cause, "this clip", help)
            }
            Flaw::ImpossibleSize(cause) => {
                let help = "scale the clip to such a size, and write it here";
                self.refuse("size", cause, "no size of a picture", help)
            }
            Flaw::Size { frame, found } => {
                let message = format!("frame {frame} of {file} has {found}, not {}", self.size);
                let help = "write the size that all pictures of the clip have";
                self.refuse("size", &message, "not the size of this picture", help)
            }
            Flaw::Frames(found) => {
                let message = format!("{file} has {found} frames, not {}", self.frames);
                let help = format!("write `frames = {found}`, if all of the file is there");
                self.refuse("frames", &message, "not what the file has", help)
            }
        }
    }

    fn refuse(
        &self,
        key: &str,
        message: &str,
        label: &str,
        help: impl Into<String>,
    ) -> ScenarioErrors {
        let span = self.source.clip(self.places.get(key).cloned().unwrap_or(0..0));
        let message = format!("{key}: {message}");
        Problem::new(Rank::Whole, &self.source, key, message, (span, label), help).into()
    }

    /// Where the clip's file is, from where `path` leads to the manifest.
    fn file_from(&self, path: &str) -> String {
        let folder = path.rfind(['/', '\\']).map_or("", |end| &path[..=end]);
        format!("{folder}{}", self.file)
    }
}

/// Reads a manifest. `name` is the file as messages show it; the clip is named after its stem.
///
/// # Errors
/// With everything that is wrong with it, most helpful first.
pub fn parse(name: &str, text: &str) -> Result<Manifest, ScenarioErrors> {
    document::read((name, text), None, &CLIP_TOP, |reader, top| read(reader, name, &top))
}

fn read(reader: &mut Reader, name: &str, top: &Table<'_>) -> Option<Manifest> {
    let schema = document::schema(reader, top);
    let file = top.get(reader, "file").and_then(|value| file_name(reader, &value));
    let sha256 = top.get(reader, "sha256").and_then(|value| digest(reader, value));
    for key in ["title", "author", "licence", "changes", "origin", "command", "command_version"] {
        top.read::<Option<String>>(reader, key)?;
    }
    top.read_by(reader, "origin_sha256", digest)?;
    let told = ["file", "size", "frames_per_second", "frames", "bytes", "sha256"];
    let places = told.map(|key| Some((key, top.get(reader, key)?.place.span)));
    schema?;
    fill!(reader, top => Manifest {
        size, frames_per_second, frames, bytes;
        name: document::stem(name),
        file: file?,
        sha256: sha256?,
        source: reader.source.clone(),
        places: places.into_iter().flatten().collect(),
    })
}

fn file_name(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let name = value.text(reader)?;
    let elsewhere = name.contains(['/', '\\']) || [".", "..", ""].contains(&name.as_str());
    if elsewhere || name.contains(char::is_control) {
        let message = format!("{} is not the name of a file beside this one", shown(&name));
        let help = "write a name without a folder, such as `my-film.h264`: the clip stands beside \
                    its manifest";
        return value.refuse(reader, &message, "not such a name", help);
    }
    Some(name)
}

fn digest(reader: &mut Reader, value: Value<'_>) -> Option<String> {
    let text = value.text(reader)?;
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("{} is not a SHA-256", shown(&text));
        let help = "write 64 hexadecimal digits, as `sha256sum FILE` prints them";
        return value.refuse(reader, &message, "not a digest", help);
    }
    Some(text.to_ascii_lowercase())
}

/// The clips that the cameras of one scenario have named so far: each is read once.
pub(crate) struct Clips<'a> {
    pub(crate) profiles: &'a dyn Profiles,
    own: BTreeMap<String, Option<ClipUse>>,
}

impl<'a> Clips<'a> {
    pub(crate) fn new(profiles: &'a dyn Profiles) -> Self {
        Self { profiles, own: BTreeMap::new() }
    }

    /// The clip that `value` names.
    pub(crate) fn find(&mut self, reader: &mut Reader, value: &Value<'_>) -> Option<ClipUse> {
        let name = value.text(reader)?;
        let film = FilmKind::of(&name);
        if film.is_some() || files::is_beside(&name) {
            if let Some(read) = self.own.get(&name) {
                return read.clone();
            }
            let read = match film {
                Some(kind) => film::read(reader, self.profiles, (&name, kind), &value.place)
                    .map(ClipUse::Film),
                None => own(reader, self.profiles, &name, &value.place).map(ClipUse::Own),
            };
            self.own.insert(name, read.clone());
            return read;
        }
        if BUILTIN_CLIPS.contains(&name.as_str()) {
            return Some(ClipUse::Builtin(name));
        }
        let names = || BUILTIN_CLIPS.iter().copied();
        let all = format!(
            "there are: {}; or name a film of your own, such as `my-film.mp4`, or its manifest, \
             `my-film.toml`",
            quoted(names())
        );
        let help = film::conversion(&name).unwrap_or_else(|| instead(&name, names(), &all));
        let message = format!("there is no clip {}", shown(&name));
        value.refuse(reader, &message, "not a clip", help)
    }
}

/// Reads a manifest, by its name and text, and the clip's file beside it. `path` leads to the manifest from
/// where `files` are looked for.
///
/// # Errors
/// With what is wrong with the manifest, or if the file is not there or not the one that it means.
pub fn open(
    (name, text): (&str, &str),
    path: &str,
    files: &dyn Profiles,
) -> Result<OwnClip, ScenarioErrors> {
    let told = parse(name, text)?;
    let file = told.file_from(path);
    let file = files.beside(&file, u64::from(MAX_CLIP_BYTES)).map_err(|unreadable| {
        let help = "write the name of a file beside this one";
        told.refuse("file", &unreadable.to_string(), "named here", help)
    })?;
    told.with(file)
}

fn own(reader: &mut Reader, profiles: &dyn Profiles, path: &str, place: &Place) -> Option<OwnClip> {
    let manifest = files::beside(reader, profiles, path, place)?;
    let found =
        files::decode_file(&manifest).and_then(|text| open((&manifest.name, text), path, profiles));
    match found {
        Ok(clip) => Some(clip),
        Err(errors) => {
            reader.problems.extend(errors.into_problems());
            None
        }
    }
}

/// Refuses a clip whose pictures would take too much memory at the size that is filmed.
pub(crate) fn fits_memory(
    reader: &mut Reader,
    clip: &ClipUse,
    size: Size,
    place: &Place,
) -> Option<()> {
    let ClipUse::Own(clip) = clip else { return Some(()) };
    let manifest = clip.manifest();
    // 4:2:0: half as many samples of chroma as of luma.
    let picture = size.pixels() * 3 / 2;
    let most = MAX_PICTURE_BYTES / picture;
    if u64::from(manifest.frames) <= most {
        return Some(());
    }
    let message = format!(
        "{} has {} frames: too many to hold in memory at {size}",
        manifest.file, manifest.frames
    );
    let help = format!(
        "cut the clip to {most} frames, or film it at a smaller size: its pictures may take {} MiB",
        MAX_PICTURE_BYTES >> 20
    );
    reader.refuse(Rank::Value, place, &message, "too long a clip", help)
}
