//! Built-ins over texts. Places count characters, from 1, and from the end when negative.

use super::call::Args;
use super::*;

pub(super) fn call(builtin: Builtin, args: &Args<'_>, env: &dyn Env) -> Given {
    let text = || args.text(0);
    Ok(match builtin {
        Builtin::Contains => Value::Bool(text()?.contains(args.text(1)?)),
        Builtin::StartsWith => Value::Bool(text()?.starts_with(args.text(1)?)),
        Builtin::EndsWith => Value::Bool(text()?.ends_with(args.text(1)?)),
        Builtin::UpperCase => Value::text(text()?.to_uppercase()),
        Builtin::LowerCase => Value::text(text()?.to_lowercase()),
        Builtin::StringLength => Value::Number(text()?.chars().count().into()),
        Builtin::Trim => Value::text(text()?.trim()),
        Builtin::Substring => substring(args)?,
        Builtin::SubstringBefore => Value::text(text()?.split_once(args.text(1)?).map_or("", |(before, _)| before)),
        Builtin::SubstringAfter => Value::text(text()?.split_once(args.text(1)?).map_or("", |(_, after)| after)),
        Builtin::Replace => replace(args)?,
        Builtin::Split => match args.text(1)? {
            "" => return Err(EvalError::range("expected a delimiter of at least one character, found none")),
            delimiter => Value::list(text()?.split(delimiter).map(Value::text)),
        },
        Builtin::StringJoin => join(args)?,
        _ => Value::text(string(args.any(0), env)?),
    })
}

/// The text of a value, for people; of a reference, its id.
pub(in crate::model::expr) fn string(value: &Value, env: &dyn Env) -> Given<String> {
    Ok(match value {
        Value::Ref(record) => record.id.to_string(),
        Value::DateTime(at) => {
            let zone = env.calendar().zone;
            at.with_timezone(&zone).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        }
        Value::Denied(denied) => return Err(EvalError::Denied(Arc::clone(denied))),
        other => other.to_string(),
    })
}

fn substring(args: &Args<'_>) -> Given {
    let text = args.text(0)?;
    let start = match list::place(text.chars().count(), args.whole(1)?) {
        Some(start) => start,
        None if args.whole(1)? == 0 => return Err(EvalError::range("expected a place from 1, found 0")),
        None => return Ok(Value::text("")),
    };
    let length = args.optional_whole(2)?.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(0));
    Ok(Value::text(text.chars().skip(start).take(length).collect::<String>()))
}

fn replace(args: &Args<'_>) -> Given {
    let (text, part, by) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if part.is_empty() {
        return Err(EvalError::range("expected a part of at least one character to replace, found none"));
    }
    let grown = text.matches(part).count().saturating_mul(by.len());
    if grown > MAX_TEXT { Err(too_long()) } else { Ok(Value::text(text.replace(part, by))) }
}

fn join(args: &Args<'_>) -> Given {
    let delimiter = if args.has(1) { args.text(1)? } else { "" };
    let mut texts = Vec::new();
    for item in args.list(0)? {
        match item {
            Value::Text(text) => texts.push(text.as_ref()),
            // As in DMN, what is missing is left out.
            Value::Null(_) => {}
            other => return Err(EvalError::kind("texts", other.kind())),
        }
    }
    let length = texts.len().saturating_mul(delimiter.len());
    if length > MAX_TEXT { Err(too_long()) } else { Ok(Value::text(texts.join(delimiter))) }
}

/// The longest text that one step may make, in bytes.
const MAX_TEXT: usize = 1 << 20;

fn too_long() -> EvalError {
    EvalError::range("expected a text of at most 1 MiB, found a longer one")
}
