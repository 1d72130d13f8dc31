//! Orders that look like another one: found as somebody would find them who compares each new order
//! with all others, before a restart and after it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{ClaimAsk, Engine, ExceptionFilter, PartName};
use allot::model::{
    Cause, Change, ClaimMode, DuplicateRules, EpochMillis, Lsn, Millis, Network, Order,
};
use engine_support::kept::{Kept, recorded, replay};
use engine_support::{NOW, network, order, stocked};
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE: u64 = 60_000;
const WINDOW: Millis = Millis(30 * MINUTE);

/// So many of those that came last are compared with.
const COMPARED: usize = 16;

const STOCK: [[u32; 3]; 2] = [[900; 3]; 2];

fn watching(hold: bool) -> Network {
    Network {
        duplicates: DuplicateRules {
            window: WINDOW,
            hold,
        },
        ..network()
    }
}

fn begin(hold: bool) -> (Engine, Kept) {
    recorded(watching(hold), stocked(&STOCK))
}

/// The engine that the facts give, and that goes on where they end.
fn restarted(kept: &Kept, hold: bool, now: EpochMillis) -> Engine {
    let facts = kept.facts();
    let latest = Lsn(facts.len() as u64);
    let replay = replay(watching(hold), &facts);
    let engine = replay.finish(stocked(&STOCK), kept.sink(), latest, now);
    engine.unwrap()
}

/// What is open about an order.
fn suspicion(engine: &Engine, id: &str) -> Option<String> {
    let filter = ExceptionFilter {
        order: Some(order(id, &[]).key),
        cause: Some(Cause::LooksAlike),
        ..ExceptionFilter::default()
    };
    let open = engine.exceptions(&filter, 0, 10).unwrap();
    assert!(open.len() <= 1, "{open:?}");
    open.first().map(|e| e.finding.detail.to_string())
}

/// Every order, and when it was accepted; `None` once it is cancelled.
#[derive(Default)]
struct Oracle {
    orders: Vec<(Order, EpochMillis, bool)>,
    open: BTreeMap<String, String>,
}

impl Oracle {
    /// Compares with everything.
    fn look(&mut self, new: &Order, now: EpochMillis) {
        let items = |order: &Order| {
            let mut items: BTreeMap<String, u32> = BTreeMap::new();
            for line in &order.lines {
                *items.entry(line.sku.to_string()).or_default() += line.qty.0;
            }
            items
        };
        let apart = |other: &Order| other.placed_at.0.abs_diff(new.placed_at.0);
        let same = self.orders.iter().filter(|(other, accepted, live)| {
            let over = other.placed_at.max(*accepted) + WINDOW;
            *live
                && other.key != new.key
                && new.customer.is_some()
                && other.customer == new.customer
                && items(other) == items(new)
                && now <= over
        });
        let same: Vec<&Order> = same.map(|(other, ..)| other).collect();
        let last = &same[same.len().saturating_sub(COMPARED)..];
        let alike = last.iter().copied().filter(|o| apart(o) <= WINDOW.0);
        let alike: Vec<&Order> = alike.collect();
        let id = new.key.order().to_owned();
        let Some(nearest) = alike.iter().min_by_key(|other| apart(other)) else {
            return;
        };
        let more = match alike.len() {
            1 => String::new(),
            many => format!(", and in {} more", many - 1),
        };
        let customer = new.customer.as_deref().unwrap();
        let text = format!(
            "customer {customer} has the same items in order {}, placed {}{more}",
            nearest.key, nearest.placed_at
        );
        self.open.insert(id, text);
    }

    fn check(&self, engine: &Engine, what: &str) {
        for (order, ..) in &self.orders {
            let id = order.key.order();
            assert_eq!(
                suspicion(engine, id).as_ref(),
                self.open.get(id),
                "{what}: {id}"
            );
        }
    }
}

