//! The whole way: sheets, prices, a first answer, improvement, the proof.

use super::columns::{BROKEN, Columns, NEVER, SCALE};
use super::exact::{Work, solve_small};
use super::large::{LargeOrder, large_orders};
use super::merge::{Pool, merge};
use super::outcome::{Outcome, Point};
use super::plans::Near;
use super::prices::{Ascent, Prices};
use super::problem::Problem;
use super::search::Search;
use super::solve::Scratch;
use super::start::{Answer, by_regret, today};
use super::whole::{Least, generate};
use crate::model::Cents;
use crate::routing::Lanes;
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::time::Duration;

/// How much work is done. The same work gives the same plan, whatever the machine and the number
/// of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Iterations of the prices.
    pub iterations: u32,
    /// Rounds of improvement.
    pub rounds: u32,
    /// Most passes, after them, in which some orders at a time are solved jointly.
    pub passes: u32,
    /// Steps for each small component that is solved exactly.
    pub nodes: u64,
    /// Nodes of the solver for each that these steps are not enough for, and that is small enough to be
    /// an integer programme; 0 for none.
    pub solver_nodes: u32,
    /// Seed of the improvement.
    pub seed: u64,
}

impl Effort {
    /// What a backlog of so many orders is usually given: more for smaller ones.
    #[must_use]
    pub const fn usual(orders: usize) -> Self {
        let (iterations, rounds, passes, nodes, solver_nodes) = match orders {
            0..=2_000 => (600, 400, 10, 200_000, 2_000),
            2_001..=20_000 => (300, 60, 0, 100_000, 100),
            20_001..=200_000 => (160, 12, 0, 10_000, 10),
            _ => (90, 4, 0, 2_000, 0),
        };
        Self {
            iterations,
            rounds,
            passes,
            nodes,
            solver_nodes,
            seed: 1,
        }
    }
}

/// Orders too large for a sheet are asked once for so many iterations what they would like.
const ITERATIONS_TO_ROUND: u32 = 20;
/// So many rounds are shared out among several searches, so many of them: a small backlog's ends long
/// before they are done.
const ROUNDS_TO_RESTART: u32 = 200;
const STARTS: u32 = 8;
/// There is at most one pass for so many rounds.
const ROUNDS_TO_PASS: u32 = 10;
/// Passes that find nothing before the rest is left out.
const IDLE_MAX: u32 = 2;
/// Most times that an answer is shaken, and orders that are in all of them together; rounds of improvement
/// after each. After a quarter of them without any gain the rest is left out.
const SHAKES: usize = 120;
const SHAKES_ORDERS: usize = 24_000;
const SHAKE_ROUNDS: u32 = 20;
/// Each joint search has this part of the nodes of a component.
const RESOLVE_NODES: u64 = 40;
/// Plans near each order's cheapest: of all orders, and fewest and most of one.
const PLANS_ALL: usize = 200_000;
const PLANS_MIN: usize = 64;
const PLANS_MAX: usize = 1_000;

/// What is being worked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Offers are priced.
    Sheets,
    /// Prices of scarce units.
    Prices,
    /// The plan is improved.
    Search,
}

impl Stage {
    /// The name in progress events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sheets => "sheets",
            Self::Prices => "prices",
            Self::Search => "search",
        }
    }

    /// How much of a time budget is over when no further step of a stage is begun. Prices may take
    /// half of it: without them the search has nothing to go by.
    #[must_use]
    pub fn share(self, budget: Duration) -> Duration {
        match self {
            Self::Search => budget,
            Self::Sheets | Self::Prices => budget / 2,
        }
    }
}

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being worked at.
    pub stage: Stage,
    /// Steps done of it.
    pub done: u32,
    /// Of so many.
    pub of: u32,
    /// Where that has come to.
    pub at: Point,
}

