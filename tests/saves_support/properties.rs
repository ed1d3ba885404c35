//! Properties of saves over random wishes: what is computed stays true, histories have one open row, nothing dangles, and a
//! save over an overlay is the save over the records themselves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use stageflow::entity::env::ColumnEnv;
use stageflow::entity::{
    Cause, Change, Field, IdSource, NoRecords, Overlay, Principal, Record, RecordEnv, SaveContext, Window, Wish, plan,
};
use stageflow::model::{Name, Ref, Type, Value};
use uuid::Uuid;

use crate::world::World;

const LIBRARY: &str = r#"
library: shop
entities:
  user: {fields: {name: text, deals: {type: number, computed: count(leads)}}, children: {leads: lead.owner}}
  lead:
    fields:
      owner: ref(user)
      chance: {type: number, initial: "min(get or else(chance, 0), stage.ceiling)", again_when: [stage]}
      visits: {type: number, computed: count(history)}
    check: [{that: chance <= stage.ceiling}, {that: chance >= 0}]
    stages:
      field: stage
      initial: fresh
      values:
        fresh: {title: Fresh, position: 1, ceiling: 3}
        known: {title: Known, position: 2, ceiling: 5}
        asked: {title: Asked, position: 2, ceiling: 6}
        bought: {title: Bought, position: 3, final: success, ceiling: 9}
        lost: {title: Lost, position: 0, final: failure, ceiling: 0, set: {chance: 0}}
      history: {skipped: true, split_by: [owner]}
  order:
    fields:
      # Written before what they read: the order of computing is none of the author's business.
      due: {type: money, computed: total * (1 - rebate / 100)}
      total: {type: money, computed: sum(lines.total)}
      heaviest: {type: number, computed: max(lines.weight)}
      rebate: {type: number, initial: 0}
      factor: {type: number, initial: 1}
      lead: ref(lead)
    children: {lines: line.order}
  line:
    fields:
      total: {type: money, computed: price * quantity / 3}
      price: {type: money, initial: order.factor * 2, again_when: [order.factor]}
      quantity: {type: number, initial: 1}
      weight: {type: number, computed: quantity * order.factor}
      order: required ref(order)
      instead: ref(line)
  part:
    fields:
      weight: {type: number, initial: 1}
      heavy: {type: number, computed: weight + sum(parts.heavy)}
      depth: {type: int, computed: "get or else(whole.depth, 0) + 1"}
      whole: ref(part)
    children: {parts: part.whole}
"#;

/// What may be written: entity, column, and which of a few values.
const COLUMNS: &[(&str, &[&str])] = &[
    ("user", &["name"]),
    ("lead", &["owner", "chance", "stage"]),
    ("order", &["rebate", "factor", "lead"]),
    ("line", &["order", "quantity", "price", "instead"]),
    ("part", &["weight", "whole"]),
];

#[derive(Clone, Debug)]
struct Step {
    kind: u8,
    entity: usize,
    id: u8,
    set: Vec<(usize, u8)>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let set = proptest::collection::vec((0_usize..4, 0_u8..8), 0..4);
    let step = (0_u8..8, 0..COLUMNS.len(), 0_u8..4, set);
    let step = step.prop_map(|(kind, entity, id, set)| Step { kind, entity, id, set });
    proptest::collection::vec(step, 1..60)
}

fn wish(world: &World, step: &Step) -> Wish {
    let (entity, columns) = COLUMNS[step.entity];
    let target = Ref::new(entity, format!("{entity}{}", step.id));
    let set = step.set.iter().map(|(column, value)| {
        let name = columns[column % columns.len()];
        let field = world.library.entity(entity).and_then(|entity| entity.field(name)).expect("a column");
        (Name::new(name), small(&field.ty, *value))
    });
    let set: Vec<(Name, Value)> = set.collect();
    match (step.kind, world.records.contains_key(&target)) {
        (0, true) => Wish::Delete { target },
        (_, true) => Wish::Update { target, set },
        (_, false) => Wish::Create { entity: target.entity, id: Some(target.id), set },
    }
}

