//! For authors: `check` says what is wrong with definitions, `test` runs scenarios.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stageflow::load::{self, Kind, LoadError, Problem, Severity, Sources, render_json, render_text};
use stageflow::scenario::{self, Options, Over};

use crate::args::Format;

/// Whether every path loads; of a library's file what it names too, of a folder also what its library does not name: other
/// libraries below it, and processes that none of them names.
pub fn check(paths: &[PathBuf], format: Format, deny_warnings: bool) -> bool {
    let mut clean = true;
    for path in paths {
        let mut show = |path: &Path, problems: Vec<Problem>, sources: &Sources| {
            clean &= !problems.iter().any(|problem| deny_warnings || problem.severity == Severity::Error);
            match format {
                Format::Json => println!("{}", render_json(&problems, sources)),
                Format::Text if problems.is_empty() => {
                    println!("{}: no problems in {} files", path.display(), sources.len());
                }
                Format::Text => print!("{}", render_text(&problems, sources)),
            }
        };
        let (problems, sources) = problems_of(path);
        show(path, problems, &sources);
        if !path.is_dir() {
            continue;
        }
        let mut judged = files_of(&sources, path);
        match stageflow::files::find(path) {
            Ok(mut found) => {
                found.retain(|(_, kind)| *kind != Kind::Scenario);
                found.sort_by_key(|(_, kind)| *kind != Kind::Library);
                for (file, _) in found {
                    if !judged.contains(&file) {
                        let (problems, sources) = problems_of(&file);
                        show(&file, problems, &sources);
                        judged.extend(files_of(&sources, file.parent().unwrap_or(path)));
                    }
                }
            }
            Err(LoadError { problems, sources, .. }) => show(path, problems, &sources),
        }
    }
    clean
}

fn problems_of(path: &Path) -> (Vec<Problem>, Sources) {
    match stageflow::files::read_beside(path) {
        Ok(sources) => (load::problems(&sources), sources),
        Err(LoadError { problems, sources, .. }) => (problems, (*sources).clone()),
    }
}

/// The files of texts that were read from a folder.
fn files_of(sources: &Sources, folder: &Path) -> BTreeSet<PathBuf> {
    sources.iter().map(|(_, source)| folder.join(&*source.name)).collect()
}

/// Whether every scenario holds.
pub fn test(paths: &[PathBuf], restart_before_every_step: bool) -> bool {
    let mut failed = 0_usize;
    let mut run = 0_usize;
    for path in paths {
        let files = match scenario::files(path) {
            Ok(files) => files,
            Err(error) => {
                eprintln!("error: {}: {error}", path.display());
                return false;
            }
        };
        if files.is_empty() {
            eprintln!(
                "error: {}: expected a scenario, found none; it begins with `scenario:` and has `steps:`",
                path.display()
            );
            return false;
        }
        for file in files {
            run = run.saturating_add(1);
            let ways = [Over::Memory, Over::Sqlite].map(|over| Options { over, restart_before_every_step });
            match ways.into_iter().find_map(|way| scenario::run_file(&file, way).err()) {
                None => println!("ok      {}", file.display()),
                Some(failure) => {
                    failed = failed.saturating_add(1);
                    println!("FAILED  {failure}");
                }
            }
        }
    }
    println!("\n{} of {run} scenarios hold, over memory and SQLite", run.saturating_sub(failed));
    failed == 0 && run > 0
}
