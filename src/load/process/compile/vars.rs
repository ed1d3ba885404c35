//! Variables: declared ones, and those that `as`, `take`, `keep` and `collect` bring into being.

use super::Compiler;
use crate::element::definition::{Root, VarDecl, VarRef};
use crate::graph::NodeIx;
use crate::load::cursor::{self, Spanned};
use crate::load::draft::ExprText;
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft::{Event, FormItem, Keep, On, Step, Variable, Verb};
use crate::load::process::words::{self, Part};
use crate::load::read::Entry;
use crate::model::{Expr, Name, Names, Schema, Span, Type};

/// Most variables that one step can see.
const MAX_VARIABLES: usize = 500;

/// Names that mean something everywhere in a process.
const RESERVED: &[&str] = &["self", "user", "instance", "settings", "lookups", "params", "vars", "form"];

/// A variable in sight.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// `params` or `vars`.
    pub group: &'static str,
    pub name: Name,
    pub ty: Type,
    pub var: VarRef,
    /// Where it was declared.
    pub span: Span,
}

/// The variables in sight, outermost first.
#[derive(Debug, Default)]
pub(super) struct Sight {
    list: Vec<Seen>,
    /// Changes whenever the list does.
    pub version: usize,
}

impl std::ops::Deref for Sight {
    type Target = [Seen];
    fn deref(&self) -> &[Seen] {
        &self.list
    }
}

impl Sight {
    /// One more variable comes in sight.
    pub fn push(&mut self, seen: Seen) {
        self.version = self.version.saturating_add(1);
        self.list.push(seen);
    }

    /// Several more come in sight.
    pub fn extend(&mut self, seen: Vec<Seen>) {
        seen.into_iter().for_each(|seen| self.push(seen));
    }

    /// Those behind the first `length` go out of sight.
    pub fn truncate(&mut self, length: usize) {
        if self.list.len() > length {
            self.version = self.version.saturating_add(1);
            self.list.truncate(length);
        }
    }

    /// Gives a variable another type.
    pub fn retype(&mut self, var: VarRef, ty: &Type) {
        self.version = self.version.saturating_add(1);
        self.list.iter_mut().filter(|seen| seen.var == var).for_each(|seen| seen.ty = ty.clone());
    }
}

impl<'a> Compiler<'a> {
    /// Adds a variable to a scope.
    pub(super) fn add_var(&mut self, scope: NodeIx, name: Name, ty: Type, initial: Option<Expr>) -> VarRef {
        let vars = &mut self.scopes.entry(scope).or_default().vars;
        let index = u16::try_from(vars.len()).unwrap_or(u16::MAX);
        vars.push(VarDecl { name, ty, initial });
        VarRef { scope, index }
    }

    /// Adds a variable of the innermost scope that steps can name.
    pub(super) fn add_seen(
        &mut self,
        group: &'static str,
        name: &Spanned<Name>,
        ty: Type,
        initial: Option<Expr>,
    ) -> VarRef {
        if self.seen.len() == MAX_VARIABLES {
            let message = format!("the process has more than {MAX_VARIABLES} variables in one place");
            let problem = Problem::error("too-large", name.span, message);
            self.cx.problems.push(problem.help("move a part into a process of its own and `call` it"));
        }
        if self.seen.len() >= MAX_VARIABLES {
            return VarRef { scope: self.scope.node, index: 0 };
        }
        if RESERVED.contains(&&*name.value) {
            let message = format!("the name `{}` has a meaning of its own", name.value);
            self.cx.problems.push(Problem::error("reserved-word", name.span, message).help("choose another name"));
        }
        if let Some(first) = self.seen.iter().find(|seen| seen.name == name.value) {
            let problem =
                Problem::error("duplicate-name", name.span, format!("the name `{}` is used twice", name.value));
            self.cx.problems.push(problem.label(first.span, "first declared here"));
        }
        let is_set = initial.is_some() || group == "params";
        let var = self.add_var(self.scope.node, name.value.clone(), ty.clone(), initial);
        if !is_set {
            self.notes.unset.insert(var, name.value.clone());
        }
        self.seen.push(Seen { group, name: name.value.clone(), ty, var, span: name.span });
        var
    }

