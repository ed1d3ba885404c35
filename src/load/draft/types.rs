//! Types as written: `text`, `ref(lead, order)`, `list(text)`, `{name: type}`, `enum: [a, b]`, `stage of lead`.

use std::ops::Range;
use std::sync::Arc;

use crate::load::cursor::{self, Spanned};
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{EnumType, Name, Schema, Span, Text, Type};

/// A type whose names are not looked up yet.
#[derive(Clone, Debug)]
pub enum TypeText {
    /// A type that names nothing.
    Plain(Type),
    /// `ref(lead, order)`.
    Ref(Vec<Spanned<Name>>),
    /// `stage of lead`, or `stage of self`.
    StageOf(Spanned<Name>),
    /// `list(...)`.
    List(Box<TypeText>),
    /// `{name: type}`.
    Map(Vec<(Name, TypeText)>),
}

const WORDS: &[(&str, Type)] = &[
    ("text", Type::Text),
    ("int", Type::Int),
    ("number", Type::Number),
    ("money", Type::Money),
    ("bool", Type::Bool),
    ("date", Type::Date),
    ("datetime", Type::DateTime),
    ("duration", Type::Duration),
    ("any", Type::Any),
];

/// What other languages call our types.
const FOREIGN: &[(&str, &str)] = &[
    ("string", "text"),
    ("str", "text"),
    ("integer", "int"),
    ("decimal", "number"),
    ("float", "number"),
    ("double", "number"),
    ("boolean", "bool"),
    ("timestamp", "datetime"),
    ("lookup", "ref(lookup)"),
    ("reference", "ref(entity)"),
    ("array", "list(type)"),
];

/// Words that begin a type and take something.
const MAKERS: &[&str] = &["ref", "list", "enum", "stage"];

impl TypeText {
    /// The type that a node is: a text, or a mapping of names to types.
    pub fn of(node: &Node, problems: &Problems) -> Option<Self> {
        match &node.yaml {
            Yaml::Map(entries) if is_enum(entries) => enum_type(node.get("enum")?, problems),
            Yaml::Map(entries) => Some(Self::Map(map_type(entries, problems))),
            _ => {
                cursor::scalar(node, "a type", problems)?;
                Parser::new(node, 0, problems).whole()
            }
        }
    }

    /// The short form of a column: `required` before a type. Gives the type and whether it is required.
    pub(super) fn of_column(node: &Node, problems: &Problems) -> (Option<Self>, bool) {
        let Some(word) = node.word() else { return (Self::of(node, problems), false) };
        let rest = word.strip_prefix("required").filter(|rest| rest.starts_with(' '));
        let Some(rest) = rest else { return (Self::of(node, problems), false) };
        (Parser::new(node, word.len() - rest.len(), problems).whole(), true)
    }

    /// The type with its names looked up; names that do not exist are reported. `own` is what `self` stands for.
    pub fn bind(&self, schema: &dyn Schema, own: Option<&Name>, problems: &Problems) -> Type {
        match self {
            Self::Plain(ty) => ty.clone(),
            Self::Ref(names) => {
                let found = names.iter().filter(|name| is_entity(name, schema, problems));
                Type::Ref(found.map(|name| name.value.clone()).collect())
            }
            Self::StageOf(name) => bind_stage(name, schema, own, problems),
            Self::List(of) => Type::list(of.bind(schema, own, problems)),
            Self::Map(entries) => {
                let bound = entries.iter().map(|(name, ty)| (name.clone(), ty.bind(schema, own, problems)));
                Type::Map(bound.collect())
            }
        }
    }
}

fn bind_stage(name: &Spanned<Name>, schema: &dyn Schema, own: Option<&Name>, problems: &Problems) -> Type {
    let entity = match own {
        Some(own) if &*name.value == "self" => own.clone(),
        _ => name.value.clone(),
    };
    let known = Spanned::new(entity.clone(), name.span);
    if is_entity(&known, schema, problems) && schema.stages(&entity).is_empty() {
        problems.error("unknown-stage", name.span, format!("`{entity}` has no stages"));
    }
    Type::Stage(entity)
}

/// Whether there is such an entity; else it is reported.
pub fn is_entity(name: &Spanned<Name>, schema: &dyn Schema, problems: &Problems) -> bool {
    let found = schema.is_entity(&name.value);
    if !found {
        let problem = Problem::error("unknown-entity", name.span, format!("there is no entity `{}`", name.value));
        problems.push(problem.maybe_help(problems.did_you_mean(&name.value, || schema.entities())));
    }
    found
}

fn is_enum(entries: &[Entry]) -> bool {
    matches!(entries, [entry] if &*entry.key.text == "enum")
}

fn map_type(entries: &[Entry], problems: &Problems) -> Vec<(Name, TypeText)> {
    let bound = entries.iter().filter_map(|Entry { key, value }| {
        let name = cursor::key_name(key, problems)?;
        Some((name.value, TypeText::of(value, problems)?))
    });
    bound.collect()
}

