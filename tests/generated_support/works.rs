//! Pieces that do one thing: work of people and services, values and records, sending and waiting.

use crate::author::{Author, Place};
use crate::story::{Path, Piece, lines};

type Write = fn(&mut Author<'_>, Place) -> Piece;

/// A piece of work, of those that may stand at this place.
pub fn work(author: &mut Author<'_>, place: Place) -> Piece {
    const ANYWHERE: &[Write] = &[
        mark,
        |author, _| task(author),
        choice_of_task,
        set,
        service_inside,
        escalate,
        stage,
        decide,
        notify,
        print,
        kept_message,
        signal,
    ];
    const ALONE: &[Write] = &[service_outside, records, incident, receive, receive_signal, race, approve, ad_hoc];
    const ONCE: &[Write] = &[condition, record_event];
    const CLOCK: &[Write] = &[wait, remind];
    let mut choices = ANYWHERE.to_vec();
    if place.alone {
        choices.extend(ALONE);
        if place.once {
            choices.extend(ONCE);
        }
        if place.clock {
            choices.extend(CLOCK);
        }
    }
    let write = *author.dice.of(&choices);
    write(author, place)
}

fn mark(author: &mut Author<'_>, _: Place) -> Piece {
    author.marked()
}

/// A user task with one way on.
pub fn task(author: &mut Author<'_>) -> Piece {
    let (id, (line, mark)) = (author.id("t"), author.mark());
    let text = format!("- {{id: {id}, user_task: Do {id}}}\n{line}");
    Piece { lines: lines(&text), path: Path::default().on(format!("complete {id}"), &[&mark]) }
}

/// A user task with two outcomes, of which one has steps; what is written in the form is kept.
fn choice_of_task(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, kept, (made, mark), (_, seen)) = (author.id("t"), author.id("f"), author.mark(), author.mark());
    let text = format!(
        "- id: {id}
  user_task: Choose {id}
  form: [{{{kept}: number}}]
  keep: [{kept}]
  outcomes:
    left: {{require: [{kept}], steps: [{}]}}
    right:
- if: get or else({kept}, 0) = 7
  create: mark
  set: {{name: '\"{seen}\"'}}",
        made.trim_start_matches("- ")
    );
    let path = match author.dice.below(3) {
        0 => Path::default().on(format!("complete {id} right"), &[]),
        1 => Path::default().on(format!("complete {id} left {kept}=1"), &[&mark]),
        _ => Path::default().on(format!("complete {id} left {kept}=7"), &[&mark, &seen]),
    };
    Piece { lines: lines(&text), path }
}

/// Variables and conditions of steps.
fn set(author: &mut Author<'_>, _: Place) -> Piece {
    let (var, (_, yes), (_, no)) = (author.var(), author.mark(), author.mark());
    let number = author.dice.below(3);
    let text = format!(
        "- set: {{{var}: {number}}}
- {{if: {var} = {number}, create: mark, set: {{name: '\"{yes}\"'}}}}
- {{if: {var} > {number}, create: mark, set: {{name: '\"{no}\"'}}}}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&yes]) }
}

