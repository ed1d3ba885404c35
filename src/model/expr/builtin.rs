//! The register of the built-in functions: name, what they take, what they give.

use super::lex::word_length;
use crate::model::suggest;

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Anything,
    /// Anything, null included, evaluated only when it is needed.
    Perhaps,
    Text,
    Number,
    /// A whole number.
    Whole,
    /// A number or money.
    Amount,
    Bool,
    /// A date or an instant.
    Moment,
    List,
    /// An element of the list before it.
    Element,
    /// A code or a record of a currency.
    Currency,
    Map,
    /// A column's name.
    Column,
    /// An expression over each `item` of the list before it.
    Key,
}

/// The type of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Text,
    Int,
    Number,
    Bool,
    Date,
    DateTime,
    Duration,
    Money,
    Texts,
    Ints,
    /// As the first argument.
    Same,
    /// An element of the list (or of the arguments).
    Element,
    /// The common type of all arguments.
    Common,
    /// The innermost elements, as a list.
    Flat,
    /// As the column.
    Column,
    /// A whole number where no scale is given, else as the first argument.
    Rounded,
    Anything,
}

/// One built-in.
pub(super) struct Def {
    pub id: Builtin,
    pub name: &'static str,
    /// Arguments; one whose name ends in `?` may be left out, in `…` be repeated.
    pub takes: &'static [(&'static str, Takes)],
    pub gives: Gives,
    /// Whether equal arguments always give an equal result, whatever the environment.
    pub pure: bool,
}

macro_rules! builtins {
    ($($id:ident $name:literal ($($arg:literal: $takes:ident),*) $gives:ident $($env:ident)?;)*) => {
        /// A built-in function.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Builtin { $($id),* }

        /// Every built-in, in the order of [`Builtin`].
        pub(super) const TABLE: &[Def] = &[$(Def {
            id: Builtin::$id, name: $name, takes: &[$(($arg, Takes::$takes)),*], gives: Gives::$gives,
            pure: true $(&& { let $env = false; $env })?,
        }),*];
    };
}

builtins! {
    Not "not" ("x": Bool) Bool;
    IsDefined "is defined" ("x": Perhaps) Bool;
    IsDenied "is denied" ("x": Perhaps) Bool env;
    GetOrElse "get or else" ("x": Perhaps, "default": Perhaps) Common;
    Changed "changed" ("column": Column) Bool env;
    Previous "previous" ("column": Column) Column env;

    Count "count" ("list": List) Int;
    Sum "sum" ("list…": Amount) Element;
    Min "min" ("list…": Anything) Element;
    Max "max" ("list…": Anything) Element;
    Mean "mean" ("list…": Amount) Element;
    Median "median" ("list…": Amount) Element;
    Product "product" ("list…": Number) Element;
    All "all" ("list…": Bool) Bool;
    AnyOf "any" ("list…": Bool) Bool;
    ListContains "list contains" ("list": List, "element": Element) Bool;
    Append "append" ("list": List, "item…": Element) Same;
    Concatenate "concatenate" ("list…": List) Common;
    Union "union" ("list…": List) Common;
    InsertBefore "insert before" ("list": List, "position": Whole, "item": Element) Same;
    Remove "remove" ("list": List, "position": Whole) Same;
    Sublist "sublist" ("list": List, "start": Whole, "length?": Whole) Same;
    DistinctValues "distinct values" ("list": List) Same;
    IndexOf "index of" ("list": List, "element": Element) Ints;
    Reverse "reverse" ("list": List) Same;
    Sort "sort" ("list": List, "key?": Key) Same;
    Flatten "flatten" ("list": List) Flat;

    Contains "contains" ("text": Text, "part": Text) Bool;
    StartsWith "starts with" ("text": Text, "start": Text) Bool;
    EndsWith "ends with" ("text": Text, "end": Text) Bool;
    UpperCase "upper case" ("text": Text) Text;
    LowerCase "lower case" ("text": Text) Text;
    StringLength "string length" ("text": Text) Int;
    Substring "substring" ("text": Text, "start": Whole, "length?": Whole) Text;
    SubstringBefore "substring before" ("text": Text, "part": Text) Text;
    SubstringAfter "substring after" ("text": Text, "part": Text) Text;
    Replace "replace" ("text": Text, "part": Text, "by": Text) Text;
    Split "split" ("text": Text, "delimiter": Text) Texts;
    StringJoin "string join" ("list": List, "delimiter?": Text) Text;
    Trim "trim" ("text": Text) Text;
    String "string" ("x": Anything) Text env;

    Number "number" ("x": Anything) Number;
    Floor "floor" ("x": Amount, "scale?": Whole) Rounded;
    Ceiling "ceiling" ("x": Amount, "scale?": Whole) Rounded;
    RoundUp "round up" ("x": Amount, "scale?": Whole) Rounded;
    RoundDown "round down" ("x": Amount, "scale?": Whole) Rounded;
    RoundHalfUp "round half up" ("x": Amount, "scale?": Whole) Rounded;
    RoundHalfDown "round half down" ("x": Amount, "scale?": Whole) Rounded;
    RoundHalfEven "round half even" ("x": Amount, "scale?": Whole) Rounded;
    Decimal "decimal" ("x": Amount, "scale": Whole) Same;
    Abs "abs" ("x": Anything) Same;
    Modulo "modulo" ("x": Number, "divisor": Number) Common;
    Even "even" ("x": Whole) Bool;
    Odd "odd" ("x": Whole) Bool;

    Money "money" ("amount": Number, "currency": Currency) Money;
    Convert "convert" ("amount": Amount, "currency": Currency, "day?": Moment) Money env;

    Date "date" ("from": Anything, "month?": Whole, "day?": Whole) Date env;
    Time "time" ("from": Anything, "minute?": Whole, "second?": Number) Duration env;
    DateAndTime "date and time" ("from": Anything, "time?": Anything) DateTime env;
    Duration "duration" ("text": Text) Duration;
    Days "days" ("n": Number) Duration;
    Weeks "weeks" ("n": Number) Duration;
    Hours "hours" ("n": Number) Duration;
    Minutes "minutes" ("n": Number) Duration;
    Seconds "seconds" ("n": Number) Duration;
    Months "months" ("n": Whole) Duration;
    Years "years" ("n": Whole) Duration;
    YearsAndMonths "years and months duration" ("from": Moment, "to": Moment) Duration env;
    DayOfWeek "day of week" ("day": Moment) Text env;
    DayOfYear "day of year" ("day": Moment) Int env;
    MonthOfYear "month of year" ("day": Moment) Text env;
    WeekOfYear "week of year" ("day": Moment) Int env;
    Today "today" () Date env;
    Now "now" () DateTime env;
    WorkingDays "working days" ("from": Anything, "to?": Moment) Anything env;
    WorkingHours "working hours" ("from": Anything, "to?": Moment) Anything env;

    GetValue "get value" ("context": Map, "key": Text) Anything;
}

