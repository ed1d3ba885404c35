//! Can a customer without a company be sold to? A contact only, no account: order, invoice, delivery, payment, need satisfied.

use std::error::Error;

use stageflow::Engine;
use stageflow::entity::Query;
use stageflow::instance::rows::Values;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{MemoryStore, TaskFilter};

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder()
        .store(MemoryStore::new())
        .library("processes/crm.yaml")
        .service("send_mail", |_| Ok(Values::from([(Name::new("message_id"), Value::text("m1"))])))
        .build()?;
    let host = engine.system();
    let anna = host.create_as("user", "anna", [("name", text("Anna")), ("roles", Value::list([text("employee")]))])?;
    let rouble = host.create_as("currency", "rub", [("name", text("Rouble")), ("symbol", text("₽"))])?;
    host.set_setting("base_currency", Value::Ref(rouble.clone()))?;
    let laptop = host.create(
        "product",
        [
            ("name", text("Laptop")),
            ("unit", row("unit", "piece")),
            ("currency", Value::Ref(rouble)),
            ("price", Value::Number(1_000.into())),
            ("tax", row("tax", "vat_20")),
        ],
    )?;
    let olga = host
        .create("contact", [("name", text("Olga")), ("phone", text("+7000")), ("owner", Value::Ref(anna.clone()))])?;
    let lead = host.create(
        "lead",
        [("need_type", row("need_type", "hardware")), ("contact", Value::Ref(olga)), ("owner", Value::Ref(anna))],
    )?;
    host.create(
        "lead_product",
        [("lead", Value::Ref(lead.clone())), ("product", Value::Ref(laptop)), ("quantity", Value::Number(2.into()))],
    )?;

    engine.user("anna").start("lead_management").about(&lead).run()?;
    complete(&engine, "qualify_lead", "qualified")?;
    complete(&engine, "contact_customer", "proceed_to_order")?;
    complete(&engine, "fill_order", "completed")?;
    complete(&engine, "confirm_order", "confirmed")?;
    complete(&engine, "deliver", "completed")?;
    // Olga has no address for mail: the invoice is handed over by a person.
    complete(&engine, "hand_invoice_over", "completed")?;

    let invoice =
        engine.records(&Query::all(Name::new("invoice")))?.into_iter().next().ok_or("no invoice")?.reference();
    let total = engine.value(&invoice, "amount")?;
    println!("The invoice {} over {total} is paid.", engine.value(&invoice, "number")?);
    let amount = if let Value::Money(money) = total { Value::Number(money.amount) } else { total };
    host.publish("payment_registered", Value::Ref(invoice), [("amount", amount)])?;
    engine.work()?;

    let order = engine.records(&Query::all(Name::new("order")))?.into_iter().next().ok_or("no order")?.reference();
    println!(
        "Order {}: status {}, account: {}",
        engine.value(&order, "number")?,
        engine.value(&order, "status")?,
        engine.value(&order, "account")?
    );
    println!("Lead: stage {}, maturity {}", engine.value(&lead, "stage")?, engine.value(&lead, "maturity")?);
    Ok(())
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn row(lookup: &str, code: &str) -> Value {
    Value::Ref(Ref::new(lookup, code))
}

fn complete(engine: &Engine, step: &str, outcome: &str) -> Result<(), Box<dyn Error>> {
    let filter = TaskFilter { step: Some(Name::new(step)), ..TaskFilter::default() };
    let task = engine.tasks(&filter)?.into_iter().next().ok_or_else(|| format!("the task {step} is not open"))?;
    engine.user("anna").complete(task.id, Some(outcome), Vec::<(Name, Value)>::new())?;
    engine.work()?;
    println!("{} -> {outcome}", task.title.get("en"));
    Ok(())
}
