//! What is told of a re-optimisation of the backlog that runs in a server. It is told and not kept: what
//! a run found out is a plan, and what became of that its moves say.

use bincode::{Decode, Encode};

/// A step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BacklogFact {
    /// Which run: the moment at which it began, in milliseconds; no two have the same.
    pub run: u64,
    /// What happened.
    pub told: RunTold,
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RunTold {
    /// It began.
    Began {
        /// What it was asked, as it was typed.
        asked: Box<str>,
    },
    /// How far it is.
    Progress {
        /// What it is working at.
        stage: Box<str>,
        /// Steps done of that.
        done: u32,
        /// Of so many.
        of: u32,
        /// What the best plan so far costs, in cents; `None` before there is one.
        cents: Option<i64>,
        /// No plan costs less, in cents.
        bound: i64,
    },
    /// There is a plan.
    Done {
        /// Orders that it looked at.
        orders: u64,
        /// Orders that change.
        moves: u64,
        /// What is minimised, of what the orders have, in cents.
        before: i64,
        /// The same of the plan.
        cents: i64,
        /// No plan costs less, in cents.
        bound: i64,
    },
    /// Its moves were made, or looked at and found not possible any more.
    Applied {
        /// Orders that moved.
        moved: u64,
        /// Orders that had their new plan already.
        already: u64,
        /// Orders that were skipped.
        skipped: u64,
    },
    /// Somebody ended it.
    Cancelled,
    /// It came to nothing.
    Failed {
        /// Why.
        why: Box<str>,
    },
    /// The server ended while it ran.
    Lost,
}