fn service_inside(author: &mut Author<'_>, _: Place) -> Piece {
    let (var, (_, mark)) = (author.var(), author.mark());
    let text = format!(
        "- {{service: double, with: {{n: 4}}, take: {{{var}: n}}}}
- {{if: {var} = 8, create: mark, set: {{name: '\"{mark}\"'}}}}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

/// A job: it succeeds, also behind failures, or raises, or its retries are used up.
fn service_outside(author: &mut Author<'_>, _: Place) -> Piece {
    let (service, error) = (author.id("job"), author.error());
    author.services.push(format!("{service}: {{with: {{n: number}}, returns: {{n: number}}, raises: [{error}]}}"));
    let ((raised, raises), (failed, fails), (late, lates), (_, done), var) =
        (author.mark(), author.mark(), author.mark(), author.mark(), author.var());
    let inner = |line: &str| line.trim_start_matches("- ").to_string();
    let text = format!(
        "- set: {{{var}: 0}}
- service: {service}
  with: {{n: 1}}
  take: {{{var}: n}}
  retry: {{times: 1, backoff: 10 s}}
  timeout: 1 h
  boundary:
    - {{error: {error}, steps: [{}]}}
    - {{error: service_failed, steps: [{}]}}
    - {{error: timeout, steps: [{}]}}
- {{if: {var} = 5, create: mark, set: {{name: '\"{done}\"'}}}}",
        inner(&raised),
        inner(&failed),
        inner(&late)
    );
    let job = |what: &str| format!("job {service} {what}");
    let path = match author.dice.below(5) {
        0 => Path::default().on(job("n=5"), &[&done]),
        1 => Path::default().on(job("breaks"), &[]).on(job("n=5"), &[&done]),
        2 => Path::default().on(job(&format!("raises {error}")), &[&raises]),
        3 => Path::default().on(job("breaks"), &[]).on(job("breaks"), &[&fails]),
        _ => Path::default().on(job("times_out"), &[]).on(job("times_out"), &[&lates]),
    };
    Piece { lines: lines(&text), path }
}

/// Records made, changed, counted and deleted.
fn records(author: &mut Author<'_>, _: Place) -> Piece {
    let (name, made, count, (_, mark)) = (author.id("x"), author.id("r"), author.id("c"), author.mark());
    let text = format!(
        "- {{create: thing, set: {{name: '\"{name}\"'}}, as: {made}}}
- {{update: {made}, set: {{n: 5}}}}
- {{read: thing, where: 'name = \"{name}\" and n = 5', count: true, as: {count}}}
- {{delete: {made}}}
- {{if: {count} = 1, create: mark, set: {{name: '\"{mark}\"'}}}}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

fn stage(author: &mut Author<'_>, _: Place) -> Piece {
    let (made, (_, mark)) = (author.id("r"), author.mark());
    let text = format!(
        "- {{create: thing, as: {made}}}
- stage: {made} -> going
  set: {{n: 2}}
- {{if: {made}.stage = going, create: mark, set: {{name: '\"{mark}\"'}}}}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

fn decide(author: &mut Author<'_>, _: Place) -> Piece {
    let (var, (_, mark)) = (author.var(), author.mark());
    let asked = author.dice.below(3);
    let text = format!(
        "- decide:
    inputs: {{n: number}}
    outputs: {{n: int}}
    hit: first
    rules:
      - {{when: {{n: \"< 1\"}}, then: {{n: 10}}}}
      - {{when: {{n: \"[1..2)\"}}, then: {{n: 11}}}}
      - {{then: {{n: 12}}}}
  with: {{n: {asked}}}
  take: {{{var}: n}}
- {{if: {var} = {}, create: mark, set: {{name: '\"{mark}\"'}}}}",
        10 + asked
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

fn notify(author: &mut Author<'_>, _: Place) -> Piece {
    let (user, (line, mark)) = (author.id("u"), author.mark());
    let text = format!(
        "- {{read: user, where: 'name = \"anna\"', first: true, as: {user}}}
- {{notify: {user}, text: Look here}}
{line}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

fn print(author: &mut Author<'_>, _: Place) -> Piece {
    let (made, paper, (_, mark)) = (author.id("r"), author.id("d"), author.mark());
    let text = format!(
        "- {{create: thing, set: {{name: '\"T\"'}}, as: {made}}}
- {{print: slip, for: {made}, as: {paper}}}
- {{if: '{paper}.thing = {made}', create: mark, set: {{name: '\"{mark}\"'}}}}"
    );
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

/// An escalation that nobody takes.
fn escalate(author: &mut Author<'_>, _: Place) -> Piece {
    let (code, (line, mark)) = (author.id("esc"), author.mark());
    Piece { lines: vec![format!("- {{escalate: {code}}}"), line], path: Path::marks(&[&mark]) }
}

/// A signal that nobody listens to.
fn signal(author: &mut Author<'_>, _: Place) -> Piece {
    let (name, (line, mark)) = (author.signal(), author.mark());
    Piece { lines: vec![format!("- {{signal: {name}}}"), line], path: Path::marks(&[&mark]) }
}

/// A message that is kept until it is received.
fn kept_message(author: &mut Author<'_>, _: Place) -> Piece {
    let (name, (line, mark)) = (author.id("msg"), author.mark());
    author.messages.push(format!("{name}: {{key: text, ttl: 1 day}}"));
    let text = format!("- {{send: {name}, key: '\"k\"'}}\n- {{receive: {name}, key: '\"k\"'}}\n{line}");
    Piece { lines: lines(&text), path: Path::marks(&[&mark]) }
}

/// Stops until somebody decides; begun again once or not at all.
fn incident(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, error, (line, mark)) = (author.id("i"), author.error(), author.mark());
    let text = format!(
        "- id: {id}
  incident: {error}
  ways_out:
    retry: {{title: Again}}
    forth: {{title: Forth, steps: [{}]}}",
        line.trim_start_matches("- ")
    );
    let again = author.dice.below(2);
    let mut path = Path::default();
    for _ in 0..again {
        path = path.on(format!("retry {id}"), &[]);
    }
    Piece { lines: lines(&text), path: path.on(format!("way {id} forth"), &[&mark]) }
}

fn receive(author: &mut Author<'_>, _: Place) -> Piece {
    let (name, (line, mark)) = (author.message(), author.mark());
    Piece {
        lines: vec![format!("- {{receive: {name}}}"), line],
        path: Path::default().on(format!("send {name}"), &[&mark]),
    }
}

fn receive_signal(author: &mut Author<'_>, _: Place) -> Piece {
    let (name, (line, mark)) = (author.signal(), author.mark());
    Piece {
        lines: vec![format!("- {{receive: {name}}}"), line],
        path: Path::default().on(format!("signal {name}"), &[&mark]),
    }
}

/// The first of two or three events.
fn race(author: &mut Author<'_>, place: Place) -> Piece {
    let (message, signal) = (author.message(), author.signal());
    let ((one, first), (two, second), (three, third)) = (author.mark(), author.mark(), author.mark());
    let inner = |line: &str| line.trim_start_matches("- ").to_string();
    let text = format!(
        "- race:
    - {{message: {message}, steps: [{}]}}
    - {{signal: {signal}, steps: [{}]}}
    - {{after: {}, steps: [{}]}}",
        inner(&one),
        inner(&two),
        if place.clock { "3 h" } else { "3000 days" },
        inner(&three)
    );
    let path = match author.dice.below(if place.clock { 3 } else { 2 }) {
        0 => Path::default().on(format!("send {message}"), &[&first]),
        1 => Path::default().on(format!("signal {signal}"), &[&second]),
        _ => Path::default().on("wait 2 h", &[]).on("wait 1 h", &[&third]),
    };
    Piece { lines: lines(&text), path }
}

/// A condition over a record, true already or when somebody makes it so.
fn condition(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, var, find) = author.record();
    let (line, mark) = author.mark();
    let text = format!("{find}\n- wait: {{when: {var}.n >= 3}}\n{line}");
    let path = Path::default().on(format!("set {id} n=2"), &[]).on(format!("set {id} n=3"), &[&mark]);
    Piece { lines: lines(&text), path }
}

fn record_event(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, var, find) = author.record();
    let (line, mark) = author.mark();
    let text = format!(
        "{find}\n- {{receive: thing.updated, changed: [n], of: any, when: 'record = {var} and record.n > 1'}}\n{line}"
    );
    let path = Path::default().on(format!("set {id} n=1"), &[]).on(format!("set {id} n=2"), &[&mark]);
    Piece { lines: lines(&text), path }
}

fn wait(author: &mut Author<'_>, _: Place) -> Piece {
    let (line, mark) = author.mark();
    let text = format!("- wait: 2 h\n{line}");
    let path = match author.dice.below(2) {
        0 => Path::default().on("wait 2 h", &[&mark]),
        _ => Path::default().on("wait 90 min", &[]).on("wait 30 min", &[&mark]),
    };
    Piece { lines: lines(&text), path }
}

/// A task with reminders that do not interrupt it, and an end that does.
fn remind(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, (told, tells), (late, lates), (line, mark)) =
        (author.id("t"), author.mark(), author.mark(), author.mark());
    let inner = |line: &str| line.trim_start_matches("- ").to_string();
    let text = format!(
        "- id: {id}
  user_task: Do {id}
  boundary:
    - {{after: 1 h, every: 1 h, interrupt: false, steps: [{}]}}
    - {{after: 150 min, steps: [{}]}}
{line}",
        inner(&told),
        inner(&late)
    );
    let path = Path::default().on("wait 1 h", &[&tells]);
    let path = match author.dice.below(2) {
        0 => path.on(format!("complete {id}"), &[&mark]),
        _ => path.on("wait 1 h", &[&tells]).on("wait 30 min", &[&lates, &mark]),
    };
    Piece { lines: lines(&text), path }
}

/// Two people are asked: all of them, or any of them, must approve.
fn approve(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, one, other) = (author.id("t"), author.id("u"), author.id("u"));
    let ((yes, approved), (no, rejected)) = (author.mark(), author.mark());
    let inner = |line: &str| line.trim_start_matches("- ").to_string();
    let all = author.dice.percent(50);
    let text = format!(
        "- {{read: user, where: 'name = \"anna\"', first: true, as: {one}}}
- {{read: user, where: 'name = \"ben\"', first: true, as: {other}}}
- id: {id}
  approve: Agree
  by: [{one}, {other}]
  rule: {}
  outcomes:
    approved: {{steps: [{}]}}
    rejected: {{steps: [{}]}}
    void:",
        if all { "all" } else { "any" },
        inner(&yes),
        inner(&no)
    );
    let people = [("anna", "ben"), ("ben", "anna")];
    let (first, second) = *author.dice.of(&people);
    // One answer is enough when it decides.
    let answers = if author.dice.percent(50) { ["approved", "rejected"] } else { ["rejected", "approved"] };
    let decides = (answers[0] == "rejected") == all;
    let path = Path::default().on_if(
        format!("complete {id} {} by {first}", answers[0]),
        decides,
        if all { &rejected } else { &approved },
    );
    let path = match decides {
        true => path,
        false => path.on(
            format!("complete {id} {} by {second}", answers[1]),
            &[if answers[1] == "approved" { &approved } else { &rejected }],
        ),
    };
    Piece { lines: lines(&text), path }
}

/// People choose what begins, how often, and when it is over.
fn ad_hoc(author: &mut Author<'_>, _: Place) -> Piece {
    let (id, task, step) = (author.id("a"), author.id("t"), author.id("k"));
    let ((line, mark), (after, behind)) = (author.mark(), author.mark());
    let text = format!(
        "- id: {id}
  ad_hoc:
    - {{id: {task}, user_task: Do {task}}}
    - {{id: {step}, {}
{after}",
        line.trim_start_matches("- {")
    );
    let mut path = Path::default();
    for _ in 0..author.dice.below(3) {
        path = match author.dice.below(2) {
            0 => path.on(format!("act {step}"), &[&mark]),
            _ => path.on(format!("act {task}"), &[]).on(format!("complete {task}"), &[]),
        };
    }
    if author.dice.percent(40) {
        // What still runs when it is over is canceled.
        path = path.on(format!("act {task}"), &[]);
    }
    Piece { lines: lines(&text), path: path.on(format!("act {id}"), &[&behind]) }
}
