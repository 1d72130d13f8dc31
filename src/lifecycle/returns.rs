//! Returns: authorised against what was delivered, received, graded.
//!
//! | step | of at most | gives, once per unit |
//! | --- | --- | --- |
//! | authorise | delivered, less what is authorised or back already | nothing: no unit has moved |
//! | receive | authorised | an item receipt |
//! | grade sellable | received and not graded | a credit memo |
//! | grade damaged by the carrier | the same | a carrier claim |
//! | grade damaged otherwise | the same | an inventory adjustment: on hold |
//! | grade for another location | the same | an inventory adjustment: to that location |
//!
//! Received and graded units are told as totals, so that a repeat, or an older total that comes
//! late, gives nothing. Each event has a number within its return: `(return, number)` is its
//! identity, for whoever books it.

use super::change::Refusal;
use super::fulfillment::{FulfillmentId, FulfillmentOrder};
use crate::model::{
    Booking, Change, EpochMillis, Grade, Invalid, LocationId, Qty, ReturnEvent, SkuId, check_id,
};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// Longest id of a return.
const RETURN_ID_BYTES_MAX: usize = 40;

/// One line of a return.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReturnLine {
    /// Line of the fulfilment order.
    pub line: u16,
    /// The item.
    pub sku: SkuId,
    /// May come back.
    pub authorised: Qty,
    /// Of these: have come back.
    pub received: Qty,
    /// Of these: by grade, in order of first mention.
    pub graded: Vec<(Grade, Qty)>,
}

impl ReturnLine {
    /// Units of all grades.
    #[must_use]
    pub fn graded_units(&self) -> Qty {
        self.graded.iter().map(|&(_, qty)| qty).sum()
    }
}

/// A return.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Return {
    /// Of which fulfilment order.
    pub fulfillment: FulfillmentId,
    /// Where it comes back to.
    pub location: LocationId,
    /// What may come back and what has.
    pub lines: Vec<ReturnLine>,
    /// When it was authorised.
    pub authorised_at: EpochMillis,
    /// Whether no more may come back.
    pub closed: bool,
    /// Number of its last event.
    pub events: u32,
}

/// All returns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Returns {
    all: BTreeMap<Box<str>, Return>,
    of: BTreeMap<FulfillmentId, Vec<Box<str>>>,
}

