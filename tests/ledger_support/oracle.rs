//! The ledger's promises, the slow way: flat lists, every sum taken anew, ATP by its definition.
//!
//! ```text
//! S(s) = on-hand − holds − safety stock + Σ incoming with arrival ≤ s
//! D(s) = Σ reserved with need time ≤ s
//! ATP(t) = max(0, min over s ≥ t of ( S(s) − D(s) ))
//! ```
//!
//! S and D only change at arrivals and need times, so the minimum is looked for at `t` and at all
//! of those after it.

use allot::ledger::{Refusal, SupplyState};
use allot::model::{
    ChannelId, EpochMillis, HoldReason, IncomingFact, IncomingKind, LocationId, Millis,
    PromiseFrom, PromiseRules, Qty, SkuId,
};
use std::cell::RefCell;
use std::collections::HashMap;

/// One SKU at one location.
pub(crate) type Spot = (SkuId, LocationId);

/// Units that came or went.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) spot: Spot,
    pub(crate) units: i64,
    /// As of when it was reported; `None` for the opening.
    pub(crate) reported: Option<EpochMillis>,
}

#[derive(Debug, Clone)]
pub(crate) struct HoldRow {
    pub(crate) id: String,
    pub(crate) spot: Spot,
    pub(crate) placed: i64,
    pub(crate) left: i64,
    pub(crate) reason: HoldReason,
}

#[derive(Debug, Clone)]
pub(crate) struct SupplyRow {
    /// As first announced.
    pub(crate) first: IncomingFact,
    pub(crate) arrives_at: EpochMillis,
    pub(crate) left: i64,
    pub(crate) state: SupplyState,
}

impl SupplyRow {
    pub(crate) fn spot(&self) -> Spot {
        (self.first.sku, self.first.to)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClaimRow {
    /// Number of the reservation; higher is newer.
    pub(crate) owner: usize,
    pub(crate) priority: i32,
    pub(crate) channel: ChannelId,
    pub(crate) spot: Spot,
    pub(crate) qty: i64,
    pub(crate) need_at: EpochMillis,
    pub(crate) expires_at: EpochMillis,
}

#[derive(Debug, Clone)]
pub(crate) struct ShareRow {
    pub(crate) sku: SkuId,
    pub(crate) channel: ChannelId,
    pub(crate) protected: i64,
    pub(crate) cap: Option<i64>,
}

/// One line of a wish: SKU, location or anywhere, units, need time.
pub(crate) type WantRow = (SkuId, Option<LocationId>, i64, EpochMillis);

/// Everything that was reported and promised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) rules: PromiseRules,
    pub(crate) locations: Vec<LocationId>,
    pub(crate) now: EpochMillis,
    pub(crate) moves: Vec<Move>,
    pub(crate) safety: Vec<(Spot, i64)>,
    pub(crate) holds: Vec<HoldRow>,
    pub(crate) supplies: Vec<SupplyRow>,
    pub(crate) claims: Vec<ClaimRow>,
    pub(crate) shares: Vec<ShareRow>,
    /// Units that left while their channel had a share.
    pub(crate) sold: Vec<(SkuId, ChannelId, i64)>,
    pub(crate) expired: u64,
    /// Answers of [`Oracle::raw_atp`] while only reads come.
    known: RefCell<Option<HashMap<(Spot, EpochMillis), i64>>>,
}

impl Oracle {
    pub(crate) fn new(rules: PromiseRules, locations: Vec<LocationId>, now: EpochMillis) -> Self {
        Self {
            rules,
            locations,
            now,
            ..Self::default()
        }
    }

    /// Time moves on, never back; soft claims count for nothing from their millisecond on.
    pub(crate) fn advance(&mut self, now: EpochMillis) {
        self.now = self.now.max(now);
        let before = self.claims.len();
        self.claims.retain(|c| c.expires_at > self.now);
        self.expired += (before - self.claims.len()) as u64;
    }

    pub(crate) fn on_hand(&self, spot: Spot) -> i64 {
        let here = self.moves.iter().filter(|m| m.spot == spot);
        here.map(|m| m.units).sum()
    }

    pub(crate) fn held(&self, spot: Spot) -> i64 {
        let here = self.holds.iter().filter(|h| h.spot == spot);
        here.map(|h| h.left).sum()
    }

    pub(crate) fn safety(&self, spot: Spot) -> i64 {
        let last = self.safety.iter().rev().find(|(s, _)| *s == spot);
        last.map_or(0, |(_, units)| *units)
    }

    pub(crate) fn reserved(&self, spot: Spot) -> i64 {
        let here = self.claims.iter().filter(|c| c.spot == spot);
        here.map(|c| c.qty).sum()
    }

