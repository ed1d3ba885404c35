//! Paths: columns of records, entries of maps, columns of stages, parts of values, projections of lists.

use std::collections::BTreeMap;

use super::super::node::{Part, Step};
use super::*;

impl Compiler<'_> {
    pub(super) fn path(&mut self, of: &Ast, name: &Word, at: At) -> Typed {
        if let Written::Name(group) = &of.kind
            && let Some(typed) = self.grouped(group, name, of.at, at)
        {
            return typed;
        }
        let base = self.check(of, None);
        if base.is_broken() {
            return base;
        }
        match self.step(&base, &name.text, at) {
            Some(typed) => typed,
            None => self.no_such(&base.ty, name),
        }
    }

    /// `settings.x`, `params.x`, `lookups.x`: the word before the dot is no value of its own.
    fn grouped(&mut self, group: &str, name: &Word, group_at: At, at: At) -> Option<Typed> {
        let members: Vec<Name> = match group {
            "settings" => self.schema.settings(),
            "lookups" => self.schema.entities().into_iter().filter(|entity| self.schema.is_lookup(entity)).collect(),
            _ => {
                let of_group = |entry: &&super::super::Entry| entry.group.as_deref() == Some(group);
                self.names.entries.iter().filter(of_group).map(|entry| entry.name.clone()).collect()
            }
        };
        if members.is_empty() && !matches!(group, "settings" | "lookups" | "params" | "vars") {
            return None;
        }
        if self.is_name(group) {
            let message = format!("expected one meaning of `{group}`, found the group of names and a name of its own");
            return Some(self.report(group_at, "ambiguous_name", message, Some("rename the other".to_owned())));
        }
        let found = match group {
            "settings" => self.schema.setting(&name.text).map(|ty| (Kind::Setting(Name::new(&name.text)), ty)),
            "lookups" => self.schema.is_lookup(&name.text).then(|| self.rows(&name.text)),
            _ => {
                let mut entries = self.names.entries.iter();
                let entry =
                    entries.find(|entry| entry.group.as_deref() == Some(group) && entry.name.as_str() == name.text);
                entry.map(|entry| (Kind::Slot(entry.slot), entry.ty.clone()))
            }
        };
        Some(match found {
            Some((kind, ty)) => Typed { node: Node::new(kind, at), ty },
            None => {
                let help = suggest::did_you_mean(&name.text, members.iter().map(Name::as_str));
                let message = format!("expected one of `{group}`, found `{}`", name.text);
                self.report(name.at, "unknown_name", message, help)
            }
        })
    }

    /// All rows of a lookup.
    fn rows(&self, lookup: &str) -> (Kind, Type) {
        let rows = self.schema.rows(lookup).into_iter().map(|row| Value::Ref(crate::model::Ref::new(lookup, &row)));
        (Kind::Const(Value::list(rows)), Type::list(Type::reference(lookup)))
    }

    /// `stages of lead`.
    pub(super) fn stages(&mut self, name: &Word, at: At) -> Typed {
        let stages = self.schema.stages(&name.text);
        if stages.is_empty() {
            let with_stages: Vec<Name> =
                self.schema.entities().into_iter().filter(|entity| !self.schema.stages(entity).is_empty()).collect();
            let help = suggest::did_you_mean(&name.text, with_stages.iter().map(Name::as_str));
            return self.report(
                name.at,
                "unknown_entity",
                format!("expected an entity with stages, found `{}`", name.text),
                help,
            );
        }
        constant(Value::list(stages.iter().map(Value::text)), Type::list(Type::Stage(Name::new(&name.text))), at)
    }

    /// One step of a path; none when there is no such column.
    pub(super) fn step(&self, base: &Typed, name: &str, at: At) -> Option<Typed> {
        let node = |kind: Kind, ty: Type| Some(Typed { node: Node::new(kind, at), ty });
        let of = || Arc::clone(&base.node);
        match &base.ty {
            Type::Ref(entities) => self.column(base, entities, name, at),
            Type::Map(entries) => {
                let (name, ty) = entries.iter().find(|(known, _)| known.as_str() == name)?;
                node(Kind::Member(of(), name.clone()), ty.clone())
            }
            Type::Any => node(Kind::Member(of(), Name::new(name)), Type::Any),
            Type::Stage(entity) => {
                let ty = self.schema.stage_column(entity, name)?;
                let stages = self.schema.stages(entity).into_iter();
                let table = stages.map(|stage| (stage.clone(), self.schema.stage_value(entity, &stage, name)));
                node(Kind::Table(of(), Arc::new(table.collect())), ty)
            }
            Type::Enum(codes) if name == "title" => {
                let title = |text: &crate::model::Text| Value::text(text.get(self.schema.language()));
                let table: BTreeMap<Name, Value> =
                    codes.values.iter().map(|(code, text)| (code.clone(), title(text))).collect();
                node(Kind::Table(of(), Arc::new(table)), Type::Text)
            }
            Type::List(element) => self.projection(base, element, name, at),
            other => {
                let (part, ty) = part(other, name)?;
                let entity = self.schema.currency_entity().filter(|_| part == Part::Currency);
                let ty = entity.as_ref().map_or(ty, Type::reference);
                node(Kind::Part(of(), part, entity), ty)
            }
        }
    }

    fn column(&self, base: &Typed, entities: &[Name], name: &str, at: At) -> Option<Typed> {
        let column = Name::new(name);
        if entities.is_empty() {
            return Some(Typed { node: Node::new(Kind::Member(Arc::clone(&base.node), column), at), ty: Type::Any });
        }
        let mut of = Vec::new();
        let mut ty: Option<Type> = None;
        for entity in entities {
            if let Some(found) = self.schema.column(entity, name) {
                of.push(entity.clone());
                ty = Some(ty.map_or(found.clone(), |ty| types::unify(&ty, &found).unwrap_or(Type::Any)));
            }
        }
        let partial = of.len() < entities.len();
        let step = Box::new(Step { column, of, partial, base: base.node.at });
        let kind = match base.node.kind {
            Kind::Slot(slot) => Kind::SlotColumn(slot, step),
            _ => Kind::Column(Arc::clone(&base.node), step),
        };
        Some(Typed { node: Node::new(kind, at), ty: ty? })
    }

    /// `lines.total`: the column of every item.
    fn projection(&self, base: &Typed, element: &Type, name: &str, at: At) -> Option<Typed> {
        if *element == Type::Any {
            let node = Node::new(Kind::Member(Arc::clone(&base.node), Name::new(name)), at);
            return Some(Typed { node, ty: Type::list(Type::Any) });
        }
        let local = self.locals.len();
        let item = Typed { node: Node::new(Kind::Local(local), base.node.at), ty: element.clone() };
        let body = self.step(&item, name, at)?;
        let kind = Kind::For { sources: vec![Arc::clone(&base.node)], local, body: body.node };
        Some(Typed { node: Node::new(kind, at), ty: Type::list(body.ty) })
    }

    fn no_such(&mut self, ty: &Type, name: &Word) -> Typed {
        let of = match ty {
            Type::Ref(entities) => entities.iter().map(Name::as_str).collect::<Vec<_>>().join(" or "),
            other => other.to_string(),
        };
        let known = self.entries_of(ty);
        let near = suggest::did_you_mean(&name.text, known.iter().map(Name::as_str));
        let listed = || format!("it has {}", known.iter().map(Name::as_str).collect::<Vec<_>>().join(", "));
        let help = near.or_else(|| (!known.is_empty() && known.len() <= 12).then(listed));
        self.report(name.at, "unknown_column", format!("expected a column of {of}, found `{}`", name.text), help)
    }

    /// What can stand behind the dot.
    pub(super) fn entries_of(&self, ty: &Type) -> Vec<Name> {
        match ty {
            Type::Ref(entities) => {
                let mut columns: Vec<Name> = Vec::new();
                for column in entities.iter().flat_map(|entity| self.schema.columns(entity)) {
                    if !columns.contains(&column) {
                        columns.push(column);
                    }
                }
                columns
            }
            Type::Map(entries) => entries.iter().map(|(name, _)| name.clone()).collect(),
            Type::Stage(entity) => self.schema.stage_columns(entity),
            Type::Enum(_) => vec![Name::new("title")],
            Type::List(element) => self.entries_of(element),
            other => parts(other).iter().map(Name::new).collect(),
        }
    }
}

/// The parts that a plain value has.
fn parts(ty: &Type) -> &'static [&'static str] {
    match ty {
        Type::Date => &["year", "month", "day", "weekday"],
        Type::DateTime => &["year", "month", "day", "weekday", "hour", "minute", "second", "date", "time"],
        Type::Duration => &["years", "months", "days", "hours", "minutes", "seconds"],
        Type::Money => &["amount", "currency"],
        _ => &[],
    }
}

fn part(ty: &Type, name: &str) -> Option<(Part, Type)> {
    let part = Part::named(name).filter(|_| parts(ty).contains(&name))?;
    let ty = match part {
        Part::Date => Type::Date,
        Part::Time => Type::Duration,
        Part::Amount => Type::Number,
        Part::Currency => Type::Text,
        _ => Type::Int,
    };
    Some((part, ty))
}
