//! A process file as its author wrote it: steps and events with their places, names and expressions not yet looked up.

mod ad_hoc;
mod approve;
mod begin;
mod data;
mod event;
mod flat;
mod flow;
mod head;
mod link;
mod loops;
mod net;
mod step;
mod task;
mod work;

use std::collections::BTreeMap;

use crate::load::cursor::Spanned;
use crate::load::draft::Decl;
use crate::load::read::{Entry, Node};
use crate::model::{Name, Span, Text};

pub(crate) use flat::{Flow, Gate, Net, Quantity, StartNode};
pub(crate) use head::read_process;
pub(crate) use task::check_kind;
pub(crate) use work::{Approve, Call, Decide, FormItem, Outcome, Service, Task};

/// Most steps in one file.
pub(crate) const MAX_STEPS: usize = 5_000;

/// One process.
#[derive(Debug)]
pub(crate) struct Process<'t> {
    pub name: Spanned<Name>,
    pub version: u32,
    pub title: Option<Spanned<Text>>,
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

/// A title for people, into which `{expr}` is filled.
#[derive(Clone, Debug)]
pub(crate) struct Title<'t> {
    pub text: Text,
    pub node: &'t Node,
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
    /// A condition over the record, which becomes true.
    Condition(&'t Node),
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
    pub title: Option<Title<'t>>,
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

/// What a step does.
#[derive(Debug)]
pub(crate) enum Verb<'t> {
    Gate(Gate),
    /// Several events thrown one after the other.
    Throws(Vec<Step<'t>>),
    /// A complex gateway with its activation condition.
    Complex(Option<&'t Node>),
    UserTask(Box<Task<'t>>),
    Approve(Box<Approve<'t>>),
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
    Compensate {
        /// None: all of the scope.
        activity: Option<Spanned<Name>>,
        waits: bool,
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
        title: Option<Title<'t>>,
        results: &'t [Entry],
        terminate: bool,
        process: bool,
        cancel: bool,
    },
}

/// A way out of an incident.
#[derive(Debug)]
pub(crate) struct Way<'t> {
    pub id: Spanned<Name>,
    pub title: Option<Title<'t>>,
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
    /// Whether it can be canceled.
    pub transaction: bool,
    /// Whether people choose what of it is done, and when.
    pub ad_hoc: Option<AdHoc<'t>>,
    pub steps: Vec<Step<'t>>,
    pub net: Option<Net<'t>>,
    pub vars: Vec<Variable>,
    pub handlers: Vec<Event<'t>>,
}

/// How the steps of an ad-hoc sub-process are chosen.
#[derive(Debug)]
pub(crate) struct AdHoc<'t> {
    pub until: Option<&'t Node>,
    /// None: all.
    pub at_once: Option<Spanned<i64>>,
    pub cancel_rest: bool,
    pub begin: Option<&'t Node>,
    pub roles: Vec<Spanned<Name>>,
    pub done: Option<Title<'t>>,
}

/// Something that happens: of a boundary, a handler, a race, a `wait` or a `receive`.
#[derive(Debug)]
pub(crate) struct Event<'t> {
    pub span: Span,
    pub id: Option<Spanned<Name>>,
    pub title: Option<Title<'t>>,
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
    /// The handlers inside the handler.
    pub handlers: Vec<Event<'t>>,
}

impl<'t> Event<'t> {
    /// The lists of a handler, and of the handlers inside it.
    pub fn lists(&self) -> Vec<&[Step<'t>]> {
        let inner = self.handlers.iter().flat_map(Event::lists);
        self.then.steps.as_deref().into_iter().chain(inner).collect()
    }
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
    Compensation,
    Cancel,
    Manual {
        title: Title<'t>,
        roles: Vec<Spanned<Name>>,
        form: Vec<FormItem>,
    },
    /// One of several, or all of them.
    Several {
        events: Vec<Event<'t>>,
        all: bool,
    },
}

impl On<'_> {
    /// Whether it is this, or one of several that is.
    pub fn is(&self, this: impl Fn(&On<'_>) -> bool) -> bool {
        match self {
            On::Several { events, .. } => events.iter().any(|event| this(&event.on)),
            on => this(on),
        }
    }

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
            On::Compensation => "compensation",
            On::Cancel => "cancel",
            On::Manual { .. } => "manual",
            On::Several { .. } => "events",
        }
    }
}

impl<'t> Event<'t> {
    /// The compensation among several events at a border, as an event of its own: no flow leads on from it.
    pub fn take_compensation(&mut self) -> Option<Event<'t>> {
        let On::Several { events, all: false } = &mut self.on else { return None };
        let at = events.iter().position(|part| matches!(part.on, On::Compensation))?;
        let found = Event { interrupt: false, ..events.remove(at) };
        if let [_] = events.as_slice()
            && let Some(only) = events.pop()
        {
            let Event { on, when, changed, key, any, take, .. } = only;
            let take = if self.take.is_empty() { take } else { self.take };
            (self.on, self.when, self.changed, self.key, self.any, self.take) = (on, when, changed, key, any, take);
        }
        Some(found)
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
            Verb::Approve(approve) => {
                lists.extend(approve.task.outcomes.iter().filter_map(|out| out.follow.steps.as_deref()));
            }
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
            Verb::Throws(steps) => lists.push(steps),
            Verb::Repeat(repeat) => lists.push(&repeat.steps),
            Verb::Group(group) => {
                lists.push(&group.steps);
                lists.extend(group.handlers.iter().flat_map(Event::lists));
            }
            _ => {}
        }
        lists
    }
}
