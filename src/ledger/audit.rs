//! Recomputes from the claims what the counters say, and finds any that drifted.
//!
//! Counters are only ever changed together with what they count, so a finding is a bug. The
//! check exists because systems of this kind ship such bugs, and their users write the check.

use super::locked::sku_at;
use super::shard::{Shard, SideTable, Spot};
use super::{Broken, Ledger, Position, SHARDS};
use crate::model::{EpochMillis, LocationId, SkuId};

/// A counter that differs from what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// The counter.
    pub counter: &'static str,
    /// What it says.
    pub says: i64,
    /// What was counted.
    pub counted: i64,
}

/// Sums over the whole ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// SKU-locations that ever had stock.
    pub positions: u64,
    /// Units on hand.
    pub on_hand: u64,
    /// Units held.
    pub held: u64,
    /// Units promised.
    pub reserved: u64,
    /// Live claims.
    pub claims: u64,
    /// Soft claims that ran out.
    pub expired: u64,
    /// Positions whose supply does not cover their promises at some time from now on.
    pub oversold: u64,
    /// Bytes of rows, positions and claims.
    pub memory_bytes: u64,
}

impl Ledger {
    /// Recounts every position. An empty answer means that nothing drifted.
    #[must_use]
    pub fn audit(&self, now: EpochMillis) -> Vec<Discrepancy> {
        let mut found = Vec::new();
        for number in 0..SHARDS {
            let mut shard = self.lock_shard(number);
            shard.advance(now);
            shard.recount(number, &mut found);
        }
        found
    }

    /// Every promise that supply does not cover, position by position. Looks at all positions, shard by
    /// shard.
    #[must_use]
    pub fn broken(&self, now: EpochMillis) -> Vec<Broken> {
        let mut all = Vec::new();
        for number in 0..SHARDS {
            let mut shard = self.lock_shard(number);
            shard.advance(now);
            for row in shard.row_numbers() {
                let reserved = shard.row(row).iter().filter(|p| p.reserved > 0);
                for location in reserved.map(Position::location) {
                    all.extend(shard.broken(sku_at(number, row), row, location));
                }
            }
        }
        all
    }

    /// Sums over all shards, each at its own moment of the walk.
    #[must_use]
    pub fn totals(&self, now: EpochMillis) -> Totals {
        let mut totals = Totals::default();
        for number in 0..SHARDS {
            let mut shard = self.lock_shard(number);
            shard.advance(now);
            shard.add_to(&mut totals);
        }
        totals
    }
}

impl Shard {
    /// Compares every counter with what it counts; `number` is this shard's.
    fn recount(&self, number: u32, found: &mut Vec<Discrepancy>) {
        let mut reserved: SideTable<Spot, u64> = SideTable::default();
        for claim in self.claims() {
            *reserved.entry((claim.row, claim.location)).or_default() += u64::from(claim.qty);
        }
        let mut compare = |(row, location): Spot, counter, says: u64, counted: u64| {
            if says != counted {
                found.push(Discrepancy {
                    sku: sku_at(number, row),
                    location,
                    counter,
                    says: i64::try_from(says).unwrap_or(i64::MAX),
                    counted: i64::try_from(counted).unwrap_or(i64::MAX),
                });
            }
        };
        for row in self.row_numbers() {
            for position in self.row(row) {
                let spot = (row, position.location());
                let claimed = reserved.remove(&spot).unwrap_or(0);
                compare(spot, "reserved", u64::from(position.reserved), claimed);
                let by_reason = self.held_by_reason(row, spot.1);
                let held = by_reason.iter().map(|&u| u64::from(u)).sum();
                compare(spot, "held", u64::from(position.held), held);
                let coming = self.on_the_way(row, spot.1).iter();
                let promisable = coming.filter(|c| c.promisable).map(|c| u64::from(c.units));
                let promisable: u64 = promisable.sum();
                let timed = position.is_timed();
                compare(spot, "timed", u64::from(timed), u64::from(promisable > 0));
                if timed {
                    let (arriving, needed) = self.timeline(row, spot.1).totals();
                    compare(spot, "timeline supply", arriving, promisable);
                    compare(spot, "timeline demand", needed, claimed);
                }
            }
        }
        for (spot, claimed) in reserved {
            compare(spot, "reserved", 0, claimed);
        }
    }

    fn add_to(&self, totals: &mut Totals) {
        totals.claims += self.claim_count() as u64;
        totals.expired += self.expired();
        totals.memory_bytes += self.memory_bytes() as u64;
        for row in self.row_numbers() {
            for position in self.row(row) {
                totals.positions += 1;
                totals.on_hand += u64::from(position.on_hand);
                totals.held += u64::from(position.held);
                totals.reserved += u64::from(position.reserved);
                let least = self.atp(row, position, self.now());
                let oversold = position.reserved > 0 && least < 0;
                totals.oversold += u64::from(oversold);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::NoLog;
    use super::super::locked::row_of;
    use super::*;
    use crate::model::{PromiseRules, Qty};

    /// C28: totals and their rows drift apart, and nobody notices before users are blocked.
    #[test]
    fn c28_a_counter_that_drifted_is_found() {
        let (sku, location, now) = (SkuId(5), LocationId(2), EpochMillis(1));
        let ledger = Ledger::new(PromiseRules::default());
        ledger
            .count(sku, location, Qty(9), None, &[], now, &NoLog)
            .unwrap();
        assert_eq!(ledger.audit(now), []);
        let mut shard = ledger.lock_one(sku, now);
        shard.position_mut(row_of(sku), location).reserved = 3;
        drop(shard);
        let found = Discrepancy {
            sku,
            location,
            counter: "reserved",
            says: 3,
            counted: 0,
        };
        assert_eq!(ledger.audit(now), [found]);
    }
}
