//! A generated process with a legal way through it: what comes from outside, one command after the other, and the marks that the process
//! makes after each. A mark is a record; so it can be made anywhere, and every run makes the same ones.

use crate::dice::Dice;

/// A command, as a line of a script, and the marks that it leads to, in any order.
#[derive(Clone, Debug)]
pub struct Step {
    pub line: String,
    pub marks: Vec<String>,
}

/// A way through a piece of process.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// The marks that are made before anything is waited for.
    pub first: Vec<String>,
    pub steps: Vec<Step>,
}

/// A piece of process: the lines of its steps, and a way through them.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    pub lines: Vec<String>,
    pub path: Path,
}

/// A whole case.
#[derive(Clone, Debug)]
pub struct Story {
    /// The files, the library first.
    pub files: Vec<(String, String)>,
    /// What is there already, as lines of a script.
    pub given: Vec<String>,
    pub path: Path,
    /// The code of the incident with which it ends, or none when every run completes.
    pub incident: Option<String>,
}

impl Path {
    pub fn marks(marks: &[&str]) -> Self {
        Self { first: marks.iter().map(|mark| (*mark).to_string()).collect(), steps: Vec::new() }
    }

    /// One more command.
    pub fn on(mut self, line: impl Into<String>, marks: &[&str]) -> Self {
        let marks = marks.iter().map(|mark| (*mark).to_string()).collect();
        self.steps.push(Step { line: line.into(), marks });
        self
    }

    /// One more command, which leads to this mark or to none.
    pub fn on_if(self, line: impl Into<String>, marks: bool, mark: &str) -> Self {
        self.on(line, if marks { std::slice::from_ref(&mark) } else { &[] })
    }

    /// What follows at once when this way is through.
    pub fn then(mut self, next: Path) -> Self {
        match self.steps.last_mut() {
            Some(last) => last.marks.extend(next.first),
            None => self.first.extend(next.first),
        }
        self.steps.extend(next.steps);
        self
    }

    /// This way left before its end, at a point where it waits; none when it never does.
    pub fn cut(mut self, dice: &mut Dice) -> Option<Self> {
        if self.steps.is_empty() {
            return None;
        }
        let at = dice.below(self.steps.len());
        self.steps.truncate(at);
        Some(self)
    }

    /// Several ways at the same time, in any order.
    pub fn beside(dice: &mut Dice, mut paths: Vec<Path>) -> Self {
        let mut all = Path::default();
        for path in &mut paths {
            all.first.append(&mut path.first);
            path.steps.reverse();
        }
        loop {
            paths.retain(|path| !path.steps.is_empty());
            if paths.is_empty() {
                return all;
            }
            let at = dice.below(paths.len());
            all.steps.extend(paths[at].steps.pop());
        }
    }

    /// This way so many times, one after the other.
    pub fn times(self, count: usize) -> Self {
        (0..count).fold(Path::default(), |path, _| path.then(self.clone()))
    }
}

/// Lines so many places further in.
pub fn nest(lines: &[String], by: usize) -> Vec<String> {
    lines.iter().map(|line| format!("{:by$}{line}", "")).collect()
}

/// Lines of a text, for pieces that are mostly fixed.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_string).collect()
}
