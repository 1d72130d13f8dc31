//! Plans of the backlog carried out by an engine: whole, twice, and while others work.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod engine_support;

use allot::backlog::{
    Applied, Column, Effort, Outcome, PlanFile, Rules, Scenario, Scope, Strategy, apply, carry_out,
    check, optimize, read, what_if,
};
use allot::engine::{
    ClaimAsk, CountReport, Engine, ExceptionFilter, Layout, MoveOutcome, Moving, SupplyPut,
};
use allot::model::{Cents, Opening, Order, OrderKey, Qty, SkuId};
use engine_support::kept::{Kept, recorded, replay, restarted};
use engine_support::{NOW, order, stocked, wide};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn begin(stock: &[[u32; 3]]) -> (Engine, Kept) {
    recorded(wide(), stocked(stock))
}

/// Another engine in the state that the facts give.
fn copy(kept: &Kept) -> Engine {
    restarted(wide(), Opening::default(), &kept.facts(), NOW)
}

fn hash_of_facts(kept: &Kept) -> u64 {
    replay(wide(), &kept.facts()).state_hash(NOW).unwrap()
}

fn to(mut order: Order, postal: &str, short_cents: i64) -> Order {
    order.ship_to.postal = postal.into();
    order.policy.short_per_unit = Some(Cents(short_cents));
    order
}

fn planned(kept: &Kept, strategy: Strategy) -> (PlanFile, Outcome) {
    planned_of(copy(kept), &Scope::default(), strategy)
}

fn planned_of(engine: Engine, scope: &Scope, strategy: Strategy) -> (PlanFile, Outcome) {
    let rules = Rules {
        strategy,
        ..Rules::default()
    };
    planned_by(engine, scope, &rules)
}

fn planned_by(engine: Engine, scope: &Scope, rules: &Rules) -> (PlanFile, Outcome) {
    let snapshot = read(engine, scope, rules, NOW);
    let effort = Effort {
        iterations: 120,
        rounds: 20,
        ..Effort::usual(snapshot.problem.orders.len())
    };
    let outcome = optimize(&snapshot.problem, &snapshot.lanes, effort, &mut |_| {
        ControlFlow::Continue(())
    });
    check(&snapshot.problem, &outcome).unwrap();
    let plan = PlanFile::new(&snapshot, &outcome);
    let read_again = PlanFile::parse(&plan.text()).unwrap();
    assert_eq!(read_again, plan);
    (plan, outcome)
}

fn counts(results: &[Applied]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for result in results {
        *counts.entry(result.name()).or_default() += 1;
    }
    counts
}

/// Orders whose first comers took what later ones need more.
fn crowd(engine: &Engine, count: usize) {
    for number in 0..count {
        let postal = ["10001", "94107"][number * 7 / 3 % 2];
        let lines = [(number % 4, 1 + u32::try_from(number % 3).unwrap() / 2)];
        let both = [(number % 4, 1), ((number + 1) % 4, 1)];
        let lines = if number % 3 == 0 {
            &both[..]
        } else {
            &lines[..]
        };
        let worth = 500 + 137 * i64::try_from(number % 29).unwrap();
        let one = to(order(&number.to_string(), lines), postal, worth);
        engine.submit(Arc::new(one), NOW).unwrap();
    }
}

const SCARCE: [[u32; 3]; 4] = [[12, 9, 10], [8, 14, 7], [15, 0, 13], [6, 11, 9]];

#[test]
fn a_plan_is_carried_out_and_again_changes_nothing() {
    let (engine, kept) = begin(&SCARCE);
    crowd(&engine, 120);
    let before = engine.state_hash(NOW);
    let (plan, outcome) = planned(&kept, Strategy::Redistribute);
    assert_eq!(engine.state_hash(NOW), before, "planning changes nothing");
    assert!(plan.moves.len() > 10, "{} moves", plan.moves.len());
    assert!(outcome.cents < outcome.cents_before);
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(
        counts(&results),
        BTreeMap::from([("moved", plan.moves.len())])
    );
    assert!(engine.ledger().audit(NOW).is_empty());
    assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
    let after = engine.state_hash(NOW);
    let again = apply(&engine, &plan.moves, NOW);
    assert_eq!(
        counts(&again),
        BTreeMap::from([("already", plan.moves.len())])
    );
    assert_eq!(engine.state_hash(NOW), after);
    // What it promised to save it saved: the same question again finds nothing more to save.
    let (_, left) = planned(&kept, Strategy::Redistribute);
    assert_eq!(left.cents_before, outcome.cents);
}

