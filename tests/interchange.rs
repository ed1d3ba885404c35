//! Models as their modelers write them: imported, run, and brought back; and everything that is refused.
//!
//! `tests/interchange/*.bpmn` are models; beside each stands what it becomes (`.expect`, rewritten with `UPDATE_EXPECT=1`), and a scenario in
//! which it is run.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use stageflow::interchange::{decode, export, import};
use stageflow::load::{Sources, problems, render_text};
use stageflow::scenario;

#[path = "interchange_support/refused.rs"]
mod refused;
#[path = "conformance_support/round.rs"]
mod round;
#[path = "interchange_support/vendors.rs"]
mod vendors;

fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interchange");
    let entries = fs::read_dir(folder).expect("the folder of models");
    let mut models: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    let only = std::env::var("MODEL").unwrap_or_default();
    models.retain(|path| path.extension().is_some_and(|end| end == "bpmn") && path.to_string_lossy().contains(&only));
    models.sort();
    models
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// What a model becomes: its files, and what is said about it when it is imported and when its files are loaded.
#[test]
fn models_become_what_stands_beside_them() {
    for path in models() {
        let text = fs::read_to_string(&path).expect("a model");
        let imported = import(&name_of(&path), &text).unwrap_or_else(|error| panic!("{error}"));
        let files = imported.sources.iter().map(|(_, source)| format!("# file: {}\n{}", source.name, source.text));
        let mut shown: String = files.collect();
        shown.push_str("# said when it is imported\n");
        shown.push_str(&render_text(&imported.warnings, &imported.model));
        shown.push_str("# said when it is loaded\n");
        shown.push_str(&render_text(&problems(&imported.sources), &imported.sources));
        expect_file![path.with_extension("expect")].assert_eq(&shown);
    }
}

#[test]
fn models_run_to_their_ends() {
    for path in models() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = fs::read_to_string(&path).expect("a model");
        let imported = import(&name_of(&path), &text).unwrap_or_else(|error| panic!("{error}"));
        for (_, source) in imported.sources.iter() {
            fs::write(folder.path().join(&*source.name), &*source.text).expect("a file");
        }
        let scenario = folder.path().join("told.scenario.yaml");
        fs::copy(path.with_extension("scenario.yaml"), &scenario).expect("a scenario");
        if let Err(failure) = scenario::run_file(&scenario, scenario::Options::default()) {
            panic!("{}: {failure}", path.display());
        }
    }
}

#[test]
fn models_come_back_as_they_were() {
    for path in models() {
        let text = fs::read_to_string(&path).expect("a model");
        if let Err(why) = round::model_round_trip(&name_of(&path), &text) {
            panic!("{}: {why}", path.display());
        }
    }
}

/// In which file, what is replaced, by what.
type Edits = &'static [(&'static str, &'static str, &'static str)];

/// What people change in the files of a model: the lines of the drawing that differ then (`.edited`).
const EDITS: &[(&str, Edits)] = &[
    (
        "camunda7_loan.bpmn",
        &[
            ("loan_application.yaml", "title: Approve the loan", "title: Approve or decline"),
            (
                "loan_application.yaml",
                "when: \"decision = \\\"approved\\\"\"",
                "when: \"decision = \\\"approved\\\" and amount < 5000\"",
            ),
            (
                "loan_application.yaml",
                "at: [\"now() + 1 * @\\\"P1D\\\"\", \"now() + 2 * @\\\"P1D\\\"\"]",
                "after: 12 h",
            ),
            (
                "pay_out.yaml",
                "{id: pay_out_end, bpmn: PayOutEnd, type: end_event}",
                "{id: pay_out_end, bpmn: PayOutEnd, type: end_event, doc: The money is there}",
            ),
        ],
    ),
    (
        "signavio_invoice.bpmn",
        &[
            ("sid_9_a4_b.yaml", "sid_book, sid_end]", "sid_book, sid_archive, sid_end]"),
            (
                "sid_9_a4_b.yaml",
                "  - {id: sid_end, bpmn: sid-end",
                "  - {id: sid_archive, type: manual_task, title: Put the paper away}\n  - {id: sid_end, bpmn: sid-end",
            ),
            (
                "sid_9_a4_b.yaml",
                "{from: sid_book, to: sid_end, bpmn: sid-f7}",
                "{from: sid_book, to: sid_archive, bpmn: sid-f7}\n  - {from: sid_archive, to: sid_end}",
            ),
            ("sid_9_a4_b.yaml", "title: Management,", "title: Board,"),
        ],
    ),
    (
        "bpmnio_pizza.bpmn",
        &[
            ("process_customer.yaml", "  - {id: ask, bpmn: Ask, type: task, title: Ask for the pizza}\n", ""),
            (
                "process_customer.yaml",
                "  - {from: an_hour, to: ask, bpmn: Flow_5}\n  - {from: ask, to: waiting, bpmn: Flow_6}\n",
                "  - {from: an_hour, to: waiting, bpmn: Flow_5}\n",
            ),
            ("process_vendor.yaml", "type: intermediate_throw_event", "type: send_task"),
        ],
    ),
    (
        "flowable_holiday.bpmn",
        &[
            ("holiday_request.yaml", "after: PT24H", "after: PT48H"),
            ("holiday_request.yaml", "{times: days, at_once: all}", "{times: days}"),
            (
                "holiday_request.yaml",
                "      - {id: day_ends,",
                "      - {id: tell, type: task, title: Tell the team}\n      - {id: day_ends,",
            ),
            (
                "holiday_request.yaml",
                "{from: plan_day, to: day_ends, bpmn: sid-11}",
                "{from: plan_day, to: tell, bpmn: sid-11}, {from: tell, to: day_ends}",
            ),
        ],
    ),
    ("camunda8_claim.bpmn", &[("claim_handling.yaml", "retry: {times: 4}", "retry: {times: 2}")]),
];

