//! Orders placed, changed, handed out, refused, short, shipped, cancelled and waiting, in random order,
//! by several clients whose messages come late, twice and out of turn, while counts and supply change.
//!
//! Beside the engine stands what is obviously right: one map of what each order wants, and one list of
//! what has left. After every step, for every item of every order: wanted = shipped + open + waiting +
//! cancelled; no position is promised beyond its supply, but for what somebody has; no part has two live
//! releases; nobody waits for what could be promised. `order_support/crashes.rs` has the same world live on
//! over crashes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "order_support/crashes.rs"]
mod crashes;
#[allow(dead_code, reason = "this program uses its part of it")]
#[path = "journal_support/disk.rs"]
mod disk;
mod engine_support;

use allot::bench::random::Random;
use allot::engine::{
    AtpRequest, ClaimAsk, CountReport, Engine, FulfillmentOrder, PartName, SupplyPut, Token,
};
use allot::lifecycle::{State, Units};
use allot::model::{
    Action, Cause, Change, ClaimMode, DeadlineRow, EpochMillis, HoldReason, IncomingKind, Limit,
    Millis, Network, Order, OrderKey, OwnerFact, Qty, SkuId, Trigger,
};
use engine_support::{MINUTE, NOW, engine, network, order, rule, stocked};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const PLACES: [&str; 3] = ["EAST", "MID", "WEST"];
const SKUS: usize = 3;
const ORDERS: u64 = 12;

/// A message of a holder, as his client sends it.
#[derive(Debug, Clone)]
struct Message {
    id: String,
    number: u32,
    token: Token,
    change: Change,
}

#[derive(Clone, Default)]
struct World {
    /// What each order wants, by item; the content of every change by its reference.
    wanted: BTreeMap<String, BTreeMap<usize, u32>>,
    changes: BTreeMap<(String, String), Order>,
    /// One entry for each unit that left: order and item.
    left: Vec<(String, usize)>,
    /// Orders of which a place once refused something: it is left out for a while.
    refused: BTreeSet<String>,
    tokens: Vec<(String, u32, Token)>,
    post: Vec<Message>,
    now: i64,
    moves: u64,
}

fn small(random: &mut Random, below: u64) -> u32 {
    u32::try_from(random.below(below)).unwrap()
}

fn wants(order: &Order) -> BTreeMap<usize, u32> {
    let mut wanted = BTreeMap::new();
    for line in &order.lines {
        let sku: usize = line.sku.strip_prefix("SKU-").unwrap().parse().unwrap();
        *wanted.entry(sku).or_default() += line.qty.0;
    }
    wanted
}

fn some_order(random: &mut Random, id: &str) -> Order {
    let count = 1 + random.index(2);
    let lines: Vec<(usize, u32)> = (0..count)
        .map(|_| (random.index(SKUS), 1 + small(random, 5)))
        .collect();
    let mut order = order(id, &lines);
    let number: usize = id.parse().unwrap();
    order.customer = [None, Some("ann".into())][number % 2].clone();
    order
}

impl World {
    fn now(&self) -> EpochMillis {
        EpochMillis(NOW.0 + self.now)
    }

    fn step(&mut self, engine: &Engine, random: &mut Random) {
        let id = random.below(ORDERS).to_string();
        let reference = format!("r{}", random.below(100_000));
        let (sku, place) = (
            format!("SKU-{}", random.index(SKUS)),
            PLACES[random.index(3)],
        );
        let now = self.now();
        match random.below(20) {
            0..=3 => self.place(engine, random, &id),
            4..=5 => self.change(engine, random, &id),
            6..=8 => self.claim(engine, random, place),
            9..=12 => self.speak(engine, random),
            13 if random.chance(40) => {
                let before = shipped(engine, &id);
                if engine.cancel_order("shop", &id, now).is_ok() {
                    assert_eq!(before, 0, "what has left cannot be cancelled");
                }
            }
            14..=15 => {
                let count = CountReport {
                    sku: &sku,
                    location: place,
                    on_hand: Qty(small(random, 12)),
                    as_of: None,
                    deducted: &[],
                };
                engine.set_stock(&reference, &count, now).unwrap();
            }
            16 => {
                let qty = Qty(1 + small(random, 3));
                let reason = HoldReason::Damaged;
                let _ = engine.place_hold(&reference, &sku, place, qty, reason, now);
            }
            17 => {
                let name = random.below(8).to_string();
                let put = SupplyPut {
                    id: &name,
                    sku: &sku,
                    from: None,
                    to: place,
                    qty: Qty(1 + small(random, 6)),
                    arrives_at: now + Millis(random.below(400_000_000)),
                    force: false,
                };
                let _ = engine.announce_supply(&put, now);
            }
            18 => self.supply(engine, random, &reference),
            _ => self.now += i64::from(small(random, 5_000_000)),
        }
    }

