//! Pieces in flat form: a called process of nodes and flows, made of fragments that lead to each other.

use crate::author::{Author, Place};
use crate::story::{Path, Piece, lines, nest};

/// Nodes and flows with one way in and one way out.
#[derive(Default)]
struct Fragment {
    nodes: Vec<String>,
    flows: Vec<(String, String, String)>,
    first: String,
    last: String,
    path: Path,
}

type Write = fn(&mut Author<'_>, Place) -> Fragment;

/// A call of a process in flat form.
pub fn call(author: &mut Author<'_>, place: Place) -> Piece {
    let name = author.id("p");
    let vars = std::mem::take(&mut author.vars);
    let chain = chain(author, Place { depth: place.depth + 1, ..place });
    let vars = std::mem::replace(&mut author.vars, vars).join(", ");
    let mut text =
        format!("process: {name}\nversion: 1\ntitle: {name}\nvars: {{{vars}}}\ntasks: {{assign: role(clerk)}}\n");
    text.push_str(&(scope(&chain).join("\n") + "\n"));
    author.processes.push((format!("{name}.yaml"), text));
    Piece { lines: vec![format!("- {{call: {name}}}")], path: chain.path }
}

/// `nodes` and `flows` of a scope; it begins by a start event or by its first node.
fn scope(chain: &Fragment) -> Vec<String> {
    let mut text = vec!["nodes:".to_string()];
    text.extend(nest(&chain.nodes, 2));
    if !chain.flows.is_empty() {
        text.push("flows:".into());
    }
    text.extend(chain.flows.iter().map(|(from, to, more)| format!("  - {{from: {from}, to: {to}{more}}}")));
    text
}

fn chain(author: &mut Author<'_>, place: Place) -> Fragment {
    let count = author.dice.between(1, 3);
    let mut whole = fragment(author, place);
    for _ in 1..count {
        let next = fragment(author, place);
        whole.flow(&next.first.clone(), None);
        whole.nodes.extend(next.nodes);
        whole.flows.extend(next.flows);
        (whole.last, whole.path) = (next.last, whole.path.then(next.path));
    }
    whole
}

fn fragment(author: &mut Author<'_>, place: Place) -> Fragment {
    const SIMPLE: &[Write] = &[mark, task, quantities, link, send, receive, mapped, throws];
    const DEEP: &[Write] = &[
        exclusive,
        parallel,
        inclusive,
        complex,
        looped,
        instances,
        race,
        multiple,
        all_of,
        border,
        handler,
        compensation,
        error,
        sub_process,
    ];
    let deep = place.depth < 4 && author.dice.percent(65);
    let write = *author.dice.of(if deep { DEEP } else { SIMPLE });
    write(author, Place { depth: place.depth + 1, ..place })
}

impl Fragment {
    fn of(nodes: &str, first: &str, last: &str, path: Path) -> Self {
        Self { nodes: lines(nodes), flows: Vec::new(), first: first.into(), last: last.into(), path }
    }

    /// A flow from the last node, or from another one.
    fn flow(&mut self, to: &str, from: Option<&str>) {
        let from = from.map_or(self.last.clone(), str::to_string);
        self.flows.push((from, to.to_string(), String::new()));
    }

    fn with(mut self, flows: &[(&str, &str)]) -> Self {
        self.flows.extend(flows.iter().map(|(from, to)| ((*from).to_string(), (*to).to_string(), String::new())));
        self
    }
}

/// The node that makes a mark: its line, its id, the mark.
fn marking(author: &mut Author<'_>) -> (String, String, String) {
    let (id, (line, mark)) = (author.id("k"), author.mark());
    (format!("- {{id: {id}, type: service_task, {}", line.trim_start_matches("- {")), id, mark)
}

fn mark(author: &mut Author<'_>, _: Place) -> Fragment {
    let (line, id, mark) = marking(author);
    Fragment::of(&line, &id, &id, Path::marks(&[&mark]))
}

fn task(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, (line, next, mark)) = (author.id("t"), marking(author));
    let text = format!("- {{id: {id}, type: user_task, title: Do {id}}}\n{line}");
    Fragment::of(&text, &id, &next, Path::default().on(format!("complete {id}"), &[&mark])).with(&[(&id, &next)])
}

