//! The reference for authors is true: every example in it is tried.

use super::super::builtin::TABLE;
use super::*;

const REFERENCE: &str = include_str!("../../../docs/expressions.md");

/// The rows of the tables: an expression and what it gives.
fn examples() -> Vec<(&'static str, &'static str)> {
    let rows = REFERENCE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    rows.map(|row| row.split_once("` | ").unwrap_or_else(|| panic!("expected two cells, found {row}"))).collect()
}

#[test]
fn every_example_is_true() {
    for (text, expected) in examples() {
        let outcome = match Expr::compile(text, Span::new(0, 0, text.len()), &World, &process(), None) {
            Err(problems) => format!("refused: {}", problems[0]),
            Ok(expr) => match expr.eval(&Values) {
                Err(error) => format!("fails: {error}"),
                Ok(value) => format!("`{value}`"),
            },
        };
        let holds = match expected.split_once(": ") {
            Some((kind @ ("refused" | "fails"), part)) => outcome.starts_with(kind) && outcome.contains(part),
            _ => outcome == expected,
        };
        assert!(holds, "{text}\n  says  {expected}\n  found {outcome}");
    }
}

#[test]
fn every_built_in_has_an_example() {
    let missing: Vec<&str> = TABLE
        .iter()
        .map(|def| def.name)
        .filter(|name| !examples().iter().any(|(text, _)| text.contains(&format!("{name}("))))
        .collect();
    assert!(missing.is_empty(), "expected an example of every built-in, found none of {missing:?}");
}

#[test]
fn the_cells_in_the_text_hold() {
    for text in ["<= 100", "(2..3]", "1, 3", "not(1, 2)", "-", "? > 2 and ? < 4"] {
        assert!(REFERENCE.contains(&format!("`{text}`")), "{text}");
        let cell = Expr::compile_unary_test(text, Span::default(), &World, &process(), (&Type::Int, Slot(6))).unwrap();
        assert_eq!(cell.eval3(&Values), Ok(Some(true)), "{text}");
    }
}
