//! What would be if: a location closed, supply late, more demand, other weights. Planned on a copy,
//! applied nowhere, and put beside what is today.

use super::file::Sums;
use super::optimize::{Effort, Progress, optimize};
use super::outcome::{Outcome, Totals};
use super::problem::{OpenOrder, Problem};
use super::rules::{Rules, Scope, Weights};
use super::scope::{Snapshot, read_if};
use crate::engine::{Engine, EngineError};
use crate::model::{Cents, Day, EpochMillis, Invalid, Millis, Plan};
use crate::routing::Lanes;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Demand that comes on top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surge {
    /// Of orders with a line of this item; of any when absent.
    pub sku: Option<Box<str>>,
    /// Of orders of this channel; of any when absent.
    pub channel: Option<Box<str>>,
    /// In percent of the open orders: 150 is half as many again.
    pub percent: u32,
}

/// What is assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scenario {
    /// As it was typed.
    pub name: String,
    /// Nothing ships from these locations any more, nor what was planned to.
    pub closed: Vec<Box<str>>,
    /// Supply on its way that arrives so much later.
    pub late: Vec<(Box<str>, Millis)>,
    /// More demand.
    pub surges: Vec<Surge>,
    /// Other weights of the objective: a part, and percent; the rest stays as it is.
    pub weights: Vec<(Box<str>, u32)>,
}

/// Most percent of a surge.
const SURGE_MAX: u32 = 1_000;
/// Bytes of a scenario: it is told in every event of a run.
const TEXT_MAX: usize = 1_000;
/// Most days that supply is late.
const LATE_MAX: u64 = 365;

impl Scenario {
    /// Reads assumptions between commas: `close=EAST`, `late=T-1:3` (days), `surge=150`,
    /// `surge=SKU-1:150`, `surge=@web:150` (a channel), `weight=late:200`.
    ///
    /// # Errors
    /// Names the assumption that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > TEXT_MAX {
            let expected = "at most 1000 characters";
            return Err(Invalid::new("what-if", text.len(), expected));
        }
        let mut scenario = Self {
            name: text.to_owned(),
            ..Self::default()
        };
        for one in text.split(',') {
            let expected = "close=LOCATION, late=SUPPLY:DAYS, surge=[SKU:|@CHANNEL:]PERCENT (100 to \
                1000, all surges together) or weight=PART:PERCENT";
            scenario
                .assume(one.trim())
                .ok_or_else(|| Invalid::new("what-if", one, expected))?;
        }
        Ok(scenario)
    }

    /// Whether an engine knows everything that the scenario names.
    ///
    /// # Errors
    /// `NOTFOUND` for a location, an item or supply.
    pub fn check(&self, engine: &Engine) -> Result<(), EngineError> {
        let registry = engine.registry();
        for location in &self.closed {
            registry.location("close", location)?;
        }
        for sku in self.surges.iter().filter_map(|s| s.sku.as_deref()) {
            registry.sku("surge", sku)?;
        }
        let mut late = self.late.iter();
        match late.find(|(id, _)| engine.supply(id).is_none()) {
            Some((id, _)) => Err(EngineError::not_found("late", id, "supply")),
            None => Ok(()),
        }
    }

    fn assume(&mut self, text: &str) -> Option<()> {
        let (what, of) = text.split_once('=')?;
        match what {
            "close" if !of.is_empty() => self.closed.push(of.into()),
            "late" => {
                let (supply, days) = of.rsplit_once(':')?;
                let days: u64 = days.parse().ok().filter(|d| *d <= LATE_MAX)?;
                self.late
                    .push((supply.into(), Millis(days * 24 * 3_600_000)));
            }
            "surge" => {
                let (whom, percent) = of.rsplit_once(':').unwrap_or(("", of));
                let percent = percent.parse().ok();
                let percent: u32 = percent.filter(|p| (100..=SURGE_MAX).contains(p))?;
                // Together as well: each of them adds orders to those that are open.
                let added = |of: u32| of.saturating_sub(100);
                let before: u32 = self.surges.iter().map(|s| added(s.percent)).sum();
                (before + added(percent) <= added(SURGE_MAX)).then_some(())?;
                let channel = whom.strip_prefix('@');
                let sku = Some(whom).filter(|w| channel.is_none() && !w.is_empty());
                self.surges.push(Surge {
                    sku: sku.map(Into::into),
                    channel: channel.map(Into::into),
                    percent,
                });
            }
            "weight" => {
                let (part, percent) = of.split_once(':')?;
                let percent = percent.parse().ok()?;
                Weights::default().set(part, percent).then_some(())?;
                self.weights.push((part.into(), percent));
            }
            _ => return None,
        }
        Some(())
    }
}

