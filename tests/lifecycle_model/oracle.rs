//! What should be true, the naive way: every unit is a thing of its own in one list, every
//! fulfilment order a few words in one map, and each rule is written out by hand.

use allot::lifecycle::{Change, ClaimMode, State, Tracking};
use std::collections::BTreeMap;

/// Where one unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Spot {
    Open,
    Short,
    Cancelled,
    Picked,
    Shipped,
    Delivered,
    Returned,
}

#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) sku: u32,
    pub(crate) part: u32,
    pub(crate) spot: Spot,
}

#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) state: State,
    pub(crate) release: u32,
    pub(crate) live: Option<Live>,
    pub(crate) held_from: Option<State>,
    /// Whether each is delivered, and whether its price is known.
    pub(crate) parcels: BTreeMap<Tracking, (bool, bool)>,
    pub(crate) parcels_complete: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) holder: String,
    pub(crate) mode: ClaimMode,
    pub(crate) lease_end: i64,
}

/// What a change should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Moved,
    Late,
    Refused,
}

use Expected::{Late, Moved, Refused};

#[derive(Debug, Clone, Default)]
pub(crate) struct Oracle {
    pub(crate) units: Vec<Unit>,
    pub(crate) parts: BTreeMap<u32, Part>,
    /// Units of (part, SKU) that another part took over.
    pub(crate) gone: BTreeMap<(u32, u32), u32>,
}

/// With a holder and still in the building.
pub(crate) fn in_hand(state: State) -> bool {
    use State::*;
    matches!(state, Sent | Acknowledged | ShortPicked | Picked | Packed)
}

impl Oracle {
    pub(crate) fn count(&self, part: u32, sku: u32, spots: &[Spot]) -> u32 {
        let of_part = self.units.iter().filter(|u| (u.part, u.sku) == (part, sku));
        u32::try_from(of_part.filter(|u| spots.contains(&u.spot)).count()).unwrap()
    }

    fn units_of(&mut self, part: u32) -> impl Iterator<Item = &mut Unit> {
        self.units.iter_mut().filter(move |u| u.part == part)
    }

    fn put(&mut self, part: u32, from: &[Spot], to: Spot) {
        for unit in self.units_of(part).filter(|u| from.contains(&u.spot)) {
            unit.spot = to;
        }
    }

    fn enter(&mut self, part: u32, state: State) -> Expected {
        self.parts.get_mut(&part).unwrap().state = state;
        Moved
    }

    /// What a change that is allowed to its sender should do, and doing it. `skus` are those of the
    /// lines.
    pub(crate) fn apply(&mut self, part: u32, change: &Change, skus: &[u32]) -> Expected {
        use State::*;
        let state = self.parts[&part].state;
        let gone = matches!(state, Rejected | Cancelled);
        let left = matches!(state, Shipped | Delivered | Returned);
        let here = in_hand(state);
        match change {
            Change::Route(_) if matches!(state, Backordered | Validated) => {
                self.enter(part, Routed)
            }
            Change::Route(_) if state == Routed => Late,
            Change::Backorder if matches!(state, Routed | Validated) => {
                self.enter(part, Backordered)
            }
            Change::Backorder if state == Backordered => Late,
            Change::Hold { .. } if matches!(state, Validated | Backordered | Routed) => {
                self.parts.get_mut(&part).unwrap().held_from = Some(state);
                self.enter(part, OnHold)
            }
            Change::Hold { .. } if state == OnHold => Late,
            Change::Resume if state == OnHold => {
                let back = self.parts.get_mut(&part).unwrap().held_from.take();
                self.enter(part, back.unwrap())
            }
            Change::TakeBack { .. } if matches!(state, Sent | Acknowledged) => {
                self.parts.get_mut(&part).unwrap().live = None;
                self.enter(part, Routed)
            }
            Change::Acknowledge if state == Sent => self.enter(part, Acknowledged),
            Change::Acknowledge if here || left || gone => Late,
            Change::Pick if matches!(state, Sent | Acknowledged | ShortPicked) => {
                self.put(part, &[Spot::Open], Spot::Picked);
                self.enter(part, Picked)
            }
            Change::Pick if here || left || gone => Late,
            Change::Pack if here && state != Packed => {
                self.put(part, &[Spot::Open], Spot::Picked);
                self.enter(part, Packed)
            }
            Change::Pack if here || left || gone => Late,
            Change::Short { lines } => {
                let (line, total) = lines[0];
                self.short(part, skus[usize::from(line)], total.0)
            }
            Change::Ship { parcels } if here || left => {
                let new = parcels.iter().map(|p| p.tracking.clone()).collect();
                self.ship(part, new)
            }
            Change::Deliver { parcel: None } if here || state == Shipped => {
                self.put(
                    part,
                    &[Spot::Open, Spot::Picked, Spot::Shipped],
                    Spot::Delivered,
                );
                let parcels = &mut self.parts.get_mut(&part).unwrap().parcels;
                parcels.values_mut().for_each(|parcel| parcel.0 = true);
                self.enter(part, Delivered)
            }
            Change::Deliver { parcel: None } if left => Late,
            Change::Deliver {
                parcel: Some(tracking),
            } if here || left => self.deliver_parcel(part, tracking.clone()),
            Change::Reject { .. } if here => {
                self.put(part, &[Spot::Open, Spot::Picked], Spot::Short);
                self.enter(part, Rejected)
            }
            Change::Reject { .. } if state == Rejected => Late,
            Change::Cancel { .. } if !left && !gone => {
                self.put(
                    part,
                    &[Spot::Open, Spot::Picked, Spot::Short],
                    Spot::Cancelled,
                );
                self.enter(part, Cancelled)
            }
            Change::Cancel { .. } if state == Cancelled => Late,
            _ => Refused,
        }
    }

