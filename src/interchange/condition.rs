//! Expressions of a model, FEEL or `${…}`, into those of this crate: where their meaning is certain, and only there.

/// Whether the text is `${…}`, `#{…}` or `= …`: an expression where a plain word could stand too.
pub(super) fn is_marked(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('=') || inside(text).is_some()
}

/// What stands in `${…}`, when that is all of the text.
fn inside(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("${").or_else(|| text.strip_prefix("#{"))?;
    rest.strip_suffix('}').filter(|words| !words.contains(['{', '}']))
}

/// Translates one expression; `name` gives the words that stand for a variable here.
///
/// # Errors
/// In words, what is not understood.
pub(super) fn translate(text: &str, name: &mut dyn FnMut(&str) -> String) -> Result<String, String> {
    let text = text.trim();
    let body = inside(text).or_else(|| text.strip_prefix('=').filter(|rest| !rest.starts_with('='))).unwrap_or(text);
    if body.contains("${") || body.contains("#{") {
        return Err("a text with `${…}` in it".into());
    }
    let tokens = lex(body)?;
    if tokens.len() > 2_000 {
        return Err("an expression of so many words".into());
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, name };
    let whole = parser.level(0)?;
    match parser.peek() {
        None => Ok(whole.0),
        Some(token) => Err(format!("`{}`", token.word())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    Text(String),
    /// A variable, a word of the language, or a function.
    Word(String),
    Sign(&'static str),
}

impl Token {
    fn word(&self) -> &str {
        match self {
            Token::Number(word) | Token::Text(word) | Token::Word(word) => word,
            Token::Sign(sign) => sign,
        }
    }
}

const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "**", "..", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]",
    ",", ".", "?", ":",
];

/// Functions whose name and arguments are the same here as in FEEL.
const FUNCTIONS: &[&str] = &[
    "list contains",
    "starts with",
    "ends with",
    "string length",
    "substring before",
    "substring after",
    "upper case",
    "lower case",
    "get or else",
    "is defined",
    "string join",
    "distinct values",
    "contains",
    "substring",
    "count",
    "sum",
    "min",
    "max",
    "mean",
    "median",
    "floor",
    "ceiling",
    "abs",
    "not",
    "number",
    "string",
    "replace",
    "split",
    "append",
    "concatenate",
    "reverse",
    "flatten",
    "date",
    "duration",
    "now",
    "today",
    "trim",
];

fn lex(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first.is_ascii_digit() {
            let length = digits(rest);
            tokens.push(Token::Number(rest.get(..length).unwrap_or_default().to_string()));
            length
        } else if first == '"' || first == '\'' {
            let (length, words) = quoted(rest, first)?;
            tokens.push(Token::Text(words));
            length
        } else if first.is_alphabetic() || first == '_' {
            let function = FUNCTIONS.iter().find(|name| name.contains(' ') && calls(rest, name));
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = function.map_or(end, |name| name.len());
            tokens.push(Token::Word(rest.get(..length).unwrap_or_default().to_string()));
            length
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).ok_or_else(|| format!("`{first}`"))?;
            tokens.push(Token::Sign(sign));
            sign.len()
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn calls(rest: &str, name: &str) -> bool {
    rest.strip_prefix(name).is_some_and(|behind| behind.trim_start().starts_with('('))
}

fn digits(rest: &str) -> usize {
    let whole = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let behind = rest.get(whole..).unwrap_or_default();
    let fraction =
        behind.strip_prefix('.').map_or(0, |tail| tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len()));
    if fraction > 0 { whole + 1 + fraction } else { whole }
}

fn quoted(rest: &str, quote: char) -> Result<(usize, String), String> {
    let mut words = String::new();
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => {
                words.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                });
                escaped = false;
            }
            '\\' => escaped = true,
            c if c == quote => return Ok((at + c.len_utf8(), words)),
            c => words.push(c),
        }
    }
    Err("a text without its end".into())
}

/// A part and how tightly it binds.
type Part = (String, u8);

