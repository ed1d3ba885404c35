//! Lists of steps, the conditions before steps, and where `next` leads.

use std::collections::BTreeMap;

use super::{At, Compiler};
use crate::element::Element;
use crate::element::boundary_event::BoundaryEvent;
use crate::element::definition::Trigger;
use crate::element::error_throw::ErrorThrow;
use crate::element::exclusive_gateway::{Case, ExclusiveGateway};
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::{Event, Net, Process, Step, Target, Then, Verb};
use crate::load::process::plan::{Label, NewNode, join};
use crate::model::{Name, Span, Text};

/// What parts a list from the one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// Nothing: the same token.
    None,
    /// A branch of `parallel` or `all_that_apply`: nothing may leave it but its end.
    Branch,
    /// A round of `each`: likewise.
    Round,
    /// A path of its own: the list of a non-interrupting event.
    OwnPath,
    /// A scope that may be left: what runs in it ends. The process has no host.
    Scope,
}

/// A list around the step that is compiled.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) ids: Vec<(&'a Name, Label)>,
    pub(super) border: Border,
    /// The node in whose place the list's scope runs, when the list begins a scope.
    pub(super) host: Option<NodeIx>,
    /// Where the flows of the nodes of a flat form begin.
    pub(super) behind: BTreeMap<Name, Label>,
}

/// How the way from a step to an id was found.
enum Way {
    /// Within the scope.
    Near(Label),
    /// Out of the scopes that these nodes host, innermost first; each with the scope around it.
    Out(Label, Vec<(NodeIx, NodeIx)>),
    /// Not at all, and why.
    Barred(&'static str),
    Unknown,
}

impl<'a> Compiler<'a> {
    /// Compiles a list; gives the place where it begins. Its end leads to `exit`.
    pub(super) fn list(&mut self, steps: &'a [Step<'a>], border: Border, exit: Label) -> Label {
        self.hosted_list(steps, border, None, exit)
    }

