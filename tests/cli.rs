//! The command line, as a person meets it: transcripts of a shell under `tests/cli/`, and the tour of the README.
//!
//! Every `$ stageflow …` is run; what it prints is compared with the lines below it. `UPDATE_EXPECT=1` writes them anew. Ids and
//! instants differ from run to run: they are shown as `#1`, `#2` … and `(time)`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_stageflow");

#[test]
fn transcripts_hold() {
    let folder = root().join("tests/cli");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let written = std::fs::read_to_string(file).unwrap();
        let told = Shell::open().transcript(&written);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(file, &told).unwrap();
            continue;
        }
        assert_eq!(told, written, "{} differs; UPDATE_EXPECT=1 writes it anew", file.display());
    }
}

/// A whole corporate sale, walked by hand with the README's own words.
#[test]
fn the_tour_of_the_readme_ends_at_need_satisfied() {
    let told = tour("deploy processes/crm.yaml");
    assert!(told.contains("\"Awaiting sale\" -> \"Need satisfied\""), "{told}");
}

/// The author's manual begins with a process to copy, and a walk through it.
#[test]
fn the_first_process_of_the_manual_is_walked_as_it_says() {
    let manual = std::fs::read_to_string(root().join("src/docs/manual.md")).unwrap();
    let mut shell = Shell::open();
    for block in manual.split("```yaml\n").skip(1).filter_map(|part| part.split("```").next()).take(3) {
        let name = block.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        std::fs::write(shell.folder.path().join(name), block).unwrap();
    }
    let told: Vec<String> = commands(&manual, "deploy shop.yaml").map(|command| shell.told(&command)).collect();
    assert!(told.last().is_some_and(|history| history.contains("stage: announced -> received")), "{told:#?}");
    assert!(shell.told("check shop.yaml").contains("no problems"));
    assert!(shell.told("test returns_scenario.yaml").contains("1 of 1 scenarios hold"));
}

/// A drawn model, imported and run with the README's own words.
#[test]
fn the_drawn_model_of_the_readme_runs_to_its_end() {
    let told = tour("import processes/drawn/parcel.bpmn");
    assert!(told.contains("weight = 3\n    on to sent\n    completed"), "{told}");
}

/// What the commands of the README's tour with these words print.
fn tour(words: &str) -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut shell = Shell::open();
    commands(&readme, words).map(|command| shell.told(&command)).collect()
}

/// The commands of the part of a text that has these words.
fn commands(text: &str, words: &str) -> impl Iterator<Item = String> {
    let part = text.split("```sh").filter_map(|part| part.split("```").next()).find(|part| part.contains(words));
    let lines = part.unwrap().lines().filter_map(|line| line.trim().strip_prefix("stageflow "));
    lines.map(|line| line.split(" #").next().unwrap().to_string()).collect::<Vec<_>>().into_iter()
}

