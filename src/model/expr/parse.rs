//! From tokens to what was written: a Pratt parser with caps on length, nodes and depth.

use super::ast::{Ast, At, Compare, Kind, Math, Range, Word};
use super::builtin::Builtin;
use super::lex::{self, Fault, Token};

/// The longest text, in bytes.
pub const MAX_LENGTH: usize = 16 * 1024;
/// The most nodes.
pub const MAX_NODES: usize = 2_000;
/// The deepest nesting; chains such as `a + b + c` count too.
pub const MAX_DEPTH: u16 = 96;

/// Words that are never names of their own.
pub(super) const KEYWORDS: [&str; 15] = [
    "and",
    "or",
    "if",
    "then",
    "else",
    "for",
    "in",
    "return",
    "some",
    "every",
    "satisfies",
    "between",
    "true",
    "false",
    "null",
];

const COMPARING: u8 = 3;
const ADDING: u8 = 4;

mod operand;

/// Reads a whole expression.
pub(super) fn expression(text: &str) -> Result<Ast, Fault> {
    let mut parser = Parser::new(text)?;
    let ast = parser.expr(0)?;
    parser.end()?;
    Ok(ast)
}

/// Reads a decision cell: tests with commas between; none for `-`, which is always true.
pub(super) fn tests(text: &str) -> Result<Option<Vec<Ast>>, Fault> {
    let mut parser = Parser::new(text)?;
    if text.trim() == "-" {
        return Ok(None);
    }
    let tests = parser.tests()?;
    parser.end()?;
    Ok(Some(tests))
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, At)>,
    next: usize,
    nodes: usize,
    depth: u16,
}

