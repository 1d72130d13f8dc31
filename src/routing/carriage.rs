//! What a carrier and the cartons of a shipment cost, where that is more than its common parcels
//! and the tariff: units that ship alone, packaging.
//!
//! The search asks for sums and the plan for parts; both come from [`Carriage::of`], so they agree.

use super::lanes::Lanes;
use super::request::Job;
use super::tariff::{AMOUNT_MAX, NEVER, Parcels};

/// Units of demands that ship alone: (demand, units).
pub(super) type Alone<'a> = &'a [(u16, u32)];

/// What one unit of every demand that ships alone is as a parcel.
#[derive(Debug, Default, Clone)]
pub(super) struct Singles {
    /// By demand and billing; empty where no demand ships alone.
    parcels: Vec<Parcels>,
    billings: usize,
}

impl Singles {
    /// Works out the demands of a request.
    pub(super) fn fill(&mut self, job: &Job<'_>) {
        self.parcels.clear();
        if !job.alone {
            return;
        }
        let billings = &job.lanes.tariffs.billings;
        self.billings = billings.len();
        for demand in job.request.demands {
            for (number, billing) in billings.iter().enumerate() {
                let rules = job.request.destination.rules(number);
                self.parcels.push(billing.single(demand.unit(), rules));
            }
        }
    }

    fn of(&self, demand: u16, billing: usize) -> Parcels {
        self.parcels[usize::from(demand) * self.billings + billing]
    }
}

/// What it costs to carry a shipment by a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Carriage {
    /// Tariff prices, at least the service's minimum.
    pub(super) postage: i64,
    pub(super) surcharges: i64,
    /// Cartons.
    pub(super) packaging: i64,
    pub(super) parcels: u64,
}

impl Carriage {
    /// Nothing is carried.
    pub(super) const NONE: Self = Self {
        postage: 0,
        surcharges: 0,
        packaging: 0,
        parcels: 0,
    };

    /// The price of common `parcels` and of units that ship alone, from a location that pays
    /// `per_parcel` for a carton; `None` when the service does not carry them.
    pub(super) fn of(
        lanes: &Lanes,
        (service, zone): (usize, u8),
        per_parcel: i64,
        parcels: Parcels,
        alone: Alone<'_>,
        singles: &Singles,
    ) -> Option<Self> {
        let tariffs = &lanes.tariffs;
        let billing = usize::from(tariffs.billing_of[service]);
        let mut postage = known(tariffs.tariff(service, zone, parcels))?;
        let mut surcharges = parcels.extra;
        let mut count = parcels.count();
        for &(demand, units) in alone {
            let one = singles.of(demand, billing);
            let each = known(tariffs.tariff(service, zone, one))?;
            postage = bounded(postage.checked_add(bounded(each.checked_mul(units.into()))?))?;
            let extra = bounded(one.extra.checked_mul(units.into()))?;
            surcharges = bounded(surcharges.checked_add(extra))?;
            count += u64::from(units);
        }
        let packaging = per_parcel.checked_mul(i64::try_from(count).ok()?);
        Some(Self {
            postage: tariffs.at_least(service, postage),
            surcharges,
            packaging: bounded(packaging)?,
            parcels: count,
        })
    }

    /// All of it.
    pub(super) fn total(&self) -> i64 {
        self.postage + self.surcharges + self.packaging
    }
}

fn known(cents: i64) -> Option<i64> {
    (cents < NEVER).then_some(cents)
}

fn bounded(cents: Option<i64>) -> Option<i64> {
    cents.filter(|&c| c <= AMOUNT_MAX)
}
