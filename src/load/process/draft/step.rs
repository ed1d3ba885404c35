//! Steps and lists of steps.

use std::cell::Cell;

use super::{Kinds, MAX_STEPS, Step, Target, Then, Title, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Entry, Node, Yaml};
use crate::model::{Name, Span};

/// Reads the parts of a process from the tree of its file.
pub(crate) struct Reader<'t> {
    pub problems: &'t Problems,
    /// The task kinds of the library, as written.
    pub kinds: &'t Kinds,
    steps: Cell<usize>,
    /// Whether the nodes of an event sub-process are read.
    pub(super) handling: Cell<bool>,
}

/// How the keys behind a verb are read.
pub(super) type Read<'t> = fn(&Reader<'t>, &MapReader<'t>, &'t Node) -> Option<Verb<'t>>;

/// Every verb: its word, how a problem names the step, how its keys are read.
pub(super) fn verbs<'t>() -> [(&'static str, &'static str, Read<'t>); 34] {
    [
        ("user_task", "a `user_task` step", Reader::user_task),
        ("approve", "an `approve` step", Reader::approve),
        ("service", "a `service` step", Reader::service),
        ("create", "a `create` step", Reader::create),
        ("update", "an `update` step", Reader::update),
        ("delete", "a `delete` step", Reader::delete),
        ("read", "a `read` step", Reader::read_records),
        ("stage", "a `stage` step", Reader::stage),
        ("set", "a `set` step", Reader::set),
        ("decide", "a `decide` step", Reader::decide),
        ("notify", "a `notify` step", Reader::notify),
        ("print", "a `print` step", Reader::print),
        ("send", "a `send` step", Reader::send),
        ("receive", "a `receive` step", Reader::receive),
        ("signal", "a `signal` step", Reader::signal),
        ("raise", "a `raise` step", Reader::raise),
        ("escalate", "an `escalate` step", Reader::escalate),
        ("compensate", "a `compensate` step", Reader::compensate),
        ("incident", "an `incident` step", Reader::incident),
        ("wait", "a `wait` step", Reader::wait),
        ("choose", "a `choose` step", Reader::choose),
        ("parallel", "a `parallel` step", Reader::parallel),
        ("all_that_apply", "an `all_that_apply` step", Reader::all_that_apply),
        ("race", "a `race` step", Reader::race),
        ("by_stage", "a `by_stage` step", Reader::by_stage),
        ("in_stage", "an `in_stage` step", Reader::in_stage),
        ("each", "an `each` step", Reader::each),
        ("repeat", "a `repeat` step", Reader::repeat),
        ("group", "a `group` step", Reader::group),
        ("ad_hoc", "an `ad_hoc` step", Reader::ad_hoc),
        ("call", "a `call` step", Reader::call),
        ("go", "a `go` step", Reader::go),
        ("end", "an `end` step", Reader::end),
        ("go_on", "a `go_on` step", Reader::go_on),
    ]
}

/// Keys that every step may have.
const COMMON: &[&str] = &["id", "title", "doc", "if", "next", "boundary"];

impl<'t> Reader<'t> {
    pub fn new(kinds: &'t Kinds, problems: &'t Problems) -> Self {
        Self { problems, kinds, steps: Cell::new(0), handling: Cell::new(false) }
    }

    /// A list of steps.
    pub fn steps(&self, node: &'t Node) -> Vec<Step<'t>> {
        let items = cursor::list(node, "a list of steps", self.problems).unwrap_or_default();
        items.iter().filter_map(|item| self.step(item)).collect()
    }

    /// The list of steps under a key, when it is written.
    pub fn steps_at(&self, map: &MapReader<'t>, key: &'static str) -> Option<Vec<Step<'t>>> {
        map.get(key).map(|node| self.steps(node))
    }

    pub(super) fn step(&self, node: &'t Node) -> Option<Step<'t>> {
        let entries = cursor::entries(node, "a step", self.problems)?;
        self.steps.set(self.steps.get().saturating_add(1));
        if self.steps.get() > MAX_STEPS {
            if self.steps.get() == MAX_STEPS + 1 {
                let message = format!("the file has more than {MAX_STEPS} steps");
                let problem = Problem::error("too-large", node.span, message);
                self.problems.push(problem.help("move a part into a process of its own and `call` it"));
            }
            return None;
        }
        let (entry, what, read) = self.verb(entries, node.span);
        let map = MapReader::of(entries, node.span, what, self.problems);
        let mut step = Step {
            at: entry.map_or(node.span, verb_span),
            word: "",
            id: map.name("id"),
            title: self.title(&map),
            condition: map.get("if"),
            next: map.get("next").and_then(|next| self.target(next)),
            boundary: self.events_at(&map, "boundary", super::event::BOUNDARY),
            verb: Verb::Broken,
        };
        map.allow(&["doc"]);
        let Some((entry, (word, read))) = entry.zip(read) else { return Some(step) };
        map.allow(&[word]);
        step.word = word;
        if let Some(verb) = read(self, &map, &entry.value) {
            step.verb = verb;
        }
        map.finish();
        Some(step)
    }

    /// The one verb of a step.
    #[allow(clippy::type_complexity)]
    fn verb(
        &self,
        entries: &'t [Entry],
        span: Span,
    ) -> (Option<&'t Entry>, &'static str, Option<(&'static str, Read<'t>)>) {
        let verbs = verbs();
        let find = |entry: &'t Entry| {
            let known = verbs.iter().find(|(word, _, _)| *word == &*entry.key.text)?;
            Some((entry, *known))
        };
        let mut found: Vec<_> = entries.iter().filter_map(find).collect();
        if found.len() > 1 && found.iter().any(|(_, known)| matches!(known.0, "create" | "update" | "stage")) {
            found.retain(|(_, known)| known.0 != "set");
        }
        match found.as_slice() {
            [(entry, (word, what, read))] => (Some(entry), what, Some((word, *read))),
            [] => {
                self.no_verb(entries, span);
                (None, "a step", None)
            }
            [(first, _), (second, _), ..] => {
                let message =
                    format!("expected one verb in a step, found `{}` and `{}`", first.key.text, second.key.text);
                let problem = Problem::error("two-verbs", second.key.span, message);
                let help = format!("begin a new item before it: `- {}: ...`", second.key.text);
                self.problems.push(problem.help(help).label(first.key.span, "the first verb"));
                (None, "a step", None)
            }
        }
    }

