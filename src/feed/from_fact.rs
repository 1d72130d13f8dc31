//! Which events a fact gives. The names of types and fields are part of the wire format.
//!
//! Every event begins with `type` and `at`; a field without a value is left out. Orders are named
//! by `source` and `order`, other reservations by `reservation`.
//!
//! | fact | type | streams | fields |
//! | --- | --- | --- | --- |
//! | an order is accepted | `order.accepted` | orders | source, order, channel, priority, sequence, placed_at, lines, units, shipments, claims, cents, optimal |
//! | … each shipment of its plan | `shipment.planned` | orders | source, order, shipment, location, service, units, parcels, need_at, ship_at, deliver_on, cents |
//! | … each item left unshipped | `order.short` | orders, exceptions | source, order, sku, qty |
//! | … each position it holds units of | `stock.claimed` | stock | source, order, sku, location, qty, need_at |
//! | an order is cancelled | `order.cancelled` | orders | source, order |
//! | a part of an order is validated, routed, … | `fulfillment.validated`, `.routed`, `.backordered`, `.held`, `.resumed`, `.sent`, `.taken_back`, `.acknowledged`, `.short`, `.picked`, `.packed`, `.shipped`, `.delivered`, `.returned`, `.rejected`, `.cancelled` | orders; exceptions too when backordered, short or rejected | source, order, fulfillment, late, state; holder, lease_end, location, service, ship_at, deliver_on, cents, reason, parcels, units as it has them |
//! | … each parcel | `parcel.shipped`, `parcel.delivered` | orders | source, order, fulfillment, late, carrier, tracking, cents |
//! | … units that left, were missing, are free again | `stock.shipped`, `stock.missing`, `stock.freed` | stock; exceptions too when missing | source, order, fulfillment, late, sku, location, qty |
//! | units of a part may come back, each item | `return.authorised` | orders | return, source, order, fulfillment, sku, qty, location |
//! | units are back | `fulfillment.returned` | orders | return, source, order, fulfillment, state, units |
//! | … what has to be booked, once each: `n` of the return | `return.item_receipt` | orders | return, source, order, fulfillment, n, sku, qty, location |
//! | units are graded | `return.credit_memo`, `.inventory_adjustment`, `.carrier_claim` | orders | the same, and grade; units on hand and holds are events of their own facts |
//! | no more may come back | `return.closed` | orders | return, source, order, fulfillment |
//! | units of an order get another place | `order.replanned` | orders | source, order, reason (`not_shipped`, `promise_broken`, `supply_arrived`), units, shipments |
//! | … its sender changed it | `order.amended` | orders | source, order, reference, lines, units, shipments, cents, optimal |
//! | … each part that gives units up | `fulfillment.gave_up` | orders | source, order, fulfillment, units |
//! | … each new part | `fulfillment.routed`, `.backordered`, `.held` | orders; exceptions too when backordered | as above, with units |
//! | … each position that is free again, or held now | `stock.freed`, `stock.claimed` | stock | source, order, sku, location, qty; need_at when claimed |
//! | a part has shipped, or more is known of what that cost | `cost.shipped` | orders | source, order, fulfillment, location, carrier, channel, day, forecast, cents, and by how much the steps between differ: split, distance, premium_partner, postage |
//! | something was spent beside it | `cost.added` | orders | source, order, fulfillment, location, carrier, channel, day, kind, cents, reason |
//! | a reservation is made or changed | `reservation.put` | stock | owner, channel, priority, sequence, firm, expires_at, claims |
//! | … each position it holds now | `stock.claimed` | stock | owner, sku, location, qty, need_at |
//! | its end changes | `reservation.extended` | stock | owner, firm, expires_at |
//! | it ends, or runs out | `reservation.ended`, `reservation.expired` | stock | owner |
//! | it is cancelled for good | `reservation.cancelled` | stock | reservation |
//! | units on hand move | `stock.moved` | stock | sku, location, before, after, change, reason, as_of |
//! | opening stock | `stock.opened` | stock | sku, location, on_hand, safety_stock |
//! | safety stock changes | `stock.safety_set` | stock | sku, location, qty |
//! | a hold | `hold.placed`, `hold.released` | stock | hold, qty; sku, location, reason when placed |
//! | supply | `incoming.expected` | stock | incoming, kind, sku, from, location, qty, arrives_at |
//! | | `incoming.delayed` | stock | incoming, arrives_at |
//! | | `incoming.reduced` | stock | incoming, qty, closed |
//! | | `incoming.cancelled` | stock | incoming, qty, returned |
//! | channel allocation | `allocation.set` | stock | sku, channel, protected, cap |
//! | a re-optimisation of the backlog begins | `backlog.began` | events only | run, asked |
//! | … is so far | `backlog.progress` | events only | run, stage, done, of, cents (absent before there is a plan), bound |
//! | … has a plan | `backlog.done` | events only | run, orders, moves, before, cents, bound |
//! | … has made its moves | `backlog.applied` | events only | run, moved, already, skipped |
//! | … is ended, comes to nothing, or ended with the server | `backlog.cancelled`, `.failed`, `.lost` | events only | run; reason |
//! | what may be promised of an item crosses its threshold or zero | `availability.out`, `.low`, `.plenty` | stock | sku, channel (absent for all together), atp, low, was |
//! | a load of counts is answered | `stock.loaded` | stock | reference, rows, broken |
//! | … each promise it broke | `promise.broken` | stock, exceptions | owner, priority, sequence, sku, location, qty |
//! | something needs a decision | `exception.opened` | exceptions; orders or stock too when about one | exception, kind, cause, owner, detail, action, channel; source, order, fulfillment, sku, location as it is about them |
//! | … somebody takes it on; it is resolved | `exception.assigned`, `exception.resolved` | the same | exception, kind, cause, source, order, …; assigned_to; by, how, and rule where one did it |
//! | … a rule did what it does, in vain | `exception.tried` | the same | exception, kind, cause, source, order, …; rule, how |
//! | … the refused order that it is about is kept | none | | |
//! | master data | `item.put` | events only | sku, name, grams |
//! | | `location.put` | events only | location, name, kind |
//! | | `location.paused`, `location.resumed` | events only | location |
//! | | `channel.added` | events only | channel |
//! | | `network.opened` | events only | name |
//! | | `promise_rules.set` | events only | promise_from, buffer_hours |
//! | | `opening.done` | events only | |
//! | the reference of a write | none: the facts before it are what it did | | |
//! | a change of a consumer group; the secret of release tokens | none | | |

