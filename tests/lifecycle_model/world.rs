//! Several holders, an operator and the customer, in any order, with lost answers, repeats and late
//! messages. After every step: at most one live release and at most one holder at work on each
//! fulfilment order, no message moved a state back, a refusal changed nothing, every unit is where
//! the oracle has it, and the facts alone give the same fulfilment orders.

use crate::oracle::{Expected, Live, Oracle, Part, Spot, Unit, in_hand};
use crate::{at, cancel, key, routed};
use allot::lifecycle::{
    Applied, Change, ClaimMode, FulfillmentOrder, MOVES, OrderStatus, Refusal, State, Token,
};
use allot::model::Qty;
use std::collections::{BTreeMap, BTreeSet};

const HOLDERS: [&str; 3] = ["wms", "3pl", "store"];
const QUANTITIES: [u32; 2] = [5, 3];
const PARTS_MAX: u32 = 12;

/// What was done, as it would be written down.
#[derive(Debug, Clone)]
enum Fact {
    Applied(u32, Change, i64),
    Split(u32, u32, Vec<(u16, Qty)>),
    Absorbed(u32, u32, i64),
    Rerouted(u32, u32, i64),
}

/// Somebody's proof, as he remembers it.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) part: u32,
    holder: usize,
    release: u32,
    token: Token,
}

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) parts: BTreeMap<u32, FulfillmentOrder>,
    oracle: Oracle,
    facts: Vec<Fact>,
    /// Every token that reached somebody, old ones too.
    pub(crate) tokens: Vec<Remembered>,
    /// The token of each release: always the same.
    answered: BTreeMap<(u32, u32), String>,
    /// Messages on their way.
    pub(crate) post: Vec<(Remembered, Change)>,
    /// Who is at work on what, for real.
    at_work: BTreeMap<u32, BTreeSet<u32>>,
    pub(crate) moved: usize,
    pub(crate) late: usize,
    pub(crate) refused: usize,
}

fn start() -> FulfillmentOrder {
    routed(&QUANTITIES)
}

impl World {
    pub(crate) fn new() -> Self {
        let mut oracle = Oracle::default();
        for (sku, qty) in (0..).zip(QUANTITIES) {
            let unit = Unit {
                sku,
                part: 1,
                spot: Spot::Open,
            };
            oracle.units.extend((0..qty).map(|_| unit.clone()));
        }
        oracle.parts.insert(1, new_part(State::Routed));
        Self {
            now: 1,
            parts: BTreeMap::from([(1, start())]),
            oracle,
            facts: Vec::new(),
            tokens: Vec::new(),
            answered: BTreeMap::new(),
            post: Vec::new(),
            at_work: BTreeMap::new(),
            moved: 0,
            late: 0,
            refused: 0,
        }
    }

    fn next_number(&self) -> Option<u32> {
        let next = self.parts.len() as u64 + 1;
        u32::try_from(next).ok().filter(|&next| next <= PARTS_MAX)
    }

