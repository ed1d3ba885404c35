//! Pieces that hold lists: branches, rounds, scopes, what happens at their borders, and calls.

use crate::author::{Author, Place, joined};
use crate::flats;
use crate::story::{Path, Piece, lines, nest};

type Write = fn(&mut Author<'_>, Place) -> Piece;

/// A piece that holds others, of those that may stand at this place.
pub fn block(author: &mut Author<'_>, place: Place) -> Piece {
    const ANYWHERE: &[Write] = &[choose, group, jump];
    const ALONE: &[Write] = &[
        each,
        repeat,
        parallel,
        all_that_apply,
        several_of,
        interrupted,
        beside,
        raised,
        escalated,
        handled,
        told,
        terminated,
        at_once,
        call,
        flats::call,
        crossing,
    ];
    const ONCE: &[Write] = &[by_stage, in_stage, detached];
    const UNDO: &[Write] = &[compensated, canceled];
    let mut choices = ANYWHERE.to_vec();
    if place.alone {
        choices.extend(ALONE);
        if place.once {
            choices.extend(ONCE);
        }
        if place.undo {
            choices.extend(UNDO);
        }
    }
    let write = *author.dice.of(&choices);
    write(author, Place { depth: place.depth + 1, ..place })
}

/// Lists that run at the same time: at most one of them moves the clock.
fn branches(author: &mut Author<'_>, place: Place, count: usize) -> Vec<Piece> {
    let clock = author.dice.below(count);
    (0..count).map(|at| author.list(Place { clock: place.clock && at == clock, ..place })).collect()
}

fn choose(author: &mut Author<'_>, place: Place) -> Piece {
    let (var, number) = (author.var(), author.dice.below(3));
    let lists: Vec<Piece> = (0..3).map(|_| author.list(place)).collect();
    let mut text = vec![format!("- set: {{{var}: {number}}}"), "- choose:".into()];
    for (at, list) in lists.iter().enumerate() {
        match at {
            2 => text.push("    - otherwise:".into()),
            _ => text.extend([format!("    - when: {var} = {at}"), "      steps:".into()]),
        }
        text.extend(nest(&list.lines, 8));
    }
    Piece { lines: text, path: lists[number].path.clone() }
}

fn group(author: &mut Author<'_>, place: Place) -> Piece {
    let list = author.list(place);
    let var = author.id("g");
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&list.lines, 4));
    // A group may be ended before its list is.
    let ends = author.dice.percent(50);
    if ends {
        let (_, never) = author.mark();
        text.push(format!("    - {{if: {var} = 1, end: Enough}}"));
        text.push(format!("    - {{create: mark, set: {{name: '\"{never}\"'}}}}"));
    }
    text.push(format!("  vars: {{{var}: {{type: int, initial: {}}}}}", usize::from(ends)));
    Piece { lines: text, path: list.path }
}

/// Rounds over a list: in order, or at the same time.
fn each(author: &mut Author<'_>, place: Place) -> Piece {
    let (count, item) = (author.dice.between(0, 3), author.id("item"));
    let until = (author.dice.percent(30) && count > 0).then(|| author.dice.between(1, count));
    let beside = author.dice.percent(40);
    let list = author.list(Place { once: false, alone: place.alone && !beside, ..place });
    let items: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    let mut text = vec![format!("- each: {item} in [{}]", items.join(", "))];
    if count == 0 {
        let nothing = author.id("l");
        author.vars.push(format!("{nothing}: {{type: list(number), initial: '[]'}}"));
        text = vec![format!("- each: {item} in {nothing}")];
    }
    let waits = !list.path.steps.is_empty();
    // Only rounds that are done one after the other, or wait, leave something to cancel.
    let until = until.filter(|_| !beside);
    text.push(format!("  at_once: {}", if beside { "all" } else { "1" }));
    text.extend(until.map(|until| format!("  until: {item} = {until}")));
    text.push("  steps:".into());
    text.extend(nest(&list.lines, 4));
    let rounds = until.unwrap_or(count);
    let path = match beside && waits {
        true => Path::beside(author.dice, vec![list.path; rounds]),
        false => list.path.times(rounds),
    };
    Piece { lines: text, path }
}