/// Several tokens for one, and one for several.
fn quantities(author: &mut Author<'_>, _: Place) -> Fragment {
    let (pack, ship, (line, next, mark)) = (author.id("a"), author.id("a"), marking(author));
    let (gives, rounds) = (author.dice.between(2, 3), author.dice.between(1, 2));
    let text = format!(
        "- {{id: {pack}, type: manual_task, completion_quantity: {}}}\n- {{id: {ship}, type: manual_task, start_quantity: {gives}, completion_quantity: {rounds}}}\n{line}",
        gives * rounds
    );
    // As many tokens as there are rounds would go on: they are gathered to one.
    let gathered = author.id("a");
    let gather = format!("{text}\n- {{id: {gathered}, type: manual_task, start_quantity: {}}}", rounds * rounds);
    let marks = vec![mark.as_str(); rounds * rounds];
    Fragment::of(&gather, &pack, &gathered, Path::marks(&marks)).with(&[
        (&pack, &ship),
        (&ship, &next),
        (&next, &gathered),
    ])
}

fn link(author: &mut Author<'_>, _: Place) -> Fragment {
    let (throw, catch, name, (line, next, mark)) = (author.id("a"), author.id("a"), author.id("link"), marking(author));
    let text = format!(
        "- {{id: {throw}, type: intermediate_throw_event, link: {name}}}\n- {{id: {catch}, type: intermediate_catch_event, link: {name}}}\n{line}"
    );
    Fragment::of(&text, &throw, &next, Path::marks(&[&mark])).with(&[(&catch, &next)])
}

/// A send task whose message is kept until the receive task behind it takes it.
fn send(author: &mut Author<'_>, _: Place) -> Fragment {
    let (one, two, name, (line, next, mark)) = (author.id("a"), author.id("a"), author.id("msg"), marking(author));
    author.messages.push(format!("{name}: {{key: text, ttl: 1 day}}"));
    let text = format!(
        "- {{id: {one}, type: send_task, send: {name}, key: '\"k\"'}}\n- {{id: {two}, type: receive_task, receive: {name}, key: '\"k\"'}}\n{line}"
    );
    Fragment::of(&text, &one, &next, Path::marks(&[&mark])).with(&[(&one, &two), (&two, &next)])
}

fn receive(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, name, (line, next, mark)) = (author.id("a"), author.message(), marking(author));
    let text = format!("- {{id: {id}, type: receive_task, receive: {name}}}\n{line}");
    Fragment::of(&text, &id, &next, Path::default().on(format!("send {name}"), &[&mark])).with(&[(&id, &next)])
}

/// Inputs and outputs of an activity.
fn mapped(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, var, input, which) = (author.id("t"), author.var(), author.id("in"), author.id("x"));
    let (line, next, mark) = marking(author);
    let end = author.id("x");
    let text = format!(
        "- {{id: {id}, type: user_task, title: Do {id}, inputs: {{{input}: 3 * 2}}, outputs: {{{var}: {input} + 1}}}}
- {{id: {which}, type: exclusive_gateway}}
{line}
- {{id: {end}, type: exclusive_gateway}}"
    );
    let mut fragment = Fragment::of(&text, &id, &end, Path::default().on(format!("complete {id}"), &[&mark]));
    fragment.flows.push((which.clone(), next.clone(), format!(", when: {var} = 7")));
    fragment.flows.push((which.clone(), end.clone(), ", otherwise: true".into()));
    fragment.with(&[(&id, &which), (&next, &end)])
}

/// An event that throws several.
fn throws(author: &mut Author<'_>, _: Place) -> Fragment {
    let (inner, throw, signal, code) = (author.id("sub"), author.id("a"), author.signal(), author.id("esc"));
    let (border, (line, next, mark), join) = (author.id("b"), marking(author), author.id("x"));
    let text = format!(
        "- id: {inner}
  type: sub_process
  nodes:
    - {{id: {throw}, type: end_event, throws: [{{signal: {signal}}}, {{escalate: {code}}}]}}
- {{id: {border}, type: boundary_event, attached_to: {inner}, escalation: {code}}}
{line}
- {{id: {join}, type: exclusive_gateway}}"
    );
    Fragment::of(&text, &inner, &join, Path::marks(&[&mark])).with(&[(&border, &next), (&next, &join), (&inner, &join)])
}

/// Fragments between a gateway that splits and one that joins; the flows out of the first have these conditions.
fn between(author: &mut Author<'_>, kinds: (&str, &str), ways: Vec<(Fragment, String)>, taken: &[usize]) -> Fragment {
    let (split, join) = (author.id("x"), author.id("x"));
    let text = format!("- {{id: {split}, type: {}}}\n- {{id: {join}, type: {}}}", kinds.0, kinds.1);
    let mut whole = Fragment::of(&text, &split, &join, Path::default());
    let mut paths = Vec::new();
    for (at, (way, condition)) in ways.into_iter().enumerate() {
        whole.flows.push((split.clone(), way.first.clone(), condition));
        whole.flows.push((way.last.clone(), join.clone(), String::new()));
        whole.nodes.extend(way.nodes);
        whole.flows.extend(way.flows);
        if taken.contains(&at) {
            paths.push(way.path);
        }
    }
    whole.path = Path::beside(author.dice, paths);
    whole
}

