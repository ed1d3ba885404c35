//! Operators, tests, `if`, iteration, filters, lists and contexts.

use super::super::ast::{Compare, Math};
use super::super::node::Test;
use super::*;

impl Compiler<'_> {
    pub(super) fn negate(&mut self, of: &Ast, at: At) -> Typed {
        let of = self.check(of, None);
        if !matches!(of.ty, Type::Any | Type::Int | Type::Number | Type::Money | Type::Duration) {
            return self.mismatch(at, "a number, money or a duration behind `-`", &of.ty, None);
        }
        let ty = of.ty.clone();
        self.fold(Typed { node: Node::new(Kind::Negate(of.node), at), ty })
    }

    pub(super) fn math(&mut self, op: Math, a: &Ast, b: &Ast, at: At) -> Typed {
        let (a, b) = (self.check(a, None), self.check(b, None));
        if a.is_broken() || b.is_broken() {
            return broken(at);
        }
        let Some(ty) = types::math(op, &a.ty, &b.ty) else {
            let help = types::mend(&a.ty, &b.ty);
            let message = format!("expected values that `{}` is defined for, found {} and {}", op.sign(), a.ty, b.ty);
            return self.report(at, "type_mismatch", message, help);
        };
        self.fold(Typed { node: Node::new(Kind::Math(op, a.node, b.node), at), ty })
    }

    pub(super) fn compare(&mut self, op: Compare, a: &Ast, b: &Ast, at: At) -> Typed {
        let (a, b) = self.pair(a, b);
        self.comparable(op, &a, &b, at);
        let kind = match op {
            Compare::Equal if types::same_kind(&a.ty, &b.ty) => Kind::Same(a.node, b.node),
            _ => Kind::Compare(op, a.node, b.node),
        };
        self.fold(Typed { node: Node::new(kind, at), ty: Type::Bool })
    }

    /// Two sides, each of which says what a bare word on the other means.
    fn pair(&mut self, a: &Ast, b: &Ast) -> (Typed, Typed) {
        if self.is_wordy(a) && !self.is_wordy(b) {
            let right = self.check(b, None);
            let left = if right.is_broken() { broken(a.at) } else { self.check(a, Some(&right.ty)) };
            return (left, right);
        }
        let left = self.check(a, None);
        if left.is_broken() && self.is_wordy(b) {
            return (left, broken(b.at));
        }
        let right = self.check(b, Some(&left.ty));
        (left, right)
    }

    /// Whether a part means something only where a type is expected: a bare word or a quoted code.
    fn is_wordy(&self, ast: &Ast) -> bool {
        match &ast.kind {
            Written::Name(word) => !self.is_name(word),
            Written::Text(_) => true,
            Written::List(items) => items.iter().all(|item| self.is_wordy(item)),
            Written::If(_, yes, no) => self.is_wordy(yes) && self.is_wordy(no),
            _ => false,
        }
    }

    fn comparable(&mut self, op: Compare, a: &Typed, b: &Typed, at: At) {
        if a.is_broken() || b.is_broken() {
            return;
        }
        if op.is_order() && (a.node.is_null() || b.node.is_null()) {
            let help = Some("write `= null`, `!= null` or `is defined(x)`".to_owned());
            self.report(at, "type_mismatch", format!("expected a value for `{}`, found null", op.sign()), help);
        } else if op.is_order() && !types::orderable(&a.ty, &b.ty) {
            let help = match (&a.ty, &b.ty) {
                (Type::Stage(_), _) | (_, Type::Stage(_)) => Some("compare `stage.position`".to_owned()),
                (a, b) => types::mend(a, b),
            };
            let message = format!("expected two values that have an order, found {} and {}", a.ty, b.ty);
            self.report(at, "type_mismatch", message, help);
        } else if !types::comparable(&a.ty, &b.ty) {
            let help = types::mend(&a.ty, &b.ty);
            let message = format!("expected two values that can be equal, found {} and {}", a.ty, b.ty);
            self.report(at, "type_mismatch", message, help);
        }
    }

    pub(super) fn logic(&mut self, parts: &[Ast], make: fn(Vec<Sub>) -> Kind, at: At) -> Typed {
        let parts = parts.iter().map(|part| self.must(part, &Type::Bool).node).collect();
        Typed { node: Node::new(make(parts), at), ty: Type::Bool }
    }

    pub(super) fn within(&mut self, of: &Ast, tests: &[Ast], at: At) -> Typed {
        if let ([list], true) = (tests, self.is_wordy(of)) {
            // `hardware in self.wishes`: the list says what the word means.
            if !matches!(list.kind, Written::Test(..) | Written::Range(_)) {
                let list = self.check(list, None);
                let of = self.check(of, list.ty.element().or(Some(&list.ty)));
                let test = self.test_value(list, &of);
                return Typed { node: Node::new(Kind::In(of.node, vec![test]), at), ty: Type::Bool };
            }
        }
        let of = self.check(of, None);
        if of.is_broken() {
            return of;
        }
        let tests = tests.iter().map(|test| self.test(test, &of.ty)).collect();
        Typed { node: Node::new(Kind::In(of.node, tests), at), ty: Type::Bool }
    }

    /// One test on a value of this type.
    pub(super) fn test(&mut self, ast: &Ast, of: &Type) -> Test {
        let value = Typed { node: Node::new(Kind::Local(0), ast.at), ty: of.clone() };
        match &ast.kind {
            Written::Test(op, bound) => {
                let bound = self.check(bound, Some(of));
                self.comparable(*op, &value, &bound, ast.at);
                Test::Compare(*op, bound.node)
            }
            Written::Range(range) => {
                let (from, to) = (self.check(&range.from, Some(of)), self.check(&range.to, Some(of)));
                self.comparable(Compare::AtLeast, &value, &from, range.from.at);
                self.comparable(Compare::AtMost, &value, &to, range.to.at);
                Test::Range { from: from.node, to: to.node, closed: range.closed }
            }
            Written::Call(Builtin::Not, tests) if self.input.is_some() => {
                Test::None(tests.iter().map(|test| self.test(test, of)).collect())
            }
            _ => {
                let listed = Type::list(of.clone());
                let hint = if matches!(ast.kind, Written::List(_)) { &listed } else { of };
                let test = self.check(ast, Some(hint));
                self.test_value(test, &value)
            }
        }
    }

    /// A value as a test: a list to be in, a condition over `?`, or what to be equal to.
    fn test_value(&mut self, test: Typed, value: &Typed) -> Test {
        let at = test.node.at;
        let over_input = self.input.as_ref().is_some_and(|(_, slot)| {
            test.node.has(&|kind| matches!(kind, Kind::Slot(found) | Kind::SlotColumn(found, _) if found == slot))
        });
        match &test.ty {
            Type::Bool if over_input => Test::Holds(test.node),
            Type::List(element) if !matches!(value.ty, Type::List(_)) => {
                let element = Typed { node: Arc::clone(&test.node), ty: (**element).clone() };
                self.comparable(Compare::Equal, value, &element, at);
                Test::Among(test.node)
            }
            _ => {
                self.comparable(Compare::Equal, value, &test, at);
                Test::Compare(Compare::Equal, test.node)
            }
        }
    }

    pub(super) fn choice(&mut self, test: &Ast, yes: &Ast, no: &Ast, hint: Option<&Type>, at: At) -> Typed {
        let test = self.must(test, &Type::Bool);
        let (yes, no) = match hint {
            Some(hint) => (self.check(yes, Some(hint)), self.check(no, Some(hint))),
            None => self.pair(yes, no),
        };
        let ty = self.common(&[&yes, &no], "two branches of one type", at);
        Typed { node: Node::new(Kind::If(test.node, yes.node, no.node), at), ty }
    }

    /// The common type of several values; null goes with every type.
    pub(super) fn common(&mut self, values: &[&Typed], expected: &str, at: At) -> Type {
        let mut common: Option<Type> = None;
        for value in values.iter().filter(|value| !value.node.is_null()) {
            let unified = match &common {
                None => Some(value.ty.clone()),
                Some(ty) => types::unify(ty, &value.ty),
            };
            let Some(unified) = unified else {
                let found = common.map(|ty| ty.to_string()).unwrap_or_default();
                self.report(at, "type_mismatch", format!("expected {expected}, found {found} and {}", value.ty), None);
                return Type::Any;
            };
            common = Some(unified);
        }
        common.unwrap_or(Type::Any)
    }

    /// Compiles what is iterated over, adding its locals one after the other, then the body.
    fn bound<T>(&mut self, bound: &[(Word, Ast)], inside: &mut dyn FnMut(&mut Self) -> T, sources: &mut Vec<Sub>) -> T {
        let Some(((name, source), rest)) = bound.split_first() else {
            return inside(self);
        };
        let source = match &source.kind {
            Written::Range(range) => {
                let (from, to) = (self.must(&range.from, &Type::Int), self.must(&range.to, &Type::Int));
                Typed { node: Node::new(Kind::Span(from.node, to.node), source.at), ty: Type::list(Type::Int) }
            }
            _ => self.must_list(source, None),
        };
        self.fresh(name);
        let ty = source.ty.element().cloned().unwrap_or(Type::Any);
        sources.push(source.node);
        self.with_local(Local { name: Some(name.text.clone()), ty }, |this, _| this.bound(rest, inside, sources))
    }

    pub(super) fn each(&mut self, bound: &[(Word, Ast)], body: &Ast, hint: Option<&Type>, at: At) -> Typed {
        let (mut sources, local) = (Vec::new(), self.locals.len());
        let hint = hint.and_then(Type::element).cloned();
        let body = self.bound(bound, &mut |this| this.check(body, hint.as_ref()), &mut sources);
        let ty = Type::list(body.ty);
        Typed { node: Node::new(Kind::For { sources, local, body: body.node }, at), ty }
    }

    pub(super) fn holds(&mut self, every: bool, bound: &[(Word, Ast)], body: &Ast, at: At) -> Typed {
        let (mut sources, local) = (Vec::new(), self.locals.len());
        let body = self.bound(bound, &mut |this| this.must(body, &Type::Bool), &mut sources);
        Typed { node: Node::new(Kind::Holds { every, sources, local, body: body.node }, at), ty: Type::Bool }
    }

    /// A part that must be a list.
    pub(super) fn must_list(&mut self, ast: &Ast, hint: Option<&Type>) -> Typed {
        let typed = self.check(ast, hint);
        match typed.ty {
            Type::List(_) | Type::Any => typed,
            _ => self.mismatch(ast.at, "a list", &typed.ty, None),
        }
    }

    pub(super) fn filter(&mut self, source: &Ast, inside: &Ast, hint: Option<&Type>, at: At) -> Typed {
        let hint = hint.map(|ty| Type::list(ty.clone()));
        let source = self.must_list(source, hint.as_ref());
        let element = source.ty.element().cloned().unwrap_or(Type::Any);
        let (test, local) = self.with_local(Local { name: None, ty: element.clone() }, |this, local| {
            (this.check(inside, Some(&Type::Bool)), local)
        });
        let over_item = test.node.has(&|kind| matches!(kind, Kind::Local(place) if *place == local));
        match test.ty {
            Type::Int | Type::Number if over_item => {
                self.mismatch(inside.at, "a condition, or a place that is the same for every item", &test.ty, None)
            }
            Type::Int | Type::Number if test.node.constant() == Some(&Value::Number(0.into())) => {
                self.report(inside.at, "bad_value", "expected a place from 1, or from -1 backwards, found 0", None)
            }
            Type::Int | Type::Number => Typed { node: Node::new(Kind::Index(source.node, test.node), at), ty: element },
            Type::Bool => {
                let kind = Kind::Filter { source: source.node, local, test: test.node };
                Typed { node: Node::new(kind, at), ty: Type::list(element) }
            }
            Type::Any => {
                let kind = Kind::Filter { source: source.node, local, test: test.node };
                Typed { node: Node::new(kind, at), ty: Type::Any }
            }
            other => self.mismatch(inside.at, "a condition or a place in the list", &other, None),
        }
    }

    pub(super) fn list(&mut self, items: &[Ast], hint: Option<&Type>, at: At) -> Typed {
        let hint = hint.and_then(Type::element);
        // Without an expected type the first item that needs none says what the words among the others mean.
        let first = items.iter().position(|item| hint.is_none() && !self.is_wordy(item));
        let known = first.and_then(|at| Some((at, self.check(items.get(at)?, None))));
        let hint = hint.or(known.as_ref().map(|(_, item)| &item.ty));
        let check = |(at, item)| match &known {
            Some((first, typed)) if *first == at => typed.clone(),
            _ => self.check(item, hint),
        };
        let items: Vec<Typed> = items.iter().enumerate().map(check).collect();
        let ty = Type::list(self.common(&items.iter().collect::<Vec<_>>(), "items of one type", at));
        let nodes = items.into_iter().map(|item| item.node).collect();
        self.fold(Typed { node: Node::new(Kind::List(nodes), at), ty })
    }

    pub(super) fn context(&mut self, entries: &[(Word, Ast)], hint: Option<&Type>, at: At) -> Typed {
        let mut names: Vec<(Name, Type)> = Vec::new();
        let mut values = Vec::new();
        for (word, ast) in entries {
            let hint = match hint {
                Some(Type::Map(known)) => known.iter().find(|(name, _)| name.as_str() == word.text).map(|(_, ty)| ty),
                _ => None,
            };
            let value = self.check(ast, hint);
            let name = Name::new(&word.text);
            if names.iter().any(|(known, _)| *known == name) {
                self.report(word.at, "duplicate_name", format!("expected each name once, found `{name}` again"), None);
            }
            names.push((name.clone(), value.ty));
            values.push((name, value.node));
        }
        self.fold(Typed { node: Node::new(Kind::Map(values), at), ty: Type::Map(names.into()) })
    }

    /// `x instance of account`.
    pub(super) fn instance(&mut self, of: &Ast, name: &Word, at: At) -> Typed {
        let of = self.check(of, None);
        let ty = match name.text.as_str() {
            "text" | "string" => Type::Text,
            "number" => Type::Number,
            "money" => Type::Money,
            "bool" | "boolean" => Type::Bool,
            "date" => Type::Date,
            "datetime" => Type::DateTime,
            "duration" => Type::Duration,
            entity if self.schema.is_entity(entity) => Type::reference(entity),
            other => {
                let known = self.schema.entities();
                let help = suggest::did_you_mean(other, known.iter().map(Name::as_str));
                return self.report(
                    name.at,
                    "unknown_entity",
                    format!("expected an entity or a type, found `{other}`"),
                    help,
                );
            }
        };
        Typed { node: Node::new(Kind::Instance(of.node, ty), at), ty: Type::Bool }
    }
}

fn broken(at: At) -> Typed {
    Typed { node: Node::new(Kind::Broken, at), ty: Type::Any }
}
