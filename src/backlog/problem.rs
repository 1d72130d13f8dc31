//! What is to be decided: open orders, what they have today, and the stock that they share.
//!
//! Plain data. Who reads it from an engine or makes it up does not matter to the search.

use super::days::DayRoom;
use crate::ledger::{Step, StockView};
use crate::model::{
    ChannelId, Day, EpochMillis, LocationId, OrderKey, Policy, Qty, ShipmentLine, ShortLine, SkuId,
};
use crate::routing::{Demand, Destination};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A shipment that an order has today: where, when its units must be there, what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it ships from.
    pub location: LocationId,
    /// When its units must be at the location.
    pub need_at: EpochMillis,
    /// When the carrier gets it.
    pub ship_at: EpochMillis,
    /// What is in it.
    pub lines: Vec<ShipmentLine>,
}

/// What an order has today.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Today {
    /// Its shipments.
    pub shipments: Vec<Kept>,
    /// What waits for supply.
    pub short: Vec<ShortLine>,
    /// The date of the last delivery that the customer was told.
    pub promised: Option<Day>,
}

/// What may become of an order: the strategies that backorder processing knows.
///
/// | strategy | may lose units or time | may win |
/// | --- | --- | --- |
/// | win | no, and everything that is short comes first | yes |
/// | gain | no | yes |
/// | redistribute | yes | yes |
/// | fill | yes | no |
/// | lose | everything it has is given to others | no |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Served before all others: what it is short of costs a hundred times as much.
    Win,
    /// Never has fewer units or a later date than today.
    #[default]
    Gain,
    /// May win and may lose.
    Redistribute,
    /// May lose, never has more units than today: an item of which something is short stays as it is
    /// or loses the rest.
    Fill,
    /// Gives away what it has.
    Lose,
}

/// An open order of which nothing was released yet.
#[derive(Debug, Clone)]
pub struct OpenOrder {
    /// `(source, order id)`.
    pub key: OrderKey,
    /// The selling channel, by which stock may be limited.
    pub channel: ChannelId,
    /// When the customer placed it: of orders that are worth the same the older one is served.
    pub placed_at: EpochMillis,
    /// Where it goes.
    pub destination: Arc<Destination>,
    /// The promise date.
    pub deliver_by: Option<Day>,
    /// Whether what misses it does not exist.
    pub deliver_by_is_hard: bool,
    /// Weights and limits of its objective.
    pub policy: Policy,
    /// What it needs, one for each SKU.
    pub demands: Vec<Demand>,
    /// Locations that may not ship it.
    pub excluded: Vec<LocationId>,
    /// Where the customer collects it.
    pub pickup: Option<LocationId>,
    /// What it has.
    pub today: Today,
    /// What may become of it.
    pub strategy: Strategy,
    /// It stays as it is.
    pub frozen: bool,
}

impl Strategy {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("win", Self::Win),
        ("gain", Self::Gain),
        ("redistribute", Self::Redistribute),
        ("fill", Self::Fill),
        ("lose", Self::Lose),
    ];

    /// The strategy of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        let found = all.find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, strategy)| *strategy)
    }
}

impl OpenOrder {
    /// Whether it may neither lose units nor time.
    #[must_use]
    pub fn never_worse(&self) -> bool {
        matches!(self.strategy, Strategy::Win | Strategy::Gain)
    }

    /// The date after which nothing of another plan may be delivered: the one that the customer was
    /// told, where it may not get worse.
    #[must_use]
    pub fn latest(&self) -> Option<Day> {
        let told = !self.today.shipments.is_empty() && self.never_worse();
        self.today.promised.filter(|_| told)
    }

    /// Units of a demand that are short today.
    #[must_use]
    pub fn short_today(&self, demand: usize) -> i64 {
        let short = self.today.short.iter();
        let of = short.filter(|s| usize::from(s.demand) == demand);
        of.map(|s| units(s.qty)).sum()
    }
}

/// Stock that the orders of a problem may use together: what is promisable once all that they
/// hold is given back.
#[derive(Debug, Clone, Default)]
pub struct Supply {
    view: StockView,
    line_of: HashMap<SkuId, u32, foldhash::fast::FixedState>,
    limits: BTreeMap<(u32, ChannelId), Vec<Step>>,
}

impl Supply {
    /// The supply of a view that holds every SKU once.
    #[must_use]
    pub fn new(view: StockView) -> Self {
        let lines = 0..u32::try_from(view.len()).unwrap_or(u32::MAX);
        let line_of = lines.map(|l| (view.sku(l as usize), l)).collect();
        Self {
            view,
            line_of,
            limits: BTreeMap::new(),
        }
    }

    /// Limits what a channel may have of a SKU over all locations: cumulative units by time, the
    /// first step being now.
    pub fn limit(&mut self, sku: SkuId, channel: ChannelId, steps: Vec<Step>) {
        if let Some(&line) = self.line_of.get(&sku) {
            self.limits.insert((line, channel), steps);
        }
    }

    /// The view.
    #[must_use]
    pub fn view(&self) -> &StockView {
        &self.view
    }

    /// Where a SKU stands in the view.
    #[must_use]
    pub fn line(&self, sku: SkuId) -> Option<usize> {
        self.line_of.get(&sku).map(|&line| line as usize)
    }

    /// All limits of channels by line of the view.
    pub fn limits(&self) -> impl Iterator<Item = (usize, ChannelId, &[Step])> {
        let rows = self.limits.iter();
        rows.map(|(&(line, channel), steps)| (line as usize, channel, &**steps))
    }
}

/// Open orders and the stock that they share.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// The moment from which on stock is promised and days count.
    pub now: EpochMillis,
    /// The orders.
    pub orders: Vec<OpenOrder>,
    /// The stock.
    pub supply: Supply,
    /// Cents for every order whose plan changes, so that plans do not change for nothing.
    pub change_cents: i64,
    /// Days of locations that hand over so much a day only, by location and time; any other day is not
    /// limited. [`Problem::open_days`] makes them.
    pub days: Vec<DayRoom>,
}

/// Units as the search counts them.
pub(super) fn units(qty: Qty) -> i64 {
    i64::from(qty.0)
}
