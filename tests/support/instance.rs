//! One routing problem as plain rows: the network, the order and what may be promised.
//!
//! Position `i` of [`Instance::stock`] belongs to demand `i`. Everything the judges know they read
//! from here; the router is given the same rows through its own types.

use allot::ledger::{DayUse, Step, StockView};
use allot::model::{
    Cents, Day, EpochMillis, LocationId, Network, Policy, Qty, ServiceId, ShipTo, SkuId,
};
use std::fmt;

/// Units of one SKU that the order wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DemandSpec {
    pub(crate) sku: SkuId,
    pub(crate) qty: u32,
    pub(crate) may_split: bool,
    /// Mass of one unit.
    pub(crate) grams: u32,
    /// Volume of one unit.
    pub(crate) volume_mm3: u64,
    /// Longest side of one unit.
    pub(crate) longest_mm: u32,
    /// Whether each unit is a parcel of its own.
    pub(crate) ships_alone: bool,
    /// Price of one unit.
    pub(crate) value: i64,
    pub(crate) class: String,
    /// Demands of the same number but 0 ship together or not at all.
    pub(crate) together: u16,
}

/// What one location may promise of one demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CellSpec {
    pub(crate) location: usize,
    pub(crate) now: u32,
    /// Ascending in time and amount, all after the instance's `now` and above its amount.
    pub(crate) later: Vec<(EpochMillis, u32)>,
}

/// What may be promised of one demand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StockSpec {
    /// By ascending location.
    pub(crate) cells: Vec<CellSpec>,
    /// Over all locations; the first step is the instance's `now`.
    pub(crate) limit: Option<Vec<(EpochMillis, u32)>>,
}

/// A whole problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Instance {
    pub(crate) network: Network,
    pub(crate) ship_to: ShipTo,
    pub(crate) now: EpochMillis,
    pub(crate) deliver_by: Option<Day>,
    pub(crate) hard: bool,
    /// Shipments that deliver later do not exist, whatever the promise date says.
    pub(crate) latest: Option<Day>,
    pub(crate) policy: Policy,
    pub(crate) demands: Vec<DemandSpec>,
    pub(crate) stock: Vec<StockSpec>,
    /// By ascending location.
    pub(crate) paused: Vec<usize>,
    /// Locations that the order excludes.
    pub(crate) excluded: Vec<usize>,
    /// Where the customer collects it.
    pub(crate) pickup: Option<usize>,
    /// What is handed over already, by ascending location and moment.
    pub(crate) used: Vec<DayUse>,
}

/// The value that a step function has at `at`: that of the last step not after it.
fn value_at(steps: &[(EpochMillis, u32)], before: u32, at: EpochMillis) -> u32 {
    let passed = steps.iter().take_while(|(from, _)| *from <= at);
    passed.last().map_or(before, |&(_, qty)| qty)
}

impl CellSpec {
    /// ATP at `at`.
    pub(crate) fn atp(&self, at: EpochMillis) -> u32 {
        value_at(&self.later, self.now, at)
    }
}

impl StockSpec {
    /// The cell of `location`, if it may promise anything.
    pub(crate) fn cell(&self, location: usize) -> Option<&CellSpec> {
        self.cells.iter().find(|c| c.location == location)
    }

    /// ATP of `location` at `at`.
    pub(crate) fn atp(&self, location: usize, at: EpochMillis) -> u32 {
        self.cell(location).map_or(0, |c| c.atp(at))
    }

    /// What all locations together may promise at `at`.
    pub(crate) fn limit_at(&self, at: EpochMillis) -> u32 {
        self.limit
            .as_ref()
            .map_or(u32::MAX, |steps| value_at(steps, 0, at))
    }
}

