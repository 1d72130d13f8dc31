//! Whether an outcome keeps every rule: read from the problem and the plans alone, sharing nothing
//! with the search.

use super::outcome::{Move, Outcome};
use super::problem::{OpenOrder, Problem, Strategy};
use crate::ledger::Step;
use crate::model::{ChannelId, EpochMillis, LocationId, Plan, ShipmentLine, SkuId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Units by the moment from which they are needed.
type Drawn = BTreeMap<EpochMillis, u64>;

/// Checks an outcome: every plan covers its order and keeps its policy and strategy, all together
/// draw no more than there is, and no cost is below the bound.
///
/// # Errors
/// Says which order or item breaks which rule.
pub fn check(problem: &Problem, outcome: &Outcome) -> Result<(), String> {
    let mut moved: HashMap<usize, &Move> = HashMap::new();
    for one in &outcome.moves {
        if moved.insert(one.order, one).is_some() {
            return Err(format!("order {} moves twice", one.order));
        }
    }
    let mut drawn: BTreeMap<(SkuId, LocationId), Drawn> = BTreeMap::new();
    let mut by_channel: BTreeMap<(SkuId, ChannelId), Drawn> = BTreeMap::new();
    for (number, order) in problem.orders.iter().enumerate() {
        let mut draw = |demand: u16, location, at: EpochMillis, units: u32| {
            let sku = order.demands[usize::from(demand)].sku;
            let at = at.max(problem.now);
            let place = drawn.entry((sku, location)).or_default();
            *place.entry(at).or_default() += u64::from(units);
            let channel = by_channel.entry((sku, order.channel)).or_default();
            *channel.entry(at).or_default() += u64::from(units);
        };
        if let Some(one) = moved.get(&number) {
            plan_of(problem, order, one)
                .map_err(|rule| format!("order {} ({}): {rule}", number, order.key))?;
            for shipment in &one.to.shipments {
                for line in &shipment.lines {
                    draw(line.demand, shipment.location, shipment.need_at, line.qty.0);
                }
            }
        } else if !outcome.broken.contains(&number) {
            for kept in &order.today.shipments {
                for line in &kept.lines {
                    draw(line.demand, kept.location, kept.need_at, line.qty.0);
                }
            }
        }
    }
    for ((sku, location), drawn) in &drawn {
        let Some(line) = problem.supply.line(*sku) else {
            return Err(format!("SKU {} is drawn and there is none", sku.0));
        };
        let view = problem.supply.view();
        let cell = view.cells(line).iter().find(|c| c.location == *location);
        let steps = cell.map_or(Vec::new(), |cell| {
            let now = Step {
                from: problem.now,
                qty: cell.now,
            };
            std::iter::once(now)
                .chain(view.later(cell).iter().copied())
                .collect()
        });
        within(drawn, &steps)
            .map_err(|rule| format!("SKU {} at location {}: {rule}", sku.0, location.0))?;
    }
    for (line, channel, steps) in problem.supply.limits() {
        let sku = problem.supply.view().sku(line);
        if let Some(drawn) = by_channel.get(&(sku, channel)) {
            within(drawn, steps)
                .map_err(|rule| format!("SKU {} in channel {}: {rule}", sku.0, channel.0))?;
        }
    }
    days(problem, outcome, &moved)?;
    if outcome.cents < outcome.bound {
        let (cents, bound) = (outcome.cents, outcome.bound);
        return Err(format!(
            "the plan costs {cents}, less than the bound {bound}"
        ));
    }
    Ok(())
}

/// Whether no location hands over more on a day than it may.
fn days(problem: &Problem, outcome: &Outcome, moved: &HashMap<usize, &Move>) -> Result<(), String> {
    if problem.days.is_empty() {
        return Ok(());
    }
    let mut of_location: HashMap<LocationId, Vec<usize>> = HashMap::new();
    for (day, room) in problem.days.iter().enumerate() {
        of_location.entry(room.location).or_default().push(day);
    }
    let mut used = vec![(0u64, 0u64); problem.days.len()];
    let mut hand_over = |location, at: EpochMillis, lines: &[ShipmentLine]| {
        for &day in of_location.get(&location).into_iter().flatten() {
            let room = &problem.days[day];
            if room.from <= at && at < room.until {
                used[day].0 += 1;
                used[day].1 += lines.iter().map(|l| u64::from(l.qty.0)).sum::<u64>();
            }
        }
    };
    let broken: HashSet<usize> = outcome.broken.iter().copied().collect();
    for (number, order) in problem.orders.iter().enumerate() {
        match moved.get(&number) {
            Some(one) => {
                let new = one.to.shipments.iter();
                new.for_each(|s| hand_over(s.location, s.ship_at, &s.lines));
            }
            None if broken.contains(&number) => {}
            None => {
                let kept = order.today.shipments.iter();
                kept.for_each(|k| hand_over(k.location, k.ship_at, &k.lines));
            }
        }
    }
    let over = |used: u64, most: Option<u32>| most.is_some_and(|most| used > u64::from(most));
    for (room, (shipments, units)) in problem.days.iter().zip(used) {
        if over(shipments, room.shipments) || over(units, room.units) {
            let (location, from) = (room.location.0, room.from);
            return Err(format!(
                "location {location} hands over {shipments} shipments of {units} units on the day \
                 that begins at {from}"
            ));
        }
    }
    Ok(())
}

/// Whether what is drawn by any moment is there by then.
fn within(drawn: &Drawn, steps: &[Step]) -> Result<(), String> {
    // Just before each step, and at the end, the balance is the least.
    let ends = steps.iter().skip(1).map(|s| Some(s.from)).chain([None]);
    let first = steps.first().map_or(0, |s| s.qty.0);
    let levels = steps
        .iter()
        .map(|s| s.qty.0)
        .chain((steps.is_empty()).then_some(first));
    for (level, end) in levels.zip(ends) {
        let by_then = drawn
            .iter()
            .filter(|(at, _)| end.is_none_or(|end| **at < end));
        let units: u64 = by_then.map(|(_, units)| units).sum();
        if units > u64::from(level) {
            return Err(format!("{units} units are drawn of {level}"));
        }
    }
    Ok(())
}

/// Whether a new plan of an order is one that it may have.
fn plan_of(problem: &Problem, order: &OpenOrder, one: &Move) -> Result<(), String> {
    let plan = &one.to;
    if order.frozen {
        return Err("it is frozen".into());
    }
    covers(order, plan)?;
    let policy = &order.policy;
    if plan.shipments.len() > usize::from(policy.max_shipments) {
        return Err(format!("{} shipments are too many", plan.shipments.len()));
    }
    if !plan.short.is_empty() && !policy.allow_backorder {
        return Err("it may not wait for supply".into());
    }
    if policy.ship_complete && !plan.short.is_empty() && !plan.shipments.is_empty() {
        return Err("it ships complete or not at all".into());
    }
    for shipment in &plan.shipments {
        if order.excluded.contains(&shipment.location) {
            return Err(format!("location {} is excluded", shipment.location.0));
        }
        let late = order.deliver_by.is_some_and(|by| shipment.deliver_on > by);
        if late && order.deliver_by_is_hard {
            return Err("a shipment misses the hard promise date".into());
        }
    }
    match order.never_worse() && gone(problem, order) {
        true => Ok(()),
        false => strategy(order, one),
    }
}

/// Whether something that an order has today is not there any more: then it may get worse.
fn gone(problem: &Problem, order: &OpenOrder) -> bool {
    let view = problem.supply.view();
    order.today.shipments.iter().any(|kept| {
        kept.lines.iter().any(|line| {
            let sku = order.demands[usize::from(line.demand)].sku;
            let at = problem.supply.line(sku);
            let cell = at.and_then(|at| {
                let mut cells = view.cells(at).iter();
                cells.find(|c| c.location == kept.location)
            });
            let there = cell.map_or(0, |cell| {
                let later = view.later(cell).iter().rev();
                let mut later = later.filter(|s| s.from <= kept.need_at);
                later.next().map_or(cell.now.0, |s| s.qty.0)
            });
            there < line.qty.0
        })
    })
}

/// Whether every unit ships once or is short.
fn covers(order: &OpenOrder, plan: &Plan) -> Result<(), String> {
    for (number, demand) in order.demands.iter().enumerate() {
        let lines = plan.shipments.iter().flat_map(|s| &s.lines);
        let pieces: Vec<u64> = lines
            .filter(|l| usize::from(l.demand) == number)
            .map(|l| u64::from(l.qty.0))
            .collect();
        let shipped: u64 = pieces.iter().sum();
        let short = short_units(plan, number);
        if shipped + short != u64::from(demand.qty.0) {
            let all = demand.qty;
            return Err(format!(
                "demand {number}: {shipped} + {short} units of {all}"
            ));
        }
        let divided = pieces.len() > 1 || (shipped > 0 && short > 0);
        if divided && !demand.may_split {
            return Err(format!("demand {number} may not be divided"));
        }
    }
    Ok(())
}

fn short_units(plan: &Plan, demand: usize) -> u64 {
    let short = plan.short.iter();
    let of = short.filter(|s| usize::from(s.demand) == demand);
    of.map(|s| u64::from(s.qty.0)).sum()
}

fn strategy(order: &OpenOrder, one: &Move) -> Result<(), String> {
    for demand in 0..order.demands.len() {
        let before = order.today.short.iter();
        let before = before.filter(|s| usize::from(s.demand) == demand);
        let before: u64 = before.map(|s| u64::from(s.qty.0)).sum();
        let after = short_units(&one.to, demand);
        let broken = match order.strategy {
            Strategy::Win | Strategy::Gain => after > before,
            Strategy::Fill => after < before,
            Strategy::Lose => after != u64::from(order.demands[demand].qty.0),
            Strategy::Redistribute => false,
        };
        if broken {
            let strategy = order.strategy;
            return Err(format!(
                "{strategy:?}: {after} units of demand {demand} short, {before} before"
            ));
        }
    }
    let told = order.today.promised.filter(|_| order.never_worse());
    let worse = one
        .to
        .delivered_on()
        .zip(told)
        .is_some_and(|(on, told)| on > told);
    if worse && !order.today.shipments.is_empty() {
        return Err("it would be delivered later than its customer was told".into());
    }
    Ok(())
}