mod backlog;
mod cost;
mod exception;
mod fulfillment;
mod replanned;
mod returns;

use super::event::{Batch, Names, StreamSet};
use super::fields::{Field, FieldsWriter};
use crate::model::{
    AvailabilityFact, AvailabilityLevel, BrokenFact, ChannelId, ClaimFact, Decision, EpochMillis,
    Fact, IncomingFact, IncomingKind, Item, Location, LocationKind, Lsn, Order, OrderKey,
    OwnerFact, PromiseFrom, PromiseRules, Qty, Shipment, ShipmentLine, SkuId,
};
use std::collections::HashSet;

/// Adds the events of one fact to `batch`: the fact with the number `lsn`, decided at `at`.
///
/// Facts must come in ascending order of their numbers. `names` must know every id that the fact
/// names and does not introduce itself.
pub fn from_fact(
    lsn: Lsn,
    at: EpochMillis,
    fact: &Fact,
    names: &(impl Names + ?Sized),
    batch: &mut Batch,
) {
    batch.begin_fact(lsn, at);
    let mut events = Events { names, batch };
    match fact {
        Fact::OrderAccepted {
            order,
            decision,
            channel,
            sequence,
            claims,
            accepted_at: _,
        } => {
            events.order_accepted(order, decision, *channel, *sequence, claims);
        }
        Fact::OrderCancelled { key } => {
            events.push(StreamSet::ORDERS, "order.cancelled", |f| order_key(f, key));
        }
        Fact::Reserved { .. }
        | Fact::ReservationPut { .. }
        | Fact::ReservationExtended { .. }
        | Fact::ReservationEnded { .. }
        | Fact::ReservationCancelled { .. } => events.reservation(fact),
        Fact::OnHandMoved { .. } | Fact::PositionOpened { .. } | Fact::SafetyStockSet { .. } => {
            events.position(fact)
        }
        Fact::HoldPlaced { .. } | Fact::HoldReleased { .. } => events.hold(fact),
        Fact::AllocationSet {
            sku,
            channel,
            protected,
            cap,
        } => events.allocation(*sku, *channel, *protected, *cap),
        Fact::LoadAnswered {
            reference,
            content: _,
            rows,
            broken,
        } => events.load(reference, *rows, broken),
        Fact::IncomingExpected(_)
        | Fact::IncomingDelayed { .. }
        | Fact::IncomingReduced { .. }
        | Fact::IncomingCancelled { .. } => events.supply(fact),
        Fact::ItemPut { .. }
        | Fact::LocationPut { .. }
        | Fact::LocationPaused { .. }
        | Fact::ChannelAdded { .. }
        | Fact::NetworkOpened { .. }
        | Fact::PromiseRulesSet { .. }
        | Fact::OpeningDone => events.master_data(fact),
        Fact::FulfillmentChanged(fact) => events.fulfillment(fact),
        Fact::ReturnChanged(fact) => events.return_changed(fact),
        Fact::OrderReplanned(fact) => events.replanned(fact),
        Fact::ExceptionChanged(fact) => events.exception(fact),
        Fact::CostTold(fact) => events.cost(fact),
        Fact::AvailabilityCrossed(fact) => events.availability(fact),
        Fact::BacklogTold(fact) => events.backlog(fact),
        Fact::ThresholdSet { .. }
        | Fact::Referenced { .. }
        | Fact::FeedGroup(_)
        | Fact::ReleaseKeyMade { .. } => {}
    }
}

