//! A small world to evaluate in: a lead with its customer, lines and stages.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::model::expr::*;
use crate::model::{Calendar, Denied, EnumType, Null, Ref, Text, Type, Value, read};

pub(super) struct World;

/// `entity.column: type`.
const COLUMNS: &str = "
    lead.id: text, lead.name: text, lead.need_type: ref need_type, lead.account: ref account, lead.contact: ref contact
    lead.customer: ref account contact, lead.budget: money, lead.maturity: enum low high, lead.stage: stage lead
    lead.score: int, lead.owner: ref user, lead.start_date: date, lead.meeting_at: datetime, lead.active: bool
    lead.tags: list text, lead.lines: list ref line, lead.status: enum open paid, lead.wishes: list ref need_type
    lead.length: duration, lead.secret: text, lead.price: money, lead.any: any
    account.name: text, account.kind: enum b2b b2c, account.manager: ref user, account.vip: bool
    contact.name: text, contact.email: text
    line.product: text, line.quantity: number, line.total: money, line.status: enum open paid, line.lead: ref lead
    user.name: text, user.roles: list text, user.manager: ref user
    currency.name: text
    need_type.title: text
    tax.title: text, tax.percent: number";

fn ty(text: &str) -> Type {
    let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "text" => Type::Text,
        "int" => Type::Int,
        "number" => Type::Number,
        "money" => Type::Money,
        "bool" => Type::Bool,
        "date" => Type::Date,
        "datetime" => Type::DateTime,
        "duration" => Type::Duration,
        "list" => Type::list(ty(rest)),
        "ref" => Type::Ref(rest.split(' ').map(Name::new).collect()),
        "stage" => Type::Stage(Name::new(rest)),
        "enum" => {
            let titled = |code: &str| (Name::new(code), Text::plain(code.to_uppercase()));
            Type::Enum(Arc::new(EnumType { values: rest.split(' ').map(titled).collect() }))
        }
        _ => Type::Any,
    }
}

fn declared() -> Vec<(&'static str, &'static str, &'static str)> {
    let each = COLUMNS.split([',', '\n']).map(str::trim).filter(|line| !line.is_empty());
    let parts = each.map(|line| line.split_once(": ").unwrap());
    parts.map(|(path, ty)| (path.split_once('.').unwrap().0, path.split_once('.').unwrap().1, ty)).collect()
}

impl Schema for World {
    fn is_entity(&self, entity: &str) -> bool {
        declared().iter().any(|(name, ..)| *name == entity)
    }
    fn is_lookup(&self, entity: &str) -> bool {
        matches!(entity, "need_type" | "tax")
    }
    fn entities(&self) -> Vec<Name> {
        let mut names: Vec<Name> = declared().iter().map(|(name, ..)| Name::new(name)).collect();
        names.dedup();
        names
    }
    fn column(&self, entity: &str, column: &str) -> Option<Type> {
        declared().iter().find(|(e, c, _)| *e == entity && *c == column).map(|(_, _, text)| ty(text))
    }
    fn columns(&self, entity: &str) -> Vec<Name> {
        declared().iter().filter(|(e, ..)| *e == entity).map(|(_, column, _)| Name::new(column)).collect()
    }
    fn rows(&self, lookup: &str) -> Vec<Name> {
        let rows: &[&str] = if lookup == "tax" { &["vat_20"] } else { &["hardware", "software"] };
        rows.iter().map(Name::new).collect()
    }
    fn stages(&self, entity: &str) -> Vec<Name> {
        let stages: &[&str] = if entity == "lead" { &["qualification", "satisfied"] } else { &[] };
        stages.iter().map(Name::new).collect()
    }
    fn stage_column(&self, _: &str, column: &str) -> Option<Type> {
        match column {
            "title" => Some(Type::Text),
            "position" => Some(Type::Int),
            _ => None,
        }
    }
    fn stage_columns(&self, _: &str) -> Vec<Name> {
        ["title", "position"].map(Name::new).to_vec()
    }
    fn stage_value(&self, _: &str, stage: &str, column: &str) -> Value {
        match (stage, column) {
            ("qualification", "title") => Value::text("Qualification"),
            ("satisfied", "title") => Value::text("Need satisfied"),
            ("satisfied", _) => Value::Number(2.into()),
            _ => Value::Number(1.into()),
        }
    }
    fn setting(&self, name: &str) -> Option<Type> {
        (name == "bonus").then_some(Type::Number)
    }
    fn settings(&self) -> Vec<Name> {
        vec![Name::new("bonus")]
    }
    fn currency_entity(&self) -> Option<Name> {
        Some(Name::new("currency"))
    }
}

const SELF: Slot = Slot(0);
pub(super) const ROW: Slot = Slot(9);

