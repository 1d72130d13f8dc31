//! Random commands for ledger and oracle: small numbers, few names, quantities near the edges.

use allot::model::PromiseFrom;
use proptest::prelude::*;

/// SKUs by index. The first two share a shard.
pub(crate) const SKUS: [u32; 4] = [0, 1024, 1, 7];
/// Locations by index; dense and sparse.
pub(crate) const LOCATIONS: [u16; 3] = [0, 1, 5];
/// Number of channels.
pub(crate) const CHANNELS: u16 = 3;
/// One step of time: a quarter of an hour.
pub(crate) const TICK_MS: i64 = 900_000;

/// Some units of a SKU; `place` is an index of a location, or anywhere. `need` is in ticks.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) sku: usize,
    pub(crate) place: Option<usize>,
    pub(crate) qty: u32,
    pub(crate) need: i64,
}

/// What a reservation asks for; `ttl` in ticks, none for firm.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) channel: u16,
    pub(crate) priority: i32,
    pub(crate) ttl: Option<i64>,
    pub(crate) wishes: Vec<Wish>,
}

/// Units on their way.
#[derive(Debug, Clone)]
pub(crate) struct Coming {
    pub(crate) id: usize,
    pub(crate) sku: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) qty: u32,
    pub(crate) arrives: i64,
}

/// One position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    pub(crate) sku: usize,
    pub(crate) place: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Take(Ask),
    Change {
        slot: usize,
        ask: Ask,
    },
    Extend {
        slot: usize,
        ttl: i64,
    },
    Confirm {
        slot: usize,
    },
    Release {
        slot: usize,
    },
    Settle {
        slot: usize,
        claim: usize,
        shipped: i64,
        missing: i64,
        more: i64,
    },
    Count {
        at: At,
        counted: u32,
        as_of: Option<i64>,
        deducted: Vec<usize>,
    },
    Adjust {
        at: At,
        change: i64,
    },
    Safety {
        at: At,
        qty: u32,
    },
    Hold {
        id: usize,
        at: At,
        qty: u32,
        reason: usize,
    },
    HoldAgain {
        id: usize,
    },
    ReleaseHold {
        id: usize,
        qty: Option<u32>,
    },
    Expect {
        coming: Coming,
        purchase: bool,
    },
    Dispatch {
        coming: Coming,
        force: bool,
    },
    SupplyAgain {
        id: usize,
    },
    Receive {
        id: usize,
        qty: u32,
        close: bool,
        mistaken: bool,
    },
    Delay {
        id: usize,
        arrives: i64,
        mistaken: bool,
    },
    Cancel {
        id: usize,
        give_back: bool,
        mistaken: bool,
    },
    Allocate {
        sku: usize,
        channel: u16,
        protected: u32,
        cap: Option<u32>,
    },
}

/// Some ticks pass, then a command comes, perhaps from a clock that lags behind.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) wait: i64,
    pub(crate) lag: i64,
    pub(crate) op: Op,
}

/// An opening row: units on hand, safety stock, held (cut to what is there).
pub(crate) type OpeningRow = (At, u32, u32, u32);

/// Promise rules, an opening and what happens then.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) default: PromiseFrom,
    pub(crate) of_sku: Option<(usize, PromiseFrom)>,
    pub(crate) of_place: Option<(usize, PromiseFrom)>,
    pub(crate) buffer_hours: u32,
    pub(crate) opening: Vec<OpeningRow>,
    pub(crate) steps: Vec<Step>,
}

/// Stories of `steps` steps on average.
pub(crate) fn story(steps: usize) -> impl Strategy<Value = Story> {
    let rules = (
        rule(),
        proptest::option::weighted(0.3, (sku(), rule())),
        proptest::option::weighted(0.3, (place(), rule())),
        prop_oneof![2 => Just(0u32), 1 => Just(1)],
    );
    let row = (
        at(),
        0u32..=20,
        prop_oneof![3 => Just(0u32), 1 => 1u32..=2],
        0u32..=2,
    );
    let opening = proptest::collection::vec(row, 0..=24);
    let steps = proptest::collection::vec(step(), 1..2 * steps);
    (rules, opening, steps).prop_map(
        |((default, of_sku, of_place, buffer_hours), opening, steps)| Story {
            default,
            of_sku,
            of_place,
            buffer_hours,
            opening,
            steps,
        },
    )
}

fn rule() -> impl Strategy<Value = PromiseFrom> {
    prop_oneof![
        3 => Just(PromiseFrom::All),
        1 => Just(PromiseFrom::Transfers),
        1 => Just(PromiseFrom::Off),
    ]
}

/// Most of it happens to the first SKU, so that reports and promises meet.
fn sku() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0usize), 2 => 0..SKUS.len()]
}

fn place() -> impl Strategy<Value = usize> {
    0..LOCATIONS.len()
}

