//! Reading records for expressions: columns over the window, lookup rows and stages from the library, settings, rates.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::access::{Access, AccessError, Principal};
use super::library::{ChildOf, Entity, Field, Library};
use super::record::Record;
use super::window::{Query, Window, WindowError};
use crate::model::expr::{Env, EvalError, Expr, Slot};
use crate::model::{Calendar, Name, Null, Ref, Value};

/// Columns, settings and rates as they stand in a window.
#[derive(Clone, Copy)]
pub struct RecordEnv<'a> {
    library: &'a Library,
    window: &'a dyn Window,
    access: Access<'a>,
    now: DateTime<Utc>,
    depth: u8,
}

/// The column of a record, live ones and lists of children included, at an instant, as somebody may read it. A computed column without a value says
/// which of its inputs has none.
///
/// # Errors
/// When the store fails, or a live column cannot be evaluated.
pub fn read_column(
    library: &Library,
    window: &dyn Window,
    principal: &Principal,
    now: DateTime<Utc>,
    record: &Ref,
    column: &Name,
) -> Result<Value, EvalError> {
    let records = RecordEnv::new(library, window, now).on_behalf_of(principal);
    let value = records.column(record, column)?;
    let computed = library.entity(&record.entity).and_then(|entity| entity.field(column)?.computed.as_ref());
    match (&value, computed) {
        (Value::Null(Null::Empty), Some(computed)) => match records.evaluate(record, computed)? {
            reason @ Value::Null(_) => Ok(reason),
            _ => Ok(value),
        },
        _ => Ok(value),
    }
}

impl<'a> RecordEnv<'a> {
    /// Over the records of a window, at an instant, as the engine itself sees them.
    pub fn new(library: &'a Library, window: &'a dyn Window, now: DateTime<Utc>) -> Self {
        Self { library, window, access: Access::system(window), now, depth: 0 }
    }

    /// The same on somebody's behalf: what he may not read is [`Value::Denied`].
    pub fn on_behalf_of(self, principal: &'a Principal) -> Self {
        Self { access: Access::new(self.window, principal), ..self }
    }

    /// The column of a record or lookup row; a list of children is read like a column.
    ///
    /// # Errors
    /// When the store fails, or a live column cannot be evaluated.
    pub fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        let Some(entity) = self.library.entity(&record.entity) else { return self.stored(record, column) };
        if let Some(rows) = &entity.rows {
            let row = rows.iter().find(|(code, _)| *code == record.id);
            return Ok(row.and_then(|(_, columns)| columns.get(column)).cloned().unwrap_or(Value::NULL));
        }
        match entity.field(column) {
            Some(Field { live: true, computed: Some(computed), .. }) => self.live(record, column, computed),
            Some(_) => self.stored(record, column),
            None => match entity.children.iter().find(|child| child.name == *column) {
                Some(child) => self.children(record, child),
                None => self.stored(record, column),
            },
        }
    }

    fn stored(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        self.access.column(record, column).map_err(failed)
    }

    fn children(&self, record: &Ref, child: &ChildOf) -> Result<Value, EvalError> {
        let query = Query::by(&child.entity, &child.column, Value::Ref(record.clone()));
        match self.access.records(&query) {
            Ok(found) => Ok(Value::list(found.iter().map(|row| Value::Ref(row.reference())))),
            Err(AccessError::Denied(denied)) => Ok(Value::Denied(denied)),
            Err(AccessError::Window(error)) => Err(failed(error)),
        }
    }

    /// A column that is evaluated on reading.
    fn live(&self, record: &Ref, column: &Name, computed: &Expr) -> Result<Value, EvalError> {
        if self.depth >= MAX_LIVE_DEPTH {
            return Err(EvalError::failed(format!(
                "expected a live column, found a circle through {}.{column}",
                record.entity
            )));
        }
        RecordEnv { depth: self.depth.saturating_add(1), ..*self }.evaluate(record, computed)
    }

    /// The value of a column's own expression; a null input gives a null that names it.
    fn evaluate(&self, record: &Ref, computed: &Expr) -> Result<Value, EvalError> {
        let env = ColumnEnv { records: *self, record, own: None, user: None, before: None };
        match computed.eval(&env) {
            Err(EvalError::Null { path, .. }) => Ok(Value::Null(Null::Input(Name::new(path)))),
            other => other,
        }
    }

    /// A setting: as it was changed, else its starting value.
    ///
    /// # Errors
    /// When the store fails.
    pub fn setting(&self, name: &str) -> Result<Value, EvalError> {
        let changed = self.window.setting(name).map_err(failed)?;
        let initial = || self.library.settings.get(name).map(|setting| setting.initial.clone());
        Ok(changed.or_else(initial).unwrap_or(Value::NULL))
    }

    /// The instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The library's calendar.
    pub fn calendar(&self) -> &Calendar {
        let named = self.library.calendar.as_ref().and_then(|name| self.library.calendars.get(name));
        named.unwrap_or_else(|| Calendar::standard())
    }

    /// The currency of amounts that name none.
    pub fn base_currency(&self) -> Option<Name> {
        let setting = self.library.currencies.as_ref()?.base.as_ref()?;
        match self.setting(setting).ok()? {
            Value::Ref(currency) => Some(currency.id),
            Value::Text(code) => Some(Name::new(code)),
            _ => None,
        }
    }

    /// What one unit of a currency costs in the base currency on a day: the newest rate of that day, for `division` units.
    ///
    /// # Errors
    /// When no rate is known, or the store fails.
    pub fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        if self.base_currency().as_ref() == Some(currency) {
            return Ok(Decimal::ONE);
        }
        let none = || EvalError::failed(format!("expected a rate of `{currency}` on {day}, found none"));
        let kept = self.library.currencies.as_ref().ok_or_else(none)?;
        let record = Ref { entity: kept.entity.clone(), id: currency.clone() };
        let division = match &kept.division {
            Some(column) => number(&self.column(&record, column)?).unwrap_or(Decimal::ONE),
            None => Decimal::ONE,
        };
        let (child, from, rate) = kept.history.as_ref().ok_or_else(none)?;
        let Value::List(rows) = self.column(&record, child)? else { return Err(none()) };
        let mut newest: Option<(NaiveDate, Decimal)> = None;
        for row in rows.iter() {
            let Value::Ref(row) = row else { continue };
            let since = match self.column(row, from)? {
                Value::Date(since) => since,
                Value::DateTime(since) => self.calendar().day(since),
                _ => continue,
            };
            let better = since <= day && newest.is_none_or(|(best, _)| since >= best);
            if let (true, Some(rate)) = (better, number(&self.column(row, rate)?)) {
                newest = Some((since, rate));
            }
        }
        let (_, rate) = newest.ok_or_else(none)?;
        rate.checked_div(division).ok_or_else(none)
    }

    /// How many decimals amounts in a currency have.
    pub fn decimals(&self, currency: Option<&Name>) -> u32 {
        let decimals = self.library.currencies.as_ref().and_then(|kept| {
            let currency = currency.cloned().or_else(|| self.base_currency())?;
            let record = Ref { entity: kept.entity.clone(), id: currency };
            number(&self.column(&record, kept.decimals.as_ref()?).ok()?)?.to_u32()
        });
        decimals.unwrap_or(2).min(12)
    }
}

