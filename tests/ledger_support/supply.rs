//! Supply on its way, on both sides.

use super::command::{Coming, LOCATIONS, SKUS};
use super::oracle::{SupplyRow, units};
use super::world::World;
use allot::ledger::{StockError, Supply, SupplyError, SupplyState};
use allot::model::{IncomingFact, IncomingKind, LocationId, SkuId};

impl World {
    fn announcement(&self, coming: &Coming, kind: IncomingKind) -> IncomingFact {
        let reused = self
            .oracle
            .supplies
            .get(coming.id)
            .filter(|_| coming.id < 2);
        let next = || format!("in/{}", self.oracle.supplies.len()).into();
        let from = LocationId(LOCATIONS[coming.from]);
        IncomingFact {
            id: reused.map_or_else(next, |s| s.first.id.clone()),
            kind,
            sku: SkuId(SKUS[coming.sku]),
            from: (kind == IncomingKind::Transfer).then_some(from),
            to: LocationId(LOCATIONS[coming.to]),
            qty: units(i64::from(coming.qty)),
            arrives_at: self.tick(coming.arrives),
        }
    }

    fn known(&self, id: &str) -> Option<usize> {
        self.oracle.supplies.iter().position(|s| &*s.first.id == id)
    }

    /// What an announcement under a known id must be answered.
    fn repeated(&self, announced: &IncomingFact) -> Option<Result<(), SupplyError>> {
        let row = &self.oracle.supplies[self.known(&announced.id)?];
        let differs = || SupplyError::Differs(Box::new(supply_of(row)));
        Some(if row.first == *announced {
            Ok(())
        } else {
            Err(differs())
        })
    }

    fn announce(&mut self, announced: &IncomingFact) {
        self.oracle.supplies.push(SupplyRow {
            first: announced.clone(),
            arrives_at: announced.arrives_at,
            left: i64::from(announced.qty.0),
            state: SupplyState::Open,
        });
    }

    pub(super) fn expect(&mut self, coming: &Coming, purchase: bool) {
        let kind = if purchase {
            IncomingKind::Purchase
        } else {
            IncomingKind::Transfer
        };
        let announced = self.announcement(coming, kind);
        self.expect_fact(&announced);
    }

    fn expect_fact(&mut self, announced: &IncomingFact) {
        let told = self.ledger.expect_supply(announced, self.told, &self.log);
        match self.repeated(announced) {
            Some(expected) => {
                assert_eq!(told, expected.map(|()| false));
                self.note("supply: known already");
            }
            None => {
                assert_eq!(told, Ok(true));
                self.announce(announced);
                self.note("supply: expected");
            }
        }
    }

    pub(super) fn dispatch(&mut self, coming: &Coming, force: bool) {
        let announced = self.announcement(coming, IncomingKind::Transfer);
        self.dispatch_fact(&announced, force);
    }

    fn dispatch_fact(&mut self, announced: &IncomingFact, force: bool) {
        let told = self.ledger.dispatch(announced, force, self.told, &self.log);
        let Some(from) = announced.from.filter(|&from| from != announced.to) else {
            assert_eq!(told, Err(SupplyError::SameLocation));
            return self.note("dispatch: same location");
        };
        if let Some(expected) = self.repeated(announced) {
            assert_eq!(told, expected.map(|()| Vec::new()));
            return self.note("supply: known already");
        }
        let spot = (announced.sku, from);
        let asked = i64::from(announced.qty.0);
        // Neither held, nor kept back, nor needed for a promise now or later.
        let there = self.oracle.on_hand(spot);
        let loose = there - self.oracle.held(spot) - self.oracle.safety(spot);
        let free = loose.min(self.oracle.raw_atp(spot, self.oracle.now)).max(0);
        let may_leave = if force { there } else { free };
        if asked > may_leave {
            let (asked, free) = (announced.qty, units(may_leave));
            assert_eq!(told, Err(SupplyError::NotFree { asked, free }));
            return self.note("dispatch: not free");
        }
        let moved = self.moved(spot, there - asked, self.oracle.now);
        moved.expect("no more leaves than is there");
        self.announce(announced);
        self.agree_on_broken(&told.expect("there is enough"), spot);
        self.note(if force {
            "dispatch: forced"
        } else {
            "dispatch: done"
        });
    }

    pub(super) fn supply_again(&mut self, id: usize) {
        let Some(at) = id.checked_rem(self.oracle.supplies.len()) else {
            return;
        };
        let announced = self.oracle.supplies[at].first.clone();
        match announced.from {
            Some(from) if from != announced.to => self.dispatch_fact(&announced, false),
            _ => self.expect_fact(&announced),
        }
    }

