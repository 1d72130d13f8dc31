//! Everything that is wrong with an order, told at once: a sender who mends one field at a time sends
//! ten orders to place one.
//!
//! Looking an order up stops at the first thing that is not there, which costs nothing where nothing
//! is wrong. Only then it is looked at again, field by field.

use super::Engine;
use super::error::EngineError;
use crate::lifecycle::Submission;
use crate::model::{EpochMillis, FINDINGS_KEPT_MAX, Invalid, Order, Qty, SkuId, check_id};
use crate::routing::Lanes;
use std::collections::HashMap;

impl Engine {
    /// Refuses an order of which something could not be read: `faults`, with how many there are beside
    /// these, and what is wrong with the rest, which `draft` has. It is noted like any refusal, if it says which order it is and there is
    /// none of that identity.
    pub fn refuse(
        &self,
        draft: &Order,
        faults: (Vec<Invalid>, usize),
        now: EpochMillis,
    ) -> EngineError {
        let error = self.unreadable(draft, faults);
        match self.orders.submit(draft) {
            Submission::New(_place) => {
                self.count_refused();
                self.refused(draft, &error, now);
            }
            Submission::Known(_) | Submission::Differs(_) => self.count_refused(),
        }
        error
    }

    /// The same for an order that is only asked about: nothing is noted.
    #[must_use]
    pub fn unreadable(
        &self,
        draft: &Order,
        (faults, beyond): (Vec<Invalid>, usize),
    ) -> EngineError {
        let faults = faults.into_iter().map(EngineError::from).collect();
        match beyond {
            0 => self.every_finding(draft, &self.lanes.load(), faults),
            // Enough to mend before anything is looked up.
            _ => EngineError::Several(faults, beyond),
        }
    }

    /// An order was refused because of `first`: the same with all else that is wrong with it.
    pub(super) fn with_all_findings(
        &self,
        order: &Order,
        lanes: &Lanes,
        first: EngineError,
    ) -> EngineError {
        match first.field() {
            Some(_) => self.every_finding(order, lanes, vec![first]),
            None => first,
        }
    }

    /// What is known to be wrong with an order and what is found beside it, in the order of its fields.
    pub(super) fn every_finding(
        &self,
        order: &Order,
        lanes: &Lanes,
        known: Vec<EngineError>,
    ) -> EngineError {
        let mut all = Findings {
            kept: known,
            beyond: 0,
        };
        self.look_at_head(order, lanes, &mut all);
        self.look_at_lines(order, &mut all);
        let Findings {
            kept: mut all,
            beyond,
        } = all;
        all.sort_by_key(|found| Order::field_rank(found.field().unwrap_or_default()));
        match all.len() {
            1 => all.remove(0),
            _ => EngineError::Several(all, beyond),
        }
    }

    fn look_at_head(&self, order: &Order, lanes: &Lanes, all: &mut Findings) {
        all.note(check_id("source", order.key.source()));
        all.note(check_id("order", order.key.order()));
        all.note(self.registry.channel_asked("channel", &order.channel));
        let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy);
        match policy {
            Ok(policy) if policy.max_shipments == 0 => {
                all.add(no_shipment().into());
            }
            policy => all.note(policy),
        }
        match order.pickup_at.as_deref() {
            Some(store) => match self.registry.location("pickup_at", store) {
                Ok(store) => all.note(lanes.doorstep(store)),
                Err(unknown) => all.add(unknown),
            },
            // What could not be read of an address says nothing of where that is.
            None if all.is_within("ship_to") || all.is_within("pickup_at") => {}
            None => all.note(lanes.destination(&order.ship_to)),
        }
        for (at, id) in order.exclude.iter().enumerate() {
            all.note(self.excluded_location(at, id));
        }
    }

    fn look_at_lines(&self, order: &Order, all: &mut Findings) {
        all.note(self.check_lines(order.lines.len()));
        let mut sums: HashMap<SkuId, Qty> = HashMap::new();
        for (index, line) in order.lines.iter().enumerate() {
            let sku = self.line_sku(index, &line.sku);
            let sum = match &sku {
                Ok(sku) => Some(sums.entry(*sku).or_default()),
                Err(_) => None,
            };
            let before = sum.as_ref().map_or(Qty::ZERO, |sum| **sum);
            let after = before.checked_add(line.qty);
            match after.filter(|_| !line.qty.is_zero() && line.qty <= Qty::MAX) {
                None => all.add(invalid_qty(index, line.qty).into()),
                Some(after) => {
                    if let Some(sum) = sum {
                        *sum = after;
                    }
                }
            }
            all.note(sku);
        }
    }
}

/// That no plan may have a shipment.
pub(super) fn no_shipment() -> Invalid {
    Invalid::new("policy.max_shipments", 0, "at least 1")
}

/// That a line has no units, or a SKU more than there can be.
pub(super) fn invalid_qty(index: usize, qty: Qty) -> Invalid {
    let expected = "units that sum to 1 to 2000000000 by SKU";
    Invalid::new(format!("lines[{index}].qty"), qty, expected)
}

/// What was found so far: of one field at most one thing, as far as it is kept.
struct Findings {
    kept: Vec<EngineError>,
    beyond: usize,
}

impl Findings {
    fn note<T, E: Into<EngineError>>(&mut self, looked: Result<T, E>) {
        if let Err(found) = looked {
            self.add(found.into());
        }
    }

    fn add(&mut self, found: EngineError) {
        let new = found.field().is_none_or(|field| {
            let mut known = self.kept.iter().filter_map(EngineError::field);
            !known.any(|known| contains(known, field))
        });
        match new {
            true if self.kept.len() < FINDINGS_KEPT_MAX => self.kept.push(found),
            true => self.beyond += 1,
            false => {}
        }
    }

    /// Whether anything is wrong with a field or inside it.
    fn is_within(&self, outer: &str) -> bool {
        let mut known = self.kept.iter().filter_map(EngineError::field);
        known.any(|known| contains(outer, known))
    }
}

/// Whether a field is another one, or inside it.
fn contains(outer: &str, field: &str) -> bool {
    let rest = field.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
