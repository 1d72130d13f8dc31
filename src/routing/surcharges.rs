//! Surcharges: what carriers charge on top of the tariff for a parcel's size, weight and area.

use super::cargo::Load;
use super::tariff::{AMOUNT_MAX, price};
use crate::model::{Invalid, Network, Surcharge};

/// A rule and the area that it is for; empty for everywhere.
pub(super) type AreaRule = (Box<str>, Rule);

/// Parcels as far as surcharges ask: some of the heaviest weight, and a last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    longest_mm: u32,
    /// Of each.
    cm3: u64,
    full: u64,
    heaviest: u64,
    last: u64,
}

impl Measured {
    /// A load of billable `weight` in `full` parcels of the `heaviest` weight and a last one.
    pub(super) fn of(load: Load, full: u32, weight: u64, heaviest: u64) -> Self {
        let full = u64::from(full);
        Self {
            longest_mm: load.longest_mm,
            cm3: load.mm3.div_ceil(1_000).div_ceil(full + 1),
            full,
            heaviest,
            last: weight.saturating_sub(full * heaviest),
        }
    }
}

/// What parcels pay by some rules; `None` when that is beyond counting.
pub(super) fn extra(rules: &[Rule], parcels: &Measured) -> Option<i64> {
    let Measured {
        longest_mm, cm3, ..
    } = *parcels;
    let mut extra = 0i64;
    for rule in rules {
        let pays = |weight| u64::from(rule.applies(longest_mm, cm3, weight));
        let count = parcels.full * pays(parcels.heaviest) + pays(parcels.last);
        let cents = rule.cents.checked_mul(i64::try_from(count).ok()?)?;
        extra = extra.checked_add(cents)?;
    }
    (extra <= AMOUNT_MAX).then_some(extra)
}

/// A surcharge that some destination has to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    length_mm: Option<u32>,
    cm3: Option<u32>,
    grams: Option<u64>,
    cents: i64,
}

impl Rule {
    fn of(row: &Surcharge) -> Self {
        Self {
            length_mm: row.over_length_mm,
            cm3: row.over_cm3,
            grams: row.over.map(|g| g.0),
            cents: row.cents.0,
        }
    }

    /// Whether a parcel pays it.
    fn applies(&self, longest_mm: u32, cm3: u64, weight: u64) -> bool {
        self.length_mm.is_none_or(|over| longest_mm > over)
            && self.cm3.is_none_or(|over| cm3 > u64::from(over))
            && self.grams.is_none_or(|over| weight > over)
    }

    /// The weight above which a parcel pays it, if it asks for a weight.
    pub(super) fn over_grams(&self) -> Option<u64> {
        self.grams
    }

    /// The longest side above which a parcel pays it, if it asks for one.
    pub(super) fn over_length(&self) -> Option<u32> {
        self.length_mm
    }

    /// The volume above which a parcel pays it, if it asks for one.
    pub(super) fn over_cm3(&self) -> Option<u32> {
        self.cm3
    }

    /// Whether it asks for a size.
    pub(super) fn measures(&self) -> bool {
        self.length_mm.is_some() || self.cm3.is_some()
    }

    /// What every parcel pays by it.
    pub(super) fn flat(&self) -> i64 {
        let any = self.length_mm.is_none() && self.cm3.is_none() && self.grams.is_none();
        if any { self.cents } else { 0 }
    }
}

/// The surcharges of every service with their areas, in one order for those that have the same.
pub(super) fn by_service(network: &Network) -> Result<Vec<Vec<AreaRule>>, Invalid> {
    let mut rules: Vec<Vec<AreaRule>> = vec![Vec::new(); network.services.len()];
    for (row, surcharge) in network.surcharges.iter().enumerate() {
        price(&format!("surcharges[{row}].cents"), surcharge.cents)?;
        let service = surcharge.service;
        let Some(of_service) = rules.get_mut(service.index()) else {
            let field = format!("surcharges[{row}].service");
            return Err(Invalid::new(field, service.0, "a service of the network"));
        };
        of_service.push((surcharge.area.clone(), Rule::of(surcharge)));
    }
    for of_service in &mut rules {
        of_service.sort_by(|a, b| {
            let key = |one: &AreaRule| (one.1.length_mm, one.1.cm3, one.1.grams, one.1.cents);
            (&a.0, key(a)).cmp(&(&b.0, key(b)))
        });
    }
    Ok(rules)
}
