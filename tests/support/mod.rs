//! The judge of the router: instances, a naive reading of the problem, and exact optima.
//!
//! Written from the problem's statement in `allot::routing` alone. It shares no cost, calendar or
//! search code with the router: every price comes from the raw rows of the network, every date is
//! walked day by day. Speed is not a goal, being obviously right is.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`instance`] | one routing problem as plain rows, and how the router is asked about it |
//! | [`generate`], [`extras`], [`supply`] | random instances from a seed |
//! | [`naive`] | calendar, distance, zone, weight, postage and eligibility, straight from the rows |
//! | [`stock`] | whether shipments find their units, and whether one waits for nothing |
//! | [`checker`] | whether a plan keeps every rule and costs what it says |
//! | [`enumerate`] | the cheapest and second cheapest plan of a tiny instance, by trying all |
//! | [`milp`] | the cheapest plan by a general mixed-integer model |
//! | [`subsets`] | the cheapest plan when no demand divides, over subsets of demands |
//! | [`ask`], [`rules`], [`quotes`], [`frontier`], [`binding`] | the router's answers, and what they must keep |
//! | [`easier`] | instances changed in one way that can only help |
//! | [`sample`] | orders of the sample network |
//! | [`coverage`] | how much of the problem the instances reach |
//! | [`shrink`] | a failing instance made as small as it gets |

pub(crate) mod ask;
pub(crate) mod binding;
pub(crate) mod checker;
pub(crate) mod coverage;
pub(crate) mod easier;
pub(crate) mod enumerate;
pub(crate) mod extras;
pub(crate) mod frontier;
pub(crate) mod generate;
pub(crate) mod instance;
pub(crate) mod milp;
pub(crate) mod naive;
pub(crate) mod quotes;
pub(crate) mod rng;
pub(crate) mod rules;
pub(crate) mod sample;
pub(crate) mod shrink;
pub(crate) mod stock;
pub(crate) mod subsets;
pub(crate) mod supply;

use allot::model::Plan;

/// What an exact judge found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The cheapest plan.
    Best(Box<Best>),
    /// There is no plan.
    NoPlan,
    /// Given up: too large or too slow for this judge.
    Unknown,
}

/// The cheapest plan and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Best {
    /// Its cost in cents.
    pub(crate) total: i64,
    /// The plan itself, where the judge keeps it.
    pub(crate) plan: Option<Plan>,
    /// Cost of the cheapest plan that differs, where the judge knows it.
    pub(crate) second: Option<i64>,
}

impl Verdict {
    /// The optimum; `None` when there is no plan.
    ///
    /// # Panics
    /// When the judge gave up.
    pub(crate) fn total(&self) -> Option<i64> {
        match self {
            Self::Best(best) => Some(best.total),
            Self::NoPlan => None,
            Self::Unknown => panic!("the judge gave up on this instance"),
        }
    }
}
