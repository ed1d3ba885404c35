//! Something declared with a type: a column, a setting, a parameter, a variable, a form entry, a part of a message.

use super::{ExprText, TypeText};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::Problems;
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{Name, Span, Text};

/// A declaration: the short form is just its type, the long form says more.
#[derive(Clone, Debug)]
pub struct Decl {
    /// Its name.
    pub name: Spanned<Name>,
    /// Its title.
    pub title: Option<Spanned<Text>>,
    /// Its type; none when it was not written or not understood.
    pub ty: Option<TypeText>,
    /// Whether a type was written, understood or not.
    pub is_typed: bool,
    /// Where the type or the whole declaration stands.
    pub span: Span,
    /// Whether it must have a value.
    pub required: bool,
    /// The column of an amount's currency.
    pub currency: Option<ExprText>,
    /// Its starting value.
    pub initial: Option<ExprText>,
}

/// Keys of which one makes a mapping a long form; otherwise it is a type `{name: type}`.
const LONG: &[&str] = &["type", "enum", "computed", "sequence", "initial", "required"];

impl Decl {
    /// The declaration of an entry. `more` reads the keys that only this kind of declaration has.
    pub fn of<'t>(
        entry: &'t Entry,
        what: &'static str,
        problems: &'t Problems,
        more: impl FnOnce(&MapReader<'t>),
    ) -> Option<Self> {
        let name = cursor::key_variable(&entry.key, problems)?;
        let node = &entry.value;
        if !is_long(node) {
            let (ty, required) = TypeText::of_column(node, problems);
            return Some(Self {
                name,
                title: None,
                ty,
                is_typed: true,
                span: node.span,
                required,
                currency: None,
                initial: None,
            });
        }
        let map = MapReader::new(node, what, problems)?;
        let (ty, short_required) = Self::long_type(&map, problems);
        let decl = Self {
            name,
            title: map.title(),
            ty,
            is_typed: map.get("type").is_some() || map.get("enum").is_some(),
            span: node.span,
            required: map.bool("required").is_some_and(|required| required.value) || short_required,
            currency: map.get("in").and_then(|node| ExprText::of(node, problems)),
            initial: map.get("initial").and_then(|node| ExprText::of(node, problems)),
        };
        more(&map);
        map.finish();
        Some(decl)
    }

    fn long_type(map: &MapReader<'_>, problems: &Problems) -> (Option<TypeText>, bool) {
        match (map.get("type"), map.get("enum")) {
            (Some(ty), None) => TypeText::of_column(ty, problems),
            (None, Some(codes)) => (super::types::enum_type(codes, problems), false),
            (Some(ty), Some(_)) => {
                problems.error("wrong-shape", ty.span, "expected `type` or `enum`, found both");
                (None, false)
            }
            (None, None) => (None, false),
        }
    }

    /// Every declaration of a mapping in which no kind of its own key is known.
    pub fn all(entries: &[Entry], what: &'static str, problems: &Problems) -> Vec<Self> {
        entries.iter().filter_map(|entry| Self::of(entry, what, problems, |_| ())).collect()
    }
}

fn is_long(node: &Node) -> bool {
    matches!(&node.yaml, Yaml::Map(entries) if entries.iter().any(|entry| LONG.contains(&&*entry.key.text)))
}
