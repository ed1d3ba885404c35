//! The same shapes for the crate `snurr`, which runs a graph of closures: it keeps no state, cannot wait and journals nothing.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use snurr::{Process, ProcessBuilder};

/// What a run counts.
#[derive(Debug, Default)]
pub struct Counted {
    rounds: AtomicI64,
    done: AtomicI64,
}

/// The branches of an inclusive split.
const BRANCHES: [&str; 10] = ["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9", "b10"];

/// A process of this shape, ready to run; `rounds` of the loop. None for a shape that it does not have.
pub fn shape(name: &str, rounds: i64) -> Option<Process<Counted>> {
    let model = Model::of(name)?;
    let mut builder = ProcessBuilder::<Counted>::from_str(&model.xml()).expect("the model is read");
    for task in model.tasks {
        let is_round = task == "again";
        builder = builder.task(task, move |counted: &Counted| {
            let counter = if is_round { &counted.rounds } else { &counted.done };
            counter.fetch_add(1, Ordering::Relaxed);
            Default::default()
        });
    }
    if name == "w2" {
        builder = builder.exclusive("choose", |_| "second".into()).exclusive("merge", |_| Default::default());
    }
    if name == "w5" || name == "w6" {
        let more =
            move |counted: &Counted| if counted.rounds.load(Ordering::Relaxed) < rounds { "yes" } else { "no" }.into();
        builder = builder.exclusive("more", more);
    }
    if name == "w6" {
        builder = builder.inclusive("split", |counted| {
            let true_ones = usize::try_from(counted.rounds.load(Ordering::Relaxed)).unwrap_or(0).min(BRANCHES.len());
            BRANCHES[..true_ones].to_vec().into()
        });
    }
    Some(builder.build().expect("the model is complete"))
}

#[derive(Default)]
struct Model {
    /// Nodes: what each is, and its id.
    nodes: Vec<(&'static str, String)>,
    flows: String,
    /// Flows: the id of each, where it comes from and where it leads.
    ends: Vec<(String, String, String)>,
    tasks: Vec<String>,
}

impl Model {
    /// The model of a workload; none when it has no such shape.
    fn of(name: &str) -> Option<Self> {
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
            "w5" | "w6" => {
                model.flow("start", "again", "");
                model.node("task", "again");
                if name == "w6" {
                    model.flow("again", "split", "");
                    model.node("inclusiveGateway", "split");
                    model.node("inclusiveGateway", "join");
                    for branch in BRANCHES {
                        model.node("task", branch);
                        model.flow("split", branch, branch);
                        model.flow(branch, "join", "");
                    }
                    model.flow("join", "more", "");
                } else {
                    model.flow("again", "more", "");
                }
                model.node("exclusiveGateway", "more");
                model.flow("more", "again", "yes");
                model.flow("more", "end", "no");
            }
            _ => return None,
        }
        Some(model)
    }

    fn node(&mut self, kind: &'static str, id: &str) {
        self.nodes.push((kind, id.to_string()));
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
        self.ends.push((id, from.to_string(), to.to_string()));
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
        for (kind, id) in &self.nodes {
            let _ = write!(nodes, "<bpmn:{kind} id=\"{id}\" name=\"{id}\">");
            for (flow, from, to) in &self.ends {
                // A join counts the flows that are named here.
                for (end, word) in [(to, "incoming"), (from, "outgoing")] {
                    if end == id {
                        let _ = write!(nodes, "<bpmn:{word}>{flow}</bpmn:{word}>");
                    }
                }
            }
            let _ = write!(nodes, "</bpmn:{kind}>");
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><bpmn:definitions \
             xmlns:bpmn=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" id=\"d\"><bpmn:process id=\"p\">\
             {nodes}{}</bpmn:process></bpmn:definitions>",
            self.flows
        )
    }
}
