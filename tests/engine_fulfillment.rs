//! Parts of orders, handed out and changed through the engine's door.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::engine::{ClaimAsk, Engine, FulfillmentView, PartName, Release};
use allot::model::{Change, ClaimMode, EpochMillis, Millis};
use engine_support::{NOW, engine, order, submit};
use std::collections::HashSet;

const LEASE: Millis = Millis(60_000);

fn ask(holder: &str, count: usize) -> ClaimAsk<'_> {
    ClaimAsk {
        location: "EAST",
        holder,
        count,
        lease: LEASE,
        mode: ClaimMode::WorkAtOnce,
        order: None,
    }
}

fn acknowledge(engine: &Engine, (view, release): &(FulfillmentView, Release)) {
    let key = &view.order.key;
    let name = PartName {
        source: key.source(),
        order: key.order(),
        number: view.part.id.number,
    };
    let change = Change::Acknowledge;
    let told = engine.tell_fulfillment(name, Some(&release.token), &change, NOW);
    told.unwrap();
}

/// Claims and acknowledges until nothing is left; the parts that were new.
fn work(engine: &Engine, holder: &str) -> Vec<String> {
    let mut mine = Vec::new();
    for count in (1..=7).cycle() {
        let handed = engine.claim(&ask(holder, count), NOW).unwrap();
        if handed.is_empty() {
            break;
        }
        for one in &handed {
            assert!(!one.1.repeat, "all before are acknowledged");
            acknowledge(engine, one);
            mine.push(one.0.part.id.to_string());
        }
    }
    mine
}

#[test]
fn under_contention_no_part_has_two_holders() {
    let engine = engine(&[[400, 0, 0]]);
    for id in 0..300 {
        submit(&engine, order(&id.to_string(), &[(0, 1)])).unwrap();
    }
    let handed: Vec<String> = std::thread::scope(|scope| {
        let holders = ["a", "b", "c", "d"];
        let workers = holders.map(|holder| scope.spawn(|| work(&engine, holder)));
        let all = workers.into_iter().flat_map(|w| w.join().unwrap());
        all.collect()
    });
    let different: HashSet<_> = handed.iter().collect();
    assert_eq!((handed.len(), different.len()), (300, 300));
}

#[test]
fn the_most_urgent_comes_first() {
    let engine = engine(&[[9, 0, 0]]);
    for (id, priority) in [("low", 0), ("high", 5), ("later", 0)] {
        let mut order = order(id, &[(0, 1)]);
        order.priority = priority;
        submit(&engine, order).unwrap();
    }
    let handed = engine.claim(&ask("wms", 9), NOW).unwrap();
    let ids: Vec<&str> = handed.iter().map(|(v, _)| v.order.key.order()).collect();
    assert_eq!(ids, ["high", "low", "later"]);
}

#[test]
fn an_unacknowledged_claim_goes_to_another_only_if_its_holder_cannot_have_begun() {
    let late = EpochMillis(NOW.0 + i64::try_from(LEASE.0).unwrap());
    for (mode, others) in [(ClaimMode::AcknowledgeFirst, 1), (ClaimMode::WorkAtOnce, 0)] {
        let engine = engine(&[[9, 0, 0]]);
        submit(&engine, order("1", &[(0, 1)])).unwrap();
        let first = ClaimAsk {
            mode,
            ..ask("a", 1)
        };
        assert_eq!(engine.claim(&first, NOW).unwrap().len(), 1);
        assert_eq!(engine.claim(&ask("b", 1), NOW).unwrap().len(), 0);
        let handed = engine.claim(&ask("b", 1), late).unwrap();
        assert_eq!(handed.len(), others, "{mode:?}");
        for (_, release) in handed {
            assert!(release.taken_back && release.number == 2);
        }
    }
}

#[test]
fn nobody_tells_what_is_not_a_message() {
    let engine = engine(&[[9, 0, 0]]);
    submit(&engine, order("1", &[(0, 1)])).unwrap();
    let name = PartName {
        source: "shop",
        order: "1",
        number: 1,
    };
    for change in [Change::Backorder, Change::Validate] {
        let refused = engine.tell_fulfillment(name, None, &change, NOW);
        assert_eq!(refused.unwrap_err().code(), "INVALID");
    }
}
