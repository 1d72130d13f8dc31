//! The plans of one order that may be in a better answer: at the prices hardly dearer than its
//! cheapest.
//!
//! An answer costs at least the bound and what its plans cost more than each order's cheapest, so a
//! plan that is dearer by more than answer and bound are apart is in no better one: reduced-cost
//! fixing (Dantzig, Fulkerson, Johnson 1954; Crowder, Johnson, Padberg 1983). While plans are listed, what is not decided
//! yet costs at least what `solve` says of that rest, so hardly any is begun in vain.

use super::columns::{Columns, NEVER, Sheet};
use super::shape::Shape;
use super::solve::{Choice, Scratch};
use smallvec::SmallVec;

/// Steps of the listing for every plan that is asked for.
const STEPS: usize = 16;

/// Units that a plan takes, by row in ascending order; those drawn early count in all later rows of
/// their chain.
pub(super) type Uses = SmallVec<[(u32, i64); 4]>;

/// A plan of one order.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// What it costs at the prices more than the order's cheapest.
    pub(super) over: i64,
    pub(super) uses: Uses,
    pub(super) choice: Choice,
}

/// The plans of an order near its cheapest, in ascending cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Near {
    pub(super) plans: Vec<Plan>,
    /// All that cost at most so much more than the cheapest are there.
    pub(super) reach: i64,
}

impl Near {
    /// Those of an order that cost at most `gap` more than its cheapest; where they are more than
    /// `most`, only as far as they are not.
    pub(super) fn new(
        columns: &Columns,
        order: usize,
        prices: &[i64],
        (gap, most): (i64, usize),
        scratch: &mut Scratch,
    ) -> Self {
        let price = |draw: u32| prices[draw as usize];
        let (ideal, cheapest) = columns.solve(order, price, |_| true, scratch);
        let sheet = &columns.sheets[order];
        let shape = columns.shapes.get(sheet.shape);
        let mut list = List {
            columns,
            order,
            sheet,
            shape,
            prices,
            offers: Vec::new(),
            rests: Vec::new(),
            ideal,
            ceiling: 0,
            chosen: SmallVec::new(),
            plans: Vec::new(),
            most,
            steps: 0,
        };
        if sheet.offers.0 < sheet.offers.1 {
            list.rests = scratch.rests(columns, sheet, shape, price);
            list.sort_offers();
        }
        let mut reach = gap;
        while reach >= 0 {
            if list.all(reach).is_some() {
                let mut plans = list.plans;
                plans.sort_by(|a, b| (a.over, &a.choice.offers).cmp(&(b.over, &b.choice.offers)));
                return Self { plans, reach };
            }
            reach = reach / 2 - i64::from(reach < 2);
        }
        list.plans.clear();
        list.ceiling = ideal;
        list.add(ideal, cheapest);
        Self {
            plans: list.plans,
            reach: -1,
        }
    }

    /// Some plans of an order; how far they are from its cheapest is not asked.
    pub(super) fn of(columns: &Columns, order: usize, prices: &[i64], choices: &[Choice]) -> Self {
        let cost = |choice: &Choice| {
            let draws = columns.chosen(order, choice);
            choice.cents + draws.map(|&draw| prices[draw as usize]).sum::<i64>()
        };
        let least = choices.iter().map(cost).min().unwrap_or(0);
        let plans = choices.iter().map(|choice| Plan {
            over: cost(choice) - least,
            uses: uses(columns, order, choice),
            choice: choice.clone(),
        });
        Self {
            plans: plans.collect(),
            reach: -1,
        }
    }

    /// The rows that some of them draw from, ascending, and the most units that one of them takes.
    pub(super) fn most_used(&self) -> Vec<(u32, i64)> {
        let drawn = self.plans.iter().flat_map(|plan| &plan.uses);
        let mut all: Vec<(u32, i64)> = drawn.copied().collect();
        all.sort_unstable_by_key(|&(row, units)| (row, -units));
        all.dedup_by_key(|(row, _)| *row);
        all
    }
}

/// What a choice takes of the rows.
fn uses(columns: &Columns, order: usize, choice: &Choice) -> Uses {
    let mut uses = Uses::new();
    let rows = &columns.rows;
    for &draw in columns.chosen(order, choice) {
        let row = rows.draw_row[draw as usize];
        let units = rows.draw_units[draw as usize];
        for row in row..rows.end[row as usize] {
            match uses.iter_mut().find(|(of, _)| *of == row) {
                Some((_, all)) => *all += units,
                None => uses.push((row, units)),
            }
        }
    }
    uses.sort_unstable();
    uses
}

