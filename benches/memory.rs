//! What a position, a reservation and an open order take in memory.
//!
//! ```text
//! cargo bench --bench memory                        100,000 items x 20 places, 100,000 of each
//! cargo bench --bench memory -- --skus 300000
//! ```
//!
//! The allocator counts what is asked of it and not given back, so the figures are the same on every
//! machine and with whatever else it does. What an allocator itself adds comes on top: `allot bench` shows
//! the memory of the process. Journal and event feed are not in it.
#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "its table is what it is for")]
#![allow(clippy::float_arithmetic, reason = "averages for people")]
#![allow(clippy::cast_precision_loss, reason = "averages for people")]

use allot::bench::profile::{Catalogue, Kind, Load as _, Operation, Profile, Workload, named};
use allot::engine::{Engine, Limits, ReservationPut, WantedLine};
use allot::load;
use allot::model::{EpochMillis, Order, Qty};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A Friday noon in November.
const NOW: EpochMillis = EpochMillis(1_795_780_800_000);

fn number(name: &str, default: u32) -> u32 {
    let mut args = std::env::args().skip_while(|a| a != name);
    args.nth(1)
        .map_or(default, |n| n.parse().expect("a whole number"))
}

/// Bytes that are there now and were not when the region began.
fn live(region: &Region<'_, System>) -> f64 {
    let change = region.change();
    change.bytes_allocated as f64 - change.bytes_deallocated as f64
}

/// The day's catalogue and baskets.
struct World {
    catalogue: Catalogue,
    workload: Workload,
    folder: tempfile::TempDir,
}

impl World {
    fn new(mut profile: Profile, skus: u32) -> Self {
        (profile.catalogue.skus, profile.catalogue.warehouses) = (skus, 20);
        profile.mix = [(Kind::Submit, 1)].into();
        let world = Self {
            catalogue: Catalogue::new(&profile),
            workload: Workload::new(&profile, 1),
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let written = world.catalogue.write(world.folder.path());
        written.expect("the folder takes a catalogue");
        world
    }

    fn engine(&self) -> Engine {
        let files = load::network_folder(self.folder.path()).expect("a catalogue");
        let limits = Limits::default();
        let engine = Engine::new(files.network, files.opening, limits, None, NOW);
        engine.expect("a catalogue can be opened")
    }

    fn order(&self, number: u64) -> Order {
        let Operation::Submit { place, lines, .. } = self.workload.operation(number) else {
            panic!("the mix has orders alone");
        };
        let lines = lines.iter();
        let lines: Vec<_> = lines
            .map(|line| json!({"sku": format!("SKU-{}", line.sku), "qty": line.units}))
            .collect();
        let text = json!({
            "source": "bench", "order": format!("r{number}"), "channel": "web",
            "placed_at": NOW.to_string(), "lines": lines,
            "ship_to": {"country": "US", "postal": self.workload.postal(place)},
        });
        let order = load::order_json(text.to_string().as_bytes(), Limits::default().lines);
        order.expect("an order of the workload")
    }

    fn reserve(&self, engine: &Engine, number: u64) {
        let Operation::Submit { lines, .. } = self.workload.operation(number) else {
            panic!("the mix has orders alone");
        };
        let named = lines.iter().map(|line| {
            let place = self.catalogue.location(line.location).to_owned();
            (format!("SKU-{}", line.sku), place, Qty(line.units))
        });
        let named: Vec<_> = named.collect();
        let wanted = named.iter().map(|(sku, location, qty)| WantedLine {
            sku,
            location,
            qty: *qty,
        });
        let put = ReservationPut {
            id: &format!("h{number}"),
            ttl: None,
            channel: "web",
            priority: 0,
            need_at: None,
            lines: &wanted.collect::<Vec<_>>(),
        };
        engine.put_reservation(&put, NOW).expect("there is stock");
    }
}

fn main() {
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let (skus, count) = if tiny { (200, 500) } else { (100_000, 100_000) };
    let (skus, count) = (number("--skus", skus), number("--count", count));
    let world = World::new(named("day").expect("a profile"), skus);
    let region = Region::new(ALLOCATOR);
    let engine = world.engine();
    let positions = u64::from(skus) * 20;
    let table = [
        ("a position, its item among them", live(&region), positions),
        (
            "a reservation",
            grown(count, |n| world.reserve(&engine, n)),
            count.into(),
        ),
        (
            "an open order, routed",
            grown(count, |n| {
                let order = Arc::new(world.order(n));
                engine.submit(order, NOW).expect("there is stock");
            }),
            count.into(),
        ),
    ];
    println!("{skus} SKUs x 20 locations; reservations and orders of 2 lines on average");
    for (what, bytes, of) in table {
        println!("{:>8.0} bytes {what}", bytes / of as f64);
    }
}

/// Live bytes that `count` calls leave. The tables that they are put into grow by doubling, so the
/// figure moves between once and twice their part with the count.
fn grown(count: u32, mut each: impl FnMut(u64)) -> f64 {
    let region = Region::new(ALLOCATOR);
    (0..u64::from(count)).for_each(&mut each);
    live(&region)
}