/// `enum: [a, b]`, or with titles `enum: {a: {en: ...}, b: ...}`.
pub fn enum_type(node: &Node, problems: &Problems) -> Option<TypeText> {
    let values: Vec<(Name, Text)> = match &node.yaml {
        Yaml::Map(entries) => entries.iter().filter_map(|entry| titled_code(entry, problems)).collect(),
        Yaml::Seq(items) => {
            let codes = items.iter().filter_map(|item| cursor::code(item, problems));
            codes.map(|code| (code.value, Text::default())).collect()
        }
        Yaml::Scalar(_) => {
            cursor::list(node, "`enum`", problems)?;
            return None;
        }
    };
    let twice =
        values.iter().enumerate().find(|(at, (code, _))| values.iter().take(*at).any(|(other, _)| other == code));
    if let Some((_, (code, _))) = twice {
        problems.error("duplicate-name", node.span, format!("the code `{code}` is written twice"));
    }
    if node.items().is_empty() && node.entries().is_empty() {
        problems.error("wrong-shape", node.span, "expected the codes of the enum, found none");
    }
    Some(TypeText::Plain(Type::Enum(Arc::new(EnumType { values }))))
}

fn titled_code(entry: &Entry, problems: &Problems) -> Option<(Name, Text)> {
    let code = cursor::key_code(&entry.key, problems)?;
    let title = if entry.value.is_blank() { None } else { cursor::title(&entry.value, problems) };
    Some((code.value, title.map(|title| title.value).unwrap_or_default()))
}

/// Reads a type from a scalar's text.
struct Parser<'t> {
    node: &'t Node,
    text: &'t str,
    at: usize,
    problems: &'t Problems,
}

/// Deepest nesting of `list(list(...))`.
const MAX_DEPTH: usize = 8;

impl<'t> Parser<'t> {
    fn new(node: &'t Node, at: usize, problems: &'t Problems) -> Self {
        Self { node, text: node.word().unwrap_or_default(), at, problems }
    }

    fn whole(mut self) -> Option<TypeText> {
        let ty = self.ty(0)?;
        self.spaces();
        if self.at < self.text.len() {
            let rest = self.at..self.text.len();
            let message = format!("expected nothing behind the type, found `{}`", self.rest());
            let help = "the short form is `required type`; more is written `{type: ..., initial: ...}`";
            self.problems.push(Problem::error("bad-type", self.span(rest), message).help(help));
            return None;
        }
        Some(ty)
    }

    fn ty(&mut self, depth: usize) -> Option<TypeText> {
        let (word, range) = self.word();
        if let Some((_, ty)) = WORDS.iter().find(|(known, _)| *known == word) {
            return Some(TypeText::Plain(ty.clone()));
        }
        match word {
            "ref" if self.takes('(') => Some(TypeText::Ref(self.names()?)),
            "ref" => Some(TypeText::Ref(Vec::new())),
            "list" if depth < MAX_DEPTH && self.takes('(') => {
                let of = self.ty(depth + 1)?;
                self.close().then(|| TypeText::List(Box::new(of)))
            }
            "enum" if self.takes('(') => {
                let codes = self.names()?.into_iter().map(|code| (code.value, Text::default())).collect();
                Some(TypeText::Plain(Type::Enum(Arc::new(EnumType { values: codes }))))
            }
            "stage" if self.word().0 == "of" => {
                let (name, range) = self.word();
                let name = cursor::valid_name(name, self.span(range), self.problems)?;
                Some(TypeText::StageOf(name))
            }
            _ => self.unknown(word, range),
        }
    }

    fn unknown(&self, word: &str, range: Range<usize>) -> Option<TypeText> {
        let known = || WORDS.iter().map(|(word, _)| *word).chain(MAKERS.iter().copied()).map(Name::from).collect();
        let help = "types: text, int, number, money, bool, date, datetime, duration, ref(entity), list(type), \
                    {name: type}, enum: [a, b], stage of entity, any";
        let span = self.span(if range.is_empty() { 0..self.text.len() } else { range });
        let message = format!("there is no type `{}`", if word.is_empty() { self.text } else { word });
        let problem = Problem::error("bad-type", span, message).help(help);
        let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == word);
        let foreign = foreign.map(|(_, ours)| format!("here it is called `{ours}`"));
        self.problems.push(problem.maybe_help(foreign.or_else(|| self.problems.did_you_mean(word, known))));
        None
    }

    /// Names up to the closing bracket.
    fn names(&mut self) -> Option<Vec<Spanned<Name>>> {
        let mut names = Vec::new();
        loop {
            let (word, range) = self.word();
            names.push(cursor::valid_name(word, self.span(range), self.problems)?);
            if !self.takes(',') {
                break;
            }
        }
        self.close().then_some(names)
    }

    fn close(&mut self) -> bool {
        let closed = self.takes(')');
        if !closed {
            let here = self.at..self.text.len();
            self.problems.error("bad-type", self.span(here), "expected `)` at the end of the type");
        }
        closed
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn word(&mut self) -> (&'t str, Range<usize>) {
        self.spaces();
        let end = self.rest().find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest().len());
        let word = self.rest().get(..end).unwrap_or_default();
        let range = self.at..self.at + end;
        self.at += end;
        (word, range)
    }

    fn takes(&mut self, sign: char) -> bool {
        self.spaces();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len_utf8();
        }
        found
    }

    fn span(&self, range: Range<usize>) -> Span {
        self.node.part(range)
    }
}
