//! How a process starts, what it takes, and how often it may run.

use super::Compiler;
use crate::element::definition::{Param, RecordTrigger, Root, Start, StartTrigger};
use crate::entity::EventKind;
use crate::load::cursor;
use crate::load::problem::Problem;
use crate::load::process::draft::{self, RecordKind, StartBy};
use crate::load::process::words::Part;
use crate::load::read::{Entry, Node};
use crate::model::{Expr, Name, Names, Type};

impl<'a> Compiler<'a> {
    /// The parameters: the first variables of the process.
    pub(super) fn params(&mut self) -> Vec<Param> {
        let param = |(at, variable): (usize, &draft::Variable)| Param {
            name: variable.decl.name.value.clone(),
            title: variable.decl.title.as_ref().map(|title| title.value.clone()).unwrap_or_default(),
            ty: self.seen.get(at).map_or(Type::Any, |seen| seen.ty.clone()),
            required: variable.decl.required,
            out: variable.out,
        };
        self.process.params.iter().enumerate().map(param).collect()
    }

    /// The starts; a process that names none is started by hand and by calls.
    pub(super) fn starts(&mut self) -> Vec<Start> {
        if self.process.starts.is_empty() {
            let by = |trigger| Start { trigger, about: None, new: None, with: Vec::new(), entry: None };
            let manual = StartTrigger::Manual { roles: Vec::new(), new: Vec::new() };
            return vec![by(manual), by(StartTrigger::Called)];
        }
        let mut starts = Vec::new();
        for start in &self.process.starts {
            let Some(made) = self.start(start) else { continue };
            starts.extend(also_when_created(&made));
            starts.push(made);
        }
        starts
    }

    fn start(&mut self, start: &'a draft::Start<'a>) -> Option<Start> {
        let names = self.start_names(start);
        let when = start.when.map(|when| self.bool(when, &names));
        let trigger = self.start_trigger(start, when)?;
        let own = self.process.entity.as_ref().map(|entity| entity.value.clone());
        let about = start.about.and_then(|about| {
            let Some(own) = &own else {
                let problem = Problem::error("unknown-key", about.span, "the process is about no record");
                self.cx.problems.push(problem.help("name its `entity`, or leave `for` out"));
                return None;
            };
            Some(self.about(about, own, &names))
        });
        let new = start.new.and_then(|new| self.new_record(new, own.as_ref(), start.span, &names));
        let params = self.param_parts();
        // A start by hand may still be given what it lacks, so nothing is demanded here but for events.
        let with = self.arguments(start.with, Some(&params), "the process", start.span, &names);
        self.reads.clear();
        self.check_about(start, about.is_some() || new.is_some());
        let entry = start.node.as_ref().and_then(|id| self.start_nodes.get(&id.value).copied());
        Some(Start { trigger, about, new, with, entry })
    }

    fn param_parts(&self) -> Vec<Part> {
        let params = self.seen.iter().filter(|seen| seen.group == "params");
        params.map(|seen| Part { name: seen.name.clone(), ty: seen.ty.clone(), required: false }).collect()
    }

    /// A record, or a list of records: one run each.
    fn about(&mut self, node: &'a Node, own: &Name, names: &Names) -> Expr {
        let one = Type::reference(&**own);
        let expr = self.expr(node, names, None);
        let fits = match expr.ty() {
            Type::List(of) => **of == one || **of == Type::Any,
            Type::Ref(entities) => entities.contains(own),
            Type::Any => true,
            _ => false,
        };
        if !fits {
            let message = format!("expected {one}, or a list of them, found {}", expr.ty());
            self.cx.problems.error("wrong-type", node.span, message);
        }
        expr
    }

    fn new_record(
        &mut self,
        new: &'a [Entry],
        own: Option<&Name>,
        span: crate::model::Span,
        names: &Names,
    ) -> Option<Vec<(Name, Expr)>> {
        let Some(own) = own else {
            let problem = Problem::error("unknown-key", span, "the process is about no record, so `new` can make none");
            self.cx.problems.push(problem.help("name its `entity`"));
            return None;
        };
        Some(self.columns(std::slice::from_ref(own), new, names))
    }

    /// What a start's expressions see: what came, and nothing of the run, which does not exist yet.
    fn start_names(&mut self, start: &draft::Start<'_>) -> Names {
        let mut names = Names::new();
        self.surroundings(&mut names);
        match &start.by {
            StartBy::Record(kind) => {
                let slot = self.slot(Root::Event);
                let ty = Type::reference(&*kind.entity.value);
                names.root("record", ty.clone(), slot);
                names.changing(&*kind.entity.value, slot);
                if self.is_own(kind) {
                    names.root("self", ty, slot);
                }
            }
            StartBy::Message(name) if !self.is_signal(name) => {
                let parts = self.cx.words.message_brings(&name.value);
                self.message_names(&mut names, &parts);
            }
            StartBy::Message(name) | StartBy::Signal(name) => {
                let parts = self.cx.words.signal_parts(&name.value);
                self.message_names(&mut names, &parts);
            }
            StartBy::Condition(_) => {
                if let Some(own) = &self.process.entity {
                    let slot = self.slot(Root::Event);
                    names.root("self", Type::reference(&*own.value), slot);
                }
            }
            StartBy::Manual { .. } | StartBy::Schedule { .. } | StartBy::Called => {}
        }
        names
    }

