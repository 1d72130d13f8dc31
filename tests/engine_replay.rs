//! Facts alone bring an engine to where it was: random commands, one thread or several, and the
//! state that their facts give is the state that the commands gave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{
    CountReport, Engine, FactSink, Limits, LoadRow, Replay, ReservationPut, SupplyPut, WantedLine,
};
use allot::model::{
    EpochMillis, Fact, HoldReason, IncomingKind, LocationId, Lsn, Millis, Opening, Order, Qty,
    SkuId, StockRow,
};
use engine_support::{NOW, item, network};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const PLACES: [&str; 3] = ["EAST", "MID", "WEST"];
const SKUS: usize = 4;

/// Keeps facts in memory, in the order in which they were numbered.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(EpochMillis, Fact)>>>);

impl FactSink for Kept {
    fn append(&self, at: EpochMillis, facts: &[Fact]) -> Lsn {
        let mut kept = self.0.lock();
        kept.extend(facts.iter().map(|fact| (at, fact.clone())));
        Lsn(kept.len() as u64)
    }
}

fn opening() -> Opening {
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

fn recorded() -> (Engine, Kept) {
    let kept = Kept::default();
    let sink: Box<dyn FactSink> = Box::new(kept.clone());
    let engine = Engine::new(network(), opening(), Limits::default(), Some(sink), NOW);
    (engine.unwrap(), kept)
}

fn replayed(kept: &Kept) -> Engine {
    let mut replay = Replay::new(network(), Limits::default()).unwrap();
    let facts = kept.0.lock().clone();
    for (number, (at, fact)) in facts.iter().enumerate() {
        let applied = replay.apply(*at, fact.clone());
        assert_eq!(
            applied,
            Ok(()),
            "fact {number} of {}: {fact:?}",
            facts.len()
        );
    }
    let latest = Lsn(facts.len() as u64);
    replay.finish(opening(), None, latest, NOW).unwrap()
}

fn small(random: &mut Random, below: u64) -> u32 {
    u32::try_from(random.below(below)).unwrap()
}

fn random_order(random: &mut Random, id: u64) -> Order {
    let line = |random: &mut Random| (random.index(SKUS), 1 + small(random, 6));
    let lines: Vec<(usize, u32)> = (0..1 + random.index(3)).map(|_| line(random)).collect();
    let mut order = engine_support::order(&id.to_string(), &lines);
    order.channel = ["web", "app"][random.index(2)].into();
    order.lines[0].may_split = random.chance(70);
    order.priority = i32::try_from(random.below(3)).unwrap();
    order
}

/// One random command. Refusals are fine: they must leave no fact.
fn command(engine: &Engine, random: &mut Random, clock: &AtomicI64) {
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
    match random.below(20) {
        0..=3 => {
            let id = random.below(80);
            let order = random_order(random, id);
            let _ = engine.submit(Arc::new(order), now);
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
            engine.sweep(now);
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
            let _ = engine.pause_location(place, random.chance(50), now);
        }
    }
}

fn agree(engine: &Engine, kept: &Kept, clock: &AtomicI64, what: &str) {
    let now = EpochMillis(clock.load(Ordering::Relaxed));
    let again = replayed(kept);
    let (said, found) = (engine.order_counts(), again.order_counts());
    assert_eq!(
        (said.accepted, said.split, said.backordered, said.cancelled),
        (
            found.accepted,
            found.split,
            found.backordered,
            found.cancelled
        ),
        "{what}"
    );
    assert_eq!(again.latest_fact(), engine.latest_fact(), "{what}");
    assert_eq!(again.ledger().audit(now), [], "{what}");
    assert_eq!(kept_by(&again, now), kept_by(engine, now), "{what}");
    assert_eq!(again.state_hash(now), engine.state_hash(now), "{what}");
}

/// What the ledger holds, to read where it differs.
fn kept_by(engine: &Engine, now: EpochMillis) -> Vec<String> {
    let mut all = Vec::new();
    engine
        .ledger()
        .walk(now, |kept| all.push(format!("{kept:?}")));
    all.sort();
    all
}

#[test]
fn facts_alone_give_the_same_state() {
    for seed in 0..40 {
        let (engine, kept) = recorded();
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for step in 1..=400 {
            command(&engine, &mut random, &clock);
            if step % 100 == 0 {
                agree(&engine, &kept, &clock, &format!("seed {seed}, step {step}"));
            }
        }
        assert!(
            engine.order_counts().accepted > 5,
            "seed {seed} does too little"
        );
    }
}

#[test]
fn the_facts_of_clashing_threads_are_a_legal_history() {
    for seed in 0..12 {
        let (engine, kept) = recorded();
        let clock = AtomicI64::new(NOW.0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (engine, clock) = (&engine, &clock);
                scope.spawn(move || {
                    let mut random = Random::new(seed * 100 + thread);
                    for _ in 0..400 {
                        command(engine, &mut random, clock);
                    }
                });
            }
        });
        agree(&engine, &kept, &clock, &format!("seed {seed}"));
    }
}

#[test]
fn a_repeat_after_the_restart_gets_the_first_answer() {
    let (engine, kept) = recorded();
    let count = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(7),
        as_of: None,
        deducted: &[],
    };
    let first = engine.set_stock("count-1", &count, NOW).unwrap();
    let mut random = Random::new(1);
    let placed = random_order(&mut random, 1);
    let accepted = engine.submit(Arc::new(placed.clone()), NOW).unwrap();
    engine
        .adjust_stock("adjust-1", "SKU-0", "EAST", 5, "found", NOW)
        .unwrap();

    let again = replayed(&kept);
    let hash = again.state_hash(NOW);
    assert_eq!(again.set_stock("count-1", &count, NOW).unwrap(), first);
    let repeated = again.submit(Arc::new(placed), NOW).unwrap();
    assert!(repeated.repeated);
    assert_eq!(repeated.decision, accepted.decision);
    let other = CountReport {
        on_hand: Qty(8),
        ..count
    };
    let refused = again.set_stock("count-1", &other, NOW).unwrap_err();
    assert!(refused.to_string().contains("count-1"), "{refused}");
    assert_eq!(again.state_hash(NOW), hash, "repeats change nothing");
}

#[test]
fn an_interrupted_opening_goes_on_where_it_stopped() {
    let (whole, kept) = recorded();
    let all = kept.0.lock().clone();
    let done = all
        .iter()
        .position(|(_, f)| matches!(f, Fact::OpeningDone))
        .unwrap();
    // A position and the hold on it are one step, which history keeps together.
    let whole_steps = (0..=done).filter(|&n| !matches!(all[n].1, Fact::HoldPlaced { .. }));
    for cut in whole_steps {
        let mut replay = Replay::new(network(), Limits::default()).unwrap();
        for (at, fact) in &all[..cut] {
            replay.apply(*at, fact.clone()).unwrap();
        }
        let engine = replay
            .finish(opening(), None, Lsn(cut as u64), NOW)
            .unwrap();
        assert_eq!(
            engine.state_hash(NOW),
            whole.state_hash(NOW),
            "cut after {cut} facts"
        );
    }
}

#[test]
fn services_in_another_order_are_refused() {
    let (_, kept) = recorded();
    let mut changed = network();
    changed.services[0].id = "express".into();
    let mut replay = Replay::new(changed, Limits::default()).unwrap();
    for (at, fact) in kept.0.lock().iter() {
        replay.apply(*at, fact.clone()).unwrap();
    }
    let refused = replay
        .finish(opening(), None, Lsn(0), NOW)
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains("services") && refused.contains("ground"),
        "{refused}"
    );
}
