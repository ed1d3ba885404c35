//! The end of a plan: what is required and checked, histories, revisions, events and transitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::work::{At, Planner, Work};
use super::{Plan, Refusal, StageTransition};
use crate::entity::library::{Check, Entity};
use crate::entity::record::{Change, EventKind, RecordEvent};
use crate::model::expr::Root;
use crate::model::{Name, Ref, Slot, Value};

impl<'a> Planner<'a, '_> {
    /// The plan of everything that changed.
    pub fn finish(mut self, record: Ref) -> Result<Plan, Refusal> {
        for at in self.all() {
            if !self.at(at).deleted {
                self.keep_history(at)?;
            }
        }
        // A history may be summed up too.
        self.settle()?;
        for at in self.all() {
            let work = self.at(at);
            if let (Some(entity), false, true) = (work.entity, work.deleted, work.is_changed()) {
                self.check(at, entity)?;
            }
        }
        let touched = self.touch_parents()?;
        let reads = self.guards();
        let mut plan = Plan { record, changes: Vec::new(), transitions: Vec::new(), events: Vec::new(), reads };
        for at in self.all() {
            self.add(self.at(at), touched.contains(&at), &mut plan);
        }
        Ok(plan)
    }

    fn check(&self, at: At, entity: &Entity) -> Result<(), Refusal> {
        for field in entity.fields.iter().filter(|field| field.required) {
            if self.at(at).now.peek(&field.name).is_none() {
                let why = self.why_empty(at, &field.name).map_or(String::new(), |reason| format!(": {reason}"));
                let text = format!("{}.{} is required and has no value{why}", entity.name, field.name);
                return Err(Refusal::rule("required", &entity.name, Some(&field.name), text));
            }
        }
        for check in &entity.checks {
            if matches!(self.eval(at, None, &check.that)?, Value::Bool(false)) {
                let told = check.words(&self.library.language()).map(|words| self.tell(at, words));
                let text = told.unwrap_or_else(|| format!("{}: `{}` does not hold", entity.name, check.that.text()));
                return Err(Refusal::rule(&check.error, &entity.name, only_column(check).as_ref(), text));
            }
        }
        Ok(())
    }

    /// A record that gets, changes or loses a child is guarded: its `links_rev` rises.
    fn touch_parents(&mut self) -> Result<BTreeSet<At>, Refusal> {
        let mut touched = BTreeSet::new();
        for at in self.all() {
            if self.at(at).links.parents.is_empty() || !self.at(at).is_changed() {
                continue;
            }
            for parent in &self.at(at).links.parents {
                for value in [self.value(at, &parent.key), self.old(at, &parent.key)] {
                    if let Value::Ref(holder) = value
                        && holder.entity == parent.entity
                    {
                        touched.extend(self.take(&holder)?);
                    }
                }
            }
        }
        Ok(touched)
    }

    fn add(&self, work: &Work<'_>, touched: bool, plan: &mut Plan) {
        let (target, before) = (work.target.clone(), work.before.clone());
        if work.deleted {
            let Some(old) = &before else { return };
            plan.events.push(RecordEvent {
                kind: EventKind::Deleted,
                target: target.clone(),
                rev: old.rev.saturating_add(1),
                values: old.values.clone(),
                changed: Vec::new(),
            });
            plan.changes.push(Change { target, before, after: None, touch: false });
            return;
        }
        let changed = work.changed();
        let moved = before.is_none() || !changed.is_empty();
        if !moved && !touched {
            return;
        }
        let mut after = work.now.clone();
        let record = Arc::make_mut(&mut after);
        record.rev = record.rev.saturating_add(u64::from(moved));
        record.links_rev = record.links_rev.saturating_add(u64::from(touched));
        if moved && let Some(entity) = work.entity {
            plan.transitions.extend(self.transition(work, entity, after.rev));
            let kind = if before.is_none() { EventKind::Created } else { EventKind::Updated };
            let (target, values) = (target.clone(), after.values.clone());
            plan.events.push(RecordEvent { kind, target, rev: after.rev, values, changed });
        }
        plan.changes.push(Change { target, before, after: Some(after), touch: !moved });
    }

    fn transition(&self, work: &Work<'_>, entity: &Entity, revision: u64) -> Option<StageTransition> {
        let table = entity.stages.as_ref().filter(|table| work.has_changed(&table.field))?;
        let stage = |value: Option<&Value>| match value {
            Some(Value::Text(code)) => table.stage(code),
            _ => None,
        };
        let from = stage(work.before.as_ref().and_then(|before| before.peek(&table.field)));
        let to = stage(work.now.peek(&table.field))?;
        Some(StageTransition {
            record: work.target.clone(),
            revision,
            from: from.map(|stage| stage.name.clone()),
            to: to.name.clone(),
            from_title: from.map(|stage| stage.title.clone()).unwrap_or_default(),
            to_title: to.title.clone(),
            at: self.context.now,
            cause: self.context.cause.clone(),
        })
    }
}

/// The column that a check is about, when it reads no other.
fn only_column(check: &Check) -> Option<Name> {
    let own = check.that.reads().iter().filter(|read| read.root == Root::Slot(Slot(0)));
    let mut columns: Vec<Name> = own.filter_map(|read| read.path.first().map(|step| step.column.clone())).collect();
    columns.dedup();
    match columns.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    }
}
