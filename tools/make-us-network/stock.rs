//! What is where, what is on its way, and what is kept for whom.
//!
//! Fast SKUs lie in most centres, slow ones in few; stores hold few units of fast ones. Supply is
//! planned from the forecast of the trace, wrongly for some SKUs, so that some orders must split
//! and a few cannot be served whole.

use super::demand::Demand;
use super::items::Item;
use super::rng::{Rng, Weighted, apportion};
use super::sites::{Kind, SITES};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Ranks at which the assortment thins out, with the number of centres that hold such a SKU.
const TIERS: [(usize, u64, u64); 4] =
    [(500, 7, 10), (1400, 4, 7), (3200, 2, 3), (usize::MAX, 1, 2)];
/// Best sellers from which stores and the partner choose theirs.
const STORE_RANGE: usize = 1500;
const STORE_SKUS: usize = 350;
const PARTNER_SKUS: usize = 400;
/// Slow SKUs are gathered in these centres, the first most often.
const SLOW_CENTRES: [(&str, u64); 3] = [("DC-IND", 450), ("DC-ONT", 300), ("DC-ABE", 200)];

const HOLD_REASONS: [(&str, u64); 5] = [
    ("damaged", 45),
    ("quality_control", 25),
    ("count_freeze", 15),
    ("fraud", 5),
    ("other", 10),
];

const TRANSFERS: u64 = 400;
const PURCHASES: u64 = 500;
/// Arrivals lie in the 21 days from this one on.
const FIRST_ARRIVAL: jiff::civil::Date = jiff::civil::date(2026, 11, 3);
const ARRIVAL_DAYS: u64 = 21;

/// Units on hand by SKU (position in the items) and site (position in [`SITES`]).
pub(crate) type OnHand = BTreeMap<(usize, usize), u64>;

/// Supply of the network at the start of the trace.
#[derive(Debug)]
pub(crate) struct Supply {
    on_hand: OnHand,
    /// Units that a planner expects to sell in the trace, by rank, at least 1.
    expected: Vec<u64>,
    /// Ranks whose supply was planned too low.
    thin: Vec<usize>,
}

impl Supply {
    /// Whether a site starts with more than so many units of a SKU.
    pub(crate) fn has(&self, sku: usize, site: usize, units: u64) -> bool {
        let held = self.on_hand.get(&(sku, site));
        held.is_some_and(|&held| held > units)
    }
}

/// Plans the opening stock.
pub(crate) fn plan(seed: u64, items: &[Item], demand: &Demand, forecast: &[u64]) -> Supply {
    let mut rng = Rng::stream(seed, "stock");
    let mut supply = Supply {
        on_hand: OnHand::new(),
        expected: forecast
            .iter()
            .map(|&thousandths| thousandths.div_ceil(1000).max(1))
            .collect(),
        thin: Vec::new(),
    };
    for (rank, &sku) in demand.by_rank.iter().enumerate() {
        let sites = centres(&mut rng, rank, items[sku].class);
        let (cover, thin) = cover(&mut rng);
        if thin {
            supply.thin.push(rank);
        }
        // Slow SKUs are bought by the case too: the least is a few units.
        let least = rng.between(2, 9);
        let units = forecast[rank] * cover / 100_000 + if thin { 1 } else { least };
        let shares: Vec<u64> = sites.iter().map(|&site| SITES[site].share).collect();
        for (&site, part) in sites.iter().zip(apportion(units, &shares)) {
            if part > 0 {
                supply.on_hand.insert((sku, site), part);
            }
        }
    }
    shelves(&mut rng, items, demand, &mut supply);
    supply
}

/// Units planned, in % of the forecast, and whether that is too few.
fn cover(rng: &mut Rng) -> (u64, bool) {
    match rng.below(1000) {
        0..18 => (rng.between(40, 90), true),
        18..120 => (rng.between(110, 180), false),
        _ => (rng.between(180, 500), false),
    }
}

/// The centres, and for oversize goods the supplier, that hold a SKU.
fn centres(rng: &mut Rng, rank: usize, class: &str) -> Vec<usize> {
    let (_, least, most) = TIERS
        .into_iter()
        .find(|tier| rank < tier.0)
        .expect("the last tier is open-ended");
    let wanted = rng.between(least, most);
    let mut able: Vec<usize> = (0..SITES.len())
        .filter(|&site| matches!(SITES[site].kind, Kind::Centre | Kind::Supplier))
        .filter(|&site| SITES[site].kind == Kind::Centre || class == "oversize")
        .filter(|&site| SITES[site].handles(class))
        .collect();
    let mut chosen = Vec::new();
    for (id, per_mille) in SLOW_CENTRES {
        let at = able.iter().position(|&site| SITES[site].id == id);
        if let (Some(at), true) = (at, rng.chance(per_mille)) {
            chosen.push(able.remove(at));
        }
    }
    while count(chosen.len()) < wanted && !able.is_empty() {
        let shares = Weighted::new(able.iter().map(|&site| SITES[site].share));
        chosen.push(able.remove(shares.draw(rng)));
    }
    chosen.truncate(usize::try_from(wanted).expect("at most the number of centres"));
    chosen.sort_unstable();
    chosen
}

fn count(len: usize) -> u64 {
    u64::try_from(len).expect("a length fits in 64 bits")
}

