//! People: they start, claim, give back and complete, as their roles allow; the journal knows who it was.

use stageflow::instance::{Id, Status};
use stageflow::model::Value;

use crate::kit::*;

#[test]
fn a_start_is_for_those_whose_roles_it_names_and_once_for_a_record() {
    in_the_shop(|engine| {
        let order = order(engine, "kettle");
        for (who, code) in [("cleo", "not_allowed"), ("nobody", "unknown")] {
            assert_eq!(engine.user(who).start("weigh").about(&order).run().unwrap_err().code(), code, "{who}");
        }
        engine.user("boris").start("weigh").about(&order).run().expect("his role inherits");
        assert_eq!(engine.user("anna").start("weigh").about(&order).run().unwrap_err().code(), "already_running");
        assert_eq!(engine.user("anna").start("wiegh").about(&order).run().unwrap_err().code(), "unknown");
        let made = engine.user("anna").start("weigh").new_record([("what", Value::text("pan"))]).run().unwrap();
        assert_eq!(task(engine, made).title.get("en"), "Weigh pan");
    });
}

#[test]
fn a_task_is_claimed_released_reassigned_and_completed_by_those_who_may() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "weigh", "kettle");
        let task = task(engine, run).id;
        let holder = || engine.form(task).map(|_| crate::kit::task(engine, run).assignee.map(|who| who.id.to_string()));
        let (anna, bert, cleo) = (engine.user("anna"), engine.user("bert"), engine.user("cleo"));
        assert!(cleo.claim(task).unwrap_err().is_denied());
        anna.claim(task).unwrap();
        assert_eq!(holder().unwrap().as_deref(), Some("anna"));
        assert!(bert.claim(task).unwrap_err().is_refused(), "somebody has it");
        assert!(bert.complete(task, Some("gone"), NOTHING).unwrap_err().is_denied(), "somebody else has it");
        assert!(bert.release(task).unwrap_err().is_denied());
        anna.release(task).unwrap();
        assert_eq!(holder().unwrap(), None);
        anna.claim(task).unwrap();
        engine.user("boris").reassign(task, Some(&user("bert"))).unwrap();
        assert!(anna.complete(task, Some("gone"), NOTHING).unwrap_err().is_denied());
        bert.complete(task, Some("weighed"), [("self.weight", number(2))]).unwrap();
        assert_eq!(column(engine, &order, "weight"), "2");
        assert_eq!(engine.instance(run).unwrap().status, Status::Completed);
        assert!(engine.user("root").claim(task).is_err(), "it is over");
    });
}

#[test]
fn a_completion_that_a_rule_refuses_leaves_the_task_open() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "weigh", "kettle");
        let (task, anna) = (task(engine, run).id, engine.user("anna"));
        for (outcome, weight, says) in [
            ("wieghed", number(1), "weighed"),
            ("weighed", Value::NULL, "weight"),
            ("weighed", Value::text("much"), "weight"),
            ("weighed", number(-1), "Nothing weighs less than nothing"),
        ] {
            let refused = anna.complete(task, Some(outcome), [("self.weight", weight)]).unwrap_err();
            assert!(refused.is_refused() && refused.to_string().contains(says), "{outcome}: {refused}");
        }
        assert!(anna.complete(task, None, NOTHING).is_err(), "there are two ways it may end");
        assert_eq!(column(engine, &order, "weight"), "null");
        assert_eq!(engine.form(task).unwrap().outcomes.len(), 2);
        assert_eq!(engine.instance(run).unwrap().status, Status::Running);
    });
}

#[test]
fn the_journal_and_the_transitions_name_the_person_and_the_command() {
    in_the_shop(|engine| {
        let (order, run) = run(engine, "weigh", "kettle");
        let (anna, id) = (engine.user("anna"), Id::from_u128(7));
        anna.command(id).complete(task(engine, run).id, Some("gone"), NOTHING).unwrap();
        let told = engine.transitions(0, 1_000).unwrap().pop().unwrap();
        assert_eq!((told.record, &*told.from.unwrap(), &*told.to), (order.clone(), "open", "lost"));
        assert_eq!((told.from_title.get("en"), told.to_title.get("en")), ("Open", "Lost"));
        assert_eq!((told.cause.command, told.cause.on_behalf_of), (id, Some(user("anna"))));
        let told = engine.changes(&order, 0, 100).unwrap().pop().unwrap();
        assert_eq!((told.actor, told.kind.as_str()), (Some(user("anna")), "complete"));
    });
}
