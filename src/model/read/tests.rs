use expect_test::expect;

use super::*;
use crate::model::Text;

fn types() -> Vec<(&'static str, Type)> {
    let codes = ["won", "lost"].map(|code| (Name::new(code), Text::default()));
    vec![
        ("text", Type::Text),
        ("int", Type::Int),
        ("number", Type::Number),
        ("money", Type::Money),
        ("bool", Type::Bool),
        ("date", Type::Date),
        ("datetime", Type::DateTime),
        ("duration", Type::Duration),
        ("lead", Type::reference("lead")),
        ("customer", Type::Ref(Arc::from(["account", "contact"].map(Name::new)))),
        ("result", Type::Enum(Arc::new(EnumType { values: codes.to_vec() }))),
        ("stage", Type::Stage("lead".into())),
        ("any", Type::Any),
        ("numbers", Type::list(Type::Number)),
        ("named", Type::Map(Arc::from([(Name::new("a"), Type::Int), (Name::new("when"), Type::Date)]))),
    ]
}

fn ty(name: &str) -> Type {
    types().into_iter().find(|(known, _)| *known == name).unwrap().1
}

fn table(cases: &str, read: impl Fn(&Type, &str) -> Result<Value, Mismatch>) -> String {
    let line = |line: &str| {
        let (name, text) = line.trim().split_once(": ").unwrap();
        let shown = read(&ty(name), text)
            .map_or_else(|why| format!("error: {why}"), |value| format!("{} {value}", value.kind()));
        format!("{name}: {text} -> {shown}\n")
    };
    cases.trim().lines().map(line).collect()
}