    /// Compiles a list that begins a scope hosted by a node.
    pub(super) fn hosted_list(
        &mut self,
        steps: &'a [Step<'a>],
        border: Border,
        host: Option<NodeIx>,
        exit: Label,
    ) -> Label {
        let next = |labels: &[Label], at: usize| labels.get(at.saturating_add(1)).copied();
        self.labelled(steps, (border, host), exit, next).first().copied().unwrap_or(exit)
    }

    /// Compiles steps that do not follow each other: each leads to `exit`. Gives the places where they begin.
    pub(super) fn loose_list(&mut self, steps: &'a [Step<'a>], host: Option<NodeIx>, exit: Label) -> Vec<Label> {
        self.labelled(steps, (Border::Scope, host), exit, |_, _| None)
    }

    fn labelled(
        &mut self,
        steps: &'a [Step<'a>],
        (border, host): (Border, Option<NodeIx>),
        exit: Label,
        next: impl Fn(&[Label], usize) -> Option<Label>,
    ) -> Vec<Label> {
        let labels: Vec<Label> = steps.iter().map(|_| self.plan.label()).collect();
        let named = steps.iter().zip(&labels).filter_map(|(step, label)| Some((&step.id.as_ref()?.value, *label)));
        self.frames.push(Frame { ids: named.collect(), border, host, behind: BTreeMap::new() });
        for (at, (step, entry)) in steps.iter().zip(&labels).enumerate() {
            self.step(step, *entry, next(&labels, at).unwrap_or(exit));
        }
        self.frames.pop();
        labels
    }

    fn step(&mut self, step: &'a Step<'a>, entry: Label, exit: Label) {
        let key = match &step.id {
            Some(id) => join(&self.scope.prefix, &id.value),
            None => self.plan.unnamed(&self.scope.prefix, step.word),
        };
        let after = step.next.as_ref().map_or(exit, |next| self.target(next, exit));
        if let (Some(next), Verb::Raise { .. } | Verb::End { .. } | Verb::Go(_)) = (&step.next, &step.verb) {
            let problem = Problem::error("wrong-shape", next.span, format!("nothing goes on behind `{}`", step.word));
            let help = match &step.verb {
                Verb::Go(_) => "leave `next` out; `go: step` goes to a step",
                _ => "leave `next` out",
            };
            self.cx.problems.push(problem.help(help));
        }
        let begin = entry;
        let entry = self.condition(step, entry, exit, &key);
        let at = At { step, begin, entry, after, key };
        let host = self.verb(&at);
        self.boundary(&at, host);
    }

    /// The gateway of an `if`: the step, or around it and its `next`.
    fn condition(&mut self, step: &'a Step<'a>, entry: Label, exit: Label, key: &str) -> Label {
        let Some(condition) = step.condition else { return entry };
        let names = self.names();
        let holds = self.bool(condition, &names);
        let inner = self.plan.label();
        let gateway = ExclusiveGateway { on: None, cases: vec![(Case::When(holds), 0), (Case::Otherwise, 1)] };
        let new = NewNode {
            key: join(key, "if"),
            id: None,
            title: Text::default(),
            scope: self.scope.node,
            span: condition.span,
        };
        let node = self.add(new, Element::ExclusiveGateway(gateway));
        self.plan.place(entry, node);
        self.plan.flow(node, inner, Text::default(), condition.span);
        self.plan.flow(node, exit, Text::default(), condition.span);
        inner
    }

    /// What a branch does: steps first, if any, then its `next`; else on to `after`. Gives the place where it begins.
    pub(super) fn then(&mut self, then: &'a Then<'a>, part: Option<&str>, border: Border, after: Label) -> Label {
        let exit = then.next.as_ref().map_or(after, |next| self.target(next, after));
        match &then.steps {
            None => exit,
            Some(steps) => match part {
                Some(part) => self.within(part, |this| this.list(steps, border, exit)),
                None => self.list(steps, border, exit),
            },
        }
    }

    /// What is compiled inside has keys under this part.
    pub(super) fn within<T>(&mut self, part: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        let prefix = join(&self.scope.prefix, part);
        let outer = std::mem::replace(&mut self.scope.prefix, prefix);
        let done = inside(self);
        self.scope.prefix = outer;
        done
    }

    /// The keys of lists inside a step go by its id; without one, by what they have of their own.
    pub(super) fn inside<T>(&mut self, at: &At<'a>, inside: impl FnOnce(&mut Self) -> T) -> T {
        match &at.step.id {
            Some(id) => {
                let id = id.value.clone();
                self.within(&id, inside)
            }
            None => inside(self),
        }
    }

    /// What is looked up inside stands behind this border.
    pub(super) fn bordered<T>(
        &mut self,
        border: Border,
        host: Option<NodeIx>,
        inside: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.frames.push(Frame { ids: Vec::new(), border, host, behind: BTreeMap::new() });
        let found = inside(self);
        self.frames.pop();
        found
    }

    /// Where a target is; one that cannot be is reported.
    pub(super) fn target(&mut self, target: &Spanned<Target>, go_on: Label) -> Label {
        match &target.value {
            Target::GoOn => go_on,
            Target::Done => self.done(target.span).unwrap_or(go_on),
            Target::Behind(id) => {
                self.frames.iter().rev().find_map(|frame| frame.behind.get(id).copied()).unwrap_or(go_on)
            }
            Target::Step(id) => match self.find(id) {
                Way::Near(label) => label,
                Way::Out(label, hosts) => self.leave(id, label, &hosts, target.span),
                Way::Barred(why) => {
                    let message = format!("expected a step that can be gone to from here, found `{id}`");
                    self.cx.problems.push(Problem::error("bad-jump", target.span, message).help(why));
                    self.notes.sound = false;
                    go_on
                }
                Way::Unknown => {
                    let message = format!("there is no step `{id}`");
                    let problem = Problem::error("unknown-step", target.span, message);
                    let near = self.cx.problems.did_you_mean(id, || self.notes.ids.keys().cloned().collect());
                    self.cx.problems.push(problem.maybe_help(near));
                    self.notes.sound = false;
                    go_on
                }
            },
        }
    }

    /// The end of the innermost scope; in a branch that must join it is refused.
    pub(super) fn done(&mut self, span: Span) -> Option<Label> {
        for frame in self.frames.iter().rev() {
            match frame.border {
                Border::Branch => {
                    let message =
                        "a branch of `parallel` or `all_that_apply` cannot end on its own: the others are waited for";
                    let help = "let the list end, or write `end:` with `terminate: true` to end all branches";
                    self.cx.problems.push(Problem::error("bad-jump", span, message).help(help));
                    self.notes.sound = false;
                    return None;
                }
                Border::Scope | Border::Round | Border::OwnPath => break,
                Border::None => {}
            }
        }
        Some(self.scope.done)
    }

    fn find(&self, id: &Name) -> Way {
        let mut hosts = Vec::new();
        let mut barred = None;
        for frame in self.frames.iter().rev() {
            if let Some((_, label)) = frame.ids.iter().find(|(known, _)| *known == id) {
                return match barred {
                    Some(why) => Way::Barred(why),
                    None if hosts.is_empty() => Way::Near(*label),
                    None => Way::Out(*label, hosts),
                };
            }
            match frame.border {
                Border::None => {}
                Border::Branch => {
                    barred = barred.or(Some("`next` cannot leave a branch: the join behind it waits for all"))
                }
                Border::Round => barred = barred.or(Some("`next` cannot leave a round of `each`; use `until:`")),
                Border::OwnPath => {
                    barred = barred.or(Some("the list of an event that does not interrupt is a path of its own"));
                }
                Border::Scope => {
                    // The scope around the host is the one in which the next list out lies.
                    let around = frame.host.and_then(|host| self.plan.node_at(host)).map(|host| host.scope);
                    match frame.host.zip(around) {
                        Some((host, around)) => hosts.push((host, around)),
                        None => barred = barred.or(Some("a handler's list cannot go back into what it has ended")),
                    }
                }
            }
        }
        match self.notes.ids.contains_key(id) {
            true => {
                Way::Barred("`next` may name a step of the same list or of one around it, not one inside another list")
            }
            false => Way::Unknown,
        }
    }

    /// The way out of scopes: thrown here, caught at the border of each, and on to the step behind the last.
    fn leave(&mut self, id: &Name, target: Label, hosts: &[(NodeIx, NodeIx)], span: Span) -> Label {
        let code = Name::new(format!("next {id}"));
        let entry = self.exit(&code, self.scope.node, self.scope.prefix.clone(), span);
        for (at, (host, around)) in hosts.iter().enumerate() {
            if self.exits.contains_key(&(*host, code.clone())) {
                break;
            }
            let key = self.plan.node_at(*host).map(|node| node.key.clone()).unwrap_or_default();
            let event = BoundaryEvent {
                host: *host,
                trigger: Trigger::Error(Some(code.clone())),
                interrupting: true,
                take: Vec::new(),
            };
            let new = NewNode {
                key: join(&key, &format!("next_{id}")),
                id: None,
                title: Text::default(),
                scope: *around,
                span,
            };
            let node = self.plan.node(new, Element::BoundaryEvent(Box::new(event)));
            self.boundaries.entry(*host).or_default().push(node);
            self.exits.insert((*host, code.clone()), node);
            let last = at.saturating_add(1) == hosts.len();
            let to = if last { target } else { self.exit(&code, *around, key, span) };
            self.plan.flow(node, to, Text::default(), span);
        }
        entry
    }

    fn exit(&mut self, code: &Name, scope: NodeIx, prefix: String, span: Span) -> Label {
        let label = self.plan.label();
        let throw = ErrorThrow { code: code.clone(), with: Vec::new() };
        let key = self.plan.unnamed(&prefix, "leave");
        let node =
            self.plan.node(NewNode { key, id: None, title: Text::default(), scope, span }, Element::ErrorThrow(throw));
        self.plan.place(label, node);
        label
    }

    /// A `go` step is no node: its place is the place it leads to.
    pub(super) fn go(&mut self, at: &At<'a>, target: &Spanned<Target>) {
        let to = self.target(target, at.after);
        self.plan.same(at.entry, to);
        self.gos.push((at.entry, at.step.at));
    }
}