/// One of a few values of a type.
fn small(ty: &Type, at: u8) -> Value {
    match ty {
        _ if at == 7 => Value::NULL,
        Type::Ref(entities) => Value::Ref(Ref::new(&entities[0], format!("{}{}", entities[0], at % 4))),
        Type::Stage(_) => Value::text(["fresh", "known", "asked", "bought", "lost"][usize::from(at) % 5]),
        Type::Text => Value::text(format!("text {at}")),
        _ => Value::Number(Decimal::from(at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_wished_the_records_stay_whole(steps in steps()) {
        let mut world = World::new(crate::library(std::path::Path::new("properties"), LIBRARY));
        let mut past: Vec<Change> = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            world.wait(i64::try_from(at).unwrap_or(0));
            let wish = wish(&world, step);
            let over = over_an_overlay(&world, &past, wish.clone());
            let before = world.records.clone();
            let saved = world.save(wish);
            prop_assert_eq!(&format!("{:?}", saved.as_ref().map(shape)), &over, "an overlay tells another story");
            match saved {
                Ok(plan) => past.extend(plan.changes),
                Err(_) => prop_assert!(before == world.records, "a refused save changed something"),
            }
            for record in world.records.values() {
                whole(&world, record)?;
            }
        }
    }
}

/// A plan without the ids it gave.
fn shape(plan: &stageflow::entity::Plan) -> Vec<(String, usize)> {
    plan.changes
        .iter()
        .map(|change| {
            (format!("{:?}", change.target.entity), change.after.as_ref().map_or(0, |after| after.values.len()))
        })
        .collect()
}

fn over_an_overlay(world: &World, past: &[Change], wish: Wish) -> String {
    let mut overlay = Overlay::new(&NoRecords);
    overlay.push(past);
    let (cause, mut ids) = (Cause::default(), IdSource::new(Uuid::from_u128(0xffff_0000)));
    let context = &mut SaveContext { now: world.now, principal: &Principal::System, ids: &mut ids, cause: &cause };
    let made = plan(&world.library, &overlay, wish, context);
    format!("{:?}", made.as_ref().map(shape))
}

fn whole(world: &World, record: &Record) -> Result<(), TestCaseError> {
    let target = record.reference();
    let entity = world.library.entity(&record.entity).expect("an entity");
    let records = RecordEnv::new(&world.library, world, world.now);
    let env = ColumnEnv { records, record: &target, own: None, user: None, before: None };
    for field in &entity.fields {
        let value = record.get(&field.name);
        if let Some(computed) = &field.computed {
            let expected = computed.eval(&env).map_or(Value::NULL, |value| stored(field, value));
            prop_assert!(expected.same(&value), "{target}.{}: {value}, computed anew {expected}", field.name);
        }
        if let Value::Ref(to) = &value {
            prop_assert!(world.records.contains_key(to), "{target}.{} refers to {to}, which is gone", field.name);
        }
        prop_assert!(!field.required || !value.is_null(), "{target}.{} is required", field.name);
    }
    for check in &entity.checks {
        let holds = check.that.eval3(&env).expect("a check");
        prop_assert!(holds != Some(false), "{target}: {} does not hold", check.that.text());
    }
    if record.entity == Name::new("lead") {
        history(world, record)?
    }
    if record.entity == Name::new("part") {
        tree(world, record)?
    }
    Ok(())
}

/// The value as the column keeps it.
fn stored(field: &Field, value: Value) -> Value {
    match (&field.ty, value) {
        (Type::Money, Value::Number(amount)) => stored(field, Value::Money(stageflow::model::Money::new(amount, None))),
        (Type::Money, Value::Money(mut money)) => {
            money.amount = money.amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            Value::Money(money)
        }
        (_, value) => value,
    }
}

/// One row is open, that of the present stage and owner; a row begins before it ends.
fn history(world: &World, lead: &Record) -> Result<(), TestCaseError> {
    let of = Value::Ref(lead.reference());
    let rows = world
        .records
        .values()
        .filter(|row| row.entity == Name::new("lead_history") && row.get(&Name::new("lead")).same(&of));
    let mut open = 0;
    for row in rows {
        let at = |column: &str| row.get(&Name::new(column));
        match (at("since"), at("until")) {
            (Value::DateTime(since), Value::DateTime(until)) => prop_assert!(since <= until),
            (Value::DateTime(_), Value::Null(_)) => {
                open += 1;
                prop_assert!(
                    at("stage").same(&lead.get(&Name::new("stage")))
                        && at("owner").same(&lead.get(&Name::new("owner")))
                );
                prop_assert!(at("skipped").same(&Value::Bool(false)) && at("historical").same(&Value::Bool(false)));
            }
            other => prop_assert!(false, "since and until are {other:?}"),
        }
    }
    prop_assert_eq!(open, 1, "{} has {} open rows", lead.reference(), open);
    Ok(())
}

fn tree(world: &World, part: &Record) -> Result<(), TestCaseError> {
    let mut seen = BTreeSet::from([part.reference()]);
    let mut above = part.get(&Name::new("whole"));
    while let Value::Ref(record) = &above {
        prop_assert!(seen.insert(record.clone()), "{record} is above itself");
        let found = world.get(record).expect("a record");
        above = found.map_or(Value::NULL, |found| found.get(&Name::new("whole")));
    }
    Ok(())
}
