//! Lease database: which boards are leased or quarantined, in a folder that all share who share the machine.

use crate::{
    file::BenchBoard,
    lease::{Act, Lease, Quarantine},
    names::{file_name, lasting, names, text},
    open::{open_for_all, page_text},
    page::Page,
};
use parallax_record::foreign::inline;
use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// Names another folder.
const VARIABLE: &str = "PARALLAX_BOARDS";
/// It outlives a restart of the machine, and everybody may write there.
const FOLDER: &str = "/var/tmp/parallax-boards";

/// Why the book was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// A file, or the folder.
    #[error(
        "failed to {what} {}: {cause}\n  help: whoever shares the bench must be able to write there; \
         PARALLAX_BOARDS names another folder, the same for all",
        path.display()
    )]
    File {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The board's page is none.
    #[error(
        "failed to read whose the board is: {}: {cause}\n  help: `parallax boards --bench FILE --mend NAME` puts \
         the file aside, and keeps what can be read of it; other boards are not concerned",
        path.display(),
        cause = inline(cause)
    )]
    Page {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The board is leased by another owner.
    #[error(
        "failed to {what} the board: it is {told}\n  help: ask {owner}; `--release NAME --force` ends that lease"
    )]
    Leased {
        /// What was tried.
        what: &'static str,
        /// Until when, and how long that is.
        told: String,
        /// Whose.
        owner: String,
    },
    /// Another owner has quarantined the board already.
    #[error(
        "failed to quarantine the board: it is {0} already\n  help: that goes on; ask {by}; `--force` puts yours in \
         its place",
        by = inline(&.0.by)
    )]
    Quarantined(Quarantine),
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BookError {
    let path = path.to_owned();
    move |cause| BookError::File { what, path, cause }
}

/// What was mended of a board's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The broken file, and where it is now.
    pub aside: Vec<(PathBuf, PathBuf)>,
    /// What could be read of it.
    pub lease: Option<Lease>,
    /// Likewise.
    pub quarantine: Option<Quarantine>,
}

/// The pages of a board, by their files.
#[derive(Default)]
struct Found {
    whole: Vec<(PathBuf, Page)>,
    broken: Vec<(PathBuf, String)>,
}

/// What is agreed about boards.
#[derive(Clone, Debug)]
pub struct Book {
    folder: PathBuf,
}

impl Book {
    /// The one of this machine.
    pub fn shared() -> Self {
        Self { folder: std::env::var_os(VARIABLE).map_or_else(|| FOLDER.into(), PathBuf::from) }
    }

    /// Another.
    #[cfg(test)]
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The lease of a board, of any owner, its time over or not; and its quarantine.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(&self, board: &BenchBoard) -> Result<(Option<Lease>, Option<Quarantine>), BookError> {
        let found = self.whole(board)?.map(|page| (page.lease, page.quarantine));
        Ok(found.unwrap_or_default())
    }

