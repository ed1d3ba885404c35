//! Functions and methods that give the same here: FEEL's, and those of Java's texts and lists.

use super::lex::{Kind, Token};

/// How tightly something binds that needs no parentheses.
pub(super) const WHOLE: u8 = 9;

/// A part and how tightly it binds.
pub(super) type Part = (String, u8);

/// Functions of FEEL that give the same here, with the least and the most arguments.
const FUNCTIONS: &[(&str, usize, usize)] = &[
    ("list contains", 2, 2),
    ("starts with", 2, 2),
    ("ends with", 2, 2),
    ("string length", 1, 1),
    ("substring before", 2, 2),
    ("substring after", 2, 2),
    ("upper case", 1, 1),
    ("lower case", 1, 1),
    ("get or else", 2, 2),
    ("get value", 2, 2),
    ("is defined", 1, 1),
    ("string join", 1, 2),
    ("distinct values", 1, 1),
    ("index of", 2, 2),
    ("insert before", 3, 3),
    ("round up", 2, 2),
    ("round down", 2, 2),
    ("round half up", 2, 2),
    ("round half down", 2, 2),
    ("date and time", 1, 2),
    ("years and months duration", 2, 2),
    ("day of week", 1, 1),
    ("day of year", 1, 1),
    ("month of year", 1, 1),
    ("week of year", 1, 1),
    ("contains", 2, 2),
    ("substring", 2, 3),
    ("count", 1, 1),
    ("min", 1, 99),
    ("max", 1, 99),
    ("mean", 1, 99),
    ("median", 1, 99),
    ("floor", 1, 1),
    ("ceiling", 1, 1),
    ("decimal", 2, 2),
    ("modulo", 2, 2),
    ("abs", 1, 1),
    ("even", 1, 1),
    ("odd", 1, 1),
    ("not", 1, 1),
    ("number", 1, 1),
    ("string", 1, 1),
    ("append", 2, 99),
    ("concatenate", 1, 99),
    ("union", 1, 99),
    ("remove", 2, 2),
    ("sublist", 2, 3),
    ("reverse", 1, 1),
    ("flatten", 1, 1),
    ("date", 1, 3),
    ("duration", 1, 1),
    ("now", 0, 0),
    ("today", 0, 0),
    ("trim", 1, 1),
];

/// Functions that are looked at more closely.
const SPECIAL: &[&str] = &["is empty", "sum", "product", "split", "replace"];

/// The length of a function's name of several words, where one is called.
pub(super) fn spaced(rest: &str) -> Option<usize> {
    let calls = |name: &&str| rest.strip_prefix(*name).is_some_and(|behind| behind.trim_start().starts_with('('));
    let names = FUNCTIONS.iter().map(|(name, _, _)| *name).chain(SPECIAL.iter().copied());
    names.filter(|name| name.contains(' ')).find(calls).map(str::len)
}

/// A call of a function of FEEL.
pub(super) fn function(name: &str, arguments: &[String], given: &[Token]) -> Result<Part, String> {
    let all = arguments.join(", ");
    let plain = || Ok((format!("{name}({all})"), WHOLE));
    match (name, arguments) {
        ("is empty", [list]) => Ok((format!("count({list}) = 0"), 2)),
        // There, nothing adds up to null; here, to zero.
        ("sum" | "product", [list]) => Ok((format!("if count({list}) = 0 then null else {name}({list})"), 0)),
        ("sum" | "product", [_, _, ..]) => plain(),
        ("split", [_, _]) if last_is_plain(given, false) => plain(),
        ("replace", [_, _, _]) if last_is_plain(given, true) => plain(),
        ("split" | "replace", _) => Err(format!("a pattern of `{name}`")),
        ("date", [_, _]) => Err("`date` of two parts".into()),
        _ => match FUNCTIONS.iter().find(|(known, _, _)| *known == name) {
            Some((_, least, most)) if (*least..=*most).contains(&arguments.len()) => plain(),
            Some(_) => Err(format!("`{name}` of {} arguments", arguments.len())),
            None => Err(format!("the function `{name}`")),
        },
    }
}

