//! Where YAML bites: what a comma, a `#` or a bracket made of a text, and how to mend it.
//!
//! The parser takes all of these without a word. Each is reported, and what was split is joined again, so that the
//! rest of the file is judged by what its author meant.

use super::tree::{Entry, Key, Node, Scalar, Style, Yaml};
use crate::load::problem::Problem;
use crate::model::Span;

/// Keys under which a person's sentence stands: there a ` #` is more likely a part of it than a comment.
const SENTENCES: &[&str] = &["title", "text", "doc", "user_task", "approve", "notify", "end", "incident", "en", "ru"];

/// The source at a span.
pub(super) fn slice(text: &str, span: Span) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// What is wrong with a key by its looks.
pub(super) fn bad_key(key: &Key) -> Option<Problem> {
    let text = &*key.text;
    if key.style != Style::Plain {
        return None;
    }
    if text == "<<" {
        let problem = Problem::error("yaml-anchor", key.span, "YAML merge keys are not used here");
        return Some(problem.help("write the keys out"));
    }
    if text.is_empty() {
        let problem = Problem::error("bad-key", key.span, "expected a key before the `:`, found nothing");
        return Some(problem.help("write `key: value`; quote a text that begins with `:`"));
    }
    None
}

/// Reports the keys of a block that end in `)`: the rest of an expression that YAML took for a key.
pub(super) fn torn_keys(entries: &[Entry], problems: &mut Vec<Problem>) {
    let torn = entries.iter().filter(|entry| entry.key.style == Style::Plain && entry.key.text.ends_with(')'));
    problems.extend(torn.map(|Entry { key, .. }| {
        let problem = Problem::error("split-text", key.span, format!("`{}` cannot be a key", key.text));
        problem.help(format!("quote a text with a comma or `: `; as a key write {}", quoted(&key.text)))
    }));
}

/// Reports a plain text that goes on behind ` #`, unless what follows looks like a comment.
pub(super) fn lost_text(text: &str, scalar: Span, comment: Span, key: Option<&str>) -> Option<Problem> {
    let gap = text.get(scalar.end as usize..comment.start as usize)?;
    let kept = slice(text, scalar);
    let lost = slice(text, comment);
    if gap.is_empty() || !gap.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let no_comment = lost.chars().nth(1).is_some_and(char::is_alphanumeric);
    let in_sentence = gap.len() == 1 && key.is_some_and(|key| SENTENCES.contains(&key));
    let torn = open_round(kept) > 0 || is_quote_open(kept);
    if !(no_comment || in_sentence || torn) {
        return None;
    }
    let message = format!("the text behind ` #` is lost: `{kept}` is all that is read");
    let whole = format!("{kept}{gap}{lost}");
    let help = format!("to keep it, use quotes: {}; for a comment, write two spaces before `# `", quoted(&whole));
    Some(Problem::error("lost-text", scalar.to(comment), message).help(help))
}

/// Joins the keys without a value that a comma split off, each with the value before it.
pub(super) fn mend_map(text: &str, entries: Vec<Entry>, start: Span, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut mended: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut entries = entries.into_iter().peekable();
    while let Some(entry) = entries.next() {
        let split_off = is_split_off(text, &entry);
        let ends_in_bracket = entry.key.style == Style::Plain && entry.key.text.ends_with(')');
        if !split_off && !ends_in_bracket {
            mended.push(entry);
            continue;
        }
        let mut last = entry.key.span;
        while let Some(next) = entries.next_if(|next| split_off && is_split_off(text, next)) {
            last = next.key.span;
        }
        let before =
            mended.last_mut().filter(|before| before.value.scalar().is_some_and(|it| it.style == Style::Plain));
        match before {
            Some(before) => problems.push(join(text, before, &entry.key, last)),
            None => problems.push(lonely_key(&entry.key, start)),
        }
    }
    mended
}

/// Whether the entry is a word between commas: a key that has neither value nor colon.
fn is_split_off(text: &str, entry: &Entry) -> bool {
    let after = text.get(entry.key.span.end as usize..).unwrap_or_default();
    entry.value.is_blank() && !after.trim_start().starts_with(':')
}

/// Puts the value of `before` and everything up to `last` into one text again.
fn join(text: &str, before: &mut Entry, split: &Key, last: Span) -> Problem {
    let from = if before.value.is_blank() { before.key.span } else { before.value.span };
    let whole = from.to(last);
    let written = slice(text, whole);
    let message = format!("the comma ends the text, so `{}` is read as a key without a value", split.text);
    let help = format!("use quotes: `{}: {}`, or write one key a line", before.key.text, quoted(written));
    if matches!(before.value.yaml, Yaml::Scalar(_)) {
        before.value = plain(written, whole);
    }
    Problem::error("split-text", split.span, message).help(help).label(from, "the text begins here")
}

fn lonely_key(key: &Key, start: Span) -> Problem {
    let message = format!("inside `{{ }}`, `{}` is a key without a value", key.text);
    let key_text = &key.text;
    let help =
        format!("write `{key_text}: ...`, or `[{key_text}, ...]` for a list; quote a text that has a comma or `{{`");
    Problem::error("split-text", key.span, message).help(help).label(start, "the mapping begins here")
}

/// Joins items that a comma inside `( )` or `" "` split.
pub(super) fn mend_list(text: &str, items: Vec<Node>, problems: &mut Vec<Problem>) -> Vec<Node> {
    let mut mended: Vec<Node> = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    while let Some(first) = items.next() {
        let mut whole = first.span;
        while is_torn(&first, slice(text, whole)) {
            let Some(next) = items.next_if(|next| next.scalar().is_some_and(|scalar| scalar.style == Style::Plain))
            else {
                break;
            };
            whole = whole.to(next.span);
        }
        if whole == first.span {
            mended.push(first);
            continue;
        }
        let written = slice(text, whole);
        let message = format!("the comma ends the text `{}`", slice(text, first.span));
        let help = format!("use quotes: {}", quoted(written));
        problems.push(Problem::error("split-text", whole, message).help(help));
        mended.push(plain(written, whole));
    }
    mended
}

fn is_torn(first: &Node, written: &str) -> bool {
    let is_plain = first.scalar().is_some_and(|scalar| scalar.style == Style::Plain);
    is_plain && (open_round(written) > 0 || is_quote_open(written))
}

fn plain(written: &str, span: Span) -> Node {
    Node { yaml: Yaml::Scalar(Scalar::new(written, Style::Plain, written)), span }
}

/// How many `(` have no `)`.
fn open_round(text: &str) -> i64 {
    let count = |c| i64::try_from(text.matches(c).count()).unwrap_or(i64::MAX);
    count('(').saturating_sub(count(')'))
}

/// Whether a double quote is left open.
fn is_quote_open(text: &str) -> bool {
    text.matches('"').count() % 2 == 1
}

/// The text in the quotes that need the least escaping.
pub(super) fn quoted(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match (text.contains('"') || text.contains('\\'), text.contains('\'')) {
        (false, _) => format!("\"{text}\""),
        (true, false) => format!("'{text}'"),
        (true, true) => format!("'{}'", text.replace('\'', "''")),
    }
}
