//! What may be said of every activity of the flat form besides what it does: loops, several instances, quantities, inputs and
//! outputs; and the lanes it stands in.
//!
//! Each is the step inside another one, so that boundary events are those of the whole (S7).

use super::net::{Flat, bare};
use super::step::Reader;
use super::{Behavior, Each, Group, Net, Over, Quantity, Repeat, Step, Task, Test, Throw, Variable, Verb};
use crate::load::cursor::{self, MapReader, Spanned};
use crate::load::draft::{Decl, ExprText};
use crate::load::problem::Problem;
use crate::load::read::{Entry, Node};
use crate::model::Name;

/// What instances of an activity throw.
const THROWN: &[&str] = &["signal", "send"];

impl<'t> Reader<'t> {
    /// The activity with what is around it, from the inside out.
    pub(super) fn around(&self, map: &MapReader<'t>, step: Step<'t>, flat: &mut Flat<'t>) -> Step<'t> {
        self.quantities(map, &step, &mut flat.net);
        let step = self.mapped(map, step);
        match (map.get("standard_loop"), map.get("multi_instance")) {
            (Some(node), None) => self.standard_loop(node, step),
            (None, Some(node)) => self.multi_instance(node, step),
            (None, None) => step,
            (Some(_), Some(node)) => {
                let problem =
                    Problem::error("wrong-shape", node.span, "expected one of `standard_loop` and `multi_instance`");
                self.problems.push(problem.help("put one of them around a `sub_process` that holds the other"));
                step
            }
        }
    }

    /// `start_quantity` and `completion_quantity`.
    fn quantities(&self, map: &MapReader<'t>, step: &Step<'t>, net: &mut Net<'t>) {
        let count = |key| {
            let found = map.int(key)?;
            let count = u32::try_from(found.value).ok().filter(|count| (1..=MAX_QUANTITY).contains(count));
            if count.is_none() {
                let message = format!("expected 1 to {MAX_QUANTITY} tokens, found {}", found.value);
                self.problems.error("wrong-type", found.span, message);
            }
            count
        };
        let (start, completion) = (count("start_quantity").unwrap_or(1), count("completion_quantity").unwrap_or(1));
        if let (Some(id), true) = (&step.id, start > 1 || completion > 1) {
            net.quantities.insert(id.value.clone(), Quantity { start, completion });
        }
    }

    /// `inputs` are variables of the activity alone; `outputs` are set when it is done.
    fn mapped(&self, map: &MapReader<'t>, step: Step<'t>) -> Step<'t> {
        let (inputs, outputs) = (map.map("inputs"), map.map("outputs"));
        if inputs.is_empty() && outputs.is_empty() {
            return step;
        }
        let (vars, span) = (inputs.iter().filter_map(|entry| self.input(entry)).collect(), step.at);
        let mut steps = vec![step];
        if !outputs.is_empty() {
            steps.push(bare(span, "set", Verb::Set(outputs)));
        }
        bare(
            span,
            "mapping",
            Verb::Group(Box::new(Group {
                transaction: false,
                ad_hoc: None,
                steps,
                net: None,
                vars,
                handlers: Vec::new(),
            })),
        )
    }

    fn input(&self, entry: &'t Entry) -> Option<Variable> {
        let name = cursor::key_name(&entry.key, self.problems)?;
        let initial = ExprText::of(&entry.value, self.problems)?;
        let span = entry.key.span;
        let decl = Decl {
            name,
            title: None,
            ty: None,
            is_typed: false,
            span,
            required: false,
            currency: None,
            initial: Some(initial),
        };
        Some(Variable { decl, out: false })
    }

