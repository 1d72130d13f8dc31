//! Take, change, extend and release, on both sides.

use super::command::{Ask, LOCATIONS, SKUS};
use super::oracle::{ClaimRow, Spot, WantRow, units};
use super::world::{Kept, World, identity};
use allot::ledger::{Owner, Refusal, Reservation, Take, Want};
use allot::model::{ChannelId, EpochMillis, LocationId, Settled, SkuId};
use std::sync::Arc;

impl World {
    fn wants(&self, ask: &Ask) -> Vec<WantRow> {
        let wishes = ask.wishes.iter();
        wishes
            .map(|w| {
                let place = w.place.map(|p| LocationId(LOCATIONS[p]));
                (
                    SkuId(SKUS[w.sku]),
                    place,
                    i64::from(w.qty),
                    self.tick(w.need),
                )
            })
            .collect()
    }

    fn ending(&self, ttl: Option<i64>) -> EpochMillis {
        ttl.map_or(EpochMillis::DISTANT_FUTURE, |t| self.tick(t))
    }

    fn owner_row(&self, number: usize, ask: &Ask) -> ClaimRow {
        ClaimRow {
            owner: number,
            priority: ask.priority,
            channel: ChannelId(ask.channel),
            spot: (SkuId(0), LocationId(0)),
            qty: 0,
            need_at: self.wall,
            expires_at: self.ending(ask.ttl),
        }
    }

    /// What the oracle says to a wish; `Expired` for one that would be over at once.
    fn expected(&mut self, row: &ClaimRow, wants: &[WantRow]) -> Result<Vec<ClaimRow>, Refusal> {
        if row.expires_at <= self.oracle.now {
            return Err(Refusal::Expired(row.expires_at));
        }
        self.oracle.grant(row, wants)
    }

    pub(super) fn take(&mut self, ask: &Ask) {
        let number = self.numbers;
        self.numbers += 1;
        let rows = self.wants(ask);
        let row = self.owner_row(number, ask);
        let expected = self.expected(&row, &rows);
        let (owner, wants) = (owner(&row), wants(&rows));
        let take = Take {
            owner: &owner,
            channel: row.channel,
            expires_at: row.expires_at,
            wants: &wants,
        };
        let told = self.ledger.take(&take, self.told, &self.log);
        match told {
            Ok(reservation) => {
                agree_on_claims(&reservation, &expected.expect("the oracle refuses"));
                self.note("take: granted");
                self.kept.push(Kept {
                    number,
                    reservation,
                });
            }
            Err(refusal) => {
                self.note(match refusal {
                    Refusal::Insufficient { .. } => "take: refused for stock",
                    Refusal::Full(_) => "take: no room",
                    Refusal::Expired(_) => "take: over before it begins",
                });
                assert_eq!(refusal, expected.expect_err("the oracle grants"));
            }
        }
    }

    pub(super) fn change(&mut self, slot: usize, ask: &Ask) {
        let Some(at) = slot.checked_rem(self.kept.len()) else {
            return;
        };
        let number = self.kept[at].number;
        let rows = self.wants(ask);
        let row = self.owner_row(number, ask);
        let before = self.oracle.claims.clone();
        if row.expires_at > self.oracle.now {
            self.oracle.claims.retain(|c| c.owner != number);
        }
        let expected = self.expected(&row, &rows);
        if expected.is_err() {
            self.oracle.claims = before;
        }
        let (owner, wants) = (owner(&row), wants(&rows));
        let take = Take {
            owner: &owner,
            channel: row.channel,
            expires_at: row.expires_at,
            wants: &wants,
        };
        let kept = &mut self.kept[at].reservation;
        let told = self.ledger.change(kept, &take, self.told, &self.log);
        assert_eq!(told, expected.as_ref().map(|_| ()).map_err(Clone::clone));
        if let Ok(rows) = expected {
            agree_on_claims(&self.kept[at].reservation, &rows);
        }
        self.note(if told.is_ok() {
            "change: done"
        } else {
            "change: refused"
        });
    }

    pub(super) fn extend(&mut self, slot: usize, ttl: Option<i64>) {
        let Some(at) = slot.checked_rem(self.kept.len()) else {
            return;
        };
        let ending = self.ending(ttl);
        let kept = &mut self.kept[at];
        let old = kept.reservation.expires_at();
        let expected = if old <= self.oracle.now {
            Err(Refusal::Expired(old))
        } else if ending <= self.oracle.now {
            Err(Refusal::Expired(ending))
        } else {
            Ok(())
        };
        let told = self
            .ledger
            .extend(&mut kept.reservation, ending, self.told, &self.log);
        assert_eq!(told, expected);
        if expected.is_ok() {
            let its = self
                .oracle
                .claims
                .iter_mut()
                .filter(|c| c.owner == kept.number);
            its.for_each(|c| c.expires_at = ending);
        }
        self.note(match (expected, ttl) {
            (Ok(()), Some(_)) => "extend: done",
            (Ok(()), None) => "confirm: done",
            (Err(_), _) => "extend: refused",
        });
    }

    pub(super) fn release(&mut self, slot: usize) {
        let Some(at) = slot.checked_rem(self.kept.len()) else {
            return;
        };
        let kept = self.kept.swap_remove(at);
        let live = kept.reservation.expires_at() > self.oracle.now;
        self.oracle.claims.retain(|c| c.owner != kept.number);
        assert_eq!(
            self.ledger.release(kept.reservation, self.told, &self.log),
            live
        );
        self.note(if live {
            "release: live"
        } else {
            "release: over already"
        });
    }

