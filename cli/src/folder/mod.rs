//! An output folder, and which of its files are Parallax's: only those are replaced and removed.
//!
//! The folder's manifest ([`manifest`]) lists each file that a command wrote, with its digest. A file that the
//! manifest does not list, or that has another digest by now, is foreign. Links are not followed. An unfinished
//! file has the command's token in its name, or lies in the folder of a run that is marked by such a name: the
//! next command recognises what a killed one left.

mod manifest;
#[cfg(test)]
mod tests;
mod work;

use crate::{exit::Stop, output};
use manifest::{CommandToken, FolderManifest, digest};
use parallax_files::{self as files, PathKind};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use manifest::ManifestEntry;
pub(crate) use work::{place, put_aside};

/// The manifest of an output folder, in it.
pub(crate) const MANIFEST: &str = "parallax.manifest";
/// Where a manifest is written until it is whole.
const MANIFEST_ASIDE: &str = ".parallax-manifest";
/// A million runs have one of this length.
const MANIFEST_MOST: u64 = 1 << 30;
/// How long another command may take that writes a report.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// The folder of a report's pictures.
pub(crate) const REPORT: &str = "report";
/// What is written there ends so.
const REPORT_ENDINGS: [&str; 3] = ["png", "hgrm", "json"];

/// A folder that this command writes to, and no other does meanwhile.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    _lock: Option<File>,
    token: CommandToken,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    manifest: FolderManifest,
    /// The manifest's file, once this command has begun to write.
    file: Option<File>,
    asides: u32,
    /// Files of the manifest that were found to be as it says.
    ours: BTreeSet<ManifestEntry>,
}

/// What a command is to write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plan<'a> {
    /// Files in the folder itself.
    pub(crate) top: &'a [&'a str],
    /// Whether the files of a report are among them.
    pub(crate) report: bool,
    /// Folders of runs, `SCENARIO/seed-N`.
    pub(crate) runs: &'a [PathBuf],
}

/// What stands where the manifest has a file.
enum Found {
    Nothing,
    Ours,
    Foreign(String),
}

