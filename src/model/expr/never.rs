//! Conditions whose parts exclude each other: `stage = won and stage = lost`, `n > 5 and n < 3`.

use super::Expr;
use super::ast::Compare;
use super::node::{Kind, Sub};
use crate::model::{Type, Value};

/// Most conjuncts that are compared with each other.
const MAX_PARTS: usize = 100;

/// A comparison of something with a constant.
struct Comparison {
    of: String,
    is: Compare,
    value: Value,
    text: String,
}

impl Expr {
    /// Two conjuncts of which at most one can hold, in the words of the source. What the same words compare is the same
    /// value in one evaluation.
    pub fn contradiction(&self) -> Option<(String, String)> {
        let all = self.comparisons();
        all.iter().enumerate().find_map(|(at, one)| {
            let later = all.get(at.saturating_add(1)..).unwrap_or_default();
            let other = later.iter().find(|other| other.of == one.of && one.excludes(other))?;
            Some((one.text.clone(), other.text.clone()))
        })
    }

    /// Whether the two are surely never both true, where the same words mean the same.
    pub fn excludes(&self, other: &Expr) -> bool {
        let others = other.comparisons();
        self.comparisons().iter().any(|one| others.iter().any(|other| other.of == one.of && one.excludes(other)))
    }

    fn comparisons(&self) -> Vec<Comparison> {
        let mut parts = Vec::new();
        super::conjuncts(&self.inner.node, &mut parts);
        parts.iter().take(MAX_PARTS).filter_map(|part| self.comparison(part)).collect()
    }

    /// Whether one of the two always holds, where either has a value: `n > 5` and `n <= 5`, `urgent` and `not(urgent)`.
    pub fn complements(&self, other: &Expr) -> bool {
        let (one, two) = (&self.inner.node, &other.inner.node);
        let negates = |whole: &Expr, part: &Expr| match &whole.inner.node.kind {
            Kind::Not(inner) => whole.sub(inner, Type::Bool).text() == part.text(),
            _ => false,
        };
        if negates(self, other) || negates(other, self) {
            return true;
        }
        let (Some(a), Some(b)) = (self.comparison(one), other.comparison(two)) else { return false };
        a.of == b.of && a.value.same(&b.value) && denied(a.is) == b.is
    }

    fn comparison(&self, part: &Sub) -> Option<Comparison> {
        let (is, a, b) = match &part.kind {
            Kind::Same(a, b) => (Compare::Equal, a, b),
            Kind::Compare(is, a, b) => (*is, a, b),
            _ => return None,
        };
        let (is, of, value) = match (a.constant(), b.constant()) {
            (None, Some(value)) => (is, a, value),
            (Some(value), None) => (turned(is), b, value),
            _ => return None,
        };
        let text = |node: &Sub| self.sub(node, Type::Any).text().to_owned();
        // Amounts are equal to plain numbers, and an unknown has no order.
        let plain = !value.is_null() && !matches!(value, Value::Money(_));
        plain.then(|| Comparison { of: text(of), is, value: value.clone(), text: text(part) })
    }
}

impl Comparison {
    fn excludes(&self, other: &Comparison) -> bool {
        if self.value.kind() != other.value.kind() {
            return false;
        }
        let order = self.value.total_cmp(&other.value);
        match (self.is, other.is) {
            (Compare::Equal, is) => !is.holds(order),
            (is, Compare::Equal) => !is.holds(order.reverse()),
            (Compare::Less, Compare::Greater | Compare::AtLeast) | (Compare::AtMost, Compare::Greater) => order.is_le(),
            (Compare::Greater, Compare::Less | Compare::AtMost) | (Compare::AtLeast, Compare::Less) => order.is_ge(),
            (Compare::AtMost, Compare::AtLeast) => order.is_lt(),
            (Compare::AtLeast, Compare::AtMost) => order.is_gt(),
            _ => false,
        }
    }
}

/// What holds where the comparison does not.
fn denied(is: Compare) -> Compare {
    match is {
        Compare::Equal => Compare::Differs,
        Compare::Differs => Compare::Equal,
        Compare::Less => Compare::AtLeast,
        Compare::AtMost => Compare::Greater,
        Compare::Greater => Compare::AtMost,
        Compare::AtLeast => Compare::Less,
    }
}

/// The comparison with its sides exchanged.
fn turned(is: Compare) -> Compare {
    match is {
        Compare::Less => Compare::Greater,
        Compare::AtMost => Compare::AtLeast,
        Compare::Greater => Compare::Less,
        Compare::AtLeast => Compare::AtMost,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;
    use crate::model::expr::{Names, NoSchema, Slot};

    fn condition(text: &str) -> Expr {
        let mut names = Names::new();
        names.root("n", Type::Number, Slot(0)).root("t", Type::Text, Slot(1)).root("d", Type::Date, Slot(2));
        names.root("b", Type::Bool, Slot(3));
        Expr::compile(text, Span::default(), &NoSchema, &names, Some(&Type::Bool)).expect("the condition")
    }

    #[test]
    fn one_of_two_that_complement_each_other_holds() {
        let both = |one: &str, other: &str| condition(one).complements(&condition(other));
        assert!(both("n > 5", "n <= 5") && both("n <= 5", "n > 5") && both("5 = n", "n != 5"));
        assert!(both("b", "not(b)") && both("not(n in (1, 2))", "n in (1, 2)"));
        assert!(!both("n > 5", "n < 5") && !both("n > 5", "n <= 6") && !both("n > 5", "d = null") && !both("b", "b"));
    }

    #[track_caller]
    fn excludes(text: &str, wanted: Option<(&str, &str)>) {
        let found = condition(text).contradiction();
        assert_eq!(found.as_ref().map(|(one, other)| (&**one, &**other)), wanted, "{text}");
    }

    #[test]
    fn parts_that_exclude_each_other_are_found() {
        excludes("n > 5 and n < 3", Some(("n > 5", "n < 3")));
        excludes("n > 5 and n <= 5", Some(("n > 5", "n <= 5")));
        excludes("n >= 5 and n <= 5", None);
        excludes("n >= 5 and 5 > n", Some(("n >= 5", "5 > n")));
        excludes("n = 5 and n != 5", Some(("n = 5", "n != 5")));
        excludes("n > 7 and n = 5", Some(("n > 7", "n = 5")));
        excludes("n = 5 and n >= 5", None);
        excludes(r#"t = "a" and n > 1 and t = "b""#, Some((r#"t = "a""#, r#"t = "b""#)));
        excludes(r#"t != "a" and t != "b""#, None);
        excludes("n + 1 > 5 and n < 3", None);
        excludes("floor(n) > 5 and floor(n) < 3", Some(("floor(n) > 5", "floor(n) < 3")));
        excludes("n > 5 or n < 3", None);
        excludes(
            r#"d > date("2026-03-02") and d < date("2026-03-01")"#,
            Some((r#"d > date("2026-03-02")"#, r#"d < date("2026-03-01")"#)),
        );
    }
}
