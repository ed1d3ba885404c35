//! The same shapes for the crate `snurr`, which runs a graph of closures: it keeps no state, cannot wait and journals nothing.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use snurr::{Process, ProcessBuilder};

/// What a run counts.
#[derive(Debug, Default)]
pub struct Counted(pub AtomicI64);

/// A process of this shape, ready to run; `rounds` of the loop.
pub fn shape(name: &str, rounds: i64) -> Process<Counted> {
    let mut model = Model::default();
    model.node("startEvent", "start");
    model.node("endEvent", "end");
    match name {
        "w1" => model.row("start", "end", 10, ""),
        "w2" => {
            model.flow("start", "choose", "");
            model.node("exclusiveGateway", "choose");
            for case in ["first", "second", "third"] {
                model.node("task", case);
                model.flow("choose", case, case);
                model.flow(case, "merge", "");
            }
            model.node("exclusiveGateway", "merge");
            model.row("merge", "end", 4, "");
        }
        "w3" => {
            model.flow("start", "split", "");
            model.node("parallelGateway", "split");
            model.node("parallelGateway", "join");
            for branch in ["a", "b", "c", "d", "e"] {
                model.row("split", "join", 2, branch);
            }
            model.flow("join", "end", "");
        }
        _ => {
            model.flow("start", "again", "");
            model.node("task", "again");
            model.flow("again", "more", "");
            model.node("exclusiveGateway", "more");
            model.flow("more", "again", "yes");
            model.flow("more", "end", "no");
        }
    }
    let mut builder = ProcessBuilder::<Counted>::from_str(&model.xml()).expect("the model is read");
    for task in model.tasks {
        builder = builder.task(task, |counted: &Counted| {
            counted.0.fetch_add(1, Ordering::Relaxed);
            Default::default()
        });
    }
    if name == "w2" {
        builder = builder.exclusive("choose", |_| "second".into()).exclusive("merge", |_| Default::default());
    }
    if name == "w5" {
        let more =
            move |counted: &Counted| if counted.0.load(Ordering::Relaxed) < rounds { "yes" } else { "no" }.into();
        builder = builder.exclusive("more", more);
    }
    builder.build().expect("the model is complete")
}

#[derive(Default)]
struct Model {
    /// Nodes: what each is, its id, and the flows out of it.
    nodes: Vec<(&'static str, String, Vec<String>)>,
    flows: String,
    tasks: Vec<String>,
}

impl Model {
    fn node(&mut self, kind: &'static str, id: &str) {
        self.nodes.push((kind, id.to_string(), Vec::new()));
        if kind == "task" {
            self.tasks.push(id.to_string());
        }
    }

    fn flow(&mut self, from: &str, to: &str, name: &str) {
        let id = format!("{from}_{to}");
        let _ = write!(
            self.flows,
            "<bpmn:sequenceFlow id=\"{id}\" name=\"{name}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>"
        );
        let from = self.nodes.iter_mut().find(|(_, node, _)| node == from);
        from.expect("a flow comes from a node").2.push(id);
    }

    /// So many tasks in a row.
    fn row(&mut self, from: &str, to: &str, count: usize, prefix: &str) {
        let mut last = from.to_string();
        for number in 0..count {
            let id = format!("{prefix}t{number}");
            self.node("task", &id);
            self.flow(&last, &id, "");
            last = id;
        }
        self.flow(&last, to, "");
    }

    fn xml(&self) -> String {
        let mut nodes = String::new();
        for (kind, id, out) in &self.nodes {
            let out: String = out.iter().map(|flow| format!("<bpmn:outgoing>{flow}</bpmn:outgoing>")).collect();
            let _ = write!(nodes, "<bpmn:{kind} id=\"{id}\" name=\"{id}\">{out}</bpmn:{kind}>");
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><bpmn:definitions \
             xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" id=\"d\"><bpmn:process id=\"p\">\
             {nodes}{}</bpmn:process></bpmn:definitions>",
            self.flows
        )
    }
}