    fn short(&mut self, part: u32, sku: u32, total: u32) -> Expected {
        use State::*;
        let state = self.parts[&part].state;
        let taken = self.gone.get(&(part, sku)).copied().unwrap_or(0);
        let known = self.count(part, sku, &[Spot::Short]) + taken;
        let more = total.saturating_sub(known);
        match state {
            Rejected | Cancelled => return Late,
            _ if total == 0 => return Refused,
            Delivered | Returned if more > 0 => return Refused,
            _ if !in_hand(state) && state != Shipped && more > 0 => return Refused,
            _ if more == 0 => return Late,
            _ => {}
        }
        let alive = [Spot::Open, Spot::Picked, Spot::Shipped];
        let all: u32 = (0..8).map(|sku| self.count(part, sku, &alive)).sum();
        if more > self.count(part, sku, &alive) || (state == Shipped && more == all) {
            return Refused;
        }
        for spot in alive {
            let missing = total.saturating_sub(self.count(part, sku, &[Spot::Short]) + taken);
            let units = self
                .units_of(part)
                .filter(|u| u.sku == sku && u.spot == spot);
            units
                .take(missing as usize)
                .for_each(|u| u.spot = Spot::Short);
        }
        match state {
            _ if more == all => self.enter(part, Rejected),
            Sent | Acknowledged => self.enter(part, ShortPicked),
            _ => Moved,
        }
    }

    fn ship(&mut self, part: u32, told: Vec<Tracking>) -> Expected {
        let state = self.parts[&part].state;
        let delivered = matches!(state, State::Delivered | State::Returned);
        let known = self.parts.get_mut(&part).unwrap();
        let mut news = !known.parcels_complete;
        for tracking in told {
            let parcel = known.parcels.entry(tracking).or_insert((delivered, false));
            news |= !parcel.1;
            parcel.1 = true;
        }
        known.parcels_complete = true;
        if delivered {
            return Late;
        }
        self.put(part, &[Spot::Open, Spot::Picked], Spot::Shipped);
        self.enter(part, State::Shipped);
        match self.deliver_if_all(part) || news || state != State::Shipped {
            true => Moved,
            false => Late,
        }
    }

    fn deliver_parcel(&mut self, part: u32, tracking: Tracking) -> Expected {
        let state = self.parts[&part].state;
        let known = self.parts.get_mut(&part).unwrap();
        if matches!(state, State::Delivered | State::Returned) {
            return Late;
        }
        let parcel = known.parcels.entry(tracking).or_insert((false, false));
        if std::mem::replace(&mut parcel.0, true) {
            return Late;
        }
        self.put(part, &[Spot::Open, Spot::Picked], Spot::Shipped);
        self.enter(part, State::Shipped);
        self.deliver_if_all(part);
        Moved
    }

    fn deliver_if_all(&mut self, part: u32) -> bool {
        let known = &self.parts[&part];
        let some = known.parcels_complete && !known.parcels.is_empty();
        let all = some && known.parcels.values().all(|parcel| parcel.0);
        if all {
            self.put(part, &[Spot::Shipped], Spot::Delivered);
            self.enter(part, State::Delivered);
        }
        all
    }

    /// Units of a part that come back.
    pub(crate) fn come_back(&mut self, part: u32, sku: u32, qty: u32) {
        let out = |u: &&mut Unit| u.sku == sku && u.spot == Spot::Delivered;
        let back = self.units_of(part).filter(out).take(qty as usize);
        back.for_each(|u| u.spot = Spot::Returned);
        let all = self
            .units_of(part)
            .all(|u| u.spot < Spot::Shipped || u.spot == Spot::Returned);
        if all && self.parts[&part].state == State::Delivered {
            self.enter(part, State::Returned);
        }
    }
}
