//! From words and signs to an expression of this crate, operator by operator.

use super::calls::{self, Part, WHOLE};
use super::lex::{Kind, Token};
use super::{Dialect, Refused};
use crate::interchange::words::snake;

/// Deepest nesting.
const MAX_DEPTH: u32 = 40;

/// Binary operators from the loosest: their signs, what they are here.
const LEVELS: &[&[(&str, &str)]] = &[
    &[("||", "or"), ("or", "or")],
    &[("&&", "and"), ("and", "and")],
    COMPARISONS,
    &[("+", "+"), ("-", "-")],
    &[("*", "*"), ("/", "/"), ("div", "/"), ("%", "%"), ("mod", "%")],
    &[("**", "**")],
];

const COMPARISONS: &[(&str, &str)] = &[
    ("==", "="),
    ("=", "="),
    ("eq", "="),
    ("!=", "!="),
    ("ne", "!="),
    ("<=", "<="),
    ("le", "<="),
    (">=", ">="),
    ("ge", ">="),
    ("<", "<"),
    ("lt", "<"),
    (">", ">"),
    ("gt", ">"),
];

const OR: u8 = 0;
const COMPARE: u8 = 2;
const ADD: u8 = 3;
const POWER: u8 = 5;
const MINUS: u8 = 6;

/// Operators of `${…}` that are names in FEEL.
const JAVA_WORDS: &[&str] = &["eq", "ne", "le", "ge", "lt", "gt", "div", "mod", "empty"];
/// Words that no variable is called.
const WORDS: &[&str] = &[
    "then",
    "else",
    "return",
    "satisfies",
    "in",
    "and",
    "or",
    "between",
    "instance",
    "for",
    "some",
    "every",
    "if",
    "function",
];
/// Objects of other engines.
const OBJECTS: &[&str] = &[
    "execution",
    "task",
    "externalTask",
    "caseExecution",
    "authenticatedUserId",
    "authenticatedUserGroups",
    "authenticatedTenantIds",
    "connector",
    "camunda",
];

type Found = Result<Part, Refused>;

