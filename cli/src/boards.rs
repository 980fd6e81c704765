//! `parallax boards`: the boards of a bench, with their states, leases and quarantines.

use crate::{
    args::BoardsArgs,
    exit::{Exit, Stop},
    folder::{OutputFolder, Plan},
    hil::{bench, checkup, chosen, drivable, profile, starter},
    interrupt::Interrupt,
    output,
    owner::owner,
};
use parallax_bench::{
    Bench, BenchBoard, BoardPlace, Book, BookError, Hold, Mended, Quarantine, Standing, advice,
    holder, state, take,
};
use parallax_files as files;
use parallax_record::Name;
use parallax_render::escape::tame;
use parallax_scenario::Profile;
use std::{io, time::SystemTime};
use tempfile::TempDir;

/// Runs `parallax boards`.
///
/// # Errors
/// If the bench file is none.
pub(crate) fn run(arguments: &BoardsArgs) -> Result<Exit, Stop> {
    let bench = bench(&arguments.bench)?;
    let book = Book::shared();
    let acted = |act: Result<String, BookError>| match act {
        Ok(said) => {
            output::say(format!("{said}\n"));
            Ok(Exit::Pass)
        }
        // The board cannot be had: nothing is wrong with what was asked for.
        Err(error @ (BookError::Leased { .. } | BookError::Quarantined(_))) => {
            output::error(error.to_string());
            Ok(Exit::Inconclusive)
        }
        Err(error) => Err(Stop::BadInput(error.to_string())),
    };
    if arguments.force && arguments.release.is_none() && arguments.quarantine.is_none() {
        return Err(Stop::BadInput(
            "--force is there for nothing\n  help: give it with --release NAME or --quarantine NAME"
                .to_owned(),
        ));
    }
    let who = arguments.owner.clone().unwrap_or_else(owner);
    let named = |name: &String| chosen(&bench, Some(name));
    if let Some(name) = &arguments.lease {
        return acted(lease(arguments, &book, named(name)?, &who));
    }
    if let Some(name) = &arguments.release {
        return acted(release(arguments, &book, named(name)?, &who));
    }
    if let Some(name) = &arguments.quarantine {
        return acted(quarantine(arguments, &book, named(name)?, who));
    }
    if let Some(name) = &arguments.readmit {
        return acted(readmit(&book, named(name)?, &who));
    }
    if let Some(name) = &arguments.history {
        return acted(history(&book, named(name)?));
    }
    if let Some(name) = &arguments.mend {
        return acted(mend(&book, named(name)?, &who));
    }
    if let Some(name) = &arguments.check {
        return check(arguments, &bench, name.as_deref(), &who);
    }
    list(arguments, &bench, &book, &who)
}

type Named<'a> = (&'a Name, &'a BenchBoard);

fn lease(
    arguments: &BoardsArgs,
    book: &Book,
    (name, board): Named<'_>,
    who: &str,
) -> Result<String, BookError> {
    let now = SystemTime::now();
    let (lease, before) = book.lease(board, who, now, arguments.span)?;
    let before = before.map(|before| format!("; before: {before}")).unwrap_or_default();
    let goes_on = holder(book, board).filter(|holder| holder.owner != who);
    let goes_on = goes_on.map(|holder| format!("; what runs on it goes on to its end ({holder})"));
    Ok(format!("{name} is {}{before}{}", lease.told(now), goes_on.unwrap_or_default()))
}

fn release(
    arguments: &BoardsArgs,
    book: &Book,
    (name, board): Named<'_>,
    who: &str,
) -> Result<String, BookError> {
    Ok(match book.release(board, who, SystemTime::now(), arguments.force)? {
        Some(lease) => format!("{name}: {lease} is ended"),
        None => format!("{name} is not leased"),
    })
}

fn quarantine(
    arguments: &BoardsArgs,
    book: &Book,
    (name, board): Named<'_>,
    by: String,
) -> Result<String, BookError> {
    let comment = arguments.comment.clone().unwrap_or_default();
    let why = Quarantine { by, since: SystemTime::now(), comment };
    let told = format!("{name} is {why}");
    let before = book.quarantine(board, why, arguments.force)?;
    Ok(told + &before.map(|before| format!("; before it was {before}")).unwrap_or_default())
}

fn readmit(book: &Book, (name, board): Named<'_>, who: &str) -> Result<String, BookError> {
    Ok(match book.readmit(board, who, SystemTime::now())? {
        Some(was) => format!("{name} is readmitted; it was {was}"),
        None => format!("{name} is not quarantined"),
    })
}

fn history(book: &Book, (name, board): Named<'_>) -> Result<String, BookError> {
    let acts: Vec<_> = book.history(board)?.iter().map(ToString::to_string).collect();
    Ok(if acts.is_empty() { format!("{name}: nothing was done yet") } else { acts.join("\n") })
}