/// The names of a process about a lead, which an update of that lead started.
pub(super) fn process() -> Names {
    let mut names = Names::new();
    names.root("self", Type::reference("lead"), SELF).root("user", Type::reference("user"), Slot(1));
    names.root("record", Type::reference("lead"), SELF).root("message", message(), Slot(2));
    names.member("params", "limit", Type::Number, Slot(3)).member("params", "note", Type::Text, Slot(4));
    names.member("vars", "note", Type::Text, Slot(5)).member("vars", "tries", Type::Int, Slot(6));
    names.member("vars", "result", ty("enum won lost"), Slot(7)).member("vars", "thing", Type::Any, Slot(8));
    names.member("vars", "debt", Type::Money, Slot(10));
    names.changing("lead", SELF);
    names
}

fn message() -> Type {
    Type::Map([(Name::new("amount"), Type::Money), (Name::new("lines"), Type::list(Type::reference("line")))].into())
}

pub(super) struct Values;

/// `record.column: value`.
const RECORDS: &str = "
    lead 1.id: 1; lead 1.name: Big deal; lead 1.need_type: hardware; lead 1.account: a; lead 1.customer: account a
    lead 1.budget: 900.00 RUB; lead 1.maturity: high; lead 1.stage: satisfied; lead 1.score: 7; lead 1.owner: anna
    lead 1.start_date: 2026-03-02; lead 1.meeting_at: 2026-03-02T09:00:00Z; lead 1.active: true; lead 1.status: open
    lead 1.length: 2 days; lead 1.price: 10 EUR
    account a.name: Acme; account a.kind: b2b; account a.manager: ivan
    line 1.product: disk; line 1.quantity: 2; line 1.total: 200 RUB; line 1.status: paid
    line 2.product: cable; line 2.quantity: 10; line 2.total: 50 RUB; line 2.status: open
    user anna.name: Anna; user anna.manager: ivan; user ivan.name: Ivan
    need_type hardware.title: Hardware; need_type software.title: Software; tax vat_20.percent: 20";

fn lines() -> Value {
    Value::list(["1", "2"].map(|id| Value::Ref(Ref::new("line", id))))
}

impl Env for Values {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        Ok(match slot.0 {
            0 | 9 => Value::Ref(Ref::new("lead", "1")),
            1 => Value::Ref(Ref::new("user", "anna")),
            2 => {
                let amount = Value::Money(crate::model::Money::new(100, Some("RUB")));
                Value::Map(Arc::new(BTreeMap::from([(Name::new("amount"), amount), (Name::new("lines"), lines())])))
            }
            3 => Value::Number(100.into()),
            4 => Value::text("params"),
            5 => Value::text("vars"),
            6 => Value::Number(3.into()),
            7 => Value::text("won"),
            8 => Value::text("anything"),
            _ => return Err(EvalError::Unknown("debt".into())),
        })
    }
    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        let path = format!("{record}.{column}");
        match path.as_str() {
            "lead 1.lines" => return Ok(lines()),
            "lead 1.tags" => return Ok(Value::list(["a", "b"].map(Value::text))),
            "lead 1.wishes" => return Ok(Value::list(["hardware"].map(|id| Value::Ref(Ref::new("need_type", id))))),
            "user anna.roles" => return Ok(Value::list(["employee", "seller"].map(Value::text))),
            "lead 1.secret" => {
                let rule = "deny read".into();
                let column = Some(column.clone());
                return Ok(Value::Denied(Arc::new(Denied {
                    object: "lead".into(),
                    column,
                    operation: "read".into(),
                    rule,
                })));
            }
            _ => {}
        }
        let ty = World.column(&record.entity, column).unwrap();
        let mut all = RECORDS.split([';', '\n']).map(str::trim).filter_map(|line| line.split_once(": "));
        Ok(match all.find(|(known, _)| *known == path) {
            Some((_, text)) => Value::from_text(&ty, text).unwrap(),
            None if record.id.as_str() == "gone" => Value::Null(Null::Gone(record.clone())),
            None => Value::NULL,
        })
    }
    fn setting(&self, _: &str) -> Result<Value, EvalError> {
        Ok(Value::Number(5.into()))
    }
    fn now(&self) -> DateTime<Utc> {
        read::moment("2026-03-02T22:30:00Z").unwrap()
    }
    fn calendar(&self) -> &Calendar {
        static MOSCOW: std::sync::LazyLock<Calendar> =
            std::sync::LazyLock::new(|| Calendar { zone: chrono_tz::Europe::Moscow, ..Calendar::default() });
        &MOSCOW
    }
    fn base_currency(&self) -> Option<Name> {
        Some(Name::new("RUB"))
    }
    fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        match currency.as_str() {
            "EUR" => Ok(Decimal::from(90)),
            _ => Err(EvalError::failed(format!("expected a rate of {currency} on {day}, found none"))),
        }
    }
    fn previous(&self, column: &Name) -> Result<Value, EvalError> {
        Ok(if column.as_str() == "owner" { Value::Ref(Ref::new("user", "ivan")) } else { Value::Number(5.into()) })
    }
    fn changed(&self, column: &Name) -> Result<bool, EvalError> {
        Ok(column.as_str() == "score")
    }
}
