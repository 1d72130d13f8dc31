//! The ledger beside the concurrent maps that a user would write instead, doing the same work.
//!
//! `cargo bench --bench ledger`. 100,000 SKUs × 20 locations, orders of two lines on average,
//! SKUs by Zipf's law or nine lines in ten of one SKU. Time is per order (`reserve`,
//! `reserve+release`) or per read (`atp`); with two threads it is the wall time of both divided by
//! the orders of both, so half of one thread's time means perfect scaling.
#![allow(missing_docs)] // criterion's macros make undocumented functions

mod support;

use allot::bench::workload::{Line, Orders, Shape, stock};
use allot::ledger::{AtpQuery, Ledger, NoLog, Owner, Reservation, Take, Want};
use allot::model::{ChannelId, EpochMillis, LocationId, OwnerFact, PromiseRules, Qty, SkuId};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use dashmap::DashMap;
use smallvec::SmallVec;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::Naive;

const NOW: EpochMillis = EpochMillis(1_795_000_000_000);
/// Units of every position: far more than are ever taken at one time.
const UNITS: u32 = 100_000_000;
/// Orders that hold their units at one time, for each thread.
const WINDOW: usize = 1 << 16;

/// Something that orders can be taken from. An order is known by its number.
trait Stock: Sync {
    /// What an order holds.
    type Held: Send;

    /// `lane` tells the threads apart.
    fn take(&self, order: usize, lane: usize) -> Self::Held;

    fn give_back(&self, order: usize, held: Self::Held);

    /// ATP of the first line of an order.
    fn atp(&self, order: usize) -> u64;
}

struct OnLedger<'a> {
    ledger: &'a Ledger,
    orders: &'a Orders,
    /// By lane.
    owners: [Vec<Arc<Owner>>; 2],
}

impl<'a> OnLedger<'a> {
    fn new(ledger: &'a Ledger, orders: &'a Orders) -> Self {
        // An order's owner is made just before it takes: few of them, so that they stay warm.
        let owner = |n: u64| {
            Arc::new(Owner {
                id: OwnerFact::Reservation(n.to_string().into()),
                priority: 0,
                sequence: n,
            })
        };
        let owners = [0, 64].map(|first| (first..first + 64).map(owner).collect());
        Self {
            ledger,
            orders,
            owners,
        }
    }
}

impl Stock for OnLedger<'_> {
    type Held = Reservation;

    fn take(&self, order: usize, lane: usize) -> Reservation {
        let want = |line: &Line| Want {
            sku: line.sku,
            location: Some(line.location),
            qty: line.qty,
            need_at: NOW,
        };
        let wants: SmallVec<[Want; 5]> = self.orders.lines(order).iter().map(want).collect();
        let take = Take {
            owner: &self.owners[lane][order % 64],
            channel: ChannelId(0),
            expires_at: EpochMillis::DISTANT_FUTURE,
            wants: &wants,
        };
        self.ledger
            .take(&take, NOW, &NoLog)
            .expect("there is stock for all")
    }

    fn give_back(&self, _: usize, held: Reservation) {
        self.ledger.release(held, NOW, &NoLog);
    }

    fn atp(&self, order: usize) -> u64 {
        let line = self.orders.lines(order)[0];
        let query = AtpQuery {
            locations: Some(&[line.location]),
            ..AtpQuery::default()
        };
        self.ledger.atp(line.sku, &query, NOW)
    }
}

type Pairs<S> = Naive<(u32, u16), S>;

/// A map of positions and, for every order, the keys of its lines.
struct OnPairs<'a, S> {
    map: &'a Pairs<S>,
    orders: &'a Orders,
    keys: Vec<(u32, u16)>,
}

impl<'a, S> OnPairs<'a, S> {
    fn new(map: &'a Pairs<S>, orders: &'a Orders) -> Self {
        let keys = orders
            .all_lines()
            .iter()
            .map(|l| (l.sku.0, l.location.0))
            .collect();
        Self { map, orders, keys }
    }
}

impl<S: std::hash::BuildHasher + Clone + Default + Sync> Stock for OnPairs<'_, S> {
    type Held = ();

    fn take(&self, order: usize, _: usize) {
        assert!(self.map.take(&self.keys[self.orders.range(order)]));
    }

    fn give_back(&self, order: usize, (): ()) {
        self.map.give_back(&self.keys[self.orders.range(order)]);
    }

    fn atp(&self, order: usize) -> u64 {
        self.map
            .atp(&self.keys[self.orders.range(order).start])
            .into()
    }
}

