//! A text or a JSON value read as a value of a declared type.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use rust_decimal::Decimal;

use super::{Duration, EnumType, Mismatch, Money, Name, Ref, Type, Value, suggest};

impl Value {
    /// The source text of a scalar, read as the declared type says: `+7495` is a text where text is declared, `12.50` keeps its
    /// scale, `true` and `false` are the only bools. An amount without a currency (`900`) is a plain number: it takes the
    /// currency of the place it is stored in; `900 RUB` names its own. `any` takes the nearest of bool, number and text.
    ///
    /// ```
    /// use stageflow::model::{Type, Value};
    /// assert_eq!(Value::from_text(&Type::Text, "+7495").unwrap(), Value::text("+7495"));
    /// assert_eq!(Value::from_text(&Type::Number, "12.50").unwrap().to_string(), "12.50");
    /// ```
    ///
    /// # Errors
    /// When the text is no value of that type.
    pub fn from_text(ty: &Type, text: &str) -> Result<Value, Mismatch> {
        if text == "null" && *ty != Type::Text { Ok(Value::NULL) } else { scalar(ty, text) }
    }

    /// A value from a host's JSON, as the declared type says. Numbers may be strings (`"12.50"` keeps its scale); an amount is a
    /// number, `"900 RUB"` or `{"amount": "900", "currency": "RUB"}`; a reference is an id, or `{"entity": …, "id": …}`.
    ///
    /// # Errors
    /// When it does not fit the type, with the path to the place.
    pub fn from_json(ty: &Type, json: &serde_json::Value) -> Result<Value, Mismatch> {
        let value = typed(ty, json)?;
        let most = super::code::MAX_DEPTH;
        if value.is_deeper_than(most) {
            return Err(Mismatch::new(format!("at most {most} levels of lists and maps"), "more"));
        }
        Ok(value)
    }

    /// JSON for a host. Decimals are numbers where that is exact, else strings; what JSON has no form for is a string (dates,
    /// instants, durations) or an object: amounts, references, and `{"denied": …}` for what may not be read.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::json;
        match self {
            Value::Null(_) => serde_json::Value::Null,
            Value::Denied(denied) => json!({"denied": {
                "object": denied.object.as_str(), "column": denied.column.as_deref(),
                "operation": denied.operation.as_str(), "rule": denied.rule.as_ref(),
            }}),
            Value::Bool(truth) => json!(truth),
            Value::Number(number) => json_number(number),
            Value::Money(money) => json!({"amount": money.amount.to_string(), "currency": money.currency.as_deref()}),
            Value::Text(text) => json!(text.as_ref()),
            Value::Date(_) | Value::DateTime(_) | Value::Duration(_) => json!(self.to_string()),
            Value::Ref(record) => json!({"entity": record.entity.as_str(), "id": record.id.as_str()}),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect(),
            ),
        }
    }
}

/// A JSON value as the type says.
fn typed(ty: &Type, json: &serde_json::Value) -> Result<Value, Mismatch> {
    use serde_json::Value as Json;
    match (ty, json) {
        (_, Json::Null) => Ok(Value::NULL),
        (Type::Any, _) => Ok(untyped(json)),
        (Type::List(of), Json::Array(items)) => list(of, items),
        (Type::Map(entries), Json::Object(fields)) => map(entries, fields),
        (Type::Money, Json::Object(fields)) => amount(fields).ok_or_else(|| wrong_json("an amount", json)),
        (Type::Ref(entities), Json::Object(fields)) => {
            record(entities, fields).ok_or_else(|| wrong_json(&ty.to_string(), json))
        }
        (Type::List(_) | Type::Map(_), _) | (_, Json::Array(_) | Json::Object(_)) => {
            Err(wrong_json(&ty.to_string(), json))
        }
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Int | Type::Number | Type::Money, Json::Number(number)) => scalar(ty, &number.to_string()),
        (Type::Bool, _) | (_, Json::Bool(_) | Json::Number(_)) => Err(wrong_json(&ty.to_string(), json)),
        (_, Json::String(text)) => scalar(ty, text),
    }
}

/// A text that is not null.
fn scalar(ty: &Type, text: &str) -> Result<Value, Mismatch> {
    match ty {
        Type::Any => Ok(guess(text)),
        Type::Text | Type::Stage(_) => Ok(Value::text(text)),
        Type::Int => {
            number(text).filter(Decimal::is_integer).map(Value::Number).ok_or_else(|| wrong("a whole number", text))
        }
        Type::Number => number(text).map(Value::Number).ok_or_else(|| wrong("a number", text)),
        Type::Money => money(text).ok_or_else(|| wrong("an amount such as 900 or 900 RUB", text)),
        Type::Bool => truth(text).ok_or_else(|| wrong("true or false", text)),
        Type::Date => day(text).map(Value::Date).ok_or_else(|| wrong("a date such as 2026-03-02", text)),
        Type::DateTime => {
            moment(text).map(Value::DateTime).ok_or_else(|| wrong("an instant such as 2026-03-02T09:00:00Z", text))
        }
        Type::Duration => Duration::parse(text).map(Value::Duration),
        Type::Ref(entities) => reference(entities, text),
        Type::Enum(codes) => code(codes, text),
        Type::List(_) => Err(wrong("a list", text)),
        Type::Map(_) => Err(wrong("named values", text)),
    }
}

/// An instant to the microsecond; its zone must be written.
pub(crate) fn moment(text: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc().trunc_subsecs(6))
}

/// A day as `2026-03-02`.
pub(crate) fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)
}

