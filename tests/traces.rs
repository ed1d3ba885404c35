//! Golden traces: each file under `tests/traces` holds a scene, a process, a script and everything that follows, readable by
//! someone who does not know the code. `UPDATE_TRACES=1 cargo test --test traces` rewrites what follows; review it as a diff.
//! `TRACES=part` tells only those with the part in their path.
//!
//! Every trace is told three ways (straight, thawed from bytes before every command, replayed from facts) that must agree; and then
//! through the engine over both stores, with every command delivered twice.

#[path = "traces_support/print.rs"]
mod print;
#[path = "traces_support/script.rs"]
mod script;
#[path = "traces_support/twice.rs"]
mod twice;
#[path = "traces_support/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use stageflow::element::Catalog;
use stageflow::load::{self, Sources};
use stageflow::model::Duration;

use print::Printer;
use world::{Scene, Way};

#[test]
fn every_trace_tells_the_same_story_each_way() {
    let mut wrong = Vec::new();
    let part = std::env::var("TRACES").unwrap_or_default();
    let wanted = |path: &PathBuf| path.to_string_lossy().contains(&part);
    for path in files(Path::new("tests/traces")).into_iter().filter(wanted) {
        let text = fs::read_to_string(&path).expect("a trace is readable");
        match check(&path, &text) {
            Ok(()) => {}
            Err(problem) => wrong.push(format!("{}:\n{problem}", path.display())),
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

/// Each file under `tests/both_forms` has one process in block form and in flat form: what both call the same happens in the same order.
#[test]
fn both_forms_tell_the_same_story() {
    let mut wrong = Vec::new();
    for path in files(Path::new("tests/both_forms")) {
        let text = fs::read_to_string(&path).expect("a pair is readable");
        if let Err(problem) = check_both(&path, &text) {
            wrong.push(format!("{}:\n{problem}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

fn check_both(path: &Path, text: &str) -> Result<(), String> {
    let (head, script, tail) = parts(text)?;
    let drawn = head.replace("```yaml\nprocess", "```\nprocess").replace("```yaml flat\n", "```yaml\n");
    let catalogs = [catalog(&sources(head)?)?, catalog(&sources(&drawn)?)?];
    let names = catalogs.each_ref().map(steps);
    let own: BTreeSet<&String> = names[0].symmetric_difference(&names[1]).collect();
    let [block, flat] =
        catalogs.map(|catalog| Ok::<_, String>(in_common(&tell(catalog, script, Way::Straight)?, &own)));
    let (block, flat) = (block?, flat?);
    if block != flat {
        return Err(format!("in block form:\n{block}\nin flat form:\n{flat}\n{}", difference(&block, &flat)));
    }
    golden(path, (head, script, tail), &block)
}

/// What the steps of the process are called, wherever they lie.
fn steps(catalog: &Catalog) -> BTreeSet<String> {
    let def = catalog.newest("p").expect("the process is called p");
    def.graph.nodes().map(|node| last(def.graph.key(node)).to_string()).collect()
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The lines of a story without those that name a step of one form alone, or where a scope begins and ends; the others without where a
/// step lies, and once where a form has a scope more than the other.
fn in_common(told: &str, own: &BTreeSet<&String>) -> String {
    let is_path = |word: &&str| word.contains('/');
    let line = |line: &str| match line.split_whitespace().find(is_path) {
        Some(path) => line.replace(path, last(path)),
        None => line.to_string(),
    };
    let is_own = |word: &str| own.iter().any(|name| *name == word);
    let is_made = |line: &str| matches!(line.trim(), "start (new token)" | "end");
    let mut lines: Vec<String> = told.lines().map(line).collect();
    lines.retain(|line| !is_made(line) && !line.split_whitespace().any(is_own));
    lines.dedup();
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the folder of traces").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ext| ext == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn check(path: &Path, text: &str) -> Result<(), String> {
    let (head, script, tail) = parts(text)?;
    let sources = sources(head)?;
    let catalog = catalog(&sources)?;
    let told = tell(catalog.clone(), script, Way::Straight)?;
    for way in [Way::Thawed, Way::Replayed] {
        let other = tell(catalog.clone(), script, way)?;
        if other != told {
            return Err(format!("{way:?} tells another story:\n{other}\nstraight:\n{told}"));
        }
    }
    twice::tell(&sources, script, beginning())?;
    golden(path, (head, script, tail), &told)
}

/// What is told is what the file says; or the file is written anew.
fn golden(path: &Path, (head, script, tail): (&str, &str, &str), told: &str) -> Result<(), String> {
    if told == script {
        return Ok(());
    }
    if std::env::var_os("UPDATE_TRACES").is_some() {
        return fs::write(path, format!("{head}{told}{tail}")).map_err(|error| error.to_string());
    }
    Err(difference(script, told))
}

fn difference(expected: &str, found: &str) -> String {
    let at = expected.lines().zip(found.lines()).take_while(|(a, b)| a == b).count();
    let show = |text: &str| text.lines().skip(at.saturating_sub(3)).take(12).collect::<Vec<_>>().join("\n  ");
    format!("expected from line {at} of the trace:\n  {}\nfound:\n  {}", show(expected), show(found))
}

/// What stands before the trace, the trace, and what stands behind it.
fn parts(text: &str) -> Result<(&str, &str, &str), String> {
    let fence = "```trace\n";
    let start = text.find(fence).ok_or("no ```trace block")? + fence.len();
    let end = text[start..].find("```").ok_or("the trace block does not end")? + start;
    Ok((&text[..start], &text[start..end], &text[end..]))
}

/// The library and the processes of the scene: every ```yaml block is a file, named by its first line.
fn sources(head: &str) -> Result<Sources, String> {
    let mut sources = Sources::new();
    for block in head.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap_or_default();
        let (kind, name) =
            text.lines().next().and_then(|line| line.split_once(':')).ok_or("a block without a first key")?;
        let file = if kind == "library" { "library.yaml".to_string() } else { format!("{}.yaml", name.trim()) };
        sources.add(file, text);
    }
    for block in head.split("```file ").skip(1) {
        let (name, text) = block.split_once('\n').ok_or("a file without a name")?;
        sources.add(name, text.split("```").next().unwrap_or_default());
    }
    Ok(sources)
}

fn catalog(sources: &Sources) -> Result<Catalog, String> {
    let loaded = load::library(sources).map_err(|error| error.to_string())?;
    let mut catalog = Catalog::new(Arc::new(loaded.library));
    loaded.definitions.into_iter().for_each(|definition| catalog.add(definition));
    Ok(catalog)
}

fn beginning() -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse().expect("an instant")
}

fn tell(catalog: Catalog, script: &str, way: Way) -> Result<String, String> {
    let mut scene = Scene::new(catalog, beginning(), way);
    let mut printer = Printer::default();
    let mut lines = Vec::new();
    for line in script.lines().filter_map(|line| line.strip_prefix("> ")) {
        lines.push(format!("> {line}"));
        match line.split_once(' ') {
            Some(("given", rest)) => script::given(&mut scene, rest)?,
            Some(("wait", rest)) => {
                let length = Duration::parse(rest).map_err(|error| error.to_string())?;
                scene.wait(chrono::TimeDelta::microseconds(length.micros));
            }
            _ => match script::read(&scene, line) {
                Ok(read) => {
                    if let Err(refused) = scene.run(read.command, read.instance, read.principal) {
                        lines.push(printer.hide(&format!("  refused ({}): {refused}", refused.code())));
                    }
                }
                Err(problem) => lines.push(format!("  cannot: {problem}")),
            },
        }
        printer.tell(&mut scene, &mut lines);
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}
