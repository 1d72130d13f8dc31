//! The judge of the backlog: whole plans by brute force, joined by an integer programme.

use allot::backlog::{Kept, OpenOrder, Problem, Strategy, Supply, Today};
use allot::bench::backlog::{Backlog, Shape};
use allot::ledger::StockView;
use allot::model::{Cents, EpochMillis, LocationId, Qty, ShipmentLine, ShortLine, SkuId};
use allot::routing::{Lanes, Request, price};
use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, microlp, variable,
};
use std::collections::{BTreeMap, BTreeSet};

/// Units that a plan draws: item, location, from when.
type Draws = BTreeMap<(SkuId, LocationId, EpochMillis), u32>;

/// A plan of one order.
struct Column {
    cents: i64,
    draws: Draws,
    /// From where, when, and how many units.
    handed: Vec<(LocationId, EpochMillis, u32)>,
}

/// What the best plan of all orders together costs.
pub(crate) fn judge(problem: &Problem, lanes: &Lanes) -> Cents {
    let mut vars = ProblemVariables::new();
    let mut cost = Expression::default();
    let mut rules = Vec::new();
    let mut used: Vec<(Variable, Draws)> = Vec::new();
    let mut handed: Vec<(Variable, LocationId, EpochMillis, u32)> = Vec::new();
    for order in &problem.orders {
        let mut one = Expression::default();
        for column in columns(order, problem, lanes) {
            let var = vars.add(variable().binary());
            #[allow(clippy::cast_precision_loss, reason = "cents of a small backlog")]
            cost.add_mul(column.cents as f64, var);
            one += var;
            used.push((var, column.draws));
            let of = column.handed.into_iter();
            handed.extend(of.map(|(location, at, units)| (var, location, at, units)));
        }
        rules.push(constraint!(one == 1.0));
    }
    for (sku, location, until, units) in levels(problem) {
        let mut drawn = Expression::default();
        for (var, draws) in &used {
            let of = draws.iter().filter(|((s, l, at), _)| {
                *s == sku && *l == location && until.is_none_or(|until| *at < until)
            });
            let units: u32 = of.map(|(_, units)| units).sum();
            if units > 0 {
                drawn.add_mul(f64::from(units), *var);
            }
        }
        rules.push(constraint!(drawn <= f64::from(units)));
    }
    for room in &problem.days {
        let (mut shipments, mut all) = (Expression::default(), Expression::default());
        for (var, location, at, units) in &handed {
            if *location == room.location && room.has(*at) {
                shipments += *var;
                all.add_mul(f64::from(*units), *var);
            }
        }
        if let Some(most) = room.shipments {
            rules.push(constraint!(shipments <= f64::from(most)));
        }
        if let Some(most) = room.units {
            rules.push(constraint!(all <= f64::from(most)));
        }
    }
    let mut model = vars.minimise(cost.clone()).using(microlp);
    for rule in rules {
        model.add_constraint(rule);
    }
    let found = model.solve().unwrap();
    #[allow(clippy::cast_possible_truncation, reason = "whole cents")]
    Cents(found.eval(&cost).round() as i64)
}

/// The same by trying every plan of every order with every other, without any solver.
pub(crate) fn exhaustive(problem: &Problem, lanes: &Lanes) -> Cents {
    let mut plans: Vec<Vec<Column>> = problem
        .orders
        .iter()
        .map(|order| columns(order, problem, lanes))
        .collect();
    plans.iter_mut().for_each(|of| of.sort_by_key(|c| c.cents));
    let mut oracle = Exhaustive {
        problem,
        levels: levels(problem),
        plans: &plans,
        chosen: Vec::new(),
        best: i64::MAX,
    };
    oracle.go_on(0);
    Cents(oracle.best)
}

struct Exhaustive<'a> {
    problem: &'a Problem,
    levels: Vec<(SkuId, LocationId, Option<EpochMillis>, u32)>,
    /// By order, in ascending cost.
    plans: &'a [Vec<Column>],
    chosen: Vec<&'a Column>,
    best: i64,
}

