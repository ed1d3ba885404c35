//! Models that are refused: hostile ones, broken ones, and what BPMN has and nothing here runs. Each with its code and place.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use stageflow::interchange::{decode, import};
use stageflow::load::{LoadError, Severity};

const HEAD: &str = "<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\">\n";

/// A process with this in it, from the third line on.
fn process(inside: &str) -> String {
    format!("{HEAD}<process id=\"P\">\n{inside}\n</process>\n</definitions>")
}

/// The first error: its code and line, its message.
fn refused(text: &str) -> (String, String) {
    match import("m.bpmn", text) {
        Ok(imported) => (String::new(), format!("it is imported, with {} warnings", imported.warnings.len())),
        Err(error) => first(&error),
    }
}

fn first(error: &LoadError) -> (String, String) {
    let problem = error.problems.iter().find(|problem| problem.severity == Severity::Error).expect("an error");
    let line =
        error.sources.get(problem.span.file).map_or(0, |source| source.line_column(problem.span.start as usize).0);
    (format!("{} {line}", problem.code), problem.message.clone())
}

fn all_are(cases: &[(&str, String, &str)]) {
    let mut wrong = Vec::new();
    for (expected, text, words) in cases {
        let began = Instant::now();
        let (found, message) = refused(text);
        // The tests are not optimised, and run beside each other: a release is many times faster.
        let took = began.elapsed();
        if found != *expected || !message.contains(words) || took > Duration::from_secs(5) {
            let begin: String = text.chars().take(300).collect();
            wrong.push(format!(
                "expected {expected} …{words}…\nfound    {found} {message} after {took:?}\nin {begin}\n"
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let laughs: String = (1..10).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};&l{0};\">", n - 1)).collect();
    let tasks = |n: usize| (0..n).map(|n| format!("<task id=\"t{n}\"/>\n")).collect::<String>();
    let service = |n: usize| format!("<serviceTask id='t{n}' camunda:class='a.b.C' camunda:resultVariable='v{n}'/>\n");
    let services: String = (0..4_999).map(service).collect();
    let attributes: String = (0..700_000).map(|n| format!("a{n}='' ")).collect();
    let namespaces: String = (0..2_000).map(|n| format!("<task xmlns:n{n}='urn:{n}' id='t{n}'/>")).collect();
    let deep = |open: &str, close: &str, n: usize| open.repeat(n) + &close.repeat(n);
    let hidden = "<task><?x > </task> ?>".repeat(100_000);
    all_are(&[
        ("bpmn-not-xml 1", format!("<!DOCTYPE d [<!ENTITY l0 \"ha\">{laughs}]>{HEAD}&l9;</definitions>"), "DTD"),
        (
            "bpmn-not-xml 1",
            format!("<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{HEAD}&x;</definitions>"),
            "DTD",
        ),
        ("bpmn-not-xml 1", format!("<!DOCTYPE d SYSTEM \"http://example.org/evil.dtd\">{HEAD}</definitions>"), "DTD"),
        ("bpmn-not-xml 3", process("<task id=\"&l9;\"/>"), "entity"),
        ("bpmn-too-large 3", process(&deep("<subProcess>", "</subProcess>", 100_000)), "deeper than 64"),
        ("bpmn-too-large 3", process(&deep("<x xmlns=''>", "</x>", 100_000)), "deeper than 64"),
        ("bpmn-too-large 3", process(&hidden), "deeper than 64"),
        ("bpmn-too-large 3", process(&format!("<task id=\"t\" {attributes}/>")), "more than 256 attributes"),
        ("bpmn-too-large 3", process(&namespaces), "more than 1000 namespaces"),
        ("bpmn-too-large 1", process(&"x".repeat(9 << 20)), "8388608 bytes"),
        ("bpmn-too-large 2", process(&tasks(5_001)), "5000 nodes"),
        ("bpmn-too-large 2", process(&tasks(90_000)), "5000 nodes"),
        ("bpmn-too-large 2", process(&services), "1000 variables of a process, found 4999"),
        (
            "bpmn-too-large 2",
            process(&tasks(4_999).replace("/>", &format!(" name=\"{}\"/>", "word ".repeat(10)))),
            "bytes of YAML",
        ),
        ("bpmn-too-large 100001", process(&"<a/>\n".repeat(450_000)), "more than 100000 elements"),
        ("bpmn-not-xml 2", format!("{HEAD}</definitions><definitions/>"), "unknown token"),
        ("bpmn-not-xml 4", process("<task id=\"t\""), "invalid name"),
        ("bpmn-not-xml 3", process("<task id=\"t\u{0}\"/>"), "character"),
        ("bpmn-not-xml 1", String::new(), "root"),
        ("bpmn-not-xml 1", "{\"definitions\": {}}".into(), "unknown token"),
        ("bpmn-not-xml 2", format!("{HEAD}<process id=\"P\">"), "never closed"),
        ("bpmn-no-model 1", "<definitions/>".into(), "expected `definitions` of BPMN 2.0"),
        ("bpmn-no-model 1", "<html xmlns=\"http://www.w3.org/1999/xhtml\"/>".into(), "found `html`"),
        ("bpmn-no-model 1", format!("{HEAD}</definitions>"), "no process"),
    ]);
}

#[test]
fn bytes_that_are_no_text_are_refused_where_they_end_to_be_one() {
    let text = process("<task id=\"t\"/>");
    let mut broken = text.clone().into_bytes();
    let at = text.find("<task").expect("the task");
    broken[at + 6] = 0xff;
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{text}");
    let mut odd: Vec<u8> = declared("UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    odd.insert(0, 0xfe);
    odd.insert(0, 0xff);
    odd.push(7);
    let cyrillic: Vec<u8> = declared("windows-1251").bytes().chain([0xcf, 0xf0]).collect();
    for (bytes, expected, words) in [
        (broken, "bpmn-not-xml 3", "begins no letter of UTF-8"),
        (odd, "bpmn-not-xml 1", "no UTF-16"),
        (cyrillic, "bpmn-not-xml 1", "the encoding `windows-1251` is not read"),
    ] {
        let (found, message) = first(&decode("m.bpmn", &bytes).expect_err("no text"));
        assert_eq!(found, expected, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

/// What is drawn wrong: the line of the problem (the first of what is drawn is 3), what is drawn, and words of the problem. `F(a b)` is a flow.
const DRAWN_WRONG: &[(u32, &str, &str)] = &[
    (4, r#"<task id="t"/>|<userTask id="t"/>"#, "the id `t` is there twice: task and userTask"),
    (3, r#"<task/>"#, "has no id"),
    (4, r#"<task id="a"/>|<sequenceFlow id="f" sourceRef="a"/>"#, "from or to nothing"),
    (4, r#"<task id="a"/>|F(a c)"#, "no element `c`"),
    (5, r#"<task id="a"/>|<dataObject id="b"/>|F(a b)"#, "leads from or to dataObject `b`, which is no node"),
    (4, r#"<task id="a"/><subProcess id="s"><task id="b"/></subProcess>|F(a b)"#, "crosses the border"),
    (4, r#"<startEvent id="a"/><endEvent id="b"/>|F(b a)"#, "where a path ends"),
    (4, r#"<task id="a"/><startEvent id="b"/>|F(a b)"#, "to startEvent `b`, which nothing leads to"),
    (4, r#"<task id="a"/>|<boundaryEvent id="e" attachedToRef="c"/>"#, "border of nothing: there is no `c`"),
    (
        4,
        r#"<startEvent id="s"/>|<boundaryEvent id="e" attachedToRef="s"/>"#,
        "startEvent `s`, which is no activity beside it",
    ),
    (
        3,
        r#"<boundaryEvent id="e" attachedToRef="f"/>|<boundaryEvent id="f" attachedToRef="e"/>"#,
        "border of boundaryEvent `f`",
    ),
    (3, r#"<task id="a" default="F_b_a"/><task id="b"/>|F(b a)"#, "default flow `F_b_a` of task `a` does not leave it"),
    (3, r#"<task id="a" default="f"/>"#, "default flow `f`"),
    (
        4,
        r#"<task id="a"/><laneSet id="l"><lane id="x"><flowNodeRef>a</flowNodeRef></lane>|<lane id="y"><flowNodeRef>a</flowNodeRef></lane></laneSet>"#,
        "stands in two lanes: lane `x` and lane `y`",
    ),
    (3, r#"<laneSet id="l"><lane id="x"><flowNodeRef>a</flowNodeRef></lane></laneSet>"#, "no element `a`"),
    (3, r#"<intermediateCatchEvent id="a"/>"#, "waits for nothing"),
    (3, r#"<receiveTask id="a" messageRef="m"/>"#, "no message `m`"),
    (3, r#"<receiveTask id="a"/>"#, "names no message"),
    (3, r#"<endEvent id="a"><signalEventDefinition signalRef="s"/></endEvent>"#, "no signal `s`"),
    (3, r#"<endEvent id="a"><signalEventDefinition/></endEvent>"#, "names no signal"),
    (3, r#"<endEvent id="a"><escalationEventDefinition/></endEvent>"#, "an escalation that is thrown has a code"),
    (3, r#"<endEvent id="a"><escalationEventDefinition escalationRef="x"/></endEvent>"#, "no escalation `x`"),
    (3, r#"<endEvent id="a"><errorEventDefinition/></endEvent>"#, "an error that is thrown has a code"),
    (3, r#"<endEvent id="a"><eventDefinitionRef>d</eventDefinitionRef></endEvent>"#, "no event definition `d`"),
    (
        4,
        r#"<task id="a"/>|<boundaryEvent id="e" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>"#,
        "compensates by nothing",
    ),
    (3, r#"<userTask id="a"><multiInstanceLoopCharacteristics/></userTask>"#, "nothing says how many instances"),
    (3, r#"<serviceTask id="a" camunda:expression="${b + 1}"/>"#, "goes nowhere"),
];

#[test]
fn what_is_drawn_wrong_is_refused_at_its_place() {
    let codes: Vec<String> = DRAWN_WRONG.iter().map(|(line, _, _)| format!("bpmn-broken {line}")).collect();
    let drawn = |inside: &str| {
        let mut drawn = inside.replace('|', "\n");
        for (from, to) in [("a", "b"), ("b", "a"), ("a", "c")] {
            let flow = format!("<sequenceFlow id=\"F_{from}_{to}\" sourceRef=\"{from}\" targetRef=\"{to}\"/>");
            drawn = drawn.replace(&format!("F({from} {to})"), &flow);
        }
        process(&drawn)
    };
    let cases = DRAWN_WRONG.iter().zip(&codes).map(|((_, inside, words), code)| (code.as_str(), drawn(inside), *words));
    all_are(&cases.collect::<Vec<_>>());
}

/// What the manual lists, one tiny model for each.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("choreographyTask", "<choreographyTask id=\"a\"/>", "choreographyTask `a` is not run"),
    ("subChoreography", "<subChoreography id=\"a\"/>", "subChoreography `a` is not run"),
    ("callChoreography", "<callChoreography id=\"a\"/>", "callChoreography `a` is not run"),
    ("choreography", "BESIDE<choreography id=\"a\"/>", "choreography `a` is not run"),
    ("globalChoreographyTask", "BESIDE<globalChoreographyTask id=\"a\"/>", "globalChoreographyTask `a` is not run"),
    ("conversation", "BESIDE<conversation id=\"a\"/>", "conversation `a` is not run"),
    ("globalTask", "BESIDE<globalTask id=\"a\"/>", "globalTask `a` is not run"),
    ("globalUserTask", "BESIDE<globalUserTask id=\"a\"/>", "globalUserTask `a` is not run"),
    ("globalScriptTask", "BESIDE<globalScriptTask id=\"a\"/>", "globalScriptTask `a` is not run"),
    ("globalManualTask", "BESIDE<globalManualTask id=\"a\"/>", "globalManualTask `a` is not run"),
    ("globalBusinessRuleTask", "BESIDE<globalBusinessRuleTask id=\"a\"/>", "globalBusinessRuleTask `a` is not run"),
    ("partnerEntity", "BESIDE<partnerEntity id=\"a\"/>", "partnerEntity `a` is not run"),
    ("partnerRole", "BESIDE<partnerRole id=\"a\"/>", "partnerRole `a` is not run"),
    (
        "complexBehaviorDefinition",
        "<task id=\"a\"><multiInstanceLoopCharacteristics behavior=\"Complex\"><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics></task>",
        "complex behavior",
    ),
    ("calledElement", "<callActivity id=\"a\" calledElement=\"${x}\"/>", "does not say which process it calls"),
    ("calledElement", "<callActivity id=\"a\"/>", "does not say which process it calls"),
    (
        "timeDuration",
        "<startEvent id=\"a\"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></startEvent>",
        "some time after its deployment",
    ),
    (
        "timeCycle",
        "<startEvent id=\"a\"><timerEventDefinition><timeCycle>0 0 9 ? * 2</timeCycle></timerEventDefinition></startEvent>",
        "the schedule `0 0 9 ? * 2` is not run",
    ),
    (
        "timeCycle",
        "<intermediateCatchEvent id=\"a\"><timerEventDefinition><timeCycle>0 0 9 * * ?</timeCycle></timerEventDefinition></intermediateCatchEvent>",
        "the cycle `0 0 9 * * ?` is not run",
    ),
    (
        "conditionExpression",
        "<task id=\"a\"/><task id=\"b\"/><sequenceFlow id=\"f\" sourceRef=\"a\" targetRef=\"b\"><conditionExpression language=\"javascript\">x</conditionExpression></sequenceFlow>",
        "expressions in `javascript` are not read",
    ),
    ("topic", "<serviceTask id=\"a\" camunda:topic=\"${t}\"/>", "which service `${t}` is"),
];

#[test]
fn what_is_not_run_is_refused_by_name_and_stands_in_the_manual() {
    let manual = include_str!("../../src/docs/bpmn.md");
    let mut cases = Vec::new();
    for (name, model, words) in NOT_RUN {
        let text = match model.strip_prefix("BESIDE") {
            Some(beside) => format!("{HEAD}<process id=\"P\"/>\n{beside}</definitions>"),
            None => process(model),
        };
        let code = if *name == "conditionExpression" { "bpmn-expression 3" } else { "bpmn-not-run 3" };
        cases.push((code, text, *words));
        assert!(manual.contains(&format!("`{name}`")), "the manual does not name `{name}`");
    }
    all_are(&cases);
}

/// A place inside a text is exact, whatever the letters are written as.
#[test]
fn the_place_of_an_expression_is_its_letter() {
    let flow = |text: &str| {
        process(&format!(
            "<task id=\"a\"/><task id=\"b\"/><sequenceFlow id=\"f\" sourceRef=\"a\" targetRef=\"b\"><conditionExpression>{text}</conditionExpression></sequenceFlow>"
        ))
    };
    for (model, found) in [
        (flow("${a &gt; 1 &amp;&amp; bean.check(b)}"), "check"),
        (flow("\n   ${a &gt; 1 &amp;&amp; bean.check(b)}  "), "check"),
        (flow("<![CDATA[${a > 1 && bean.check(b)}]]>"), "check"),
        (flow("= x ; y"), ";"),
        (
            process("<userTask id=\"a\" name=\"ä\" camunda:assignee=\"${ &#34;é&#34; == x ? bean.check(b) : b}\"/>"),
            "check",
        ),
    ] {
        let error = import("m.bpmn", &model).expect_err(&model);
        let problem = error.problems.iter().find(|problem| problem.code == "bpmn-expression").expect("a problem");
        assert_eq!(&model[problem.span.start as usize..][..found.len()], found, "{model}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is cut out, doubled or put elsewhere in a model: it is imported or refused, and what is imported is loaded or refused.
    #[test]
    fn mutilated_models_do_no_harm(model in 0..5_usize, cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..400_usize, any::<prop::sample::Index>(), 0..4_u8), 1..4)) {
        let mut text = [
            include_str!("../interchange/bpmnio_pizza.bpmn"),
            include_str!("../interchange/camunda7_loan.bpmn"),
            include_str!("../interchange/camunda8_claim.bpmn"),
            include_str!("../interchange/flowable_holiday.bpmn"),
            include_str!("../interchange/signavio_invoice.bpmn"),
        ][model].to_string();
        for (from, length, to, kind) in cuts {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(|at| kind < 2 || text[*at..].starts_with(['<', '"', '>'])).collect();
            let (Some(&start), Some(&into)) = (ends.get(from.index(ends.len().max(1))), ends.get(to.index(ends.len().max(1)))) else { continue };
            let end = ends.iter().copied().find(|end| *end >= start + length).unwrap_or(text.len());
            let piece = text[start..end].to_string();
            if kind % 2 == 0 {
                text.replace_range(start..end, "");
            } else {
                text.insert_str(into, &piece);
            }
        }
        if let Ok(imported) = import("m.bpmn", &text) {
            let _problems = stageflow::load::problems(&imported.sources);
        }
    }
}