/// Every third shop has one customer who orders one thing, for more of the same than are compared.
fn random_order(seed: u64, random: &mut Random, id: usize, now: EpochMillis) -> Order {
    if seed % 3 == 2 {
        let mut order = of_ann(&id.to_string(), 1);
        order.placed_at = now - Millis(random.below(35) * MINUTE);
        return order;
    }
    let line = |random: &mut Random| (random.index(2), 1 + u32::try_from(random.index(2)).unwrap());
    let lines: Vec<_> = (0..1 + random.index(2)).map(|_| line(random)).collect();
    let mut order = order(&id.to_string(), &lines);
    order.customer = [None, Some("ann"), Some("bob")][random.index(3)].map(Into::into);
    order.placed_at = now - Millis(random.below(50) * MINUTE);
    order
}

#[test]
fn what_comparing_all_orders_finds_is_what_is_found() {
    let (mut found, mut full) = (0, 0);
    for seed in 0..30 {
        let (mut engine, kept) = begin(seed % 2 == 1);
        let (mut random, mut now) = (Random::new(seed), NOW);
        let mut oracle = Oracle::default();
        for step in 0..120 {
            let known = oracle.orders.len();
            match random.below(10) {
                0..=4 => {
                    let new = random_order(seed, &mut random, known, now);
                    engine.submit(Arc::new(new.clone()), now).unwrap();
                    oracle.look(&new, now);
                    oracle.orders.push((new, now, true));
                }
                5 if known > 0 => {
                    let at = random.index(known);
                    let (before, _, live) = oracle.orders[at].clone();
                    let mut new = random_order(seed, &mut random, at, now);
                    new.placed_at = before.placed_at;
                    if random.chance(40) {
                        (new.lines, new.customer) = (before.lines.clone(), before.customer.clone());
                        new.ship_to.residential = random.chance(50);
                    }
                    let reference = format!("edit-{step}");
                    let changed = engine.amend(&reference, &Arc::new(new.clone()), now);
                    assert_eq!(changed.is_ok(), live);
                    if live {
                        let items = |o: &Order| {
                            let mut items = [0; 2];
                            for line in &o.lines {
                                items[usize::from(&*line.sku == "SKU-1")] += line.qty.0;
                            }
                            (o.customer.clone(), items)
                        };
                        oracle.orders[at].0 = new.clone();
                        if items(&before) != items(&new) {
                            oracle.open.remove(new.key.order());
                            oracle.look(&new, now);
                        }
                    }
                }
                6 if known > 0 && random.chance(60) => {
                    let at = random.index(known);
                    oracle.orders[at].2 = false;
                    let id = at.to_string();
                    match random.chance(50) {
                        true => drop(engine.cancel_order("shop", &id, now).unwrap()),
                        false => cancel_parts(&engine, &id, now),
                    }
                    oracle.open.remove(&id);
                }
                7 if known > 0 => {
                    // The same again is the same order.
                    let (again, ..) = oracle.orders[random.index(known)].clone();
                    assert!(engine.submit(Arc::new(again), now).unwrap().repeated);
                }
                8 => now = now + Millis(random.below(if seed % 3 == 2 { 4 } else { 20 }) * MINUTE),
                _ if random.chance(30) => {
                    let again = restarted(&kept, seed % 2 == 1, now);
                    assert_eq!(again.state_hash(now), engine.state_hash(now), "seed {seed}");
                    assert_eq!(again.orders_compared(), engine.orders_compared());
                    engine = again;
                }
                _ => {}
            }
            oracle.check(&engine, &format!("seed {seed}, step {step}"));
        }
        found += oracle.open.len();
        full += oracle
            .open
            .values()
            .filter(|o| o.ends_with("15 more"))
            .count();
    }
    assert!(
        full > 20,
        "only {full} looked like all that they were compared with"
    );
    assert!(found > 100, "only {found} looked alike at the end");
}

fn of_ann(id: &str, qty: u32) -> Order {
    Order {
        customer: Some("ann".into()),
        ..order(id, &[(0, qty)])
    }
}