    /// `standard_loop: {loop_condition, test_before, loop_maximum}`.
    fn standard_loop(&self, node: &'t Node, step: Step<'t>) -> Step<'t> {
        let Some(map) = MapReader::new(node, "`standard_loop`", self.problems) else { return step };
        let (condition, max) = (map.get("loop_condition"), map.int("loop_maximum"));
        let before = map.bool("test_before").is_some_and(|flag| flag.value);
        map.finish();
        if condition.is_none() && max.is_none() {
            let problem = Problem::error("wrong-shape", node.span, "nothing says when the loop ends");
            self.problems.push(problem.help("write `loop_condition: ...`, `loop_maximum: 3`, or both"));
            return step;
        }
        let test = if before { Test::While } else { Test::WhileAfter };
        let test = condition.map(|condition| (test, condition));
        let repeat = Repeat { test, max, capped: true, steps: vec![step] };
        bare(node.span, "loop", Verb::Repeat(Box::new(repeat)))
    }

    /// `multi_instance`: the step for each of several.
    fn multi_instance(&self, node: &'t Node, step: Step<'t>) -> Step<'t> {
        let Some(each) = MapReader::new(node, "`multi_instance`", self.problems) else { return step };
        let over = match (each.get("each"), each.get("times")) {
            (Some(head), None) => Over::List(head),
            (None, Some(times)) => Over::Times(times),
            _ => {
                let problem = Problem::error("wrong-shape", node.span, "expected one of `each` and `times`");
                self.problems.push(problem.help("write `each: line in self.lines`, or `times: 3`"));
                return step;
            }
        };
        let (at_once, until, collect) = (each.get("at_once"), each.get("until"), each.map("collect"));
        let throws = self.behavior(&each);
        each.finish();
        let each = Each { over, steps: vec![step], at_once, until, collect, throws };
        bare(node.span, "each", Verb::Each(Box::new(each)))
    }

    /// `behavior`: which events instances throw when they complete.
    fn behavior(&self, each: &MapReader<'t>) -> Vec<Throw<'t>> {
        let word = each.get("behavior");
        match word.map_or(Some("all"), Node::word) {
            Some("all") => Vec::new(),
            Some("none") => self.throw_under(each, Behavior::Each),
            Some("one") => self.throw_under(each, Behavior::First),
            Some("complex") => {
                each.need("complex");
                each.list("complex").iter().filter_map(|item| self.complex_throw(item)).collect()
            }
            _ => {
                let span = word.map_or(each.span(), |word| word.span);
                let problem = Problem::error("wrong-type", span, "expected `all`, `none`, `one` or `complex`");
                let help = "`none` throws at each completion, `one` at the first, `complex` by conditions, `all` never";
                self.problems.push(problem.help(help));
                Vec::new()
            }
        }
    }

    fn throw_under(&self, each: &MapReader<'t>, when: Behavior<'t>) -> Vec<Throw<'t>> {
        let Some(node) = each.need("throws") else { return Vec::new() };
        let Some(map) = MapReader::new(node, "`throws`", self.problems) else { return Vec::new() };
        let verb = self.thrown(&map, node.entries());
        map.finish();
        verb.map(|verb| Throw { when, verb }).into_iter().collect()
    }

    fn complex_throw(&self, item: &'t Node) -> Option<Throw<'t>> {
        let map = MapReader::new(item, "an event of `complex`", self.problems)?;
        let when = map.need("when");
        let verb = self.thrown(&map, item.entries());
        map.finish();
        Some(Throw { when: Behavior::When(when?), verb: verb? })
    }

    fn thrown(&self, map: &MapReader<'t>, entries: &'t [Entry]) -> Option<Verb<'t>> {
        let Some((word, entry, read)) = self.verb_among(entries, THROWN) else {
            let problem =
                Problem::error("no-verb", map.span(), "expected what is thrown, a `signal` or `send`, found neither");
            self.problems.push(problem.help("write `signal: name`, with `with: {...}` if it has values"));
            return None;
        };
        map.allow(&[word]);
        read(self, map, &entry.value)
    }

    /// `lanes: [{id, title, role, nodes}]`: the role of the user tasks that say nothing else.
    pub(super) fn lanes(&self, map: &MapReader<'t>, net: &mut Net<'t>) {
        for lane in map.list("lanes") {
            let Some(map) = MapReader::new(lane, "a lane", self.problems) else { continue };
            let (_, _, role, nodes) = (map.name("id"), map.title(), map.name("role"), map.names("nodes"));
            map.allow(&["doc", "bpmn"]);
            map.finish();
            for node in nodes {
                self.lane_node(&node, net);
                if let Some(role) = &role {
                    net.lanes.insert(node.value, role.clone());
                }
            }
        }
    }

    fn lane_node(&self, node: &Spanned<Name>, net: &Net<'t>) {
        let starts = net.starts.iter().map(|start| &start.id);
        if net.lanes.contains_key(&node.value) {
            let message = format!("`{}` stands in two lanes", node.value);
            self.problems.error("duplicate-name", node.span, message);
        } else if !net.names.iter().chain(starts).any(|name| name.value == node.value) {
            let message = format!("there is no node `{}` here", node.value);
            let near = crate::model::suggest::did_you_mean(&node.value, net.names.iter().map(|name| &*name.value));
            self.problems.push(Problem::error("unknown-step", node.span, message).maybe_help(near));
        }
    }
}

/// Most tokens that an activity waits for or sends on.
const MAX_QUANTITY: u32 = 1_000;

/// Where every outcome goes its own way, setting the outputs on it, none is left to set them behind the task.
pub(super) fn drop_idle(step: &mut Step<'_>) {
    let idle = task_of(step).is_some_and(|(task, _)| {
        !task.outcomes.is_empty() && task.outcomes.iter().all(|outcome| outcome.follow.next.is_some())
    });
    if let (true, Verb::Group(group)) = (idle, &mut step.verb) {
        group.steps.truncate(1);
    }
}

/// The user task of a node, and what is set when it is done, when it has outputs.
pub(super) fn task_of<'s, 't>(step: &'s mut Step<'t>) -> Option<(&'s mut Task<'t>, Option<&'t [Entry]>)> {
    match &mut step.verb {
        Verb::UserTask(task) => Some((task, None)),
        Verb::Approve(approve) => Some((&mut approve.task, None)),
        Verb::Group(group) if step.word == "mapping" => match group.steps.as_mut_slice() {
            [inner, rest @ ..] => {
                let outputs =
                    rest.first().and_then(|step| if let Verb::Set(set) = step.verb { Some(set) } else { None });
                match &mut inner.verb {
                    Verb::UserTask(task) => Some((task, outputs)),
                    _ => None,
                }
            }
            [] => None,
        },
        _ => None,
    }
}
