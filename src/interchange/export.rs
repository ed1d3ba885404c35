//! From processes in flat form back to BPMN 2.0 XML.
//!
//! Without a drawing, everything is written: what BPMN has a word for as BPMN, all of it in an element of our own beside it, so that the way back gives
//! the same; and a plain diagram. With the drawing that the processes were made from, what has not changed since stays letter for letter, with
//! its diagram and whatever vendors keep in it.

mod diagram;
mod element;
mod merge;
mod patch;
mod pictures;
mod writer;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::yaml::Out;
use crate::load::{self, LoadError, Problem, Problems, Source, Sources, Tree};
use crate::model::Span;

/// The namespace of what this crate keeps in a model.
pub(super) const OWN: &str = "https://docs.rs/stageflow/bpmn";

/// A library on its way.
#[derive(Clone, Default)]
pub(super) struct Whole {
    /// The library's file, and what it says.
    pub library: Option<(String, Out)>,
    /// Its processes in flat form.
    pub processes: Vec<Drawn>,
}

/// A process to be drawn.
#[derive(Clone)]
pub(super) struct Drawn {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What its file says.
    pub says: Out,
}

impl Drawn {
    /// Its id in the drawing.
    pub fn id(&self) -> &str {
        self.says.word("bpmn").unwrap_or(&self.name)
    }
}

/// The id of a node or flow in the drawing.
pub(super) fn drawn_id(node: &Out) -> &str {
    node.word("bpmn").or(node.word("id")).unwrap_or_default()
}

/// A key that no author writes: the id in the drawing was made here.
pub(super) const MADE: &str = "made here";

/// In a model an id is there once: where two processes have nodes of one name, the later ones get ids that are made here. `used` are the
/// ids of a drawing that is there already.
fn unique(processes: &mut [Drawn], mut used: BTreeSet<String>) {
    used.extend(processes.iter().map(|drawn| drawn.id().to_string()));
    for drawn in processes {
        unique_in(&mut drawn.says, &drawn.name, &mut used);
    }
}

fn unique_in(scope: &mut Out, process: &str, used: &mut BTreeSet<String>) {
    let Out::Map(entries) = scope else { return };
    for (key, items) in entries.iter_mut().filter(|(key, _)| matches!(key.as_str(), "nodes" | "flows" | "lanes")) {
        let Out::List(items) = items else { continue };
        for item in items {
            let id = if key == "flows" { element::flow_id(item) } else { drawn_id(item).to_string() };
            if item.get(MADE).is_some() {
                unique_in(item, process, used);
                continue;
            }
            let numbered = (2..).map(|n| format!("{id}_{process}_{n}"));
            let free =
                [id.clone(), format!("{id}_{process}")].into_iter().chain(numbered).find(|id| !used.contains(id));
            let free = free.unwrap_or_default();
            if free != id {
                item.put("bpmn", Out::text(&*free));
                item.put(MADE, Out::text("true"));
            }
            used.insert(free);
            unique_in(item, process, used);
        }
    }
}

/// What a library became.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The model: BPMN 2.0 XML.
    pub model: String,
    /// The processes that are left out, with their places in the library's files.
    pub warnings: Vec<Problem>,
}

/// The drawing that the processes of a library were made from, where it says so.
#[must_use]
pub fn drawing_of(sources: &Sources) -> Option<String> {
    let mut trees = sources.iter().filter_map(|(file, source)| definition(file, source));
    let library = trees.find_map(|tree| Some(Out::of_tree(&tree.root)).filter(|says| says.word("library").is_some()));
    library.and_then(|says| says.word("bpmn").map(str::to_string))
}

/// A library, process or other definition; templates are none.
fn definition(file: u32, source: &Source) -> Option<Tree> {
    let ignored = Problems::new();
    load::read(file, &source.text, &ignored).filter(|tree| load::kind(tree, &ignored).is_some())
}

/// Writes the processes of a library that are in flat form as one BPMN 2.0 model.
///
/// `drawing` is the name and text of the model that they were imported from, if there is one: then what has not changed since stays letter for letter.
///
/// ```
/// use stageflow::interchange::{export, import};
/// use stageflow::load::Sources;
/// let mut sources = Sources::new();
/// sources.add("l.yaml", "library: l\n");
/// sources.add("p.yaml", "process: p\nnodes:\n  - {id: begin, type: start_event}\n  - {id: rest, type: intermediate_catch_event, wait: 1 h}\n\
///     flows:\n  - {from: begin, to: rest}\n");
/// let model = export(&sources, None)?.model;
/// let again = import("l.bpmn", &model)?;
/// assert_eq!(again.sources.iter().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the processes do not load, all of them are written in block form, or the drawing is no model.
pub fn export(sources: &Sources, drawing: Option<(&str, &str)>) -> Result<Exported, LoadError> {
    load::library(sources)?;
    let (mut all, problems) = (Whole::default(), Problems::new());
    for (file, source) in sources.iter() {
        let Some(tree) = definition(file, source) else { continue };
        let says = Out::of_tree(&tree.root);
        match says.word("process").map(str::to_string) {
            Some(name) if says.get("nodes").is_some() => {
                all.processes.push(Drawn { name, file: source.name.to_string(), says });
            }
            Some(name) => {
                let message = format!("`{name}` is written in block form, which has no drawing: it is left out");
                let span = tree.root.get("process").map_or(tree.root.span, |name| name.span);
                let problem = Problem::warning("bpmn-block-form", span, message);
                problems.push(problem.help("a process that is drawn is written as `nodes` and `flows`"));
            }
            None if says.word("library").is_some() => all.library = Some((source.name.to_string(), says)),
            None => {}
        }
    }
    if all.processes.is_empty() {
        let message = "no process of the library is written in flat form";
        problems.push(
            Problem::error("bpmn-no-model", Span::new(0, 0, 0), message).help("write one as `nodes` and `flows`"),
        );
    }
    let warnings = problems.finish(&Arc::new(sources.clone()))?;
    let model = match drawing {
        None => {
            unique(&mut all.processes, BTreeSet::new());
            element::model(&all)
        }
        Some((name, text)) => merge::into(name, text, &all)?,
    };
    Ok(Exported { model, warnings })
}
