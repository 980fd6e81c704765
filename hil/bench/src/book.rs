//! Where it stands which boards are leased or quarantined: a folder that all share who share the machine.

use crate::{
    file::BenchBoard,
    lease::{Lease, Page, Quarantine},
};
use parallax_files as files;
use parallax_record::foreign::inline;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Names another folder.
const VARIABLE: &str = "PARALLAX_BOARDS";
/// It outlives a restart of the machine, and everybody may write there.
const FOLDER: &str = "/var/tmp/parallax-boards";
/// Bytes of a file's name, at most: file systems take 255.
const NAME_BYTES_MOST: usize = 200;

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
    /// It is no page of it.
    #[error("failed to read {}: {}\n  help: mend or remove it; `parallax boards` writes it anew", path.display(), inline(cause))]
    Page {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The board is somebody else's.
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
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BookError {
    let path = path.to_owned();
    move |cause| BookError::File { what, path, cause }
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

    /// The lease of a board, whoever's and whether its time is over or not; and its quarantine.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(&self, board: &BenchBoard) -> Result<(Option<Lease>, Option<Quarantine>), BookError> {
        let found = self.find(board)?.map(|(_, page)| (page.lease, page.quarantine));
        Ok(found.unwrap_or_default())
    }

    /// Leases a board to somebody, or renews his or her lease.
    ///
    /// # Errors
    /// If it is somebody else's, or cannot be written.
    pub fn lease(
        &self,
        board: &BenchBoard,
        owner: &str,
        now: SystemTime,
        span: Duration,
    ) -> Result<Lease, BookError> {
        self.change(board, |page| page.lease(owner, now, span))?
            .map_err(|lease| leased("lease", &lease, now))
    }

    /// Ends a lease, somebody else's by force alone. What it was, if there was one.
    ///
    /// # Errors
    /// If it is somebody else's, or cannot be written.
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

    /// Keeps a board from all runs.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn quarantine(&self, board: &BenchBoard, why: Quarantine) -> Result<(), BookError> {
        self.change(board, |page| page.quarantine = Some(why))
    }

    /// Ends a quarantine, and tells what it was.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn readmit(&self, board: &BenchBoard) -> Result<Option<Quarantine>, BookError> {
        self.change(board, |page| page.quarantine.take())
    }

    /// The folder, which is there then.
    pub(crate) fn folder(&self) -> Result<&Path, BookError> {
        let made = fs::create_dir(&self.folder).and_then(|()| {
            // Whoever comes next may be another user, whatever the mask of this one.
            fs::set_permissions(&self.folder, Permissions::from_mode(0o777))
        });
        match made {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(failed("make", &self.folder)(error))
            }
            _ => Ok(&self.folder),
        }
    }

    /// The page of a board, whatever another bench file calls it.
    fn find(&self, board: &BenchBoard) -> Result<Option<(PathBuf, Page)>, BookError> {
        let own = names(&board.known_as);
        let all = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            all => all.map_err(failed("read", &self.folder))?,
        };
        for file in all {
            let path = file.map_err(failed("read", &self.folder))?.path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = match files::text(&path, files::WRITTEN_MOST) {
                // It went just then.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text.map_err(failed("read", &path))?,
            };
            let page: Page = toml::from_str(&text).map_err(|error| {
                let (path, cause) = (path.clone(), error.message().to_owned());
                BookError::Page { path, cause }
            })?;
            if names(&page.board).iter().any(|name| own.contains(name)) {
                return Ok(Some((path, page)));
            }
        }
        Ok(None)
    }

    /// Writes anew what is written of a board, one at a time.
    fn change<T>(
        &self,
        board: &BenchBoard,
        change: impl FnOnce(&mut Page) -> T,
    ) -> Result<T, BookError> {
        let lock = self.folder()?.join("lock");
        let held = open_for_all(&lock).and_then(|file| file.lock().map(|()| file));
        let _held = held.map_err(failed("lock", &lock))?;
        let (path, mut page) = match self.find(board)? {
            Some(found) => found,
            None => {
                let board = written(&board.known_as);
                let path = self.folder.join(format!("{}.toml", file_name(&board)));
                (path, Page { board, lease: None, quarantine: None })
            }
        };
        let done = change(&mut page);
        put(&path, &page)?;
        Ok(done)
    }
}

