//! Random commands of every kind, for tests of what must survive them.

use super::item;
use allot::bench::random::Random;
use allot::engine::{
    ClaimAsk, CountReport, Engine, ExceptionFilter, LoadRow, PartName, ReservationPut, SupplyPut,
    WantedLine,
};
use allot::model::{
    Cents, Change, ClaimMode, EpochMillis, HoldReason, IncomingKind, LocationId, Millis, Opening,
    Order, Parcel, Qty, SkuId, StockRow, Tracking,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) const PLACES: [&str; 3] = ["EAST", "MID", "WEST"];
const SKUS: usize = 4;

pub(crate) fn opening() -> Opening {
    let row = |sku: u32, location: u16| StockRow {
        sku: SkuId(sku),
        location: LocationId(location),
        on_hand: Qty(20),
        safety_stock: Qty(u32::from(location)),
        held: (location == 1).then_some((Qty(2), HoldReason::Damaged)),
    };
    Opening {
        items: (0..SKUS).map(item).collect(),
        stock: (0..4)
            .flat_map(|s| (0..3).map(move |l| row(s, l)))
            .collect(),
        ..Opening::default()
    }
}

pub(super) fn small(random: &mut Random, below: u64) -> u32 {
    u32::try_from(random.below(below)).unwrap()
}

pub(crate) fn random_order(random: &mut Random, id: u64) -> Order {
    let line = |random: &mut Random| (random.index(SKUS), 1 + small(random, 6));
    let lines: Vec<(usize, u32)> = (0..1 + random.index(3)).map(|_| line(random)).collect();
    let mut order = super::order(&id.to_string(), &lines);
    if random.chance(10) {
        order.policy.allow_backorder = Some(false);
    }
    // Some say whose they are, and are so small that they look like others.
    if id % 4 == 3 {
        order.customer = Some("ann".into());
        order.lines.truncate(1);
        order.lines[0].qty = Qty(1);
    }
    order.channel = ["web", "app"][random.index(2)].into();
    order.lines[0].may_split = random.chance(70);
    order.priority = i32::try_from(random.below(3)).unwrap();
    order
}