    /// A live reservation and a position where it holds units; `scarce` looks first for one where
    /// fewer are there than it holds.
    fn spot_held(&self, slot: usize, claim: usize, scarce: bool) -> Option<(usize, Spot)> {
        let mut all = Vec::new();
        for (at, kept) in self.kept.iter().enumerate() {
            if kept.reservation.expires_at() > self.oracle.now {
                let claims = kept.reservation.claims().iter();
                all.extend(claims.map(|c| (at, (c.sku, c.location), i64::from(c.qty.0))));
            }
        }
        let too_few = all.iter().filter(|c| self.oracle.on_hand(c.1) < c.2);
        let too_few: Vec<_> = too_few.copied().collect();
        let among = if scarce && !too_few.is_empty() {
            too_few
        } else {
            all
        };
        let chosen = among.get((slot + claim) % among.len().max(1))?;
        Some((chosen.0, chosen.1))
    }

    /// Units of one position leave with the claims on them, are missing, or are only given back.
    pub(super) fn settle(
        &mut self,
        slot: usize,
        claim: usize,
        (shipped, missing, more): (i64, i64, i64),
    ) {
        let Some((at, spot)) = self.spot_held(slot, claim, shipped > 3) else {
            return;
        };
        let number = self.kept[at].number;
        let its = |c: &&ClaimRow| c.owner == number && c.spot == spot;
        let total: i64 = self.oracle.claims.iter().filter(its).map(|c| c.qty).sum();
        let shipped = shipped.min(total);
        let missing = missing.min(total - shipped);
        let freed = (shipped + missing + more).min(total);
        let mut left = freed;
        let mut channel = ChannelId(0);
        for row in &mut self.oracle.claims {
            if row.owner == number && row.spot == spot {
                let taken = row.qty.min(left);
                (row.qty, left, channel) = (row.qty - taken, left - taken, row.channel);
            }
        }
        self.oracle.claims.retain(|c| c.qty > 0);
        let had = self.oracle.shares.iter();
        if had
            .filter(|s| (s.sku, s.channel) == (spot.0, channel))
            .count()
            > 0
        {
            self.oracle.sold.push((spot.0, channel, shipped));
        }
        let before = self.oracle.on_hand(spot);
        let gone = shipped + missing;
        let after = (before - gone).max(0);
        let settled = Settled {
            sku: spot.0,
            location: spot.1,
            freed: units(freed),
            shipped: units(shipped),
            missing: units(missing),
        };
        let kept = &mut self.kept[at].reservation;
        let told = self.ledger.settle(kept, &[settled], self.told, &self.log);
        assert_eq!(told.len(), usize::from(gone > 0));
        self.auditor.settled(&identity(number), &settled);
        for (sku, location, moved) in told {
            assert_eq!((sku, location), spot);
            let now = self.oracle.now;
            let expected = self.moved(spot, after, now).expect("not below nothing");
            assert_eq!((moved.before, moved.after), (units(before), units(after)));
            assert_eq!(expected, (before, after));
            self.agree_on_broken(&moved.broken, spot);
        }
        let rows = self.oracle.claims.iter().filter(|c| c.owner == number);
        let rows: Vec<ClaimRow> = rows.cloned().collect();
        agree_on_claims(&self.kept[at].reservation, &rows);
        if rows.is_empty() {
            // Without a claim it is in no shard, so none can say how late it is there.
            let kept = self.kept.swap_remove(at);
            self.ledger.release(kept.reservation, self.told, &self.log);
        }
        self.note(match (gone > before, gone > 0) {
            (true, _) => "settle: more than was there",
            (_, true) => "settle: units left",
            (_, false) => "settle: only given back",
        });
    }

    pub(super) fn allocate(&mut self, sku: usize, channel: u16, protected: u32, cap: Option<u32>) {
        let (sku, channel) = (SkuId(SKUS[sku]), ChannelId(channel));
        self.oracle
            .shares
            .retain(|s| (s.sku, s.channel) != (sku, channel));
        self.oracle.shares.push(super::oracle::ShareRow {
            sku,
            channel,
            protected: i64::from(protected),
            cap: cap.map(i64::from),
        });
        let (protected, cap) = (
            units(i64::from(protected)),
            cap.map(|c| units(i64::from(c))),
        );
        self.ledger
            .set_allocation(sku, channel, protected, cap, self.told, &self.log);
        self.note("allocate");
    }
}

fn owner(row: &ClaimRow) -> Arc<Owner> {
    Arc::new(Owner {
        id: identity(row.owner),
        priority: row.priority,
        sequence: row.owner as u64,
    })
}

fn wants(rows: &[WantRow]) -> Vec<Want> {
    let want = |&(sku, location, qty, need_at): &WantRow| Want {
        sku,
        location,
        qty: units(qty),
        need_at,
    };
    rows.iter().map(want).collect()
}

fn agree_on_claims(told: &Reservation, expected: &[ClaimRow]) {
    let told: Vec<_> = told
        .claims()
        .iter()
        .map(|c| (c.sku, c.location, i64::from(c.qty.0)))
        .collect();
    let rows = expected.iter();
    let expected: Vec<_> = rows.map(|c| (c.spot.0, c.spot.1, c.qty)).collect();
    assert_eq!(told, expected, "claims granted");
}