    /// What was done with a board, the latest last.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn history(&self, board: &BenchBoard) -> Result<Vec<Act>, BookError> {
        Ok(self.whole(board)?.map(|page| page.history).unwrap_or_default())
    }

    /// Leases a board to an owner, or renews the owner's lease. The lease, and the one that it replaced.
    ///
    /// # Errors
    /// If it is another owner's, or cannot be written.
    pub fn lease(
        &self,
        board: &BenchBoard,
        owner: &str,
        now: SystemTime,
        span: Duration,
    ) -> Result<(Lease, Option<Lease>), BookError> {
        self.change(board, |page| page.lease(owner, now, span))?
            .map_err(|lease| leased("lease", &lease, now))
    }

    /// Ends a lease, another owner's by force alone. What it was, if there was one.
    ///
    /// # Errors
    /// If it is another owner's, or cannot be written.
    pub fn release(
        &self,
        board: &BenchBoard,
        who: &str,
        now: SystemTime,
        force: bool,
    ) -> Result<Option<Lease>, BookError> {
        self.change(board, |page| page.release(who, now, force))?
            .map_err(|lease| leased("release", &lease, now))
    }

    /// Takes a lease off whose time is over, and tells it.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn expire(&self, board: &BenchBoard, now: SystemTime) -> Result<Option<Lease>, BookError> {
        match self.of(board)? {
            (Some(lease), _) if lease.until <= now => self.change(board, |page| page.expire(now)),
            _ => Ok(None),
        }
    }

    /// Keeps a board from all runs. The quarantine that was replaced, another owner's by force alone.
    ///
    /// # Errors
    /// If another owner has quarantined it, or it cannot be written.
    pub fn quarantine(
        &self,
        board: &BenchBoard,
        why: Quarantine,
        force: bool,
    ) -> Result<Option<Quarantine>, BookError> {
        self.change(board, |page| page.quarantine(why, force))?.map_err(BookError::Quarantined)
    }

    /// Ends a quarantine, and tells what it was.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn readmit(
        &self,
        board: &BenchBoard,
        who: &str,
        now: SystemTime,
    ) -> Result<Option<Quarantine>, BookError> {
        self.change(board, |page| page.readmit(who, now))
    }

    /// Puts what is no page of a board aside, and writes its page anew with what can be read of that; none: its
    /// page is whole.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn mend(
        &self,
        board: &BenchBoard,
        who: &str,
        now: SystemTime,
    ) -> Result<Option<Mended>, BookError> {
        let _held = self.lock()?;
        let Found { whole, broken } = self.find(board)?;
        if broken.is_empty() {
            return Ok(None);
        }
        let mut pages: Vec<Page> = whole.into_iter().map(|(_, page)| page).collect();
        let mut aside = Vec::new();
        for (path, cause) in broken {
            let read = page_text(&path).unwrap_or_default();
            let free = |to: &PathBuf| fs::symlink_metadata(to).is_err();
            let mut names = (1_u32..).map(|number| path.with_extension(format!("broken-{number}")));
            let Some(to) = names.find(free) else { continue };
            fs::rename(&path, &to).map_err(failed("put aside", &path))?;
            let mut page = new_page(board).salvage(&read);
            page.enter(now, who, format!("mended its page ({cause}); it is {}", text(&to)));
            pages.push(page);
            aside.push((path, to));
        }
        let Some(page) = pages.into_iter().reduce(Page::merge) else { return Ok(None) };
        put(&self.path(board), &page)?;
        Ok(Some(Mended { aside, lease: page.lease, quarantine: page.quarantine }))
    }

    /// The folder, which is there then.
    pub(crate) fn folder(&self) -> Result<&Path, BookError> {
        let made = fs::create_dir(&self.folder).and_then(|()| {
            // The next one may be another user, whatever the mask of this one.
            fs::set_permissions(&self.folder, Permissions::from_mode(0o777))
        });
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(failed("make", &self.folder)(error))
            }
            _ => Ok(&self.folder),
        }
    }

    /// The pages of a board, whatever another bench file calls it. A file that is no page concerns the board alone
    /// after which it is named.
    fn find(&self, board: &BenchBoard) -> Result<Found, BookError> {
        let own = names(&board.known_as);
        let mut found = Found::default();
        let all = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            all => all.map_err(failed("read", &self.folder))?,
        };
        let mut paths = Vec::new();
        for file in all {
            paths.push(file.map_err(failed("read", &self.folder))?.path());
        }
        // Whatever order the file system has them in.
        paths.sort();
        for path in paths {
            let Some(stem) = path.extension().filter(|it| *it == "toml").and(path.file_stem())
            else {
                continue;
            };
            let read = match page_text(&path) {
                // It went just then.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(error.to_string()),
                Ok(text) => {
                    toml::from_str::<Page>(&text).map_err(|error| error.message().to_owned())
                }
            };
            let is_own =
                |name: &String| names(Path::new(name)).iter().any(|name| own.contains(name));
            match read {
                Ok(page) if [&page.board].into_iter().chain(&page.also).any(is_own) => {
                    found.whole.push((path, page));
                }
                Err(cause) if own.iter().any(|name| *file_name(name) == *stem) => {
                    found.broken.push((path, cause));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The page of a board, if there is one and it is whole.
    fn whole(&self, board: &BenchBoard) -> Result<Option<Page>, BookError> {
        let Found { whole, broken } = self.find(board)?;
        match broken.into_iter().next() {
            Some((path, cause)) => Err(BookError::Page { path, cause }),
            None => Ok(whole.into_iter().map(|(_, page)| page).reduce(Page::merge)),
        }
    }

    /// Writes anew what is written of a board, one at a time.
    fn change<T>(
        &self,
        board: &BenchBoard,
        change: impl FnOnce(&mut Page) -> T,
    ) -> Result<T, BookError> {
        let _held = self.lock()?;
        let Found { whole, broken } = self.find(board)?;
        if let Some((path, cause)) = broken.into_iter().next() {
            return Err(BookError::Page { path, cause });
        }
        let (paths, pages): (Vec<_>, Vec<_>) = whole.into_iter().unzip();
        let mut page = pages.into_iter().reduce(Page::merge).unwrap_or_else(|| new_page(board));
        let before = page.clone();
        let done = change(&mut page);
        if page == before && paths.len() < 2 {
            return Ok(done);
        }
        let mut paths = paths.into_iter();
        put(&paths.next().unwrap_or_else(|| self.path(board)), &page)?;
        for merged in paths {
            fs::remove_file(&merged).map_err(failed("remove", &merged))?;
        }
        Ok(done)
    }

    /// Held, no other process writes.
    fn lock(&self) -> Result<File, BookError> {
        let lock = self.folder()?.join("lock");
        let held = open_for_all(&lock).and_then(|(file, _)| file.lock().map(|()| file));
        held.map_err(failed("lock", &lock))
    }

    /// Where a board's page is, if it has none yet.
    fn path(&self, board: &BenchBoard) -> PathBuf {
        self.folder.join(format!("{}.toml", file_name(Path::new(&new_page(board).board))))
    }
}

/// About a board of which nothing is written.
fn new_page(board: &BenchBoard) -> Page {
    let mut names = lasting(&names(&board.known_as)).into_iter().map(|name| text(&name));
    Page::new(names.next().unwrap_or_default(), names.collect())
}

/// All of it or nothing.
fn put(path: &Path, page: &Page) -> Result<(), BookError> {
    let text = toml::to_string(page)
        .map_err(|error| BookError::Page { path: path.to_owned(), cause: error.to_string() })?;
    let written = || {
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    written().map(drop).map_err(failed("write", path))
}

fn leased(what: &'static str, lease: &Lease, now: SystemTime) -> BookError {
    BookError::Leased { what, told: lease.told(now), owner: inline(&lease.owner) }
}

#[cfg(test)]
mod tests;