impl OutputFolder {
    /// Makes a folder, unless it is there, and keeps other commands from writing to it. Nothing in it is
    /// changed.
    ///
    /// # Errors
    /// [`Stop::BadInput`] if it cannot be an output folder, or another command writes there now.
    pub(crate) fn take(path: &Path) -> Result<Self, Stop> {
        let refused = |what: &str| {
            Stop::BadInput(format!(
                "failed to begin: {}: {what}\n  help: choose another folder with --out FOLDER",
                path.display()
            ))
        };
        if fs::canonicalize(path).is_ok_and(|real| real.parent().is_none()) {
            return Err(refused("the root of all folders is no output folder"));
        }
        output::folder(path)?;
        let lock = lock(path)?;
        let file = path.join(MANIFEST);
        let manifest = match files::kind(&file) {
            Ok(PathKind::Absent) => FolderManifest::default(),
            Ok(PathKind::File(_)) => {
                let text = files::text(&file, MANIFEST_MOST)
                    .map_err(|error| refused(&format!("{MANIFEST}: {error}")))?;
                FolderManifest::read(&text).map_err(|why| refused(&format!("{MANIFEST}: {why}")))?
            }
            Ok(_) => return Err(refused(&format!("{MANIFEST} is no file"))),
            Err(error) => return Err(refused(&format!("{MANIFEST}: {error}"))),
        };
        let state = State { manifest, ..State::default() };
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            token: CommandToken::new(),
            state: Mutex::new(state),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses what stands in the way of a command and is not Parallax's. Nothing is changed.
    ///
    /// # Errors
    /// [`Stop::BadInput`] with the first of it.
    pub(crate) fn check(&self, plan: Plan<'_>) -> Result<(), Stop> {
        let manifest = self.state().manifest.clone();
        for (entry, digests) in &manifest.files {
            // A report alone touches nothing else.
            if plan.runs.is_empty() && !plan.top.contains(&entry.as_str()) && !is_of_report(entry) {
                continue;
            }
            match self.found(entry, |digest| digests.contains(digest)) {
                Found::Foreign(why) => return Err(self.in_the_way(entry, &why)),
                Found::Ours => drop(self.state().ours.insert(entry.clone())),
                Found::Nothing => {}
            }
        }
        let claimed = |path: &str| {
            ManifestEntry::new(path).is_some_and(|entry| manifest.files.contains_key(&entry))
        };
        for name in plan.top {
            if !claimed(name) && self.kind(name)? != PathKind::Absent {
                return Err(self.foreign(name));
            }
        }
        if plan.report {
            for name in self.names(Path::new(REPORT))? {
                let path = format!("{REPORT}/{name}");
                let ours = Path::new(&name)
                    .extension()
                    .is_some_and(|ending| REPORT_ENDINGS.iter().any(|one| ending == *one));
                if ours && !claimed(&path) {
                    return Err(self.foreign(&path));
                }
            }
        }
        if !plan.runs.is_empty() {
            self.unfinished()?.iter().try_for_each(|run| self.check_unfinished(run))?;
        }
        plan.runs.iter().try_for_each(|run| self.check_run(run, &manifest))
    }

    /// Removes what earlier commands left of theirs and [`check`](Self::check) has looked at, and begins the
    /// manifest anew. What runs told that were killed is put aside first.
    ///
    /// # Errors
    /// [`Stop::BadInput`] if something cannot be removed: the user chose the folder.
    pub(crate) fn clear(&self) -> Result<(), Stop> {
        let unfinished = self.unfinished()?;
        unfinished.iter().try_for_each(|run| self.put_killed_aside(run))?;
        let (old, ours) = {
            let mut state = self.state();
            (std::mem::take(&mut state.manifest), std::mem::take(&mut state.ours))
        };
        let mut emptied: Vec<PathBuf> = Vec::new();
        for entry in &ours {
            let path = Path::new(entry.as_str());
            self.removed(path, fs::remove_file(self.path.join(entry)))?;
            let above = path.ancestors().skip(1);
            emptied.extend(above.filter(|path| !path.as_os_str().is_empty()).map(Path::to_owned));
        }
        for run in unfinished {
            self.remove_unfinished(&run, &old.tokens)?;
            emptied.extend(run.ancestors().take(2).map(Path::to_owned));
        }
        for name in self.names(Path::new(""))? {
            if old.tokens.iter().any(|token| token.is_aside(&name)) {
                self.remove_file(Path::new(&name))?;
            }
        }
        emptied.sort();
        emptied.dedup();
        for folder in emptied.iter().rev() {
            self.forget_report_below(folder)?;
            // A folder with foreign files in it is not empty, and stays.
            let _ = fs::remove_dir(self.path.join(folder));
        }
        self.begin()
    }

    /// Adds to what earlier commands left.
    ///
    /// # Errors
    /// [`Stop::BadInput`] if the folder cannot be written to: the user chose it.
    pub(crate) fn begin(&self) -> Result<(), Stop> {
        let mut state = self.state();
        if state.file.is_some() {
            return Ok(());
        }
        let mut manifest = state.manifest.clone();
        manifest.tokens.insert(self.token.clone());
        // Of reports that were replaced nothing is there any more.
        manifest.files.retain(|entry, digests| {
            let there = is_of_report(entry).then(|| file_digest(&self.path.join(entry)).ok());
            digests
                .retain(|digest| there.as_ref().is_none_or(|there| there.as_ref() == Some(digest)));
            !digests.is_empty()
        });
        let written = || {
            let aside = self.path.join(MANIFEST_ASIDE);
            // A command that was killed just then has left it.
            let is_left = matches!(files::kind(&aside)?, PathKind::File(_))
                && FolderManifest::is_begun(&files::text(&aside, MANIFEST_MOST)?);
            if is_left {
                fs::remove_file(&aside)?;
            }
            let mut file = files::create(&aside)?;
            let to = self.path.join(MANIFEST);
            let moved = || match files::kind(&to)? {
                PathKind::Absent => files::rename_new(&aside, &to),
                // It was read, and is one.
                _ => fs::rename(&aside, &to),
            };
            let text = manifest.to_string();
            let written = file.write_all(text.as_bytes()).and_then(|()| moved());
            written.inspect_err(|_| drop(fs::remove_file(&aside))).map(|()| file)
        };
        let file = written().map_err(|error| {
            Stop::BadInput(format!(
                "failed to write to {}: {error}\n  help: choose a folder that can be written with --out FOLDER",
                self.path.display()
            ))
        })?;
        state.manifest = manifest;
        state.file = Some(file);
        Ok(())
    }

    /// Writes a file whole or not at all: aside, then moved to its place, where nothing or an earlier one of
    /// Parallax's is.
    ///
    /// # Errors
    /// [`Stop::Fault`].
    pub(crate) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Stop> {
        let written = || {
            let entry = entry(path)?;
            let aside = self.aside();
            files::put_new(&aside, bytes)?;
            self.claim(&entry, digest(bytes)).and_then(|()| self.moved(&aside, &entry)).inspect_err(
                |_| {
                    let _ = fs::remove_file(&aside);
                },
            )
        };
        written().map_err(|error| {
            Stop::Fault(format!("failed to write {}: {error}", self.path.join(path).display()))
        })
    }

    /// Writes a report in the place of an earlier one: all aside, then all moved, the last file last.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn put_report(&self, report: &[(String, Vec<u8>)]) -> io::Result<()> {
        let mut asides: Vec<(PathBuf, ManifestEntry)> = Vec::new();
        let written = (|| {
            for (path, bytes) in report {
                let entry = entry(path)?;
                let aside = self.aside();
                files::put_new(&aside, bytes)?;
                asides.push((aside, entry.clone()));
                self.claim(&entry, digest(bytes))?;
            }
            self.forget_report()?;
            files::create_folder(&self.path.join(REPORT))?;
            asides.iter().try_for_each(|(aside, entry)| self.moved(aside, entry))
        })();
        if written.is_err() {
            // Those that were moved are not there any more.
            asides.iter().for_each(|(aside, _)| drop(fs::remove_file(aside)));
        }
        written
    }

