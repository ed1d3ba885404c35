//! User tasks, their outcomes, and the merging of task kinds.

use super::step::Reader;
use super::{FormItem, Kinds, Outcome, Task, Then, Verb};
use crate::load::cursor::{self, MapReader};
use crate::load::problem::{Problem, Problems};
use crate::load::read::{Entry, Node, Yaml};
use crate::model::Name;
use crate::model::suggest::did_you_mean;

/// Reports what is wrong with a task kind's shape.
pub(crate) fn check_kind(node: &Node, problems: &Problems) {
    let kinds = Kinds::new();
    let reader = Reader::new(&kinds, problems);
    if let Some(map) = MapReader::new(node, "a task kind", problems) {
        let _shape = reader.task(&map, map.get("title"));
        map.finish();
    }
}

impl<'t> Reader<'t> {
    pub(super) fn user_task(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        if value.is_blank() {
            self.problems.error("missing-key", value.span, "a user task needs a title");
        }
        let own = self.task(map, Some(value));
        Some(Verb::UserTask(Box::new(self.like(own))))
    }

    /// The task merged with the kind it is like.
    fn like(&self, own: Task<'t>) -> Task<'t> {
        let Some(like) = &own.like else { return own };
        let Some(kind) = self.kinds.get(&like.value) else {
            let message = format!("there is no task kind `{}`", like.value);
            let near = did_you_mean(&like.value, self.kinds.keys().map(|kind| &**kind));
            self.problems.push(Problem::error("unknown-task-kind", like.span, message).maybe_help(near));
            return own;
        };
        let map = MapReader::of(kind.entries(), kind.span, "a task kind", self.problems);
        let kind = self.task(&map, map.get("title"));
        merged(own, kind)
    }

    fn task(&self, map: &MapReader<'t>, title: Option<&'t Node>) -> Task<'t> {
        Task {
            title: title.and_then(|node| self.title_at(node)),
            like: map.name("like"),
            assign: map.get("assign"),
            category: map.name("category"),
            form_key: map.get("form_key"),
            form: self.form(map),
            record: map.map("record").iter().collect(),
            due: map.get("due"),
            start_in: map.get("start_in"),
            remind: map.get("remind"),
            keep: map.names("keep"),
            outcomes: self.outcomes(map),
        }
    }

    /// A mapping of outcomes; a list of ids for those that need nothing more.
    fn outcomes(&self, map: &MapReader<'t>) -> Vec<Outcome<'t>> {
        let Some(node) = map.get("outcomes") else { return Vec::new() };
        match &node.yaml {
            Yaml::Seq(items) => items.iter().filter_map(|item| Some(bare(self.id(item)?))).collect(),
            _ => {
                let entries = cursor::entries(node, "outcomes", self.problems).unwrap_or_default();
                entries.iter().filter_map(|entry| self.outcome(entry)).collect()
            }
        }
    }

    fn outcome(&self, entry: &'t Entry) -> Option<Outcome<'t>> {
        let id = cursor::key_name(&entry.key, self.problems)?;
        match &entry.value.yaml {
            Yaml::Scalar(scalar) if scalar.is_blank() => return Some(bare(id)),
            Yaml::Map(_) => {}
            _ => return Some(Outcome { follow: self.then_of(&entry.value), ..bare(id) }),
        }
        let map = MapReader::new(&entry.value, "an outcome", self.problems)?;
        let outcome = Outcome {
            title: self.title(&map),
            require: map.list_or_one("require").iter().collect(),
            set: map.map("set"),
            stage: map.get("stage"),
            again: map.get("again"),
            at_most: map.int("at_most"),
            then: map.name("then"),
            follow: self.then(&map),
            id,
        };
        map.allow(&["doc"]);
        map.finish();
        if let (Some(at_most), None) = (&outcome.at_most, outcome.again) {
            let problem = Problem::error("missing-key", at_most.span, "`at_most` needs the key `again`");
            self.problems.push(problem.help("`again: 1 h` makes a new task of this step after an hour"));
        }
        if let (Some(then), None) = (&outcome.then, &outcome.at_most) {
            let problem = Problem::error("missing-key", then.span, "`then` needs the key `at_most`");
            self.problems.push(problem.help("`then` names the outcome that counts after `at_most` repetitions"));
        }
        Some(outcome)
    }
}

fn bare<'t>(id: cursor::Spanned<Name>) -> Outcome<'t> {
    Outcome {
        id,
        title: None,
        require: Vec::new(),
        set: &[],
        stage: None,
        again: None,
        at_most: None,
        then: None,
        follow: Then::default(),
    }
}

/// A task that is like a kind: its own keys win; form entries, record columns and outcomes are merged by name.
fn merged<'t>(own: Task<'t>, kind: Task<'t>) -> Task<'t> {
    Task {
        title: own.title.or(kind.title),
        like: own.like,
        assign: own.assign.or(kind.assign),
        category: own.category.or(kind.category),
        form_key: own.form_key.or(kind.form_key),
        form: union(kind.form, own.form, |item| item.key()),
        record: union(kind.record, own.record, |entry| entry.key.text.to_string()),
        due: own.due.or(kind.due),
        start_in: own.start_in.or(kind.start_in),
        remind: own.remind.or(kind.remind),
        keep: union(kind.keep, own.keep, |name| name.value.to_string()),
        outcomes: outcomes(own.outcomes, kind.outcomes),
    }
}

/// The kind's items in their order, each replaced by the task's own of that name, then the task's others.
fn union<T>(kind: Vec<T>, own: Vec<T>, key: impl Fn(&T) -> String) -> Vec<T> {
    let (mut own, mut all): (Vec<Option<T>>, Vec<T>) = (own.into_iter().map(Some).collect(), Vec::new());
    for item in kind {
        let name = key(&item);
        let same = own.iter_mut().find(|found| found.as_ref().is_some_and(|found| key(found) == name));
        all.push(same.and_then(Option::take).unwrap_or(item));
    }
    all.extend(own.into_iter().flatten());
    all
}

fn outcomes<'t>(own: Vec<Outcome<'t>>, kind: Vec<Outcome<'t>>) -> Vec<Outcome<'t>> {
    let (mut own, mut all): (Vec<Option<Outcome<'t>>>, Vec<Outcome<'t>>) =
        (own.into_iter().map(Some).collect(), Vec::new());
    for base in kind {
        let same = own.iter_mut().find(|found| found.as_ref().is_some_and(|found| found.id.value == base.id.value));
        match same.and_then(Option::take) {
            Some(mine) => all.push(over(mine, base)),
            None => all.push(base),
        }
    }
    all.extend(own.into_iter().flatten());
    all
}

/// One outcome over another: every key that it writes wins.
fn over<'t>(own: Outcome<'t>, base: Outcome<'t>) -> Outcome<'t> {
    let again = own.again.is_some();
    Outcome {
        id: own.id,
        title: own.title.or(base.title),
        require: if own.require.is_empty() { base.require } else { own.require },
        set: if own.set.is_empty() { base.set } else { own.set },
        stage: own.stage.or(base.stage),
        again: own.again.or(base.again),
        at_most: own.at_most.or(base.at_most.filter(|_| !again)),
        then: own.then.or(base.then.filter(|_| !again)),
        follow: if own.follow.is_empty() { base.follow } else { own.follow },
    }
}

impl FormItem {
    /// By what it is merged: its name, or `self.column`.
    pub fn key(&self) -> String {
        match self {
            FormItem::Column(column) => format!("self.{}", column.value),
            FormItem::Entry(decl) => decl.name.value.to_string(),
        }
    }
}
