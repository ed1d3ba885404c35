//! The author's manual holds: every example in it is loaded, run or refused just as it says, and its list of problems is that of the register.
//!
//! Examples are fenced blocks of the chapters in `src/docs`:
//!
//! - `yaml` with a name in its first line, `# returns.yaml`, is a file. The files under one `##` heading are a folder: its library
//!   loads clean and its scenarios pass.
//! - `yaml,library`, `yaml,process`, `yaml,steps`, `yaml,decision` and `yaml,scenario` are parts of a file; what surrounds them is added here. Parts of processes
//!   and scenarios go with the files under the first `##` heading of their chapter.
//! - `yaml,text` is judged as it stands.
//!
//! In a part, `# refused: code` or `# warned: code` stands at the end of the line where that problem is found, or above it; a scenario says `# fails: words`.
//! What says neither must be clean.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use expect_test::expect_file;
use stageflow::load::{Severity, Sources, codes, problems, render_text};
use stageflow::scenario::{self, Options};

const CHAPTERS: &[&str] = &["manual", "library", "process", "decision", "scenario", "yaml"];

/// A fenced block.
struct Block {
    /// `manual.md:12`, the line of the fence.
    place: String,
    /// The number of the `##` heading above it, and the text of the nearest heading.
    section: usize,
    heading: String,
    tag: String,
    text: String,
}

fn chapter(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/docs/{name}.md"))).ok()
}

/// The blocks of a chapter that are YAML.
fn blocks(name: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    let (mut section, mut heading) = (0, String::new());
    for (number, line) in chapter(name).unwrap_or_default().lines().enumerate() {
        let fence = line.strip_prefix("```");
        match (&mut open, fence) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(tag)) => {
                let place = format!("{name}.md:{}", number + 1);
                let (heading, tag) = (heading.clone(), tag.to_owned());
                open = Some(Block { place, section, heading, tag, text: String::new() });
            }
            (None, None) if line.starts_with('#') => {
                section += usize::from(line.starts_with("## "));
                heading = line.trim_start_matches('#').trim().to_owned();
            }
            (None, None) => {}
        }
    }
    found.retain(|block| block.tag.starts_with("yaml") || block.tag == "html");
    found
}

/// The name of a block that is a whole file.
fn file_name(block: &Block) -> Option<&str> {
    let first = block.text.lines().next()?;
    match &*block.tag {
        "yaml" => first.strip_prefix("# ").filter(|name| name.ends_with(".yaml")),
        "html" => first.strip_prefix("<!-- ")?.strip_suffix(" -->"),
        _ => None,
    }
}

/// The files of a section.
fn files(blocks: &[Block], section: usize) -> BTreeMap<&str, &str> {
    let of = blocks.iter().filter(|block| block.section == section);
    of.filter_map(|block| Some((file_name(block)?, block.text.as_str()))).collect()
}

fn write(folder: &Path, files: &BTreeMap<&str, &str>) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

fn is(kind: &str, text: &str) -> bool {
    text.lines().any(|line| line.starts_with(kind))
}

