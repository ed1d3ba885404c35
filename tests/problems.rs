//! Everything that is refused when it is loaded, and how it is shown.
//!
//! `tests/problems/*.yaml` are files with problems; beside each stands what is shown of them (`.expect`, rewritten with
//! `UPDATE_EXPECT=1`). A file may hold several texts, parted by lines `# file: name.yaml`. Besides, every example of
//! the register of codes is loaded: the wrong one must raise its code, the right one nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use expect_test::expect_file;
use proptest::prelude::*;
use stageflow::load::{Problem, Problems, Sources, codes, problems, read, render_json, render_text};

/// The texts of a case: parted by `# file:` lines, else one; a process or decision alone gets the library of the examples.
fn sources(name: &str, text: &str) -> Sources {
    let mut sources = Sources::new();
    let mut parts = text.split("# file: ");
    let first = parts.next().unwrap_or_default();
    if !first.trim().is_empty() || !text.contains("# file: ") {
        sources.add(name, first);
    }
    for part in parts {
        let (name, text) = part.split_once('\n').expect("a name after `# file:`");
        sources.add(name.trim(), text);
    }
    if !text.contains("library:") && ["process:", "decision:"].iter().any(|kind| text.starts_with(kind)) {
        sources.add("example.yaml", codes::EXAMPLE_LIBRARY);
    }
    sources
}

fn found(name: &str, text: &str) -> (Sources, Vec<Problem>) {
    let sources = sources(name, text);
    let problems = problems(&sources);
    (sources, problems)
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/problems");
    let entries = fs::read_dir(folder).expect("the folder of cases");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.extension().is_some_and(|end| end == "yaml"));
    cases.sort();
    cases
}

#[test]
fn every_case_is_shown_as_expected() {
    for path in cases() {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let (sources, problems) = found(&name, &fs::read_to_string(&path).expect("a case"));
        expect_file![path.with_extension("expect")].assert_eq(&render_text(&problems, &sources));
    }
}

