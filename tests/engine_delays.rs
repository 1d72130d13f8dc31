//! Where the time of orders went, over random histories: the parts add up to all of it, and what is
//! counted is what somebody finds who looks at every order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{
    DELAY_MEASURES, DelayBudget, DelayQuery, Engine, FulfillmentOrder, Limits, Phase,
};
use allot::model::EpochMillis;
use engine_support::commands::{command, opening};
use engine_support::{NOW, network};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

/// All parts of all orders, each with its channel.
fn parts(engine: &Engine) -> Vec<(String, FulfillmentOrder)> {
    let orders = (0..80).filter_map(|id| engine.order_in_parts("shop", &id.to_string()).ok());
    let parts = orders.flat_map(|view| {
        let channel = view.order.channel.to_string();
        let parts = view.parts.into_iter();
        parts.map(move |part| (channel.clone(), part))
    });
    parts.collect()
}

fn measures(budget: &DelayBudget) -> [u64; 8] {
    let of = |phase| budget.of(phase).0;
    let (supply, hold, claim) = (of(Phase::Supply), of(Phase::Hold), of(Phase::Claim));
    [
        of(Phase::Validation),
        of(Phase::Routing),
        supply + hold + claim,
        supply,
        hold,
        claim,
        of(Phase::Transmission),
        budget.total().0,
    ]
}

fn check(engine: &Engine, now: EpochMillis, what: &str) -> usize {
    let mut sent: BTreeMap<(String, String), Vec<[u64; 8]>> = BTreeMap::new();
    for (channel, part) in parts(engine) {
        let placed = part.times.placed;
        let Some((at, budget)) = part.times.sent() else {
            let total = part.times.delay(part.state, now).total();
            match part.state.is_closed() {
                true => assert!(total <= now - placed, "{what}: {part:?}"),
                false => assert_eq!(total, now - placed, "{what}: {part:?}"),
            }
            continue;
        };
        assert_eq!(budget.total(), at - placed, "{what}: {part:?}");
        let spent = measures(&budget);
        assert_eq!(spent[0] + spent[1] + spent[2] + spent[6], spent[7]);
        assert_eq!(part.times.delay(part.state, now), budget, "it is over");
        let location = engine
            .registry()
            .location_name(part.route.unwrap().location);
        sent.entry((channel, location.to_owned()))
            .or_default()
            .push(spent);
    }
    let query = DelayQuery {
        by_channel: true,
        by_location: true,
        ..DelayQuery::default()
    };
    let rows = engine.delay_report(&query);
    assert_eq!(rows.len(), sent.len(), "{what}");
    for (group, sums) in rows {
        let channel = engine.registry().channel_name(group.channel.unwrap());
        let location = engine.registry().location_name(group.location.unwrap());
        let all = &sent[&(channel.to_owned(), location.to_owned())];
        assert_eq!(sums.sent, all.len() as u64, "{what}");
        for (at, spans) in sums.spans.iter().enumerate() {
            let mut exact: Vec<u64> = all.iter().map(|spent| spent[at]).collect();
            exact.sort_unstable();
            let sum: u128 = exact.iter().map(|&span| u128::from(span)).sum();
            assert_eq!(spans.sum(), sum, "{what}: {}", DELAY_MEASURES[at]);
            for of_thousand in [500, 900, 990, 1_000] {
                let rank = (exact.len() * of_thousand).div_ceil(1_000);
                let right = exact[rank - 1];
                let told = spans.at_most(of_thousand as u64).0;
                assert!(
                    told >= right && told <= right + right / 16,
                    "{what}: {told} {right}"
                );
            }
        }
    }
    sent.values().map(Vec::len).sum()
}

#[test]
fn the_parts_add_up_and_the_counts_are_those_of_all_orders() {
    let mut sent = 0;
    for seed in 0..20 {
        let engine = Engine::new(network(), opening(), Limits::default(), None, NOW).unwrap();
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for step in 0..300 {
            command(&engine, &mut random, &clock);
            if step % 50 == 49 {
                let now = EpochMillis(clock.load(Ordering::Relaxed));
                sent += check(&engine, now, &format!("seed {seed}, step {step}"));
            }
        }
    }
    assert!(sent > 100, "only {sent} were sent");
}
