//! Complete plans: which two are kept, and how they become plans that name services and dates.

use super::super::candidates::Set;
use super::super::large;
use super::super::partition::Found;
use super::super::price::{finish, shipment};
use super::super::request::{Job, SETS_DEMANDS_MAX};
use super::{Piece, Search, Units};
use crate::model::{LocationId, Plan, Qty, Shipment, ShipmentLine, ShortLine};

/// A complete plan.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) cents: i64,
    pub(super) pieces: Vec<Piece>,
    /// The shipments of whole demands only, and which whole demands are short.
    pub(super) tail: Option<Found>,
    pub(super) short: Units,
    pub(super) shape: Shape,
}

/// What tells two plans apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// (location, hand-over, demands), ascending.
    pub(super) shipments: Vec<(u16, i64, Set)>,
    pub(super) short: Set,
}

impl Draft {
    /// The order of plans: total, number of shipments, ascending list of places.
    fn rank(&self) -> (i64, usize, Vec<(u16, i64)>) {
        let shipments = &self.shape.shipments;
        let places = shipments.iter().map(|s| (s.0, s.1)).collect();
        (self.cents, shipments.len(), places)
    }
}

impl Search<'_> {
    /// The plan in the making is complete with `tail`.
    pub(super) fn complete(&mut self, cents: i64, tail: Option<Found>) {
        let waits = |piece| self.waits(piece, tail.as_ref());
        if cents > self.ceiling || (0..self.pieces.len()).any(waits) {
            return;
        }
        if let Some(tail) = tail
            && self.crowds(&tail, &[])
        {
            self.crowded = true;
            return;
        }
        let mut short = self.short;
        for (i, demand) in self.job.request.demands.iter().enumerate() {
            if tail.is_some_and(|t| t.short >> i & 1 == 1) {
                short[i] = demand.qty.0;
            }
        }
        let shape = self.shape(tail.as_ref(), &short);
        self.offer(Draft {
            cents,
            pieces: self.pieces.clone(),
            tail,
            short,
            shape,
        });
    }

    /// Whether the shipments of whole demands have no room on their days beside the others, of which
    /// some are moved: a piece in the place of another.
    fn crowds(&self, tail: &Found, moved: &[(Piece, Option<usize>)]) -> bool {
        if !self.candidates.any_tight() {
            return false;
        }
        let blocks = &tail.blocks[..usize::from(tail.shipments)];
        blocks.iter().any(|&(_, number)| {
            let slot = &self.candidates.slots[number as usize];
            let room = self.candidates.room(slot);
            let (mut shipments, mut units) = (0u64, 0u64);
            for &(set, _) in blocks.iter().filter(|b| b.1 == number) {
                let demands = self.job.request.demands.iter().enumerate();
                let within = demands.filter(|&(i, _)| set >> i & 1 == 1);
                shipments += 1;
                units += within.map(|(_, d)| u64::from(d.qty.0)).sum::<u64>();
            }
            let leaves = self.departures.get(slot.departure).ship_at;
            let gone = |at: usize| moved.iter().any(|m| m.1 == Some(at));
            let kept = self.pieces.iter().enumerate().filter(|p| !gone(p.0));
            for piece in kept.map(|p| p.1).chain(moved.iter().map(|m| &m.0)) {
                let entry = self.entries.get(piece.entry);
                if (entry.location, entry.ship_at) == (slot.location, leaves) {
                    shipments += 1;
                    units += piece.units.iter().map(|&n| u64::from(n)).sum::<u64>();
                }
            }
            shipments > u64::from(room.shipments) || units > u64::from(room.units)
        })
    }

    /// A plan that divides nothing: known before the search.
    pub(super) fn offer_undivided(&mut self, found: Found) {
        let mut short = [0; SETS_DEMANDS_MAX];
        for (i, demand) in self.job.request.demands.iter().enumerate() {
            if found.short >> i & 1 == 1 {
                short[i] = demand.qty.0;
            }
        }
        let shape = self.shape(Some(&found), &short);
        self.offer(Draft {
            cents: found.cents,
            pieces: Vec::new(),
            tail: Some(found),
            short,
            shape,
        });
    }

    /// The plan of the search for large orders: seldom far from the best, and soon found.
    pub(super) fn offer_large(&mut self) {
        let job = Job {
            draft: true,
            ..*self.job
        };
        // What it looks at is not what this search has looked at.
        let mut departures = self.departures.clone();
        let (solved, _) = large::solve(&job, &mut departures);
        for plan in solved.plans.into_iter().flatten() {
            let pieces = plan.shipments.iter().map(|s| self.piece_of(s));
            if let Some(pieces) = pieces.collect()
                && !plan.shipments.is_empty()
            {
                self.offer_pieces(pieces, plan.objective.total().0);
            }
        }
    }

    /// A shipment of a plan, where its hand-over is one that is looked at.
    fn piece_of(&self, shipment: &Shipment) -> Option<Piece> {
        let leaves = |&number: &u32| {
            let entry = self.entries.get(number);
            (LocationId(entry.location), entry.ship_at) == (shipment.location, shipment.ship_at)
        };
        let mut units = Units::default();
        for line in &shipment.lines {
            units[usize::from(line.demand)] = line.qty.0;
        }
        let entry = self.entries.numbers().find(leaves)?;
        Some(Piece { entry, units })
    }

    /// Whether a shipment would also be possible from an earlier hand-over of its location.
    fn waits(&self, piece: usize, tail: Option<&Found>) -> bool {
        let Piece { entry, units } = self.pieces[piece];
        let others = |at: usize| at != piece;
        (self.entries.get(entry).first..entry).any(|earlier| {
            let moved = Piece {
                entry: earlier,
                units,
            };
            self.has_room(&moved, others)
                && !tail.is_some_and(|t| self.crowds(t, &[(moved, Some(piece))]))
                && (0..self.job.request.demands.len())
                    .all(|i| units[i] == 0 || units[i] <= self.room(earlier, i, others))
        })
    }

    fn shape(&self, tail: Option<&Found>, short: &Units) -> Shape {
        let mut shipments: Vec<(u16, i64, Set)> = Vec::new();
        for piece in &self.pieces {
            let entry = self.entries.get(piece.entry);
            let set = set_of(&piece.units);
            shipments.push((entry.location, entry.ship_at.0, set));
        }
        if let Some(tail) = tail {
            for &(set, slot) in &tail.blocks[..usize::from(tail.shipments)] {
                let slot = &self.candidates.slots[slot as usize];
                let leaves = self.departures.get(slot.departure).ship_at;
                shipments.push((slot.location, leaves.0, set));
            }
        }
        shipments.sort_unstable();
        let short = set_of(short);
        Shape { shipments, short }
    }

    /// Keeps a plan if it is one of the best two that differ.
    pub(super) fn offer(&mut self, new: Draft) {
        if let Some(same) = self.best.iter().position(|b| b.shape == new.shape) {
            if new.cents < self.best[same].cents {
                self.best[same] = new;
            }
        } else {
            self.best.push(new);
        }
        self.best.sort_by_cached_key(Draft::rank);
        self.best.truncate(2);
        if let Some(second) = self.best.get(1) {
            self.ceiling = second.cents;
        }
    }

    /// A kept plan with everything a customer and a warehouse need.
    pub(super) fn plan_of(&self, draft: &Draft) -> Plan {
        let demands = self.job.request.demands;
        let number = |i: usize| u16::try_from(i).unwrap_or(u16::MAX);
        let mut plan = Plan::default();
        let mut add = |location: u16, ready, lines: Vec<ShipmentLine>| {
            let priced = shipment(self.job, usize::from(location), ready, lines);
            plan.shipments
                .push(priced.expect("the search found a service for it"));
        };
        for piece in &draft.pieces {
            let entry = self.entries.get(piece.entry);
            let units = piece.units.iter().enumerate().filter(|(_, u)| **u > 0);
            let lines = units.map(|(i, &units)| ShipmentLine {
                demand: number(i),
                qty: Qty(units),
            });
            add(entry.location, entry.ready, lines.collect());
        }
        let blocks = draft
            .tail
            .iter()
            .flat_map(|t| &t.blocks[..usize::from(t.shipments)]);
        for &(set, slot) in blocks {
            let slot = &self.candidates.slots[slot as usize];
            let within = (0..demands.len()).filter(|&i| set >> i & 1 == 1);
            let lines = within.map(|i| ShipmentLine {
                demand: number(i),
                qty: demands[i].qty,
            });
            let ready = self.departures.get(slot.departure).ready;
            add(slot.location, ready, lines.collect());
        }
        let short = draft.short.iter().enumerate().filter(|(_, u)| **u > 0);
        let short = short.map(|(i, &units)| ShortLine {
            demand: number(i),
            qty: Qty(units),
        });
        finish(self.job, &mut plan, short.collect()).expect("the request's amounts were checked");
        debug_assert_eq!(plan.objective.total().0, draft.cents, "search and price");
        plan
    }
}

fn set_of(units: &Units) -> Set {
    let some = units.iter().enumerate().filter(|(_, u)| **u > 0);
    some.fold(0, |set, (i, _)| set | 1 << i)
}