/// One random command. Refusals are fine: they must leave no fact.
pub(crate) fn command(engine: &Engine, random: &mut Random, clock: &AtomicI64) {
    if random.chance(10) {
        clock.fetch_add(i64::from(small(random, 3_000_000)), Ordering::Relaxed);
    }
    let now = EpochMillis(clock.load(Ordering::Relaxed));
    let sku = format!("SKU-{}", random.index(SKUS));
    let place = PLACES[random.index(3)];
    let other = PLACES[random.index(3)];
    let id = random.below(12).to_string();
    let reference = format!("r{}", random.below(300));
    let qty = Qty(1 + small(random, 8));
    let later = now + Millis(random.below(50_000_000));
    match random.below(34) {
        26..=28 => super::comebacks::come_back(engine, random, now),
        29..=30 => amend(engine, random, now),
        31 => {
            let key = allot::model::OrderKey::new("shop", &random.below(80).to_string());
            let _ = engine.retry_order(&key, now);
        }
        32 if random.chance(20) => {
            engine.allocate_waiting(now);
        }
        20 => {
            let holder = ["wms", "3pl"][random.index(2)];
            let ask = ClaimAsk {
                location: place,
                holder,
                count: 1 + random.index(3),
                lease: Millis(1 + random.below(4_000_000)),
                mode: [ClaimMode::WorkAtOnce, ClaimMode::AcknowledgeFirst][random.index(2)],
                order: None,
            };
            let _ = engine.claim(&ask, now);
        }
        21..=25 => tell(engine, random, now),
        33 => {
            decide(engine, random, now);
            // All that is due: after a restart what was looked at before comes first once more.
            engine.due(now, usize::MAX);
        }
        0..=2 => {
            let id = random.below(80);
            let order = random_order(random, id);
            let _ = engine.submit(Arc::new(order), now);
        }
        3 => {
            let orders: Vec<Arc<Order>> = (0..1 + random.below(4))
                .map(|_| {
                    let id = random.below(80);
                    Arc::new(random_order(random, id))
                })
                .collect();
            let answers = super::threads(2).install(|| engine.submit_batch(&orders, now));
            assert_eq!(answers.len(), orders.len());
        }
        4 => {
            let _ = engine.cancel_order("shop", &random.below(80).to_string(), now);
        }
        5..=8 => {
            let location = if random.chance(50) { place } else { "*" };
            let lines = [
                WantedLine {
                    sku: &sku,
                    location,
                    qty,
                },
                WantedLine {
                    sku: "SKU-1",
                    location: "*",
                    qty: Qty(1),
                },
            ];
            let put = ReservationPut {
                id: &id,
                ttl: random
                    .chance(70)
                    .then_some(Millis(1 + random.below(6_000_000))),
                channel: ["web", "app"][random.index(2)],
                priority: 1,
                need_at: random.chance(30).then_some(later),
                lines: &lines[..1 + random.index(2)],
            };
            let _ = engine.put_reservation(&put, now);
        }
        9 => {
            let _ = engine.confirm_reservation(&id, now);
        }
        10 => {
            let _ = engine.extend_reservation(&id, Millis(3_000_000), now);
        }
        11 if random.chance(20) => {
            let _ = engine.cancel_reservation(&id, now);
        }
        11 => {
            let channel = random.chance(50).then_some("web");
            let low = random.chance(80).then_some(Qty(small(random, 30)));
            let _ = engine.set_threshold(&format!("t{reference}"), &sku, channel, low, now);
            engine.sweep(now);
            engine.check_availability(now);
        }
        12 => {
            let count = CountReport {
                sku: &sku,
                location: place,
                on_hand: Qty(small(random, 30)),
                as_of: None,
                deducted: &[("shop", "1")],
            };
            let _ = engine.set_stock(&reference, &count, now);
        }
        13 => {
            let change = i64::from(small(random, 20)) - 8;
            let _ = engine.adjust_stock(&reference, &sku, place, change, "shrink", now);
        }
        14 => {
            let rows = [(place, 9), (other, 17)];
            let rows = rows.map(|(location, units)| LoadRow {
                sku: &sku,
                location,
                on_hand: Qty(units),
            });
            let _ = engine.load_stock(&reference, &rows, now);
        }
        15 => {
            let hold = engine.place_hold(&id, &sku, place, qty, HoldReason::Fraud, now);
            if hold.is_err() {
                let _ = engine.release_hold(&reference, &id, Some(Qty(1)), now);
            }
        }
        16 => {
            let put = SupplyPut {
                id: &id,
                sku: &sku,
                from: random.chance(60).then_some(place),
                to: other,
                qty,
                arrives_at: later,
                force: random.chance(50),
            };
            let _ = engine.announce_supply(&put, now);
        }
        17 => {
            let kind = [IncomingKind::Transfer, IncomingKind::Purchase][random.index(2)];
            let _ = match random.below(3) {
                0 => engine
                    .receive_supply(&reference, kind, &id, qty, random.chance(30), now)
                    .map(|_| ()),
                1 => engine
                    .delay_supply(&reference, kind, &id, later, now)
                    .map(|_| ()),
                _ => engine
                    .cancel_supply(&reference, kind, &id, random.chance(50), now)
                    .map(|_| ()),
            };
        }
        18 => {
            let cap = random.chance(50).then_some(Qty(15));
            let _ = engine.set_allocation(&reference, &sku, "web", qty, cap, now);
            let _ = engine.set_safety_stock(&format!("s{reference}"), &sku, place, qty, now);
        }
        _ => {
            if random.chance(40) {
                // The limit of a location's days comes, changes and goes.
                let limit = |random: &mut Random, most: u64| {
                    random.chance(70).then(|| 1 + small(random, most))
                };
                let at = PLACES.iter().position(|p| *p == place).unwrap();
                let lon = [-74.0, -90.0, -120.0][at];
                let row = allot::model::Location {
                    shipments_per_day: limit(random, 8),
                    units_per_day: limit(random, 20),
                    ..super::location(place, lon)
                };
                let _ = engine.put_location(row, now);
            }
            let _ = engine.pause_location(place, random.chance(50), now);
        }
    }
}

