//! The best plan of one order at given prices: exactly, over everything that its sheet offers.
//!
//! First the cheapest offer for every part, then the cheapest way to cut everything into parts. A
//! plan always decides about the lowest demand that is still open, so each is built in one way.
//! `after` is what a rest costs once something ships, every shipment paying the split penalty;
//! before the first shipment only the lowest demands may have gone short.

use super::columns::{Columns, NEVER, Sheet};
use super::shape::Shape;
use smallvec::SmallVec;

/// No offer.
const NONE: u32 = u32::MAX;

/// What an order gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// What it costs without prices, scaled; a change of plan included.
    pub(super) cents: i64,
    /// As today.
    pub(super) keep: bool,
    /// Its offers otherwise; the rest is short.
    pub(super) offers: SmallVec<[u32; 3]>,
}

impl Choice {
    /// No plan at all.
    pub(super) fn none() -> Self {
        Self {
            cents: NEVER,
            keep: false,
            offers: SmallVec::new(),
        }
    }

    /// Whether there is a plan.
    pub(super) fn exists(&self) -> bool {
        self.cents < NEVER
    }
}

/// Memory of the search.
#[derive(Debug, Default, Clone)]
pub(super) struct Scratch {
    best: Vec<(i64, u32)>,
    /// By shipments left (one layer where they are not limited) and rest.
    after: Vec<(i64, u16)>,
}

/// The part of a rest that goes short: its lowest demand.
const SHORT: u16 = 0;

impl Columns {
    /// The cheapest plan of an order: `price` adds to each draw, `fits` says which offers exist;
    /// with its cost at these prices.
    pub(super) fn solve(
        &self,
        order: usize,
        price: impl Fn(u32) -> i64,
        fits: impl Fn(u32) -> bool,
        scratch: &mut Scratch,
    ) -> (i64, Choice) {
        let sheet = &self.sheets[order];
        let shape = self.shapes.get(sheet.shape);
        let (mut cost, mut choice) = if sheet.offers.0 < sheet.offers.1 {
            scratch.offers(self, sheet, shape, &price, &fits);
            scratch.plan(self, sheet, shape)
        } else {
            nothing(sheet)
        };
        if sheet.keep < NEVER {
            let draws = self.keep_draws(order);
            let kept = draws
                .iter()
                .fold(sheet.keep, |sum, &draw| sum + price(draw));
            if kept <= cost && draws.iter().all(|&draw| fits(draw)) {
                cost = kept;
                choice.keep = true;
                choice.offers.clear();
            }
        }
        choice.cents = self.cents_of(order, &choice, cost);
        (cost, choice)
    }

    /// The cost of a choice without prices; `cost` is what is told where there is none.
    pub(super) fn cents_of(&self, order: usize, choice: &Choice, cost: i64) -> i64 {
        if cost >= NEVER {
            return NEVER;
        }
        let sheet = &self.sheets[order];
        if choice.keep {
            return sheet.keep;
        }
        if choice.offers.is_empty() {
            return sheet.nothing;
        }
        let shape = self.shapes.get(sheet.shape);
        let mut rest = shape.all();
        let mut cents = sheet.change;
        for &offer in &choice.offers {
            let offer = &self.offers[offer as usize];
            rest -= offer.part;
            cents += offer.cents;
        }
        let more = i64::try_from(choice.offers.len().saturating_sub(1)).unwrap_or(0);
        cents += sheet.split * more;
        for demand in 0..shape.digits.len() {
            cents += self.short(sheet, demand).cents * i64::from(shape.digit(rest, demand));
        }
        cents
    }
}

/// Everything short.
fn nothing(sheet: &Sheet) -> (i64, Choice) {
    let choice = Choice::none();
    (sheet.nothing, choice)
}

impl Scratch {
    /// The cheapest offer for every part.
    fn offers(
        &mut self,
        columns: &Columns,
        sheet: &Sheet,
        shape: &Shape,
        price: &impl Fn(u32) -> i64,
        fits: &impl Fn(u32) -> bool,
    ) {
        self.best.clear();
        self.best.resize(shape.states(), (NEVER, NONE));
        for at in sheet.offers.0..sheet.offers.1 {
            let offer = &columns.offers[at as usize];
            let best = &mut self.best[usize::from(offer.part)];
            let mut cost = offer.cents;
            if cost >= best.0 {
                continue;
            }
            let draws = columns.draws_of(offer);
            for &draw in draws {
                cost += price(draw);
            }
            if cost < best.0 && draws.iter().all(|&draw| fits(draw)) {
                *best = (cost, at);
            }
        }
    }

