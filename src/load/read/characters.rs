//! Characters that no line of a definition may have: tabs as indentation, and controls.

use crate::load::problem::{Problem, Problems};
use crate::model::Span;

/// Reports lines that begin with a tab and characters that cannot be seen; whether there were any.
pub(super) fn check(file: u32, text: &str, problems: &Problems) -> bool {
    let tab = tab_in_indentation(text);
    if let Some(at) = tab {
        let more = text.get(at..).and_then(|rest| rest.find('\n').map(|end| at + end)).unwrap_or(at);
        let others = text.get(more..).unwrap_or_default().lines().filter(|line| begins_with_tab(line)).count();
        let message = match others {
            0 => "a tab stands in the indentation of this line".to_owned(),
            n => format!("a tab stands in the indentation of this line and of {n} more"),
        };
        let problem = Problem::error("tab", Span::new(file, at, at + 1), message);
        problems.push(problem.help("indent with spaces, two for each level"));
    }
    let unseen = text.char_indices().find(|(_, c)| is_unseen(*c));
    if let Some((at, c)) = unseen {
        let message = format!("the character U+{:04X} cannot be seen", u32::from(c));
        let problem = Problem::error("bad-character", Span::new(file, at, at + c.len_utf8()), message);
        problems.push(problem.help("delete it, or write it as an escape inside double quotes"));
    }
    tab.is_some() || unseen.is_some()
}

fn begins_with_tab(line: &str) -> bool {
    let blank = line.trim_end_matches([' ', '\t', '\r']).is_empty();
    !blank && line.trim_start_matches(' ').starts_with('\t')
}

fn tab_in_indentation(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if begins_with_tab(line) {
            return line.find('\t').map(|at| start + at);
        }
        start += line.len();
    }
    None
}

/// Controls, byte-order marks inside the text and marks that turn the direction of writing: a reader of the file
/// would not see what the engine sees.
fn is_unseen(c: char) -> bool {
    let turns_direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || c == '\u{feff}' || turns_direction
}
