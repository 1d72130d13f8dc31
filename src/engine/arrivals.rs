//! Units that can be promised again, given at once to the orders that wait for them: the higher
//! priority first, then the older.
//!
//! Called after every step that can make units promisable, when none of its locks is held any more. While
//! nobody waits for anything that costs one look at a number.

use super::Engine;
use super::error::EngineError;
use super::orders::OrderView;
use super::remedies::Deed;
use super::replan::{Leaving, Placed, Rest};
use crate::ledger::{AtpQuery, Reservation};
use crate::lifecycle::{OrderRecord, State};
use crate::model::{EpochMillis, OrderKey, ReplanReason, SkuId};

/// Orders that are looked at in a row without finding a place for any. Units that can be promised fit
/// nearly everybody; where they do not (a country, a hard date), nobody should wait for a long queue.
pub(super) const IN_VAIN_MAX: usize = 1_000;

impl Engine {
    /// Gives what can be promised of a SKU to the orders that wait for it. Returns how many got
    /// something.
    pub fn allocate(&self, sku: SkuId, now: EpochMillis) -> usize {
        if self.backorders.is_empty() {
            return 0;
        }
        let (mut served, mut in_vain, mut last) = (0, 0, None);
        while in_vain < IN_VAIN_MAX
            && let Some(rank) = self.backorders.next(sku, last.as_ref())
        {
            if self.ledger.atp(sku, &coming_too(), now) == 0 {
                break;
            }
            match self.retry(&rank.key, now) {
                Ok(Some(_)) => (served, in_vain) = (served + 1, 0),
                Ok(None) | Err(_) => in_vain += 1,
            }
            last = Some(rank);
        }
        served
    }

    /// The same for several SKUs, each once; what is left of them is for what the network's rules try
    /// again when stock arrives. Units that a rule sets free go on to others in the same way.
    pub(super) fn allocate_all(
        &self,
        skus: impl IntoIterator<Item = SkuId>,
        now: EpochMillis,
    ) -> usize {
        if self.backorders.is_empty() && self.remedies.rules().is_none() {
            return 0;
        }
        let mut skus: Vec<SkuId> = skus.into_iter().collect();
        let mut served = 0;
        // Only what ends an exception sets units free, so this ends.
        while !skus.is_empty() {
            skus.sort_unstable();
            skus.dedup();
            served += skus
                .iter()
                .map(|&sku| self.allocate(sku, now))
                .sum::<usize>();
            skus = self.remedy_stock(&skus, now);
        }
        served
    }

    /// Gives everything that can be promised to the orders that wait, also what became possible by time
    /// alone. Returns how many got something.
    pub fn allocate_waiting(&self, now: EpochMillis) -> usize {
        let skus = self.backorders.skus().into_iter();
        skus.map(|sku| self.allocate(sku, now)).sum()
    }

    /// Looks for a place for everything of an order that has none: units that wait for supply, units
    /// that a location refused or did not find, and the order as a whole where it was refused and is
    /// kept for the network's rules. Returns whether any of it got one.
    ///
    /// # Errors
    /// `NOTFOUND`; what in it cannot be routed by any more; `BUSY`; for one that is kept everything that
    /// [`Engine::submit`] refuses.
    pub fn retry_order(&self, key: &OrderKey, now: EpochMillis) -> Result<bool, EngineError> {
        let kept = match self.orders.read(key, |_| ()) {
            Some(()) => None,
            None => self.desk.now().of_order(key).find_map(|e| e.kept.clone()),
        };
        match kept {
            Some(order) => self.submit(order, now).map(|_| true),
            None => Ok(self.retry(key, now)?.is_some()),
        }
    }

    fn retry(&self, key: &OrderKey, now: EpochMillis) -> Result<Option<Placed>, EngineError> {
        let retried = self
            .orders
            .change(key, |record| self.place_waiting(record, now));
        retried.ok_or_else(|| EngineError::not_found("order", &key.to_string(), "order"))?
    }