/// The value that the conditions behind look at, assigned before.
fn assigned(author: &mut Author<'_>, var: &str, value: usize, mut whole: Fragment) -> Fragment {
    let id = author.id("a");
    whole.nodes.push(format!("- {{id: {id}, type: script_task, set: {{{var}: {value}}}}}"));
    let first = std::mem::replace(&mut whole.first, id.clone());
    whole.with(&[(&id, &first)])
}

fn exclusive(author: &mut Author<'_>, place: Place) -> Fragment {
    let (var, value) = (author.var(), author.dice.below(2));
    let ways =
        vec![(chain(author, place), format!(", when: {var} = 0")), (chain(author, place), ", otherwise: true".into())];
    let whole = between(author, ("exclusive_gateway", "exclusive_gateway"), ways, &[value]);
    assigned(author, &var, value, whole)
}

fn parallel(author: &mut Author<'_>, place: Place) -> Fragment {
    let still = Place { clock: false, ..place };
    let ways = vec![(chain(author, place), String::new()), (chain(author, still), String::new())];
    between(author, ("parallel_gateway", "parallel_gateway"), ways, &[0, 1])
}

fn inclusive(author: &mut Author<'_>, place: Place) -> Fragment {
    let still = Place { clock: false, ..place };
    let (var, value) = (author.var(), author.dice.below(4));
    let ways = vec![
        (chain(author, place), format!(", when: '{var} in (1, 3)'")),
        (chain(author, still), format!(", when: '{var} in (2, 3)'")),
        (chain(author, still), ", otherwise: true".into()),
    ];
    let taken: &[usize] = match value {
        0 => &[2],
        1 => &[0],
        2 => &[1],
        _ => &[0, 1],
    };
    let whole = between(author, ("inclusive_gateway", "inclusive_gateway"), ways, taken);
    assigned(author, &var, value, whole)
}

/// The first of two goes on; the sub-process waits for the other.
fn complex(author: &mut Author<'_>, _: Place) -> Fragment {
    let (sub, split, join) = (author.id("sub"), author.id("x"), author.id("x"));
    let tasks = [author.id("t"), author.id("t")];
    let (line, next, mark) = marking(author);
    let enough = author.dice.between(1, 2);
    let text = format!(
        "- id: {sub}
  type: sub_process
  nodes:
    - {{id: {split}, type: parallel_gateway}}
    - {{id: {}, type: user_task, title: One}}
    - {{id: {}, type: user_task, title: Other}}
    - {{id: {join}, type: complex_gateway, activation_condition: {enough}}}
    {line}
  flows:
    - {{from: {split}, to: {}}}
    - {{from: {split}, to: {}}}
    - {{from: {}, to: {join}}}
    - {{from: {}, to: {join}}}
    - {{from: {join}, to: {next}}}",
        tasks[0], tasks[1], tasks[0], tasks[1], tasks[0], tasks[1]
    );
    let first = author.dice.below(2);
    let path = Path::default().on_if(format!("complete {}", tasks[first]), enough == 1, &mark);
    let path = path.on_if(format!("complete {}", tasks[1 - first]), enough == 2, &mark);
    Fragment::of(&text, &sub, &sub, path)
}

/// A standard loop, by its condition or its maximum.
fn looped(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, rounds) = (author.id("t"), author.dice.between(1, 3));
    let test = match author.dice.below(3) {
        0 => format!("loop_condition: loop.counter < {rounds}"),
        1 => format!("loop_condition: loop.completed < {rounds}, test_before: true"),
        _ => format!("loop_maximum: {rounds}"),
    };
    let text = format!("- {{id: {id}, type: user_task, title: Do {id}, standard_loop: {{{test}}}}}");
    let path = (0..rounds).fold(Path::default(), |path, _| path.on(format!("complete {id}"), &[]));
    Fragment::of(&text, &id, &id, path)
}

