//! Who writes generated processes in block form: a list is some pieces after each other; a piece is work of one kind (`works`), or something
//! that holds lists (`blocks`). Ids are never used twice, so a command finds its place by its id.

use crate::dice::Dice;
use crate::story::{Path, Piece, Story, lines, nest};
use crate::{blocks, flats, works};

/// What may stand where a list is written.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// How deep it lies.
    pub depth: usize,
    /// Whether the clock may be moved here: never in two places at the same time.
    pub clock: bool,
    /// Whether it is gone through once; what uses up its records cannot be done again.
    pub once: bool,
    /// Whether several runs of it are under way at the same time: then no command may mean one of them only.
    pub alone: bool,
    /// Whether what completes here may be left to be undone: nothing around undoes it too.
    pub undo: bool,
}

/// What is written so far.
pub struct Author<'d> {
    pub dice: &'d mut Dice,
    ids: usize,
    /// How many pieces there may still be.
    left: usize,
    /// The variables of the process that is written.
    pub vars: Vec<String>,
    pub messages: Vec<String>,
    pub signals: Vec<String>,
    pub errors: Vec<String>,
    pub services: Vec<String>,
    pub given: Vec<String>,
    pub processes: Vec<(String, String)>,
}

/// Writes a process and what it calls.
pub fn story(dice: &mut Dice) -> Story {
    let left = dice.between(2, 9);
    let mut author = Author {
        dice,
        ids: 0,
        left,
        vars: Vec::new(),
        messages: Vec::new(),
        signals: Vec::new(),
        errors: Vec::new(),
        services: Vec::new(),
        given: vec!["given user anna name=anna".into(), "given user ben name=ben".into()],
        processes: Vec::new(),
    };
    let place = Place { depth: 0, clock: true, once: true, alone: true, undo: true };
    let flat = author.dice.percent(20);
    let (mut piece, mut incident) = (if flat { flats::call(&mut author, place) } else { author.list(place) }, None);
    if author.dice.percent(10) {
        let last = blocks::last(&mut author);
        (piece, incident) = (joined(piece, last.0), last.1);
    }
    let process = author.process("p", &piece.lines);
    let mut files = vec![("library.yaml".to_string(), author.library()), ("p.yaml".to_string(), process)];
    files.append(&mut author.processes);
    files.push(("slip.html".into(), "<p>{name}</p>\n".into()));
    Story { files, given: author.given, path: piece.path, incident }
}

/// Two pieces, one behind the other.
pub fn joined(mut piece: Piece, mut next: Piece) -> Piece {
    piece.lines.append(&mut next.lines);
    Piece { lines: piece.lines, path: piece.path.then(next.path) }
}

impl Author<'_> {
    /// A new id.
    pub fn id(&mut self, letter: &str) -> String {
        self.ids += 1;
        format!("{letter}{}", self.ids)
    }

    /// A mark: the step that makes it, and its name.
    pub fn mark(&mut self) -> (String, String) {
        let name = self.id("m");
        (format!("- {{create: mark, set: {{name: '\"{name}\"'}}}}"), name)
    }

    pub fn marked(&mut self) -> Piece {
        let (line, name) = self.mark();
        Piece { lines: vec![line], path: Path::marks(&[&name]) }
    }

    /// A number variable of the process.
    pub fn var(&mut self) -> String {
        let name = self.id("v");
        self.vars.push(format!("{name}: {{type: number, initial: 0}}"));
        name
    }

    pub fn message(&mut self) -> String {
        let name = self.id("msg");
        self.messages.push(format!("{name}: {{external: true}}"));
        name
    }

    pub fn signal(&mut self) -> String {
        let name = self.id("sig");
        self.signals.push(format!("{name}: {{external: true}}"));
        name
    }

    pub fn error(&mut self) -> String {
        let name = self.id("err");
        self.errors.push(format!("{name}: {{title: Broken}}"));
        name
    }

    /// A record that is there already, and the step that finds it.
    pub fn record(&mut self) -> (String, String, String) {
        let id = self.id("R");
        self.given.push(format!("given thing {id} name={id}"));
        let var = self.id("r");
        let line = format!("- {{read: thing, where: 'name = \"{id}\"', first: true, as: {var}}}");
        (id, var, line)
    }

    /// Some pieces, one behind the other.
    pub fn list(&mut self, place: Place) -> Piece {
        let count = if place.depth == 0 { self.left } else { self.dice.between(1, 3) };
        let mut whole = Piece::default();
        for _ in 0..count.max(1) {
            let next = self.piece(place);
            whole = joined(whole, next);
            self.left = self.left.saturating_sub(1);
        }
        whole
    }

    fn piece(&mut self, place: Place) -> Piece {
        let deep = place.depth >= 3 || self.left == 0;
        if !deep && self.dice.percent(60) { blocks::block(self, place) } else { works::work(self, place) }
    }

    /// A list that is sure to wait for something.
    pub fn waiting_list(&mut self, place: Place) -> Piece {
        let list = self.list(place);
        if !list.path.steps.is_empty() {
            return list;
        }
        let task = works::task(self);
        joined(list, task)
    }

    /// A process file in block form.
    pub fn process(&mut self, name: &str, steps: &[String]) -> String {
        let vars = std::mem::take(&mut self.vars).join(", ");
        let steps = nest(steps, 2).join("\n");
        format!(
            "process: {name}\nversion: 1\ntitle: {name}\nvars: {{{vars}}}\ntasks: {{assign: role(clerk)}}\nsteps:\n{steps}\n"
        )
    }

    fn library(&self) -> String {
        let list = |items: &[String]| items.join(", ");
        let mut text = lines(LIBRARY);
        text.push(format!("messages: {{{}}}", list(&self.messages)));
        text.push(format!("signals: {{{}}}", list(&self.signals)));
        text.push(format!("errors: {{{}}}", list(&self.errors)));
        let services = ["double: {with: {n: number}, returns: {n: number}}".to_string()];
        text.push(format!("services: {{{}}}", list(&[services.as_slice(), &self.services].concat())));
        text.join("\n") + "\n"
    }
}

const LIBRARY: &str = "library: t
title: Test
languages: [en]
roles: {clerk: {}, administrator: {all: true}}
entities:
  user: {fields: {name: text, roles: list(text)}}
  mark: {fields: {name: text}}
  thing:
    fields: {name: text, n: {type: number, initial: 0}}
    stages:
      field: stage
      initial: begun
      values: {begun: {title: Begun}, going: {title: Going}, gone: {title: Gone, final: success}}
  document: {fields: {name: text, body: text, thing: ref(thing)}}
documents: {slip: {template: slip.html, for: thing}}";
