//! Improvement in rounds: the SKUs are dealt to a few benches at random, and each bench moves the
//! orders all of whose scarce SKUs it was dealt.
//!
//! How many benches there are depends on the problem, not on the machine, and each has its own
//! random numbers; so threads share the work and change nothing of the answer.

use super::columns::{BROKEN, Columns, NEVER};
use super::moves::{Bench, ByLine, Displace, Refill, Resolve};
use super::plans::Near;
use super::prices::Prices;
use super::random::Random;
use super::rows::count;
use super::solve::Scratch;
use super::start::Answer;
use rayon::prelude::*;
use smallvec::SmallVec;

/// Moves in a round for every order that can move.
const MOVES: usize = 4;
/// Of so many orders that can move one is the middle of a joint search in a pass.
const RESOLVE_SHARE: usize = 2;

/// So many of a hundred orders are shaken, in turns.
const SHAKEN: [usize; 4] = [20, 10, 20, 45];

/// What the search knows of the problem, once for all rounds.
pub(super) struct Search<'a> {
    columns: &'a Columns,
    prices: &'a [i64],
    /// By order: its contended lines; none where nothing can be moved.
    lines: Vec<SmallVec<[u32; 4]>>,
    /// By order: its cost at the prices.
    ideal: Vec<i64>,
    seed: u64,
    benches: u64,
}

/// What a bench did.
struct Done {
    orders: Vec<u32>,
    choices: Vec<super::solve::Choice>,
    left: Vec<(u32, i64)>,
}

impl Done {
    fn put(self, answer: &mut Answer<'_>) {
        for (order, choice) in self.orders.iter().zip(self.choices) {
            answer.choices[*order as usize] = choice;
        }
        for (row, left) in self.left {
            answer.rest.left[row as usize] = left;
        }
    }
}

/// The moves of a round, in turns.
fn refill_and_displace(bench: &mut Bench<'_>) {
    let mut displace = Displace::default();
    for turn in 0..MOVES * bench.orders.len() {
        if turn % 2 == 0 {
            Refill::run(bench);
        } else {
            displace.run(bench);
        }
    }
}

impl<'a> Search<'a> {
    /// `lines` are the contended lines of each order.
    pub(super) fn new(columns: &'a Columns, prices: &'a [i64], seed: u64) -> Self {
        let price = |draw: u32| prices[draw as usize];
        let ideal = (0..columns.sheets.len())
            .into_par_iter()
            .map_init(Scratch::default, |scratch, order| {
                columns.solve(order, price, |_| true, scratch).0
            });
        let lines = (0..columns.sheets.len()).into_par_iter();
        Self {
            lines: lines.map(|order| contended(columns, order)).collect(),
            ideal: ideal.collect(),
            columns,
            prices,
            seed,
            // Days are shared by orders whose items have nothing to do with each other.
            benches: match columns.sheets.len() < 2_000 || columns.rows.any_full() {
                true => 1,
                false => 4,
            },
        }
    }

    /// By order: the lines it contends for.
    pub(super) fn lines(&self) -> &[SmallVec<[u32; 4]>] {
        &self.lines
    }

    /// One round.
    pub(super) fn round(&self, number: u64, answer: &mut Answer<'_>) {
        let orders = self.deal(number);
        let done: Vec<Done> = orders
            .par_iter()
            .enumerate()
            .map(|(bench, orders)| {
                let part = number * self.benches + bench as u64;
                let random = Random::part(self.seed, part);
                self.work(orders, random, answer, refill_and_displace)
            })
            .collect();
        done.into_iter().for_each(|done| done.put(answer));
    }

    /// Takes what some of the orders have and places them again, in another sequence and at other prices.
    pub(super) fn shake(&self, number: u64, answer: &mut Answer<'_>) {
        let mut random = Random::part(self.seed.rotate_left(32), number);
        let moving = (0..self.lines.len()).filter(|&order| !self.lines[order].is_empty());
        let share = SHAKEN[usize::try_from(number % 4).unwrap_or(0)];
        let mut shaken: Vec<usize> = moving.filter(|_| random.index(100) < share).collect();
        for &order in &shaken {
            answer.rest.give(order, &answer.choices[order]);
        }
        random.shuffle(&mut shaken);
        for order in shaken {
            let weight = i64::try_from(random.index(3)).unwrap_or(0);
            let price = |draw: u32| self.prices[draw as usize] * weight / 2;
            answer.choices[order] = answer.rest.place(order, price);
        }
    }