#[test]
fn texts_are_read_by_type() {
    let cases = "
        text: +74951234567
        text: no
        text: null
        number: 12.50
        number: 1_000
        number: 1e3
        number: 0x10
        int: 7
        int: 7.5
        money: 900
        money: 900.50 RUB
        money: 900 and more
        bool: true
        bool: yes
        date: 2026-03-02
        date: 2026-02-30
        datetime: 2026-03-02T12:00:00+03:00
        datetime: 2026-03-02
        duration: 5 min
        duration: 5
        lead: 42
        customer: account 42
        customer: 42
        result: won
        result: wom
        stage: satisfied
        any: 12.5
        any: +7495
        any: null
        numbers: 1";
    expect![[r#"
        text: +74951234567 -> text +74951234567
        text: no -> text no
        text: null -> text null
        number: 12.50 -> a number 12.50
        number: 1_000 -> error: expected a number, found `1_000`
        number: 1e3 -> a number 1000
        number: 0x10 -> error: expected a number, found `0x10`
        int: 7 -> a number 7
        int: 7.5 -> error: expected a whole number, found `7.5`
        money: 900 -> a number 900
        money: 900.50 RUB -> money 900.50 RUB
        money: 900 and more -> error: expected an amount such as 900 or 900 RUB, found `900 and more`
        bool: true -> a bool true
        bool: yes -> error: expected true or false, found `yes`
        date: 2026-03-02 -> a date 2026-03-02
        date: 2026-02-30 -> error: expected a date such as 2026-03-02, found `2026-02-30`
        datetime: 2026-03-02T12:00:00+03:00 -> a datetime 2026-03-02T09:00:00Z
        datetime: 2026-03-02 -> error: expected an instant such as 2026-03-02T09:00:00Z, found `2026-03-02`
        duration: 5 min -> a duration 5 min
        duration: 5 -> error: expected a duration, found `5`; write for example `5 min`, `2 h`, `14 days`, `2 working days` or `PT5M`
        lead: 42 -> a reference lead 42
        customer: account 42 -> a reference account 42
        customer: 42 -> error: expected an entity and an id, such as `account 42`, found `42`
        result: won -> text won
        result: wom -> error: expected one of won, lost, found `wom`; did you mean `won`?
        stage: satisfied -> text satisfied
        any: 12.5 -> a number 12.5
        any: +7495 -> text +7495
        any: null -> null null
        numbers: 1 -> error: expected a list, found `1`
    "#]]
    .assert_eq(&table(cases, Value::from_text));
}

#[test]
fn json_is_read_by_type() {
    let cases = r#"
        number: 12.5
        number: "12.50"
        number: true
        int: 7.0
        money: 900
        money: "900 RUB"
        money: {"amount": "12.50", "currency": "EUR"}
        money: {"amount": "12.50", "curency": "EUR"}
        bool: "true"
        bool: false
        text: 5
        text: null
        lead: "42"
        customer: {"entity": "contact", "id": "7"}
        customer: {"entity": "lead", "id": "7"}
        numbers: [1, "2.0", null]
        numbers: [1, {}]
        named: {"a": 1, "when": "2026-03-02"}
        named: {"b": 1}
        named: {"a": "x"}
        any: {"a": [1, "two", {"b": null}]}"#;
    expect![[r#"
        number: 12.5 -> a number 12.5
        number: "12.50" -> a number 12.50
        number: true -> error: expected number, found `true`
        int: 7.0 -> a number 7.0
        money: 900 -> a number 900
        money: "900 RUB" -> money 900 RUB
        money: {"amount": "12.50", "currency": "EUR"} -> money 12.50 EUR
        money: {"amount": "12.50", "curency": "EUR"} -> error: expected an amount, found `{"amount":"12.50","curency":"EUR"}`
        bool: "true" -> error: expected bool, found `"true"`
        bool: false -> a bool false
        text: 5 -> error: expected text, found `5`
        text: null -> null null
        lead: "42" -> a reference lead 42
        customer: {"entity": "contact", "id": "7"} -> a reference contact 7
        customer: {"entity": "lead", "id": "7"} -> error: expected ref(account, contact), found `{"entity":"lead","id":"7"}`
        numbers: [1, "2.0", null] -> a list 1, 2.0, null
        numbers: [1, {}] -> error: expected number, found `{}` in `[1]`
        named: {"a": 1, "when": "2026-03-02"} -> a map {a: 1, when: 2026-03-02}
        named: {"b": 1} -> error: expected one of a, when, found `b`; did you mean `a`?
        named: {"a": "x"} -> error: expected a whole number, found `x` in `a`
        any: {"a": [1, "two", {"b": null}]} -> a map {a: [1, two, {b: null}]}
    "#]]
    .assert_eq(&table(cases, |ty, text| Value::from_json(ty, &serde_json::from_str(text).unwrap())));
}

#[test]
fn json_goes_out() {
    let denied = crate::model::Denied {
        object: "currency".into(),
        column: None,
        operation: "read".into(),
        rule: "closed".into(),
    };
    let cases = [
        Value::Number(Decimal::new(1250, 2)),
        Value::Number("0.1234567890123456789".parse().unwrap()),
        Value::Money(Money::new(900, Some("RUB"))),
        Value::Ref(Ref::new("lead", "42")),
        Value::Duration(Duration::days(2)),
        Value::list([Value::NULL, Value::Bool(true)]),
        Value::Denied(Arc::new(denied)),
    ];
    let shown: Vec<String> = cases.iter().map(|value| value.to_json().to_string()).collect();
    expect![[r#"
        12.5
        "0.1234567890123456789"
        {"amount":"900","currency":"RUB"}
        {"entity":"lead","id":"42"}
        "2 days"
        [null,true]
        {"denied":{"object":"currency","column":null,"operation":"read","rule":"closed"}}"#]]
    .assert_eq(&shown.join("\n"));
}

proptest::proptest! {
    #[test]
    fn any_json_number_comes_back(digits: i64, scale in 0u32..20) {
        let value = Value::Number(Decimal::new(digits, scale));
        proptest::prop_assert_eq!(Value::from_json(&Type::Number, &value.to_json()).unwrap(), value);
    }

    #[test]
    fn no_text_panics(text: String) {
        for (_, ty) in types() {
            let _ = Value::from_text(&ty, &text);
            let _ = Value::from_json(&ty, &serde_json::json!(text));
        }
    }
}