    /// When supply may be promised from, if policy lets it be promised at all.
    fn promised_from(&self, supply: &SupplyRow) -> Option<EpochMillis> {
        let (sku, location) = supply.spot();
        let rule = self
            .rules
            .skus
            .iter()
            .find(|r| r.0 == sku)
            .map(|r| r.1)
            .or_else(|| {
                let of_location = self.rules.locations.iter().find(|r| r.0 == location);
                of_location.map(|r| r.1)
            })
            .unwrap_or(self.rules.default);
        let counts = match rule {
            PromiseFrom::Off => false,
            PromiseFrom::Transfers => supply.first.kind == IncomingKind::Transfer,
            PromiseFrom::All => true,
        };
        let hours = u64::from(self.rules.buffer_hours);
        counts.then(|| supply.arrives_at + Millis(hours * 60 * 60 * 1000))
    }

    /// S(s) − D(s).
    fn balance(&self, spot: Spot, s: EpochMillis) -> i64 {
        let coming = self.supplies.iter().filter(|i| i.spot() == spot);
        let arrived: i64 = coming
            .filter(|i| self.promised_from(i).is_some_and(|at| at <= s))
            .map(|i| i.left)
            .sum();
        let claims = self.claims.iter().filter(|c| c.spot == spot);
        let demand: i64 = claims.filter(|c| c.need_at <= s).map(|c| c.qty).sum();
        self.on_hand(spot) - self.held(spot) - self.safety(spot) + arrived - demand
    }

