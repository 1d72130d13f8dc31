//! Routing one order, by number of demands and locations, beside the same model as a MILP.
//!
//! `cargo bench --bench routing`; `-- --test` runs everything once. Groups:
//!
//! - `route`: the whole answer (best plan, runner-up, proof, reasons), warm, one thread. Half of
//!   the locations hold each item. Orders rotate, so that no branch learns one of them by heart.
//! - `route-deep`: the same when two thirds of the stock is missing, so that most orders split.
//! - `milp`: the same orders as a mixed-integer program solved by `good_lp` with `microlp`; before
//!   it is timed, the optimum is compared. A line with the ratio is printed for each size.

use allot::ledger::StockView;
use allot::model::{
    Cents, Coordinate, EpochMillis, Grams, Location, LocationId, LocationKind, Millis, Network,
    Place, Qty, Service, ServiceId, ShipTo, SkuId, TariffStep, WeekDays, Zone,
};
use allot::routing::{Demand, Destination, Lanes, Request, Scratch, price, route};
use criterion::{BenchmarkId, Criterion};
use good_lp::{Expression, ProblemVariables, Solution, SolverModel, Variable, variable};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Orders that rotate in each measurement.
const ORDERS: usize = 64;
const SERVICES: u16 = 3;
const ZONES: u8 = 8;
const BRACKETS: u64 = 40;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    routes(&mut criterion, "route", 50);
    routes(&mut criterion, "route-deep", 17);
    milp(&mut criterion);
    criterion.final_summary();
}

fn routes(criterion: &mut Criterion, name: &str, percent: u64) {
    let mut group = criterion.benchmark_group(name);
    for demands in [1, 2, 3, 5, 8, 12] {
        for locations in [20, 100, 500] {
            let world = World::new(demands, locations, percent, 1);
            let mut scratch = Scratch::default();
            let mut next = 0;
            let id = BenchmarkId::from_parameter(format!("{demands}x{locations}"));
            group.bench_function(id, |bencher| {
                bencher.iter(|| {
                    next = (next + 1) % world.orders.len();
                    let request = world.orders[next].request();
                    let decision = route(&world.lanes, black_box(&request), &mut scratch);
                    black_box(decision.expect("backorders are allowed"))
                });
            });
        }
    }
    group.finish();
}

fn milp(criterion: &mut Criterion) {
    // `cargo bench` says --bench; anything else only wants to know that it still runs.
    let told = |flag: &str| std::env::args().any(|a| a == flag);
    let testing = told("--test") || !told("--bench");
    let mut group = criterion.benchmark_group("milp");
    group.sample_size(10);
    for (demands, locations) in [(1, 20), (2, 20), (3, 20), (2, 100), (5, 20)] {
        let world = World::new(demands, locations, 50, 1);
        let orders = if testing { 1 } else { 8 };
        compare(&world, orders, &format!("{demands}x{locations}"));
        if testing {
            continue;
        }
        let mut next = 0;
        let id = BenchmarkId::from_parameter(format!("{demands}x{locations}"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                next = (next + 1) % orders;
                black_box(solve_milp(&world, &world.orders[next]))
            });
        });
    }
    group.finish();
}

/// Checks that both find the same optimum, and prints how much longer the MILP takes.
#[allow(clippy::print_stdout)] // the ratio is what this bench is for
fn compare(world: &World, orders: usize, name: &str) {
    let mut scratch = Scratch::default();
    let (mut ours, mut milps) = (0, 0);
    for order in &world.orders[..orders] {
        let request = order.request();
        let run = |scratch: &mut Scratch| route(&world.lanes, &request, scratch);
        let decision = run(&mut scratch).expect("backorders are allowed");
        let start = Instant::now();
        for _ in 0..100 {
            black_box(run(&mut scratch).is_ok());
        }
        ours += start.elapsed().as_nanos() / 100;
        let start = Instant::now();
        let optimum = solve_milp(world, order);
        milps += start.elapsed().as_nanos();
        assert_eq!(decision.plan.objective.total().0, optimum, "{name}");
    }
    let (ours, milps) = (ours / orders as u128, milps / orders as u128);
    println!(
        "{name}: route {ours} ns, MILP {} us, ratio {}",
        milps / 1_000,
        milps / ours.max(1)
    );
}

