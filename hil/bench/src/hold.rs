//! Locks of boards: one program at a time holds a board, before it switches it or talks to it.
//!
//! The port's own lock comes too late for that: by then the board has been switched off, under
//! its holder.

use crate::{
    book::{Book, BookError},
    file::BenchBoard,
    lease::{Holder, Lease, Standing},
    names::{file_name, names},
    open::{open, open_for_all, page_text},
    place::{BoardPlace, NetworkPort, PortPlace},
};
use parallax_record::foreign::inline;
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// How long a lock is tried for.
const PATIENCE: Duration = Duration::from_millis(200);
/// Between two tries.
const LOOK: Duration = Duration::from_millis(10);

/// Why a board is not this program's.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// It is another's just now.
    #[error(
        "failed to take the board at {}: another parallax has {what}{}, and it was left alone\n  help: wait until \
         that has ended, or have `--wait` do so; `fuser -v {}` names it",
        port.display(),
        holder.as_ref().map(|holder| format!(" ({holder})")).unwrap_or_default(),
        lock.display()
    )]
    Held {
        /// The board's console.
        port: PathBuf,
        /// The board itself, or a part of its place.
        what: String,
        /// What is locked for it.
        lock: PathBuf,
        /// Who has it, if that can be read.
        holder: Option<Holder>,
    },
    /// Another owner has leased it.
    #[error(
        "failed to take the board at {}: it is {told}\n  help: ask {owner}, wait (`--wait` does), or end \
         that lease with `parallax boards --release NAME --force`; your own name is {who}",
        board.display()
    )]
    Leased {
        /// What the board is known by.
        board: PathBuf,
        /// Until when, and how long that is.
        told: String,
        /// Whose the lease is.
        owner: String,
        /// Who wanted the board.
        who: String,
    },
    /// The lock cannot be had.
    #[error(
        "failed to lock {} for the board at {}: {cause}\n  help: see what stands there, and whether files can be \
         made in its folder",
        lock.display(),
        port.display()
    )]
    Lock {
        /// The board's console.
        port: PathBuf,
        /// What was to be locked for it.
        lock: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Whether it is leased cannot be read.
    #[error(transparent)]
    Book(#[from] BookError),
}

impl HoldError {
    /// Whether another program or owner has it, and it may be free later.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Held { .. } | Self::Leased { .. })
    }
}

/// A board that is held. It is let go when this is dropped, and by the kernel if the program is killed.
#[derive(Debug)]
pub struct Hold {
    folder: PathBuf,
    owner: String,
    locks: Mutex<Vec<Lock>>,
    /// A lease that was over, and was taken off.
    pub ended: Option<Lease>,
}

impl Hold {
    /// Takes the names as well that a port has got meanwhile: one that comes with the board's power was known by
    /// its configured name alone.
    ///
    /// # Errors
    /// If another program has it by one of them, or it cannot be locked.
    pub(crate) fn take_names(&self, port: &Path) -> Result<(), HoldError> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names(port) {
            let name = file_name(&name);
            if !locks.iter().any(|lock| lock.path == lock_path(&self.folder, &name)) {
                locks.push(lock(&self.folder, port, "it", &name, &self.owner)?);
            }
        }
        Ok(())
    }
}

/// Takes a board for `owner`, whether its port is there yet or comes with its power. Each run has a process
/// board of its own: such a board may be leased, and is never held.
///
/// # Errors
/// If another program has it or another owner has leased it, or it cannot be locked.
pub fn take(book: &Book, board: &BenchBoard, owner: &str) -> Result<Hold, HoldError> {
    let folder = book.folder()?;
    let locks = match &board.place {
        BoardPlace::Process | BoardPlace::Program(_) => Vec::new(),
        BoardPlace::Port(place) => {
            let parts = parts(place);
            let locks =
                parts.iter().map(|(what, name)| lock(folder, &place.port, what, name, owner));
            locks.collect::<Result<_, _>>()?
        }
    };
    // A lease from here on begins at the end of this.
    let now = SystemTime::now();
    let ended = book.expire(board, now)?;
    match book.of(board)?.0 {
        Some(lease) if lease.standing(now, owner) == Standing::Anothers => Err(HoldError::Leased {
            board: board.known_as.clone(),
            told: lease.told(now),
            owner: inline(&lease.owner),
            who: inline(owner),
        }),
        _ => {
            let (folder, owner) = (folder.to_owned(), owner.to_owned());
            Ok(Hold { folder, owner, locks: Mutex::new(locks), ended })
        }
    }
}