impl Exhaustive<'_> {
    fn go_on(&mut self, spent: i64) {
        let Some(plans) = self.plans.get(self.chosen.len()) else {
            self.best = self.best.min(spent);
            return;
        };
        let others = &self.plans[self.chosen.len() + 1..];
        let least: i64 = others.iter().map(|p| p[0].cents).sum();
        for plan in plans {
            if spent + plan.cents + least >= self.best {
                break;
            }
            self.chosen.push(plan);
            if self.holds() {
                self.go_on(spent + plan.cents);
            }
            self.chosen.pop();
        }
    }

    /// Whether what is chosen so far draws and hands over no more than it may.
    fn holds(&self) -> bool {
        let all = || self.chosen.iter();
        let stock = self.levels.iter().all(|(sku, location, until, units)| {
            let of = all().flat_map(|plan| &plan.draws);
            let of = of.filter(|((s, l, at), _)| {
                s == sku && l == location && until.is_none_or(|until| *at < until)
            });
            of.map(|(_, drawn)| drawn).sum::<u32>() <= *units
        });
        stock
            && self.problem.days.iter().all(|room| {
                let of = all().flat_map(|plan| &plan.handed);
                let of = of.filter(|(location, at, _)| *location == room.location && room.has(*at));
                let handed: Vec<u32> = of.map(|(_, _, units)| *units).collect();
                let count = u32::try_from(handed.len()).unwrap();
                room.shipments.is_none_or(|most| count <= most)
                    && room
                        .units
                        .is_none_or(|most| handed.iter().sum::<u32>() <= most)
            })
    }
}

/// Every amount that there is: item, location, until when it is all there is.
fn levels(problem: &Problem) -> Vec<(SkuId, LocationId, Option<EpochMillis>, u32)> {
    let view = problem.supply.view();
    let mut levels = Vec::new();
    for line in 0..view.len() {
        for cell in view.cells(line) {
            let mut units = cell.now.0;
            for step in view.later(cell) {
                levels.push((view.sku(line), cell.location, Some(step.from), units));
                units = step.qty.0;
            }
            levels.push((view.sku(line), cell.location, None, units));
        }
    }
    levels
}

/// Units that stay together, and where they go: a location, a moment, and which of several shipments.
type Piece = (u16, u32);
type To = Option<(LocationId, EpochMillis, usize)>;

fn columns(order: &OpenOrder, problem: &Problem, lanes: &Lanes) -> Vec<Column> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (number, demand) in (0u16..).zip(&order.demands) {
        match demand.may_split {
            true => pieces.extend((0..demand.qty.0).map(|_| (number, 1))),
            false => pieces.push((number, demand.qty.0)),
        }
    }
    let moments: BTreeSet<EpochMillis> = std::iter::once(problem.now)
        .chain(levels(problem).into_iter().filter_map(|l| l.2))
        .collect();
    let mut all = Vec::new();
    let mut chosen: Vec<To> = Vec::new();
    let mut seen = BTreeSet::new();
    every(
        order,
        problem,
        &pieces,
        &moments,
        &mut chosen,
        &mut |chosen| {
            if order.frozen {
                return;
            }
            let mut shipments: BTreeMap<(LocationId, EpochMillis, usize), BTreeMap<u16, u32>> =
                BTreeMap::new();
            let mut short: BTreeMap<u16, u32> = BTreeMap::new();
            for (&(demand, units), to) in pieces.iter().zip(chosen) {
                let lines = match to {
                    Some(to) => shipments.entry(*to).or_default(),
                    None => &mut short,
                };
                *lines.entry(demand).or_default() += units;
            }
            let mut plain: Vec<_> = shipments
                .into_iter()
                .map(|((location, ready, _), lines)| (location, ready, lines))
                .collect();
            plain.sort();
            if seen.insert((plain.clone(), short.clone())) {
                all.extend(column(order, problem, lanes, &plain, &short));
            }
        },
    );
    let kept: Vec<_> = order
        .today
        .shipments
        .iter()
        .map(|k| {
            let lines = k.lines.iter().map(|l| (l.demand, l.qty.0)).collect();
            (k.location, k.need_at.max(problem.now), lines)
        })
        .collect();
    let short = order
        .today
        .short
        .iter()
        .map(|s| (s.demand, s.qty.0))
        .collect();
    let mut today = column(order, problem, lanes, &kept, &short).unwrap();
    today.cents -= problem.change_cents;
    let kept = order.today.shipments.iter();
    let units = |k: &Kept| k.lines.iter().map(|l| l.qty.0).sum();
    today.handed = kept.map(|k| (k.location, k.ship_at, units(k))).collect();
    all.push(today);
    all
}