    /// A holder asks for work. The answer may be lost on its way back.
    pub(crate) fn claim(
        &mut self,
        part: u32,
        holder: usize,
        careful: bool,
        direct: bool,
        lost: bool,
    ) {
        let name = HOLDERS[holder];
        let mode = match careful && !direct {
            true => ClaimMode::AcknowledgeFirst,
            false => ClaimMode::WorkAtOnce,
        };
        let (now, lease_end) = (self.now, self.now + 50);
        let order = self.parts.get_mut(&part).unwrap();
        let before = order.clone();
        let release = match direct {
            true => order.register(&key(), name, at(now)),
            false => order.claim(&key(), name, mode, at(lease_end), at(now)),
        };
        let model = self.oracle.parts.get_mut(&part).unwrap();
        let over = model.live.as_ref().filter(|live| {
            live.mode == ClaimMode::AcknowledgeFirst && live.lease_end <= now && !direct
        });
        let goes_back = over.is_some() && model.state == State::Sent;
        if goes_back {
            (model.live, model.state) = (None, State::Routed);
            let back = Change::TakeBack { vouched_by: None };
            self.facts.push(Fact::Applied(part, back, now));
        }
        let closed = matches!(model.state, State::Rejected | State::Cancelled);
        let own = model.live.as_ref().is_some_and(|live| live.holder == name);
        let free = model.live.is_none() && model.state == State::Routed;
        let Ok(release) = release else {
            assert!(!free && (!own || closed), "{name} should have got {part}");
            assert_eq!(*order, before);
            self.refused += 1;
            return;
        };
        assert!(
            free || (own && !closed),
            "{name} got {part}, which another has"
        );
        assert_eq!((release.repeat, release.taken_back), (!free, goes_back));
        if free {
            model.release += 1;
            model.state = State::Sent;
            model.live = Some(Live {
                holder: name.to_owned(),
                mode,
                lease_end: if direct { i64::MAX } else { lease_end },
            });
            let change = match direct {
                true => Change::Register {
                    holder: name.into(),
                },
                false => Change::Claim {
                    holder: name.into(),
                    mode,
                    lease_end: at(lease_end),
                },
            };
            self.facts.push(Fact::Applied(part, change, now));
        }
        assert_eq!(release.number, model.release);
        let token = release.token.to_string();
        let first = self
            .answered
            .entry((part, release.number))
            .or_insert_with(|| token.clone());
        assert_eq!(*first, token, "one release, two tokens");
        // In the mode of the first claim, whatever the repeat asked for.
        let at_once = model.live.as_ref().unwrap().mode == ClaimMode::WorkAtOnce;
        if !lost {
            if at_once {
                self.at_work.entry(part).or_default().insert(release.number);
            }
            self.tokens.push(Remembered {
                part,
                holder,
                release: release.number,
                token: release.token,
            });
        }
    }

    /// A message with a token arrives.
    pub(crate) fn message(&mut self, from: &Remembered, change: &Change) {
        let part = from.part;
        let model = &self.oracle.parts[&part];
        let live = model.live.as_ref().map(|live| live.holder.as_str());
        let speaks = live == Some(HOLDERS[from.holder]) && model.release == from.release;
        // What a holder has not got, anybody may cancel.
        let anybody = matches!(change, Change::Cancel { .. }) && !in_hand(model.state);
        let expected = match speaks || anybody {
            true => self.oracle_applies(part, change),
            false => Expected::Refused,
        };
        let order = self.parts.get_mut(&part).unwrap();
        let before = order.clone();
        let answer = order.tell(&key(), Some(&from.token), change, at(self.now));
        if !speaks && !anybody {
            assert!(matches!(answer, Err(Refusal::Stale { .. })), "{answer:?}");
        }
        if answer.is_ok() && change.clone() != cancel() {
            self.at_work.entry(part).or_default().insert(from.release);
        }
        self.judge(part, &before, change, &answer, expected);
        if let Ok(Applied::Moved { from, to }) = answer {
            assert!(from <= to, "{} went back to {}", from.name(), to.name());
        }
    }

    /// Somebody without a token decides.
    pub(crate) fn decide(&mut self, part: u32, change: &Change) {
        let held = in_hand(self.oracle.parts[&part].state);
        let expected = match held && matches!(change, Change::Cancel { .. }) {
            true => Expected::Refused,
            false => self.oracle_applies(part, change),
        };
        let order = self.parts.get_mut(&part).unwrap();
        let before = order.clone();
        let answer = order.tell(&key(), None, change, at(self.now));
        self.judge(part, &before, change, &answer, expected);
    }

    fn oracle_applies(&mut self, part: u32, change: &Change) -> Expected {
        let skus: Vec<u32> = self.parts[&part].lines.iter().map(|l| l.sku.0).collect();
        self.oracle.apply(part, change, &skus)
    }

    fn judge(
        &mut self,
        part: u32,
        before: &FulfillmentOrder,
        change: &Change,
        answer: &Result<Applied, Refusal>,
        expected: Expected,
    ) {
        let got = match answer {
            Ok(Applied::Moved { .. }) => Expected::Moved,
            Ok(Applied::Late { .. }) => Expected::Late,
            Err(_) => Expected::Refused,
        };
        assert_eq!(
            got, expected,
            "{change:?} while {:?}: {answer:?}",
            before.state
        );
        let after = &self.parts[&part];
        match got {
            Expected::Moved => {
                self.moved += 1;
                let (from, to) = (before.state, after.state);
                let listed = MOVES.iter().any(|&(f, _, t)| (f, t) == (from, to));
                // Resuming is two moves at once.
                assert!(listed || *change == Change::Resume, "{from:?} to {to:?}");
            }
            Expected::Late => {
                self.late += 1;
                assert_eq!((after.state, &after.lines), (before.state, &before.lines));
            }
            Expected::Refused => {
                self.refused += 1;
                assert_eq!(after, before);
            }
        }
        if got != Expected::Refused {
            self.facts
                .push(Fact::Applied(part, change.clone(), self.now));
        }
    }