fn mend(book: &Book, (name, board): Named<'_>, who: &str) -> Result<String, BookError> {
    let now = SystemTime::now();
    let Some(Mended { aside, lease, quarantine }) = book.mend(board, who, now)? else {
        return Ok(format!("{name}: its lease page can be read, and stays as it is"));
    };
    let aside =
        aside.iter().map(|(from, to)| format!("{} is now {}", from.display(), to.display()));
    let mut told: Vec<String> = aside.collect();
    told.push(format!("{name} is {}", lease.map_or("not leased".to_owned(), |it| it.told(now))));
    let quarantine = quarantine.map_or("not quarantined".to_owned(), |why| why.to_string());
    told.push(format!("{name} is {quarantine}: if it was otherwise, say it anew"));
    Ok(told.join("\n"))
}

/// Looks at one board, or at all.
fn check(
    arguments: &BoardsArgs,
    bench: &Bench,
    name: Option<&str>,
    who: &str,
) -> Result<Exit, Stop> {
    let only = name.map(|name| chosen(bench, Some(name))).transpose()?;
    let boards: Vec<Named<'_>> =
        only.map_or_else(|| bench.boards.iter().collect(), |only| vec![only]);
    let interrupt = Interrupt::listen()?;
    let mut trouble = false;
    for (name, board) in boards {
        let profile = profile(&arguments.bench, board)?;
        drivable(name, board, &profile)?;
        let health = match take(&Book::shared(), board, who) {
            Err(error) => Some(error.to_string()),
            Ok(_) if matches!(board.place, BoardPlace::Program(_)) => {
                state(&board.place, &starter(&board.place)?).trouble
            }
            Ok(held) => {
                let blame = checked(arguments, name, board, &profile, &held, &interrupt)?;
                if interrupt.asked() {
                    return Ok(Exit::Interrupted);
                }
                blame
            }
        };
        trouble |= health.is_some();
        let health = health.unwrap_or_else(|| "healthy".to_owned());
        output::say(format!("{name}  {}  {health}\n", board.profile));
    }
    Ok(if trouble { Exit::Inconclusive } else { Exit::Pass })
}

/// Looks at a board, and keeps what it said in the folder of `--out`.
fn checked(
    arguments: &BoardsArgs,
    name: &Name,
    board: &BenchBoard,
    profile: &Profile,
    held: &Hold,
    interrupt: &Interrupt,
) -> Result<Option<String>, Stop> {
    let file = format!("{name}-health.txt");
    // It is held for a moment only: others may look at other boards meanwhile.
    let free = || -> Result<OutputFolder, Stop> {
        let out = OutputFolder::take(&arguments.out)?;
        out.check(Plan { top: &[&file], ..Plan::default() })?;
        out.begin()?;
        Ok(out)
    };
    free()?;
    let fault = |error: io::Error| Stop::Fault(format!("failed to check {name}: {error}"));
    let aside = TempDir::new().map_err(fault)?;
    let transcript = aside.path().join(&file);
    let blame = checkup(name.as_str(), board, profile, Some(held), &transcript, interrupt)?;
    free()?.put(&file, &files::read(&transcript, files::RECORD_MOST).map_err(fault)?)?;
    let kept = arguments.out.join(&file);
    Ok(blame.map(|blame| format!("not healthy: {}\n  transcript: {}", blame.why(), kept.display())))
}

fn list(arguments: &BoardsArgs, bench: &Bench, book: &Book, who: &str) -> Result<Exit, Stop> {
    output::say(format!("{}\n", tame(&bench.title)));
    let mut trouble = false;
    for (name, board) in &bench.boards {
        let now = SystemTime::now();
        // A page that cannot be read is its own board's trouble alone.
        let booked = book.expire(board, now).and_then(|ended| Ok((ended, book.of(board)?)));
        let (ended, (lease, quarantine)) = match &booked {
            Ok((ended, booked)) => (ended.as_ref(), booked.clone()),
            Err(_) => (None, (None, None)),
        };
        if let Some(ended) = ended {
            output::error(format!("{name}: {ended} is over, and is taken off"));
        }
        let mut seen = state(&board.place, &starter(&board.place)?);
        let anothers =
            lease.as_ref().is_some_and(|lease| lease.standing(now, who) == Standing::Anothers);
        seen.parts.extend(lease.map(|lease| lease.told(now)));
        seen.parts.extend(holder(book, board).map(|holder| format!("in use ({holder})")));
        let sound =
            profile(&arguments.bench, board).and_then(|found| drivable(name, board, &found));
        let health = match (sound, booked, quarantine) {
            (Err(stop), ..) => Err(stop.to_string()),
            (_, Err(error), _) => Err(tame(&error.to_string())),
            (.., Some(why)) => Err(tame(&why.to_string())),
            _ if anothers => Ok("can be driven by whose lease it is"),
            _ => Ok("can be driven"),
        };
        let health = health.and_then(|health| match seen.trouble {
            Some(trouble) => Err(trouble),
            None => Ok(health.to_owned()),
        });
        trouble |= health.is_err();
        let health = health.unwrap_or_else(|trouble| trouble);
        let parts = tame(&seen.parts.join("  "));
        output::say(format!("{name}  {}  {parts}  {health}\n", board.profile));
        if let BoardPlace::Port(place) = &board.place
            && let Some(advice) = advice(&place.port)
        {
            output::error(format!("{name}: {}", tame(&advice)));
        }
    }
    // On a board that cannot be driven nothing can be said.
    Ok(if trouble { Exit::Inconclusive } else { Exit::Pass })
}