/// What is locked of a board's place, as messages name it, and the name of its lock: the port by all its names; and what
/// another board cannot have as well, since a port that is not there may have other names than are known.
fn parts(place: &PortPlace) -> Vec<(String, String)> {
    let port = names(&place.port).into_iter().map(|name| ("it".to_owned(), file_name(&name)));
    let network = place.network.as_ref().map(|network| match network {
        NetworkPort::Interface(name) => {
            (format!("its network, interface {name}"), format!("interface {name}"))
        }
        NetworkPort::Tap(name) => (format!("its network, tap {name}"), format!("interface {name}")),
        NetworkPort::Sockets { own, .. } => {
            let name = names(own).pop().map(|name| file_name(&name)).unwrap_or_default();
            (format!("its network, {}", own.display()), name)
        }
    });
    let hub = place.power.as_ref().and_then(|switch| switch.hub.as_ref());
    let power = hub.map(|(hub, port)| {
        let name = format!("port {port} of USB hub {hub}");
        (format!("its power, {name}"), file_name(Path::new(&name)))
    });
    let mut all: Vec<_> = port.chain(network).chain(power).collect();
    // In one order for all: of two that come at once one gets what both want first.
    all.sort_by(|(_, one), (_, other)| one.cmp(other));
    all
}

/// The holder of a board just now, if there is one and it can be read.
pub fn holder(book: &Book, board: &BenchBoard) -> Option<Holder> {
    let BoardPlace::Port(place) = &board.place else { return None };
    let folder = book.folder().ok()?;
    parts(place).iter().find_map(|(_, name)| {
        let path = lock_path(folder, name);
        let held = matches!(open(&path).ok()?.try_lock(), Err(TryLockError::WouldBlock));
        held.then(|| stamp(&path)).flatten()
    })
}

fn lock(
    folder: &Path,
    port: &Path,
    what: &str,
    name: &str,
    owner: &str,
) -> Result<Lock, HoldError> {
    let path = lock_path(folder, name);
    let failed = |cause| HoldError::Lock { port: port.to_owned(), lock: path.clone(), cause };
    loop {
        let (mut file, is_new) = open_for_all(&path).map_err(failed)?;
        match lock_soon(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (port, what) = (port.to_owned(), what.to_owned());
                let holder = stamp(&path);
                return Err(HoldError::Held { port, what, lock: path, holder });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause)),
        }
        // Its holder may have removed it just then: what is locked must be what others find.
        let of = |one: fs::Metadata| (one.dev(), one.ino());
        let own = file.metadata().map(of).map_err(failed)?;
        if !fs::metadata(&path).is_ok_and(|there| of(there) == own) {
            continue;
        }
        if !is_new {
            // A killed one left it. It may be another user's, and says who that was.
            fs::remove_file(&path).map_err(failed)?;
            continue;
        }
        let (owner, process) = (owner.to_owned(), std::process::id());
        let holder = Holder { owner, process, since: SystemTime::now() };
        let text = toml::to_string(&holder).map_err(|error| failed(io::Error::other(error)))?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        return Ok(Lock { path, _file: file });
    }
}

/// Another program may only be looking who has it: that takes a moment.
fn lock_soon(file: &File) -> Result<(), TryLockError> {
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if Instant::now() < end => thread::sleep(LOOK),
            locked => return locked,
        }
    }
}

