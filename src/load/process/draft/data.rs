//! The verbs on records, services, messages and people.

use super::step::Reader;
use super::{Decide, Filter, Keep, Service, Verb, Way};
use crate::load::cursor::{self, MapReader};
use crate::load::problem::Problem;
use crate::load::read::{Entry, Node, Yaml};

impl<'t> Reader<'t> {
    pub(super) fn service(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let name = self.id(value);
        let (with, take) = (map.map("with"), map.map("take"));
        let (retry, timeout) = (map.get("retry"), map.get("timeout"));
        Some(Verb::Service(Box::new(Service { name: name?, with, take, retry, timeout })))
    }

    pub(super) fn set(&self, _: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        cursor::entries(value, "`set`", self.problems).map(Verb::Set)
    }

    pub(super) fn decide(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        map.need("take");
        Some(Verb::Decide(Box::new(Decide { table: value, with: map.map("with"), take: map.map("take") })))
    }

    pub(super) fn create(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        self.later_key(map, "on_denied");
        let (set, into) = (map.map("set"), map.name("as"));
        Some(Verb::Create { entity: self.id(value)?, set, into })
    }

    pub(super) fn update(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        self.later_key(map, "on_denied");
        map.need("set");
        Some(Verb::Update { what: value, filter: self.filter(map), set: map.map("set") })
    }

    pub(super) fn delete(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        self.later_key(map, "on_denied");
        Some(Verb::Delete { what: value, filter: self.filter(map) })
    }

    pub(super) fn read_records(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        self.later_key(map, "on_denied");
        let filter = self.filter(map);
        let flag = |key| map.bool(key).is_some_and(|flag| flag.value);
        let keep: Vec<Keep> = [("first", Keep::First), ("all", Keep::All), ("count", Keep::Count)]
            .into_iter()
            .filter_map(|(key, keep)| flag(key).then_some(keep))
            .collect();
        let into = map.name("as");
        if keep.len() > 1 {
            let problem = Problem::error("wrong-shape", map.span(), "expected one of `first`, `all` and `count`");
            self.problems.push(problem.help("a `read` keeps the first record, all of them, or how many there are"));
        }
        if into.is_none() {
            let problem = Problem::error("missing-key", map.span(), "a `read` step needs the key `as`");
            self.problems.push(problem.help("`as: name` keeps what was found under that name"));
        }
        let keep = keep.first().copied().unwrap_or(Keep::First);
        Some(Verb::Read { entity: self.id(value)?, filter, keep, into })
    }

    fn filter(&self, map: &MapReader<'t>) -> Filter<'t> {
        let order_by = map.list_or_one("order_by").iter().collect();
        Filter { condition: map.get("where"), order_by, limit: map.get("limit") }
    }

    pub(super) fn stage(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        self.later_key(map, "on_denied");
        let set = map.map("set");
        cursor::scalar(value, "a move such as `self -> won`", self.problems)?;
        Some(Verb::Stage { change: value, set })
    }

    pub(super) fn notify(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        Some(Verb::Notify { who: value, text: map.need("text") })
    }

    pub(super) fn print(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let (record, into) = (map.get("for"), map.name("as"));
        Some(Verb::Print { document: self.id(value)?, record, into })
    }

    pub(super) fn send(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let (key, with, ttl) = (map.get("key"), map.map("with"), map.get("ttl"));
        Some(Verb::Send { message: self.id(value)?, key, with, ttl })
    }

    pub(super) fn signal(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let with = map.map("with");
        Some(Verb::Signal { name: self.id(value)?, with })
    }

    pub(super) fn raise(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let with = map.map("with");
        Some(Verb::Raise { code: self.id(value)?, with })
    }

    /// `compensate: id`, or `all`.
    pub(super) fn compensate(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let waits = map.bool("wait_for_completion").is_none_or(|flag| flag.value);
        let activity = if value.word() == Some("all") { None } else { Some(self.id(value)?) };
        Some(Verb::Compensate { activity, waits })
    }

    pub(super) fn escalate(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let with = map.map("with");
        Some(Verb::Escalate { code: self.id(value)?, with })
    }

    pub(super) fn incident(&self, map: &MapReader<'t>, value: &'t Node) -> Option<Verb<'t>> {
        let (with, ways) = (map.map("with"), map.map("ways_out"));
        let ways = ways.iter().filter_map(|entry| self.way(entry)).collect();
        Some(Verb::Incident { code: self.id(value)?, with, ways })
    }

    fn way(&self, entry: &'t Entry) -> Option<Way<'t>> {
        let id = cursor::key_name(&entry.key, self.problems)?;
        let mut title = None;
        let then = match &entry.value.yaml {
            Yaml::Scalar(scalar) if scalar.is_blank() => super::Then::default(),
            Yaml::Map(_) => {
                let map = MapReader::new(&entry.value, "a way out", self.problems)?;
                title = self.title(&map);
                let then = self.then(&map);
                map.finish();
                then
            }
            _ => self.then_of(&entry.value),
        };
        Some(Way { id, title, then })
    }
}
