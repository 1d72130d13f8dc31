//! The commands, one file a noun: each reads its arguments, calls the engine, shapes the reply.

pub(super) mod admin;
pub(super) mod allocation;
pub(super) mod atp;
pub(super) mod backlog;
pub(super) mod cost;
pub(super) mod delay;
pub(super) mod exception;
pub(super) mod feed;
pub(super) mod fulfillment;
pub(super) mod hold;
pub(super) mod order;
pub(super) mod promise;
pub(super) mod reservation;
pub(super) mod returns;
pub(super) mod scarcity;
pub(super) mod snapshot;
pub(super) mod stock;
pub(super) mod supply;

use crate::engine::{Broken, Engine};
use crate::model::OwnerFact;
use crate::wire::Reply;

/// What a command's `broken` list means, for the reference.
pub(super) const BROKEN: &str = "`broken` lists the promises that supply no longer covers, lowest \
    priority and newest first: `owner` (`reservation ID` or `order SOURCE/ID`), `sku`, `location`, \
    `qty` (units not covered)";

/// Promises that no longer hold.
pub(super) fn broken(engine: &Engine, broken: &[Broken]) -> Reply {
    let registry = engine.registry();
    let rows = broken.iter().map(|b| {
        let owner = match &b.owner.id {
            OwnerFact::Reservation(id) => format!("reservation {id}"),
            OwnerFact::Order(key) => format!("order {key}"),
        };
        Reply::map([
            ("owner", owner.into()),
            ("sku", registry.sku_name(b.sku).into()),
            ("location", registry.location_name(b.location).into()),
            ("qty", Reply::Int(b.qty.0.into())),
        ])
    });
    Reply::Array(rows.collect())
}
