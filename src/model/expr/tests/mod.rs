//! Tables of expressions with what they give, in `tables/`: `UPDATE_EXPECT=1` writes the outcomes, to be read as a diff.

use expect_test::{ExpectFile, expect_file};

use super::*;
use world::{ROW, Values, World, process};

mod docs;
mod fuzz;
mod whole;
mod world;

/// A table: what is written in it, and where.
type Table = (&'static str, ExpectFile);

macro_rules! tables {
    ($($name:literal),*) => {
        [$((include_str!(concat!("tables/", $name, ".txt")), expect_file![concat!("tables/", $name, ".txt")])),*]
    };
}
use tables;

/// Tries every expression of a table; below each stands, indented, what is to come out.
fn check((written, file): Table, outcome: impl Fn(&str) -> String) {
    let tried = |text: &str| format!("{text}\n    {}\n", outcome(text).trim_end().replace('\n', "\n    "));
    let texts = written.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    file.assert_eq(&texts.map(tried).collect::<String>());
}

/// The type and value of an expression, or what is wrong with it.
fn outcome(names: &Names, expected: Option<&Type>, text: &str) -> String {
    let span = Span::new(0, 0, text.len());
    let expr = match Expr::compile(text, span, &World, names, expected) {
        Ok(expr) => expr,
        Err(problems) => return shown(text, &problems),
    };
    match expr.eval(&Values) {
        Ok(Value::Null(reason)) => format!("{}: null, {reason}", expr.ty()),
        Ok(value) => format!("{}: {value}", expr.ty()),
        Err(error) => format!("fails: {error}"),
    }
}

fn shown(text: &str, problems: &[ExprProblem]) -> String {
    let one = |problem: &ExprProblem| {
        let at = &text[problem.span.start as usize..problem.span.end as usize];
        format!("{} at `{at}`: {problem}", problem.code)
    };
    problems.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn expressions_of_a_process() {
    let values = tables!["literals", "arithmetic", "comparisons", "logic_and_null", "lists", "texts_and_numbers"];
    let names = tables!["names_and_paths", "codes_rows_and_stages", "dates_and_money", "mistakes"];
    for table in values.into_iter().chain(names) {
        check(table, |text| outcome(&process(), None, text));
    }
}

#[test]
fn values_fit_their_place() {
    let tables = tables![
        "fit_money",
        "fit_int",
        "fit_instant",
        "fit_bool",
        "fit_text",
        "fit_stage",
        "fit_lookup",
        "fit_account",
        "fit_list",
        "fit_map"
    ];
    let types = [
        Type::Money,
        Type::Int,
        Type::DateTime,
        Type::Bool,
        Type::Text,
        Type::Stage("lead".into()),
        Type::reference("need_type"),
        Type::reference("account"),
        Type::list(Type::reference("need_type")),
        Type::Map([(Name::new("amount"), Type::Money)].into()),
    ];
    for (table, ty) in tables.into_iter().zip(types) {
        check(table, |text| outcome(&process(), Some(&ty), text));
    }
}

/// A `where`: bare names are columns of the searched lead.
#[test]
fn searched_records() {
    let mut names = process();
    names.searched("lead", ROW);
    let [table] = tables!["searched_records"];
    check(table, |text| outcome(&names, Some(&Type::Bool), text));
}

/// A column's own expression: bare names are columns of the same record.
#[test]
fn columns_of_the_own_record() {
    let mut names = Names::new();
    names.row("lead", ROW);
    let [table] = tables!["columns_of_the_own_record"];
    check(table, |text| outcome(&names, None, text));
}

/// Decision cells over 3, and over the code `won`.
#[test]
fn decision_cells() {
    let codes = process().entries().iter().find(|entry| entry.name.as_str() == "result").unwrap().ty.clone();
    let inputs = [(Type::Number, Slot(6)), (codes, Slot(7))];
    for (table, (ty, slot)) in tables!["cells_number", "cells_codes"].into_iter().zip(inputs) {
        check(table, |text| {
            let span = Span::new(0, 0, text.len());
            match Expr::compile_unary_test(text, span, &World, &process(), (&ty, slot)) {
                Err(problems) => shown(text, &problems),
                Ok(cell) => match cell.eval3(&Values) {
                    Ok(Some(truth)) => truth.to_string(),
                    Ok(None) => "unknown".to_owned(),
                    Err(error) => format!("fails: {error}"),
                },
            }
        });
    }
}
