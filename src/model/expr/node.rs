//! The compiled form: names and types are resolved, nothing is looked up by text but columns of records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Slot;
use super::ast::{At, Compare, Math};
use super::builtin::Builtin;
use crate::model::{Name, Type, Value};

/// A part of a compiled expression; any part can stand as an expression of its own.
pub(super) type Sub = Arc<Node>;

#[derive(Debug)]
pub(super) struct Node {
    pub kind: Kind,
    pub at: At,
}

/// A step from a record to one of its columns.
#[derive(Debug)]
pub(super) struct Step {
    pub column: Name,
    /// The entities that have it; none when that is only known at run time.
    pub of: Vec<Name>,
    /// Whether the record may be of an entity that does not have it: then the value is null.
    pub partial: bool,
    /// Where the record stands in the text.
    pub base: At,
}

/// What `.year`, `.amount` … take out of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Year,
    Month,
    Day,
    Weekday,
    Hour,
    Minute,
    Second,
    Date,
    Time,
    Amount,
    Currency,
}

/// One test of `in` and of a decision cell.
#[derive(Debug)]
pub(super) enum Test {
    Compare(Compare, Sub),
    Range {
        from: Sub,
        to: Sub,
        closed: (bool, bool),
    },
    /// Is an element of the list.
    Among(Sub),
    /// A condition of its own (over `?`).
    Holds(Sub),
    None(Vec<Test>),
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Stands for what has a problem; never evaluated.
    Broken,
    Const(Value),
    Slot(Slot),
    /// An iteration variable, by its place.
    Local(usize),
    Setting(Name),
    SlotColumn(Slot, Box<Step>),
    Column(Sub, Box<Step>),
    /// An entry of a map; of an `any`, whatever it turns out to be.
    Member(Sub, Name),
    Part(Sub, Part, Option<Name>),
    /// A column of a stage, or the title of a code.
    Table(Sub, Arc<BTreeMap<Name, Value>>),
    All(Vec<Sub>),
    Any(Vec<Sub>),
    Not(Sub),
    Negate(Sub),
    Math(Math, Sub, Sub),
    Compare(Compare, Sub, Sub),
    /// Equality of two values of one plain kind: what an index knows too.
    Same(Sub, Sub),
    In(Sub, Vec<Test>),
    If(Sub, Sub, Sub),
    /// Every combination of the sources' items, the first in the local `local`.
    For {
        sources: Vec<Sub>,
        local: usize,
        body: Sub,
    },
    Holds {
        every: bool,
        sources: Vec<Sub>,
        local: usize,
        body: Sub,
    },
    /// Whole numbers from … to.
    Span(Sub, Sub),
    Filter {
        source: Sub,
        local: usize,
        test: Sub,
    },
    Index(Sub, Sub),
    SortBy {
        source: Sub,
        local: usize,
        key: Sub,
    },
    List(Vec<Sub>),
    Map(Vec<(Name, Sub)>),
    Instance(Sub, Type),
    /// Checked against the type when evaluated.
    Fit(Sub, Type),
    /// A date as the end of its working day.
    EndOfDay(Sub),
    Previous(Slot, Box<Step>),
    Changed(Slot, Box<Step>),
    Call(Builtin, Vec<Sub>),
}

impl Node {
    pub fn new(kind: Kind, at: At) -> Sub {
        Arc::new(Node { kind, at })
    }

    /// The value, when it is the same everywhere.
    pub fn constant(&self) -> Option<&Value> {
        if let Kind::Const(value) = &self.kind { Some(value) } else { None }
    }

    pub fn is_null(&self) -> bool {
        self.constant().is_some_and(Value::is_null)
    }

    /// The parts directly inside.
    pub fn children(&self) -> Vec<&Sub> {
        match &self.kind {
            Kind::Broken | Kind::Const(_) | Kind::Slot(_) | Kind::Local(_) | Kind::Setting(_) => Vec::new(),
            Kind::SlotColumn(..) | Kind::Previous(..) | Kind::Changed(..) => Vec::new(),
            Kind::Column(of, _) | Kind::Member(of, _) | Kind::Part(of, ..) | Kind::Table(of, _) => vec![of],
            Kind::Not(of) | Kind::Negate(of) | Kind::Instance(of, _) | Kind::Fit(of, _) | Kind::EndOfDay(of) => {
                vec![of]
            }
            Kind::All(all) | Kind::Any(all) | Kind::List(all) | Kind::Call(_, all) => all.iter().collect(),
            Kind::Math(_, a, b) | Kind::Compare(_, a, b) | Kind::Same(a, b) | Kind::Span(a, b) | Kind::Index(a, b) => {
                vec![a, b]
            }
            Kind::In(of, tests) => std::iter::once(of).chain(tests.iter().flat_map(Test::children)).collect(),
            Kind::If(a, b, c) => vec![a, b, c],
            Kind::For { sources, body, .. } | Kind::Holds { sources, body, .. } => {
                sources.iter().chain([body]).collect()
            }
            Kind::Filter { source, test, .. } => vec![source, test],
            Kind::SortBy { source, key, .. } => vec![source, key],
            Kind::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
        }
    }

    /// Whether this or anything inside is such a part.
    pub fn has(&self, wanted: &dyn Fn(&Kind) -> bool) -> bool {
        wanted(&self.kind) || self.children().iter().any(|child| child.has(wanted))
    }
}

impl Test {
    pub fn children(&self) -> Vec<&Sub> {
        match self {
            Test::Compare(_, of) | Test::Among(of) | Test::Holds(of) => vec![of],
            Test::Range { from, to, .. } => vec![from, to],
            Test::None(tests) => tests.iter().flat_map(Test::children).collect(),
        }
    }
}
impl Part {
    /// The part that a name means.
    pub fn named(name: &str) -> Option<Part> {
        Some(match name {
            "year" | "years" => Part::Year,
            "month" | "months" => Part::Month,
            "day" | "days" => Part::Day,
            "weekday" => Part::Weekday,
            "hour" | "hours" => Part::Hour,
            "minute" | "minutes" => Part::Minute,
            "second" | "seconds" => Part::Second,
            "date" => Part::Date,
            "time" => Part::Time,
            "amount" => Part::Amount,
            "currency" => Part::Currency,
            _ => return None,
        })
    }
}