/// Binary operators from the loosest: their signs, what they are here.
const LEVELS: &[&[(&str, &str)]] = &[
    &[("||", "or"), ("or", "or")],
    &[("&&", "and"), ("and", "and")],
    &[
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
    ],
    &[("+", "+"), ("-", "-")],
    &[("*", "*"), ("/", "/"), ("div", "/")],
    &[("**", "**")],
];
const WHOLE: u8 = 9;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: u32,
    name: &'t mut dyn FnMut(&str) -> String,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Takes the sign or word if it comes next.
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(word)) if *word == sign)
            || matches!(self.peek(), Some(Token::Word(word)) if word == sign);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) { Ok(()) } else { Err(self.found(&format!("`{sign}`"))) }
    }

    fn found(&self, wanted: &str) -> String {
        match self.peek() {
            Some(token) => format!("`{}` where {wanted} was expected", token.word()),
            None => format!("its end where {wanted} was expected"),
        }
    }

    fn level(&mut self, level: u8) -> Result<Part, String> {
        self.depth += 1;
        if self.depth > 200 {
            return Err("so many parentheses".into());
        }
        let part = self.binary(level);
        self.depth -= 1;
        part
    }

    fn binary(&mut self, level: u8) -> Result<Part, String> {
        let Some(signs) = LEVELS.get(usize::from(level)) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        loop {
            if level == 2 && self.take("between") {
                let (low, high) = (self.level(3)?, {
                    self.need("and")?;
                    self.level(3)?
                });
                left = (format!("{} between {} and {}", wrap(left, 3), wrap(low, 3), wrap(high, 3)), 2);
                continue;
            }
            let Some(sign) = signs.iter().find(|(sign, _)| self.take(sign)).map(|(_, sign)| *sign) else { break };
            let right = self.level(level + 1)?;
            left = (format!("{} {sign} {}", wrap(left, level), wrap(right, level + 1)), level);
        }
        if level == 0 && self.take("?") {
            let then = self.level(0)?;
            self.need(":")?;
            let other = self.level(0)?;
            left = (format!("if {} then {} else {}", left.0, then.0, other.0), 0);
        }
        if level == 4 && matches!(self.peek(), Some(Token::Sign("%"))) {
            self.at += 1;
            let right = self.level(5)?;
            left = (format!("modulo({}, {})", left.0, right.0), WHOLE);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Part, String> {
        if self.take("!") {
            return Ok((format!("not({})", self.level(5)?.0), WHOLE));
        }
        if matches!(self.peek(), Some(Token::Word(word)) if word == "not")
            && !matches!(self.tokens.get(self.at + 1), Some(Token::Sign("(")))
        {
            self.at += 1;
            return Ok((format!("not({})", self.level(5)?.0), WHOLE));
        }
        if self.take("-") {
            return Ok((format!("-{}", wrap(self.level(5)?, 6)), 6));
        }
        if self.take("empty") {
            return Err("`empty`, which may mean null, an empty text or an empty list".into());
        }
        if self.take("if") {
            let condition = self.level(0)?;
            self.need("then")?;
            let then = self.level(0)?;
            self.need("else")?;
            let other = self.level(0)?;
            return Ok((format!("if {} then {} else {}", condition.0, then.0, other.0), 0));
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Part, String> {
        let mut part = self.atom()?;
        while self.take(".") {
            let Some(Token::Word(word)) = self.peek().cloned() else { return Err(self.found("a name")) };
            self.at += 1;
            part = if self.take("(") {
                let arguments = self.arguments()?;
                method(&part.0, &word, &arguments)?
            } else {
                (format!("{}.{}", wrap(part, WHOLE), super::words::snake(&word, "part")), WHOLE)
            };
        }
        Ok(part)
    }

    fn arguments(&mut self) -> Result<Vec<String>, String> {
        let mut arguments = Vec::new();
        if self.take(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.level(0)?.0);
            if !self.take(",") {
                self.need(")")?;
                return Ok(arguments);
            }
        }
    }

    fn atom(&mut self) -> Result<Part, String> {
        if self.take("(") {
            let inner = self.level(0)?;
            self.need(")")?;
            return Ok((format!("({})", inner.0), WHOLE));
        }
        if self.take("[") {
            return self.list();
        }
        let Some(token) = self.peek().cloned() else { return Err(self.found("a value")) };
        self.at += 1;
        match token {
            Token::Number(digits) => Ok((digits, WHOLE)),
            Token::Text(words) => Ok((text(&words), WHOLE)),
            Token::Word(word) if self.take("(") => {
                let arguments = self.arguments()?;
                if !FUNCTIONS.contains(&word.as_str()) {
                    return Err(format!("the function `{word}`"));
                }
                Ok((format!("{word}({})", arguments.join(", ")), WHOLE))
            }
            Token::Word(word) if matches!(word.as_str(), "true" | "false" | "null") => Ok((word, WHOLE)),
            Token::Word(word) if word == "execution" => self.variable_of_execution(),
            Token::Word(word) => Ok(((self.name)(&word), WHOLE)),
            Token::Sign(sign) => Err(format!("`{sign}`")),
        }
    }

    fn list(&mut self) -> Result<Part, String> {
        let mut items = Vec::new();
        if !self.take("]") {
            loop {
                items.push(self.level(0)?.0);
                if !self.take(",") {
                    self.need("]")?;
                    break;
                }
            }
        }
        Ok((format!("[{}]", items.join(", ")), WHOLE))
    }

    /// `execution.getVariable("x")`.
    fn variable_of_execution(&mut self) -> Result<Part, String> {
        let rest: Vec<&Token> = self.tokens.iter().skip(self.at).take(5).collect();
        match rest.as_slice() {
            [Token::Sign("."), Token::Word(get), Token::Sign("("), Token::Text(name), Token::Sign(")")]
                if get == "getVariable" =>
            {
                self.at += 5;
                Ok(((self.name)(name), WHOLE))
            }
            _ => Err("`execution`, which is an object of another engine".into()),
        }
    }
}

fn wrap((text, binds): Part, level: u8) -> String {
    if binds < level { format!("({text})") } else { text }
}

/// A text as it is written in an expression.
pub(super) fn text(words: &str) -> String {
    let escaped = words.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{escaped}\"")
}

/// A method of Java's texts and lists, where a function here does the same.
fn method(of: &str, name: &str, arguments: &[String]) -> Result<Part, String> {
    let call = |function: &str| {
        let all: Vec<&str> = std::iter::once(of).chain(arguments.iter().map(String::as_str)).collect();
        (format!("{function}({})", all.join(", ")), WHOLE)
    };
    Ok(match (name, arguments) {
        ("contains", [_]) => call("contains"),
        ("startsWith", [_]) => call("starts with"),
        ("endsWith", [_]) => call("ends with"),
        ("length", []) => call("string length"),
        ("size", []) => call("count"),
        ("toUpperCase", []) => call("upper case"),
        ("toLowerCase", []) => call("lower case"),
        ("trim", []) => call("trim"),
        ("equals", [other]) => (format!("{of} = {other}"), 2),
        ("equalsIgnoreCase", [other]) => (format!("lower case({of}) = lower case({other})"), 2),
        _ => return Err(format!("the method `{name}`")),
    })
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn what_is_certain_is_translated_and_the_rest_refused() {
        for (text, meaning) in [
            ("test.contains(\"a\")", "contains(test, \"a\")"),
            ("!test.contains('a')", "not(contains(test, \"a\"))"),
            ("integerVariable<3", "integer_variable < 3"),
            ("${integerVariable}", "integer_variable"),
            ("#{amount >= 100 && approved == true}", "amount >= 100 and approved = true"),
            ("${a == 1 || b eq 2 and not c}", "a = 1 or b = 2 and not(c)"),
            ("= amount > 10 and status = \"new\"", "amount > 10 and status = \"new\""),
            ("=not(contains(name, \"x\"))", "not(contains(name, \"x\"))"),
            ("(a + b) * c - -d", "(a + b) * c - -d"),
            ("a - (b - c)", "a - (b - c)"),
            ("${order.total * 2 % 3}", "modulo(order.total * 2, 3)"),
            ("${x != null ? x : 'none'}", "if x != null then x else \"none\""),
            ("=if x > 1 then \"a\" else \"b\"", "if x > 1 then \"a\" else \"b\""),
            ("= x between 1 and 10", "x between 1 and 10"),
            ("= list contains([\"a\", \"b\"], kind)", "list contains([\"a\", \"b\"], kind)"),
            ("${execution.getVariable('orderId') == 7}", "order_id = 7"),
            ("${name.equals('O\"Hara')}", "name = \"O\\\"Hara\""),
            ("${list.size() > 2}", "count(list) > 2"),
        ] {
            let mut name = |word: &str| super::super::words::snake(word, "value");
            assert_eq!(translate(text, &mut name).as_deref(), Ok(meaning), "{text}");
        }
        for (text, why) in [
            ("${empty list}", "`empty`, which may mean null, an empty text or an empty list"),
            ("${bean.check(order)}", "the method `check`"),
            ("${myFunction(1)}", "the function `myFunction`"),
            ("${execution.id}", "`execution`, which is an object of another engine"),
            ("a ==", "its end where a value was expected"),
            ("Order ${id}", "a text with `${…}` in it"),
            ("a ; b", "`;`"),
            ("'open", "a text without its end"),
        ] {
            let mut name = |word: &str| word.to_string();
            assert_eq!(translate(text, &mut name), Err(why.to_string()), "{text}");
        }
    }
}