impl Instance {
    /// The stock as the router takes it: the cells, which say what routing may use, and what the
    /// locations keep for their own customers besides.
    pub(crate) fn view(&self) -> StockView {
        let mut view = StockView::default();
        for (d, (demand, stock)) in self.demands.iter().zip(&self.stock).enumerate() {
            view.push_line(demand.sku);
            for location in (0..self.network.locations.len()).filter(|&l| self.shows(d, l)) {
                let kept = self.buffer(location);
                let none = CellSpec {
                    location,
                    now: 0,
                    later: Vec::new(),
                };
                let cell = stock.cell(location).unwrap_or(&none);
                let mut later = steps(&cell.later);
                later.iter_mut().for_each(|step| step.qty.0 += kept);
                view.push_cell(location_id(location), Qty(cell.now + kept), &later);
            }
            if let Some(limit) = &stock.limit {
                view.push_limit(&steps(limit));
            }
        }
        view
    }

    /// Units of every demand that stay at `location`.
    fn buffer(&self, location: usize) -> u32 {
        self.network.locations[location].stock_buffer.0
    }

    /// Whether the router is told of any units of demand `d` at `location`: there is a cell, or, at
    /// every other location with a buffer, at least what it keeps.
    pub(crate) fn shows(&self, d: usize, location: usize) -> bool {
        let kept = self.buffer(location) > 0 && (d + location).is_multiple_of(2);
        kept || self.stock[d].cell(location).is_some()
    }

    /// Whether an operator paused `location`.
    pub(crate) fn is_paused(&self, location: usize) -> bool {
        self.paused.contains(&location)
    }

    /// Price of a unit of `demand` kept at `location`.
    pub(crate) fn scarcity(&self, demand: usize, location: usize) -> Cents {
        let wanted = (self.demands[demand].sku, location_id(location));
        let mut rows = self.network.scarcity.iter();
        rows.find(|row| (row.sku, row.location) == wanted)
            .map_or(Cents::ZERO, |row| row.cents)
    }
}

fn steps(rows: &[(EpochMillis, u32)]) -> Vec<Step> {
    let step = |&(from, qty): &(EpochMillis, u32)| Step {
        from,
        qty: Qty(qty),
    };
    rows.iter().map(step).collect()
}

/// The dense id of a location.
pub(crate) fn location_id(location: usize) -> LocationId {
    LocationId::from_index(location).expect("instances are small")
}

/// The dense id of a service.
pub(crate) fn service_id(service: usize) -> ServiceId {
    ServiceId::from_index(service).expect("instances are small")
}

impl fmt::Display for Instance {
    /// One row of the problem a line, as failures print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self
            .deliver_by
            .map_or("any day".into(), |day| day.to_string());
        let hard = if self.hard { "hard" } else { "soft" };
        writeln!(f, "now {} to {:?} by {by} ({hard})", self.now, self.ship_to)?;
        let (paused, excluded) = (&self.paused, &self.excluded);
        writeln!(
            f,
            "{:?} paused {paused:?} excluded {excluded:?} collected at {:?} used {:?}",
            self.policy, self.pickup, self.used
        )?;
        for (demand, stock) in self.demands.iter().zip(&self.stock) {
            writeln!(f, "{demand:?}")?;
            stock.cells.iter().try_for_each(|cell| {
                let later = shown(&cell.later);
                writeln!(f, "  location {}: {} now, {later}", cell.location, cell.now)
            })?;
            if let Some(limit) = &stock.limit {
                writeln!(f, "  limit {}", shown(limit))?;
            }
        }
        let net = &self.network;
        let days: Vec<_> = net.holidays.iter().map(ToString::to_string).collect();
        writeln!(f, "holidays {days:?}")?;
        net.locations
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.services
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.zones
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.zone_pairs
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.tariffs
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.surcharges
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.places
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.scarcity
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.regions
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))?;
        net.restrictions
            .iter()
            .try_for_each(|row| writeln!(f, "{row:?}"))
    }
}

fn shown(steps: &[(EpochMillis, u32)]) -> String {
    let step = |(from, qty): &(EpochMillis, u32)| format!("{qty} from {from}");
    steps.iter().map(step).collect::<Vec<_>>().join(", ")
}
