//! What the router is asked, what it refuses, and the checks that make the search safe.
//!
//! Invariant after [`Job::new`]: every amount that a plan can add up to fits, so the search itself
//! uses plain arithmetic.

use super::binding::Constraint;
use super::cargo::Load;
use super::lanes::Lanes;
use super::places::Destination;
use super::tariff::{AMOUNT_MAX, NEVER};
use crate::ledger::{DayUse, StockView};
use crate::model::{
    Cents, Day, EpochMillis, Invalid, LocationId, Policy, Qty, RejectedReason, ShortLine, SkuId,
};

/// Most demands for which the answer is the proven minimum.
pub const EXACT_DEMANDS_MAX: usize = 12;
/// Most demands of which all subsets can be gone through: with more than [`EXACT_DEMANDS_MAX`] the answer
/// is the proven minimum only where that is not too much work.
pub(super) const SETS_DEMANDS_MAX: usize = 16;
/// Most demands of one request.
pub const DEMANDS_MAX: usize = 5_000;
/// Longest wait that is counted, in days: more counts as impossible.
pub(super) const WAIT_DAYS_MAX: i64 = 1 << 16;

/// Most classes that carriers may refuse: they have the lowest numbers.
pub(super) const KINDS_MAX: u16 = 63;

/// An interned item class; 0 is ordinary.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ClassId(pub u16);

impl ClassId {
    /// The bit of a class that some carrier may refuse; none for any other.
    pub(super) const fn kind(self) -> u64 {
        match self.0 {
            1..=KINDS_MAX => 1 << self.0,
            _ => 0,
        }
    }
}

/// What an order needs of one SKU, its lines summed.
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub struct Demand {
    /// The item; no two demands of a request have the same.
    pub sku: SkuId,
    /// Units wanted, at least 1.
    pub qty: Qty,
    /// Whether its units may come from several locations.
    pub may_split: bool,
    /// Mass of one unit.
    pub grams: u32,
    /// Length × width × height of one unit, in mm³; 0 where unknown.
    pub volume_mm3: u64,
    /// Longest side of one unit; 0 where unknown.
    pub longest_mm: u32,
    /// Whether every unit is a parcel by itself.
    pub ships_alone: bool,
    /// Its item class, by [`Lanes::class`].
    pub class: ClassId,
    /// Price of one unit.
    pub value: Cents,
    /// Demands of the same number but 0 ship in one shipment, or none of them does.
    pub together: u16,
}

impl Demand {
    /// What `units` of it add to the parcels that others are in too: nothing if it ships alone.
    pub(super) fn load(&self, units: Qty) -> Load {
        let mut load = Load::default();
        if !self.ships_alone {
            load = Load::of(units.0, self.grams, self.volume_mm3, self.longest_mm);
        }
        if !units.is_zero() {
            load.kinds = self.class.kind();
        }
        load
    }

    /// One unit by itself.
    pub(super) fn unit(&self) -> Load {
        Load::of(1, self.grams, self.volume_mm3, self.longest_mm)
    }
}

/// One order as the router sees it.
#[derive(Copy, Clone, Debug)]
pub struct Request<'a> {
    /// The moment of the decision: stock is promised from here on.
    pub now: EpochMillis,
    /// Where it goes, of the same [`Lanes`].
    pub destination: &'a Destination,
    /// The promise date, a civil date at the destination.
    pub deliver_by: Option<Day>,
    /// Whether a shipment that misses `deliver_by` does not exist (else lateness costs).
    pub deliver_by_is_hard: bool,
    /// Weights and limits of the objective.
    pub policy: Policy,
    /// At least one.
    pub demands: &'a [Demand],
    /// What may be promised; line `i` is `demands[i].sku`.
    pub stock: &'a StockView,
    /// Locations that may not ship it.
    pub excluded: &'a [LocationId],
    /// Where the customer collects it: nothing is carried, and no other location takes part. The
    /// destination is then of no account.
    pub pickup: Option<LocationId>,
    /// What locations with a limit hand over already, by ascending location and moment.
    pub days: &'a [DayUse],
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Not everything can ship, and the policy accepts no backorder.
    #[error(
        "{} units cannot be shipped (first: {} of demand {}) from any of {considered} locations \
         that have stock of the order; allow_backorder would accept the rest",
        units(short), first(short).qty, first(short).demand
    )]
    Short {
        /// What stays short in the plan that ships the most units.
        short: Vec<ShortLine>,
        /// Locations that hold something of the order and may ship it.
        considered: usize,
    },
    /// More different items than the router takes.
    #[error("the order has {demands} different items; at most {max} are routed at once: split it")]
    TooManyDemands {
        /// How many it has.
        demands: usize,
        /// The most that is possible.
        max: usize,
    },
    /// A field of the request that cannot be routed by.
    #[error("{0}")]
    Malformed(Invalid),
}

fn units(short: &[ShortLine]) -> u64 {
    short.iter().map(|s| u64::from(s.qty.0)).sum()
}