/// Whether the last arguments of a call are texts in which no letter means more than itself in a pattern. `given` ends in front of the
/// parenthesis that closes.
fn last_is_plain(given: &[Token], with_replacement: bool) -> bool {
    let is_plain = |token: &Token| match &token.kind {
        Kind::Text(words) => {
            !words.is_empty() && !words.contains(r"\^$.|?*+()[]{}".chars().collect::<Vec<_>>().as_slice())
        }
        _ => false,
    };
    let is_empty_text = |token: &Token| matches!(&token.kind, Kind::Text(words) if words.is_empty());
    let comma = |token: &Token| token.kind == Kind::Sign(",");
    match given {
        [.., sign, pattern] if !with_replacement => comma(sign) && is_plain(pattern),
        [.., first, pattern, second, by] if with_replacement => {
            comma(first) && is_plain(pattern) && comma(second) && (is_plain(by) || is_empty_text(by))
        }
        _ => false,
    }
}

/// A function that expressions in `${…}` have.
pub(super) fn function_of_java(name: &str, arguments: &[String]) -> Result<Part, String> {
    match (name, arguments) {
        ("now" | "dateTime", []) => Ok(("now()".into(), WHOLE)),
        _ => Err(format!("the function `{name}`")),
    }
}

/// A function over variables, as Flowable has them: `variables:equals(status, "new")`.
pub(super) fn over_variable(name: &str, arguments: &[String]) -> Result<Part, String> {
    match (name, arguments) {
        ("get", [variable]) => Ok((variable.clone(), WHOLE)),
        ("getOrDefault", [variable, other]) => Ok((format!("get or else({variable}, {other})"), WHOLE)),
        ("equals" | "eq", [variable, other]) => Ok((format!("{variable} = {other}"), 2)),
        ("notEquals" | "ne", [variable, other]) => Ok((format!("{variable} != {other}"), 2)),
        ("isEmpty", [variable]) => Ok((empty(variable), 0)),
        ("isNotEmpty", [variable]) => Ok((format!("not({})", empty(variable)), WHOLE)),
        _ => Err(format!("the function `{name}` over variables")),
    }
}

/// Null, an empty text, or an empty list: what `empty` means.
pub(super) fn empty(part: &str) -> String {
    format!("{part} = null or {part} = \"\" or {part} = []")
}

/// A method of Java's texts and lists, where a function here does the same.
pub(super) fn method((of, binds): &Part, name: &str, arguments: &[String], given: &[Token]) -> Result<Part, String> {
    let call = |function: &str| {
        let all: Vec<&str> = std::iter::once(of.as_str()).chain(arguments.iter().map(String::as_str)).collect();
        (format!("{function}({})", all.join(", ")), WHOLE)
    };
    let of = if *binds < WHOLE { format!("({of})") } else { of.clone() };
    let with_text = matches!(given, [Token { kind: Kind::Text(_), .. }]);
    Ok(match (name, arguments) {
        ("contains", [_]) => call("contains"),
        ("startsWith", [_]) => call("starts with"),
        ("endsWith", [_]) => call("ends with"),
        ("length", []) => call("string length"),
        ("size", []) => call("count"),
        ("toUpperCase", []) => call("upper case"),
        ("toLowerCase", []) => call("lower case"),
        ("trim", []) => call("trim"),
        ("equals", [other]) if with_text || of.starts_with('"') => (format!("{of} = {other}"), 2),
        ("equals", [_]) => return Err("`equals` of what is no text, which depends on Java's types".into()),
        ("equalsIgnoreCase", [other]) => (format!("lower case({of}) = lower case({other})"), 2),
        _ => return Err(format!("the method `{name}`")),
    })
}
