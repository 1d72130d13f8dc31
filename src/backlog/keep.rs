//! What an order has today, as one of its plans.

use super::columns::{Columns, SCALE, Sheet, WIN_FACTOR, request};
use super::problem::{OpenOrder, Problem, Strategy, units};
use super::rows::{Rows, count, level_at};
use super::sheets::{Draws, Frame};
use crate::ledger::StockView;
use crate::model::EpochMillis;
use crate::routing::Lanes;

/// Whether something that an order was promised is not there any more.
pub(super) fn gone(problem: &Problem, rows: &Rows, order: &OpenOrder) -> bool {
    let kept = order.today.shipments.iter();
    let mut lines = kept.flat_map(|k| k.lines.iter().map(move |l| (k, l)));
    lines.any(|(kept, line)| {
        let sku = order.demands.get(usize::from(line.demand)).map(|d| d.sku);
        let of = sku.and_then(|sku| problem.supply.line(sku));
        let levels = of.and_then(|l| rows.levels(l, kept.location));
        let level = levels.and_then(|l| level_at(l, kept.need_at.max(problem.now)));
        level.is_none_or(|level| level.units < units(line.qty))
    })
}

/// The plan of today: what it costs, and what it draws.
pub(super) fn keep(frame: &Frame<'_>, lanes: &Lanes, sheet: &mut Sheet, part: &mut Columns) {
    let start = count(part.draws.len());
    sheet.keep_draws = (start, start);
    let (order, problem) = (frame.order, frame.problem);
    let mut draws: Draws = Draws::new();
    for kept in &order.today.shipments {
        for line in &kept.lines {
            let demand = usize::from(line.demand);
            let sku = order.demands.get(demand).map(|d| d.sku);
            let of = sku.and_then(|sku| problem.supply.line(sku));
            let levels = of.and_then(|l| frame.columns.rows.levels(l, kept.location));
            let at = kept.need_at.max(problem.now);
            let level = levels.and_then(|levels| level_at(levels, at));
            let drawn = units(line.qty);
            let there = level.is_some_and(|l| {
                l.units >= drawn
                    && frame.draw(l, drawn, &mut draws)
                    && frame.limited(demand, at, drawn, &mut draws)
            });
            if !there {
                // What it was promised is not there any more.
                return;
            }
        }
    }
    for kept in &order.today.shipments {
        let day = (kept.location, kept.ship_at);
        if !frame.handed(day, &kept.lines, &mut draws) {
            return;
        }
    }
    part.draws.extend_from_slice(&draws);
    sheet.keep_draws.1 = count(part.draws.len());
    sheet.keep = today_cents(order, problem.now, lanes).map_or(0, |cents| {
        let mut all = cents * SCALE;
        if order.strategy == Strategy::Win {
            let short: i64 = order.today.short.iter().map(|s| units(s.qty)).sum();
            all += short * order.policy.short_per_unit.0 * SCALE * (WIN_FACTOR - 1);
        }
        all
    });
}

/// What an order's plan of today costs by its objective as of now; `None` where a shipment cannot
/// be priced any more. A hard promise date that was missed since costs as a soft one does.
pub(super) fn today_cents(order: &OpenOrder, now: EpochMillis, lanes: &Lanes) -> Option<i64> {
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let mut request = request(order, now, &view);
    request.deliver_by_is_hard = false;
    let shipments: Vec<_> = order
        .today
        .shipments
        .iter()
        .map(|k| (k.location, k.need_at.max(now), k.lines.clone()))
        .collect();
    let plan = crate::routing::price(lanes, &request, &shipments, &order.today.short)?;
    Some(plan.objective.total().0)
}
