//! Files and JSON from outside: what is taken, and the exact words in which everything else is
//! refused. The refusals stand in the text files beside this one, one a line.

// A fixture that cannot be set up is a failed test.
#![allow(clippy::unwrap_used)]

mod fixture;
mod folders;
mod hostile;
mod json;
mod orders;

use allot::load::{network_folder_with, orders_file};
use allot::model::Qty;
use std::path::Path;

#[test]
fn the_real_network_and_the_real_baskets_are_read() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !shared.is_dir() {
        return;
    }
    let items = shared.join("items/items.csv");
    let files = network_folder_with(&shared.join("network-us"), Some(&items)).unwrap();
    assert_eq!(files.network.locations.len(), 100);
    assert_eq!(files.network.tariffs.len(), 1720);
    assert_eq!(files.opening.items.len(), 3907);
    let skus: std::collections::HashSet<&str> =
        files.opening.items.iter().map(|item| &*item.sku).collect();
    let known = |sku: &str| skus.contains(sku);
    let orders = shared.join("orders/orders.csv.gz");
    let destinations = shared.join("orders/synthetic_us_destinations.csv.gz");
    let read = orders_file(&orders, Some(&destinations), Some(&known))
        .unwrap()
        .orders;
    assert_eq!(read.len(), 15_863);
    assert_eq!(
        read.iter().map(|order| order.lines.len()).sum::<usize>(),
        409_342
    );
    assert!(read.iter().all(|order| &*order.ship_to.country == "US"));
    assert!(
        read.iter()
            .flat_map(|order| &order.lines)
            .any(|line| line.qty == Qty(74_215))
    );
}
