//! A week of orders: who bought what, when, and where it goes.
//!
//! Baskets, quantities, popularity and times follow measured distributions (`data/README.md`
//! names them). Most orders are consumer baskets; a few are wholesale ones with case packs. One
//! minute is a flash sale of few SKUs.

use super::demand::Demand;
use super::items::Item;
use super::places::Place;
use super::rng::{Rng, Weighted};
use super::sites::{Kind, SITES};
use super::stock::Supply;
use jiff::Timestamp;
use jiff::civil::Date;
use std::fmt::Write;

/// The first day of the trace, a Monday; it starts at midnight, US Eastern standard time.
const START: &str = "2026-11-02T05:00:00Z";
const DAY_SECONDS: u64 = 86_400;

/// Orders by weekday from Monday, in 1/1000. Measured, except Saturday: the shop measured was
/// closed then, a web shop is not; it gets what Sunday has.
const WEEKDAYS: [u64; 7] = [156, 179, 189, 214, 157, 107, 107];
/// The same as measured, for wholesale.
const WEEKDAYS_WHOLESALE: [u64; 7] = [156, 179, 189, 214, 157, 0, 107];
/// Orders by hour of the day from 08:00 to 17:59, in 1/1000, measured.
const HOURS: [u64; 10] = [26, 76, 123, 120, 162, 137, 123, 119, 63, 32];
const FIRST_HOUR: u64 = 8;
/// Consumer orders outside those hours, in 1/1000: they come evenly from 06:00 to 23:59.
const OUTSIDE_HOURS: u64 = 120;

/// The flash sale: noon of the fourth day. Measured: the busiest minute has 60 × the mean minute
/// of a ten-hour day.
const BURST_AT: u64 = 3 * DAY_SECONDS + 12 * 3600;
const BURST_FACTOR: u64 = 60;
const TRADING_MINUTES: u64 = 7 * 600;

/// Units per consumer order: 1, 2, 3 … 10, then 11 to 19 (CDNOW, of 6,919 orders).
const CONSUMER_UNITS: [u64; 20] = [
    3084, 1647, 998, 482, 249, 155, 98, 54, 40, 33, 16, 15, 13, 3, 6, 5, 3, 6, 3, 9,
];
/// Distinct SKUs per wholesale order, 1 to 20 and more, in 1/1000 (UCI Online Retail).
const WHOLESALE_SKUS: [u64; 21] = [
    78, 41, 35, 35, 34, 31, 30, 30, 31, 28, 27, 25, 26, 26, 27, 29, 23, 23, 25, 22, 374,
];
/// Quantities on a wholesale line with their frequencies, in 1/1000 (UCI Online Retail).
const WHOLESALE_QTY: [(u64, u64); 12] = [
    (1, 272),
    (2, 152),
    (12, 120),
    (6, 80),
    (4, 72),
    (3, 68),
    (24, 47),
    (10, 44),
    (8, 25),
    (5, 21),
    (48, 6),
    (36, 7),
];

/// Selling channel, the system that its orders come from, prefix of their ids, orders in 1/1000.
const CHANNELS: [(&str, &str, &str, u64); 4] = [
    ("web", "shopify", "S", 620),
    ("marketplace", "market", "M", 240),
    ("store", "pos", "P", 100),
    ("b2b", "edi", "E", 40),
];

/// Consumers in 1/1000 whose parcels go to a home.
const HOMES: u64 = 850;
/// Units that a store has to have beyond those of an order that is collected there.
const COLLECTED_MARGIN: u64 = 2;
/// Consumer orders of several items in 1/1000 of which the first two are a set.
const SETS: u64 = 15;

/// Orders in 1/1000 that name one of their SKUs on two lines (UCI: 1.7 % of lines repeat one).
const REPEATED: u64 = 17;

