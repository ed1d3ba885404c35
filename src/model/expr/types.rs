//! How types relate: what fits where, what can be compared, computed and put together.

use super::ast::Math;
use crate::model::{Name, Type, Value};

/// Whether a value of one type may go where another is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Yes,
    /// Only the value will tell.
    Check,
    /// A date where an instant is expected.
    EndOfDay,
    No,
}

pub(super) fn fit(from: &Type, to: &Type) -> Fit {
    match (from, to) {
        (_, Type::Any) => Fit::Yes,
        (Type::Any, _) => Fit::Check,
        _ if from == to => Fit::Yes,
        (Type::Int, Type::Number | Type::Money) | (Type::Number, Type::Money) => Fit::Yes,
        (Type::Enum(_) | Type::Stage(_), Type::Text) => Fit::Yes,
        (Type::Enum(from), Type::Enum(to)) => yes(from.values.iter().all(|(code, _)| to.has(code))),
        (Type::Ref(from), Type::Ref(to)) => fit_ref(from, to),
        (Type::List(from), Type::List(to)) => match fit(from, to) {
            Fit::EndOfDay => Fit::No,
            fit => fit,
        },
        (Type::Map(from), Type::Map(to)) => fit_map(from, to),
        (Type::Date, Type::DateTime) => Fit::EndOfDay,
        _ => Fit::No,
    }
}

fn yes(fits: bool) -> Fit {
    if fits { Fit::Yes } else { Fit::No }
}

fn fit_ref(from: &[Name], to: &[Name]) -> Fit {
    if to.is_empty() || (!from.is_empty() && from.iter().all(|entity| to.contains(entity))) {
        return Fit::Yes;
    }
    if from.is_empty() || from.iter().any(|entity| to.contains(entity)) { Fit::Check } else { Fit::No }
}

fn fit_map(from: &[(Name, Type)], to: &[(Name, Type)]) -> Fit {
    let mut result = Fit::Yes;
    for (name, ty) in from {
        match to.iter().find(|(known, _)| known == name).map_or(Fit::No, |(_, to)| fit(ty, to)) {
            Fit::Yes => {}
            Fit::Check => result = Fit::Check,
            Fit::EndOfDay | Fit::No => return Fit::No,
        }
    }
    result
}

/// The type that holds the values of both.
pub(super) fn unify(a: &Type, b: &Type) -> Option<Type> {
    Some(match (a, b) {
        _ if a == b => a.clone(),
        (Type::Any, _) | (_, Type::Any) => Type::Any,
        (Type::Int, Type::Number) | (Type::Number, Type::Int) => Type::Number,
        (Type::Int | Type::Number, Type::Money) | (Type::Money, Type::Int | Type::Number) => Type::Money,
        (Type::Enum(x), Type::Enum(y)) if x.values.iter().all(|(code, _)| y.has(code)) => b.clone(),
        (Type::Enum(x), Type::Enum(y)) if y.values.iter().all(|(code, _)| x.has(code)) => a.clone(),
        (Type::Text | Type::Enum(_) | Type::Stage(_), Type::Text | Type::Enum(_) | Type::Stage(_)) => Type::Text,
        (Type::Ref(x), Type::Ref(y)) if x.is_empty() || y.is_empty() => Type::Ref([].into()),
        (Type::Ref(x), Type::Ref(y)) => {
            let more = y.iter().filter(|entity| !x.contains(entity));
            Type::Ref(x.iter().chain(more).cloned().collect())
        }
        (Type::List(x), Type::List(y)) => Type::list(unify(x, y)?),
        _ => return None,
    })
}

/// Whether values of the two types can ever be equal.
pub(super) fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Int | Type::Number | Type::Money, Type::Int | Type::Number | Type::Money) => true,
        (Type::Enum(x), Type::Enum(y)) => x.values.iter().any(|(code, _)| y.has(code)),
        (Type::Stage(x), Type::Stage(y)) => x == y,
        (Type::Text, Type::Text | Type::Enum(_) | Type::Stage(_)) | (Type::Enum(_) | Type::Stage(_), Type::Text) => {
            true
        }
        (Type::Ref(x), Type::Ref(y)) => x.is_empty() || y.is_empty() || x.iter().any(|entity| y.contains(entity)),
        (Type::List(x), Type::List(y)) => comparable(x, y),
        (Type::Map(_), Type::Map(_)) => true,
        _ => a == b,
    }
}

/// Whether values of the two types are equal exactly when they are the same: not so for amounts, which equal plain numbers.
pub(super) fn same_kind(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Text | Type::Enum(_) | Type::Stage(_), Type::Text | Type::Enum(_) | Type::Stage(_)) => true,
        (Type::Int | Type::Number, Type::Int | Type::Number) | (Type::Ref(_), Type::Ref(_)) => true,
        _ => a == b && matches!(a, Type::Bool | Type::Date | Type::DateTime),
    }
}

