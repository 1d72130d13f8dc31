//! Promises that supply no longer covers, moved to where it does.
//!
//! The ledger names them, the lowest priority and the newest first. Of these, units that nobody has yet
//! are routed anew, as if what they hold were free: elsewhere, or at the same place later. Where there is
//! no other plan they wait for supply. What somebody has stays his: he may find the units all the same.

use super::Engine;
use super::replan::{Leaving, Rest};
use crate::ledger::{Broken, Reservation};
use crate::lifecycle::{FulfillmentOrder, OrderRecord};
use crate::model::{Cause, EpochMillis, LocationId, OrderKey, OwnerFact, Qty, ReplanReason, SkuId};
use std::collections::HashSet;

impl Engine {
    /// What a change of supply means: promises that it broke move, and units that can be promised now
    /// go to who waits for them. None of its locks is held any more.
    pub(super) fn after_change(&self, broken: &[Broken], skus: &[SkuId], now: EpochMillis) {
        self.rescue(broken, now);
        self.allocate_all(skus.iter().copied(), now);
    }

    /// Moves the promises that a change of supply broke. None of its locks is held any more.
    pub(super) fn rescue(&self, broken: &[Broken], now: EpochMillis) {
        let mut seen: HashSet<(SkuId, LocationId)> = HashSet::new();
        for promise in broken {
            if seen.insert((promise.sku, promise.location)) {
                self.rescue_at(promise.sku, promise.location, now);
            }
        }
    }

    /// The promises at one position that its supply does not cover now.
    pub(super) fn rescue_at(&self, sku: SkuId, location: LocationId, now: EpochMillis) {
        let mut seen: HashSet<OrderKey> = HashSet::new();
        let mut broken = self.ledger.broken_at(sku, location, now).into_iter();
        while let Some(promise) = broken.next() {
            let OwnerFact::Order(key) = &promise.owner.id else {
                continue;
            };
            if !seen.insert(key.clone()) {
                continue;
            }
            let rescued = self.orders.change(key, |record| {
                self.rescue_order(record, (sku, location), promise.qty, now)
            });
            // Whoever had to move whole has freed more than was missing: look who is left.
            if rescued.is_some_and(|moved| moved != u64::from(promise.qty.0)) {
                broken = self.ledger.broken_at(sku, location, now).into_iter();
            }
        }
    }

    /// Returns how many units left the place.
    fn rescue_order(
        &self,
        record: &mut OrderRecord<Reservation>,
        (sku, location): (SkuId, LocationId),
        missing: Qty,
        now: EpochMillis,
    ) -> u64 {
        let mut rescued = 0;
        let last = record.parts().iter().map(|p| p.id.number).max();
        let mut left = missing;
        // What ships last moves first. That may be in vain, where what ships first is what is not
        // covered: then that moves, until the promise holds or nothing of what there was can move.
        let mut first = false;
        while !left.is_zero() {
            let before = rescued;
            for leaving in self.endangered(record, (sku, location), (left, last, first)) {
                let at_place = leaving.freed.iter();
                let at_place = at_place.filter(|f| (f.sku, f.location) == (sku, location));
                let units: u64 = at_place.map(|f| u64::from(f.qty.0)).sum();
                if let Ok(Some(_)) = self.place_anew(record, &leaving, now) {
                    rescued += units;
                }
            }
            if rescued == before && first {
                break;
            }
            first = true;
            let broken = self.ledger.broken_at(sku, location, now).into_iter();
            let owner = record.holding.as_ref().map(|holding| holding.owner());
            let mut mine = broken.filter(|b| Some(&b.owner) == owner);
            left = mine.next().map_or(Qty::ZERO, |promise| promise.qty);
        }
        // What moved was promised anew. What else of the order is not covered, here or at another place, is
        // with somebody who may find it or not.
        if rescued > 0 {
            let uncovered = self.uncovered(record, now);
            self.at_risk(&self.gate.enter(), now, Cause::StockCut, &uncovered);
        }
        rescued
    }

