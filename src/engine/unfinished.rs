//! What a stop in the middle of a step has left undone.
//!
//! A step that breaks a promise, or frees units, is one fact; what follows from it for others are facts of
//! their own, made before the command is answered. A process that dies between them comes back with the
//! first alone. Nothing of that is lost or promised twice, but nobody would look at it again: so whoever
//! opens an engine has this done once, before the first command.

use super::Engine;
use crate::ledger::Broken;
use crate::lifecycle::{Subject, Topic};
use crate::model::{Cause, EpochMillis, OwnerFact};

impl Engine {
    /// Finishes what a stop in the middle of a step has left undone: promises that supply does not cover
    /// are told and moved, units that a location refused get another place, and what can be promised goes
    /// to who waits for it, and to what the network's rules try again then. It looks at every position and every order.
    pub fn finish_steps(&self, now: EpochMillis) {
        let broken = self.ledger.broken(now);
        let untold: Vec<Broken> = broken.iter().filter(|b| !self.told(b)).cloned().collect();
        self.at_risk(&self.gate.enter(), now, Cause::StockCut, &untold);
        self.rescue(&broken, now);
        self.orders.change_each(|record| {
            // Orders that are as planned keep no part: nobody has refused any.
            if !record.parts.is_empty() {
                self.place_refused(record, now);
            }
        });
        self.allocate_waiting(now);
        // What is left is for the network's rules.
        let waited_for = self.desk.now().waited_for();
        self.allocate_all(waited_for, now);
    }

    /// Whether somebody was told that a promise does not hold, or need not be.
    fn told(&self, broken: &Broken) -> bool {
        let OwnerFact::Order(key) = &broken.owner.id else {
            return true;
        };
        let about = |cause| Subject {
            topic: Topic::order(key),
            cause,
        };
        // What ended by itself is no promise any more: it is at risk anew. What somebody has decided stays.
        let all = self.desk.now();
        let knows = |cause| {
            let ended = all.ended(&about(cause)).and_then(|e| e.resolved.as_ref());
            all.about(&about(cause)).is_some() || ended.is_some_and(|end| end.by.is_some())
        };
        knows(Cause::StockCut) || knows(Cause::SupplySlipped)
    }
}