    /// Looks for a place for everything that waits in a locked order.
    pub(super) fn place_waiting(
        &self,
        record: &mut OrderRecord<Reservation>,
        now: EpochMillis,
    ) -> Result<Option<Placed>, EngineError> {
        self.place_waiting_by(record, None, now)
    }

    /// The same, by a rule.
    pub(super) fn place_waiting_by(
        &self,
        record: &mut OrderRecord<Reservation>,
        deed: Option<&Deed>,
        now: EpochMillis,
    ) -> Result<Option<Placed>, EngineError> {
        if record.waits.is_empty() {
            return Ok(None);
        }
        let mut leaving = Leaving::new(ReplanReason::SupplyArrived, Rest::Stays);
        leaving.deed = deed.cloned();
        for part in record.parts().iter().filter(|part| part.waits()) {
            leaving.all_of(part, None);
        }
        self.place_anew(record, &leaving, now)
    }

    /// Units of a locked order that a location would not ship or did not find get another place, or
    /// wait for supply where the order allows it.
    pub(super) fn place_refused(
        &self,
        record: &mut OrderRecord<Reservation>,
        now: EpochMillis,
    ) -> Placed {
        let rest = match self.may_wait(record) {
            true => Rest::Waits,
            false => Rest::Stays,
        };
        let mut leaving = Leaving::new(ReplanReason::NotShipped, rest);
        let refused = |state: State| !state.unreleased() && state != State::Cancelled;
        for part in record.parts().iter().filter(|p| refused(p.state)) {
            if part.unplaced() > 0 {
                leaving.all_of(part, None);
            }
        }
        if leaving.given_up.is_empty() {
            return Placed::default();
        }
        let short = leaving.given_up.iter().map(|g| u64::from(g.qty.0)).sum();
        match self.place_anew(record, &leaving, now) {
            Ok(Some(placed)) => placed,
            // They stay where they are, and can be tried again.
            Ok(None) | Err(_) => Placed {
                parts: Vec::new(),
                short,
            },
        }
    }

    /// Whether units of an order may wait for supply.
    fn may_wait(&self, record: &OrderRecord<Reservation>) -> bool {
        let order = &record.order;
        let lanes = self.lanes.load();
        let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy);
        policy.is_ok_and(|policy| policy.allow_backorder)
    }

    /// What an order waits for, how many units others get before it, and when all of it should be
    /// there by what is known now.
    #[must_use]
    pub fn waiting_of(&self, view: &OrderView, now: EpochMillis) -> Vec<WaitingUnits> {
        let rank = view.rank();
        let waits = view.waits.iter();
        waits
            .map(|&(sku, qty)| {
                let ahead = self.backorders.ahead(sku, &rank);
                let mut left = ahead + u64::from(qty.0);
                let coming = self.ledger.coming(sku, now).into_iter();
                let mut enough = coming.filter(|&(_, units)| {
                    left = left.saturating_sub(units);
                    left == 0
                });
                WaitingUnits {
                    sku,
                    qty,
                    ahead,
                    expected_at: enough.next().map(|(at, _)| at),
                }
            })
            .collect()
    }

    /// How many orders wait for a SKU, and for how many units.
    #[must_use]
    pub fn backordered(&self, sku: SkuId) -> (usize, u64) {
        self.backorders.of(sku)
    }
}

/// Units of an order that wait for supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingUnits {
    /// The item.
    pub sku: SkuId,
    /// How many.
    pub qty: crate::model::Qty,
    /// Units that orders of a higher priority, or older ones, get before it.
    pub ahead: u64,
    /// When enough arrives for all of these, by what is on its way; `None` when that is not enough.
    pub expected_at: Option<EpochMillis>,
}

/// ATP at any moment to come.
pub(super) fn coming_too() -> AtpQuery<'static> {
    AtpQuery {
        by: Some(EpochMillis::DISTANT_FUTURE),
        ..AtpQuery::default()
    }
}