    fn no_verb(&self, entries: &'t [Entry], span: Span) {
        let verbs = verbs();
        let words = || verbs.iter().map(|(word, _, _)| *word);
        let near = |word: &str| self.problems.did_you_mean(word, || words().map(Name::from).collect());
        let strange: Vec<&Entry> = entries.iter().filter(|entry| !COMMON.contains(&&*entry.key.text)).collect();
        let near = strange.iter().find_map(|entry| Some((entry.key.span, near(&entry.key.text)?)));
        let at = near.as_ref().map(|(span, _)| *span).or(strange.first().map(|entry| entry.key.span)).unwrap_or(span);
        let message = match strange.first() {
            Some(entry) => format!("expected a verb in the step, found `{}`", entry.key.text),
            None => "expected a verb in the step, found none".to_owned(),
        };
        let all = format!("the verbs are {}", words().collect::<Vec<_>>().join(", "));
        let problem = Problem::error("no-verb", at, message);
        self.problems.push(problem.help(near.and_then(|(_, help)| help.into()).unwrap_or(all)));
    }

    /// Refuses what the language has and this version does not do.
    pub fn later(&self, what: &str, span: Span) {
        let problem = Problem::error("not-supported-yet", span, format!("`{what}` is not supported yet"));
        self.problems.push(problem.help("this version refuses what it would have to ignore"));
    }

    /// Refuses a key that this version does not do.
    pub fn later_key(&self, map: &MapReader<'t>, key: &'static str) {
        if let Some(entry) = map.entry(key) {
            self.later(key, entry.key.span);
        }
    }

    /// Where a path goes on: an id, `go_on` or `done`.
    pub fn target(&self, node: &'t Node) -> Option<Spanned<Target>> {
        let word = cursor::scalar(node, "the id of a step, `go_on` or `done`", self.problems)?;
        let target = match &*word.text {
            "go_on" => Target::GoOn,
            "done" | "end" => Target::Done,
            _ => Target::Step(cursor::name(node, self.problems)?.value),
        };
        Some(Spanned::new(target, node.span))
    }

    /// The title of a step, an event or a way on: `{expr}` in it is filled in.
    pub fn title(&self, map: &MapReader<'t>) -> Option<Title<'t>> {
        self.title_at(map.get("title")?)
    }

    /// The title that is written here.
    pub fn title_at(&self, node: &'t Node) -> Option<Title<'t>> {
        let text = cursor::text(node, self.problems)?;
        Some(Title { text: text.value, node })
    }

    /// The keys `steps` and `next` of a branch.
    pub fn then(&self, map: &MapReader<'t>) -> Then<'t> {
        Then { steps: self.steps_at(map, "steps"), next: map.get("next").and_then(|next| self.target(next)) }
    }

    /// What stands behind a case: an id, `go_on`, a list of steps, or a mapping with `title`, `steps` and `next`.
    pub fn then_of(&self, node: &'t Node) -> Then<'t> {
        match &node.yaml {
            Yaml::Seq(_) => Then { steps: Some(self.steps(node)), next: None },
            Yaml::Map(_) => MapReader::new(node, "a branch", self.problems).map_or_else(Then::default, |map| {
                let then = self.then(&map);
                map.allow(&["title"]);
                map.finish();
                then
            }),
            Yaml::Scalar(_) => Then { steps: None, next: self.target(node) },
        }
    }

    /// An id that must stand at this node.
    pub fn id(&self, node: &'t Node) -> Option<Spanned<Name>> {
        cursor::name(node, self.problems)
    }

    pub(super) fn go(&self, _: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        Some(Verb::Go(self.target(value)?))
    }

    pub(super) fn go_on(&self, _: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        Some(Verb::Go(Spanned::new(Target::GoOn, value.span)))
    }

    pub(super) fn end(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let flag = |key| map.bool(key).is_some_and(|flag| flag.value);
        Some(Verb::End {
            title: if value.is_blank() { None } else { self.title_at(value) },
            results: map.map("return"),
            terminate: flag("terminate"),
            process: flag("process"),
            cancel: flag("cancel"),
        })
    }
}

/// The verb with its value when that stands on the same few words, else the verb alone.
pub(super) fn verb_span(entry: &Entry) -> Span {
    match entry.value.yaml {
        Yaml::Scalar(_) => entry.key.span.to(entry.value.span),
        _ => entry.key.span,
    }
}
