//! Thresholds of availability: told when what may be promised crosses one, or zero.
//!
//! Whoever keeps time looks at the items that have a threshold, and what changed sides since the last
//! look becomes a fact: so the ledger does nothing for it, a crossing is told once, and the feed is
//! the same after a restart. What crosses twice between two looks is not told. Every item may have a
//! threshold, so one look is at so many of them, and the next one goes on from there.

use super::Engine;
use super::error::EngineError;
use super::facts::referenced_fact;
use super::stock::StockAnswer;
use crate::ledger::AtpQuery;
use crate::model::{
    AnswerKind, AvailabilityFact, AvailabilityLevel, EpochMillis, Fact, Invalid, Network, Qty,
    SkuId, Watched,
};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// So many thresholds are looked at in one step, which a snapshot has to wait for.
const LOOK_AT: usize = 4_096;

/// Thresholds, and where each stood when it was told.
#[derive(Debug, Clone, Default)]
pub(super) struct Availability {
    /// `None` is one that was taken away: the network's own does not come back.
    pub(super) thresholds: BTreeMap<Watched, Option<Qty>>,
    /// Of those that do not have plenty.
    pub(super) levels: BTreeMap<Watched, AvailabilityLevel>,
}

impl Availability {
    /// Sets a threshold, or takes it away.
    pub(super) fn set(&mut self, watched: Watched, low: Option<Qty>) {
        self.thresholds.insert(watched, low);
        if low.is_none() {
            self.levels.remove(&watched);
        }
    }

    /// Notes where it stands.
    pub(super) fn put(&mut self, watched: Watched, is: AvailabilityLevel) {
        match is {
            AvailabilityLevel::Plenty => self.levels.remove(&watched),
            level => self.levels.insert(watched, level),
        };
    }

    /// The next thresholds after one, and the last that was looked at, unless it was the last of all.
    fn slice(&self, after: Option<Watched>) -> (Vec<(Watched, Qty)>, Option<Watched>) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.thresholds.range((from, Bound::Unbounded));
        let mut slice = Vec::new();
        let mut last = None;
        for (&watched, &low) in rest.by_ref().take(LOOK_AT) {
            slice.extend(low.map(|low| (watched, low)));
            last = Some(watched);
        }
        (slice, last.filter(|_| rest.next().is_some()))
    }

    fn level(&self, watched: &Watched) -> AvailabilityLevel {
        let known = self.levels.get(watched).copied();
        known.unwrap_or(AvailabilityLevel::Plenty)
    }
}

impl Engine {
    /// Watches what the network says, where nobody has said anything of it. `skus` are the registry's ids
    /// of the folder's items.
    pub(super) fn begin_thresholds(
        &self,
        folder: &Network,
        skus: &[SkuId],
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        for row in &folder.thresholds {
            let channel = row.channel.as_deref();
            let channel = channel.map(|c| self.channel("thresholds.channel", c, now));
            let channel = channel.transpose()?;
            let every = 0..self.registry.sku_count();
            let items: Vec<SkuId> = match row.sku {
                Some(sku) => vec![skus[sku.index()]],
                None => every.filter_map(SkuId::from_index).collect(),
            };
            let pass = self.gate.enter();
            let mut availability = self.availability.lock();
            for sku in items {
                let watched = (sku, channel);
                if !availability.thresholds.contains_key(&watched) {
                    let low = Some(row.low);
                    let set = Fact::ThresholdSet { watched, low };
                    self.history.append(&pass, now, || [set]);
                    availability.set(watched, low);
                }
            }
        }
        Ok(())
    }

    /// Watches an item, for one channel or all together: an event tells when what may be promised
    /// falls to `low` units or to none, and when it is more again. `None` ends that.
    ///
    /// # Errors
    /// `NOTFOUND`, `INVALID`, `CONFLICT`.
    pub fn set_threshold(
        &self,
        reference: &str,
        sku: &str,
        channel: Option<&str>,
        low: Option<Qty>,
        now: EpochMillis,
    ) -> Result<(), EngineError> {
        if low.is_some_and(|low| low > Qty::MAX) {
            return Err(Invalid::new("low", "too many", "0 to 2000000000 units").into());
        }
        let units = low.map_or_else(|| "none".to_owned(), |low| low.to_string());
        let whose = channel.unwrap_or("*");
        let content = format!("STOCK.THRESHOLD {sku} {units} {whose}");
        let sku = self.registry.sku("sku", sku)?;
        self.stock_references.once(reference, content, |content| {
            let channel = channel
                .map(|c| self.channel("CHANNEL", c, now))
                .transpose()?;
            let watched = (sku, channel);
            let pass = self.gate.enter();
            let mut availability = self.availability.lock();
            let set = Fact::ThresholdSet { watched, low };
            let answered = referenced_fact(reference, content, AnswerKind::Done);
            self.history.append(&pass, now, || [set, answered]);
            availability.set(watched, low);
            drop(availability);
            Ok((Arc::new(StockAnswer::Done), pass))
        })?;
        Ok(())
    }

    /// Looks at every item that has a threshold, and tells which changed sides since the last look.
    pub fn check_availability(&self, now: EpochMillis) {
        let mut after = None;
        loop {
            after = self.check_availability_after(after, now);
            if after.is_none() {
                break;
            }
        }
    }

    /// The same for at most 4,096 of them: those after `after`, from the first one where it is `None`.
    /// Answers after which the next look goes on; `None` at the end.
    pub fn check_availability_after(
        &self,
        after: Option<Watched>,
        now: EpochMillis,
    ) -> Option<Watched> {
        let pass = self.gate.enter();
        let mut availability = self.availability.lock();
        let (slice, next) = availability.slice(after);
        for (watched, low) in slice {
            let query = AtpQuery {
                channel: watched.1,
                ..AtpQuery::default()
            };
            let atp = self.ledger.atp(watched.0, &query, now);
            let was = availability.level(&watched);
            let is = AvailabilityLevel::of(atp, low);
            if is != was {
                let crossed = AvailabilityFact {
                    watched,
                    low,
                    atp,
                    was,
                    is,
                };
                let fact = Fact::AvailabilityCrossed(Box::new(crossed));
                self.history.append(&pass, now, || [fact]);
                availability.put(watched, is);
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_go_on_where_the_last_one_ended_and_leave_out_what_was_taken_away() {
        let mut all = Availability::default();
        let watched = |n: usize| (SkuId::from_index(n).unwrap(), None);
        for n in 0..LOOK_AT * 2 {
            all.set(watched(n), Some(Qty(1)));
        }
        all.put(watched(7), AvailabilityLevel::Low);
        all.set(watched(7), None);
        assert!(all.thresholds.contains_key(&watched(7)));
        assert_eq!(all.level(&watched(7)), AvailabilityLevel::Plenty);
        let (first, next) = all.slice(None);
        assert_eq!(
            (first.len(), next),
            (LOOK_AT - 1, Some(watched(LOOK_AT - 1)))
        );
        let (second, next) = all.slice(next);
        assert_eq!((second.len(), next), (LOOK_AT, None));
        assert_eq!(second[0].0, watched(LOOK_AT));
        assert_eq!(Availability::default().slice(None), (Vec::new(), None));
    }
}