    /// Which supply a report is about: its id and kind, and where the oracle keeps it if it may
    /// be reported on.
    fn addressed(
        &self,
        id: usize,
        mistaken: bool,
    ) -> (Box<str>, IncomingKind, Result<usize, SupplyError>) {
        let Some(at) = id
            .checked_rem(self.oracle.supplies.len())
            .filter(|_| id < 23)
        else {
            return (
                "in/none".into(),
                IncomingKind::Purchase,
                Err(SupplyError::Unknown),
            );
        };
        let row = &self.oracle.supplies[at];
        let kind = match (row.first.kind, mistaken) {
            (kind, false) => kind,
            (IncomingKind::Transfer, true) => IncomingKind::Purchase,
            (IncomingKind::Purchase, true) => IncomingKind::Transfer,
        };
        let open = match (mistaken, row.state) {
            (true, _) => Err(SupplyError::Unknown),
            (false, SupplyState::Open) => Ok(at),
            (false, over) => Err(SupplyError::Closed(over)),
        };
        (row.first.id.clone(), kind, open)
    }

    pub(super) fn receive(&mut self, id: usize, qty: u32, close: bool, mistaken: bool) {
        let (id, kind, open) = self.addressed(id, mistaken);
        let told = self.ledger.receive(
            &id,
            kind,
            units(i64::from(qty)),
            close,
            self.told,
            &self.log,
        );
        let at = match open {
            Ok(at) => at,
            Err(error) => {
                assert_eq!(told, Err(error));
                return self.note("supply: no report taken");
            }
        };
        let spot = self.oracle.supplies[at].spot();
        let after = self.oracle.on_hand(spot) + i64::from(qty);
        let (before, after) = self.moved(spot, after, self.oracle.now).expect("it grows");
        let row = &mut self.oracle.supplies[at];
        row.left = (row.left - i64::from(qty)).max(0);
        let mut lost = 0;
        if close || row.left == 0 {
            row.state = SupplyState::Received;
            lost = std::mem::take(&mut row.left);
        }
        let (moved, written_off) = told.expect("it is open");
        assert_eq!((moved.before, moved.after), (units(before), units(after)));
        assert_eq!(written_off, units(lost));
        self.agree_on_broken(&moved.broken, spot);
        self.note(if lost > 0 {
            "receive: short"
        } else {
            "receive: done"
        });
    }

    pub(super) fn delay(&mut self, id: usize, arrives: i64, mistaken: bool) {
        let (id, kind, open) = self.addressed(id, mistaken);
        let arrives_at = self.tick(arrives);
        let told = self
            .ledger
            .delay(&id, kind, arrives_at, self.told, &self.log);
        match open {
            Ok(at) => {
                self.oracle.supplies[at].arrives_at = arrives_at;
                let spot = self.oracle.supplies[at].spot();
                self.agree_on_broken(&told.expect("it is open"), spot);
                self.note("delay: done");
            }
            Err(error) => {
                assert_eq!(told, Err(error));
                self.note("supply: no report taken");
            }
        }
    }

    pub(super) fn cancel(&mut self, id: usize, give_back: bool, mistaken: bool) {
        let (id, kind, open) = self.addressed(id, mistaken);
        let told = self
            .ledger
            .cancel_supply(&id, kind, give_back, self.told, &self.log);
        let at = match open {
            Ok(at) => at,
            Err(SupplyError::Closed(over)) => {
                let row = self.oracle.supplies.iter().find(|s| s.first.id == id);
                let from = row.and_then(|s| s.first.from);
                let again = match give_back && from.is_some() {
                    true => SupplyState::Returned,
                    false => SupplyState::Cancelled,
                };
                if over == again {
                    assert_eq!(told, Ok(Vec::new()));
                    return self.note("cancel: again");
                }
                assert_eq!(told, Err(SupplyError::Closed(over)));
                return self.note("cancel: over already");
            }
            Err(error) => {
                assert_eq!(told, Err(error));
                return self.note("supply: no report taken");
            }
        };
        let row = &mut self.oracle.supplies[at];
        let left = std::mem::take(&mut row.left);
        let (spot, from) = (row.spot(), row.first.from.filter(|_| give_back));
        row.state = match from {
            Some(_) => SupplyState::Returned,
            None => SupplyState::Cancelled,
        };
        if let Some(from) = from {
            let origin = (spot.0, from);
            let after = self.oracle.on_hand(origin) + left;
            let moved: Result<_, StockError> = self.moved(origin, after, self.oracle.now);
            moved.expect("it grows");
        }
        self.agree_on_broken(&told.expect("it is open"), spot);
        self.note(if from.is_some() {
            "cancel: given back"
        } else {
            "cancel: lost"
        });
    }
}

/// Supply as the ledger shows it.
pub(super) fn supply_of(row: &SupplyRow) -> Supply {
    Supply {
        announced: IncomingFact {
            arrives_at: row.arrives_at,
            ..row.first.clone()
        },
        first_expected: row.first.arrives_at,
        left: units(row.left),
        state: row.state,
    }
}
