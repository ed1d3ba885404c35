//! Random lists of steps as text, and random things that happen to a run of them.

use std::fmt::Write as _;

use proptest::prelude::*;
use stageflow::element::Element;

use crate::world::Scene;

/// A step: what it does, whether it has an id and a condition, and where it goes on.
#[derive(Clone, Debug)]
pub struct Step {
    piece: Piece,
    next: Option<u8>,
    condition: bool,
}

#[derive(Clone, Debug)]
enum Piece {
    Simple(usize),
    /// The heads of lists, and the lists.
    Lists(usize, Vec<Vec<Step>>),
}

const SIMPLE: &[&str] = &[
    "wait: 1 h",
    "set: {self.score: 1}",
    "set: {self.score: self.score + 1}",
    "stage: self -> working",
    "user_task: Work\n  assign: self.owner",
    "user_task: Ask\n  assign: role(manager)\n  form: [{why: text}]\n  outcomes: {fine: {}, bad: {steps: [{set: {self.name: 'get or else(why, \"none\")'}}]}, later: {again: 1 h, at_most: 2}}",
    "create: lead\n  set: {name: '\"x\"'}",
    "read: lead\n  where: score > 1\n  count: true\n  as: n",
    "end: Over",
    "end: All\n  terminate: true",
    "go: done",
    "raise: bad_address\n  with: {}",
    "incident: bad_address\n  ways_out: {retry: {}, other: {next: done}}",
    "receive: paid\n  boundary: [{after: 1 h, every: 1 h, interrupt: false, steps: [{set: {self.score: 2}}]}, {after: 3 h, next: done}]",
    "service: send_mail\n  with: {to: self.name}\n  boundary: [{error: bad_address}]",
    "wait: {when: self.score > 1}",
];

const LISTS: &[&[&str]] = &[
    &["group:"],
    &["boundary:\n    - error: bad_address\n      steps:", "group:"],
    &["handlers:\n    - event: lead.updated\n      changed: [score]\n      interrupt: false\n      steps:", "group:"],
    &["parallel:\n    one:", "    other:"],
    &["parallel:\n    one:", "    other:", "    third:"],
    &["by_stage: self\n  stages:\n    new:", "    working:", "  all_done:"],
    &["in_stage: self at new\n  steps:"],
    &["each: item_of in [1, 2]\n  at_once: all\n  steps:"],
    &["each: item_of in [1, 2]\n  steps:"],
    &["repeat: {until: self.score > 1, max: 3}\n  steps:"],
    &["choose:\n    - when: self.score > 1\n      steps:", "    - otherwise:"],
    &["all_that_apply:\n    - when: self.score > 1\n      steps:", "    - when: self.score > 0\n      steps:"],
    &["race:\n    - message: paid\n      steps:", "    - after: 2 h\n      steps:"],
];

/// A list of steps, nested up to `depth`.
pub fn list(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let simple = (0..SIMPLE.len()).prop_map(Piece::Simple);
    let piece = match depth {
        0 => simple.boxed(),
        _ => prop_oneof![2 => simple, 1 => lists(depth - 1)].boxed(),
    };
    let step = (piece, proptest::option::weighted(0.1, 0..12_u8), proptest::bool::weighted(0.2))
        .prop_map(|(piece, next, condition)| Step { piece, next, condition });
    proptest::collection::vec(step, 1..4).boxed()
}

fn lists(depth: u32) -> impl Strategy<Value = Piece> {
    (0..LISTS.len(), proptest::collection::vec(list(depth), 3)).prop_map(|(kind, lists)| Piece::Lists(kind, lists))
}

/// The text of a process with these steps.
pub fn process(list: &[Step]) -> String {
    let mut text = "process: p\nentity: lead\nsteps:\n".to_owned();
    let mut number = 0;
    for line in lines(list, &mut number) {
        let _ = writeln!(text, "  {line}");
    }
    // Somebody sends what is received, catches what is raised and raises what is caught.
    text.push_str("handlers:\n  - error: bad_address\n    steps: [{set: {self.score: 0}}]\n");
    text
}

fn lines(list: &[Step], number: &mut u8) -> Vec<String> {
    let mut lines = Vec::new();
    for step in list {
        let id = *number;
        *number = number.saturating_add(1);
        lines.push(format!("- id: s{id}"));
        if let Some(next) = step.next.filter(|_| ends_open(&step.piece)) {
            lines.push(format!("  next: s{next}"));
        }
        if step.condition {
            lines.push("  if: self.score > 1".to_owned());
        }
        match &step.piece {
            Piece::Simple(at) => lines.extend(SIMPLE[*at].lines().enumerate().map(indented)),
            Piece::Lists(kind, inner) => {
                for (head, list) in LISTS[*kind].iter().zip(inner) {
                    let width = head.lines().last().map_or(0, |line| line.len() - line.trim_start().len()) + 2;
                    lines.extend(head.lines().enumerate().map(indented));
                    lines.extend(self::lines(list, number).into_iter().map(|line| format!("{:width$}{line}", "")));
                }
            }
        }
    }
    lines
}

/// Lines but the first bring their own indentation.
fn indented((at, line): (usize, &str)) -> String {
    if at == 0 && !line.starts_with(' ') { format!("  {line}") } else { line.to_owned() }
}

fn ends_open(piece: &Piece) -> bool {
    !matches!(piece, Piece::Simple(at) if ["end", "go:", "raise"].iter().any(|word| SIMPLE[*at].starts_with(word)))
}

/// What happens to a run, by kind and place.
pub fn moves() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0..12_u8, 0..4_u8), 0..25)
}

/// A line of a script: a move that the scene allows, as far as there is one.
pub fn line(scene: &Scene, kind: u8, at: u8) -> String {
    let at = usize::from(at);
    let task = || scene.rows.tasks.values().nth(at % scene.rows.tasks.len().max(1));
    let incident = || {
        let runs = scene.rows.instances.values();
        let open = runs.flat_map(|(row, state)| state.incidents.iter().map(move |incident| (row, incident)));
        let (row, incident) = open.into_iter().last()?;
        let def = scene.catalog.get(&row.process, Some(row.version))?;
        Some((def.step(incident.node), def.element(incident.node)?))
    };
    match kind {
        0..=3 => match task() {
            Some(task) => format!("complete {} {}", task.step, task.outcomes[at % task.outcomes.len()]),
            None => "wait 1".to_owned(),
        },
        4 => "wait 1".to_owned(),
        5 => "wait 30".to_owned(),
        6 => "send paid L amount=5".to_owned(),
        7 => format!("set L score={at}"),
        8 => format!("set L stage={}", ["new", "working", "won", "lost"][at]),
        9 if at == 0 => "job send_mail raises bad_address".to_owned(),
        9 => "job send_mail message_id=m".to_owned(),
        10 => incident().map_or("wait 2".to_owned(), |(step, _)| format!("skip {step}")),
        _ => match incident() {
            Some((step, Element::IncidentStep(_))) => format!("way {step} other"),
            Some((step, _)) => format!("retry {step}"),
            None => "wait 2".to_owned(),
        },
    }
}
