//! The life of fulfilment orders: against a naive model (`world`, judged by `oracle`, driven by
//! `random`), the scenarios of its rules one by one, and the failures of other systems that are about
//! shipments, returns and costs.
//!
//! Everything here is data and functions: no engine, no socket, no clock.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod costs;
mod lessons;
mod oracle;
mod random;
mod returns;
mod scenarios;
mod world;

use allot::lifecycle::{
    Applied, Change, ClaimMode, FulfillmentId, FulfillmentOrder, Parcel, Refusal, ReleaseKey,
    Route, State, Token, Tracking,
};
use allot::model::{Cents, Day, EpochMillis, LocationId, OrderKey, Qty, ServiceId, SkuId};

/// The key of the data directory.
pub(crate) fn key() -> ReleaseKey {
    ReleaseKey::new(*b"sixteen bytes it")
}

pub(crate) const ROUTE: Route = Route {
    location: LocationId(3),
    service: ServiceId(1),
    ship_at: EpochMillis(0),
    deliver_on: Day(0),
    cents: Cents(0),
};

pub(crate) fn at(millis: i64) -> EpochMillis {
    EpochMillis(millis)
}

pub(crate) fn id(number: u32) -> FulfillmentId {
    FulfillmentId {
        order: OrderKey::new("shop", "1001"),
        number,
    }
}

/// A fulfilment order of SKU 0, SKU 1, … in these quantities, validated and routed.
pub(crate) fn routed(quantities: &[u32]) -> FulfillmentOrder {
    let lines = quantities.iter().enumerate();
    let lines: Vec<_> = lines
        .map(|(sku, &qty)| (SkuId::from_index(sku).unwrap(), Qty(qty)))
        .collect();
    let mut order = FulfillmentOrder::new(id(1), &lines, at(0), at(0)).unwrap();
    order.apply(&Change::Validate, at(0)).unwrap();
    order.apply(&Change::Route(ROUTE), at(0)).unwrap();
    order
}

/// One that `wms` has, and his token.
pub(crate) fn claimed(quantities: &[u32]) -> (FulfillmentOrder, Token) {
    let mut order = routed(quantities);
    let release = order
        .claim(&key(), "wms", ClaimMode::WorkAtOnce, at(1_000), at(1))
        .unwrap();
    (order, release.token)
}

pub(crate) fn tell(
    order: &mut FulfillmentOrder,
    token: &Token,
    change: &Change,
) -> Result<Applied, Refusal> {
    order.tell(&key(), Some(token), change, at(10))
}

pub(crate) fn tracking(number: &str) -> Tracking {
    Tracking {
        carrier: "UPS".into(),
        number: number.into(),
    }
}

pub(crate) fn parcel(number: &str, cents: i64) -> Parcel {
    Parcel {
        tracking: tracking(number),
        cents: Some(Cents(cents)),
        contents: vec![],
        delivered: false,
    }
}

pub(crate) fn ship(parcels: &[Parcel]) -> Change {
    Change::Ship {
        parcels: parcels.to_vec(),
    }
}

pub(crate) fn short(line: u16, total: u32) -> Change {
    Change::Short {
        lines: vec![(line, Qty(total))],
    }
}

pub(crate) fn reject() -> Change {
    Change::Reject {
        reason: "no room".into(),
    }
}

pub(crate) fn cancel() -> Change {
    Change::Cancel {
        reason: "customer".into(),
    }
}

pub(crate) const DELIVER: Change = Change::Deliver { parcel: None };

pub(crate) fn moved(from: State, to: State) -> Result<Applied, Refusal> {
    Ok(Applied::Moved { from, to })
}

pub(crate) fn late(state: State) -> Result<Applied, Refusal> {
    Ok(Applied::Late { state })
}

/// A refused change has changed nothing.
pub(crate) fn refused(order: &mut FulfillmentOrder, token: &Token, change: &Change) -> Refusal {
    let before = order.clone();
    let refusal = tell(order, token, change).unwrap_err();
    assert_eq!(*order, before, "refused, and changed all the same");
    refusal
}
