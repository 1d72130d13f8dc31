//! Facts alone bring an engine to where it was: random commands, one thread or several, and the
//! state that their facts give is the state that the commands gave.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{CountReport, Engine};
use allot::lifecycle::CostQuery;
use allot::model::{
    Cause, Cents, EpochMillis, ExceptionChange, Fact, LocationId, Lsn, Network, Qty, ReturnStep,
    ScarcityRow, SkuId, ThresholdRow,
};
use engine_support::commands::{command, kept_by, opening, random_order};
use engine_support::kept::{Kept, recorded, replay, restarted};
use engine_support::{NOW, location, network, ruled};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

fn begin() -> (Engine, Kept) {
    recorded(ruled(), opening())
}

fn replayed(kept: &Kept) -> Engine {
    restarted(ruled(), opening(), &kept.facts(), NOW)
}

#[test]
fn a_threshold_of_the_network_that_was_taken_away_does_not_come_back() {
    let network = || Network {
        thresholds: vec![ThresholdRow {
            sku: None,
            channel: None,
            low: Qty(5),
        }],
        ..ruled()
    };
    let (engine, kept) = recorded(network(), opening());
    engine
        .set_threshold("away", "SKU-1", None, None, NOW)
        .unwrap();
    let facts = kept.facts();
    let set = |fact: &&(EpochMillis, Fact)| matches!(fact.1, Fact::ThresholdSet { .. });
    assert!(facts.iter().filter(set).count() > 2, "one of each item");
    let latest = Lsn(facts.len() as u64);
    let again = replay(network(), &facts).finish(opening(), kept.sink(), latest, NOW);
    let again = again.unwrap();
    let since = kept.facts().split_off(facts.len());
    assert_eq!(since.iter().filter(set).count(), 0, "{since:?}");
    assert_eq!(again.state_hash(NOW), engine.state_hash(NOW));
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
    let query = CostQuery {
        by_day: true,
        by_carrier: true,
        ..CostQuery::default()
    };
    let costs = engine.cost_report(&query);
    assert_eq!(again.cost_report(&query), costs, "{what}");
    for (_, sums) in &costs {
        assert_eq!(sums.parts.iter().sum::<i128>(), sums.difference(), "{what}");
    }
    assert_eq!(again.latest_fact(), engine.latest_fact(), "{what}");
    assert_eq!(again.ledger().audit(now), [], "{what}");
    assert_eq!(kept_by(&again, now), kept_by(engine, now), "{what}");
    assert_eq!(again.state_hash(now), engine.state_hash(now), "{what}");
}

#[test]
fn facts_alone_give_the_same_state() {
    let (mut graded, mut by_rule, mut alike) = (0, 0, 0);
    let mut moved = 0;
    for seed in 0..40 {
        let (engine, kept) = begin();
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
        let facts = kept.facts();
        alike += facts.iter().filter(|(_, f)| is_alike(f)).count();
        graded += facts.iter().filter(|(_, f)| is_graded(f)).count();
        moved += engine.order_counts().replanned;
        by_rule += rules_resolved(&engine);
    }
    assert!(moved > 200, "only {moved} times was something placed anew");
    assert!(alike > 40, "only {alike} orders looked like another one");
    assert!(graded > 20, "only {graded} times was something graded");
    assert!(
        by_rule > 40,
        "only {by_rule} times did a rule resolve anything"
    );
}

fn rules_resolved(engine: &Engine) -> u64 {
    let counts = engine.rule_counts().into_iter();
    counts.map(|(_, did)| did.resolved).sum()
}

fn is_alike(fact: &Fact) -> bool {
    matches!(fact, Fact::ExceptionChanged(e) if e.subject.cause == Cause::LooksAlike
        && matches!(e.change, ExceptionChange::Opened { .. }))
}

fn is_graded(fact: &Fact) -> bool {
    matches!(fact, Fact::ReturnChanged(f) if matches!(f.step, ReturnStep::Graded { .. }))
}

#[test]
fn the_facts_of_clashing_threads_are_a_legal_history() {
    for seed in 0..12 {
        let (engine, kept) = begin();
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
    let (engine, kept) = begin();
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
    let (whole, kept) = begin();
    let all = kept.facts();
    let done = all
        .iter()
        .position(|(_, f)| matches!(f, Fact::OpeningDone))
        .unwrap();
    // A position and the hold on it are one step, which history keeps together.
    let whole_steps = (0..=done).filter(|&n| !matches!(all[n].1, Fact::HoldPlaced { .. }));
    for cut in whole_steps {
        let engine = restarted(ruled(), opening(), &all[..cut], NOW);
        assert_eq!(
            engine.state_hash(NOW),
            whole.state_hash(NOW),
            "cut after {cut} facts"
        );
    }
}

#[test]
fn services_in_another_order_are_refused() {
    let (_, kept) = begin();
    let mut changed = network();
    changed.services[0].id = "express".into();
    let refused = replay(changed, &kept.facts())
        .finish(opening(), None, Lsn(0), NOW)
        .err()
        .unwrap()
        .to_string();
    assert!(
        refused.contains("services") && refused.contains("ground"),
        "{refused}"
    );
}

/// `scarcity.csv` names locations; a server that has met others before, or in another order, means the
/// same ones, also once a location is described anew.
#[test]
fn prices_of_the_folder_are_for_the_locations_that_it_names() {
    let (engine, kept) = begin();
    engine.put_location(location("LATE", -100.0), NOW).unwrap();
    let mut folder = network();
    folder.locations.reverse();
    folder.locations.insert(0, location("NEW", -80.0));
    // WEST, MID, EAST are rows 1 to 3 by now; the server knows them as 2, 1, 0, LATE as 3, NEW as 4.
    let row = |location, cents| ScarcityRow {
        sku: SkuId(0),
        location: LocationId(location),
        cents: Cents(cents),
    };
    folder.scarcity = vec![row(0, 100), row(1, 2), row(3, 7)];
    let engine = restarted(folder, opening(), &kept.facts(), NOW);
    let prices = |engine: &Engine| {
        let named = engine.scarcity("SKU-0").unwrap().into_iter();
        let name = |id| engine.registry().location_name(id).to_string();
        let mut all: Vec<(String, i64)> = named.map(|(at, c)| (name(at), c.0)).collect();
        all.sort();
        all
    };
    let expected = [("EAST", 7), ("NEW", 100), ("WEST", 2)];
    let expected = expected.map(|(name, cents)| (name.to_owned(), cents));
    assert_eq!(prices(&engine), expected);
    engine.put_location(location("LATER", -101.0), NOW).unwrap();
    engine.put_location(location("LATE", -102.0), NOW).unwrap();
    assert_eq!(prices(&engine), expected, "after LOCATION.PUT");
}
