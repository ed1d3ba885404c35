//! A process file as its author wrote it: steps and events with their places, names and expressions not yet looked up.

mod data;
mod event;
mod flow;
mod head;
mod link;
mod loops;
mod net;
mod step;
mod task;

use std::collections::BTreeMap;

use crate::load::cursor::Spanned;
use crate::load::draft::Decl;
use crate::load::read::{Entry, Node};
use crate::model::{Name, Span, Text};

pub(crate) use head::read_process;
pub(crate) use task::check_kind;

/// Most steps in one file.
pub(crate) const MAX_STEPS: usize = 5_000;

/// One process.
#[derive(Debug)]
pub(crate) struct Process<'t> {
    pub name: Spanned<Name>,
    pub version: u32,
    pub title: Option<&'t Node>,
    pub tags: Vec<String>,
    pub entity: Option<Spanned<Name>>,
    pub calendar: Option<Spanned<Name>>,
    pub params: Vec<Variable>,
    pub vars: Vec<Variable>,
    pub assign: Option<&'t Node>,
    pub one_per: Option<&'t Node>,
    pub starts: Vec<Start<'t>>,
    pub steps: Vec<Step<'t>>,
    pub net: Option<Net<'t>>,
    pub handlers: Vec<Event<'t>>,
    pub timeout: Option<&'t Node>,
    pub span: Span,
}

/// A parameter or variable.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub decl: Decl,
    /// Whether it is a result of the process.
    pub out: bool,
}

/// The task kinds of a library, as written.
pub(crate) type Kinds = BTreeMap<Name, Node>;

/// One way a run starts.
#[derive(Debug)]
pub(crate) struct Start<'t> {
    pub span: Span,
    /// The start event of a flat form that it is written at.
    pub node: Option<Spanned<Name>>,
    pub by: StartBy<'t>,
    pub when: Option<&'t Node>,
    pub changed: Vec<Spanned<Name>>,
    pub about: Option<&'t Node>,
    pub with: &'t [Entry],
    pub new: Option<&'t [Entry]>,
}

/// What starts a run.
#[derive(Debug)]
pub(crate) enum StartBy<'t> {
    Record(RecordKind),
    Manual {
        roles: Vec<Spanned<Name>>,
        new: Vec<Spanned<Name>>,
    },
    Message(Spanned<Name>),
    Signal(Spanned<Name>),
    Schedule {
        rule: &'t Node,
        catch_up: Option<&'t Node>,
        zone: Option<Spanned<String>>,
        calendar: Option<Spanned<Name>>,
    },
    Called,
}

/// `lead.updated`: an entity and what happens to one of its records.
#[derive(Clone, Debug)]
pub(crate) struct RecordKind {
    pub entity: Spanned<Name>,
    pub kind: Kind,
}

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Created,
    Updated,
    Deleted,
}

/// One item of a list of steps.
#[derive(Debug)]
pub(crate) struct Step<'t> {
    /// Its verb with what stands behind it, or the verb alone when that is long.
    pub at: Span,
    /// The verb's word.
    pub word: &'static str,
    pub id: Option<Spanned<Name>>,
    pub title: Option<Spanned<Text>>,
    pub condition: Option<&'t Node>,
    pub next: Option<Spanned<Target>>,
    pub boundary: Vec<Event<'t>>,
    pub verb: Verb<'t>,
}

/// Where a path goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To the item behind.
    GoOn,
    /// Out of the innermost scope.
    Done,
    /// To this step.
    Step(Name),
    /// Where the flows of this node of a flat form lead.
    Behind(Name),
}

/// What follows a branch: steps first, if any, then the target; without a target it goes on behind the branching step.
#[derive(Debug, Default)]
pub(crate) struct Then<'t> {
    pub steps: Option<Vec<Step<'t>>>,
    pub next: Option<Spanned<Target>>,
}

/// A branch with its condition.
#[derive(Debug)]
pub(crate) struct Case<'t> {
    pub span: Span,
    pub id: Option<Spanned<Name>>,
    /// None: otherwise.
    pub when: Option<&'t Node>,
    pub title: Option<Spanned<Text>>,
    pub then: Then<'t>,
}

/// A branch taken when the value is one of these words.
#[derive(Debug)]
pub(crate) struct ValueCase<'t> {
    /// Empty: otherwise.
    pub values: Vec<Spanned<String>>,
    pub span: Span,
    pub title: Option<Spanned<Text>>,
    pub then: Then<'t>,
}

