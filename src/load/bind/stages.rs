//! The stage table of an entity.

use std::collections::{BTreeMap, BTreeSet};

use super::library::{is_column, is_known, text};
use super::names;
use crate::entity::{Final, Library, Moves, Stage, StageHistory, StageTable};
use crate::load::cursor::Spanned;
use crate::load::draft::entity::EntityDraft;
use crate::load::draft::stages::{MovesDraft, StageDraft, StagesDraft, TargetsDraft};
use crate::load::literal::Literals;
use crate::load::problem::{Problem, Problems};
use crate::load::read::Node;
use crate::model::{Expr, Name, Type, Value};

/// The types of the stages' own columns: as declared, else as their first value shows.
pub(super) fn columns(draft: &EntityDraft, library: &Library, problems: &Problems) -> Vec<(Name, Type)> {
    let Some(stages) = &draft.stages else { return Vec::new() };
    let declared = stages
        .columns
        .iter()
        .filter_map(|decl| Some((decl.name.value.clone(), super::entity::type_of(decl, None, library, problems)?)));
    let mut columns: Vec<(Name, Type)> = declared.collect();
    if !stages.columns.is_empty() {
        return columns;
    }
    for (name, node) in stages.values.iter().flat_map(|stage| &stage.own) {
        if columns.iter().all(|(known, _)| *known != name.value) {
            columns.push((name.value.clone(), shown_type(node)));
        }
    }
    columns
}

/// The type that a value shows by its looks.
fn shown_type(node: &Node) -> Type {
    match node.word().and_then(|word| Value::from_text(&Type::Any, word).ok()) {
        Some(Value::Bool(_)) => Type::Bool,
        Some(Value::Number(_)) => Type::Number,
        _ => Type::Text,
    }
}

/// The stages without what their entry sets, so that expressions can read their columns; [`bind`] reports the problems.
pub(super) fn plain(draft: &EntityDraft, library: &Library) -> Vec<Stage> {
    let Some(stages) = &draft.stages else { return Vec::new() };
    let known = library.entity(&draft.name.value).and_then(|entity| entity.stages.as_ref());
    let columns = known.map(|table| table.columns.clone()).unwrap_or_default();
    let problems = Problems::new();
    let (entity, names) = (&draft.name.value, BTreeSet::new());
    let binder = Binder { entity, stages, columns: &columns, names, library, problems: &problems };
    stages.values.iter().enumerate().map(|(at, stage)| binder.plain(at, stage)).collect()
}

/// The whole table.
pub(super) fn bind(draft: &EntityDraft, library: &Library, problems: &Problems) -> Option<StageTable> {
    let stages = draft.stages.as_ref()?;
    let entity = &draft.name.value;
    let columns = library.entity(entity)?.stages.as_ref().map(|table| table.columns.clone()).unwrap_or_default();
    let names = stages.values.iter().map(|stage| stage.name.value.clone()).collect();
    let binder = Binder { entity, stages, columns: &columns, names, library, problems };
    Some(StageTable {
        field: stages.field.value.clone(),
        initial: binder.initial()?,
        values: stages.values.iter().enumerate().map(|(at, stage)| binder.stage(at, stage)).collect(),
        moves: binder.moves(),
        history: binder.history(),
        columns,
    })
}

struct Binder<'a> {
    entity: &'a Name,
    stages: &'a StagesDraft,
    columns: &'a [(Name, Type)],
    names: BTreeSet<Name>,
    library: &'a Library,
    problems: &'a Problems,
}

