//! The names in sight of an expression, and expressions compiled with them.

use super::Compiler;
use crate::element::definition::{Root, VarRef};
use crate::element::rules::{TextTemplate, Title};
use crate::load::draft::entity::words;
use crate::load::draft::{ExprText, TypeText};
use crate::load::problem::{Problem, Problems};
use crate::load::process::draft;
use crate::load::read::Node;
use crate::model::expr::{self, Slot};
use crate::model::{Duration, Expr, Name, Names, Schema, Span, Text, Type, Value};

impl<'a> Compiler<'a> {
    /// The slot of a root name.
    pub(super) fn slot(&mut self, root: Root) -> Slot {
        if let Some(slot) = self.slots.get(&root) {
            return Slot(*slot);
        }
        let slot = u16::try_from(self.roots.len()).unwrap_or(u16::MAX);
        self.roots.push(root.clone());
        self.slots.insert(root, slot);
        Slot(slot)
    }

    /// The names that every step sees.
    pub(super) fn names(&mut self) -> Names {
        let version = self.seen.version;
        match &self.names {
            Some((of, names)) if *of == version => names.clone(),
            _ => {
                let names = self.names_in_sight();
                self.names = Some((version, names.clone()));
                names
            }
        }
    }

    fn names_in_sight(&mut self) -> Names {
        let mut names = Names::new();
        if let Some(entity) = &self.process.entity {
            names.root("self", Type::reference(&*entity.value), self.slot(Root::Record));
        }
        self.surroundings(&mut names);
        for at in 0..self.seen.len() {
            let Some(seen) = self.seen.get(at).cloned() else { continue };
            let slot = self.slot(Root::Var(seen.var));
            if seen.group == "form" || seen.group == "event" {
                names.shadow(&seen.name);
            }
            names.member(seen.group, &*seen.name, seen.ty, slot);
        }
        if self.rounds > 0 && !self.seen.iter().any(|seen| &*seen.name == "loop") {
            let counts = ["counter", "instances", "active", "completed"].map(|name| (Name::new(name), Type::Int));
            names.root("loop", Type::Map(counts.into()), self.slot(Root::Loop));
        }
        names
    }

    /// `user` and `instance`.
    pub(super) fn surroundings(&mut self, names: &mut Names) {
        let user = if self.cx.words.library.is_entity("user") { Type::reference("user") } else { Type::Any };
        names.root("user", user.clone(), self.slot(Root::User));
        let about = [
            (Name::new("id"), Type::Text),
            (Name::new("process"), Type::Text),
            (Name::new("version"), Type::Int),
            (Name::new("started"), Type::DateTime),
            (Name::new("initiator"), user),
        ];
        names.root("instance", Type::Map(about.into()), self.slot(Root::Instance));
    }

    /// The type that was written.
    pub(super) fn bind_type(&self, ty: &TypeText) -> Type {
        let own = self.process.entity.as_ref().map(|entity| &entity.value);
        ty.bind(self.cx.words.library, own, self.cx.problems)
    }

    /// Compiles an expression; its problems are reported, and what it reads is noted for the node that is made next.
    pub(super) fn compile(&mut self, text: &ExprText, names: &Names, expected: Option<&Type>) -> Option<Expr> {
        let expr = text.compile(self.cx.words.library, names, expected, self.cx.problems)?;
        self.note_reads(expr.reads(), &text.text, text.span);
        Some(expr)
    }

    fn note_reads(&mut self, reads: &[expr::Read], text: &str, span: Span) {
        for read in reads {
            let expr::Root::Slot(slot) = read.root else { continue };
            let Some(Root::Var(var)) = self.roots.get(usize::from(slot.0)) else { continue };
            self.used.insert(*var);
            let guarded = self.name_of(*var).is_some_and(|name| is_guarded(text, &name));
            if !guarded {
                self.reads.push((*var, span));
            }
        }
    }

    fn name_of(&self, var: VarRef) -> Option<Name> {
        self.seen.iter().find(|seen| seen.var == var).map(|seen| seen.name.clone())
    }

    /// The expression at a node; a null where it cannot be understood, so that the rest can be judged.
    pub(super) fn expr(&mut self, node: &Node, names: &Names, expected: Option<&Type>) -> Expr {
        let text = ExprText::of(node, self.cx.problems);
        text.and_then(|text| self.compile(&text, names, expected)).unwrap_or_else(nothing)
    }

    /// The condition at a node; one that can never be true is reported.
    pub(super) fn bool(&mut self, node: &Node, names: &Names) -> Expr {
        let expr = self.expr(node, names, Some(&Type::Bool));
        if let Some(Value::Bool(false)) = expr.constant() {
            let problem = Problem::error("never-true", node.span, format!("`{}` is never true", expr.text()));
            self.cx.problems.push(problem.help("remove what it stands before, or compare something that can change"));
        } else if let Some((one, other)) = expr.contradiction() {
            let message = format!("`{one}` and `{other}` are never both true");
            let problem = Problem::error("never-true", node.span, message);
            self.cx.problems.push(problem.help("write `or` between them if either is meant, or remove one"));
        }
        expr
    }