/// One order, ready to route.
struct Order {
    now: EpochMillis,
    destination: Arc<Destination>,
    demands: Vec<Demand>,
    stock: StockView,
}

impl Order {
    fn request(&self) -> Request<'_> {
        Request {
            pickup: None,
            days: &[],
            now: self.now,
            destination: &self.destination,
            deliver_by: None,
            deliver_by_is_hard: false,
            policy: allot::model::Policy::default(),
            demands: &self.demands,
            stock: &self.stock,
            excluded: &[],
        }
    }
}

/// A network and its orders.
struct World {
    lanes: Lanes,
    orders: Vec<Order>,
}

impl World {
    fn new(demands: u32, locations: u16, percent: u64, seed: u64) -> Self {
        let mut dice = Dice(seed ^ u64::from(demands) << 32 ^ u64::from(locations));
        let lanes = Lanes::new(&network(&mut dice, locations)).expect("the network is sound");
        let orders = (0..ORDERS).map(|_| order(&mut dice, &lanes, demands, locations, percent));
        Self {
            orders: orders.collect(),
            lanes,
        }
    }
}

/// Seeded random numbers: SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn small(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(u64::from(n))).expect("below n")
    }

    fn cents(&mut self, n: u64) -> Cents {
        Cents(i64::try_from(self.below(n)).expect("below n"))
    }

    /// Somewhere in the contiguous United States.
    fn place(&mut self) -> Coordinate {
        Coordinate {
            lat_e6: 30_000_000 + i32::try_from(self.below(17_000_000)).expect("below"),
            lon_e6: -121_000_000 + i32::try_from(self.below(47_000_000)).expect("below"),
        }
    }
}

fn network(dice: &mut Dice, locations: u16) -> Network {
    let zones = ["New_York", "Chicago", "Denver", "Los_Angeles"];
    let mut network = Network {
        locations: (0..locations)
            .map(|i| Location {
                id: format!("L{i}").into(),
                name: "".into(),
                kind: LocationKind::DistributionCentre,
                country: "US".into(),
                postal: "".into(),
                coordinate: dice.place(),
                timezone: format!("America/{}", zones[usize::from(i % 4)]).into(),
                cutoff_minutes: if i % 8 < 4 { 14 * 60 } else { 17 * 60 },
                working_days: WeekDays(0b001_1111),
                lead_hours: 2,
                shipments_per_day: None,
                units_per_day: None,
                handling_per_shipment: Cents(80) + dice.cents(100),
                handling_per_unit: Cents(10) + dice.cents(30),
                abilities: Vec::new(),
                ..Location::default()
            })
            .collect(),
        ..Network::default()
    };
    for service in 0..SERVICES {
        let days = [5, 2, 1][usize::from(service)];
        network.services.push(Service {
            id: format!("S{service}").into(),
            carrier: "C".into(),
            works_on: WeekDays(0b001_1111),
            // 5 cm³ weigh a gram: sizes below are multiples, so that the MILP is linear.
            dim_divisor_cm3_per_kg: Some(5_000),
            dim_threshold_cm3: 0,
            billing_step: Grams(1),
            max: Grams(BRACKETS * 500),
            ..Service::default()
        });
        for zone in 1..=ZONES {
            network.zones.push(Zone {
                service: ServiceId(service),
                zone,
                max_km: (zone < ZONES).then_some(u32::from(zone) * 550),
                transit_days: days.min(zone),
            });
            for bracket in 1..=BRACKETS {
                let base = [620, 1_150, 2_300][usize::from(service)];
                let weight = i64::try_from(bracket).expect("small") - 1;
                let per_step = 12 + 9 * i64::from(zone);
                network.tariffs.push(TariffStep {
                    service: ServiceId(service),
                    zone,
                    max: Grams(bracket * 500),
                    cents: Cents(base + 35 * i64::from(zone) + per_step * weight),
                });
            }
        }
    }
    network.places = (0..100)
        .map(|prefix| Place {
            country: "US".into(),
            postal_prefix: format!("{prefix:02}").into(),
            coordinate: dice.place(),
            population: 0,
            ..Place::default()
        })
        .collect();
    network
}