#[test]
fn what_is_changed_comes_back_and_the_rest_stays() {
    for (name, edits) in EDITS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interchange").join(name);
        let text = fs::read_to_string(&path).expect("a model");
        let imported = import(name, &text).unwrap_or_else(|error| panic!("{error}"));
        let mut edited = Sources::new();
        for (_, source) in imported.sources.iter() {
            let own = edits.iter().filter(|(file, _, _)| *file == &*source.name);
            edited.add(
                &*source.name,
                own.fold(source.text.to_string(), |text, (_, from, to)| {
                    assert!(text.contains(from), "{name}: there is no {from} in\n{text}");
                    text.replace(from, to)
                }),
            );
        }
        let written = round::edited_round_trip(name, &text, &edited).unwrap_or_else(|why| panic!("{name}: {why}"));
        expect_file![path.with_extension("edited")].assert_eq(&differing(&text, &written));
    }
}

/// The lines that went and those that came.
fn differing(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut same = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    for (i, line) in before.iter().enumerate().rev() {
        for (j, other) in after.iter().enumerate().rev() {
            same[i][j] = if line == other { same[i + 1][j + 1] + 1 } else { same[i + 1][j].max(same[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut shown) = (0, 0, String::new());
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < before.len() && (j == after.len() || same[i + 1][j] >= same[i][j + 1]) {
            shown.push_str(&format!("- {}\n", before[i].trim_end()));
            i += 1;
        } else {
            shown.push_str(&format!("+ {}\n", after[j]));
            j += 1;
        }
    }
    shown
}

/// Every title is another, and a task is put into every process: the same comes back.
#[test]
fn what_is_changed_everywhere_comes_back() {
    for path in models() {
        let text = fs::read_to_string(&path).expect("a model");
        let edited = round::changed(&import(&name_of(&path), &text).unwrap_or_else(|error| panic!("{error}")).sources);
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let written = round::edited_round_trip(&name_of(&path), &text, &edited);
            let written = written.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            let lost: Vec<&str> = of_others(&text).into_iter().filter(|theirs| !written.contains(theirs)).collect();
            assert!(lost.is_empty(), "{}: {lost:#?}", path.display());
        }
    }
}

/// What others keep in a drawing: comments, their elements and attributes, and the pictures of what stays.
fn of_others(text: &str) -> Vec<&str> {
    let tags = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    let is_theirs = |tag: &&str| {
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or_default();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        let is_line = name.ends_with("waypoint") || name.ends_with("BPMNEdge");
        tag.starts_with("!--") || !matches!(prefix, "" | "bpmn" | "bpmn2" | "?xml") && !is_line
    };
    let attributes = text.split_whitespace().filter(|word| {
        let name = word.split('=').next().unwrap_or_default();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        word.contains('=')
            && matches!(prefix, "camunda" | "zeebe" | "flowable" | "signavio" | "bioc" | "color" | "modeler")
    });
    tags.filter(is_theirs).chain(attributes.map(|word| word.trim_end_matches(['>', '/']))).collect()
}

/// Encodings, line ends and what stands around a model make no other processes of it.
#[test]
fn a_model_is_the_same_in_every_dress() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interchange/camunda7_loan.bpmn");
    let text = fs::read_to_string(path).expect("a model");
    let says = |text: &str| -> Vec<String> {
        let imported = import("m.bpmn", text).unwrap_or_else(|error| panic!("{error}"));
        imported.sources.iter().map(|(_, source)| source.text.to_string()).collect()
    };
    let plain = says(&text);
    let wide = text.replace("encoding=\"UTF-8\"", "encoding=\"UTF-16\"");
    let little: Vec<u8> = format!("\u{feff}{wide}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = wide.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin = text.replace("encoding=\"UTF-8\"", "encoding='ISO-8859-1'").replace("house", "h\u{e4}user");
    let latin: Vec<u8> =
        latin.chars().map(|letter| u8::try_from(u32::from(letter)).expect("a letter of Latin 1")).collect();
    for bytes in [text.clone().into_bytes(), format!("\u{feff}{text}").into_bytes(), little, big, latin] {
        let decoded = decode("m.bpmn", &bytes).unwrap_or_else(|error| panic!("{error}"));
        assert!(decoded.contains("encoding=\"UTF-8\"") || decoded.contains("encoding='UTF-8'"));
        assert_eq!(says(&decoded), plain);
    }
    let prefixed = text
        .replace("<bpmn:", "<semantic:")
        .replace("</bpmn:", "</semantic:")
        .replace("xmlns:bpmn=", "xmlns:semantic=")
        .replace("\"bpmn:", "\"semantic:");
    let unprefixed =
        text.replace("<bpmn:", "<").replace("</bpmn:", "</").replace("xmlns:bpmn=", "xmlns=").replace("\"bpmn:", "\"");
    let commented = text.replace("  <bpmn:", "  <!-- <bpmn:task id=\"Approve\"/> -->\n  <bpmn:");
    for dressed in [
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        text.replace(">\n", ">"),
        prefixed,
        unprefixed,
        commented,
    ] {
        assert_eq!(says(&dressed), plain);
        let imported = import("m.bpmn", &dressed).expect("the model").sources;
        assert_eq!(export(&imported, Some(("m.bpmn", &dressed))).expect("the drawing").model, dressed);
    }
}