/// An order as its sender wants it now, under one of few references.
fn amend(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let id = random.below(80);
    let Ok(known) = engine.order("shop", &id.to_string()) else {
        return;
    };
    let mut changed = (*known.order).clone();
    match random.below(3) {
        0 => changed.lines = random_order(random, id).lines,
        1 => changed.lines[0].qty = Qty(1 + small(random, 12)),
        _ => changed.exclude = vec![PLACES[random.index(3)].into()],
    }
    let reference = format!("a{}", random.below(4));
    let _ = engine.amend(&reference, &Arc::new(changed), now);
}

/// What the ledger holds, to read where it differs.
pub(crate) fn kept_by(engine: &Engine, now: EpochMillis) -> Vec<String> {
    let mut all = Vec::new();
    engine
        .ledger()
        .walk(now, |kept| all.push(format!("{kept:?}")));
    all.sort();
    all
}

/// Somebody looks at what needs a decision.
fn decide(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let filter = ExceptionFilter {
        resolved_too: random.chance(30),
        ..ExceptionFilter::default()
    };
    let open = engine.exceptions(&filter, random.below(20), 3).unwrap();
    for exception in open {
        let _ = match random.below(3) {
            0 => engine.assign_exception(exception.id, Some("anna"), now),
            1 => engine.assign_exception(exception.id, None, now),
            _ => engine.resolve_exception(exception.id, "anna", "looked at", now),
        };
    }
}

/// What is said about a part of an order that somebody has, or about one that nobody has.
fn tell(engine: &Engine, random: &mut Random, now: EpochMillis) {
    let order = random.below(80).to_string();
    let number = 1 + small(random, 2);
    let name = PartName {
        source: "shop",
        order: &order,
        number,
    };
    let Ok(view) = engine.fulfillment(name) else {
        return;
    };
    let line = u16::try_from(random.index(view.part.lines.len())).unwrap();
    let short = vec![(line, Qty(1 + small(random, 2)))];
    let parcel = Parcel {
        tracking: Tracking {
            carrier: "post".into(),
            number: random.below(3).to_string().into(),
        },
        cents: Some(Cents(500)),
        contents: Vec::new(),
        delivered: false,
    };
    let reason = "no reason".into();
    let change = match random.below(12) {
        0..=1 => Change::Acknowledge,
        2 => Change::Pick,
        3 => Change::Pack,
        4..=5 => Change::Ship {
            parcels: vec![parcel],
        },
        6 => Change::Deliver { parcel: None },
        7 => Change::Short { lines: short },
        8 => Change::Reject { reason },
        9 => Change::Hold { reason },
        10 => Change::Resume,
        _ if random.chance(30) => Change::Cancel { reason },
        _ => {
            let _ = engine.register_fulfillment(("shop", &order), None, "direct", now);
            return;
        }
    };
    // Whoever has it knows the token: asking again as the same holder tells it.
    let holder = view.part.holder.as_ref().map(|h| h.name.clone());
    let place = view.part.route.map(|r| r.location);
    let place = place.map(|l| engine.registry().location_name(l).to_owned());
    let token = holder.zip(place).and_then(|(holder, location)| {
        let ask = ClaimAsk {
            location: &location,
            holder: &holder,
            count: 10,
            lease: Millis(1_000),
            mode: ClaimMode::WorkAtOnce,
            order: Some(("shop", &order)),
        };
        let handed = engine.claim(&ask, now).ok()?.into_iter();
        let mine = handed.filter(|(view, _)| view.part.id.number == number);
        mine.map(|(_, release)| release.token).next()
    });
    let _ = engine.tell_fulfillment(name, token.as_ref(), &change, now);
}
