//! Costs over random histories, with returns, reships and work on exceptions, against sums over all parts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::{CostSums, Engine, Limits, OpenCosts, PartName};
use allot::lifecycle::{CostQuery, State};
use allot::model::{EpochMillis, ExtraCost};
use engine_support::commands::{command, opening};
use engine_support::{NOW, engine, network, order, submit};
use std::sync::atomic::AtomicI64;

/// What shipped and what was spent beside it, part by part.
fn shipped(engine: &Engine) -> CostSums {
    let mut all = CostSums::default();
    for id in (0..80).map(|id: u32| id.to_string()) {
        let Ok(views) = engine.fulfillments("shop", &id) else {
            continue;
        };
        for view in views {
            let name = PartName {
                source: "shop",
                order: &id,
                number: view.part.id.number,
            };
            let Some(costs) = engine.cost_of(name).unwrap() else {
                continue;
            };
            let sums = costs.sums();
            // Paid and spent is what was forecast and the parts, each cent once.
            let spent: i64 = ExtraCost::ALL
                .iter()
                .map(|(_, kind)| costs.extra(*kind).0)
                .sum();
            let paid = costs.prices().map_or(0, |p| p.paid.0);
            assert_eq!(sums.actual, i128::from(spent + paid));
            assert_eq!(sums.forecast + sums.parts.iter().sum::<i128>(), sums.actual);
            all.add(&sums, 1);
        }
    }
    all
}

/// What is routed and still to ship: units that nobody has sent off, in parts with a place.
fn open(engine: &Engine) -> u64 {
    let ids = (0..80).map(|id: u32| id.to_string());
    let views = ids.filter_map(|id| engine.fulfillments("shop", &id).ok());
    let parts = views.flatten().map(|view| view.part);
    let to_ship = parts.filter(|part| {
        let over = matches!(part.state, State::Cancelled | State::Rejected);
        let units = part.lines.iter().map(|l| u64::from(l.units.open().0));
        part.route.is_some() && !over && part.state < State::Shipped && units.sum::<u64>() > 0
    });
    to_ship.count() as u64
}

fn grouped(by: u8) -> CostQuery {
    CostQuery {
        by_day: by & 1 > 0,
        by_location: by & 2 > 0,
        by_carrier: by & 4 > 0,
        by_channel: by & 8 > 0,
        days: None,
    }
}

#[test]
fn reports_are_the_sums_of_their_parts_to_the_cent() {
    let mut seen = [0_i128; 7];
    for seed in 0..12 {
        let engine = Engine::new(network(), opening(), Limits::default(), None, NOW).unwrap();
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for step in 1..=400 {
            command(&engine, &mut random, &clock);
            if step % 100 > 0 {
                continue;
            }
            let (parts, to_ship) = (shipped(&engine), open(&engine));
            let mut expected = None;
            for by in 0..16 {
                let mut all = CostSums::default();
                for (_, sums) in engine.cost_report(&grouped(by)) {
                    assert_eq!(sums.parts.iter().sum::<i128>(), sums.difference());
                    all.add(&sums, 1);
                }
                assert_eq!(all, parts, "seed {seed}, step {step}, {by}");
                let mut open = OpenCosts::default();
                for (_, row) in engine.open_costs(&grouped(by)) {
                    open.shipments += row.shipments;
                    open.cents += row.cents;
                }
                assert_eq!(open.shipments, to_ship, "seed {seed}, step {step}, {by}");
                assert_eq!(*expected.get_or_insert(open.cents), open.cents, "{by}");
            }
            let totals = seen.iter_mut().zip(parts.parts);
            totals.for_each(|(sum, cents)| *sum += cents.abs());
        }
    }
    // Split, distance and another partner need more than these histories; the rest has to occur.
    for part in [0, 4, 5, 6] {
        assert!(seen[part] > 0, "{seen:?}");
    }
}

#[test]
fn a_forecast_is_open_from_routing_until_it_ships_or_is_cancelled() {
    let engine = engine(&[[9, 0, 0]]);
    for id in ["1", "2"] {
        submit(&engine, order(id, &[(0, 2)])).unwrap();
    }
    let open = |engine: &Engine| {
        let rows = engine.open_costs(&CostQuery::default());
        rows.first()
            .map_or((0, 0), |(_, row)| (row.shipments, row.cents))
    };
    assert_eq!(open(&engine), (2, 2 * 720));
    engine.cancel_order("shop", "2", NOW).unwrap();
    assert_eq!(open(&engine), (1, 720));
    let handed = engine
        .register_fulfillment(("shop", "1"), None, "direct", NOW)
        .unwrap();
    let name = PartName {
        source: "shop",
        order: "1",
        number: 1,
    };
    let ship = allot::model::Change::Ship { parcels: vec![] };
    engine
        .tell_fulfillment(
            name,
            Some(&handed[0].1.token),
            &ship,
            EpochMillis(NOW.0 + 1),
        )
        .unwrap();
    assert_eq!(open(&engine), (0, 0));
    let shipped = engine.cost_report(&CostQuery::default());
    assert_eq!((shipped[0].1.forecast, shipped[0].1.difference()), (720, 0));
}
