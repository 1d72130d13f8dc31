//! The highest rate that holds, found on a machine where single runs lie.
//!
//! A machine has quiet and busy seconds, so a run fails now and then at a rate that holds, sometimes several
//! in a row, and one holds by luck at a rate that does not. What a search does about that:
//!
//! | | rule |
//! | --- | --- |
//! | reach | doubled while it holds; lowered in growing steps while nothing has held, each rate after a second failure |
//! | narrow | the middle of what holds and what does not, by ratio, until they are within the precision |
//! | confirm | a rate counts when it holds in `confirmations` longer runs, of which one more may fail |
//! | fall back | after a failed confirmation: rates that held, the next one first, then in growing steps, then lower ones, until one is confirmed; only then is narrowed again |
//! | once more | the rate above the answer must fail three times with runs that held in between, or it is an answer itself; a rate that held before, or that failed in a row of three or more failures, is asked before anything is narrowed below it |
//!
//! N of N + 1, not all of N: where one run in ten fails by the machine's doing, two of two fail one time in
//! five and two of three one in 36, and an answer that is too low is as wrong as one that is too high.
//! Where half of the runs at a rate fail by its own doing, it passes half of the time; such rates lie within a
//! few percent of the edge, below the precision that is asked for.
//!
//! Runs are bounded: after [`Limits::runs`], or [`Search::hurry`], nothing is narrowed any more, and what is
//! left is to confirm something. So there is an answer whenever any rate holds.
#![allow(clippy::float_arithmetic, reason = "rates of commands")]

use super::trial::{Point, Purpose, Trial};
use serde::{Deserialize, Serialize};

/// Failures in a row from which on the machine is suspected rather than the rates.
const SUSPICIOUS: usize = 3;
/// A rate that had a part in so many rows of failures is not asked again: there were as many stalls, or none.
const ROWS: usize = 3;
/// The same of one that failed so often.
const FIRM: usize = 7;
/// How often a rate that failed may come back.
const COMEBACKS: usize = 2;
/// A confirmation is over after so many failures.
const FAILURES: usize = 2;
/// Nothing is said to hold only after so many failures in a row.
const GIVE_UP: usize = 20;
/// The least precision: two runs closer than that are the same.
const FINEST: f64 = 1.02;

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The first rate.
    pub start: f64,
    /// No rate above this is tried.
    pub most: f64,
    /// It ends when what holds and what does not are so close: 1.1 is ten percent.
    pub precision: f64,
    /// Longer runs in which an answer must hold; one more may fail. With 0 a single short run is believed.
    pub confirmations: usize,
    /// After so many runs nothing is narrowed any more; what follows only confirms.
    pub runs: usize,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The highest rate that held and was confirmed; `None` when nothing that was tried held.
    pub holds: Option<f64>,
    /// The lowest rate above it that did not hold; `None` when all did.
    pub fails: Option<f64>,
    /// Whether the two came as close as they should, before runs or time ran out.
    #[serde(default)]
    pub complete: bool,
    /// Every run.
    pub points: Vec<Point>,
}

/// What is known of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its last run held.
    Held,
    /// Its longer runs so far.
    Confirming { held: usize, failed: usize },
    /// It held in enough of them.
    Confirmed,
    /// Its last run failed, or its confirmation did.
    Failed,
}

#[derive(Debug, Clone)]
struct Tried {
    rate: f64,
    state: State,
    /// Failures since it last held.
    failures: usize,
    /// The row of failures that the last one belongs to.
    row: usize,
    /// How many rows of failures it had a part in since then.
    rows: usize,
    /// It failed so often that it is not asked again.
    firm: bool,
    /// It may hold all the same, and is asked before anything is narrowed below it.
    doubted: bool,
    /// Whether any run at it held.
    ever_held: bool,
    /// How often it held after it had failed.
    comebacks: usize,
}

/// A search: asks for runs, is told what came of them.
#[derive(Debug, Clone)]
pub struct Search {
    limits: Limits,
    /// By rate, ascending.
    tried: Vec<Tried>,
    points: Vec<Point>,
    /// Number of the last row of failures, how long it is, and whether it still goes on.
    row: usize,
    row_length: usize,
    failing: bool,
    /// Confirmations that failed while nothing was confirmed.
    slips: u32,
    /// The rate whose confirmation was begun when it was late already.
    last_word: bool,
    late: bool,
}

/// Searches with `run`, which is given what to run and the search so far, and may [`Search::hurry`] it.
///
/// # Errors
/// When a run fails.
pub fn search<E>(
    limits: Limits,
    mut run: impl FnMut(Trial, &mut Search) -> Result<Point, E>,
) -> Result<Found, E> {
    let mut search = Search::new(limits);
    while let Some(trial) = search.wanted() {
        let point = run(trial, &mut search)?;
        search.tell(point);
    }
    Ok(search.found())
}

