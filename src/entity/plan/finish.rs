//! The end of a plan: what is required and checked, histories, revisions, events and transitions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::work::Planner;
use super::{Plan, Refusal, StageTransition};
use crate::entity::record::{Change, EventKind, RecordEvent};
use crate::entity::window::Window;
use crate::model::{Name, Ref, Value};

impl Planner<'_, '_> {
    /// The plan of everything that changed.
    pub fn finish(mut self, record: Ref) -> Result<Plan, Refusal> {
        for target in self.live() {
            self.check(&target)?;
            self.keep_history(&target)?;
        }
        let touched = self.touch_parents()?;
        let mut plan = Plan { record, changes: Vec::new(), transitions: Vec::new(), events: Vec::new() };
        for target in std::mem::take(&mut self.order) {
            self.add(&target, touched.contains(&target), &mut plan);
        }
        Ok(plan)
    }

    /// The records that are there after the save and differ from before.
    fn live(&self) -> Vec<Ref> {
        let live = self.order.iter().filter(|target| self.work.get(*target).is_some_and(|work| !work.deleted));
        live.filter(|target| self.is_new(target) || !self.changed(target).is_empty()).cloned().collect()
    }

    fn check(&self, target: &Ref) -> Result<(), Refusal> {
        let Some(entity) = self.library.entity(&target.entity) else { return Ok(()) };
        for field in entity.fields.iter().filter(|field| field.required) {
            if self.value(target, &field.name).is_null() {
                let text = format!("{}.{} is required", entity.name, field.name);
                return Err(Refusal::rule("required", &entity.name, Some(&field.name), text));
            }
        }
        for check in &entity.checks {
            let holds = self.eval(target, None, &check.that)?;
            if matches!(holds, Value::Bool(false)) {
                let told = check.words(&self.library.language()).map(|words| self.tell(target, words));
                let text = told.unwrap_or_else(|| format!("`{}` does not hold", check.that.text()));
                return Err(Refusal::rule(&check.error, &entity.name, None, text));
            }
        }
        Ok(())
    }

    /// A record that gets, changes or loses a child is guarded: its `links_rev` rises.
    fn touch_parents(&mut self) -> Result<BTreeSet<Ref>, Refusal> {
        let mut touched = BTreeSet::new();
        for target in self.order.clone() {
            let changes = self.work.get(&target).is_some_and(|work| work.deleted)
                || self.is_new(&target)
                || !self.changed(&target).is_empty();
            if !changes {
                continue;
            }
            let columns: Vec<(Name, Name)> = self
                .library
                .parents_of(&target.entity)
                .map(|(parent, child)| (parent.name.clone(), child.column.clone()))
                .collect();
            for (parent, column) in columns {
                for holder in [self.value(&target, &column), self.old(&target, &column)] {
                    if let Value::Ref(holder) = holder
                        && holder.entity == parent
                        && self.get(&holder)?.is_some()
                    {
                        touched.insert(holder);
                    }
                }
            }
        }
        for holder in &touched {
            self.load(holder)?;
        }
        Ok(touched)
    }

    fn add(&self, target: &Ref, touched: bool, plan: &mut Plan) {
        let Some(work) = self.work.get(target) else { return };
        let before = work.before.clone();
        if work.deleted {
            let Some(old) = &before else { return };
            let (rev, values) = (old.rev.saturating_add(1), old.values.clone());
            plan.changes.push(Change { target: target.clone(), before, after: None, touch: false });
            plan.events.push(RecordEvent {
                kind: EventKind::Deleted,
                target: target.clone(),
                rev,
                values,
                changed: Vec::new(),
            });
            return;
        }
        let changed = self.changed(target);
        let moved = before.is_none() || !changed.is_empty();
        if !moved && !touched {
            return;
        }
        let mut after = (*work.now).clone();
        after.rev = after.rev.saturating_add(u64::from(moved));
        after.links_rev = after.links_rev.saturating_add(u64::from(touched));
        if moved {
            plan.transitions.extend(self.transition(target, after.rev));
            if self.library.entity(&target.entity).is_some() {
                let kind = if before.is_none() { EventKind::Created } else { EventKind::Updated };
                let values = after.values.clone();
                plan.events.push(RecordEvent { kind, target: target.clone(), rev: after.rev, values, changed });
            }
        }
        plan.changes.push(Change { target: target.clone(), before, after: Some(Arc::new(after)), touch: !moved });
    }

    fn transition(&self, target: &Ref, revision: u64) -> Option<StageTransition> {
        let table = self.library.entity(&target.entity)?.stages.as_ref()?;
        if !self.has_changed(target, &table.field) {
            return None;
        }
        let stage = |value: Value| {
            let Value::Text(code) = value else { return None };
            table.values.iter().find(|stage| *stage.name == *code)
        };
        let from = stage(self.old(target, &table.field));
        let to = stage(self.value(target, &table.field))?;
        Some(StageTransition {
            record: target.clone(),
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
