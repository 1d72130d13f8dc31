//! What an order would get, and why one got what it has.

use super::{OrderView, WORKSPACE, Workspace, request};
use crate::engine::Engine;
use crate::engine::error::EngineError;
use crate::model::{Decision, EpochMillis, Order, SkuId};
use crate::routing::{
    Binding, Forgotten, Frontier, Goal, binding, binding_then, frontier, locations_then, quote,
};
use std::sync::Arc;

/// Plans for an order that was not placed.
#[derive(Debug, Clone)]
pub struct Quote {
    /// The SKUs of the plans' demands, in their order.
    pub demands: Arc<[SkuId]>,
    /// The best plan for every goal.
    pub plans: Vec<(Goal, Decision)>,
    /// Every plan that no other beats in cost, date and number of shipments at once.
    pub frontier: Frontier,
    /// The constraints without which the balanced plan would be cheaper.
    pub binding: Vec<Binding>,
}

/// Why an order's plan is what it is, as far as that was known when it was accepted.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The order, with its plan, the next best one, and what every location was out for.
    pub view: OrderView,
    /// What bound the plan; that the network changed since, so that it cannot be said.
    pub binding: Result<Vec<Binding>, Forgotten>,
    /// How many locations there were.
    pub locations: usize,
}

impl Engine {
    /// What an order would get: the cheapest, the fastest and the balanced plan, and all that no
    /// other beats. Reserves nothing and remembers nothing.
    ///
    /// # Errors
    /// As [`Engine::submit`], without `CONFLICT`.
    pub fn quote(&self, order: &Order, now: EpochMillis) -> Result<Quote, EngineError> {
        let lanes = self.lanes.load();
        let resolved = self.resolve(order, &lanes);
        let resolved = resolved.map_err(|first| self.with_all_findings(order, &lanes, first))?;
        let skus: Arc<[SkuId]> = resolved.demands.iter().map(|d| d.sku).collect();
        let plans = WORKSPACE.with_borrow_mut(|work| {
            let Workspace {
                view,
                days,
                scratch,
            } = work;
            self.ledger
                .view(skus.iter().copied(), resolved.channel, now, view);
            self.list_days(&lanes, view, now, days);
            let request = request(order, &resolved, (view, days), now);
            let plans = quote(&lanes, &request, scratch)?;
            let frontier = frontier(&lanes, &request, scratch)?;
            Ok((plans, frontier, binding(&lanes, &request, scratch)?))
        });
        let (plans, frontier, binding) = plans.map_err(|e| self.names().unroutable(&e, &skus))?;
        Ok(Quote {
            demands: skus,
            plans: plans.into_iter().collect(),
            frontier,
            binding,
        })
    }

    /// Why an order is fulfilled as it is: what was decided, and what bound that, by what was known
    /// when it was accepted.
    ///
    /// # Errors
    /// `NOTFOUND`.
    pub fn explain(&self, source: &str, order: &str) -> Result<Explanation, EngineError> {
        let view = self.order(source, order)?;
        let basis = &view.decision.basis;
        let there = self.registry.location_count();
        let locations = locations_then(basis).map_or(there, |then| then.min(there));
        let binding = self.binding_then(&view.order, &view.decision);
        Ok(Explanation {
            view,
            binding,
            locations,
        })
    }

    fn binding_then(&self, order: &Order, decision: &Decision) -> Result<Vec<Binding>, Forgotten> {
        let lanes = self.lanes.load();
        // What cannot be looked up any more was changed since.
        let resolved = self.resolve(order, &lanes);
        let resolved = resolved.map_err(|_| Forgotten::NetworkChanged)?;
        WORKSPACE.with_borrow_mut(|work| {
            work.view.clear();
            let request = request(order, &resolved, (&work.view, &[]), EpochMillis::default());
            let total = decision.plan.objective.total();
            binding_then(&lanes, &request, &decision.basis, total, &mut work.scratch)
        })
    }
}
