//! Definitions: versions side by side, pinned with their texts, and never without the services they need.

use stageflow::Engine;
use stageflow::load::Sources;
use stageflow::store::{MemoryStore, SqliteStore};

use crate::kit::*;

fn care(version: u32, steps: &str) -> Sources {
    let mut sources = Sources::new();
    sources.add("care.yaml", format!("process: care\nversion: {version}\nentity: order\nsteps:\n{steps}"));
    sources
}

#[test]
fn without_a_handler_the_engine_is_not_built_and_the_message_names_the_place() {
    let built = Engine::builder().sources(sources()).service("post", |call| Ok(posted(call))).build();
    let told = built.err().unwrap();
    assert_eq!((told.code(), told.to_string().as_str()), ("build", "service `price` of quote.yaml:5 has no handler"));
    let built = Engine::builder().sources(sources()).build();
    assert!(built.err().unwrap().to_string().ends_with("(and 1 more)"));
    Engine::builder().sources(sources()).remote_services().build().expect("left to workers elsewhere");
}

#[test]
fn versions_run_side_by_side_and_a_run_stays_on_its_own() {
    in_the_shop(|engine| {
        let (old, first) = run(engine, "care", "kettle");
        let two = "  - {id: care, user_task: 'Care twice for {self.what}', assign: self.owner}\n  - set: {self.note: '\"twice\"'}\n";
        engine.deploy_process(&care(2, two)).unwrap();
        let (new, second) = run(engine, "care", "pan");
        let other = order(engine, "pot");
        let third = engine.system().start("care").version(1).about(&other).run().unwrap();
        let told = [first, second, third].map(|run| {
            let title = task(engine, run).title.get("en").to_string();
            (engine.instance(run).unwrap().version, title)
        });
        let expected = [(1, "Care for kettle"), (2, "Care twice for pan"), (1, "Care for pot")];
        assert_eq!(told, expected.map(|(version, title)| (version, title.to_string())));
        for run in [first, second, third] {
            engine.user("anna").complete(task(engine, run).id, None, NOTHING).unwrap();
        }
        assert_eq!([old, new, other].map(|order| column(engine, &order, "note")), ["null", "twice", "null"]);
        // The same number with another content is another thing.
        let refused = engine.deploy_process(&care(2, "  - wait: 1 day\n")).unwrap_err().to_string();
        assert!(refused.contains("version 2 of `care` is loaded already, with other content"), "{refused}");
        assert_eq!(engine.deploy_process(&care(3, "  - wiat: 1 day\n")).unwrap_err().code(), "load");
    });
}

#[test]
fn after_a_restart_old_runs_go_on_on_their_versions_without_any_texts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let first = shop().store(SqliteStore::open(&file).unwrap()).build().unwrap();
    let order = first.system().create_as("order", "pan", [("what", "pan".into())]).unwrap();
    let run = first.system().start("remind").about(&order).run().unwrap();
    let mut newer = Sources::new();
    newer.add("remind.yaml", "process: remind\nversion: 2\nentity: order\nsteps: [{wait: 9 days}]\n");
    first.deploy_process(&newer).unwrap();
    drop(first);
    let again = Engine::builder().store(SqliteStore::open(&file).unwrap()).remote_services().build().unwrap();
    assert_eq!(again.instance(run).unwrap().version, 1);
    again.advance(chrono::TimeDelta::days(3)).unwrap();
    assert_eq!(column(&again, &order, "note"), "reminded");
    assert_eq!(again.catalog().newest("remind").unwrap().version, 2);
}

#[test]
fn a_deployment_whose_services_nobody_handles_is_refused_and_leaves_no_trace() {
    in_the_shop(|engine| {
        let mut fresh = Sources::new();
        for (_, source) in sources().iter() {
            let text = source.text.replace("library: shop\n", "library: shop\ntitle: Shop\n");
            fresh.add(&*source.name, text.replace("services:\n", "services:\n  wrap: {}\n"));
        }
        fresh.add("wrap.yaml", "process: wrap\nentity: order\nsteps:\n  - {id: wrap, service: wrap}\n");
        let refused = engine.deploy(fresh).unwrap_err();
        assert_eq!(
            (refused.code(), refused.to_string().as_str()),
            ("build", "service `wrap` of wrap.yaml:4 has no handler")
        );
        assert!(engine.catalog().newest("wrap").is_none());
    });
}

#[test]
fn a_version_that_only_old_runs_are_on_needs_its_handlers_too() {
    let store = MemoryStore::at(nine());
    let engine = shop().store(store.clone()).build().unwrap();
    let order = engine.system().create_as("order", "pan", [("what", "pan".into())]).unwrap();
    let run = engine.system().start("send").about(&order).run().unwrap();
    let mut newer = Sources::new();
    newer.add("send.yaml", "process: send\nversion: 2\nentity: order\nsteps: [{wait: 9 days}]\n");
    engine.deploy_process(&newer).unwrap();
    drop(engine);
    let open = || Engine::builder().store(store.clone()).inside("price", |_| Ok(values([("price", number(7))])));
    let told = open().build().err().unwrap().to_string();
    assert_eq!(told, "service `post` of send.yaml:5 has no handler");
    let engine = open().service("post", |call| Ok(posted(call))).build().unwrap();
    engine.work().unwrap();
    assert!(engine.instance(run).unwrap().status.is_over());
    drop(engine);
    open().build().expect("nobody is on it any more");
}

