//! What a carrier charges: from weight and volume to a bracket, from a bracket to a price.
//!
//! Services that bill weight alike (same divisor, threshold, step and heaviest parcel) share a
//! [`Billing`] and its brackets: the union of the weight steps of all their tariffs. So the
//! bracket of some units is found once, for all those services, zones and locations.

use super::cargo::Load;
use super::request::Demand;
use super::surcharges::{self, AreaRule, Measured, Rule};
use crate::model::{Cents, Invalid, Network, Service};

/// No price: not carried. Far above [`AMOUNT_MAX`]; a few of them still add up.
pub(super) const NEVER: i64 = 1 << 60;
/// No part of a plan costs more than this many cents (11 trillion in major units); what would,
/// counts as impossible. So no sum over a plan overflows.
pub(super) const AMOUNT_MAX: i64 = 1 << 50;
/// No bracket: heavier than any step.
const BEYOND: u16 = u16::MAX;
/// No bracket: there is no parcel.
const EMPTY: u16 = u16::MAX - 1;
/// Rows of the table that finds a bracket: enough that a row seldom holds two steps.
const FINDER_ROWS: u64 = 2_048;

/// How many prices of a gram are at hand for lower bounds.
const SLOPES: usize = 9;
/// Millionths of a cent in a cent.
const MICRO: i64 = 1_000_000;

/// A load as parcels: some full ones and a last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parcels {
    /// Parcels of exactly the heaviest weight before the last one.
    pub(super) full: u32,
    /// Bracket of the last one; [`BEYOND`] when it cannot be carried, [`EMPTY`] when there is none.
    bracket: u16,
    /// Surcharges of all of them.
    pub(super) extra: i64,
}

impl Parcels {
    /// What cannot be carried.
    pub(super) const NONE: Self = Self {
        full: 0,
        bracket: BEYOND,
        extra: 0,
    };

    /// A single parcel in a bracket.
    pub(super) fn one(bracket: u16) -> Self {
        Self {
            full: 0,
            bracket,
            extra: 0,
        }
    }

    /// A number that is the same only for the same parcels, surcharges apart; below
    /// `(full + 1) × (brackets + 2)`.
    pub(super) fn key(self, brackets: usize) -> u64 {
        let bracket = match self.bracket {
            EMPTY => brackets + 1,
            bracket => usize::from(bracket).min(brackets),
        };
        u64::from(self.full) * (brackets as u64 + 2) + bracket as u64
    }

    /// How many they are.
    pub(super) fn count(self) -> u64 {
        if self.bracket == EMPTY {
            return 0;
        }
        u64::from(self.full) + 1
    }
}

/// How some services turn a load into parcels.
#[derive(Debug)]
pub(super) struct Billing {
    pub(super) divisor: Option<u32>,
    /// ⌈2⁶⁴ ÷ divisor⌉: multiplying by it divides numbers of 32 bits exactly; 0 where that is no
    /// number of 64 bits.
    inverse: u64,
    pub(super) threshold_cm3: u32,
    step: u64,
    heaviest: u64,
    /// Inclusive upper bounds, ascending.
    bounds: Box<[u64]>,
    /// First bracket that a weight shifted right by `shift` can be in.
    finder: Box<[u16]>,
    shift: u32,
    /// Bracket of the heaviest parcel.
    heaviest_bracket: u16,
}

impl Billing {
    /// Whether what is left after full parcels is billed by whole steps as well.
    pub(super) fn steps_evenly(&self) -> bool {
        self.heaviest.checked_rem(self.step) == Some(0)
    }

    fn new(service: &Service, mut bounds: Vec<u64>) -> Self {
        bounds.sort_unstable();
        bounds.dedup();
        // Nothing heavier than the first bound that holds the heaviest parcel is ever looked up.
        let top = bounds.partition_point(|&b| b < service.max.0);
        bounds.truncate(top.saturating_add(1).min(usize::from(EMPTY) - 1));
        let last = bounds.last().copied().unwrap_or(0).min(service.max.0);
        let shift = (0..64)
            .find(|&s| last >> s < FINDER_ROWS)
            .unwrap_or_default();
        let finder = (0..=last >> shift)
            .map(|row| {
                let bracket = bounds.partition_point(|&b| b < row << shift);
                u16::try_from(bracket).unwrap_or(BEYOND)
            })
            .collect();
        let mut billing = Self {
            divisor: service.dim_divisor_cm3_per_kg,
            inverse: service
                .dim_divisor_cm3_per_kg
                .filter(|&divisor| divisor > 1)
                .map_or(0, |divisor| u64::MAX / u64::from(divisor) + 1),
            threshold_cm3: service.dim_threshold_cm3,
            step: service.billing_step.0,
            heaviest: service.max.0,
            bounds: bounds.into_boxed_slice(),
            finder,
            shift,
            heaviest_bracket: BEYOND,
        };
        billing.heaviest_bracket = billing.bracket(billing.heaviest);
        billing
    }

