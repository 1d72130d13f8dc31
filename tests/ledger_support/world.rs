//! A ledger and the oracle side by side: every command goes to both and the replies must agree.

use super::command::{At, LOCATIONS, Op, SKUS, Step, Story, TICK_MS};
use super::facts::{Auditor, Recorder};
use super::oracle::{HoldRow, Move, Oracle, Spot};
use allot::ledger::{Broken, Ledger, Reservation};
use allot::model::{
    EpochMillis, HoldReason, LocationId, OwnerFact, PromiseRules, Qty, SkuId, StockRow,
};
use std::collections::BTreeMap;

const START: EpochMillis = EpochMillis(1_700_000_000_000);

/// A reservation as its owner keeps it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) number: usize,
    pub(crate) reservation: Reservation,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) oracle: Oracle,
    pub(crate) log: Recorder,
    pub(crate) auditor: Auditor,
    pub(crate) kept: Vec<Kept>,
    /// Reservations so far: the number of the next one.
    pub(crate) numbers: usize,
    /// The clock on the wall. A command may come from one that lags behind.
    pub(crate) wall: EpochMillis,
    /// What the present command's sender believes the time to be.
    pub(crate) told: EpochMillis,
    /// How often each outcome was seen.
    pub(crate) seen: BTreeMap<&'static str, u64>,
}

impl World {
    pub(crate) fn new(story: &Story) -> Self {
        let of_sku = story.of_sku.iter();
        let of_place = story.of_place.iter();
        let rules = PromiseRules {
            default: story.default,
            buffer_hours: story.buffer_hours,
            skus: of_sku.map(|&(s, rule)| (SkuId(SKUS[s]), rule)).collect(),
            locations: of_place
                .map(|&(p, rule)| (LocationId(LOCATIONS[p]), rule))
                .collect(),
        };
        let mut world = Self {
            ledger: Ledger::new(rules.clone()),
            oracle: Oracle::new(rules, LOCATIONS.map(LocationId).to_vec(), START),
            log: Recorder::default(),
            auditor: Auditor::default(),
            kept: Vec::new(),
            numbers: 0,
            wall: START,
            told: START,
            seen: BTreeMap::new(),
        };
        world.open(story);
        world
    }

    fn open(&mut self, story: &Story) {
        let row = |&(at, on_hand, safety, held): &(At, u32, u32, u32)| StockRow {
            sku: SkuId(SKUS[at.sku]),
            location: LocationId(LOCATIONS[at.place]),
            on_hand: Qty(on_hand),
            safety_stock: Qty(safety),
            held: Some((Qty(held.min(on_hand)), HoldReason::Damaged)),
        };
        let rows: Vec<StockRow> = story.opening.iter().map(row).collect();
        self.ledger.open(&rows, START, &self.log);
        for (index, row) in rows.iter().enumerate() {
            let spot = (row.sku, row.location);
            if rows[index + 1..]
                .iter()
                .any(|r| (r.sku, r.location) == spot)
            {
                self.note("opening row named again later");
                continue;
            }
            let units = i64::from(row.on_hand.0);
            self.oracle.moves.push(Move {
                spot,
                units,
                reported: None,
            });
            self.oracle
                .safety
                .push((spot, i64::from(row.safety_stock.0)));
            let (held, reason) = row.held.expect("every row has one");
            if held.0 > 0 {
                let units = i64::from(held.0);
                let id = format!("opening/{}", index + 1);
                self.oracle.holds.push(HoldRow {
                    id,
                    spot,
                    placed: units,
                    left: units,
                    reason,
                });
            }
        }
    }

    /// Compares both sides before the first command.
    pub(crate) fn check_opening(&mut self) {
        for fact in self.log.drain() {
            self.auditor.apply(fact);
        }
        self.check();
    }

