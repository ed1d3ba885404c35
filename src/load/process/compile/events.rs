//! What `wait`, `receive`, races, boundaries and handlers wait for.

use super::Compiler;
use super::vars::Seen;
use crate::element::definition::{Assign, FormEntry, RecordTrigger, Root, Target, VarRef};
use crate::element::event_part::EventPart;
use crate::element::{Element, Trigger};
use crate::entity::EventKind;
use crate::graph::NodeIx;
use crate::load::cursor::Spanned;
use crate::load::draft::ExprText;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::{Event, FormItem, Kind, On, RecordKind};
use crate::load::process::plan::{NewNode, join};
use crate::load::read::Node;
use crate::model::{Expr, Name, Names, Schema, Span, Text, Type};

impl<'a> Compiler<'a> {
    /// The key of an event's node: under its step's.
    pub(super) fn event_key(&mut self, key: &str, event: &Event<'a>) -> String {
        match &event.id {
            Some(id) => join(key, &id.value),
            None => self.plan.unnamed(key, event.on.word()),
        }
    }

    /// Compiles the steps of an event; in them `record`, `message` and `error` are what came. It is kept in a variable of
    /// the innermost scope when they name it; that assignment is given back, to be made when the event happens.
    pub(super) fn with_event<T>(
        &mut self,
        event: &'a Event<'a>,
        key: &str,
        steps: impl FnOnce(&mut Self) -> T,
    ) -> (T, Option<Assign>) {
        let names = self.event_names(event, &Problems::new());
        let word = match &event.on {
            On::Record(_) => "record",
            On::Message(_) | On::Signal(_) => "message",
            On::Error(_) | On::Escalation(_) => "error",
            _ => return (steps(self), None),
        };
        let Some(entry) = names.entries().iter().rfind(|entry| entry.bare && &*entry.name == word).cloned() else {
            return (steps(self), None);
        };
        let name = Name::new(format!("{key}.{word}"));
        let var = self.add_var(self.scope.node, name, entry.ty.clone(), None);
        let seen = Seen { group: "event", name: entry.name, ty: entry.ty, var, span: event.span };
        let before = self.seen.len();
        self.seen.push(seen);
        let done = steps(self);
        self.seen.truncate(before);
        let text = ExprText::made(word, event.span);
        let value = text.compile(self.cx.words.library, &names, None, &Problems::new());
        let keep = value.filter(|_| self.used.contains(&var));
        if keep.is_none() {
            self.drop_last_var(var);
        }
        (done, keep.map(|value| Assign { target: Target::Var(var), value }))
    }

    /// Takes a variable back that nobody reads, unless others were added behind it.
    fn drop_last_var(&mut self, var: VarRef) {
        let vars = self.scopes.get_mut(&var.scope).map(|info| &mut info.vars);
        if let Some(vars) = vars.filter(|vars| vars.len() == usize::from(var.index).saturating_add(1)) {
            vars.pop();
        }
    }

    /// What an event waits for and keeps.
    pub(super) fn caught(&mut self, event: &'a Event<'a>) -> (Trigger, Vec<Assign>) {
        let trigger = self.trigger(event, &mut |_, _, _| None);
        let names = self.event_names(event, &Problems::new());
        let take = self.assigns(event.take, &names);
        (trigger, take)
    }

