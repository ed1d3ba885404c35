//! From a drafted process to its definition: how block form becomes a graph.
//!
//! - Node 0 is the process itself. A scope (the process, a group, a stage's list, a round of `each` or `repeat`, a handler)
//!   begins with a start event, and its list ends in an end event.
//! - A verb is one node. A list is a chain of flows in written order; the end of an inner list leads to the step after its
//!   parent. `next` and `go` are flows. `if` is an exclusive gateway before its step, with a flow around the step and its
//!   `next`.
//! - `choose`, `parallel`, `all_that_apply` and `race` are gateways; the latter three's joins stand behind them. Several
//!   flows may meet at a step; where they meet before a gateway that would take them for branches of its own (a join, or a
//!   split), an exclusive gateway merges them first.
//! - A user task has one flow per way on of its outcomes; those that fall through share one.
//! - `by_stage` and `in_stage` are one node, with a sub-process per list that no flow leads to.
//! - Boundary events are nodes beside their host. An interrupting one's list goes on behind the host; another's ends its own
//!   path. Handlers are scopes of their own.
//! - A `next` that leaves scopes is an error thrown in the inner one and caught at the border of each scope on the way out:
//!   leaving ends everything that still runs there.
//! - `timeout` of a process is an interrupting handler that raises `timeout`, or does what the process's own handler of that
//!   error does.
//!
//! A node's key is the path of the ids that its author gave; a step without an id goes by its verb and number, what is
//! made besides by the key of its step and its role.

mod ad_hoc;
mod approve;
mod compensation;
mod data;
mod decide;
mod events;
mod gateways;
mod handlers;
mod lists;
mod names;
mod net;
mod rounds;
mod schedule;
mod scopes;
mod starts;
mod tasks;
mod values;
mod vars;

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Process, Step};
use super::notes::Notes;
use super::plan::{Label, NewNode, Plan};
use super::signature::Signature;
use super::words::Words;
use crate::element::definition::{Definition, Root, ScopeInfo, VarRef};
use crate::element::rules::TextTemplate;
use crate::element::start_event::Nothing;
use crate::element::{Element, end_event, start_event};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::decision::Tables;
use crate::load::problem::Problems;
use crate::model::{Name, Names, Span, Text};

use lists::Frame;
use vars::Sight;

/// What every process of a load is compiled against.
pub(crate) struct Cx<'a> {
    pub words: Words<'a>,
    pub problems: &'a Problems,
    /// What processes may know of each other, by name.
    pub signatures: &'a BTreeMap<Name, Vec<Signature>>,
    /// The decision tables that steps may name.
    pub decisions: &'a Tables,
}

/// A compiled process and what its checks need besides.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub definition: Definition,
    pub notes: Notes,
}

/// Compiles one process. Problems are reported; there is a definition also when there are some, so that its graph can be
/// checked.
pub(crate) fn compile<'a>(cx: &'a Cx<'a>, process: &'a Process<'a>, hash: u64, file: &str) -> Compiled {
    let mut compiler = Compiler::new(cx, process);
    compiler.process();
    let starts = compiler.starts();
    let one_per = compiler.one_per();
    let assign = process.assign.and_then(|node| compiler.assignment(node));
    let params = compiler.params();
    let built = compiler.plan.finish();
    let mut notes = compiler.notes;
    notes.dead = built.dead;
    notes.made.extend(built.made);
    let idle = compiler.gos.iter().filter(|(label, _)| !built.passed.contains(label));
    notes.idle = idle.map(|(_, span)| *span).collect();
    for (_, span) in built.lost {
        notes.sound = false;
        super::compile::lists::report_circle(cx.problems, span);
    }
    let joins = crate::element::joins::joins(&built.graph, &built.elements, &compiler.boundaries);
    let mut elements = built.elements;
    let compensations = compensation::compensations(&built.graph, &elements, (&compiler.scopes, &compiler.boundaries));
    let throws = compiler.compensating;
    compensation::resolve(&throws, &built.graph, &mut elements, &compensations, cx.problems);
    let definition = Definition {
        process: process.name.value.clone(),
        version: process.version,
        title: process.title.as_ref().map_or_else(|| Text::plain(&*process.name.value), |title| title.value.clone()),
        tags: process.tags.clone(),
        entity: process.entity.as_ref().map(|entity| entity.value.clone()),
        graph: built.graph,
        elements,
        scopes: compiler.scopes,
        boundaries: compiler.boundaries,
        titles: compiler.titles,
        compensations,
        joins,
        ad_hocs: compiler.ad_hocs,
        params,
        roots: compiler.roots,
        starts,
        one_per,
        assign,
        calendar: process.calendar.as_ref().map(|calendar| calendar.value.clone()),
        hash,
        file: file.to_owned(),
    };
    Compiled { definition, notes }
}

