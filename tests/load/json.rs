//! Orders, items and locations as JSON.

use crate::fixture::{cases, check_words, folder, good_order, read};
use allot::load::{item_json, location_json, network_folder, order_json, order_to_json};
use allot::model::{Coordinate, OrderKey, PolicyOverrides};
use serde_json::{Value, json};

#[test]
fn an_order_is_read_whole_and_absent_fields_take_defaults() {
    let order = read(&good_order()).unwrap();
    assert_eq!(order.key, OrderKey::new("shopify", "1001"));
    assert_eq!(
        order.ship_to.coordinate,
        Coordinate::from_degrees(37.77, -122.39)
    );
    assert_eq!(order.policy.max_shipments, Some(3));
    assert_eq!(read(&order_to_json(&order)), Ok(order));

    let least =
        br#"{"source":"a","order":"b","placed_at":"2026-11-23T10:00:00+01:00","priority":null,
        "ship_to":{"country":"US","lat":1,"lon":-0.0000014},"lines":[{"sku":"x","qty":1}]}"#;
    let order = order_json(least, 1).unwrap();
    assert_eq!((&*order.channel, order.priority), ("default", 0));
    assert_eq!(order.policy, PolicyOverrides::default());
    assert_eq!(
        order.ship_to.coordinate,
        Some(Coordinate {
            lat_e6: 1_000_000,
            lon_e6: -1
        })
    );
    assert_eq!(
        (&*order.lines[0].line, order.lines[0].may_split),
        ("1", true)
    );
}

#[test]
fn bad_values_are_refused_in_exact_words() {
    let cases = cases(include_str!("refused_values.txt"));
    check_words(cases.into_iter().map(|[pointer, value, expected]| {
        let mut order = good_order();
        let bad = serde_json::from_str(&value).unwrap();
        match order.pointer_mut(&pointer) {
            Some(field) => *field = bad,
            None => {
                let (object, field) = pointer.rsplit_once('/').unwrap();
                order.pointer_mut(object).unwrap()[field] = bad;
            }
        }
        let found = read(&order).unwrap_err().to_string();
        (format!("{pointer} = {value}"), found, expected)
    }));
}

#[test]
fn lists_of_lines_are_bounded() {
    for (lines, found) in [(vec![], "a list of 0"), (vec![1; 101], "a list of 101")] {
        let mut order = good_order();
        order["lines"] = json!(lines);
        assert_eq!(
            read(&order).unwrap_err().to_string(),
            format!("lines is '{found}'; expected a list of 1 to 100 lines")
        );
    }
    let mut order = good_order();
    let line = |i: usize| json!({"line": i.min(98).to_string(), "sku": "A", "qty": 1});
    order["lines"] = (0..100).map(line).collect();
    assert_eq!(
        read(&order).unwrap_err().to_string(),
        "lines[99].line is '98'; expected a line id that no other line has"
    );
}

#[test]
fn fields_that_are_missing_unknown_or_twice_are_named() {
    let text = good_order().to_string();
    let cases = cases(include_str!("refused_text.txt"));
    check_words(cases.into_iter().map(|[from, to, expected]| {
        assert!(text.contains(&from), "{text} has {from}");
        let found = order_json(text.replacen(&from, &to, 1).as_bytes(), 9).unwrap_err();
        (format!("{from} -> {to}"), found.to_string(), expected)
    }));
    let deep = "[".repeat(100_000);
    for (text, field) in [
        (deep.as_bytes(), "json"),
        (b"", "json"),
        (b"[]", "order"),
        (b"\"\xff\"", "json"),
    ] {
        assert_eq!(order_json(text, 9).unwrap_err().faults[0].field, field);
    }
}

