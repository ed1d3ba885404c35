//! For authors: `check` says what is wrong with definitions, `test` runs scenarios.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use stageflow::load::{self, Kind, LoadError, Problem, Severity, Sources, render_json, render_text};
use stageflow::scenario::{self, Options, Over};

use crate::args::Format;
use crate::db::Failed;
use crate::print;

/// Whether every path loads; of a library's file what it names too, of a folder also what its library does not name: other
/// libraries below it, and processes that none of them names. What belongs to one library is judged, and shown, once.
pub fn check(paths: &[PathBuf], format: Format, deny_warnings: bool) -> bool {
    let mut check =
        Check { format, deny_warnings, clean: true, judged: BTreeSet::new(), shown: BTreeSet::new(), all: Vec::new() };
    for path in paths {
        if path.is_dir() {
            check.folder(path);
        } else {
            check.path(path);
        }
    }
    if format == Format::Json {
        print::said(format, "", check.told());
    }
    check.clean
}

/// What was judged and shown so far.
struct Check {
    format: Format,
    deny_warnings: bool,
    clean: bool,
    judged: BTreeSet<PathBuf>,
    shown: BTreeSet<String>,
    all: Vec<Json>,
}

impl Check {
    /// A folder with one library: what belongs to it. Then everything below that was not looked at with a library.
    fn folder(&mut self, path: &Path) {
        let (mut found, unreadable) = stageflow::files::find_readable(path);
        if let Some(LoadError { problems, sources, .. }) = unreadable {
            self.show(path, problems, &sources);
        }
        let libraries = || found.iter().filter(|(_, kind)| *kind == Kind::Library);
        let at_top = libraries().filter(|(file, _)| file.parent() == Some(path)).count();
        if at_top == 1 || found.is_empty() || libraries().count() == 1 {
            self.path(path);
        }
        found.retain(|(_, kind)| *kind != Kind::Scenario);
        found.sort_by_key(|(_, kind)| *kind != Kind::Library);
        for (file, _) in found {
            if !self.judged.contains(&real(&file)) {
                self.path(&file);
            }
        }
    }

    fn path(&mut self, path: &Path) {
        if !path.is_dir() && self.judged.contains(&real(path)) {
            if self.format == Format::Text {
                println!("{}: looked at already, with its library", path.display());
            }
            return;
        }
        let (problems, sources) = problems_of(path);
        self.judged.extend(sources.iter().map(|(_, source)| real(Path::new(&*sources.shown(source)))));
        self.show(path, problems, &sources);
    }

    fn show(&mut self, path: &Path, mut problems: Vec<Problem>, sources: &Sources) {
        self.clean &= !problems.iter().any(|problem| self.deny_warnings || problem.severity == Severity::Error);
        let found = problems.len();
        problems.retain(|problem| self.shown.insert(render_text(std::slice::from_ref(problem), sources)));
        match self.format {
            Format::Json => {
                let told = render_json(&problems, sources);
                self.all.extend(told.get("problems").and_then(Json::as_array).cloned().unwrap_or_default());
            }
            Format::Text if found == 0 => {
                println!("{}: no problems in {} files", path.display(), sources.len());
            }
            Format::Text if problems.is_empty() => println!("{}: its problems stand above", path.display()),
            Format::Text => print!("{}", render_text(&problems, sources)),
        }
    }

    /// One document for all paths.
    fn told(&self) -> Json {
        let count = |severity: &str| self.all.iter().filter(|problem| problem["severity"] == severity).count();
        json!({"errors": count("error"), "warnings": count("warning"), "problems": self.all})
    }
}

/// One file under one name, however it was written.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn problems_of(path: &Path) -> (Vec<Problem>, Sources) {
    match stageflow::files::read_beside(path) {
        Ok(sources) => (load::problems(&sources), sources),
        Err(LoadError { problems, sources, .. }) => (problems, (*sources).clone()),
    }
}

/// Whether every scenario holds.
///
/// # Errors
/// A path that cannot be read, or has no scenario.
pub fn test(paths: &[PathBuf], format: Format, restart_before_every_step: bool) -> Result<bool, Failed> {
    let mut files = Vec::new();
    for path in paths {
        let found =
            scenario::files(path).map_err(|error| Failed::new("file", format!("{}: {error}", path.display())))?;
        if found.is_empty() {
            let help = "it begins with `scenario:` and has `steps:`";
            let text = format!("{}: expected a scenario, found none; {help}", path.display());
            return Err(Failed::new("no-scenario", text));
        }
        files.extend(found);
    }
    let (mut told, mut held) = (Vec::new(), 0_usize);
    for file in &files {
        let ways = [Over::Memory, Over::Sqlite].map(|over| Options { over, restart_before_every_step });
        let failure = ways.into_iter().find_map(|way| scenario::run_file(file, way).err());
        held = held.saturating_add(usize::from(failure.is_none()));
        match (format, &failure) {
            (Format::Json, _) => {}
            (Format::Text, None) => println!("ok      {}", file.display()),
            (Format::Text, Some(failure)) => println!("FAILED  {failure}"),
        }
        let failure = failure.map(|failure| json!({"place": failure.place, "text": failure.text}));
        told.push(json!({"file": file.display().to_string(), "holds": failure.is_none(), "failure": failure}));
    }
    let restarts = if restart_before_every_step { ", with a restart before every step" } else { "" };
    let text = format!("\n{held} of {} scenarios hold, over memory and SQLite{restarts}", files.len());
    print::said(format, &text, json!({"scenarios": told, "held": held, "of": files.len()}));
    Ok(held == files.len())
}
