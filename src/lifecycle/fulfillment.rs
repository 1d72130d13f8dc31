//! A fulfilment order: what one place has to ship for one order, and everything that happened to it.
//!
//! Invariants: its units are conserved (`quantities`), its state changes by the table of moves
//! alone, at most one release is live, a parcel once known stays known. A change that is refused
//! has changed nothing.
//!
//! Who may ask for a change is decided in `release`; here changes only have to be possible. Time is
//! handed in.

use super::change::{Applied, Refusal};
use super::parcels;
use super::quantities::Units;
use super::states::{self, Outcome, State, Step};
use super::times::Times;
use crate::model::{Change, ClaimMode, Parcel, Route};
use crate::model::{EpochMillis, Invalid, OrderKey, Qty, SkuId};
use bincode::{Decode, Encode};
use std::fmt;

/// Which fulfilment order: the order, and a number within it from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct FulfillmentId {
    /// The order.
    pub order: OrderKey,
    /// Never used again within the order.
    pub number: u32,
}

impl fmt::Display for FulfillmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.order, self.number)
    }
}

/// One line of a fulfilment order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FulfillmentLine {
    /// The item.
    pub sku: SkuId,
    /// Its units.
    pub units: Units,
}

/// Who has it, or had it last.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Holder {
    /// His name.
    pub name: Box<str>,
    /// What he promised.
    pub mode: ClaimMode,
    /// Until when he has to acknowledge; `None` when it reached him by another way.
    pub lease_end: Option<EpochMillis>,
}

/// What one place has to ship for one order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FulfillmentOrder {
    /// Which.
    pub id: FulfillmentId,
    /// Where from and how; `None` until it is routed, and while it waits for supply.
    pub route: Option<Route>,
    /// What is in it; never empty.
    pub lines: Vec<FulfillmentLine>,
    /// Where it stands.
    pub state: State,
    /// When it came to stand there: deadlines count from here.
    pub since: EpochMillis,
    /// The number of its last release; 0 before the first.
    pub release: u32,
    /// Who has it, or had it when it was closed.
    pub holder: Option<Holder>,
    /// Its parcels, in the order in which they became known.
    pub parcels: Vec<Parcel>,
    /// Whether a holder told that it has shipped, so that all parcels are known.
    pub parcels_complete: bool,
    /// The state from which it was put on hold.
    pub held_from: Option<State>,
    /// Why it was held, rejected or cancelled, the last time.
    pub reason: Option<Box<str>>,
    /// When its location last refused units or missed some: for a while it gets none of the order.
    pub refused_at: Option<EpochMillis>,
    /// Messages that came late.
    pub late: u32,
    /// When it reached which state.
    pub times: Times,
}

impl FulfillmentOrder {
    /// One that was just received.
    ///
    /// # Errors
    /// No lines, more than 65,535, or one of no units.
    pub fn new(
        id: FulfillmentId,
        lines: &[(SkuId, Qty)],
        placed: EpochMillis,
        received: EpochMillis,
    ) -> Result<Self, Invalid> {
        if lines.is_empty() || u16::try_from(lines.len()).is_err() {
            return Err(Invalid::new("lines", lines.len(), "1 to 65535 lines"));
        }
        if let Some((_, qty)) = lines.iter().find(|(_, q)| q.is_zero() || *q > Qty::MAX) {
            return Err(Invalid::new("qty", qty, "1 to 2000000000 units"));
        }
        let line = |&(sku, qty): &(SkuId, Qty)| FulfillmentLine {
            sku,
            units: Units::of(qty),
        };
        let lines = lines.iter().map(line).collect();
        Ok(Self::of(id, lines, Times::new(placed, received), received))
    }

    /// One of lines that are known to be good.
    pub(super) fn of(
        id: FulfillmentId,
        lines: Vec<FulfillmentLine>,
        times: Times,
        since: EpochMillis,
    ) -> Self {
        Self {
            id,
            route: None,
            lines,
            state: State::Received,
            since,
            release: 0,
            holder: None,
            parcels: Vec::new(),
            parcels_complete: false,
            held_from: None,
            reason: None,
            refused_at: None,
            late: 0,
            times,
        }
    }

    /// Makes a change, if it is possible now.
    ///
    /// # Errors
    /// Why it is not; then nothing has changed.
    pub fn apply(&mut self, change: &Change, at: EpochMillis) -> Result<Applied, Refusal> {
        let step = self.step_of(change);
        match states::step(self.state, step) {
            Outcome::Refused { state, allowed } => Err(Refusal::NotAllowed {
                step,
                state,
                allowed,
            }),
            Outcome::Late => self.late(change, at),
            Outcome::Moved(_) if self.repeats(change) => self.late(change, at),
            Outcome::Moved(to) => self.moved(change, to, at),
        }
    }

    /// The step that a change is, given what is there.
    fn step_of(&self, change: &Change) -> Step {
        match change {
            Change::Validate => Step::Validate,
            Change::Route(_) => Step::Route,
            Change::Backorder => Step::Backorder,
            Change::Hold { .. } => Step::Hold,
            Change::Resume => Step::Resume,
            Change::Claim { .. } => Step::Claim,
            Change::Register { .. } => Step::Register,
            Change::TakeBack { .. } => Step::TakeBack,
            Change::Acknowledge => Step::Acknowledge,
            // Nothing is left to pick: the same as a refusal of all of it.
            Change::Short { lines } if self.all_short_with(lines) => Step::Reject,
            Change::Short { .. } => Step::Short,
            Change::Pick => Step::Pick,
            Change::Pack => Step::Pack,
            Change::Ship { .. } if self.state == State::Shipped => Step::AddParcel,
            Change::Ship { .. } => Step::Ship,
            Change::Deliver { parcel: None } => Step::Deliver,
            Change::Deliver { parcel: Some(_) } => Step::DeliverParcel,
            Change::Return { lines } if self.all_returned_with(lines) => Step::Return,
            Change::Return { .. } => Step::ReturnPart,
            Change::Reject { .. } => Step::Reject,
            Change::Cancel { .. } => Step::Cancel,
        }
    }

