//! The main job: a lead is qualified and handed off, its sale is won, and the lead reaches "Need satisfied".
//!
//! Runs the shipped library on a SQLite file and prints every stage transition that was emitted, with what caused it.

use std::error::Error;

use stageflow::Engine;
use stageflow::instance::TaskStatus;
use stageflow::instance::rows::Values;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{SqliteStore, Store, TaskFilter};

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("corporate_sale-{}.db", std::process::id()));
    let store = SqliteStore::open(&file)?;
    println!("store: {} ({})", file.display(), store.durability());
    let engine = Engine::builder()
        .store(store)
        .library("processes/crm.yaml")
        .service("send_mail", |mail| {
            println!("    (mail {} to {})", mail.text("template"), mail.text("to"));
            Ok(Values::from([(Name::new("message_id"), Value::text("m1"))]))
        })
        .build()?;

    let host = engine.system();
    let anna = host.create_as("user", "anna", [("name", text("Anna")), ("roles", Value::list([text("employee")]))])?;
    let rouble = host.create_as("currency", "rub", [("name", text("Rouble")), ("symbol", text("₽"))])?;
    host.set_setting("base_currency", Value::Ref(rouble))?;

    let person = engine.user("anna");
    let lead = person.create(
        "lead",
        [
            ("need_type", Value::Ref(Ref::new("need_type", "hardware"))),
            ("contact_name", text("Olga")),
            ("company_name", text("Globex")),
            ("owner", Value::Ref(anna.clone())),
        ],
    )?;
    person.start("lead_management").about(&lead).run()?;
    let mut seen = tell(&engine, 0)?;
    println!("\nAnna works off the tasks that the processes give her:");
    complete(&engine, &mut seen, "qualify_lead", "qualified", [])?;
    complete(&engine, &mut seen, "contact_customer", "proceed_to_handoff", [])?;
    complete(&engine, &mut seen, "handoff_info", "completed", [("self.sales_owner", Value::Ref(anna))])?;
    complete(&engine, &mut seen, "prepare_presentation", "completed", [])?;
    complete(&engine, &mut seen, "conduct_presentation", "completed", [])?;
    complete(&engine, &mut seen, "prepare_proposal", "completed", [])?;
    complete(&engine, &mut seen, "prepare_contract", "completed", [])?;
    complete(&engine, &mut seen, "sign_contract", "completed", [])?;

    let stage = engine.value(&lead, "stage")?;
    println!("\nThe lead \"{}\" is at the stage {stage}.", engine.value(&lead, "name")?);
    Ok(())
}

fn text(text: &str) -> Value {
    Value::text(text)
}

/// Completes the open task of a step, and says what it was and which transitions followed from it.
fn complete<const N: usize>(
    engine: &Engine,
    seen: &mut usize,
    step: &str,
    outcome: &str,
    form: [(&str, Value); N],
) -> Result<(), Box<dyn Error>> {
    engine.work()?;
    let filter = TaskFilter { step: Some(Name::new(step)), ..TaskFilter::default() };
    let task = engine.tasks(&filter)?.into_iter().next().ok_or_else(|| format!("the task {step} is not open"))?;
    assert_eq!(task.status, TaskStatus::Open);
    engine.user("anna").complete(task.id, Some(outcome), form)?;
    engine.work()?;
    println!("  {} -> {outcome}", task.title.get("en"));
    *seen = tell(engine, *seen)?;
    Ok(())
}

/// Prints the transitions emitted since the last look.
fn tell(engine: &Engine, seen: usize) -> Result<usize, Box<dyn Error>> {
    let all = engine.transitions(0, 10_000)?;
    for told in all.iter().skip(seen) {
        let from = if told.from.is_some() { told.from_title.get("en") } else { "(new)" };
        let by = match (&told.cause.process, &told.cause.step) {
            (Some(process), Some(step)) => format!("{process}, step {step}"),
            _ => "a person's save".to_string(),
        };
        let behalf = told.cause.on_behalf_of.as_ref().map_or("nobody", |user| user.id.as_str());
        println!(
            "    * {}: \"{from}\" -> \"{}\"  [{by}, on behalf of {behalf}]",
            told.record.entity,
            told.to_title.get("en")
        );
    }
    Ok(all.len())
}