    /// Runs one step on both sides.
    pub(crate) fn step(&mut self, step: &Step) {
        self.wall.0 += step.wait * TICK_MS;
        self.told = EpochMillis(self.wall.0 - step.lag * TICK_MS);
        self.oracle.advance(self.told);
        match &step.op {
            Op::Take(ask) => self.take(ask),
            Op::Change { slot, ask } => self.change(*slot, ask),
            Op::Extend { slot, ttl } => self.extend(*slot, Some(*ttl)),
            Op::Confirm { slot } => self.extend(*slot, None),
            Op::Release { slot } => self.release(*slot),
            Op::Settle {
                slot,
                claim,
                shipped,
                missing,
                more,
            } => self.settle(*slot, *claim, (*shipped, *missing, *more)),
            Op::Count {
                at,
                counted,
                as_of,
                deducted,
            } => {
                self.count(*at, *counted, *as_of, deducted);
            }
            Op::Adjust { at, change } => self.adjust(*at, *change),
            Op::Safety { at, qty } => self.set_safety(*at, *qty),
            Op::Hold {
                id,
                at,
                qty,
                reason,
            } => self.hold(*id, *at, *qty, *reason),
            Op::HoldAgain { id } => self.hold_again(*id),
            Op::ReleaseHold { id, qty } => self.release_hold(*id, *qty),
            Op::Expect { coming, purchase } => self.expect(coming, *purchase),
            Op::Dispatch { coming, force } => self.dispatch(coming, *force),
            Op::SupplyAgain { id } => self.supply_again(*id),
            Op::Receive {
                id,
                qty,
                close,
                mistaken,
            } => self.receive(*id, *qty, *close, *mistaken),
            Op::Delay {
                id,
                arrives,
                mistaken,
            } => self.delay(*id, *arrives, *mistaken),
            Op::Cancel {
                id,
                give_back,
                mistaken,
            } => self.cancel(*id, *give_back, *mistaken),
            Op::Allocate {
                sku,
                channel,
                protected,
                cap,
            } => {
                self.allocate(*sku, *channel, *protected, *cap);
            }
        }
        for fact in self.log.drain() {
            self.auditor.apply(fact);
        }
    }

    /// Counts an outcome.
    pub(crate) fn note(&mut self, outcome: &'static str) {
        *self.seen.entry(outcome).or_default() += 1;
    }

    /// A moment some ticks from now.
    pub(crate) fn tick(&self, ticks: i64) -> EpochMillis {
        EpochMillis(self.wall.0 + ticks * TICK_MS)
    }

    /// The ledger's broken promises as reservation numbers and units, which must be the oracle's.
    pub(crate) fn agree_on_broken(&mut self, broken: &[Broken], spot: Spot) {
        let told: Vec<(usize, i64)> = broken
            .iter()
            .map(|b| {
                assert_eq!((b.sku, b.location), spot);
                (number_of(&b.owner.id), i64::from(b.qty.0))
            })
            .collect();
        assert_eq!(
            told,
            self.oracle.broken(spot),
            "broken promises at {spot:?}"
        );
        if !told.is_empty() {
            self.note("broken promises");
        }
    }
}

pub(crate) fn spot_of(at: At) -> Spot {
    (SkuId(SKUS[at.sku]), LocationId(LOCATIONS[at.place]))
}

/// The identity of reservation `number`, and back.
pub(crate) fn identity(number: usize) -> OwnerFact {
    OwnerFact::Reservation(number.to_string().into())
}

fn number_of(owner: &OwnerFact) -> usize {
    match owner {
        OwnerFact::Reservation(id) => id.parse().expect("named by `identity`"),
        OwnerFact::Order(key) => panic!("no orders here: {key:?}"),
    }
}

/// Every position there may be.
pub(crate) fn spots() -> Vec<Spot> {
    let places = || LOCATIONS.map(LocationId).into_iter();
    SKUS.iter()
        .flat_map(|&s| places().map(move |l| (SkuId(s), l)))
        .collect()
}
