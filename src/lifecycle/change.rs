//! What can be done to a fulfilment order, as data, and what the answer may be.
//!
//! A [`Change`] that was applied is everything that has to be written down: applying the same
//! changes in the same order at the same moments gives the same fulfilment order, without tokens.

use super::states::{State, Step};
use crate::model::{Cents, EpochMillis, Invalid, LocationId, Qty, ServiceId};
use bincode::{Decode, Encode};

/// Where a fulfilment order ships from, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Route {
    /// The place.
    pub location: LocationId,
    /// The carrier service that was planned.
    pub service: ServiceId,
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

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub enum Applied {
    /// It moved, or only its units or parcels changed (`from` equals `to`).
    Moved {
        /// Where it stood.
        from: State,
        /// Where it stands.
        to: State,
    },
    /// A repeat, or overtaken by a later message: counted, and nothing moved.
    Late {
        /// Where it stands.
        state: State,
    },
}

/// Why a change was not made. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It must not happen in this state.
    #[error("{} is not allowed while {}; allowed: {}", .step.name(), .state.name(), names(.allowed))]
    NotAllowed {
        /// What was asked.
        step: Step,
        /// Where it stands.
        state: State,
        /// What could happen instead.
        allowed: Vec<Step>,
    },
    /// Somebody else has it.
    #[error("{holder} has it as release {release} ({}); only its token may speak for it", .state.name())]
    Held {
        /// Who.
        holder: Box<str>,
        /// Under which release number.
        release: u32,
        /// How far it is.
        state: State,
    },
    /// The token is of a release that has ended, or of none.
    #[error("the token is not that of release {release}, which {} has; claim it again", .holder.as_deref().unwrap_or("nobody"))]
    Stale {
        /// Who has it now; `None` when nobody does.
        holder: Option<Box<str>>,
        /// The number of the last release.
        release: u32,
        /// How far it is.
        state: State,
    },
    /// The holder may have begun, so it cannot be handed out again without someone who vouches.
    #[error("{holder} may have begun with it; ask there, then take it back by hand or wait")]
    MayHaveBegun {
        /// Who has it.
        holder: Box<str>,
    },
    /// A quantity, a parcel or a name in it cannot be.
    #[error("{0}")]
    Invalid(Invalid),
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

/// Names of steps in one line.
fn names(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "nothing any more".to_owned();
    }
    let names: Vec<&str> = steps.iter().map(|step| step.name()).collect();
    names.join(", ")
}