    fn is_for(&self, service: &Service) -> bool {
        self.divisor == service.dim_divisor_cm3_per_kg
            && self.threshold_cm3 == service.dim_threshold_cm3
            && self.step == service.billing_step.0
            && self.heaviest == service.max.0
    }

    #[inline]
    fn bracket(&self, weight: u64) -> u16 {
        let row = usize::try_from(weight >> self.shift).unwrap_or(usize::MAX);
        let Some(&first) = self.finder.get(row) else {
            return BEYOND;
        };
        let mut bracket = first;
        while let Some(&bound) = self.bounds.get(usize::from(bracket)) {
            if weight <= bound {
                return bracket;
            }
            bracket += 1;
        }
        BEYOND
    }

    /// Dimensional weight in grams, rounded up.
    #[inline]
    fn dimensional(&self, cm3: u64, divisor: u32) -> Option<u64> {
        let thousandths = cm3.checked_mul(1_000)?;
        let up = thousandths.saturating_add(u64::from(divisor) - 1);
        if self.inverse != 0 && up <= u64::from(u32::MAX) {
            return Some(high_half(up, self.inverse));
        }
        Some(thousandths.div_ceil(u64::from(divisor)))
    }

    /// Billable weight in grams; `None` when it is beyond counting.
    #[inline]
    pub(super) fn billable(&self, load: Load) -> Option<u64> {
        self.weight(load.grams, load.mm3)
    }

    /// The same of so many grams and mm³.
    #[inline]
    fn weight(&self, mut weight: u64, mm3: u64) -> Option<u64> {
        if let Some(divisor) = self.divisor {
            let cm3 = mm3.div_ceil(1_000);
            if cm3 > u64::from(self.threshold_cm3) {
                weight = weight.max(self.dimensional(cm3, divisor)?);
            }
        }
        if self.step > 1 {
            weight = weight.div_ceil(self.step).checked_mul(self.step)?;
        }
        Some(weight)
    }

    /// The bracket of so many grams and mm³; `None` where they are no single parcel, or one that no tariff
    /// has a price for.
    #[inline]
    pub(super) fn bracket_of(&self, grams: u64, mm3: u64) -> Option<u16> {
        let weight = self.weight(grams, mm3).filter(|&w| w <= self.heaviest)?;
        let bracket = self.bracket(weight);
        (bracket != BEYOND).then_some(bracket)
    }

    /// The same of some of what has a bracket: nothing in it is beyond counting then.
    #[inline(always)]
    pub(super) fn bracket_of_part(&self, grams: u64, mm3: u64) -> u16 {
        let mut weight = grams;
        if let Some(divisor) = self.divisor {
            let cm3 = mm3.wrapping_add(999) / 1_000;
            if cm3 > u64::from(self.threshold_cm3) {
                let thousandths = cm3.wrapping_mul(1_000);
                let up = thousandths.wrapping_add(u64::from(divisor) - 1);
                weight = weight.max(if self.inverse != 0 && up <= u64::from(u32::MAX) {
                    high_half(up, self.inverse)
                } else {
                    thousandths.div_ceil(u64::from(divisor))
                });
            }
        }
        if self.step > 1 {
            weight = weight.div_ceil(self.step).wrapping_mul(self.step);
        }
        self.bracket(weight)
    }

    /// The [key](Parcels::key) of a load's parcels.
    #[inline]
    pub(super) fn key(&self, load: Load) -> u64 {
        if load.lots > 0
            && let Some(weight) = self.billable(load)
            && weight <= self.heaviest
        {
            let bracket = self.bracket(weight);
            return usize::from(bracket).min(self.bounds.len()) as u64;
        }
        self.parcels(load, &[]).key(self.bounds.len())
    }

