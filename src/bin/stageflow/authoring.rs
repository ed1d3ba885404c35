//! For authors: `check` says what is wrong with definitions, `test` runs scenarios.

use std::path::{Path, PathBuf};

use stageflow::load::{self, Kind, LoadError, Problem, Severity, Sources, render_json, render_text};
use stageflow::scenario::{self, Options, Over};

use crate::args::Format;

/// Whether every path loads; of a library's file what it names too, of a folder also what its library does not name.
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
        match stageflow::files::find(path) {
            Ok(found) if path.is_dir() => {
                let others =
                    found.iter().filter(|(file, kind)| *kind != Kind::Scenario && !holds(&sources, path, file));
                for (file, _) in others {
                    let (problems, sources) = problems_of(file);
                    show(file, problems, &sources);
                }
            }
            Ok(_) => {}
            Err(LoadError { problems, sources, .. }) => show(path, problems, &sources),
        }
    }
    clean
}

fn problems_of(path: &Path) -> (Vec<Problem>, Sources) {
    match stageflow::files::read(path) {
        Ok(sources) => (load::problems(&sources), sources),
        Err(LoadError { problems, sources, .. }) => (problems, (*sources).clone()),
    }
}

/// Whether a file below a folder is among the texts that were loaded.
fn holds(sources: &Sources, folder: &Path, file: &Path) -> bool {
    sources.iter().any(|(_, source)| folder.join(&*source.name) == file)
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