/// A process being compiled.
pub(super) struct Compiler<'a> {
    cx: &'a Cx<'a>,
    process: &'a Process<'a>,
    plan: Plan,
    scopes: BTreeMap<NodeIx, ScopeInfo>,
    /// What fills in the titles of nodes.
    titles: BTreeMap<NodeIx, TextTemplate>,
    /// What fills in the title of the node that is made next.
    filling: Option<TextTemplate>,
    boundaries: BTreeMap<NodeIx, Vec<NodeIx>>,
    roots: Vec<Root>,
    slots: BTreeMap<Root, u16>,
    /// The names that every step sees, until another variable comes in sight.
    names: Option<(usize, Names)>,
    /// The variables in sight, outermost first.
    seen: Sight,
    /// Names that a group inside declares for itself.
    masked: Vec<Name>,
    /// The lists around the step that is compiled, outermost first.
    frames: Vec<Frame<'a>>,
    /// The innermost scope.
    scope: Scope,
    /// The stages that the record surely is in here.
    stage: Option<scopes::KnownStage>,
    /// What expressions read and assignments write since the last node was added.
    reads: Vec<(VarRef, Span)>,
    writes: Vec<(VarRef, Span)>,
    /// Every variable that some expression reads.
    used: BTreeSet<VarRef>,
    /// What a loop's condition reads behind a round.
    late_reads: Vec<(VarRef, Span)>,
    /// Whether an assignment compiled since this was last looked at surely leaves the stage.
    moved: bool,
    /// How many lists of stages are around the step that is compiled.
    stage_depth: u32,
    /// How many rounds are around it.
    rounds: u32,
    /// The role of the lane it stands in.
    lane: Option<&'a Spanned<Name>>,
    /// Codes by which `next` leaves a scope, caught at these hosts.
    exits: BTreeMap<(NodeIx, Name), NodeIx>,
    /// Retries that begin at another place than the incident's own.
    retries: Vec<(NodeIx, Label)>,
    /// The start events of a flat form that something starts.
    start_nodes: BTreeMap<Name, NodeIx>,
    /// The nodes that offer what people choose.
    ad_hocs: BTreeSet<NodeIx>,
    /// The throws of compensation, with the activities they name.
    compensating: Vec<compensation::Throw>,
    /// The groups that can be canceled, and the cancel ends in them.
    transactions: BTreeSet<NodeIx>,
    canceling: Vec<(NodeIx, Span)>,
    /// The places of `go` steps, which are no nodes.
    gos: Vec<(Label, Span)>,
    notes: Notes,
}

/// A scope that is being filled.
#[derive(Clone, Debug)]
struct Scope {
    node: NodeIx,
    /// What the keys of steps inside begin with.
    prefix: String,
    /// The scope's own key, with which the keys of its start and end begin.
    key: String,
    /// Where its end is.
    done: Label,
}

/// A step on its way into the graph.
struct At<'a> {
    step: &'a Step<'a>,
    /// Where it begins, its `if` included.
    begin: Label,
    /// Where its verb begins.
    entry: Label,
    /// Where it goes on.
    after: Label,
    /// The step's key.
    key: String,
}

impl<'a> Compiler<'a> {
    fn new(cx: &'a Cx<'a>, process: &'a Process<'a>) -> Self {
        let mut plan = Plan::default();
        let new = NewNode {
            key: process.name.value.to_string(),
            id: None,
            title: Text::default(),
            scope: NodeIx::PROCESS,
            span: process.span,
        };
        let node = plan.node(new, Element::Nothing(Nothing));
        let done = plan.label();
        let mut notes = Notes::new();
        notes.ids = lists::ids(process, cx.problems);
        notes.span = process.span;
        Self {
            cx,
            process,
            plan,
            scopes: BTreeMap::new(),
            titles: BTreeMap::new(),
            filling: None,
            boundaries: BTreeMap::new(),
            roots: Vec::new(),
            slots: BTreeMap::new(),
            names: None,
            seen: Sight::default(),
            masked: Vec::new(),
            frames: Vec::new(),
            scope: Scope { node, prefix: String::new(), key: String::new(), done },
            stage: None,
            reads: Vec::new(),
            writes: Vec::new(),
            used: BTreeSet::new(),
            late_reads: Vec::new(),
            moved: false,
            stage_depth: 0,
            rounds: 0,
            lane: None,
            exits: BTreeMap::new(),
            retries: Vec::new(),
            start_nodes: BTreeMap::new(),
            ad_hocs: BTreeSet::new(),
            compensating: Vec::new(),
            transactions: BTreeSet::new(),
            canceling: Vec::new(),
            gos: Vec::new(),
            notes,
        }
    }