#[test]
fn every_folder_of_files_loads_and_its_scenarios_pass() {
    let mut wrong = String::new();
    let (mut folders, mut scenarios) = (0, 0);
    for name in CHAPTERS {
        let blocks = blocks(name);
        for section in 1..=blocks.iter().map(|block| block.section).max().unwrap_or_default() {
            let files = files(&blocks, section);
            let folder = tempfile::tempdir().expect("a folder");
            write(folder.path(), &files);
            let Some((library, _)) = files.iter().find(|(_, text)| is("library:", text) && !is("scenario:", text))
            else {
                continue;
            };
            folders += 1;
            let shown = match stageflow::files::read(&folder.path().join(library)) {
                Ok(sources) => render_text(&problems(&sources), &sources),
                Err(error) => error.to_string(),
            };
            if !shown.is_empty() {
                writeln!(wrong, "{name}.md:\n{shown}").expect("a text");
                continue;
            }
            for path in scenario::files(folder.path()).expect("scenarios") {
                scenarios += 1;
                for restart in [false, true] {
                    let options = Options { restart_before_every_step: restart, ..Options::default() };
                    if let Err(failure) = scenario::run_file(&path, options) {
                        writeln!(wrong, "{name}.md: {failure}\n").expect("a text");
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(folders > 0 && scenarios > 0, "there are no files in the manual");
}

/// What a block says that is found in it: the line, counted in the block, and the word.
fn said(text: &str, marks: &[&str]) -> Vec<(usize, String)> {
    let mut said = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for mark in marks {
            let Some((before, rest)) = line.split_once(mark) else { continue };
            let at = if before.trim().is_empty() { number + 1 } else { number };
            said.extend(rest.split(',').map(|word| (at, format!("{}{}", mark, word.trim()))));
        }
    }
    said.sort();
    said
}

const MARKS: &[&str] = &["# refused: ", "# warned: "];

/// The text with what surrounds it, and how many lines stand above it.
fn whole(block: &Block, library: &str) -> (String, usize) {
    let text = &block.text;
    let steps = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let first = text.lines().find(|line| !line.trim_start().starts_with('#')).unwrap_or_default();
    let head = match &*block.tag {
        "yaml,library" if !is("library:", text) => "library: example\n".to_owned(),
        "yaml,process" if !is("process:", text) && is("entity:", text) => "process: example\n".to_owned(),
        "yaml,process" if !is("process:", text) => "process: example\nentity: ticket\n".to_owned(),
        "yaml,steps" => "process: example\nentity: ticket\nsteps:\n".to_owned(),
        "yaml,scenario" if first.starts_with("- ") => {
            format!("scenario: Example\nlibrary: {library}\nuse: common.yaml\nsteps:\n")
        }
        "yaml,scenario" if !is("scenario:", text) => format!("scenario: Example\nlibrary: {library}\n"),
        _ => String::new(),
    };
    let lines = head.lines().count();
    let body = if head.ends_with("steps:\n") { steps(text) } else { text.clone() };
    let no_steps = block.tag == "yaml,process" && !is("steps:", text) && !is("nodes:", text);
    let tail = if no_steps { "steps:\n  - end: Done\n" } else { "" };
    (format!("{head}{body}{tail}"), lines)
}

/// What is found in a part of a definition, as [`said`] says it, with all of it to be shown.
fn found(block: &Block, files: &BTreeMap<&str, &str>) -> (Vec<(usize, String)>, String) {
    let (text, above) = whole(block, "");
    let mut sources = Sources::new();
    let file = sources.add("example.yaml", text);
    let is_process = matches!(&*block.tag, "yaml,process" | "yaml,steps");
    let is_decision = &*block.tag == "yaml,decision";
    let beside = |name: &str, text: &str| match (is_process, is_decision) {
        (true, _) => !is("scenario:", text),
        // The name of a decision may be that of a file beside it.
        (_, true) => false,
        _ => !name.ends_with(".yaml"),
    };
    if is_decision {
        sources.add("library.yaml", codes::EXAMPLE_LIBRARY);
    }
    for (name, text) in files.iter().filter(|(name, text)| beside(name, text)) {
        sources.add(*name, *text);
    }
    let problems = problems(&sources);
    let shown = render_text(&problems, &sources);
    let of = problems.iter().map(|problem| {
        let mark = if problem.severity == Severity::Error { MARKS[0] } else { MARKS[1] };
        let source = sources.get(problem.span.file).filter(|_| problem.span.file == file);
        let line = source.map_or(0, |source| source.line_column(problem.span.start as usize).0);
        (line.wrapping_sub(above + 1), format!("{mark}{}", problem.code))
    });
    let mut found: Vec<_> = of.collect();
    found.sort();
    (found, shown)
}

#[test]
fn every_part_is_clean_or_refused_as_it_says() {
    let mut wrong = String::new();
    for name in CHAPTERS {
        let blocks = blocks(name);
        let files = files(&blocks, 1);
        let library = files.iter().find(|(_, text)| is("library:", text) && !is("scenario:", text));
        for block in &blocks {
            match &*block.tag {
                "yaml,library" | "yaml,process" | "yaml,steps" | "yaml,decision" | "yaml,text" => {
                    let (found, shown) = found(block, &files);
                    let said = said(&block.text, MARKS);
                    if found != said {
                        writeln!(wrong, "{}: expected {said:?}, found {found:?}\n{shown}", block.place)
                            .expect("a text");
                    }
                }
                "yaml,scenario" => {
                    let library = library.map(|(name, _)| *name).unwrap_or_default();
                    played(block, library, &files, &mut wrong);
                }
                _ if file_name(block).is_some() => {}
                tag => {
                    writeln!(wrong, "{}: nothing tries a block `{tag}` without a name", block.place).expect("a text")
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every verb, as the loader names them for a step that has none.
fn verbs() -> Vec<String> {
    let mut sources = Sources::new();
    sources.add("library.yaml", codes::EXAMPLE_LIBRARY);
    sources.add("example.yaml", "process: example\nsteps:\n  - id: nothing\n");
    let found = problems(&sources);
    let help = found.iter().find_map(|problem| problem.help.as_deref()).expect("the verbs");
    let all = help.strip_prefix("the verbs are ").expect("the verbs");
    all.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_verb_has_a_right_and_a_wrong_example() {
    let blocks = blocks("process");
    let (mut without, verbs) = (Vec::new(), verbs());
    assert!(verbs.len() > 20, "found only {verbs:?}");
    for verb in verbs {
        let heading = format!("`{verb}`");
        let of = || blocks.iter().filter(|block| block.heading == heading);
        let is_wrong = |block: &Block| !said(&block.text, &MARKS[..1]).is_empty();
        if !of().any(is_wrong) || of().all(is_wrong) {
            without.push(verb);
        }
    }
    assert!(without.is_empty(), "without a right and a wrong example: {without:?}");
}

/// Mappings with a key that means nothing there: what is said of it names the keys that do.
const MAPPINGS: &[(&str, &str)] = &[
    ("library", "library: a\nzzz: 1\n"),
    ("library", "library: a\nentities: {thing: {zzz: 1}}\n"),
    ("library", "library: a\nentities: {thing: {fields: {a: {type: text, zzz: 1}}}}\n"),
    ("library", "library: a\nentities: {thing: {check: {that: true, zzz: 1}}}\n"),
    ("library", "library: a\nentities: {thing: {stages: {field: s, values: {one: {}}, zzz: 1}}}\n"),
    ("library", "library: a\nentities: {thing: {stages: {field: s, values: {one: {}}, history: {zzz: 1}}}}\n"),
    ("library", "library: a\nlookups: {tax: {rows: {full: {}}, zzz: 1}}\n"),
    ("library", "library: a\nroles: {clerk: {zzz: 1}}\n"),
    ("library", "library: a\nmessages: {one: {zzz: 1}}\n"),
    ("library", "library: a\nsignals: {one: {zzz: 1}}\n"),
    ("library", "library: a\nerrors: {one: {zzz: 1}}\n"),
    ("library", "library: a\nservices: {one: {zzz: 1}}\n"),
    ("library", "library: a\nentities: {document: {}}\ndocuments: {one: {zzz: 1}}\n"),
    ("library", "library: a\ntasks: {zzz: 1}\n"),
    ("library", "library: a\ncalendars: {one: {zone: Europe/Berlin, zzz: 1}}\n"),
    ("library", "library: a\ncurrencies: {zzz: 1}\n"),
    ("process", "process: a\nzzz: 1\nsteps: []\n"),
    ("process", "process: a\nparams: {one: {type: text, zzz: 1}}\nsteps: []\n"),
    ("process", "process: a\nstart: [{event: lead.created, zzz: 1}]\nsteps: []\n"),
    ("process", "process: a\nstart: [{schedule: R/P1D, zzz: 1}]\nsteps: []\n"),
    ("process", "process: a\nstart: [{manual: {zzz: 1}}]\nsteps: []\n"),
    ("process", "process: a\nsteps: [{wait: 1 h, boundary: [{after: 1 h, zzz: 1}]}]\n"),
    ("process", "process: a\nsteps: [{wait: 1 h, boundary: [{event: lead.updated, zzz: 1}]}]\n"),
    ("process", "process: a\nsteps: [{wait: 1 h, boundary: [{message: paid, zzz: 1}]}]\n"),
    ("process", "process: a\nsteps: [{wait: 1 h, boundary: [{manual: {title: a, zzz: 1}}]}]\n"),
    ("process", "process: a\nsteps: [{user_task: a, outcomes: {one: {zzz: 1}}}]\n"),
    ("process", "process: a\nsteps: [{choose: [{when: true, zzz: 1}]}]\n"),
    ("process", "process: a\nsteps: [{repeat: {zzz: 1}, steps: []}]\n"),
    ("process", "process: a\nsteps: [{service: send_mail, retry: {zzz: 1}}]\n"),
    ("decision", "decision: a\ninputs: {b: bool}\noutputs: {c: bool}\nrules: []\nzzz: 1\n"),
    ("decision", "decision: a\ninputs: {b: {type: bool, zzz: 1}}\noutputs: {c: bool}\nrules: []\n"),
    ("decision", "decision: a\ninputs: {b: bool}\noutputs: {c: bool}\nrules: [{zzz: 1, then: {c: true}}]\n"),
    ("process", "process: a\nnodes: []\nflows: [{from: a, to: b, zzz: 1}]\n"),
    ("process", "process: a\nnodes: [{id: a, type: task, multi_instance: {times: 3, zzz: 1}}]\n"),
];

/// What is said of the key `zzz` in a text.
fn known_keys(text: &str) -> Vec<String> {
    let mut sources = Sources::new();
    sources.add("example.yaml", text);
    if !text.starts_with("library:") {
        sources.add("library.yaml", codes::EXAMPLE_LIBRARY);
    }
    let found = problems(&sources);
    let of = |problem: &&stageflow::load::Problem| problem.code == "unknown-key" && problem.message.contains("zzz");
    let help = found.iter().find(of).and_then(|problem| problem.help.as_deref()).unwrap_or_default();
    let keys = help.split("known keys: ").nth(1).unwrap_or_default();
    keys.split(", ").filter(|key| !key.is_empty()).map(str::to_owned).collect()
}

/// Whether a chapter names a key: in its tables and sentences, or in an example.
fn names(chapter: &str, key: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    chapter.match_indices(key).any(|(at, _)| {
        let (before, after) = (&chapter[..at], &chapter[at + key.len()..]);
        !before.ends_with(is_part) && (after.starts_with(':') || (before.ends_with('`') && after.starts_with('`')))
    })
}

#[test]
fn every_key_is_in_the_manual() {
    let mut missing = Vec::new();
    let verbs = verbs().into_iter().map(|verb| ("process", format!("process: a\nsteps: [{{{verb}: a, zzz: 1}}]\n")));
    let mappings = MAPPINGS.iter().map(|(name, text)| (*name, (*text).to_owned()));
    for (name, text) in mappings.chain(verbs) {
        let chapter = chapter(name).expect("a chapter");
        let keys = known_keys(&text);
        if keys.is_empty() {
            missing.push(format!("no keys are told of {text}"));
        }
        let unknown = keys.into_iter().filter(|key| !names(&chapter, key));
        missing.extend(unknown.map(|key| format!("{name}.md has no `{key}` of {text}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The line at which a scenario fails, counted in the block, and words of what is said then.
fn failing(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(number, line)| Some((number, line.split_once("# fails: ")?.1.trim()))).collect()
}

/// Runs a part of a scenario with the files of its chapter.
fn played(block: &Block, library: &str, files: &BTreeMap<&str, &str>, wrong: &mut String) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), files);
    let (text, above) = whole(block, library);
    let path = folder.path().join("example_scenario.yaml");
    fs::write(&path, text).expect("a file");
    let said = failing(&block.text);
    let told = scenario::run_file(&path, Options::default());
    let fits = match (&told, said.as_slice()) {
        (Ok(_), []) => true,
        (Err(failure), [(line, words)]) => {
            let at = format!(":{}", line + above + 1);
            failure.text.contains(words) && (failure.place.ends_with(&at) || failure.text.contains(&(at + ":")))
        }
        _ => false,
    };
    if !fits {
        let told = told.map_or_else(|failure| failure.to_string(), |_| "it passed".to_owned());
        writeln!(wrong, "{}: expected {said:?}: {told}\n", block.place).expect("a text");
    }
}

/// The list of problems as the manual shows it.
fn register() -> String {
    let mut text = String::from(REGISTER);
    for (group, codes) in codes::GROUPS {
        writeln!(text, "\n## {group}").expect("a text");
        for code in *codes {
            writeln!(text, "\n### `{}`\n\n{}", code.code, code.meaning).expect("a text");
            if code.wrong.is_empty() {
                continue;
            }
            let shown = told(code);
            writeln!(text, "\n```text\n{}```\n\n{shown}\n\n```text\n{}```", lined(code.wrong), lined(code.right))
                .expect("a text");
        }
    }
    text
}

/// What is said of the wrong example, and how it says to mend it.
fn told(code: &codes::Code) -> String {
    let mut sources = Sources::new();
    let mut parts = code.wrong.split("# file: ");
    sources.add("example.yaml", parts.next().unwrap_or_default());
    for (name, text) in parts.filter_map(|part| part.split_once('\n')) {
        sources.add(name.trim(), text);
    }
    if !code.wrong.contains("library:") && code.wrong.starts_with("process:") {
        sources.add("library.yaml", codes::EXAMPLE_LIBRARY);
    }
    let found = problems(&sources);
    let Some(first) = found.iter().find(|problem| problem.code == code.code) else { return String::new() };
    let word = if first.severity == Severity::Error { "Refused" } else { "Warned" };
    let help = first.help.iter().map(|help| format!("\n\nHelp: {help}")).collect::<String>();
    format!("{word}: {}{help}\n\nMended:", first.message)
}

fn lined(text: &str) -> String {
    if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

const REGISTER: &str = "\
# Problems

Every problem that `check` can show, by its code: what it means, a file that raises it, what is said then, and the same file mended. Examples
that are a process alone go with the small library of the register (`lead` with `name`, `owner`, `budget`, `score` and stages `new`, `working`, `won`, `lost`; the
message `paid`, the service `send_mail`). Lines `# file: name.yaml` part several files. This list is made from the register of the loader; a test compares.
";

#[test]
fn the_list_of_problems_is_that_of_the_register() {
    expect_file!["../src/docs/problems.md"].assert_eq(&register());
}
