//! A stop between any two steps of a command: what is there then is sound, and what is still to be done
//! is done at the start.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{ClaimAsk, CountReport, Engine, ExceptionFilter, PartName, Token};
use allot::ledger::Kept as Holding;
use allot::lifecycle::State;
use allot::model::SkuId;
use allot::model::{
    Cause, Change, ClaimMode, EpochMillis, ExceptionKind, Fact, Millis, Opening, OwnerFact, Qty,
    Topic,
};
use engine_support::commands::{command, opening};
use engine_support::kept::{Step, recorded, restarted};
use engine_support::{NOW, network, no_backorder, order, stocked};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The engine after a stop that left these steps.
fn after(steps: &[Step], opening: &Opening, now: EpochMillis) -> Engine {
    restarted(network(), opening.clone(), &steps.concat(), now)
}

fn claim(engine: &Engine, id: &str) -> Token {
    let ask = ClaimAsk {
        location: "EAST",
        holder: "wms",
        count: 1,
        lease: Millis(60_000),
        mode: ClaimMode::WorkAtOnce,
        order: Some(("shop", id)),
    };
    engine.claim(&ask, NOW).unwrap()[0].1.token
}

fn tell(engine: &Engine, id: &str, token: &Token, change: &Change) {
    let name = PartName {
        source: "shop",
        order: id,
        number: 1,
    };
    engine
        .tell_fulfillment(name, Some(token), change, NOW)
        .unwrap();
}

fn held(engine: &Engine) -> u64 {
    let mut units = 0;
    engine.ledger().walk(NOW, |kept| {
        if let Holding::Hold(_, hold) = kept {
            units += u64::from(hold.qty.0);
        }
    });
    units
}

/// What holds of every state, whenever a stop was, once the start has made up for it.
fn sound(engine: &Engine, now: EpochMillis, what: &str) {
    assert_eq!(engine.ledger().audit(now), [], "{what}");
    let filter = ExceptionFilter {
        resolved_too: true,
        ..ExceptionFilter::default()
    };
    let all = engine.exceptions(&filter, 0, 1_000).unwrap();
    let of_kind = |kind: ExceptionKind| {
        let some = all.iter().filter(move |e| e.kind() == kind);
        // What somebody has decided, and what is open.
        let known = some.filter(|e| e.resolved.as_ref().is_none_or(|end| end.by.is_some()));
        known
            .map(|e| &e.finding.subject.topic)
            .collect::<Vec<&Topic>>()
    };
    let (at_risk, short) = (
        of_kind(ExceptionKind::PromiseAtRisk),
        of_kind(ExceptionKind::ShortPick),
    );
    // Whose units are not covered, somebody hears of it.
    for promise in engine.ledger().broken(now) {
        if let OwnerFact::Order(key) = &promise.owner.id {
            let known = at_risk.contains(&&Topic::order(key));
            assert!(known, "{what}: {key} is at risk and nobody knows");
        }
    }
    for id in 0..80 {
        let Ok(parts) = engine.fulfillments("shop", &id.to_string()) else {
            continue;
        };
        let view = engine.order("shop", &id.to_string()).unwrap();
        let mut sums: BTreeMap<SkuId, i64> = BTreeMap::new();
        for line in &view.order.lines {
            let sku = engine.registry().sku("sku", &line.sku).unwrap();
            *sums.entry(sku).or_default() += i64::from(line.qty.0);
        }
        for part in parts.iter().map(|view| &view.part) {
            for line in &part.lines {
                let own = i64::from(line.units.ordered.0) - i64::from(line.units.rerouted.0);
                *sums.entry(line.sku).or_default() -= own;
            }
            let nowhere = !part.state.unreleased() && part.state != State::Cancelled;
            if nowhere && part.unplaced() > 0 {
                let topic = Topic::part(&view.order.key, part.id.number);
                let known = short.contains(&&topic);
                assert!(
                    known,
                    "{what}: units of {} have no place, and nobody knows",
                    part.id
                );
                let may_wait = view.order.policy.allow_backorder.unwrap_or(true);
                assert!(!may_wait, "{what}: units of {} do not wait", part.id);
            }
        }
        // What the parts are for, less what they gave to others, is what was ordered.
        assert!(
            sums.values().all(|&left| left == 0),
            "{what}: {id} {sums:?}"
        );
    }
}