fn repeat(author: &mut Author<'_>, place: Place) -> Piece {
    let (var, count) = (author.id("n"), author.dice.between(1, 3));
    author.vars.push(format!("{var}: {{type: int, initial: 0}}"));
    let list = author.list(Place { once: false, ..place });
    let test = *author.dice.of(&["while", "until"]);
    let condition = if test == "while" { format!("{var} < {count}") } else { format!("{var} >= {count}") };
    let mut text =
        vec![format!("- set: {{{var}: 0}}"), format!("- repeat: {{{test}: {condition}, max: 9}}"), "  steps:".into()];
    text.push(format!("    - set: {{{var}: {var} + 1}}"));
    text.extend(nest(&list.lines, 4));
    Piece { lines: text, path: list.path.times(count) }
}

/// A task whose outcome leads back to it.
fn jump(author: &mut Author<'_>, place: Place) -> Piece {
    let (id, back, (line, mark)) = (author.id("t"), author.id("t"), author.mark());
    let again = if place.alone { author.dice.below(3) } else { 0 };
    let text = format!(
        "- id: {id}
  user_task: Look at {id}
  outcomes:
    fine: {{next: {back}}}
    again: {{next: {id}}}
- id: {back}
  {}",
        body(&line)
    );
    let mut path = Path::default();
    for _ in 0..again {
        path = path.on(format!("complete {id} again"), &[]);
    }
    Piece { lines: lines(&text), path: path.on(format!("complete {id} fine"), &[&mark]) }
}

fn parallel(author: &mut Author<'_>, place: Place) -> Piece {
    let count = author.dice.between(2, 3);
    let lists = branches(author, place, count);
    let mut text = vec!["- parallel:".to_string()];
    for list in &lists {
        text.push(format!("    {}:", author.id("branch")));
        text.extend(nest(&list.lines, 6));
    }
    Piece { lines: text, path: Path::beside(author.dice, lists.into_iter().map(|list| list.path).collect()) }
}

fn all_that_apply(author: &mut Author<'_>, place: Place) -> Piece {
    let (var, number) = (author.var(), author.dice.below(4));
    let lists = branches(author, place, 3);
    let mut text = vec![format!("- set: {{{var}: {number}}}"), "- all_that_apply:".into()];
    for (at, list) in lists.iter().enumerate() {
        match at {
            2 => text.push("    - otherwise:".into()),
            _ => text.extend([format!("    - when: {var} in ({}, 3)", at + 1), "      steps:".into()]),
        }
        text.extend(nest(&list.lines, 8));
    }
    let applies: &[usize] = match number {
        0 => &[2],
        1 => &[0],
        2 => &[1],
        _ => &[0, 1],
    };
    let paths = applies.iter().map(|at| lists[*at].path.clone()).collect();
    Piece { lines: text, path: Path::beside(author.dice, paths) }
}

/// Two of three branches are enough; the third is waited for by the group only.
fn several_of(author: &mut Author<'_>, _: Place) -> Piece {
    let tasks = [author.id("t"), author.id("t"), author.id("t")];
    let (line, mark) = author.mark();
    let (after, behind) = author.mark();
    let names = [author.id("branch"), author.id("branch"), author.id("branch")];
    let mut text = lines("- group:\n    - parallel:");
    for (task, name) in tasks.iter().zip(&names) {
        text.push(format!("        {name}: [{{id: {task}, user_task: Do {task}}}]"));
    }
    let count = author.dice.between(1, 3);
    text.push(format!("      until: {count}"));
    text.extend([format!("    {line}"), after]);
    let mut order = tasks.to_vec();
    let mut path = Path::default();
    for at in 1..=3 {
        let task = order.remove(author.dice.below(order.len()));
        path = path.on_if(format!("complete {task}"), at == count, &mark);
    }
    Piece { lines: text, path: path.then(Path::marks(&[&behind])) }
}

/// The step that makes a mark, without its dash and braces: for a step with more keys.
fn body(line: &str) -> String {
    let inner = line.strip_prefix("- {").and_then(|line| line.strip_suffix('}')).unwrap_or(line);
    inner.replacen(", set", "\n  set", 1)
}

