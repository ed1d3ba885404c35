//! Decision tables: a file of its own, or written in a step. One pass reads and checks a table; [`check`] then looks for gaps,
//! overlaps and rules that are never needed.

mod cells;
mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cursor::{self, MapReader, Spanned};
use super::draft::{Decl, ExprText};
use super::problem::{Problem, Problems};
use super::read::{Entry, Node, Tree};
use super::source::Sources;
use crate::element::decide::{Hit, Input, Output, Rule, Table};
use crate::entity::Library;
use crate::model::expr::Slot;
use crate::model::suggest::did_you_mean;
use crate::model::{Expr, Name, Names, Span, Text, Type};

/// The decision tables that processes may name.
pub(crate) type Tables = BTreeMap<Name, Arc<Table>>;

/// Most inputs and outputs of one table.
const MAX_COLUMNS: usize = 100;

/// The tables of these files; one name twice is reported.
pub(super) fn tables(trees: &[&Tree], sources: &Sources, library: &Library, problems: &Problems) -> Tables {
    let mut tables = Tables::new();
    let mut places: BTreeMap<Name, Span> = BTreeMap::new();
    for tree in trees {
        let file = sources.get(tree.root.span.file).map_or("", |source| &*source.name);
        let Some((name, table)) = of_file(tree, file, library, problems) else { continue };
        if let Some(first) = places.insert(name.value.clone(), name.span) {
            let message = format!("the decision `{}` is written twice", name.value);
            problems.push(Problem::error("duplicate-name", name.span, message).label(first, "first written here"));
        }
        tables.insert(name.value, Arc::new(table));
    }
    tables
}

fn of_file(tree: &Tree, file: &str, library: &Library, problems: &Problems) -> Option<(Spanned<Name>, Table)> {
    let map = MapReader::new(&tree.root, "a decision", problems)?;
    let (name, version, title) = (map.need_name("decision")?, map.version(), title(&map));
    let title = if title.is_empty() { Text::plain(&*name.value) } else { title };
    let table = body(&map, library, problems);
    map.finish();
    Some((name.clone(), Table { name: Some(name.value), version, title, file: file.to_owned(), ..table }))
}

/// A table that is written in a step.
pub(super) fn inline(node: &Node, library: &Library, problems: &Problems) -> Option<Table> {
    let map = MapReader::new(node, "a decision table", problems)?;
    let title = title(&map);
    let table = body(&map, library, problems);
    map.finish();
    Some(Table { title, ..table })
}

fn title(map: &MapReader<'_>) -> Text {
    map.title().map(|title| title.value).unwrap_or_default()
}

/// What stands in every table.
fn body(map: &MapReader<'_>, library: &Library, problems: &Problems) -> Table {
    map.allow(&["doc"]);
    let errors = problems.errors();
    let inputs = Decl::all(map.map("inputs"), "an input", problems);
    let outputs = Decl::all(map.map("outputs"), "an output", problems);
    let reader = Reader::new(&inputs, &outputs, library, problems);
    for (key, declared) in [("inputs", inputs.len()), ("outputs", outputs.len())] {
        if map.need(key).is_some() && !(1..=MAX_COLUMNS).contains(&declared) {
            let message = format!("expected 1 to {MAX_COLUMNS} `{key}`, found {declared}");
            problems.error("wrong-shape", map.span(), message);
        }
    }
    let hit = reader.hit(map);
    map.need("rules");
    let rules: Vec<Rule> = map.list("rules").iter().filter_map(|node| reader.rule(node)).collect();
    let otherwise = map.get("otherwise").map(|node| reader.then(node.entries(), node.span));
    let Reader { inputs, outputs, .. } = reader;
    let table = Table { inputs, outputs, hit, rules, otherwise, ..Table::default() };
    if problems.errors() == errors {
        check::table(&table, map.entry("rules").map_or(map.span(), |entry| entry.key.span), library, problems);
    }
    table
}

/// What the cells of a table are read with.
struct Reader<'a> {
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    names: Names,
    library: &'a Library,
    problems: &'a Problems,
}

impl<'a> Reader<'a> {
    fn new(inputs: &[Decl], outputs: &[Decl], library: &'a Library, problems: &'a Problems) -> Self {
        let ty = |decl: &Decl| {
            for (key, text) in [("initial", &decl.initial), ("in", &decl.currency)] {
                if let Some(text) = text {
                    let message = format!("`{key}` means nothing in a decision table");
                    problems.push(Problem::error("wrong-shape", text.span, message).help("remove it"));
                }
            }
            decl.ty.as_ref().map_or(Type::Any, |ty| ty.bind(library, None, problems))
        };
        let shown = |decl: &Decl| decl.title.as_ref().map(|title| title.value.clone()).unwrap_or_default();
        let input = |decl: &Decl| {
            let (name, title) = (decl.name.value.clone(), shown(decl));
            Input { name, title, ty: ty(decl), required: decl.required }
        };
        let output = |decl: &Decl| Output { name: decl.name.value.clone(), title: shown(decl), ty: ty(decl) };
        let inputs: Vec<Input> = inputs.iter().map(input).collect();
        let outputs = outputs.iter().map(output).collect();
        let mut names = Names::new();
        for (at, input) in inputs.iter().enumerate() {
            names.root(&*input.name, input.ty.clone(), slot(at));
        }
        Self { inputs, outputs, names, library, problems }
    }