/// Reports a circle of `go` steps.
pub(crate) fn report_circle(problems: &Problems, span: Span) {
    let problem = Problem::error("endless-loop", span, "from here the steps lead in a circle in which nothing happens");
    problems.push(problem.help("a `go` must lead to a step that does something"));
}

/// Every authored id of a process; one that is written twice is reported.
pub(super) fn ids(process: &Process<'_>, problems: &Problems) -> BTreeMap<Name, Span> {
    let mut ids = BTreeMap::new();
    collect_net(process.net.as_ref(), &mut ids, problems);
    collect(&process.steps, &mut ids, problems);
    collect_events(&process.handlers, &mut ids, problems);
    ids
}

fn collect_net(net: Option<&Net<'_>>, ids: &mut BTreeMap<Name, Span>, problems: &Problems) {
    for start in net.into_iter().flat_map(|net| &net.starts) {
        note_id(&start.id, ids, problems);
    }
}

fn collect(steps: &[Step<'_>], ids: &mut BTreeMap<Name, Span>, problems: &Problems) {
    for step in steps {
        if let Some(id) = &step.id {
            note_id(id, ids, problems);
        }
        match &step.verb {
            Verb::Race(events) => collect_events(events, ids, problems),
            Verb::Group(group) => {
                collect_net(group.net.as_ref(), ids, problems);
                collect(&group.steps, ids, problems);
                collect_events(&group.handlers, ids, problems);
            }
            verb => verb.lists().into_iter().for_each(|list| collect(list, ids, problems)),
        }
        collect_events(&step.boundary, ids, problems);
    }
}

fn collect_events(events: &[Event<'_>], ids: &mut BTreeMap<Name, Span>, problems: &Problems) {
    for event in events {
        if let Some(id) = &event.id {
            note_id(id, ids, problems);
        }
        collect_net(event.net.as_ref(), ids, problems);
        collect(event.then.steps.as_deref().unwrap_or_default(), ids, problems);
        collect_events(&event.handlers, ids, problems);
    }
}

fn note_id(id: &Spanned<Name>, ids: &mut BTreeMap<Name, Span>, problems: &Problems) {
    if let Some(first) = ids.get(&id.value) {
        let problem = Problem::error("duplicate-id", id.span, format!("the id `{}` is used twice", id.value));
        problems.push(
            problem.label(*first, "first used here").help("ids are unique in a process: tasks are found by them"),
        );
        return;
    }
    ids.insert(id.value.clone(), id.span);
}
