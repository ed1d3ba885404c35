//! Moves between stages, what is set on entry, and the history of stages.

use super::Refusal;
use super::work::{At, Planner};
use crate::entity::library::{Entity, Final, Stage, StageHistory, StageTable};
use crate::entity::window::{Query, Window};
use crate::model::{Name, Ref, Value};

/// How many stages a record may enter in one save: an entry may set what moves it on.
const MAX_ENTRIES: u8 = 16;

impl<'a> Planner<'a, '_> {
    /// A stage that changed: the move is checked, and what the stage sets is set.
    pub fn enter_stage(&mut self, at: At) -> Result<(), Refusal> {
        let Some((entity, table)) = self.table(at) else { return Ok(()) };
        let (from, to) = (code(&self.old(at, &table.field)), code(&self.value(at, &table.field)));
        let Some(to) = to else {
            let text = format!("{}.{} cannot be empty; try one of its stages", entity.name, table.field);
            return Err(Refusal::rule("required", &entity.name, Some(&table.field), text));
        };
        let work = self.at_mut(at);
        if work.deleted || from.as_ref() == Some(&to) || work.entered.as_ref() == Some(&to) {
            return Ok(());
        }
        work.entered = Some(to.clone());
        work.entries = work.entries.saturating_add(1);
        if work.entries > MAX_ENTRIES {
            let text = format!("{} goes round its stages: entering them sets what moves it on", entity.name);
            return Err(Refusal::rule("circle", &entity.name, Some(&table.field), text));
        }
        if let Some(from) = &from {
            self.check_move(entity, table, from, &to)?;
        }
        let Some(stage) = table.stage(&to) else { return Ok(()) };
        for (column, expr) in &stage.set {
            let Some(field) = entity.field(column) else { continue };
            let value = self.eval(at, Some(column), expr)?;
            let value = self.fit(at, field, value)?;
            self.put(at, column, value)?;
            self.at_mut(at).typed.insert(column.clone());
        }
        Ok(())
    }

    fn table(&self, at: At) -> Option<(&'a Entity, &'a StageTable)> {
        let entity = self.at(at).entity?;
        Some((entity, entity.stages.as_ref()?))
    }

    fn check_move(&self, entity: &Entity, table: &StageTable, from: &Name, to: &Name) -> Result<(), Refusal> {
        let title = |name: &Name| {
            let title = table.stage(name).map(|stage| stage.title.get(&self.library.language()));
            title.filter(|title| !title.is_empty()).unwrap_or(name).to_string()
        };
        let refuse = |code: &str, why: String| {
            let text = format!("{} cannot move from \"{}\" to \"{}\": {why}", entity.name, title(from), title(to));
            Err(Refusal::rule(code, &entity.name, Some(&table.field), text))
        };
        if table.stage(from).is_some_and(|stage| stage.ends.is_some()) {
            return refuse("final_stage", "there is no way back from a final stage".into());
        }
        match table.moves.from.get(from) {
            Some(allowed) if !allowed.contains(to) => {
                let allowed: Vec<String> = allowed.iter().map(|stage| format!("\"{}\"", title(stage))).collect();
                refuse("move_forbidden", format!("its moves lead to {}", allowed.join(", ")))
            }
            None if !table.moves.from.is_empty() && !table.moves.otherwise_any => {
                refuse("move_forbidden", "no move leads out of that stage".into())
            }
            _ => Ok(()),
        }
    }

    /// Keeps the history of stages: called once, when the record is as it will be. The row of the present stage is open.
    pub fn keep_history(&mut self, at: At) -> Result<(), Refusal> {
        let Some((entity, table)) = self.table(at) else { return Ok(()) };
        let Some(history) = &table.history else { return Ok(()) };
        let work = self.at(at);
        let moved = work.has_changed(&table.field);
        if !moved && !history.split_by.iter().any(|column| work.has_changed(column)) {
            return Ok(());
        }
        let stage = |value: Value| code(&value).and_then(|code| table.stage(&code));
        let Some(to) = stage(self.value(at, &table.field)) else { return Ok(()) };
        let kept = Name::new(format!("{}_history", entity.name));
        let Some(from) = stage(self.old(at, &table.field)) else { return self.add_row(at, &kept, history, to, false) };
        self.close_rows(at, &kept, |position| moved && to.ends.is_none() && position > to.position, table)?;
        if moved && history.skipped && to.ends != Some(Final::Failure) {
            let between = |stage: &&Stage| stage.position > from.position && stage.position < to.position;
            let mut skipped: Vec<&Stage> =
                table.values.iter().filter(|stage| stage.ends.is_none()).filter(between).collect();
            skipped.sort_by_key(|stage| stage.position);
            for stage in skipped {
                self.add_row(at, &kept, history, stage, true)?;
            }
        }
        self.add_row(at, &kept, history, to, false)
    }

    /// Closes the open row; on a move back, the rows of the stages left behind become historical.
    fn close_rows(
        &mut self,
        at: At,
        kept: &Name,
        left_behind: impl Fn(i64) -> bool,
        table: &StageTable,
    ) -> Result<(), Refusal> {
        let (until, historical, stage) = (Name::new("until"), Name::new("historical"), Name::new("stage"));
        let target = &self.at(at).target;
        for row in self.query(&Query::by(kept, &target.entity, Value::Ref(target.clone())))? {
            let position = code(&row.get(&stage)).and_then(|code| table.stage(&code)).map(|stage| stage.position);
            let closes = row.peek(&until).is_none();
            let behind = position.is_some_and(&left_behind) && !row.get(&historical).same(&Value::Bool(true));
            if !closes && !behind {
                continue;
            }
            let row = self.load(&row.reference())?;
            if closes {
                self.put(row, &until, Value::DateTime(self.context.now))?;
            }
            if behind {
                self.put(row, &historical, Value::Bool(true))?;
            }
        }
        Ok(())
    }

    fn add_row(
        &mut self,
        at: At,
        kept: &Name,
        history: &StageHistory,
        stage: &Stage,
        skipped: bool,
    ) -> Result<(), Refusal> {
        let now = Value::DateTime(self.context.now);
        let id = Ref { entity: kept.clone(), id: Name::new(self.next_id().to_string()) };
        let target = self.at(at).target.clone();
        let mut values: Vec<(Name, Value)> =
            history.split_by.iter().map(|column| (column.clone(), self.value(at, column))).collect();
        let row = self.insert(id, None);
        values.extend([
            (Name::new("stage"), Value::text(&stage.name)),
            (Name::new("since"), now.clone()),
            (Name::new("until"), if skipped { now } else { Value::NULL }),
            (Name::new("skipped"), Value::Bool(skipped)),
            (Name::new("historical"), Value::Bool(false)),
            (target.entity.clone(), Value::Ref(target)),
        ]);
        values.into_iter().try_for_each(|(column, value)| self.put(row, &column, value))
    }
}

fn code(value: &Value) -> Option<Name> {
    match value {
        Value::Text(code) => Some(Name::new(code)),
        _ => None,
    }
}
