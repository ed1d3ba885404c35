//! What graph a process file becomes.
//!
//! `tests/definitions/*.yaml` are processes, loaded with the library of the examples; beside each stands its graph
//! (`.expect`, rewritten with `UPDATE_EXPECT=1`): a line per node with what it is and where its flows lead. Besides, the
//! shipped library loads, and no list of steps makes the loader panic.

#[path = "traces_support/script.rs"]
mod script;
#[path = "definitions_support/steps.rs"]
mod steps;
#[path = "traces_support/world.rs"]
mod world;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use expect_test::expect_file;
use proptest::prelude::*;
use stageflow::element::Catalog;
use stageflow::element::definition::{Definition, Trigger};
use stageflow::element::exclusive_gateway::Case;
use stageflow::element::{Element, end_event::Ends};
use stageflow::entity::Record;
use stageflow::graph::NodeIx;
use stageflow::instance::{Owner, Place, State};
use stageflow::load::{Sources, codes, library, problems, render_text};
use stageflow::model::{Name, Value};
use world::{Scene, Way};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn sources(name: &str, text: &str) -> Sources {
    let mut sources = Sources::new();
    sources.add("example.yaml", codes::EXAMPLE_LIBRARY);
    sources.add(name, text);
    sources
}

#[test]
fn every_case_becomes_the_expected_graph() {
    let entries = fs::read_dir(folder("tests/definitions")).expect("the folder of cases");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    cases.sort();
    for path in cases {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let sources = sources(&name, &fs::read_to_string(&path).expect("a case"));
        let shown = match library(&sources) {
            Ok(loaded) => loaded.definitions.iter().map(|definition| shown(definition)).collect(),
            Err(error) => error.to_string(),
        };
        expect_file![path.with_extension("expect")].assert_eq(&shown);
    }
}

#[test]
fn shipped_library_loads() {
    let sources = stageflow::files::read(&folder("processes/crm.yaml")).expect("the shipped files");
    let found = problems(&sources);
    assert!(found.is_empty(), "{}", render_text(&found, &sources));
    assert!(library(&sources).expect("the shipped library").definitions.len() >= 5);
}

/// The workshop that scenarios of the engine happen in, with two versions of a process.
#[test]
fn workshop_of_the_scenarios_loads() {
    let sources = stageflow::files::read(&folder("processes/scenarios/fixtures")).expect("the fixtures");
    let found = problems(&sources);
    assert!(found.is_empty(), "{}", render_text(&found, &sources));
}

fn shown(definition: &Definition) -> String {
    let mut text = format!("{} {}\n", definition.process, definition.version);
    inside(definition, NodeIx::PROCESS, 1, &mut text);
    text
}

fn inside(definition: &Definition, scope: NodeIx, depth: usize, text: &mut String) {
    let graph = &definition.graph;
    if let Some(info) = definition.scopes.get(&scope).filter(|info| !info.vars.is_empty()) {
        let vars: Vec<String> = info.vars.iter().map(|var| format!("{}: {}", var.name, var.ty)).collect();
        let _ = writeln!(text, "{:depth$}vars {}", "", vars.join(", "), depth = depth * 2);
    }
    for node in graph.inside(scope) {
        let ways: Vec<String> = graph
            .outgoing(node)
            .iter()
            .filter_map(|flow| graph.target(*flow))
            .map(|to| graph.key(to).to_string())
            .collect();
        let element = definition.element(node).expect("an element");
        let arrow = if ways.is_empty() { String::new() } else { format!(" -> {}", ways.join(", ")) };
        let _ =
            writeln!(text, "{:depth$}{} {}{arrow}", "", graph.key(node), what(definition, element), depth = depth * 2);
        for boundary in definition.boundaries_of(node) {
            let _ = writeln!(text, "{:depth$}| {}", "", graph.key(*boundary), depth = depth * 2 + 2);
        }
        if definition.scopes.contains_key(&node) {
            inside(definition, node, depth + 1, text);
        }
    }
}

/// An element's kind and what of it shows in the graph.
fn what(definition: &Definition, element: &Element) -> String {
    let debug = format!("{element:?}");
    let kind: String = debug.chars().take_while(|c| c.is_alphanumeric()).collect();
    let key = |node: &NodeIx| definition.graph.key(*node).to_string();
    let more: Vec<String> = match element {
        Element::ExclusiveGateway(gateway) => {
            let on = gateway.on.iter().map(|on| format!("on {}", on.text()));
            let case = |(case, flow): &(Case, usize)| match case {
                Case::When(when) => format!("{flow}: {}", when.text()),
                Case::Is(value) => format!("{flow}: = {value}"),
                Case::Otherwise => format!("{flow}: otherwise"),
            };
            on.chain(gateway.cases.iter().map(case)).collect()
        }
        Element::UserTask(task) => task.outcomes.iter().map(|out| format!("{}: {}", out.flow, out.id)).collect(),
        Element::IncidentStep(step) => {
            let retry = step.retry_at.iter().map(|at| format!("retry at {}", key(at)));
            step.ways.iter().map(|(id, _, flow)| format!("{flow}: {id}")).chain(retry).collect()
        }
        Element::StageScope(stages) => {
            stages.lists.iter().map(|(stage, list)| format!("{stage}: {}", key(list))).collect()
        }
        Element::EndEvent(end) if end.ends != Ends::Path => vec![format!("{:?}", end.ends)],
        Element::BoundaryEvent(event) => vec![trigger(&event.trigger), interrupts(event.interrupting)],
        Element::EventSubProcess(event) => vec![trigger(&event.trigger), interrupts(event.interrupting)],
        Element::CatchEvent(event) => vec![trigger(&event.trigger)],
        Element::ErrorThrow(throw) => vec![throw.code.to_string()],
        _ => Vec::new(),
    };
    if more.is_empty() { kind } else { format!("{kind}({})", more.join("; ")) }
}

