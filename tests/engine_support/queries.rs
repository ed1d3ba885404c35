//! Questions: instances, tasks, records, history and incidents, as they stand after one's own last command.

use stageflow::engine::Startable;
use stageflow::entity::Query;
use stageflow::instance::{InstanceRow, Status, TaskRow};
use stageflow::model::{Name, Value};
use stageflow::store::{InstanceFilter, TaskFilter};

use crate::kit::*;

fn abouts(rows: &[InstanceRow]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {}", row.process, row.record.as_ref().unwrap().id)).collect()
}

#[test]
fn instances_are_found_by_record_process_and_state_page_by_page() {
    in_the_shop(|engine| {
        let (kettle, first) = run(engine, "care", "kettle");
        let (_, second) = run(engine, "care", "pan");
        run(engine, "remind", "pot");
        engine.system().start("rest").about(&kettle).run().unwrap();
        engine.system().cancel(second).unwrap();
        let all = InstanceFilter::default;
        let care = || Some(Name::new("care"));
        let table = [
            (all(), vec!["care kettle", "care pan", "remind pot", "rest kettle"]),
            (InstanceFilter { record: Some(kettle.clone()), ..all() }, vec!["care kettle", "rest kettle"]),
            (InstanceFilter { process: care(), ..all() }, vec!["care kettle", "care pan"]),
            (InstanceFilter { status: Some(Status::Canceled), ..all() }, vec!["care pan"]),
            (InstanceFilter { process: care(), status: Some(Status::Running), ..all() }, vec!["care kettle"]),
            (InstanceFilter { incidents: true, ..all() }, vec![]),
            (InstanceFilter { limit: Some(2), ..all() }, vec!["care kettle", "care pan"]),
            (InstanceFilter { limit: Some(2), after: Some(second), ..all() }, vec!["remind pot", "rest kettle"]),
        ];
        for (filter, expected) in table {
            assert_eq!(abouts(&engine.instances(&filter).unwrap()), expected, "{filter:?}");
        }
        assert_eq!(engine.instance(first).unwrap().process, Name::new("care"));
        assert_eq!(engine.instance(stageflow::instance::Id::from_u128(1)).unwrap_err().code(), "unknown");
    });
}

#[test]
fn tasks_are_found_by_person_role_due_date_and_page() {
    in_the_shop(|engine| {
        run(engine, "care", "kettle");
        run(engine, "care", "pan");
        run(engine, "weigh", "pot");
        let titles = |tasks: Vec<TaskRow>| -> Vec<String> {
            tasks.iter().map(|task| task.title.get("en").to_string()).collect()
        };
        let (kettle, pan, pot) = ("Care for kettle", "Care for pan", "Weigh pot");
        let all = TaskFilter::default;
        let hour = nine() + chrono::TimeDelta::minutes(61);
        let table = [
            (all(), vec![pot, kettle, pan]),
            (TaskFilter { assignee: Some(user("anna")), ..all() }, vec![kettle, pan]),
            (TaskFilter { roles: vec![Name::new("clerk")], ..all() }, vec![pot]),
            (TaskFilter { due_before: Some(hour), ..all() }, vec![pot]),
            (TaskFilter { step: Some(Name::new("care")), limit: Some(1), ..all() }, vec![kettle]),
        ];
        for (filter, expected) in table {
            assert_eq!(titles(engine.tasks(&filter).unwrap()), expected, "{filter:?}");
        }
        // What somebody has or may claim, by the roles he has and inherits.
        for (who, expected) in [("anna", vec![pot, kettle, pan]), ("boris", vec![pot]), ("cleo", vec![])] {
            assert_eq!(titles(engine.user(who).tasks().unwrap()), expected, "{who}");
        }
    });
}