    /// A length of time or an instant.
    pub(super) fn instant(&mut self, node: &Node, names: &Names) -> Expr {
        match ExprText::of(node, self.cx.problems) {
            Some(text) => self.instant_text(&text, names),
            None => nothing(),
        }
    }

    /// A length of time or an instant, as text.
    pub(super) fn instant_text(&mut self, text: &ExprText, names: &Names) -> Expr {
        if let Ok(length) = Duration::parse(&text.text) {
            if let Some(doubt) = Duration::doubt(&text.text) {
                self.cx.problems.push(Problem::warning("doubtful-duration", text.span, doubt));
            }
            let expr = Expr::literal(&*text.text, Value::Duration(length), Type::Duration);
            self.check_future(&expr, text.span);
            return expr;
        }
        let Some(expr) = self.compile(text, names, None) else { return nothing() };
        if !matches!(expr.ty(), Type::Duration | Type::DateTime | Type::Date | Type::Any) {
            let message = format!("expected a length of time or an instant, found {}", expr.ty());
            let problem = Problem::error("wrong-type", text.span, message);
            self.cx.problems.push(problem.help("write for example `14 days`, `PT5M`, or a column with a date"));
        }
        self.check_future(&expr, text.span);
        expr
    }

    /// A length of time that is surely not in the future is a warning.
    fn check_future(&self, expr: &Expr, span: Span) {
        if let Some(Value::Duration(length)) = expr.constant()
            && (length.months < 0 || length.micros < 0 || length.working_days < 0 || length.working_micros < 0)
        {
            let problem = Problem::warning("past-timer", span, format!("`{}` is in the past", expr.text()));
            self.cx.problems.push(problem.help("it is due at once"));
        }
    }

    /// A record of one of the entities that the expression names.
    pub(super) fn record(&mut self, node: &Node, names: &Names) -> (Expr, Vec<Name>) {
        let expr = self.expr(node, names, None);
        let entities = self.entities_of(&expr, node.span);
        (expr, entities)
    }

    /// The entities of the records that an expression gives; anything else is reported.
    pub(super) fn entities_of(&self, expr: &Expr, span: Span) -> Vec<Name> {
        match expr.ty() {
            Type::Ref(entities) => entities.to_vec(),
            Type::Any => Vec::new(),
            other => {
                self.cx.problems.error("wrong-type", span, format!("expected a record, found {other}"));
                Vec::new()
            }
        }
    }

    /// A text with `{expr}` in it, in one or several languages.
    pub(super) fn template(&mut self, node: &Node, names: &Names) -> TextTemplate {
        let mut texts = Vec::new();
        for (lang, text) in words(node, self.cx.problems) {
            if let Some(template) = text.compile_template(self.cx.words.library, names, self.cx.problems) {
                self.note_reads(&template.reads(), &text.text, text.span);
                texts.push((lang, template));
            }
        }
        TextTemplate { texts }
    }

    /// A title with what fills in its values.
    pub(super) fn filled(&mut self, title: &draft::Title<'_>, names: &Names) -> Title {
        if !title.text.all().any(|(_, text)| text.contains(['{', '}'])) {
            return title.text.clone().into();
        }
        let template = self.template(title.node, names);
        match template.constant() {
            Some(text) => text.into(),
            None => Title { text: title.text.clone(), filled: Some(template) },
        }
    }

    /// The title of the node that is made next.
    pub(super) fn title(&mut self, title: Option<&draft::Title<'_>>) -> Text {
        let names = self.names();
        self.title_in(title, &names)
    }

    /// The title of an event whose node is made next: what happened is in its sight.
    pub(super) fn event_title(&mut self, event: &draft::Event<'a>) -> Text {
        let names = self.event_names(event, &Problems::new());
        self.title_in(event.title.as_ref(), &names)
    }

    fn title_in(&mut self, title: Option<&draft::Title<'_>>, names: &Names) -> Text {
        let Some(title) = title else { return Text::default() };
        let Title { text, filled } = self.filled(title, names);
        self.filling = filled;
        text
    }

    /// Notes that the node that is made next writes a variable.
    pub(super) fn write(&mut self, var: VarRef, span: Span) {
        self.writes.push((var, span));
    }
}

/// An expression that gives nothing.
pub(super) fn nothing() -> Expr {
    Expr::literal("null", Value::NULL, Type::Any)
}

/// Whether every mention of a name stands where a missing value is provided for.
fn is_guarded(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = false;
    for (at, _) in text.match_indices(name) {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at.saturating_add(name.len())..).unwrap_or_default();
        if before.ends_with(is_part) || after.starts_with(is_part) {
            continue;
        }
        found = true;
        let before = before.strip_suffix("vars.").unwrap_or(before).trim_end();
        let opened = before.strip_suffix('(').map(str::trim_end);
        if !opened.is_some_and(|call| call.ends_with("is defined") || call.ends_with("get or else")) {
            return false;
        }
    }
    found
}
