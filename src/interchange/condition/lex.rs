//! Words and signs of an expression, with their places.

use super::{Dialect, Refused, calls};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    /// Where it begins, in bytes.
    pub at: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Number(String),
    Text(String),
    /// A variable, a word of the language, or a function.
    Word(String),
    Sign(&'static str),
}

impl Token {
    pub fn word(&self) -> &str {
        match &self.kind {
            Kind::Number(word) | Kind::Text(word) | Kind::Word(word) => word,
            Kind::Sign(sign) => sign,
        }
    }
}

const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "**", "..", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]",
    "{", "}", ",", ".", "?", ":", "@",
];

pub(super) fn tokens(text: &str, dialect: Dialect) -> Result<Vec<Token>, Refused> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += rest.len() - rest.trim_start().len();
        let rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let (length, kind) = match first {
            _ if first.is_ascii_digit() => number(rest),
            '"' | '\'' => quoted(rest, first, dialect).map_err(|why| Refused { at, why })?,
            '`' => backtick(rest).ok_or_else(|| Refused { at, why: "a name without its end".into() })?,
            _ if first.is_alphabetic() || first == '_' => name(rest, dialect),
            _ => {
                let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                    return Refused::new(at, format!("`{first}`"));
                };
                (sign.len(), Kind::Sign(sign))
            }
        };
        tokens.push(Token { at, kind });
        at += length;
    }
}

fn name(rest: &str, dialect: Dialect) -> (usize, Kind) {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    // Functions of FEEL have names of several words.
    let length = if dialect == Dialect::Java { end } else { calls::spaced(rest).unwrap_or(end) };
    (length, Kind::Word(rest.get(..length).unwrap_or_default().to_string()))
}

fn number(rest: &str) -> (usize, Kind) {
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let behind = rest.get(whole..).unwrap_or_default();
    let fraction =
        behind.strip_prefix('.').map_or(0, |tail| tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len()));
    let length = if fraction > 0 { whole + 1 + fraction } else { whole };
    (length, Kind::Number(rest.get(..length).unwrap_or_default().to_string()))
}

/// A name of FEEL that holds signs.
fn backtick(rest: &str) -> Option<(usize, Kind)> {
    let inside = rest.strip_prefix('`')?;
    let end = inside.find('`').filter(|end| *end > 0)?;
    Some((end + 2, Kind::Word(inside.get(..end)?.to_string())))
}

fn quoted(rest: &str, quote: char, dialect: Dialect) -> Result<(usize, Kind), String> {
    let mut words = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, escaped @ ('\\' | '"' | '\''))) => words.push(escaped),
                Some((_, 'n')) if dialect != Dialect::Java => words.push('\n'),
                Some((_, 't')) if dialect != Dialect::Java => words.push('\t'),
                Some((_, other)) => return Err(format!("`\\{other}` in a text")),
                None => break,
            },
            letter if letter == quote => return Ok((at + letter.len_utf8(), Kind::Text(words))),
            letter => words.push(letter),
        }
    }
    Err("a text without its end".into())
}