    /// What of an order is promised and not covered, wherever it is.
    fn uncovered(&self, record: &OrderRecord<Reservation>, now: EpochMillis) -> Vec<Broken> {
        let Some(holding) = &record.holding else {
            return Vec::new();
        };
        let claims = holding.claims().iter();
        let mut places: Vec<_> = claims.map(|claim| (claim.sku, claim.location)).collect();
        places.sort_unstable();
        places.dedup();
        let broken = places
            .into_iter()
            .flat_map(|(sku, location)| self.ledger.broken_at(sku, location, now));
        broken.filter(|b| b.owner == *holding.owner()).collect()
    }

    /// What of an order has to move so that `missing` units of a position are not promised there any
    /// more, of its parts up to the number `last`; what is on hold moves by itself, and stays on hold.
    /// With `first` what ships first moves first, else what ships last.
    fn endangered(
        &self,
        record: &OrderRecord<Reservation>,
        (sku, location): (SkuId, LocationId),
        (missing, last, first): (Qty, Option<u32>, bool),
    ) -> Vec<Leaving> {
        let parts = record.parts();
        let mine = |part: &&FulfillmentOrder| {
            let here = part.route.is_some_and(|r| r.location == location);
            here && part.state.unreleased() && Some(part.id.number) <= last
        };
        let mut here: Vec<&FulfillmentOrder> = parts.iter().filter(mine).collect();
        here.sort_by_key(|part| part.route.map(|r| (r.ship_at, part.id.number)));
        if !first {
            here.reverse();
        }
        let whole = self.moves_whole(record, sku);
        let (mut all, mut left): (Vec<Leaving>, Qty) = (Vec::new(), missing);
        for part in here {
            let has = part.lines.iter().any(|line| line.sku == sku);
            if !has || left.is_zero() {
                continue;
            }
            let held = part.reason.clone().filter(|_| part.held_from.is_some());
            let known = all.iter().position(|leaving| leaving.held == held);
            let known = known.unwrap_or_else(|| {
                let mut new = Leaving::new(ReplanReason::PromiseBroken, Rest::Waits);
                (new.held, new.first) = (held, first);
                all.push(new);
                all.len() - 1
            });
            let taken = match &whole {
                Whole::Not => all[known].some_of(part, sku, left),
                Whole::Demands(_) | Whole::Order => all[known].some_of(part, sku, Qty::MAX),
            };
            if let Whole::Demands(skus) = &whole {
                for other in skus.iter().filter(|other| **other != sku) {
                    all[known].some_of(part, *other, Qty::MAX);
                }
            }
            left = left.saturating_sub(taken);
        }
        if let (Whole::Order, Some(leaving)) = (&whole, all.first_mut()) {
            let open = parts.iter().filter(|p| p.state.unreleased());
            *leaving = Leaving {
                given_up: Vec::new(),
                freed: Vec::new(),
                ..leaving.clone()
            };
            for part in open.filter(|p| p.route.is_some()) {
                leaving.all_of(part, None);
            }
            all.truncate(1);
        }
        all
    }

    /// How much of an order moves together.
    fn moves_whole(&self, record: &OrderRecord<Reservation>, sku: SkuId) -> Whole {
        let order = &record.order;
        let lanes = self.lanes.load();
        let policy = lanes.policy(&order.channel, order.preset.as_deref(), &order.policy);
        let complete = policy.is_ok_and(|policy| policy.ship_complete);
        let parts = record.parts();
        let nobody_has_any = parts
            .iter()
            .all(|p| p.state.unreleased() || p.state.is_closed());
        let on_hold = parts.iter().any(|p| p.held_from.is_some());
        if complete && nobody_has_any && !on_hold {
            return Whole::Order;
        }
        let demands = self.demands(order, &lanes).unwrap_or_default();
        match demands.iter().find(|demand| demand.sku == sku) {
            Some(one) if one.together != 0 => {
                let set = demands.iter().filter(|d| d.together == one.together);
                Whole::Demands(set.map(|d| d.sku).collect())
            }
            Some(one) if !one.may_split => Whole::Demands(vec![sku]),
            _ => Whole::Not,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Whole {
    /// Any units may move.
    Not,
    /// All units of an item that must not be split, or of items that ship together.
    Demands(Vec<SkuId>),
    /// All units of an order that ships complete or not at all.
    Order,
}