impl Search {
    /// Nothing tried yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Limits {
                start: round(limits.start.max(1.0)).min(limits.most.max(1.0)),
                most: limits.most.max(1.0),
                precision: limits.precision.max(FINEST),
                ..limits
            },
            tried: Vec::new(),
            points: Vec::new(),
            row: 0,
            row_length: 0,
            failing: false,
            slips: 0,
            last_word: false,
            late: false,
        }
    }

    /// Narrows no more: confirms something, and ends.
    pub fn hurry(&mut self) {
        self.late = true;
    }

    /// Runs so far.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.points.len()
    }

    /// What is known so far.
    #[must_use]
    pub fn found(&self) -> Found {
        let holds = self.confirmed();
        let fails = self.ceiling().map(|c| c.rate);
        let close = match (holds, fails) {
            (Some(low), Some(high)) => high / low <= self.limits.precision * 1.000_1,
            (Some(low), None) => low >= self.limits.most,
            (None, _) => false,
        };
        Found {
            holds,
            fails,
            complete: close,
            points: self.points.clone(),
        }
    }

    /// The run that is wanted next; `None` at the end.
    #[must_use]
    pub fn wanted(&self) -> Option<Trial> {
        if let Some(rate) = self.confirming() {
            return Some(confirm(rate));
        }
        let (Some(low), is_late) = (self.held().or(self.confirmed()), self.is_late()) else {
            return self.down();
        };
        if self.confirmed().is_none() && (self.slips > 0 || is_late) {
            return self.footing().map(confirm);
        }
        let to_confirm = self.held().map(confirm);
        if is_late {
            return to_confirm.filter(|_| !self.last_word);
        }
        let Some(ceiling) = self.ceiling() else {
            let up = round(low * 2.0).min(self.limits.most);
            return match low < self.limits.most {
                true => Some(trial(up, Purpose::Reach)),
                false => to_confirm,
            };
        };
        let again = (!ceiling.firm).then(|| trial(ceiling.rate, Purpose::Again));
        if ceiling.doubted && !self.failing && again.is_some() {
            return again;
        }
        if ceiling.rate / low > self.limits.precision * 1.000_1 {
            return Some(trial(round((ceiling.rate * low).sqrt()), Purpose::Narrow));
        }
        // Something must hold between two failures, or both are of the same stall.
        let between = self.confirmed().filter(|_| self.failing);
        let look = between.map(|rate| trial(rate, Purpose::Again));
        to_confirm.or(again.map(|again| look.unwrap_or(again)))
    }

    /// About how many short and longer runs are still to come.
    #[must_use]
    pub fn left(&self) -> (usize, usize) {
        let halvings = |ratio: f64| {
            let steps = (ratio.ln() / self.limits.precision.ln()).max(1.0).log2();
            (0..64)
                .find(|step| f64::from(*step) >= steps - 1e-3)
                .unwrap_or(0)
        };
        let low = self.held().or(self.confirmed());
        let short = match (low, self.ceiling()) {
            _ if self.is_late() => 0,
            (Some(low), Some(ceiling)) => halvings(ceiling.rate / low) + i32::from(!ceiling.firm),
            (Some(low), None) if low >= self.limits.most => 0,
            _ => halvings(2.0) + 2,
        };
        let held = self.tried.iter().filter_map(|t| match t.state {
            State::Confirming { held, .. } => Some(held),
            State::Held | State::Confirmed | State::Failed => None,
        });
        let sure = self.confirmed() == low && low.is_some();
        let long = match sure && short <= 1 {
            true => 0,
            false => self.limits.confirmations - held.sum::<usize>().min(self.limits.confirmations),
        };
        (usize::try_from(short).unwrap_or(0), long)
    }

    /// Takes what came of the run that was wanted.
    pub fn tell(&mut self, point: Point) {
        let (rate, purpose, holds) = (point.rate, point.purpose, point.holds);
        self.last_word |= self.is_late() && purpose == Purpose::Confirm;
        self.points.push(point);
        let ended = self.count_row(holds);
        let at = self.place_of(rate);
        let needed = self.limits.confirmations;
        let row = self.row;
        let one = &mut self.tried[at];
        one.ever_held |= holds;
        let state = match (one.state, purpose) {
            // A look at whether the machine stalls; what was confirmed stays so.
            (State::Confirmed, _) => State::Confirmed,
            (State::Confirming { held, failed }, _) => State::Confirming {
                held: held + usize::from(holds),
                failed: failed + usize::from(!holds),
            },
            (_, Purpose::Confirm) => State::Confirming {
                held: usize::from(holds),
                failed: usize::from(!holds),
            },
            _ if holds => State::Held,
            _ => State::Failed,
        };
        one.state = match state {
            State::Confirming { held, .. } if held >= needed => State::Confirmed,
            State::Confirming { failed, .. } if failed >= FAILURES => State::Failed,
            State::Held if needed == 0 => State::Confirmed,
            State::Held | State::Confirming { .. } | State::Confirmed | State::Failed => state,
        };
        match (one.state, purpose) {
            (State::Failed, Purpose::Confirm) => {
                // It held once: whether it was the machine is asked later.
                one.failures = FAILURES;
                (one.row, one.rows) = (row, 1);
                one.doubted = true;
                one.firm = one.comebacks >= COMEBACKS;
                if self.confirmed().is_none() {
                    self.slips += 1;
                }
            }
            (State::Failed, _) => {
                one.rows += usize::from(one.row != row || one.failures == 0);
                one.failures += 1;
                one.row = row;
                one.firm = one.rows >= ROWS || one.failures >= FIRM;
                one.doubted &= !one.firm;
            }
            (State::Held | State::Confirming { .. } | State::Confirmed, _) => {
                one.comebacks += usize::from(one.failures > 0);
                (one.failures, one.rows) = (0, 0);
                one.doubted = false;
            }
        }
        if let Some((row, length)) = ended
            && length >= SUSPICIOUS
        {
            for one in &mut self.tried {
                one.doubted |= one.state == State::Failed && one.row == row && !one.firm;
            }
        }
    }

    /// Counts failures in a row; the row that a run has ended, and its length.
    fn count_row(&mut self, holds: bool) -> Option<(usize, usize)> {
        match (holds, self.failing) {
            (true, true) => {
                self.failing = false;
                Some((self.row, self.row_length))
            }
            (true, false) => None,
            (false, going_on) => {
                self.row += usize::from(!going_on);
                self.row_length = if going_on { self.row_length + 1 } else { 1 };
                self.failing = true;
                None
            }
        }
    }

    fn place_of(&mut self, rate: f64) -> usize {
        let at = self.tried.partition_point(|t| t.rate < rate);
        if self.tried.get(at).is_none_or(|t| t.rate > rate) {
            let new = Tried {
                rate,
                state: State::Held,
                failures: 0,
                row: 0,
                rows: 0,
                firm: false,
                doubted: false,
                ever_held: false,
                comebacks: 0,
            };
            self.tried.insert(at, new);
        }
        at
    }

    fn is_late(&self) -> bool {
        self.late || self.points.len() >= self.limits.runs
    }

    /// The rate whose confirmation is under way.
    fn confirming(&self) -> Option<f64> {
        let is = |t: &&Tried| matches!(t.state, State::Confirming { .. });
        self.tried.iter().find(is).map(|t| t.rate)
    }

    /// The answer so far. What failed below it failed by the machine's doing.
    fn confirmed(&self) -> Option<f64> {
        let is = |t: &&Tried| t.state == State::Confirmed;
        self.tried.iter().rev().find(is).map(|t| t.rate)
    }

    /// The lowest rate that fails above the answer.
    fn ceiling(&self) -> Option<&Tried> {
        let floor = self.confirmed().unwrap_or(0.0);
        let is = |t: &&Tried| t.state == State::Failed && t.rate > floor;
        // One that lies below a rate that held later is not what bounds it.
        let low = self.tried.iter().filter(is);
        low.min_by(|a, b| a.rate.total_cmp(&b.rate))
    }

    /// Rates that held, between the answer and what fails.
    fn all_held(&self) -> impl DoubleEndedIterator<Item = f64> {
        let floor = self.confirmed().unwrap_or(0.0);
        let top = self.ceiling().map_or(f64::INFINITY, |c| c.rate);
        let is = move |t: &&Tried| t.state == State::Held && t.rate > floor && t.rate < top;
        self.tried.iter().filter(is).map(|t| t.rate)
    }

    /// The highest of them.
    fn held(&self) -> Option<f64> {
        self.all_held().next_back()
    }

    /// A rate that held and lies lower the more confirmations have failed; the lowest, if none is so low.
    fn footing(&self) -> Option<f64> {
        let top = self.ceiling().map_or(f64::INFINITY, |c| c.rate);
        let below = top / 2f64.powi(i32::try_from(self.slips).unwrap_or(64).clamp(1, 64) - 1);
        let low = self.all_held().rfind(|rate| *rate <= below);
        low.or_else(|| self.all_held().next())
    }

    /// Nothing holds: the lowest rate again, then lower ones, each by more.
    fn down(&self) -> Option<Trial> {
        let Some(lowest) = self.tried.first() else {
            return Some(trial(self.limits.start, Purpose::Reach));
        };
        if lowest.failures < 2 && !self.is_late() {
            return Some(trial(lowest.rate, Purpose::Again));
        }
        let below = self.tried.iter().take_while(|t| !t.ever_held);
        let steps = i32::try_from(below.count()).unwrap_or(4).clamp(1, 4);
        let rate = round((lowest.rate / 2f64.powi(steps)).max(1.0));
        if rate < lowest.rate {
            return Some(trial(rate, Purpose::Reach));
        }
        // At the bottom already, and it may only be a stall.
        let may_stall =
            !self.is_late() && self.row_length < GIVE_UP && lowest.comebacks <= COMEBACKS;
        may_stall.then(|| trial(lowest.rate, Purpose::Again))
    }
}

fn trial(rate: f64, purpose: Purpose) -> Trial {
    Trial { rate, purpose }
}

fn confirm(rate: f64) -> Trial {
    trial(rate, Purpose::Confirm)
}

/// Four digits: nobody offers 28,284.27 commands a second.
fn round(rate: f64) -> f64 {
    let unit = 10f64.powf(rate.max(1e-9).log10().floor() - 3.0);
    (rate / unit).round() * unit
}

#[cfg(test)]
mod tests;
