//! Every scenario of the shipped libraries: over memory and SQLite, and again with the engine closed and opened before every step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use stageflow::element::{Definition, Element};
use stageflow::graph::NodeIx;
use stageflow::model::Name;
use stageflow::scenario::{self, Options, Over};

fn all_hold(options: Options) -> BTreeSet<(Name, String)> {
    let files = scenario::files(Path::new("processes")).expect("the scenarios");
    assert!(!files.is_empty(), "there is no scenario");
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let wanted: Vec<PathBuf> = files.into_iter().filter(|file| file.to_string_lossy().contains(&only)).collect();
    let next = Mutex::new(wanted.iter());
    let failed = Mutex::new(Vec::new());
    let visited = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(file) = next.lock().expect("the list").next() else { break };
                    match scenario::run_file(file, options) {
                        Ok(ran) => visited.lock().expect("the nodes").extend(ran.visited),
                        Err(failure) => failed.lock().expect("the failures").push(failure.to_string()),
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("the failures");
    failed.sort();
    assert!(
        failed.is_empty(),
        "{} of {} scenarios do not hold:\n\n{}\n",
        failed.len(),
        wanted.len(),
        failed.join("\n\n")
    );
    visited.into_inner().expect("the nodes")
}

/// The list of a stage that the library does not have: see `a_stage_that_the_process_does_not_know_is_an_incident`.
const UNKNOWN: &str = "work/otherwise/end";

/// Somebody adds a stage to the library and not to the process: a lead there does not wait silently.
#[test]
fn a_stage_that_the_process_does_not_know_is_an_incident() {
    let shipped = stageflow::files::read(Path::new("processes/crm.yaml")).expect("the library");
    let mut sources = stageflow::load::Sources::new();
    for (_, source) in shipped.iter() {
        let known = "        satisfied:\n          title: {en: Need satisfied";
        let added = format!("        parked: {{title: {{en: Parked, ru: Отложен}}, position: 4}}\n{known}");
        sources.add(&*source.name, source.text.replace(known, &added));
    }
    let engine = stageflow::Engine::builder().sources(sources).remote_services().build().expect("the engine");
    let text = |text: &str| stageflow::model::Value::text(text);
    let need = stageflow::model::Ref::new("need_type", "hardware");
    let set = [("need_type", need.into()), ("stage", text("parked"))];
    engine.system().create_as("lead", "L", set).expect("the lead, on which the process begins");
    engine.settle().expect("what follows");
    let codes: Vec<String> = engine.incidents().expect("incidents").iter().map(|open| open.code.to_string()).collect();
    assert_eq!(codes, ["unknown_stage"]);
}

/// The lists of a step that follows a stage.
fn stages(def: &Definition, node: NodeIx) -> Option<Vec<NodeIx>> {
    match def.element(node) {
        Some(Element::StageScope(room)) => Some(room.lists.iter().map(|(_, list)| *list).collect()),
        _ => None,
    }
}

/// And every way in which a shipped process can end is gone by some scenario.
#[test]
fn in_memory() {
    let visited = all_hold(Options::default());
    if std::env::var_os("SCENARIO").is_some() {
        return;
    }
    let sources = stageflow::files::read(Path::new("processes/crm.yaml")).expect("the library");
    let definitions = stageflow::load::library(&sources).expect("it loads").definitions;
    let mut missed = Vec::new();
    for def in &definitions {
        let come_to = |node: NodeIx| visited.contains(&(def.process.clone(), def.graph.key(node).to_string()));
        // A move out of its stage is the end of a list: nothing behind it is come to.
        let lists: BTreeSet<NodeIx> = def.graph.nodes().filter_map(|node| stages(def, node)).flatten().collect();
        let moved = |node: NodeIx| {
            let mut sources = def.graph.incoming(node).iter().filter_map(|flow| def.graph.source(*flow));
            lists.contains(&def.graph.scope(node)) && sources.any(come_to)
        };
        let ends = def.graph.nodes().filter(|node| matches!(def.element(*node), Some(Element::EndEvent(_))));
        for key in ends.filter(|end| !moved(*end)).map(|node| def.graph.key(node).to_string()) {
            if key != UNKNOWN && !visited.contains(&(def.process.clone(), key.clone())) {
                missed.push(format!("{}: {key}", def.process));
            }
        }
    }
    assert!(missed.is_empty(), "no scenario comes to these ends:\n{}\n", missed.join("\n"));
}

#[test]
fn in_memory_with_a_restart_before_every_step() {
    let _visited = all_hold(Options { restart_before_every_step: true, ..Options::default() });
}

#[test]
fn on_sqlite() {
    let _visited = all_hold(Options { over: Over::Sqlite, ..Options::default() });
}

#[test]
fn on_sqlite_with_a_restart_before_every_step() {
    let _visited = all_hold(Options { over: Over::Sqlite, restart_before_every_step: true });
}