    /// The parcels of a load, with the surcharges that `rules` ask for.
    pub(super) fn parcels(&self, load: Load, rules: &[Rule]) -> Parcels {
        if load.lots == 0 {
            return Parcels {
                bracket: EMPTY,
                ..Parcels::NONE
            };
        }
        let Some(weight) = self.billable(load) else {
            return Parcels::NONE;
        };
        let parcels = self.parcels_of(weight);
        if rules.is_empty() {
            return parcels;
        }
        let measured = Measured::of(load, parcels.full, weight, self.heaviest);
        match surcharges::extra(rules, &measured) {
            Some(extra) => Parcels { extra, ..parcels },
            None => Parcels::NONE,
        }
    }

    /// The heaviest billable weight of every step up to `most`, ascending: all that is billed more than
    /// one of them and at most the next costs the same. Weights at which `rules` begin to count end
    /// steps too. `None` where they are more than `count`.
    pub(super) fn ends(&self, rules: &[Rule], most: u64, count: usize) -> Option<Vec<u64>> {
        let overs = rules.iter().filter_map(Rule::over_grams);
        let bounds = self.bounds.iter().copied().chain(overs);
        let mut steps: Vec<u64> = bounds.filter(|&end| end < self.heaviest).collect();
        steps.push(self.heaviest);
        steps.sort_unstable();
        steps.dedup();
        let mut ends: Vec<u64> = Vec::new();
        let mut full = 0u64;
        for _ in 0..count {
            if ends.last().is_some_and(|&last| last >= most) {
                break;
            }
            for &step in &steps {
                // Only multiples of the billing step are billed.
                let end = full.saturating_add(step) / self.step * self.step;
                if ends.last().is_none_or(|&last| last < end) {
                    ends.push(end);
                }
            }
            full = full.checked_add(self.heaviest)?;
        }
        let needed = ends.partition_point(|&end| end < most) + 1;
        if needed > ends.len().min(count) {
            return None;
        }
        ends.truncate(needed);
        Some(ends)
    }

    /// The heaviest parcel.
    pub(super) fn heaviest(&self) -> u64 {
        self.heaviest
    }

    /// The divisor of dimensional weight, and the cm³ up to which it does not count.
    pub(super) fn divides(&self) -> Option<(u32, u32)> {
        Some((self.divisor?, self.threshold_cm3))
    }

    /// Whether goods in one shipment are billed no more weight than in several.
    pub(super) fn adds_up(&self) -> bool {
        self.divisor.is_none() || self.threshold_cm3 == 0
    }

    /// Whether no load is billed more weight than by another billing.
    pub(super) fn bills_no_more_than(&self, other: &Self) -> bool {
        let steps = self.step == 1 || self.step == other.step;
        let volume = match (self.divisor, other.divisor) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(its)) => own >= its && self.threshold_cm3 >= other.threshold_cm3,
        };
        steps && volume
    }

    /// Most full parcels of a load, or of any part of it, besides one that is not: 0 where it is a single
    /// parcel; `u64::MAX` where it is beyond counting.
    pub(super) fn full_parcels(&self, load: Load) -> u64 {
        match self.billable(load) {
            Some(weight) if weight <= self.heaviest => 0,
            Some(weight) if self.heaviest > 0 => weight.div_ceil(self.heaviest) - 1,
            _ => u64::MAX,
        }
    }

    /// The parcel of one unit that ships alone: it cannot be taken apart.
    pub(super) fn single(&self, unit: Load, rules: &[Rule]) -> Parcels {
        let parcels = self.parcels(unit, rules);
        if parcels.full > 0 {
            return Parcels::NONE;
        }
        parcels
    }

    fn parcels_of(&self, weight: u64) -> Parcels {
        let parcels = |full, weight| Parcels {
            full,
            bracket: self.bracket(weight),
            extra: 0,
        };
        if weight <= self.heaviest {
            return parcels(0, weight);
        }
        let full = weight.div_ceil(self.heaviest) - 1;
        match u32::try_from(full) {
            Ok(fewer) if fewer < u32::MAX => parcels(fewer, weight - full * self.heaviest),
            _ => Parcels::NONE,
        }
    }
}

/// The upper 64 bits of a product.
#[inline]
fn high_half(one: u64, other: u64) -> u64 {
    let product = u128::from(one).wrapping_mul(u128::from(other));
    u64::try_from(product >> 64).unwrap_or(u64::MAX)
}