fn every(
    order: &OpenOrder,
    problem: &Problem,
    pieces: &[Piece],
    moments: &BTreeSet<EpochMillis>,
    chosen: &mut Vec<To>,
    see: &mut dyn FnMut(&[To]),
) {
    let Some(&(demand, units)) = pieces.get(chosen.len()) else {
        see(chosen);
        return;
    };
    chosen.push(None);
    every(order, problem, pieces, moments, chosen, see);
    chosen.pop();
    let sku = order.demands[usize::from(demand)].sku;
    let view = problem.supply.view();
    let line = problem.supply.line(sku).unwrap();
    for cell in view.cells(line) {
        let days = problem.days.iter().filter(|d| d.location == cell.location);
        let ready = days.map(|d| d.ready.max(problem.now));
        let here: BTreeSet<EpochMillis> = moments.iter().copied().chain(ready).collect();
        for at in here {
            let later = view.later(cell).iter().rev();
            let step = later.into_iter().find(|s| s.from <= at);
            let there = step.map_or(cell.now.0, |s| s.qty.0);
            if there < units {
                continue;
            }
            for number in 0..2 {
                chosen.push(Some((cell.location, at, number)));
                every(order, problem, pieces, moments, chosen, see);
                chosen.pop();
            }
        }
    }
}

fn column(
    order: &OpenOrder,
    problem: &Problem,
    lanes: &Lanes,
    shipments: &[(LocationId, EpochMillis, BTreeMap<u16, u32>)],
    short: &BTreeMap<u16, u32>,
) -> Option<Column> {
    if shipments.len() > usize::from(order.policy.max_shipments) {
        return None;
    }
    let mut view = StockView::default();
    order.demands.iter().for_each(|d| view.push_line(d.sku));
    let request = Request {
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
    let lines = |of: &BTreeMap<u16, u32>| {
        let lines = of.iter().map(|(&demand, &qty)| ShipmentLine {
            demand,
            qty: Qty(qty),
        });
        lines.collect::<Vec<_>>()
    };
    let priced: Vec<_> = shipments
        .iter()
        .map(|(location, ready, of)| (*location, *ready, lines(of)))
        .collect();
    let short: Vec<ShortLine> = short
        .iter()
        .map(|(&demand, &qty)| ShortLine {
            demand,
            qty: Qty(qty),
        })
        .collect();
    let plan = price(lanes, &request, &priced, &short)?;
    let mut draws = Draws::new();
    for (location, ready, of) in shipments {
        for (&demand, &qty) in of {
            let sku = order.demands[usize::from(demand)].sku;
            *draws.entry((sku, *location, *ready)).or_default() += qty;
        }
    }
    let units = |s: &allot::model::Shipment| s.lines.iter().map(|l| l.qty.0).sum();
    let shipments = plan.shipments.iter();
    Some(Column {
        cents: plan.objective.total().0 + problem.change_cents,
        draws,
        handed: shipments
            .map(|s| (s.location, s.ship_at, units(s)))
            .collect(),
    })
}

/// Three orders for one unit each of an item of which there are two, both at the first location.
/// What is short costs the first 10, the second 20, the third 90 (in units that all freight is
/// small beside); the first two have the units.
pub(crate) fn two_units_for_three() -> Backlog {
    let mut backlog = Backlog::new(Shape {
        orders: 3,
        locations: 2,
        skus: 1,
        stock_percent: 100,
        split_percent: 0,
        seed: 5,
    });
    let problem = &mut backlog.problem;
    let mut stock = StockView::default();
    stock.push_line(SkuId(0));
    stock.push_cell(LocationId(0), Qty(2), &[]);
    problem.supply = Supply::new(stock);
    let destination = std::sync::Arc::clone(&problem.orders[0].destination);
    for (number, order) in problem.orders.iter_mut().enumerate() {
        order.demands.truncate(1);
        order.demands[0].qty = Qty(1);
        order.demands[0].sku = SkuId(0);
        order.policy.short_per_unit = Cents([100_000, 200_000, 900_000][number]);
        order.destination = std::sync::Arc::clone(&destination);
        order.strategy = Strategy::Redistribute;
        let line = ShipmentLine {
            demand: 0,
            qty: Qty(1),
        };
        order.today = Today::default();
        match number {
            2 => order.today.short.push(ShortLine {
                demand: 0,
                qty: Qty(1),
            }),
            _ => order.today.shipments.push(Kept {
                location: LocationId(0),
                need_at: problem.now,
                ship_at: problem.now,
                lines: vec![line],
            }),
        }
    }
    backlog
}
