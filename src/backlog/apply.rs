//! The moves of a plan made, each checked anew by the engine.

use super::file::MoveRow;
use crate::engine::{Engine, EngineError, MoveOutcome, Moving};
use crate::model::{EpochMillis, LocationId, SkuId};
use std::collections::{BTreeMap, HashMap};

/// What became of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The engine's answer.
    Told(MoveOutcome),
    /// There is no such order.
    NotFound,
    /// It names what is not there, or cannot be routed by.
    Invalid(String),
    /// It was not tried: somebody stopped the work before.
    Stopped,
}

impl Applied {
    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Told(outcome) => outcome.name(),
            Self::NotFound => "notfound",
            Self::Invalid(_) => "invalid",
            Self::Stopped => "stopped",
        }
    }

    /// Why it is invalid.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Invalid(why) => Some(why),
            Self::Told(_) | Self::NotFound | Self::Stopped => None,
        }
    }

    fn of(result: Result<MoveOutcome, EngineError>) -> Self {
        match result {
            Ok(outcome) => Self::Told(outcome),
            Err(EngineError::NotFound { .. }) => Self::NotFound,
            Err(error) => Self::Invalid(error.to_string()),
        }
    }
}

/// Makes the moves, and gives what they freed to the orders that wait for it.
#[must_use]
pub fn apply(engine: &Engine, rows: &[MoveRow], now: EpochMillis) -> Vec<Applied> {
    let results = carry_out(engine, rows, &mut |_| Some(now));
    engine.serve_waiting(freed(engine, rows, &results), now);
    results
}

/// Gives units of these items to the orders that wait for them, item by item. Before each it asks `go_on`
/// for the moment at which that happens: without one it stops, and leaves the rest in `skus`. Tells how
/// many orders got something.
pub fn serve(
    engine: &Engine,
    skus: &mut Vec<SkuId>,
    go_on: &mut dyn FnMut() -> Option<EpochMillis>,
) -> usize {
    let mut served = 0;
    while !skus.is_empty() {
        let Some(now) = go_on() else {
            break;
        };
        served += engine.serve_waiting(skus.pop(), now);
    }
    served
}

/// The items of which moves that were made may have freed units, now or when they were made before.
#[must_use]
pub fn freed(engine: &Engine, rows: &[MoveRow], results: &[Applied]) -> Vec<SkuId> {
    let made = |result: &Applied| matches!(result.name(), "moved" | "already");
    let rows = rows.iter().zip(results).filter(|(_, r)| made(r));
    let items = rows.flat_map(|(row, _)| row.from.shipments.iter().flat_map(|s| &s.items));
    let mut skus: Vec<SkuId> = items
        .filter_map(|item| engine.registry().sku("sku", &item.sku).ok())
        .collect();
    skus.sort_unstable();
    skus.dedup();
    skus
}

/// Makes the moves. One that wants units which another still has is tried again after that one has
/// moved; where they wait for each other in a circle they move in one step. Before each it asks
/// `go_on`, telling how many are done, for the moment at which it is made: without one it stops.
/// What the moves free is nobody's yet, so that the moves of another part of the plan may have it.
#[must_use]
pub fn carry_out(
    engine: &Engine,
    rows: &[MoveRow],
    go_on: &mut dyn FnMut(usize) -> Option<EpochMillis>,
) -> Vec<Applied> {
    let mut moves: Vec<Option<Moving>> = Vec::with_capacity(rows.len());
    let mut results: Vec<Applied> = Vec::with_capacity(rows.len());
    for row in rows {
        let moving = row.moving(engine);
        results.push(match &moving {
            Ok(_) => Applied::Stopped,
            Err(error) => Applied::Invalid(error.to_string()),
        });
        moves.push(moving.ok());
    }
    let mut done = 0;
    loop {
        let mut got_on = false;
        for (moving, result) in moves.iter().zip(&mut results) {
            let Some(moving) = moving.as_ref().filter(|_| waits(result)) else {
                continue;
            };
            let Some(now) = go_on(done) else {
                return results;
            };
            *result = Applied::of(engine.move_order(moving, now));
            got_on |= *result == MOVED;
            done += usize::from(!waits(result));
        }
        if go_on(done).is_none() {
            return results;
        }
        let done = results.iter().filter(|result| !waits(result)).count();
        let mut go_on = || go_on(done);
        if !got_on && !move_a_group(engine, &moves, &mut results, &mut go_on) {
            return results;
        }
    }
}

