//! Arbitrary texts and trees: nothing panics, what is printed reads back the same.

use proptest::prelude::*;

use super::super::ast::{Ast, Compare, Kind, Math, Range, Word};
use super::super::builtin::TABLE;
use super::super::{ast::At, parse};
use super::*;

/// The expression as text, every part in brackets: reading it must give the same tree.
fn print(ast: &Ast) -> String {
    let all = |items: &[Ast]| items.iter().map(print).collect::<Vec<_>>();
    let bound = |bound: &[(Word, Ast)]| {
        bound.iter().map(|(name, source)| format!("{} in {}", name.text, print(source))).collect::<Vec<_>>().join(", ")
    };
    match &ast.kind {
        Kind::Null => "null".into(),
        Kind::Bool(truth) => truth.to_string(),
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => format!("{:?}", text.as_ref()),
        Kind::Typed(text) => format!("@{text:?}"),
        Kind::Name(name) => name.clone(),
        Kind::Path(of, name) => format!("({}).{}", print(of), name.text),
        Kind::Filter(source, inside) => format!("({})[{}]", print(source), print(inside)),
        Kind::Negate(of) => format!("-({})", print(of)),
        Kind::Math(op, a, b) => format!("({}) {} ({})", print(a), op.sign(), print(b)),
        Kind::Compare(op, a, b) => format!("({}) {} ({})", print(a), op.sign(), print(b)),
        Kind::All(parts) => format!("({})", all(parts).join(") and (")),
        Kind::Any(parts) => format!("({})", all(parts).join(") or (")),
        Kind::In(of, tests) => format!("({}) in ({})", print(of), all(tests).join(", ")),
        Kind::Range(range) => {
            let (open, close) = (if range.closed.0 { "[" } else { "(" }, if range.closed.1 { "]" } else { ")" });
            format!("{open}({})..({}){close}", print(&range.from), print(&range.to))
        }
        Kind::Test(op, of) => format!("{} ({})", op.sign(), print(of)),
        Kind::Tests(tests) => format!("({})", all(tests).join(", ")),
        Kind::If(a, b, c) => format!("if {} then {} else {}", print(a), print(b), print(c)),
        Kind::For(sources, body) => format!("for {} return {}", bound(sources), print(body)),
        Kind::Holds(every, sources, body) => {
            format!("{} {} satisfies {}", if *every { "every" } else { "some" }, bound(sources), print(body))
        }
        Kind::Call(builtin, args) => format!("{}({})", builtin.name(), all(args).join(", ")),
        Kind::List(items) => format!("[{}]", all(items).join(", ")),
        Kind::Context(entries) => {
            let entries = entries.iter().map(|(name, value)| format!("{:?}: {}", name.text, print(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Kind::Instance(of, name) => format!("({}) instance of {}", print(of), name.text),
        Kind::Stages(name) => format!("stages of {}", name.text),
    }
}

fn word() -> impl Strategy<Value = Word> {
    let names =
        ["self", "lines", "total", "tries", "limit", "high", "hardware", "item", "x", "y", "name", "thing", "note"];
    prop::sample::select(names.to_vec()).prop_map(|text| Word { text: text.to_owned(), at: At::default() })
}

fn ast() -> impl Strategy<Value = Ast> {
    let leaf = prop_oneof![
        Just(Kind::Null),
        any::<bool>().prop_map(Kind::Bool),
        (0i64..1000, 0u32..3).prop_map(|(digits, scale)| Kind::Number(rust_decimal::Decimal::new(digits, scale))),
        "[a-z ]{0,5}".prop_map(|text| Kind::Text(text.into())),
        prop::sample::select(vec!["P3D", "2026-03-02", "PT5M", "1 month"])
            .prop_map(|text| Kind::Typed(text.to_owned())),
        word().prop_map(|word| Kind::Name(word.text)),
        word().prop_map(|word| Kind::Path(Box::new(Ast::new(Kind::Name("self".into()), At::default())), word)),
        Just(Kind::Stages(Word { text: "lead".into(), at: At::default() })),
    ];
    leaf.prop_map(|kind| Ast::new(kind, At::default())).prop_recursive(5, 40, 4, |inner| {
        let two = || (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        let some = || prop::collection::vec(inner.clone(), 1..4);
        let sources = || prop::collection::vec((word(), inner.clone()), 1..3);
        let math = prop::sample::select(vec![Math::Add, Math::Subtract, Math::Multiply, Math::Divide, Math::Power]);
        let compare = || prop::sample::select(vec![Compare::Equal, Compare::Differs, Compare::Less, Compare::AtLeast]);
        let builtin = prop::sample::select(TABLE.iter().map(|def| def.id).collect::<Vec<_>>());
        let range = (inner.clone(), inner.clone(), any::<(bool, bool)>());
        let kinds = prop_oneof![
            (inner.clone(), word()).prop_map(|(of, name)| Kind::Path(Box::new(of), name)),
            two().prop_map(|(a, b)| Kind::Filter(a, b)),
            (math, two()).prop_map(|(op, (a, b))| Kind::Math(op, a, b)),
            (compare(), two()).prop_map(|(op, (a, b))| Kind::Compare(op, a, b)),
            (some(), inner.clone()).prop_map(|(mut parts, last)| {
                parts.push(last);
                Kind::All(parts)
            }),
            (some(), inner.clone()).prop_map(|(mut parts, last)| {
                parts.push(last);
                Kind::Any(parts)
            }),
            (inner.clone(), some()).prop_map(|(of, tests)| Kind::In(Box::new(of), tests)),
            (inner.clone(), range).prop_map(|(of, (from, to, closed))| {
                let range = Kind::Range(Box::new(Range { from, to, closed }));
                Kind::In(Box::new(of), vec![Ast::new(range, At::default())])
            }),
            (inner.clone(), compare(), inner.clone()).prop_map(|(of, op, bound)| {
                let test = Kind::Test(op, Box::new(bound));
                Kind::In(Box::new(of), vec![Ast::new(test, At::default())])
            }),
            (inner.clone(), two()).prop_map(|(test, (a, b))| Kind::If(Box::new(test), a, b)),
            (sources(), inner.clone()).prop_map(|(bound, body)| Kind::For(bound, Box::new(body))),
            (any::<bool>(), sources(), inner.clone()).prop_map(|(every, bound, body)| Kind::Holds(
                every,
                bound,
                Box::new(body)
            )),
            (builtin, some()).prop_map(|(builtin, args)| Kind::Call(builtin, args)),
            some().prop_map(Kind::List),
            sources().prop_map(Kind::Context),
            (inner.clone(), word()).prop_map(|(of, name)| Kind::Instance(Box::new(of), name)),
        ];
        kinds.prop_map(|kind| Ast::new(kind, At::default()))
    })
}

/// The tree without its places.
fn bare(ast: &Ast) -> String {
    print(ast)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_printed_reads_back(ast in ast()) {
        let text = print(&ast);
        if ast.depth < parse::MAX_DEPTH {
            let back = parse::expression(&text);
            prop_assert!(back.is_ok(), "{text}: {:?}", back);
            prop_assert_eq!(bare(&back.unwrap()), text);
        }
    }

    #[test]
    fn any_tree_compiles_or_not_and_evaluates_within_its_fuel(ast in ast()) {
        let text = print(&ast);
        if let Ok(expr) = Expr::compile(&text, Span::default(), &World, &process(), None) {
            let _ = (expr.eval(&Values), expr.eval3(&Values), expr.reads(), expr.conjuncts(), expr.inputs(&Values));
            let _ = expr.equalities(ROW);
        }
        let _ = Expr::compile_unary_test(&text, Span::default(), &World, &process(), (&Type::Any, Slot(6)));
    }

    #[test]
    fn no_text_panics(text in ".{0,60}") {
        let _ = Expr::compile(&text, Span::default(), &World, &process(), None);
        let _ = Expr::compile_unary_test(&text, Span::default(), &World, &process(), (&Type::Number, Slot(6)));
        let _ = Template::compile(&text, Span::default(), &World, &process());
    }

    #[test]
    fn no_run_of_tokens_panics(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..30)) {
        let text = words.join(" ");
        if let Ok(expr) = Expr::compile(&text, Span::default(), &World, &process(), None) {
            let _ = expr.eval(&Values);
        }
        let _ = Template::compile(&text, Span::default(), &World, &process());
    }
}

const WORDS: [&str; 44] = [
    "self",
    ".",
    "name",
    "lines",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "1",
    "2.5",
    "\"a\"",
    "@\"P3D\"",
    "..",
    "+",
    "-",
    "*",
    "/",
    "**",
    "<",
    "=",
    "!=",
    "and",
    "or",
    "not",
    "in",
    "between",
    "if",
    "then",
    "else",
    "for",
    "return",
    "some",
    "satisfies",
    "null",
    "true",
    "count",
    "get or else",
    "sum",
    "?",
    "instance of",
];
