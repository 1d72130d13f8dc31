//! Which orders are looked at, and by which rules they change.

use super::problem::Strategy;
use crate::engine::Unreleased;
use crate::model::Policy;
use std::collections::BTreeMap;

/// Which orders. Whoever is left out keeps what he has, and its stock is not shared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of these channels; empty is any.
    pub channels: Vec<Box<str>>,
    /// With a line of one of these items; empty is any.
    pub skus: Vec<Box<str>>,
    /// With a shipment from one of these locations, or waiting; empty is any.
    pub locations: Vec<Box<str>>,
    /// In which state.
    pub state: OpenState,
    /// Placed so long ago or longer.
    pub age_hours: u32,
}

/// States that open orders are in before anybody has a part of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenState {
    /// Any.
    #[default]
    Any,
    /// Something of it waits for supply.
    Waiting,
    /// Nothing of it waits.
    Planned,
    /// Its last delivery is after its promise date.
    Late,
}

impl OpenState {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("any", Self::Any),
        ("waiting", Self::Waiting),
        ("planned", Self::Planned),
        ("late", Self::Late),
    ];

    /// The state of a name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        let found = all.find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, state)| *state)
    }

    pub(super) fn has(self, one: &Unreleased) -> bool {
        let by = one.order.deliver_by;
        match self {
            Self::Any => true,
            Self::Waiting => !one.short.is_empty(),
            Self::Planned => one.short.is_empty(),
            Self::Late => one.promised.zip(by).is_some_and(|(on, by)| on > by),
        }
    }
}

/// Weights of the objective in percent of what each order's policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// For every shipment after the first.
    pub split: u32,
    /// For every day after the promise date.
    pub late: u32,
    /// For every day until delivery.
    pub speed: u32,
    /// For every unit that waits.
    pub short: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            split: 100,
            late: 100,
            speed: 100,
            short: 100,
        }
    }
}

impl Weights {
    /// Most percent of a weight.
    pub const MOST: u32 = 100_000;

    /// Sets a weight by its name; tells whether there is one of this name.
    pub fn set(&mut self, name: &str, percent: u32) -> bool {
        let weight = match name.to_ascii_lowercase().as_str() {
            "split" => &mut self.split,
            "late" => &mut self.late,
            "speed" => &mut self.speed,
            "short" => &mut self.short,
            _ => return false,
        };
        *weight = percent.min(Self::MOST);
        true
    }

    pub(super) fn apply(&self, policy: &mut Policy) {
        for (cents, percent) in [
            (&mut policy.split_penalty, self.split),
            (&mut policy.late_per_day, self.late),
            (&mut policy.speed_value_per_day, self.speed),
            (&mut policy.short_per_unit, self.short),
        ] {
            cents.0 = cents.0.saturating_mul(i64::from(percent)) / 100;
        }
    }
}

/// By which rules orders change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// For all that nothing else is said of.
    pub strategy: Strategy,
    /// By channel.
    pub by_channel: BTreeMap<Box<str>, Strategy>,
    /// What is handed over sooner than this is not changed any more.
    pub frozen_hours: u32,
    /// Cents for every order whose plan changes.
    pub change_cents: i64,
    /// What lateness, waiting and being short cost more for every day since the order was placed, in
    /// percent.
    pub age_percent_per_day: u32,
    /// Weights of the objective.
    pub weights: Weights,
}
