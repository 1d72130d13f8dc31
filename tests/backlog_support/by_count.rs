//! The judge of backlogs of two large orders at two locations whose items all weigh the same: what a shipment
//! costs then depends on its place and on how many units are in it. So item by item it is enough to
//! know, for every number of units that each order has from each place, the fewest that are short.

use allot::backlog::{OpenOrder, Problem};
use allot::ledger::StockView;
use allot::model::{Cents, LocationId, Qty, ShipmentLine, SkuId};
use allot::routing::{Lanes, Request, price};

/// Units of each order from each place: `[first from 0, first from 1, second from 0, second from 1]`.
type Counts = [usize; 4];

/// More than anything costs.
const NEVER: i64 = 1 << 40;

/// What the best plan of both orders together costs, one shipment from each place at the most. A demand that
/// may be divided is divided in any way.
pub(crate) fn by_count(problem: &Problem, lanes: &Lanes) -> Cents {
    let [first, second] = &*problem.orders else {
        panic!("two orders");
    };
    let both = [first, second];
    let totals = both.map(|o| o.demands.iter().map(|d| d.qty.0 as usize).sum::<usize>());
    let widths = [totals[0] + 1, totals[0] + 1, totals[1] + 1, totals[1] + 1];
    let index = |c: Counts| ((c[0] * widths[1] + c[1]) * widths[2] + c[2]) * widths[3] + c[3];
    let size = widths.iter().product();
    let counts = |at: usize| -> Counts {
        let (rest, d) = (at / widths[3], at % widths[3]);
        let (rest, c) = (rest / widths[2], rest % widths[2]);
        [rest / widths[1], rest % widths[1], c, d]
    };
    // By counts: what is short costs at the least.
    let mut least = vec![NEVER; size];
    least[0] = 0;
    let mut skus: Vec<SkuId> = both
        .iter()
        .flat_map(|o| o.demands.iter().map(|d| d.sku))
        .collect();
    skus.sort_unstable();
    skus.dedup();
    for sku in skus {
        let ways = both.map(|order| ways(order, sku));
        let there = [0, 1].map(|place| stock(problem, sku, LocationId(place)));
        let mut next = vec![NEVER; size];
        for (at, &so_far) in least
            .iter()
            .enumerate()
            .filter(|(_, cents)| **cents < NEVER)
        {
            let has = counts(at);
            for &(a, b, short) in &ways[0] {
                for &(c, d, other) in &ways[1] {
                    if a + c <= there[0] && b + d <= there[1] {
                        let to = index([has[0] + a, has[1] + b, has[2] + c, has[3] + d]);
                        next[to] = next[to].min(so_far + short + other);
                    }
                }
            }
        }
        least = next;
    }
    let costs = both.map(|order| [0, 1].map(|place| by_units(problem, lanes, order, place)));
    let all = least
        .iter()
        .enumerate()
        .filter(|(_, cents)| **cents < NEVER);
    let cents = all.map(|(at, short)| {
        let has = counts(at);
        let mut sum = *short;
        for (order, of) in both.iter().enumerate() {
            let ships = [has[2 * order], has[2 * order + 1]];
            let made = ships.iter().filter(|units| **units > 0).count();
            if made > usize::from(of.policy.max_shipments) {
                return NEVER;
            }
            sum += costs[order][0][ships[0]] + costs[order][1][ships[1]];
            sum += of.policy.split_penalty.0 * i64::try_from(made.saturating_sub(1)).unwrap();
        }
        sum
    });
    Cents(cents.min().unwrap())
}

/// How the units of an item may be had: from either place, and what the rest costs.
fn ways(order: &OpenOrder, sku: SkuId) -> Vec<(usize, usize, i64)> {
    let Some(at) = order.demands.iter().position(|d| d.sku == sku) else {
        return vec![(0, 0, 0)];
    };
    let demand = &order.demands[at];
    let all = demand.qty.0 as usize;
    let mut ways = Vec::new();
    for a in 0..=all {
        for b in 0..=all - a {
            let short = i64::try_from(all - a - b).unwrap();
            let whole = [a, b].into_iter().all(|units| units == 0 || units == all);
            if !demand.may_split && !whole {
                continue;
            }
            if order.never_worse() && short > order.short_today(at) {
                continue;
            }
            ways.push((a, b, order.policy.short_per_unit.0 * short));
        }
    }
    ways
}

fn stock(problem: &Problem, sku: SkuId, location: LocationId) -> usize {
    let Some(line) = problem.supply.line(sku) else {
        return 0;
    };
    let cells = problem.supply.view().cells(line).iter();
    let here = cells.filter(|cell| cell.location == location);
    here.map(|cell| cell.now.0 as usize).sum()
}

/// What a shipment from a place costs by its units; nothing where there are none.
fn by_units(problem: &Problem, lanes: &Lanes, order: &OpenOrder, place: u16) -> Vec<i64> {
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let asked = Request {
        days: &[],
        now: problem.now,
        destination: &order.destination,
        deliver_by: order.deliver_by,
        deliver_by_is_hard: false,
        policy: order.policy,
        demands: &order.demands,
        stock: &view,
        excluded: &[],
        pickup: None,
    };
    let total: u32 = order.demands.iter().map(|d| d.qty.0).sum();
    let cents = (1..=total).map(|units| {
        let mut left = units;
        let mut lines = Vec::new();
        for (demand, of) in (0u16..).zip(&order.demands) {
            let qty = Qty(left.min(of.qty.0));
            left -= qty.0;
            if qty.0 > 0 {
                lines.push(ShipmentLine { demand, qty });
            }
        }
        let shipments = [(LocationId(place), problem.now, lines)];
        let plan = price(lanes, &asked, &shipments, &[]);
        // Who may not get worse gets nothing later than he was told.
        let told = order.latest();
        let plan = plan.filter(|p| told.is_none_or(|told| p.shipments[0].deliver_on <= told));
        plan.map_or(NEVER, |plan| plan.objective.total().0)
    });
    std::iter::once(0).chain(cents).collect()
}