/// The map of positions, and beside it a map of what every order holds: without it an order could
/// not be given back by its number, which is the least that the ledger's claims are for.
struct OnPairsWithHolders<'a, S> {
    pairs: OnPairs<'a, S>,
    holders: DashMap<usize, SmallVec<[(u32, u16); 3]>, S>,
}

impl<S: std::hash::BuildHasher + Clone + Default + Sync + Send> Stock
    for OnPairsWithHolders<'_, S>
{
    type Held = ();

    fn take(&self, order: usize, lane: usize) {
        self.pairs.take(order, lane);
        let keys = &self.pairs.keys[self.pairs.orders.range(order)];
        self.holders.insert(order, keys.into());
    }

    fn give_back(&self, order: usize, (): ()) {
        // Where two threads' windows drift into each other, one finds the other's.
        if let Some((_, keys)) = self.holders.remove(&order) {
            self.pairs.map.give_back(&keys);
        }
    }

    fn atp(&self, order: usize) -> u64 {
        self.pairs.atp(order)
    }
}

type Names = Naive<String, std::hash::RandomState>;

/// The same by name. The names of an order's lines are ready made.
struct OnNames<'a> {
    map: &'a Names,
    orders: &'a Orders,
    keys: Vec<String>,
}

impl<'a> OnNames<'a> {
    fn new(map: &'a Names, orders: &'a Orders) -> Self {
        let keys = orders
            .all_lines()
            .iter()
            .map(|l| name(l.sku, l.location))
            .collect();
        Self { map, orders, keys }
    }
}

impl Stock for OnNames<'_> {
    type Held = ();

    fn take(&self, order: usize, _: usize) {
        assert!(self.map.take::<str>(&self.keys[self.orders.range(order)]));
    }

    fn give_back(&self, order: usize, (): ()) {
        self.map
            .give_back::<str>(&self.keys[self.orders.range(order)]);
    }

    fn atp(&self, order: usize) -> u64 {
        self.map
            .atp(self.keys[self.orders.range(order).start].as_str())
            .into()
    }
}

fn name(sku: SkuId, location: LocationId) -> String {
    format!("SKU-{}:L-{}", sku.0, location.0)
}

/// Time for `count` orders to take their units; what they took is given back off the clock.
fn reserve(stock: &impl Stock, from: usize, count: usize, len: usize) -> Duration {
    let mut took = Duration::ZERO;
    let mut held = Vec::with_capacity(WINDOW);
    for start in (from..from + count).step_by(WINDOW) {
        let orders = || (start..from + count).take(WINDOW).map(|o| o % len);
        let clock = Instant::now();
        held.extend(orders().map(|order| stock.take(order, 0)));
        took += clock.elapsed();
        for (order, held) in orders().zip(held.drain(..)) {
            stock.give_back(order, held);
        }
    }
    took
}

/// Orders that took their units, oldest first, up to [`WINDOW`] of them.
struct Window<H> {
    held: Vec<Option<H>>,
    next: usize,
    from: usize,
    lane: usize,
}

impl<H> Window<H> {
    fn new(from: usize, lane: usize) -> Self {
        let held = std::iter::repeat_with(|| None).take(WINDOW).collect();
        Self {
            held,
            next: 0,
            from,
            lane,
        }
    }

    /// The next `count` orders take their units; for each of them the oldest gives its back.
    fn run<S: Stock<Held = H>>(&mut self, stock: &S, count: usize, len: usize) {
        for _ in 0..count {
            let order = self.from + self.next;
            let place = &mut self.held[self.next % WINDOW];
            if let Some(held) = place.take() {
                stock.give_back((order - WINDOW) % len, held);
            }
            *place = Some(stock.take(order % len, self.lane));
            self.next += 1;
        }
    }

    fn finish<S: Stock<Held = H>>(self, stock: &S, len: usize) {
        let first = self.next.saturating_sub(WINDOW);
        let mut held = self.held;
        for order in first..self.next {
            if let Some(held) = held[order % WINDOW].take() {
                stock.give_back((self.from + order) % len, held);
            }
        }
    }
}

fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    load: &str,
    name: &str,
    stock: &impl Stock,
    len: usize,
) {
    let id =
        |what: &str, threads: u32| BenchmarkId::new(format!("{what}, {load}, {threads} thr"), name);
    group.bench_function(id("atp", 1), |b| {
        let mut next = 0;
        b.iter(|| {
            next = (next + 1) % len;
            black_box(stock.atp(next))
        });
    });
    group.bench_function(id("atp", 2), |b| {
        let half = |from: usize, count: usize| {
            (0..count).for_each(|n| {
                black_box(stock.atp((from + n) % len));
            });
        };
        b.iter_custom(|iters| {
            let iters = number(iters);
            let clock = Instant::now();
            std::thread::scope(|scope| {
                scope.spawn(|| half(len / 2, iters / 2));
                half(0, iters - iters / 2);
            });
            clock.elapsed()
        });
    });
    group.bench_function(id("reserve", 1), |b| {
        b.iter_custom(|iters| reserve(stock, 0, number(iters), len));
    });
    group.bench_function(id("reserve+release", 1), |b| {
        let mut window = Window::new(0, 0);
        window.run(stock, WINDOW.min(len), len);
        b.iter_custom(|iters| {
            let clock = Instant::now();
            window.run(stock, number(iters), len);
            clock.elapsed()
        });
        window.finish(stock, len);
    });
    group.bench_function(id("reserve+release", 2), |b| {
        let mut one = Window::new(0, 0);
        let mut two = Window::new(len / 2, 1);
        one.run(stock, WINDOW.min(len), len);
        two.run(stock, WINDOW.min(len), len);
        b.iter_custom(|iters| {
            let half = number(iters) / 2;
            let clock = Instant::now();
            std::thread::scope(|scope| {
                scope.spawn(|| one.run(stock, half, len));
                two.run(stock, number(iters) - half, len);
            });
            clock.elapsed()
        });
        one.finish(stock, len);
        two.finish(stock, len);
    });
}

fn ledger(criterion: &mut Criterion) {
    // `cargo bench` says --bench; anything else only wants to know that it still runs.
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let tiny = told("--test") || !told("--bench");
    let (skus, count) = if tiny {
        (1_000, 1 << 10)
    } else {
        (100_000, 1 << 20)
    };
    let zipf = Shape {
        skus,
        locations: 20,
        hot_percent: 0,
    };
    let mut group = criterion.benchmark_group(format!("{skus} SKUs x 20"));
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    let loads = [
        ("zipf", zipf),
        (
            "90% one SKU",
            Shape {
                hot_percent: 90,
                ..zipf
            },
        ),
    ];
    let loads = loads.map(|(load, shape)| (load, Orders::new(shape, count, 1)));
    let rows = stock(zipf, Qty(UNITS));
    {
        let ledger = Ledger::new(PromiseRules::default());
        ledger.open(&rows, NOW, &NoLog);
        for (load, orders) in &loads {
            measure(
                &mut group,
                load,
                "ledger",
                &OnLedger::new(&ledger, orders),
                count,
            );
        }
        tell_memory(&ledger);
    }
    let pairs = || rows.iter().map(|r| (r.sku.0, r.location.0));
    {
        let map: Pairs<foldhash::fast::RandomState> = Naive::new(pairs(), UNITS);
        for (load, orders) in &loads {
            measure(
                &mut group,
                load,
                "DashMap ids fast hash",
                &OnPairs::new(&map, orders),
                count,
            );
            measure(
                &mut group,
                load,
                "DashMap ids fast hash, who holds what",
                &OnPairsWithHolders {
                    pairs: OnPairs::new(&map, orders),
                    holders: DashMap::default(),
                },
                count,
            );
        }
    }
    {
        let map: Pairs<std::hash::RandomState> = Naive::new(pairs(), UNITS);
        for (load, orders) in &loads {
            measure(
                &mut group,
                load,
                "DashMap ids",
                &OnPairs::new(&map, orders),
                count,
            );
            measure(
                &mut group,
                load,
                "DashMap ids, who holds what",
                &OnPairsWithHolders {
                    pairs: OnPairs::new(&map, orders),
                    holders: DashMap::default(),
                },
                count,
            );
        }
    }
    let map: Names = Naive::new(rows.iter().map(|r| name(r.sku, r.location)), UNITS);
    for (load, orders) in &loads {
        measure(
            &mut group,
            load,
            "DashMap names",
            &OnNames::new(&map, orders),
            count,
        );
    }
    group.finish();
}

fn number(iterations: u64) -> usize {
    usize::try_from(iterations).expect("criterion asks for fewer than 2^32 iterations")
}

/// Says what a position costs, claims that are held just now left out.
#[allow(clippy::print_stdout)] // a bench reports to people
fn tell_memory(ledger: &Ledger) {
    let totals = ledger.totals(NOW);
    let bytes = totals.memory_bytes / totals.positions.max(1);
    println!("{bytes} bytes a position, {} claims held", totals.claims);
}

criterion_group!(benches, ledger);
criterion_main!(benches);
