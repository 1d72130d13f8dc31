//! What binds: which constraints make an order's plan dearer than it would be without them.
//!
//! Each constraint is lifted by itself, everything else as it is, and the order is routed anew.

use super::lanes::Lanes;
use super::request::{Demand, Job, Request, Unroutable};
use super::solve::{Scratch, decide};
use crate::model::{Cents, Decision, LocationId, Policy};

/// A constraint that can be lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// The promise date is hard; lifted, being late costs.
    HardDate,
    /// At most so many shipments; lifted, any number.
    MaxShipments,
    /// Small orders ship in one shipment.
    MinValueToSplit,
    /// Everything ships or nothing.
    ShipComplete,
    /// Nothing may be left short.
    NoBackorder,
    /// Lines that may not be divided over locations.
    MaySplit,
    /// Item classes need abilities of locations.
    Abilities,
    /// Lines that ship together or not at all.
    Together,
    /// Locations, services and item classes that may not ship to a region, or at all.
    Restrictions,
    /// Locations that the order excludes.
    Exclude,
    /// Locations that do not ship to the country.
    ShipsTo,
    /// Locations that an operator paused.
    Paused,
    /// Units that locations keep back from routing.
    StockBuffer,
    /// Most shipments and units that a location hands over on one day.
    Capacity,
}

impl Constraint {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::HardDate,
        Self::MaxShipments,
        Self::MinValueToSplit,
        Self::ShipComplete,
        Self::NoBackorder,
        Self::MaySplit,
        Self::Abilities,
        Self::Together,
        Self::Restrictions,
        Self::Exclude,
        Self::ShipsTo,
        Self::Paused,
        Self::StockBuffer,
        Self::Capacity,
    ];

    /// The name on the wire: that of the field or column that sets it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HardDate => "deliver_by_is_hard",
            Self::MaxShipments => "max_shipments",
            Self::MinValueToSplit => "min_value_to_split_cents",
            Self::ShipComplete => "ship_complete",
            Self::NoBackorder => "allow_backorder",
            Self::MaySplit => "may_split",
            Self::Abilities => "abilities",
            Self::Together => "together",
            Self::Restrictions => "restrictions",
            Self::Exclude => "exclude",
            Self::ShipsTo => "ships_to",
            Self::Paused => "paused",
            Self::StockBuffer => "stock_buffer",
            Self::Capacity => "capacity",
        }
    }
}

/// A constraint that costs something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// Which one.
    pub constraint: Constraint,
    /// How much cheaper the plan would be without it.
    pub saves: Cents,
    /// Whether both plans are proven to be the cheapest; otherwise `saves` is between the plans that
    /// were found.
    pub proven: bool,
}

/// The constraints without which the plan of a request would be cheaper, in the order of
/// [`Constraint::ALL`].
///
/// # Errors
/// As [`route`](super::route), for the request as it is.
pub fn binding(
    lanes: &Lanes,
    request: &Request<'_>,
    scratch: &mut Scratch,
) -> Result<Vec<Binding>, Unroutable> {
    lifted(lanes, request, None, scratch).map(|(_, found)| found)
}

/// Whether there would be a plan for a request if locations could hand over any number of shipments
/// and units a day.
#[must_use]
pub fn fits_without_capacity(lanes: &Lanes, request: &Request<'_>, scratch: &mut Scratch) -> bool {
    let Ok(mut job) = Job::new(lanes, request) else {
        return false;
    };
    job.lifted = Some(Constraint::Capacity);
    decide(&job, scratch).is_ok()
}

/// The plan of a request and what binds it, with other locations paused than are now where some are
/// given.
pub(super) fn lifted(
    lanes: &Lanes,
    request: &Request<'_>,
    paused: Option<&[LocationId]>,
    scratch: &mut Scratch,
) -> Result<(Decision, Vec<Binding>), Unroutable> {
    let mut plain = Job::new(lanes, request)?;
    plain.paused = paused;
    let plain = decide(&plain, scratch)?;
    let mut found = Vec::new();
    for constraint in Constraint::ALL {
        let demands = lifted_demands(request.demands, constraint);
        let policy = lifted_policy(&request.policy, constraint);
        let without = Request {
            demands: &demands,
            policy,
            deliver_by_is_hard: request.deliver_by_is_hard && constraint != Constraint::HardDate,
            destination: match (constraint, &request.destination.free) {
                (Constraint::Restrictions, Some(free)) => free,
                _ => request.destination,
            },
            ..*request
        };
        let mut job = Job::new(lanes, &without)?;
        job.lifted = Some(constraint);
        job.paused = paused;
        // Without a constraint there is a plan where there was one with it.
        let Ok(other) = decide(&job, scratch) else {
            continue;
        };
        let saves = plain.plan.objective.total() - other.plan.objective.total();
        if saves > Cents(0) {
            found.push(Binding {
                constraint,
                saves,
                proven: plain.proof.optimal && other.proof.optimal,
            });
        }
    }
    Ok((plain, found))
}

fn lifted_demands(demands: &[Demand], constraint: Constraint) -> Vec<Demand> {
    let mut demands = demands.to_vec();
    for demand in &mut demands {
        demand.may_split |= constraint == Constraint::MaySplit;
        if constraint == Constraint::Together {
            demand.together = 0;
        }
    }
    demands
}

fn lifted_policy(policy: &Policy, constraint: Constraint) -> Policy {
    let mut policy = *policy;
    match constraint {
        Constraint::MaxShipments => policy.max_shipments = u8::MAX,
        Constraint::MinValueToSplit => policy.min_value_to_split = Cents(0),
        Constraint::ShipComplete => policy.ship_complete = false,
        Constraint::NoBackorder => policy.allow_backorder = true,
        Constraint::HardDate
        | Constraint::MaySplit
        | Constraint::Abilities
        | Constraint::Together
        | Constraint::Restrictions
        | Constraint::Exclude
        | Constraint::ShipsTo
        | Constraint::Paused
        | Constraint::StockBuffer
        | Constraint::Capacity => {}
    }
    policy
}