impl Builtin {
    /// Whether the result depends on when it is asked for.
    pub fn asks_the_time(self) -> bool {
        matches!(self, Builtin::Now | Builtin::Today)
    }

    /// Its entry in the register.
    pub fn def(self) -> &'static Def {
        // The table is made in the order of the variants.
        &TABLE[self as usize]
    }

    /// The name as authors write it.
    pub fn name(self) -> &'static str {
        self.def().name
    }

    /// The built-in whose name and bracket stand at the start of the text, and the length of the name as written.
    pub fn at_start_of(text: &str) -> Option<(Builtin, usize)> {
        let written = |def: &Def| written_length(text, def.name).map(|length| (def.id, length));
        TABLE.iter().filter_map(written).max_by_key(|(_, length)| *length)
    }

    /// The name of a built-in that was probably meant.
    pub fn nearest(name: &str) -> Option<&'static str> {
        suggest::nearest(name, TABLE.iter().map(|def| def.name))
    }

    /// How it is called, for messages: `substring(text, start, length?)`.
    pub fn signature(self) -> String {
        let names: Vec<&str> = self.def().takes.iter().map(|(name, _)| *name).collect();
        format!("{}({})", self.name(), names.join(", "))
    }

    /// The least and the most arguments.
    pub fn arity(self) -> (usize, usize) {
        let takes = self.def().takes;
        let least = takes.iter().filter(|(name, _)| !name.ends_with('?')).count();
        let most = if takes.iter().any(|(name, _)| name.ends_with('…')) { usize::MAX } else { takes.len() };
        (least, most)
    }

    /// Whether it takes one list, or the values one by one.
    pub fn is_aggregate(self) -> bool {
        matches!(self.def().takes, [(name, takes)] if name.ends_with('…') && *takes != Takes::List)
    }

    /// What the argument at this place may be; the last one's repeats.
    pub fn takes(self, place: usize) -> Takes {
        let takes = self.def().takes;
        takes.get(place).or(takes.last()).map_or(Takes::Anything, |(_, takes)| *takes)
    }
}

/// The length of `name` as it stands at the start of the text, with any white space between its words and a bracket behind.
fn written_length(text: &str, name: &str) -> Option<usize> {
    let mut rest = text;
    for (at, word) in name.split(' ').enumerate() {
        let trimmed = rest.trim_start();
        if at > 0 && trimmed.len() == rest.len() {
            return None;
        }
        let length = word_length(trimmed);
        rest = trimmed.get(length..).filter(|_| trimmed.get(..length) == Some(word))?;
    }
    rest.trim_start().starts_with('(').then_some(text.len() - rest.len())
}
