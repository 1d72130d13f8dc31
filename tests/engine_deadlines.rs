//! What stands still is found when it is due, without looking at all orders.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{ClaimAsk, Engine, ExceptionFilter, PartName};
use allot::lifecycle::{Limits as Spans, State};
use allot::model::{
    Change, ChannelId, ClaimMode, DeadlineRow, EpochMillis, Limit, LocationId, Millis, Network,
};
use engine_support::commands::{command, opening};
use engine_support::kept::{recorded, restarted as again};
use engine_support::{NOW, network, order};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const HOUR: Millis = Millis(3_600_000);

/// Routed may last an hour, whatever the day.
fn short_limits() -> Network {
    let row = |state, channel: Option<&str>, location, hours: u64| DeadlineRow {
        state,
        channel: channel.map(Into::into),
        location,
        limit: Some(Limit {
            span: Millis(HOUR.0 * hours),
            working: false,
        }),
    };
    Network {
        deadlines: vec![
            row(State::Routed, None, None, 1),
            row(State::Routed, Some("app"), None, 2),
            row(State::Routed, Some("app"), Some(LocationId(0)), 3),
        ],
        ..network()
    }
}

fn submit(engine: &Engine, id: &str, channel: &str) {
    let mut placed = order(id, &[(0, 1)]);
    placed.channel = channel.into();
    engine.submit(Arc::new(placed), NOW).unwrap();
}

fn causes(engine: &Engine) -> Vec<String> {
    let open = engine.exceptions(&ExceptionFilter::default(), 0, 1_000);
    let named = open.unwrap().into_iter();
    named.map(|e| e.finding.subject.to_string()).collect()
}

fn claim(engine: &Engine, order: &str, mode: ClaimMode, lease: Millis, now: EpochMillis) {
    let view = &engine.fulfillments("shop", order).unwrap()[0];
    let location = view.part.route.unwrap().location;
    let ask = ClaimAsk {
        location: engine.registry().location_name(location),
        holder: "wms",
        count: 1,
        lease,
        mode,
        order: Some(("shop", order)),
    };
    engine.claim(&ask, now).unwrap();
}

#[test]
fn a_breach_is_found_when_it_is_due_by_channel_and_location() {
    let (engine, _) = recorded(short_limits(), opening());
    submit(&engine, "1", "web");
    submit(&engine, "2", "app");
    let due = NOW + HOUR;
    assert_eq!(engine.next_due(), Some(due));
    assert_eq!(engine.due(EpochMillis(due.0 - 1), 10), 0);
    assert_eq!(engine.due(due, 10), 1);
    assert_eq!(causes(&engine), ["not_claimed of order shop/1#1"]);
    let found = engine.exception(1).unwrap();
    assert_eq!((found.opened, found.cause().owner()), (due, "location"));
    assert!(found.finding.detail.starts_with("routed at EAST since"));
    // The other channel has three hours at this location, and nothing is due twice.
    assert_eq!(engine.next_due(), Some(NOW + Millis(3 * HOUR.0)));
    let (stuck, counts) = engine.stuck(None, 0, 10).unwrap();
    assert_eq!(stuck[0].1.as_ref().unwrap().part.state, State::Routed);
    assert_eq!((counts[0].0.name(), counts[0].1), ("not_claimed", 1));
    // It moves on, and stands still no longer.
    claim(&engine, "1", ClaimMode::WorkAtOnce, HOUR, due);
    assert_eq!(causes(&engine), [""; 0]);
    let how = engine.exception(1).unwrap().resolved.unwrap().how;
    assert_eq!(&*how, "it is sent");
}