    /// What an event waits for. `keep` gives the variable that an entry of its form is kept in.
    pub(super) fn trigger(
        &mut self,
        event: &'a Event<'a>,
        keep: &mut dyn FnMut(&mut Self, &FormItem, &Type) -> Option<VarRef>,
    ) -> Trigger {
        let names = self.names();
        match &event.on {
            On::After { after, every, catch_up } => Trigger::After {
                catch_up: self.catch_up(*catch_up),
                after: self.instant(after, &names),
                every: every.map(|every| self.instant(every, &names)),
            },
            On::At(at) => Trigger::At(self.instants(at, &names)),
            On::Message(name) if self.is_signal(name) => {
                Trigger::Signal { name: name.value.clone(), when: self.event_when(event) }
            }
            On::Message(name) => {
                let own = self.process.entity.as_ref().map(|entity| Type::reference(&*entity.value));
                let declared = self.cx.words.library.messages.get(&name.value).and_then(|message| message.key.as_ref());
                // Without a key it is the message about the record that the run is about.
                let fits = matches!((declared, &own), (Some(Type::Ref(of)), Some(Type::Ref(own))) if own.iter().all(|own| of.contains(own)));
                let key_type = self.message_key(name, event.key.is_some(), !fits).flatten();
                let key = event.key.map(|key| self.expr(key, &names, key_type.as_ref()));
                let when = self.event_when(event);
                Trigger::Message { name: name.value.clone(), key, when }
            }
            On::Signal(name) => {
                self.cx.words.signal(name);
                Trigger::Signal { name: name.value.clone(), when: self.event_when(event) }
            }
            On::Record(kind) => Trigger::Record(self.record_trigger(event, kind)),
            On::Condition(condition) => {
                let expr = self.bool(condition, &names);
                self.check_condition(&expr, condition.span);
                Trigger::Condition(expr)
            }
            On::Error(code) => Trigger::Error(code.as_ref().map(|code| self.error_code(code))),
            On::Compensation => Trigger::Compensation,
            On::Cancel => Trigger::Cancel,
            On::Escalation(code) => Trigger::Escalation(code.as_ref().map(|code| code.value.clone())),
            // Its parts are nodes of their own, made behind its own.
            On::Several { all, .. } => Trigger::Several { parts: Vec::new(), all: *all },
            On::Manual { title, roles, form } => {
                let roles =
                    roles.iter().filter(|role| self.cx.words.role(role)).map(|role| role.value.clone()).collect();
                let form = form.iter().filter_map(|item| self.form_entry(item, keep)).collect();
                let names = self.names();
                Trigger::Manual { title: self.filled(title, &names), roles, form }
            }
        }
    }

    /// The nodes of the parts of an event that has several, beside its own.
    pub(super) fn parts(&mut self, event: &'a Event<'a>, of: NodeIx) {
        let On::Several { events, .. } = &event.on else { return };
        let key = self.plan.node_at(of).map(|node| node.key.clone()).unwrap_or_default();
        for part in events {
            self.check_cycle(part, !event.interrupt);
            let (trigger, take) = self.caught(part);
            let key = self.event_key(&key, part);
            let id = part.id.as_ref().map(|id| id.value.clone());
            let new = NewNode { key, id, title: Text::default(), scope: self.scope.node, span: part.span };
            let node = self.add(new, Element::EventPart(Box::new(EventPart { of, trigger, take })));
            let whole = match self.plan.element(of) {
                Some(Element::CatchEvent(event)) => &mut event.trigger,
                Some(Element::BoundaryEvent(event)) => &mut event.trigger,
                Some(Element::EventSubProcess(event)) => &mut event.trigger,
                _ => continue,
            };
            if let Trigger::Several { parts, .. } = whole {
                parts.push(node);
            }
        }
    }

    /// Whether what is received is a signal: `receive` takes both, a message before a signal of the same name.
    pub(super) fn is_signal(&self, name: &Spanned<Name>) -> bool {
        let library = self.cx.words.library;
        !library.messages.contains_key(&name.value) && library.signals.contains_key(&name.value)
    }

    fn error_code(&mut self, code: &Spanned<Name>) -> Name {
        self.cx.words.error(code);
        code.value.clone()
    }

    /// One instant or several.
    fn instants(&mut self, node: &'a Node, names: &Names) -> Vec<Expr> {
        crate::load::cursor::list_or_one(node).iter().map(|node| self.instant(node, names)).collect()
    }

    fn event_when(&mut self, event: &'a Event<'a>) -> Option<Expr> {
        let names = self.event_names(event, &Problems::new());
        event.when.map(|when| self.bool(when, &names))
    }

    /// A change of a record; on another entity it needs an equality, or every change is looked at.
    fn record_trigger(&mut self, event: &'a Event<'a>, kind: &RecordKind) -> RecordTrigger {
        let own = self.process.entity.as_ref().is_some_and(|own| own.value == kind.entity.value);
        let when = self.event_when(event);
        let trigger = self.record_event(kind, &event.changed, when, own && !event.any);
        if !own && !event.any && trigger.equal.is_empty() && self.cx.words.library.entity(&kind.entity.value).is_some()
        {
            let message = format!("every change of any `{}` is looked at here", kind.entity.value);
            let help = "compare one of its columns with a value of the process, such as `record.lead = self`; \
                        or write `of: any` if that is meant";
            self.cx.problems.push(Problem::warning("unindexed-wait", event.span, message).help(help));
        }
        trigger
    }