    /// Declares parameters or variables in the innermost scope.
    pub(super) fn declare_all(&mut self, group: &'static str, variables: &[Variable]) {
        for variable in variables {
            let decl = &variable.decl;
            let ty = decl.ty.as_ref().map(|ty| self.bind_type(ty));
            let names = self.names();
            let initial = decl.initial.as_ref().and_then(|text| self.compile(text, &names, ty.as_ref()));
            self.reads.clear();
            let ty = ty.or_else(|| initial.as_ref().map(|expr| expr.ty().clone())).unwrap_or(Type::Any);
            let var = self.add_seen(group, &decl.name, ty, initial);
            if decl.initial.is_some() {
                self.notes.unset.remove(&var);
            }
        }
    }

    /// Declares what the steps of the innermost scope bring into being. Those inside a scope with variables of its own are
    /// declared there.
    pub(super) fn declare_hidden(&mut self, steps: &'a [Step<'a>]) {
        for step in steps {
            self.hidden_of(step);
            for event in &step.boundary {
                self.hidden_event(event);
                self.declare_hidden(event.then.steps.as_deref().unwrap_or_default());
            }
        }
    }

    /// What a step takes of an answer.
    fn hidden_answer(&mut self, verb: &'a Verb<'a>) {
        let (parts, take) = match verb {
            Verb::Service(service) => {
                let found = self.cx.words.library.services.get(&service.name.value);
                (found.map(|found| words::parts(&found.returns)), service.take)
            }
            Verb::Decide(decide) => {
                let table = self.table(decide.table, &Problems::new());
                (table.map(|table| words::parts(&table.answers())), decide.take)
            }
            Verb::Call(call) => {
                let callee = self.callee(&call.process.value, call.version.as_ref());
                (callee.map(|found| found.results.clone()), call.take)
            }
            _ => return,
        };
        let names = self.result_names(&parts.unwrap_or_default());
        self.hidden_take(take, &names);
    }

    /// What an event and its parts keep.
    fn hidden_event(&mut self, event: &'a Event<'a>) {
        let names = self.event_names(event, &Problems::new());
        self.hidden_take(event.take, &names);
        if let On::Several { events, .. } = &event.on {
            events.iter().for_each(|part| self.hidden_event(part));
        }
    }

    fn hidden_of(&mut self, step: &'a Step<'a>) {
        match &step.verb {
            Verb::Create { entity, into, .. } => self.hidden(into.as_ref(), Type::reference(&*entity.value)),
            Verb::Read { entity, keep, into, .. } => {
                let one = Type::reference(&*entity.value);
                let ty = match keep {
                    Keep::First => one,
                    Keep::All => Type::list(one),
                    Keep::Count => Type::Int,
                };
                self.hidden(into.as_ref(), ty);
            }
            Verb::Print { into, .. } => {
                let keeps = self.cx.words.keeps_documents();
                self.hidden(into.as_ref(), keeps.map_or(Type::Any, |entity| Type::reference(&*entity)));
            }
            Verb::Service(_) | Verb::Decide(_) | Verb::Call(_) => self.hidden_answer(&step.verb),
            Verb::Catch(event) => self.hidden_event(event),
            Verb::Race(events) => events.iter().for_each(|event| self.hidden_event(event)),
            Verb::UserTask(task) => {
                for name in &task.keep {
                    let entry = task.form.iter().find(|item| *item.key() == *name.value);
                    let ty = entry.map_or(Type::Any, |item| self.form_type(item, &Problems::new()));
                    self.hidden(Some(name), ty);
                }
            }
            Verb::Approve(approve) => {
                let ty = self.decisions_type(&approve.task);
                self.hidden(approve.collect.as_ref(), ty);
            }
            Verb::Each(each) => {
                for entry in each.collect {
                    if let Some(name) = cursor::key_name(&entry.key, &Problems::new()) {
                        let declared = self.seen.iter().any(|seen| seen.name == name.value);
                        let ty = if declared { Type::Any } else { Type::list(Type::Any) };
                        self.hidden(Some(&name), ty);
                    }
                }
                return;
            }
            Verb::Group(group) => {
                let masked = self.masked.len();
                self.masked.extend(group.vars.iter().map(|variable| variable.decl.name.value.clone()));
                self.declare_hidden(&group.steps);
                self.masked.truncate(masked);
                return;
            }
            _ => {}
        }
        for list in step.verb.lists() {
            self.declare_hidden(list);
        }
    }

    /// A name that a step brings into being, unless it is declared.
    fn hidden(&mut self, name: Option<&Spanned<Name>>, ty: Type) {
        let Some(name) = name.filter(|name| !self.masked.contains(&name.value)) else { return };
        match self.seen.iter().find(|seen| seen.name == name.value) {
            None => {
                self.add_seen("vars", name, ty, None);
            }
            Some(seen) if seen.ty == ty || seen.ty == Type::Any || ty == Type::Any => {}
            Some(seen) => {
                let (message, first) = (format!("`{}` is {} here", name.value, ty), format!("and {} here", seen.ty));
                let problem = Problem::error("wrong-type", name.span, message).label(seen.span, first);
                self.cx.problems.push(problem.help("a variable has one type; choose another name"));
            }
        }
    }

    /// What a `take` brings into being: the type is the expression's.
    pub(super) fn hidden_take(&mut self, take: &'a [Entry], names: &Names) {
        let silent = Problems::new();
        for entry in take {
            let Some(name) = Name::is_valid(&entry.key.text).then(|| Name::new(&*entry.key.text)) else { continue };
            if self.masked.contains(&name) || self.seen.iter().any(|seen| seen.name == name) {
                continue;
            }
            let expr = ExprText::of(&entry.value, &silent)
                .and_then(|text| text.compile(self.cx.words.library, names, None, &silent));
            let ty = expr.map_or(Type::Any, |expr| expr.ty().clone());
            self.add_seen("vars", &Spanned::new(name, entry.key.span), ty, None);
        }
    }

    /// The type of a form's entry.
    pub(super) fn form_type(&self, item: &FormItem, problems: &Problems) -> Type {
        let own = self.process.entity.as_ref().map(|entity| &entity.value);
        match item {
            FormItem::Entry(decl) => {
                decl.ty.as_ref().map_or(Type::Any, |ty| ty.bind(self.cx.words.library, own, problems))
            }
            FormItem::Column(column) => {
                own.and_then(|own| self.cx.words.library.column(own, &column.value)).unwrap_or(Type::Any)
            }
        }
    }

    /// The names in sight with the entries of a result.
    pub(super) fn result_names(&mut self, parts: &[Part]) -> Names {
        let mut names = self.names();
        let whole = Type::Map(parts.iter().map(|part| (part.name.clone(), part.ty.clone())).collect());
        names.shadow("result").root("result", whole, self.slot(Root::Result));
        for part in parts {
            let slot = self.slot(Root::Returned(part.name.clone()));
            names.shadow(&part.name).root(&*part.name, part.ty.clone(), slot);
        }
        names
    }

    /// The names in sight with what an event brings.
    pub(super) fn event_names(&mut self, event: &Event<'_>, problems: &Problems) -> Names {
        let mut names = self.names();
        match &event.on {
            On::Record(kind) => {
                let slot = self.slot(Root::Event);
                names.shadow("record").root("record", Type::reference(&*kind.entity.value), slot);
                names.changing(&*kind.entity.value, slot);
            }
            On::Message(name) if !self.is_signal(name) => {
                let parts = self.cx.words.message_brings(&name.value);
                self.message_names(&mut names, &parts);
            }
            On::Message(name) | On::Signal(name) => {
                let parts = self.cx.words.signal_parts(&name.value);
                self.message_names(&mut names, &parts);
            }
            On::Error(code) | On::Escalation(code) => {
                let parts = code.as_ref().map(|code| self.cx.words.error_parts(&code.value)).unwrap_or_default();
                let mut entries = vec![(Name::new("code"), Type::Text), (Name::new("message"), Type::Text)];
                entries.extend(parts.into_iter().map(|part| (part.name, part.ty)));
                let ty = if code.is_some() { Type::Map(entries.into()) } else { Type::Any };
                names.shadow("error").root("error", ty, self.slot(Root::Error));
            }
            On::Manual { form, .. } => {
                for item in form {
                    if let FormItem::Entry(decl) = item {
                        let slot = self.slot(Root::Form(decl.name.value.clone()));
                        names.shadow(&decl.name.value).member(
                            "form",
                            &*decl.name.value,
                            self.form_type(item, problems),
                            slot,
                        );
                    }
                }
            }
            On::After { .. } | On::At(_) | On::Condition(_) | On::Compensation | On::Cancel | On::Several { .. } => {}
        }
        names
    }

    /// Adds the values of a message or signal.
    pub(super) fn message_names(&mut self, names: &mut Names, parts: &[Part]) {
        let whole = Type::Map(parts.iter().map(|part| (part.name.clone(), part.ty.clone())).collect());
        names.shadow("message").root("message", whole, self.slot(Root::Message));
    }
}
