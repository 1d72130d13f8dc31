//! The joint problem as an integer programme, for other solvers: to compare with, and to judge by.
//!
//! Of every order with a sheet (`columns`): one variable for each shipment that it could have, one for
//! staying as it is, one for shipping nothing, one for shipping something, and the units of each demand
//! that are short. Every demand is shipped or short once; the rows hold what they hold. Shipments are
//! priced whole, so there is no weight in it and no large constant, and its linear relaxation is
//! near the optimum. Orders without a sheet stay as they are.

use super::columns::{BROKEN, Columns, NEVER, SCALE};
use super::problem::Problem;
use crate::model::Cents;
use crate::routing::Lanes;

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

impl Programme {
    /// The programme of a problem.
    #[must_use]
    pub fn new(problem: &Problem, lanes: &Lanes) -> Self {
        let columns = Columns::new(problem, lanes);
        let mut programme = Self::default();
        let mut stock: Vec<Row> = columns.rows.cap.iter().map(|&cap| at_most(cap)).collect();
        for order in 0..columns.sheets.len() {
            programme.order(&columns, order, &mut stock);
        }
        let full = stock.into_iter().filter(|row| !row.terms.is_empty());
        programme.rows.extend(full);
        programme
    }

    /// What an answer costs.
    #[must_use]
    pub fn cents(&self, answer: &[u32]) -> Cents {
        let each = self.variables.iter().zip(answer);
        Cents(each.map(|(v, n)| v.cents * i64::from(*n)).sum())
    }

    fn add(&mut self, scaled: i64, most: u32) -> usize {
        self.variables.push(Variable {
            cents: scaled / SCALE,
            most,
        });
        self.variables.len() - 1
    }

    fn order(&mut self, columns: &Columns, order: usize, stock: &mut [Row]) {
        let sheet = &columns.sheets[order];
        let shape = columns.shapes.get(sheet.shape);
        let mut draw = |var: usize, draws: &[u32]| {
            for &draw in draws {
                let row = columns.rows.draw_row[draw as usize] as usize;
                let units = columns.rows.draw_units[draw as usize];
                for row in &mut stock[row..columns.rows.end[row] as usize] {
                    row.terms.push((var, units));
                }
            }
        };
        let mut one = exactly(1);
        if sheet.keep < NEVER {
            let keep = self.add(sheet.keep, 1);
            draw(keep, columns.keep_draws(order));
            one.terms.push((keep, 1));
        }
        if sheet.nothing < BROKEN {
            one.terms.push((self.add(sheet.nothing, 1), 1));
        }
        if sheet.offers.0 < sheet.offers.1 {
            // The first shipment pays no split.
            let some = self.add(sheet.change - sheet.split, 1);
            one.terms.push((some, 1));
            let mut all: Vec<Row> = (0..shape.digits.len()).map(|_| exactly(0)).collect();
            let mut shipments = Row {
                least: Some(0),
                ..Row::default()
            };
            for at in sheet.offers.0..sheet.offers.1 {
                let offer = &columns.offers[at as usize];
                let digits = |demand: usize| shape.digit(offer.part, demand);
                let demands = (0..shape.digits.len()).filter(|&d| digits(d) > 0);
                let most = demands.clone().map(|d| shape.digits[d] / digits(d)).min();
                let var = self.add(offer.cents + sheet.split, u32::from(most.unwrap_or(1)));
                draw(var, columns.draws_of(offer));
                shipments.terms.push((var, 1));
                demands.for_each(|d| all[d].terms.push((var, i64::from(digits(d)))));
            }
            for (demand, row) in all.iter_mut().enumerate() {
                let short = columns.short(sheet, demand);
                if short.most > 0 {
                    let var = self.add(short.cents, u32::from(short.most));
                    row.terms.push((var, 1));
                }
                row.terms.push((some, -i64::from(shape.digits[demand])));
            }
            let mut few = shipments.clone();
            shipments.terms.push((some, -1));
            few.terms.push((some, -i64::from(sheet.most)));
            (few.least, few.most) = (None, Some(0));
            self.rows.extend(all.into_iter().chain([shipments, few]));
        }
        self.rows.push(one);
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
