//! Several orders moved in one step: all of them, or none.

use super::{MoveOutcome, Moving};
use crate::engine::Engine;
use crate::engine::days::used_by;
use crate::engine::error::EngineError;
use crate::engine::facts::notes_of_replan;
use crate::engine::replan::{FITS, emptied};
use crate::ledger::{DayUse, Exchange, Reservation, Room, Want};
use crate::lifecycle::Several;
use crate::model::{EpochMillis, Fact, Freed, Invalid, OrderKey, ReplannedFact};
use std::mem::take;

impl Engine {
    /// Moves several orders in one step, so that each may get what another gives up: all of them or
    /// none. Tells each what became of it: where one cannot move, the others are told `nostock`.
    ///
    /// # Errors
    /// As [`Engine::move_order`], `BUSY` when the orders are busy.
    pub fn move_orders(
        &self,
        group: &[&Moving],
        now: EpochMillis,
    ) -> Result<Vec<MoveOutcome>, EngineError> {
        let keys: Vec<&OrderKey> = group.iter().map(|moving| &moving.key).collect();
        let mut different = keys.clone();
        different.sort_unstable();
        if let Some(pair) = different.windows(2).find(|pair| pair[0] == pair[1]) {
            let expected = "each order once";
            return Err(Invalid::new("order", pair[0], expected).into());
        }
        let moved = self
            .orders
            .change_all(&keys, |records| self.move_records(records, group, now));
        moved.unwrap_or(Err(EngineError::Busy { tries: 1 }))
    }

    fn move_records(
        &self,
        records: &mut Several<'_, '_, Reservation>,
        group: &[&Moving],
        now: EpochMillis,
    ) -> Result<Vec<MoveOutcome>, EngineError> {
        let mut prepared = Vec::with_capacity(group.len());
        let mut outcomes = vec![MoveOutcome::NoStock; group.len()];
        for (at, moving) in group.iter().enumerate() {
            let one = records.change(at, |record| self.prepare(record, moving, now));
            let one = one.ok_or_else(|| {
                EngineError::not_found("order", &moving.key.to_string(), "order")
            })??;
            match one {
                Ok(one) => prepared.push(one),
                Err(why) => outcomes[at] = why,
            }
        }
        if prepared.len() < group.len() {
            return Ok(outcomes);
        }
        let pass = self.gate.enter();
        let rooms: Vec<Room> = prepared.iter().flat_map(|p| p.rooms.clone()).collect();
        let used = (0..group.len()).filter_map(|at| records.change(at, |record| used_by(record)));
        let used: Vec<DayUse> = used.flatten().collect();
        if self.ledger.days().exchange(&used, &rooms, now).is_err() {
            return Ok(outcomes);
        }
        let mut holdings = Vec::with_capacity(group.len());
        let mut without: Vec<Vec<u32>> = vec![Vec::new(); group.len()];
        for (at, one) in prepared.iter_mut().enumerate() {
            let held = records.change(at, |record| {
                let mut parts = record.parts().into_owned();
                let left = self.placed(record, &mut parts, &one.fact, now);
                one.fact.left = left.expect(FITS);
                without[at] = emptied(&parts, &one.fact);
                self.save(record);
                record.holding.take()
            });
            holdings.extend(held.flatten());
        }
        let freed: Vec<Vec<Freed>> = prepared.iter().map(|p| p.fact.freed.clone()).collect();
        let wants: Vec<Vec<Want>> = prepared.iter_mut().map(|p| take(&mut p.wants)).collect();
        let mut exchanges: Vec<Exchange<'_>> = holdings
            .iter_mut()
            .zip(freed.iter().zip(&wants))
            .map(|(reservation, (freed, wants))| Exchange {
                reservation,
                freed,
                wants,
            })
            .collect();
        let mut moved_at = None;
        let mut facts: Vec<ReplannedFact> = prepared.into_iter().map(|p| p.fact).collect();
        let granted = self
            .ledger
            .rearrange_all(&mut exchanges, now, |at, granted| {
                moved_at = Some(at);
                for (fact, granted) in facts.iter_mut().zip(granted) {
                    fact.granted = granted;
                }
                // What a move of one order ends, a move of several does as well.
                let mut notes = Vec::new();
                if self.desk.any_open() {
                    let each = facts.iter().zip(&without);
                    notes.extend(each.flat_map(|(fact, without)| notes_of_replan(fact, without)));
                }
                let all = facts.iter().cloned().map(Box::new);
                let all = all.map(Fact::OrderReplanned).collect();
                self.append_noting(&pass, at, all, &notes);
            });
        for (at, holding) in holdings.into_iter().enumerate() {
            records.change(at, |record| record.holding = Some(holding));
        }
        let (Ok(()), Some(moved_at)) = (granted, moved_at) else {
            self.ledger.days().undo(&used, &rooms, now);
            return Ok(outcomes);
        };
        for (at, fact) in facts.iter().enumerate() {
            records.change(at, |record| {
                self.replanned(record, fact, moved_at).expect(FITS);
            });
        }
        outcomes.fill(MoveOutcome::Moved);
        Ok(outcomes)
    }
}