    /// Every moment from now on at which S or D of some position changes, now itself included.
    pub(crate) fn moments(&self) -> Vec<EpochMillis> {
        let arrivals = self.supplies.iter().filter_map(|i| self.promised_from(i));
        let needs = self.claims.iter().map(|c| c.need_at);
        let mut all: Vec<_> = arrivals.chain(needs).chain([self.now]).collect();
        all.retain(|&t| t >= self.now);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Lets answers be kept until [`Oracle::writes_follow`]: only reads come now.
    pub(crate) fn reads_follow(&self) {
        *self.known.borrow_mut() = Some(HashMap::new());
    }

    pub(crate) fn writes_follow(&self) {
        *self.known.borrow_mut() = None;
    }

    /// min over s ≥ t of ( S(s) − D(s) ), not cut at 0.
    pub(crate) fn raw_atp(&self, spot: Spot, t: EpochMillis) -> i64 {
        let mut known = self.known.borrow_mut();
        let compute = || {
            let later = self.moments().into_iter().filter(|&s| s > t);
            let all = later.chain([t]).map(|s| self.balance(spot, s));
            all.min().expect("t itself is among them")
        };
        match known.as_mut() {
            Some(known) => *known.entry((spot, t)).or_insert_with(compute),
            None => compute(),
        }
    }

    pub(crate) fn atp(&self, spot: Spot, t: EpochMillis) -> i64 {
        self.raw_atp(spot, t).max(0)
    }

    /// ATP over some locations, or all, before any channel's limit.
    pub(crate) fn atp_over(&self, sku: SkuId, at: Option<LocationId>, t: EpochMillis) -> i64 {
        let places = self
            .locations
            .iter()
            .filter(|&&l| at.is_none_or(|a| a == l));
        places.map(|&l| self.atp((sku, l), t)).sum()
    }

    /// Units the channel was promised of the SKU and did not give back.
    pub(crate) fn used(&self, sku: SkuId, channel: ChannelId) -> i64 {
        let its = |c: &&ClaimRow| c.spot.0 == sku && c.channel == channel;
        let open: i64 = self.claims.iter().filter(its).map(|c| c.qty).sum();
        let sold = self.sold.iter().filter(|s| (s.0, s.1) == (sku, channel));
        open + sold.map(|s| s.2).sum::<i64>()
    }

    /// What the channel may promise of the SKU; `None` where nothing is allocated.
    pub(crate) fn limit(&self, sku: SkuId, channel: ChannelId, t: EpochMillis) -> Option<i64> {
        let of_sku: Vec<&ShareRow> = self.shares.iter().filter(|s| s.sku == sku).collect();
        if of_sku.is_empty() {
            return None;
        }
        let others = of_sku.iter().filter(|s| s.channel != channel);
        let kept: i64 = others
            .map(|s| (s.protected - self.used(sku, s.channel)).max(0))
            .sum();
        let free = self.atp_over(sku, None, t) - kept;
        let own = of_sku.iter().find(|s| s.channel == channel);
        let cap = own
            .and_then(|s| s.cap)
            .map(|cap| cap - self.used(sku, channel));
        Some(cap.map_or(free, |cap| cap.min(free)))
    }

    /// ATP as asked: by location or over all, for a channel or for none.
    pub(crate) fn answer(
        &self,
        sku: SkuId,
        at: Option<LocationId>,
        channel: Option<ChannelId>,
        t: EpochMillis,
    ) -> i64 {
        let here = self.atp_over(sku, at, t);
        let limit = channel.and_then(|c| self.limit(sku, c, t));
        limit.map_or(here, |l| here.min(l)).max(0)
    }

    /// The least t from `from` on with ATP(t) ≥ qty.
    pub(crate) fn earliest(
        &self,
        sku: SkuId,
        at: Option<LocationId>,
        channel: Option<ChannelId>,
        qty: i64,
        from: EpochMillis,
    ) -> Option<EpochMillis> {
        let later = self.moments().into_iter().filter(|&t| t > from);
        let mut candidates = std::iter::once(from).chain(later);
        candidates.find(|&t| self.answer(sku, at, channel, t) >= qty)
    }

    /// Grants all wants or none: first those for one place, then those for anywhere, each kind in
    /// the order given. Anywhere means the location that has most, then the next.
    pub(crate) fn grant(
        &mut self,
        owner: &ClaimRow,
        wants: &[WantRow],
    ) -> Result<Vec<ClaimRow>, Refusal> {
        let before = self.claims.len();
        let placed = wants.iter().filter(|w| w.1.is_some());
        for want in placed.chain(wants.iter().filter(|w| w.1.is_none())) {
            if let Err(refusal) = self.grant_one(owner, want) {
                self.claims.truncate(before);
                return Err(refusal);
            }
        }
        Ok(self.claims[before..].to_vec())
    }

    fn grant_one(&mut self, owner: &ClaimRow, want: &WantRow) -> Result<(), Refusal> {
        let &(sku, place, qty, need_at) = want;
        let need_at = need_at.max(self.now);
        let refused = |this: &Self, location: Option<LocationId>, available: i64| {
            let earliest = this.earliest(sku, location, Some(owner.channel), qty, need_at);
            Err(Refusal::Insufficient {
                sku,
                location,
                asked: units(qty),
                available: units(available.max(0)),
                earliest,
            })
        };
        let limit = self.limit(sku, owner.channel, need_at);
        if let Some(limit) = limit.filter(|&l| l < qty) {
            return refused(self, None, limit);
        }
        let available = self.atp_over(sku, place, need_at);
        if available < qty {
            return refused(self, place, available);
        }
        let mut offers: Vec<(i64, LocationId)> = self
            .locations
            .iter()
            .filter(|&&l| place.is_none_or(|p| p == l))
            .map(|&l| (self.atp((sku, l), need_at), l))
            .collect();
        offers.sort_by_key(|&(atp, location)| (-atp, location));
        let mut rest = qty;
        for (atp, location) in offers {
            let taken = atp.min(rest);
            if taken > 0 {
                self.claims.push(ClaimRow {
                    spot: (sku, location),
                    qty: taken,
                    need_at,
                    ..owner.clone()
                });
                rest -= taken;
            }
        }
        assert_eq!(rest, 0, "the total was enough");
        Ok(())
    }

    /// Promises at a position that supply does not cover at some moment from now on: units by
    /// reservation. The lowest priority loses first, then the newest, then what is needed last.
    pub(crate) fn broken(&self, spot: Spot) -> Vec<(usize, i64)> {
        let mut after = self.clone();
        let mut here: Vec<ClaimRow> = self.claims.clone();
        here.retain(|c| c.spot == spot);
        here.sort_by_key(|c| (c.priority, std::cmp::Reverse((c.owner, c.need_at))));
        let mut lost: Vec<(usize, i64)> = Vec::new();
        for claim in here {
            let from = claim.need_at.max(self.now);
            let missing = (-after.raw_atp(spot, from)).clamp(0, claim.qty);
            let row = after.claims.iter_mut().find(|c| **c == claim);
            row.expect("a copy of the same list").qty -= missing;
            match lost.last_mut().filter(|l| l.0 == claim.owner) {
                Some(last) => last.1 += missing,
                None => lost.push((claim.owner, missing)),
            }
        }
        lost.retain(|l| l.1 > 0);
        lost
    }

    /// Positions with promises that supply does not cover at some moment from now on.
    pub(crate) fn oversold(&self, spots: &[Spot]) -> usize {
        let short = |&&spot: &&Spot| self.reserved(spot) > 0 && self.raw_atp(spot, self.now) < 0;
        spots.iter().filter(short).count()
    }
}

/// As the ledger's quantity.
pub(crate) fn units(amount: i64) -> Qty {
    Qty(u32::try_from(amount).expect("the oracle's amounts are small"))
}
