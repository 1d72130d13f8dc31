//! An engine made of a snapshot: where replay goes on from.

use super::duplicates::Entering;
use super::replay::{Replay, broken_again};
use super::stock::StockAnswer;
use super::supply::{Received, SupplyAnswer};
use crate::ledger::{Grant, Moved, Owner};
use crate::lifecycle::{OrderRecord, OrderState, OrderStatus, State, Submission};
use crate::model::{BrokenFact, EpochMillis, Item, Lsn, OwnerFact, PromiseRules, Qty};
use crate::snapshot::{
    AnswerImage, Meta, OrderImage, ReferenceImage, ReservationImage, Snapshot, SnapshotError,
};
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Replay {
    /// Takes everything that a snapshot says; before any fact. Returns the number of the last fact
    /// that is in it, and the moment of its cut. `progress` hears of parts done and of all.
    ///
    /// # Errors
    /// [`SnapshotError`]; this value is of no use then.
    pub fn restore(
        &mut self,
        snapshot: &Snapshot,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<(Lsn, EpochMillis), SnapshotError> {
        let meta = snapshot.meta()?;
        let (at, now) = (snapshot.at(), meta.now);
        let means = |why: String| snapshot.meaning(why);
        self.restore_names(&meta).map_err(means)?;
        let chunks = snapshot.items().collect::<Vec<_>>();
        for chunk in chunks {
            for item in chunk? {
                self.restore_item(item).map_err(means)?;
            }
        }
        if self.engine.registry.sku_count() as u64 != meta.skus {
            let there = self.engine.registry.sku_count();
            return Err(means(format!("{there} items are there of {}", meta.skus)));
        }
        self.restore_rules(&meta.rules);
        let engine = &self.engine;
        let skus = engine.registry.sku_count();
        snapshot.shards().par_bridge().try_for_each(|shard| {
            let (shard, side) = shard?;
            let restored = engine.ledger.restore_shard(
                shard.number,
                shard.now,
                shard.row_ends,
                shard.positions,
                &side,
            );
            restored.map_err(means)?;
            check_rows(shard.number, shard.row_ends, skus).map_err(means)
        })?;
        for (id, supply) in snapshot.supplies()? {
            engine.ledger.restore_supply(&id, supply);
        }
        for (id, hold) in snapshot.holds()? {
            engine.ledger.restore_hold(&id, hold).map_err(means)?;
        }
        for change in snapshot.feed_groups()? {
            engine.feed.apply(&change);
        }
        if let Some(marks) = snapshot.feed_marks()? {
            engine.feed.restore_marks(marks);
        }
        for record in snapshot.exceptions()? {
            engine.desk.restore(|all| all.restore(record));
        }
        let (parts, done) = (snapshot.parts(), std::sync::atomic::AtomicUsize::new(0));
        parts.par_iter().try_for_each(|&part| {
            let restored = self.restore_part(snapshot, part);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, parts.len());
            restored
        })?;
        engine.ledger.check_restored().map_err(means)?;
        self.restore_rest(&meta).map_err(means)?;
        Ok((at, now))
    }

    /// Which supply on its way may be promised: before the shards.
    pub(super) fn restore_rules(&mut self, rules: &PromiseRules) {
        self.engine.ledger.set_rules(rules, EpochMillis::default());
        self.rules = rules.clone();
    }

    /// What there is only one of: after everything else.
    pub(super) fn restore_rest(&mut self, meta: &Meta) -> Result<(), String> {
        let engine = &self.engine;
        if engine.release_secret.set(meta.release_secret).is_err() {
            return Err("there are two release keys".to_owned());
        }
        let mut availability = engine.availability.lock();
        availability.thresholds = meta.thresholds.iter().copied().collect();
        availability.levels = meta.levels.iter().copied().collect();
        drop(availability);
        let sequence = &engine.sequence;
        sequence.fetch_max(meta.sequence, Ordering::Relaxed);
        self.services = Some(meta.services.clone());
        self.opened = true;
        self.last_at = self.last_at.max(meta.now);
        Ok(())
    }

    /// The hash of the state as it is, without the network folder; see [`super::Engine::state_hash`].
    ///
    /// # Errors
    /// `INVALID` naming what in a location cannot be used.
    pub fn state_hash(self, now: EpochMillis) -> Result<u64, super::EngineError> {
        let network = crate::model::Network {
            locations: self.locations,
            ..crate::model::Network::default()
        };
        let lanes = crate::routing::Lanes::new(&network)?;
        for location in self.paused {
            lanes.set_paused(location, true);
        }
        let limited = lanes.limited();
        self.engine.lanes.store(Arc::new(lanes));
        *self.engine.network.lock() = network;
        if limited {
            self.engine.count_days(now);
        }
        Ok(self.engine.state_hash(now))
    }

    pub(super) fn restore_names(&mut self, meta: &Meta) -> Result<(), String> {
        let (registry, gate) = (&self.engine.registry, &self.engine.gate);
        for channel in &meta.channels {
            let put = registry.channel("channel", channel, gate, |_, _| {});
            put.map_err(|e| e.to_string())?;
        }
        for (index, location) in meta.locations.iter().enumerate() {
            let put = registry.put_location(&location.id, gate, |_, _| {});
            let (id, _) = put.map_err(|e| e.to_string())?;
            if id.index() != index {
                return Err(format!("location {} is there twice", location.id));
            }
        }
        self.locations.clone_from(&meta.locations);
        self.paused = meta.paused.iter().copied().collect();
        Ok(())
    }

    pub(super) fn restore_item(&self, item: Item) -> Result<(), String> {
        let (registry, gate) = (&self.engine.registry, &self.engine.gate);
        let name = item.sku.clone();
        match registry.put_item(item, gate, |_, _| {}) {
            Ok((_, true)) => Ok(()),
            Ok((_, false)) => Err(format!("item {name} is there twice")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn restore_part(
        &self,
        snapshot: &Snapshot,
        part: crate::snapshot::Part,
    ) -> Result<(), SnapshotError> {
        let means = |why: String| snapshot.meaning(why);
        snapshot.records(
            part,
            |order| self.restore_order(order).map_err(means),
            |reservation| self.restore_put(reservation).map_err(means),
            |reference| self.restore_reference(reference).map_err(means),
        )
    }

    pub(super) fn restore_order(&self, image: OrderImage) -> Result<(), String> {
        let engine = &self.engine;
        let Submission::New(place) = engine.orders.submit(&image.order) else {
            return Err(format!("order {} is there twice", image.order.key));
        };
        let demands = self.demands_of(&image.order)?;
        let holding = match image.holding {
            None => None,
            Some(holding) => {
                let owner = Arc::new(Owner {
                    id: OwnerFact::Order(image.order.key.clone()),
                    priority: image.order.priority,
                    sequence: holding.sequence,
                });
                Some(engine.ledger.readmit(&Grant {
                    owner: &owner,
                    channel: holding.channel,
                    expires_at: EpochMillis::DISTANT_FUTURE,
                    claims: &holding.claims,
                })?)
            }
        };
        engine.count(&image.decision.plan);
        if image.state == OrderState::Cancelled {
            engine.counts.cancelled.fetch_add(1, Ordering::Relaxed);
        }
        let mut record = OrderRecord {
            order: image.order,
            demands: demands.into(),
            decision: image.decision,
            accepted_at: image.accepted_at,
            state: image.state,
            parts: image.parts,
            costs: image.costs,
            returns: image.returns,
            holding,
            amended: image.amended,
            waits: Box::default(),
            watched: crate::lifecycle::Watched::default(),
            counted: false,
        };
        let over = record.status() == OrderStatus::All(State::Cancelled);
        if let Some(holding) = record.holding.as_ref().filter(|_| !over) {
            let entering = Entering {
                order: &record.order,
                sequence: holding.owner().sequence,
                accepted_at: record.accepted_at,
            };
            engine.duplicates.remember(entering, record.accepted_at);
        }
        engine.await_parts(&mut record);
        engine.name_returns(&record)?;
        engine.count_costs(&record);
        engine.count_delays(&record);
        place.accept(record);
        Ok(())
    }

    pub(super) fn restore_put(&self, image: ReservationImage) -> Result<(), String> {
        self.engine.readmit_reservation(image)
    }

    fn restore_reference(&self, image: ReferenceImage) -> Result<(), String> {
        let (stock, supply) = self.answers(&image.reference, &image.content);
        match image.answer {
            AnswerImage::Moved(before, after, broken) => {
                stock(StockAnswer::Moved(moved(before, after, broken)));
            }
            AnswerImage::Loaded(rows, broken) => {
                let rows = usize::try_from(rows).map_err(|e| e.to_string())?;
                stock(StockAnswer::Loaded(rows, all_broken(broken)));
            }
            AnswerImage::Broken(broken) => stock(StockAnswer::Broken(all_broken(broken))),
            AnswerImage::Released(qty) => stock(StockAnswer::Released(qty)),
            AnswerImage::Done => stock(StockAnswer::Done),
            AnswerImage::Received(before, after, broken, written_off) => {
                let moved = moved(before, after, broken);
                supply(SupplyAnswer::Received(Received { moved, written_off }));
            }
            AnswerImage::SupplyBroken(broken) => {
                supply(SupplyAnswer::Broken(all_broken(broken)));
            }
        }
        Ok(())
    }
}

/// Rows are those of known items.
fn check_rows(shard: u32, row_ends: &[u32], skus: usize) -> Result<(), String> {
    let Ok(rows) = u32::try_from(row_ends.len()) else {
        return Err(format!("shard {shard} has too many rows"));
    };
    match rows.checked_sub(1) {
        Some(last) if crate::ledger::sku_at(shard, last).index() >= skus => {
            Err(format!("shard {shard} has rows of items that nobody named"))
        }
        _ => Ok(()),
    }
}

fn moved(before: Qty, after: Qty, broken: Vec<BrokenFact>) -> Moved {
    Moved {
        before,
        after,
        broken: all_broken(broken),
    }
}

fn all_broken(facts: Vec<BrokenFact>) -> Vec<crate::ledger::Broken> {
    facts.into_iter().map(broken_again).collect()
}
