//! Nanoseconds per evaluation of typical conditions and values: the best and the median of many runs, on one thread,
//! without a store. On a busy machine the best is what the code takes, the median what the neighbours leave.
//!
//! `cargo bench --bench expressions`

use std::hint::black_box;
use std::time::Instant;

use chrono::{DateTime, Utc};
use stageflow::model::expr::{Env, EvalError, Expr, Names, Schema, Slot};
use stageflow::model::{Money, Name, Ref, Span, Type, Value};

const RUNS: usize = 51;
const EVALUATIONS: u32 = 20_000;

struct Library;

impl Schema for Library {
    fn is_entity(&self, entity: &str) -> bool {
        matches!(entity, "order" | "account" | "line")
    }
    fn column(&self, entity: &str, column: &str) -> Option<Type> {
        Some(match (entity, column) {
            ("order", "amount") => Type::Money,
            ("order", "customer") => Type::reference("account"),
            ("order", "lines") => Type::list(Type::reference("line")),
            ("account", "type") | ("account", "name") => Type::Text,
            ("line", "total") => Type::Money,
            _ => return None,
        })
    }
}

struct World {
    amount: Value,
    customer: Value,
    kind: Value,
    lines: Value,
    order: Value,
}

impl World {
    fn new() -> Self {
        let lines = (0..10).map(|id| Value::Ref(Ref::new("line", id.to_string())));
        Self {
            amount: Value::Money(Money::new(25_000, None)),
            customer: Value::Ref(Ref::new("account", "7")),
            kind: Value::text("b2b"),
            lines: Value::list(lines),
            order: Value::Ref(Ref::new("order", "1")),
        }
    }

    fn field(&self, column: &str) -> Value {
        match column {
            "amount" | "total" => self.amount.clone(),
            "customer" => self.customer.clone(),
            "lines" => self.lines.clone(),
            _ => self.kind.clone(),
        }
    }
}

impl Env for World {
    fn slot(&self, slot: Slot) -> Result<Value, EvalError> {
        Ok(match slot.0 {
            0 => self.order.clone(),
            1 => self.amount.clone(),
            _ => self.customer.clone(),
        })
    }
    fn column(&self, _: &Ref, column: &Name) -> Result<Value, EvalError> {
        Ok(self.field(column))
    }
    fn slot_column(&self, _: Slot, column: &Name) -> Result<Value, EvalError> {
        Ok(self.field(column))
    }
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

fn main() {
    let mut names = Names::new();
    names.root("self", Type::reference("order"), Slot(0));
    names.member("params", "amount", Type::Money, Slot(1)).member(
        "params",
        "customer",
        Type::reference("account"),
        Slot(2),
    );
    let texts = [
        "amount > 10000",
        "amount > 10000 and customer.type = \"b2b\"",
        "self.amount > 10000 and self.customer.type = \"b2b\"",
        "self.customer.type in (\"b2c\", \"gov\", \"b2b\")",
        "amount * 1.2 - amount / 3",
        "\"Order of \" + self.customer.name",
        "sum(self.lines.total)",
        "count(self.lines[total > 10000]) > 3",
    ];
    let world = World::new();
    println!("{:>8} {:>8}  expression", "best ns", "median");
    for text in texts {
        match Expr::compile(text, Span::default(), &Library, &names, None) {
            Ok(expr) => {
                let (best, median) = measure(&expr, &world);
                println!("{best:>8.1} {median:>8.1}  {text}");
            }
            Err(problems) => println!("{:>8} {:>8}  {text}: {problems:?}", "-", "-"),
        }
    }
}

/// The nanoseconds that one evaluation takes: in the best run, and in the median one.
fn measure(expr: &Expr, world: &World) -> (f64, f64) {
    let run = || {
        let started = Instant::now();
        for _ in 0..EVALUATIONS {
            let _ = black_box(black_box(expr).eval(black_box(world)));
        }
        started.elapsed().as_secs_f64() * 1e9 / f64::from(EVALUATIONS)
    };
    let mut runs: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    runs.sort_by(f64::total_cmp);
    let at = |run: usize| runs.get(run).copied().unwrap_or_default();
    (at(0), at(RUNS / 2))
}
