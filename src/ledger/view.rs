//! What the router sees of the stock: a copy of what may be promised, taken under the locks.
//!
//! A view is reused from order to order so that gathering allocates nothing once warm.

use crate::model::{EpochMillis, LocationId, Qty, SkuId};

/// Units that may be promised from some moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// From when.
    pub from: EpochMillis,
    /// ATP at that moment (cumulative: it includes everything promisable earlier).
    pub qty: Qty,
}

/// What one location may promise of one SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The location.
    pub location: LocationId,
    /// ATP at the moment of the view.
    pub now: Qty,
    /// Later, larger ATP: a range of [`StockView::steps`]; empty for most positions.
    later: (u32, u32),
}

impl Cell {
    /// Whether more becomes promisable later.
    #[inline]
    #[must_use]
    pub fn grows(&self) -> bool {
        self.later.0 != self.later.1
    }
}

/// One SKU of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    sku: SkuId,
    cells: (u32, u32),
    limit: (u32, u32),
    limited: bool,
}

/// What may be promised of several SKUs, by location and time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StockView {
    lines: Vec<Line>,
    cells: Vec<Cell>,
    steps: Vec<Step>,
}

impl StockView {
    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.cells.clear();
        self.steps.clear();
    }

    /// Number of SKUs in it, in the order they were asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether it holds no SKU.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Which SKU stands at `line`.
    #[must_use]
    pub fn sku(&self, line: usize) -> SkuId {
        self.lines[line].sku
    }

    /// Locations that may promise at least one unit of the SKU at `line`, now or later, by
    /// ascending location.
    #[must_use]
    pub fn cells(&self, line: usize) -> &[Cell] {
        let (start, end) = self.lines[line].cells;
        &self.cells[start as usize..end as usize]
    }

    /// The larger amounts that become promisable at `cell` later: ascending in time and amount,
    /// all after the moment of the view. A cell with nothing now but later supply has
    /// `now == 0`.
    #[must_use]
    pub fn later(&self, cell: &Cell) -> &[Step] {
        &self.steps[cell.later.0 as usize..cell.later.1 as usize]
    }

    /// Whether anything at all may become promisable later.
    #[inline]
    #[must_use]
    pub fn grows(&self) -> bool {
        !self.steps.is_empty()
    }

    /// The most that all locations together may promise of the SKU at `line` by time, when a
    /// channel allocation limits it: the first step is the moment of the view. `None` is
    /// unlimited. Cells are already cut to it one by one; a plan that draws from several
    /// locations has to keep the sum of what it needs by any moment within it.
    #[must_use]
    pub fn limit(&self, line: usize) -> Option<&[Step]> {
        let line = &self.lines[line];
        line.limited
            .then(|| &self.steps[line.limit.0 as usize..line.limit.1 as usize])
    }

    /// Starts the next SKU; its cells are added next.
    pub fn push_line(&mut self, sku: SkuId) {
        let at = end_of(&self.cells);
        self.lines.push(Line {
            sku,
            cells: (at, at),
            limit: (0, 0),
            limited: false,
        });
    }

    /// Adds a location to the SKU started last. Locations come in ascending order; `later` holds
    /// only steps larger than `now`, ascending.
    pub fn push_cell(&mut self, location: LocationId, now: Qty, later: &[Step]) {
        let range = self.keep(later);
        self.cells.push(Cell {
            location,
            now,
            later: range,
        });
        let end = end_of(&self.cells);
        if let Some(line) = self.lines.last_mut() {
            line.cells.1 = end;
        }
    }

    /// Limits the SKU started last; see [`StockView::limit`].
    pub fn push_limit(&mut self, steps: &[Step]) {
        let range = self.keep(steps);
        if let Some(line) = self.lines.last_mut() {
            line.limit = range;
            line.limited = true;
        }
    }

    /// Adds a SKU of another view as it stands there.
    pub fn push_copy(&mut self, from: &Self, line: usize) {
        self.push_line(from.sku(line));
        for cell in from.cells(line) {
            self.push_cell(cell.location, cell.now, from.later(cell));
        }
        if let Some(limit) = from.limit(line) {
            self.push_limit(limit);
        }
    }

    fn keep(&mut self, steps: &[Step]) -> (u32, u32) {
        if steps.is_empty() {
            return (0, 0);
        }
        let start = end_of(&self.steps);
        self.steps.extend_from_slice(steps);
        (start, end_of(&self.steps))
    }
}

fn end_of<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("a view holds at most lines × locations × arrivals cells")
}
