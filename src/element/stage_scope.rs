//! `by_stage` and `in_stage`: one list of steps per stage of a record. Runs the list of the present stage, withdraws it when the stage
//! changes, by anybody, and runs the next. Leaving a stage by one's own move ends the list at that move (S25).

use super::room::{Arm, ArmKind, Event, Fault, Move, Next, Room, View};
use crate::graph::NodeIx;
use crate::instance::WaitKind;
use crate::model::expr::Expr;
use crate::model::{Name, Ref, Value};

/// A scope per stage.
#[derive(Debug)]
pub struct StageScope {
    /// The record whose stage is followed.
    pub record: Expr,
    /// Its entity.
    pub entity: Name,
    /// The column that holds the stage.
    pub column: Name,
    /// The list of each stage: a sub-process.
    pub lists: Vec<(Name, NodeIx)>,
    /// What happens in stages without a list.
    pub otherwise: Otherwise,
    /// The list that runs when a stage's work is done and the stage is still the same.
    pub all_done: Option<NodeIx>,
    /// `in_stage`: it ends when its one list ends, or when the stage is left.
    pub once: bool,
}

/// What happens in stages without a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Wait for the next change.
    Wait,
    /// Run this list.
    List(NodeIx),
    /// Leave.
    Pass,
}

/// Which list belongs to a stage.
enum Choice {
    List(NodeIx),
    Wait,
    Leave,
}

impl Room for StageScope {
    fn enter(&self, view: &View<'_>) -> Result<Move, Fault> {
        let record = view.record(&self.record)?;
        let (stage, revision) = self.stage(view, &record)?;
        let watch = |rev| vec![Arm { node: view.node, kind: ArmKind::Stage(record.clone(), rev), count: 0 }];
        Ok(Move::only(match self.choose(view, &stage) {
            Choice::List(list) => Next::Open(list, watch(revision)),
            Choice::Wait => Next::Wait(watch(revision)),
            Choice::Leave => Next::Pass,
        }))
    }

    fn resume(&self, view: &View<'_>, event: &Event<'_>) -> Result<Move, Fault> {
        match event {
            Event::Stage(stage, revision) => self.changed(view, stage, *revision),
            Event::ScopeDone { node, .. } => self.done(view, *node),
            _ => Ok(Move::only(Next::Stay)),
        }
    }
}

impl StageScope {
    fn stage(&self, view: &View<'_>, record: &Ref) -> Result<(Name, u64), Fault> {
        let found = view.load(record)?;
        match found.get(&self.column) {
            Value::Text(stage) => Ok((Name::new(stage), found.rev)),
            other => {
                Err(Fault::new("no_stage", format!("expected a stage in {record}.{}, found {other}", self.column)))
            }
        }
    }

    fn choose(&self, view: &View<'_>, stage: &Name) -> Choice {
        if let Some((_, list)) = self.lists.iter().find(|(name, _)| name == stage) {
            return Choice::List(*list);
        }
        if view.catalog.library.is_final(&self.entity, stage) {
            return Choice::Leave;
        }
        match self.otherwise {
            Otherwise::List(list) => Choice::List(list),
            Otherwise::Wait => Choice::Wait,
            Otherwise::Pass => Choice::Leave,
        }
    }

    fn changed(&self, view: &View<'_>, stage: &Name, revision: u64) -> Result<Move, Fault> {
        let Some(WaitKind::Stage(record, _)) = view.own_wait(is_stage).map(|wait| &wait.kind) else {
            return Ok(Move::only(Next::Stay));
        };
        let watch = vec![Arm { node: view.node, kind: ArmKind::Stage(record.clone(), revision), count: 0 }];
        Ok(Move::only(match self.choose(view, stage) {
            _ if self.once => Next::Pass,
            Choice::List(list) => Next::Reopen(Some(list), watch),
            Choice::Wait => Next::Reopen(None, watch),
            Choice::Leave => Next::Pass,
        }))
    }

    /// A list ended with the stage unchanged.
    fn done(&self, view: &View<'_>, list: NodeIx) -> Result<Move, Fault> {
        let Some(WaitKind::Stage(record, _)) = view.own_wait(is_stage).map(|wait| &wait.kind) else {
            return Ok(Move::pass());
        };
        let (stage, _) = self.stage(view, record)?;
        if self.once || view.catalog.library.is_final(&self.entity, &stage) {
            return Ok(Move::pass());
        }
        Ok(Move::only(match self.all_done {
            Some(all_done) if all_done != list => Next::Open(all_done, Vec::new()),
            _ => Next::Stay,
        }))
    }
}

fn is_stage(kind: &WaitKind) -> bool {
    matches!(kind, WaitKind::Stage(..))
}