/// An order, before it has an id.
#[derive(Debug)]
pub(crate) struct Order {
    /// Seconds after the start of the trace.
    at: u64,
    channel: usize,
    postal: String,
    /// Days from the order's date to its promise date.
    promised_days: Option<i32>,
    /// SKU by position in the items, and quantity.
    pub(crate) lines: Vec<(usize, u64)>,
}

impl Order {
    /// Whether it is a wholesale order.
    pub(crate) fn is_wholesale(&self) -> bool {
        CHANNELS[self.channel].0 == "b2b"
    }
}

/// What orders are drawn from.
struct Source<'a> {
    items: &'a [Item],
    demand: &'a Demand,
    places: &'a [Place],
    people: Weighted,
    channels: Weighted,
}

/// `count` orders, ascending by time.
pub(crate) fn orders(
    seed: u64,
    count: u64,
    items: &[Item],
    demand: &Demand,
    places: &[Place],
) -> Vec<Order> {
    let source = Source {
        items,
        demand,
        places,
        people: Weighted::new(places.iter().map(|p| p.population)),
        channels: Weighted::new(CHANNELS.map(|channel| channel.3)),
    };
    let mut rng = Rng::stream(seed, "orders");
    let burst = count * BURST_FACTOR / TRADING_MINUTES;
    let mut orders: Vec<Order> = (0..count)
        .map(|n| source.order(&mut rng, n < burst))
        .collect();
    orders.sort_by_key(|order| order.at);
    orders
}

impl Source<'_> {
    fn order(&self, rng: &mut Rng, in_burst: bool) -> Order {
        let channel = if in_burst { 0 } else { self.channels.draw(rng) };
        let wholesale = CHANNELS[channel].0 == "b2b";
        let at = if in_burst {
            BURST_AT + rng.below(60)
        } else {
            moment(rng, wholesale)
        };
        let mut lines = if wholesale {
            self.wholesale_lines(rng)
        } else {
            self.consumer_lines(rng)
        };
        if in_burst && rng.chance(750) {
            let sale = *rng.pick(&self.demand.sale);
            lines.retain(|line| line.0 != sale);
            lines.insert(0, (sale, 1));
        }
        if rng.chance(REPEATED) {
            let again = lines[rng.index(lines.len())].0;
            lines.push((again, 1));
        }
        let place = &self.places[self.people.draw(rng)];
        let promised_days = if wholesale { (350, 6, 12) } else { (150, 3, 7) };
        let (per_mille, first, last) = promised_days;
        let days = i32::try_from(rng.between(first, last)).expect("a few days");
        Order {
            at,
            channel,
            postal: format!("{}{:02}", place.prefix, rng.between(1, 97)),
            promised_days: rng.chance(per_mille).then_some(days),
            lines,
        }
    }

    /// Units as measured, spread over SKUs: one unit in five is one more of the SKU before.
    fn consumer_lines(&self, rng: &mut Rng) -> Vec<(usize, u64)> {
        let units = weighted(rng, CONSUMER_UNITS) + 1;
        let mut lines: Vec<(usize, u64)> = Vec::new();
        for _ in 0..units {
            match lines.last_mut() {
                Some(last) if rng.chance(200) => last.1 += 1,
                _ => add(&mut lines, self.demand.consumer_sku(rng), 1),
            }
        }
        lines
    }

    /// Distinct SKUs and quantities as measured; heavy goods are not bought by the dozen.
    fn wholesale_lines(&self, rng: &mut Rng) -> Vec<(usize, u64)> {
        let skus = match weighted(rng, WHOLESALE_SKUS) + 1 {
            21 => 21 + (0..3).map(|_| rng.below(16)).min().unwrap_or(0) * rng.between(1, 5),
            few => few,
        };
        let mut lines = Vec::new();
        for _ in 0..skus {
            let sku = self.demand.wholesale_sku(rng);
            let (qty, _) = WHOLESALE_QTY[index(weighted(rng, WHOLESALE_QTY.map(|q| q.1)))];
            let most = (24_000 / self.items[sku].grams).max(1);
            if !lines.iter().any(|&(other, _)| other == sku) {
                lines.push((sku, qty.min(most)));
            }
        }
        lines
    }
}

