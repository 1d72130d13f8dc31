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
use crate::model::{
    Cents, ChannelId, CostPlace, CostTold, Day, ExtraCost, Invalid, LocationId, Prices,
};
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

/// One fulfilment order's costs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PartCosts {
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

    /// Adds other sums, or with a sign of -1 takes them away.
    pub fn add(&mut self, other: &Self, sign: i128) {
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

impl PartCosts {
    /// Of one that has not shipped.
    #[must_use]
    pub const fn new(place: CostPlace, forecast: Cents) -> Self {
        Self {
            place,
            forecast,
            prices: None,
            extras: [Cents::ZERO; 3],
        }
    }

    /// The same with what became known. What is spent beside the shipment is counted where that is.
    ///
    /// # Errors
    /// An amount is beyond what money may be.
    pub fn with(
        mut self,
        place: &CostPlace,
        forecast: Cents,
        told: &CostTold,
    ) -> Result<Self, Invalid> {
        match told {
            CostTold::Shipped(prices) => {
                check_prices(prices)?;
                check("forecast", forecast)?;
                self.place.clone_from(place);
                (self.forecast, self.prices) = (forecast, Some(*prices));
            }
            &CostTold::Extra { kind, cents, .. } => {
                check("cents", cents)?;
                let known = &mut self.extras[kind as usize];
                let total = Cents(known.0.saturating_add(cents.0));
                check("cents", total)?;
                *known = total;
            }
        }
        Ok(self)
    }

    /// Where they belong.
    #[must_use]
    pub const fn place(&self) -> &CostPlace {
        &self.place
    }

    /// What the plan expected.
    #[must_use]
    pub const fn forecast(&self) -> Cents {
        self.forecast
    }

    /// Whether it has shipped.
    #[must_use]
    pub const fn has_shipped(&self) -> bool {
        self.prices.is_some()
    }

    /// The prices of what has left.
    #[must_use]
    pub const fn prices(&self) -> Option<&Prices> {
        self.prices.as_ref()
    }

    /// What was spent beside the shipment.
    #[must_use]
    pub const fn extra(&self, kind: ExtraCost) -> Cents {
        self.extras[kind as usize]
    }

    /// Its sums, as a report adds them up.
    #[must_use]
    pub fn sums(&self) -> CostSums {
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
        let paid = i128::from(prices.paid.0);
        sums.shipments = 1;
        sums.forecast = forecast;
        sums.actual += paid;
        let steps = prices.steps(self.forecast).map(i128::from);
        let places = [
            Part::Split,
            Part::Distance,
            Part::PremiumPartner,
            Part::Postage,
        ];
        for (place, step) in places.into_iter().zip(steps) {
            sums.parts[place as usize] = step;
        }
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

impl CostQuery {
    /// The row in which a place is; `None` where it is left out.
    #[must_use]
    pub fn group(&self, place: &CostPlace) -> Option<CostGroup> {
        let wanted = self
            .days
            .is_none_or(|(from, to)| (from..=to).contains(&place.day));
        wanted.then(|| CostGroup {
            day: self.by_day.then_some(place.day),
            location: self.by_location.then_some(place.location),
            carrier: self.by_carrier.then(|| place.carrier.clone()),
            channel: self.by_channel.then_some(place.channel),
        })
    }
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

/// Sums by place, kept up to date, so that a report does not look at fulfilment orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct CostBook {
    sums: BTreeMap<CostPlace, CostSums>,
}

/// The costs of many fulfilment orders, each by its id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
pub struct Costs {
    entries: BTreeMap<FulfillmentId, PartCosts>,
    book: CostBook,
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
        check_prices(&prices)?;
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

    fn change(
        &mut self,
        id: &FulfillmentId,
        place: CostPlace,
        change: impl FnOnce(&mut PartCosts),
    ) {
        let known = self.entries.get(id);
        let mut after = match known {
            Some(known) => known.clone(),
            None => PartCosts::new(place.clone(), Cents::ZERO),
        };
        after.place = place;
        change(&mut after);
        self.book.change(known, &after);
        self.entries.insert(id.clone(), after);
    }

    /// The costs of one fulfilment order.
    #[must_use]
    pub fn of(&self, id: &FulfillmentId) -> Option<CostSums> {
        self.entries.get(id).map(PartCosts::sums)
    }

    /// Sums by group; see [`CostBook::report`].
    #[must_use]
    pub fn report(&self, query: &CostQuery) -> Vec<(CostGroup, CostSums)> {
        self.book.report(query)
    }
}

impl CostBook {
    /// Takes a part's costs out of the sums where they were, and puts them into those where they
    /// belong now.
    pub fn change(&mut self, before: Option<&PartCosts>, after: &PartCosts) {
        if let Some(before) = before
            && let Some(sums) = self.sums.get_mut(&before.place)
        {
            sums.add(&before.sums(), -1);
            if *sums == CostSums::default() {
                self.sums.remove(&before.place);
            }
        }
        let sums = after.sums();
        if sums != CostSums::default() {
            let here = self.sums.entry(after.place.clone()).or_default();
            here.add(&sums, 1);
        }
    }

    /// Sums by group, in ascending order of group.
    #[must_use]
    pub fn report(&self, query: &CostQuery) -> Vec<(CostGroup, CostSums)> {
        let mut rows: BTreeMap<CostGroup, CostSums> = BTreeMap::new();
        for (place, sums) in &self.sums {
            if let Some(group) = query.group(place) {
                rows.entry(group).or_default().add(sums, 1);
            }
        }
        rows.into_iter().collect()
    }
}

fn check_prices(prices: &Prices) -> Result<(), Invalid> {
    check("paid", prices.paid)?;
    let between = [prices.split, prices.distance, prices.partner];
    let mut known = between.into_iter().flatten();
    known.try_for_each(|price| check("price", price))
}

fn check(field: &str, cents: Cents) -> Result<(), Invalid> {
    if cents >= Cents::ZERO && cents <= Cents::MAX {
        return Ok(());
    }
    let expected = format!("0 to {} cents", Cents::MAX);
    Err(Invalid::new(field, cents, expected))
}
