//! Link events: "a mechanism for connecting two sections of a process" (S20): many throws, one catch, within one scope. The throw's only way on
//! is its catch, drawn at load.

use super::room::Room;

/// One end of a link.
#[derive(Debug)]
pub struct LinkEvent;

impl Room for LinkEvent {
    fn is_quiet(&self) -> bool {
        true
    }
}