pub(super) fn whole(
    tokens: &[Token],
    end: usize,
    dialect: Dialect,
    name: &mut dyn FnMut(&str, Dialect) -> String,
) -> Result<String, Refused> {
    let mut parser = Parser { tokens, end, at: 0, depth: 0, dialect, name, locals: Vec::new(), in_filter: false };
    let whole = parser.level(OR)?;
    match parser.peek() {
        None => Ok(whole.0),
        Some(token) => Refused::new(token.at, format!("`{}`", token.word())),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    /// Where the text ends.
    end: usize,
    at: usize,
    depth: u32,
    dialect: Dialect,
    name: &'t mut dyn FnMut(&str, Dialect) -> String,
    /// Names that `for`, `some` and `every` bring.
    locals: Vec<String>,
    /// Whether a bare name may be the item's or the process's.
    in_filter: bool,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    fn place(&self) -> usize {
        self.peek().map_or(self.end, |token| token.at)
    }

    fn refuse<T>(&self, why: impl Into<String>) -> Result<T, Refused> {
        Refused::new(self.place(), why)
    }

    fn is(&self, sign: &str) -> bool {
        self.is_at(self.at, sign)
    }

    fn is_at(&self, at: usize, sign: &str) -> bool {
        match self.tokens.get(at).map(|token| &token.kind) {
            Some(Kind::Sign(word)) => *word == sign,
            Some(Kind::Word(word)) => {
                word == sign && !(self.dialect == Dialect::Feel && JAVA_WORDS.contains(&word.as_str()))
            }
            _ => false,
        }
    }

    /// Takes the sign or word if it comes next.
    fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), Refused> {
        if self.take(sign) { Ok(()) } else { self.wanted(&format!("`{sign}`")) }
    }

    fn wanted<T>(&self, what: &str) -> Result<T, Refused> {
        match self.peek() {
            Some(token) => self.refuse(format!("`{}` where {what} was expected", token.word())),
            None => self.refuse(format!("its end where {what} was expected")),
        }
    }

    /// A name that comes next.
    fn word(&mut self) -> Result<String, Refused> {
        match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(word)) => {
                self.at += 1;
                Ok(word.clone())
            }
            _ => self.wanted("a name"),
        }
    }

    fn level(&mut self, level: u8) -> Found {
        let Some(signs) = LEVELS.get(usize::from(level)) else { return self.unary() };
        let start = self.at;
        let mut left = self.level(level + 1)?;
        let mut times = 0;
        loop {
            if level == COMPARE && (self.is("between") || self.is("in")) {
                left = self.among(left)?;
                times += 1;
                continue;
            }
            let Some((sign, meaning)) = signs.iter().find(|(sign, _)| self.is(sign)).copied() else { break };
            times += 1;
            if times > 1 && matches!(level, COMPARE | POWER) {
                return self.refuse(format!("another `{sign}`: write parentheses"));
            }
            self.at += 1;
            let between = self.at - 1;
            let right = self.level(level + 1)?;
            self.doubtful(sign, (start, between))?;
            left = match meaning {
                // Java's remainder has the sign of what is divided.
                "%" => {
                    let (a, b) = (wrap(left, WHOLE), wrap(right, WHOLE));
                    (format!("{a} - {b} * round down({a} / {b})"), ADD)
                }
                sign => (format!("{} {sign} {}", wrap(left, level), wrap(right, level + 1)), level),
            };
        }
        if level == OR && self.dialect != Dialect::Feel && self.take("?") {
            left = self.ternary(left)?;
        }
        Ok(left)
    }

    fn ternary(&mut self, condition: Part) -> Found {
        self.deeper()?;
        let then = self.level(OR)?;
        self.need(":")?;
        let other = self.level(OR)?;
        self.depth -= 1;
        Ok((format!("if {} then {} else {}", condition.0, then.0, other.0), OR))
    }

    /// What one dialect understands otherwise than this crate does. `start` is where the left side begins, `sign` where the sign stands.
    fn doubtful(&self, sign: &str, (start, at): (usize, usize)) -> Result<(), Refused> {
        let place = self.tokens.get(at).map_or(self.end, |token| token.at);
        let sides = [self.tokens.get(start..at), self.tokens.get(at + 1..self.at)].map(Option::unwrap_or_default);
        let is_text = |side: &&[Token]| matches!(side, [Token { kind: Kind::Text(_), .. }]);
        if self.dialect == Dialect::Feel {
            return Ok(());
        }
        if self.dialect == Dialect::Java && sign == "=" {
            return Refused::new(place, "`=`, which compares nothing there: write `==`");
        }
        if self.dialect == Dialect::Java && sign == "**" {
            return Refused::new(place, "`**`");
        }
        if self.dialect == Dialect::Java && sign == "+" && sides.iter().any(is_text) {
            return Refused::new(place, "`+` with a text, which adds numbers there");
        }
        let compared = sides.iter().find_map(|side| match side {
            [Token { kind: Kind::Text(words), .. }] => Some(words.trim()),
            _ => None,
        });
        let converts = |words: &&str| words.parse::<f64>().is_ok() || matches!(*words, "true" | "false" | "");
        let other_is_text = sides.iter().all(is_text);
        if let Some(words) = compared.filter(converts).filter(|_| self.dialect == Dialect::Java && !other_is_text) {
            return Refused::new(
                place,
                format!("a comparison with the text '{words}', which there may be a number, a truth value or null"),
            );
        }
        Ok(())
    }

    /// `between … and …`, `in …`.
    fn among(&mut self, left: Part) -> Found {
        let left = wrap(left, ADD);
        if self.take("between") {
            let low = self.level(ADD)?;
            self.need("and")?;
            let high = self.level(ADD)?;
            return Ok((format!("{left} between {} and {}", wrap(low, ADD), wrap(high, ADD)), COMPARE));
        }
        self.need("in")?;
        let tests = match self.range()? {
            Some(range) => range,
            None if self.take("(") => self.tests()?,
            None => {
                let list = self.level(ADD)?;
                wrap(list, ADD)
            }
        };
        Ok((format!("{left} in {tests}"), COMPARE))
    }

    /// `[1..10]`, with brackets that are round, or turned round, where the bound itself is left out.
    fn range(&mut self) -> Result<Option<String>, Refused> {
        if !self.is_range() {
            return Ok(None);
        }
        let Some(open) = ["[", "(", "]"].into_iter().find(|sign| self.take(sign)) else { return Ok(None) };
        let low = self.level(ADD)?;
        self.need("..")?;
        let high = self.level(ADD)?;
        let Some(close) = ["]", ")", "["].into_iter().find(|sign| self.take(sign)) else {
            return self.wanted("the end of the range");
        };
        let open = if open == "[" { "[" } else { "(" };
        let close = if close == "]" { "]" } else { ")" };
        Ok(Some(format!("{open}{}..{}{close}", wrap(low, ADD), wrap(high, ADD))))
    }

    /// Whether two dots stand in the bracket that comes next.
    fn is_range(&self) -> bool {
        let mut depth = 0;
        for (at, token) in self.tokens.iter().enumerate().skip(self.at) {
            match &token.kind {
                Kind::Sign(sign) if at == self.at && matches!(*sign, "[" | "(" | "]") => depth = 1,
                Kind::Sign("..") if depth == 1 => return true,
                Kind::Sign("(" | "[" | "{") => depth += 1,
                Kind::Sign(")" | "]" | "}") => depth -= 1,
                Kind::Sign(",") if depth == 1 => return false,
                _ => {}
            }
            if depth < 1 {
                return false;
            }
        }
        false
    }

    /// The tests of `in (1, > 5, [7..9])`.
    fn tests(&mut self) -> Result<String, Refused> {
        let mut tests = Vec::new();
        loop {
            let sign = ["<=", ">=", "<", ">"].into_iter().find(|sign| self.take(sign));
            let range = if sign.is_none() { self.range()? } else { None };
            tests.push(match (range, sign) {
                (Some(range), _) => range,
                (None, Some(sign)) => format!("{sign} {}", wrap(self.level(ADD)?, ADD)),
                (None, None) => wrap(self.level(ADD)?, ADD),
            });
            if !self.take(",") {
                self.need(")")?;
                return Ok(format!("({})", tests.join(", ")));
            }
        }
    }

    fn deeper(&mut self) -> Result<(), Refused> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { self.refuse("so many parentheses") } else { Ok(()) }
    }

    fn unary(&mut self) -> Found {
        self.deeper()?;
        let part = self.prefixed();
        self.depth -= 1;
        part
    }

    fn prefixed(&mut self) -> Found {
        if self.dialect != Dialect::Feel && self.take("!") {
            return Ok((format!("not({})", self.unary()?.0), WHOLE));
        }
        if self.is("not") && !self.is_at(self.at + 1, "(") {
            if self.dialect == Dialect::Feel {
                return self.refuse("`not` without parentheses");
            }
            self.at += 1;
            return Ok((format!("not({})", self.unary()?.0), WHOLE));
        }
        if self.take("-") {
            let part = (format!("-{}", wrap(self.unary()?, MINUS)), MINUS);
            return if self.is("**") { self.refuse("`**` behind a minus: write parentheses") } else { Ok(part) };
        }
        if self.dialect != Dialect::Feel && self.take("empty") {
            let of = wrap(self.unary()?, WHOLE);
            return Ok((calls::empty(&of), OR));
        }
        if self.dialect != Dialect::Java {
            if self.take("if") {
                return self.choice();
            }
            if let Some(word) = ["for", "some", "every"].into_iter().find(|word| self.take(word)) {
                return self.each(word);
            }
        }
        self.postfix()
    }

    fn choice(&mut self) -> Found {
        let condition = self.level(OR)?;
        self.need("then")?;
        let then = self.level(OR)?;
        self.need("else")?;
        let other = self.level(OR)?;
        Ok((format!("if {} then {} else {}", condition.0, then.0, other.0), OR))
    }

    /// `for x in xs return …`, `some x in xs satisfies …`, `every …`.
    fn each(&mut self, word: &str) -> Found {
        let before = self.locals.len();
        let mut bound = Vec::new();
        loop {
            let local = self.word()?;
            self.need("in")?;
            let list = self.level(ADD)?;
            let list = if self.take("..") { format!("{}..{}", list.0, self.level(ADD)?.0) } else { list.0 };
            bound.push(format!("{} in {list}", snake(&local, "item")));
            self.locals.push(local);
            if !self.take(",") {
                break;
            }
        }
        let then = if word == "for" { "return" } else { "satisfies" };
        self.need(then)?;
        let body = self.level(OR)?;
        self.locals.truncate(before);
        Ok((format!("{word} {} {then} {}", bound.join(", "), body.0), OR))
    }

    fn postfix(&mut self) -> Found {
        let is_number = matches!(self.peek().map(|token| &token.kind), Some(Kind::Number(_)));
        let mut part = self.atom()?;
        loop {
            if is_number {
                return Ok(part);
            } else if self.take(".") {
                part = self.member(part)?;
            } else if self.is("[") {
                part = self.index(part)?;
            } else {
                return Ok(part);
            }
        }
    }

    fn member(&mut self, part: Part) -> Found {
        let place = self.place();
        let word = self.word()?;
        if self.dialect == Dialect::Feel || !self.is("(") {
            return Ok((format!("{}.{}", wrap(part, WHOLE), snake(&word, "part")), WHOLE));
        }
        self.at += 1;
        let begin = self.at;
        let arguments = self.arguments()?;
        let given = self.tokens.get(begin..self.at - 1).unwrap_or_default();
        calls::method(&part, &word, &arguments, given).map_err(|why| Refused { at: place, why })
    }

    /// `x[0]`, `x["part"]`; of FEEL also a filter over `item`.
    fn index(&mut self, part: Part) -> Found {
        let (place, part) = (self.place(), wrap(part, WHOLE));
        self.need("[")?;
        let key = self.peek().map(|token| &token.kind);
        if self.is_at(self.at + 1, "]") {
            self.at += 2;
            match key {
                // There the first is 0.
                Some(Kind::Number(place)) if self.dialect == Dialect::Java => {
                    let next = place.parse::<u32>().ok().and_then(|place| place.checked_add(1));
                    let next = next.ok_or(Refused { at: self.place(), why: "such a place in a list".into() })?;
                    return Ok((format!("{part}[{next}]"), WHOLE));
                }
                Some(Kind::Number(place)) if self.dialect == Dialect::Feel => {
                    return Ok((format!("{part}[{place}]"), WHOLE));
                }
                Some(Kind::Text(word)) if self.dialect != Dialect::Feel => {
                    return Ok((format!("{part}.{}", snake(word, "part")), WHOLE));
                }
                _ => self.at -= 2,
            }
        }
        if self.dialect != Dialect::Feel {
            return Refused::new(place, "a place in a list that is no number");
        }
        if self.take("-")
            && let Some(Kind::Number(back)) = self.peek().map(|token| &token.kind)
            && self.is_at(self.at + 1, "]")
        {
            self.at += 2;
            return Ok((format!("{part}[-{back}]"), WHOLE));
        }
        let outer = std::mem::replace(&mut self.in_filter, true);
        let condition = self.level(OR)?;
        self.in_filter = outer;
        self.need("]")?;
        Ok((format!("{part}[{}]", condition.0), WHOLE))
    }

    fn arguments(&mut self) -> Result<Vec<String>, Refused> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.level(OR)?.0);
            if !self.take(",") {
                self.need(")")?;
                return Ok(arguments);
            }
        }
    }

    fn atom(&mut self) -> Found {
        let place = self.place();
        if self.take("(") {
            let inner = self.level(OR)?;
            self.need(")")?;
            return Ok((format!("({})", inner.0), WHOLE));
        }
        if self.dialect != Dialect::Java {
            if self.take("[") {
                return self.list();
            }
            if self.take("{") {
                return self.map();
            }
            if self.take("@") {
                return self.literal();
            }
        }
        let Some(token) = self.peek() else { return self.wanted("a value") };
        match &token.kind {
            Kind::Number(digits) => {
                self.at += 1;
                Ok((digits.clone(), WHOLE))
            }
            Kind::Text(words) => {
                self.at += 1;
                Ok((super::text(words), WHOLE))
            }
            Kind::Word(word) => {
                self.at += 1;
                self.named(word, place)
            }
            Kind::Sign(sign) => self.refuse(format!("`{sign}`")),
        }
    }

    /// A variable, a function, or a word that means something by itself.
    fn named(&mut self, word: &str, place: usize) -> Found {
        if matches!(word, "true" | "false" | "null") {
            return Ok((word.to_string(), WHOLE));
        }
        if self.dialect == Dialect::Java && matches!(word, "variables" | "vars" | "var") && self.is(":") {
            return self.over_variable(place);
        }
        if self.take("(") {
            let begin = self.at;
            let arguments = self.arguments()?;
            let given = self.tokens.get(begin..self.at - 1).unwrap_or_default();
            let found = match self.dialect {
                Dialect::Java if word != "not" => calls::function_of_java(word, &arguments),
                _ => calls::function(word, &arguments, given),
            };
            return found.map_err(|why| Refused { at: place, why });
        }
        if word == "execution" && self.dialect != Dialect::Feel {
            return self.variable_of_execution(place);
        }
        if self.locals.iter().any(|local| local == word) {
            return Ok((snake(word, "item"), WHOLE));
        }
        if self.in_filter && word != "item" {
            return Refused::new(place, format!("`{word}` in a filter, which may be the item's or a variable"));
        }
        if self.in_filter {
            return Ok(("item".into(), WHOLE));
        }
        if OBJECTS.contains(&word) {
            return Refused::new(place, format!("`{word}`, which is an object of another engine"));
        }
        if WORDS.contains(&word) {
            return Refused::new(place, format!("`{word}`"));
        }
        Ok(((self.name)(word, self.dialect), WHOLE))
    }

    fn list(&mut self) -> Found {
        let mut items = Vec::new();
        if !self.take("]") {
            loop {
                items.push(self.level(OR)?.0);
                if !self.take(",") {
                    self.need("]")?;
                    break;
                }
            }
        }
        Ok((format!("[{}]", items.join(", ")), WHOLE))
    }

    /// `{name: value, "other name": value}`.
    fn map(&mut self) -> Found {
        let mut entries = Vec::new();
        if !self.take("}") {
            loop {
                let key = match self.peek().map(|token| &token.kind) {
                    Some(Kind::Word(word) | Kind::Text(word)) => snake(word, "part"),
                    _ => return self.wanted("a name"),
                };
                self.at += 1;
                self.need(":")?;
                entries.push(format!("{key}: {}", self.level(OR)?.0));
                if !self.take(",") {
                    self.need("}")?;
                    break;
                }
            }
        }
        Ok((format!("{{{}}}", entries.join(", ")), WHOLE))
    }

    /// `@"P1D"`, `@"2026-03-02"`.
    fn literal(&mut self) -> Found {
        let Some(Kind::Text(words)) = self.peek().map(|token| &token.kind) else { return self.wanted("a text") };
        let is_length = words.trim_start_matches('-').starts_with('P');
        let is_date = words.get(4..5) == Some("-") && !words.contains('@');
        if !is_length && !is_date {
            return self.refuse(format!("`@\"{words}\"`, which is no date and no length of time"));
        }
        self.at += 1;
        Ok((format!("@{}", super::text(words)), WHOLE))
    }

    /// `execution.getVariable("x")`.
    fn variable_of_execution(&mut self, place: usize) -> Found {
        let rest: Vec<&Kind> = self.tokens.iter().skip(self.at).take(5).map(|token| &token.kind).collect();
        match rest.as_slice() {
            [Kind::Sign("."), Kind::Word(get), Kind::Sign("("), Kind::Text(name), Kind::Sign(")")]
                if get == "getVariable" =>
            {
                self.at += 5;
                Ok(((self.name)(name, self.dialect), WHOLE))
            }
            _ => Refused::new(place, "`execution`, which is an object of another engine"),
        }
    }

    /// `variables:equals(status, "new")`: the first argument names a variable, with quotes or without.
    fn over_variable(&mut self, place: usize) -> Found {
        self.need(":")?;
        let function = self.word()?;
        self.need("(")?;
        let variable = match self.peek().map(|token| &token.kind) {
            Some(Kind::Word(word) | Kind::Text(word)) => word.clone(),
            _ => return self.wanted("a variable"),
        };
        self.at += 1;
        let mut arguments = vec![(self.name)(&variable, self.dialect)];
        if self.take(",") {
            arguments.extend(self.arguments()?);
        } else {
            self.need(")")?;
        }
        calls::over_variable(&function, &arguments).map_err(|why| Refused { at: place, why })
    }
}

fn wrap((text, binds): Part, level: u8) -> String {
    if binds < level { format!("({text})") } else { text }
}
