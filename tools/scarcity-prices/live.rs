//! What pricing again as stock moves saves: the same orders through the engine, without prices,
//! priced once, and priced again and again from what each way knows.

use allot::engine::{Engine, Limits};
use allot::load::{NetworkFiles, OrderFile};
use allot::model::{Cents, EpochMillis, Millis, Order, PricingRules};
use rayon::prelude::*;
use std::sync::Arc;

/// What a way of pricing knows of the orders to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knows {
    /// Nothing: no unit has a price.
    Nothing,
    /// Every other order of the file, as a forecast would; priced before the first one only.
    HalfOnce,
    /// The same, priced again as stock moves.
    Half,
    /// What was accepted so far, priced again as stock moves.
    ThePast,
    /// Every order to come, priced again as stock moves.
    All,
}

pub(crate) const WAYS: [(&str, Knows); 5] = [
    ("myopic: no prices", Knows::Nothing),
    ("priced once, half of the orders known", Knows::HalfOnce),
    ("live, only the past known", Knows::ThePast),
    ("live, half of the orders known", Knows::Half),
    ("live, every order to come known", Knows::All),
];

/// How often prices are made anew, and how hard it is tried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// After so many orders each time.
    pub(crate) every: usize,
    /// Steps of the first pricing.
    pub(crate) steps: u32,
    /// Steps of the later ones, which start from good prices.
    pub(crate) steps_again: u32,
}

/// What the orders came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The objective without scarcity prices.
    pub(crate) cost: Cents,
    /// Postage, surcharges and handling of it.
    pub(crate) freight: Cents,
    pub(crate) shipments: usize,
    pub(crate) units_short: u64,
    pub(crate) refused: u64,
    pub(crate) pricings: u32,
}

/// Every way, in the order of [`WAYS`].
pub(crate) fn all(
    files: &NetworkFiles,
    file: &OrderFile,
    pace: Pace,
) -> anyhow::Result<Vec<Outcome>> {
    let ways = WAYS.par_iter();
    ways.map(|(_, knows)| replay(files, file, *knows, pace))
        .collect()
}

/// Submits all orders, pricing scarce units before the first and after every so many of them.
pub(crate) fn replay(
    files: &NetworkFiles,
    file: &OrderFile,
    knows: Knows,
    pace: Pace,
) -> anyhow::Result<Outcome> {
    let NetworkFiles { network, opening } = files.clone();
    let orders = &file.orders;
    let at = |order: Option<&Order>| order.map_or(EpochMillis::default(), |o| o.placed_at);
    let (first, last) = (at(orders.first()), at(orders.last()));
    let longest = orders.iter().map(|o| o.lines.len()).max().unwrap_or(1);
    let limits = Limits {
        lines: longest.max(Limits::default().lines),
        ..Limits::default()
    };
    let engine = Engine::new(network, opening, limits, None, first)?;
    engine.set_scarcity(Vec::new())?;
    // Of every other order each stands for two.
    let mut stands_for = 1;
    if matches!(knows, Knows::Half | Knows::HalfOnce) {
        expect(&engine, orders.iter().step_by(2));
        stands_for = 2;
    }
    let mut outcome = Outcome::default();
    for (number, order) in orders.iter().enumerate() {
        let due = match knows {
            Knows::Nothing => false,
            Knows::HalfOnce => number == 0,
            Knows::Half | Knows::All => number % pace.every == 0,
            Knows::ThePast => number > 0 && number % pace.every == 0,
        };
        if due {
            if knows == Knows::All {
                expect(&engine, orders[number..].iter());
            }
            let left = last.0.saturating_sub(order.placed_at.0).max(0);
            let past = order.placed_at.0.saturating_sub(first.0).max(1);
            let rules = PricingRules {
                horizon: Millis(left.unsigned_abs() * stands_for),
                window: Millis(past.unsigned_abs()),
                orders_max: u32::MAX,
                steps: match outcome.pricings {
                    0 => pace.steps,
                    _ => pace.steps_again,
                },
                ..PricingRules::default()
            };
            engine.price_scarcity(&rules, order.placed_at)?;
            outcome.pricings += 1;
        }
        match engine.submit(Arc::new(order.clone()), order.placed_at) {
            Ok(view) => {
                let plan = &view.decision.plan;
                outcome.cost += Cents(plan.objective.total().0 - plan.objective.scarcity.0);
                outcome.freight += plan.objective.freight();
                outcome.shipments += plan.shipments.len();
                outcome.units_short += plan.short_units();
            }
            Err(_) => outcome.refused += 1,
        }
    }
    Ok(outcome)
}

/// These orders stand for those to come.
fn expect<'a>(engine: &Engine, orders: impl Iterator<Item = &'a Order>) {
    engine.expect_orders(orders.cloned().map(Arc::new).collect());
}
