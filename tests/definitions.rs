//! What graph a process file becomes.
//!
//! `tests/definitions/*.yaml` are processes, loaded with the library of the examples; beside each stands its graph
//! (`.expect`, rewritten with `UPDATE_EXPECT=1`): a line per node with what it is and where its flows lead. Besides, the
//! shipped library loads, and no list of steps makes the loader panic.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use stageflow::element::definition::{Definition, Trigger};
use stageflow::element::exclusive_gateway::Case;
use stageflow::element::{Element, end_event::Ends};
use stageflow::graph::NodeIx;
use stageflow::load::{Sources, codes, library, problems, render_text};

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
        Trigger::After { after, every: None } => format!("after {}", after.text()),
        Trigger::After { after, every: Some(every) } => format!("after {} every {}", after.text(), every.text()),
        Trigger::At(at) => format!("at {}", at.iter().map(|at| at.text()).collect::<Vec<_>>().join(", ")),
        Trigger::Message { name, .. } => format!("message {name}"),
        Trigger::Signal { name, .. } => format!("signal {name}"),
        Trigger::Record(record) => format!("{:?} {}", record.kind, record.entity),
        Trigger::Condition(condition) => format!("when {}", condition.text()),
        Trigger::Error(code) => format!("error {}", code.as_ref().map_or("any", |code| code.as_str())),
        Trigger::Escalation(code) => format!("escalation {}", code.as_ref().map_or("any", |code| code.as_str())),
        Trigger::Manual { title, .. } => format!("manual {}", title.get("en")),
        Trigger::Compensation => "compensation".into(),
    }
}

/// Steps as text, nested up to `depth`, with ids and targets of which some fit.
fn steps(depth: u32) -> BoxedStrategy<Vec<String>> {
    proptest::collection::vec(step(depth), 1..4).prop_map(|lists| lists.into_iter().flatten().collect()).boxed()
}

fn step(depth: u32) -> BoxedStrategy<Vec<String>> {
    let id = proptest::option::of(0..6_u8);
    let next = proptest::option::of(prop_oneof![
        (0..6_u8).prop_map(|at| format!("s{at}")),
        Just("done".to_owned()),
        Just("go_on".to_owned())
    ]);
    let simple = prop_oneof![
        Just("wait: 1 h"),
        Just("set: {self.score: 1}"),
        Just("stage: self -> working"),
        Just("user_task: Work"),
        Just("create: lead\n  set: {name: '\"x\"'}\n  as: made"),
        Just("end: Over"),
        Just("go: s1"),
        Just("raise: bad_address"),
        Just("incident: bad_address\n  ways_out: {retry: {}, other: {next: s2}}"),
        Just("receive: paid\n  boundary: [{after: 1 h, every: 1 h, interrupt: false}, {after: 3 h, next: s3}]"),
        Just("service: send_mail"),
    ]
    .prop_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let verb = if depth == 0 { simple.boxed() } else { prop_oneof![3 => simple, 2 => nested(depth - 1)].boxed() };
    (id, next, proptest::bool::weighted(0.2), verb)
        .prop_map(|(id, next, condition, verb)| {
            let mut lines: Vec<String> = verb;
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, "- ");
            }
            for line in lines.iter_mut().skip(1).filter(|line| !line.starts_with(' ')) {
                line.insert_str(0, "  ");
            }
            lines.extend(id.map(|id| format!("  id: s{id}")));
            lines.extend(next.map(|next| format!("  next: {next}")));
            lines.extend(condition.then(|| "  if: self.score > 1".to_owned()));
            lines
        })
        .boxed()
}

fn nested(depth: u32) -> BoxedStrategy<Vec<String>> {
    let under = |heads: &'static [&'static str]| {
        proptest::collection::vec(steps(depth), heads.len()).prop_map(move |lists| {
            let mut lines = Vec::new();
            for (head, list) in heads.iter().zip(lists) {
                let indent = head.len() - head.trim_start().len() + 2;
                lines.extend(head.lines().map(str::to_owned));
                lines.extend(list.into_iter().map(|line| format!("{:indent$}  {line}", "")));
            }
            lines
        })
    };
    prop_oneof![
        under(&["group:"]),
        under(&["parallel:\n    one:", "    other:"]),
        under(&["by_stage: self\n  stages:\n    new:", "    working:", "  all_done:"]),
        under(&["each: user in [user]\n  steps:"]),
        under(&["repeat: {until: self.score > 1, max: 3}\n  steps:"]),
        under(&["choose:\n    - when: self.score > 1\n      steps:", "    - otherwise:"]),
        under(&["all_that_apply:\n    - when: self.score > 1\n      steps:", "    - otherwise:"]),
        under(&["race:\n    - message: paid\n      steps:", "    - after: 1 h\n      steps:"]),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_list_of_steps_makes_the_loader_panic(steps in steps(3)) {
        let text = format!("process: p\nentity: lead\nsteps:\n{}\n", steps.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"));
        let sources = sources("p.yaml", &text);
        if let Ok(loaded) = library(&sources) {
            for definition in &loaded.definitions {
                prop_assert_eq!(definition.graph.len(), definition.elements.len());
                prop_assert!(definition.scopes.values().all(|scope| definition.graph.node(scope.entry).is_some()));
            }
        }
    }
}
