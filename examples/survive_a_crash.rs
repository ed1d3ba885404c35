//! What is left when the program dies in the middle of a sale? The program starts itself, kills that in mid-sale, and goes on.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use stageflow::Engine;
use stageflow::entity::Query;
use stageflow::instance::rows::Values;
use stageflow::model::{Name, Ref, Value};
use stageflow::store::{InstanceFilter, SqliteStore, TaskFilter};

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(file) = std::env::args().nth(1) {
        return sell(Path::new(&file));
    }
    let file = std::env::temp_dir().join(format!("survive_a_crash-{}.db", std::process::id()));
    println!("a program sells on {} …", file.display());
    let mut child = Command::new(std::env::current_exe()?).arg(&file).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    for line in lines {
        let line = line?;
        println!("  it says: {line}");
        if line.starts_with("won") {
            break;
        }
    }
    child.kill()?;
    child.wait()?;
    println!("… and was killed right after it was told that the sale is won.\n");

    let engine = engine(&file)?;
    engine.work()?;
    let leads = engine.records(&Query::all(Name::new("lead")))?;
    let lead = leads.first().ok_or("the lead is lost")?.reference();
    println!("opened again: the lead is at {}", engine.value(&lead, "stage")?);
    let told = engine.transitions(0, 10_000)?;
    let satisfied = told.iter().filter(|told| told.record == lead && &*told.to == "satisfied").count();
    println!("it was told to be satisfied {satisfied} time(s)");
    let running = engine.instances(&InstanceFilter::default())?.iter().filter(|row| !row.status.is_over()).count();
    println!("runs that go on: {running}, open tasks: {}", engine.tasks(&TaskFilter::default())?.len());
    Ok(())
}

fn engine(file: &Path) -> Result<Engine, Box<dyn Error>> {
    let builder = Engine::builder()
        .store(SqliteStore::open(file)?)
        .library("processes/crm.yaml")
        .service("send_mail", |_| Ok(Values::from([(Name::new("message_id"), Value::text("m1"))])));
    Ok(builder.build()?)
}

/// The program that dies: it makes a lead with a sale, wins the sale, and waits to be killed.
fn sell(file: &Path) -> Result<(), Box<dyn Error>> {
    let engine = engine(file)?;
    let host = engine.system();
    let anna = host.create_as(
        "user",
        "anna",
        [("name", Value::text("Anna")), ("roles", Value::list([Value::text("employee")]))],
    )?;
    let acme = host.create("account", [("name", Value::text("Acme"))])?;
    let owner = || Value::Ref(anna.clone());
    let need = Value::Ref(Ref::new("need_type", "hardware"));
    let lead = host.create(
        "lead",
        [
            ("need_type", need),
            ("account", Value::Ref(acme.clone())),
            ("owner", owner()),
            ("stage", Value::text("awaiting_sale")),
            ("start_process", Value::Bool(false)),
        ],
    )?;
    println!("the lead awaits its sale");
    let sale = host.create(
        "opportunity",
        [
            ("title", Value::text("Acme/1")),
            ("account", Value::Ref(acme)),
            ("owner", owner()),
            ("stage", Value::text("contracting")),
        ],
    )?;
    host.create("lead_sale", [("lead", Value::Ref(lead)), ("opportunity", Value::Ref(sale.clone()))])?;
    println!("the sale is in contracting");
    // As if the power went the moment the win was on the disk: nothing that follows from it is run any more.
    engine.halt();
    engine.user("anna").update(&sale, [("stage", Value::text("closed_won"))])?;
    println!("won: the commit is on the disk");
    std::thread::sleep(std::time::Duration::from_secs(600));
    Ok(())
}
