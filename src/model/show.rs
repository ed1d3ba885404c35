//! Values and reasons as people read them.

use std::fmt;

use super::{Denied, Null};

impl fmt::Display for Null {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Null::Empty => f.write_str("it is empty"),
            Null::Path(path) => write!(f, "`{path}` is empty"),
            Null::Gone(record) => write!(f, "{record} does not exist"),
            Null::Nothing => f.write_str("there is nothing"),
            Null::Input(column) => write!(f, "`{column}`, which it is computed from, is empty"),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access denied: may not {} {}", self.operation, self.object)?;
        if let Some(column) = &self.column {
            write!(f, ".{column}")?;
        }
        write!(f, " (rule: {})", self.rule)
    }
}