/// What one scenario comes to. All costs are by the orders' own weights, also where the plan was made
/// by others, so that columns can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Which: `today` (as it is), `plan` (re-optimised and nothing else), or the assumption.
    pub name: String,
    /// Of the open orders.
    pub sums: Sums,
    /// Orders that change.
    pub moves: usize,
    /// Promises that are broken: delivered later than was told, with fewer units, or not at all.
    pub broken: usize,
    /// Of these, orders that have no plan any more; they are in none of the sums.
    pub lost: usize,
    /// Promises to others, which are not re-optimised, that supply no longer covers.
    pub broken_elsewhere: usize,
    /// Orders on top of today's; they are in none of the sums.
    pub surge_orders: usize,
    /// Of these, orders with something short.
    pub surge_short: usize,
    /// No plan costs less, by the scenario's weights and with its orders; `None` of today.
    pub bound_cents: Option<i64>,
    /// What was minimised, in the same way.
    pub cents: Option<i64>,
}

/// The format of a comparison.
const FORMAT: &str = "allot what-if 1";

/// Scenarios side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhatIf {
    /// Tells it from a plan: it has no moves, and is never applied.
    pub format: String,
    /// Number of the last fact of the state.
    pub at_fact: u64,
    /// The moment it was computed for.
    pub now: String,
    /// Open orders that were looked at.
    pub orders: usize,
    /// Today, the plan, and every scenario.
    pub columns: Vec<Column>,
}

impl WhatIf {
    /// Reads a comparison; `None` where it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(text).ok()?;
        (read.format == FORMAT).then_some(read)
    }

    /// As a file has it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// Plans every scenario on a copy of the engine, today's first. Nothing of the engine changes. `hear` is
/// told how far each is; where it breaks, the rest of a stage is left out. `go_on` is asked before each:
/// without it those that follow are left out.
///
/// # Errors
/// `NOTFOUND` for a location, an item or supply that a scenario names.
pub fn what_if(
    engine: &Engine,
    (scope, rules): (&Scope, &Rules),
    scenarios: &[Scenario],
    (seed, now): (u64, EpochMillis),
    hear: &mut dyn FnMut(&str, Progress) -> ControlFlow<()>,
    go_on: &dyn Fn() -> bool,
) -> Result<WhatIf, EngineError> {
    let (copy, at) = engine.copy(now)?;
    let nothing = Scenario {
        name: "plan".to_owned(),
        ..Scenario::default()
    };
    let (base, _) = read_if(copy, scope, rules, &nothing, now)?;
    let mut columns = vec![Column::new("today", &base, &base, &Outcome::default())];
    let all = std::iter::once(&nothing).chain(scenarios);
    for scenario in all.take_while(|_| go_on()) {
        let (copy, _) = engine.copy(now)?;
        let (snapshot, elsewhere) = read_if(copy, scope, rules, scenario, now)?;
        let effort = Effort {
            seed,
            ..Effort::usual(snapshot.problem.orders.len())
        };
        let mut hear = |at: Progress| hear(&scenario.name, at);
        let outcome = optimize(&snapshot.problem, &snapshot.lanes, effort, &mut hear);
        super::check(&snapshot.problem, &outcome)
            .map_err(|rule| Invalid::new("plan", rule, "a plan that keeps every rule"))?;
        let mut column = Column::new(&scenario.name, &base, &snapshot, &outcome);
        column.broken_elsewhere = elsewhere;
        column.bound_cents = Some(outcome.bound.0);
        column.cents = Some(outcome.cents.0);
        if columns.len() == 1 {
            // As it is, by the weights and tokens that the plan is found by.
            columns[0].cents = Some(outcome.cents_before.0);
        }
        columns.push(column);
    }
    Ok(WhatIf {
        format: FORMAT.to_owned(),
        at_fact: at.0,
        now: now.to_string(),
        orders: base.problem.orders.len(),
        columns,
    })
}

