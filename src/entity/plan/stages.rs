//! Moves between stages, what is set on entry, and the history of stages.

use super::Refusal;
use super::work::Planner;
use crate::entity::library::{Entity, Final, Stage, StageHistory, StageTable};
use crate::entity::window::{Query, Window};
use crate::model::{Name, Ref, Value};

impl Planner<'_, '_> {
    /// A stage that changed: the move is checked, and what the stage sets is set.
    pub fn enter_stage(&mut self, target: &Ref, entity: &Entity) -> Result<(), Refusal> {
        let Some(table) = &entity.stages else { return Ok(()) };
        let (from, to) = (code(&self.old(target, &table.field)), code(&self.value(target, &table.field)));
        let entered = self.work.get(target).is_some_and(|work| work.entered);
        if from == to || entered {
            return Ok(());
        }
        let Some(to) = to else {
            let text = format!("{}.{} cannot be empty", entity.name, table.field);
            return Err(Refusal::rule("required", &entity.name, Some(&table.field), text));
        };
        if let Some(from) = &from {
            self.check_move(entity, table, from, &to)?;
        }
        let Some(stage) = table.values.iter().find(|stage| stage.name == to) else { return Ok(()) };
        for (column, expr) in &stage.set {
            let Some(field) = entity.field(column) else { continue };
            let value = self.eval(target, Some(column), expr)?;
            let value = self.fit(target, field, value)?;
            self.put(target, column, value);
        }
        if let Some(work) = self.work.get_mut(target) {
            work.entered = true;
        }
        Ok(())
    }

    fn check_move(&self, entity: &Entity, table: &StageTable, from: &Name, to: &Name) -> Result<(), Refusal> {
        let title = |name: &Name| {
            let found = table.values.iter().find(|stage| stage.name == *name);
            found.map_or(name.to_string(), |stage| stage.title.get(&self.library.language()).to_string())
        };
        let refuse = |code: &str, why: String| {
            let text = format!("{} cannot move from \"{}\" to \"{}\": {why}", entity.name, title(from), title(to));
            Err(Refusal::rule(code, &entity.name, Some(&table.field), text))
        };
        let known = table.values.iter().find(|stage| stage.name == *from);
        if known.is_some_and(|stage| stage.ends.is_some()) {
            return refuse("final_stage", "there is no way back from a final stage".into());
        }
        match table.moves.from.get(from) {
            Some(allowed) if !allowed.contains(to) => {
                let allowed: Vec<&str> = allowed.iter().map(Name::as_str).collect();
                refuse("move_forbidden", format!("the moves of {from} are {}", allowed.join(", ")))
            }
            None if !table.moves.from.is_empty() && !table.moves.otherwise_any => {
                refuse("move_forbidden", format!("{from} has no moves"))
            }
            _ => Ok(()),
        }
    }

    /// Keeps the history of stages: called once, when the record is as it will be.
    pub fn keep_history(&mut self, target: &Ref) -> Result<(), Refusal> {
        // The engine's own records, such as counters, have no entity.
        let stages = self.library.entity(&target.entity).and_then(|entity| Some((entity, entity.stages.as_ref()?)));
        let Some((entity, table, history)) = stages.and_then(|(of, table)| Some((of, table, table.history.as_ref()?)))
        else {
            return Ok(());
        };
        let kept = Name::new(format!("{}_history", entity.name));
        let moved = self.has_changed(target, &table.field);
        let split = history.split_by.iter().any(|column| self.has_changed(target, column));
        if !moved && !split {
            return Ok(());
        }
        let from = code(&self.old(target, &table.field));
        let to =
            code(&self.value(target, &table.field)).and_then(|to| table.values.iter().find(|stage| stage.name == to));
        let Some(to) = to else { return Ok(()) };
        let from = from.and_then(|from| table.values.iter().find(|stage| stage.name == from));
        let Some(from) = from else { return self.add_row(target, &kept, history, to, Row::Open) };
        self.close_open_row(target, &kept)?;
        if moved && to.position < from.position && to.ends.is_none() {
            self.mark_historical(target, &kept, table, to)?;
        }
        if moved && history.skipped && to.position > from.position && to.ends != Some(Final::Failure) {
            let mut skipped: Vec<&Stage> = table
                .values
                .iter()
                .filter(|stage| stage.ends.is_none() && stage.position > from.position && stage.position < to.position)
                .collect();
            skipped.sort_by_key(|stage| stage.position);
            for stage in skipped {
                self.add_row(target, &kept, history, stage, Row::Skipped)?;
            }
        }
        self.add_row(target, &kept, history, to, if to.ends.is_some() { Row::Final } else { Row::Open })
    }

    fn rows(&self, target: &Ref, kept: &Name) -> Result<Vec<Ref>, Refusal> {
        let query = Query::all(kept.clone()).with(&*target.entity, Value::Ref(target.clone()));
        Ok(self.query(&query)?.iter().map(|row| row.reference()).collect())
    }

    fn close_open_row(&mut self, target: &Ref, kept: &Name) -> Result<(), Refusal> {
        let until = Name::new("until");
        for row in self.rows(target, kept)? {
            self.load(&row)?;
            if self.value(&row, &until).is_null() {
                self.put(&row, &until, Value::DateTime(self.context.now));
            }
        }
        Ok(())
    }

    /// On a move back, the rows of the stages left behind become historical.
    fn mark_historical(&mut self, target: &Ref, kept: &Name, table: &StageTable, to: &Stage) -> Result<(), Refusal> {
        for row in self.rows(target, kept)? {
            let stage = code(&self.value(&row, &Name::new("stage")));
            let position =
                table.values.iter().find(|found| Some(&found.name) == stage.as_ref()).map(|found| found.position);
            if position.is_some_and(|position| position > to.position) {
                self.load(&row)?;
                self.put(&row, &Name::new("historical"), Value::Bool(true));
            }
        }
        Ok(())
    }

    fn add_row(
        &mut self,
        target: &Ref,
        kept: &Name,
        history: &StageHistory,
        stage: &Stage,
        row: Row,
    ) -> Result<(), Refusal> {
        let now = Value::DateTime(self.context.now);
        let id = Ref { entity: kept.clone(), id: Name::new(self.next_id().to_string()) };
        self.insert_new(&id);
        self.put(&id, &target.entity, Value::Ref(target.clone()));
        self.put(&id, &Name::new("stage"), Value::text(&*stage.name));
        self.put(&id, &Name::new("since"), now.clone());
        if row != Row::Open {
            self.put(&id, &Name::new("until"), now);
        }
        self.put(&id, &Name::new("skipped"), Value::Bool(row == Row::Skipped));
        self.put(&id, &Name::new("historical"), Value::Bool(false));
        for column in &history.split_by {
            let value = self.value(target, column);
            self.put(&id, column, value);
        }
        Ok(())
    }
}

/// What a row of the history tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    /// The stage that the record is in.
    Open,
    /// A stage that was passed over.
    Skipped,
    /// The stage in which the record's life ended.
    Final,
}

fn code(value: &Value) -> Option<Name> {
    match value {
        Value::Text(code) => Some(Name::new(code)),
        _ => None,
    }
}
