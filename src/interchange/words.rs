//! Ids of a drawing made into names: `ScriptTask_1` is `script_task_1`.

use std::collections::{BTreeMap, BTreeSet};

/// Names given so far: the same id has the same name, two ids have two.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    of: BTreeMap<String, String>,
    used: BTreeSet<String>,
    /// The number that the next name of this beginning gets.
    next: BTreeMap<String, u32>,
}

impl Words {
    /// The name of an id; `kind` names it when nothing of it can be written.
    pub fn name(&mut self, id: &str, kind: &str) -> String {
        if let Some(name) = self.of.get(id) {
            return name.clone();
        }
        let base = snake(id, kind);
        let mut name = base.clone();
        while self.used.contains(&name) {
            let next = self.next.entry(base.clone()).or_insert(1);
            *next += 1;
            name = format!("{}_{next}", base.get(..base.len().min(54)).unwrap_or(&base));
        }
        self.used.insert(name.clone());
        self.of.insert(id.to_string(), name.clone());
        name
    }
}

/// Words that mean something of their own where a name may stand.
const TAKEN: &[&str] = &[
    "go_on", "done", "self", "user", "instance", "record", "loop", "task", "form", "message", "error", "result",
    "settings", "params", "vars", "lookups",
];

/// A word of a drawing as it is written here: `subProcess` is `sub_process`.
pub(super) fn lower(word: &str) -> String {
    let parts =
        word.chars().flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]));
    parts.collect()
}

/// Lower case with underscores: a letter first, at most 60 characters.
pub(super) fn snake(id: &str, kind: &str) -> String {
    let mut name = String::new();
    let mut before = ' ';
    for c in id.chars() {
        let begins = c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if (begins || !c.is_ascii_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        }
        before = c;
        if name.len() >= 60 {
            break;
        }
    }
    let name = name.trim_matches('_');
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    match (name.is_empty(), starts) {
        (true, _) => kind.to_string(),
        (false, false) => format!("{kind}_{name}"),
        (false, true) if TAKEN.contains(&name) => format!("{name}_{kind}"),
        (false, true) => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Words, snake};

    #[test]
    fn ids_become_names() {
        for (id, name) in [
            ("ScriptTask_1", "script_task_1"),
            ("integerVariable", "integer_variable"),
            ("_2", "node_2"),
            ("Подпись", "node"),
            ("a--b", "a_b"),
            ("HTTPCall", "httpcall"),
            ("done", "done_node"),
        ] {
            assert_eq!(snake(id, "node"), name, "{id}");
        }
        let mut words = Words::default();
        let names = ["a-b", "a_b", "a-b"].map(|id| words.name(id, "node"));
        assert_eq!(names, ["a_b", "a_b_2", "a_b"]);
    }
}