/// Every part of an order by itself.
fn cancel_parts(engine: &Engine, id: &str, now: EpochMillis) {
    for view in engine.fulfillments("shop", id).unwrap() {
        let name = PartName {
            source: "shop",
            order: id,
            number: view.part.id.number,
        };
        let cancel = Change::Cancel {
            reason: "not wanted".into(),
        };
        engine.tell_fulfillment(name, None, &cancel, now).unwrap();
    }
}

#[test]
fn it_is_over_once_the_order_has_shipped() {
    let (engine, _) = begin(false);
    for id in ["1", "2"] {
        engine.submit(Arc::new(of_ann(id, 1)), NOW).unwrap();
    }
    assert!(suspicion(&engine, "2").unwrap().contains("shop/1"));
    let ask = ClaimAsk {
        location: "EAST",
        holder: "wms",
        count: 1,
        lease: Millis(MINUTE),
        mode: ClaimMode::WorkAtOnce,
        order: Some(("shop", "2")),
    };
    let token = engine.claim(&ask, NOW).unwrap()[0].1.token;
    let name = PartName {
        source: "shop",
        order: "2",
        number: 1,
    };
    let ship = Change::Ship { parcels: vec![] };
    let told = engine.tell_fulfillment(name, Some(&token), &ship, NOW);
    assert!(told.is_ok(), "{told:?}");
    assert_eq!(suspicion(&engine, "2"), None, "nothing can be held back");
}

fn claim(engine: &Engine) -> usize {
    let ask = ClaimAsk {
        location: "EAST",
        holder: "wms",
        count: 10,
        lease: Millis(MINUTE),
        mode: ClaimMode::WorkAtOnce,
        order: None,
    };
    engine.claim(&ask, NOW).unwrap().len()
}

#[test]
fn a_held_duplicate_is_not_handed_out_until_somebody_resumes_it() {
    let (engine, kept) = begin(true);
    let first = engine.submit(Arc::new(of_ann("1", 1)), NOW).unwrap();
    assert_eq!(first.status.name(), "routed");
    let second = engine.submit(Arc::new(of_ann("2", 1)), NOW).unwrap();
    assert_eq!(second.status.name(), "on_hold");
    // After a restart as before it.
    let again = restarted(&kept, true, NOW);
    assert_eq!(again.state_hash(NOW), engine.state_hash(NOW));
    let view = again.order("shop", "2").unwrap();
    let reason = view.parts[0].reason.as_deref().unwrap();
    assert!(
        reason.starts_with("suspected duplicate: customer ann"),
        "{reason}"
    );
    assert_eq!(claim(&again), 1, "only the first");
    let name = PartName {
        source: "shop",
        order: "2",
        number: 1,
    };
    again
        .tell_fulfillment(name, None, &Change::Resume, NOW)
        .unwrap();
    assert_eq!(suspicion(&again, "2"), None, "somebody has decided");
    assert_eq!(claim(&again), 2, "the first once more, and the second");
}

#[test]
fn a_change_holds_an_order_or_lets_it_go() {
    let (engine, _) = begin(true);
    engine.submit(Arc::new(of_ann("1", 1)), NOW).unwrap();
    engine.submit(Arc::new(of_ann("2", 2)), NOW).unwrap();
    let amend = |reference: &str, qty: u32| {
        let changed = engine.amend(reference, &Arc::new(of_ann("2", qty)), NOW);
        changed.unwrap().status.name()
    };
    assert_eq!(amend("a", 1), "on_hold");
    assert!(suspicion(&engine, "2").unwrap().contains("shop/1"));
    assert_eq!(amend("b", 3), "routed");
    assert_eq!(suspicion(&engine, "2"), None);
}

#[test]
fn of_two_that_come_at_once_at_least_one_is_suspected() {
    for _ in 0..50 {
        let (engine, _) = begin(false);
        std::thread::scope(|scope| {
            for id in ["1", "2", "3"] {
                let engine = &engine;
                scope.spawn(move || engine.submit(Arc::new(of_ann(id, 1)), NOW).unwrap());
            }
        });
        let suspected = ["1", "2", "3"].map(|id| suspicion(&engine, id));
        assert_eq!(suspected.iter().flatten().count(), 2, "{suspected:?}");
    }
}