#[test]
fn records_are_read_on_somebody_s_behalf() {
    in_the_shop(|engine| {
        let kettle = order(engine, "kettle");
        order(engine, "pan");
        let anna = engine.user("anna");
        assert_eq!(anna.record(&kettle).unwrap().unwrap().get(&Name::new("what")), Value::text("kettle"));
        assert_eq!(anna.value(&kettle, "owner").unwrap(), Value::Ref(user("anna")));
        let query = Query::all(Name::new("order")).with("what", Value::text("pan"));
        assert_eq!(anna.records(&query).unwrap().len(), 1);
        // Who is nobody reads nothing.
        let nobody = engine.user("nobody");
        let told = [
            nobody.record(&kettle).map(|_| ()),
            nobody.records(&query).map(|_| ()),
            nobody.value(&kettle, "what").map(|_| ()),
        ];
        assert_eq!(told.map(|told| told.unwrap_err().code().to_string()), ["unknown", "unknown", "unknown"]);
        assert!(anna.value(&kettle, "colour").is_err());
    });
}

#[test]
fn history_says_who_did_what_when_and_why() {
    in_the_shop(|engine| {
        let (_, run) = run(engine, "weigh", "kettle");
        engine.user("anna").complete(task(engine, run).id, Some("gone"), NOTHING).unwrap();
        let told = engine.history(run).unwrap();
        let lines: Vec<String> = told
            .iter()
            .map(|entry| {
                let actor = entry.actor.as_ref().map_or("system", |who| &who.id);
                format!("{actor} {} {}: {}", entry.kind, entry.step.clone().unwrap_or_default(), entry.text)
            })
            .collect();
        for line in [
            "system start : weigh version 1 started for order kettle",
            "system start weigh: the task weigh is open",
            "anna complete : order kettle changed stage: open -> lost",
            "anna complete : completed",
        ] {
            assert!(lines.iter().any(|told| told == line), "expected {line} in\n{}", lines.join("\n"));
        }
    });
}

#[test]
fn whoever_may_start_a_process_is_offered_it() {
    in_the_shop(|engine| {
        for (who, offered) in [("anna", 1), ("boris", 1), ("root", 1), ("cleo", 0)] {
            let found: Vec<Startable> = engine.startable(&user(who)).unwrap();
            assert_eq!(found.len(), offered, "{who}");
            assert!(found.iter().all(|one| one.new == ["what", "owner"].map(Name::new)));
        }
    });
}

const HEAD: &str = "process: talk\nentity: order\nvars: {round: {type: int, initial: 1}}\nsteps:\n";
const TALK: &str = "
  - id: ask
    user_task: Ask about {self.what}
    assign: self.owner
    outcomes:
      taken: {title: \"Taken, round {round}\"}
      left: {title: 'Left {self.note}'}
    boundary:
      - {manual: {title: 'Forget {self.what}'}, id: forget, title: 'Forgotten: {self.what}', next: stuck}
  - id: stuck
    incident: weightless
    ways_out:
      drop: {title: 'Drop {self.what}', next: done}
";

#[test]
fn titles_are_filled_in_for_whoever_looks() {
    let mut sources = sources();
    sources.add("talk.yaml", format!("{HEAD}{TALK}"));
    everywhere(
        |builder| builder.sources(sources.clone()),
        |engine| {
            let (_, run) = run(engine, "talk", "kettle");
            let form = engine.form(task(engine, run).id).unwrap();
            let outcomes: Vec<&str> = form.outcomes.iter().map(|outcome| outcome.title.get("en")).collect();
            assert_eq!(outcomes, ["Taken, round 1", "Left {self.note}"], "what has no value is shown as it is written");
            let actions = engine.actions(run).unwrap();
            assert_eq!(actions.first().map(|action| action.title.get("en")), Some("Forget kettle"));
            engine.system().act(run, actions[0].wait, NOTHING).unwrap();
            assert_eq!(incident(engine).ways[0].1.get("en"), "Drop kettle");
            let told = engine.history(run).unwrap();
            let title = |step: &str| {
                let of_step = told.iter().rfind(|entry| entry.step.as_deref() == Some(step));
                of_step.map(|entry| entry.title.get("en").to_string())
            };
            assert_eq!(title("ask").as_deref(), Some("Ask about kettle"));
            assert_eq!(title("forget").as_deref(), Some("Forgotten: kettle"));
        },
    );
}