/// All prices of the network.
#[derive(Debug)]
pub(super) struct Tariffs {
    /// The ways of billing.
    pub(super) billings: Vec<Billing>,
    /// Which of them each service uses.
    pub(super) billing_of: Vec<u16>,
    /// By billing: its surcharges, with their areas; nothing at all where no service has any.
    surcharges: Vec<Vec<AreaRule>>,
    /// Whether a surcharge asks for a longest side.
    pub(super) measures: bool,
    /// By service: the least that the tariff prices of a shipment come to.
    minimum: Vec<i64>,
    /// By service: where its prices start.
    starts: Vec<usize>,
    /// By service, zone (dense), bracket.
    prices: Vec<i64>,
    /// By slope, then by service and zone: the least by which a shipment costs more than its weight
    /// at that slope. Indexed like `zones`; one request asks for one slope.
    least: [Vec<i64>; SLOPES],
    /// Prices of a gram, in millionths of a cent, ascending from 0. None is above what a gram of
    /// any full parcel costs, so that each also holds for many parcels.
    slopes: [i64; SLOPES],
    /// By slope: the least of `least`.
    bases: [i64; SLOPES],
    /// By slope, billing and bracket: the least by which a parcel costs more than `least` of its row.
    beyond: [Vec<Vec<i64>>; SLOPES],
    /// By service: where its zones start in `least`.
    zones: Vec<usize>,
}

impl Tariffs {
    /// `zone_numbers[service]` are the numbers of its zones, by dense zone.
    pub(super) fn new(network: &Network, zone_numbers: &[Vec<u8>]) -> Result<Self, Invalid> {
        let mut steps: Vec<Vec<(u8, u64, i64)>> = vec![Vec::new(); network.services.len()];
        for (row, step) in network.tariffs.iter().enumerate() {
            let Some(of_service) = steps.get_mut(step.service.index()) else {
                let field = format!("tariffs[{row}].service");
                return Err(Invalid::new(
                    field,
                    step.service.0,
                    "a service of the network",
                ));
            };
            price(&format!("tariffs[{row}].cents"), step.cents)?;
            of_service.push((step.zone, step.max.0, step.cents.0));
        }
        let mut tariffs = Self {
            billings: Vec::new(),
            billing_of: Vec::new(),
            surcharges: Vec::new(),
            measures: network
                .surcharges
                .iter()
                .any(|s| s.over_length_mm.is_some()),
            minimum: Vec::new(),
            starts: Vec::new(),
            prices: Vec::new(),
            least: Default::default(),
            slopes: [0; SLOPES],
            bases: [NEVER; SLOPES],
            beyond: Default::default(),
            zones: Vec::new(),
        };
        tariffs.group(network, &steps)?;
        for (row, service) in network.services.iter().enumerate() {
            let field = format!("services[{row}].min_cents_per_shipment");
            tariffs.minimum.push(price(&field, service.minimum)?);
        }
        for (service, steps) in steps.iter_mut().enumerate() {
            // Stable: of two steps with one bound the first row counts.
            steps.sort_by_key(|&(_, max, _)| max);
            tariffs.starts.push(tariffs.prices.len());
            tariffs.zones.push(tariffs.rows());
            let billing = &tariffs.billings[usize::from(tariffs.billing_of[service])];
            for &zone in &zone_numbers[service] {
                let mut own = steps.iter().filter(|s| s.0 == zone).peekable();
                for &bound in &billing.bounds {
                    while own.next_if(|s| s.1 < bound).is_some() {}
                    let price = own.peek().map_or(NEVER, |s| s.2);
                    tariffs.prices.push(price);
                }
                tariffs.least.iter_mut().for_each(|of| of.push(NEVER));
            }
        }
        tariffs.add_slopes(zone_numbers);
        Ok(tariffs)
    }

