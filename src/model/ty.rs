//! The types of columns, variables and expressions.

use std::fmt;
use std::sync::Arc;

use super::{Name, Text, Value};

/// What a value may be. Known for every column, variable and expression when a definition is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything; checked when it is used.
    Any,
    /// Text.
    Text,
    /// A decimal without a fraction.
    Int,
    /// A decimal.
    Number,
    /// A decimal amount with its currency.
    Money,
    /// True or false.
    Bool,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// A length of time.
    Duration,
    /// A record of one of these entities (lookups are entities too); of any entity when empty.
    Ref(Arc<[Name]>),
    /// One of an author's own codes; its values are texts.
    Enum(Arc<EnumType>),
    /// A stage of the entity; its values are texts.
    Stage(Name),
    /// A list of values of one type.
    List(Box<Type>),
    /// Named values.
    Map(Arc<[(Name, Type)]>),
}

/// The codes of an `enum: [...]`, in written order, with their titles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnumType {
    /// Codes and titles.
    pub values: Vec<(Name, Text)>,
}

impl Type {
    /// A reference to records of one entity.
    pub fn reference(entity: impl AsRef<str>) -> Self {
        Type::Ref(Arc::from([Name::new(entity)]))
    }

    /// Whether a value may stand where this type is declared. Null fits everywhere; a code of an enum must be one of it.
    ///
    /// ```
    /// use stageflow::model::{Type, Value};
    /// assert!(Type::Text.accepts(&Value::text("Olga")) && !Type::Bool.accepts(&Value::text("true")));
    /// ```
    pub fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Type::Any, _) | (_, Value::Null(_) | Value::Denied(_)) => true,
            (Type::Text | Type::Stage(_), Value::Text(_)) | (Type::Bool, Value::Bool(_)) => true,
            (Type::Int, Value::Number(number)) => number.is_integer(),
            (Type::Number | Type::Money, Value::Number(_)) | (Type::Money, Value::Money(_)) => true,
            (Type::Date, Value::Date(_)) | (Type::DateTime, Value::DateTime(_) | Value::Date(_)) => true,
            (Type::Duration, Value::Duration(_)) => true,
            (Type::Ref(entities), Value::Ref(record)) => entities.is_empty() || entities.contains(&record.entity),
            (Type::Enum(codes), Value::Text(code)) => codes.values.iter().any(|(known, _)| **known == **code),
            (Type::List(of), Value::List(items)) => items.iter().all(|item| of.accepts(item)),
            (Type::Map(entries), Value::Map(values)) => {
                entries.iter().all(|(name, ty)| values.get(name).is_none_or(|value| ty.accepts(value)))
            }
            _ => false,
        }
    }

    /// A list of this type.
    pub fn list(of: Type) -> Self {
        Type::List(Box::new(of))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Any => f.write_str("any"),
            Type::Text => f.write_str("text"),
            Type::Int => f.write_str("int"),
            Type::Number => f.write_str("number"),
            Type::Money => f.write_str("money"),
            Type::Bool => f.write_str("bool"),
            Type::Date => f.write_str("date"),
            Type::DateTime => f.write_str("datetime"),
            Type::Duration => f.write_str("duration"),
            Type::Ref(entities) => write_joined(f, "ref(", entities.iter(), ")"),
            Type::Enum(codes) => write_joined(f, "enum [", codes.values.iter().map(|(code, _)| code), "]"),
            Type::Stage(entity) => write!(f, "stage of {entity}"),
            Type::List(of) => write!(f, "list({of})"),
            Type::Map(entries) => write_joined(f, "{", entries.iter().map(|(name, ty)| format!("{name}: {ty}")), "}"),
        }
    }
}

fn write_joined<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: impl Iterator<Item = T>,
    close: &str,
) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { ", " })?;
    }
    f.write_str(close)
}
