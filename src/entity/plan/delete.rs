//! Deleting: children go with the record, optional references to it are cleared, required ones refuse (S27).

use super::Refusal;
use super::work::Planner;
use crate::model::{Name, Ref, Type, Value};

impl Planner<'_, '_> {
    /// Deletes a record with its children.
    pub fn delete(&mut self, target: &Ref) -> Result<(), Refusal> {
        let mut todo = vec![target.clone()];
        let mut gone: Vec<Ref> = Vec::new();
        while let Some(record) = todo.pop() {
            if gone.contains(&record) {
                continue;
            }
            self.spend(&record)?;
            self.load(&record)?;
            let entity = self.entity(&record.entity)?;
            if gone.is_empty() && (entity.read_only || entity.rows.is_some()) {
                let text = format!("{} is kept by the library and cannot be deleted", entity.name);
                return Err(Refusal::rule("read_only", &entity.name, None, text));
            }
            for child in &entity.children {
                todo.extend(self.referring(&child.entity, &child.column, &record)?);
            }
            gone.push(record);
        }
        for record in &gone {
            if let Some(work) = self.work.get_mut(record) {
                work.deleted = true;
            }
        }
        for record in &gone {
            self.release(record)?;
        }
        Ok(())
    }

    /// Clears what refers to a deleted record; its parents are computed anew.
    fn release(&mut self, gone: &Ref) -> Result<(), Refusal> {
        let refers =
            |ty: &Type| matches!(ty, Type::Ref(entities) if entities.is_empty() || entities.contains(&gone.entity));
        let library = self.library;
        for entity in library.entities.values().filter(|entity| entity.rows.is_none()) {
            for field in entity.fields.iter().filter(|field| refers(&field.ty) && field.computed.is_none()) {
                for row in self.referring(&entity.name, &field.name, gone)? {
                    if field.required {
                        let text = format!("{gone} cannot be deleted: {row} needs it as its {}", field.name);
                        return Err(Refusal::rule("still_referred_to", &gone.entity, Some(&field.name), text));
                    }
                    self.load(&row)?;
                    self.put(&row, &field.name, Value::NULL);
                    self.stale.push_back(row);
                }
            }
        }
        let parents: Vec<(Name, Name)> = library
            .parents_of(&gone.entity)
            .map(|(parent, child)| (parent.name.clone(), child.column.clone()))
            .collect();
        for (parent, column) in parents {
            if let Value::Ref(holder) = self.old(gone, &column)
                && holder.entity == parent
                && self.work.get(&holder).is_none_or(|work| !work.deleted)
                && self.window.get(&holder)?.is_some()
            {
                self.load(&holder)?;
                self.stale.push_back(holder);
            }
        }
        Ok(())
    }
}