    fn rule(&self, node: &Node) -> Option<Rule> {
        let map = MapReader::new(node, "a rule", self.problems)?;
        map.allow(&["doc"]);
        let title = title(&map);
        let when = self.when(map.map("when"));
        let then = map.need("then").map(|node| self.then(node.entries(), node.span));
        map.finish();
        Some(Rule { title, when, then: then?, span: node.span })
    }

    /// One cell per input; a column left out lets everything pass.
    fn when(&self, entries: &[Entry]) -> Vec<Option<Expr>> {
        for entry in entries {
            self.known(entry, "input", self.inputs.iter().map(|input| &*input.name));
        }
        let cell = |(at, input): (usize, &Input)| {
            let entry = entries.iter().find(|entry| *entry.key.text == *input.name)?;
            let text = ExprText::of(&entry.value, self.problems)?;
            text.compile_cell(self.library, &self.names, (&input.ty, slot(at)), self.problems)
        };
        self.inputs.iter().enumerate().map(cell).collect()
    }

    /// One expression per output; every output is said, a null too.
    fn then(&self, entries: &[Entry], span: Span) -> Vec<Expr> {
        for entry in entries {
            self.known(entry, "output", self.outputs.iter().map(|output| &*output.name));
        }
        let value = |output: &Output| {
            let Some(entry) = entries.iter().find(|entry| *entry.key.text == *output.name) else {
                let message = format!("expected a value for the output `{}`, found none", output.name);
                self.problems.push(Problem::error("missing-output", span, message).help("write `null` for no value"));
                return None;
            };
            let text = ExprText::of(&entry.value, self.problems)?;
            text.compile(self.library, &self.names, Some(&output.ty), self.problems)
        };
        let null = || Expr::literal("null", crate::model::Value::NULL, Type::Any);
        self.outputs.iter().map(|output| value(output).unwrap_or_else(null)).collect()
    }

    fn known<'n>(&self, entry: &Entry, what: &str, mut known: impl Iterator<Item = &'n str> + Clone) {
        if !known.clone().any(|name| *name == *entry.key.text) {
            let message = format!("the decision has no {what} `{}`", entry.key.text);
            let near = did_you_mean(&entry.key.text, known.by_ref());
            self.problems.push(Problem::error("unknown-column", entry.key.span, message).maybe_help(near));
        }
    }

    /// `hit: first`, `hit: collect sum`.
    fn hit(&self, map: &MapReader<'_>) -> Hit {
        let Some(node) = map.get("hit") else { return Hit::Unique };
        let Some(scalar) = cursor::scalar(node, "a hit policy", self.problems) else { return Hit::Unique };
        let words: Vec<&str> = scalar
            .text
            .split(|c: char| c == '(' || c == ')' || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            ["unique"] => Hit::Unique,
            ["any"] => Hit::Any,
            ["first"] => Hit::First,
            ["priority"] => self.ranked(Hit::Priority, node.span),
            ["rule_order"] => Hit::RuleOrder,
            ["output_order"] => self.ranked(Hit::OutputOrder, node.span),
            ["collect"] => Hit::Collect(None),
            ["collect", how @ ("sum" | "min" | "max" | "count")] => Hit::Collect(self.gather(how, node.span)),
            _ => {
                let message = format!("there is no hit policy `{}`", scalar.text);
                let near = did_you_mean(&scalar.text, POLICIES.iter().copied());
                let help = near.unwrap_or_else(|| format!("the policies are {}", POLICIES.join(", ")));
                self.problems.push(Problem::error("unknown-hit-policy", node.span, message).help(help));
                Hit::Unique
            }
        }
    }

    /// A policy that goes by the order in which the codes of the outputs are declared.
    fn ranked(&self, hit: Hit, span: Span) -> Hit {
        if !matches!(self.outputs.first().map(|output| &output.ty), Some(Type::Enum(_)) | None) {
            let message = "priority needs a first output that is an enum: its codes are the order, the highest first";
            self.problems.push(
                Problem::error("wrong-type", span, message)
                    .help("write for example `outputs: {level: {enum: [high, low]}}`"),
            );
        }
        hit
    }

    /// How the outputs of the rules that fit become one value.
    fn gather(&self, how: &str, span: Span) -> Option<Expr> {
        let [output] = self.outputs.as_slice() else {
            let message = format!("`collect {how}` needs one output, found {}", self.outputs.len());
            self.problems
                .push(Problem::error("wrong-shape", span, message).help("write a table for each, or `collect`"));
            return None;
        };
        let mut names = Names::new();
        names.root("hits", Type::list(output.ty.clone()), slot(self.inputs.len()));
        ExprText::made(&format!("{how}(hits)"), span).compile(self.library, &names, None, self.problems)
    }
}

const POLICIES: &[&str] = &[
    "unique",
    "any",
    "first",
    "priority",
    "rule_order",
    "output_order",
    "collect",
    "collect sum",
    "collect min",
    "collect max",
    "collect count",
];

/// The slot of an input.
fn slot(at: usize) -> Slot {
    Slot(u16::try_from(at).unwrap_or(u16::MAX))
}
