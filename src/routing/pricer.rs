//! Shipments of one order priced one by one, for whoever chooses them itself: the backlog does, for
//! many orders at once.

use super::lanes::Lanes;
use super::price::{finish, shipment};
use super::request::{Job, Request, Unroutable};
use crate::model::{Day, EpochMillis, LocationId, Plan, Policy, Shipment, ShipmentLine, ShortLine};

/// Prices shipments of one request. Availability is not looked at.
#[derive(Debug)]
pub struct Pricer<'a> {
    job: Job<'a>,
}

impl<'a> Pricer<'a> {
    /// For a request of which the stock does not count; shipments that deliver after `latest` do
    /// not exist.
    ///
    /// # Errors
    /// As [`route`](super::route) for a request that cannot be routed by.
    pub fn new(
        lanes: &'a Lanes,
        request: &'a Request<'a>,
        latest: Option<Day>,
    ) -> Result<Self, Unroutable> {
        let mut job = Job::new(lanes, request)?;
        job.latest = match (job.latest, latest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        };
        Ok(Self { job })
    }

    /// The policy with every limit that the goods' worth sets.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.job.policy
    }

    /// Whether a location may ship a demand of the request at all.
    #[must_use]
    pub fn may_ship(&self, location: LocationId, demand: usize) -> bool {
        let class = self.job.request.demands[demand].class;
        location.index() < self.job.lanes.locations()
            && self.job.closed(location).is_none()
            && self.job.able(location.index(), class)
    }

    /// The shipment with the service that is best by the objective; `None` where none can carry
    /// it in time.
    #[must_use]
    pub fn shipment(
        &self,
        location: LocationId,
        ready: EpochMillis,
        lines: &[ShipmentLine],
    ) -> Option<Shipment> {
        shipment(&self.job, location.index(), ready, lines.to_vec())
    }

    /// A plan of such shipments, each with its best service; `None` where one cannot be carried in
    /// time.
    #[must_use]
    pub fn plan(
        &self,
        shipments: &[(LocationId, EpochMillis, Vec<ShipmentLine>)],
        short: Vec<ShortLine>,
    ) -> Option<Plan> {
        let mut plan = Plan::default();
        for (location, ready, lines) in shipments {
            let shipment = self.shipment(*location, *ready, lines)?;
            plan.shipments.push(shipment);
        }
        finish(&self.job, &mut plan, short)?;
        Some(plan)
    }
}