    fn is_own(&self, kind: &RecordKind) -> bool {
        self.process.entity.as_ref().is_some_and(|own| own.value == kind.entity.value)
    }

    fn start_trigger(&mut self, start: &'a draft::Start<'a>, when: Option<Expr>) -> Option<StartTrigger> {
        Some(match &start.by {
            StartBy::Record(kind) => {
                let own = self.is_own(kind);
                StartTrigger::Record(self.record_event(kind, &start.changed, when, own))
            }
            StartBy::Manual { roles, new } => {
                let roles =
                    roles.iter().filter(|role| self.cx.words.role(role)).map(|role| role.value.clone()).collect();
                StartTrigger::Manual { roles, new: self.manual_columns(new) }
            }
            StartBy::Message(name) if self.is_signal(name) => StartTrigger::Signal(name.value.clone(), when),
            StartBy::Message(name) => {
                self.message_key(name, false, false)?;
                StartTrigger::Message(name.value.clone(), when)
            }
            StartBy::Signal(name) => {
                self.cx.words.signal(name).then_some(())?;
                StartTrigger::Signal(name.value.clone(), when)
            }
            StartBy::Schedule { .. } => StartTrigger::Schedule(self.schedule(&start.by)?),
            StartBy::Condition(node) => StartTrigger::Record(self.start_condition(node)?),
            StartBy::Called => StartTrigger::Called,
        })
    }

    /// A condition over the record that a run would be about.
    fn start_condition(&mut self, node: &'a Node) -> Option<RecordTrigger> {
        let Some(own) = self.process.entity.as_ref() else {
            let problem =
                Problem::error("missing-key", node.span, "a condition that starts a process is over its record");
            self.cx.problems.push(problem.help("name the `entity` that the process is about"));
            return None;
        };
        let mut names = Names::new();
        self.surroundings(&mut names);
        let slot = self.slot(Root::Event);
        names.root("self", Type::reference(&*own.value), slot);
        let when = self.bool(node, &names);
        self.check_condition(&when, node.span);
        let kind = RecordKind { entity: own.clone(), kind: draft::Kind::Updated };
        Some(RecordTrigger { edge: true, ..self.record_event(&kind, &[], Some(when), true) })
    }

    fn manual_columns(&mut self, new: &'a [cursor::Spanned<Name>]) -> Vec<Name> {
        let Some(own) = self.process.entity.as_ref().map(|entity| entity.value.clone()) else {
            if let Some(first) = new.first() {
                let problem =
                    Problem::error("unknown-key", first.span, "the process is about no record, so `new` can make none");
                self.cx.problems.push(problem.help("name its `entity`"));
            }
            return Vec::new();
        };
        let settable = |name: &&cursor::Spanned<Name>| self.cx.words.settable(&own, name).is_some();
        new.iter().filter(settable).map(|name| name.value.clone()).collect()
    }

    /// An event of another entity must say which record the run is about.
    fn check_about(&self, start: &draft::Start<'_>, named: bool) {
        let Some(own) = &self.process.entity else { return };
        let silent = match &start.by {
            StartBy::Record(kind) => kind.entity.value != own.value,
            StartBy::Message(_) | StartBy::Signal(_) | StartBy::Schedule { .. } => true,
            StartBy::Manual { .. } | StartBy::Condition(_) | StartBy::Called => false,
        };
        if silent && !named {
            let problem = Problem::error("missing-key", start.span, "nothing says which record the run is about");
            let help = format!("add `for:` with an expression that gives {}", Type::reference(&*own.value));
            self.cx.problems.push(problem.help(help));
        }
    }

    /// `one_per: self`, or several parts.
    pub(super) fn one_per(&mut self) -> Option<Vec<Expr>> {
        let node = self.process.one_per?;
        let names = self.names();
        let parts = cursor::list_or_one(node).iter().map(|part| self.expr(part, &names, None)).collect();
        self.reads.clear();
        Some(parts)
    }
}

/// A condition holds for a new record, too.
fn also_when_created(start: &Start) -> Option<Start> {
    let StartTrigger::Record(RecordTrigger { entity, when, equal, only_self, edge: true, .. }) = &start.trigger else {
        return None;
    };
    let trigger = RecordTrigger {
        entity: entity.clone(),
        kind: EventKind::Created,
        changed: Vec::new(),
        when: when.clone(),
        equal: equal.clone(),
        only_self: *only_self,
        edge: true,
    };
    Some(Start {
        trigger: StartTrigger::Record(trigger),
        about: None,
        new: None,
        with: start.with.clone(),
        entry: start.entry,
    })
}