    /// Works out the lower bounds by slope.
    fn add_slopes(&mut self, zone_numbers: &[Vec<u8>]) {
        let zones = |service: usize| 0..u8::try_from(zone_numbers[service].len()).unwrap_or(0);
        let all = (0..zone_numbers.len()).flat_map(|s| zones(s).map(move |z| (s, z)));
        let all: Vec<(usize, u8)> = all.collect();
        let per_gram = |grams: u64, cents: i64| {
            let micros = i128::from(cents) * i128::from(MICRO) / i128::from(grams.max(1));
            i64::try_from(micros).unwrap_or(i64::MAX)
        };
        let full = all.iter().filter_map(|&(s, z)| self.full_parcel(s, z));
        let full = full.map(|(grams, cents)| per_gram(grams, cents)).min();
        // Where no parcel is ever full, the price of a gram in the heaviest bracket will do.
        let last = all.iter().filter_map(|&(s, z)| self.steps(s, z).last());
        let last = last.map(|(grams, cents)| per_gram(grams, cents)).min();
        let steepest = full.or(last).unwrap_or(0);
        for (part, slope) in self.slopes.iter_mut().enumerate() {
            let parts = i64::try_from(SLOPES - 1).unwrap_or(1);
            *slope = steepest / parts * i64::try_from(part).unwrap_or(0);
        }
        let brackets = self.billings.iter().map(|b| vec![NEVER; b.bounds.len()]);
        let brackets: Vec<Vec<i64>> = brackets.collect();
        self.beyond = std::array::from_fn(|_| brackets.clone());
        for (service, zone) in all {
            let at = self.zones[service] + usize::from(zone);
            let billing = usize::from(self.billing_of[service]);
            let row = self.starts[service] + usize::from(zone) * brackets[billing].len();
            for slope in 0..SLOPES {
                let over = |(grams, cents)| cents - self.cents_up(slope, grams);
                let least = self.steps(service, zone).map(over).min();
                let least = least.unwrap_or(NEVER);
                self.least[slope][at] = least;
                let prices = &self.prices[row..];
                for (beyond, price) in self.beyond[slope][billing].iter_mut().zip(prices) {
                    *beyond = (*beyond).min(price - least);
                }
                self.bases[slope] = self.bases[slope].min(least);
            }
        }
    }

    /// The best slope for lower bounds on two shipments of these demands.
    pub(super) fn slope(&self, demands: &[Demand]) -> usize {
        let grams = demands
            .iter()
            .fold(0, |sum: u64, d| sum.saturating_add(d.load(d.qty).grams));
        // A negative base would count for every further shipment.
        let usable = (0..SLOPES).filter(|&slope| self.bases[slope] >= 0);
        let bound = |&slope: &usize| 2 * self.bases[slope] + self.slope_cents(slope, grams);
        usable.max_by_key(bound).unwrap_or(0)
    }

    /// What a weight costs at a slope, rounded down.
    pub(super) fn slope_cents(&self, slope: usize, grams: u64) -> i64 {
        let grams = i64::try_from(grams).unwrap_or(i64::MAX);
        // What does not fit is beyond any amount; the bound is then only lower than it might be.
        let micros = self.slopes[slope].saturating_mul(grams);
        (micros / MICRO).min(AMOUNT_MAX)
    }

    /// The same rounded up, without the limit.
    fn cents_up(&self, slope: usize, grams: u64) -> i64 {
        let micros = i128::from(self.slopes[slope]) * i128::from(grams);
        let cents = (micros + i128::from(MICRO) - 1) / i128::from(MICRO);
        i64::try_from(cents).unwrap_or(NEVER).min(NEVER)
    }

    /// Puts services that bill alike together.
    fn group(&mut self, network: &Network, steps: &[Vec<(u8, u64, i64)>]) -> Result<(), Invalid> {
        let services = &network.services;
        let surcharges = surcharges::by_service(network)?;
        let mut members: Vec<Vec<usize>> = Vec::new();
        for (index, service) in services.iter().enumerate() {
            let wrong = |column: &str, value: u64| {
                let field = format!("services[{index}].{column}");
                Err(Invalid::new(field, value, "at least 1"))
            };
            if service.max.0 == 0 {
                return wrong("max_grams", 0);
            }
            if service.billing_step.0 == 0 {
                return wrong("billing_step_grams", 0);
            }
            if service.dim_divisor_cm3_per_kg == Some(0) {
                return wrong("dim_divisor_cm3_per_kg", 0);
            }
            let alike = members.iter().position(|m| {
                let first = &services[m[0]];
                let same = surcharges[m[0]] == surcharges[index];
                same && Billing::new(first, Vec::new()).is_for(service)
            });
            let billing = alike.unwrap_or_else(|| {
                members.push(Vec::new());
                members.len() - 1
            });
            members[billing].push(index);
            self.billing_of
                .push(u16::try_from(billing).unwrap_or(u16::MAX));
        }
        for group in &members {
            let bounds = group
                .iter()
                .flat_map(|&s| steps[s].iter().map(|step| step.1));
            self.billings
                .push(Billing::new(&services[group[0]], bounds.collect()));
            if !network.surcharges.is_empty() {
                self.surcharges.push(surcharges[group[0]].clone());
            }
        }
        Ok(())
    }

    /// Whether any service has a minimum for a shipment.
    pub(super) fn has_minimum(&self) -> bool {
        self.minimum.iter().any(|&cents| cents > 0)
    }

    /// Whether any service has surcharges.
    pub(super) fn has_surcharges(&self) -> bool {
        !self.surcharges.is_empty()
    }

