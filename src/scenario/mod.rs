//! The author's tests: a scenario is a story told to an engine on a virtual clock, with what must be true along the way.
//!
//! [`run_file`] runs one over a fresh store; [`Options`] say which, and whether the engine is closed and opened again before every step.

mod draft;
mod expect;
mod steps;
mod world;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::load::{LoadError, Problem, Problems, Sources, read, render_text};
use crate::model::{Name, Span};

/// Over which store a scenario runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Over {
    /// Memory.
    #[default]
    Memory,
    /// A SQLite file of its own.
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// How a scenario is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Over which store.
    pub over: Over,
    /// Whether the engine is closed and opened again before every step.
    pub restart_before_every_step: bool,
}

/// What a scenario that held went through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// The nodes that its runs came to: process and key.
    pub visited: BTreeSet<(Name, String)>,
}

/// A scenario that did not hold, or could not be run.
#[derive(Debug)]
pub struct Failure {
    /// The file and line, when a step is to blame.
    pub place: String,
    /// What was expected and found; or the problems of the files.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

impl std::error::Error for Failure {}

/// A larger file is no scenario: it would be refused.
const MAX_FILE: u64 = 256 * 1024;

/// Every scenario file below a path, in order of names. A file without steps only gives others their beginnings.
///
/// # Errors
/// When the path cannot be read.
pub fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::metadata(path)?;
    let mut found = Vec::new();
    let mut todo = vec![path.to_path_buf()];
    while let Some(at) = todo.pop() {
        // Links are followed where they are named, not where they are found: they may lead in a circle.
        let follows = at == path || !at.is_symlink();
        if follows && at.is_dir() {
            for entry in std::fs::read_dir(&at)? {
                todo.push(entry?.path());
            }
        } else if at.extension().is_some_and(|ext| ext == "yaml" || ext == "yml") {
            if std::fs::metadata(&at)?.len() > MAX_FILE {
                continue;
            }
            // What is wrong inside a file is said when it is run, with its place.
            let bytes = std::fs::read(&at)?;
            let text = String::from_utf8_lossy(&bytes);
            let is_scenario = text.lines().any(|line| line.starts_with("scenario:"));
            let has_steps = text.lines().any(|line| line.starts_with("steps:"));
            if is_scenario && has_steps {
                found.push(at);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Runs one scenario.
///
/// # Errors
/// When a file has problems, a step fails that should not, or what is expected is not so.
pub fn run_file(path: &Path, options: Options) -> Result<Ran, Failure> {
    let text = |path: &Path| {
        let failed = |text| Failure { place: path.display().to_string(), text };
        match std::fs::metadata(path) {
            Ok(found) if found.len() > MAX_FILE => Err(failed(format!("it is larger than {} KiB", MAX_FILE / 1024))),
            _ => std::fs::read_to_string(path).map_err(|error| failed(error.to_string())),
        }
    };
    let mut sources = Sources::new();
    let problems = Problems::new();
    let folder = path.parent().unwrap_or(Path::new("."));
    let file = sources.add(path.display().to_string(), text(path)?);
    let tree = sources.get(file).and_then(|source| read(file, &source.text, &problems));
    let mut shared = Vec::new();
    for name in tree.iter().flat_map(draft::uses) {
        let path = folder.join(&name);
        let file = sources.add(path.display().to_string(), text(&path)?);
        shared.extend(sources.get(file).and_then(|source| read(file, &source.text, &problems)));
    }
    let script = tree.as_ref().and_then(|tree| draft::Script::of(tree, &shared, &problems));
    let sources = Arc::new(sources);
    let failed = |error: LoadError| Failure { place: path.display().to_string(), text: format!("\n{error}") };
    let Some(script) = script.filter(|_| !problems.has_errors()) else {
        problems.finish(&sources).map_err(failed)?;
        return Err(Failure { place: path.display().to_string(), text: "there is no scenario in it".into() });
    };
    steps::play(&script, folder, options).map_err(|stopped| stopped.shown(&sources))
}

/// Why a scenario stopped: the place of the step and what is wrong, in one of two ways.
enum Stopped {
    /// A sentence.
    At(Span, String),
    /// Problems of what a step says.
    Wrong(Vec<Problem>),
}

impl Stopped {
    fn shown(self, sources: &Sources) -> Failure {
        match self {
            Stopped::At(span, text) => Failure { place: place(span, sources), text },
            Stopped::Wrong(problems) => {
                let span = problems.first().map_or_else(Span::default, |problem| problem.span);
                Failure { place: place(span, sources), text: format!("\n{}", render_text(&problems, sources)) }
            }
        }
    }
}

fn place(span: Span, sources: &Sources) -> String {
    let Some(source) = sources.get(span.file) else { return String::new() };
    let (line, _) = source.line_column(span.start as usize);
    format!("{}:{line}", sources.shown(source))
}