    /// A person or a sweep takes releases back.
    pub(crate) fn take_back(&mut self, part: u32, vouched: bool) {
        if vouched {
            let begun = self.at_work.get(&part).is_some_and(|w| !w.is_empty());
            if !begun {
                let vouched_by = Some("ann".into());
                self.decide(part, &Change::TakeBack { vouched_by });
            }
            return;
        }
        let model = &self.oracle.parts[&part];
        let careful = model.live.as_ref().filter(|_| model.state == State::Sent);
        let careful = careful.filter(|live| live.mode == ClaimMode::AcknowledgeFirst);
        let change = Change::TakeBack { vouched_by: None };
        if careful.is_some_and(|live| live.lease_end <= self.now) {
            return self.decide(part, &change);
        }
        // Whoever tries all the same is refused: the holder may have begun.
        let order = self.parts.get_mut(&part).unwrap();
        let before = order.clone();
        let answer = order.tell(&key(), None, &change, at(self.now));
        self.judge(part, &before, &change, &answer, Expected::Refused);
    }

    pub(crate) fn split(&mut self, part: u32, line: u16, qty: u32) {
        let Some(number) = self.next_number() else {
            return;
        };
        let lines = vec![(line, Qty(qty))];
        let sku = self.parts[&part]
            .lines
            .get(usize::from(line))
            .map(|l| l.sku.0);
        let Ok(new) = self.parts.get_mut(&part).unwrap().split_off(number, &lines) else {
            return;
        };
        let model = self.oracle.parts[&part].clone();
        assert!(model.live.is_none(), "split while somebody has it");
        self.oracle.parts.insert(number, model);
        let units = self.oracle.units.iter_mut();
        let units = units.filter(|u| u.part == part && Some(u.sku) == sku);
        units.take(qty as usize).for_each(|u| u.part = number);
        self.parts.insert(number, new);
        self.facts.push(Fact::Split(part, number, lines));
    }

    pub(crate) fn absorb(&mut self, into: u32, from: u32) {
        let mut other = self.parts[&from].clone();
        let order = self.parts.get_mut(&into).unwrap();
        if order.absorb(&mut other, at(self.now)).is_err() {
            return;
        }
        self.parts.insert(from, other);
        let units = self.oracle.units.iter_mut();
        units.filter(|u| u.part == from).for_each(|u| u.part = into);
        self.oracle.parts.get_mut(&from).unwrap().state = State::Cancelled;
        self.facts.push(Fact::Absorbed(into, from, self.now));
    }

    pub(crate) fn reroute(&mut self, part: u32) {
        let Some(number) = self.next_number() else {
            return;
        };
        let Some(new) = self
            .parts
            .get_mut(&part)
            .unwrap()
            .reroute(number, at(self.now))
        else {
            return;
        };
        let short = |u: &&mut Unit| u.part == part && u.spot == Spot::Short;
        for unit in self.oracle.units.iter_mut().filter(short) {
            (unit.part, unit.spot) = (number, Spot::Open);
            *self.oracle.gone.entry((part, unit.sku)).or_default() += 1;
        }
        self.oracle.parts.insert(number, new_part(State::Validated));
        self.parts.insert(number, new);
        self.facts.push(Fact::Rerouted(part, number, self.now));
    }

