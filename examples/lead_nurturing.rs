//! How do weeks pass in a second? A lead is nurtured on the virtual clock: mails on their days, a click, a hot call.

use std::error::Error;
use std::sync::Arc;

use chrono::TimeDelta;
use stageflow::Engine;
use stageflow::engine::Observer;
use stageflow::entity::Query;
use stageflow::instance::rows::Values;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{JournalRow, MemoryStore, TaskFilter};

/// Prints every transition as it is committed.
struct Teller;

impl Observer for Teller {
    fn committed(&self, row: &JournalRow) {
        for told in &row.body.transitions {
            println!(
                "{}  {}: \"{}\" -> \"{}\"",
                row.at.date_naive(),
                told.record.entity,
                told.from_title.get("en"),
                told.to_title.get("en")
            );
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = MemoryStore::at("2026-03-02T09:00:00Z".parse()?);
    let engine = Engine::builder()
        .store(store)
        .library("processes/crm.yaml")
        .service("send_mail", |mail| {
            println!("            mail \"{}\" to {}", mail.text("template"), mail.text("to"));
            Ok(Values::from([(Name::new("message_id"), Value::text(mail.idempotency_key.to_string()))]))
        })
        .build()?;
    let host = engine.system();
    let anna = host.create_as("user", "anna", [("name", text("Anna")), ("roles", Value::list([text("employee")]))])?;
    let olga = host.create(
        "contact",
        [("name", text("Olga")), ("email", text("olga@example.org")), ("owner", Value::Ref(anna.clone()))],
    )?;
    let lead = host.create(
        "lead",
        [
            ("need_type", Value::Ref(Ref::new("need_type", "software"))),
            ("contact", Value::Ref(olga)),
            ("owner", Value::Ref(anna)),
            ("stage", text("distribution")),
            ("start_process", Value::Bool(false)),
        ],
    )?;
    engine.observe(Arc::new(Teller));
    engine.user("anna").update(&lead, [("maturity", Value::Ref(Ref::new("need_maturity", "discovered")))])?;
    engine.work()?;
    for day in 1..=8 {
        engine.advance(TimeDelta::days(1))?;
        println!("{}  day {day}", engine.now().date_naive());
    }
    let mail = engine.records(&Query::all(Name::new("email")))?.last().ok_or("no mail")?.reference();
    println!("            Olga clicks in \"{}\"", engine.value(&mail, "template")?);
    host.publish(
        "mail_response",
        Value::Ref(lead.clone()),
        [("mail", Value::Ref(mail)), ("response", text("clicked"))],
    )?;
    engine.work()?;

    let tasks = engine.tasks(&TaskFilter::default())?;
    let task = tasks.first().ok_or("no task")?;
    println!(
        "            task for {}: {}",
        task.assignee.as_ref().map_or("nobody", |user| user.id.as_str()),
        task.title.get("en")
    );
    engine.user("anna").complete(task.id, Some("ready"), Vec::<(Name, Value)>::new())?;
    engine.work()?;
    println!(
        "\nThe lead is at {}, its maturity is {}.",
        engine.value(&lead, "stage")?,
        engine.value(&lead, "maturity")?
    );
    Ok(())
}

fn text(text: &str) -> Value {
    Value::text(text)
}
