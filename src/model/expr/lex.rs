//! From text to tokens. Names of built-ins may hold spaces: they are recognised here, by the bracket behind them.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::ast::At;
use super::builtin::Builtin;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(Decimal),
    Text(Arc<str>),
    /// `@"…"`.
    Typed(String),
    /// A name or a keyword.
    Word(String),
    /// The name of a built-in; its bracket follows.
    Function(Builtin),
    Sign(&'static str),
    End,
}

/// What is wrong at a place: message and help.
pub(super) type Fault = (At, String, Option<String>);

/// The signs, longer ones first.
const SIGNS: [&str; 29] = [
    "**", "==", "!=", "<=", ">=", "&&", "||", "..", "+", "-", "*", "/", "=", "<", ">", "(", ")", "[", "]", "{", "}",
    ",", ":", ".", "?", "!", "\u{2260}", "\u{2264}", "\u{2265}",
];

/// All tokens of the text, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, At)>, Fault> {
    let mut lexer = Lexer { text, at: 0, found: Vec::new() };
    while lexer.step()? {}
    Ok(lexer.found)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    found: Vec<(Token, At)>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn step(&mut self) -> Result<bool, Fault> {
        self.at = self.text.len() - self.rest().trim_start().len();
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.push(Token::End, 0);
            return Ok(false);
        };
        match first {
            '0'..='9' => self.number(),
            '.' if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => self.number(),
            '"' => self.string(0),
            '@' => self.string(1),
            _ if first.is_alphabetic() || first == '_' => {
                self.word();
                Ok(())
            }
            _ => self.sign(first),
        }?;
        Ok(true)
    }

    fn push(&mut self, token: Token, length: usize) {
        let end = self.at + length;
        self.found.push((token, At::new(self.at, end)));
        self.at = end;
    }

    fn fault(&self, length: usize, message: impl Into<String>, help: Option<&str>) -> Fault {
        (At::new(self.at, self.at + length), message.into(), help.map(str::to_owned))
    }

    fn number(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let tail = rest.get(whole..).unwrap_or("");
        let fraction = match tail.strip_prefix('.') {
            Some(after) => after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len()),
            None => 0,
        };
        let length = if fraction == 0 { whole } else { whole + 1 + fraction };
        let digits = rest.get(..length).unwrap_or("");
        let glued = rest.get(length..).is_some_and(|tail| tail.starts_with(|c: char| c.is_alphabetic() || c == '_'));
        if glued {
            let help = "lengths of time are written `days(2)`, `hours(5)` or `@\"PT5M\"`";
            return Err(self.fault(
                length + 1,
                format!("expected a number, found a letter behind `{digits}`"),
                Some(help),
            ));
        }
        match Decimal::from_str_exact(digits) {
            Ok(number) => self.push(Token::Number(number), length),
            Err(_) => return Err(self.fault(length, "expected a number of at most 28 digits", None)),
        }
        Ok(())
    }

    /// A quoted text, after `skip` bytes (the `@`).
    fn string(&mut self, skip: usize) -> Result<(), Fault> {
        let mut chars = self.rest().get(skip..).unwrap_or("").char_indices();
        if chars.next().is_none_or(|(_, c)| c != '"') {
            return Err(self.fault(1, "expected a quoted text behind `@`", Some("write for example `@\"P3D\"`")));
        }
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    let token = if skip == 0 { Token::Text(Arc::from(text)) } else { Token::Typed(text) };
                    self.push(token, skip + at + 1);
                    return Ok(());
                }
                '\\' => match escape(&mut chars) {
                    Some(c) => text.push(c),
                    None => {
                        let help = Some("`\\\\`, `\\\"`, `\\n`, `\\t` and `\\u00e9` are the escapes");
                        let place = (At::new(self.at + skip + at, self.at + skip + at + 1), help);
                        return Err((place.0, "expected an escape behind `\\`".into(), place.1.map(str::to_owned)));
                    }
                },
                c => text.push(c),
            }
        }
        Err(self.fault(self.rest().len(), "expected a closing `\"`", None))
    }

    fn word(&mut self) {
        let rest = self.rest();
        let behind_dot = matches!(self.found.last(), Some((Token::Sign("."), _)));
        if let Some((builtin, length)) = Builtin::at_start_of(rest).filter(|_| !behind_dot) {
            return self.push(Token::Function(builtin), length);
        }
        let length = word_length(rest);
        self.push(Token::Word(rest.get(..length).unwrap_or("").to_owned()), length);
    }

    fn sign(&mut self, first: char) -> Result<(), Fault> {
        let sign = SIGNS.into_iter().find(|sign| self.rest().starts_with(sign));
        let (known, help) = match (sign, first) {
            (Some("!"), _) => (None, Some("write `not(x)`")),
            (Some("\u{2260}"), _) => (Some("!="), None),
            (Some("\u{2264}"), _) => (Some("<="), None),
            (Some("\u{2265}"), _) => (Some(">="), None),
            (Some(sign), _) => (Some(sign), None),
            (None, '\'' | '\u{201c}' | '\u{201d}' | '\u{ab}') => {
                (None, Some("write texts in straight double quotes: \"text\""))
            }
            (None, '&' | '|') => (None, Some("write `and`, `or`")),
            (None, ';') => (None, Some("arguments and items are separated by `,`")),
            (None, '%') => (None, Some("write `modulo(a, b)`, or `x * 20 / 100` for a percentage")),
            (None, _) => (None, None),
        };
        match (known, sign) {
            (Some(known), Some(sign)) => self.push(Token::Sign(known), sign.len()),
            _ => return Err(self.fault(first.len_utf8(), format!("expected an expression, found `{first}`"), help)),
        }
        Ok(())
    }
}

/// The character that an escape stands for.
fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    Some(match chars.next()?.1 {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        c @ ('"' | '\\' | '/' | '{' | '}') => c,
        'u' => {
            let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        _ => return None,
    })
}

/// The length of the name at the start of the text.
pub(super) fn word_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())
}