#[test]
fn a_claim_not_acknowledged_in_time_goes_back_or_becomes_an_exception() {
    let (engine, _) = recorded(network(), opening());
    for id in ["1", "2"] {
        submit(&engine, id, "web");
    }
    let lease = Millis(60_000);
    claim(&engine, "1", ClaimMode::AcknowledgeFirst, lease, NOW);
    claim(&engine, "2", ClaimMode::WorkAtOnce, lease, NOW);
    assert_eq!(engine.next_due(), Some(NOW + lease));
    assert_eq!(engine.due(NOW + lease, 10), 2);
    let state = |id| engine.fulfillments("shop", id).unwrap()[0].part.state;
    assert_eq!((state("1"), state("2")), (State::Routed, State::Sent));
    assert_eq!(causes(&engine), ["not_acknowledged of order shop/2#1"]);
    // Whoever vouches takes it back, and that ends it.
    let name = PartName {
        source: "shop",
        order: "2",
        number: 1,
    };
    let back = Change::TakeBack {
        vouched_by: Some("anna".into()),
    };
    engine
        .tell_fulfillment(name, None, &back, NOW + lease)
        .unwrap();
    assert_eq!(causes(&engine), [""; 0]);
}

#[test]
fn working_time_leaves_out_days_on_which_nobody_works() {
    let mut closed = network();
    // NOW is a Wednesday; these work on Wednesdays only.
    for location in &mut closed.locations {
        location.working_days = allot::model::WeekDays::parse("Wed").unwrap();
    }
    let rule = DeadlineRow {
        state: State::Routed,
        channel: None,
        location: None,
        limit: Some(Limit {
            span: Millis(24 * HOUR.0),
            working: true,
        }),
    };
    closed.deadlines = vec![rule];
    let (engine, _) = recorded(closed, opening());
    submit(&engine, "1", "web");
    // The rest of this Wednesday, and as much of the next as is missing to a day.
    assert_eq!(engine.next_due(), Some(NOW + Millis(7 * 24 * HOUR.0)));
}

#[test]
fn a_restart_works_out_what_is_due_and_raises_nothing_twice() {
    let (engine, kept) = recorded(short_limits(), opening());
    submit(&engine, "1", "web");
    submit(&engine, "2", "app");
    let due = NOW + HOUR;
    assert_eq!(engine.due(due, 10), 1);
    engine
        .resolve_exception(1, "anna", "asked them", due)
        .unwrap();
    let restarted = again(short_limits(), opening(), &kept.facts(), due);
    let hash = restarted.state_hash(due);
    restarted.due(due, 10);
    assert_eq!(restarted.state_hash(due), hash, "it was decided already");
    assert_eq!(restarted.next_due(), engine.next_due());
    // One that was missed while nobody was there is found at once.
    let later = NOW + Millis(5 * HOUR.0);
    let late = again(short_limits(), opening(), &kept.facts(), later);
    late.due(later, 10);
    assert_eq!(causes(&late), ["not_claimed of order shop/2#1"]);
}

/// When anything is due next, by looking at every part of every order.
fn naive_next(engine: &Engine, now: EpochMillis) -> Option<EpochMillis> {
    let spans = Spans::default();
    let lanes = engine.lanes();
    let orders = (0..80).filter_map(|id| engine.fulfillments("shop", &id.to_string()).ok());
    let dues = orders.flatten().flat_map(|view| {
        let part = view.part;
        let location = part.route.map(|r| r.location);
        let due = spans.due(
            part.state,
            ChannelId(0),
            location,
            part.since,
            |location, at, span| lanes.add_working(location, at, span),
        );
        let lease = part.holder.as_ref().and_then(|h| h.lease_end);
        let lease = lease.filter(|_| part.state == State::Sent);
        [due, lease]
    });
    dues.flatten().filter(|at| *at > now).min()
}

#[test]
fn it_agrees_with_looking_at_everything() {
    for seed in 0..12 {
        let (engine, kept) = recorded(network(), opening());
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for step in 1..=300 {
            command(&engine, &mut random, &clock);
            let now = EpochMillis(clock.load(Ordering::Relaxed));
            while engine.due(now, 7) > 0 {}
            if step % 25 == 0 {
                let naive = naive_next(&engine, now);
                assert_eq!(engine.next_due(), naive, "seed {seed}, step {step}");
            }
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        let restarted = again(network(), opening(), &kept.facts(), now);
        assert_eq!(restarted.state_hash(now), engine.state_hash(now), "{seed}");
        while restarted.due(now, 7) > 0 {}
        assert_eq!(restarted.state_hash(now), engine.state_hash(now), "{seed}");
        assert_eq!(restarted.next_due(), engine.next_due(), "seed {seed}");
    }
}