type Parsed<T = Ast> = Result<T, Fault>;

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parsed<Self> {
        if text.len() > MAX_LENGTH {
            let message = format!("expected an expression of at most {MAX_LENGTH} bytes, found {}", text.len());
            return Err((At::new(0, 0), message, None));
        }
        Ok(Self { text, tokens: lex::tokens(text)?, next: 0, nodes: 0, depth: 0 })
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn behind(&self) -> &Token {
        self.tokens.get(self.next + 1).map_or(&Token::End, |(token, _)| token)
    }

    fn at(&self) -> At {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(At::default(), |(_, at)| *at)
    }

    fn take(&mut self) -> (Token, At) {
        let taken = (self.peek().clone(), self.at());
        self.next += 1;
        taken
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found == word)
    }

    fn accept(&mut self, sign: &str) -> Option<At> {
        self.is(sign).then(|| self.take().1)
    }

    fn need(&mut self, sign: &str) -> Parsed<At> {
        self.accept(sign).ok_or_else(|| self.unexpected(&format!("`{sign}`")))
    }

    fn need_word(&mut self, word: &str) -> Parsed<At> {
        if self.is_word(word) { Ok(self.take().1) } else { Err(self.unexpected(&format!("`{word}`"))) }
    }

    /// A name; behind a dot any word is one.
    fn name(&mut self, any: bool) -> Parsed<Word> {
        match self.peek() {
            Token::Word(word) if any || !KEYWORDS.contains(&word.as_str()) => {
                let (text, at) = (word.clone(), self.at());
                self.next += 1;
                Ok(Word { text, at })
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn end(&self) -> Parsed<()> {
        if *self.peek() == Token::End { Ok(()) } else { Err(self.unexpected("the end of the expression")) }
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let at = self.at();
        let found = match self.peek() {
            Token::End => "its end".to_owned(),
            _ => format!("`{}`", at.of(self.text)),
        };
        (at, format!("expected {expected}, found {found}"), self.hint())
    }

    /// Help where words stand side by side or a name is called: a built-in that does not exist was meant.
    fn hint(&self) -> Option<String> {
        if let Some(habit) = self.habit() {
            return Some(habit.to_owned());
        }
        let words = |token: &Token| matches!(token, Token::Word(_) | Token::Sign("("));
        let start = self.tokens.get(..self.next)?.iter().rposition(|(token, _)| !words(token)).map_or(0, |at| at + 1);
        let open = self.tokens.iter().skip(start).position(|(token, _)| *token == Token::Sign("("))? + start;
        let name = self.tokens.get(start..open)?.iter().map(|(_, at)| at.of(self.text)).collect::<Vec<_>>().join(" ");
        Builtin::nearest(&name).map(|near| format!("did you mean `{near}(\u{2026})`?"))
    }

    /// What people write who come from another language.
    fn habit(&self) -> Option<&'static str> {
        let before = self.next.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|(token, _)| token);
        Some(match (before, self.peek()) {
            (_, Token::Sign("..")) => "a range is written in brackets: `x in [1..10]`",
            (_, Token::Sign("?")) => "write `if a then b else c`",
            (_, Token::Word(word)) if word == "is" => "write `x = null` or `x != null`",
            (_, Token::Word(word)) if word == "like" => "write `contains(text, part)` or `starts with(text, start)`",
            (Some(Token::Sign("<")), Token::Sign(">")) => "write `!=`",
            (Some(Token::Sign("=" | "==")), Token::Sign("=" | "==" | "<" | ">")) => "write `=`, `<=` or `>=`",
            (Some(Token::Word(word)), _) if word == "not" => "write `not(x)`",
            (Some(Token::Number(_)), Token::Word(_)) => {
                "a length of time is written `days(5)`, an amount `money(5, \"EUR\")`"
            }
            _ => return None,
        })
    }

    fn make(&mut self, kind: Kind, at: At) -> Parsed {
        self.nodes += 1;
        let ast = Ast::new(kind, at);
        if self.nodes > MAX_NODES {
            return Err((
                at,
                format!("expected at most {MAX_NODES} parts, found more"),
                Some("split the expression".into()),
            ));
        }
        if ast.depth > MAX_DEPTH { Err(too_deep(at)) } else { Ok(ast) }
    }

    /// An expression whose operators bind at least as tightly as `least`.
    fn expr(&mut self, least: u8) -> Parsed {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep(self.at()));
        }
        self.depth += 1;
        let mut left = self.operand()?;
        while let Some(tightness) = self.operator().filter(|tightness| *tightness >= least) {
            left = self.infix(left, tightness)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// How tightly the operator that stands next binds.
    fn operator(&self) -> Option<u8> {
        Some(match self.peek() {
            Token::Word(word) => match (word.as_str(), self.behind()) {
                ("or", _) => 1,
                ("and", _) => 2,
                ("between" | "in", _) => COMPARING,
                ("instance", Token::Word(of)) if of == "of" => COMPARING,
                _ => return None,
            },
            Token::Sign(sign) => match *sign {
                "||" => 1,
                "&&" => 2,
                "+" | "-" => ADDING,
                "*" | "/" => 5,
                "**" => 6,
                sign if Compare::of_sign(sign).is_some() => COMPARING,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn infix(&mut self, left: Ast, tightness: u8) -> Parsed {
        let (token, at) = self.take();
        match token {
            _ if tightness == 1 => self.chain(left, tightness, Kind::Any),
            _ if tightness == 2 => self.chain(left, tightness, Kind::All),
            Token::Word(word) if word == "between" => self.between(left),
            Token::Word(word) if word == "in" => self.within(left),
            Token::Word(_) => self.instance(left),
            Token::Sign(sign) => self.binary(left, sign, at, tightness),
            _ => Err(self.unexpected("an operator")),
        }
    }

    fn binary(&mut self, left: Ast, sign: &str, at: At, tightness: u8) -> Parsed {
        let right = self.expr(tightness + 1)?;
        let whole = left.at.to(right.at);
        let (left, right) = (Box::new(left), Box::new(right));
        if let Some(compare) = Compare::of_sign(sign) {
            if self.operator() == Some(COMPARING) {
                let help = Some("write `a < b and b < c`, or `b in (a..c)`".to_owned());
                return Err((self.at(), "expected one comparison, found two in a row".into(), help));
            }
            return self.make(Kind::Compare(compare, left, right), whole);
        }
        let math = match sign {
            "+" => Math::Add,
            "-" => Math::Subtract,
            "*" => Math::Multiply,
            "/" => Math::Divide,
            "**" => Math::Power,
            _ => return Err((at, format!("expected an operator, found `{sign}`"), None)),
        };
        self.make(Kind::Math(math, left, right), whole)
    }

    /// `a and b and c` is one node with three parts.
    fn chain(&mut self, left: Ast, tightness: u8, make: fn(Vec<Ast>) -> Kind) -> Parsed {
        let mut parts = vec![left];
        loop {
            parts.push(self.expr(tightness + 1)?);
            if self.operator() != Some(tightness) {
                break;
            }
            self.next += 1;
        }
        let at = parts.iter().fold(self.span_of(&parts), |all, part| all.to(part.at));
        self.make(make(parts), at)
    }

    fn span_of(&self, parts: &[Ast]) -> At {
        parts.first().map_or_else(|| self.at(), |part| part.at)
    }

    /// `x between a and b`.
    fn between(&mut self, of: Ast) -> Parsed {
        let from = self.expr(ADDING)?;
        self.need_word("and")?;
        let to = self.expr(ADDING)?;
        let (at, inner) = (of.at.to(to.at), from.at.to(to.at));
        let range = self.make(Kind::Range(Box::new(Range { from, to, closed: (true, true) })), inner)?;
        self.make(Kind::In(Box::new(of), vec![range]), at)
    }

    /// `x in xs`, `x in (a, b)`, `x in [1..10]`, `x in > 5`.
    fn within(&mut self, of: Ast) -> Parsed {
        let right = self.test(ADDING)?;
        let at = of.at.to(right.at);
        let tests = match right.kind {
            Kind::Tests(tests) => tests,
            _ => vec![right],
        };
        self.make(Kind::In(Box::new(of), tests), at)
    }

    fn instance(&mut self, of: Ast) -> Parsed {
        self.need_word("of")?;
        let name = self.name(false)?;
        let at = of.at.to(name.at);
        self.make(Kind::Instance(Box::new(of), name), at)
    }

    /// Tests with commas between.
    fn tests(&mut self) -> Parsed<Vec<Ast>> {
        let mut tests = vec![self.test(0)?];
        while self.accept(",").is_some() {
            tests.push(self.test(0)?);
        }
        Ok(tests)
    }

    /// `< 5`, or an expression whose operators bind at least as tightly as `least`.
    fn test(&mut self, least: u8) -> Parsed {
        let compare = if let Token::Sign(sign) = self.peek() { Compare::of_sign(sign) } else { None };
        let Some(compare) = compare else {
            return self.expr(least);
        };
        let at = self.take().1;
        let bound = self.expr(ADDING)?;
        let whole = at.to(bound.at);
        self.make(Kind::Test(compare, Box::new(bound)), whole)
    }
}

fn too_deep(at: At) -> Fault {
    (at, format!("expected at most {MAX_DEPTH} levels of nesting, found more"), Some("split the expression".into()))
}
