//! Gaps, overlaps and rules that are never needed, each shown with an example of inputs.
//!
//! What is reported is certain. A cell whose meaning is only known at run time may let everything pass where a gap is looked for, and
//! nothing where an overlap is. A null is no gap: it is an incident that shows itself, and `-` or `null` takes it.

use std::collections::BTreeSet;

use super::cells::{Column, columns};
use crate::element::decide::{Hit, Rule, Table};
use crate::load::problem::{Problem, Problems};
use crate::model::{Schema, Span, Type, Value};

/// Steps of the search for gaps in one table.
const MAX_STEPS: usize = 3_000_000;

/// Most problems of one kind that one table reports.
const MAX_SHOWN: usize = 10;

/// Reports what is wrong with a table as a whole, whose parts are sound.
pub(super) fn table(table: &Table, span: Span, schema: &dyn Schema, problems: &Problems) {
    let Some(columns) = columns(table, schema) else { return unchecked(span, problems) };
    let look = Look { table, columns, problems };
    look.impossible();
    match table.hit {
        Hit::Unique | Hit::Any => look.overlaps(),
        Hit::First => look.masked(span),
        _ => {}
    }
    if table.hit.is_single() && table.otherwise.is_none() {
        look.gaps(span);
    }
}

fn unchecked(span: Span, problems: &Problems) {
    let problem = Problem::warning("decision-unchecked", span, "the table is too large to be checked for gaps");
    problems.push(problem.help("split it in two, or give it `otherwise:`"));
}

struct Look<'a> {
    table: &'a Table,
    columns: Vec<Column>,
    problems: &'a Problems,
}

/// Where a search stands.
struct Search<'s> {
    /// The pieces of each input that are looked at.
    allowed: Vec<Vec<usize>>,
    /// Whether a cell that is only known at run time covers.
    sure: bool,
    steps: &'s mut usize,
    found: Vec<usize>,
}

