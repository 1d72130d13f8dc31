//! On the network that comes with the product.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::live::{self, WAYS};
use super::{load, prices, replay, write};
use allot::load::{network_folder, orders_file};
use std::path::Path;

#[test]
fn prices_are_repeatable_and_a_folder_takes_them() {
    let us = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let mut shop = load(&us, &us.join("orders.csv")).unwrap();
    shop.orders.truncate(1_000);
    // The orders stand for forty times as many, so that something is scarce.
    let rows = prices::prices(&shop, 40.0, 6).unwrap();
    assert_eq!(rows, prices::prices(&shop, 40.0, 6).unwrap());
    assert!(!rows.is_empty());
    for row in &rows {
        let held = &shop.stock[row.sku.index()];
        assert!(
            held.iter()
                .any(|&(at, units)| at == row.location && units > 0)
        );
    }
    // The replay itself fails on a unit too many.
    let (without, with) = (replay(&shop, &[]).unwrap(), replay(&shop, &rows).unwrap());
    assert_eq!(without.refused, with.refused);

    let folder = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(&us).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    write(&folder.path().join("scarcity.csv"), &shop, &rows).unwrap();
    let mut read = network_folder(folder.path()).unwrap().network.scarcity;
    read.sort_unstable_by_key(|row| (row.sku, row.location));
    assert_eq!(read, rows);
}

#[test]
fn every_way_of_pricing_routes_all_orders_and_is_repeatable() {
    let us = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let (files, mut file) = (
        network_folder(&us).unwrap(),
        orders_file(&us.join("orders.csv"), None, None).unwrap(),
    );
    file.orders.truncate(600);
    for (name, knows) in WAYS {
        let once = live::replay(&files, &file, knows, 200, 3).unwrap();
        assert_eq!(once.refused, 0, "{name}");
        let again = live::replay(&files, &file, knows, 200, 3).unwrap();
        assert_eq!(once, again, "{name}");
    }
}
