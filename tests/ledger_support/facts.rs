//! A log that keeps every fact, and an auditor that knows nothing but the facts.

use super::oracle::Spot;
use allot::ledger::FactLog;
use allot::model::{ClaimFact, EpochMillis, Fact, HoldReason, OwnerFact, Settled};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Keeps every fact in the order recorded.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    facts: Mutex<Vec<Fact>>,
}

impl FactLog for Recorder {
    fn record<const N: usize>(&self, _: EpochMillis, facts: impl FnOnce() -> [Fact; N]) {
        self.facts.lock().extend(facts());
    }
}

impl Recorder {
    /// Hands over what was recorded since the last call.
    pub(crate) fn drain(&self) -> Vec<Fact> {
        std::mem::take(&mut *self.facts.lock())
    }
}

#[derive(Debug)]
struct Way {
    left: i64,
    arrives_at: EpochMillis,
}

/// The state as the facts tell it.
#[derive(Debug, Default)]
pub(crate) struct Auditor {
    on_hand: HashMap<Spot, i64>,
    /// Sum of all movements, which must come to the same.
    moved: HashMap<Spot, i64>,
    safety: HashMap<Spot, i64>,
    holds: HashMap<Box<str>, (Spot, HoldReason, i64)>,
    supplies: HashMap<Box<str>, Way>,
    owners: HashMap<OwnerFact, (EpochMillis, Vec<ClaimFact>)>,
}

impl Auditor {
    /// Applies one fact. Panics where it contradicts the facts before it.
    pub(crate) fn apply(&mut self, fact: Fact) {
        match fact {
            Fact::OnHandMoved {
                sku,
                location,
                before,
                after,
                ..
            } => {
                let spot = (sku, location);
                let on_hand = self.on_hand.entry(spot).or_default();
                assert_eq!(
                    *on_hand,
                    i64::from(before.0),
                    "the movement starts where the last ended"
                );
                *on_hand = i64::from(after.0);
                *self.moved.entry(spot).or_default() += i64::from(after.0) - i64::from(before.0);
            }
            Fact::PositionOpened {
                sku,
                location,
                on_hand,
                safety,
            } => {
                let spot = (sku, location);
                self.on_hand.insert(spot, i64::from(on_hand.0));
                self.moved.insert(spot, i64::from(on_hand.0));
                self.safety.insert(spot, i64::from(safety.0));
            }
            Fact::SafetyStockSet { sku, location, qty } => {
                self.safety.insert((sku, location), i64::from(qty.0));
            }
            Fact::HoldPlaced {
                hold,
                sku,
                location,
                qty,
                reason,
            } => {
                let row = ((sku, location), reason, i64::from(qty.0));
                assert!(
                    self.holds.insert(hold, row).is_none(),
                    "a hold is placed once"
                );
            }
            Fact::HoldReleased { hold, qty } => {
                let row = self
                    .holds
                    .get_mut(&hold)
                    .expect("placed before it is released");
                row.2 -= i64::from(qty.0);
                assert!(row.2 >= 0, "no more is released than is held");
            }
            Fact::IncomingExpected(row) => {
                let way = Way {
                    left: i64::from(row.qty.0),
                    arrives_at: row.arrives_at,
                };
                assert!(
                    self.supplies.insert(row.id.clone(), way).is_none(),
                    "announced once"
                );
            }
            Fact::IncomingDelayed { id, arrives_at } => {
                self.supplies.get_mut(&id).expect("announced").arrives_at = arrives_at;
            }
            Fact::IncomingReduced { id, qty, closed } => {
                let way = self.supplies.get_mut(&id).expect("announced");
                way.left = if closed {
                    0
                } else {
                    way.left - i64::from(qty.0)
                };
                assert!(way.left >= 0, "open supply has units left");
            }
            Fact::IncomingCancelled { id, qty, .. } => {
                let way = self.supplies.get_mut(&id).expect("announced");
                assert_eq!(way.left, i64::from(qty.0), "all that is left is cancelled");
                way.left = 0;
            }
            Fact::Reserved {
                owner,
                expires_at,
                claims,
                ..
            } => {
                self.owners.insert(owner, (expires_at, claims));
            }
            Fact::ReservationExtended { owner, expires_at } => {
                self.owners.get_mut(&owner).expect("reserved before").0 = expires_at;
            }
            Fact::ReservationEnded { owner, .. } => {
                assert!(
                    self.owners.remove(&owner).is_some(),
                    "reserved before it ended"
                );
            }
            Fact::AllocationSet { .. } => {}
            other => panic!("not a fact of the ledger: {other:?}"),
        }
    }

    /// What a change of a fulfilment order did to stock: part of its fact, which is not the ledger's.
    pub(crate) fn settled(&mut self, owner: &OwnerFact, settled: &Settled) {
        let spot = (settled.sku, settled.location);
        let gone = i64::from(settled.shipped.0) + i64::from(settled.missing.0);
        let on_hand = self.on_hand.entry(spot).or_default();
        let moved = gone.min(*on_hand);
        *on_hand -= moved;
        *self.moved.entry(spot).or_default() -= moved;
        let mut left = settled.freed.0;
        let (_, claims) = self.owners.get_mut(owner).expect("reserved before");
        for claim in claims.iter_mut() {
            if (claim.sku, claim.location) == spot {
                let taken = claim.qty.0.min(left);
                claim.qty.0 -= taken;
                left -= taken;
            }
        }
        assert_eq!(left, 0, "no more is freed than is held");
    }

    pub(crate) fn on_hand(&self, spot: Spot) -> i64 {
        let balance = self.on_hand.get(&spot).copied().unwrap_or(0);
        assert_eq!(
            self.moved.get(&spot).copied().unwrap_or(0),
            balance,
            "movements add up"
        );
        balance
    }

    pub(crate) fn safety(&self, spot: Spot) -> i64 {
        self.safety.get(&spot).copied().unwrap_or(0)
    }

    pub(crate) fn held(&self, spot: Spot) -> i64 {
        let here = self.holds.values().filter(|h| h.0 == spot);
        here.map(|h| h.2).sum()
    }

    /// Units left of a supply and when they are expected.
    pub(crate) fn supply(&self, id: &str) -> Option<(i64, EpochMillis)> {
        self.supplies.get(id).map(|w| (w.left, w.arrives_at))
    }

    /// Units promised and not over by `now`.
    pub(crate) fn reserved(&self, spot: Spot, now: EpochMillis) -> i64 {
        let live = self.owners.values().filter(|o| o.0 > now);
        let claims = live.flat_map(|o| &o.1);
        let here = claims.filter(|c| (c.sku, c.location) == spot);
        here.map(|c| i64::from(c.qty.0)).sum()
    }
}