/// The shop with a decision, and a process that asks it: rule by rule of the decision's text.
fn priced(decision: (u32, &str), process: (u32, &str)) -> Sources {
    let mut sources = sources();
    let (version, rules) = decision;
    let head =
        format!("decision: rate\nversion: {version}\ninputs: {{weight: required number}}\noutputs: {{rate: number}}\n");
    sources.add("rate.yaml", format!("{head}rules:\n{rules}"));
    let (version, more) = process;
    let ask = "  - {id: ask, decide: rate, with: {weight: self.weight}, take: {self.price: rate}}\n";
    sources.add("rated.yaml", format!("process: rated\nversion: {version}\nentity: order\nsteps:\n{more}{ask}"));
    sources
}

const FLAT: (u32, &str) = (1, "  - then: {rate: 5}\n");
const BY_WEIGHT: (u32, &str) =
    (2, "  - {when: {weight: < 2}, then: {rate: 7}}\n  - {when: {weight: '>= 2'}, then: {rate: 9}}\n");
const AT_ONCE: (u32, &str) = (1, "");
const LATER: (u32, &str) = (1, "  - wait: 1 day\n");

fn rated(engine: &Engine, what: &str) -> (stageflow::model::Ref, stageflow::instance::Id) {
    let order = engine.system().create_as("order", what, [("what", what.into()), ("weight", 3.into())]).unwrap();
    let run = engine.system().start("rated").about(&order).run().unwrap();
    (order, run)
}

#[test]
fn a_process_version_keeps_the_decision_it_was_deployed_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    let build = |sources: Option<Sources>| {
        let builder = Engine::builder().store(SqliteStore::open(&file).unwrap()).remote_services();
        match sources {
            Some(sources) => builder.sources(sources).build().unwrap(),
            None => builder.build().unwrap(),
        }
    };
    let engine = build(Some(priced(FLAT, LATER)));
    let (old, run) = rated(&engine, "pan");
    let told = |sources: Sources| engine.deploy(sources).map(|_| ()).map_err(|error| error.to_string());
    // The same version with other rules, and other rules for a version that is deployed, are other things.
    let other = priced((1, BY_WEIGHT.1), LATER);
    assert_eq!(
        told(other).unwrap_err(),
        "the decision rate version 1 was deployed with another content; give it a new version"
    );
    let why = "rated version 1 was deployed with other versions of the decisions it asks; give it a new version";
    assert_eq!(told(priced(BY_WEIGHT, LATER)).unwrap_err(), why);
    let mut alone = Sources::new();
    let whole = priced(BY_WEIGHT, LATER);
    let (_, rate) = whole.iter().find(|(_, source)| &*source.name == "rate.yaml").unwrap();
    alone.add("rate.yaml", &rate.text);
    let why = "rated version 1 asks the decision rate in version 1; deploy a new version of rated with version 2 of it";
    assert_eq!(engine.deploy_process(&alone).unwrap_err().to_string(), why);
    // Both new: the old run stays with the old rules, after a restart without any texts too.
    told(priced(BY_WEIGHT, (2, ""))).unwrap();
    let (new, _) = rated(&engine, "pot");
    drop(engine);
    let engine = build(None);
    assert_eq!(engine.instance(run).unwrap().version, 1);
    engine.advance(chrono::TimeDelta::days(1)).unwrap();
    assert_eq!([old, new].map(|order| column(&engine, &order, "price")), ["5", "9"]);
    // A process deployed beside takes the rules that are in force.
    let mut beside = Sources::new();
    beside.add("third.yaml", "process: third\nentity: order\nsteps:\n  - {id: ask, decide: rate, with: {weight: 1}, take: {self.price: rate}}\n");
    engine.deploy_process(&beside).unwrap();
    let order = engine.system().create_as("order", "cup", [("what", "cup".into())]).unwrap();
    engine.system().start("third").about(&order).run().unwrap();
    assert_eq!(column(&engine, &order, "price"), "7");
    let (again, _) = rated(&engine, "jug");
    drop(engine);
    assert_eq!(column(&build(None), &again, "price"), "9");
}

#[test]
fn decisions_of_a_library_are_loaded_with_it() {
    in_the_shop(|engine| {
        engine.deploy(priced(FLAT, AT_ONCE)).unwrap();
        let (order, _) = rated(engine, "pan");
        assert_eq!(column(engine, &order, "price"), "5");
        // The same texts once more change nothing.
        engine.deploy(priced(FLAT, AT_ONCE)).unwrap();
    });
}
