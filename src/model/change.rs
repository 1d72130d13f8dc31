//! What can be done to a fulfilment order, as data.
//!
//! A [`Change`] that was applied is everything that has to be written down: applying the same
//! changes in the same order at the same moments gives the same fulfilment order, without tokens.

use super::{Cents, Day, EpochMillis, LocationId, Qty, ServiceId, SkuId};
use bincode::{Decode, Encode};

/// Where a fulfilment order ships from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Route {
    /// The place.
    pub location: LocationId,
    /// The carrier service that was planned.
    pub service: ServiceId,
    /// When the carrier is to get it.
    pub ship_at: EpochMillis,
    /// The civil date of delivery at the destination.
    pub deliver_on: Day,
    /// Forecast of what it costs: postage, surcharges and handling.
    pub cents: Cents,
}

/// What a holder promises when he claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum ClaimMode {
    /// He may start as soon as he has the answer, so a claim that he never acknowledged may be
    /// under way all the same.
    WorkAtOnce,
    /// He starts only after his acknowledgement was accepted, so a claim that was never
    /// acknowledged has not started.
    AcknowledgeFirst,
}

/// Which parcel: a carrier and its number there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Tracking {
    /// Text id of the carrier.
    pub carrier: Box<str>,
    /// The carrier's number.
    pub number: Box<str>,
}

/// One parcel of what has shipped.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Parcel {
    /// Which.
    pub tracking: Tracking,
    /// What the carrier charges; `None` while unknown.
    pub cents: Option<Cents>,
    /// Lines and units in it; empty when the holder does not say.
    pub contents: Vec<(u16, Qty)>,
    /// Whether the customer has it.
    pub delivered: bool,
}

/// One thing that happens to a fulfilment order. Lines count from 0.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Change {
    /// Nothing in it is unknown any more.
    Validate,
    /// It is to ship from there.
    Route(Route),
    /// It waits for supply.
    Backorder,
    /// It must not be released until somebody resumes it.
    Hold {
        /// Why.
        reason: Box<str>,
    },
    /// It goes back to where it was held.
    Resume,
    /// It is handed out.
    Claim {
        /// To whom.
        holder: Box<str>,
        /// What he promises.
        mode: ClaimMode,
        /// Until when he has to acknowledge.
        lease_end: EpochMillis,
    },
    /// It was handed out by another way.
    Register {
        /// To whom.
        holder: Box<str>,
    },
    /// The release ends; it may be handed out again.
    TakeBack {
        /// Who vouches that no work was begun. Nobody has to when the holder's promise does.
        vouched_by: Option<Box<str>>,
    },
    /// The holder has it.
    Acknowledge,
    /// The holder misses units. The numbers are totals per line, so that a repeat adds nothing.
    Short {
        /// Line and units missing in total.
        lines: Vec<(u16, Qty)>,
    },
    /// Everything that is not missing is off the shelf.
    Pick,
    /// It is in parcels.
    Pack,
    /// The carrier has it.
    Ship {
        /// In which parcels, as far as they are known. More may be told later.
        parcels: Vec<Parcel>,
    },
    /// The customer has it.
    Deliver {
        /// Only this parcel; `None` is all of them.
        parcel: Option<Tracking>,
    },
    /// Delivered units came back. Repeats are kept away by the return that they belong to.
    Return {
        /// Line and units.
        lines: Vec<(u16, Qty)>,
    },
    /// The holder will not do it.
    Reject {
        /// Why.
        reason: Box<str>,
    },
    /// It will not be fulfilled.
    Cancel {
        /// Why.
        reason: Box<str>,
    },
}

/// What a change of a fulfilment order did to one position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Settled {
    /// The item.
    pub sku: SkuId,
    /// The place.
    pub location: LocationId,
    /// Units that the order does not hold there any more.
    pub freed: Qty,
    /// Units that left: no longer on hand.
    pub shipped: Qty,
    /// Units that were looked for in vain: a correction of the count.
    pub missing: Qty,
}