/// What stands at a border or among handlers, and the command that makes it happen.
fn event(author: &mut Author<'_>, place: Place) -> (String, String) {
    match author.dice.below(if place.clock { 4 } else { 3 }) {
        0 => {
            let name = author.message();
            (format!("message: {name}"), format!("send {name}"))
        }
        1 => {
            let name = author.signal();
            (format!("signal: {name}"), format!("signal {name}"))
        }
        2 => {
            let id = author.id("act");
            (format!("id: {id}\n  manual: {{title: Act}}"), format!("act {id}"))
        }
        _ => ("after: 400 days".to_string(), "wait 400 days".to_string()),
    }
}

/// `- a\n  b` with its steps.
fn item(head: &str, flags: &[&str], steps: &[String], by: usize) -> Vec<String> {
    let mut text = lines(&format!("- {head}"));
    text.extend(flags.iter().map(|flag| format!("  {flag}")));
    text.push("  steps:".into());
    text.extend(nest(steps, 4));
    nest(&text, by)
}

/// A group that an event interrupts, or that is through before.
fn interrupted(author: &mut Author<'_>, place: Place) -> Piece {
    // What moves the clock inside would bring the event about.
    let inside = author.waiting_list(Place { clock: false, ..place });
    let (head, line) = event(author, place);
    let caught = author.list(place);
    let handler = author.dice.percent(40);
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&inside.lines, 4));
    text.push(if handler { "  handlers:" } else { "  boundary:" }.into());
    text.extend(item(&head, &[], &caught.lines, 4));
    let happens = author.dice.percent(70);
    let path = match inside.path.clone().cut(author.dice) {
        Some(cut) if happens => cut.on(line, &[]).then(caught.path),
        _ => inside.path,
    };
    Piece { lines: text, path }
}

/// Events that do not interrupt: their steps are paths of their own.
fn beside(author: &mut Author<'_>, place: Place) -> Piece {
    let inside = author.waiting_list(Place { clock: false, ..place });
    let (name, (line, mark)) = (author.message(), author.mark());
    let handler = author.dice.percent(50);
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&inside.lines, 4));
    text.push(if handler { "  handlers:" } else { "  boundary:" }.into());
    text.extend(item(&format!("message: {name}"), &["interrupt: false"], &[line], 4));
    let times = author.dice.below(3);
    let mut path = Path { first: inside.path.first, steps: Vec::new() };
    for _ in 0..times {
        path = path.on(format!("send {name}"), &[&mark]);
    }
    path.steps.extend(inside.path.steps);
    Piece { lines: text, path }
}

/// An error that is caught at the border of a group, or by its handler.
fn raised(author: &mut Author<'_>, place: Place) -> Piece {
    let (inside, caught, code) = (author.list(place), author.list(place), author.error());
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&inside.lines, 4));
    text.push(format!("    - raise: {code}"));
    let any = author.dice.percent(30);
    text.push(if author.dice.percent(40) { "  handlers:" } else { "  boundary:" }.into());
    text.extend(item(&format!("error: {}", if any { "any" } else { &code }), &[], &caught.lines, 4));
    Piece { lines: text, path: inside.path.then(caught.path) }
}

/// An escalation: it interrupts its group, or the thrower goes on.
fn escalated(author: &mut Author<'_>, place: Place) -> Piece {
    let (inside, code) = (author.list(place), author.id("esc"));
    let (after, behind) = author.mark();
    let (line, mark) = author.mark();
    let interrupts = author.dice.percent(50);
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&inside.lines, 4));
    text.extend([format!("    - escalate: {code}"), format!("    {after}")]);
    text.push(if author.dice.percent(40) { "  handlers:" } else { "  boundary:" }.into());
    let flags: &[&str] = if interrupts { &[] } else { &["interrupt: false"] };
    text.extend(item(&format!("escalation: {code}"), flags, &[line], 4));
    let then = if interrupts { Path::marks(&[&mark]) } else { Path::marks(&[&mark, &behind]) };
    Piece { lines: text, path: inside.path.then(then) }
}

/// A handler of an error that its own list throws again: whoever is outside takes it.
fn handled(author: &mut Author<'_>, place: Place) -> Piece {
    let (code, inside) = (author.error(), author.list(place));
    let ((line, mark), (outer, behind)) = (author.mark(), author.mark());
    let mut text = lines("- group:\n    - group:");
    text.extend(nest(&inside.lines, 8));
    text.push(format!("        - raise: {code}"));
    text.push("      handlers:".into());
    text.extend(item(&format!("error: {code}"), &[], &[line, format!("- raise: {code}")], 8));
    text.push("  boundary:".into());
    text.extend(item(&format!("error: {code}"), &[], &[outer], 4));
    Piece { lines: text, path: inside.path.then(Path::marks(&[&mark, &behind])) }
}