    /// A change of a record, with its columns checked.
    pub(super) fn record_event(
        &mut self,
        kind: &RecordKind,
        changed: &[Spanned<Name>],
        when: Option<Expr>,
        only_self: bool,
    ) -> RecordTrigger {
        if self.cx.words.entity(&kind.entity) {
            for column in changed {
                self.cx.words.column(&kind.entity.value, &column.value, column.span);
            }
        }
        let event_kind = match kind.kind {
            Kind::Created => EventKind::Created,
            Kind::Updated => EventKind::Updated,
            Kind::Deleted => EventKind::Deleted,
        };
        if let (false, Some(column)) = (kind.kind == Kind::Updated, changed.first()) {
            let problem = Problem::error("unknown-key", column.span, "`changed` has a meaning for `updated` only");
            self.cx.problems.push(problem.help("leave it out"));
        }
        let slot = self.slot(Root::Event);
        let equal = when.as_ref().map(|when| when.equalities(slot)).unwrap_or_default();
        self.check_entered(&kind.entity.value, changed, &equal);
        RecordTrigger {
            entity: kind.entity.value.clone(),
            kind: event_kind,
            changed: changed.iter().map(|column| column.value.clone()).collect(),
            when,
            equal,
            only_self,
            edge: false,
        }
    }

    /// A change into a stage that no move leads to never happens.
    fn check_entered(&self, entity: &Name, changed: &[Spanned<Name>], equal: &[(Name, Expr)]) {
        let [only] = changed else { return };
        let words = &self.cx.words;
        if words.stage_column(entity).as_ref() != Some(&only.value) {
            return;
        }
        let stages = words.library.stages(entity);
        let into = equal.iter().filter(|(column, _)| *column == only.value);
        for stage in into.filter_map(|(_, value)| super::data::constant_word(value)) {
            let known = stages.contains(&stage);
            if known && !stages.iter().any(|from| *from != stage && words.may_move(entity, from, &stage)) {
                let message = format!("no move of `{entity}` leads to `{stage}`, so this never happens");
                let problem = Problem::error("never-true", only.span, message);
                self.cx.problems.push(problem.help("look at the entity's `moves`, or wait for `created`"));
            }
        }
    }

    /// An entry of a form.
    pub(super) fn form_entry(
        &mut self,
        item: &FormItem,
        keep: &mut dyn FnMut(&mut Self, &FormItem, &Type) -> Option<VarRef>,
    ) -> Option<FormEntry> {
        let name = Name::new(item.key());
        match item {
            FormItem::Column(column) => {
                let Some(own) = self.process.entity.as_ref().map(|entity| entity.value.clone()) else {
                    let message = "the process is about no record: there is no `self`";
                    self.cx.problems.error("unknown-column", column.span, message);
                    return None;
                };
                let ty = self.cx.words.settable(&own, column)?;
                let field = self.cx.words.library.entity(&own).and_then(|entity| entity.field(&column.value));
                let title = field.map(|field| field.title.clone()).unwrap_or_default();
                Some(FormEntry { name, title, ty, column: Some(column.value.clone()), keep: None })
            }
            FormItem::Entry(decl) => {
                if decl.ty.is_none() {
                    let message = format!("the entry `{}` needs a type", decl.name.value);
                    self.cx.problems.push(Problem::error("missing-key", decl.span, message).help("write `name: text`"));
                }
                let ty = self.form_type(item, self.cx.problems);
                let keep = keep(self, item, &ty);
                let title = decl.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
                Some(FormEntry { name, title, ty, column: None, keep })
            }
        }
    }

    /// A condition that is waited for is looked at when what it reads changes: the clock and live columns never do.
    pub(super) fn check_condition(&self, condition: &Expr, span: Span) {
        if condition.reads_clock() {
            let problem =
                Problem::error("clock-in-condition", span, "a condition that is waited for cannot ask for the time");
            self.cx
                .problems
                .push(problem.help("nothing changes when time passes; use `after`, `at` or `wait: {until: ...}`"));
        }
        for read in condition.reads() {
            for (entity, column) in read.columns() {
                if self.cx.words.is_live(entity, column) {
                    let message = format!("`{entity}.{column}` is evaluated on reading: nobody learns of its changes");
                    let problem = Problem::error("clock-in-condition", span, message);
                    self.cx.problems.push(problem.help("name the columns that it is computed from"));
                }
            }
        }
    }

    /// Repetitions mean something where a path of its own is begun each time.
    pub(super) fn check_cycle(&self, event: &Event<'_>, repeats: bool) {
        if let (On::After { every: Some(every), .. }, false) = (&event.on, repeats) {
            let problem = Problem::warning("useless-cycle", every.span, "`every` means nothing here: it fires once");
            self.cx.problems.push(problem.help("leave it out, or write `interrupt: false` at a boundary or handler"));
        }
    }
}