/// Adds units of a SKU, on its line if it has one.
fn add(lines: &mut Vec<(usize, u64)>, sku: usize, qty: u64) {
    match lines.iter_mut().find(|line| line.0 == sku) {
        Some(line) => line.1 += qty,
        None => lines.push((sku, qty)),
    }
}

fn index(value: u64) -> usize {
    usize::try_from(value).expect("a position in a small table")
}

fn weighted<const N: usize>(rng: &mut Rng, weights: [u64; N]) -> u64 {
    u64::try_from(Weighted::new(weights).draw(rng)).expect("a position in a small table")
}

/// When an order comes, in seconds after the start.
fn moment(rng: &mut Rng, wholesale: bool) -> u64 {
    let day = weighted(
        rng,
        if wholesale {
            WEEKDAYS_WHOLESALE
        } else {
            WEEKDAYS
        },
    );
    let hour = if !wholesale && rng.chance(OUTSIDE_HOURS) {
        rng.between(6, 23)
    } else {
        FIRST_HOUR + weighted(rng, HOURS)
    };
    day * DAY_SECONDS + hour * 3600 + rng.below(3600)
}

/// The store at which an order is collected: of those bought in a store, what a store of the area has.
fn collected_at(order: &Order, supply: &Supply) -> Option<&'static str> {
    if CHANNELS[order.channel].0 != "store" {
        return None;
    }
    let near = |site: &usize| {
        let Kind::Store = SITES[*site].kind else {
            return false;
        };
        let has = |&(sku, qty): &(usize, u64)| supply.has(sku, *site, qty + COLLECTED_MARGIN);
        SITES[*site].postal[..1] == order.postal[..1] && order.lines.iter().all(has)
    };
    (0..SITES.len()).find(near).map(|site| SITES[site].id)
}

/// `orders.csv`.
pub(crate) fn csv(
    seed: u64,
    orders: &[Order],
    items: &[Item],
    supply: &Supply,
) -> Result<String, jiff::Error> {
    let mut rng = Rng::stream(seed, "doors");
    let start: Timestamp = START.parse()?;
    let first_day: Date = START.split('T').next().unwrap_or(START).parse()?;
    let mut text = String::from(
        "source,order,channel,placed_at,country,postal,sku,qty,deliver_by,residential,\
             pickup_at,together\n",
    );
    let mut numbers = [1000_u64; CHANNELS.len()];
    for order in orders {
        let (channel, source, prefix, _) = CHANNELS[order.channel];
        numbers[order.channel] += 1;
        let number = numbers[order.channel];
        let seconds = i64::try_from(order.at).expect("a moment of one week");
        let placed_at = start.checked_add(jiff::SignedDuration::from_secs(seconds))?;
        let days = i64::try_from(order.at / DAY_SECONDS).expect("a day of one week");
        let date = first_day.checked_add(jiff::Span::new().try_days(days)?)?;
        let deliver_by = match order.promised_days {
            Some(days) => date
                .checked_add(jiff::Span::new().try_days(days)?)?
                .to_string(),
            None => String::new(),
        };
        let wholesale = order.is_wholesale();
        let home = !wholesale && rng.chance(HOMES);
        let home = if home { "true" } else { "" };
        let collected = collected_at(order, supply).unwrap_or_default();
        let set = !wholesale && order.lines.len() > 1 && rng.chance(SETS) && collected.is_empty();
        for (line, &(sku, qty)) in order.lines.iter().enumerate() {
            let together = if set && line < 2 { "set" } else { "" };
            let _ = writeln!(
                text,
                "{source},{prefix}{number},{channel},{placed_at},US,{},{},{qty},{deliver_by},\
                 {home},{collected},{together}",
                order.postal, items[sku].sku
            );
        }
    }
    Ok(text)
}
