//! Counts, adjustments, safety stock and holds, on both sides.

use super::command::At;
use super::oracle::{HoldRow, Move, Spot, units};
use super::world::{World, identity, spot_of};
use allot::ledger::{Hold, HoldError, Moved, StockError};
use allot::model::{EpochMillis, HoldReason, OwnerFact};

impl World {
    /// The oracle's answer to units on hand becoming `after`, as reported at `reported`.
    pub(super) fn moved(
        &mut self,
        spot: Spot,
        after: i64,
        reported: EpochMillis,
    ) -> Result<(i64, i64), StockError> {
        if after < 0 {
            return Err(StockError::OutOfRange(after));
        }
        let before = self.oracle.on_hand(spot);
        let units = after - before;
        self.oracle.moves.push(Move {
            spot,
            units,
            reported: Some(reported),
        });
        Ok((before, after))
    }

    fn agree_on_move(
        &mut self,
        told: Result<Moved, StockError>,
        expected: Result<(i64, i64), StockError>,
        spot: Spot,
    ) -> bool {
        match (told, expected) {
            (Ok(moved), Ok((before, after))) => {
                assert_eq!((moved.before, moved.after), (units(before), units(after)));
                self.agree_on_broken(&moved.broken, spot);
                true
            }
            (told, expected) => {
                assert_eq!(told.map(|m| (m.before, m.after)).err(), expected.err());
                false
            }
        }
    }

    pub(super) fn count(&mut self, at: At, counted: u32, as_of: Option<i64>, slots: &[usize]) {
        let spot = spot_of(at);
        let as_of = as_of.map(|ticks| self.tick(ticks));
        let here = self.oracle.claims.iter().filter(|c| c.spot == spot);
        let owners: Vec<usize> = here.map(|c| c.owner).collect();
        let slots = slots.iter().filter_map(|s| s.checked_rem(owners.len()));
        let mut numbers: Vec<usize> = slots.map(|at| owners[at]).collect();
        // One that holds nothing here, or nothing at all.
        numbers.push(self.numbers / 2);
        numbers.sort_unstable();
        numbers.dedup();
        let here = self.oracle.claims.iter().filter(|c| c.spot == spot);
        let back: i64 = here
            .filter(|c| numbers.contains(&c.owner))
            .map(|c| c.qty)
            .sum();
        let moves = self.oracle.moves.iter().filter(|m| m.spot == spot);
        let last = moves.filter_map(|m| m.reported).max();
        let expected = match (as_of, last) {
            (Some(as_of), Some(moved_at)) if as_of < moved_at => {
                Err(StockError::Stale { as_of, moved_at })
            }
            _ => {
                let reported = as_of.unwrap_or(self.oracle.now);
                self.moved(spot, i64::from(counted) + back, reported)
            }
        };
        let deducted: Vec<OwnerFact> = numbers.iter().map(|&n| identity(n)).collect();
        let counted = units(i64::from(counted));
        let told = self.ledger.count(
            spot.0, spot.1, counted, as_of, &deducted, self.told, &self.log,
        );
        let done = self.agree_on_move(told, expected, spot);
        self.note(match (done, back > 0) {
            (true, true) => "count: with deducted",
            (true, false) => "count: done",
            (false, _) => "count: stale",
        });
    }

    pub(super) fn adjust(&mut self, at: At, change: i64) {
        let spot = spot_of(at);
        let after = self.oracle.on_hand(spot) + change;
        let expected = self.moved(spot, after, self.oracle.now);
        let told = self
            .ledger
            .adjust(spot.0, spot.1, change, "adjust", self.told, &self.log);
        let done = self.agree_on_move(told, expected, spot);
        self.note(if done {
            "adjust: done"
        } else {
            "adjust: out of range"
        });
    }

