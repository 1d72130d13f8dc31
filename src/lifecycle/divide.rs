//! Splitting, merging and re-routing: units move from one fulfilment order to another of the same
//! order, and none is lost, made or turned into something else on the way.
//!
//! | verb | takes | leaves |
//! | --- | --- | --- |
//! | split off | open units, before any release | both parts in the state of the whole |
//! | absorb | all of another, before any release | the other one empty and cancelled |
//! | re-route | units that are short and not yet taken over | a new one, validated, to be routed |

use super::change::Refusal;
use super::fulfillment::{FulfillmentLine, FulfillmentOrder};
use super::quantities::Units;
use super::states::{State, Step};
use crate::model::Change;
use crate::model::{EpochMillis, Invalid, Qty};

impl FulfillmentOrder {
    /// Moves `lines` (line and units) to a new fulfilment order with this number. It stands where
    /// this one stands: what was backordered stays backordered.
    ///
    /// # Errors
    /// It was released; a line is unknown or named twice; more than is open, none, or everything.
    pub fn split_off(
        &mut self,
        number: u32,
        lines: &[(u16, Qty)],
    ) -> Result<FulfillmentOrder, Refusal> {
        if !self.state.unreleased() {
            return Err(self.not_allowed(Step::Route));
        }
        let mut rest = self.lines.clone();
        let mut taken = Vec::with_capacity(lines.len());
        for &(line, qty) in lines {
            let field = || format!("lines[{line}].qty");
            let from = rest.get_mut(usize::from(line));
            let from = from.ok_or_else(|| Invalid::new(field(), qty, "a line that is there"))?;
            let open = from.units.open();
            if qty.is_zero() || qty > open {
                return Err(Invalid::new(field(), qty, format!("1 to {open} open units")).into());
            }
            from.units.ordered -= qty;
            taken.push(FulfillmentLine {
                sku: from.sku,
                units: Units::of(qty),
            });
        }
        rest.retain(|l| !l.units.ordered.is_zero());
        if taken.is_empty() || rest.is_empty() {
            let expected = "some units, and not all of them";
            return Err(Invalid::new("lines", lines.len(), expected).into());
        }
        self.lines = rest;
        let mut part = self.clone();
        part.id.number = number;
        part.lines = taken;
        part.late = 0;
        Ok(part)
    }

    /// Takes all units of `other`, which is then empty and cancelled.
    ///
    /// # Errors
    /// They are not of one order, not both unreleased, not in the same state, or ship differently.
    pub fn absorb(&mut self, other: &mut FulfillmentOrder, at: EpochMillis) -> Result<(), Refusal> {
        let same = self.id.order == other.id.order
            && self.id != other.id
            && self.route == other.route
            && self.state == other.state;
        if !same {
            let expected = "one of the same order, with the same route and state";
            return Err(Invalid::new("other", &other.id, expected).into());
        }
        if !self.state.unreleased() {
            return Err(self.not_allowed(Step::Route));
        }
        let mut lines = self.lines.clone();
        for line in &other.lines {
            match lines.iter_mut().find(|l| l.sku == line.sku) {
                Some(known) => {
                    let sum = known.units.ordered.checked_add(line.units.ordered);
                    known.units.ordered = sum.ok_or_else(|| {
                        Invalid::new("qty", line.units.ordered, "at most 2000000000 in a line")
                    })?;
                }
                None => lines.push(line.clone()),
            }
        }
        if u16::try_from(lines.len()).is_err() {
            return Err(Invalid::new("lines", lines.len(), "1 to 65535 lines").into());
        }
        let reason = format!("merged into {}", self.id).into();
        other.apply(&Change::Cancel { reason }, at)?;
        other.each_line(|units| *units = Units::default());
        self.lines = lines;
        Ok(())
    }

    /// Units that need another place: short here, and in no other fulfilment order yet.
    #[must_use]
    pub fn unplaced(&self) -> u64 {
        let units = self.lines.iter().map(|l| u64::from(l.units.unplaced().0));
        units.sum()
    }

    /// A new fulfilment order for the units that need another place, validated and not yet routed;
    /// `None` when there are none. The same units are never given twice.
    pub fn reroute(&mut self, number: u32, at: EpochMillis) -> Option<FulfillmentOrder> {
        let mut lines = Vec::new();
        for line in &mut self.lines {
            let qty = line.units.unplaced();
            if !qty.is_zero() {
                line.units.rerouted += qty;
                lines.push(FulfillmentLine {
                    sku: line.sku,
                    units: Units::of(qty),
                });
            }
        }
        if lines.is_empty() {
            return None;
        }
        let mut id = self.id.clone();
        id.number = number;
        let times = self.times.taken_over(self.state, at);
        let mut part = FulfillmentOrder::of(id, lines, times, at);
        part.enter(State::Validated, at);
        Some(part)
    }
}
