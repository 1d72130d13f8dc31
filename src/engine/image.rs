//! The engine as it was at one moment, piece by piece, while it works on.

use super::Engine;
use super::feed::{FeedAtCut, FeedImage};
use super::stock::StockAnswer;
use super::supply::SupplyAnswer;
use crate::ledger::{Broken, Hold, Reservation, ShardImage, Supply};
use crate::lifecycle::{ExceptionRecord, Exceptions, OrderRecord};
use crate::model::{BrokenFact, ChannelId, EpochMillis, Item, LocationId, Lsn, SkuId};
use crate::snapshot::{
    AnswerImage, Meta, OrderHolding, OrderImage, ReferenceImage, ReservationImage,
};
use parking_lot::MutexGuard;
use std::sync::Arc;

/// Pieces that are handed over together.
const TOGETHER: usize = 512;

/// All state at one moment. While it lives the engine keeps what changes as it was.
#[must_use = "looking is over when it is dropped"]
pub struct Cut<'e> {
    engine: &'e Engine,
    _only: MutexGuard<'e, ()>,
    at: Lsn,
    meta: Meta,
    feed: FeedAtCut,
    exceptions: Arc<Exceptions>,
}

/// Records of a cut; some of one kind at a time.
#[derive(Debug)]
pub enum Records {
    /// Orders.
    Orders(Vec<OrderImage>),
    /// Reservations.
    Reservations(Vec<ReservationImage>),
    /// References.
    References(Vec<ReferenceImage>),
}

impl Engine {
    /// Finds a moment between two steps. Those who change state wait for the time that it takes to
    /// note that moment; whoever comes first to a shard afterwards copies it. One cut at a time:
    /// another waits until this one is dropped.
    pub fn cut(&self, now: EpochMillis) -> Cut<'_> {
        let only = self.cutting.lock();
        // Everything that changes with the network changes under its lock, which comes first.
        let network = self.network.lock();
        let closed = self.gate.close();
        let at = self.history.latest();
        let sequence = self.sequence.load(std::sync::atomic::Ordering::Relaxed);
        let (skus, channels) = (self.registry.sku_count(), self.registry.channel_count());
        self.ledger.cut();
        self.registry.cut();
        self.orders_before.begin();
        self.cut_reservations();
        self.stock_references.cut();
        self.supply_references.cut();
        let (feed, exceptions) = (self.feed_at_cut(), self.desk.now());
        let availability = self.availability.lock().clone();
        drop(closed);
        let lanes = self.lanes.load();
        let locations = (0..network.locations.len()).filter_map(LocationId::from_index);
        let names = (0..channels).filter_map(ChannelId::from_index);
        let meta = Meta {
            network: network.name.clone(),
            services: self.services.to_vec(),
            rules: self.ledger.rules(),
            sequence,
            channels: names
                .map(|c| self.registry.channel_name(c).into())
                .collect(),
            locations: network.locations.clone(),
            paused: locations.filter(|&l| lanes.paused(l)).collect(),
            skus: skus as u64,
            now,
            thresholds: availability.thresholds.into_iter().collect(),
            levels: availability.levels.into_iter().collect(),
            release_secret: self.release_secret(),
        };
        drop(network);
        Cut {
            engine: self,
            _only: only,
            at,
            meta,
            feed,
            exceptions,
        }
    }

    /// What a cut keeps of an order.
    pub(super) fn order_image(&self, record: &OrderRecord<Reservation>) -> OrderImage {
        let holding = record.holding.as_ref().map(|reservation| OrderHolding {
            channel: reservation.channel(),
            sequence: reservation.owner().sequence,
            claims: self.ledger.claim_facts(reservation),
        });
        OrderImage {
            order: record.order.clone(),
            decision: record.decision.clone(),
            accepted_at: record.accepted_at,
            state: record.state,
            parts: record.parts.clone(),
            costs: record.costs.clone(),
            returns: record.returns.clone(),
            holding,
            amended: record.amended.clone(),
        }
    }
}

