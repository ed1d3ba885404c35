//! A value for a column: of its type, rounded as its currency says, referring to what exists.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Refusal;
use super::work::{At, Planner};
use crate::entity::library::Field;
use crate::model::{Money, Name, Null, Ref, Type, Value};

impl Planner<'_, '_> {
    /// The value as the column keeps it.
    pub fn fit(&self, at: At, field: &Field, value: Value) -> Result<Value, Refusal> {
        let value = match (&field.ty, value) {
            (_, Value::Null(reason)) => return Ok(Value::Null(reason)),
            (_, Value::Denied(denied)) => return Err(Refusal::denied(&denied)),
            (Type::Money, Value::Number(amount)) => self.amount(at, field, amount, None)?,
            (Type::Money, Value::Money(money)) => self.amount(at, field, money.amount, money.currency)?,
            (Type::Number | Type::Int, Value::Money(money)) => Value::Number(money.amount),
            (Type::DateTime, Value::Date(day)) => match self.records().calendar().end_of_day(day) {
                Some(end) => Value::DateTime(end),
                None => return Err(self.wrong_type(at, field, &Value::Date(day))),
            },
            (Type::Date, Value::DateTime(at)) => Value::Date(self.records().calendar().day(at)),
            (Type::Ref(entities), Value::Text(code)) if entities.len() == 1 => {
                entities.first().map_or(Value::NULL, |entity| Value::Ref(Ref::new(entity, code)))
            }
            (Type::Text | Type::Enum(_) | Type::Stage(_), Value::Ref(row)) => Value::text(&row.id),
            (_, value) => value,
        };
        self.check_type(at, field, &value)?;
        self.check_exists(at, field, &value)?;
        Ok(value)
    }

    fn check_type(&self, at: At, field: &Field, value: &Value) -> Result<(), Refusal> {
        let stage_known = match (&field.ty, value) {
            (Type::Stage(entity), Value::Text(stage)) => self.library.stage(entity, stage).is_some(),
            _ => true,
        };
        if field.ty.accepts(value) && stage_known { Ok(()) } else { Err(self.wrong_type(at, field, value)) }
    }

    fn wrong_type(&self, at: At, field: &Field, value: &Value) -> Refusal {
        let entity = &self.at(at).target.entity;
        let expected = match &field.ty {
            Type::Stage(of) => {
                let stages = self.library.entity(of).and_then(|of| of.stages.as_ref());
                let codes = stages.into_iter().flat_map(|table| &table.values).map(|stage| stage.name.as_str());
                format!("{} ({})", field.ty, codes.collect::<Vec<_>>().join(", "))
            }
            ty => ty.to_string(),
        };
        let found = match value {
            Value::Text(text) => format!("{text:?}"),
            Value::Number(number) => number.to_string(),
            other => format!("{} ({other})", other.kind()),
        };
        let text = format!("{entity}.{}: expected {expected}, found {found}", field.name);
        Refusal::rule("wrong_type", entity, Some(&field.name), text)
    }

    fn check_exists(&self, at: At, field: &Field, value: &Value) -> Result<(), Refusal> {
        match value {
            Value::Ref(record) if !self.exists(record)? => {
                let entity = &self.at(at).target.entity;
                let text = format!("{entity}.{}: expected a record that exists, found {record}", field.name);
                Err(Refusal::rule("unknown_record", entity, Some(&field.name), text))
            }
            Value::List(items) => items.iter().try_for_each(|item| self.check_exists(at, field, item)),
            _ => Ok(()),
        }
    }

    /// An amount in the column's currency, rounded half up to that currency's decimals.
    fn amount(&self, at: At, field: &Field, amount: Decimal, given: Option<Name>) -> Result<Value, Refusal> {
        let base = self.records().base_currency();
        let wanted = field.currency.as_ref().and_then(|column| currency_of(&self.value(at, column)));
        let wanted = wanted.filter(|currency| base.as_ref() != Some(currency));
        let given = given.filter(|currency| base.as_ref() != Some(currency));
        if let Some(given) = &given
            && wanted.as_ref() != Some(given)
        {
            let entity = &self.at(at).target.entity;
            let wanted =
                wanted.or(base).map_or_else(|| "the base currency".to_string(), |currency| currency.to_string());
            let text = format!(
                "{entity}.{}: expected an amount in {wanted}, found one in {given}; try convert(amount, currency, date)",
                field.name
            );
            return Err(Refusal::rule("wrong_currency", entity, Some(&field.name), text));
        }
        let decimals = self.records().decimals(wanted.as_ref());
        let amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        Ok(Value::Money(Money { amount, currency: wanted }))
    }

    /// An amount that nothing computes takes the currency that its column names now.
    pub fn follow_currency(&mut self, at: At, field: &Field) -> Result<(), Refusal> {
        match self.value(at, &field.name) {
            Value::Money(money) => {
                let value = self.amount(at, field, money.amount, None)?;
                self.put(at, &field.name, value)
            }
            _ => Ok(()),
        }
    }

    /// Why a column has no value, in words.
    pub fn why_empty(&self, at: At, column: &Name) -> Option<&Null> {
        self.at(at).nulls.get(column)
    }
}

fn currency_of(value: &Value) -> Option<Name> {
    match value {
        Value::Ref(currency) => Some(currency.id.clone()),
        Value::Text(code) => Some(Name::new(code)),
        _ => None,
    }
}