    fn forget_report(&self) -> io::Result<()> {
        let files = self.state().manifest.files.clone();
        for (entry, digests) in files.iter().filter(|(entry, _)| is_of_report(entry)) {
            if matches!(self.found(entry, |digest| digests.contains(digest)), Found::Ours) {
                fs::remove_file(self.path.join(entry))?;
            }
        }
        // It stays if something else is in it.
        let _ = fs::remove_dir(self.path.join(REPORT));
        Ok(())
    }

    /// Removes the report of a run alone, in that run's own folder.
    fn forget_report_below(&self, run: &Path) -> Result<(), Stop> {
        if !matches!(self.kind(run.join(MANIFEST))?, PathKind::File(_)) {
            return Ok(());
        }
        // A file of that name that is no manifest is foreign.
        let Ok(below) = Self::take(&self.path.join(run)) else { return Ok(()) };
        let gone = below.forget_report().and_then(|()| fs::remove_file(below.path.join(MANIFEST)));
        self.removed(run, gone)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aside(&self) -> PathBuf {
        let mut state = self.state();
        state.asides += 1;
        self.path.join(format!("{}-{}", self.token.prefix(), state.asides))
    }

    /// Notes in the manifest that a file of this digest is Parallax's, before it is there.
    fn claim(&self, entry: &ManifestEntry, digest: String) -> io::Result<()> {
        let mut state = self.state();
        let State { manifest, file, .. } = &mut *state;
        let file = file.as_mut().ok_or_else(|| io::Error::other("nothing is written here yet"))?;
        let digests = manifest.files.entry(entry.clone()).or_default();
        if !digests.contains(&digest) {
            file.write_all(FolderManifest::line(entry, &digest).as_bytes())?;
            digests.insert(digest);
        }
        Ok(())
    }

    fn moved(&self, aside: &Path, entry: &ManifestEntry) -> io::Result<()> {
        let to = self.path.join(entry);
        let digests = self.state().manifest.files.get(entry).cloned().unwrap_or_default();
        match self.found(entry, |digest| digests.contains(digest)) {
            Found::Nothing => files::rename_new(aside, &to),
            Found::Ours => fs::rename(aside, &to),
            Found::Foreign(why) => Err(io::Error::other(why)),
        }
    }

    fn found(&self, entry: &ManifestEntry, is_ours: impl FnOnce(&str) -> bool) -> Found {
        let foreign = |what: &str| Found::Foreign(what.to_owned());
        let above = Path::new(entry.as_str())
            .ancestors()
            .skip(1)
            .filter(|path| !path.as_os_str().is_empty());
        for folder in above.collect::<Vec<_>>().into_iter().rev() {
            match files::kind(&self.path.join(folder)) {
                Ok(PathKind::Folder) => {}
                Ok(PathKind::Absent) => return Found::Nothing,
                Ok(_) => {
                    return Found::Foreign(format!("{} is no folder, or a link", folder.display()));
                }
                Err(error) => return foreign(&error.to_string()),
            }
        }
        match files::kind(&self.path.join(entry)) {
            Ok(PathKind::Absent) => Found::Nothing,
            Ok(PathKind::File(_)) => match file_digest(&self.path.join(entry)) {
                Ok(digest) if is_ours(&digest) => Found::Ours,
                Ok(_) => foreign("it is not as Parallax wrote it"),
                Err(error) => foreign(&error.to_string()),
            },
            Ok(_) => foreign("it is no file, or a link"),
            Err(error) => foreign(&error.to_string()),
        }
    }

    fn kind(&self, path: impl AsRef<Path>) -> Result<PathKind, Stop> {
        let path = self.path.join(path);
        files::kind(&path).map_err(|error| {
            Stop::BadInput(format!("failed to begin: {}: {error}", path.display()))
        })
    }

    /// The names in a folder of it, in order; what is no text is nothing of Parallax's. None if it is not there.
    ///
    /// # Errors
    /// [`Stop::BadInput`] if it is no folder.
    fn names(&self, folder: &Path) -> Result<Vec<String>, Stop> {
        let path = self.path.join(folder);
        // The output folder itself may be named by a link.
        match self.kind(folder)? {
            PathKind::Absent => return Ok(Vec::new()),
            PathKind::File(_) | PathKind::Other if !folder.as_os_str().is_empty() => {
                return Err(self.in_the_way(folder, "it is no folder, or a link"));
            }
            _ => {}
        }
        let all = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let all = all.map_err(|error| {
            Stop::BadInput(format!("failed to read {}: {error}", path.display()))
        })?;
        let mut names: Vec<String> =
            all.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    fn foreign(&self, path: impl AsRef<Path>) -> Stop {
        let kept =
            files::kind(&self.path.join(MANIFEST)).is_ok_and(|kind| kind != PathKind::Absent);
        self.in_the_way(path, match kept {
            true => "it is not a file that Parallax wrote there",
            false => "nothing tells that Parallax wrote it: the folder has no parallax.manifest, as those of earlier versions",
        })
    }

    fn in_the_way(&self, path: impl AsRef<Path>, why: &str) -> Stop {
        Stop::BadInput(format!(
            "failed to begin: {}: {why}\n  help: move it away, or choose another folder with --out FOLDER",
            self.path.join(path).display()
        ))
    }

    /// Removes a regular file, and nothing else.
    fn remove_file(&self, path: &Path) -> Result<(), Stop> {
        match self.kind(path)? {
            PathKind::File(_) => self.removed(path, fs::remove_file(self.path.join(path))),
            _ => Ok(()),
        }
    }

    fn removed(&self, path: &Path, removed: io::Result<()>) -> Result<(), Stop> {
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Stop::BadInput(format!(
                "failed to replace {}: {error}\n  help: remove it, or choose another folder with --out FOLDER",
                self.path.join(path).display()
            ))),
            _ => Ok(()),
        }
    }
}

fn entry(path: &str) -> io::Result<ManifestEntry> {
    ManifestEntry::new(path).ok_or_else(|| io::Error::other("it is no path of Parallax's"))
}

fn is_of_report(entry: &ManifestEntry) -> bool {
    let path = entry.as_str();
    path.starts_with("report/") || ["junit.xml", "report.html", "summary.md"].contains(&path)
}

/// The digest of a regular file.
fn file_digest(path: &Path) -> io::Result<String> {
    let (mut file, _) = files::open(path)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&piece[..read]),
        }
    }
}

/// Keeps other commands from writing to the folder, until what it gives is dropped.
fn lock(path: &Path) -> Result<Option<File>, Stop> {
    // The lock is on the folder itself, so that it leaves nothing behind. Where folders cannot be
    // opened or locked, there is none to respect.
    let Ok(folder) = File::open(path) else { return Ok(None) };
    let end = Instant::now() + PATIENCE;
    loop {
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                return Err(Stop::BadInput(format!(
                    "failed to begin: another command writes to {}\n  help: wait for it, or choose another \
                     folder with --out FOLDER",
                    path.display()
                )));
            }
            _ => return Ok(Some(folder)),
        }
    }
}
