//! The rules of the house. Each fails with a sentence that says what to do.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the bottom: each names only those before it.
const LAYERS: &[&str] = &[
    "model",
    "entity",
    "graph",
    "instance",
    "element",
    "turn",
    "search",
    "load",
    "files",
    "store",
    "engine",
    "explain",
    "analytics",
    "interchange",
    "draw",
    "scenario",
    "sim",
    "cli",
];
/// The layers without clock, I/O, randomness, threads and hash order.
const PURE: &[&str] = &["model", "entity", "graph", "instance", "element", "turn", "search", "load"];
/// The core, whose files are short.
const CORE: &[&str] = &["model", "entity", "graph", "instance", "element", "turn"];

const CORE_LINES: usize = 500;
const ANY_LINES: usize = 800;
const FUNCTION_LINES: usize = 70;

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The layer it belongs to; none for the front door.
    fn layer(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src").ok()?;
        let first = inside.iter().next()?.to_str()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        LAYERS.iter().find(|layer| **layer == name).copied()
    }

    /// The lines of code with their numbers, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(at, line)| (at + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The lines of code before the unit tests.
    fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
    }
}

fn sources(dirs: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut todo: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
    while let Some(dir) = todo.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is readable");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no source found in {dirs:?}: run from the project's root");
    found
}

fn report(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n  {}\n", broken.join("\n  "));
}

fn rank(layer: &str) -> usize {
    LAYERS.iter().position(|known| *known == layer).expect("a known layer")
}

#[test]
fn a_layer_names_only_what_is_before_it() {
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        let Some(layer) = source.layer() else { continue };
        for (at, line) in source.product() {
            for named in line.split("crate::").skip(1) {
                let name: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if LAYERS.contains(&&*name) && rank(&name) > rank(layer) {
                    broken.push(format!("{}:{at} names {name}, which is after {layer}", source.path.display()));
                }
            }
        }
    }
    report("move the code to the later layer, or what it needs to an earlier one", broken);
}

#[test]
fn every_module_is_a_layer() {
    let text = fs::read_to_string("src/lib.rs").expect("the front door");
    let modules = text.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
    let unknown: Vec<String> = modules
        .filter(|name| !LAYERS.contains(name))
        .map(|name| format!("src/{name} has no place among the layers"))
        .collect();
    report("add the module to LAYERS, where it belongs", unknown);
}

#[test]
fn the_pure_layers_touch_nothing_outside() {
    const BANNED: &[(&str, &str)] = &[
        ("Utc::now", "the clock"),
        ("Local::now", "the clock"),
        ("SystemTime", "the clock"),
        ("Instant::now", "the clock"),
        ("std::fs", "I/O"),
        ("std::net", "I/O"),
        ("std::env", "the environment"),
        ("std::thread", "threads"),
        ("println!", "I/O"),
        ("eprintln!", "I/O"),
        ("Uuid::new_v4", "randomness"),
        ("Uuid::now_v7", "randomness"),
        ("HashMap", "hash order"),
        ("HashSet", "hash order"),
        ("unsafe ", "unsafe code"),
    ];
    let mut broken = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| source.layer().is_some_and(|layer| PURE.contains(&layer))) {
        for (at, line) in source.product() {
            for (word, what) in BANNED {
                if line.contains(word) {
                    broken.push(format!("{}:{at} uses {word}: {what}", source.path.display()));
                }
            }
        }
    }
    report("give it to the pure layer as a value", broken);
}

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "examples", "benches"]) {
        let most = if source.layer().is_some_and(|layer| CORE.contains(&layer)) { CORE_LINES } else { ANY_LINES };
        let lines = source.text.lines().count();
        if lines > most {
            broken.push(format!("{} has {lines} lines, over {most}", source.path.display()));
        }
    }
    report("a file that long holds two things: part them", broken);
}

#[test]
fn functions_are_short() {
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "examples", "benches"]) {
        for (at, lines) in functions(&source) {
            if lines > FUNCTION_LINES {
                broken.push(format!(
                    "{}:{at} is a function of {lines} lines, over {FUNCTION_LINES}",
                    source.path.display()
                ));
            }
        }
    }
    report("part it by what it does", broken);
}

/// Where each function begins and how many lines it has: up to the closing brace at its own indent.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, line) in source.text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim_start();
        let starts = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn ", "pub const fn "];
        if starts.iter().any(|start| text.starts_with(start)) && !text.ends_with(';') && !text.ends_with('}') {
            open.push((at, indent));
        }
        if text == "}"
            && let Some((start, _)) = open.pop_if(|(_, depth)| *depth == indent)
        {
            found.push((start + 1, at + 1 - start));
        }
    }
    found
}

#[test]
fn nothing_is_left_for_later() {
    let markers = [["to", "do!("], ["unimpl", "emented!("], ["TO", "DO"], ["FIX", "ME"], ["X", "XX"], ["#[ig", "nore"]];
    let mut broken = Vec::new();
    for source in sources(&["src", "tests", "examples", "benches"]) {
        for (at, line) in source.text.lines().enumerate() {
            if let Some(marker) = markers.iter().map(|parts| parts.concat()).find(|marker| line.contains(marker)) {
                broken.push(format!("{}:{} holds {marker}", source.path.display(), at + 1));
            }
        }
    }
    report("do it, or say in the manual that it is not supported", broken);
}

#[test]
fn unwraps_stay_in_tests() {
    let mut broken = Vec::new();
    for source in sources(&["src"]) {
        if source.path.components().any(|part| part.as_os_str() == "tests") || source.path.ends_with("tests.rs") {
            continue;
        }
        for (at, line) in source.product() {
            if [".unwrap()", ".expect(", "panic!(", "unreachable!("].iter().any(|word| line.contains(word)) {
                broken.push(format!("{}:{at} may panic: {}", source.path.display(), line.trim()));
            }
        }
    }
    report("no input may panic: return an error", broken);
}

/// An element is its room, its line in the register, and its trace.
#[test]
fn every_element_has_a_trace() {
    let register = fs::read_to_string("src/element/mod.rs").expect("the register of elements");
    let rooms = register.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let helpers = ["definition", "env", "joins", "room", "rules"];
    let traces = traces(Path::new("tests/traces"));
    let missing: Vec<String> = rooms
        .filter(|room| !helpers.contains(room))
        .filter(|room| !traces.iter().any(|trace| trace == room))
        .map(|room| format!("tests/traces/{room}.md"))
        .collect();
    report("write the trace that shows the element at work", missing);
}

fn traces(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(traces(&path));
        } else if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
            found.push(name.to_string());
        }
    }
    found
}

/// A rule of execution is shown where engines go wrong: by more than one trace of its number.
#[test]
fn every_rule_has_traces() {
    let shown = traces(Path::new("tests/traces/rules"));
    let count = |rule: &str| shown.iter().filter(|trace| trace.starts_with(rule)).count();
    let rules = (1..=27).map(|number| format!("s{number:02}_"));
    let missing: Vec<String> =
        rules.filter(|rule| count(rule) < 2).map(|rule| format!("tests/traces/rules/{rule}*.md")).collect();
    report("write a second trace that shows the rule", missing);
}
