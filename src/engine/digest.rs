//! One number for all state: equal before a stop and after the restart.

use super::Engine;
use super::stock::StockAnswer;
use super::supply::SupplyAnswer;
use crate::ledger::{Broken, Kept, Moved};
use crate::model::{EpochMillis, LocationId, OwnerFact, SkuId, StreamName};
use bincode::Encode;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Adds up the hashes of single things, so that the order in which they are seen is nothing.
struct Sum {
    total: u64,
    bytes: Vec<u8>,
}

impl Sum {
    /// Counts one thing of a kind.
    fn add(&mut self, kind: u64, thing: impl Encode) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let written = bincode::encode_into_std_write(thing, &mut bytes, bincode::config::legacy());
        written.expect("memory takes what is written to it");
        self.total = self.total.wrapping_add(xxh3_64_with_seed(&bytes, kind));
        self.bytes = bytes;
    }
}

impl Engine {
    /// A hash of everything that a command could find out at `now`: positions, promises, holds,
    /// supply, orders with their plans, reservations, references with their answers, names. It
    /// reads all of it, and means something only while nothing is written.
    #[must_use]
    pub fn state_hash(&self, now: EpochMillis) -> u64 {
        let mut sum = Sum {
            total: 0,
            bytes: Vec::new(),
        };
        self.ledger.walk(now, |kept| add_kept(&mut sum, &kept));
        self.add_names(&mut sum);
        self.orders.for_each(|record| {
            let what = (&*record.order, &*record.decision, record.state.name());
            sum.add(20, (what, record.accepted_at));
            for part in &record.parts {
                sum.add(23, part);
            }
            if !record.costs.is_empty() {
                sum.add(25, (&record.order.key, &record.costs));
            }
            if let Some(returns) = &record.returns {
                sum.add(24, (&record.order.key, returns));
            }
            if let Some(amended) = &record.amended {
                sum.add(26, (&record.order.key, &**amended));
            }
            for waits in &record.waits {
                sum.add(25, (&record.order.key, waits));
            }
        });
        self.for_each_reservation(now, |id, held| match held {
            None => sum.add(21, id),
            Some((asked, reservation)) => {
                let owner = reservation.owner();
                let terms = (reservation.expires_at(), owner.priority, owner.sequence);
                let claims = reservation.claims().iter();
                let claims: Vec<_> = claims.map(|c| (c.sku, c.location, c.qty)).collect();
                sum.add(22, (id, asked, terms, claims));
            }
        });
        self.stock_references
            .for_each(|reference, content, answer| {
                let id = (reference, content);
                match &**answer {
                    StockAnswer::Moved(m) => sum.add(30, (id, moved(m))),
                    StockAnswer::Loaded(rows, b) => sum.add(31, (id, *rows as u64, broken(b))),
                    StockAnswer::Broken(b) => sum.add(32, (id, broken(b))),
                    StockAnswer::Released(qty) => sum.add(33, (id, qty)),
                    StockAnswer::Done => sum.add(34, id),
                }
            });
        self.supply_references
            .for_each(|reference, content, answer| {
                let id = (reference, content);
                match &**answer {
                    SupplyAnswer::Received(r) => sum.add(35, (id, moved(&r.moved), r.written_off)),
                    SupplyAnswer::Broken(b) => sum.add(36, (id, broken(b))),
                }
            });
        for record in self.desk.now().records() {
            sum.add(60, record);
        }
        let availability = self.availability.lock();
        for threshold in &availability.thresholds {
            sum.add(60, threshold);
        }
        for level in &availability.levels {
            sum.add(61, level);
        }
        drop(availability);
        for (place, measure, bucket, count) in self.delays.lock().counts() {
            let place = (place.day.0, place.channel, place.location);
            sum.add(70, (place, measure as u64, bucket, count));
        }
        self.add_feed(&mut sum);
        self.add_days(&mut sum, now);
        sum.total
    }

    /// Groups and what is pending in them. When a consumer was last heard of is no state: not
    /// every poll is written down.
    fn add_feed(&self, sum: &mut Sum) {
        for stream in StreamName::ALL {
            let groups = self.feed.groups_image(stream);
            for (name, group) in groups.iter() {
                sum.add(50, (stream, name, group.last(), group.read()));
                for consumer in group.consumers().keys() {
                    sum.add(51, (stream, name, &consumer[..]));
                }
                for (id, pending) in group.pending() {
                    let held = (pending.delivered_at, pending.deliveries);
                    sum.add(52, (stream, name, &pending.consumer[..], id, held));
                }
            }
        }
    }

    /// What the days of locations with a limit have still to hand over.
    fn add_days(&self, sum: &mut Sum, now: EpochMillis) {
        let lanes = self.lanes();
        let all = (0..lanes.locations()).filter_map(LocationId::from_index);
        let limited = all.filter(|&l| lanes.limit(l).is_some());
        let mut days = Vec::new();
        self.ledger.days().list(limited, now, &mut days);
        for used in days {
            sum.add(60, (used.location, used.at, used.shipments, used.units));
        }
    }

    fn add_names(&self, sum: &mut Sum) {
        let registry = &self.registry;
        for index in 0..registry.sku_count() {
            if let Some(item) = SkuId::from_index(index).and_then(|sku| registry.item(sku)) {
                sum.add(40, (index as u64, &*item));
            }
        }
        for index in 0..registry.channel_count() {
            if let Some(id) = crate::model::ChannelId::from_index(index) {
                sum.add(41, (index as u64, registry.channel_name(id)));
            }
        }
        let lanes = self.lanes();
        self.with_network(|network| {
            for (index, location) in network.locations.iter().enumerate() {
                let paused = LocationId::from_index(index).is_some_and(|l| lanes.paused(l));
                sum.add(42, (index as u64, location, paused));
            }
        });
    }
}

fn add_kept(sum: &mut Sum, kept: &Kept<'_>) {
    match *kept {
        Kept::Position(sku, p) => {
            let counts = (p.on_hand, p.held, p.safety, p.reserved);
            // A place that was only looked at is no state.
            if counts != (0, 0, 0, 0) {
                sum.add(1, (sku, p.location, p.flags, counts));
            }
        }
        Kept::Claim {
            claim,
            owner,
            channel,
            expires_at,
        } => {
            let owner = (&owner.id, owner.priority, owner.sequence);
            sum.add(2, (claim, owner, channel, expires_at));
        }
        Kept::Allocation(sku, a) => sum.add(3, (sku, a.channel, a.protected, a.cap, a.used)),
        Kept::MovedAt(sku, location, at) => sum.add(4, (sku, location, at)),
        Kept::Hold(id, h) => {
            sum.add(5, (id, h.sku, h.location, h.placed, h.qty, h.reason));
        }
        Kept::Supply(id, s) => {
            sum.add(
                6,
                (id, &s.announced, s.first_expected, s.left, s.state.name()),
            );
        }
    }
}

type BrokenParts<'a> = Vec<(&'a OwnerFact, i32, u64, SkuId, LocationId, u32)>;

fn broken(list: &[Broken]) -> BrokenParts<'_> {
    let parts = list.iter();
    parts
        .map(|b| {
            let owner = &b.owner;
            let (sku, location) = (b.sku, b.location);
            (
                &owner.id,
                owner.priority,
                owner.sequence,
                sku,
                location,
                b.qty.0,
            )
        })
        .collect()
}

fn moved(m: &Moved) -> (u32, u32, BrokenParts<'_>) {
    (m.before.0, m.after.0, broken(&m.broken))
}
