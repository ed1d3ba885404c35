//! Record changes: by the save plan only, as part of a step; then what they mean for the run itself, and for others.

use super::Refused;
use super::step::{Step, Stop, Turn};
use crate::element::room::Fault;
use crate::entity::{Cause, EventKind, Mark, RecordEvent, Refusal, SaveContext, Wish, plan};
use crate::graph::NodeIx;
use crate::instance::rows::Values;
use crate::instance::{Status, WaitId, WaitKind};
use crate::model::{Name, Ref, Value};

/// How far record changes had come: to undo a step.
pub(super) struct StepMark {
    overlay: Mark,
    changes: usize,
    transitions: usize,
    events: usize,
}

impl Turn<'_> {
    pub fn mark(&self) -> StepMark {
        StepMark {
            overlay: self.overlay.mark(),
            changes: self.out.changes.len(),
            transitions: self.out.transitions.len(),
            events: self.events.len(),
        }
    }

    /// Undoes the record changes made since the mark.
    pub fn undo(&mut self, mark: StepMark) {
        self.overlay.rollback(mark.overlay);
        self.out.changes.truncate(mark.changes);
        self.out.transitions.truncate(mark.transitions);
        self.events.truncate(mark.events);
    }

    /// One save. The inner error is a fault of the step; the outer one stops the turn (the store failed).
    pub fn save(&mut self, wish: Wish, node: NodeIx) -> Step<Result<Ref, Fault>> {
        match self.try_save(wish, node) {
            Ok(record) => Ok(Ok(record)),
            Err(Refusal::Window(error)) => Err(Stop::Refused(Refused::Window(error))),
            Err(refusal) => Ok(Err(refusal_fault(&refusal))),
        }
    }

    /// One save, refused as the save plan refuses it.
    pub fn try_save(&mut self, wish: Wish, node: NodeIx) -> Result<Ref, Refusal> {
        let cause = Cause {
            command: self.context.command,
            process: Some(self.def.process.clone()),
            version: Some(self.def.version),
            instance: Some(crate::entity::InstanceId(self.run.row.id)),
            step: Some(self.def.step(node)),
            on_behalf_of: self.context.on_behalf_of.clone().or_else(|| self.run.state.initiator.clone()),
        };
        let mut context = SaveContext {
            now: self.context.now,
            principal: &self.context.principal,
            ids: &mut self.context.ids,
            cause: &cause,
        };
        let plan = plan(&self.catalog.library, &self.overlay, wish, &mut context)?;
        let record = plan.record.clone();
        self.overlay.push(&plan.changes);
        self.out.changes.extend(plan.changes);
        self.out.transitions.extend(plan.transitions);
        self.events.extend(plan.events);
        Ok(record)
    }

    /// What the changes just made mean: for the run's own waits at once, for others as reactions.
    pub fn own_effects(&mut self) -> Step {
        // What is told leads to changes that are told behind it.
        if self.telling || self.events.is_empty() && !self.assigned {
            return Ok(());
        }
        self.telling = true;
        let told = self.tell_own();
        self.telling = false;
        told
    }

    fn tell_own(&mut self) -> Step {
        while self.assigned || !self.events.is_empty() {
            self.assigned = false;
            while let Some(event) = self.events.pop_front() {
                self.fan_out(&event)?;
                self.own_waits(&event)?;
                self.own_task(&event)?;
                if event.kind == EventKind::Deleted && self.run.state.record.as_ref() == Some(event.record()) {
                    self.finish_instance(Status::Canceled, "record_deleted")?;
                }
            }
            if self.run.state.waits.iter().any(|wait| matches!(wait.kind, WaitKind::Condition(..))) {
                self.look_at_conditions()?;
            }
        }
        Ok(())
    }

    fn own_waits(&mut self, event: &RecordEvent) -> Step {
        let listening: Vec<WaitId> = self
            .run
            .state
            .waits
            .iter()
            .filter(|wait| match &wait.kind {
                WaitKind::Stage(record, _) => record == event.record(),
                WaitKind::Record(_) => true,
                WaitKind::Timer(_) => !self.followed(wait.owner, wait.node).is_empty(),
                _ => false,
            })
            .map(|wait| wait.id)
            .collect();
        for id in listening {
            if let Some(wait) = self.run.state.wait(id).cloned() {
                self.record_changed(&wait, event)?;
            }
        }
        Ok(())
    }

    fn look_at_conditions(&mut self) -> Step {
        let conditions: Vec<WaitId> = self
            .run
            .state
            .waits
            .iter()
            .filter(|wait| matches!(wait.kind, WaitKind::Condition(..)))
            .map(|wait| wait.id)
            .collect();
        for id in conditions {
            self.look_at_condition(id)?;
        }
        Ok(())
    }
}

/// What the save plan refuses becomes a fault: it may be caught.
pub(super) fn refusal_fault(refusal: &Refusal) -> Fault {
    let mut with = Values::new();
    with.extend(refusal.object().map(|object| (Name::new("object"), Value::text(&**object))));
    with.extend(refusal.column().map(|column| (Name::new("column"), Value::text(&**column))));
    Fault { with, ..Fault::error(refusal.code(), refusal.to_string()) }
}