/// Stock of the stores and of the partner: some of the best sellers, few units each.
fn shelves(rng: &mut Rng, items: &[Item], demand: &Demand, supply: &mut Supply) {
    for (site, place) in SITES.iter().enumerate() {
        let skus = match place.kind {
            Kind::Store => STORE_SKUS,
            Kind::Partner => PARTNER_SKUS,
            Kind::Centre | Kind::Supplier => continue,
        };
        let mut ranks: Vec<usize> = (0..STORE_RANGE)
            .filter(|&rank| place.handles(items[demand.by_rank[rank]].class))
            .collect();
        rng.shuffle(&mut ranks);
        for &rank in ranks.iter().take(skus) {
            let units = match place.kind {
                Kind::Partner => supply.expected[rank] / 12 + rng.between(2, 8),
                _ => rng.between(1, 3) + rng.below(4),
            };
            supply.on_hand.insert((demand.by_rank[rank], site), units);
        }
    }
}

/// `stock.csv`.
pub(crate) fn stock_csv(seed: u64, items: &[Item], supply: &Supply) -> String {
    let mut rng = Rng::stream(seed, "holds");
    let reasons = Weighted::new(HOLD_REASONS.map(|reason| reason.1));
    let mut text = String::from("sku,location,on_hand,safety_stock,held,hold_reason\n");
    for (&(sku, site), &units) in &supply.on_hand {
        let safety = match SITES[site].kind {
            Kind::Store => 1.min(units / 3),
            Kind::Centre if units >= 20 => units * rng.between(2, 5) / 100,
            _ => 0,
        };
        let (held, reason) = if units >= 4 && rng.chance(30) {
            let most = (units / 8).max(1);
            (rng.between(1, most), HOLD_REASONS[reasons.draw(&mut rng)].0)
        } else {
            (0, "")
        };
        let _ = writeln!(
            text,
            "{},{},{units},{safety},{held},{reason}",
            items[sku].sku, SITES[site].id
        );
    }
    text
}

/// `incoming.csv`: transfers between centres and purchases, the latter mostly of what runs short.
pub(crate) fn incoming_csv(
    seed: u64,
    items: &[Item],
    demand: &Demand,
    supply: &Supply,
) -> Result<String, jiff::Error> {
    let mut rng = Rng::stream(seed, "incoming");
    let held: Vec<(usize, usize)> = supply
        .on_hand
        .keys()
        .copied()
        .filter(|&(_, site)| SITES[site].kind == Kind::Centre)
        .collect();
    let mut text = String::from("id,kind,sku,from,to,qty,arrives_at\n");
    for number in 1..=TRANSFERS {
        let (sku, from) = *rng.pick(&held);
        let able: Vec<usize> = (0..SITES.len())
            .filter(|&site| site != from && SITES[site].kind == Kind::Centre)
            .filter(|&site| SITES[site].handles(items[sku].class))
            .collect();
        let to = *rng.pick(&able);
        let qty = rng.between(1, (supply.on_hand[&(sku, from)] / 2).clamp(2, 60));
        let arrives = arrival(&mut rng)?;
        let (sku, from, to) = (&items[sku].sku, SITES[from].id, SITES[to].id);
        let _ = writeln!(
            text,
            "TR-{number:04},transfer,{sku},{from},{to},{qty},{arrives}"
        );
    }
    for number in 1..=PURCHASES {
        let rank = if rng.chance(400) {
            *rng.pick(&supply.thin)
        } else {
            rng.index(items.len())
        };
        let sku = demand.by_rank[rank];
        let able: Vec<usize> = held
            .iter()
            .filter(|position| position.0 == sku)
            .map(|position| position.1)
            .collect();
        let able = if able.is_empty() {
            centres(&mut rng, 0, items[sku].class)
        } else {
            able
        };
        let to = SITES[*rng.pick(&able)].id;
        let qty = (supply.expected[rank] * rng.between(60, 250)).div_ceil(1200) * 12;
        let (sku, arrives) = (&items[sku].sku, arrival(&mut rng)?);
        let _ = writeln!(text, "PO-{number:04},purchase,{sku},,{to},{qty},{arrives}");
    }
    Ok(text)
}

/// A quarter of an hour in the daytime of a weekday within the three weeks.
fn arrival(rng: &mut Rng) -> Result<jiff::Timestamp, jiff::Error> {
    let days = i64::try_from(rng.below(ARRIVAL_DAYS)).expect("a day of three weeks");
    let mut date = FIRST_ARRIVAL.checked_add(jiff::Span::new().try_days(days)?)?;
    while date.weekday().to_monday_zero_offset() > 4 {
        date = date.tomorrow()?;
    }
    let hour = i8::try_from(rng.between(13, 22)).expect("an hour");
    let minute = i8::try_from(rng.below(4) * 15).expect("a minute");
    Ok(date
        .at(hour, minute, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)?
        .timestamp())
}

/// `allocations.csv`: of some best sellers, units kept for the web shop, or a cap on the
/// marketplace or on wholesale.
pub(crate) fn allocations_csv(
    seed: u64,
    items: &[Item],
    demand: &Demand,
    supply: &Supply,
) -> String {
    let mut rng = Rng::stream(seed, "allocations");
    let mut text = String::from("sku,channel,protected,cap\n");
    for rank in (0..180).step_by(3) {
        let sku = demand.by_rank[rank];
        let whole = supply
            .on_hand
            .range((sku, 0)..(sku + 1, 0))
            .map(|(_, &units)| units);
        let units: u64 = whole.sum();
        let sku = &items[sku].sku;
        let _ = match rng.below(4) {
            0 => writeln!(
                text,
                "{sku},marketplace,0,{}",
                units * rng.between(35, 60) / 100
            ),
            1 => writeln!(text, "{sku},b2b,0,{}", units * rng.between(50, 80) / 100),
            _ => writeln!(text, "{sku},web,{},", units * rng.between(3, 10) / 100),
        };
    }
    text
}
