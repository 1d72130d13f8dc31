//! What is handed over on the days of locations that are limited.

use super::days::{DayRoom, day_at};
use super::problem::{OpenOrder, Problem, units};
use crate::model::{EpochMillis, LocationId, Plan, ShipmentLine};

/// By day of the problem: shipments and units.
pub(super) struct Days<'p> {
    rooms: &'p [DayRoom],
    used: Vec<(i64, i64)>,
}

impl<'p> Days<'p> {
    /// Nothing is handed over yet.
    pub(super) fn new(problem: &'p Problem) -> Self {
        Self {
            rooms: &problem.days,
            used: vec![(0, 0); problem.days.len()],
        }
    }

    /// Counts a plan so many times; `today` says that it is what the order has.
    pub(super) fn change(&mut self, order: &OpenOrder, plan: &Plan, today: bool, times: i64) {
        if self.rooms.is_empty() {
            return;
        }
        if today {
            for kept in &order.today.shipments {
                self.add((kept.location, kept.ship_at), &kept.lines, times);
            }
        } else {
            for shipment in &plan.shipments {
                self.add(
                    (shipment.location, shipment.ship_at),
                    &shipment.lines,
                    times,
                );
            }
        }
    }

    /// Whether there is room for a plan.
    pub(super) fn fits(&mut self, plan: &Plan) -> bool {
        if self.rooms.is_empty() {
            return true;
        }
        let mut fits = true;
        for shipment in &plan.shipments {
            let at = self.add((shipment.location, shipment.ship_at), &shipment.lines, 1);
            fits &= at.is_none_or(|at| self.is_within(at));
        }
        for shipment in &plan.shipments {
            self.add((shipment.location, shipment.ship_at), &shipment.lines, -1);
        }
        fits
    }

    fn add(
        &mut self,
        (location, ship_at): (LocationId, EpochMillis),
        lines: &[ShipmentLine],
        times: i64,
    ) -> Option<usize> {
        let at = day_at(self.rooms, location, ship_at)?;
        let all: i64 = lines.iter().map(|l| units(l.qty)).sum();
        self.used[at].0 += times;
        self.used[at].1 += all * times;
        Some(at)
    }

    fn is_within(&self, at: usize) -> bool {
        let (room, used) = (&self.rooms[at], self.used[at]);
        let within = |used: i64, most: Option<u32>| most.is_none_or(|most| used <= i64::from(most));
        within(used.0, room.shipments) && within(used.1, room.units)
    }
}