fn first(short: &[ShortLine]) -> ShortLine {
    short.first().copied().unwrap_or(ShortLine {
        demand: 0,
        qty: Qty::ZERO,
    })
}

/// A checked request.
#[derive(Copy, Clone, Debug)]
pub(super) struct Job<'a> {
    pub(super) lanes: &'a Lanes,
    pub(super) request: &'a Request<'a>,
    pub(super) policy: Policy,
    /// Shipments that deliver later do not exist.
    pub(super) latest: Option<Day>,
    /// Whether any demand ships alone.
    pub(super) alone: bool,
    /// Units of all demands.
    pub(super) units: u64,
    /// Who is paused, where that is not as the network says now.
    pub(super) paused: Option<&'a [LocationId]>,
    /// Limits of days do not count: for bounds.
    pub(super) unlimited: bool,
    /// A constraint that does not count.
    pub(super) lifted: Option<Constraint>,
    /// Only a plan is wanted: what would prove that it is the best is left out where that takes long.
    pub(super) draft: bool,
}

/// So many percent of the usual work, at least some.
pub(super) fn part_of(usual: u64, percent: u16) -> u64 {
    (usual / 100).saturating_mul(percent.into()).max(1)
}

impl<'a> Job<'a> {
    /// How much work may be done where `usual` is the usual.
    pub(super) fn effort(&self, usual: u64) -> u64 {
        part_of(usual, self.policy.effort_percent)
    }

    /// Checks everything the search relies on.
    pub(super) fn new(lanes: &'a Lanes, request: &'a Request<'a>) -> Result<Self, Unroutable> {
        check(lanes, request).map_err(Unroutable::Malformed)?;
        let demands = request.demands.len();
        if demands > DEMANDS_MAX {
            let max = DEMANDS_MAX;
            return Err(Unroutable::TooManyDemands { demands, max });
        }
        let mut policy = request.policy;
        if policy.min_value_to_split > Cents(0)
            && value(request.demands) < policy.min_value_to_split
        {
            policy.max_shipments = 1;
        }
        Ok(Self {
            lanes,
            request,
            policy,
            latest: request.deliver_by.filter(|_| request.deliver_by_is_hard),
            alone: request.demands.iter().any(|d| d.ships_alone),
            units: request.demands.iter().map(|d| u64::from(d.qty.0)).sum(),
            unlimited: false,
            paused: None,
            lifted: None,
            draft: false,
        })
    }

    /// Late penalty and speed value of a delivery, `today` being the location's date at `now`;
    /// `None` when the shipment does not exist.
    #[inline]
    pub(super) fn dated(&self, today: Day, deliver_on: Day) -> Option<(Cents, Cents)> {
        if self.latest.is_some_and(|latest| deliver_on > latest) {
            return None;
        }
        let days_between = |from: Day| i64::from(deliver_on.0) - i64::from(from.0);
        let wait = days_between(today);
        let late = self
            .request
            .deliver_by
            .map_or(0, |by| days_between(by).max(0));
        if wait > WAIT_DAYS_MAX || late > WAIT_DAYS_MAX {
            return None;
        }
        Some((
            Cents(self.policy.late_per_day.0 * late),
            Cents(self.policy.speed_value_per_day.0 * wait),
        ))
    }

    /// The same as one sum; `NEVER` when the shipment does not exist.
    #[inline]
    pub(super) fn dated_cents(&self, today: Day, deliver_on: Day) -> i64 {
        let dated = self.dated(today, deliver_on);
        dated.map_or(NEVER, |(late, speed)| late.0 + speed.0)
    }

    /// Whether no location is closed to this order.
    pub(super) fn open(&self) -> bool {
        let paused = match self.paused {
            Some(then) => !then.is_empty(),
            None => self.lanes.any_paused(),
        };
        let request = self.request;
        let chosen = request.pickup.is_some() || !request.excluded.is_empty();
        !paused && !chosen && request.destination.open()
    }

    /// Why a location may ship nothing of this order; `None` when it may.
    pub(super) fn closed(&self, location: LocationId) -> Option<RejectedReason> {
        let paused = match self.paused {
            Some(then) => then.contains(&location),
            None => self.lanes.paused(location),
        };
        if paused && self.lifted != Some(Constraint::Paused) {
            return Some(RejectedReason::Paused);
        }
        let excluded = self.request.excluded.contains(&location);
        if excluded && self.lifted != Some(Constraint::Exclude) {
            return Some(RejectedReason::Excluded);
        }
        if let Some(store) = self.request.pickup {
            return (store != location).then_some(RejectedReason::PickUp);
        }
        let destination = self.request.destination;
        if destination.bars(location) && self.lifted != Some(Constraint::ShipsTo) {
            return Some(RejectedReason::Country);
        }
        destination
            .restricted
            .closes(location)
            .then_some(RejectedReason::Region)
    }

    /// Whether a location may ship items of a class to the destination.
    #[inline]
    pub(super) fn able(&self, location: usize, class: ClassId) -> bool {
        class.0 == 0 || (self.has_ability(location, class) && !self.class_barred(location, class))
    }

