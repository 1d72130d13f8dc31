//! On the network that comes with the product.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::live::{self, Pace, WAYS};
use super::shop::Shop;
use super::{hindsight, prices, replay, write};
use allot::bench::generate;
use allot::load::{network_folder, orders_file};
use std::path::Path;

#[test]
fn prices_are_repeatable_and_a_folder_takes_them() {
    let us = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let (files, mut file) = (
        network_folder(&us).unwrap(),
        orders_file(&us.join("orders.csv"), None, None).unwrap(),
    );
    file.orders.truncate(1_000);
    let shop = Shop::new(files, file, false).unwrap();
    // The orders stand for forty times as many, so that something is scarce.
    let rows = prices::prices(&shop, 40.0, false, 6).unwrap();
    assert_eq!(rows, prices::prices(&shop, 40.0, false, 6).unwrap());
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

/// Stock is made up to fit few orders, so that something is scarce; hindsight is a bound of every way.
#[test]
fn every_way_of_pricing_routes_all_orders_is_repeatable_and_costs_no_less_than_hindsight() {
    let us = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/us");
    let (mut files, mut file) = (
        network_folder(&us).unwrap(),
        orders_file(&us.join("orders.csv"), None, None).unwrap(),
    );
    file.orders.truncate(150);
    let opening = &mut files.opening;
    opening.stock = generate::stock_for(&files.network, &opening.items, &file.orders, 1);
    let pace = Pace {
        every: 60,
        steps: 2,
        steps_again: 2,
    };
    let once = live::all(&files, &file, pace).unwrap();
    assert_eq!(once, live::all(&files, &file, pace).unwrap());
    let shop = Shop::new(files, file, true).unwrap();
    let least = hindsight::hindsight(&shop, 2).unwrap();
    assert!(least.proven <= least.found, "{least:?}");
    for ((name, _), outcome) in WAYS.iter().zip(once) {
        assert_eq!(outcome.refused, 0, "{name}");
        assert!(
            outcome.cost >= least.proven,
            "{name}: {outcome:?} {least:?}"
        );
    }
}
