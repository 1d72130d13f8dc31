//! Backlogs of any size: open orders on scarce stock, each with the plan that first-come routing
//! gave it.
//!
//! The shape of the published comparisons: popularity by a power law, stock of every SKU a random
//! share of what is wanted of it, spread over two to sixteen locations.

use super::random::{Random, Weighted};
use super::synthetic;
use crate::backlog::{Kept, OpenOrder, Problem, Strategy, Supply, Today};
use crate::ledger::StockView;
use crate::model::{
    Cents, ChannelId, Day, EpochMillis, LocationId, Millis, OrderKey, Policy, Qty, ShipTo, SkuId,
};
use crate::routing::{ClassId, Demand, Destination, Lanes, Request, Scratch, route};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How large a backlog is, and how scarce its stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Open orders.
    pub orders: usize,
    /// Places that hold stock.
    pub locations: u16,
    /// Items; popular by a power law with exponent 0.8.
    pub skus: u32,
    /// Units in stock for every hundred wanted, on average.
    pub stock_percent: u64,
    /// Of a hundred lines, how many may be divided.
    pub split_percent: u64,
    /// Seed of everything.
    pub seed: u64,
}

/// The moment of every backlog: a Monday.
const NOW: EpochMillis = EpochMillis(1_764_000_000_000);

/// A backlog and the network that it is on.
#[derive(Debug)]
pub struct Backlog {
    /// The compiled network.
    pub lanes: Lanes,
    /// Open orders with what first-come routing gave them.
    pub problem: Problem,
}

impl Backlog {
    /// Makes one up, and routes its orders one by one on what those before left.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self::with_lines(shape, None)
    }

    /// The same, every order having so many lines, any number of these being as likely; two on average
    /// where nothing is said.
    #[must_use]
    pub fn with_lines(shape: Shape, lines: Option<RangeInclusive<u32>>) -> Self {
        let network = synthetic::network(shape.locations, shape.seed);
        let lanes = Lanes::new(&network).expect("a synthetic network can be compiled");
        let mut random = Random::new(shape.seed ^ 0x5eed);
        let destinations: Vec<Arc<Destination>> = (0..200)
            .map(|n| {
                let to = ShipTo {
                    country: "US".into(),
                    postal: format!("{n:03}01").into(),
                    ..ShipTo::default()
                };
                lanes.destination(&to).expect("it is one of its places")
            })
            .collect();
        let lines = lines.map(RangeInclusive::into_inner);
        let baskets = baskets(shape, lines, &mut random);
        let mut stock = stock(shape, &baskets, &mut random);
        let supply = Supply::new(view(&stock));
        let mut orders = Vec::with_capacity(baskets.len());
        let mut scratch = Scratch::default();
        for (number, demands) in baskets.into_iter().enumerate() {
            let to = &destinations[random.index(destinations.len())];
            let worth = 1500 + i64::try_from(random.below(4500)).unwrap_or(0);
            let late = i32::try_from(random.below(9)).unwrap_or(0);
            let mut order = OpenOrder {
                key: OrderKey::new("bench", &number.to_string()),
                channel: ChannelId(0),
                placed_at: NOW - Millis::from_hours(1),
                destination: Arc::clone(to),
                deliver_by: Some(Day(day_of(NOW).0 + 3 + late)),
                deliver_by_is_hard: false,
                policy: Policy {
                    short_per_unit: Cents(worth),
                    ..Policy::default()
                },
                demands,
                excluded: Vec::new(),
                pickup: None,
                today: Today::default(),
                strategy: Strategy::Redistribute,
                frozen: false,
            };
            order.today = first_come(&order, &lanes, &mut stock, &mut scratch);
            orders.push(order);
        }
        let problem = Problem {
            now: NOW,
            orders,
            supply,
            change_cents: 0,
            days: Vec::new(),
        };
        Self { lanes, problem }
    }
}

fn day_of(at: EpochMillis) -> Day {
    Day(i32::try_from(at.0.div_euclid(86_400_000)).unwrap_or(0))
}

/// Units by SKU, then location.
type Stock = Vec<Vec<(LocationId, u32)>>;

