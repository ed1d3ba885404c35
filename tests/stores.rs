//! The contract of a store: one suite, told to every store through its traits alone. A new store is one more line in `contract!`.

#[path = "stores_support/file.rs"]
mod file;
#[path = "stores_support/golden.rs"]
mod golden;
#[path = "stores_support/kit.rs"]
mod kit;
#[path = "stores_support/model.rs"]
mod model;
#[path = "stores_support/rows.rs"]
mod rows;
#[path = "stores_support/time.rs"]
mod time;

use stageflow::store::{Applied, Deployment, JournalOf, Seen, Store, StoreError, Write};

use kit::*;
use stageflow::instance::InstanceRow;
use stageflow::model::Value;

/// Each sentence is a test over memory and a test over a file.
#[macro_export]
macro_rules! contract {
    ($($(#[$doc:meta])* fn $sentence:ident($store:ident: &dyn Store) $body:block)*) => {
        $($(#[$doc])* fn $sentence($store: &dyn Store) $body)*

        mod memory {
            $(#[test]
            fn $sentence() {
                super::$sentence(&stageflow::store::MemoryStore::at($crate::kit::at(0)));
            })*
        }

        mod sqlite {
            $(#[test]
            fn $sentence() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$sentence(&$crate::file::open(&folder.path().join("contract.db")));
            })*
        }
    };
}

contract! {
    fn a_new_store_knows_nothing_and_says_so(store: &dyn Store) {
        assert_eq!(everything(store), "offset 0\nnext None None");
        ask(store, |reader| {
            assert_eq!(reader.get(&lead("a"))?, None);
            assert!(reader.instance(id(1))?.is_none() && reader.task(id(1))?.is_none() && reader.job(id(1))?.is_none());
            assert!(reader.seen(id(1))?.is_none() && reader.setting("limit")?.is_none());
            assert_eq!(reader.running("sell", "a")?, None);
            assert_eq!(reader.cursor("nobody")?, 0);
            assert!(reader.journal(&JournalOf::Instance(id(1)), 0, 9)?.is_empty());
            assert!(reader.journal(&JournalOf::Record(lead("a")), 0, 9)?.is_empty());
            Ok(())
        });
    }

    /// What is closed, taken or parked need not be there: a withdrawn thing may be withdrawn twice.
    fn unknown_ids_are_passed_by(store: &dyn Store) {
        use stageflow::instance::{Need, Outcome};
        let topic = stageflow::instance::Topic::signal("stop");
        let withdrawn = Outcome::Withdrawn(name("over"));
        commit(store, [turn(1).needs([
            Need::CloseTask(id(7), withdrawn), Need::DisarmTimer(id(7), 1), Need::Unlisten(id(7), 1),
            Need::CloseJob(id(7)), Need::HoldJob(id(7), true), Need::TakeMessage(name("paid"), "x".into(), 7),
        ])]);
        inside(store, |tx| {
            assert!(!tx.extend_job(id(7), 1, at(9))?);
            tx.park_reaction(7, Some("why"))?;
            tx.park_reaction(7, None)?;
            tx.mark_damaged(id(7))?;
            assert!(tx.listeners(&topic)?.is_empty() && tx.failed_reactions()?.is_empty());
            Ok(())
        });
        assert_eq!(verdict(store, Write { consumed: Some(7), ..turn(2) }), "applied as 2");
    }

    fn a_write_is_numbered_and_seen_by_the_next_turn_of_its_commit(store: &dyn Store) {
        let first = record("a", 1, &[]);
        inside(store, |tx| {
            assert_eq!(in_words(&tx.apply(turn(1).by(1).on(run(1, 1)).saves(None, Some(first.clone())))?), "applied as 1");
            assert_eq!(tx.get(&lead("a"))?, Some(first.clone()));
            assert!(tx.instance(id(1))?.is_some() && tx.seen(id(1))?.is_some());
            assert_eq!(in_words(&tx.apply(turn(2).by(2).on(run(1, 2)))?), "applied as 2");
            Ok(())
        });
        assert_eq!(store.get(&lead("a")), Ok(Some(first.clone())));
    }

    /// A verdict other than `Applied` leaves everything as it was, and the rest of the commit goes on.
    fn a_refused_write_changes_nothing_and_hurts_no_neighbour(store: &dyn Store) {
        let (old, new) = (record("a", 1, &[]), record("a", 2, &[]));
        let keyed = InstanceRow { key: Some("acme".into()), ..run(1, 1) };
        commit(store, [turn(1).by(1).on(keyed).saves(None, Some(old.clone())).needs([offer(job(1, 1, 0))])]);
        let rival = InstanceRow { key: Some("acme".into()), ..run(2, 1) };
        let before = everything(store);
        let everywhere = |write: Write| write.saves(None, Some(record("b", 1, &[]))).needs([arm(1, 1, 5)]).reacts([1]);
        let stale = [
            ("its command came before", turn(2).by(1)),
            ("the instance is further", turn(2).by(2).on(run(1, 1))),
            ("the instance is not as far", turn(2).by(2).on(run(1, 3))),
            ("there is no such instance", turn(2).by(2).on(run(3, 2))),
            ("another one runs for the key", turn(2).by(2).on(rival)),
            ("the record is there already", turn(2).by(2).saves(None, Some(old.clone()))),
            ("the record is further", turn(2).by(2).saves(Some(record("a", 0, &[])), Some(new.clone()))),
            ("the record is gone", turn(2).by(2).saves(Some(record("x", 1, &[])), None)),
            ("the lease is another's", Write { job: Some((id(1), 2)), ..turn(2).by(2) }),
            ("the job is over", Write { job: Some((id(2), 1)), ..turn(2).by(2) }),
        ];
        let told: Vec<String> = stale.into_iter().map(|(why, write)| {
            let verdict = verdict(store, everywhere(write));
            assert_eq!(everything(store), before, "{why}: {verdict}");
            format!("{why}: {verdict}")
        }).collect();
        expect_test::expect![[r#"
            its command came before: duplicate, answer 1
            the instance is further: conflict, the instance 00000000-0000-0000-0000-000000000001 is at revision 1
            the instance is not as far: conflict, the instance 00000000-0000-0000-0000-000000000001 is at revision 1
            there is no such instance: conflict, the instance 00000000-0000-0000-0000-000000000003 is at revision 0
            another one runs for the key: runs already as 1
            the record is there already: conflict, lead a was changed meanwhile
            the record is further: conflict, lead a was changed meanwhile
            the record is gone: conflict, lead x was changed meanwhile
            the lease is another's: fenced
            the job is over: fenced"#]].assert_eq(&told.join("\n"));
        let neighbours = [turn(2).by(2), turn(2).by(1), turn(3).by(3)];
        let verdicts: Vec<bool> = verdicts(store, neighbours).iter().map(|it| matches!(it, Applied::Applied(_))).collect();
        assert_eq!(verdicts, [true, false, true]);
    }

    /// The whole fence: a child that came or went raises `links_rev` of its parent.
    fn the_guard_of_a_record_sees_its_children_too(store: &dyn Store) {
        let linked = |links_rev| std::sync::Arc::new(stageflow::entity::Record { links_rev, ..(*record("a", 1, &[])).clone() });
        commit(store, [turn(1).saves(None, Some(linked(0))), turn(2).saves(Some(linked(0)), Some(linked(1)))]);
        assert_eq!(verdict(store, turn(3).saves(Some(linked(0)), Some(linked(1)))), "conflict, lead a was changed meanwhile");
        commit(store, [turn(3).saves(Some(linked(1)), Some(linked(2)))]);
    }

    fn one_write_may_change_a_record_twice(store: &dyn Store) {
        let [a, b, c] = [1, 2, 3].map(|n| record("a", n, &[("n", Value::from(n as i64))]));
        inside(store, |tx| tx.index(&[(name("lead"), name("n"))]));
        commit(store, [turn(1).saves(None, Some(a.clone())).saves(Some(a), Some(b.clone())).saves(Some(b), Some(c.clone()))]);
        assert_eq!(store.get(&lead("a")), Ok(Some(c.clone())));
        let found = [1_i64, 2, 3].map(|n| store.query(&leads(&[("n", Value::from(n))], &[])).expect("records").len());
        assert_eq!(found, [0, 0, 1]);
        commit(store, [turn(2).saves(Some(c), None)]);
        assert_eq!(store.get(&lead("a")), Ok(None));
    }

    fn a_command_is_carried_out_once_and_answered_the_same(store: &dyn Store) {
        let seen = Seen { hash: u64::MAX - 5, answer: b"answer 5".to_vec() };
        commit(store, [turn(1).by(5)]);
        assert_eq!(ask(store, |reader| reader.seen(id(5))), Some(seen.clone()));
        for _ in 0..2 {
            assert_eq!(verdict(store, turn(2).by(5)), "duplicate, answer 5");
        }
        assert_eq!(verdicts(store, [turn(3).by(6), turn(3).by(6)]).len(), 2, "also within one commit");
        assert_eq!(ask(store, |reader| reader.journal(&JournalOf::All, 0, 9)).len(), 2);
    }

    fn a_savepoint_undoes_its_own_turn_alone(store: &dyn Store) {
        let first = full(1);
        let kept = inside(store, |tx| {
            tx.apply(first.clone())?;
            tx.savepoint()?;
            undone(tx)?;
            tx.rollback()?;
            tx.savepoint()?;
            tx.apply(turn(2).by(2))?;
            tx.savepoint()?;
            undone(tx)?;
            tx.rollback()?;
            tx.release()?;
            tx.journal(&JournalOf::All, 0, 9)
        });
        assert_eq!(told(&kept), ["1 turn 1 +a", "2 turn 2"]);
        let twin = stageflow::store::MemoryStore::at(at(0));
        commit(&twin, [full(1), turn(2).by(2)]);
        assert_eq!(everything(store), everything(&twin));
        assert_eq!(verdict(store, turn(3)), "applied as 3");
    }

    fn an_error_in_the_middle_leaves_nothing(store: &dyn Store) {
        commit(store, [full(1)]);
        let before = everything(store);
        let gave_up = StoreError::Aborted("enough".into());
        let done = store.write(&mut |tx| {
            undone(tx)?;
            Err(gave_up.clone())
        });
        assert_eq!(done, Err(gave_up.clone()));
        assert_eq!(everything(store), before);
        assert_eq!(verdict(store, turn(2)), "applied as 2", "numbers of the journal have no gaps");
    }

    fn a_panic_in_the_middle_leaves_nothing(store: &dyn Store) {
        commit(store, [full(1)]);
        let before = everything(store);
        let work = || store.write(&mut |tx| {
            undone(tx)?;
            std::panic::resume_unwind(Box::new("enough"))
        });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert_eq!(everything(store), before);
        commit(store, [turn(2)]);
    }

    /// An undone `index` must not make later queries look into an index that is not there.
    fn an_undone_index_hides_nothing(store: &dyn Store) {
        commit(store, [turn(1).saves(None, Some(record("a", 1, &[("n", Value::from(1_i64))])))]);
        let of_one = leads(&[("n", Value::from(1_i64))], &[]);
        inside(store, |tx| {
            tx.savepoint()?;
            tx.index(&[(name("lead"), name("n"))])?;
            tx.set_offset(5)?;
            tx.rollback()?;
            assert_eq!(ids(&tx.query(&of_one)?), ["a"]);
            Ok(())
        });
        assert_eq!(ids(&store.query(&of_one).expect("records")), ["a"]);
        assert_eq!(store.now(), at(0));
        inside(store, |tx| tx.index(&[(name("lead"), name("n"))]));
        assert_eq!(ids(&store.query(&of_one).expect("records")), ["a"]);
    }

    fn settings_texts_and_cursors_stay(store: &dyn Store) {
        let text = |version| Deployment {
            name: name("sell"), version, file: "sell.yaml".into(), text: "process: sell".into(), table: vec![1, 2], at: at(1),
        };
        commit(store, [Write { settings: vec![(name("limit"), Value::from(5_i64))], ..turn(1) }]);
        commit(store, [Write { settings: vec![(name("limit"), Value::NULL), (name("base"), "RUB".into())], ..turn(2) }]);
        inside(store, |tx| {
            tx.deploy(&text(2))?;
            tx.deploy(&text(1))?;
            tx.set_cursor("mail", 3)?;
            tx.set_cursor("mail", 4)
        });
        ask(store, |reader| {
            assert_eq!(reader.setting("limit")?, Some(Value::NULL));
            assert_eq!(reader.setting("base")?, Some("RUB".into()));
            assert_eq!(reader.deployments()?, [text(2), text(1)], "in order of deployment");
            assert_eq!((reader.cursor("mail")?, reader.cursor("other")?), (4, 0));
            Ok(())
        });
    }

    fn the_clock_is_the_stores(store: &dyn Store) {
        assert_eq!(store.now(), at(0));
        inside(store, |tx| tx.set_offset(60_000_000));
        assert_eq!((store.now(), ask(store, |reader| reader.clock_offset())), (at(60), 60_000_000));
        let _refused = store.write(&mut |tx| {
            tx.set_offset(90_000_000)?;
            Err(StoreError::Aborted("enough".into()))
        });
        assert_eq!((store.now(), ask(store, |reader| reader.clock_offset())), (at(60), 60_000_000));
    }
}

/// A turn that leaves something in every table.
fn full(second: i64) -> Write {
    let topic = stageflow::instance::Topic::signal("stop");
    let write =
        turn(second).by(second as u128).on(run(1, 1)).saves(None, Some(record("a", 1, &[("n", Value::from(1_i64))])));
    let needs = [keep(task(1, 1)), arm(1, 2, 5), listen(1, 3, &topic), offer(job(1, 1, 0)), message("a", 50)];
    let write = write.needs(needs).reacts([1, 2]);
    Write { settings: vec![(name("limit"), Value::from(5_i64))], parked: vec![(reaction(3), "why".into())], ..write }
}

/// Everything that a transaction can do, over what `full` left: to be undone.
fn undone(tx: &mut dyn stageflow::store::Tx) -> Result<(), StoreError> {
    use stageflow::instance::{Need, Outcome, Topic};
    let (before, after) = (record("a", 1, &[("n", Value::from(1_i64))]), record("a", 2, &[("n", Value::from(2_i64))]));
    let ended = InstanceRow { ended: Some(at(3)), incidents: 1, key: Some("k".into()), ..run(1, 2) };
    let other =
        turn(8).by(8).on(ended).saves(Some(before), Some(after)).saves(None, Some(record("b", 1, &[]))).needs([
            Need::CloseTask(id(1), Outcome::Withdrawn(name("over"))),
            keep(task(2, 1)),
            arm(1, 2, 6),
            arm(1, 4, 7),
            Need::Unlisten(id(1), 3),
            listen(1, 5, &Topic::signal("go")),
            Need::HoldJob(id(1), true),
            offer(job(2, 1, 0)),
            message("a", 70),
        ]);
    let kept = tx.kept_messages("paid", "a", at(0))?;
    let take = kept.iter().map(|(number, _)| Need::TakeMessage(name("paid"), "a".into(), *number));
    let other = other.needs(take).reacts([7]);
    let consumed = tx.next_reaction()?.map(|(seq, _)| seq);
    let other = Write { settings: vec![(name("limit"), Value::from(9_i64))], consumed, ..other };
    assert!(matches!(tx.apply(other)?, Applied::Applied(_)));
    tx.claim_jobs(&claim(1, 30, 9))?;
    tx.extend_job(id(2), 1, at(60))?;
    let (due, failed) = (tx.next_reaction()?, tx.failed_reactions()?);
    due.map_or(Ok(()), |(seq, _)| tx.park_reaction(seq, Some("no")))?;
    failed.iter().try_for_each(|failed| tx.park_reaction(failed.seq, None))?;
    tx.mark_damaged(id(1))?;
    let text = "process: sell".to_string();
    tx.deploy(&Deployment {
        name: name("sell"),
        version: 1,
        file: "sell.yaml".into(),
        text,
        table: Vec::new(),
        at: at(8),
    })?;
    tx.index(&[(name("lead"), name("n"))])?;
    tx.set_offset(1_000_000)?;
    tx.set_cursor("mail", 9)?;
    let all = Some(at(1_000));
    tx.prune(&stageflow::store::Old { instances: all, journal: all, commands: all, messages: at(1_000) }).map(|_| ())
}