/// A decimal that needs no rounding: `12.50`, `-3`, `1e3`.
pub(crate) fn number(text: &str) -> Option<Decimal> {
    let plain = text.strip_prefix('-').unwrap_or(text);
    if !plain.starts_with(|c: char| c.is_ascii_digit()) || text.contains('_') {
        return None;
    }
    let exponent = text.contains(['e', 'E']);
    if exponent { Decimal::from_scientific(text).ok() } else { Decimal::from_str_exact(text).ok() }
}

fn truth(text: &str) -> Option<Value> {
    bool::from_str(text).ok().map(Value::Bool)
}

fn guess(text: &str) -> Value {
    truth(text).or_else(|| number(text).map(Value::Number)).unwrap_or_else(|| Value::text(text))
}

fn money(text: &str) -> Option<Value> {
    match text.split_once(' ') {
        None => number(text).map(Value::Number),
        Some((amount, currency)) => {
            let currency = Some(currency.trim()).filter(|id| !id.is_empty() && !id.contains(' '))?;
            Some(Value::Money(Money { amount: number(amount)?, currency: Some(Name::new(currency)) }))
        }
    }
}

/// Of one entity an id is enough; of several, `entity id`.
fn reference(entities: &[Name], text: &str) -> Result<Value, Mismatch> {
    if let [entity] = entities {
        return Ok(Value::Ref(Ref { entity: entity.clone(), id: Name::new(text) }));
    }
    let known = |name: &str| entities.is_empty() || entities.iter().any(|entity| entity.as_str() == name);
    match text.split_once(' ') {
        Some((entity, id)) if known(entity) && !id.is_empty() => Ok(Value::Ref(Ref::new(entity, id))),
        _ => Err(wrong("an entity and an id, such as `account 42`", text)),
    }
}

fn code(codes: &EnumType, text: &str) -> Result<Value, Mismatch> {
    if codes.values.iter().any(|(code, _)| code.as_str() == text) {
        return Ok(Value::text(text));
    }
    let names = || codes.values.iter().map(|(code, _)| code.as_str());
    let listed = names().collect::<Vec<_>>().join(", ");
    Err(wrong(&format!("one of {listed}"), text).help(suggest::did_you_mean(text, names())))
}

fn list(of: &Type, items: &[serde_json::Value]) -> Result<Value, Mismatch> {
    let read = |(at, item)| typed(of, item).map_err(|why| inside(&format!("[{at}]"), why));
    items.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>().map(Value::list)
}

fn map(entries: &[(Name, Type)], fields: &serde_json::Map<String, serde_json::Value>) -> Result<Value, Mismatch> {
    let mut values = BTreeMap::new();
    for (name, json) in fields {
        let Some((name, ty)) = entries.iter().find(|(known, _)| known.as_str() == name) else {
            let names = entries.iter().map(|(known, _)| known.as_str());
            let listed = names.clone().collect::<Vec<_>>().join(", ");
            return Err(wrong(&format!("one of {listed}"), name).help(suggest::did_you_mean(name, names)));
        };
        values.insert(name.clone(), typed(ty, json).map_err(|why| inside(name, why))?);
    }
    Ok(Value::Map(Arc::new(values)))
}

fn amount(fields: &serde_json::Map<String, serde_json::Value>) -> Option<Value> {
    let amount = match fields.get("amount")? {
        serde_json::Value::String(text) => number(text)?,
        serde_json::Value::Number(json) => number(&json.to_string())?,
        _ => return None,
    };
    let currency = match fields.get("currency") {
        None | Some(serde_json::Value::Null) => None,
        Some(currency) => Some(Name::new(currency.as_str()?)),
    };
    let known = fields.keys().all(|key| matches!(key.as_str(), "amount" | "currency"));
    known.then_some(Value::Money(Money { amount, currency }))
}

fn record(entities: &[Name], fields: &serde_json::Map<String, serde_json::Value>) -> Option<Value> {
    let (entity, id) = (fields.get("entity")?.as_str()?, fields.get("id")?.as_str()?);
    let known = entities.is_empty() || entities.iter().any(|name| name.as_str() == entity);
    (known && fields.len() == 2).then(|| Value::Ref(Ref::new(entity, id)))
}

fn untyped(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::NULL,
        Json::Bool(truth) => Value::Bool(*truth),
        // A number beyond a decimal's 28 digits keeps its digits as a text.
        Json::Number(json) => number(&json.to_string()).map_or_else(|| Value::text(json.to_string()), Value::Number),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(untyped)),
        Json::Object(fields) => {
            Value::Map(Arc::new(fields.iter().map(|(name, json)| (Name::new(name), untyped(json))).collect()))
        }
    }
}

/// A JSON number where reading it gives the same decimal again, else a string.
fn json_number(decimal: &Decimal) -> serde_json::Value {
    let text = decimal.normalize().to_string();
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    let float = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    match float.filter(|float| number(&float.to_string()).as_ref() == Some(decimal)) {
        Some(float) => float.into(),
        None => decimal.to_string().into(),
    }
}

fn inside(place: &str, why: Mismatch) -> Mismatch {
    Mismatch { found: format!("{} in `{place}`", why.found), ..why }
}

fn wrong(expected: &str, found: &str) -> Mismatch {
    let short: String = found.chars().take(60).collect();
    Mismatch::new(expected, format!("`{short}`"))
}

fn wrong_json(expected: &str, found: &serde_json::Value) -> Mismatch {
    wrong(expected, &found.to_string())
}

#[cfg(test)]
mod tests;