fn interrupts(interrupting: bool) -> String {
    if interrupting { "interrupts".into() } else { "beside".into() }
}

fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::After { after, every: None, .. } => format!("after {}", after.text()),
        Trigger::After { after, every: Some(every), .. } => format!("after {} every {}", after.text(), every.text()),
        Trigger::At(at) => format!("at {}", at.iter().map(|at| at.text()).collect::<Vec<_>>().join(", ")),
        Trigger::Message { name, .. } => format!("message {name}"),
        Trigger::Signal { name, .. } => format!("signal {name}"),
        Trigger::Record(record) => format!("{:?} {}", record.kind, record.entity),
        Trigger::Condition(condition) => format!("when {}", condition.text()),
        Trigger::Error(code) => format!("error {}", code.as_ref().map_or("any", |code| code.as_str())),
        Trigger::Escalation(code) => format!("escalation {}", code.as_ref().map_or("any", |code| code.as_str())),
        Trigger::Manual { title, .. } => format!("manual {}", title.text.get("en")),
        Trigger::Compensation => "compensation".into(),
        Trigger::Several { parts, all } => format!("{} of {} events", if *all { "all" } else { "one" }, parts.len()),
        Trigger::Cancel => "cancel".into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_loads_runs_and_never_stands_still_in_silence(list in steps::list(3), moves in steps::moves()) {
        let text = steps::process(&list);
        let sources = sources("p.yaml", &text);
        let Ok(loaded) = library(&sources) else { return Ok(()) };
        let mut catalog = Catalog::new(Arc::new(loaded.library));
        loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
        let mut scene = Scene::new(catalog, "2026-03-02T09:00:00Z".parse().expect("an instant"), Way::Straight);
        add(&mut scene, "user", "anna", &[]);
        let lead = [("name", Value::text("Olga")), ("stage", Value::text("new")), ("score", Value::Number(1.into()))];
        add(&mut scene, "lead", "L", &lead);
        for number in 0..=moves.len() {
            let line = match number.checked_sub(1).and_then(|at| moves.get(at)) {
                Some((kind, at)) => steps::line(&scene, *kind, *at),
                None => "start p for L".to_owned(),
            };
            if let Some(rest) = line.strip_prefix("wait ") {
                scene.wait(chrono::TimeDelta::hours(rest.parse().expect("hours")));
            } else if let Ok(read) = script::read(&scene, &line) {
                // A refused command changes nothing, which is as good.
                drop(scene.run(read.command, read.instance, read.principal));
            }
            scene.told.clear();
            for (row, state) in scene.rows.instances.values() {
                let found = silent(&scene, state);
                prop_assert!(found.is_none(), "{} of {} after `{line}`:\n{text}", found.unwrap_or_default(), row.process);
            }
        }
    }
}

fn add(scene: &mut Scene, entity: &str, id: &str, columns: &[(&str, Value)]) {
    let mut record = Record::new(Name::new(entity), Name::new(id));
    record.rev = 1;
    for (column, value) in columns {
        record.set(&Name::new(*column), value.clone());
    }
    scene.rows.records.insert(record.reference(), Arc::new(record));
}

/// A token that nothing will ever move on, an incident of a broken definition, or what is left of a run that is over.
fn silent(scene: &Scene, state: &State) -> Option<String> {
    if let Some(incident) = state.incidents.iter().find(|incident| &*incident.code == "broken_definition") {
        return Some(format!("a broken definition: {}", incident.message));
    }
    let def = scene.catalog.get(&state.process, Some(state.version))?;
    if state.status.is_over() {
        let left = state.tokens.len() + state.waits.len() + state.incidents.len();
        return (left > 0).then(|| format!("{left} tokens, waits and incidents of a run that is over"));
    }
    let stuck = state.tokens.iter().find(|token| {
        let waits = state.waits.iter().any(|wait| wait.owner == Owner::Token(token.id));
        let hosts = state.scopes.iter().any(|scope| scope.host == Some(token.id));
        let incident = state.incidents.iter().any(|incident| incident.token == Some(token.id));
        let joins = matches!(token.place, Place::Arrived(_));
        !(waits || hosts || incident || joins)
    });
    if let Some(token) = stuck {
        return Some(format!(
            "a token that waits for nothing at {:?}",
            state.node_of(token.id).map(|node| def.graph.key(node).to_owned())
        ));
    }
    let deadlocked = state.scopes.iter().find(|scope| {
        let mut inside = state.tokens.iter().filter(|token| token.scope == scope.id).peekable();
        inside.peek().is_some() && inside.all(|token| matches!(token.place, Place::Arrived(_)))
    });
    if let Some(scope) = deadlocked {
        return Some(format!("joins that wait for nobody in {:?}", def.graph.key(scope.node)));
    }
    state.tokens.is_empty().then(|| "a run in which nothing can happen any more".to_owned())
}