fn at() -> impl Strategy<Value = At> {
    (sku(), place()).prop_map(|(sku, place)| At { sku, place })
}

fn wish() -> impl Strategy<Value = Wish> {
    let somewhere = proptest::option::weighted(0.6, place());
    let qty = prop_oneof![8 => 1u32..=3, 2 => 4u32..=8, 1 => 9u32..=30];
    let need = prop_oneof![3 => -2i64..=0, 2 => 1i64..=20];
    (sku(), somewhere, qty, need).prop_map(|(sku, place, qty, need)| Wish {
        sku,
        place,
        qty,
        need,
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let ttl = prop_oneof![12 => (1i64..=12).prop_map(Some), 1 => Just(Some(0)), 12 => Just(None)];
    let wishes = prop_oneof![
        5 => proptest::collection::vec(wish(), 1),
        3 => proptest::collection::vec(wish(), 2),
        2 => proptest::collection::vec(wish(), 3..=4),
    ];
    (0..CHANNELS, -1i32..=1, ttl, wishes).prop_map(|(channel, priority, ttl, wishes)| Ask {
        channel,
        priority,
        ttl,
        wishes,
    })
}

fn coming() -> impl Strategy<Value = Coming> {
    (0usize..24, sku(), place(), place(), 1u32..=8, -2i64..=20).prop_map(
        |(id, sku, from, to, qty, arrives)| Coming {
            id,
            sku,
            from,
            to,
            qty,
            arrives,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![5 => Just(0i64), 3 => 1i64..=2, 1 => 3i64..=8];
    let lag = prop_oneof![6 => Just(0i64), 1 => 1i64..=3];
    (wait, lag, op()).prop_map(|(wait, lag, op)| Step { wait, lag, op })
}

fn op() -> impl Strategy<Value = Op> {
    let slot = 0usize..64;
    // None, some or all of what is held.
    let shipped = prop_oneof![2 => 0i64..=3, 3 => Just(99)];
    let mistaken = prop_oneof![9 => Just(false), 1 => Just(true)];
    prop_oneof![
        14 => ask().prop_map(Op::Take),
        5 => (slot.clone(), ask()).prop_map(|(slot, ask)| Op::Change { slot, ask }),
        2 => (slot.clone(), -1i64..=15).prop_map(|(slot, ttl)| Op::Extend { slot, ttl }),
        1 => slot.clone().prop_map(|slot| Op::Confirm { slot }),
        5 => slot.clone().prop_map(|slot| Op::Release { slot }),
        8 => (slot, 0usize..4, shipped, 0i64..=2, 0i64..=2).prop_map(
            |(slot, claim, shipped, missing, more)| Op::Settle { slot, claim, shipped, missing, more }
        ),
        4 => count(),
        4 => (at(), prop_oneof![1 => -9i64..=-1, 2 => 1i64..=12])
            .prop_map(|(at, change)| Op::Adjust { at, change }),
        1 => (at(), 0u32..=3).prop_map(|(at, qty)| Op::Safety { at, qty }),
        2 => (0usize..12, at(), 1u32..=4, 0usize..5)
            .prop_map(|(id, at, qty, reason)| Op::Hold { id, at, qty, reason }),
        1 => (0usize..12).prop_map(|id| Op::HoldAgain { id }),
        2 => (0usize..12, proptest::option::of(1u32..=3))
            .prop_map(|(id, qty)| Op::ReleaseHold { id, qty }),
        4 => (coming(), any::<bool>()).prop_map(|(coming, purchase)| Op::Expect { coming, purchase }),
        3 => (coming(), proptest::bool::weighted(0.3))
            .prop_map(|(coming, force)| Op::Dispatch { coming, force }),
        1 => (0usize..24).prop_map(|id| Op::SupplyAgain { id }),
        4 => (0usize..24, 0u32..=9, any::<bool>(), mistaken.clone())
            .prop_map(|(id, qty, close, mistaken)| Op::Receive { id, qty, close, mistaken }),
        3 => (0usize..24, -2i64..=24, mistaken.clone())
            .prop_map(|(id, arrives, mistaken)| Op::Delay { id, arrives, mistaken }),
        2 => (0usize..24, any::<bool>(), mistaken)
            .prop_map(|(id, give_back, mistaken)| Op::Cancel { id, give_back, mistaken }),
        2 => (sku(), 0..CHANNELS, 0u32..=5, proptest::option::of(0u32..=12)).prop_map(
            |(sku, channel, protected, cap)| Op::Allocate { sku, channel, protected, cap }
        ),
    ]
}

fn count() -> impl Strategy<Value = Op> {
    let as_of = proptest::option::weighted(0.6, -6i64..=0);
    let deducted = proptest::collection::vec(0usize..64, 0..=3);
    (at(), 0u32..=16, as_of, deducted).prop_map(|(at, counted, as_of, deducted)| Op::Count {
        at,
        counted,
        as_of,
        deducted,
    })
}