fn order(dice: &mut Dice, lanes: &Lanes, demands: u32, locations: u16, percent: u64) -> Order {
    let to = ShipTo {
        country: "US".into(),
        postal: format!("{:02}", dice.below(100)).into(),
        coordinate: None,
        ..ShipTo::default()
    };
    let demands: Vec<Demand> = (0..demands)
        .map(|sku| Demand {
            sku: SkuId(sku),
            qty: Qty(1 + dice.small(3)),
            may_split: false,
            grams: 100 + dice.small(1_200),
            volume_mm3: 5_000 * dice.below(1_000),
            class: lanes.class("standard"),
            ..Demand::default()
        })
        .collect();
    let mut stock = StockView::default();
    for demand in &demands {
        stock.push_line(demand.sku);
        for location in 0..locations {
            if dice.below(100) < percent {
                stock.push_cell(LocationId(location), Qty(1 + dice.small(8)), &[]);
            }
        }
    }
    let monday = EpochMillis::parse("2026-11-16T15:00:00Z").expect("a time");
    Order {
        now: monday + Millis(dice.below(4 * 86_400_000)),
        destination: lanes.destination(&to).expect("all places are known"),
        demands,
        stock,
    }
}

/// What one shipment of some demands from a location costs, goods included.
fn shipment_cents(world: &World, order: &Order, location: LocationId, set: usize) -> Option<i64> {
    let lines = order.demands.iter().enumerate();
    let lines = lines.filter(|(i, _)| set >> i & 1 == 1);
    let lines = lines.map(|(i, demand)| allot::model::ShipmentLine {
        demand: u16::try_from(i).expect("few"),
        qty: demand.qty,
    });
    let shipments = [(location, order.now, lines.collect())];
    let plan = price(&world.lanes, &order.request(), &shipments, &[])?;
    Some(plan.objective.total().0)
}

