//! Decisions in the store: texts with versions of their own. A process version says which versions it was deployed with, and keeps
//! them: its runs, also those that start later, ask the tables that its author saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{IN_FORCE, listed};
use crate::element::decide::Table;
use crate::element::definition::Definition;
use crate::engine::error::Error;
use crate::model::Name;
use crate::store::Deployment;

const PREFIX: &str = "decision:";

/// Under which name a decision's text is kept.
pub(super) fn row_name(decision: &Name) -> Name {
    Name::new(format!("{PREFIX}{decision}"))
}

/// Whether a row holds a decision.
pub(super) fn is_one(row: &Deployment) -> bool {
    row.name.starts_with(PREFIX)
}

/// What a row is called in messages.
pub(super) fn shown(name: &Name) -> String {
    name.strip_prefix(PREFIX).map_or_else(|| name.to_string(), |decision| format!("the decision {decision}"))
}

/// The decisions that a process asks, with their versions, in the order of their names.
pub(super) fn asked_by(definition: &Definition) -> Vec<(Name, u32)> {
    definition.decisions().into_iter().map(|(name, table)| (name.clone(), table.version)).collect()
}

/// Adds the decisions that a process asks to the bytes of its numbers; nothing when it asks none.
pub(super) fn put(definition: &Definition, bytes: &mut Vec<u8>) {
    let asked = asked_by(definition);
    if !asked.is_empty() {
        let asked: Vec<(&str, u32)> = asked.iter().map(|(name, version)| (&**name, *version)).collect();
        // Writing to memory cannot fail.
        let _infallible = minicbor::encode(asked, bytes);
    }
}

/// The decisions that a stored process version was deployed with.
pub(super) fn asked(row: &Deployment) -> Vec<(Name, u32)> {
    let mut decoder = minicbor::Decoder::new(row.table.get(1..).unwrap_or_default());
    let behind = decoder.skip().and_then(|()| decoder.decode::<Vec<(String, u32)>>());
    behind.unwrap_or_default().into_iter().map(|(name, version)| (Name::new(name), version)).collect()
}

/// The texts of the decisions that a stored process version was deployed with.
pub(super) fn texts_for<'s>(row: &Deployment, stored: &'s [Deployment]) -> impl Iterator<Item = &'s Deployment> {
    asked(row).into_iter().filter_map(|(name, version)| {
        let name = row_name(&name);
        stored.iter().rev().find(|row| row.name == name && row.version == version)
    })
}

/// The process versions that were deployed with this version of a decision, which goes by its row's name.
pub(super) fn askers<'s>(stored: &'s [Deployment], decision: &Name, version: u32) -> Vec<(&'s Name, u32)> {
    let Some(decision) = decision.strip_prefix(PREFIX) else { return Vec::new() };
    let asks =
        |row: &&Deployment| !is_one(row) && asked(row).iter().any(|(name, of)| **name == *decision && *of == version);
    stored.iter().filter(asks).map(|row| (&row.name, row.version)).collect()
}

/// Whether the processes in force that are not deployed along still ask the versions of decisions that they know.
pub(super) fn still_fit(
    stored: &[Deployment],
    decisions: &BTreeMap<Name, Arc<Table>>,
    definitions: &[Arc<Definition>],
) -> Result<(), Error> {
    let Some(list) = stored.iter().rev().find(|row| &*row.name == IN_FORCE) else { return Ok(()) };
    for (process, version) in listed(&list.text) {
        if definitions.iter().any(|definition| *definition.process == *process) {
            continue;
        }
        let row = stored.iter().rev().find(|row| *row.name == *process && row.version == version && !is_one(row));
        for (name, of) in row.map(asked).unwrap_or_default() {
            if let Some(table) = decisions.get(&name).filter(|table| table.version != of) {
                let text = format!("{process} version {version} asks the decision {name} in version {of}");
                let help = format!("deploy a new version of {process} with version {} of it", table.version);
                return Err(Error::Build(format!("{text}; {help}")));
            }
        }
    }
    Ok(())
}
