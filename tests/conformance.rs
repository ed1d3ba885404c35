//! Public BPMN models, imported and run: each case logs exactly what it should.
//!
//! The models lie beside the project and are read from there; where they are not, nothing is tested and the test says so. `CONFORMANCE`
//! names another folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use stageflow::Engine;
use stageflow::engine::{ServiceCall, ServiceError};
use stageflow::instance::rows::Values;
use stageflow::interchange::import;
use stageflow::model::{Name, Value};
use stageflow::store::MemoryStore;

#[path = "conformance_support/round.rs"]
mod round;

/// A model with its cases.
#[derive(Deserialize)]
struct Model {
    model: String,
    cases: Vec<Case>,
}

/// What a run is given, and what it must log.
#[derive(Deserialize)]
struct Case {
    input: BTreeMap<String, serde_json::Value>,
    expect: Vec<String>,
}

fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    std::env::var_os("CONFORMANCE").map_or_else(beside, PathBuf::from)
}

#[test]
fn public_models_run_as_they_should() {
    let folder = folder();
    let Ok(text) = std::fs::read_to_string(folder.join("cases.json")) else {
        println!("no models in {}", folder.display());
        return;
    };
    let models: Vec<Model> = serde_json::from_str(&text).unwrap();
    let (mut ran, mut wrong) = (0, Vec::new());
    for model in &models {
        let text = std::fs::read_to_string(folder.join("models").join(&model.model)).unwrap();
        for case in &model.cases {
            ran += 1;
            let found = run(&model.model, &text, case);
            if let Err(why) = found {
                wrong.push(format!("{} {:?}: {why}", model.model, case.input));
            }
        }
    }
    println!("{ran} cases of {} models", models.len());
    assert!(wrong.is_empty(), "{} of {ran} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn public_models_come_back_as_they_were() {
    let folder = folder();
    let Ok(text) = std::fs::read_to_string(folder.join("cases.json")) else { return };
    let models: Vec<Model> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for model in &models {
        let text = std::fs::read_to_string(folder.join("models").join(&model.model)).unwrap();
        let edited = round::changed(&import(&model.model, &text).unwrap().sources);
        let both = round::model_round_trip(&model.model, &text)
            .and_then(|()| round::edited_round_trip(&model.model, &text, &edited));
        if let Err(why) = both {
            wrong.push(format!("{}: {why}", model.model));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every process in flat form of the traces, through a model and back.
#[test]
fn the_flat_form_goes_through_a_model() {
    let mut found = 0;
    for path in traces(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let blocks: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        let flat = |block: &&&str| !block.starts_with("process:") || block.contains("\nnodes:");
        if !blocks.iter().any(|block| block.contains("\nnodes:")) || !blocks.iter().all(|block| flat(&block)) {
            continue;
        }
        let mut sources = stageflow::load::Sources::new();
        for (at, block) in blocks.iter().enumerate() {
            sources.add(format!("{at}.yaml"), block);
        }
        if stageflow::load::library(&sources).is_err() {
            continue;
        }
        found += 1;
        if let Err(why) = round::round_trip("trace.bpmn", &sources) {
            panic!("{}: {why}", path.display());
        }
    }
    assert!(found > 5, "{found} traces in flat form");
}

fn traces(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(traces(&path));
        } else if path.extension().is_some_and(|end| end == "md") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Runs a case; workers outside take the services, all that are asked for at once.
fn run(name: &str, text: &str, case: &Case) -> Result<(), String> {
    let imported = import(name, text).map_err(|error| error.to_string())?;
    let processes: Vec<String> = imported.sources.iter().filter_map(|(_, source)| process_of(&source.text)).collect();
    let store = MemoryStore::at("2026-03-02T09:00:00Z".parse().unwrap());
    let builder = Engine::builder().sources(imported.sources).store(store).remote_services();
    let engine = builder.build().map_err(|error| error.to_string())?;
    for process in processes {
        let system = engine.system();
        let given = case.input.iter().map(|(name, value)| variable(name, value));
        let start = given.fold(system.start(&process), |start, (name, value)| start.with(name, value));
        start.run().map_err(|error| error.to_string())?;
    }
    let mut found = work(&engine).map_err(|error| error.to_string())?;
    found.extend(engine.incidents().map_err(|error| error.to_string())?.iter().map(|_| "RuntimeException".to_string()));
    let mut expected = case.expect.clone();
    found.sort();
    expected.sort();
    if found == expected {
        return Ok(());
    }
    let why: Vec<String> =
        engine.incidents().map_err(|error| error.to_string())?.into_iter().map(|one| one.message).collect();
    Err(format!("expected {expected:?}, found {found:?} {}", why.join("; ")))
}

/// The log of all that is asked for, while an hour of virtual time goes by.
fn work(engine: &Engine) -> Result<Vec<String>, stageflow::Error> {
    let mut log = Vec::new();
    for _ in 0..60 {
        loop {
            let asked = engine.claim_jobs(&SERVICES.map(|(service, _)| service), 100)?;
            if asked.is_empty() {
                break;
            }
            let timed = asked.iter().filter(|job| job.call.service.starts_with("create_timestamp_log")).count();
            if timed > 1 {
                log.push("ExecutionParallel".to_string());
            }
            for job in &asked {
                engine.complete_job(job, answer(&job.call, &mut log))?;
            }
        }
        engine.advance(chrono::TimeDelta::minutes(1))?;
    }
    Ok(log)
}

/// What the scripts of the models are called, and what they log.
const SERVICES: [(&str, &str); 10] = [
    ("create_log_file", ""),
    ("script_task1", "Task1"),
    ("script_task2", "Task2"),
    ("script_task3", "Task3"),
    ("script_task4", "Task4"),
    ("script_task5", "Task5"),
    ("increment_integer_variable", ""),
    ("throw_error", ""),
    ("create_timestamp_log_1", ""),
    ("create_timestamp_log_2", ""),
];

fn answer(call: &ServiceCall, log: &mut Vec<String>) -> Result<Values, ServiceError> {
    let says = SERVICES.iter().find(|(service, _)| *service == &*call.service).map(|(_, says)| *says);
    log.extend(says.filter(|says| !says.is_empty()).map(str::to_string));
    let number = Name::new("integer_variable");
    match &*call.service {
        "throw_error" => Err(ServiceError::raise("err_code")),
        "increment_integer_variable" => match call.with.get(&number) {
            Some(Value::Number(count)) => Ok([(number, Value::Number(count + rust_decimal::Decimal::ONE))].into()),
            other => Err(ServiceError::Broke(format!("expected a number, found {other:?}"))),
        },
        _ => Ok(Values::new()),
    }
}

/// A variable of a case.
fn variable(name: &str, value: &serde_json::Value) -> (&'static str, Value) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    match (name, text.parse::<i64>()) {
        ("integerVariable", Ok(count)) => ("integer_variable", Value::Number(count.into())),
        _ => ("test", Value::text(text)),
    }
}

fn process_of(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("process: ")).map(str::to_string)
}