#[test]
fn two_orders_that_want_each_others_units_change_places_in_one_step() {
    let (engine, kept) = begin(&[[1, 0, 1]]);
    // The one in the west takes the only near unit of the one in the east, and the other way round:
    // the locations are closed for whoever comes first.
    engine.pause_location("WEST", true, NOW).unwrap();
    engine
        .submit(Arc::new(to(order("west", &[(0, 1)]), "94107", 9_000)), NOW)
        .unwrap();
    engine.pause_location("WEST", false, NOW).unwrap();
    engine
        .submit(Arc::new(to(order("east", &[(0, 1)]), "10001", 9_000)), NOW)
        .unwrap();
    let (plan, _) = planned(&kept, Strategy::Gain);
    assert_eq!(plan.moves.len(), 2, "{plan:?}");
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(counts(&results), BTreeMap::from([("moved", 2)]));
    assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
    assert!(engine.ledger().audit(NOW).is_empty());
}

#[test]
fn a_promise_that_a_move_of_several_orders_keeps_is_at_risk_no_longer() {
    let (engine, kept) = begin(&[[2, 0, 0]]);
    for id in ["first", "second"] {
        let one = to(order(id, &[(0, 1)]), "10001", 9_000);
        engine.submit(Arc::new(one), NOW).unwrap();
    }
    let count = CountReport {
        sku: "SKU-0",
        location: "EAST",
        on_hand: Qty(1),
        as_of: None,
        deducted: &[],
    };
    engine.set_stock("count", &count, NOW).unwrap();
    let open = || {
        let open = engine.exceptions(&ExceptionFilter::default(), 0, 9);
        let open = open.unwrap().into_iter();
        open.map(|e| e.finding.subject.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(open(), ["stock_cut of order shop/second"]);
    let items = vec![(SkuId(0), Qty(1))];
    let there = Layout {
        shipments: vec![(allot::model::LocationId(0), items.clone())],
        short: vec![],
    };
    let waits = Layout {
        shipments: vec![],
        short: items,
    };
    let leaves = Moving {
        key: OrderKey::new("shop", "first"),
        from: there.clone(),
        to: waits.clone(),
        ready: vec![],
        ships: vec![],
        deliver_by: None,
    };
    let comes = Moving {
        key: OrderKey::new("shop", "second"),
        from: waits,
        to: there,
        ready: vec![NOW],
        ships: vec![NOW],
        deliver_by: None,
    };
    let moved = engine.move_orders(&[&leaves, &comes], NOW).unwrap();
    assert_eq!(moved, [MoveOutcome::Moved, MoveOutcome::Moved]);
    assert_eq!(open(), Vec::<String>::new());
    assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
}

#[test]
fn who_changed_meanwhile_is_skipped() {
    let (engine, kept) = begin(&SCARCE);
    crowd(&engine, 120);
    let (plan, _) = planned(&kept, Strategy::Redistribute);
    let gone = &plan.moves[0];
    engine.cancel_order(&gone.source, &gone.order, NOW).unwrap();
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(results[0], Applied::Told(MoveOutcome::Released));
    let mut unknown = plan.moves[1].clone();
    unknown.order = "nobody".into();
    assert_eq!(apply(&engine, &[unknown], NOW), [Applied::NotFound]);
    assert!(engine.ledger().audit(NOW).is_empty());
    assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
}

#[test]
fn a_plan_is_carried_out_while_others_submit_and_cancel() {
    for round in 0..8 {
        let (engine, kept) = begin(&SCARCE);
        crowd(&engine, 150);
        let (plan, _) = planned(&kept, Strategy::Gain);
        let over = AtomicBool::new(false);
        let results = std::thread::scope(|scope| {
            for thread in 0..2 {
                let (engine, over) = (&engine, &over);
                scope.spawn(move || {
                    for number in 0..400 {
                        if over.load(Ordering::Relaxed) && number > 40 {
                            return;
                        }
                        let id = format!("new-{thread}-{number}");
                        let postal = ["10001", "94107"][number % 2];
                        let one = to(order(&id, &[(number % 4, 1)]), postal, 700);
                        engine.submit(Arc::new(one), NOW).unwrap();
                        let old = (number * 5 + thread * 7 + round) % 150;
                        // Some of them are gone already.
                        let _ = engine.cancel_order("shop", &old.to_string(), NOW);
                    }
                });
            }
            let results = apply(&engine, &plan.moves, NOW);
            over.store(true, Ordering::Relaxed);
            results
        });
        assert_eq!(results.len(), plan.moves.len());
        assert!(engine.ledger().audit(NOW).is_empty(), "round {round}");
        let sold = engine.ledger().totals(NOW);
        assert_eq!(
            engine.state_hash(NOW),
            hash_of_facts(&kept),
            "round {round}: {sold:?}"
        );
    }
}

#[test]
fn what_was_interrupted_is_done_by_doing_it_again() {
    for stop_after in [0, 1, 7, 19] {
        let (engine, kept) = begin(&SCARCE);
        crowd(&engine, 120);
        let (plan, _) = planned(&kept, Strategy::Redistribute);
        let mut asked = 0;
        let results = carry_out(&engine, &plan.moves, &mut |_| {
            asked += 1;
            (asked <= stop_after).then_some(NOW)
        });
        let untried = results.iter().filter(|r| **r == Applied::Stopped).count();
        assert_eq!(untried, plan.moves.len() - stop_after);
        assert!(engine.ledger().audit(NOW).is_empty());
        let results = apply(&engine, &plan.moves, NOW);
        let done = |r: &&Applied| matches!(r.name(), "moved" | "already");
        assert_eq!(results.iter().filter(done).count(), plan.moves.len());
        assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
    }
}

#[test]
fn what_only_ships_earlier_moves_too_and_once() {
    let (engine, kept) = begin(&[[0, 0, 0]]);
    let supply = SupplyPut {
        id: "P-1",
        sku: "SKU-0",
        from: None,
        to: "EAST",
        qty: Qty(1),
        arrives_at: NOW + allot::model::Millis::from_hours(96),
        force: false,
    };
    engine.announce_supply(&supply, NOW).unwrap();
    let waits = to(order("waits", &[(0, 1)]), "10001", 9_000);
    let view = engine.submit(Arc::new(waits), NOW).unwrap();
    let promised = view.decision.plan.shipments[0].ship_at;
    // A unit is found where the order waits for one to arrive.
    engine
        .adjust_stock("found", "SKU-0", "EAST", 1, "found", NOW)
        .unwrap();
    let (plan, _) = planned(&kept, Strategy::Gain);
    let [row] = &plan.moves[..] else {
        panic!("{plan:?}");
    };
    assert_eq!(row.from.shipments[0].location, row.to.shipments[0].location);
    assert!(row.days_gained.unwrap() > 0);
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(counts(&results), BTreeMap::from([("moved", 1)]));
    let parts = engine.order("shop", "waits").unwrap().parts;
    let left = parts
        .iter()
        .filter(|p| p.state != allot::model::State::Cancelled);
    let ships = left.filter_map(|p| p.route.map(|r| r.ship_at));
    assert!(ships.max().unwrap() < promised, "{parts:?}");
    let after = engine.state_hash(NOW);
    let again = apply(&engine, &plan.moves, NOW);
    assert_eq!(counts(&again), BTreeMap::from([("already", 1)]));
    // Later too, when today's hand-over is over.
    let later = NOW + allot::model::Millis::from_hours(30);
    let again = apply(&engine, &plan.moves, later);
    assert_eq!(counts(&again), BTreeMap::from([("already", 1)]));
    assert_eq!(engine.state_hash(NOW), after);
    assert_eq!(after, hash_of_facts(&kept));
}

#[test]
fn what_moves_free_goes_to_who_waits() {
    let (engine, kept) = begin(&[[1, 0, 1]]);
    engine.pause_location("WEST", true, NOW).unwrap();
    let far = to(order("far", &[(0, 1)]), "94107", 9_000);
    engine.submit(Arc::new(far), NOW).unwrap();
    engine.pause_location("WEST", false, NOW).unwrap();
    // It may only have what the first one has.
    let mut waits = to(order("waits", &[(0, 1)]), "10001", 9_000);
    waits.channel = "other".into();
    waits.exclude = vec!["WEST".into()];
    let view = engine.submit(Arc::new(waits), NOW).unwrap();
    assert_eq!(view.decision.plan.short_units(), 1);
    let scope = Scope {
        channels: vec!["web".into()],
        ..Scope::default()
    };
    let (plan, _) = planned_of(copy(&kept), &scope, Strategy::Gain);
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(counts(&results), BTreeMap::from([("moved", 1)]));
    let waits = engine.order("shop", "waits").unwrap();
    assert!(waits.waits.is_empty(), "{waits:?}");
    assert_eq!(engine.state_hash(NOW), hash_of_facts(&kept));
}

#[test]
fn a_copy_is_the_engine_at_one_moment() {
    let (engine, kept) = begin(&SCARCE);
    crowd(&engine, 120);
    engine.pause_location("MID", true, NOW).unwrap();
    let (same, at) = engine.copy(NOW).unwrap();
    assert_eq!(at, engine.latest_fact());
    assert_eq!(same.state_hash(NOW), engine.state_hash(NOW));
    assert!(same.ledger().audit(NOW).is_empty());
    assert!(same.lanes().paused(allot::model::LocationId(1)));
    // While others work it is the state at its fact.
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (engine, over) = (&engine, &over);
        for thread in 0..2 {
            scope.spawn(move || {
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let id = format!("new-{thread}-{number}");
                    let one = to(order(&id, &[(number % 4, 1)]), "10001", 700);
                    engine.submit(Arc::new(one), NOW).unwrap();
                    let _ = engine.cancel_order("shop", &(number % 120).to_string(), NOW);
                    let _ = engine.cancel_order("shop", &id, NOW);
                }
            });
        }
        for _ in 0..5 {
            let (copied, at) = engine.copy(NOW).unwrap();
            let mut facts = kept.facts();
            facts.truncate(usize::try_from(at.0).unwrap());
            let replay = replay(wide(), &facts);
            assert_eq!(copied.state_hash(NOW), replay.state_hash(NOW).unwrap());
        }
        over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_plan_keeps_what_locations_hand_over_in_a_day() {
    let mut network = wide();
    network.locations[0].shipments_per_day = Some(14);
    network.locations[2].units_per_day = Some(9);
    let (engine, _) = recorded(network, stocked(&SCARCE));
    crowd(&engine, 120);
    let (copy, _) = engine.copy(NOW).unwrap();
    let (plan, outcome) = planned_of(copy, &Scope::default(), Strategy::Redistribute);
    assert!(plan.moves.len() > 5, "{} moves", plan.moves.len());
    assert!(outcome.cents < outcome.cents_before);
    // The engine counts the days by itself, and finds room for every move.
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(
        counts(&results),
        BTreeMap::from([("moved", plan.moves.len())])
    );
    assert!(engine.ledger().audit(NOW).is_empty());
    let again = apply(&engine, &plan.moves, NOW);
    assert_eq!(
        counts(&again),
        BTreeMap::from([("already", plan.moves.len())])
    );
    // What is counted is what the orders hand over: a copy counts them all anew.
    let (copy, _) = engine.copy(NOW).unwrap();
    assert_eq!(copy.state_hash(NOW), engine.state_hash(NOW));
}

/// Two orders for one unit: the second was placed ten days ago and is worth a little less.
fn young_and_old() -> (Engine, Kept) {
    let (engine, kept) = begin(&[[1, 0, 0]]);
    let young = to(order("young", &[(0, 1)]), "10001", 13_000);
    engine.submit(Arc::new(young), NOW).unwrap();
    let mut old = to(order("old", &[(0, 1)]), "10001", 10_000);
    old.placed_at = NOW - allot::model::Millis::from_hours(240);
    engine.submit(Arc::new(old), NOW).unwrap();
    (engine, kept)
}

#[test]
fn who_waits_longer_counts_for_more() {
    let (engine, _) = young_and_old();
    let gets = |age_percent_per_day: u32| {
        let rules = Rules {
            strategy: Strategy::Redistribute,
            age_percent_per_day,
            ..Rules::default()
        };
        let (copy, _) = engine.copy(NOW).unwrap();
        let (plan, _) = planned_by(copy, &Scope::default(), &rules);
        !plan.moves.is_empty()
    };
    // 100.00 against 130.00: at 2 % a day 120.00, at 4 % 140.00.
    assert!(!gets(0));
    assert!(!gets(2));
    assert!(gets(4));
}

#[test]
fn a_change_has_to_pay_for_itself() {
    let (engine, _) = young_and_old();
    let rules = |change_cents: i64| Rules {
        strategy: Strategy::Redistribute,
        age_percent_per_day: 4,
        change_cents,
        ..Rules::default()
    };
    let changes = |cents: i64| {
        let (copy, _) = engine.copy(NOW).unwrap();
        planned_by(copy, &Scope::default(), &rules(cents))
            .0
            .moves
            .len()
    };
    // Two orders change. That saves 14,000 less 13,000 cents, less what the days of the older one's way
    // are worth more: 40 %.
    let young = engine.order("shop", "young").unwrap();
    let speed = young.decision.plan.objective.speed.0;
    let saves = 1_000 - speed * 40 / 100;
    assert_eq!(changes(saves / 2 - 1), 2);
    assert_eq!(changes(saves / 2 + 1), 0);
}

#[test]
fn what_is_handed_over_soon_or_is_with_somebody_stays() {
    let (engine, kept) = begin(&[[1, 0, 1]]);
    engine.pause_location("WEST", true, NOW).unwrap();
    let far = to(order("far", &[(0, 1)]), "94107", 9_000);
    let view = engine.submit(Arc::new(far), NOW).unwrap();
    engine.pause_location("WEST", false, NOW).unwrap();
    let hours = u32::try_from((view.decision.plan.shipments[0].ship_at - NOW).0 / 3_600_000);
    let hours = hours.unwrap();
    let moves = |frozen_hours: u32| {
        let rules = Rules {
            frozen_hours,
            ..Rules::default()
        };
        let (plan, _) = planned_by(copy(&kept), &Scope::default(), &rules);
        plan.moves.len()
    };
    assert_eq!((moves(hours), moves(hours + 1)), (1, 0));
    let (plan, _) = planned(&kept, Strategy::Gain);
    let ask = ClaimAsk {
        location: "EAST",
        holder: "wms",
        count: 1,
        lease: allot::model::Millis::from_hours(1),
        mode: allot::model::ClaimMode::AcknowledgeFirst,
        order: None,
    };
    assert_eq!(engine.claim(&ask, NOW).unwrap().len(), 1);
    let results = apply(&engine, &plan.moves, NOW);
    assert_eq!(results, [Applied::Told(MoveOutcome::Released)]);
    // And the next plan does not look at it.
    let snapshot = read(copy(&kept), &Scope::default(), &Rules::default(), NOW);
    assert!(snapshot.problem.orders.is_empty());
}

fn assumed(engine: &Engine, strategy: Strategy, scenarios: &[&str]) -> Vec<Column> {
    let rules = Rules {
        strategy,
        ..Rules::default()
    };
    let scenarios: Vec<Scenario> = scenarios
        .iter()
        .map(|text| Scenario::parse(text).unwrap())
        .collect();
    let before = engine.state_hash(NOW);
    let asked = (&Scope::default(), &rules);
    let hear = &mut |_: &str, _| ControlFlow::Continue(());
    let told = what_if(engine, asked, &scenarios, (1, NOW), hear, &|| true).unwrap();
    assert_eq!(engine.state_hash(NOW), before, "nothing was changed");
    assert_eq!(told.columns[0].name, "today");
    assert_eq!(told.columns[1].name, "plan");
    told.columns
}

#[test]
fn what_would_be_by_hand() {
    let (engine, _) = begin(&[[1, 0, 1], [0, 0, 0]]);
    let near = to(order("near", &[(0, 1)]), "10001", 9_000);
    engine.submit(Arc::new(near), NOW).unwrap();
    let supply = SupplyPut {
        id: "P-1",
        sku: "SKU-1",
        from: None,
        to: "EAST",
        qty: Qty(1),
        arrives_at: NOW + allot::model::Millis::from_hours(96),
        force: false,
    };
    engine.announce_supply(&supply, NOW).unwrap();
    let waits = to(order("waits", &[(1, 1)]), "10001", 9_000);
    engine.submit(Arc::new(waits), NOW).unwrap();
    let columns = assumed(
        &engine,
        Strategy::Gain,
        &[
            "close=EAST",
            "late=P-1:5",
            "surge=SKU-0:200",
            "surge=SKU-0:400",
            "surge=@nobody:300",
            "weight=speed:300",
        ],
    );
    let [today, plan, closed, late, some, many, nobody, speed] = &columns[..] else {
        panic!("{columns:?}");
    };
    // There is nothing to gain, and nothing is broken.
    assert_eq!(today.sums, plan.sums);
    assert_eq!((today.broken, plan.broken, plan.moves), (0, 0, 0));
    assert_eq!((today.sums.shipments, today.sums.short_units), (2, 0));
    // Without the near place one comes from the far one, later than it was told; what the other waits
    // for would arrive where nothing ships: it is short. Both promises are broken.
    assert_eq!((closed.broken, closed.lost), (2, 0));
    assert_eq!((closed.sums.shipments, closed.sums.short_units), (1, 1));
    assert_eq!(closed.sums.short, 9_000);
    // Five days later it is delivered, as it still pays, five or more days later.
    assert_eq!((late.broken, late.sums.short_units), (1, 0));
    assert!(late.sums.days >= today.sums.days + 5);
    assert_eq!(
        late.sums.speed - today.sums.speed,
        40 * (late.sums.days - today.sums.days).cast_signed()
    );
    // One more gets the far unit; of three more two get none. The open ones keep theirs.
    assert_eq!(
        (some.surge_orders, some.surge_short, some.broken),
        (1, 0, 0)
    );
    assert_eq!(
        (many.surge_orders, many.surge_short, many.broken),
        (3, 2, 0)
    );
    assert_eq!((some.sums, many.sums), (today.sums, today.sums));
    assert_eq!(nobody.surge_orders, 0);
    // Other weights, but the same plan: measured by the orders' own weights it costs the same.
    assert_eq!(speed.sums, today.sums);
    assert!(speed.cents > plan.cents);
    // Who may lose does where others would lose more.
    let columns = assumed(&engine, Strategy::Redistribute, &["weight=short:0"]);
    assert_eq!(
        columns[2].sums.short_units, 2,
        "nothing is worth its freight"
    );
    assert_eq!((columns[2].broken, columns[2].sums.short), (2, 18_000));
    // What is not there is named.
    let nowhere = [Scenario::parse("close=NOWHERE").unwrap()];
    let asked = (&Scope::default(), &Rules::default());
    let hear = &mut |_: &str, _| ControlFlow::Continue(());
    assert!(what_if(&engine, asked, &nowhere, (1, NOW), hear, &|| true).is_err());
    assert!(nowhere[0].check(&engine).is_err());
}
