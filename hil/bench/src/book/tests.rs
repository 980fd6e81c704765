//! Tests of the lease database, each in a folder of its own.

use super::*;
use crate::place::BoardPlace;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

fn book(folder: &TempDir) -> Book {
    Book::at(&folder.path().join("boards"))
}

fn board(known_as: &Path) -> BenchBoard {
    let profile = "process-board".to_owned();
    let known_as = known_as.to_owned();
    BenchBoard { profile, profile_line: 5, place: BoardPlace::Process, known_as }
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
    book.quarantine(&by_port, why, false).expect("written");
    let (lease, quarantine) = book.of(&by_link).expect("it can be read");
    assert_eq!(lease.map(|lease| lease.owner).as_deref(), Some("anna"));
    assert_eq!(quarantine.map(|why| why.comment).as_deref(), Some("relay sticks"));
    assert_eq!(book.expire(&by_port, now).expect("read"), None);
    assert!(book.expire(&by_port, now + hour).expect("written").is_some());
    assert!(book.readmit(&by_link, "carol", now).expect("written").is_some());
    assert_eq!(book.of(&by_link).expect("read"), (None, None));
    let told: Vec<_> =
        book.history(&by_port).expect("read").into_iter().map(|act| act.by).collect();
    assert_eq!(told, ["anna", "ben", "carol"]);
    let mode = fs::metadata(&book.folder).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o777, "whoever comes next may write there");
}

#[test]
fn a_broken_page_concerns_its_own_board_alone_and_is_mended() {
    let folder = TempDir::new().expect("a folder");
    let book = book(&folder);
    let [one, two] = ["/dev/no-such-1", "/dev/no-such-2"].map(|name| board(Path::new(name)));
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3_600));
    for (breaks, cause) in ways() {
        for board in [&one, &two] {
            book.lease(board, "anna", now, hour).expect("it is free or hers");
        }
        let page = book.path(&one);
        let whole = fs::read_to_string(&page).expect("a page");
        fs::remove_file(&page).expect("it was there");
        breaks(&page, &whole);
        let error = book.of(&one).expect_err(cause).to_string();
        assert!(error.contains(cause) && error.contains("--mend NAME"), "{cause}: {error}");
        assert!(book.lease(&one, "ben", now, hour).is_err(), "{cause}: nobody knows whose it is");
        let other = book.lease(&two, "ben", now, hour).expect_err("it is hers").to_string();
        assert!(other.contains("leased to anna"), "{cause}: {other}");
        let mended = book.mend(&one, "ben", now).expect("written").expect(cause);
        assert!(fs::symlink_metadata(&mended.aside[0].1).is_ok(), "{cause}: it is kept");
        let kept = whole.parse::<toml::Table>().is_ok() && cause.contains("unknown field");
        assert_eq!(mended.lease.is_some(), kept, "{cause}");
        let history = book.history(&one).expect("whole");
        assert!(history.last().expect("one").what.contains("mended its page"), "{cause}");
        assert_eq!(book.mend(&one, "ben", now).expect("read"), None, "{cause}");
        book.release(&one, "anna", now, true).expect("written");
        let _ = fs::remove_dir(&mended.aside[0].1);
    }
}

type Breaks = Box<dyn Fn(&Path, &str)>;

/// How a page can be broken, and what is said of it.
fn ways() -> Vec<(Breaks, &'static str)> {
    let write = |text: &'static [u8]| -> Breaks {
        Box::new(move |page, _| fs::write(page, text).expect("written"))
    };
    let pipe: Breaks = Box::new(|page, _| {
        let made = std::process::Command::new("mkfifo").arg(page).status().expect("it runs");
        assert!(made.success());
    });
    let socket: Breaks = Box::new(|page, _| {
        std::os::unix::net::UnixDatagram::bind(page).map(drop).expect("a socket");
    });
    let huge: Breaks = Box::new(|page, _| {
        File::create(page).and_then(|file| file.set_len(1 << 40)).expect("it has holes");
    });
    let newer: Breaks = Box::new(|page, whole| {
        fs::write(page, format!("colour = 7\n{whole}")).expect("written");
    });
    vec![
        (write(b"board = 7"), "invalid type"),
        (write(b"board = "), "quoted"),
        (write(b""), "missing field"),
        (write(b"\xff\xfe"), "UTF-8"),
        (Box::new(|page, _| fs::create_dir(page).expect("a folder")), "not a regular file"),
        (Box::new(|page, _| symlink("/dev/zero", page).expect("a link")), "it is a link"),
        (Box::new(|page, _| symlink("nowhere", page).expect("a link")), "it is a link"),
        (pipe, "not a regular file"),
        (socket, "not a regular file"),
        (huge, "more than"),
        (newer, "unknown field"),
    ]
}

#[test]
fn what_stands_in_the_place_of_a_lock_is_told_and_not_waited_for() {
    let folder = TempDir::new().expect("a folder");
    let book = book(&folder);
    let lock = book.folder().expect("a folder").join("lock");
    for (breaks, _) in ways().into_iter().skip(4).take(5) {
        breaks(&lock, "");
        let one = board(Path::new("/dev/no-such-1"));
        let error = book.lease(&one, "anna", SystemTime::now(), Duration::from_secs(60));
        let error = error.expect_err("it is no lock").to_string();
        assert!(
            error.contains("failed to lock") && error.contains("not a regular file"),
            "{error}"
        );
        let _ = fs::remove_file(&lock).or_else(|_| fs::remove_dir(&lock));
    }
}

#[test]
fn two_pages_that_turn_out_to_be_of_one_board_become_one() {
    let folder = TempDir::new().expect("a folder");
    let (port, link) = (folder.path().join("ttyUSB7"), folder.path().join("by-path"));
    let (book, now) = (book(&folder), SystemTime::now());
    let (by_port, by_link) = (board(&port), board(&link));
    // Neither is there: that it is one board is not known.
    let hour = Duration::from_secs(3_600);
    book.lease(&by_port, "anna", now, hour).expect("it is free");
    book.lease(&by_link, "ben", now, 2 * hour).expect("it is free");
    fs::write(&port, "").expect("a file");
    symlink(&port, &link).expect("a link");
    for board in [&by_port, &by_link] {
        let lease = book.of(board).expect("read").0.expect("leased");
        assert_eq!(lease.owner, "ben");
    }
    book.release(&by_port, "ben", now, false).expect("written");
    assert_eq!(book.of(&by_link).expect("read").0, None);
    assert_eq!(book.history(&by_link).expect("read").len(), 3);
    fs::remove_file(&port).expect("it was there");
    assert_eq!(book.of(&by_link).expect("read").0, None);
}
