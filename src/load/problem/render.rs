//! Problems as text for a terminal and as JSON for tools.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Problem, Severity};
use crate::load::source::{Place, Source, Sources};
use crate::model::Span;

/// Most problems that are shown as text.
const MAX_SHOWN: usize = 100;
/// Longest stretch of source under a problem, in bytes.
const MAX_SNIPPET: usize = 4096;

/// The problems as text: code, message, `file:line:column`, the source line, and the help. Ends with a line break
/// when there is any problem. At most a hundred are shown, and the rest is counted.
///
/// ```
/// use stageflow::load::{read, render_text, Problems, Sources};
/// let mut sources = Sources::new();
/// let file = sources.add("crm.yaml", "library: crm\nlibrary: crm\n");
/// let problems = Problems::new();
/// read(file, &sources.get(file).unwrap().text, &problems);
/// let text = render_text(&problems.into_sorted(), &sources);
/// assert!(text.starts_with("error[duplicate-key]: the key `library` is written twice\n --> crm.yaml:2:1"));
/// ```
pub fn render_text(problems: &[Problem], sources: &Sources) -> String {
    let renderer = Renderer::plain();
    let mut text = String::new();
    for problem in problems.iter().take(MAX_SHOWN) {
        text.push_str(&renderer.render(&[group(problem, sources)]));
        text.push_str("\n\n");
    }
    match problems.len().saturating_sub(MAX_SHOWN) {
        0 => {}
        more => text.push_str(&format!("and {more} more problems\n")),
    }
    text
}

fn group<'a>(problem: &'a Problem, sources: &'a Sources) -> Group<'a> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(&*problem.message).id(problem.code));
    let (near, far): (Vec<_>, Vec<_>) = problem.labels.iter().partition(|label| label.span.file == problem.span.file);
    if let Some(source) = sources.get(problem.span.file) {
        let others = near.iter().map(|label| (label.span, &*label.text));
        group = group.elements(snippets((source, &sources.shown(source)), problem.span, others.collect()));
    }
    for label in far {
        if let Some(source) = sources.get(label.span.file) {
            let window = window(source, label.span);
            let annotation = annotation(AnnotationKind::Context, &source.text, label.span, &window).label(&*label.text);
            group = group.element(snippet((source, &sources.shown(source)), &window).annotation(annotation));
        }
    }
    match &problem.help {
        Some(help) => group.element(Level::HELP.message(&**help)),
        None => group,
    }
}

/// The snippet of the problem with those of its labels that are near; the others in snippets of their own.
fn snippets<'a>(
    (source, name): (&'a Source, &str),
    main: Span,
    labels: Vec<(Span, &'a str)>,
) -> Vec<Snippet<'a, Annotation<'a>>> {
    let all = labels.iter().fold(main, |all, (span, _)| all.to(*span));
    let together = (all.end - all.start) as usize <= MAX_SNIPPET / 2;
    let shown = if together { window(source, all) } else { window(source, main) };
    let mut first =
        snippet((source, name), &shown).annotation(annotation(AnnotationKind::Primary, &source.text, main, &shown));
    let mut others = Vec::new();
    for (span, text) in labels {
        if together {
            first = first.annotation(annotation(AnnotationKind::Context, &source.text, span, &shown).label(text));
        } else {
            let window = window(source, span);
            let annotation = annotation(AnnotationKind::Context, &source.text, span, &window).label(text);
            others.push(snippet((source, name), &window).annotation(annotation));
        }
    }
    others.insert(0, first);
    others
}

fn snippet<'a>((source, name): (&'a Source, &str), window: &Range<usize>) -> Snippet<'a, Annotation<'a>> {
    let text = source.text.get(window.clone()).unwrap_or_default();
    let (line, _) = source.line_column(window.start);
    Snippet::source(text).line_start(line).path(name.to_owned())
}

/// The whole lines around a span, cut where they are too long.
fn window(source: &Source, span: Span) -> Range<usize> {
    let (first, _) = source.line_column(span.start as usize);
    let (last, _) = source.line_column((span.end as usize).min(source.text.len()));
    let floor = |at: usize| (0..=at).rev().find(|at| source.text.is_char_boundary(*at)).unwrap_or(0);
    let mut start = source.line_start(first);
    let mut end = source.line_start(last + 1);
    if span.start as usize - start > MAX_SNIPPET / 2 {
        start = floor(span.start as usize - MAX_SNIPPET / 2);
    }
    if end - start > MAX_SNIPPET {
        end = floor(start + MAX_SNIPPET);
    }
    start..end
}

/// The span inside the window. A span that cuts a character is widened to it: the renderer would not stand it.
fn annotation<'a>(kind: AnnotationKind, text: &str, span: Span, window: &Range<usize>) -> Annotation<'a> {
    let inside = |at: u32| (at as usize).clamp(window.start, window.end);
    let mut start = inside(span.start);
    while !text.is_char_boundary(start) {
        start = start.saturating_sub(1);
    }
    let mut end = inside(span.end).max(start);
    while !text.is_char_boundary(end) {
        end = end.saturating_add(1);
    }
    kind.span(start - window.start..end.min(window.end) - window.start)
}

/// The problems as one JSON object, stable for tools:
///
/// ```json
/// {"errors": 1, "warnings": 0, "problems": [{
///   "code": "unknown-key", "severity": "error", "message": "an entity has no key `titel`", "help": "did you mean `title`?",
///   "file": "crm.yaml", "line": 4, "column": 5, "end_line": 4, "end_column": 10, "labels": []}]}
/// ```
///
/// Lines and columns count from 1, columns in characters, the end is exclusive. `help` is null when there is none; a
/// label has `text` and the same places.
pub fn render_json(problems: &[Problem], sources: &Sources) -> Value {
    let count = |severity| problems.iter().filter(|problem| problem.severity == severity).count();
    let list: Vec<Value> = problems.iter().map(|problem| problem_json(problem, sources)).collect();
    json!({"errors": count(Severity::Error), "warnings": count(Severity::Warning), "problems": list})
}

fn problem_json(problem: &Problem, sources: &Sources) -> Value {
    let label = |label: &super::Label| with_place(json!({"text": label.text}), sources.place(label.span));
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels: Vec<Value> = problem.labels.iter().map(label).collect();
    let Problem { code, message, help, .. } = problem;
    let head = json!({"code": code, "severity": severity, "message": message, "help": help, "labels": labels});
    with_place(head, sources.place(problem.span))
}

fn with_place(mut value: Value, place: Place) -> Value {
    let Place { file, line, column, end_line, end_column } = place;
    let place = json!({"file": &*file, "line": line, "column": column, "end_line": end_line, "end_column": end_column});
    if let (Some(value), Value::Object(place)) = (value.as_object_mut(), place) {
        value.extend(place);
    }
    value
}