impl Look<'_> {
    fn passes(&self, rule: usize, column: usize, piece: usize, unknown: bool) -> bool {
        let cell = self.columns.get(column).and_then(|column| column.passes.get(rule));
        match cell {
            Some(Some(passes)) => passes.has(piece),
            _ => unknown,
        }
    }

    fn is_known(&self, rule: usize) -> bool {
        self.columns.iter().all(|column| column.passes.get(rule).is_some_and(Option::is_some))
    }

    fn pieces(&self, column: usize) -> std::ops::Range<usize> {
        0..self.columns.get(column).map_or(0, |column| column.pieces.len())
    }

    /// Cells that nothing passes.
    fn impossible(&self) {
        let rules = self.table.rules.iter().enumerate();
        let cells = rules.flat_map(|(rule, found)| {
            let columns = self.table.inputs.iter().zip(&self.columns);
            columns.map(move |(input, column)| (rule, found, input, column))
        });
        let nothing = cells.filter(|(rule, _, _, column)| {
            column.passes.get(*rule).and_then(Option::as_ref).is_some_and(super::cells::Passes::is_empty)
        });
        for (rule, found, input, _) in nothing.take(MAX_SHOWN) {
            let message = format!("no value of `{}` fits rule {}", input.name, rule.saturating_add(1));
            let problem = Problem::error("never-true", found.span, message);
            self.problems.push(problem.help("an interval goes from its lower to its upper end: `[1..10]`"));
        }
    }

    /// Two rules that one example fits, where only one may, or where both must answer the same.
    fn overlaps(&self) {
        let mut shown = 0;
        for (later, rule) in self.table.rules.iter().enumerate().filter(|(rule, _)| self.is_known(*rule)) {
            let earlier = (0..later).filter(|earlier| self.is_known(*earlier));
            let mut both = earlier.filter_map(|earlier| Some((earlier, self.common(earlier, later)?)));
            let Some((earlier, example)) = both.find(|(earlier, _)| self.clash(*earlier, later)) else { continue };
            shown = usize::saturating_add(shown, 1);
            if shown > MAX_SHOWN {
                return;
            }
            let (one, other) = (earlier.saturating_add(1), later.saturating_add(1));
            let (what, help) = match self.table.hit {
                Hit::Any => ("answer differently", "make them answer the same, or write `hit: first`"),
                _ => ("only one may", "narrow one of them, or write `hit: first`"),
            };
            let message = format!("rules {one} and {other} both fit {}, and {what}", self.shown(&example));
            let problem = Problem::error("decision-overlap", rule.span, message).help(help);
            let first = self.table.rules.get(earlier).map_or(rule.span, |rule| rule.span);
            self.problems.push(problem.label(first, format!("rule {one}")));
        }
    }

    /// A piece of every input that both rules let pass.
    fn common(&self, one: usize, other: usize) -> Option<Vec<usize>> {
        let both = |column: &Column| {
            let of = |rule: usize| column.passes.get(rule).and_then(Option::as_ref);
            of(one)?.common(of(other)?)
        };
        self.columns.iter().map(both).collect()
    }

    /// Whether it matters that both rules fit.
    fn clash(&self, one: usize, other: usize) -> bool {
        if matches!(self.table.hit, Hit::Unique) {
            return true;
        }
        let then = |rule: usize| self.table.rules.get(rule).map_or(&[][..], |rule: &Rule| &rule.then);
        let differ = |(a, b): (&crate::model::Expr, &crate::model::Expr)| match (a.constant(), b.constant()) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        };
        then(one).iter().zip(then(other)).any(differ)
    }

    /// Rules that are never the first, because earlier ones take all they fit.
    fn masked(&self, span: Span) {
        let mut steps = MAX_STEPS;
        for (at, rule) in self.table.rules.iter().enumerate() {
            let allowed = (0..self.columns.len())
                .map(|column| self.pieces(column).filter(|piece| self.passes(at, column, *piece, true)).collect())
                .collect();
            let earlier: Vec<usize> = (0..at).filter(|earlier| self.is_known(*earlier)).collect();
            let mut search = Search { allowed, sure: true, steps: &mut steps, found: Vec::new() };
            match self.uncovered(&earlier, &mut search) {
                None => return unchecked(span, self.problems),
                Some(true) => {}
                Some(false) => {
                    let number = at.saturating_add(1);
                    let message =
                        format!("rule {number} is never the first: the rules before it take all that it fits");
                    let problem = Problem::warning("masked-rule", rule.span, message);
                    self.problems.push(problem.help("remove it, or put it before them"));
                }
            }
        }
    }

    /// An example that no rule fits.
    fn gaps(&self, span: Span) {
        let mut steps = MAX_STEPS;
        let given = |column: usize| {
            let pieces = &self.columns.get(column).map_or(&[][..], |column| &column.pieces);
            let some = pieces.iter().enumerate().filter(|(_, value)| !value.is_null());
            some.map(|(piece, _)| piece).collect()
        };
        let allowed = (0..self.columns.len()).map(given).collect();
        let all: Vec<usize> = (0..self.table.rules.len()).collect();
        let mut search = Search { allowed, sure: false, steps: &mut steps, found: Vec::new() };
        match self.uncovered(&all, &mut search) {
            None => unchecked(span, self.problems),
            Some(false) => {}
            Some(true) => {
                let message = format!("no rule fits {}", self.shown(&search.found));
                let problem = Problem::error("decision-gap", span, message);
                self.problems.push(problem.help("write a rule for it, or what else holds: `otherwise: {output: ...}`"));
            }
        }
    }

    /// Whether something that is allowed is fitted by none of the rules: then `found` has it. None when it takes too long.
    fn uncovered(&self, rules: &[usize], search: &mut Search<'_>) -> Option<bool> {
        let column = search.found.len();
        *search.steps = search.steps.checked_sub(rules.len().saturating_add(1))?;
        let Some(allowed) = search.allowed.get(column).cloned() else { return Some(rules.is_empty()) };
        if rules.is_empty() {
            let rest = search.allowed.get(column..).unwrap_or_default().iter().map(|pieces| pieces.first().copied());
            let Some(rest) = rest.collect::<Option<Vec<usize>>>() else { return Some(false) };
            search.found.extend(rest);
            return Some(true);
        }
        let mut seen = BTreeSet::new();
        for piece in allowed {
            *search.steps = search.steps.checked_sub(rules.len())?;
            let fitting: Vec<usize> =
                rules.iter().copied().filter(|rule| self.passes(*rule, column, piece, !search.sure)).collect();
            // What other pieces already said is not asked again.
            if !seen.insert(fitting.clone()) {
                continue;
            }
            search.found.push(piece);
            if self.uncovered(&fitting, search)? {
                return Some(true);
            }
            search.found.truncate(column);
        }
        Some(false)
    }

    /// `amount = 50, kind = travel`: the inputs that some rule looks at.
    fn shown(&self, example: &[usize]) -> String {
        let is_asked = |at: usize| self.table.rules.iter().any(|rule| rule.when.get(at).is_some_and(Option::is_some));
        let inputs = self.table.inputs.iter().zip(&self.columns).zip(example).enumerate();
        let parts = inputs.filter(|(at, _)| is_asked(*at)).map(|(_, ((input, column), piece))| {
            let value = column.pieces.get(*piece).unwrap_or(&Value::NULL);
            match (value, &input.ty) {
                (Value::Text(text), Type::Text | Type::Any) => format!("{} = \"{text}\"", input.name),
                (Value::Ref(record), _) => format!("{} = {}", input.name, record.id),
                _ => format!("{} = {value}", input.name),
            }
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "any input".to_owned() } else { parts.join(", ") }
    }
}
