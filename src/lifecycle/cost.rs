//! What fulfilment was expected to cost, what it did cost, and why the two differ.
//!
//! A shipment is priced again and again, each time with one more thing as it really was:
//!
//! | price | place | parcels | partner | who says so | step from the one before |
//! | --- | --- | --- | --- | --- | --- |
//! | forecast | planned | planned | planned | the plan | |
//! | split | planned | real | planned | tariff | **split** |
//! | distance | real | real | planned | tariff | **distance** |
//! | partner | real | real | real | tariff | **premium partner** |
//! | paid | real | real | real | the carrier | **postage** |
//!
//! So the steps add up to paid less forecast whatever the prices are, without a remainder to share
//! out. A price that nobody worked out counts as the one before it: its step is 0 and what it would
//! have explained lands in postage. What is spent beside the shipment is added as it is: **reship**,
//! **manual exception**, **return**. All parts together are actual less forecast, to the cent.
//!
//! Everything is told as it is now and replaces what was told before, so repeats change nothing.

use super::fulfillment::FulfillmentId;
use crate::model::{Cents, ChannelId, Day, Invalid, LocationId};
use bincode::{Decode, Encode};
use std::collections::BTreeMap;

/// The parts of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Part {
    /// The carrier charged something else than its tariff.
    Postage,
    /// Other parcels than planned.
    Split,
    /// Another place than planned.
    Distance,
    /// Another partner or service than planned.
    PremiumPartner,
    /// Sent again.
    Reship,
    /// Work of people on exceptions.
    ManualException,
    /// Coming back.
    Return,
}

impl Part {
    /// All parts with their names on the wire.
    pub const ALL: [(&'static str, Self); 7] = [
        ("postage", Self::Postage),
        ("split", Self::Split),
        ("distance", Self::Distance),
        ("premium_partner", Self::PremiumPartner),
        ("reship", Self::Reship),
        ("manual_exception", Self::ManualException),
        ("return", Self::Return),
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// Where a cost belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct CostPlace {
    /// The location's date of shipping; of routing while it has not shipped.
    pub day: Day,
    /// The location.
    pub location: LocationId,
    /// Text id of the carrier.
    pub carrier: Box<str>,
    /// The channel of the order.
    pub channel: ChannelId,
}

/// The prices of a shipment that has left, from planned to real.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Prices {
    /// Tariff price with the real parcels.
    pub split: Option<Cents>,
    /// The same from the real place.
    pub distance: Option<Cents>,
    /// The same with the real partner and service.
    pub partner: Option<Cents>,
    /// What was paid.
    pub paid: Cents,
}

/// One fulfilment order's costs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Entry {
    place: CostPlace,
    forecast: Cents,
    /// `None` while it has not shipped.
    prices: Option<Prices>,
    /// Reship, manual exception, return.
    extras: [Cents; 3],
}

/// Costs of many fulfilment orders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct CostSums {
    /// How many have shipped.
    pub shipments: u64,
    /// Cents that the plans of these expected.
    pub forecast: i128,
    /// Cents that were spent, extras of those that have not shipped included.
    pub actual: i128,
    /// Cents that are expected for those that have not shipped.
    pub open: i128,
    /// `actual` less `forecast`, by part in the order of [`Part::ALL`].
    pub parts: [i128; 7],
}

impl CostSums {
    /// Cents spent beyond the forecast; less than 0 is a saving.
    #[must_use]
    pub const fn difference(&self) -> i128 {
        self.actual - self.forecast
    }

    /// The cents of one part of the difference.
    #[must_use]
    pub const fn part(&self, part: Part) -> i128 {
        self.parts[part as usize]
    }

    fn add(&mut self, other: &Self, sign: i128) {
        let shipments = self.shipments;
        self.shipments = match sign < 0 {
            true => shipments.saturating_sub(other.shipments),
            false => shipments.saturating_add(other.shipments),
        };
        self.forecast += sign * other.forecast;
        self.actual += sign * other.actual;
        self.open += sign * other.open;
        for (part, more) in self.parts.iter_mut().zip(other.parts) {
            *part += sign * more;
        }
    }
}

impl Entry {
    fn sums(&self) -> CostSums {
        let extras = self.extras.map(|cents| i128::from(cents.0));
        let mut sums = CostSums {
            actual: extras.iter().sum(),
            ..CostSums::default()
        };
        sums.parts[Part::Reship as usize..].copy_from_slice(&extras);
        let forecast = i128::from(self.forecast.0);
        let Some(prices) = self.prices else {
            sums.open = forecast;
            return sums;
        };
        let next = |price: Option<Cents>, before| price.map_or(before, |p| i128::from(p.0));
        let split = next(prices.split, forecast);
        let distance = next(prices.distance, split);
        let partner = next(prices.partner, distance);
        let paid = i128::from(prices.paid.0);
        sums.shipments = 1;
        sums.forecast = forecast;
        sums.actual += paid;
        sums.parts[Part::Split as usize] = split - forecast;
        sums.parts[Part::Distance as usize] = distance - split;
        sums.parts[Part::PremiumPartner as usize] = partner - distance;
        sums.parts[Part::Postage as usize] = paid - partner;
        sums
    }
}