    fn place(&mut self, engine: &Engine, random: &mut Random, id: &str) {
        // The same order again when there is one: a retry.
        let new = some_order(random, id);
        let known = engine.order("shop", id).ok().map(|view| view.order);
        let retry = known.is_some() && random.chance(70);
        let order = if retry {
            known.clone().unwrap()
        } else {
            Arc::new(new)
        };
        let content = wants(&order);
        match engine.submit(order, self.now()) {
            Ok(view) if !view.repeated => {
                assert!(known.is_none(), "{id} is placed once");
                self.wanted.insert(id.to_owned(), content);
            }
            Ok(_) => assert!(known.is_some()),
            Err(error) => assert_eq!((error.code(), retry), ("CONFLICT", false), "{error}"),
        }
    }

    fn change(&mut self, engine: &Engine, random: &mut Random, id: &str) {
        let reference = format!("edit-{}", random.below(6));
        let known = (id.to_owned(), reference.clone());
        let (order, repeat) = match self.changes.get(&known) {
            Some(order) => (order.clone(), true),
            None => (some_order(random, id), false),
        };
        let before = wanted_by(engine, id);
        match engine.amend(&reference, &Arc::new(order.clone()), self.now()) {
            Ok(view) => {
                assert_eq!(view.repeated, repeat);
                if !repeat {
                    self.wanted.insert(id.to_owned(), wants(&order));
                    self.changes.insert(known, order);
                }
            }
            Err(error) => {
                let allowed = ["HELD", "STATE", "NOTFOUND"];
                assert!(!repeat && allowed.contains(&error.code()), "{error}");
                assert_eq!(wanted_by(engine, id), before, "as it was");
            }
        }
    }

    fn claim(&mut self, engine: &Engine, random: &mut Random, place: &str) {
        let ask = ClaimAsk {
            location: place,
            holder: ["a", "b", "c"][random.index(3)],
            count: 1 + random.index(2),
            lease: Millis(1 + random.below(2_000_000)),
            mode: [ClaimMode::WorkAtOnce, ClaimMode::AcknowledgeFirst][random.index(2)],
            order: None,
        };
        for (view, release) in engine.claim(&ask, self.now()).unwrap() {
            let id = view.order.key.order().to_owned();
            self.tokens.push((id, view.part.id.number, release.token));
        }
    }

    /// Somebody who has, or had, a part says something; now, later, or twice.
    fn speak(&mut self, engine: &Engine, random: &mut Random) {
        if !self.post.is_empty() && random.chance(40) {
            let at = random.index(self.post.len());
            let message = match random.chance(50) {
                true => self.post.swap_remove(at),
                false => self.post[at].clone(),
            };
            return self.deliver(engine, &message);
        }
        if self.tokens.is_empty() {
            return;
        }
        let (id, number, token) = self.tokens[random.index(self.tokens.len())].clone();
        let reason = "no".into();
        let change = match random.below(8) {
            0 => Change::Acknowledge,
            1 => Change::Pick,
            2 => Change::Reject { reason },
            3..=4 => Change::Short {
                lines: vec![(0, Qty(1 + small(random, 3)))],
            },
            5 => Change::Cancel { reason },
            _ => Change::Ship { parcels: vec![] },
        };
        let message = Message {
            id,
            number,
            token,
            change,
        };
        match random.chance(60) {
            true => self.deliver(engine, &message),
            false => self.post.push(message),
        }
    }

    fn deliver(&mut self, engine: &Engine, message: &Message) {
        let name = PartName {
            source: "shop",
            order: &message.id,
            number: message.number,
        };
        let before = engine.fulfillment(name).unwrap().part;
        let now = self.now();
        let told = engine.tell_fulfillment(name, Some(&message.token), &message.change, now);
        let after = engine.fulfillment(name).unwrap().part;
        if told.is_err() {
            assert_eq!(after, before, "a refusal changes nothing");
            return;
        }
        assert!(
            after.state >= before.state || !before.state.with_holder(),
            "no message moves a state back"
        );
        if let Change::Short { .. } | Change::Reject { .. } = message.change {
            self.refused.insert(message.id.clone());
        }
        for (was, is) in before.lines.iter().zip(&after.lines) {
            let gone = is.units.shipped.0.saturating_sub(was.units.shipped.0);
            let back = was.units.shipped.0.saturating_sub(is.units.shipped.0);
            for _ in 0..gone {
                self.left.push((message.id.clone(), was.sku.index()));
            }
            // Told to be missing after it left.
            for _ in 0..back {
                let unit = (message.id.clone(), was.sku.index());
                let at = self.left.iter().position(|left| *left == unit).unwrap();
                self.left.swap_remove(at);
            }
        }
    }

