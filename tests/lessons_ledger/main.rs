//! What other systems shipped and this ledger must not: a test for each row of the list of
//! failures that is about quantities, named after it.
//!
//! Rows about orders and identities have theirs in `engine_orders.rs` and `server/identity.rs`,
//! rows about routing in `lessons_routing.rs` and in `src/routing/tests/lessons.rs`, deadlocks of
//! the bare ledger (C11) in `ledger_contention.rs`.
//! C34 is in `tests/lifecycle_model`; C42 belongs to a part that does not exist.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../engine_support/mod.rs"]
mod engine_support;

mod clashes;
mod quantities;
mod supply;

use allot::engine::{
    AtpRequest, CountReport, Engine, EngineError, ReservationPut, ReservationView, WantedLine,
};
use allot::model::{Millis, Qty};
use engine_support::NOW;

pub(crate) const PLACES: [&str; 3] = ["EAST", "MID", "WEST"];

pub(crate) fn put(
    engine: &Engine,
    id: &str,
    lines: &[(&str, &str, u32)],
    ttl: Option<u64>,
) -> Result<ReservationView, EngineError> {
    let lines: Vec<WantedLine<'_>> = lines
        .iter()
        .map(|&(sku, location, qty)| WantedLine {
            sku,
            location,
            qty: Qty(qty),
        })
        .collect();
    let put = ReservationPut {
        id,
        ttl: ttl.map(Millis),
        channel: "web",
        priority: 0,
        need_at: None,
        lines: &lines,
    };
    engine.put_reservation(&put, NOW)
}

/// On hand, held, reserved of a position.
pub(crate) fn counts(engine: &Engine, sku: &str, place: &str) -> (u32, u32, u32) {
    let report = engine.stock(sku, place, NOW).unwrap();
    report.map_or((0, 0, 0), |r| {
        (r.position.on_hand, r.position.held, r.position.reserved)
    })
}

pub(crate) fn atp_at(engine: &Engine, sku: &str, place: &str) -> u64 {
    let request = AtpRequest {
        at: &[place],
        ..AtpRequest::default()
    };
    engine.atp(&[sku], &request, NOW).unwrap()[0].atp
}

pub(crate) fn set(engine: &Engine, reference: &str, sku: &str, place: &str, units: u32) {
    let count = CountReport {
        sku,
        location: place,
        on_hand: Qty(units),
        as_of: None,
        deducted: &[],
    };
    engine.set_stock(reference, &count, NOW).unwrap();
}
