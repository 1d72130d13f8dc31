//! Random and damaged input: no panic, and every refusal is one line that names its field.

use crate::fixture::{GOOD, folder, good_order, read};
use allot::load::{
    Faulty, item_json, location_json, network_folder, order_json, order_to_json, orders_file,
};
use allot::model::{
    Cents, Coordinate, Day, EpochMillis, Order, OrderKey, OrderLine, Policy, PolicyOverrides, Qty,
    ShipTo,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn id() -> impl Strategy<Value = Box<str>> {
    "[!-~]{1,64}".prop_map(Into::into)
}

fn cents() -> impl Strategy<Value = Option<Cents>> {
    prop::option::of((0..=Cents::MAX.0).prop_map(Cents))
}

fn policy() -> impl Strategy<Value = PolicyOverrides> {
    let cents = (cents(), cents(), cents(), cents(), cents());
    let rest = (
        prop::option::of(1..=255u8),
        any::<Option<bool>>(),
        any::<Option<bool>>(),
        prop::option::of(1..=Policy::EFFORT_MAX),
    );
    (cents, rest).prop_map(|(cents, rest)| {
        let (max_shipments, ship_complete, allow_backorder, effort_percent) = rest;
        let (split_penalty, speed_value_per_day, late_per_day, short_per_unit, min_value_to_split) =
            cents;
        PolicyOverrides {
            split_penalty,
            speed_value_per_day,
            late_per_day,
            short_per_unit,
            max_shipments,
            ship_complete,
            allow_backorder,
            min_value_to_split,
            effort_percent,
        }
    })
}

fn ship_to() -> impl Strategy<Value = ShipTo> {
    let coordinate = (-90_000_000..=90_000_000i32, -180_000_000..=180_000_000i32)
        .prop_map(|(lat_e6, lon_e6)| Coordinate { lat_e6, lon_e6 });
    (
        "[A-Z]{2}",
        "([!-~]([ -~]{0,30}[!-~])?)?",
        prop::option::of(coordinate),
        any::<bool>(),
    )
        .prop_map(|(country, postal, coordinate, residential)| ShipTo {
            country: country.into(),
            postal: postal.into(),
            coordinate,
            residential,
        })
}

fn lines() -> impl Strategy<Value = Vec<OrderLine>> {
    let line = (id(), 1..=Qty::MAX.0, any::<bool>(), prop::option::of(id()));
    prop::collection::btree_map(id(), line, 1..8).prop_map(|lines| {
        let line = |(line, (sku, qty, may_split, together))| OrderLine {
            together,
            line,
            sku,
            qty: Qty(qty),
            may_split,
        };
        lines.into_iter().map(line).collect()
    })
}

fn order() -> impl Strategy<Value = Order> {
    let moments = -60_000_000_000_000..250_000_000_000_000i64;
    let by = prop::option::of((-700_000..2_900_000i32, any::<bool>()));
    let head = (id(), id(), id(), moments, any::<i32>());
    let rest = (
        prop::option::of(id()),
        prop::collection::btree_set(id(), 0..4),
        prop::option::of(id()),
        prop::option::of("[ -~é]{1,64}"),
    );
    let all = (head, ship_to(), by, policy(), lines(), rest);
    all.prop_map(
        |(head, ship_to, by, policy, lines, (preset, exclude, pickup_at, customer))| Order {
            key: OrderKey::new(&head.0, &head.1),
            customer: customer.map(Into::into),
            channel: head.2,
            placed_at: EpochMillis(head.3),
            priority: head.4,
            ship_to,
            deliver_by: by.map(|(day, _)| Day(day)),
            deliver_by_is_hard: by.is_some_and(|(_, hard)| hard),
            policy,
            lines,
            preset,
            exclude: exclude.into_iter().collect(),
            pickup_at,
        },
    )
}

/// A value that no field takes, or that only some do.
fn odd_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!({"a": {"b": [1]}})),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        any::<bool>().prop_map(|b| json!(b)),
        ".{0,90}".prop_map(|text| json!(text)),
    ]
}

fn pointers(at: &str, value: &Value, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter()
                .for_each(|(key, inner)| pointers(&format!("{at}/{key}"), inner, found));
        }
        Value::Array(list) => {
            let inner = list.iter().enumerate();
            inner.for_each(|(i, inner)| pointers(&format!("{at}/{i}"), inner, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// One line that names a field; whatever stands in it.
fn is_a_finding(read: &Result<Order, Faulty>) -> bool {
    read.as_ref().err().is_none_or(|faulty| {
        let named = faulty.faults.iter().all(|fault| !fault.field.is_empty());
        let some = !faulty.faults.is_empty();
        some && named && !faulty.to_string().contains(char::is_control)
    })
}

#[test]
fn a_field_without_a_name_is_named_as_such() {
    let mut order = good_order();
    order["lines"][0][""] = Value::Null;
    let faulty = read(&order).unwrap_err();
    assert_eq!(faulty.faults[0].field, "lines[0].\"\"");
}

proptest! {
    #[test]
    fn an_order_comes_back_as_it_was_written(order in order()) {
        prop_assert_eq!(order_json(order_to_json(&order).to_string().as_bytes(), 8), Ok(order));
    }

    #[test]
    fn an_order_with_an_odd_value_is_read_or_names_the_field(
        at in any::<prop::sample::Index>(),
        odd in odd_value(),
        key in "[a-z]{1,9}|.{0,99}",
    ) {
        let mut order = good_order();
        let mut all = Vec::new();
        pointers("", &order, &mut all);
        let place = order.pointer_mut(&all[at.index(all.len())]).unwrap();
        if let Value::Object(map) = place {
            map.insert(key, odd);
        } else {
            *place = odd;
        }
        let read = read(&order);
        prop_assert!(is_a_finding(&read), "{:?}", read);
    }

    #[test]
    fn damaged_json_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
    ) {
        let mut bytes = good_order().to_string().into_bytes();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let read = order_json(&bytes, 9);
        prop_assert!(is_a_finding(&read), "{:?}", read);
        let _ = item_json("A", &bytes);
        let _ = location_json(&bytes);
    }

    #[test]
    fn damaged_files_never_panic_and_are_told_by_name(
        file in 0..GOOD.len(),
        rows in prop::collection::vec(
            prop::collection::vec(prop_oneof!["[A-Z0-9.:\"\\-]{0,6}", ".{0,9}"], 1..9), 0..4),
        noise in prop::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(),
    ) {
        let (name, good) = GOOD[file];
        let mut bytes = good.as_bytes().to_vec();
        bytes.truncate(at.index(bytes.len() + 1).max(1));
        for row in rows {
            bytes.extend_from_slice(row.join(",").as_bytes());
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(&noise);
        let dir = folder(&[(name, &bytes)]);
        if let Err(error) = network_folder(dir.path()) {
            prop_assert!(!error.to_string().contains(char::is_control), "{}", error);
        }
        let path = dir.path().join(name);
        for read in [orders_file(&path, None, None), orders_file(&path, Some(&path), None)] {
            prop_assert!(read.is_err());
        }
    }
}