    fn supply(&mut self, engine: &Engine, random: &mut Random, reference: &str) {
        let (kind, now) = (IncomingKind::Purchase, self.now());
        let name = random.below(8).to_string();
        let later = now + Millis(random.below(900_000_000));
        let _ = match random.below(3) {
            0 => engine
                .receive_supply(reference, kind, &name, Qty(2), random.chance(40), now)
                .map(|_| ()),
            1 => engine
                .delay_supply(reference, kind, &name, later, now)
                .map(|_| ()),
            _ => engine
                .cancel_supply(reference, kind, &name, false, now)
                .map(|_| ()),
        };
    }

    fn check(&mut self, engine: &Engine, what: &str) {
        for (id, wanted) in &self.wanted {
            let parts = parts(engine, id);
            let cancelled = engine.order("shop", id).unwrap().status.name() == "cancelled";
            for sku in 0..SKUS {
                let [shipped, open, waits, dropped] = spots(&parts, sku);
                let all = shipped + open + waits + dropped;
                let wants = wanted.get(&sku).copied().unwrap_or(0);
                assert_eq!(all, wants, "{what}: order {id}, SKU-{sku}: {parts:#?}");
                let unit = (id.clone(), sku);
                let left = self.left.iter().filter(|left| **left == unit).count();
                assert_eq!(usize::try_from(shipped).unwrap(), left, "{what}: {id}");
                assert!(!cancelled || open + waits == 0, "{what}: {id}");
            }
            let live = parts.iter().filter(|p| p.state.with_holder());
            for part in live {
                let tokens = self.tokens.iter();
                let of_part = tokens.filter(|t| (&t.0, t.1) == (id, part.id.number));
                let different: BTreeSet<String> = of_part.map(|t| t.2.to_string()).collect();
                assert!(different.len() <= usize::try_from(part.release).unwrap());
            }
        }
        self.check_stock(engine, what);
        self.moves = engine.order_counts().replanned;
    }

    fn check_stock(&self, engine: &Engine, what: &str) {
        let now = self.now();
        assert_eq!(engine.ledger().audit(now), [], "{what}");
        for (sku, place) in (0..SKUS).flat_map(|sku| (0..3).map(move |place| (sku, place))) {
            let id = SkuId(u32::try_from(sku).unwrap());
            let location = allot::model::LocationId(place);
            for broken in engine.ledger().broken_at(id, location, now) {
                let OwnerFact::Order(key) = &broken.owner.id else {
                    panic!("{what}: only orders hold anything here");
                };
                let all = parts(engine, key.order());
                let has = |p: &FulfillmentOrder| {
                    let mut lines = p.lines.iter();
                    // Also what is off the shelf and has not left.
                    let here = |u: &Units| u.open() + u.picked.saturating_sub(u.shipped);
                    let open = lines.any(|l| l.sku == id && !here(&l.units).is_zero());
                    open && p.route.is_some_and(|r| r.location == location)
                };
                // What somebody has is not moved; it may be what is not covered.
                if all.iter().any(|p| has(p) && p.state.with_holder()) {
                    continue;
                }
                let free = all.iter().any(|p| has(p) && p.state.unreleased());
                assert!(!free, "{what}: {key} is promised what is not there");
            }
        }
        for (key, sku) in self.waiting(engine) {
            let name = format!("SKU-{}", sku.0);
            let request = AtpRequest {
                by: Some(EpochMillis::DISTANT_FUTURE),
                ..AtpRequest::default()
            };
            let atp = engine.atp(&[&name], &request, now).unwrap()[0].atp;
            assert_eq!(atp, 0, "{what}: {key} waits for what is there");
        }
    }