    fn class_barred(&self, location: usize, class: ClassId) -> bool {
        let restricted = &self.request.destination.restricted;
        self.request.pickup.is_none() && restricted.bars(location, class)
    }

    /// Whether a location has the ability that a class needs.
    pub(super) fn has_ability(&self, location: usize, class: ClassId) -> bool {
        class.0 == 0
            || self.lifted == Some(Constraint::Abilities)
            || self.lanes.able(location, class)
    }

    /// By location: units of every SKU that routing may not use; empty where there are none.
    #[inline]
    pub(super) fn buffers(&self) -> &'a [Qty] {
        match self.lifted {
            Some(Constraint::StockBuffer) => &[],
            _ => self.lanes.buffers(),
        }
    }

    /// What of `units` at a location routing may use.
    #[inline]
    pub(super) fn beyond_buffer(&self, location: usize, units: Qty) -> Qty {
        match self.lanes.buffer(location) {
            Some(kept) if self.lifted != Some(Constraint::StockBuffer) => {
                Qty(units.0.saturating_sub(kept.0))
            }
            _ => units,
        }
    }

    /// What it costs to leave `units` short.
    pub(super) fn short_cents(&self, units: Qty) -> i64 {
        self.policy.short_per_unit.0 * i64::from(units.0)
    }

    /// Whether a plan may leave some demands short and ship others.
    pub(super) fn may_short_some(&self) -> bool {
        self.policy.allow_backorder && !self.policy.ship_complete
    }
}

/// What the goods are worth.
fn value(demands: &[Demand]) -> Cents {
    let worth = |d: &Demand| d.value.0.saturating_mul(i64::from(d.qty.0));
    Cents(demands.iter().map(worth).fold(0, i64::saturating_add))
}

fn check(lanes: &Lanes, request: &Request<'_>) -> Result<(), Invalid> {
    let demands = request.demands;
    if demands.is_empty() {
        return Err(Invalid::new("lines", "none", "at least one line"));
    }
    if request.destination.serial != lanes.serial {
        let expected = "a destination of this compiled network: ask it again after a change";
        return Err(Invalid::new("destination", "of another network", expected));
    }
    if request.stock.len() != demands.len()
        || (0..demands.len()).any(|i| request.stock.sku(i) != demands[i].sku)
    {
        let expected = "one line for each demand, in the same order";
        return Err(Invalid::new("stock", request.stock.len(), expected));
    }
    for (i, demand) in demands.iter().enumerate() {
        if demand.qty.is_zero() || demand.qty > Qty::MAX {
            let field = format!("demands[{i}].qty");
            return Err(Invalid::new(field, demand.qty, "1 to 2000000000 units"));
        }
    }
    if let Some(i) = repeated(demands) {
        let field = format!("demands[{i}].sku");
        let expected = "each SKU once, its lines summed";
        return Err(Invalid::new(field, demands[i].sku.0, expected));
    }
    check_policy(lanes, request)
}

/// The position of a SKU that was there before.
fn repeated(demands: &[Demand]) -> Option<usize> {
    if demands.len() <= 2 * EXACT_DEMANDS_MAX {
        return (1..demands.len()).find(|&i| demands[..i].iter().any(|d| d.sku == demands[i].sku));
    }
    let mut seen = std::collections::HashSet::with_capacity(demands.len());
    demands.iter().position(|d| !seen.insert(d.sku))
}

fn check_policy(lanes: &Lanes, request: &Request<'_>) -> Result<(), Invalid> {
    let policy = &request.policy;
    if policy.max_shipments == 0 {
        return Err(Invalid::new("policy.max_shipments", 0, "at least 1"));
    }
    if !(1..=Policy::EFFORT_MAX).contains(&policy.effort_percent) {
        let expected = "a whole number from 1 to 10000";
        return Err(Invalid::new(
            "policy.effort_percent",
            policy.effort_percent,
            expected,
        ));
    }
    let units: i64 = request.demands.iter().map(|d| i64::from(d.qty.0)).sum();
    // The factor is how many of the amount one plan can add up to.
    let amounts = [
        ("policy.split_penalty_cents", policy.split_penalty, 1),
        (
            "policy.late_cents_per_day",
            policy.late_per_day,
            WAIT_DAYS_MAX,
        ),
        (
            "policy.speed_value_cents_per_day",
            policy.speed_value_per_day,
            WAIT_DAYS_MAX,
        ),
        ("policy.short_cents_per_unit", policy.short_per_unit, units),
    ];
    for (field, cents, times) in amounts {
        let within = cents
            .0
            .checked_mul(times)
            .is_some_and(|all| all <= AMOUNT_MAX);
        if cents.0 < 0 || !within {
            let expected = format!("0 to {} cents for this order", AMOUNT_MAX / times);
            return Err(Invalid::new(field, cents, expected));
        }
    }
    let handled = lanes.unit_max.checked_mul(units);
    if handled.is_none_or(|all| all > AMOUNT_MAX) {
        let expected = "fewer units: their handling alone is beyond counting";
        return Err(Invalid::new("lines", units, expected));
    }
    Ok(())
}