/// How to group a report, and what to leave out.
#[derive(Debug, Clone, Default)]
pub struct CostQuery {
    /// One row per day.
    pub by_day: bool,
    /// One row per location.
    pub by_location: bool,
    /// One row per carrier.
    pub by_carrier: bool,
    /// One row per channel.
    pub by_channel: bool,
    /// First and last day; everything when absent.
    pub days: Option<(Day, Day)>,
}

/// What a row of a report is about; `None` is all of them together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CostGroup {
    /// The day.
    pub day: Option<Day>,
    /// The location.
    pub location: Option<LocationId>,
    /// The carrier.
    pub carrier: Option<Box<str>>,
    /// The channel.
    pub channel: Option<ChannelId>,
}

/// All costs. The sums by place are kept up to date, so a report does not look at fulfilment orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Costs {
    entries: BTreeMap<FulfillmentId, Entry>,
    sums: BTreeMap<CostPlace, CostSums>,
}

impl Costs {
    /// A fulfilment order is routed (or routed anew): what its plan expects it to cost. One that
    /// replaces another carries on the forecast of the units it took over.
    ///
    /// # Errors
    /// The amount is beyond what money may be.
    pub fn routed(
        &mut self,
        id: &FulfillmentId,
        place: CostPlace,
        forecast: Cents,
    ) -> Result<(), Invalid> {
        check("forecast", forecast)?;
        self.change(id, place, |entry| entry.forecast = forecast);
        Ok(())
    }

    /// It has shipped, or more is known about what that costs.
    ///
    /// # Errors
    /// An amount is beyond what money may be.
    pub fn shipped(
        &mut self,
        id: &FulfillmentId,
        place: CostPlace,
        prices: Prices,
    ) -> Result<(), Invalid> {
        check("paid", prices.paid)?;
        let between = [prices.split, prices.distance, prices.partner];
        for price in between.into_iter().flatten() {
            check("price", price)?;
        }
        self.change(id, place, |entry| entry.prices = Some(prices));
        Ok(())
    }

    /// What was spent on it beside the shipment, in total: reship, manual exception or return. It is
    /// counted where the shipment is; `place` is for one that is not known yet.
    ///
    /// # Errors
    /// The part is one of the shipment itself; the amount is beyond what money may be.
    pub fn extra(
        &mut self,
        id: &FulfillmentId,
        place: CostPlace,
        part: Part,
        total: Cents,
    ) -> Result<(), Invalid> {
        let expected = "reship, manual_exception or return: the others follow from the prices";
        let index = (part as usize).checked_sub(Part::Reship as usize);
        let index = index.ok_or_else(|| Invalid::new("part", part.name(), expected))?;
        check("cents", total)?;
        let known = self.entries.get(id).map(|entry| entry.place.clone());
        self.change(id, known.unwrap_or(place), |entry| {
            entry.extras[index] = total;
        });
        Ok(())
    }

    /// It will not ship: its forecast is no longer open. What was spent on it stays.
    pub fn dropped(&mut self, id: &FulfillmentId) {
        let Some(entry) = self.entries.get(id).filter(|e| e.prices.is_none()) else {
            return;
        };
        let place = entry.place.clone();
        self.change(id, place, |entry| entry.forecast = Cents::ZERO);
    }

    /// Takes an entry out of its sums, changes it, and puts it into those where it now belongs.
    fn change(&mut self, id: &FulfillmentId, place: CostPlace, change: impl FnOnce(&mut Entry)) {
        let entry = self.entries.entry(id.clone()).or_insert_with(|| Entry {
            place: place.clone(),
            forecast: Cents::ZERO,
            prices: None,
            extras: [Cents::ZERO; 3],
        });
        let before = entry.sums();
        if let Some(sums) = self.sums.get_mut(&entry.place) {
            sums.add(&before, -1);
            if *sums == CostSums::default() {
                self.sums.remove(&entry.place);
            }
        }
        entry.place = place;
        change(entry);
        let after = entry.sums();
        if after != CostSums::default() {
            self.sums
                .entry(entry.place.clone())
                .or_default()
                .add(&after, 1);
        }
    }

    /// The costs of one fulfilment order.
    #[must_use]
    pub fn of(&self, id: &FulfillmentId) -> Option<CostSums> {
        self.entries.get(id).map(Entry::sums)
    }

    /// Sums by group, in ascending order of group.
    #[must_use]
    pub fn report(&self, query: &CostQuery) -> Vec<(CostGroup, CostSums)> {
        let mut rows: BTreeMap<CostGroup, CostSums> = BTreeMap::new();
        let wanted = |day| query.days.is_none_or(|(from, to)| from <= day && day <= to);
        for (place, sums) in self.sums.iter().filter(|(place, _)| wanted(place.day)) {
            let group = CostGroup {
                day: query.by_day.then_some(place.day),
                location: query.by_location.then_some(place.location),
                carrier: query.by_carrier.then(|| place.carrier.clone()),
                channel: query.by_channel.then_some(place.channel),
            };
            rows.entry(group).or_default().add(sums, 1);
        }
        rows.into_iter().collect()
    }
}

fn check(field: &str, cents: Cents) -> Result<(), Invalid> {
    if cents >= Cents::ZERO && cents <= Cents::MAX {
        return Ok(());
    }
    let expected = format!("0 to {} cents", Cents::MAX);
    Err(Invalid::new(field, cents, expected))
}
