//! Deleting: children go with the record, optional references to it are cleared, required ones refuse (S27).

use std::collections::BTreeSet;

use super::Refusal;
use super::columns::writable;
use super::work::{At, Planner};
use crate::model::{Ref, Value};

impl Planner<'_, '_> {
    /// Deletes a record with its children.
    pub fn delete(&mut self, target: Ref) -> Result<Ref, Refusal> {
        writable(self.entity(&target.entity)?, "deleted")?;
        let mut todo = vec![target.clone()];
        let mut gone: Vec<At> = Vec::new();
        let mut known: BTreeSet<Ref> = BTreeSet::new();
        while let Some(record) = todo.pop() {
            if !known.insert(record.clone()) {
                continue;
            }
            let at = self.load(&record)?;
            self.spend(at)?;
            for child in &self.entity(&record.entity)?.children {
                todo.extend(self.referring(&child.entity, &child.column, &record)?);
            }
            gone.push(at);
        }
        for at in &gone {
            self.at_mut(*at).deleted = true;
        }
        for at in gone {
            self.release(at)?;
            self.leave_parents(at)?;
        }
        Ok(target)
    }

    /// Clears what refers to a deleted record.
    fn release(&mut self, gone: At) -> Result<(), Refusal> {
        let target = self.at(gone).target.clone();
        for referrer in &self.at(gone).links.referrers {
            for row in self.referring(&referrer.entity, &referrer.column, &target)? {
                if referrer.required {
                    let column = &referrer.column;
                    let text =
                        format!("{target} cannot be deleted: {row} requires it as its {column}; delete that first");
                    return Err(Refusal::rule("still_referred_to", &target.entity, None, text));
                }
                if let Some(at) = self.take(&row)? {
                    self.put(at, &referrer.column, Value::NULL)?;
                }
            }
        }
        Ok(())
    }
}
