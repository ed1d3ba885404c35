//! What is true of whole expressions: reads, conjuncts, three-valued truth, templates, limits.

use expect_test::{expect, expect_file};

use super::*;

fn compile(text: &str) -> Expr {
    compile_in(&process(), text)
}

fn compile_in(names: &Names, text: &str) -> Expr {
    let span = Span::new(0, 0, text.len());
    Expr::compile(text, span, &World, names, None).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

fn path(read: &Read) -> String {
    let root = match &read.root {
        Root::Slot(slot) => format!("#{}", slot.0),
        Root::Setting(name) => format!("settings.{name}"),
        Root::Found => "found".to_owned(),
    };
    let step = |step: &ReadStep| {
        let of: Vec<&str> = step.of.iter().map(Name::as_str).collect();
        format!(".{}{}", step.column, if of.is_empty() { String::new() } else { format!("({})", of.join("|")) })
    };
    root + &read.path.iter().map(step).collect::<String>()
}

#[test]
fn reads_are_exact() {
    let [table] = tables!["reads"];
    check(table, |text| {
        let reads: Vec<String> = compile(text).reads().iter().map(path).collect();
        if reads.is_empty() { "nothing".to_owned() } else { reads.join(", ") }
    });
}

#[test]
fn a_cell_reads_its_input() {
    let cell = Expr::compile_unary_test("> limit", Span::default(), &World, &process(), (&Type::Int, Slot(6))).unwrap();
    assert_eq!(cell.reads().iter().map(path).collect::<Vec<_>>(), ["#3", "#6"]);
}

#[test]
fn conjuncts_and_equalities() {
    let mut names = process();
    names.searched("lead", ROW);
    let [table] = tables!["conjuncts"];
    check(table, |text| {
        let expr = compile_in(&names, text);
        let parts: Vec<String> = expr.conjuncts().iter().map(|part| format!("`{}`", part.text())).collect();
        let fixed =
            expr.equalities(ROW).into_iter().map(|(name, value)| format!("\nfixes {name} to `{}`", value.text()));
        format!("parts: {}{}", parts.join(", "), fixed.collect::<String>())
    });
}

#[test]
fn three_valued_truth() {
    let cases = [
        ("self.account.vip", None),
        ("not(self.account.vip)", None),
        ("self.account.vip and self.score > 5", None),
        ("self.account.vip and self.score < 5", Some(false)),
        ("self.score > 5 or vars.debt > 5", Some(true)),
        ("vars.debt > 5 and self.score < 5", Some(false)),
        ("vars.debt > 5", None),
        ("some x in [1, null, 3] satisfies x > 2", Some(true)),
        ("every x in [1, null, 3] satisfies x > 2", Some(false)),
        ("every x in [3, null] satisfies x > 2", None),
        ("self.contact.name in (\"a\", null)", Some(true)),
        ("self.account.vip in (true)", Some(false)),
        ("any(for l in self.lines return l.status = open)", Some(true)),
        ("all(self.account.vip, true)", None),
    ];
    for (text, truth) in cases {
        assert_eq!(compile(text).eval3(&Values), Ok(truth), "{text}");
    }
    assert!(compile("self.secret = \"x\"").eval3(&Values).unwrap_err().is_denied());
    assert!(matches!(compile("self.secret").eval_visible(&Values), Ok(Value::Denied(_))));
}

#[test]
fn parts_evaluate_alone() {
    let expr = compile("self.score > 5 and self.account.vip and self.budget < 5");
    let truths: Vec<_> = expr.conjuncts().iter().map(|part| part.eval3(&Values).unwrap()).collect();
    assert_eq!(truths, [Some(true), None, Some(false)]);
}

#[test]
fn inputs_are_shown_with_their_values() {
    let expr = compile(
        "self.score > limit or self.contact.name = \"x\" or self.secret = \"y\" or count(self.lines[total > 5]) = 1",
    );
    let shown: Vec<String> = expr
        .inputs(&Values)
        .iter()
        .map(|(text, value)| match value {
            Ok(value) => format!("{text} = {value}"),
            Err(error) => format!("{text}: {error}"),
        })
        .collect();
    expect![[r#"
        self.score = 7
        limit = 100
        self.contact.name = null
        self.secret = access denied: may not read lead.secret (rule: deny read)
        self.lines = line 1, line 2"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn templates_are_filled() {
    let [table] = tables!["templates"];
    check(table, |text| match Template::compile(text, Span::new(0, 0, text.len()), &World, &process()) {
        Err(problems) => super::shown(text, &problems),
        Ok(template) => template.eval(&Values).unwrap_or_else(|error| format!("fails: {error}")),
    });
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let deep = |open: &str, inside: &str, close: &str, times: usize| open.repeat(times) + inside + &close.repeat(times);
    let cases = [
        deep("(", "1", ")", 10_000),
        deep("(", "1", ")", 1_000),
        deep("[", "1", "]", 1_000),
        deep("{a: ", "1", "}", 1_000),
        deep("not(", "true", ")", 1_000),
        deep("-", "1", "", 1_000),
        deep("if true then ", "1", " else 2", 300),
        deep("for x in ", "[1]", " return 1", 300),
        deep("self.lines[", "1", "]", 1_000),
        deep("1 + ", "1", "", 3_000),
        deep("2 ** ", "2", "", 1_000),
        "[".to_owned() + &"1,".repeat(3_000) + "1]",
        "\"".to_owned() + &"x".repeat(20_000),
        deep("1 in [", "1", "]", 60),
        deep("\"a\" in [", "\"a\"", "]", 60),
        deep("[", "hardware", "]", 60),
    ];
    for text in &cases {
        let problems = Expr::compile(text, Span::default(), &World, &process(), None);
        assert!(problems.is_err() || text.len() < 700, "{}", &text[..40]);
    }
}

#[test]
fn evaluation_stops_when_the_fuel_is_out() {
    let texts = [
        "count(for a in 1..1000, b in 1..1000, c in 1..1000 return a)",
        "count(1 in (for a in 1..100000000 return a))",
        "every a in 1..10000, b in 1..10000 satisfies a < 20000",
        "count(for a in 1..9223372036854775807 return a)",
        "count(distinct values(for a in 1..100000 return a))",
    ];
    for text in texts {
        if let Ok(expr) = Expr::compile(text, Span::default(), &World, &process(), None) {
            assert!(matches!(expr.eval(&Values), Err(EvalError::Fuel(_))), "{text}");
        }
    }
}

#[test]
fn spans_are_absolute_and_stay_inside() {
    let at = |text: &str, span: Span| Expr::compile(text, span, &World, &process(), None).unwrap_err()[0].span;
    assert_eq!(at("1 + foo", Span::new(3, 100, 107)), Span::new(3, 104, 107));
    assert_eq!(at("1 + foo", Span::new(3, 100, 102)), Span::new(3, 102, 102));
    let text = "a {self.x} b";
    let problems = Template::compile(text, Span::new(0, 50, 62), &World, &process()).unwrap_err();
    assert_eq!(problems[0].span, Span::new(0, 58, 59));
}

#[test]
fn the_clock_is_known_to_be_read() {
    assert!(
        compile("self.start_date < today()").reads_clock()
            && !compile("self.start_date < date(2026, 1, 1)").reads_clock()
    );
}