impl Returns {
    /// The return of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Return> {
        self.all.get(id)
    }

    /// Ids of all returns, ascending.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all.keys().map(|id| &**id)
    }

    /// Returns of a fulfilment order, in the order in which they were authorised.
    pub fn of(&self, fulfillment: &FulfillmentId) -> impl Iterator<Item = (&str, &Return)> {
        let ids = self.of.get(fulfillment).into_iter().flatten();
        ids.filter_map(|id| Some((&**id, self.all.get(id)?)))
    }

    /// Lets `lines` (line and units) of a fulfilment order come back to a location; `true` when that
    /// is new. The same again is answered by what is there.
    ///
    /// # Errors
    /// More than was delivered and is not yet spoken for; a line twice, unknown or without units;
    /// the same id with other content.
    pub fn authorise(
        &mut self,
        id: &str,
        fulfillment: &FulfillmentOrder,
        location: LocationId,
        lines: &[(u16, Qty)],
        at: EpochMillis,
    ) -> Result<(&Return, bool), Invalid> {
        check_return_id(id)?;
        if let Some(known) = self.all.get(id) {
            known.check_same(fulfillment, location, lines)?;
        } else {
            let wanted = self.checked_lines(fulfillment, lines)?;
            let fulfillment = fulfillment.id.clone();
            let of = self.of.entry(fulfillment.clone()).or_default();
            of.push(id.into());
            let new = Return {
                fulfillment,
                location,
                lines: wanted,
                authorised_at: at,
                closed: false,
                events: 0,
            };
            self.all.insert(id.into(), new);
            return Ok((&self.all[id], true));
        }
        Ok((&self.all[id], false))
    }

    fn checked_lines(
        &self,
        fulfillment: &FulfillmentOrder,
        lines: &[(u16, Qty)],
    ) -> Result<Vec<ReturnLine>, Invalid> {
        let mut wanted: Vec<ReturnLine> = Vec::with_capacity(lines.len());
        for &(line, qty) in lines {
            let field = || format!("lines[{line}].qty");
            let known = fulfillment.lines.get(usize::from(line));
            let known = known.filter(|_| wanted.iter().all(|w| w.line != line));
            let known = known.ok_or_else(|| {
                Invalid::new(field(), qty, "a line of the fulfilment order, once")
            })?;
            let free = known
                .units
                .delivered
                .saturating_sub(self.spoken_for(&fulfillment.id, line));
            if qty.is_zero() || qty > free {
                let expected = format!("1 to {free}, delivered and in no other return");
                return Err(Invalid::new(field(), qty, expected));
            }
            wanted.push(ReturnLine {
                line,
                sku: known.sku,
                authorised: qty,
                received: Qty::ZERO,
                graded: Vec::new(),
            });
        }
        match wanted.is_empty() {
            true => Err(Invalid::new("lines", "empty", "at least one line")),
            false => Ok(wanted),
        }
    }

    /// Units of a line that are back, or may still come back.
    fn spoken_for(&self, fulfillment: &FulfillmentId, line: u16) -> Qty {
        let returns = self.of(fulfillment);
        let units = returns.flat_map(|(_, r)| {
            let of_line = r.lines.iter().filter(move |l| l.line == line);
            of_line.map(|l| if r.closed { l.received } else { l.authorised })
        });
        units.sum()
    }

    /// Units have come back: totals by line. All lines or none; what is known already gives nothing.
    ///
    /// # Errors
    /// There is no such return; it is closed; more than authorised; another fulfilment order.
    pub fn receive(
        &mut self,
        id: &str,
        fulfillment: &mut FulfillmentOrder,
        totals: &[(u16, Qty)],
        at: EpochMillis,
    ) -> Result<Vec<ReturnEvent>, Refusal> {
        let known = self.all.get_mut(id).ok_or_else(|| unknown(id))?;
        if known.fulfillment != fulfillment.id {
            let expected = format!("{}, which it is of", known.fulfillment);
            return Err(Invalid::new("fulfillment", &fulfillment.id, expected).into());
        }
        let mut after = known.clone();
        let mut back = Vec::new();
        let mut events = Vec::new();
        for &(number, total) in totals {
            let line = after.line(number)?;
            let more = total.saturating_sub(line.received);
            if more.is_zero() {
                continue;
            }
            if total > line.authorised || known.closed {
                let open = if known.closed {
                    line.received
                } else {
                    line.authorised
                };
                let field = format!("lines[{number}].received");
                let expected = format!("at most {open}, what is authorised; authorise more first");
                return Err(Invalid::new(field, total, expected).into());
            }
            line.received = total;
            back.push((number, more));
            let sku = line.sku;
            events.push(after.event(id, Booking::ItemReceipt, (number, sku, more), at));
        }
        if !back.is_empty() {
            fulfillment.apply(&Change::Return { lines: back }, at)?;
            *known = after;
        }
        Ok(events)
    }

    /// What came back was looked at: totals by line and grade. All lines or none; what is known
    /// already gives nothing.
    ///
    /// # Errors
    /// There is no such return; more than received in all grades.
    pub fn grade(
        &mut self,
        id: &str,
        totals: &[(u16, Grade, Qty)],
        at: EpochMillis,
    ) -> Result<Vec<ReturnEvent>, Invalid> {
        let known = self.all.get_mut(id).ok_or_else(|| unknown(id))?;
        let mut after = known.clone();
        let mut events = Vec::new();
        for &(number, grade, total) in totals {
            let line = after.line(number)?;
            let place = line.graded.iter().position(|(g, _)| *g == grade);
            let before = place.map_or(Qty::ZERO, |place| line.graded[place].1);
            let more = total.saturating_sub(before);
            if more.is_zero() {
                continue;
            }
            let ungraded = line.received.saturating_sub(line.graded_units());
            if more > ungraded {
                let field = format!("lines[{number}].graded");
                let most = before + ungraded;
                let expected = format!("at most {most}, what was received and has no other grade");
                return Err(Invalid::new(field, total, expected));
            }
            match place {
                Some(place) => line.graded[place].1 = total,
                None => line.graded.push((grade, total)),
            }
            let sku = line.sku;
            events.push(after.event(id, Booking::of(grade), (number, sku, more), at));
        }
        *known = after;
        Ok(events)
    }

    /// No more may come back: what did not is free for another return.
    ///
    /// # Errors
    /// There is no such return.
    pub fn close(&mut self, id: &str) -> Result<(), Invalid> {
        self.all.get_mut(id).ok_or_else(|| unknown(id))?.closed = true;
        Ok(())
    }
}

impl Return {
    fn line(&mut self, number: u16) -> Result<&mut ReturnLine, Invalid> {
        let line = self.lines.iter_mut().find(|l| l.line == number);
        line.ok_or_else(|| Invalid::new("line", number, "a line of the return"))
    }

    fn event(
        &mut self,
        id: &str,
        booking: Booking,
        (line, sku, qty): (u16, SkuId, Qty),
        at: EpochMillis,
    ) -> ReturnEvent {
        // Each event takes at least one of at most 4 billion units of a line.
        self.events = self.events.saturating_add(1);
        ReturnEvent {
            id: id.into(),
            number: self.events,
            booking,
            line,
            sku,
            location: match booking {
                Booking::InventoryAdjustment(Some(to)) => to,
                _ => self.location,
            },
            qty,
            at,
        }
    }

    fn check_same(
        &self,
        fulfillment: &FulfillmentOrder,
        location: LocationId,
        lines: &[(u16, Qty)],
    ) -> Result<(), Invalid> {
        let taken = "the same as before: this return id is taken";
        if self.fulfillment != fulfillment.id {
            return Err(Invalid::new("fulfillment", &fulfillment.id, taken));
        }
        if self.location != location {
            return Err(Invalid::new("location", location.0, taken));
        }
        let known = self.lines.iter().map(|l| (l.line, l.authorised));
        match known.eq(lines.iter().copied()) {
            true => Ok(()),
            false => Err(Invalid::new("lines", format!("{lines:?}"), taken)),
        }
    }
}

/// Shorter than other ids, so that a hold can be named after a return and one of its events.
fn check_return_id(id: &str) -> Result<(), Invalid> {
    check_id("return", id)?;
    match id.len() <= RETURN_ID_BYTES_MAX {
        true => Ok(()),
        false => Err(Invalid::new("return", id, "an id of at most 40 characters")),
    }
}

fn unknown(id: &str) -> Invalid {
    Invalid::new("return", id, "the id of an authorised return")
}
