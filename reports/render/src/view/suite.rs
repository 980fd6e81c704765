//! The whole report.

use super::{Missed, Overall, Run, ScenarioView, VerdictCounts};
use crate::input::{Folder, FolderOrigin};
use parallax_record::{
    BaselineResult, Environment, Summary,
    beside::{SideBySide, Within},
};

/// One run in the list and in the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which folder.
    pub folder: usize,
    /// Which scenario of the report.
    pub scenario: usize,
    /// What it came to.
    pub summary: Summary,
    /// Whether it is shown in full.
    pub in_full: bool,
}

/// Everything that a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The folders' names.
    pub folders: Vec<String>,
    /// The verdict over everything, with its reasons.
    pub overall: Overall,
    /// How many runs have which verdict.
    pub counts: VerdictCounts,
    /// How many runs were asked for.
    pub planned: u64,
    /// All runs, in the order of folders and of what was asked for.
    pub runs: Vec<Cell>,
    /// Those that did not pass, the worst first.
    pub missed: Vec<Missed>,
    /// The scenarios.
    pub scenarios: Vec<ScenarioView>,
    /// Runs in full.
    pub details: Vec<Run>,
    /// Where the figures come from, by folder.
    pub origins: Vec<FolderOrigin>,
    /// Where the runs were made, by folder.
    pub environments: Vec<Option<Environment>>,
    /// What came of a comparison with a baseline, if there was one.
    pub baseline: Option<BaselineResult>,
    /// Simulation and measurement side by side, if both are there.
    pub beside: Option<SideBySide>,
}

impl Report {
    /// Computes the report of some folders.
    #[must_use]
    pub fn new(folders: &[Folder]) -> Self {
        let mut report = Self {
            folders: folders.iter().map(|folder| folder.name.clone()).collect(),
            overall: Overall::default(),
            counts: VerdictCounts::default(),
            planned: folders.iter().map(|folder| folder.suite.planned).sum(),
            runs: Vec::new(),
            missed: Vec::new(),
            scenarios: Vec::new(),
            details: Vec::new(),
            origins: folders.iter().map(|folder| folder.origin.clone()).collect(),
            environments: folders.iter().map(|folder| folder.environment.clone()).collect(),
            baseline: None,
            beside: None,
        };
        for (index, folder) in folders.iter().enumerate() {
            report.take(index, folder);
        }
        report.beside = SideBySide::of(report.runs.iter().map(|run| &run.summary), None);
        report.counts = VerdictCounts::of(report.runs.iter().map(|run| run.summary.verdict));
        let runs = report.runs.iter().enumerate();
        let environment = |run: &Cell| report.environments.get(run.folder)?.as_ref();
        report.missed = runs
            .filter_map(|(index, run)| Missed::of(index, &run.summary, environment(run)))
            .collect();
        report
            .missed
            .sort_by_key(|missed| std::cmp::Reverse(report.runs[missed.run].summary.verdict));
        report.sum_up();
        report
    }

    fn sum_up(&mut self) {
        let (baseline, beside) = (self.baseline.as_ref(), self.beside.as_ref());
        self.overall = Overall::of(&self.counts, self.planned, &self.origins, baseline, beside);
    }

    /// The same, with a bound for how far simulation and measurement may be apart.
    #[must_use]
    pub fn within(mut self, within: Within) -> Self {
        self.beside = SideBySide::of(self.runs.iter().map(|run| &run.summary), Some(within));
        self.sum_up();
        self
    }

    /// The same, held against a baseline: each percentile says how it has changed.
    #[must_use]
    pub fn against(mut self, result: BaselineResult) -> Self {
        for scenario in &mut self.scenarios {
            for stream in &mut scenario.streams {
                let place = (&*scenario.name, &*stream.camera, &*stream.viewer);
                for row in &mut stream.latency.rows {
                    row.change = crate::baseline::of_row(&result, place, &row.name);
                }
            }
        }
        self.baseline = Some(result);
        self.sum_up();
        self
    }

    fn take(&mut self, index: usize, folder: &Folder) {
        let first = self.runs.len();
        let summary = |detail: &crate::input::Detail| folder.suite.runs.get(detail.run);
        let details: Vec<Run> = folder
            .details
            .iter()
            .filter_map(|detail| Some(Run::of(first + detail.run, summary(detail)?, detail)))
            .collect();
        let mut groups: Vec<(&str, Vec<(usize, &Summary)>)> = Vec::new();
        for (at, run) in folder.suite.runs.iter().enumerate() {
            let group = match groups.iter().position(|(name, _)| *name == run.scenario) {
                Some(group) => group,
                None => {
                    groups.push((&run.scenario, Vec::new()));
                    groups.len() - 1
                }
            };
            groups[group].1.push((first + at, run));
            self.runs.push(Cell {
                folder: index,
                scenario: self.scenarios.len() + group,
                summary: run.clone(),
                in_full: details.iter().any(|detail| detail.run == first + at),
            });
        }
        for (_, runs) in &groups {
            self.scenarios.push(ScenarioView::of((index, folder), runs, &details));
        }
        self.details.extend(details);
    }
}
