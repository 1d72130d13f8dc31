//! What each order would do if one place had all of it: where that pays, the units that would have to go
//! there, summed by way.

use super::super::columns::request;
use super::super::keep::today_cents;
use super::super::left::Left;
use super::super::problem::{OpenOrder, Problem, Strategy, units};
use super::{Terms, Transfer, draws, left};
use crate::ledger::StockView;
use crate::model::{EpochMillis, LocationId, Qty, ShipmentLine, SkuId};
use crate::routing::{Lanes, Pricer};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Candidates that are tried for each one that is wanted.
const TRIED: usize = 4;

/// A transfer, and for whom.
pub(super) struct Candidate {
    pub(super) transfer: Transfer,
    pub(super) orders: Vec<usize>,
    /// What it seems to save, its cost off.
    gain: i64,
}

/// What one order would like to be elsewhere.
struct Wish {
    order: usize,
    from: LocationId,
    to: LocationId,
    items: Vec<(SkuId, Qty)>,
    /// What that saves, the units paid.
    gain: i64,
}

/// The most promising transfers, the best first.
pub(super) fn candidates(problem: &Problem, lanes: &Lanes, terms: Terms) -> Vec<Candidate> {
    let left = left(problem);
    let orders = (0..problem.orders.len()).into_par_iter();
    let wishes = orders.filter_map(|order| wish(problem, lanes, terms, &left, order));
    let mut wishes: Vec<Wish> = wishes.collect();
    wishes.sort_by_key(|w| (std::cmp::Reverse(w.gain), w.order));
    let mut ways: BTreeMap<(LocationId, LocationId), Candidate> = BTreeMap::new();
    let candidate = |from, to| Candidate {
        transfer: Transfer {
            from,
            to,
            items: Vec::new(),
            arrives_at: terms.arrival(lanes, problem.now, from, to),
        },
        orders: Vec::new(),
        gain: -terms.fixed.0,
    };
    for wish in wishes {
        let way = ways
            .entry((wish.from, wish.to))
            .or_insert_with(|| candidate(wish.from, wish.to));
        way.orders.push(wish.order);
        way.gain += wish.gain;
        for (sku, qty) in wish.items {
            add(&mut way.transfer.items, sku, qty);
        }
    }
    for (from, to, sku, qty, gain) in worth_more(problem, lanes, terms, &left) {
        let way = ways
            .entry((from, to))
            .or_insert_with(|| candidate(from, to));
        way.gain += gain;
        add(&mut way.transfer.items, sku, qty);
    }
    let mut all: Vec<Candidate> = ways.into_values().filter(|c| c.gain > 0).collect();
    all.sort_by_key(|c| (std::cmp::Reverse(c.gain), c.transfer.from, c.transfer.to));
    all.truncate(terms.most.saturating_mul(TRIED));
    for one in &mut all {
        at_most_there(problem, &left, one);
    }
    all.retain(|c| !c.transfer.items.is_empty());
    all
}

fn add(items: &mut Vec<(SkuId, Qty)>, sku: SkuId, qty: Qty) {
    match items.iter_mut().find(|i| i.0 == sku) {
        Some(item) => item.1 = Qty(item.1.0.saturating_add(qty.0)),
        None => items.push((sku, qty)),
    }
}

/// Several orders may have wished for the same units.
fn at_most_there(problem: &Problem, left: &Left<'_>, candidate: &mut Candidate) {
    let from = candidate.transfer.from;
    let mut own: BTreeMap<SkuId, i64> = BTreeMap::new();
    for &order in &candidate.orders {
        for draw in draws(problem, &problem.orders[order]).filter(|d| d.location == from) {
            *own.entry(problem.supply.view().sku(draw.line)).or_default() += draw.units;
        }
    }
    candidate.transfer.items.retain_mut(|(sku, qty)| {
        let free = problem
            .supply
            .line(*sku)
            .map_or(0, |line| left.now(line, from).max(0));
        let there = free + own.get(sku).copied().unwrap_or(0);
        *qty = (*qty).min(Qty(u32::try_from(there).unwrap_or(Qty::MAX.0)));
        !qty.is_zero()
    });
}

