//! Reading records for expressions: columns over the window, lookup rows and stages from the library, settings, rates.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::library::Library;
use super::window::Window;
use crate::model::expr::EvalError;
use crate::model::{Calendar, Name, Null, Ref, Value};

/// Columns, settings and rates as they stand in a window.
pub struct RecordEnv<'a> {
    library: &'a Library,
    window: &'a dyn Window,
    now: DateTime<Utc>,
}

impl<'a> RecordEnv<'a> {
    /// Over the records of a window, at an instant.
    pub fn new(library: &'a Library, window: &'a dyn Window, now: DateTime<Utc>) -> Self {
        Self { library, window, now }
    }

    /// The column of a record or lookup row.
    ///
    /// # Errors
    /// When the store fails.
    pub fn column(&self, record: &Ref, column: &Name) -> Result<Value, EvalError> {
        if let Some(rows) = self.library.entity(&record.entity).and_then(|entity| entity.rows.as_ref()) {
            let row = rows.iter().find(|(code, _)| *code == record.id);
            return Ok(row.and_then(|(_, columns)| columns.get(column)).cloned().unwrap_or(Value::NULL));
        }
        match self.window.get(record).map_err(|error| EvalError::failed(error.to_string()))? {
            Some(found) => Ok(found.get(column)),
            None => Ok(Value::Null(Null::Gone(record.clone()))),
        }
    }

    /// A setting: as it was changed, else its starting value.
    ///
    /// # Errors
    /// When the store fails.
    pub fn setting(&self, name: &str) -> Result<Value, EvalError> {
        let changed = self.window.setting(name).map_err(|error| EvalError::failed(error.to_string()))?;
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

    /// What one unit of a currency costs in the base currency on a day.
    ///
    /// # Errors
    /// When no rate is known, or the store fails.
    pub fn rate(&self, currency: &Name, day: NaiveDate) -> Result<Decimal, EvalError> {
        Err(EvalError::failed(format!("expected a rate of `{currency}` on {day}, found none")))
    }
}
