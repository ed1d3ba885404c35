use proptest::prelude::*;

use super::*;

/// Any value, nested a little.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::NULL),
        Just(Value::Null(Null::Nothing)),
        "[a-z.]{1,9}".prop_map(|path| Value::Null(Null::Path(Arc::from(path)))),
        any::<bool>().prop_map(Value::Bool),
        (any::<i64>(), 0u32..20).prop_map(|(digits, scale)| Value::Number(rust_decimal::Decimal::new(digits, scale))),
        (any::<i32>(), prop::option::of("[A-Z]{3}")).prop_map(|(amount, currency)| {
            Value::Money(Money { amount: amount.into(), currency: currency.map(Name::new) })
        }),
        ".{0,12}".prop_map(Value::text),
        (-99_999i64..99_999).prop_map(|day| Value::Date(chrono::NaiveDate::default() + chrono::TimeDelta::days(day))),
        any::<i32>()
            .prop_map(|at| Value::DateTime(chrono::DateTime::from_timestamp_micros(i64::from(at) * 1001).unwrap())),
        (any::<i16>(), any::<i32>()).prop_map(|(months, micros)| {
            Value::Duration(Duration { months: months.into(), micros: micros.into(), ..Duration::ZERO })
        }),
        ("[a-z]{1,5}", "[a-z0-9]{1,5}").prop_map(|(entity, id)| Value::Ref(Ref::new(entity, id))),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::list),
            prop::collection::btree_map("[a-z]{1,4}".prop_map(Name::new), inner, 0..4)
                .prop_map(|map| Value::Map(Arc::new(map))),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_comes_back(value in any_value()) {
        let back = Value::from_bytes(&value.to_bytes()).unwrap();
        prop_assert_eq!(format!("{:?}", back), format!("{:?}", value));
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = Value::from_bytes(&bytes);
    }

    #[test]
    fn damaged_bytes_never_panic(value in any_value(), at: prop::sample::Index, byte: u8) {
        let mut bytes = value.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Value::from_bytes(&bytes);
        let _ = Value::from_bytes(&bytes[..at]);
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let bytes = [0x82, LIST, 0x81].repeat(100_000);
    assert!(Value::from_bytes(&bytes).unwrap_err().to_string().contains("levels"));
    let long = [0x82, LIST, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert!(Value::from_bytes(&long).is_err());
}

#[test]
fn fields_of_a_later_version_are_skipped() {
    let later = [0x84, REF, 0x61, b'a', 0x61, b'b', 0x81, 0x01];
    assert_eq!(Value::from_bytes(&later).unwrap().to_string(), "a b");
}

#[test]
fn a_denied_value_comes_back() {
    let denied =
        Denied { object: "currency".into(), column: Some("rate".into()), operation: "read".into(), rule: "r".into() };
    let value = Value::Denied(Arc::new(denied));
    assert_eq!(format!("{:?}", Value::from_bytes(&value.to_bytes()).unwrap()), format!("{value:?}"));
}
