//! Folders of runs: marked while a run goes on, in the manifest when it has finished.

use super::{
    CommandToken, FolderManifest, ManifestEntry, OutputFolder, file_digest,
    manifest::{is_file_of_run, is_folder_of_run, is_work},
};
use crate::{exit::Stop, output};
use parallax_bench::recover;
use parallax_files::{self as files, PathKind};
use parallax_record::Name;
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// What a run that was killed has told, for people.
const TOLD: [&str; 2] = ["console.txt", RECORD];
/// The record of a run, in its folder.
const RECORD: &str = "record.jsonl";

/// The folder of a run, from that of the output.
pub(crate) fn place(scenario: &Name, run: &str) -> PathBuf {
    Path::new(scenario.as_str()).join(run)
}

/// The parts of a path below the folder of a run.
fn parts<'a>(run: &Path, path: &'a Path) -> Vec<&'a str> {
    let below = path.strip_prefix(run).unwrap_or(path);
    below.iter().map(|part| part.to_str().unwrap_or_default()).collect()
}

impl OutputFolder {
    /// Refuses what stands where a run writes.
    pub(super) fn check_run(&self, run: &Path, manifest: &FolderManifest) -> Result<(), Stop> {
        let scenario = run.parent().unwrap_or(run);
        // What is there is a folder, or the names of it would be refused.
        if self.kind(scenario)? == PathKind::Absent {
            return Ok(());
        }
        if self.kind(scenario)? != PathKind::Folder {
            return Err(self.in_the_way(scenario, "it is no folder, or a link"));
        }
        let names = self.names(run)?;
        if self.is_unfinished(run, &manifest.tokens)? {
            return Ok(());
        }
        for name in names.iter().filter(|name| is_work(name)) {
            for path in self.all_below(&run.join(name))? {
                let entry = path.to_str().and_then(ManifestEntry::new);
                let is_ours = entry.is_some_and(|entry| manifest.files.contains_key(&entry));
                if !is_ours {
                    return Err(self.foreign(path));
                }
            }
        }
        Ok(())
    }

    /// Refuses what stands where an unfinished run wrote and cannot be of it.
    pub(super) fn check_unfinished(&self, run: &Path) -> Result<(), Stop> {
        for name in self.names(run)?.iter().filter(|name| is_work(name)) {
            for path in self.all_below(&run.join(name))? {
                let parts = parts(run, &path);
                let is_ours = match self.kind(&path)? {
                    PathKind::Absent => true,
                    PathKind::File(_) => is_file_of_run(&parts),
                    PathKind::Folder => is_folder_of_run(&parts),
                    PathKind::Other => {
                        let why = "it is no file and no folder, or a link";
                        return Err(self.in_the_way(path, why));
                    }
                };
                if !is_ours {
                    return Err(self.foreign(path));
                }
            }
        }
        Ok(())
    }