/// Several instances that throw events when they complete.
fn instances(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, border, signal, (line, next, mark)) = (author.id("t"), author.id("b"), author.signal(), marking(author));
    let (times, width) = (author.dice.between(1, 3), *author.dice.of(&["1", "2", "all"]));
    let (behavior, told) = match author.dice.below(3) {
        0 => (format!("behavior: none, throws: {{signal: {signal}}}"), (1..=times).collect::<Vec<_>>()),
        1 => (format!("behavior: one, throws: {{signal: {signal}}}"), vec![1]),
        _ => {
            (format!("behavior: complex, complex: [{{when: loop.completed = {times}, signal: {signal}}}]"), vec![times])
        }
    };
    let sub = author.id("sub");
    let text = format!(
        "- id: {sub}
  type: sub_process
  nodes:
    - {{id: {id}, type: user_task, title: Do {id}, multi_instance: {{times: {times}, at_once: {width}, {behavior}}}}}
    - {{id: {border}, type: boundary_event, attached_to: {id}, signal: {signal}, interrupt: false}}
    {line}
  flows:
    - {{from: {border}, to: {next}}}"
    );
    let path = (1..=times)
        .fold(Path::default(), |path, round| path.on_if(format!("complete {id}"), told.contains(&round), &mark));
    Fragment::of(&text, &sub, &sub, path)
}

/// An event-based gateway.
fn race(author: &mut Author<'_>, place: Place) -> Fragment {
    let (which, one, two, three, join) =
        (author.id("x"), author.id("a"), author.id("a"), author.id("a"), author.id("x"));
    let (message, signal, (line, next, mark)) = (author.message(), author.signal(), marking(author));
    let text = format!(
        "- {{id: {which}, type: event_based_gateway}}
- {{id: {one}, type: receive_task, receive: {message}}}
- {{id: {two}, type: intermediate_catch_event, signal: {signal}}}
- {{id: {three}, type: intermediate_catch_event, wait: 3000 days}}
{line}
- {{id: {join}, type: exclusive_gateway}}"
    );
    let path = match author.dice.below(if place.clock { 3 } else { 2 }) {
        0 => Path::default().on(format!("send {message}"), &[&mark]),
        1 => Path::default().on(format!("signal {signal}"), &[]),
        _ => Path::default().on("wait 3000 days", &[]),
    };
    let flows = [
        (&which, &one),
        (&which, &two),
        (&which, &three),
        (&one, &next),
        (&next, &join),
        (&two, &join),
        (&three, &join),
    ];
    Fragment::of(&text, &which, &join, path).with(&flows.map(|(from, to)| (from.as_str(), to.as_str())))
}

/// The first of several triggers.
fn multiple(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, message, signal, (line, next, mark)) =
        (author.id("a"), author.message(), author.signal(), marking(author));
    let text = format!(
        "- {{id: {id}, type: intermediate_catch_event, events: [{{message: {message}}}, {{signal: {signal}}}]}}\n{line}"
    );
    let happens = [format!("send {message}"), format!("signal {signal}")];
    let happens = author.dice.of(&happens).clone();
    Fragment::of(&text, &id, &next, Path::default().on(happens, &[&mark])).with(&[(&id, &next)])
}

/// All of several triggers, in any order.
fn all_of(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, message, signal, (line, next, mark)) =
        (author.id("a"), author.message(), author.signal(), marking(author));
    let text = format!(
        "- {{id: {id}, type: intermediate_catch_event, parallel_multiple: true, events: [{{message: {message}}}, {{signal: {signal}}}]}}\n{line}"
    );
    let happens = [format!("send {message}"), format!("signal {signal}")];
    let first = author.dice.below(2);
    let path = Path::default().on(happens[first].clone(), &[]).on(happens[1 - first].clone(), &[&mark]);
    Fragment::of(&text, &id, &next, path).with(&[(&id, &next)])
}

/// Events at the border of a task: multiple, and interrupting or not.
fn border(author: &mut Author<'_>, _: Place) -> Fragment {
    let (id, at, message, signal) = (author.id("t"), author.id("b"), author.message(), author.signal());
    let ((line, next, mark), join) = (marking(author), author.id("x"));
    let (interrupts, all) = (author.dice.percent(50), author.dice.percent(40));
    let flag = if interrupts { "" } else { ", interrupt: false" };
    let every = if all { ", parallel_multiple: true" } else { "" };
    let text = format!(
        "- {{id: {id}, type: user_task, title: Do {id}}}
- {{id: {at}, type: boundary_event, attached_to: {id}, events: [{{message: {message}}}, {{signal: {signal}}}]{flag}{every}}}
{line}
- {{id: {join}, type: exclusive_gateway}}"
    );
    let mut path = Path::default();
    if all {
        path = path.on(format!("send {message}"), &[]);
    }
    path = path.on(format!("signal {signal}"), &[&mark]);
    let mut fragment = Fragment::of(&text, &id, &join, Path::default()).with(&[(&id, &join), (&at, &next)]);
    if interrupts {
        fragment.flow(&join, Some(&next));
        fragment.path = path;
    } else {
        fragment.path = path.on(format!("complete {id}"), &[]);
    }
    fragment
}

