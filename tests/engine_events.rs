//! The sum of events is the state: whoever only reads the feed knows every quantity and where every
//! part of every order stands.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod engine_support;

use allot::bench::random::Random;
use allot::engine::Engine;
use allot::model::EpochMillis;
use engine_support::commands::{command, opening};
use engine_support::kept::recorded;
use engine_support::reader::{Reader, Units, parts_of, positions_of};
use engine_support::{NOW, network};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

/// Units by return and kind of booking, as the returns themselves say.
fn booked_by(engine: &Engine) -> BTreeMap<(String, String), u64> {
    let mut all = BTreeMap::new();
    for id in (0..6).map(|id| format!("rma-{id}")) {
        let Ok(view) = engine.return_of(&id) else {
            continue;
        };
        let mut add = |name: &str, qty: u32| {
            if qty > 0 {
                let key = (id.clone(), format!("return.{name}"));
                *all.entry(key).or_default() += u64::from(qty);
            }
        };
        for line in &view.all.lines {
            add("item_receipt", line.received.0);
            for &(grade, qty) in &line.graded {
                add(allot::model::Booking::of(grade).name(), qty.0);
            }
        }
    }
    all
}

#[test]
fn the_sum_of_events_is_the_state() {
    let (mut parts_seen, mut booked_seen) = (0, 0);
    for seed in 0..20 {
        let (engine, kept) = recorded(network(), opening());
        let (mut random, clock) = (Random::new(seed), AtomicI64::new(NOW.0));
        for _ in 0..500 {
            command(&engine, &mut random, &clock);
        }
        let now = EpochMillis(clock.load(Ordering::Relaxed));
        let mut read = Reader::of(&engine, &kept.facts());
        let nothing = |units: &mut Units| *units != (0, 0, 0);
        let mut positions = positions_of(&engine, now);
        positions.retain(|_, units| nothing(units));
        read.positions.retain(|_, units| nothing(units));
        assert_eq!(read.positions, positions, "seed {seed}");
        assert_eq!(read.parts, parts_of(&engine), "seed {seed}");
        assert_eq!(read.booked, booked_by(&engine), "seed {seed}");
        parts_seen += read.parts.len();
        booked_seen += read.booked.len();
    }
    assert!(
        parts_seen > 100 && booked_seen > 10,
        "{parts_seen}, {booked_seen}"
    );
}
