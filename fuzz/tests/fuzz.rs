//! The corpus, then a fixed number of mutations of it with a fixed seed.
//!
//! More of them: `PARALLAX_FUZZ=ITERATIONS cargo test --release -p parallax-fuzz`; from another seed:
//! `PARALLAX_FUZZ_SEED=N`.

use parallax_fuzz::{Mutator, TARGETS, Target};
use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Any number: the same one gives the same inputs.
const SEED: u64 = 20_260_101;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// Its own files, and those that are shipped.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let own = (format!("fuzz/corpus/{}", target.name), "");
    let shipped = target.shipped.iter().map(|(folder, ending)| ((*folder).to_owned(), *ending));
    let mut files = Vec::new();
    for (folder, ending) in [own].into_iter().chain(shipped) {
        let folder = Path::new(ROOT).join(folder);
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let entries = entries.map(|entry| entry.expect("an entry").path());
        files.extend(
            entries.filter(|file| file.is_file() && file.to_string_lossy().ends_with(ending)),
        );
    }
    files.sort();
    let read = |file: PathBuf| {
        let bytes = fs::read(&file).expect("it can be read");
        (file, bytes)
    };
    files.into_iter().map(read).collect()
}

fn run(target: &Target, input: &[u8], what: &str) {
    let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if ran.is_err() {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("{}.finding", target.name));
        let kept = fs::write(&file, input).map(|()| file.display().to_string());
        panic!(
            "{}, {what}: it panicked; the input is in {}: mend it, and add it to fuzz/corpus/{}",
            target.name,
            kept.unwrap_or_else(|error| error.to_string()),
            target.name
        );
    }
}

fn fuzz(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = corpus(target);
    assert!(corpus.len() >= 3, "{name}: {} files lead nowhere", corpus.len());
    for (file, bytes) in &corpus {
        run(target, bytes, &file.display().to_string());
    }
    let bytes: Vec<Vec<u8>> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    let seed = number("PARALLAX_FUZZ_SEED").unwrap_or(SEED);
    let iterations = number("PARALLAX_FUZZ").unwrap_or(target.iterations);
    for iteration in 0..iterations {
        let input = Mutator::new(seed.wrapping_add(iteration), &bytes, target.words).input();
        run(target, &input, &format!("seed {}", seed.wrapping_add(iteration)));
    }
}

#[test]
fn the_console_core() {
    fuzz("console");
}

#[test]
fn frames() {
    fuzz("frames");
}

#[test]
fn recordings() {
    fuzz("recording");
}

#[test]
fn signalling_messages() {
    fuzz("signalling");
}

#[test]
fn websocket_streams() {
    fuzz("websocket");
}

#[test]
fn requests_of_whip() {
    fuzz("whip");
}

#[test]
fn scenarios() {
    fuzz("scenario");
}

#[test]
fn device_profiles() {
    fuzz("profile");
}

#[test]
fn every_target_is_run_and_has_a_corpus_that_belongs_to_it() {
    let mut folders: Vec<String> = fs::read_dir(Path::new(ROOT).join("fuzz/corpus"))
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    assert_eq!(folders, names);
    let tests = include_str!("fuzz.rs");
    for name in names {
        assert!(tests.contains(&format!("fuzz(\"{name}\")")), "{name} is not run");
    }
}

#[test]
fn the_same_seed_is_the_same_input_and_another_one_another() {
    let corpus = vec![b"some text\nof lines\n".to_vec(), b"and another".to_vec()];
    let input = |seed| Mutator::new(seed, &corpus, &["word"]).input();
    assert_eq!(input(5), input(5));
    let distinct: std::collections::BTreeSet<Vec<u8>> = (0..200).map(input).collect();
    assert!(distinct.len() > 150, "{} of 200", distinct.len());
}
