//! The parser's errors in an author's words: the place, and what to write instead.

use std::ops::Range;

use serde_yaml::granit_parser::{ErrorKind, ScanError};

use super::bites::quoted;
use super::build::too_deep;
use crate::load::problem::Problem;
use crate::model::Span;

/// The line in which an error stands.
struct Line<'t> {
    file: u32,
    text: &'t str,
    start: usize,
    /// The value behind `key: ` or `- `, or the whole line; without the comment-free end of line.
    value: Range<usize>,
    /// Byte offset of the error in the file.
    at: usize,
}

/// What an error means; and, when it is the matter of one value, the stretch to mask so that the next can be found.
pub(super) fn explain(file: u32, text: &str, error: &ScanError) -> (Problem, Option<Range<usize>>) {
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    let line = Line::around(file, text, at);
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => (too_deep(line.here()), None),
        ErrorKind::UnexpectedCharacter { .. }
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent
        | ErrorKind::MissingAnchorOrAliasName
        | ErrorKind::MissingTagUri
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::InvalidTagEscape
        | ErrorKind::UndeclaredTagHandle
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::PlainScalarStartsWithDashFlowIndicator
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::BlockSequenceEntryNotAllowed
            if line.begins_with_sign() =>
        {
            line.bad_beginning()
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidMappingValueWhitespace => line.second_colon(),
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => {
            line.behind_the_quote()
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => (line.unclosed("the quote is never closed"), None),
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => line.unclosed_flow(),
        ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::FlowMappingValueAdjacentCollection
        | ErrorKind::BlockEntryInFlowCollection => match line.opened_before(text) {
            Some(problem) => (problem, None),
            None => line.inside_flow(),
        },
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => line.no_colon(),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::ExpectedDocumentStart if line.goes_on_behind_bracket() => {
            let sign = line.value().chars().next().unwrap_or('{');
            line.value_at_fault(format!("a text that begins with `{sign}` needs quotes"))
        }
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidIndentation
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::ExpectedDocumentStart => (line.indentation(), None),
        ErrorKind::DirectiveDisallowed => line.directive(),
        ErrorKind::UnknownQuotedScalarEscape | ErrorKind::InvalidQuotedScalarHexEscape => line.escape(),
        _ => (Problem::error("yaml-syntax", line.here(), error.info()).help(GENERAL), None),
    }
}

const GENERAL: &str = "write one `key: value` a line, and quote texts with `: `, ` #` or brackets";

/// The source with a stretch replaced by letters, byte for byte, so that all places stay.
pub(super) fn masked(text: &str, range: Range<usize>) -> String {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    format!("{before}{}{after}", "x".repeat(range.len()))
}

type Explained = (Problem, Option<Range<usize>>);

impl<'t> Line<'t> {
    fn around(file: u32, whole: &'t str, at: usize) -> Self {
        let start = whole.get(..at).unwrap_or_default().rfind('\n').map_or(0, |found| found + 1);
        let text = whole.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let value = value_of(text);
        Self { file, text, start, value: start + value.start..start + value.end, at }
    }

    fn value(&self) -> &'t str {
        self.text.get(self.value.start - self.start..self.value.end - self.start).unwrap_or_default()
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    /// From the error to the end of its line.
    fn here(&self) -> Span {
        let end = self.start + self.text.trim_end().len();
        self.span(self.at..end.max(self.at))
    }

    /// The value of the line is at fault; it can be masked.
    fn value_at_fault(&self, message: String) -> Explained {
        let help = format!("use quotes: {}", quoted(self.value()));
        let problem = Problem::error("needs-quotes", self.span(self.value.clone()), message).help(help);
        (problem, Some(self.value.clone()))
    }

    fn begins_with_sign(&self) -> bool {
        self.value().starts_with(['"', '\'', '{', '[', '>', '|', '-', '@', '*', '&', '!', '%', '#', '`', '?'])
    }

    fn bad_beginning(&self) -> Explained {
        if self.value().starts_with(['{', '[']) && self.at > self.value.start {
            let sign = self.text.get(self.at - self.start..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
            let message = format!("inside `{{ }}` and `[ ]`, a text that begins with `{sign}` needs quotes");
            let problem = Problem::error("needs-quotes", self.here(), message);
            return (problem.help("quote it, or write one key a line"), Some(self.value.clone()));
        }
        let sign = self.value().chars().next().unwrap_or(' ');
        self.value_at_fault(format!("a text that begins with `{sign}` needs quotes"))
    }

    /// Whether the value is a list or mapping in brackets with more text behind it.
    fn goes_on_behind_bracket(&self) -> bool {
        let value = self.value();
        let mut open = 0_i32;
        for (at, sign) in brackets(value) {
            open += if matches!(sign, '{' | '[') { 1 } else { -1 };
            if open == 0 {
                let rest = value.get(at + 1..).unwrap_or_default().trim_start();
                return !rest.is_empty() && !rest.starts_with('#') && value.starts_with(['{', '[']);
            }
        }
        false
    }

    fn second_colon(&self) -> Explained {
        let behind_a_key = self.value.start > self.start + indent(self.text);
        let in_value = self.value.contains(&self.at) || self.value.end == self.at;
        if behind_a_key && in_value && (self.value().contains(": ") || self.value().ends_with(':')) {
            return self.value_at_fault("a text with `: ` needs quotes".to_owned());
        }
        (self.indentation(), None)
    }

    fn behind_the_quote(&self) -> Explained {
        if self.value().starts_with(['{', '[']) {
            return self.inside_flow();
        }
        let inner = self.value().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let help = if let Some(inner) = inner {
            format!("inside '...' an apostrophe is written twice: '{}'", inner.replace('\'', "''"))
        } else if self.value().starts_with('"') && self.value().contains([' ', '+', '=']) {
            format!("for an expression write `= {}`; for a text, quote the whole of it", self.value())
        } else {
            format!("quote the whole text: {}", quoted(self.value()))
        };
        let problem = Problem::error("needs-quotes", self.here(), "the text goes on behind its closing quote");
        (problem.help(help), Some(self.value.clone()))
    }

    fn unclosed(&self, message: &str) -> Problem {
        let help = "close it on this line, or quote the whole text when the sign is a part of it";
        Problem::error("unclosed", self.here(), message).help(help)
    }

    fn unclosed_flow(&self) -> Explained {
        let sign = self.text.get(self.at - self.start..).and_then(|rest| rest.chars().next()).unwrap_or('{');
        if let Some(hash) = self.value().find(" #") {
            let kept = self.value().get(..hash).unwrap_or_default();
            let message =
                format!("the text behind ` #` is lost, the closing bracket too: `{kept}` is all that is read");
            let problem = Problem::error("lost-text", self.span(self.value.clone()), message);
            return (problem.help("quote the text that has the `#`"), Some(self.value.clone()));
        }
        if self.value().starts_with(['{', '[']) && !self.value().contains([':', ',']) {
            return self.value_at_fault(format!("a text that begins with `{sign}` needs quotes"));
        }
        (self.unclosed(&format!("the bracket `{sign}` is never closed")), None)
    }

    /// The bracket of an earlier line that is still open where this line begins.
    fn opened_before(&self, whole: &str) -> Option<Problem> {
        let mut lines = Vec::new();
        let mut next = 0;
        for line in whole.get(..self.start)?.split_inclusive('\n') {
            lines.push((next, line));
            next += line.len();
        }
        let mut closed = 0;
        for (start, line) in lines.into_iter().rev().take(MAX_LINES_BACK) {
            for (at, sign) in brackets(line).into_iter().rev() {
                closed += if matches!(sign, '}' | ']') { 1 } else { -1 };
                if closed < 0 {
                    let span = self.span(start + at..start + line.trim_end().len());
                    let message = format!("the bracket `{sign}` is never closed");
                    let problem = Problem::error("unclosed", span, message).label(self.here(), "found instead");
                    return Some(problem.help("close it, or quote the whole text when the sign is a part of it"));
                }
            }
        }
        None
    }

    fn inside_flow(&self) -> Explained {
        let message = "inside `{ }` and `[ ]`, expected `,` or the closing bracket";
        let help = "quote the whole of a text that has a comma, a bracket, a quote or `: ` in it, with '...' around \
                    \"...\"; or write one key a line";
        let problem = Problem::error("needs-quotes", self.here(), message).help(help);
        let value = self.value();
        let on_one_line = value.starts_with(['{', '[']) && value.ends_with(['}', ']']);
        (problem, on_one_line.then(|| self.value.clone()))
    }

    fn no_colon(&self) -> Explained {
        let line = self.span(self.start + indent(self.text)..self.start + self.text.trim_end().len());
        let message = "expected `key: value`, found a line without `: `";
        let help = "a longer text goes on in deeper lines, or stands in a block behind `key: |`";
        (Problem::error("missing-colon", line, message).help(help), None)
    }

    fn indentation(&self) -> Problem {
        let at = self.start + indent(self.text);
        let line = self.span(at..self.start + self.text.trim_end().len());
        let message = "this line fits no level of indentation above it";
        let help = "keys of one mapping begin in one column; nothing may be nested under a key that has a value";
        Problem::error("bad-indentation", line, message).help(help)
    }

    fn directive(&self) -> Explained {
        let problem = Problem::error("yaml-directive", self.here(), "YAML directives are not used here");
        (problem.help("a line that begins with `%` needs quotes"), None)
    }

    fn escape(&self) -> Explained {
        let problem = Problem::error("bad-escape", self.here(), "there is no such escape in double quotes");
        let help = "write `\\\\` for a backslash, or use single quotes, in which nothing is escaped";
        (problem.help(help), Some(self.value.clone()))
    }
}

/// Lines before an error in which an open bracket is looked for.
const MAX_LINES_BACK: usize = 200;

/// The brackets of a line that stand in no quotes, with their places.
fn brackets(line: &str) -> Vec<(usize, char)> {
    let mut quote = None;
    let mut found = Vec::new();
    for (at, sign) in line.char_indices() {
        match (sign, quote) {
            ('#', None) if line.get(..at).is_some_and(|before| before.ends_with(' ')) => break,
            ('"' | '\'', None) => quote = Some(sign),
            (_, Some(open)) if open == sign => quote = None,
            ('{' | '[' | '}' | ']', None) => found.push((at, sign)),
            _ => {}
        }
    }
    found
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The value in a line: what stands behind `- ` and `key: `.
fn value_of(line: &str) -> Range<usize> {
    let mut start = indent(line);
    let end = line.trim_end().len();
    let rest = |from: usize| line.get(from..end).unwrap_or_default();
    while rest(start).starts_with("- ") {
        let skip = 1 + indent(rest(start + 1));
        start += skip;
    }
    let quoted = rest(start).starts_with(['"', '\'', '{', '[']);
    if let Some(colon) = rest(start).find(": ").filter(|_| !quoted) {
        start += colon + 1;
        start += indent(rest(start));
    }
    start..end.max(start)
}