    /// Who waits although no place is left out for it.
    fn waiting(&self, engine: &Engine) -> Vec<(OrderKey, SkuId)> {
        let ids = self.wanted.keys().filter(|id| !self.refused.contains(*id));
        let views = ids.map(|id| engine.order("shop", id).unwrap());
        let waits = views.flat_map(|view| {
            let key = &view.order.key;
            let waits = view.waits.iter().map(|(sku, _)| (key.clone(), *sku));
            waits.collect::<Vec<_>>()
        });
        waits.collect()
    }
}

fn parts(engine: &Engine, id: &str) -> Vec<FulfillmentOrder> {
    let all = engine.fulfillments("shop", id).unwrap().into_iter();
    all.map(|view| view.part).collect()
}

fn wanted_by(engine: &Engine, id: &str) -> Option<Arc<Order>> {
    engine.order("shop", id).ok().map(|view| view.order)
}

fn shipped(engine: &Engine, id: &str) -> u32 {
    (0..SKUS).map(|sku| shipped_of(engine, id, sku)).sum()
}

/// Units of an item of an order that have shipped; none of an order that nobody knows.
fn shipped_of(engine: &Engine, id: &str, sku: usize) -> u32 {
    match engine.order("shop", id) {
        Ok(_) => spots(&parts(engine, id), sku)[0],
        Err(_) => 0,
    }
}

/// Units of an item that have shipped, are placed and still to ship, wait for supply or a place, and
/// are cancelled.
fn spots(parts: &[FulfillmentOrder], sku: usize) -> [u32; 4] {
    let mut spots = [0; 4];
    for part in parts {
        for line in part.lines.iter().filter(|l| l.sku.index() == sku) {
            let units = line.units;
            assert!(units.conserved(), "{units:?}");
            let (picked, open) = (units.picked.0 - units.shipped.0, units.open().0);
            spots[0] += units.shipped.0;
            match part.state {
                State::Backordered => spots[2] += open,
                _ => spots[1] += open + picked,
            }
            spots[2] += units.unplaced().0;
            spots[3] += units.cancelled.0;
        }
    }
    spots
}

/// Units of each item at each place.
const STOCK: [[u32; 3]; SKUS] = [[6, 4, 2], [3, 3, 3], [0, 5, 0]];

#[test]
fn nothing_is_lost_made_oversold_or_forgotten() {
    let mut moves = 0;
    for seed in 0..30 {
        let engine = engine(&STOCK);
        let (mut world, mut random) = (World::default(), Random::new(seed));
        for step in 0..250 {
            world.step(&engine, &mut random);
            world.check(&engine, &format!("seed {seed}, step {step}"));
        }
        moves += world.moves;
    }
    assert!(moves > 300, "too little moves: {moves}");
}

/// The same while rules cancel what nobody takes, what waits for too long and what is not covered: what
/// somebody has stays his, and no unit is lost.
#[test]
fn nothing_is_lost_either_while_rules_resolve_exceptions() {
    let minutes = |minutes: u64| Millis(MINUTE.0 * minutes);
    let late = |name: &str, cause: Cause, after: u64| {
        let after = Trigger::After(minutes(after));
        rule(name, Some(cause), None, after, Action::Cancel)
    };
    let deadline = |state: State| DeadlineRow {
        state,
        channel: None,
        location: None,
        limit: Some(Limit {
            span: minutes(60),
            working: false,
        }),
    };
    let wait = Action::Backorder;
    let network = Network {
        remedies: vec![
            late("unclaimed", Cause::NotClaimed, 90),
            late("no-supply", Cause::NoSupply, 120),
            late("uncovered", Cause::StockCut, 30),
            late("silent", Cause::NotAcknowledged, 10),
            rule(
                "waits",
                Some(Cause::SupplySlipped),
                None,
                Trigger::AtOnce,
                wait,
            ),
        ],
        deadlines: [State::Routed, State::Backordered, State::Sent]
            .map(deadline)
            .into(),
        ..network()
    };
    let (mut resolved, mut in_vain) = (0, 0);
    for seed in 0..15 {
        let limits = allot::engine::Limits::default();
        let engine = Engine::new(network.clone(), stocked(&STOCK), limits, None, NOW).unwrap();
        let (mut world, mut random) = (World::default(), Random::new(1_000 + seed));
        for step in 0..250 {
            world.step(&engine, &mut random);
            while engine.due(world.now(), 3) > 0 {}
            world.check(&engine, &format!("seed {seed}, step {step}"));
        }
        for (_, did) in engine.rule_counts() {
            (resolved, in_vain) = (resolved + did.resolved, in_vain + did.in_vain);
        }
    }
    assert!(resolved > 50 && in_vain > 5, "{resolved} {in_vain}");
}