/// The events of one fact while they are written.
struct Events<'a, N: ?Sized> {
    names: &'a N,
    batch: &'a mut Batch,
}

impl<N: Names + ?Sized> Events<'_, N> {
    fn push(
        &mut self,
        streams: StreamSet,
        kind: &'static str,
        write: impl FnOnce(&mut FieldsWriter<'_>),
    ) {
        self.batch.push(streams, kind, write);
    }

    fn order_accepted(
        &mut self,
        order: &Order,
        decision: &Decision,
        channel: ChannelId,
        sequence: u64,
        claims: &[ClaimFact],
    ) {
        let (names, plan) = (self.names, &decision.plan);
        let units: u64 = order.lines.iter().map(|line| u64::from(line.qty.0)).sum();
        self.push(StreamSet::ORDERS, "order.accepted", |f| {
            order_key(f, &order.key);
            f.text(Field::Channel, names.channel_name(channel))
                .number(Field::Priority, order.priority)
                .number(Field::Sequence, sequence)
                .shown(Field::PlacedAt, order.placed_at)
                .number(Field::Lines, order.lines.len())
                .number(Field::Units, units)
                .number(Field::Shipments, plan.shipments.len())
                .number(Field::Claims, claims.len())
                .number(Field::Cents, plan.objective.total().0)
                .flag(Field::Optimal, decision.proof.optimal);
        });
        for (at, shipment) in plan.shipments.iter().enumerate() {
            self.shipment(&order.key, at + 1, shipment);
        }
        let demands = if plan.short.is_empty() {
            Vec::new()
        } else {
            demands(order)
        };
        for short in &plan.short {
            let sku = demands.get(usize::from(short.demand));
            self.push(StreamSet::ORDER_EXCEPTIONS, "order.short", |f| {
                order_key(f, &order.key);
                f.text(Field::Sku, sku.copied().unwrap_or_default())
                    .number(Field::Qty, short.qty.0);
            });
        }
        self.claims(claims, |f| order_key(f, &order.key));
    }

    fn shipment(&mut self, key: &OrderKey, number: usize, shipment: &Shipment) {
        let names = self.names;
        let units = |line: &ShipmentLine| u64::from(line.qty.0);
        let units: u64 = shipment.lines.iter().map(units).sum();
        self.push(StreamSet::ORDERS, "shipment.planned", |f| {
            order_key(f, key);
            f.number(Field::Shipment, number)
                .text(Field::Location, names.location_name(shipment.location))
                .text(Field::Service, names.service_name(shipment.service))
                .number(Field::Units, units)
                .number(Field::Parcels, shipment.parcels)
                .shown(Field::NeedAt, shipment.need_at)
                .shown(Field::ShipAt, shipment.ship_at)
                .shown(Field::DeliverOn, shipment.deliver_on)
                .number(Field::Cents, shipment.cents.total().0);
        });
    }

    fn claims(&mut self, claims: &[ClaimFact], owner: impl Fn(&mut FieldsWriter<'_>)) {
        let names = self.names;
        for claim in claims {
            self.push(StreamSet::STOCK, "stock.claimed", |f| {
                owner(f);
                f.text(Field::Sku, names.sku_name(claim.sku))
                    .text(Field::Location, names.location_name(claim.location))
                    .number(Field::Qty, claim.qty.0)
                    .shown(Field::NeedAt, claim.need_at);
            });
        }
    }

    fn reservation(&mut self, fact: &Fact) {
        let names = self.names;
        match fact {
            Fact::Reserved {
                owner: whose,
                channel,
                priority,
                sequence,
                expires_at,
                claims,
            } => {
                self.push(StreamSet::STOCK, "reservation.put", |f| {
                    owner(f, whose);
                    f.text(Field::Channel, names.channel_name(*channel))
                        .number(Field::Priority, *priority)
                        .number(Field::Sequence, *sequence);
                    ends(f, *expires_at).number(Field::Claims, claims.len());
                });
                self.claims(claims, |f| owner(f, whose));
            }
            Fact::ReservationPut {
                id,
                asked,
                sequence,
                expires_at,
                claims,
            } => {
                self.push(StreamSet::STOCK, "reservation.put", |f| {
                    f.text(Field::Reservation, id)
                        .text(Field::Channel, names.channel_name(asked.channel))
                        .number(Field::Priority, asked.priority)
                        .number(Field::Sequence, *sequence);
                    ends(f, *expires_at).number(Field::Claims, claims.len());
                });
                self.claims(claims, |f| {
                    f.text(Field::Reservation, id);
                });
            }
            _ => self.reservation_ends(fact),
        }
    }

    fn reservation_ends(&mut self, fact: &Fact) {
        match fact {
            Fact::ReservationExtended {
                owner: whose,
                expires_at,
            } => self.push(StreamSet::STOCK, "reservation.extended", |f| {
                owner(f, whose);
                ends(f, *expires_at);
            }),
            Fact::ReservationEnded {
                owner: whose,
                expired,
            } => {
                let kind = ["reservation.ended", "reservation.expired"][usize::from(*expired)];
                self.push(StreamSet::STOCK, kind, |f| owner(f, whose));
            }
            Fact::ReservationCancelled { id } => {
                self.push(StreamSet::STOCK, "reservation.cancelled", |f| {
                    f.text(Field::Reservation, id);
                });
            }
            _ => {}
        }
    }

    fn position(&mut self, fact: &Fact) {
        let names = self.names;
        match fact {
            Fact::OnHandMoved {
                sku,
                location,
                before,
                after,
                as_of,
                reason,
            } => self.push(StreamSet::STOCK, "stock.moved", |f| {
                f.text(Field::Sku, names.sku_name(*sku))
                    .text(Field::Location, names.location_name(*location))
                    .number(Field::Before, before.0)
                    .number(Field::After, after.0)
                    .number(Field::Change, i64::from(after.0) - i64::from(before.0))
                    .text(Field::Reason, reason)
                    .shown(Field::AsOf, *as_of);
            }),
            Fact::PositionOpened {
                sku,
                location,
                on_hand,
                safety,
            } => self.push(StreamSet::STOCK, "stock.opened", |f| {
                f.text(Field::Sku, names.sku_name(*sku))
                    .text(Field::Location, names.location_name(*location))
                    .number(Field::OnHand, on_hand.0)
                    .number(Field::SafetyStock, safety.0);
            }),
            Fact::SafetyStockSet { sku, location, qty } => {
                self.push(StreamSet::STOCK, "stock.safety_set", |f| {
                    f.text(Field::Sku, names.sku_name(*sku))
                        .text(Field::Location, names.location_name(*location))
                        .number(Field::Qty, qty.0);
                });
            }
            _ => {}
        }
    }

    fn hold(&mut self, fact: &Fact) {
        let names = self.names;
        match fact {
            Fact::HoldPlaced {
                hold,
                sku,
                location,
                qty,
                reason,
            } => self.push(StreamSet::STOCK, "hold.placed", |f| {
                f.text(Field::Hold, hold)
                    .text(Field::Sku, names.sku_name(*sku))
                    .text(Field::Location, names.location_name(*location))
                    .number(Field::Qty, qty.0)
                    .text(Field::Reason, reason.name());
            }),
            Fact::HoldReleased { hold, qty } => self.push(StreamSet::STOCK, "hold.released", |f| {
                f.text(Field::Hold, hold).number(Field::Qty, qty.0);
            }),
            _ => {}
        }
    }

    fn load(&mut self, reference: &str, rows: u64, broken: &[BrokenFact]) {
        self.push(StreamSet::STOCK, "stock.loaded", |f| {
            f.text(Field::Reference, reference)
                .number(Field::Rows, rows)
                .number(Field::Broken, broken.len());
        });
        broken.iter().for_each(|promise| self.broken(promise));
    }

    fn allocation(&mut self, sku: SkuId, channel: ChannelId, protected: Qty, cap: Option<Qty>) {
        let names = self.names;
        self.push(StreamSet::STOCK, "allocation.set", |f| {
            f.text(Field::Sku, names.sku_name(sku))
                .text(Field::Channel, names.channel_name(channel))
                .number(Field::Protected, protected.0);
            if let Some(cap) = cap {
                f.number(Field::Cap, cap.0);
            }
        });
    }

    fn availability(&mut self, fact: &AvailabilityFact) {
        let (names, (sku, channel)) = (self.names, fact.watched);
        let kind = match fact.is {
            AvailabilityLevel::Out => "availability.out",
            AvailabilityLevel::Low => "availability.low",
            AvailabilityLevel::Plenty => "availability.plenty",
        };
        self.push(StreamSet::STOCK, kind, |f| {
            f.text(Field::Sku, names.sku_name(sku));
            if let Some(channel) = channel {
                f.text(Field::Channel, names.channel_name(channel));
            }
            f.number(Field::Atp, fact.atp)
                .number(Field::Low, fact.low.0)
                .text(Field::Was, fact.was.name());
        });
    }

    fn broken(&mut self, promise: &BrokenFact) {
        let names = self.names;
        self.push(StreamSet::STOCK_EXCEPTIONS, "promise.broken", |f| {
            owner(f, &promise.owner);
            f.number(Field::Priority, promise.priority)
                .number(Field::Sequence, promise.sequence)
                .text(Field::Sku, names.sku_name(promise.sku))
                .text(Field::Location, names.location_name(promise.location))
                .number(Field::Qty, promise.qty.0);
        });
    }

    fn supply(&mut self, fact: &Fact) {
        match fact {
            Fact::IncomingExpected(supply) => self.expected(supply),
            Fact::IncomingDelayed { id, arrives_at } => {
                self.push(StreamSet::STOCK, "incoming.delayed", |f| {
                    f.text(Field::Incoming, id)
                        .shown(Field::ArrivesAt, *arrives_at);
                });
            }
            Fact::IncomingReduced { id, qty, closed } => {
                self.push(StreamSet::STOCK, "incoming.reduced", |f| {
                    f.text(Field::Incoming, id)
                        .number(Field::Qty, qty.0)
                        .flag(Field::Closed, *closed);
                });
            }
            Fact::IncomingCancelled { id, qty, returned } => {
                self.push(StreamSet::STOCK, "incoming.cancelled", |f| {
                    f.text(Field::Incoming, id)
                        .number(Field::Qty, qty.0)
                        .flag(Field::Returned, *returned);
                });
            }
            _ => {}
        }
    }

    fn expected(&mut self, supply: &IncomingFact) {
        let names = self.names;
        let kind = match supply.kind {
            IncomingKind::Transfer => "transfer",
            IncomingKind::Purchase => "purchase",
        };
        let from = supply.from.map_or("", |from| names.location_name(from));
        self.push(StreamSet::STOCK, "incoming.expected", |f| {
            f.text(Field::Incoming, &supply.id)
                .text(Field::Kind, kind)
                .text(Field::Sku, names.sku_name(supply.sku))
                .text(Field::From, from)
                .text(Field::Location, names.location_name(supply.to))
                .number(Field::Qty, supply.qty.0)
                .shown(Field::ArrivesAt, supply.arrives_at);
        });
    }

    fn master_data(&mut self, fact: &Fact) {
        match fact {
            Fact::ItemPut { sku: _, item } => self.item(item),
            Fact::LocationPut { location: _, row } => self.location(row),
            Fact::LocationPaused { location, paused } => {
                let kind = ["location.resumed", "location.paused"][usize::from(*paused)];
                let name = self.names.location_name(*location);
                self.push(StreamSet::EVENTS, kind, |f| {
                    f.text(Field::Location, name);
                });
            }
            Fact::ChannelAdded { channel: _, id } => {
                self.push(StreamSet::EVENTS, "channel.added", |f| {
                    f.text(Field::Channel, id);
                });
            }
            Fact::NetworkOpened { name, services: _ } => {
                self.push(StreamSet::EVENTS, "network.opened", |f| {
                    f.text(Field::Name, name);
                });
            }
            Fact::PromiseRulesSet { rules } => self.promise_rules(rules),
            Fact::OpeningDone => self.push(StreamSet::EVENTS, "opening.done", |_| {}),
            _ => {}
        }
    }

    fn item(&mut self, item: &Item) {
        self.push(StreamSet::EVENTS, "item.put", |f| {
            f.text(Field::Sku, &item.sku)
                .text(Field::Name, &item.name)
                .number(Field::Grams, item.grams);
        });
    }

    fn location(&mut self, row: &Location) {
        self.push(StreamSet::EVENTS, "location.put", |f| {
            let kind = LocationKind::ALL.iter().find(|(_, k)| *k == row.kind);
            f.text(Field::Location, &row.id)
                .text(Field::Name, &row.name)
                .text(Field::Kind, kind.map_or("", |(name, _)| name));
        });
    }

    fn promise_rules(&mut self, rules: &PromiseRules) {
        self.push(StreamSet::EVENTS, "promise_rules.set", |f| {
            let default = PromiseFrom::ALL.iter().find(|(_, p)| *p == rules.default);
            f.text(Field::PromiseFrom, default.map_or("", |(name, _)| name))
                .number(Field::BufferHours, rules.buffer_hours);
        });
    }
}

fn order_key(f: &mut FieldsWriter<'_>, key: &OrderKey) {
    f.text(Field::Source, key.source())
        .text(Field::Order, key.order());
}

fn owner(f: &mut FieldsWriter<'_>, owner: &OwnerFact) {
    match owner {
        OwnerFact::Order(key) => order_key(f, key),
        OwnerFact::Reservation(id) => {
            f.text(Field::Reservation, id);
        }
    }
}

/// Whether a reservation is firm, and else when it ends.
fn ends<'f, 'b>(f: &'f mut FieldsWriter<'b>, at: EpochMillis) -> &'f mut FieldsWriter<'b> {
    let firm = at == EpochMillis::DISTANT_FUTURE;
    f.flag(Field::Firm, firm);
    if !firm {
        f.shown(Field::ExpiresAt, at);
    }
    f
}

/// The items of an order in the order of first appearance: what a plan numbers its demands by.
fn demands(order: &Order) -> Vec<&str> {
    let mut seen = HashSet::new();
    let skus = order.lines.iter().map(|line| &*line.sku);
    skus.filter(|&sku| seen.insert(sku)).collect()
}

#[cfg(test)]
mod tests;