/// Live columns may read each other so deep.
const MAX_LIVE_DEPTH: u8 = 8;

fn failed(error: WindowError) -> EvalError {
    EvalError::failed(error.to_string())
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Money(money) => Some(money.amount),
        _ => None,
    }
}

/// The names of a column's, check's or stage's own expression: the record, its columns, who saves.
pub struct ColumnEnv<'a> {
    /// Records as they stand.
    pub records: RecordEnv<'a>,
    /// The record.
    pub record: &'a Ref,
    /// The same record as it stands, where it is at hand: its columns need not be looked up.
    pub own: Option<(&'a Entity, &'a Record)>,
    /// Who saves.
    pub user: Option<&'a Ref>,
    /// The record before the save, for `previous` and `changed`; none when it is new.
    pub before: Option<&'a Record>,
}

impl Env for ColumnEnv<'_> {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        match slot {
            Slot(0) => Ok(Value::Ref(self.record.clone())),
            _ => Ok(self.user.map_or(Value::NULL, |user| Value::Ref(user.clone()))),
        }
    }

    fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        self.records.column(record, column)
    }

    fn slot_column(&self, slot: Slot, column: &Name) -> Result<Value, EvalError> {
        match (slot, self.own) {
            (Slot(0), Some((entity, own))) if entity.field(column).is_some_and(|field| !field.live) => {
                let permitted = self.records.access.may_read(self.record, column);
                Ok(permitted.map_or_else(Value::Denied, |()| own.get(column)))
            }
            (Slot(0), _) => self.records.column(self.record, column),
            _ => match self.user {
                Some(user) => self.records.column(user, column),
                None => Ok(Value::NULL),
            },
        }
    }

    fn setting(&self, name: &str) -> Result<Value, EvalError> {
        self.records.setting(name)
    }

    fn now(&self) -> DateTime<Utc> {
        self.records.now()
    }

    fn calendar(&self) -> &Calendar {
        self.records.calendar()
    }

    fn base_currency(&self) -> Option<Name> {
        self.records.base_currency()
    }

    fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        self.records.rate(currency, day)
    }

    fn previous(&self, column: &Name) -> Result<Value, EvalError> {
        Ok(self.before.map_or(Value::NULL, |before| before.get(column)))
    }

    fn changed(&self, column: &Name) -> Result<bool, EvalError> {
        Ok(!self.previous(column)?.same(&self.slot_column(Slot(0), column)?))
    }
}