/// Whether values of the two types stand in an order.
pub(super) fn orderable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Any, other) | (other, Type::Any) => has_order(other),
        (Type::Int | Type::Number | Type::Money, Type::Int | Type::Number | Type::Money) => true,
        _ => a == b && has_order(a),
    }
}

/// Codes and stages have none: a stage has a `position`.
pub(super) fn has_order(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Any | Type::Int | Type::Number | Type::Money | Type::Text | Type::Date | Type::DateTime | Type::Duration
    )
}

/// The type of a computation; none when there is no such computation.
pub(super) fn math(op: Math, a: &Type, b: &Type) -> Option<Type> {
    use Type::{Any, Date, DateTime, Duration, Int, Money, Number};
    let text = |ty: &Type| matches!(ty, Type::Text | Type::Enum(_) | Type::Stage(_));
    let computes = |ty: &Type| text(ty) || matches!(ty, Any | Int | Number | Money | Date | DateTime | Duration);
    Some(match (op, a, b) {
        (_, Any, other) | (_, other, Any) if computes(other) => Any,
        (Math::Divide, Int, Int) | (Math::Power, Int | Number, Int | Number) => Number,
        (Math::Add | Math::Subtract | Math::Multiply, Int, Int) => Int,
        (Math::Add | Math::Subtract | Math::Multiply | Math::Divide, Int | Number, Int | Number) => Number,
        (Math::Add | Math::Subtract, Money, Money) => Money,
        (Math::Multiply, Money, Int | Number) | (Math::Multiply, Int | Number, Money) => Money,
        (Math::Divide, Money, Int | Number) => Money,
        (Math::Divide, Money, Money) | (Math::Divide, Duration, Duration) => Number,
        (Math::Add, a, b) if text(a) && text(b) => Type::Text,
        (Math::Add | Math::Subtract, Date, Duration) | (Math::Add, Duration, Date) => Date,
        (Math::Add | Math::Subtract, DateTime, Duration) | (Math::Add, Duration, DateTime) => DateTime,
        (Math::Add | Math::Subtract, Duration, Duration) => Duration,
        (Math::Subtract, Date, Date) | (Math::Subtract, DateTime, DateTime) => Duration,
        (Math::Multiply, Duration, Int | Number) | (Math::Multiply, Int | Number, Duration) => Duration,
        (Math::Divide, Duration, Int | Number) => Duration,
        _ => return None,
    })
}

/// What helps where two types do not go together.
pub(super) fn mend(a: &Type, b: &Type) -> Option<String> {
    let either = |wanted: &dyn Fn(&Type) -> bool| wanted(a) || wanted(b);
    let number = |ty: &Type| matches!(ty, Type::Int | Type::Number);
    let help = if either(&|ty: &Type| *ty == Type::Date) && either(&|ty: &Type| *ty == Type::DateTime) {
        "`date(x)` gives the day of an instant"
    } else if either(&|ty: &Type| matches!(ty, Type::Date | Type::DateTime)) && either(&number) {
        "write `days(n)` for a number of days"
    } else if either(&|ty: &Type| matches!(ty, Type::Date | Type::DateTime | Type::Duration))
        && either(&|ty: &Type| *ty == Type::Text)
    {
        "write `date(\"2026-03-02\")`, `@\"P3D\"`, or `string(x)` for a text"
    } else if either(&|ty: &Type| *ty == Type::Text) && either(&|ty: &Type| number(ty) || *ty == Type::Money) {
        "`string(x)` makes a text of a number, `number(x)` a number of a text"
    } else if either(&|ty: &Type| *ty == Type::Money) && either(&number) {
        "write `money(5, \"RUB\")` for an amount"
    } else if either(&|ty: &Type| matches!(ty, Type::List(_))) {
        "`some x in xs satisfies …`, `list contains(xs, x)` or `xs[1]` look into a list"
    } else if either(&|ty: &Type| matches!(ty, Type::Ref(_))) {
        "name a column of the record"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// Whether a value is of the type: null always, a number also where money is expected.
pub(super) fn admits(ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::DateTime, Value::Date(_)) => false,
        (Type::List(of), Value::List(items)) => items.iter().all(|item| admits(of, item)),
        (Type::Map(entries), Value::Map(values)) => {
            let entry = |name: &Name| entries.iter().find(|(known, _)| known == name);
            values.iter().all(|(name, value)| entry(name).is_some_and(|(_, ty)| admits(ty, value)))
        }
        _ => ty.accepts(value),
    }
}

impl Type {
    /// The type of the elements, when it is a list.
    pub fn element(&self) -> Option<&Type> {
        if let Type::List(of) = self { Some(of) } else { None }
    }
}

impl crate::model::EnumType {
    /// Whether it has this code.
    pub fn has(&self, code: &str) -> bool {
        self.values.iter().any(|(known, _)| known.as_str() == code)
    }
}