/// A file that is locked. It goes while it is still locked, so that no other's is removed.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If it stays, the next holder removes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Who says in a lock that it is his or hers. It may be written just then.
fn stamp(lock: &Path) -> Option<Holder> {
    toml::from_str(&page_text(lock).ok()?).ok()
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::PortPlace;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn board(port: &Path) -> BenchBoard {
        let place = PortPlace { port: port.to_owned(), network: None, power: None, pid_file: None };
        let place = BoardPlace::Port(place.into());
        let profile = "process-board".to_owned();
        BenchBoard { profile, profile_line: 5, place, known_as: port.to_owned() }
    }

    #[test]
    fn a_board_is_held_once_by_whatever_name_and_let_go() {
        let folder = TempDir::new().expect("a folder");
        let book = Book::at(&folder.path().join("boards"));
        let (port, link) = (folder.path().join("ttyUSB7"), folder.path().join("by-path"));
        // It comes with its power: it is held by its name all the same.
        let held = take(&book, &board(&port), "anna").expect("nobody has it");
        let error = take(&book, &board(&port), "ben").expect_err("it is held");
        assert!(matches!(error, HoldError::Held { .. }) && error.passes(), "{error}");
        let process = format!("(anna, process {}, since 2", std::process::id());
        assert!(error.to_string().contains(&process), "{error}");
        drop(held);
        fs::write(&port, "").expect("a file");
        symlink(&port, &link).expect("a link");
        let held = take(&book, &board(&link), "anna").expect("it was let go");
        assert_eq!(holder(&book, &board(&port)).expect("it is held").owner, "anna");
        let error = take(&book, &board(&port), "ben").expect_err("it is held by its other name");
        let (error, lock) = (error.to_string(), format!("{}.lock", file_name(&port)));
        assert!(error.contains(&port.display().to_string()) && error.contains(&lock), "{error}");
        drop(held);
        take(&book, &board(&port), "ben").expect("it was let go");
        assert_eq!(holder(&book, &board(&port)), None);
        let left = fs::read_dir(folder.path().join("boards")).expect("a folder").count();
        assert_eq!(left, 0, "nothing stays");
    }

    #[test]
    fn a_lock_that_a_killed_one_left_is_free_at_once() {
        let folder = TempDir::new().expect("a folder");
        let book = Book::at(&folder.path().join("boards"));
        let port = folder.path().join("ttyUSB7");
        let path = lock_path(book.folder().expect("a folder"), &file_name(&port));
        fs::write(&path, "owner = \"gone\"\n").expect("a file");
        let held = take(&book, &board(&port), "anna").expect("nobody has it");
        assert_eq!(stamp(&path).expect("it says who has it").owner, "anna");
        drop(held);
    }

    #[test]
    fn a_leased_board_is_its_owners_and_a_lease_that_is_over_is_taken_off() {
        let folder = TempDir::new().expect("a folder");
        let book = Book::at(&folder.path().join("boards"));
        let board = board(&folder.path().join("ttyUSB7"));
        let (now, minute) = (SystemTime::now(), Duration::from_secs(60));
        book.lease(&board, "anna", now, 60 * minute).expect("it is free");
        let error = take(&book, &board, "ben").expect_err("it is hers");
        assert!(error.passes() && error.to_string().contains("leased to anna until"), "{error}");
        assert!(error.to_string().contains("your own name is ben"), "{error}");
        assert_eq!(take(&book, &board, "anna").expect("it is hers").ended, None);
        book.lease(&board, "anna", now - 61 * minute, 60 * minute).expect("it is hers");
        let held = take(&book, &board, "ben").expect("it is over");
        assert_eq!(held.ended.map(|lease| lease.owner).as_deref(), Some("anna"));
        assert_eq!(book.of(&board).expect("read"), (None, None));
    }

    #[test]
    fn a_port_that_comes_with_its_power_is_held_by_what_it_is_called_then_as_well() {
        let folder = TempDir::new().expect("a folder");
        let book = Book::at(&folder.path().join("boards"));
        let [port, id, path] = ["ttyUSB7", "by-id", "by-path"].map(|name| folder.path().join(name));
        // Nothing is there: that it is one board is not known.
        let [annas, bens] = [(&id, "anna"), (&path, "ben")]
            .map(|(name, who)| take(&book, &board(name), who).expect("nobody has it"));
        fs::write(&port, "").expect("a file");
        for link in [&id, &path] {
            symlink(&port, link).expect("a link");
        }
        annas.take_names(&id).expect("nobody has it by that name");
        annas.take_names(&id).expect("it is hers already");
        let error = bens.take_names(&path).expect_err("it is hers").to_string();
        assert!(error.contains("another parallax has it (anna, "), "{error}");
        assert!(take(&book, &board(&port), "carol").is_err());
        drop((annas, bens));
        assert!(take(&book, &board(&port), "carol").is_ok());
    }

    #[test]
    fn one_board_in_two_bench_files_has_one_network_and_one_switch_whatever_its_port_is_called() {
        let folder = TempDir::new().expect("a folder");
        let book = Book::at(&folder.path().join("boards"));
        let at = |port: &str, keys: &str| {
            let text = format!(
                "schema = 1\ntitle = \"x\"\n[board.x]\nprofile = \"process-board\"\nport = \"/dev/no-{port}\"\n{keys}"
            );
            crate::file::read("bench.toml", &text).expect("it is sound").boards["x"].clone()
        };
        for (keys, what) in [
            ("network = { interface = \"eth7\" }", "its network, interface eth7"),
            ("network = { tap = \"tap7\" }", "its network, tap tap7"),
            ("network = { socket = \"a\", board_socket = \"b\" }", "its network, "),
            ("power = { hub = \"1-1.4\", port = 2 }", "its power, port 2 of USB hub 1-1.4"),
        ] {
            let held = take(&book, &at("1", keys), "anna").expect("nobody has it");
            let error = take(&book, &at("2", keys), "ben").expect_err("it is hers").to_string();
            assert!(error.contains(&format!("another parallax has {what}")), "{error}");
            assert_eq!(holder(&book, &at("2", keys)).expect("hers").owner, "anna");
            drop(held);
            take(&book, &at("2", keys), "ben").expect("it was let go");
        }
    }
}