#[test]
fn every_code_has_an_example_that_raises_it_and_one_that_is_clean() {
    let mut wrong = Vec::new();
    for code in codes::all().filter(|code| !code.wrong.is_empty()) {
        let (sources, problems) = found("wrong.yaml", code.wrong);
        if problems.is_empty() || problems.iter().any(|problem| problem.code != code.code) {
            wrong.push(format!("the wrong example of {}:\n{}", code.code, render_text(&problems, &sources)));
        }
        let (sources, problems) = found("right.yaml", code.right);
        if !problems.is_empty() {
            wrong.push(format!("the right example of {}:\n{}", code.code, render_text(&problems, &sources)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (group, codes) in codes::GROUPS {
        let shown: String = codes.iter().filter(|code| !code.wrong.is_empty()).map(shown).collect();
        let name = group.to_lowercase().replace(' ', "_");
        expect_file![format!("problems/examples/{name}.expect")].assert_eq(&shown);
    }
}

fn shown(code: &codes::Code) -> String {
    let (sources, problems) = found("wrong.yaml", code.wrong);
    format!("{}\n\n{}", code.meaning, render_text(&problems, &sources))
}

/// The codes that the sources of the loader raise, by the calls that make a problem.
fn raised(folder: &Path, codes: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            raised(&path, codes);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for call in ["Problem::error(", "Problem::warning(", "problems.error(", "Fault::new(", "report("] {
            for rest in text.split(call).skip(1) {
                let code = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
                codes.extend(code.map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_code_that_is_raised_is_registered_once() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut used = Vec::new();
    raised(&source.join("load"), &mut used);
    raised(&source.join("files"), &mut used);
    used.sort();
    used.dedup();
    assert!(used.len() > 30, "the search for codes finds only {used:?}");
    let missing: Vec<_> = used.iter().filter(|code| codes::find(code).is_none()).collect();
    assert!(missing.is_empty(), "raised but not registered in load/codes: {missing:?}");
    let mut all: Vec<_> = codes::all().map(|code| code.code).collect();
    all.sort_unstable();
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a code is registered twice: {all:?}");
}

#[test]
fn json_gives_code_place_and_help() {
    let (sources, problems) = found("crm.yaml", "library: crm\nrols: {}\n");
    expect_file!["problems/json.expect"].assert_eq(&format!("{:#}\n", render_json(&problems, &sources)));
}

/// What a hostile text may cost. It is asserted of an optimised build; another one says nothing about it.
const LIMIT: Duration = Duration::from_millis(100);

/// A hostile text is refused, and costs at most 100 ms and 64 MB, also when everything about it is shown. Memory is that of a
/// process, so the test runs itself in one of its own. `--nocapture` shows what each costs.
#[test]
fn hostile_texts_are_refused_quickly() {
    const ALONE: &str = "STAGEFLOW_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let program = std::env::current_exe().expect("this program");
        let alone = ["--exact", "hostile_texts_are_refused_quickly", "--nocapture"];
        let status = Command::new(program).args(alone).env(ALONE, "1").status().expect("a process");
        assert!(status.success());
        return;
    }
    let all = hostile_yaml().into_iter().chain(hostile_libraries()).chain(hostile_expressions());
    for (what, text) in all.chain(hostile_processes()).chain(hostile_decisions()) {
        // The machine may be busy with something else: the best of a few runs counts.
        let runs = if cfg!(debug_assertions) { 1 } else { 5 };
        let best = (0..runs).map(|_| hostile(what, &text)).min().unwrap_or_default();
        println!("{:>7.1} ms  {what}", best.as_secs_f64() * 1e3);
        assert!(cfg!(debug_assertions) || best < LIMIT, "{what} takes more than {LIMIT:?}");
    }
    if let Some(peak) = peak_memory() {
        assert!(peak < 64 * 1024, "the peak of memory was {peak} KiB");
    }
}

type Case = (&'static str, String);

/// As much of a piece as a file may hold.
fn full(part: &str) -> String {
    part.repeat(256 * 1024 / part.len())
}

fn hostile_yaml() -> Vec<Case> {
    let bomb: String = (0..200).map(|at| format!("a{at}: &a{at} [*a{at}, *a{at}, *a{at}]\n")).collect();
    vec![
        ("nested lists", "[".repeat(100_000)),
        ("nested mappings", "{a: ".repeat(60_000)),
        ("nested blocks", full("- ")),
        ("a file of 5 MB", "a: b\n".repeat(1_000_000)),
        ("a million keys", lines(1_000_000, "k", ": 1")),
        ("as many keys as fit", lines(26_000, "k", ": 1")),
        ("tags", full("- !!binary aGVsbG8=\n")),
        ("a tag that makes an object", "library: !ruby/object:Gem::Installer {i: x}\n".to_owned()),
        ("tags of one's own", full("- !<tag:yaml.org,2002:python/object> {}\n")),
        ("anchors", lines(10_000, "- &a", " x")),
        ("block scalars", full("- |\n  a\n")),
        ("documents", full("---\n")),
        ("a huge scalar", format!("library: {}", "a".repeat(260_000))),
        ("a huge quoted scalar", format!("library: \"{}", "\\\"".repeat(130_000))),
        ("aliases that multiply", bomb),
        ("only aliases", full("- *a\n")),
        ("zero bytes", full("\0")),
        ("one key over and over", full("a: b\n")),
        ("split texts", full("- {a: f(b, c)}\n")),
        ("lost texts", full("- a #b\n")),
        ("colons", full("a: ")),
        ("values that need quotes", full("a: @b\n")),
        ("comments", full("#\n")),
        ("open quotes", full("\"")),
        ("long lines", format!("library: {}\n", "a, {".repeat(50_000))),
    ]
}

fn hostile_libraries() -> Vec<Case> {
    let entity = |fields: String| format!("library: crm\nentities:\n  e:\n    fields:\n{fields}");
    vec![
        ("unknown keys", format!("library: crm\n{}", lines(9_000, "key", ": 1"))),
        ("unknown references", library(3_000, |at| format!("  e{at}: {{fields: {{a: ref(f{at})}}}}\n"))),
        ("unknown columns", library(3_000, |at| format!("  e{at}: {{children: {{a: e{at}.b}}}}\n"))),
        ("many columns", entity(lines(9_000, "      f", ": txt"))),
        ("many sound columns", entity(lines(9_000, "      f", ": text"))),
        (
            "many sound entities",
            library(2_500, |at| format!("  e{at}: {{fields: {{a: ref(e{at})}}}}\n")) + "titel: {}\n",
        ),
        ("unknown names in expressions", many_expressions("nothing_of_this_name")),
        ("deep expressions", many_expressions(&"(".repeat(60))),
        (
            "long expressions",
            format!("library: crm\nsettings: {{x: {{type: int, initial: {}1}}}}\n", "1 + ".repeat(60_000)),
        ),
        ("many stages", many_stages()),
        ("many rows", many_rows()),
        ("many roles", format!("library: crm\nroles:\n{}", lines(4_000, "  r", ": {inherits: [r]}"))),
        (
            "many titles",
            format!("library: crm\nlanguages: [en, ru]\nroles:\n{}", lines(3_000, "  r", ": {title: {ex: a}}")),
        ),
    ]
}

/// One expression as long as a file may be, or as deep.
fn hostile_expressions() -> Vec<Case> {
    let setting = |text: String| format!("library: crm\nsettings: {{x: {{type: int, initial: '= {text}'}}}}\n");
    let around = |open: &str, count: usize, inner: &str, close: &str| {
        setting(format!("{}{inner}{}", open.repeat(count), close.repeat(count)))
    };
    vec![
        ("parentheses", around("(", 120_000, "1", ")")),
        ("parentheses left open", setting("(".repeat(250_000))),
        ("lists in lists", around("[", 120_000, "1", "]")),
        ("maps in maps", around("{a: ", 50_000, "1", "}")),
        ("not not not", around("not(", 50_000, "true", ")")),
        ("minus minus minus", setting(format!("{}1", "- ".repeat(120_000)))),
        ("if then if then", setting(format!("{}1{}", "if true then ".repeat(12_000), " else 1".repeat(12_000)))),
        ("for in for", setting(format!("{}1", "for x in [1, 2] return ".repeat(10_000)))),
        ("filters", setting(format!("[1]{}", "[item = 1]".repeat(25_000)))),
        ("paths", setting(format!("a{}", ".b".repeat(120_000)))),
        ("powers", setting(format!("9{}", " ** 9".repeat(50_000)))),
        ("a long number", setting("9".repeat(250_000))),
        ("a long name", setting("a".repeat(250_000))),
        ("conditions", setting(format!("true{}", " and true".repeat(28_000)))),
        ("arguments", setting(format!("sum(1{})", ", 1".repeat(80_000)))),
    ]
}

/// A table of decisions as large as a file may be.
fn decision(hit: &str, rule: impl Fn(usize) -> String) -> String {
    let head = "library: a\n# file: d.yaml\ndecision: d\ninputs: {a: number, b: number, c: text}\noutputs: {d: int}\n";
    let rules = (0..1_200).map(|at| format!("  - {{when: {{{}}}, then: {{d: {at}}}}}\n", rule(at)));
    format!("# file: l.yaml\n{head}hit: {hit}\nrules:\n{}", rules.collect::<String>())
}

fn hostile_decisions() -> Vec<Case> {
    let squares = |at: usize| format!("a: '[{at}..{}]', b: '[{}..{at}]'", at * 7 % 1_200, at * 13 % 1_200);
    vec![
        ("a decision of intervals", decision("unique", |at| format!("a: '[{at}..{}]'", at + 1))),
        ("a decision of squares", decision("first", squares)),
        ("a decision of texts", decision("any", |at| format!("c: '\"t{at}\"'"))),
    ]
}

fn hostile_processes() -> Vec<Case> {
    let process =
        |steps: String| format!("process: p\nversion: 1\nentity: lead\nstart: [{{manual: {{}}}}]\nsteps:\n{steps}");
    let deep: String = (0..20).map(|at| format!("{}- group:\n", " ".repeat(2 + 4 * at))).collect();
    let branches = lines(2_000, "        b", ": [{wait: 1 h}]");
    let started = |rule: String| format!("process: p\nstart:\n  - schedule: {rule}\nsteps:\n  - wait: 1 h\n");
    vec![
        ("many steps", process(lines(6_000, "  - wait: ", " hours"))),
        ("many steps that go back", process(lines(3_000, "  - {wait: 1 h, if: score > 0, next: s", "}"))),
        ("steps in steps", process(deep)),
        ("many branches", process(format!("  - parallel:\n{branches}  - wiat: 1 h\n"))),
        ("many unknown verbs", process(lines(5_000, "  - verb", ": 1"))),
        ("many variables", format!("process: p\nvars:\n{}", lines(9_000, "  v", ": txt"))),
        ("braces of a title", process(format!("  - user_task: \"{}\"\n", "{ ".repeat(120_000)))),
        ("a long schedule", started(format!("\"{},60 * * * *\"", vec!["*/1"; 60_000].join(",")))),
        ("a schedule that never comes", started("0 0 31 2 *".to_owned()) + "  - {wait: 1 h, next: done}\n"),
        ("a long repetition", started(format!("R{}/P1D", "9".repeat(200_000)))),
        ("outcomes", process(format!("  - user_task: a\n    outcomes:\n{}", lines(9_000, "      o", ": {next: x}")))),
    ]
}

fn library(entities: usize, entity: impl Fn(usize) -> String) -> String {
    format!("library: crm\nentities:\n{}", (0..entities).map(entity).collect::<String>())
}

fn lines(count: usize, before: &str, after: &str) -> String {
    (0..count).map(|at| format!("{before}{at}{after}\n")).collect()
}

fn many_expressions(expression: &str) -> String {
    let field = |at: usize| format!("      f{at}: {{type: int, computed: \"{expression}\"}}\n");
    let fields: String = (0..300).map(field).collect();
    library(8, |at| format!("  e{at}:\n    fields:\n{fields}"))
}

fn many_stages() -> String {
    let targets: Vec<_> = (0..9_000).map(|at| format!("s{}", at % 5_000)).collect();
    let values = lines(5_000, "        s", ":");
    let table = format!("      moves: {{s0: [{}], s1: [nothing]}}\n", targets.join(", "));
    format!("library: crm\nentities:\n  e:\n    stages:\n      field: stage\n      values:\n{values}{table}")
}

fn many_rows() -> String {
    let rows = lines(3_000, "    a", ": A");
    let others: String = (0..3_000).map(|at| format!("      b{at}: {{to: a{}}}\n", 2_999 - at)).collect();
    format!("library: crm\nlookups:\n  a:\n{rows}  b:\n    columns: {{to: ref(a), no: ref(c)}}\n    rows:\n{others}")
}

fn hostile(what: &str, text: &str) -> Duration {
    let begin = Instant::now();
    let (sources, problems) = found("hostile.yaml", text);
    let shown = render_text(&problems, &sources);
    let took = begin.elapsed();
    assert!(!problems.is_empty(), "{what} is not refused");
    assert!(shown.len() < 400_000, "{what} is shown in {} bytes", shown.len());
    took
}

/// The largest resident size of this process so far, in KiB, where the system tells.
fn peak_memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// Pieces that a text with problems is made of.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "library: crm\n",
        "entities:\n",
        "  lead:\n",
        "    fields: {",
        "}",
        "[",
        "]",
        ", ",
        ": ",
        "\n",
        "  ",
        "- ",
        "#",
        " #",
        "\"",
        "'",
        "a",
        "b: c",
        "ref(lead)",
        "= a + b",
        "!",
        "&a",
        "*a",
        "|\n",
        ">",
        "%",
        "@",
        "`",
        "\t",
        "é",
        "\u{0}",
        "\u{feff}",
        "---\n",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => any::<String>()]
}

/// Sound files, to be spoiled: a library, and processes with the library they belong to.
const SOUND: [&str; 3] = [
    include_str!("problems/everything_of_a_library.yaml"),
    include_str!("../processes/corporate_sale.yaml"),
    include_str!("../processes/order_plan.yaml"),
];

/// What is found in a spoiled file, with the sound ones beside it.
fn found_spoiled(which: usize, text: &str) -> (Sources, Vec<Problem>) {
    let mut sources = sources("spoiled.yaml", text);
    if which > 0 {
        sources.add("crm.yaml", include_str!("../processes/crm.yaml"));
    }
    let problems = problems(&sources);
    (sources, problems)
}

/// The text with the characters from `at` on, `cut` of them, replaced.
fn spoiled(text: &str, at: usize, cut: usize, with: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = at % letters.len();
    let before: String = letters.iter().take(at).collect();
    let after: String = letters.iter().skip(at + cut).collect();
    format!("{before}{with}{after}")
}

/// The text with one word in the place of another: mostly still YAML, but with another meaning.
fn mistaken(text: &str, which: usize, by: usize) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<(usize, &str)> = text.match_indices(is_word).collect();
    let starts: Vec<usize> = words.iter().map(|(at, _)| *at).filter(|at| !text[..*at].ends_with(is_word)).collect();
    let word = |at: usize| text[at..].split(|c| !is_word(c)).next().unwrap_or_default();
    let (from, to) = (starts[which % starts.len()], starts[by % starts.len()]);
    format!("{}{}{}", &text[..from], word(to), &text[from + word(from).len()..])
}

fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    // More cases can be asked for by `PROPTEST_CASES`.
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

proptest! {
    #![proptest_config(config(32))]

    #[test]
    fn no_mistaken_word_makes_the_loader_panic(
        which in 0..SOUND.len(), words in proptest::collection::vec((any::<usize>(), any::<usize>()), 1..6),
    ) {
        let text = words.iter().fold(SOUND[which].to_owned(), |text, (at, by)| mistaken(&text, *at, *by));
        let (sources, problems) = found_spoiled(which, &text);
        render_text(&problems, &sources);
    }

    #[test]
    fn no_edit_of_a_sound_file_makes_the_loader_panic(
        which in 0..SOUND.len(), edits in proptest::collection::vec((any::<usize>(), 0..30_usize, piece()), 1..4),
    ) {
        let text = edits.iter().fold(SOUND[which].to_owned(), |text, (at, cut, with)| spoiled(&text, *at, *cut, with));
        let (sources, problems) = found_spoiled(which, &text);
        for problem in &problems {
            let source = sources.get(problem.span.file).expect("a place in a text");
            let range = problem.span.start as usize..problem.span.end as usize;
            prop_assert!(source.text.get(range).is_some(), "{problem:?} cuts a character");
        }
        render_text(&problems, &sources);
        render_json(&problems, &sources);
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn no_text_makes_the_reader_panic(pieces in proptest::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        let (sources, problems) = found("any.yaml", &text);
        for problem in &problems {
            let source = sources.get(problem.span.file).expect("a place in a text");
            prop_assert!(problem.span.end as usize <= source.text.len(), "{problem:?} in {text:?}");
        }
        render_text(&problems, &sources);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        read(0, &text, &Problems::new());
    }

    /// What was written stands where the tree says it does.
    #[test]
    fn plain_words_keep_their_text_and_place(words in proptest::collection::vec("[a-z][a-z0-9_]{0,9}", 1..20)) {
        let text: String = words.iter().enumerate().map(|(at, word)| format!("k{at}:\n  - {word}\n")).collect();
        let tree = read(0, &text, &Problems::new()).expect("a sound text");
        for (at, word) in words.iter().enumerate() {
            let node = &tree.root.get(&format!("k{at}")).expect("a key").items()[0];
            prop_assert_eq!(node.word(), Some(word.as_str()));
            prop_assert_eq!(&text[node.span.start as usize..node.span.end as usize], word.as_str());
        }
    }
}
