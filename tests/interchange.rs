//! Models as their modelers write them: imported, run, and brought back; and everything that is refused.
//!
//! `tests/interchange/*.bpmn` are models; beside each stands what it becomes (`.expect`, rewritten with `UPDATE_EXPECT=1`), and a scenario in
//! which it is run.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use stageflow::interchange::import;
use stageflow::load::{problems, render_text};
use stageflow::scenario;

#[path = "interchange_support/refused.rs"]
mod refused;
#[path = "conformance_support/round.rs"]
mod round;

fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interchange");
    let entries = fs::read_dir(folder).expect("the folder of models");
    let mut models: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let only = std::env::var("MODEL").unwrap_or_default();
    models.retain(|path| path.extension().is_some_and(|end| end == "bpmn") && path.to_string_lossy().contains(&only));
    models.sort();
    models
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// What a model becomes: its files, and what is said about it when it is imported and when its files are loaded.
#[test]
fn models_become_what_stands_beside_them() {
    for path in models() {
        let text = fs::read_to_string(&path).expect("a model");
        let imported = import(&name_of(&path), &text).unwrap_or_else(|error| panic!("{error}"));
        let files = imported.sources.iter().map(|(_, source)| format!("# file: {}\n{}", source.name, source.text));
        let mut shown: String = files.collect();
        shown.push_str("# said when it is imported\n");
        shown.push_str(&render_text(&imported.warnings, &imported.model));
        shown.push_str("# said when it is loaded\n");
        shown.push_str(&render_text(&problems(&imported.sources), &imported.sources));
        expect_file![path.with_extension("expect")].assert_eq(&shown);
    }
}

#[test]
fn models_run_to_their_ends() {
    for path in models() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = fs::read_to_string(&path).expect("a model");
        let imported = import(&name_of(&path), &text).unwrap_or_else(|error| panic!("{error}"));
        for (_, source) in imported.sources.iter() {
            fs::write(folder.path().join(&*source.name), &*source.text).expect("a file");
        }
        let scenario = folder.path().join("told.scenario.yaml");
        fs::copy(path.with_extension("scenario.yaml"), &scenario).expect("a scenario");
        if let Err(failure) = scenario::run_file(&scenario, scenario::Options::default()) {
            panic!("{}: {failure}", path.display());
        }
    }
}

#[test]
fn models_come_back_as_they_were() {
    for path in models() {
        let text = fs::read_to_string(&path).expect("a model");
        if let Err(why) = round::model_round_trip(&name_of(&path), &text) {
            panic!("{}: {why}", path.display());
        }
    }
}
