//! Orders through the engine's door: routed, reserved and remembered, on one and two threads.
//!
//! `cargo bench --bench submit`. Time is per order; with two threads it is the wall time of both
//! divided by the orders of both, so half of one thread's time means perfect scaling. The group
//! `batch` submits the same orders as `ORDER.ROUTEBATCH` does; the group `kept` says what it takes to
//! keep with an order what it was decided on, so that `ORDER.EXPLAIN` can tell: bytes, and time beside
//! that of routing it.
#![allow(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]

use allot::bench::single::{Mix, Odd, World};
use allot::bench::synthetic::{self, Popularity};
use allot::engine::{Engine, Limits};
use allot::model::{EpochMillis, Order};
use allot::routing::{Scratch, pack, route};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rayon::ThreadPoolBuilder;
use std::sync::Arc;

const NOW: EpochMillis = EpochMillis(1_795_000_000_000);
/// Orders of one measured batch.
const ORDERS: usize = 10_000;
/// Orders of one `ORDER.ROUTEBATCH`.
const TOGETHER: usize = 2_000;

fn engine(skus: u32, locations: u16) -> Engine {
    let network = synthetic::network(locations, 1);
    // Far more units than are ever ordered: the time of an order is wanted, not of running out.
    let opening = synthetic::opening(skus, locations, 100_000_000);
    Engine::new(network, opening, Limits::default(), None, NOW).expect("a valid network")
}

fn orders(skus: u32, popularity: Popularity, from: usize) -> Vec<Arc<Order>> {
    let baskets = synthetic::baskets(skus, ORDERS, popularity, from as u64);
    let numbered = baskets.iter().enumerate();
    numbered
        .map(|(n, basket)| Arc::new(synthetic::order(from + n, basket, NOW)))
        .collect()
}

fn submit_all(engine: &Engine, orders: Vec<Arc<Order>>) {
    for order in orders {
        engine.submit(order, NOW).expect("there is stock for all");
    }
}

fn submit(criterion: &mut Criterion) {
    // `cargo bench` says --bench; anything else only wants to know that it still runs.
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let skus = if tiny { 1_000 } else { 100_000 };
    let engine = engine(skus, 20);
    let mut next = 0;
    let mut batch = |popularity: Popularity| {
        next += ORDERS;
        orders(skus, popularity, next)
    };
    let mut group = criterion.benchmark_group("submit 100k SKUs x 20 locations");
    group
        .throughput(Throughput::Elements(ORDERS as u64))
        .sample_size(10);
    for (name, popularity) in [
        ("zipf", Popularity::Zipf),
        ("90% one SKU", Popularity::OneHot),
    ] {
        group.bench_function(format!("{name}, 1 thread"), |b| {
            b.iter_batched(
                || batch(popularity),
                |orders| submit_all(&engine, orders),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("{name}, 2 threads"), |b| {
            b.iter_batched(
                || {
                    let mut all = batch(popularity);
                    let half = all.split_off(ORDERS / 2);
                    (all, half)
                },
                |(one, two)| {
                    std::thread::scope(|scope| {
                        scope.spawn(|| submit_all(&engine, two));
                        submit_all(&engine, one);
                    });
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// The same orders as batches of [`TOGETHER`], on pools of one and two threads.
fn batch(criterion: &mut Criterion) {
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let skus = if tiny { 1_000 } else { 100_000 };
    let engine = engine(skus, 20);
    // Far from the ids of the other benches, so that no order is a repeat.
    let mut next = 1_000_000_000;
    let mut group = criterion.benchmark_group("batch 100k SKUs x 20 locations");
    group
        .throughput(Throughput::Elements(ORDERS as u64))
        .sample_size(10);
    for (name, popularity) in [
        ("zipf", Popularity::Zipf),
        ("90% one SKU", Popularity::OneHot),
    ] {
        for threads in [1, 2] {
            let builder = ThreadPoolBuilder::new().num_threads(threads);
            let pool = builder.build().expect("threads for a pool");
            group.bench_function(format!("{name}, {threads} threads"), |b| {
                b.iter_batched(
                    || {
                        next += ORDERS;
                        orders(skus, popularity, next)
                    },
                    |orders| {
                        for together in orders.chunks(TOGETHER) {
                            let answers = pool.install(|| engine.submit_batch(together, NOW));
                            assert!(answers.iter().all(Result::is_ok), "there is stock for all");
                        }
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

/// What is kept of a decision beside its plan, by lines and locations.
#[allow(clippy::print_stdout, reason = "bytes are no times")]
fn kept(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kept");
    for (lines, locations) in [(2, 20), (5, 100), (8, 500)] {
        let mix = Mix {
            odd: Odd::None,
            lines,
            locations,
            stocked: 50,
            scattered: 0,
            extras: false,
            orders: 64,
        };
        let world = World::new(mix, 1);
        let size =
            |order: &allot::bench::single::Single| pack(&world.lanes, &order.request()).len();
        let bytes: usize = world.orders.iter().map(size).sum();
        let each = bytes / world.orders.len();
        println!("{lines} lines x {locations} locations: {each} bytes kept with an order");
        let mut scratch = Scratch::default();
        let mut orders = world.orders.iter().cycle();
        group.bench_function(format!("{lines} x {locations}, route"), |b| {
            b.iter(|| {
                let order = orders.next().expect("it goes round");
                route(&world.lanes, &order.request(), &mut scratch)
            });
        });
        group.bench_function(format!("{lines} x {locations}, pack"), |b| {
            b.iter(|| {
                let order = orders.next().expect("it goes round");
                pack(&world.lanes, &order.request())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, submit, batch, kept);
criterion_main!(benches);
