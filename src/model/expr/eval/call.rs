//! Calls of built-ins: arguments are evaluated and checked here.

use rust_decimal::{Decimal, RoundingStrategy};

use super::*;
use crate::model::Money;
use crate::model::expr::builtin::Takes;

/// The evaluated arguments of a call.
pub(super) struct Args<'a> {
    pub values: &'a [Value],
    nodes: &'a [Sub],
    text: &'a str,
}

impl<'a> Args<'a> {
    pub fn at(&self, place: usize) -> At {
        self.nodes.get(place).map_or(At::default(), |node| node.at)
    }

    pub fn any(&self, place: usize) -> &'a Value {
        const NOTHING: &Value = &Value::NULL;
        self.values.get(place).unwrap_or(NOTHING)
    }

    pub fn has(&self, place: usize) -> bool {
        self.values.len() > place
    }

    pub fn text(&self, place: usize) -> Given<&'a str> {
        match self.any(place) {
            Value::Text(text) => Ok(text),
            other => Err(EvalError::kind("text", other.kind())),
        }
    }

    pub fn number(&self, place: usize) -> Given<Decimal> {
        match self.any(place) {
            Value::Number(number) => Ok(*number),
            other => Err(EvalError::kind("a number", other.kind())),
        }
    }

    pub fn whole(&self, place: usize) -> Given<i64> {
        list::whole(&self.number(place)?)
    }

    pub fn optional_whole(&self, place: usize) -> Given<Option<i64>> {
        if self.has(place) { self.whole(place).map(Some) } else { Ok(None) }
    }

    pub fn list(&self, place: usize) -> Given<&'a [Value]> {
        items(self.any(place))
    }

    /// The elements of the one list, or the arguments themselves.
    pub fn raw_elements(&self) -> Given<Vec<&'a Value>> {
        match self.values {
            [Value::List(items)] => Ok(items.iter().collect()),
            values => Ok(values.iter().collect()),
        }
    }

    /// The same, where none may be null.
    pub fn elements(&self) -> Given<Vec<&'a Value>> {
        let elements = self.raw_elements()?;
        let null = elements.iter().find_map(|item| if let Value::Null(reason) = item { Some(reason) } else { None });
        match null {
            Some(reason) => Err(EvalError::Null { path: Arc::from(self.at(0).of(self.text)), reason: reason.clone() }),
            None => Ok(elements),
        }
    }
}

impl Eval<'_> {
    pub(super) fn call(&mut self, builtin: Builtin, nodes: &[Sub]) -> Given {
        match (builtin, nodes) {
            (Builtin::GetOrElse, [x, default]) => match self.eval(x) {
                Ok(Value::Null(_)) | Err(EvalError::Null { .. }) => self.eval(default),
                other => other,
            },
            (Builtin::IsDefined, [x]) => match self.eval(x) {
                Ok(value) => Ok(Value::Bool(!value.is_null())),
                Err(EvalError::Null { .. }) => Ok(Value::Bool(false)),
                Err(error) => Err(error),
            },
            (Builtin::IsDenied, [x]) => match self.eval(x) {
                Err(EvalError::Denied(_)) => Ok(Value::Bool(true)),
                Ok(_) | Err(EvalError::Null { .. }) => Ok(Value::Bool(false)),
                Err(error) => Err(error),
            },
            _ => {
                let mut values = Vec::with_capacity(nodes.len());
                for (place, node) in nodes.iter().enumerate() {
                    let nullable = builtin.takes(place) == Takes::Element;
                    values.push(if nullable { self.eval(node)? } else { self.needed(node)?.into_owned() });
                }
                self.spend(values.iter().map(weight).sum())?;
                let text = self.text;
                self.called(builtin, Args { values: &values, nodes, text })
            }
        }
    }

    fn called(&mut self, builtin: Builtin, args: Args<'_>) -> Given {
        use Builtin::*;
        match builtin {
            Count | Sum | Min | Max | Mean | Median | Product | All | AnyOf | ListContains | Append | Concatenate
            | Union | InsertBefore | Remove | Sublist | DistinctValues | IndexOf | Reverse | Sort | Flatten => {
                self.call_list(builtin, args)
            }
            Contains | StartsWith | EndsWith | UpperCase | LowerCase | StringLength | Substring | SubstringBefore
            | SubstringAfter | Replace | Split | StringJoin | Trim | String => text::call(builtin, &args, self.env),
            Number | Floor | Ceiling | RoundUp | RoundDown | RoundHalfUp | RoundHalfDown | RoundHalfEven | Decimal
            | Abs | Modulo | Even | Odd => number(builtin, &args),
            Builtin::Money => money(&args),
            Convert => self.convert(&args),
            GetValue => match args.any(0) {
                Value::Map(entries) => Ok(entries.get(args.text(1)?).cloned().unwrap_or(Value::NULL)),
                other => Err(EvalError::kind("a context", other.kind())),
            },
            _ => time::call(builtin, &args, self.env),
        }
    }

    /// `convert(amount, currency, day)`: by what one unit of each currency costs in the base currency on that day.
    fn convert(&self, args: &Args<'_>) -> Given {
        let day = if args.has(2) { time::day(args.any(2), self.env)? } else { self.env.calendar().day(self.env.now()) };
        let (amount, from) = match args.any(0) {
            Value::Money(money) => (money.amount, money.currency.clone()),
            _ => (args.number(0)?, None),
        };
        let to = currency(args.any(1))?;
        let base = self.env.base_currency();
        let from = from.or_else(|| base.clone());
        if from.as_ref() == Some(&to) {
            return Ok(Value::Money(Money { amount, currency: Some(to) }));
        }
        let rate = |currency: &Option<Name>| match currency {
            Some(currency) if Some(currency) != base.as_ref() => self.env.rate(currency, day),
            _ => Ok(rust_decimal::Decimal::ONE),
        };
        let in_base = ops::number(amount.checked_mul(rate(&from)?))?;
        let amount = ops::quotient(in_base, rate(&Some(to.clone()))?)?;
        Ok(Value::Money(Money { amount, currency: Some(to) }))
    }
}

