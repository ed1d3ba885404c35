//! Columns that an outcome requires, and that nobody asks for or fills.

use crate::load::problem::{Problem, Problems};
use crate::load::process::Compiled;
use crate::load::process::words::Words;

/// Warns of outcomes that wait for somebody to fill a column elsewhere by hand: nothing tells the performer where.
pub fn check(loaded: &[Compiled], words: &Words<'_>, problems: &Problems) {
    for process in loaded {
        let Some(entity) = &process.definition.entity else { continue };
        for (column, span) in &process.notes.unasked {
            if words.is_filled(entity, column) {
                continue;
            }
            let message = format!("the form does not ask for `self.{column}`, and nothing else fills it");
            let help = format!("add it to the form: `form: [self.{column}]`");
            problems.push(Problem::warning("required-not-asked", *span, message).help(help));
        }
    }
}
