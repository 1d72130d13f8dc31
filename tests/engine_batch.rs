//! Many orders in one step: each outcome is one that orders sent one by one could have, nothing is
//! oversold, and neither threads nor repeats change an answer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{Engine, EngineError, FactSink, Goal, Limits, OrderView};
use allot::ledger::{NoLog, Owner, Take, Want};
use allot::model::{EpochMillis, Order, OwnerFact, Plan};
use engine_support::commands::{opening, random_order};
use engine_support::kept::Kept;
use engine_support::{NOW, atp, engine, network, no_backorder, order, submit, threads};
use std::sync::Arc;

type Answers = Vec<Result<OrderView, EngineError>>;

fn batch(engine: &Engine, orders: &[Arc<Order>], count: usize) -> Answers {
    threads(count).install(|| engine.submit_batch(orders, NOW))
}

/// Orders that ask for more than there is; some ids come twice, a few with other content.
fn crowd(seed: u64, count: u64) -> Vec<Arc<Order>> {
    let mut random = Random::new(seed);
    let one = |n: u64| {
        let id = if random.chance(5) && n > 0 {
            random.below(n)
        } else {
            n
        };
        let order = random_order(&mut random, id);
        Arc::new(if random.chance(30) {
            no_backorder(order)
        } else {
            order
        })
    };
    let mut orders: Vec<Arc<Order>> = (0..count).map(one).collect();
    let again = random.index(orders.len());
    orders.push(orders[again].clone());
    orders
}

fn fresh(sink: Option<Box<dyn FactSink>>) -> Engine {
    Engine::new(network(), opening(), Limits::default(), sink, NOW).unwrap()
}

/// What an answer says that must not depend on anything but the input.
fn said(answers: &Answers) -> Vec<String> {
    answers.iter().map(|answer| format!("{answer:?}")).collect()
}

#[test]
fn the_same_orders_get_the_same_answers_with_any_number_of_threads() {
    for seed in 0..12 {
        // More than are solved together, so that solving and committing overlap.
        let orders = crowd(seed, 600);
        let outcome = |count: usize| {
            let kept = Kept::default();
            let engine = fresh(kept.sink());
            let answers = batch(&engine, &orders, count);
            let facts = kept.facts().into_iter().map(|(_, f)| format!("{f:?}"));
            let facts = facts.filter(|f| !f.contains("ReleaseKey"));
            (said(&answers), facts.collect::<Vec<_>>())
        };
        let one = outcome(1);
        for count in [2, 3, 8] {
            assert_eq!(outcome(count), one, "seed {seed}, {count} threads");
        }
    }
}

/// Takes the units of a plan on a twin that nobody else uses.
fn follow(twin: &Engine, order: &Order, view: &OrderView, plan: &Plan) {
    let owner = Arc::new(Owner {
        id: OwnerFact::Order(order.key.clone()),
        priority: 0,
        sequence: 0,
    });
    let mut wants = Vec::new();
    for shipment in &plan.shipments {
        wants.extend(shipment.lines.iter().map(|line| Want {
            sku: view.demands[usize::from(line.demand)],
            location: Some(shipment.location),
            qty: line.qty,
            need_at: shipment.need_at,
        }));
    }
    let channel = twin
        .registry()
        .channel_asked("channel", &order.channel)
        .unwrap();
    let take = Take {
        owner: &owner,
        channel,
        expires_at: EpochMillis::DISTANT_FUTURE,
        wants: &wants,
    };
    let taken = twin.ledger().take(&take, NOW, &NoLog);
    assert!(taken.is_ok(), "the units are there at its turn");
}

/// A plan that was the best on more stock and is still granted is the best on less: so each order
/// gets what it would have got alone at its turn.
#[test]
fn every_order_gets_what_it_would_have_got_one_by_one() {
    let (mut accepted, mut refused, mut split) = (0, 0, 0);
    for seed in 100..160 {
        let orders = crowd(seed, 30 + seed % 40);
        let answers = batch(&fresh(None), &orders, 2);
        let twin = fresh(None);
        let mut seen: Vec<(&Order, bool)> = Vec::new();
        for (order, answer) in orders.iter().zip(&answers) {
            let before = seen.iter().find(|(o, ok)| o.key == order.key && *ok);
            if let Some((first, _)) = before {
                match answer {
                    Ok(view) => assert!(view.repeated && **first == **order, "seed {seed}"),
                    Err(error) => {
                        assert_eq!(error.code(), "CONFLICT", "seed {seed}");
                        assert!(**first != **order);
                    }
                }
                continue;
            }
            seen.push((order, answer.is_ok()));
            let alone = twin.quote(order, NOW);
            match answer {
                Ok(view) => {
                    assert!(!view.repeated);
                    let quote = alone.unwrap();
                    let (_, best) = quote
                        .plans
                        .iter()
                        .find(|(g, _)| *g == Goal::Balanced)
                        .unwrap();
                    let (ours, theirs) = (&view.decision, best);
                    if ours.proof.optimal && theirs.proof.optimal {
                        let total = |d: &allot::model::Decision| d.plan.objective.total();
                        assert_eq!(total(ours), total(theirs), "seed {seed}, {}", order.key);
                    }
                    follow(&twin, order, view, &view.decision.plan);
                    accepted += 1;
                    split += usize::from(view.decision.plan.shipments.len() > 1);
                }
                Err(error) => {
                    let code = alone.err().map(|e| e.code());
                    assert_eq!(code, Some(error.code()), "seed {seed}, {}", order.key);
                    refused += 1;
                }
            }
        }
        assert!(twin.ledger().audit(NOW).is_empty());
    }
    assert!(
        accepted > 500 && refused > 50 && split > 50,
        "{accepted} {refused} {split}"
    );
}

