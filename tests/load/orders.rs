//! Order files.

use crate::fixture::{cases, check_words, message};
use allot::load::orders_file;
use allot::model::{Day, Order};
use std::fs;

const ORDERS: &str = "\
source,order,line,channel,placed_at,country,postal,sku,qty,deliver_by,customer
shop,2,7,web,2026-11-23T10:00:00Z,US,94107,A,2,2026-11-27,x
shop,1,,,2026-11-23T09:00:00Z,US,,B,1,,y
shop,2,8,web,2026-11-23T10:00:00Z,US,94107,A,74215,2026-11-27,x
erp,1,,,2026-11-23T09:00:00Z,DE,10115,B,1,,z
";

fn orders_of(text: &str) -> Result<Vec<Order>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orders.csv");
    fs::write(&path, text).unwrap();
    let known = |sku: &str| sku == "A" || sku == "B";
    orders_file(&path, None, Some(&known))
        .map(|file| file.orders)
        .map_err(|error| message(dir.path(), &error))
}

#[test]
fn rows_of_one_order_come_together_in_the_order_of_time() {
    let orders = orders_of(ORDERS).unwrap();
    let keys: Vec<String> = orders.iter().map(|order| order.key.to_string()).collect();
    assert_eq!(
        keys,
        ["shop/1", "erp/1", "shop/2"],
        "by time, then as in the file"
    );
    assert_eq!(
        (&*orders[0].channel, &*orders[0].lines[0].line),
        ("default", "1")
    );
    let lines = &orders[2].lines;
    assert_eq!(
        lines
            .iter()
            .map(|l| (&*l.line, l.qty.0))
            .collect::<Vec<_>>(),
        [("7", 2), ("8", 74_215)]
    );
    assert_eq!(orders[2].deliver_by, Day::parse("2026-11-27"));
}

#[test]
fn bad_order_files_are_refused_in_exact_words() {
    let cases = cases(include_str!("refused_orders.txt"));
    check_words(cases.into_iter().map(|[from, to, expected]| {
        assert!(ORDERS.contains(&from), "the good file has '{from}'");
        let found = orders_of(&ORDERS.replacen(&from, &to, 1)).unwrap_err();
        (format!("{from} -> {to}"), found, expected)
    }));
}

#[test]
fn destinations_and_gzip_are_read() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let (orders, destinations) = (dir.path().join("o.gz"), dir.path().join("d.csv"));
    let file = fs::File::create(&orders).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gzip.write_all(ORDERS.as_bytes()).unwrap();
    gzip.finish().unwrap();
    fs::write(
        &destinations,
        "order,country,postal\n2,US,10001\n77,US,10002\n",
    )
    .unwrap();
    let read = orders_file(&orders, Some(&destinations), None).unwrap();
    let postals: Vec<&str> = read
        .orders
        .iter()
        .map(|order| &*order.ship_to.postal)
        .collect();
    assert_eq!(postals, ["", "10115", "10001"]);

    fs::write(
        &destinations,
        "order,country,postal\n2,US,10001\n2,US,10002\n",
    )
    .unwrap();
    let error = orders_file(&orders, Some(&destinations), None).unwrap_err();
    assert_eq!(
        message(dir.path(), &error),
        "d.csv:3: order '2' is on line 2 already; expected it once"
    );
}
