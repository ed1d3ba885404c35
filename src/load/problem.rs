//! What is wrong with the texts, where, and what to write instead.

mod render;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::Arc;

use crate::model::{Name, Span};

use super::source::Sources;
use crate::model::suggest::did_you_mean;

/// Errors stop loading; warnings do not, unless the caller denies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The definition is refused.
    Error,
    /// The definition loads, but its author should look.
    Warning,
}

/// One thing that is wrong. The message is lower case, without a full stop; the help says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Short kebab-case word of the register [`codes`](super::codes), for example `unknown-key`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What: "expected ..., found ...".
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that have to do with it, each with its own words.
    pub labels: Vec<Label>,
}

/// Another place that has to do with a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there, for example "first written here".
    pub text: String,
}

impl Problem {
    /// A problem that refuses the definition.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        let severity = Severity::Error;
        Self { code, severity, span, message: message.into(), help: None, labels: Vec::new() }
    }

    /// A problem that lets the definition load.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// With what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With help when there is one, for example of [`Problems::did_you_mean`].
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// With another place that has to do with it.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }
}

/// Most problems of one load that are kept; the others are counted.
const MAX_KEPT: usize = 1000;

/// Longest message or help, in characters.
const MAX_WORDS: usize = 400;

/// Collects the problems of a load. Collecting needs no exclusive borrow, so that every reader can hold it.
#[derive(Debug, Default)]
pub struct Problems {
    list: RefCell<Vec<Problem>>,
    errors: Cell<usize>,
    dropped: Cell<usize>,
    texts: RefCell<Vec<SeenText>>,
    compared: Cell<usize>,
}

/// Most candidates that are compared for "did you mean" in one load: a text full of unknown names stays cheap.
const MAX_COMPARED: usize = 20_000;

/// A text in several languages that was read: where, and the place of each language's key.
type SeenText = (Span, Vec<(Name, Span)>);

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one; an overlong message or help, which quotes an overlong source, is cut.
    pub fn push(&self, mut problem: Problem) {
        clip(&mut problem.message);
        problem.help.iter_mut().for_each(clip);
        if problem.severity == Severity::Error {
            self.errors.set(self.errors.get() + 1);
        }
        let mut list = self.list.borrow_mut();
        if list.len() < MAX_KEPT {
            list.push(problem);
        } else {
            self.dropped.set(self.dropped.get() + 1);
        }
    }

    /// Adds an error without help.
    pub fn error(&self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Problem::error(code, span, message));
    }

    /// "Did you mean ...?" over the names that would have been right; nothing once a load had very many of them.
    pub fn did_you_mean(&self, word: &str, known: impl FnOnce() -> Vec<Name>) -> Option<String> {
        if self.compared.get() >= MAX_COMPARED {
            return None;
        }
        let known = known();
        self.compared.set(self.compared.get() + known.len());
        did_you_mean(word, known.iter().take(MAX_COMPARED).map(|name| &**name))
    }

    /// Notes that a text in several languages was read, for [`Problems::check_languages`].
    pub fn saw_text(&self, span: Span, languages: Vec<(Name, Span)>) {
        self.texts.borrow_mut().push((span, languages));
    }

    /// Reports the texts that were read since the last call in a language that is not declared, or not in all that are.
    /// Where none is declared, every language will do.
    pub fn check_languages(&self, declared: &[Name]) {
        let texts = self.texts.take();
        for (span, written) in texts.iter().filter(|_| !declared.is_empty()) {
            if written.is_empty() {
                self.plain_text(*span, declared);
                continue;
            }
            let unknown: Vec<_> = written.iter().filter(|(language, _)| !declared.contains(language)).collect();
            for (language, span) in &unknown {
                let message = format!("the library declares no language `{language}`");
                let help = self.did_you_mean(language, || declared.to_vec());
                let problem = Problem::error("unknown-language", *span, message).help("add it to `languages`");
                self.push(problem.maybe_help(help));
            }
            let missing = declared.iter().filter(|language| !written.iter().any(|(name, _)| name == *language));
            let missing: Vec<_> = missing.map(|language| format!("`{language}`")).collect();
            if !missing.is_empty() && unknown.is_empty() {
                let message = format!("the text is not given in {}", missing.join(", "));
                self.push(Problem::warning("missing-language", *span, message));
            }
        }
    }

    /// A text that is the same in every language: with one language it is in that one.
    fn plain_text(&self, span: Span, declared: &[Name]) {
        if declared.len() > 1 {
            let problem = Problem::warning("missing-language", span, "the text is given in no language");
            let each: Vec<_> = declared.iter().map(|language| format!("{language}: …")).collect();
            self.push(problem.help(format!("write `{{{}}}`", each.join(", "))));
        }
    }

    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.errors.get() > 0
    }

    /// How many errors there are; compare before and after a part to see whether that part is sound.
    pub fn errors(&self) -> usize {
        self.errors.get()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.borrow().is_empty()
    }

    /// All that were kept, sorted by file and place; what was found twice is given once.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|problem| (problem.span.file, problem.span.start, problem.severity));
        list.dedup();
        list
    }

    /// The warnings; or, when there is an error among them, all problems as a [`LoadError`].
    ///
    /// # Errors
    /// Every problem, when one of them is an error.
    pub fn finish(self, sources: &Arc<Sources>) -> Result<Vec<Problem>, LoadError> {
        let (failed, dropped) = (self.has_errors(), self.dropped.get());
        let problems = self.into_sorted();
        if failed { Err(LoadError { problems, dropped, sources: sources.clone() }) } else { Ok(problems) }
    }
}

fn clip(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(MAX_WORDS) {
        text.truncate(at);
        text.push_str("...");
    }
}

/// Why nothing was loaded: every problem of every text, with the texts to show them in.
///
/// Its `Display` is the list with a source snippet under each problem; see [`render_text`] and [`render_json`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub struct LoadError {
    /// Errors and warnings, sorted by file and place.
    pub problems: Vec<Problem>,
    /// How many more there were; at most a thousand are kept.
    pub dropped: usize,
    /// The texts in which they are.
    pub sources: Arc<Sources>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render_text(&self.problems, &self.sources))?;
        if self.dropped > 0 {
            writeln!(f, "and {} more problems", self.dropped)?;
        }
        Ok(())
    }
}

pub use render::{render_json, render_text};