/// Stops after every step of what `act` does. `check` sees each state, as it is and as it was made up
/// for, and tells what it is made of: that is the same after every stop.
fn stop_everywhere(
    opening: &Opening,
    prepare: impl FnOnce(&Engine),
    act: impl FnOnce(&Engine),
    check: impl Fn(&Engine, &str) -> Vec<String>,
) {
    let (engine, kept) = recorded(network(), opening.clone());
    prepare(&engine);
    let before = kept.steps().len();
    act(&engine);
    let steps = kept.steps();
    assert!(steps.len() > before + 1, "it takes several steps");
    let whole = check(&engine, "without a stop");
    for left in before + 1..=steps.len() {
        let what = format!("{} of {} steps", left - before, steps.len() - before);
        let again = after(&steps[..left], opening, NOW);
        again.finish_steps(NOW);
        sound(&again, NOW, &what);
        assert_eq!(check(&again, &what), whole, "{what}");
        let hash = again.state_hash(NOW);
        again.finish_steps(NOW);
        assert_eq!(again.state_hash(NOW), hash, "{what}: nothing is done twice");
    }
}

/// Where the units of an order are.
fn layout(engine: &Engine, id: &str) -> Vec<String> {
    let views = engine.fulfillments("shop", id).unwrap().into_iter();
    let place = |view: &allot::engine::FulfillmentView| {
        view.part
            .route
            .map(|r| engine.registry().location_name(r.location).to_owned())
    };
    views
        .map(|view| {
            let open: Vec<Qty> = view.part.lines.iter().map(|l| l.units.open()).collect();
            format!(
                "{} {} at {:?}: {open:?}",
                view.part.id,
                view.part.state.name(),
                place(&view)
            )
        })
        .collect()
}

#[test]
fn a_stop_after_missing_units_leaves_the_hold_the_exception_and_the_new_place() {
    let short = Change::Short {
        lines: vec![(0, Qty(2))],
    };
    for elsewhere in [0, 9] {
        let mut token = None;
        let mut tokens = |engine: &Engine| token = Some(claim(engine, "1"));
        let (engine, kept) = recorded(network(), stocked(&[[9, 0, elsewhere]]));
        engine.submit(Arc::new(order("1", &[(0, 5)])), NOW).unwrap();
        tokens(&engine);
        let before = kept.steps().len();
        tell(&engine, "1", &token.unwrap(), &short);
        let steps = kept.steps();
        // What was found, that it is kept back and that somebody has to know are one step.
        let first = &steps[before];
        let is = |wanted: fn(&Fact) -> bool| first.iter().any(|(_, fact)| wanted(fact));
        assert!(is(|f| matches!(f, Fact::FulfillmentChanged(_))));
        assert!(is(|f| matches!(f, Fact::HoldPlaced { .. })));
        assert!(is(|f| matches!(f, Fact::ExceptionChanged(_))));
        for left in before + 1..=steps.len() {
            let again = after(&steps[..left], &stocked(&[[9, 0, elsewhere]]), NOW);
            again.finish_steps(NOW);
            sound(&again, NOW, "missing units");
            assert_eq!(
                held(&again),
                4,
                "9 were counted, 2 are missing, 3 are promised"
            );
            assert_eq!(layout(&again, "1"), layout(&engine, "1"));
        }
    }
}

