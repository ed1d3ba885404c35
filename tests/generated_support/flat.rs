//! A net as YAML in flat form, with the library that it needs.

use std::fmt::Write as _;

use crate::net::{Ending, Event, FIRST_PICK, Kind, Many, Net, Node};

/// The texts of the library and of the process `p`.
pub fn texts(net: &Net) -> (String, String) {
    let mut ids = Vec::new();
    events(net, &mut ids);
    let named = |of: Event| {
        ids.iter()
            .filter(|(event, _)| *event == of)
            .map(|(_, id)| format!("{id}: {{external: true}}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let library = format!(
        "library: t\ntitle: Test\nlanguages: [en]\nroles: {{clerk: {{}}}}\nmessages: {{{}}}\nsignals: {{{}}}\nerrors: {{e0: {{title: E0}}, e1: {{title: E1}}}}\n",
        named(Event::Message),
        named(Event::Signal),
    );
    let mut process = String::from("process: p\nversion: 1\ntitle: P\n");
    let _ = writeln!(process, "vars: {{pick: {{type: int, initial: {FIRST_PICK}}}}}");
    scope(net, "", &[], &mut process);
    (library, process)
}

/// The events that come from outside, each with the id of its node.
fn events(net: &Net, found: &mut Vec<(Event, String)>) {
    for node in &net.nodes {
        match &node.kind {
            Kind::Catch(event) | Kind::Border { event, .. } => found.push((event.clone(), node.id.clone())),
            Kind::Sub(inner) => events(inner, found),
            _ => {}
        }
    }
    for handler in &net.handlers {
        found.push((handler.event.clone(), handler.id.clone()));
        events(&handler.net, found);
    }
}

/// `begin` are nodes and flows written before the others: the start event of a handler.
fn scope(net: &Net, indent: &str, begin: &[String], text: &mut String) {
    let _ = writeln!(text, "{indent}nodes:");
    for line in begin {
        let _ = writeln!(text, "{indent}  - {line}");
    }
    for node in &net.nodes {
        match &node.kind {
            // A node that holds others is written in block form.
            Kind::Sub(inner) => {
                let _ = writeln!(text, "{indent}  - id: {}\n{indent}    type: sub_process", node.id);
                for line in many(node) {
                    let _ = writeln!(text, "{indent}    {line}");
                }
                scope(inner, &format!("{indent}    "), &[], text);
            }
            _ => {
                let parts = [format!("id: {}", node.id), kind(net, node)].into_iter().chain(many(node));
                let _ = writeln!(text, "{indent}  - {{{}}}", parts.collect::<Vec<_>>().join(", "));
            }
        }
    }
    for handler in &net.handlers {
        let _ = writeln!(text, "{indent}  - id: {}\n{indent}    type: event_sub_process", handler.id);
        let interrupts = if handler.interrupts { "" } else { ", interrupt: false" };
        let trigger = trigger(&handler.event, &handler.id, !handler.interrupts);
        let begin = format!("{{id: {}_begin, type: start_event, {trigger}{interrupts}}}", handler.id);
        let firsts = handler.net.beginnings();
        let mut inner = String::new();
        scope(&handler.net, &format!("{indent}    "), &[begin], &mut inner);
        let flows: String = firsts
            .iter()
            .map(|first| {
                format!("{indent}      - {{from: {}_begin, to: {}}}\n", handler.id, handler.net.nodes[*first].id)
            })
            .collect();
        if handler.net.flows.is_empty() {
            let _ = writeln!(inner, "{indent}    flows:");
        }
        text.push_str(&inner);
        text.push_str(&flows);
    }
    if net.flows.is_empty() {
        return;
    }
    let _ = writeln!(text, "{indent}flows:");
    for flow in &net.flows {
        let _ = write!(text, "{indent}  - {{from: {}, to: {}", net.nodes[flow.from].id, net.nodes[flow.to].id);
        if let Some(when) = &flow.when {
            let _ = write!(text, ", when: \"{}\"", picks(when));
        }
        let _ = writeln!(text, "{}}}", if flow.otherwise { ", otherwise: true" } else { "" });
    }
}

fn picks(when: &std::collections::BTreeSet<i64>) -> String {
    let all: Vec<String> = when.iter().map(i64::to_string).collect();
    match all.as_slice() {
        [one] => format!("pick = {one}"),
        _ => format!("pick in ({})", all.join(", ")),
    }
}

fn kind(net: &Net, node: &Node) -> String {
    match &node.kind {
        Kind::Start => "type: start_event".into(),
        Kind::Task => format!(
            "type: user_task, title: {}, assign: role(clerk), form: {{n: int}}, outcomes: {{done: {{set: {{pick: n}}}}}}",
            node.id
        ),
        Kind::Pass | Kind::Sub(_) => "type: manual_task".into(),
        Kind::Catch(event) => format!("type: intermediate_catch_event, {}", trigger(event, &node.id, false)),
        Kind::Race => "type: event_based_gateway".into(),
        Kind::Exclusive => "type: exclusive_gateway".into(),
        Kind::Parallel => "type: parallel_gateway".into(),
        Kind::Inclusive => "type: inclusive_gateway".into(),
        Kind::Complex(enough) => format!("type: complex_gateway, activation_condition: {enough}"),
        Kind::Escalate(code) => format!("type: intermediate_throw_event, escalate: {code}"),
        Kind::Link(end) => match &net.nodes[*end].kind {
            Kind::LinkEnd(name) => format!("type: intermediate_throw_event, link: {name}"),
            _ => String::new(),
        },
        Kind::LinkEnd(name) => format!("type: intermediate_catch_event, link: {name}"),
        Kind::Border { host, event, interrupts } => {
            let flag = if *interrupts || matches!(event, Event::Error(_)) { "" } else { ", interrupt: false" };
            let host = &net.nodes[*host].id;
            format!("type: boundary_event, attached_to: {host}, {}{flag}", trigger(event, &node.id, !interrupts))
        }
        Kind::End(Ending::Path) => "type: end_event".into(),
        Kind::End(Ending::Terminate) => "type: end_event, terminate: true".into(),
        Kind::End(Ending::Error(code)) => format!("type: end_event, raise: {code}"),
        Kind::End(Ending::Escalation(code)) => format!("type: end_event, escalate: {code}"),
    }
}

fn trigger(event: &Event, id: &str, repeats: bool) -> String {
    match event {
        Event::Message => format!("message: {id}"),
        Event::Signal => format!("signal: {id}"),
        Event::Timer if repeats => "after: 1 day, every: 1 day".into(),
        Event::Timer => "after: 1 day".into(),
        Event::Error(code) => format!("error: {}", code.as_deref().unwrap_or("any")),
        Event::Escalation(code) => format!("escalation: {}", code.as_deref().unwrap_or("any")),
    }
}

/// The keys that say how often it is done, and with how many tokens.
fn many(node: &Node) -> Vec<String> {
    let mut keys = match &node.many {
        Many::Once => Vec::new(),
        Many::Times { times, at_once, until } => {
            let until = until.map_or(String::new(), |until| format!(", until: loop.completed >= {until}"));
            vec![format!("multi_instance: {{times: {times}, at_once: {at_once}{until}}}")]
        }
        Many::Loop { again, before, most } => {
            let most = most.map_or(String::new(), |most| format!(", loop_maximum: {most}"));
            vec![format!("standard_loop: {{loop_condition: \"{}\", test_before: {before}{most}}}", picks(again))]
        }
    };
    if node.takes > 1 {
        keys.push(format!("start_quantity: {}", node.takes));
    }
    if node.gives > 1 {
        keys.push(format!("completion_quantity: {}", node.gives));
    }
    keys
}
