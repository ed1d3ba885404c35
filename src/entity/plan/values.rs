//! A value for a column: of its type, rounded as its currency says, referring to what exists.

use rust_decimal::{Decimal, RoundingStrategy};

use super::Refusal;
use super::work::Planner;
use crate::entity::library::{Entity, Field};
use crate::entity::window::Window;
use crate::model::{Money, Name, Ref, Type, Value};

impl Planner<'_, '_> {
    /// The value as the column keeps it.
    pub fn fit(&self, target: &Ref, field: &Field, value: Value) -> Result<Value, Refusal> {
        let value = match (&field.ty, value) {
            (_, Value::Null(reason)) => return Ok(Value::Null(reason)),
            (_, Value::Denied(denied)) => {
                let text = format!("{}: {denied}", field.name);
                return Err(Refusal::rule("access_denied", &target.entity, Some(&field.name), text));
            }
            (Type::Money, Value::Number(amount)) => self.amount(target, field, amount, None)?,
            (Type::Money, Value::Money(money)) => self.amount(target, field, money.amount, money.currency)?,
            (Type::Number | Type::Int, Value::Money(money)) => Value::Number(money.amount),
            (Type::DateTime, Value::Date(day)) => {
                self.records().calendar().end_of_day(day).map_or(Value::NULL, Value::DateTime)
            }
            (Type::Date, Value::DateTime(at)) => Value::Date(self.records().calendar().day(at)),
            (Type::Ref(entities), Value::Text(code)) if entities.len() == 1 => {
                entities.first().map_or(Value::NULL, |entity| Value::Ref(Ref::new(&**entity, &*code)))
            }
            (Type::Text | Type::Enum(_) | Type::Stage(_), Value::Ref(row)) => Value::text(&*row.id),
            (_, value) => value,
        };
        self.check_type(target, field, &value)?;
        self.check_exists(target, field, &value)?;
        Ok(value)
    }

    fn check_type(&self, target: &Ref, field: &Field, value: &Value) -> Result<(), Refusal> {
        let stage_known = match (&field.ty, value) {
            (Type::Stage(entity), Value::Text(stage)) => self.library.stage(entity, stage).is_some(),
            _ => true,
        };
        if field.ty.accepts(value) && stage_known {
            return Ok(());
        }
        let text = format!("{}.{} is {}, found {value}", target.entity, field.name, field.ty);
        Err(Refusal::rule("wrong_type", &target.entity, Some(&field.name), text))
    }

    fn check_exists(&self, target: &Ref, field: &Field, value: &Value) -> Result<(), Refusal> {
        let refers: Vec<&Ref> = match value {
            Value::Ref(record) => vec![record],
            Value::List(items) => items
                .iter()
                .filter_map(|item| if let Value::Ref(record) = item { Some(record) } else { None })
                .collect(),
            _ => return Ok(()),
        };
        for record in refers {
            let exists = match self.library.entity(&record.entity).and_then(|entity| entity.rows.as_ref()) {
                Some(rows) => rows.iter().any(|(code, _)| *code == record.id),
                None => self.get(record)?.is_some(),
            };
            if !exists {
                let text = format!("{}.{} refers to {record}, which does not exist", target.entity, field.name);
                return Err(Refusal::rule("unknown_record", &target.entity, Some(&field.name), text));
            }
        }
        Ok(())
    }

    /// An amount in the column's currency, rounded half up to that currency's decimals.
    fn amount(&self, target: &Ref, field: &Field, amount: Decimal, given: Option<Name>) -> Result<Value, Refusal> {
        let base = self.records().base_currency();
        let wanted = field.currency.as_ref().and_then(|column| currency_of(&self.value(target, column)));
        let wanted = wanted.filter(|currency| base.as_ref() != Some(currency));
        let given = given.filter(|currency| base.as_ref() != Some(currency));
        if let Some(given) = &given
            && wanted.as_ref() != Some(given)
        {
            let expected =
                wanted.or(base).map_or_else(|| "the base currency".to_string(), |currency| currency.to_string());
            let text = format!(
                "{}.{} is in {expected}, found an amount in {given}; try convert(amount, currency, date)",
                target.entity, field.name
            );
            return Err(Refusal::rule("wrong_currency", &target.entity, Some(&field.name), text));
        }
        let decimals = self.records().decimals(wanted.as_ref());
        let amount = amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        Ok(Value::Money(Money { amount, currency: wanted }))
    }

    /// Amounts take the currency that their column names now.
    pub fn follow_currency(&mut self, target: &Ref, entity: &Entity) -> Result<(), Refusal> {
        for field in &entity.fields {
            let Some(column) = &field.currency else { continue };
            if !self.has_changed(target, column) {
                continue;
            }
            if let Value::Money(money) = self.value(target, &field.name) {
                let value = self.amount(target, field, money.amount, None)?;
                self.put(target, &field.name, value);
            }
        }
        Ok(())
    }
}

fn currency_of(value: &Value) -> Option<Name> {
    match value {
        Value::Ref(currency) => Some(currency.id.clone()),
        Value::Text(code) => Some(Name::new(code)),
        _ => None,
    }
}