    pub(crate) fn come_back(&mut self, part: u32, line: u16, qty: u32) {
        let order = self.parts.get_mut(&part).unwrap();
        let line = line % u16::try_from(order.lines.len()).unwrap();
        let sku = order.lines[usize::from(line)].sku.0;
        let change = Change::Return {
            lines: vec![(line, Qty(qty))],
        };
        let out = self.oracle.count(part, sku, &[Spot::Delivered]);
        let answer = order.apply(&change, at(self.now));
        assert_eq!(answer.is_ok(), (1..=out).contains(&qty), "{answer:?}");
        if answer.is_ok() {
            self.oracle.come_back(part, sku, qty);
            self.facts.push(Fact::Applied(part, change, self.now));
        }
    }

    pub(crate) fn check(&self) {
        for (&number, order) in &self.parts {
            let model = &self.oracle.parts[&number];
            assert_eq!(order.state, model.state, "part {number}");
            assert_eq!(order.release, model.release);
            let holder = order.holder.as_ref().map(|h| &*h.name);
            assert_eq!(holder, model.live.as_ref().map(|l| l.holder.as_str()));
            self.check_units(number, order);
            let known = self.tokens.iter().filter(|t| t.part == number);
            let live: BTreeSet<u32> = known
                .filter(|t| order.authorise(&key(), Some(&t.token)).is_ok())
                .map(|t| t.release)
                .collect();
            assert!(live.len() <= 1, "two live releases of {number}");
            let at_work = self.at_work.get(&number).map_or(0, BTreeSet::len);
            assert!(at_work <= 1, "two holders at work on {number}");
        }
        for (sku, ordered) in (0..).zip(QUANTITIES) {
            let lines = self.parts.values().flat_map(|p| &p.lines);
            let of_sku = lines.filter(|l| l.sku.0 == sku).map(|l| l.units);
            let units: u32 = of_sku.map(|u| u.ordered.0 - u.rerouted.0).sum();
            assert_eq!(units, ordered, "units of SKU {sku}");
        }
        let cancelled = self.parts.values().all(|p| p.state == State::Cancelled);
        let status = OrderStatus::of(self.parts.values());
        assert!(!cancelled || status == OrderStatus::All(State::Cancelled));
    }

    fn check_units(&self, number: u32, order: &FulfillmentOrder) {
        use Spot::*;
        for line in &order.lines {
            let (sku, units) = (line.sku.0, line.units);
            let count = |spots: &[Spot]| self.oracle.count(number, sku, spots);
            let gone = self.oracle.gone.get(&(number, sku)).copied().unwrap_or(0);
            assert!(units.conserved(), "{units:?}");
            let all = [Open, Short, Cancelled, Picked, Shipped, Delivered, Returned];
            let expected = [
                count(&all) + gone,
                count(&all[..1]),
                count(&[Short]) + gone,
                count(&[Cancelled]),
                count(&all[3..]),
                count(&all[4..]),
                count(&all[5..]),
                count(&all[6..]),
            ];
            let got = [
                units.ordered,
                units.open(),
                units.short,
                units.cancelled,
                units.picked,
                units.shipped,
                units.delivered,
                units.returned,
            ];
            assert_eq!(got.map(|q| q.0), expected, "part {number}, SKU {sku}");
        }
    }

    /// What was written down gives the same again.
    pub(crate) fn replay(&self) {
        let mut parts = BTreeMap::from([(1, start())]);
        for fact in &self.facts {
            match fact {
                Fact::Applied(part, change, now) => {
                    let part = parts.get_mut(part).unwrap();
                    part.apply(change, at(*now)).unwrap();
                }
                Fact::Split(part, number, lines) => {
                    let part = parts.get_mut(part).unwrap();
                    let new = part.split_off(*number, lines).unwrap();
                    parts.insert(*number, new);
                }
                Fact::Absorbed(into, from, now) => {
                    let mut other = parts[from].clone();
                    let into = parts.get_mut(into).unwrap();
                    into.absorb(&mut other, at(*now)).unwrap();
                    parts.insert(*from, other);
                }
                Fact::Rerouted(part, number, now) => {
                    let part = parts.get_mut(part).unwrap();
                    let new = part.reroute(*number, at(*now)).unwrap();
                    parts.insert(*number, new);
                }
            }
        }
        assert_eq!(parts, self.parts);
    }
}

fn new_part(state: State) -> Part {
    Part {
        state,
        release: 0,
        live: None,
        held_from: None,
        parcels: BTreeMap::new(),
        parcels_complete: false,
    }
}
