//! The orders that a transfer concerns, as a problem of their own; and a problem with a transfer made.

use super::super::outcome::Outcome;
use super::super::problem::{Problem, Supply, units};
use super::candidates::Candidate;
use super::{Transfer, draws};
use crate::ledger::{Step, StockView};
use crate::model::{LocationId, Qty, SkuId};
use std::collections::{BTreeMap, BTreeSet};

/// Most orders that are looked at for one transfer.
const ORDERS_MAX: usize = 300;

/// Some orders, and the stock that all others leave them.
pub(super) struct Part {
    pub(super) problem: Problem,
    /// By order of it: which of the whole.
    pub(super) orders: Vec<usize>,
}

impl Part {
    /// The orders that a candidate is for, and others that want its items, the first ones first; `None`
    /// where it is for nobody and nobody wants them.
    pub(super) fn new(whole: &Problem, candidate: &Candidate) -> Option<Self> {
        let skus: BTreeSet<SkuId> = candidate.transfer.items.iter().map(|i| i.0).collect();
        let mut orders: BTreeSet<usize> = candidate.orders.iter().copied().collect();
        let wanting = whole.orders.iter().enumerate().filter(|(_, order)| {
            !order.frozen && order.demands.iter().any(|d| skus.contains(&d.sku))
        });
        for (number, _) in wanting {
            if orders.len() >= ORDERS_MAX {
                break;
            }
            orders.insert(number);
        }
        let orders: Vec<usize> = orders.into_iter().collect();
        let mut taken = super::left(whole);
        for &order in &orders {
            let of = &whole.orders[order];
            for draw in draws(whole, of) {
                taken.change(of.channel, &draw, 1);
            }
        }
        let wanted = orders
            .iter()
            .flat_map(|&o| whole.orders[o].demands.iter().map(|d| d.sku));
        let all: BTreeSet<SkuId> = wanted.chain(skus).collect();
        Some(Self {
            problem: Problem {
                now: whole.now,
                orders: orders.iter().map(|&o| whole.orders[o].clone()).collect(),
                supply: taken.supply(all.into_iter()),
                change_cents: 0,
                days: whole.days_for(&orders),
            },
            orders,
        })
    }
}

/// A problem with a transfer made; `None` where its units are not all there.
pub(super) fn with(problem: &Problem, transfer: &Transfer) -> Option<Problem> {
    let view = problem.supply.view();
    let mut new = StockView::default();
    for line in 0..view.len() {
        let sku = view.sku(line);
        new.push_line(sku);
        let item = transfer.items.iter().find(|(s, _)| *s == sku);
        let moved = item.map_or(0, |(_, qty)| units(*qty));
        let mut cells: BTreeMap<LocationId, Vec<(crate::model::EpochMillis, i64)>> =
            BTreeMap::new();
        for cell in view.cells(line) {
            let later = view.later(cell).iter().map(|s| (s.from, units(s.qty)));
            let now = (problem.now, units(cell.now));
            cells.insert(cell.location, std::iter::once(now).chain(later).collect());
        }
        if moved > 0 {
            let from = cells.get_mut(&transfer.from)?;
            from.iter_mut().for_each(|level| level.1 -= moved);
            if from.iter().any(|level| level.1 < 0) {
                return None;
            }
            let to = cells
                .entry(transfer.to)
                .or_insert_with(|| vec![(problem.now, 0)]);
            let begun = to.partition_point(|level| level.0 < transfer.arrives_at);
            let before = to[begun.saturating_sub(1)].1;
            if to
                .get(begun)
                .is_none_or(|level| level.0 != transfer.arrives_at)
            {
                to.insert(begun, (transfer.arrives_at, before));
            }
            to[begun..].iter_mut().for_each(|level| level.1 += moved);
        }
        for (location, levels) in cells {
            push(&mut new, location, &levels);
        }
    }
    let mut supply = Supply::new(new);
    for (line, channel, steps) in problem.supply.limits() {
        supply.limit(view.sku(line), channel, steps.to_vec());
    }
    Some(Problem {
        supply,
        ..problem.clone()
    })
}

fn push(view: &mut StockView, location: LocationId, levels: &[(crate::model::EpochMillis, i64)]) {
    let qty = |units: i64| Qty(u32::try_from(units.max(0)).unwrap_or(Qty::MAX.0));
    let steps = levels.iter().map(|&(from, units)| Step {
        from,
        qty: qty(units),
    });
    let mut steps: Vec<Step> = steps.collect();
    steps.dedup_by(|next, before| next.qty <= before.qty);
    if let Some((now, later)) = steps.split_first()
        && (!later.is_empty() || !now.qty.is_zero())
    {
        view.push_cell(location, now.qty, later);
    }
}

/// Units of an item at a location that the orders draw beyond what was there without the transfer.
pub(super) fn used(
    without: &Problem,
    with: &Problem,
    outcome: &Outcome,
    sku: SkuId,
    location: LocationId,
) -> i64 {
    let moved: BTreeMap<usize, &super::Plan> =
        outcome.moves.iter().map(|m| (m.order, &m.to)).collect();
    let mut drawn = 0i64;
    for (number, order) in with.orders.iter().enumerate() {
        let mut add = |demand: u16, at: LocationId, qty: Qty| {
            if at == location && order.demands[usize::from(demand)].sku == sku {
                drawn += units(qty);
            }
        };
        if let Some(plan) = moved.get(&number) {
            for shipment in &plan.shipments {
                shipment
                    .lines
                    .iter()
                    .for_each(|l| add(l.demand, shipment.location, l.qty));
            }
        } else {
            for kept in &order.today.shipments {
                kept.lines
                    .iter()
                    .for_each(|l| add(l.demand, kept.location, l.qty));
            }
        }
    }
    let view = without.supply.view();
    let there = without.supply.line(sku).and_then(|line| {
        let mut cells = view.cells(line).iter();
        let cell = cells.find(|c| c.location == location)?;
        Some(view.later(cell).last().map_or(cell.now, |s| s.qty))
    });
    (drawn - there.map_or(0, units)).max(0)
}
