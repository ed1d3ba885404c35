//! Expressions of a model, FEEL or `${…}`, into those of this crate: where their meaning is certain, and only there.
//!
//! Certain is what gives the same value there and here, or stops here with an incident where it would have guessed there (a null in
//! arithmetic, a text where a number is needed). What would silently give another value is refused.

mod calls;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

/// The language that an expression is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `= …`, or said so.
    Feel,
    /// `${…}`, `#{…}`.
    Java,
    /// Nothing says which: what both would read in the same way.
    Plain,
}

/// Why an expression is not translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// Where in the text, in bytes.
    pub at: usize,
    /// In words, what is not understood.
    pub why: String,
}

impl Refused {
    fn new<T>(at: usize, why: impl Into<String>) -> Result<T, Self> {
        Err(Self { at, why: why.into() })
    }
}

/// Longest expression, in words and signs.
const MAX_TOKENS: usize = 2_000;

/// Whether the text is `${…}`, `#{…}` or `= …`: an expression where a plain word could stand too.
pub(super) fn is_marked(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('=') || inside(text).is_some()
}

/// Whether a text has `${…}` in it, and more beside: a text to be filled in.
pub(super) fn is_filled(text: &str) -> bool {
    !is_marked(text) && (text.contains("${") || text.contains("#{"))
}

/// The texts of `= "a"`, `= ["a", "b"]` or `${'a'}`, where an expression says nothing else.
pub(super) fn list_of_texts(text: &str) -> Option<Vec<String>> {
    use lex::Kind;
    let (dialect, body, _) = dialect(text);
    let tokens = lex::tokens(body, dialect).ok().filter(|_| dialect != Dialect::Plain)?;
    let inner = match tokens.as_slice() {
        [first, inner @ .., last] if first.kind == Kind::Sign("[") && last.kind == Kind::Sign("]") => inner,
        [one] => std::slice::from_ref(one),
        _ => return None,
    };
    let mut texts = Vec::new();
    for (at, token) in inner.iter().enumerate() {
        match &token.kind {
            Kind::Text(words) if at % 2 == 0 => texts.push(words.clone()),
            Kind::Sign(",") if at % 2 == 1 => {}
            _ => return None,
        }
    }
    (!texts.is_empty()).then_some(texts)
}

/// The pieces of a text with `${…}` in it, in their order: whether each is an expression, and where it begins.
pub(super) fn pieces(text: &str) -> Vec<(bool, usize, &str)> {
    if text.trim_start().starts_with('=') {
        return vec![(true, 0, text)];
    }
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(open) = rest.find("${").into_iter().chain(rest.find("#{")).min()
    {
        let marked = rest.get(open..).unwrap_or_default();
        let ends = marked.match_indices('}').map(|(end, _)| end + 1).take(50);
        let whole = ends.filter_map(|end| marked.get(..end)).find(|words| is_marked(words));
        let Some(whole) = whole else { break };
        pieces.push((false, at, rest.get(..open).unwrap_or_default()));
        pieces.push((true, at + open, whole));
        at += open + whole.len();
    }
    pieces.push((false, at, text.get(at..).unwrap_or_default()));
    pieces.into_iter().filter(|(is_expression, _, words)| *is_expression || !words.is_empty()).collect()
}

/// The dialect of a text by its mark, the expression itself, and where it begins.
fn dialect(text: &str) -> (Dialect, &str, usize) {
    let gap = text.len() - text.trim_start().len();
    let text = text.trim();
    if let Some(body) = inside(text) {
        return (Dialect::Java, body, gap + 2);
    }
    match text.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
        Some(rest) => (Dialect::Feel, rest, gap + 1),
        None => (Dialect::Plain, text, gap),
    }
}

/// What stands in `${…}`, when that is all of the text: the first brace that closes, outside of quotes, is the last letter.
fn inside(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("${").or_else(|| text.strip_prefix("#{"))?;
    let (mut quote, mut escaped) = (None, false);
    for (at, letter) in rest.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{') => return None,
            (None, '}') => return rest.get(..at).filter(|_| at + 1 == rest.len()),
            _ => {}
        }
    }
    None
}

/// Translates one expression; `name` gives the words that stand for a variable here. An expression without a mark is in the
/// `unmarked` dialect.
///
/// # Errors
/// Where and in words, what is not understood.
pub(super) fn translate(
    text: &str,
    unmarked: Dialect,
    name: &mut dyn FnMut(&str, Dialect) -> String,
) -> Result<String, Refused> {
    let (found, body, offset) = dialect(text);
    let dialect = if found == Dialect::Plain { unmarked } else { found };
    let shifted = |refused: Refused| Refused { at: refused.at + offset, why: refused.why };
    if let Some(at) = body.find("${").or_else(|| body.find("#{")).filter(|_| found == Dialect::Plain) {
        return Err(shifted(Refused { at, why: "a text with `${…}` in it".into() }));
    }
    let tokens = lex::tokens(body, dialect).map_err(shifted)?;
    if let Some(token) = tokens.get(MAX_TOKENS) {
        return Err(shifted(Refused { at: token.at, why: "an expression of so many words".into() }));
    }
    parse::whole(&tokens, body.len(), dialect, name).map_err(shifted)
}

/// A text as it is written in an expression.
pub(super) fn text(words: &str) -> String {
    let escaped = words.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{escaped}\"")
}
