//! What was written, before names and types are known.

use std::cmp::Ordering;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::builtin::Builtin;

/// A stretch of the expression's text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct At {
    pub start: u32,
    pub end: u32,
}

impl At {
    pub fn new(start: usize, end: usize) -> Self {
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end) }
    }

    pub fn to(self, other: At) -> At {
        At { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text that stands here.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

/// An expression as written.
#[derive(Clone, Debug)]
pub(super) struct Ast {
    pub kind: Kind,
    pub at: At,
    /// Levels below and with this one: bounded, so that nothing recurses without end.
    pub depth: u16,
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub text: String,
    pub at: At,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Decimal),
    Text(Arc<str>),
    /// `@"P3D"`.
    Typed(String),
    Name(String),
    Path(Box<Ast>, Word),
    /// `source[condition or index]`.
    Filter(Box<Ast>, Box<Ast>),
    Negate(Box<Ast>),
    Math(Math, Box<Ast>, Box<Ast>),
    Compare(Compare, Box<Ast>, Box<Ast>),
    All(Vec<Ast>),
    Any(Vec<Ast>),
    In(Box<Ast>, Vec<Ast>),
    /// A range: only behind `in` and as a test.
    Range(Box<Range>),
    /// `< 5`: only behind `in` and as a test.
    Test(Compare, Box<Ast>),
    /// `(a, b)`: only behind `in`.
    Tests(Vec<Ast>),
    If(Box<Ast>, Box<Ast>, Box<Ast>),
    For(Vec<(Word, Ast)>, Box<Ast>),
    /// Whether for `every` combination, else for some.
    Holds(bool, Vec<(Word, Ast)>, Box<Ast>),
    Call(Builtin, Vec<Ast>),
    List(Vec<Ast>),
    Context(Vec<(Word, Ast)>),
    /// `x instance of account`.
    Instance(Box<Ast>, Word),
    /// `stages of lead`.
    Stages(Word),
}

#[derive(Clone, Debug)]
pub(super) struct Range {
    pub from: Ast,
    pub to: Ast,
    /// Whether the bounds themselves belong to it.
    pub closed: (bool, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Math {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Math {
    pub fn sign(self) -> &'static str {
        match self {
            Math::Add => "+",
            Math::Subtract => "-",
            Math::Multiply => "*",
            Math::Divide => "/",
            Math::Power => "**",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Compare {
    /// Whether two values that lie so to each other compare so.
    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Compare::Equal => order.is_eq(),
            Compare::Differs => order.is_ne(),
            Compare::Less => order.is_lt(),
            Compare::AtMost => order.is_le(),
            Compare::Greater => order.is_gt(),
            Compare::AtLeast => order.is_ge(),
        }
    }
}

impl Compare {
    pub fn sign(self) -> &'static str {
        match self {
            Compare::Equal => "=",
            Compare::Differs => "!=",
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::Greater => ">",
            Compare::AtLeast => ">=",
        }
    }

    pub fn of_sign(sign: &str) -> Option<Self> {
        use Compare::*;
        Some(match sign {
            "=" | "==" => Equal,
            "!=" => Differs,
            "<" => Less,
            "<=" => AtMost,
            ">" => Greater,
            ">=" => AtLeast,
            _ => return None,
        })
    }

    /// Whether it asks for an order, not only for equality.
    pub fn is_order(self) -> bool {
        !matches!(self, Compare::Equal | Compare::Differs)
    }
}

impl Ast {
    /// A node whose depth follows from its children.
    pub fn new(kind: Kind, at: At) -> Self {
        let depth = 1 + kind.children().iter().map(|child| child.depth).max().unwrap_or(0);
        Self { kind, at, depth }
    }
}

impl Kind {
    /// The expressions directly inside.
    pub fn children(&self) -> Vec<&Ast> {
        match self {
            Kind::Null
            | Kind::Bool(_)
            | Kind::Number(_)
            | Kind::Text(_)
            | Kind::Typed(_)
            | Kind::Name(_)
            | Kind::Stages(_) => Vec::new(),
            Kind::Path(of, _) | Kind::Negate(of) | Kind::Test(_, of) | Kind::Instance(of, _) => vec![of],
            Kind::Filter(a, b) | Kind::Math(_, a, b) | Kind::Compare(_, a, b) => vec![a, b],
            Kind::All(all) | Kind::Any(all) | Kind::Tests(all) | Kind::Call(_, all) | Kind::List(all) => {
                all.iter().collect()
            }
            Kind::In(of, tests) => std::iter::once(&**of).chain(tests).collect(),
            Kind::Range(range) => vec![&range.from, &range.to],
            Kind::If(a, b, c) => vec![a, b, c],
            Kind::For(bound, body) | Kind::Holds(_, bound, body) => {
                bound.iter().map(|(_, source)| source).chain([&**body]).collect()
            }
            Kind::Context(entries) => entries.iter().map(|(_, value)| value).collect(),
        }
    }
}
