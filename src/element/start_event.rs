//! "A start event acts as a process trigger": where the first token of a scope enters.

use super::room::Room;

/// The entry of a process or sub-process.
#[derive(Debug, Default)]
pub struct StartEvent;

impl Room for StartEvent {
    fn is_quiet(&self) -> bool {
        true
    }
}

/// A node at which no token ever stands: the process itself.
#[derive(Debug, Default)]
pub struct Nothing;

impl Room for Nothing {}
