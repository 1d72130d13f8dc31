//! What is left of a problem's supply, as the router sees it.

use super::problem::{OpenOrder, Problem, Supply, units};
use crate::ledger::{Step, StockView};
use crate::model::{ChannelId, EpochMillis, LocationId, Qty, SkuId};
use std::collections::HashMap;

/// Units that somebody takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    /// Line of the supply.
    pub(super) line: usize,
    pub(super) location: LocationId,
    /// When they must be there.
    pub(super) at: EpochMillis,
    pub(super) units: i64,
}

/// A range of levels.
type Range = (u32, u32);

/// Units by line, location and time, and by line, channel and time.
pub(super) struct Left<'p> {
    problem: &'p Problem,
    /// By line: where its cells begin, and where the last ends.
    lines: Vec<u32>,
    cells: Vec<(LocationId, Range)>,
    limits: HashMap<(usize, ChannelId), Range, foldhash::fast::FixedState>,
    from: Vec<EpochMillis>,
    left: Vec<i64>,
}

impl<'p> Left<'p> {
    /// Everything.
    pub(super) fn new(problem: &'p Problem) -> Self {
        let view = problem.supply.view();
        let mut left = Self {
            problem,
            lines: vec![0],
            cells: Vec::new(),
            limits: HashMap::default(),
            from: Vec::new(),
            left: Vec::new(),
        };
        for line in 0..view.len() {
            for cell in view.cells(line) {
                let now = Step {
                    from: problem.now,
                    qty: cell.now,
                };
                let range = left.add(std::iter::once(&now).chain(view.later(cell)));
                left.cells.push((cell.location, range));
            }
            let end = u32::try_from(left.cells.len()).unwrap_or(u32::MAX);
            left.lines.push(end);
        }
        for (line, channel, steps) in problem.supply.limits() {
            let range = left.add(steps.iter());
            left.limits.insert((line, channel), range);
        }
        left
    }

    fn add<'s>(&mut self, steps: impl Iterator<Item = &'s Step>) -> Range {
        let start = u32::try_from(self.left.len()).unwrap_or(u32::MAX);
        for step in steps {
            self.from.push(step.from);
            self.left.push(units(step.qty));
        }
        (start, u32::try_from(self.left.len()).unwrap_or(u32::MAX))
    }

    fn cell(&self, line: usize, location: LocationId) -> Option<Range> {
        let cells = &self.cells[self.lines[line] as usize..self.lines[line + 1] as usize];
        let at = cells.binary_search_by_key(&location, |c| c.0).ok()?;
        Some(cells[at].1)
    }

    /// Gives back or takes what somebody draws.
    pub(super) fn change(&mut self, channel: ChannelId, draw: &Draw, sign: i64) {
        let cell = self.cell(draw.line, draw.location);
        let limit = self.limits.get(&(draw.line, channel)).copied();
        for (start, end) in cell.into_iter().chain(limit) {
            let (start, end) = (start as usize, end as usize);
            let begun = self.from[start..end].partition_point(|f| *f <= draw.at);
            let first = start + begun.saturating_sub(1);
            for left in &mut self.left[first..end] {
                *left += sign * draw.units;
            }
        }
    }

    /// What is left at a moment: promised later counts, so it is the least from there on.
    pub(super) fn at(&self, line: usize, location: LocationId, at: EpochMillis) -> i64 {
        let Some((start, end)) = self.cell(line, location) else {
            return 0;
        };
        let (start, end) = (start as usize, end as usize);
        let begun = self.from[start..end].partition_point(|f| *f <= at);
        let least = self.left[start + begun.saturating_sub(1)..end].iter().min();
        least.copied().unwrap_or(0)
    }

    /// What there is at a location at the moment: the least of all that comes.
    pub(super) fn now(&self, line: usize, location: LocationId) -> i64 {
        self.at(line, location, self.problem.now)
    }

    /// The locations that hold some of a line, or will.
    pub(super) fn locations(&self, line: usize) -> impl Iterator<Item = LocationId> + '_ {
        let cells = &self.cells[self.lines[line] as usize..self.lines[line + 1] as usize];
        cells.iter().map(|c| c.0)
    }

    /// What an order may draw from.
    pub(super) fn view(&self, order: &OpenOrder) -> StockView {
        let mut view = StockView::default();
        let mut steps: Vec<Step> = Vec::new();
        for demand in &order.demands {
            view.push_line(demand.sku);
            let Some(line) = self.problem.supply.line(demand.sku) else {
                continue;
            };
            self.push_cells(&mut view, line, &mut steps);
            if let Some(&range) = self.limits.get(&(line, order.channel)) {
                self.steps(range, &mut steps);
                view.push_limit(&steps);
            }
        }
        view
    }

    /// What may be promised by time: the least from each moment on, in ascending amounts.
    fn steps(&self, (start, end): Range, into: &mut Vec<Step>) {
        into.clear();
        let mut least = i64::MAX;
        for at in (start as usize..end as usize).rev() {
            least = least.min(self.left[at]);
            let qty = u32::try_from(least.max(0)).unwrap_or(Qty::MAX.0);
            let step = Step {
                from: self.from[at],
                qty: Qty(qty.min(Qty::MAX.0)),
            };
            match into.last_mut() {
                Some(later) if later.qty == step.qty => *later = step,
                _ => into.push(step),
            }
        }
        into.reverse();
    }

    /// What is left of some items, ascending, as a supply of its own.
    pub(super) fn supply(&self, skus: impl Iterator<Item = SkuId>) -> Supply {
        let mut view = StockView::default();
        let mut steps: Vec<Step> = Vec::new();
        let mut limits = Vec::new();
        for sku in skus {
            view.push_line(sku);
            let Some(line) = self.problem.supply.line(sku) else {
                continue;
            };
            self.push_cells(&mut view, line, &mut steps);
            let of_line = self.problem.supply.limits().filter(|(l, ..)| *l == line);
            for (_, channel, _) in of_line {
                if let Some(&range) = self.limits.get(&(line, channel)) {
                    self.steps(range, &mut steps);
                    limits.push((sku, channel, steps.clone()));
                }
            }
        }
        let mut supply = Supply::new(view);
        for (sku, channel, steps) in limits {
            supply.limit(sku, channel, steps);
        }
        supply
    }

    fn push_cells(&self, view: &mut StockView, line: usize, steps: &mut Vec<Step>) {
        let cells = &self.cells[self.lines[line] as usize..self.lines[line + 1] as usize];
        for &(location, range) in cells {
            self.steps(range, steps);
            let Some((now, later)) = steps.split_first() else {
                continue;
            };
            if now.qty.0 > 0 || !later.is_empty() {
                view.push_cell(location, now.qty, later);
            }
        }
    }
}
