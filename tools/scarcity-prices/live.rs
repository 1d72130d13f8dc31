//! What pricing again as stock moves saves: the same orders through the engine, without prices,
//! priced once, and priced again and again from what each way knows.

use allot::engine::{Engine, Limits};
use allot::load::{NetworkFiles, OrderFile};
use allot::model::{Cents, EpochMillis, Millis, Order, PricingRules};
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
}

pub(crate) const WAYS: [(&str, Knows); 4] = [
    ("without prices", Knows::Nothing),
    ("priced once, half of the orders known", Knows::HalfOnce),
    ("live, half of the orders known", Knows::Half),
    ("live, only the past known", Knows::ThePast),
];

/// What the orders came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The objective without scarcity prices.
    pub(crate) cost: Cents,
    pub(crate) shipments: usize,
    pub(crate) units_short: u64,
    pub(crate) refused: u64,
    pub(crate) pricings: u32,
}

/// Submits all orders, pricing scarce units after every `every` of them.
pub(crate) fn replay(
    files: &NetworkFiles,
    file: &OrderFile,
    knows: Knows,
    every: usize,
    steps: u32,
) -> anyhow::Result<Outcome> {
    let NetworkFiles { network, opening } = files.clone();
    let orders = &file.orders;
    let at = |order: Option<&Order>| order.map_or(EpochMillis::default(), |o| o.placed_at);
    let (first, last) = (at(orders.first()), at(orders.last()));
    let limits = Limits {
        lines: orders.iter().map(|o| o.lines.len()).max().unwrap_or(1),
        ..Limits::default()
    };
    let engine = Engine::new(network, opening, limits, None, first)?;
    engine.set_scarcity(Vec::new())?;
    // Every other order stands for two.
    let mut stands_for = 1;
    if matches!(knows, Knows::Half | Knows::HalfOnce) {
        let known = orders.iter().step_by(2).cloned().map(Arc::new);
        engine.expect_orders(known.collect());
        stands_for = 2;
    }
    let mut outcome = Outcome::default();
    for (number, order) in orders.iter().enumerate() {
        let due = match knows {
            Knows::Nothing => false,
            Knows::HalfOnce => number == 0,
            Knows::Half => number % every == 0,
            Knows::ThePast => number > 0 && number % every == 0,
        };
        if due {
            let left = last
                .0
                .saturating_sub(order.placed_at.0)
                .max(0)
                .unsigned_abs();
            let rules = PricingRules {
                horizon: Millis(left * stands_for),
                window: Millis(
                    order
                        .placed_at
                        .0
                        .saturating_sub(first.0)
                        .max(1)
                        .unsigned_abs(),
                ),
                orders_max: u32::MAX,
                steps,
                ..PricingRules::default()
            };
            engine.price_scarcity(&rules, order.placed_at)?;
            outcome.pricings += 1;
        }
        match engine.submit(Arc::new(order.clone()), order.placed_at) {
            Ok(view) => {
                let objective = view.decision.plan.objective;
                outcome.cost += Cents(objective.total().0 - objective.scarcity.0);
                outcome.shipments += view.decision.plan.shipments.len();
                outcome.units_short += view.decision.plan.short_units();
            }
            Err(_) => outcome.refused += 1,
        }
    }
    Ok(outcome)
}