/// A handler of a sub-process.
fn handler(author: &mut Author<'_>, place: Place) -> Fragment {
    let (sub, handler, begin, message) = (author.id("sub"), author.id("h"), author.id("a"), author.message());
    let (inside, caught) =
        (chain(author, Place { clock: false, ..place }), chain(author, Place { clock: false, ..place }));
    let interrupts = author.dice.percent(60);
    let flag = if interrupts { "" } else { ", interrupt: false" };
    let mut text = lines(&format!("- id: {sub}\n  type: sub_process"));
    let mut whole = Fragment { path: Path::default(), ..inside };
    let mut own = Fragment { path: Path::default(), ..caught };
    own.nodes.insert(0, format!("- {{id: {begin}, type: start_event, message: {message}{flag}}}"));
    own.flow(&own.first.clone(), Some(&begin));
    whole.nodes.extend(lines(&format!("- id: {handler}\n  type: event_sub_process")));
    whole.nodes.extend(nest(&scope(&own), 2));
    text.extend(nest(&scope(&whole), 2));
    let send = format!("send {message}");
    let path = match inside.path.clone().cut(author.dice) {
        None => inside.path,
        Some(cut) if interrupts => cut.on(send, &[]).then(caught.path),
        Some(cut) => {
            let at = cut.steps.len();
            let mut rest = Path { first: Vec::new(), steps: inside.path.steps };
            rest.steps.drain(..at);
            let both = Path::beside(author.dice, vec![caught.path, rest]);
            cut.on(send, &[]).then(both)
        }
    };
    Fragment { nodes: text, flows: Vec::new(), first: sub.clone(), last: sub, path }
}

/// A step that is undone by a node of its own.
fn compensation(author: &mut Author<'_>, _: Place) -> Fragment {
    let ((line, id, mark), (undo, undoes, undone)) = (marking(author), marking(author));
    let (at, throw, sub) = (author.id("b"), author.id("a"), author.id("sub"));
    let text = format!(
        "- id: {sub}
  type: sub_process
  nodes:
    {line}
    - {{id: {at}, type: boundary_event, attached_to: {id}, compensate: {undoes}}}
    {undo}
    - {{id: {throw}, type: intermediate_throw_event, compensate: {id}}}
  flows:
    - {{from: {id}, to: {throw}}}"
    );
    Fragment::of(&text, &sub, &sub, Path::marks(&[&mark, &undone]))
}

/// An error out of a sub-process, caught at its border.
fn error(author: &mut Author<'_>, place: Place) -> Fragment {
    let (sub, at, end, join, code) = (author.id("sub"), author.id("b"), author.id("e"), author.id("x"), author.error());
    let (mut inside, (line, next, mark)) = (chain(author, place), marking(author));
    inside.nodes.push(format!("- {{id: {end}, type: end_event, raise: {code}}}"));
    inside.flow(&end, None);
    let mut text = lines(&format!("- id: {sub}\n  type: sub_process"));
    text.extend(nest(&scope(&inside), 2));
    text.extend(lines(&format!(
        "- {{id: {at}, type: boundary_event, attached_to: {sub}, error: {code}}}\n{line}\n- {{id: {join}, type: exclusive_gateway}}"
    )));
    let fragment = Fragment {
        nodes: text,
        flows: Vec::new(),
        first: sub.clone(),
        last: join.clone(),
        path: inside.path.then(Path::marks(&[&mark])),
    };
    fragment.with(&[(&sub, &join), (&at, &next), (&next, &join)])
}

fn sub_process(author: &mut Author<'_>, place: Place) -> Fragment {
    let sub = author.id("sub");
    let begin = author.dice.percent(50).then(|| author.id("a"));
    let (times, kind) = (author.dice.between(1, 2), *author.dice.of(&["sub_process", "transaction"]));
    let mut inside = chain(author, Place { once: place.once && times == 1, ..place });
    if let Some(begin) = begin {
        inside.nodes.insert(0, format!("- {{id: {begin}, type: start_event}}"));
        inside.flow(&inside.first.clone(), Some(&begin));
    }
    let mut text = lines(&format!("- id: {sub}\n  type: {kind}"));
    if times > 1 {
        text.push(format!("  multi_instance: {{times: {times}, at_once: 1}}"));
    }
    text.extend(nest(&scope(&inside), 2));
    Fragment { nodes: text, flows: Vec::new(), first: sub.clone(), last: sub, path: inside.path.times(times) }
}
