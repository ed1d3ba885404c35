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
    nodes: String,
    flows: String,
    count: usize,
    tasks: Vec<String>,
}

impl Model {
    fn node(&mut self, kind: &str, id: &str) {
        let _ = write!(self.nodes, "<bpmn:{kind} id=\"{id}\" name=\"{id}\"></bpmn:{kind}>");
        if kind == "task" {
            self.tasks.push(id.to_string());
        }
    }

    fn flow(&mut self, from: &str, to: &str, name: &str) {
        self.count += 1;
        let id = self.count;
        let _ = write!(
            self.flows,
            "<bpmn:sequenceFlow id=\"f{id}\" name=\"{name}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>"
        );
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
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><bpmn:definitions \
             xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" id=\"d\"><bpmn:process id=\"p\">\
             <bpmn:startEvent id=\"start\" name=\"start\"></bpmn:startEvent>{}<bpmn:endEvent id=\"end\" name=\"end\"></bpmn:endEvent>{}</bpmn:process></bpmn:definitions>",
            self.nodes, self.flows
        )
    }
}