impl Cut<'_> {
    /// The number of the last fact that is in it; all up to it are.
    #[must_use]
    pub fn at(&self) -> Lsn {
        self.at
    }

    /// What there is only one of.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The event feed's groups and counts.
    #[must_use]
    pub fn feed(&self) -> FeedImage {
        self.feed.image()
    }

    /// What makes the exceptions.
    pub fn exceptions(&self) -> impl Iterator<Item = ExceptionRecord> {
        self.exceptions.records()
    }

    /// All items, by id.
    pub fn items(&self) -> impl Iterator<Item = Arc<Item>> {
        let skus = usize::try_from(self.meta.skus).unwrap_or(usize::MAX);
        let ids = (0..skus).filter_map(SkuId::from_index);
        ids.filter_map(|sku| self.engine.registry.item_at_cut(sku))
    }

    /// Shows all shards, in no particular order.
    ///
    /// # Errors
    /// As `see`.
    pub fn each_shard<E>(&self, see: impl FnMut(&ShardImage) -> Result<(), E>) -> Result<(), E> {
        self.engine.ledger.each_shard(see)
    }

    /// All holds.
    #[must_use]
    pub fn holds(&self) -> Vec<(Box<str>, Hold)> {
        self.engine.ledger.holds_at_cut()
    }

    /// All supplies.
    #[must_use]
    pub fn supplies(&self) -> Vec<(Box<str>, Supply)> {
        self.engine.ledger.supplies_at_cut()
    }

    /// Shows all orders, reservations and references. Locks are held while `see` works, so it must
    /// be short.
    pub fn each_record(&self, mut see: impl FnMut(Records)) {
        let engine = self.engine;
        let mut orders = Vec::with_capacity(TOGETHER);
        engine.orders.for_each(|record| {
            let image = engine.order_image(record);
            let was = engine.orders_before.or_read(&record.order.key, image);
            orders.extend(was);
            if orders.len() == TOGETHER {
                let full = std::mem::replace(&mut orders, Vec::with_capacity(TOGETHER));
                see(Records::Orders(full));
            }
        });
        see(Records::Orders(orders));
        engine.orders_before.end();
        let mut reservations = Vec::with_capacity(TOGETHER);
        engine.each_reservation_at_cut(|image| {
            reservations.push(image);
            if reservations.len() == TOGETHER {
                see(Records::Reservations(std::mem::take(&mut reservations)));
            }
        });
        see(Records::Reservations(reservations));
        engine.end_cut_of_reservations();
        let mut references = Vec::new();
        let mut note = |reference: &str, content: &str, answer| {
            references.push(ReferenceImage {
                reference: reference.into(),
                content: content.into(),
                answer,
            });
            if references.len() == TOGETHER {
                see(Records::References(std::mem::take(&mut references)));
            }
        };
        let stock = &engine.stock_references;
        stock.each_at_cut(|r, c, answer| note(r, c, stock_answer(answer)));
        let supply = &engine.supply_references;
        supply.each_at_cut(|r, c, answer| note(r, c, supply_answer(answer)));
        see(Records::References(references));
    }
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        let engine = self.engine;
        engine.ledger.end_cut();
        engine.registry.end_cut();
        engine.orders_before.end();
        engine.end_cut_of_reservations();
        engine.stock_references.end_cut();
        engine.supply_references.end_cut();
    }
}

fn stock_answer(answer: &StockAnswer) -> AnswerImage {
    match answer {
        StockAnswer::Moved(m) => AnswerImage::Moved(m.before, m.after, facts(&m.broken)),
        StockAnswer::Loaded(rows, broken) => AnswerImage::Loaded(*rows as u64, facts(broken)),
        StockAnswer::Broken(broken) => AnswerImage::Broken(facts(broken)),
        StockAnswer::Released(qty) => AnswerImage::Released(*qty),
        StockAnswer::Done => AnswerImage::Done,
    }
}

fn supply_answer(answer: &SupplyAnswer) -> AnswerImage {
    match answer {
        SupplyAnswer::Received(r) => AnswerImage::Received(
            r.moved.before,
            r.moved.after,
            facts(&r.moved.broken),
            r.written_off,
        ),
        SupplyAnswer::Broken(broken) => AnswerImage::SupplyBroken(facts(broken)),
    }
}

fn facts(broken: &[Broken]) -> Vec<BrokenFact> {
    broken.iter().map(super::stock::broken_fact).collect()
}
