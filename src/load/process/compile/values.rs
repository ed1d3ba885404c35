//! Where values go: variables, columns, the parts of messages, errors, services and calls.

use super::Compiler;
use crate::element::definition::{Assign, Target, VarRef};
use crate::load::cursor::{self, Spanned};
use crate::load::draft::ExprText;
use crate::load::problem::Problem;
use crate::load::process::words::Part;
use crate::load::read::{Entry, Key, Node, Style};
use crate::model::suggest::did_you_mean;
use crate::model::{Expr, Name, Names, Span, Type};

impl<'a> Compiler<'a> {
    /// Assignments to variables and columns, in written order.
    pub(super) fn assigns(&mut self, entries: &'a [Entry], names: &Names) -> Vec<Assign> {
        let mut assigns = Vec::new();
        for entry in entries {
            let target = self.target_of(&entry.key, names);
            let expected = target.as_ref().and_then(|(_, ty)| ty.clone());
            let value = self.expr(&entry.value, names, expected.as_ref());
            if let Some((target, _)) = target {
                match &target {
                    Target::Var(var) => self.write(*var, entry.key.span),
                    Target::Column(record, column) => {
                        let text = record.text().to_owned();
                        self.moved |= self.moves(&text, record.ty(), column, &value, entry.value.span);
                    }
                }
                assigns.push(Assign { target, value });
            }
        }
        assigns
    }

    /// Where an assignment goes, and the type that is expected there.
    fn target_of(&mut self, key: &Key, names: &Names) -> Option<(Target, Option<Type>)> {
        let (path, last) = key.text.rsplit_once('.').unwrap_or(("", &key.text));
        if matches!(path, "" | "vars" | "params") {
            let var =
                self.variable(&Spanned::new(Name::new(last), key.span), Some(path).filter(|path| !path.is_empty()))?;
            let ty = self.seen.iter().find(|seen| seen.var == var).map(|seen| seen.ty.clone());
            return Some((Target::Var(var), ty));
        }
        let text = ExprText::made(path, key.span);
        let record = self.compile(&text, names, None)?;
        let entities = self.entities_of(&record, key.span);
        let column = Spanned::new(Name::new(last), part_of(key, path.len().saturating_add(1)));
        let ty = self.settable(&entities, &column)?;
        Some((Target::Column(record, column.value), ty))
    }

    /// Whether setting a column is a move that surely leaves the stage.
    pub(super) fn moves(&self, record: &str, ty: &Type, column: &Name, value: &Expr, span: Span) -> bool {
        let Type::Ref(entities) = ty else { return false };
        let [entity] = &**entities else { return false };
        self.cx.words.stage_column(entity).as_ref() == Some(column) && self.check_move(record, entity, value, span)
    }

    /// The variable of a name; an unknown one is reported.
    pub(super) fn variable(&mut self, name: &Spanned<Name>, group: Option<&str>) -> Option<VarRef> {
        let in_group = |seen: &&super::vars::Seen| group.is_none_or(|group| seen.group == group);
        if let Some(seen) = self.seen.iter().rev().filter(in_group).find(|seen| seen.name == name.value) {
            return Some(seen.var);
        }
        let known: Vec<String> = self.seen.iter().map(|seen| seen.name.to_string()).collect();
        let own = self.process.entity.as_ref().map(|entity| &entity.value);
        let is_column = own.is_some_and(|own| self.cx.words.is_column(own, &name.value));
        let near = match is_column {
            true => Some(format!("for the column write `self.{}`", name.value)),
            false => did_you_mean(&name.value, known.iter().map(String::as_str))
                .or_else(|| Some("declare it under `vars:`, with its type".to_owned())),
        };
        let problem = Problem::error("unknown-variable", name.span, format!("there is no variable `{}`", name.value));
        self.cx.problems.push(problem.maybe_help(near));
        None
    }

    /// The type of a column of all these entities that may be set; none when it is not known here.
    fn settable(&mut self, entities: &[Name], column: &Spanned<Name>) -> Option<Option<Type>> {
        let mut found = None;
        for entity in entities {
            found = Some(self.cx.words.settable(entity, column)?);
        }
        Some(found)
    }

    /// The columns of a record that a step sets.
    pub(super) fn columns(&mut self, entities: &[Name], entries: &'a [Entry], names: &Names) -> Vec<(Name, Expr)> {
        let mut columns = Vec::new();
        for entry in entries {
            let text = entry.key.text.strip_prefix("self.").unwrap_or(&entry.key.text);
            let skipped = entry.key.text.len().saturating_sub(text.len());
            let column = Spanned::new(Name::new(text), part_of(&entry.key, skipped));
            let expected = self.settable(entities, &column);
            let value = self.expr(&entry.value, names, expected.clone().flatten().as_ref());
            if expected.is_some() {
                columns.push((column.value, value));
            }
        }
        columns
    }

    /// What is given to a message, an error, a service or a process: every part known, none that is needed left out.
    pub(super) fn arguments(
        &mut self,
        entries: &'a [Entry],
        parts: Option<&[Part]>,
        what: &str,
        at: Span,
        names: &Names,
    ) -> Vec<(Name, Expr)> {
        let mut given = Vec::new();
        for entry in entries {
            let name = Name::new(&*entry.key.text);
            let part = parts.and_then(|parts| parts.iter().find(|part| part.name == name));
            if let (None, Some(parts)) = (part, parts) {
                let known = parts.iter().map(|part| &*part.name);
                self.cx.words.unknown(
                    "unknown-parameter",
                    &format!("part of {what} named"),
                    &name,
                    entry.key.span,
                    known,
                );
            }
            let value = self.expr(&entry.value, names, part.map(|part| &part.ty));
            given.push((name, value));
        }
        for part in parts.into_iter().flatten().filter(|part| part.required) {
            if !given.iter().any(|(name, _)| *name == part.name) {
                let problem = Problem::error("missing-parameter", at, format!("{what} needs `{}`", part.name));
                self.cx.problems.push(problem.help(format!("write `with: {{{}: ...}}`", part.name)));
            }
        }
        given
    }

    /// A move such as `self -> won`: the record and the stage, as parts of the node.
    pub(super) fn halves(&self, node: &'a Node, arrow: &str, example: &str) -> Option<(ExprText, ExprText)> {
        let scalar = cursor::scalar(node, example, self.cx.problems)?;
        let Some(at) = scalar.text.find(arrow) else {
            let message = format!("expected {example}, found `{}`", scalar.text);
            self.cx.problems.error("wrong-shape", node.span, message);
            return None;
        };
        let left = ExprText::part(node, 0..at);
        let right = ExprText::part(node, at.saturating_add(arrow.len())..scalar.text.len());
        Some((left, right))
    }
}

/// Where a part of a key stands, from this byte on.
fn part_of(key: &Key, from: usize) -> Span {
    let quote = usize::from(key.style != Style::Plain);
    let start = (key.span.start as usize).saturating_add(from).saturating_add(quote);
    Span::new(key.span.file, start.min(key.span.end as usize), key.span.end as usize)
}