    /// Whether an allowed change says nothing that is not known.
    fn repeats(&self, change: &Change) -> bool {
        match change {
            Change::Route(route) => self.route == Some(*route) && self.state == State::Routed,
            Change::Short { lines } => {
                !lines.is_empty() && lines.iter().all(|l| self.knows_short(l))
            }
            Change::Ship { parcels } if self.state == State::Shipped => {
                self.parcels_complete && parcels.iter().all(|p| parcels::knows(&self.parcels, p))
            }
            Change::Deliver {
                parcel: Some(tracking),
            } => {
                let mut known = self.parcels.iter();
                known.any(|p| p.tracking == *tracking && p.delivered)
            }
            _ => false,
        }
    }

    /// What is left of a message that came late. A late `ship` may still bring parcels.
    fn late(&mut self, change: &Change, at: EpochMillis) -> Result<Applied, Refusal> {
        match change {
            Change::Claim { holder, .. } | Change::Register { holder } => {
                self.check_same_holder(holder)?;
            }
            Change::Short { lines } => self.check_late_short(lines)?,
            Change::Ship { parcels } => {
                let merged = self.merged_parcels(parcels, &self.lines)?;
                self.parcels = merged;
                self.parcels_complete = true;
            }
            _ => {}
        }
        self.late = self.late.saturating_add(1);
        let from = self.state;
        self.deliver_if_complete(at);
        Ok(match from == self.state {
            true => Applied::Late { state: from },
            false => Applied::Moved {
                from,
                to: self.state,
            },
        })
    }

    /// Carries out what the table allows. All checks come before the first change.
    fn moved(&mut self, change: &Change, to: State, at: EpochMillis) -> Result<Applied, Refusal> {
        let from = self.state;
        match change {
            Change::Validate | Change::Acknowledge => {}
            Change::Route(route) => self.route = Some(*route),
            Change::Backorder => self.route = None,
            Change::Hold { reason } => {
                self.held_from = Some(from);
                self.reason = Some(reason.clone());
            }
            Change::Resume => {
                self.enter(to, at);
                return Ok(self.resumed(from, at));
            }
            Change::Claim {
                holder,
                mode,
                lease_end,
            } => self.hand_out(holder, *mode, Some(*lease_end))?,
            Change::Register { holder } => self.hand_out(holder, ClaimMode::WorkAtOnce, None)?,
            Change::TakeBack { vouched_by } => {
                self.check_take_back(vouched_by.is_some(), at)?;
                self.holder = None;
            }
            Change::Short { lines } => {
                self.lines = self.lines_with_short(lines)?;
                self.refused_at = Some(at);
                if to == State::Rejected {
                    self.reason = Some("every unit is short".into());
                }
            }
            Change::Pick | Change::Pack => self.each_line(Units::pick),
            Change::Ship { parcels } => self.ship(parcels)?,
            Change::Deliver { parcel: None } => {
                self.each_line(Units::deliver);
                self.parcels.iter_mut().for_each(|p| p.delivered = true);
            }
            Change::Deliver {
                parcel: Some(tracking),
            } => self.deliver_parcel(tracking)?,
            Change::Return { lines } => self.lines = self.lines_with_returned(lines)?,
            Change::Reject { reason } => {
                self.each_line(Units::reject);
                self.refused_at = Some(at);
                self.reason = Some(reason.clone());
            }
            Change::Cancel { reason } => {
                self.each_line(Units::cancel);
                self.reason = Some(reason.clone());
            }
        }
        self.enter(to, at);
        self.deliver_if_complete(at);
        Ok(Applied::Moved {
            from,
            to: self.state,
        })
    }

    /// Stands in `to` from now on.
    pub(super) fn enter(&mut self, to: State, at: EpochMillis) {
        if self.state != to {
            self.times.enter(self.state, to, at);
            self.state = to;
            self.since = at;
        }
    }

    /// From validated on to where it was held: two moves of the table at once.
    fn resumed(&mut self, from: State, at: EpochMillis) -> Applied {
        let to = self.held_from.take().unwrap_or(State::Validated);
        self.enter(to, at);
        Applied::Moved { from, to }
    }

    fn hand_out(
        &mut self,
        holder: &str,
        mode: ClaimMode,
        lease_end: Option<EpochMillis>,
    ) -> Result<(), Refusal> {
        crate::model::check_id("holder", holder)?;
        let next = self.release.checked_add(1);
        self.release = next.ok_or_else(|| {
            Invalid::new(
                "release",
                self.release,
                "a smaller number: cancel the order",
            )
        })?;
        self.holder = Some(Holder {
            name: holder.into(),
            mode,
            lease_end,
        });
        Ok(())
    }

    pub(super) fn each_line(&mut self, change: impl Fn(&mut Units)) {
        self.lines.iter_mut().for_each(|l| change(&mut l.units));
    }
}