/// What one branch throws or sends, the other waits for.
fn told(author: &mut Author<'_>, place: Place) -> Piece {
    let (list, (line, mark)) = (author.list(place), author.mark());
    let signal = author.dice.percent(50);
    let name = if signal { author.signal() } else { author.message() };
    let (tells, hears) = (author.id("branch"), author.id("branch"));
    let throw = format!("- {{{}: {name}}}", if signal { "signal" } else { "send" });
    let mut text = vec![
        "- parallel:".to_string(),
        format!("    {hears}:"),
        format!("      - receive: {name}"),
        format!("      {line}"),
        format!("    {tells}:"),
    ];
    text.extend(nest(&list.lines, 6));
    text.push(format!("      {throw}"));
    Piece { lines: text, path: list.path.then(Path::marks(&[&mark])) }
}

/// Steps that are undone in reverse, by their borders.
fn compensated(author: &mut Author<'_>, place: Place) -> Piece {
    let (one, two) = (author.id("s"), author.id("s"));
    let ((first, made), (second, made_too)) = (author.mark(), author.mark());
    let ((undo, undone), (undo_too, undone_too)) = (author.mark(), author.mark());
    let between = author.list(Place { once: false, undo: false, ..place });
    let step = |id: &str, line: &str, undo: &str| {
        let body = body(line);
        lines(&format!("- id: {id}\n  {body}\n  boundary: [{{compensate: [{}]}}]", undo.trim_start_matches("- ")))
    };
    let all = author.dice.percent(60);
    let mut text = vec!["- group:".to_string()];
    text.extend(nest(&step(&one, &first, &undo), 4));
    text.extend(nest(&between.lines, 4));
    text.extend(nest(&step(&two, &second, &undo_too), 4));
    text.push(format!("    - compensate: {}", if all { "all" } else { &one }));
    let undone: &[&str] = if all { &[&undone_too, &undone] } else { &[&undone] };
    let path = Path::marks(&[&made]).then(between.path).then(Path::marks(&[&made_too])).then(Path::marks(undone));
    Piece { lines: text, path }
}

/// A transaction that is canceled: what completed in it is undone, and it is left by its cancel event.
fn canceled(author: &mut Author<'_>, place: Place) -> Piece {
    let (id, (line, mark), (undo, undone), (after, behind)) =
        (author.id("s"), author.mark(), author.mark(), author.mark());
    let inside = author.list(Place { once: false, undo: false, ..place });
    let body = body(&line);
    let mut text = lines("- transaction: true\n  group:");
    text.extend(nest(
        &lines(&format!("- id: {id}\n  {body}\n  boundary: [{{compensate: [{}]}}]", undo.trim_start_matches("- "))),
        4,
    ));
    text.extend(nest(&inside.lines, 4));
    text.push("    - {end: Given up, cancel: true}".into());
    text.push("  boundary:".into());
    text.extend(item("cancel: true", &[], &[after], 4));
    Piece { lines: text, path: Path::marks(&[&mark]).then(inside.path).then(Path::marks(&[&undone, &behind])) }
}

/// A branch ends everything in its group.
fn terminated(author: &mut Author<'_>, place: Place) -> Piece {
    let (kept, list) = (author.waiting_list(Place { clock: false, ..place }), author.waiting_list(place));
    let (one, other) = (author.id("branch"), author.id("branch"));
    let mut text = vec!["- group:".to_string(), "    - parallel:".into(), format!("        {one}:")];
    text.extend(nest(&kept.lines, 10));
    text.push(format!("        {other}:"));
    text.extend(nest(&list.lines, 10));
    text.push("          - {end: Over, terminate: true}".into());
    // What the other branch does comes before the last step of this one.
    let kept = kept.path.cut(author.dice).unwrap_or_default();
    let mut last = list.path;
    let end = last.steps.pop();
    let mut path = Path::beside(author.dice, vec![kept, last]);
    path.steps.extend(end);
    Piece { lines: text, path }
}