    /// Which bench has a line in a round.
    fn bench_of(&self, number: u64, line: u32) -> u64 {
        let mut random = Random::part(number ^ self.seed, u64::from(line) + 1);
        random.next() % self.benches
    }

    /// The orders of every bench.
    fn deal(&self, number: u64) -> Vec<Vec<u32>> {
        let mut dealt = vec![Vec::new(); usize::try_from(self.benches).unwrap_or(1)];
        for (order, lines) in self.lines.iter().enumerate() {
            let Some((&first, others)) = lines.split_first() else {
                continue;
            };
            let bench = self.bench_of(number, first);
            if others.iter().all(|&l| self.bench_of(number, l) == bench) {
                dealt[usize::try_from(bench).unwrap_or(0)].push(count(order));
            }
        }
        dealt
    }

    /// Searches of so many `nodes` each, for some orders at a time, on plans near each order's cheapest.
    /// Tells the scaled cents they gained.
    pub(super) fn resolve(
        &self,
        number: u64,
        (prices, near): (&Prices, &[Near]),
        nodes: u64,
        answer: &mut Answer<'_>,
    ) -> i64 {
        let moving = (0..self.lines.len()).filter(|&order| !self.lines[order].is_empty());
        let orders: Vec<u32> = moving.map(count).collect();
        if orders.is_empty() {
            return 0;
        }
        let mut resolve = Resolve::new(prices, near, nodes);
        let mut gained = 0;
        let random = Random::part(!self.seed, number);
        let done = self.work(&orders, random, answer, |bench| {
            for _ in 0..orders.len().div_ceil(RESOLVE_SHARE) {
                gained += resolve.run(bench);
            }
        });
        done.put(answer);
        gained
    }

    /// Works at some orders that nobody else changes meanwhile.
    fn work(
        &self,
        orders: &[u32],
        random: Random,
        answer: &Answer<'_>,
        moves: impl FnOnce(&mut Bench<'_>),
    ) -> Done {
        let mut pairs = Vec::new();
        let mut lines_of = Vec::with_capacity(orders.len());
        let mut unhappy = Vec::new();
        for (at, &order) in (0u32..).zip(orders) {
            let lines = &self.lines[order as usize];
            pairs.extend(lines.iter().map(|&line| (line, at)));
            lines_of.push(lines.clone());
            if self.slack(order as usize, answer) > 0 {
                unhappy.push(at);
            }
        }
        let by_line = ByLine::new(&mut pairs);
        let mut bench = Bench {
            columns: self.columns,
            prices: self.prices,
            rest: answer.rest.clone(),
            orders,
            choices: orders
                .iter()
                .map(|&o| answer.choices[o as usize].clone())
                .collect(),
            by_line: &by_line,
            lines_of,
            unhappy,
            random,
        };
        moves(&mut bench);
        let rows = (0u32..).zip(bench.rest.left.iter().zip(&answer.rest.left));
        let changed = rows.filter(|(_, (now, before))| now != before);
        Done {
            orders: orders.to_vec(),
            left: changed.map(|(row, (now, _))| (row, *now)).collect(),
            choices: bench.choices,
        }
    }

    /// What an order costs at the prices more than it would alone.
    fn slack(&self, order: usize, answer: &Answer<'_>) -> i64 {
        let choice = &answer.choices[order];
        if !choice.exists() {
            return NEVER;
        }
        let draws = self.columns.chosen(order, choice);
        let paid: i64 = draws.map(|&d| self.prices[d as usize]).sum();
        choice.cents + paid - self.ideal[order]
    }
}

/// The contended lines of an order that can move.
fn contended(columns: &Columns, order: usize) -> SmallVec<[u32; 4]> {
    let sheet = &columns.sheets[order];
    let mut lines: SmallVec<[u32; 4]> = SmallVec::new();
    // Without offers it may still have today's plan or none.
    let may_choose = sheet.keep < NEVER && sheet.nothing < BROKEN;
    if sheet.offers.0 == sheet.offers.1 && !may_choose {
        return lines;
    }
    let offers = &columns.offers[sheet.offers.0 as usize..sheet.offers.1 as usize];
    let drawn = offers.iter().flat_map(|o| columns.draws_of(o));
    for &draw in columns.keep_draws(order).iter().chain(drawn) {
        let row = columns.rows.draw_row[draw as usize];
        let line = columns.rows.line[row as usize];
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