/// Finds a plan of all orders together, with the proof of how good it is. `hear` is told how far the
/// work is, after every step of it; where it breaks, the rest of a stage is left out, and the plan is
/// the best so far. Work is shared by the threads of the rayon pool that this runs in.
pub fn optimize(
    problem: &Problem,
    lanes: &Lanes,
    effort: Effort,
    hear: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Outcome {
    let mut columns = Columns::new(problem, lanes);
    let large = large_orders(problem, lanes, &columns);
    let without_plan = |one: &LargeOrder| columns.sheets[one.order].keep >= NEVER;
    let mut run = Run {
        outcome: Outcome::default(),
        hear,
        bound: 0,
        waiting: large.iter().any(without_plan),
        over: false,
    };
    let stopped = run.tell(Stage::Sheets, (1, 1), None).is_break();
    let mut enough = stopped;
    let any_large = !large.is_empty();
    let mut ascent = Ascent::new(&columns, &columns.divided_by_large(problem), large);
    for done in 1..=effort.iterations.max(1) {
        ascent.step(done - 1, effort.iterations);
        run.bound = ascent.best.bound;
        let steps = (done, effort.iterations);
        // A first bound there is always.
        enough |= run.tell(Stage::Prices, steps, None).is_break();
        if enough {
            break;
        }
    }
    let (mut prices, mut large) = ascent.into_best();
    let mut leasts = Vec::new();
    if any_large {
        // Where somebody has said that it is enough the first prices stay.
        let rounds = match enough {
            true => 0,
            false => effort.iterations / ITERATIONS_TO_ROUND,
        };
        let steps = (effort.iterations, effort.iterations);
        let mut go_on = |bound| {
            run.bound = bound;
            run.tell(Stage::Prices, steps, None).is_continue()
        };
        let of = (problem, lanes);
        let found = generate(of, &mut columns, prices, &mut large, rounds, &mut go_on);
        (prices, leasts) = (found.prices, found.leasts);
        run.bound = prices.bound;
    }
    let start = today(problem, &columns);
    run.outcome.cents_before = cents(without_tokens(start.cents()));
    let mut fresh = by_regret(problem, &columns, &prices.of);
    if fresh.cents() > start.cents() {
        fresh = start.clone();
    }
    let search = Search::new(&columns, &prices.of, effort.seed);
    let (mut answer, stop) = run.search(&search, (&columns, &prices), effort, [fresh, start]);
    let mut work = Work {
        nodes: effort.nodes,
        solver_nodes: effort.solver_nodes,
    };
    if stopped || stop || run.polish(&search, (&columns, &prices), effort, &mut answer) {
        work = work.glance();
    } else {
        run.resolve(&search, (&columns, &prices), effort, &mut answer);
    }
    let found = Some(answer.cents());
    let mut go_on = |done, of| run.tell(Stage::Search, (done, of), found).is_continue();
    let raised = solve_small(
        &columns,
        &prices,
        search.lines(),
        work,
        &mut answer,
        &mut go_on,
    );
    // What is proven of a small group holds as long as the large orders keep what they have.
    run.bound += if any_large { 0 } else { raised };
    let found = (&answer, &prices, &*leasts);
    let rounds = if run.over {
        effort.rounds.min(1)
    } else {
        effort.rounds
    };
    run.finish(problem, lanes, &columns, found, rounds)
}

/// The cheapest of some answers.
fn best_of(answers: Vec<Answer<'_>>) -> Answer<'_> {
    let best = answers.into_iter().min_by_key(Answer::cents);
    best.expect("there is one answer at least")
}

/// The best that can be put together of some answers.
fn merged<'a>(columns: &Columns, prices: &Prices, answers: Vec<Answer<'a>>) -> Answer<'a> {
    let mut pool = Pool::default();
    answers.iter().for_each(|answer| pool.add(answer));
    let mut best = best_of(answers);
    merge(columns, prices, &pool, &mut best);
    best
}