/// Rounds at the same time, of which some are canceled when enough are through.
fn at_once(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, item, (line, mark)) = (author.id("t"), author.id("item"), author.mark());
    let (count, width) = (author.dice.between(2, 4), author.dice.between(2, 4));
    let enough = author.dice.between(1, count);
    let var = author.var();
    let text = format!(
        "- set: {{{var}: 0}}
- each: {item} in [1, 2, 3, 4][item <= {count}]
  at_once: {width}
  until: {var} >= {enough}
  steps:
    - {{id: {id}, user_task: Do {id}, outcomes: {{done: {{set: {{{var}: {var} + 1}}}}}}}}
    {line}"
    );
    let mut path = Path::default();
    for _ in 0..enough {
        path = path.on(format!("complete {id}"), &[&mark]);
    }
    Piece { lines: lines(&text), path }
}

/// Another process in block form, waited for.
fn call(author: &mut Author<'_>, place: Place) -> Piece {
    let name = author.id("p");
    let vars = std::mem::take(&mut author.vars);
    let list = author.list(place);
    let text = author.process(&name, &list.lines);
    author.vars = vars;
    author.processes.push((format!("{name}.yaml"), text));
    Piece { lines: vec![format!("- {{call: {name}}}")], path: list.path }
}

/// A called process raises an error, which is caught outside.
fn crossing(author: &mut Author<'_>, place: Place) -> Piece {
    let (name, code, caught) = (author.id("p"), author.error(), author.list(place));
    let vars = std::mem::take(&mut author.vars);
    let list = author.list(place);
    let mut steps = list.lines;
    steps.push(format!("- raise: {code}"));
    let text = author.process(&name, &steps);
    author.vars = vars;
    author.processes.push((format!("{name}.yaml"), text));
    let mut text = vec![format!("- call: {name}"), "  boundary:".into()];
    text.extend(item(&format!("error: {code}"), &[], &caught.lines, 4));
    Piece { lines: text, path: list.path.then(caught.path) }
}

/// Another process that is started and left alone: its way goes on beside what follows.
fn detached(author: &mut Author<'_>, place: Place) -> Piece {
    let name = author.id("p");
    let vars = std::mem::take(&mut author.vars);
    let other = author.marked();
    let text = author.process(&name, &other.lines);
    author.vars = vars;
    author.processes.push((format!("{name}.yaml"), text));
    let list = author.list(place);
    let mut text = vec![format!("- {{call: {name}, detached: true}}")];
    text.extend(list.lines);
    Piece { lines: text, path: other.path.then(list.path) }
}

/// Lists by the stage of a record: left by the stage's change, entered by the next.
fn by_stage(author: &mut Author<'_>, place: Place) -> Piece {
    let (id, var, find) = author.record();
    let first = author.waiting_list(Place { clock: false, ..place });
    let (second, last) = (author.list(place), author.marked());
    let mut text = vec![find, format!("- by_stage: {var}"), "  stages:".into(), "    begun:".into()];
    text.extend(nest(&first.lines, 6));
    text.push("    going:".into());
    text.extend(nest(&second.lines, 6));
    text.push(format!("      - stage: {var} -> gone"));
    text.push("    gone:".into());
    text.extend(nest(&last.lines, 6));
    let cut = first.path.cut(author.dice).unwrap_or_default();
    Piece { lines: text, path: cut.on(format!("set {id} stage=going"), &[]).then(second.path).then(last.path) }
}

/// One such list: withdrawn when the record leaves, passed when it is elsewhere.
fn in_stage(author: &mut Author<'_>, place: Place) -> Piece {
    let (id, var, find) = author.record();
    let inside = author.waiting_list(Place { clock: false, ..place });
    let after = author.marked();
    let here = author.dice.percent(75);
    let mut text =
        vec![find, format!("- in_stage: {var} at {}", if here { "begun" } else { "going" }), "  steps:".into()];
    text.extend(nest(&inside.lines, 4));
    let path = match here {
        true => inside.path.cut(author.dice).unwrap_or_default().on(format!("set {id} stage=going"), &[]),
        false => Path::default(),
    };
    joined(Piece { lines: text, path }, after)
}

/// What may stand at the very end of a story: an incident that stays open, and its code.
pub fn last(author: &mut Author<'_>) -> (Piece, Option<String>) {
    let (code, id) = (author.error(), author.id("i"));
    let piece = Piece { lines: vec![format!("- {{id: {id}, incident: {code}}}")], path: Path::default() };
    (piece, Some(code))
}