    /// Makes the folder of a run, and marks it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn begin_run(&self, run: &Path) -> io::Result<PathBuf> {
        let folder = self.path.join(run);
        if let Some(scenario) = folder.parent() {
            files::create_folder(scenario)?;
        }
        files::create_folder(&folder)?;
        files::create(&folder.join(self.token.prefix()))?;
        Ok(folder)
    }

    /// Takes what a run has left into the manifest. `record` is the digest of its record, where that was read already.
    ///
    /// # Errors
    /// If it cannot be read, or the manifest cannot be written.
    pub(crate) fn finish_run(&self, run: &Path, record: Option<&str>) -> Result<(), Stop> {
        let record = record.map(|digest| (run.join(RECORD), digest));
        let claimed = || -> io::Result<()> {
            let names = self.names(run).map_err(|stop| io::Error::other(stop.to_string()))?;
            for name in names.iter().filter(|name| is_work(name)) {
                let below = self
                    .all_below(&run.join(name))
                    .map_err(|stop| io::Error::other(stop.to_string()))?;
                for path in below {
                    let is_file =
                        matches!(files::kind(&self.path.join(&path)), Ok(PathKind::File(_)));
                    if let Some(entry) =
                        path.to_str().and_then(ManifestEntry::new).filter(|_| is_file)
                    {
                        let digest = match &record {
                            Some((record, digest)) if *record == path => (*digest).to_owned(),
                            _ => file_digest(&self.path.join(&entry))?,
                        };
                        self.claim(&entry, digest)?;
                    }
                }
            }
            fs::remove_file(self.path.join(run).join(self.token.prefix()))
        };
        claimed().map_err(|error| {
            Stop::Fault(format!("failed to write to {}: {error}", self.path.display()))
        })
    }

    /// Removes what is there of a run that is not to be.
    pub(crate) fn abandon_run(&self, run: &Path) {
        // What cannot be removed is marked still, and the next command's.
        let own = BTreeSet::from([self.token.clone()]);
        let _ = self.remove_unfinished(run, &own);
        for folder in run.ancestors().take(2) {
            let _ = fs::remove_dir(self.path.join(folder));
        }
    }

    /// The folders of runs that earlier commands did not finish.
    pub(super) fn unfinished(&self) -> Result<Vec<PathBuf>, Stop> {
        let tokens = self.state().manifest.tokens.clone();
        let mut found = Vec::new();
        for scenario in self.names(Path::new(""))? {
            let scenario = PathBuf::from(scenario);
            if Name::new(&scenario.to_string_lossy()).is_err()
                || self.kind(&scenario)? != PathKind::Folder
            {
                continue;
            }
            // What may not be read is another user's, and in no way.
            for run in self.names(&scenario).unwrap_or_default() {
                let run = scenario.join(run);
                if self.kind(&run)? == PathKind::Folder
                    && self.is_unfinished(&run, &tokens).unwrap_or_default()
                {
                    found.push(run);
                }
            }
        }
        Ok(found)
    }

    /// Whether a run is marked by one of these commands: by an empty file.
    fn is_unfinished(&self, run: &Path, tokens: &BTreeSet<CommandToken>) -> Result<bool, Stop> {
        for token in tokens {
            if self.kind(run.join(token.prefix()))? == PathKind::File(0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes files that a run writes, by their paths, and the folders that are empty then. Nothing else goes,
    /// whatever marks the run.
    pub(super) fn remove_unfinished(
        &self,
        run: &Path,
        tokens: &BTreeSet<CommandToken>,
    ) -> Result<(), Stop> {
        for name in self.names(run)?.iter().filter(|name| is_work(name)) {
            for path in self.all_below(&run.join(name))? {
                if is_file_of_run(&parts(run, &path)) {
                    self.remove_file(&path)?;
                }
                for folder in path.ancestors().take_while(|folder| *folder != run) {
                    if is_folder_of_run(&parts(run, folder)) {
                        // A folder with foreign files in it is not empty, and stays.
                        let _ = fs::remove_dir(self.path.join(folder));
                    }
                }
            }
        }
        // Without its mark nothing of it would be known.
        for token in tokens {
            let mark = run.join(token.prefix());
            if self.kind(&mark)? == PathKind::File(0) {
                self.remove_file(&mark)?;
            }
        }
        Ok(())
    }

    /// All that is at a path and below it, by its path from here: files, links, empty folders. Links are not
    /// followed.
    fn all_below(&self, path: &Path) -> Result<Vec<PathBuf>, Stop> {
        match self.kind(path)? {
            PathKind::Absent => Ok(Vec::new()),
            PathKind::File(_) | PathKind::Other => Ok(vec![path.to_owned()]),
            PathKind::Folder => {
                let mut all = Vec::new();
                for name in self.names(path)? {
                    all.extend(self.all_below(&path.join(name))?);
                }
                if all.is_empty() {
                    all.push(path.to_owned());
                }
                Ok(all)
            }
        }
    }

    /// Makes a record of what a run on a bench told before it was killed, puts it aside, and says so. Its
    /// board ended with it, or is switched off before it runs again.
    pub(super) fn put_killed_aside(&self, run: &Path) -> Result<(), Stop> {
        let folder = self.path.join(run);
        match recover(&folder) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let number = (1..).find(|number| {
                    files::kind(&folder.join(format!("killed-{number}")))
                        .is_ok_and(|kind| kind == PathKind::Absent)
                });
                let Some(number) = number else { return Ok(()) };
                let aside = folder.join(format!("killed-{number}"));
                put_aside(&folder, &aside, &TOLD)?;
                output::error(format!(
                    "a run was killed here: what it told so far is in {}",
                    aside.display()
                ));
            }
            // It blocks no run.
            Err(error) => output::error(error.to_string()),
        }
        Ok(())
    }
}

/// Moves some of what a run has left into a new folder.
///
/// # Errors
/// [`Stop::Fault`].
pub(crate) fn put_aside(folder: &Path, aside: &Path, names: &[&str]) -> Result<(), Stop> {
    let moved = || {
        fs::create_dir(aside)?;
        for name in names {
            match files::rename_new(&folder.join(name), &aside.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    };
    moved().map_err(|error| {
        Stop::Fault(format!(
            "failed to move what is in {} to {}: {error}\n  help: choose another folder with --out FOLDER",
            folder.display(),
            aside.display()
        ))
    })
}