#[test]
fn a_stop_after_a_count_leaves_nobody_at_risk_whom_nobody_knows_of() {
    let count = |engine: &Engine| {
        let count = CountReport {
            sku: "SKU-0",
            location: "EAST",
            on_hand: Qty(3),
            as_of: None,
            deducted: &[],
        };
        engine.set_stock("count", &count, NOW).unwrap();
    };
    let place = |engine: &Engine| {
        for id in ["1", "2", "3"] {
            engine.submit(Arc::new(order(id, &[(0, 3)])), NOW).unwrap();
        }
        // One is with somebody: it can only be told of.
        claim(engine, "3");
    };
    let check = |engine: &Engine, _: &str| {
        let all = ["1", "2", "3"].iter().flat_map(|id| layout(engine, id));
        let open = engine
            .exceptions(&ExceptionFilter::default(), 0, 9)
            .unwrap();
        let open = open.into_iter().map(|e| e.finding.subject.to_string());
        all.chain(open.collect::<BTreeSet<_>>()).collect()
    };
    stop_everywhere(&stocked(&[[9, 0, 2]]), place, count, check);
}

#[test]
fn a_stop_after_a_rejection_leaves_its_units_with_another_place() {
    let reject = Change::Reject {
        reason: "dock closed".into(),
    };
    let prepare = |engine: &Engine| {
        engine.submit(Arc::new(order("1", &[(0, 5)])), NOW).unwrap();
    };
    let act = |engine: &Engine| {
        let token = claim(engine, "1");
        tell(engine, "1", &token, &reject);
    };
    let (engine, kept) = recorded(network(), stocked(&[[9, 0, 3]]));
    prepare(&engine);
    act(&engine);
    let steps = kept.steps();
    let rejected = |step: &Step| {
        let told = |f: &(EpochMillis, Fact)| matches!(&f.1, Fact::FulfillmentChanged(f) if f.state == State::Rejected);
        step.iter().any(told)
    };
    let first = steps.iter().position(rejected).unwrap();
    for left in first + 1..=steps.len() {
        let again = after(&steps[..left], &stocked(&[[9, 0, 3]]), NOW);
        again.finish_steps(NOW);
        sound(&again, NOW, "rejected");
        assert_eq!(layout(&again, "1"), layout(&engine, "1"));
    }
    // An order that may not wait stays where it is, and somebody has to know.
    let (engine, kept) = recorded(network(), stocked(&[[9, 0, 0]]));
    let strict = no_backorder(order("1", &[(0, 5)]));
    engine.submit(Arc::new(strict), NOW).unwrap();
    act(&engine);
    let again = after(&kept.steps(), &stocked(&[[9, 0, 0]]), NOW);
    again.finish_steps(NOW);
    sound(&again, NOW, "strict");
    let open = again.exceptions(&ExceptionFilter::default(), 0, 9).unwrap();
    assert_eq!(open[0].cause(), Cause::LocationRejected);
}

/// A stop after any step of a random history.
#[test]
fn a_stop_anywhere_is_made_up_for() {
    for seed in 0..6 {
        let (engine, kept) = recorded(network(), opening());
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        let mut moments = Vec::new();
        for _ in 0..250 {
            command(&engine, &mut random, &clock);
            let now = EpochMillis(clock.load(Ordering::Relaxed));
            moments.resize(kept.steps().len(), now);
        }
        let steps = kept.steps();
        let opened = |f: &(EpochMillis, Fact)| matches!(f.1, Fact::OpeningDone);
        let begun = steps
            .iter()
            .position(|step| step.iter().any(opened))
            .unwrap();
        let stops = begun + 1..=steps.len();
        for left in stops.filter(|left| left % 6 == usize::try_from(seed).unwrap()) {
            let now = moments[left - 1];
            let again = after(&steps[..left], &opening(), now);
            again.finish_steps(now);
            sound(
                &again,
                now,
                &format!("seed {seed}, {left} of {} steps", steps.len()),
            );
        }
    }
}
