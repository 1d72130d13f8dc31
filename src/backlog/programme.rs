//! The joint problem as an integer programme, for other solvers: to compare with, and to judge by.
//!
//! Of every order with a sheet (`columns`): one variable for each shipment that it could have, one for
//! staying as it is, one for shipping nothing, one for shipping something, and the units of each demand
//! that are short. Every demand is shipped or short once; the rows hold what they hold. Shipments are
//! priced whole, so there is no weight in it and no large constant, and its linear relaxation is
//! near the optimum. Orders without a sheet stay as they are.

use super::columns::{BROKEN, Columns, NEVER, SCALE};
use super::problem::Problem;
use super::solve::{Choice, Scratch};
use crate::model::Cents;
use crate::routing::Lanes;
use std::collections::BTreeMap;

/// A variable, whole and not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// What one costs, in cents.
    pub cents: i64,
    /// The most.
    pub most: u32,
}

/// A sum of variables within bounds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Which variable, and how many times.
    pub terms: Vec<(usize, i64)>,
    /// At least.
    pub least: Option<i64>,
    /// At most.
    pub most: Option<i64>,
}

/// A programme; the sum of all costs is to be minimised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Programme {
    /// Its variables.
    pub variables: Vec<Variable>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// What a variable stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Keep,
    Nothing,
    /// Something ships.
    Some,
    Offer(u32),
    Short(u8),
}

/// What an order may do.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    order: usize,
    keep: bool,
    nothing: bool,
    pub(super) offers: Vec<u32>,
}

impl Wanted {
    /// All that its sheet allows.
    fn all(columns: &Columns, order: usize) -> Self {
        let sheet = &columns.sheets[order];
        Self {
            order,
            keep: sheet.keep < NEVER,
            nothing: sheet.nothing < BROKEN,
            offers: (sheet.offers.0..sheet.offers.1).collect(),
        }
    }

    /// What is in some plans.
    pub(super) fn of<'a>(order: usize, plans: impl Iterator<Item = &'a Choice>) -> Self {
        let mut wanted = Self {
            order,
            keep: false,
            nothing: false,
            offers: Vec::new(),
        };
        plans.for_each(|plan| wanted.add(plan));
        wanted
    }

    /// Allows what is in a plan, too.
    pub(super) fn add(&mut self, plan: &Choice) {
        self.keep |= plan.keep;
        self.nothing |= !plan.keep && plan.offers.is_empty();
        self.offers.extend(&plan.offers);
        self.offers.sort_unstable();
        self.offers.dedup();
    }

    /// What is in some plan that costs at most so much at the prices.
    pub(super) fn within(
        columns: &Columns,
        order: usize,
        prices: &[i64],
        most: i64,
        scratch: &mut Scratch,
    ) -> Self {
        let mut wanted = Self::all(columns, order);
        let sheet = &columns.sheets[order];
        let paid = |draws: &[u32]| draws.iter().map(|&d| prices[d as usize]).sum::<i64>();
        wanted.keep &= sheet.keep + paid(columns.keep_draws(order)) <= most;
        wanted.nothing &= sheet.nothing <= most;
        if !wanted.offers.is_empty() {
            let shape = columns.shapes.get(sheet.shape);
            let rests = scratch.rests(columns, sheet, shape, |draw| prices[draw as usize]);
            wanted.offers.retain(|&at| {
                let offer = &columns.offers[at as usize];
                let rest = rests[usize::from(shape.all() - offer.part)];
                let cost = sheet.change + offer.cents + paid(columns.draws_of(offer));
                cost.saturating_add(rest) <= most
            });
        }
        wanted
    }
}

/// Shipments that orders may have together.
pub(super) fn offers(wanted: &[Wanted]) -> usize {
    wanted.iter().map(|w| w.offers.len()).sum()
}

/// The programme of some orders, and what its variables stand for.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) programme: Programme,
    /// By variable.
    is: Vec<Is>,
    /// By order: where its variables begin; and which it is.
    orders: Vec<(usize, usize)>,
}

impl Part {
    /// The programme of what some orders want, `left` being what the rows hold for all of them.
    pub(super) fn new(columns: &Columns, wanted: &[Wanted], left: &dyn Fn(u32) -> i64) -> Self {
        let mut part = Self::default();
        let mut stock = BTreeMap::new();
        for of in wanted {
            part.orders.push((part.is.len(), of.order));
            part.order(columns, of, &mut stock);
        }
        let full = stock.into_iter().map(|(row, terms)| Row {
            terms,
            ..at_most(left(row))
        });
        part.programme.rows.extend(full);
        part
    }

    fn add(&mut self, is: Is, scaled: i64, most: u32) -> usize {
        self.is.push(is);
        self.programme.variables.push(Variable {
            cents: scaled / SCALE,
            most,
        });
        self.is.len() - 1
    }