#[test]
fn all_that_is_wrong_is_told_and_the_rest_is_read() {
    let mut order = good_order();
    order["placed_at"] = json!("yesterday");
    order["ship_to"] = json!({"country": "usa", "postal": 94107, "lat": 1.0});
    order["policy"] = json!({"max_shipments": 0, "ship_complete": "yes", "preset": "gift"});
    order["exclude"] = json!(["EAST", "no id"]);
    order["customer"] = json!("");
    order["lines"][0]["qty"] = json!(0);
    order["lines"][1] = json!({"line": "1", "colour": "red"});
    order["lines"].as_array_mut().unwrap().push(json!("SKU-3"));
    order["pickup"] = json!("EAST");
    let faulty = read(&order).unwrap_err();
    let fields: Vec<&str> = faulty.faults.iter().map(|f| &*f.field).collect();
    let expected = [
        "customer",
        "placed_at",
        "ship_to.country",
        "ship_to.postal",
        "ship_to.lon",
        "policy.max_shipments",
        "policy.ship_complete",
        "exclude[1]",
        "lines[0].qty",
        "lines[1].line",
        "lines[1].sku",
        "lines[1].qty",
        "lines[1].colour",
        "lines[2]",
        "pickup",
    ];
    assert_eq!(fields, expected);
    let draft = faulty.draft;
    assert_eq!((draft.key.source(), draft.key.order()), ("shopify", "1001"));
    assert_eq!(*draft.exclude, ["EAST".into()]);
    assert_eq!((draft.lines.len(), &*draft.lines[0].sku), (3, "SKU-1"));
    let text = read(&order).unwrap_err().to_string();
    assert!(
        text.starts_with("15 findings: (1) customer is ''; expected 1"),
        "{text}"
    );
    assert!(text.ends_with("; and 5 more"), "{text}");
}

#[test]
fn of_very_many_faults_the_first_are_kept_and_the_others_counted() {
    let good = good_order().to_string();
    let many = r#""a":1,"#.repeat(300_000);
    let within = |place: &str| {
        let text = good.replacen(place, &format!("{place}{many}"), 1);
        assert_ne!(text, good, "{place}");
        order_json(text.as_bytes(), 9).unwrap_err()
    };
    for (place, field) in [
        ("{", "a"),
        (r#""ship_to":{"#, "ship_to.a"),
        (r#""lines":[{"#, "lines[0].a"),
    ] {
        let faulty = within(place);
        assert_eq!((faulty.faults.len(), faulty.beyond), (100, 299_900));
        assert!(faulty.faults.iter().all(|f| f.field == field), "{place}");
        assert_eq!(faulty.draft.key.order(), "1001");
        let text = faulty.to_string();
        assert!(text.starts_with("300000 findings: (1) "), "{text}");
        assert!(text.ends_with("; and 299990 more"), "{text}");
    }
    let faulty = within(r#""policy":{"#);
    assert_eq!(
        (faulty.faults.len(), faulty.beyond),
        (1, 0),
        "a policy has few"
    );
}

#[test]
fn a_customer_is_what_the_host_calls_him() {
    let mut order = good_order();
    assert_eq!(read(&order).unwrap().customer, None);
    order["customer"] = json!("Zoë, no. 7");
    assert_eq!(
        read(&order).unwrap().customer.as_deref(),
        Some("Zoë, no. 7")
    );
    for (customer, good) in [
        ("c".repeat(128), true),
        ("c".repeat(129), false),
        ("a\nb".into(), false),
    ] {
        order["customer"] = json!(customer);
        assert_eq!(read(&order).is_ok(), good, "{customer}");
    }
}

#[test]
fn items_and_locations_as_json_are_their_rows() {
    let dir = folder(&[]);
    let files = network_folder(dir.path()).unwrap();
    let item = br#"{"name":"Cup","grams":300,"length_mm":90,"width_mm":90,"height_mm":100,
        "class":"general","value_cents":499}"#;
    assert_eq!(item_json("A.1", item), Ok(files.opening.items[0].clone()));
    assert_eq!(
        item_json("A", br#"{"sku":"B","grams":1}"#)
            .unwrap_err()
            .to_string(),
        "sku is 'B'; expected A, as beside the object, or no sku in it"
    );
    assert_eq!(
        item_json("A B", br#"{"grams":1}"#).unwrap_err().to_string(),
        "sku is 'A B'; expected 1 to 64 printable ASCII characters without spaces"
    );
    assert_eq!(
        item_json("A", b"{}").unwrap_err().to_string(),
        "grams is 'missing'; expected a whole number from 0 to 1000000000"
    );
    let location = json!({
        "location": "EAST", "name": "Newark, NJ", "kind": "dc", "country": "US", "postal": "07114",
        "lat": 40.7, "lon": -74.17, "timezone": "America/New_York", "cutoff": "17:00",
        "working_days": "Mon-Sat", "lead_hours": 4, "shipments_per_day": 800,
        "handling_cents_per_shipment": 180, "handling_cents_per_unit": 35,
        "abilities": "hazmat cold",
    });
    let read = |value: &Value| location_json(value.to_string().as_bytes());
    assert_eq!(read(&location), Ok(files.network.locations[0].clone()));
    let mut bad = location;
    bad["cutoff"] = json!(17);
    assert_eq!(
        read(&bad).unwrap_err().to_string(),
        "cutoff is '17'; expected a local time from 00:00 to 23:59, in quotes"
    );
}