/// The steps of one stage, or of several.
#[derive(Debug)]
pub(crate) struct StageList<'t> {
    pub stages: Vec<Spanned<Name>>,
    pub span: Span,
    pub steps: Vec<Step<'t>>,
}

/// What stages without a list do.
#[derive(Debug)]
pub(crate) enum Otherwise<'t> {
    Wait,
    Steps(Span, Vec<Step<'t>>),
}

/// Which records a step reads or changes.
#[derive(Debug)]
pub(crate) struct Filter<'t> {
    pub condition: Option<&'t Node>,
    pub order_by: Vec<&'t Node>,
    pub limit: Option<&'t Node>,
}

/// What a `read` keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    First,
    All,
    Count,
}

/// How the steps of a scope lead to each other when it is written as nodes and flows: the flat form.
#[derive(Debug)]
pub(crate) struct Net<'t> {
    /// The nodes' ids, in the order of the steps.
    pub names: Vec<Spanned<Name>>,
    /// The start events, which are no steps.
    pub starts: Vec<StartNode>,
    pub flows: Vec<Flow<'t>>,
    /// How many tokens nodes take and give, where that is not one.
    pub quantities: BTreeMap<Name, Quantity>,
    /// The roles of the lanes that nodes stand in.
    pub lanes: BTreeMap<Name, Spanned<Name>>,
}

/// How many tokens an activity needs to begin, and how many go on when it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    pub start: u32,
    pub completion: u32,
}

/// A start event of a flat form.
#[derive(Debug)]
pub(crate) struct StartNode {
    pub id: Spanned<Name>,
    pub title: Option<Spanned<Text>>,
    /// Whether something starts it; a plain one begins by hand and by calls.
    pub by_event: bool,
}

/// A flow of a flat form.
#[derive(Debug)]
pub(crate) struct Flow<'t> {
    pub span: Span,
    pub from: Spanned<Name>,
    pub to: Spanned<Name>,
    pub when: Option<&'t Node>,
    pub otherwise: bool,
    /// The outcomes of the user task it leaves that take it.
    pub outcomes: Vec<Spanned<Name>>,
    pub title: Option<Spanned<Text>>,
    /// Drawn from the throw event of a link to its catch event.
    pub is_link: bool,
}

/// A node of a flat form that is no step of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It does nothing: a task without a kind, work by hand, an event without a definition.
    Pass,
    /// A throw or catch event of a link.
    Link,
    Exclusive,
    Parallel,
    Inclusive,
    Events,
}