/// Where an order would rather have all of it, if that pays.
fn wish(
    problem: &Problem,
    lanes: &Lanes,
    terms: Terms,
    left: &Left<'_>,
    number: usize,
) -> Option<Wish> {
    let order = &problem.orders[number];
    let movable = matches!(
        order.strategy,
        Strategy::Win | Strategy::Gain | Strategy::Redistribute
    );
    if order.frozen || order.pickup.is_some() || !movable {
        return None;
    }
    let today = today_cents(order, problem.now, lanes)?;
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let request = request(order, problem.now, &view);
    let pricer = Pricer::new(lanes, &request, order.latest()).ok()?;
    let all: Vec<ShipmentLine> = (0u16..)
        .zip(&order.demands)
        .map(|(demand, of)| ShipmentLine {
            demand,
            qty: of.qty,
        })
        .collect();
    let shop = Shop {
        problem,
        lanes,
        terms,
        left,
        order,
        own: draws(problem, order)
            .map(|d| ((d.line, d.location), d.units))
            .collect(),
    };
    let mut best: Option<Wish> = None;
    for to in (0..lanes.locations()).filter_map(LocationId::from_index) {
        if !(0..order.demands.len()).all(|d| pricer.may_ship(to, d)) {
            continue;
        }
        let lacking = shop.lacking(to);
        let Some((from, ready)) = shop.source(&lacking, to) else {
            continue;
        };
        let Some(shipment) = pricer.shipment(to, ready, &all) else {
            continue;
        };
        let paid: i64 = lacking.iter().map(|l| shop.paid(l, from, to)).sum();
        let gain = today - shipment.cents.total().0 - paid;
        if gain > 0 && best.as_ref().is_none_or(|b| gain > b.gain) {
            let items = lacking
                .iter()
                .map(|&(sku, _, missing)| (sku, Qty(u32::try_from(missing).unwrap_or(0))));
            best = Some(Wish {
                order: number,
                from,
                to,
                items: items.collect(),
                gain,
            });
        }
    }
    best
}

/// Units that a place lacks: the item, its line of the supply, how many.
type Lacking = (SkuId, usize, i64);

struct Shop<'a> {
    problem: &'a Problem,
    lanes: &'a Lanes,
    terms: Terms,
    left: &'a Left<'a>,
    order: &'a OpenOrder,
    /// What the order holds, by line and location.
    own: BTreeMap<(usize, LocationId), i64>,
}

impl Shop<'_> {
    fn there(&self, line: usize, location: LocationId) -> i64 {
        let own = self.own.get(&(line, location)).copied().unwrap_or(0);
        self.left.now(line, location).max(0) + own
    }

    fn lacking(&self, to: LocationId) -> Vec<Lacking> {
        let demands = self.order.demands.iter();
        let lines = demands.filter_map(|d| Some((d, self.problem.supply.line(d.sku)?)));
        let lacks = lines.map(|(d, line)| (d.sku, line, units(d.qty) - self.there(line, to)));
        lacks.filter(|l| l.2 > 0).collect()
    }

    /// The place from which all that is lacking can come the soonest.
    fn source(&self, lacking: &[Lacking], to: LocationId) -> Option<(LocationId, EpochMillis)> {
        let (_, first, _) = lacking.first()?;
        let has_all = |from: &LocationId| {
            let mut lines = lacking.iter();
            *from != to && lines.all(|&(_, line, missing)| self.there(line, *from) >= missing)
        };
        let from = self.left.locations(*first).filter(has_all);
        let arrives = from.map(|f| (self.terms.arrival(self.lanes, self.problem.now, f, to), f));
        arrives.min().map(|(at, from)| (from, at))
    }

    /// What it costs to bring units, and what they are worth less where they go.
    fn paid(&self, &(sku, _, missing): &Lacking, from: LocationId, to: LocationId) -> i64 {
        let worth = |at| self.lanes.scarcity_of(sku, at).0;
        (self.terms.per_unit.0 + worth(from) - worth(to)) * missing
    }
}

/// Units that nobody wants now and that orders to come would pay more for elsewhere: a tenth of what is
/// there already, since a price is that of the next few units.
fn worth_more(
    problem: &Problem,
    lanes: &Lanes,
    terms: Terms,
    left: &Left<'_>,
) -> Vec<(LocationId, LocationId, SkuId, Qty, i64)> {
    let view = problem.supply.view();
    let mut found = Vec::new();
    for line in 0..view.len() {
        let sku = view.sku(line);
        let Some((to, price)) = lanes.scarcity_prices(sku).max_by_key(|(at, c)| (*c, *at)) else {
            continue;
        };
        let idle = left
            .locations(line)
            .filter(|at| *at != to && left.now(line, *at) > 0);
        let from = idle.min_by_key(|at| (lanes.scarcity_of(sku, *at), *at));
        let Some(from) = from else {
            continue;
        };
        let each = price.0 - lanes.scarcity_of(sku, from).0 - terms.per_unit.0;
        let many = (left.now(line, to) / 10).max(1).min(left.now(line, from));
        if each > 0 {
            let qty = Qty(u32::try_from(many).unwrap_or(1));
            found.push((from, to, sku, qty, each * many));
        }
    }
    found
}