struct Run<'h> {
    outcome: Outcome,
    hear: &'h mut dyn FnMut(Progress) -> ControlFlow<()>,
    /// Scaled.
    bound: i128,
    /// Whether an order without a plan may get one at the end: until then nothing is proven of all.
    waiting: bool,
    /// Whether somebody said that it is enough.
    over: bool,
}

impl Run<'_> {
    /// Improves one of two first answers, or both in several ways side by side, of which the best is told:
    /// where one search is stuck another may not be. Tells, too, whether somebody said that it is enough.
    fn search<'a>(
        &mut self,
        search: &Search<'a>,
        (columns, prices): (&Columns, &Prices),
        effort: Effort,
        firsts: [Answer<'a>; 2],
    ) -> (Answer<'a>, bool) {
        let starts = match effort.rounds >= ROUNDS_TO_RESTART {
            true => STARTS,
            false => 1,
        };
        let each = effort.rounds.div_ceil(starts);
        let of = effort.rounds + effort.passes;
        let [fresh, today] = firsts;
        let mut answers = vec![fresh];
        while answers.len() < starts as usize {
            let next = match answers.len() % 2 {
                0 => answers[0].clone(),
                _ => today.clone(),
            };
            answers.push(next);
        }
        drop(today);
        let mut stopped = false;
        for done in 1..=each {
            let round = |(at, answer): (usize, &mut Answer<'a>)| {
                search.round(at as u64 * u64::from(each) + u64::from(done), answer);
            };
            answers.par_iter_mut().enumerate().for_each(round);
            let steps = ((done * starts).min(effort.rounds), of);
            let so_far = answers.iter().map(Answer::cents).min();
            if self.tell(Stage::Search, steps, so_far).is_break() {
                stopped = true;
                break;
            }
        }
        let best = match starts > 1 && !stopped {
            true => merged(columns, prices, answers),
            false => best_of(answers),
        };
        (best, stopped)
    }

    /// Shakes an answer in several ways side by side, searches on from there, and puts together what came
    /// of it; so several times. Tells whether somebody said that it is enough.
    fn polish(
        &mut self,
        search: &Search<'_>,
        (columns, prices): (&Columns, &Prices),
        effort: Effort,
        answer: &mut Answer<'_>,
    ) -> bool {
        if effort.passes == 0 || effort.rounds < ROUNDS_TO_RESTART {
            return false;
        }
        let orders = columns.sheets.len().max(1);
        let shakes = SHAKES.min(SHAKES_ORDERS / orders);
        let mut idle = 0;
        for cycle in 1..=shakes {
            let mut answers = vec![answer.clone(); STARTS as usize];
            let shaken = |(at, answer): (usize, &mut Answer<'_>)| {
                let number = (cycle * STARTS as usize + at) as u64;
                search.shake(number, answer);
                for round in 0..u64::from(SHAKE_ROUNDS) {
                    search.round((number << 32) + round, answer);
                }
            };
            answers.par_iter_mut().enumerate().for_each(shaken);
            answers.push(answer.clone());
            let steps = (effort.rounds, effort.rounds + effort.passes);
            let so_far = answers.iter().map(Answer::cents).min();
            // To put them together may take longer than to find them.
            let stop = self.tell(Stage::Search, steps, so_far).is_break();
            let best = match stop {
                true => best_of(answers),
                false => merged(columns, prices, answers),
            };
            let gained = best.cents() < answer.cents();
            *answer = best;
            if stop {
                return true;
            }
            idle = if gained { 0 } else { idle + 1 };
            if idle > shakes / 4 {
                break;
            }
        }
        false
    }

    /// Improves an answer by joint searches of some orders at a time, until they find nothing.
    fn resolve(
        &mut self,
        search: &Search<'_>,
        (columns, prices): (&Columns, &Prices),
        effort: Effort,
        answer: &mut Answer<'_>,
    ) {
        // Whoever asks for few rounds asks for little of this as well.
        let passes = effort.passes.min(effort.rounds / ROUNDS_TO_PASS);
        if passes == 0 {
            return;
        }
        let gap = answer.cents() - self.bound;
        let gap = i64::try_from(gap).unwrap_or(NEVER).clamp(0, NEVER);
        let orders = columns.sheets.len();
        let most = (PLANS_ALL / orders.max(1)).clamp(PLANS_MIN, PLANS_MAX);
        let near: Vec<Near> = (0..orders)
            .into_par_iter()
            .map_init(Scratch::default, |scratch, order| {
                match search.lines()[order].is_empty() {
                    true => Near::default(),
                    false => Near::new(columns, order, &prices.of, (gap, most), scratch),
                }
            })
            .collect();
        let mut idle = 0;
        for pass in 1..=passes {
            let near = (prices, &*near);
            let gained =
                search.resolve(u64::from(pass), near, effort.nodes / RESOLVE_NODES, answer);
            idle = if gained > 0 { 0 } else { idle + 1 };
            let steps = (effort.rounds + pass, effort.rounds + effort.passes);
            let stop = self.tell(Stage::Search, steps, Some(answer.cents()));
            if stop.is_break() || idle == IDLE_MAX {
                break;
            }
        }
    }

    fn tell(
        &mut self,
        stage: Stage,
        (done, of): (u32, u32),
        so_far: Option<i128>,
    ) -> ControlFlow<()> {
        let at = Point {
            cents: so_far.map(|scaled| cents(without_tokens(scaled))),
            bound: match self.waiting {
                true => Cents(0),
                false => bound(without_tokens(self.bound)),
            },
        };
        self.outcome.trace.push(at);
        let heard = (self.hear)(Progress {
            stage,
            done,
            of,
            at,
        });
        // Prices have a part of the time only: when that is over not all is.
        self.over |= heard.is_break() && stage != Stage::Prices;
        heard
    }

    fn finish(
        mut self,
        problem: &Problem,
        lanes: &Lanes,
        columns: &Columns,
        (answer, prices, large): (&Answer<'_>, &Prices, &[Least]),
        rounds: u32,
    ) -> Outcome {
        let all = answer.cents();
        // Who has no plan costs a token amount; without it both stay as far apart as they are.
        let broken = answer.choices.iter().filter(|c| c.cents >= BROKEN);
        let broken: i128 = broken.map(|c| i128::from(c.cents)).sum();
        let answer = (&*answer.choices, prices, large);
        let filled = self.outcome.fill(problem, lanes, columns, answer, rounds);
        self.outcome.cents = cents(all - broken + filled.cents);
        let proven = filled.bound.unwrap_or(self.bound);
        // A bound above what was found is a wrong proof: no test may pass over it.
        debug_assert!(
            bound(proven - broken) <= self.outcome.cents,
            "the bound {proven} is above the plan {all} with {broken} of tokens"
        );
        self.outcome.bound = bound(proven - broken).min(self.outcome.cents);
        let with_large = filled.with_large.map_or(proven, |b| b.max(proven));
        self.outcome.bound_with_large = bound(with_large - broken).min(self.outcome.cents);
        self.outcome.trace.push(Point {
            cents: Some(self.outcome.cents),
            bound: self.outcome.bound,
        });
        self.outcome
    }
}

/// A sum without the token amounts of orders that have no plan. All else that orders cost together is
/// far less than one of them.
fn without_tokens(scaled: i128) -> i128 {
    let token = i128::from(BROKEN);
    scaled - (scaled + token / 2).div_euclid(token) * token
}

/// Scaled to cents.
fn cents(scaled: i128) -> Cents {
    Cents(i64::try_from(scaled / i128::from(SCALE)).unwrap_or(i64::MAX))
}

/// A bound in whole cents: all plans cost whole cents, so it may be rounded up.
fn bound(scaled: i128) -> Cents {
    let up = scaled.div_euclid(i128::from(SCALE))
        + i128::from(scaled.rem_euclid(i128::from(SCALE)) != 0);
    Cents(i64::try_from(up).unwrap_or(0))
}