#[test]
fn who_loses_his_stock_is_solved_again_and_not_refused() {
    let engine = engine(&[[10, 10, 10]]);
    let orders: Vec<Arc<Order>> = (0..31)
        .map(|n| Arc::new(no_backorder(order(&n.to_string(), &[(0, 1)]))))
        .collect();
    let answers = batch(&engine, &orders, 2);
    let accepted = answers.iter().filter(|a| a.is_ok()).count();
    assert_eq!(accepted, 30, "all units are sold, each once");
    assert_eq!(
        answers[30].as_ref().unwrap_err().code(),
        "NOSTOCK",
        "in the order given"
    );
    assert!(engine.order_counts().rerouted > 0);
    assert_eq!(
        (
            engine.order_counts().accepted,
            engine.order_counts().refused
        ),
        (30, 1)
    );
    assert_eq!(atp(&engine, "SKU-0"), 0);
}

#[test]
fn a_repeated_batch_gets_the_first_answers() {
    let engine = fresh(None);
    let orders = crowd(7, 60);
    let first = batch(&engine, &orders, 2);
    let facts = engine.latest_fact();
    let again = batch(&engine, &orders, 3);
    assert_eq!(engine.latest_fact(), facts, "nothing was written");
    for ((order, first), again) in orders.iter().zip(&first).zip(&again) {
        match (first, again) {
            (Ok(first), Ok(again)) => {
                assert!(again.repeated);
                assert_eq!(first.decision, again.decision);
            }
            (Err(first), Err(again)) => assert_eq!(first.code(), again.code(), "{}", order.key),
            (first, again) => panic!("{}: {first:?}, then {again:?}", order.key),
        }
    }
}

#[test]
fn an_order_that_cannot_be_read_does_not_stop_the_others() {
    let engine = engine(&[[5, 5, 5]]);
    let mut unknown = order("2", &[(0, 1)]);
    unknown.lines[0].sku = "NOPE".into();
    let orders = [order("1", &[(0, 1)]), unknown, order("3", &[(0, 1)])].map(Arc::new);
    let answers = batch(&engine, &orders, 2);
    let codes = answers
        .iter()
        .map(|a| a.as_ref().err().map(EngineError::code));
    assert_eq!(codes.collect::<Vec<_>>(), [None, Some("NOTFOUND"), None]);
    assert!(batch(&engine, &[], 2).is_empty());
}

/// Batches and single orders at once, over the same identities and the same units.
#[test]
fn batches_and_single_orders_compete_without_overselling() {
    for seed in 0..6 {
        let engine = fresh(None);
        let before: u64 = (0..4).map(|n| atp(&engine, &format!("SKU-{n}"))).sum();
        let crowds: Vec<Vec<Arc<Order>>> = (0..3).map(|n| crowd(seed * 10 + n % 2, 80)).collect();
        let told: Vec<(Arc<Order>, Result<OrderView, EngineError>)> = std::thread::scope(|scope| {
            let engine = &engine;
            let mut senders = Vec::new();
            for orders in &crowds {
                senders.push(scope.spawn(move || {
                    let answers = threads(2).install(|| engine.submit_batch(orders, NOW));
                    orders.iter().cloned().zip(answers).collect::<Vec<_>>()
                }));
            }
            senders.push(scope.spawn(move || {
                let one = |order: &Arc<Order>| (order.clone(), engine.submit(order.clone(), NOW));
                crowd(seed * 10 + 5, 80).iter().map(one).collect()
            }));
            senders
                .into_iter()
                .flat_map(|s| s.join().unwrap())
                .collect()
        });
        assert!(engine.ledger().audit(NOW).is_empty());
        assert_eq!(engine.ledger().totals(NOW).oversold, 0);
        let after: u64 = (0..4).map(|n| atp(&engine, &format!("SKU-{n}"))).sum();
        let mut shipped = 0;
        for (order, answer) in &told {
            let Ok(view) = answer else { continue };
            let kept = engine.order("shop", order.key.order()).unwrap();
            assert_eq!(kept.decision, view.decision, "{}: one answer", order.key);
            if !view.repeated {
                let lines = view.decision.plan.shipments.iter().flat_map(|s| &s.lines);
                shipped += lines.map(|l| u64::from(l.qty.0)).sum::<u64>();
            }
        }
        assert_eq!(
            before - after,
            shipped,
            "every unit that is gone is some order's"
        );
        assert_eq!(engine.ledger().totals(NOW).reserved, shipped);
    }
}

#[test]
fn a_batch_of_one_is_a_submit() {
    let (one, many) = (engine(&[[3, 1, 0]]), engine(&[[3, 1, 0]]));
    for n in 0..3 {
        let order = order(&n.to_string(), &[(0, 2)]);
        let alone = submit(&one, order.clone());
        let inside = batch(&many, &[Arc::new(order)], 2).remove(0);
        assert_eq!(format!("{alone:?}"), format!("{inside:?}"));
    }
    assert_eq!(one.state_hash(NOW), many.state_hash(NOW));
}
