//! The contract, of rows: instances, tasks, subscriptions, messages, records, the journal and what is forgotten of them.

use stageflow::entity::Query;
use stageflow::instance::{InstanceRow, Need, Outcome, Run, Status, TaskRow, Topic};
use stageflow::model::{Money, Ref, Value};
use stageflow::store::{InstanceFilter, JournalOf, Old, Store, TaskFilter, Write};

use crate::contract;
use crate::kit::*;

contract! {
    fn an_instance_comes_back_as_it_was_written(store: &dyn Store) {
        let row = InstanceRow {
            record: Some(lead("a")), status: Status::Suspended, incidents: 2, key: Some("a".into()), parent: Some(id(8)),
            root: id(9), initiator: Some(Ref::new("user", "anna b")), ended: Some(at(7)), ..run(1, 1)
        };
        commit(store, [turn(1).on(row.clone())]);
        let Run { row: found, state } = *ask(store, |reader| reader.instance(id(1))).expect("an instance");
        assert_eq!((found, state.revision, &*state.process), (row, 1, "sell"));
    }

    fn instances_are_found_by_what_they_are_about(store: &dyn Store) {
        let about = |number, record: Option<Ref>, status, incidents, process: &str| InstanceRow {
            record, status, incidents, process: name(process), ..run(number, 1)
        };
        use Status::{Canceled, Completed, Running, Suspended};
        commit(store, [
            about(3, Some(lead("a")), Running, 0, "sell"), about(1, Some(lead("a")), Completed, 0, "call"),
            about(2, Some(lead("b")), Suspended, 1, "sell"), about(5, None, Running, 2, "call"),
            about(4, Some(Ref::new("sale", "a")), Canceled, 0, "sell"),
        ].map(|row| turn(1).on(row)));
        let all = InstanceFilter::default;
        let of = |process: &str| InstanceFilter { process: Some(name(process)), ..all() };
        let cases: [(&str, InstanceFilter, &[u128]); 14] = [
            ("all, the oldest first", all(), &[1, 2, 3, 4, 5]),
            ("a page", InstanceFilter { limit: Some(2), ..all() }, &[1, 2]),
            ("the next page", InstanceFilter { limit: Some(2), after: Some(id(2)), ..all() }, &[3, 4]),
            ("nothing", InstanceFilter { limit: Some(0), ..all() }, &[]),
            ("behind the last", InstanceFilter { after: Some(id(5)), ..all() }, &[]),
            ("about a record", InstanceFilter { record: Some(lead("a")), ..all() }, &[1, 3]),
            ("about it, running", InstanceFilter { record: Some(lead("a")), status: Some(Running), ..all() }, &[3]),
            ("about it, behind", InstanceFilter { record: Some(lead("a")), after: Some(id(1)), ..all() }, &[3]),
            ("about an unknown one", InstanceFilter { record: Some(lead("x")), ..all() }, &[]),
            ("of a process", of("sell"), &[2, 3, 4]),
            ("of a process, running", InstanceFilter { status: Some(Running), ..of("sell") }, &[3]),
            ("stopped", InstanceFilter { status: Some(Suspended), ..all() }, &[2]),
            ("with incidents", InstanceFilter { incidents: true, ..all() }, &[2, 5]),
            ("of a process with incidents", InstanceFilter { incidents: true, ..of("call") }, &[5]),
        ];
        for (what, filter, expected) in cases {
            let found = ask(store, |reader| reader.instances(&filter));
            assert_eq!(found.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(), expected, "{what}");
        }
        let live = ask(store, |reader| Ok(reader.about(&lead("a"))?));
        assert_eq!(live, [id(3)], "what is over is about nothing any more");
    }

    fn an_instance_that_changes_is_found_where_it_is_now(store: &dyn Store) {
        commit(store, [turn(1).on(InstanceRow { record: Some(lead("a")), key: Some("a".into()), incidents: 1, ..run(1, 1) })]);
        commit(store, [turn(2).on(InstanceRow { record: Some(lead("b")), key: Some("b".into()), ..run(1, 2) })]);
        ask(store, |reader| {
            assert_eq!((reader.about(&lead("a"))?, reader.about(&lead("b"))?), (vec![], vec![id(1)]));
            assert_eq!((reader.running("sell", "a")?, reader.running("sell", "b")?), (None, Some(id(1))));
            assert!(reader.instances(&InstanceFilter { incidents: true, ..InstanceFilter::default() })?.is_empty());
            Ok(())
        });
    }

    fn a_key_is_free_again_when_its_run_is_over(store: &dyn Store) {
        let keyed = |number, revision| InstanceRow { key: Some("acme".into()), ..run(number, revision) };
        commit(store, [turn(1).on(keyed(1, 1)), turn(2).on(keyed(1, 2))]);
        commit(store, [turn(3).on(InstanceRow { status: Status::Completed, ended: Some(at(3)), ..run(1, 3) })]);
        commit(store, [turn(4).on(keyed(2, 1))]);
        assert_eq!(ask(store, |reader| Ok(reader.running("sell", "acme")?)), Some(id(2)));
    }

    fn a_damaged_instance_is_listed_among_those_with_incidents(store: &dyn Store) {
        commit(store, [turn(1).on(run(1, 1)), turn(1).on(InstanceRow { incidents: 3, ..run(2, 1) })]);
        inside(store, |tx| { tx.mark_damaged(id(1))?; tx.mark_damaged(id(2)) });
        let found = ask(store, |reader| reader.instances(&InstanceFilter { incidents: true, ..InstanceFilter::default() }));
        assert_eq!(found.iter().map(|row| (row.id.as_u128(), row.incidents)).collect::<Vec<_>>(), [(1, 1), (2, 3)]);
    }

    fn tasks_are_found_by_person_role_record_and_due(store: &dyn Store) {
        let anna = Ref::new("user", "anna");
        let due = |seconds| Some(at(seconds).timestamp_micros());
        let roles = |words: &[&str]| words.iter().map(|word| name(word)).collect::<Box<[_]>>();
        commit(store, [turn(1).needs([
            keep(TaskRow { assignee: Some(anna.clone()), due: due(30), record: Some(lead("a")), ..task(1, 1) }),
            keep(TaskRow { roles: roles(&["clerk", "boss"]), due: due(10), record: Some(lead("b")), ..task(2, 1) }),
            keep(TaskRow { assignee: Some(anna.clone()), roles: roles(&["clerk"]), step: name("visit"), ..task(3, 2) }),
            keep(TaskRow { assignee: Some(Ref::new("user", "boris")), roles: roles(&["clerk"]), due: due(20), ..task(4, 2) }),
        ])]);
        let all = TaskFilter::default;
        let of_anna = || TaskFilter { assignee: Some(anna.clone()), ..all() };
        let cases: [(&str, TaskFilter, &[u128]); 11] = [
            ("all, by due date", all(), &[2, 4, 1, 3]),
            ("the first two", TaskFilter { limit: Some(2), ..all() }, &[2, 4]),
            ("nothing", TaskFilter { limit: Some(0), ..all() }, &[]),
            ("a person's", of_anna(), &[1, 3]),
            ("hers and what her roles may claim", TaskFilter { roles: roles(&["clerk", "boss"]).into(), ..of_anna() }, &[2, 1, 3]),
            ("what a role may claim", TaskFilter { roles: roles(&["clerk"]).into(), ..all() }, &[2]),
            ("about a record", TaskFilter { record: Some(lead("b")), ..all() }, &[2]),
            ("of an instance", TaskFilter { instance: Some(id(2)), ..all() }, &[4, 3]),
            ("of a step", TaskFilter { step: Some(name("visit")), ..all() }, &[3]),
            ("due before", TaskFilter { due_before: Some(at(20)), ..all() }, &[2]),
            ("hers due before", TaskFilter { due_before: Some(at(40)), ..of_anna() }, &[1]),
        ];
        for (what, filter, expected) in cases {
            let found = ask(store, |reader| reader.tasks(&filter));
            assert_eq!(found.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>(), expected, "{what}");
        }
    }

    /// All columns of a task may change while it is open, the ones that it is found by too.
    fn a_task_that_changes_is_found_where_it_is_now(store: &dyn Store) {
        let (anna, boris) = (Ref::new("user", "anna"), Ref::new("user", "boris"));
        let mirror = |id: &str| Some(Ref::new("activity", id));
        let old = TaskRow { assignee: Some(anna.clone()), roles: Box::new([name("clerk")]), record: Some(lead("a")), mirror: mirror("x"), ..task(1, 1) };
        let new = TaskRow { assignee: None, roles: Box::new([name("boss")]), record: Some(lead("b")), mirror: mirror("y"), due: Some(5), ..task(1, 1) };
        commit(store, [turn(1).needs([keep(old)]), turn(2).needs([keep(new.clone())])]);
        ask(store, |reader| {
            let by = |filter| reader.tasks(&filter).map(|found| found.len());
            let all = TaskFilter::default;
            assert_eq!(by(TaskFilter { assignee: Some(anna.clone()), ..all() })?, 0);
            assert_eq!(by(TaskFilter { assignee: Some(boris.clone()), roles: vec![name("clerk")], ..all() })?, 0);
            assert_eq!(by(TaskFilter { assignee: Some(boris.clone()), roles: vec![name("boss")], ..all() })?, 1);
            assert_eq!((by(TaskFilter { record: Some(lead("a")), ..all() })?, by(TaskFilter { record: Some(lead("b")), ..all() })?), (0, 1));
            assert_eq!(reader.task_of(&Ref::new("activity", "x"))?, None);
            assert_eq!(reader.task_of(&Ref::new("activity", "y"))?.as_deref(), Some(&new));
            Ok(())
        });
        commit(store, [turn(3).needs([Need::CloseTask(id(1), Outcome::Completed(name("done"), None))])]);
        ask(store, |reader| {
            assert!(reader.task(id(1))?.is_none() && reader.tasks(&TaskFilter::default())?.is_empty());
            assert!(reader.task_of(&Ref::new("activity", "y"))?.is_none());
            assert!(reader.tasks(&TaskFilter { roles: vec![name("boss")], ..TaskFilter::default() })?.is_empty());
            Ok(())
        });
    }

    fn subscriptions_are_found_by_topic(store: &dyn Store) {
        let (go, stop) = (Topic::signal("go"), Topic::message("go", ""));
        let listeners = |topic: &Topic| {
            let found = ask(store, |reader| Ok(reader.listeners(topic)?));
            found.iter().map(|row| (row.instance.as_u128(), row.wait)).collect::<Vec<_>>()
        };
        commit(store, [turn(1).needs([listen(2, 1, &go), listen(1, 7, &go), listen(1, 7, &stop), listen(1, 7, &go), listen(1, 3, &stop)])]);
        assert_eq!((listeners(&go), listeners(&stop)), (vec![(1, 7), (2, 1)], vec![(1, 3), (1, 7)]));
        commit(store, [turn(2).needs([Need::Unlisten(id(1), 7)])]);
        assert_eq!((listeners(&go), listeners(&stop)), (vec![(2, 1)], vec![(1, 3)]));
    }

    fn kept_messages_stand_in_line_until_they_expire(store: &dyn Store) {
        let kept = |key: &str, now| {
            let found = ask(store, |reader| Ok(reader.kept_messages("paid", key, at(now))?));
            found.iter().map(|(_, with)| with[&name("n")].to_string()).collect::<Vec<_>>()
        };
        commit(store, [turn(1).needs([message("a", 50), message("b", 10), message("a", 20), message("a", 50)])]);
        assert_eq!((kept("a", 0), kept("b", 0), kept("a", 20)), (vec!["50".into(), "20".into(), "50".into()], vec!["10".into()], vec!["50".into(), "50".into()]));
        let first = ask(store, |reader| Ok(reader.kept_messages("paid", "a", at(0))?))[0].0;
        commit(store, [turn(2).needs([Need::TakeMessage(name("paid"), "a".into(), first)])]);
        assert_eq!(kept("a", 0), ["20", "50"]);
        assert_eq!(inside(store, |tx| tx.prune(&Old { messages: at(20), ..old() })), 2, "those that expired by then");
        assert_eq!((kept("a", 0), kept("b", 0)), (vec!["50".into()], vec![]));
    }

    /// An index is a shortcut: with it and without it a query finds the same.
    fn records_are_found_by_equal_values_however_they_are_spelled(store: &dyn Store) {
        let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().expect("a number");
        let money = |amount: &str, currency: Option<&str>| Value::Money(Money { amount: decimal(amount), currency: currency.map(name) });
        let equal: [(&str, Value, Value); 6] = [
            ("number", Value::Number(decimal("10.0")), Value::Number(decimal("10"))),
            ("money", money("10.00", Some("EUR")), money("10", Some("EUR"))),
            ("base money", money("0.50", None), money("0.5", None)),
            ("list", Value::list([Value::Number(decimal("1.0"))]), Value::list([Value::Number(decimal("1"))])),
            ("text", "anna".into(), "anna".into()),
            ("ref", Value::Ref(lead("x")), Value::Ref(lead("x"))),
        ];
        let other = [Value::text("10"), Value::text("lead x"), Value::Ref(Ref::new("sale", "x")), money("10", None), Value::Bool(true)];
        let columns = |n: usize, value: &Value| record(&format!("r{n:02}"), 1, &[("v", value.clone())]);
        let values = equal.iter().map(|(_, kept, _)| kept).chain(&other);
        commit(store, values.enumerate().map(|(n, value)| turn(1).saves(None, Some(columns(n, value)))));
        for indexed in [false, true] {
            if indexed {
                inside(store, |tx| tx.index(&[(name("lead"), name("v"))]));
            }
            for (at, (what, kept, asked)) in equal.iter().enumerate() {
                let found = |value: &Value| ids(&store.query(&leads(&[("v", value.clone())], &[])).expect("records")).join(" ");
                assert_eq!((found(kept), found(asked)), (format!("r{at:02}"), format!("r{at:02}")), "{what}, indexed: {indexed}");
            }
            assert!(store.query(&leads(&[("v", Value::from(11_i64))], &[])).expect("records").is_empty());
        }
    }

    fn queries_filter_order_and_cut(store: &dyn Store) {
        let columns = |stage: &str, n: Option<i64>| vec![("stage", Value::text(stage)), ("n", n.map_or(Value::NULL, Value::from))];
        let rows = [("c", "new", Some(2)), ("a", "won", Some(1)), ("d", "new", None), ("b", "new", Some(2)), ("e", "won", Some(3))];
        commit(store, rows.map(|(id, stage, n)| turn(1).saves(None, Some(record(id, 1, &columns(stage, n))))));
        commit(store, [turn(1).saves(None, Some(std::sync::Arc::new(stageflow::entity::Record::new(name("leader"), name("a")))))]);
        let new = || leads(&[("stage", "new".into())], &[]);
        let cases: [(&str, Query, &str); 12] = [
            ("all, in order of making", leads(&[], &[]), "a b c d e"),
            ("by a column", new(), "b c d"),
            ("by two", new().with("n", Value::from(2_i64)), "b c"),
            ("by an empty one", leads(&[("n", Value::NULL)], &[]), "d"),
            ("by what nobody has", leads(&[("stage", "lost".into())], &[]), ""),
            ("in order, ties by making", leads(&[], &["n"]), "d a b c e"),
            ("the greatest first", leads(&[], &["-n", "stage"]), "e b c a d"),
            ("in two orders", leads(&[], &["stage", "-n"]), "b c d e a"),
            ("the first in order", Query { limit: Some(1), ..leads(&[], &["-n"]) }, "e"),
            ("the first two behind", Query { limit: Some(2), after: Some(name("b")), ..leads(&[], &[]) }, "c d"),
            ("by a column, behind", Query { after: Some(name("b")), ..new() }, "c d"),
            ("none", Query { limit: Some(0), ..leads(&[], &[]) }, ""),
        ];
        for indexed in [false, true] {
            if indexed {
                inside(store, |tx| tx.index(&[(name("lead"), name("stage")), (name("lead"), name("n"))]));
            }
            for (what, query, expected) in &cases {
                assert_eq!(ids(&store.query(query).expect("records")).join(" "), *expected, "{what}, indexed: {indexed}");
            }
        }
    }

    fn pages_of_records_are_whole_and_in_order(store: &dyn Store) {
        let row = |n: usize| record(&format!("r{n:03}"), 1, &[("even", Value::Bool(n.is_multiple_of(2)))]);
        commit(store, (0..97).map(|n| turn(1).saves(None, Some(row(n)))));
        inside(store, |tx| tx.index(&[(name("lead"), name("even"))]));
        for eq in [vec![], vec![("even", Value::Bool(true))]] {
            let whole = store.query(&leads(&eq, &[])).expect("records");
            let mut paged = Vec::new();
            loop {
                let after = paged.last().map(|last: &std::sync::Arc<stageflow::entity::Record>| last.id.clone());
                let page = store.query(&Query { limit: Some(10), after, ..leads(&eq, &[]) }).expect("records");
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, whole);
        }
    }

    /// What a foreign system keeps stands here until it has taken it; its record there is not the one that stands here.
    fn changes_for_a_foreign_system_stand_until_they_are_taken(store: &dyn Store) {
        let row = |rev, n: i64| record("f", rev, &[("n", Value::from(n))]);
        let found = |n: i64| ids(&store.query(&leads(&[("n", Value::from(n))], &[])).expect("records")).join(" ");
        inside(store, |tx| tx.index(&[(name("lead"), name("n"))]));
        let hand = |second, before, after| Write { foreign: vec![change(before, after)], ..turn(second) };
        commit(store, [hand(1, Some(row(7, 1)), Some(row(8, 1)))]);
        assert_eq!((found(1), found(2)), ("f".into(), String::new()));
        commit(store, [hand(2, Some(row(3, 2)), Some(row(9, 2)))]);
        assert_eq!((found(1), found(2)), (String::new(), "f".into()));
        commit(store, [Write { settled: vec![(lead("f"), 8), (lead("x"), 1)], ..turn(3) }]);
        assert_eq!(found(2), "f", "a later change has not been taken yet");
        commit(store, [Write { settled: vec![(lead("f"), 9)], ..turn(4) }]);
        assert_eq!((found(2), store.get(&lead("f"))), (String::new(), Ok(None)));
    }

    fn history_is_in_order_and_of_its_own(store: &dyn Store) {
        let [a, b] = ["a", "b"].map(|id| (record(id, 1, &[]), record(id, 2, &[("n", Value::from(1_i64))])));
        commit(store, [
            turn(1).on(run(1, 1)).saves(None, Some(a.0.clone())),
            turn(2).on(run(2, 1)).saves(None, Some(b.0.clone())),
            turn(3).on(run(1, 2)).saves(Some(a.0.clone()), Some(a.1.clone())).saves(Some(b.0.clone()), Some(b.1.clone())),
            turn(4),
            turn(5).saves(Some(a.1.clone()), None),
        ]);
        let cases: [(&str, JournalOf, u64, usize, &[&str]); 6] = [
            ("all", JournalOf::All, 0, 9, &["1 turn 1 +a", "2 turn 2 +b", "3 turn 3 ~a ~b", "4 turn 4", "5 turn 5 -a"]),
            ("a page", JournalOf::All, 1, 2, &["2 turn 2 +b", "3 turn 3 ~a ~b"]),
            ("an instance's", JournalOf::Instance(id(1)), 0, 9, &["1 turn 1 +a", "3 turn 3 ~a ~b"]),
            ("an instance's, behind", JournalOf::Instance(id(1)), 1, 9, &["3 turn 3 ~a ~b"]),
            ("a record's", JournalOf::Record(lead("a")), 0, 9, &["1 turn 1 +a", "3 turn 3 ~a ~b", "5 turn 5 -a"]),
            ("a record's page", JournalOf::Record(lead("a")), 1, 1, &["3 turn 3 ~a ~b"]),
        ];
        for (what, of, after, limit, expected) in cases {
            assert_eq!(told(&ask(store, |reader| reader.journal(&of, after, limit))), expected, "{what}");
        }
    }

    /// A reader that comes back takes up where it acknowledged, and finds nothing twice and nothing missing.
    fn an_outbox_is_read_from_where_it_was_acknowledged(store: &dyn Store) {
        commit(store, (1..=7).map(turn));
        let mut read = Vec::new();
        for _ in 0..4 {
            let from = ask(store, |reader| reader.cursor("mail"));
            let page = ask(store, |reader| reader.journal(&JournalOf::All, from, 3));
            read.extend(page.iter().map(|row| row.seq));
            if let Some(last) = page.last() {
                inside(store, |tx| tx.set_cursor("mail", last.seq));
            }
        }
        assert_eq!(read, [1, 2, 3, 4, 5, 6, 7]);
    }

    fn what_is_old_is_forgotten_and_what_lives_is_kept(store: &dyn Store) {
        let ended = |number, second| InstanceRow { status: Status::Completed, ended: Some(at(second)), record: Some(lead("a")), ..run(number, 1) };
        commit(store, [
            turn(1).by(1).on(run(1, 1)).saves(None, Some(record("a", 1, &[]))).needs([keep(task(1, 1)), arm(1, 1, 2), offer(job(1, 1, 0)), message("a", 90)]),
            turn(2).by(2).on(ended(2, 2)).reacts([1]),
            turn(5).by(5).on(ended(5, 5)),
        ]);
        let left = || ask(store, |reader| {
            let runs = reader.instances(&InstanceFilter::default())?.iter().map(|row| row.id.as_u128()).collect::<Vec<_>>();
            let rows = reader.journal(&JournalOf::All, 0, 9)?.iter().map(|row| row.seq).collect::<Vec<_>>();
            let seen = [1, 2, 5].into_iter().filter(|n| reader.seen(id(*n)).expect("an answer").is_some()).collect::<Vec<_>>();
            Ok((runs, rows, seen))
        });
        let none = inside(store, |tx| tx.prune(&old()));
        assert_eq!((none, left()), (0, (vec![1, 2, 5], vec![1, 2, 3], vec![1, 2, 5])));
        let runs = inside(store, |tx| tx.prune(&Old { instances: Some(at(5)), ..old() }));
        assert_eq!((runs, left()), (1, (vec![1, 5], vec![1, 2, 3], vec![1, 2, 5])), "the one that runs is older, and stays");
        let rows = inside(store, |tx| tx.prune(&Old { journal: Some(at(2)), ..old() }));
        assert_eq!((rows, left()), (1, (vec![1, 5], vec![2, 3], vec![1, 2, 5])));
        let stamps = inside(store, |tx| tx.prune(&Old { commands: Some(at(5)), ..old() }));
        assert_eq!((stamps, left()), (2, (vec![1, 5], vec![2, 3], vec![5])));
        let end = Some(at(80));
        inside(store, |tx| tx.prune(&Old { instances: end, journal: end, commands: end, messages: at(80) }));
        assert_eq!(left(), (vec![1], vec![], vec![]));
        ask(store, |reader| {
            assert!(reader.instance(id(1))?.is_some() && reader.task(id(1))?.is_some() && reader.job(id(1))?.is_some());
            assert!(reader.get(&lead("a"))?.is_some() && reader.next_reaction()?.is_some());
            assert_eq!((reader.due_timers(at(9), 9)?.len(), reader.kept_messages("paid", "a", at(80))?.len()), (1, 1));
            assert!(reader.about(&lead("a"))?.is_empty());
            assert!(reader.journal(&JournalOf::Record(lead("a")), 0, 9)?.is_empty());
            Ok(())
        });
        assert_eq!(verdict(store, turn(81)), "applied as 4", "numbers are never given twice");
    }

    fn a_reader_that_is_behind_holds_the_journal(store: &dyn Store) {
        commit(store, (1..=4).map(turn));
        inside(store, |tx| { tx.set_cursor("mail", 2)?; tx.set_cursor("index", 3) });
        assert_eq!(inside(store, |tx| tx.prune(&Old { journal: Some(at(50)), ..old() })), 2);
        assert_eq!(told(&ask(store, |reader| reader.journal(&JournalOf::All, 0, 9))), ["3 turn 3", "4 turn 4"]);
    }

    /// The system's clock may be set back: rows behind one that is not old stay, so that no gap comes into the journal.
    fn a_clock_that_went_back_costs_no_row(store: &dyn Store) {
        commit(store, [1, 9, 2, 3].map(turn));
        assert_eq!(inside(store, |tx| tx.prune(&Old { journal: Some(at(5)), ..old() })), 1);
        assert_eq!(told(&ask(store, |reader| reader.journal(&JournalOf::All, 0, 9))), ["2 turn 9", "3 turn 2", "4 turn 3"]);
    }

    fn every_kind_of_value_comes_back(store: &dyn Store) {
        use stageflow::model::{Duration, Null};
        let values = [
            Value::Bool(false), Value::from(i64::MIN), Value::Number("0.10".parse().expect("a number")), Value::text(""),
            Value::text("\u{0}Ж\u{10ffff}"), Value::Date(at(0).date_naive()), Value::DateTime(at(1)),
            Value::Duration(Duration { months: -1, micros: 5, working_days: 2, working_micros: -7 }), Value::Ref(lead("x:y")),
            Value::list([]), Value::list([Value::NULL, Value::Null(Null::Gone(lead("x")))]),
            Value::Map(std::sync::Arc::new([(name("k"), Value::list(["v".into()]))].into())),
        ];
        for (n, value) in values.into_iter().enumerate() {
            let row = record(&format!("r{n}"), 1, &[("v", value.clone())]);
            let setting = name(&format!("s{n}"));
            commit(store, [Write { settings: vec![(setting.clone(), value.clone())], ..turn(1).saves(None, Some(row.clone())) }]);
            assert_eq!(store.get(&row.reference()), Ok(Some(row)));
            assert_eq!(ask(store, |reader| Ok(reader.setting(&setting)?)), Some(value));
        }
    }
}