/// Two programs on one file: the second is told, and nothing is lost.
#[test]
fn a_file_in_use_is_refused() {
    let shell = Shell::open();
    let library = "library: l\nentities: {lead: {fields: {name: text}}}\n";
    std::fs::write(shell.folder.path().join("l.yaml"), library).unwrap();
    let file = shell.folder.path().join("crm.db");
    let store = stageflow::store::SqliteStore::open(&file).unwrap();
    let output = shell.output(&["deploy", "l.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("another process has"), "{output:?}");
    drop(store);
    assert!(shell.output(&["deploy", "l.yaml"]).status.success());
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the shipped processes, and what has been shown of it.
struct Shell {
    folder: tempfile::TempDir,
    ids: BTreeMap<String, usize>,
}

impl Shell {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&root().join("processes"), &folder.path().join("processes"));
        copy(&root().join("tests/cli/shop"), &folder.path().join("shop"));
        Self { folder, ids: BTreeMap::new() }
    }

    /// The transcript with what its commands print now.
    fn transcript(&mut self, written: &str) -> String {
        let (mut told, mut skipping) = (String::new(), false);
        for line in written.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                let output = match command.strip_prefix("stageflow ") {
                    Some(command) if !command.contains('|') => self.run(command),
                    _ => self.shell(&command.replace("stageflow ", &format!("{BINARY} "))),
                };
                let gap = if told.ends_with("```console\n") { "" } else { "\n" };
                let _ = write!(told, "{gap}{line}\n{}", self.shown(&output));
                skipping = true;
            } else if line.starts_with("```") {
                skipping = false;
                let _ = writeln!(told, "{line}");
            } else if !skipping {
                let _ = writeln!(told, "{line}");
            }
        }
        told
    }

    /// What a command that succeeds says.
    fn told(&mut self, command: &str) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn run(&mut self, command: &str) -> Output {
        let words = words(command);
        self.output(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn output(&self, words: &[&str]) -> Output {
        let mut command = Command::new(BINARY);
        command.args(words).current_dir(self.folder.path()).env("STAGEFLOW_DB", "crm.db");
        command.output().unwrap()
    }

    /// What a transcript prepares: a file with a text.
    fn shell(&self, command: &str) -> Output {
        Command::new("sh").args(["-c", command]).current_dir(self.folder.path()).output().unwrap()
    }

    fn shown(&mut self, output: &Output) -> String {
        let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
        let mut shown = self.steady(text.trim_end());
        if let Some(code) = output.status.code().filter(|code| *code != 0) {
            let _ = write!(shown, "\n(exit code {code})");
        }
        let lines: Vec<String> =
            shown.lines().map(|line| line.trim_end().to_string()).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
    }

    /// Ids and instants replaced by what is the same in every run; columns keep their width.
    fn steady(&mut self, text: &str) -> String {
        let mut shown = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let boundary = !shown.chars().last().is_some_and(|before| before.is_ascii_alphanumeric());
            let (token, replaced) = match boundary {
                true if let Some(found) = time(rest) => (found, "(time)".to_string()),
                true if let Some(found) = id(rest) => (found, self.number(found)),
                _ => (&rest[..first.len_utf8()], first.to_string()),
            };
            let _ = write!(shown, "{replaced}");
            rest = &rest[token.len()..];
            if token.len() > 1 && rest.starts_with("  ") {
                shown.extend(std::iter::repeat_n(' ', token.len().saturating_sub(replaced.len())));
            }
        }
        shown
    }

    fn number(&mut self, id: &str) -> String {
        let short = id.get(id.len().saturating_sub(8)..).unwrap_or(id).to_string();
        let next = self.ids.len() + 1;
        format!("#{}", self.ids.entry(short).or_insert(next))
    }
}

/// An id at the beginning: a whole one, or its last eight digits.
fn id(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_hexdigit() && c != '-').unwrap_or(text.len());
    let word = text.get(..end)?;
    let after = text[end..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
    let whole = word.len() == 36 && word.matches('-').count() == 4;
    let short = word.len() == 8 && !word.contains('-') && word.contains(|c: char| c.is_ascii_digit());
    (after && (whole || short)).then_some(word)
}

/// An instant or a day at the beginning, as text or JSON shows it.
fn time(text: &str) -> Option<&str> {
    let digits = |pattern: &str| {
        let fits = |(c, p): (char, char)| if p == '0' { c.is_ascii_digit() } else { c == p };
        text.len() >= pattern.len() && text.chars().zip(pattern.chars()).all(fits)
    };
    if digits("0000-00-00T00:00") {
        let end = text.find(|c: char| !c.is_ascii_digit() && !"-T:.+Z".contains(c)).unwrap_or(text.len());
        return text.get(..end);
    }
    if digits("0000-00-00 00:00") {
        return text.get(..if digits("0000-00-00 00:00:00") { 19 } else { 16 });
    }
    digits("0000-00-00").then(|| &text[..10])
}

/// The words of a command; quotes hold them together.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for letter in command.chars() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, ' ') if begun || !word.is_empty() => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            _ => word.push(letter),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