/// What a step does.
#[derive(Debug)]
pub(crate) enum Verb<'t> {
    Gate(Gate),
    /// A complex gateway with its activation condition.
    Complex(Option<&'t Node>),
    UserTask(Box<Task<'t>>),
    Service(Box<Service<'t>>),
    Set(&'t [Entry]),
    Decide(Box<Decide<'t>>),
    Create {
        entity: Spanned<Name>,
        set: &'t [Entry],
        into: Option<Spanned<Name>>,
    },
    Update {
        what: &'t Node,
        filter: Filter<'t>,
        set: &'t [Entry],
    },
    Delete {
        what: &'t Node,
        filter: Filter<'t>,
    },
    Read {
        entity: Spanned<Name>,
        filter: Filter<'t>,
        keep: Keep,
        into: Option<Spanned<Name>>,
    },
    Stage {
        change: &'t Node,
        set: &'t [Entry],
    },
    Notify {
        who: &'t Node,
        text: Option<&'t Node>,
    },
    Print {
        document: Spanned<Name>,
        record: Option<&'t Node>,
        into: Option<Spanned<Name>>,
    },
    Send {
        message: Spanned<Name>,
        key: Option<&'t Node>,
        with: &'t [Entry],
        ttl: Option<&'t Node>,
    },
    Signal {
        name: Spanned<Name>,
        with: &'t [Entry],
    },
    Raise {
        code: Spanned<Name>,
        with: &'t [Entry],
    },
    Escalate {
        code: Spanned<Name>,
        with: &'t [Entry],
    },
    Incident {
        code: Spanned<Name>,
        with: &'t [Entry],
        ways: Vec<Way<'t>>,
    },
    /// `wait` and `receive`.
    Catch(Box<Event<'t>>),
    Choose(Vec<Case<'t>>),
    ChooseOn {
        on: &'t Node,
        cases: Vec<ValueCase<'t>>,
    },
    Parallel {
        branches: Vec<(Spanned<Name>, Vec<Step<'t>>)>,
        until: Option<&'t Node>,
    },
    AllThatApply(Vec<Case<'t>>),
    Race(Vec<Event<'t>>),
    ByStage {
        record: &'t Node,
        lists: Vec<StageList<'t>>,
        otherwise: Otherwise<'t>,
        all_done: Option<Vec<Step<'t>>>,
    },
    InStage {
        place: &'t Node,
        steps: Vec<Step<'t>>,
    },
    Each(Box<Each<'t>>),
    Repeat(Box<Repeat<'t>>),
    Group(Box<Group<'t>>),
    Call(Box<Call<'t>>),
    Go(Spanned<Target>),
    /// What could not be read; it is reported.
    Broken,
    End {
        title: Option<&'t Node>,
        results: &'t [Entry],
        terminate: bool,
        process: bool,
    },
}

/// Work of a person.
#[derive(Debug)]
pub(crate) struct Task<'t> {
    pub title: Option<&'t Node>,
    pub like: Option<Spanned<Name>>,
    pub assign: Option<&'t Node>,
    pub category: Option<Spanned<Name>>,
    pub form: Vec<FormItem>,
    pub record: Vec<&'t Entry>,
    pub due: Option<&'t Node>,
    pub start_in: Option<&'t Node>,
    pub remind: Option<&'t Node>,
    pub keep: Vec<Spanned<Name>>,
    pub outcomes: Vec<Outcome<'t>>,
}

/// One thing a form asks for.
#[derive(Clone, Debug)]
pub(crate) enum FormItem {
    /// `self.column`.
    Column(Spanned<Name>),
    /// A name with its type.
    Entry(Box<Decl>),
}

/// One way a task ends.
#[derive(Debug)]
pub(crate) struct Outcome<'t> {
    pub id: Spanned<Name>,
    pub title: Option<Spanned<Text>>,
    pub require: Vec<&'t Node>,
    pub set: &'t [Entry],
    pub stage: Option<&'t Node>,
    pub again: Option<&'t Node>,
    pub at_most: Option<Spanned<i64>>,
    pub then: Option<Spanned<Name>>,
    pub follow: Then<'t>,
}

/// A call of the host's code.
#[derive(Debug)]
pub(crate) struct Service<'t> {
    pub name: Spanned<Name>,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
    pub retry: Option<&'t Node>,
    pub timeout: Option<&'t Node>,
}

/// A question to a decision table.
#[derive(Debug)]
pub(crate) struct Decide<'t> {
    /// The name of a table, or the table itself.
    pub table: &'t Node,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
}

/// A way out of an incident.
#[derive(Debug)]
pub(crate) struct Way<'t> {
    pub id: Spanned<Name>,
    pub title: Option<Spanned<Text>>,
    pub then: Then<'t>,
}

/// One list per element.
#[derive(Debug)]
pub(crate) struct Each<'t> {
    pub over: Over<'t>,
    pub steps: Vec<Step<'t>>,
    pub at_once: Option<&'t Node>,
    pub until: Option<&'t Node>,
    pub collect: &'t [Entry],
    pub throws: Vec<Throw<'t>>,
}

/// An event that instances throw when they complete.
#[derive(Debug)]
pub(crate) struct Throw<'t> {
    pub when: Behavior<'t>,
    pub verb: Verb<'t>,
}

/// At which completions.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behavior<'t> {
    Each,
    First,
    When(&'t Node),
}

/// What the rounds of an `each` are made for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Over<'t> {
    /// `line in self.lines`.
    List(&'t Node),
    /// So many times.
    Times(&'t Node),
}

/// A list repeated.
#[derive(Debug)]
pub(crate) struct Repeat<'t> {
    pub test: Option<(Test, &'t Node)>,
    pub max: Option<Spanned<i64>>,
    /// Whether it goes on when `max` is reached; else that is an incident.
    pub capped: bool,
    pub steps: Vec<Step<'t>>,
}

/// When the condition of a repetition is looked at, and what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// Before each round: it goes on.
    While,
    /// After each round: it goes on.
    WhileAfter,
    /// After each round: it is over.
    Until,
}

/// A scope of its own.
#[derive(Debug)]
pub(crate) struct Group<'t> {
    pub steps: Vec<Step<'t>>,
    pub net: Option<Net<'t>>,
    pub vars: Vec<Variable>,
    pub handlers: Vec<Event<'t>>,
}

/// Another process.
#[derive(Debug)]
pub(crate) struct Call<'t> {
    pub process: Spanned<Name>,
    pub record: Option<&'t Node>,
    pub with: &'t [Entry],
    pub take: &'t [Entry],
    pub version: Option<Spanned<i64>>,
    pub detached: bool,
}

/// Something that happens: of a boundary, a handler, a race, a `wait` or a `receive`.
#[derive(Debug)]
pub(crate) struct Event<'t> {
    pub span: Span,
    pub id: Option<Spanned<Name>>,
    pub title: Option<Spanned<Text>>,
    pub on: On<'t>,
    pub when: Option<&'t Node>,
    pub changed: Vec<Spanned<Name>>,
    pub key: Option<&'t Node>,
    pub any: bool,
    pub interrupt: bool,
    pub take: &'t [Entry],
    pub vars: Vec<Variable>,
    pub then: Then<'t>,
    /// How the handler's steps lead to each other, in flat form.
    pub net: Option<Net<'t>>,
}

/// What happens.
#[derive(Debug)]
pub(crate) enum On<'t> {
    After {
        after: &'t Node,
        every: Option<&'t Node>,
        catch_up: Option<&'t Node>,
    },
    At(&'t Node),
    Message(Spanned<Name>),
    Signal(Spanned<Name>),
    Record(RecordKind),
    Condition(&'t Node),
    /// None: any error.
    Error(Option<Spanned<Name>>),
    Escalation(Option<Spanned<Name>>),
    Manual {
        title: Spanned<Text>,
        roles: Vec<Spanned<Name>>,
        form: Vec<FormItem>,
    },
}

impl On<'_> {
    /// The word it is written with.
    pub fn word(&self) -> &'static str {
        match self {
            On::After { .. } => "after",
            On::At(_) => "at",
            On::Message(_) => "message",
            On::Signal(_) => "signal",
            On::Record(_) => "event",
            On::Condition(_) => "condition",
            On::Error(_) => "error",
            On::Escalation(_) => "escalation",
            On::Manual { .. } => "manual",
        }
    }
}

impl<'t> Verb<'t> {
    /// Whether it takes its flows itself.
    pub fn is_gateway(&self) -> bool {
        matches!(self, Verb::Complex(_)) || matches!(self, Verb::Gate(gate) if !matches!(gate, Gate::Pass | Gate::Link))
    }

    /// Every list of steps inside, with its handlers' and branches' lists; not those of boundary events.
    pub fn lists(&self) -> Vec<&[Step<'t>]> {
        let mut lists: Vec<&[Step<'t>]> = Vec::new();
        match self {
            Verb::UserTask(task) => lists.extend(task.outcomes.iter().filter_map(|out| out.follow.steps.as_deref())),
            Verb::Incident { ways, .. } => lists.extend(ways.iter().filter_map(|way| way.then.steps.as_deref())),
            Verb::Choose(cases) | Verb::AllThatApply(cases) => {
                lists.extend(cases.iter().filter_map(|case| case.then.steps.as_deref()));
            }
            Verb::ChooseOn { cases, .. } => lists.extend(cases.iter().filter_map(|case| case.then.steps.as_deref())),
            Verb::Parallel { branches, .. } => lists.extend(branches.iter().map(|(_, steps)| steps.as_slice())),
            Verb::Race(events) => lists.extend(events.iter().filter_map(|event| event.then.steps.as_deref())),
            Verb::ByStage { lists: stages, otherwise, all_done, .. } => {
                lists.extend(stages.iter().map(|list| list.steps.as_slice()));
                if let Otherwise::Steps(_, steps) = otherwise {
                    lists.push(steps);
                }
                lists.extend(all_done.as_deref());
            }
            Verb::InStage { steps, .. } => lists.push(steps),
            Verb::Each(each) => lists.push(&each.steps),
            Verb::Repeat(repeat) => lists.push(&repeat.steps),
            Verb::Group(group) => {
                lists.push(&group.steps);
                lists.extend(group.handlers.iter().filter_map(|event| event.then.steps.as_deref()));
            }
            _ => {}
        }
        lists
    }
}