    /// The cheapest plan made of them.
    fn plan(&mut self, columns: &Columns, sheet: &Sheet, shape: &Shape) -> (i64, Choice) {
        let states = shape.states();
        let all = usize::from(shape.all());
        if states == 2 {
            // One demand that ships whole or not: most orders.
            let (cost, offer) = self.best[1];
            let mut choice = Choice::none();
            let cost = cost.saturating_add(sheet.change);
            if cost <= sheet.nothing && cost < NEVER {
                choice.offers.push(offer);
                return (cost, choice);
            }
            return (sheet.nothing, choice);
        }
        let most = usize::from(sheet.most);
        let limited = most < shape.shipments_max();
        let layers = if limited { most } else { 1 };
        self.after.clear();
        self.after.resize(layers * states, (NEVER, SHORT));
        for layer in 0..layers {
            self.fill(columns, sheet, shape, layer, limited);
        }
        let last = (layers - 1) * states;
        // Before the first shipment.
        let mut spent = sheet.change;
        let mut rest = all;
        let mut found = (sheet.nothing, 0, 0);
        while rest != 0 && most > 0 {
            for cut in shape.cuts(u16::try_from(rest).unwrap_or(u16::MAX)) {
                let cost = spent
                    + self.best[usize::from(cut.part)].0
                    + self.after[last + usize::from(cut.rest)].0;
                if cost < found.0 {
                    found = (cost, cut.part, cut.rest);
                }
            }
            let lowest = shape.lowest[rest];
            let short = columns.short(sheet, usize::from(lowest.demand));
            if lowest.digit > short.most {
                break;
            }
            spent += short.cents * i64::from(lowest.digit);
            rest = usize::from(lowest.without);
        }
        let mut choice = Choice::none();
        let (cost, part, rest) = found;
        if part == 0 || cost >= NEVER {
            return (sheet.nothing, choice);
        }
        choice.offers.push(self.best[usize::from(part)].1);
        let mut layer = layers - 1;
        let mut rest = rest;
        while rest != 0 {
            let (_, part) = self.after[layer * states + usize::from(rest)];
            if part == SHORT {
                rest = shape.lowest[usize::from(rest)].without;
            } else {
                choice.offers.push(self.best[usize::from(part)].1);
                rest -= part;
                layer = layer.saturating_sub(usize::from(limited));
            }
        }
        choice.offers.sort_unstable();
        (cost, choice)
    }

    /// What every rest costs after the first shipment, with `layer` more shipments at the most.
    fn fill(
        &mut self,
        columns: &Columns,
        sheet: &Sheet,
        shape: &Shape,
        layer: usize,
        limited: bool,
    ) {
        let states = shape.states();
        let at = layer * states;
        // Where shipments are not limited a rest goes on in the same layer.
        let before = if limited { at.wrapping_sub(states) } else { at };
        self.after[at] = (0, SHORT);
        for rest in 1..states {
            let lowest = shape.lowest[rest];
            let short = columns.short(sheet, usize::from(lowest.demand));
            let mut found = (NEVER, SHORT);
            if lowest.digit <= short.most {
                let cost = self.after[at + usize::from(lowest.without)].0;
                found.0 = (cost + short.cents * i64::from(lowest.digit)).min(NEVER);
            }
            if !(limited && layer == 0) {
                for cut in shape.cuts(u16::try_from(rest).unwrap_or(u16::MAX)) {
                    let cost = self.best[usize::from(cut.part)].0
                        + sheet.split
                        + self.after[before + usize::from(cut.rest)].0;
                    if cost < found.0 {
                        found = (cost, cut.part);
                    }
                }
            }
            self.after[at + rest] = found;
        }
    }
}

impl Scratch {
    /// By rest: what it costs at least after the first shipment, each of its own paying the split
    /// penalty; with the most shipments that there may be.
    pub(super) fn rests(
        &mut self,
        columns: &Columns,
        sheet: &Sheet,
        shape: &Shape,
        price: impl Fn(u32) -> i64,
    ) -> Vec<i64> {
        self.offers(columns, sheet, shape, &price, &|_| true);
        let states = shape.states();
        let most = usize::from(sheet.most);
        let limited = most < shape.shipments_max();
        let layers = if limited { most.max(1) } else { 1 };
        self.after.clear();
        self.after.resize(layers * states, (NEVER, SHORT));
        for layer in 0..layers {
            self.fill(columns, sheet, shape, layer, limited);
        }
        let last = &self.after[(layers - 1) * states..];
        last.iter().map(|(cost, _)| *cost).collect()
    }

    /// By part: what it costs at the most to do without any offer that draws from a row, and the
    /// offer of unlimited stock that is the cheapest for it.
    pub(super) fn cheapest_free(
        &mut self,
        columns: &Columns,
        sheet: &Sheet,
        shape: &Shape,
    ) -> &[(i64, u32)] {
        let price = |_| NEVER;
        let from = sheet.offers.0;
        let end = u32::try_from(columns.offers.len()).unwrap_or(u32::MAX);
        let all = Sheet {
            offers: (from, end),
            ..*sheet
        };
        self.offers(columns, &all, shape, &price, &|_| true);
        // With a limit on shipments two free ones may not be possible where one scarce one is.
        if usize::from(sheet.most) < shape.shipments_max() {
            return &self.best;
        }
        self.after.clear();
        self.after.resize(shape.states(), (NEVER, SHORT));
        self.after[0].0 = 0;
        for rest in 1..shape.states() {
            let lowest = shape.lowest[rest];
            let short = columns.short(sheet, usize::from(lowest.demand));
            let mut least = NEVER;
            // Going short adds to what is short already, so only where all of it may be.
            if short.most >= shape.digits[usize::from(lowest.demand)] {
                let cents = short.cents * i64::from(lowest.digit);
                least = (self.after[usize::from(lowest.without)].0 + cents).min(NEVER);
            }
            for cut in shape.cuts(u16::try_from(rest).unwrap_or(u16::MAX)) {
                let cost = self.best[usize::from(cut.part)].0
                    + sheet.split
                    + self.after[usize::from(cut.rest)].0;
                least = least.min(cost);
            }
            self.after[rest].0 = least;
        }
        for (best, after) in self.best.iter_mut().zip(&self.after) {
            if after.0 < best.0 {
                *best = (after.0, NONE);
            }
        }
        &self.best
    }
}
