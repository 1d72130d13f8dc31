//! What a fulfilment order answers about its own lines and parcels while a change is made.

use super::change::Refusal;
use super::fulfillment::{FulfillmentLine, FulfillmentOrder};
use super::parcels;
use super::quantities::Units;
use super::states::State;
use crate::model::{EpochMillis, Invalid, Qty};
use crate::model::{Parcel, Tracking};

impl FulfillmentOrder {
    /// Whether so many missing units are no news. None missing is not a report, so it is never known:
    /// else it would be accepted without counting as a sign that the holder has begun.
    pub(super) fn knows_short(&self, &(line, total): &(u16, Qty)) -> bool {
        let line = self.lines.get(usize::from(line));
        line.is_some_and(|l| !total.is_zero() && total <= l.units.short)
    }

    /// A late message about missing units is harmless where none are alive; of delivered ones it
    /// contradicts the delivery.
    pub(super) fn check_late_short(&self, lines: &[(u16, Qty)]) -> Result<(), Refusal> {
        let closed = matches!(self.state, State::Rejected | State::Cancelled);
        match lines.iter().find(|l| !self.knows_short(l)) {
            Some((line, total)) if !closed => Err(Invalid::new(
                format!("lines[{line}].short"),
                total,
                "no more than was missing before delivery; open an exception for the difference",
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// The lines once these totals are missing.
    pub(super) fn lines_with_short(
        &self,
        totals: &[(u16, Qty)],
    ) -> Result<Vec<FulfillmentLine>, Refusal> {
        let mut lines = self.lines.clone();
        change_lines(&mut lines, totals, "short", |units, total| {
            units.with_short(total).ok_or_else(|| {
                format!(
                    "1 to {}, what is not delivered",
                    units.alive() + units.short
                )
            })
        })?;
        let left = lines.iter().any(|l| !l.units.alive().is_zero());
        if self.state == State::Shipped && !left {
            let expected = "fewer: it has shipped, so at least one unit was there";
            return Err(Invalid::new("short", "every unit", expected).into());
        }
        parcels::check_contents(&self.parcels, &lines)?;
        Ok(lines)
    }

    /// Whether a holder would have nothing left to pick.
    pub(super) fn all_short_with(&self, totals: &[(u16, Qty)]) -> bool {
        let lines = self.lines_with_short(totals);
        let none = |lines: Vec<FulfillmentLine>| lines.iter().all(|l| l.units.alive().is_zero());
        self.state.with_holder() && lines.is_ok_and(none)
    }

    /// The lines once these units have come back as well.
    pub(super) fn lines_with_returned(
        &self,
        back: &[(u16, Qty)],
    ) -> Result<Vec<FulfillmentLine>, Refusal> {
        let mut lines = self.lines.clone();
        change_lines(&mut lines, back, "returned", |mut units, qty| {
            let out = units.delivered - units.returned;
            if qty.is_zero() || qty > out {
                return Err(format!("1 to {out}, what is delivered and not back"));
            }
            units.returned += qty;
            Ok(units)
        })?;
        Ok(lines)
    }

    pub(super) fn all_returned_with(&self, back: &[(u16, Qty)]) -> bool {
        let lines = self.lines_with_returned(back);
        let all = |lines: Vec<FulfillmentLine>| {
            let mut units = lines.iter().map(|l| l.units);
            units.all(|u| u.returned == u.shipped)
        };
        self.state == State::Delivered && lines.is_ok_and(all)
    }

    /// Known parcels and these. A known one gains what was not known of it; nothing is replaced.
    pub(super) fn merged_parcels(
        &self,
        more: &[Parcel],
        lines: &[FulfillmentLine],
    ) -> Result<Vec<Parcel>, Refusal> {
        let all_delivered = matches!(self.state, State::Delivered | State::Returned);
        let merged = parcels::merged(&self.parcels, more, all_delivered)?;
        parcels::check_contents(&merged, lines)?;
        Ok(merged)
    }

    pub(super) fn ship(&mut self, more: &[Parcel]) -> Result<(), Refusal> {
        let mut lines = self.lines.clone();
        lines.iter_mut().for_each(|l| l.units.ship());
        self.parcels = self.merged_parcels(more, &lines)?;
        self.lines = lines;
        self.parcels_complete = true;
        self.count_delivered();
        Ok(())
    }

    pub(super) fn deliver_parcel(&mut self, tracking: &Tracking) -> Result<(), Refusal> {
        let parcel = Parcel {
            tracking: tracking.clone(),
            cents: None,
            contents: Vec::new(),
            delivered: true,
        };
        let mut lines = self.lines.clone();
        lines.iter_mut().for_each(|l| l.units.ship());
        self.parcels = self.merged_parcels(&[parcel], &lines)?;
        self.lines = lines;
        self.count_delivered();
        Ok(())
    }

    /// Units in delivered parcels are delivered.
    fn count_delivered(&mut self) {
        let delivered = self.parcels.iter().filter(|p| p.delivered);
        let mut units: Vec<Qty> = vec![Qty::ZERO; self.lines.len()];
        for &(line, qty) in delivered.flat_map(|p| &p.contents) {
            units[usize::from(line)] += qty;
        }
        for (line, units) in self.lines.iter_mut().zip(units) {
            line.units.delivered = line.units.delivered.max(units);
        }
    }

    /// When all parcels are known and the last one is with the customer, so is all of it.
    pub(super) fn deliver_if_complete(&mut self, at: EpochMillis) {
        if self.state != State::Shipped {
            return;
        }
        self.count_delivered();
        let known = self.parcels_complete && !self.parcels.is_empty();
        if known && self.parcels.iter().all(|p| p.delivered) {
            self.each_line(Units::deliver);
            self.enter(State::Delivered, at);
        }
    }
}

/// Changes lines by number; the first that cannot be leaves the list half done, so it is a copy.
fn change_lines(
    lines: &mut [FulfillmentLine],
    wanted: &[(u16, Qty)],
    what: &str,
    change: impl Fn(Units, Qty) -> Result<Units, String>,
) -> Result<(), Invalid> {
    if wanted.is_empty() {
        return Err(Invalid::new("lines", "empty", "at least one line"));
    }
    let count = lines.len();
    for &(number, qty) in wanted {
        let line = lines.get_mut(usize::from(number)).ok_or_else(|| {
            Invalid::new("line", number, format!("0 to {}", count.saturating_sub(1)))
        })?;
        line.units = change(line.units, qty)
            .map_err(|expected| Invalid::new(format!("lines[{number}].{what}"), qty, expected))?;
    }
    Ok(())
}