impl Binder<'_> {
    /// The stage of a new record: as written, else the first.
    fn initial(&self) -> Option<Name> {
        let first = self.stages.values.first().map(|stage| stage.name.value.clone());
        let Some(initial) = &self.stages.initial else { return first };
        let named = Spanned::new(Name::new(&*initial.text), initial.span);
        if self.is_stage(&named) { Some(named.value) } else { first }
    }

    fn is_stage(&self, name: &Spanned<Name>) -> bool {
        let all = || self.stages.values.iter().map(|stage| stage.name.value.clone()).collect();
        let what = format!("stage of `{}`", self.entity);
        is_known("unknown-stage", &what, name, self.names.contains(&name.value), all, self.problems)
    }

    fn stage(&self, at: usize, draft: &StageDraft) -> Stage {
        let set = draft.set.iter().filter_map(|(column, value)| self.set(column, value)).collect();
        Stage { set, ..self.plain(at, draft) }
    }

    /// The stage without what its entry sets.
    fn plain(&self, at: usize, draft: &StageDraft) -> Stage {
        let next = i64::try_from(at).unwrap_or(i64::MAX).saturating_add(1);
        Stage {
            name: draft.name.value.clone(),
            title: text(draft.title.as_ref()),
            position: draft.position.as_ref().map_or(next, |position| position.value),
            ends: draft.last.as_ref().map(|last| if last.value { Final::Success } else { Final::Failure }),
            columns: self.own(draft),
            set: Vec::new(),
        }
    }

    fn own(&self, draft: &StageDraft) -> BTreeMap<Name, Value> {
        let literals = Literals::new(self.library, self.problems);
        let value = |(name, node): &(Spanned<Name>, Node)| {
            let known = self.columns.iter().find(|(known, _)| *known == name.value);
            let Some((_, ty)) = known else {
                let common = || ["title", "position", "final", "set"].into_iter().map(Name::from);
                let all = || common().chain(self.columns.iter().map(|(name, _)| name.clone())).collect();
                let near = self.problems.did_you_mean(&name.value, all);
                let problem = Problem::error("unknown-key", name.span, format!("a stage has no key `{}`", name.value));
                let help = "declare a column of its own in `columns`";
                self.problems.push(problem.help(help).maybe_help(near));
                return None;
            };
            Some((name.value.clone(), literals.value(node, ty)?))
        };
        draft.own.iter().filter_map(value).collect()
    }

    /// What an entry sets: a column that people could set too.
    fn set(&self, column: &Spanned<Name>, value: &crate::load::draft::ExprText) -> Option<(Name, Expr)> {
        let names = names::of_record(self.entity);
        let ty = super::column::settable(self.entity, column, self.library, self.problems);
        if column.value == self.stages.field.value {
            let problem = Problem::error("stage-column", column.span, "an entry into a stage cannot set the stage");
            self.problems.push(problem.help("move on by a process"));
        }
        let expr = value.compile(self.library, &names, ty.as_ref(), self.problems);
        Some((column.value.clone(), expr?)).filter(|_| ty.is_some())
    }

    fn moves(&self) -> Moves {
        let MovesDraft::Table { rows, otherwise } = &self.stages.moves else {
            return Moves { from: BTreeMap::new(), otherwise_any: true };
        };
        let mut from = BTreeMap::new();
        for (stage, targets) in rows {
            if !self.is_stage(stage) {
                continue;
            }
            self.not_final(stage);
            from.insert(stage.value.clone(), self.targets(Some(stage), targets));
        }
        if let Some(TargetsDraft::Only(_)) = otherwise {
            let rest = self.stages.values.iter().filter(|stage| stage.last.is_none());
            for stage in rest.map(|stage| &stage.name) {
                if !from.contains_key(&stage.value) {
                    let targets = otherwise.as_ref().map(|targets| self.targets(None, targets)).unwrap_or_default();
                    from.insert(stage.value.clone(), targets);
                }
            }
        }
        Moves { from, otherwise_any: matches!(otherwise, None | Some(TargetsDraft::Any)) }
    }

    fn not_final(&self, stage: &Spanned<Name>) {
        let is_final = self.stages.values.iter().any(|found| found.name.value == stage.value && found.last.is_some());
        if is_final {
            let message = format!("`{}` is final: no move leads out of it", stage.value);
            let problem = Problem::error("final-stage", stage.span, message);
            self.problems.push(problem.help("leave the row out, or the stage's `final`"));
        }
    }

    fn targets(&self, from: Option<&Spanned<Name>>, targets: &TargetsDraft) -> Vec<Name> {
        match targets {
            TargetsDraft::Any => {
                let others = self.stages.values.iter().map(|stage| &stage.name.value);
                others.filter(|name| from.is_none_or(|from| **name != from.value)).cloned().collect()
            }
            TargetsDraft::Only(names) => {
                names.iter().filter(|name| self.is_stage(name)).map(|name| name.value.clone()).collect()
            }
        }
    }

    fn history(&self) -> Option<StageHistory> {
        let history = self.stages.history.as_ref()?;
        let entity = self.library.entity(self.entity)?;
        let known = history.split_by.iter().filter(|column| is_column(entity, column, self.problems));
        Some(StageHistory { skipped: history.skipped, split_by: known.map(|name| name.value.clone()).collect() })
    }
}