    pub(super) fn set_safety(&mut self, at: At, qty: u32) {
        let spot = spot_of(at);
        self.oracle.safety.push((spot, i64::from(qty)));
        let qty = units(i64::from(qty));
        let told = self
            .ledger
            .set_safety_stock(spot.0, spot.1, qty, self.told, &self.log);
        self.agree_on_broken(&told, spot);
        self.note("safety stock");
    }

    pub(super) fn hold(&mut self, id: usize, at: At, qty: u32, reason: usize) {
        let spot = spot_of(at);
        let (_, reason) = HoldReason::ALL[reason];
        let reused = self.oracle.holds.get(id).filter(|_| id < 2);
        let name = reused.map_or_else(
            || format!("hold/{}", self.oracle.holds.len()),
            |h| h.id.clone(),
        );
        self.place(&name, spot, i64::from(qty), reason);
    }

    pub(super) fn hold_again(&mut self, id: usize) {
        let Some(at) = id.checked_rem(self.oracle.holds.len()) else {
            return;
        };
        let HoldRow {
            id,
            spot,
            placed,
            reason,
            ..
        } = self.oracle.holds[at].clone();
        self.place(&id, spot, placed, reason);
    }

    fn place(&mut self, id: &str, spot: Spot, qty: i64, reason: HoldReason) {
        let known = self.oracle.holds.iter().find(|h| h.id == id).cloned();
        let free = (self.oracle.on_hand(spot) - self.oracle.held(spot)).max(0);
        let told =
            self.ledger
                .place_hold(id, spot.0, spot.1, units(qty), reason, self.told, &self.log);
        match (known, told) {
            (Some(known), Ok(broken)) => {
                assert_eq!(
                    (known.spot, known.placed, known.reason),
                    (spot, qty, reason)
                );
                self.agree_on_broken(&broken, spot);
                self.note("hold: again");
            }
            (Some(known), Err(error)) => {
                assert_ne!(
                    (known.spot, known.placed, known.reason),
                    (spot, qty, reason)
                );
                assert_eq!(error, HoldError::Differs(Box::new(hold_of(&known))));
                self.note("hold: differs");
            }
            (None, Ok(broken)) => {
                assert!(qty <= free, "{qty} held of {free}");
                let id = id.to_owned();
                self.oracle.holds.push(HoldRow {
                    id,
                    spot,
                    placed: qty,
                    left: qty,
                    reason,
                });
                self.agree_on_broken(&broken, spot);
                self.note("hold: placed");
            }
            (None, Err(error)) => {
                let expected = HoldError::NotOnHand {
                    asked: units(qty),
                    free: units(free),
                };
                assert!(qty > free);
                assert_eq!(error, expected);
                self.note("hold: not on hand");
            }
        }
    }

    pub(super) fn release_hold(&mut self, id: usize, qty: Option<u32>) {
        let at = id.checked_rem(self.oracle.holds.len()).filter(|_| id < 11);
        let row = at.map(|at| &mut self.oracle.holds[at]);
        let name = row
            .as_ref()
            .map_or_else(|| "hold/none".to_owned(), |h| h.id.clone());
        let expected = match row {
            None => Err(HoldError::Unknown),
            Some(row) => {
                let asked = qty.map_or(row.left, i64::from);
                if asked <= row.left {
                    row.left -= asked;
                    Ok(units(asked))
                } else {
                    let (asked, held) = (units(asked), units(row.left));
                    Err(HoldError::TooMany { asked, held })
                }
            }
        };
        let qty = qty.map(|q| units(i64::from(q)));
        let told = self.ledger.release_hold(&name, qty, self.told, &self.log);
        assert_eq!(told, expected);
        self.note(if told.is_ok() {
            "hold: released"
        } else {
            "hold: not released"
        });
    }
}

/// A hold as the ledger shows it.
pub(super) fn hold_of(row: &HoldRow) -> Hold {
    Hold {
        sku: row.spot.0,
        location: row.spot.1,
        placed: units(row.placed),
        qty: units(row.left),
        reason: row.reason,
    }
}
