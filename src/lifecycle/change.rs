//! What a change of a fulfilment order did, or why it was not made.
//!
//! The changes themselves are in [`crate::model`]: facts are made of them.

use super::states::{State, Step};
use crate::model::Invalid;
use bincode::{Decode, Encode};

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