    /// The surcharges that a destination has to pay, by billing; nothing at all where there are
    /// none. `areas` are those that it lies in.
    pub(super) fn rules(&self, areas: &[&str]) -> Vec<Vec<Rule>> {
        let here = |area: &str| area.is_empty() || areas.contains(&area);
        let of_billing = |rows: &Vec<AreaRule>| {
            let rows = rows.iter().filter(|(area, _)| here(area));
            rows.map(|(_, rule)| *rule).collect()
        };
        let rules: Vec<Vec<Rule>> = self.surcharges.iter().map(of_billing).collect();
        if rules.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        rules
    }

    /// By row: the least by which a shipment to the zone costs more than its weight at a slope.
    pub(super) fn least(&self, slope: usize) -> &[i64] {
        &self.least[slope]
    }

    /// The least by which parcels of a billing cost more than [`least`](Self::least) of their row.
    pub(super) fn beyond(&self, slope: usize, billing: usize, parcels: Parcels) -> i64 {
        if parcels.full > 0 || parcels.bracket == EMPTY {
            return 0;
        }
        let of_billing = &self.beyond[slope][billing];
        let beyond = of_billing.get(usize::from(parcels.bracket));
        beyond.copied().unwrap_or(NEVER)
    }

    /// How many rows of prices there are: one for each service and zone.
    pub(super) fn rows(&self) -> usize {
        self.least[0].len()
    }

    /// The number of a service's zone among all rows.
    #[inline]
    pub(super) fn row(&self, service: usize, zone: u8) -> usize {
        self.zones[service] + usize::from(zone)
    }

    /// The zone of a service that a row is of.
    pub(super) fn zone_of(&self, service: usize, row: usize) -> u8 {
        u8::try_from(row - self.zones[service]).unwrap_or(u8::MAX)
    }

    /// The brackets that a zone has prices for: heaviest weight of each, and its price.
    pub(super) fn steps(&self, service: usize, zone: u8) -> impl Iterator<Item = (u64, i64)> {
        let billing = &self.billings[usize::from(self.billing_of[service])];
        let row = self.starts[service] + usize::from(zone) * billing.bounds.len();
        let prices = &self.prices[row..row + billing.bounds.len()];
        let bounds = billing.bounds.iter().map(|&b| b.min(billing.heaviest));
        let priced = bounds.zip(prices.iter().copied());
        priced.filter(|&(_, price)| price < NEVER)
    }

    /// The heaviest parcel and its price; `None` when the zone does not carry it.
    pub(super) fn full_parcel(&self, service: usize, zone: u8) -> Option<(u64, i64)> {
        let billing = &self.billings[usize::from(self.billing_of[service])];
        let row = self.starts[service] + usize::from(zone) * billing.bounds.len();
        let bracket = usize::from(billing.heaviest_bracket);
        let price = *billing
            .bounds
            .get(bracket)
            .map(|_| &self.prices[row + bracket])?;
        (price < NEVER).then_some((billing.heaviest, price))
    }

    /// Tariff prices of a shipment, at least the service's minimum.
    #[inline]
    pub(super) fn at_least(&self, service: usize, postage: i64) -> i64 {
        postage.max(self.minimum[service])
    }

    /// What the tariff says for these parcels; [`NEVER`] when the service does not carry them.
    pub(super) fn tariff(&self, service: usize, zone: u8, parcels: Parcels) -> i64 {
        if parcels.bracket >= EMPTY {
            return if parcels.bracket == EMPTY { 0 } else { NEVER };
        }
        let billing = &self.billings[usize::from(self.billing_of[service])];
        let row = self.starts[service] + usize::from(zone) * billing.bounds.len();
        let last = self.prices[row + usize::from(parcels.bracket)];
        if parcels.full == 0 || last >= NEVER {
            return last;
        }
        if billing.heaviest_bracket == BEYOND {
            return NEVER;
        }
        let one = self.prices[row + usize::from(billing.heaviest_bracket)];
        match one.checked_mul(i64::from(parcels.full)) {
            Some(all) if one < NEVER && all <= AMOUNT_MAX => all + last,
            _ => NEVER,
        }
    }
}

/// A price that may not be negative.
pub(super) fn price(field: &str, cents: Cents) -> Result<i64, Invalid> {
    if (0..=Cents::MAX.0).contains(&cents.0) {
        return Ok(cents.0);
    }
    Err(Invalid::new(field, cents, "0 to 1000000000000 cents"))
}
