//! Units of an order placed anew: parts give units up, new parts take them, and none is lost, made or
//! given twice on the way.
//!
//! | a part that is | gives up | and keeps |
//! | --- | --- | --- |
//! | not released | open units: they never were its | the rest; with none left it is cancelled |
//! | cancelled | cancelled units, when the whole order is changed | the rest |
//! | anything else | units that are short and that no other part took over | them as `rerouted` |

use super::fulfillment::{FulfillmentId, FulfillmentLine, FulfillmentOrder};
use super::quantities::Units;
use super::states::State;
use super::times::Times;
use crate::model::{Change, EpochMillis, GivenUp, Invalid, NewPart, Qty, SkuId};

impl FulfillmentOrder {
    /// Units of a line that it could give up now.
    #[must_use]
    pub fn may_give_up(&self, line: &FulfillmentLine) -> Qty {
        match self.state {
            State::Cancelled => line.units.cancelled,
            state if state.unreleased() => line.units.open(),
            _ => line.units.unplaced(),
        }
    }

    /// Whether its units wait for supply, and nothing else keeps them.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.state == State::Backordered || (!self.state.unreleased() && self.unplaced() > 0)
    }
}

/// Moves units from the parts of an order to new ones.
///
/// # Errors
/// More than a part can give up, a part or line that is not there, a number that was used before, or
/// units that were given up and are in no new part. Parts may be half changed then.
pub fn place(
    parts: &mut Vec<FulfillmentOrder>,
    (given_up, new): (&[GivenUp], &[NewPart]),
    (placed_at, received_at): (EpochMillis, EpochMillis),
    at: EpochMillis,
) -> Result<(), Invalid> {
    // Before they give anything up: what they stand in then says nothing of the time before.
    let spent: Vec<(SkuId, Times)> = given_up
        .iter()
        .filter_map(|one| {
            let part = parts.iter().find(|p| p.id.number == one.number)?;
            let sku = part.lines.get(usize::from(one.line))?.sku;
            Some((sku, part.times.taken_over(part.state, at)))
        })
        .collect();
    for one in given_up {
        let part = parts.iter_mut().find(|p| p.id.number == one.number);
        let part =
            part.ok_or_else(|| Invalid::new("number", one.number, "a part of this order"))?;
        part.give_up(one)?;
    }
    for part in parts.iter_mut() {
        part.close_when_empty(at);
    }
    let order = parts.first().map(|p| p.id.order.clone());
    for one in new {
        let known = parts.iter().any(|p| p.id.number == one.number);
        let Some(order) = order.clone().filter(|_| !known && !one.lines.is_empty()) else {
            let expected = "a new number, and units";
            return Err(Invalid::new("number", one.number, expected));
        };
        let id = FulfillmentId {
            order,
            number: one.number,
        };
        // Of the units that it takes over, those of its first line.
        let first = one.lines.first().map(|(sku, _)| *sku);
        let from = spent.iter().find(|(sku, _)| Some(*sku) == first);
        let from = from.or(spent.first()).map(|(_, times)| times.clone());
        let times = from.unwrap_or_else(|| Times::new(placed_at, received_at));
        parts.push(new_part(id, one, times, at));
    }
    Ok(())
}

fn new_part(id: FulfillmentId, new: &NewPart, times: Times, at: EpochMillis) -> FulfillmentOrder {
    let line = |&(sku, qty)| FulfillmentLine {
        sku,
        units: Units::of(qty),
    };
    let mut part = FulfillmentOrder::of(id, new.lines.iter().map(line).collect(), times, at);
    let placed = new.route.map_or(Change::Backorder, Change::Route);
    let held = new.held.clone().map(|reason| Change::Hold { reason });
    let cancelled = new.cancelled.clone();
    let cancelled = cancelled.map(|reason| Change::Cancel { reason });
    for change in [Some(Change::Validate), Some(placed), held, cancelled]
        .iter()
        .flatten()
    {
        part.apply(change, at)
            .expect("what was just received can be validated, placed, held and cancelled");
    }
    part
}

impl FulfillmentOrder {
    fn give_up(&mut self, one: &GivenUp) -> Result<(), Invalid> {
        let line = self.lines.get(usize::from(one.line));
        let most = line.map_or(Qty::ZERO, |line| self.may_give_up(line));
        if one.qty.is_zero() || one.qty > most {
            let field = format!("lines[{}].qty", one.line);
            return Err(Invalid::new(field, one.qty, format!("1 to {most} units")));
        }
        let state = self.state;
        let units = &mut self.lines[usize::from(one.line)].units;
        if state == State::Cancelled {
            units.cancelled -= one.qty;
            units.ordered -= one.qty;
        } else if state.unreleased() {
            units.ordered -= one.qty;
        } else {
            units.rerouted += one.qty;
        }
        Ok(())
    }

    /// What was never handed out and has no units any more is no part of the order.
    fn close_when_empty(&mut self, at: EpochMillis) {
        if self.state.unreleased() && self.lines.iter().all(|l| l.units.ordered.is_zero()) {
            let reason = "its units are in other parts".into();
            self.apply(&Change::Cancel { reason }, at)
                .expect("what was never handed out can be cancelled");
        }
    }
}
