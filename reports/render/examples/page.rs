//! Renders output folders of `parallax sim` for a look at the page while working on it:
//! `cargo run -p parallax-render --example page -- OUT FOLDER...` writes `OUT/report.html` and the PNGs.

use parallax_record::{Record, Suite};
use parallax_render::{
    Report, html,
    input::{Detail, Folder, FolderOrigin},
    png,
};
use std::{collections::BTreeMap, error::Error, fs, path::Path};

/// Runs of a folder that are shown in full, at most.
const IN_FULL: usize = 4;

fn read(folder: &Path) -> Result<Folder, Box<dyn Error>> {
    let suite: Suite = serde_json::from_slice(&fs::read(folder.join("summary.json"))?)?;
    let environment = fs::read(folder.join("environment.json"))?;
    let mut details = Vec::new();
    for (run, summary) in suite.runs.iter().enumerate().take(IN_FULL) {
        let place = folder.join(&summary.scenario).join(summary.folder());
        let mut pictures = BTreeMap::new();
        for picture in fs::read_dir(place.join("frames")).into_iter().flatten() {
            let picture = picture?;
            let name = picture.file_name().to_string_lossy().into_owned();
            pictures.insert(name, fs::read(picture.path())?);
        }
        let record = Record::read(&fs::read(place.join("record.jsonl"))?)?;
        details.push(Detail { run, record, pictures });
    }
    let environment = Some(serde_json::from_slice(&environment)?);
    Ok(Folder {
        name: folder.display().to_string(),
        suite,
        environment,
        details,
        origin: FolderOrigin::default(),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("OUT FOLDER... is missing")?;
    let folders: Vec<Folder> =
        arguments.map(|folder| read(Path::new(&folder))).collect::<Result<_, _>>()?;
    let report = Report::new(&folders);
    fs::create_dir_all(&out)?;
    let out = Path::new(&out);
    fs::write(out.join("report.html"), html::report(&report))?;
    fs::write(out.join("grid.png"), png::grid(&report))?;
    if let Some(run) = report.details.first() {
        for (name, bytes) in png::run(&report, run) {
            fs::write(out.join(name), bytes)?;
        }
    }
    Ok(())
}