struct List<'a> {
    columns: &'a Columns,
    order: usize,
    sheet: &'a Sheet,
    shape: &'a Shape,
    prices: &'a [i64],
    /// By part: offers with their cost at the prices, ascending.
    offers: Vec<Vec<(i64, u32)>>,
    /// By rest: what it costs at least after the first shipment.
    rests: Vec<i64>,
    ideal: i64,
    ceiling: i64,
    chosen: SmallVec<[u32; 3]>,
    plans: Vec<Plan>,
    most: usize,
    steps: usize,
}

impl List<'_> {
    fn sort_offers(&mut self) {
        self.offers = vec![Vec::new(); self.shape.states()];
        for at in self.sheet.offers.0..self.sheet.offers.1 {
            let offer = &self.columns.offers[at as usize];
            let draws = self.columns.draws_of(offer).iter();
            let paid: i64 = draws.map(|&d| self.prices[d as usize]).sum();
            self.offers[usize::from(offer.part)].push((offer.cents + paid, at));
        }
        self.offers.iter_mut().for_each(|of| of.sort_unstable());
    }

    /// Lists all that cost at most `reach` more than the cheapest; `None` where they are too many.
    fn all(&mut self, reach: i64) -> Option<()> {
        self.plans.clear();
        self.ceiling = self.ideal.saturating_add(reach);
        self.steps = self.most.saturating_mul(STEPS);
        let sheet = self.sheet;
        if sheet.keep < NEVER {
            let draws = self.columns.keep_draws(self.order).iter();
            let paid: i64 = draws.map(|&d| self.prices[d as usize]).sum();
            let choice = Choice {
                cents: sheet.keep,
                keep: true,
                offers: SmallVec::new(),
            };
            self.add(sheet.keep + paid, choice);
        }
        if sheet.nothing < NEVER {
            let choice = Choice {
                cents: sheet.nothing,
                ..Choice::none()
            };
            self.add(sheet.nothing, choice);
        }
        if sheet.offers.0 < sheet.offers.1 {
            self.go_on(self.shape.all(), (sheet.change, sheet.change), (u8::MAX, 0))?;
        }
        Some(())
    }

    fn add(&mut self, cost: i64, choice: Choice) {
        if cost > self.ceiling {
            return;
        }
        let uses = uses(self.columns, self.order, &choice);
        self.plans.push(Plan {
            over: cost - self.ideal,
            uses,
            choice,
        });
    }

    /// Adds every plan that begins with the offers chosen so far, of which `cost` is what they come to at
    /// the prices, and without; `None` where it is too much. Offers with some of the same lowest demand
    /// come in ascending order, so that each plan is built once.
    fn go_on(
        &mut self,
        rest: u16,
        (cost, cents): (i64, i64),
        (demand, before): (u8, u32),
    ) -> Option<()> {
        if self.steps == 0 || self.plans.len() > self.most {
            return None;
        }
        self.steps -= 1;
        if rest == 0 {
            if !self.chosen.is_empty() {
                let mut offers = self.chosen.clone();
                offers.sort_unstable();
                let choice = Choice {
                    cents,
                    keep: false,
                    offers,
                };
                self.add(cost, choice);
            }
            return Some(());
        }
        // The first shipment pays no split; what a rest costs at least counts one for each.
        let split = match self.chosen.is_empty() {
            true => 0,
            false => self.sheet.split,
        };
        let unsplit = self.sheet.split - split;
        let lowest = self.shape.lowest[usize::from(rest)];
        let short = self.columns.short(self.sheet, usize::from(lowest.demand));
        if lowest.digit <= short.most {
            let more = short.cents * i64::from(lowest.digit);
            let least = self.rests[usize::from(lowest.without)].saturating_sub(unsplit);
            if least < NEVER && cost + more + least <= self.ceiling {
                let so_far = (cost + more, cents + more);
                self.go_on(lowest.without, so_far, (u8::MAX, 0))?;
            }
        }
        if self.chosen.len() >= usize::from(self.sheet.most) {
            return Some(());
        }
        let before = match demand == lowest.demand {
            true => before,
            false => 0,
        };
        for &cut in self.shape.cuts(rest) {
            let least = self.rests[usize::from(cut.rest)];
            if least >= NEVER {
                continue;
            }
            for at in 0..self.offers[usize::from(cut.part)].len() {
                let (own, offer) = self.offers[usize::from(cut.part)][at];
                if cost + own + split + least > self.ceiling {
                    break;
                }
                if offer < before {
                    continue;
                }
                let more = self.columns.offers[offer as usize].cents + split;
                self.chosen.push(offer);
                let so_far = (cost + own + split, cents + more);
                let went = self.go_on(cut.rest, so_far, (lowest.demand, offer));
                self.chosen.pop();
                went?;
            }
        }
        Some(())
    }
}