fn baskets(shape: Shape, lines: Option<(u32, u32)>, random: &mut Random) -> Vec<Vec<Demand>> {
    let popular = Weighted::new(ranks(shape.skus));
    let few = Weighted::new([40u64, 35, 15, 10].into_iter());
    let units = Weighted::new([75u64, 17, 8].into_iter());
    let (Some(popular), Some(few), Some(units)) = (popular, few, units) else {
        return Vec::new();
    };
    let one = |random: &mut Random| {
        let count = match lines {
            None => few.draw(random) + 1,
            Some((least, most)) => {
                let (least, most) = (least as usize, most as usize);
                least + random.index(most.saturating_sub(least) + 1)
            }
        };
        let mut basket: Vec<Demand> = Vec::new();
        for _ in 0..count.max(1) {
            let sku = SkuId(u32::try_from(popular.draw(random)).unwrap_or(0));
            let qty = Qty(u32::try_from(units.draw(random)).unwrap_or(0) + 1);
            let may_split = random.chance(shape.split_percent);
            if basket.iter().any(|d| d.sku == sku) {
                continue;
            }
            basket.push(Demand {
                sku,
                qty,
                may_split,
                grams: 150 + sku.0 % 97 * 20,
                volume_mm3: 200 * 150 * u64::from(50 + sku.0 % 11 * 10),
                longest_mm: 200,
                ships_alone: false,
                class: ClassId(0),
                value: Cents(2000),
                together: 0,
            });
        }
        basket
    };
    (0..shape.orders).map(|_| one(random)).collect()
}

/// Weights of a power law with exponent 0.8, in integers: `x^-0.8` by the ratio of neighbours would
/// drift, so by a table of powers of two and straight lines between them.
fn ranks(skus: u32) -> impl Iterator<Item = u64> {
    (1..=u64::from(skus)).map(|rank| {
        let power = rank.ilog2();
        // 2^-0.8 is 0.5743.
        let top = (0..power).fold(1_000_000_000_000u64, |w, _| w / 10_000 * 5_743);
        let next = top / 10_000 * 5_743;
        let (low, width) = (1u64 << power, 1u64 << power);
        top - (top - next) / width * (rank - low)
    })
}

fn stock(shape: Shape, baskets: &[Vec<Demand>], random: &mut Random) -> Stock {
    let mut wanted = vec![0u64; shape.skus as usize];
    for demand in baskets.iter().flatten() {
        wanted[demand.sku.index()] += u64::from(demand.qty.0);
    }
    let locations = usize::from(shape.locations);
    let place = |wanted: u64| {
        let share = 80 + random.below(81);
        let units = (wanted * share * shape.stock_percent).div_ceil(12_000);
        let mut at: Vec<(LocationId, u32)> = Vec::new();
        if wanted == 0 {
            return at;
        }
        let holders = (2 + random.index(15)).min(locations);
        while at.len() < holders {
            let location = LocationId(u16::try_from(random.index(locations)).unwrap_or(0));
            if !at.iter().any(|(known, _)| *known == location) {
                at.push((location, 0));
            }
        }
        // Random shares, unit by unit where there are few.
        let lots = units.min(1_000);
        for lot in 0..lots {
            let size = units / lots + u64::from(lot < units % lots);
            let to = random.index(holders).min(random.index(holders));
            at[to].1 += u32::try_from(size).unwrap_or(0);
        }
        at.retain(|(_, units)| *units > 0);
        at.sort_unstable();
        at
    };
    wanted.into_iter().map(place).collect()
}

fn view(stock: &Stock) -> StockView {
    let mut view = StockView::default();
    for (sku, cells) in (0u32..).zip(stock) {
        view.push_line(SkuId(sku));
        for &(location, units) in cells {
            view.push_cell(location, Qty(units), &[]);
        }
    }
    view
}

/// Routes an order on what is left, and takes it.
fn first_come(order: &OpenOrder, lanes: &Lanes, stock: &mut Stock, scratch: &mut Scratch) -> Today {
    let mut view = StockView::default();
    for demand in &order.demands {
        view.push_line(demand.sku);
        for &(location, units) in &stock[demand.sku.index()] {
            if units > 0 {
                view.push_cell(location, Qty(units), &[]);
            }
        }
    }
    let request = Request {
        now: NOW,
        destination: &order.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: false,
        policy: order.policy,
        demands: &order.demands,
        stock: &view,
        excluded: &[],
        pickup: None,
        days: &[],
    };
    let decision = route(lanes, &request, scratch).expect("backorders are allowed");
    let promised = decision.plan.delivered_on();
    let mut shipments = Vec::with_capacity(decision.plan.shipments.len());
    for shipment in decision.plan.shipments {
        for line in &shipment.lines {
            let sku = order.demands[usize::from(line.demand)].sku;
            let cells = stock[sku.index()].iter_mut();
            for (_, units) in cells.filter(|(at, _)| *at == shipment.location) {
                *units -= line.qty.0;
            }
        }
        shipments.push(Kept {
            location: shipment.location,
            need_at: shipment.need_at,
            ship_at: shipment.ship_at,
            lines: shipment.lines,
        });
    }
    Today {
        shipments,
        short: decision.plan.short,
        promised,
    }
}