    /// The scope of the whole process.
    fn process(&mut self) {
        let process = self.process;
        if let Some(entity) = &process.entity {
            self.cx.words.entity(entity);
        }
        if let Some(calendar) = &process.calendar {
            self.cx.words.calendar(calendar);
        }
        self.scopes.insert(NodeIx::PROCESS, ScopeInfo::default());
        self.declare_all("params", &process.params);
        self.declare_all("vars", &process.vars);
        self.declare_hidden(&process.steps);
        self.fill(
            (&process.steps, process.net.as_ref()),
            &process.handlers,
            (lists::Border::Scope, None),
            process.span,
        );
        if let Some(timeout) = process.timeout {
            self.timeout(timeout);
        }
        self.check_cancels();
        self.retry_places();
    }

    /// The start event, the list, the end event and the handlers of the scope that is being filled.
    fn fill(
        &mut self,
        (steps, net): (&'a [Step<'a>], Option<&'a super::draft::Net<'a>>),
        handlers: &'a [super::draft::Event<'a>],
        (border, host): (lists::Border, Option<NodeIx>),
        span: Span,
    ) {
        let first = self.plan.drawn();
        let start = self.made("start", span, Element::StartEvent(start_event::StartEvent));
        if let Some(info) = self.scopes.get_mut(&self.scope.node) {
            info.entry = start;
        }
        let done = self.scope.done;
        match net {
            Some(net) => self.net(steps, net, host, done, start),
            None => {
                let entry = self.hosted_list(steps, border, host, done);
                self.plan.flow(start, entry, Text::default(), span);
            }
        }
        self.handlers(handlers, host);
        if self.plan.is_led_to(done, first) {
            let end = self.made("end", span, Element::EndEvent(end_event::EndEvent::default()));
            self.plan.place(done, end);
        }
    }

    /// A node that no author wrote: its key is the scope's and its role.
    fn made(&mut self, role: &str, span: Span, element: Element) -> NodeIx {
        let key = super::plan::join(&self.scope.key, role);
        let node = self.add(NewNode { key, id: None, title: Text::default(), scope: self.scope.node, span }, element);
        self.notes.made.insert(node);
        node
    }

    /// Adds a node with what its expressions read and write.
    fn add(&mut self, new: NewNode, element: Element) -> NodeIx {
        let node = self.plan.node(new, element);
        let reads = std::mem::take(&mut self.reads);
        let writes = std::mem::take(&mut self.writes);
        self.notes.reads.entry(node).or_default().extend(reads);
        self.notes.writes.entry(node).or_default().extend(writes);
        if let Some(title) = self.filling.take() {
            self.titles.insert(node, title);
        }
        node
    }

    /// The node of a step, at its beginning.
    fn node(&mut self, at: &At<'a>, element: Element) -> NodeIx {
        let title = self.title(at.step.title.as_ref());
        self.titled(at, title, element)
    }

    /// The node of a step with a title of its own.
    fn titled(&mut self, at: &At<'a>, title: Text, element: Element) -> NodeIx {
        let id = at.step.id.as_ref().map(|id| id.value.clone());
        let new = NewNode { key: at.key.clone(), id, title, scope: self.scope.node, span: at.step.at };
        let node = self.add(new, element);
        self.plan.place(at.entry, node);
        node
    }

    /// The node of a step with one way on.
    fn simple(&mut self, at: &At<'a>, element: Element) -> NodeIx {
        let node = self.node(at, element);
        let flow = self.plan.flow(node, at.after, Text::default(), at.step.at);
        if std::mem::take(&mut self.moved) {
            self.plan.ends(node, flow);
        }
        node
    }
}