/// How many steps it takes to look through an argument.
fn weight(value: &Value) -> usize {
    match value {
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Text(text) => text.len() / 16,
        _ => 0,
    }
}

fn money(args: &Args<'_>) -> Given {
    Ok(Value::Money(Money { amount: args.number(0)?, currency: Some(currency(args.any(1))?) }))
}

/// The id of a currency.
fn currency(value: &Value) -> Given<Name> {
    match value {
        Value::Ref(record) => Ok(record.id.clone()),
        Value::Text(id) => Ok(Name::new(id)),
        other => Err(EvalError::kind("a currency", other.kind())),
    }
}

fn number(builtin: Builtin, args: &Args<'_>) -> Given {
    let even = |value: &Decimal| ops::number(value.checked_rem(Decimal::TWO)).map(|rest| rest.is_zero());
    match builtin {
        Builtin::Number => to_number(args.any(0)),
        Builtin::Even => even(&args.number(0)?).map(Value::Bool),
        Builtin::Odd => even(&args.number(0)?).map(|even| Value::Bool(!even)),
        Builtin::Modulo => {
            let (x, by) = (args.number(0)?, args.number(1)?);
            let floor = ops::quotient(x, by)?.floor();
            // As in DMN, the result has the sign of the divisor.
            let whole = ops::number(floor.checked_mul(by))?;
            ops::number(x.checked_sub(whole)).map(Value::Number)
        }
        Builtin::Abs => Ok(match args.any(0) {
            Value::Number(number) => Value::Number(number.abs()),
            Value::Money(money) => Value::Money(Money { amount: money.amount.abs(), currency: money.currency.clone() }),
            Value::Duration(length) => {
                let backwards = length.compare(&crate::model::Duration::ZERO) == Some(Ordering::Less);
                if backwards { ops::negate(args.any(0))? } else { Value::Duration(*length) }
            }
            other => return Err(EvalError::kind("a number, money or a duration", other.kind())),
        }),
        _ => rounded(builtin, args),
    }
}

/// A text, amount or number as a number.
fn to_number(value: &Value) -> Given {
    match value {
        Value::Text(text) => {
            let number = crate::model::read::number(text.trim()).map(Value::Number);
            number.ok_or_else(|| EvalError::range(format!("expected a number, found `{text}`")))
        }
        Value::Money(money) => Ok(Value::Number(money.amount)),
        Value::Number(number) => Ok(Value::Number(*number)),
        other => Err(EvalError::kind("a text, number or money", other.kind())),
    }
}

fn rounded(builtin: Builtin, args: &Args<'_>) -> Given {
    let strategy = match builtin {
        Builtin::Floor => RoundingStrategy::ToNegativeInfinity,
        Builtin::Ceiling => RoundingStrategy::ToPositiveInfinity,
        Builtin::RoundUp => RoundingStrategy::AwayFromZero,
        Builtin::RoundDown => RoundingStrategy::ToZero,
        Builtin::RoundHalfUp => RoundingStrategy::MidpointAwayFromZero,
        Builtin::RoundHalfDown => RoundingStrategy::MidpointTowardZero,
        _ => RoundingStrategy::MidpointNearestEven,
    };
    let scale = args.optional_whole(1)?.unwrap_or(0);
    let round = |number: Decimal| round_to(number, scale, strategy);
    Ok(match args.any(0) {
        Value::Number(number) => Value::Number(round(*number)?),
        Value::Money(money) => Value::Money(Money { amount: round(money.amount)?, currency: money.currency.clone() }),
        other => return Err(EvalError::kind("a number or money", other.kind())),
    })
}

/// Rounds to `scale` decimals; to tens, hundreds … when it is negative.
fn round_to(number: Decimal, scale: i64, strategy: RoundingStrategy) -> Given<Decimal> {
    if !(-27..=28).contains(&scale) {
        return Err(EvalError::range(format!("expected a scale from -27 to 28, found {scale}")));
    }
    match u32::try_from(scale) {
        Ok(scale) => Ok(number.round_dp_with_strategy(scale, strategy)),
        Err(_) => {
            let unit = Decimal::from_i128_with_scale(10i128.pow(scale.unsigned_abs().try_into().unwrap_or(0)), 0);
            let units = ops::quotient(number, unit)?.round_dp_with_strategy(0, strategy);
            ops::number(units.checked_mul(unit))
        }
    }
}