/// Whether a move is still to be made.
fn waits(result: &Applied) -> bool {
    matches!(result, Applied::Stopped) || *result == WAITS
}

const WAITS: Applied = Applied::Told(MoveOutcome::NoStock);
const MOVED: Applied = Applied::Told(MoveOutcome::Moved);
/// Most orders that move in one step.
const GROUP_MAX: usize = 128;

/// A SKU at a location.
type Position = (SkuId, LocationId);

/// Orders of which each waits for units that another still has move together, in one step. Tells
/// whether any did.
fn move_a_group(
    engine: &Engine,
    moves: &[Option<Moving>],
    results: &mut [Applied],
    go_on: &mut dyn FnMut() -> Option<EpochMillis>,
) -> bool {
    let waiting: Vec<(usize, &Moving)> = moves
        .iter()
        .enumerate()
        .filter_map(|(at, moving)| moving.as_ref().map(|m| (at, m)))
        .filter(|(at, _)| results[*at] == WAITS)
        .collect();
    // Who gives up units of a position.
    let mut givers: HashMap<Position, Vec<usize>> = HashMap::new();
    for (number, (_, moving)) in waiting.iter().enumerate() {
        for (position, units) in net(moving) {
            if units < 0 {
                givers.entry(position).or_default().push(number);
            }
        }
    }
    let mut any = false;
    for first in 0..waiting.len() {
        if results[waiting[first].0] != WAITS {
            continue;
        }
        // Whoever wants it to end does not wait until all groups are looked for.
        let Some(now) = go_on() else {
            return any;
        };
        let group = closed(first, &waiting, &givers, results);
        if group.len() < 2 {
            continue;
        }
        let movings: Vec<&Moving> = group.iter().map(|&n| waiting[n].1).collect();
        let told = engine.move_orders(&movings, now).unwrap_or_default();
        for (&number, outcome) in group.iter().zip(told) {
            any |= outcome == MoveOutcome::Moved;
            results[waiting[number].0] = Applied::Told(outcome);
        }
    }
    any
}

/// Units that a move takes at each position, less those it gives up there.
fn net(moving: &Moving) -> BTreeMap<Position, i64> {
    let mut net: BTreeMap<Position, i64> = BTreeMap::new();
    for (layout, sign) in [(&moving.to, 1), (&moving.from, -1)] {
        for (location, items) in &layout.shipments {
            for (sku, qty) in items {
                *net.entry((*sku, *location)).or_default() += sign * i64::from(qty.0);
            }
        }
    }
    net.retain(|_, units| *units != 0);
    net
}

/// A move and those who give up what it takes, and so on, until nothing is taken that none of them
/// gives up, as far as anybody does.
fn closed(
    first: usize,
    waiting: &[(usize, &Moving)],
    givers: &HashMap<Position, Vec<usize>>,
    results: &[Applied],
) -> Vec<usize> {
    let mut group = vec![first];
    let mut balance: BTreeMap<Position, i64> = net(waiting[first].1);
    let mut done: Vec<Position> = Vec::new();
    while group.len() < GROUP_MAX {
        let lacking = balance
            .iter()
            .find(|(p, units)| **units > 0 && !done.contains(p));
        let Some((&position, _)) = lacking else {
            break;
        };
        let all = givers.get(&position).map_or(&[][..], Vec::as_slice);
        let free = |n: &&usize| !group.contains(n) && results[waiting[**n].0] == WAITS;
        let Some(&giver) = all.iter().find(free) else {
            done.push(position);
            continue;
        };
        group.push(giver);
        for (position, units) in net(waiting[giver].1) {
            *balance.entry(position).or_default() += units;
        }
    }
    group
}