    fn order(&mut self, columns: &Columns, wanted: &Wanted, stock: &mut Stock) {
        let sheet = &columns.sheets[wanted.order];
        let shape = columns.shapes.get(sheet.shape);
        let mut draw = |var: usize, draws: &[u32]| {
            for &draw in draws {
                let row = columns.rows.draw_row[draw as usize];
                let units = columns.rows.draw_units[draw as usize];
                for row in row..columns.rows.end[row as usize] {
                    stock.entry(row).or_default().push((var, units));
                }
            }
        };
        let mut one = exactly(1);
        if wanted.keep {
            let keep = self.add(Is::Keep, sheet.keep, 1);
            draw(keep, columns.keep_draws(wanted.order));
            one.terms.push((keep, 1));
        }
        if wanted.nothing {
            one.terms.push((self.add(Is::Nothing, sheet.nothing, 1), 1));
        }
        if !wanted.offers.is_empty() {
            // The first shipment pays no split.
            let some = self.add(Is::Some, sheet.change - sheet.split, 1);
            one.terms.push((some, 1));
            let mut all: Vec<Row> = (0..shape.digits.len()).map(|_| exactly(0)).collect();
            let mut shipments = Row {
                least: Some(0),
                ..Row::default()
            };
            for &at in &wanted.offers {
                let offer = &columns.offers[at as usize];
                let digits = |demand: usize| shape.digit(offer.part, demand);
                let demands = (0..shape.digits.len()).filter(|&d| digits(d) > 0);
                let most = demands.clone().map(|d| shape.digits[d] / digits(d)).min();
                let most = u32::from(most.unwrap_or(1));
                let var = self.add(Is::Offer(at), offer.cents + sheet.split, most);
                draw(var, columns.draws_of(offer));
                shipments.terms.push((var, 1));
                demands.for_each(|d| all[d].terms.push((var, i64::from(digits(d)))));
            }
            for (number, row) in (0u8..).zip(&mut all) {
                let demand = usize::from(number);
                let short = columns.short(sheet, demand);
                if short.most > 0 {
                    let most = u32::from(short.most);
                    row.terms
                        .push((self.add(Is::Short(number), short.cents, most), 1));
                }
                row.terms.push((some, -i64::from(shape.digits[demand])));
            }
            let mut few = shipments.clone();
            shipments.terms.push((some, -1));
            few.terms.push((some, -i64::from(sheet.most)));
            (few.least, few.most) = (None, Some(0));
            let rows = all.into_iter().chain([shipments, few]);
            self.programme.rows.extend(rows);
        }
        self.programme.rows.push(one);
    }

    /// The choices that an answer stands for, by order; `None` where it breaks a row.
    pub(super) fn choices(&self, columns: &Columns, values: &[u32]) -> Option<Vec<Choice>> {
        if !self.programme.holds(values) {
            return None;
        }
        let ends = self.orders.iter().skip(1).map(|(start, _)| *start);
        let ends = ends.chain([self.is.len()]);
        let choices = self.orders.iter().zip(ends).map(|(&(start, order), end)| {
            let mut choice = Choice::none();
            for (is, &times) in self.is[start..end].iter().zip(&values[start..end]) {
                match is {
                    Is::Keep => choice.keep = times > 0,
                    Is::Offer(at) => (0..times).for_each(|_| choice.offers.push(*at)),
                    Is::Nothing | Is::Some | Is::Short(_) => {}
                }
            }
            choice.cents = columns.cents_of(order, &choice, 0);
            choice
        });
        Some(choices.collect())
    }

    /// The answer that some choices are; `None` where one of them is not in the programme.
    pub(super) fn values(&self, columns: &Columns, choices: &[Choice]) -> Option<Vec<u32>> {
        let mut values = vec![0u32; self.is.len()];
        let ends = self.orders.iter().skip(1).map(|(start, _)| *start);
        let ends = ends.chain([self.is.len()]);
        for ((&(start, order), end), choice) in self.orders.iter().zip(ends).zip(choices) {
            let shape = columns.shapes.get(columns.sheets[order].shape);
            let parts = choice
                .offers
                .iter()
                .map(|&at| columns.offers[at as usize].part);
            let rest = shape.all() - parts.sum::<u16>();
            let ships = !choice.offers.is_empty();
            for (is, value) in self.is[start..end].iter().zip(&mut values[start..end]) {
                *value = match is {
                    Is::Keep => u32::from(choice.keep),
                    Is::Nothing => u32::from(!choice.keep && !ships),
                    Is::Some => u32::from(ships),
                    Is::Offer(at) => {
                        let times = choice.offers.iter().filter(|&of| of == at).count();
                        u32::try_from(times).unwrap_or(u32::MAX)
                    }
                    Is::Short(demand) if ships => {
                        u32::from(shape.digit(rest, usize::from(*demand)))
                    }
                    Is::Short(_) => 0,
                };
            }
        }
        self.programme.holds(&values).then_some(values)
    }
}

/// Draws by row: variable, and units.
type Stock = BTreeMap<u32, Vec<(usize, i64)>>;

impl Programme {
    /// The programme of a problem.
    #[must_use]
    pub fn new(problem: &Problem, lanes: &Lanes) -> Self {
        let columns = Columns::new(problem, lanes);
        let orders = 0..columns.sheets.len();
        let wanted: Vec<Wanted> = orders.map(|order| Wanted::all(&columns, order)).collect();
        let cap = |row: u32| columns.rows.cap[row as usize];
        Part::new(&columns, &wanted, &cap).programme
    }

    /// What an answer costs.
    #[must_use]
    pub fn cents(&self, answer: &[u32]) -> Cents {
        let each = self.variables.iter().zip(answer);
        Cents(each.map(|(v, n)| v.cents * i64::from(*n)).sum())
    }

    /// Whether an answer keeps all bounds, counted in integers.
    #[must_use]
    pub fn holds(&self, answer: &[u32]) -> bool {
        let mut each = self.variables.iter().zip(answer);
        let sum = |row: &Row| -> i64 {
            let terms = row.terms.iter();
            terms
                .map(|&(var, times)| times * i64::from(answer[var]))
                .sum()
        };
        answer.len() == self.variables.len()
            && each.all(|(v, n)| *n <= v.most)
            && self.rows.iter().all(|row| {
                let sum = sum(row);
                row.least.is_none_or(|least| least <= sum)
                    && row.most.is_none_or(|most| sum <= most)
            })
    }
}

fn at_most(most: i64) -> Row {
    Row {
        most: Some(most),
        ..Row::default()
    }
}

fn exactly(units: i64) -> Row {
    Row {
        least: Some(units),
        most: Some(units),
        ..Row::default()
    }
}
