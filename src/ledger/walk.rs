//! Everything the ledger holds, one thing after the other.

use super::allocation::Allocation;
use super::incoming::Supply;
use super::locked::sku_at;
use super::reservation::Owner;
use super::stock::Hold;
use super::{Ledger, Position, SHARDS};
use crate::model::{ChannelId, ClaimFact, EpochMillis, LocationId, SkuId};

/// One thing the ledger holds.
#[derive(Debug)]
pub enum Kept<'a> {
    /// A position.
    Position(SkuId, &'a Position),
    /// Units that somebody was promised.
    Claim {
        /// Which units, and when they are needed.
        claim: ClaimFact,
        /// Whose.
        owner: &'a Owner,
        /// The selling channel.
        channel: ChannelId,
        /// When they become free by themselves.
        expires_at: EpochMillis,
    },
    /// A channel's share of a SKU.
    Allocation(SkuId, &'a Allocation),
    /// When units last moved at a position.
    MovedAt(SkuId, LocationId, EpochMillis),
    /// A hold by its id.
    Hold(&'a str, &'a Hold),
    /// A supply by its id.
    Supply(&'a str, &'a Supply),
}

impl Ledger {
    /// Shows everything that counts at `now`, shard by shard, each under its lock; in no order
    /// that means anything.
    pub fn walk(&self, now: EpochMillis, mut see: impl FnMut(Kept<'_>)) {
        for number in 0..SHARDS {
            let mut shard = self.lock_shard(number);
            shard.advance(now);
            for row in shard.row_numbers() {
                let sku = sku_at(number, row);
                for position in shard.row(row) {
                    see(Kept::Position(sku, position));
                    if let Some(at) = shard.moved_at(row, position.location()) {
                        see(Kept::MovedAt(sku, position.location(), at));
                    }
                }
                for entry in shard.allocations(row).iter().flat_map(|a| a.entries()) {
                    see(Kept::Allocation(sku, entry));
                }
            }
            for held in shard.claims() {
                let claim = ClaimFact {
                    sku: sku_at(number, held.row),
                    location: held.location,
                    qty: crate::model::Qty(held.qty),
                    need_at: held.need_at,
                };
                see(Kept::Claim {
                    claim,
                    owner: &held.owner,
                    channel: held.channel,
                    expires_at: held.expires_at,
                });
            }
        }
        for hold in &self.holds {
            see(Kept::Hold(hold.key(), hold.value()));
        }
        for supply in &self.supplies {
            see(Kept::Supply(supply.key(), supply.value()));
        }
    }
}
