//! How YAML reads a line that an author wrote, and what is said about it.

use super::read;
use crate::load::{Problems, Sources};

/// What is said about a text: `code line:column`, one after the other.
fn said(text: &str) -> String {
    let mut sources = Sources::new();
    let file = sources.add("text.yaml", text);
    let problems = Problems::new();
    read(file, &sources.get(file).expect("a text").text, &problems);
    let line = |problem: &crate::load::Problem| {
        let place = sources.place(problem.span);
        format!("{} {}:{}", problem.code, place.line, place.column)
    };
    problems.into_sorted().iter().map(line).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_looks_like_a_text_is_one() {
    for text in [
        "t: What's new?",
        "t: {en: What's new?, ru: x}",
        "t: 100% sure",
        "t: a, b (c) and \"d\"",
        "t: -5",
        "t: a:b",
        "t: a #",
        "t: \"a\" # a comment",
        "type: text # a comment",
        "t: text  # a comment",
        "t: a # a comment",
        "t: yes",
        "t:\n  a\n  b",
        "t: |\n  # no comment\n  a: b",
        "t: \"a\n  b\"",
        "t: {a: , b: }",
        "t: {a: {b: [c, {d: e}]}}",
        "t: [\n  a, # first\n  b # second\n]",
        "t: \"\\u00e9\"",
        "# a comment\nt: a\r\nu: b\r\n",
        "\u{feff}t: a",
        "---\nt: a\n...\n",
    ] {
        assert_eq!(said(text), "", "{text}");
    }
}

#[test]
fn what_is_none_is_said_in_its_place() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("t: {en: a: b, ru: c}", "needs-quotes 1:10"),
        ("t: {en: a, b, ru: c}", "split-text 1:12"),
        ("t: {a, b}", "split-text 1:5"),
        ("t: {a: {}, b}", "split-text 1:12"),
        ("t: [f(a, b), c]", "split-text 1:5"),
        ("t: [\"a\" = b, x = \"a, b\"]", "needs-quotes 1:9"),
        ("t: [x = \"a, b\"]", "split-text 1:5"),
        ("f(a): b", "split-text 1:1"),
        ("t: Order #5", "lost-text 1:4"),
        ("title: Order # 5", "lost-text 1:8"),
        ("t: f(a # b", "lost-text 1:4"),
        ("t: {en: Order #5, ru: x}", "lost-text 1:4"),
        ("t: a: b", "needs-quotes 1:4"),
        ("t: a:", "needs-quotes 1:4"),
        ("t: - a", "needs-quotes 1:4"),
        ("t: > a", "needs-quotes 1:4"),
        ("t: | a", "needs-quotes 1:4"),
        ("t: @a", "needs-quotes 1:4"),
        ("t: `a`", "needs-quotes 1:4"),
        ("t: %a", "needs-quotes 1:4"),
        ("t: [a] b", "needs-quotes 1:4"),
        ("t: {a} b", "needs-quotes 1:4"),
        ("t: 'it's'", "needs-quotes 1:8"),
        ("t: \"a\" + b", "needs-quotes 1:8"),
        ("t: !a", "yaml-tag 1:4"),
        ("t: !not(a)", "yaml-tag 1:4"),
        ("t: &a b", "yaml-anchor 1:4"),
        ("t: *a", "yaml-anchor 1:4"),
        ("<<: a", "yaml-anchor 1:1"),
        ("%YAML 1.1\n---\nt: a", "yaml-directive 1:1"),
        ("t: a\n---\n", "second-document 2:1"),
        ("t: \"a\\q\"", "bad-escape 1:4"),
        ("t: \"a", "unclosed 1:4"),
        ("t: [a", "needs-quotes 1:4"),
        ("t: [a, b", "unclosed 1:4"),
        ("t: {a: b\nu: c", "unclosed 1:4"),
        ("t: a\n  b: c", "bad-indentation 2:3"),
        ("t:\n    a: b\n  c: d", "bad-indentation 3:3"),
        ("t: a\nb", "missing-colon 2:1"),
        ("t:\n\ta: b\n\tc: d", "tab 2:1"),
        ("t: a\u{7}", "bad-character 1:5"),
        ("t: a\nt: b", "duplicate-key 2:1"),
        ("? [a]\n: b", "bad-key 1:3"),
        ("t: {: a}", "bad-key 1:5"),
        ("", "empty-file 1:1"),
        (
            "a: @\nb: c: d\ne: > f\ng: [h: i: j]",
            "needs-quotes 1:4, needs-quotes 2:4, needs-quotes 3:4, needs-quotes 4:9",
        ),
    ] {
        wrong.extend(Some(said(text)).filter(|said| said != expected).map(|said| format!("{text:?}: {said}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