impl Column {
    fn new(name: &str, base: &Snapshot, snapshot: &Snapshot, outcome: &Outcome) -> Self {
        let (problem, own) = (&snapshot.problem, &base.problem.orders);
        let mut moved: Vec<Option<&Plan>> = vec![None; problem.orders.len()];
        for one in &outcome.moves {
            moved[one.order] = Some(&one.to);
        }
        let today = Day(i32::try_from(problem.now.0.div_euclid(86_400_000)).unwrap_or(0));
        let mut totals = Totals::default();
        let (mut broken, mut surge_short) = (0, 0);
        for (number, plan) in moved.iter().enumerate() {
            let Some(order) = own.get(number) else {
                let short = plan.is_none_or(|plan| !plan.short.is_empty());
                surge_short += usize::from(short);
                continue;
            };
            if outcome.broken.contains(&number) {
                broken += 1;
                continue;
            }
            let plan = match plan {
                Some(plan) => {
                    broken += usize::from(breaks(order, plan));
                    Some(weighed(order, plan, problem, &snapshot.lanes))
                }
                None => super::outcome::today(order, &base.problem, &base.lanes),
            };
            totals.add(order, &plan.unwrap_or_default(), today);
        }
        Self {
            name: name.to_owned(),
            sums: Sums::of(&totals),
            moves: outcome.moves.iter().filter(|m| m.order < own.len()).count(),
            broken,
            lost: outcome.broken.iter().filter(|&&b| b < own.len()).count(),
            broken_elsewhere: 0,
            surge_orders: problem.orders.len() - own.len(),
            surge_short,
            bound_cents: None,
            cents: None,
        }
    }
}

/// Whether a plan is worse than what its customer was told.
fn breaks(order: &OpenOrder, plan: &Plan) -> bool {
    let told = order.today.promised;
    let told = told.filter(|_| !order.today.shipments.is_empty());
    let late = plan
        .delivered_on()
        .zip(told)
        .is_some_and(|(on, told)| on > told);
    let before: u64 = order.today.short.iter().map(|s| u64::from(s.qty.0)).sum();
    late || plan.short_units() > before
}

/// A plan as the order's own policy weighs it; what carriers and places are paid does not depend on it.
fn weighed(order: &OpenOrder, plan: &Plan, problem: &Problem, lanes: &Lanes) -> Plan {
    let policy = &order.policy;
    let times = |cents: Cents, times: i64| Cents(cents.0.saturating_mul(times));
    let mut plan = plan.clone();
    let splits = i64::try_from(plan.shipments.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let short = i64::try_from(plan.short_units()).unwrap_or(i64::MAX);
    let (mut late, mut speed) = (Cents(0), Cents(0));
    for shipment in &plan.shipments {
        let on = i64::from(shipment.deliver_on.0);
        let today = lanes.date_at(shipment.location, problem.now);
        let over = order
            .deliver_by
            .map_or(0, |by| (on - i64::from(by.0)).max(0));
        late += times(policy.late_per_day, over);
        speed += times(policy.speed_value_per_day, on - i64::from(today.0));
    }
    plan.objective.split = times(policy.split_penalty, splits);
    plan.objective.short = times(policy.short_per_unit, short);
    (plan.objective.late, plan.objective.speed) = (late, speed);
    plan
}

/// The orders with those that a surge brings on top: like the open ones, with nothing yet.
pub(super) fn with_surges(
    orders: &mut Vec<OpenOrder>,
    surges: &[Surge],
    matches: &dyn Fn(&OpenOrder, &Surge) -> bool,
    now: EpochMillis,
) {
    let open = orders.len();
    for (number, surge) in surges.iter().enumerate() {
        let more = u64::from(surge.percent.saturating_sub(100));
        let mut seen = 0u64;
        for at in 0..open {
            if !matches(&orders[at], surge) {
                continue;
            }
            // Evenly over those that match, and the same ones every time.
            let copies = (seen + 1) * more / 100 - seen * more / 100;
            seen += 1;
            for copy in 0..copies {
                let mut new = orders[at].clone();
                let id = format!("surge-{number}-{copy}-{}", new.key);
                new.key = crate::model::OrderKey::new("what-if", &id);
                new.placed_at = now;
                new.frozen = false;
                new.today.shipments.clear();
                new.today.promised = None;
                new.today.short = (0u16..)
                    .zip(&new.demands)
                    .map(|(demand, of)| crate::model::ShortLine {
                        demand,
                        qty: of.qty,
                    })
                    .collect();
                orders.push(new);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assumptions_are_read_and_what_is_none_is_named() {
        let text = "close=EAST,late=T:1:3,surge=SKU-1:150,surge=@web:120,surge=200,weight=late:0";
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(&*scenario.closed[0], "EAST");
        let (supply, by) = &scenario.late[0];
        assert_eq!((&**supply, *by), ("T:1", Millis(3 * 24 * 3_600_000)));
        assert_eq!(scenario.surges[0].sku.as_deref(), Some("SKU-1"));
        assert_eq!(scenario.surges[1].channel.as_deref(), Some("web"));
        assert_eq!(scenario.surges[2].percent, 200);
        assert_eq!(scenario.weights, [("late".into(), 0)]);
        for bad in [
            "",
            "close",
            "close=",
            "late=T",
            "late=T:x",
            "surge=99",
            "weight=x:1",
            "open=1",
        ] {
            assert!(Scenario::parse(bad).is_err(), "{bad}");
        }
    }
}