/// The order as a mixed-integer program: an open shipment has a location and a bracket of weight;
/// demands are assigned to shipments; the heaviest bracket that an assignment may fill is paid.
fn solve_milp(world: &World, order: &Order) -> i64 {
    let policy = allot::model::Policy::default();
    let mut variables = ProblemVariables::new();
    let mut cost = Expression::from(0.0);
    let count = order.demands.len();
    // Weight of a demand: the larger of mass and dimensional weight is not linear, so both count.
    let mass = |i: usize| u64::from(order.demands[i].qty.0) * u64::from(order.demands[i].grams);
    let size = |i: usize| u64::from(order.demands[i].qty.0) * order.demands[i].volume_mm3 / 5_000;
    let total = |set: usize, of: &dyn Fn(usize) -> u64| -> u64 {
        (0..count).filter(|i| set >> i & 1 == 1).map(of).sum()
    };
    let mut covered: Vec<Expression> = vec![Expression::from(0.0); count];
    let mut opened = Expression::from(0.0);
    let mut rules = Vec::new();
    for location in 0..world.lanes.locations() {
        let location = LocationId(u16::try_from(location).expect("few"));
        let has = |i: usize| {
            let cells = order.stock.cells(i);
            cells
                .iter()
                .any(|c| c.location == location && c.now >= order.demands[i].qty)
        };
        let held: Vec<usize> = (0..count).filter(|&i| has(i)).collect();
        let mask: usize = held.iter().map(|i| 1 << i).sum();
        // The bracket that each subset falls into, and what it costs but for the goods.
        let mut brackets: BTreeMap<u64, i64> = BTreeMap::new();
        for set in (1..1usize << count).filter(|s| s & !mask == 0) {
            let weight = total(set, &mass).max(total(set, &size));
            let units: i64 = (0..count)
                .filter(|i| set >> i & 1 == 1)
                .map(|i| i64::from(order.demands[i].qty.0))
                .sum();
            if let Some(cents) = shipment_cents(world, order, location, set) {
                let fixed = cents - units * unit_cents(world, order, location, held[0]);
                brackets.insert(weight.div_ceil(500).max(1), fixed);
            }
        }
        if held.is_empty() {
            continue;
        }
        let assigned: Vec<(usize, Variable)> = held
            .iter()
            .map(|&i| (i, variables.add(variable().binary())))
            .collect();
        let (mut grams, mut volume) = (Expression::from(0.0), Expression::from(0.0));
        let mut open = Expression::from(0.0);
        for (&bracket, &cents) in &brackets {
            let chosen = variables.add(variable().binary());
            cost += chosen * as_float(cents + policy.split_penalty.0);
            grams -= chosen * as_float_u(bracket * 500);
            volume -= chosen * as_float_u(bracket * 500);
            open += chosen;
        }
        for &(i, assigned) in &assigned {
            let cents = unit_cents(world, order, location, i) * i64::from(order.demands[i].qty.0);
            cost += assigned * as_float(cents);
            grams += assigned * as_float_u(mass(i));
            volume += assigned * as_float_u(size(i));
            covered[i] += assigned;
            rules.push((Expression::from(assigned) - open.clone()).leq(0.0));
        }
        rules.push(grams.leq(0.0));
        rules.push(volume.leq(0.0));
        rules.push(open.clone().leq(1.0));
        opened += open;
    }
    let mut short_cost = 0;
    for (i, demand) in order.demands.iter().enumerate() {
        let short = variables.add(variable().binary());
        let cents = policy.short_per_unit.0 * i64::from(demand.qty.0);
        short_cost += cents;
        cost += short * as_float(cents);
        rules.push((covered[i].clone() + short).eq(1.0));
    }
    rules.push(opened.leq(f64::from(policy.max_shipments)));
    let mut model = variables.minimise(cost.clone()).using(good_lp::microlp);
    for rule in rules {
        model = model.with(rule);
    }
    let solution = model.solve().expect("to ship nothing is a solution");
    // Whole cents: rounding takes away what floating point added.
    #[allow(clippy::cast_possible_truncation)]
    let cents = solution.eval(&cost).round() as i64;
    if cents == short_cost {
        cents
    } else {
        cents - policy.split_penalty.0
    }
}

/// Handling of one unit: the difference that a second unit of the same weight would make is not
/// visible from outside, so it is read off two prices of the same bracket.
fn unit_cents(world: &World, order: &Order, location: LocationId, demand: usize) -> i64 {
    let line = |qty| allot::model::ShipmentLine {
        demand: u16::try_from(demand).expect("few"),
        qty: Qty(qty),
    };
    let plan = price(
        &world.lanes,
        &order.request(),
        &[(location, order.now, vec![line(1)])],
        &[],
    );
    let two = price(
        &world.lanes,
        &order.request(),
        &[(location, order.now, vec![line(2)])],
        &[],
    );
    let handling = |p: Option<allot::model::Plan>| p.map_or(0, |p| p.objective.handling.0);
    handling(two) - handling(plan)
}

#[allow(clippy::cast_precision_loss)] // far below 2^53
fn as_float(cents: i64) -> f64 {
    cents as f64
}

#[allow(clippy::cast_precision_loss)] // far below 2^53
fn as_float_u(grams: u64) -> f64 {
    grams as f64
}
