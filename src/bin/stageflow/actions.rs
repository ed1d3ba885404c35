//! What running instances offer to people besides their tasks: to withdraw, to call off, to begin a step of an ad-hoc sub-process.

use serde_json::json;
use stageflow::engine::Action;
use stageflow::instance::{InstanceRow, Status};
use stageflow::model::{Name, Type};
use stageflow::store::InstanceFilter;

use crate::args::On;
use crate::db::{self, Db, Failed, short};
use crate::print::{self, Done, Table};

/// Most instances that are looked through.
const SEARCHED: usize = 100_000;

/// An action that an instance offers.
struct Offered {
    instance: InstanceRow,
    action: Action,
}

impl Offered {
    fn about(&self) -> String {
        let id = || short(&self.instance.id.to_string()).to_string();
        self.instance.record.as_ref().map_or_else(id, print::record)
    }
}

/// What is offered by the instances that are meant.
fn offered(db: &Db, on: &On) -> Result<Vec<Offered>, Failed> {
    let filter = InstanceFilter {
        status: Some(Status::Running),
        record: on.about.as_ref().map(|record| db.record(record, &[])).transpose()?,
        limit: Some(SEARCHED),
        ..InstanceFilter::default()
    };
    let of = on.of.as_ref().map(|instance| db.instance(instance)).transpose()?.map(|row| row.id);
    let mut found = Vec::new();
    for instance in db.engine.instances(&filter)?.into_iter().filter(|row| of.is_none_or(|of| of == row.id)) {
        let actions = db.engine.actions(instance.id)?.into_iter();
        found.extend(actions.map(|action| Offered { instance: instance.clone(), action }));
    }
    Ok(found)
}

pub fn list(db: &Db, on: &On) -> Result<(), Failed> {
    let mut table = Table::new(&["action", "title", "process", "for", "who", "asks for"]);
    let mut all = Vec::new();
    for offered in offered(db, on)? {
        let Offered { instance, action } = &offered;
        let (step, title) = (action.step.to_string(), action.title.get(&db.lang).to_string());
        let roles: Vec<String> = action.roles.iter().map(|role| format!("any {role}")).collect();
        let form: Vec<String> = action.form.iter().map(|entry| format!("{}: {}", entry.name, entry.ty)).collect();
        all.push(json!({
            "action": step, "title": title, "process": instance.process.to_string(),
            "instance": instance.id.to_string(), "for": instance.record.as_ref().map(print::full),
            "roles": action.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "form": action.form.iter().map(|entry| json!({"name": entry.name.to_string(), "type": entry.ty.to_string()})).collect::<Vec<_>>(),
        }));
        table.row([step, title, instance.process.to_string(), offered.about(), roles.join(", "), form.join(", ")]);
    }
    print::table(db, &table, all, "no action is offered");
    Ok(())
}

pub fn act(db: &Db, action: &str, on: &On, form: &[String]) -> Result<Done, Failed> {
    let all = offered(db, on)?;
    let fitting: Vec<&Offered> = all.iter().filter(|offered| &*offered.action.step == action).collect();
    let chosen = match fitting.as_slice() {
        [only] => *only,
        [] => return Err(db::no("action", action, all.iter().map(|offered| &offered.action.step))),
        several => {
            let about: Vec<String> = several.iter().map(|offered| offered.about()).collect();
            let text = format!("`{action}` is offered for {}; say for which by `--for` or `--of`", about.join(", "));
            return Err(Failed::new("ambiguous", text));
        }
    };
    let types: Vec<(Name, Type)> =
        chosen.action.form.iter().map(|entry| (entry.name.clone(), entry.ty.clone())).collect();
    let form = db.values(&format!("the form of {action}"), form, &types)?;
    db.session().act(chosen.instance.id, chosen.action.wait, form)?;
    let instance = chosen.instance.id.to_string();
    Ok(Done::new(
        format!("{action} is done in {} {}", chosen.instance.process, short(&instance)),
        json!({"instance": instance}),
    ))
}
