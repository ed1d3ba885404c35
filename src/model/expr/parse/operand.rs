//! Operands: literals, names, brackets, calls, `if`, `for`, `some`, `every`, and what follows them: `.x` and `[…]`.

use super::*;

impl Parser<'_> {
    /// An operand with its paths and filters.
    pub(super) fn operand(&mut self) -> Parsed {
        let mut left = self.prefix()?;
        loop {
            if self.accept(".").is_some() {
                let name = self.name(true)?;
                let at = left.at.to(name.at);
                left = self.make(Kind::Path(Box::new(left), name), at)?;
            } else if self.is("[") {
                self.next += 1;
                let inside = self.expr(0)?;
                let at = left.at.to(self.need("]")?);
                left = self.make(Kind::Filter(Box::new(left), Box::new(inside)), at)?;
            } else {
                return Ok(left);
            }
        }
    }

    fn prefix(&mut self) -> Parsed {
        let (token, at) = self.take();
        match token {
            Token::Number(number) => self.make(Kind::Number(number), at),
            Token::Text(text) => self.make(Kind::Text(text), at),
            Token::Typed(text) => self.make(Kind::Typed(text), at),
            Token::Function(builtin) => self.call(builtin, at),
            Token::Word(word) => self.word(word, at),
            Token::Sign("?") => self.make(Kind::Name("?".into()), at),
            Token::Sign("-") => self.negative(at),
            Token::Sign("(") => self.bracket(at),
            Token::Sign("[") => self.list(at),
            Token::Sign("]") => {
                let from = self.expr(ADDING)?;
                self.range(from, false, at)
            }
            Token::Sign("{") => self.context(at),
            _ => {
                self.next -= 1;
                Err(self.unexpected("an expression"))
            }
        }
    }

    /// A minus binds tighter than any operator, as in DMN; `-2` is a literal.
    fn negative(&mut self, at: At) -> Parsed {
        if self.depth >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        self.depth += 1;
        let of = self.operand()?;
        self.depth -= 1;
        let whole = at.to(of.at);
        match of.kind {
            Kind::Number(number) => self.make(Kind::Number(-number), whole),
            _ => self.make(Kind::Negate(Box::new(of)), whole),
        }
    }

    fn word(&mut self, word: String, at: At) -> Parsed {
        match word.as_str() {
            "true" => self.make(Kind::Bool(true), at),
            "false" => self.make(Kind::Bool(false), at),
            "null" => self.make(Kind::Null, at),
            "if" => self.condition(at),
            "for" => {
                let (bound, body) = self.bindings("return")?;
                let whole = at.to(body.at);
                self.make(Kind::For(bound, Box::new(body)), whole)
            }
            "some" | "every" => {
                let (bound, body) = self.bindings("satisfies")?;
                let whole = at.to(body.at);
                self.make(Kind::Holds(word == "every", bound, Box::new(body)), whole)
            }
            "stages" if self.is_word("of") => {
                self.next += 1;
                let name = self.name(false)?;
                let whole = at.to(name.at);
                self.make(Kind::Stages(name), whole)
            }
            word if KEYWORDS.contains(&word) => {
                self.next -= 1;
                Err(self.unexpected("an expression"))
            }
            _ => self.make(Kind::Name(word), at),
        }
    }

    fn condition(&mut self, at: At) -> Parsed {
        let test = self.expr(0)?;
        self.need_word("then")?;
        let yes = self.expr(0)?;
        self.need_word("else")?;
        let no = self.expr(0)?;
        let whole = at.to(no.at);
        self.make(Kind::If(Box::new(test), Box::new(yes), Box::new(no)), whole)
    }

    /// `x in xs, y in 1..3 return …`.
    fn bindings(&mut self, then: &str) -> Parsed<(Vec<(Word, Ast)>, Ast)> {
        let mut bound = Vec::new();
        loop {
            let name = self.name(false)?;
            self.need_word("in")?;
            let mut source = self.expr(0)?;
            if self.accept("..").is_some() {
                let to = self.expr(ADDING)?;
                let whole = source.at.to(to.at);
                source = self.make(Kind::Range(Box::new(Range { from: source, to, closed: (true, true) })), whole)?;
            }
            bound.push((name, source));
            if self.accept(",").is_none() {
                break;
            }
        }
        self.need_word(then)?;
        Ok((bound, self.expr(0)?))
    }

    /// `(x)`, `(a, b)` behind `in`, or a range `(1..10]`.
    fn bracket(&mut self, at: At) -> Parsed {
        let first = self.test(0)?;
        if self.is("..") {
            return self.range(first, false, at);
        }
        if !self.is(",") && !matches!(first.kind, Kind::Test(..)) {
            let end = self.need(")")?;
            return Ok(Ast { at: at.to(end), ..first });
        }
        let mut tests = vec![first];
        while self.accept(",").is_some() {
            tests.push(self.test(0)?);
        }
        let end = self.need(")")?;
        self.make(Kind::Tests(tests), at.to(end))
    }

    /// `[1, 2]`, or a range `[1..10]`.
    fn list(&mut self, at: At) -> Parsed {
        let mut items = Vec::new();
        while !self.is("]") {
            items.push(self.expr(0)?);
            match items.pop() {
                Some(first) if items.is_empty() && self.is("..") => return self.range(first, true, at),
                item => items.extend(item),
            }
            if self.accept(",").is_none() {
                break;
            }
        }
        let end = self.need("]")?;
        self.make(Kind::List(items), at.to(end))
    }

    /// The rest of a range: its `..` stands next.
    fn range(&mut self, from: Ast, from_closed: bool, at: At) -> Parsed {
        self.need("..")?;
        let to = self.expr(ADDING)?;
        let (to_closed, end) = match self.take() {
            (Token::Sign("]"), end) => (true, end),
            (Token::Sign(")" | "["), end) => (false, end),
            _ => {
                self.next -= 1;
                return Err(self.unexpected("`]` or `)` at the end of the range"));
            }
        };
        self.make(Kind::Range(Box::new(Range { from, to, closed: (from_closed, to_closed) })), at.to(end))
    }

    fn context(&mut self, at: At) -> Parsed {
        let mut entries = Vec::new();
        while !self.is("}") {
            let (token, place) = self.take();
            let text = match token {
                Token::Word(word) => word,
                Token::Text(text) => text.to_string(),
                _ => {
                    self.next -= 1;
                    return Err(self.unexpected("a name"));
                }
            };
            self.need(":")?;
            entries.push((Word { text, at: place }, self.expr(0)?));
            if self.accept(",").is_none() {
                break;
            }
        }
        let end = self.need("}")?;
        self.make(Kind::Context(entries), at.to(end))
    }

    fn call(&mut self, builtin: Builtin, at: At) -> Parsed {
        self.need("(")?;
        let mut args = Vec::new();
        while !self.is(")") {
            args.push(if builtin == Builtin::Not { self.test(0)? } else { self.expr(0)? });
            if self.accept(",").is_none() {
                break;
            }
        }
        let end = self.need(")")?;
        self.make(Kind::Call(builtin, args), at.to(end))
    }
}