/// All of it or nothing.
fn put(path: &Path, page: &Page) -> Result<(), BookError> {
    if page.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", path)(error))
            }
            _ => Ok(()),
        };
    }
    let text = toml::to_string(page)
        .map_err(|error| BookError::Page { path: path.to_owned(), cause: error.to_string() })?;
    let aside = path.with_extension("part");
    // A killed one may have left it.
    let _ = fs::remove_file(&aside);
    let written = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&aside)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&aside, path)
    };
    written().map_err(failed("write", path))
}

fn leased(what: &'static str, lease: &Lease, now: SystemTime) -> BookError {
    BookError::Leased { what, told: lease.told(now), owner: inline(&lease.owner) }
}

/// A file to lock, whoever made it.
fn open_for_all(path: &Path) -> io::Result<File> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
        // To read it is enough.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => File::open(path),
        Err(error) => Err(error),
    }
}

fn written(board: &Path) -> PathBuf {
    std::path::absolute(board).unwrap_or_else(|_| board.to_owned())
}

/// What a board is called: as it is written, which stays; and what that stands for just now, which
/// another bench file may have written.
pub(crate) fn names(board: &Path) -> Vec<PathBuf> {
    let written = written(board);
    let real = fs::canonicalize(board).ok().filter(|real| *real != written);
    [written].into_iter().chain(real).collect()
}

/// A board's name as a file's.
pub(crate) fn file_name(name: &Path) -> String {
    let name = name.to_string_lossy().replace('/', "%");
    // The end is what differs.
    let mut from = name.len().saturating_sub(NAME_BYTES_MOST);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    name.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn book(folder: &TempDir) -> Book {
        Book::at(&folder.path().join("boards"))
    }

    fn board(known_as: &Path) -> BenchBoard {
        let profile = "process-board".to_owned();
        let known_as = known_as.to_owned();
        BenchBoard { profile, profile_line: 5, place: Place::Process, known_as }
    }

    #[test]
    fn what_is_agreed_is_known_by_whatever_name_and_gone_when_it_is_over() {
        let folder = TempDir::new().expect("a folder");
        let (port, link) = (folder.path().join("ttyUSB7"), folder.path().join("by-path"));
        fs::write(&port, "").expect("a file");
        symlink(&port, &link).expect("a link");
        let (book, now) = (book(&folder), SystemTime::now());
        let (by_port, by_link) = (board(&port), board(&link));
        assert_eq!(book.of(&by_port).expect("nothing is written"), (None, None));
        let hour = Duration::from_secs(3_600);
        book.lease(&by_link, "anna", now, hour).expect("it is free");
        let error = book.lease(&by_port, "ben", now, hour).expect_err("it is hers").to_string();
        assert!(error.contains("leased to anna") && error.contains("60 min left"), "{error}");
        let comment = "relay sticks".to_owned();
        let why = Quarantine { by: "ben".to_owned(), since: now, comment };
        book.quarantine(&by_port, why).expect("written");
        let (lease, quarantine) = book.of(&by_link).expect("it can be read");
        assert_eq!(lease.map(|lease| lease.owner).as_deref(), Some("anna"));
        assert_eq!(quarantine.map(|why| why.comment).as_deref(), Some("relay sticks"));
        assert_eq!(book.expire(&by_port, now).expect("read"), None);
        assert!(book.expire(&by_port, now + hour).expect("written").is_some());
        assert!(book.readmit(&by_link).expect("written").is_some());
        let left: Vec<_> = fs::read_dir(&book.folder).expect("a folder").flatten().collect();
        assert_eq!(left.len(), 1, "the lock alone: {left:?}");
        let mode = fs::metadata(&book.folder).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o777, "whoever comes next may write there");
    }

    #[test]
    fn another_board_is_another_and_what_is_no_page_is_told_with_its_file() {
        let folder = TempDir::new().expect("a folder");
        let book = book(&folder);
        let one = board(Path::new("/dev/no-such-1"));
        book.lease(&one, "anna", SystemTime::now(), Duration::from_secs(60)).expect("it is free");
        let other = book.of(&board(Path::new("/dev/no-such-2"))).expect("read");
        assert_eq!(other, (None, None));
        fs::write(book.folder.join("x.toml"), "board = 7").expect("written");
        let error = book.of(&board(Path::new("/dev/no-such-3"))).expect_err("it is none");
        let error = error.to_string();
        assert!(error.contains("x.toml") && error.contains("help: mend or remove it"), "{error}");
    }

    #[test]
    fn a_long_name_is_a_files_all_the_same() {
        let name = file_name(Path::new(&format!("/dev/{}9", "ä".repeat(300))));
        assert!(name.len() < 240 && name.ends_with("ä9"), "{name}");
    }
}
