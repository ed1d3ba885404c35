//! Golden saves: each file under `tests/saves` holds a library, wishes and everything that follows from them, readable by
//! someone who does not know the code. `UPDATE_EXPECT=1 cargo test --test saves` rewrites what follows; review it as a diff.
//!
//! A line `> …` is a wish; below it stands the whole plan, or why it is refused. Every block of wishes begins with the
//! library's empty world, and with the block `given`, of which only refusals are shown.

#[path = "saves_support/properties.rs"]
mod properties;
#[path = "saves_support/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use stageflow::entity::{Library, Principal, RecordEnv, Wish};
use stageflow::load::{self, Sources};
use stageflow::model::{Duration, Name, Ref, Type, Value};

use world::{Shower, World};

#[test]
fn every_save_does_what_its_page_says() {
    let mut pages: Vec<PathBuf> =
        fs::read_dir("tests/saves").expect("the pages").flatten().map(|entry| entry.path()).collect();
    pages.retain(|path| path.extension().is_some_and(|ext| ext == "md"));
    pages.sort();
    assert!(!pages.is_empty(), "there are no pages");
    for path in pages {
        let text = fs::read_to_string(&path).expect("a page is readable");
        expect_test::expect_file![fs::canonicalize(&path).expect("a page")].assert_eq(&told(&path, &text));
    }
}

/// The page as it must be.
fn told(path: &Path, text: &str) -> String {
    let mut page = Page { path, library: String::new(), given: Vec::new(), out: String::new() };
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        page.line(line);
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match kind {
            "yaml" => page.library = block.join("\n"),
            "given" => page.given = block.iter().map(|line| line.to_string()).collect(),
            "save" => page.wishes(&block),
            other => panic!("{}: a block is yaml, given or save, not {other}", path.display()),
        }
        if kind != "save" {
            block.iter().for_each(|line| page.line(line));
        }
        page.line("```");
    }
    page.out
}

struct Page<'p> {
    path: &'p Path,
    library: String,
    given: Vec<String>,
    out: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn wishes(&mut self, block: &[&str]) {
        let mut teller = Teller { world: World::new(library(self.path, &self.library)), shower: Shower::default() };
        for line in self.given.iter().filter(|line| !line.is_empty()) {
            let told = teller.tell(line);
            assert!(!told.starts_with("refused"), "{}: {line}\n{told}", self.path.display());
        }
        let wishes = block.iter().filter(|line| line.starts_with('>') || line.starts_with('#') || line.is_empty());
        let mut last = "";
        for line in wishes {
            // One empty line may stand between two wishes.
            if line.is_empty() && last.is_empty() {
                continue;
            }
            self.line(line);
            if let Some(wish) = line.strip_prefix("> ") {
                self.out.push_str(&teller.tell(wish));
            }
            last = line;
        }
    }
}

fn library(path: &Path, text: &str) -> Library {
    let mut sources = Sources::new();
    sources.add(path.with_extension("yaml").display().to_string(), text);
    // A library without processes warns of nothing that matters here.
    load::library(&sources).unwrap_or_else(|error| panic!("{error}")).library
}

struct Teller {
    world: World,
    shower: Shower,
}

impl Teller {
    fn tell(&mut self, wish: &str) -> String {
        let (words, rest) = wish.split_once(": ").unwrap_or((wish, ""));
        let words: Vec<&str> = words.split(' ').collect();
        match words[..] {
            ["create", entity, id] => {
                let set = self.values(entity, rest);
                self.save(Wish::Create { entity: Name::new(entity), id: Some(Name::new(id)), set })
            }
            ["update", entity, id] => {
                let set = self.values(entity, rest);
                self.save(Wish::Update { target: Ref::new(entity, id), set })
            }
            ["delete", entity, id] => self.save(Wish::Delete { target: Ref::new(entity, id) }),
            ["guards", "update", entity, id] => {
                let set = self.values(entity, rest);
                match self.world.save(Wish::Update { target: Ref::new(entity, id), set }) {
                    Ok(plan) => self.shower.guards(&plan),
                    Err(refusal) => Shower::refusal(&refusal),
                }
            }
            ["show", entity, id] => self.show(&Ref::new(entity, id)),
            ["read", entity, id] => self.read(&Ref::new(entity, id), rest),
            ["as", user] => {
                self.world.principal = Principal::User { user: Ref::new("user", user), roles: Vec::new(), all: false };
                String::new()
            }
            ["setting", name] => {
                let ty = self.world.library.settings[name].ty.clone();
                self.world.settings.insert(Name::new(name), value(&ty, rest));
                String::new()
            }
            ["wait"] => {
                self.world.wait(Duration::parse(rest).expect("a duration").micros);
                String::new()
            }
            _ => panic!("expected create, update, delete, show, read, as, setting or wait, found {wish}"),
        }
    }

    fn save(&mut self, wish: Wish) -> String {
        match self.world.save(wish) {
            Ok(plan) => self.shower.plan(&plan),
            Err(refusal) => Shower::refusal(&refusal),
        }
    }

    /// `column = value; column = value`, as the columns' types say.
    fn values(&self, entity: &str, text: &str) -> Vec<(Name, Value)> {
        let pairs = text.split("; ").filter_map(|pair| pair.split_once('='));
        let typed = pairs.map(|(column, text)| {
            let (column, text) = (column.trim(), text.trim());
            let field = self.world.library.entity(entity).and_then(|entity| entity.field(column));
            let ty = field.map_or(Type::Any, |field| field.ty.clone());
            (Name::new(column), value(&ty, text))
        });
        typed.collect()
    }

    fn show(&mut self, target: &Ref) -> String {
        let Some(record) = self.world.records.get(target).cloned() else { return "there is no such record\n".into() };
        let shown = record.values.iter().map(|(column, value)| format!("  {column}: {}\n", self.shower.value(value)));
        shown.collect()
    }

    fn read(&mut self, target: &Ref, columns: &str) -> String {
        let mut out = String::new();
        for column in columns.split(", ") {
            let read =
                RecordEnv::new(&self.world.library, &self.world, self.world.now).column(target, &Name::new(column));
            let read = read.map_or_else(|error| format!("error, {error}"), |value| self.shower.value(&value));
            out.push_str(&format!("  {column}: {read}\n"));
        }
        out
    }
}

/// A value as its type says; what does not fit is given as it looks, so that the save refuses it.
fn value(ty: &Type, text: &str) -> Value {
    if text == "null" {
        return Value::NULL;
    }
    Value::from_text(ty, text).or_else(|_| Value::from_text(&Type::Any, text)).expect("any value")
}
